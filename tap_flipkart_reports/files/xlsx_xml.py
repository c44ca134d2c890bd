"""Parses XML in bounded memory and linear time, even if it is hostile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.parsers import expat

from tap_flipkart_reports.exceptions import FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_RUN_BYTES = 2**22
"""Bytes of a cell's text, or of a tag with its attributes. Excel allows at most 32,767 characters of six bytes each."""

MAX_DEPTH = 100
"""Depth of nested elements; a workbook has ten."""

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""A workbook's escapes for characters that XML does not allow."""

_REFERENCE = re.compile(r"&(?:(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));)?")

_ENCODING = re.compile(rb"""encoding\s?=\s?["']([A-Za-z0-9_-]{1,40})["']""")

_ALLOWED = "\t\n\r"
"""Control characters that XML allows."""

_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def parsed(
    chunks: Iterable[bytes],
    *,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Call functions for the elements of a document, by local names; yields after each chunk.

    Args:
        chunks: the document.
        start: called with each start tag.
        end: called with each end tag.
        text: called with the text in pieces.

    Raises:
        FileError: the document is not XML, or no workbook is like it.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = 0

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise FileError(f"the workbook's XML is nested more than {MAX_DEPTH} deep")
        start(local_name(name), attributes)

    def ended(name: str) -> None:
        nonlocal depth
        depth -= 1
        if end is not None:
            end(local_name(name))

    parser.StartElementHandler, parser.EndElementHandler = started, ended
    parser.StartDoctypeDeclHandler = refuse_doctype
    if text is not None:
        parser.CharacterDataHandler = text
    run = 0
    for chunk in chunks:
        last = chunk.rfind(b"<")
        run = len(chunk) - last if last >= 0 else run + len(chunk)
        if run > MAX_RUN_BYTES:
            raise FileError(f"the workbook has a cell or a tag of more than {MAX_RUN_BYTES:,} bytes")
        _parse(parser, chunk, is_final=False)
        yield
    _parse(parser, b"", is_final=True)
    yield


def _parse(parser: expat.XMLParserType, chunk: bytes, *, is_final: bool) -> None:
    try:
        parser.Parse(chunk, is_final)
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an unknown encoding
        raise FileError(f"the file is a workbook (XLSX) that cannot be read: {error}") from error


def local_name(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


def refuse_doctype(*_declared: object) -> None:
    """A handler of document types, which no workbook has.

    Raises:
        FileError: always.
    """
    raise FileError("the file is a workbook (XLSX) that cannot be read: its XML declares a document type of its own")


def is_plain_head(xml: bytes) -> bool:
    """Whether the beginning of a document shows the usual form: UTF-8, no comments."""
    encoding = _ENCODING.search(xml)
    return b"<!" not in xml and (encoding is None or encoding[1].lower() in {b"utf-8", b"us-ascii"})


def attribute(attributes: dict[str, str], name: str) -> str | None:
    """An attribute's value by its name without a prefix."""
    if name in attributes:
        return attributes[name]
    return next((value for known, value in attributes.items() if local_name(known) == name), None)


def unescaped(text: str) -> str:
    """A text of a cell without a workbook's own escapes; NUL, which no target can store, is left out."""
    if "_x" not in text:
        return text
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text).replace("\0", "")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def dereferenced(text: str) -> str:
    """A text of XML without references to characters.

    Raises:
        ValueError: it has a reference that XML does not know.
    """
    if "&" not in text:
        return text
    return _REFERENCE.sub(_referenced, text)


def _referenced(match: re.Match[str]) -> str:
    if match[1]:
        return _NAMED[match[1]]
    if match[2] or match[3]:
        character = chr(int(match[2]) if match[2] else int(match[3], 16))
        if character in _ALLOWED or character >= " ":
            return character
    raise ValueError(f"{match[0]} is not a reference that XML knows")
