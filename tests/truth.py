"""What a warehouse has to hold: the simulator's reports, their cells read in other words than the tap's."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tap_flipkart_reports.report_types import REPORT_TYPES, table_schema
from tap_flipkart_reports.rows import column_name
from tap_flipkart_reports.streams import OWN_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
        return Decimal(text.replace(",", ""))
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


def schemas(stream: str) -> dict[str, Mapping[str, Any]]:
    """The published columns of a stream by their headers."""
    return {schema["title"]: {**schema, "name": name} for name, schema in table_schema(stream).properties.items()}


def records(simulator: Simulator, stream: str) -> list[Record]:
    """The rows of a stream after all reports bought so far, a later row over an earlier one of the same key."""
    report_type = REPORT_TYPES[stream]
    found: dict[tuple[Any, ...], Record] = {}
    for trigger in simulator.triggers:
        if trigger.identifier == report_type.identifier:
            seen: Counter[tuple[Any, ...]] = Counter()
            for record in _records_of(simulator, stream, trigger):
                cells = tuple(record.values())[len(ORIGIN) :]
                seen[cells] += 1
                key = (
                    tuple(record[name] for name in ("seller_id", *report_type.key))
                    if report_type.key
                    else (trigger.seller_id, str(trigger.parameters), cells, seen[cells])
                )
                found[key] = record
    return list(found.values())


ORIGIN = ("seller_id", "report_id", "report_row_number")


def _records_of(simulator: Simulator, stream: str, trigger: Trigger) -> Iterator[Record]:
    known = schemas(stream)
    rows = simulator.rows(trigger.identifier, trigger.seller_id, trigger.parameters, as_of=trigger.at)
    for number, row in enumerate(rows, 1):
        record: Record = dict(zip(ORIGIN, (trigger.seller_id, trigger.report_id, number), strict=True))
        for header, cell in row.items():
            schema = known.get(header, TEXT)
            name = schema.get("name") or _name_of_new(header)
            value = expected(cell, schema)
            record[name] = "NA" if value is None and name in REPORT_TYPES[stream].key else value
        yield record


def _name_of_new(header: str) -> str:
    name = column_name(header)
    assert name is not None
    return f"{name}_2" if name in OWN_COLUMNS else name


def differences(stream: str, truth: list[Record], rows: list[Record]) -> list[str]:
    """Where the rows of a warehouse are not the truth; rows are matched by report and row number."""
    types = {schema["name"]: schema for schema in schemas(stream).values()}
    types["report_row_number"] = {"type": ["integer"]}
    by_place = {(row["report_id"], int(row["report_row_number"])): row for row in rows}
    told = [] if len(rows) == len(by_place) == len(truth) else [f"{len(rows)} rows, {len(truth)} expected"]
    for record in truth:
        row = by_place.get((record["report_id"], record["report_row_number"]))
        if row is None:
            told.append(f"no row {record}")
            continue
        for name, value in record.items():
            if stored(row[name], types.get(name, TEXT)) != value:
                told.append(f"{name}: {row[name]!r} instead of {value!r}")
    return told
