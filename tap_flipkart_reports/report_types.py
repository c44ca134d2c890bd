"""The report types that Flipkart publishes, and the tables in their files.

A new report type is one entry here and one file in `schemas/` for each of its tables. Sources: Flipkart's API reference
for identifiers and parameters; `basis` marks what is assumed, and the setting `report_types` can override it. Tables
and columns are those that public programs read from files that Flipkart gives to sellers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.planning.parameters import DATE_RANGE, WAREHOUSE, WAREHOUSE_MONTH
from tap_flipkart_reports.planning.report_type import ReportTable, ReportType
from tap_flipkart_reports.planning.window_rules import WindowKind, WindowRule

if TYPE_CHECKING:
    from collections.abc import Mapping

IDENTIFIER_DOCUMENTED = "identifier documented, parameters assumed"

VERSIONS_DIFFER = "documented, versions differ"

NOT_PUBLISHED = "identifier not published, parameters assumed"

OLDER_DOCUMENTS = "documented in 2024, gone since"

MIR_HOLD_BACK_DAYS = 7
"""A month's report exists "after the 7th" of the next month, taken to mean from the 8th on."""

PAYOUT = ("neft_id",)

PAYOUT_AND_DAY = ("neft_id", "payment_date")


def _settlement_tables(name: str, *, key: tuple[str, ...]) -> tuple[ReportTable, ...]:
    """The sheets of a settlement workbook; a sheet without rows is missing, and a payout is only on its first row."""
    return (
        ReportTable(
            stream=name,
            title="Orders",
            key=key,
            sheets=("Orders*",),
            fill_down=PAYOUT_AND_DAY,
            dated_by=PAYOUT,
            fallback_key=("order_id", "order_item_id", "order_date"),
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
    """The sections of the GST returns; the full names of their sheets are not known."""
    return tuple(
        ReportTable(stream=f"{name}{suffix}", title=title, sheets=sheets)
        for suffix, title, sheets in (
            ("", "Section 7(A)(2) in GSTR-1", ("*7(A)(2)*",)),
            ("_section_7b2", "Section 7(B)(2) in GSTR-1", ("*7(B)(2)*",)),
            ("_section_12", "Section 12 in GSTR-1", ("Section 12*", "*HSN*")),
            ("_section_13", "Section 13 in GSTR-1", ("Section 13*",)),
            ("_section_5b", "Section 5B in GSTR-1", ("Section 5B*", "Section 5(B)*")),
            ("_gstr8_section_3", "Section 3 in GSTR-8", ("Section 3*", "*GSTR-8*")),
            ("_section_10a1", "Section 10A(1) in GSTR-1", ("*10A(1)*", "*10(A)(1)*")),
            ("_section_10b1", "Section 10B(1) in GSTR-1", ("*10B(1)*", "*10(B)(1)*", "*10B(2)*", "*10(B)(2)*")),
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
            fallback_key=("order_id", "order_item_id", "buyer_invoice_date", "sku"),
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
        ReportTable(
            stream="current_inventory_report",
            title="Inventory",
            key=("warehouse_id", "fsn"),
            fallback_key=("listing_id", "sku"),
        ),
    ),
    "returns_report": (
        ReportTable(
            stream="returns_report",
            title="Returns",
            key=("return_id",),
            fallback_key=("order_item_id", "return_requested_date"),
        ),
    ),
    "orders_report": (
        ReportTable(
            stream="orders_report",
            title="Orders",
            key=("order_item_id",),
            fallback_key=("order_id", "sku", "order_date"),
        ),
    ),
    "profit_and_loss": (
        ReportTable(stream="profit_and_loss", title="SKU-level P&L", sheets=("SKU*",)),
        ReportTable(stream="profit_and_loss_orders", title="Orders P&L", sheets=("Order*",)),
    ),
}
"""Tables by report type, where more than a schema is known; the files of other types have one table."""


def tables_of(name: str, *, key: tuple[str, ...] | None = None) -> tuple[ReportTable, ...]:
    """The tables of a report type's file.

    Args:
        name: the report type.
        key: a natural key of the first table, instead of the published one. If it has columns that the published table
            lacks, it is the key of a table of which nothing else is known.
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
    attributes.setdefault("identifier", name)
    attributes["tables"] = tables_of(name)
    rule = WindowRule(kind=kind, window_days=window_days, lookback_days=lookback_days)
    return ReportType(name=name, title=title, rule=rule, **attributes)


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

UNIDENTIFIED: Mapping[str, ReportType] = {
    report_type.name: report_type
    for report_type in (
        _report_type(
            "profit_and_loss",
            "Profit and Loss Report",
            WindowKind.WHOLE_MONTH,
            identifier="",
            basis=NOT_PUBLISHED,
        ),
    )
}
"""Report types whose identifier is not published: the setting `report_types` must give it."""
