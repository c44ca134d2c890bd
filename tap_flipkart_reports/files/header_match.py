"""A table's header matched to the columns of a schema: by name, and by position only among equal names.

The rule: a header belongs to the column that has it as its title or alias, letter for letter; else to the column
whose title, alias or name has the same letters and digits, ignoring case, spaces and formulas; else to the
column that differs from it only in what drifts between layouts: a unit (`(Rs.)`, `(INR)`, `%`), a plural, a word and
its synonym (Courier and Logistics), a note in parentheses that one of them does not have, or the group above it. The
lenient readings hold only where nothing is alike by them: no other header of the file and no other column of the
schema reads the same. Of columns that share one header, in the schema and in the file, the n-th is the n-th. Money is
never read as percent, nor the parts of one group as those of another. What is left is a new column; the log names the
known one that it is most like.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import blake2b
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files.columns import Column
from tap_flipkart_reports.files.converters import PADDING
from tap_flipkart_reports.files.header_words import (
    PERCENT,
    LenientForm,
    column_name,
    lenient_forms,
    listed,
    normalise,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

MIN_LIKENESS = 0.6
"""The least ratio of `SequenceMatcher` for which a known column is named beside a new one."""

MAX_COMPARED = 100
"""Characters of each header that are compared."""

GENERIC = frozenset({"total", "amount", "value", "date", "id", "type", "number", "name", "status", "rate", "unit", ""})
"""Words that mean nothing without a group or note."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A table's header, matched to the columns of a schema.

    Attributes:
        width: number of cells in the header and in every row.
        placed: the schema's columns that the file has, each with its position from 0.
        new: columns that the schema does not have, as text, each with its position.
        missing: the schema's columns that the file does not have, of the layout that it has most of; of layouts that
            it has as much of, one that it has all of, or else the first.
        absent_keys: names of the key columns that the file does not have.
        unnamed: positions of blank headers. Their cells are kept as `column_<position from 1>` in `RowBatch.extra`.
        fills_down: positions of columns whose blank cells are filled from the row above, if the first of them is blank.
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


def match_header(
    header: Sequence[str],
    columns: Sequence[Column],
    *,
    reserved: Collection[str],
    layouts: Sequence[Collection[str]] = (),
) -> Layout:
    """Find the columns of a schema in a table's header; see the module for the rule.

    Of equal headers, the n-th goes to the n-th column that has it; any others are new columns.

    Args:
        header: the header's cells as in the file.
        columns: the schema's columns.
        reserved: names of the record's own columns, which no new column takes.
        layouts: names of the columns of each layout, where the table comes in several; the likeliest first.

    Raises:
        RowError: the file has none of the required columns.
    """
    placed = _placed(header, columns)
    found = {column.name for column in placed.values()}
    _require_keys(header, columns, found)
    missing = [column for column in columns if column.name not in found]
    absent_keys = tuple(column.name for column in missing if column.is_key)
    if layouts:
        layout = max(layouts, key=lambda names: (len(found.intersection(names)), found.issuperset(names)))
        missing = [column for column in missing if column.name in layout]
    unnamed = tuple(
        position for position, text in enumerate(header) if position not in placed and not column_name(text)
    )
    return Layout(
        width=len(header),
        placed=tuple(sorted(placed.items(), key=lambda position_and_column: position_and_column[0])),
        new=_new_columns(header, columns, reserved, placed, unnamed),
        missing=tuple(missing),
        absent_keys=absent_keys,
        unnamed=unnamed,
        fills_down=_fills_down(columns, placed),
        fingerprint=blake2b("\n".join(map(normalise, header)).encode(), digest_size=8).hexdigest(),
    )


def _require_keys(header: Sequence[str], columns: Sequence[Column], found: Collection[str]) -> None:
    required = [column for column in columns if column.is_required]
    if required and not any(column.name in found for column in required):
        keys = " nor ".join(repr(column.header.strip()) for column in required)
        names = [text.strip(PADDING) for text in header if text.strip(PADDING)]
        raise RowError(f"the file has no column {keys}, a key, but {listed(names)}")


def _new_columns(
    header: Sequence[str],
    columns: Sequence[Column],
    reserved: Collection[str],
    placed: Collection[int],
    unnamed: Collection[int],
) -> tuple[tuple[int, Column], ...]:
    taken = {*reserved, *(column.name for column in columns), *map(numbered_name, unnamed)}
    last_number: Counter[str] = Counter()
    skipped = {*placed, *unnamed}
    new = []
    for position, text in enumerate(header):
        if position not in skipped:
            name = base = column_name(text) or ""
            while name in taken:
                last_number[base] += 1
                name = f"{base}_{last_number[base] + 1}"
            taken.add(name)
            new.append((position, Column(name=name, header=text)))
    return tuple(new)


def _fills_down(columns: Sequence[Column], placed: dict[int, Column]) -> tuple[int, ...]:
    positions = {column.name: position for position, column in placed.items()}
    return tuple(positions[column.name] for column in columns if column.fills_down and column.name in positions)


def _placed(header: Sequence[str], columns: Sequence[Column]) -> dict[int, Column]:
    placed: dict[int, Column] = {}
    waiting = {column.name: column for column in columns}
    readings: tuple[Callable[[str], str], ...] = (str, normalise)
    for reading in readings:
        positions: defaultdict[str, deque[int]] = defaultdict(deque)
        for position, text in enumerate(header):
            if position not in placed and reading(text):
                positions[reading(text)].append(position)
        headers = [(column, column.header) for column in columns]
        aliases = [(column, alias) for column in columns for alias in column.aliases]
        names = [(column, column.name) for column in columns]
        for column, wording in (*headers, *aliases, *names):
            if column.name in waiting and positions[reading(wording)]:
                placed[positions[reading(wording)].popleft()] = waiting.pop(column.name)
    if waiting and len(placed) < len(header):
        _place_leniently(header, columns, placed, waiting)
    return placed


def _place_leniently(
    header: Sequence[str], columns: Sequence[Column], placed: dict[int, Column], waiting: dict[str, Column]
) -> None:
    """Match columns by their names without units, plurals, notes and groups."""
    texts = {position: lenient_forms(text) for position, text in enumerate(header) if text.strip(PADDING)}
    names = [(column, lenient_forms(wording)) for column in columns for wording in (column.header, *column.aliases)]
    ambiguous = _of_several_units(columns)
    for part in (0, 1):
        for key in (_spelt, _whole, _short):
            in_file: defaultdict[str, list[int]] = defaultdict(list)
            for position, forms in texts.items():
                in_file[key(forms[part])].append(position)
            in_schema: defaultdict[str, dict[str, LenientForm]] = defaultdict(dict)
            for column, forms in names:
                in_schema[key(forms[part])].setdefault(column.name, forms[part])
            for words, wanted in in_schema.items():
                positions = in_file.get(words, [])
                if len(wanted) != len(positions) or not _are_twins(
                    wanted.values(), [texts[at][part] for at in positions]
                ):
                    continue
                for (name, form), position in zip(wanted.items(), positions, strict=True):
                    own = texts[position][part]
                    if name not in waiting or position in placed:
                        continue
                    if _are_one(own, form, is_part=part == 1, is_short=key is _short, ambiguous=ambiguous):
                        placed[position] = waiting.pop(name)


def _are_twins(*sides: Collection[LenientForm]) -> bool:
    """Whether the columns of the schema that read the same, and those of the file, are each called alike."""
    return all(len(set(forms)) == 1 for forms in sides)


def _spelt(form: LenientForm) -> str:
    return form.spelt


def _whole(form: LenientForm) -> str:
    return form.words


def _short(form: LenientForm) -> str:
    return form.short


def _are_one(
    own: LenientForm, known: LenientForm, *, is_part: bool, is_short: bool, ambiguous: Collection[str]
) -> bool:
    """Whether two headers that read the same may be one, by their units, notes and groups."""
    units = {own.unit, known.unit}
    if len(units - {None}) > 1:
        return False
    if units == {PERCENT, None} and "rate" not in own.words and _without_unit_words(own.words) in ambiguous:
        return False
    if is_short and own.note and known.note and not own.note & known.note:
        return False
    if is_part and own.group and known.group:
        return bool((own.group & known.group) - GENERIC)
    return (own.short if is_short else own.words) not in GENERIC or not (is_part or is_short)


def _of_several_units(columns: Sequence[Column]) -> set[str]:
    """What columns are about that the schema has both as a rate and as an amount."""
    units: defaultdict[str, set[str | None]] = defaultdict(set)
    for column in columns:
        form = lenient_forms(column.header)[0]
        units[_without_unit_words(form.words)].add(form.unit)
    return {words for words, found in units.items() if len(found) > 1}


def _without_unit_words(words: str) -> str:
    return " ".join(word for word in words.split() if word not in {"amount", "value", "rate"})


def nearest_column(header: str, columns: Sequence[Column]) -> Column | None:
    """The column whose name a header is most like, if it is like one at all."""
    text = lenient_forms(header)[0].words[:MAX_COMPARED]
    matcher = SequenceMatcher(b=text, autojunk=False)
    best, nearest = MIN_LIKENESS, None
    for column in columns:
        matcher.set_seq1(lenient_forms(column.header)[0].words[:MAX_COMPARED])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
            best, nearest = matcher.ratio(), column
    return nearest


def numbered_name(position: int) -> str:
    """The name of a column whose header is blank.

    Args:
        position: the column's position, from 0.
    """
    return f"column_{position + 1}"
