"""The SDK's standard tests against the simulator, none switched off."""

from __future__ import annotations

from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_flipkart_reports.tap import TapFlipkartReports

TestTapFlipkartReports = get_tap_test_class(
    tap_class=TapFlipkartReports,
    config={
        "api_url": "simulator",
        "sellers": [{"seller_id": "acme"}],
        "warehouse_ids": ["blr_wfld"],
        "start_date": "2026-04-01",
        "end_date": "2026-04-30",
        "poll_interval": 0.01,
    },
    suite_config=SuiteConfig(max_records_limit=150),
)
