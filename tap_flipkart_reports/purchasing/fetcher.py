"""Getting a report that is bought: detail calls until it is ready, and the download of its file."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, cast

from tap_flipkart_reports.exceptions import AuthenticationError, CallError, MixedUpReportError, TokenStoreError
from tap_flipkart_reports.purchasing import outcomes
from tap_flipkart_reports.purchasing.bookings import Urgency
from tap_flipkart_reports.purchasing.events import Delivery, EventKind
from tap_flipkart_reports.purchasing.links import DownloadSpeeds, seconds_to_new_link
from tap_flipkart_reports.purchasing.polling import GenerationTimes, poll_pause
from tap_flipkart_reports.purchasing.tracked_report import NO_TROUBLE, Stage, TrackedReport

if TYPE_CHECKING:
    from pathlib import Path

    from tap_flipkart_reports.purchasing.ports import DownloadedFile, ReportApi
    from tap_flipkart_reports.purchasing.records import Records
    from tap_flipkart_reports.purchasing.requests import PurchaseStatus

LOGGER = logging.getLogger("tap-flipkart-reports.scheduler")


class Fetcher:
    """Asks about reports, and fetches their files.

    Args:
        api: the detail call and the download.
        records: what is kept of reports.
        folder: where files wait until they are taken.
    """

    def __init__(self, *, api: ReportApi, records: Records, folder: Path) -> None:
        self._api = api
        self._records = records
        self._folder = folder
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._speeds = DownloadSpeeds()

    # Poll

    def poll(self, report: TrackedReport) -> None:
        """Ask how far a report is."""
        request = report.request
        now = self._records.clock.monotonic()
        report.polled_at, report.pause = now, now - max(report.polled_at, report.triggered_at)
        step: outcomes.Step
        try:
            detail = self._api.detail(seller_id=request.seller_id, report_id=cast("str", report.report_id))
        except (CallError, AuthenticationError, TokenStoreError) as error:
            now = self._records.clock.monotonic()
            step = outcomes.after_refused_detail(report, error, now=now, pause=self.pause(report))
        else:
            now = self._records.clock.monotonic()
            step = outcomes.after_detail(report, detail, now=now, pause=self.pause(report))
            word = outcomes.odd_word(detail)
            if word is not None and word not in report.odd_words:
                report.odd_words.add(word)
                LOGGER.warning("%s: status %r is not documented; taken as still running.", report, word)
        with self._records.lock:
            self._apply(report, step)

    def pause(self, report: TrackedReport) -> float:
        """Seconds until a report is asked about again."""
        return poll_pause(
            waited=self._records.clock.monotonic() - report.triggered_at,
            learned=self._records.generation_times.get(report.request.identifier) if report.correlation_id else None,
            poll_interval=self._records.limits.poll_interval,
            poll_max_interval=self._records.limits.poll_max_interval,
            rng=self._rng,
        )

    # Download

    def download(self, report: TrackedReport) -> None:
        """Fetch a report's file, unless its link would die meanwhile."""
        lifetime = None if report.expiry is None else (report.expiry - self._records.clock.now()).total_seconds()
        pause = seconds_to_new_link(
            lifetime=lifetime,
            waited=self._records.clock.monotonic() - report.ready_at,
            expected=self._speeds.expected(report.request.identifier),
            has_waited=report.has_waited_for_link,
        )
        try:
            if pause is None:
                self._fetch(report)
                return
            LOGGER.info("%s: its link would expire before the file has arrived; asking for a new one.", report)
            with self._records.lock:
                if pause:
                    report.has_waited_for_link = True
                self._records.queue.poll_at(report, self._records.clock.monotonic() + pause)
        finally:
            with self._records.lock:
                self._records.queue.downloaded()

    def _fetch(self, report: TrackedReport) -> None:
        request, report_id = report.request, cast("str", report.report_id)
        path = self._folder / f"{report.order}-{report.attempts}.report"
        began = self._records.clock.monotonic()
        try:
            file = self._api.download(
                seller_id=request.seller_id, report_id=report_id, location=cast("str", report.location), path=path
            )
        except (CallError, AuthenticationError, TokenStoreError) as error:
            now = self._records.clock.monotonic()
            report.undelivered_since = min(report.undelivered_since, now)
            step = outcomes.after_refused_download(
                report, error, now=now, poll_interval=self._records.limits.poll_interval
            )
            with self._records.lock:
                self._apply(report, step)
            return
        with self._records.lock:
            self._speeds.saw(request.identifier, size=file.size, seconds=self._records.clock.monotonic() - began)
            self._downloaded(report, file, path)

    def _downloaded(self, report: TrackedReport, file: DownloadedFile, path: Path) -> None:
        request = report.request
        delivery = Delivery(
            request=request, report_id=cast("str", report.report_id), path=path, size=file.size, sha256=file.sha256
        )
        self._records.record_event(report, EventKind.DOWNLOADED, size=file.size)
        if report.is_settled:
            return
        report.stage = Stage.BOOKING
        self._records.queue.bytes_waiting += file.size

        def then(_nothing: object) -> None:
            self._records.settle(report, delivery)
            if report.outcome is not delivery:  # the run was asked to end meanwhile
                self.discard(delivery)

        self._records.book(
            Urgency.FATE,
            lambda: self._records.ledger.downloaded(request, size=file.size, sha256=file.sha256),
            then,
        )

    def discard(self, delivery: Delivery) -> None:
        """Remove a file that nobody reads, or that all have read."""
        self._records.queue.bytes_waiting -= delivery.size
        delivery.path.unlink(missing_ok=True)

    def check_file(self, report: TrackedReport, delivery: Delivery) -> None:
        """Refuse a file whose very bytes were read as those of another window; with the lock held."""
        if (owner := self._records.ownership.of_file(delivery.sha256, report)) is not None:
            report.outcome = MixedUpReportError(f"its file is byte for byte that of {owner}: nothing is read from it")
            self.discard(delivery)
            if report.is_claimed:
                self._records.book(Urgency.RELEASE, lambda: self._records.ledger.released(report.request))

    # Steps, all with the lock held

    def _apply(self, report: TrackedReport, step: outcomes.Step) -> None:
        if report.is_settled:
            return
        if isinstance(step, outcomes.Download):
            self._completed(report, step)
        elif isinstance(step, outcomes.PollAgain):
            report.detail_trouble = step.detail_trouble
            report.link_trouble = step.link_trouble or report.link_trouble
            if step.words:
                LOGGER.warning("%s: %s; asking again in %.0f s.", report, step.words, step.after)
            self._records.queue.poll_at(report, self._records.clock.monotonic() + step.after)
        elif isinstance(step, outcomes.Defer):
            self._records.defer_by(report, step)
        elif isinstance(step, outcomes.BuyAgain):
            self._give_up(report, step)
            report.is_last = report.is_last or step.is_last
            self._records.trigger_again(report, step.error)
        else:
            if step.is_gone:
                self._give_up(report, step)
            elif step.status is not None:
                self._end(report, step.status)
            self._records.settle(report, step.error)

    def _completed(self, report: TrackedReport, step: outcomes.Download) -> None:
        request = report.request
        if (owner := self._records.ownership.of_link(step.location, request)) is not None:
            self._records.settle(
                report, MixedUpReportError(f"its download link belongs to {owner}: nothing is read from it")
            )
            return
        report.location, report.expiry, report.detail_trouble = step.location, step.expiry, NO_TROUBLE
        self._records.book(Urgency.FATE, lambda: self._records.ledger.completed(request, expiry=step.expiry))
        seconds = None
        if report.in_progress:
            self._records.queue.free_slot(report)
            if report.correlation_id is not None:
                seconds = self._records.clock.monotonic() - report.triggered_at
                known = self._records.generation_times.get(request.identifier)
                times = known.with_seen(seconds) if known else GenerationTimes.first(seconds)
                self._records.generation_times[request.identifier] = times
        self._records.record_event(report, EventKind.COMPLETED, seconds=seconds, pause=report.pause)
        report.ready_at = self._records.clock.monotonic()
        self._records.queue.download(report, dies_at=step.expiry.timestamp() if step.expiry else float("inf"))

    def _give_up(self, report: TrackedReport, step: outcomes.BuyAgain | outcomes.Fail) -> None:
        self._records.queue.free_slot(report)
        if step.status is not None:
            self._end(report, step.status)
        self._records.record_event(report, EventKind.ABANDONED)
        report.is_claimed = False

    def _end(self, report: TrackedReport, status: PurchaseStatus) -> None:
        request, report_id = report.request, cast("str", report.report_id)
        self._records.book(
            Urgency.FATE, lambda: self._records.ledger.ended(request, report_id=report_id, status=status)
        )
