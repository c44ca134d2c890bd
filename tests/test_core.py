"""The SDK's standard tests against the simulator, none switched off, over one stream of each kind of window."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_flipkart_reports.clock import SystemClock, today
from tap_flipkart_reports.planning.window_rules import WindowKind
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_flipkart_reports.streams import ReportStream

STREAMS = {
    "orders_report": WindowKind.DAYS,
    "stock_ledger": WindowKind.MONTH,  # per warehouse
    "gst_returns_report": WindowKind.WHOLE_MONTH,
    "financial_year_ledger": WindowKind.FINANCIAL_YEAR,
    "current_inventory_report": WindowKind.SNAPSHOT,
}

# The suite warns where a column is null in every row it saw, as `_unparsed` is when nothing is wrong.
pytestmark = pytest.mark.filterwarnings("ignore:No records were available to test:UserWarning")


class OneOfEachKind(TapFlipkartReports):
    """The tap with a few of its streams: the suite reads every stream several times."""

    def discover_streams(self) -> Sequence[ReportStream]:
        return [stream for stream in super().discover_streams() if stream.name in STREAMS]


def test_the_streams_are_of_every_kind_and_one_is_per_warehouse() -> None:
    streams = OneOfEachKind(validate_config=False).discover_streams()
    assert {stream.name: stream.report_type.rule.kind for stream in streams} == STREAMS
    assert set(STREAMS.values()) >= {kind for kind in WindowKind if kind is not WindowKind.DAY_GRID}
    assert any(stream.report_type.per_warehouse for stream in streams)


TestTapFlipkartReports = get_tap_test_class(
    tap_class=OneOfEachKind,
    config={
        "api_url": "simulator",
        "sellers": [{"seller_id": "acme"}],
        "warehouse_ids": ["blr_wfld"],
        # Long enough ago for a month that is over; open-ended, so that snapshots of today are asked for.
        "start_date": (today(SystemClock()) - timedelta(days=70)).isoformat(),
        "poll_interval": 0.01,
        # The suite compares records with a catalog made before any file was seen, so no column may come later.
        "schema_drift": "extra",
    },
    suite_config=SuiteConfig(max_records_limit=150),
)
