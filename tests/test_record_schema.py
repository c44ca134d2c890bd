"""The schema of records: which of the tap's own columns a stream has, and in which form values go out."""

from __future__ import annotations

from typing import Any

import pytest

from tap_flipkart_reports.files.columns import MAX_KEY_LETTERS
from tap_flipkart_reports.planning.assumptions import ASSUMPTIONS, Topic, assumption_on
from tap_flipkart_reports.planning.parameters import DATE_RANGE, WAREHOUSE
from tap_flipkart_reports.planning.record_schema import ColumnForms, new_column, record_schema
from tap_flipkart_reports.planning.report_type import ReportTable, ReportType
from tap_flipkart_reports.planning.window_rules import WindowKind, WindowRule

OF_EVERY_RECORD = {
    *("seller_id", "report_id", "report_from_date", "report_to_date", "report_row_number"),
    *("_extra", "_unparsed", "_row_ordinal"),
}


def schema_type(**members: Any) -> ReportType:
    own: dict[str, Any] = {
        "name": "mine",
        "title": "Mine",
        "identifier": "mine",
        "rule": WindowRule(kind=WindowKind.DAYS),
        "parameters": DATE_RANGE,
        "tables": (),
    }
    return ReportType(**(own | members))


def schema(table: ReportTable | None = None, forms: ColumnForms | None = None, **members: Any) -> dict[str, Any]:
    """The record schema of a report type whose one table no schema file describes."""
    table = table or ReportTable(stream="mine", title="Mine", key=("order_id",))
    report_type = schema_type(tables=(table,), **members)
    return record_schema(report_type, table, forms) if forms else record_schema(report_type, table)


def own_columns(**members: Any) -> set[str]:
    return set(schema(**members)["properties"]) - OF_EVERY_RECORD


def test_a_schema_is_an_object_that_says_what_a_row_is() -> None:
    document = schema()
    assert (document["type"], set(document)) == ("object", {"type", "description", "properties"})
    assert document["description"] == "Table Mine: each header of the file becomes a column of text"
    assert set(document["properties"]) >= OF_EVERY_RECORD


def test_columns_of_the_taps_own_are_there_where_they_say_something() -> None:
    assert own_columns() == {"order_id"}
    assert own_columns(parameters={**WAREHOUSE, **DATE_RANGE}) == {"order_id", "warehouse_id"}
    assert own_columns(rule=WindowRule(kind=WindowKind.SNAPSHOT)) == {"order_id", "snapshot_date"}
    assert own_columns(table=ReportTable(stream="mine", title="Mine")) == {"_row_hash"}


def test_a_table_with_payouts_says_which_rows_are_provisional() -> None:
    payouts = ReportTable(stream="settled_transaction_ledger", title="Orders")
    assert payouts.payout_column is not None
    assert "is_provisional" in own_columns(table=payouts)


def test_a_part_of_a_key_that_no_schema_declares_is_text_of_a_bounded_length() -> None:
    assert schema()["properties"]["order_id"] == {
        "title": "order_id",
        "type": ["string"],
        "maxLength": MAX_KEY_LETTERS,
        "description": "Part of the key that the settings give; text",
    }


def test_a_day_in_a_key_has_no_length() -> None:
    keyed = ReportTable(stream="sales_ledger", title="Sales", key=("order_date", "order_id"))
    assert keyed.properties["order_date"]["format"] == "date"
    assert "maxLength" not in keyed.properties["order_date"]
    assert keyed.properties["order_id"]["maxLength"] == MAX_KEY_LETTERS


def test_the_key_of_a_record_names_seller_warehouse_and_day_where_there_are_such() -> None:
    keyed, unkeyed = ReportTable(stream="mine", title="Mine", key=("order_id",)), ReportTable(stream="mine", title="M")
    of_warehouses = schema_type(parameters={**WAREHOUSE, **DATE_RANGE})
    of_days = schema_type(rule=WindowRule(kind=WindowKind.SNAPSHOT))
    assert schema_type().key_properties(keyed) == ("seller_id", "order_id", "_row_ordinal")
    assert set(of_warehouses.key_properties(keyed)) == {"seller_id", "warehouse_id", "order_id", "_row_ordinal"}
    assert set(of_days.key_properties(keyed)) == {"seller_id", "snapshot_date", "order_id", "_row_ordinal"}
    assert "warehouse_id" in of_warehouses.key_properties(unkeyed)
    assert "order_id" not in of_warehouses.key_properties(unkeyed)


def test_a_column_that_a_file_brings_is_text() -> None:
    assert new_column("New Fee (Rs.)") == {
        "title": "New Fee (Rs.)",
        "type": ["string", "null"],
        "description": "Column of the file that no schema declares; its cells as text",
    }


@pytest.mark.parametrize(
    ("forms", "extra", "amount"),
    [
        (ColumnForms(), ["object", "null"], ["number", "null"]),
        (ColumnForms(objects_are_text=True), ["string", "null"], ["number", "null"]),
        (ColumnForms(amounts_are_text=True), ["object", "null"], ["string", "null"]),
    ],
)
def test_objects_and_amounts_go_out_as_the_settings_say(
    forms: ColumnForms, extra: list[str], amount: list[str]
) -> None:
    properties = schema(table=ReportTable(stream="sales_ledger", title="Sales"), forms=forms)["properties"]
    as_they_are = schema(table=ReportTable(stream="sales_ledger", title="Sales"))["properties"]
    amounts = [name for name, column in as_they_are.items() if "number" in column["type"]]
    assert amounts
    assert properties["_extra"]["type"] == extra
    assert all(properties[name]["type"] == amount for name in amounts)
    assert properties["seller_id"] == as_they_are["seller_id"]
    assert properties["report_row_number"] == as_they_are["report_row_number"]
    told = "; an object as JSON text"
    assert properties["_extra"]["description"].endswith(told) is forms.objects_are_text
    if forms.amounts_are_text:
        column = properties[amounts[0]]
        assert (column["format"], column["precision"], column["scale"]) == ("x-singer.decimal", 38, 10)


def test_each_topic_has_its_assumption() -> None:
    assert [assumption_on(topic) for topic in Topic] == list(ASSUMPTIONS)
    assert [assumption.number for assumption in ASSUMPTIONS] == list(range(1, len(ASSUMPTIONS) + 1))
