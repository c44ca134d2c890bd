"""Typed columns to RECORD lines, a batch at a time. Pure."""

from __future__ import annotations

from decimal import Decimal
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


PLAIN = frozenset({str, int, bool, Decimal, type(None)})
"""Types that msgspec writes as the SDK does; of others each has its own way."""


class RecordLines:
    """Makes Singer RECORD lines of columns.

    A struct made from the columns' names is filled straight from the columns, without a dictionary per record, and a
    whole batch is encoded at once; amounts stay exact, as JSON numbers with the digits they came with.

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

    def of(self, columns: Mapping[str, Sequence[Any]], *, time_extracted: str) -> bytes:
        """The lines of a batch, each with its line feed.

        Args:
            columns: values by column name, all of the same number.
            time_extracted: when the rows were read, RFC 3339.
        """
        if tuple(columns) != self._names:
            self._names = tuple(columns)
            self._record = _struct(self._names)
        records = map(self._record, *columns.values())
        messages = map(self._message, repeat(self._stream), records, repeat(time_extracted))
        return self._encoder.encode_lines(list(messages))


class PlainLines:
    """Makes JSON lines of columns, without a message around them."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._record: type[msgspec.Struct] = msgspec.Struct
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def of(self, columns: Mapping[str, Sequence[Any]]) -> bytes:
        """The lines of a batch, each with its line feed.

        Args:
            columns: values by column name, all of the same number.
        """
        if tuple(columns) != self._names:
            self._names = tuple(columns)
            self._record = _struct(self._names)
        return self._encoder.encode_lines(list(map(self._record, *columns.values())))


class MappedLines:
    """Makes Singer RECORD lines of records that a stream map has changed, which may hold anything then.

    Args:
        serialize: a record's JSON as the SDK writes it, for records that hold more than plain values.
    """

    def __init__(self, serialize: Callable[[Mapping[str, Any]], str]) -> None:
        self._serialize = serialize
        self._encoder = msgspec.json.Encoder(decimal_format="number")

    def plain(self, columns: Mapping[str, Sequence[Any]]) -> bytes:
        """The lines of some records, given as columns, without a message around them."""
        records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        try:
            return self._encoder.encode_lines(list(map(self._written, records)))
        except OverflowError:
            return self._encoder.encode_lines(list(map(self._raw, records)))

    def of(self, records: Iterable[tuple[str, Mapping[str, Any]]], *, time_extracted: str) -> bytes:
        """The lines of some records, each with its line feed.

        Args:
            records: each with the name of its stream in the messages.
            time_extracted: when the rows were read, RFC 3339.
        """
        lines = list(records)
        try:
            return self._encoded([(stream, self._written(record)) for stream, record in lines], time_extracted)
        except OverflowError:  # a number of more than 64 bits, which msgspec does not write
            return self._encoded([(stream, self._raw(record)) for stream, record in lines], time_extracted)

    def _encoded(self, lines: Sequence[tuple[str, Mapping[str, Any] | msgspec.Raw]], time_extracted: str) -> bytes:
        return self._encoder.encode_lines([
            {"type": "RECORD", "stream": stream, "record": record, "time_extracted": time_extracted}
            for stream, record in lines
        ])  # fmt: skip

    def _written(self, record: Mapping[str, Any]) -> Mapping[str, Any] | msgspec.Raw:
        return record if PLAIN.issuperset(map(type, record.values())) else self._raw(record)

    def _raw(self, record: Mapping[str, Any]) -> msgspec.Raw:
        return msgspec.Raw(self._serialize(record))


def _struct(names: Sequence[str]) -> type[msgspec.Struct]:
    """A struct whose fields are called anything in Python and by the columns' names in JSON."""
    fields = {f"f{number}": name for number, name in enumerate(names)}
    return msgspec.defstruct("Record", list(fields), rename=fields, gc=False)
