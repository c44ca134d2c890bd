"""Excel workbooks (XLSX) to rows of text, in bounded memory.

A sheet is read twice: first to find its last row and column, then for its rows. Errors, and formulas without a
calculated value, stay as they are in the cell.
"""

from __future__ import annotations

from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.column_scan import CELLS, UnscannableError
from tap_flipkart_reports.files.encodings import WITHOUT_CONTROLS
from tap_flipkart_reports.files.sheets import BATCH_ROWS, HEAD_ROWS, Batch, HeadRow, RowTally, Sheet, has_text
from tap_flipkart_reports.files.xlsx_cells import CellReaders
from tap_flipkart_reports.files.xlsx_package import read_package
from tap_flipkart_reports.files.xlsx_rows import column_cells, sheet_rows
from tap_flipkart_reports.files.xlsx_strings import SharedStrings
from tap_flipkart_reports.files.xlsx_survey import Survey, survey_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tap_flipkart_reports.files.xlsx_package import ReadPart

MAX_BATCH_LETTERS = 2**22
"""Letters of a batch's rows at most, where a few rows may hold as many."""


def workbook_sheets(parts: Collection[str], read: ReadPart, member: str | None) -> list[Sheet]:
    """The sheets of a workbook, without charts. Each is read when it is first used.

    Args:
        parts: names of the files in it, by `part_name`.
        read: the bytes of one of them.
        member: its name in the archive it comes from, if any.

    Raises:
        FileError: it cannot be read.
    """
    package = read_package(parts, read)
    strings = SharedStrings(read(package.shared_strings) if package.shared_strings is not None else None)
    cell_readers = CellReaders(strings, package.styles, is_1904=package.is_1904)
    return [
        Sheet(
            name=name,
            title=name if member is None else f"{member}: {name}",
            readers=[WorkbookReader(partial(read, part), cell_readers, strings)],
        )
        for name, part in package.sheets
    ]


class WorkbookReader:
    """A sheet's rows as text.

    Args:
        read: the sheet's bytes, from their beginning at each call.
        readers: what reads its cells.
        strings: the texts that cells share.
    """

    def __init__(self, read: Callable[[], Iterator[bytes]], readers: CellReaders, strings: SharedStrings) -> None:
        self._read = read
        self._readers = readers
        self._strings = strings

    @cached_property
    def _survey(self) -> Survey:
        return survey_sheet(self._read, self._readers, self._strings)

    @cached_property
    def _head(self) -> list[list[str]]:
        head: list[list[str]] = []
        for line, row, _size in self._rows():
            if line > HEAD_ROWS:
                break
            head += [[""] * self._survey.columns for _ in range(line - len(head) - 1)]
            head.append(row)
        return head

    @property
    def form(self) -> str:
        """What it is."""
        return "a sheet of a workbook"

    @property
    def undecodable(self) -> int:
        """Always 0: a workbook is UTF-8, or it cannot be read."""
        return 0

    @property
    def head_lines(self) -> int:
        """How many lines `head_row` knows."""
        return len(self._head)

    def head_row(self, line: int) -> HeadRow | None:
        """The row on a line; see `SheetReader`."""
        cells = self._head[line - 1] if line <= self.head_lines else []
        return HeadRow(cells=tuple(cells), line=line, next_line=line + 1) if has_text(cells) else None

    def column_texts(self, first_line: int, index: int) -> Iterator[list[str]]:
        """The cells of one column; see `SheetReader`."""
        if not self._survey.is_plain:
            raise UnscannableError
        cells = column_cells(self._read(), self._readers, first_line=first_line, index=index)
        while texts := list(islice(cells, CELLS)):
            yield _without_controls(texts)

    def release(self) -> None:
        """Free the memory of the first rows; see `SheetReader`."""
        self.__dict__.pop("_head", None)

    def batches(self, first_line: int, tally: RowTally) -> Iterator[Batch]:
        """The rows from a line on; see `SheetReader`."""
        rows: list[list[str]] = []
        lines: list[int] = []
        before, letters = first_line - 1, 0
        may_be_long = self._survey.columns * self._strings.longest * BATCH_ROWS > MAX_BATCH_LETTERS
        for line, row, size in self._rows():
            if line < first_line or not has_text(row):
                continue
            tally.blank += line - before - 1
            before = line
            rows.append(row)
            lines.append(line)
            letters += sum(map(len, row)) if may_be_long else size
            if len(rows) == BATCH_ROWS or letters > MAX_BATCH_LETTERS:
                tally.rows += len(rows)
                yield Batch(rows=rows, lines=lines)
                rows, lines, letters = [], [], 0
        if rows:
            tally.rows += len(rows)
            yield Batch(rows=rows, lines=lines)

    def _rows(self) -> Iterator[tuple[int, list[str], int]]:
        """Line, cells and size of the rows, all of one width."""
        width = self._survey.columns  # before the first row, which may be shorter than the others
        for found in sheet_rows(self._read(), self._readers, is_plain=self._survey.is_plain):
            if found.positions is None:
                row = found.texts
                if len(row) != width:  # longer by styled blank cells only
                    row = [*row[:width], *[""] * (width - len(row))]
            else:
                row = [""] * width
                for position, text in zip(found.positions, found.texts, strict=True):
                    if text and position >= width:
                        raise FileError(f"the workbook's cells are not in order in row {found.number}")
                    if text:
                        row[position] = text
            yield found.number, _without_controls(row), found.size


def _without_controls(texts: list[str]) -> list[str]:
    return texts if "".join(texts).isprintable() else [text.translate(WITHOUT_CONTROLS) for text in texts]
