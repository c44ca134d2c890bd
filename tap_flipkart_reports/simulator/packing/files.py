"""Tables to a report's file: CSV, workbooks, gzip and ZIP; written row by row."""

from __future__ import annotations

import csv
import gzip
import io
import re
import shutil
import tempfile
import threading
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, count, repeat
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tap_flipkart_reports.simulator.business.orders import DAY
from tap_flipkart_reports.simulator.faults import FAULTS
from tap_flipkart_reports.simulator.packing.grids import AMOUNT, faults_of, grid_of, holds_text
from tap_flipkart_reports.simulator.packing.xlsx_writer import Formula, Number, Workbook, letters, serial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_flipkart_reports.simulator.business.layouts import Layout, Table
    from tap_flipkart_reports.simulator.business.views import View
    from tap_flipkart_reports.simulator.packing.grids import FaultsOfReport, Grid
    from tap_flipkart_reports.simulator.packing.xlsx_writer import Cell

HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>Flipkart Seller Hub: please log in</title></head>"
    b"<body>Your session is over.</body></html>"
)
PREAMBLE_LINES = 50
UNDERSTATED = "A1:B2"
FLOAT_DIGITS = 15
"""Digits of a number in a workbook."""

MEDIA_TYPES = {
    "csv": "text/csv",
    "csv_with_preamble": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip_of_workbooks": "application/zip",
}
WORKBOOKS = frozenset({"xlsx", "zip_of_workbooks"})

_LONG_ID = re.compile(r"\d{16,}")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)( \d\d:\d\d:\d\d)?(\.0)?")
_SUM = re.compile(r"SUM ?\(([A-Z]+):([A-Z]+)\)")

LARGE = 2**20
"""Bytes; making a smaller file is faster than caching it."""

KEPT_FILES = 8


@dataclass(frozen=True, kw_only=True)
class File:
    """A report's file.

    Attributes:
        content: its bytes; the reader closes it.
        media_type: the header `Content-Type`.
    """

    content: IO[bytes]
    media_type: str


class FileCache:
    """A cache of the newest large files on disk: making one takes longer than reading it."""

    def __init__(self) -> None:
        self._cached: dict[object, tuple[Path, str]] = {}
        self._folder: Path | None = None
        self._numbers = count()
        self._lock = threading.Lock()

    def file(self, key: object, make: Callable[[], File]) -> File:
        """The file with a key, from the cache or new; a large new file is cached."""
        with self._lock:
            if key in self._cached:
                path, media_type = self._cached[key]
                return File(content=path.open("rb"), media_type=media_type)
        file = make()
        if file.content.seek(0, io.SEEK_END) >= LARGE:
            self._add(key, file)
        file.content.seek(0)
        return file

    def _add(self, key: object, file: File) -> None:
        file.content.seek(0)
        with self._lock:
            self._folder = self._folder or Path(tempfile.mkdtemp(prefix="flipkart-simulator-"))
            path = self._folder / str(next(self._numbers))
            with path.open("wb") as kept:
                shutil.copyfileobj(file.content, kept)
            self._cached[key] = (path, file.media_type)
            while len(self._cached) > KEPT_FILES:
                self._cached.pop(next(iter(self._cached)))[0].unlink()

    def clear(self) -> None:
        """Remove all files."""
        with self._lock:
            self._cached.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder)
                self._folder = None


def file_of(identifier: str, layout: Layout, view: View, *, file_format: str, faults: FaultsOfReport) -> File:
    """Make the file of a report.

    Args:
        identifier: the report type.
        layout: its tables.
        view: the view of the report.
        file_format: one of `FORMATS`.
        faults: the faults of this report, with arguments.

    Raises:
        LookupError: a fault names a table or column that the report does not have.
    """
    file_format = _format(identifier, file_format, faults)
    content: IO[bytes]
    with ExitStack() as unless_made:
        content = unless_made.enter_context(tempfile.TemporaryFile())
        if "html_page" in faults:
            content.write(HTML_PAGE)
        elif "zero_bytes" not in faults:
            _write(content, layout, view, file_format=file_format, faults=faults)
        unless_made.pop_all()
    if "zip_file" in faults:
        content = _zipped(content, "report.xlsx" if file_format in WORKBOOKS else "report.csv")
    if "gzip_file" in faults:
        content = gzipped(content)
    content.seek(0)
    return File(content=content, media_type=MEDIA_TYPES[file_format])


def gzipped(content: IO[bytes]) -> IO[bytes]:
    """A file packed with gzip; the file itself is closed."""
    packed = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    content.seek(0)
    with content, gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as out:
        shutil.copyfileobj(content, out)
    return packed


def _zipped(content: IO[bytes], name: str) -> IO[bytes]:
    packed = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    content.seek(0)
    with (
        content,
        zipfile.ZipFile(packed, "w") as archive,
        archive.open(_entry(name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as out,
    ):
        shutil.copyfileobj(content, out)
    return packed


def _format(identifier: str, file_format: str, faults: FaultsOfReport) -> str:
    file_format = str(faults.get("file_format", {}).get("format", file_format))
    if file_format == "zip_of_workbooks" and identifier != "financial_year_ledger":
        file_format = "xlsx"
    only_in = {FAULTS[name].only_in for name in faults}
    if "workbook" in only_in and file_format not in WORKBOOKS:
        return "xlsx"
    return "csv" if "text" in only_in and file_format in WORKBOOKS else file_format


def _write(out: IO[bytes], layout: Layout, view: View, *, file_format: str, faults: FaultsOfReport) -> None:
    if file_format == "zip_of_workbooks":
        with zipfile.ZipFile(out, "w") as archive:
            for name, quarter in _quarters(view):
                with archive.open(_entry(name, zipfile.ZIP_STORED), "w", force_zip64=True) as member:
                    _write_workbook(member, layout, quarter, faults)
    elif file_format == "xlsx":
        _write_workbook(out, layout, view, faults)
    else:
        _write_text(out, layout, view, has_preamble=file_format == "csv_with_preamble", faults=faults)


def _entry(name: str, compression: int) -> zipfile.ZipInfo:
    """An entry dated 1980, so that equal files have equal bytes."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = compression
    return entry


def _quarters(view: View) -> Iterator[tuple[str, View]]:
    """The quarters of a view's days, with the names of their workbooks."""
    first = view.first
    while first <= view.last:
        start = date(first.year, (first.month - 1) // 3 * 3 + 1, 1)
        end = (start + 95 * DAY).replace(day=1) - DAY
        year, quarter = (start.year, start.month // 3) if start.month > 1 else (start.year - 1, 4)
        name = f"{view.seller_id}_Q{quarter}_FY_{year % 100:02d}_{(year + 1) % 100:02d}.xlsx"
        yield name, view.over(first, min(end, view.last))
        first = end + DAY


def _tables(layout: Layout, faults: FaultsOfReport) -> tuple[Table, ...]:
    return (layout.other or layout.tables) if "second_layout" in faults else layout.tables


# Text


def _write_text(out: IO[bytes], layout: Layout, view: View, *, has_preamble: bool, faults: FaultsOfReport) -> None:
    """Write the first table."""
    tables = _tables(layout, faults)
    table = layout.table() if layout.table() in tables else tables[0]
    own = faults_of(table, layout, faults)
    grid = grid_of(table, view, own, has_blanks=has_preamble)
    encoding, errors = ("cp1252", "replace") if "cp1252" in faults else ("utf-8", "strict")
    if "bom" in faults:
        out.write(b"\xef\xbb\xbf")
    text = io.TextIOWrapper(out, encoding=encoding, errors=errors, newline="")
    writer = csv.writer(text, lineterminator="\n" if "lf" in faults else "\r\n")
    if has_preamble:
        writer.writerows(_preamble(table, view))
    if "blank_lines" in own:
        text.write("\r\n \r\n")
    writer.writerows(grid.header if has_preamble else [grid.names])
    writer.writerows(map(_with_float_ids, grid.rows) if "float_ids" in own else grid.rows)
    if "unterminated_quote" in faults:
        text.write('"never closed')
    text.detach()


def _with_float_ids(row: Sequence[str]) -> list[str]:
    """A row with long ids as a spreadsheet prints them."""
    return [f"{Decimal(cell):.2E}" if _LONG_ID.fullmatch(cell) else cell for cell in row]


def _preamble(table: Table, view: View) -> Iterator[list[str]]:
    """The rows above the header: seller, days and meanings of the columns."""
    yield ["Report Help"]
    yield ["Seller", view.seller_id, "From", view.first.isoformat(), "To", view.last.isoformat()]
    meanings = list(_meanings(table))
    yield from meanings
    for line in range(len(meanings), PREAMBLE_LINES):
        yield [f"Note {line}", 'Amounts are in rupees, "as settled"; see the help pages.']
    yield []


def _meanings(table: Table) -> Iterator[list[str]]:
    yield ["Column", "Meaning"]
    for name in table.header:
        yield [" ".join(name.split()), f"What {table.title} says of it, row by row"]


# Workbooks


def _write_workbook(out: IO[bytes], layout: Layout, view: View, faults: FaultsOfReport) -> None:
    missing = layout.table(faults["missing_sheet"]["table"]).title if "missing_sheet" in faults else None
    tables = [table for table in _tables(layout, faults) if table.title != missing]
    dimension = UNDERSTATED if "understated_dimension" in faults else None
    with Workbook(out, first_sheet=layout.first_sheet) as workbook:
        for title in layout.front:
            workbook.add_sheet(title, _front(title, tables, view))
        for table in tables:
            own = faults_of(table, layout, faults)
            grid = grid_of(table, view, own, has_blanks=True)
            first = next(grid.rows, None)
            if first is None and "sheets_when_used" in faults:
                continue
            texts = [layout.numbers_are_text or holds_text(name) for name in grid.names]
            rows: Iterator[Sequence[Cell]] = chain(
                grid.header, _workbook_rows(grid, [first] if first else [], texts, own)
            )
            workbook.add_sheet(
                table.sheet,
                rows,
                merged=[*_merged(grid)],
                dimension=dimension,
                comments=dict(_comments(grid)) if layout.has_comments else {},
                hidden=[index for index, column in enumerate(grid.columns) if "Breakup" in column.path[0]]
                if layout.hides_breakups
                else [],
            )
        for title in layout.back:
            workbook.add_sheet(title, _front(title, tables, view))


def _front(title: str, tables: Sequence[Table], view: View) -> Iterator[list[str]]:
    """The rows of a help or summary sheet."""
    yield [title]
    yield ["Seller", view.seller_id, "From", view.first.isoformat(), "To", view.last.isoformat()]
    for table in tables:
        yield []
        yield [table.title, "Columns", str(len(table.header))]
        if "Help" in title:
            yield from _meanings(table)


def _merged(grid: Grid) -> Iterator[str]:
    for row, first, last in grid.groups():
        yield f"{letters(first)}{row + 1}:{letters(last)}{row + 1}"
    for column, first, last in grid.tall_cells():
        yield f"{letters(column)}{first + 1}:{letters(column)}{last + 1}"


def _comments(grid: Grid) -> Iterator[tuple[str, str]]:
    """The comment of each header cell, by cell."""
    for index, column in enumerate(grid.columns):
        rows = [row for row, cell in enumerate(column.path) if cell]
        if rows:
            yield f"{letters(index)}{rows[-1] + 1}", f"What is meant by {' '.join(column.name.split())}"


def _workbook_rows(
    grid: Grid, first: Sequence[Sequence[str]], texts: Sequence[bool], faults: FaultsOfReport
) -> Iterator[list[Cell]]:
    """The cells of the rows; `texts` says which columns are text."""
    sums = [_SUM.search(name) if "formula_cells" in faults else None for name in grid.names]
    for number, row in enumerate(chain(first, grid.rows), len(grid.columns[0].path) + 1):
        yield [
            Formula(f"SUM({total[1]}{number}:{total[2]}{number})") if total else _workbook_cell(cell, is_text, faults)
            for cell, is_text, total in zip(row, chain(texts, repeat(True)), chain(sums, repeat(None)), strict=False)  # noqa: FBT003 - of what is surplus
        ]


def _workbook_cell(cell: str, is_text: bool, faults: FaultsOfReport) -> Cell:  # noqa: FBT001 - it comes from a list
    if not is_text and AMOUNT.fullmatch(cell):
        return Number(cell.replace(",", ""))
    if "float_ids" in faults and _LONG_ID.fullmatch(cell):
        return Number(f"{Decimal(cell):.{FLOAT_DIGITS - 1}E}")
    if ("native_dates" in faults or "serial_dates" in faults) and (day := _MOMENT.fullmatch(cell)):
        moment = datetime.fromisoformat(day[1] + (day[2] or " 00:00:00"))
        return moment if "native_dates" in faults else serial(moment)
    return cell
