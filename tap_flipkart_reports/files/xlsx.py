"""Excel workbooks (XLSX) to rows of text.

python-calamine reads the cells. What it does not tell, a look at the XML before it does: cells that hold a formula
whose value nobody has calculated, and errors, both of which it takes for blank; and cells so far apart, or texts used
so often, that a small file would fill the memory.
"""

from __future__ import annotations

import posixpath
from array import array
from datetime import date, datetime
from functools import cached_property, partial
from itertools import chain, islice, repeat
from typing import IO, TYPE_CHECKING, TypeVar
from xml.etree import ElementTree as ET

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.sheets import BATCH_ROWS, HEAD_ROWS, Batch, HeadRow, Sheet, Tally
from tap_flipkart_reports.files.xlsx_survey import SHARED_STRINGS, shared_lengths, surveyed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import time, timedelta

    from python_calamine import CalamineSheet, CalamineWorkbook

    from tap_flipkart_reports.files.xlsx_survey import Untold

    Cell = int | float | str | bool | time | date | datetime | timedelta


T = TypeVar("T")

EXACT = 2**53
"""Whole numbers beyond it have lost digits, as a workbook keeps 53 bits of each."""


def workbook_sheets(
    file: IO[bytes], parts: Collection[str], read: Callable[[str], Iterator[bytes]], member: str | None
) -> list[Sheet]:
    """The sheets of a workbook, without charts. Each is read at the first look at it.

    Args:
        file: the workbook, to be left open while the sheets are read.
        parts: names of the files in it.
        read: the bytes of one of them; raises `FileError` where there are too many.
        member: its name in the archive it comes from, if any.

    Raises:
        FileError: it cannot be read, or would fill the memory.
    """
    for part in set(parts) - {SHARED_STRINGS}:
        if not part.startswith("xl/worksheets/"):
            for _chunk in read(part):
                """Only counted: calamine takes some of them whole."""
    lengths = array("L", shared_lengths(read(SHARED_STRINGS)) if SHARED_STRINGS in parts else ())
    part_names = _part_names(read)
    workbook = _workbook(file)
    return [
        Sheet(
            name=name,
            title=name if member is None else f"{member}: {name}",
            readings=[WorkbookReading(workbook, name, partial(surveyed, part_names.get(name, name), read, lengths))],
        )
        for name in _worksheets(workbook)
    ]


def _part_names(read: Callable[[str], Iterator[bytes]]) -> dict[str, str]:
    """The file in the workbook that each sheet is in, by the sheet's name."""
    try:
        book = ET.fromstring(b"".join(read("xl/workbook.xml")))  # noqa: S314 - expat refuses entities that grow
        relations = ET.fromstring(b"".join(read("xl/_rels/workbook.xml.rels")))  # noqa: S314 - expat refuses entities that grow
    except (ET.ParseError, KeyError) as error:
        raise FileError(f"the file is a workbook (XLSX) that cannot be read: {error}") from error
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    return {
        element.get("name", ""): posixpath.normpath(posixpath.join("/xl", targets.get(id_, "")))[1:]
        for element in book.iter()
        if element.tag.endswith("}sheet")
        for id_ in [next((value for name, value in element.items() if name.endswith("}id")), None)]
    }


# The cells
def _workbook(file: IO[bytes]) -> CalamineWorkbook:
    from python_calamine import CalamineWorkbook  # noqa: PLC0415 - most files are text

    file.seek(0)
    return _read(lambda: CalamineWorkbook.from_filelike(file))


def _worksheets(workbook: CalamineWorkbook) -> list[str]:
    from python_calamine import SheetTypeEnum  # noqa: PLC0415 - most files are text

    return [sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]


def _read(load: Callable[[], T]) -> T:
    """What calamine reads, or a sentence."""
    from python_calamine import CalamineError, PasswordError  # noqa: PLC0415 - most files are text

    try:
        return load()
    except PasswordError as error:
        raise FileError("the file is a workbook with a password, which cannot be read") from error
    except CalamineError as error:
        raise FileError(f"the file is a workbook (XLSX) that cannot be read: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's, which is no Exception and has no name to import
            raise
        raise FileError(f"the file is a workbook (XLSX) that cannot be read: {error}") from error


class WorkbookReading:
    """A sheet's rows as text; its cells are held in memory from the first look to the end of `batches`.

    Args:
        workbook: the workbook.
        name: the sheet.
        survey: texts of its cells that calamine takes for blank; raises `FileError` where it is not to be read.
    """

    def __init__(self, workbook: CalamineWorkbook, name: str, survey: Callable[[], Untold]) -> None:
        self._workbook = workbook
        self._name = name
        self._survey = survey

    @cached_property
    def _untold(self) -> Untold:
        return self._survey()

    @cached_property
    def _sheet(self) -> CalamineSheet:
        return _read(lambda: self._workbook.get_sheet_by_name(self._name))

    @cached_property
    def _head(self) -> list[list[str]]:
        return list(islice(self._rows(), HEAD_ROWS))

    @property
    def form(self) -> str:
        """What it is."""
        return "a sheet of a workbook"

    @property
    def head_lines(self) -> int:
        """How many lines `head_row` knows."""
        return len(self._head)

    def head_row(self, line: int) -> HeadRow | None:
        """The row on a line; see `Reading`."""
        cells = self._head[line - 1] if line <= self.head_lines else []
        return HeadRow(cells=tuple(cells), line=line, next_line=line + 1) if any(map(str.strip, cells)) else None

    def batches(self, first_line: int, tally: Tally) -> Iterator[Batch]:
        """The rows from a line on; see `Reading`."""
        rows: list[list[str]] = []
        lines: list[int] = []
        for line, row in enumerate(self._rows(), 1):
            if line < first_line:
                continue
            if not any(map(str.strip, row)):
                tally.blank += 1
                continue
            rows.append(row)
            lines.append(line)
            if len(rows) == BATCH_ROWS:
                tally.rows += len(rows)
                yield Batch(rows=rows, lines=lines)
                rows, lines = [], []
        if rows:
            tally.rows += len(rows)
            yield Batch(rows=rows, lines=lines)
        self.__dict__.pop("_sheet", None)

    def _rows(self) -> Iterator[list[str]]:
        """All rows from the first, all of one width."""
        untold = self._untold  # before the cells, which may be too many
        start, end = self._sheet.start or (0, 0), self._sheet.end or (-1, -1)
        width = max([end[1], *(max(texts) for texts in untold.values())]) + 1
        height = max([end[0], *untold]) + 1
        before, behind = [""] * start[1], [""] * (width - end[1] - 1)
        blank: list[Cell] = [""] * (width - len(before) - len(behind))
        for index, cells in enumerate(islice(chain(self._sheet.iter_rows(), repeat(blank)), height)):
            row = [cell if type(cell) is str else _text(cell) for cell in cells]
            if before or behind:
                row = [*before, *row, *behind]
            for place, text in untold.get(index, {}).items():
                row[place] = row[place] or text
            yield row


def _text(cell: Cell) -> str:
    """What a cell says, in the spelling of text files."""
    if isinstance(cell, float):
        # Beyond, the digits are not the writer's any more: an exponent shows it, and no id is made of it.
        return str(int(cell)) if cell.is_integer() and -EXACT <= cell <= EXACT else repr(cell).upper()
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
