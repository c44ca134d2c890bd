"""Which call is due next: order, caps, fairness between sellers, budget. It makes no calls and has no threads."""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING, Protocol

from tap_flipkart_reports.purchasing.limits import Budget, Limits
from tap_flipkart_reports.purchasing.rate_limit import ConcurrencyLimits
from tap_flipkart_reports.purchasing.tracked_report import Stage, TrackedReport
from tap_flipkart_reports.purchasing.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES_WAITING = 4 * 2**30
"""With more bytes of unread files on disk, nothing is triggered or downloaded ahead of time."""


class OnDeferred(Protocol):
    """Called with a report that is deferred to the next run."""

    # The default is left open: mutmut would mutate it, and mypy would then refuse every caller.
    def __call__(self, report: TrackedReport, reason: str, *, is_unbought: bool = ...) -> None:
        """Defer it.

        Args:
            report: the report.
            reason: why.
            is_unbought: whether it was not bought because the budget is used up.
        """


class ReportQueue:
    """All waiting reports of a run; times are seconds of the monotonic clock.

    Args:
        limits: caps, pauses, budget.
        ahead: whether reports may be triggered before the consumer waits for them.
        max_downloads: downloads at once, so that one worker remains for short calls.
        on_deferred: called with each report that is deferred.

    Attributes:
        budget: counts triggers against the limits.
        awaited: the report that the consumer waits for.
        bytes_waiting: bytes of downloaded files that are not read yet.
        deadline: when `max_wait` is over.
    """

    def __init__(
        self,
        *,
        limits: Limits,
        ahead: bool,
        max_downloads: int,
        on_deferred: OnDeferred,
    ) -> None:
        self._limits = limits
        self._ahead = ahead
        self._max_downloads = max_downloads
        self._on_deferred = on_deferred
        self._concurrency = ConcurrencyLimits(
            ceiling=limits.max_concurrent_reports, ceiling_per_seller=limits.max_concurrent_reports_per_seller
        )
        self._turns = Turns()
        self._bought: deque[TrackedReport] = deque()
        self._delayed: list[tuple[float, int, TrackedReport]] = []
        self._pauses: list[tuple[float, str]] = []
        self._claimed: deque[TrackedReport] = deque()
        self._polls: list[tuple[float, int, TrackedReport]] = []
        self._ready: list[tuple[float, int, TrackedReport]] = []
        self._blocked: dict[str, str] = {}
        self._downloading = 0
        self.budget = Budget(limits)
        self.awaited: TrackedReport | None = None
        self.bytes_waiting = 0
        self.deadline: float | None = None

    # Adding reports

    def begin(self, *, now: float) -> None:
        """Start `max_wait`, unless it has been started already."""
        if self.deadline is None and self._limits.max_wait is not None:
            self.deadline = now + self._limits.max_wait

    def add(self, report: TrackedReport, *, now: float) -> None:
        """Add a report."""
        if report.request.report_id is None:
            self.wait_for_slot(report, now=now)
        else:
            self._bought.append(report)

    def wait_for_slot(self, report: TrackedReport, *, now: float) -> None:
        """Queue a report for its trigger, or defer it if it cannot be triggered in this run."""
        if report.is_done:
            return
        if (reason := self._blocked.get(report.request.identifier)) is not None:
            self._on_deferred(report, reason)
            return
        allowed_at = self._concurrency.not_before(report.request.seller_id)
        is_over_by_then = self.deadline is not None and now < allowed_at and allowed_at >= self.deadline
        since = self._concurrency.refused_since(report.request.seller_id, now=now)
        if is_over_by_then or allowed_at - since > report.request.report_timeout:
            so_far = f", and has refused each trigger for {now - since:.0f} s" if since < now else ""
            self._on_deferred(report, f"the API asks to wait {allowed_at - now:.0f} s{so_far}")
            return
        report.stage = Stage.WAITING
        self._turns.add(report)

    def delay(self, report: TrackedReport, *, until: float) -> None:
        """Queue a report for its trigger at a later time."""
        if not report.is_done:
            report.stage = Stage.DELAYED
            heapq.heappush(self._delayed, (until, report.order, report))

    def queue_trigger(self, report: TrackedReport) -> None:
        """Queue the trigger of a claimed report; it is made next."""
        report.stage = Stage.CLAIMED
        self._claimed.append(report)

    def poll_at(self, report: TrackedReport, at: float) -> None:
        """Queue the next detail call for a report."""
        if not report.is_done:
            report.stage = Stage.RUNNING
            report.poll_at = at
            heapq.heappush(self._polls, (at, report.order, report))

    def download(self, report: TrackedReport, *, dies_at: float) -> None:
        """Queue the download of a report; links that expire sooner go first."""
        if not report.is_done:
            report.stage = Stage.READY
            heapq.heappush(self._ready, (dies_at, report.order, report))

    # Taking the next one

    def next_poll(self, now: float) -> TrackedReport | None:
        """The report whose detail call is due."""
        while self._polls and self._polls[0][0] <= now:
            report = heapq.heappop(self._polls)[2]
            if not report.is_done:
                return _reserved(report)
        return None

    def next_trigger(self) -> TrackedReport | None:
        """The claimed report whose trigger is due."""
        while self._claimed:
            report = self._claimed.popleft()
            if not report.is_done:
                return _reserved(report)
        return None

    def next_to_adopt(self) -> TrackedReport | None:
        """The bought report to adopt next. It needs no slot: it is in progress already, and its link may expire."""
        if not self._ahead:
            if self.awaited is None or self.awaited not in self._bought:
                return None
            self._bought.remove(self.awaited)
            self._turns.take_slot(self.awaited)
            return _reserved(self.awaited)
        while self._bought:
            report = self._bought.popleft()
            if not report.is_done:
                self._turns.take_slot(report)
                return _reserved(report)
        return None

    def next_to_buy(self, now: float) -> TrackedReport | None:
        """The report to trigger next; it takes a slot and a share of the budget."""
        while self._delayed and self._delayed[0][0] <= now:
            self.wait_for_slot(heapq.heappop(self._delayed)[2], now=now)
        while self._pauses and self._pauses[0][0] <= now:
            self._turns.may_be_next(heapq.heappop(self._pauses)[1])
        awaited = self._awaited_in_budget()
        if not self._concurrency.is_open(now=now, in_progress=self._turns.in_progress):
            return None

        def is_open_for(seller_id: str) -> bool:
            return self._concurrency.is_open_for(seller_id, now=now, in_progress=self._turns.in_progress)

        if not self._is_restricted_to_awaited:
            report = self._turns.next(is_open_for=is_open_for, is_left_over=self._is_left_over)
        else:
            report = awaited if awaited is not None and is_open_for(awaited.request.seller_id) else None
        if report is None:
            return None
        self._turns.note_trigger(report)
        self.budget.count(report.request)
        return _reserved(report)

    def next_download(self) -> TrackedReport | None:
        """The report whose link expires first, while the disk has room and one worker remains for short calls."""
        if self._downloading >= self._max_downloads:
            return None
        report = self._first_ready() if self.bytes_waiting <= MAX_BYTES_WAITING else self._awaited_if_ready()
        if report is None:
            return None
        self._downloading += 1
        return _reserved(report)

    def _first_ready(self) -> TrackedReport | None:
        while self._ready:
            report = heapq.heappop(self._ready)[2]
            if not report.is_done:
                return report
        return None

    def _awaited_if_ready(self) -> TrackedReport | None:
        for number, (_, _, report) in enumerate(self._ready):
            if report is self.awaited:
                del self._ready[number]
                heapq.heapify(self._ready)
                return report
        return None

    @property
    def _is_restricted_to_awaited(self) -> bool:
        """Whether only the awaited report may be triggered."""
        return not self._ahead or self.bytes_waiting > MAX_BYTES_WAITING

    def _awaited_in_budget(self) -> TrackedReport | None:
        """The awaited report if it may be triggered; beyond the budget it is deferred at once."""
        report = self.awaited
        if report is None or report.stage is not Stage.WAITING or self._is_left_over(report):
            return None
        return report

    def _is_left_over(self, report: TrackedReport) -> bool:
        """Whether a report is beyond the budget; if so it is deferred."""
        if self.budget.allows(report.request):
            return False
        self._on_deferred(report, "the budget of reports is used up", is_unbought=True)
        return True

    def seconds_to_next(self, now: float) -> float | None:
        """Seconds until the next call is due, `None` if that depends on the end of another call."""
        times = [heap[0][0] for heap in (self._polls, self._delayed) if heap]
        if self._turns and self._pauses:
            times.append(self._pauses[0][0])
        later = [time for time in times if time > now]
        if self.deadline is not None:
            later.append(self.deadline)
        return max(0.0, min(later) - now) if later else None

    # Results

    def triggered(self, report: TrackedReport) -> None:
        """A trigger was accepted."""
        self._concurrency.accepted(report.request.seller_id)
        self._turns.may_be_next(report.request.seller_id)

    def not_triggered(self, report: TrackedReport) -> None:
        """A report that was counted against the budget was not bought."""
        self.budget.count(report.request, -1)

    def refused(self, report: TrackedReport, *, now: float, retry_after: float | None) -> float:
        """A trigger was answered 429: its seller waits, or all sellers do. Returns the seconds to wait."""
        seller = report.request.seller_id
        self.free_slot(report)
        wait = self._concurrency.refused(
            seller,
            now=now,
            in_progress=self._turns.in_progress,
            retry_after=retry_after,
            pause=self._limits.poll_interval,
        )
        heapq.heappush(self._pauses, (now + wait, seller))
        self.wait_for_slot(report, now=now)
        if report.is_done:
            for other in self._turns.sellers:  # the pause may be that of all sellers
                self._requeue(other, now=now)
        return wait

    def block(self, identifier: str, *, reason: str, now: float) -> None:
        """Trigger nothing more of a report type; its bought reports continue."""
        self._blocked[identifier] = reason
        for seller in self._turns.sellers:
            self._requeue(seller, now=now)

    def is_blocked(self, identifier: str) -> bool:
        """Whether a report type is blocked."""
        return identifier in self._blocked

    def _requeue(self, seller_id: str, *, now: float) -> None:
        """Check again for each waiting report of a seller whether it can still be triggered in this run."""
        for report in self._turns.take_all(seller_id):
            self.wait_for_slot(report, now=now)

    def take_claimed(self, *, seller_id: str | None = None, identifier: str | None = None) -> list[TrackedReport]:
        """Take out the claimed reports of a seller or of a report type that are not triggered yet."""
        taken = [
            report
            for report in self._claimed
            if seller_id in {None, report.request.seller_id} and identifier in {None, report.request.identifier}
        ]
        self._claimed = deque(report for report in self._claimed if report not in taken)
        return [report for report in taken if not report.is_done]

    def take_waiting(self, seller_id: str) -> Iterator[TrackedReport]:
        """Take out the waiting reports of a seller."""
        bought = [report for report in self._bought if report.request.seller_id == seller_id]
        self._bought = deque(report for report in self._bought if report.request.seller_id != seller_id)
        yield from (report for report in bought if report.stage is Stage.WAITING)
        yield from self._turns.take_all(seller_id)

    def downloaded(self) -> None:
        """A download has ended, with or without success."""
        self._downloading -= 1

    def free_slot(self, report: TrackedReport) -> None:
        """A report is no longer in progress."""
        self._turns.free_slot(report)


def _reserved(report: TrackedReport) -> TrackedReport:
    report.stage = Stage.CALLING
    return report
