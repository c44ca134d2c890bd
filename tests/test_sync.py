"""The tap end to end: real HTTP, the simulator's truth, faults, and what a next run does."""

from __future__ import annotations

import json
import logging
import math
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.clocks import VirtualClock
from support.truth import expected

from tap_flipkart_reports.commands.plan import plan_run
from tap_flipkart_reports.exceptions import (
    AuthenticationError,
    LedgerError,
    ReportFailedError,
    SettingsError,
    WindowsFailedError,
)
from tap_flipkart_reports.planning.table_schema import table_schema
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from support.bench import Bench

OCTOBER_DAYS = {"from_date": "2026-10-01", "to_date": "2026-10-20"}


@pytest.mark.parametrize("stream", ["sales_ledger", "settled_transaction_ledger", "orders_report", "returns_report"])
def test_every_cell_of_every_row_arrives_as_what_it_is(bench: Bench, stream: str) -> None:
    output = bench.run(stream)
    truth = bench.simulator.rows(stream, "acme", OCTOBER_DAYS)
    records = output.records(stream)
    assert len(records) == len(truth) > 0
    for number, (record, row) in enumerate(zip(records, truth, strict=True), 1):
        for name, schema in table_schema(stream).properties.items():
            value = expected(row.get(schema["title"], ""), dict(schema))  # of the other layout
            if name in REPORT_TYPES[stream].tables[0].key and value is None:
                value = "NA"
            assert record[name] == value, name
        assert record["report_row_number"] == number
        assert (record["report_from_date"], record["report_to_date"]) == ("2026-10-01", "2026-10-20")
        assert record["_unparsed"] is record["_extra"] is None


def test_rows_that_share_their_key_are_counted_in_one_warning(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.restart({"fault": "duplicate_rows"})
    records = bench.run("orders_report").records("orders_report")
    (line,) = [message for message in caplog.messages if "told apart by _row_ordinal" in message]
    assert f": {len(records):,} rows share their key with another (order_item_id" in line
    assert "blank part" not in line


def test_every_stream_is_read_and_every_row_counted(bench: Bench) -> None:
    output = bench.run(warehouse_ids=["del"], start_date="2026-09-01", end_date="2026-11-24")
    assert output.error is None
    assert {line["stream"] for line in output.lines if line["type"] == "RECORD"} == set(REPORT_TYPES)
    for stream in REPORT_TYPES:
        truth = sum(
            len(bench.simulator.rows(trigger.identifier, "acme", trigger.parameters))
            for trigger in bench.simulator.triggers
            if trigger.identifier == stream
        )
        records = output.records(stream)
        assert len(records) == truth, stream
        report_type = REPORT_TYPES[stream]
        key = report_type.key_properties(report_type.tables[0])
        keys = {tuple(str(record[name]) for name in key) for record in records}
        assert len(keys) == len(records), stream


def test_a_second_run_from_the_final_state_buys_nothing(bench: Bench) -> None:
    first = bench.run(warehouse_ids=["del"], start_date="2026-09-01", end_date="2026-11-24")
    bought = len(bench.bought())
    second = bench.run(state=first.state, warehouse_ids=["del"], start_date="2026-09-01", end_date="2026-11-24")
    assert len(bench.bought()) == bought
    assert second.state == first.state
    assert not any(line["type"] == "RECORD" for line in second.lines)


def test_the_next_day_reads_the_lookback_again_and_changed_orders_arrive(bench: Bench) -> None:
    settings: dict[str, Any] = {"start_date": "2026-11-10", "end_date": "2026-12-31"}
    first = bench.run("orders_report", **settings)
    bench.clock.advance(86_400)
    second = bench.run("orders_report", state=first.state, **settings)
    assert bench.bought()[-1] == ("orders_report", "acme", "2026-11-10", "2026-11-22")
    before = {record["order_item_id"]: record["order_item_status"] for record in first.records("orders_report")}
    after = {record["order_item_id"]: record["order_item_status"] for record in second.records("orders_report")}
    assert set(before) < set(after)
    assert any(after[item] != status for item, status in before.items())
    assert second.partition("orders_report")["replication_key_value"] == "2026-11-22"


def test_state_comes_after_the_last_record_of_each_window_and_holds_no_more_than_is_out(bench: Bench) -> None:
    output = bench.run("sales_ledger", window_days=5)
    out: set[str] = set()
    for line in output.lines:
        if line["type"] == "RECORD":
            out.add(line["record"]["report_to_date"])
        elif line["type"] == "STATE":
            for partition in line["value"]["bookmarks"]["sales_ledger"].get("partitions", []):
                assert partition.get("replication_key_value", "") <= max(out, default="")
    assert output.partition("sales_ledger") == {
        "context": {"seller_id": "acme"},
        "replication_key": "report_to_date",
        "replication_key_value": "2026-10-20",
    }


def test_a_state_holds_no_fraction_which_targets_of_the_sdk_could_not_write_back(bench: Bench) -> None:
    bench.restart(generation_seconds=(50.5, 400.5))
    output = bench.run("sales_ledger", window_days=5)
    assert output.state["bookmarks"]["sales_ledger"]["generation_milliseconds"]["shortest"] >= 50_500
    assert "Decimal" not in repr(output.states)  # the bench reads fractions as decimals, like those targets


def test_an_empty_window_advances_the_bookmark(bench: Bench) -> None:
    bench.restart({"fault": "header_only"})
    output = bench.run("sales_ledger")
    assert output.error is None
    assert output.records("sales_ledger") == []
    assert output.partition("sales_ledger")["replication_key_value"] == "2026-10-20"


def test_a_failed_window_stops_nothing_else_and_is_the_only_one_requested_again(bench: Bench) -> None:
    failed = {"fault": "failed", "identifier": "sales_ledger"}
    bench.restart(*({**failed, "nth": number} for number in (2, 5, 6)))  # the second window, and its two more tries
    settings: dict[str, Any] = {"window_days": 5, "max_concurrent_reports": 1}
    first = bench.run("sales_ledger", "returns_report", **settings)
    assert isinstance(first.error, WindowsFailedError)
    (failure,) = first.error.failures
    assert (failure.stream, failure.seller_id, failure.warehouse_id) == ("sales_ledger", "acme", None)
    assert failure.window == Window(date(2026, 10, 1), date(2026, 10, 5))
    assert isinstance(failure.cause, ReportFailedError)
    assert str(failure).startswith("sales_ledger, seller acme, 2026-10-01 to 2026-10-05")
    assert str(failure).endswith(f": {failure.cause}")
    partition = first.partition("sales_ledger")
    assert "replication_key_value" not in partition
    assert partition["finished"] == [["2026-10-06", "2026-10-20"]]
    assert first.partition("returns_report")["replication_key_value"] == "2026-10-20"
    assert {record["report_from_date"] for record in first.records("sales_ledger")} == {
        "2026-10-06",
        "2026-10-11",
        "2026-10-16",
    }
    bought = len(bench.bought())
    second = bench.run("sales_ledger", "returns_report", state=first.state, **settings)
    assert second.error is None
    assert bench.bought()[bought:] == [("sales_ledger", "acme", "2026-10-01", "2026-10-05")]
    assert second.partition("sales_ledger")["replication_key_value"] == "2026-10-20"
    assert "finished" not in second.partition("sales_ledger")


@pytest.mark.parametrize("with_ledger", [False, True], ids=["state", "ledger"])
def test_a_file_that_cannot_be_read_is_not_paid_for_again_until_somebody_gives_it_up(
    bench: Bench,
    tmp_path: Path,
    with_ledger: bool,  # noqa: FBT001 - the two ways of remembering
) -> None:
    bench.restart({"fault": "zero_bytes"})
    settings: dict[str, Any] = {"report_ledger": str(tmp_path / "ledger.db")} if with_ledger else {}
    first = bench.run("sales_ledger", **settings)
    second = bench.run("sales_ledger", state=first.state, **settings)
    assert len(bench.bought()) == 1
    (pending,) = second.partition("sales_ledger")["pending"]
    assert f"report {pending['report_id']}: the file is empty" in str(second.error)
    assert "unless given_up_reports names it" in str(second.error)
    third = bench.run("sales_ledger", state=second.state, given_up_reports=[pending["report_id"]], **settings)
    assert third.error is None
    assert len(bench.bought()) == 2
    assert "pending" not in third.partition("sales_ledger")
    assert len(third.records("sales_ledger")) == len(bench.simulator.rows("sales_ledger", "acme", OCTOBER_DAYS))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"fault": "zero_bytes"}, "empty"),
        ({"fault": "html_page"}, "please log in"),
        ({"fault": "missing_column", "header": "return_id"}, "return_id"),
        ({"fault": "unterminated_quote"}, "line"),
        ({"fault": "ragged_row", "row": 1, "cells": 4}, "line 2 has 4 cells, the header 30"),
    ],
    ids=lambda value: value["fault"] if isinstance(value, dict) else "",
)
def test_a_file_that_cannot_be_read_fails_its_window_in_a_sentence(
    bench: Bench, fault: dict[str, Any], words: str
) -> None:
    bench.restart(fault)
    output = bench.run("returns_report")
    assert isinstance(output.error, WindowsFailedError)
    (failure,) = output.error.failures
    assert failure.report_id in {trigger.report_id for trigger in bench.simulator.triggers}
    assert words in str(failure)
    assert "the next run reads it again at no cost, unless given_up_reports names it" in str(failure)
    assert "replication_key_value" not in output.partition("returns_report")
    if fault["fault"] in {"zero_bytes", "html_page", "missing_column"}:
        assert output.records("returns_report") == []


def test_rows_that_could_not_be_read_are_read_again_for_nothing_once_the_settings_allow(bench: Bench) -> None:
    bench.restart({"fault": "ragged_row", "row": 2, "cells": 4})
    first = bench.run("returns_report")
    assert first.error is not None
    second = bench.run("returns_report", state=first.state, bad_rows="skip")
    assert second.error is None
    assert len(bench.bought()) == 1
    assert (
        len(second.records("returns_report")) == len(bench.simulator.rows("returns_report", "acme", OCTOBER_DAYS)) - 1
    )


def test_a_cell_that_does_not_fit_is_kept_beside_its_column(bench: Bench) -> None:
    bad = {"fault": "bad_cell", "row": 2, "header": "quantity", "text": "many"}
    bench.restart(bad, {**bad, "nth": 2})
    records = bench.run("orders_report").records("orders_report")
    assert records[1]["quantity"] is None
    assert records[1]["_unparsed"] == {"quantity": "many"}
    assert records[0]["_unparsed"] is None
    failed = bench.run("orders_report", bad_cells="fail")
    assert failed.error is not None
    assert "line 3, column 'quantity': 'many' is not an integer" in str(failed.error)


def test_a_new_column_is_reported_before_the_first_record_that_has_it(bench: Bench) -> None:
    bench.restart({"fault": "extra_column", "header": "Carbon Footprint (kg)", "nth": 2})
    output = bench.run("orders_report", window_days=10, max_concurrent_reports=1, lookback_days=0)
    first, second = output.schemas("orders_report")
    assert "carbon_footprint_kg" not in first["properties"]
    assert second["properties"]["carbon_footprint_kg"]["type"] == ["string", "null"]
    is_told = False
    for line in output.lines:
        is_told |= line["type"] == "SCHEMA" and "carbon_footprint_kg" in line["schema"]["properties"]
        if line["type"] == "RECORD" and line["record"].get("carbon_footprint_kg"):
            assert is_told
    assert any(record.get("carbon_footprint_kg") for record in output.records("orders_report"))


def test_a_new_column_can_be_kept_apart_or_refused(bench: Bench) -> None:
    extra = {"fault": "extra_column", "header": "Carbon Footprint (kg)"}
    bench.restart(extra, {**extra, "nth": 2})
    kept = bench.run("orders_report", schema_drift="extra")
    assert kept.records("orders_report")[0]["_extra"] == {"carbon_footprint_kg": "extra 1"}
    assert len(kept.schemas("orders_report")) == 1
    refused = bench.run("orders_report", schema_drift="fail")
    assert "Carbon Footprint" in str(refused.error)


def test_a_deselected_column_stays_out_and_the_rest_is_the_same(bench: Bench) -> None:
    whole = bench.run("orders_report")
    catalog = bench.tap("orders_report").catalog_dict
    entry = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == "orders_report")
    for metadata in entry["metadata"]:
        if metadata["breadcrumb"] == ["properties", "product_title"]:
            metadata["metadata"]["selected"] = False
    del entry["schema"]["properties"]["fsn"]
    for other in catalog["streams"]:
        other["metadata"][0 if other["metadata"][0]["breadcrumb"] == [] else -1]["metadata"]["selected"] = (
            other is entry
        )
    reduced = bench.run(catalog=catalog)
    dropped = {"product_title", "fsn", "report_id"}
    assert not {"product_title", "fsn"} & set(reduced.records("orders_report")[0])
    assert [
        {name: value for name, value in record.items() if name not in dropped}
        for record in whole.records("orders_report")
    ] == [
        {name: value for name, value in record.items() if name != "report_id"}
        for record in reduced.records("orders_report")
    ]


def test_the_sdks_own_loop_under_a_stream_map_sends_the_same_records(bench: Bench) -> None:
    plain = bench.run("settled_transaction_ledger")
    mapped = bench.run(
        "settled_transaction_ledger", stream_maps={"settled_transaction_ledger": {"double": "float(sale_amount) * 2"}}
    )
    without = [
        {name: value for name, value in record.items() if name not in {"double", "report_id"}}
        for record in mapped.records("settled_transaction_ledger")
    ]
    assert without == [
        {name: value for name, value in record.items() if name != "report_id"}
        for record in plain.records("settled_transaction_ledger")
    ]
    assert all("double" in record for record in mapped.records("settled_transaction_ledger"))


SURVIVED: list[tuple[dict[str, Any], int]] = [
    *(
        ({"fault": "rate_limit", "call": call, "retry_after": 3}, 1)
        for call in ("token", "trigger", "detail", "download")
    ),
    *(({"fault": "rate_limit", "call": call}, 1) for call in ("token", "trigger", "detail", "download")),
    *(({"fault": "rate_limit", "call": call, "retry_after": "date"}, 1) for call in ("trigger", "detail")),
    *(({"fault": "server_error", "call": call, "times": 2}, 1) for call in ("token", "trigger", "detail", "download")),
    *(({"fault": "server_error", "call": call, "status": 599}, 1) for call in ("trigger", "detail", "download")),
    *(({"fault": "drop_connection", "call": call}, 1) for call in ("token", "trigger", "detail", "download")),
    *(({"fault": "bad_json", "call": call}, 1) for call in ("token", "detail")),
    *(({"fault": "token_expired", "call": call}, 1) for call in ("trigger", "detail")),
    ({"fault": "rotate_refresh_token"}, 1),
    ({"fault": "failed"}, 2),
    ({"fault": "expired"}, 2),
    ({"fault": "answer_lost"}, 2),
    ({"fault": "slow", "seconds": 5000}, 1),
    ({"fault": "odd_status", "word": "QUEUED", "details": 3}, 1),
    ({"fault": "not_yet_known", "details": 2}, 1),
    ({"fault": "no_location", "times": 2}, 1),
    ({"fault": "dead_link", "times": 2}, 1),
    ({"fault": "dead_link", "times": 3}, 1),
    ({"fault": "dead_link", "times": 20}, 2),
    ({"fault": "cut_download", "bytes": 1000}, 1),
    ({"fault": "cut_chunked", "bytes": 1000}, 1),
    ({"fault": "gzip_encoding"}, 1),
    ({"fault": "gzip_file"}, 1),
    ({"fault": "zip_file"}, 1),
    ({"fault": "bom"}, 1),
    ({"fault": "lf"}, 1),
    ({"fault": "shuffled_columns"}, 1),
    ({"fault": "blank_lines"}, 1),
]


@pytest.mark.parametrize(
    ("fault", "paid"), SURVIVED, ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else ""
)
def test_no_fault_loses_a_row_or_costs_more_than_it_must(bench: Bench, fault: dict[str, Any], paid: int) -> None:
    bench.restart(fault)
    output = bench.run("sales_ledger")
    assert output.error is None
    assert bench.simulator.faults.fired[fault["fault"]] == fault.get("times", 1)
    assert len(bench.bought()) == paid
    truth = bench.simulator.rows("sales_ledger", "acme", OCTOBER_DAYS)
    assert [record["order_item_id"] for record in output.records("sales_ledger")] == [
        row["Order Item ID"] for row in truth
    ]
    assert output.partition("sales_ledger").get("pending") is None


def test_a_seller_whose_token_is_dead_fails_alone(bench: Bench) -> None:
    bench.restart({"fault": "token_dead", "seller_id": "acme"})
    output = bench.run("sales_ledger", "returns_report", sellers=[bench.seller("acme"), bench.seller("bharat")])
    assert isinstance(output.error, WindowsFailedError)
    assert {failure.seller_id for failure in output.error.failures} == {"acme"}
    assert all(isinstance(failure.cause, AuthenticationError) for failure in output.error.failures)
    assert {seller for _, seller, _, _ in bench.bought()} == {"bharat"}
    assert output.partition("sales_ledger", "bharat")["replication_key_value"] == "2026-10-20"
    assert bench.simulator.calls["token", 400] == 1


def test_caps_hold_on_the_servers_side(bench: Bench) -> None:
    bench.restart(generation_seconds=(50.0, 400.0))
    sellers = [bench.seller(name) for name in ("acme", "bharat", "chandra")]
    output = bench.run(
        "orders_report",
        "sales_ledger",
        sellers=sellers,
        window_days=10,
        max_concurrent_reports=5,
        max_concurrent_reports_per_seller=2,
    )
    assert output.error is None
    assert len(bench.bought()) >= 12
    assert bench.simulator.most_in_progress == 5
    assert bench.simulator.most_of_a_seller == 2


def test_reports_in_flight_at_the_end_of_max_wait_are_read_first_by_the_next_run(bench: Bench) -> None:
    bench.restart(generation_seconds=(3600.0, 3600.0))
    first = bench.run("orders_report", "sales_ledger", max_wait=600)
    assert first.error is None
    assert not any(line["type"] == "RECORD" for line in first.lines)
    (pending,) = first.partition("sales_ledger")["pending"]
    assert set(pending) == {"report_id", "from_date", "to_date", "digest"}
    bench.clock.advance(3600)
    second = bench.run("orders_report", "sales_ledger", state=first.state)
    assert len(bench.bought()) == 2
    assert len(second.records("sales_ledger")) == len(bench.simulator.rows("sales_ledger", "acme", OCTOBER_DAYS))
    assert "pending" not in second.partition("sales_ledger")


def test_the_plan_is_what_the_run_then_does(bench: Bench) -> None:
    settings: dict[str, Any] = {"window_days": 5, "warehouse_ids": ["del"]}
    streams = ("sales_ledger", "orders_report", "stock_ledger", "mir_ledger")
    before = bench.tap(*streams, **settings)
    plan = plan_run(before.current_run.wanted, None)
    assert bench.simulator.calls == {}
    before.close()
    bench.run(*streams, **settings)
    planned = [(step.stream, step.from_date, step.to_date) for step in plan.steps if step.buys]
    assert sorted(planned) == sorted((identifier, first, last) for identifier, _, first, last in bench.bought())
    assert plan.document()["triggers"] == len(bench.bought())
    assert "none of its days can be requested yet" in {step.reason for step in plan.steps if step.action == "skip"}


def test_a_plan_under_a_budget_names_what_the_run_then_leaves(bench: Bench) -> None:
    settings: dict[str, Any] = {
        "window_days": 4,
        "max_reports": 7,
        "report_types": {"orders_report": {"max_reports_per_seller": 2}, "sales_ledger": {"max_reports": 3}},
        "sellers": [bench.seller("acme"), bench.seller("bharat")],
        "lookback_days": 0,
    }
    before = bench.tap("sales_ledger", "orders_report", **settings)
    plan = plan_run(before.current_run.wanted, None)
    before.close()
    output = bench.run("sales_ledger", "orders_report", **settings)
    planned = [(step.stream, step.seller_id, step.from_date, step.to_date) for step in plan.steps if step.buys]
    assert sorted(planned) == sorted(bench.bought())
    assert len(planned) == 7
    left = {(step.stream, step.seller_id, step.from_date) for step in plan.steps if step.action == "leave"}
    requests = [left.request for left in output.tap.current_run.deferred]
    assert left == {(request.stream, request.seller_id, str(request.window.first)) for request in requests}
    assert plan.over_budget == len(left) == 13


def test_the_budget_of_a_run_holds_and_the_next_run_buys_the_rest(bench: Bench) -> None:
    settings: dict[str, Any] = {"window_days": 5, "max_reports": 3}
    first = bench.run("sales_ledger", **settings)
    assert first.error is None
    assert len(bench.bought()) == 3
    second = bench.run("sales_ledger", state=first.state, **settings)
    assert len(bench.bought()) == len(set(bench.bought())) == 4
    assert second.partition("sales_ledger")["replication_key_value"] == "2026-10-20"


def test_what_the_budget_deferred_is_bought_first_by_the_next_run(bench: Bench) -> None:
    settings: dict[str, Any] = {"start_date": "2026-11-01", "end_date": "2026-12-31", "window_days": 5}
    first = bench.run("sales_ledger", max_reports=1, **settings)
    assert bench.bought() == [("sales_ledger", "acme", "2026-11-21", "2026-11-21")]
    assert first.partition("sales_ledger")["unbought"] == [["2026-11-01", "2026-11-20"]]
    bench.clock.advance(86_400)
    second = bench.run("sales_ledger", state=first.state, max_reports=4, **settings)
    assert [window[2:] for window in bench.bought()[1:]] == [
        ("2026-11-01", "2026-11-05"),
        ("2026-11-06", "2026-11-10"),
        ("2026-11-11", "2026-11-15"),
        ("2026-11-16", "2026-11-20"),
    ]
    assert second.partition("sales_ledger")["replication_key_value"] == "2026-11-21"
    assert second.partition("sales_ledger")["unbought"] == [["2026-11-22", "2026-11-22"]]


def test_a_repair_reads_the_named_days_again_and_moves_no_bookmark(bench: Bench) -> None:
    sellers = [bench.seller("acme"), bench.seller("bharat")]
    first = bench.run("sales_ledger", "orders_report", sellers=sellers)
    bought = len(bench.bought())
    repair = [{"stream": "sales_ledger", "from_date": "2026-10-03", "to_date": "2026-10-05", "seller_id": "acme"}]
    second = bench.run("sales_ledger", "orders_report", state=first.state, sellers=sellers, repair=repair)
    assert bench.bought()[bought:] == [("sales_ledger", "acme", "2026-10-03", "2026-10-05")]
    truth = bench.simulator.rows("sales_ledger", "acme", {"from_date": "2026-10-03", "to_date": "2026-10-05"})
    assert len(second.records("sales_ledger")) == len(truth) > 0
    for stream in ("sales_ledger", "orders_report"):
        for seller in ("acme", "bharat"):
            assert second.partition(stream, seller) == first.partition(stream, seller)


def test_a_repair_that_failed_is_in_the_ledger_with_the_word_that_no_other_run_asks_for_it(
    bench: Bench, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.db"
    bench.restart({"fault": "zero_bytes", "nth": 2})
    first = bench.run("returns_report", report_ledger=str(ledger))
    bench.clock.advance(24 * 3600)
    repair = [{"stream": "returns_report", "from_date": "2026-10-05", "to_date": "2026-10-06"}]
    bench.run("returns_report", state=first.state, repair=repair, report_ledger=str(ledger))
    with closing(sqlite3.connect(ledger)) as connection:
        (cause,) = connection.execute("select cause from flipkart_reports_failures").fetchone()
    assert cause == "the file is empty: zero bytes; only the same repair asks for it again"


def test_days_that_the_budget_of_a_repair_defers_are_not_owed_by_the_next_run(bench: Bench) -> None:
    state = bench.run("sales_ledger", window_days=10).state
    repair = [{"stream": "sales_ledger", "from_date": "2026-10-01", "to_date": "2026-10-20"}]
    cut = bench.run("sales_ledger", window_days=10, state=state, repair=repair, max_reports=1)
    assert len(cut.tap.current_run.deferred) == 1
    assert cut.partition("sales_ledger") == state["bookmarks"]["sales_ledger"]["partitions"][0]
    bought = len(bench.bought())
    assert bench.run("sales_ledger", window_days=10, state=cut.state).error is None
    assert len(bench.bought()) == bought


class BreakingClock(VirtualClock):
    """Time in which a ledger's table goes away."""

    def __init__(self, ledger: Path, *, after: float) -> None:
        super().__init__()
        self._ledger = ledger
        self._after = after

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        super().wait(condition, seconds)
        if self.monotonic() >= self._after:
            self._after = math.inf
            with closing(sqlite3.connect(self._ledger)) as database:
                database.execute("alter table flipkart_reports rename to away")


@pytest.mark.parametrize("has_batches", [False, True], ids=["records", "batch files"])
def test_a_ledger_that_breaks_ends_the_run_and_fails_no_window(
    bench: Bench, tmp_path: Path, *, has_batches: bool
) -> None:
    ledger = tmp_path / "ledger.db"
    batches = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    settings: dict[str, Any] = {"batch_config": batches} if has_batches else {}
    bench.clock = BreakingClock(ledger, after=2)
    bench.restart(generation_seconds=(60.0, 60.0))
    output = bench.run("sales_ledger", window_days=5, max_concurrent_reports=2, report_ledger=str(ledger), **settings)
    assert isinstance(output.error, LedgerError)
    assert output.tap.current_run.failures.all == []
    assert len(bench.bought()) == len(output.partition("sales_ledger")["pending"]) == 2


def test_a_repair_that_was_cut_short_is_not_paid_for_again(bench: Bench) -> None:
    first = bench.run("sales_ledger")
    bench.restart(generation_seconds=(3600.0, 3600.0))
    repair = [{"stream": "sales_ledger", "from_date": "2026-10-03", "to_date": "2026-10-05"}]
    second = bench.run("sales_ledger", state=first.state, repair=repair, max_wait=60)
    assert second.partition("sales_ledger")["pending"][0]["repair"] is True
    bench.clock.advance(3600)
    normal = bench.run("sales_ledger", state=second.state)
    assert normal.records("sales_ledger") == []
    third = bench.run("sales_ledger", state=normal.state, repair=repair)
    assert len(third.records("sales_ledger")) > 0
    assert len(bench.bought()) == 1
    assert third.partition("sales_ledger") == first.partition("sales_ledger")


def test_a_repair_of_a_summary_reads_the_whole_month_of_its_days(bench: Bench) -> None:
    repair = [{"stream": "gst_returns_report", "from_date": "2026-09-10", "to_date": "2026-09-11"}]
    bench.run("gst_returns_report", repair=repair)
    assert bench.bought() == [("gst_returns_report", "acme", "2026-09-01", "2026-09-30")]


def test_a_repair_of_a_stream_that_is_not_selected_is_refused(bench: Bench) -> None:
    repair = [{"stream": "sales_ledger", "from_date": "2026-10-03", "to_date": "2026-10-05"}]
    output = bench.run("orders_report", repair=repair)
    assert "repair names sales_ledger, which the catalog does not select" in str(output.error)
    assert bench.bought() == []


def test_a_run_can_be_narrowed_to_some_sellers_and_report_types(bench: Bench) -> None:
    streams = ["orders_report", "settled_transaction_ledger", "settled_transaction_ledger_tds"]
    sellers = [bench.seller("acme"), bench.seller("bharat")]
    whole = bench.run(*streams, sellers=sellers)
    bench.restart()
    sellers = [bench.seller("acme"), bench.seller("bharat")]
    output = bench.run(
        *streams, sellers=sellers, only_sellers=["bharat"], only_report_types=["settled_transaction_ledger"]
    )
    assert bench.bought() == [("settled_transaction_ledger", "bharat", "2026-10-01", "2026-10-20")]
    assert output.records("orders_report") == []
    for stream in streams[1:]:
        assert output.schemas(stream) != []
        assert output.partition(stream, "bharat") == whole.partition(stream, "bharat")
        assert [partition["context"] for partition in output.state["bookmarks"][stream]["partitions"]] == [
            {"seller_id": "bharat"}
        ]


def test_a_run_narrowed_to_a_report_type_that_is_not_selected_is_refused(bench: Bench) -> None:
    output = bench.run("orders_report", only_report_types=["sales_ledger"])
    assert "only_report_types names sales_ledger, which the catalog does not select" in str(output.error)
    assert bench.bought() == []


def test_a_run_ends_with_plain_words_and_metrics(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    bench.restart({"fault": "failed"}, {"fault": "zero_bytes", "identifier": "orders_report", "nth": 2})
    sellers = [bench.seller("acme"), bench.seller("bharat")]
    output = bench.run("sales_ledger", "orders_report", sellers=sellers, max_concurrent_reports=1)
    orders = len(output.records("orders_report"))
    sales = len(output.records("sales_ledger"))
    for line in (
        f"orders_report: 3 bought (1 of them again), 1 window loaded with {orders} rows, 1 window failed.",
        f"sales_ledger: 2 bought, 2 windows loaded with {sales} rows.",
        f"In all: 5 bought (1 of them again), 3 windows loaded with {orders + sales} rows, 1 window failed.",
    ):
        assert line in caplog.messages
    assert sum(message.startswith("seller ") for message in caplog.messages) == 2
    points = [
        json.loads(message.removeprefix("METRIC: ")) for message in caplog.messages if message.startswith("METRIC: ")
    ]
    values = {(point["metric"], point["tags"].get("stream")): point["value"] for point in points}
    assert values["flipkart_reports_failed", "orders_report"] == 1
    assert values["flipkart_reports_retriggered", "orders_report"] == 1
    assert values["flipkart_reports_rows", "sales_ledger"] == sales
    assert sum(point["metric"] == "flipkart_report_generation_time" for point in points) == 4


def test_a_changed_header_is_reported_with_its_fingerprint_which_the_ledger_keeps_with_the_rows(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = tmp_path / "ledger.db"
    bench.restart(
        {"fault": "extra_column", "header": "Carbon Footprint (kg)", "nth": 2},
        {"fault": "ragged_row", "row": 2, "cells": 4},
    )
    settings: dict[str, Any] = {"window_days": 10, "max_concurrent_reports": 1, "bad_rows": "skip"}
    output = bench.run("orders_report", report_ledger=str(ledger), **settings)
    with closing(sqlite3.connect(ledger)) as connection:
        chosen = "select rows, rejected, fingerprints, drift from flipkart_reports order by from_date"
        booked = connection.execute(chosen).fetchall()
    (rows, rejected, fingerprint, drift), (other_rows, others, other_fingerprint, other_drift) = booked
    assert {drift, other_drift} == {None, "orders_report has new columns Carbon Footprint (kg)"}
    assert rows + other_rows == len(output.records("orders_report"))
    assert sorted([rejected, others]) == [0, 1]
    assert fingerprint != other_fingerprint
    (told,) = [message for message in caplog.messages if "has new columns Carbon Footprint (kg)" in message]
    assert any(f"(header {kept})" in told for kept in (fingerprint, other_fingerprint))
    assert "1 row skipped" in "".join(output.tap.current_run.summary.lines())


@pytest.mark.parametrize(("stream", "level"), [("fbf_orders_report", logging.INFO), ("orders_report", logging.WARNING)])
def test_new_columns_are_a_warning_where_columns_are_known(
    bench: Bench, caplog: pytest.LogCaptureFixture, stream: str, level: int
) -> None:
    caplog.set_level(logging.INFO, logger="tap-flipkart-reports")
    bench.restart({"fault": "extra_column", "header": "Colour"})
    bench.run(stream)
    assert {record.levelno for record in caplog.records if "has new columns" in record.getMessage()} == {level}


def test_the_ledger_keeps_why_a_window_failed_once_for_all_streams_until_it_is_read(
    bench: Bench, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.db"
    streams = "sales_ledger", "sales_ledger_cash_back"
    bench.restart({"fault": "zero_bytes"}, {"fault": "token_dead", "seller_id": "bharat"})
    sellers = [bench.seller("acme"), bench.seller("bharat")]

    def causes() -> list[tuple[str, str | None, str]]:
        with closing(sqlite3.connect(ledger)) as connection:
            chosen = "select stream, report_id, cause from flipkart_reports_failures order by seller_id"
            return connection.execute(chosen).fetchall()

    first = bench.run(*streams, report_ledger=str(ledger), sellers=sellers, max_concurrent_reports=1)
    (acme, bharat) = causes()
    (trigger,) = bench.simulator.triggers
    assert acme == ("sales_ledger", trigger.report_id, "the file is empty: zero bytes")
    assert bharat[:2] == ("sales_ledger", None)
    assert "credentials of seller bharat were refused" in bharat[2]
    assert isinstance(first.error, WindowsFailedError)
    assert len(first.error.failures) == 4  # each for two streams
    bench.run(*streams, report_ledger=str(ledger), sellers=sellers[:1], given_up_reports=[trigger.report_id])
    assert causes() == [bharat]


def test_with_a_ledger_a_lost_state_costs_nothing(bench: Bench, tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger.db")
    bench.run("sales_ledger", report_ledger=ledger)
    again = bench.run("sales_ledger", report_ledger=ledger)
    assert len(bench.bought()) == 1
    assert len(again.records("sales_ledger")) == len(bench.simulator.rows("sales_ledger", "acme", OCTOBER_DAYS))


def test_custom_reports_are_streams_by_settings_alone(bench: Bench) -> None:
    output = bench.run(
        "profit_and_loss",
        custom_reports=[
            {
                "name": "profit_and_loss",
                "identifier": "profit_and_loss_report",
                "window": "days",
                "key_properties": ["order_item_id"],
            }
        ],
    )
    truth = bench.simulator.rows("profit_and_loss_report", "acme", OCTOBER_DAYS)
    records = output.records("profit_and_loss")
    assert [record["order_item_id"] for record in records] == [row["Order Item ID"] for row in truth]
    assert records[0]["net_earnings_inr"] == truth[0]["Net Earnings (INR)"]
    assert all(
        schema["properties"]["order_item_id"]["type"] == ["string"] for schema in output.schemas("profit_and_loss")
    )


PROFIT_AND_LOSS = {"profit_and_loss": {"identifier": "profit_and_loss_report"}}


def test_profit_and_loss_takes_its_identifier_and_has_both_tables_typed(bench: Bench) -> None:
    bench.restart(file_format="xlsx")
    streams = ("profit_and_loss", "profit_and_loss_orders")
    september = {"from_date": "2026-09-01", "to_date": "2026-09-30"}
    output = bench.run(
        *streams, report_types=PROFIT_AND_LOSS, start_date=september["from_date"], end_date=september["to_date"]
    )
    assert output.error is None
    assert bench.bought() == [("profit_and_loss_report", "acme", *september.values())]
    for stream, title, column, header in (
        (streams[0], "SKU-level P&L", "earnings_per_unit", "Earnings per unit (INR)"),
        (streams[1], "Orders P&L", "net_earnings", "Net Earnings (INR)"),
    ):
        truth = bench.simulator.rows("profit_and_loss_report", "acme", september, table=title)
        records = output.records(stream)
        earnings = [Decimal(row[header].replace(",", "")) if row[header] != "NA" else None for row in truth]
        assert [record[column] for record in records] == earnings
        assert {record["_extra"] for record in records} == {record["_unparsed"] for record in records} == {None}


def test_profit_and_loss_is_not_a_stream_before_its_identifier_is_known(bench: Bench) -> None:
    catalog = {stream["tap_stream_id"] for stream in bench.tap().catalog_dict["streams"]}
    known = {stream["tap_stream_id"] for stream in bench.tap(report_types=PROFIT_AND_LOSS).catalog_dict["streams"]}
    assert known - catalog == {"profit_and_loss", "profit_and_loss_orders"}


def test_parameters_and_identifiers_can_be_overridden(bench: Bench) -> None:
    overrides = {"stranded_inventory_report": {"parameters": {"warehouse_id": "{warehouse_id}"}}}
    output = bench.run("stranded_inventory_report", report_types=overrides, warehouse_ids=["del", "kol"])
    assert output.error is None
    assert {str(trigger.parameters) for trigger in bench.simulator.triggers} == {
        "{'warehouse_id': 'del'}",
        "{'warehouse_id': 'kol'}",
    }
    assert {record["warehouse_id"] for record in output.records("stranded_inventory_report")} <= {"del", "kol"}


def test_each_trigger_has_a_correlation_id_of_its_own_that_the_log_names(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench.run("sales_ledger", window_days=10)
    correlation_ids = {trigger.correlation_id for trigger in bench.simulator.triggers}
    assert len(correlation_ids) == 2
    for trigger in bench.simulator.triggers:
        about = [line for line in caplog.messages if trigger.report_id in line and "scheduler" not in line]
        assert any(str(trigger.correlation_id) in line for line in about)


def test_a_broken_state_is_named_in_one_sentence(bench: Bench) -> None:
    state = {
        "bookmarks": {
            "sales_ledger": {"partitions": [{"context": {"seller_id": "acme"}, "replication_key_value": "yesterday"}]}
        }
    }
    output = bench.run("sales_ledger", state=state)
    assert isinstance(output.error, SettingsError)
    assert "the state of sales_ledger" in str(output.error)
    assert bench.bought() == []


@pytest.mark.parametrize("fault", ["failed", "expired"])
def test_a_report_that_never_comes_fails_after_three_attempts_and_says_what_they_cost(
    bench: Bench, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench.restart({"fault": fault, "times": 9})
    output = bench.run("sales_ledger")
    assert "3 times over" in str(output.error)
    assert len(bench.bought()) == 3
    assert sum("paid for again" in message for message in caplog.messages) == 2


def test_no_secret_and_no_link_shows_where_everything_fails(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    bench.restart(
        {"fault": "rotate_refresh_token"},
        {"fault": "token_expired", "call": "detail", "every": 5},
        {"fault": "server_error", "call": "trigger", "every": 3},
        {"fault": "dead_link", "every": 2},
        {"fault": "cut_download", "every": 3},
        {"fault": "drop_connection", "call": "download", "every": 4},
        {"fault": "failed", "every": 4},
        {"fault": "html_page", "every": 5},
    )
    output = bench.run("sales_ledger", "orders_report", "returns_report", window_days=4)
    text = "\n".join([repr(output.lines), repr(output.error), repr(output.tap.settings), *caplog.messages])
    assert len(bench.simulator.secrets) > 10
    for secret in bench.simulator.secrets:
        assert secret not in text
    assert "x_secret_key" not in text


def test_a_refusal_for_good_is_not_repeated(bench: Bench) -> None:
    output = bench.run("sales_ledger", report_types={"sales_ledger": {"identifier": "sales_ledger_v9"}})
    assert "no report type sales_ledger_v9" in str(output.error)
    assert bench.simulator.calls["trigger", 404] == 1


def test_hold_back_keeps_off_the_newest_days(bench: Bench) -> None:
    bench.run("sales_ledger", start_date="2026-11-15", end_date="2026-12-31")
    assert bench.bought() == [("sales_ledger", "acme", "2026-11-15", "2026-11-21")]
    day = bench.clock.now() + timedelta(hours=5, minutes=30)
    assert day.date().isoformat() == "2026-11-24"
