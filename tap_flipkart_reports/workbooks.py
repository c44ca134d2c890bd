"""Excel workbooks (XLSX) to rows of text.

python-calamine reads the cells. What it does not tell, a look at the XML before it does: cells that hold a formula
whose value nobody has calculated, and errors, both of which it takes for blank; and cells so far apart, or texts used
so often, that a small file would fill the memory.
"""

from __future__ import annotations

import posixpath
import re
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, partial
from html import unescape
from itertools import chain, islice, repeat
from string import ascii_letters, digits
from typing import IO, TYPE_CHECKING, TypeVar
from xml.etree import ElementTree as ET

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.sheets import BATCH_ROWS, HEAD_ROWS, Batch, HeadRow, Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import time, timedelta

    from python_calamine import CalamineSheet, CalamineWorkbook

    from tap_flipkart_reports.sheets import Tally

    Cell = int | float | str | bool | time | date | datetime | timedelta
    Untold = Mapping[int, Mapping[int, str]]
    """Texts of cells that calamine takes for blank, by row and column from 0."""

T = TypeVar("T")

SHARED_STRINGS = "xl/sharedStrings.xml"

MAX_EMPTY = 4 * 2**20
"""Cells that a sheet may span whatever it holds; for more, one of `MAX_SPARSITY` has to be filled."""

MAX_SPARSITY = 20

MAX_TEXT_BYTES = 2**30
"""Bytes that a workbook's texts may take where each of its cells holds its own copy, as in calamine's memory."""

MAX_CELL_BYTES = 2**24
"""Bytes of XML that one cell may take; Excel's own limit is 32,767 characters."""

EXACT = 2**53
"""Whole numbers beyond it have lost digits, as a workbook keeps 53 bits of each."""

MAX_ROWS, MAX_COLUMNS = 2**20, 2**14
"""Excel's own limits."""

# As all common writers spell it, and found in a third of the time.
_PLAIN_CELL = re.compile(rb'<c r="([A-Za-z]{1,3}[0-9]{1,7})"')
_PLAIN_ROW = re.compile(rb'<row r="([0-9]{1,7})"')
_PREFIXED = re.compile(rb":(?:c|row)\b")

# Any writer may give its elements a prefix (`<x:c>`).
_CELL = re.compile(rb"""<(?:\w+:)?c(?=[\s/>])(?:[^>]*?\sr\s*=\s*["']([^"']*)["'])?""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\sr\s*=\s*["']([^"']*)["']""")
_LETTERS, _DIGITS = ascii_letters.encode(), digits.encode()
_KIND = re.compile(rb"""=\s*["']([es])["']""")
"""What may say of a cell that it holds an error or a shared string."""

_SHARED_INDEX = re.compile(rb"""\st\s*=\s*["']s["'][^>]*>\s*<(?:\w+:)?v>\s*([0-9]{1,9})""")
_END_OF_SHARED = re.compile(rb"</(?:\w+:)?si>")
_FORMULA = rb"<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>([^<]*)</(?:\w+:)?f>)"
_NOT_CALCULATED = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*" + _FORMULA + rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ERROR = re.compile(
    rb"""<(?:\w+:)?c\b([^>]*\st=["']e["'][^>]*)>\s*(?:""" + _FORMULA + rb""")?\s*<(?:\w+:)?v>([^<]*)<"""
)
_REFERENCE = re.compile(rb"""\sr=["']([A-Z]{1,3})([0-9]{1,7})["']""")


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
    lengths = array("L", _shared_lengths(read(SHARED_STRINGS)) if SHARED_STRINGS in parts else ())
    part_names = _part_names(read)
    workbook = _workbook(file)
    return [
        Sheet(
            name=name,
            title=name if member is None else f"{member}: {name}",
            readings=[WorkbookReading(workbook, name, partial(_surveyed, part_names.get(name, name), read, lengths))],
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


# The look before


@dataclass(kw_only=True)
class _Survey:
    """What a sheet's XML says of its cells.

    Attributes:
        cells: how many there are.
        rows: number of the last row.
        columns: number of the last column.
        shared: how many of the cells use a shared string, at most.
        untold: texts of cells that calamine takes for blank.
    """

    cells: int = 0
    rows: int = 0
    columns: int = 0
    shared: int = 0
    untold: dict[int, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))


def _surveyed(part: str, read: Callable[[str], Iterator[bytes]], lengths: Sequence[int]) -> Untold:
    """Texts of a sheet's cells that calamine takes for blank.

    Args:
        part: the sheet's file.
        read: its bytes.
        lengths: how long the shared strings are.

    Raises:
        FileError: the sheet would fill the memory.
    """
    try:
        survey = _survey(read(part))
    except KeyError as error:
        raise FileError(f"the file is a workbook (XLSX) that cannot be read: it has no {part}") from error
    if survey.rows * survey.columns > max(MAX_EMPTY, MAX_SPARSITY * survey.cells):
        raise FileError(
            f"the workbook has a sheet of {survey.rows:,} rows and {survey.columns:,} columns with no more than "
            f"{survey.cells:,} cells in it, which no report has; it was not read"
        )
    if survey.shared * max(lengths, default=0) > MAX_TEXT_BYTES:
        indexes = (int(index) for xml in _whole_cells(read(part)) for index in _SHARED_INDEX.findall(xml))
        if sum(lengths[index] for index in indexes if index < len(lengths)) > MAX_TEXT_BYTES:
            raise FileError(
                f"the workbook repeats its texts until they take more than {MAX_TEXT_BYTES:,} bytes, "
                "which no report does; it was not read"
            )
    return survey.untold


def _survey(chunks: Iterator[bytes]) -> _Survey:
    survey = _Survey()
    for xml in _whole_cells(chunks):
        cells, rows = _references(xml)
        survey.cells += len(cells)
        _stretch(survey, b" ".join(cells), b" ".join(rows))
        kinds = _KIND.findall(xml)
        survey.shared += kinds.count(b"s")
        if b"<f" in xml or b":f" in xml:
            for attributes, formula in _NOT_CALCULATED.findall(xml):
                _note(survey, attributes, b"=" + (formula or b"(a formula)"))
        if b"e" in kinds:
            for attributes, _formula, error in _ERROR.findall(xml):
                _note(survey, attributes, error)
    return survey


def _references(xml: bytes) -> tuple[list[bytes], list[bytes]]:
    """Where each of the cells and rows says it is."""
    cells, rows = _PLAIN_CELL.findall(xml), _PLAIN_ROW.findall(xml)
    if len(cells) == xml.count(b"<c") and len(rows) == xml.count(b"<row") and not _PREFIXED.search(xml):
        return cells, rows
    return _CELL.findall(xml), _ROW.findall(xml)


def _stretch(survey: _Survey, cells: bytes, rows: bytes) -> None:
    """Take in where cells and rows say they are. A set of letters and one of numbers are made of millions at once."""
    columns = set(cells.translate(None, _DIGITS).upper().split())
    lines = {*cells.translate(None, _LETTERS).split(), *rows.split()}
    if not all(line.isdigit() and len(line) < len(str(MAX_ROWS)) + 1 for line in lines):
        raise FileError("the workbook has a cell in a row that no sheet has")
    survey.rows = max([survey.rows, *map(int, lines)])
    survey.columns = max([survey.columns, *map(_column_number, columns)])
    if survey.rows > MAX_ROWS or survey.columns > MAX_COLUMNS:
        raise FileError("the workbook has a cell beyond the last row or column that a sheet can have")


def _whole_cells(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, cut anew where cells end."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        end = rest.rfind(b"c>") + 2
        if end > 1:
            yield rest[:end]
            rest = rest[end:]
        if len(rest) > MAX_CELL_BYTES:
            raise FileError(f"the workbook has a cell of more than {MAX_CELL_BYTES:,} bytes")
    yield rest


def _note(survey: _Survey, attributes: bytes, text: bytes) -> None:
    place = _REFERENCE.search(attributes)
    if place is None:
        raise FileError("the workbook has a formula without a value in a cell that does not say where it is")
    survey.untold[int(place[2]) - 1][_column_number(place[1]) - 1] = unescape(text.decode(errors="replace"))


def _column_number(letters: bytes) -> int:
    """`A` is 1, `AA` 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _shared_lengths(chunks: Iterator[bytes]) -> Iterator[int]:
    """Bytes of each of the shared strings, with their tags."""
    rest = b""
    for chunk in chunks:
        *strings, rest = _END_OF_SHARED.split(rest + chunk)
        if len(rest) > MAX_CELL_BYTES:
            raise FileError(f"the workbook has a text of more than {MAX_CELL_BYTES:,} bytes")
        yield from map(len, strings)


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
