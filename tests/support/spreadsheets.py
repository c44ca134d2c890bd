"""Workbooks (XLSX) as programs write them, good and bad, down to the XML of a cell."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from string import ascii_uppercase
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><cellXfs count="3">'
    '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>'
)
"""The second style shows a number as a day, the third as a moment."""

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no zones
WRITTEN = (2026, 11, 25, 0, 0, 0)
"""The time stamp of everything in a ZIP: the same bytes whenever they are made."""


@dataclass(frozen=True)
class Raw:
    """A cell as XML: its attributes and what is in it."""

    attributes: str = ""
    inside: str = ""


def formula(text: str, value: str | None = None) -> Raw:
    """A formula, calculated or not."""
    return Raw(inside=f"<f>{escape(text)}</f>" + ("" if value is None else f"<v>{value}</v>"))


def error(text: str) -> Raw:
    return Raw('t="e"', f"<v>{text}</v>")


Cell = str | float | bool | date | Raw | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """A sheet of a workbook.

    Attributes:
        rows: its cells from A1.
        dimension: what it says of its extent.
        state: `visible` or `hidden`.
        merged: ranges of merged cells.
        at: cells elsewhere, by reference.
    """

    rows: Sequence[Sequence[Cell]] = ()
    dimension: str | None = None
    state: str = "visible"
    merged: Sequence[str] = ()
    at: Mapping[str, Cell] = field(default_factory=dict)


def workbook(
    pages: Mapping[str, Page | Sequence[Sequence[Cell]]],
    *,
    prefix: str = "",
    shared: bool = True,
    charts: Sequence[str] = (),
) -> bytes:
    """The bytes of a workbook.

    Args:
        pages: the sheets by name.
        prefix: a prefix of its elements, as some writers give them.
        shared: whether texts are kept apart from the cells.
        charts: names of sheets that are charts.
    """
    book = _Book(prefix=prefix, shared=shared)
    sheets = [
        (name, "worksheet", page if isinstance(page, Page) else Page(rows=page)) for name, page in pages.items()
    ] + [(name, "chartsheet", Page()) for name in charts]
    listed = relations = ""
    parts = {}
    for number, (name, kind, page) in enumerate(sheets, 1):
        listed += f'<sheet name={quoteattr(name)} sheetId="{number}" state="{page.state}" r:id="rId{number}"/>'
        relations += f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{kind}s/sheet{number}.xml"/>'
        parts[f"xl/{kind}s/sheet{number}.xml"] = book.sheet(page, kind)
    parts["xl/styles.xml"] = STYLES
    relations += f'<Relationship Id="rS" Type="{OFFICE}/styles" Target="styles.xml"/>'
    if shared:
        parts["xl/sharedStrings.xml"] = book.strings()
        relations += f'<Relationship Id="rT" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    first = f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    return zip_of(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": f'<Relationships xmlns="{RELATIONS}">{first}</Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}">{relations}</Relationships>',
            **parts,
        }
    )


def zip_of(members: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP, the same whenever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, WRITTEN)
            member.compress_type = compression
            archive.writestr(member, content)
    return buffer.getvalue()


def column(place: int) -> str:
    """The letters of a column, from 0."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


class _Book:
    def __init__(self, *, prefix: str, shared: bool) -> None:
        self._prefix = prefix
        self._shared = shared
        self._strings: dict[str, int] = {}

    def sheet(self, page: Page, kind: str) -> str:
        cells = {
            f"{column(place)}{number}": cell
            for number, row in enumerate(page.rows, 1)
            for place, cell in enumerate(row)
            if cell is not None
        } | dict(page.at)
        rows: dict[str, str] = {}
        for reference, cell in cells.items():
            number = reference.lstrip(ascii_uppercase)
            rows[number] = rows.get(number, "") + self._cell(reference, cell)
        table = "".join(self._tag("row", inside, f'r="{number}"') for number, inside in rows.items())
        extent = self._tag("dimension", "", f'ref="{page.dimension}"') if page.dimension else ""
        areas = "".join(self._tag("mergeCell", "", f'ref="{area}"') for area in page.merged)
        merged = self._tag("mergeCells", areas) if areas else ""
        namespace = f'xmlns:{self._prefix}="{MAIN}"' if self._prefix else f'xmlns="{MAIN}"'
        return self._tag(kind, extent + self._tag("sheetData", table) + merged, namespace)

    def strings(self) -> str:
        texts = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in self._strings)
        return f'<sst xmlns="{MAIN}">{texts}</sst>'

    def _tag(self, name: str, inside: str, attributes: str = "") -> str:
        name = f"{self._prefix}:{name}" if self._prefix else name
        start = f"{name} {attributes}".strip()
        return f"<{start}>{inside}</{name}>" if inside else f"<{start}/>"

    def _cell(self, reference: str, cell: Cell) -> str:
        attributes, inside = "", ""
        if isinstance(cell, Raw):
            attributes, inside = cell.attributes, cell.inside
        elif isinstance(cell, str) and self._shared:
            attributes = 't="s"'
            inside = self._tag("v", str(self._strings.setdefault(cell, len(self._strings))))
        elif isinstance(cell, str):
            attributes = 't="inlineStr"'
            inside = self._tag("is", self._tag("t", escape(cell), 'xml:space="preserve"'))
        elif isinstance(cell, bool):
            attributes, inside = 't="b"', self._tag("v", str(int(cell)))
        elif isinstance(cell, date):
            moment = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - a workbook's time has no zone
            attributes = f's="{2 if isinstance(cell, datetime) else 1}"'
            inside = self._tag("v", repr((moment - EPOCH) / timedelta(days=1)))
        else:
            inside = self._tag("v", repr(cell))
        return self._tag("c", inside, f'r="{reference}" {attributes}'.strip())
