"""The reports by identifier: each a layout of tables, each table a view of the same orders.

Headers of the published reports are those that public programs read. Of fbf_orders_report, stranded_inventory_report,
unsellable_inventory_report, mir_ledger, stock_ledger and inventory_report nobody has published the columns: theirs are
invented, as is the identifier of profit_and_loss_report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business import fulfilment, gst, profits, sales, settlement_layouts, warehouses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_flipkart_reports.simulator.business.layouts import Layout

LAYOUTS: Mapping[str, Layout] = {
    "gst_returns_report": gst.GST_RETURNS_REPORT,
    "sales_ledger": sales.SALES_LEDGER,
    "settled_transaction_ledger": settlement_layouts.SETTLEMENTS,
    "financial_year_ledger": settlement_layouts.SETTLEMENTS,
    "fbf_orders_report": fulfilment.FBF_ORDERS_REPORT,
    "stranded_inventory_report": warehouses.STRANDED_INVENTORY_REPORT,
    "current_inventory_report": warehouses.CURRENT_INVENTORY_REPORT,
    "unsellable_inventory_report": warehouses.UNSELLABLE_INVENTORY_REPORT,
    "returns_report": fulfilment.RETURNS_REPORT,
    "orders_report": fulfilment.ORDERS_REPORT,
    "mir_ledger": warehouses.MIR_LEDGER,
    "stock_ledger": warehouses.STOCK_LEDGER,
    "inventory_report": warehouses.INVENTORY_REPORT,
    "profit_and_loss_report": profits.PROFIT_AND_LOSS_REPORT,
}

IDENTIFIERS = tuple(LAYOUTS)
