"""sales_ledger: invoices of sales and returns, and cash-backs."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.layouts import Layout, Table, with_columns
from tap_flipkart_reports.simulator.business.orders import CENT, HOME_STATE, STATES, WAREHOUSES, Order
from tap_flipkart_reports.simulator.business.views import GSTIN, ZERO, View, halves, midnight, quoted_sku

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tap_flipkart_reports.simulator.business.layouts import Row

CASH_BACK_GST = Decimal("18.0")
CASH_BACK = Decimal("10.00")

SALES_HEADER = (
    "Seller GSTIN", "Order ID", "Order Item ID", "Product Title/Description", "FSN", "SKU", "HSN Code", "Event Type",
    "Event Sub Type", "Order Type", "Fulfilment Type", "Order Date", "Order Approval Date", "Item Quantity",
    "Order Shipped From (State)", "Warehouse ID", "Price before discount", "Total Discount", "Seller Share",
    "Bank Offer Share", "Price after discount (Price before discount-Total discount)", "Shipping Charges",
    "Final Invoice Amount (Price after discount+Shipping Charges)", "Type of tax",
    "Taxable Value (Final Invoice Amount -Taxes)", "CST Rate", "CST Amount", "VAT Rate", "VAT Amount",
    "Luxury Cess Rate", "Luxury Cess Amount", "IGST Rate", "IGST Amount", "CGST Rate", "CGST Amount",
    "SGST Rate (or UTGST as applicable)", "SGST Amount (Or UTGST as applicable)", "TCS IGST Rate", "TCS IGST Amount",
    "TCS CGST Rate", "TCS CGST Amount", "TCS SGST Rate", "TCS SGST Amount", "Total TCS Deducted", "Buyer Invoice ID",
    "Buyer Invoice Date", "Buyer Invoice Amount", "Customer's Billing Pincode", "Customer's Billing State",
    "Customer's Delivery Pincode", "Customer's Delivery State", "Usual Price", "Is Shopsy Order?", "TDS Rate",
    "TDS Amount", "IRN", "Business Name", "Business GST Number", "Beneficiary Name", "IMEI",
)  # fmt: skip


SPACED_IN_2025 = frozenset({"Order Approval Date", "Seller Share", "Buyer Invoice Amount"})
"""Headers that ended with a space."""

SALES_HEADER_2025 = tuple(
    f"{name} " if name in SPACED_IN_2025 else name for name in SALES_HEADER if name != "Warehouse ID"
)


def _sales(view: View) -> Iterator[Row]:
    for order in view.alive():
        if view.has(order.dispatched) and order.dispatched is not None:
            yield _sale(order, "Sale", order.invoice_id, order.dispatched, 1)
        if view.has(order.return_completed) and order.return_completed is not None:
            yield _sale(order, "Return", order.credit_note_id, order.return_completed, -1)


def _sale(order: Order, event: str, invoice_id: str, moment: datetime, sign: int) -> Row:
    def signed(amount: Decimal) -> str:
        return str(sign * amount)

    return {
        "Seller GSTIN": GSTIN,
        "Order ID": order.order_id,
        "Order Item ID": order.item_id,
        "Product Title/Description": order.product.title,
        "FSN": order.product.fsn,
        "SKU": quoted_sku(order),
        "HSN Code": order.product.hsn,
        "Event Type": event,
        "Event Sub Type": event,
        "Order Type": "Prepaid" if order.is_prepaid else "Postpaid",
        "Fulfilment Type": "FBF" if order.is_fbf else "NON_FBF",
        "Order Date": midnight(order.placed),
        "Order Approval Date": midnight(order.placed),
        "Item Quantity": f"{order.quantity}.0",
        "Order Shipped From (State)": HOME_STATE,
        "Warehouse ID": WAREHOUSES[order.number % len(WAREHOUSES)] if order.is_fbf else "NA",
        "Price before discount": signed(order.product.price * order.quantity),
        "Total Discount": signed(order.discount),
        "Seller Share": signed(order.discount),
        "Bank Offer Share": "0.0",
        "Price after discount (Price before discount-Total discount)": signed(order.amount),
        "Shipping Charges": "0.0",
        "Final Invoice Amount (Price after discount+Shipping Charges)": signed(order.amount),
        "Type of tax": "GST",
        "Taxable Value (Final Invoice Amount -Taxes)": signed(order.taxable),
        "CST Rate": "0.0", "CST Amount": "0.0", "VAT Rate": "0.0", "VAT Amount": "0.0",
        "Luxury Cess Rate": "0.0", "Luxury Cess Amount": "0.0",
        **_taxes(order, taxable=order.taxable, tax=order.tax, rate=order.product.gst, sign=sign),
        "Buyer Invoice ID": invoice_id,
        "Buyer Invoice Date": midnight(moment),
        "Buyer Invoice Amount": signed(order.amount),
        "Customer's Billing Pincode": STATES[order.state],
        "Customer's Billing State": order.state,
        "Customer's Delivery Pincode": STATES[order.state],
        "Customer's Delivery State": order.state,
        "Usual Price": "NA",
        "Is Shopsy Order?": "TRUE" if order.is_shopsy else "FALSE",
        "IRN": "NA",
        **business_of(order),
    }  # fmt: skip


def _taxes(order: Order, *, taxable: Decimal, tax: Decimal, rate: Decimal, sign: int) -> Row:
    """GST, and what is collected and deducted at source: in halves within a state, whole between two."""
    intra = order.is_intra_state
    half, other_half = halves(tax) if intra else (ZERO, ZERO)
    tcs = tcs_on(taxable)
    tcs_half, tcs_other = halves(tcs) if intra else (ZERO, ZERO)

    def signed(amount: Decimal) -> str:
        return str(sign * amount)

    return {
        "IGST Rate": "0.0" if intra else str(rate),
        "IGST Amount": signed(ZERO if intra else tax),
        "CGST Rate": str(rate / 2) if intra else "0.0",
        "CGST Amount": signed(half),
        "SGST Rate (or UTGST as applicable)": str(rate / 2) if intra else "0.0",
        "SGST Amount (Or UTGST as applicable)": signed(other_half),
        "TCS IGST Rate": "0.0" if intra else "0.5",
        "TCS IGST Amount": signed(ZERO if intra else tcs),
        "TCS CGST Rate": "0.25" if intra else "0.0",
        "TCS CGST Amount": signed(tcs_half),
        "TCS SGST Rate": "0.25" if intra else "0.0",
        "TCS SGST Amount": signed(tcs_other),
        "Total TCS Deducted": signed(tcs),
        "TDS Rate": "0.1",
        "TDS Amount": signed((taxable * Decimal("0.001")).quantize(CENT)),
    }


def tcs_on(taxable: Decimal) -> Decimal:
    """Tax collected at source: half a percent."""
    return (taxable * Decimal("0.005")).quantize(CENT)


def business_of(order: Order) -> Row:
    """The business that buys, if the buyer is one."""
    if not order.is_bulk:
        return {"Business Name": "NA", "Business GST Number": "NA"}
    return {"Business Name": 'Sri "Lakshmi" & Sons, wholesale', "Business GST Number": "33AAAAA0000A1Z5"}


CASH_BACK_HEADER = (
    "Seller GSTIN", "Order ID", "Order Item ID", "Document Type", "Document Sub Type",
    "Credit Note ID/ Debit Note ID", "Invoice Amount", "Invoice Date", "Taxable Value", "Luxury Cess Rate",
    "Luxury Cess Amount", "IGST Rate", "IGST Amount", "CGST Rate", "CGST Amount",
    "SGST Rate (or UTGST as applicable)", "SGST Amount (Or UTGST as applicable)", "TCS IGST Rate", "TCS IGST Amount",
    "TCS CGST Rate", "TCS CGST Amount", "TCS SGST Rate", "TCS SGST Amount", "Total TCS Deducted",
    "Customer's Delivery State", "Is Shopsy Order?", "TDS Rate", "TDS Amount", "IRN", "Business Name",
    "Business GST Number",
)  # fmt: skip


def _cash_back(view: View) -> Iterator[Row]:
    for order in view.alive():
        if not order.has_cash_back:
            continue
        if view.has(order.dispatched) and order.dispatched is not None:
            yield _note(order, "Credit Note", "Sale", f"CAN{order.serial:016d}", order.dispatched, 1)
        if view.has(order.return_completed) and order.return_completed is not None:
            yield _note(order, "Debit Note", "Return", f"DAN{order.serial:016d}", order.return_completed, -1)


def _note(order: Order, document: str, event: str, note_id: str, moment: datetime, sign: int) -> Row:  # noqa: PLR0913, PLR0917 - each is a cell of the note
    taxable = (CASH_BACK / (1 + CASH_BACK_GST / 100)).quantize(CENT)

    def signed(amount: Decimal) -> str:
        return str(sign * amount)

    return {
        "Seller GSTIN": GSTIN,
        "Order ID": order.order_id,
        "Order Item ID": order.item_id,
        "Document Type": document,
        "Document Sub Type": event,
        "Credit Note ID/ Debit Note ID": note_id,
        "Invoice Amount": signed(CASH_BACK),
        "Invoice Date": midnight(moment),
        "Taxable Value": signed(taxable),
        "Luxury Cess Rate": "0.0",
        "Luxury Cess Amount": "0.0",
        **_taxes(order, taxable=taxable, tax=CASH_BACK - taxable, rate=CASH_BACK_GST, sign=sign),
        "Customer's Delivery State": order.state,
        "Is Shopsy Order?": "TRUE" if order.is_shopsy else "FALSE",
        "IRN": "NA",
        **business_of(order),
    }


def cash_back_tcs(view: View) -> Decimal:
    """Tax deducted at source on cash-backs in the view's days."""
    return sum((Decimal(row["Total TCS Deducted"]) for row in _cash_back(view)), ZERO)


SALES_LEDGER = Layout(
    tables=(
        Table(title="Sales Report", header=SALES_HEADER, make=_sales),
        Table(title="Cash Back Report", header=CASH_BACK_HEADER, make=_cash_back),
    ),
    front=("Help",),
    years={
        "2025": (
            Table(
                title="Sales Report",
                header=SALES_HEADER_2025,
                make=with_columns(SALES_HEADER_2025, _sales, names={f"{name} ": name for name in SPACED_IN_2025}),
            ),
        )
    },
    numbers_are_text=True,
)
