from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tap_flipkart_reports.planning.bookmarks import read_coverage, read_pending, write_coverage, write_pending
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.purchasing.requests import PendingReport
from tap_flipkart_reports.sync.partition_state import PartitionState
from tap_flipkart_reports.windows import Window

OCTOBER = Window(date(2026, 10, 1), date(2026, 10, 31))

days = st.integers(0, 4000).map(lambda number: date(2020, 1, 1) + timedelta(days=number))
windows = st.tuples(days, days).map(lambda pair: Window(min(pair), max(pair)))
coverages = st.builds(
    Coverage, bookmark=st.none() | days, finished=st.lists(windows).map(tuple), reread_newest=st.none()
) | st.builds(Coverage, bookmark=days, reread_newest=days, reread=st.lists(windows, min_size=1).map(tuple))
reports = st.builds(PendingReport, report_id=st.text(min_size=1), window=windows, digest=st.text(min_size=1))


@given(coverages, st.lists(reports), coverages, st.lists(reports))
def test_what_is_written_is_read_again_whatever_stood_there_before(
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
