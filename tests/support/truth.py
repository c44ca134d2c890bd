"""What a warehouse has to hold: the simulator's reports, their cells read in other words than the tap's."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tap_flipkart_reports.files.header_match import column_name, normalise
from tap_flipkart_reports.planning.record_schema import OWN_COLUMNS
from tap_flipkart_reports.planning.window_rules import WindowKind
from tap_flipkart_reports.report_types import REPORT_TYPES

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


TABLES = {table.stream: (report_type, table) for report_type in REPORT_TYPES.values() for table in report_type.tables}
"""Every stream's report type and table."""

ORIGIN = ("seller_id", "report_id", "report_row_number")


def types(stream: str) -> dict[str, Mapping[str, Any]]:
    """The types of a stream's published columns."""
    return {**TABLES[stream][1].schema.properties, "report_row_number": {"type": ["integer"]}}


def records(simulator: Simulator, stream: str) -> list[Record]:
    """The rows of a stream after all reports bought so far, a later row over an earlier one of the same key."""
    report_type, table = TABLES[stream]
    found: dict[tuple[Any, ...], Record] = {}
    for trigger in simulator.triggers:
        if trigger.identifier == report_type.identifier:
            seen: Counter[tuple[Any, ...]] = Counter()
            window = str({name: value for name, value in trigger.parameters.items() if name != "to_date"})
            if report_type.rule.kind is WindowKind.DAYS:
                window = ""  # the rows themselves say where they belong
            for record in _records_of(simulator, stream, trigger):
                cells = tuple(record.values())[len(ORIGIN) :]
                seen[cells] += 1
                key = (
                    tuple(record[name] for name in ("seller_id", *table.key))
                    if table.key
                    else (trigger.seller_id, window, cells, seen[cells])
                )
                found[key] = record
    return list(found.values())


def _records_of(simulator: Simulator, stream: str, trigger: Trigger) -> Iterator[Record]:
    table = TABLES[stream][1]
    names = {normalise(schema["title"]): name for name, schema in table.schema.properties.items()}
    known = types(stream)
    rows = simulator.rows(
        trigger.identifier,
        trigger.seller_id,
        trigger.parameters,
        table=None if table is TABLES[stream][0].tables[0] else table.title,
        as_of=trigger.at,
    )
    for number, row in enumerate(rows, 1):
        record: Record = dict(zip(ORIGIN, (trigger.seller_id, trigger.report_id, number), strict=True))
        for header, cell in row.items():
            name = names.get(normalise(header)) or _name_of_new(header)
            value = expected(cell, known.get(name, TEXT))
            record[name] = "NA" if value is None and name in table.key else value
        yield record


def _name_of_new(header: str) -> str:
    name = column_name(header)
    assert name is not None
    return f"{name}_2" if name in OWN_COLUMNS else name


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
