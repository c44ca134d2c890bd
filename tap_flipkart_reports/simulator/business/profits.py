"""The Profit and Loss report, whose identifier here is invented: the seller's profit from each order and each SKU."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.layouts import Layout, Table, grouped_by_name, with_columns
from tap_flipkart_reports.simulator.business.orders import CENT, Order
from tap_flipkart_reports.simulator.business.settlements import settlements_of
from tap_flipkart_reports.simulator.business.views import ZERO, View, rupees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from tap_flipkart_reports.simulator.business.layouts import Row

ORDERS_HEADER = (
    "Order Date", "Order ID", "Order Item ID", "SKU Name", "Fulfillment Type", "Channel of Sale", "Mode of Payment",
    "Shipping Zone", "Order Status", "Gross Units", "Returned & Cancelled Units",
    "Returned & Cancelled Units (Breakup) / RTO (Logistics Return)",
    "Returned & Cancelled Units (Breakup) / RVP (Customer Return)",
    "Returned & Cancelled Units (Breakup) / Cancelled Units", "Net Units ", "Order Item Value",
    "Final Selling Price (FSP)", "Handling Fee", "Estimated Net Sales (INR)", "Accounted Net Sales (Seller Price)",
    "Accounted Net Sales (Seller Price) (Breakup) / Gross Sale Value",
    "Accounted Net Sales (Seller Price) (Breakup) / Seller-Funded Discount",
    "Accounted Net Sales (Seller Price) (Breakup) / Customer Add-Ons Amount",
    "Offer Details / Total Customer Discount", "Offer Details / Offer Id", "Total Expenses (INR)",
    "Total Expenses (Breakup) / Commission Fee", "Total Expenses (Breakup) / Collection Fee",
    "Total Expenses (Breakup) / Fixed Fee", "Total Expenses (Breakup) / Pick and Pack Fee",
    "Total Expenses (Breakup) / Forward Shipping Fee", "Total Expenses (Breakup) / Offer adjustments",
    "Total Expenses (Breakup) / Reverse Shipping Fee", "Total Expenses (Breakup) / Storage Fee",
    "Total Expenses (Breakup) / Recall Fee", "Total Expenses (Breakup) / No Cost Emi Fee Reimbursement(Rs.)",
    "Total Expenses (Breakup) / Installation Fee (Rs.)", "Total Expenses (Breakup) / Tech Visit Fee (Rs.)",
    "Total Expenses (Breakup) / Uninstallation & Packaging Fee (Rs.)",
    "Total Expenses (Breakup) / Customer Add-ons Amount Recovery (Rs.)",
    "Total Expenses (Breakup) / Franchise Fee (Rs.)", "Total Expenses (Breakup) / Shopsy Marketing Fee (Rs.)",
    "Total Expenses (Breakup) / Product Cancellation Fee (Rs.)", "Total Expenses (Breakup) / Taxes (GST)",
    "Total Expenses (Breakup) / Taxes (TCS)", "Total Expenses (Breakup) / Taxes (TDS)",
    "Rewards & Other Benefits (INR)", "Rewards & Other Benefits(Breakup) / Rewards",
    "Rewards & Other Benefits(Breakup) / Order SPF", "Bank Settlement [Projected] (INR)", "Input Tax Credits (INR)",
    "Input Tax Credits (Breakup) / GST + TCS", "Input Tax Credits (Breakup) / TDS",
    "Net Earnings (INR)", "Amount Settled (INR)", "Amount Pending (INR)",
)  # fmt: skip

SKUS_HEADER = (
    "SKU ID", "Gross Units (#)", "Returned & Cancelled Units",
    "Returned & Cancelled Units (Breakup) / RTO (Logistics Return)",
    "Returned & Cancelled Units (Breakup) / RVP (Customer Return)",
    "Returned & Cancelled Units (Breakup) / Cancellations", "Net Units (#)", "Estimated Net Sales (INR)",
    "Sum of Order Item Value", "Accounted Net Sales (Seller Price)", "Total Expenses (INR)",
    "Total Expenses (Breakup) / Commission Fee", "Total Expenses (Breakup) / Collection Fee",
    "Total Expenses (Breakup) / Fixed Fee", "Total Expenses (Breakup) / Pick and Pack Fee",
    "Total Expenses (Breakup) / Forward Shipping Fee", "Total Expenses (Breakup) / Offer adjustments",
    "Total Expenses (Breakup) / Reverse Shipping Fee", "Total Expenses (Breakup) / Storage Fee",
    "Total Expenses (Breakup) / Recall Fee", "Total Expenses (Breakup) / No Cost Emi Fee Reimbursement(Rs.)",
    "Total Expenses (Breakup) / Installation Fee (Rs.)", "Total Expenses (Breakup) / Tech Visit Fee (Rs.)",
    "Total Expenses (Breakup) / Uninstallation & Packaging Fee (Rs.)",
    "Total Expenses (Breakup) / Customer Add-ons Amount Recovery (Rs.)",
    "Total Expenses (Breakup) / Franchise Fee (Rs.)", "Total Expenses (Breakup) / Shopsy Marketing Fee (Rs.)",
    "Total Expenses (Breakup) / Product Cancellation Fee (Rs.)", "Total Expenses (Breakup) / Taxes (GST)",
    "Total Expenses (Breakup) / Taxes (TCS)", "Total Expenses (Breakup) / Taxes (TDS)",
    "Rewards & Other Benefits (INR)", "Rewards & Other Benefits(Breakup) / Rewards",
    "Rewards & Other Benefits(Breakup) / Order SPF", "Rewards & Other Benefits(Breakup) / Non Order SPF",
    "Bank Settlement [Projected] (INR)", "Input Tax Credits (INR)", "Input Tax Credits (Breakup) / GST + TCS",
    "Input Tax Credits (Breakup) / TDS", "Net Earnings (INR)", "Earnings per unit (INR)",
    "Bank Settlement [Projected] (INR) (second)", "Amount Settled (INR)", "Amount Pending (INR)",
)  # fmt: skip

_TRANSACTIONS = 5
"""Payouts that have columns of their own in 2025; those before them are summed up in one."""

_PARTS = ("Transaction Amount", "Reason", "Current Status", "Payment Date", "Account Type", "NEFT ID")

ORDERS_HEADER_2025 = (
    "Order Date", "Order ID", "Order Item ID", "SKU Name", "Fulfillment Type", "Channel of Sale", "Mode of Payment",
    "Shipping Zone", "Order Status", "Gross Units", "Returned & Cancelled Units",
    "Returned & Cancelled Units (Breakup) / RTO (Courier Return)",
    "Returned & Cancelled Units (Breakup) / RVP (Customer Return)",
    "Returned & Cancelled Units (Breakup) / Cancelled Units", "Net Units ",
    "Final Selling Price (incl. seller opted in default offers)", "Customer shipping fee net of discount",
    "Estimated Net Sales (INR)", "Accounted Net Sales (INR)", "Accounted Net Sales (Breakup) / Sale Amount",
    "Accounted Net Sales (Breakup) / Seller burn in customer's offer",
    "Accounted Net Sales (Breakup) / Customer Add-Ons Amount", "Total Expenses (INR)",
    *(
        name
        for name in ORDERS_HEADER
        if name.startswith("Total Expenses (Breakup)") and not name.endswith(("Storage Fee", "Recall Fee"))
    ),
    "Rewards & Other Benefits (INR)", "Total Benefits (Breakup) / Rewards", "Total Benefits (Breakup) / SPF Payout",
    "Bank Settlement [Projected] (INR)", "Input Tax Credits (INR)", "Input Tax Credits (Breakup) / GST + TCS",
    "Input Tax Credits (Breakup) / TDS", "Net Earnings (INR)", " Margins \n(% of Net Sales)",
    "Bank Settlement [Projected] (INR) (second)", "Amount Settled (INR)", "Amount Pending (INR)",
    *(f"Transaction-{number} / {part}" for number in range(1, _TRANSACTIONS + 1) for part in _PARTS),
    "Older Transactions",
)  # fmt: skip

ORDERS_2025 = {
    "Returned & Cancelled Units (Breakup) / RTO (Courier Return)": (
        "Returned & Cancelled Units (Breakup) / RTO (Logistics Return)"
    ),
    "Final Selling Price (incl. seller opted in default offers)": "Final Selling Price (FSP)",
    "Customer shipping fee net of discount": "Handling Fee",
    "Accounted Net Sales (INR)": "Accounted Net Sales (Seller Price)",
    "Accounted Net Sales (Breakup) / Sale Amount": "Accounted Net Sales (Seller Price) (Breakup) / Gross Sale Value",
    "Accounted Net Sales (Breakup) / Seller burn in customer's offer": (
        "Accounted Net Sales (Seller Price) (Breakup) / Seller-Funded Discount"
    ),
    "Accounted Net Sales (Breakup) / Customer Add-Ons Amount": (
        "Accounted Net Sales (Seller Price) (Breakup) / Customer Add-Ons Amount"
    ),
    "Total Benefits (Breakup) / Rewards": "Rewards & Other Benefits(Breakup) / Rewards",
    "Total Benefits (Breakup) / SPF Payout": "Rewards & Other Benefits(Breakup) / Order SPF",
    "Bank Settlement [Projected] (INR) (second)": "Bank Settlement [Projected] (INR)",
}
"""Headers of 2025 that differ, each with that of 2026 whose amounts it has."""

SKUS_2025 = {
    "Returned & Cancelled Units (Breakup) / RTO (Courier Return)": (
        "Returned & Cancelled Units (Breakup) / RTO (Logistics Return)"
    ),
    "Accounted Net Sales (INR) ": "Accounted Net Sales (Seller Price)",
}


def _skus_header_of_2025() -> Iterator[str]:
    older = {name: own for own, name in SKUS_2025.items()}
    for name in SKUS_HEADER:
        if name != "Sum of Order Item Value":
            yield older.get(name, name)
        if name == "Earnings per unit (INR)":
            yield "Net Margins \n(% of Net Sales value)"


SKUS_HEADER_2025 = tuple(_skus_header_of_2025())

SKUS_BLANKS = frozenset({"Gross Units (#)", "Estimated Net Sales (INR)", "Bank Settlement [Projected] (INR) (second)"})
SKUS_BLANKS_2026 = SKUS_BLANKS | {"Accounted Net Sales (Seller Price)"}
SKUS_BLANKS_2025 = SKUS_BLANKS | {"Accounted Net Sales (INR) "}

ORDERS_BLANKS_2025 = frozenset(
    {
        "Gross Units",
        "Final Selling Price (incl. seller opted in default offers)",
        "Accounted Net Sales (INR)",
        "Bank Settlement [Projected] (INR) (second)",
        "Transaction-1 / Transaction Amount",
    }
)

_EXPENSES = "Total Expenses (Breakup) / "
_UNUSED_EXPENSES = (
    "Collection Fee", "Pick and Pack Fee", "Offer adjustments", "Storage Fee", "Recall Fee",
    "No Cost Emi Fee Reimbursement(Rs.)", "Installation Fee (Rs.)", "Tech Visit Fee (Rs.)",
    "Uninstallation & Packaging Fee (Rs.)", "Customer Add-ons Amount Recovery (Rs.)", "Franchise Fee (Rs.)",
    "Shopsy Marketing Fee (Rs.)", "Product Cancellation Fee (Rs.)",
)  # fmt: skip


class _Result:
    """The profit from some orders, as known at a moment."""

    def __init__(self, orders: list[Order], view: View) -> None:
        self.orders = orders
        self.gross_units = sum(order.quantity for order in orders)
        self.returned_units = sum(order.quantity for order in orders if order.status(view.as_of) == "returned")
        self.cancelled_units = sum(order.quantity for order in orders if order.status(view.as_of) == "cancelled")
        self.gross_sales = sum((order.amount for order in orders), ZERO)
        self.discount = sum((order.discount for order in orders), ZERO)
        self.sales = sum(
            (order.amount for order in orders if order.status(view.as_of) not in {"returned", "cancelled"}), ZERO
        )
        settlements = [settlement for order in orders for settlement in settlements_of(order)]
        known = [settlement for settlement in settlements if settlement.paid_on <= view.as_of.date()]
        self.fees = {
            "Commission Fee": sum((settlement.commission for settlement in settlements), ZERO),
            "Fixed Fee": sum((settlement.fixed_fee for settlement in settlements), ZERO),
            "Forward Shipping Fee": sum((settlement.shipping_fee for settlement in settlements), ZERO),
            "Reverse Shipping Fee": sum((settlement.reverse_shipping_fee for settlement in settlements), ZERO),
            "Taxes (GST)": sum((settlement.gst for settlement in settlements), ZERO),
            "Taxes (TCS)": sum((settlement.tcs for settlement in settlements), ZERO),
            "Taxes (TDS)": sum((settlement.tds for settlement in settlements), ZERO),
        }
        self.known = known
        self.projected = sum((settlement.bank_value for settlement in settlements), ZERO)
        self.settled = sum((settlement.bank_value for settlement in known), ZERO)

    @property
    def expenses(self) -> Decimal:
        return sum(self.fees.values(), ZERO)

    @property
    def net_units(self) -> int:
        return self.gross_units - self.returned_units - self.cancelled_units

    @property
    def credits(self) -> tuple[Decimal, Decimal]:
        """Refundable taxes: GST and TCS, TDS."""
        return -self.fees["Taxes (GST)"] - self.fees["Taxes (TCS)"], -self.fees["Taxes (TDS)"]

    @property
    def earnings(self) -> Decimal:
        return self.projected + sum(self.credits, ZERO)

    @property
    def margin(self) -> str:
        """The profit in percent of the sales."""
        return str((100 * self.earnings / self.sales).quantize(CENT)) if self.sales else "0"

    def transactions(self) -> Row:
        """The payouts so far, the newest first, as 2025 has them beside each order."""
        cells: Row = {}
        for number, settlement in enumerate(reversed(self.known[-_TRANSACTIONS:]), 1):
            values = (
                str(settlement.bank_value),
                "Return Recovery" if settlement.is_refund else "Forward Order Payment",
                "Completed",
                settlement.paid_on.isoformat(),
                "PREPAID" if settlement.order.is_prepaid else "POSTPAID",
                settlement.neft_id.strip(),
            )
            cells |= {f"Transaction-{number} / {part}": cell for part, cell in zip(_PARTS, values, strict=True)}
        return cells

    def columns(self) -> Row:
        """The columns that both tables have."""
        returned = "Returned & Cancelled Units (Breakup) / "
        return {
            "Returned & Cancelled Units": str(self.returned_units + self.cancelled_units),
            f"{returned}RTO (Logistics Return)": "0",
            f"{returned}RVP (Customer Return)": str(self.returned_units),
            "Estimated Net Sales (INR)": f"₹ {rupees(self.sales)}",
            "Accounted Net Sales (Seller Price)": str(self.sales),
            "Total Expenses (INR)": f"({rupees(-self.expenses)})",
            **{f"{_EXPENSES}{name}": "0" for name in _UNUSED_EXPENSES},
            **{f"{_EXPENSES}{name}": str(fee) for name, fee in self.fees.items()},
            "Rewards & Other Benefits (INR)": "0",
            "Bank Settlement [Projected] (INR)": rupees(self.projected),
            "Input Tax Credits (INR)": str(sum(self.credits, ZERO)),
            "Net Earnings (INR)": rupees(self.earnings),
            "Amount Settled (INR)": str(self.settled),
            "Amount Pending (INR)": str(self.projected - self.settled),
        }


def _orders(view: View) -> Iterator[Row]:
    for order in view.placed():
        yield _order_row(order, _Result([order], view), view)


def _order_row(order: Order, result: _Result, view: View) -> Row:
    gst_and_tcs, tds = result.credits
    accounted = "Accounted Net Sales (Seller Price) (Breakup) / "
    return {
        **result.columns(),
        "Order Date": order.placed.date().isoformat(),
        "Order ID": order.order_id,
        "Order Item ID": order.item_id,
        "SKU Name": order.product.sku,
        "Fulfillment Type": "FBF" if order.is_fbf else "NON_FBF",
        "Channel of Sale": "Shopsy" if order.is_shopsy else "Flipkart",
        "Mode of Payment": "prepaid" if order.is_prepaid else "postpaid",
        "Shipping Zone": "Local" if order.is_intra_state else "National",
        "Order Status": order.status(view.as_of).upper(),
        "Gross Units": str(result.gross_units),
        "Returned & Cancelled Units (Breakup) / Cancelled Units": str(result.cancelled_units),
        "Net Units ": str(result.net_units),
        "Order Item Value": str(order.amount),
        "Final Selling Price (FSP)": str((order.amount / order.quantity).quantize(CENT)),
        "Handling Fee": "0",
        f"{accounted}Gross Sale Value": str(order.amount + order.discount),
        f"{accounted}Seller-Funded Discount": str(-order.discount),
        f"{accounted}Customer Add-Ons Amount": "0",
        "Offer Details / Total Customer Discount": str(order.discount),
        "Offer Details / Offer Id": "FESTIVE10, FLAT" if order.discount else "",
        "Rewards & Other Benefits(Breakup) / Rewards": "0",
        "Rewards & Other Benefits(Breakup) / Order SPF": "0",
        "Input Tax Credits (Breakup) / GST + TCS": str(gst_and_tcs),
        "Input Tax Credits (Breakup) / TDS": str(tds),
        " Margins \n(% of Net Sales)": result.margin,
        **result.transactions(),
    }


def _skus(view: View) -> Iterator[Row]:
    orders: dict[str, list[Order]] = defaultdict(list)
    for order in view.placed():
        orders[order.product.sku].append(order)
    for sku, orders_of_sku in sorted(orders.items()):
        yield _sku_row(sku, _Result(orders_of_sku, view))


def _sku_row(sku: str, result: _Result) -> Row:
    gst_and_tcs, tds = result.credits
    rewards = "Rewards & Other Benefits(Breakup) / "
    per_unit = (result.earnings / result.net_units).quantize(CENT) if result.net_units else None
    return {
        **result.columns(),
        "SKU ID": sku,
        "Gross Units (#)": str(result.gross_units),
        "Returned & Cancelled Units (Breakup) / Cancellations": str(result.cancelled_units),
        "Net Units (#)": str(result.net_units),
        "Sum of Order Item Value": rupees(result.gross_sales),
        **{f"{rewards}{name}": "0" for name in ("Rewards", "Order SPF", "Non Order SPF")},
        "Input Tax Credits (Breakup) / GST + TCS": str(gst_and_tcs),
        "Input Tax Credits (Breakup) / TDS": str(tds),
        "Earnings per unit (INR)": "NA" if per_unit is None else str(per_unit),
        "Bank Settlement [Projected] (INR) (second)": rupees(result.projected),
        "Net Margins \n(% of Net Sales value)": result.margin,
    }


def _table(
    title: str,
    header: Sequence[str],
    make: Callable[[View], Iterator[Row]],
    *,
    names: Mapping[str, str] | None = None,
    blanks: frozenset[str] = frozenset(),
) -> Table:
    paths = grouped_by_name(header)
    return Table(title=title, header=header, make=with_columns(header, make, names=names), paths=paths, blanks=blanks)


PROFIT_AND_LOSS_REPORT = Layout(
    tables=(
        _table("SKU-level P&L", SKUS_HEADER, _skus, blanks=SKUS_BLANKS_2026),
        _table("Orders P&L", ORDERS_HEADER, _orders),
    ),
    first="Orders P&L",
    front=("Overall Summary",),
    back=("Report Help",),
    years={
        "2025": (
            _table("SKU-level P&L", SKUS_HEADER_2025, _skus, names=SKUS_2025, blanks=SKUS_BLANKS_2025),
            _table("Orders P&L", ORDERS_HEADER_2025, _orders, names=ORDERS_2025, blanks=ORDERS_BLANKS_2025),
        )
    },
    has_comments=True,
    hides_breakups=True,
    first_sheet=5,
)
