"""Workbooks: what their cells say, what calamine does not, and what would fill the memory."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.spreadsheets import Page, Raw, error, formula, workbook, zip_of

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files import xlsx as workbooks
from tap_flipkart_reports.files.containers import open_sheets
from tap_flipkart_reports.files.sheets import Batch, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.spreadsheets import Cell


def rows_of(folder: Path, content: bytes) -> dict[str, list[tuple[int, list[str]]]]:
    """Of each sheet the lines that are not blank, and their cells."""
    path = folder / "report.xlsx"
    path.write_bytes(content)
    with open_sheets(path) as sheets:
        found: dict[str, list[Batch]] = {
            sheet.title or "": list(sheet.readings[0].batches(1, Tally())) for sheet in sheets
        }
    return {
        name: [pair for batch in batches for pair in zip(batch.lines, batch.rows, strict=True)]
        for name, batches in found.items()
    }


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(FileError) as caught:
        rows_of(folder, content)
    return str(caught.value)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("text", "text"),
        (" padded\nand broken ", " padded\nand broken "),
        ("00123", "00123"),
        (1.0, "1"),
        (-5, "-5"),
        (98.60599999999999, "98.606"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-7, "1E-07"),
        (437000000000004.0, "437000000000004"),
        (2.0**53, "9007199254740992"),
        (437000000000004123, "4.370000000000041E+17"),
        (True, "TRUE"),
        (False, "FALSE"),
        (date(2026, 8, 19), "2026-08-19"),
        (datetime(2026, 8, 19, 13, 45, 30), "2026-08-19 13:45:30"),  # noqa: DTZ001 - a workbook knows no zones
        (datetime(2026, 8, 19, 23, 59, 59), "2026-08-19 23:59:59"),  # noqa: DTZ001 - a workbook knows no zones
        (formula("A1", "5"), "5"),
        (formula("SUM(A1:B1)"), "=SUM(A1:B1)"),
        (formula('A1&"<"', ""), '=A1&"<"'),
        (Raw(inside='<f t="shared" si="0"/>'), "=(a formula)"),
        (error("#REF!"), "#REF!"),
        (error("#N/A"), "#N/A"),
        (Raw('t="e"', "<f>1/0</f><v>#DIV/0!</v>"), "#DIV/0!"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "x"])
def test_a_cell_says_what_a_text_file_would(tmp_path: Path, cell: Cell, text: str, prefix: str) -> None:
    if prefix and isinstance(cell, Raw):
        cell = Raw(cell.attributes, cell.inside.replace("</", "</x:").replace("<f", "<x:f").replace("<v", "<x:v"))
    content = workbook({"S": [["a", "b"], ["left", cell]]}, prefix=prefix)
    assert rows_of(tmp_path, content)["S"][1] == (2, ["left", text])


def test_rows_keep_their_lines_and_are_all_as_wide_as_the_widest(tmp_path: Path) -> None:
    pages: dict[str, Page | Sequence[Sequence[Cell]]] = {
        "Far": Page(at={"C3": "c", "B5": "b"}),
        "Blank": [[" ", None], ["", ""]],
        "None": Page(),
    }
    assert rows_of(tmp_path, workbook(pages)) == {
        "Far": [(3, ["", "", "c"]), (5, ["", "b", ""])],
        "Blank": [],
        "None": [],
    }


def test_formulas_beyond_the_last_value_are_rows_too(tmp_path: Path) -> None:
    content = workbook({"S": Page(rows=[["a"]], at={"C4": formula("A1")})})
    assert rows_of(tmp_path, content)["S"] == [(1, ["a", "", ""]), (4, ["", "", "=A1"])]


@pytest.mark.parametrize("dimension", ["A1", "A1:B2", "A1:XFD1048576"])
def test_the_extent_that_a_sheet_claims_does_not_matter(tmp_path: Path, dimension: str) -> None:
    rows = [["a", "b", "c"], ["1", "2", "3"], ["4", "5", "6"]]
    found = rows_of(tmp_path, workbook({"S": Page(rows=rows, dimension=dimension)}))
    assert found["S"] == list(enumerate(rows, 1))


def test_charts_are_no_sheets_and_hidden_sheets_are(tmp_path: Path) -> None:
    content = workbook({"A": [["a"]], "B & <b>": Page(rows=[["b"]], state="hidden")}, charts=["C"])
    assert list(rows_of(tmp_path, content)) == ["A", "B & <b>"]


def test_sheets_of_workbooks_in_a_zip_are_named_by_both(tmp_path: Path) -> None:
    book = workbook({"Orders": [["a"]]})
    assert list(rows_of(tmp_path, zip_of({"Q1.xlsx": book, "Q2.xlsx": book}))) == ["Q1.xlsx: Orders", "Q2.xlsx: Orders"]


# What is refused


@pytest.mark.parametrize(
    "page",
    [
        Page(rows=[["a"]], at={"XFD1048576": "far"}),
        Page(rows=[["a", "b", "c", "d", "e"]], at={"A1048576": "down"}),
        Page(rows=[["a"]] * 400, at={"XFD401": "right"}),
    ],
)
def test_cells_far_apart_are_refused_before_they_fill_the_memory(tmp_path: Path, page: Page) -> None:
    assert "which no report has; it was not read" in refusal(tmp_path, workbook({"S": page}))


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="XFD1048576"><v>1</v></c>',
        b"<c r='XFD1048576'><v>1</v></c>",
        b'<c r = "XFD1048576"><v>1</v></c>',
        b'<c s="1"\nr="XFD1048576"><v>1</v></c>',
        b'<x:c r="XFD1048576"><x:v>1</x:v></x:c>',
        b'<x:c r="XFD1048576"/>',
        b'<c r="xfd1048576"><v>1</v></c>',
    ],
)
def test_cells_far_apart_are_seen_however_they_are_spelt(tmp_path: Path, cell: bytes) -> None:
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    head = b'<worksheet xmlns="%b" xmlns:x="%b"><sheetData><row r="1"><c r="A1"><v>1</v></c></row>' % (main, main)
    content = damaged("xl/worksheets/sheet1.xml", head + b'<row r="2">' + cell + b"</row></sheetData></worksheet>")
    assert "which no report has; it was not read" in refusal(tmp_path, content)


def test_a_long_column_of_few_cells_is_read(tmp_path: Path) -> None:
    page = Page(rows=[["a", "b"]], at={"A1048576": "down"})
    assert len(rows_of(tmp_path, workbook({"S": page}))["S"]) == 2


def test_a_text_that_is_used_too_often_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Sequence[Sequence[Cell]] = [["short", "x" * 30_000], *[["short", "short"]] * 999]
    monkeypatch.setattr(workbooks, "MAX_TEXT_BYTES", 1_000_000)
    assert len(rows_of(tmp_path, workbook({"S": rows}))["S"]) == 1000
    content = workbook({"S": [["short", "x" * 30_000]] * 1000})
    assert len(content) < 20_000
    assert "repeats its texts until they take more than 1,000,000 bytes" in refusal(tmp_path, content)


def test_a_cell_of_millions_of_letters_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_CELL_BYTES", 2**21)
    for shared in (True, False):
        assert "the workbook has a" in refusal(tmp_path, workbook({"S": [["x" * 2**22]]}, shared=shared))


def damaged(name: str, content: bytes) -> bytes:
    """A workbook one of whose files is another."""
    with zipfile.ZipFile(io.BytesIO(workbook({"S": [["a"]]}))) as archive:
        parts: dict[str, Any] = {part: archive.read(part) for part in archive.namelist()}
    return zip_of({**parts, name: content})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("xl/workbook.xml", b"<workbook"),
        ("xl/workbook.xml", b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>]><workbook>&b;</workbook>"),
        ("xl/_rels/workbook.xml.rels", b""),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c r='A1'>"),
        ("xl/worksheets/sheet1.xml", b"<worksheet><dimension ref='rubbish'/></worksheet>"),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c><f>A1</f></c></row></sheetData></worksheet>"),
        ("xl/sharedStrings.xml", b"<sst></sst>"),
        ("xl/styles.xml", b"<styleSheet"),
    ],
)
def test_a_damaged_workbook_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    assert "workbook" in refusal(tmp_path, damaged(name, content))


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    path.write_bytes(workbook({"S": [[f"text {number}" for number in range(100)]]}))
    with pytest.raises(FileError, match="unpack to more than"), open_sheets(path, max_file_bytes=5000) as sheets:
        list(sheets[0].readings[0].batches(1, Tally()))


def test_a_sheet_that_was_read_is_no_longer_in_memory(tmp_path: Path) -> None:
    rows = [[float(row * place) for place in range(20)] for row in range(2000)]
    path = tmp_path / "report.xlsx"
    path.write_bytes(workbook({"S": rows}))
    with open_sheets(path) as (sheet,):
        (reading,) = sheet.readings
        assert reading.head_row(1) is not None
        assert "_sheet" in vars(reading)
        assert sum(len(batch.rows) for batch in reading.batches(1, Tally())) == 2000
        assert "_sheet" not in vars(reading)
        tracemalloc.start()
        assert sum(len(batch.rows) for batch in reading.batches(1, Tally())) == 2000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
        tracemalloc.stop()
