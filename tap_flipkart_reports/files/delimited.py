"""Text files to rows: encoding and delimiters. Memory does not grow with the size of the file."""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from typing import IO, TYPE_CHECKING

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.column_scan import column_texts
from tap_flipkart_reports.files.encodings import MAX_LINE, WITHOUT_CONTROLS, TextEncoding, find_encoding
from tap_flipkart_reports.files.sheets import BATCH_ROWS, HEAD_ROWS, Batch, HeadRow, has_text, no_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_flipkart_reports.files.sheets import Checkpoint, RowTally

MAX_CELL = 2**20
"""Characters. csv's own limit of 131,072 is below that of spreadsheets; without a limit, csv would read on after a lost
quote."""

MAX_HEADER_LINES = 200
"""Lines of the file that one row of headers may take: many headers have a line break or two."""

DELIMITERS = (",", "\t", ";", "|")
"""The first wins ties."""


MAX_ROW_LETTERS = 2**19
"""Characters of the lines that one row of headers may take."""


def text_readers(file: IO[bytes], checkpoint: Checkpoint = no_checkpoint) -> list[TextReader]:
    """Readers of a text file, one for each delimiter.

    Args:
        file: the open file, which must stay open while the readers are used.
        checkpoint: called every few milliseconds while the file is read; may raise to end the reading.

    Raises:
        FileError: it is not text, or it holds nothing but white space.
    """
    csv.field_size_limit(MAX_CELL)  # of the whole process; nothing else in it reads CSV
    head = _TextHead(file, find_encoding(file, checkpoint), checkpoint)
    if head.is_blank():
        raise FileError("the file holds nothing but white space")
    return [TextReader(head, delimiter) for delimiter in DELIMITERS]


class _TextHead:
    """A text with its first lines, which all of its readers share."""

    def __init__(self, file: IO[bytes], encoding: TextEncoding, checkpoint: Checkpoint) -> None:
        self.file = file
        self.encoding = encoding
        self.checkpoint = checkpoint

    def is_blank(self) -> bool:
        """Whether the text is nothing but white space; of a long text only the beginning is checked."""
        with _opened(self.file, self.encoding) as lines:
            return not any(map(str.strip, islice(lines, HEAD_ROWS))) and next(lines, None) is None

    @cached_property
    def lines(self) -> list[str]:
        """The first lines."""
        with _opened(self.file, self.encoding) as lines:
            return list(islice(lines, HEAD_ROWS + MAX_HEADER_LINES))

    def release(self) -> None:
        """Forget the lines; they are read again when they are needed."""
        self.__dict__.pop("lines", None)


class TextReader:
    """Splits a text into rows at one delimiter.

    Args:
        head: the text.
        delimiter: the delimiter.
    """

    def __init__(self, head: _TextHead, delimiter: str) -> None:
        self._head = head
        self._file = head.file
        self._encoding = head.encoding
        self._checkpoint = head.checkpoint
        self._delimiter = delimiter

    def release(self) -> None:
        """Free the memory of the first lines; see `SheetReader`."""
        self._head.release()

    @property
    def form(self) -> str:
        """`text, utf-8`."""
        return f"text, {self._encoding.words}"

    @property
    def undecodable(self) -> int:
        """Bytes that fit no encoding."""
        return self._encoding.undecodable

    @property
    def head_lines(self) -> int:
        """How many lines `head_row` knows."""
        return min(len(self._head.lines), HEAD_ROWS)

    def head_row(self, line: int) -> HeadRow | None:
        """The row that begins on a line; see `SheetReader`."""
        self._checkpoint()
        lines = _bounded(self._head.lines[line - 1 : line - 1 + MAX_HEADER_LINES])
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        try:
            cells = tuple(next(reader, ()))
        except csv.Error as error:
            raise FileError(f"the row on line {line} of the file is cut off or damaged: {error}") from error
        if not has_text(cells):
            return None
        return HeadRow(cells=cells, line=line, next_line=line + reader.line_num)

    def column_texts(self, first_line: int, index: int) -> Iterator[list[str]]:
        """The cells of one column; see `SheetReader`."""
        cells = column_texts(
            self._file, encoding=self._encoding, delimiter=self._delimiter, first_line=first_line, index=index
        )
        for texts in cells:
            self._checkpoint()
            yield texts

    def batches(self, first_line: int, tally: RowTally) -> Iterator[Batch]:
        """The rows from a line on; see `SheetReader`."""
        with _opened(self._file, self._encoding) as behind:
            for _line in islice(behind, first_line - 1):
                pass
            yield from self._batches(behind, first_line, tally)

    def _batches(self, behind: Iterator[str], line: int, tally: RowTally) -> Iterator[Batch]:
        """The rows in some lines; `line` is the number of the first."""
        reader = csv.reader(behind, delimiter=self._delimiter, strict=True)
        rows: list[list[str]] = []
        lines: list[int] = []
        first_line = line
        try:
            for row in reader:
                if (row and row[0][:1].isalnum()) or has_text(row):  # the first condition is the usual case
                    rows.append(row)
                    lines.append(line)
                    if len(rows) == BATCH_ROWS:
                        self._checkpoint()
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


def _bounded(lines: Sequence[str]) -> Iterator[str]:
    """The first lines, until they have more characters than a row of headers may have."""
    size = 0
    for line in lines:
        yield line
        size += len(line)
        if size > MAX_ROW_LETTERS:
            return


@contextmanager
def _opened(file: IO[bytes], encoding: TextEncoding) -> Iterator[Iterator[str]]:
    """The lines of a text. The file's position is restored, so that other readers of the file can continue."""
    offset = file.tell()
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding.name, errors=encoding.errors, newline="")
    try:
        is_plain = not (encoding.has_controls or encoding.has_long_lines)
        yield text if is_plain else _lines(text, has_controls=encoding.has_controls)
    finally:
        if not file.closed:
            text.detach()  # or the end of this reading would close the file
            file.seek(offset)


def _lines(text: io.TextIOWrapper, *, has_controls: bool) -> Iterator[str]:
    """The lines without control characters, which mean nothing here: NUL stops csv before Python 3.11."""
    while line := text.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise FileError(f"the file has a line of more than {MAX_LINE:,} characters")
        yield line.translate(WITHOUT_CONTROLS) if has_controls else line
