"""How settlement workbooks are laid out in 2026 and in 2025.

Names and groups of 2025 are those of a seller's workbook of September 2025. The names of 2026 are those that public
programs read; its groups are invented where 2025 does not tell.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.layouts import Layout, Table, grouped_from, with_columns
from tap_flipkart_reports.simulator.business.settlement_orders import ORDERS_HEADER, order_rows
from tap_flipkart_reports.simulator.business.settlement_sheets import (
    ADS_HEADER,
    GOOGLE_ADS_HEADER,
    GST_HEADER,
    PROTECTION_HEADER,
    REBATE_HEADER,
    SERVICE_HEADER,
    STORAGE_HEADER,
    TCS_HEADER,
    TDS_HEADER,
    ads_rows,
    google_ads_rows,
    gst_rows,
    protection_rows,
    rebate_rows,
    service_rows,
    storage_rows,
    tcs_recovery_rows,
    tds_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_flipkart_reports.simulator.business.layouts import Row
    from tap_flipkart_reports.simulator.business.views import View

ORDERS_2025 = {
    "Payment Date": " Payment Date",
    "Bank Settlement Value (Rs.) \n= SUM(I:Q)": "Bank Settlement Value (Rs.) \n= SUM(J:R)",
    "Marketplace Fee (Rs.)\n= SUM (U:AH)": "Marketplace Fee (Rs.)\n= SUM (V:AI)",
    "Discount in MP fees (Rs.) \n[AN/(1+A0/100)]": "Discount in MP fees (Rs.) \n[AO/(1+AP/100)]",
    "GST on Discount (Rs.) \n[18%*AP]": "GST on Discount (Rs.) \n[18%*AQ]",
    "Total Discount in MP Fee (Rs.) \n[AP + AQ]": "Total Discount in MP Fee (Rs.) \n[AQ + AR]",
    "Offer Adjustment (Rs.) \n[AR+AN]": "Offer Adjustment (Rs.) \n[AS+AO]",
}
"""Headers of 2025 that differ, each with that of 2026: there is no `Neft Type`, so formulas are one column lower."""


def _header_of_2025() -> Iterator[str]:
    older = {name: own for own, name in ORDERS_2025.items()}
    for name in ORDERS_HEADER:
        if name != "Neft Type":
            yield older.get(name, name)
        if name == "Dispatch Date":
            yield "Order Type"


ORDERS_GROUPS = {
    "NEFT ID": "Payment Details",
    "Order ID": "Transaction Summary",
    "Tier": "Marketplace Fees",
    "TCS (Rs.)": "Taxes",
    "Offer amount settled as Discount in MP Fee (Rs.)": "Offer Adjustments",
    "Dead Weight (kgs)": "Shipping Details",
    "Order Date": "Order Details",
    "Invoice ID": "Buyer Invoice Details",
    "Sale Amount / Total (Rs.) \n": "Buyer Sale Details",
}


def _orders_table(header: Sequence[str], names: Mapping[str, str]) -> Table:
    """The sheet of orders: groups with a blank column between, names, and below some of them the parts of each."""
    paths = grouped_from(header, ORDERS_GROUPS)
    return Table(
        title="Orders",
        header=header,
        make=with_columns(header, order_rows, names=names),
        paths={name: (group, *name.split(" / ", 1)) for name, (group, _) in paths.items()},
        blanks=frozenset(ORDERS_GROUPS) - {header[0]},
    )


REBATE_HEADER_2025 = (
    "NEFT ID", "Neft Type", " Payment Date", "Settlement Value (Rs.)", "SKU", "Order ID", "Order item ID", "Order Date",
    "Rebate Processing Date",
)  # fmt: skip


PROTECTION_HEADER_2025 = tuple("Selling Price (Rs.)" if name == "Selling Price" else name for name in PROTECTION_HEADER)


STORAGE_HEADER_2025 = (
    "NEFT ID", "Payment Date", "Settlement Value(Rs.) \n= SUM(J:K)", "Service Name", "Listing ID ", "Recall ID",
    " WareHouse State Code", "FSN", "MarketPlaceFees(Rs.)", "GST on Storage & Recall Fees(Rs.)", "Removal Fee Units",
    "Removal Fee", "Storage Fee Units", "Storage Fee (upto Jun 30, 2016)", "Sellable Regular Storage Units",
    "Sellable Regular Storage", "Unsellable Regular Storage Units", "Unsellable Regular Storage",
    "Product Sub Category", "Dead Weight (In Kgs)", "Length*Breadth*Height", "Volumetric Weight(In Kgs)",
    "Chargeable Wt. Slab (In Kgs)", "Chargeable Weight Type",
)  # fmt: skip

STORAGE_2025 = {
    "Settlement Value(Rs.) \n= SUM(J:K)": "Settlement Value(Rs.) = SUM(J:K)",
    "Listing ID ": "Listing ID",
    " WareHouse State Code": "Warehouse State Code",
    "MarketPlaceFees(Rs.)": "Marketplace Fees (Rs.)",
    "GST on Storage & Recall Fees(Rs.)": "GST on Storage & Recall Fees (Rs.)",
}


SERVICE_HEADER_2025 = (
    "NEFT ID", "Payment Date", "Settlement Value(Rs.) \n= SUM(J:K)", "Service Name", "Service Details",
    "Service Order ID", "Purchase Date", "Total Amount (Rs.)", "Service Amount (Rs.)", "GST on Service Amount (Rs.)",
)  # fmt: skip

SERVICE_2025 = {
    "Settlement Value(Rs.) \n= SUM(J:K)": "Settlement Value(Rs.)",
    "Total Amount (Rs.)": "Total Amount",
    "Service Amount (Rs.)": "Service Amount",
    "GST on Service Amount (Rs.)": "GST on Service",
}


TCS_HEADER_2025 = (
    "Settlement Value", "NEFT ID", "Settlement Type", "Transaction ID", "Transaction Date", "Recovery Month",
)  # fmt: skip


GST_HEADER_2025 = (
    "Service Type", "Order Item ID/ Listing ID/ Campaign ID/Transaction ID", "Recall ID", "Warehouse State Code",
    "Fee Name", "Fee Amount (Rs.)", "CGST Rate", "SGST/UTGST Rate", "IGST Rate", "CGST Amount", "SGST/UTGST Amount",
    "IGST Amount", "Total GST on Fees  / Amount (Rs.)",
)  # fmt: skip


def _table(title: str, header: Sequence[str], make: Callable[[View], Iterator[Row]]) -> Table:
    """A sheet with its columns in two groups, the payout and what it is for."""
    of_payout = ("NEFT", "Neft", "Payment", "Settlement", "Service Type")
    details = next(name for name in header if not name.startswith(of_payout))
    paths = grouped_from(header, {header[0]: "Payment Details", details: "Transaction Summary"})
    return Table(title=title, header=header, make=with_columns(header, make), paths=paths)


def _service(title: str, service: str, *, share: float, value: str) -> tuple[Table, Table]:
    """A sheet of a service, of 2026 and of 2025."""
    make = service_rows(service, share=share, value=value)
    return _table(title, SERVICE_HEADER, make), _service_of_2025(title, make)


def _service_of_2025(title: str, make: Callable[[View], Iterator[Row]]) -> Table:
    return _of_2025(
        title,
        SERVICE_HEADER_2025,
        make,
        names=SERVICE_2025,
        groups={
            "NEFT ID": "Payment Details",
            "Service Name": "Transaction Summary",
            "Service Amount (Rs.)": "Break-up of Total Amount (Rs.)",
        },
    )


def _of_2025(
    title: str,
    header: Sequence[str],
    make: Callable[[View], Iterator[Row]],
    *,
    groups: Mapping[str, str],
    names: Mapping[str, str] | None = None,
) -> Table:
    """A sheet of 2025: each group has a blank column before it, but the first."""
    return Table(
        title=title,
        header=header,
        make=with_columns(header, make, names=names),
        paths=grouped_from(header, groups),
        blanks=frozenset(groups) - {header[0]},
    )


def _rebates_of_2025() -> Table:
    """Its names are above an empty third row."""
    header = REBATE_HEADER_2025
    groups = {"NEFT ID": "Payment Details", "SKU": "Order Details"}
    table = _of_2025("MP Fee Rebate", header, rebate_rows, groups=groups, names={" Payment Date": "Payment Date"})
    return replace(table, paths={name: (*path, "") for name, path in table.paths.items()})


def _gst_details_of_2025() -> Table:
    """The sheet does not name the payout, and its last column is called by its group."""
    total = GST_HEADER_2025[-1]
    fees = "Fee Amount & GST on Fees \n(After July 1st, 2017)"
    groups = {"Service Type": "Transaction Summary", "Fee Amount (Rs.)": fees, total: "Total GST on Fees "}
    names = {total: "Total GST on fees"}
    table = _of_2025("GST_Details", GST_HEADER_2025, gst_rows, groups=groups, names=names)
    return replace(table, paths={**table.paths, total: ("Total GST on Fees ", "Amount (Rs.)")})


_SERVICES = {
    title: _service(title, service, share=share, value=value)
    for title, service, share, value in (
        ("Value Added Services", "Catalogue & images", 0.3, "-590.00"),
        ("Support Services Services", "Account manager", 0.25, "-1180.00"),
        ("Fines", 'Late dispatch, "SLA" breach', 0.2, "-118.00"),
        ("Review Accelerator Services", "Review accelerator", 0.15, "-354.00"),
        ("Insight Subscription Services", "Insights, monthly", 0.15, "-236.00"),
    )
}

_PAYOUT, _SUMMARY = "Payment Details", "Transaction Summary"

SETTLEMENTS_2025 = (
    _orders_table(tuple(_header_of_2025()), ORDERS_2025),
    _rebates_of_2025(),
    _of_2025(
        "Non_Order_SPF",
        PROTECTION_HEADER_2025,
        protection_rows,
        names={"Selling Price (Rs.)": "Selling Price"},
        groups={"NEFT ID": _PAYOUT, "Claim ID": "Claim Details", "Seller SKU": "Product Details"},
    ),
    _of_2025(
        "Storage_Recall",
        STORAGE_HEADER_2025,
        storage_rows,
        names=STORAGE_2025,
        groups={
            "NEFT ID": _PAYOUT,
            "Service Name": _SUMMARY,
            "Removal Fee Units": "Storage & Recall Fees",
            "Product Sub Category": "Product Details",
        },
    ),
    *(older for _, older in _SERVICES.values()),
    _service_of_2025("Google Ads Services", google_ads_rows),
    _of_2025("Ads", ADS_HEADER, ads_rows, groups={"NEFT ID": _PAYOUT, "Type": _SUMMARY}),
    _of_2025(
        "TCS_Recovery",
        TCS_HEADER_2025,
        tcs_recovery_rows,
        names={"Settlement Value": "Settlement Value (Rs.)"},
        groups={"Settlement Value": _PAYOUT, "Transaction ID": "TCS Recovery Details"},
    ),
    _of_2025("TDS", TDS_HEADER, tds_rows, groups={"NEFT ID": _PAYOUT, "ID": "Claim Details"}),
    _gst_details_of_2025(),
)

SETTLEMENTS = Layout(
    tables=(
        _orders_table(ORDERS_HEADER, {}),
        _table("MP Fee Rebate", REBATE_HEADER, rebate_rows),
        _table("Non_Order_SPF", PROTECTION_HEADER, protection_rows),
        _table("Storage_Recall", STORAGE_HEADER, storage_rows),
        _SERVICES["Value Added Services"][0],
        _SERVICES["Support Services Services"][0],
        _SERVICES["Fines"][0],
        _table("Google Ads Services", GOOGLE_ADS_HEADER, google_ads_rows),
        _SERVICES["Review Accelerator Services"][0],
        _SERVICES["Insight Subscription Services"][0],
        _table("Ads", ADS_HEADER, ads_rows),
        _table("TCS_Recovery", TCS_HEADER, tcs_recovery_rows),
        _table("TDS", TDS_HEADER, tds_rows),
        _table("GST_Details", GST_HEADER, gst_rows),
    ),
    front=("Report Help", "Summary of report"),
    years={"2025": SETTLEMENTS_2025},
    has_comments=True,
    first_sheet=13,
)
