"""One run: what its streams share, from the reports they want to what became of them."""

from __future__ import annotations

import json
import logging
import shutil
import weakref
from collections import defaultdict
from contextlib import closing, nullcontext
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.adapters.archive import Archive
from tap_flipkart_reports.adapters.processes import new_folder
from tap_flipkart_reports.exceptions import (
    ArchiveError,
    FileError,
    FlipkartReportsError,
    LedgerError,
    RowError,
)
from tap_flipkart_reports.purchasing.events import Change, Left
from tap_flipkart_reports.purchasing.requests import PendingReport
from tap_flipkart_reports.purchasing.scheduler import Scheduler
from tap_flipkart_reports.sync.metrics import log_change, log_totals
from tap_flipkart_reports.sync.progress import is_watched, live_table
from tap_flipkart_reports.sync.report_reader import Reading
from tap_flipkart_reports.sync.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.files.rows import RejectedRow
    from tap_flipkart_reports.purchasing.events import Delivery, ReportChange, Standing
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.streams import ReportStream
    from tap_flipkart_reports.sync.services import Services
    from tap_flipkart_reports.sync.wanted import Demand
    from tap_flipkart_reports.windows import Window

LOGGER = logging.getLogger(PACKAGE)

REJECTED_FOLDER = PACKAGE
"""The archive of rows that were passed over where there is none, below the working folder."""

MAX_WORKERS = 32
"""Threads that make calls; they mostly wait for the network."""

STOPPED = "the run was asked to end"


class Extraction:
    """What one run shares between its streams.

    Args:
        demand: what it wants.
        services: what it talks to.
        clock: where its time comes from.
        streams: all of the tap's.
        workers: threads that make calls; by default one more than reports in progress. 0 makes the calls where records
            are made.

    Attributes:
        left: windows that are left for the next run.
        failures: a sentence for each window that failed.
        summary: of what the run did.
        is_stopping: whether the run was asked to end.
    """

    def __init__(
        self,
        *,
        demand: Demand,
        services: Services,
        clock: Clock,
        streams: Sequence[ReportStream],
        workers: int | None = None,
    ) -> None:
        self.settings = demand.settings
        self.demand = demand
        self.services = services
        self.clock = clock
        self.left: list[Left] = []
        self.failures: list[str] = []
        self.summary = Summary()
        self.is_stopping = False
        self._streams = {stream.name: stream for stream in streams}
        self._max_workers = workers
        self._scheduler: Scheduler | None = None
        self._kept: set[str] = set()

    # Who gets them

    def scheduler_for(self, stream: ReportStream) -> Scheduler:
        """The run's scheduler, which knows the reports of all selected streams.

        Under a record limit (the SDK's dry runs) a stream gets one of its own, which triggers nothing ahead.
        """
        if stream.ABORT_AT_RECORD_COUNT is not None:
            requests = chain.from_iterable(self.demand.requests([stream]).values())
            return self._build_scheduler(requests, workers=0, ahead=False)
        if self._scheduler is None:
            self._scheduler = self._build_scheduler(self.demand.all_requests(), workers=self._workers(), ahead=True)
        return self._scheduler

    def _workers(self) -> int:
        """One for each report in progress, and one for short calls while these download."""
        if self._max_workers is not None:
            return self._max_workers
        return min(self.settings.max_concurrent_reports, MAX_WORKERS) + 1

    def _build_scheduler(self, requests: Iterable[ReportRequest], *, workers: int, ahead: bool) -> Scheduler:
        folder = new_folder(f"{PACKAGE}-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        scheduler = Scheduler(
            api=self.services.api,
            clock=self.clock,
            limits=self.demand.limits(),
            folder=folder,
            on_changes=self._book,
            ledger=self.services.ledger,
            learned=self.demand.learned(),
            workers=workers,
            ahead=ahead,
        )
        scheduler.submit(requests)
        return scheduler

    # What is kept of them

    def keep(self, delivery: Delivery, headers: Callable[[], Mapping[str, Sequence[str]]]) -> None:
        """Put a downloaded file into the archive, once, whatever the number of streams that read it.

        Args:
            delivery: the file.
            headers: tells the headers found in it, by table; all its sheets have to be looked at for that.

        Raises:
            ArchiveError: it cannot be written.
        """
        if self.services.archive is not None and delivery.report_id not in self._kept:
            self.services.archive.keep(delivery, headers())
            self._kept.add(delivery.report_id)

    def keep_rejected(self, stream: str, delivery: Delivery, rows: Sequence[RejectedRow]) -> str:
        """Keep rows that a stream has passed over, in the archive or else in a folder where the tap runs.

        Returns:
            Where they are.

        Raises:
            ArchiveError: they cannot be written; the window fails then.
        """
        archive = self.services.archive or Archive(REJECTED_FOLDER, clock=self.clock)
        return archive.keep_rejected(
            delivery, stream, (json.dumps(asdict(row), ensure_ascii=False).encode() + b"\n" for row in rows)
        )

    def _book(self, changes: Sequence[ReportChange]) -> None:
        """Reports that are bought and not yet read travel in the state, so that a crash does not lose them."""
        for change in changes:
            self.summary.changed(change)
            log_change(change)
        booked = [change for change in changes if change.change in {Change.TRIGGERED, Change.ABANDONED}]
        for change in booked:
            for name in change.request.readers:
                self._book_bought(change, self._streams[name])
        # With a ledger the ids are safe already, and the state of many sellers is too long to be written that often.
        if booked and self.services.ledger is None:
            self._streams[booked[-1].request.readers[0]].emit_state()

    @staticmethod
    def _book_bought(change: ReportChange, stream: ReportStream) -> None:
        request, report_id = change.request, str(change.report_id)
        context = {"seller_id": request.seller_id}
        if request.warehouse_id is not None:
            context["warehouse_id"] = request.warehouse_id
        if change.change is Change.ABANDONED:
            stream.forget(context, report_id)
            return
        stream.book_bought(
            context,
            PendingReport(
                report_id=report_id, window=request.window, digest=request.digest, is_repair=request.is_repair
            ),
        )

    # Their rows

    def columns_of(
        self, stream: ReportStream, context: dict[str, Any], *, as_json: bool
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Typed columns of some rows after some rows, of every window of a partition; windows are booked on the way.

        A window that fails stops neither the others nor the run.

        Args:
            stream: the stream.
            context: the partition.
            as_json: whether the values are only written as JSON.

        Raises:
            LedgerError: purchases cannot be booked any more.
        """
        scheduler = self.scheduler_for(stream)
        requests = self.demand.requests_of(stream, context)
        owed = None if all(request.is_repair for request in requests) else self.demand.owed(stream, context)
        for request in requests:
            try:
                taken = scheduler.take(request)
            except LedgerError:
                raise  # of no window: nothing more is bought
            except FlipkartReportsError as error:
                self._fail(request.named(stream.name), request, error)
                continue
            if isinstance(taken, Left):
                self._leave(taken, stream, context)
                continue
            reading = Reading(stream=stream, delivery=taken, extraction=self)
            try:
                for columns in reading.columns(as_json=as_json):
                    yield columns
                    scheduler.tell()  # what is bought meanwhile travels in the state, however long the file
            except (FileError, RowError, ArchiveError) as error:
                # The report stays bought: the next run downloads it again, for nothing, and perhaps the settings then
                # allow for what is wrong with it, or a newer tap can read it. To buy it anew is for a person to decide.
                cure = "; the next run reads it again, for nothing, unless given_up_reports names it"
                self._fail(reading.name, request, error, cure=cure)
            else:
                if reading.is_cut_short:
                    self._leave(Left(request=request, report_id=taken.report_id, reason=STOPPED), stream, context)
                else:
                    self._finish(reading, stream, context, owed=owed, scheduler=scheduler)
            finally:
                scheduler.release(taken, stream=stream.name)

    def _finish(
        self,
        reading: Reading,
        stream: ReportStream,
        context: dict[str, Any],
        *,
        owed: Window | None,
        scheduler: Scheduler,
    ) -> None:
        delivery, request = reading.delivery, reading.delivery.request
        stream.book_finished(
            context,
            request.window,
            report_id=delivery.report_id,
            owed=None if request.is_repair else owed,
            pace=scheduler.learned.get(request.identifier),
        )
        rows, rejected = reading.counts.rows, reading.counts.skipped
        scheduler.finish(delivery, stream=stream.name, rows=rows, rejected=rejected, fingerprints=reading.fingerprints)
        self.summary.finished(request, rows=rows, rejected=rejected)
        stream.emit_state()

    def _leave(self, left: Left, stream: ReportStream, context: dict[str, Any]) -> None:
        if left.is_unbought and not left.request.is_repair:
            stream.book_unbought(context, left.request.window)
        self.left.append(left)
        self.summary.left(left)

    def _fail(self, name: str, request: ReportRequest, error: FlipkartReportsError, *, cure: str = "") -> None:
        failure = f"{name}: {error}{cure}"
        LOGGER.error("%s", failure)
        self.failures.append(failure)
        self.summary.failed(request)

    def tidy(self) -> None:
        """Let go of what the archive need not keep any longer.

        Raises:
            ArchiveError: it cannot be removed.
        """
        if self.services.archive is not None and self.settings.report_archive_days is not None:
            self.services.archive.forget_older(self.settings.report_archive_days)

    def shown(self) -> AbstractContextManager[None]:
        """A live table of the reports where somebody watches."""
        return live_table(self._standings) if is_watched() else nullcontext()

    def _standings(self) -> tuple[list[Standing], int]:
        return self._scheduler.standings() if self._scheduler is not None else ([], 0)

    def give_up_reports(self) -> None:
        """Forget the reports that the settings give up, wherever they are remembered."""
        for report_id in self.settings.given_up_reports:
            for stream in self.demand.selected_streams():
                stream.give_up(report_id)
            if self.services.ledger is not None:
                self.services.ledger.give_up(report_id)

    def tell_ending(self) -> None:
        """Say what came of the run, in its last words and in its metrics."""
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for left in self.left:
            by_reason[left.reason].append(f"{left.request}" + (f" (report {left.report_id})" if left.report_id else ""))
        for reason, names in by_reason.items():
            LOGGER.warning("Left for the next run, because %s: %s.", reason, "; ".join(names))
        log_totals(self.summary)
        for line in self.summary.lines():
            LOGGER.info("%s", line)

    def stop(self) -> None:
        """Ask the run to end in order: what is bought is pending, and nothing more is bought."""
        self.is_stopping = True
        if self._scheduler is not None:
            self._scheduler.stop(STOPPED)

    @property
    def is_under_way(self) -> bool:
        """Whether there are calls that ending at once would cut off."""
        return self._scheduler is not None

    def close(self) -> None:
        """End what runs beside the main thread; nothing is lost, whatever is pending is in the state."""
        with closing(self.services):
            if self._scheduler is not None:
                self._scheduler.close()
