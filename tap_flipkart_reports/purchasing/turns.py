"""Sellers take turns: which waiting report is triggered next, found without looking at every seller."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from tap_flipkart_reports.purchasing.tracked_report import Stage, TrackedReport

if TYPE_CHECKING:
    from collections.abc import Callable

    Rank: TypeAlias = tuple[int, int, int, int]


class Turns:
    """The reports that wait for a slot, and the slots that sellers have taken.

    A seller's turn may come too early, but never too late. The seller is entered again whenever it may have become more
    urgent; if its turn comes too early, it is entered with its real rank. A seller without a free slot is entered again
    when it gets one.

    Attributes:
        in_progress: reports in progress, by seller.
    """

    def __init__(self) -> None:
        self.in_progress: Counter[str] = Counter()
        self._waiting: dict[str, list[tuple[int, int, TrackedReport]]] = {}
        self._turns: list[tuple[Rank, str]] = []
        self._earliest: dict[str, Rank] = {}
        self._triggers = itertools.count()
        self._last_trigger: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Whether any report waits."""
        return bool(self._waiting)

    @property
    def sellers(self) -> list[str]:
        """The sellers with waiting reports."""
        return list(self._waiting)

    def add(self, report: TrackedReport) -> None:
        """Add a report."""
        seller = report.request.seller_id
        heapq.heappush(self._waiting.setdefault(seller, []), (report.request.priority, report.order, report))
        self.may_be_next(seller)

    def take_all(self, seller_id: str) -> list[TrackedReport]:
        """Take out the waiting reports of a seller."""
        reports = [report for _, _, report in self._waiting.pop(seller_id, [])]
        return [report for report in reports if report.stage is Stage.WAITING]

    def may_be_next(self, seller_id: str) -> None:
        """Enter a seller again: it may be more urgent, or have a free slot."""
        if heap := self._waiting.get(seller_id):
            self._enter(seller_id, self._rank_of(heap[0][2]))

    def next(
        self, *, is_open_for: Callable[[str], bool], is_left_over: Callable[[TrackedReport], bool]
    ) -> TrackedReport | None:
        """The most urgent report among the sellers with a free slot.

        Args:
            is_open_for: whether a seller may have one more report in progress; call `may_be_next` when that changes.
            is_left_over: whether a report is beyond the budget; if so, it is dropped here.
        """
        while self._turns:
            entered_rank, seller = heapq.heappop(self._turns)
            if self._earliest.get(seller) != entered_rank:
                continue  # the seller was entered again with an earlier turn
            del self._earliest[seller]
            if not is_open_for(seller) or (report := self._first_waiting(seller, is_left_over)) is None:
                continue
            rank = self._rank_of(report)
            self._enter(seller, rank)
            if rank == entered_rank:
                return report
        return None

    def take_slot(self, report: TrackedReport) -> None:
        """A report is now in progress."""
        report.in_progress = True
        self.in_progress[report.request.seller_id] += 1

    def note_trigger(self, report: TrackedReport) -> None:
        """A report is about to be triggered: it takes a slot, and its seller's turn is over."""
        self.take_slot(report)
        self._last_trigger[report.request.seller_id] = next(self._triggers)

    def free_slot(self, report: TrackedReport) -> None:
        """A report is no longer in progress."""
        if report.in_progress:
            report.in_progress = False
            self.in_progress[report.request.seller_id] -= 1
            self.may_be_next(report.request.seller_id)

    def _enter(self, seller_id: str, rank: Rank) -> None:
        earliest = self._earliest.get(seller_id)
        if earliest is None or rank < earliest:
            self._earliest[seller_id] = rank
            heapq.heappush(self._turns, (rank, seller_id))

    def _first_waiting(self, seller_id: str, is_left_over: Callable[[TrackedReport], bool]) -> TrackedReport | None:
        heap = self._waiting.get(seller_id, [])
        while heap:
            report = heap[0][2]
            if report.stage is Stage.WAITING and not is_left_over(report):
                return report
            heapq.heappop(heap)
        self._waiting.pop(seller_id, None)
        return None

    def _rank_of(self, report: TrackedReport) -> Rank:
        """Priority first, then the seller with the fewest reports in progress, then the one that has waited longest."""
        seller = report.request.seller_id
        return report.request.priority, self.in_progress[seller], self._last_trigger.get(seller, -1), report.order
