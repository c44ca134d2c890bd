"""A seller's business, made up: the same orders for the same seller and day, wherever and whenever they are asked for.

All reports are views of these orders, so an order item that is sold in one report is settled and returned in others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CENT = Decimal("0.01")
DAY = timedelta(days=1)

LONGEST_LIFE = timedelta(days=40)
"""After an order was placed nothing happens to it any more."""

HOME_STATE = "Karnataka"
STATES = {
    "Karnataka": "560001",
    "Maharashtra": "400001",
    "Tamil Nadu": "600001",
    "Uttar Pradesh": "226001",
    "West Bengal": "700001",
    "Jammu & Kashmir": "190001",
}
WAREHOUSES = ("bil", "binola", "blr_wfld", "del", "kol", "malur_bts", "ulub_bts", "mum_bndi")


@dataclass(frozen=True, kw_only=True)
class Product:
    """What a seller sells."""

    sku: str
    fsn: str
    title: str
    brand: str
    hsn: str
    price: Decimal
    gst: Decimal
    category: str


PRODUCTS = tuple(
    Product(
        sku=sku, fsn=fsn, title=title, brand=brand, hsn=hsn, price=Decimal(price), gst=Decimal(gst), category=category
    )
    for sku, fsn, title, brand, hsn, price, gst, category in (
        ("LMS-25-s", "LMPFZ2Y5QH8GZXKA", "Study lamp, LED, 25 W", "Lumora", "94052090", "399.00", "18", "table_lamp"),
        (
            "KTI-blue/M",
            "KTAG4ZHNBVQ7R2XS",
            'Women\'s kurti, "Jaipur" print, M',
            "Rangrez",
            "62114290",
            "749.00",
            "5",
            "kurti",
        ),
        (
            "KTI-red/L",
            "KTAG4ZHNBVQ7R2XT",
            "Women's kurti,\nhand-block print, L",
            "Rangrez",
            "62114290",
            "799.00",
            "5",
            "kurti",
        ),
        ("0042-CHAI", "TEAFMZ9QW3K8HYUP", "मसाला चाय, 500 g", "Chaiwala", "09024020", "245.00", "5", "tea"),
        (
            "PRS-5L",
            "PRCG8HZQ2VYXKFTN",
            "Pressure cooker 5 L, induction base",
            "Annapurna",
            "76151021",
            "1549.00",
            "12",
            "pressure_cooker",
        ),
        (
            "MOB-CVR-11",
            "ACCFXGZ5YHUKQ8WB",
            'Back cover for 11 Pro; shock-proof, "air" corners',
            "Kavach",
            "39269099",
            "199.00",
            "18",
            "cases_covers",
        ),
        ("SHOE-9-BLK", "SHOG2KQZVXH7TPYM", "Running shoes (men), UK 9", "Daud", "64041190", "1299.00", "12", "shoe"),
        ("GLASS-MAG", "MAGFQH6ZXY9VKTUD", "Magnifier 3x, with light", "Glory", "90138010", "119.00", "18", "magnifier"),
    )
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order of one item, with all that will ever happen to it; times are Kolkata's, without a zone."""

    seller_id: str
    number: int
    product: Product
    quantity: int
    state: str
    is_prepaid: bool
    is_fbf: bool
    is_shopsy: bool
    placed: datetime
    cancelled: datetime | None
    dispatched: datetime | None
    delivered: datetime | None
    return_requested: datetime | None
    return_completed: datetime | None

    @cached_property
    def serial(self) -> int:
        """A number no other order of any seller has."""
        seller = random.Random(self.seller_id).randrange(100_000, 1_000_000)
        days = (self.placed.date() - date(2015, 1, 1)).days
        return (seller * 10_000 + days) * 1_000_000 + self.number

    @property
    def order_id(self) -> str:
        """`OD` and 18 digits."""
        return f"OD4{self.serial:017d}"

    @property
    def item_id(self) -> str:
        """18 digits, which no double can hold."""
        return f"4{self.serial:017d}"

    @property
    def return_id(self) -> str:
        """Of the return, if there is one."""
        return f"12{self.serial:016d}"

    @property
    def invoice_id(self) -> str:
        """Of the sale."""
        return f"LW{self.serial:016d}"

    @property
    def credit_note_id(self) -> str:
        """Of the return."""
        return f"RW{self.serial:016d}"

    @property
    def amount(self) -> Decimal:
        """What the buyer pays, taxes included."""
        return (self.product.price * self.quantity - self.discount).quantize(CENT)

    @property
    def discount(self) -> Decimal:
        """Of the seller, on every seventh order."""
        return (self.product.price * Decimal("0.1")).quantize(CENT) if self.number % 7 == 0 else Decimal("0.00")

    @property
    def taxable(self) -> Decimal:
        """The amount without GST."""
        return (self.amount / (1 + self.product.gst / 100)).quantize(CENT)

    @property
    def tax(self) -> Decimal:
        """GST; taxable value and tax are exactly the amount."""
        return self.amount - self.taxable

    @property
    def is_intra_state(self) -> bool:
        """Whether it is taxed half by the state, half by the union."""
        return self.state == HOME_STATE

    @property
    def paid_on(self) -> date | None:
        """The day of the bank payout: the Tuesday or Friday from a week after the delivery on."""
        return _payout_day(self.delivered.date() + 7 * DAY) if self.delivered else None

    @property
    def refunded_on(self) -> date | None:
        """The day of the payout that takes a returned item's money back."""
        if self.return_completed is None or self.paid_on is None:
            return None
        return _payout_day(max(self.return_completed.date() + 2 * DAY, self.paid_on + DAY))

    def status(self, as_of: datetime) -> str:
        """What the orders report says of it at a moment."""
        for moment, word in (
            (self.return_requested, "returned"),
            (self.delivered, "delivered"),
            (self.dispatched, "shipped"),
            (self.cancelled, "cancelled"),
        ):
            if moment is not None and moment <= as_of:
                return word
        return "approved"


def orders_of(seller_id: str, first: date, last: date, *, per_day: int) -> Iterator[Order]:
    """The orders placed on some days, in the order in which they were placed."""
    day = first
    while day <= last:
        rng = random.Random(f"{seller_id} {day.isoformat()}")
        count = per_day if per_day > 1000 else rng.randint(max(0, per_day - 3), per_day + 3)  # noqa: PLR2004 - a load
        for number in range(count):
            yield _order(rng, seller_id, day, number)
        day += DAY


def _order(rng: random.Random, seller_id: str, day: date, number: int) -> Order:
    placed = datetime(day.year, day.month, day.day) + timedelta(seconds=rng.randrange(86_400))  # noqa: DTZ001 - as printed
    is_cancelled = rng.random() < 0.08  # noqa: PLR2004 - shares of a plausible business
    is_returned = rng.random() < 0.14  # noqa: PLR2004 - the same
    dispatched = None if is_cancelled else placed + timedelta(hours=rng.randint(6, 47))
    delivered = dispatched + timedelta(hours=rng.randint(40, 140)) if dispatched else None
    requested = delivered + timedelta(hours=rng.randint(20, 160)) if delivered and is_returned else None
    return Order(
        seller_id=seller_id,
        number=number,
        product=rng.choice(PRODUCTS),
        quantity=rng.choice((1, 1, 1, 2, 3)),
        state=rng.choice(tuple(STATES)),
        is_prepaid=rng.random() < 0.6,  # noqa: PLR2004 - the same
        is_fbf=rng.random() < 0.3,  # noqa: PLR2004 - the same
        is_shopsy=rng.random() < 0.2,  # noqa: PLR2004 - the same
        placed=placed,
        cancelled=placed + timedelta(hours=rng.randint(1, 30)) if is_cancelled else None,
        dispatched=dispatched,
        delivered=delivered,
        return_requested=requested,
        return_completed=requested + timedelta(hours=rng.randint(60, 190)) if requested else None,
    )


def _payout_day(day: date) -> date:
    while day.weekday() not in {1, 4}:
        day += DAY
    return day
