from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tap_flipkart_reports.report_types import REPORT_TYPES, filled_in, placeholders_in, table_schema
from tap_flipkart_reports.rows import normalise
from tap_flipkart_reports.windows import Window, WindowKind

SCHEMAS = Path(__file__).parent.parent / "schemas"
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


def test_every_report_type_has_its_schema_file_and_no_file_is_left_over() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(REPORT_TYPES)


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


@pytest.mark.parametrize("name", REPORT_TYPES)
def test_schemas_stay_within_what_targets_can_take(name: str) -> None:
    document = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    assert "multipleOf" not in json.dumps(document)
    for column, schema in document["properties"].items():
        assert set(schema) <= {"title", "type", "format", "description", "aliases"}, column
        assert set(schema["type"]) <= {"string", "number", "integer", "null"}, column
        assert column == column.lower()
        assert "-" not in column


@pytest.mark.parametrize("name", REPORT_TYPES)
def test_the_headers_of_a_schema_stay_apart_when_normalised(name: str) -> None:
    headers = [normalise(column.header) for column in table_schema(name).columns()]
    assert len(set(headers)) == len(headers)


@pytest.mark.parametrize("name", REPORT_TYPES)
def test_key_columns_are_in_the_schema_never_null_and_nothing_else_is_required(name: str) -> None:
    report_type, properties = REPORT_TYPES[name], table_schema(name).properties
    assert set(report_type.key) <= set(properties)
    for column, schema in properties.items():
        assert ("null" in schema["type"]) != (column in report_type.key), column


def test_a_report_without_a_natural_key_is_never_cut_from_the_bookmark() -> None:
    """Its rows are told apart within a window, so a window must keep its first day."""
    for report_type in REPORT_TYPES.values():
        assert bool(report_type.key) or report_type.rule.kind is not WindowKind.DAYS, report_type.name
