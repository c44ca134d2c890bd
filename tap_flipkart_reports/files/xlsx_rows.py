"""The rows of a workbook's sheet, one after the other, in bounded memory.

Rows in the spelling of nearly all programs are split by one pattern. Any other row is parsed by expat, and so is a
whole sheet with another structure. Both ways give the same result.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.column_scan import UnscannableError
from tap_flipkart_reports.files.delimited import MAX_CELL
from tap_flipkart_reports.files.xlsx_cells import inline
from tap_flipkart_reports.files.xlsx_row_parser import (
    MAX_COLUMNS,
    MAX_ROW_LETTERS,
    MAX_ROWS,
    TEXTS,
    SheetRow,
    column_letters,
    column_number,
    parsed_rows,
)
from tap_flipkart_reports.files.xlsx_xml import dereferenced, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_flipkart_reports.files.xlsx_cells import CellReaders, Reader

MAX_REMEMBERED = 100
"""Cached sequences of columns: the rows of a table share one or a few."""

_ROW = re.compile(r'\s*<row r="([0-9]{1,7})"[^<>]*>')

_CELL = re.compile(
    r'<c r="([A-Z]{1,3}[0-9]{1,7})"([^<>/]*)'
    r'(?:/>|>(?:<v>|<is><t(?: xml:space="preserve")?>)([^<]*)(?:</v>|</t></is>)</c>|><is><t ?/></is></c>)'
)

_TAGS = 4
"""Tags of a cell with a value; an inline text has two more, or one if it is blank."""

_LEAST = len('<c r=""><v></v></c>')
_LEAST_BLANK = len('<c r=""/>')
_MORE_INLINE = len('<c r=""><is><t></t></is></c>') - _LEAST
_PRESERVE = ' xml:space="preserve"'
"""Characters of a cell without its content, in the shortest spelling."""

_END = "</row>"

_BYTES = "latin-1"
"""One character per byte: this halves the time for splitting rows, and only texts beyond ASCII are decoded again."""


def sheet_rows(chunks: Iterable[bytes], readers: CellReaders, *, is_plain: bool) -> Iterator[SheetRow]:
    """The rows of a sheet in their order; those without cells may be missing.

    Args:
        chunks: the sheet's part of the workbook.
        readers: readers of its cells.
        is_plain: whether `xlsx_survey` has found the usual spelling.

    Raises:
        FileError: it cannot be read.
    """
    rows = _plain_rows(chunks, readers) if is_plain else parsed_rows(chunks, readers)
    last = 0
    for row in rows:
        if row.number <= last:
            raise FileError(f"the workbook's rows are not in order: row {row.number} comes after row {last}")
        last = row.number
        if last > MAX_ROWS:
            raise FileError("the workbook has a cell in a row that no sheet has")
        yield row


# Rows as nearly all programs write them


def _plain_rows(chunks: Iterable[bytes], readers: CellReaders) -> Iterator[SheetRow]:
    plain = _PlainRows(readers)
    number = 0
    for xml in _whole_rows(chunks):
        row = plain.row(xml)
        if row is not None:
            number = row.number
            yield row
            continue
        element = f"<sheetData>{xml}{_END}</sheetData>".encode(_BYTES)
        for parsed_row in parsed_rows([element], readers, above=number):
            number = parsed_row.number
            yield parsed_row


def column_cells(chunks: Iterable[bytes], readers: CellReaders, *, first_line: int, index: int) -> Iterator[str]:
    """The cells of one column of a sheet in the usual spelling, for a fraction of the cost of its rows.

    Raises:
        UnscannableError: a cell is missing, or needs the parser.
        FileError: the sheet cannot be read.
    """
    begin = f'<c r="{column_letters(index)}'
    for xml in _whole_rows(chunks):
        cell = _CELL.match(xml, at) if (at := xml.find(begin)) >= 0 else None
        row = _ROW.match(xml)
        if row is None or (cell is None and "<c" in xml):
            raise UnscannableError
        if cell is None or int(row[1]) < first_line:
            continue
        if cell[1] != f"{begin[len('<c r=') + 1 :]}{row[1]}":
            raise UnscannableError
        if "&" in cell[0] or "_x" in cell[0] or not cell[0].isascii():
            raise UnscannableError
        read, written = readers[cell[2]], cell[3] or ""
        try:
            yield written if read is inline else read(written)  # type: ignore[misc]  # none raises the TypeError
        except (TypeError, ValueError, LookupError) as error:
            raise UnscannableError from error


def _whole_rows(chunks: Iterable[bytes]) -> Iterator[str]:
    """The XML of each row without its end tag, with one character per byte."""
    rest, is_begun = "", False
    for chunk in chunks:
        rest += chunk.decode(_BYTES)
        if not is_begun and "<sheetData>" in rest:
            _, _, rest = rest.partition("<sheetData>")
            is_begun = True
        *rows, rest = rest.split(_END)
        for row in rows:  # whole ones, as a line end may be cut by a chunk's
            yield row.replace("\r\n", "\n").replace("\r", "\n") if "\r" in row else row
        if len(rest) > MAX_ROW_LETTERS:
            raise FileError(f"the workbook has a row of more than {MAX_ROW_LETTERS:,} letters")
    if "</sheetData>" not in rest:
        raise FileError("the file is a workbook (XLSX) that cannot be read: one of its sheets is cut off")


class _PlainRows:
    """Splits rows in the usual spelling into cells.

    Args:
        readers: readers of the cells.
    """

    def __init__(self, readers: CellReaders) -> None:
        self._readers = readers
        self._positions: dict[str, Sequence[int] | None] = {}
        self._kinds: dict[str, tuple[list[Reader | None], int]] = {}
        """By the attributes of a row's cells: their readers, and how many of them are inline texts."""

    def row(self, xml: str) -> SheetRow | None:
        """A row; `None` if it needs the parser.

        Args:
            xml: the row without its end tag.
        """
        begin = _ROW.match(xml)
        if begin is None or (len(xml) > MAX_CELL and xml.count("<c") > MAX_COLUMNS):
            return None
        if xml.find("<", begin.end()) < 0:
            return SheetRow(number=int(begin[1]), positions=None, texts=[], size=len(xml))
        cells = _CELL.findall(xml)
        if not cells:
            return None
        references, attributes, written = zip(*cells, strict=True)
        columns, kinds = ",".join(references) + ",", ">".join(attributes)
        readers, inlines = self._readers_of(kinds)
        size = begin.end() + len(columns) + len(kinds) - 2 * len(cells) + 1
        if not _are_all(xml, size, readers, written, inlines) and not _are_all_tags(xml, written, inlines):
            return None
        positions, texts = self._positions_of(columns, begin[1]), _cell_texts(xml, readers, written)
        if positions is None or texts is None:
            return None
        return SheetRow(number=int(begin[1]), positions=positions or None, texts=texts, size=len(xml))

    def _readers_of(self, kinds: str) -> tuple[list[Reader | None], int]:
        if kinds not in self._kinds:
            if len(self._kinds) >= MAX_REMEMBERED:
                self._kinds.clear()
            readers = [self._readers[attributes] for attributes in kinds.split(">")]
            self._kinds[kinds] = readers, readers.count(inline)
        return self._kinds[kinds]

    def _positions_of(self, columns: str, number: str) -> Sequence[int] | None:
        """The columns of a row's cells; empty if they are the first ones; `None` if a cell names another row."""
        columns = columns.replace(number + ",", ",")
        if columns not in self._positions:
            if len(self._positions) >= MAX_REMEMBERED:
                self._positions.clear()
            letters = columns[:-1].split(",")
            positions = tuple(column_number(text) - 1 for text in letters) if all(map(str.isalpha, letters)) else None
            self._positions[columns] = () if positions == tuple(range(len(letters))) else positions
        return self._positions[columns]


def _cell_texts(xml: str, readers: Sequence[Reader | None], written: Iterable[str]) -> list[str] | None:
    """The texts of a row's cells; `None` if one of them needs the parser."""
    if None in readers:
        return None
    try:
        if not xml.isascii():
            written = [text if text.isascii() else text.encode(_BYTES).decode() for text in written]
        texts = [
            text if read is inline else read(text)  # type: ignore[misc]  # none is None
            for read, text in zip(readers, map(dereferenced, written) if "&" in xml else written, strict=True)
        ]
    except (ValueError, LookupError):
        return None
    if "_x" in xml:
        texts = [unescaped(text) if read in TEXTS else text for read, text in zip(readers, texts, strict=True)]
    return None if len(xml) > MAX_CELL and max(map(len, texts)) > MAX_CELL else texts


def _are_all(xml: str, size: int, readers: Sequence[Reader | None], written: Sequence[str], inlines: int) -> bool:
    """Whether a row has nothing but the cells that were found in it, by its length.

    If the shortest spelling of all cells is as long as the row, then nothing else is in it.

    Args:
        xml: the row.
        size: the letters of its own tag and of its cells' references and attributes.
        readers: of the cells.
        written: contents of the cells.
        inlines: number of inline texts.
    """
    blanks = written.count("")
    if blanks and inlines:
        inlines -= sum(read is inline for read, text in zip(readers, written, strict=True) if not text)
    size += len("".join(written)) + _LEAST * (len(written) - blanks) + _LEAST_BLANK * blanks + _MORE_INLINE * inlines
    return len(xml) == size or len(xml) == size + len(_PRESERVE) * xml.count(_PRESERVE)


def _are_all_tags(xml: str, written: Sequence[str], inlines: int) -> bool:
    """The same check by the number of tags, for rows with longer spellings."""
    tags = _TAGS * len(written) + 2 * inlines
    if "" in written:
        blank = xml.count("<t/>") + xml.count("<t />")
        tags = _TAGS * len(written) + 2 * xml.count("<is>") + 2 * blank - (_TAGS - 1) * xml.count("/>")
    return xml.count("<") == 1 + tags
