"""A table's rows of text turned into typed columns.

Rows are converted column by column, a batch at a time: that is several times as fast as row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files.columns import MAX_KEY_LETTERS
from tap_flipkart_reports.files.converters import (
    CONVERTERS,
    PADDING,
    ColumnConverter,
    clean,
    clean_id,
    date_converter,
    is_id,
)
from tap_flipkart_reports.files.dates import named_order, order_of
from tap_flipkart_reports.files.header_match import Layout, numbered_name
from tap_flipkart_reports.files.header_words import listed, shortened
from tap_flipkart_reports.files.row_filter import BadCells, RejectedRow, RowCounts, RowFilter, line_in_words
from tap_flipkart_reports.files.row_keys import EMPTY_KEY, RowIdentity, shortened_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.files.converters import Converters
    from tap_flipkart_reports.files.dates import DayOrder
    from tap_flipkart_reports.files.row_rules import RowRules
    from tap_flipkart_reports.files.sheets import Batch, Table


_WITH_ARTICLE = {"integer": "an integer", "number": "a number", "date": "a date", "date-time": "a date-time"}


@dataclass(frozen=True, kw_only=True)
class RowBatch:
    """Some rows of a table, typed. All lists are as long as the batch has rows.

    Attributes:
        row_numbers: each row's number in the file, from 1: rows that were skipped count, blank ones do not.
        columns: values by column name, of the selected columns that the file has.
        extra: cells without a column, by name; `None` for rows without such cells.
        unparsed: trimmed text of cells that do not fit their column's type, by column; `None` for rows without any.
        row_hashes: equal for rows with equal cells, in any order of the columns; `None` for rows with a natural key.
        row_ordinals: distinguish rows with the same hash or natural key; see `RowIdentity`.
        is_provisional: whether a row's payout is still to be made; `None` where the table has no payouts.
    """

    row_numbers: Sequence[int]
    columns: dict[str, Sequence[Any]]
    extra: list[dict[str, str] | None]
    unparsed: list[dict[str, str] | None]
    row_hashes: list[str] | None
    row_ordinals: list[int]
    is_provisional: list[bool] | None = None

    @property
    def first_row_number(self) -> int:
        """The first row's number in the file."""
        return self.row_numbers[0]

    @property
    def count(self) -> int:
        """How many rows the batch has."""
        return len(self.row_numbers)


def read_rows(  # noqa: PLR0913 - the table, the rules, and three outputs
    table: Table,
    layout: Layout,
    *,
    selected: Collection[str] | None,
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
        selected: names of the columns to convert, or `None` for all; key columns are always converted.
        rules: what to do with rows and cells that do not fit.
        identity: the identity of the report's rows.
        counts: the counts to which rows are added as they are read.
        reject: called with each row that is skipped.
        converters: `CONVERTERS`, or `JSON_CONVERTERS` for values that are only written.

    Raises:
        RowError: the rules do not allow a row, a cell or the header; the message names the line.
        FileError: the rest of the file cannot be read.
    """
    reader = _TableReader(table, layout, selected=selected, rules=rules, counts=counts, converters=converters)
    return reader.batches(identity, reject)


class _TableReader:
    """Reads one table; the columns are determined once, for all batches."""

    def __init__(  # noqa: PLR0913 - as `read_rows`
        self,
        table: Table,
        layout: Layout,
        *,
        selected: Collection[str] | None,
        rules: RowRules,
        counts: RowCounts,
        converters: Converters,
    ) -> None:
        self._table = table
        self._layout = layout
        self._rules = rules
        self._counts = counts
        own = (*layout.placed, *layout.new) if rules.schema_drift == "evolve" else layout.placed
        self._typed = [
            (position, column, self._converter(position, column, converters))
            for position, column in own
            if selected is None or column.name in selected or column.is_key or column.provisional
        ]
        self._provisional = [column for _, column, _ in self._typed if column.provisional][:1]
        self._keys = [column.name for _, column, _ in self._typed if column.is_key]
        self._texts_of_keys = [column.name for _, column, _ in self._typed if column.is_key and column.type == "string"]
        spare = [(position, column.name) for position, column in layout.new if rules.schema_drift == "extra"]
        spare += [(position, numbered_name(position)) for position in layout.unnamed]
        self._kept = [(position, name, ColumnConverter(str)) for position, name in spare]

    def _converter(self, position: int, column: Column, converters: Converters) -> ColumnConverter:
        if column.type in {"date", "date-time"}:
            return ColumnConverter(date_converter(column.type, lambda: self._order_of_days(position)))
        return ColumnConverter(converters[column.type], clean=clean_id if is_id(column) else clean)

    def _order_of_days(self, position: int) -> DayOrder | None:
        """The order of day and month in a column, from all of its cells, or else from its header."""
        width = self._layout.width
        cells = (row[position] for batch in self._table.batches_again() for row in batch.rows if len(row) == width)
        return order_of(filter(None, map(clean, cells))) or named_order(self._table.header[position])

    def batches(self, identity: RowIdentity, reject: Callable[[RejectedRow], None]) -> Iterator[RowBatch]:
        """The rows; see `read_rows`."""
        if self._rules.schema_drift == "fail" and self._layout.new:
            raise RowError(f"the file has new columns: {listed([column.header for _, column in self._layout.new])}")
        identity.begin(self._table, self._layout)
        received_before = self._counts.received
        row_filter = RowFilter(self._table, self._layout, rules=self._rules, counts=self._counts, reject=reject)
        for batch, row_numbers in row_filter.batches(self._table.batches):
            yield self._typed_batch(batch, row_numbers, identity)
        self._counts.blank += self._table.tally.blank
        self._check_accounts(self._counts.received - received_before)

    def _typed_batch(self, batch: Batch, row_numbers: Sequence[int], identity: RowIdentity) -> RowBatch:
        cells = list(zip(*batch.rows, strict=True))
        columns = {column.name: converter.convert(cells[position]) for position, column, converter in self._typed}
        unparsed = self._unparsed(cells, batch.lines)
        is_provisional = [
            value is None or value.upper() in column.provisional
            for column in self._provisional
            for value in columns[column.name]
        ]
        for name in self._keys:
            if None in columns[name]:
                columns[name] = [EMPTY_KEY if value is None else value for value in columns[name]]
        for name in self._texts_of_keys:
            if max(map(len, columns[name])) > MAX_KEY_LETTERS:
                columns[name] = _shortened(name, columns[name], unparsed)
        for name in self._layout.absent_keys:
            columns[name] = [EMPTY_KEY] * len(batch.rows)
        row_hashes, row_ordinals = identity.identify(cells)
        self._counts.rows += len(batch.rows)
        return RowBatch(
            row_numbers=row_numbers,
            columns=columns,
            extra=self._extra(cells, len(batch.rows)),
            unparsed=unparsed,
            row_hashes=row_hashes,
            row_ordinals=row_ordinals,
            is_provisional=is_provisional if self._provisional else None,
        )

    def _unparsed(self, cells: Sequence[Sequence[str]], lines: Sequence[int]) -> list[dict[str, str] | None]:
        """The cells of a batch that the converters refused, by row and column."""
        rows: list[dict[str, str] | None] = [None] * len(lines)
        for position, column, converter in self._typed:
            if not converter.refused:
                continue
            for index, text in enumerate(cells[position]):
                if text in converter.refused:
                    self._refuse(column, text, lines[index])
                    _put(rows, index, column.name, text.strip(PADDING))
            converter.refused.clear()
        return rows

    def _refuse(self, column: Column, text: str, line: int) -> None:
        """Count a cell that does not fit its column's type, or end the reading."""
        if self._rules.bad_cells == "fail" or column.is_key:
            kind = (
                f"not {_WITH_ARTICLE[column.type]}"
                if column.type != "string"
                else "what a spreadsheet shows in place of a text"
            )
            cell = f"{line_in_words(self._table.name, line)}, column {shortened(column.header)!r}"
            raise RowError(f"{cell}: {shortened(text)!r} is {kind}")
        self._counts.bad_cells.setdefault(column.name, BadCells(first_line=line)).count += 1

    def _extra(self, cells: Sequence[Sequence[str]], count: int) -> list[dict[str, str] | None]:
        """Cells without a column, by row and name."""
        rows: list[dict[str, str] | None] = [None] * count
        for position, name, converter in self._kept:
            for index, text in enumerate(converter.convert(cells[position])):
                if text is not None:
                    _put(rows, index, name, text)
        return rows

    def _check_accounts(self, accounted: int) -> None:
        read = self._table.tally.rows
        if accounted != read:
            raise RowError(f"{read:,} rows were read and {accounted:,} accounted for: this is a defect of the tap")


def _shortened(name: str, keys: Sequence[str], rows: list[dict[str, str] | None]) -> list[str]:
    """A key column with shortened texts; the full texts are kept with the unparsed cells."""
    for index, text in enumerate(keys):
        if len(text) > MAX_KEY_LETTERS:
            _put(rows, index, name, text)
    return [shortened_key(text) for text in keys]


def _put(rows: list[dict[str, str] | None], index: int, name: str, text: str) -> None:
    row = rows[index]
    if row is None:
        row = rows[index] = {}
    row[name] = text
