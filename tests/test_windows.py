from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.planning.window_rules import WindowKind, WindowRule, due_windows, first_owed_day, owed_windows
from tap_flipkart_reports.windows import DAY, Window, gaps, merged


def window(first: str, last: str) -> Window:
    return Window(date.fromisoformat(first), date.fromisoformat(last))


def due(  # noqa: PLR0913 - each is a word of the rule
    kind: WindowKind,
    start: str,
    newest: str,
    *,
    bookmark: str | None = None,
    finished: tuple[Window, ...] = (),
    pending: tuple[Window, ...] = (),
    window_days: int = 31,
    lookback_days: int = 0,
) -> list[str]:
    rule = WindowRule(kind=kind, window_days=window_days, lookback_days=lookback_days)
    coverage = Coverage(bookmark=date.fromisoformat(bookmark) if bookmark else None, finished=finished)
    windows = all_due(
        rule, coverage, start=date.fromisoformat(start), newest=date.fromisoformat(newest), pending=pending
    )
    return [str(due_window) for due_window in windows]


def all_due(
    rule: WindowRule, coverage: Coverage, *, start: date, newest: date, pending: tuple[Window, ...] = ()
) -> list[Window]:
    """What a run gets for a report with one stream."""
    return due_windows(rule, owed_windows(rule, coverage, start=start, newest=newest), pending=pending)


def test_a_window_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="cannot end on 2026-01-01"):
        window("2026-01-02", "2026-01-01")


def test_days_start_at_the_start_date_and_are_at_most_window_days_long() -> None:
    assert due(WindowKind.DAYS, "2026-01-01", "2026-01-25", window_days=10) == [
        "2026-01-01 to 2026-01-10",
        "2026-01-11 to 2026-01-20",
        "2026-01-21 to 2026-01-25",
    ]


def test_days_go_on_after_the_bookmark() -> None:
    assert due(WindowKind.DAYS, "2026-01-01", "2026-02-03", bookmark="2026-01-31") == ["2026-02-01 to 2026-02-03"]


def test_nothing_is_due_without_a_new_day_even_with_a_lookback() -> None:
    assert due(WindowKind.DAYS, "2026-01-01", "2026-01-31", bookmark="2026-01-31", lookback_days=30) == []


def test_the_start_date_alone_is_due() -> None:
    assert due(WindowKind.DAYS, "2026-02-01", "2026-02-01") == ["2026-02-01 to 2026-02-01"]


def test_nothing_is_due_before_the_start_date() -> None:
    assert due(WindowKind.DAYS, "2026-02-01", "2026-01-31") == []


def test_a_lookback_reads_days_before_the_bookmark_again_but_none_before_the_start() -> None:
    assert due(WindowKind.DAYS, "2026-01-01", "2026-02-01", bookmark="2026-01-31", lookback_days=5) == [
        "2026-01-27 to 2026-02-01"
    ]
    assert due(WindowKind.DAYS, "2026-01-30", "2026-02-01", bookmark="2026-01-31", lookback_days=5) == [
        "2026-01-30 to 2026-02-01"
    ]


def test_windows_finished_beyond_a_gap_are_not_requested_again() -> None:
    assert due(
        WindowKind.DAYS,
        "2026-01-01",
        "2026-01-31",
        bookmark="2026-01-05",
        finished=(window("2026-01-11", "2026-01-20"),),
        window_days=10,
    ) == ["2026-01-06 to 2026-01-10", "2026-01-21 to 2026-01-30", "2026-01-31 to 2026-01-31"]


def test_pending_windows_stay_as_they_were_bought_and_the_rest_is_cut_around_them() -> None:
    assert due(
        WindowKind.DAYS,
        "2026-01-01",
        "2026-01-20",
        pending=(window("2026-01-05", "2026-01-08"), window("2026-01-08", "2026-01-09")),
    ) == [
        "2026-01-01 to 2026-01-04",
        "2026-01-05 to 2026-01-08",
        "2026-01-08 to 2026-01-09",
        "2026-01-10 to 2026-01-20",
    ]


def test_a_pending_window_whose_days_are_all_complete_is_not_requested() -> None:
    assert due(
        WindowKind.DAYS,
        "2026-01-01",
        "2026-01-20",
        bookmark="2026-01-10",
        pending=(window("2026-01-05", "2026-01-08"),),
    ) == ["2026-01-11 to 2026-01-20"]


def test_a_report_is_cut_once_for_all_its_streams_whatever_each_has_read() -> None:
    rule = WindowRule(kind=WindowKind.DAYS, window_days=10)
    start, newest = date(2026, 1, 1), date(2026, 1, 25)
    far = owed_windows(rule, Coverage(bookmark=date(2026, 1, 20)), start=start, newest=newest)
    late = owed_windows(rule, Coverage(finished=(window("2026-01-05", "2026-01-08"),)), start=start, newest=newest)
    assert [str(due) for due in due_windows(rule, [*far, *late])] == [
        "2026-01-01 to 2026-01-04",
        "2026-01-09 to 2026-01-18",
        "2026-01-19 to 2026-01-25",
    ]


def test_a_running_month_that_is_bought_is_read_as_it_was_bought() -> None:
    march = window("2026-03-01", "2026-03-05")
    assert due(WindowKind.MONTH, "2026-03-01", "2026-03-06", pending=(march,)) == [str(march)]
    assert due(WindowKind.MONTH, "2026-03-01", "2026-03-06", bookmark="2026-03-05") == ["2026-03-01 to 2026-03-06"]


def test_a_bought_window_that_begins_within_the_running_month_is_not_taken_for_the_month() -> None:
    within = window("2026-03-03", "2026-03-05")
    assert due(WindowKind.MONTH, "2026-03-01", "2026-03-06", pending=(within,)) == ["2026-03-01 to 2026-03-06"]


def test_months_round_the_start_down_and_read_the_running_month_from_its_first_day() -> None:
    assert due(WindowKind.MONTH, "2026-01-17", "2026-03-05") == [
        "2026-01-01 to 2026-01-31",
        "2026-02-01 to 2026-02-28",
        "2026-03-01 to 2026-03-05",
    ]
    assert due(WindowKind.MONTH, "2026-01-17", "2026-03-06", bookmark="2026-03-05") == ["2026-03-01 to 2026-03-06"]


def test_whole_months_wait_for_their_end() -> None:
    assert due(WindowKind.WHOLE_MONTH, "2026-01-17", "2026-02-27") == ["2026-01-01 to 2026-01-31"]
    assert due(WindowKind.WHOLE_MONTH, "2026-01-17", "2026-02-28", bookmark="2026-01-31") == [
        "2026-02-01 to 2026-02-28"
    ]


def test_financial_years_run_from_april_to_march_and_the_running_one_is_clipped() -> None:
    assert due(WindowKind.FINANCIAL_YEAR, "2025-03-31", "2026-05-02") == [
        "2024-04-01 to 2025-03-31",
        "2025-04-01 to 2026-03-31",
        "2026-04-01 to 2026-05-02",
    ]


def test_a_day_grid_does_not_depend_on_the_start_date() -> None:
    cells = due(WindowKind.DAY_GRID, "2026-01-01", "2026-01-31", window_days=7)
    later = due(WindowKind.DAY_GRID, "2026-01-15", "2026-01-31", window_days=7)
    assert set(later) <= set(cells)
    assert len(later) < len(cells)


def test_a_snapshot_is_requested_once_a_day_and_days_gone_by_are_not() -> None:
    assert due(WindowKind.SNAPSHOT, "2026-01-01", "2026-01-31") == ["2026-01-31 to 2026-01-31"]
    assert due(WindowKind.SNAPSHOT, "2026-01-01", "2026-01-31", bookmark="2026-01-31") == []
    assert due(WindowKind.SNAPSHOT, "2026-01-01", "2026-01-31", bookmark="2026-01-20") == ["2026-01-31 to 2026-01-31"]


def test_the_snapshot_of_yesterday_that_was_bought_is_still_read() -> None:
    assert due(
        WindowKind.SNAPSHOT,
        "2026-01-01",
        "2026-01-31",
        bookmark="2026-01-20",
        pending=(window("2026-01-30", "2026-01-30"),),
    ) == ["2026-01-30 to 2026-01-30", "2026-01-31 to 2026-01-31"]


def test_a_finished_snapshot_moves_the_bookmark_over_the_days_without_one() -> None:
    rule = WindowRule(kind=WindowKind.SNAPSHOT)
    newest = date(2026, 1, 31)
    first = first_owed_day(rule, Coverage(), start=date(2026, 1, 1), newest=newest)
    coverage = Coverage().with_finished(Window(newest, newest), first_owed=first, newest=newest)
    assert coverage == Coverage(bookmark=newest)


def test_the_bookmark_waits_before_a_gap_and_jumps_when_it_closes() -> None:
    newest, first = date(2026, 1, 30), date(2026, 1, 1)
    coverage = Coverage()
    for days, bookmark, finished in (
        (("2026-01-11", "2026-01-20"), None, 1),
        (("2026-01-21", "2026-01-30"), None, 1),
        (("2026-01-01", "2026-01-10"), newest, 0),
    ):
        coverage = coverage.with_finished(window(*days), first_owed=first, newest=newest)
        assert (coverage.bookmark, len(coverage.finished)) == (bookmark, finished)


def test_a_failed_lookback_holds_the_bookmark_and_is_owed_again_the_next_day() -> None:
    rule = WindowRule(kind=WindowKind.DAYS, window_days=5, lookback_days=5)
    start, newest = date(2026, 1, 1), date(2026, 2, 2)
    coverage = Coverage(bookmark=date(2026, 1, 31))
    lookback, new = all_due(rule, coverage, start=start, newest=newest)
    assert (str(lookback), str(new)) == ("2026-01-27 to 2026-01-31", "2026-02-01 to 2026-02-02")
    first = first_owed_day(rule, coverage, start=start, newest=newest)
    coverage = coverage.with_finished(new, first_owed=first, newest=newest)
    assert coverage.bookmark == date(2026, 1, 31)
    assert all_due(rule, coverage, start=start, newest=newest) == [lookback]
    assert all_due(rule, coverage, start=start, newest=newest + DAY) == [
        window("2026-01-27", "2026-01-31"),
        window("2026-02-03", "2026-02-03"),
    ]


def test_a_lookback_of_which_a_part_was_read_on_another_day_holds_the_bookmark() -> None:
    before = Coverage(
        bookmark=date(2026, 1, 20),
        reread_newest=date(2026, 1, 25),
        reread=(window("2026-01-11", "2026-01-15"),),
    )
    owed, newest = date(2026, 1, 11), date(2026, 1, 26)
    after = before.with_finished(window("2026-01-16", "2026-01-26"), first_owed=owed, newest=newest)
    assert after.bookmark == date(2026, 1, 20)
    assert after.finished == (window("2026-01-21", "2026-01-26"),)
    same_day = before.with_finished(window("2026-01-16", "2026-01-25"), first_owed=owed, newest=date(2026, 1, 25))
    assert same_day.bookmark == date(2026, 1, 25)


def test_no_day_is_bought_again_where_bought_windows_share_days() -> None:
    rule = WindowRule(kind=WindowKind.DAYS, window_days=31)
    owed = [window("2026-01-01", "2026-01-10")]
    shared = [window("2026-01-01", "2026-01-04"), window("2026-01-03", "2026-01-08")]
    assert due_windows(rule, owed, pending=shared) == [*shared, window("2026-01-09", "2026-01-10")]
    within = [window("2026-01-01", "2026-01-04"), window("2026-01-01", "2026-01-10")]
    assert due_windows(rule, owed, pending=within) == within[1:]


def test_of_a_running_month_that_was_bought_twice_the_longer_report_is_read() -> None:
    rule = WindowRule(kind=WindowKind.MONTH)
    bought = [window("2026-01-01", "2026-01-04"), window("2026-01-01", "2026-01-08")]
    assert due_windows(rule, [window("2026-01-01", "2026-01-10")], pending=bought) == bought[1:]


def test_a_lookback_that_was_read_is_bought_again_on_another_day_alone() -> None:
    rule = WindowRule(kind=WindowKind.DAYS, window_days=5, lookback_days=10)
    start, newest = date(2026, 1, 1), date(2026, 2, 2)
    coverage = Coverage(bookmark=date(2026, 1, 31))
    windows = all_due(rule, coverage, start=start, newest=newest)
    first = first_owed_day(rule, coverage, start=start, newest=newest)
    coverage = coverage.with_finished(windows[0], first_owed=first, newest=newest)
    assert all_due(rule, coverage, start=start, newest=newest) == windows[1:]
    assert all_due(rule, coverage, start=start, newest=newest + DAY) == [
        *windows[:2],
        window("2026-02-01", "2026-02-03"),
    ]
    coverage = coverage.with_finished(windows[1], first_owed=first, newest=newest)
    coverage = coverage.with_finished(windows[2], first_owed=first, newest=newest)
    assert coverage == Coverage(bookmark=newest)


days = st.integers(0, 400).map(lambda number: date(2026, 1, 1) + timedelta(days=number))
windows_of_days = st.tuples(days, days).map(lambda pair: Window(min(pair), max(pair)))


def days_of(windows: list[Window] | tuple[Window, ...]) -> set[date]:
    return {
        window.first + timedelta(days=number)
        for window in windows
        for number in range((window.last - window.first).days + 1)
    }


@given(st.lists(windows_of_days))
def test_merging_keeps_the_days_and_leaves_no_two_windows_touching(windows: list[Window]) -> None:
    result = merged(windows)
    assert days_of(result) == days_of(windows)
    assert all(left.last + DAY < right.first for left, right in itertools.pairwise(result))


@given(windows_of_days, st.lists(windows_of_days))
def test_gaps_are_the_wanted_days_that_are_not_done(wanted: Window, done: list[Window]) -> None:
    assert days_of(gaps(wanted, done)) == days_of([wanted]) - days_of(done)


rules = st.builds(
    WindowRule,
    kind=st.sampled_from([kind for kind in WindowKind if kind is not WindowKind.SNAPSHOT]),
    window_days=st.integers(1, 40),
    lookback_days=st.sampled_from([0, 0, 3, 30]),
)


@given(rule=rules, start=days, run_lengths=st.lists(st.integers(0, 40), min_size=1, max_size=8), choices=st.data())
def test_any_order_of_completions_failures_and_crashes_covers_each_day_and_buys_nothing_twice_in_a_day(
    rule: WindowRule, start: date, run_lengths: list[int], choices: st.DataObject
) -> None:
    """A model of days: runs on later and later days, each finishing some of its windows in any order, then dying."""
    newest = start
    coverage = Coverage()
    ever_finished: set[date] = set()
    finished_today: list[Window] = []
    for length in run_lengths:
        newest += timedelta(days=length)
        finished_today = [] if length else finished_today
        windows = all_due(rule, coverage, start=start, newest=newest)
        assert not set(windows) & set(finished_today)
        first = first_owed_day(rule, coverage, start=start, newest=newest)
        order = choices.draw(st.permutations(windows))
        for finished in order[: choices.draw(st.integers(0, len(windows)))]:
            coverage = coverage.with_finished(finished, first_owed=first, newest=newest)
            ever_finished |= days_of([finished])
            finished_today.append(finished)
        if coverage.bookmark is not None:
            complete = days_of([Window(start, coverage.bookmark)]) if coverage.bookmark >= start else set()
            assert complete <= ever_finished
        assert days_of(coverage.finished) <= ever_finished

    newest = date(2027, 4, 1) + timedelta(days=365)
    first = first_owed_day(rule, coverage, start=start, newest=newest)
    for finished in all_due(rule, coverage, start=start, newest=newest):
        coverage = coverage.with_finished(finished, first_owed=first, newest=newest)
        ever_finished |= days_of([finished])
    assert coverage.bookmark is not None
    assert days_of([Window(start, coverage.bookmark)]) <= ever_finished
    assert all_due(rule, coverage, start=start, newest=newest) == []
    assert coverage.finished == ()
