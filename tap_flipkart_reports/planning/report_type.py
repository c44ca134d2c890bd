"""What a report type is: identifier, parameters, windows and tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.files.columns import MAX_KEY_LETTERS, Column
from tap_flipkart_reports.planning.parameters import placeholders_in
from tap_flipkart_reports.planning.table_schema import TableSchema, table_schema
from tap_flipkart_reports.planning.window_rules import WindowKind, WindowRule

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTED = "documented"

PAYOUT = "neft_id"
"""The column that names a payout."""

PROVISIONAL_PAYOUTS = frozenset({"DISBURSEMENT_CREATED", "ZERO_PAYMENT_ADVICE"})
"""What is there before the payout is made."""


@dataclass(frozen=True, kw_only=True)
class ReportTable:
    """One of the tables of a report's file, and with it one stream.

    A row without a natural key is told apart by its hash. Where windows keep their first day, `report_from_date` keeps
    equal rows of different windows apart. Windows of `DAYS` differ from run to run, so there the row itself has to say
    where it belongs, by its payout or its day (`dated_by`): rows that are equal in that, too, come in the same window
    whatever its first day is, and counting them there (`_row_ordinal`) gives each its former self.

    Attributes:
        stream: the stream's name, and that of its schema file.
        title: Flipkart's name of the table.
        key: the natural key, by column; empty where none is known.
        sheets: names of the sheets or archive members that hold it; they are compared by `normalise`, `*` stands for
            any text.
        fill_down: columns that are blank where they would repeat the row above; the first of them tells whether.
        dated_by: columns by which a row belongs to one payout or day.
        fallback_key: columns that tell rows apart whose natural key has a blank part; they never change.
    """

    stream: str
    title: str
    key: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    fill_down: tuple[str, ...] = ()
    dated_by: tuple[str, ...] = ()
    fallback_key: tuple[str, ...] = ()

    @cached_property
    def schema(self) -> TableSchema:
        """The published columns; none where the natural key is one of other columns (see `tables_of`)."""
        schema = table_schema(self.stream)
        return schema if set(self.key) <= set(schema.properties) else TableSchema()

    @property
    def payout_column(self) -> str | None:
        """The column that names the payout a row belongs to, where there are payouts."""
        return PAYOUT if PAYOUT in self.schema.properties else None

    @property
    def layouts(self) -> tuple[frozenset[str], ...]:
        """Names of the columns of each layout, the newest first."""
        return tuple(layout.columns for layout in self.schema.layouts)

    @property
    def description(self) -> str:
        """What a row is."""
        return self.schema.description or f"Table {self.title}: each header of the file becomes a column of text"

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """The JSON Schema of each column in a record: null is a value of all but the key."""
        declared = {**{name: _undeclared_key(name) for name in self.key}, **self.schema.properties}
        return {name: self._property(name, schema) for name, schema in declared.items()}

    def _property(self, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
        words = {word: value for word, value in schema.items() if word != "aliases"}
        if name in self.schema.properties:
            parts = (schema.get("description"), self.schema.basis(name))
            words["description"] = ". ".join(filter(None, parts)) or f"Column {schema['title'].strip()!r} of the file"
        if name not in self.key:
            return {**words, "type": [schema["type"][0], "null"]}
        is_text = schema["type"][0] == "string" and "format" not in schema
        return {**words, "type": [schema["type"][0]], **({"maxLength": MAX_KEY_LETTERS} if is_text else {})}

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the row reader has to know of the columns."""
        return tuple(
            Column(
                name=name,
                header=schema["title"],
                type=schema.get("format") or schema["type"][0],
                aliases=tuple(self.schema.properties.get(name, {}).get("aliases", ())),
                is_key=name in self.key,
                is_required=name in self.key,
                fills_down=name in self.fill_down,
                provisional=PROVISIONAL_PAYOUTS if name == self.payout_column else frozenset(),
            )
            for name, schema in self.properties.items()
        )


def _undeclared_key(name: str) -> dict[str, Any]:
    """The JSON Schema of a part of a key that settings name and no schema."""
    return {"title": name, "type": ["string"], "description": "Part of the key that the settings give; text"}


@dataclass(frozen=True, kw_only=True)
class ReportType:
    """One kind of report.

    Attributes:
        name: its name, and that of its first table's stream.
        title: Flipkart's name of the report.
        identifier: the word in `POST /reports/{identifier}`.
        rule: how its days are cut into windows.
        parameters: the trigger's `parameters`, with placeholders (see `filled_in`).
        tables: the tables of its file; a bare CSV holds the first.
        hold_back_days: newest days not asked for; in the table those that never exist yet, in `Settings` the resolved.
        report_timeout: seconds one report may take; in the table `None`, in `Settings` the resolved.
        max_reports: triggers allowed in one run, `None` for no limit of its own.
        max_reports_per_seller: the same for each seller.
        basis: how well identifier and parameters are known.
    """

    name: str
    title: str
    identifier: str
    rule: WindowRule
    parameters: Mapping[str, object]
    tables: tuple[ReportTable, ...]
    hold_back_days: int | None = None
    report_timeout: float | None = None
    max_reports: int | None = None
    max_reports_per_seller: int | None = None
    basis: str = DOCUMENTED

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that read it."""
        return tuple(table.stream for table in self.tables)

    @property
    def per_warehouse(self) -> bool:
        """Whether it is asked for per warehouse."""
        return "warehouse_id" in placeholders_in(self.parameters)

    @property
    def is_snapshot(self) -> bool:
        """Whether it tells the state of the day on which it is asked for."""
        return self.rule.kind is WindowKind.SNAPSHOT

    @property
    def rows_have_ids(self) -> bool:
        """Whether each row names an order, a return or a payment that no other window and no other seller has.

        Lists of a stock do not: two may be the same. Of types that only settings declare nobody knows.
        """
        return bool(self.tables[0].fallback_key) and not self.is_snapshot

    def key_properties(self, table: ReportTable) -> tuple[str, ...]:
        """The key of a table's records: its natural key, or what tells rows without one apart (see `ReportTable`).

        Args:
            table: one of `tables`.
        """
        warehouse = ("warehouse_id",) if self.per_warehouse else ()
        day = ("snapshot_date",) if self.is_snapshot else ()
        if table.key:
            return (*dict.fromkeys(("seller_id", *warehouse, *table.key, *day)), "_row_ordinal")
        is_dated = self.rule.kind is WindowKind.DAYS and bool(table.dated_by)
        window = day or (() if is_dated else ("report_from_date",))
        return ("seller_id", *warehouse, *window, "_row_hash", "_row_ordinal")
