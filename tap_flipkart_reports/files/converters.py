"""Text to values, by declared type: a cell fits its column's type or is refused; nothing is inferred.

The wrappers, null markers and spellings are those that public readers of Flipkart's files handle.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import time, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.files.dates import DateColumn, moment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_flipkart_reports.files.columns import Column, ColumnType
    from tap_flipkart_reports.files.dates import DayOrder

    Converters = Mapping[ColumnType, Callable[[str], Any]]
    """Functions that convert a cleaned text, by column type; see `CONVERTERS`."""


NULL_MARKERS = frozenset({
    *("", "-", "--", "\u2013", "\u2014", "na", "n/a", "n.a.", "#n/a", "nan", "null"),
    *("not available", "not applicable", "not generated", "generation in progress"),
})  # fmt: skip
"""Cells that mean \"no value\", in lower case."""

_PLAIN_NULLS = NULL_MARKERS | {marker.upper() for marker in NULL_MARKERS}
"""Null markers in their usual spellings."""

MAX_NUMBER = 400
"""Characters of a number; a longer text is not a number."""

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
"""A column with no more different cells than this among so many is looked up: that beats converting them again."""

# `SKU:` goes where no space follows and `OI:` before digits only, as titles may begin with these letters too. Such a
# prefix proves that the quotes around it wrap the cell, so the SKU itself may hold a quote: "SKU:pipe 12"".
_PREFIXED = re.compile(r"""'?("{0,9})'?(?:(?i:SKU):(?!\s)|(?i:OI):(?=[0-9]+\1\Z))(?P<inner>.*)\1""", re.DOTALL)
_ID_PREFIX = re.compile(r"(?:SKU|OI|RTr|DTr|R):\s?(?P<inner>\S*)", re.IGNORECASE)
"""A whole cell of a column of ids. `RTr:` and `DTr:` are before tracking ids, `R:` before return ids."""

_ID_NAME = re.compile(r"(?:^|_)(?:ids?|awb|tracking|hsn|pincode|imei)(?:_|$)")
"""Names of columns of ids and of codes of digits. SKUs are the seller's own words: `R:12` may be one."""

_FLOAT_ID = re.compile(r"(?P<digits>[0-9]+)\.0+")
"""An id that a program has read as a number: `560001.0`."""

MAX_FLOAT_DIGITS = 15
"""Digits of an id that a 64-bit float keeps; further digits are wrong."""

_WRAPPERS = (
    re.compile(r'"""(?P<inner>.*)"""', re.DOTALL),  # three at each end are a wrapper of any text
    re.compile(r'("{1,9})(?P<inner>[^"]*)\1'),  # around all of the cell, not around words of it
    re.compile(r'="(?P<inner>[^"]*)"'),  # Excel's way to keep an id text
    re.compile(r"'(?P<inner>(?=\S*[0-9])[\w.,:/+-]+)", re.ASCII),  # the same; one word with a digit, so not 'Tis
)

# What `clean` changes or `_text` refuses in trimmed cells, each between two NUL, but for numbers cut short. Letters in
# both cases, as IGNORECASE takes twice as long.
_FIRST = "".join(sorted({letter for marker in NULL_MARKERS for letter in (marker[:1], marker[:1].upper())}))
_UNCLEAN = re.compile(
    rf"""\0(?=["'=#\0sSoO{re.escape(_FIRST)}])(?:["'=#]|[sS][kK][uU]:|[oO][iI]:|(?:"""
    + "|".join(
        re.sub("[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", re.escape(marker))
        for marker in NULL_MARKERS
    )
    + r""")(?=\0))"""
)

_CUT_SHORT = re.compile(r"\0-?[0-9](?:\.[0-9]+E[0-9]|(?:[.,][0-9]+)?[Ee]\+)")
"""How a number cut short begins, behind a NUL. It has a point or a plus, which are sooner found."""


def clean(text: str) -> str | None:
    """A cell's text without padding and wrappers; `None` where it says that there is no value.

    Args:
        text: the cell as the file has it.
    """
    text = text.strip(PADDING)
    if text[:1] in {'"', "'", "=", "S", "s", "O", "o"}:
        if prefixed := _PREFIXED.fullmatch(text):
            # Behind a prefix only emptiness means null: a seller may call a SKU `NA`.
            return prefixed["inner"].strip(PADDING) or None
        for wrapper in _WRAPPERS:
            if wrapped := wrapper.fullmatch(text):
                text = wrapped["inner"].strip(PADDING)
    if text[:1] == "'" and text[1:].casefold() in NULL_MARKERS:  # what keeps a cell text, before nothing
        return None
    return None if text.casefold() in NULL_MARKERS else text


def clean_id(text: str) -> str | None:
    """The same for a cell of a column of ids, without the prefix that says whose id it is.

    Raises:
        ValueError: the id has gone through a number, which has not kept all of its digits.
    """
    cleaned = clean(text)
    if cleaned is not None and (prefixed := _ID_PREFIX.fullmatch(cleaned)):
        cleaned = clean(prefixed["inner"])
    if cleaned is not None and (whole := _FLOAT_ID.fullmatch(cleaned)):
        if len(whole["digits"]) > MAX_FLOAT_DIGITS:
            raise ValueError("a number, which has not kept all digits of an id")
        return whole["digits"]
    return cleaned


def is_id(column: Column) -> bool:
    """Whether a column holds ids, by its name."""
    return column.type == "string" and "sku" not in column.name and _ID_NAME.search(column.name) is not None


# Texts

_STAND_IN = re.compile(
    r"""-?[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]{2}
    | -?[0-9]\.[0-9]+E[0-9]{2}                      # as Java prints it
    | \#(?:[A-Z][A-Z0-9/]*[!?]|GETTING_DATA|\#+)    # the last is a number in a column that is too narrow
    | =\s*[-+(]*\$?[A-Z]+[$(0-9].*
    | =\(a\ formula\)""",
    re.DOTALL | re.VERBOSE,
)
"""What a spreadsheet shows in place of a text: a long number cut short, an error, a formula without a value."""


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
"""What may be before and behind the digits, taken together."""


def _digits(text: str) -> str:
    """A number's sign and digits alone."""
    if len(text) > MAX_NUMBER:
        raise ValueError("not a number")
    if _PLAIN_NUMBER.fullmatch(text):
        return text
    match = _DECORATED_NUMBER.fullmatch(text)
    sign = _SIGNS.get((match["before"] + match["after"]).replace("\u2212", "-")) if match else None
    if match is None or sign is None:
        raise ValueError("not a number")
    return sign + match["digits"].replace(",", "")


def _number(text: str) -> Decimal:
    return Decimal(_digits(text))


def _number_text(text: str) -> str:
    return format(_number(text), "f")  # without an exponent: not every target reads one in text


def _json_number(text: str) -> msgspec.Raw:
    return msgspec.Raw(str(_number(text)))


_Decoder = msgspec.json.Decoder[list[Any]]

_DECODERS: Mapping[Callable[[str], Any], _Decoder] = {
    _number: msgspec.json.Decoder(list[Decimal]),
    _json_number: msgspec.json.Decoder(list[msgspec.Raw]),
    _number_text: msgspec.json.Decoder(list[msgspec.Raw]),
}
"""Decoders that convert many numbers at once."""


def _integer(text: str) -> int:
    """Exponents are refused: `1E+05` may be what is left of 100,012."""
    whole, _, fraction = _digits(text).partition(".")
    if fraction.strip("0"):
        raise ValueError("not a whole number")
    return int(whole)


# Days and moments


def _date(text: str, order: DayOrder | None = None) -> str:
    """The day in Kolkata. A time of day other than midnight is refused."""
    moment = moment_of(text, KOLKATA, order)
    if moment.time() != time.min:
        raise ValueError("a moment, not a day")
    return moment.date().isoformat()


def _date_time(text: str, order: DayOrder | None = None) -> str:
    return moment_of(text, timezone.utc, order).isoformat()


def date_converter(type_: ColumnType, decide: Callable[[], DayOrder | None]) -> DateColumn:
    """The converter of one column of dates or date-times, in the order that `decide` finds; see `DateColumn`."""
    return DateColumn(_date if type_ == "date" else _date_time, decide)


# Columns

CONVERTERS: Converters = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "date": _date,
    "date-time": _date_time,
}
"""Functions that convert a cleaned text, by column type. Each raises `ValueError` for a text that does not fit.

- string: any text but what a spreadsheet shows in place of one: 4.37E+17 was an id of 18 digits once.
- number: an exact `Decimal`, trailing zeros kept. Indian and western grouping, rupee signs, a trailing `%` (12 % is
  12), brackets or a trailing minus for negatives; an exponent of up to two digits.
- integer: `int`; `12.0` is 12.
- date: `yyyy-MM-dd`; `yyyy-MM-dd`, `dd-MM-yyyy`, `dd-Mon-yyyy` with `-` or `/`, `Mon dd, yyyy`, Excel serials of
  1990 to 2100, each with midnight or without a time. For the order that a column decides, see `date_converter`.
- date-time: `yyyy-MM-ddTHH:mm:ss+00:00`, with microseconds where there are any; the same spellings with any time of
  day, read as Asia/Kolkata's where no zone is given.
"""

JSON_CONVERTERS: Converters = {**CONVERTERS, "number": _json_number}
"""For values that are only written to JSON: a number stays JSON text. Converting numbers to decimals only to print them
takes an eighth of a run's processor time."""


TEXT_CONVERTERS: Converters = {**CONVERTERS, "number": _number_text}
"""For callers that convert values themselves: a number is text, without grouping and rupee signs."""

_OF_TEXT = frozenset({str, _text})


class ColumnConverter(dict[str, Any]):
    """Converts a column's cells. The dictionary caches values, as many columns repeat them.

    Args:
        convert: converts a cleaned text, or raises `ValueError` if it does not fit; a value of `CONVERTERS` or
            `JSON_CONVERTERS`.
        clean: `clean`, or `clean_id`.

    Attributes:
        refused: texts of cells that did not fit, as in the file; their value is `None`. The caller reads and clears
            it after each batch.
    """

    def __init__(self, convert: Callable[[str], Any], *, clean: Callable[[str], str | None] = clean) -> None:
        super().__init__()
        self._convert = convert
        self._clean = clean
        self.refused: set[str] = set()

    def convert(self, cells: Sequence[str]) -> Sequence[Any]:
        """The values of some of the column's cells, by the fastest of four ways with the same result.

        Args:
            cells: texts as in the file.
        """
        different = len(set(cells[:SAMPLE]))
        if different == 1 and cells.count(cells[0]) == len(cells):
            return [self[cells[0]]] * len(cells)
        if different > REPETITIVE and (values := self._at_once(cells)) is not None:
            return values
        return list(map(self.__getitem__, cells))

    def _at_once(self, cells: Sequence[str]) -> Sequence[Any] | None:
        """The values of cells in plain spelling; `None` if they must be converted one by one."""
        if (decoder := _DECODERS.get(self._convert)) is not None:
            return self._plain_numbers(cells, decoder) or self._numbers_and_nulls(cells, decoder)
        if self._convert in _OF_TEXT:
            texts = list(map(str.strip, cells))  # equal to PADDING for ASCII, in half the time
            joined = "\0".join(["", *texts, ""])
            if not joined.isascii():
                texts = [cell.strip(PADDING) for cell in cells]
                joined = "\0".join(["", *texts, ""])
            has_point = "." in joined
            is_odd_id = self._clean is clean_id and (has_point or ":" in joined)
            is_cut_short = (has_point or "+" in joined) and _CUT_SHORT.search(joined)
            if not is_odd_id and not is_cut_short and not _UNCLEAN.search(joined):
                return texts
        return None

    def _plain_numbers(self, cells: Sequence[str], decoder: _Decoder) -> Sequence[Any] | None:
        numbers = ",".join(cells).encode()
        if not numbers.translate(None, b"0123456789.-,") and numbers.count(b",") < len(cells):
            with suppress(msgspec.DecodeError):  # an empty cell, 007 and .5 are not JSON
                values = decoder.decode(b"[%b]" % numbers)
                return cells if self._convert is _number_text else values
        return None

    def _numbers_and_nulls(self, cells: Sequence[str], decoder: _Decoder) -> Sequence[Any] | None:
        given = [cell for cell in cells if cell not in _PLAIN_NULLS]
        if not 0 < len(given) < len(cells) or (values := self._plain_numbers(given, decoder)) is None:
            return None
        following = iter(values)
        return [None if cell in _PLAIN_NULLS else next(following) for cell in cells]

    def _typed(self, text: str) -> Any:  # noqa: ANN401 - a value of the column's type
        try:
            cleaned = self._clean(text)
            return None if cleaned is None else self._convert(cleaned)
        except ValueError:
            self.refused.add(text)
            return None

    def __missing__(self, text: str) -> Any:  # noqa: ANN401 - a value of the column's type
        """The value of a text that is not cached; it is cached unless it was refused."""
        value = self._typed(text)
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        if text not in self.refused:
            self[text] = value
        return value
