"""What a file is taken apart into: sheets, the rows of each, and the tables made of them."""

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
"""Lines in which a header is looked for: the help above it takes 50 and more."""


Checkpoint = Callable[[], None]
"""Called every few milliseconds of reading; what it raises ends the reading."""


def go_on() -> None:
    """The checkpoint of those who read to the end."""


def has_text(row: Sequence[str]) -> bool:
    """Whether a row has more than white space and characters that show nothing."""
    return any(text.strip(PADDING) for text in row)


class StoppedReadingError(Exception):
    """A checkpoint's way to end a reading that is not wanted any more; not an error of the file."""


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
    """What the reading of a table has come to so far.

    Attributes:
        rows: rows in its batches.
        blank: rows without any text, left out.
    """

    rows: int = 0
    blank: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A header and its rows.

    Attributes:
        name: the name of the sheet or the archive's member; `None` for a bare file.
        header: the header's cells as the file has them; where it has several rows, those of a column joined by ` / `.
        header_line: the line of the file on which the header begins, from 1.
        header_rows: the header's rows as they are.
        undecodable: bytes of the sheet that fit no encoding, each of which is U+FFFD in the rows.
        batches: the rows behind the header, to be read once and before the file is closed. Raises `FileError` at a
            row that is not CSV.
        batches_again: the same rows, for those who have to know all of them before `batches` is begun; not counted.
        column_texts: the cells of the column with an index, if they can be had for much less than `batches_again`;
            raises `UnscannableError` at the first of them otherwise.
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
        next_line: the line behind it.
    """

    cells: tuple[str, ...]
    line: int
    next_line: int


class Reading(Protocol):
    """One way to take a sheet for rows: a text has one for each delimiter, a workbook's sheet has just one."""

    @property
    def form(self) -> str:
        """What the sheet is, in words."""

    @property
    def undecodable(self) -> int:
        """Bytes that fit no encoding, each of which is U+FFFD in the rows."""

    @property
    def head_lines(self) -> int:
        """How many lines `head_row` knows."""

    def head_row(self, line: int) -> HeadRow | None:
        """The row that begins on a line; `None` if it is blank or none.

        Args:
            line: from 1.

        Raises:
            FileError: it cannot be read.
        """

    def column_texts(self, first_line: int, index: int) -> Iterator[list[str]]:
        """The cells of one column from a line on; see `Table`."""

    def release(self) -> None:
        """Give up what is held in memory of the sheet's beginning; it is read again when it is asked for."""

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
    """A grid of text with a table in it, perhaps: a text file or a sheet of a workbook.

    Attributes:
        name: the name of the sheet, or of the archive's member without its ending; `None` for a bare file.
        title: its name for people, with the archive's member it is in; `None` for a bare file.
        readings: the ways to take it for rows.
    """

    name: str | None
    title: str | None
    readings: Sequence[Reading]
