"""Reports whose files hold several tables: each bought once, whatever its streams have read."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.clocks import VirtualClock
from support.truth import expected

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.adapters.processes import OWNER
from tap_flipkart_reports.exceptions import WindowsFailedError
from tap_flipkart_reports.files.header_words import normalise
from tap_flipkart_reports.report_types import REPORT_TYPES, UNIDENTIFIED
from tap_flipkart_reports.simulator.business.reports import LAYOUTS
from tap_flipkart_reports.simulator.faults import YEARS

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from support.bench import Bench, Output

SALES = ("sales_ledger", "sales_ledger_cash_back")
SETTLEMENT = REPORT_TYPES["settled_transaction_ledger"].streams
DAYS = {"from_date": "2026-10-01", "to_date": "2026-10-20"}


def truth(bench: Bench, stream: str, days: dict[str, str] = DAYS) -> list[dict[str, str]]:
    """A stream's table; the simulator says in brackets what a section of the GST returns is about."""
    report_type = next(kind for kind in REPORT_TYPES.values() if stream in kind.streams)
    title = next(table.title for table in report_type.tables if table.stream == stream)
    titles = [table.title for table in LAYOUTS[report_type.identifier].tables]
    named = next((other for other in titles if other.partition(" (")[0] == title.partition(" (")[0]), None)
    return bench.simulator.rows(report_type.identifier, "acme", days, table=named)


def counts(output: Output, streams: tuple[str, ...]) -> dict[str, int]:
    return {stream: len(output.records(stream)) for stream in streams}


def test_one_purchase_feeds_every_table_of_a_workbook(bench: Bench) -> None:
    bench.restart(file_format="xlsx")
    output = bench.run(*SETTLEMENT)
    assert output.error is None
    assert bench.bought() == [("settled_transaction_ledger", "acme", "2026-10-01", "2026-10-20")]
    assert counts(output, SETTLEMENT) == {stream: len(truth(bench, stream)) for stream in SETTLEMENT}
    assert sum(bool(output.records(stream)) for stream in SETTLEMENT) > 8
    for stream in SETTLEMENT:
        assert output.partition(stream)["replication_key_value"] == "2026-10-20"


def test_the_cells_of_a_second_table_are_what_they_are(bench: Bench) -> None:
    bench.restart(file_format="xlsx")
    records = bench.run(*SALES).records("sales_ledger_cash_back")
    rows = truth(bench, "sales_ledger_cash_back")
    assert len(records) == len(rows) > 0
    for record, row in zip(records, rows, strict=True):
        assert record["order_item_id"] == row["Order Item ID"].removeprefix("OI:")
        assert record["invoice_amount"] == Decimal(row["Invoice Amount"])
        assert record["seller_id"] == "acme"


def test_a_csv_holds_the_first_table_and_the_others_are_empty(bench: Bench) -> None:
    output = bench.run(*SALES)
    assert output.error is None
    assert counts(output, SALES) == {"sales_ledger": len(truth(bench, "sales_ledger")), "sales_ledger_cash_back": 0}
    assert len(bench.bought()) == 1
    assert output.partition("sales_ledger_cash_back")["replication_key_value"] == "2026-10-20"


def test_a_stream_selected_later_is_fed_by_reports_of_its_own_days_and_of_new_ones_once(bench: Bench) -> None:
    bench.restart(file_format="xlsx")
    first = bench.run("sales_ledger", end_date="2026-10-10")
    second = bench.run(*SALES, state=first.state)
    assert second.error is None
    assert bench.bought()[1:] == [("sales_ledger", "acme", "2026-10-01", "2026-10-20")]
    assert len(second.records("sales_ledger_cash_back")) == len(truth(bench, "sales_ledger_cash_back"))
    for stream in SALES:
        assert second.partition(stream)["replication_key_value"] == "2026-10-20"


def test_streams_whose_bookmarks_differ_share_the_reports_that_both_lack(bench: Bench) -> None:
    bench.restart(file_format="xlsx")
    settings: dict[str, Any] = {"window_days": 5}
    first = bench.run("sales_ledger_cash_back", end_date="2026-10-05", **settings)
    bought = len(bench.bought())
    second = bench.run(*SALES, state=first.state, **settings)
    windows = [window[2:] for window in bench.bought()[bought:]]
    assert sorted(windows) == [
        ("2026-10-01", "2026-10-05"),
        ("2026-10-06", "2026-10-10"),
        ("2026-10-11", "2026-10-15"),
        ("2026-10-16", "2026-10-20"),
    ]
    cash_back = {record["report_from_date"] for record in second.records("sales_ledger_cash_back")}
    assert "2026-10-01" not in cash_back
    assert len(second.records("sales_ledger")) == len(truth(bench, "sales_ledger"))
    assert "replication_key_value" in second.partition("sales_ledger_cash_back")


def test_the_streams_of_a_report_take_turns_so_that_few_files_wait(bench: Bench) -> None:
    bench.restart(file_format="xlsx")
    sellers = [bench.seller("acme"), bench.seller("bharat")]
    output = bench.run(*SALES, sellers=sellers)
    order: list[tuple[str, str]] = []
    for line in output.lines:
        if line["type"] == "RECORD":
            turn = (line["record"]["seller_id"], line["stream"])
            order += [turn] if turn not in order[-1:] else []
    assert order == [(seller, stream) for seller in ("acme", "bharat") for stream in SALES]
    assert len(bench.bought()) == 2


class WatchingClock(VirtualClock):
    """Looks at a folder whenever it is asked for the time, as for each batch of rows."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.most_files = 0

    def now(self) -> datetime:
        files = [path for path in self._folder.glob(f"{PACKAGE}-*/*") if path.name != OWNER]
        self.most_files = max(self.most_files, len(files))
        return super().now()


def test_a_file_is_removed_when_the_last_of_its_streams_has_read_it(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    clock = bench.clock = WatchingClock(tmp_path / "temporary")
    bench.restart({"fault": "html_page"}, file_format="xlsx")
    sellers = [bench.seller(name) for name in ("acme", "bharat", "chirag")]
    output = bench.run(*SALES, sellers=sellers, max_concurrent_reports=1)
    assert len(bench.bought()) == 3
    assert len(output.tap.current_run.failures.all) == len(SALES)  # a file that cannot be read goes, too
    assert clock.most_files == 1


def test_a_table_that_cannot_be_read_fails_alone_and_costs_nothing_to_read_again(bench: Bench) -> None:
    bench.restart({"fault": "ragged_row", "row": 2, "cells": 4})
    first = bench.run(*SALES)
    assert isinstance(first.error, WindowsFailedError)
    assert [failure.stream for failure in first.error.failures] == ["sales_ledger"]
    assert first.partition("sales_ledger_cash_back")["replication_key_value"] == "2026-10-20"
    second = bench.run(*SALES, state=first.state, bad_rows="skip")
    assert second.error is None
    assert len(bench.bought()) == 1
    assert len(second.records("sales_ledger")) == len(truth(bench, "sales_ledger")) - 1


def test_a_run_cut_between_two_tables_adopts_the_report_for_the_second(bench: Bench) -> None:
    bench.restart(file_format="xlsx")
    whole = bench.run(*SALES)
    cut = next(
        state
        for state in whole.states
        if "replication_key_value" in state["bookmarks"]["sales_ledger"]["partitions"][0]
    )
    assert cut["bookmarks"]["sales_ledger_cash_back"]["partitions"][0]["pending"]
    second = bench.run(*SALES, state=cut)
    assert len(bench.bought()) == 1
    assert second.records("sales_ledger") == []
    assert len(second.records("sales_ledger_cash_back")) == len(truth(bench, "sales_ledger_cash_back"))
    assert "pending" not in second.partition("sales_ledger_cash_back")


@pytest.mark.parametrize("with_ledger", [False, True], ids=["state", "ledger"])
def test_with_a_ledger_a_report_is_finished_once_all_its_streams_have_read_it(
    bench: Bench,
    tmp_path: Path,
    with_ledger: bool,  # noqa: FBT001 - the two ways of remembering
) -> None:
    bench.restart(file_format="xlsx")
    ledger: dict[str, Any] = {"report_ledger": str(tmp_path / "ledger.db")} if with_ledger else {}
    first = bench.run(*SALES, **ledger)
    again = bench.run(*SALES, state=first.state, **ledger)
    assert len(bench.bought()) == 1
    assert counts(again, SALES) == dict.fromkeys(SALES, 0)
    assert again.state == first.state


def test_a_new_column_of_every_workbook_of_a_zip_is_added_once(bench: Bench) -> None:
    renamed = {"fault": "renamed_column", "header": "My Share / Free Shipping Offer (Rs.)", "to": "Never Seen"}
    bench.restart(renamed, file_format="zip_of_workbooks")
    output = bench.run("financial_year_ledger", start_date="2026-04-01")
    assert output.error is None
    assert sum("never_seen" in schema["properties"] for schema in output.schemas("financial_year_ledger")) == 1
    assert all("never_seen" in record for record in output.records("financial_year_ledger"))


def test_a_zip_of_quarterly_workbooks_is_one_report(bench: Bench) -> None:
    bench.restart(file_format="zip_of_workbooks")
    streams = REPORT_TYPES["financial_year_ledger"].streams
    output = bench.run(*streams, start_date="2026-04-01")
    assert output.error is None
    assert len(bench.bought()) == 1
    days = {"from_date": "2026-04-01", "to_date": "2026-10-20"}
    assert counts(output, streams) == {stream: len(truth(bench, stream, days)) for stream in streams}
    keys = REPORT_TYPES["financial_year_ledger"].key_properties(REPORT_TYPES["financial_year_ledger"].tables[0])
    records = output.records("financial_year_ledger")
    assert len({tuple(str(record[name]) for name in keys) for record in records}) == len(records)


@pytest.mark.parametrize("file_format", ["xlsx", "csv_with_preamble", "zip_of_workbooks"])
@pytest.mark.parametrize(
    "report", ["sales_ledger", "settled_transaction_ledger", "gst_returns_report", "orders_report", "returns_report"]
)
def test_no_row_is_lost_however_a_report_is_packed(bench: Bench, report: str, file_format: str) -> None:
    bench.restart(file_format=file_format)
    streams = REPORT_TYPES[report].streams
    output = bench.run(*streams, start_date="2026-09-01", end_date="2026-09-30")
    assert output.error is None
    (trigger,) = bench.simulator.triggers
    parameters = dict(trigger.parameters)
    present = streams if file_format != "csv_with_preamble" else streams[:1]
    assert counts(output, streams) == {
        stream: len(truth(bench, stream, parameters)) if stream in present else 0 for stream in streams
    }


ALL_TYPES = {**REPORT_TYPES, "profit_and_loss": UNIDENTIFIED["profit_and_loss"]}


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize(
    "report",
    [
        "sales_ledger",
        "settled_transaction_ledger",
        "financial_year_ledger",
        "gst_returns_report",
        "profit_and_loss",
        "orders_report",
    ],
)
def test_the_layouts_of_both_years_are_read_whole(
    bench: Bench, caplog: pytest.LogCaptureFixture, report: str, year: str
) -> None:
    bench.restart(file_format="xlsx", layout=year)
    overrides = {"profit_and_loss": {"identifier": "profit_and_loss_report"}}
    streams = ALL_TYPES[report].streams
    with caplog.at_level("WARNING"):
        output = bench.run(*streams, start_date="2026-09-01", end_date="2026-09-30", report_types=overrides)
    assert (output.error, [record.getMessage() for record in caplog.records]) == (None, [])
    (trigger,) = bench.simulator.triggers
    for table in ALL_TYPES[report].tables:
        title = next(
            one.title
            for one in LAYOUTS[trigger.identifier].tables
            if one.title.partition(" (")[0] == table.title.partition(" (")[0]
        )
        rows = bench.simulator.rows(trigger.identifier, "acme", dict(trigger.parameters), table=title)
        names = {
            normalise(words): name
            for name, schema in table.schema.properties.items()
            for words in (schema["title"], *schema.get("aliases", ()))
            if name != "bank_settlement_projected_2"
        }
        names[normalise("Bank Settlement [Projected] (INR) (second)")] = "bank_settlement_projected_2"
        records = output.records(table.stream)
        assert len(records) == len(rows)
        for record, row in zip(records, rows, strict=True):
            assert (record["_extra"], record["_unparsed"]) == (None, None)
            for header, cell in row.items():
                name = names[normalise(header)]
                value = expected(cell, table.schema.properties[name])
                assert record[name] == ("NA" if value is None and name in table.key else value), header


def test_a_file_of_another_report_is_named_where_settings_declare_it_and_nowhere_else(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    declared = {"name": "mine", "identifier": "orders_report", "window": "days"}
    with caplog.at_level("WARNING"):
        assert bench.run("mine", custom_reports=[declared]).error is None
    assert (
        'the file is of orders_report: declare it under that name, {"report_types": {"orders_report": ' in caplog.text
    )
    caplog.clear()
    with caplog.at_level("WARNING"):
        assert bench.run("fbf_orders_report").error is None  # nobody has published its columns
    assert "declare it under that name" not in caplog.text


def test_reports_whose_rows_name_orders_returns_or_payments_are_requested_as_such(bench: Bench) -> None:
    tap = bench.tap(
        custom_reports=[{"name": "loans", "identifier": "loan_ledger", "window": "month"}], warehouse_ids=["w"]
    )
    requests = list(tap.current_run.wanted.all_requests())
    tap.close()
    assert {request.stream for request in requests} >= {"loans", "stranded_inventory_report", "stock_ledger"}
    assert {request.stream for request in requests if request.rows_have_ids} == {
        *("sales_ledger", "settled_transaction_ledger", "financial_year_ledger", "returns_report", "orders_report"),
    }


# A table that cannot be read, and the others


@pytest.mark.parametrize("has_ledger", [True, False], ids=["with a ledger", "without"])
def test_a_table_that_cannot_be_read_holds_up_no_other_table_of_a_running_year(
    bench: Bench, tmp_path: Path, *, has_ledger: bool
) -> None:
    bad = {"fault": "bad_cell", "nth": 1, "table": "TDS", "row": 1, "header": "Settlement Value (Rs.)", "text": "many"}
    bench.restart(bad, file_format="xlsx", orders_per_day=1)
    settings: dict[str, Any] = {"start_date": "2026-11-01", "end_date": "2026-12-31", "bad_cells": "fail"}
    settings |= {"report_ledger": str(tmp_path / "ledger.db")} if has_ledger else {}
    streams = ("financial_year_ledger", "financial_year_ledger_tds")
    state: dict[str, Any] = {}
    for number, day in enumerate(("2026-11-21", "2026-11-22", "2026-11-23")):
        output = bench.run(*streams, state=state, **settings)
        assert (output.error is None) == (number > 0)
        assert len(bench.bought()) == number + 1
        state = output.state
        assert output.partition(streams[0])["replication_key_value"] == day
        bench.clock.advance(86400)
    for stream in streams:
        assert set(output.partition(stream)) == {"context", "replication_key", "replication_key_value"}


def test_a_table_does_not_read_again_what_another_table_has_still_to_read(bench: Bench) -> None:
    bad = {
        "fault": "bad_cell",
        "nth": 1,
        "table": "Cash Back Report",
        "row": 1,
        "header": "Invoice Amount",
        "text": "x",
    }
    bench.restart(bad, file_format="xlsx")
    settings: dict[str, Any] = {"lookback_days": 3, "window_days": 10, "bad_cells": "fail"}
    streams = ("sales_ledger", "sales_ledger_cash_back")
    first = bench.run(*streams, end_date="2026-10-08", **settings)
    assert first.error is not None
    second = bench.run("sales_ledger", state=first.state, end_date="2026-10-09", **settings)
    third = bench.run(*streams, state=second.state, end_date="2026-10-10", **{**settings, "bad_cells": "keep"})
    assert third.error is None
    oldest = bench.simulator.triggers[0].report_id
    assert oldest not in {record["report_id"] for record in third.records("sales_ledger")}
    assert oldest in {record["report_id"] for record in third.records("sales_ledger_cash_back")}
    for stream in streams:
        assert set(third.partition(stream)) == {"context", "replication_key", "replication_key_value"}
