"""Counts how often a row was seen, in few bytes per row: in memory up to a million different rows, then on disk."""

from __future__ import annotations

import mmap
import sys
import tempfile
import weakref
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Slots = array[int] | memoryview[int]

MAX_IN_MEMORY = 2**20
"""Different rows that are remembered in memory."""

PARTS = 256
"""Tables, each of which grows for itself: grown all at once, they would be in memory twice."""

FIRST_SLOTS = mmap.ALLOCATIONGRANULARITY // 8
"""Of a table; a file is mapped in multiples of this."""

FULLEST = 2 / 3
"""Share of a table's slots that may be taken. With more, a row is looked for in many of them."""

SLOT_BYTES = 8

MANY = 0xFF
"""The count in a slot that stands for this many and more."""

FRESH_ROWS = 2**16
"""New rows behind which the tables' pages are given back to the system, which has them on disk. Each row touches a page
of 4 KB, so they take 256 MB at most, however many rows there are; those of five million rows have 67 MB in all."""


class SeenRows:
    """Counts rows by digests of 16 bytes.

    A table's slot holds 56 bits of a digest and a count, and 8 more bits say which table: two different rows of five
    million are taken for one in one of a million reports, and then the second only has a higher ordinal. A slot takes
    8 bytes, and at least a third of them is taken.
    """

    def __init__(self) -> None:
        self._tables: list[Slots] = [array("Q", bytes(SLOT_BYTES * FIRST_SLOTS)) for _ in range(PARTS)]
        self._taken = [0] * PARTS
        self._often: dict[tuple[int, int], int] = {}
        """Counts that do not fit into their slot."""
        self._rows = 0
        self._maps: dict[int, mmap.mmap] = {}
        """Of the tables on disk."""
        self._is_on_disk = False
        self._given_back_at = 0

    @property
    def table_bytes(self) -> int:
        """What the tables take, in memory or on disk."""
        return SLOT_BYTES * sum(map(len, self._tables))

    @property
    def is_on_disk(self) -> bool:
        """Whether the tables are on disk."""
        return self._is_on_disk

    def count(self, digests: Sequence[bytes]) -> list[int]:
        """Count some rows.

        Args:
            digests: 16 bytes of each row.

        Returns:
            How often each of them has been seen, this time included.
        """
        words = array("Q", b"".join(digests))
        counts = []
        for word, part in zip(words[::2], words[1::2], strict=True):
            part %= PARTS  # noqa: PLW2901 - the part of the word that names one
            table = self._tables[part]
            mask, row = len(table) - 1, word | MANY
            index = word >> 40 & mask
            while slot := table[index]:
                if slot | MANY == row:
                    break
                index = index + 1 & mask
            if not slot:
                table[index] = row - MANY + 1
                counts.append(1)
                self._take(part)
            else:
                counts.append(self._count_again(table, index, part))
        return counts

    def _count_again(self, table: Slots, index: int, part: int) -> int:
        slot = table[index]
        seen = slot & MANY
        if seen < MANY:
            table[index] = slot + 1
            if seen + 1 < MANY:
                return seen + 1
        key = part, slot | MANY
        self._often[key] = self._often.get(key, MANY - 1) + 1
        return self._often[key]

    def _take(self, part: int) -> None:
        self._rows += 1
        self._taken[part] += 1
        if self._taken[part] > FULLEST * len(self._tables[part]):
            self._grow(part)
        if self._is_on_disk:
            if self._rows - self._given_back_at > FRESH_ROWS:
                self._give_back()
        elif self._rows > MAX_IN_MEMORY:
            self._move_to_disk()

    def _grow(self, part: int) -> None:
        old, mask = self._tables[part], 2 * len(self._tables[part]) - 1
        table = self._new_table(part, mask + 1)
        for slot in old:
            if slot:
                index = slot >> 40 & mask
                while table[index]:
                    index = index + 1 & mask
                table[index] = slot
        self._tables[part] = table

    def _new_table(self, part: int, slots: int) -> Slots:
        if not self._is_on_disk:
            return array("Q", bytes(SLOT_BYTES * slots))
        begin = self._spool.seek(0, 2)
        self._spool.write(bytes(SLOT_BYTES * slots))  # a full disk fails here, and not at a page's first use
        self._spool.flush()
        mapped = mmap.mmap(self._spool.fileno(), SLOT_BYTES * slots, offset=begin)
        self._maps[part] = mapped  # the map before it is freed with its table
        return memoryview(mapped).cast("Q")

    def _move_to_disk(self) -> None:
        self._is_on_disk = True
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the object
        weakref.finalize(self, self._spool.close)
        for part, table in enumerate(self._tables):
            on_disk = self._new_table(part, len(table))
            for index, slot in enumerate(table):
                on_disk[index] = slot
            self._tables[part] = on_disk

    def _give_back(self) -> None:
        self._given_back_at = self._rows
        if sys.platform != "win32" and hasattr(mmap, "MADV_DONTNEED"):
            for mapped in self._maps.values():
                mapped.madvise(mmap.MADV_DONTNEED)
