"""Comparable forms of headers, from strict to lenient; names made from headers; headers in messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from html import unescape
from typing import TYPE_CHECKING
from unicodedata import category, normalize

from tap_flipkart_reports.files.sql_words import SQL_WORDS
from tap_flipkart_reports.redaction import clean_name

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_HEADER = 1000
"""Characters of a header that are read; no header is longer."""

MAX_NAME_BYTES = 60
"""PostgreSQL cuts names at 63 bytes; the rest is for a number."""

MAX_LISTED = 5
"""Lines and names that an error or a count lists."""

MAX_TEXT = 60
"""Characters of a text from a file that an error quotes."""

JOINT = " / "
"""Joins the name of a group and the names of its columns."""

# Headers carry the formula of their column, whose letters shift between layouts: `= SUM(J:R)`, `[AO/(1+AP/100)]`.
# Longer words in brackets are part of the name: `[Projected]`.
_FORMULA = re.compile(
    r"=\s{0,9}(?i:SUM)\s{0,9}\([^()]{0,99}\)"
    r"|\[(?:[^\]\[A-Za-z]|[A-Z]{1,4}(?![A-Za-z]))*\]"
    r"|\[(?=[^\]\[]*[-+*/%])(?:[^\]\[A-Za-z]|[a-z]{1,4}(?![A-Za-z]))*\]"
)

# What converters leave of line breaks and signs: those of workbooks, `_x000D_`, and those of web pages, `&#10;`.
_BREAK = re.compile(r"_x000[ad]_|<br ?/?>", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,5}|#x[0-9a-f]{1,4}|[a-z]{2,6});", re.IGNORECASE)
_SIGNS = str.maketrans({"%": " percent ", "#": " number ", "'": "", "\u2019": "", "\u20b9": " rs "})
_PARENTHESES = re.compile(r"\([^()]*\)")

MONEY, PERCENT = "money", "percent"
_UNITS = {
    **dict.fromkeys(("rs", "inr", "rupee", "rupees"), MONEY),
    **dict.fromkeys(("percent", "percentage", "pct", "perc"), PERCENT),
}
_NOISE = frozenset({"breakup", "the", "of", "and", "in"})
_SYNONYMS = {
    "courier": "logistic",
    "fulfillment": "fulfilment",
    "qty": "quantity",
    "amt": "amount",
    "wt": "weight",
    "pct": "percent",
}
"""Words that Flipkart and spreadsheets use for each other."""

_SHORT_PLURAL = 3


@lru_cache(maxsize=4096)
def normalise(header: str) -> str:
    """A header's letters and digits, without case, spaces and formulas: the same for all of its spellings."""
    # Normalised again: without the space between them, a letter and its mark may compose.
    return normalize("NFKC", "".join(_words(header))).replace("fulfillment", "fulfilment")


def column_name(header: str) -> str | None:
    """A column name for a header that the schema does not have: words joined by `_`, without a leading digit.

    Some targets drop all letters except Latin ones, so a name with other letters ends with a hash of the header, which
    keeps it unique. Some targets do not quote SQL keywords, so `_column` is added to those.

    Args:
        header: the header as in the file.

    Returns:
        The name; `None` for a header without a letter or digit.
    """
    name = "_".join(_words(header.replace("\u20b9", " ")))
    if name[:1].isdigit():
        name = f"_{name}"
    if name in SQL_WORDS:
        return f"{name}_column"
    if not name.isascii():
        digest = blake2b(name.encode(), digest_size=4).hexdigest()
        return f"{_cut(name, MAX_NAME_BYTES - len(digest) - 1)}_{digest}"
    return _cut(name, MAX_NAME_BYTES) or None


def _cut(name: str, size: int) -> str:
    return name.encode()[:size].decode(errors="ignore").rstrip("_")


@dataclass(frozen=True, kw_only=True)
class LenientForm:
    """A header, or a part of it, without what drifts: units, plurals, formulas, synonyms.

    Attributes:
        spelt: the words without units, in the file's spelling.
        words: the words in their basic form.
        short: `words` without parentheses.
        note: words in parentheses.
        unit: the unit, if it names one.
        group: words of the groups above it.
    """

    spelt: str
    words: str
    short: str
    note: frozenset[str]
    unit: str | None
    group: frozenset[str]


@lru_cache(maxsize=4096)
def lenient_forms(header: str) -> tuple[LenientForm, LenientForm]:
    """The lenient forms of a whole header, and of its last part, the column's name within its group."""
    text = header[:MAX_HEADER]
    name, _, _ = text.partition("=")
    text = name if name.strip() else text
    *groups, last = text.split(JOINT)
    unit = next((_UNITS[word] for word in _words(last) if word in _UNITS), None)
    group = frozenset(_stems(" ".join(groups)))
    return tuple(  # type: ignore[return-value]  # a pair, as (text, last) is
        LenientForm(
            spelt=" ".join(words_without_units(part)),
            words=" ".join(_stems(part)),
            short=" ".join(_stems(_PARENTHESES.sub(" ", part))),
            note=frozenset(_stems(" ".join(_PARENTHESES.findall(part)))),
            unit=unit,
            group=group,
        )
        for part in (text, last)
    )


def words_without_units(text: str) -> list[str]:
    """The words of a text in lower case, without units and filler words."""
    return [word for word in _words(text) if word not in _UNITS and word not in _NOISE]


def _stems(text: str) -> list[str]:
    return list(map(_stem, words_without_units(text)))


def _stem(word: str) -> str:
    if len(word) > _SHORT_PLURAL and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return _SYNONYMS.get(word, word)


def _words(header: str) -> list[str]:
    """Runs of letters, marks and digits of any script: the vowel signs of Devanagari are marks."""
    text = _BREAK.sub(" ", _REFERENCE.sub(lambda reference: unescape(reference[0]), header[:MAX_HEADER]))
    text = _FORMULA.sub(" ", normalize("NFKC", text)).translate(_SIGNS)
    text = normalize("NFKC", text.casefold())
    return "".join(letter if category(letter)[0] in "LMN" else " " for letter in text).split()


def listed(names: Sequence[str]) -> str:
    """Names for a message: the first few, and the number of the others."""
    text = ", ".join(repr(shortened(name)) for name in names[:MAX_LISTED])
    return text if len(names) <= MAX_LISTED else f"{text} and {len(names) - MAX_LISTED} more"


def shortened(text: str) -> str:
    """A text from a file for a message: one line, shortened, without links."""
    return clean_name(text, limit=MAX_TEXT)
