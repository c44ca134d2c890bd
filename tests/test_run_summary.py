"""The end of a run: few lines for people, and everything in a file for programs."""

from __future__ import annotations

import json
import stat
import threading
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.exceptions import MAX_NAMED, FlipkartReportsError, WindowFailure, WindowsFailedError
from tap_flipkart_reports.sync.summary import Summary, Tally
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from pathlib import Path

    from support.bench import Bench


def failure(number: int, *, stream: str = "sales_ledger", report_id: str | None = None) -> WindowFailure:
    return WindowFailure(
        report_type=stream,
        stream=stream,
        seller_id=f"seller-{number}",
        warehouse_id=None,
        window=Window(date(2026, 10, 1), date(2026, 10, 2)),
        report_id=report_id,
        cause=FlipkartReportsError("it was refused"),
    )


def test_the_worst_windows_are_named_and_the_others_counted() -> None:
    failures = [failure(number) for number in range(500)]
    failures += [failure(number, stream="orders_report", report_id=f"R-{number}") for number in range(3)]
    error = WindowsFailedError(failures)
    assert len(error.lines) == MAX_NAMED + 1
    assert all("report R-" in line for line in error.lines[:3])  # these are paid for
    assert error.lines[-1] == "and 483 more, which run_summary names: 483 of sales_ledger"
    assert error.headline.startswith("503 windows failed")
    assert len(str(error)) < 10_000


def test_of_few_windows_all_are_named() -> None:
    assert [line.split(",")[1] for line in WindowsFailedError([failure(1), failure(2)]).lines] == [
        " seller seller-1",
        " seller seller-2",
    ]


def test_a_cause_that_fails_many_windows_of_a_seller_is_one_line_of_the_log_and_of_its_end(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sellers = [{"seller_id": "acme", "refresh_token": "dead"}, bench.seller("bharat")]
    streams = "sales_ledger", "sales_ledger_cash_back", "orders_report"
    output = bench.run(*streams, sellers=sellers, window_days=5)
    assert isinstance(output.error, WindowsFailedError)
    assert len(output.error.failures) == 12
    assert output.error.headline.startswith("8 windows failed")
    assert "In all: 8 bought, 8 windows loaded" in caplog.messages[-1]
    assert "8 windows failed" in caplog.messages[-1]
    (line,) = output.error.lines
    assert line.startswith(
        "orders_report and 2 more streams, seller acme, 8 windows from 2026-10-01 to 2026-10-20: the credentials of"
    )
    assert [record.levelname for record in caplog.records if "credentials of seller acme" in record.message] == [
        "ERROR"
    ]


def test_the_same_days_of_two_warehouses_are_two_windows() -> None:
    of_warehouses = [replace(failure(1), warehouse_id=name) for name in ("blr", "del")]
    error = WindowsFailedError(of_warehouses)
    assert error.headline.startswith("2 windows failed")
    assert error.lines == [
        "sales_ledger, seller seller-1, 2 warehouses, 2 windows from 2026-10-01 to 2026-10-02: it was refused"
    ]


def test_triggers_that_are_refused_alike_are_one_line_of_the_end_without_their_ids(bench: Bench) -> None:
    bench.restart({"fault": "server_error", "call": "trigger", "times": 999})
    output = bench.run("orders_report", window_days=5)
    assert isinstance(output.error, WindowsFailedError)
    (line,) = output.error.lines
    assert (
        "4 windows from 2026-10-01 to 2026-10-20: trigger of orders_report for seller acme, correlation id … " in line
    )


def test_a_file_that_no_table_can_be_read_from_is_one_line(bench: Bench) -> None:
    bench.restart({"fault": "html_page"})
    output = bench.run("sales_ledger", "sales_ledger_cash_back")
    assert isinstance(output.error, WindowsFailedError)
    assert output.error.headline.startswith("1 window failed")
    (line,) = output.error.lines
    assert line.startswith("sales_ledger and sales_ledger_cash_back, seller acme, 2026-10-01 to 2026-10-20, report R-")


def test_a_window_counts_once_however_many_streams_read_its_report(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    streams = "sales_ledger", "sales_ledger_cash_back"
    output = bench.run(*streams, window_days=10, max_reports=1)
    rows = sum(len(output.records(stream)) for stream in streams)
    assert caplog.messages[-1] == (
        f"In all: 1 bought, 1 window loaded with {rows} rows, 1 window left for the next run."
    )


def test_of_many_sellers_those_with_the_most_failures_are_named() -> None:
    summary = Summary()
    for number in range(1000):
        summary.tallies["sales_ledger", f"s{number}"] = Tally(failed=number % 2, left=number // 2)
    lines = list(summary.lines())
    worst = [f"seller s{number}" for number in range(999, 999 - 2 * MAX_NAMED, -2)]  # of these, most is left
    assert [line.partition(":")[0] for line in lines[1:-2]] == worst
    assert lines[-2] == "980 more sellers, which run_summary names."


def test_the_file_has_every_window_that_failed_or_is_left(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench.restart({"fault": "ragged_row", "row": 2, "cells": 200, "nth": 1})
    path = tmp_path / "summary.json"
    output = bench.run("sales_ledger", window_days=1, max_reports=2, max_concurrent_reports=1, run_summary=str(path))
    assert isinstance(output.error, WindowsFailedError)
    document: dict[str, Any] = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["summary.json"]
    assert document["totals"]["triggered"] == 2
    assert document["totals"] == document["sellers"]["acme"] == document["report_types"]["sales_ledger"]
    (failed,) = document["failed"]
    assert failed["stream"] == "sales_ledger"
    assert failed["report_id"] is not None
    assert "200 cells" in failed["cause"]
    assert len(document["deferred"]) == 18
    assert not document["is_complete"]
    assert document["error"] is None  # `failed` says it
    (left,) = [record.getMessage() for record in caplog.records if "Left for the next run" in record.getMessage()]
    assert left.count("seller acme") == 18


@pytest.mark.parametrize(
    ("fault", "settings", "is_complete"),
    [(None, {}, True), (None, {"max_reports": 1}, False), ("zero_bytes", {}, False)],
    ids=["all is loaded", "a budget", "failures alone"],
)
def test_a_run_is_complete_where_nothing_failed_and_nothing_is_left(
    bench: Bench, tmp_path: Path, fault: str | None, settings: dict[str, Any], *, is_complete: bool
) -> None:
    bench.restart(*([{"fault": fault}] if fault else []))
    path = tmp_path / "summary.json"
    bench.run("sales_ledger", window_days=10, run_summary=str(path), **settings)
    assert json.loads(path.read_text())["is_complete"] is is_complete


def test_a_run_that_ends_early_says_why_in_the_file(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    output = bench.run("sales_ledger", start_date="2020-01-01", window_days=1, run_summary=str(path))
    assert "confirm_reports" in str(output.error)
    assert json.loads(path.read_text())["error"] == str(output.error)


def test_a_file_that_cannot_be_written_fails_no_run(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(tmp_path / "missing" / "summary.json")
    output = bench.run("sales_ledger", run_summary=path)
    assert output.error is None
    assert f"run_summary {path} cannot be written: No such file or directory; check the path" in caplog.text


def test_thousands_of_windows_that_a_budget_leaves_over_cost_no_thread_and_no_long_line_each(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench.restart(generation_seconds=(0.0, 0.0))
    monkeypatch.setattr(bench, "clock", SystemClock())
    tap = bench.tap(
        "sales_ledger", start_date="2015-01-01", end_date="2025-12-31", window_days=1, max_reports=1, poll_interval=0.01
    )
    tap.workers = 3
    started: list[str] = []
    start = threading.Thread.start

    def counted(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    tap.run()
    assert tap.current_run.summary.total().left == 4_017
    assert sum(name.startswith("report-") for name in started) < 20
    (left,) = [message for message in caplog.messages if message.startswith("Left for the next run")]
    assert left.count("seller acme") == MAX_NAMED
    assert left.endswith("; and 3,997 more.")
