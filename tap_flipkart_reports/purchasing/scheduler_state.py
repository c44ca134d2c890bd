"""The state that the scheduler's threads share: queue, pending ledger writes, events for the consumer."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.clock import today
from tap_flipkart_reports.purchasing.events import (
    Deferred,
    Delivery,
    EventKind,
    ReportEvent,
    ReportProgress,
    RunProgress,
)
from tap_flipkart_reports.purchasing.ledger_writes import LedgerWrite, LedgerWrites, Urgency
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

UNDER_WAY = frozenset({Stage.CALLING, Stage.RECORDING})
"""Stages that end by themselves, with a result that is worth waiting for."""

COOLDOWN_POLLS = 12
"""A FAILED report is triggered again after this many poll intervals: at once, it would fail again."""

TOO_LATE = "no report is bought for a day that is over: the next run asks for the newest one"


class SchedulerState:
    """Everything about a run's reports that changes. Callers hold the lock.

    Args:
        ledger: where purchases are recorded.
        clock: time.
        limits: caps, pauses, budget.
        lock: the scheduler's.
        generation_times: by identifier, from earlier runs.
        ahead: whether reports may be triggered before the consumer waits for them.
        max_downloads: downloads at once.

    Attributes:
        queue: which report waits for what.
        ownership: which window a report id, a link or a file belongs to.
        ledger_writes: writes to the ledger that are still to be made.
        events: events that the consumer has not received yet.
        remaining: number of reports that are not done.
        outage: the first outage of the run, if there was one.
        end_reason: why nothing more can be fetched in this run, if so.
    """

    def __init__(  # noqa: PLR0913 - tests replace each of them
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
        self.ledger_writes = LedgerWrites()
        self.events: deque[ReportEvent] = deque()
        self.remaining = 0
        self.outage: OutageError | None = None
        self.end_reason: str | None = None

    def drain_events(self) -> list[ReportEvent]:
        """Take out the events that the consumer has not received yet."""
        events = list(self.events)
        self.events.clear()
        return events

    def progress(self, report: TrackedReport) -> ReportProgress:
        """The progress of a report, for display."""
        now = self.clock.monotonic()
        return ReportProgress(
            request=report.request,
            report_id=report.report_id,
            status=report.stage.value,
            age=now - report.triggered_at,
            next_poll=max(0.0, report.poll_at - now) if report.stage is Stage.RUNNING else None,
        )

    def run_progress(self, reports: Collection[TrackedReport]) -> RunProgress:
        """The progress of a run: its bought reports, the oldest first, and how many windows wait."""
        bought = [
            report for report in reports if report.report_id is not None and (not report.is_done or report.is_unread)
        ]
        return RunProgress(
            reports=[self.progress(report) for report in sorted(bought, key=lambda report: report.triggered_at)],
            waiting=sum(report.stage is Stage.WAITING for report in reports),
            done=len(reports) - self.remaining,
            total=len(reports),
        )

    def trigger_again(self, report: TrackedReport, error: FlipkartReportsError) -> None:
        """Buy another report for a window, after a delay, unless it is too late for one."""
        if self.is_too_late(report):
            self.set_outcome(report, type(error)(f"{error}; {TOO_LATE}"))
            return
        LOGGER.warning(
            "%s: %s; triggered again, which is paid for again (attempt %d of %d).",
            report,
            error,
            report.attempts + 1,
            MAX_ATTEMPTS,
        )
        report.report_id = report.location = None
        self.cool_down(report)

    def is_too_late(self, report: TrackedReport) -> bool:
        """Whether the last day is over on which a report may be bought for a window."""
        last = report.request.buy_until
        return last is not None and today(self.clock) > last

    def cool_down(self, report: TrackedReport) -> None:
        """Delay a report's next trigger."""
        self.queue.delay(report, until=self.clock.monotonic() + self.limits.poll_interval * COOLDOWN_POLLS)

    def defer(self, report: TrackedReport, reason: str, *, is_unbought: bool = False) -> None:
        """Defer a report to the next run."""
        deferred = Deferred(request=report.request, report_id=report.report_id, reason=reason, is_unbought=is_unbought)
        self.set_outcome(report, deferred)

    def apply_deferral(self, report: TrackedReport, step: Defer) -> None:
        """Defer a report as a step says; after some outages, end the run too."""
        self.outage = self.outage or step.outage
        if step.ends_run:
            self.end_reason = self.end_reason or step.reason
        self.defer(report, step.reason)

    def defer_all(
        self, reports: Collection[TrackedReport], reason: str, *, may_still_finish: bool
    ) -> list[TrackedReport]:
        """Defer reports to the next run; while calls may still finish, return those that are under way instead."""
        under_way = []
        for report in list(reports):
            if may_still_finish and report.stage in UNDER_WAY:
                under_way.append(report)
            else:
                self.defer(report, reason)
        return under_way

    def set_outcome(self, report: TrackedReport, outcome: Delivery | Deferred | Exception) -> None:
        """Set the final outcome of a report: nothing more is done about it."""
        if report.is_done:
            return
        request, correlation_id = report.request, report.correlation_id
        self.queue.free_slot(report)
        if report.stage is Stage.CLAIMED and correlation_id is not None:
            self.queue.not_triggered(report)
            self.write_to_ledger(Urgency.ANSWER, lambda: self.ledger.not_bought(correlation_id=correlation_id))
        elif report.is_claimed and not isinstance(outcome, Delivery):
            self.write_to_ledger(Urgency.RELEASE, lambda: self.ledger.released(request))
        report.stage = Stage.DONE
        report.outcome = outcome
        self.remaining -= 1

    def write_to_ledger(
        self, urgency: Urgency, make: Callable[[], Any], then: Callable[[Any], None] | None = None
    ) -> None:
        """Queue a write to the ledger; `then` gets the ledger's answer, with the lock held."""
        self.ledger_writes.add(LedgerWrite(make=make, then=then, urgency=urgency))
        self.lock.notify_all()

    def record_event(self, report: TrackedReport, kind: EventKind, **figures: Any) -> None:  # noqa: ANN401 - fields of `ReportEvent`
        """Log an event, with fields for structured logs, and keep it for the consumer."""
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
