"""Typed columns to Arrow arrays, by the stream's schema: exact decimals, dates, timestamps."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AMOUNT = pa.decimal128(38, 10)
"""The type of numbers; no file of Flipkart's has as many as ten decimal places."""

WIDEST = 28
"""Characters of a number's text. Arrow silently reads some longer texts, and some with an exponent, as another number
(pyarrow 26)."""

# Arrow's default allocator holds 25 MB more than it uses.
pa.set_memory_pool(pa.system_memory_pool())

PLAIN = {"integer": pa.int64(), "boolean": pa.bool_()}
"""Arrow types of columns whose values are not text."""

OF_TEXT = {"number": AMOUNT, "x-singer.decimal": AMOUNT, "date": pa.date32(), "date-time": pa.timestamp("us", tz="UTC")}
"""Arrow types that are parsed from text."""

GATHERED_ROWS = 1000
"""Rows that are converted at once."""


class ParquetColumns:
    """Collects the rows of a file.

    Args:
        properties: the JSON Schema of each column.
    """

    def __init__(self, properties: Mapping[str, Mapping[str, Any]]) -> None:
        self._kinds = {name: _kind(schema) for name, schema in properties.items()}
        self._gathered: dict[str, list[Any]] = {}
        self._objects: dict[str, list[Any]] = {}
        """Values of columns that hold objects: their type is known once all rows are there."""
        self._tables: list[pa.Table] = []

    def add(self, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Add some rows, unless they have other columns than those before."""
        if not self._gathered:
            self._gathered = {name: [] for name in columns}
        if list(columns) != list(self._gathered):
            return False
        for name, values in columns.items():
            self._gathered[name] += values
        if len(next(iter(self._gathered.values()))) >= GATHERED_ROWS:
            self._convert()
        return True

    def _convert(self) -> None:
        arrays = {}
        for name, values in self._gathered.items():
            kind = self._kinds.get(name, "string")
            if kind in {"object", "array"}:
                self._objects.setdefault(name, []).extend(values)
                arrays[name] = pa.nulls(len(values))
            else:
                arrays[name] = _array(values, kind)
            self._gathered[name] = []
        self._tables.append(pa.table(arrays))

    def write(self, out: IO[bytes], *, compression: str) -> None:
        """Write the rows as one file.

        Args:
            out: the open file.
            compression: pyarrow's name of the compression.
        """
        if any(self._gathered.values()):
            self._convert()
        # A column with a value that does not fit its usual type gets a wider type, in the whole file.
        table = pa.concat_tables(self._tables, promote_options="permissive")
        for name, values in self._objects.items():
            table = table.set_column(table.column_names.index(name), name, _inferred(values))
        parquet.write_table(table, out, compression=compression, write_statistics=False)


def _array(values: list[Any], kind: str) -> pa.Array:
    """A column's values in the Arrow type of its kind, or in one that fits them."""
    plain = PLAIN.get(kind)
    try:
        if plain is not None:
            return pa.array(values, plain)
        texts = pa.array(values, pa.string())
        if OF_TEXT.get(kind) == AMOUNT and not _is_plain(texts):
            return _amounts(values)
        return texts.cast(OF_TEXT.get(kind, pa.string()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError):
        return _inferred(values) if kind not in {"number", "x-singer.decimal", "integer"} else _amounts(values)


def _is_plain(texts: pa.Array) -> bool:
    """Whether Arrow reads each of these numbers correctly."""
    widest = pc.max(pc.binary_length(texts)).as_py() or 0
    return widest <= WIDEST and b"E" not in texts.buffers()[2].to_pybytes()


def _amounts(values: list[Any]) -> pa.Array:
    try:
        return pa.array([None if value is None else Decimal(str(value)) for value in values])
    except (ArithmeticError, pa.ArrowInvalid):
        return _inferred(values)


def _inferred(values: list[Any]) -> pa.Array:
    """Values in the type that Arrow infers; as JSON text if they have several types."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, TypeError):
        return pa.array([None if value is None else json.dumps(value, default=str) for value in values], pa.string())


def _kind(schema: Mapping[str, Any]) -> str:
    """A column's format, or else its JSON type."""
    declared = schema.get("type", "string")
    kinds = [declared] if isinstance(declared, str) else [kind for kind in declared if kind != "null"]
    return str(schema.get("format") or (kinds[0] if kinds else "string"))
