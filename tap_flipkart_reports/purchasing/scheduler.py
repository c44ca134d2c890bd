"""The threads that get many reports at once: trigger ahead, poll, download, retry, deliver in the order requested.

Reports take minutes to hours and cost money, so the scheduler knows all windows of a run before it starts. `queue`
decides which call is due and `outcomes` what an answer means; this module has the threads and the lock that they share.
A worker takes the most urgent call (a poll, then a trigger, then the download whose link expires first) and makes it
without the lock. One thread makes all writes to the ledger, so that no poll, download or stop waits for a database. The
consumer calls `take` for one report after the other, and gets all events since the last call there, in its own thread.

Without workers (`workers=0`) the consumer's thread makes the calls while it waits. With a clock that only simulates
sleeping, hours of reports then pass in milliseconds, always in the same order.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, cast

from tap_flipkart_reports.exceptions import LedgerError, WorkerError
from tap_flipkart_reports.purchasing.buyer import Buyer
from tap_flipkart_reports.purchasing.events import Deferred, Delivery, ReportEvent, RunProgress
from tap_flipkart_reports.purchasing.fetcher import Fetcher
from tap_flipkart_reports.purchasing.ledger_writes import Urgency
from tap_flipkart_reports.purchasing.ports import NoLedger, ReportApi, ReportLedger
from tap_flipkart_reports.purchasing.run_end import RunEnd
from tap_flipkart_reports.purchasing.scheduler_state import SchedulerState
from tap_flipkart_reports.purchasing.threads import Threads
from tap_flipkart_reports.purchasing.tracked_report import TrackedReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.exceptions import OutageError
    from tap_flipkart_reports.purchasing.ledger_writes import LedgerWrite
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
        folder: where files are kept until they are read; the caller owns and removes it.
        on_events: called with all events since the last call, in the thread that calls `take`.
        ledger: where purchases are recorded.
        generation_times: by identifier, from earlier runs.
        workers: threads that make calls; 0 makes them in the thread that calls `take`.
        ahead: whether reports may be triggered before `take` asks for them.

    Attributes:
        generation_times: by identifier, this run's included.
    """

    def __init__(  # noqa: PLR0913 - tests replace each of them
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
        self._state = SchedulerState(
            ledger=self._ledger,
            clock=clock,
            limits=limits,
            lock=self._changed,
            generation_times=self.generation_times,
            ahead=ahead,
            max_downloads=max(1, workers - 1),
        )
        self._fetcher = Fetcher(api=api, state=self._state, folder=folder)
        self._buyer = Buyer(api=api, state=self._state, first_pause=self._fetcher.pause)
        self._threads = Threads(
            clock=clock,
            changed=self._changed,
            is_over=self._is_over,
            seconds_to_next=lambda: self._state.queue.seconds_to_next(clock.monotonic()),
            on_end=self._end_with,
        )
        self._reports: dict[ReportRequest, TrackedReport] = {}
        self._orders = itertools.count()
        self._under_way: set[TrackedReport] = set()
        self._end = RunEnd()
        self._still_open: list[TrackedReport] | None = None

    @property
    def budget(self) -> Budget:
        """Counts the reports bought so far."""
        return self._state.queue.budget

    @property
    def outage(self) -> OutageError | None:
        """The first outage of this run, if there was one; what needed that host is deferred."""
        return self._state.outage

    # For the consumer

    def submit(self, requests: Iterable[ReportRequest]) -> None:
        """Add the reports to get."""
        with self._changed:
            now, queue = self._clock.monotonic(), self._state.queue
            queue.begin(now=now)
            for request in requests:
                readers = request.readers
                report = TrackedReport(
                    request=request, order=next(self._orders), unfinished=set(readers), unread=set(readers)
                )
                self._reports[request] = report
                self._state.remaining += 1
                queue.add(report, now=now)
            self._still_open = None
            self._changed.notify_all()

    def take(self, request: ReportRequest) -> Delivery | Deferred:
        """Wait for a report.

        Args:
            request: one that was submitted.

        Raises:
            LedgerError: purchases cannot be recorded, so the run cannot continue.
            WorkerError: the threads have ended, so the run cannot continue.
            FlipkartReportsError: the report failed; the text does not repeat the request.
        """
        report = self._reports[request]
        self._start_threads()
        while True:
            step = None
            with self._changed:
                self._state.queue.awaited = report
                events = self._state.drain_events()
                if not events:
                    self._apply_stop()
                    if self._end.error is not None:
                        raise self._end.error
                    if report.is_done:
                        break
                    step = self._next_step() if self._workers == 0 else None
                    if step is None and not report.is_done:
                        self._wait_for_change()
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
        """Record that a stream has written a report's rows; the report is finished once all its streams have."""
        with self._changed:
            report = self._reports[delivery.request]
            report.finished(stream, reading)
        if not report.unfinished:
            self._ledger.finished(delivery.request, report.reading)

    def release(self, delivery: Delivery, *, stream: str) -> None:
        """Release a stream's use of a file; the last stream's release deletes it."""
        with self._changed:
            report = self._reports[delivery.request]
            report.unread.discard(stream)
            if report.unread:
                return
            self._fetcher.discard(delivery)
            self._changed.notify_all()
        self._ledger.released(delivery.request)

    def deliver_events(self) -> None:
        """Pass all events so far to the consumer."""
        with self._changed:
            events = self._state.drain_events()
        if events:
            self._on_events(events)

    def stop(self, reason: str) -> None:
        """Start nothing new; unfinished reports are deferred to the next run.

        Calls that are under way may take some more seconds, above all a trigger, whose answer has the report id.
        """
        with self._changed:
            self._end.request_stop(reason, now=self._clock.monotonic())
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, wait some seconds for calls and ledger writes that are under way, and pass on their events."""
        self.stop("the run has ended")
        with self._changed:
            self._state.ledger_writes.drop_releases()
        self._threads.join(until=self._end.join_until(now=self._clock.monotonic()))
        while self._workers == 0:
            with self._changed:
                step = self._next_ledger_write()
            if step is None:
                break
            step()
        self.deliver_events()

    def progress(self) -> RunProgress:
        """The progress of the bought reports, and how many windows wait for a slot."""
        with self._changed:
            return self._state.run_progress(self._reports.values())

    # What to do next; the caller holds the lock

    def _next_step(self) -> Step | None:
        """The next step without worker threads: record purchases, poll and trigger, and then download."""
        return (
            self._next_ledger_write(may_claim=False)
            or self._next_call(may_download=False)
            or self._next_ledger_write()
            or self._next_call()
        )

    def _next_call(self, *, may_download: bool = True) -> Step | None:
        """Reserve the most urgent call that is due.

        Polls and triggers are short, and reports are generated in the meantime, so they go before downloads.
        """
        self._apply_stop()
        if self._end.reason is not None:
            return None
        queue = self._state.queue
        if (report := queue.next_poll(self._clock.monotonic())) is not None:
            return self._call(self._fetcher.poll, report)
        if (report := queue.next_trigger()) is not None:
            return self._call(self._buyer.trigger, report)
        if may_download and (report := queue.next_download()) is not None:
            return self._call(self._fetcher.download, report)
        return None

    def _next_ledger_write(self, *, may_claim: bool = True) -> Step | None:
        """Reserve the most urgent write to the ledger; `None` once the run has failed."""
        self._apply_stop()
        if self._end.error is not None:
            return None
        writes = self._state.ledger_writes
        write = writes.next(before=Urgency.CLAIM)
        if write is None and may_claim:
            write = (self._buyer.next_claim() if self._end.reason is None else None) or writes.next()
        return None if write is None else lambda: self._write_to_ledger(write)

    def _apply_stop(self) -> None:
        """Once the run is ending, defer what is not under way, and the rest when that takes too long."""
        now = self._clock.monotonic()
        if not self._end.is_ending(now=now, reason=self._state.end_reason, deadline=self._state.queue.deadline):
            return
        reports = self._reports.values() if self._still_open is None else self._still_open
        self._still_open = self._state.defer_all(
            reports, cast("str", self._end.reason), may_still_finish=self._end.may_still_finish(now=now)
        )

    def _wait_for_change(self) -> None:
        """Wait until something changes or is due."""
        now, queue = self._clock.monotonic(), self._state.queue
        if self._workers == 0:
            seconds = queue.seconds_to_next(now)
            self._clock.sleep(self._limits.poll_interval if seconds is None else seconds)
            return
        self._clock.wait(self._changed, self._end.seconds_to_next(now=now, deadline=queue.deadline))

    # The threads

    def _start_threads(self) -> None:
        if self._workers == 0:
            return
        steps: dict[str, NextStep] = {"report-ledger": self._next_ledger_write}
        steps |= {f"report-worker-{number}": self._next_call for number in range(self._workers)}
        self._threads.start(steps)

    def _is_over(self) -> bool:
        """Whether the threads have nothing left to do."""
        has_ended = self._end.reason is not None or self._state.remaining == 0
        return has_ended and not self._under_way and (not self._state.ledger_writes or self._end.error is not None)

    def _call(self, call: Callable[[TrackedReport], None], report: TrackedReport) -> Step:
        """A reserved call; `take` raises an unexpected error of it in the consumer's thread."""
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
                self._end_with(error)
            self._state.set_outcome(report, error)

    def _write_to_ledger(self, write: LedgerWrite) -> None:
        try:
            result = write.make()
        except LedgerError as error:
            self._end_with(error)
            return
        with self._changed:
            if write.then is not None:
                write.then(result)
            self._changed.notify_all()

    def _end_with(self, error: BaseException) -> None:
        """End the run with an error, which `take` raises."""
        with self._changed:
            self._end.fail(error)
            self._changed.notify_all()
