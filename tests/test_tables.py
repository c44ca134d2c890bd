"""Which rows of a sheet are its header, and which stream its table feeds."""

from __future__ import annotations

import csv
import io
import zipfile
from string import ascii_lowercase
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calls import counted_calls
from support.spreadsheets import workbook

from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_search import open_report
from tap_flipkart_reports.files.row_filter import RowCounts
from tap_flipkart_reports.files.row_keys import RowHashes
from tap_flipkart_reports.files.row_rules import RowRules
from tap_flipkart_reports.files.rows import read_rows
from tap_flipkart_reports.planning.report_type import ReportTable
from tap_flipkart_reports.planning.table_schema import table_schema
from tap_flipkart_reports.report_types import REPORT_TYPES, tables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

SETTLEMENT = tables_of("settled_transaction_ledger")
UNKNOWN = ReportTable(stream="any", title="Any")
Rows = list[list[str]]


def text_of(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def zip_of(members: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, rows in members.items():
            archive.writestr(f"{name}.csv", text_of(rows))
    return buffer.getvalue()


def headers(stream: str) -> list[str]:
    return [schema["title"] for schema in table_schema(stream).properties.values()]


def read(folder: Path, content: bytes, tables: Sequence[ReportTable]) -> dict[str, list[tuple[tuple[str, ...], Rows]]]:
    """Of each stream the headers and rows that feed it."""
    path = folder / "report"
    path.write_bytes(content)
    with open_report(path, tables) as report:
        return {
            table.stream: [
                (found.header, [row for batch in found.batches for row in batch.rows])
                for found in report.tables_for(table.stream)
            ]
            for table in tables
            if report.tables_for(table.stream)
        }


@pytest.mark.parametrize("name", REPORT_TYPES)
def test_a_bare_csv_feeds_the_first_table_of_its_report(tmp_path: Path, name: str) -> None:
    tables = tables_of(name)
    header = headers(tables[0].stream) or ["Some ID", "Some name", "7D"]
    row = [f"cell {number}" for number in range(len(header))]
    assert read(tmp_path, text_of([header, row]), tables) == {name: [(tuple(header), [row])]}


@pytest.mark.parametrize(
    ("report_type", "suffix"),
    [
        ("sales_ledger", "_cash_back"),
        ("settled_transaction_ledger", "_gst_details"),
        ("profit_and_loss", "_orders"),
        ("gst_returns_report", "_section_7b2"),
        ("gst_returns_report", "_section_10a1"),
    ],
)
def test_a_bare_csv_of_all_columns_of_another_table_is_not_the_first(
    tmp_path: Path, report_type: str, suffix: str
) -> None:
    stream = report_type + suffix
    (table,) = (table for table in tables_of(report_type) if table.stream == stream)
    for names in table.layouts or [{column.name for column in table.columns}]:
        header = [column.header for column in table.columns if column.name in names]
        rows = [["x"] * len(header)]
        assert read(tmp_path, text_of([header, *rows]), tables_of(report_type)) == {stream: [(tuple(header), rows)]}


def test_every_sheet_of_a_settlement_is_known_by_name_or_header(tmp_path: Path) -> None:
    members = {table.title: [headers(table.stream), ["1"] * len(headers(table.stream))] for table in SETTLEMENT}
    found = read(tmp_path, zip_of(members), SETTLEMENT)
    assert {stream: len(tables) for stream, tables in found.items()} == {table.stream: 1 for table in SETTLEMENT}
    for table in SETTLEMENT:
        ((header, rows),) = found[table.stream]
        assert (list(header), rows) == (headers(table.stream), [["1"] * len(header)])


def test_rows_below_a_header_that_is_beyond_doubt_are_not_looked_at(tmp_path: Path) -> None:
    def calls(rows: int) -> int:
        path = tmp_path / "report"
        path.write_bytes(text_of([headers("returns_report"), *[["x"] * 5] * rows]))
        with counted_calls() as calls_made, open_report(path, tables_of("returns_report")) as report:
            assert len(report.tables_for("returns_report")) == 1
        return calls_made.number

    calls(1)  # what is remembered of headers
    assert calls(200) < calls(20) + 100


def test_a_help_of_fifty_lines_above_a_header_of_three_rows_is_skipped(tmp_path: Path) -> None:
    titles = headers("settled_transaction_ledger")
    names, subs = zip(*(title.split(" / ") if " / " in title else (title, "") for title in titles), strict=True)
    # A merged cell has its text in its first column only.
    merged = [
        name if not sub or name != names[place - 1] else ""
        for place, (name, sub) in enumerate(zip(names, subs, strict=True))
    ]
    groups = ["Payment Details", *[""] * 7, "Transaction Summary", *[""] * (len(titles) - 9)]
    help_lines = [[f"{title}: what it means, in words"] for title in titles[:50]]
    rows = [["Settled Transaction Report"], [], *help_lines, ['He said "so"'], [], groups, merged, list(subs)]
    data = ["x"] * len(titles)
    content = text_of([*rows, data])
    found = read(tmp_path, content.replace(b'"He said ""so"""', b'He said "so", "or" not'), SETTLEMENT)
    ((header, read_rows),) = found["settled_transaction_ledger"]
    layout = match_header(header, SETTLEMENT[0].columns, reserved=())
    assert (layout.missing, layout.new) == ((), ())
    assert read_rows == [data]


def test_both_layouts_of_returns_are_distinguished_by_their_header(tmp_path: Path) -> None:
    (table,) = tables_of("returns_report")
    for names in table.layouts:
        header = [schema["title"] for name, schema in table.properties.items() if name in names]
        titles = [title.title().replace("_", " ") for title in header]
        ((found, _),) = read(tmp_path, text_of([titles, ["1"] * len(titles)]), [table])["returns_report"]
        layout = match_header(found, table.columns, reserved=(), layouts=table.layouts)
        assert {column.name for _, column in layout.placed} == names
        assert (layout.missing, layout.new) == ((), ())


def test_a_table_that_does_not_belong_to_the_report_is_refused(tmp_path: Path) -> None:
    members = {"Sheet1": [["Colour", "Taste"], ["red", "sweet"]], "Sheet2": [["Size", "Weight"], ["1", "2"]]}
    with pytest.raises(RowError, match=r"no table in the file belongs to this report: Sheet1\.csv has .Colour."):
        read(tmp_path, zip_of(members), SETTLEMENT)


# Headers, wherever they are and however many rows they have

HELP = ["Order ID: the number of an order", "Read this first", "Sale Amount, in rupees", "(c) made up"]


def three_rows() -> tuple[list[list[str]], list[str]]:
    """The header of a settlement's Orders, its groups, names and parts merged as in the real file; and a row."""
    titles = headers("settled_transaction_ledger")
    names, subs = zip(*(title.split(" / ") if " / " in title else (title, "") for title in titles), strict=True)
    merged = [
        name if not sub or place == 0 or name != names[place - 1] else ""
        for place, (name, sub) in enumerate(zip(names, subs, strict=True))
    ]
    groups = ["Payment Details", *[""] * 7, "Transaction Summary", *[""] * (len(titles) - 9)]
    row = ["NFT-1" if place == 0 else "OI:1" if name == "Order item ID" else "1" for place, name in enumerate(names)]
    return [groups, merged, list(subs)], row


@given(
    above=st.lists(st.sampled_from([[], *([text] for text in HELP), ["Title"], ["Title", "August"]]), max_size=80),
    is_blank_before=st.booleans(),
    rows=st.integers(1, 5),
    repeated=st.booleans(),
    form=st.sampled_from(["text", "workbook"]),
)
def test_a_header_of_three_rows_is_found_below_any_text(  # noqa: PLR0913 - each is a trait of the file that varies
    tmp_path_factory: pytest.TempPathFactory,
    *,
    above: Rows,
    is_blank_before: bool,
    rows: int,
    repeated: bool,
    form: str,
) -> None:
    header, row = three_rows()
    data = [row] * rows + (header if repeated else []) + [row]
    grid = [*above, *([[]] if is_blank_before else []), *header, *data]
    width = len(row)
    path = tmp_path_factory.mktemp("any") / "report"
    content = (
        text_of(grid)
        if form == "text"
        else workbook({"Orders": [[*line, *[""] * (width - len(line))] for line in grid]})
    )
    path.write_bytes(content)
    with open_report(path, SETTLEMENT) as report:
        (table,) = report.tables_for("settled_transaction_ledger")
        layout = match_header(table.header, SETTLEMENT[0].columns, reserved=())
        assert (layout.new, layout.unnamed) == ((), ())
        counts = RowCounts()
        rules = RowRules(bad_rows="fail", max_bad_rows=0, bad_cells="keep", schema_drift="evolve")
        batches = list(read_rows(table, layout, selected=None, rules=rules, identity=RowHashes(), counts=counts))
    assert sum(batch.count for batch in batches) == rows + 1
    assert counts.dropped == (3 if repeated else 0)


@pytest.mark.parametrize(
    "below",
    [
        lambda place, _labelled: str(place + 1),
        lambda _place, labelled: f"({labelled})",
        lambda place, _labelled: f"How {ascii_lowercase[place % 26]} and {ascii_lowercase[place // 26]} come about",
    ],
    ids=["places", "numbers", "words"],
)
def test_a_row_that_explains_or_counts_columns_is_of_the_header_and_parts_no_column_from_its_group(
    tmp_path: Path, below: Callable[[int, int], str]
) -> None:
    header, row = three_rows()
    rows = [[*line[:5], "", *line[5:]] for line in (*header, row)]
    labelled = [place for place in range(len(rows[0])) if place != 5]
    explained = ["" if place == 5 else below(place, labelled.index(place) + 1) for place in range(len(rows[0]))]
    path = tmp_path / "report"
    path.write_bytes(workbook({"Orders": [*rows[:-1], explained, rows[-1]]}))
    with open_report(path, SETTLEMENT) as report:
        (table,) = report.tables_for("settled_transaction_ledger")
        layout = match_header(table.header, SETTLEMENT[0].columns, reserved=())
        assert (layout.new, layout.missing) == ((), ())
        assert [found for batch in table.batches for found in batch.rows] == [rows[-1]]


@pytest.mark.parametrize("form", ["text", "workbook"])
@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([["Group", "", ""], ["SKU ID", "Rate", "Sold"], ["a", "5", "7"]], ["SKU ID", "Rate", "Sold"]),
        ([["Stock", "Stock"], ["Opening", "Closing"], ["1", "2"], ["3", "4"]], ["Opening", "Closing"]),
        (
            [["FSN", "Fees", "", "Taxes", ""], ["", "Base", "Total", "Base", "Total"], ["x", "1", "2", "3", "4"]],
            ["FSN", "Fees / Base", "Fees / Total", "Taxes / Base", "Taxes / Total"],
        ),
        ([["A title"], ["FSN", "Sold"], ["x", "1"]], ["FSN", "Sold"]),
        ([["FSN", "Sold"], ["(text)", "(number)"], ["x", "1"], ["y", "2"]], ["(text)", "(number)"]),
        ([["Name", "Town"], ["Asha", "Pune"], ["Ravi", "Delhi"]], ["Name", "Town"]),
        (
            [
                ["A", "B", "C", "D", "E", "F"],
                ["(1)", "(2)", "(3)", "(4)", "(5)", "(6)"],
                ["x", "7", "7", "7", "7", "7"],
            ],
            ["A", "B", "C", "D", "E", "F"],
        ),
    ],
)
def test_a_header_of_unknown_columns_is_found_with_all_its_rows(
    tmp_path: Path, form: str, rows: Rows, names: list[str]
) -> None:
    width = max(map(len, rows))
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    path = tmp_path / "report"
    path.write_bytes(text_of(padded) if form == "text" else workbook({"Sheet1": padded}))
    with open_report(path, [UNKNOWN]) as report:
        (table,) = report.tables_for("any")
        found = [row for batch in table.batches for row in batch.rows]
    assert list(table.header) == names
    assert found == [row for row in padded if row[-1].isdecimal() or row[0] in {"Asha", "Ravi"}]


def test_unknown_parts_of_a_known_name_are_not_a_record(tmp_path: Path) -> None:
    names = headers("settled_transaction_ledger_tds")
    rows = [
        names,
        ["", "", "Total (Rs.)", *[""] * (len(names) - 3)],
        ["N", "2026-10-01", "5", *["x"] * (len(names) - 3)],
    ]
    path = tmp_path / "report"
    path.write_bytes(workbook({"TDS": rows}))
    with open_report(path, SETTLEMENT) as report:
        (table,) = report.tables_for("settled_transaction_ledger_tds")
        assert list(table.header) == names
        assert [row for batch in table.batches for row in batch.rows] == rows[2:]


# Sheets


def sheet(stream: str, rows: int = 1) -> Rows:
    """A sheet of a stream's columns."""
    header = headers(stream)
    return [header, *[["1"] * len(header) for _ in range(rows)]]


def streams_of(
    folder: Path, sheets: Mapping[str, Rows], tables: Sequence[ReportTable]
) -> tuple[dict[str, int], list[tuple[str | None, str | None]]]:
    path = folder / "report"
    path.write_bytes(workbook(sheets))
    with open_report(path, tables) as report:
        found = {table.stream: len(report.tables_for(table.stream)) for table in tables}
        return {stream: count for stream, count in found.items() if count}, [
            (table.name, table.like) for table in report.unmatched
        ]


def test_a_sheet_with_another_name_feeds_no_stream_if_the_sheet_it_is_like_is_there(tmp_path: Path) -> None:
    gst = tables_of("gst_returns_report")
    sheets = {"Section 7(A)(2) in GSTR-1": sheet("gst_returns_report"), "Section 99(Z)": sheet("gst_returns_report")}
    assert streams_of(tmp_path, sheets, gst) == (
        {"gst_returns_report": 1},
        [("Section 99(Z)", "gst_returns_report")],
    )


def test_a_sheet_of_a_name_of_its_own_is_a_streams_that_has_no_other_if_its_columns_are_beyond_doubt(
    tmp_path: Path,
) -> None:
    orders = sheet("settled_transaction_ledger")
    fines = sheet("settled_transaction_ledger_fines")
    found, unmatched = streams_of(tmp_path, {"Bestellungen": orders, "Strafen": fines}, SETTLEMENT)
    assert found == {"settled_transaction_ledger": 1}
    assert [name for name, _ in unmatched] == ["Strafen"], "all sheets of services have the same columns"


def test_a_sheet_that_is_declared_feeds_a_table_of_unknown_columns(tmp_path: Path) -> None:
    loans = ReportTable(stream="loans", title="Loans", sheets=("Loan*",))
    sheets = {"Orders": sheet("settled_transaction_ledger"), "Loans 2026": [["Loan", "Rate"], ["a", "5"]]}
    assert streams_of(tmp_path, sheets, [*SETTLEMENT, loans]) == ({"settled_transaction_ledger": 1, "loans": 1}, [])


def test_a_name_that_is_merged_over_two_rows_is_in_no_group_on_its_left(tmp_path: Path) -> None:
    """The third row has the units of all amounts, so names and groups alike have a cell below them."""
    (table, _) = tables_of("profit_and_loss")
    groups: list[str] = []
    subs, units, values = [], [], []
    for column in table.columns:
        group, _, sub = column.header.partition(" / ")
        groups.append(group if [group] != [text for text in groups if text][-1:] or not sub else "")
        subs.append(sub)
        units.append("(INR)" if column.type == "number" and "%" not in column.header else "")
        values.append("x" if column.type == "string" else "1")
    ((header, rows),) = read(tmp_path, text_of([groups, subs, units, values]), [table])["profit_and_loss"]
    assert rows == [values]
    placed = match_header(header, table.columns, reserved=()).placed
    assert [column.name for _, column in placed] == [column.name for column in table.columns]


@pytest.mark.parametrize("value", ["3", ""])
def test_a_new_column_may_have_its_name_in_the_row_of_groups(tmp_path: Path, value: str) -> None:
    titles = headers("settled_transaction_ledger_google_ads_services")
    groups = ["Payment Details", *[""] * (len(titles) - 1), "Carbon"]
    rows = [groups, [*titles, ""], ["x"] * len(titles) + [value]]
    content = workbook({"Google Ads Services": rows})
    ((header, found),) = read(tmp_path, content, SETTLEMENT)["settled_transaction_ledger_google_ads_services"]
    assert header == (*titles, "Carbon" if value else "")
    assert found == rows[2:]


def test_a_title_is_not_the_name_of_a_column_without_one(tmp_path: Path) -> None:
    titles = headers("settled_transaction_ledger_fines")
    rows = [["Fines of July", *[""] * len(titles)], ["", *titles], ["1"] + ["x"] * len(titles)]
    ((header, _),) = read(tmp_path, workbook({"Fines": rows}), SETTLEMENT)["settled_transaction_ledger_fines"]
    assert header == ("", *titles)


# Sheets without a header of their own


HEADER_OF_ORDERS = [column.header for column in tables_of("orders_report")[0].columns]


def rows_of_orders(*numbers: int) -> Rows:
    columns = tables_of("orders_report")[0].columns
    texts = {"string": "x", "integer": "{}", "number": "{}.5", "date-time": "2026-05-{:02} 10:00:00"}
    return [[texts[column.type].format(number) for column in columns] for number in numbers]


@pytest.mark.parametrize("make", [workbook, zip_of], ids=["workbook", "zip"])
def test_a_part_without_a_header_continues_the_rows_before_it(
    tmp_path: Path, make: Callable[[Mapping[str, Rows]], bytes]
) -> None:
    content = make(
        {
            "Orders-1": [HEADER_OF_ORDERS, *rows_of_orders(1)],
            "Orders-2": rows_of_orders(2, 3),
            "Orders-3": [HEADER_OF_ORDERS, *rows_of_orders(4)],
            "Orders-4": rows_of_orders(5),
        }
    )
    assert read(tmp_path, content, tables_of("orders_report")) == {
        "orders_report": [(tuple(HEADER_OF_ORDERS), rows_of_orders(*numbers)) for numbers in ([1], [2, 3], [4], [5])]
    }


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("Orders-2", [row[:-1] for row in rows_of_orders(2)]),
        ("Orders-2", [["what it is"] * len(HEADER_OF_ORDERS)]),
        ("Orders-2", [["a title"], *rows_of_orders(2)]),
    ],
    ids=["narrower", "words", "title"],
)
def test_a_sheet_that_may_be_something_else_does_not_go_on(tmp_path: Path, name: str, rows: Rows) -> None:
    sheets = {"Orders-1": [HEADER_OF_ORDERS, *rows_of_orders(1)], name: rows}
    found, unmatched = streams_of(tmp_path, sheets, tables_of("orders_report"))
    assert (found, [sheet_name for sheet_name, _ in unmatched]) == ({"orders_report": 1}, [name])


def test_a_sheet_with_a_name_of_its_own_does_not_go_on_where_names_are_known(tmp_path: Path) -> None:
    columns = tables_of("sales_ledger")[0].columns
    texts = {"string": "x", "number": "1.5", "date": "2026-05-01"}
    names, row = [column.header for column in columns], [texts[column.type] for column in columns]
    for name, tables in {"Sales Report 2": 2, "Sheet2": 2, "Withdrawn": 1}.items():
        found, _ = streams_of(tmp_path, {"Sales Report": [names, row], name: [row]}, tables_of("sales_ledger"))
        assert found == {"sales_ledger": tables}
