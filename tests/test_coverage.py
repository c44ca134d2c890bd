"""The cockpit: what state and ledger say of days, what needs a person, what was bought; as the command shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_flipkart_reports.adapters.token_store import new_key
from tap_flipkart_reports.auth import REFRESH_LIFE
from tap_flipkart_reports.commands.coverage.cells import Cell, LedgerRecords, Strip, cells_of
from tap_flipkart_reports.commands.coverage.cockpit import Cockpit, document
from tap_flipkart_reports.commands.coverage.concerns import Authorisations, ConcernKind, NextPurchases, concerns_of
from tap_flipkart_reports.commands.coverage.days import DayMasks, DayStatus, Span
from tap_flipkart_reports.commands.coverage.purchases import purchase_figures
from tap_flipkart_reports.commands.coverage.terminal import Screen, terminal_text, time_in_words
from tap_flipkart_reports.commands.tables import aligned, width_of
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.planning.prices import Prices
from tap_flipkart_reports.planning.wanted_reports import Partition
from tap_flipkart_reports.purchasing.requests import FailedWindow, PendingReport, Purchase, PurchaseStatus
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.settings.credentials import KEY_VARIABLE
from tap_flipkart_reports.windows import DAY, Window

if TYPE_CHECKING:
    from support.bench import Bench

SIDE = [sys.executable, "-m", "tap_flipkart_reports.commands.cli"]
FIRST = date(2026, 10, 1)
NEWEST = date(2026, 10, 20)
NOON = datetime(2026, 10, 22, 6, 30, tzinfo=timezone.utc)


def days(first: int, last: int) -> Window:
    """Days of October."""
    return Window(date(2026, 10, first), date(2026, 10, last))


def partition(
    report_type: str = "sales_ledger", *, seller: str = "acme", pending: tuple[Window, ...] = (), **coverage: Any
) -> Partition:
    """A partition whose tables have read the same, but for those that are named with a coverage of their own."""
    kind = REPORT_TYPES[report_type]
    tables = {name: coverage.pop(name) for name in kind.streams if name in coverage}
    return Partition(
        report_type=kind,
        seller_id=seller,
        warehouse_id="blr_wfld" if kind.per_warehouse else None,
        coverages={name: tables.get(name, Coverage(**coverage)) for name in kind.streams},
        pending=[PendingReport(report_id="R-1", window=window, digest="d") for window in pending],
    )


def bought(
    window: Window, status: PurchaseStatus = PurchaseStatus.FINISHED, *, after: int = 0, **members: Any
) -> Purchase:
    """A purchase so many minutes after noon."""
    at = NOON + timedelta(minutes=after)
    own: dict[str, Any] = {"identifier": "sales_ledger", "seller_id": "acme", "warehouse_id": None, "report_id": "R-1"}
    return Purchase(**{**own, "window": window, "status": status, "bought_at": at, **members})


def failed(window: Window, cause: str = "the API says no", *, unreadable: bool = False, **members: Any) -> FailedWindow:
    own: dict[str, Any] = {
        "identifier": "sales_ledger",
        "stream": "sales_ledger",
        "seller_id": "acme",
        "warehouse_id": None,
        "report_id": "R-1" if unreadable else None,
        "failed_at": NOON,
    }
    return FailedWindow(**{**own, "window": window, "is_unreadable": unreadable, "cause": cause, **members})


def cells(
    *partitions: Partition,
    purchases: list[Purchase] | None = None,
    failures: list[FailedWindow] | None = None,
    has_state: bool = True,
    start: date = FIRST,
    newest: date | None = NEWEST,
) -> tuple[Cell, ...]:
    records = LedgerRecords(purchases=purchases or [], failures=failures or [], has_state=has_state)
    return tuple(cells_of(partitions, records=records, start=start, newest_days=dict.fromkeys(REPORT_TYPES, newest)))


def cockpit(
    *partitions: Partition, purchases: list[Purchase] | None = None, budget: NextPurchases | None = None, **known: Any
) -> Cockpit:
    found = cells(*partitions, purchases=purchases, **known)
    return Cockpit(
        cells=found,
        concerns=tuple(concerns_of(found, authorisations=Authorisations(), budget=budget, now=NOON)),
        purchases=purchase_figures(purchases) if purchases is not None else None,
    )


def words(strip: Strip) -> list[tuple[str, str]]:
    return [(f"{span.window.first.day}-{span.window.last.day}", span.status.value) for span in strip.spans]


def spans(found: tuple[Cell, ...]) -> list[tuple[str, str]]:
    (cell,) = found
    (strip,) = cell.strips
    return words(strip)


# Days


def test_the_state_shows_loaded_pending_and_missing_days() -> None:
    known = partition(bookmark=date(2026, 10, 4), finished=(days(8, 10),), pending=(days(11, 13),))
    found = cells(known)
    assert spans(found) == [
        ("1-4", "loaded"),
        ("5-7", "missing"),
        ("8-10", "loaded"),
        ("11-13", "pending"),
        ("14-20", "missing"),
    ]
    assert found[0].strips[0].complete_until == date(2026, 10, 4)


def test_the_ledger_shows_failed_days_and_those_that_were_read_more_than_once() -> None:
    known = partition(bookmark=date(2026, 10, 12), pending=(days(16, 16),))
    purchases = [
        bought(days(1, 10)),
        bought(days(8, 12), after=1),
        bought(days(3, 4), PurchaseStatus.FAILED, after=2),
        *(
            bought(days(10 + n, 10 + n), status, after=n)
            for n, status in enumerate((PurchaseStatus.EXPIRED, PurchaseStatus.LOST), 3)
        ),
        bought(days(15, 16), PurchaseStatus.GIVEN_UP, after=9),
    ]
    assert spans(cells(known, purchases=purchases)) == [
        ("1-7", "loaded"),
        ("8-10", "re-read"),
        ("11-12", "loaded"),
        ("13-15", "failed"),
        ("16-16", "pending"),
        ("17-20", "missing"),
    ]


def test_a_report_that_cannot_be_read_is_not_pending_for_ever() -> None:
    known = partition(bookmark=date(2026, 10, 4), pending=(days(5, 9), days(10, 12)))
    failures = [failed(days(5, 9), "the file is empty", unreadable=True), failed(days(13, 20))]
    found = cells(known, failures=failures)
    assert spans(found) == [("1-4", "loaded"), ("5-9", "unreadable"), ("10-12", "pending"), ("13-20", "failed")]
    assert found[0].worst is DayStatus.FAILED
    assert cells(known, failures=failures[:1])[0].worst is DayStatus.UNREADABLE


def test_a_look_back_that_failed_is_reported_though_its_days_are_loaded() -> None:
    (cell,) = cells(partition(bookmark=NEWEST), failures=[failed(days(10, 20))])
    assert words(cell.strips[0]) == [("1-20", "loaded")]
    assert (cell.worst, len(cell.failures)) == (DayStatus.FAILED, 1)


def test_a_report_that_failed_and_was_bought_again_leaves_no_trace_on_its_days() -> None:
    purchases = [bought(days(1, 20), PurchaseStatus.FAILED), bought(days(1, 20), after=1)]
    (cell,) = cells(partition(bookmark=NEWEST), purchases=purchases)
    assert words(cell.strips[0]) == [("1-20", "loaded")]
    assert cell.failures == ()


def test_what_the_ledger_has_read_is_loaded_only_where_there_is_no_state_to_say_what_was_stored() -> None:
    purchases = [bought(days(1, 20))]
    assert spans(cells(partition(), purchases=purchases, has_state=False)) == [("1-20", "loaded")]
    assert spans(cells(partition(), purchases=purchases)) == [("1-20", "missing")]


def test_purchases_and_failures_of_others_say_nothing() -> None:
    others: list[dict[str, Any]] = [
        {"seller_id": "bharat"},
        {"identifier": "orders_report"},
        {"warehouse_id": "blr_wfld"},
    ]
    purchases = [bought(days(1, 20), PurchaseStatus.FAILED, **other) for other in others]
    failures = [failed(days(1, 20), **other) for other in others]
    assert spans(cells(partition(), purchases=purchases, failures=failures)) == [("1-20", "missing")]


def test_tables_with_the_same_days_are_one_strip_and_others_are_separate() -> None:
    (alike,) = cells(partition(bookmark=date(2026, 10, 9)))
    assert (len(alike.strips), alike.tables) == (1, ())
    assert alike.strips[0].streams == ("sales_ledger", "sales_ledger_cash_back")
    late = Coverage(bookmark=date(2026, 10, 4))
    (apart,) = cells(partition(bookmark=date(2026, 10, 9), sales_ledger_cash_back=late))
    assert words(apart.strips[0]) == [("1-4", "loaded"), ("5-20", "missing")]  # as its worst table stands
    assert [(strip.streams, strip.complete_until) for strip in apart.tables] == [
        (("sales_ledger",), date(2026, 10, 9)),
        (("sales_ledger_cash_back",), date(2026, 10, 4)),
    ]
    assert apart.days() == {DayStatus.LOADED: 4, DayStatus.MISSING: 16}


def test_warehouses_of_a_seller_are_strips_of_one_cell() -> None:
    parts = [replace(partition("stock_ledger", bookmark=NEWEST), warehouse_id=name) for name in ("blr", "del")]
    (cell,) = cells(*parts)
    assert [strip.warehouse_id for strip in cell.strips] == ["blr", "del"]
    assert cell.days() == {DayStatus.LOADED: 40}


def test_a_month_that_runs_is_not_wanted_of_a_summary_and_a_start_is_rounded_down_to_its_month() -> None:
    (summary,) = cells(partition("gst_returns_report"))
    assert (summary.strips[0].spans, summary.worst) == ((), None)
    found = cockpit(partition("stock_ledger"), start=date(2026, 9, 15))
    assert found.range == Window(date(2026, 9, 1), NEWEST)


def test_of_snapshots_those_are_wanted_that_are_there_and_the_newest() -> None:
    known = partition("current_inventory_report", bookmark=date(2026, 10, 12))
    purchases = [
        bought(days(day, day), status, identifier="current_inventory_report")
        for day, status in (
            (5, PurchaseStatus.FINISHED),
            (7, PurchaseStatus.FINISHED),
            (9, PurchaseStatus.FAILED),
            (15, PurchaseStatus.FINISHED),
        )
    ]
    stored = [("5-5", "loaded"), ("7-7", "loaded"), ("12-12", "loaded")]
    without_state = cells(known, purchases=purchases, has_state=False)
    assert spans(without_state) == [*stored, ("15-15", "loaded"), ("20-20", "missing")]
    assert spans(cells(known, purchases=purchases)) == [*stored, ("15-15", "missing"), ("20-20", "missing")]
    assert without_state[0].strips[0].complete_until == date(2026, 10, 15)


def test_nothing_is_wanted_before_the_first_day() -> None:
    for newest in (None, FIRST - DAY):
        found = cockpit(partition(bookmark=NEWEST), newest=newest)
        assert (found.cells, found.range) == ((), None)


windows = st.tuples(st.integers(1, 31), st.integers(0, 9)).map(lambda pair: days(pair[0], min(31, sum(pair))))


@given(
    bookmark=st.none() | st.dates(date(2026, 9, 1), date(2026, 10, 31)),
    finished=st.lists(windows),
    pending=st.lists(windows),
    failures=st.lists(st.tuples(windows, st.booleans())),
    purchases=st.lists(
        st.tuples(windows, st.sampled_from([PurchaseStatus.FINISHED, PurchaseStatus.FAILED, PurchaseStatus.COMPLETED]))
    ),
)
def test_every_wanted_day_appears_once(
    bookmark: date | None,
    finished: list[Window],
    pending: list[Window],
    failures: list[tuple[Window, bool]],
    purchases: list[tuple[Window, PurchaseStatus]],
) -> None:
    known = partition(bookmark=bookmark, finished=tuple(finished), pending=tuple(pending))
    (cell,) = cells(
        known,
        purchases=[bought(*purchase) for purchase in purchases],
        failures=[failed(window, unreadable=unreadable) for window, unreadable in failures],
    )
    (strip,) = cell.strips
    shown = {span.window.first + timedelta(days=number): span for span in strip.spans for number in range(span.days)}
    assert list(shown) == [FIRST + timedelta(days=number) for number in range(20)]
    assert all(a.status is not b.status for a, b in zip(strip.spans, strip.spans[1:], strict=False))
    there = {DayStatus.LOADED, DayStatus.REREAD}
    for day, span in shown.items():
        is_loaded = (bookmark is not None and day <= bookmark) or any(w.first <= day <= w.last for w in finished)
        assert (span.status in there) == is_loaded
        if not is_loaded and any(is_bad and w.first <= day <= w.last for w, is_bad in failures):
            assert span.status is DayStatus.UNREADABLE


@given(st.lists(windows, min_size=1), st.lists(windows))
def test_days_as_bits_are_the_days(wanted: list[Window], others: list[Window]) -> None:
    first, *rest = sorted(wanted)
    disjoint = [first]
    for window in rest:
        if window.first > disjoint[-1].last:
            disjoint.append(window)
    masks = DayMasks(disjoint)
    found = masks.spans({DayStatus.LOADED: masks.of(others)})
    expected = {
        day: DayStatus.LOADED if any(other.first <= day <= other.last for other in others) else DayStatus.MISSING
        for window in disjoint
        for day in (window.first + timedelta(days=number) for number in range((window.last - window.first).days + 1))
    }
    assert {
        span.window.first + timedelta(days=number): span.status for span in found for number in range(span.days)
    } == expected


# Purchases


def test_a_purchase_is_for_new_days_for_a_second_look_or_in_place_of_one_that_was_not_to_be_had() -> None:
    purchases = [
        bought(days(1, 10), PurchaseStatus.FAILED),
        bought(days(1, 10), PurchaseStatus.EXPIRED, after=1),
        bought(days(1, 10), after=2),
        bought(days(11, 12), after=3),
        bought(days(5, 13), after=4),
        bought(days(5, 13), after=5, seller_id="bharat"),
        bought(days(14, 14), PurchaseStatus.TRIGGERED, after=24 * 60, identifier="orders_report"),
    ]
    shown = document(cockpit(partition(), purchases=purchases))["bought"]
    assert shown["total"] == {"first": 4, "reread": 1, "again": 2}
    assert shown["by_day"] == {
        "2026-10-22": {"first": 3, "reread": 1, "again": 2},
        "2026-10-23": {"first": 1, "reread": 0, "again": 0},
    }
    assert shown["by_type"] == {
        "orders_report": {"first": 1, "reread": 0, "again": 0},
        "sales_ledger": {"first": 3, "reread": 1, "again": 2},
    }


def test_a_look_back_that_failed_and_was_bought_again_counts_as_that_alone() -> None:
    lookback = [bought(days(5, 13), PurchaseStatus.FAILED, after=1), bought(days(5, 13), after=2)]
    total = purchase_figures([bought(days(1, 10)), *lookback]).total
    assert (total.first, total.reread, total.again) == (1, 1, 1)


def test_what_may_have_been_bought_besides_counts_as_bought_again() -> None:
    figures = purchase_figures([bought(days(1, 2), unanswered=2)])
    assert (figures.total.first, figures.total.again, figures.total.total) == (1, 2, 3)


def test_a_day_of_the_figures_is_one_in_kolkata() -> None:
    late = datetime(2026, 10, 22, 18, 31, tzinfo=timezone.utc)
    figures = purchase_figures([bought(days(1, 2), bought_at=late, finished_at=late, rows=7)])
    assert figures.rows_by_day == {date(2026, 10, 23): 7}
    assert list(figures.by_day) == [date(2026, 10, 23)]


def test_durations_run_from_the_trigger_until_a_report_is_seen_to_be_ready() -> None:
    purchases = [
        bought(days(n, n), completed_at=NOON + timedelta(seconds=seconds))
        for n, seconds in ((1, 60), (2, 90), (3, 300))
    ]
    found = cockpit(partition(), purchases=[*purchases, bought(days(4, 4), PurchaseStatus.TRIGGERED)])
    assert document(found)["bought"]["seconds_by_type"] == {
        "sales_ledger": {"shortest": 60.0, "typical": 90.0, "longest": 300.0, "reports": 3}
    }


# What needs a person


def test_a_failed_month_counts_once_however_many_days_and_tables_it_has() -> None:
    month = days(1, 20)
    found = cockpit(partition(), failures=[failed(month)])
    (concern,) = found.concerns
    assert [(place.seller_id, place.report_type, place.window) for place in concern.subjects] == [
        ("acme", "sales_ledger", month)
    ]
    assert document(found)["windows"] == {"failed": 1, "unreadable": 0}
    assert found.days()[DayStatus.FAILED] == 20  # not times the tables


def test_what_failed_for_one_cause_is_reported_together_the_newest_first() -> None:
    names = [f"seller-{number}" for number in range(3)]
    failures = [failed(days(1, 4), seller_id=name, failed_at=NOON + n * DAY) for n, name in enumerate(names)]
    other = failed(days(5, 6), "the file is empty", unreadable=True, report_id="R-9")
    alone = failed(days(7, 8), "it is alone")
    partitions = [partition(seller=name) for name in ("acme", *names)]
    concerns = cockpit(*partitions, failures=[alone, other, *failures]).concerns
    assert [(one.kind, one.words, len(one.subjects)) for one in concerns] == [
        (ConcernKind.FAILED, "the API says no", 3),
        (ConcernKind.FAILED, "it is alone", 1),
        (ConcernKind.UNREADABLE, "the file is empty", 1),
    ]
    assert [place.seller_id for place in concerns[0].subjects] == names[::-1]
    assert concerns[0].since == NOON + 2 * DAY
    assert 'given_up_reports: ["R-9"]' in concerns[2].next_step


def test_equal_failures_are_reported_once_even_if_their_causes_name_different_ids() -> None:
    causes = [f"detail of R-{n}, correlation id {uuid4()} was refused 2 times" for n in range(3)]
    failures = [failed(days(n + 1, n + 1), cause, report_id=f"R-{n}") for n, cause in enumerate(causes)]
    (concern,) = cockpit(partition(), failures=failures).concerns
    assert concern.words == "detail of …, correlation id … was refused 2 times"
    assert {place.report_id for place in concern.subjects} == {"R-0", "R-1", "R-2"}
    (alone,) = cockpit(partition(), failures=failures[:1]).concerns
    assert alone.words == causes[0]


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (PurchaseStatus.FAILED, "Flipkart reports FAILED"),
        (PurchaseStatus.EXPIRED, "expired"),
        (PurchaseStatus.LOST, "may have been bought"),
        (PurchaseStatus.GIVEN_UP, "given_up_reports"),
        (PurchaseStatus.NOT_UNDERSTOOD, "nobody can tell the report id"),
    ],
)
def test_a_report_that_is_gone_has_a_cause_where_no_run_has_lived_to_write_one(
    status: PurchaseStatus, cause: str
) -> None:
    purchases = [bought(days(1, 4), status), bought(days(1, 4), status, after=5, report_id="R-2")]
    (concern,) = cockpit(partition(), purchases=purchases).concerns
    assert cause in concern.words
    assert [place.report_id for place in concern.subjects] == ["R-2"]
    (told,) = cockpit(partition(), purchases=purchases, failures=[failed(days(1, 3))]).concerns
    assert told.words == "the API says no"


def test_a_snapshot_of_a_day_that_is_over_needs_nobody() -> None:
    known = partition("current_inventory_report")
    assert cockpit(known, failures=[failed(days(3, 3), identifier="current_inventory_report")]).concerns == ()


def test_an_authorisation_that_ends_within_a_fortnight_is_reported_and_one_that_is_over_before_all_else() -> None:
    ends = {f"s{number}": NOON + timedelta(days=number) for number in (-2, 0, 14, 15)}
    found = cells(partition(), failures=[failed(days(1, 1))])
    concerns = concerns_of(found, authorisations=Authorisations(ends=ends), budget=None, now=NOON)
    assert [(one.kind, one.words) for one in concerns] == [
        (ConcernKind.AUTHORISATION_OVER, "the authorisation of seller s-2 ended on 2026-10-20"),
        (ConcernKind.FAILED, "the API says no"),
        (ConcernKind.AUTHORISATION, "the authorisation of seller s0 ends on 2026-10-22, in 0 days"),
        (ConcernKind.AUTHORISATION, "the authorisation of seller s14 ends on 2026-11-05, in 14 days"),
    ]
    assert "--seller-id=s-2 " in concerns[0].next_step


def test_a_name_in_a_command_is_one_word_of_the_shell() -> None:
    authorisations = Authorisations(ends={"a; rm -rf $HOME": NOON})
    (concern,) = concerns_of((), authorisations=authorisations, budget=None, now=NOON)
    assert "--seller-id='a; rm -rf $HOME' " in concern.next_step


def test_a_budget_is_reported_if_it_defers_something() -> None:
    assert cockpit(budget=NextPurchases(buys=4, left=0, left_before=0)).concerns == ()
    (concern,) = cockpit(budget=NextPurchases(buys=4, left=9, left_before=1)).concerns
    assert "`flipkart-reports plan --config CONFIG --state STATE`" in concern.next_step
    assert concern.words == (
        "the next run buys 4 reports; its budget leaves 9 windows over; earlier runs have left 1 window over, which go "
        "first"
    )


def test_drift_and_ties_count_as_long_as_the_newest_report_has_them() -> None:
    drift = ("sales_ledger has new columns A",)
    cured = [bought(days(1, 4), drift=drift, tied=3), bought(days(5, 8), after=1)]
    assert cockpit(partition(bookmark=NEWEST), purchases=cured).concerns == ()
    worse = [bought(days(1, 4)), bought(days(5, 8), after=1, drift=drift, tied=3, report_id="R-2")]
    concerns = cockpit(partition(bookmark=NEWEST), purchases=worse).concerns
    assert [(one.kind, one.words) for one in concerns] == [
        (ConcernKind.DRIFT, "sales_ledger has new columns A"),
        (ConcernKind.TIES, "sales_ledger: 3 rows of the newest reports share a key, or have a part of it blank"),
    ]


def test_rows_that_were_skipped_are_reported_until_their_window_is_read_without() -> None:
    purchases = [bought(days(1, 4), rejected=2), bought(days(5, 8), after=1)]
    (concern,) = cockpit(partition(bookmark=NEWEST), purchases=purchases).concerns
    assert (concern.kind, concern.words) == (ConcernKind.SKIPPED, "sales_ledger: 2 rows skipped (bad_rows)")
    again = [*purchases, bought(days(1, 4), after=2)]
    assert cockpit(partition(bookmark=NEWEST), purchases=again).concerns == ()


# How far streams are


def test_a_stream_is_up_to_date_as_of_the_day_up_to_which_every_seller_is() -> None:
    found = cockpit(
        partition("orders_report", bookmark=NEWEST),
        partition("orders_report", seller="bharat", bookmark=date(2026, 10, 3)),
        partition("orders_report", seller="chirag", bookmark=date(2026, 10, 9)),
        partition("returns_report", seller="bharat", bookmark=date(2026, 10, 9)),
        partition("returns_report"),
    )
    assert [(one.stream, one.complete_until, one.slowest, one.behind) for one in found.progress()] == [
        ("orders_report", date(2026, 10, 3), "bharat", 2),
        ("returns_report", None, "acme", 2),
    ]


# For programs


def test_the_page_about_monitoring_names_every_member_of_the_document() -> None:
    purchases = [bought(days(1, 4), completed_at=NOON, finished_at=NOON, rows=3)]
    found = replace(
        cockpit(partition(), purchases=purchases, failures=[failed(days(5, 6))]),
        prices=Prices(by_type={"*": Decimal(2)}, currency="INR"),
        authorisations=Authorisations(ends={"acme": NOON}),
    )
    text = (Path(__file__).parent.parent / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert {name for name in members(document(found)) if f"`{name}`" not in text} == set()


def members(document: object) -> set[str]:
    """The names of all members, but for those that are days, sellers or report types."""
    if isinstance(document, list):
        return set().union(*map(members, document))
    if not isinstance(document, dict):
        return set()
    names = {name for name in document if name not in {"acme", "sales_ledger"} and not name.startswith("2026-")}
    return names.union(*map(members, document.values()))


# In the terminal


def test_the_terminal_shows_what_needs_a_person_a_sign_for_each_cell_and_the_worst_day_by_day() -> None:
    known = partition(bookmark=date(2026, 10, 4), pending=(days(5, 6),))
    purchases = [bought(days(1, 4)), bought(days(2, 3), after=1), bought(days(7, 7), PurchaseStatus.FAILED, after=2)]
    whole = partition("orders_report", bookmark=NEWEST)
    found = cockpit(known, whole, purchases=purchases, start=date(2026, 9, 29))
    assert terminal_text(found, Screen(width=80)).splitlines()[:-1] == [
        "Needs a person:",
        "  failed: Flipkart reports FAILED and gives no reason (sales_ledger, seller acme, 2026-10-07)",
        f"    next: {found.concerns[0].next_step}",
        "",
        "      a b",
        "acme  ✗ █",
        "",
        "   stream                         up to date as of  sellers behind",
        "a  sales_ledger and 1 more table  2026-10-04        1, acme the most",
        "b  orders_report                  2026-10-20",
        "",
        "                     2026-09",
        "sales_ledger  acme   ███▓▓█◦◦✗·············",
        "orders_report  acme  ██████████████████████",
        "",
        "Days of reports: ▓ re-read 2   █ loaded 26   ◦ pending 2",
        "                 · missing 13   ! unreadable 0   ✗ failed 1",
        "1 window failed, 0 reports cannot be read.",
        "",
    ]
    assert terminal_text(found, Screen(width=80)).splitlines()[-1].startswith("3 reports bought: 2 for new days, 1 to")


def test_tables_that_differ_have_lines_of_their_own_in_the_terminal() -> None:
    late = Coverage(bookmark=date(2026, 10, 4))
    text = terminal_text(cockpit(partition(bookmark=NEWEST, sales_ledger_cash_back=late)), Screen(width=80))
    assert "a  sales_ledger            2026-10-20\n" in text
    assert "a  sales_ledger_cash_back  2026-10-04        1, acme the most" in text


def test_a_narrow_terminal_shows_the_worst_of_several_days_in_a_sign() -> None:
    known = partition(bookmark=date(2026, 10, 4), pending=(days(5, 6),))
    text = terminal_text(cockpit(known), Screen(width=31, is_plain=True))
    assert "\nsales_ledger  acme  ##o.......\n" in text
    assert "one sign for 2 days, the worst of them" in text


def test_colours_are_for_terminals_alone() -> None:
    found = cockpit(partition(bookmark=NEWEST))
    assert "\x1b[36m█\x1b[0m" in terminal_text(found, Screen(width=80, is_coloured=True))
    assert "\x1b" not in terminal_text(found, Screen(width=80))
    assert terminal_text(found, Screen(width=80, is_plain=True)).isascii()


def test_of_a_thousand_sellers_the_terminal_shows_the_worst_and_counts_the_rest() -> None:
    names = [f"seller-{number:04}" for number in range(1000)]
    causes = [failed(days(5, 5), f"cause {n}", seller_id=name) for n, name in enumerate(names[-30:])]
    found = cockpit(
        *(partition(seller=name, bookmark=NEWEST) for name in names[:-30]),
        *(partition(seller=name, bookmark=date(2026, 10, 4)) for name in names[-30:]),
        failures=causes,
    )
    text = terminal_text(found, Screen(width=80))
    assert len(text.splitlines()) < 90
    assert "seller-0970" in text
    assert "seller-0001" not in text
    assert "and 18 more, see --format json" in text
    assert "and 980 more sellers, 10 of them with days that are not there" in text
    assert "the worst 12 of 1,000, --html shows all" in text


@pytest.mark.parametrize("screen", [Screen(width=80), Screen(width=64), Screen(width=80, is_plain=True)])
def test_the_maps_fit_the_screen_whatever_the_names_and_however_many_report_types(screen: Screen) -> None:
    names = ["店" * 40, "दुकान " * 20, "x" * 200]
    kinds = [replace(REPORT_TYPES["orders_report"], name=f"custom_{number}") for number in range(40)]
    partitions = [
        replace(partition("orders_report", seller=name), report_type=kind) for kind in kinds for name in names
    ]
    cells = cells_of(
        partitions,
        records=LedgerRecords(has_state=True),
        start=FIRST,
        newest_days={kind.name: NEWEST for kind in kinds},
    )
    text = terminal_text(Cockpit(cells=tuple(cells)), screen)
    assert text.isascii() is screen.is_plain
    _, matrix, _, strips, legend = text.split("\n\n")
    lines = [*matrix.splitlines(), *strips.splitlines()[:-1], *legend.splitlines()]
    assert max(map(width_of, lines)) <= screen.width
    sign = screen.sign(DayStatus.MISSING)
    assert matrix.count(sign) == len(partitions)
    for drawn in (matrix, strips):  # the signs stand under each other
        assert len({width_of(line[: line.index(sign)]) for line in drawn.splitlines() if line.endswith(sign)}) == 1


def test_an_empty_cockpit_says_so() -> None:
    assert terminal_text(cockpit(), Screen(width=80)) == (
        "Nothing needs a person.\nNo day of any stream is wanted yet."
    )


def test_foreign_names_reach_the_terminal_in_one_line() -> None:
    names = ["evil\x1b[2J\nseller", "\u202eturned"]
    failures = [failed(days(1, 2), seller_id=name) for name in names]
    text = terminal_text(cockpit(*(partition(seller=name) for name in names), failures=failures), Screen(width=80))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "evil [2J seller" in text


def test_columns_are_aligned_for_names_in_any_script() -> None:
    assert aligned([("seller", "x"), ("店", "x"), ("दु", "x")]) == ["seller  x", "店      x", "दु       x"]


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (90, "1.5 min"), (7200, "2.0 h")])
def test_times_are_in_the_unit_that_reads_best(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words


def test_strips_count_their_days() -> None:
    spans = (
        Span(window=days(1, 3), status=DayStatus.LOADED),
        Span(window=days(4, 4), status=DayStatus.MISSING),
    )
    strip = Strip(warehouse_id="w", streams=("s",), spans=spans, complete_until=None)
    assert strip.days() == {DayStatus.LOADED: 3, DayStatus.MISSING: 1}


# The command


class Side:
    """The command beside a bench's runs, with their settings, catalog and state."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.folder = bench, folder
        self.settings: dict[str, Any] = {"report_ledger": str(folder / "ledger.db")}

    def run(self, *streams: str, state: dict[str, Any] | None = None, **settings: Any) -> None:
        self.settings |= settings
        config = self.bench.config(**self.settings)  # before a refresh token is rotated
        output = self.bench.run(*streams, state=state, **self.settings)
        texts = {
            "config": json.dumps(config),
            "state": json.dumps(output.state, default=float),
            "catalog": output.tap.catalog_json_text,
        }
        for name, text in texts.items():
            (self.folder / f"{name}.json").write_text(text)

    def __call__(self, *more: str, **environment: str) -> str:
        options = [f"--{name}={self.folder / name}.json" for name in ("config", "state", "catalog")]
        ended = subprocess.run(
            [*SIDE, "coverage", *options, *more],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **environment},
        )
        return ended.stdout

    def document(self, **environment: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("--format", "json", **environment))
        return found


@pytest.fixture
def side(bench: Bench, tmp_path: Path) -> Side:
    return Side(bench, tmp_path)


def test_the_command_shows_a_real_runs_days_and_makes_no_call(bench: Bench, side: Side, tmp_path: Path) -> None:
    side.run("sales_ledger")
    config = {**bench.config(**side.settings), "end_date": "2026-10-22"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    calls = dict(bench.simulator.calls)
    shown = side.document()
    (cell,) = shown["cells"]
    (strip,) = cell["strips"]
    assert strip["spans"] == [["2026-10-01", "2026-10-20", "loaded"], ["2026-10-21", "2026-10-22", "missing"]]
    assert shown["streams"][0]["complete_until"] == "2026-10-20"
    assert shown["bought"]["total"]["first"] == len(bench.simulator.triggers)
    assert "sales_ledger  acme  " + "█" * 20 + "··" in side()
    assert side("--html", str(tmp_path / "coverage.html")) == ""
    assert "<title>Flipkart reports</title>" in (tmp_path / "coverage.html").read_text()
    assert dict(bench.simulator.calls) == calls


def test_the_command_shows_why_windows_failed_and_what_was_found(bench: Bench, side: Side) -> None:
    bench.restart(
        {"fault": "zero_bytes", "identifier": "returns_report"},
        {"fault": "token_dead", "seller_id": "bharat"},
        {"fault": "extra_column", "header": "Carbon Footprint (kg)", "identifier": "orders_report"},
        {"fault": "ragged_row", "row": 2, "cells": 4, "identifier": "orders_report"},
    )
    side.run("returns_report", "orders_report", sellers=[bench.seller("acme"), bench.seller("bharat")], bad_rows="skip")
    shown = {(one["kind"], one["words"].split(":")[0]): one for one in side.document()["needs_a_person"]}
    unreadable = shown["unreadable", "the file is empty"]
    (place,) = unreadable["places"]
    assert place["report_id"] in {trigger.report_id for trigger in bench.simulator.triggers}
    assert (place["seller_id"], place["from_date"], place["to_date"]) == ("acme", "2026-10-01", "2026-10-20")
    refused = next(one for (kind, _), one in shown.items() if kind == "failed")
    assert "credentials of seller bharat were refused" in refused["words"]
    assert {place["report_type"] for place in refused["places"]} == {"returns_report", "orders_report"}
    assert ("drift", "orders_report has new columns Carbon Footprint (kg)") in shown
    assert ("skipped rows", "orders_report") in shown


def test_the_command_shows_what_the_budget_defers(side: Side) -> None:
    side.run("sales_ledger", "sales_ledger_cash_back", window_days=5, max_reports=1)
    (budget,) = (one for one in side.document()["needs_a_person"] if one["kind"] == "budget")
    assert budget["words"] == (  # windows, however many tables read them
        "the next run buys 1 report; its budget leaves 2 windows over; earlier runs have left 3 windows over, which go "
        "first"
    )


def test_the_command_shows_the_purchases_of_the_sellers_and_report_types_that_it_shows(
    bench: Bench, side: Side, tmp_path: Path
) -> None:
    sellers = [bench.seller("acme"), bench.seller("bharat")]
    side.run("orders_report", "returns_report", sellers=sellers, report_prices={"*": 2})
    assert side.document()["bought"]["cost"] == "8"
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"only_sellers": ["bharat"], "only_report_types": ["returns_report"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    shown = side.document()["bought"]
    assert (shown["cost"], list(shown["by_type"])) == ("2", ["returns_report"])
    assert shown["total"] == {"first": 1, "reread": 0, "again": 0}


def test_the_command_shows_when_an_authorisation_ends_without_asking_anybody(
    bench: Bench, side: Side, tmp_path: Path
) -> None:
    bench.restart({"fault": "rotate_refresh_token"})
    key = new_key()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, key)
        side.run("orders_report", token_store=str(tmp_path / "tokens.db"))
    calls = dict(bench.simulator.calls)
    ends = side.document(**{KEY_VARIABLE: key})["authorised_until"]
    assert datetime.fromisoformat(ends["acme"]) <= bench.clock.now() + REFRESH_LIFE
    assert dict(bench.simulator.calls) == calls
    (unknown,) = (one for one in side.document(**{KEY_VARIABLE: ""})["needs_a_person"] if one["kind"] == "tokens")
    assert f"needs a key in the environment as {KEY_VARIABLE}" in unknown["words"]
    assert key not in side("--html", str(tmp_path / "coverage.html"), **{KEY_VARIABLE: key})


def test_days_whose_files_are_in_the_archive_are_bought_and_not_read(side: Side, tmp_path: Path) -> None:
    side.settings = {"report_archive": str(tmp_path / "archive")}
    side.run("orders_report")
    (tmp_path / "state.json").write_text("{}")
    (strip,) = side.document()["cells"][0]["strips"]
    assert strip["spans"] == [["2026-10-01", "2026-10-20", "pending"]]
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "from_archive": "never"}))
    (strip,) = side.document()["cells"][0]["strips"]
    assert strip["spans"] == [["2026-10-01", "2026-10-20", "missing"]]


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"api_url": "simulator", "start_date": "2026-10-01"}))
    command = [*SIDE, "coverage", "--config", str(tmp_path / "config.json"), "--html", str(tmp_path / "no" / "x.html")]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "x.html cannot be written: No such file or directory" in ended.stderr
    assert "Traceback" not in ended.stderr
