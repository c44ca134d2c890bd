"""How a report's tables are laid out: titles, columns, and headers of one to three rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_flipkart_reports.simulator.business.views import View

    Row = dict[str, str]

LONGEST_SHEET_NAME = 31
"""Characters; Excel's limit."""

_GROUP = " / "


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a report.

    Attributes:
        title: its name.
        header: its columns, each by a name of its own.
        make: its rows; columns that a row does not name are empty.
        paths: the cells of the header of each column, from top to bottom, where it takes more than one row.
        blanks: columns before which there is a blank one where the header is printed in all its rows.
    """

    title: str
    header: Sequence[str]
    make: Callable[[View], Iterator[Row]]
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blanks: frozenset[str] = frozenset()

    @property
    def sheet(self) -> str:
        """Its sheet's name in a workbook."""
        return self.title.split(" (")[0][:LONGEST_SHEET_NAME]

    def path(self, name: str) -> tuple[str, ...]:
        """The header cells of a column, from top to bottom; a cell left empty is one with the cell above."""
        path = self.paths.get(name, (name,))
        return (*path, *[""] * (self.header_rows - len(path)))

    @property
    def header_rows(self) -> int:
        """Rows that the header takes."""
        return max(map(len, self.paths.values()), default=1)

    def rows(self, view: View) -> Iterator[Row]:
        """Its rows, every column filled in.

        Raises:
            KeyError: a row names a column that the header does not have.
        """
        names = frozenset(self.header)
        empty = dict.fromkeys(self.header, "")
        for values in self.make(view):
            if not values.keys() <= names:
                raise KeyError(f"{self.title} has no columns {sorted(values.keys() - names)}")
            yield {**empty, **values}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The file of a report.

    Attributes:
        tables: its tables in the order of a workbook's sheets.
        first: title of the table that a CSV has.
        front: titles of the sheets before the tables that hold none.
        back: titles of such sheets behind the tables.
        other: tables of another layout that the same report comes in, too.
        years: tables that are laid out otherwise in another year, by that year.
        numbers_are_text: whether a workbook has its numbers as text.
        has_comments: whether a workbook's headers carry comments.
        hides_breakups: whether a workbook hides the columns of each breakup.
        first_sheet: number of the workbook's part that holds the first sheet.
    """

    tables: tuple[Table, ...]
    first: str = ""
    front: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    other: tuple[Table, ...] = ()
    years: Mapping[str, tuple[Table, ...]] = field(default_factory=dict)
    numbers_are_text: bool = False
    has_comments: bool = False
    hides_breakups: bool = False
    first_sheet: int = 1

    def in_year(self, year: str) -> Layout:
        """The same file as it is laid out in a year; a table without a layout of that year is unchanged."""
        older = {table.title: table for table in self.years.get(year, ())}
        return replace(self, tables=tuple(older.get(table.title, table) for table in self.tables))

    def table(self, title: str | None = None) -> Table:
        """A table by its title, by default the first.

        Raises:
            KeyError: there is none.
        """
        title = title or self.first or self.tables[0].title
        for table in (*self.tables, *self.other):
            if table.title == title:
                return table
        raise KeyError(f"there is no table {title!r}; there are {', '.join(table.title for table in self.tables)}")


def with_columns(
    header: Sequence[str], make: Callable[[View], Iterator[Row]], *, names: Mapping[str, str] | None = None
) -> Callable[[View], Iterator[Row]]:
    """Rows with the columns of one layout, of rows that have those of all.

    Args:
        header: the layout's columns.
        make: makes the rows.
        names: what `make` calls a column that the layout calls otherwise.
    """
    sources = {name: (names or {}).get(name, name) for name in header}

    def rows(view: View) -> Iterator[Row]:
        for row in make(view):
            yield {name: row[source] for name, source in sources.items() if source in row}

    return rows


def grouped_by_name(header: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Header cells of columns named `group / name`; the second of two equal names is printed like the first."""
    return {
        name: tuple(name.split(_GROUP, 1)) if _GROUP in name else (re.sub(r" \(second\)$", "", name), "")
        for name in header
    }


def grouped_from(header: Sequence[str], starts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Header cells of columns in groups.

    Args:
        header: the columns.
        starts: a group's title by its first column.
    """
    paths: dict[str, tuple[str, ...]] = {}
    group = ""
    for name in header:
        group = starts.get(name, group)
        paths[name] = (group, name)
    return paths
