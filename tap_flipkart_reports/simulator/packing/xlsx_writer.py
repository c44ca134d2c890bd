"""Workbooks (XLSX) written by hand, row by row, in constant memory.

By hand because the simulator lives in the tap's own installation, which needs no writer, and because it has to write
what a library refuses: formulas without values, dimensions that lie.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Self

BUFFER = 2**16
"""Characters gathered before they are compressed."""

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no zones
"""Day 0 of a workbook's dates, counting its 29 February 1900, which never was."""

_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

_DAY_STYLE, _MOMENT_STYLE = 1, 2
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3">'
    '<xf numFmtId="0" xfId="0"/><xf numFmtId="14" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="22" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass(frozen=True)
class Formula:
    """A cell that is calculated, and whose value nobody has written down."""

    text: str


class Number(str):
    """A cell that is a number, by its digits."""

    __slots__ = ()


Cell = str | Number | datetime | Formula
"""An empty text is an empty cell."""


class Workbook:
    """A workbook, whose sheets are written one after the other.

    Args:
        out: where it is written to; it need not be able to seek.
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._sheets: list[str] = []

    def __enter__(self) -> Self:
        """Write sheets until the block's end."""
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        """Write what holds the sheets together."""
        if kind is None:
            self._write_parts()
        self._archive.close()

    def add_sheet(
        self, name: str, rows: Iterable[Sequence[Cell]], *, merged: Sequence[str] = (), dimension: str | None = None
    ) -> None:
        """Write a sheet.

        Args:
            name: on its tab.
            rows: its cells from A1 on.
            merged: areas that are one cell, such as `A1:C1`.
            dimension: the area in use, as the sheet shall say; by default it does not say.
        """
        self._sheets.append(name)
        said = f'<dimension ref="{dimension}"/>' if dimension else ""
        with self._part(f"xl/worksheets/sheet{len(self._sheets)}.xml") as part:
            part.write(f'{_HEAD}<worksheet xmlns="{_MAIN}">{said}<sheetData>'.encode())
            _write_rows(part, rows)
            part.write(b"</sheetData>")
            if merged:
                areas = "".join(f'<mergeCell ref="{area}"/>' for area in merged)
                part.write(f'<mergeCells count="{len(merged)}">{areas}</mergeCells>'.encode())
            part.write(b"</worksheet>")

    def _part(self, name: str) -> IO[bytes]:
        entry = zipfile.ZipInfo(name)  # of 1980, so that equal sheets are equal bytes
        entry.compress_type = zipfile.ZIP_DEFLATED
        return self._archive.open(entry, "w")

    def _write_parts(self) -> None:
        numbers = range(1, len(self._sheets) + 1)
        sheets = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
            for number, name in zip(numbers, self._sheets, strict=True)
        )
        relations = "".join(
            f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in numbers
        )
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_MEDIA}.worksheet+xml"/>'
            for number in numbers
        )
        parts = {
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{relations}'
            f'<Relationship Id="rId0" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
            "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_MEDIA}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_MEDIA}.styles+xml"/>{overrides}</Types>',
        }
        for name, text in parts.items():
            with self._part(name) as part:
                part.write((_HEAD + text).encode())
        with self._part("xl/styles.xml") as part:
            part.write(_STYLES.encode())


def _write_rows(part: IO[bytes], rows: Iterable[Sequence[Cell]]) -> None:
    waiting: list[str] = []
    size = 0
    for number, row in enumerate(rows, 1):
        cells = [f'<c r="{letters(index)}{number}"{_body(cell)}</c>' for index, cell in enumerate(row) if cell != ""]
        text = f'<row r="{number}">{"".join(cells)}</row>'
        waiting.append(text)
        size += len(text)
        if size > BUFFER:
            part.write("".join(waiting).encode())
            waiting, size = [], 0
    part.write("".join(waiting).encode())


@lru_cache(maxsize=2**13, typed=True)
def _body(cell: Cell) -> str:
    """What follows a cell's place; most cells of a table are like others."""
    if isinstance(cell, Number):
        return f"><v>{cell}</v>"
    if isinstance(cell, str):
        return f' t="inlineStr"><is><t xml:space="preserve">{escape(_ILLEGAL.sub("", cell))}</t></is>'
    if isinstance(cell, Formula):
        return f"><f>{escape(cell.text)}</f>"
    style = _DAY_STYLE if cell.time() == EPOCH.time() else _MOMENT_STYLE
    return f' s="{style}"><v>{serial(cell)}</v>'


@cache
def letters(index: int) -> str:
    """A column's letters, from 0: A, …, Z, AA."""
    return (letters(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)  # noqa: PLR2004 - the alphabet


def serial(moment: datetime) -> Number:
    """A moment as a workbook counts it: days, and the part of the day, since its day 0."""
    since = moment - EPOCH
    part = (Decimal(since.seconds) / 86_400).quantize(Decimal("1e-10"))
    return Number((since.days + part).normalize() if part else since.days)
