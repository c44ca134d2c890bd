"""Settings that are valid but probably not intended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_flipkart_reports.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date

    from tap_flipkart_reports.settings.values import Settings


def questionable_settings(
    names: Collection[str], settings: Settings, *, known: Collection[str], today: date
) -> Iterator[str]:
    """A sentence for the log for each such setting.

    Args:
        names: names of the given settings.
        settings: the settings.
        known: names of all settings.
        today: today in Asia/Kolkata.
    """
    if settings.start_date > today:
        yield f"start_date {settings.start_date} is in the future: nothing is requested before"
    for repair in settings.repair:
        if repair.days.first > today:
            yield f"repair of {repair.stream}: {repair.days.first} is in the future, and cannot be requested yet"
    yield from unknown_settings(names, known=known)


def unknown_settings(names: Collection[str], *, known: Collection[str]) -> Iterator[str]:
    """A sentence for each unknown setting, which is often a misspelt one."""
    for name in sorted(set(names) - set(known)):
        yield f"setting {name} is not known and has no effect{did_you_mean(name, known)}"
