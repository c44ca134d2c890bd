"""What tells the rows of one file apart: natural keys, or hashes of their cells."""

from __future__ import annotations

import io
import tempfile
import weakref
from array import array
from collections import Counter, defaultdict
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files.converters import ColumnConverter
from tap_flipkart_reports.files.header_match import Layout, normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_flipkart_reports.files.sheets import Table


def place_of(name: str | None, line: int) -> str:
    """A line of a table, in words."""
    return f"line {line}" if name is None else f"{name}, line {line}"


_LINE_BITS = 48

_BUCKETS = 1024

MAX_KEYS_IN_MEMORY = 2**16
"""Rows whose keys `UniqueKeys` writes to disk together."""


class RowIdentity(Protocol):
    """What tells the rows of a report apart, over all its tables of one stream."""

    def begin(self, table: Table, layout: Layout) -> None:
        """Go on with the rows of another table."""

    def of(
        self, cells: Sequence[Sequence[str]], columns: Mapping[str, Sequence[Any]], lines: Sequence[int]
    ) -> tuple[list[str] | None, list[int] | None]:
        """Hashes and ordinals of a batch's rows, where they are what tells them apart.

        Args:
            cells: the rows' cells, by place.
            columns: the rows' values, by column name.
            lines: the line on which each row begins.
        """

    def end(self) -> None:
        """Look back at the rows of all tables so far.

        Raises:
            RowError: two rows cannot be told apart.
        """


class RowHashes:
    """Hashes of rows, and a count of how often each was seen; some 100 bytes are remembered of every row."""

    def __init__(self) -> None:
        self._columns: list[tuple[str, int, ColumnConverter]] = []
        self._seen: defaultdict[bytes, int] = defaultdict(int)

    def begin(self, table: Table, layout: Layout) -> None:
        """Go on with the rows of another table. A column that goes by an alias there is hashed by its own header."""
        headers = dict(enumerate(table.header)) | {place: column.header for place, column in layout.placed}
        occurrences: Counter[str] = Counter()
        named = []
        for place, text in headers.items():
            name = normalise(text)
            occurrences[name] += 1
            named.append((f"{name}#{occurrences[name]}", place))
        self._columns = [(name, place, ColumnConverter(str)) for name, place in sorted(named)]

    def of(
        self, cells: Sequence[Sequence[str]], columns: Mapping[str, Sequence[Any]], lines: Sequence[int]
    ) -> tuple[list[str], list[int]]:
        """Hashes and ordinals of a batch's rows."""
        del columns, lines
        # The length keeps cells apart, whatever is in them.
        pieces = [
            ["" if text is None else f"{name}={len(text)}:{text};" for text in converter.convert(cells[place])]
            for name, place, converter in self._columns
        ]
        hashes, ordinals = [], []
        for row in zip(*pieces, strict=True):
            digest = blake2b("".join(row).encode(), digest_size=16).digest()
            self._seen[digest] += 1
            hashes.append(digest.hex())
            ordinals.append(self._seen[digest])
        return hashes, ordinals

    def end(self) -> None:
        """Nothing; rows that are equal are counted."""


class UniqueKeys:
    """Watches that no two rows have one natural key: in a warehouse the second would take the first one's place.

    Rows that are equal in every cell are refused, too: nobody can tell a line that was written twice from two payments
    of one amount. Of every row 16 bytes are remembered, on disk where there are many: its line, and a hash of its key
    of 64 bits, with another salt in each run. Among a million rows two different keys share one in one of 40 million
    runs, and not again.

    Args:
        names: the key's columns.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._tables: list[str | None] = []
        self._buckets = [array("q") for _ in range(_BUCKETS)]
        """Hash and line after hash and line, by the hash's last bits; lines have the table's number above
        `_LINE_BITS`."""
        self._in_memory = 0
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the object
        weakref.finalize(self, self._spool.close)
        self._written: list[array[int]] = []
        """For each time they were written out, where each bucket's members begin in the spool, and where all end."""

    def begin(self, table: Table, layout: Layout) -> None:
        """Go on with the rows of another table."""
        del layout
        self._tables.append(table.name)

    def of(
        self, cells: Sequence[Sequence[str]], columns: Mapping[str, Sequence[Any]], lines: Sequence[int]
    ) -> tuple[None, None]:
        """Nothing; such rows need no hashes."""
        del cells
        buckets = self._buckets
        table = len(self._tables) - 1 << _LINE_BITS
        keys = zip(*(columns[name] for name in self._names), strict=True)
        for row_hash, line in zip(map(hash, keys), lines, strict=True):
            buckets[row_hash % _BUCKETS].extend((row_hash, table + line))
        self._in_memory += len(lines)
        if self._in_memory > MAX_KEYS_IN_MEMORY:
            self._write_out()
        return None, None

    def _write_out(self) -> None:
        places = array("Q", [self._spool.seek(0, io.SEEK_END)])
        for bucket in self._buckets:
            places.append(places[-1] + self._spool.write(bucket))
            del bucket[:]
        self._written.append(places)
        self._in_memory = 0

    def end(self) -> None:
        """Find two rows of one key."""
        repeats = [pair for bucket in range(_BUCKETS) if (pair := _first_repeat(self._members(bucket))) is not None]
        if repeats:
            earlier, later = min(repeats, key=itemgetter(1))
            raise RowError(
                f"{self._told(earlier)} and {self._told(later)} have one key; if both are rows, set key_properties of "
                "this report type to [] in report_types: rows are then told apart by all cells"
            )

    def _members(self, bucket: int) -> array[int]:
        members = self._buckets[bucket][:]
        for places in self._written:
            self._spool.seek(places[bucket])
            members.frombytes(self._spool.read(places[bucket + 1] - places[bucket]))
        return members

    def _told(self, place: int) -> str:
        return place_of(self._tables[place >> _LINE_BITS], place & (1 << _LINE_BITS) - 1)


def _first_repeat(members: Sequence[int]) -> tuple[int, int] | None:
    """The lines of the first two rows of one hash, of hash and line after hash and line."""
    hashes, lines = members[::2], members[1::2]
    if len(set(hashes)) == len(hashes):
        return None
    seen: dict[int, int] = {}
    for line, row_hash in sorted(zip(lines, hashes, strict=True)):
        if row_hash in seen:
            return seen[row_hash], line
        seen[row_hash] = line
    return None
