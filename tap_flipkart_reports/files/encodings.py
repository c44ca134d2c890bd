"""Finds the encoding of a text file. A byte that fits no encoding loses only its own character."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from typing import IO

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.sheets import Checkpoint, no_checkpoint

CHUNK = 2**16
"""Bytes; more would leave the CPU's cache before they are decoded."""

MAX_LINE = 2**23
"""Characters of a line; no table has a longer one, and it would be held in memory whole."""

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, with whose mark it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

MAX_SHARE = 20
MIN_STRANGE = 30
"""A file of which more than one byte in `MAX_SHARE` is a control character or fits no encoding, and more than so many,
is not text."""

REPLACEMENT = "\ufffd"

_CONTROL_BYTES = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\n\r")
WITHOUT_CONTROLS = dict.fromkeys(_CONTROL_BYTES)
"""For `str.translate`: drops control characters, which mean nothing in a table."""

_CP1252 = "cp1252-or-replacement"


@dataclass(frozen=True, kw_only=True)
class TextEncoding:
    """How a file's bytes are made text.

    Attributes:
        name: Python's name of the encoding.
        errors: the `errors` argument of `open`.
        undecodable: number of bytes that fit neither it nor cp1252; each is U+FFFD in the text.
        has_controls: whether the text may hold control characters.
        has_long_lines: whether a line may have more than `MAX_LINE` characters.
    """

    name: str
    errors: str = "strict"
    undecodable: int = 0
    has_controls: bool = False
    has_long_lines: bool = False

    @property
    def words(self) -> str:
        """The encoding in words."""
        return f"{self.name} and cp1252" if self.errors == _CP1252 else self.name


def find_encoding(file: IO[bytes], checkpoint: Checkpoint = no_checkpoint) -> TextEncoding:
    """The encoding of a file: by its byte order mark, or else UTF-8, or else cp1252.

    In a file that mixes both, each byte that is not UTF-8 is read as cp1252.

    Raises:
        FileError: it is not text.
    """
    file.seek(0)
    start = file.read(4)
    marked = next((name for mark, name in BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
    if marked is not None and marked != "utf-8-sig":
        return _wide_encoding(file, marked, checkpoint)
    name = marked or "utf-8"
    scan = _scan(file, checkpoint)
    undecodable = 0
    encoding = TextEncoding(name=name)
    if not scan.is_utf_8:
        encoding, undecodable = _mixed_encoding(file, name, checkpoint)
    if scan.controls + undecodable > max(MIN_STRANGE, scan.size // MAX_SHARE):
        raise FileError(
            f"the file is not text: {scan.controls + undecodable:,} of its {scan.size:,} bytes are control "
            "characters or fit neither UTF-8 nor cp1252"
        )
    return replace(encoding, has_controls=scan.controls > 0, has_long_lines=scan.longest_line > MAX_LINE)


def _wide_encoding(file: IO[bytes], name: str, checkpoint: Checkpoint) -> TextEncoding:
    """An encoding with two or four bytes per character; every byte of the file must fit it."""
    decoder = codecs.getincrementaldecoder(name)()
    file.seek(0)
    try:
        while chunk := file.read(CHUNK):
            checkpoint()
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise FileError(f"the file's text is not {name}, as its first bytes say: {error.reason}") from error
    return TextEncoding(name=name, has_controls=True, has_long_lines=True)


@dataclass(kw_only=True)
class _Scan:
    """The result of a scan of a file's bytes.

    Attributes:
        size: number of bytes.
        controls: number of control characters.
        longest_line: bytes of the longest line that crosses a chunk's end; lines end in LF.
        is_utf_8: whether all bytes are UTF-8.
    """

    size: int = 0
    controls: int = 0
    longest_line: int = 0
    is_utf_8: bool = True


def _scan(file: IO[bytes], checkpoint: Checkpoint) -> _Scan:
    decoder = codecs.getincrementaldecoder("utf-8")()
    scan = _Scan()
    line = 0
    file.seek(0)
    while True:
        chunk = file.read(CHUNK)
        checkpoint()
        scan.size += len(chunk)
        if any(byte in chunk for byte in _CONTROL_BYTES):  # a search for each is faster than counting them
            scan.controls += len(chunk) - len(chunk.translate(None, _CONTROL_BYTES))
        try:
            if scan.is_utf_8:
                decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            scan.is_utf_8 = False
        first_end, last_end = chunk.find(b"\n"), chunk.rfind(b"\n")
        scan.longest_line = max(scan.longest_line, line + (len(chunk) if first_end < 0 else first_end))
        line = line + len(chunk) if first_end < 0 else len(chunk) - last_end - 1
        if not chunk:
            return scan


def _mixed_encoding(file: IO[bytes], name: str, checkpoint: Checkpoint) -> tuple[TextEncoding, int]:
    """The encoding of a text that is not UTF-8 throughout, and the number of bytes that fit no encoding."""
    mixed, ignoring = codecs.getincrementaldecoder("utf-8")(_CP1252), codecs.getincrementaldecoder("utf-8")("ignore")
    is_mixed = False
    in_mixed = in_cp1252 = 0
    file.seek(0)
    while True:
        checkpoint()
        chunk = file.read(CHUNK)
        is_mixed = is_mixed or not ignoring.decode(chunk, final=not chunk).isascii()
        in_mixed += mixed.decode(chunk, final=not chunk).count(REPLACEMENT) - chunk.count(REPLACEMENT.encode())
        in_cp1252 += chunk.decode("cp1252", errors="replace").count(REPLACEMENT)
        if not chunk:
            break
    undecodable = max(0, in_mixed if is_mixed else in_cp1252)
    return TextEncoding(
        name=name if is_mixed else "cp1252",
        errors=_CP1252 if is_mixed else "replace",
        undecodable=undecodable,
    ), undecodable


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are not UTF-8 as cp1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error(_CP1252, _as_cp1252)
