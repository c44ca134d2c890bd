"""Getting a bought report: poll it until it is ready, then download its file."""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING, cast

from tap_flipkart_reports.exceptions import AuthenticationError, CallError, MixedUpReportError, TokenStoreError
from tap_flipkart_reports.purchasing import outcomes
from tap_flipkart_reports.purchasing.events import Delivery, EventKind
from tap_flipkart_reports.purchasing.ledger_writes import Urgency
from tap_flipkart_reports.purchasing.links import DownloadSpeeds, seconds_to_new_link
from tap_flipkart_reports.purchasing.polling import GenerationTimes, poll_pause
from tap_flipkart_reports.purchasing.tracked_report import NO_TROUBLE, Stage, TrackedReport

if TYPE_CHECKING:
    from pathlib import Path

    from tap_flipkart_reports.purchasing.ports import DownloadedFile, ReportApi
    from tap_flipkart_reports.purchasing.requests import PurchaseStatus
    from tap_flipkart_reports.purchasing.scheduler_state import SchedulerState

LOGGER = logging.getLogger("tap-flipkart-reports.scheduler")


class Fetcher:
    """Polls reports and downloads their files.

    Args:
        api: the detail call and the download.
        state: the state that all threads of the scheduler share.
        folder: where files are kept until they are read.
    """

    def __init__(self, *, api: ReportApi, state: SchedulerState, folder: Path) -> None:
        self._api = api
        self._state = state
        self._folder = folder
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._speeds = DownloadSpeeds()

    # Poll

    def poll(self, report: TrackedReport) -> None:
        """Make one detail call for a report."""
        request = report.request
        now = self._state.clock.monotonic()
        report.polled_at, report.pause = now, now - max(report.polled_at, report.triggered_at)
        step: outcomes.Step
        try:
            detail = self._api.detail(seller_id=request.seller_id, report_id=cast("str", report.report_id))
        except (CallError, AuthenticationError, TokenStoreError) as error:
            now = self._state.clock.monotonic()
            step = outcomes.after_refused_detail(report, error, now=now, pause=self.pause(report))
        else:
            now = self._state.clock.monotonic()
            step = outcomes.after_detail(report, detail, now=now, pause=self.pause(report))
            word = outcomes.undocumented_status(detail)
            if word is not None and word not in report.logged_statuses:
                report.logged_statuses.add(word)
                LOGGER.warning("%s: status %r is not documented; taken as still running.", report, word)
        with self._state.lock:
            self._apply(report, step)

    def pause(self, report: TrackedReport) -> float:
        """Seconds until the next detail call for a report."""
        return poll_pause(
            waited=self._state.clock.monotonic() - report.triggered_at,
            known_times=self._state.generation_times.get(report.request.identifier) if report.correlation_id else None,
            poll_interval=self._state.limits.poll_interval,
            poll_max_interval=self._state.limits.poll_max_interval,
            rng=self._rng,
        )

    # FetchFile

    def download(self, report: TrackedReport) -> None:
        """FetchFile a report's file, or ask for a new link first if this one would expire during the download."""
        lifetime = None if report.expiry is None else (report.expiry - self._state.clock.now()).total_seconds()
        pause = seconds_to_new_link(
            lifetime=lifetime,
            waited=self._state.clock.monotonic() - report.ready_at,
            expected=self._speeds.expected(report.request.identifier),
            has_waited=report.has_waited_for_link,
        )
        try:
            if pause is None:
                self._fetch(report)
                return
            LOGGER.info("%s: its link would expire before the file has arrived; asking for a new one.", report)
            with self._state.lock:
                if pause:
                    report.has_waited_for_link = True
                self._state.queue.poll_at(report, self._state.clock.monotonic() + pause)
        finally:
            with self._state.lock:
                self._state.queue.downloaded()

    def _fetch(self, report: TrackedReport) -> None:
        request, report_id = report.request, cast("str", report.report_id)
        path = self._folder / f"{report.order}-{report.attempts}.report"
        began = self._state.clock.monotonic()
        try:
            file = self._api.download(
                seller_id=request.seller_id, report_id=report_id, location=cast("str", report.location), path=path
            )
        except (CallError, AuthenticationError, TokenStoreError) as error:
            now = self._state.clock.monotonic()
            report.undelivered_since = min(report.undelivered_since, now)
            step = outcomes.after_refused_download(
                report, error, now=now, poll_interval=self._state.limits.poll_interval
            )
            with self._state.lock:
                self._apply(report, step)
            return
        with self._state.lock:
            self._speeds.record(request.identifier, size=file.size, seconds=self._state.clock.monotonic() - began)
            self._downloaded(report, file, path)

    def _downloaded(self, report: TrackedReport, file: DownloadedFile, path: Path) -> None:
        request = report.request
        delivery = Delivery(
            request=request, report_id=cast("str", report.report_id), path=path, size=file.size, sha256=file.sha256
        )
        self._state.record_event(report, EventKind.DOWNLOADED, size=file.size)
        if report.is_done:
            return
        report.stage = Stage.RECORDING
        self._state.queue.bytes_waiting += file.size

        def then(_nothing: object) -> None:
            self._state.set_outcome(report, delivery)
            if report.outcome is not delivery:  # the run was asked to stop in the meantime
                self.discard(delivery)

        self._state.write_to_ledger(
            Urgency.OUTCOME,
            lambda: self._state.ledger.downloaded(request, size=file.size, sha256=file.sha256),
            then,
        )

    def discard(self, delivery: Delivery) -> None:
        """Delete a file that is no longer needed."""
        self._state.queue.bytes_waiting -= delivery.size
        delivery.path.unlink(missing_ok=True)

    def check_file(self, report: TrackedReport, delivery: Delivery) -> None:
        """Refuse a file that is identical to a file of another window. The caller holds the lock."""
        if (owner := self._state.ownership.owner_of_file(delivery.sha256, report)) is not None:
            report.outcome = MixedUpReportError(f"its file is byte for byte that of {owner}: nothing is read from it")
            self.discard(delivery)
            if report.is_claimed:
                self._state.write_to_ledger(Urgency.RELEASE, lambda: self._state.ledger.released(report.request))

    # Steps; the caller holds the lock

    def _apply(self, report: TrackedReport, step: outcomes.Step) -> None:
        if report.is_done:
            return
        if isinstance(step, outcomes.FetchFile):
            self._completed(report, step)
        elif isinstance(step, outcomes.PollAgain):
            report.detail_trouble = step.detail_trouble
            report.link_trouble = step.link_trouble or report.link_trouble
            if step.words:
                LOGGER.warning("%s: %s; asking again in %.0f s.", report, step.words, step.after)
            self._state.queue.poll_at(report, self._state.clock.monotonic() + step.after)
        elif isinstance(step, outcomes.Defer):
            self._state.apply_deferral(report, step)
        elif isinstance(step, outcomes.BuyAgain):
            self._abandon(report, step)
            report.is_last_purchase = report.is_last_purchase or step.is_last_purchase
            self._state.trigger_again(report, step.error)
        else:
            if step.is_gone:
                self._abandon(report, step)
            elif step.status is not None:
                self._record_end(report, step.status)
            self._state.set_outcome(report, step.error)

    def _completed(self, report: TrackedReport, step: outcomes.FetchFile) -> None:
        request = report.request
        if (owner := self._state.ownership.owner_of_link(step.location, request)) is not None:
            self._state.set_outcome(
                report, MixedUpReportError(f"its download link belongs to {owner}: nothing is read from it")
            )
            return
        report.location, report.expiry, report.detail_trouble = step.location, step.expiry, NO_TROUBLE
        self._state.write_to_ledger(Urgency.OUTCOME, lambda: self._state.ledger.completed(request, expiry=step.expiry))
        seconds = None
        if report.in_progress:
            self._state.queue.free_slot(report)
            if report.correlation_id is not None:
                seconds = self._state.clock.monotonic() - report.triggered_at
                known = self._state.generation_times.get(request.identifier)
                times = known.with_seen(seconds) if known else GenerationTimes.first(seconds)
                self._state.generation_times[request.identifier] = times
        self._state.record_event(report, EventKind.COMPLETED, seconds=seconds, pause=report.pause)
        report.ready_at = self._state.clock.monotonic()
        self._state.queue.download(report, dies_at=step.expiry.timestamp() if step.expiry else float("inf"))

    def _abandon(self, report: TrackedReport, step: outcomes.BuyAgain | outcomes.Fail) -> None:
        self._state.queue.free_slot(report)
        if step.status is not None:
            self._record_end(report, step.status)
        self._state.record_event(report, EventKind.ABANDONED)
        report.is_claimed = False

    def _record_end(self, report: TrackedReport, status: PurchaseStatus) -> None:
        request, report_id = report.request, cast("str", report.report_id)
        self._state.write_to_ledger(
            Urgency.OUTCOME, lambda: self._state.ledger.ended(request, report_id=report_id, status=status)
        )
