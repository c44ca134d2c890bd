"""Tables and numbers as text for the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tap_flipkart_reports.redaction import MAX_QUOTED, clean_line

if TYPE_CHECKING:
    from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, in columns as wide as their widest cell; what a cell holds may be anybody's text."""
    rows = [[clean_line(cell, limit=MAX_QUOTED) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def json_text(document: object, *, indent: int | None = None) -> str:
    """A document as JSON that a person may read on a terminal: letters as they are, all that acts on one escaped."""
    lines = json.dumps(document, indent=indent, ensure_ascii=False).split("\n")
    return "\n".join("".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in line) for line in lines)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is one that takes an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
