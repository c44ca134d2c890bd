from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_flipkart_reports.commands.coverage.cockpit import cockpit_of, document
from tap_flipkart_reports.commands.plan import plan_run, table
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.prices import Prices
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from pathlib import Path

    from support.bench import Bench


def test_reports_cost_what_their_types_cost() -> None:
    prices = Prices.from_settings({"currency": "INR", "orders_report": 12.5, "*": 1000})
    assert prices.cost({"orders_report": 2, "sales_ledger": 1}) == Decimal(1025)
    assert prices.in_words({"orders_report": 2, "sales_ledger": 1}) == "INR 1,025.00"


def test_a_cost_with_an_unknown_part_is_not_shown() -> None:
    prices = Prices.from_settings({"orders_report": 12.5})
    assert prices.cost({"orders_report": 2, "sales_ledger": 1}) is None
    assert prices.in_words({"orders_report": 2, "sales_ledger": 0}) == "25.00"
    assert prices.in_words({}) == ""


def test_a_price_of_a_report_type_that_does_not_exist_is_refused(bench: Bench) -> None:
    with pytest.raises(SettingsError, match="report_prices names 'order_report', which is not a report type; did you"):
        TapFlipkartReports(config=bench.config(report_prices={"order_report": 1}))


def test_the_runs_last_words_and_the_plan_speak_in_money(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tap-flipkart-reports")  # which a command of another test may have quieted
    prices = {"currency": "INR", "*": 12.5}
    tap = bench.tap("orders_report", report_prices=prices, window_days=10)
    plan = plan_run(tap.current_run.wanted, None)
    assert "2 reports would be triggered, for INR 25.00." in table(plan)
    assert (plan.document()["cost"], plan.document()["currency"]) == ("25.0", "INR")
    tap.close()
    bench.run("orders_report", report_prices=prices, window_days=10)
    assert any(message.endswith(", for INR 25.00.") for message in caplog.messages)
    assert any("flipkart_reports_cost" in message for message in caplog.messages)


def test_coverage_shows_what_all_purchases_cost(bench: Bench, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"report_ledger": str(tmp_path / "ledger.db"), "report_prices": {"orders_report": 7}}
    bench.run("orders_report", window_days=10, **settings)
    run = bench.tap("orders_report", **settings).current_run
    found = document(cockpit_of(run, has_state=False, clock=bench.clock))
    run.close()
    assert found["bought"]["cost"] == "14"
