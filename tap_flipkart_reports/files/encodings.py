"""The encoding of a text file. No byte ever costs more than the character it stands for."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from typing import IO

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.sheets import Checkpoint, go_on

CHUNK = 2**18
"""Bytes; more would leave the CPU's cache before they are decoded."""

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
        errors: what is done with bytes that it cannot have, as `open` takes it.
        undecodable: how many bytes fit neither it nor cp1252; each is U+FFFD in the text.
        has_controls: whether the text may hold control characters.
    """

    name: str
    errors: str = "strict"
    undecodable: int = 0
    has_controls: bool = False

    @property
    def words(self) -> str:
        """The same for people."""
        return f"{self.name} and cp1252" if self.errors == _CP1252 else self.name


def find_encoding(file: IO[bytes], checkpoint: Checkpoint = go_on) -> TextEncoding:
    """The encoding of all of a file: what its mark says, or else UTF-8, or else cp1252.

    Where both are in one file, as after a careless edit, each byte that UTF-8 cannot have is read as cp1252.

    Raises:
        FileError: it is not text.
    """
    file.seek(0)
    start = file.read(4)
    marked = next((name for mark, name in BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
    if marked is not None and marked != "utf-8-sig":
        return _wide(file, marked, checkpoint)
    name = marked or "utf-8"
    size, controls, is_utf_8 = _look_through(file, checkpoint)
    undecodable = 0
    encoding = TextEncoding(name=name)
    if not is_utf_8:
        encoding, undecodable = _mended(file, name, checkpoint)
    if controls + undecodable > max(MIN_STRANGE, size // MAX_SHARE):
        raise FileError(
            f"the file is not text: {controls + undecodable:,} of its {size:,} bytes are control characters or fit "
            "neither UTF-8 nor cp1252"
        )
    return replace(encoding, has_controls=controls > 0)


def _wide(file: IO[bytes], name: str, checkpoint: Checkpoint) -> TextEncoding:
    """An encoding of two or four bytes a character, of which none may be missing."""
    decoder = codecs.getincrementaldecoder(name)()
    file.seek(0)
    try:
        while chunk := file.read(CHUNK):
            checkpoint()
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise FileError(f"the file's text is not {name}, as its first bytes say: {error.reason}") from error
    return TextEncoding(name=name, has_controls=True)


def _look_through(file: IO[bytes], checkpoint: Checkpoint) -> tuple[int, int, bool]:
    """Bytes, control characters among them, and whether all is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    size = controls = 0
    is_utf_8 = True
    file.seek(0)
    while chunk := file.read(CHUNK):
        checkpoint()
        size += len(chunk)
        controls += len(chunk) - len(chunk.translate(None, _CONTROL_BYTES))
        try:
            if is_utf_8:
                decoder.decode(chunk)
        except UnicodeDecodeError:
            is_utf_8 = False
    try:
        if is_utf_8:
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        is_utf_8 = False
    return size, controls, is_utf_8


def _mended(file: IO[bytes], name: str, checkpoint: Checkpoint) -> tuple[TextEncoding, int]:
    """The encoding of a text that is not all UTF-8, and how many of its bytes fit none."""
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
    """What stands for bytes that UTF-8 cannot have."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error(_CP1252, _as_cp1252)
