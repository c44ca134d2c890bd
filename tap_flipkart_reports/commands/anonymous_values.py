"""Values that stand for others: of the same shape, always the same for the same, and with no way back.

A value's letters become other letters and its digits other digits, drawn from a key that lives as long as the command.
Amounts are multiplied by one whole number, so sums and shares of them still hold to the last digit.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from decimal import Decimal
from functools import lru_cache
from unicodedata import category

from tap_flipkart_reports.files.converters import NULL_MARKERS

FACTORS = (3, 7, 11, 13, 17, 19)
"""What amounts are multiplied by: one of these numbers, which each call of the command draws; ten would show them."""

MAX_WHOLE_DIGITS = 8
"""A number of more digits is an id or a phone number, in any column: no amount is that large."""

MAX_TRIES = 50
"""Stand-ins tried for one that is not taken: of two letters there are few."""

UNIQUE_FROM = 4
"""Characters from which on no two values share a stand-in."""

# Text around a value is kept as a property of the file: blanks, quotes, and the prefixes of ids.
_WRAPPED = re.compile(r"""([\s"'=]*(?:(?:SKU|OI|RTr|DTr|R):)?)(.*?)([\s"']*)""", re.DOTALL | re.IGNORECASE)
_ESCAPED = re.compile(r"(_x[0-9A-Fa-f]{4}_)")
_FLOAT = re.compile(r"([-+]?[0-9]*\.?[0-9]+)([eE][-+]?[0-9]+)")
_UNITS = r"((?:(?:rs|inr|cr|dr)\.?|[^\w.])*)"
_AMOUNT = re.compile(_UNITS + r"([0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)(e[-+]?[0-9]+)?" + _UNITS, re.IGNORECASE | re.ASCII)
_WESTERN = re.compile(r"[0-9]{1,3}(?:,[0-9]{3}){2,}(?:\.[0-9]*)?")
_INDIAN = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})*,[0-9]{3}(?:\.[0-9]*)?|[0-9]{3},[0-9]{3}(?:\.[0-9]*)?")

_TELLING = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # an address for mail
    r"|\b[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][0-9A-Z]{3}\b"  # a GSTIN
    r"|\b[A-Z]{0,4}[0-9]{6,}\b"  # an id, a phone number
)
"""Parts of kept texts, such as headers, that are replaced all the same."""


class Disguise:
    """The stand-ins of one run of the command.

    Args:
        key: the key of the stand-ins; random by default.
        factor: what amounts are multiplied by; by default one of `FACTORS`.
    """

    def __init__(self, *, key: bytes | None = None, factor: int | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._factor = factor or secrets.choice(FACTORS)
        self._stand_ins: dict[str, str] = {}
        self._taken: set[str] = set()

    def text(self, text: str, *, encoding: str = "utf-8") -> str:
        """A text of the same shape; quotes, prefixes and blanks around it stay, and words that say "no value" do.

        Args:
            text: the text.
            encoding: which all of the new text's letters have to be in.
        """
        match = _WRAPPED.fullmatch(text)
        if match is None or match[2].casefold() in NULL_MARKERS:
            return text
        parts = [self._stand_in(part) for part in match[2].split("$")]  # `$` joins two ids of invoices
        return match[1] + _encodable("$".join(parts), encoding) + match[3]

    def amount(self, text: str, *, encoding: str = "utf-8") -> str:
        """An amount in the same spelling, multiplied; a text of another kind is replaced like any text."""
        match = _AMOUNT.fullmatch(text)
        if match is None:
            return self.text(text, encoding=encoding)
        before, number, exponent, behind = match.groups(default="")
        whole, point, cents = number.replace(",", "").partition(".")
        is_grouped = "," not in number or _INDIAN.fullmatch(number) or _WESTERN.fullmatch(number)
        if not is_grouped or len(whole) > MAX_WHOLE_DIGITS:
            return self.text(text, encoding=encoding)
        product = f"{Decimal(f'{whole or 0}.{cents or 0}') * self._factor:.{len(cents)}f}"
        if "," in number:
            product = _grouped(product, is_western=_WESTERN.fullmatch(number) is not None)
        return before + product + (point if not cents else "") + exponent + behind

    def telling_parts(self, text: str) -> str:
        """A text that is kept, but for addresses, tax numbers and ids in it."""
        return _TELLING.sub(lambda match: self.text(match[0]), text)

    def _stand_in(self, text: str) -> str:
        if text not in self._stand_ins:
            made = self._drawn(text, 0)
            for attempt in range(1, MAX_TRIES):
                is_taken = len(text) >= UNIQUE_FROM and made in self._taken
                if not is_taken and made != text and made.casefold() not in NULL_MARKERS:
                    break
                made = self._drawn(text, attempt)
            self._taken.add(made)
            self._stand_ins[text] = made
        return self._stand_ins[text]

    def _drawn(self, text: str, attempt: int) -> str:
        if number := _FLOAT.fullmatch(text):
            return self._drawn(number[1], attempt) + number[2]
        seed = self._key + attempt.to_bytes(2, "big") + text.encode("utf-8", "surrogatepass")
        numbers = iter(hashlib.shake_256(seed).digest(len(text)))
        return "".join(
            part if _ESCAPED.fullmatch(part) else "".join(map(_other, " " + part[:-1], part, numbers))
            for part in _ESCAPED.split(text)
            if part
        )


def _other(before: str, letter: str, number: int) -> str:
    """A letter of the same kind; a number begins with a zero if and only if it did."""
    if letter.isascii():
        if letter.isdigit():
            if before.isdigit():
                return "0123456789"[number % 10]
            return letter if letter == "0" else "123456789"[number % 9]
        if letter.isalpha():
            return chr((ord("a") if letter.islower() else ord("A")) + number % 26)
        return letter
    pool = _letters_like(ord(letter) // 128, category(letter)) if category(letter)[0] in "LN" else ""
    return pool[number % len(pool)] if pool else letter


@lru_cache
def _letters_like(block: int, kind: str) -> str:
    """The letters of a block of Unicode that are of one kind."""
    return "".join(chr(code) for code in range(128 * block, 128 * block + 128) if category(chr(code)) == kind)


def _encodable(text: str, encoding: str) -> str:
    if encoding.startswith("utf"):
        return text
    return "".join(letter if letter.encode(encoding, "ignore") or not letter.isalpha() else "x" for letter in text)


def _grouped(number: str, *, is_western: bool) -> str:
    whole, point, cents = number.partition(".")
    size = 3 if is_western else 2
    groups = [whole[-3:]]
    rest = whole[:-3]
    while rest:
        groups.insert(0, rest[-size:])
        rest = rest[:-size]
    return ",".join(groups) + point + cents
