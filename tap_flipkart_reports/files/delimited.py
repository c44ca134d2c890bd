"""Text files to rows: encoding, delimiters. They are read in constant memory, whatever their size."""

from __future__ import annotations

import codecs
import csv
import io
from itertools import islice
from typing import IO, TYPE_CHECKING

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.column_scan import column_texts
from tap_flipkart_reports.files.sheets import BATCH_ROWS, HEAD_ROWS, Batch, HeadRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_flipkart_reports.files.sheets import RowTally

MAX_LINE = 2**23
"""Characters; a longer line comes from no table, and would be held in memory whole."""

MAX_CELL = 2**20
"""Characters; csv's own limit of 131,072 is below a spreadsheet's, and none would read on behind a lost quote."""

MAX_HEADER_LINES = 200
"""Lines of the file that one row of headers may take: many headers have a line break or two."""

DELIMITERS = (",", "\t", ";", "|")
"""The first wins ties."""

CHUNK = 2**18
"""Bytes; more would leave the CPU's cache before they are decoded."""

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, with whose mark it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def text_readings(file: IO[bytes]) -> list[TextReading]:
    """A text file, taken for rows with each of the delimiters.

    Args:
        file: its bytes, to be left open while the readings are used.

    Raises:
        FileError: it is no text, or nothing but white space.
    """
    csv.field_size_limit(MAX_CELL)  # of the whole process; nothing else in it reads CSV
    encoding = _encoding(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    head = list(islice(_lines(text), HEAD_ROWS + MAX_HEADER_LINES))
    text.detach()
    if not any(map(str.strip, head)) and len(head) < HEAD_ROWS:
        raise FileError("the file holds nothing but white space")
    return [TextReading(file, encoding, delimiter, head) for delimiter in DELIMITERS]


class TextReading:
    """A text taken for rows with a certain delimiter.

    Args:
        file: the text's bytes.
        encoding: its encoding.
        delimiter: the delimiter.
        head: its first lines.
    """

    def __init__(self, file: IO[bytes], encoding: str, delimiter: str, head: Sequence[str]) -> None:
        self._file = file
        self._encoding = encoding
        self._delimiter = delimiter
        self._head = head

    @property
    def form(self) -> str:
        """`text, utf-8`."""
        return f"text, {self._encoding}"

    @property
    def head_lines(self) -> int:
        """How many lines `head_row` knows."""
        return min(len(self._head), HEAD_ROWS)

    def head_row(self, line: int) -> HeadRow | None:
        """The row that begins on a line; see `Reading`."""
        lines = self._head[line - 1 : line - 1 + MAX_HEADER_LINES]
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        try:
            cells = tuple(next(reader, ()))
        except csv.Error as error:
            raise FileError(f"the row on line {line} of the file is cut off or damaged: {error}") from error
        if not any(map(str.strip, cells)):
            return None
        return HeadRow(cells=cells, line=line, next_line=line + reader.line_num)

    def column_texts(self, first_line: int, index: int) -> Iterator[list[str]]:
        """The cells of one column; see `Reading`."""
        return column_texts(
            self._file, encoding=self._encoding, delimiter=self._delimiter, first_line=first_line, index=index
        )

    def batches(self, first_line: int, tally: RowTally) -> Iterator[Batch]:
        """The rows from a line on; see `Reading`."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding=self._encoding, newline="")
        behind = _lines(text)
        for _line in islice(behind, first_line - 1):
            pass
        reader = csv.reader(behind, delimiter=self._delimiter, strict=True)
        rows: list[list[str]] = []
        lines: list[int] = []
        line = first_line
        try:
            for row in reader:
                if any(map(str.strip, row)):
                    rows.append(row)
                    lines.append(line)
                    if len(rows) == BATCH_ROWS:
                        tally.rows += len(rows)
                        yield Batch(rows=rows, lines=lines)
                        rows, lines = [], []
                else:
                    tally.blank += 1
                line = first_line + reader.line_num
            if rows:
                tally.rows += len(rows)
                yield Batch(rows=rows, lines=lines)
        except csv.Error as error:
            raise FileError(f"the row on line {line} of the file is cut off or damaged: {error}") from error
        finally:
            if not self._file.closed:
                text.detach()  # or the end of this reading would close the file


def _encoding(file: IO[bytes]) -> str:
    """The encoding that fits all of the file: what its mark says, or else UTF-8, or else cp1252."""
    file.seek(0)
    start = file.read(4)
    marked = [encoding for mark, encoding in BYTE_ORDER_MARKS.items() if start.startswith(mark)]
    misfits = []
    for encoding in marked or ("utf-8", "cp1252"):
        misfit = _first_misfit(file, encoding)
        if misfit is None:
            return encoding
        misfits.append(f"{encoding} (byte {misfit:,})")
    raise FileError(f"the file's text is not {' and not '.join(misfits)}")


def _first_misfit(file: IO[bytes], encoding: str) -> int | None:
    """The first byte, from 1, that an encoding cannot have."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding.removesuffix("-sig"))()  # which would not count the mark's bytes
    seen = 0
    while True:
        chunk = file.read(CHUNK)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            return seen - pending + error.start + 1
        if not chunk:
            return None
        seen += len(chunk)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """The text's lines; without NUL, which means nothing in them and stops csv before Python 3.11."""
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise FileError(f"the file has a line of more than {MAX_LINE:,} characters")
        yield line.replace("\0", "")
