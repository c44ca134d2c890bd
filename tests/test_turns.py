"""Which report is bought next: what the plain definition says, and what it costs to find it."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calls import counted_calls

from tap_flipkart_reports.purchasing.limits import Limits
from tap_flipkart_reports.purchasing.queue import MAX_BYTES_WAITING, ReportQueue
from tap_flipkart_reports.purchasing.rate_limit import ConcurrencyLimits
from tap_flipkart_reports.purchasing.requests import Priority, ReportRequest
from tap_flipkart_reports.purchasing.tracked_report import Stage, TrackedReport
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable

IDENTIFIERS = ("orders_report", "sales_ledger")

LIMITS = Limits(
    max_concurrent_reports=5,
    max_concurrent_reports_per_seller=2,
    max_reports=20,
    max_reports_by_type={"sales_ledger": 8},
    max_reports_per_seller_by_type={"orders_report": 5},
)


def tracked(number: int, *, seller: str, identifier: str, priority: Priority = Priority.BACKFILL) -> TrackedReport:
    day = date(2026, 1, 1) + timedelta(days=number)
    request = ReportRequest(
        stream=identifier,
        identifier=identifier,
        seller_id=seller,
        window=Window(day, day),
        parameters={},
        priority=priority,
        report_timeout=1e9,
    )
    return TrackedReport(request=request, order=number)


class Plain:
    """A queue, and the plain definition of what it has to say: the first of all that may be bought at all."""

    def __init__(self) -> None:
        self.now = 0.0
        self.queue = ReportQueue(limits=LIMITS, ahead=True, max_downloads=2, on_deferred=self._deferred)
        self.concurrency = ConcurrencyLimits(
            ceiling=LIMITS.max_concurrent_reports, ceiling_per_seller=LIMITS.max_concurrent_reports_per_seller
        )
        self.reports: list[TrackedReport] = []
        self.wakes_at: dict[TrackedReport, float] = {}
        self.triggers = itertools.count()
        self.last_trigger: dict[str, int] = {}

    def _deferred(self, report: TrackedReport, reason: str, *, is_unbought: bool = False) -> None:
        assert (reason, is_unbought) == ("the budget of reports is used up", True)
        assert not self.queue.budget.allows(report.request)
        report.stage = Stage.DONE

    @property
    def in_progress(self) -> Counter[str]:
        return Counter(report.request.seller_id for report in self.reports if report.in_progress)

    def may_be_bought(self) -> list[TrackedReport]:
        running = self.in_progress
        return [
            report
            for report in self.reports
            if report.stage is Stage.WAITING or (report.stage is Stage.DELAYED and self.wakes_at[report] <= self.now)
            if self.concurrency.is_open(now=self.now, in_progress=running)
            if self.concurrency.is_open_for(report.request.seller_id, now=self.now, in_progress=running)
            if self.queue.bytes_waiting == 0 or report is self.queue.awaited
        ]

    def buy(self) -> None:
        candidates, running = self.may_be_bought(), self.in_progress

        def urgency(report: TrackedReport) -> tuple[int, int, int, int]:
            seller = report.request.seller_id
            return report.request.priority, running[seller], self.last_trigger.get(seller, -1), report.order

        affordable = [report for report in candidates if self.queue.budget.allows(report.request)]
        wanted = min(affordable, key=urgency, default=None)
        found = self.queue.next_to_buy(self.now)
        assert found is wanted
        if found is not None:
            self.last_trigger[found.request.seller_id] = next(self.triggers)
        else:
            assert [report for report in self.may_be_bought() if report.stage is Stage.WAITING] == []

    # What may happen between two purchases; `number` picks one of the reports that it can happen to.

    def add(self, number: int) -> None:
        seller, identifier = "abc"[number % 3], IDENTIFIERS[number // 3 % 2]
        priority = (Priority.NEWEST, Priority.BACKFILL)[number // 6 % 2]
        report = tracked(len(self.reports), seller=seller, identifier=identifier, priority=priority)
        self.reports.append(report)
        self.queue.add(report, now=self.now)

    def pass_time(self, number: int) -> None:
        self.now += number

    def end(self, number: int) -> None:
        if report := self._one(number, lambda report: report.in_progress):
            self.queue.free_slot(report)
            report.stage = Stage.DONE

    def accept(self, number: int) -> None:
        if report := self._one(number, lambda report: report.in_progress):
            self.queue.triggered(report)
            self.concurrency.accepted(report.request.seller_id)

    def refuse(self, number: int) -> None:
        if report := self._one(number, lambda report: report.stage is Stage.CALLING):
            seller = report.request.seller_id
            self.queue.not_triggered(report)
            running = self.in_progress - Counter([seller])
            wait = 1.0 + number % 7
            self.concurrency.refused(seller, now=self.now, in_progress=running, retry_after=wait, pause=5.0)
            self.queue.refused(report, now=self.now, retry_after=wait)

    def cool_down(self, number: int) -> None:
        if report := self._one(number, lambda report: report.stage is Stage.CALLING):
            self.queue.free_slot(report)
            self.wakes_at[report] = self.now + number % 5
            self.queue.delay(report, until=self.wakes_at[report])

    def settle(self, number: int) -> None:
        if report := self._one(number, lambda report: report.stage in {Stage.WAITING, Stage.DELAYED}):
            report.stage = Stage.DONE

    def wait_for(self, number: int) -> None:
        self.queue.awaited = self._one(number, lambda _report: True)

    def fill_disk(self, number: int) -> None:
        self.queue.bytes_waiting = (MAX_BYTES_WAITING + 1) * (number % 2)

    def _one(self, number: int, fits: Callable[[TrackedReport], bool]) -> TrackedReport | None:
        fitting = [report for report in self.reports if fits(report)]
        return fitting[number % len(fitting)] if fitting else None


COMMON = ("add", "add", "buy", "buy", "buy", "end", "accept")
HAPPENINGS = (*COMMON, "refuse", "cool_down", "settle", "wait_for", "fill_disk", "pass_time")


@given(st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 63)), min_size=30, max_size=100))
def test_what_is_bought_next_is_what_a_look_at_all_reports_would_choose(happenings: list[tuple[str, int]]) -> None:
    plain = Plain()
    for name, number in happenings:
        if name == "buy":
            plain.buy()
        else:
            getattr(plain, name)(number)


def buy_one_after_the_other(queue: ReportQueue, reports: list[TrackedReport]) -> int:
    """How many were bought, each as soon as the one before it has ended."""
    for report in reports:
        queue.add(report, now=0.0)
    bought = 0
    while (next_one := queue.next_to_buy(0.0)) is not None:
        queue.triggered(next_one)
        queue.free_slot(next_one)
        assert queue.seconds_to_next(0.0) is None
        bought += 1
    return bought


@pytest.mark.parametrize("limits", [Limits(), Limits(max_reports_by_type={"orders_report": 10_000})])
def test_a_purchase_takes_no_more_steps_however_many_sellers_wait(limits: Limits) -> None:
    steps = []
    for sellers in (100, 400):
        queue = ReportQueue(limits=limits, ahead=True, max_downloads=2, on_deferred=_unexpected)
        reports = [
            tracked(4 * number + window, seller=f"seller-{number}", identifier="orders_report")
            for number in range(sellers)
            for window in range(4)
        ]
        with counted_calls() as calls:
            bought = buy_one_after_the_other(queue, reports)
        assert bought == len(reports)
        steps.append(calls.number / len(reports))
    assert steps[1] <= steps[0] * 1.05


def _unexpected(report: TrackedReport, reason: str, **_members: Any) -> None:
    raise AssertionError((report, reason))
