"""What runs beside the threads that buy, and the locks that it must not wait for."""

from __future__ import annotations

import json
import logging
import os
import pty
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.exceptions import WorkerError
from tap_flipkart_reports.purchasing.events import RunProgress
from tap_flipkart_reports.sync.heartbeat import heartbeat
from tap_flipkart_reports.sync.progress import live_table

if TYPE_CHECKING:
    from support.bench import Bench

SECONDS = 20.0
"""At most, where it goes wrong."""


def test_the_live_table_holds_no_lock_that_the_log_needs_while_it_asks_for_the_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pty.openpty()
    written: list[bool] = []
    asked_twice = threading.Event()
    with os.fdopen(theirs, "w") as terminal, os.fdopen(ours, "rb"):
        monkeypatch.setattr(sys, "stderr", terminal)
        handler = logging.StreamHandler()
        logger = logging.getLogger()
        logger.addHandler(handler)

        def progress() -> RunProgress:
            line = threading.Thread(target=logger.error, args=["of a scheduler that holds its lock"], daemon=True)
            line.start()
            line.join(SECONDS / 2)
            written.append(not line.is_alive())
            if len(written) > 1:
                asked_twice.set()
            return RunProgress(reports=[], waiting=1, done=0, total=1)

        try:
            with live_table(progress, clock=SystemClock()):
                assert asked_twice.wait(SECONDS)
        finally:
            logger.removeHandler(handler)
    assert all(written)


class Interrupted(logging.Handler):
    """A log whose first line of the main thread is interrupted by a signal, once another thread waits for the log."""

    def __init__(self) -> None:
        super().__init__()
        self._is_waited_for = threading.Event()
        self.is_interrupted = False

    def handle(self, record: logging.LogRecord) -> bool:
        is_event = hasattr(record, "change")  # which a scheduler logs while it holds its lock
        if is_event and self.is_interrupted and threading.current_thread() is not threading.main_thread():
            self._is_waited_for.set()
        return bool(super().handle(record))

    def emit(self, record: logging.LogRecord) -> None:
        is_metric = record.getMessage().startswith("METRIC") and "generation_time" in record.getMessage()
        if is_metric and not self.is_interrupted:
            self.is_interrupted = True
            assert self._is_waited_for.wait(SECONDS)
            signal.raise_signal(signal.SIGTERM)


def test_a_signal_in_the_middle_of_a_line_of_the_log_ends_the_run_in_order(
    bench: Bench, caplog: pytest.LogCaptureFixture, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    caplog.set_level(logging.INFO)
    bench.restart(generation_seconds=(60.0, 6000.0))
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    tap = bench.tap("orders_report", window_days=1, max_concurrent_reports=10)
    tap.workers = 3
    handler = Interrupted()
    logging.getLogger().addHandler(handler)
    try:
        tap.run()
    finally:
        logging.getLogger().removeHandler(handler)
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert handler.is_interrupted
    assert sum("Asked to end" in message for message in caplog.messages) == 1
    left = tap.current_run.deferred
    assert left
    state = json.loads(capsysbinary.readouterr().out.splitlines()[-1])
    assert state["type"] == "STATE"
    bought = {trigger.report_id for trigger in bench.simulator.triggers}
    assert {one.report_id for one in left} - {None} <= bought
    assert all(report_id in json.dumps(state) for one in left if (report_id := one.report_id) is not None)


def test_without_room_for_a_thread_the_run_ends_before_anything_is_bought(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    tap = bench.tap("orders_report")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        with (
            pytest.raises(WorkerError, match="no room for another thread: nothing was bought"),
            heartbeat(lambda: None, clock=bench.clock),
        ):
            pass
        with pytest.raises(WorkerError, match="no room for another thread: nothing was bought"):
            tap.current_run.scheduler_over([], api=tap.current_run.services.api)
    tap.close()
    assert bench.bought() == []
