"""Tables and numbers as text for the terminal."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

from tap_flipkart_reports.redaction import MAX_QUOTED, clean_line

if TYPE_CHECKING:
    from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, in columns as wide as their widest cell; what a cell holds may be anybody's text."""
    rows = [[clean_line(cell, limit=MAX_QUOTED) for cell in row] for row in rows]
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def width_of(text: str) -> int:
    """How many columns of a terminal a text takes: marks over and under letters (दु) none, letters like 店 two."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def padded(text: str, width: int) -> str:
    """The text, followed by blanks up to a width."""
    return text + " " * (width - width_of(text))


def fitted(text: str, width: int, *, mark: str = "…") -> str:
    """The text's beginning as far as a width has room, with a mark where something is missing."""
    if width_of(text) <= width:
        return text
    while width_of(text) >= width:
        text = text[:-1]
    return f"{text}{mark}"


def json_text(document: object, *, indent: int | None = None) -> str:
    """A document as JSON for a terminal: non-ASCII letters are kept, control characters escaped."""
    lines = json.dumps(document, indent=indent, ensure_ascii=False).split("\n")
    return "\n".join("".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line) for line in lines)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is one that takes an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
