"""Orders and returns: orders_report, fbf_orders_report, returns_report in both its layouts.

The columns of fbf_orders_report are invented, as they are not published.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.layouts import Layout, Table
from tap_flipkart_reports.simulator.business.orders import DAY, WAREHOUSES, Order
from tap_flipkart_reports.simulator.business.views import View, moment_text, quoted_sku

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tap_flipkart_reports.simulator.business.layouts import Row

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


def _orders(view: View) -> Iterator[Row]:
    for order in view.placed():
        yield _order_row(order, view)


def _order_row(order: Order, view: View) -> Row:
    is_cancelled = order.cancelled is not None and order.cancelled <= view.as_of
    is_returned = order.return_requested is not None and order.return_requested <= view.as_of
    is_shipped = order.dispatched is not None and order.dispatched <= view.as_of
    return {
        "order_item_id": f"OI:{order.item_id}",
        "order_id": order.order_id,
        "fulfilment_source": "FBF" if order.is_fbf else "SELLER",
        "fulfilment_type": "FBF" if order.is_fbf else "Non-FBF",
        "order_date": moment_text(order.placed, view),
        "order_approval_date": moment_text(order.placed + timedelta(minutes=4), view),
        "order_item_status": order.status(view.as_of),
        "sku": quoted_sku(order),
        "fsn": order.product.fsn,
        "product_title": f'"""{order.product.title}"""',
        "quantity": str(order.quantity),
        "delivery_logistics_partner": "E-Kart Logistics" if is_shipped else "",
        "pickup_logistics_partner": "E-Kart Logistics" if is_shipped else "",
        "delivery_tracking_id": f"FMPC{order.serial}" if is_shipped else "",
        "order_cancellation_date": moment_text(order.cancelled, view),
        "cancellation_reason": "Order Cancelled, by customer" if is_cancelled else "",
        "cancellation_sub_reason": "No longer needed" if is_cancelled else "",
        "order_return_approval_date": moment_text(order.return_requested, view),
        "return_id": order.return_id if is_returned else "",
        "return_reason": "QUALITY_ISSUE" if is_returned else "",
        "return_sub_reason": "Colour, print differs" if is_returned else "",
        "procurement_dispatch_sla": "2",
        "dispatch_after_date": moment_text(order.placed, view),
        "dispatch_by_date": f"{order.placed + 2 * DAY:%Y-%m-%d %H:%M:%S}",
        "dispatched_date": moment_text(order.dispatched, view),
        "dispatch_sla_breached": "N",
        "seller_pickup_reattempts": "0",
        "delivery_sla": "8",
        "deliver_by_date": f"{order.placed + 8 * DAY:%Y-%m-%d %H:%M:%S}",
        "order_delivery_date": moment_text(order.delivered, view),
        "delivery_sla_breached": "Y" if order.delivered and order.delivered > order.placed + 8 * DAY else "N",
    }


FBF_ORDERS_HEADER = ("Order Item Id", "Order Id", "Warehouse Id", "Order Date", "Status", "SKU", "FSN", "Units")


def _fbf_orders(view: View) -> Iterator[Row]:
    for order in view.placed():
        if order.is_fbf:
            yield {
                "Order Item Id": f"'{order.item_id}",
                "Order Id": order.order_id,
                "Warehouse Id": WAREHOUSES[order.number % len(WAREHOUSES)],
                "Order Date": moment_text(order.placed, view),
                "Status": order.status(view.as_of),
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


def _returns(view: View) -> Iterator[Row]:
    for order in view.alive():
        requested = order.return_requested
        if requested is None or not view.has(requested):
            continue
        is_completed = order.return_completed is not None and order.return_completed <= view.as_of
        yield {
            "return_id": order.return_id,
            "order_item_id": f"OI:{order.item_id}",
            "fulfilment_type": "FBF" if order.is_fbf else "NON_FBF",
            "return_requested_date": moment_text(requested, view),
            "return_approval_date": moment_text(requested + timedelta(hours=2), view),
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
            "return_completion_date": moment_text(order.return_completed, view),
            "return_completion_breach": "N",
        }


DASHBOARD_HEADER = (
    "Location ID", "Order ID", "Order Item ID", "Return ID", "Tracking ID", "Shipment ID",
    "Replacement Order Item ID", "SKU", "FSN", "Product", "Total Price", "Quantity", "FF Type",
    "Return Requested Date", "Return Approval Date", "Completed Date", "Out For Delivery Date",
    "Return Delivery Promise Date", "Picked Up Date", "Shipment Type", "Return Status", "Completion Status",
    "Return Type", "Return Reason", "Return Sub-reason", "Comments", "Vendor Name", "Location Name", "Flyer Status",
    "Flyer Captured", "Flyer Actual", "Delivery Proof Time", "OBD Eligible", "OBD Status", "OBD Remarks",
    "Delivery Proof OTC", "Bag Tracking ID", "Order Type", "Customer GSTIN", "Customer Company Name", "IRN Number",
    "Invoice Number", "Invoice Date",
)  # fmt: skip


def _dashboard(view: View) -> Iterator[Row]:
    for order in view.alive():
        if order.return_requested is not None and view.has(order.return_requested):
            yield _dashboard_row(order, order.return_requested, view)


def _dashboard_row(order: Order, requested: datetime, view: View) -> Row:
    is_completed = order.return_completed is not None and order.return_completed <= view.as_of
    return {
        "Location ID": f"LOC{order.number:04d}",
        "Order ID": order.order_id,
        "Order Item ID": order.item_id,
        "Return ID": order.return_id,
        "Tracking ID": f"MYPR{order.serial}",
        "SKU": order.product.sku,
        "FSN": order.product.fsn,
        "Product": order.product.title,
        "Total Price": str(order.amount),
        "Quantity": str(order.quantity),
        "FF Type": "FA" if order.is_fbf else "NON_FA",
        "Return Requested Date": requested.date().isoformat(),
        "Return Approval Date": moment_text(requested + timedelta(hours=2), view),
        "Completed Date": moment_text(order.return_completed, view),
        "Return Delivery Promise Date": (requested + 14 * DAY).date().isoformat(),
        "Shipment Type": "Reverse",
        "Return Status": "completed" if is_completed else "in_transit",
        "Completion Status": "Return to seller" if is_completed else "",
        "Return Type": "customer_return",
        "Return Reason": "QUALITY_ISSUE",
        "Return Sub-reason": "Colour, print differs",
        "Comments": 'Buyer: "not as shown",\nplease check' if order.number % 4 == 0 else "-",
        "Vendor Name": "E-Kart Logistics",
        "Location Name": order.state,
        "OBD Eligible": "No",
        "Order Type": "PREPAID" if order.is_prepaid else "POSTPAID",
        "Invoice Number": order.invoice_id,
        "Invoice Date": order.dispatched.date().isoformat() if order.dispatched else "",
    }


ORDERS_REPORT = Layout(tables=(Table(title="Orders", header=ORDERS_HEADER, make=_orders),))
FBF_ORDERS_REPORT = Layout(tables=(Table(title="FBF Orders", header=FBF_ORDERS_HEADER, make=_fbf_orders),))
RETURNS_REPORT = Layout(
    tables=(Table(title="Returns", header=RETURNS_HEADER, make=_returns),),
    other=(Table(title="Returns dashboard export", header=DASHBOARD_HEADER, make=_dashboard),),
)
