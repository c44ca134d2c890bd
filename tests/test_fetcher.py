"""The download of one report, asked of the fetcher itself: which link is used, and what is said of the file."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.clocks import VirtualClock
from support.scripted_api import ScriptedApi

from tap_flipkart_reports.purchasing.events import Delivery, EventKind
from tap_flipkart_reports.purchasing.fetcher import Fetcher
from tap_flipkart_reports.purchasing.limits import Limits
from tap_flipkart_reports.purchasing.links import STALE_LINK_SECONDS
from tap_flipkart_reports.purchasing.polling import JITTER, GenerationTimes
from tap_flipkart_reports.purchasing.ports import NoLedger
from tap_flipkart_reports.purchasing.requests import Reading, ReportRequest
from tap_flipkart_reports.purchasing.scheduler_state import SchedulerState
from tap_flipkart_reports.purchasing.tracked_report import TrackedReport
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 100.0
"""What the download of a file takes here."""


class WritingLedger(NoLedger):
    def __init__(self) -> None:
        self.written: list[tuple[Any, ...]] = []

    def completed(self, request: ReportRequest, *, expiry: datetime | None) -> None:  # noqa: ARG002 - the port's
        self.written.append(("completed", expiry))

    def downloaded(self, request: ReportRequest, *, size: int, sha256: str) -> None:  # noqa: ARG002 - the port's
        self.written.append(("downloaded", size, sha256))

    def released(self, request: ReportRequest) -> None:
        self.written.append(("released", request.window.first.day))


class Bench:
    """A fetcher whose downloads take 100 seconds, and which has made one."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock()
        self.ledger = WritingLedger()
        self.api = ScriptedApi(clock=self.clock, generation=lambda _seller, _identifier: 60.0)
        self.api.size = 1000
        self.api.on_download = lambda _report_id: self.clock.advance(SECONDS)
        self.state = SchedulerState(
            ledger=self.ledger,
            clock=self.clock,
            limits=Limits(),
            lock=threading.Condition(),
            generation_times={},
            ahead=True,
            max_downloads=2,
        )
        self.fetcher = Fetcher(api=self.api, state=self.state, folder=folder)
        self.fetcher.download(self.report(1))
        self.write()

    def report(self, number: int, *, dies_in: float | None = None, link_age: float = 0.0) -> TrackedReport:
        """One that is ready, with a link so old that dies so soon."""
        day = date(2026, 1, number)
        request = ReportRequest(
            stream="orders_report",
            identifier="orders_report",
            seller_id="acme",
            window=Window(day, day),
            parameters={},
            report_timeout=3600.0,
        )
        bought = self.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="c")
        report = TrackedReport(request=request, order=number, report_id=bought.report_id, is_claimed=True)
        report.location = self.api.location(bought.report_id)
        report.ready_at = self.clock.monotonic() - link_age
        report.expiry = None if dies_in is None else self.clock.now() + timedelta(seconds=dies_in)
        return report

    def write(self) -> None:
        """Make the writes that are due."""
        while (write := self.state.ledger_writes.next()) is not None:
            result = write.make()
            if write.then is not None:
                with self.state.lock:
                    write.then(result)

    def next_poll(self, after: float) -> TrackedReport | None:
        return self.state.queue.next_poll(self.clock.monotonic() + after)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_downloaded_file_is_reported_with_its_size_written_to_the_ledger_and_delivered(bench: Bench) -> None:
    report = bench.report(2)
    bench.fetcher.download(report)
    bench.write()
    assert bench.ledger.written[-1] == ("downloaded", 1000, "R-2")
    event = bench.state.drain_events()[-1]
    assert (event.kind, event.report_id, event.size) == (EventKind.DOWNLOADED, "R-2", 1000)
    delivery = report.outcome
    assert isinstance(delivery, Delivery)
    assert (delivery.report_id, delivery.size, delivery.sha256) == ("R-2", 1000, "R-2")
    assert delivery.path.read_text() == "R-2"
    assert bench.state.queue.bytes_waiting == 2000
    bench.fetcher.discard(delivery)
    assert bench.state.queue.bytes_waiting == 1000


@pytest.mark.parametrize("dies_in", [None, SECONDS, -1.0, 0.0])
def test_a_link_that_lives_long_enough_or_whose_expiry_has_passed_is_used(bench: Bench, dies_in: float | None) -> None:
    report = bench.report(2, dies_in=dies_in)
    bench.fetcher.download(report)
    assert bench.api.download_order[-1] == "R-2"
    assert not report.has_waited_for_link


@pytest.mark.parametrize("dies_in", [SECONDS - 1, 1.0])
def test_a_fresh_link_that_dies_too_soon_is_let_die_and_another_is_requested_a_second_later(
    bench: Bench, dies_in: float
) -> None:
    report = bench.report(2, dies_in=dies_in, link_age=STALE_LINK_SECONDS - 1)
    bench.fetcher.download(report)
    assert bench.api.download_order == ["R-1"]
    assert report.has_waited_for_link
    assert bench.next_poll(dies_in + 0.9) is None
    assert bench.next_poll(dies_in + 1) is report


def test_a_link_that_has_waited_is_requested_again_at_once_which_is_not_a_wait_for_its_end(bench: Bench) -> None:
    report = bench.report(2, dies_in=SECONDS - 1, link_age=STALE_LINK_SECONDS)
    bench.fetcher.download(report)
    assert bench.api.download_order == ["R-1"]
    assert not report.has_waited_for_link
    assert bench.next_poll(0.0) is report


def test_a_report_waits_for_the_end_of_a_link_once_whatever_comes_between(bench: Bench) -> None:
    report = bench.report(2, dies_in=SECONDS - 1, link_age=STALE_LINK_SECONDS)
    report.has_waited_for_link = True
    bench.fetcher.download(report)
    assert report.has_waited_for_link
    report.ready_at = bench.clock.monotonic()
    bench.fetcher.download(report)
    assert bench.api.download_order == ["R-1", "R-2"]


def test_a_report_that_is_ready_is_reported_with_the_seconds_it_took_and_its_links_end_is_written(bench: Bench) -> None:
    report = bench.report(2)
    report.correlation_id, report.in_progress = "c-2", True
    report.began("R-2", at=bench.clock.monotonic())
    expiry = bench.clock.now() + timedelta(hours=1)
    bench.api.expiry = lambda _report_id: expiry
    bench.clock.advance(90)
    bench.fetcher.poll(report)
    bench.write()
    event = bench.state.drain_events()[-1]
    assert (event.kind, event.seconds, event.pause) == (EventKind.COMPLETED, 90.0, 90.0)
    assert bench.ledger.written[-1] == ("completed", expiry)
    assert bench.state.generation_times["orders_report"].shortest == 90.0
    assert report.expiry == expiry


def test_a_report_whose_file_is_that_of_another_window_is_released(bench: Bench) -> None:
    bench.api.sha256 = lambda _report_id: "the same"
    first, second = bench.report(2), bench.report(3)
    for report in (first, second):
        bench.fetcher.download(report)
        bench.write()
        report.request = replace(report.request, rows_have_ids=True)
        report.finished("orders_report", Reading(rows=5))
        assert isinstance(report.outcome, Delivery)
        with bench.state.lock:
            bench.fetcher.check_file(report, report.outcome)
        bench.write()
    assert not isinstance(second.outcome, Delivery)
    assert bench.ledger.written[-1] == ("released", 3)
    assert ("released", 2) not in bench.ledger.written


def test_a_report_of_an_earlier_run_is_asked_about_without_regard_to_the_times_that_are_known(bench: Bench) -> None:
    """Nobody knows when it was bought."""
    bench.state.generation_times["orders_report"] = GenerationTimes(shortest=1000.0, typical=1000.0, seen=11)
    report = bench.report(2)
    report.began("R-2", at=bench.clock.monotonic())
    assert bench.fetcher.pause(report) == pytest.approx(5.0, rel=JITTER)
    report.correlation_id = "c-2"
    assert bench.fetcher.pause(report) == pytest.approx(800.0, rel=JITTER)
