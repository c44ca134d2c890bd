"""Runs whose network is away: found out once, waited for, and nothing bought twice or failed for it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.clocks import VirtualClock
from support.gate import Gate, GatedClock

from tap_flipkart_reports.adapters.answers import Fault
from tap_flipkart_reports.adapters.outages import (
    FIRST_ANSWER_SECONDS,
    LONGEST_PAUSE,
    MAX_BROKEN_IN_A_ROW,
    PATIENCE_SECONDS,
    Outages,
)
from tap_flipkart_reports.exceptions import HostAwayError, OutageError

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
    assert len(output.tap.current_run.deferred) == 2 * number
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


def test_a_run_continues_where_it_was_when_the_api_is_back(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
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
    assert len(output.tap.current_run.deferred) == 2
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


# What counts as an outage

HOST = "api.test"
ANSWER = object()
BROKEN = Fault(words="a broken connection", was_sent=True)
AWAY = Fault(words="no connection", was_sent=False, is_away=True)
NO_SUCH_HOST = Fault(words="no such host", was_sent=False, is_away=True, is_permanent=True, advice="check it")


def _call(outages: Outages, outcome: object) -> None:
    """A call that is not waited for."""
    outages.wait_for_turn(HOST, waits_for_host=False)
    outages.record_outcome(HOST, outcome)


def test_connections_that_break_are_an_outage_where_none_between_them_was_answered() -> None:
    outages = Outages(clock=VirtualClock())
    for outcome in (*[BROKEN] * (MAX_BROKEN_IN_A_ROW - 1), ANSWER, *[BROKEN] * MAX_BROKEN_IN_A_ROW):
        _call(outages, outcome)
    with pytest.raises(HostAwayError):
        _call(outages, ANSWER)


def test_one_call_at_a_time_looks_for_a_host_that_is_away() -> None:
    clock = VirtualClock()
    outages = Outages(clock=clock)
    _call(outages, AWAY)
    clock.advance(1)
    outages.wait_for_turn(HOST)
    with pytest.raises(HostAwayError):
        _call(outages, ANSWER)
    outages.record_outcome(HOST, ANSWER)
    _call(outages, ANSWER)


def test_a_host_whose_name_is_gone_is_waited_for_where_it_has_answered_before() -> None:
    outages = Outages(clock=VirtualClock())
    _call(outages, ANSWER)
    _call(outages, NO_SUCH_HOST)
    with pytest.raises(HostAwayError):
        _call(outages, ANSWER)


def test_a_host_that_never_answers_is_not_waited_for_beyond_max_wait() -> None:
    clock = VirtualClock()
    outages = Outages(clock=clock, patience=10)
    _call(outages, AWAY)
    clock.advance(10)
    _call(outages, AWAY)
    with pytest.raises(OutageError, match="has not answered at all in this run"):
        _call(outages, ANSWER)


def test_a_call_to_a_host_that_has_not_answered_yet_has_a_limit() -> None:
    clock = VirtualClock()
    outages = Outages(clock=clock)
    assert outages.wait_for_turn(HOST) == FIRST_ANSWER_SECONDS
    clock.advance(FIRST_ANSWER_SECONDS - 5)
    assert outages.wait_for_turn(HOST) == 5
    outages.record_outcome(HOST, ANSWER)
    assert outages.wait_for_turn(HOST) == math.inf


def test_what_was_said_of_a_host_that_is_given_up_stays_said() -> None:
    outages = Outages(clock=VirtualClock())
    for _ in range(2):
        outages.wait_for_turn(HOST)
    outages.record_outcome(HOST, NO_SUCH_HOST)
    outages.record_outcome(HOST, replace(NO_SUCH_HOST, words="a certificate"))
    with pytest.raises(OutageError, match=r"^no such host; check it$"):
        _call(outages, ANSWER)


def test_each_outage_begins_with_the_shortest_pause() -> None:
    clock = VirtualClock()
    outages = Outages(clock=clock)
    for outcome in (ANSWER, *[AWAY] * 8, ANSWER):
        _call(outages, outcome)
        clock.advance(LONGEST_PAUSE)
    _call(outages, AWAY)
    clock.advance(1)  # the longest first pause
    _call(outages, ANSWER)
