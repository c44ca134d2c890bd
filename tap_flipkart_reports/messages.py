"""Typed columns to RECORD lines, a batch at a time. Pure."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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


def _struct(names: Sequence[str]) -> type[msgspec.Struct]:
    """A struct whose fields are called anything in Python and by the columns' names in JSON."""
    fields = {f"f{number}": name for number, name in enumerate(names)}
    return msgspec.defstruct("Record", list(fields), rename=fields, gc=False)
