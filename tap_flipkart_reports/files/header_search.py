"""Sheets to tables: which rows are a sheet's header, and which stream its table feeds.

Both are told by evidence: how many of the columns that a stream's table should have are found in a row, and what the
sheet is called. A table whose columns nobody has published takes any table.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tap_flipkart_reports.exceptions import FileError, RowError
from tap_flipkart_reports.files.containers import open_sheets
from tap_flipkart_reports.files.converters import PADDING
from tap_flipkart_reports.files.header_match import listed, normalise
from tap_flipkart_reports.files.row_rules import MAX_FILE_BYTES
from tap_flipkart_reports.files.sheets import HeadRow, RowTally, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.files.sheets import Reading, Sheet

HEADER_ROWS = 3
"""Rows a header may have: group, name and sub-name."""

MAX_HEADER = 1000
"""Characters; no header is longer."""

JOINT = " / "
"""Between a group's name and its columns' in a joined header."""

SURE = 0.6
"""Fit from which on a header is looked for no further."""

LIKELY = 0.5
"""Fit from which on a sheet of another name is taken for a stream's."""

SAMPLE_ROWS = 5
"""Rows, with the header, by which the delimiter is known where no header is."""

HELP = frozenset({"help", "reporthelp", "summaryofreport", "overallsummary", "summary"})
"""Normalised names of sheets that hold no table."""


class Declared(Protocol):
    """What a stream's table is known by; `ReportTable` is one."""

    @property
    def stream(self) -> str:
        """The stream that it feeds."""

    @property
    def sheets(self) -> tuple[str, ...]:
        """Names of the sheets that hold it, with `*` for any text."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns it should have."""

    @property
    def layouts(self) -> tuple[Collection[str], ...]:
        """Names of the columns of each layout, where it comes in several."""


@dataclass(frozen=True, kw_only=True)
class UnmatchedTable:
    """A table that feeds no stream.

    Attributes:
        name: the sheet's or the archive member's name.
        header: its header.
    """

    name: str | None
    header: tuple[str, ...]


@contextmanager
def open_report(path: Path, tables: Sequence[Declared], *, max_file_bytes: int = MAX_FILE_BYTES) -> Iterator[Report]:
    """Open a downloaded report.

    Args:
        path: the file; what is packed is unpacked to unnamed files in the same folder.
        tables: the tables it may hold. A bare CSV holds the first, unless its header fits another one much better.
        max_file_bytes: bytes it may have, unpacked.

    Yields:
        The report; its tables can be read until the context ends.

    Raises:
        FileError: the file holds no table, or none that can be read; the sentence says what it holds.
    """
    with open_sheets(path, max_file_bytes=max_file_bytes) as sheets:
        yield Report(sheets, tables)


class Report:
    """A report's file, open.

    Args:
        sheets: its sheets.
        tables: the tables it may hold.
    """

    def __init__(self, sheets: Sequence[Sheet], tables: Sequence[Declared]) -> None:
        self._sheets = [sheet for sheet in sheets if normalise(sheet.name or "") not in HELP or len(sheets) == 1]
        self._known = [_Known(table) for table in tables]
        self._looked_at: dict[int, _Found | None] = {}

    def tables_for(self, stream: str) -> list[Table]:
        """The tables that feed a stream, in the file's order: several for a ZIP of quarters, none for an unused sheet.

        Sheets that are called as the table of another stream are not looked at: looking takes a workbook's sheet into
        memory.

        Args:
            stream: the stream.

        Raises:
            RowError: none of the file's tables is one of the report's, or a sheet is called as the stream's table and
                is another.
            FileError: a sheet cannot be read.
        """
        named = [{table.stream for table in self._known if table.is_named(sheet)} for sheet in self._sheets]
        paired = zip(self._sheets, named, strict=True)
        found = self._found([sheet for sheet, streams in paired if not streams or stream in streams])
        for other in found:
            if other.called is not None and other.called.stream == stream:
                raise RowError(f"{other.sheet.title} has {listed(other.header)}: these are not the columns of {stream}")
        if found and not any(named) and not any(other.stream for other in found):
            told = "; ".join(f"{other.sheet.title or 'the file'} has {listed(other.header)}" for other in found)
            raise RowError(f"no table of the file is one of this report's: {told}")
        return [table.table() for table in found if table.stream == stream]

    @property
    def headers(self) -> dict[str, tuple[str, ...]]:
        """The header of each table of the file, by sheet or archive member; of a bare file by an empty name.

        Raises:
            FileError: a sheet cannot be read.
        """
        return {found.sheet.title or "": found.header for found in self._found(self._sheets)}

    @property
    def unmatched(self) -> tuple[UnmatchedTable, ...]:
        """The tables that feed no stream, but for help and summaries.

        Raises:
            FileError: a sheet cannot be read.
        """
        found = self._found(self._sheets)
        return tuple(UnmatchedTable(name=table.sheet.title, header=table.header) for table in found if not table.stream)

    def _found(self, sheets: Sequence[Sheet]) -> list[_Found]:
        """The tables of some sheets."""
        if not any(table.columns for table in self._known):
            return _one_table(sheets, self._known[0])
        for sheet in sheets:
            if id(sheet) not in self._looked_at:
                self._looked_at[id(sheet)] = _place_of(sheet, self._known, is_alone=len(self._sheets) == 1)
        found = [table for sheet in sheets if (table := self._looked_at[id(sheet)]) is not None]
        if len(found) == 1 and len(sheets) == len(self._sheets) and not (found[0].known or found[0].called):
            return [replace(found[0], known=self._known[0])]
        return found


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Some consecutive rows of a sheet, taken for its header."""

    reading: Reading
    rows: tuple[HeadRow, ...]

    @cached_property
    def paths(self) -> list[list[str]]:
        """Of each column what its header's rows say, from the top; a group's name goes for all its columns."""
        width = max(len(row.cells) for row in self.rows)
        grid = [[*row.cells, *[""] * (width - len(row.cells))] for row in self.rows]
        for upper in range(len(grid) - 2, -1, -1):
            group = ""
            for place in range(width):
                is_labelled = any(row[place].strip(PADDING) for row in grid[upper + 1 :])
                group = grid[upper][place] if grid[upper][place].strip(PADDING) else group if is_labelled else ""
                grid[upper][place] = group
        return [[text for text in column if text.strip(PADDING)] for column in zip(*grid, strict=True)]

    def texts(self, known: Mapping[str, str]) -> tuple[str, ...]:
        """One header for each column: the wording that is known, or else the shortest that no other column has."""
        alone = Counter(normalise(path[-1]) for path in self.paths if path)
        texts = []
        for path in self.paths:
            wordings = _wordings(path)
            words = next((wording for wording in wordings if normalise(wording) in known), None)
            if words is None and wordings:
                words = path[-1] if alone[normalise(path[-1])] == 1 or len(wordings) == 1 else wordings[-2]
            texts.append(words or "")
        return tuple(texts)


def _wordings(path: Sequence[str]) -> list[str]:
    """What a column may be called: from all its rows joined to the last alone."""
    return [JOINT.join(path[first:]) for first in range(len(path))]


def _short(wordings: Sequence[str]) -> list[str]:
    """Those that may be a header: by another delimiter than the file's a whole line is one cell."""
    return [wording for wording in wordings if len(wording) <= MAX_HEADER]


class _Known:
    """A stream's table, with what its header is looked for by."""

    def __init__(self, table: Declared) -> None:
        self.stream = table.stream
        self.columns = table.columns
        self._layouts = table.layouts
        self._sheets = [
            re.compile(".*".join(re.escape(normalise(part)) for part in name.split("*"))) for name in table.sheets
        ]

    @cached_property
    def names(self) -> dict[str, str]:
        """Column names by normalised header or alias."""
        wordings = [(alias, column.name) for column in self.columns for alias in column.aliases]
        wordings += [(column.header, column.name) for column in self.columns]
        return {normalise(wording): name for wording, name in wordings}

    def is_named(self, sheet: Sheet) -> bool:
        """Whether the sheet's name is the table's."""
        return any(re.fullmatch(pattern, normalise(sheet.name or "")) for pattern in self._sheets)

    def fit(self, block: _Block) -> _Fit:
        """How well a block would do as the header."""
        labelled = [path for path in block.paths if path]
        found = {
            next((self.names[name] for name in map(normalise, _short(_wordings(path))) if name in self.names), None)
            for path in labelled
        } - {None}
        layouts = self._layouts or ({column.name for column in self.columns},)
        expected = max(layouts, key=lambda names: len(found & set(names)))
        return _Fit(block=block, known=self, found=len(found), labelled=len(labelled), expected=len(expected))


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """How many columns of a table a block has (`found`), of how many in the block and how many in the table."""

    block: _Block
    known: _Known
    found: int
    labelled: int
    expected: int

    @property
    def share(self) -> float:
        """From 0 for none in common to 1 for the very columns."""
        return 2 * self.found / (self.labelled + self.expected)

    @property
    def is_header(self) -> bool:
        """Whether half of either are the other's: one cell in common is none, as help texts name columns, too."""
        return self.found >= min(2, self.labelled) and 2 * self.found >= min(self.labelled, self.expected)

    @property
    def is_sure(self) -> bool:
        """Whether no other row can be the header."""
        return self.share >= SURE or self.found == self.labelled > 1


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A sheet with a table, its header, and which of the report's it is, if any.

    Where the sheet is called as one of them and its header is not that table's, that one is `called`.
    """

    sheet: Sheet
    block: _Block
    known: _Known | None
    called: _Known | None = None

    @property
    def stream(self) -> str | None:
        """The stream it feeds."""
        return self.known.stream if self.known else None

    @property
    def header(self) -> tuple[str, ...]:
        """The header, its rows joined."""
        return self.block.texts(self.known.names if self.known else {})

    def table(self) -> Table:
        """The sheet's table, to be read."""
        rows, tally, reading = self.block.rows, RowTally(), self.block.reading
        first_line = rows[-1].next_line
        return Table(
            name=self.sheet.title,
            header=self.header,
            header_line=rows[0].line,
            header_rows=tuple(row.cells for row in rows),
            undecodable=reading.undecodable,
            batches=reading.batches(first_line, tally),
            batches_again=lambda: reading.batches(first_line, RowTally()),
            column_texts=lambda index: reading.column_texts(first_line, index),
            tally=tally,
        )


def _place_of(sheet: Sheet, known: Sequence[_Known], *, is_alone: bool) -> _Found | None:
    """What a sheet is; `None` if it holds no table, but a sentence or nothing."""
    named = [table for table in known if table.is_named(sheet)]
    fits = [fit for fit in _best_fits(sheet, named or known) if fit.is_header]
    best = max(fits, key=lambda fit: fit.share, default=None)
    if best is not None and not named:
        best = _likeliest(fits, best, known[0], is_alone=is_alone)
    if best is not None:
        return _Found(sheet=sheet, block=best.block, known=best.known)
    block = _plain_block(sheet)
    if block is None or (not is_alone and sum(map(bool, block.paths)) < 2):  # noqa: PLR2004 - a sentence is no table
        return None
    if named:
        return _Found(sheet=sheet, block=block, known=None, called=named[0])
    return _Found(sheet=sheet, block=block, known=known[0] if is_alone else None)


def _likeliest(fits: Sequence[_Fit], best: _Fit, first: _Known, *, is_alone: bool) -> _Fit | None:
    """Which table a sheet is whose name does not tell; `None` if that is for nobody to say."""
    if is_alone:
        # Of all tables that may stand alone, the report's first is the likeliest.
        own = next((fit for fit in fits if fit.known is first), None)
        return own if own is not None and 2 * own.share > best.share else best
    rivals = [fit for fit in fits if fit.share == best.share]
    return best if (best.share >= LIKELY or best.is_sure) and len(rivals) == 1 else None


def _one_table(sheets: Sequence[Sheet], known: _Known) -> list[_Found]:
    """The table of a report whose columns nobody has published; parts of it have one header."""
    blocks = [(sheet, block) for sheet in sheets if (block := _plain_block(sheet)) is not None]
    if len(sheets) > 1:
        blocks = [(sheet, block) for sheet, block in blocks if sum(map(bool, block.paths)) > 1]
    headers = {tuple(map(normalise, block.texts({}))) for _, block in blocks}
    return [_Found(sheet=sheet, block=block, known=known if len(headers) == 1 else None) for sheet, block in blocks]


def _best_fits(sheet: Sheet, known: Sequence[_Known]) -> list[_Fit]:
    """For each table the block that is its header, if any: the one with most of its columns, and the shortest."""
    best: dict[str, _Fit] = {}
    for block in _blocks(sheet):
        if any(fit.is_sure and fit.is_header and fit.block.rows[0] != block.rows[0] for fit in best.values()):
            break
        for table in known:
            fit = table.fit(block)
            if fit.found and (table.stream not in best or fit.found > best[table.stream].found):
                best[table.stream] = fit
    return list(best.values())


def _blocks(sheet: Sheet) -> Iterator[_Block]:
    """All that may be a sheet's header: blocks of up to `HEADER_ROWS` rows without a number."""
    for reading in sheet.readings:
        for first_line in range(1, reading.head_lines + 1):
            rows: tuple[HeadRow, ...] = ()
            line = first_line
            while len(rows) < HEADER_ROWS and (row := _label_row(reading, line)) is not None:
                rows = (*rows, row)
                line = row.next_line
                yield _Block(reading=reading, rows=rows)


def _label_row(reading: Reading, line: int) -> HeadRow | None:
    try:
        row = reading.head_row(line)
    except FileError:  # the help above a header is prose, whose quotes are no CSV's
        return None
    return None if row is None or any(map(str.isdecimal, row.cells)) else row


# Headers nobody has published


def _plain_block(sheet: Sheet) -> _Block | None:
    """The header of a table of unknown columns: the first row, but for a title and other narrow rows above it.

    Raises:
        FileError: the very first row cannot be read.
    """
    reading = max(sheet.readings, key=_evidence)
    rows = _head(reading)
    widths = [sum(bool(cell.strip(PADDING)) for cell in row.cells) for row in rows]
    if not any(widths):
        return None
    header = next(row for row, width in zip(rows, widths, strict=True) if 2 * width > max(widths))
    return _Block(reading=reading, rows=(header,))


def _head(reading: Reading) -> list[HeadRow]:
    """The first rows, up to one that cannot be read."""
    rows: list[HeadRow] = []
    line = 1
    while line <= reading.head_lines:
        try:
            row = reading.head_row(line)
        except FileError:
            if not rows:
                raise
            break
        if row is not None:
            rows.append(row)
        line = row.next_line if row is not None else line + 1
    return rows


def _evidence(reading: Reading) -> tuple[bool, int, int]:
    """How well a delimiter explains the first rows.

    Whether they are equally wide; how wide the widest are, if there are two; how wide the very first is.
    """
    try:
        widths = [len(row.cells) for row in _head(reading)]
    except FileError:
        return False, 0, 0
    first = widths[:SAMPLE_ROWS]
    widest = max((width for width, rows in Counter(widths).items() if rows > 1 < width), default=0)
    return len(set(first)) == 1 and first[0] > 1, widest, widths[0] if widths else 0
