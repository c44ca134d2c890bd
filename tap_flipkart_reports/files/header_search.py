"""Sheets to tables: which stream a sheet's table feeds.

The name of a sheet decides first. A sheet with a generic name (`Sheet1`) belongs to the stream whose columns it has. A
sheet without a header continues the table of the sheet before it. A sheet with any other name feeds no stream, even if
its header is like that of a stream's table: amendments and new service sheets have similar headers. The exception: the
file has no sheet of that stream, and nearly all columns are the same. A table whose columns are not published accepts
any header.
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
from tap_flipkart_reports.files.sheets import Checkpoint, RowTally, Table, no_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tap_flipkart_reports.files.header_fit import Declared
    from tap_flipkart_reports.files.sheets import Sheet

HELP_SHEETS = frozenset({"help", "reporthelp", "summaryofreport", "overallsummary", "summary"})
"""Normalised names of sheets that hold no table."""

_GENERIC_NAME = re.compile(r"(?:sheet|worksheet|table|tabelle|feuil|data|report|export|part|page|file)?[0-9]*")
"""Normalised default names of sheets in spreadsheets and archives."""


@dataclass(frozen=True, kw_only=True)
class UnmatchedTable:
    """A table that feeds no stream.

    Attributes:
        name: the sheet's or the archive member's name.
        header: its header.
        like: the stream whose columns are most like its own, if any are.
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
    checkpoint: Checkpoint = no_checkpoint,
) -> Iterator[Report]:
    """Open a downloaded report.

    Args:
        path: the file; packed data are unpacked to unnamed files in the same folder.
        tables: the tables it may hold. A bare CSV holds the first, unless its header fits another one much better.
        max_file_bytes: bytes it may have, unpacked.
        checkpoint: called every few milliseconds while the file is read; may raise to end the reading.

    Yields:
        The report; its tables can be read until the context ends.

    Raises:
        FileError: the file holds no table that can be read; the message says what it holds.
    """
    with open_sheets(path, max_file_bytes=max_file_bytes, checkpoint=checkpoint) as sheets:
        yield Report(sheets, tables)


class Report:
    """A report's file, open.

    Args:
        sheets: its sheets.
        tables: the tables it may hold.

    Attributes:
        all_sheets: its sheets, including help.
    """

    def __init__(self, sheets: Sequence[Sheet], tables: Sequence[Declared]) -> None:
        self.all_sheets = tuple(sheets)
        self._sheets = [sheet for sheet in sheets if normalise(sheet.name or "") not in HELP_SHEETS or len(sheets) == 1]
        self._known = [KnownTable(table) for table in tables]
        self._streams_named = {
            table.stream for table in self._known if any(table.is_named(sheet) for sheet in self._sheets)
        }
        self._looked_at: dict[int, _FoundTable | None] = {}

    def tables_for(self, stream: str) -> list[Table]:
        """The tables that feed a stream, in the file's order: several for a ZIP of quarters, none for an unused sheet.

        Sheets named like the table of another stream are not read, to save time.

        Args:
            stream: the stream.

        Raises:
            RowError: no table of the file belongs to the report, or a sheet has the name of the stream's table and
                other columns.
            FileError: a sheet cannot be read.
        """
        named = [{table.stream for table in self._known if table.is_named(sheet)} for sheet in self._sheets]
        paired = zip(self._sheets, named, strict=True)
        found = self._found([sheet for sheet, streams in paired if not streams or stream in streams])
        for other in found:
            if other.called is not None and other.called.stream == stream:
                raise RowError(f"{other.sheet.title} has {listed(other.header)}: these are not the columns of {stream}")
        if found and not any(named) and not any(other.stream for other in found):
            tables = "; ".join(f"{other.sheet.title or 'the file'} has {listed(other.header)}" for other in found)
            raise RowError(f"no table in the file belongs to this report: {tables}")
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
        """The tables that feed no stream, except help and summaries.

        Raises:
            FileError: a sheet cannot be read.
        """
        found = self._found(self._sheets)
        return tuple(
            UnmatchedTable(name=table.sheet.title, header=table.header, like=table.like)
            for table in found
            if not table.stream
        )

    def _found(self, sheets: Sequence[Sheet]) -> list[_FoundTable]:
        """The tables of some sheets."""
        if not any(table.columns for table in self._known):
            return _one_table(sheets, self._known[0])
        for sheet in sheets:
            if id(sheet) not in self._looked_at:
                self._looked_at[id(sheet)] = self._look_at(sheet)
                for reader in sheet.readers:
                    reader.release()
        found = self._with_continuations(
            [table for sheet in sheets if (table := self._looked_at[id(sheet)]) is not None]
        )
        is_only = len(found) == 1 and len(sheets) == len(self._sheets)
        if is_only and not (found[0].known or found[0].called or self._has_own_name(found[0].sheet)):
            return [replace(found[0], known=self._known[0])]
        return found

    def _with_continuations(self, tables: Sequence[_FoundTable]) -> list[_FoundTable]:
        """The tables, in which a sheet without a header continues the table of the sheet before it."""
        joined: list[_FoundTable] = []
        for table in tables:
            joined.append(self._continued(joined[-1], table) if joined else table)
        return joined

    def _continued(self, above: _FoundTable, table: _FoundTable) -> _FoundTable:
        """A table, as a continuation of the one before it if it is one."""
        if above.known is None or table.known is not None or not self._may_continue(above, table):
            return table
        first = next(head_rows(table.block.reader))
        if not above.known.continues(above.block, first):
            return table
        part = Block(reader=table.block.reader, rows=(first,))
        return replace(table, block=above.block, known=above.known, called=None, part=part)

    def _may_continue(self, above: _FoundTable, table: _FoundTable) -> bool:
        """Whether a sheet's name allows it to continue the table before it."""
        if table.called is not None:
            return table.called is above.known
        stems = {re.sub(r"[0-9]+", "", normalise(found.sheet.name or "")) for found in (above, table)}
        return len(stems) == 1 or not self._has_own_name(table.sheet)

    def _look_at(self, sheet: Sheet) -> _FoundTable | None:
        """The table of a sheet; `None` if the sheet is empty or holds only a sentence."""
        is_alone = len(self._sheets) == 1
        named = [table for table in self._known if table.is_named(sheet)]
        if named and not named[0].columns:
            block = plain_block(sheet)
            return None if block is None else _FoundTable(sheet=sheet, block=block, known=named[0])
        fits = best_fits(sheet, named or self._known)
        best = max(fits, key=lambda fit: fit.share, default=None)
        like = best.known.stream if best is not None else None
        if best is not None and not named:
            best = self._likeliest(sheet, fits, best)
        if best is not None:
            return _FoundTable(sheet=sheet, block=best.known.whole(best.block), known=best.known)
        block = plain_block(sheet)
        if block is None or (not is_alone and block.labelled < 2):  # noqa: PLR2004 - a sentence is not a table
            return None
        if named:
            return _FoundTable(sheet=sheet, block=block, known=None, called=named[0])
        return _FoundTable(sheet=sheet, block=block, known=self._known[0] if is_alone else None, like=like)

    def _likeliest(self, sheet: Sheet, fits: Sequence[Fit], best: Fit) -> Fit | None:
        """The table that a sheet without a stream's name holds; `None` if it feeds no stream."""
        if len(self._sheets) == 1:
            # A table alone in its file is most likely the report's first, unless it has the columns of another.
            own = next((fit for fit in fits if fit.known is self._known[0]), best)
            is_of_another = best.share >= SURE and own.share < best.share - CLEAR
            return best if is_of_another or 2 * own.share <= best.share else own
        others = [fit.share for fit in fits if fit is not best]
        if self._has_own_name(sheet):
            is_clear = not any(share > best.share - CLEAR for share in others)
            return best if best.share >= SURE and is_clear and best.known.stream not in self._streams_named else None
        return best if (best.share >= LIKELY or best.is_whole) and best.share not in others else None

    def _has_own_name(self, sheet: Sheet) -> bool:
        """Whether a sheet's name says that it is not one of the report's, where their names are known."""
        is_generic = _GENERIC_NAME.fullmatch(normalise(sheet.name or "")) is not None
        return not is_generic and any(table.has_names for table in self._known)


@dataclass(frozen=True, kw_only=True)
class _FoundTable:
    """A sheet with a table, its header, and the report's table that it is, if any.

    `called` is the table that the sheet is named after, if the header is not that table's. `like` is the stream whose
    columns are most like those of a table that feeds no stream. `part` is the first row of a sheet that continues the
    table of the sheet before it; the header is then that sheet's.
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
        """The table, ready to be read."""
        rows, tally = self.block.rows, RowTally()
        reader, first_line = self.block.reader, rows[-1].next_line
        if self.part is not None:
            reader, first_line = self.part.reader, self.part.rows[0].line
        return Table(
            name=self.sheet.title,
            header=self.header,
            header_line=rows[0].line,
            header_rows=tuple(row.cells for row in (*rows_above(self.block), *rows)),
            undecodable=reader.undecodable,
            batches=reader.batches(first_line, tally),
            batches_again=lambda: reader.batches(first_line, RowTally()),
            column_texts=lambda index: reader.column_texts(first_line, index),
            tally=tally,
        )


def _none(_texts: Sequence[str]) -> None:
    """A `find` function that knows no wording."""


def _one_table(sheets: Sequence[Sheet], known: KnownTable) -> list[_FoundTable]:
    """The table of a report whose columns are not published; it may be split into sheets with the same header."""
    blocks = [(sheet, block) for sheet in sheets if (block := plain_block(sheet)) is not None]
    if len(sheets) > 1:
        blocks = [(sheet, block) for sheet, block in blocks if block.labelled > 1]
    headers = {tuple(map(normalise, block.texts(_none))) for _, block in blocks}
    return [
        _FoundTable(sheet=sheet, block=block, known=known if len(headers) == 1 else None) for sheet, block in blocks
    ]
