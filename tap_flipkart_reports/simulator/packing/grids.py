"""Tables as header rows and cells of a file, with faults."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.simulator.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from tap_flipkart_reports.simulator.business.layouts import Layout, Row, Table
    from tap_flipkart_reports.simulator.business.views import View

    FaultsOfReport = Mapping[str, Mapping[str, Any]]

BLANK_AFTER = 10
PAYOUT_COLUMNS = frozenset({"neft id", "payment date"})

AMOUNT = re.compile(r"-?\d[\d,]*(\.\d+)?")

_TEXT_COLUMN = re.compile(r"(\b|_)(ids?|sku|fsn|hsn|gstin|irn|imei|pincode|title)(\b|_)|number$", re.IGNORECASE)


def holds_text(name: str) -> bool:
    """Whether a column's cells are text even if they look like numbers."""
    return _TEXT_COLUMN.search(name) is not None


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a file.

    Attributes:
        name: what it is called where a header has one row.
        path: its header's cells from top to bottom, where a header has more.
    """

    name: str
    path: tuple[str, ...]

    def renamed(self, name: str) -> Column:
        """The same column under another name."""
        last = max((index for index, cell in enumerate(self.path) if cell), default=0)
        return Column(name=name, path=(*self.path[:last], name, *self.path[last + 1 :]))


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of a file.

    Attributes:
        columns: its columns.
        rows: its cells, to be read once.
    """

    columns: Sequence[Column]
    rows: Iterator[Sequence[str]]

    @property
    def names(self) -> list[str]:
        """Its header in one row."""
        return [column.name for column in self.columns]

    @property
    def header(self) -> list[list[str]]:
        """The rows of its header; each group is named once, above its first column."""
        rows = [list(cells) for cells in zip(*(column.path for column in self.columns), strict=True)]
        for row, first, last in self.groups():
            rows[row][first + 1 : last + 1] = [""] * (last - first)
        return rows

    def groups(self) -> Iterator[tuple[int, int, int]]:
        """Groups of columns: the header's row, the first and the last column, from 0."""
        paths = [column.path for column in self.columns]
        for row in range(len(paths[0]) - 1):

            def title(index: int, row: int = row) -> object:
                return paths[index][: row + 1] if any(paths[index][row + 1 :]) else index

            for _, members in groupby(range(len(paths)), key=title):
                first, *others = members
                if others and paths[first][row]:
                    yield row, first, others[-1]

    def tall_cells(self) -> Iterator[tuple[int, int, int]]:
        """Header cells that reach down to the header's end: the column, the first and the last row, from 0."""
        for index, column in enumerate(self.columns):
            used = [row for row, cell in enumerate(column.path) if cell]
            if used and used[-1] < len(column.path) - 1:
                yield index, used[-1], len(column.path) - 1


def faults_of(table: Table, layout: Layout, faults: FaultsOfReport) -> FaultsOfReport:
    """The faults of one table; faults that name no table are those of the first.

    Raises:
        KeyError: a fault names a table that there is not.
    """
    return {
        name: arguments
        for name, arguments in faults.items()
        if "table" not in FAULTS[name].members or layout.table(arguments.get("table")) is table
    }


def grid_of(table: Table, view: View, faults: FaultsOfReport, *, has_blanks: bool = False) -> Grid:
    """A table with faults in its columns, rows and cells.

    Args:
        table: the table.
        view: what the report sees.
        faults: what is wrong with this table, with arguments.
        has_blanks: whether the blank columns of its layout are between the others.

    Raises:
        LookupError: a fault names a column that the table does not have.
    """
    columns = _columns(table, faults, blanks=table.blanks if has_blanks else frozenset())
    rows = _rows(table.rows(view), faults)
    if "extra_column" in faults:
        header = str(faults["extra_column"]["header"])
        columns.append(Column(name=header, path=(header, *[""] * (table.header_rows - 1))))
        rows = ({**row, header: f"extra {number}"} for number, row in enumerate(rows, 1))
    names = [column.name for column in columns]
    if "" in names:
        rows = ({**row, "": ""} for row in rows)
    cells = _cells(map(itemgetter(*names), rows), names, table, faults)
    if "renamed_column" in faults:
        index = _index(names, faults["renamed_column"]["header"], table)
        columns[index] = columns[index].renamed(faults["renamed_column"]["to"])
    return Grid(columns=columns, rows=cells)


def _columns(table: Table, faults: FaultsOfReport, *, blanks: Collection[str]) -> list[Column]:
    blank = Column(name="", path=("",) * table.header_rows)
    columns = [Column(name=name, path=table.path(name)) for name in table.header]
    if "missing_column" in faults:
        del columns[_index(table.header, faults["missing_column"]["header"], table)]
    if "shuffled_columns" in faults:
        random.Random(len(columns)).shuffle(columns)
    columns = [part for column in columns for part in ([blank, column] if column.name in blanks else [column])]
    if "blank_columns" in faults:
        after = max(1, faults["blank_columns"].get("after", BLANK_AFTER))
        for place in range(len(columns) // after * after, 0, -after):
            columns.insert(place, blank)
    return columns


def _index(names: Sequence[str], name: str, table: Table) -> int:
    if name not in names:
        raise LookupError(f"the fault script names the column {name!r}, which {table.title} does not have")
    return names.index(name)


def _rows(rows: Iterator[Row], faults: FaultsOfReport) -> Iterator[Row]:
    if "header_only" in faults:
        return iter(())
    if "payout_once" in faults:
        rows = _payout_once(rows)
    if "duplicate_rows" in faults:
        rows = (row for row in rows for _ in range(2))
    return rows


def _payout_once(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows payout by payout, those after the first of each without its id and date."""

    def payout(row: Row) -> Row:
        return {name: cell for name, cell in row.items() if name.strip().lower() in PAYOUT_COLUMNS}

    before: Row = {}
    for row in sorted(rows, key=lambda row: [*payout(row).values()]):
        here = payout(row)
        yield {**row, **dict.fromkeys(here, "")} if here == before else row
        before = here


def _cells(
    rows: Iterator[Sequence[str]], names: Sequence[str], table: Table, faults: FaultsOfReport
) -> Iterator[Sequence[str]]:
    if "bad_cell" in faults:
        bad = faults["bad_cell"]
        index = _index(names, bad["header"], table)
        rows = _nth(rows, bad.get("row", 1), lambda row: [*row[:index], bad["text"], *row[index + 1 :]])
    if "total_row" in faults:
        rows = _with_total(rows, names)
    if "ragged_row" in faults:
        cells = faults["ragged_row"].get("cells", 1)
        rows = _nth(rows, faults["ragged_row"].get("row", 1), lambda row: [*row, *["surplus"] * cells][:cells])
    if "blank_lines" in faults:
        rows = _with_blanks(rows, len(names))
    return rows


def _nth(
    rows: Iterator[Sequence[str]], number: int, spoilt: Callable[[Sequence[str]], Sequence[str]]
) -> Iterator[Sequence[str]]:
    return (spoilt(row) if here == number else row for here, row in enumerate(rows, 1))


def _with_total(rows: Iterator[Sequence[str]], names: Sequence[str]) -> Iterator[Sequence[str]]:
    totals: dict[int, Decimal] = {}
    summed = [index for index, name in enumerate(names) if index and not holds_text(name)]
    for row in rows:
        for index in summed:
            if AMOUNT.fullmatch(row[index]):
                totals[index] = totals.get(index, Decimal(0)) + Decimal(row[index].replace(",", ""))
        yield row
    yield ["Total", *(str(totals.get(index, "")) for index in range(1, len(names)))]


def _with_blanks(rows: Iterator[Sequence[str]], width: int) -> Iterator[Sequence[str]]:
    for number, row in enumerate(rows):
        if number % 3 == 0:
            yield [""] * width
        yield row
