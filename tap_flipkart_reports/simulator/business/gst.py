"""gst_returns_report: the sections of the tax returns, sums of what the sales ledger lists."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.layouts import Layout, Table
from tap_flipkart_reports.simulator.business.orders import DAY, STATE_CODES, Order
from tap_flipkart_reports.simulator.business.sales import tcs_on
from tap_flipkart_reports.simulator.business.views import GSTIN, ZERO, View, halves, month_before, rupees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_flipkart_reports.simulator.business.layouts import Row

LARGE = Decimal(250_000)
"""Rupees; an invoice to another state above them is listed by itself."""

FLIPKART_GSTIN = "27AACCF0683K1CS"
NO_CESS = {"Cess %": "0", "CESS Amount Rs.": "0"}


@dataclass(kw_only=True)
class _Sum:
    """Sums of some orders, sales less returns."""

    sold: Decimal = ZERO
    returned: Decimal = ZERO
    value: Decimal = ZERO
    igst: Decimal = ZERO
    cgst: Decimal = ZERO
    sgst: Decimal = ZERO
    tcs_igst: Decimal = ZERO
    tcs_cgst: Decimal = ZERO
    tcs_sgst: Decimal = ZERO
    units: int = 0
    invoices: int = 0

    def add(self, order: Order, sign: int) -> None:
        self.sold += order.taxable if sign > 0 else ZERO
        self.returned += order.taxable if sign < 0 else ZERO
        self.value += sign * order.amount
        self.units += sign * order.quantity
        self.invoices += sign
        tcs = tcs_on(order.taxable)
        if not order.is_intra_state:
            self.igst += sign * order.tax
            self.tcs_igst += sign * tcs
            return
        (cgst, sgst), (tcs_cgst, tcs_sgst) = halves(order.tax), halves(tcs)
        self.cgst += sign * cgst
        self.sgst += sign * sgst
        self.tcs_cgst += sign * tcs_cgst
        self.tcs_sgst += sign * tcs_sgst

    @property
    def gross(self) -> Row:
        return {
            "GSTIN": GSTIN,
            "Gross Taxable Value Rs.": str(self.sold),
            "Taxable Sales Return Value Rs.": str(self.returned),
        }


def _events(view: View) -> Iterator[tuple[Order, int]]:
    """Orders that are invoiced in the view's days, with 1, and taken back, with -1."""
    for order in view.alive():
        if view.has(order.dispatched):
            yield order, 1
        if view.has(order.return_completed):
            yield order, -1


def _sums(
    view: View, group: Callable[[Order], tuple[Decimal, str] | None]
) -> Iterator[tuple[tuple[Decimal, str], _Sum]]:
    """Sums of orders by group, in the groups' order; without those that belong to none."""
    sums: dict[tuple[Decimal, str], _Sum] = defaultdict(_Sum)
    for order, sign in _events(view):
        if (key := group(order)) is not None:
            sums[key].add(order, sign)
    yield from sorted(sums.items(), key=lambda item: item[0])


# GSTR-1

WITHIN_STATE_HEADER = (
    "GSTIN", "Gross Taxable Value Rs.", "Taxable Sales Return Value Rs.", "Aggregate Taxable Value Rs.", "CGST %",
    "CGST Amount Rs.", "SGST/UT %", "SGST /UT Amount Rs.", "Cess %", "CESS Amount Rs.",
)  # fmt: skip


def _within_state(view: View) -> Iterator[Row]:
    for (rate, _), total in _sums(view, lambda order: (order.product.gst, "") if order.is_intra_state else None):
        yield {
            **total.gross,
            "Aggregate Taxable Value Rs.": str(total.sold - total.returned),
            "CGST %": str(rate / 2),
            "CGST Amount Rs.": str(total.cgst),
            "SGST/UT %": str(rate / 2),
            "SGST /UT Amount Rs.": str(total.sgst),
            **NO_CESS,
        }


OTHER_STATES_HEADER = (
    "GSTIN", "Gross Taxable Value Rs.", "Taxable Sales Return Value Rs.", "Aggregate Taxable Value Rs.", "IGST %",
    "IGST Amount Rs.", "Cess %", "CESS Amount Rs.", "Delivered State (PoS)", "Delivered State Code",
)  # fmt: skip


def _is_large(order: Order) -> bool:
    return order.amount > LARGE and not order.is_intra_state


def _other_states(view: View) -> Iterator[Row]:
    def group(order: Order) -> tuple[Decimal, str] | None:
        return None if order.is_intra_state or _is_large(order) else (order.product.gst, order.state)

    for (rate, state), total in _sums(view, group):
        yield {
            **total.gross,
            "Aggregate Taxable Value Rs.": str(total.sold - total.returned),
            "IGST %": str(rate),
            "IGST Amount Rs.": str(total.igst),
            **NO_CESS,
            "Delivered State (PoS)": state,
            "Delivered State Code": STATE_CODES[state],
        }


HSN_HEADER = (
    "GSTIN", "HSN Number", "Total Quantity in Nos.", "Total\n Value Rs.", "Total Taxable Value Rs.",
    "IGST Amount Rs.", "CGST Amount Rs.", "SGST Amount Rs.", "Cess Rs.",
)  # fmt: skip


def _hsn(view: View) -> Iterator[Row]:
    for (_, hsn), total in _sums(view, lambda order: (ZERO, order.product.hsn)):
        yield {
            "GSTIN": GSTIN,
            "HSN Number": hsn,
            "Total Quantity in Nos.": str(total.units),
            "Total\n Value Rs.": str(total.value),
            "Total Taxable Value Rs.": str(total.sold - total.returned),
            "IGST Amount Rs.": str(total.igst),
            "CGST Amount Rs.": str(total.cgst),
            "SGST Amount Rs.": str(total.sgst),
            "Cess Rs.": "0",
        }


DOCUMENTS_HEADER = (
    "GSTIN", "Invoice Series From", "Invoice Series \nTo", "Total Number of Invoices", "Cancelled if any",
    "Net invoices Issued",
)  # fmt: skip


def _documents(view: View) -> Iterator[Row]:
    events = list(_events(view))
    for numbers in (
        sorted(order.invoice_id for order, sign in events if sign > 0),
        sorted(order.credit_note_id for order, sign in events if sign < 0),
    ):
        if numbers:
            yield {
                "GSTIN": GSTIN,
                "Invoice Series From": numbers[0],
                "Invoice Series \nTo": numbers[-1],
                "Total Number of Invoices": str(len(numbers)),
                "Cancelled if any": "0",
                "Net invoices Issued": str(len(numbers)),
            }


LARGE_HEADER = (
    "GSTIN", "Delivered State (PoS)", "Invoice Number", "Invoice Date", "Invoice Amount Rs.", "IGST %",
    "Taxable Value Rs.", "IGST Amount Rs.", "Cess %", "CESS\nAmount Rs.",
)  # fmt: skip


def _large(view: View) -> Iterator[Row]:
    for order, sign in _events(view):
        moment = order.dispatched if sign > 0 else order.return_completed
        if _is_large(order) and moment is not None:
            yield {
                "GSTIN": GSTIN,
                "Delivered State (PoS)": order.state,
                "Invoice Number": order.invoice_id if sign > 0 else order.credit_note_id,
                "Invoice Date": moment.date().isoformat(),
                "Invoice Amount Rs.": rupees(sign * order.amount),
                "IGST %": str(order.product.gst),
                "Taxable Value Rs.": rupees(sign * order.taxable),
                "IGST Amount Rs.": rupees(sign * order.tax),
                "Cess %": "0",
                "CESS\nAmount Rs.": "0",
            }


# GSTR-8

TCS_HEADER = (
    "GSTIN", "Seller ID issued by Flipkart.Com", "GSTIN of Flipkart.Com", "Gross Taxable Value Rs.",
    "Taxable Sales Return Value Rs.", "Net Taxable Value", "TCS %", "TCS IGST amount Rs.", "TCS CGST amount Rs.",
    "TCS SGST amount Rs.", "IGST Amount Rs.", "CGST Amount Rs.", "SGST Amount Rs.", "Invoice Qty\n(Net)",
)  # fmt: skip


def _tcs(view: View) -> Iterator[Row]:
    for _, total in _sums(view, lambda _order: (ZERO, "")):
        yield {
            **total.gross,
            "Seller ID issued by Flipkart.Com": view.seller_id.encode().hex(),
            "GSTIN of Flipkart.Com": FLIPKART_GSTIN,
            "Net Taxable Value": str(total.sold - total.returned),
            "TCS %": "0.5",
            "TCS IGST amount Rs.": str(total.tcs_igst),
            "TCS CGST amount Rs.": str(total.tcs_cgst),
            "TCS SGST amount Rs.": str(total.tcs_sgst),
            "IGST Amount Rs.": str(total.igst),
            "CGST Amount Rs.": str(total.cgst),
            "SGST Amount Rs.": str(total.sgst),
            "Invoice Qty\n(Net)": str(total.invoices),
        }


# Amendments of GSTR-1

AMENDED_DAYS, AMENDED_SHARE = 8, 5
"""Of the first days of a month every fifth sale is amended by the return of the next month, its value unchanged."""

AMENDED_WITHIN_HEADER = (
    "GSTIN", "Taxable Value Rs.", "CGST %", "CGST Amount Rs.", "SGST/UT %", "SGST /UT Amount Rs.", "CESS Amount Rs.",
    "Amended Period",
)  # fmt: skip

AMENDED_OTHER_HEADER = (
    "GSTIN", "Aggregate Taxable Value Rs.", "IGST %", "IGST Amount Rs.", "CESS Amount Rs.", "Delivered State (PoS)",
    "Delivered State Code", "Amended Period",
)  # fmt: skip


def _amended(view: View) -> Iterator[tuple[Order, str]]:
    """Amended sales of the month before, each with that month."""
    first, _ = month_before(view.first)
    for order in view.over(first, first + (AMENDED_DAYS - 1) * DAY).placed():
        if order.number % AMENDED_SHARE == 0 and order.dispatched is not None:
            yield order, f"{first:%B %Y}"


def _amended_within(view: View) -> Iterator[Row]:
    for order, period in _amended(view):
        if order.is_intra_state:
            cgst, sgst = halves(order.tax)
            yield {
                "GSTIN": GSTIN,
                "Taxable Value Rs.": str(order.taxable),
                "CGST %": str(order.product.gst / 2),
                "CGST Amount Rs.": str(cgst),
                "SGST/UT %": str(order.product.gst / 2),
                "SGST /UT Amount Rs.": str(sgst),
                "CESS Amount Rs.": "0",
                "Amended Period": period,
            }


def _amended_other(view: View) -> Iterator[Row]:
    for order, period in _amended(view):
        if not order.is_intra_state:
            yield {
                "GSTIN": GSTIN,
                "Aggregate Taxable Value Rs.": str(order.taxable),
                "IGST %": str(order.product.gst),
                "IGST Amount Rs.": str(order.tax),
                "CESS Amount Rs.": "0",
                "Delivered State (PoS)": order.state,
                "Delivered State Code": STATE_CODES[order.state],
                "Amended Period": period,
            }


WITHIN_STATE = "Section 7(A)(2) in GSTR-1 (intra-state)"

GST_RETURNS_REPORT = Layout(
    tables=(
        Table(title="Section 5B in GSTR-1 (large inter-state)", header=LARGE_HEADER, make=_large),
        Table(title=WITHIN_STATE, header=WITHIN_STATE_HEADER, make=_within_state),
        Table(title="Section 7(B)(2) in GSTR-1 (inter-state)", header=OTHER_STATES_HEADER, make=_other_states),
        Table(title="Section 13 in GSTR-1 (documents)", header=DOCUMENTS_HEADER, make=_documents),
        Table(title="Section 12 in GSTR-1 (HSN)", header=HSN_HEADER, make=_hsn),
        Table(title="Section 3 in GSTR-8 (TCS)", header=TCS_HEADER, make=_tcs),
        Table(title="Section 10A(1) in GSTR-1", header=AMENDED_WITHIN_HEADER, make=_amended_within),
        Table(title="Section 10B(1) in GSTR-1", header=AMENDED_OTHER_HEADER, make=_amended_other),
    ),
    first=WITHIN_STATE,
    front=("Help",),
    numbers_are_text=True,
    has_comments=True,
)
