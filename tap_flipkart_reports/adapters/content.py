"""Unpacks bodies by their bytes: `Content-Encoding` is a hint, and often wrong.

Storage services pass on what the uploader stated: `aws-chunked`, a charset, `binary`, `none`, `gzip` for a file
that is not compressed. So a stated encoding is undone only if the bytes have it, and one that is not stated is left to
the file reader. The error names an encoding that cannot be undone.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from typing_extensions import Buffer

    PackedFile = io.BufferedReader[Any]

CHUNK_BYTES = 64 * 1024
"""Bytes of a body in memory at a time."""

MAX_LAYERS = 3
"""Nested encodings; one is enough for anybody."""

GZIP_BEGINNING = b"\x1f\x8b"

FILE_BEGINNINGS = (GZIP_BEGINNING, b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff")
"""First bytes of gzip, ZIP and XLSX, an empty ZIP, the older XLS, and UTF-16 text."""

LOOKED_AT = 512
"""Number of bytes by which text is distinguished from packed data."""

AWS_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8};chunk-signature=")
"""The beginning of a body that still has the chunk headers of its upload."""

BROKEN = (EOFError, gzip.BadGzipFile, zlib.error)
"""What reading raises if compressed data are damaged or truncated."""


class ContentError(Exception):
    """A body in an unsupported encoding; the text names it."""


class _Chunks(io.RawIOBase):
    """Chunks of bytes as a file."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        room = memoryview(buffer)
        count = min(len(room), len(self._rest))
        room[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _Inflated(io.RawIOBase):
    """A deflated body, inflated in small pieces at any compression ratio."""

    def __init__(self, packed: PackedFile, window_bits: int) -> None:
        self._packed = packed
        self._inflater = zlib.decompressobj(window_bits)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        room = memoryview(buffer)
        while not self._inflater.eof:
            piece = self._inflater.unconsumed_tail or self._packed.read1(CHUNK_BYTES)
            if not piece:
                raise EOFError
            if plain := self._inflater.decompress(piece, len(room)):
                room[: len(plain)] = plain
                return len(plain)
        return 0


def unpacked(chunks: Iterable[bytes], encoding: str) -> PackedFile:
    """A body without those stated encodings that it really has.

    Args:
        chunks: the body as received.
        encoding: its `Content-Encoding`.

    Returns:
        A file; reading it may raise the exceptions in `BROKEN`.

    Raises:
        ContentError: the encoding is not supported.
    """
    file: PackedFile = io.BufferedReader(_Chunks(chunks), CHUNK_BYTES)
    words = [word.strip().lower() for word in encoding[:LOOKED_AT].split(",")]
    if "aws-chunked" in words and AWS_CHUNK.match(_beginning(file)):
        raise ContentError("a file that still is in the pieces it was uploaded in (aws-chunked)")
    layers = [word for word in words if word in _LAYERS]
    if len(layers) > MAX_LAYERS:
        raise ContentError(f"a file packed {len(layers)} times over")
    for layer in reversed(layers):
        file = _LAYERS[layer](file)
    return file


def unpacked_text(body: bytes, encoding: str, *, limit: int) -> bytes:
    """A short body unpacked, up to the limit; gzip is undone even if it is not stated.

    Raises:
        ContentError: the encoding is not supported.
    """
    file = unpacked([body], encoding)
    if _beginning(file).startswith(GZIP_BEGINNING):
        file = _gunzipped(file)
    return file.read(limit)


def looks_like_text(beginning: bytes) -> bool:
    """Whether bytes look like text and not like packed data."""
    return not any(byte < ord(" ") and byte not in b"\t\n\r\f" for byte in beginning)


def _beginning(file: PackedFile) -> bytes:
    return file.peek(LOOKED_AT)[:LOOKED_AT]


def _is_a_file(beginning: bytes) -> bool:
    return beginning.startswith(FILE_BEGINNINGS) or looks_like_text(beginning)


def _gunzipped(file: PackedFile) -> PackedFile:
    if not _beginning(file).startswith(GZIP_BEGINNING):
        return file
    return io.BufferedReader(gzip.GzipFile(fileobj=file, mode="rb"), CHUNK_BYTES)


def _inflated(file: PackedFile) -> PackedFile:
    """Deflate with a zlib header (RFC 9110) or, as some servers send it, without."""
    beginning = _beginning(file)
    if beginning and not _is_a_file(beginning):
        for window_bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
            try:
                zlib.decompressobj(window_bits).decompress(beginning, LOOKED_AT)
            except zlib.error:
                continue
            return io.BufferedReader(_Inflated(file, window_bits), CHUNK_BYTES)
    return file


def _unsupported(name: str) -> Callable[[PackedFile], PackedFile]:
    def as_it_is(file: PackedFile) -> PackedFile:
        if not _is_a_file(_beginning(file)):
            raise ContentError(f"a file packed with {name}, which was not asked for and is not read")
        return file

    return as_it_is


_LAYERS: Mapping[str, Callable[[PackedFile], PackedFile]] = {
    "gzip": _gunzipped,
    "x-gzip": _gunzipped,
    "deflate": _inflated,
    **{name: _unsupported(name) for name in ("br", "zstd", "compress", "x-compress", "lzma", "xz", "bzip2")},
}
