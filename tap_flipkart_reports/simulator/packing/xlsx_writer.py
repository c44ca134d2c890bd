"""Writes workbooks (XLSX) row by row, in constant memory.

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
    from collections.abc import Iterable, Mapping, Sequence

    from typing_extensions import Self

BUFFER = 2**16
"""Characters that are collected before they are compressed."""

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no zones
"""Day 0 of a workbook's dates, which include a 29 February 1900 that did not exist."""

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
    """A formula without a stored value."""

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
        first_sheet: number of the part that holds the first sheet.
    """

    def __init__(self, out: IO[bytes], *, first_sheet: int = 1) -> None:
        self._archive = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self._first_sheet = first_sheet
        self._sheets: list[str] = []
        self._commented: list[int] = []

    def __enter__(self) -> Self:
        """Write sheets until the block's end."""
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        """Write the parts that list the sheets."""
        if kind is None:
            self._write_parts()
        self._archive.close()

    def add_sheet(  # noqa: PLR0913 - independent properties of a sheet
        self,
        name: str,
        rows: Iterable[Sequence[Cell]],
        *,
        merged: Sequence[str] = (),
        dimension: str | None = None,
        comments: Mapping[str, str] | None = None,
        hidden: Sequence[int] = (),
    ) -> None:
        """Write a sheet.

        Args:
            name: on its tab.
            rows: its cells from A1 on.
            merged: areas that are one cell, such as `A1:C1`.
            dimension: the area in use, as the sheet shall say; by default it does not say.
            comments: text beside cells, by the cell.
            hidden: columns that are not shown, from 0.
        """
        number = self._first_sheet + len(self._sheets)
        self._sheets.append(name)
        said = f'<dimension ref="{dimension}"/>' if dimension else ""
        columns = "".join(f'<col min="{index + 1}" max="{index + 1}" hidden="1"/>' for index in hidden)
        said += f"<cols>{columns}</cols>" if hidden else ""
        with self._part(f"xl/worksheets/sheet{number}.xml") as part:
            part.write(f'{_HEAD}<worksheet xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{said}<sheetData>'.encode())
            _write_rows(part, rows)
            part.write(b"</sheetData>")
            if merged:
                areas = "".join(f'<mergeCell ref="{area}"/>' for area in merged)
                part.write(f'<mergeCells count="{len(merged)}">{areas}</mergeCells>'.encode())
            if comments:
                part.write(b'<legacyDrawing r:id="rId1"/>')
            part.write(b"</worksheet>")
        if comments:
            self._write_comments(number, comments)

    def _write_comments(self, number: int, comments: Mapping[str, str]) -> None:
        """The parts for comments: their texts, their shapes, and the relationships to the sheet."""
        self._commented.append(number)
        texts = "".join(
            f'<comment ref="{cell}" authorId="0"><text><t>{escape(text)}</t></text></comment>'
            for cell, text in comments.items()
        )
        boxes = "".join(
            f'<v:shape id="_x0000_s{1025 + index}" type="#_x0000_t202" style="visibility:hidden"><v:textbox/>'
            f'<x:ClientData ObjectType="Note"><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData>'
            "</v:shape>"
            for index, (row, column) in enumerate(map(_place, comments))
        )
        parts = {
            f"xl/comments{number}.xml": f'<comments xmlns="{_MAIN}"><authors><author/></authors>'
            f"<commentList>{texts}</commentList></comments>",
            f"xl/drawings/vmlDrawing{number}.vml": '<xml xmlns:v="urn:schemas-microsoft-com:vml" '
            'xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">'
            '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"/>'
            f"{boxes}</xml>",
            f"xl/worksheets/_rels/sheet{number}.xml.rels": f'<Relationships xmlns="{_RELATIONS}">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/vmlDrawing" Target="../drawings/vmlDrawing{number}.vml"/>'
            f'<Relationship Id="rId2" Type="{_OFFICE}/comments" Target="../comments{number}.xml"/></Relationships>',
        }
        for name, text in parts.items():
            with self._part(name) as part:
                part.write((_HEAD + text).encode())

    def _part(self, name: str) -> IO[bytes]:
        entry = zipfile.ZipInfo(name)  # of 1980, so that equal sheets are equal bytes
        entry.compress_type = zipfile.ZIP_DEFLATED
        return self._archive.open(entry, "w")

    def _write_parts(self) -> None:
        numbers = range(self._first_sheet, self._first_sheet + len(self._sheets))
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
        ) + "".join(
            f'<Override PartName="/xl/comments{number}.xml" ContentType="{_MEDIA}.comments+xml"/>'
            for number in self._commented
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
            '<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>'
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
    """A cell's XML after its reference; cached, as most cells of a table repeat."""
    if isinstance(cell, Number):
        return f"><v>{cell}</v>"
    if isinstance(cell, str):
        return f' t="inlineStr"><is><t xml:space="preserve">{escape(_ILLEGAL.sub("", cell))}</t></is>'
    if isinstance(cell, Formula):
        return f"><f>{escape(cell.text)}</f>"
    style = _DAY_STYLE if cell.time() == EPOCH.time() else _MOMENT_STYLE
    return f' s="{style}"><v>{serial(cell)}</v>'


def _place(cell: str) -> tuple[int, int]:
    """The row and the column of a cell such as A1, from 0."""
    name = cell.rstrip("0123456789")
    column = 0
    for letter in name:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(cell.removeprefix(name)) - 1, column - 1


@cache
def letters(index: int) -> str:
    """A column's letters, from 0: A, …, Z, AA."""
    return (letters(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)  # noqa: PLR2004 - the alphabet


def serial(moment: datetime) -> Number:
    """A moment as a workbook stores it: days since its day 0, with the time as a fraction."""
    since = moment - EPOCH
    part = (Decimal(since.seconds) / 86_400).quantize(Decimal("1e-10"))
    return Number((since.days + part).normalize() if part else since.days)
