"""Files of BATCH messages, written from columns: JSON lines with gzip, and Parquet."""

from __future__ import annotations

import zlib
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from tap_flipkart_reports.exceptions import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tap_flipkart_reports.sync.parquet_columns import ParquetColumns

    Columns = Mapping[str, Sequence[Any]]

GZIP_WBITS = 16 + zlib.MAX_WBITS
"""Makes zlib write a gzip header and trailer: see `wbits` in the documentation of `zlib.compressobj`."""

COMPRESSION_LEVEL = 2
"""A higher level does not make isal's files smaller, and makes zlib slower."""

JSONL, PARQUET = "jsonl", "parquet"

FORMATS = frozenset({JSONL, PARQUET})
"""The formats that this module writes."""


class BatchStorage(Protocol):
    """Where the files go; the SDK's `StorageTarget` is one."""

    prefix: str | None

    def open(self, filename: str, mode: str = "rb") -> AbstractContextManager[IO[bytes]]:
        """Open a file by its name."""

    def get_url(self, filename: str) -> str:
        """A file's address."""


class BatchFile(Protocol):
    """A file that is being written."""

    def add(self, columns: Columns) -> bool:
        """Add some rows; false if they do not fit the file, which then has none of them."""

    def close(self, out: IO[bytes]) -> None:
        """Write the rows that are not yet written."""


class BatchFiles:
    """Writes a stream's rows to one file after another.

    Args:
        name: tap and stream, for the files' names.
        storage: where the files go.
        new_file: begins a file.
        ending: the end of the files' names, such as `.json.gz`.
        size: rows per file.

    Attributes:
        rows: number of rows in the open file.
        last_size: size of the last complete file, in bytes.
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
            The address of each file that is now complete.
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

        Raises:
            OutputError: it cannot be written.
        """
        if self._file is None:
            return
        file, self._file, self.rows = self._file, None, 0
        self._number += 1
        name = f"{self._name}-{self._number}{self._ending}"
        try:
            with self._storage.open(name, "wb") as out:
                file.close(out)
                self.last_size = out.tell()
        except OSError as error:
            raise OutputError(
                f"BATCH file {name} cannot be written: {error.strerror or type(error).__name__}; check the storage of "
                "batch_config, its permissions and its space"
            ) from None
        yield self._storage.get_url(name)


class Compressor(Protocol):
    """Compresses bytes as they come."""

    def compress(self, data: bytes, /) -> bytes:
        """Compress some bytes; returns the output that is ready."""

    def flush(self) -> bytes:
        """The rest of the output."""


def _compressor() -> Compressor:
    if find_spec("isal") is None:  # it has no wheel for this machine
        return zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, GZIP_WBITS)
    from isal import isal_zlib  # noqa: PLC0415 - few runs write any

    return isal_zlib.compressobj(COMPRESSION_LEVEL, isal_zlib.DEFLATED, GZIP_WBITS)


class JsonLinesFile:
    """Records as JSON lines, compressed as they come: a file in memory then takes a tenth of its size.

    Args:
        lines: encodes columns as JSON lines.
        is_compressed: whether to compress the lines with gzip.
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
        """Write the file."""
        out.writelines(self._pieces)
        if self._compressor is not None:
            out.write(self._compressor.flush())


class ParquetFile:
    """Columns as Parquet.

    Args:
        columns: converts them to Arrow arrays.
        compression: pyarrow's name of the compression.
    """

    def __init__(self, columns: ParquetColumns, compression: str) -> None:
        self._columns = columns
        self._compression = compression

    def add(self, columns: Columns) -> bool:
        """Add some rows, unless they have other columns than those before."""
        return self._columns.add(columns)

    def close(self, out: IO[bytes]) -> None:
        """Write the file."""
        self._columns.write(out, compression=self._compression)


def new_file(
    kind: str,
    compression: str | None,
    *,
    lines: Callable[[Columns], bytes],
    properties: Mapping[str, Mapping[str, Any]],
) -> tuple[Callable[[], BatchFile], str]:
    """A function that begins a file of a format, and the end of such a file's name.

    Args:
        kind: one of `FORMATS`.
        compression: the compression in `batch_config`.
        lines: encodes columns as JSON lines.
        properties: the JSON Schema of each column.
    """
    is_gzip = compression == "gzip"
    if kind == JSONL:
        return lambda: JsonLinesFile(lines, is_compressed=is_gzip), ".json.gz" if is_gzip else ".json"
    from tap_flipkart_reports.sync.parquet_columns import ParquetColumns  # noqa: PLC0415 - pyarrow is an extra

    ending = ".parquet.gz" if is_gzip else ".parquet"
    return lambda: ParquetFile(ParquetColumns(properties), compression or "snappy"), ending
