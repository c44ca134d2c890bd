"""Objects as JSON text and amounts as Singer decimals: the same values in forms that targets keep, on every way out."""

from __future__ import annotations

import gzip
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from pyarrow import parquet
from singer_sdk import Stream
from support.programs import ROOT

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.table_schema import table_schema
from tap_flipkart_reports.streams import ReportStream
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from support.bench import Bench, Output

PAGE = ROOT / "docs" / "targets.md"
STREAM = "sales_ledger"
AS_TEXT: dict[str, Any] = {"object_columns": "json_text", "use_singer_decimal": True}
ODD = 'बहुत, "सारे"\nऔर \\ भी'
AMOUNTS = {name for name, schema in table_schema(STREAM).properties.items() if "number" in schema["type"]}
OBJECTS = {"_extra", "_unparsed"}


def serve_odd_files(bench: Bench) -> None:
    """Files with a cell that does not fit and a column that nobody knows, in words that are hard to quote."""
    bench.restart(
        {"fault": "bad_cell", "row": 2, "header": "Item Quantity", "text": ODD, "every": 1},
        {"fault": "extra_column", "header": "मूल्य (नया)", "every": 1},
    )


def rows_of(output: Output) -> list[dict[str, Any]]:
    """The records of the messages, or of the BATCH files that they name, without what differs from run to run."""
    rows = output.records(STREAM)
    for line in output.lines:
        for address in line.get("manifest", ()):
            path = Path(urlsplit(address).path)
            if line["encoding"]["format"] == "parquet":
                rows += parquet.read_table(path).to_pylist()
            else:
                text = gzip.decompress(path.read_bytes()).splitlines()
                rows += [json.loads(row, parse_float=Decimal) for row in text]
    return [{name: value for name, value in row.items() if name != "report_id"} for row in rows]


def batches(folder: Path, encoding: str, compression: str) -> dict[str, Any]:
    return {
        "batch_config": {
            "encoding": {"format": encoding, "compression": compression},
            "storage": {"root": folder.as_uri()},
        }
    }


def way_out(name: str, folder: Path) -> dict[str, Any]:
    """Settings of a run, by which of its ways records leave."""
    mapped: dict[str, Any] = {"stream_maps": {STREAM: {"source": "'flipkart'"}}}
    ways: dict[str, dict[str, Any]] = {
        "messages": {},
        "stream maps": mapped,
        "flattening": {"flattening_enabled": True, "flattening_max_depth": 1},
        "jsonl": batches(folder, "jsonl", "gzip"),
        "parquet": batches(folder, "parquet", "none"),
        "jsonl of stream maps": {**mapped, **batches(folder, "jsonl", "gzip")},
        "parquet of stream maps": {**mapped, **batches(folder, "parquet", "none")},
    }
    return ways[name]


WAYS = ("messages", "stream maps", "flattening", "jsonl", "parquet", "jsonl of stream maps", "parquet of stream maps")


@pytest.mark.parametrize("way", WAYS)
def test_texts_say_what_objects_and_amounts_say(bench: Bench, tmp_path: Path, way: str) -> None:
    serve_odd_files(bench)
    truth = rows_of(bench.run(STREAM, schema_drift="extra"))
    serve_odd_files(bench)
    texts = rows_of(bench.run(STREAM, schema_drift="extra", **AS_TEXT, **way_out(way, tmp_path)))
    check_texts(truth, texts, are_decimals="parquet" in way)


def test_the_sdks_own_loop_sends_the_same_texts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_odd_files(bench)
    truth = rows_of(bench.run(STREAM, schema_drift="extra"))
    monkeypatch.setattr(ReportStream, "_sync_records", Stream._sync_records)  # noqa: SLF001 - the method at issue
    serve_odd_files(bench)
    check_texts(truth, rows_of(bench.run(STREAM, schema_drift="extra", **AS_TEXT)))


def check_texts(truth: list[dict[str, Any]], texts: list[dict[str, Any]], *, are_decimals: bool = False) -> None:
    assert len(texts) == len(truth) > 0
    assert any(ODD in (row["_unparsed"] or {}).values() for row in truth)
    assert all(row["_extra"] for row in truth)
    for row, record in zip(texts, truth, strict=True):
        for name in OBJECTS:
            assert (None if row[name] is None else json.loads(row[name])) == record[name]
            assert row[name] is None or "\n" not in row[name]
        for name in AMOUNTS:
            if are_decimals:
                assert row[name] == record[name]
                assert isinstance(row[name], Decimal | None)
            else:
                assert row[name] == (None if record[name] is None else str(record[name])), name


def test_a_replay_sends_the_same_texts(bench: Bench, tmp_path: Path) -> None:
    serve_odd_files(bench)
    truth = rows_of(bench.run(STREAM, schema_drift="extra", report_archive=str(tmp_path)))
    bought = len(bench.bought())
    again = bench.run(STREAM, schema_drift="extra", report_archive=str(tmp_path), replay=[{}], **AS_TEXT)
    assert len(bench.bought()) == bought
    check_texts(truth, rows_of(again))


def test_keys_go_out_under_other_names_by_a_stream_map_and_the_state_stays(bench: Bench) -> None:
    stream = "stock_ledger"
    settings: dict[str, Any] = {"warehouse_ids": ["blr_wfld"], "end_date": "2026-11-20"}
    (example,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    plain = bench.run(stream, **settings)
    bought = len(bench.bought())
    bench.restart()
    renamed = bench.run(stream, **settings, **json.loads(example))
    names = {"_row_hash": "row_hash", "_row_ordinal": "row_ordinal"}
    *_, schema = (line for line in renamed.lines if line["type"] == "SCHEMA")
    assert set(schema["key_properties"]) <= set(schema["schema"]["properties"])
    assert not any(name.startswith("_") for name in schema["key_properties"])
    *_, before = (line for line in plain.lines if line["type"] == "SCHEMA")
    assert [names.get(name, name) for name in before["key_properties"]] == schema["key_properties"]
    assert [
        {name: value for name, value in record.items() if name != "report_id"} for record in renamed.records(stream)
    ] == [
        {names.get(name, name): value for name, value in record.items() if name != "report_id"}
        for record in plain.records(stream)
    ]
    again = bench.run(stream, state=plain.state, **settings, **json.loads(example))
    assert again.error is None
    assert len(bench.bought()) == bought


def test_every_schema_message_declares_the_texts(bench: Bench) -> None:
    bench.restart({"fault": "extra_column", "header": "Gift Wrap", "every": 1})
    first, *_, last = bench.run(STREAM, **AS_TEXT).schemas(STREAM)
    for schema in (first, last):
        for name in AMOUNTS:
            amount = schema["properties"][name]
            assert amount["type"] == ["string", "null"]
            assert (amount["format"], amount["precision"], amount["scale"]) == ("x-singer.decimal", 38, 10)
        for name in OBJECTS:
            declared = schema["properties"][name]
            assert declared["type"] == ["string", "null"]
            assert "additionalProperties" not in declared
    assert "gift_wrap" in last["properties"]


@pytest.mark.parametrize(
    ("cell", "text"), [("1E+05", "100000"), ("0.00000010", "0.00000010"), ("(1,250.50)", "-1250.50")]
)
def test_amounts_have_no_exponent_as_text(bench: Bench, cell: str, text: str) -> None:
    bench.restart({"fault": "bad_cell", "row": 1, "header": "CGST Rate", "text": cell, "every": 1})
    first, *_ = rows_of(bench.run(STREAM, use_singer_decimal=True))
    assert first["cgst_rate"] == text


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({}, {"object_columns": "json_text"}, "the type of _extra is object in the catalog and string by the settings"),
        ({"object_columns": "json_text"}, {}, "the type of _extra is string in the catalog and object by the settings"),
        ({}, {"use_singer_decimal": True}, "is number in the catalog and string or x-singer.decimal by the settings"),
        ({"use_singer_decimal": True}, {}, "is string or x-singer.decimal in the catalog and number by the settings"),
    ],
)
def test_a_stored_catalog_of_the_other_choice_is_refused_in_one_sentence(
    bench: Bench, before: dict[str, Any], now: dict[str, Any], words: str
) -> None:
    catalog = json.loads(TapFlipkartReports(config=bench.config(**before)).catalog_json_text)
    with pytest.raises(SettingsError, match=words) as refused:
        bench.run(catalog=catalog, **now)
    assert "discover again (with Meltano: --refresh-catalog)" in str(refused.value)
    assert len(str(refused.value)) < 500
    assert bench.bought() == []


def test_discovery_declares_the_forms_before_the_settings_are_complete() -> None:
    streams = TapFlipkartReports(config=AS_TEXT, validate_config=False).streams
    assert streams[STREAM].schema["properties"]["_extra"]["type"] == ["string", "null"]
    assert streams[STREAM].schema["properties"]["taxable_value"]["format"] == "x-singer.decimal"
