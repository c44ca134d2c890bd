"""The rows of a sheet in any spelling, with an XML parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.delimited import MAX_CELL
from tap_flipkart_reports.files.xlsx_cells import inline
from tap_flipkart_reports.files.xlsx_xml import parsed, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_flipkart_reports.files.xlsx_cells import CellReaders

MAX_ROWS, MAX_COLUMNS = 2**20, 2**14
"""Excel's own limits."""

MAX_ROW_LETTERS = 2**24
"""Letters that a row may take with its tags; 100 cells with the longest texts that Excel allows have 3 million."""

NOT_CALCULATED = "(a formula)"
"""The text of a formula without a value whose formula is in another cell."""

_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")

TEXTS = frozenset({inline, str})
"""Readers of texts that are in the cell."""


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """A row with cells in it.

    Attributes:
        number: its line, from 1.
        positions: the columns of its cells, from 0; `None` for the first ones without a gap.
        texts: texts of the cells.
        size: letters of its XML, or of its texts.
    """

    number: int
    positions: Sequence[int] | None
    texts: list[str]
    size: int


def parsed_rows(chunks: Iterable[bytes], readers: CellReaders, *, above: int = 0) -> Iterator[SheetRow]:
    """The rows with cells in them.

    Args:
        chunks: the sheet's part of the workbook.
        readers: readers of its cells.
        above: the number of the row before the first.

    Raises:
        FileError: it cannot be read.
    """
    rows = _RowParser(readers, above=above)
    for _ in parsed(chunks, start=rows.start, end=rows.end, text=rows.text):
        yield from rows.found
        rows.found.clear()
    if not rows.is_begun:
        raise FileError("the file is a workbook (XLSX) that cannot be read: one of its sheets has no <sheetData>")


def column_letters(index: int) -> str:
    """0 is `A`, 26 `AA`."""
    letters = ""
    while index >= 0:
        letters = chr(ord("A") + index % 26) + letters
        index = index // 26 - 1
    return letters


def column_number(letters: str) -> int:
    """`A` is 1, `AA` 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


class _RowParser:
    """Collects rows from the elements of a sheet.

    Args:
        readers: readers of the cells.
        above: the number of the row before the first.

    Attributes:
        found: the rows so far; the caller removes them.
        is_begun: whether `sheetData` has begun.
    """

    def __init__(self, readers: CellReaders, *, above: int) -> None:
        self.found: list[SheetRow] = []
        self._readers = readers
        self._number = above
        self._is_numbered = False
        self.is_begun = self._is_among_rows = False
        self._positions: list[int] | None = None
        self._texts: list[str] = []
        self._position = -1
        self._letters = 0
        self._attributes: dict[str, str] | None = None
        self._pieces: dict[str, list[str]] = {}
        self._part: list[str] | None = None
        self._phonetic = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle a start tag."""
        self._part = None
        if self._attributes is not None:
            self._phonetic += name == "rPh"
            if name in {"v", "f", "t"} and not self._phonetic:
                self._part = self._pieces.setdefault(name, [])
        elif name == "sheetData":
            self.is_begun = self._is_among_rows = True
        elif name == "row" and self._is_among_rows:
            self._is_numbered = "r" in attributes
            self._number = self._row_number(attributes["r"]) if self._is_numbered else self._number + 1
            self._positions, self._texts, self._position, self._letters = [], [], -1, 0
        elif name == "c" and self._is_among_rows:
            self._start_cell(attributes)

    def _start_cell(self, attributes: dict[str, str]) -> None:
        if self._positions is None:
            raise FileError("the workbook has a cell that is in no row")
        self._attributes, self._pieces, self._phonetic = attributes, {}, 0
        self._position += 1
        if "r" in attributes:
            self._position = self._position_of(attributes["r"])
        if self._position >= MAX_COLUMNS:
            raise FileError("the workbook has a cell beyond the last column that a sheet can have")

    def _position_of(self, written: str) -> int:
        reference = _REFERENCE.fullmatch(written)
        if reference is None:
            raise FileError(f"the workbook has a cell in a place that no sheet has, {written[:20]!r}")
        if not self._is_numbered:
            self._number, self._is_numbered = int(reference[2]), True
        if self._number != int(reference[2]):
            raise FileError(f"the workbook has a cell {reference[0]} in row {self._number}")
        return column_number(reference[1]) - 1

    def _row_number(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < len(str(MAX_ROWS)) + 1):
            raise FileError("the workbook has a cell in a row that no sheet has")
        return int(text)

    def text(self, piece: str) -> None:
        """Handle a piece of text."""
        if self._part is not None:
            self._part.append(piece)
            self._letters += len(piece)
            if self._letters > MAX_ROW_LETTERS:
                raise FileError(f"the workbook has a row of more than {MAX_ROW_LETTERS:,} letters")

    def end(self, name: str) -> None:
        """Handle an end tag."""
        self._part = None
        if name == "rPh":
            self._phonetic -= 1
        elif name == "c" and self._attributes is not None:
            self._end_cell(self._attributes)
            self._attributes = None
        elif name == "row" and self._positions is not None:
            self.found.append(
                SheetRow(number=self._number, positions=self._positions, texts=self._texts, size=self._letters)
            )
            self._positions = None
        elif name == "sheetData":
            self._is_among_rows = False

    def _end_cell(self, attributes: dict[str, str]) -> None:
        text = self._text_of(attributes)
        if len(text) > MAX_CELL:
            raise FileError(f"the workbook has a cell of more than {MAX_CELL:,} letters in row {self._number}")
        if self._pieces and self._positions is not None:
            self._positions.append(self._position)
            self._texts.append(text)

    def _text_of(self, attributes: dict[str, str]) -> str:
        kind, style = attributes.get("t", "n"), attributes.get("s", "0")
        read = self._readers.reader(kind, int(style) if style.isdecimal() else 0)
        if read is None:
            raise FileError(f"the workbook has a cell of a type that no workbook has, {kind[:20]!r}")
        pieces = self._pieces.get("v") if read is not inline or "t" not in self._pieces else self._pieces["t"]
        written = "".join(pieces or ())
        if not written and "f" in self._pieces:
            return "=" + ("".join(self._pieces["f"]) or NOT_CALCULATED)
        try:
            text = read(written)
        except (ValueError, LookupError) as error:
            raise FileError(
                f"the workbook has a cell in row {self._number} that cannot be read: {str(error)[:100]}"
            ) from error
        return unescaped(text) if read in TEXTS else text
