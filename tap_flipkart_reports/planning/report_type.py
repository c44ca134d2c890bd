"""Report types: identifier, parameters, window rule and tables."""

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
"""The column with the payout's id."""

PROVISIONAL_PAYOUTS = frozenset({"DISBURSEMENT_CREATED", "ZERO_PAYMENT_ADVICE"})
"""Values of that column before the payout is made."""


@dataclass(frozen=True, kw_only=True)
class ReportTable:
    """One of the tables of a report's file, which is one stream.

    A row without a natural key is identified by its hash. If windows keep their first day, `report_from_date` separates
    equal rows of different windows. Windows of kind `DAYS` differ from run to run, so the row itself must have a payout
    or day (`dated_by`): rows with the same payout or day are always in the same window, and counting equal ones there
    (`_row_ordinal`) gives each row the same key again.

    Attributes:
        stream: the name of the stream and of its schema file.
        title: Flipkart's name for the table.
        key: the columns of the natural key; empty if none is known.
        sheets: names of the sheets or archive members with the table, compared by `normalise`; `*` matches any text.
        fill_down: columns that are blank if they repeat the row above; the first one decides.
        dated_by: columns with the payout or day of a row.
        fallback_key: columns that distinguish rows whose natural key has a blank part; their values never change.
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
        """The published columns; none if the natural key has other columns (see `tables_of`)."""
        schema = table_schema(self.stream)
        return schema if set(self.key) <= set(schema.properties) else TableSchema()

    @property
    def payout_column(self) -> str | None:
        """The column with the payout's id, for tables with payouts."""
        return PAYOUT if PAYOUT in self.schema.properties else None

    @property
    def layouts(self) -> tuple[frozenset[str], ...]:
        """The column names of each layout, the newest first."""
        return tuple(layout.columns for layout in self.schema.layouts)

    @property
    def description(self) -> str:
        """What a row is."""
        return self.schema.description or f"Table {self.title}: each header of the file becomes a column of text"

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """The JSON Schema of each column in a record; all but the key are nullable."""
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
        """The columns, as the row reader needs them."""
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
    """The JSON Schema of a key column that only the settings name."""
    return {"title": name, "type": ["string"], "description": "Part of the key that the settings give; text"}


@dataclass(frozen=True, kw_only=True)
class ReportType:
    """One kind of report.

    Attributes:
        name: its name, which is also the name of its first stream.
        title: Flipkart's name for the report.
        identifier: the identifier in `POST /reports/{identifier}`.
        rule: how its days are cut into windows.
        parameters: the trigger's `parameters`, with placeholders (see `filled_in`).
        tables: the tables of its file; a bare CSV has the first.
        hold_back_days: most recent days that are not requested; resolved in `Settings`.
        report_timeout: seconds one report may take; `None` until resolved in `Settings`.
        max_reports: triggers allowed in one run, `None` without a limit for this type.
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
        """Whether it is requested per warehouse."""
        return "warehouse_id" in placeholders_in(self.parameters)

    @property
    def is_snapshot(self) -> bool:
        """Whether it shows the state of the day on which it is requested."""
        return self.rule.kind is WindowKind.SNAPSHOT

    @property
    def rows_have_ids(self) -> bool:
        """Whether each row has the id of an order, return or payment that no other window and no other seller has.

        Stock lists do not have ids: two may be equal. For custom report types this is not known.
        """
        return bool(self.tables[0].fallback_key) and not self.is_snapshot

    def key_properties(self, table: ReportTable) -> tuple[str, ...]:
        """The key of a table's records: its natural key, or a key from the row hash (see `ReportTable`).

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
