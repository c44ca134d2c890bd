"""Which days to ask for: pure functions of what was covered, the settings and the newest day.

A **window** is a closed interval of days in Asia/Kolkata. One window is one report. All that a partition of the state
knows about days is its `Coverage`: `owed_windows` says what is missing from it, `due_windows` which windows to ask for,
and `Coverage.with_finished` what a finished window changes. None looks at rows or at a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Window:
    """A closed interval of days; as text its two ISO dates.

    Attributes:
        first: the first day, `from_date` of a report.
        last: the last day, `to_date` of a report, never before `first`.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        """Refuse an interval that holds no day."""
        if self.last < self.first:
            raise ValueError(f"a window cannot end on {self.last}, before its first day {self.first}")

    def __str__(self) -> str:
        """`2026-01-01 to 2026-01-31`."""
        return f"{self.first} to {self.last}"

    def covers(self, other: Window) -> bool:
        """Whether every day of the other window is one of this."""
        return self.first <= other.first and other.last <= self.last

    def overlaps(self, other: Window) -> bool:
        """Whether the two share a day."""
        return self.first <= other.last and other.first <= self.last


def merged(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same days in the fewest windows, ascending."""
    result: list[Window] = []
    for window in sorted(windows):
        if result and window.first - DAY <= result[-1].last:
            result[-1] = Window(result[-1].first, max(result[-1].last, window.last))
        else:
            result.append(window)
    return tuple(result)


def gaps(wanted: Window, done: Iterable[Window]) -> list[Window]:
    """The days of `wanted` that are in none of `done`, ascending."""
    result = []
    first = wanted.first
    for window in clipped(merged(done), first=wanted.first, last=wanted.last):
        if first < window.first:
            result.append(Window(first, window.first - DAY))
        first = window.last + DAY
    if first <= wanted.last:
        result.append(Window(first, wanted.last))
    return result


def clipped(windows: Iterable[Window], *, first: date = date.min, last: date = date.max) -> Iterator[Window]:
    """The parts of the windows that lie between two days."""
    for window in windows:
        if window.first <= last and first <= window.last:
            yield Window(max(first, window.first), min(last, window.last))


def cut(window: Window, days: int) -> Iterator[Window]:
    """The window in pieces of at most so many days."""
    first = window.first
    while first <= window.last:
        last = min(first + timedelta(days=days - 1), window.last)
        yield Window(first, last)
        first = last + DAY
