"""What is kept of reports: what is done next, what is written to the ledger, what is reported to the consumer."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.purchasing.bookings import Booking, Bookings, Urgency
from tap_flipkart_reports.purchasing.events import (
    Deferred,
    Delivery,
    EventKind,
    ReportEvent,
    ReportProgress,
    RunProgress,
)
from tap_flipkart_reports.purchasing.outcomes import MAX_ATTEMPTS, Defer
from tap_flipkart_reports.purchasing.ownership import Ownership
from tap_flipkart_reports.purchasing.queue import ReportQueue
from tap_flipkart_reports.purchasing.tracked_report import Stage, TrackedReport

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.exceptions import FlipkartReportsError, OutageError
    from tap_flipkart_reports.purchasing.limits import Limits
    from tap_flipkart_reports.purchasing.polling import GenerationTimes
    from tap_flipkart_reports.purchasing.ports import ReportLedger

LOGGER = logging.getLogger("tap-flipkart-reports.scheduler")

UNDER_WAY = frozenset({Stage.CALLING, Stage.BOOKING})
"""Stages that end by themselves, with something worth waiting for."""

COOLDOWN_POLLS = 12
"""A FAILED report is triggered again after this many first pauses: asking at once fails at once elsewhere too."""


class Records:
    """Everything about a run's reports that changes; every method is called with the lock held.

    Args:
        ledger: where bought reports are booked.
        clock: time.
        limits: caps, pauses, budget.
        lock: the scheduler's.
        generation_times: by identifier, from earlier runs.
        ahead: whether reports may be triggered before they are asked for.
        max_downloads: downloads at once.

    Attributes:
        queue: which report waits for what.
        ownership: which window a report id, a link or a file belongs to.
        bookings: what is still to be written to the ledger.
        events: what was not reported to the consumer yet.
        unsettled: reports about which something is still to be done.
        outage: the first host that was given up, if one was.
        end_reason: why nothing more can be had in this run, if that is so.
    """

    def __init__(  # noqa: PLR0913 - each is a seam of its own
        self,
        *,
        ledger: ReportLedger,
        clock: Clock,
        limits: Limits,
        lock: threading.Condition,
        generation_times: dict[str, GenerationTimes],
        ahead: bool,
        max_downloads: int,
    ) -> None:
        self.ledger = ledger
        self.clock = clock
        self.limits = limits
        self.lock = lock
        self.generation_times = generation_times
        self.queue = ReportQueue(limits=limits, ahead=ahead, max_downloads=max_downloads, on_deferred=self.defer)
        self.ownership = Ownership()
        self.bookings = Bookings()
        self.events: deque[ReportEvent] = deque()
        self.unsettled = 0
        self.outage: OutageError | None = None
        self.end_reason: str | None = None

    def drain_events(self) -> list[ReportEvent]:
        """What was not reported to the consumer yet."""
        events = list(self.events)
        self.events.clear()
        return events

    def progress(self, report: TrackedReport) -> ReportProgress:
        """Where a report stands, for people who watch."""
        now = self.clock.monotonic()
        return ReportProgress(
            request=report.request,
            report_id=report.report_id,
            status=report.stage.value,
            age=now - report.triggered_at,
            next_poll=max(0.0, report.poll_at - now) if report.stage is Stage.RUNNING else None,
        )

    def run_progress(self, reports: Collection[TrackedReport]) -> RunProgress:
        """Where those of a run's reports stand that are bought, the oldest first, and how many windows wait."""
        bought = [
            report for report in reports if report.report_id is not None and (not report.is_settled or report.is_unread)
        ]
        return RunProgress(
            reports=[self.progress(report) for report in sorted(bought, key=lambda report: report.triggered_at)],
            waiting=sum(report.stage is Stage.WAITING for report in reports),
            done=len(reports) - self.unsettled,
            total=len(reports),
        )

    def trigger_again(self, report: TrackedReport, error: FlipkartReportsError) -> None:
        """Buy another report for a window, after a while."""
        LOGGER.warning(
            "%s: %s; triggered again, which is paid for again (attempt %d of %d).",
            report,
            error,
            report.attempts + 1,
            MAX_ATTEMPTS,
        )
        report.report_id = report.location = None
        self.cool_down(report)

    def cool_down(self, report: TrackedReport) -> None:
        """Let a report wait a while before its next trigger."""
        self.queue.delay(report, until=self.clock.monotonic() + self.limits.poll_interval * COOLDOWN_POLLS)

    def defer(self, report: TrackedReport, reason: str, *, is_unbought: bool = False) -> None:
        """Leave a report for the next run."""
        deferred = Deferred(request=report.request, report_id=report.report_id, reason=reason, is_unbought=is_unbought)
        self.settle(report, deferred)

    def defer_by(self, report: TrackedReport, step: Defer) -> None:
        """Leave a report for the next run, as an outcome says, and all others where none can be had."""
        self.outage = self.outage or step.outage
        if step.ends_run:
            self.end_reason = self.end_reason or step.reason
        self.defer(report, step.reason)

    def leave(self, reports: Collection[TrackedReport], reason: str, *, has_time: bool) -> list[TrackedReport]:
        """Leave reports for the next run; while there is time those under way stay open, and are returned."""
        still_open = []
        for report in list(reports):
            if has_time and report.stage in UNDER_WAY:
                still_open.append(report)
            else:
                self.defer(report, reason)
        return still_open

    def settle(self, report: TrackedReport, outcome: Delivery | Deferred | Exception) -> None:
        """Nothing more is done about a report."""
        if report.is_settled:
            return
        request, correlation_id = report.request, report.correlation_id
        self.queue.free_slot(report)
        if report.stage is Stage.CLAIMED and correlation_id is not None:
            self.queue.not_triggered(report)
            self.book(Urgency.ANSWER, lambda: self.ledger.not_bought(correlation_id=correlation_id))
        elif report.is_claimed and not isinstance(outcome, Delivery):
            self.book(Urgency.RELEASE, lambda: self.ledger.released(request))
        report.stage = Stage.SETTLED
        report.outcome = outcome
        self.unsettled -= 1

    def book(self, urgency: Urgency, write: Callable[[], Any], then: Callable[[Any], None] | None = None) -> None:
        """Have something written to the ledger, and hear with the lock held what it said."""
        self.bookings.add(Booking(write=write, then=then, urgency=urgency))
        self.lock.notify_all()

    def record_event(self, report: TrackedReport, kind: EventKind, **figures: Any) -> None:  # noqa: ANN401 - fields of `ReportEvent`
        """Log an event, with its facts as fields for structured logs, and keep it for the consumer."""
        request = report.request
        event = ReportEvent(
            kind=kind,
            request=request,
            report_id=report.report_id,
            correlation_id=report.correlation_id,
            at=self.clock.now(),
            attempt=report.attempts,
            **figures,
        )
        fields = {
            "stream_name": request.stream,
            "seller_id": request.seller_id,
            "warehouse_id": request.warehouse_id,
            "window": str(request.window),
            "report_id": event.report_id,
            "correlation_id": event.correlation_id,
            "change": kind.name.lower(),
            **figures,
        }
        after = f" after {event.seconds:.0f} s" if event.seconds is not None else ""
        LOGGER.info("%s: %s%s.", report, kind.value, after, extra=fields)
        self.events.append(event)
