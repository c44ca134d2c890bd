"""A seller's books, kept from what the simulator knows of each order: what the models over the tables must come to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.orders import LONGEST_LIFE, orders_of
from tap_flipkart_reports.simulator.business.settlements import settlements_of
from tap_flipkart_reports.simulator.business.views import halves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_flipkart_reports.simulator import Simulator
    from tap_flipkart_reports.simulator.business.orders import Order
    from tap_flipkart_reports.simulator.business.settlements import Settlement

ZERO = Decimal(0)
OTHER_SHEETS = (
    "MP Fee Rebate", "Non_Order_SPF", "Storage_Recall", "Value Added Services", "Support Services Services", "Fines",
    "Google Ads Services", "Review Accelerator Services", "Insight Subscription Services", "Ads", "TCS_Recovery", "TDS",
)  # fmt: skip
"""Sheets of money that belongs to no order, read as the simulator prints them."""


def amount(row: Mapping[str, str], name: str) -> Decimal:
    """The amount in the first column whose header begins so."""
    (header,) = [header for header in row if header.startswith(name)]
    return Decimal(row[header].replace(",", ""))


@dataclass(frozen=True, kw_only=True)
class Books:
    """One seller's books of some days, closed at a moment.

    Attributes:
        first: first day of the ledgers.
        last: last day of the ledgers.
        closed: the moment, in Kolkata.
        per_day: how much the simulator's sellers sell.
        provisional: items whose newest payout the bank has not made yet, although the simulator has.
    """

    simulator: Simulator
    seller_id: str
    first: date
    last: date
    closed: datetime
    per_day: int
    provisional: frozenset[str] = field(default=frozenset())

    @cached_property
    def orders(self) -> list[Order]:
        """All to which something may have happened in these days."""
        orders = orders_of(self.seller_id, self.first - LONGEST_LIFE, self.closed.date(), per_day=self.per_day)
        return [order for order in orders if self.is_past(order.placed)]

    def is_past(self, moment: datetime | None) -> bool:
        """Whether something has happened when the books are closed."""
        return moment is not None and moment <= self.closed.replace(tzinfo=None)

    def has(self, day: date | datetime | None) -> bool:
        """Whether something lies in these days."""
        day = day.date() if isinstance(day, datetime) else day
        return day is not None and self.first <= day <= self.last

    def is_placed(self, order: Order) -> bool:
        """Whether the orders report lists it."""
        return self.has(order.placed)

    # Sales

    def documents(self) -> Iterator[tuple[Order, int]]:
        """Orders that were invoiced in these days, with 1, and credited, with -1."""
        for order in self.orders:
            if self.has(order.dispatched):
                yield order, 1
            if self.has(order.return_completed):
                yield order, -1

    @property
    def sold(self) -> Decimal:
        return sum((order.amount for order, sign in self.documents() if sign > 0), ZERO)

    @property
    def returned(self) -> Decimal:
        return sum((order.amount for order, sign in self.documents() if sign < 0), ZERO)

    @cached_property
    def outstanding(self) -> dict[tuple[str, int], Decimal]:
        """What is not settled yet, by item and sign."""
        settled = {(settlement.order.item_id, settlement.is_refund) for settlement in self.settlements}
        return {
            (order.item_id, sign): sign * order.amount
            for order, sign in self.documents()
            if (order.item_id, sign < 0) not in settled
        }

    def gst(self) -> dict[tuple[str, str, bool, Decimal], tuple[Decimal, Decimal, Decimal, Decimal]]:
        """Taxable value, IGST, CGST and SGST by month, state, whether within the state, and rate."""
        sums: dict[tuple[str, str, bool, Decimal], list[Decimal]] = defaultdict(lambda: [ZERO] * 4)
        for order, sign in self.documents():
            moment = order.dispatched if sign > 0 else order.return_completed
            assert moment is not None
            state = order.state.replace("&", "and")
            key = (f"{moment:%Y-%m}-01", state, order.is_intra_state, order.product.gst)
            halved = halves(order.tax) if order.is_intra_state else (ZERO, ZERO)
            taxes = (order.taxable, ZERO if order.is_intra_state else order.tax, *halved)
            sums[key] = [total + sign * tax for total, tax in zip(sums[key], taxes, strict=True)]
        return {key: (taxable, igst, cgst, sgst) for key, (taxable, igst, cgst, sgst) in sums.items() if taxable}

    def amendments(self, month: Mapping[str, str]) -> list[Decimal]:
        """Taxable values that the return of a month declares again."""
        return [
            amount(row, column)
            for title, column in (
                ("Section 10A(1) in GSTR-1", "Taxable Value Rs."),
                ("Section 10B(1) in GSTR-1", "Aggregate Taxable Value Rs."),
            )
            for row in self.simulator.rows("gst_returns_report", self.seller_id, month, table=title)
        ]

    # Payouts

    @cached_property
    def all_settlements(self) -> list[Settlement]:
        """What was paid out for orders in these days, whatever its NEFT ID is."""
        return [
            settlement for order in self.orders for settlement in settlements_of(order) if self.has(settlement.paid_on)
        ]

    @cached_property
    def settlements(self) -> list[Settlement]:
        """Those that the bank has made."""
        newest = {settlement.order.item_id: settlement for settlement in self.all_settlements}
        return [
            settlement
            for settlement in self.all_settlements
            if settlement.order.item_id not in self.provisional or settlement is not newest[settlement.order.item_id]
        ]

    @property
    def under_way(self) -> Decimal:
        everything = sum((settlement.bank_value for settlement in self.all_settlements), ZERO)
        return everything - sum((settlement.bank_value for settlement in self.settlements), ZERO)

    def sheet(self, title: str) -> list[dict[str, str]]:
        days = {"from_date": self.first.isoformat(), "to_date": self.last.isoformat()}
        return self.simulator.rows("settled_transaction_ledger", self.seller_id, days, table=title)

    def payouts(self) -> dict[str, Decimal]:
        """Each payout's value over all sheets, by NEFT ID."""
        values: dict[str, Decimal] = defaultdict(Decimal)
        for settlement in self.settlements:
            values[settlement.neft_id.strip()] += settlement.bank_value
        for title in OTHER_SHEETS:
            for row in self.sheet(title):
                values[row["NEFT ID"].strip()] += amount(row, "Settlement Value")
        return dict(values)

    def order_fees(self) -> dict[tuple[str, str], Decimal]:
        """What orders paid, by month of the payout and kind."""
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for settlement in self.settlements:
            month = f"{settlement.paid_on:%Y-%m}-01"
            for kind, fee in (
                ("commission", settlement.commission),
                ("fixed_fee", settlement.fixed_fee),
                ("shipping_fee", settlement.shipping_fee),
                ("reverse_shipping_fee", settlement.reverse_shipping_fee),
                ("gst_on_marketplace_fees", settlement.gst),
                ("tcs", settlement.tcs),
                ("tds", settlement.tds),
            ):
                sums[month, kind] += fee
        return {key: total for key, total in sums.items() if total}

    # Orders

    def stages(self) -> dict[str, str]:
        """How far each order has come that was placed in these days, as the loaded reports know it."""
        paid = {settlement.order.item_id for settlement in self.settlements if not settlement.is_refund}
        refunded = {settlement.order.item_id for settlement in self.settlements if settlement.is_refund}
        return {
            order.item_id: self._stage(order, is_paid=order.item_id in paid, is_refunded=order.item_id in refunded)
            for order in self.orders
            if self.is_placed(order)
        }

    def _stage(self, order: Order, *, is_paid: bool, is_refunded: bool) -> str:
        steps = (
            (is_refunded, "refunded"),
            (self.is_past(order.return_completed), "returned"),
            (self.is_past(order.return_requested), "return requested"),
            (is_paid, "paid"),
            (self.is_past(order.cancelled), "cancelled"),
            (self.is_past(order.delivered), "delivered"),
            (self.is_past(order.dispatched), "shipped"),
            (True, "ordered"),
        )
        return next(word for is_so, word in steps if is_so)
