"""The ledger on a real SQLite file and in a real PostgreSQL."""

from __future__ import annotations

import queue
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from support.clocks import VirtualClock

from tap_flipkart_reports.adapters.database import SECONDS_AWAY
from tap_flipkart_reports.adapters.ledger import Ledger
from tap_flipkart_reports.adapters.ledger_claims import CONFIRMED_SECONDS
from tap_flipkart_reports.adapters.ledger_database import LEASE_SECONDS
from tap_flipkart_reports.adapters.ledger_table import VERSION, WITHOUT_FINDINGS, window_key
from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.exceptions import ClaimLostError, LedgerError, WorkerError
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.purchasing.requests import Claim, Purchase, PurchaseStatus, Reading, ReportRequest
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.postgres import Postgres

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


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "ledger.db") if request.param == "SQLite" else request.getfixturevalue("postgres_url")


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


def query(place: str, *statements: str) -> list[tuple[Any, ...]]:
    """What the last of some statements finds in a ledger, asked from beside it."""
    url = place.replace("postgresql:", "postgresql+psycopg:") if "://" in place else f"sqlite:///{place}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        results = [connection.exec_driver_sql(statement) for statement in statements]
        rows = [tuple(row) for row in results[-1]] if results[-1].returns_rows else []
    engine.dispose()
    return rows


def statuses(place: str) -> list[tuple[str, int | None, str | None]]:
    return query(place, "select status, live, report_id from flipkart_reports order by attempts")


def test_a_window_is_granted_once_and_the_second_worker_learns_who_has_it(
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
    ledger.not_bought(correlation_id="c-1")
    assert statuses(place) == []
    assert ledger.claim(request(), correlation_id="c-2") == GRANTED


def test_an_unfinished_report_is_adopted_by_the_next_run(opened: Callable[[VirtualClock], Ledger]) -> None:
    clock = IdleClock()
    first = opened(clock)
    first.claim(request(), correlation_id="c-1")
    first.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    first.close()
    second = opened(clock)
    (pending,) = second.unread_reports(seller_id="acme", identifier="orders_report", warehouse_id=None)
    assert second.unread_reports(seller_id="bharat", identifier="orders_report", warehouse_id=None) == ()
    assert (pending.report_id, pending.window, pending.digest) == ("R-1", request().window, request().digest)
    assert second.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")


def test_a_lease_that_is_not_renewed_ends(opened: Callable[[VirtualClock], Ledger]) -> None:
    clock = IdleClock()
    first, second = opened(clock), opened(clock)
    first.claim(request(), correlation_id="c-1")
    first.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    clock.advance(LEASE_SECONDS - 1)
    assert second.claim(request(), correlation_id="c-2").held_by is not None
    clock.advance(2)
    assert second.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")


class SteppedClock(VirtualClock):
    """Lets the renewing thread wait until the test says that its pause is over."""

    def __init__(self) -> None:
        super().__init__()
        self._pauses: queue.Queue[float] = queue.Queue()
        self._over = threading.Semaphore(0)
        self._has_ended = False

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        assert seconds is not None
        self._pauses.put(seconds)
        condition.release()
        while not self._has_ended and not self._over.acquire(timeout=0.01):
            pass
        condition.acquire()

    def next_pause(self) -> float:
        """Wait for the renewing thread to pause; for how long."""
        return self._pauses.get(timeout=60)

    def end_pause(self, seconds: float) -> None:
        """Let that time pass."""
        self.advance(seconds)
        self._over.release()

    def end(self) -> None:
        """Pause no more."""
        self._has_ended = True


def test_a_lease_is_renewed_well_before_it_ends_and_again_where_that_failed_once(place: str) -> None:
    clock, beside = SteppedClock(), IdleClock()
    first, second = Ledger(place, clock=clock), Ledger(place, clock=beside)
    first.claim(request(), correlation_id="c-1")
    first.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    pause, passed = clock.next_pause(), 0.0
    for number in range(8):
        if number == 2:
            query(place, "ALTER TABLE flipkart_reports RENAME TO away")
        passed += pause
        clock.end_pause(pause)
        pause = clock.next_pause()  # the renewal has been made, or has failed
        if number == 2:
            query(place, "ALTER TABLE away RENAME TO flipkart_reports")
        beside.advance(passed - beside.monotonic())
        assert second.claim(request(), correlation_id=f"c-{number + 2}").held_by is not None
    assert passed > 1.5 * LEASE_SECONDS
    clock.end()
    first.close()
    second.close()


def test_one_thread_renews_all_leases_of_a_worker_and_does_not_keep_the_process_alive(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    before = set(threading.enumerate())
    ledger = opened(IdleClock())
    for number in range(5):
        ledger.claim(request(number), correlation_id=f"c-{number}")
    (thread,) = [each for each in threading.enumerate() if each not in before and each.name == "ledger-lease"]
    assert thread.daemon


def test_a_holder_that_was_killed_on_this_machine_loses_its_lease_at_once(place: str) -> None:
    script = (
        "import os, signal, sys\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from test_ledger import *\n"
        "ledger = Ledger(sys.argv[1], clock=SystemClock())\n"
        "ledger.claim(request(), correlation_id='c-1')\n"
        "ledger.bought(correlation_id='c-1', report_id='R-1', unanswered=0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, place, *sys.path], check=False, capture_output=True, text=True
    )
    assert killed.returncode == -9, killed.stderr
    ledger = Ledger(place, clock=SystemClock())
    assert ledger.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")
    ledger.close()


def test_a_crash_between_trigger_and_answer_is_reported_and_the_window_bought_again(
    opened: Callable[[VirtualClock], Ledger], place: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = IdleClock()
    first = opened(clock)
    first.claim(request(), correlation_id="c-1")
    first.close()
    assert opened(clock).claim(request(), correlation_id="c-2") == GRANTED
    assert "c-1" in caplog.text
    assert statuses(place) == [("LOST", None, None), ("INTENT", 1, None)]


@pytest.mark.parametrize("end", [PurchaseStatus.FAILED, PurchaseStatus.EXPIRED])
def test_a_report_that_will_never_be_had_may_be_bought_again(
    opened: Callable[[VirtualClock], Ledger], end: PurchaseStatus
) -> None:
    ledger = opened(IdleClock())
    ledger.claim(request(), correlation_id="c-1")
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    ledger.ended(request(), report_id="R-1", status=end)
    assert ledger.claim(request(), correlation_id="c-2") == GRANTED


def test_a_finished_window_is_read_again_on_the_same_day_and_bought_again_on_another(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    ledger.claim(request(), correlation_id="c-1")
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    ledger.finished(request(), Reading(rows=7, rejected=1, fingerprints=frozenset({"b", "a"})))
    ledger.released(request())
    assert ledger.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")
    clock.advance(24 * 3600)
    assert ledger.claim(request(), correlation_id="c-3") == GRANTED


def test_a_trigger_whose_answer_only_the_state_knows_is_booked_and_not_made_again(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    clock = IdleClock()
    first = opened(clock)
    first.claim(request(), correlation_id="c-1")
    first.close()
    known = request(report_id="R-of-state")
    assert opened(clock).claim(known, correlation_id="c-2") == Claim(report_id="R-of-state")
    assert statuses(place) == [("TRIGGERED", 1, "R-of-state")]
    assert opened(clock).claim(known, correlation_id="c-3").held_by is not None


def test_a_report_that_only_the_state_knew_is_booked_as_bought(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    for number in (0, 1):  # with a correlation id of its own: nobody knows that of its trigger
        known = request(number, report_id=f"R-{number}-of-state")
        assert ledger.claim(known, correlation_id="c-1") == Claim(report_id=f"R-{number}-of-state")
    assert statuses(place) == [("TRIGGERED", 1, "R-0-of-state"), ("TRIGGERED", 1, "R-1-of-state")]
    assert {purchase.bought_at for purchase in ledger.history()} == {clock.now()}
    assert query(place, "select count(triggered_at) from flipkart_reports where correlation_id <> 'c-1'") == [(2,)]


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


def test_of_two_workers_that_find_the_report_of_a_dead_one_at_once_one_adopts_it(
    postgres_url: str,
) -> None:
    clock = IdleClock()
    dead, *ledgers = (Ledger(postgres_url, clock=clock) for _ in range(3))
    dead.claim(request(), correlation_id="c-1")
    dead.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    dead.close()
    claims: list[Claim] = []

    def work(ledger: Ledger) -> None:
        claims.append(ledger.claim(request(), correlation_id="c-2"))

    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    threads = [threading.Thread(target=work, args=(ledger,)) for ledger in ledgers]
    with engine.begin() as connection:
        connection.exec_driver_sql("select 1 from flipkart_reports for update")
        for thread in threads:
            thread.start()
        waiting = sa.text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
        while connection.execute(waiting).scalar_one() < len(ledgers):  # both have read the row and wait to write it
            connection.exec_driver_sql("select pg_stat_clear_snapshot()")
    for thread in threads:
        thread.join()
    engine.dispose()
    for ledger in ledgers:
        ledger.close()
    assert sorted(claim.report_id or "" for claim in claims) == ["", "R-1"]
    assert sum(claim.held_by is not None for claim in claims) == 1


def test_a_worker_that_was_suspended_books_what_it_bought_and_spoils_nothing_of_its_successor(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    clock = IdleClock()
    suspended, successor = opened(clock), opened(clock)
    suspended.claim(request(0), correlation_id="c-1")
    suspended.claim(request(1), correlation_id="c-2")
    clock.advance(LEASE_SECONDS + 1)
    assert successor.claim(request(0), correlation_id="c-3") == GRANTED
    assert successor.claim(request(1), correlation_id="c-4") == GRANTED
    suspended.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    suspended.completed(request(0), expiry=None)
    suspended.finished(request(0), Reading(rows=7, rejected=0))
    suspended.not_bought(correlation_id="c-2")
    suspended.released(request(1))
    found = query(place, "select correlation_id, status, live, report_id, attempts from flipkart_reports order by 1")
    assert found == [
        ("c-1", "TRIGGERED", None, "R-1", 1),
        ("c-2", "LOST", None, None, 1),
        ("c-3", "INTENT", 1, None, 2),
        ("c-4", "INTENT", 1, None, 2),
    ]


def test_a_row_records_the_whole_life_of_a_report(opened: Callable[[VirtualClock], Ledger], place: str) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    wanted = replace(request(), warehouse_id="del")
    ledger.claim(wanted, correlation_id="c-1")
    moments = [clock.now()]
    steps: list[Callable[[], object]] = [
        lambda: ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=1),
        lambda: ledger.completed(wanted, expiry=clock.now()),
        lambda: ledger.downloaded(wanted, size=1234, sha256="ab" * 32),
        lambda: ledger.finished(wanted, Reading(rows=7, rejected=2, fingerprints=frozenset({"b", "a"}))),
    ]
    for step in steps:
        clock.advance(60)
        moments.append(clock.now())
        step()
    (purchase,) = ledger.history()
    assert purchase == Purchase(
        identifier="orders_report",
        seller_id="acme",
        warehouse_id="del",
        window=wanted.window,
        status=PurchaseStatus.FINISHED,
        report_id="R-1",
        bought_at=moments[1],
        completed_at=moments[2],
        finished_at=moments[4],
        rows=7,
        unanswered=1,
        rejected=2,
    )
    columns = "intended_at, triggered_at, completed_at, expiry, downloaded_at, finished_at"
    texts = [moment.isoformat() for moment in (*moments[:3], moments[2], *moments[3:])]
    assert query(place, f"select {columns} from flipkart_reports") == [tuple(texts)]  # noqa: S608 - of the test's own
    figures = query(place, "select bytes, sha256, rejected, fingerprints, digest, live from flipkart_reports")
    assert figures == [(1234, "ab" * 32, 2, "a b", wanted.digest, 1)]
    assert ledger.latest_days() == {("orders_report", PartitionKey("acme", "del")): wanted.window.last}


def test_a_lost_trigger_and_one_that_was_not_understood_are_in_the_history_at_their_time(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    intended = clock.now()
    for number in (0, 1):
        ledger.claim(request(number), correlation_id=f"c-{number}")
    clock.advance(60)
    ledger.lost(correlation_id="c-0", unanswered=1)
    ledger.not_understood(correlation_id="c-1", answer="{}", unanswered=0)
    lost, unread = ledger.history()
    assert (lost.status, lost.bought_at, lost.report_id) == (PurchaseStatus.LOST, intended, None)
    assert (unread.status, unread.bought_at) == (PurchaseStatus.NOT_UNDERSTOOD, clock.now())
    held = query(place, "select live, holder is null, lease_until is null from flipkart_reports order by from_date")
    assert [tuple(map(bool, row)) for row in held] == [(False, True, True), (True, False, False)]
    clock.advance(3600)
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    assert ledger.history()[1].bought_at == clock.now() - timedelta(seconds=3600)


def test_giving_up_ends_one_report_and_frees_its_window(opened: Callable[[VirtualClock], Ledger], place: str) -> None:
    ledger = opened(IdleClock())
    for number in (0, 1):
        ledger.claim(request(number), correlation_id=f"c-{number}")
        ledger.bought(correlation_id=f"c-{number}", report_id=f"R-{number}", unanswered=0)
    ledger.give_up("R-0")
    rows = query(place, "select status, live, holder is null from flipkart_reports order by report_id")
    assert [(status, live, bool(free)) for status, live, free in rows] == [
        ("GIVEN UP", None, True),
        ("TRIGGERED", 1, False),
    ]
    ledger.released(request(1))
    assert query(place, "select count(*) from flipkart_reports where holder is null") == [(2,)]


def test_a_claim_is_looked_at_again_before_a_trigger_that_comes_late(opened: Callable[[VirtualClock], Ledger]) -> None:
    clock = IdleClock()
    sleeper, successor = opened(clock), opened(clock)
    sleeper.claim(request(0), correlation_id="c-1")
    sleeper.claim(request(1), correlation_id="c-2")
    sleeper.confirm(correlation_id="c-1")
    clock.advance(LEASE_SECONDS + 1)
    assert successor.claim(request(0), correlation_id="c-3") == GRANTED
    with pytest.raises(ClaimLostError, match="another worker"):
        sleeper.confirm(correlation_id="c-1")
    sleeper.confirm(correlation_id="c-2")  # nobody wanted it meanwhile, and now it is held again
    assert successor.claim(request(1), correlation_id="c-4").held_by is not None


def test_a_clock_that_somebody_sets_back_makes_no_claim_younger(opened: Callable[[VirtualClock], Ledger]) -> None:
    clock, later = IdleClock(), IdleClock()
    sleeper, successor = opened(clock), opened(later)
    sleeper.claim(request(), correlation_id="c-1")
    clock.advance(3600)
    clock.set_back(3600)
    later.advance(3600)
    assert successor.claim(request(), correlation_id="c-2") == GRANTED
    with pytest.raises(ClaimLostError):
        sleeper.confirm(correlation_id="c-1")


def test_a_claim_of_a_moment_ago_is_not_requested_again(opened: Callable[[VirtualClock], Ledger], place: str) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    ledger.claim(request(), correlation_id="c-1")
    query(place, "delete from flipkart_reports")
    ledger.confirm(correlation_id="c-1")
    clock.advance(CONFIRMED_SECONDS + 1)
    with pytest.raises(ClaimLostError):
        ledger.confirm(correlation_id="c-1")


def test_a_stopped_process_that_can_be_seen_keeps_what_it_may_be_buying_and_nothing_else(place: str) -> None:
    script = (
        "import os, signal, sys\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "from test_ledger import *\n"
        "ledger = Ledger(sys.argv[1], clock=IdleClock())\n"
        "ledger.claim(request(0), correlation_id='c-1')\n"
        "ledger.claim(request(1), correlation_id='c-2')\n"
        "ledger.bought(correlation_id='c-2', report_id='R-2', unanswered=0)\n"
        "print('claimed', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, place, *sys.path], stdout=subprocess.PIPE, text=True
    ) as stopped:
        assert stopped.stdout is not None
        assert stopped.stdout.readline() == "claimed\n"
        clock = IdleClock()
        clock.advance(3 * LEASE_SECONDS)
        ledger = Ledger(place, clock=clock)
        assert f"process {stopped.pid} on" in str(ledger.claim(request(0), correlation_id="c-3").held_by)
        assert ledger.claim(request(1), correlation_id="c-4") == Claim(report_id="R-2")
        stopped.kill()
        stopped.wait()
        assert ledger.claim(request(0), correlation_id="c-5") == GRANTED
        ledger.close()


def test_an_answer_that_was_not_understood_is_kept_for_whoever_comes_next(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    clock = IdleClock()
    first = opened(clock)
    first.claim(request(), correlation_id="c-1")
    first.not_understood(correlation_id="c-1", answer='{"reportId": 7}', unanswered=1)
    assert first.claim(request(), correlation_id="c-2") == Claim(unread_answer='{"reportId": 7}', correlation_id="c-1")
    first.close()
    second = opened(clock)
    assert second.unread_reports(seller_id="acme", identifier="orders_report", warehouse_id=None) == ()
    claim = second.claim(request(), correlation_id="c-3")
    assert (claim.unread_answer, claim.correlation_id) == ('{"reportId": 7}', "c-1")
    (purchase,) = second.history()
    assert (purchase.status, purchase.unanswered) == (PurchaseStatus.NOT_UNDERSTOOD, 1)
    second.bought(correlation_id="c-1", report_id="7", unanswered=0)
    assert second.claim(request(), correlation_id="c-4") == Claim(report_id="7")
    second.give_up("7")
    assert second.claim(request(), correlation_id="c-5") == GRANTED
    assert query(place, "select unanswered from flipkart_reports order by attempts") == [(1,), (0,)]


def test_a_purchase_without_a_known_id_is_given_up_by_its_correlation_id(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    ledger = opened(IdleClock())
    ledger.claim(request(), correlation_id="c-1")
    ledger.not_understood(correlation_id="c-1", answer="?", unanswered=0)
    ledger.give_up("c-1")
    assert ledger.claim(request(), correlation_id="c-2") == GRANTED


def test_a_report_id_that_another_window_has_is_refused(opened: Callable[[VirtualClock], Ledger], place: str) -> None:
    ledger = opened(IdleClock())
    for number in (0, 1):
        ledger.claim(request(number), correlation_id=f"c-{number}")
    assert ledger.bought(correlation_id="c-0", report_id="R-1", unanswered=0) is None
    owner = ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    assert owner == "orders_report, seller acme, 2026-01-01 to 2026-01-01"
    kept = query(place, "select status, report_id, answer from flipkart_reports where correlation_id = 'c-1'")
    assert kept == [("NOT UNDERSTOOD", None, f"report R-1, which belongs to {owner}")]


def test_what_may_have_been_bought_besides_is_in_the_history(opened: Callable[[VirtualClock], Ledger]) -> None:
    ledger = opened(IdleClock())
    ledger.claim(request(0), correlation_id="c-0")
    ledger.bought(correlation_id="c-0", report_id="R-0", unanswered=2)
    ledger.claim(request(1), correlation_id="c-1")
    ledger.lost(correlation_id="c-1", unanswered=3)
    assert sorted((purchase.status, purchase.unanswered) for purchase in ledger.history()) == [
        (PurchaseStatus.LOST, 2),
        (PurchaseStatus.TRIGGERED, 2),
    ]


def test_a_report_that_the_state_gives_to_a_window_and_the_ledger_to_another_stays_with_the_other(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    ledger = opened(IdleClock())
    bought(ledger, request(0), name="1")
    assert ledger.claim(request(1), correlation_id="c-2") == GRANTED
    assert ledger.bought(correlation_id="c-2", report_id="R-1", unanswered=0) is not None
    ledger.released(request(1))  # killed before the state was told that the report is another window's
    claim = ledger.claim(request(1, report_id="R-1"), correlation_id="c-3")
    assert (claim.report_id, claim.correlation_id) == (None, "c-2")
    assert "which belongs to orders_report, seller acme" in str(claim.unread_answer)
    assert query(place, "select count(*) from flipkart_reports where report_id = 'R-1'") == [(1,)]


def test_a_report_whose_links_are_refused_for_good_is_the_last_of_its_window(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    ledger = opened(IdleClock())
    ledger.claim(request(), correlation_id="c-1")
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    ledger.ended(request(), report_id="R-1", status=PurchaseStatus.LINKS_REFUSED)
    ledger.released(request())
    assert ledger.claim(request(), correlation_id="c-2") == Claim(report_id="R-1", is_last_purchase=True)


def test_a_trigger_under_way_is_not_made_again_by_the_same_run(opened: Callable[[VirtualClock], Ledger]) -> None:
    ledger = opened(IdleClock())
    ledger.claim(request(), correlation_id="c-1")
    assert ledger.claim(request(), correlation_id="c-2").held_by is not None
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    assert ledger.claim(request(), correlation_id="c-3") == Claim(report_id="R-1")


def test_a_claim_that_is_repeated_after_a_broken_connection_is_the_same_claim(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    ledger = opened(IdleClock())
    assert ledger.claim(request(), correlation_id="c-1") == GRANTED
    assert ledger.claim(request(), correlation_id="c-1") == GRANTED
    assert statuses(place) == [("INTENT", 1, None)]


def test_each_row_says_how_often_its_window_has_been_triggered(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    ledger = opened(IdleClock())
    for number in (1, 2, 3):
        ledger.claim(request(), correlation_id=f"c-{number}")
        ledger.bought(correlation_id=f"c-{number}", report_id=f"R-{number}", unanswered=0)
        ledger.ended(request(), report_id=f"R-{number}", status=PurchaseStatus.FAILED)
    ledger.claim(request(1), correlation_id="c-4")
    attempts = query(place, "select correlation_id, attempts from flipkart_reports order by correlation_id")
    assert attempts == [("c-1", 1), ("c-2", 2), ("c-3", 3), ("c-4", 1)]


def test_what_is_read_again_is_bought_each_day_and_what_a_lost_state_wants_is_not(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    clock = IdleClock()  # 11:30 in Kolkata
    ledger = opened(clock)
    ledger.claim(request(), correlation_id="c-1")
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    ledger.finished(request(), Reading(rows=7, rejected=1, fingerprints=frozenset({"b", "a"})))
    ledger.released(request())
    clock.advance(13 * 3600)
    assert ledger.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")
    assert ledger.claim(replace(request(), is_reread=True), correlation_id="c-3") == GRANTED


def test_reports_read_today_are_at_hand_and_marked_so(opened: Callable[[VirtualClock], Ledger]) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    for number in (1, 2):
        ledger.claim(request(number), correlation_id=f"c-{number}")
        ledger.bought(correlation_id=f"c-{number}", report_id=f"R-{number}", unanswered=0)
    ledger.finished(request(1), Reading(rows=7, rejected=0))

    def unread_reports() -> list[tuple[str, bool]]:
        reports = opened(clock).unread_reports(seller_id="acme", identifier="orders_report", warehouse_id=None)
        return sorted((report.report_id, report.is_finished) for report in reports)

    assert unread_reports() == [("R-1", True), ("R-2", False)]
    clock.advance(24 * 3600)
    assert unread_reports() == [("R-2", False)]


# Why windows failed, and what was found in those that were read


def failed(ledger: Ledger, wanted: ReportRequest, cause: str = "FAILED", report_id: str | None = None) -> None:
    ledger.failed(wanted, stream=wanted.stream, report_id=report_id, is_unreadable=report_id is not None, cause=cause)


def longer(wanted: ReportRequest) -> ReportRequest:
    """The same, and the day after it."""
    return replace(wanted, window=Window(wanted.window.first, wanted.window.last + timedelta(days=1)))


def test_of_each_window_the_last_failure_is_kept_until_a_report_with_one_of_its_days_is_read(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    others = [replace(request(), seller_id="bharat"), replace(request(), warehouse_id="del"), request(9)]
    for wanted in (request(), *others):
        failed(ledger, wanted, "the first")
    clock.advance(60)
    failed(ledger, longer(request()), "the second", "R-1")
    found = {(one.seller_id, one.warehouse_id, one.window): one for one in opened(clock).failures()}
    assert len(found) == 4
    second = found["acme", None, longer(request()).window]
    assert (second.cause, second.report_id, second.is_unreadable) == ("the second", "R-1", True)
    assert second.failed_at == clock.now()
    ledger.claim(request(1), correlation_id="c-1")
    ledger.bought(correlation_id="c-1", report_id="R-2", unanswered=0)
    ledger.finished(request(1), Reading(rows=1))
    assert {one.cause for one in ledger.failures()} == {"the first"}
    assert len(ledger.failures()) == 3


def test_a_report_type_ends_no_failure_of_another_that_has_its_identifier(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    ledger = opened(IdleClock())
    other = replace(request(), stream="orders_by_dispatch", parameters={"by": "dispatch"})
    for wanted in (request(), other):
        failed(ledger, wanted)
    assert {one.stream for one in ledger.failures()} == {"orders_report", "orders_by_dispatch"}
    bought(ledger, other, name="1")
    ledger.finished(other, Reading(rows=1))
    assert [one.stream for one in ledger.failures()] == ["orders_report"]


def test_a_failure_of_a_report_that_is_given_up_is_forgotten(opened: Callable[[VirtualClock], Ledger]) -> None:
    ledger = opened(IdleClock())
    failed(ledger, request(), report_id="R-1")
    failed(ledger, request(5), report_id="R-2")
    ledger.give_up("R-1")
    assert [one.report_id for one in ledger.failures()] == ["R-2"]


@pytest.mark.parametrize("status", [PurchaseStatus.EXPIRED, PurchaseStatus.FAILED])
def test_a_report_that_is_gone_when_it_is_read_once_more_stays_read_and_its_window_is_bought_again(
    opened: Callable[[VirtualClock], Ledger], place: str, status: PurchaseStatus
) -> None:
    clock = IdleClock()
    first = opened(clock)
    bought(first, request(), name="1")
    first.finished(request(), Reading(rows=1))
    first.close()
    again, slower = opened(clock), opened(clock)
    for one in (again, slower):
        assert one.claim(request(), correlation_id="c-0") == Claim(report_id="R-1")
    again.ended(request(), report_id="R-1", status=status)
    bought(again, request(), name="2")
    again.finished(request(), Reading(rows=1))
    slower.ended(request(), report_id="R-1", status=status)
    assert slower.claim(request(), correlation_id="c-3") == Claim(report_id="R-2")
    assert statuses(place) == [("FINISHED", None, "R-1"), ("FINISHED", 1, "R-2")]


def test_a_report_that_another_worker_has_taken_over_leaves_the_failure_to_it(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    clock = IdleClock()
    slow, quick = opened(clock), opened(clock)
    slow.claim(request(), correlation_id="c-1")
    slow.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    slow.released(request())
    quick.claim(request(), correlation_id="c-2")
    failed(quick, request(), report_id="R-1")
    slow.finished(request(), Reading(rows=1))
    assert [one.report_id for one in quick.failures()] == ["R-1"]


def test_a_report_that_is_read_once_more_on_its_day_ends_the_failure_of_that_reading(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    clock = IdleClock()
    first = opened(clock)
    first.claim(request(), correlation_id="c-1")
    first.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    first.finished(request(), Reading(rows=1))
    first.close()
    again = opened(clock)  # by a run without the state
    assert again.claim(request(), correlation_id="c-2") == Claim(report_id="R-1")
    failed(again, request(), report_id="R-1")
    again.finished(request(), Reading(rows=1))
    assert again.failures() == []


def test_what_was_found_in_a_report_is_kept_with_it(opened: Callable[[VirtualClock], Ledger]) -> None:
    ledger = opened(IdleClock())
    drift = ("orders_report has new columns A, B", "orders_report does not have the columns C")
    for number, reading in enumerate((Reading(rows=7, rejected=2, tied=3, drift=drift), Reading(rows=1))):
        ledger.claim(request(number), correlation_id=f"c-{number}")
        ledger.bought(correlation_id=f"c-{number}", report_id=f"R-{number}", unanswered=0)
        ledger.finished(request(number), reading)
    first, second = sorted(ledger.history(), key=lambda purchase: purchase.window)
    assert (first.rows, first.rejected, first.tied, first.drift) == (7, 2, 3, drift)
    assert (second.rows, second.rejected, second.tied, second.drift) == (1, 0, 0, ())


def test_a_ledger_that_cannot_be_written_costs_the_cause_of_a_failure_and_not_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = str(tmp_path / "ledger.db")
    ledger = Ledger(place, clock=IdleClock())
    query(place, "drop table flipkart_reports_failures")
    failed(ledger, request())
    ledger.close()
    assert "why it failed is not in the report ledger" in caplog.text


# The tables and their versions


def test_a_ledger_of_version_4_keeps_what_it_holds_and_gets_what_it_lacks(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    ledger = opened(IdleClock())
    ledger.claim(request(), correlation_id="c-1")
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    ledger.finished(request(), Reading(rows=7))
    ledger.close()
    query(
        place,
        "drop table flipkart_reports_failures",
        "alter table flipkart_reports drop column drift",
        "alter table flipkart_reports drop column tied",
        "update flipkart_reports_ledger set version = 4",
    )
    assert open_at_once(place) == 8
    assert query(place, "select version from flipkart_reports_ledger") == [(VERSION,)]
    ledger = opened(IdleClock())
    (purchase,) = ledger.history()
    assert (purchase.rows, purchase.tied, purchase.drift) == (7, 0, ())
    failed(ledger, request())
    assert len(ledger.failures()) == 1


def open_at_once(place: str) -> int:
    begin = threading.Barrier(8)
    ledgers: list[Ledger] = []

    def work() -> None:
        begin.wait()
        ledgers.append(Ledger(place, clock=IdleClock()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ledger in ledgers:
        ledger.close()
    return len(ledgers)


def test_workers_that_open_a_new_ledger_at_once_all_find_its_tables(place: str) -> None:
    assert open_at_once(place) == 8
    assert query(place, "select version from flipkart_reports_ledger") == [(VERSION,)]


def test_a_file_that_another_worker_has_just_begun_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("create table begun (x)")
        other.execute("begin immediate")

        def end(_connection: sa.Connection) -> None:
            if other.in_transaction:
                other.execute("commit")

        sa.event.listen(sa.Engine, "begin", end)
        try:
            Ledger(str(path), clock=IdleClock()).close()
        finally:
            sa.event.remove(sa.Engine, "begin", end)
    assert query(str(path), "select version from flipkart_reports_ledger") == [(VERSION,)]


@pytest.mark.parametrize(
    ("version", "cure"), [(VERSION + 1, "update the tap"), (WITHOUT_FINDINGS - 1, "a version that was never released")]
)
def test_a_ledger_of_another_version_is_refused(
    opened: Callable[[VirtualClock], Ledger], place: str, version: int, cure: str
) -> None:
    opened(IdleClock())
    query(place, f"update flipkart_reports_ledger set version = {version}")  # noqa: S608 - of the test's own
    with pytest.raises(LedgerError, match=f"has version {version}, this tap knows {VERSION}: .*{cure}"):
        Ledger(place, clock=IdleClock())


@pytest.mark.parametrize(
    "damage",
    [
        "from_date = 'someday'",
        "to_date = '2025-12-31'",
        "status = 'LOANED'",
        "triggered_at = '25 o clock', status = 'FINISHED'",
    ],
)
def test_a_row_that_the_tap_did_not_write_is_one_sentence(
    opened: Callable[[VirtualClock], Ledger], place: str, damage: str
) -> None:
    ledger = opened(IdleClock())
    ledger.claim(request(), correlation_id="c-1")
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    query(place, f"update flipkart_reports set {damage}")  # noqa: S608 - of the test's own
    other = opened(IdleClock())

    def ask() -> None:
        other.unread_reports(seller_id="acme", identifier="orders_report", warehouse_id=None)
        other.claim(request(), correlation_id="c-2")

    with pytest.raises(LedgerError, match="the report ledger holds a row that the tap cannot have written"):
        ask()


def test_a_failure_that_the_tap_did_not_write_is_one_sentence(tmp_path: Path) -> None:
    place = str(tmp_path / "ledger.db")
    ledger = Ledger(place, clock=IdleClock())
    ledger.failed(request(), stream="orders_report", report_id=None, is_unreadable=False, cause="the API says no")
    query(place, "update flipkart_reports_failures set failed_at = 'yesterday'")
    with pytest.raises(LedgerError, match=r"cannot have written \(.*'yesterday', window_key [0-9a-f]{32}\)"):
        ledger.failures()
    ledger.close()


@pytest.mark.parametrize("damage", ["rows = 'many'", "rejected = 'many'", "tied = 'x'", "triggered_at = '2026-10-01'"])
def test_a_purchase_that_the_tap_did_not_write_is_one_sentence(tmp_path: Path, damage: str) -> None:
    place = str(tmp_path / "ledger.db")  # SQLite keeps a text in a column of numbers
    ledger = Ledger(place, clock=IdleClock())
    ledger.claim(request(), correlation_id="c-1")
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    query(place, f"update flipkart_reports set {damage}")  # noqa: S608 - of the test's own
    with pytest.raises(LedgerError, match=r"holds a row that the tap cannot have written \(.*, correlation_id c-1\)"):
        ledger.history()
    ledger.close()


@pytest.mark.parametrize("holder", ["x", "", "a b", "a b c d", "host boot/pid -5 77 12"])
def test_a_holder_that_nobody_can_make_out_keeps_its_lease_and_no_longer(
    opened: Callable[[VirtualClock], Ledger], place: str, holder: str
) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    ledger.claim(request(), correlation_id="c-1")
    query(place, f"update flipkart_reports set holder = '{holder}'")  # noqa: S608 - of the test's own
    assert ledger.claim(request(), correlation_id="c-2").held_by is not None
    clock.advance(LEASE_SECONDS + 1)
    assert ledger.claim(request(), correlation_id="c-2") == GRANTED


# Databases that cannot be had


@pytest.mark.parametrize("place", ["/proc/nowhere/ledger.db", "postgresql://tap:hunter2@127.0.0.1:1/x", "no://such"])
def test_a_ledger_that_cannot_be_opened_is_one_sentence_without_the_password(place: str) -> None:
    with pytest.raises(LedgerError, match="cannot be opened") as caught:
        Ledger(place, clock=IdleClock())
    assert "hunter2" not in str(caught.value)
    assert "None" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["://hunter2", "postgresql://tap:x@db:hunter2/reports"])
def test_a_url_that_cannot_be_read_is_not_shown(place: str) -> None:
    with pytest.raises(LedgerError, match="report_ledger") as caught:
        Ledger(place, clock=IdleClock())
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("place", ["sqlite://", "sqlite:///:memory:", ":memory:", ""])
def test_a_ledger_in_memory_is_refused(place: str) -> None:
    with pytest.raises(LedgerError, match="names no file"):
        Ledger(place, clock=IdleClock())


def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("something else, long enough to have a header" * 10)
    with pytest.raises(LedgerError, match="not a database"):
        Ledger(str(tmp_path / "ledger.db"), clock=IdleClock())


def test_a_driver_that_is_missing_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"needs the Python package psycopg.*install the tap with the extra postgres"):
        Ledger("postgresql://tap:hunter2@127.0.0.1:1/x", clock=IdleClock())
    with pytest.raises(LedgerError, match="needs the Python package MySQLdb"):
        Ledger("mysql://tap:hunter2@127.0.0.1:1/x", clock=IdleClock())


def test_a_database_that_restarts_is_waited_for(postgres: Postgres, postgres_url: str) -> None:
    ledger = Ledger(postgres_url, clock=SystemClock())
    assert ledger.claim(request(), correlation_id="c-1") == GRANTED
    postgres.stop()
    starting = threading.Timer(0.5, postgres.start)
    starting.start()
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    starting.join()
    assert statuses(postgres_url) == [("TRIGGERED", 1, "R-1")]
    ledger.close()


def test_a_database_that_stays_away_is_one_sentence_and_the_ledger_still_closes(
    postgres: Postgres, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = IdleClock()
    ledger = Ledger(postgres_url, clock=clock)
    ledger.claim(request(0), correlation_id="c-1")
    postgres.stop()
    try:
        with pytest.raises(LedgerError, match="nothing is bought without it") as caught:
            ledger.claim(request(1), correlation_id="c-2")
        assert "\n" not in str(caught.value)
        assert 0 < clock.monotonic() <= SECONDS_AWAY
        ledger.close()
        assert "free again" in caplog.text
    finally:
        postgres.start()


def test_a_ledger_whose_lease_cannot_be_renewed_claims_nothing_and_still_closes(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    ledger = Ledger(place, clock=IdleClock())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(WorkerError, match="no room for another thread"):
            ledger.claim(request(), correlation_id="c-1")
    ledger.close()
    assert statuses(place) == []


# Whose rows are written


def bought(ledger: Ledger, wanted: ReportRequest, *, name: str) -> None:
    """Claim a window and buy its report; `name` is part of both ids."""
    assert ledger.claim(wanted, correlation_id=f"c-{name}") == GRANTED
    ledger.bought(correlation_id=f"c-{name}", report_id=f"R-{name}", unanswered=0)


def test_what_became_of_a_report_is_written_to_its_own_row_alone(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    ledger = opened(IdleClock())
    for number in (0, 1):
        bought(ledger, request(number), name=str(number))

    def rows() -> list[tuple[Any, ...]]:
        return query(place, "select status, live, holder is null from flipkart_reports order by report_id")

    untouched = ("TRIGGERED", 1, False)
    ledger.completed(request(0), expiry=None)
    assert rows() == [("COMPLETED", 1, False), untouched]
    ledger.downloaded(request(0), size=1, sha256="s")
    assert rows() == [("DOWNLOADED", 1, False), untouched]
    ledger.finished(request(0), Reading(rows=1))
    assert rows() == [("FINISHED", 1, False), untouched]
    ledger.released(request(0))
    assert rows() == [("FINISHED", 1, True), untouched]
    ledger.ended(request(1), report_id="R-1", status=PurchaseStatus.FAILED)
    assert rows() == [("FINISHED", 1, True), ("FAILED", None, True)]


def test_leases_that_are_renewed_or_given_up_are_this_workers_own(place: str) -> None:
    asked, renewed = threading.Event(), threading.Event()

    class RenewingClock(VirtualClock):
        """Lets the thread renew once, when the test says so."""

        def wait(self, condition: threading.Condition, seconds: float | None) -> None:
            assert seconds is not None
            if asked.is_set():
                renewed.set()
                condition.wait()
                return
            condition.release()
            try:
                assert asked.wait(60)
            finally:
                condition.acquire()

    first, second = Ledger(place, clock=RenewingClock()), Ledger(place, clock=IdleClock())
    try:
        bought(first, request(0), name="0")
        bought(second, request(1), name="1")
        held = query(place, "select holder, lease_until from flipkart_reports order by report_id")
        asked.set()
        assert renewed.wait(60)
        assert query(place, "select holder, lease_until from flipkart_reports order by report_id") == held
    finally:
        asked.set()
        first.close()
    assert query(place, "select holder from flipkart_reports order by report_id") == [(None,), (held[1][0],)]
    second.close()


def test_the_history_is_in_the_order_of_the_triggers_and_of_claims_whose_answer_was_lost(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    ledger.claim(request(0), correlation_id="c-0")
    ledger.claim(request(1), correlation_id="c-1")
    clock.advance(60)
    ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0)
    clock.advance(60)
    ledger.claim(request(2), correlation_id="c-2")
    ledger.lost(correlation_id="c-2", unanswered=1)
    clock.advance(60)
    ledger.bought(correlation_id="c-0", report_id="R-0", unanswered=0)
    assert [purchase.window for purchase in ledger.history()] == [request(number).window for number in (1, 2, 0)]


def test_the_latest_day_of_a_partition_is_that_of_a_purchase_which_brought_a_report(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    ledger = opened(IdleClock())
    of_warehouse = replace(request(1), warehouse_id="del")
    for number, wanted in enumerate((request(0), request(2), of_warehouse)):
        bought(ledger, wanted, name=str(number))
    ledger.ended(request(2), report_id="R-1", status=PurchaseStatus.FAILED)
    ledger.claim(request(3), correlation_id="c-3")
    assert ledger.latest_days() == {
        ("orders_report", PartitionKey("acme", None)): request(0).window.last,
        ("orders_report", PartitionKey("acme", "del")): request(1).window.last,
    }


def test_giving_up_a_report_leaves_alone_what_was_read_from_it_before(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    bought(ledger, request(), name="1")
    ledger.finished(request(), Reading(rows=1))
    clock.advance(2 * 86_400)
    bought(ledger, request(), name="2")
    ledger.give_up("R-1")
    assert statuses(place) == [("FINISHED", None, "R-1"), ("TRIGGERED", 1, "R-2")]


def test_days_are_those_of_kolkata(opened: Callable[[VirtualClock], Ledger]) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    again = replace(request(), is_reread=True)
    clock.advance(12 * 3600)  # 23:30 in Kolkata, and 18:00 in UTC
    bought(ledger, again, name="1")
    ledger.finished(again, Reading(rows=1))
    ledger.released(again)
    clock.advance(600)
    assert ledger.claim(again, correlation_id="c-2") == Claim(report_id="R-1")
    clock.advance(3000)  # 00:30 in Kolkata, and 19:00 of the day before in UTC
    bought(ledger, again, name="3")
    ledger.finished(again, Reading(rows=1))
    ledger.released(again)
    clock.advance(3600)
    assert ledger.claim(again, correlation_id="c-4") == Claim(report_id="R-3")


def test_an_answer_that_is_booked_again_after_a_broken_connection_is_the_same_answer(
    opened: Callable[[VirtualClock], Ledger], place: str
) -> None:
    ledger = opened(IdleClock())
    bought(ledger, request(), name="1")
    assert ledger.bought(correlation_id="c-1", report_id="R-1", unanswered=0) is None
    assert statuses(place) == [("TRIGGERED", 1, "R-1")]


@pytest.mark.parametrize(
    "change", ["update flipkart_reports set holder = 'another'", "update flipkart_reports set live = null"]
)
def test_a_claim_is_looked_at_again_from_its_eleventh_second_on(
    opened: Callable[[VirtualClock], Ledger], place: str, change: str
) -> None:
    clock = IdleClock()
    ledger = opened(clock)
    clock.advance(1000)
    ledger.claim(request(), correlation_id="c-1")
    clock.advance(CONFIRMED_SECONDS)
    query(place, change)
    ledger.confirm(correlation_id="c-1")
    clock.advance(1)
    with pytest.raises(ClaimLostError, match=r"^another worker has taken it over while this one slept$"):
        ledger.confirm(correlation_id="c-1")


@pytest.mark.parametrize("slow", ["claim", "confirm"])
def test_a_claim_that_took_long_is_looked_at_again(
    opened: Callable[[VirtualClock], Ledger], place: str, slow: str
) -> None:
    clock = IdleClock()
    ledger = opened(clock)

    def sleep(_connection: sa.Connection) -> None:
        clock.advance(CONFIRMED_SECONDS + 1)

    if slow == "confirm":
        ledger.claim(request(), correlation_id="c-1")
        clock.advance(CONFIRMED_SECONDS + 1)
    sa.event.listen(sa.Engine, "commit", sleep)
    try:
        if slow == "confirm":
            ledger.confirm(correlation_id="c-1")
        else:
            ledger.claim(request(), correlation_id="c-1")
    finally:
        sa.event.remove(sa.Engine, "commit", sleep)
    query(place, "update flipkart_reports set holder = 'another'")
    with pytest.raises(ClaimLostError):
        ledger.confirm(correlation_id="c-1")


def test_a_ledger_that_is_busy_is_not_waited_for_where_nothing_depends_on_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place, clock = str(tmp_path / "ledger.db"), IdleClock()
    ledger = Ledger(place, clock=clock)
    bought(ledger, request(), name="1")
    query(place, "alter table flipkart_reports rename to moved", "drop table flipkart_reports_failures")
    ledger.released(request())
    failed(ledger, request())
    ledger.close()
    assert len(caplog.records) == 3
    assert clock.slept == []


def test_failures_keep_their_warehouse_and_stand_in_the_order_of_their_days(
    opened: Callable[[VirtualClock], Ledger],
) -> None:
    ledger = opened(IdleClock())
    warehouses = [replace(request(number), warehouse_id=name) for number, name in ((3, "del"), (1, "blr"), (3, "blr"))]
    for wanted in warehouses:
        failed(ledger, wanted)
    assert ledger.failures()[0].window == request(1).window
    assert {(one.window, one.warehouse_id) for one in ledger.failures()} == {
        (wanted.window, wanted.warehouse_id) for wanted in warehouses
    }
    for number in (30, 28, 27, 29, 26, 25):
        failed(ledger, replace(request(number), seller_id="bharat"))
    assert [one.window.first.day for one in ledger.failures() if one.seller_id == "bharat"] == [26, 27, 28, 29, 30, 31]
    failed(ledger, longer(warehouses[1]), "again")  # its last day is the day before that of the others
    bought(ledger, longer(replace(request(2), warehouse_id="blr")), name="1")
    ledger.finished(longer(replace(request(2), warehouse_id="blr")), Reading(rows=1))
    assert [one.warehouse_id for one in ledger.failures() if one.seller_id == "acme"] == ["del"]


def test_the_owner_of_a_report_id_is_named_with_its_warehouse(opened: Callable[[VirtualClock], Ledger]) -> None:
    ledger = opened(IdleClock())
    bought(ledger, replace(request(), warehouse_id="del"), name="1")
    ledger.claim(request(1), correlation_id="c-2")
    owner = ledger.bought(correlation_id="c-2", report_id="R-1", unanswered=0)
    assert owner == "orders_report, seller acme, warehouse del, 2026-01-01 to 2026-01-01"


def test_the_key_of_a_window_never_changes_since_ledgers_hold_it() -> None:
    assert window_key(request()) == "1e5d5bcaec5d489255deb2decccdca2c"
    others = [request(1), replace(request(), seller_id="bose"), replace(request(), warehouse_id="del")]
    others += [replace(request(), parameters={}), replace(request(), identifier="returns_report")]
    assert len({window_key(one) for one in (request(), *others)}) == 6
