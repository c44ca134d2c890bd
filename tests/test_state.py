from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_flipkart_reports.planning.bookmarks import (
    LONGEST_GENERATION,
    MOST_SEEN,
    read_coverage,
    read_generation_times,
    read_pending,
    read_unbought,
    write_coverage,
    write_generation_times,
    write_pending,
    write_unbought,
)
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.purchasing.polling import GenerationTimes
from tap_flipkart_reports.purchasing.requests import PendingReport
from tap_flipkart_reports.sync.partition_state import PartitionState
from tap_flipkart_reports.windows import Window, gaps

OCTOBER = Window(date(2026, 10, 1), date(2026, 10, 31))

days = st.integers(0, 4000).map(lambda number: date(2020, 1, 1) + timedelta(days=number))
windows = st.tuples(days, days).map(lambda pair: Window(min(pair), max(pair)))
coverages = st.builds(
    Coverage, bookmark=st.none() | days, finished=st.lists(windows).map(tuple), reread_newest=st.none()
) | st.builds(Coverage, bookmark=days, reread_newest=days, reread=st.lists(windows, min_size=1).map(tuple))
reports = st.builds(PendingReport, report_id=st.text(min_size=1), window=windows, digest=st.text(min_size=1))


@given(coverages, st.lists(reports), coverages, st.lists(reports))
def test_what_is_written_replaces_earlier_content_and_is_read_again(
    before: Coverage, pending_before: list[PendingReport], after: Coverage, pending_after: list[PendingReport]
) -> None:
    partition: dict[str, Any] = {"context": {"seller_id": "acme"}}
    write_coverage(partition, before)
    write_pending(partition, pending_before)
    if before.bookmark is None or after.bookmark is not None:
        write_coverage(partition, after)
        write_pending(partition, pending_after)
        partition = json.loads(json.dumps(partition))
        assert read_coverage(partition) == after
        assert read_pending(partition) == pending_after
        assert partition["context"] == {"seller_id": "acme"}


def test_an_empty_coverage_leaves_no_members_behind() -> None:
    partition: dict[str, Any] = {}
    write_coverage(partition, Coverage())
    write_pending(partition, [])
    assert partition == {}


def test_a_bookmark_that_is_a_time_stamp_counts_as_its_day() -> None:
    assert read_coverage({"replication_key_value": "2026-01-31T00:00:00+00:00"}).bookmark == date(2026, 1, 31)


def test_a_repaired_window_is_off_the_pending_ones_and_moves_nothing_else() -> None:
    own = {
        "context": {"seller_id": "acme"},
        "reread": {"newest": "2026-01-25", "windows": [["2026-01-11", "2026-01-15"]]},
        "unbought": [["2026-01-12", "2026-01-13"]],
    }
    for kept in ({**own, "replication_key_value": "2026-01-20"}, {"context": {"seller_id": "acme"}}):
        partition: dict[str, Any] = json.loads(json.dumps(kept))
        write_pending(partition, [PendingReport(report_id="R-1", window=OCTOBER, digest="d", is_repair=True)])
        state = PartitionState(name="orders_report", state=partition, changed=len, finalize=len)
        state.record_finished(OCTOBER, report_id="R-1", owed=None)
        assert partition == kept


@given(coverages, windows, st.lists(reports, max_size=5), windows)
def test_a_finished_window_leaves_no_purchase_of_days_that_are_read_and_takes_no_other(
    coverage: Coverage, window: Window, pending: list[PendingReport], owed: Window
) -> None:
    partition: dict[str, Any] = {"context": {"seller_id": "acme"}}
    write_coverage(partition, coverage)
    repair = PendingReport(report_id="R-repair", window=window, digest="d", is_repair=True)
    write_pending(partition, [*pending, repair])
    PartitionState(name="orders_report", state=partition, changed=len, finalize=len).record_finished(
        window, report_id="R-read", owed=owed
    )
    reread = coverage.reread if coverage.reread_newest == owed.last else ()
    unread = [report for report in pending if gaps(report.window, [window, *coverage.finished, *reread])]
    assert read_pending(partition) == [*(report for report in unread if report.report_id != "R-read"), repair]


# The members as they stand in the state: what another version has written is read as before


def test_each_member_has_its_name_and_its_form() -> None:
    partition: dict[str, Any] = {"context": {"seller_id": "acme"}}
    late = Window(date(2026, 11, 3), date(2026, 11, 4))
    coverage = Coverage(
        bookmark=date(2026, 10, 31), finished=(late,), reread_newest=date(2026, 11, 5), reread=(OCTOBER,)
    )
    write_coverage(partition, coverage)
    repair = PendingReport(report_id="R-1", window=OCTOBER, digest="d", is_repair=True)
    write_pending(partition, [repair, PendingReport(report_id="R-2", window=late, digest="e")])
    write_unbought(partition, [late, Window(date(2026, 11, 4), date(2026, 11, 9))])
    assert partition == {
        "context": {"seller_id": "acme"},
        "replication_key": "report_to_date",
        "replication_key_value": "2026-10-31",
        "finished": [["2026-11-03", "2026-11-04"]],
        "reread": {"newest": "2026-11-05", "windows": [["2026-10-01", "2026-10-31"]]},
        "pending": [
            {"report_id": "R-1", "from_date": "2026-10-01", "to_date": "2026-10-31", "digest": "d", "repair": True},
            {"report_id": "R-2", "from_date": "2026-11-03", "to_date": "2026-11-04", "digest": "e"},
        ],
        "unbought": [["2026-11-03", "2026-11-09"]],
    }
    assert read_unbought(partition) == (Window(date(2026, 11, 3), date(2026, 11, 9)),)
    assert [report.is_repair for report in read_pending(partition)] == [True, False]


def test_generation_times_stand_in_whole_milliseconds() -> None:
    stream_state: dict[str, Any] = {}
    times = GenerationTimes(shortest=1.5, typical=60.25, seen=7)
    write_generation_times(stream_state, times)
    assert stream_state == {"generation_milliseconds": {"shortest": 1500, "typical": 60250, "seen": 7}}
    assert read_generation_times(stream_state) == times


@pytest.mark.parametrize(
    "known", [None, 7, [], {}, {"shortest": 1, "typical": 2}, {"shortest": "x", "typical": 2, "seen": 3}]
)
def test_generation_times_that_cannot_be_read_are_not_there(known: object) -> None:
    assert read_generation_times({"generation_milliseconds": known}) is None
    assert read_generation_times({}) is None


@pytest.mark.parametrize(
    ("shortest", "typical", "seen", "is_read"),
    [
        (0, 0, 1, True),
        (LONGEST_GENERATION, LONGEST_GENERATION, MOST_SEEN, True),
        (-1, 0, 1, False),
        (0, -1, 1, False),
        (LONGEST_GENERATION + 1, 0, 1, False),
        (0, LONGEST_GENERATION + 1, 1, False),
        (0, 0, 0, False),
        (0, 0, MOST_SEEN + 1, False),
        (0, 0, float("inf"), False),
    ],
)
def test_generation_times_that_would_hold_a_run_up_are_not_there(
    shortest: int, typical: int, seen: float, *, is_read: bool
) -> None:
    stream_state = {"generation_milliseconds": {"shortest": shortest, "typical": typical, "seen": seen}}
    assert (read_generation_times(stream_state) is not None) is is_read
