"""Rows without a key are counted in few bytes each, and rightly."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_flipkart_reports.files import seen_rows
from tap_flipkart_reports.files.seen_rows import SeenRows


def digest(number: int) -> bytes:
    return blake2b(b"%d" % number, digest_size=16).digest()


def counted(numbers: list[int]) -> list[int]:
    """How often each number has been there, by the plainest way."""
    seen: Counter[int] = Counter()
    counts = []
    for number in numbers:
        seen[number] += 1
        counts.append(seen[number])
    return counts


@given(st.lists(st.lists(st.integers(0, 30), max_size=100), max_size=10), st.sampled_from([5, 10**6]))
def test_each_row_is_counted_in_memory_and_on_disk(batches: list[list[int]], in_memory: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen_rows, "MAX_IN_MEMORY", in_memory)
        seen = SeenRows()
        found = [count for batch in batches for count in seen.count([digest(number) for number in batch])]
        numbers = [number for batch in batches for number in batch]
        assert found == counted(numbers)
        assert seen.is_on_disk == (len(set(numbers)) > in_memory)


def test_a_row_that_repeats_hundreds_of_times_is_counted_on() -> None:
    seen = SeenRows()
    assert seen.count([digest(1)] * 700 + [digest(2)]) == [*range(1, 701), 1]


def test_digests_that_differ_in_any_word_are_different_rows() -> None:
    seen = SeenRows()
    one = bytes(16)
    others = [bytes([*one[:place], 1, *one[place + 1 :]]) for place in (1, 7, 8)]
    assert seen.count([one, *others, one]) == [1, 1, 1, 1, 2]


@pytest.mark.parametrize("rows", [150_000, 400_000])
def test_a_row_takes_32_bytes_at_most(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(seen_rows, "MAX_IN_MEMORY", 10**9)
    seen = SeenRows()
    for first in range(0, rows, 10_000):
        assert set(seen.count([digest(number) for number in range(first, first + 10_000)])) == {1}
    assert seen.table_bytes <= 32 * rows


def test_many_rows_are_counted_on_disk_across_all_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_rows, "MAX_IN_MEMORY", 1_000)
    seen = SeenRows()
    digests = [digest(number) for number in range(250_000)]
    assert set(seen.count(digests)) == {1}
    assert seen.is_on_disk
    assert set(seen.count(digests)) == {2}
