"""The report types Flipkart publishes, and the tables their files hold, as one table.

A new report type is one entry here and one file in `schemas/` for each of its tables. Identifiers and parameters:
Flipkart's API reference; what is an assumption is marked so in `basis` and can be overridden by the setting
`report_types`. Tables and columns: what public readers of the files Flipkart hands to sellers know.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.columns import Column
from tap_flipkart_reports.windows import Window, WindowKind, WindowRule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

DATE_RANGE = {"from_date": "{from_date}", "to_date": "{to_date}"}
WAREHOUSE = {"warehouse_id": "{warehouse_id}"}
WAREHOUSE_MONTH = {**WAREHOUSE, "month": "{month_name}", "year": "{year}"}

DOCUMENTED = "documented"
IDENTIFIER_DOCUMENTED = "identifier documented, parameters assumed"
VERSIONS_DIFFER = "documented, versions differ"
OLDER_DOCUMENTS = "documented in 2024, gone since"

MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
"""English whatever the machine's locale is, which `calendar.month_name` would follow."""

MIR_HOLD_BACK_DAYS = 7
"""The report of a month exists "after the 7th" of the next, read as: from the 8th on."""


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
        dated_by: columns by which a row belongs to one payout or day; without a natural key the file has to have them.
    """

    stream: str
    title: str
    key: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    fill_down: tuple[str, ...] = ()
    dated_by: tuple[str, ...] = ()

    @cached_property
    def schema(self) -> TableSchema:
        """The published columns; none where the natural key is one of other columns (see `tables_of`)."""
        schema = table_schema(self.stream)
        return schema if set(self.key) <= set(schema.properties) else TableSchema()

    @property
    def layouts(self) -> tuple[frozenset[str], ...]:
        """Names of the columns of each layout, where it comes in several."""
        return self.schema.layouts

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """The JSON Schema of each column in a record: null is a value of all but the key."""
        declared = {**{name: {"title": name, "type": ["string"]} for name in self.key}, **self.schema.properties}
        return {
            name: {
                **{word: value for word, value in schema.items() if word != "aliases"},
                "type": [schema["type"][0]] if name in self.key else [schema["type"][0], "null"],
            }
            for name, schema in declared.items()
        }

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
                is_required=name in (self.key or self.dated_by),
                fills_down=name in self.fill_down,
            )
            for name, schema in self.properties.items()
        )


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

    def key_properties(self, table: ReportTable) -> tuple[str, ...]:
        """The key of a table's records: its natural key, or what tells rows without one apart (see `ReportTable`).

        Args:
            table: one of `tables`.
        """
        warehouse = ("warehouse_id",) if self.per_warehouse else ()
        day = ("snapshot_date",) if self.is_snapshot else ()
        if table.key:
            return tuple(dict.fromkeys(("seller_id", *warehouse, *table.key, *day)))
        window = day or (() if self.rule.kind is WindowKind.DAYS else ("report_from_date",))
        return ("seller_id", *warehouse, *window, "_row_hash", "_row_ordinal")


PAYOUT = ("neft_id",)
PAYOUT_AND_DAY = ("neft_id", "payment_date")


def _settlement_tables(name: str, *, key: tuple[str, ...]) -> tuple[ReportTable, ...]:
    """The sheets of a settlement workbook: they appear only when used, and name a payout on its first row only."""
    return (
        ReportTable(
            stream=name, title="Orders", key=key, sheets=("Orders*",), fill_down=PAYOUT_AND_DAY, dated_by=PAYOUT
        ),
        *(
            ReportTable(
                stream=f"{name}_{table}",
                title=title,
                sheets=(title.removesuffix(" Services") + "*",),
                fill_down=PAYOUT_AND_DAY if table not in {"tcs_recovery", "gst_details"} else PAYOUT,
                dated_by=PAYOUT,
            )
            for table, title in (
                ("mp_fee_rebate", "MP Fee Rebate"),
                ("non_order_spf", "Non_Order_SPF"),
                ("storage_recall", "Storage_Recall"),
                ("value_added_services", "Value Added Services"),
                ("support_services", "Support Services Services"),
                ("review_accelerator_services", "Review Accelerator Services"),
                ("insight_subscription_services", "Insight Subscription Services"),
                ("fines", "Fines"),
                ("google_ads_services", "Google Ads Services"),
                ("ads", "Ads"),
                ("tcs_recovery", "TCS_Recovery"),
                ("tds", "TDS"),
                ("gst_details", "GST_Details"),
            )
        ),
    )


def _sections(name: str) -> tuple[ReportTable, ...]:
    """The sections of the GST returns; how their sheets are named in full is not known."""
    return tuple(
        ReportTable(stream=f"{name}{suffix}", title=title, sheets=sheets)
        for suffix, title, sheets in (
            ("", "Section 7(A)(2) in GSTR-1", ("*7(A)(2)*",)),
            ("_section_7b2", "Section 7(B)(2) in GSTR-1", ("*7(B)(2)*",)),
            ("_section_12", "Section 12 in GSTR-1", ("Section 12*", "*HSN*")),
            ("_section_13", "Section 13 in GSTR-1", ("Section 13*",)),
            ("_section_5b", "Section 5B in GSTR-1", ("Section 5B*", "Section 5(B)*")),
            ("_gstr8_section_3", "Section 3 in GSTR-8", ("Section 3*", "*GSTR-8*")),
        )
    )


TABLES: Mapping[str, tuple[ReportTable, ...]] = {
    "gst_returns_report": _sections("gst_returns_report"),
    "sales_ledger": (
        ReportTable(
            stream="sales_ledger",
            title="Sales Report",
            key=("order_item_id", "event_type", "event_sub_type", "buyer_invoice_id"),
            sheets=("Sales Report",),
            dated_by=("buyer_invoice_id", "buyer_invoice_date"),
        ),
        ReportTable(
            stream="sales_ledger_cash_back",
            title="Cash Back Report",
            sheets=("Cash Back Report",),
            dated_by=("credit_note_id_debit_note_id", "invoice_date"),
        ),
    ),
    "settled_transaction_ledger": _settlement_tables("settled_transaction_ledger", key=("neft_id", "order_item_id")),
    "financial_year_ledger": _settlement_tables("financial_year_ledger", key=()),
    "current_inventory_report": (
        ReportTable(stream="current_inventory_report", title="Inventory", key=("warehouse_id", "fsn")),
    ),
    "returns_report": (ReportTable(stream="returns_report", title="Returns", key=("return_id",)),),
    "orders_report": (ReportTable(stream="orders_report", title="Orders", key=("order_item_id",)),),
    "profit_and_loss": (
        ReportTable(stream="profit_and_loss", title="SKU-level P&L", sheets=("SKU*",)),
        ReportTable(stream="profit_and_loss_orders", title="Orders P&L", sheets=("Order*",)),
    ),
}
"""Tables of which more is known than a schema, by the report type's name; of others a file has one.

`profit_and_loss` is one whose identifier is not: it takes an entry of this name in `custom_reports`.
"""


def tables_of(name: str, *, key: tuple[str, ...] | None = None) -> tuple[ReportTable, ...]:
    """The tables of a report type's file.

    Args:
        name: the report type.
        key: a natural key of the first table, instead of the published one. Of columns that the published table does
            not have, it is the key of another table, of which nothing else is known.
    """
    first, *others = TABLES.get(name, (ReportTable(stream=name, title=name),))
    if key is None:
        return (first, *others)
    if not set(key) <= set(first.schema.properties):
        return (ReportTable(stream=name, title=name, key=key),)
    return (replace(first, key=key), *others)


def _report_type(name: str, title: str, kind: WindowKind, **attributes: Any) -> ReportType:  # noqa: ANN401 - dataclass fields
    window_days = attributes.pop("window_days", 31)
    lookback_days = attributes.pop("lookback_days", 0)
    attributes.setdefault("parameters", DATE_RANGE)
    attributes["tables"] = tables_of(name)
    rule = WindowRule(kind=kind, window_days=window_days, lookback_days=lookback_days)
    return ReportType(name=name, title=title, identifier=name, rule=rule, **attributes)


REPORT_TYPES: Mapping[str, ReportType] = {
    report_type.name: report_type
    for report_type in (
        _report_type("gst_returns_report", "GSTR Report", WindowKind.WHOLE_MONTH),
        _report_type(
            "sales_ledger",
            "Sales Report",
            WindowKind.DAYS,
        ),
        _report_type(
            "settled_transaction_ledger",
            "Settled Transaction Report",
            WindowKind.DAYS,
        ),
        _report_type("financial_year_ledger", "Financial Year Report", WindowKind.FINANCIAL_YEAR),
        _report_type("fbf_orders_report", "Orders Report (FBF)", WindowKind.MONTH, basis=IDENTIFIER_DOCUMENTED),
        _report_type(
            "stranded_inventory_report",
            "Warehouse Stranded Inventory Report",
            WindowKind.MONTH,
            basis=VERSIONS_DIFFER,
        ),
        _report_type(
            "current_inventory_report",
            "Warehouse Current Inventory Report",
            WindowKind.SNAPSHOT,
            basis=IDENTIFIER_DOCUMENTED,
        ),
        _report_type(
            "unsellable_inventory_report",
            "Warehouse Unsellable Inventory Report",
            WindowKind.MONTH,
            basis=IDENTIFIER_DOCUMENTED,
        ),
        _report_type(
            "returns_report",
            "Returns Report",
            WindowKind.DAYS,
            lookback_days=30,
            basis=IDENTIFIER_DOCUMENTED,
        ),
        _report_type(
            "orders_report",
            "Orders Report",
            WindowKind.DAYS,
            lookback_days=30,
            basis=IDENTIFIER_DOCUMENTED,
        ),
        _report_type(
            "mir_ledger",
            "Monthly Warehouse Inventory Reconciliation (MIR)",
            WindowKind.WHOLE_MONTH,
            parameters=WAREHOUSE_MONTH,
            hold_back_days=MIR_HOLD_BACK_DAYS,
        ),
        _report_type(
            "stock_ledger",
            "Warehouse Stock Ledger",
            WindowKind.MONTH,
            parameters={**WAREHOUSE, **DATE_RANGE},
        ),
        _report_type(
            "inventory_report",
            "Warehouse Inventory Report",
            WindowKind.SNAPSHOT,
            parameters=WAREHOUSE,
            basis=OLDER_DOCUMENTS,
        ),
    )
}

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
PLACEHOLDERS = ("from_date", "to_date", "month_name", "month", "year", "warehouse_id", "seller_id")
"""What a parameter may name. `month_name` is English ("May"), `month` and `year` are integers, of the first day."""

WHOLE_MONTH_PLACEHOLDERS = frozenset({"month_name", "month"})
"""Parameters that can only say a whole month: such a report is not asked for while the month runs."""


def placeholders_in(parameters: Mapping[str, object]) -> set[str]:
    """The names in curly brackets in the texts of a trigger's parameters, nested ones included."""
    return set(_PLACEHOLDER.findall(json.dumps(parameters)))


def filled_in(
    parameters: Mapping[str, object], *, window: Window, seller_id: str, warehouse_id: str | None
) -> dict[str, object]:
    """The parameters of one trigger.

    A text that is nothing but a placeholder becomes its value, with the value's type (`"{year}"` → `2026`); inside a
    longer text the value is printed; anything else is passed on as it stands. Dates are `yyyy-MM-dd`.

    Args:
        parameters: the parameters with placeholders.
        window: the days asked for.
        seller_id: the operator's name of the seller.
        warehouse_id: the warehouse, for the reports that ask for one.
    """
    values: dict[str, object] = {
        "from_date": window.first.isoformat(),
        "to_date": window.last.isoformat(),
        "month_name": MONTH_NAMES[window.first.month - 1],
        "month": window.first.month,
        "year": window.first.year,
        "warehouse_id": warehouse_id,
        "seller_id": seller_id,
    }
    return {name: _fill(value, values) for name, value in parameters.items()}


def _fill(value: object, values: Mapping[str, object]) -> object:
    if isinstance(value, dict):
        return {name: _fill(inner, values) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, values) for inner in value]
    if not isinstance(value, str):
        return value
    if (alone := _PLACEHOLDER.fullmatch(value)) is not None:
        return values[alone[1]]
    return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), value)


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """The columns of a report's table as published.

    Attributes:
        description: what a row is.
        properties: JSON Schema of each column; `title` is the exact header in the file, `aliases` are others.
        seen_once: columns that only one public reader of the files knows; the others are known by several.
        layouts: names of the columns of each layout, where the table comes in several.
    """

    description: str = ""
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seen_once: frozenset[str] = frozenset()
    layouts: tuple[frozenset[str], ...] = ()


@cache
def table_schema(stream: str) -> TableSchema:
    """The published columns of a stream, from `schemas/<stream>.json`, which may refer to another stream's.

    Without such a file there are none: each header of the stream's tables then becomes a column of text.
    """
    file = _schemas_folder() / f"{stream}.json"
    if not file.is_file():
        return TableSchema()
    document = json.loads(file.read_text(encoding="utf-8"))
    if "$ref" in document:
        return replace(table_schema(document["$ref"].removesuffix(".json")), description=document["description"])
    return TableSchema(
        description=document["description"],
        properties=document["properties"],
        seen_once=frozenset(document.get("seen_once", ())),
        layouts=tuple(map(frozenset, document.get("layouts", ()))),
    )


def _schemas_folder() -> Traversable | Path:
    """In the wheel the schemas lie in the package; in a checkout (editable install) beside it."""
    packaged = resources.files("tap_flipkart_reports") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "schemas"
