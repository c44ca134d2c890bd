"""Sellers take turns: which waiting report is triggered next, found without a look at every seller."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from tap_flipkart_reports.purchasing.tracked_report import Stage, TrackedReport

if TYPE_CHECKING:
    from collections.abc import Callable

    Urgency: TypeAlias = tuple[int, int, int, int]


class Turns:
    """The reports that wait for a slot, and the slots that sellers have taken.

    The turn of a seller may come too early, and never too late: the seller gets an earlier one whenever it may have
    become more urgent, and a later one if it turns out to be less urgent. One that has no free slot when its turn
    comes gets another turn with the slot.

    Attributes:
        in_progress: reports in progress, by seller.
    """

    def __init__(self) -> None:
        self.in_progress: Counter[str] = Counter()
        self._waiting: dict[str, list[tuple[int, int, TrackedReport]]] = {}
        self._turns: list[tuple[Urgency, str]] = []
        self._earliest: dict[str, Urgency] = {}
        self._triggers = itertools.count()
        self._last_trigger: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    @property
    def sellers(self) -> list[str]:
        """Those of whom something waits."""
        return list(self._waiting)

    def add(self, report: TrackedReport) -> None:
        """Let a report wait."""
        seller = report.request.seller_id
        heapq.heappush(self._waiting.setdefault(seller, []), (report.request.priority, report.order, report))
        self.may_be_next(seller)

    def take_all(self, seller_id: str) -> list[TrackedReport]:
        """Take out what waits of a seller."""
        reports = [report for _, _, report in self._waiting.pop(seller_id, [])]
        return [report for report in reports if report.stage is Stage.WAITING]

    def may_be_next(self, seller_id: str) -> None:
        """A seller has become more urgent, or may have a slot again."""
        if heap := self._waiting.get(seller_id):
            self._enter(seller_id, self._urgency(heap[0][2]))

    def next(
        self, *, is_open_for: Callable[[str], bool], is_left_over: Callable[[TrackedReport], bool]
    ) -> TrackedReport | None:
        """The most urgent report of all sellers that may have a slot.

        Args:
            is_open_for: whether a seller may have one more report in progress; a change to that calls `may_be_next`.
            is_left_over: whether a report is not bought in this run; then nothing more is done about it.
        """
        while self._turns:
            entered_with, seller = heapq.heappop(self._turns)
            if self._earliest.get(seller) != entered_with:
                continue  # it had an earlier turn
            del self._earliest[seller]
            if not is_open_for(seller) or (report := self._first_of(seller, is_left_over)) is None:
                continue
            urgency = self._urgency(report)
            self._enter(seller, urgency)
            if urgency == entered_with:
                return report
        return None

    def hold_slot(self, report: TrackedReport) -> None:
        """A report is in progress from now on."""
        report.in_progress = True
        self.in_progress[report.request.seller_id] += 1

    def triggers(self, report: TrackedReport) -> None:
        """A report is about to be triggered: its seller is served, and has a slot less."""
        self.hold_slot(report)
        self._last_trigger[report.request.seller_id] = next(self._triggers)

    def free_slot(self, report: TrackedReport) -> None:
        """A report is not in progress any more."""
        if report.in_progress:
            report.in_progress = False
            self.in_progress[report.request.seller_id] -= 1
            self.may_be_next(report.request.seller_id)

    def _enter(self, seller_id: str, urgency: Urgency) -> None:
        earliest = self._earliest.get(seller_id)
        if earliest is None or urgency < earliest:
            self._earliest[seller_id] = urgency
            heapq.heappush(self._turns, (urgency, seller_id))

    def _first_of(self, seller_id: str, is_left_over: Callable[[TrackedReport], bool]) -> TrackedReport | None:
        heap = self._waiting.get(seller_id, [])
        while heap:
            report = heap[0][2]
            if report.stage is Stage.WAITING and not is_left_over(report):
                return report
            heapq.heappop(heap)
        self._waiting.pop(seller_id, None)
        return None

    def _urgency(self, report: TrackedReport) -> Urgency:
        """Priority first; then the seller with the fewest reports in progress, then the one not served longest."""
        seller = report.request.seller_id
        return report.request.priority, self.in_progress[seller], self._last_trigger.get(seller, -1), report.order
