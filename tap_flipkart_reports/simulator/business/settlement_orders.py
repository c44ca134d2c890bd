"""The sheet of orders of a settlement workbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.settlements import Settlement, settlements_in
from tap_flipkart_reports.simulator.business.views import View, rupees

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_flipkart_reports.simulator.business.layouts import Row
    from tap_flipkart_reports.simulator.business.orders import Order

ORDERS_HEADER = (
    "NEFT ID", "Neft Type", " Payment Date", "Bank Settlement Value (Rs.) \n= SUM(J:R)",
    "Input GST + TCS Credits (Rs.)\n[GST+TCS]", "Income Tax Credits (Rs.)\n[TDS]", "Order ID", "Order item ID",
    "Sale Amount (Rs.)", "Total Offer Amount (Rs.)", "My share (Rs.)", "Customer Add-ons Amount (Rs.)",
    "Marketplace Fee (Rs.)\n= SUM (V:AI)", "Taxes (Rs.)", "Offer Adjustments (Rs.)", "Protection Fund (Rs.)",
    "Refund (Rs.)", "Tier", "Commission Rate (%)", "Commission (Rs.)", "Fixed Fee  (Rs.)", "Collection Fee (Rs.)",
    "Pick And Pack Fee (Rs.)", "Shipping Fee (Rs.)", "Reverse Shipping Fee (Rs.)",
    "No Cost Emi Fee Reimbursement(Rs.)", "Installation Fee (Rs.)", "Tech Visit Fee (Rs.)",
    "Uninstallation & Packaging Fee (Rs.)", "Customer Add-ons Amount Recovery (Rs.)", "Franchise Fee (Rs.)",
    "Shopsy Marketing Fee (Rs.)", "Product Cancellation Fee (Rs.)", "TCS (Rs.)", "TDS (Rs.)", "GST on MP Fees (Rs.)",
    "Offer amount settled as Discount in MP Fee (Rs.)", "Item GST Rate (%)",
    "Discount in MP fees (Rs.) \n[AO/(1+AP/100)]", "GST on Discount (Rs.) \n[18%*AQ]",
    "Total Discount in MP Fee (Rs.) \n[AQ + AR]", "Offer Adjustment (Rs.) \n[AS+AO]", "Dead Weight (kgs)",
    "Length*Breadth*Height", "Volumetric Weight (kgs)", "Chargeable Weight Source", "Chargeable Weight Type",
    "Chargeable Wt. Slab (In Kgs)", "Shipping Zone", "Order Date", "Dispatch Date", "Fulfilment Type", "Seller SKU",
    "Quantity", "Product Sub Category", "Additional Information", "Return Type", "Shopsy Order", "Item Return Status",
    "Invoice ID", "Invoice Date", "Sale Amount / Total (Rs.) \n", "Total Offer Amount / Total (Rs.) \n= SUM (BT:BU)",
    "Total Offer Amount / Free Shipping Offer (Rs.)", "Total Offer Amount / Non-Free Shipping Offer (Rs.)",
    "My Share / Total (Rs.) \n= SUM(BW:BX)", "My Share / Free Shipping Offer (Rs.)",
    "My Share / Non-Free Shipping Offer (Rs.)",
)  # fmt: skip

_UNUSED_FEES = (
    "Total Offer Amount (Rs.)", "Customer Add-ons Amount (Rs.)", "Offer Adjustments (Rs.)", "Protection Fund (Rs.)",
    "Collection Fee (Rs.)", "Pick And Pack Fee (Rs.)", "No Cost Emi Fee Reimbursement(Rs.)", "Installation Fee (Rs.)",
    "Tech Visit Fee (Rs.)", "Uninstallation & Packaging Fee (Rs.)", "Customer Add-ons Amount Recovery (Rs.)",
    "Franchise Fee (Rs.)", "Shopsy Marketing Fee (Rs.)", "Product Cancellation Fee (Rs.)",
    "Offer amount settled as Discount in MP Fee (Rs.)", "Discount in MP fees (Rs.) \n[AO/(1+AP/100)]",
    "GST on Discount (Rs.) \n[18%*AQ]", "Total Discount in MP Fee (Rs.) \n[AQ + AR]",
    "Offer Adjustment (Rs.) \n[AS+AO]",
)  # fmt: skip


def order_rows(view: View) -> Iterator[Row]:
    """What each payout has to do with each order item."""
    for settlement in settlements_in(view):
        yield _orders_row(settlement)


def _orders_row(settlement: Settlement) -> Row:
    order, gst = settlement.order, settlement.gst
    return {
        **dict.fromkeys(_UNUSED_FEES, "0"),
        **_shipment(order),
        "NEFT ID": settlement.neft_id,
        "Neft Type": "Prepaid" if order.is_prepaid else "Postpaid",
        "Order Type": "prepaid" if order.is_prepaid else "postpaid",
        " Payment Date": settlement.paid_on.isoformat(),
        "Bank Settlement Value (Rs.) \n= SUM(J:R)": rupees(settlement.bank_value),
        "Input GST + TCS Credits (Rs.)\n[GST+TCS]": str(-gst - settlement.tcs),
        "Income Tax Credits (Rs.)\n[TDS]": str(-settlement.tds),
        "Order ID": order.order_id,
        "Order item ID": order.item_id,
        "Sale Amount (Rs.)": rupees(settlement.sale),
        "My share (Rs.)": str(settlement.my_share),
        "Marketplace Fee (Rs.)\n= SUM (V:AI)": str(settlement.fees),
        "Taxes (Rs.)": str(gst + settlement.tcs + settlement.tds),
        "Refund (Rs.)": rupees(settlement.refund),
        "Tier": "silver",
        "Commission Rate (%)": "6",
        "Commission (Rs.)": str(settlement.commission),
        "Fixed Fee  (Rs.)": str(settlement.fixed_fee),
        "Shipping Fee (Rs.)": str(settlement.shipping_fee),
        "Reverse Shipping Fee (Rs.)": str(settlement.reverse_shipping_fee),
        "TCS (Rs.)": str(settlement.tcs),
        "TDS (Rs.)": str(settlement.tds),
        "GST on MP Fees (Rs.)": str(gst),
        "Item GST Rate (%)": str(order.product.gst),
        "Order Date": order.placed.date().isoformat(),
        "Dispatch Date": order.dispatched.date().isoformat() if order.dispatched else "",
        "Fulfilment Type": "fbf" if order.is_fbf else "seller_easy_ship",
        "Seller SKU": order.product.sku,
        "Quantity": str(order.quantity),
        "Product Sub Category": order.product.category,
        "Additional Information": "NA",
        "Return Type": "Customer Return" if settlement.is_refund else "NA",
        "Shopsy Order": "Yes" if order.is_shopsy else "No",
        "Item Return Status": "Product Delivered" if settlement.is_refund else "NA",
        "Invoice ID": order.invoice_id,
        "Invoice Date": order.dispatched.date().isoformat() if order.dispatched else "",
        "Sale Amount / Total (Rs.) \n": str(settlement.sale),
        "Total Offer Amount / Total (Rs.) \n= SUM (BT:BU)": "0",
        "Total Offer Amount / Free Shipping Offer (Rs.)": "Not Available",
        "Total Offer Amount / Non-Free Shipping Offer (Rs.)": "Not Available",
        "My Share / Total (Rs.) \n= SUM(BW:BX)": "0",
        "My Share / Free Shipping Offer (Rs.)": "Not Available",
        "My Share / Non-Free Shipping Offer (Rs.)": "Not Available",
    }


def _shipment(order: Order) -> Row:
    """What the parcel weighed, and how far it went."""
    weight = "NA" if order.number % 5 == 0 else "0.22"
    return {
        "Dead Weight (kgs)": weight,
        "Length*Breadth*Height": "NA" if weight == "NA" else "8.50*8.50*8.50",
        "Volumetric Weight (kgs)": weight,
        "Chargeable Weight Source": "System measured weight",
        "Chargeable Weight Type": "NA",
        "Chargeable Wt. Slab (In Kgs)": "0.0-0.5",
        "Shipping Zone": "Local" if order.is_intra_state else "National",
    }
