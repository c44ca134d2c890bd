"""A line a minute while reports are awaited."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest
from support.clocks import VirtualClock

from tap_flipkart_reports.purchasing.events import RunProgress
from tap_flipkart_reports.sync.heartbeat import INTERVAL_SECONDS, heartbeat

if TYPE_CHECKING:
    from support.bench import Bench


def test_a_run_that_awaits_reports_says_once_a_minute_how_far_it_is(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="tap-flipkart-reports")
    bench.restart(generation_seconds=(600.0, 600.0))
    tap = bench.tap("orders_report", window_days=10)
    run = tap.current_run
    scheduler = run.scheduler_over(list(run.wanted.all_requests()), api=run.services.api)
    told = threading.Event()

    def progress() -> RunProgress:
        try:
            return scheduler.progress()
        finally:
            told.set()

    request = next(iter(run.wanted.all_requests()))
    clock = VirtualClock()
    with heartbeat(progress, clock=clock):
        taking = threading.Thread(target=scheduler.take, args=[request])
        taking.start()
        while not scheduler.progress().reports:
            pass
        clock.advance(INTERVAL_SECONDS)
        assert told.wait(10)
        taking.join(30)
    tap.close()
    lines = [message for message in caplog.messages if " windows are done; " in message]
    assert len(lines) == 1
    assert lines[0].startswith("0 of 2 windows are done; ")
    assert "in progress, the oldest for " in lines[0]


@pytest.mark.parametrize(
    "progress", [None, RunProgress(reports=[], waiting=2, done=0, total=2)], ids=["before the first", "nothing bought"]
)
def test_nothing_is_said_when_nothing_is_awaited(
    caplog: pytest.LogCaptureFixture, progress: RunProgress | None
) -> None:
    caplog.set_level(logging.INFO, logger="tap-flipkart-reports")
    asked = threading.Event()

    def ask() -> RunProgress | None:
        asked.set()
        return progress

    clock = VirtualClock()
    with heartbeat(ask, clock=clock):
        while not asked.is_set():
            clock.advance(INTERVAL_SECONDS)
    assert caplog.messages == []
