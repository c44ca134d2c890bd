"""Which reports a run wants of a partition: what it buys, adopts, reads from the archive and repairs, without a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tap_flipkart_reports.planning.archived_days import days_to_buy
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.planning.probe_windows import ALTERNATIVES, other_parameters, probe_window
from tap_flipkart_reports.planning.report_type import ReportTable, ReportType
from tap_flipkart_reports.planning.wanted_reports import Partition, repair_requests, wanted_reports
from tap_flipkart_reports.planning.window_rules import WindowKind, WindowRule, owed_windows
from tap_flipkart_reports.purchasing.requests import ArchivedWindow, PendingReport, Priority, ReportRequest
from tap_flipkart_reports.windows import Window

START = date(2026, 1, 1)


def day(number: int) -> date:
    """The day of January."""
    return START + timedelta(days=number - 1)


def days(first: int, last: int) -> Window:
    return Window(day(first), day(last))


def report_type(kind: WindowKind = WindowKind.DAYS, **members: Any) -> ReportType:
    own: dict[str, Any] = {
        "name": "stock",
        "title": "Stock",
        "identifier": "stock_ledger",
        "rule": WindowRule(kind=kind, window_days=10, lookback_days=5),
        "parameters": {
            "from": "{from_date}",
            "to": "{to_date}",
            "warehouse": "{warehouse_id}",
            "seller": "{seller_id}",
        },
        "tables": (ReportTable(stream="stock", title="Stock"), ReportTable(stream="moves", title="Moves")),
        "report_timeout": 3600.0,
    }
    return ReportType(**(own | members))


def partition(kind: WindowKind = WindowKind.DAYS, **members: Any) -> Partition:
    own: dict[str, Any] = {
        "report_type": report_type(kind),
        "seller_id": "acme",
        "warehouse_id": "del",
        "coverages": {"stock": Coverage(), "moves": Coverage()},
    }
    return Partition(**(own | members))


def digest(window: Window, kind: WindowKind = WindowKind.DAYS) -> str:
    """Of what is asked for of a window."""
    return partition(kind).request(window, ["stock"], priority=Priority.BACKFILL).digest


def pending(window: Window, **members: Any) -> PendingReport:
    own: dict[str, Any] = {"report_id": "R-1", "window": window, "digest": digest(window)}
    return PendingReport(**(own | members))


def archived(window: Window, report_id: str = "A-1", **members: Any) -> ArchivedWindow:
    own: dict[str, Any] = {"report_id": report_id, "window": window, "digest": digest(window)}
    return ArchivedWindow(**(own | members))


def shown(requests: list[ReportRequest]) -> list[tuple[Any, ...]]:
    """First and last day, priority and report id of each."""
    return [
        (request.window.first.day, request.window.last.day, request.priority, request.report_id) for request in requests
    ]


def wanted(known: Partition, newest: int) -> list[tuple[Any, ...]]:
    return shown(wanted_reports(known, start=START, newest=day(newest)))


BACKFILL, NEWEST, LOOKBACK = Priority.BACKFILL, Priority.NEWEST, Priority.LOOKBACK


# A request


def test_a_request_says_all_that_a_trigger_needs() -> None:
    request = partition().request(days(1, 10), ["stock", "moves"], priority=Priority.NEWEST)
    assert request == ReportRequest(
        stream="stock",
        streams=("stock", "moves"),
        identifier="stock_ledger",
        seller_id="acme",
        warehouse_id="del",
        window=days(1, 10),
        parameters={"from": "2026-01-01", "to": "2026-01-10", "warehouse": "del", "seller": "acme"},
        priority=Priority.NEWEST,
        report_timeout=3600.0,
    )


def test_a_type_without_a_time_of_its_own_has_none_in_its_requests() -> None:
    """Only before the settings are read: those give each type its time."""
    untimed = partition(report_type=report_type(report_timeout=None))
    assert untimed.request(days(1, 10), ["stock"], priority=BACKFILL).report_timeout == 0


@pytest.mark.parametrize(
    ("bookmarks", "is_reread"),
    [
        ((None, None), False),
        ((day(20), None), False),
        ((day(20), day(10)), False),
        ((day(20), day(11)), True),
        ((day(20), day(20)), True),
    ],
)
def test_a_window_is_read_again_where_all_its_streams_have_read_its_first_day(
    bookmarks: tuple[date | None, date | None], *, is_reread: bool
) -> None:
    coverages = {
        name: Coverage(bookmark=bookmark) for name, bookmark in zip(("stock", "moves"), bookmarks, strict=True)
    }
    request = partition(coverages=coverages).request(days(11, 20), ["stock", "moves"], priority=BACKFILL)
    assert request.is_reread is is_reread


def test_only_a_report_of_the_same_days_and_the_same_parameters_is_adopted() -> None:
    others = [pending(days(1, 9)), pending(days(1, 10), report_id="R-2", digest="of other parameters")]
    known = partition(pending=[*others, pending(days(1, 10), report_id="R-3")])
    adopted = known.request(days(1, 10), ["stock"], priority=BACKFILL)
    assert (adopted.report_id, adopted.priority, adopted.is_archived) == ("R-3", Priority.BOUGHT, False)
    assert partition(pending=others).request(days(1, 10), ["stock"], priority=BACKFILL).report_id is None
    kept = replace(known, archived=[archived(days(1, 10), "A-1"), archived(days(1, 10), "R-3")])
    assert kept.request(days(1, 10), ["stock"], priority=BACKFILL).is_archived
    not_kept = replace(known, archived=[archived(days(1, 10), "A-1")])
    assert not not_kept.request(days(1, 10), ["stock"], priority=BACKFILL).is_archived


# What is wanted


def test_the_newest_window_goes_first_then_the_look_back_then_older_windows() -> None:
    assert wanted(partition(), 25) == [(1, 10, BACKFILL, None), (11, 20, BACKFILL, None), (21, 25, NEWEST, None)]
    read = Coverage(bookmark=day(20))
    known = partition(coverages={"stock": read, "moves": read})
    assert wanted(known, 31) == [(16, 25, LOOKBACK, None), (26, 31, NEWEST, None)]
    left = replace(known, unbought=[days(25, 26)])
    assert [priority for _, _, priority, _ in wanted(left, 31)] == [Priority.UNBOUGHT] * 2


def test_a_report_is_bought_once_for_the_streams_that_owe_its_days() -> None:
    known = partition(coverages={"stock": Coverage(bookmark=day(15)), "moves": Coverage(finished=(days(1, 10),))})
    requests = wanted_reports(known, start=START, newest=day(25))
    assert [(request.window, request.streams) for request in requests] == [
        (days(11, 20), ("stock", "moves")),
        (days(21, 25), ("stock", "moves")),
    ]
    read = replace(known, coverages={"stock": Coverage(bookmark=day(25)), "moves": Coverage(bookmark=day(24))})
    assert [request.streams for request in wanted_reports(read, start=START, newest=day(25))] == [("moves",)]


def test_what_is_bought_is_requested_as_it_was_bought_unless_it_is_a_repair() -> None:
    known = partition(pending=[pending(days(5, 8))])
    assert wanted(known, 12) == [(1, 4, BACKFILL, None), (5, 8, Priority.BOUGHT, "R-1"), (9, 12, NEWEST, None)]
    repaired = partition(pending=[pending(days(5, 8), is_repair=True)])
    assert wanted(repaired, 10) == [(1, 10, NEWEST, None)]


def test_of_a_grid_a_report_that_was_read_today_does_not_stand_for_its_running_cell() -> None:
    short = days(1, 20)
    own = pending(short, digest=digest(short, WindowKind.MONTH))
    known = partition(WindowKind.MONTH, pending=[own])
    assert wanted(known, 25) == [(1, 20, Priority.BOUGHT, "R-1")]
    assert wanted(replace(known, pending=[replace(own, is_finished=True)]), 25) == [(1, 25, NEWEST, None)]
    of_days = partition(pending=[pending(days(1, 5), is_finished=True)])
    assert wanted(of_days, 10) == [(1, 5, Priority.BOUGHT, "R-1"), (6, 10, NEWEST, None)]


def test_a_snapshot_is_read_by_all_its_streams() -> None:
    known = partition(WindowKind.SNAPSHOT, coverages={"stock": Coverage(), "moves": Coverage(bookmark=day(20))})
    (request,) = wanted_reports(known, start=START, newest=day(20))
    assert (request.window, request.streams) == (days(20, 20), ("stock", "moves"))


# The archive


def test_what_the_archive_holds_is_read_from_there_before_the_rest_is_bought() -> None:
    known = partition(archived=[archived(days(1, 10)), archived(days(11, 20), "A-2")])
    requests = wanted_reports(known, start=START, newest=day(25))
    assert shown(requests) == [
        (1, 10, Priority.BOUGHT, "A-1"),
        (11, 20, Priority.BOUGHT, "A-2"),
        (16, 25, NEWEST, None),  # with the look-back of what is read
    ]
    assert [request.is_archived for request in requests] == [True, True, False]
    assert [request.streams for request in requests] == [("stock", "moves")] * 3


def test_of_two_archived_reports_of_a_day_the_newer_is_read_and_an_older_only_where_it_holds_more() -> None:
    same = partition(archived=[archived(days(1, 10), "old"), archived(days(1, 10), "new")])
    assert wanted(same, 10) == [(1, 10, Priority.BOUGHT, "new")]
    between = partition(archived=[archived(days(11, 20), "a"), archived(days(1, 10), "b"), archived(days(1, 10), "c")])
    assert wanted(between, 20) == [(11, 20, Priority.BOUGHT, "a"), (1, 10, Priority.BOUGHT, "c")]
    longer = partition(archived=[archived(days(1, 10), "old"), archived(days(5, 12), "new")])
    assert wanted(longer, 12) == [(1, 10, Priority.BOUGHT, "old"), (5, 12, Priority.BOUGHT, "new")]


def test_an_archived_report_is_read_by_the_streams_that_lack_its_days() -> None:
    known = partition(
        coverages={"stock": Coverage(bookmark=day(20)), "moves": Coverage()},
        archived=[archived(days(1, 10)), archived(days(11, 20), "A-2")],
    )
    requests = wanted_reports(known, start=START, newest=day(20))
    assert [(request.report_id, request.streams) for request in requests] == [("A-1", ("moves",)), ("A-2", ("moves",))]


def test_an_archived_report_of_other_parameters_or_off_the_grid_is_not_read() -> None:
    other = partition(archived=[archived(days(1, 10), digest="of other parameters")])
    assert wanted(other, 10) == [(1, 10, NEWEST, None)]
    short = days(2, 31)
    off_grid = archived(short, digest=digest(short, WindowKind.MONTH))
    assert wanted(partition(WindowKind.MONTH, archived=[off_grid]), 31) == [(1, 31, NEWEST, None)]
    on_grid = archived(days(1, 31), digest=digest(days(1, 31), WindowKind.MONTH))
    assert wanted(partition(WindowKind.MONTH, archived=[on_grid]), 31) == [(1, 31, Priority.BOUGHT, "A-1")]


def bought(kind: WindowKind, coverage: Coverage, *kept: Window, newest: int, lookback: int = 5) -> list[Window]:
    rule = WindowRule(kind=kind, window_days=10, lookback_days=lookback)
    last = day(newest)
    owed = owed_windows(rule, coverage, start=START, newest=last)
    return days_to_buy(rule, coverage, owed=owed, archived=kept, start=START, newest=last)


def test_a_look_back_comes_from_the_archive_only_where_a_later_run_has_bought_it() -> None:
    read = Coverage(bookmark=day(20))
    assert bought(WindowKind.DAYS, read, newest=25) == [days(16, 25)]
    assert bought(WindowKind.DAYS, read, days(11, 20), newest=25) == [days(16, 25)]
    assert bought(WindowKind.DAYS, read, days(21, 22), newest=25) == [days(16, 25)]
    assert bought(WindowKind.DAYS, read, days(16, 25), newest=25) == []
    assert bought(WindowKind.DAYS, read, days(18, 25), newest=25) == [days(16, 17)]


def test_the_look_back_of_what_the_archive_holds_is_owed_on_the_next_day() -> None:
    assert bought(WindowKind.DAYS, Coverage(), days(1, 20), newest=25) == [days(16, 25)]
    assert bought(WindowKind.DAYS, Coverage(), days(1, 20), newest=25, lookback=0) == [days(21, 25)]
    assert bought(WindowKind.DAYS, Coverage(), days(1, 20), newest=20) == []
    half = Coverage(bookmark=day(20), reread_newest=day(25), reread=(days(16, 18),))
    assert bought(WindowKind.DAYS, half, newest=25) == [days(19, 25)]
    assert bought(WindowKind.DAYS, half, days(23, 24), newest=25) == [days(19, 22), days(25, 25)]


def test_a_running_cell_comes_from_the_archive_only_where_a_later_run_has_bought_it() -> None:
    read = Coverage(bookmark=day(20))
    assert bought(WindowKind.MONTH, read, days(1, 20), newest=25) == [days(1, 25)]
    assert bought(WindowKind.MONTH, read, days(1, 22), newest=25) == [days(1, 25)]
    assert bought(WindowKind.MONTH, read, days(1, 25), newest=25) == []


# Repairs


def test_a_repair_reads_its_days_again_for_the_streams_that_were_named() -> None:
    repaired = {"stock": [days(3, 5)], "moves": [days(5, 16)]}
    requests = repair_requests(partition(), repaired, newest=day(25))
    assert shown(requests) == [(3, 12, NEWEST, None), (13, 16, NEWEST, None)]
    assert [request.streams for request in requests] == [("stock", "moves"), ("moves",)]
    assert all(request.is_repair and request.is_reread for request in requests)
    assert shown(repair_requests(partition(), {"stock": [days(20, 31)]}, newest=day(25))) == [(20, 25, NEWEST, None)]
    assert repair_requests(partition(), {"stock": [days(26, 31)]}, newest=day(25)) == []


def test_where_days_are_cut_by_a_grid_a_repair_reads_the_cells_that_hold_its_days() -> None:
    months = partition(WindowKind.MONTH)
    newest = date(2026, 4, 10)
    january, march = days(10, 11), Window(date(2026, 3, 31), date(2026, 4, 2))
    requests = repair_requests(months, {"stock": [january], "moves": [march]}, newest=newest)
    assert [(str(request.window), request.streams) for request in requests] == [
        ("2026-01-01 to 2026-01-31", ("stock",)),
        ("2026-03-01 to 2026-03-31", ("moves",)),
        ("2026-04-01 to 2026-04-10", ("moves",)),
    ]
    assert repair_requests(months, {"stock": [days(5, 9)]}, newest=day(4)) == []


def test_a_repair_adopts_what_a_repair_has_bought_and_nothing_else() -> None:
    own, other = pending(days(3, 5), report_id="R-1", is_repair=True), pending(days(3, 5), report_id="R-2")
    repaired = {"stock": [days(3, 5)]}
    assert shown(repair_requests(partition(pending=[other, own]), repaired, newest=day(25))) == [
        (3, 5, Priority.BOUGHT, "R-1")
    ]
    assert shown(repair_requests(partition(pending=[other]), repaired, newest=day(25))) == [(3, 5, NEWEST, None)]


# Probes


@pytest.mark.parametrize(
    ("kind", "newest", "window"),
    [
        (WindowKind.SNAPSHOT, "2026-03-31", "2026-03-31 to 2026-03-31"),
        (WindowKind.DAYS, "2026-03-31", "2026-03-24 to 2026-03-24"),
        (WindowKind.MONTH, "2026-03-31", "2026-03-01 to 2026-03-31"),
        (WindowKind.MONTH, "2026-03-30", "2026-02-01 to 2026-02-28"),
        (WindowKind.WHOLE_MONTH, "2026-01-15", "2025-12-01 to 2025-12-31"),
        (WindowKind.FINANCIAL_YEAR, "2026-03-30", "2025-04-01 to 2026-03-30"),
        (WindowKind.DAY_GRID, "2026-01-01", "2025-12-15 to 2025-12-24"),
    ],
)
def test_a_probe_asks_for_the_smallest_window_that_can_have_rows(kind: WindowKind, newest: str, window: str) -> None:
    assert str(probe_window(report_type(kind), newest=date.fromisoformat(newest))) == window


def test_a_probe_tries_other_parameters_than_its_own_and_a_warehouse_only_where_one_is_known() -> None:
    own = report_type(parameters=ALTERNATIVES[0])
    with_warehouse = [other.parameters for other in other_parameters(own, has_warehouse=True)]
    assert with_warehouse == list(ALTERNATIVES[1:])
    without = [other.parameters for other in other_parameters(own, has_warehouse=False)]
    assert without == list(ALTERNATIVES[4:])
    assert {other.identifier for other in other_parameters(own, has_warehouse=True)} == {"stock_ledger"}
