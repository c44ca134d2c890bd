"""What stands in the databases, beside what the simulator has sold."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import psycopg
from load import END, TYPES, tables
from psycopg import sql

from tap_flipkart_reports.report_types import REPORT_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_flipkart_reports.planning.report_type import ReportTable
    from tap_flipkart_reports.simulator import Simulator
    from tap_flipkart_reports.simulator.api import Trigger

SCHEMA = "flipkart"
"""Of the warehouse, as `meltano.yml` sets it."""


def asked(trigger: Trigger) -> tuple[str, str, str]:
    """What a report was asked for."""
    return trigger.seller_id, trigger.identifier, json.dumps(trigger.parameters, sort_keys=True)


def compare(simulator: Simulator, warehouse: str) -> tuple[int, int]:
    """Rows that are wrong and rows that are there, in PostgreSQL against what the simulator sold."""
    wrong = there = 0
    with psycopg.connect(warehouse) as connection:
        for table in tables():
            expected = Counter(sold(simulator, table))
            found = Counter(stored(connection, table))
            there += found.total()
            wrong += (expected - found).total() + (found - expected).total()
    return wrong, there


def sold(simulator: Simulator, table: ReportTable) -> Iterator[tuple[str, ...]]:
    """Seller, and key where there is one, of each row of a table of every report that was sold."""
    identifier = next(name for name in TYPES if table in REPORT_TYPES[name].tables)
    headers = [table.schema.properties[column]["title"] for column in table.key]
    for trigger in simulator.triggers:
        if trigger.identifier == identifier:
            for row in simulator.rows(
                identifier, trigger.seller_id, trigger.parameters, table=table.title, as_of=trigger.at
            ):
                yield (trigger.seller_id, *(bare(row[header]) for header in headers))


def bare(cell: str) -> str:
    """A key's text without what Flipkart puts around it, so that no program takes it for a number."""
    return cell.strip().removeprefix("OI:")


def stored(connection: psycopg.Connection[Any], table: ReportTable) -> list[tuple[str, ...]]:
    """The same of every row in PostgreSQL."""
    columns = sql.SQL(", ").join(map(sql.Identifier, ("seller_id", *table.key)))
    query = sql.SQL("select {} from {}").format(columns, sql.Identifier(SCHEMA, table.stream))
    return connection.execute(query).fetchall()


def states(meltano: str) -> dict[str, Any]:
    """What Meltano remembers, by state id."""
    with psycopg.connect(meltano) as connection:
        rows = connection.execute("select state_id, completed_state from state").fetchall()
    return {name: json.loads(document)["singer_state"]["bookmarks"] for name, document in rows}


def partitions(documents: Mapping[str, Any]) -> int:
    """How many partitions have a bookmark."""
    return sum(len(stream.get("partitions", ())) for document in documents.values() for stream in document.values())


def is_complete(document: Mapping[str, Any]) -> bool:
    """Whether every bookmark of a state stands at the last day, with nothing bought and unread."""
    entries = [entry for stream in document.values() for entry in stream.get("partitions", ())]
    return bool(entries) and all(
        entry.get("replication_key_value") == END and not entry.get("pending") and not entry.get("finished")
        for entry in entries
    )
