"""Settlements: the amounts of each bank payout for each order item."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.orders import CENT, Order
from tap_flipkart_reports.simulator.business.sales import tcs_on
from tap_flipkart_reports.simulator.business.views import ZERO, View

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

GST_ON_FEES = Decimal("0.18")


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """The part of a payout for one order item: a sale that is paid, or a return that is deducted."""

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
        """The commission; negative, like all deductions."""
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
    """All settlements of an order."""
    if order.paid_on is not None:
        yield Settlement(order=order, paid_on=order.paid_on, is_refund=False)
    if order.refunded_on is not None:
        yield Settlement(order=order, paid_on=order.refunded_on, is_refund=True)


def settlements_in(view: View) -> Iterator[Settlement]:
    """The settlements of the view's days."""
    for order in view.alive():
        for settlement in settlements_of(order):
            if view.has_day(settlement.paid_on):
                yield settlement


def neft_id(seller_id: str, day: date) -> str:
    """The payout of a day, with the blank that Flipkart prints behind it."""
    return f"NFT-{seller_id}/XUTR/{day:%y%m%d} "
