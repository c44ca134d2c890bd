"""The report types Flipkart publishes, as one table.

A new report type is one entry here and one file in `schemas/`. Identifiers and parameters: Flipkart's API reference;
what is an assumption is marked so in `basis` and can be overridden by the setting `report_types`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.rows import Column
from tap_flipkart_reports.windows import Window, WindowKind, WindowRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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
class ReportType:
    """One kind of report, and with it one stream.

    Attributes:
        name: the stream's name.
        title: Flipkart's name of the report.
        identifier: the word in `POST /reports/{identifier}`.
        rule: how its days are cut into windows.
        parameters: the trigger's `parameters`, with placeholders (see `filled_in`).
        key: the natural key, by column; empty where none is known: rows are then told apart by their hash.
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
    key: tuple[str, ...] = ()
    hold_back_days: int | None = None
    report_timeout: float | None = None
    max_reports: int | None = None
    max_reports_per_seller: int | None = None
    basis: str = DOCUMENTED

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that read it."""
        return (self.name,)

    @property
    def per_warehouse(self) -> bool:
        """Whether it is asked for per warehouse."""
        return "warehouse_id" in placeholders_in(self.parameters)

    @property
    def is_snapshot(self) -> bool:
        """Whether it tells the state of the day on which it is asked for."""
        return self.rule.kind is WindowKind.SNAPSHOT

    @property
    def key_properties(self) -> tuple[str, ...]:
        """The record's key: the natural key, or the window and the row's hash and ordinal."""
        warehouse = ("warehouse_id",) if self.per_warehouse else ()
        day = ("snapshot_date",) if self.is_snapshot else ()
        if self.key:
            return tuple(dict.fromkeys(("seller_id", *warehouse, *self.key, *day)))
        return ("seller_id", *warehouse, *(day or ("report_from_date",)), "_row_hash", "_row_ordinal")


def _report_type(name: str, title: str, kind: WindowKind, **attributes: Any) -> ReportType:  # noqa: ANN401 - dataclass fields
    window_days = attributes.pop("window_days", 31)
    lookback_days = attributes.pop("lookback_days", 0)
    attributes.setdefault("parameters", DATE_RANGE)
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
            key=("order_item_id", "event_type", "event_sub_type", "buyer_invoice_id"),
        ),
        _report_type(
            "settled_transaction_ledger",
            "Settled Transaction Report",
            WindowKind.DAYS,
            key=("neft_id", "order_item_id"),
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
            key=("warehouse_id", "fsn"),
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
            key=("return_id",),
            lookback_days=30,
            basis=IDENTIFIER_DOCUMENTED,
        ),
        _report_type(
            "orders_report",
            "Orders Report",
            WindowKind.DAYS,
            key=("order_item_id",),
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
        properties: JSON Schema of each column; `title` is the exact header in the file.
    """

    description: str = ""
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def columns(self, key: Iterable[str] = ()) -> tuple[Column, ...]:
        """What the row reader has to know of the columns."""
        keys = frozenset(key)
        return tuple(
            Column(
                name=name,
                header=schema.get("title", name),
                type=schema.get("format") or next(word for word in schema["type"] if word != "null"),
                aliases=tuple(schema.get("aliases", ())),
                is_key=name in keys,
            )
            for name, schema in self.properties.items()
        )


@cache
def table_schema(name: str) -> TableSchema:
    """The published columns of a stream, from `schemas/<stream>.json`."""
    document = json.loads((_schemas_folder() / f"{name}.json").read_text(encoding="utf-8"))
    return TableSchema(description=document["description"], properties=document["properties"])


def _schemas_folder() -> Traversable | Path:
    """In the wheel the schemas lie in the package; in a checkout (editable install) beside it."""
    packaged = resources.files("tap_flipkart_reports") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "schemas"
