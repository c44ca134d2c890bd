"""Files as Flipkart hands them out, of any length, made up.

A pool of orders with plausible spreads of products, prices, places and empty cells is repeated with ids and dates of
its own for every row. Only neighbouring rows profit from what a reader remembers, as in a real file.
"""

from __future__ import annotations

import csv
import io
import json
import random
from datetime import date, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEMAS = Path(__file__).parent.parent / "schemas"
POOL = 20_000
"""Rows before the pool begins again: far more than any reader remembers."""

PRODUCTS = 2_000
PIN_CODES = 5_000
FIRST_DAY = date(2026, 10, 1)
DAYS = 31

STATES = (
    "Karnataka", "Maharashtra", "Tamil Nadu", "Uttar Pradesh", "West Bengal", "Jammu & Kashmir", "Delhi", "Gujarat",
    "Rajasthan", "Kerala", "Telangana", "Bihar", "Punjab", "Haryana", "Odisha", "Assam",
)  # fmt: skip
WORDS = (
    "Cotton", "kurti", "LED", "lamp", "steel", "bottle", "shoes", "running", "for men", "printed", "cover", "pack of 2",
    "मसाला", "चाय", "set", "blue", "wireless", "earphones", "kitchen", "rack", "wall", "clock", "saree", "silk",
)  # fmt: skip


def write_sales(path: Path, rows: int, *, extra_columns: int = 0) -> None:
    """Write a Sales Report.

    Args:
        path: where.
        rows: how many rows.
        extra_columns: columns of numbers that the schema does not have.
    """
    rng = random.Random(5)
    products = [_product(rng, number) for number in range(PRODUCTS)]
    weights = [1 / (number + 10) for number in range(PRODUCTS)]
    pin_codes = [str(rng.randrange(110_001, 855_117)) for _ in range(PIN_CODES)]
    header = [*_titles("sales_ledger"), *(f"Extra Amount {number}" for number in range(1, extra_columns + 1))]
    pool = []
    for product in rng.choices(products, weights, k=min(POOL, rows)):
        cells = [*_sale(rng, product, pin_codes), *(f"{rng.uniform(0, 999):.2f}" for _ in range(extra_columns))]
        pool.append(_line(cells))
    _write(path, header, pool, rows)


def write_gst_returns(path: Path, rows: int) -> None:
    """Write a GSTR Report, whose rows have no natural key.

    Args:
        path: where.
        rows: how many rows.
    """
    rng = random.Random(6)
    pool = []
    for _ in range(min(POOL, rows)):
        gross, returned = round(rng.uniform(100, 900_000), 2), round(rng.uniform(0, 9_000), 2)
        rate = rng.choice((0, 2.5, 6, 9, 14))
        tax = f"{(gross - returned) * rate / 100:.2f}"
        gstin = f"29ABCDE{rng.randrange(10_000):04d}F1Z5"
        cells = [gstin, f"{gross:.2f}", f"{returned:.2f}", f"{gross - returned:.2f}", str(rate), tax, str(rate), tax]
        pool.append(_line([*cells, "0.0", "0.00"]))
    _write(path, _titles("gst_returns_report"), pool, rows)


def _titles(stream: str) -> list[str]:
    properties = json.loads((SCHEMAS / f"{stream}.json").read_text())["properties"]
    return [schema["title"] for schema in properties.values()]


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _write(path: Path, header: Sequence[str], pool: Sequence[str], rows: int) -> None:
    days = [(FIRST_DAY + timedelta(days=number)).isoformat() for number in range(DAYS)]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(_line(header))
        file.writelines(_numbered(islice(cycle(pool), rows), days))


def _numbered(lines: Iterator[str], days: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        serial = f"{number:012d}"
        yield line.replace("<serial>", serial).replace("<day>", days[number % DAYS])


def _product(rng: random.Random, number: int) -> dict[str, str]:
    title = " ".join(rng.choices(WORDS, k=rng.randint(4, 12)))
    kind = rng.random()
    if kind < 0.3:  # noqa: PLR2004 - shares of a plausible catalogue
        title += ", size M"
    elif kind < 0.34:  # noqa: PLR2004 - a share
        title += '\n"hand-made"'
    return {
        "title": title,
        "fsn": "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=16)),
        "sku": f'"""SKU:LW-{number}-{rng.choice(("S", "M", "L"))}"""',
        "hsn": str(rng.randrange(10_000_000, 99_999_999)),
        "price": f"{rng.randint(99, 4_999)}.00",
        "gst": rng.choice(("5.0", "12.0", "18.0", "28.0")),
    }


def _sale(rng: random.Random, product: dict[str, str], pin_codes: Sequence[str]) -> list[str]:
    event = rng.choice(("Sale",) * 6 + ("Return",))
    sign = -1 if event == "Return" else 1
    price, rate = float(product["price"]), float(product["gst"])
    discount = round(price * rng.choice((0, 0, 0.05, 0.1, rng.random() / 4)), 2)
    shipping = rng.choice((0.0, 0.0, 40.0, 55.0))
    amount = round(price - discount + shipping, 2)
    taxable = round(amount / (1 + rate / 100), 2)
    state, pin_code, is_intra = rng.choice(STATES), rng.choice(pin_codes), rng.random() < 0.2  # noqa: PLR2004 - a share
    igst, half = (0.0, (amount - taxable) / 2) if is_intra else (amount - taxable, 0.0)
    tcs = taxable * 0.005
    is_business = rng.random() < 0.06  # noqa: PLR2004 - a share

    def rupees(value: float) -> str:
        return f"{sign * value:.2f}" if value else "0.0"

    return [
        "29ABCDE1234F1Z5", "OD4<serial>00000", "4<serial>00000", product["title"], product["fsn"], product["sku"],
        product["hsn"], event, rng.choice((event, event, event, "Cancellation")),
        rng.choice(("Prepaid", "Postpaid")), rng.choice(("FBF", "NON_FBF")), "<day> 00:00:00.0", "<day> 00:00:00.0",
        rng.choice(("1.0", "1.0", "1.0", "2.0")), "Karnataka", rng.choice(("NA", "blr_wfld", "malur_bts")),
        rupees(price), rupees(discount), rupees(discount), "0.0", rupees(price - discount), rupees(shipping),
        rupees(amount), "GST", rupees(taxable), "0.0", "0.0", "0.0", "0.0", "0.0", "0.0",
        "0.0" if is_intra else str(rate), rupees(igst), str(rate / 2) if is_intra else "0.0", rupees(half),
        str(rate / 2) if is_intra else "0.0", rupees(half),
        "0.0" if is_intra else "0.5", rupees(0 if is_intra else tcs), "0.25" if is_intra else "0.0",
        rupees(tcs / 2 if is_intra else 0), "0.25" if is_intra else "0.0", rupees(tcs / 2 if is_intra else 0),
        rupees(tcs), "LW<serial>0000", "<day> 00:00:00.0", rupees(amount), pin_code, state, pin_code, state,
        "NA" if rng.random() < 0.5 else f"{price + rng.randint(0, 400):.1f}",  # noqa: PLR2004 - a share
        rng.choice(("TRUE", "FALSE")), "0.1", rupees(taxable * 0.001),
        f"{rng.getrandbits(256):064x}" if is_business else "NA", "Glory & Sons" if is_business else "NA",
        "27ABCDE1234F1Z5" if is_business else "NA", "", str(rng.randrange(10**14, 10**15)) if is_business else "",
    ]  # fmt: skip
