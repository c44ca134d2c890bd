"""The ledger on a real SQLite file and, where there is one, a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from clocks import VirtualClock

from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.exceptions import LedgerError
from tap_flipkart_reports.ledger import LEASE_SECONDS, Ledger
from tap_flipkart_reports.reports import Claim, ReportRequest
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GRANTED = Claim()


def request(number: int = 0, *, report_id: str | None = None) -> ReportRequest:
    day = date(2026, 1, 1) + timedelta(days=number)
    return ReportRequest(
        stream="orders_report",
        identifier="orders_report",
        seller_id="acme",
        window=Window(day, day),
        parameters={"from_date": str(day)},
        report_timeout=60.0,
        report_id=report_id,
    )


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "ledger.db")


class IdleClock(VirtualClock):
    """Lets the renewing thread wait for the ledger's end, so that only the test moves time."""

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        assert seconds is not None
        condition.wait()


@pytest.fixture
def opened(place: str) -> Iterator[Callable[[VirtualClock], Ledger]]:
    ledgers: list[Ledger] = []

    def open_(clock: VirtualClock) -> Ledger:
        ledgers.append(Ledger(place, clock=clock))
        return ledgers[-1]

    yield open_
    for ledger in ledgers:
        ledger.close()


def statuses(place: str) -> list[tuple[str, int | None, str | None]]:
    engine = sa.create_engine(f"sqlite:///{place}")
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select status, live, report_id from flipkart_reports order by rowid")).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def test_a_window_is_granted_once_and_the_second_worker_is_told_who_has_it(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    clock = IdleClock()
    first, second = opened(clock), opened(clock)
    assert first.claim(request(), correlation_id="c-1") == GRANTED
    assert second.claim(request(), correlation_id="c-2").held_by is not None
    assert second.claim(request(1), correlation_id="c-3") == GRANTED


def test_the_intent_is_on_disk_before_the_trigger_is_made(opened: Callable[[VirtualClock], Ledger], place: str) -> None:
    opened(IdleClock()).claim(request(), correlation_id="c-1")
    assert statuses(place) == [("INTENT", 1, None)]


def test_a_refused_trigger_leaves_no_trace(opened: Callable[[VirtualClock], Ledger], place: str) -> None:
    ledger = opened(IdleClock())
    ledger.claim(request(), correlation_id="c-1")
    ledger.not_bought(request())
    assert statuses(place) == []
    assert ledger.claim(request(), correlation_id="c-2") == GRANTED


def test_an_unfinished_report_is_adopted_by_the_next_run(opened: Callable[[VirtualClock], Ledger]) -> None:
    clock = IdleClock()
    first = opened(clock)
    first.claim(request(), correlation_id="c-1")
    first.bought(request(), report_id="R-1")
    first.close()
    second = opened(clock)
    (pending,) = second.unfinished(seller_id="acme", identifier="orders_report", warehouse_id=None)
    assert (pending.report_id, pending.window, pending.digest) == ("R-1", request().window, request().digest)
    assert second.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")


def test_a_lease_that_is_not_renewed_ends(opened: Callable[[VirtualClock], Ledger]) -> None:
    clock = IdleClock()
    first, second = opened(clock), opened(clock)
    first.claim(request(), correlation_id="c-1")
    first.bought(request(), report_id="R-1")
    clock.advance(LEASE_SECONDS - 1)
    assert second.claim(request(), correlation_id="c-2").held_by is not None
    clock.advance(2)
    assert second.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")


def test_a_lease_is_renewed_while_its_holder_lives(opened: Callable[[VirtualClock], Ledger]) -> None:
    renewing, idle = VirtualClock(), IdleClock()
    first, second = opened(renewing), opened(idle)
    first.claim(request(), correlation_id="c-1")
    while renewing.monotonic() < 2 * LEASE_SECONDS:
        pass
    idle.advance(renewing.monotonic() - LEASE_SECONDS / 2)
    assert second.claim(request(), correlation_id="c-2").held_by is not None


def test_a_holder_that_was_killed_on_this_machine_loses_its_lease_at_once(place: str) -> None:
    script = (
        "import os, signal, sys\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from test_ledger import *\n"
        "ledger = Ledger(sys.argv[1], clock=SystemClock())\n"
        "ledger.claim(request(), correlation_id='c-1')\n"
        "ledger.bought(request(), report_id='R-1')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, place, *sys.path], check=False, capture_output=True, text=True
    )
    assert killed.returncode == -9, killed.stderr
    ledger = Ledger(place, clock=SystemClock())
    assert ledger.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")
    ledger.close()


def test_a_crash_between_trigger_and_answer_is_told_and_the_window_bought_again(
    opened: Callable[[VirtualClock], Ledger], place: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = IdleClock()
    first = opened(clock)
    first.claim(request(), correlation_id="c-1")
    first.close()
    assert opened(clock).claim(request(), correlation_id="c-2") == GRANTED
    assert "c-1" in caplog.text
    assert statuses(place) == [("LOST", None, None), ("INTENT", 1, None)]


@pytest.mark.parametrize("end", ["FAILED", "EXPIRED", "UNREADABLE"])
def test_a_report_that_will_never_be_had_may_be_bought_again(
    opened: Callable[[VirtualClock], Ledger], end: str
) -> None:
    ledger = opened(IdleClock())
    ledger.claim(request(), correlation_id="c-1")
    ledger.bought(request(), report_id="R-1")
    ledger.abandoned(request(), status=end)
    assert ledger.claim(request(), correlation_id="c-2") == GRANTED


def test_a_finished_window_is_read_again_on_the_same_day_and_bought_again_on_another(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    ledger.claim(request(), correlation_id="c-1")
    ledger.bought(request(), report_id="R-1")
    ledger.finished(request(), rows=7)
    ledger.released(request())
    assert ledger.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")
    clock.advance(24 * 3600)
    assert ledger.claim(request(), correlation_id="c-3") == GRANTED


def test_a_report_that_only_the_state_knew_is_booked_as_bought(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    known = request(report_id="R-of-state")
    assert opened(IdleClock()).claim(known, correlation_id="c-1") == Claim(report_id="R-of-state")
    assert statuses(place) == [("TRIGGERED", 1, "R-of-state")]


def test_eight_workers_at_once_grant_each_window_once(opened: Callable[[VirtualClock], Ledger]) -> None:
    clock = IdleClock()
    ledgers = [opened(clock) for _ in range(8)]
    granted: list[int] = []

    def work(ledger: Ledger, worker: int) -> None:
        granted.extend(
            number
            for number in range(25)
            if ledger.claim(request(number), correlation_id=f"c-{worker}-{number}") == GRANTED
        )

    threads = [threading.Thread(target=work, args=(ledger, worker)) for worker, ledger in enumerate(ledgers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(granted) == list(range(25))


def test_a_ledger_of_a_later_version_is_refused(opened: Callable[[VirtualClock], Ledger], place: str) -> None:
    opened(IdleClock())
    engine = sa.create_engine(f"sqlite:///{place}")
    with engine.begin() as connection:
        connection.execute(sa.text("update flipkart_reports_ledger set version = 99"))
    engine.dispose()
    with pytest.raises(LedgerError, match="version 99"):
        Ledger(place, clock=IdleClock())


@pytest.mark.parametrize("place", ["/proc/nowhere/ledger.db", "postgresql://tap:hunter2@127.0.0.1:1/x", "no://such"])
def test_a_ledger_that_cannot_be_opened_is_one_sentence_without_the_password(place: str) -> None:
    with pytest.raises(LedgerError, match="cannot be opened") as caught:
        Ledger(place, clock=IdleClock())
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
