"""Whole numbers by the million, put together by the first of each group: in memory while they are few, then on disk."""

from __future__ import annotations

import io
import tempfile
import weakref
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BUCKETS = 1024

MAX_GROUPS_IN_MEMORY = 2**16


class HashSpool:
    """Groups of as many whole numbers of 64 bits, sorted into buckets by the first number, which is a hash.

    All groups of one hash are in one bucket, so repeats are found with one bucket in memory.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._buckets = [array("q") for _ in range(BUCKETS)]
        self._in_memory = 0
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the object
        weakref.finalize(self, self._spool.close)
        self._written: list[array[int]] = []
        """For each time they were written out, where each bucket's members begin in the spool, and where all end."""

    def add(self, groups: Iterable[tuple[int, ...]], count: int) -> None:
        """Take in groups, `count` of them."""
        buckets = self._buckets
        for group in groups:
            buckets[group[0] % BUCKETS].extend(group)
        self._in_memory += count
        if self._in_memory > MAX_GROUPS_IN_MEMORY:
            self._write_out()

    def _write_out(self) -> None:
        offsets = array("Q", [self._spool.seek(0, io.SEEK_END)])
        for bucket in self._buckets:
            offsets.append(offsets[-1] + self._spool.write(bucket))
            del bucket[:]
        self._written.append(offsets)
        self._in_memory = 0

    def columns(self) -> Iterator[list[array[int]]]:
        """The groups of each bucket, as columns: all the hashes, all the second numbers, and so on."""
        for bucket in range(BUCKETS):
            members = self._buckets[bucket][:]
            for offsets in self._written:
                self._spool.seek(offsets[bucket])
                members.frombytes(self._spool.read(offsets[bucket + 1] - offsets[bucket]))
            yield [members[position :: self._width] for position in range(self._width)]


class HashSet:
    """Hashes of values, and whether one came twice."""

    def __init__(self) -> None:
        self._recent = array("q")
        self._spool: HashSpool | None = None

    def add(self, values: Iterable[object]) -> None:
        """Take in the hashes of some values."""
        self._recent.extend(map(hash, values))
        if len(self._recent) > MAX_GROUPS_IN_MEMORY:
            self._spool = self._spooled()

    def _spooled(self) -> HashSpool:
        spool = self._spool or HashSpool(1)
        spool.add(zip(self._recent, strict=True), len(self._recent))
        del self._recent[:]
        return spool

    def has_repeats(self) -> bool:
        """Whether one came twice."""
        hashes = [[self._recent]] if self._spool is None else self._spooled().columns()
        return any(len(set(column)) < len(column) for (column,) in hashes)
