"""The scheduler in virtual time: no threads, no network, always the same order."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.clocks import VirtualClock
from support.scripted_api import ScriptedApi

from tap_flipkart_reports.exceptions import (
    AnotherReportError,
    AnswerLostError,
    AnswerNotUnderstoodError,
    AuthenticationError,
    CallError,
    CallRefusedError,
    ClaimLostError,
    LedgerError,
    LinkRefusedError,
    MixedUpReportError,
    OutageError,
    RateLimitedError,
    ReportExpiredError,
    ReportFailedError,
    ReportTimeoutError,
)
from tap_flipkart_reports.purchasing.events import Deferred, Delivery, EventKind, ReportEvent, RunProgress
from tap_flipkart_reports.purchasing.limits import Limits
from tap_flipkart_reports.purchasing.outcomes import DEAD_LINK_SECONDS, MIN_DEAD_LINKS, NOT_FOUND_SECONDS
from tap_flipkart_reports.purchasing.ports import NoLedger, ReportLedger
from tap_flipkart_reports.purchasing.report_detail import ReportStatus
from tap_flipkart_reports.purchasing.requests import (
    Claim,
    Priority,
    PurchaseStatus,
    Reading,
    ReportRequest,
    TriggerAnswer,
)
from tap_flipkart_reports.purchasing.scheduler import Scheduler
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

DAY_ONE = date(2026, 1, 1)


def request(
    number: int = 0, *, seller: str = "acme", stream: str = "orders_report", **attributes: Any
) -> ReportRequest:
    day = DAY_ONE + timedelta(days=number)
    attributes.setdefault("report_timeout", 21600.0)
    return ReportRequest(
        stream=stream,
        identifier=stream,
        seller_id=seller,
        window=Window(day, day),
        parameters={"from_date": str(day), "to_date": str(day)},
        **attributes,
    )


class RecordingLedger(NoLedger):
    """Grants everything, or as it is told, and remembers what it was asked."""

    def __init__(self, claims: Sequence[Claim] = ()) -> None:
        self._claims = list(claims)
        self.calls: list[str] = []
        self.answers: list[str] = []
        self.booked: list[tuple[str, str, int]] = []
        self.owner: str | None = None
        self.ends: list[PurchaseStatus] = []

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
        self.calls.append("claim")
        return self._claims.pop(0) if self._claims else super().claim(request, correlation_id=correlation_id)

    def bought(self, *, correlation_id: str, report_id: str, unanswered: int) -> str | None:
        self.calls.append("bought")
        self.booked.append((correlation_id, report_id, unanswered))
        return self.owner

    def not_bought(self, *, correlation_id: str) -> None:
        self.booked.append((correlation_id, "not bought", 0))

    def lost(self, *, correlation_id: str, unanswered: int) -> None:
        self.booked.append((correlation_id, "lost", unanswered))

    def not_understood(self, *, correlation_id: str, answer: str, unanswered: int) -> None:
        self.answers.append(answer)
        self.booked.append((correlation_id, "not understood", unanswered))

    def ended(self, request: ReportRequest, *, report_id: str, status: PurchaseStatus) -> None:  # noqa: ARG002 - the port's
        self.ends.append(status)

    def released(self, request: ReportRequest) -> None:  # noqa: ARG002 - the port's
        self.calls.append("released")


class Bench:
    """A scheduler over a scripted API in virtual time."""

    def __init__(self, folder: Path, **script: Any) -> None:
        self.clock = VirtualClock()
        self.api = ScriptedApi(clock=self.clock, **script)
        self.events: list[ReportEvent] = []
        self.folder = folder

    def scheduler(
        self, *requests: ReportRequest, ahead: bool = True, ledger: ReportLedger | None = None, **limits: Any
    ) -> Scheduler:
        scheduler = Scheduler(
            api=self.api,
            clock=self.clock,
            limits=Limits(**limits),
            folder=self.folder,
            on_events=self.events.extend,
            ledger=ledger,
            workers=0,
            ahead=ahead,
        )
        scheduler.submit(requests)
        return scheduler

    def told(self) -> list[tuple[str, str | None]]:
        return [(event.kind.value, event.report_id) for event in self.events]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def raising(*errors: Exception | None) -> Callable[..., None]:
    """A hook that raises these one after the other, then nothing any more."""
    left = list(errors)

    def hook(*_arguments: object) -> None:
        if left and (error := left.pop(0)) is not None:
            raise error

    return hook


def test_a_report_is_triggered_polled_and_delivered(bench: Bench) -> None:
    wanted = request()
    scheduler = bench.scheduler(wanted)
    delivery = scheduler.take(wanted)
    assert isinstance(delivery, Delivery)
    assert delivery.path.read_text() == "R-1"
    assert bench.told() == [("triggered", "R-1"), ("completed", "R-1"), ("downloaded", "R-1")]
    scheduler.release(delivery, stream=delivery.request.stream)
    assert not delivery.path.exists()


def test_reports_are_lived_through_at_once_within_both_caps(bench: Bench) -> None:
    requests = [request(number, seller=seller) for seller in ("acme", "bose", "cipla") for number in range(10)]
    scheduler = bench.scheduler(*requests, max_concurrent_reports=8, max_concurrent_reports_per_seller=3)
    for wanted in requests:
        assert isinstance(scheduler.take(wanted), Delivery)
    assert bench.api.most_in_progress == 8
    assert bench.api.most_of_a_seller == 3
    assert len(bench.api.reports) == len(requests)


def test_sellers_are_served_in_turn(bench: Bench) -> None:
    requests = [request(number, seller=seller) for seller in ("acme", "bose", "cipla", "dabur") for number in range(5)]
    scheduler = bench.scheduler(*requests, max_concurrent_reports=4)
    scheduler.take(requests[0])
    first_four = [report.seller_id for report in list(bench.api.reports.values())[:4]]
    assert sorted(first_four) == ["acme", "bose", "cipla", "dabur"]


def test_the_newest_window_goes_before_the_lookback_and_that_before_the_backfill(bench: Bench) -> None:
    backfill, lookback, newest = (
        request(0),
        request(1, priority=Priority.LOOKBACK),
        request(2, priority=Priority.NEWEST),
    )
    scheduler = bench.scheduler(backfill, lookback, newest, max_concurrent_reports=1)
    scheduler.take(backfill)
    assert [report.parameters["from_date"] for report in bench.api.reports.values()] == [
        "2026-01-03",
        "2026-01-02",
        "2026-01-01",
    ]


def test_a_report_bought_earlier_is_adopted_and_not_triggered(bench: Bench) -> None:
    bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="of an earlier run")
    wanted = request(report_id="R-1")
    delivery = bench.scheduler(wanted).take(wanted)
    assert isinstance(delivery, Delivery)
    assert delivery.report_id == "R-1"
    assert len(bench.api.reports) == 1
    assert bench.told()[0] == ("adopted", "R-1")


def not_found(*, is_own_answer: bool, report_id: str) -> Callable[[str, str], None]:
    """A hook: detail answers 404 about one report, as the API itself or as some gateway before it."""

    def hook(_seller: str, asked: str) -> None:
        if asked == report_id:
            raise CallRefusedError("404", status=404, is_own_answer=is_own_answer)

    return hook


def test_a_report_that_the_api_itself_says_for_minutes_not_to_know_is_bought_again(bench: Bench) -> None:
    bench.api.on_detail = not_found(is_own_answer=True, report_id="R-of-old")
    wanted = request(report_id="R-of-old")
    delivery = bench.scheduler(wanted).take(wanted)
    assert isinstance(delivery, Delivery)
    assert bench.told()[:3] == [("adopted", "R-of-old"), ("abandoned", "R-of-old"), ("triggered", "R-1")]
    assert bench.api.reports["R-1"].triggered_at >= NOT_FOUND_SECONDS


def test_the_404_of_a_gateway_never_makes_the_tap_forget_a_report(bench: Bench) -> None:
    bench.api.on_detail = not_found(is_own_answer=False, report_id="R-of-old")
    wanted = request(report_id="R-of-old", report_timeout=7200.0)
    with pytest.raises(ReportTimeoutError, match="report_timeout"):
        bench.scheduler(wanted).take(wanted)
    assert bench.told() == [("adopted", "R-of-old")]


def test_a_404_counts_only_as_long_as_no_other_answer_comes_between(bench: Bench) -> None:
    answers = itertools.cycle([True, True, True, False])
    polls: list[float] = []

    def hook(_seller: str, _report_id: str) -> None:
        polls.append(bench.clock.monotonic())
        if polls[-1] < 3 * NOT_FOUND_SECONDS:
            raise CallRefusedError("404", status=404, is_own_answer=next(answers))

    bench.api.on_detail = hook
    wanted = request()
    assert isinstance(bench.scheduler(wanted).take(wanted), Delivery)
    assert len(polls) > 12
    assert len(bench.api.reports) == 1


@pytest.mark.parametrize(
    ("status", "error"), [(ReportStatus.FAILED, ReportFailedError), (ReportStatus.EXPIRED, ReportExpiredError)]
)
def test_a_report_that_keeps_failing_is_triggered_three_times_and_no_more(
    tmp_path: Path, status: ReportStatus, error: type[Exception]
) -> None:
    bench = Bench(tmp_path, final=lambda _report_id: status)
    wanted = request()
    ledger = RecordingLedger()
    scheduler = bench.scheduler(wanted, ledger=ledger)
    with pytest.raises(error, match="3 times over"):
        scheduler.take(wanted)
    scheduler.close()
    assert ledger.ends == [PurchaseStatus[status.name]] * 3
    assert ledger.calls == ["claim", "bought"] * 3  # what is gone is not released besides
    assert len(bench.api.reports) == 3
    assert [change for change, _ in bench.told()] == ["triggered", "abandoned"] * 3


def test_a_failed_report_is_not_triggered_again_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.api.final = lambda report_id: ReportStatus.FAILED if report_id == "R-1" else ReportStatus.COMPLETED
    wanted = request()
    assert isinstance(bench.scheduler(wanted, poll_interval=5).take(wanted), Delivery)
    first, second = bench.api.reports.values()
    assert second.triggered_at - (first.triggered_at + first.generation) >= 60


def test_a_dead_link_is_renewed_from_the_detail_and_nothing_is_bought_again(bench: Bench) -> None:
    dead = LinkRefusedError("the link is dead", status=403)
    bench.api.on_download = raising(dead, dead)
    wanted = request()
    assert isinstance(bench.scheduler(wanted).take(wanted), Delivery)
    assert len(bench.api.reports) == 1


def refused_links(bench: Bench, *report_ids: str, until: float = float("inf")) -> Callable[[str], None]:
    """A hook: the storage refuses the links of some reports."""

    def hook(report_id: str) -> None:
        if report_id in report_ids and bench.clock.monotonic() < until:
            raise LinkRefusedError("the link is dead", status=403)

    return hook


def test_links_that_are_refused_for_many_minutes_make_the_report_expired(bench: Bench) -> None:
    bench.api.on_download = refused_links(bench, "R-1")
    wanted = request()
    delivery = bench.scheduler(wanted).take(wanted)
    assert isinstance(delivery, Delivery)
    assert delivery.report_id == "R-2"
    assert bench.api.reports["R-2"].triggered_at >= DEAD_LINK_SECONDS
    assert bench.api.reports["R-1"].polls >= MIN_DEAD_LINKS


@pytest.mark.parametrize("away", [12.0, 600.0])
def test_a_storage_that_is_away_for_a_while_costs_no_report(bench: Bench, away: float) -> None:
    bench.api.on_download = refused_links(bench, "R-1", until=60.0 + away)
    wanted = request()
    assert isinstance(bench.scheduler(wanted, poll_interval=1).take(wanted), Delivery)
    assert len(bench.api.reports) == 1


def test_a_second_report_whose_links_are_refused_too_is_the_last(bench: Bench) -> None:
    bench.api.on_download = refused_links(bench, "R-1", "R-2", "R-3")
    ledger = RecordingLedger()
    wanted = request()
    with pytest.raises(ReportExpiredError, match="as were those of a report bought before it"):
        bench.scheduler(wanted, ledger=ledger).take(wanted)
    assert len(bench.api.reports) == 2
    assert bench.told()[-1] == ("completed", "R-2")


def test_downloads_that_come_to_nothing_in_different_ways_end_with_the_time_for_a_report(bench: Bench) -> None:
    dead, cut = LinkRefusedError("the link is dead", status=403), CallError("cut")
    bench.api.on_download = raising(*[dead, cut] * 1000)
    wanted = request(report_timeout=3600.0)
    with pytest.raises(CallError, match=r"cut|dead"):
        bench.scheduler(wanted).take(wanted)
    assert len(bench.api.reports) == 1
    assert bench.api.reports["R-1"].polls < 3660 / Limits().poll_interval + 5
    assert 3600 < bench.clock.monotonic() < 3700


def test_what_an_earlier_run_found_to_be_the_last_report_stays_the_last(bench: Bench) -> None:
    bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    bench.api.on_download = refused_links(bench, "R-1", "R-2")
    ledger = RecordingLedger(claims=[Claim(report_id="R-1", is_last_purchase=True)])
    wanted = request()
    scheduler = bench.scheduler(wanted, ledger=ledger)
    with pytest.raises(ReportExpiredError, match="no other one is bought"):
        scheduler.take(wanted)
    scheduler.close()
    assert len(bench.api.reports) == 1
    assert ledger.ends == [PurchaseStatus.LINKS_REFUSED]


def test_a_detail_that_names_another_report_is_not_believed(bench: Bench) -> None:
    bench.api.on_detail = raising(AnotherReportError("the detail of another report"))
    wanted, mixed = request(0), request(1)
    scheduler = bench.scheduler(wanted)
    assert isinstance(scheduler.take(wanted), Delivery)
    bench.api.on_detail = raising(*[AnotherReportError("the detail of another report")] * 9)
    scheduler = bench.scheduler(mixed)
    with pytest.raises(AnotherReportError):
        scheduler.take(mixed)
    assert len(bench.api.reports) == 2


def test_one_report_id_for_two_windows_is_refused_and_nothing_more_of_its_type_is_bought(bench: Bench) -> None:
    bench.api.named = lambda _report_id: "R-1"
    requests = [request(number) for number in range(6)]
    other = request(0, stream="sales_ledger")
    scheduler = bench.scheduler(*requests, max_concurrent_reports=1)
    assert isinstance(scheduler.take(requests[0]), Delivery)
    with pytest.raises(AnswerNotUnderstoodError, match="report R-1, which belongs to orders_report, seller acme"):
        scheduler.take(requests[1])
    assert all(isinstance(scheduler.take(wanted), Deferred) for wanted in requests[2:])
    assert len(bench.api.reports) == 2
    bench.api.named = lambda report_id: report_id
    scheduler.submit([other])
    assert isinstance(scheduler.take(other), Delivery)


def test_what_a_trigger_may_have_bought_besides_is_counted_though_its_answer_names_another_windows_report(
    bench: Bench,
) -> None:
    def on_trigger(_seller: str, _identifier: str) -> None:
        bench.api.unanswered = 2 if bench.api.reports else 0

    bench.api.named, bench.api.on_trigger = lambda _report_id: "R-1", on_trigger
    first, second = request(0), request(1)
    ledger = RecordingLedger()
    scheduler = bench.scheduler(first, second, ledger=ledger, max_concurrent_reports=1)
    assert isinstance(scheduler.take(first), Delivery)
    with pytest.raises(AnswerNotUnderstoodError):
        scheduler.take(second)
    scheduler.close()
    assert scheduler.budget.triggers == 1 + 3
    assert [booked[1:] for booked in ledger.booked] == [("R-1", 0), ("not understood", 2)]


def test_a_report_that_a_state_names_for_two_windows_is_read_for_one(bench: Bench) -> None:
    bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    first, second = request(0, report_id="R-1"), request(1, report_id="R-1")
    scheduler = bench.scheduler(first, second)
    assert isinstance(scheduler.take(first), Delivery)
    with pytest.raises(MixedUpReportError, match=r"belongs to orders_report.*2026-01-01.*given_up_reports"):
        scheduler.take(second)
    assert len(bench.api.reports) == 1


def test_one_link_for_two_windows_fails_the_second(bench: Bench) -> None:
    bench.api.location = lambda _report_id: "https://files.test/one"
    first, second = request(0), request(1)
    scheduler = bench.scheduler(first, second, max_concurrent_reports=1)
    assert isinstance(scheduler.take(first), Delivery)
    with pytest.raises(MixedUpReportError, match="its download link belongs to orders_report"):
        scheduler.take(second)


@pytest.mark.parametrize(
    ("rows", "second", "outcome"),
    [
        (5, request(1, rows_have_ids=True), MixedUpReportError),
        (5, request(0, rows_have_ids=True, seller="bose"), MixedUpReportError),
        (0, request(1, rows_have_ids=True), Delivery),
        (5, request(1, rows_have_ids=True, stream="returns_report"), Delivery),
        (99, request(0, seller="bose"), Delivery),
        (100, request(0, seller="bose"), MixedUpReportError),
        (100, request(1), Delivery),
    ],
    ids=[
        *("another window", "another seller", "no rows", "another type"),
        *("few rows without ids", "many rows without ids", "a stock that has not moved"),
    ],
)
def test_the_very_same_rows_for_two_windows_fail_the_second(
    bench: Bench, rows: int, second: ReportRequest, outcome: type
) -> None:
    bench.api.sha256 = lambda _report_id: "the same"
    first = request(0)
    scheduler = bench.scheduler(first, second)
    delivery = scheduler.take(first)
    assert isinstance(delivery, Delivery)
    scheduler.finish(delivery, Reading(rows=rows), stream=first.stream)
    scheduler.release(delivery, stream=first.stream)
    if outcome is Delivery:
        assert isinstance(scheduler.take(second), Delivery)
        return
    with pytest.raises(MixedUpReportError, match="its file is byte for byte that of orders_report, seller acme"):
        scheduler.take(second)
    assert list(bench.folder.iterdir()) == []


def test_an_answer_that_is_not_understood_ends_the_triggers_of_its_type(bench: Bench) -> None:
    def hook(_seller: str, identifier: str) -> None:
        if identifier == "orders_report":
            raise AnswerNotUnderstoodError("where is the id", answer='{"reportId": "R-9"}')

    bench.api.on_trigger = hook
    requests = [request(number) for number in range(9)]
    other = request(0, stream="sales_ledger")
    ledger = RecordingLedger()
    scheduler = bench.scheduler(*requests, other, ledger=ledger)
    with pytest.raises(AnswerNotUnderstoodError, match="where is the id"):
        scheduler.take(requests[0])
    reasons = {scheduler.take(wanted).reason for wanted in requests[1:]}  # type: ignore[union-attr]  # all are deferred
    assert reasons == {"the answer to a trigger of orders_report was not understood, so this run makes no other"}
    assert isinstance(scheduler.take(other), Delivery)
    assert scheduler.budget.triggers == 2
    assert bench.told()[0] == ("bought, but its id could not be read from the answer", None)
    assert ledger.answers == ['{"reportId": "R-9"}']


def test_an_answer_that_is_understood_later_costs_no_second_report(bench: Bench) -> None:
    bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    bench.api.on_answer = lambda answer: "R-1" if answer == "kept" else None
    ledger = RecordingLedger(claims=[Claim(unread_answer="kept", correlation_id="c-1")])
    wanted = request()
    delivery = bench.scheduler(wanted, ledger=ledger).take(wanted)
    assert isinstance(delivery, Delivery)
    assert delivery.report_id == "R-1"
    assert ledger.booked == [("c-1", "R-1", 0)]
    still = RecordingLedger(claims=[Claim(unread_answer="odd", correlation_id="c-1")])
    with pytest.raises(AnswerNotUnderstoodError, match=r"c-1.*report_id_path.*given_up_reports.*odd"):
        bench.scheduler(wanted, ledger=still).take(wanted)
    assert len(bench.api.reports) == 1


def test_what_a_trigger_came_to_is_booked_under_its_correlation_id(bench: Bench) -> None:
    errors: list[Exception | None] = [
        CallError("no connection"),
        AnswerLostError("nobody knows the id", unanswered=3),
        None,
        AnswerNotUnderstoodError("where is the id", answer="{}", unanswered=2),
    ]
    bench.api.on_trigger = raising(*errors)
    bench.api.unanswered = 4
    ledger = RecordingLedger()
    first, second = request(0), request(1)
    scheduler = bench.scheduler(first, second, ledger=ledger, max_concurrent_reports=1)
    assert isinstance(scheduler.take(first), Delivery)
    with pytest.raises(AnswerNotUnderstoodError):
        scheduler.take(second)
    scheduler.close()
    words = sorted((word, unanswered) for _, word, unanswered in ledger.booked)
    assert words == [("R-1", 4), ("lost", 3), ("not bought", 0), ("not understood", 2)]
    assert len({correlation_id for correlation_id, _, _ in ledger.booked}) == 4
    told = {
        (event.kind, event.unanswered)
        for event in bench.events
        if event.report_id is None or event.kind.value == "triggered"
    }
    assert told == {(EventKind.LOST, 2), (EventKind.TRIGGERED, 4), (EventKind.NOT_UNDERSTOOD, 2)}
    assert scheduler.budget.triggers == 3 + 5 + 3


def test_triggers_that_bought_nothing_leave_no_trace(bench: Bench) -> None:
    sent: list[str] = []
    trigger = bench.api.trigger

    def watched(**arguments: Any) -> TriggerAnswer:
        sent.append(arguments["correlation_id"])
        return trigger(**arguments)

    bench.api.trigger = watched  # type: ignore[method-assign]  # it is only looked at
    passing = [CallError("no connection"), RateLimitedError("slow", retry_after=9.0), CallError("no connection")]
    bench.api.on_trigger = raising(*passing)
    ledger = RecordingLedger()
    wanted, other = request(0), request(1)
    scheduler = bench.scheduler(wanted, other, ledger=ledger, max_concurrent_reports=1, max_reports=2)
    assert isinstance(scheduler.take(wanted), Delivery)
    assert isinstance(scheduler.take(other), Delivery)
    assert [(one, word) for one, word, _ in ledger.booked if word == "not bought"] == [
        (correlation_id, "not bought") for correlation_id in sent[:3]
    ]
    assert len(set(sent)) == 5
    assert {event.attempt for event in bench.events} == {1}
    assert scheduler.budget.triggers == 2


def test_a_report_id_that_the_ledger_knows_of_another_window_is_refused(bench: Bench) -> None:
    ledger = RecordingLedger()
    ledger.owner = "orders_report, seller bose, 2025-01-01 to 2025-01-01"
    first, second = request(0), request(1)
    scheduler = bench.scheduler(first, second, ledger=ledger, max_concurrent_reports=1)
    with pytest.raises(
        MixedUpReportError, match="answered with report R-1, which belongs to orders_report, seller bose"
    ):
        scheduler.take(first)
    assert isinstance(scheduler.take(second), Deferred)
    assert bench.told() == [("triggered", "R-1"), ("abandoned", "R-1")]


def test_a_late_answer_whose_report_the_ledger_knows_of_another_window_is_refused_too(bench: Bench) -> None:
    bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    bench.api.on_answer = lambda _answer: "R-1"
    ledger = RecordingLedger(claims=[Claim(unread_answer="kept", correlation_id="c-1")])
    ledger.owner = "orders_report, seller bose, 2025-01-01 to 2025-01-01"
    wanted, other = request(0), request(1)
    scheduler = bench.scheduler(wanted, other, ledger=ledger, max_concurrent_reports=1)
    with pytest.raises(
        MixedUpReportError, match="answered with report R-1, which belongs to orders_report, seller bose"
    ):
        scheduler.take(wanted)
    assert isinstance(scheduler.take(other), Deferred)
    assert len(bench.api.reports) == 1


def test_progress_names_what_is_bought_the_oldest_first_and_counts_what_waits(tmp_path: Path) -> None:
    bench = Bench(tmp_path, generation=lambda _seller, _identifier: float("inf"))
    requests = [request(number) for number in range(5)]
    scheduler = bench.scheduler(*requests, max_concurrent_reports=2, max_wait=700.0, poll_interval=50)
    shown: list[RunProgress] = []
    polls = itertools.count()

    def on_detail(_seller: str, _report_id: str) -> None:
        bench.clock.advance(10)
        if next(polls) == 5:
            shown.append(scheduler.progress())

    bench.api.on_detail = on_detail
    scheduler.take(requests[0])
    (progress,) = shown
    bought = progress.reports
    assert (progress.waiting, progress.done, progress.total) == (3, 0, 5)
    assert [one.report_id for one in bought] == ["R-1", "R-2"]
    assert bought[0].age is not None
    assert bought[1].age is not None
    assert bought[0].age >= bought[1].age > 0
    assert {one.status for one in bought} == {"being asked for", "in progress"}
    (due,) = [one.next_poll for one in bought if one.next_poll is not None]
    assert 0 <= due <= 60
    ended = scheduler.progress()
    assert (ended.reports, ended.waiting, ended.done) == ([], 0, 5)


def test_progress_shows_ages_from_the_trigger_and_when_each_is_asked_about_next(bench: Bench) -> None:
    """The second request goes first, so the oldest report is not the first that was wanted."""
    shown: list[tuple[float, RunProgress]] = []

    def on_detail(_seller: str, _report_id: str) -> None:
        if not shown:
            bench.clock.advance(1000)
            shown.append((bench.clock.monotonic(), scheduler.progress()))

    bench.api.on_trigger = lambda _seller, _identifier: bench.clock.advance(2)
    bench.api.on_detail = on_detail
    requests = [request(0), request(1, priority=Priority.NEWEST)]
    scheduler = bench.scheduler(*requests, poll_interval=100)
    assert all(isinstance(scheduler.take(wanted), Delivery) for wanted in requests)
    ((now, progress),) = shown
    assert [(one.request, one.report_id, one.age) for one in progress.reports] == [
        (requests[1], "R-1", now - 2),
        (requests[0], "R-2", now - 4),
    ]
    assert {one.status: one.next_poll for one in progress.reports} == {"being asked for": None, "in progress": 0.0}
    assert [one.next_poll for one in scheduler.progress().reports] == [None, None]  # both wait on disk


def test_a_report_of_two_streams_is_finished_with_the_rows_of_both(bench: Bench) -> None:
    class Finishing(RecordingLedger):
        def finished(self, request: ReportRequest, reading: Reading) -> None:
            found = f"{reading.rows} {reading.rejected} {sorted(reading.fingerprints)}"
            self.calls.append(f"finished {request.identifier} {found}")

    wanted = request(streams=("orders_report", "orders_report_b"))
    ledger = Finishing()
    scheduler = bench.scheduler(wanted, ledger=ledger)
    delivery = scheduler.take(wanted)
    assert isinstance(delivery, Delivery)
    scheduler.finish(delivery, Reading(rows=3, rejected=1, fingerprints=frozenset({"a"})), stream="orders_report")
    scheduler.release(delivery, stream="orders_report")
    assert delivery.path.exists()
    assert not any(call.startswith("finished") for call in ledger.calls)
    assert "released" not in ledger.calls
    scheduler.finish(delivery, Reading(rows=4, rejected=2, fingerprints=frozenset({"b"})), stream="orders_report_b")
    scheduler.release(delivery, stream="orders_report_b")
    assert not delivery.path.exists()
    assert ledger.calls[-2:] == ["finished orders_report 7 3 ['a', 'b']", "released"]


@pytest.mark.parametrize(
    "claim", [Claim(held_by="process 7 on host"), Claim(report_id="R-1")], ids=["another worker", "bought earlier"]
)
def test_a_window_that_is_not_bought_after_all_costs_nothing_of_the_budget(bench: Bench, claim: Claim) -> None:
    if claim.report_id is not None:
        bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    first, second = request(0), request(1)
    scheduler = bench.scheduler(first, second, ledger=RecordingLedger(claims=[claim]), max_reports=1)
    outcome = scheduler.take(first)
    assert isinstance(scheduler.take(second), Delivery)
    assert scheduler.budget.triggers == 1
    if isinstance(outcome, Deferred):
        assert outcome.reason == "another worker (process 7 on host) is getting it"


def test_a_worker_that_lost_its_claim_while_it_slept_sends_nothing(bench: Bench) -> None:
    class Sleeper(RecordingLedger):
        def confirm(self, *, correlation_id: str) -> None:  # noqa: ARG002 - the port's
            raise ClaimLostError("another worker has taken it over while this one slept")

    wanted = request()
    scheduler = bench.scheduler(wanted, ledger=Sleeper())
    deferred = scheduler.take(wanted)
    assert isinstance(deferred, Deferred)
    assert deferred.reason == "another worker has taken it over while this one slept"
    assert scheduler.budget.triggers == len(bench.api.reports) == 0


def test_what_may_have_been_bought_besides_is_counted(bench: Bench) -> None:
    bench.api.unanswered = 2
    wanted = request()
    scheduler = bench.scheduler(wanted)
    scheduler.take(wanted)
    assert bench.events[0].unanswered == 2
    assert scheduler.budget.triggers == 3


@pytest.mark.parametrize("error", [AnswerLostError("nobody knows the id"), CallError("no connection")])
def test_a_window_that_cools_down_is_not_held_so_that_nothing_has_to_be_released(
    bench: Bench, error: CallError
) -> None:
    """Its type is blocked while it cools down, so it is left over without another claim."""
    bench.api.on_trigger = raising(error, AnswerNotUnderstoodError("where is the id", answer="{}"))
    cooling, blocking, other = request(0), request(1), request(2, stream="sales_ledger")
    bench.api.generation = lambda _seller, _identifier: 600.0
    ledger = RecordingLedger()
    scheduler = bench.scheduler(cooling, blocking, other, ledger=ledger, max_concurrent_reports=1, poll_interval=5)
    assert isinstance(scheduler.take(cooling), Deferred)
    assert isinstance(scheduler.take(other), Delivery)
    assert ledger.calls.count("claim") == 3
    assert ledger.calls.count("released") == 1  # the window whose answer was not understood


def test_a_report_of_an_earlier_run_that_is_not_ready_in_time_is_released(tmp_path: Path) -> None:
    bench = Bench(tmp_path, generation=lambda seller, _identifier: float("inf") if seller == "acme" else 600.0)
    bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    late, other = request(0, report_id="R-1", report_timeout=60.0), request(1, seller="bose")
    ledger = RecordingLedger(claims=[Claim(report_id="R-1")])
    scheduler = bench.scheduler(late, other, ledger=ledger)
    with pytest.raises(ReportTimeoutError):
        scheduler.take(late)
    assert isinstance(scheduler.take(other), Delivery)
    assert sorted(ledger.calls) == ["bought", "claim", "claim", "released"]


def test_a_host_that_is_given_up_ends_the_run_and_the_first_one_is_reported(bench: Bench) -> None:
    first, second = OutageError("the API is away"), OutageError("the token endpoint is away")
    bench.api.on_trigger = raising(first, second)
    requests = [request(number) for number in range(4)]
    scheduler = bench.scheduler(*requests)
    outcomes = [scheduler.take(wanted) for wanted in requests]
    assert {str(outcome) for outcome in outcomes if isinstance(outcome, Deferred)} == {str(one) for one in requests}
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, Deferred)} == {"the API is away"}
    assert scheduler.outage is first
    assert bench.api.reports == {}


def test_a_storage_that_is_given_up_leaves_its_reports_bought_and_the_run_continues(bench: Bench) -> None:
    errors = [OutageError("the storage is away"), OutageError("the storage is still away")]
    bench.api.on_download = raising(*errors)
    requests = [request(number) for number in range(3)]
    scheduler = bench.scheduler(*requests, max_concurrent_reports=1)
    outcomes = [scheduler.take(wanted) for wanted in requests]
    assert [type(outcome) for outcome in outcomes] == [Deferred, Deferred, Delivery]
    assert [outcome.report_id for outcome in outcomes] == ["R-1", "R-2", "R-3"]
    assert scheduler.outage is errors[0]


def test_an_error_that_nobody_expected_fails_its_window_and_no_other(bench: Bench) -> None:
    bench.api.on_detail = raising(ZeroDivisionError("a defect"))
    first, second = request(0), request(1)
    scheduler = bench.scheduler(first, second, max_concurrent_reports=1)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        scheduler.take(first)
    assert isinstance(scheduler.take(second), Delivery)


def test_a_ledger_that_breaks_before_a_trigger_ends_the_run(bench: Bench) -> None:
    class Breaking(RecordingLedger):
        def confirm(self, *, correlation_id: str) -> None:  # noqa: ARG002 - the port's
            raise LedgerError("the report ledger cannot be used")

    requests = [request(number) for number in range(3)]
    scheduler = bench.scheduler(*requests, ledger=Breaking())
    for wanted in requests:
        with pytest.raises(LedgerError, match="cannot be used"):
            scheduler.take(wanted)
    assert bench.api.reports == {}


def test_an_answer_that_is_lost_twice_fails_the_window(bench: Bench) -> None:
    bench.api.on_trigger = raising(*[AnswerLostError("nobody knows the id", unanswered=3)] * 9)
    wanted = request()
    ledger = RecordingLedger()
    scheduler = bench.scheduler(wanted, ledger=ledger)
    with pytest.raises(AnswerLostError, match="2 times over"):
        scheduler.take(wanted)
    scheduler.close()
    assert scheduler.budget.triggers == 6
    assert ledger.calls == ["claim", "claim"]  # with its answer lost, there is nothing to release


def test_a_trigger_that_keeps_coming_to_nothing_is_made_four_times(bench: Bench) -> None:
    sent: list[float] = []

    def hook(_seller: str, _identifier: str) -> None:
        sent.append(bench.clock.monotonic())
        raise CallError("no connection")

    bench.api.on_trigger = hook
    wanted = request()
    ledger = RecordingLedger()
    scheduler = bench.scheduler(wanted, ledger=ledger, poll_interval=5, max_wait=7200)
    with pytest.raises(CallError, match="no connection"):
        scheduler.take(wanted)
    scheduler.close()
    assert [later - earlier for earlier, later in itertools.pairwise(sent)] == [60.0] * 3
    assert ledger.calls == ["claim"] * 4
    assert [word for _, word, _ in ledger.booked] == ["not bought"] * 4
    assert scheduler.budget.triggers == 0


def test_a_download_that_breaks_for_good_fails_the_window_but_the_report_stays_bought(bench: Bench) -> None:
    bench.api.on_download = raising(*[CallError("cut")] * 3)
    wanted = request()
    with pytest.raises(CallError, match="cut"):
        bench.scheduler(wanted).take(wanted)
    assert ("abandoned", "R-1") not in bench.told()


def test_a_report_that_takes_too_long_fails_its_window_and_stays_bought(tmp_path: Path) -> None:
    bench = Bench(tmp_path, generation=lambda _seller, _identifier: float("inf"))
    wanted = request(report_timeout=600.0)
    with pytest.raises(ReportTimeoutError, match="report_timeout"):
        bench.scheduler(wanted).take(wanted)
    assert bench.told() == [("triggered", "R-1")]
    assert 600 <= bench.clock.monotonic() <= 600 + 120 * 1.1


def test_a_trigger_answered_429_waits_as_long_as_the_api_asks(bench: Bench) -> None:
    bench.api.on_trigger = raising(RateLimitedError("slow down", retry_after=77.0))
    wanted = request()
    assert isinstance(bench.scheduler(wanted).take(wanted), Delivery)
    (report,) = bench.api.reports.values()
    assert 77 <= report.triggered_at <= 78


def test_a_429_slows_down_its_seller_alone(bench: Bench) -> None:
    def hook(seller: str, _identifier: str) -> None:
        if seller == "acme" and bench.clock.monotonic() < 50:
            raise RateLimitedError("slow down", retry_after=50.0)

    bench.api.on_trigger = hook
    slow, fast = request(0, seller="acme"), request(0, seller="bose")
    scheduler = bench.scheduler(slow, fast)
    scheduler.take(slow)
    by_seller = {report.seller_id: report.triggered_at for report in bench.api.reports.values()}
    assert by_seller["bose"] == 0
    assert by_seller["acme"] >= 50


def test_two_429_of_one_seller_slow_down_no_other(bench: Bench) -> None:
    bench.api.generation = lambda _seller, _identifier: 20.0
    refusals = raising(*[RateLimitedError("slow down", retry_after=300.0)] * 2)
    bench.api.on_trigger = lambda seller, _identifier: refusals() if seller == "acme" else None
    slow, others = request(0, seller="acme"), [request(number, seller="bose") for number in range(40)]
    scheduler = bench.scheduler(slow, *others, max_concurrent_reports_per_seller=1)
    for wanted in (*others, slow):
        assert isinstance(scheduler.take(wanted), Delivery)
    at = [report.triggered_at for report in bench.api.reports.values() if report.seller_id == "bose"]
    assert max(later - earlier for earlier, later in itertools.pairwise(at)) < 60
    assert at[-1] > 600


def test_a_429_whose_wait_exceeds_the_run_leaves_the_window_without_a_failure(bench: Bench) -> None:
    bench.api.on_trigger = raising(RateLimitedError("slow down", retry_after=7200.0))
    wanted = request()
    left = bench.scheduler(wanted, max_wait=600).take(wanted)
    assert isinstance(left, Deferred)
    assert bench.clock.monotonic() < 600


def test_a_429_whose_wait_exceeds_the_run_leaves_all_of_its_seller_and_nothing_of_others(bench: Bench) -> None:
    def hook(seller: str, _identifier: str) -> None:
        calls[seller] += 1
        if seller == "acme":
            raise RateLimitedError("slow down", retry_after=86_400.0)

    calls: Counter[str] = Counter()
    bench.api.on_trigger = hook
    slow, others = [request(number) for number in range(9)], [request(number, seller="bose") for number in range(9)]
    scheduler = bench.scheduler(*slow, *others)
    assert all(isinstance(scheduler.take(wanted), Delivery) for wanted in others)
    assert {scheduler.take(wanted).reason for wanted in slow} == {"the API asks to wait 86400 s"}  # type: ignore[union-attr]  # all are left
    assert bench.clock.monotonic() < 3600
    assert calls["acme"] == 1


def test_a_lost_answer_is_counted_as_bought_and_the_window_is_bought_again(bench: Bench) -> None:
    bench.api.on_trigger = raising(AnswerLostError("nobody knows the id"))
    wanted = request()
    scheduler = bench.scheduler(wanted)
    assert isinstance(scheduler.take(wanted), Delivery)
    assert scheduler.budget.triggers == 2


def test_a_trigger_whose_answer_was_lost_keeps_no_slot(bench: Bench) -> None:
    bench.api.on_trigger = raising(AnswerLostError("nobody knows the id"))
    requests = [request(number) for number in range(3)]
    scheduler = bench.scheduler(*requests, max_concurrent_reports=1, max_wait=3600)
    assert all(isinstance(scheduler.take(wanted), Delivery) for wanted in requests)


def test_how_long_an_adopted_report_took_is_not_learned_from(bench: Bench) -> None:
    bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    wanted = request(report_id="R-1")
    scheduler = bench.scheduler(wanted)
    assert isinstance(scheduler.take(wanted), Delivery)
    assert scheduler.generation_times == {}


@pytest.mark.parametrize("details", [1, 3])
def test_a_report_that_detail_does_not_know_yet_is_not_bought_again(bench: Bench, details: int) -> None:
    bench.api.on_detail = raising(*[CallRefusedError("no such report", status=404)] * details)
    wanted = request()
    assert isinstance(bench.scheduler(wanted).take(wanted), Delivery)
    assert len(bench.api.reports) == 1


def test_a_refused_trigger_fails_its_window_at_once(bench: Bench) -> None:
    bench.api.on_trigger = raising(CallRefusedError("from_date is wrong", status=400))
    wanted, other = request(0), request(1)
    scheduler = bench.scheduler(wanted, other)
    with pytest.raises(CallRefusedError, match="from_date"):
        scheduler.take(wanted)
    assert isinstance(scheduler.take(other), Delivery)
    assert scheduler.budget.triggers == 1


def test_a_dead_token_fails_all_windows_of_its_seller_with_one_call_and_no_other_seller(bench: Bench) -> None:
    calls: list[str] = []

    def hook(seller: str, _identifier: str) -> None:
        calls.append(seller)
        if seller == "acme":
            raise AuthenticationError("the token of seller acme is dead")

    bench.api.on_trigger = hook
    dead = [request(number) for number in range(20)]
    alive = request(0, seller="bose")
    scheduler = bench.scheduler(*dead, alive)
    for wanted in dead:
        with pytest.raises(AuthenticationError):
            scheduler.take(wanted)
    assert isinstance(scheduler.take(alive), Delivery)
    assert calls.count("acme") == 1


def test_an_unknown_status_means_still_running_and_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path, generation=lambda _seller, _identifier: 3600.0)
    original = bench.api.detail

    def detail(**arguments: Any) -> Any:
        answer = original(**arguments)
        if answer.status is ReportStatus.PROCESSING:
            return type(answer)(report_id=answer.report_id, status=ReportStatus.UNKNOWN, status_word="QUEUED")
        return answer

    bench.api.detail = detail  # type: ignore[method-assign]  # the script is extended for this one test
    wanted = request()
    assert isinstance(bench.scheduler(wanted).take(wanted), Delivery)
    assert bench.api.reports["R-1"].polls > 3
    assert sum("'QUEUED'" in message for message in caplog.messages) == 1


def test_a_detail_call_that_fails_is_made_again_later(bench: Bench) -> None:
    bench.api.on_detail = raising(CallError("connection reset"), None, CallError("connection reset"))
    wanted = request()
    assert isinstance(bench.scheduler(wanted).take(wanted), Delivery)
    assert len(bench.api.reports) == 1


def test_pauses_between_polls_grow_and_never_exceed_the_longest(tmp_path: Path) -> None:
    bench = Bench(tmp_path, generation=lambda _seller, _identifier: 4 * 3600.0)
    wanted = request()
    bench.scheduler(wanted, poll_interval=5, poll_max_interval=120).take(wanted)
    pauses = bench.clock.slept
    assert 4.5 <= pauses[0] <= 5.5
    assert max(pauses) <= 132
    assert sum(pauses[:10]) < sum(pauses[-10:]) / 5


def test_the_first_poll_waits_for_the_shortest_time_seen_of_the_type(tmp_path: Path) -> None:
    bench = Bench(tmp_path, generation=lambda _seller, _identifier: 600.0)
    requests = [request(number) for number in range(15)]
    scheduler = bench.scheduler(*requests, max_concurrent_reports=1)
    for wanted in requests:
        scheduler.take(wanted)
    polls = [report.polls for report in bench.api.reports.values()]
    assert polls[-1] < polls[0] / 3


def test_max_wait_ends_the_run_with_the_reports_still_bought(tmp_path: Path) -> None:
    bench = Bench(tmp_path, generation=lambda _seller, _identifier: 7200.0)
    requests = [request(number) for number in range(6)]
    scheduler = bench.scheduler(*requests, max_wait=300, max_concurrent_reports_per_seller=4)
    lefts = [scheduler.take(wanted) for wanted in requests]
    assert all(isinstance(left, Deferred) for left in lefts)
    assert [left.report_id for left in lefts] == ["R-1", "R-2", "R-3", "R-4", None, None]
    assert bench.clock.monotonic() <= 300 + 1


def test_the_budget_is_never_exceeded_whatever_fails(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.api.final = lambda report_id: ReportStatus.FAILED if int(report_id[2:]) % 2 else ReportStatus.COMPLETED
    requests = [request(number, seller=seller) for seller in ("acme", "bose") for number in range(10)]
    scheduler = bench.scheduler(*requests, max_reports=7)
    outcomes = [scheduler.take(wanted) for wanted in requests]
    assert len(bench.api.reports) == 7
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Delivery": 3, "Deferred": 17}
    assert all(outcome.is_unbought for outcome in outcomes if isinstance(outcome, Deferred))


def test_nothing_is_triggered_ahead_where_that_is_forbidden(bench: Bench) -> None:
    requests = [request(number) for number in range(5)]
    scheduler = bench.scheduler(*requests, ahead=False)
    assert isinstance(scheduler.take(requests[2]), Delivery)
    assert [report.parameters["from_date"] for report in bench.api.reports.values()] == ["2026-01-03"]


def test_the_link_that_dies_first_is_downloaded_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.api.expiry = lambda report_id: bench.clock.now() + timedelta(hours=10 - int(report_id[2:]))
    for _ in range(4):
        bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    bench.clock.advance(3600)
    requests = [request(number, report_id=f"R-{number + 1}") for number in range(4)]
    scheduler = bench.scheduler(*requests)
    for wanted in requests:
        scheduler.take(wanted)
    assert bench.api.download_order == ["R-4", "R-3", "R-2", "R-1"]


def test_a_link_too_old_to_be_finished_in_time_is_renewed_before_it_is_used(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.api.on_download = lambda _report_id: bench.clock.advance(400)
    bench.api.expiry = lambda _report_id: bench.clock.now() + timedelta(seconds=500)
    for _ in range(2):
        bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    bench.clock.advance(3600)
    requests = [request(number, report_id=f"R-{number + 1}") for number in range(2)]
    scheduler = bench.scheduler(*requests)
    assert all(isinstance(scheduler.take(wanted), Delivery) for wanted in requests)
    assert [report.polls for report in bench.api.reports.values()] == [1, 2]


def test_a_fresh_link_that_would_die_too_soon_is_let_die_once_and_the_next_is_taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    size, speed = 1_000_000, 1000
    begun: list[float] = []

    def on_download(_report_id: str) -> None:
        begun.append(bench.clock.monotonic())
        bench.clock.advance(size / speed)

    bench.api.on_download = on_download
    bench.api.size = size
    bench.api.expiry = lambda _report_id: bench.clock.now() + timedelta(seconds=1500)
    first, second = request(0), request(1)
    scheduler = bench.scheduler(first, second, max_concurrent_reports=1)
    scheduler.take(first)
    dies_at = bench.clock.monotonic() + 700
    bench.api.expiry = lambda _report_id: (
        bench.clock.now() + timedelta(seconds=dies_at - bench.clock.monotonic())
        if bench.clock.monotonic() < dies_at
        else bench.clock.now() + timedelta(hours=1)
    )
    assert isinstance(scheduler.take(second), Delivery)
    assert dies_at <= begun[1] < dies_at + 10


def test_an_expiry_that_has_passed_already_stops_no_download(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.api.expiry = lambda _report_id: bench.clock.now() - timedelta(hours=5, minutes=30)
    wanted = request()
    assert isinstance(bench.scheduler(wanted).take(wanted), Delivery)
    assert bench.api.reports["R-1"].polls == len(bench.clock.slept)


def test_what_is_bought_is_looked_at_beyond_the_caps_before_anything_is_triggered(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for _ in range(6):
        bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    asked: list[str] = []
    bench.api.on_detail = lambda _seller, report_id: asked.append(report_id)
    bench.api.on_trigger = lambda _seller, _identifier: asked.append("trigger")
    bought = [request(number, report_id=f"R-{number + 1}") for number in range(6)]
    new = [request(number, priority=Priority.NEWEST) for number in range(6, 9)]
    scheduler = bench.scheduler(*new, *bought, max_concurrent_reports=2, max_concurrent_reports_per_seller=1)
    for wanted in (*bought, *new):
        assert isinstance(scheduler.take(wanted), Delivery)
    assert asked[:6] == [f"R-{number + 1}" for number in range(6)]
    assert asked.index("trigger") >= 6
    assert all(
        later.triggered_at >= earlier.triggered_at + earlier.generation
        for earlier, later in itertools.pairwise(list(bench.api.reports.values())[5:])
    )


def test_files_on_disk_are_bounded_and_every_report_is_delivered_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_flipkart_reports.purchasing.queue.MAX_BYTES_WAITING", 250)
    bench = Bench(tmp_path)
    bench.api.size = 100
    for _ in range(20):
        bench.api.trigger(seller_id="acme", identifier="orders_report", parameters={}, correlation_id="earlier")
    bench.clock.advance(3600)
    bought = [request(number, report_id=f"R-{20 - number}") for number in range(20)]
    new = [request(number) for number in range(20, 40)]
    scheduler = bench.scheduler(*bought, *new)
    for wanted in (*bought, *new):
        delivery = scheduler.take(wanted)
        assert isinstance(delivery, Delivery)
        assert len(list(tmp_path.iterdir())) <= 4  # three are more than 250 bytes, and the one that is waited for
        scheduler.release(delivery, stream=wanted.stream)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_removed_makes_room_for_the_next_and_may_be_gone_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_flipkart_reports.purchasing.queue.MAX_BYTES_WAITING", 150)
    bench = Bench(tmp_path)
    bench.api.size = 100
    requests = [request(number) for number in range(20)]
    scheduler = bench.scheduler(*requests, max_concurrent_reports=9, max_concurrent_reports_per_seller=9)
    on_disk: list[int] = []
    for wanted in requests:
        delivery = scheduler.take(wanted)
        assert isinstance(delivery, Delivery)
        on_disk.append(len(list(tmp_path.iterdir())))
        delivery.path.unlink()
        scheduler.release(delivery, stream=wanted.stream)
    assert max(on_disk) == 3  # two are more than 150 bytes, and the one that is waited for
    assert max(on_disk[10:]) == 3  # what was removed has made room


def test_downloads_never_take_the_last_worker_from_polls_and_triggers(tmp_path: Path) -> None:
    bench = Bench(tmp_path, generation=lambda _seller, _identifier: 10.0)
    all_triggered = threading.Event()
    requests = [request(number) for number in range(8)]

    def on_trigger(_seller: str, _identifier: str) -> None:
        if len(bench.api.reports) == len(requests) - 1:
            all_triggered.set()

    bench.api.on_trigger = on_trigger

    def on_download(_report_id: str) -> None:
        assert all_triggered.wait(60), "the downloads were in the way"

    bench.api.on_download = on_download
    scheduler = Scheduler(
        api=bench.api, clock=bench.clock, limits=Limits(max_concurrent_reports=2), folder=tmp_path, workers=3
    )
    scheduler.submit(requests)
    assert all(isinstance(scheduler.take(wanted), Delivery) for wanted in requests)
    scheduler.close()


def test_stopping_leaves_everything_that_is_not_finished(bench: Bench) -> None:
    requests = [request(number) for number in range(6)]
    scheduler = bench.scheduler(*requests)
    scheduler.take(requests[0])
    scheduler.stop("asked to")
    assert {type(scheduler.take(wanted)) for wanted in requests[4:]} == {Deferred}


def test_stopping_lets_go_of_no_window_whose_trigger_is_under_way(bench: Bench) -> None:
    wanted, other = request(0), request(1)
    ledger = RecordingLedger()
    scheduler = bench.scheduler(wanted, other, ledger=ledger)

    def on_trigger(_seller: str, _identifier: str) -> None:
        scheduler.stop("asked to")
        assert isinstance(scheduler.take(other), Deferred)

    bench.api.on_trigger = on_trigger
    left = scheduler.take(wanted)
    assert isinstance(left, Deferred)
    assert left.report_id == "R-1"
    assert "released" not in ledger.calls[: ledger.calls.index("bought")]


def test_a_report_is_held_until_it_is_read(bench: Bench) -> None:
    first, second = request(0), request(1)
    ledger = RecordingLedger()
    scheduler = bench.scheduler(first, second, ledger=ledger, max_concurrent_reports=1)
    delivery = scheduler.take(first)
    assert isinstance(delivery, Delivery)
    assert isinstance(scheduler.take(second), Delivery)
    assert "released" not in ledger.calls
    scheduler.release(delivery, stream=first.stream)
    assert ledger.calls[-1] == "released"


def test_a_structured_log_has_the_facts_of_an_event_as_fields(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="tap-flipkart-reports.scheduler")
    wanted = request(warehouse_id="del")
    bench.scheduler(wanted).take(wanted)
    names = ("stream_name", "seller_id", "warehouse_id", "window", "report_id", "change")
    lines = [record for record in caplog.records if hasattr(record, "change")]
    assert [[record.__dict__[name] for name in names] for record in lines] == [
        ["orders_report", "acme", "del", str(wanted.window), "R-1", change]
        for change in ("triggered", "completed", "downloaded")
    ]
    (correlation_id,) = {record.__dict__["correlation_id"] for record in lines}
    assert [record.getMessage() for record in lines] == [
        f"{wanted}, report R-1, correlation id {correlation_id}: triggered.",
        f"{wanted}, report R-1, correlation id {correlation_id}: completed after {bench.events[1].seconds:.0f} s.",
        f"{wanted}, report R-1, correlation id {correlation_id}: downloaded.",
    ]
    assert lines[2].__dict__["size"] == 3


def test_what_is_recorded_while_the_scheduler_closes_is_reported(bench: Bench) -> None:
    ledger = RecordingLedger()
    ledger.owner = "orders_report, seller bose, 2025-01-01 to 2025-01-01"
    wanted, other = request(0), request(1)
    scheduler = bench.scheduler(wanted, other, ledger=ledger, max_concurrent_reports=1)

    def on_trigger(_seller: str, _identifier: str) -> None:
        scheduler.stop("asked to")
        bench.clock.advance(60)  # no time is left for calls that are under way

    bench.api.on_trigger = on_trigger
    assert isinstance(scheduler.take(wanted), Deferred)
    assert bench.told() == [("triggered", "R-1")]
    assert scheduler.progress().reports == []  # its answer came too late for this run
    scheduler.close()
    assert bench.told() == [("triggered", "R-1"), ("abandoned", "R-1")]


def test_after_it_is_closed_everything_is_left(bench: Bench) -> None:
    wanted = request()
    scheduler = bench.scheduler(wanted)
    scheduler.close()
    deferred = scheduler.take(wanted)
    assert isinstance(deferred, Deferred)
    assert (deferred.reason, deferred.is_unbought) == ("the run has ended", False)


def test_events_hold_the_correlation_id_that_was_sent(bench: Bench) -> None:
    wanted = request()
    bench.scheduler(wanted).take(wanted)
    (correlation_id,) = {event.correlation_id for event in bench.events}
    assert correlation_id
    assert bench.events[0].kind is EventKind.TRIGGERED
