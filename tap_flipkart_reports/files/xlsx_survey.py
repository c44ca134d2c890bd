"""Scans a sheet before it is read: its last row and column, and whether its XML has the usual spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.xlsx_row_parser import MAX_COLUMNS, MAX_ROW_LETTERS, MAX_ROWS, column_number
from tap_flipkart_reports.files.xlsx_rows import sheet_rows
from tap_flipkart_reports.files.xlsx_xml import is_plain_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_flipkart_reports.files.xlsx_cells import CellReaders
    from tap_flipkart_reports.files.xlsx_strings import SharedStrings

MAX_EMPTY = 4 * 2**20
"""Cells that a sheet may always span; if it spans more, one in `MAX_SPARSITY` must be filled."""

MAX_SPARSITY = 20

MAX_HEAD_BYTES = 2**20
"""Bytes before the first row in the usual spelling."""

MAX_TEXT_LETTERS = 2**30
"""Characters that cells with shared texts may have together, unless the sheet's size times `MAX_REPETITION` is more."""

MAX_REPETITION = 50

_LETTERS = re.compile(rb'<c r="([A-Z]{1,3})[0-9]{1,7}"')
_NUMBER = re.compile(rb'<row r="([0-9]{1,7})"')
_SHARED = re.compile(rb' t="s"><v>([0-9]{1,9})<')
_BEGIN, _END_OF_ROW, _END = b"<sheetData>", b"</row>", b"</sheetData>"


@dataclass(kw_only=True)
class Survey:
    """The size of a sheet.

    Attributes:
        rows: the number of its last row.
        columns: the number of the last column with content.
        cells: number of cells.
        is_plain: whether rows have the usual spelling and can be split without a parser.
        size: bytes of its XML.
        letters: letters of the columns in which rows end.
    """

    rows: int = 0
    columns: int = 0
    cells: int = 0
    is_plain: bool = True
    size: int = 0
    letters: set[bytes] = field(default_factory=set)


def survey_sheet(read: Callable[[], Iterator[bytes]], readers: CellReaders, strings: SharedStrings) -> Survey:
    """Scan a sheet.

    Args:
        read: its bytes.
        readers: readers of its cells.
        strings: the texts that cells share.

    Raises:
        FileError: it cannot be read, or is larger than any report.
    """
    survey = _plain_survey(read())
    if not survey.is_plain:
        survey = _parsed_survey(read(), readers)
    if survey.rows > MAX_ROWS or survey.columns > MAX_COLUMNS:
        raise FileError("the workbook has a cell beyond the last row or column that a sheet can have")
    if survey.rows * survey.columns > max(MAX_EMPTY, MAX_SPARSITY * survey.cells):
        raise FileError(
            f"the workbook has a sheet of {survey.rows:,} rows and {survey.columns:,} columns with no more than "
            f"{survey.cells:,} cells in it, which no report has; it was not read"
        )
    limit = max(MAX_TEXT_LETTERS, MAX_REPETITION * survey.size)
    if survey.cells * strings.longest > limit and _shared_letters(read(), strings) > limit:
        raise FileError(
            f"the workbook repeats its texts until they take more than {limit:,} bytes, "
            "which no report does; it was not read"
        )
    return survey


def _shared_letters(chunks: Iterator[bytes], strings: SharedStrings) -> int:
    """Characters of the shared texts in a sheet's cells, in all."""
    total, rest = 0, b""
    for chunk in chunks:
        xml = rest + chunk
        for match in _SHARED.finditer(xml):
            number = int(match[1])
            total += len(strings.text(number)) if number < strings.count else 0
        rest = xml[-40:] if (last := xml.rfind(b" t=")) < 0 else xml[max(last, len(xml) - 40) :]
    return total


def _plain_survey(chunks: Iterable[bytes]) -> Survey:
    survey = Survey()
    for xml in _whole_rows(chunks, survey):
        _count_cells(survey, xml)
        if not survey.is_plain:
            return survey
    survey.columns = max((column_number(letters.decode()) for letters in survey.letters), default=0)
    return survey


def _whole_rows(chunks: Iterable[bytes], survey: Survey) -> Iterator[bytes]:
    """Whole rows of a sheet, many at once."""
    rest, is_begun = b"", False
    for chunk in chunks:
        survey.size += len(chunk)
        rest += chunk
        if not is_begun and _BEGIN in rest:
            head, _, rest = rest.partition(_BEGIN)
            survey.is_plain = is_plain_head(head)
            is_begun = True
        end = rest.rfind(_END_OF_ROW)
        if is_begun and end >= 0:
            yield rest[: end + len(_END_OF_ROW)]
            rest = rest[end + len(_END_OF_ROW) :]
        if len(rest) > (MAX_ROW_LETTERS if is_begun else MAX_HEAD_BYTES):
            break
    survey.is_plain = survey.is_plain and is_begun and _END in rest
    yield rest.partition(_END)[0]


def _count_cells(survey: Survey, xml: bytes) -> None:
    """Count the cells in some rows, and find the last column with content."""
    cells = xml.count(b"<c")
    survey.is_plain = (
        survey.is_plain
        and xml.count(b'<c r="') == cells
        and xml.count(b"<row") == xml.count(b'<row r="')
        and not any(odd in xml for odd in (b"<!", b"<?", b":c"))
    )
    survey.cells += cells
    last = _NUMBER.match(xml, xml.rfind(b"<row"))
    survey.rows = max(survey.rows, int(last[1]) if last is not None else 0)
    for row in xml.split(_END_OF_ROW):
        # Cells are in their order, and those without anything in them have no end tag.
        end = row.rfind(b"</c>")
        reference = _LETTERS.match(row, row.rfind(b"<c", 0, end)) if end >= 0 else None
        if reference is not None and reference[1] not in survey.letters:
            survey.letters.add(reference[1])
        survey.is_plain = survey.is_plain and (reference is not None or end < 0)


def _parsed_survey(chunks: Iterable[bytes], readers: CellReaders) -> Survey:
    survey = Survey(is_plain=False)

    def counted() -> Iterator[bytes]:
        for chunk in chunks:
            survey.size += len(chunk)
            yield chunk

    for row in sheet_rows(counted(), readers, is_plain=False):
        survey.rows = row.number
        survey.cells += len(row.texts)
        survey.columns = max([survey.columns, *(position + 1 for position in row.positions or ())])
    return survey
