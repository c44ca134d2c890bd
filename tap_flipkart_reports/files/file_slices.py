"""Many unpacked files in one file on disk, so that a ZIP with thousands of members needs one descriptor."""

from __future__ import annotations

import io
import os
import tempfile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Buffer

MIN_BUFFER, MAX_BUFFER = 2**9, 2**16
"""The least and the largest read buffer of a slice, in bytes."""


class SliceStore:
    """An unnamed file in a folder, to which slices are appended."""

    def __init__(self, folder: Path) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - the owner closes it

    def add(self, chunks: Iterator[bytes]) -> IO[bytes]:
        """A file with these bytes. The iterator may read other slices."""
        start = self._file.seek(0, os.SEEK_END)
        size = sum(self.append(chunk)[1] for chunk in chunks)
        return io.BufferedReader(_Slice(self._file, start, size), max(MIN_BUFFER, min(size, MAX_BUFFER)))

    def append(self, chunk: bytes) -> tuple[int, int]:
        """Append a chunk. Returns its offset and size."""
        offset = self._file.seek(0, os.SEEK_END)
        view = memoryview(chunk)
        while view:
            view = view[self._file.write(view) :]
        return offset, len(chunk)

    def chunk(self, offset: int, size: int) -> bytes:
        """A chunk that was appended."""
        self._file.seek(offset)
        return self._file.read(size)

    def close(self) -> None:
        """Close the file, and with it all slices."""
        self._file.close()


class _Slice(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._start = start
        self._size = size
        self._offset = 0

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read on into a buffer."""
        view = memoryview(buffer)[: max(0, self._size - self._offset)]
        self._file.seek(self._start + self._offset)
        count: int = self._file.readinto(view)  # type: ignore[attr-defined]  # files without a buffer have it
        self._offset += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to an offset."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._offset, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._offset = base + offset
        return self._offset

    def tell(self) -> int:
        """The offset."""
        return self._offset
