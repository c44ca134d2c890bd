"""A seller's invented business: the orders of a seller and day are always the same.

All reports are views of these orders, so an order item that is sold in one report is settled and returned in others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CENT = Decimal("0.01")
DAY = timedelta(days=1)

FIRST_DAY = date(2015, 1, 1)
"""The first day with orders."""

LONGEST_LIFE = timedelta(days=40)
"""The longest time after which an order can still change."""

LOAD = 1000
"""With more orders per day than this, every day has exactly that number, and none is cached in memory."""

BULK_DAYS = frozenset({9, 21})
"""Of a month: the first order of such a day is a business's, outside the home state and above 2.5 lakh rupees."""

HOME_STATE = "Karnataka"
STATES = {
    "Karnataka": "560001",
    "Maharashtra": "400001",
    "Tamil Nadu": "600001",
    "Uttar Pradesh": "226001",
    "West Bengal": "700001",
    "Jammu & Kashmir": "190001",
}
"""With a pin code each."""

_STATE_NAMES = tuple(STATES)
QUANTITIES = (1, 1, 1, 2, 3)

STATE_CODES = {
    "Karnataka": "IN-KA",
    "Maharashtra": "IN-MH",
    "Tamil Nadu": "IN-TN",
    "Uttar Pradesh": "IN-UP",
    "West Bengal": "IN-WB",
    "Jammu & Kashmir": "IN-JK",
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

BULK_PRODUCT = next(product for product in PRODUCTS if product.sku == "PRS-5L")


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order of one item with its whole history; times are in Kolkata, without a zone."""

    seller_id: str
    number: int
    product: Product
    quantity: int
    state: str
    is_prepaid: bool
    is_fbf: bool
    is_shopsy: bool
    is_bulk: bool
    placed: datetime
    cancelled: datetime | None
    dispatched: datetime | None
    delivered: datetime | None
    return_requested: datetime | None
    return_completed: datetime | None

    @cached_property
    def serial(self) -> int:
        """A number that is unique among all sellers."""
        seller = _seller_number(self.seller_id)
        days = (self.placed.date() - FIRST_DAY).days
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

    @cached_property
    def amount(self) -> Decimal:
        """What the buyer pays, taxes included."""
        return (self.product.price * self.quantity - self.discount).quantize(CENT)

    @cached_property
    def discount(self) -> Decimal:
        """Of the seller, on every seventh order."""
        return (self.product.price * Decimal("0.1")).quantize(CENT) if self.number % 7 == 0 else Decimal("0.00")

    @cached_property
    def taxable(self) -> Decimal:
        """The amount without GST."""
        return (self.amount / (1 + self.product.gst / 100)).quantize(CENT)

    @property
    def tax(self) -> Decimal:
        """GST; taxable value and tax are exactly the amount."""
        return self.amount - self.taxable

    @property
    def has_cash_back(self) -> bool:
        """Whether the buyer gets some money back; on every sixth order."""
        return self.number % 6 == 0

    @property
    def is_intra_state(self) -> bool:
        """Whether it is taxed half by the state, half by the union."""
        return self.state == HOME_STATE

    @cached_property
    def paid_on(self) -> date | None:
        """The day of the bank payout: the first Tuesday or Friday at least a week after the delivery."""
        return payout_day(self.delivered.date() + 7 * DAY) if self.delivered else None

    @cached_property
    def refunded_on(self) -> date | None:
        """The day of the payout from which a returned item's money is deducted."""
        if self.return_completed is None or self.paid_on is None:
            return None
        return payout_day(max(self.return_completed.date() + 2 * DAY, self.paid_on + DAY))

    def status(self, as_of: datetime) -> str:
        """Its status in the orders report at a moment."""
        for moment, word in (
            (self.return_requested, "returned"),
            (self.delivered, "delivered"),
            (self.dispatched, "shipped"),
            (self.cancelled, "cancelled"),
        ):
            if moment is not None and moment <= as_of:
                return word
        return "approved"


@lru_cache
def _seller_number(seller_id: str) -> int:
    return random.Random(seller_id).randrange(100_000, 1_000_000)


def orders_of(seller_id: str, first: date, last: date, *, per_day: int) -> Iterator[Order]:
    """The orders placed on some days, in the order in which they were placed."""
    day = max(first, FIRST_DAY)
    orders_of_day = _made_orders if per_day > LOAD else _kept_orders
    while day <= last:
        yield from orders_of_day(seller_id, day, per_day)
        day += DAY


def _made_orders(seller_id: str, day: date, per_day: int) -> Iterator[Order]:
    rng = random.Random(f"{seller_id} {day.isoformat()}")
    count = per_day if per_day > LOAD else rng.randint(max(0, per_day - 3), per_day + 3)
    for number in range(count):
        yield _order(rng, seller_id, day, number)


@lru_cache(maxsize=256)
def _kept_orders(seller_id: str, day: date, per_day: int) -> tuple[Order, ...]:
    return tuple(_made_orders(seller_id, day, per_day))


def _order(rng: random.Random, seller_id: str, day: date, number: int) -> Order:
    placed = datetime(day.year, day.month, day.day) + timedelta(seconds=int(rng.random() * 86_400))  # noqa: DTZ001 - as printed
    is_cancelled = rng.random() < 0.08  # noqa: PLR2004 - shares of a plausible business
    is_returned = rng.random() < 0.14  # noqa: PLR2004 - a share
    dispatched = None if is_cancelled else placed + _hours(rng, 6, 47)
    delivered = dispatched + _hours(rng, 40, 140) if dispatched else None
    requested = delivered + _hours(rng, 20, 160) if delivered and is_returned else None
    order = Order(
        seller_id=seller_id,
        number=number,
        product=PRODUCTS[int(rng.random() * len(PRODUCTS))],
        quantity=QUANTITIES[int(rng.random() * len(QUANTITIES))],
        state=_STATE_NAMES[int(rng.random() * len(_STATE_NAMES))],
        is_prepaid=rng.random() < 0.6,  # noqa: PLR2004 - a share
        is_fbf=rng.random() < 0.3,  # noqa: PLR2004 - a share
        is_shopsy=rng.random() < 0.2,  # noqa: PLR2004 - a share
        is_bulk=False,
        placed=placed,
        cancelled=placed + _hours(rng, 1, 30) if is_cancelled else None,
        dispatched=dispatched,
        delivered=delivered,
        return_requested=requested,
        return_completed=requested + _hours(rng, 60, 190) if requested else None,
    )
    return _bulk(order) if number == 0 and day.day in BULK_DAYS else order


def _hours(rng: random.Random, least: int, most: int) -> timedelta:
    return timedelta(hours=least + int(rng.random() * (most + 1 - least)))  # `randint` takes five times as long


def _bulk(order: Order) -> Order:
    state = "Tamil Nadu" if order.state == HOME_STATE else order.state
    return replace(order, product=BULK_PRODUCT, quantity=250, state=state, is_prepaid=True, is_bulk=True)


def payout_days(first: date, last: date) -> Iterator[date]:
    """The days of bank payouts in a time."""
    day = payout_day(max(first, FIRST_DAY))
    while day <= last:
        yield day
        day = payout_day(day + DAY)


def payout_day(day: date) -> date:
    """The first payout on or after a day: a Tuesday or a Friday."""
    while day.weekday() not in {1, 4}:
        day += DAY
    return day
