"""A look at a sheet's XML before it is read: sizes that must not be trusted, cells that a reader hides."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from html import unescape
from string import ascii_letters, digits
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Untold = Mapping[int, Mapping[int, str]]
    """Texts of cells that calamine takes for blank, by row and column from 0."""

SHARED_STRINGS = "xl/sharedStrings.xml"

MAX_EMPTY = 4 * 2**20
"""Cells that a sheet may span whatever it holds; for more, one of `MAX_SPARSITY` has to be filled."""

MAX_SPARSITY = 20

MAX_TEXT_BYTES = 2**30
"""Bytes that a workbook's texts may take where each of its cells holds its own copy, as in calamine's memory."""

MAX_CELL_BYTES = 2**24
"""Bytes of XML that one cell may take; Excel's own limit is 32,767 characters."""

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


def surveyed(part: str, read: Callable[[str], Iterator[bytes]], lengths: Sequence[int]) -> Untold:
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


def shared_lengths(chunks: Iterator[bytes]) -> Iterator[int]:
    """Bytes of each of the shared strings, with their tags."""
    rest = b""
    for chunk in chunks:
        *strings, rest = _END_OF_SHARED.split(rest + chunk)
        if len(rest) > MAX_CELL_BYTES:
            raise FileError(f"the workbook has a text of more than {MAX_CELL_BYTES:,} bytes")
        yield from map(len, strings)
