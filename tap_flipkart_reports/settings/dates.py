"""Dates in settings, read as days in Asia/Kolkata; Meltano sends time stamps."""

from __future__ import annotations

import re
from datetime import date, timedelta

from tap_flipkart_reports.clock import KOLKATA

_FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

_RELATIVE_DAY = re.compile(r"(?P<number>[0-9]{1,4}) (?P<unit>day|week|month|year)s? ago", re.IGNORECASE)

_NAMED_DAYS = {"today": 0, "yesterday": 1}


def read_day(text: str, *, today: date) -> date:
    """The day that a text names, in Asia/Kolkata.

    Args:
        text: a date, a time stamp with or without a zone, `yesterday` or `30 days ago`.
        today: today in Asia/Kolkata.

    Raises:
        ValueError: the text does not name a day.
    """
    try:
        return _relative_day(text, today) or _calendar_day(text)
    except OverflowError:
        raise ValueError(text) from None


def _relative_day(text: str, today: date) -> date | None:
    """A day counted back from today in Kolkata; Meltano would count from the machine's local day."""
    if text.lower() in _NAMED_DAYS:
        return today - timedelta(days=_NAMED_DAYS[text.lower()])
    if (match := _RELATIVE_DAY.fullmatch(text)) is None:
        return None
    from dateutil.relativedelta import relativedelta  # noqa: PLC0415 - few settings need it, and it is slow to import

    return today - relativedelta(**{f"{match['unit'].lower()}s": int(match["number"])})  # type: ignore[arg-type]  # mypy takes the name for any parameter, dates too


def _calendar_day(text: str) -> date:
    from dateutil.parser import isoparse  # noqa: PLC0415 - discovery does not need it, and it is slow to import

    if not _FULL_DATE.match(text):
        raise ValueError(text)
    moment = isoparse(text)
    return (moment.astimezone(KOLKATA) if moment.tzinfo else moment).date()
