"""What a warehouse has to hold: the simulator's reports, their cells read in other words than the tap's."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from support.programs import ROOT
from tap_flipkart_reports.files.header_words import normalise
from tap_flipkart_reports.report_types import REPORT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_flipkart_reports.simulator import Simulator
    from tap_flipkart_reports.simulator.api import Trigger

NULLS = {"", "NA", "-", "Not Available"}
TEXT = {"type": ["string", "null"]}

Record = dict[str, Any]


def expected(cell: str, schema: Mapping[str, Any]) -> Any:
    """What a cell of the simulator means."""
    text = cell.strip().removeprefix('"""').removesuffix('"""').strip('"')
    text = text.removeprefix("SKU:").removeprefix("OI:").removeprefix("'").strip()
    if text in NULLS:
        return None
    if schema.get("format") == "date":
        return text[:10]
    if schema.get("format") == "date-time":
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo("Asia/Kolkata"))
        return moment.astimezone(timezone.utc).isoformat()
    if "number" in schema["type"]:
        digits = text.replace(",", "").removeprefix("\u20b9").strip()
        return -Decimal(digits[1:-1]) if digits.startswith("(") else Decimal(digits)
    return int(Decimal(text)) if "integer" in schema["type"] else text


def stored(value: Any, schema: Mapping[str, Any]) -> Any:
    """What a value that some target has stored means, in the same words as `expected`."""
    if value is None or value == "":
        return None
    if schema.get("format") == "date":
        return str(value)[:10]
    if schema.get("format") == "date-time":
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).isoformat()
    if "number" in schema["type"]:
        return Decimal(str(value))
    return int(value) if "integer" in schema["type"] else value


TABLES = {table.stream: (report_type, table) for report_type in REPORT_TYPES.values() for table in report_type.tables}
"""Every stream's report type and table."""

ORIGIN = ("seller_id", "report_id", "report_row_number")
OWN = {
    "is_provisional",
    *ORIGIN,
    *("report_from_date", "report_to_date", "warehouse_id", "snapshot_date"),
    *("_row_hash", "_row_ordinal", "_extra", "_unparsed"),
}
"""Columns that every record may have, whatever the file says."""

WRITTEN_DOWN: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "tests" / "data" / "written_down.json").read_text(encoding="utf-8")
)
"""Identifier, key, and headers with names and types of three streams, from what is known of the files and not from the
tap's schemas: a wrong type or key in the tap does not agree with itself here."""

TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "date-time": {"type": ["string", "null"], "format": "date-time"},
}


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a stream's records are made of.

    Attributes:
        identifier: the report's.
        table: the table's title; `None` for the first one of its report.
        key: columns that identify a row, beside the seller; none if all cells do.
        spelling: what of a header counts, however it is written.
        names: columns by the spelling of their headers.
        schemas: the columns' types.
        is_by_days: whether the rows themselves say where they belong, and not the window they were asked for in.
    """

    identifier: str
    table: str | None
    key: tuple[str, ...]
    spelling: Callable[[str], str]
    names: Mapping[str, str]
    schemas: Mapping[str, Mapping[str, Any]]
    is_by_days: bool


def expectation(stream: str) -> Expectation:
    """What is written down of a stream, or else what the tap's own tables say."""
    if stream in WRITTEN_DOWN:
        written = WRITTEN_DOWN[stream]
        return Expectation(
            identifier=written["identifier"],
            table=None,
            key=tuple(written["key"]),
            spelling=_letters_and_digits,
            names={_letters_and_digits(header): name for header, name, _ in written["columns"]},
            schemas={name: TYPES[kind] for _, name, kind in written["columns"]},
            is_by_days=True,
        )
    report_type, table = TABLES[stream]
    return Expectation(
        identifier=report_type.identifier,
        table=None if table is report_type.tables[0] else table.title,
        key=table.key,
        spelling=normalise,
        names={
            normalise(header): name
            for name, schema in table.schema.properties.items()
            for header in (schema["title"], *schema.get("aliases", ()))
        },
        schemas=table.schema.properties,
        is_by_days=report_type.rule.kind.value == "days",
    )


def types(stream: str) -> dict[str, Mapping[str, Any]]:
    """The types of a stream's published columns."""
    return {**expectation(stream).schemas, "report_row_number": {"type": ["integer"]}}


def records(simulator: Simulator, stream: str) -> list[Record]:
    """The rows of a stream after all reports bought so far, a later row over an earlier one of the same key."""
    wanted = expectation(stream)
    found: dict[tuple[Any, ...], Record] = {}
    for trigger in simulator.triggers:
        if trigger.identifier == wanted.identifier:
            seen: Counter[tuple[Any, ...]] = Counter()
            window = str({name: value for name, value in trigger.parameters.items() if name != "to_date"})
            if wanted.is_by_days:
                window = ""
            for record in _records_of(simulator, wanted, trigger):
                cells = tuple(record.values())[len(ORIGIN) :]
                seen[cells] += 1
                key = (
                    tuple(record[name] for name in ("seller_id", *wanted.key))
                    if wanted.key
                    else (trigger.seller_id, window, cells, seen[cells])
                )
                found[key] = record
    return list(found.values())


def _records_of(simulator: Simulator, wanted: Expectation, trigger: Trigger) -> Iterator[Record]:
    rows = simulator.rows(
        trigger.identifier, trigger.seller_id, trigger.parameters, table=wanted.table, as_of=trigger.at
    )
    for number, row in enumerate(rows, 1):
        record: Record = dict(zip(ORIGIN, (trigger.seller_id, trigger.report_id, number), strict=True))
        for header, cell in row.items():
            name = wanted.names.get(wanted.spelling(header)) or _name_of_new(header)
            value = expected(cell, wanted.schemas.get(name, TEXT))
            record[name] = "NA" if value is None and name in wanted.key else value
        yield record


def _letters_and_digits(header: str) -> str:
    return "".join(filter(str.isalnum, header.lower()))


def _name_of_new(header: str) -> str:
    """The column of a header that no schema has; the simulator's are all in Latin letters."""
    name = "_".join(re.findall(r"[a-z0-9]+", header.lower()))
    assert name
    return f"{name}_2" if name in OWN else name


def differences(stream: str, truth: list[Record], rows: list[Record]) -> list[str]:
    """Where the rows of a warehouse are not the truth; rows are matched by report and row number."""
    known = types(stream)
    by_place = {(row["report_id"], int(row["report_row_number"])): row for row in rows}
    told = [] if len(rows) == len(by_place) == len(truth) else [f"{len(rows)} rows, {len(truth)} expected"]
    for record in truth:
        row = by_place.get((record["report_id"], record["report_row_number"]))
        if row is None:
            told.append(f"no row {record}")
            continue
        for name, value in record.items():
            if stored(row[name], known.get(name, TEXT)) != value:
                told.append(f"{name}: {row[name]!r} instead of {value!r}")
    return told
