"""Records that go out in whole batches are the very records that the SDK's own loop would have written.

This module also runs on the SDK's newest release: `uv run just sdk-next`.
"""

from __future__ import annotations

import gzip
import io
import json
import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet
from singer_sdk import Stream

from tap_flipkart_reports.exceptions import OutputError, SettingsError
from tap_flipkart_reports.streams import ReportStream
from tap_flipkart_reports.sync.batch_files import JsonLinesFile
from tap_flipkart_reports.sync.parquet_columns import ParquetColumns

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.bench import Bench, Output

    Change = Callable[[dict[str, Any]], None]

STREAM = "orders_report"
FEW = 3
"""Orders a day: the SDK's loop is slow."""


def told(output: Output) -> list[dict[str, Any]]:
    """All messages, digit by digit, without what differs from run to run."""
    text = re.sub(r"\bR-\w+", "R-", json.dumps(output.lines, default=str))
    lines: list[dict[str, Any]] = json.loads(text)
    for line in lines:
        line.pop("time_extracted", None)
        for bookmark in line.get("value", {}).get("bookmarks", {}).values():
            bookmark.pop("generation_milliseconds", None)
    return lines


def without_spaced_states(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without STATE messages but the last: how many there are depends on the bytes that were written."""
    last = max(number for number, line in enumerate(lines) if line["type"] == "STATE")
    return [line for number, line in enumerate(lines) if line["type"] != "STATE" or number == last]


def records_of(output: Output, stream: str = STREAM) -> list[dict[str, Any]]:
    return [line["record"] for line in told(output) if line["type"] == "RECORD" and line["stream"] == stream]


def deselected(*columns: str) -> Change:
    def change(entry: dict[str, Any]) -> None:
        for metadata in entry["metadata"]:
            if metadata["breadcrumb"][1:] in [[column] for column in columns]:
                metadata["metadata"]["selected"] = False

    return change


def without(*columns: str) -> Change:
    def change(entry: dict[str, Any]) -> None:
        for column in columns:
            del entry["schema"]["properties"][column]

    return change


def changed_catalog(bench: Bench, stream: str, change: Change) -> dict[str, Any]:
    catalog: dict[str, Any] = json.loads(bench.tap(stream).catalog_json_text)
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if metadata["breadcrumb"] == []:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] == stream
        if entry["tap_stream_id"] == stream:
            change(entry)
    return catalog


# In batches


def both(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, stream: str, *faults: dict[str, Any], **options: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is told in batches, and what by the SDK's own loop."""
    bench.restart(*faults, orders_per_day=FEW)
    in_batches = without_spaced_states(told(bench.run(*([] if "catalog" in options else [stream]), **options)))
    with monkeypatch.context() as patch:
        patch.setattr(ReportStream, "_sync_records", Stream._sync_records)  # noqa: SLF001 - the method at issue
        bench.restart(*faults, orders_per_day=FEW)
        one_by_one = without_spaced_states(told(bench.run(*([] if "catalog" in options else [stream]), **options)))
    assert sum(line["type"] == "RECORD" for line in in_batches) > 0
    return in_batches, one_by_one


@pytest.mark.parametrize(
    ("stream", "faults"),
    [
        ("orders_report", []),
        ("sales_ledger", []),
        ("stock_ledger", []),
        ("current_inventory_report", []),
        ("gst_returns_report", []),
        ("orders_report", [{"fault": "bad_cell", "row": 2, "header": "quantity", "text": "many"}]),
        ("orders_report", [{"fault": "extra_column", "header": "Carbon Footprint (kg)", "nth": 2}]),
        ("orders_report", [{"fault": "zero_bytes", "nth": 2}]),
        ("orders_report", [{"fault": "header_only"}]),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(fault["fault"] for fault in value),
)
def test_batches_hold_the_records_of_the_sdks_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, stream: str, faults: list[dict[str, Any]]
) -> None:
    settings: dict[str, Any] = {
        "start_date": "2026-09-01",
        "end_date": "2026-12-31",  # snapshots are of today
        "window_days": 20,
        "warehouse_ids": ["del", "kol"],
        "sellers": [bench.seller("acme"), bench.seller("bharat")],
        "max_concurrent_reports": 1,
    }
    in_batches, one_by_one = both(bench, monkeypatch, stream, *faults, **settings)
    assert in_batches == one_by_one


@pytest.mark.parametrize(
    "change",
    [
        deselected("product_title", "quantity"),
        deselected("report_id", "report_to_date", "_extra", "_unparsed"),
        without("product_title", "quantity"),
        without("report_id", "report_from_date", "_extra", "_unparsed"),
    ],
    ids=["deselected", "own columns deselected", "not in the catalog", "own columns not in the catalog"],
)
def test_columns_that_nobody_wants_stay_out_as_in_the_sdks_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    catalog = changed_catalog(bench, STREAM, change)
    in_batches, one_by_one = both(bench, monkeypatch, STREAM, catalog=catalog)
    assert in_batches == one_by_one
    (record, *_) = [line["record"] for line in in_batches if line["type"] == "RECORD"]
    (schema,) = [line["schema"] for line in in_batches if line["type"] == "SCHEMA"]
    assert set(record) == set(schema["properties"])


def test_a_run_from_an_earlier_state_is_the_same_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    state = bench.run(STREAM, end_date="2026-10-10").state
    in_batches, one_by_one = both(bench, monkeypatch, STREAM, state=state)
    assert in_batches == one_by_one


MAPS: dict[str, dict[str, Any]] = {
    "a constant": {"stream_maps": {STREAM: {"source": "'flipkart'"}}},
    "any type": {
        "stream_maps": {
            STREAM: {
                "moment": "datetime.datetime.fromisoformat('2026-10-01T10:00:00+05:30')",
                "day": "datetime.date.fromisoformat('2026-10-01')",
                "half": "float(0.5)",
                "big": "10 ** 30",
                "hash": "md5(order_item_id)",
                "is_large": "quantity > 1",
                "parts": "[report_id, order_item_id]",
                "all": "record",
            }
        }
    },
    "only big numbers": {"stream_maps": {STREAM: {"big": "10 ** 30", "_extra": None, "_unparsed": None}}},
    "all else removed": {
        "stream_maps": {STREAM: {"order_item_id": "order_item_id", "__else__": None, "__key_properties__": []}}
    },
    "a filter and another name": {"stream_maps": {STREAM: {"__alias__": "orders", "__filter__": "quantity > 1"}}},
    "a copy beside it": {"stream_maps": {STREAM: {}, "items": {"__source__": STREAM, "twice": "2 * quantity"}}},
    "flattening": {"flattening_enabled": True, "flattening_max_depth": 1, "schema_drift": "extra"},
}


@pytest.mark.parametrize("settings", MAPS.values(), ids=MAPS)
def test_mapped_records_are_those_of_the_sdks_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    faults = [{"fault": "extra_column", "header": "Carbon Footprint (kg)", "nth": 2}]
    catalog = changed_catalog(bench, STREAM, deselected("product_title"))
    options = {"catalog": catalog, "window_days": 10, "max_concurrent_reports": 1, **settings}
    in_batches, one_by_one = both(bench, monkeypatch, STREAM, *faults, **options)
    assert in_batches == one_by_one


def test_stream_maps_see_a_column_that_a_file_has_brought(bench: Bench) -> None:
    bench.restart({"fault": "extra_column", "header": "Carbon Footprint (kg)", "nth": 2})
    maps = {STREAM: {"source": "'flipkart'"}}
    output = bench.run(STREAM, window_days=10, max_concurrent_reports=1, stream_maps=maps)
    *_, schema = output.schemas(STREAM)
    assert {"source", "carbon_footprint_kg"} <= set(schema["properties"])
    told = {record.get("carbon_footprint_kg") for record in output.records(STREAM)}
    assert any(told)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("1 +", "stream_maps cannot be used: Failed to parse expression 1 +"),
        ("nowhere > 5", "stream_maps cannot be applied to orders_report, row 1 of report R-.*'nowhere' is not defined"),
        ("sku + 1", "stream_maps cannot be applied to orders_report, row 1 of report R-.*TypeError"),
    ],
)
def test_a_stream_map_that_cannot_be_applied_is_named(bench: Bench, expression: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        bench.tap(STREAM, stream_maps={STREAM: {"odd": expression}}).run()


def test_what_was_bought_under_a_wrong_stream_map_is_read_once_it_is_right(bench: Bench) -> None:
    failed = bench.run(STREAM, stream_maps={STREAM: {"odd": "nowhere > 5"}}, window_days=10, max_concurrent_reports=1)
    assert isinstance(failed.error, SettingsError)
    bought = bench.bought()
    assert bought
    cured = bench.run(STREAM, state=failed.state, window_days=10, max_concurrent_reports=1)
    assert cured.error is None
    assert len(records_of(cured)) > 0
    assert len(set(bench.bought())) == len(bench.bought())
    assert bench.bought()[: len(bought)] == bought


# What the SDK does with records


def test_a_stream_map_sees_decimals_and_changes_what_it_says(bench: Bench) -> None:
    plain = records_of(bench.run("settled_transaction_ledger"), "settled_transaction_ledger")
    mapped = bench.run(
        "settled_transaction_ledger",
        stream_maps={
            "settled_transaction_ledger": {
                "__alias__": "payouts",
                "__filter__": "sale_amount > 500",
                "whole": "str(sale_amount)",
                "neft_id": None,
                "__key_properties__": ["seller_id", "order_item_id"],
            }
        },
    )
    assert records_of(mapped, "payouts") == [
        {name: value for name, value in record.items() if name != "neft_id"} | {"whole": record["sale_amount"]}
        for record in plain
        if Decimal(record["sale_amount"]) > 500
    ]


def test_a_dropped_stream_and_flattening_are_the_sdks_affair(bench: Bench) -> None:
    dropped = bench.run(STREAM, stream_maps={STREAM: None})
    assert records_of(dropped) == []
    bench.restart(*[{"fault": "extra_column", "header": "Carbon Footprint (kg)", "nth": nth} for nth in (1, 2)])
    plain = records_of(bench.run(STREAM, schema_drift="extra"))
    flat = records_of(bench.run(STREAM, schema_drift="extra", flattening_enabled=True, flattening_max_depth=1))
    assert len(flat) == len(plain) > 0
    for flattened, record in zip(flat, plain, strict=True):
        extra = json.loads(flattened.pop("_extra"))
        assert extra == record.pop("_extra")
        assert flattened.pop("_unparsed") in {None, "null"}
        assert record.pop("_unparsed") is None
        assert flattened == record


def batch_config(folder: Path, encoding: str, **options: Any) -> dict[str, Any]:
    compression = "gzip" if encoding == "jsonl" else "none"
    return {
        "encoding": {"format": encoding, "compression": compression},
        "storage": {"root": folder.as_uri()},
        **options,
    }


@pytest.mark.parametrize("encoding", ["jsonl", "parquet"])
def test_a_batch_file_that_cannot_be_written_is_named_and_its_report_stays_bought(
    bench: Bench, tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    refused = bench.run("sales_ledger", batch_config=batch_config(tmp_path / "file" / "batch", encoding))
    assert isinstance(refused.error, OutputError)
    assert "BATCH file tap-flipkart-reports--sales_ledger-" in str(refused.error)
    assert str(refused.error).endswith("check the storage of batch_config, its permissions and its space")
    bought = len(bench.bought())
    again = bench.run("sales_ledger", state=refused.state, batch_config=batch_config(tmp_path, encoding))
    assert again.error is None
    assert len(bench.bought()) == bought
    assert batched(again)["sales_ledger"]


def batched(output: Output) -> dict[str, list[dict[str, Any]]]:
    """The records of all BATCH files by stream, digit by digit."""
    records: dict[str, list[dict[str, Any]]] = {}
    for line in output.lines:
        for address in line.get("manifest", ()):
            path = Path(urlsplit(address).path)
            if line["encoding"]["format"] == "jsonl":
                text = gzip.decompress(path.read_bytes()).splitlines()
                rows = [json.loads(row, parse_float=Decimal) for row in text]
            else:
                rows = parquet.read_table(path).to_pylist()
            records.setdefault(line["stream"], []).extend(rows)
    return records


def comparable(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Values as what they are worth, without the ids of reports."""
    return [{name: worth(value) for name, value in record.items() if name != "report_id"} for record in records]


def worth(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: text for name, text in value.items() if text is not None}
    return Decimal(value) if isinstance(value, int | float | Decimal) else value


FILE_MAPS: dict[str, dict[str, Any]] = {
    "none": {},
    "a constant and a filter": {"stream_maps": {STREAM: {"source": "'flipkart'", "__filter__": "quantity > 1"}}},
    "two streams of one": {"stream_maps": {STREAM: {}, "items": {"__source__": STREAM, "twice": "2 * quantity"}}},
    "another name": {"stream_maps": {STREAM: {"__alias__": "orders", "product_title": None}}},
}


@pytest.mark.parametrize("encoding", ["jsonl", "parquet"])
@pytest.mark.parametrize("maps", FILE_MAPS)
def test_batch_files_hold_the_records_of_the_messages(bench: Bench, tmp_path: Path, encoding: str, maps: str) -> None:
    faults = [{"fault": "extra_column", "header": "Carbon Footprint (kg)", "nth": 2}]
    catalog = changed_catalog(bench, STREAM, deselected("return_reason"))
    options: dict[str, Any] = {"catalog": catalog, "window_days": 10, "max_concurrent_reports": 1, **FILE_MAPS[maps]}
    bench.restart(*faults, orders_per_day=FEW)
    plain = bench.run(**options)
    bench.restart(*faults, orders_per_day=FEW)
    files = batched(bench.run(**options, batch_config=batch_config(tmp_path, encoding, batch_size=100)))
    streams = {line["stream"] for line in plain.lines if line["type"] == "RECORD"}
    assert streams == set(files)
    for stream in streams:
        records = [line["record"] for line in plain.lines if line["type"] == "RECORD" and line["stream"] == stream]
        assert comparable(files[stream]) == comparable(records)


@pytest.mark.parametrize("has_isal", [True, False])
@given(pieces=st.lists(st.binary(max_size=200), max_size=20), times=st.sampled_from([1, 700]))
def test_lines_are_compressed_to_gzip_with_isal_and_without(pieces: list[bytes], times: int, *, has_isal: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not has_isal:
            patch.setattr("tap_flipkart_reports.sync.batch_files.find_spec", lambda _name: None)
        file = JsonLinesFile(lambda columns: b"".join(columns["lines"]), is_compressed=True)
        for piece in pieces:
            assert file.add({"lines": [piece] * times})
        out = io.BytesIO()
        file.close(out)
    assert gzip.decompress(out.getvalue()) == b"".join(piece * times for piece in pieces)


def test_parquet_has_exact_decimals_days_and_moments(bench: Bench, tmp_path: Path) -> None:
    output = bench.run("sales_ledger", batch_config=batch_config(tmp_path, "parquet"))
    (address,) = [address for line in output.lines for address in line.get("manifest", ())]
    schema = parquet.read_schema(Path(urlsplit(address).path))
    assert str(schema.field("taxable_value").type) == "decimal128(38, 10)"
    assert str(schema.field("report_from_date").type) == "date32[day]"
    assert str(schema.field("order_date").type) in {"timestamp[us, tz=UTC]", "date32[day]"}
    assert str(schema.field("report_row_number").type) == "int64"


@example(["322825881530176908440721180914591", "12.50"])
@example(["1.8860366315E+31"])
@given(st.lists(st.none() | st.decimals(allow_nan=False, allow_infinity=False).map(str), min_size=1, max_size=20))
def test_numbers_of_any_size_are_exact_in_parquet(texts: list[str | None]) -> None:
    columns = ParquetColumns({"amount": {"type": ["number", "null"]}})
    columns.add({"amount": texts})
    file = io.BytesIO()
    columns.write(file, compression="snappy")
    read = parquet.read_table(file).to_pylist()
    assert [None if row["amount"] is None else Decimal(row["amount"]) for row in read] == [
        None if text is None else Decimal(text) for text in texts
    ]


def test_no_record_of_a_batch_file_is_a_dictionary_on_the_way(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReportStream, "get_records", None)
    for encoding in ("jsonl", "parquet"):
        output = bench.run("sales_ledger", batch_config=batch_config(tmp_path, encoding))
        assert len(batched(output)["sales_ledger"]) > 0


def test_a_state_knows_of_purchases_at_once_and_of_no_window_whose_rows_are_in_no_batch_file_yet(
    bench: Bench, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"window_days": 5, "max_concurrent_reports": 1}
    output = bench.run(
        STREAM, "returns_report", batch_config=batch_config(tmp_path, "jsonl", batch_size=100_000), **settings
    )
    known: list[list[int]] = [[]]
    for line in output.lines:
        if line["type"] == "BATCH":
            known.append([])
        elif line["type"] == "STATE" and len(known) <= 2:
            bookmark = line["value"]["bookmarks"].get((STREAM, "returns_report")[len(known) - 1], {})
            for partition in bookmark.get("partitions", ()):
                assert not {"replication_key_value", "finished"} & partition.keys()
                known[-1].append(len(partition["pending"]))
    assert len(known) == 3
    assert [max(each) for each in known[:2]] == [3, 3]  # the fourth is bought while rows wait for the end of a file


def test_batch_files_of_a_window_that_fails_half_way_do_not_move_the_bookmark(bench: Bench, tmp_path: Path) -> None:
    bench.restart({"fault": "ragged_row", "row": 5, "cells": 200, "nth": 2})
    output = bench.run(
        STREAM,
        window_days=10,
        max_concurrent_reports=1,
        batch_config={
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": tmp_path.as_uri()},
            "batch_size": 2,
        },
    )
    assert output.error is not None
    assert "2026-10-01 to 2026-10-10" in str(output.error)
    assert "replication_key_value" not in output.partition(STREAM)
