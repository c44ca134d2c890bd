"""The SDK's standard tests against the simulator, none switched off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_flipkart_reports.clock import SystemClock, today
from tap_flipkart_reports.tap import TapFlipkartReports

# The suite warns where a column is null in every row it saw, as `_unparsed` is when nothing is wrong.
pytestmark = pytest.mark.filterwarnings("ignore:No records were available to test:UserWarning")

TestTapFlipkartReports = get_tap_test_class(
    tap_class=TapFlipkartReports,
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
