"""Workbooks: what their cells say, by whatever way they are read, and what would fill the memory."""

from __future__ import annotations

import io
import re
import tracemalloc
import zipfile
from contextlib import suppress
from datetime import date, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from support.spreadsheets import MAIN, Page, Raw, error, formula, workbook, zip_of

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files import xlsx_strings, xlsx_survey
from tap_flipkart_reports.files.containers import CHUNK, open_sheets
from tap_flipkart_reports.files.sheets import Batch, RowTally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from support.spreadsheets import Cell


SHEET = "xl/worksheets/sheet1.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"


def rows_of(folder: Path, content: bytes) -> dict[str, list[tuple[int, list[str]]]]:
    """Of each sheet the lines that are not blank, and their cells."""
    path = folder / "report.xlsx"
    path.write_bytes(content)
    with open_sheets(path) as sheets:
        found: dict[str, list[Batch]] = {
            sheet.title or "": list(sheet.readers[0].batches(1, RowTally())) for sheet in sheets
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
        "Blank": [[" ", None], ["", ""], ["\u200b", "\ufeff"]],
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


def test_charts_are_not_sheets_and_hidden_sheets_are(tmp_path: Path) -> None:
    content = workbook({"A": [["a"]], "B & <b>": Page(rows=[["b"]], state="hidden")}, charts=["C"])
    assert list(rows_of(tmp_path, content)) == ["A", "B & <b>"]


def test_sheets_of_workbooks_in_a_zip_are_named_by_both(tmp_path: Path) -> None:
    book = workbook({"Orders": [["a"]]})
    assert list(rows_of(tmp_path, zip_of({"Q1.xlsx": book, "Q2.xlsx": book}))) == ["Q1.xlsx: Orders", "Q2.xlsx: Orders"]


@pytest.mark.parametrize(
    "spelt",
    [str.upper, lambda name: name.replace("shared", "Shared"), lambda name: name.replace("/", "\\")],
    ids=["upper case", "Shared", "backslash"],
)
def test_parts_are_found_however_their_names_are_spelt(tmp_path: Path, spelt: Callable[[str], str]) -> None:
    rows: list[list[Cell]] = [["a", "b"], ["c", date(2026, 10, 1)]]
    with zipfile.ZipFile(io.BytesIO(workbook({"S": rows}))) as archive:
        parts = {spelt(name): archive.read(name) for name in archive.namelist()}
    assert rows_of(tmp_path, zip_of(parts))["S"] == [(1, ["a", "b"]), (2, ["c", "2026-10-01"])]


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
        b'<c r="XFD1048576"><f>A1</f></c>',
        b'<c r="xfd1048576"><v>1</v></c>',
    ],
)
def test_cells_far_apart_are_seen_however_they_are_spelt(tmp_path: Path, cell: bytes) -> None:
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    head = b'<worksheet xmlns="%b" xmlns:x="%b"><sheetData><row r="1"><c r="A1"><v>1</v></c></row>' % (main, main)
    content = damaged(
        "xl/worksheets/sheet1.xml", head + b'<row r="1048576">' + cell + b"</row></sheetData></worksheet>"
    )
    assert "which no report has; it was not read" in refusal(tmp_path, content)


def test_a_long_column_of_few_cells_is_read(tmp_path: Path) -> None:
    page = Page(rows=[["a", "b"]], at={"A1048576": "down"})
    assert len(rows_of(tmp_path, workbook({"S": page}))["S"]) == 2


def test_a_text_that_is_used_too_often_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Sequence[Sequence[Cell]] = [["short", "x" * 30_000], *[["short", "short"]] * 999]
    monkeypatch.setattr(xlsx_survey, "MAX_TEXT_LETTERS", 1_000_000)
    monkeypatch.setattr(xlsx_survey, "MAX_REPETITION", 5)
    assert len(rows_of(tmp_path, workbook({"S": rows}))["S"]) == 1000
    content = workbook({"S": [["short", "x" * 30_000]] * 1000})
    assert len(content) < 20_000
    assert "repeats its texts until they take more than 1,000,000 bytes" in refusal(tmp_path, content)


@pytest.mark.parametrize("shared", [True, False])
def test_a_cell_of_millions_of_letters_is_refused(tmp_path: Path, *, shared: bool) -> None:
    content = workbook({"S": [["x" * 2**24, "y" * 100]]}, shared=shared)
    assert "the workbook has a" in refusal(tmp_path, content)


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
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row r='1'><c r='A2'/></row></sheetData></worksheet>"),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row r='A'><c/></row></sheetData></worksheet>"),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><c><v>1</v></c></sheetData></worksheet>"),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c t='b'><v>2</v></c></row></sheetData></worksheet>"),
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c t='z'><v>2</v></c></row></sheetData></worksheet>"),
        (
            "xl/worksheets/sheet1.xml",
            b'<worksheet><sheetData><row r="2"></row><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>',
        ),
        (
            "xl/worksheets/sheet1.xml",
            b'<worksheet><sheetData><row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row></sheetData>',
        ),
        ("xl/sharedStrings.xml", b"<sst></sst>"),
        ("xl/sharedStrings.xml", b"<sst><si><t>a</t></si>"),
        ("xl/styles.xml", b"<styleSheet"),
    ],
)
def test_a_damaged_workbook_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    assert "workbook" in refusal(tmp_path, damaged(name, content))


@pytest.mark.parametrize("name", ["xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"])
def test_a_part_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(workbook({"S": [["a"]]}))) as archive:
        parts = {part: archive.read(part) for part in archive.namelist() if part != name}
    assert refusal(tmp_path, zip_of(parts)).endswith(f"cannot be read: it has no {name}")


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    path.write_bytes(workbook({"S": [[f"text {number}" for number in range(100)]]}))
    with pytest.raises(FileError, match="unpack to more than"), open_sheets(path, max_file_bytes=5000) as sheets:
        list(sheets[0].readers[0].batches(1, RowTally()))


# The same cells as another reader finds


def calamine_rows(content: bytes) -> list[list[str]]:
    """The rows of a workbook's first sheet by calamine, in our spelling."""
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    before = [""] * (sheet.start or (0, 0))[1]
    rows = [[*before, *map(calamine_text, row)] for row in sheet.iter_rows()]
    return [row for row in rows if any(map(str.strip, row))]


CONTROLS = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f]")
"""Which we take out of every cell, and calamine leaves where they are escaped, as in `_x0001_`."""


def calamine_text(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) <= 2**53 else repr(cell).upper()
    return CONTROLS.sub("", str(cell))


def without_blank_end(row: list[str]) -> list[str]:
    return row[: max((place for place, text in enumerate(row, 1) if text), default=0)]


LETTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXTS = st.text(LETTERS | st.sampled_from("&<>\"'_x0041_\n"), max_size=12) | st.sampled_from(
    [
        "_x0041_",
        "_x000D_",
        "a_x0000_b",
        "&amp;",
        "&#10;",
        "]]>",
        "</row>",
        "<c>",
        "/>",
        "OD1 ",
        "मसाला",
        "😀",
        "R&D",
        't="s"',
    ]
)
RESULTS = TEXTS if version("python-calamine") >= "0.9" else TEXTS.filter(lambda text: "_x" not in text)
"""What formulas come to: calamine 0.8, the newest for Python 3.10, leaves escapes in them as they are."""
NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**18), 10**18)
    | st.decimals(-(10**6), 10**6, places=2).map(float)
)
DAYS = st.floats(0, 3_000_000) | st.integers(0, 2_958_465).map(float) | st.integers(0, 10**10).map(lambda n: n / 86_400)
CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.none(),
    TEXTS,
    NUMBERS,
    st.booleans(),
    st.builds(lambda style, day: Raw(f's="{style}"', f"<v>{day!r}</v>"), st.sampled_from([1, 2]), DAYS),
    st.builds(lambda text, value: Raw('t="str"', formula(text, escape(f"v{value}")).inside), TEXTS, RESULTS),
    st.builds(lambda first, second: Raw('t="inlineStr"', rich_text(first, second)), TEXTS, TEXTS),
    st.sampled_from([
        Raw('s="1"'), Raw('t="n" s="0"', "<v>5</v>"), Raw('t="n"', "<v></v>"), Raw('t="str"', "<v></v>"),
        Raw("", "<v>1E5</v>"), Raw("", "<v>abc</v>"), Raw('t="inlineStr"', "<is><t/></is>"),
        Raw('t="d"', "<v>2026-08-19</v>"),
        Raw('t="d"', "<v>2026-08-19T10:11:12</v>"), Raw('t="b"', "<v>1</v>"),
    ]),
)  # fmt: skip


def rich_text(*parts: str) -> str:
    runs = "".join(f'<r><rPr><b/></rPr><t xml:space="preserve">{escape(part)}</t></r>' for part in parts)
    return f'<is>{runs}<rPh sb="0" eb="1"><t>spoken</t></rPh></is>'


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, max_size=6), min_size=1, max_size=6),
    shared=st.booleans(),
    prefix=st.sampled_from(["", "x"]),
)
def test_cells_are_those_that_calamine_finds(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[Cell]], *, shared: bool, prefix: str
) -> None:
    if prefix:
        rows = [[None if isinstance(cell, Raw) else cell for cell in row] for row in rows]
    content = workbook({"S": rows}, shared=shared, prefix=prefix)
    found = [row for _, row in rows_of(tmp_path_factory.mktemp("book"), content)["S"]]
    assert list(map(without_blank_end, found)) == list(map(without_blank_end, calamine_rows(content)))


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.lists(CELLS, max_size=6), min_size=1, max_size=6), shared=st.booleans())
def test_both_ways_to_read_a_sheet_find_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[Cell]], *, shared: bool
) -> None:
    content = workbook({"S": rows}, shared=shared)
    remark = content_with(
        content, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"<sheetData", b"<!-- --><sheetData")
    )
    folder = tmp_path_factory.mktemp("book")
    assert rows_of(folder, content) == rows_of(folder, remark)


@pytest.mark.parametrize("written", ["a\rb", "a\r\nb", "\ra\r", "a\r\r\nb", "a\n\rb"])
def test_line_ends_in_a_cell_are_those_of_xml_wherever_chunks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    content = workbook({"S": [[Raw('t="inlineStr"', f"<is><t>{written}</t></is>")]]}, shared=False)
    text = written.replace("\r\n", "\n").replace("\r", "\n")
    for size in (1, 2, CHUNK):
        monkeypatch.setattr("tap_flipkart_reports.files.containers.CHUNK", size)
        assert rows_of(tmp_path, content)["S"] == [(1, [text])]


def content_with(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A workbook one of whose files is changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts: dict[str, str | bytes] = {part: archive.read(part) for part in archive.namelist()}
    return zip_of({**parts, name: change(archive_part(parts[name]))})


def archive_part(part: str | bytes) -> bytes:
    return part if isinstance(part, bytes) else part.encode()


@pytest.mark.parametrize(
    "code",
    [
        "General", "0.00", "#,##0.00", "dd/mm/yyyy", "yyyy-mm-dd hh:mm:ss", "[$-409]d-mmm-yy;@", "h:mm AM/PM",
        "[h]:mm:ss", "[mm]:ss", '#,##0.00 "days"', '"Rs. "#,##0', "[Red]0.00", "[$₹-4009] #,##0.00", r"0\d", "@",
        "_(* #,##0_)", "0.00E+00",
        "mmm-yy", "0;[Red]dd", "ss.0", "[Blue][h]:mm", '"y"0', "*d0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("base", ["", '<workbookPr date1904="1"/>'])
def test_a_number_is_a_date_by_its_format_as_calamine_has_it(tmp_path: Path, code: str, base: str) -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" formatCode={quoteattr(code)}/></numFmts>'
    styles += '<cellXfs><xf numFmtId="0"/><xf numFmtId="170"/></cellXfs></styleSheet>'
    cells = [
        Raw('s="1"', f"<v>{value}</v>") for value in (0, 0.25, 1, 59, 60, 61.5, 45000, 45000.123456, 2958465, 2958466)
    ]
    content = content_with(workbook({"S": [cells]}), "xl/styles.xml", lambda _: styles.encode())
    content = content_with(
        content, "xl/workbook.xml", lambda xml: xml.replace(b"<sheets>", base.encode() + b"<sheets>")
    )
    assert [row for _, row in rows_of(tmp_path, content)["S"]] == calamine_rows(content)


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("0%", ["14%", "62.71%", "-0.5%", "100%", "0%"]),
        ("0.00%;[Red]-0.00%", ["14%", "62.71%", "-0.5%", "100%", "0%"]),
        ('0.00"%"', ["0.14", "0.6271", "-0.005", "1", "0"]),
        (r"0.00\%", ["0.14", "0.6271", "-0.005", "1", "0"]),
    ],
)
def test_a_share_that_is_shown_as_a_percentage_is_one(tmp_path: Path, code: str, texts: list[str]) -> None:
    styles = f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" formatCode={quoteattr(code)}/></numFmts>'
    styles += '<cellXfs><xf numFmtId="0"/><xf numFmtId="170"/><xf numFmtId="9"/><xf numFmtId="10"/></cellXfs>'
    values = (0.14, 0.6271, -0.005, 1, 0)
    cells = [[Raw(f's="{style}"', f"<v>{value}</v>") for value in values] for style in (1, 2, 3)]
    content = content_with(workbook({"S": cells}), "xl/styles.xml", lambda _: f"{styles}</styleSheet>".encode())
    built_in = ["14%", "62.71%", "-0.5%", "100%", "0%"]
    assert [row for _, row in rows_of(tmp_path, content)["S"]] == [texts, built_in, built_in]


# Memory


def peak_while_reading(path: Path) -> tuple[int, int]:
    """How many rows the first sheet has, and the most bytes that Python held while it was read."""
    tracemalloc.start()
    with open_sheets(path) as sheets:
        rows = sum(len(batch.rows) for batch in sheets[0].readers[0].batches(1, RowTally()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return rows, peak


@pytest.mark.integration
@pytest.mark.parametrize("shared", [True, False])
def test_more_rows_take_no_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, shared: bool) -> None:
    monkeypatch.setattr(xlsx_strings, "MAX_IN_MEMORY", 2**18)
    monkeypatch.setattr(xlsx_strings, "MAX_REMEMBERED_BYTES", 2**18)
    monkeypatch.setattr(xlsx_strings, "MAX_BLOCKS", 8)
    peaks = []
    for rows in (4_000, 12_000):
        path = tmp_path / f"{rows}.xlsx"
        path.write_bytes(
            workbook({"S": [[f"text {row} {place}" for place in range(4)] for row in range(rows)]}, shared=shared)
        )
        count, peak = peak_while_reading(path)
        assert count == rows
        peaks.append(peak)
    assert peaks[1] < 1.2 * peaks[0] + 500_000
    assert peaks[1] < 8_000_000


HOSTILE = {
    "elements that say nothing": ("xl/workbook.xml", b"<workbook>", b"<a/>", b"</workbook>"),
    "relations without a part": (
        "xl/_rels/workbook.xml.rels",
        b"<Relationships>",
        b"<Relationship/>",
        b"</Relationships>",
    ),
    "styles": ("xl/styles.xml", b"<styleSheet><cellXfs>", b"<xf/>", b"</cellXfs></styleSheet>"),
    "cells that never close": (SHEET, b"<worksheet><sheetData>", b"<c ", b""),
    "rows that never close": (SHEET, b"<worksheet><sheetData>", b"<row ", b""),
    "references that never close": (SHEET, b'<worksheet><sheetData><row r="1">', b'<c r="A1"', b""),
    "cells in cells": (SHEET, b'<worksheet><sheetData><row r="1">', b'<c r="A1"><v>', b""),
    "cells without a place": (SHEET, b"<worksheet><sheetData><row>", b"<c/>", b"</row></sheetData></worksheet>"),
    "one cell again and again": (
        SHEET,
        b'<worksheet><sheetData><row r="1">',
        b'<c r="A1"/>',
        b"</row></sheetData></worksheet>",
    ),
    "a tag that does not end": (SHEET, b"<worksheet ", b"aaaaaaaa", b""),
    "remarks": (SHEET, b"<worksheet>", b"<!-- -->", b"<sheetData/></worksheet>"),
    "texts in texts": ("xl/sharedStrings.xml", b"<sst>", b"<si><t>", b""),
    "a text of references": ("xl/sharedStrings.xml", b"<sst><si><t>", b"&amp;", b"</t></si></sst>"),
    "blank texts": ("xl/sharedStrings.xml", b"<sst>", b"<si><r/></si>", b"</sst>"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_parts_fill_no_memory(tmp_path: Path, kind: str) -> None:
    part, before, repeated, behind = HOSTILE[kind]
    path = tmp_path / "report.xlsx"
    path.write_bytes(damaged(part, before + repeated * (3_000_000 // len(repeated)) + behind))
    tracemalloc.start()
    with suppress(FileError), open_sheets(path) as sheets:
        for sheet in sheets:
            list(sheet.readers[0].batches(1, RowTally()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000
