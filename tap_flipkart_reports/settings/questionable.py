"""Settings that are valid but probably not intended."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date

    from tap_flipkart_reports.settings.values import Settings


MAP_OF_ALL_OTHERS = "__else__"


def questionable_settings(
    config: Mapping[str, Any], settings: Settings, *, known: Collection[str], today: date
) -> Iterator[str]:
    """A sentence for the log for each such setting.

    Args:
        config: the given settings.
        settings: what was read of them.
        known: names of all settings.
        today: today in Asia/Kolkata.
    """
    if settings.start_date > today:
        yield f"start_date {settings.start_date} is in the future: nothing is requested before"
    for repair in settings.repair:
        if repair.days.first > today:
            yield f"repair of {repair.stream}: {repair.days.first} is in the future, and cannot be requested yet"
    yield from _unknown_maps(config.get("stream_maps"), settings)
    yield from unknown_settings(config, known=known)


def _unknown_maps(maps: object, settings: Settings) -> Iterator[str]:
    """A sentence for each stream map of no stream: what it should remove or rename is written unchanged."""
    streams = [stream for report_type in settings.report_types.values() for stream in report_type.streams]
    for name, definition in maps.items() if isinstance(maps, dict) else ():
        source = str(definition.get("__source__", name) if isinstance(definition, dict) else name)
        if source != MAP_OF_ALL_OTHERS and not fnmatch.filter(streams, source):
            yield f"stream_maps names {source}, which is not a stream and has no effect{did_you_mean(source, streams)}"


def unknown_settings(names: Collection[str], *, known: Collection[str]) -> Iterator[str]:
    """A sentence for each unknown setting, which is often a misspelt one."""
    for name in sorted(set(names) - set(known)):
        yield f"setting {name} is not known and has no effect{did_you_mean(name, known)}"
