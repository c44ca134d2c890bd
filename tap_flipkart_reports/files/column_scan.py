"""One column of a delimited text without its other cells, for a tenth of the cost of reading whole rows."""

from __future__ import annotations

import csv
from itertools import chain
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_flipkart_reports.files.encodings import TextEncoding

CELLS = 500
"""Cells that are handed on together."""

MAX_LINE_BYTES = 2**23

ENCODINGS = frozenset({"utf-8", "utf-8-sig", "cp1252"})
"""Encodings in which delimiters, quotes and line ends are single bytes, and are nothing else."""

MAX_INDEX = 15
"""A column further right is not worth the way to it."""


BLANK = bytes(b" " * 2)
"""Stands for the cell of a line without text; compared by identity."""


class UnscannableError(Exception):
    """The text has something that only a whole reading tells: the caller reads the rows."""


def column_texts(
    file: IO[bytes], *, encoding: TextEncoding, delimiter: str, first_line: int, index: int
) -> Iterator[list[str]]:
    """The cells of one column, in lists of any length, as csv would read them.

    A line whose quotes come in pairs, the first one where a cell begins, is a whole row, and is only cut up to the
    cell. Any other line is handed to csv, with those that follow if its row goes on.

    Raises:
        UnscannableError: a row is short or damaged, a line ends otherwise than in LF or CR LF, there are control
            characters, or the encoding is another than those of `ENCODINGS`.
    """
    if encoding.has_controls or encoding.name not in ENCODINGS or index > MAX_INDEX:
        raise UnscannableError
    comma = delimiter.encode()
    cells: list[bytes] = []
    for line in _lines_from(file, first_line):
        cell = _cell_of_line(line, comma, index)
        if cell is None:
            if cells:
                yield _decoded(cells, encoding)
                cells = []
            yield [_cell_of_row(chain([line], file), encoding, delimiter, index)]
        elif cell is not BLANK:
            cells.append(cell)
            if len(cells) == CELLS:
                yield _decoded(cells, encoding)
                cells = []
    if cells:
        yield _decoded(cells, encoding)


def _lines_from(file: IO[bytes], first_line: int) -> IO[bytes]:
    file.seek(0)
    for _line in range(first_line - 1):
        file.readline()
    return file


def _cell_of_line(line: bytes, comma: bytes, index: int) -> bytes | None:
    """The column's cell in a line that is a whole row, `BLANK` in one without text; `None` if csv has to tell."""
    if b"\r" in line[:-2]:
        raise UnscannableError
    quote = line.find(b'"')
    if quote >= 0 and (line.count(b'"') % 2 or (quote and line[quote - 1 : quote] != comma)):
        return None
    row = line.split(comma, index + 1)
    if len(row) <= index + 1:
        if len(row) > 1 and len(row) > index:
            return None if quote >= 0 else row[index]
        if line.strip(b"\r\n"):
            raise UnscannableError
        return BLANK
    if 0 <= quote < len(line) - len(row[-1]):
        return None
    return row[index]


def _cell_of_row(lines: Iterable[bytes], encoding: TextEncoding, delimiter: str, index: int) -> str:
    """The column's cell in the row that begins with the first of some lines; those it has are used up."""
    try:
        row = next(csv.reader((_text(line, encoding) for line in lines), delimiter=delimiter, strict=True))
        return row[index]
    except (csv.Error, IndexError) as error:
        raise UnscannableError from error


def _text(line: bytes, encoding: TextEncoding) -> str:
    if len(line) > MAX_LINE_BYTES:
        raise UnscannableError
    return line.decode(encoding.name.removesuffix("-sig"), errors=encoding.errors)


def _decoded(cells: list[bytes], encoding: TextEncoding) -> list[str]:
    joined = _text(b"\0".join(cells), encoding)
    if "\n" in joined:  # the last column
        joined = joined.replace("\r\n", "").replace("\n", "")
    return joined.split("\0")
