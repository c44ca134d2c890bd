"""Runs whose network is away: found out once, waited for, and nothing bought twice or failed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.clocks import VirtualClock
from support.gate import Gate, GatedClock

from tap_flipkart_reports.adapters.outages import FIRST_ANSWER_SECONDS, PATIENCE_SECONDS
from tap_flipkart_reports.exceptions import OutageError

if TYPE_CHECKING:
    from support.bench import Bench

STREAM = "orders_report"
SLOW: dict[str, Any] = {"generation_seconds": (60.0, 60.0)}


@pytest.mark.parametrize("number", [1, 40])
def test_an_api_that_never_answers_ends_the_run_within_a_minute_with_one_sentence(
    number: int, bench: Bench, caplog: pytest.LogCaptureFixture, closed_port_url: str
) -> None:
    sellers = [{"seller_id": f"seller-{index}", "refresh_token": f"refresh-{index}"} for index in range(number)]
    output = bench.run(STREAM, api_url=closed_port_url, sellers=sellers, window_days=10, max_unconfirmed_reports=100)
    assert isinstance(output.error, OutageError)
    assert "has not answered at all in this run" in str(output.error)
    assert bench.clock.monotonic() <= FIRST_ANSWER_SECONDS + 1
    assert not output.tap.current_run.failures.all
    assert len(output.tap.current_run.left) == 2 * number
    said = [record for record in caplog.records if "all calls to it wait" in record.getMessage()]
    assert len(said) < 40


def _gated(bench: Bench, *, opens_at: float | None, **settings: Any) -> tuple[Any, Gate]:
    """A run through a gate that closes when the reports are bought."""
    clock = GatedClock(closes_at=10, opens_at=opens_at)
    bench.clock = clock
    bench.restart(**SLOW)
    with Gate(bench.simulator.url) as gate:
        clock.gate = gate
        output = bench.run(STREAM, api_url=gate.url, window_days=10, poll_interval=5, **settings)
    return output, gate


def test_a_run_goes_on_where_it_was_when_the_api_is_back(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    honest = bench.run(STREAM, window_days=10)
    output, _ = _gated(bench, opens_at=400)
    assert output.error is None
    assert "answers again" in caplog.text
    assert output.records(STREAM) == [
        record | {"report_id": mine["report_id"]}
        for record, mine in zip(honest.records(STREAM), output.records(STREAM), strict=True)
    ]
    assert len(bench.bought()) == 2


@pytest.mark.parametrize("settings", [{}, {"max_wait": 120}, {"report_ledger": "ledger.db"}])
def test_what_an_outage_left_is_read_by_the_next_run_and_not_bought_again(
    settings: dict[str, Any], bench: Bench
) -> None:
    output, _ = _gated(bench, opens_at=None, **settings)
    ends = settings.get("max_wait", PATIENCE_SECONDS)
    assert bench.clock.monotonic() < ends + 200
    assert isinstance(output.error, OutageError)
    assert not output.tap.current_run.failures.all
    assert len(output.tap.current_run.left) == 2
    assert len(bench.bought()) == 2
    bench.clock.advance(100)
    again = bench.run(STREAM, state=output.state, window_days=10, **settings)
    assert again.error is None
    assert again.records(STREAM)
    assert len(bench.bought()) == 2


def test_a_connection_test_of_many_sellers_says_once_that_the_api_is_away(
    bench: Bench, caplog: pytest.LogCaptureFixture, closed_port_url: str
) -> None:
    from tap_flipkart_reports.sync.connection_test import refused_tokens  # noqa: PLC0415 - what only this test is about

    bench.clock = VirtualClock()
    sellers = [{"seller_id": f"seller-{index}", "refresh_token": f"refresh-{index}"} for index in range(40)]
    tap = bench.tap(STREAM, api_url=closed_port_url, sellers=sellers)
    refused = refused_tokens(tap.current_run.services.tokens.values())
    tap.close()
    assert len(refused) == 1
    assert caplog.text.count("has not answered at all") == 1
