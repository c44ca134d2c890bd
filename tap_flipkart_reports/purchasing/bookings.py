"""What is still to be written to the ledger, the most urgent first."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Urgency(IntEnum):
    """In which order bookings are made."""

    ANSWER = 0
    """What a trigger came to: a kill would lose what was paid for."""
    FATE = 1
    """What became of a report."""
    CLAIM = 2
    RELEASE = 3
    """Others may have the window; the end of the run says so of all windows at once."""


@dataclass(frozen=True, kw_only=True)
class Booking:
    """One write.

    Attributes:
        write: asks the ledger, without any lock.
        then: called with what the ledger said, the scheduler's lock held.
        urgency: when it is to be made.
    """

    write: Callable[[], Any]
    then: Callable[[Any], None] | None = None
    urgency: Urgency


class Bookings:
    """The writes that are to be made, by urgency, and those of one urgency in their order."""

    def __init__(self) -> None:
        self._heap: list[tuple[Urgency, int, Booking]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._heap)

    def add(self, booking: Booking) -> None:
        """Have one more made."""
        heapq.heappush(self._heap, (booking.urgency, next(self._order), booking))

    def next(self, *, before: Urgency | None = None) -> Booking | None:
        """Take out the most urgent one, if it is more urgent than that."""
        if not self._heap or (before is not None and self._heap[0][0] >= before):
            return None
        return heapq.heappop(self._heap)[2]

    def drop_releases(self) -> None:
        """Make no more of those that the end of the run makes needless."""
        self._heap = [entry for entry in self._heap if entry[0] is not Urgency.RELEASE]
        heapq.heapify(self._heap)
