"""A line a minute while reports are awaited."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from support.clocks import VirtualClock

from tap_flipkart_reports.sync.heartbeat import SECONDS, heartbeat

if TYPE_CHECKING:
    import pytest
    from support.bench import Bench

    from tap_flipkart_reports.purchasing.events import RunProgress


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
        clock.advance(SECONDS)
        assert told.wait(10)
        taking.join(30)
    tap.close()
    lines = [message for message in caplog.messages if " windows are done; " in message]
    assert len(lines) == 1
    assert lines[0].startswith("0 of 2 windows are done; ")
    assert "in progress, the oldest for " in lines[0]


def test_nothing_is_said_within_the_first_minute_or_when_nothing_is_awaited(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tap-flipkart-reports")
    clock = VirtualClock()
    with heartbeat(lambda: None, clock=clock):
        clock.advance(SECONDS / 2)
        clock.advance(SECONDS)
    assert caplog.messages == []
