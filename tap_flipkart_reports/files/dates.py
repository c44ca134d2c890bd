"""Dates and times as files spell them. The whole column decides which of two numbers is the month.

The cell `08/26/2026` is only valid with the month first, and then its whole column is read that way. If no cell
decides the order, the header may name it: `Order Date (mm/dd/yy)`. Otherwise the day comes first, and ambiguous
spellings are refused: days and months of one digit, which American spreadsheets print, and years of two. Cells that
spell the month, or begin with the year, need no order.
A year of two digits is one of this century.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING

from tap_flipkart_reports.clock import KOLKATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import tzinfo

MAX_LENGTH = 60
"""Characters of the longest spelling; a longer text is not a date."""


class DayOrder(Enum):
    """Which of two numbers is the day."""

    DAY_FIRST = auto()
    MONTH_FIRST = auto()


# Not `datetime.fromisoformat`: since 3.11 it takes week dates and 20260819 too.
_TIME = (
    r"(?:(?:T|,?\s{1,3})(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6})0*)?)?"
    r"(?:\s?(?P<half>[AP]M))?\s?(?P<zone>Z|UTC|GMT|IST|[+-][0-9]{2}:?[0-5][0-9])?)?"
)
_NAME = r"(?P<month>[a-z]{3,9})\.?"
_WRITTEN = tuple(
    re.compile(day + _TIME, re.IGNORECASE)
    for day in (
        r"(?P<year>[0-9]{4})(?P<separator>[-/])(?P<month>[0-9]{2})(?P=separator)(?P<day>[0-9]{2})",
        rf"(?P<day>[0-9]{{1,2}})(?:[-/]| ){_NAME}(?:[-/]|,? )(?P<year>[0-9]{{4}}|[0-9]{{2}})",  # Excel shows 9-Aug-26
        rf"{_NAME}[- ](?P<day>[0-9]{{1,2}})(?:,? |-)(?P<year>[0-9]{{4}})",
    )
)
_NUMERIC = re.compile(
    r"(?P<one>[0-9]{1,2})(?P<separator>[-/.])(?P<other>[0-9]{1,2})(?P=separator)(?P<year>[0-9]{4}|[0-9]{2})" + _TIME,
    re.IGNORECASE,
)
_NAMED_ORDER = re.compile(
    r"(?<![a-z])(?:(?P<day>d{1,2})[-/. ]m{1,3}|m{1,2}[-/. ]d{1,2})[-/. ]y{2,4}(?![a-z])", re.IGNORECASE
)
"""How a header spells days: `dd-mm-yyyy`."""
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH_NUMBERS = {
    **{f"{number:02}": number for number in range(1, 13)},
    **{name: number for number, name in enumerate(_MONTHS, start=1)},
    **{name[:3]: number for number, name in enumerate(_MONTHS, start=1)},
    "sept": 9,
}
_LAST_MONTH = 12
_NOON = 12
_CENTURY = 2000
_ZONES = {"": KOLKATA, "ist": KOLKATA, "z": timezone.utc, "utc": timezone.utc, "gmt": timezone.utc}

_SERIAL = re.compile(r"(?P<day>[0-9]{5})(?P<fraction>\.[0-9]+)?")
_SERIAL_EPOCH = datetime(1899, 12, 30, tzinfo=KOLKATA)
"""Day 0 of Excel's calendar, one day earlier because of its 29 February 1900."""
_SERIAL_YEARS = range(1990, 2101)
"""Years in which a bare number is read as a day; others are slips."""


def moment_of(text: str, zone: tzinfo, order: DayOrder | None = None) -> datetime:
    """The moment that a text means, in a zone. A text without a zone is read as Asia/Kolkata's.

    Args:
        text: a cleaned cell.
        zone: the zone.
        order: the column's order, if it is decided.

    Raises:
        ValueError: the text is not a moment.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError("not a date")
    try:
        return _moment(text, order).astimezone(zone)
    except OverflowError as error:
        raise ValueError("too near to the calendar's end") from error


def forced_order(text: str) -> DayOrder | None:
    """The order in which a cell is a valid day, if it is valid in just one."""
    match = _NUMERIC.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None or (len(match["year"]) == 2 and match["separator"] != "/"):  # noqa: PLR2004 - a year of two digits
        return None
    one, other = int(match["one"]), int(match["other"])
    if one > _LAST_MONTH >= other:
        return DayOrder.DAY_FIRST
    return DayOrder.MONTH_FIRST if other > _LAST_MONTH >= one else None


def is_numeric(text: str) -> bool:
    """Whether a cell is a day in numbers whose order the column decides."""
    return len(text) <= MAX_LENGTH and _NUMERIC.fullmatch(text) is not None


class DateColumn:
    """Reads the cells of one column, all in one order.

    Args:
        read: converts a cleaned cell.
        decide: finds the column's order; called once, at the first cell that needs it.
    """

    def __init__(self, read: Callable[[str, DayOrder | None], str], decide: Callable[[], DayOrder | None]) -> None:
        self._read = read
        self._decide = decide
        self._order: DayOrder | None = None
        self._is_decided = False

    def __call__(self, text: str) -> str:
        """The value of a cell."""
        if not self._is_decided and is_numeric(text):
            self._order = forced_order(text) or self._decide()
            self._is_decided = True
        return self._read(text, self._order)


def order_of(texts: Iterable[str]) -> DayOrder | None:
    """The order of the first cell that is valid in just one order."""
    return next((order for text in texts if (order := forced_order(text)) is not None), None)


def named_order(header: str) -> DayOrder | None:
    """The order that a column's header names, if any."""
    match = _NAMED_ORDER.search(header)
    if match is None:
        return None
    return DayOrder.DAY_FIRST if match["day"] else DayOrder.MONTH_FIRST


def _moment(text: str, order: DayOrder | None) -> datetime:
    if match := _NUMERIC.fullmatch(text):
        return _numeric_moment(match.groupdict(""), order)
    for pattern in _WRITTEN:
        if match := pattern.fullmatch(text):
            return _written_moment(match.groupdict(""))
    return _serial_moment(text)


def _numeric_moment(part: Mapping[str, str], order: DayOrder | None) -> datetime:
    one, other, year = part["one"], part["other"], part["year"]
    is_short = len(year) == 2  # noqa: PLR2004 - a year of two digits
    if (order is None and (is_short or len(one + other) < len("ddmm"))) or (is_short and part["separator"] != "/"):
        raise ValueError("a day that could be read in two ways")
    day, month = (other, one) if order is DayOrder.MONTH_FIRST else (one, other)
    return _written_moment({
        **part, "day": day, "month": month.zfill(2),
    })  # fmt: skip


def _written_moment(part: Mapping[str, str]) -> datetime:
    zone = part["zone"].lower()
    return datetime(
        _year(part["year"]),
        _MONTH_NUMBERS.get(part["month"].lower(), 0),
        int(part["day"]),
        _hour(part["hour"], part["half"].lower()),
        int(part["minute"] or 0),
        int(part["second"] or 0),
        int(part["fraction"].ljust(6, "0")),
        tzinfo=_ZONES[zone] if zone in _ZONES else _offset(zone),
    )


def _year(digits: str) -> int:
    return int(digits) + (_CENTURY if len(digits) == 2 else 0)  # noqa: PLR2004 - a year of two digits


def _hour(hour: str, half: str) -> int:
    """The hour of the day; `12:30 AM` is half past midnight."""
    number = int(hour or 0)
    if not half:
        return number
    if not 1 <= number <= _NOON:
        raise ValueError("not an hour")
    return number % _NOON + (_NOON if half == "pm" else 0)


def _offset(zone: str) -> timezone:
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-offset if zone[0] == "-" else offset)


def _serial_moment(text: str) -> datetime:
    match = _SERIAL.fullmatch(text)
    if match is None:
        raise ValueError("not a date")
    seconds = round(Decimal(match["fraction"] or 0) * 24 * 60 * 60)
    moment = _SERIAL_EPOCH + timedelta(days=int(match["day"]), seconds=seconds)
    if moment.year not in _SERIAL_YEARS:
        raise ValueError("not a date")
    return moment
