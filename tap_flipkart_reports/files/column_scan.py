"""One column of a delimited text, without its other cells: a quarter of the cost of reading whole rows."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_flipkart_reports.files.encodings import TextEncoding

CHUNK = 2**18

MAX_REST = 2**21
"""Bytes without a whole row in them from which on the scan is given up."""

ENCODINGS = frozenset({"utf-8", "utf-8-sig", "cp1252"})
"""Encodings in which delimiters, quotes and line ends are single bytes, and are nothing else."""

MAX_INDEX = 15
"""A column further right is not worth the way to it."""


class UnscannableError(Exception):
    """The text has something that only a whole reading tells: the caller reads the rows."""


def column_texts(
    file: IO[bytes], *, encoding: TextEncoding, delimiter: str, first_line: int, index: int
) -> Iterator[list[str]]:
    """The cells of one column, in lists of any length, as csv would read them.

    Raises:
        UnscannableError: a row is blank, short or damaged, a line ends otherwise than in LF or CR LF, there are control
            characters, or the encoding is another than those of `ENCODINGS`.
    """
    if encoding.has_controls or encoding.name not in ENCODINGS or index > MAX_INDEX:
        raise UnscannableError
    pattern = _row_pattern(re.escape(delimiter.encode()), index)
    file.seek(0)
    for _line in range(first_line - 1):
        line = file.readline(MAX_REST)
        _check(line)
        if not line.endswith(b"\n"):
            raise UnscannableError
    rest = b""
    while chunk := file.read(CHUNK):
        if chunk.endswith(b"\r"):
            chunk += file.read(1)
        _check(chunk)
        cells, rest = _cells(pattern, rest + chunk)
        if len(rest) > MAX_REST:
            raise UnscannableError
        if cells:
            yield _decoded(cells, encoding)
    if rest.strip(b"\r\n"):
        cells, rest = _cells(pattern, rest + b"\n")
        if rest:
            raise UnscannableError
        yield _decoded(cells, encoding)


def _check(text: bytes) -> None:
    if b"\0" in text or text.count(b"\r") != text.count(b"\r\n"):
        raise UnscannableError


def _row_pattern(delimiter: bytes, index: int) -> re.Pattern[bytes]:
    """Matches a row, with the column's cell as its group; or, as the second group, all from where no row begins.

    A cell that begins with a quote ends at the next single one; in others a quote is a character like any, as in csv.
    """
    quoted = rb'"[^"]*(?:""[^"]*)*"'
    cell = rb"(?:" + quoted + rb'|[^"' + delimiter + rb"\r\n][^" + delimiter + rb"\r\n]*|)"
    behind = rb"(?=[" + delimiter + rb"\r\n])"
    rest = rb'[^"\n]*(?:(?:(?<=' + delimiter + rb")" + quoted + behind + rb"|(?<!" + delimiter + rb')")[^"\n]*)*\n'
    before = rb"(?:" + cell + delimiter + rb"){%d}" % index
    return re.compile(rb"(?:\r?\n)*(?!\r?\n)" + before + rb"(" + cell + rb")" + behind + rest + rb"|((?s:.+))")


def _cells(pattern: re.Pattern[bytes], text: bytes) -> tuple[list[bytes], bytes]:
    """The column's cells in the whole rows of a text, and what is left of it."""
    found = pattern.findall(text)
    rest = found.pop()[1] if found and found[-1][1] else b""
    return [cell for cell, _ in found], rest


def _decoded(cells: list[bytes], encoding: TextEncoding) -> list[str]:
    joined = b"\0".join(cells)
    texts = joined.decode(encoding.name.removesuffix("-sig"), errors=encoding.errors).split("\0")
    if b'"' not in joined:
        return texts
    return [text[1:-1].replace('""', '"') if text[:1] == '"' else text for text in texts]
