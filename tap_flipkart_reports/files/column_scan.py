"""One column of a delimited text without its other cells, for a tenth of the cost of reading whole rows."""

from __future__ import annotations

import csv
import re
from itertools import chain
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_flipkart_reports.files.encodings import TextEncoding

CELLS = 500
"""Cells in one list."""

ENCODINGS = frozenset({"utf-8", "utf-8-sig", "cp1252"})
"""Encodings in which the bytes of delimiters, quotes and line ends never stand for anything else."""

MAX_INDEX = 15
"""For a column further right, reading whole rows is as fast."""


class UnscannableError(Exception):
    """The column cannot be read alone; the caller must read the rows."""


def column_texts(
    file: IO[bytes], *, encoding: TextEncoding, delimiter: str, first_line: int, index: int
) -> Iterator[list[str]]:
    """The cells of one column, in lists of any length, as csv would read them.

    A line in which quotes enclose whole cells is a whole row, and is split only up to the cell. Any other line is
    passed to csv, with the lines that follow if its row continues.

    Raises:
        UnscannableError: a row is short or damaged, a line ends otherwise than in LF or CR LF, there are control
            characters or long lines, or the encoding is another than those of `ENCODINGS`.
    """
    if encoding.has_controls or encoding.has_long_lines or encoding.name not in ENCODINGS or index > MAX_INDEX:
        raise UnscannableError
    comma = delimiter.encode()
    are_quoted = _quoted_cells(comma).fullmatch
    cells: list[bytes] = []
    above = first_line - 1
    file.seek(0)
    for line in file:
        if line.find(b"\r", 0, -2) >= 0 or (line[-2:-1] == b"\r" and line[-1:] != b"\n"):
            raise UnscannableError
        if above:  # checked, too: a CR in them would be the end of a line that is counted
            above -= 1
            continue
        row = line.split(comma, index + 1)
        quote = line.find(b'"')
        if len(row) == index + 2 and (
            quote < 0
            # The match includes the byte before the quotes and the one after them.
            or (quote >= len(line) - len(row[-1]) and are_quoted(line, quote - 1, line.rfind(b'"') + 2))
        ):
            cells.append(row[index])
            if len(cells) == CELLS:
                yield _decoded(cells, encoding)
                cells = []
        elif line.strip(b"\r\n"):
            if cells:
                yield _decoded(cells, encoding)
                cells = []
            yield [_cell_of_row(chain([line], file), encoding, delimiter, index)]
    if cells:
        yield _decoded(cells, encoding)


def _quoted_cells(comma: bytes) -> re.Pattern[bytes]:
    """The part of a row from the delimiter before its first quote to the byte after the last.

    All quotes are around cells or doubled in them, or one might begin a cell that ends on another line.
    """
    between, cell = re.escape(comma), rb'"[^"]*(?:""[^"]*)*"'
    return re.compile(rb"%b%b(?:%b(?:[^\"]*%b)?%b)*[%b\r\n]?" % (between, cell, between, between, cell, between))


def _cell_of_row(lines: Iterable[bytes], encoding: TextEncoding, delimiter: str, index: int) -> str:
    """The column's cell in the row that begins with the first line; consumes the lines of the row."""
    try:
        row = next(csv.reader((_text(line, encoding) for line in lines), delimiter=delimiter, strict=True))
        return row[index]
    except (csv.Error, IndexError) as error:
        raise UnscannableError from error


def _text(line: bytes, encoding: TextEncoding) -> str:
    return line.decode(encoding.name.removesuffix("-sig"), errors=encoding.errors)


def _decoded(cells: list[bytes], encoding: TextEncoding) -> list[str]:
    return _text(b"\0".join(cells), encoding).split("\0")
