"""Whole runs against a server that is hostile, broken or odd: every row once, nothing bought twice, nothing told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_flipkart_reports.exceptions import WindowsFailedError

if TYPE_CHECKING:
    from support.bench import Bench

STREAM = "orders_report"
WINDOWS: dict[str, Any] = {"window_days": 10}


def _fault(name: str, call: str = "", **members: Any) -> dict[str, Any]:
    return {"fault": name, **({"call": call} if call else {}), **members}


PASSING = [
    *[_fault(name, call) for name in ("endless_head", "endless_answer", "cut_head") for call in ("detail", "token")],
    *[_fault("packed_bomb", call, bytes=2**25) for call in ("token", "trigger", "detail")],
    *[_fault(name, "trigger") for name in ("endless_head", "endless_answer", "cut_head")],
    *[_fault("early_hints", call) for call in ("token", "trigger", "detail", "download")],
    *[_fault("odd_chunk", call) for call in ("token", "trigger", "detail", "download")],
    *[_fault("token_forbidden", call) for call in ("trigger", "detail")],
    *[_fault("odd_encoding", encoding=said) for said in ("aws-chunked", "UTF-8", "binary", "none", "gzip", "br", "")],
    _fault("no_length"),
    _fault("no_length", bytes=3001),
    _fault("redirected"),
    _fault("odd_token"),
    _fault("odd_link"),
    *[_fault("no_location", location=text) for text in ("null", "N/A", "#", " ")],
    _fault("private_link"),
    _fault("private_link", host="127.0.0.2"),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: "-".join(map(str, fault.values())))
def test_a_run_comes_through_with_every_row_once_and_each_report_bought_once(
    fault: dict[str, Any], bench: Bench
) -> None:
    honest = bench.run(STREAM, **WINDOWS)
    bought = bench.bought()
    bench.restart(fault)
    spoilt = bench.run(STREAM, **WINDOWS)
    assert spoilt.error is None
    assert bench.simulator.faults.fired[fault["fault"]] == 1
    assert [record["order_item_id"] for record in spoilt.records(STREAM)] == [
        record["order_item_id"] for record in honest.records(STREAM)
    ]
    assert bench.bought() == bought


def test_a_token_that_cannot_be_sent_fails_its_seller_and_no_other(bench: Bench) -> None:
    bench.restart(_fault("odd_token", seller_id="acme", every=1))
    sellers = [bench.seller("acme"), bench.seller("bharat")]
    output = bench.run(STREAM, seller_id=None, refresh_token=None, sellers=sellers, **WINDOWS)
    assert output.error is not None
    assert "200 without a token that can be used" in str(output.error)
    assert {record["seller_id"] for record in output.records(STREAM)} == {"bharat"}


@pytest.mark.parametrize(
    "fault",
    [
        _fault("echoed_token", "trigger"),
        _fault("echoed_token", "detail"),
        *[_fault("slow_error", "detail", scrap=scrap) for scrap in ("a-", "token", "?a", "<", '{"error":')],
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_refusal_fails_its_window_in_one_clean_line_and_no_other(
    fault: dict[str, Any], bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.restart(fault)
    output = bench.run(STREAM, **WINDOWS)
    assert isinstance(output.error, WindowsFailedError)
    assert len(output.error.failures) == 1
    lines = [record.getMessage() for record in caplog.records] + [str(output.error)]
    assert all(line.isprintable() and len(line) <= 2000 for line in lines)
    assert not any(secret in line for secret in bench.simulator.secrets for line in lines)
    again = bench.run(STREAM, state=output.state, **WINDOWS)
    assert again.error is None
    assert len(bench.bought()) == 2
