"""A look into files: what they are, which streams they would feed, what a schema would be."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.commands.tables import counted, json_text
from tap_flipkart_reports.exceptions import FileError, RowError, SettingsError
from tap_flipkart_reports.files.containers import open_sheets
from tap_flipkart_reports.files.converters import CONVERTERS, PADDING
from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_search import HELP_SHEETS, Report
from tap_flipkart_reports.files.header_words import MAX_LISTED, normalise
from tap_flipkart_reports.files.report_guess import likeliest, rank_reports
from tap_flipkart_reports.files.row_filter import RejectedRow, RowCounts
from tap_flipkart_reports.files.row_keys import RowHashes, row_identity
from tap_flipkart_reports.files.row_rules import LENIENT_RULES
from tap_flipkart_reports.files.rows import read_rows
from tap_flipkart_reports.planning.report_type import ReportTable
from tap_flipkart_reports.redaction import clean_line
from tap_flipkart_reports.report_types import REPORT_TYPES, TABLES, tables_of
from tap_flipkart_reports.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tap_flipkart_reports.files.columns import Column, ColumnType
    from tap_flipkart_reports.files.header_match import Layout
    from tap_flipkart_reports.files.row_keys import RowIdentity
    from tap_flipkart_reports.files.sheets import Sheet, Table


UNKNOWN = ReportTable(stream="unknown", title="unknown")
"""Stands for a table that the tap does not know."""

MAX_TEXT = 100_000
"""Characters of a line of the answer: some files have hundreds of columns, and all are named."""

NEAREST = 2
"""Report types that are named where none is a file's."""

MAX_DIGITS = 11
"""A longer whole number is an id: money and counts do not reach it."""

_ID = re.compile(r"(?:^|_)(?:id|ids|no|number|code|pincode|pin|hsn|gstin|irn|imei|phone|mobile|sku|fsn|awb)$")
"""Names of columns whose digits are not a number."""

_MONEY = re.compile(r"(?:^|_)(?:rs|inr|amount|price|value|fee|fees|rate|percent|share|discount)(?:_|$)")
"""Names of columns whose numbers may have decimals even if none has."""

_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_TYPES: tuple[ColumnType, ...] = ("integer", "number", "date", "date-time")
"""In the order in which they are tried."""


@dataclass(kw_only=True)
class InspectedTable:
    """A table of a file, and the result of reading it.

    Attributes:
        name: the sheet or archive member it is in; empty for a bare file.
        stream: the stream it would feed, `None` for none.
        header: its header.
        header_line: the line on which that begins.
        missing: headers of the stream's columns that it does not have.
        new: headers of its columns that the stream does not have.
        counts: counts of its rows.
        rejected: the first rows that would be passed over.
        error: why it could not be read to its end.
        schema: proposals for the properties of its new columns.
        unique: headers of its new columns that have another text in every row.
        tied: rows that share their key with another.
        incomplete: rows with a blank part in their key.
    """

    name: str
    stream: str | None
    header: Sequence[str]
    header_line: int
    missing: Sequence[str] = ()
    new: Sequence[str] = ()
    counts: RowCounts = field(default_factory=RowCounts)
    rejected: list[RejectedRow] = field(default_factory=list)
    error: str | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    unique: Sequence[str] = ()
    tied: int = 0
    incomplete: int = 0


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a file is.

    Attributes:
        path: the file.
        report_types: the report types that it may be, the likeliest first.
        nearest: if it is not one of the known report types, those that are most like it.
        sheets: name and format of each sheet.
        tables: its tables.
    """

    path: Path
    report_types: tuple[str, ...]
    nearest: tuple[str, ...]
    sheets: tuple[tuple[str, str], ...]
    tables: tuple[InspectedTable, ...]

    def document(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "file": str(self.path),
            "report_types": list(self.report_types),
            "nearest": list(self.nearest),
            "sheets": [{"name": name, "form": form} for name, form in self.sheets],
            "tables": [_document(table) for table in self.tables],
        }

    def schemas(self) -> str:
        """Proposals for files in `schemas/`: of a known table for the columns that its stream does not have."""
        return "\n".join(
            _SCHEMA % (json.dumps(table.name or self.path.name), _properties(table.schema))
            for table in self.tables
            if table.schema
        )

    def text(self) -> str:
        """The same for people."""
        unknown = f"not known; nearest are {' and '.join(self.nearest)}" if self.nearest else "no report the tap knows"
        lines = [f"{self.path}: {' or '.join(self.report_types) or unknown}"]
        lines += [f"  {name or 'the file'}: {form}" for name, form in self.sheets]
        for table in self.tables:
            lines += ["", *(f"  {line}" for line in _table_lines(table))]
        return "\n".join(clean_line(line, limit=MAX_TEXT) for line in lines)


def inspect_file(path: Path, report_type: str | None = None) -> Inspection:
    """Inspect a file.

    Args:
        path: the file.
        report_type: its report type; by default the one whose columns it has.

    Raises:
        SettingsError: there is no such report type, or no such file.
        FileError: the file holds no table, or none that can be read.
    """
    if report_type is not None and report_type not in {*REPORT_TYPES, *TABLES}:
        known = sorted({*REPORT_TYPES, *TABLES})
        raise SettingsError(
            f"{report_type!r} is not a report type; they are {', '.join(known)}{did_you_mean(report_type, known)}"
        )
    if not path.is_file():
        raise SettingsError(f"{path} is not a file")
    with open_sheets(path) as sheets:
        guesses = [] if report_type else rank_reports(sheets, TABLES)
        report_types = (report_type,) if report_type else likeliest(guesses)
        inspected = list(_inspected_report(sheets, report_types[0])) if report_types else []
        fed = {table.name for table in inspected}
        rest = [
            sheet
            for sheet in sheets
            if (sheet.title or "") not in fed and normalise(sheet.name or "") not in HELP_SHEETS
        ]
        inspected += [_inspected(table, UNKNOWN, RowHashes()) for sheet in rest for table in only_table(sheet)]
        return Inspection(
            path=path,
            report_types=report_types,
            nearest=() if report_types else tuple(guess.report_type for guess in guesses[:NEAREST]),
            sheets=tuple((sheet.title or "", sheet.readers[0].form) for sheet in sheets),
            tables=tuple(inspected),
        )


def _inspected_report(sheets: Sequence[Sheet], report_type: str) -> Iterator[InspectedTable]:
    tables = tables_of(report_type)
    report = Report(sheets, tables)
    for declared in tables:
        yield from _inspected_stream(report, declared)


def _inspected_stream(report: Report, declared: ReportTable) -> Iterator[InspectedTable]:
    try:
        tables = report.tables_for(declared.stream)
    except RowError as error:
        yield InspectedTable(name="", stream=declared.stream, header=(), header_line=0, error=str(error))
        return
    identity: RowIdentity = RowHashes()
    with suppress(RowError):  # the table itself reports it, below
        parts = [(table, _layout_of(table, declared)) for table in tables]
        identity = row_identity(declared.key, parts, fallback=declared.fallback_key)
    yield from (_inspected(table, declared, identity) for table in tables)


def _layout_of(table: Table, declared: ReportTable) -> Layout:
    return match_header(table.header, declared.columns, reserved=(), layouts=declared.layouts)


def only_table(sheet: Sheet) -> list[Table]:
    """The table of a sheet of which nothing is known; none for a sentence."""
    tables = Report([sheet], [UNKNOWN]).tables_for(UNKNOWN.stream)
    return [table for table in tables if sum(bool(text.strip(PADDING)) for text in table.header) > 1]


def _inspected(table: Table, declared: ReportTable, identity: RowIdentity) -> InspectedTable:
    """A table, read to its end or to what is wrong with it."""
    inspected = InspectedTable(
        name=table.name or "",
        stream=None if declared is UNKNOWN else declared.stream,
        header=table.header,
        header_line=table.header_line,
    )
    try:
        layout = _layout_of(table, declared)
        inspected.missing = [column.header.strip(PADDING) for column in layout.missing]
        inspected.new = [column.header.strip(PADDING) for _, column in layout.new]
        cells = {column.name: _Cells(column) for _, column in layout.new}
        for batch in read_rows(
            table,
            layout,
            selected=None,
            rules=LENIENT_RULES,
            identity=identity,
            counts=inspected.counts,
            reject=lambda row: inspected.rejected.append(row) if len(inspected.rejected) < MAX_LISTED else None,
        ):
            for name, column in cells.items():
                column.look_at(batch.columns[name])
        inspected.schema = {name: column.schema() for name, column in cells.items()}
        inspected.tied, inspected.incomplete = identity.repeats.tied, identity.repeats.incomplete
        inspected.unique = [column.header for column in cells.values() if column.is_unique]
    except (RowError, FileError) as error:
        inspected.error = str(error)
    return inspected


class _Cells:
    """The type that the cells of an undeclared column would have.

    Args:
        column: the column, of text.
    """

    def __init__(self, column: Column) -> None:
        self.header = column.header
        self.is_unique = True
        types = () if _ID.search(column.name) else _TYPES[1:] if _MONEY.search(column.name) else _TYPES
        self._types = list(types)
        self._seen: set[str] = set()
        self._is_empty = True

    def look_at(self, texts: Iterable[str | None]) -> None:
        """Some more of the cells, cleaned."""
        for text in texts:
            if text is None or text in self._seen:
                self.is_unique = False
                self._seen.clear()
            if self.is_unique and text is not None:
                self._seen.add(text)
            if text is not None:
                self._is_empty = False
                self._types = [type_ for type_ in self._types if _fits(text, type_)]

    def schema(self) -> dict[str, Any]:
        """A property of a schema file."""
        type_ = self._types[0] if self._types and not self._is_empty else "string"
        if type_ in {"date", "date-time"}:
            return {"title": self.header, "type": ["string", "null"], "format": type_}
        return {"title": self.header, "type": [type_, "null"]}


def _fits(text: str, type_: ColumnType) -> bool:
    """Whether a text is of a type, and none of its digits would be lost."""
    if type_ in {"integer", "number"} and (_LEADING_ZERO.match(text) or sum(map(str.isdigit, text)) > MAX_DIGITS):
        return False
    try:
        CONVERTERS[type_](text)
    except ValueError:
        return False
    return True


# Words

_SCHEMA = """{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "description": %s,
  "type": "object",
  "properties": {
%s
  }
}"""


def _properties(schema: Mapping[str, Any]) -> str:
    """One on a line, as in `schemas/`."""
    return ",\n".join(f"    {json.dumps(name)}: {json_text(words)}" for name, words in schema.items())


def _document(table: InspectedTable) -> dict[str, Any]:
    document = asdict(table)
    del document["schema"]
    return document


def _table_lines(table: InspectedTable) -> Iterator[str]:
    where = f"{table.name or 'the file'}, header on line {table.header_line}" if table.header else table.stream or ""
    yield f"{where}: {f'feeds {table.stream}' if table.stream else 'feeds no stream'}"
    if table.error:
        yield f"  cannot be read: {table.error}"
    if table.header:
        yield f"  {counted(len(table.header), 'column')}: {_listed(table.header)}"
    yield f"  {_row_counts(table.counts)}"
    if table.stream and table.missing:
        yield f"  columns it does not have: {_listed(table.missing)}"
    if table.stream and table.new:
        yield f"  columns the stream does not have: {_listed(table.new)}"
    for row in table.rejected:
        yield f"  line {row.line} {row.cause}"
    for name, cells in table.counts.bad_cells.items():
        yield f"  {counted(cells.count, 'cell')} of {name} not of its type, the first on line {cells.first_line}"
    if table.unique and table.counts.rows > 1:
        yield f"  different in every row, so perhaps a key: {_listed(table.unique)}"


def _row_counts(counts: RowCounts) -> str:
    besides = {
        "that do not fit the header": counts.skipped,
        "of totals or headers": counts.dropped,
        "that are blank": counts.blank,
    }
    passed_over = ", ".join(f"{number:,} {which}" for which, number in besides.items() if number)
    return counted(counts.rows, "row") + (f"; besides {passed_over}" if passed_over else "")


def _listed(headers: Sequence[str]) -> str:
    return ", ".join(repr(" ".join(header.split())) for header in headers)
