"""Which rows of a sheet are its header, and which stream its table feeds."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_search import open_report
from tap_flipkart_reports.planning.report_type import ReportTable
from tap_flipkart_reports.planning.table_schema import table_schema
from tap_flipkart_reports.report_types import REPORT_TYPES, tables_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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


def test_every_sheet_of_a_settlement_is_known_by_name_or_header(tmp_path: Path) -> None:
    members = {table.title: [headers(table.stream), ["1"] * len(headers(table.stream))] for table in SETTLEMENT}
    found = read(tmp_path, zip_of(members), SETTLEMENT)
    assert {stream: len(tables) for stream, tables in found.items()} == {table.stream: 1 for table in SETTLEMENT}
    for table in SETTLEMENT:
        ((header, rows),) = found[table.stream]
        assert (list(header), rows) == (headers(table.stream), [["1"] * len(header)])


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


def test_both_layouts_of_returns_are_told_apart_by_their_header(tmp_path: Path) -> None:
    (table,) = tables_of("returns_report")
    for names in table.layouts:
        header = [schema["title"] for name, schema in table.properties.items() if name in names]
        titles = [title.title().replace("_", " ") for title in header]
        ((found, _),) = read(tmp_path, text_of([titles, ["1"] * len(titles)]), [table])["returns_report"]
        layout = match_header(found, table.columns, reserved=(), layouts=table.layouts)
        assert {column.name for _, column in layout.placed} == names
        assert (layout.missing, layout.new) == ((), ())


def test_a_table_that_is_none_of_the_reports_is_refused(tmp_path: Path) -> None:
    members = {"Sheet1": [["Colour", "Taste"], ["red", "sweet"]], "Sheet2": [["Size", "Weight"], ["1", "2"]]}
    with pytest.raises(RowError, match=r"no table of the file is one of this report.s: Sheet1\.csv has .Colour."):
        read(tmp_path, zip_of(members), SETTLEMENT)
