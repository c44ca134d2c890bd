"""The other sheets of a settlement workbook: rebates, claims, services, ads, taxes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.orders import CENT, DAY, PRODUCTS, WAREHOUSES, payout_day
from tap_flipkart_reports.simulator.business.sales import cash_back_tcs
from tap_flipkart_reports.simulator.business.settlements import GST_ON_FEES, Settlement, neft_id, settlements_in
from tap_flipkart_reports.simulator.business.views import ZERO, View, month_before, rupees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from tap_flipkart_reports.simulator.business.layouts import Row

RECOVERY_DAY = 10
"""Of a month: the first payout from then on recovers what was not deducted at source in the month before."""

CLAIM_DAY = 20
"""Of a month: the first payout from then on pays back the income tax deducted in the month before."""

REBATE_HEADER = (
    "NEFT ID", "Neft Type", "Payment Date", "Settlement Value (Rs.)", "Order ID", "Order item ID", "SKU",
)  # fmt: skip


def rebate_rows(view: View) -> Iterator[Row]:
    """Fixed fees that are given back."""
    for settlement in settlements_in(view):
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
                "Order Date": order.placed.date().isoformat(),
                "Rebate Processing Date": (settlement.paid_on - 2 * DAY).isoformat(),
            }


def _payout(view: View, day: date) -> Row:
    return {"NEFT ID": neft_id(view.seller_id, day), "Payment Date": day.isoformat()}


PROTECTION_HEADER = (
    "NEFT ID", "Payment Date", "Settlement Value (Rs.)", "Claim ID", "Protection Reason", "Seller SKU", "FSN",
    "Selling Price", "Warehouse ID",
)  # fmt: skip


def protection_rows(view: View) -> Iterator[Row]:
    """What the Seller Protection Fund pays for goods that were lost."""
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


def storage_rows(view: View) -> Iterator[Row]:
    """Fees for storage and recalls."""
    for charge in _storage_charges(view):
        is_recall = charge.name == "Recall"
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
            "Removal Fee Units": "1" if is_recall else "0",
            "Removal Fee": str(charge.fee if is_recall else ZERO),
            "Storage Fee Units": "0",
            "Storage Fee (upto Jun 30, 2016)": "0",
            "Sellable Regular Storage Units": "0" if is_recall else "12",
            "Sellable Regular Storage": str(ZERO if is_recall else charge.fee),
            "Unsellable Regular Storage Units": "0",
            "Unsellable Regular Storage": "0",
            "Product Sub Category": next(product.category for product in PRODUCTS if product.fsn == charge.fsn),
            "Dead Weight (In Kgs)": "0.22",
            "Length*Breadth*Height": "8.50*8.50*8.50",
            "Volumetric Weight(In Kgs)": "0.12",
            "Chargeable Wt. Slab (In Kgs)": "0.0-0.5",
            "Chargeable Weight Type": "NA",
        }


SERVICE_HEADER = ("NEFT ID", "Payment Date", "Settlement Value(Rs.)", "Service Name")


def service_rows(service: str, *, share: float, value: str) -> Callable[[View], Iterator[Row]]:
    """A service that is settled in some share of the payouts."""
    amount = (Decimal(value) / (1 + GST_ON_FEES)).quantize(CENT)

    def rows(view: View) -> Iterator[Row]:
        for day in view.payout_days():
            if view.numbers(service, day).random() < share:
                yield {
                    **_payout(view, day),
                    "Settlement Value(Rs.)": value,
                    "Service Name": service,
                    "Service Details": "1 month",
                    "Service Order ID": f"SVC{day:%y%m%d}",
                    "Purchase Date": (day - 5 * DAY).isoformat(),
                    "Total Amount": value,
                    "Service Amount": str(amount),
                    "GST on Service": str(Decimal(value) - amount),
                }

    return rows


GOOGLE_ADS_HEADER = (
    "NEFT ID", "Payment Date", "Settlement Value(Rs.)", "Service Name", "Service Details", "Service Order ID",
    "Purchase Date", "Total Amount", "Service Amount", "GST on Service",
)  # fmt: skip


def google_ads_rows(view: View) -> Iterator[Row]:
    """Google Ads, bought in some payouts."""
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


def ads_rows(view: View) -> Iterator[Row]:
    """The movements of the wallet for ads."""
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


def tcs_recovery_rows(view: View) -> Iterator[Row]:
    """Tax on cash-backs of the month before, recovered once a month."""
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


def tds_rows(view: View) -> Iterator[Row]:
    """Income tax of the month before, paid back once a month."""
    for day in _monthly_payouts(view, CLAIM_DAY):
        deducted = sum((settlement.tds for settlement in settlements_in(view.over(*month_before(day)))), ZERO)
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


def gst_rows(view: View) -> Iterator[Row]:
    """GST on each fee."""
    for settlement in settlements_in(view):
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
