"""A text file whose cells are replaced one by one; quotes, delimiters, line ends, marks and strange bytes stay."""

from __future__ import annotations

import codecs
import io
from typing import IO, TYPE_CHECKING

from tap_flipkart_reports.commands.anonymous_columns import SheetPlan, disguised
from tap_flipkart_reports.files.encodings import find_encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_flipkart_reports.commands.anonymous_values import Disguise

_WIDE = {codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be"}
_MARKED = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be", codecs.BOM_UTF8: "utf-8"}

_MARK = "\ufeff"


def copy_text(source: IO[bytes], out: IO[bytes], plan: SheetPlan, disguise: Disguise) -> None:
    """Copy a text file, its cells replaced.

    Args:
        source: the file.
        out: the copy.
        plan: where its table is.
        disguise: makes the stand-ins.
    """
    name = _encoding(source)
    source.seek(0)
    text = io.TextIOWrapper(source, encoding=name, errors="surrogateescape", newline="")
    try:
        for line, row in _rows(text, plan):
            mark = _MARK if line == 1 and row.startswith(_MARK) else ""
            copied = "".join(_row(row.removeprefix(mark), line, plan, disguise, name))
            out.write((mark + copied).encode(name, "surrogateescape"))
    finally:
        text.detach()


def _encoding(source: IO[bytes]) -> str:
    """The encoding, with the mark of its beginning as a letter of the text."""
    source.seek(0)
    start = source.read(4)
    for marks in (_WIDE, _MARKED):
        for mark, name in marks.items():
            if start.startswith(mark):
                return name
    encoding = find_encoding(source)
    return "cp1252" if encoding.name == "cp1252" else "utf-8"


def _rows(lines: Iterable[str], plan: SheetPlan) -> Iterator[tuple[int, str]]:
    """The rows, each with the number of its first line; line breaks within quotes end none.

    Above the header is prose, whose quotes are not CSV: there, each line is a row.
    """
    start, row = 1, list[str]()
    is_open = False
    for number, line in enumerate(lines, 1):
        if is_open:
            row.append(line)
        else:
            start, row = number, [line]
        is_open = number >= plan.first_line and _is_open(line, plan.delimiter, is_open=is_open)
        if not is_open:
            yield start, "".join(row)
    if is_open:
        yield start, "".join(row)


def _is_open(line: str, delimiter: str, *, is_open: bool) -> bool:
    """Whether a line ends within quotes, which begin where a cell begins."""
    position = 0
    while position < len(line):
        if is_open:
            position = line.find('"', position) + 1
            if not position:
                return True
            if line.startswith('"', position):
                position += 1
                continue
            is_open = False
        elif line.startswith('"', position):
            is_open = True
            position += 1
            continue
        position = line.find(delimiter, position) + 1
        if not position:
            return False
    return is_open


def _row(row: str, line: int, plan: SheetPlan, disguise: Disguise, encoding: str) -> Iterator[str]:
    """The row with its cells replaced, and the text between them unchanged."""
    end = len(row.rstrip("\r\n"))
    body, place = row[:end], 0
    position = 0
    while position <= len(body):
        quoted, position = _quoted(body, position)
        stop = body.find(plan.delimiter, position)
        rest = body[position : stop if stop >= 0 else len(body)]
        if quoted is not None:
            is_closed = position >= 2 and body[position - 1] == '"' and len(quoted) >= 2  # noqa: PLR2004 - two quotes
            inner = quoted[1:-1] if is_closed else quoted[1:]
            new = _cell(inner.replace('""', '"'), line, place, plan, disguise, encoding).replace('"', '""')
            yield f'"{new}' + ('"' if is_closed else "")
        yield _cell(rest, line, place, plan, disguise, encoding) if rest else ""
        position += len(rest)
        if stop >= 0:
            yield plan.delimiter
        position += 1
        place += 1
    yield row[end:]


def _quoted(body: str, position: int) -> tuple[str | None, int]:
    """The cell's part in quotes, quotes and all, and where it ends; `None` if it does not begin with one."""
    if not body.startswith('"', position):
        return None, position
    stop = position + 1
    while True:
        stop = body.find('"', stop)
        if stop < 0:
            return body[position:], len(body)
        if not body.startswith('"', stop + 1):
            return body[position : stop + 1], stop + 1
        stop += 2


def _cell(text: str, line: int, place: int, plan: SheetPlan, disguise: Disguise, encoding: str) -> str:  # noqa: PLR0913, PLR0917 - a cell and its place
    kind = plan.kind(line, place, text)
    return disguised(disguise, text, kind, name=plan.name(place), encoding=encoding)
