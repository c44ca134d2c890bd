"""Sheets to tables: which stream a sheet's table feeds.

A sheet belongs to a stream by its name first. One whose name says nothing (`Sheet1`) belongs to the stream whose
columns it has; one without a header goes on with the rows of the sheet in front of it. One with a name of its own
that is no stream's feeds none, however much its header is like another's: amendments and new service sheets share
headers with their neighbours. It is a stream's only where no sheet of that stream is there and its columns are that
table's beyond doubt. A table whose columns nobody has published takes any.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files.containers import open_sheets
from tap_flipkart_reports.files.header_blocks import Block, head_rows, plain_block, rows_above
from tap_flipkart_reports.files.header_fit import CLEAR, LIKELY, SURE, Fit, KnownTable, best_fits
from tap_flipkart_reports.files.header_words import listed, normalise
from tap_flipkart_reports.files.row_rules import MAX_FILE_BYTES
from tap_flipkart_reports.files.sheets import Checkpoint, RowTally, Table, go_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tap_flipkart_reports.files.header_fit import Declared
    from tap_flipkart_reports.files.sheets import Sheet

HELP = frozenset({"help", "reporthelp", "summaryofreport", "overallsummary", "summary"})
"""Normalised names of sheets that hold no table."""

_GENERIC_NAME = re.compile(r"(?:sheet|worksheet|table|tabelle|feuil|data|report|export|part|page|file)?[0-9]*")
"""Normalised names that spreadsheets and archives give to sheets when nobody does."""


@dataclass(frozen=True, kw_only=True)
class UnmatchedTable:
    """A table that feeds no stream.

    Attributes:
        name: the sheet's or the archive member's name.
        header: its header.
        like: the stream whose columns it has most of, if it has a good part of any's.
    """

    name: str | None
    header: tuple[str, ...]
    like: str | None = None


@contextmanager
def open_report(
    path: Path,
    tables: Sequence[Declared],
    *,
    max_file_bytes: int = MAX_FILE_BYTES,
    checkpoint: Checkpoint = go_on,
) -> Iterator[Report]:
    """Open a downloaded report.

    Args:
        path: the file; what is packed is unpacked to unnamed files in the same folder.
        tables: the tables it may hold. A bare CSV holds the first, unless its header fits another one much better.
        max_file_bytes: bytes it may have, unpacked.
        checkpoint: called every few milliseconds of reading; what it raises ends the reading.

    Yields:
        The report; its tables can be read until the context ends.

    Raises:
        FileError: the file holds no table, or none that can be read; the sentence says what it holds.
    """
    with open_sheets(path, max_file_bytes=max_file_bytes, checkpoint=checkpoint) as sheets:
        yield Report(sheets, tables)


class Report:
    """A report's file, open.

    Args:
        sheets: its sheets.
        tables: the tables it may hold.

    Attributes:
        all_sheets: its sheets, help among them.
    """

    def __init__(self, sheets: Sequence[Sheet], tables: Sequence[Declared]) -> None:
        self.all_sheets = tuple(sheets)
        self._sheets = [sheet for sheet in sheets if normalise(sheet.name or "") not in HELP or len(sheets) == 1]
        self._known = [KnownTable(table) for table in tables]
        self._streams_named = {
            table.stream for table in self._known if any(table.is_named(sheet) for sheet in self._sheets)
        }
        self._looked_at: dict[int, _Found | None] = {}

    def tables_for(self, stream: str) -> list[Table]:
        """The tables that feed a stream, in the file's order: several for a ZIP of quarters, none for an unused sheet.

        Sheets that are called as the table of another stream are not looked at, as looking takes time.

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
            raise RowError(f"no table in the file belongs to this report: {told}")
        return [table.table() for table in found if table.stream == stream]

    @property
    def headers(self) -> dict[str, tuple[str, ...]]:
        """The header of each table of the file, by sheet or archive member; of a bare file by an empty name.

        Raises:
            FileError: a sheet cannot be read.
        """
        return {found.sheet.title or "": found.header for found in self._found(self._sheets)}

    def count_columns(self) -> tuple[int, int]:
        """How many of the file's columns are the report's, and how many the file has.

        Raises:
            FileError: a sheet cannot be read.
        """
        tables = self._found(self._sheets)
        known = sum(table.known.fit(table.block).found for table in tables if table.known is not None)
        return known, sum(table.block.labelled for table in tables)

    @property
    def unmatched(self) -> tuple[UnmatchedTable, ...]:
        """The tables that feed no stream, but for help and summaries.

        Raises:
            FileError: a sheet cannot be read.
        """
        found = self._found(self._sheets)
        return tuple(
            UnmatchedTable(name=table.sheet.title, header=table.header, like=table.like)
            for table in found
            if not table.stream
        )

    def _found(self, sheets: Sequence[Sheet]) -> list[_Found]:
        """The tables of some sheets."""
        if not any(table.columns for table in self._known):
            return _one_table(sheets, self._known[0])
        for sheet in sheets:
            if id(sheet) not in self._looked_at:
                self._looked_at[id(sheet)] = self._look_at(sheet)
                for reading in sheet.readings:
                    reading.release()
        found = self._joined([table for sheet in sheets if (table := self._looked_at[id(sheet)]) is not None])
        is_only = len(found) == 1 and len(sheets) == len(self._sheets)
        if is_only and not (found[0].known or found[0].called or self._has_own_name(found[0].sheet)):
            return [replace(found[0], known=self._known[0])]
        return found

    def _joined(self, tables: Sequence[_Found]) -> list[_Found]:
        """The same tables, where a sheet without a header goes on with the rows of the one in front of it."""
        joined: list[_Found] = []
        for table in tables:
            joined.append(self._gone_on(joined[-1], table) if joined else table)
        return joined

    def _gone_on(self, above: _Found, table: _Found) -> _Found:
        """A table, as a part of the one in front of it if it is one."""
        if above.known is None or table.known is not None or not self._may_go_on(above, table):
            return table
        first = next(head_rows(table.block.reading))
        if not above.known.goes_on(above.block, first):
            return table
        part = Block(reading=table.block.reading, rows=(first,))
        return replace(table, block=above.block, known=above.known, called=None, part=part)

    def _may_go_on(self, above: _Found, table: _Found) -> bool:
        """Whether the name of a sheet does not say that it is another table than the one in front of it."""
        if table.called is not None:
            return table.called is above.known
        stems = {re.sub(r"[0-9]+", "", normalise(found.sheet.name or "")) for found in (above, table)}
        return len(stems) == 1 or not self._has_own_name(table.sheet)

    def _look_at(self, sheet: Sheet) -> _Found | None:
        """What a sheet is; `None` if it holds no table, but a sentence or nothing."""
        is_alone = len(self._sheets) == 1
        named = [table for table in self._known if table.is_named(sheet)]
        if named and not named[0].columns:
            block = plain_block(sheet)
            return None if block is None else _Found(sheet=sheet, block=block, known=named[0])
        fits = best_fits(sheet, named or self._known)
        best = max(fits, key=lambda fit: fit.share, default=None)
        like = best.known.stream if best is not None else None
        if best is not None and not named:
            best = self._likeliest(sheet, fits, best)
        if best is not None:
            return _Found(sheet=sheet, block=best.known.whole(best.block), known=best.known)
        block = plain_block(sheet)
        if block is None or (not is_alone and block.labelled < 2):  # noqa: PLR2004 - a sentence is not a table
            return None
        if named:
            return _Found(sheet=sheet, block=block, known=None, called=named[0])
        return _Found(sheet=sheet, block=block, known=self._known[0] if is_alone else None, like=like)

    def _likeliest(self, sheet: Sheet, fits: Sequence[Fit], best: Fit) -> Fit | None:
        """Which table a sheet is whose name is no stream's; `None` if it feeds none."""
        if len(self._sheets) == 1:
            # Of all tables that may be alone, the report's first is the likeliest, unless another's columns are there.
            own = next((fit for fit in fits if fit.known is self._known[0]), best)
            is_of_another = best.share >= SURE and own.share < best.share - CLEAR
            return best if is_of_another or 2 * own.share <= best.share else own
        others = [fit.share for fit in fits if fit is not best]
        if self._has_own_name(sheet):
            is_clear = not any(share > best.share - CLEAR for share in others)
            return best if best.share >= SURE and is_clear and best.known.stream not in self._streams_named else None
        return best if (best.share >= LIKELY or best.is_whole) and best.share not in others else None

    def _has_own_name(self, sheet: Sheet) -> bool:
        """Whether a sheet's name says that it is none of the report's, where theirs are known."""
        is_generic = _GENERIC_NAME.fullmatch(normalise(sheet.name or "")) is not None
        return not is_generic and any(table.has_names for table in self._known)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A sheet with a table, its header, and which of the report's it is, if any.

    Where the sheet is called as one of them and its header is not that table's, that one is `called`. `like` is the
    stream whose columns a table has that is nobody's. Where the sheet goes on with the rows of the one in front of it,
    the header is that one's, and `part` is its own beginning.
    """

    sheet: Sheet
    block: Block
    known: KnownTable | None
    called: KnownTable | None = None
    like: str | None = None
    part: Block | None = None

    @property
    def stream(self) -> str | None:
        """The stream it feeds."""
        return self.known.stream if self.known else None

    @property
    def header(self) -> tuple[str, ...]:
        """The header, its rows joined."""
        return self.block.texts(self.known.wording_of if self.known else _none)

    def table(self) -> Table:
        """The sheet's table, to be read."""
        rows, tally = self.block.rows, RowTally()
        reading, first_line = self.block.reading, rows[-1].next_line
        if self.part is not None:
            reading, first_line = self.part.reading, self.part.rows[0].line
        return Table(
            name=self.sheet.title,
            header=self.header,
            header_line=rows[0].line,
            header_rows=tuple(row.cells for row in (*rows_above(self.block), *rows)),
            undecodable=reading.undecodable,
            batches=reading.batches(first_line, tally),
            batches_again=lambda: reading.batches(first_line, RowTally()),
            column_texts=lambda index: reading.column_texts(first_line, index),
            tally=tally,
        )


def _none(_texts: Sequence[str]) -> None:
    """Nothing is known."""


def _one_table(sheets: Sequence[Sheet], known: KnownTable) -> list[_Found]:
    """The table of a report whose columns nobody has published; parts of it have one header."""
    blocks = [(sheet, block) for sheet in sheets if (block := plain_block(sheet)) is not None]
    if len(sheets) > 1:
        blocks = [(sheet, block) for sheet, block in blocks if block.labelled > 1]
    headers = {tuple(map(normalise, block.texts(_none))) for _, block in blocks}
    return [_Found(sheet=sheet, block=block, known=known if len(headers) == 1 else None) for sheet, block in blocks]
