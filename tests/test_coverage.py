"""The coverage map: what state and ledger say of days, and what was bought. Pure, and as the command shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_flipkart_reports.commands.coverage_map import CoverageMap, DayStatus, Span, Strip, coverage_map
from tap_flipkart_reports.commands.coverage_table import table, time_in_words
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.planning.wanted_reports import Partition
from tap_flipkart_reports.purchasing.requests import PendingReport, Purchase, PurchaseStatus
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.windows import DAY, Window

if TYPE_CHECKING:
    from pathlib import Path

    from support.bench import Bench

SIDE = [sys.executable, "-m", "tap_flipkart_reports.commands.cli"]
FIRST = date(2026, 10, 1)
NEWEST = date(2026, 10, 20)
NOON = datetime(2026, 10, 22, 6, 30, tzinfo=timezone.utc)


def days(first: int, last: int) -> Window:
    """Days of October."""
    return Window(date(2026, 10, first), date(2026, 10, last))


def partition(stream: str = "sales_ledger", *, pending: tuple[Window, ...] = (), **coverage: Any) -> Partition:
    report_type = REPORT_TYPES[stream]
    return Partition(
        report_type=report_type,
        seller_id="acme",
        warehouse_id="blr_wfld" if report_type.per_warehouse else None,
        coverages={stream: Coverage(**coverage)},
        pending=[PendingReport(report_id="R-1", window=window, digest="d") for window in pending],
    )


def bought(
    window: Window, status: PurchaseStatus = PurchaseStatus.FINISHED, *, after: int = 0, **members: Any
) -> Purchase:
    """A purchase so many minutes after noon."""
    at = NOON + timedelta(minutes=after)
    own: dict[str, Any] = {"identifier": "sales_ledger", "seller_id": "acme", "warehouse_id": None, "report_id": "R-1"}
    return Purchase(**{**own, "window": window, "status": status, "bought_at": at, **members})


def mapped(
    *partitions: Partition,
    purchases: list[Purchase] | None = None,
    has_state: bool = True,
    start: date = FIRST,
    newest: date | None = NEWEST,
) -> CoverageMap:
    return coverage_map(
        partitions,
        purchases=purchases,
        has_state=has_state,
        start=start,
        newest_days=dict.fromkeys(REPORT_TYPES, newest),
    )


def spans(coverage: CoverageMap) -> list[tuple[str, str]]:
    (strip,) = coverage.strips
    return [(f"{span.window.first.day}-{span.window.last.day}", span.status.value) for span in strip.spans]


# Days


def test_the_state_tells_loaded_pending_and_missing_days() -> None:
    known = partition(bookmark=date(2026, 10, 4), finished=(days(8, 10),), pending=(days(11, 13),))
    assert spans(mapped(known)) == [
        ("1-4", "loaded"),
        ("5-7", "missing"),
        ("8-10", "loaded"),
        ("11-13", "pending"),
        ("14-20", "missing"),
    ]


def test_the_ledger_tells_failed_days_and_those_that_were_read_more_than_once() -> None:
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
    assert spans(mapped(known, purchases=purchases)) == [
        ("1-7", "loaded"),
        ("8-10", "re-read"),
        ("11-12", "loaded"),
        ("13-15", "failed"),
        ("16-16", "pending"),
        ("17-20", "missing"),
    ]


def test_a_report_that_failed_and_was_bought_again_leaves_no_trace_on_its_days() -> None:
    purchases = [bought(days(1, 20), PurchaseStatus.FAILED), bought(days(1, 20), after=1)]
    assert spans(mapped(partition(bookmark=NEWEST), purchases=purchases)) == [("1-20", "loaded")]


def test_what_the_ledger_has_read_is_loaded_only_where_there_is_no_state_to_say_what_was_stored() -> None:
    purchases = [bought(days(1, 20))]
    assert spans(mapped(partition(), purchases=purchases, has_state=False)) == [("1-20", "loaded")]
    assert spans(mapped(partition(), purchases=purchases)) == [("1-20", "missing")]


def test_purchases_of_others_say_nothing() -> None:
    others: list[dict[str, Any]] = [
        {"seller_id": "bharat"},
        {"identifier": "orders_report"},
        {"warehouse_id": "blr_wfld"},
    ]
    purchases = [bought(days(1, 20), PurchaseStatus.FAILED, **other) for other in others]
    assert spans(mapped(partition(), purchases=purchases)) == [("1-20", "missing")]


def test_a_month_that_runs_is_not_wanted_of_a_summary_and_a_start_is_rounded_down_to_its_month() -> None:
    assert mapped(partition("gst_returns_report")).strips[0].spans == ()
    coverage = mapped(partition("stock_ledger"), start=date(2026, 9, 15))
    assert coverage.range == Window(date(2026, 9, 1), NEWEST)


def test_of_snapshots_those_are_wanted_that_are_there_and_the_newest() -> None:
    known = partition("current_inventory_report", bookmark=date(2026, 10, 12))
    purchases = [
        bought(days(day, day), status, identifier="current_inventory_report")
        for day, status in ((5, PurchaseStatus.FINISHED), (7, PurchaseStatus.FINISHED), (9, PurchaseStatus.FAILED))
    ]
    shown = spans(mapped(known, purchases=purchases, has_state=False))
    assert shown == [("5-5", "loaded"), ("7-7", "loaded"), ("12-12", "loaded"), ("20-20", "missing")]


def test_nothing_is_wanted_before_the_first_day() -> None:
    for newest in (None, FIRST - DAY):
        coverage = mapped(partition(bookmark=NEWEST), newest=newest)
        assert (coverage.strips, coverage.range) == ((), None)


windows = st.tuples(st.integers(1, 31), st.integers(0, 9)).map(lambda pair: days(pair[0], min(31, sum(pair))))


@given(
    bookmark=st.none() | st.dates(date(2026, 9, 1), date(2026, 10, 31)),
    finished=st.lists(windows),
    pending=st.lists(windows),
    purchases=st.lists(
        st.tuples(windows, st.sampled_from([PurchaseStatus.FINISHED, PurchaseStatus.FAILED, PurchaseStatus.COMPLETED]))
    ),
)
def test_every_wanted_day_stands_somewhere_once(
    bookmark: date | None,
    finished: list[Window],
    pending: list[Window],
    purchases: list[tuple[Window, PurchaseStatus]],
) -> None:
    known = partition(bookmark=bookmark, finished=tuple(finished), pending=tuple(pending))
    coverage = mapped(known, purchases=[bought(*purchase) for purchase in purchases])
    (strip,) = coverage.strips
    shown = [span.window.first + timedelta(days=number) for span in strip.spans for number in range(span.days)]
    assert shown == [FIRST + timedelta(days=number) for number in range(20)]
    assert all(a.status is not b.status for a, b in zip(strip.spans, strip.spans[1:], strict=False))
    there = {day for day in shown if bookmark is not None and day <= bookmark}
    there |= {day for day in shown for window in finished if window.first <= day <= window.last}
    loaded = {DayStatus.LOADED, DayStatus.REREAD}
    for span in strip.spans:
        for number in range(span.days):
            assert (span.window.first + timedelta(days=number) in there) == (span.status in loaded)


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
    coverage = mapped(partition(), purchases=purchases)
    assert coverage.document()["bought"] == {
        "total": {"first": 4, "reread": 1, "again": 2},
        "by_day": {
            "2026-10-22": {"first": 3, "reread": 1, "again": 2},
            "2026-10-23": {"first": 1, "reread": 0, "again": 0},
        },
        "by_type": {
            "orders_report": {"first": 1, "reread": 0, "again": 0},
            "sales_ledger": {"first": 3, "reread": 1, "again": 2},
        },
    }


def test_a_day_of_the_figures_is_one_in_kolkata() -> None:
    late = datetime(2026, 10, 22, 18, 31, tzinfo=timezone.utc)
    coverage = mapped(partition(), purchases=[bought(days(1, 2), bought_at=late, finished_at=late, rows=7)])
    assert coverage.rows_by_day == {date(2026, 10, 23): 7}
    assert list(coverage.bought_by_day) == [date(2026, 10, 23)]


def test_durations_run_from_the_trigger_until_a_report_is_seen_to_be_ready() -> None:
    purchases = [
        bought(days(n, n), completed_at=NOON + timedelta(seconds=seconds))
        for n, seconds in ((1, 60), (2, 90), (3, 300))
    ]
    coverage = mapped(partition(), purchases=[*purchases, bought(days(4, 4), PurchaseStatus.TRIGGERED)])
    assert coverage.document()["seconds_by_type"] == {
        "sales_ledger": {"shortest": 60.0, "typical": 90.0, "longest": 300.0, "reports": 3}
    }


# In the terminal


def test_the_table_has_a_sign_for_each_day_under_its_month_and_names_what_is_not_there() -> None:
    known = partition(bookmark=date(2026, 10, 4), pending=(days(5, 6),))
    purchases = [bought(days(1, 4)), bought(days(2, 3), after=1), bought(days(7, 7), PurchaseStatus.FAILED, after=2)]
    coverage = mapped(known, purchases=purchases, start=date(2026, 9, 29))
    *lines, cost = table(coverage, width=80, is_coloured=False, is_plain=False).splitlines()
    assert lines == [
        "                    2026-09",
        "sales_ledger  acme  ███▓▓█◦◦✗·············",
        "",
        "▓ re-read 2   █ loaded 4   ◦ pending 2   ✗ failed 1   · missing 13   (days)",
        "",
        "failed: sales_ledger, seller acme, 2026-10-07",
        "missing: sales_ledger, seller acme, 2026-10-08 to 2026-10-20",
        "pending: sales_ledger, seller acme, 2026-10-05 to 2026-10-06",
        "",
    ]
    assert cost.startswith("3 reports bought: 2 for new days, 1 to read days again, 0 once more")


def test_a_narrow_table_shows_the_worst_of_several_days_in_a_sign() -> None:
    known = partition(bookmark=date(2026, 10, 4), pending=(days(5, 6),))
    text = table(mapped(known), width=31, is_coloured=False, is_plain=True)
    assert text.splitlines()[1] == "sales_ledger  acme  ##o......."
    assert "one sign for 2 days, the worst of them" in text


def test_colours_are_for_terminals_alone() -> None:
    coverage = mapped(partition(bookmark=NEWEST))
    assert "\x1b[36m█\x1b[0m" in table(coverage, width=80, is_coloured=True, is_plain=False)
    assert "\x1b" not in table(coverage, width=80, is_coloured=False, is_plain=False)
    assert table(coverage, width=80, is_coloured=False, is_plain=True).isascii()


def test_a_long_list_of_gaps_is_cut_and_an_empty_map_says_so() -> None:
    finished = tuple(days(day, day) for day in range(2, 20, 2))
    partitions = [
        partition(finished=finished),
        partition("orders_report", finished=finished),
        partition("returns_report"),
    ]
    text = table(mapped(*partitions), width=80, is_coloured=False, is_plain=False)
    assert text.count("\nmissing: ") == 20
    assert text.endswith("and 1 more, see --format json")
    assert table(mapped(), width=80, is_coloured=False, is_plain=False) == "No day of any stream is wanted yet."


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (90, "1.5 min"), (7200, "2.0 h")])
def test_times_are_in_the_unit_that_reads_best(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words


def test_strips_count_their_days() -> None:
    strip = Strip(
        stream="s",
        seller_id="acme",
        warehouse_id="w",
        spans=(Span(window=days(1, 3), status=DayStatus.LOADED), Span(window=days(4, 4), status=DayStatus.MISSING)),
    )
    assert strip.place == "acme, warehouse w"
    assert strip.days() == {DayStatus.LOADED: 3, DayStatus.MISSING: 1}


# The command


def test_the_command_shows_a_real_runs_days_and_makes_no_call(bench: Bench, tmp_path: Path) -> None:
    run = bench.run("sales_ledger", report_ledger=str(tmp_path / "ledger.db"))
    calls = dict(bench.simulator.calls)
    config = {**bench.config(report_ledger=str(tmp_path / "ledger.db")), "end_date": "2026-10-22"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "state.json").write_text(json.dumps(run.state, default=float))
    (tmp_path / "catalog.json").write_text(run.tap.catalog_json_text)
    options = [f"--{name}={tmp_path / name}.json" for name in ("config", "state", "catalog")]

    def command(*more: str) -> str:
        return subprocess.run(
            [*SIDE, "coverage", *options, *more], check=True, capture_output=True, text=True, timeout=60
        ).stdout

    document = json.loads(command("--format", "json"))
    (shown,) = document["partitions"]
    assert shown["spans"] == [["2026-10-01", "2026-10-20", "loaded"], ["2026-10-21", "2026-10-22", "missing"]]
    assert document["bought"]["total"]["first"] == len(bench.simulator.triggers)
    assert "sales_ledger  acme  " + "█" * 20 + "··" in command()
    assert command("--html", str(tmp_path / "coverage.html")) == ""
    assert "<title>Coverage of Flipkart reports</title>" in (tmp_path / "coverage.html").read_text()
    assert dict(bench.simulator.calls) == calls


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"api_url": "simulator", "start_date": "2026-10-01"}))
    command = [*SIDE, "coverage", "--config", str(tmp_path / "config.json"), "--html", str(tmp_path / "no" / "x.html")]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "x.html cannot be written: No such file or directory" in ended.stderr
    assert "Traceback" not in ended.stderr
