"""Text to values, by declared type: a cell fits its column's type or is refused; nothing is inferred.

The wrappers, null markers and spellings are those that public readers of Flipkart's files handle.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_flipkart_reports.clock import KOLKATA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    from tap_flipkart_reports.files.columns import ColumnType

    Converters = Mapping[ColumnType, Callable[[str], Any]]
    """By type: what makes a value of a cleaned text; see `CONVERTERS`."""


NULL_MARKERS = frozenset({"", "-", "na", "n/a", "#n/a", "not available", "not applicable", "nan"})
"""Cells, in lower case, that say there is no value."""

PADDING = (
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
    "\u200b\u200e\u200f\u2060\ufeff"
)
"""Unicode's white space, and what shows nothing at all. Joiners are left alone: they end words of Indian scripts."""

MAX_REMEMBERED = 1000
"""Texts a column remembers: most columns repeat themselves, and some 60 columns have to fit into a few megabytes."""

SAMPLE = 20
REPETITIVE = 4
"""A column with no more different cells than this among so many is looked up: that beats converting them anew."""

# `SKU:` goes where no space follows and `OI:` before digits only, as titles may begin with these letters too. Such a
# prefix proves that the quotes around it wrap the cell, so the SKU itself may hold a quote: "SKU:pipe 12"".
_PREFIXED = re.compile(r"""'?("*)'?(?:SKU:(?!\s)|OI:(?=[0-9]+\1\Z))(?P<inner>.*)\1""", re.DOTALL)
_WRAPPERS = (
    re.compile(r'"""(?P<inner>.*)"""', re.DOTALL),  # three at each end are no words of it, whatever it holds
    re.compile(r'("+)(?P<inner>[^"]*)\1'),  # around all of the cell, not around words of it
    re.compile(r'="(?P<inner>[^"]*)"'),  # Excel's way to keep an id text
    re.compile(r"'(?P<inner>(?=\S*[0-9])[\w.,:/+-]+)", re.ASCII),  # the same; one word with a digit, so not 'Tis
)

# What `clean` changes or `_text` refuses in trimmed cells, each between two NUL, but for numbers cut short. Letters in
# both cases, as IGNORECASE takes twice as long.
_UNCLEAN = re.compile(
    r"""\0(?:["'=#]|SKU:|OI:|(?:"""
    + "|".join(re.sub("[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", marker) for marker in NULL_MARKERS)
    + r""")(?=\0))"""
)


def clean(text: str) -> str | None:
    """A cell's text without padding and wrappers; `None` where it says that there is no value.

    Args:
        text: the cell as the file has it.
    """
    text = text.strip(PADDING)
    if text[:1] in {'"', "'", "=", "S", "O"}:
        if prefixed := _PREFIXED.fullmatch(text):
            # Behind a prefix only emptiness is no value: a seller may well call a SKU `NA`.
            return prefixed["inner"].strip(PADDING) or None
        for wrapper in _WRAPPERS:
            if wrapped := wrapper.fullmatch(text):
                text = wrapped["inner"].strip(PADDING)
    return None if text.casefold() in NULL_MARKERS else text


# Texts

_STAND_IN = re.compile(
    r"""-?[0-9](?:\.[0-9]+)?E\+[0-9]{2}
    | \#(?:REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)
    | =\s*[-+(]*\$?[A-Z]+[$(0-9].*
    | =\(a\ formula\)""",
    re.DOTALL | re.VERBOSE,
)
"""What a spreadsheet shows in place of a text: a long number cut short, an error, a formula nobody has calculated."""


def _text(text: str) -> str:
    if _STAND_IN.fullmatch(text):
        raise ValueError("what a spreadsheet shows in place of a text")
    return text


# Numbers

_PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_CURRENCY = r"(?:(?:₹|Rs\.?|INR)\s*)?"
_DECORATED_NUMBER = re.compile(
    rf"""{_CURRENCY}(?P<before>[-+(\u2212]?)\s*{_CURRENCY}
    (?P<digits>
        [1-9][0-9]{{0,1}}(?:,[0-9]{{2}})*,[0-9]{{3}}(?:\.[0-9]*)?    # 1,23,456.70
        | [1-9][0-9]{{0,2}}(?:,[0-9]{{3}})+(?:\.[0-9]*)?             # 123,456.70
        | (?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:E[-+]?[0-9]{{1,2}})?        # what spreadsheets make of long numbers: 1E+05
    )
    \s*%?\s*(?P<after>[-)\u2212]?)\s*%?""",
    re.IGNORECASE | re.VERBOSE,
)
_SIGNS = {"": "", "+": "", "-": "-", "()": "-"}
"""What may stand before and behind the digits, taken together."""


def _digits(text: str) -> str:
    """A number's sign and digits alone."""
    if _PLAIN_NUMBER.fullmatch(text):
        return text
    match = _DECORATED_NUMBER.fullmatch(text)
    sign = _SIGNS.get((match["before"] + match["after"]).replace("\u2212", "-")) if match else None
    if match is None or sign is None:
        raise ValueError("not a number")
    return sign + match["digits"].replace(",", "")


def _number(text: str) -> Decimal:
    return Decimal(_digits(text))


def _json_number(text: str) -> msgspec.Raw:
    return msgspec.Raw(str(_number(text)))


_DECODERS: Mapping[Callable[[str], Any], msgspec.json.Decoder[list[Any]]] = {
    _number: msgspec.json.Decoder(list[Decimal]),
    _json_number: msgspec.json.Decoder(list[msgspec.Raw]),
}
"""What makes values of many numbers at once."""


def _integer(text: str) -> int:
    """Exponents are refused: `1E+05` may be what is left of 100,012."""
    whole, _, fraction = _digits(text).partition(".")
    if fraction.strip("0"):
        raise ValueError("not a whole number")
    return int(whole)


# Days and moments

# Not `datetime.fromisoformat`: since 3.11 it takes week dates and 20260819 too. Numeric days and months have two digits
# each: 8/5/2026 is how American spreadsheets print the fifth of August.
_TIME = (
    r"(?:(?:T|\s+)(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6})0*)?)?"
    r"\s?(?P<zone>Z|UTC|GMT|IST|[+-][0-9]{2}:?[0-5][0-9])?)?"
)
_MOMENTS = tuple(
    re.compile(day + _TIME, re.IGNORECASE)
    for day in (
        r"(?P<year>[0-9]{4})(?P<separator>[-/])(?P<month>[0-9]{2})(?P=separator)(?P<day>[0-9]{2})",
        r"(?P<day>[0-9]{2})(?P<separator>[-/.])(?P<month>[0-9]{2})(?P=separator)(?P<year>[0-9]{4})",
        r"(?P<day>[0-9]{1,2})(?P<separator>[-/ ])(?P<month>[a-z]{3,9})(?P=separator)(?P<year>[0-9]{4})",
    )
)
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH_NUMBERS = {
    **{f"{number:02}": number for number in range(1, 13)},
    **{name: number for number, name in enumerate(_MONTHS, start=1)},
    **{name[:3]: number for number, name in enumerate(_MONTHS, start=1)},
    "sept": 9,
}
_ZONES = {"": KOLKATA, "ist": KOLKATA, "z": timezone.utc, "utc": timezone.utc, "gmt": timezone.utc}

_SERIAL = re.compile(r"(?P<day>[0-9]{5})(?P<fraction>\.[0-9]+)?")
_SERIAL_EPOCH = datetime(1899, 12, 30, tzinfo=KOLKATA)
"""Day 0 of Excel's calendar, set back by the 29 February 1900 that it believes in."""
_SERIAL_YEARS = range(1990, 2101)
"""Years in which a bare number is taken for a day; others are slips."""


def _moment(text: str, zone: tzinfo) -> datetime:
    """The moment a text means, in a zone; without a zone of its own the text is read as Asia/Kolkata's."""
    for pattern in _MOMENTS:
        if match := pattern.fullmatch(text):
            moment = _written_moment(match.groupdict(""))
            break
    else:
        moment = _serial_moment(text)
    try:
        return moment.astimezone(zone)
    except OverflowError as error:
        raise ValueError("too near to the calendar's end") from error


def _written_moment(part: Mapping[str, str]) -> datetime:
    month = _MONTH_NUMBERS.get(part["month"].lower(), 0)
    zone = part["zone"].lower()
    return datetime(
        int(part["year"]),
        month,
        int(part["day"]),
        int(part["hour"] or 0),
        int(part["minute"] or 0),
        int(part["second"] or 0),
        int(part["fraction"].ljust(6, "0")),
        tzinfo=_ZONES[zone] if zone in _ZONES else _offset(zone),
    )


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


def _date(text: str) -> str:
    """The day in Kolkata; a time of day is refused, as a midnight is the only one that means just a day."""
    moment = _moment(text, KOLKATA)
    if moment.time() != time.min:
        raise ValueError("a moment, not a day")
    return moment.date().isoformat()


def _date_time(text: str) -> str:
    return _moment(text, timezone.utc).isoformat()


# Columns

CONVERTERS: Converters = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "date": _date,
    "date-time": _date_time,
}
"""By type: what makes a value of a cleaned text. Each raises `ValueError` for a text that does not fit.

- string: any text but what a spreadsheet shows in place of one: 4.37E+17 was an id of 18 digits once.
- number: an exact `Decimal`, trailing zeros kept. Indian and western grouping, rupee signs, a trailing `%` (12 % is
  12), brackets or a trailing minus for negatives; an exponent of up to two digits.
- integer: `int`; `12.0` is 12.
- date: `yyyy-MM-dd`; `yyyy-MM-dd`, `dd-MM-yyyy` and `dd-Mon-yyyy` with `-` or `/`, Excel serials of 1990 to 2100, each
  with midnight or without a time.
- date-time: `yyyy-MM-ddTHH:mm:ss+00:00`, with microseconds where there are any; the same spellings with any time of
  day, read as Asia/Kolkata's where no zone is given.
"""

JSON_CONVERTERS: Converters = {**CONVERTERS, "number": _json_number}
"""For values that are written to JSON and not looked at: a number is its JSON text. Making decimals of numbers only to
print them takes an eighth of all time."""


class ColumnConverter(dict[str, Any]):
    """A column's cells to values; as a dict, the values of cells it has seen, as many columns repeat themselves.

    Args:
        convert: what makes a value of a cleaned text, raising `ValueError` where it does not fit: of `CONVERTERS` or of
            `JSON_CONVERTERS`.

    Attributes:
        refused: texts of cells that did not fit, as the file has them; their value is `None`. For the caller to look
            at, and to clear, after each batch.
    """

    def __init__(self, convert: Callable[[str], Any]) -> None:
        super().__init__()
        self._convert = convert
        self.refused: set[str] = set()

    def convert(self, cells: Sequence[str]) -> Sequence[Any]:
        """The values of some of the column's cells, by the fastest of four ways to the same.

        Args:
            cells: as the file has them.
        """
        different = len(set(cells[:SAMPLE]))
        if different == 1 and cells.count(cells[0]) == len(cells):
            return [self[cells[0]]] * len(cells)
        if different > REPETITIVE and (values := self._at_once(cells)) is not None:
            return values
        return list(map(self.__getitem__, cells))

    def _at_once(self, cells: Sequence[str]) -> Sequence[Any] | None:
        """The values of cells that are all plain; `None` where that takes a closer look."""
        if (decoder := _DECODERS.get(self._convert)) is not None:
            numbers = ",".join(cells).encode()
            if not numbers.translate(None, b"0123456789.-,") and numbers.count(b",") < len(cells):
                with suppress(msgspec.DecodeError):  # an empty cell, 007 and .5 are no JSON
                    return decoder.decode(b"[%b]" % numbers)
        elif self._convert in {str, _text}:
            texts = [cell.strip(PADDING) for cell in cells]
            joined = "\0".join(["", *texts, ""])
            if "E+" not in joined and not _UNCLEAN.search(joined):
                return texts
        return None

    def _typed(self, text: str) -> Any:  # noqa: ANN401 - a value of the column's type
        cleaned = clean(text)
        if cleaned is None:
            return None
        try:
            return self._convert(cleaned)
        except ValueError:
            self.refused.add(text)
            return None

    def __missing__(self, text: str) -> Any:  # noqa: ANN401 - a value of the column's type
        """The value of a text that is not remembered, remembered unless it was refused."""
        value = self._typed(text)
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        if text not in self.refused:
            self[text] = value
        return value
