"""What two spellings of a header have in common, from strict to lenient; and words about headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING
from unicodedata import category, normalize

from tap_flipkart_reports.files.sql_words import SQL_WORDS
from tap_flipkart_reports.redaction import clean_name

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_HEADER = 1000
"""Characters of a header that are looked at; none is longer."""

MAX_NAME_BYTES = 60
"""PostgreSQL cuts names at 63 bytes; the rest is for a number."""

MAX_LISTED = 5
"""Lines and names that an error or a count lists."""

MAX_TEXT = 60
"""Characters of a foreign text that an error quotes."""

JOINT = " / "
"""Between a group's name and its columns' in a joined header."""

# Headers carry the formula of their column, whose letters shift between layouts: `= SUM(J:R)`, `[AO/(1+AP/100)]`.
# Longer words in brackets are of the name: `[Projected]`.
_FORMULA = re.compile(
    r"=\s{0,9}(?i:SUM)\s{0,9}\([^()]{0,99}\)"
    r"|\[(?:[^\]\[A-Za-z]|[A-Z]{1,4}(?![A-Za-z]))*\]"
    r"|\[(?=[^\]\[]*[-+*/%])(?:[^\]\[A-Za-z]|[a-z]{1,4}(?![A-Za-z]))*\]"
)
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
"""Words that Flipkart and spreadsheets put one for the other."""

_SHORT_PLURAL = 3


@lru_cache(maxsize=4096)
def normalise(header: str) -> str:
    """What two spellings of a header have in common: letters and digits, without case, spaces and formula notes."""
    # Composed again: with the space between them gone, a letter and its mark may have come together.
    return normalize("NFKC", "".join(_words(header))).replace("fulfillment", "fulfilment")


def column_name(header: str) -> str | None:
    """A name for a header that no schema has: words joined by `_`, not beginning with a digit.

    Some targets leave out all letters but Latin ones: a name with others ends with a hash of the header, so that what
    is left is like no other name, whatever columns are beside it. A word of SQL, which some targets do not quote,
    gets another beside it.

    Args:
        header: the header as the file has it.

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
        spelt: what is left without units alone, in the file's spelling.
        words: what is left.
        short: the same without what is in parentheses.
        note: words in parentheses.
        unit: the unit that it names, if any.
        group: words of the groups that it is under.
    """

    spelt: str
    words: str
    short: str
    note: frozenset[str]
    unit: str | None
    group: frozenset[str]


@lru_cache(maxsize=4096)
def lenient_forms(header: str) -> tuple[LenientForm, LenientForm]:
    """Of a header as a whole, and of its last part, which is what its group's columns are called."""
    text = header[:MAX_HEADER]
    name, _, _ = text.partition("=")
    text = name if name.strip() else text
    *groups, last = text.split(JOINT)
    unit = next((_UNITS[word] for word in _words(last) if word in _UNITS), None)
    group = frozenset(_stems(" ".join(groups)))
    return tuple(  # type: ignore[return-value]  # two for two
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
    """The words of a text as they are spelt, in lower case."""
    return [word for word in _words(text) if word not in _UNITS and word not in _NOISE]


def _stems(text: str) -> list[str]:
    return list(map(_stem, words_without_units(text)))


def _stem(word: str) -> str:
    if len(word) > _SHORT_PLURAL and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    return _SYNONYMS.get(word, word)


def _words(header: str) -> list[str]:
    """Runs of letters, marks and digits of any script: the vowel signs of Devanagari are marks."""
    text = _FORMULA.sub(" ", normalize("NFKC", header[:MAX_HEADER])).translate(_SIGNS)
    text = normalize("NFKC", text.casefold())
    return "".join(letter if category(letter)[0] in "LMN" else " " for letter in text).split()


def listed(names: Sequence[str]) -> str:
    """Names for a sentence, not too many."""
    told = ", ".join(repr(shortened(name)) for name in names[:MAX_LISTED])
    return told if len(names) <= MAX_LISTED else f"{told} and {len(names) - MAX_LISTED} more"


def shortened(text: str) -> str:
    """A foreign text for a sentence: one line, not too long, without links."""
    return clean_name(text, limit=MAX_TEXT)
