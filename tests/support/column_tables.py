"""What the columns mean, and how the streams belong together, as Markdown made from the schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_flipkart_reports.planning.record_schema import record_schema
from tap_flipkart_reports.report_types import REPORT_TYPES, UNIDENTIFIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_flipkart_reports.planning.report_type import ReportTable, ReportType

ALL_TYPES: Mapping[str, ReportType] = {**REPORT_TYPES, **UNIDENTIFIED}

HOMES = {
    "order_item_id": "orders_report",
    "return_id": "returns_report",
    "neft_id": "settled_transaction_ledger",
    "listing_id": "current_inventory_report",
    "recall_id": "settled_transaction_ledger_storage_recall",
}
"""Ids by which rows of different streams belong together, each with the stream that it is at home in."""


def columns() -> str:
    """A section per stream: what a row is, and what each column means; equal tables are told once."""
    return "\n".join(line for table, twins in _tables() for line in _section(table, twins))


def own_columns() -> str:
    """One line per column that is the tap's own."""
    described: dict[str, str] = {}
    for report_type in ALL_TYPES.values():
        for table in report_type.tables:
            properties = record_schema(report_type, table)["properties"]
            own = {name: schema for name, schema in properties.items() if name not in table.properties}
            described |= {name: schema["description"] for name, schema in own.items()}
    return "\n".join(
        ["| column | meaning |", "|---|---|", *(f"| `{name}` | {words} |" for name, words in described.items())]
    )


def _tables() -> Iterator[tuple[ReportTable, list[str]]]:
    """Tables with columns, each with the streams whose schemas refer to its own."""
    tables = [table for report_type in ALL_TYPES.values() for table in report_type.tables if table.schema.properties]
    told: dict[int, tuple[ReportTable, list[str]]] = {}
    for table in tables:
        told.setdefault(id(table.schema.properties), (table, []))[1].append(table.stream)
    yield from told.values()


def _section(table: ReportTable, twins: list[str]) -> Iterator[str]:
    yield f"## {table.stream}"
    yield ""
    yield f"{table.description}."
    if others := [f"`{name}`" for name in twins if name != table.stream]:
        yield ""
        yield f"The same columns: {', '.join(others)}."
    yield ""
    yield "| column | header | type | meaning |"
    yield "|---|---|---|---|"
    for name, schema in table.properties.items():
        kind = schema.get("format") or schema["type"][0]
        header = " ".join(schema["title"].split()).replace("|", "\\|")
        yield f"| `{name}` | {header} | {kind} | {schema['description']} |"
    yield ""


def relations() -> str:
    """The streams as a diagram: their keys, and the ids by which their rows belong together."""
    tables = {table.stream: (report_type, table) for report_type in ALL_TYPES.values() for table in report_type.tables}
    drawn = {
        stream: (report_type, table)
        for stream, (report_type, table) in tables.items()
        if table.schema.properties and report_type.name != "financial_year_ledger"
    }
    lines = ["```mermaid", "erDiagram"]
    for stream, (report_type, table) in drawn.items():
        lines += [f"    {stream} {{", *_members(report_type, table), "    }"]
    for column, home in HOMES.items():
        one = "||" if tables[home][1].key == (column,) else "}o"
        lines += [
            f"    {home} {one}--o{{ {stream} : {column}"
            for stream, (_, table) in drawn.items()
            if column in table.properties and stream != home
        ]
    return "\n".join([*lines, "```"])


def _members(report_type: ReportType, table: ReportTable) -> Iterator[str]:
    """Columns of a stream's key, and ids that lead to others."""
    key = report_type.key_properties(table)
    properties = record_schema(report_type, table)["properties"]
    for name, schema in properties.items():
        if name in key or name in HOMES:
            marks = ", ".join([*(["PK"] if name in key else []), *(["FK"] if name in HOMES else [])])
            kind = schema.get("format", schema["type"][0]).replace("-", "_")
            yield f"        {kind} {name} {marks}"
