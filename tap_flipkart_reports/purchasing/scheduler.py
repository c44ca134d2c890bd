"""The threads that get many reports at once: trigger ahead, poll, download, try again, deliver in the order asked for.

Reports take minutes to hours and cost money, so the scheduler knows all windows of a run before it starts. Which call
is due is said by `queue`, what an answer means by `outcomes`; here are the threads and the lock they share. A worker
takes the most urgent call (a poll, then a trigger, then the download whose link dies soonest) and makes it without the
lock. All writing to the ledger is done by one thread of its own: no poll, no download and no stop waits for a database.
The consumer asks for one report after the other with `take`, and is told there, in its own thread, of every event
since the last time.

Without workers (`workers=0`) the consumer's thread makes the calls itself while it waits; with a clock that only
pretends to sleep, hours of reports then pass in milliseconds, always in the same order.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, cast

from tap_flipkart_reports.exceptions import LedgerError, WorkerError
from tap_flipkart_reports.purchasing.bookings import Urgency
from tap_flipkart_reports.purchasing.buyer import Buyer
from tap_flipkart_reports.purchasing.events import Deferred, Delivery, ReportEvent, RunProgress
from tap_flipkart_reports.purchasing.fetcher import Fetcher
from tap_flipkart_reports.purchasing.ports import NoLedger, ReportApi, ReportLedger
from tap_flipkart_reports.purchasing.records import Records
from tap_flipkart_reports.purchasing.run_end import RunEnd
from tap_flipkart_reports.purchasing.threads import Threads
from tap_flipkart_reports.purchasing.tracked_report import TrackedReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.exceptions import OutageError
    from tap_flipkart_reports.purchasing.bookings import Booking
    from tap_flipkart_reports.purchasing.limits import Budget, Limits
    from tap_flipkart_reports.purchasing.polling import GenerationTimes
    from tap_flipkart_reports.purchasing.requests import Reading, ReportRequest
    from tap_flipkart_reports.purchasing.threads import NextStep, Step


class Scheduler:
    """Gets many reports at once.

    Args:
        api: the three calls.
        clock: time.
        limits: caps, pauses, budget.
        folder: where files wait until they are taken; the caller owns and removes it.
        on_events: called with all events since the last time, in the thread that calls `take`.
        ledger: where bought reports are booked.
        generation_times: by identifier, from earlier runs.
        workers: threads that make calls; 0 makes them in the thread that calls `take`.
        ahead: whether reports may be triggered before they are asked for.

    Attributes:
        generation_times: by identifier, of this run too.
    """

    def __init__(  # noqa: PLR0913 - each is a seam of its own
        self,
        *,
        api: ReportApi,
        clock: Clock,
        limits: Limits,
        folder: Path,
        on_events: Callable[[Sequence[ReportEvent]], None] = lambda _events: None,
        ledger: ReportLedger | None = None,
        generation_times: Mapping[str, GenerationTimes] | None = None,
        workers: int = 8,
        ahead: bool = True,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._on_events = on_events
        self._ledger = ledger or NoLedger()
        self._workers = workers
        self.generation_times: dict[str, GenerationTimes] = dict(generation_times or {})

        self._changed = threading.Condition()
        self._records = Records(
            ledger=self._ledger,
            clock=clock,
            limits=limits,
            lock=self._changed,
            generation_times=self.generation_times,
            ahead=ahead,
            max_downloads=max(1, workers - 1),
        )
        self._fetcher = Fetcher(api=api, records=self._records, folder=folder)
        self._buyer = Buyer(api=api, records=self._records, first_pause=self._fetcher.pause)
        self._threads = Threads(
            clock=clock,
            changed=self._changed,
            is_over=self._is_over,
            seconds_to_next=lambda: self._records.queue.seconds_to_next(clock.monotonic()),
            on_end=self._break,
        )
        self._reports: dict[ReportRequest, TrackedReport] = {}
        self._orders = itertools.count()
        self._under_way: set[TrackedReport] = set()
        self._end = RunEnd()
        self._open: list[TrackedReport] | None = None

    @property
    def budget(self) -> Budget:
        """How many reports were bought."""
        return self._records.queue.budget

    @property
    def outage(self) -> OutageError | None:
        """The first host that was given up in this run, if one was; what needed it is left for the next run."""
        return self._records.outage

    # The consumer's side

    def submit(self, requests: Iterable[ReportRequest]) -> None:
        """Add reports that are wanted."""
        with self._changed:
            now, queue = self._clock.monotonic(), self._records.queue
            queue.begin(now=now)
            for request in requests:
                readers = request.readers
                report = TrackedReport(
                    request=request, order=next(self._orders), unfinished=set(readers), unread=set(readers)
                )
                self._reports[request] = report
                self._records.unsettled += 1
                queue.add(report, now=now)
            self._open = None
            self._changed.notify_all()

    def take(self, request: ReportRequest) -> Delivery | Deferred:
        """Wait for a report.

        Args:
            request: one that was submitted.

        Raises:
            LedgerError: purchases cannot be booked, so the run cannot go on.
            WorkerError: no thread makes the calls any more, so the run cannot go on.
            FlipkartReportsError: the report could not be had; the text does not repeat the request.
        """
        report = self._reports[request]
        self._start_threads()
        while True:
            step = None
            with self._changed:
                self._records.queue.awaited = report
                events = self._records.drain_events()
                if not events:
                    self._obey_stop()
                    if self._end.error is not None:
                        raise self._end.error
                    if report.is_settled:
                        break
                    step = self._next_step() if self._workers == 0 else None
                    if step is None and not report.is_settled:
                        self._rest()
            if events:
                self._on_events(events)
            if step is not None:
                step()
        with self._changed:
            if isinstance(report.outcome, Delivery):
                self._fetcher.check_file(report, report.outcome)
        if isinstance(report.outcome, Exception):
            raise report.outcome
        return cast("Delivery | Deferred", report.outcome)

    def report_id_of(self, request: ReportRequest) -> str | None:
        """The report that was bought for a request, if there is one."""
        return self._reports[request].report_id

    def finish(self, delivery: Delivery, reading: Reading, *, stream: str) -> None:
        """Say that a stream's rows of a delivered report are out; finished is what all its streams have read."""
        with self._changed:
            report = self._reports[delivery.request]
            report.finished(stream, reading)
        if not report.unfinished:
            self._ledger.finished(delivery.request, report.reading)

    def release(self, delivery: Delivery, *, stream: str) -> None:
        """Say that a stream needs a delivered file no more; the last one's word removes it from the disk."""
        with self._changed:
            report = self._reports[delivery.request]
            report.unread.discard(stream)
            if report.unread:
                return
            self._fetcher.discard(delivery)
            self._changed.notify_all()
        self._ledger.released(delivery.request)

    def tell(self) -> None:
        """Tell the consumer of all events so far."""
        with self._changed:
            events = self._records.drain_events()
        if events:
            self._on_events(events)

    def stop(self, reason: str) -> None:
        """Begin nothing new: what is not finished is left for the next run.

        Calls that are under way may finish for some seconds, above all a trigger, whose answer holds the report id.
        """
        with self._changed:
            self._end.ask(reason, now=self._clock.monotonic())
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, wait some seconds for calls and bookings that are under way, and tell of what they have brought."""
        self.stop("the run has ended")
        with self._changed:
            self._records.bookings.drop_releases()
        self._threads.join(until=self._end.join_until(now=self._clock.monotonic()))
        while self._workers == 0:
            with self._changed:
                step = self._next_booking()
            if step is None:
                break
            step()
        self.tell()

    def progress(self) -> RunProgress:
        """Where the reports stand that are bought, and how many windows wait for their turn."""
        with self._changed:
            return self._records.run_progress(self._reports.values())

    # What to do next; all with the lock held

    def _next_step(self) -> Step | None:
        """What one thread alone does next: books what is paid for, keeps Flipkart busy, and then downloads."""
        return (
            self._next_booking(may_claim=False)
            or self._next_call(may_download=False)
            or self._next_booking()
            or self._next_call()
        )

    def _next_call(self, *, may_download: bool = True) -> Step | None:
        """Reserve the most urgent call that is due.

        Polls and triggers are short and keep Flipkart busy, so they go before downloads, which may take minutes.
        """
        self._obey_stop()
        if self._end.reason is not None:
            return None
        queue = self._records.queue
        if (report := queue.next_poll(self._clock.monotonic())) is not None:
            return self._call(self._fetcher.poll, report)
        if (report := queue.next_trigger()) is not None:
            return self._call(self._buyer.trigger, report)
        if may_download and (report := queue.next_download()) is not None:
            return self._call(self._fetcher.download, report)
        return None

    def _next_booking(self, *, may_claim: bool = True) -> Step | None:
        """Reserve the most urgent write to the ledger; none once it is broken."""
        self._obey_stop()
        if self._end.error is not None:
            return None
        bookings = self._records.bookings
        booking = bookings.next(before=Urgency.CLAIM)
        if booking is None and may_claim:
            booking = (self._buyer.next_claim() if self._end.reason is None else None) or bookings.next()
        return None if booking is None else lambda: self._book(booking)

    def _obey_stop(self) -> None:
        """Leave what is not under way once the run is asked to end, and the rest when that takes too long."""
        now = self._clock.monotonic()
        if not self._end.has_come(now=now, reason=self._records.end_reason, deadline=self._records.queue.deadline):
            return
        reports = self._reports.values() if self._open is None else self._open
        self._open = self._records.leave(reports, cast("str", self._end.reason), has_time=self._end.has_time(now=now))

    def _rest(self) -> None:
        """Wait until something changes or falls due."""
        now, queue = self._clock.monotonic(), self._records.queue
        if self._workers == 0:
            seconds = queue.seconds_to_next(now)
            self._clock.sleep(self._limits.poll_interval if seconds is None else seconds)
            return
        self._clock.wait(self._changed, self._end.seconds_to_next(now=now, deadline=queue.deadline))

    # The threads

    def _start_threads(self) -> None:
        if self._workers == 0:
            return
        steps: dict[str, NextStep] = {"report-ledger": self._next_booking}
        steps |= {f"report-worker-{number}": self._next_call for number in range(self._workers)}
        self._threads.start(steps)

    def _is_over(self) -> bool:
        """Whether no thread will find anything to do any more."""
        has_ended = self._end.reason is not None or self._records.unsettled == 0
        return has_ended and not self._under_way and (not self._records.bookings or self._end.error is not None)

    def _call(self, call: Callable[[TrackedReport], None], report: TrackedReport) -> Step:
        """A call that is reserved; an unexpected error is raised in the consumer's thread."""
        self._under_way.add(report)

        def make() -> None:
            try:
                call(report)
            except Exception as error:  # noqa: BLE001 - raised again by `take`, in the consumer's thread
                self._fail(report, error)
            finally:
                with self._changed:
                    self._under_way.discard(report)
                    self._changed.notify_all()

        return make

    def _fail(self, report: TrackedReport, error: Exception) -> None:
        with self._changed:
            if isinstance(error, (LedgerError, WorkerError)):
                self._break(error)
            self._records.settle(report, error)

    def _book(self, booking: Booking) -> None:
        try:
            result = booking.write()
        except LedgerError as error:
            self._break(error)
            return
        with self._changed:
            if booking.then is not None:
                booking.then(result)
            self._changed.notify_all()

    def _break(self, error: BaseException) -> None:
        """End the run: `take` raises the error."""
        with self._changed:
            self._end.break_off(error)
            self._changed.notify_all()
