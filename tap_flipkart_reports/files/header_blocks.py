"""Finds the rows at the beginning of a sheet that may be a header."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.converters import CONVERTERS, PADDING, clean
from tap_flipkart_reports.files.header_words import JOINT, MAX_HEADER, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_flipkart_reports.files.sheets import HeadRow, Sheet, SheetReader

HEADER_ROWS = 3
"""Rows a header may have: group, name and sub-name."""

MAX_COLUMNS = 2**14
"""Cells of a row; Excel's own limit, and more than any table has."""

MAX_HEAD_CELLS = 2**18
"""Cells at the beginning of a sheet that are searched for a header."""

SAMPLE_ROWS = 5
"""Rows, including the header, from which the delimiter is inferred if the header is unknown."""

MAX_LINES_ABOVE = 10
"""Lines above a header that are searched for rows of groups."""

MOST = 0.66
"""The share of a table's columns of numbers that have text in a row of the header."""

MIN_NUMBERS = 2
"""Rows with a number that make a column one of numbers; a single one may be a slip."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some consecutive rows of a sheet that may be its header."""

    reader: SheetReader
    rows: tuple[HeadRow, ...]

    @cached_property
    def grid(self) -> list[list[str]]:
        """The rows' own cells, all of one width."""
        width = max(len(row.cells) for row in self.rows)
        return [[*row.cells, *[""] * (width - len(row.cells))] for row in self.rows]

    @cached_property
    def _filled(self) -> list[list[str]]:
        """The grid with each group's name in all of its columns. No group goes on below the next cell above it."""
        grid = [list(row) for row in self.grid]
        for upper in range(len(grid) - 2, -1, -1):
            group = ""
            for position, text in enumerate(grid[upper]):
                is_labelled = any(row[position].strip(PADDING) for row in grid[upper + 1 :])
                begins_above = any(row[position].strip(PADDING) for row in grid[:upper])
                if text.strip(PADDING):
                    group = text
                elif begins_above or not is_labelled:
                    group = ""
                grid[upper][position] = group
        return grid

    @cached_property
    def paths(self) -> list[list[str]]:
        """For each column, the texts in the header's rows from the top, with the name of its group."""
        return list(map(_path, zip(*self._filled, strict=True)))

    @property
    def labelled(self) -> int:
        """Number of columns with a name."""
        return sum(map(bool, self.paths))

    def texts(self, find: Callable[[Sequence[str]], str | None]) -> tuple[str, ...]:
        """One header for each column: the wording that is known, or else the shortest that no other column has.

        Args:
            find: returns the wording that is known, if any.
        """
        if len(self.rows) > 1 and _counts_columns(self.rows[-1]):
            texts = replace(self, rows=self.rows[:-1]).texts(find)  # numbers name nothing
            return (*texts, *[""] * (len(self.paths) - len(texts)))
        alone = Counter(normalise(path[-1]) for path in self.paths if path)
        names = []
        for path, own, filled in zip(
            self.paths, zip(*self.grid, strict=True), zip(*self._filled, strict=True), strict=True
        ):
            candidates = wordings(path)
            words = find(candidates) or find(self._above(own, filled))
            if words is None and candidates:
                words = path[-1] if alone[normalise(path[-1])] == 1 or len(candidates) == 1 else candidates[-2]
            names.append(words or "")
        return tuple(names)

    def _above(self, own: Sequence[str], filled: Sequence[str]) -> list[str]:
        """Wordings of a column without the rows below one of its cells: parts below a name may be unknown."""
        ends = [row for row in reversed(range(len(own) - 1)) if own[row].strip(PADDING)]
        return [wording for end in ends for wording in wordings(_path(filled[: end + 1]))]


def _path(column: Sequence[str]) -> list[str]:
    return [text for text in column if text.strip(PADDING)]


def wordings(path: Sequence[str]) -> list[str]:
    """Possible wordings of a column: from all of its rows joined to the last row alone."""
    return [JOINT.join(path[first:]) for first in range(len(path))]


def head_rows(reader: SheetReader) -> Iterator[HeadRow]:
    """The first rows of a sheet, without those that cannot be read: the quotes in a help text are not CSV."""
    cells = 0
    for line in range(1, reader.head_lines + 1):
        try:
            row = reader.head_row(line)
        except FileError:
            continue
        if row is not None and len(row.cells) <= MAX_COLUMNS:
            is_first = cells == 0
            cells += len(row.cells)
            if cells > MAX_HEAD_CELLS and not is_first:
                return
            yield _clipped(row)


def _clipped(row: HeadRow) -> HeadRow:
    if max(map(len, row.cells)) <= MAX_HEADER:
        return row
    return replace(row, cells=tuple(cell[:MAX_HEADER] for cell in row.cells))


def candidates(reader: SheetReader) -> Iterator[list[Block]]:
    """All possible headers of a sheet, line by line: up to `HEADER_ROWS` consecutive rows without a number.

    Rows are read lazily, as most headers are the first row.
    """
    head = _HeadRows(head_rows(reader))
    for first in range(1, reader.head_lines + 1):
        rows: tuple[HeadRow, ...] = ()
        blocks = []
        line = first
        while len(rows) < HEADER_ROWS and (row := head.words_on(line)) is not None:
            rows = (*rows, row)
            line = row.next_line
            blocks.append(Block(reader=reader, rows=rows))
        yield blocks


class _HeadRows:
    """Rows by the line on which they begin, read lazily."""

    def __init__(self, rows: Iterator[HeadRow]) -> None:
        self._rows = rows
        self._words: dict[int, HeadRow] = {}
        self._last_line = 0

    def words_on(self, line: int) -> HeadRow | None:
        """The row that begins on a line, if it has no number."""
        while self._last_line < line and (row := next(self._rows, None)) is not None:
            self._last_line = row.line
            if not any(map(str.isdecimal, row.cells)):
                self._words[row.line] = row
        return self._words.get(line)


# Rows below the names that belong to the header


def extended(block: Block, types: Mapping[int, str] | None = None) -> Block:
    """A header with the rows directly below it that belong to it: parts of names, units, numbers of columns.

    Such a row has texts where the table has numbers.

    Args:
        block: the header's names.
        types: types of the columns by position; `None` to infer columns of numbers from the rows below.
    """
    while len(block.rows) < HEADER_ROWS:
        below = _rows_below(block)
        columns = _columns_of_numbers(below[1:]) if types is None else types
        if not below or not _is_of_header(block, below[0], columns):
            return block
        if types is None and not (_is_incomplete(block) or _is_of_units(below[0]) or _counts_columns(below[0])):
            return block
        block = Block(reader=block.reader, rows=(*block.rows, below[0]))
    return block


def _is_incomplete(block: Block) -> bool:
    """Whether a column has no name of its own, or two have the same."""
    names = [path[-1] for path in block.paths if path]
    named = {position for own in block.grid for position, text in enumerate(own) if text.strip(PADDING)}
    return len(named) < len(block.paths) or len(set(map(normalise, names))) < len(names)


def _is_of_units(row: HeadRow) -> bool:
    """Whether a row has units such as `(Rs.)` and `(number)`."""
    texts = [text for text in (cell.strip(PADDING) for cell in row.cells) if text]
    return bool(texts) and all(text.startswith("(") and text.endswith(")") for text in texts)


def _rows_below(block: Block) -> list[HeadRow]:
    """The rows below a block; empty if a blank line follows it."""
    line = block.rows[-1].next_line
    rows: list[HeadRow] = []
    while line <= block.reader.head_lines and len(rows) <= SAMPLE_ROWS:
        try:
            row = block.reader.head_row(line)
        except FileError:
            return rows
        if row is None and not rows:
            return []
        if row is not None:
            rows.append(_clipped(row))
        line = row.next_line if row is not None else line + 1
    return rows


def _columns_of_numbers(rows: Sequence[HeadRow]) -> dict[int, str]:
    found = Counter(position for row in rows for position, text in enumerate(row.cells) if fits(text, "number"))
    least = min(MIN_NUMBERS, len(rows))
    return {position: "number" for position, count in found.items() if count >= least}


def _is_of_header(block: Block, row: HeadRow, columns: Mapping[int, str]) -> bool:
    """Whether a row has words, and no value, where the table has numbers or days; or counts the columns.

    Below names that are merged over their columns it is blank; else it has no digit, and hardly a word twice, unless
    it names columns that have no name of their own above.
    """
    cells = {position: text for position, text in enumerate(row.cells) if clean(text) is not None}
    numbers = {position: type_ for position, type_ in columns.items() if type_ != "string"}
    words = [text for position, text in cells.items() if position in numbers]
    if not words or any(fits(text, numbers[position]) for position, text in cells.items() if position in numbers):
        return _counts_columns(row)
    if any(fits(text, type_) for text in cells.values() for type_ in ("number", "date")):
        return False
    if len(columns) > len(numbers) and not any(columns.get(position) == "string" for position in cells):
        return True
    has_digits = any(character.isdigit() for text in cells.values() for character in text)
    named = {position for own in block.grid for position, text in enumerate(own) if text.strip(PADDING)}
    is_varied = len(set(cells.values())) >= MOST * len(cells) or not cells.keys() <= named
    return not has_digits and is_varied and len(words) >= MOST * len(numbers)


def _counts_columns(row: HeadRow) -> bool:
    """Whether a row numbers the columns: 1, 2, 3 …; blank columns may count."""
    texts = {position: text.strip(PADDING + "()") for position, text in enumerate(row.cells, 1)}
    counted = {position: text for position, text in texts.items() if text}
    in_turn = [str(number) for number in range(1, len(counted) + 1)]
    return len(counted) > SAMPLE_ROWS and list(counted.values()) in (in_turn, list(map(str, counted)))


def fits(text: str, type_: str) -> bool:
    """Whether a cell is a value of a type; a day may have a time."""
    cleaned = clean(text)
    if cleaned is None:
        return False
    try:
        CONVERTERS["date-time" if type_ == "date" else type_](cleaned)  # type: ignore[index]  # one of its types
    except ValueError:
        return False
    return True


def rows_above(block: Block) -> list[HeadRow]:
    """Up to two rows directly above a header: groups or a title, which are repeated with the header."""
    above: list[HeadRow] = []
    first = block.rows[0].line
    for line in range(first - 1, max(0, first - MAX_LINES_ABOVE), -1):
        try:
            row = block.reader.head_row(line)
        except FileError:
            continue
        if row is not None and row.next_line == first:
            above.insert(0, _clipped(row))
            first = line
        if len(above) == HEADER_ROWS - 1:
            break
    return above


def with_names_above(block: Block) -> Block:
    """A header with the row above it where only that row names a column that has values: a name merged over both rows.

    A row with a single text is a title.
    """
    above = rows_above(block)[-1:]
    texts = {position for row in above for position, text in enumerate(row.cells) if text.strip(PADDING)}
    unnamed = {position for position in texts if position >= len(block.paths) or not block.paths[position]}
    if len(block.rows) == HEADER_ROWS or len(texts) < 2 or not unnamed:  # noqa: PLR2004 - a title is one text
        return block
    values = {position for row in _rows_below(block) for position, text in enumerate(row.cells) if clean(text)}
    return Block(reader=block.reader, rows=(*above, *block.rows)) if unnamed & values else block


# Unknown headers


def plain_block(sheet: Sheet) -> Block | None:
    """The header of a table with unknown columns: the first row after a title and other narrow rows.

    Raises:
        FileError: the very first row cannot be read, or is wider than any table.
    """
    reader = max(sheet.readers, key=_evidence)
    rows = _first_rows(reader)
    widths = [sum(bool(cell.strip(PADDING)) for cell in row.cells) for row in rows]
    if not any(widths):
        return None
    header = next(row for row, width in zip(rows, widths, strict=True) if 2 * width > max(widths))
    if len(header.cells) > MAX_COLUMNS:
        raise FileError(
            f"the row on line {header.line} has {len(header.cells):,} cells, more than the {MAX_COLUMNS:,} of any table"
        )
    above = _rows_above(rows, header)
    return extended(Block(reader=reader, rows=(*map(_clipped, above), _clipped(header))))


def _rows_above(rows: Sequence[HeadRow], header: HeadRow) -> list[HeadRow]:
    """The rows directly above the names that name groups, or what is merged over both rows; a title is one cell."""
    above: list[HeadRow] = []
    line = header.line
    for row in reversed(rows[: rows.index(header)]):
        texts = [text for text in row.cells if text.strip(PADDING)]
        if row.next_line != line or len(texts) < 2 or len(above) == HEADER_ROWS - 1:  # noqa: PLR2004 - a title is one
            break
        if any(fits(text, "number") for text in texts):
            break
        above.insert(0, row)
        line = row.line
    return above


def _first_rows(reader: SheetReader) -> list[HeadRow]:
    """The first rows, up to one that cannot be read."""
    rows: list[HeadRow] = []
    line, cells = 1, 0
    while line <= reader.head_lines and cells <= MAX_HEAD_CELLS:
        try:
            row = reader.head_row(line)
        except FileError:
            if not rows:
                raise
            break
        if row is not None:
            rows.append(row)
            cells += len(row.cells)
        line = row.next_line if row is not None else line + 1
    return rows


def _evidence(reader: SheetReader) -> tuple[bool, int, int]:
    """How well a delimiter explains the first rows.

    Returns whether they are equally wide, the largest width of at least two rows, and the width of the first.
    """
    try:
        widths = [len(row.cells) for row in _first_rows(reader)]
    except FileError:
        return False, 0, 0
    first = widths[:SAMPLE_ROWS]
    widest = max((width for width, rows in Counter(widths).items() if rows > 1 < width), default=0)
    return len(set(first)) == 1 and first[0] > 1, widest, widths[0] if widths else 0
