"""Files of BATCH messages, written from columns: JSON lines with gzip, and Parquet."""

from __future__ import annotations

import zlib
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any, Protocol
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tap_flipkart_reports.sync.parquet_columns import ParquetColumns

    Columns = Mapping[str, Sequence[Any]]

GZIP = 16 + zlib.MAX_WBITS
"""zlib's way to say that a stream begins and ends as gzip."""

LEVEL = 2
"""Of compression. isal's files are no smaller at a higher one, and zlib's take longer."""

JSONL, PARQUET = "jsonl", "parquet"

FORMATS = frozenset({JSONL, PARQUET})
"""Those that are written here."""


class BatchStorage(Protocol):
    """Where the files go; the SDK's `StorageTarget` is one."""

    prefix: str | None

    def open(self, filename: str, mode: str = "rb") -> AbstractContextManager[IO[bytes]]:
        """A file by its name."""

    def get_url(self, filename: str) -> str:
        """A file's address."""


class BatchFile(Protocol):
    """A file that is being written."""

    def add(self, columns: Columns) -> bool:
        """Add some rows; false if they do not fit the file, which has none of them then."""

    def close(self, out: IO[bytes]) -> None:
        """Write whatever is not written."""


class BatchFiles:
    """Writes a stream's rows to one file after another.

    Args:
        name: of tap and stream, for the files' names.
        storage: where they go.
        new_file: begins a file.
        ending: of the files' names.
        size: rows of a file.

    Attributes:
        rows: how many the open file has.
        last_size: bytes of the last file that is complete.
    """

    def __init__(
        self, name: str, storage: BatchStorage, *, new_file: Callable[[], BatchFile], ending: str, size: int
    ) -> None:
        self._name = f"{storage.prefix or ''}{name}-{uuid4()}"
        self._storage = storage
        self._new_file = new_file
        self._ending = ending
        self._size = size
        self._number = 0
        self._file: BatchFile | None = None
        self.rows = 0
        self.last_size = 0

    def add(self, columns: Columns) -> Iterator[str]:
        """Add some rows.

        Yields:
            The address of each file that is complete with them, or without them.
        """
        if self._file is None:
            self._file = self._new_file()
        if not self._file.add(columns):
            yield from self.close()
            self._file = self._new_file()
            self._file.add(columns)
        self.rows += len(next(iter(columns.values())))
        if self.rows >= self._size:
            yield from self.close()

    def close(self) -> Iterator[str]:
        """Complete the open file, if there is one.

        Yields:
            Its address.
        """
        if self._file is None:
            return
        file, self._file, self.rows = self._file, None, 0
        self._number += 1
        name = f"{self._name}-{self._number}{self._ending}"
        with self._storage.open(name, "wb") as out:
            file.close(out)
            self.last_size = out.tell()
        yield self._storage.get_url(name)


class Compressor(Protocol):
    """Compresses bytes as they come."""

    def compress(self, data: bytes, /) -> bytes:
        """What is compressed so far."""

    def flush(self) -> bytes:
        """The rest."""


def _compressor() -> Compressor:
    if find_spec("isal") is None:  # there is none for this machine
        return zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    from isal import isal_zlib  # noqa: PLC0415 - few runs write any

    return isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, GZIP)


class JsonLinesFile:
    """Records as JSON lines, compressed as they come: a whole file then takes a tenth of its size.

    Args:
        lines: makes lines of columns.
        is_compressed: whether they are, with gzip.
    """

    def __init__(self, lines: Callable[[Columns], bytes], *, is_compressed: bool) -> None:
        self._lines = lines
        self._compressor = _compressor() if is_compressed else None
        self._pieces: list[bytes] = []

    def add(self, columns: Columns) -> bool:
        """Add some rows."""
        lines = self._lines(columns)
        self._pieces.append(lines if self._compressor is None else self._compressor.compress(lines))
        return True

    def close(self, out: IO[bytes]) -> None:
        """Write them."""
        out.writelines(self._pieces)
        if self._compressor is not None:
            out.write(self._compressor.flush())


class ParquetFile:
    """Columns as Parquet.

    Args:
        columns: makes Arrow's arrays of them.
        compression: as pyarrow calls it.
    """

    def __init__(self, columns: ParquetColumns, compression: str) -> None:
        self._columns = columns
        self._compression = compression

    def add(self, columns: Columns) -> bool:
        """Add some rows, unless one of their columns has another type than before."""
        return self._columns.add(columns)

    def close(self, out: IO[bytes]) -> None:
        """Write them."""
        self._columns.write(out, compression=self._compression)


def new_file(
    kind: str,
    compression: str | None,
    *,
    lines: Callable[[Columns], bytes],
    properties: Mapping[str, Mapping[str, Any]],
) -> tuple[Callable[[], BatchFile], str]:
    """What begins a file of a format, and how its name ends.

    Args:
        kind: one of `FORMATS`.
        compression: as `batch_config` has it.
        lines: makes JSON lines of columns.
        properties: the JSON Schema of each column.
    """
    is_gzip = compression == "gzip"
    if kind == JSONL:
        return lambda: JsonLinesFile(lines, is_compressed=is_gzip), ".json.gz" if is_gzip else ".json"
    from tap_flipkart_reports.sync.parquet_columns import ParquetColumns  # noqa: PLC0415 - pyarrow is an extra

    ending = ".parquet.gz" if is_gzip else ".parquet"
    return lambda: ParquetFile(ParquetColumns(properties), compression or "snappy"), ending
