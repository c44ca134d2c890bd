"""Which parameters each report type takes, as the API reference has them; everything else is refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.simulator.business.orders import FIRST_DAY, WAREHOUSES
from tap_flipkart_reports.simulator.business.reports import IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Mapping

RANGE = frozenset({"from_date", "to_date"})
WAREHOUSE = frozenset({"warehouse_id"})

FORMS: dict[str, tuple[frozenset[str], ...]] = {
    **dict.fromkeys(IDENTIFIERS, (RANGE,)),
    # The documents of 2024 ask for a warehouse, those of today for a range.
    "stranded_inventory_report": (RANGE, WAREHOUSE),
    "mir_ledger": (WAREHOUSE | {"month", "year"},),
    "stock_ledger": (WAREHOUSE | RANGE,),
    "inventory_report": (WAREHOUSE,),
}
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

MIR_READY_ON = 8
"""Of the next month: the report exists "after the 7th"."""


def complaint(identifier: str, parameters: Mapping[str, Any], *, today: date) -> str | None:
    """What is wrong with the parameters of a trigger, `None` if they are right.

    Args:
        identifier: a known report type.
        parameters: as sent.
        today: the day it is in Kolkata.
    """
    if frozenset(parameters) not in FORMS[identifier]:
        forms = " or ".join(", ".join(sorted(form)) for form in FORMS[identifier])
        return f"{identifier} takes the parameters {forms}"
    warehouse = parameters.get("warehouse_id", WAREHOUSES[0])
    if warehouse not in WAREHOUSES:
        return "warehouse_id is not a known warehouse"
    if "month" in parameters:
        return _month_complaint(parameters["month"], parameters["year"], today=today)
    if "from_date" in parameters:
        return _range_complaint(identifier, parameters["from_date"], parameters["to_date"], today=today)
    return None


def _range_complaint(identifier: str, first_text: object, last_text: object, *, today: date) -> str | None:
    first, last = _day(first_text), _day(last_text)
    if first is None or last is None:
        return "from_date and to_date must be yyyy-MM-dd"
    if last < first:
        return "from_date must not be after to_date"
    if last > today:
        return "to_date must not be in the future"
    if identifier == "financial_year_ledger" and _financial_year(first) != _financial_year(last):
        return "from_date and to_date must lie in one financial year"
    return None


def _month_complaint(month: object, year: object, *, today: date) -> str | None:
    if month not in MONTHS:
        return "month must be the English name of a month"
    if isinstance(year, bool) or not isinstance(year, int) or year < FIRST_DAY.year:
        return "year must be an integer, of a year with business in it"
    months_gone = today.year * 12 + today.month - 1 - (year * 12 + MONTHS.index(str(month)))
    if months_gone < 1 or (months_gone == 1 and today.day < MIR_READY_ON):
        return "the report of this month is available after the 7th of the next"
    return None


def _day(text: object) -> date | None:
    try:
        day = datetime.strptime(str(text), "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
    return day if isinstance(text, str) and day.isoformat() == text else None


def _financial_year(day: date) -> int:
    return day.year if day.month >= 4 else day.year - 1  # noqa: PLR2004 - April
