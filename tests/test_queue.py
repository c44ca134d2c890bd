"""Which call is due next, asked of the queue itself: no thread, no call, and every moment given."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tap_flipkart_reports.purchasing.ledger_writes import LedgerWrite, LedgerWrites, Urgency
from tap_flipkart_reports.purchasing.limits import Limits
from tap_flipkart_reports.purchasing.queue import MAX_BYTES_WAITING, ReportQueue
from tap_flipkart_reports.purchasing.requests import Priority, ReportRequest
from tap_flipkart_reports.purchasing.tracked_report import Stage, TrackedReport
from tap_flipkart_reports.windows import Window

TIMEOUT = 3600.0


def tracked(number: int = 0, *, seller: str = "acme", stream: str = "orders_report", **members: Any) -> TrackedReport:
    day = date(2026, 1, 1) + timedelta(days=number)
    request = ReportRequest(
        stream=stream,
        identifier=stream,
        seller_id=seller,
        window=Window(day, day),
        parameters={},
        report_timeout=TIMEOUT,
        **members,
    )
    return TrackedReport(request=request, order=number)


class Bench:
    """A queue, and what it has left for the next run."""

    def __init__(self, *, ahead: bool = True, max_downloads: int = 2, **limits: Any) -> None:
        self.left: list[tuple[TrackedReport, str, bool]] = []
        self.queue = ReportQueue(
            limits=Limits(**limits), ahead=ahead, max_downloads=max_downloads, on_deferred=self._deferred
        )

    def _deferred(self, report: TrackedReport, reason: str, *, is_unbought: bool = False) -> None:
        self.left.append((report, reason, is_unbought))
        report.stage = Stage.DONE

    def add(self, *reports: TrackedReport, now: float = 0.0) -> None:
        for report in reports:
            self.queue.add(report, now=now)

    def bought(self, now: float = 0.0) -> list[TrackedReport]:
        """What may be triggered now, in its order."""
        return list(iter(lambda: self.queue.next_to_buy(now), None))

    def claimed(self) -> list[TrackedReport]:
        return list(iter(self.queue.next_trigger, None))

    def adopted(self) -> list[TrackedReport]:
        return list(iter(self.queue.next_to_adopt, None))


def claim(bench: Bench, *reports: TrackedReport) -> None:
    for report in reports:
        bench.queue.queue_trigger(report)


def test_what_is_claimed_is_taken_out_by_seller_or_by_type_and_the_rest_stays_in_its_order() -> None:
    bench = Bench()
    first, second, third = tracked(0), tracked(1, stream="sales_ledger"), tracked(2, seller="bose")
    fourth = tracked(3, seller="bose", stream="sales_ledger")
    claim(bench, first, second, third, fourth)
    assert bench.queue.take_claimed(seller_id="bose", identifier="orders_report") == [third]
    assert bench.queue.take_claimed(identifier="sales_ledger") == [second, fourth]
    assert bench.queue.take_claimed(seller_id="bose") == []
    claim(bench, second)
    assert bench.claimed() == [first, second]


def test_what_is_done_is_taken_out_but_not_delivered() -> None:
    bench = Bench()
    settled, other = tracked(0), tracked(1)
    claim(bench, settled, other)
    settled.stage = Stage.DONE
    assert bench.queue.take_claimed(seller_id="acme") == [other]
    assert bench.claimed() == []


def test_what_waits_of_a_seller_is_taken_out_be_it_bought_or_not_and_nothing_of_others() -> None:
    bench = Bench()
    bought, wanted, gone = tracked(0, report_id="R-1"), tracked(1), tracked(2)
    others = [tracked(3, seller="bose", report_id="R-2"), tracked(4, seller="bose")]
    bench.add(bought, wanted, gone, *others)
    gone.stage = Stage.DONE
    assert list(bench.queue.take_waiting("acme")) == [bought, wanted]
    assert list(bench.queue.take_waiting("cipla")) == []
    assert bench.adopted() == others[:1]
    assert bench.bought() == others[1:]


def test_a_blocked_type_is_deferred_and_the_other_types_are_bought() -> None:
    bench = Bench()
    orders, sales, settled = tracked(0), tracked(1, stream="sales_ledger"), tracked(2)
    bench.add(orders, sales, settled)
    settled.stage = Stage.DONE
    assert not bench.queue.is_blocked("orders_report")
    bench.queue.block("orders_report", reason="not understood", now=0.0)
    assert bench.queue.is_blocked("orders_report")
    assert bench.left == [(orders, "not understood", False)]
    late = tracked(3)
    bench.add(late)
    assert bench.left[1:] == [(late, "not understood", False)]
    assert bench.bought() == [sales]


def test_a_type_can_be_blocked_while_nothing_waits() -> None:
    bench = Bench()
    bench.queue.block("orders_report", reason="not understood", now=0.0)
    assert bench.bought() == []
    assert bench.left == []


def test_what_the_budget_does_not_allow_is_deferred_for_that_reason() -> None:
    bench = Bench(max_reports=1)
    first, second, third = tracked(0), tracked(1), tracked(2, seller="bose")
    bench.add(first, second, third)
    assert bench.bought() == [first]
    told = "the budget of reports is used up"
    assert bench.left == [(second, told, True), (third, told, True)]


def test_the_consumer_learns_at_once_that_its_window_is_deferred_with_a_full_disk_or_no_free_slot() -> None:
    bench = Bench(max_reports_by_type={"sales_ledger": 1})
    sales = [tracked(number, stream="sales_ledger") for number in (0, 1, 2)]
    urgent = tracked(3, priority=Priority.NEWEST)
    bench.add(*sales[:2])
    assert bench.queue.next_to_buy(0.0) is sales[0]
    bench.add(sales[2], urgent)
    bench.queue.bytes_waiting = MAX_BYTES_WAITING + 1
    bench.queue.awaited = sales[2]
    assert bench.bought() == []
    assert [report for report, _, _ in bench.left] == [sales[2]]
    assert urgent.stage is Stage.WAITING


def test_the_seller_with_fewest_reports_in_progress_is_served_first_then_the_one_not_served_longest() -> None:
    bench = Bench()
    acme = [tracked(number) for number in range(3)]
    bose = [tracked(number + 3, seller="bose") for number in range(3)]
    bench.add(*acme, *bose)
    assert bench.bought() == [acme[0], bose[0], acme[1], bose[1], acme[2], bose[2]]
    for report in (*acme, *bose):
        bench.queue.free_slot(report)
    late = [tracked(6), tracked(7, seller="bose"), tracked(8, seller="bose", priority=Priority.NEWEST)]
    bench.add(*late)
    assert bench.bought() == [late[2], late[0], late[1]]


@pytest.mark.parametrize(
    ("limits", "number"),
    [({"max_concurrent_reports": 2}, 2), ({"max_concurrent_reports_per_seller": 3}, 3)],
)
def test_a_slot_is_free_again_once_and_only_once(limits: dict[str, Any], number: int) -> None:
    bench = Bench(**limits)
    reports = [tracked(one) for one in range(9)]
    bench.add(*reports)
    taken = bench.bought()
    assert taken == reports[:number]
    bench.queue.free_slot(taken[0])
    bench.queue.free_slot(taken[0])
    assert bench.bought() == [reports[number]]


def test_what_is_bought_takes_no_turn_but_a_slot() -> None:
    bench = Bench(max_concurrent_reports=2)
    known, wanted = [tracked(0, report_id="R-1"), tracked(1, report_id="R-2")], tracked(2)
    settled = tracked(3, report_id="R-3")
    bench.add(*known, settled, wanted)
    settled.stage = Stage.DONE
    assert bench.adopted() == known
    assert bench.bought() == []
    bench.queue.free_slot(known[0])
    assert bench.bought() == [wanted]


def test_where_nothing_may_be_had_ahead_only_what_is_waited_for_is_looked_at_or_bought() -> None:
    bench = Bench(ahead=False)
    known, other = tracked(0, report_id="R-1"), tracked(1, report_id="R-2")
    wanted, later = tracked(2), tracked(3, priority=Priority.NEWEST)
    bench.add(known, other, wanted, later)
    assert bench.adopted() == bench.bought() == []
    bench.queue.awaited = other
    assert bench.adopted() == [other]
    assert bench.bought() == []
    bench.queue.awaited = wanted
    assert bench.adopted() == []
    assert bench.bought() == [wanted]
    assert later.stage is Stage.WAITING


def test_a_poll_is_due_from_its_moment_on_and_the_earliest_goes_first() -> None:
    bench = Bench()
    late, early, settled = tracked(0), tracked(1), tracked(2)
    bench.queue.poll_at(late, 20.0)
    bench.queue.poll_at(early, 10.0)
    bench.queue.poll_at(settled, 5.0)
    settled.stage = Stage.DONE
    assert bench.queue.next_poll(9.9) is None
    assert bench.queue.next_poll(20.0) is early
    assert early.stage is Stage.CALLING
    assert (late.stage, late.poll_at) == (Stage.RUNNING, 20.0)
    assert bench.queue.next_poll(20.0) is late
    assert bench.queue.next_poll(99.0) is None


def test_a_report_that_cools_down_waits_for_a_slot_from_its_moment_on() -> None:
    bench = Bench()
    report = tracked()
    bench.queue.delay(report, until=60.0)
    assert report.stage is Stage.DELAYED
    assert bench.bought(59.9) == []
    assert bench.bought(60.0) == [report]


def test_nothing_more_happens_to_what_is_done() -> None:
    bench = Bench()
    report = tracked()
    report.stage = Stage.DONE
    bench.queue.poll_at(report, 0.0)
    bench.queue.delay(report, until=0.0)
    bench.queue.download(report, dies_at=0.0)
    bench.queue.wait_for_slot(report, now=0.0)
    assert report.stage is Stage.DONE
    assert (bench.queue.next_poll(1.0), bench.bought(1.0), bench.queue.next_download()) == (None, [], None)


def test_so_many_downloads_run_at_once_and_the_link_that_dies_first_goes_first() -> None:
    bench = Bench(max_downloads=2)
    reports = [tracked(number) for number in range(5)]
    for report, dies_at in zip(reports, (40.0, 10.0, 30.0, 20.0, 50.0), strict=True):
        bench.queue.download(report, dies_at=dies_at)
    reports[3].stage = Stage.DONE
    assert [bench.queue.next_download() for _ in range(3)] == [reports[1], reports[2], None]
    bench.queue.downloaded()
    assert [bench.queue.next_download() for _ in range(2)] == [reports[0], None]


def test_a_full_disk_lets_only_what_is_waited_for_through() -> None:
    bench = Bench()
    ready, awaited = tracked(0), tracked(1)
    wanted, wanted_next = tracked(2), tracked(3)
    bench.add(wanted, wanted_next)
    bench.queue.download(ready, dies_at=1.0)
    bench.queue.download(awaited, dies_at=2.0)
    bench.queue.bytes_waiting = MAX_BYTES_WAITING + 1
    assert bench.queue.next_download() is None
    assert bench.bought() == []
    bench.queue.awaited = awaited
    assert [bench.queue.next_download() for _ in range(2)] == [awaited, None]
    bench.queue.awaited = wanted_next
    assert bench.bought() == [wanted_next]
    bench.queue.bytes_waiting = MAX_BYTES_WAITING
    assert bench.queue.next_download() is ready
    assert bench.bought() == [wanted]


def test_the_next_thing_falls_due_with_the_earliest_poll_opening_or_end() -> None:
    bench = Bench(max_wait=500.0)
    assert bench.queue.seconds_to_next(0.0) is None
    bench.queue.begin(now=100.0)
    bench.queue.begin(now=300.0)
    assert bench.queue.deadline == 600.0
    assert bench.queue.seconds_to_next(100.0) == 500.0
    bench.queue.poll_at(tracked(0), 400.0)
    assert bench.queue.seconds_to_next(100.0) == 300.0
    bench.queue.delay(tracked(1), until=350.0)
    assert bench.queue.seconds_to_next(100.0) == 250.0
    refused = tracked(2)
    assert bench.queue.refused(refused, now=100.0, retry_after=30.0) == 30.0
    assert bench.queue.seconds_to_next(100.0) == 30.0
    assert bench.queue.seconds_to_next(130.0) == 220.0
    assert bench.queue.seconds_to_next(400.0) == 200.0
    assert bench.queue.seconds_to_next(700.0) == 0.0


def test_without_anything_to_trigger_the_end_of_a_pause_is_not_waited_for() -> None:
    bench = Bench()
    refused = tracked()
    bench.queue.refused(refused, now=0.0, retry_after=30.0)
    assert bench.queue.seconds_to_next(0.0) == 30.0
    assert list(bench.queue.take_waiting("acme")) == [refused]
    assert bench.queue.seconds_to_next(0.0) is None


def test_a_refused_trigger_gives_its_slot_back_and_waits_as_long_as_it_was_asked_to() -> None:
    bench = Bench(max_concurrent_reports=2, poll_interval=7.0)
    first, second, other = tracked(0), tracked(1), tracked(2, seller="bose")
    bench.add(first, second, other)
    assert bench.queue.next_to_buy(0.0) is first
    assert bench.queue.refused(first, now=0.0, retry_after=None) == 7.0
    assert not first.in_progress
    assert bench.bought(6.9) == [other]
    bench.queue.free_slot(other)
    assert bench.bought(7.0) == [first]


def test_a_seller_whose_limit_has_grown_again_is_served_though_none_of_its_reports_has_ended() -> None:
    bench = Bench(max_concurrent_reports_per_seller=2)
    first, second = tracked(0), tracked(1)
    bench.add(first, second)
    assert bench.bought() == [first, second]
    bench.queue.refused(second, now=0.0, retry_after=5.0)
    assert bench.bought(5.0) == []
    bench.queue.triggered(first)
    assert bench.bought(5.0) == [second]


@pytest.mark.parametrize(
    ("wait", "max_wait", "is_left"),
    [(TIMEOUT, None, False), (TIMEOUT + 1, None, True), (599.0, 600.0, False), (600.0, 600.0, True)],
)
def test_a_pause_longer_than_a_report_or_the_run_may_take_leaves_all_that_wait_of_the_seller(
    wait: float, max_wait: float | None, *, is_left: bool
) -> None:
    bench = Bench(max_wait=max_wait)
    bench.queue.begin(now=1000.0)
    first, second = tracked(0), tracked(1)
    bench.add(first, second, now=1000.0)
    assert bench.queue.next_to_buy(1000.0) is first
    bench.queue.refused(first, now=1000.0, retry_after=wait)
    told = f"the API asks to wait {wait:.0f} s"
    assert bench.left == ([(first, told, False), (second, told, False)] if is_left else [])


BEGAN = 1000.0


def refused_until_left(bench: Bench, *, wait: float) -> float:
    """How long it takes until the first report is left of those whose triggers are all refused."""
    now = BEGAN
    while not bench.left:
        report = bench.queue.next_to_buy(now)
        assert report is not None
        bench.queue.refused(report, now=now, retry_after=wait)
        now += wait
    return now - wait - BEGAN


def test_a_seller_whose_every_trigger_is_refused_is_left_after_as_long_as_a_report_may_take() -> None:
    bench = Bench()
    first, second, other = tracked(0), tracked(1), tracked(2, seller="bose")
    bench.add(first, second)
    assert refused_until_left(bench, wait=900.0) == TIMEOUT
    told = "the API asks to wait 900 s, and has refused each trigger for 3600 s"
    assert bench.left == [(first, told, False), (second, told, False)]
    bench.add(other, now=BEGAN + TIMEOUT)
    assert bench.bought(BEGAN + TIMEOUT) == [other]


def test_all_sellers_are_left_where_every_trigger_of_the_app_is_refused_for_so_long() -> None:
    bench = Bench()
    acme, bose = (tracked(0, priority=Priority.NEWEST), tracked(1, seller="bose", priority=Priority.NEWEST))
    cipla = tracked(2, seller="cipla")
    bench.add(acme, bose, cipla)
    assert refused_until_left(bench, wait=300.0) == TIMEOUT
    assert bench.queue.next_to_buy(BEGAN + TIMEOUT + 300.0) is bose
    bench.queue.refused(bose, now=BEGAN + TIMEOUT + 300.0, retry_after=300.0)
    assert [report for report, _, _ in bench.left] == [acme, bose, cipla]


@pytest.mark.parametrize("pause", ["accepted", "not tried"])
def test_refusals_with_something_else_between_them_do_not_add_up(pause: str) -> None:
    bench = Bench()
    report, other = tracked(0), tracked(1)
    bench.add(report)
    for now in (0.0, 3000.0, 6000.0):
        assert bench.queue.next_to_buy(now) is report
        bench.queue.refused(report, now=now, retry_after=2900.0 if pause == "accepted" else 2600.0)
        if pause == "accepted":
            bench.queue.triggered(other)
    assert bench.left == []


def test_a_seller_whose_only_report_is_deferred_has_nothing_waiting() -> None:
    bench = Bench()
    only = tracked()
    bench.queue.refused(only, now=0.0, retry_after=TIMEOUT + 1)
    assert [report for report, _, _ in bench.left] == [only]
    assert bench.bought(1e6) == []


def test_a_pause_that_is_over_counts_no_more_at_the_end_of_the_run() -> None:
    bench = Bench(max_wait=600.0)
    bench.queue.begin(now=0.0)
    bench.add(tracked(0))
    assert bench.queue.next_to_buy(0.0) is not None
    bench.queue.refused(tracked(1), now=0.0, retry_after=10.0)
    late = tracked(2)
    bench.add(late, now=700.0)
    assert bench.left == []
    assert late.stage is Stage.WAITING


def test_a_pause_that_ends_with_the_run_counts_no_more_at_its_end() -> None:
    bench = Bench(max_wait=10.0)
    bench.queue.begin(now=0.0)
    bench.queue.refused(tracked(0), now=0.0, retry_after=10.0)
    late = tracked(1)
    bench.add(late, now=10.0)
    assert late.stage is Stage.WAITING


def test_a_seller_that_was_never_served_goes_before_one_that_was() -> None:
    bench = Bench()
    served, again, never = tracked(0), tracked(1), tracked(2, seller="bose")
    bench.add(served)
    assert bench.bought() == [served]
    bench.queue.free_slot(served)
    bench.add(again, never)
    assert bench.bought() == [never, again]


def test_what_was_not_bought_leaves_its_share_of_the_budget_to_another() -> None:
    bench = Bench(max_reports=1, max_concurrent_reports=1)
    first, second = tracked(0), tracked(1)
    bench.add(first, second)
    assert bench.queue.next_to_buy(0.0) is first
    bench.queue.free_slot(first)
    bench.queue.not_triggered(first)
    assert bench.bought() == [second]
    assert bench.queue.budget.triggers == 1


# LedgerWrites


def ledger_write(urgency: Urgency) -> LedgerWrite:
    return LedgerWrite(make=lambda: None, urgency=urgency)


def test_bookings_are_made_by_urgency_and_those_of_one_urgency_in_their_order() -> None:
    writes = LedgerWrites()
    claim, fate, answer, second = (
        ledger_write(urgency) for urgency in (Urgency.CLAIM, Urgency.OUTCOME, Urgency.ANSWER, Urgency.ANSWER)
    )
    for one in (claim, fate, answer, second):
        writes.add(one)
    assert len(writes) == 4
    urgent = [writes.next(before=Urgency.CLAIM) for _ in range(4)]
    assert [one and id(one) for one in urgent] == [id(answer), id(second), id(fate), None]
    assert writes.next() is claim
    assert writes.next() is None


def test_releases_are_dropped_at_the_end_and_nothing_else() -> None:
    writes = LedgerWrites()
    kept = [ledger_write(urgency) for urgency in (Urgency.CLAIM, Urgency.ANSWER, Urgency.OUTCOME)]
    for one in (ledger_write(Urgency.RELEASE), kept[0], ledger_write(Urgency.RELEASE), kept[2], kept[1]):
        writes.add(one)
    writes.drop_releases()
    left = list(iter(writes.next, None))
    assert [id(one) for one in left] == [id(kept[1]), id(kept[2]), id(kept[0])]
