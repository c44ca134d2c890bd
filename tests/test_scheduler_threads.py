"""The scheduler's threads: what no slow database and no dying thread may hold up. Order is asserted, not time."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.clocks import VirtualClock
from support.scripted_api import ScriptedApi

from tap_flipkart_reports.exceptions import (
    AnswerNotUnderstoodError,
    AuthenticationError,
    CallError,
    LedgerError,
    RateLimitedError,
    WorkerError,
)
from tap_flipkart_reports.purchasing.events import Deferred, Delivery, EventKind, ReportEvent
from tap_flipkart_reports.purchasing.limits import Limits
from tap_flipkart_reports.purchasing.ports import NoLedger
from tap_flipkart_reports.purchasing.report_detail import ReportStatus
from tap_flipkart_reports.purchasing.requests import Claim, PurchaseStatus, ReportRequest
from tap_flipkart_reports.purchasing.scheduler import Scheduler
from tap_flipkart_reports.purchasing.threads import Threads
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY_ONE = date(2026, 1, 1)
PATIENCE = 60
"""Seconds after which a test that waits for another thread fails."""


def request(number: int = 0, **attributes: Any) -> ReportRequest:
    day = DAY_ONE + timedelta(days=number)
    own: dict[str, Any] = {"stream": "orders_report", "identifier": "orders_report", "seller_id": "acme"}
    return ReportRequest(
        window=Window(day, day),
        parameters={"from_date": str(day)},
        report_timeout=21600.0,
        **(own | attributes),
    )


class StuckLedger(NoLedger):
    """A database that does not answer to some calls until the test says so, as one that takes minutes for a write."""

    def __init__(self, *stuck: str, after: int = 0) -> None:
        self._stuck = frozenset(stuck)
        self._after = after
        self.answers = threading.Event()
        self.is_asked = threading.Event()
        self.calls: list[str] = []

    def _ask(self, call: str) -> None:
        self.calls.append(call)
        if call in self._stuck and self.calls.count(call) > self._after:
            self.is_asked.set()
            assert self.answers.wait(PATIENCE)

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
        self._ask("claim")
        return super().claim(request, correlation_id=correlation_id)

    def bought(self, *, correlation_id: str, report_id: str, unanswered: int) -> str | None:  # noqa: ARG002 - the port's
        self._ask("bought")
        return None

    def completed(self, request: ReportRequest, *, expiry: object) -> None:  # noqa: ARG002 - the port's
        self._ask("completed")

    def ended(self, request: ReportRequest, *, report_id: str, status: PurchaseStatus) -> None:  # noqa: ARG002 - the port's
        self._ask("ended")

    def not_bought(self, *, correlation_id: str) -> None:  # noqa: ARG002 - the port's
        self._ask("not bought")

    def released(self, request: ReportRequest) -> None:  # noqa: ARG002 - the port's
        self._ask("released")


class Bench:
    """A scheduler with threads, whose waits for polls cost no time."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock()
        self.api = ScriptedApi(clock=self.clock)
        self.folder = folder
        self.events: list[ReportEvent] = []
        self._schedulers: list[Scheduler] = []

    def scheduler(self, *requests: ReportRequest, ledger: NoLedger | None = None, **limits: Any) -> Scheduler:
        scheduler = Scheduler(
            api=self.api,
            clock=self.clock,
            limits=Limits(**limits),
            folder=self.folder,
            ledger=ledger,
            on_events=self.events.extend,
            workers=3,
        )
        scheduler.submit(requests)
        self._schedulers.append(scheduler)
        return scheduler

    def close(self) -> None:
        for scheduler in self._schedulers:
            scheduler.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    the_bench = Bench(tmp_path)
    yield the_bench
    the_bench.close()


def in_another_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Begin something; what it returns, or raises, is put into the list."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


@pytest.mark.parametrize("stuck", ["ended", "completed", "bought", "claim"])
def test_a_ledger_that_does_not_answer_holds_up_no_poll_and_no_download(bench: Bench, stuck: str) -> None:
    """Two reports of earlier runs are polled and downloaded while a write for a third is stuck."""
    polls: Counter[str] = Counter()
    downloads: list[str] = []
    is_going_on = threading.Event()
    ledger = StuckLedger(stuck, after=3 if stuck == "claim" else 0)  # the window that is bought is claimed last
    for _ in range(3):
        bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    bench.clock.advance(3600)

    def on_detail(_seller: str, report_id: str) -> None:
        polls[report_id] += 1
        if not ledger.answers.is_set() and report_id != "R-3":
            if ledger.is_asked.is_set() and polls[report_id] > 3:
                is_going_on.set()
            raise CallError("not now")

    bench.api.on_detail = on_detail
    bench.api.on_download = downloads.append
    bench.api.final = lambda report_id: ReportStatus.FAILED if report_id == "R-4" else ReportStatus.COMPLETED
    if stuck == "ended":
        bench.api.reports["R-3"].status = ReportStatus.FAILED
    requests = [request(number, report_id=f"R-{number + 1}") for number in range(3)]
    scheduler = bench.scheduler(*requests, request(3), ledger=ledger, max_concurrent_reports=8)
    thread, results = in_another_thread(lambda: scheduler.take(requests[0]))
    assert is_going_on.wait(PATIENCE), f"nothing was polled while {stuck} was stuck"
    assert scheduler.progress().reports  # nobody waits for the lock
    ledger.answers.set()
    thread.join(PATIENCE)
    assert isinstance(results[0], Delivery)


def test_a_download_continues_while_the_ledger_does_not_answer(bench: Bench) -> None:
    ledger = StuckLedger("completed")
    fetched = threading.Event()
    bench.api.on_download = lambda _report_id: fetched.set()
    wanted = request()
    scheduler = bench.scheduler(wanted, ledger=ledger)
    thread, results = in_another_thread(lambda: scheduler.take(wanted))
    assert ledger.is_asked.wait(PATIENCE)
    assert fetched.wait(PATIENCE)
    ledger.answers.set()
    thread.join(PATIENCE)
    assert isinstance(results[0], Delivery)


@pytest.mark.parametrize("stuck", ["claim", "bought", "ended", "released", "completed"])
def test_a_stop_is_heard_while_the_ledger_does_not_answer(bench: Bench, stuck: str) -> None:
    ledger = StuckLedger(stuck)
    bench.api.final = lambda _report_id: ReportStatus.FAILED if stuck == "ended" else ReportStatus.COMPLETED
    if stuck == "released":
        bench.api.on_detail = lambda _seller, _report_id: bench.clock.advance(30_000)
        bench.api.generation = lambda _seller, _identifier: float("inf")
    requests = [request(number) for number in range(20)]
    scheduler = bench.scheduler(*requests, ledger=ledger, max_concurrent_reports=2)
    thread, _ = in_another_thread(lambda: scheduler.take(requests[0]))
    assert ledger.is_asked.wait(PATIENCE)
    stopping, _ = in_another_thread(lambda: scheduler.stop("asked to"))
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    assert not ledger.answers.is_set()
    untouched = scheduler.take(requests[-1])
    assert isinstance(untouched, Deferred)
    assert not ledger.answers.is_set()
    ledger.answers.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("wanted", "undone_by"),
    [(request(), "not bought"), (request(report_id="R-1"), "released")],
    ids=["to be bought", "bought earlier"],
)
def test_a_claim_that_was_being_written_when_the_run_was_stopped_is_undone(
    wanted: ReportRequest, undone_by: str, bench: Bench
) -> None:
    ledger = StuckLedger("claim")
    scheduler = bench.scheduler(wanted, ledger=ledger)
    thread, results = in_another_thread(lambda: scheduler.take(wanted))
    assert ledger.is_asked.wait(PATIENCE)
    scheduler.stop("asked to")
    thread.join(PATIENCE)
    ledger.answers.set()
    scheduler.close()
    assert isinstance(results[0], Deferred)
    assert ledger.calls == ["claim", undone_by]
    assert bench.api.reports == {}
    assert scheduler.budget.triggers == 0


def test_what_is_claimed_and_not_sent_when_the_run_is_stopped_is_undone(bench: Bench) -> None:
    has_claimed, may_answer = threading.Event(), threading.Event()
    claimed: list[str] = []
    undone: list[str] = []

    class CountingLedger(NoLedger):
        def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
            claimed.append(correlation_id)
            if len(claimed) == 5:
                has_claimed.set()
            return super().claim(request, correlation_id=correlation_id)

        def not_bought(self, *, correlation_id: str) -> None:
            undone.append(correlation_id)

    def on_trigger(_seller: str, _identifier: str) -> None:
        assert may_answer.wait(PATIENCE)

    bench.api.on_trigger = on_trigger
    requests = [request(number) for number in range(5)]
    limits = {"max_concurrent_reports": 5, "max_concurrent_reports_per_seller": 5}
    scheduler = bench.scheduler(*requests, ledger=CountingLedger(), **limits)
    thread, _ = in_another_thread(lambda: scheduler.take(requests[0]))
    assert has_claimed.wait(PATIENCE)
    scheduler.stop("asked to")
    assert isinstance(scheduler.take(requests[-1]), Deferred)
    may_answer.set()
    thread.join(PATIENCE)
    scheduler.close()
    assert len(undone) == 5 - len(bench.api.reports) > 0
    assert set(undone) <= set(claimed)
    assert scheduler.budget.triggers == len(bench.api.reports)


def test_a_purchase_is_reported_before_it_is_recorded_and_recorded_before_the_end(bench: Bench) -> None:
    ledger = StuckLedger("bought")
    wanted = request()
    scheduler = bench.scheduler(wanted, ledger=ledger)
    thread, _ = in_another_thread(lambda: scheduler.take(wanted))
    assert ledger.is_asked.wait(PATIENCE)
    scheduler.stop("asked to")
    scheduler.deliver_events()
    assert [event.kind for event in bench.events] == [EventKind.TRIGGERED]
    ledger.answers.set()
    thread.join(PATIENCE)
    scheduler.close()
    assert ledger.calls[:2] == ["claim", "bought"]


@pytest.mark.parametrize(
    ("error", "costs"),
    [
        (AnswerNotUnderstoodError("no id", answer="{}"), 1),
        (RateLimitedError("slow down", retry_after=30_000.0), 0),
    ],
    ids=["not understood", "limited"],
)
def test_what_was_claimed_and_not_triggered_is_taken_off_the_budget_once(
    error: Exception, costs: int, bench: Bench
) -> None:
    requests = [request(number) for number in range(7)]
    has_claimed = threading.Event()
    sent: list[str] = []

    class CountingLedger(NoLedger):
        claims = 0

        def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
            self.claims += 1
            if self.claims == len(requests):
                has_claimed.set()
            return super().claim(request, correlation_id=correlation_id)

    def on_trigger(_seller: str, identifier: str) -> None:
        assert has_claimed.wait(PATIENCE)
        sent.append(identifier)
        raise error

    bench.api.on_trigger = on_trigger
    limits = {"max_concurrent_reports": 7, "max_concurrent_reports_per_seller": 7}
    scheduler = bench.scheduler(*requests, ledger=CountingLedger(), **limits)
    for wanted in requests:
        with suppress(AnswerNotUnderstoodError):
            assert isinstance(scheduler.take(wanted), Deferred)
    assert scheduler.budget.triggers == costs * len(sent)


@pytest.mark.parametrize(
    ("error", "other"),
    [
        (AuthenticationError("the token is dead"), {"seller_id": "bose"}),
        (RateLimitedError("slow down", retry_after=30_000.0), {"seller_id": "bose"}),
        (AnswerNotUnderstoodError("no id", answer="{}"), {"stream": "sales_ledger", "identifier": "sales_ledger"}),
    ],
    ids=["no token", "limited", "not understood"],
)
def test_what_calls_off_the_claims_of_a_seller_or_a_type_leaves_those_of_others_alone(
    error: Exception, other: dict[str, str], bench: Bench
) -> None:
    ended, others = request(0), [request(number, **other) for number in range(1, 4)]
    called_off = threading.Event()
    undone: list[str] = []

    class CountingLedger(NoLedger):
        def __init__(self) -> None:
            self.claims: dict[str, ReportRequest] = {}
            self.has_all = threading.Event()

        def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
            self.claims[correlation_id] = request
            if len(self.claims) == 4:
                self.has_all.set()
            return super().claim(request, correlation_id=correlation_id)

        def not_bought(self, *, correlation_id: str) -> None:
            undone.append(correlation_id)

    ledger = CountingLedger()

    def on_trigger(seller: str, identifier: str) -> None:
        assert ledger.has_all.wait(PATIENCE)
        if (seller, identifier) == ("acme", "orders_report"):
            raise error
        assert called_off.wait(PATIENCE)

    bench.api.on_trigger = on_trigger
    limits = {"max_concurrent_reports": 4, "max_concurrent_reports_per_seller": 4}
    scheduler = bench.scheduler(ended, *others, ledger=ledger, **limits)
    with suppress(AnswerNotUnderstoodError, AuthenticationError):
        assert isinstance(scheduler.take(ended), Deferred)
    called_off.set()
    assert all(isinstance(scheduler.take(wanted), Delivery) for wanted in others)
    assert {ledger.claims[correlation_id] for correlation_id in undone} <= {ended}
    assert len(ledger.claims) == 4


def test_a_claim_that_is_being_written_when_its_type_is_blocked_is_not_triggered(bench: Bench) -> None:
    ledger = StuckLedger("claim", after=1)
    sent: list[str] = []

    def on_trigger(_seller: str, identifier: str) -> None:
        assert ledger.is_asked.wait(PATIENCE)
        sent.append(identifier)
        raise AnswerNotUnderstoodError("no id", answer="{}")

    bench.api.on_trigger = on_trigger
    first, second = request(0), request(1)
    scheduler = bench.scheduler(first, second, ledger=ledger)
    with pytest.raises(AnswerNotUnderstoodError):
        scheduler.take(first)
    ledger.answers.set()
    deferred = scheduler.take(second)
    assert isinstance(deferred, Deferred)
    assert "was not understood" in deferred.reason
    assert len(sent) == scheduler.budget.triggers == 1


def test_a_ledger_that_is_broken_ends_the_run_in_the_thread_that_waits(bench: Bench) -> None:
    class Broken(NoLedger):
        def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:  # noqa: ARG002 - the port's
            raise LedgerError("the report ledger cannot be used")

    requests = [request(number) for number in range(3)]
    scheduler = bench.scheduler(*requests, ledger=Broken())
    for wanted in requests:
        with pytest.raises(LedgerError, match="cannot be used"):
            scheduler.take(wanted)
    assert bench.api.reports == {}


def test_a_thread_that_dies_ends_the_run_with_a_sentence(bench: Bench) -> None:
    class Odd(VirtualClock):
        def wait(self, condition: threading.Condition, seconds: float | None) -> None:
            if threading.current_thread().name.startswith("report-"):
                raise OverflowError("timestamp out of range for platform time_t")
            super().wait(condition, seconds)

    bench.clock = Odd()
    wanted = request()
    scheduler = bench.scheduler(wanted)
    with pytest.raises(WorkerError, match=r"a thread of the run has ended \(OverflowError: timestamp out of range"):
        scheduler.take(wanted)
    scheduler.close()


def test_a_machine_without_room_for_threads_ends_the_run_with_a_sentence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    wanted = request()
    scheduler = bench.scheduler(wanted)
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(WorkerError, match="no room for another thread"):
        scheduler.take(wanted)
    monkeypatch.undo()
    assert bench.api.reports == {}


def test_with_room_for_few_threads_the_run_continues(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def start_few(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    requests = [request(number) for number in range(5)]
    scheduler = bench.scheduler(*requests)
    monkeypatch.setattr(threading.Thread, "start", start_few)
    assert all(isinstance(scheduler.take(wanted), Delivery) for wanted in requests)
    monkeypatch.undo()


def test_a_machine_with_room_for_the_ledgers_thread_alone_ends_the_run_with_a_sentence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def start_one(thread: threading.Thread) -> None:
        if thread.name != "report-ledger":
            raise RuntimeError("can't start new thread")
        start(thread)

    wanted = request()
    scheduler = bench.scheduler(wanted)
    monkeypatch.setattr(threading.Thread, "start", start_one)
    with pytest.raises(
        WorkerError, match=r"^the machine has no room for another thread: nothing was bought; run again$"
    ):
        scheduler.take(wanted)
    monkeypatch.undo()


def test_threads_end_when_the_ledger_breaks_whatever_was_still_to_be_written(bench: Bench) -> None:
    class Breaking(StuckLedger):
        def bought(self, *, correlation_id: str, report_id: str, unanswered: int) -> str | None:
            super().bought(correlation_id=correlation_id, report_id=report_id, unanswered=unanswered)
            raise LedgerError("the report ledger cannot be used")

    ledger = Breaking("bought")
    has_second = threading.Event()
    bench.api.on_trigger = lambda _seller, _identifier: has_second.set() if bench.api.reports else None
    requests = [request(number) for number in range(2)]
    scheduler = bench.scheduler(*requests, ledger=ledger)
    thread, results = in_another_thread(lambda: scheduler.take(requests[0]))
    assert has_second.wait(PATIENCE)
    assert ledger.is_asked.wait(PATIENCE)
    workers = [one for one in threading.enumerate() if one.name.startswith("report-")]
    ledger.answers.set()
    thread.join(PATIENCE)
    assert isinstance(results[0], LedgerError)
    for worker in workers:
        assert worker.daemon  # or a call that hangs would keep the process
        worker.join(PATIENCE)
    assert [worker.name for worker in workers if worker.is_alive()] == []


def test_a_thread_that_has_ended_is_started_again_beside_one_that_runs() -> None:
    changed, is_over, has_restarted = threading.Condition(), threading.Event(), threading.Event()
    may_end = threading.Event()
    errors: list[BaseException] = []

    def ends_once() -> None:
        assert may_end.wait(PATIENCE)
        if not errors:
            raise OverflowError("once")
        has_restarted.set()
        is_over.set()

    def told(error: BaseException) -> None:
        errors.append(error)
        has_ended.set()

    has_ended = threading.Event()
    threads = Threads(
        clock=VirtualClock(), changed=changed, is_over=is_over.is_set, seconds_to_next=lambda: 1.0, on_end=told
    )
    steps: dict[str, Callable[[], Callable[[], None] | None]] = {
        "report-stays": lambda: None,
        "report-ends": lambda: None if is_over.is_set() else ends_once,
    }
    threads.start(steps)
    (ending,) = (one for one in threading.enumerate() if one.name == "report-ends")
    may_end.set()
    assert has_ended.wait(PATIENCE)
    ending.join(PATIENCE)  # one that is about to end is not listed any more, and not yet over
    threads.start(steps)
    assert has_restarted.wait(PATIENCE)
    threads.join(until=PATIENCE)
    assert [str(error) for error in errors] == ["once"]


def test_a_thread_whose_call_hangs_is_waited_for_until_the_end_and_no_longer() -> None:
    clock, hangs = VirtualClock(), threading.Event()
    clock.advance(PATIENCE)
    threads = Threads(
        clock=clock,
        changed=threading.Condition(),
        is_over=hangs.is_set,
        seconds_to_next=lambda: None,
        on_end=lambda _error: None,
    )

    def hang() -> None:
        assert hangs.wait(PATIENCE)

    threads.start({"report-hangs": lambda: None if hangs.is_set() else hang})
    threads.join(until=PATIENCE)
    assert not hangs.is_set()
    hangs.set()


def steps_to_leave(number: int, folder: Path) -> int:
    """Lines that the interpreter runs to leave so many windows after a stop."""
    bench = Bench(folder)
    requests = [request(one) for one in range(number)]
    scheduler = Scheduler(api=bench.api, clock=bench.clock, limits=Limits(), folder=folder, workers=0)
    scheduler.submit(requests)
    scheduler.stop("asked to")
    steps = 0

    def trace(_frame: object, event: str, _argument: object) -> Any:
        nonlocal steps
        steps += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for wanted in requests:
            scheduler.take(wanted)
    finally:
        sys.settrace(before)
    return steps


def test_leaving_windows_takes_steps_in_proportion_to_their_number(tmp_path: Path) -> None:
    few, many = steps_to_leave(100, tmp_path), steps_to_leave(1600, tmp_path)
    assert many <= 1.3 * 16 * few
