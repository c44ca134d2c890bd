"""What lies in Flipkart's warehouses.

Only the columns of current_inventory_report are published; those of the others are invented.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tap_flipkart_reports.simulator.business.layouts import Layout, Table
from tap_flipkart_reports.simulator.business.orders import DAY, PRODUCTS, WAREHOUSES
from tap_flipkart_reports.simulator.business.views import View, rupees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_flipkart_reports.simulator.business.layouts import Row

INVENTORY_HEADER = (
    "Warehouse Id", "SKU", "Title", "Listing Id", "FSN", "Brand", "Flipkart Selling Price", "Live on Website",
    "Sales 7D", "Sales 14D", "Sales 30D", "Sales 60D", "Sales 90D", "B2B Scheduled", "Transfers Scheduled",
    "B2B Shipped", "Transfers Shipped", "B2B Receiving", "Transfers Receiving", "Reserved for Orders and Recalls",
    "Reserved for Internal Processing", "Returns Processing", "Orders to Dispatch", "Recalls to Dispatch", "Damaged",
    "QC Reject", "Catalog Reject", "Returns Reject", "Seller Return Reject", "Miscellaneous", "Length (in cm)",
    "Breadth (in cm)", "Height (in cm)", "Weight (in kg)", "Fulfilment Type", "F Assured Badge",
)  # fmt: skip


def _inventory(view: View) -> Iterator[Row]:
    for warehouse in WAREHOUSES[:3]:
        for product in PRODUCTS:
            rng = view.stock(f"{warehouse} {product.fsn}")
            yield {
                **dict.fromkeys(INVENTORY_HEADER[13:30], "0"),
                "Warehouse Id": warehouse,
                "SKU": product.sku,
                "Title": product.title,
                "Listing Id": f"LST{product.fsn}",
                "FSN": f'"{product.fsn}"',
                "Brand": product.brand,
                "Flipkart Selling Price": str(product.price),
                "Live on Website": str(rng.randint(0, 400)),
                "Sales 7D": str(rng.randint(0, 30)),
                "Sales 14D": str(rng.randint(30, 60)),
                "Sales 30D": str(rng.randint(60, 120)),
                "Damaged": str(rng.randint(0, 3)),
                "Length (in cm)": "10.0",
                "Breadth (in cm)": "12.5",
                "Height (in cm)": "4.0",
                "Weight (in kg)": "0.3",
                "Fulfilment Type": "FBF",
                "F Assured Badge": "Yes",
            }


STOCK_HEADER = ("Date", "Warehouse", "SKU", "FSN", "Opening Stock", "Inward", "Outward", "Closing Stock", "Remarks")


def _stock(view: View) -> Iterator[Row]:
    day = view.first
    while day <= view.last:
        for product in PRODUCTS[:4]:
            rng = random.Random(f"{view.seller_id} {view.warehouse} {product.fsn} {day}")
            opening, inward = rng.randint(20, 90), rng.choice((0, 0, 40))
            outward = rng.randint(0, 20)
            yield {
                "Date": day.strftime("%d-%m-%Y"),
                "Warehouse": view.warehouse,
                "SKU": product.sku,
                "FSN": product.fsn,
                "Opening Stock": str(opening),
                "Inward": str(inward),
                "Outward": str(outward),
                "Closing Stock": str(opening + inward - outward),
                "Remarks": "-",
            }
        day += DAY


MIR_HEADER = ("Warehouse", "SKU", "FSN", "Opening", "Received", "Sold", "Lost", "Closing", "Claim Amount")


def _mir(view: View) -> Iterator[Row]:
    for product in PRODUCTS:
        rng = view.stock(product.fsn)
        opening, received, sold, lost = rng.randint(50, 90), rng.randint(0, 40), rng.randint(0, 40), rng.randint(0, 2)
        yield {
            "Warehouse": view.warehouse,
            "SKU": product.sku,
            "FSN": product.fsn,
            "Opening": str(opening),
            "Received": str(received),
            "Sold": str(sold),
            "Lost": str(lost),
            "Closing": str(opening + received - sold - lost),
            "Claim Amount": f"₹{rupees(lost * product.price)}",
        }


UNITS_HEADER = ("SKU", "FSN", "Title", "Units", "Reason")


def _units(salt: str, reason: str) -> Callable[[View], Iterator[Row]]:
    def rows(view: View) -> Iterator[Row]:
        for product in PRODUCTS:
            units = view.stock(f"{salt} {product.fsn}").randint(0, 5)
            if units:
                yield {
                    "SKU": product.sku,
                    "FSN": product.fsn,
                    "Title": product.title,
                    "Units": str(units),
                    "Reason": reason,
                }

    return rows


def _layout(title: str, header: Sequence[str], make: Callable[[View], Iterator[Row]]) -> Layout:
    return Layout(tables=(Table(title=title, header=header, make=make),))


CURRENT_INVENTORY_REPORT = _layout("Inventory", INVENTORY_HEADER, _inventory)
STOCK_LEDGER = _layout("Stock Ledger", STOCK_HEADER, _stock)
MIR_LEDGER = _layout("MIR", MIR_HEADER, _mir)
STRANDED_INVENTORY_REPORT = _layout("Stranded", UNITS_HEADER, _units("stranded", "Listing inactive"))
UNSELLABLE_INVENTORY_REPORT = _layout("Unsellable", UNITS_HEADER, _units("unsellable", "Damaged in warehouse"))
INVENTORY_REPORT = _layout("Inventory", UNITS_HEADER, _units("stock", "-"))
