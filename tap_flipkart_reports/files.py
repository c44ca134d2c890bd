"""Bytes to tables of text: container, encoding, delimiter, header.

A file is read in constant memory, whatever its size: what is packed is unpacked to disk, and rows come in batches.
Workbooks and archives of several files are named for what they are and refused.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import tempfile
import zipfile
import zlib
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import IO, TYPE_CHECKING, Any

from tap_flipkart_reports.exceptions import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_FILE_BYTES = 4 * 2**30
"""A file that unpacks to more is refused."""

MAX_RATIO = 250
"""A file that unpacks to this many times its size, and to more than `SMALL_BYTES`, is a bomb: tables reach 50."""

SMALL_BYTES = 64 * 2**20
"""What is smaller unpacked does no harm, whatever its ratio."""

MAX_LINE = 2**23
"""Characters; a longer line comes from no table, and would be held in memory whole."""

MAX_CELL = 2**20
"""Characters; csv's own limit of 131,072 is below a spreadsheet's, and none would read on behind a lost quote."""

BATCH_ROWS = 100
"""Larger batches leave the CPU's cache before their columns are converted."""

CHUNK = 2**20
SAMPLE = 2**16
"""Bytes of the file's start by which it is known."""

SAMPLE_ROWS = 5
"""Rows, with the header, by which the delimiter is known."""

DELIMITERS = (",", "\t", ";", "|")
"""The first wins ties."""

_LINK = re.compile(r"\S*(?:://|[?&]\w+=)\S*")
_TITLE = re.compile(r"<(?:title|message|h1)\b[^>]*>([^<]*\w[^<]*)<", re.IGNORECASE)
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0"
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Some consecutive rows of a table; blank ones are left out.

    Attributes:
        rows: the rows' cells.
        lines: the line of the file on which each row begins, from 1.
    """

    rows: list[list[str]]
    lines: list[int]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A header and its rows.

    Attributes:
        name: the name of the archive's member; `None` for a bare file.
        header: the header's cells as the file has them.
        header_line: the line of the file on which the header begins, from 1.
        batches: the rows behind the header, to be read once and before the file is closed. Raises `FileError` at a
            row that is not CSV.
    """

    name: str | None
    header: tuple[str, ...]
    header_line: int
    batches: Iterator[Batch]


@contextmanager
def open_tables(path: Path) -> Iterator[list[Table]]:
    """Open a downloaded file: CSV in any encoding and delimiter Flipkart uses, bare, gzipped or alone in a ZIP.

    Args:
        path: the file; what is packed is unpacked to an unnamed file in the same folder.

    Yields:
        The file's tables, one for the time being. They can be read until the context ends.

    Raises:
        FileError: the file holds no table, or none that can be read; the sentence says what it holds.
    """
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(path.open("rb"))
        name: str | None = None
        unpacked: IO[bytes] | gzip.GzipFile | None = None
        start = _start(file)
        if start.startswith(_GZIP):
            unpacked = stack.enter_context(gzip.GzipFile(fileobj=file))
        elif start.startswith(_ZIP):
            name, unpacked = _only_member(file, stack)
        if unpacked is not None:
            spool = stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            _unpack(unpacked, spool, packed_bytes=path.stat().st_size)
            file, start = spool, _start(spool)
        _refuse_strangers(start)
        yield [_table(file, name)]


# Containers


def _start(file: IO[bytes]) -> bytes:
    file.seek(0)
    start = file.read(SAMPLE)
    file.seek(0)
    return start


def _only_member(file: IO[bytes], stack: ExitStack) -> tuple[str, IO[bytes]]:
    """The one file in a ZIP, and its name."""
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
        members = [member for member in archive.infolist() if not member.is_dir()]
        if any(member.filename == "xl/workbook.xml" for member in members):
            raise FileError("the file is an Excel workbook (XLSX), which cannot be read yet")
        members = [member for member in members if not member.filename.startswith("__MACOSX/")]
        if len(members) != 1:
            names = _shortened(", ".join(member.filename for member in members) or "none")
            raise FileError(f"the file is a ZIP of {len(members)} files ({names}); it cannot be read unless it has one")
        if members[0].compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise FileError("the file is a ZIP of a rare compression, which cannot be read")
        return members[0].filename, stack.enter_context(archive.open(members[0]))
    except (zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: it wants a password
        raise FileError(f"the file is a ZIP that cannot be read: {_shortened(str(error))}") from error


def _unpack(packed: IO[bytes] | gzip.GzipFile, spool: IO[bytes], *, packed_bytes: int) -> None:
    limit = min(MAX_FILE_BYTES, max(SMALL_BYTES, MAX_RATIO * packed_bytes))
    try:
        while chunk := packed.read(CHUNK):
            spool.write(chunk)
            if spool.tell() > limit:
                raise FileError(
                    f"the file's {packed_bytes:,} bytes unpack to more than {limit:,}, which no report does; "
                    "it was not read on"
                )
    except EOFError as error:
        raise FileError("the file is cut off: its compressed data end early") from error
    except (zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise FileError(f"the file's compressed data are damaged: {_shortened(str(error))}") from error


def _refuse_strangers(start: bytes) -> None:
    """Tell what a file is that is no CSV."""
    text = start.decode("utf-8-sig", errors="replace").lstrip()
    if not start:
        raise FileError("the file is empty: zero bytes")
    if start.startswith((_GZIP, *_ZIP)):
        raise FileError("the file is packed twice, which cannot be read")
    if start.startswith(_OLE):
        raise FileError("the file is an old Excel workbook (XLS), which cannot be read yet")
    if start.count(0) > len(start) // 4 and not start.startswith(tuple(_BYTE_ORDER_MARKS)):
        raise FileError("the file is no text, or UTF-16 without a byte order mark: many of its bytes are zero")
    if re.match(r"<[!?a-z]", text, re.IGNORECASE):
        title = _TITLE.search(text)
        raise FileError("the file is a web page, not a table" + (f": {_shortened(title[1])}" if title else ""))
    if text.startswith(("{", "[")):
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            if text.startswith(("{", "[{")):
                raise FileError("the file is JSON, not a table") from None
        else:
            raise FileError(f"the file is JSON, not a table: {_shortened(_message(answer) or 'without a message')}")


def _message(answer: Any) -> str | None:  # noqa: ANN401 - JSON of unknown shape
    """The words of an error body, whose shape is not documented."""
    if isinstance(answer, list):
        return next(filter(None, map(_message, answer)), None)
    if not isinstance(answer, dict):
        return answer if isinstance(answer, str) else None
    for name in ("errors", "error", "error_description", "message", "description"):
        if message := _message(answer.get(name)):
            return message
    return None


def _shortened(text: str) -> str:
    """A stranger's words for an error: one line, no links, which may hold keys."""
    text = " ".join(_LINK.sub("[link]", text).split())
    return text if len(text) <= 100 else text[:99] + "…"  # noqa: PLR2004


# Text


def _table(file: IO[bytes], name: str | None) -> Table:
    encoding = _encoding(file)
    delimiter = max(DELIMITERS, key=lambda delimiter: _evidence(file, encoding, delimiter))
    batches = _batches(file, encoding, delimiter, sizes=chain([1], repeat(BATCH_ROWS)))
    first = next(batches, None)
    if first is None:
        raise FileError("the file holds nothing but white space")
    return Table(name=name, header=tuple(first.rows[0]), header_line=first.lines[0], batches=batches)


def _encoding(file: IO[bytes]) -> str:
    """The encoding that fits all of the file: what its mark says, or else UTF-8, or else cp1252."""
    start = _start(file)
    marked = [encoding for mark, encoding in _BYTE_ORDER_MARKS.items() if start.startswith(mark)]
    misfits = []
    for encoding in marked or ("utf-8", "cp1252"):
        misfit = _first_misfit(file, encoding)
        if misfit is None:
            return encoding
        misfits.append(f"{encoding} (byte {misfit:,})")
    raise FileError(f"the file's text is not {' and not '.join(misfits)}")


def _first_misfit(file: IO[bytes], encoding: str) -> int | None:
    """The first byte, from 1, that an encoding cannot have."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))()  # which would not count the mark's bytes
    seen = 0
    while True:
        chunk = file.read(CHUNK)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return seen - pending + error.start + 1
        if not chunk:
            return None
        seen += len(chunk)


def _evidence(file: IO[bytes], encoding: str, delimiter: str) -> tuple[bool, int]:
    """How well a delimiter explains the file's first rows: whether they are equally wide, and how wide the header."""
    widths: list[int] = []
    with suppress(FileError):  # the rows up to a damaged one are evidence enough
        for batch in islice(_batches(file, encoding, delimiter, sizes=repeat(1)), SAMPLE_ROWS):
            widths += map(len, batch.rows)
    width = widths[0] if widths else 0
    return width > 1 and set(widths) == {width}, width


def _batches(file: IO[bytes], encoding: str, delimiter: str, *, sizes: Iterator[int]) -> Iterator[Batch]:
    """The file's rows, the header among them, without the blank ones, in batches of the sizes."""
    csv.field_size_limit(MAX_CELL)  # of the whole process; nothing else in it reads CSV
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    reader = csv.reader(_lines(text), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    line, size = 1, next(sizes)
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append(row)
                lines.append(line)
                if len(rows) == size:
                    yield Batch(rows=rows, lines=lines)
                    rows, lines, size = [], [], next(sizes)
            line = reader.line_num + 1
        if rows:
            yield Batch(rows=rows, lines=lines)
    except csv.Error as error:
        raise FileError(f"the row on line {line} of the file is cut off or damaged: {error}") from error
    finally:
        if not file.closed:
            text.detach()  # or the end of this reading would close the file


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The text's lines; without NUL, which means nothing in them and stops csv before Python 3.11."""
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise FileError(f"the file has a line of more than {MAX_LINE:,} characters")
        yield line.replace("\0", "")
