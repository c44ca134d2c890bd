"""Rows of data, separated from others below a header: totals, repeated headers, notes, rows that do not fit."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import RowError
from tap_flipkart_reports.files.converters import PADDING
from tap_flipkart_reports.files.header_words import MAX_HEADER, MAX_LISTED, listed, shortened, words_without_units
from tap_flipkart_reports.files.sheets import Batch, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from tap_flipkart_reports.files.header_match import Layout
    from tap_flipkart_reports.files.row_rules import RowRules

TOTALS = frozenset({
    *("total", "totals", "grandtotal", "subtotal", "subtotals", "nettotal", "overalltotal", "pagetotal"),
    *("totalamount", "totalvalue"),
})  # fmt: skip
"""First words of rows of totals, without units."""

MAX_TOTAL = 20
"""Characters of such a cell; a longer one is not a total."""

_TOTAL = r"(?:grand|sub|net|overall|page)?\W*total"
"""The beginning of such a cell."""

_LETTER = re.compile(r"[^\W\d_]")

LOOK = 40
"""Characters of each first cell that are searched, over all rows at once; long cells must not make this slow."""

NOTE_WIDTH = 6
"""From so many named columns on, a row with a single cell is a note and not a row of the table."""


@dataclass(frozen=True, kw_only=True)
class RejectedRow:
    """A row that was skipped.

    Attributes:
        table: the table's name, `None` for a bare file.
        line: the line of the file on which it begins, from 1.
        cause: the cause, as the end of a sentence that begins with the line.
        text: its cells, as one row of CSV.
    """

    table: str | None
    line: int
    cause: str
    text: str


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
    """Counts of the rows of a report's tables so far; each row is in exactly one of the first three counts.

    Attributes:
        rows: rows that were read.
        skipped: rows that were skipped because they do not fit the header.
        dropped: rows of totals and repeated headers.
        blank: rows without any text; no other count includes them.
        skipped_lines: the lines of the file on which the first of the skipped rows begin.
        dropped_lines: the lines of the first dropped rows.
        bad_cells: cells that do not fit, by column name.
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
        """All rows of the tables, except blank ones."""
        return self.rows + self.skipped + self.dropped


def line_in_words(name: str | None, line: int) -> str:
    """A line of a table, in words."""
    return f"line {line}" if name is None else f"{name}, line {line}"


class RowFilter:
    """Separates a table's rows of data from other rows, and fills blank cells from the row above.

    All rows are added to `counts`; each row that is skipped goes to `reject`.
    """

    def __init__(
        self,
        table: Table,
        layout: Layout,
        *,
        rules: RowRules,
        counts: RowCounts,
        reject: Callable[[RejectedRow], None],
    ) -> None:
        self._name = table.name
        self._width = layout.width
        self._fills_down = layout.fills_down
        self._is_wide = len(layout.placed) >= NOTE_WIDTH
        self._rules = rules
        self._counts = counts
        self._reject = reject
        self._above: Sequence[str] | None = [""] * layout.width
        """The last row, which fills the next ones; `None` after one that cannot be read."""
        self._header_rows = {_plain(row) for row in table.header_rows}
        self._names = {_said(text) for row in (table.header, *table.header_rows) for text in row} - {""}
        firsts = "".join("|" + _spelt_anyhow(row[0]) for row in table.header_rows if row and row[0].strip(PADDING))
        self._suspicious = re.compile(rf"^[{PADDING}]*(?:$|{_TOTAL}{firsts})", re.IGNORECASE | re.MULTILINE)
        self._filled = [1] if self._is_wide else []
        self._filled += layout.fills_down[:1]
        """Positions of cells that are hardly ever blank, besides the first."""

    def batches(self, batches: Iterator[Batch]) -> Iterator[tuple[Batch, Sequence[int]]]:
        """The rows of batches that fit the header, filled down, and the rows' numbers in the file.

        Raises:
            RowError: a row does not fit and `rules` do not allow it, or begins another table.
        """
        first = self._counts.received + 1
        for batch in batches:
            numbers = range(first, first + len(batch.rows))
            first = numbers.stop
            suspects = self._suspects(batch.rows)
            if suspects:
                kept = self._rows_of_data(batch, suspects)
                rows, lines = [batch.rows[index] for index in kept], [batch.lines[index] for index in kept]
                if rows:
                    yield Batch(rows=rows, lines=lines), [numbers[index] for index in kept]
            else:
                self._above = batch.rows[-1]
                yield batch, numbers

    def _suspects(self, rows: Sequence[Sequence[str]]) -> set[int]:
        """Indexes of rows that must be checked one by one; usually none, which one check of the whole batch shows."""
        width = self._width
        if (
            set(map(len, rows)) == {width}
            and not self._suspicious.search("\n".join([row[0][:LOOK] for row in rows]))
            and all(_are_filled([row[position] for row in rows]) for position in self._filled)
        ):
            return set()
        return {
            index
            for index, row in enumerate(rows)
            if len(row) != width
            or self._suspicious.match(row[0][:LOOK])
            or not all(row[position].strip(PADDING) for position in self._filled)
        }

    def _rows_of_data(self, batch: Batch, suspects: Collection[int]) -> list[int]:
        """Indexes of the batch's rows of data; suspects are filled down."""
        kept = []
        for index, row in enumerate(batch.rows):
            if index in suspects:
                if self._is_dropped(row, batch.lines[index]):
                    continue
                cause = self._fault(row) or self._fill(row)
                if cause:
                    self._skip(row, batch.lines[index], cause)
                    continue
            self._above = row
            kept.append(index)
        return kept

    def _is_dropped(self, row: Sequence[str], line: int) -> bool:
        """Whether a row is a row of totals or the header again; such rows are counted."""
        first = next(filter(None, (text.strip(PADDING) for text in row)), "")
        if not (is_total(row[0].strip(PADDING)) or self._is_total_behind_sums(row)):
            if len(first) > MAX_HEADER or _said(first) not in self._names:
                return False
            if _plain(row) not in self._header_rows:
                self._refuse_another_table(row, line)
                return False
        self._counts.dropped += 1
        self._counts.dropped_lines += [line] if len(self._counts.dropped_lines) < MAX_LISTED else []
        return True

    @staticmethod
    def _is_total_behind_sums(row: Sequence[str]) -> bool:
        """Whether a row without a key has no other word than that of a total; beside others it may name a product."""
        worded = [text for text in row if _LETTER.search(text)]
        return not row[0].strip(PADDING) and len(worded) == 1 and is_total(worded[0].strip(PADDING))

    def _refuse_another_table(self, row: Sequence[str], line: int) -> None:
        """Refuse a row that is the header of another table: the rows below it would get the wrong names."""
        texts = [text for text in map(_said, row) if text]
        if len(texts) > 1 and 2 * sum(text in self._names for text in texts) >= len(texts):
            raise RowError(
                f"{line_in_words(self._name, line)} begins another table below the first ({listed(row)}); "
                "such a file cannot be read"
            )

    def _fault(self, row: Sequence[str]) -> str | None:
        """Why a row does not fit the header; `None` if it does."""
        if len(row) != self._width:
            return f"has {len(row)} cell{'s' * (len(row) > 1)}, the header {self._width}"
        texts = filter(None, (text.strip(PADDING) for text in row))
        if self._is_wide and next(texts, None) and next(texts, None) is None:
            return f"has a single cell ({shortened(''.join(row))!r}): a note, not a row"
        return None

    def _fill(self, row: list[str]) -> str | None:
        """Fill a row's blank cells from the row above. Returns the cause if that is not possible."""
        if not self._fills_down or row[self._fills_down[0]].strip(PADDING):
            return None
        if self._above is None:
            return "belongs to the row above it, which cannot be read"
        for position in self._fills_down:
            if not row[position].strip(PADDING):
                row[position] = self._above[position]
        return None

    def _skip(self, row: Sequence[str], line: int, cause: str) -> None:
        counts, rules = self._counts, self._rules
        if rules.bad_rows == "fail":
            raise RowError(
                f"{line_in_words(self._name, line)} {cause}; bad_rows: skip leaves such rows out and keeps them aside"
            )
        self._above = None
        counts.skipped += 1
        counts.skipped_lines += [line] if len(counts.skipped_lines) < MAX_LISTED else []
        if counts.skipped > rules.max_bad_rows:
            raise RowError(
                f"{line_in_words(self._name, line)} {cause}, which exceeds max_bad_rows ({rules.max_bad_rows}); "
                f"the first are on the lines {', '.join(map(str, counts.skipped_lines))}"
            )
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(row)
        self._reject(RejectedRow(table=self._name, line=line, cause=cause, text=text.getvalue()))


def _are_filled(cells: Sequence[str]) -> bool:
    if not all(map(str.strip, cells)):
        return False
    return "".join(cells).isascii() or all(cell.strip(PADDING) for cell in cells)  # the first test is much faster


def is_total(text: str) -> bool:
    """Whether a row whose first words these are is a row of totals."""
    return len(text) <= MAX_TOTAL and "".join(words_without_units(text)) in TOTALS


def _said(text: str) -> str:
    """What a header's text says in any spelling, without units."""
    return "".join(words_without_units(text)) or text.strip(PADDING).casefold()


def _spelt_anyhow(text: str) -> str:
    """A pattern for the beginning of a header's text, in which only letters and digits matter."""
    text = text.strip(PADDING)[:LOOK]
    return r"[\W_]*" + (r"[\W_]*".join(re.findall(r"[^\W_]+", text)) or re.escape(text))


def _plain(row: Sequence[str]) -> tuple[str, ...]:
    """A row in the form in which it is compared with a header: without blank cells after the last text."""
    texts = list(map(_said, row))
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)
