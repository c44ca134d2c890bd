"""A table of the simulator with the columns of a profile."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_flipkart_reports.simulator.business.layouts import Layout, Row, Table
    from tap_flipkart_reports.simulator.business.views import View
    from tap_flipkart_reports.simulator.profile import ColumnLayout


def relaid(layout: Layout, columns: Mapping[str, Sequence[ColumnLayout]]) -> Layout:
    """A layout whose tables have the columns of a profile, by the tables' titles; `*` is the first one's.

    Raises:
        KeyError: the report has no such table, or the table no such column.
    """
    first = layout.table().title
    columns = {first if title == "*" else title: wanted for title, wanted in columns.items()}
    for title in columns:
        layout.table(title)
    return replace(
        layout,
        tables=tuple(
            _with_columns(table, columns[table.title]) if table.title in columns else table for table in layout.tables
        ),
    )


def _with_columns(table: Table, columns: Sequence[ColumnLayout]) -> Table:
    known = {name.strip(): name for name in table.header}
    columns = [replace(each, source=each.source or known.get(each.header)) for each in columns]
    if missing := sorted(column.source for column in columns if column.source and column.source not in table.header):
        raise KeyError(f"{table.title} has no columns {', '.join(missing)}")

    def rows(view: View) -> Iterator[Row]:
        for number, row in enumerate(table.make(view), 1):
            yield {
                column.header: row.get(column.source, "") if column.source else _invented_value(column, view, number)
                for column in columns
            }

    return replace(table, header=tuple(column.header for column in columns), make=rows, paths={}, blanks=frozenset())


def _invented_value(column: ColumnLayout, view: View, number: int) -> str:
    """An invented value of a kind; the same for the same report."""
    digest = hashlib.sha256(f"{view.seller_id} {view.first} {column.header} {number}".encode()).hexdigest()
    drawn = int(digest[:8], 16)
    if column.kind == "id":
        return str(10**14 + int(digest[:12], 16))
    if column.kind == "date":
        return (view.first + timedelta(days=drawn % ((view.last - view.first).days + 1))).isoformat()
    if column.kind == "moment":
        return f"{view.first.isoformat()} {drawn % 24:02d}:{drawn % 60:02d}:00"
    if column.kind == "amount":
        return f"{drawn % 10_000_00 / 100:.2f}"
    return str(drawn % 20 + 1) if column.kind == "count" else f"text {digest[:6]}"
