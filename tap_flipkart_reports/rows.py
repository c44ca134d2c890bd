"""A table's header matched to a schema, and its rows of text turned into typed columns.

Rows are converted column by column, a batch at a time: that is several times as fast as row by row.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, count
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import category, normalize

from tap_flipkart_reports.converters import CONVERTERS, PADDING, ColumnConverter, ColumnType
from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from tap_flipkart_reports.files import Table

EMPTY_KEY = "NA"
"""Stands in a key column where the file has nothing: Flipkart's own word, and unlike NULL it can be upserted."""

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
class Column:
    """A column that a table may have.

    Attributes:
        name: its name in the records.
        header: its header in the file.
        type: what its cells are.
        aliases: other headers it goes by.
        is_key: whether it belongs to the natural key: then the file has to have it, and no cell of it is null.
    """

    name: str
    header: str
    type: ColumnType = "string"
    aliases: tuple[str, ...] = ()
    is_key: bool = False


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A table's header, matched to the columns of a schema.

    Attributes:
        width: how many cells the header has, and every row has to have.
        placed: the schema's columns that the file has, each with its place from 0.
        new: columns that the schema does not have, as text, each with its place.
        missing: the schema's columns that the file does not have.
        unnamed: places of blank headers. Their cells are kept as `column_<place from 1>` in `RowBatch.extra`.
        fingerprint: the same for headers that read the same.
    """

    width: int
    placed: tuple[tuple[int, Column], ...]
    new: tuple[tuple[int, Column], ...]
    missing: tuple[Column, ...]
    unnamed: tuple[int, ...]
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class RowBatch:
    """Some rows of a table, typed. All lists are as long as the batch has rows.

    Attributes:
        row_numbers: each row's number in the file, from 1: rows that were skipped count, blank ones do not.
        columns: values by column name, of the columns that the file has and the caller wants.
        extra: cells that have no column in `columns`, by name, of rows that have any.
        unparsed: trimmed text of cells that do not fit their column's type, by column, of rows that have any.
        row_hashes: the same for rows that say the same, whatever the order of their columns; `None` if not asked for.
        row_ordinals: n for the n-th of the file's rows that say the same; `None` if not asked for.
    """

    row_numbers: Sequence[int]
    columns: dict[str, list[Any]]
    extra: list[dict[str, str] | None]
    unparsed: list[dict[str, str] | None]
    row_hashes: list[str] | None
    row_ordinals: list[int] | None

    @property
    def first_row_number(self) -> int:
        """The first row's number in the file."""
        return self.row_numbers[0]

    @property
    def count(self) -> int:
        """How many rows the batch has."""
        return len(self.row_numbers)


@dataclass(kw_only=True)
class BadCells:
    """Cells of one column that did not fit its type.

    Attributes:
        count: how many.
        first_line: the line of the file on which the first one's row begins.
    """

    count: int = 0
    first_line: int = 0


@dataclass(kw_only=True)
class RowCounts:
    """What came of a table's rows so far.

    Attributes:
        rows: rows handed on.
        skipped: ragged rows passed over.
        skipped_lines: the lines of the file on which the first of them begin.
        bad_cells: by column name.
    """

    rows: int = 0
    skipped: int = 0
    skipped_lines: list[int] = field(default_factory=list)
    bad_cells: dict[str, BadCells] = field(default_factory=dict)


# Headers


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


def match_header(header: Sequence[str], columns: Sequence[Column], *, reserved: Collection[str]) -> Layout:
    """Find the columns of a schema in a table's header, by name and never by position.

    A header that only reads the same (see `normalise`) or is an alias serves too, where none is exactly the column's.
    Of equal headers the n-th goes to the n-th column that has it; those left over are new columns.

    Args:
        header: the header's cells as the file has them.
        columns: the schema's columns.
        reserved: names of the record's own columns, which no new column takes.

    Raises:
        RowError: a key column is missing.
    """
    placed = _placed(header, columns)
    found = {column.name for column in placed.values()}
    missing = tuple(column for column in columns if column.name not in found)
    for column in missing:
        if column.is_key:
            names = [text.strip(PADDING) for text in header if text.strip(PADDING)]
            raise RowError(f"the file has no column {column.header.strip()!r}, a key, but {_listed(names)}")
    unnamed = tuple(place for place, text in enumerate(header) if place not in placed and not column_name(text))
    taken = {*reserved, *(column.name for column in columns), *map(_unnamed, unnamed)}
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
        missing=missing,
        unnamed=unnamed,
        fingerprint=blake2b("\n".join(map(normalise, header)).encode(), digest_size=8).hexdigest(),
    )


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


def _unnamed(place: int) -> str:
    return f"column_{place + 1}"


def _fresh(name: str, taken: Collection[str]) -> str:
    """The name, or the name with the first number that makes it one not taken."""
    numbered = (f"{name}_{number}" for number in count(2))
    return next(fresh for fresh in chain([name], numbered) if fresh not in taken)


def _listed(names: Sequence[str]) -> str:
    told = ", ".join(repr(_shortened(name)) for name in names[:MAX_TOLD])
    return told if len(names) <= MAX_TOLD else f"{told} and {len(names) - MAX_TOLD} more"


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


# Rows


def read_rows(  # noqa: PLR0913 - four settings, each a word of the tap's
    table: Table,
    layout: Layout,
    *,
    wanted: Collection[str] | None,
    bad_rows: Literal["fail", "skip"],
    bad_cells: Literal["keep", "fail"],
    drift: Literal["evolve", "extra", "fail"],
    hashed: bool,
    counts: RowCounts,
) -> Iterator[RowBatch]:
    """A table's rows, typed.

    Args:
        table: the table.
        layout: its header, matched.
        wanted: names of the columns to convert, or `None` for all; key columns are always converted.
        bad_rows: whether a row with more or fewer cells than the header ends the reading or is passed over.
        bad_cells: whether a cell that does not fit its column's type ends the reading, or is null with its text in
            `RowBatch.unparsed`. In a key column it always ends it: nulls would make rows one that are not.
        drift: whether columns that the schema does not have become columns, go to `RowBatch.extra`, or end the
            reading.
        hashed: whether rows get `row_hashes` and `row_ordinals`; this remembers some 100 bytes of every row.
        counts: what came of the rows is added to it as they are read.

    Raises:
        RowError: a row, a cell or the header is not what the settings allow; the sentence names the line.
        FileError: the file cannot be read on.
    """
    if drift == "fail" and layout.new:
        raise RowError(f"the file has new columns: {_listed([column.header for _, column in layout.new])}")
    own = (*layout.placed, *layout.new) if drift == "evolve" else layout.placed
    typed = [
        (place, column, ColumnConverter(CONVERTERS[column.type]))
        for place, column in own
        if wanted is None or column.name in wanted or column.is_key
    ]
    keys = [column.name for _, column, _ in typed if column.is_key]
    spare = [(place, column.name) for place, column in layout.new if drift == "extra"]
    spare += [(place, _unnamed(place)) for place in layout.unnamed]
    kept = [(place, name, ColumnConverter(CONVERTERS["string"])) for place, name in spare]
    identity = _RowIdentity(table.header) if hashed else None
    for batch, row_numbers in _even_batches(table, layout.width, bad_rows, counts):
        cells = list(zip(*batch.rows, strict=True))
        columns = {column.name: converter.convert(cells[place]) for place, column, converter in typed}
        unparsed = _unparsed(typed, cells, batch.lines, bad_cells, counts)
        for name in keys:
            columns[name] = [EMPTY_KEY if value is None else value for value in columns[name]]
        row_hashes, row_ordinals = identity.of(cells) if identity else (None, None)
        counts.rows += len(batch.rows)
        yield RowBatch(
            row_numbers=row_numbers,
            columns=columns,
            extra=_extra(kept, cells, len(batch.rows)),
            unparsed=unparsed,
            row_hashes=row_hashes,
            row_ordinals=row_ordinals,
        )


def _even_batches(
    table: Table, width: int, bad_rows: Literal["fail", "skip"], counts: RowCounts
) -> Iterator[tuple[Batch, Sequence[int]]]:
    """The table's batches without ragged rows, and the rows' numbers: `zip` would cut all rows to the shortest."""
    first = 1
    for batch in table.batches:
        numbers = range(first, first + len(batch.rows))
        first = numbers.stop
        if set(map(len, batch.rows)) == {width}:
            yield batch, numbers
            continue
        even = []
        for index, row in enumerate(batch.rows):
            if len(row) == width:
                even.append(index)
            elif bad_rows == "fail":
                raise RowError(f"line {batch.lines[index]} has {len(row)} cells, the header {width}")
            else:
                counts.skipped += 1
                counts.skipped_lines += [batch.lines[index]] if len(counts.skipped_lines) < MAX_TOLD else []
        if even:
            rows, lines = [batch.rows[index] for index in even], [batch.lines[index] for index in even]
            yield Batch(rows=rows, lines=lines), [numbers[index] for index in even]


def _unparsed(
    typed: Iterable[tuple[int, Column, ColumnConverter]],
    cells: Sequence[Sequence[str]],
    lines: Sequence[int],
    bad_cells: Literal["keep", "fail"],
    counts: RowCounts,
) -> list[dict[str, str] | None]:
    """What the converters of a batch refused, by row and column."""
    rows: list[dict[str, str] | None] = [None] * len(lines)
    for place, column, converter in typed:
        if not converter.refused:
            continue
        refused = set(converter.refused)
        converter.refused.clear()
        for index, text in enumerate(cells[place]):
            if text not in refused:
                continue
            if bad_cells == "fail" or column.is_key:
                raise RowError(
                    f"line {lines[index]}, column {column.header.strip()!r}: {_shortened(text)!r} is no {column.type}"
                )
            counts.bad_cells.setdefault(column.name, BadCells(first_line=lines[index])).count += 1
            _put(rows, index, column.name, text.strip(PADDING))
    return rows


def _extra(
    kept: Iterable[tuple[int, str, ColumnConverter]], cells: Sequence[Sequence[str]], rows_count: int
) -> list[dict[str, str] | None]:
    """Cells without a column, by row and name."""
    rows: list[dict[str, str] | None] = [None] * rows_count
    for place, name, converter in kept:
        for index, text in enumerate(converter.convert(cells[place])):
            if text is not None:
                _put(rows, index, name, text)
    return rows


def _put(rows: list[dict[str, str] | None], index: int, name: str, text: str) -> None:
    row = rows[index]
    if row is None:
        row = rows[index] = {}
    row[name] = text


class _RowIdentity:
    """Hashes of rows, and a count of how often each was seen in the file."""

    def __init__(self, header: Sequence[str]) -> None:
        occurrences: Counter[str] = Counter()
        named = []
        for place, text in enumerate(header):
            name = normalise(text)
            occurrences[name] += 1
            named.append((f"{name}#{occurrences[name]}", place))
        self._columns = [(place, ColumnConverter(_piece_maker(name))) for name, place in sorted(named)]
        self._seen: defaultdict[bytes, int] = defaultdict(int)

    def of(self, cells: Sequence[Sequence[str]]) -> tuple[list[str], list[int]]:
        """Hashes and ordinals of a batch's rows."""
        pieces = (converter.convert(cells[place]) for place, converter in self._columns)
        hashes, ordinals = [], []
        for row in zip(*pieces, strict=True):
            digest = blake2b("".join(filter(None, row)).encode(), digest_size=16).digest()
            self._seen[digest] += 1
            hashes.append(digest.hex())
            ordinals.append(self._seen[digest])
        return hashes, ordinals


def _piece_maker(name: str) -> Callable[[str], str]:
    """What makes of a cell its part of the hashed text; the length keeps cells apart, whatever is in them."""
    return lambda text: f"{name}={len(text)}:{text};"
