"""Typed columns to RECORD lines, a batch at a time. Pure."""

from __future__ import annotations

from decimal import Decimal
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


PLAIN = frozenset({str, int, bool, Decimal, type(None)})
"""Types that msgspec writes as the SDK does; other types may differ."""


class RecordLines:
    """Encodes columns as Singer RECORD lines.

    A struct with a field for each column is filled directly from the columns, without a dictionary per record, and a
    whole batch is encoded at once. Amounts stay exact: they are JSON numbers with all of their digits.

    Args:
        stream: the stream's name in the messages.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._names: tuple[str, ...] = ()
        self._record: type[msgspec.Struct] = msgspec.Struct
        self._message = msgspec.defstruct(
            "Message", [("stream", str), ("record", Any), ("time_extracted", str)], tag="RECORD", gc=False
        )
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def encode(self, columns: Mapping[str, Sequence[Any]], *, time_extracted: str) -> bytes:
        """The lines of a batch, each with its line feed.

        Args:
            columns: values by column name; all columns have the same length.
            time_extracted: when the rows were read, RFC 3339.
        """
        if tuple(columns) != self._names:
            self._names = tuple(columns)
            self._record = _struct(self._names)
        records = map(self._record, *columns.values())
        messages = map(self._message, repeat(self._stream), records, repeat(time_extracted))
        return self._encoder.encode_lines(list(messages))


class PlainLines:
    """Encodes columns as JSON lines, without a message around them."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._record: type[msgspec.Struct] = msgspec.Struct
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def encode(self, columns: Mapping[str, Sequence[Any]]) -> bytes:
        """The lines of a batch, each with its line feed.

        Args:
            columns: values by column name; all columns have the same length.
        """
        if tuple(columns) != self._names:
            self._names = tuple(columns)
            self._record = _struct(self._names)
        return self._encoder.encode_lines(list(map(self._record, *columns.values())))


class MappedLines:
    """Encodes records that a stream map has changed as Singer RECORD lines; they may hold values of any type.

    Args:
        serialize: the SDK's JSON of a record, for records that hold more than plain values.
    """

    def __init__(self, serialize: Callable[[Mapping[str, Any]], str]) -> None:
        self._serialize = serialize
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def encode_plain(self, columns: Mapping[str, Sequence[Any]]) -> bytes:
        """The lines of some records, given as columns, without a message around them."""
        records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        try:
            return self._encoder.encode_lines(list(map(self._encodable, records)))
        except OverflowError:
            return self._encoder.encode_lines(list(map(self._raw, records)))

    def encode(self, records: Iterable[tuple[str, Mapping[str, Any]]], *, time_extracted: str) -> bytes:
        """The lines of some records, each with its line feed.

        Args:
            records: name of the stream in the messages, and record.
            time_extracted: when the rows were read, RFC 3339.
        """
        lines = list(records)
        try:
            return self._encode([(stream, self._encodable(record)) for stream, record in lines], time_extracted)
        except OverflowError:  # a number of more than 64 bits, which msgspec does not write
            return self._encode([(stream, self._raw(record)) for stream, record in lines], time_extracted)

    def _encode(self, lines: Sequence[tuple[str, Mapping[str, Any] | msgspec.Raw]], time_extracted: str) -> bytes:
        return self._encoder.encode_lines([
            {"type": "RECORD", "stream": stream, "record": record, "time_extracted": time_extracted}
            for stream, record in lines
        ])  # fmt: skip

    def _encodable(self, record: Mapping[str, Any]) -> Mapping[str, Any] | msgspec.Raw:
        return record if PLAIN.issuperset(map(type, record.values())) else self._raw(record)

    def _raw(self, record: Mapping[str, Any]) -> msgspec.Raw:
        return msgspec.Raw(self._serialize(record))


def _struct(names: Sequence[str]) -> type[msgspec.Struct]:
    """A struct with the columns' names in JSON; in Python, fields need valid identifiers."""
    fields = {f"f{number}": name for number, name in enumerate(names)}
    return msgspec.defstruct("Record", list(fields), rename=fields, gc=False)
