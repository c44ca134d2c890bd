"""settled_transaction_ledger and financial_year_ledger: what each bank payout paid for, and what it kept back.

The groups of the headers' first row are invented; the names below them are those that public programs read.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.layouts import Layout, Table, grouped_from
from tap_flipkart_reports.simulator.business.orders import CENT, DAY, PRODUCTS, WAREHOUSES, Order, payout_day
from tap_flipkart_reports.simulator.business.sales import cash_back_tcs, tcs_on
from tap_flipkart_reports.simulator.business.views import ZERO, View, month_before, rupees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from tap_flipkart_reports.simulator.business.layouts import Row

GST_ON_FEES = Decimal("0.18")
RECOVERY_DAY = 10
"""Of a month: the first payout from then on recovers what was not deducted at source in the month before."""

CLAIM_DAY = 20
"""Of a month: the first payout from then on pays back the income tax deducted in the month before."""


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What one payout has to do with one order item: it is paid, or its money is taken back."""

    order: Order
    paid_on: date
    is_refund: bool

    @property
    def neft_id(self) -> str:
        """Of the payout."""
        return neft_id(self.order.seller_id, self.paid_on)

    @property
    def sale(self) -> Decimal:
        """The price before the seller's discount."""
        return ZERO if self.is_refund else self.order.amount + self.order.discount

    @property
    def my_share(self) -> Decimal:
        """The seller's discount, negative."""
        return ZERO if self.is_refund else -self.order.discount

    @property
    def refund(self) -> Decimal:
        """What the buyer got back, negative."""
        return -self.order.amount if self.is_refund else ZERO

    @cached_property
    def commission(self) -> Decimal:
        """Negative, like all that is kept back."""
        return ZERO if self.is_refund else -(self.order.amount * Decimal("0.06")).quantize(CENT)

    @property
    def fixed_fee(self) -> Decimal:
        """Of a sale."""
        return ZERO if self.is_refund else Decimal("-12.00")

    @property
    def shipping_fee(self) -> Decimal:
        """Of a sale."""
        return ZERO if self.is_refund else Decimal("-46.00")

    @property
    def reverse_shipping_fee(self) -> Decimal:
        """Of a return."""
        return Decimal("-85.00") if self.is_refund else ZERO

    @cached_property
    def fees(self) -> Decimal:
        """All fees of the marketplace."""
        return self.commission + self.fixed_fee + self.shipping_fee + self.reverse_shipping_fee

    @cached_property
    def gst(self) -> Decimal:
        """On the fees."""
        return (self.fees * GST_ON_FEES).quantize(CENT)

    @cached_property
    def tcs(self) -> Decimal:
        """Tax collected at source."""
        return ZERO if self.is_refund else -tcs_on(self.order.taxable)

    @cached_property
    def tds(self) -> Decimal:
        """Income tax deducted at source."""
        return ZERO if self.is_refund else -(self.order.taxable * Decimal("0.001")).quantize(CENT)

    @property
    def bank_value(self) -> Decimal:
        """What reaches the bank."""
        return self.sale + self.my_share + self.refund + self.fees + self.gst + self.tcs + self.tds


def settlements_of(order: Order) -> Iterator[Settlement]:
    """All payouts that ever have to do with an order."""
    if order.paid_on is not None:
        yield Settlement(order=order, paid_on=order.paid_on, is_refund=False)
    if order.refunded_on is not None:
        yield Settlement(order=order, paid_on=order.refunded_on, is_refund=True)


def settled(view: View) -> Iterator[Settlement]:
    """What is paid out in the view's days."""
    for order in view.alive():
        for settlement in settlements_of(order):
            if view.has_day(settlement.paid_on):
                yield settlement


def neft_id(seller_id: str, day: date) -> str:
    """The payout of a day, with the blank that Flipkart prints behind it."""
    return f"NFT-{seller_id}/XUTR/{day:%y%m%d} "


# Orders

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

ORDERS_GROUPS = {
    "NEFT ID": "Payment Details",
    "Order ID": "Transaction Summary",
    "Tier": "Marketplace Fees",
    "TCS (Rs.)": "Taxes",
    "Offer amount settled as Discount in MP Fee (Rs.)": "Offer amount settled as Discount in MP Fee",
    "Dead Weight (kgs)": "Shipping Details",
    "Order Date": "Order Details",
    "Invoice ID": "Buyer Invoice Details",
    "Sale Amount / Total (Rs.) \n": "Buyer Sale Details",
}


def _orders_paths() -> dict[str, tuple[str, ...]]:
    paths = grouped_from(ORDERS_HEADER, ORDERS_GROUPS)
    return {name: (group, *name.split(" / ", 1)) for name, (group, _) in paths.items()}


def _orders(view: View) -> Iterator[Row]:
    for settlement in settled(view):
        yield _orders_row(settlement)


def _orders_row(settlement: Settlement) -> Row:
    order, gst = settlement.order, settlement.gst
    weight = "NA" if order.number % 5 == 0 else "0.22"
    return {
        **dict.fromkeys(_UNUSED_FEES, "0"),
        "NEFT ID": settlement.neft_id,
        "Neft Type": "Prepaid" if order.is_prepaid else "Postpaid",
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
        "Dead Weight (kgs)": weight,
        "Length*Breadth*Height": "NA" if weight == "NA" else "8.50*8.50*8.50",
        "Volumetric Weight (kgs)": weight,
        "Chargeable Weight Source": "System measured weight",
        "Chargeable Weight Type": "NA",
        "Chargeable Wt. Slab (In Kgs)": "0.0-0.5",
        "Shipping Zone": "Local" if order.is_intra_state else "National",
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


# The other sheets

REBATE_HEADER = (
    "NEFT ID", "Neft Type", "Payment Date", "Settlement Value (Rs.)", "Order ID", "Order item ID", "SKU",
)  # fmt: skip


def _rebates(view: View) -> Iterator[Row]:
    for settlement in settled(view):
        order = settlement.order
        if order.number % 9 == 0 and not settlement.is_refund:
            yield {
                "NEFT ID": settlement.neft_id,
                "Neft Type": "Rebate",
                "Payment Date": settlement.paid_on.isoformat(),
                "Settlement Value (Rs.)": str(-settlement.fixed_fee),
                "Order ID": order.order_id,
                "Order item ID": order.item_id,
                "SKU": order.product.sku,
            }


def _payout(view: View, day: date) -> Row:
    return {"NEFT ID": neft_id(view.seller_id, day), "Payment Date": day.isoformat()}


PROTECTION_HEADER = (
    "NEFT ID", "Payment Date", "Settlement Value (Rs.)", "Claim ID", "Protection Reason", "Seller SKU", "FSN",
    "Selling Price", "Warehouse ID",
)  # fmt: skip


def _protection(view: View) -> Iterator[Row]:
    for day in view.payout_days():
        rng = view.numbers("protection", day)
        for number in range(rng.randint(0, 2)):
            product = rng.choice(PRODUCTS)
            yield {
                **_payout(view, day),
                "Settlement Value (Rs.)": str((product.price * Decimal("0.8")).quantize(CENT)),
                "Claim ID": f"CLM{day:%y%m%d}{number:03d}",
                "Protection Reason": "Lost in warehouse, not found at audit",
                "Seller SKU": product.sku,
                "FSN": product.fsn,
                "Selling Price": str(product.price),
                "Warehouse ID": rng.choice(WAREHOUSES),
            }


STORAGE_HEADER = (
    "NEFT ID", "Payment Date", "Settlement Value(Rs.) = SUM(J:K)", "Service Name", "Listing ID", "Recall ID",
    "Warehouse State Code", "FSN", "Marketplace Fees (Rs.)", "GST on Storage & Recall Fees (Rs.)",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Charge:
    """A fee that belongs to no order, with its GST; both negative."""

    day: date
    subject: str
    name: str
    recall_id: str
    fee: Decimal
    fsn: str = ""

    @property
    def gst(self) -> Decimal:
        return (self.fee * GST_ON_FEES).quantize(CENT)


def _storage_charges(view: View) -> Iterator[_Charge]:
    for day in view.payout_days():
        rng = view.numbers("storage", day)
        for number in range(rng.randint(1, 3)):
            fsn, is_recall = rng.choice(PRODUCTS).fsn, rng.random() < 0.3  # noqa: PLR2004 - fewer are recalled than stored
            yield _Charge(
                day=day,
                subject=f"LST{fsn}",
                name="Recall" if is_recall else "Storage",
                recall_id=f"RCL{day:%y%m%d}{number}" if is_recall else "NA",
                fee=Decimal(-rng.randint(800, 9000)) / 100,
                fsn=fsn,
            )


def _storage(view: View) -> Iterator[Row]:
    for charge in _storage_charges(view):
        yield {
            **_payout(view, charge.day),
            "Settlement Value(Rs.) = SUM(J:K)": str(charge.fee + charge.gst),
            "Service Name": charge.name,
            "Listing ID": charge.subject,
            "Recall ID": charge.recall_id,
            "Warehouse State Code": "KA",
            "FSN": charge.fsn,
            "Marketplace Fees (Rs.)": str(charge.fee),
            "GST on Storage & Recall Fees (Rs.)": str(charge.gst),
        }


SERVICE_HEADER = ("NEFT ID", "Payment Date", "Settlement Value(Rs.)", "Service Name")


def _services(service: str, *, share: float, value: str) -> Callable[[View], Iterator[Row]]:
    """A service that is settled in some share of the payouts."""

    def rows(view: View) -> Iterator[Row]:
        for day in view.payout_days():
            if view.numbers(service, day).random() < share:
                yield {**_payout(view, day), "Settlement Value(Rs.)": value, "Service Name": service}

    return rows


GOOGLE_ADS_HEADER = (
    "NEFT ID", "Payment Date", "Settlement Value(Rs.)", "Service Name", "Service Details", "Service Order ID",
    "Purchase Date", "Total Amount", "Service Amount", "GST on Service",
)  # fmt: skip


def _google_ads(view: View) -> Iterator[Row]:
    for day in view.payout_days():
        rng = view.numbers("google", day)
        if rng.random() < 0.4:  # noqa: PLR2004 - not bought every week
            amount = Decimal(rng.randint(5, 60)) * 100
            gst = amount * GST_ON_FEES
            yield {
                **_payout(view, day),
                "Settlement Value(Rs.)": str(-amount - gst),
                "Service Name": "Google Ads",
                "Service Details": 'Campaign "Diwali", all products',
                "Service Order ID": f"GADS{day:%y%m%d}",
                "Purchase Date": (day - 5 * DAY).isoformat(),
                "Total Amount": str(amount + gst),
                "Service Amount": str(amount),
                "GST on Service": str(gst),
            }


ADS_HEADER = (
    "NEFT ID", "Payment Date", "Settlement Value (Rs.) = SUM(G:K)", "Type", "Campaign / Transaction ID",
    "Wallet Redeem (Rs.)", "Wallet Redeem Reversal (Rs.)", "Wallet Topup (Rs.)", "Wallet Refund (Rs.)",
    "GST on Ads Fees (Rs.)",
)  # fmt: skip


def _ads_charges(view: View) -> Iterator[_Charge]:
    for day in view.payout_days():
        rng = view.numbers("ads", day)
        yield _Charge(
            day=day,
            subject=f"PCID-{day:%y%m%d}",
            name="Ads Fee",
            recall_id="NA",
            fee=Decimal(-rng.randint(200, 2500)),
        )


def _ads(view: View) -> Iterator[Row]:
    for charge in _ads_charges(view):
        for kind, subject, redeem, topup, gst in (
            ("topup", f"TXN-{charge.day:%y%m%d}", ZERO, -charge.fee - charge.gst, ZERO),
            ("redeem", charge.subject, charge.fee, ZERO, charge.gst),
        ):
            yield {
                **_payout(view, charge.day),
                "Settlement Value (Rs.) = SUM(G:K)": rupees(redeem + topup + gst),
                "Type": kind,
                "Campaign / Transaction ID": subject,
                "Wallet Redeem (Rs.)": str(redeem),
                "Wallet Redeem Reversal (Rs.)": "0",
                "Wallet Topup (Rs.)": str(topup),
                "Wallet Refund (Rs.)": "0",
                "GST on Ads Fees (Rs.)": str(gst),
            }


TCS_HEADER = (
    "NEFT ID", "Settlement Type", "Settlement Value (Rs.)", "Transaction ID", "Transaction Date", "Recovery Month",
)  # fmt: skip


def _monthly_payouts(view: View, from_day: int) -> Iterator[date]:
    """The first payout of each month from one of its days on."""
    return (day for day in view.payout_days() if day == payout_day(day.replace(day=from_day)))


def _tcs_recovery(view: View) -> Iterator[Row]:
    for day in _monthly_payouts(view, RECOVERY_DAY):
        first, last = month_before(day)
        yield {
            "NEFT ID": neft_id(view.seller_id, day),
            "Settlement Type": "TCS on cash back",
            "Settlement Value (Rs.)": str(-cash_back_tcs(view.over(first, last))),
            "Transaction ID": f"TCSR{day:%y%m%d}",
            "Transaction Date": day.isoformat(),
            "Recovery Month": f"{first:%b-%Y}",
        }


TDS_HEADER = (
    "NEFT ID", "Payment Date", "Settlement Value (Rs.)", "ID", "Claim Date",
)  # fmt: skip


def _tds_claims(view: View) -> Iterator[Row]:
    for day in _monthly_payouts(view, CLAIM_DAY):
        deducted = sum((settlement.tds for settlement in settled(view.over(*month_before(day)))), ZERO)
        yield {
            **_payout(view, day),
            "Settlement Value (Rs.)": str(-deducted),
            "ID": f"TDSC{day:%y%m%d}",
            "Claim Date": day.replace(day=15).isoformat(),
        }


GST_HEADER = (
    "Service Type", "Neft Id", "Order Item ID/ Listing ID/ Campaign ID/Transaction ID", "Recall ID",
    "Warehouse State Code", "Fee Name", "Total Fee Amount(Rs.)", "Fee Amount (Rs.)", "Fee Waiver Amount(Rs.)",
    "CGST Rate", "SGST/UTGST Rate", "IGST Rate", "CGST Amount", "SGST/UTGST Amount", "IGST Amount",
    "Total GST on fees",
)  # fmt: skip


def _gst_details(view: View) -> Iterator[Row]:
    for settlement in settled(view):
        yield from _gst_of_settlement(settlement)
    for service, charges in (("Listing", _storage_charges), ("Campaign", _ads_charges)):
        for charge in charges(view):
            yield _gst_row(service, neft_id(view.seller_id, charge.day), charge, state="KA" if charge.fsn else "NA")


def _gst_of_settlement(settlement: Settlement) -> Iterator[Row]:
    fees = {
        "Commission": settlement.commission,
        "Fixed Fee": settlement.fixed_fee,
        "Shipping Fee": settlement.shipping_fee,
        "Reverse Shipping Fee": settlement.reverse_shipping_fee,
    }
    for name, fee in fees.items():
        if fee:
            charge = _Charge(
                day=settlement.paid_on, subject=settlement.order.item_id, name=name, recall_id="NA", fee=fee
            )
            yield _gst_row("Order Item", settlement.neft_id, charge)


def _gst_row(service: str, neft: str, charge: _Charge, *, state: str = "NA") -> Row:
    tax = str(-charge.gst)
    return {
        "Service Type": service,
        "Neft Id": neft,
        "Order Item ID/ Listing ID/ Campaign ID/Transaction ID": charge.subject,
        "Recall ID": charge.recall_id,
        "Warehouse State Code": state,
        "Fee Name": charge.name,
        "Total Fee Amount(Rs.)": str(-charge.fee),
        "Fee Amount (Rs.)": str(-charge.fee),
        "Fee Waiver Amount(Rs.)": "0",
        "CGST Rate": "0",
        "SGST/UTGST Rate": "0",
        "IGST Rate": "18",
        "CGST Amount": "0",
        "SGST/UTGST Amount": "0",
        "IGST Amount": tax,
        "Total GST on fees": tax,
    }


def _table(title: str, header: Sequence[str], make: Callable[[View], Iterator[Row]]) -> Table:
    """A sheet with its columns in two groups, the payout and what it is for."""
    of_payout = ("NEFT", "Neft", "Payment", "Settlement", "Service Type")
    details = next(name for name in header if not name.startswith(of_payout))
    paths = grouped_from(header, {header[0]: "Payment Details", details: "Transaction Summary"})
    return Table(title=title, header=header, make=make, paths=paths)


def _service(title: str, service: str, *, share: float, value: str) -> Table:
    return _table(title, SERVICE_HEADER, _services(service, share=share, value=value))


SETTLEMENTS = Layout(
    tables=(
        Table(title="Orders", header=ORDERS_HEADER, make=_orders, paths=_orders_paths()),
        _table("MP Fee Rebate", REBATE_HEADER, _rebates),
        _table("Non_Order_SPF", PROTECTION_HEADER, _protection),
        _table("Storage_Recall", STORAGE_HEADER, _storage),
        _service("Value Added Services", "Catalogue & images", share=0.3, value="-590.00"),
        _service("Support Services Services", "Account manager", share=0.25, value="-1180.00"),
        _service("Fines", 'Late dispatch, "SLA" breach', share=0.2, value="-118.00"),
        _table("Google Ads Services", GOOGLE_ADS_HEADER, _google_ads),
        _service("Review Accelerator Services", "Review accelerator", share=0.15, value="-354.00"),
        _service("Insight Subscription Services", "Insights, monthly", share=0.15, value="-236.00"),
        _table("Ads", ADS_HEADER, _ads),
        _table("TCS_Recovery", TCS_HEADER, _tcs_recovery),
        _table("TDS", TDS_HEADER, _tds_claims),
        _table("GST_Details", GST_HEADER, _gst_details),
    ),
    front=("Report Help", "Summary of report"),
)
