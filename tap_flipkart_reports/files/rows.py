"""A table's rows of text turned into typed columns; what is no row is told apart and counted.

Rows are converted column by column, a batch at a time: that is several times as fast as row by row.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files.converters import CONVERTERS, PADDING, ColumnConverter
from tap_flipkart_reports.files.header_match import MAX_TOLD, Layout, column_number, listed, normalise, shortened
from tap_flipkart_reports.files.row_keys import RowIdentity, place_of
from tap_flipkart_reports.files.sheets import Batch, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.files.converters import Converters
    from tap_flipkart_reports.files.row_rules import RowRules

EMPTY_KEY = "NA"
"""Stands in a key column where the file has nothing: Flipkart's own word, and unlike NULL it can be upserted."""

TOTALS = frozenset({"total", "totals", "grandtotal", "subtotal", "nettotal"})
"""What the first cell of a row of totals says, normalised."""

MAX_TOTAL = 20
"""Characters of such a cell; longer ones are not looked at."""

_TOTAL = r"(?:grand|sub|net)?\W*total"
"""How such a cell begins."""

NOTE_WIDTH = 6
"""Named columns from which on a row with a single cell is a note, and no row of the table."""


@dataclass(frozen=True, kw_only=True)
class RejectedRow:
    """A row that was passed over.

    Attributes:
        table: the table's name, `None` for a bare file.
        line: the line of the file on which it begins, from 1.
        cause: why, as the end of a sentence that begins with the line.
        text: its cells, as one row of CSV.
    """

    table: str | None
    line: int
    cause: str
    text: str


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
    columns: dict[str, Sequence[Any]]
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
    """What came of the rows of a report's tables so far: each is in exactly one of the first three counts.

    Attributes:
        rows: rows handed on.
        skipped: rows passed over because they do not fit the header.
        dropped: rows of totals and repeated headers.
        blank: rows without any text, which no other count holds.
        skipped_lines: the lines of the file on which the first of the skipped rows begin.
        dropped_lines: the same of the dropped rows.
        bad_cells: by column name.
    """

    rows: int = 0
    skipped: int = 0
    dropped: int = 0
    blank: int = 0
    skipped_lines: list[int] = field(default_factory=list)
    dropped_lines: list[int] = field(default_factory=list)
    bad_cells: dict[str, BadCells] = field(default_factory=dict)

    @property
    def received(self) -> int:
        """Rows that the tables had, but for blank ones."""
        return self.rows + self.skipped + self.dropped


def read_rows(  # noqa: PLR0913 - what is read, how, and three places for what comes of it
    table: Table,
    layout: Layout,
    *,
    wanted: Collection[str] | None,
    rules: RowRules,
    identity: RowIdentity,
    counts: RowCounts,
    reject: Callable[[RejectedRow], None] = lambda _row: None,
    converters: Converters = CONVERTERS,
) -> Iterator[RowBatch]:
    """A table's rows, typed.

    Where a report has several tables for one stream, they share `identity` and `counts`; row numbers go on.

    Args:
        table: the table.
        layout: its header, matched.
        wanted: names of the columns to convert, or `None` for all; key columns are always converted.
        rules: what to do with rows and cells that do not fit.
        identity: `RowHashes` or `UniqueKeys` of the report.
        counts: what came of the rows is added to it as they are read.
        reject: gets each row that is passed over.
        converters: `CONVERTERS`, or `JSON_CONVERTERS` for values that are only written.

    Raises:
        RowError: a row, a cell or the header is not what the rules allow, or two rows have one key; the sentence names
            the line.
        FileError: the file cannot be read on.
    """
    if rules.schema_drift == "fail" and layout.new:
        raise RowError(f"the file has new columns: {listed([column.header for _, column in layout.new])}")
    own = (*layout.placed, *layout.new) if rules.schema_drift == "evolve" else layout.placed
    typed = [
        (place, column, ColumnConverter(converters[column.type]))
        for place, column in own
        if wanted is None or column.name in wanted or column.is_key
    ]
    keys = [column.name for _, column, _ in typed if column.is_key]
    spare = [(place, column.name) for place, column in layout.new if rules.schema_drift == "extra"]
    spare += [(place, column_number(place)) for place in layout.unnamed]
    kept = [(place, name, ColumnConverter(str)) for place, name in spare]
    identity.begin(table, layout)
    before = counts.received
    for batch, row_numbers in _Sieve(table, layout, rules, counts, reject).batches():
        cells = list(zip(*batch.rows, strict=True))
        columns = {column.name: converter.convert(cells[place]) for place, column, converter in typed}
        refusing = [(column, converter, cells[place]) for place, column, converter in typed if converter.refused]
        unparsed = _unparsed(refusing, batch.lines, table.name, rules.bad_cells, counts)
        for name in keys:
            if None in columns[name]:
                columns[name] = [EMPTY_KEY if value is None else value for value in columns[name]]
        row_hashes, row_ordinals = identity.of(cells, columns, batch.lines)
        counts.rows += len(batch.rows)
        yield RowBatch(
            row_numbers=row_numbers,
            columns=columns,
            extra=_extra(kept, cells, len(batch.rows)),
            unparsed=unparsed,
            row_hashes=row_hashes,
            row_ordinals=row_ordinals,
        )
    identity.end()
    counts.blank += table.tally.blank
    if counts.received - before != table.tally.rows:
        raise RowError(
            f"{table.tally.rows:,} rows were read and {counts.received - before:,} accounted for, a fault of the tap"
        )


class _Sieve:
    """Tells a table's rows from what else stands among them.

    Args: as those of `read_rows`.
    """

    def __init__(
        self,
        table: Table,
        layout: Layout,
        rules: RowRules,
        counts: RowCounts,
        reject: Callable[[RejectedRow], None],
    ) -> None:
        self._table = table
        self._width = layout.width
        self._fills_down = layout.fills_down
        self._is_noted = len(layout.placed) >= NOTE_WIDTH
        self._rules = rules
        self._counts = counts
        self._reject = reject
        self._above: Sequence[str] | None = [""] * layout.width
        """The last row, which fills the next ones; `None` behind one that cannot be read."""
        self._headers = {text.strip(PADDING) for row in (table.header, *table.header_rows) for text in row} - {""}
        heads = "|".join(re.escape(row[0]) for row in table.header_rows if row and row[0].strip(PADDING))
        self._odd = re.compile(
            rf"^[{PADDING}]*(?:$|{_TOTAL}{'|' if heads else ''}{heads})", re.IGNORECASE | re.MULTILINE
        )
        self._filled = [1] if len(layout.placed) >= NOTE_WIDTH else []
        self._filled += layout.fills_down[:1]
        """Places of cells that are hardly ever blank, beside the first."""

    def batches(self) -> Iterator[tuple[Batch, Sequence[int]]]:
        """The batches of rows that fit the header, filled down, and the rows' numbers."""
        first = self._counts.received + 1
        for batch in self._table.batches:
            numbers = range(first, first + len(batch.rows))
            first = numbers.stop
            suspects = self._suspects(batch.rows)
            if suspects:
                passed = self._passed(batch, suspects)
                rows, lines = [batch.rows[index] for index in passed], [batch.lines[index] for index in passed]
                if rows:
                    yield Batch(rows=rows, lines=lines), [numbers[index] for index in passed]
            else:
                self._above = batch.rows[-1]
                yield batch, numbers

    def _suspects(self, rows: Sequence[Sequence[str]]) -> set[int]:
        """Indexes of rows that have to be looked at one by one; that there are none is told for all at once."""
        width = self._width
        if (
            set(map(len, rows)) == {width}
            and not self._odd.search("\n".join([row[0] for row in rows]))
            and all(all(map(str.strip, [row[place] for row in rows])) for place in self._filled)
        ):
            return set()
        return {
            index
            for index, row in enumerate(rows)
            if len(row) != width
            or self._odd.match(row[0])
            or not all(row[place].strip(PADDING) for place in self._filled)
        }

    def _passed(self, batch: Batch, suspects: Collection[int]) -> list[int]:
        """Indexes of the batch's rows of data; suspects are filled down."""
        passed = []
        for index, row in enumerate(batch.rows):
            if index in suspects:
                if self._is_dropped(row, batch.lines[index]):
                    continue
                cause = self._fault(row) or self._fill(row)
                if cause:
                    self._pass_over(row, batch.lines[index], cause)
                    continue
            self._above = row
            passed.append(index)
        return passed

    def _is_dropped(self, row: Sequence[str], line: int) -> bool:
        """Whether a row is one of totals, or the header again; counted if so."""
        first = next(filter(None, (text.strip(PADDING) for text in row)), "")
        if not (len(first) <= MAX_TOTAL and normalise(first) in TOTALS) and tuple(row) not in self._table.header_rows:
            if first in self._headers:
                self._refuse_another_table(row, line)
            return False
        self._counts.dropped += 1
        self._counts.dropped_lines += [line] if len(self._counts.dropped_lines) < MAX_TOLD else []
        return True

    def _refuse_another_table(self, row: Sequence[str], line: int) -> None:
        """Rows behind another header would come under the wrong names."""
        texts = [text for text in (cell.strip(PADDING) for cell in row) if text]
        if len(texts) > 1 and 2 * sum(text in self._headers for text in texts) >= len(texts):
            raise RowError(
                f"{place_of(self._table.name, line)} begins another table below the first ({listed(row)}); "
                "such a file cannot be read"
            )

    def _fault(self, row: Sequence[str]) -> str | None:
        """Why a row does not fit the header."""
        if len(row) != self._width:
            return f"has {len(row)} cells, the header {self._width}"
        texts = filter(None, (text.strip(PADDING) for text in row))
        if self._is_noted and next(texts, None) and next(texts, None) is None:
            return f"has a single cell ({shortened(''.join(row))!r}): a note, and no row"
        return None

    def _fill(self, row: list[str]) -> str | None:
        """Fill a row's blank cells from the row above where they say the same; why it cannot be done."""
        if not self._fills_down or row[self._fills_down[0]].strip(PADDING):
            return None
        if self._above is None:
            return "belongs to the row above it, which cannot be read"
        for place in self._fills_down:
            if not row[place].strip(PADDING):
                row[place] = self._above[place]
        return None

    def _pass_over(self, row: Sequence[str], line: int, cause: str) -> None:
        counts, rules, name = self._counts, self._rules, self._table.name
        if rules.bad_rows == "fail":
            raise RowError(f"{place_of(name, line)} {cause}")
        self._above = None
        counts.skipped += 1
        counts.skipped_lines += [line] if len(counts.skipped_lines) < MAX_TOLD else []
        if counts.skipped > rules.max_bad_rows:
            raise RowError(
                f"{place_of(name, line)} {cause}, which exceeds max_bad_rows ({rules.max_bad_rows}); "
                f"the first are on the lines {', '.join(map(str, counts.skipped_lines))}"
            )
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(row)
        self._reject(RejectedRow(table=name, line=line, cause=cause, text=text.getvalue()))


def _unparsed(
    refusing: Iterable[tuple[Column, ColumnConverter, Sequence[str]]],
    lines: Sequence[int],
    name: str | None,
    bad_cells: Literal["keep", "fail"],
    counts: RowCounts,
) -> list[dict[str, str] | None]:
    """What the converters of a batch refused, by row and column."""
    rows: list[dict[str, str] | None] = [None] * len(lines)
    for column, converter, cells in refusing:
        for index, text in enumerate(cells):
            if text not in converter.refused:
                continue
            if bad_cells == "fail" or column.is_key:
                type_ = (
                    f"no {column.type}" if column.type != "string" else "what a spreadsheet shows in place of a text"
                )
                raise RowError(
                    f"{place_of(name, lines[index])}, column {column.header.strip()!r}: {shortened(text)!r} is {type_}"
                )
            counts.bad_cells.setdefault(column.name, BadCells(first_line=lines[index])).count += 1
            _put(rows, index, column.name, text.strip(PADDING))
        converter.refused.clear()
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
