"""Cells of a workbook to text, spelt as in text files, by type and style."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_flipkart_reports.files.xlsx_package import DURATION, MOMENT, NUMBER, PERCENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.files.xlsx_strings import SharedStrings

    Reader = Callable[[str], str]
    """Converts a cell's content to text; raises `ValueError` or `LookupError` if it does not fit the type."""

EXACT = 2**53
"""Larger whole numbers have lost digits: a workbook stores 53 bits of each number."""

MAX_REMEMBERED = 20_000
"""Numbers whose texts are cached: most columns of amounts repeat their values."""

LAST_DAY = 2_958_465
"""The last day of Excel's calendar, 31 December 9999."""

_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no zones
_DAYS_1904 = 1462
_FALSE_LEAP_DAY = 60
"""29 February 1900, which exists only in Excel."""

_MILLISECONDS = 86_400_000
_BOOLEANS = {"1": "TRUE", "0": "FALSE", "": ""}

# In the spelling of all common writers.
_PLAIN_ATTRIBUTES = re.compile(r'(?: s="([0-9]{1,6})")?(?: t="([A-Za-z]{1,9})")? ?')


def inline(text: str) -> str:
    """The reader of inline texts, which leaves them unchanged; callers compare with `is`."""
    return text


class CellReaders(dict[str, "Reader | None"]):
    """The reader of a cell, by its attributes after the reference; `None` if they are spelt in an unusual way.

    Args:
        strings: the texts that cells share.
        styles: the number format of each style.
        is_1904: whether days count from 1904.
    """

    def __init__(self, strings: SharedStrings, styles: bytes, *, is_1904: bool) -> None:
        super().__init__()
        self._styles = styles
        self._numbers: dict[int, Reader] = {
            NUMBER: _Numbers(_number).__getitem__,
            MOMENT: _Numbers(lambda value: _moment(value, is_1904=is_1904)).__getitem__,
            DURATION: _Numbers(_duration).__getitem__,
            PERCENT: _Numbers(_percent).__getitem__,
        }
        self._readers: dict[str, Reader] = {
            "s": strings.__getitem__,
            "str": str,
            "e": str,
            "b": _BOOLEANS.__getitem__,
            "d": _iso,
            "inlineStr": inline,
        }

    def __missing__(self, attributes: str) -> Reader | None:
        """The reader of a cell whose attributes are not cached."""
        match = _PLAIN_ATTRIBUTES.fullmatch(attributes)
        reader = self.reader(match[2] or "n", int(match[1] or 0)) if match is not None else None
        if len(self) < MAX_REMEMBERED:
            self[attributes] = reader
        return reader

    def reader(self, kind: str, style: int) -> Reader | None:
        """The reader of a cell of a type and a style; `None` for an unknown type."""
        if kind == "n":
            return self._numbers[self._styles[style] if style < len(self._styles) else NUMBER]
        return self._readers.get(kind)


class _Numbers(dict[str, str]):
    """The displayed text of numbers, by the cell's content; the dictionary is a cache."""

    def __init__(self, show: Callable[[float], str]) -> None:
        super().__init__()
        self._show = show

    def __missing__(self, written: str) -> str:
        try:
            text = self._show(float(written)) if "_" not in written else written
        except ValueError:  # not a number: it is shown as it is
            text = written
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        self[written] = text
        return text


def _number(value: float) -> str:
    # Larger numbers have lost digits: an exponent shows that, and keeps ids from being read from them.
    return str(int(value)) if value.is_integer() and -EXACT <= value <= EXACT else repr(value).upper()


def _percent(value: float) -> str:
    """A percentage as it is displayed, with all digits: the cell holds 0.14 for 14 %."""
    return f"{(Decimal(repr(value)) * 100).normalize():f}%"


def _moment(value: float, *, is_1904: bool) -> str:
    """A day, a time of day (of numbers below 1) or both."""
    days = value + _DAYS_1904 if is_1904 else value
    if not days < LAST_DAY + 1:
        return _number(value)
    shown = days if days >= _FALSE_LEAP_DAY else days + 1
    try:
        moment = _EPOCH + timedelta(milliseconds=_rounded(shown * _MILLISECONDS))
    except OverflowError:
        return _number(value)
    if value < 1:
        return str(moment.time())
    return str(moment.date() if moment.time() == time() else moment)


def _duration(value: float) -> str:
    try:
        return str(timedelta(milliseconds=_rounded(value * _MILLISECONDS)))
    except (OverflowError, ValueError):
        return _number(value)


def _rounded(value: float) -> int:
    """Rounded half away from zero, as spreadsheets do."""
    return int(value + 0.5) if value >= 0 else -int(0.5 - value)


def _iso(text: str) -> str:
    """A day or a moment in ISO 8601, as files of text have it."""
    for kind in (date, datetime, time):
        try:
            read = kind.fromisoformat(text)
        except ValueError:
            continue
        return str(read)
    return text
