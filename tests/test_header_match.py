"""Matching survives what drifts between layouts, and never gives a value to another column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_flipkart_reports.files.columns import Column
from tap_flipkart_reports.files.header_match import match_header, nearest_column
from tap_flipkart_reports.files.header_words import lenient_forms, normalise
from tap_flipkart_reports.report_types import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_flipkart_reports.planning.report_type import ReportTable

DECLARED = [table for tables in TABLES.values() for table in tables if table.columns]


def placed(header: Sequence[str], columns: Sequence[Column]) -> dict[str, str]:
    """Of each column found, the header it was found by."""
    optional = [Column(name=c.name, header=c.header, type=c.type, aliases=c.aliases) for c in columns]
    return {column.name: header[place] for place, column in match_header(header, optional, reserved=()).placed}


DRIFTS: dict[str, Callable[[str], str]] = {
    "the same": lambda header: header,
    "upper case": str.upper,
    "spaces": lambda header: f" {header.replace(' ', '  ')}\n",
    "no spaces": lambda header: header.replace(" ", ""),
    "INR for Rs.": lambda header: re.sub(r"\bRs\.?", "INR", header),
    "no unit": lambda header: re.sub(r"\s*\(?\bRs\.?\)?", "", header),
    "another formula": lambda header: re.sub(r"SUM ?\([^)]*\)", "SUM(A:B)", header),
    "courier": lambda header: header.replace("Logistics", "Courier"),
    "plural": lambda header: re.sub(r"\b(Fee|Unit|Charge|Tax)\b", r"\1s", header),
    "no breakup": lambda header: header.replace(" (Breakup)", ""),
    "last part": lambda header: header.rpartition(" / ")[2],
}


@pytest.mark.parametrize("table", DECLARED, ids=lambda table: table.stream)
@settings(max_examples=20)
@given(data=st.data())
def test_renaming_by_unit_case_space_and_order_never_moves_a_value_to_another_column(
    table: ReportTable, data: st.DataObject
) -> None:
    columns = data.draw(st.lists(st.sampled_from(table.columns), unique_by=lambda column: column.name, min_size=1))
    drifts = [data.draw(st.sampled_from(sorted(DRIFTS))) for _ in columns]
    header = [DRIFTS[drift](column.header) for column, drift in zip(columns, drifts, strict=True)]
    found = placed(header, table.columns)
    for column, text in zip(columns, header, strict=True):
        owners = [name for name, found_text in found.items() if found_text is text]
        alike = {other.name for other in table.columns if normalise(other.header) == normalise(column.header)}
        alike |= {other.name for other in table.columns if text in {other.header, *other.aliases}}
        assert {*owners} <= {column.name, *alike}, (column.header, text, owners)


@pytest.mark.parametrize("table", DECLARED, ids=lambda table: table.stream)
@pytest.mark.parametrize("drift", ["upper case", "spaces", "no spaces", "INR for Rs.", "another formula", "no breakup"])
def test_a_column_that_alone_drifts_is_found_where_no_two_are_alike(table: ReportTable, drift: str) -> None:
    alike = [form.words for column in table.columns for form in lenient_forms(column.header)[:1]]
    for index, column in enumerate(table.columns):
        if alike.count(alike[index]) == 1:
            header = [other.header for other in table.columns]
            header[index] = DRIFTS[drift](column.header)
            assert placed(header, table.columns).get(column.name) == header[index], header[index]


@pytest.mark.parametrize("table", DECLARED, ids=lambda table: table.stream)
def test_a_file_may_call_the_columns_as_the_stream_does(table: ReportTable) -> None:
    names = [column.name for column in table.columns]
    for spelt in (str, lambda name: name.replace("_", " ").title()):
        header = list(map(spelt, names))
        assert placed(header, table.columns) == dict(zip(names, header, strict=True))


@pytest.mark.parametrize(
    ("own", "found"),
    [
        ("Selling Price", "Selling Price (Rs.)"),
        ("Settlement Value", "Settlement Value (INR)"),
        ("RTO (Logistics Return)", "RTO (Courier Return)"),
        ("Returned Units (Breakup) / RTO (Logistics Return)", "RTO (Courier Return)"),
        ("Total Expenses (Breakup) / Commission Fee", "Expenses / Commission Fees (Rs.)"),
        ("Commission Rate", "Commission Rate (%)"),
        ("Bank Settlement Value (Rs.) \n= SUM(J:R)", "Bank Settlement Value\n= SUM(I:Q) + A1"),
        ("Taxable Value (Final Invoice Amount -Taxes)", "Taxable Value"),
        ("Dead Weight (In Kgs)", "Dead Wt. (kgs)"),
    ],
)
def test_what_drifts_does_not_part_a_value_from_its_column(own: str, found: str) -> None:
    assert placed(["Other", found], [Column(name="own", header=own)]) == {"own": found}


@pytest.mark.parametrize(
    ("columns", "header"),
    [
        (["CGST %"], ["CGST Amount Rs."]),
        (["CGST %"], ["CGST Rs."]),
        (["CGST %", "CGST Amount Rs."], ["CGST"]),
        (["TDS (Rs.)"], ["TDS", "TDS (INR)"]),
        (["Sale Amount / Total", "My Share / Total"], ["Total"]),
        (["Total Expenses / Rewards"], ["Total Benefits / Rewards"]),
        (["Amount (Tax)"], ["Amount (Fee)"]),
        (["Order Date"], ["Return Date"]),
        (["Group / Total"], ["Total"]),
    ],
)
def test_what_may_be_another_column_is_left_alone(columns: list[str], header: list[str]) -> None:
    assert placed(header, [Column(name=str(number), header=text) for number, text in enumerate(columns)]) == {}


@pytest.mark.parametrize(
    "names",
    [
        ["Offer Adjustment (Rs.)", "Offer Adjustments (Rs.)"],
        ["Group / Offer Adjustments (Rs.)", "Group / Offer Adjustment (Rs.)"],
        ["Bank Settlement (Rs.)", "Net Units", "Bank Settlement (Rs.)"],
    ],
    ids=["plural", "plural in a group", "twins"],
)
@pytest.mark.parametrize("unit", ["(INR)", "", "(in \u20b9)"])
def test_columns_that_are_alike_but_for_a_plural_or_their_order_survive_another_unit(
    names: list[str], unit: str
) -> None:
    header = [name.replace("(Rs.)", unit) for name in names]
    columns = [Column(name=str(number), header=name) for number, name in enumerate(names)]
    assert placed(header, columns) == {str(number): text for number, text in enumerate(header)}


def test_a_new_column_is_reported_with_the_known_one_it_is_most_like() -> None:
    columns = [Column(name="shipping_fee", header="Shipping Fee"), Column(name="quantity", header="Quantity")]
    nearest = nearest_column("Forward Shipping Fee", columns)
    assert nearest is not None
    assert nearest.name == "shipping_fee"
    assert nearest_column("Colour", columns) is None
    assert nearest_column("x" * 10**6, columns) is None
