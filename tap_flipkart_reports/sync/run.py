"""One run: what its streams share, from the reports they want to the summary."""

from __future__ import annotations

import logging
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import (
    ArchiveError,
    FileError,
    FlipkartReportsError,
    LedgerError,
    RowError,
    WorkerError,
)
from tap_flipkart_reports.purchasing.events import Deferred, EventKind
from tap_flipkart_reports.purchasing.requests import PendingReport
from tap_flipkart_reports.sync.closing_lines import log_closing_summary, log_deferred
from tap_flipkart_reports.sync.failures import Failures
from tap_flipkart_reports.sync.heartbeat import heartbeat
from tap_flipkart_reports.sync.metrics import log_event, log_totals
from tap_flipkart_reports.sync.new_scheduler import new_scheduler
from tap_flipkart_reports.sync.progress import is_watched, live_table
from tap_flipkart_reports.sync.purchase_check import bought_before, check_archive, check_purchases
from tap_flipkart_reports.sync.report_reader import ReportReader
from tap_flipkart_reports.sync.run_summary import summary_document, write_summary
from tap_flipkart_reports.sync.side_threads import Termination
from tap_flipkart_reports.sync.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.exceptions import OutageError
    from tap_flipkart_reports.purchasing.events import ReportEvent, RunProgress
    from tap_flipkart_reports.purchasing.partition_key import PartitionKey
    from tap_flipkart_reports.purchasing.ports import ReportApi
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.purchasing.scheduler import Scheduler
    from tap_flipkart_reports.sync.ports import RecordStream, ValueForm
    from tap_flipkart_reports.sync.services import RunServices
    from tap_flipkart_reports.sync.wanted import WantedReports
    from tap_flipkart_reports.windows import Window

LOGGER = logging.getLogger(PACKAGE)

MAX_WORKERS = 32
"""Threads that make calls; they mostly wait for the network."""

STOPPED = "the run was asked to end"


class Run:
    """What one run shares between its streams.

    Args:
        wanted: the reports that it wants.
        services: API, ledger and archive.
        clock: time.
        streams: all streams of the tap.
        workers: threads that make calls; by default one more than reports in progress. With 0, the thread that takes
            a report makes the calls.

    Attributes:
        deferred: windows that are left for the next run.
        failures: the windows that failed.
        summary: of what the run did.
        is_stopping: whether the run was asked to end.
    """

    def __init__(
        self,
        *,
        wanted: WantedReports,
        services: RunServices,
        clock: Clock,
        streams: Sequence[RecordStream],
        workers: int | None = None,
    ) -> None:
        self.settings = wanted.settings
        self.wanted = wanted
        self.services = services
        self.clock = clock
        self.deferred: list[Deferred] = []
        self.summary = Summary(self.settings.report_prices)
        self.failures = Failures(summary=self.summary, services=services)
        self.is_stopping = False
        self._termination = Termination(self.stop)
        self._streams = {stream.name: stream for stream in streams}
        self._max_workers = 0 if self.settings.replay else workers  # copies of files need no thread
        self._scheduler: Scheduler | None = None
        self._files = services.files
        self._began = clock.now()

    @property
    def emits_state(self) -> bool:
        """Whether STATE messages are written: a replay moves no bookmark."""
        return not self.settings.replay

    # Schedulers

    def scheduler_for(self, stream: RecordStream) -> Scheduler:
        """The run's scheduler, which knows the reports of all selected streams.

        Under a record limit (the SDK's dry runs), a stream has its own scheduler, which triggers nothing ahead.
        """
        if stream.is_dry_run:
            requests = chain.from_iterable(self.wanted.requests([stream]).values())
            return self._new_scheduler(requests, workers=0, ahead=False)
        if self._scheduler is None:
            self._termination.start()
            self._scheduler = self._new_scheduler(self.wanted.all_requests(), workers=self._workers(), ahead=True)
        return self._scheduler

    def scheduler_over(self, requests: Sequence[ReportRequest], *, api: ReportApi) -> Scheduler:
        """A scheduler that gets just these reports, with the run's limits, ledger and archive.

        Args:
            requests: the reports.
            api: answers the calls about reports that the archive does not hold.
        """
        self._termination.start()
        self._scheduler = self._new_scheduler(requests, workers=self._workers(), ahead=True, api=api)
        return self._scheduler

    def _workers(self) -> int:
        """One thread for each report in progress, and one for short calls while these download."""
        if self._max_workers is not None:
            return self._max_workers
        return min(self.settings.max_concurrent_reports, MAX_WORKERS) + 1

    def check_purchases(self, *, has_state: bool) -> None:
        """Check what is about to be bought, before the first call.

        Raises:
            SettingsError: it is more than `max_unconfirmed_reports` and not confirmed.
            ArchiveError: the archive cannot be written.
        """
        requests = list(self.wanted.all_requests())
        check_archive(requests, self.services.archive)
        again = bought_before(requests, self.services.ledger)
        check_purchases(requests, again=again, settings=self.settings, has_state=has_state)

    def _new_scheduler(
        self, requests: Iterable[ReportRequest], *, workers: int, ahead: bool, api: ReportApi | None = None
    ) -> Scheduler:
        return new_scheduler(
            requests,
            wanted=self.wanted,
            services=self.services,
            clock=self.clock,
            on_events=self._record_events,
            workers=workers,
            ahead=ahead,
            api=api,
        )

    # Events

    def _record_events(self, events: Sequence[ReportEvent]) -> None:
        """Count and log events. Purchases go into the state, so that a crash does not lose them."""
        for event in events:
            self.summary.count_event(event)
            log_event(event)
        recorded = [event for event in events if event.kind in {EventKind.TRIGGERED, EventKind.ABANDONED}]
        for event in recorded:
            for name in event.request.readers:
                _record_purchase(event, self._streams[name])
        # Without a ledger, a kill before the next STATE message would lose the ids of reports that are paid for.
        if recorded and self.services.ledger is None:
            self._streams[recorded[-1].request.readers[0]].emit_state(at_once=True)

    # Rows

    def columns_of(
        self, stream: RecordStream, key: PartitionKey, *, form: ValueForm
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Typed columns of all windows of a partition, batch by batch.

        A window is recorded once its last row is written. A window that fails stops neither the others nor the run.

        Args:
            stream: the stream.
            key: the partition.
            form: how cells become values.

        Raises:
            LedgerError: purchases can no longer be recorded.
            WorkerError: the threads that make calls have ended.
        """
        scheduler = self.scheduler_for(stream)
        requests = self.wanted.requests_of(stream, key)
        owed = None if all(request.is_repair for request in requests) else self.wanted.owed_window(stream, key)
        for request in requests:
            try:
                taken = scheduler.take(request)
            except (LedgerError, WorkerError):
                raise  # these end the run: nothing more can be bought
            except FlipkartReportsError as error:
                self.failures.add(request, error, stream=stream.name, report_id=scheduler.report_id_of(request))
                continue
            if isinstance(taken, Deferred):
                self._defer(taken, stream, key)
                continue
            reader = ReportReader(
                table=stream.record_table(),
                delivery=taken,
                settings=self.settings,
                files=self._files,
                is_stopping=lambda: self.is_stopping,
            )
            try:
                for columns in reader.columns(form=form):
                    yield columns
                    scheduler.deliver_events()  # puts purchases into the state while a long file is read
            except (FileError, RowError, ArchiveError) as error:
                self.failures.add(request, error, stream=stream.name, report_id=taken.report_id)
            else:
                if reader.is_cut_short:
                    self._defer(Deferred(request=request, report_id=taken.report_id, reason=STOPPED), stream, key)
                else:
                    self._finish(reader, stream, key, owed=owed, scheduler=scheduler)
            finally:
                scheduler.release(taken, stream=stream.name)

    def _finish(
        self,
        reader: ReportReader,
        stream: RecordStream,
        key: PartitionKey,
        *,
        owed: Window | None,
        scheduler: Scheduler,
    ) -> None:
        delivery, request = reader.delivery, reader.delivery.request
        states = stream.partition_states
        states[key].record_finished(
            request.window, report_id=delivery.report_id, owed=None if request.is_repair else owed
        )
        if (generation_times := scheduler.generation_times.get(request.identifier)) is not None:
            states.record_generation_times(generation_times)
        reading = reader.reading()
        scheduler.finish(delivery, reading, stream=stream.name)
        self.summary.count_finished(request, rows=reading.rows, rejected=reading.rejected)
        stream.emit_state()

    def _defer(self, deferred: Deferred, stream: RecordStream, key: PartitionKey) -> None:
        if deferred.is_unbought and not deferred.request.is_repair:
            stream.partition_states[key].record_unbought(deferred.request.window)
        self.deferred.append(deferred)
        self.summary.count_deferred(deferred)

    def expire_archive(self) -> None:
        """Remove files from the archive that are older than `report_archive_days`.

        Raises:
            ArchiveError: they cannot be removed.
        """
        self._files.remove_older(self.settings.report_archive_days)

    def show_progress(self) -> AbstractContextManager[None]:
        """Show a live table of the reports on a terminal, or else log a line every minute."""
        show = live_table if is_watched() else heartbeat
        return show(self._progress, clock=self.clock)

    def _progress(self) -> RunProgress | None:
        return self._scheduler.progress() if self._scheduler is not None else None

    def give_up_reports(self) -> None:
        """Forget the reports in `given_up_reports`, in the state and in the ledger."""
        for report_id in self.settings.given_up_reports:
            for stream in self.wanted.selected_streams():
                for key in self.wanted.partitions_of(stream.report_type):
                    stream.partition_states[key].give_up(report_id)
            if self.services.ledger is not None:
                self.services.ledger.give_up(report_id)

    @property
    def outage(self) -> OutageError | None:
        """The error of the first host that this run gave up, if it gave one up."""
        return self._scheduler.outage if self._scheduler is not None else None

    def log_summary(self) -> None:
        """Log the results of the run, and its metrics."""
        log_deferred(self.deferred)
        log_totals(self.summary)
        log_closing_summary(self.summary, is_anything_selected=bool(self.wanted.selected_streams()))

    def write_summary(self, error: Exception | None) -> None:
        """Write the results of the run as JSON to `run_summary`, if it is set. A failure is logged and not raised.

        Args:
            error: the error that ended the run or made it fail, if any.
        """
        if self.settings.run_summary is None:
            return
        period = self._began, self.clock.now()
        document = summary_document(
            self.summary, failures=self.failures.all, deferred=self.deferred, error=error, period=period
        )
        try:
            write_summary(Path(self.settings.run_summary), document)
        except OSError as refusal:
            LOGGER.error(  # noqa: TRY400 - one sentence, no traceback
                "run_summary %s cannot be written: %s; check the path, its permissions and its space",
                self.settings.run_summary,
                refusal.strerror,
            )

    def stop(self) -> None:
        """End the run in order: nothing more is bought, and what is bought stays pending."""
        self.is_stopping = True
        if self._scheduler is not None:
            self._scheduler.stop(STOPPED)
        self.services.stop_waiting()

    def request_stop(self) -> None:
        """Like `stop`, but safe in a signal handler: it waits for nothing and writes nothing."""
        self.is_stopping = True
        self._termination.request()

    @property
    def is_under_way(self) -> bool:
        """Whether the run has begun to make calls."""
        return self._scheduler is not None

    def close(self) -> None:
        """End all threads and close all services."""
        with closing(self.services):
            if self._scheduler is not None:
                self._scheduler.close()
            self._termination.end()


def _record_purchase(event: ReportEvent, stream: RecordStream) -> None:
    request, report_id = event.request, str(event.report_id)
    state = stream.partition_states[request.partition]
    if event.kind is EventKind.ABANDONED:
        state.forget(report_id)
        return
    state.record_purchase(
        PendingReport(report_id=report_id, window=request.window, digest=request.digest, is_repair=request.is_repair)
    )
