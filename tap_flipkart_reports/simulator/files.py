"""Tables to the bytes of a report's file, spoilt as the fault script says."""

from __future__ import annotations

import csv
import gzip
import io
import random
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HTML_PAGE = (
    b"<!DOCTYPE html><html><head><title>Flipkart Seller Hub: please log in</title></head>"
    b"<body>Your session is over.</body></html>"
)


def file_of(header: Sequence[str], rows: Sequence[Mapping[str, str]], faults: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The file of a report.

    Args:
        header: the columns.
        rows: cells by column.
        faults: what is wrong with this report, with arguments.
    """
    if "html_page" in faults:
        return HTML_PAGE
    if "zero_bytes" in faults:
        return b""
    content = _text(*_grid(list(header), rows, faults), faults).encode(
        "cp1252" if "cp1252" in faults else "utf-8", errors="replace" if "cp1252" in faults else "strict"
    )
    if "unterminated_quote" in faults:
        content += b'"never closed'
    if "bom" in faults:
        content = b"\xef\xbb\xbf" + content
    if "gzip_file" in faults:
        content = gzip.compress(content, mtime=0)
    if "zip_file" in faults:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("report.csv", content)
        content = packed.getvalue()
    return content


def _grid(
    header: list[str], rows: Sequence[Mapping[str, str]], faults: Mapping[str, Mapping[str, Any]]
) -> tuple[list[str], list[list[str]]]:
    """Header and rows as lists of cells, with columns and cells spoilt."""
    names = list(header)
    if "missing_column" in faults:
        names.remove(faults["missing_column"]["header"])
    if "shuffled_columns" in faults:
        random.Random(len(names)).shuffle(names)
    grid = [[row[name] for name in names] for row in rows]
    if "header_only" in faults:
        grid = []
    if "duplicate_rows" in faults:
        grid = [row for row in grid for _ in range(2)]
    if "bad_cell" in faults and grid:
        spoilt = faults["bad_cell"]
        grid[spoilt.get("row", 1) - 1][names.index(spoilt["header"])] = spoilt["text"]
    if "renamed_column" in faults:
        renamed = faults["renamed_column"]
        names[names.index(renamed["header"])] = renamed["to"]
    if "extra_column" in faults:
        names.append(faults["extra_column"]["header"])
        grid = [[*row, f"extra {number}"] for number, row in enumerate(grid, 1)]
    if "ragged_row" in faults and grid:
        index, cells = faults["ragged_row"].get("row", 1) - 1, faults["ragged_row"].get("cells", 1)
        grid[index] = (grid[index] + ["surplus"] * cells)[:cells]
    return names, grid


def _text(names: Sequence[str], grid: Sequence[Sequence[str]], faults: Mapping[str, object]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n" if "lf" in faults else "\r\n")
    if "blank_lines" in faults:
        text.write("\r\n \r\n")
    writer.writerow(names)
    for number, row in enumerate(grid):
        if "blank_lines" in faults and number % 3 == 0:
            writer.writerow([""] * len(names))
        writer.writerow(row)
    return text.getvalue()
