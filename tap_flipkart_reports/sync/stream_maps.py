"""Applies the user's stream maps to rows."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

from tap_flipkart_reports.exceptions import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class StreamMap(Protocol):
    """The interface of the SDK's stream maps."""

    stream_alias: str

    def transform(self, record: dict[str, Any], /) -> dict[str, Any] | None:
        """The mapped record, or `None` if the map filters it out."""
        ...


def records_of(columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Rows as dictionaries, from their columns."""
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def mapped_records(
    stream: str, columns: Mapping[str, Sequence[Any]], stream_maps: Sequence[StreamMap]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row as the stream maps change it, with the name of the target stream.

    Args:
        stream: the stream's name.
        columns: its rows.
        stream_maps: its stream maps.

    Raises:
        SettingsError: an expression cannot be evaluated.
    """
    for record in records_of(columns):
        for stream_map in stream_maps:
            try:
                mapped = stream_map.transform(record)
            except Exception as error:  # a user's expression may raise anything
                reason = f"{error} ({error.__cause__})" if error.__cause__ else f"{type(error).__name__}: {error}"
                raise SettingsError(
                    f"stream_maps cannot be applied to {stream}, row {record.get('report_row_number')} of "
                    f"report {record.get('report_id')}: {reason}; correct them: the next run reads the report again"
                ) from error
            if mapped is not None:
                yield stream_map.stream_alias, mapped


def mapped_columns(
    records: Iterable[tuple[str, dict[str, Any]]],
) -> Iterator[tuple[str, Mapping[str, Sequence[Any]]]]:
    """Mapped records as columns again: consecutive records with the same stream and columns together."""
    for (stream, names), alike in groupby(records, key=lambda mapped: (mapped[0], tuple(mapped[1]))):
        rows = [record.values() for _, record in alike]
        yield stream, dict(zip(names, zip(*rows, strict=True), strict=True)) if names else {}
