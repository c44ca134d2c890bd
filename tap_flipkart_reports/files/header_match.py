"""A table's header matched to the columns of a schema: by name and never by position."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, count
from typing import TYPE_CHECKING
from unicodedata import category, normalize

from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files.columns import Column
from tap_flipkart_reports.files.converters import PADDING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

MAX_NAME_BYTES = 60
"""PostgreSQL cuts names at 63 bytes; the rest is for a number."""

MAX_TOLD = 5
"""Lines and names that an error or a count lists."""

MAX_TEXT = 60
"""Characters of a stranger's text that an error quotes."""

# Headers carry the formula of their column, whose letters shift between layouts: `= SUM(J:R)`, `[AO/(1+AP/100)]`.
_FORMULA = re.compile(r"=\s*(?i:SUM)\s*\([^)]*\)|\[[^\]a-z]*\]")
_SIGNS = str.maketrans({"%": " percent ", "#": " number ", "'": "", "\u2019": ""})


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A table's header, matched to the columns of a schema.

    Attributes:
        width: how many cells the header has, and every row has to have.
        placed: the schema's columns that the file has, each with its place from 0.
        new: columns that the schema does not have, as text, each with its place.
        missing: the schema's columns that the file does not have, of the layout that it has most of; of layouts that
            it has as much of, one that it has all of, or else the first.
        absent_keys: names of the key columns that the file does not have.
        unnamed: places of blank headers. Their cells are kept as `column_<place from 1>` in `RowBatch.extra`.
        fills_down: places of columns that are filled from the row above where they are blank; the first tells whether.
        fingerprint: the same for headers that read the same.
    """

    width: int
    placed: tuple[tuple[int, Column], ...]
    new: tuple[tuple[int, Column], ...]
    missing: tuple[Column, ...]
    absent_keys: tuple[str, ...]
    unnamed: tuple[int, ...]
    fills_down: tuple[int, ...]
    fingerprint: str


@lru_cache(maxsize=4096)
def normalise(header: str) -> str:
    """What two spellings of a header have in common: letters and digits, without case, spaces and formula notes."""
    # Composed again: with the space between them gone, a letter and its mark may have come together.
    return normalize("NFKC", "".join(_words(header))).replace("fulfillment", "fulfilment")


def column_name(header: str) -> str | None:
    """A name for a header that no schema has: words joined by `_`, not beginning with a digit.

    Args:
        header: the header as the file has it.

    Returns:
        The name; `None` for a header without a letter or digit.
    """
    name = "_".join(_words(header))
    if name[:1].isdigit():
        name = f"_{name}"
    return name.encode()[:MAX_NAME_BYTES].decode(errors="ignore").rstrip("_") or None


def _words(header: str) -> list[str]:
    """Runs of letters, marks and digits of any script: the vowel signs of Devanagari are marks."""
    text = _FORMULA.sub(" ", normalize("NFKC", header)).translate(_SIGNS)
    text = normalize("NFKC", text.casefold())
    return "".join(letter if category(letter)[0] in "LMN" else " " for letter in text).split()


def match_header(
    header: Sequence[str],
    columns: Sequence[Column],
    *,
    reserved: Collection[str],
    layouts: Sequence[Collection[str]] = (),
) -> Layout:
    """Find the columns of a schema in a table's header, by name and never by position.

    A header that only reads the same (see `normalise`) or is an alias serves too, where none is exactly the column's.
    Of equal headers the n-th goes to the n-th column that has it; those left over are new columns.

    Args:
        header: the header's cells as the file has them.
        columns: the schema's columns.
        reserved: names of the record's own columns, which no new column takes.
        layouts: names of the columns of each layout, where the table comes in several; the likeliest first.

    Raises:
        RowError: all columns are missing of which the file has to have one.
    """
    placed = _placed(header, columns)
    found = {column.name for column in placed.values()}
    missing = [column for column in columns if column.name not in found]
    required = [column for column in columns if column.is_required]
    if required and not found.intersection(column.name for column in required):
        keys = " nor ".join(repr(column.header.strip()) for column in required)
        names = [text.strip(PADDING) for text in header if text.strip(PADDING)]
        raise RowError(f"the file has no column {keys}, a key, but {listed(names)}")
    absent_keys = tuple(column.name for column in missing if column.is_key)
    if layouts:
        layout = max(layouts, key=lambda names: (len(found.intersection(names)), found.issuperset(names)))
        missing = [column for column in missing if column.name in layout]
    unnamed = tuple(place for place, text in enumerate(header) if place not in placed and not column_name(text))
    taken = {*reserved, *(column.name for column in columns), *map(column_number, unnamed)}
    new = []
    for place, text in enumerate(header):
        if place not in placed and place not in unnamed:
            name = _fresh(column_name(text) or "", taken)
            taken.add(name)
            new.append((place, Column(name=name, header=text)))
    return Layout(
        width=len(header),
        placed=tuple(sorted(placed.items(), key=lambda place_and_column: place_and_column[0])),
        new=tuple(new),
        missing=tuple(missing),
        absent_keys=absent_keys,
        unnamed=unnamed,
        fills_down=tuple(place for column in columns if column.fills_down for place in _places_of(column, placed)),
        fingerprint=blake2b("\n".join(map(normalise, header)).encode(), digest_size=8).hexdigest(),
    )


def _places_of(column: Column, placed: Mapping[int, Column]) -> list[int]:
    return [place for place, own in placed.items() if own is column]


def _placed(header: Sequence[str], columns: Sequence[Column]) -> dict[int, Column]:
    placed: dict[int, Column] = {}
    waiting = {column.name: column for column in columns}
    readings: tuple[Callable[[str], str], ...] = (str, normalise)
    for reading in readings:
        places: defaultdict[str, deque[int]] = defaultdict(deque)
        for place, text in enumerate(header):
            if place not in placed and reading(text):
                places[reading(text)].append(place)
        headers = [(column, column.header) for column in columns]
        aliases = [(column, alias) for column in columns for alias in column.aliases]
        for column, wording in (*headers, *aliases):
            if column.name in waiting and places[reading(wording)]:
                placed[places[reading(wording)].popleft()] = waiting.pop(column.name)
    return placed


def column_number(place: int) -> str:
    """The name of a column whose header is blank.

    Args:
        place: its place, from 0.
    """
    return f"column_{place + 1}"


def _fresh(name: str, taken: Collection[str]) -> str:
    """The name, or the name with the first number that makes it one not taken."""
    numbered = (f"{name}_{number}" for number in count(2))
    return next(fresh for fresh in chain([name], numbered) if fresh not in taken)


def listed(names: Sequence[str]) -> str:
    """Names for a sentence, not too many."""
    told = ", ".join(repr(shortened(name)) for name in names[:MAX_TOLD])
    return told if len(names) <= MAX_TOLD else f"{told} and {len(names) - MAX_TOLD} more"


def shortened(text: str) -> str:
    """A stranger's text for a sentence: one line, not too long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
