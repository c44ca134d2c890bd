from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from support.truth import OWN, WRITTEN_DOWN

from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_words import normalise
from tap_flipkart_reports.planning import report_type as report_type_module
from tap_flipkart_reports.planning.parameters import filled_in, placeholders_in
from tap_flipkart_reports.planning.record_schema import record_schema
from tap_flipkart_reports.planning.report_type import ReportTable
from tap_flipkart_reports.planning.table_schema import TableSchema, table_schema
from tap_flipkart_reports.planning.window_rules import WindowKind
from tap_flipkart_reports.report_types import REPORT_TYPES, TABLES, UNIDENTIFIED, tables_of
from tap_flipkart_reports.settings.overrides import ReportTypeReader
from tap_flipkart_reports.settings.schema import MAX_NAME_LENGTH
from tap_flipkart_reports.tap import TapFlipkartReports
from tap_flipkart_reports.windows import Window

SCHEMAS = Path(__file__).parent.parent / "schemas"
ALL_TABLES = {table.stream: table for name in (*REPORT_TYPES, *UNIDENTIFIED) for table in tables_of(name)}
MAY = Window(date(2026, 5, 1), date(2026, 5, 31))


def parameters(name: str) -> dict[str, object]:
    return filled_in(REPORT_TYPES[name].parameters, window=MAY, seller_id="acme", warehouse_id="blr_wfld")


def test_every_published_report_type_is_there() -> None:
    assert set(REPORT_TYPES) == {
        "gst_returns_report",
        "sales_ledger",
        "settled_transaction_ledger",
        "financial_year_ledger",
        "fbf_orders_report",
        "stranded_inventory_report",
        "current_inventory_report",
        "unsellable_inventory_report",
        "returns_report",
        "orders_report",
        "mir_ledger",
        "stock_ledger",
        "inventory_report",
    }


def test_every_table_of_more_than_a_schema_is_of_a_report_type() -> None:
    assert set(TABLES) <= {*REPORT_TYPES, *UNIDENTIFIED}


def test_every_table_has_its_schema_file_and_no_file_is_left_over() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(ALL_TABLES)


def test_every_published_table_is_a_stream() -> None:
    settlement = "mp_fee_rebate non_order_spf storage_recall value_added_services support_services fines ads tds"
    settlement += (
        " review_accelerator_services insight_subscription_services google_ads_services tcs_recovery gst_details"
    )
    for name, others in {
        "sales_ledger": "cash_back",
        "settled_transaction_ledger": settlement,
        "financial_year_ledger": settlement,
        "gst_returns_report": "section_5b section_7b2 section_12 section_13 gstr8_section_3 section_10a1 section_10b1",
        "profit_and_loss": "orders",
    }.items():
        first, *rest = tables_of(name)
        assert first.stream == name
        assert {table.stream for table in rest} == {f"{name}_{other}" for other in others.split()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sales_ledger", {"from_date": "2026-05-01", "to_date": "2026-05-31"}),
        ("mir_ledger", {"warehouse_id": "blr_wfld", "month": "May", "year": 2026}),
        ("stock_ledger", {"warehouse_id": "blr_wfld", "from_date": "2026-05-01", "to_date": "2026-05-31"}),
        ("inventory_report", {"warehouse_id": "blr_wfld"}),
    ],
)
def test_parameters_are_those_of_the_api_reference(name: str, expected: dict[str, object]) -> None:
    filled = parameters(name)
    assert filled == expected
    assert json.dumps(filled) == json.dumps(expected)


def test_a_placeholder_inside_a_text_is_printed_and_anything_else_passes() -> None:
    template = {"label": "{seller_id}: {from_date}", "nested": {"months": ["{month}", 7]}, "flag": True}
    assert filled_in(template, window=MAY, seller_id="acme", warehouse_id=None) == {
        "label": "acme: 2026-05-01",
        "nested": {"months": [5, 7]},
        "flag": True,
    }
    assert placeholders_in(template) == {"seller_id", "from_date", "month"}


@pytest.mark.parametrize("stream", ALL_TABLES)
def test_schemas_stay_within_what_targets_can_take(stream: str) -> None:
    document = json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))
    assert "multipleOf" not in json.dumps(document)
    for column, schema in table_schema(stream).properties.items():
        assert set(schema) <= {"title", "type", "format", "description", "aliases"}, column
        assert set(schema["type"]) <= {"string", "number", "integer", "null"}, column
        assert column == column.lower()
        assert "-" not in column


@pytest.mark.parametrize("stream", ALL_TABLES)
def test_every_stream_and_every_column_is_described_in_words_of_its_own(stream: str) -> None:
    report_type, table = next(
        (kind, table)
        for kind in {**REPORT_TYPES, **UNIDENTIFIED}.values()
        for table in kind.tables
        if table.stream == stream
    )
    schema = record_schema(report_type, table)
    assert len(schema["description"].split()) > 5
    for name, column in schema["properties"].items():
        words, _, basis = column["description"].rpartition(". Seen ")
        if name in table.schema.properties:
            assert basis, name
            assert words == table.schema.properties[name]["description"]
        own = words or column["description"]
        assert own[0] == own[0].upper(), name
        assert not own.endswith("."), name
        assert normalise(own) not in {normalise(column.get("title", "")), normalise(name)}, name
        assert len(own.split()) >= 3, name


def test_a_schema_as_inspect_drafts_it_is_described_by_its_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    drafted = TableSchema(properties={"gift_wrap": {"title": "Gift Wrap? ", "type": ["string", "null"]}})
    monkeypatch.setattr(report_type_module, "table_schema", lambda _stream: drafted)
    table = ReportTable(stream="gifts", title="Gifts")
    assert table.properties["gift_wrap"]["description"] == "Column 'Gift Wrap?' of the file"
    assert table.description == "Table Gifts: each header of the file becomes a column of text"


def test_no_two_columns_of_a_table_have_the_same_description() -> None:
    for stream in ALL_TABLES:
        words = Counter(schema["description"] for schema in table_schema(stream).properties.values())
        assert [text for text, count in words.items() if count > 1] == [], stream


@pytest.mark.parametrize("stream", ALL_TABLES)
def test_texts_in_keys_have_a_length_of_which_an_index_can_be_made(stream: str) -> None:
    report_type, table = next(
        (kind, table)
        for kind in {**REPORT_TYPES, **UNIDENTIFIED}.values()
        for table in kind.tables
        if table.stream == stream
    )
    properties = record_schema(report_type, table)["properties"]
    key = report_type.key_properties(table)
    lengths = {
        name: properties[name]["maxLength"]
        for name in key
        if "string" in properties[name]["type"] and "format" not in properties[name]
    }
    assert 4 * sum(lengths.values()) + 4 <= 3072  # bytes of UTF-8 in an index of MySQL, whose limit is the lowest
    assert properties["seller_id"]["maxLength"] == MAX_NAME_LENGTH
    assert lengths.get("_row_hash", 32) == 32


@pytest.mark.parametrize("stream", ALL_TABLES)
def test_two_columns_read_the_same_only_where_the_file_has_one_header_twice(stream: str) -> None:
    names = Counter(
        name for column in ALL_TABLES[stream].columns for name in set(map(normalise, (column.header, *column.aliases)))
    )
    twice = {normalise("Bank Settlement [Projected] (INR)")} if stream.startswith("profit_and_loss") else set()
    assert {name for name, columns in names.items() if columns > 1} == twice


@pytest.mark.parametrize("stream", ALL_TABLES)
def test_the_words_about_columns_are_about_columns(stream: str) -> None:
    table, schema = ALL_TABLES[stream], table_schema(stream)
    for names in (table.key, table.fill_down, table.dated_by, schema.seen_once):
        assert set(names) <= set(schema.properties)
    document = json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))
    for layout in document.get("layouts", {}).values():
        assert set(layout) <= {"seen", "without"}
        assert set(layout.get("without", ())) < set(document["properties"])
    assert set().union(*(layout.columns for layout in schema.layouts)) == set(schema.properties)


@pytest.mark.parametrize("stream", ALL_TABLES)
def test_a_file_of_any_known_layout_lacks_no_column_and_has_no_new_one(stream: str) -> None:
    table = ALL_TABLES[stream]
    for layout in table.schema.layouts:
        header = [column.header for column in table.columns if column.name in layout.columns]
        match = match_header(header, table.columns, reserved=(), layouts=table.layouts)
        assert (match.missing, match.new, match.unnamed) == ((), (), ()), layout.name
        assert {column.name for _, column in match.placed} == layout.columns


@pytest.mark.parametrize("stream", ALL_TABLES)
def test_only_key_columns_are_never_null(stream: str) -> None:
    table = ALL_TABLES[stream]
    assert set(table.key) <= set(table.properties)
    for column, schema in table.properties.items():
        assert ("null" in schema["type"]) != (column in table.key), column


@pytest.mark.parametrize("name", [*REPORT_TYPES, *UNIDENTIFIED])
def test_rows_without_a_natural_key_never_come_in_windows_that_change_unless_they_say_where_they_belong(
    name: str,
) -> None:
    report_type = {**REPORT_TYPES, **UNIDENTIFIED}[name]
    for table in report_type.tables:
        key = report_type.key_properties(table)
        if report_type.rule.kind is WindowKind.DAYS and not table.key:
            assert table.dated_by, table.stream
            assert key == ("seller_id", "_row_hash", "_row_ordinal")
        elif not table.key:
            assert {"report_from_date", "snapshot_date"} & set(key), table.stream


def test_a_key_of_columns_that_a_published_table_does_not_have_is_another_tables() -> None:
    assert tables_of("profit_and_loss", key=("order_item_id",)) == (
        ReportTable(stream="profit_and_loss", title="profit_and_loss", key=("order_item_id",)),
    )
    first, *rest = tables_of("profit_and_loss", key=("sku_id",))
    assert (first.key, [table.stream for table in rest]) == (("sku_id",), ["profit_and_loss_orders"])
    assert first.properties["sku_id"]["type"] == ["string"]


# What is written down


@pytest.mark.parametrize("stream", WRITTEN_DOWN)
def test_names_types_and_keys_are_those_that_were_written_down(stream: str) -> None:
    written = WRITTEN_DOWN[stream]
    catalog = json.loads(TapFlipkartReports(validate_config=False).catalog_json_text)
    (entry,) = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream]
    assert entry["key_properties"] == ["seller_id", *written["key"], "_row_ordinal"]
    types = {name: kind for _, name, kind in written["columns"]}
    properties = {name: schema for name, schema in entry["schema"]["properties"].items() if name not in OWN - {*types}}
    kinds = {
        name: schema.get("format") or next(kind for kind in schema["type"] if kind != "null")
        for name, schema in properties.items()
    }
    assert kinds == types
    assert {name for name, schema in properties.items() if "null" not in schema["type"]} == set(written["key"])
    assert REPORT_TYPES[stream].identifier == written["identifier"]


# Sheets that are declared


def test_declared_sheets_are_streams_of_the_report_that_is_bought_anyway() -> None:
    entry = {"name": "loans", "identifier": "settled_transaction_ledger", "sheets": ["Loan*"]}
    reader = ReportTypeReader({"custom_reports": [entry]})
    types = reader.read()
    assert reader.errors == []
    assert "loans" not in types
    settled = types["settled_transaction_ledger"]
    assert settled.streams == (*REPORT_TYPES["settled_transaction_ledger"].streams, "loans")
    assert settled.rule == ReportTypeReader({}).read()["settled_transaction_ledger"].rule
    assert settled.key_properties(settled.tables[-1]) == ("seller_id", "report_from_date", "_row_hash", "_row_ordinal")


def test_declared_sheets_of_a_report_the_tap_does_not_know_need_a_window() -> None:
    entry = {"name": "loans", "identifier": "loan_ledger", "sheets": ["Loan*"]}
    reader = ReportTypeReader({"custom_reports": [entry]})
    reader.read()
    assert reader.errors == ["custom_reports: 'loans' needs its `window`: days, month, financial_year, snapshot"]
    types = ReportTypeReader({"custom_reports": [{**entry, "window": "month"}]}).read()
    assert types["loans"].tables[0].sheets == ("Loan*",)
