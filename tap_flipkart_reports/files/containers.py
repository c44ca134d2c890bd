"""Downloaded files to sheets. The format is recognised by the bytes, never by the name. Packed data go to disk."""

from __future__ import annotations

import errno
import gzip
import json
import re
import struct
import zipfile
import zlib
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.delimited import text_readers
from tap_flipkart_reports.files.encodings import BYTE_ORDER_MARKS
from tap_flipkart_reports.files.file_slices import SliceStore
from tap_flipkart_reports.files.row_rules import MAX_FILE_BYTES
from tap_flipkart_reports.files.sheets import Checkpoint, Sheet, no_checkpoint
from tap_flipkart_reports.files.xlsx_package import BOOK, part_name
from tap_flipkart_reports.redaction import clean, clean_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MAX_RATIO = 250
"""A file that unpacks to more than this many times its size is refused as a bomb: tables reach 50."""

SMALL_BYTES = 64 * 2**20
"""A file that is not larger than this when unpacked is allowed any ratio."""

CHUNK = 2**18
MAX_MEMBERS = 10_000
"""Files in a ZIP; a year of quarters has four."""

SHEETS = "xl/worksheets/"

MAX_KEPT_BYTES = 2**29
"""Bytes of a workbook's sheets that are kept on disk unpacked; larger ones are unpacked at each reading."""

SAMPLE = 2**16
"""Bytes at the start of a file by which its format is recognised."""

MAX_QUOTED = 100
"""Characters of a server's message that an error quotes."""

_TITLE = re.compile(r"<(?:title|message|h1)\b[^>]*>([^<]*\w[^<]*)<", re.IGNORECASE)
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OTHER_WORKBOOKS = {"xl/workbook.bin": "a binary workbook (XLSB)", "content.xml": "an OpenDocument file"}
_OLE = b"\xd0\xcf\x11\xe0"


@contextmanager
def open_sheets(
    path: Path, *, max_file_bytes: int = MAX_FILE_BYTES, checkpoint: Checkpoint = no_checkpoint
) -> Iterator[list[Sheet]]:
    """Open a downloaded file: text in any encoding and delimiter Flipkart uses, bare, gzipped or in a ZIP.

    Args:
        path: the file; packed data are unpacked to unnamed files in the same folder.
        max_file_bytes: bytes it may have, unpacked.
        checkpoint: called every few milliseconds while the file is read; may raise to end the reading.

    Yields:
        The file's sheets, in its order. They can be read until the context ends.

    Raises:
        FileError: the file holds no sheet that can be read; the message says what it holds.
    """
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(path.open("rb"))
        packed_bytes = path.stat().st_size
        if packed_bytes > max_file_bytes:
            raise FileError(f"the file has {packed_bytes:,} bytes, more than the {max_file_bytes:,} of max_file_bytes")
        unpacker = _Unpacker(stack, path.parent, packed_bytes, max_file_bytes=max_file_bytes, checkpoint=checkpoint)
        start = _start(file)
        if start.startswith(_GZIP):
            file = unpacker.spool(unpacker.chunks(stack.enter_context(gzip.GzipFile(fileobj=file))))
            start = _start(file)
        if start.startswith(_ZIP):
            yield list(_members(file, unpacker, stack))
        else:
            _reject_non_tables(start)
            yield [Sheet(name=None, title=None, readers=text_readers(file, checkpoint))]


# Containers


def _start(file: IO[bytes]) -> bytes:
    file.seek(0)
    start = file.read(SAMPLE)
    file.seek(0)
    return start


def _members(file: IO[bytes], unpacker: _Unpacker, stack: ExitStack, name: str | None = None) -> Iterator[Sheet]:
    """The sheets of a ZIP: of a workbook, or of the files in an archive. `name` is that of a workbook in an archive."""
    with _damage_as_file_error():
        archive = stack.enter_context(zipfile.ZipFile(file))
    members = members_of(archive)
    parts = {part_name(member.filename): member for member in members}
    if not members:
        raise FileError("the file is a ZIP without a file in it")
    if len(members) > MAX_MEMBERS:
        raise FileError(f"the file is a ZIP of {len(members):,} files, more than the {MAX_MEMBERS:,} of any report")
    if any(member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for member in members):
        raise FileError("the file is a ZIP with a rare kind of compression, which cannot be read")
    if others := parts.keys() & _OTHER_WORKBOOKS.keys():
        raise FileError(f"the file is {_OTHER_WORKBOOKS[min(others)]}, which cannot be read")
    if BOOK in parts:
        from tap_flipkart_reports.files.xlsx import workbook_sheets  # noqa: PLC0415 - most files are text

        yield from workbook_sheets(parts, _WorkbookParts(archive, parts, unpacker).read, name)
    elif name is not None:
        raise FileError("the file is packed twice, which cannot be read")
    else:
        for member in members:
            spool = unpacker.spool(_unpacked(archive, unpacker, member))
            yield from _member(spool, member.filename, unpacker, stack)


def _unpacked(
    archive: zipfile.ZipFile,
    unpacker: _Unpacker,
    member: zipfile.ZipInfo,
    *,
    counted: dict[str, int] | None = None,
) -> Iterator[bytes]:
    """The bytes of a member. `counted` has the bytes already unpacked, by member: they count once."""
    with _damage_as_file_error():
        packed = archive.open(member)
    with packed:
        name, seen = packed.name, 0
        for chunk in unpacker.chunks(packed):
            if counted is not None:
                seen += len(chunk)
                known = counted.get(name, 0)
                counted[name] = max(seen, known)
                unpacker.give_back(min(len(chunk), max(0, known - seen + len(chunk))))
            yield chunk


class _WorkbookParts:
    """The parts of a workbook. Sheets are read several times, so small ones are unpacked once and kept.

    Args:
        archive: the workbook.
        members: its parts by `part_name`.
        unpacker: unpacks it.
    """

    def __init__(self, archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], unpacker: _Unpacker) -> None:
        self._archive = archive
        self._members = members
        self._unpacker = unpacker
        self._counted: dict[str, int] = {}
        self._kept: dict[str, list[tuple[int, int]]] = {}
        self._kept_bytes = 0

    def read(self, name: str) -> Iterator[bytes]:
        """The bytes of a part, from its beginning at each call."""
        if name in self._kept:
            for offset, size in self._kept[name]:
                self._unpacker.checkpoint()
                yield self._unpacker.store.chunk(offset, size)
            return
        if name not in self._members:
            raise FileError(f"the file is a workbook (XLSX) that cannot be read: it has no {name}")
        kept: list[tuple[int, int]] = []
        is_kept = name.startswith(SHEETS)
        for chunk in _unpacked(self._archive, self._unpacker, self._members[name], counted=self._counted):
            self._kept_bytes += len(chunk) if is_kept else 0
            is_kept = is_kept and self._kept_bytes <= MAX_KEPT_BYTES
            if is_kept:
                kept.append(self._unpacker.store.append(chunk))
            yield chunk
        if is_kept:
            self._kept[name] = kept


@contextmanager
def _damage_as_file_error() -> Iterator[None]:
    """Raise `FileError` for the errors that zlib, gzip and zipfile raise at damaged data, some of them undocumented."""
    try:
        yield
    except EOFError as error:
        raise FileError("the file is cut off: its compressed data end early") from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise FileError(f"the file's compressed data are damaged: {clean_name(str(error))}") from error
    except (zipfile.BadZipFile, RuntimeError, ValueError, struct.error) as error:  # RuntimeError: it needs a password
        raise FileError(f"the file is a ZIP that cannot be read: {clean_name(str(error))}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: a seek to before the first byte; others come from the disk
            raise
        raise FileError("the file is a ZIP that cannot be read: it points to before its own beginning") from error


def _member(spool: IO[bytes], name: str, unpacker: _Unpacker, stack: ExitStack) -> Iterator[Sheet]:
    try:
        start = _start(spool)
        if start.startswith(_ZIP):
            yield from _members(spool, unpacker, stack, name)
        else:
            _reject_non_tables(start)
            yield Sheet(name=PurePosixPath(name).stem, title=name, readers=text_readers(spool, unpacker.checkpoint))
    except FileError as error:
        raise FileError(f"{clean_name(name)} in the ZIP: {error}") from error


def members_of(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in a ZIP, without folders and hidden files of operating systems."""
    members = archive.infolist()
    for member in members:
        member.filename = member.filename.replace("\\", "/")  # some programs for Windows write the former
    return [member for member in members if not _is_litter(member)]


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether a ZIP is a workbook."""
    return any(part_name(member.filename) == BOOK for member in members_of(archive))


def _is_litter(member: zipfile.ZipInfo) -> bool:
    """Whether a member is a folder, or a hidden file of macOS or Windows."""
    base = PurePosixPath(member.filename).name
    return (
        member.filename.endswith("/") or member.filename.startswith("__MACOSX/") or base in {".DS_Store", "Thumbs.db"}
    )


class _Unpacker:
    """Unpacks to unnamed files, up to a limit.

    Args:
        stack: closes the files.
        folder: their folder.
        packed_bytes: size of the packed file.
        max_file_bytes: limit for all unpacked bytes together.
        checkpoint: called at every chunk.
    """

    def __init__(
        self, stack: ExitStack, folder: Path, packed_bytes: int, *, max_file_bytes: int, checkpoint: Checkpoint
    ) -> None:
        self.checkpoint = checkpoint
        self._stack = stack
        self._folder = folder
        self._packed_bytes = packed_bytes
        self._limit = min(max_file_bytes, max(SMALL_BYTES, MAX_RATIO * packed_bytes))
        self._unpacked_bytes = 0

    @cached_property
    def store(self) -> SliceStore:
        """Where unpacked bytes are kept until the file is closed."""
        store = SliceStore(self._folder)
        self._stack.callback(store.close)
        return store

    def spool(self, chunks: Iterator[bytes]) -> IO[bytes]:
        """A file of unpacked bytes."""
        return self.store.add(chunks)

    def give_back(self, unpacked_bytes: int) -> None:
        """Do not count bytes that were counted before."""
        self._unpacked_bytes -= unpacked_bytes

    def chunks(self, packed: IO[bytes] | gzip.GzipFile) -> Iterator[bytes]:
        """The bytes of a packed file."""
        while True:
            self.checkpoint()
            with _damage_as_file_error():
                chunk = packed.read(CHUNK)
            if not chunk:
                return
            self._unpacked_bytes += len(chunk)
            if self._unpacked_bytes > self._limit:
                raise FileError(
                    f"the file's {self._packed_bytes:,} bytes unpack to more than {self._limit:,}, "
                    "which no report does; reading stopped there"
                )
            yield chunk


def _reject_non_tables(start: bytes) -> None:
    """Raise `FileError` for a file that is not a table, and say what it is."""
    text = start.decode("utf-8-sig", errors="replace").lstrip()
    if not start:
        raise FileError("the file is empty: zero bytes")
    if start.startswith((_GZIP, *_ZIP)):
        raise FileError("the file is packed twice, which cannot be read")
    if start.startswith(_OLE):
        raise FileError("the file is an old Excel workbook (XLS) or one with a password, which cannot be read")
    if start.count(0) > len(start) // 4 and not start.startswith(tuple(BYTE_ORDER_MARKS)):
        raise FileError("the file is not text, or UTF-16 without a byte order mark: many of its bytes are zero")
    if re.match(r"<[!?a-z]", text, re.IGNORECASE):
        title = _TITLE.search(text)
        raise FileError(f"the file is a web page, not a table{_quoted(title and title[1])}")
    if text.startswith(("{", "[")):
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            if text.startswith(("{", "[{")):
                raise FileError("the file is JSON, not a table") from None
        else:
            raise FileError(f"the file is JSON, not a table{_quoted(_message(answer))}")


def _quoted(words: str | None) -> str:
    return f": {clean(words, limit=MAX_QUOTED)}" if words else ""


def _message(answer: Any) -> str | None:  # noqa: ANN401 - JSON of unknown shape
    """The message in an error body, whose structure is not documented."""
    if isinstance(answer, list):
        return next(filter(None, map(_message, answer)), None)
    if not isinstance(answer, dict):
        return answer if isinstance(answer, str) else None
    for name in ("errors", "error", "error_description", "message", "description"):
        if message := _message(answer.get(name)):
            return message
    return None
