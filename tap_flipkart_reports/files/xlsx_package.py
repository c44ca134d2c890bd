"""The parts of a workbook beside its cells: its sheets and where they are, and which numbers are dates or shares."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.files.xlsx_xml import attribute, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    ReadPart = Callable[[str], Iterator[bytes]]
    """The bytes of a part of the workbook; raises `FileError` where there is none, or too many bytes."""

BOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
SHARED_STRINGS = "xl/sharedstrings.xml"
STYLES = "xl/styles.xml"

MAX_SHEETS = 1000
"""Sheets of a workbook; reports have up to 20."""

MAX_STYLES = 2**17
"""Styles of cells, and relations: Excel allows for half as many."""

NUMBER, MOMENT, DURATION, PERCENT = range(4)
"""What a style makes of a number."""

_BUILT_IN_MOMENTS = frozenset({*range(14, 23), 45, 47})
_BUILT_IN_DURATION = 46
_BUILT_IN_PERCENT = (9, 10)

_LITERAL = re.compile(r'"[^"]*"?|[\\_*].?', re.DOTALL)
"""Parts of a number format that are shown as they are."""

_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_BRACKETS = re.compile(r"\[[^\]]*\]?")
_PARTS_OF_MOMENTS = re.compile(r"[dmhys]|a/?m?/?p", re.IGNORECASE)


def part_name(name: str) -> str:
    """A part's name in the form in which it is compared: without case, as in the standard."""
    return name.lower()


@dataclass(frozen=True, kw_only=True)
class Package:
    """What a workbook is made of.

    Attributes:
        sheets: the name of each sheet with cells, and its part.
        shared_strings: the part with the texts that cells refer to, if any.
        styles: for each style of cells what it makes of a number.
        is_1904: whether days count from 1904.
    """

    sheets: tuple[tuple[str, str], ...]
    shared_strings: str | None
    styles: bytes
    is_1904: bool


def read_package(parts: Collection[str], read: ReadPart) -> Package:
    """Look at a workbook's parts.

    Args:
        parts: the names of all, by `part_name`.
        read: tells the bytes of one.

    Raises:
        FileError: the workbook cannot be read.
    """
    names, is_1904 = _sheets(read(BOOK))
    targets = _targets(read(RELATIONS))
    by_kind = {kind: target for kind, target in targets.values() if kind in {"sharedStrings", "styles"}}
    shared = by_kind.get("sharedStrings", SHARED_STRINGS)
    styles = by_kind.get("styles", STYLES)
    return Package(
        sheets=tuple(
            (name, targets[relation][1])
            for name, relation in names
            if relation in targets and targets[relation][0] == "worksheet"
        ),
        shared_strings=shared if shared in parts else None,
        styles=bytes(_styles(read(styles))) if styles in parts else b"",
        is_1904=is_1904,
    )


def _sheets(chunks: Iterator[bytes]) -> tuple[list[tuple[str, str]], bool]:
    """Each sheet's name with its relation, and whether days count from 1904."""
    sheets: list[tuple[str, str]] = []
    is_1904 = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal is_1904
        if name == "sheet":
            sheets.append((attributes.get("name", ""), attribute(attributes, "id") or ""))
            if len(sheets) > MAX_SHEETS:
                raise FileError(f"the workbook has more than {MAX_SHEETS:,} sheets, which no report has")
        elif name == "workbookPr":
            is_1904 = attributes.get("date1904") in {"1", "true"}

    for _ in parsed(chunks, start=start):
        """Only counted."""
    return sheets, is_1904


def _targets(chunks: Iterator[bytes]) -> dict[str, tuple[str, str]]:
    """Kind and part of each relation, by its id."""
    targets: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and len(targets) < MAX_STYLES:
            kind = attributes.get("Type", "").rpartition("/")[2]
            target = posixpath.normpath(posixpath.join("/xl", attributes.get("Target", "")))[1:]
            targets[attributes.get("Id", "")] = kind, part_name(target)

    for _ in parsed(chunks, start=start):
        """Only collected."""
    return targets


def _styles(chunks: Iterator[bytes]) -> bytearray:
    """For each style of cells what it makes of a number."""
    kinds: dict[str, int] = {}
    styles = bytearray()
    is_among_cells = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal is_among_cells
        if len(styles) + len(kinds) > MAX_STYLES:
            raise FileError(f"the workbook has more than {MAX_STYLES:,} styles, which no report has")
        if name == "numFmt":
            kinds[attributes.get("numFmtId", "")] = _kind_of_format(attributes.get("formatCode", ""))
        elif name == "cellXfs":
            is_among_cells = True
        elif name == "xf" and is_among_cells:
            number = attributes.get("numFmtId", "")
            styles.append(kinds[number] if number in kinds else _built_in_kind(number))

    def end(name: str) -> None:
        nonlocal is_among_cells
        is_among_cells = is_among_cells and name != "cellXfs"

    for _ in parsed(chunks, start=start, end=end):
        """Only collected."""
    return styles


def _built_in_kind(number: str) -> int:
    if number == str(_BUILT_IN_DURATION):
        return DURATION
    if number in map(str, _BUILT_IN_PERCENT):
        return PERCENT
    return MOMENT if number in map(str, _BUILT_IN_MOMENTS) else NUMBER


def _kind_of_format(code: str) -> int:
    """What a number format makes of a number, by its part for positive ones."""
    first = _LITERAL.sub("", code[:1000]).partition(";")[0]
    if _ELAPSED.search(first):
        return DURATION
    shown = _BRACKETS.sub("", first)
    if _PARTS_OF_MOMENTS.search(shown):
        return MOMENT
    return PERCENT if "%" in shown else NUMBER
