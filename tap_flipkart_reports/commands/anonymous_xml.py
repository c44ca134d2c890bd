"""Copies XML byte by byte, except for changed texts and for elements that are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from xml.parsers import expat
from xml.sax.saxutils import escape

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.xlsx_xml import local_name, refuse_doctype

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Changes(Protocol):
    """The changes to a document."""

    def starts(self, name: str, attributes: dict[str, str]) -> bool:
        """Called with each element's local name and attributes. Returns whether the element is kept."""

    def ends(self, name: str) -> None:
        """Called at the end of each element that is kept."""

    def text(self, name: str, text: str) -> str | None:
        """The new text of an element without child elements; `None` to keep its text."""


class XmlCopier:
    """Copies a document.

    Args:
        changes: the changes.
    """

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._starts
        self._parser.EndElementHandler = self._ends
        self._parser.CharacterDataHandler = self._text
        self._parser.StartCdataSectionHandler = self._cdata
        self._parser.CommentHandler = self._comment
        self._parser.StartDoctypeDeclHandler = refuse_doctype
        self._parser.XmlDeclHandler = _check_encoding
        self._pending = b""
        self._base = 0
        """Offset of `_pending` in the document."""
        self._made: list[bytes] = []
        self._left_out = 0
        """Depth within an element that is left out."""
        self._is_bare = False
        """Whether the current element has had neither text nor child elements so far."""
        self._texts: list[str] | None = None
        self._text_from: int | None = None

    def copied(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The changed document.

        Raises:
            FileError: it is not XML, or it declares a document type or an unusual encoding.
        """
        for chunk in chunks:
            self._pending += chunk
            self._parse(chunk, is_final=False)
            self._copy_to(self._safe_end())
            yield self._taken()
        self._parse(b"", is_final=True)
        self._copy_to(self._base + len(self._pending))
        yield self._taken()

    def _parse(self, chunk: bytes, *, is_final: bool) -> None:
        try:
            self._parser.Parse(chunk, is_final)
        except expat.ExpatError as error:
            raise FileError(f"the file is a workbook (XLSX) that cannot be read: {error}") from error

    def _safe_end(self) -> int:
        """The offset up to which the document is final."""
        if self._left_out:
            return self._base
        at = max(self._parser.CurrentByteIndex, self._base)
        return at if self._text_from is None else min(at, self._text_from)

    def _taken(self) -> bytes:
        made, self._made = b"".join(self._made), []
        return made

    def _copy_to(self, end: int) -> None:
        if end > self._base:
            self._made.append(self._pending[: end - self._base])
            self._skip_to(end)

    def _skip_to(self, end: int) -> None:
        self._pending = self._pending[end - self._base :]
        self._base = end

    def _starts(self, name: str, attributes: dict[str, str]) -> None:
        if self._left_out:
            self._left_out += 1
            self._is_bare = False
            return
        self._texts, self._text_from = [], None
        if not self._changes.starts(local_name(name), attributes):
            self._copy_to(self._parser.CurrentByteIndex)
            self._left_out = 1
            self._is_bare = True

    def _ends(self, name: str) -> None:
        at = self._parser.CurrentByteIndex
        if self._left_out:
            self._left_out -= 1
            if not self._left_out:
                self._skip_to(self._end_of_tag(at))
            return
        if self._texts is not None and self._text_from is not None:
            new = self._changes.text(local_name(name), "".join(self._texts))
            if new is not None:
                self._copy_to(self._text_from)
                self._made.append(escape(new).encode("utf-8", "surrogatepass"))
                self._skip_to(at)
        self._texts, self._text_from = None, None
        self._changes.ends(local_name(name))

    def _text(self, text: str) -> None:
        self._is_bare = False
        if self._texts is not None and not self._left_out:
            if self._text_from is None:
                self._text_from = self._parser.CurrentByteIndex
            self._texts.append(text)

    def _cdata(self) -> None:
        if self._texts is not None and self._text_from is None and not self._left_out:
            self._text_from = self._parser.CurrentByteIndex

    def _comment(self, _text: str) -> None:
        """Comments are left out."""
        if not self._left_out and self._text_from is None:
            at = self._parser.CurrentByteIndex
            self._copy_to(at)
            self._skip_to(self._base + self._pending.index(b"-->") + 3)

    def _end_of_tag(self, at: int) -> int:
        """Where an element ends whose end is reported: expat reports one that is a single tag behind the tag."""
        offset = at - self._base
        if self._is_bare and self._pending.endswith(b"/>", 0, offset):
            return at
        return self._base + self._pending.index(b">", offset) + 1


def _check_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in {"utf-8", "us-ascii"}:
        raise FileError(f"the workbook's XML is {encoding}, which cannot be copied; save it again as UTF-8")
