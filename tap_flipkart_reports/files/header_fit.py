"""How well rows fit as the header of a table with known columns."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tap_flipkart_reports.files.converters import clean
from tap_flipkart_reports.files.header_blocks import MIN_NUMBERS, candidates, extended, fits, with_names_above, wordings
from tap_flipkart_reports.files.header_words import JOINT, lenient_forms, normalise

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.files.header_blocks import Block
    from tap_flipkart_reports.files.sheets import HeadRow, Sheet

SURE = 0.9
"""The least share of common columns for a sheet with a name of its own to be a stream's."""

LIKELY = 0.5
"""The same for a sheet with a generic name."""

CLEAR = 0.1
"""The least lead in the share of common columns over any other table."""


class Declared(Protocol):
    """The declaration of a stream's table; `ReportTable` is one."""

    @property
    def stream(self) -> str:
        """The stream that it feeds."""

    @property
    def sheets(self) -> tuple[str, ...]:
        """Names of the sheets that hold it, with `*` for any text."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns."""

    @property
    def layouts(self) -> tuple[Collection[str], ...]:
        """Names of the columns of each layout, where it comes in several."""


class KnownTable:
    """A stream's table, prepared for the search for its header."""

    def __init__(self, table: Declared) -> None:
        self.stream = table.stream
        self.columns = table.columns
        self._layouts = table.layouts
        self._sheets = [
            re.compile(".*".join(re.escape(normalise(part)) for part in name.split("*"))) for name in table.sheets
        ]

    @property
    def has_names(self) -> bool:
        """Whether the names of its sheets are known."""
        return bool(self._sheets)

    @cached_property
    def _types(self) -> dict[str, str]:
        return {column.name: column.type for column in self.columns}

    @cached_property
    def _names(self) -> dict[str, str]:
        """Column names by normalised header or alias."""
        written = [(alias, column.name) for column in self.columns for alias in column.aliases]
        written += [(column.header, column.name) for column in self.columns]
        return {normalise(wording): name for wording, name in written}

    @cached_property
    def _lenient_names(self) -> dict[str, str]:
        """Column names by lenient form of a header or alias, where the form belongs to just one column."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for column in self.columns:
            for wording in (column.header, *column.aliases):
                for form in lenient_forms(wording):
                    found[form.words].add(column.name)
                    found[form.short].add(column.name)
        return {words: next(iter(names)) for words, names in found.items() if len(names) == 1 and words}

    def is_named(self, sheet: Sheet) -> bool:
        """Whether a sheet has a name of the table."""
        return any(re.fullmatch(pattern, normalise(sheet.name or "")) for pattern in self._sheets)

    def column_of(self, texts: Sequence[str]) -> str | None:
        """The name of the column that has one of these wordings."""
        known = next((self._names[name] for name in map(normalise, texts) if name in self._names), None)
        if known is not None:
            return known
        words = [form.words for text in texts for form in lenient_forms(text)[:1]]
        return next((self._lenient_names[text] for text in words if text in self._lenient_names), None)

    def wording_of(self, texts: Sequence[str]) -> str | None:
        """The first of these wordings that is known."""
        exact = next((text for text in texts if normalise(text) in self._names), None)
        if exact is not None:
            return exact
        return next((text for text in texts if lenient_forms(text)[0].words in self._lenient_names), None)

    def fit(self, block: Block) -> Fit:
        """How well a block fits as the header."""
        found = {name for path in block.paths if path and (name := self.column_of(wordings(path))) is not None}
        layouts = self._layouts or ({column.name for column in self.columns},)
        expected = max(layouts, key=lambda names: len(found & set(names)))
        return Fit(block=block, known=self, found=len(found), labelled=block.labelled, expected=len(expected))

    def whole(self, block: Block) -> Block:
        """A header with the rows below it that belong to it, by the types of its columns."""
        return with_names_above(extended(block, self._types_in(block)))

    def continues(self, block: Block, row: HeadRow) -> bool:
        """Whether the first row of a sheet without a header is a row of the table with this header.

        It is as wide as the header, and has values, not words, in the columns of numbers and days.
        """
        types = {position: type_ for position, type_ in self._types_in(block).items() if type_ != "string"}
        texts = {
            position: text for position, text in enumerate(row.cells) if position in types and clean(text) is not None
        }
        are_values = [fits(text, types[position]) for position, text in texts.items()]
        return len(row.cells) == len(block.paths) and len(are_values) >= MIN_NUMBERS and all(are_values)

    def _types_in(self, block: Block) -> dict[int, str]:
        """The types of a header's known columns, by position."""
        names = {position: self.column_of(wordings(path)) for position, path in enumerate(block.paths) if path}
        return {position: self._types[name] for position, name in names.items() if name is not None}


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How many columns of a table a block has (`found`), of how many in the block and how many in the table."""

    block: Block
    known: KnownTable
    found: int
    labelled: int
    expected: int

    @property
    def share(self) -> float:
        """From 0 for none in common to 1 for the very columns."""
        return 2 * self.found / (self.labelled + self.expected)

    @property
    def is_whole(self) -> bool:
        """Whether the table has all of the block's columns."""
        return self.found == self.labelled > 1

    @property
    def score(self) -> tuple[int, float, int, int]:
        """More of the table's columns are better, then fewer others, then fewer rows, then a higher position."""
        return self.found, self.share, -len(self.block.rows), -self.block.rows[0].line

    @property
    def is_header(self) -> bool:
        """Whether half of the columns match. One common cell is not enough: help texts name columns, too."""
        return self.found >= min(2, self.labelled) and 2 * self.found >= min(self.labelled, self.expected)


def best_fits(sheet: Sheet, known: Sequence[KnownTable]) -> list[Fit]:
    """For each table, the rows that fit best as its header, if any do.

    After a row with nearly all of a table's columns and hardly any others, the search ends, also for other delimiters.
    """
    parts = _parts_of(known)
    best: dict[str, Fit] = {}
    for reader in sheet.readers:
        end: int | None = None
        for line, blocks in enumerate(candidates(reader), start=1):
            if end is not None and line >= end:
                break
            for block in blocks:
                if not any(_is_part(text, parts) for text in block.rows[-1].cells):
                    continue
                for table in known:
                    fit = table.fit(block)
                    if fit.is_header and (table.stream not in best or fit.score > best[table.stream].score):
                        best[table.stream] = fit
                        if fit.share >= SURE:
                            end = block.rows[-1].next_line + 1
        if end is not None:
            break
    return list(best.values())


def _parts_of(known: Sequence[KnownTable]) -> set[str]:
    """All texts of header cells, in strict and lenient form."""
    written = {wording for table in known for column in table.columns for wording in (column.header, *column.aliases)}
    parts = {part for wording in written for part in (wording, *wording.split(JOINT))}
    forms = {form for part in parts for form in (lenient_forms(part)[0].words, lenient_forms(part)[0].short)}
    return {*map(normalise, parts), *forms} - {""}


def _is_part(text: str, parts: Collection[str]) -> bool:
    return not text[:1].isdigit() and (normalise(text) in parts or lenient_forms(text)[0].words in parts)
