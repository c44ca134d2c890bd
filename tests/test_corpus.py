"""The files of `data`, each read to what is expected of it (`data/make.py` says how they are made)."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tap_flipkart_reports.exceptions import FileError, RowError
from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_search import Report, open_report
from tap_flipkart_reports.files.row_filter import RejectedRow, RowCounts
from tap_flipkart_reports.files.row_keys import row_identity
from tap_flipkart_reports.files.row_rules import RowRules
from tap_flipkart_reports.files.rows import RowBatch, read_rows
from tap_flipkart_reports.report_types import tables_of

DATA = Path(__file__).parent / "data"
EXPECTED = sorted(DATA.glob("*.expected.json"))


def rows_of(batch: RowBatch) -> list[dict[str, Any]]:
    """The batch's rows: number, record without nulls, texts that do not fit, cells without a column."""
    return [
        {
            "number": number,
            "ordinal": batch.row_ordinals[index],
            "record": {name: values[index] for name, values in batch.columns.items() if values[index] is not None},
            "unparsed": batch.unparsed[index],
            "extra": batch.extra[index],
        }
        for index, number in enumerate(batch.row_numbers)
    ]


def read(report: Report, report_type: str, *, skip: bool) -> dict[str, Any]:
    """Everything that comes of an open report."""
    rules = RowRules(bad_rows="skip" if skip else "fail", max_bad_rows=10, bad_cells="keep", schema_drift="evolve")
    rejected: list[RejectedRow] = []
    counts = RowCounts()
    rows = {}
    ordinals: dict[str, list[int]] = {}
    for table in tables_of(report_type):
        stream_counts = RowCounts()
        parts = [
            (found, match_header(found.header, table.columns, reserved=(), layouts=table.layouts))
            for found in report.tables_for(table.stream)
        ]
        identity = row_identity(table.key, parts, fallback=table.fallback_key)
        rows[table.stream] = [
            row
            for found, layout in parts
            for batch in read_rows(
                found,
                layout,
                selected=None,
                rules=rules,
                identity=identity,
                counts=stream_counts,
                reject=rejected.append,
            )
            for row in rows_of(batch)
        ]
        found_ordinals = [row.pop("ordinal") for row in rows[table.stream]]
        if table.key and set(found_ordinals) - {1}:
            ordinals[table.stream] = found_ordinals
        counts.dropped += stream_counts.dropped
        assert stream_counts.received == stream_counts.rows + stream_counts.skipped + stream_counts.dropped
    return {
        "records": {stream: [row["record"] for row in found] for stream, found in rows.items() if found},
        "unparsed": _by_row(rows, "unparsed"),
        "extra": _by_row(rows, "extra"),
        "rejected": [[row.line, row.cause] for row in rejected],
        "dropped": counts.dropped,
        "ordinals": ordinals,
        "unmatched": [table.name for table in report.unmatched],
    }


def _by_row(rows: dict[str, list[dict[str, Any]]], what: str) -> dict[str, dict[str, Any]]:
    found = {
        stream: {str(row["number"]): row[what] for row in stream_rows if row[what]}
        for stream, stream_rows in rows.items()
    }
    return {stream: texts for stream, texts in found.items() if texts}


def test_the_corpus_is_whole() -> None:
    files = {path.name for path in DATA.iterdir() if path.suffix not in {".json", ".py"}} | {"error.json"}
    assert {path.name.removesuffix(".expected.json") for path in EXPECTED} == files
    assert len(files) >= 100


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.name.removesuffix(".expected.json"))
def test_every_file_is_read_to_what_is_expected_of_it(path: Path) -> None:
    expected = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    file = path.with_name(path.name.removesuffix(".expected.json"))
    report_type, skip = expected.pop("report"), expected.pop("skip", False)
    del expected["says"]
    if error := expected.pop("error", None):
        with pytest.raises((FileError, RowError)) as caught, open_report(file, tables_of(report_type)) as report:
            read(report, report_type, skip=skip)
        assert error in str(caught.value)
        return
    with open_report(file, tables_of(report_type)) as report:
        found = read(report, report_type, skip=skip)
    for (line, cause), (told_line, words) in zip(found["rejected"], expected.pop("rejected", ()), strict=True):
        assert line == told_line
        assert words in cause
    del found["rejected"]
    assert {what: value for what, value in found.items() if value} == expected
