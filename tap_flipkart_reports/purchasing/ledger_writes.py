"""Writes to the ledger that are still to be made, the most urgent first."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Urgency(IntEnum):
    """The order in which writes are made."""

    ANSWER = 0
    """The result of a trigger: if the process were killed first, a purchase would be lost."""
    OUTCOME = 1
    """What happened to a report after that."""
    CLAIM = 2
    RELEASE = 3
    """The window is free for other workers; the end of the run releases all windows at once."""


@dataclass(frozen=True, kw_only=True)
class LedgerWrite:
    """One write to the ledger.

    Attributes:
        make: makes it; called without any lock.
        then: called with the ledger's answer, while the scheduler's lock is held.
        urgency: which writes go first.
    """

    make: Callable[[], Any]
    then: Callable[[Any], None] | None = None
    urgency: Urgency


class LedgerWrites:
    """A priority queue of writes; those of equal urgency keep their order."""

    def __init__(self) -> None:
        self._heap: list[tuple[Urgency, int, LedgerWrite]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        """The number of writes in the queue."""
        return len(self._heap)

    def add(self, write: LedgerWrite) -> None:
        """Add a write."""
        heapq.heappush(self._heap, (write.urgency, next(self._order), write))

    def next(self, *, before: Urgency | None = None) -> LedgerWrite | None:
        """Take out the most urgent write; with `before`, only one that is more urgent than that."""
        if not self._heap or (before is not None and self._heap[0][0] >= before):
            return None
        return heapq.heappop(self._heap)[2]

    def drop_releases(self) -> None:
        """Drop the releases, which the end of the run makes unnecessary."""
        self._heap = [entry for entry in self._heap if entry[0] is not Urgency.RELEASE]
        heapq.heapify(self._heap)
