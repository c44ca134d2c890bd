"""Windows: closed intervals of days in Asia/Kolkata, and set operations on them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Window:
    """A closed interval of days.

    Attributes:
        first: the first day, a report's `from_date`.
        last: the last day, a report's `to_date`.

    Raises:
        ValueError: `last` is before `first`.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        """Reject an empty interval."""
        if self.last < self.first:
            raise ValueError(f"a window cannot end on {self.last}, before its first day {self.first}")

    def __str__(self) -> str:
        """`2026-01-01 to 2026-01-31`."""
        return f"{self.first} to {self.last}"

    def covers(self, other: Window) -> bool:
        """Whether this window includes all days of the other."""
        return self.first <= other.first and other.last <= self.last

    def overlaps(self, other: Window) -> bool:
        """Whether the two share a day."""
        return self.first <= other.last and other.first <= self.last


def merged(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same days in as few windows as possible, ascending."""
    result: list[Window] = []
    for window in sorted(windows):
        if result and window.first - DAY <= result[-1].last:
            result[-1] = Window(result[-1].first, max(result[-1].last, window.last))
        else:
            result.append(window)
    return tuple(result)


def gaps(whole: Window, parts: Iterable[Window]) -> list[Window]:
    """The days of `whole` that are in none of `parts`, ascending."""
    result = []
    first = whole.first
    for window in clipped(merged(parts), first=whole.first, last=whole.last):
        if first < window.first:
            result.append(Window(first, window.first - DAY))
        first = window.last + DAY
    if first <= whole.last:
        result.append(Window(first, whole.last))
    return result


def clipped(windows: Iterable[Window], *, first: date = date.min, last: date = date.max) -> Iterator[Window]:
    """The parts of windows that lie between two days."""
    for window in windows:
        if window.first <= last and first <= window.last:
            yield Window(max(first, window.first), min(last, window.last))


def cut(window: Window, days: int) -> Iterator[Window]:
    """A window cut into pieces of at most some days."""
    first = window.first
    while first <= window.last:
        last = min(first + timedelta(days=days - 1), window.last)
        yield Window(first, last)
        first = last + DAY
