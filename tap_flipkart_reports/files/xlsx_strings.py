"""The texts that the cells of a workbook share, in bounded memory: on disk where there are many."""

from __future__ import annotations

import re
import tempfile
import weakref
from array import array
from bisect import bisect_right
from collections import OrderedDict
from functools import cached_property
from itertools import chain
from typing import IO, TYPE_CHECKING

import msgspec

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.delimited import MAX_CELL
from tap_flipkart_reports.files.xlsx_xml import MAX_RUN_BYTES, dereferenced, is_plain_head, parsed, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_IN_MEMORY = 2**25
"""Bytes of texts, as Python's, that are held in memory; with more they go to disk."""

STRING_BYTES = 56
"""What a text takes beside its letters."""

BLOCK_STRINGS, BLOCK_BYTES = 256, 2**16
"""Texts that are written to disk and read together."""

MAX_BLOCKS = 256
"""Blocks in memory at once."""

MAX_REMEMBERED_BYTES = 2**23
"""Bytes of texts that are found by their number without a look at the blocks."""

_PLAIN = re.compile(r'<si><t(?: xml:space="preserve")?>([^<]*)</t></si>')
_TAGS_OF_PLAIN = 4
_END = b"</si>"


class SharedStrings(dict[str, str]):
    """The texts by their number as the cells write it; the dictionary caches recent ones.

    Args:
        chunks: the part of the workbook that holds them; `None` if there is none.

    Raises:
        FileError: it cannot be read.
    """

    def __init__(self, chunks: Iterable[bytes] | None) -> None:
        super().__init__()
        self._remembered = 0
        self._block: list[str] = []
        self._block_bytes = 0
        self._blocks: OrderedDict[int, list[str]] = OrderedDict()
        self._firsts = array("Q")
        """The number of the first text of each block on disk."""
        self._offsets = array("Q", [0])
        """Where each block begins in the spool, and where the last ends."""
        self._is_on_disk = False
        self.count = 0
        self.longest = 0
        """Letters of the longest text."""
        for text in () if chunks is None else _texts(chunks):
            self._add(text)

    @cached_property
    def _spool(self) -> IO[bytes]:
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the object
        weakref.finalize(self, spool.close)
        return spool

    def _add(self, text: str) -> None:
        if len(text) > MAX_CELL:
            raise FileError(f"the workbook has a text of more than {MAX_CELL:,} letters")
        self._block.append(text)
        self._block_bytes += len(text) + STRING_BYTES
        self.count += 1
        self.longest = max(self.longest, len(text))
        is_full = len(self._block) >= BLOCK_STRINGS or self._block_bytes >= BLOCK_BYTES
        if self._block_bytes > MAX_IN_MEMORY or (self._is_on_disk and is_full):
            self._write_out()

    def _write_out(self) -> None:
        self._is_on_disk = True
        texts, self._block, self._block_bytes = self._block, [], 0
        first, size = self.count - len(texts), 0
        block: list[str] = []
        for text in texts:
            block.append(text)
            size += len(text) + STRING_BYTES
            if len(block) >= BLOCK_STRINGS or size >= BLOCK_BYTES:
                first = self._write_block(first, block)
                block, size = [], 0
        if block:
            self._write_block(first, block)

    def _write_block(self, first: int, block: list[str]) -> int:
        self._firsts.append(first)
        self._offsets.append(self._offsets[-1] + self._spool.write(msgspec.msgpack.encode(block)))
        return first + len(block)

    def __missing__(self, number: str) -> str:
        """The text of a number that is not remembered.

        Raises:
            ValueError: it is not a number.
            IndexError: there is no such text.
        """
        text = self.text(int(number)) if number else ""
        self._remembered += len(text) + 2 * STRING_BYTES
        if self._remembered > MAX_REMEMBERED_BYTES:
            self.clear()
            self._remembered = 0
        self[number] = text
        return text

    def text(self, index: int) -> str:
        """A text by its number.

        Raises:
            IndexError: there is no such text.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"there is no text {index}")
        in_memory = self.count - len(self._block)
        if index >= in_memory:
            return self._block[index - in_memory]
        number = bisect_right(self._firsts, index) - 1
        return self._block_on_disk(number)[index - self._firsts[number]]

    def _block_on_disk(self, number: int) -> list[str]:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        self._spool.seek(self._offsets[number])
        packed = self._spool.read(self._offsets[number + 1] - self._offsets[number])
        block = self._blocks[number] = msgspec.msgpack.decode(packed, type=list[str])
        if len(self._blocks) > MAX_BLOCKS:
            self._blocks.popitem(last=False)
        return block


def _texts(chunks: Iterable[bytes]) -> Iterator[str]:
    """The texts in their order: those that are spelt as most writers do at once, from the first other on by expat."""
    chunks = iter(chunks)
    rest, is_begun = b"", False
    for chunk in chunks:
        rest += chunk
        end = rest.rfind(_END) + len(_END)
        if end < len(_END) and len(rest) < MAX_RUN_BYTES:
            continue
        texts = _plain_texts(rest[:end], is_begun=is_begun)
        if texts is None:
            break
        yield from texts
        rest, is_begun = rest[end:], True
    found: list[str] = []
    reader = _StringReader(found)
    behind = chain([b"<sst>" if is_begun else b"", rest], chunks)
    for _ in parsed(behind, start=reader.start, end=reader.end, text=reader.text):
        yield from found
        found.clear()


def _plain_texts(xml: bytes, *, is_begun: bool) -> Iterable[str] | None:
    """The texts in some whole elements; `None` where that takes a closer look."""
    begin = 0 if is_begun else xml.find(b"<si>")
    if begin < 0 or not is_plain_head(xml[:begin]):
        return None
    try:
        whole = xml[begin:].decode()
        texts = _PLAIN.findall(whole)
        if whole.count("<") != _TAGS_OF_PLAIN * len(texts) or "\r" in whole:
            return None
        if "&" in whole:
            texts = list(map(dereferenced, texts))
    except ValueError:
        return None
    return map(unescaped, texts) if "_x" in whole else texts


class _StringReader:
    """Gathers texts from the elements of the part; what is only there to be pronounced is left out."""

    def __init__(self, found: list[str]) -> None:
        self._found = found
        self._pieces: list[str] = []
        self._is_text = False
        self._phonetic = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._phonetic += 1
        self._is_text = name == "t" and not self._phonetic

    def text(self, piece: str) -> None:
        if self._is_text:
            self._pieces.append(piece)

    def end(self, name: str) -> None:
        self._is_text = False
        if name == "rPh":
            self._phonetic -= 1
        elif name == "si":
            self._found.append(unescaped("".join(self._pieces)))
