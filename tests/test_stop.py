"""A stop is heard while a call hangs or sits out a pause: `docker stop` kills after ten seconds."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.clocks import START
from support.scripted_server import Reply, ScriptedServer

from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.purchasing.run_end import SECONDS_TO_JOIN, SECONDS_TO_STOP

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.scripted_server import Asked

TAP = Path(sys.executable).with_name("tap-flipkart-reports")
SECONDS_TO_BE_KILLED = 10


def test_the_time_for_calls_under_way_leaves_some_for_the_state() -> None:
    assert SECONDS_TO_STOP + SECONDS_TO_JOIN <= SECONDS_TO_BE_KILLED - 2


def _hangs(gate: threading.Event) -> Callable[[Asked], Reply]:
    def reply(asked: Asked) -> Reply:
        is_token = "token" in asked.target
        return Reply(body={"access_token": "access-token-1234"}) if is_token else Reply(gate=gate, drop=True)

    return reply


def _asks_to_wait(_gate: threading.Event) -> Callable[[Asked], Reply]:
    def reply(asked: Asked) -> Reply:
        if "token" in asked.target:
            return Reply(body={"access_token": "access-token-1234"})
        if asked.method == "POST":
            return Reply(body={"report_id": "R-1"})
        return Reply(status=429, headers={"Retry-After": "100"})

    return reply


@pytest.mark.integration
@pytest.mark.parametrize(("script", "calls", "is_bought"), [(_hangs, 2, False), (_asks_to_wait, 3, True)])
def test_a_stop_ends_a_run_whose_calls_hang_or_wait(
    script: Callable[[threading.Event], Callable[[Asked], Reply]], calls: int, *, is_bought: bool, tmp_path: Path
) -> None:
    gate, clock = threading.Event(), SystemClock()
    with ScriptedServer() as server:
        server.default = script(gate)
        config = {
            "api_url": server.url,
            "client_id": "app",
            "client_secret": "app-secret",
            "refresh_token": "refresh-token-1234",
            "start_date": START.date().replace(day=1).isoformat(),
            "max_unconfirmed_reports": 1000,
        }
        (tmp_path / "config.json").write_text(json.dumps(config))
        with subprocess.Popen(
            [TAP, "--config", tmp_path / "config.json"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            server.wait_asked(calls)
            asked_at = clock.monotonic()
            process.send_signal(signal.SIGTERM)
            out, log = process.communicate(timeout=60)
            seconds = clock.monotonic() - asked_at
        gate.set()
    assert seconds < SECONDS_TO_BE_KILLED
    assert "Traceback" not in log
    assert "Left for the next run" in log
    states = [line for line in out.splitlines() if json.loads(line)["type"] == "STATE"]
    assert any("R-1" in line for line in states) == is_bought
