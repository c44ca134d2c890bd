"""Views of the business for reports: a seller's orders in some days, as known at a moment; and their spelling."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.simulator.business.orders import (
    CENT,
    DAY,
    FIRST_DAY,
    LONGEST_LIFE,
    Order,
    orders_of,
    payout_days,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GSTIN = "29ABCDE1234F1Z5"
ZERO = Decimal("0.00")


@dataclass(frozen=True, kw_only=True)
class View:
    """A seller's business in the days of a report.

    Attributes:
        seller_id: the seller.
        warehouse: of the reports that ask for one, else empty.
        first: first day of the report.
        last: last day of the report.
        as_of: the moment of the report, Kolkata's, without a zone.
        per_day: how much the seller sells.
    """

    seller_id: str
    warehouse: str
    first: date
    last: date
    as_of: datetime
    per_day: int

    @classmethod
    def of(cls, seller_id: str, parameters: Mapping[str, Any], *, as_of: datetime, per_day: int) -> View:
        """The view for a report with these parameters."""
        first = last = as_of.date()
        if "from_date" in parameters:
            first, last = date.fromisoformat(parameters["from_date"]), date.fromisoformat(parameters["to_date"])
        elif "month" in parameters:
            first = datetime.strptime(f"1 {parameters['month']} {parameters['year']}", "%d %B %Y").date()  # noqa: DTZ007 - a day
            last = (first + 31 * DAY).replace(day=1) - DAY
        return cls(
            seller_id=seller_id,
            warehouse=str(parameters.get("warehouse_id", "")),
            first=max(first, FIRST_DAY),
            last=last,
            as_of=as_of,
            per_day=per_day,
        )

    def over(self, first: date, last: date) -> View:
        """A view of the same business in other days."""
        return replace(self, first=first, last=last)

    def placed(self) -> Iterator[Order]:
        """Orders placed in the report's days."""
        for order in orders_of(self.seller_id, self.first, self.last, per_day=self.per_day):
            if order.placed <= self.as_of:
                yield order

    def alive(self) -> Iterator[Order]:
        """Orders that may have changed in the report's days."""
        yield from self.over(self.first - LONGEST_LIFE, self.last).placed()

    def payout_days(self) -> Iterator[date]:
        """The days of past bank payouts among the report's days."""
        return payout_days(self.first, min(self.last, self.as_of.date()))

    def has(self, moment: datetime | None) -> bool:
        """Whether a moment lies in the report's days and in the past."""
        return moment is not None and self.first <= moment.date() <= self.last and moment <= self.as_of

    def has_day(self, day: date | None) -> bool:
        """Whether a day is one of the report's and not in the future."""
        return day is not None and self.first <= day <= self.last and day <= self.as_of.date()

    @property
    def is_final(self) -> bool:
        """Whether its content can no longer change."""
        return self.as_of.date() > self.last + LONGEST_LIFE

    def stock(self, salt: str) -> random.Random:
        """A random generator for a warehouse on a day."""
        return random.Random(f"{self.seller_id} {self.warehouse} {self.last} {salt}")

    def numbers(self, salt: str, day: date) -> random.Random:
        """A random generator for a day, which does not depend on the report's days."""
        return random.Random(f"{self.seller_id} {salt} {day}")


def month_before(day: date) -> tuple[date, date]:
    """First and last day of the month before a day's."""
    last = day.replace(day=1) - DAY
    return last.replace(day=1), last


def midnight(moment: datetime) -> str:
    """A day as Flipkart's ledgers print it."""
    return f"{moment.date().isoformat()} 00:00:00.0"


def moment_text(moment: datetime | None, view: View) -> str:
    """A moment as Flipkart's reports print it; empty if it lies in the future."""
    return moment.isoformat(" ", "seconds") if moment is not None and moment <= view.as_of else ""


def quoted_sku(order: Order) -> str:
    """A SKU with its prefix, in the quotes that Flipkart puts around it."""
    return f'"""SKU:{order.product.sku}"""'


def halves(tax: Decimal) -> tuple[Decimal, Decimal]:
    """What union and state get of a tax; together they are the tax."""
    half = (tax / 2).quantize(CENT)
    return half, tax - half


def rupees(amount: Decimal) -> str:
    """Indian digit grouping: the last three digits, then pairs."""
    whole, _, cents = f"{abs(amount):.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs: list[str] = []
    while head:
        pairs.insert(0, head[-2:])
        head = head[:-2]
    text = ",".join([*pairs, tail]) + "." + cents
    return f"-{text}" if amount < 0 else text
