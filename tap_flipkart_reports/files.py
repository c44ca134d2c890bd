"""Bytes to sheets of text: container, encoding, delimiters. What a file is, its bytes say, never its name.

What is packed is unpacked to disk, and rows come in batches: text is read in constant memory, whatever its size.
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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Protocol

from tap_flipkart_reports.exceptions import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_FILE_BYTES = 4 * 2**30
"""The default of the setting `max_file_bytes`: a larger file, or one that unpacks to more, is refused."""

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

HEAD_ROWS = 300
"""Lines in which a header is looked for: the help above it takes 50 and more."""

MAX_HEADER_LINES = 200
"""Lines of the file that one row of headers may take: many headers have a line break or two."""

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


@dataclass(kw_only=True)
class Tally:
    """What the reading of a table has come to so far.

    Attributes:
        rows: rows in its batches.
        blank: rows without any text, left out.
    """

    rows: int = 0
    blank: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A header and its rows.

    Attributes:
        name: the name of the sheet or the archive's member; `None` for a bare file.
        header: the header's cells as the file has them; where it has several rows, those of a column joined by ` / `.
        header_line: the line of the file on which the header begins, from 1.
        header_rows: the header's rows as they are.
        batches: the rows behind the header, to be read once and before the file is closed. Raises `FileError` at a
            row that is not CSV.
        tally: counts the batches as they are read.
    """

    name: str | None
    header: tuple[str, ...]
    header_line: int
    batches: Iterator[Batch]
    header_rows: tuple[tuple[str, ...], ...] = ()
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, kw_only=True)
class HeadRow:
    """A row near the beginning of a sheet, which may be its header.

    Attributes:
        cells: its cells.
        line: the line on which it begins, from 1.
        next_line: the line behind it.
    """

    cells: tuple[str, ...]
    line: int
    next_line: int


class Reading(Protocol):
    """One way to take a sheet for rows: a text has one for each delimiter, a workbook's sheet has just one."""

    @property
    def head_lines(self) -> int:
        """How many lines `head_row` knows."""

    def head_row(self, line: int) -> HeadRow | None:
        """The row that begins on a line; `None` if it is blank or none.

        Args:
            line: from 1.

        Raises:
            FileError: it cannot be read.
        """

    def batches(self, first_line: int, tally: Tally) -> Iterator[Batch]:
        """The rows from a line on.

        Args:
            first_line: the line, from 1.
            tally: counts them as they are read.

        Raises:
            FileError: at a row that cannot be read.
        """


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A grid of text with a table in it, perhaps: a text file or a sheet of a workbook.

    Attributes:
        name: the name of the sheet, or of the archive's member without its ending; `None` for a bare file.
        title: its name for people, with the archive's member it is in; `None` for a bare file.
        readings: the ways to take it for rows.
    """

    name: str | None
    title: str | None
    readings: Sequence[Reading]


@contextmanager
def open_sheets(path: Path, *, max_file_bytes: int = MAX_FILE_BYTES) -> Iterator[list[Sheet]]:
    """Open a downloaded file: text in any encoding and delimiter Flipkart uses, bare, gzipped or in a ZIP.

    Args:
        path: the file; what is packed is unpacked to unnamed files in the same folder.
        max_file_bytes: bytes it may have, unpacked.

    Yields:
        The file's sheets, in its order. They can be read until the context ends.

    Raises:
        FileError: the file holds no sheet, or one that cannot be read; the sentence says what it holds.
    """
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(path.open("rb"))
        packed_bytes = path.stat().st_size
        if packed_bytes > max_file_bytes:
            raise FileError(f"the file has {packed_bytes:,} bytes, more than the {max_file_bytes:,} of max_file_bytes")
        unpacker = _Unpacker(stack, path.parent, packed_bytes=packed_bytes, max_file_bytes=max_file_bytes)
        start = _start(file)
        if start.startswith(_GZIP):
            file = unpacker.unpack(stack.enter_context(gzip.GzipFile(fileobj=file)))
            start = _start(file)
        if start.startswith(_ZIP):
            yield list(_members(file, unpacker, stack))
        else:
            _refuse_strangers(start)
            yield [_text_sheet(file, None)]


# Containers


def _start(file: IO[bytes]) -> bytes:
    file.seek(0)
    start = file.read(SAMPLE)
    file.seek(0)
    return start


def _members(file: IO[bytes], unpacker: _Unpacker, stack: ExitStack) -> Iterator[Sheet]:
    """The sheets of a ZIP's files."""
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
        members = [member for member in archive.infolist() if not _is_litter(member)]
        if any(member.filename == "xl/workbook.xml" for member in members):
            raise FileError("the file is an Excel workbook (XLSX), which cannot be read yet")
        if not members:
            raise FileError("the file is a ZIP without a file in it")
        for member in members:
            if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise FileError("the file is a ZIP of a rare compression, which cannot be read")
            with archive.open(member) as packed:
                spool = unpacker.unpack(packed)
            try:
                _refuse_strangers(_start(spool))
                yield _text_sheet(spool, member.filename)
            except FileError as error:
                raise FileError(f"{_shortened(member.filename)} in the ZIP: {error}") from error
    except (zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: it wants a password
        raise FileError(f"the file is a ZIP that cannot be read: {_shortened(str(error))}") from error


def _is_litter(member: zipfile.ZipInfo) -> bool:
    """Folders, and what macOS and Windows leave in archives."""
    base = PurePosixPath(member.filename).name
    return member.is_dir() or member.filename.startswith("__MACOSX/") or base in {".DS_Store", "Thumbs.db"}


class _Unpacker:
    """Unpacks to unnamed files, and not too much.

    Args:
        stack: closes the files.
        folder: where they lie.
        packed_bytes: size of the packed file.
        max_file_bytes: bytes that all it holds may have.
    """

    def __init__(self, stack: ExitStack, folder: Path, *, packed_bytes: int, max_file_bytes: int) -> None:
        self._stack = stack
        self._folder = folder
        self._packed_bytes = packed_bytes
        self._limit = min(max_file_bytes, max(SMALL_BYTES, MAX_RATIO * packed_bytes))
        self._unpacked_bytes = 0

    def unpack(self, packed: IO[bytes] | gzip.GzipFile) -> IO[bytes]:
        """The unpacked bytes in a file of their own."""
        spool: IO[bytes] = self._stack.enter_context(tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115 - it is one
        for chunk in self.chunks(packed):
            spool.write(chunk)
        return spool

    def chunks(self, packed: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
        """The unpacked bytes."""
        try:
            while chunk := packed.read(CHUNK):
                self._unpacked_bytes += len(chunk)
                if self._unpacked_bytes > self._limit:
                    raise FileError(
                        f"the file's {self._packed_bytes:,} bytes unpack to more than {self._limit:,}, "
                        "which no report does; it was not read on"
                    )
                yield chunk
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


def _text_sheet(file: IO[bytes], member: str | None) -> Sheet:
    csv.field_size_limit(MAX_CELL)  # of the whole process; nothing else in it reads CSV
    encoding = _encoding(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    head = list(islice(_lines(text), HEAD_ROWS + MAX_HEADER_LINES))
    text.detach()
    if not any(map(str.strip, head)) and len(head) < HEAD_ROWS:
        raise FileError("the file holds nothing but white space")
    return Sheet(
        name=None if member is None else PurePosixPath(member).stem,
        title=member,
        readings=[TextReading(file, encoding, delimiter, head) for delimiter in DELIMITERS],
    )


class TextReading:
    """A text taken for rows with a certain delimiter.

    Args:
        file: the text's bytes.
        encoding: its encoding.
        delimiter: the delimiter.
        head: its first lines.
    """

    def __init__(self, file: IO[bytes], encoding: str, delimiter: str, head: Sequence[str]) -> None:
        self._file = file
        self._encoding = encoding
        self._delimiter = delimiter
        self._head = head

    @property
    def head_lines(self) -> int:
        """How many lines `head_row` knows."""
        return min(len(self._head), HEAD_ROWS)

    def head_row(self, line: int) -> HeadRow | None:
        """The row that begins on a line; see `Reading`."""
        lines = self._head[line - 1 : line - 1 + MAX_HEADER_LINES]
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        try:
            cells = tuple(next(reader, ()))
        except csv.Error as error:
            raise FileError(f"the row on line {line} of the file is cut off or damaged: {error}") from error
        if not any(map(str.strip, cells)):
            return None
        return HeadRow(cells=cells, line=line, next_line=line + reader.line_num)

    def batches(self, first_line: int, tally: Tally) -> Iterator[Batch]:
        """The rows from a line on; see `Reading`."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding=self._encoding, newline="")
        behind = _lines(text)
        for _line in islice(behind, first_line - 1):
            pass
        reader = csv.reader(behind, delimiter=self._delimiter, strict=True)
        rows: list[list[str]] = []
        lines: list[int] = []
        line = first_line
        try:
            for row in reader:
                if any(map(str.strip, row)):
                    rows.append(row)
                    lines.append(line)
                    if len(rows) == BATCH_ROWS:
                        tally.rows += len(rows)
                        yield Batch(rows=rows, lines=lines)
                        rows, lines = [], []
                else:
                    tally.blank += 1
                line = first_line + reader.line_num
            if rows:
                tally.rows += len(rows)
                yield Batch(rows=rows, lines=lines)
        except csv.Error as error:
            raise FileError(f"the row on line {line} of the file is cut off or damaged: {error}") from error
        finally:
            if not self._file.closed:
                text.detach()  # or the end of this reading would close the file


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


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The text's lines; without NUL, which means nothing in them and stops csv before Python 3.11."""
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise FileError(f"the file has a line of more than {MAX_LINE:,} characters")
        yield line.replace("\0", "")
