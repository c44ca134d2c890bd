"""Which days are there, and how the others are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from tap_flipkart_reports.windows import DAY, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class DayStatus(Enum):
    """The status of a day of a report; a later member takes precedence."""

    MISSING = "missing"
    """Wanted, and not bought."""
    FAILED = "failed"
    """It failed when it was last tried, and no report of it is there."""
    PENDING = "pending"
    """Bought, and not read."""
    UNREADABLE = "unreadable"
    """Bought, and its file cannot be read."""
    LOADED = "loaded"
    """Its rows are out."""
    REREAD = "re-read"
    """The same, more than once; only the ledger knows that."""


TROUBLE = (DayStatus.FAILED, DayStatus.UNREADABLE, DayStatus.MISSING, DayStatus.PENDING)
"""What is not there yet, the worst first."""

THERE = frozenset({DayStatus.LOADED, DayStatus.REREAD})

WORST_FIRST = (*TROUBLE, DayStatus.LOADED, DayStatus.REREAD)

MEANINGS = {
    DayStatus.LOADED: "rows are out",
    DayStatus.REREAD: "rows are out, more than once",
    DayStatus.PENDING: "bought, not read yet",
    DayStatus.UNREADABLE: "bought, and its file cannot be read",
    DayStatus.FAILED: "failed when it was last tried",
    DayStatus.MISSING: "wanted, not bought yet",
}


@dataclass(frozen=True, kw_only=True)
class Span:
    """Days that follow each other and stand alike.

    Attributes:
        window: the days.
        status: where they stand.
    """

    window: Window
    status: DayStatus

    @property
    def days(self) -> int:
        """How many they are."""
        return length(self.window)


def length(window: Window) -> int:
    """How many days a window has."""
    return (window.last - window.first) // DAY + 1


class DayMasks:
    """Sets of days as bits of a number, so that a thousand sellers take no loop over days.

    Args:
        wanted: the days that count, ascending and disjoint, at least one of them.
    """

    def __init__(self, wanted: Sequence[Window]) -> None:
        self._first, self._last = wanted[0].first, wanted[-1].last
        self.wanted = self.of(wanted)

    def of(self, windows: Iterable[Window]) -> int:
        """The days of some windows."""
        mask = 0
        for window in windows:
            mask |= self._of_one(window)
        return mask

    def twice(self, windows: Iterable[Window]) -> int:
        """The days that more than one of the windows has."""
        seen = twice = 0
        for window in windows:
            mask = self._of_one(window)
            twice |= seen & mask
            seen |= mask
        return twice

    def _of_one(self, window: Window) -> int:
        first, last = max(window.first, self._first), min(window.last, self._last)
        if last < first:
            return 0
        return ((1 << ((last - first).days + 1)) - 1) << (first - self._first).days

    def spans(self, masks: Mapping[DayStatus, int]) -> tuple[Span, ...]:
        """The wanted days with their status, ascending; of two statuses of a day, the later in `DayStatus` counts."""
        left, found = self.wanted, []
        for status in reversed(DayStatus):
            mask = masks.get(status, 0) & left if status is not DayStatus.MISSING else left
            left &= ~mask
            found += [Span(window=window, status=status) for window in self._windows(mask)]
        return tuple(sorted(found, key=lambda span: span.window))

    def _windows(self, mask: int) -> Iterator[Window]:
        offset = 0
        while mask:
            gap = (mask & -mask).bit_length() - 1
            mask >>= gap
            days = (~mask & (mask + 1)).bit_length() - 1
            first = self._first + timedelta(days=offset + gap)
            yield Window(first, first + timedelta(days=days - 1))
            mask >>= days
            offset += gap + days


def complete_until(spans: Sequence[Span], *, is_snapshot: bool) -> date | None:
    """The last day up to which all wanted days are loaded; for snapshots, the newest loaded day."""
    if is_snapshot:
        return max((span.window.last for span in spans if span.status in THERE), default=None)
    day = None
    for span in spans:
        if span.status not in THERE:
            break
        day = span.window.last
    return day
