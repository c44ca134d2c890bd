"""The reports as tables of text: exact headers, and cells as Flipkart prints them.

Headers of the published reports are those that public programs read. Of fbf_orders_report, stranded_inventory_report,
unsellable_inventory_report, mir_ledger, stock_ledger and inventory_report nobody has published the columns: theirs are
invented, as is the identifier of profit_and_loss_report.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.simulator.orders import (
    CENT,
    DAY,
    HOME_STATE,
    LONGEST_LIFE,
    PRODUCTS,
    STATES,
    WAREHOUSES,
    Order,
    orders_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Row = dict[str, str]

GSTIN = "29ABCDE1234F1Z5"
ZERO = Decimal("0.00")


def table(
    identifier: str, seller_id: str, parameters: Mapping[str, Any], *, as_of: datetime, orders_per_day: int
) -> tuple[Sequence[str], list[Row]]:
    """Header and rows of a report.

    Args:
        identifier: the report type.
        seller_id: the seller.
        parameters: as triggered.
        as_of: the moment of the report, Kolkata's, without a zone.
        orders_per_day: how much the seller sells.
    """
    header, make = _TABLES[identifier]
    report = _Report(seller_id, parameters, as_of, orders_per_day)
    rows = []
    for values in make(report):
        unknown = set(values) - set(header)
        if unknown:
            raise KeyError(f"{identifier} has no columns {sorted(unknown)}")
        rows.append({name: values.get(name, "") for name in header})
    return header, rows


class _Report:
    def __init__(self, seller_id: str, parameters: Mapping[str, Any], as_of: datetime, per_day: int) -> None:
        self.seller_id = seller_id
        self.parameters = parameters
        self.as_of = as_of
        self.per_day = per_day
        self.warehouse = str(parameters.get("warehouse_id", ""))
        if "from_date" in parameters:
            self.first = date.fromisoformat(parameters["from_date"])
            self.last = date.fromisoformat(parameters["to_date"])
        elif "month" in parameters:
            self.first = datetime.strptime(f"1 {parameters['month']} {parameters['year']}", "%d %B %Y").date()  # noqa: DTZ007 - a day
            self.last = (self.first + 31 * DAY).replace(day=1) - DAY
        else:
            self.first = self.last = as_of.date()

    def placed(self) -> Iterator[Order]:
        """Orders placed in the report's days."""
        for order in orders_of(self.seller_id, self.first, self.last, per_day=self.per_day):
            if order.placed <= self.as_of:
                yield order

    def alive(self) -> Iterator[Order]:
        """Orders to which something may have happened in the report's days."""
        for order in orders_of(self.seller_id, self.first - LONGEST_LIFE, self.last, per_day=self.per_day):
            if order.placed <= self.as_of:
                yield order

    def has(self, moment: datetime | None) -> bool:
        """Whether something happened in the report's days and is known by now."""
        return moment is not None and self.first <= moment.date() <= self.last and moment <= self.as_of

    def has_day(self, day: date | None) -> bool:
        """The same for a day."""
        return day is not None and self.first <= day <= self.last and day <= self.as_of.date()

    def stock(self, salt: str) -> random.Random:
        """Numbers of a warehouse on a day."""
        return random.Random(f"{self.seller_id} {self.warehouse} {self.last} {salt}")


def _midnight(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d} 00:00:00.0"


def _time(moment: datetime | None, report: _Report) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment is not None and moment <= report.as_of else ""


def _sku(order: Order) -> str:
    return f'"""SKU:{order.product.sku}"""'


def _halves(tax: Decimal) -> tuple[Decimal, Decimal]:
    half = (tax / 2).quantize(CENT)
    return half, tax - half


def _rupees(amount: Decimal) -> str:
    """Indian digit grouping: the last three digits, then pairs."""
    whole, _, cents = f"{abs(amount):.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs: list[str] = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    text = ",".join([*pairs, tail]) + "." + cents
    return f"-{text}" if amount < 0 else text


# sales_ledger

SALES_HEADER = (
    "Seller GSTIN", "Order ID", "Order Item ID", "Product Title/Description", "FSN", "SKU", "HSN Code", "Event Type",
    "Event Sub Type", "Order Type", "Fulfilment Type", "Order Date", "Order Approval Date ", "Item Quantity",
    "Order Shipped From (State)", "Warehouse ID", "Price before discount", "Total Discount", "Seller Share ",
    "Bank Offer Share", "Price after discount (Price before discount-Total discount)", "Shipping Charges",
    "Final Invoice Amount (Price after discount+Shipping Charges)", "Type of tax",
    "Taxable Value (Final Invoice Amount -Taxes)", "CST Rate", "CST Amount", "VAT Rate", "VAT Amount",
    "Luxury Cess Rate", "Luxury Cess Amount", "IGST Rate", "IGST Amount", "CGST Rate", "CGST Amount",
    "SGST Rate (or UTGST as applicable)", "SGST Amount (Or UTGST as applicable)", "TCS IGST Rate", "TCS IGST Amount",
    "TCS CGST Rate", "TCS CGST Amount", "TCS SGST Rate", "TCS SGST Amount", "Total TCS Deducted", "Buyer Invoice ID",
    "Buyer Invoice Date", "Buyer Invoice Amount ", "Customer's Billing Pincode", "Customer's Billing State",
    "Customer's Delivery Pincode", "Customer's Delivery State", "Usual Price", "Is Shopsy Order?", "TDS Rate",
    "TDS Amount", "IRN", "Business Name", "Business GST Number", "Beneficiary Name", "IMEI",
)  # fmt: skip


def _sales(report: _Report) -> Iterator[Row]:
    for order in report.alive():
        if report.has(order.dispatched) and order.dispatched is not None:
            yield _sale(order, "Sale", order.invoice_id, order.dispatched, 1)
        if report.has(order.return_completed) and order.return_completed is not None:
            yield _sale(order, "Return", order.credit_note_id, order.return_completed, -1)


def _sale(order: Order, event: str, invoice_id: str, moment: datetime, sign: int) -> Row:
    intra, rate = order.is_intra_state, order.product.gst
    half, other_half = _halves(order.tax) if intra else (ZERO, ZERO)
    igst = ZERO if intra else order.tax
    tcs = (order.taxable * Decimal("0.005")).quantize(CENT)
    tcs_half, tcs_other = _halves(tcs) if intra else (ZERO, ZERO)
    before = order.product.price * order.quantity

    def signed(amount: Decimal) -> str:
        return str(sign * amount)

    return {
        "Seller GSTIN": GSTIN,
        "Order ID": order.order_id,
        "Order Item ID": order.item_id,
        "Product Title/Description": order.product.title,
        "FSN": order.product.fsn,
        "SKU": _sku(order),
        "HSN Code": order.product.hsn,
        "Event Type": event,
        "Event Sub Type": event,
        "Order Type": "Prepaid" if order.is_prepaid else "Postpaid",
        "Fulfilment Type": "FBF" if order.is_fbf else "NON_FBF",
        "Order Date": _midnight(order.placed),
        "Order Approval Date ": _midnight(order.placed),
        "Item Quantity": f"{order.quantity}.0",
        "Order Shipped From (State)": HOME_STATE,
        "Warehouse ID": WAREHOUSES[order.number % len(WAREHOUSES)] if order.is_fbf else "NA",
        "Price before discount": signed(before),
        "Total Discount": signed(order.discount),
        "Seller Share ": signed(order.discount),
        "Bank Offer Share": "0.0",
        "Price after discount (Price before discount-Total discount)": signed(order.amount),
        "Shipping Charges": "0.0",
        "Final Invoice Amount (Price after discount+Shipping Charges)": signed(order.amount),
        "Type of tax": "GST",
        "Taxable Value (Final Invoice Amount -Taxes)": signed(order.taxable),
        "CST Rate": "0.0", "CST Amount": "0.0", "VAT Rate": "0.0", "VAT Amount": "0.0",
        "Luxury Cess Rate": "0.0", "Luxury Cess Amount": "0.0",
        "IGST Rate": "0.0" if intra else str(rate),
        "IGST Amount": signed(igst),
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
        "Buyer Invoice ID": invoice_id,
        "Buyer Invoice Date": _midnight(moment),
        "Buyer Invoice Amount ": signed(order.amount),
        "Customer's Billing Pincode": STATES[order.state],
        "Customer's Billing State": order.state,
        "Customer's Delivery Pincode": STATES[order.state],
        "Customer's Delivery State": order.state,
        "Usual Price": "NA",
        "Is Shopsy Order?": "TRUE" if order.is_shopsy else "FALSE",
        "TDS Rate": "0.1",
        "TDS Amount": signed((order.taxable * Decimal("0.001")).quantize(CENT)),
        "IRN": "NA",
        "Business Name": "NA",
        "Business GST Number": "NA",
    }  # fmt: skip


# What was ordered, and what came back

ORDERS_HEADER = (
    "order_item_id", "order_id", "fulfilment_source", "fulfilment_type", "order_date", "order_approval_date",
    "order_item_status", "sku", "fsn", "product_title", "quantity", "serial_no_imei", "delivery_logistics_partner",
    "pickup_logistics_partner", "delivery_tracking_id", "forward_logistics_form", "forward_logistics_form_no",
    "order_cancellation_date", "cancellation_reason", "cancellation_sub_reason", "order_return_approval_date",
    "return_id", "return_reason", "return_sub_reason", "procurement_dispatch_sla", "dispatch_after_date",
    "dispatch_by_date", "order_ready_for_dispatch_on_date", "dispatched_date", "dispatch_sla_breached",
    "seller_pickup_reattempts", "delivery_sla", "deliver_by_date", "order_delivery_date", "delivery_sla_breached",
    "order_service_completion_date", "service_by_date", "service_completion_sla", "service_sla_breached",
)  # fmt: skip


def _orders(report: _Report) -> Iterator[Row]:
    for order in report.placed():
        yield _order_row(order, report)


def _order_row(order: Order, report: _Report) -> Row:
    is_cancelled = order.cancelled is not None and order.cancelled <= report.as_of
    is_returned = order.return_requested is not None and order.return_requested <= report.as_of
    is_shipped = order.dispatched is not None and order.dispatched <= report.as_of
    return {
        "order_item_id": f"OI:{order.item_id}",
        "order_id": order.order_id,
        "fulfilment_source": "FBF" if order.is_fbf else "SELLER",
        "fulfilment_type": "FBF" if order.is_fbf else "Non-FBF",
        "order_date": _time(order.placed, report),
        "order_approval_date": _time(order.placed + timedelta(minutes=4), report),
        "order_item_status": order.status(report.as_of),
        "sku": _sku(order),
        "fsn": order.product.fsn,
        "product_title": f'"""{order.product.title}"""',
        "quantity": str(order.quantity),
        "delivery_logistics_partner": "E-Kart Logistics" if is_shipped else "",
        "pickup_logistics_partner": "E-Kart Logistics" if is_shipped else "",
        "delivery_tracking_id": f"FMPC{order.serial}" if is_shipped else "",
        "order_cancellation_date": _time(order.cancelled, report),
        "cancellation_reason": "Order Cancelled, by customer" if is_cancelled else "",
        "cancellation_sub_reason": "No longer needed" if is_cancelled else "",
        "order_return_approval_date": _time(order.return_requested, report),
        "return_id": order.return_id if is_returned else "",
        "return_reason": "QUALITY_ISSUE" if is_returned else "",
        "return_sub_reason": "Colour, print differs" if is_returned else "",
        "procurement_dispatch_sla": "2",
        "dispatch_after_date": _time(order.placed, report),
        "dispatch_by_date": f"{order.placed + 2 * DAY:%Y-%m-%d %H:%M:%S}",
        "dispatched_date": _time(order.dispatched, report),
        "dispatch_sla_breached": "N",
        "seller_pickup_reattempts": "0",
        "delivery_sla": "8",
        "deliver_by_date": f"{order.placed + 8 * DAY:%Y-%m-%d %H:%M:%S}",
        "order_delivery_date": _time(order.delivered, report),
        "delivery_sla_breached": "Y" if order.delivered and order.delivered > order.placed + 8 * DAY else "N",
    }


FBF_ORDERS_HEADER = ("Order Item Id", "Order Id", "Warehouse Id", "Order Date", "Status", "SKU", "FSN", "Units")


def _fbf_orders(report: _Report) -> Iterator[Row]:
    for order in report.placed():
        if order.is_fbf:
            yield {
                "Order Item Id": f"'{order.item_id}",
                "Order Id": order.order_id,
                "Warehouse Id": WAREHOUSES[order.number % len(WAREHOUSES)],
                "Order Date": _time(order.placed, report),
                "Status": order.status(report.as_of),
                "SKU": f"SKU:{order.product.sku}",
                "FSN": order.product.fsn,
                "Units": str(order.quantity),
            }


RETURNS_HEADER = (
    "return_id", "order_item_id", "fulfilment_type", "return_requested_date", "return_approval_date", "return_status",
    "return_reason", "return_sub_reason", "return_type", "return_result", "return_expectation",
    "reverse_logistics_tracking_id", "sku", "fsn", "product_title", "quantity", "return_completion_type",
    "primary_pv_output", "detailed_pv_output", "final_condition_of_returned_product", "tech_visit_sla",
    "tech_visit_by_date", "tech_visit_completion_datetime", "tech_visit_completion_breach", "return_completion_sla",
    "return_complete_by_date", "return_completion_date", "return_completion_breach", "return_cancellation_date",
    "return_cancellation_reason",
)  # fmt: skip


def _returns(report: _Report) -> Iterator[Row]:
    for order in report.alive():
        requested = order.return_requested
        if requested is None or not report.has(requested):
            continue
        is_completed = order.return_completed is not None and order.return_completed <= report.as_of
        yield {
            "return_id": order.return_id,
            "order_item_id": f"OI:{order.item_id}",
            "fulfilment_type": "FBF" if order.is_fbf else "NON_FBF",
            "return_requested_date": _time(requested, report),
            "return_approval_date": _time(requested + timedelta(hours=2), report),
            "return_status": "Completed" if is_completed else "In Transit",
            "return_reason": "QUALITY_ISSUE",
            "return_sub_reason": "Colour, print differs",
            "return_type": "customer_return",
            "return_result": "Approved",
            "return_expectation": "Refund",
            "reverse_logistics_tracking_id": f"MYPR{order.serial}",
            "sku": f"SKU:{order.product.sku}",
            "fsn": order.product.fsn,
            "product_title": order.product.title,
            "quantity": str(order.quantity),
            "return_completion_type": "Return to seller" if is_completed else "",
            "return_completion_sla": "14",
            "return_complete_by_date": f"{requested + 14 * DAY:%Y-%m-%d %H:%M:%S}",
            "return_completion_date": _time(order.return_completed, report),
            "return_completion_breach": "N",
        }


# settled_transaction_ledger, financial_year_ledger

SETTLEMENT_HEADER = (
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


def _settlements(report: _Report) -> Iterator[Row]:
    for order in report.alive():
        if report.has_day(order.paid_on) and order.paid_on is not None:
            yield _settlement(order, order.paid_on, is_refund=False)
        if report.has_day(order.refunded_on) and order.refunded_on is not None:
            yield _settlement(order, order.refunded_on, is_refund=True)


def _settlement(order: Order, paid_on: date, *, is_refund: bool) -> Row:
    commission = ZERO if is_refund else -(order.amount * Decimal("0.06")).quantize(CENT)
    fixed = ZERO if is_refund else Decimal("-12.00")
    shipping = ZERO if is_refund else Decimal("-46.00")
    reverse = Decimal("-85.00") if is_refund else ZERO
    fees = commission + fixed + shipping + reverse
    gst = (fees * Decimal("0.18")).quantize(CENT)
    tcs = ZERO if is_refund else -(order.taxable * Decimal("0.005")).quantize(CENT)
    tds = ZERO if is_refund else -(order.taxable * Decimal("0.001")).quantize(CENT)
    sale = ZERO if is_refund else order.amount
    refund = -order.amount if is_refund else ZERO
    weight = "NA" if order.number % 5 == 0 else "0.22"
    return {
        **dict.fromkeys(_UNUSED_FEES, "0"),
        "NEFT ID": f"NFT-{order.seller_id}/XUTR/{paid_on:%y%m%d} ",
        "Neft Type": "Prepaid" if order.is_prepaid else "Postpaid",
        " Payment Date": paid_on.isoformat(),
        "Bank Settlement Value (Rs.) \n= SUM(J:R)": _rupees(sale + refund + fees + gst + tcs + tds),
        "Input GST + TCS Credits (Rs.)\n[GST+TCS]": str(-gst - tcs),
        "Income Tax Credits (Rs.)\n[TDS]": str(-tds),
        "Order ID": order.order_id,
        "Order item ID": order.item_id,
        "Sale Amount (Rs.)": _rupees(sale),
        "My share (Rs.)": str(-order.discount),
        "Marketplace Fee (Rs.)\n= SUM (V:AI)": str(fees),
        "Taxes (Rs.)": str(gst + tcs + tds),
        "Refund (Rs.)": _rupees(refund),
        "Tier": "silver",
        "Commission Rate (%)": "6",
        "Commission (Rs.)": str(commission),
        "Fixed Fee  (Rs.)": str(fixed),
        "Shipping Fee (Rs.)": str(shipping),
        "Reverse Shipping Fee (Rs.)": str(reverse),
        "TCS (Rs.)": str(tcs),
        "TDS (Rs.)": str(tds),
        "GST on MP Fees (Rs.)": str(gst),
        "Item GST Rate (%)": str(order.product.gst),
        "Dead Weight (kgs)": weight,
        "Length*Breadth*Height": "NA" if weight == "NA" else "8.50*8.50*8.50",
        "Volumetric Weight (kgs)": weight,
        "Chargeable Weight Source": "System measured weight",
        "Chargeable Weight Type": "NA",
        "Chargeable Wt. Slab (In Kgs)": "0.0-0.5",
        "Shipping Zone": "Local" if order.is_intra_state else "National",
        "Order Date": f"{order.placed:%Y-%m-%d}",
        "Dispatch Date": f"{order.dispatched:%Y-%m-%d}" if order.dispatched else "",
        "Fulfilment Type": "fbf" if order.is_fbf else "seller_easy_ship",
        "Seller SKU": order.product.sku,
        "Quantity": str(order.quantity),
        "Product Sub Category": order.product.category,
        "Additional Information": "NA",
        "Return Type": "Customer Return" if is_refund else "NA",
        "Shopsy Order": "Yes" if order.is_shopsy else "No",
        "Item Return Status": "Product Delivered" if is_refund else "NA",
        "Invoice ID": order.invoice_id,
        "Invoice Date": f"{order.dispatched:%Y-%m-%d}" if order.dispatched else "",
        "Sale Amount / Total (Rs.) \n": str(sale),
        "Total Offer Amount / Total (Rs.) \n= SUM (BT:BU)": "0",
        "Total Offer Amount / Free Shipping Offer (Rs.)": "Not Available",
        "Total Offer Amount / Non-Free Shipping Offer (Rs.)": "Not Available",
        "My Share / Total (Rs.) \n= SUM(BW:BX)": "0",
        "My Share / Free Shipping Offer (Rs.)": "Not Available",
        "My Share / Non-Free Shipping Offer (Rs.)": "Not Available",
    }


# gst_returns_report: section 7(A)(2) of GSTR-1

GST_HEADER = (
    "GSTIN", "Gross Taxable Value Rs.", "Taxable Sales Return Value Rs.", "Aggregate Taxable Value Rs.", "CGST %",
    "CGST Amount Rs.", "SGST/UT %", "SGST /UT Amount Rs.", "Cess %", "CESS Amount Rs.",
)  # fmt: skip


def _gst(report: _Report) -> Iterator[Row]:
    for rate in sorted({product.gst for product in PRODUCTS}):
        sold = returned = tax = ZERO
        for order in report.alive():
            if order.product.gst == rate and order.is_intra_state:
                if report.has(order.dispatched):
                    sold, tax = sold + order.taxable, tax + order.tax
                if report.has(order.return_completed):
                    returned, tax = returned + order.taxable, tax - order.tax
        half, other_half = _halves(tax)
        if sold or returned:
            yield {
                "GSTIN": GSTIN,
                "Gross Taxable Value Rs.": str(sold),
                "Taxable Sales Return Value Rs.": str(returned),
                "Aggregate Taxable Value Rs.": str(sold - returned),
                "CGST %": str(rate / 2),
                "CGST Amount Rs.": str(half),
                "SGST/UT %": str(rate / 2),
                "SGST /UT Amount Rs.": str(other_half),
                "Cess %": "0",
                "CESS Amount Rs.": "0",
            }


# Warehouses

INVENTORY_HEADER = (
    "Warehouse Id", "SKU", "Title", "Listing Id", "FSN", "Brand", "Flipkart Selling Price", "Live on Website",
    "Sales 7D", "Sales 14D", "Sales 30D", "Sales 60D", "Sales 90D", "B2B Scheduled", "Transfers Scheduled",
    "B2B Shipped", "Transfers Shipped", "B2B Receiving", "Transfers Receiving", "Reserved for Orders and Recalls",
    "Reserved for Internal Processing", "Returns Processing", "Orders to Dispatch", "Recalls to Dispatch", "Damaged",
    "QC Reject", "Catalog Reject", "Returns Reject", "Seller Return Reject", "Miscellaneous", "Length (in cm)",
    "Breadth (in cm)", "Height (in cm)", "Weight (in kg)", "Fulfilment Type", "F Assured Badge",
)  # fmt: skip


def _inventory(report: _Report) -> Iterator[Row]:
    for warehouse in WAREHOUSES[:3]:
        for product in PRODUCTS:
            rng = report.stock(f"{warehouse} {product.fsn}")
            yield {
                **dict.fromkeys(INVENTORY_HEADER[13:30], "0"),
                "Warehouse Id": warehouse,
                "SKU": product.sku,
                "Title": product.title,
                "Listing Id": f"LST{product.fsn}",
                "FSN": f'"{product.fsn}"',
                "Brand": product.brand,
                "Flipkart Selling Price": str(product.price),
                "Live on Website": str(rng.randint(0, 400)),
                "Sales 7D": str(rng.randint(0, 30)),
                "Sales 14D": str(rng.randint(30, 60)),
                "Sales 30D": str(rng.randint(60, 120)),
                "Damaged": str(rng.randint(0, 3)),
                "Length (in cm)": "10.0",
                "Breadth (in cm)": "12.5",
                "Height (in cm)": "4.0",
                "Weight (in kg)": "0.3",
                "Fulfilment Type": "FBF",
                "F Assured Badge": "Yes",
            }


STOCK_HEADER = ("Date", "Warehouse", "SKU", "FSN", "Opening Stock", "Inward", "Outward", "Closing Stock", "Remarks")


def _stock(report: _Report) -> Iterator[Row]:
    day = report.first
    while day <= report.last:
        for product in PRODUCTS[:4]:
            rng = random.Random(f"{report.seller_id} {report.warehouse} {product.fsn} {day}")
            opening, inward = rng.randint(20, 90), rng.choice((0, 0, 40))
            outward = rng.randint(0, 20)
            yield {
                "Date": day.strftime("%d-%m-%Y"),
                "Warehouse": report.warehouse,
                "SKU": product.sku,
                "FSN": product.fsn,
                "Opening Stock": str(opening),
                "Inward": str(inward),
                "Outward": str(outward),
                "Closing Stock": str(opening + inward - outward),
                "Remarks": "-",
            }
        day += DAY


MIR_HEADER = ("Warehouse", "SKU", "FSN", "Opening", "Received", "Sold", "Lost", "Closing", "Claim Amount")


def _mir(report: _Report) -> Iterator[Row]:
    for product in PRODUCTS:
        rng = report.stock(product.fsn)
        opening, received, sold, lost = rng.randint(50, 90), rng.randint(0, 40), rng.randint(0, 40), rng.randint(0, 2)
        yield {
            "Warehouse": report.warehouse,
            "SKU": product.sku,
            "FSN": product.fsn,
            "Opening": str(opening),
            "Received": str(received),
            "Sold": str(sold),
            "Lost": str(lost),
            "Closing": str(opening + received - sold - lost),
            "Claim Amount": f"₹{_rupees(lost * product.price)}",
        }


UNITS_HEADER = ("SKU", "FSN", "Title", "Units", "Reason")


def _units(salt: str, reason: str) -> Callable[[_Report], Iterator[Row]]:
    def rows(report: _Report) -> Iterator[Row]:
        for product in PRODUCTS:
            units = report.stock(f"{salt} {product.fsn}").randint(0, 5)
            if units:
                yield {
                    "SKU": product.sku,
                    "FSN": product.fsn,
                    "Title": product.title,
                    "Units": str(units),
                    "Reason": reason,
                }

    return rows


PROFIT_HEADER = (
    "Order Date", "Order ID", "Order Item ID", "SKU Name", "Fulfillment Type", "Order Status", "Gross Units",
    "Estimated Net Sales (INR)", "Total Expenses (INR)", "Net Earnings (INR)",
)  # fmt: skip


def _profit(report: _Report) -> Iterator[Row]:
    for order in report.placed():
        expenses = (order.amount * Decimal("0.2")).quantize(CENT)
        yield {
            "Order Date": f"{order.placed:%Y-%m-%d}",
            "Order ID": order.order_id,
            "Order Item ID": order.item_id,
            "SKU Name": order.product.sku,
            "Fulfillment Type": "FBF" if order.is_fbf else "NON_FBF",
            "Order Status": order.status(report.as_of).upper(),
            "Gross Units": str(order.quantity),
            "Estimated Net Sales (INR)": f"₹ {_rupees(order.amount)}",
            "Total Expenses (INR)": f"({_rupees(expenses)})",
            "Net Earnings (INR)": _rupees(order.amount - expenses),
        }


_TABLES: Mapping[str, tuple[Sequence[str], Callable[[_Report], Iterator[Row]]]] = {
    "gst_returns_report": (GST_HEADER, _gst),
    "sales_ledger": (SALES_HEADER, _sales),
    "settled_transaction_ledger": (SETTLEMENT_HEADER, _settlements),
    "financial_year_ledger": (SETTLEMENT_HEADER, _settlements),
    "fbf_orders_report": (FBF_ORDERS_HEADER, _fbf_orders),
    "stranded_inventory_report": (UNITS_HEADER, _units("stranded", "Listing inactive")),
    "current_inventory_report": (INVENTORY_HEADER, _inventory),
    "unsellable_inventory_report": (UNITS_HEADER, _units("unsellable", "Damaged in warehouse")),
    "returns_report": (RETURNS_HEADER, _returns),
    "orders_report": (ORDERS_HEADER, _orders),
    "mir_ledger": (MIR_HEADER, _mir),
    "stock_ledger": (STOCK_HEADER, _stock),
    "inventory_report": (UNITS_HEADER, _units("stock", "-")),
    "profit_and_loss_report": (PROFIT_HEADER, _profit),
}

IDENTIFIERS = tuple(_TABLES)
