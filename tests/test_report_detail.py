"""What is made of a detail answer, and of what a report is asked for: without a call."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from tap_flipkart_reports.purchasing.events import Deferred
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.purchasing.report_detail import ReportDetail, ReportStatus, parse_detail
from tap_flipkart_reports.purchasing.requests import Reading, ReportRequest, digest_of
from tap_flipkart_reports.purchasing.tracked_report import TrackedReport
from tap_flipkart_reports.windows import Window

KOLKATA = timezone(timedelta(hours=5, minutes=30))

ANSWER: dict[str, Any] = {
    "report_id": "R-1",
    "status": "COMPLETED",
    "location": "https://files.test/1",
    "metadata": {"expiry": "2026-11-25 06:00:00"},
}


def parsed(**members: Any) -> ReportDetail:
    """The detail of R-1 with some members set; `None` takes one out."""
    answer = {name: value for name, value in (ANSWER | members).items() if value is not None}
    return parse_detail(answer, report_id="R-1")


def test_each_member_of_a_detail_is_read() -> None:
    assert parsed() == ReportDetail(
        report_id="R-1",
        status=ReportStatus.COMPLETED,
        status_word="COMPLETED",
        location="https://files.test/1",
        expiry=datetime(2026, 11, 25, 6, tzinfo=KOLKATA),
    )


@pytest.mark.parametrize(
    ("named", "report_id"),
    [(None, "R-1"), ("", "R-1"), (" ", "R-1"), (True, "R-1"), (["R-2"], "R-1"), (" R-2 ", "R-2"), (17, "17")],
)
def test_a_detail_is_of_the_report_that_it_names_or_of_the_one_that_was_requested(
    named: object, report_id: str
) -> None:
    assert parsed(report_id=named).report_id == report_id


@pytest.mark.parametrize(
    ("word", "status", "is_running"),
    [
        ("TRIGGERED", ReportStatus.TRIGGERED, True),
        (" processing ", ReportStatus.PROCESSING, True),
        ("Completed", ReportStatus.COMPLETED, False),
        ("EXPIRED", ReportStatus.EXPIRED, False),
        ("FAILED", ReportStatus.FAILED, False),
        ("QUEUED", ReportStatus.UNKNOWN, True),
    ],
)
def test_a_status_counts_in_any_case_and_an_unknown_one_is_still_running(
    word: str, status: ReportStatus, *, is_running: bool
) -> None:
    detail = parsed(status=word)
    assert (detail.status, detail.status_word) == (status, word)
    assert detail.status.is_running is is_running


def test_without_a_status_the_report_is_still_running() -> None:
    assert (parsed(status=None).status, parsed(status=None).status_word) == (ReportStatus.UNKNOWN, "")


@pytest.mark.parametrize(
    "location",
    [
        *(None, "", " ", "\n", 7, ["https://files.test/1"]),
        *("null", "None", "-", "n/a ", "#", "?", "/", "//", "http:", "https://"),
    ],
)
def test_a_link_that_is_not_text_is_absent(location: object) -> None:
    assert parsed(location=location).location is None


@pytest.mark.parametrize(
    ("metadata", "expiry"),
    [
        ({"expiry": "2026-11-25T06:00:00+00:00"}, datetime(2026, 11, 25, 6, tzinfo=timezone.utc)),
        ({"expiry": "2026-11-25T06:00:00Z"}, datetime(2026, 11, 25, 6, tzinfo=timezone.utc)),
        ({"expiry": "soon"}, None),
        ({}, None),
        (["2026-11-25 06:00:00"], None),
        (None, None),
    ],
)
def test_an_expiry_is_read_in_the_zone_it_names_and_one_that_cannot_be_read_is_absent(
    metadata: object, expiry: datetime | None
) -> None:
    assert parsed(metadata=metadata).expiry == expiry


def test_the_digest_of_what_was_requested_never_changes_since_states_and_ledgers_hold_it() -> None:
    asked = {"from_date": "2026-01-01", "to_date": date(2026, 1, 31)}
    assert digest_of("orders_report", asked) == "9937c214735301bd"
    assert digest_of("orders_report", dict(reversed(asked.items()))) == "9937c214735301bd"
    others = {digest_of("returns_report", asked), digest_of("orders_report", {**asked, "to_date": "2026-01-30"})}
    assert len(others - {"9937c214735301bd"}) == 2


def test_a_request_is_named_by_stream_seller_warehouse_and_window() -> None:
    members: dict[str, Any] = {
        "stream": "stock",
        "identifier": "stock_ledger",
        "seller_id": "acme",
        "window": Window(date(2026, 1, 1), date(2026, 1, 31)),
        "parameters": {},
        "report_timeout": 1.0,
    }
    whole = ReportRequest(**members)
    of_a_warehouse = ReportRequest(**members, warehouse_id="del", streams=("stock", "stock_moves"))
    assert str(whole) == "stock, seller acme, 2026-01-01 to 2026-01-31"
    assert str(of_a_warehouse) == "stock, seller acme, warehouse del, 2026-01-01 to 2026-01-31"
    assert of_a_warehouse.named("stock_moves") == "stock_moves, seller acme, warehouse del, 2026-01-01 to 2026-01-31"
    assert (whole.readers, of_a_warehouse.readers) == (("stock",), ("stock", "stock_moves"))
    assert (whole.partition, of_a_warehouse.partition) == (PartitionKey("acme"), PartitionKey("acme", "del"))
    assert whole.digest == digest_of("stock_ledger", {})
    assert str(Deferred(request=whole, report_id=None, reason="")) == str(whole)
    assert str(Deferred(request=whole, report_id="R-1", reason="")) == f"{whole} (report R-1)"
    assert str(TrackedReport(request=whole, order=0)) == str(whole)
    tracked = TrackedReport(request=whole, order=0, report_id="R-1", correlation_id="c-1")
    assert str(tracked) == f"{whole}, report R-1, correlation id c-1"


@pytest.mark.parametrize("context", [{"seller_id": "acme"}, {"seller_id": "acme", "warehouse_id": "del"}])
def test_a_partition_keeps_the_name_that_the_state_has_for_it(context: dict[str, str]) -> None:
    key = PartitionKey.from_context(context)
    assert key.context == context
    assert key == PartitionKey("acme", context.get("warehouse_id"))


def test_what_several_streams_found_in_a_report_is_added_up_and_told_once() -> None:
    one = Reading(rows=3, rejected=1, fingerprints=frozenset({"a"}), drift=("x is missing", "y is new"), tied=2)
    other = Reading(rows=4, rejected=5, fingerprints=frozenset({"b"}), drift=("y is new", "z is new"), tied=6)
    assert one.with_other(other) == Reading(
        rows=7,
        rejected=6,
        fingerprints=frozenset({"a", "b"}),
        drift=("x is missing", "y is new", "z is new"),
        tied=8,
    )
