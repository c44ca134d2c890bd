from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.prices import Prices
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from support.bench import Bench


def test_reports_cost_what_their_types_cost() -> None:
    prices = Prices.from_settings({"currency": "INR", "orders_report": 12.5, "*": 1000})
    assert prices.cost({"orders_report": 2, "sales_ledger": 1}) == Decimal(1025)
    assert prices.in_words({"orders_report": 2, "sales_ledger": 1}) == "INR 1,025.00"


def test_a_cost_of_which_a_part_is_not_known_is_not_told() -> None:
    prices = Prices.from_settings({"orders_report": 12.5})
    assert prices.cost({"orders_report": 2, "sales_ledger": 1}) is None
    assert prices.in_words({"orders_report": 2, "sales_ledger": 0}) == "25.00"
    assert prices.in_words({}) == ""


def test_a_price_of_a_report_type_that_does_not_exist_is_refused(bench: Bench) -> None:
    with pytest.raises(SettingsError, match="report_prices names 'order_report', which is not a report type; did you"):
        TapFlipkartReports(config=bench.config(report_prices={"order_report": 1}))
