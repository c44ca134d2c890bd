"""Checks the parameters of a trigger: their names against a profile, their values by the rules of the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.simulator.business.orders import FIRST_DAY, WAREHOUSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

MIR_READY_ON = 8
"""Day of the next month on which the report exists; the documents say "after the 7th"."""


def meanings(parameters: Mapping[str, Any], forms: Sequence[Mapping[str, str]]) -> dict[str, Any] | None:
    """The parameters of a trigger by meaning; `None` if their names fit none of a report type's forms.

    Args:
        parameters: as sent.
        forms: names by meaning.
    """
    for form in forms:
        if set(form.values()) == set(parameters):
            return {meaning: parameters[name] for meaning, name in form.items()}
    return None


def expected(identifier: str, forms: Sequence[Mapping[str, str]]) -> str:
    """The parameters of a report type, in words."""
    return f"{identifier} takes the parameters {' or '.join(', '.join(sorted(form.values())) for form in forms)}"


def parameter_error(identifier: str, parameters: Mapping[str, Any], *, today: date) -> str | None:
    """The error in the values of parameters; `None` if they are valid.

    Args:
        identifier: a known report type.
        parameters: by meaning.
        today: the present day in Kolkata.
    """
    warehouse = parameters.get("warehouse_id", WAREHOUSES[0])
    if warehouse not in WAREHOUSES:
        return "warehouse_id is not a known warehouse"
    if "month" in parameters:
        return _month_error(parameters["month"], parameters["year"], today=today)
    if "from_date" in parameters:
        return _range_error(identifier, parameters["from_date"], parameters["to_date"], today=today)
    return None


def _range_error(identifier: str, first_text: object, last_text: object, *, today: date) -> str | None:
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


def _month_error(month: object, year: object, *, today: date) -> str | None:
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
