"""What a file consists of: sheets, their rows, and the tables found in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tap_flipkart_reports.files.converters import PADDING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BATCH_ROWS = 100
"""Larger batches leave the CPU's cache before their columns are converted."""

HEAD_ROWS = 300
"""Lines in which a header is looked for: the help text above it may take 50 lines and more."""


Checkpoint = Callable[[], None]
"""Called every few milliseconds while a file is read. If it raises, reading ends."""


def no_checkpoint() -> None:
    """A checkpoint that never ends the reading."""


def has_text(row: Sequence[str]) -> bool:
    """Whether a row has more than white space and characters that show nothing."""
    return any(text.strip(PADDING) for text in row)


class StoppedReadingError(Exception):
    """Raised by a checkpoint to end reading early; the file is not at fault."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Some consecutive rows of a table; blank ones are left out.

    Attributes:
        rows: the rows' cells.
        lines: the line of the file on which each row begins, from 1.
    """

    rows: list[list[str]]
    lines: list[int]


@dataclass(kw_only=True)
class RowTally:
    """Counts of a table's rows while it is read.

    Attributes:
        rows: rows in its batches.
        blank: rows without any text, which are left out.
    """

    rows: int = 0
    blank: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A header and its rows.

    Attributes:
        name: the name of the sheet or the archive's member; `None` for a bare file.
        header: the header's cells as in the file; where it has several rows, a column's cells are joined by ` / `.
        header_line: the line of the file on which the header begins, from 1.
        header_rows: the header's rows, unchanged.
        undecodable: bytes of the sheet that fit no encoding; each of them is U+FFFD in the rows.
        batches: the rows below the header. They can be read once, until the file is closed. Raises `FileError` at a
            row that is not CSV.
        batches_again: returns the same rows, to look through them before `batches` is read; they are not counted.
        column_texts: returns the cells of the column with an index, at a fraction of the cost of `batches_again`;
            raises `UnscannableError` if that is not possible.
        tally: counts the batches as they are read.
    """

    name: str | None
    header: tuple[str, ...]
    header_line: int
    batches: Iterator[Batch]
    batches_again: Callable[[], Iterator[Batch]]
    column_texts: Callable[[int], Iterator[list[str]]]
    header_rows: tuple[tuple[str, ...], ...] = ()
    undecodable: int = 0
    tally: RowTally = field(default_factory=RowTally)


@dataclass(frozen=True, kw_only=True)
class HeadRow:
    """A row near the beginning of a sheet, which may be its header.

    Attributes:
        cells: its cells.
        line: the line on which it begins, from 1.
        next_line: the line after it.
    """

    cells: tuple[str, ...]
    line: int
    next_line: int


class SheetReader(Protocol):
    """Splits a sheet into rows: a text file has one reader for each delimiter, a workbook's sheet has just one."""

    @property
    def form(self) -> str:
        """Format and encoding, in words."""

    @property
    def undecodable(self) -> int:
        """Bytes that fit no encoding; each of them is U+FFFD in the rows."""

    @property
    def head_lines(self) -> int:
        """How many lines `head_row` knows."""

    def head_row(self, line: int) -> HeadRow | None:
        """The row that begins on a line; `None` if it is blank or no row begins there.

        Args:
            line: from 1.

        Raises:
            FileError: it cannot be read.
        """

    def column_texts(self, first_line: int, index: int) -> Iterator[list[str]]:
        """The cells of one column from a line on; see `Table`."""

    def release(self) -> None:
        """Free the memory that holds the sheet's beginning; it is read again when it is needed."""

    def batches(self, first_line: int, tally: RowTally) -> Iterator[Batch]:
        """The rows from a line on.

        Args:
            first_line: the line, from 1.
            tally: counts them as they are read.

        Raises:
            FileError: at a row that cannot be read.
        """


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A text file or a sheet of a workbook, which may hold a table.

    Attributes:
        name: the name of the sheet, or of the archive's member without its ending; `None` for a bare file.
        title: its name for people, with the archive's member it is in; `None` for a bare file.
        readers: the ways to split it into rows.
    """

    name: str | None
    title: str | None
    readers: Sequence[SheetReader]
