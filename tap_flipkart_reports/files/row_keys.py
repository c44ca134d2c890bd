"""The identity of rows within a report: natural keys, or hashes of their cells, with an ordinal for repeats."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.column_scan import UnscannableError
from tap_flipkart_reports.files.columns import MAX_KEY_LETTERS
from tap_flipkart_reports.files.converters import CONVERTERS, ColumnConverter, clean, clean_id, is_id
from tap_flipkart_reports.files.hash_spool import HashSet, HashSpool
from tap_flipkart_reports.files.header_words import MAX_LISTED, normalise
from tap_flipkart_reports.files.row_filter import RowCounts, RowFilter
from tap_flipkart_reports.files.row_rules import LENIENT_RULES
from tap_flipkart_reports.files.seen_rows import SeenRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.files.header_match import Layout
    from tap_flipkart_reports.files.sheets import Table

    Cells = Sequence[Sequence[str]]
    """The texts of some rows, by column."""

EMPTY_KEY = "NA"
"""The value of a blank key cell: it is Flipkart's own word, and unlike NULL it can be upserted."""

FALLBACK_BITS = 40
"""Bits of an ordinal that distinguish rows with a blank part in their key: see `NaturalKeys`."""


@dataclass(kw_only=True)
class KeyRepeats:
    """Rows of a report that their natural key does not distinguish.

    Attributes:
        tied: rows that share their key with another.
        incomplete: rows with a blank part in their key.
        examples: the first few such keys, as texts.
    """

    tied: int = 0
    incomplete: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The numbers of such rows, in words; empty if there are none."""
        tied = [f"{self.tied:,} rows share their key with another"] if self.tied else []
        blank = "1 row has a blank part in its key"
        if self.incomplete > 1:
            blank = f"{self.incomplete:,} rows have a blank part in their key"
        return " and ".join([*tied, *([blank] if self.incomplete else [])])


class RowIdentity(Protocol):
    """Distinguishes the rows of a report, over all tables of one stream, which are read in their order."""

    @property
    def repeats(self) -> KeyRepeats:
        """Rows that their natural key does not distinguish."""

    def begin(self, table: Table, layout: Layout) -> None:
        """Continue with the rows of another table."""

    def identify(self, cells: Cells) -> tuple[list[str] | None, list[int]]:
        """Hashes, where rows have no natural key, and ordinals of the next rows."""


def shortened_key(text: str) -> str:
    """A part of a natural key that fits into `MAX_KEY_LETTERS`; a longer one ends with a digest of all of it."""
    if len(text) <= MAX_KEY_LETTERS:
        return text
    digest = blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{text[: MAX_KEY_LETTERS - len(digest) - 1]}~{digest}"


class RowDigests:
    """Digests of rows, which do not depend on the order of their columns."""

    def __init__(self, table: Table, layout: Layout) -> None:
        # A column that goes by another header in this file is hashed by its own.
        headers = dict(enumerate(table.header)) | {position: column.header for position, column in layout.placed}
        occurrences: Counter[str] = Counter()
        named = []
        for position, text in headers.items():
            name = normalise(text)
            occurrences[name] += 1
            named.append((f"{name}#{occurrences[name]}", position))
        self._columns = [(name, position, ColumnConverter(str)) for name, position in sorted(named)]

    def of_rows(self, cells: Cells) -> list[bytes]:
        """A digest of each row."""
        # With the length, no content of a cell can look like two cells.
        pieces = [
            ["" if text is None else f"{name}={len(text)}:{text};" for text in converter.convert(cells[position])]
            for name, position, converter in self._columns
        ]
        return [blake2b("".join(row).encode(), digest_size=16).digest() for row in zip(*pieces, strict=True)]


class RowHashes:
    """Hashes of rows, and a count of how often each was seen; see `SeenRows` for what is remembered of each."""

    def __init__(self) -> None:
        self.repeats = KeyRepeats()
        self._digests: RowDigests | None = None
        self._seen = SeenRows()

    def begin(self, table: Table, layout: Layout) -> None:
        """Continue with the rows of another table."""
        self._digests = RowDigests(table, layout)

    def identify(self, cells: Cells) -> tuple[list[str], list[int]]:
        """Hashes and ordinals of the next rows."""
        assert self._digests is not None, "begin comes first"  # noqa: S101 - for the reader of the code
        digests = self._digests.of_rows(cells)
        return [digest.hex() for digest in digests], self._seen.count(digests)


class NaturalKeys:
    """Ordinals that make natural keys unique in a report.

    Natural keys are inferred, so a report that repeats one must still be loaded, every row once, and a row that is
    read again must overwrite its earlier record. The ordinal is 1 for a row whose key no other row has. Rows that
    share a key are numbered from 1 in the order of their digests, so neither the order of the file nor other rows
    change the ordinal; rows that are equal in every cell take the next numbers. When some of them change, the newest
    report still overwrites the same numbers.

    A row with a blank part in its key is distinguished by the `fallback` columns, which do not change either, and if
    these are blank, too, by all of its cells: `FALLBACK_BITS` of their digest go into the ordinal. Without them, such
    a row of another window would overwrite it.

    Whether keys repeat must be known before the first row is written, so the rows are scanned first. If one column of
    the key never repeats, only that column is read; otherwise whole rows. For every row 16 bytes are stored, on disk if
    there are many, and for rows that share a key another 16 bytes in memory.

    Args:
        names: the key's columns.
        parts: the report's tables of one stream, with their layouts.
        fallback: columns that distinguish rows with a blank part in their key.

    Attributes:
        repeats: rows that their key does not distinguish.
    """

    def __init__(
        self, names: Sequence[str], parts: Sequence[tuple[Table, Layout]], *, fallback: Sequence[str] = ()
    ) -> None:
        self._names = tuple(names)
        self._fallback = tuple(fallback)
        self._parts = tuple(parts)
        self.repeats = KeyRepeats()
        self._tied = array("q")
        """Numbers of the rows that need an ordinal, from 0, ascending."""
        self._ordinals = array("q")
        """The ordinals of these rows, in the same order."""
        self._next_row = 0
        self._next_tied = 0
        if self._may_repeat():
            self._tied = self._find_tied()
            if self._tied:
                self._ordinals = self._rank()

    # Rows in their order

    def begin(self, table: Table, layout: Layout) -> None:
        """Continue with the rows of another table."""

    def identify(self, cells: Cells) -> tuple[None, list[int]]:
        """Ordinals of the next rows."""
        count = len(cells[0])
        first, self._next_row = self._next_row, self._next_row + count
        ordinals = [1] * count
        while self._next_tied < len(self._tied) and self._tied[self._next_tied] < self._next_row:
            ordinals[self._tied[self._next_tied] - first] = self._ordinals[self._next_tied]
            self._next_tied += 1
        return None, ordinals

    # The scan before the first row

    def _may_repeat(self) -> bool:
        """Whether keys may repeat or have blank parts, as far as one column of the key tells."""
        for name in self._names:
            hashes = HashSet()
            try:
                for table, layout in self._parts:
                    _scan(table, _placed(name, layout), hashes)
            except UnscannableError:
                continue
            if not hashes.has_repeats():
                return False
        return True

    def _rows(self) -> Iterator[tuple[int, list[list[str]], _KeyReader]]:
        """The rows of all tables, as they will be read. They end at damage, which the later reading reports."""
        number = 0
        for table, layout in self._parts:
            reader = _KeyReader(self._names, self._fallback, table, layout)
            row_filter = RowFilter(table, layout, rules=LENIENT_RULES, counts=RowCounts(), reject=lambda _row: None)
            try:
                for batch, _ in row_filter.batches(table.batches_again()):
                    yield number, batch.rows, reader
                    number += len(batch.rows)
            except FileError:  # the later reading raises it
                return

    def _find_tied(self) -> array[int]:
        """Numbers of the rows whose key another row has, or has a blank part."""
        spool = HashSpool(2)
        tied = array("q")
        for number, rows, reader in self._rows():
            keys = reader.keys(rows)
            whole = [(hash(key), index) for index, key in enumerate(keys, number) if None not in key]
            spool.add(whole, len(whole))
            if len(whole) < len(rows):
                tied.extend(index for index, key in enumerate(keys, number) if None in key)
        self.repeats.incomplete = len(tied)
        for hashes, numbers in spool.columns():
            if len(set(hashes)) < len(hashes):
                counts = Counter(hashes)
                tied.extend(number for key, number in zip(hashes, numbers, strict=True) if counts[key] > 1)
        return array("q", sorted(tied))

    def _rank(self) -> array[int]:
        """The ordinals of the tied rows, in their order."""
        groups = HashSpool(4)
        index = 0
        for number, rows, reader in self._rows():
            first = index
            while index < len(self._tied) and self._tied[index] < number + len(rows):
                index += 1
            if index > first:
                tied = [rows[self._tied[at] - number] for at in range(first, index)]
                self._add_examples(reader.keys(tied))
                groups.add(
                    [(*group, at) for at, group in enumerate(reader.groups(tied), first)], len(tied)
                )  # fmt: skip
        ordinals = array("q", bytes(8 * len(self._tied)))
        for columns in groups.columns():
            for _, members in groupby(sorted(zip(*columns, strict=True)), key=itemgetter(0)):
                group = list(members)
                self.repeats.tied += len(group) if len(group) > 1 else 0
                for rank, (_, _, base, at) in enumerate(group):
                    ordinals[at] = base + (rank if base == 1 else rank << FALLBACK_BITS)
        return ordinals

    def _add_examples(self, keys: Sequence[tuple[Any, ...]]) -> None:
        for key in keys:
            text = ", ".join(EMPTY_KEY if part is None else str(part) for part in key)
            if len(self.repeats.examples) < MAX_LISTED and text not in self.repeats.examples:
                self.repeats.examples.append(text)


class _KeyReader:
    """Reads keys from a table's rows, with the same values as in records."""

    def __init__(self, names: Sequence[str], fallback: Sequence[str], table: Table, layout: Layout) -> None:
        self._keys = [_placed(name, layout) for name in names]
        self._fallback = [_placed(name, layout) for name in fallback]
        self._digests = RowDigests(table, layout)

    def keys(self, rows: Sequence[Sequence[str]]) -> list[tuple[Any, ...]]:
        """The key of each row, with `None` for blank parts."""
        return _read(self._keys, rows)

    def groups(self, rows: Sequence[Sequence[str]]) -> list[tuple[int, int, int]]:
        """For each row: a hash of its shared key, its digest, and the first ordinal of the rows with that key."""
        cells = list(zip(*rows, strict=True))
        digests = [int.from_bytes(digest[:8], "big", signed=True) for digest in self._digests.of_rows(cells)]
        groups = []
        for key, fallback, digest in zip(self.keys(rows), _read(self._fallback, rows), digests, strict=True):
            base = 1
            if None in key:
                text = repr(fallback if any(fallback) else digest).encode()
                base += int.from_bytes(blake2b(text, digest_size=8).digest(), "big") % 2**FALLBACK_BITS + 1
            groups.append((hash((key, base)), digest, base))
        return groups


def _read(columns: Sequence[_PlacedColumn | None], rows: Sequence[Sequence[str]]) -> list[tuple[Any, ...]]:
    """The values of some columns, row by row; `None` for blank cells and for columns that the file does not have."""
    values = [
        [None] * len(rows) if column is None else column.values([row[column.position] for row in rows])
        for column in columns
    ]
    return list(zip(*values, strict=True)) if values else [()] * len(rows)


def _scan(table: Table, column: _PlacedColumn | None, hashes: HashSet) -> None:
    """Add a column's values to the hashes.

    Raises:
        UnscannableError: the column cannot be read alone, has blank cells, or repeats itself from the start.
    """
    if column is None:
        raise UnscannableError
    is_first = True
    for texts in table.column_texts(column.position):
        values = column.values(texts)
        if None in values or (is_first and 2 * len(set(values)) < len(values)):
            raise UnscannableError
        is_first = False
        hashes.add(values)


class _PlacedColumn:
    """A column of a table, with its position."""

    def __init__(self, position: int, column: Column) -> None:
        self.position = position
        converter = ColumnConverter(CONVERTERS[column.type], clean=clean_id if is_id(column) else clean)
        self.values = converter.convert


def _placed(name: str, layout: Layout) -> _PlacedColumn | None:
    return next((_PlacedColumn(position, column) for position, column in layout.placed if column.name == name), None)


def row_identity(
    key: Sequence[str], parts: Sequence[tuple[Table, Layout]], *, fallback: Sequence[str] = ()
) -> RowIdentity:
    """The identity of a report's rows: `NaturalKeys`, or `RowHashes` where the table has no key."""
    return NaturalKeys(key, parts, fallback=fallback) if key else RowHashes()
