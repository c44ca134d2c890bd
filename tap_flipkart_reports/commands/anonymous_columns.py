"""What is replaced in a file, and how: by the column a cell is in, and by words that tell nothing of anybody."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from tap_flipkart_reports.commands.inspect import UNKNOWN, only_table
from tap_flipkart_reports.exceptions import FileError, RowError
from tap_flipkart_reports.files.containers import open_sheets
from tap_flipkart_reports.files.delimited import DELIMITERS
from tap_flipkart_reports.files.encodings import WITHOUT_CONTROLS
from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_search import HELP_SHEETS, Report
from tap_flipkart_reports.files.header_words import column_name, normalise
from tap_flipkart_reports.files.report_guess import likeliest, rank_reports
from tap_flipkart_reports.files.row_filter import is_total
from tap_flipkart_reports.report_types import REPORT_TYPES, TABLES, UNIDENTIFIED, tables_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tap_flipkart_reports.commands.anonymous_values import Disguise
    from tap_flipkart_reports.files.sheets import Sheet, SheetReader, Table
    from tap_flipkart_reports.planning.report_type import ReportTable

DATE, COUNT, AMOUNT, TEXT, PRIVATE, UNDECLARED, PROSE, HEADER, UNKNOWN_HEADER = (
    "date", "count", "amount", "text", "private", "undeclared", "prose", "header", "unknown header",
)  # fmt: skip
"""What a cell is taken for. `TEXT` may be one of `HARMLESS`; `PRIVATE` never is, a SKU may well be called Gold."""

_COUNTED = re.compile(
    r"(?:^|_)(?:rate|percent|units?|quantity|qty|weight|kgs?|cm|sla|reattempts|number|invoices)(?:_|$)"
)
"""Names of columns whose numbers are kept: rates, counts of units, weights."""

_PRIVATE = re.compile(
    r"name|address|city|pin|title|product|sku|brand|gst|fsn|irn|imei|phone|email|comment|remark|vendor"
)

_ENUMERATED = frozenset({"fee_name", "service_name"})

_HSN = re.compile(r"hsn")
_HSN_CODE = re.compile(r"[0-9]{2,8}(?:\.0)?")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAY = re.compile(
    rf"(?:[0-9]{{1,4}}[-/.][0-9]{{1,2}}[-/.](?:[0-9]{{2}}|[0-9]{{4}})"
    rf"|[0-9]{{1,2}}[- ](?:{_MONTHS})[a-z]*\.?[- ,]+[0-9]{{2,4}}"
    rf"|(?:{_MONTHS})[a-z]*\.?[ -]*(?:[0-9]{{1,2}},? )?[0-9]{{2,4}})"
    r"(?:[ T]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[ap]m)?(?:Z|[-+][0-9]{2}:?[0-9]{2})?)?",
    re.IGNORECASE,
)
_SERIAL = re.compile(r"[2-6][0-9]{4}(?:\.[0-9]+)?")
"""A day as a spreadsheet counts it, from 1954 on."""

_NUMBER = re.compile(r"[-+(]?[0-9][0-9,]*(?:\.[0-9]+)?\)?")
_WRAPPING = "\"'=` \t\n\r\xa0"

MAX_COUNT_DIGITS = 4
"""A longer number in a column of counts is one of something else."""

MAX_AMOUNT_DIGITS = 7
"""A longer whole number in an undeclared column is an id or a phone number."""

MAX_HEADER_LINES = 20
"""Lines in which the rows of one header are."""

_WORDS = """
Sale; Return; Cancellation; Return Cancellation; Prepaid; Postpaid; part_payment; Rebate; FBF; NON_FBF; Non-FBF;
SELLER; Self Ship; seller_easy_ship; approved; shipped; delivered; cancelled; returned; RETURN_REQUESTED;
IN_TRANSIT; RTO; RVP; Ready to dispatch; packed; completed; in_progress; started; rejected; Pending; Y; N; Yes; No;
TRUE; FALSE; Credit Note; Debit Note; GST; IGST; Local; Zonal; National; gold; silver; bronze; platinum;
Customer Return; Logistics Return; Courier Return; System measured weight; Seller declared weight; Dead Weight;
Volumetric Weight; REPLACEMENT_ITEM; COD_TO_PREPAID; Flipkart Plus; MULTI_PRODUCT_SHIPMENT; Product Delivered;
Expect Product; Order Item; Listing; Campaign; Transaction; topup; redeem; Storage; Recall; Commission; Fixed Fee;
Shipping Fee; Reverse Shipping Fee; Collection Fee; Pick And Pack Fee; Google Ads; Ads Fee; TCS on cash back;
TCS Recovery; Forward Order Payment; Return Recovery; Rewards; POSTPAID; Flipkart; Shopsy; DEFECTIVE_PRODUCT;
NOT_WORKING; DISBURSEMENT_CREATED; ZERO_PAYMENT_ADVICE; Total; Grand Total; Generation in progress; bil; binola;
blr_wfld; del; kol; malur_bts; ulub_bts; mum_bndi; Andhra Pradesh; Arunachal Pradesh; Assam; Bihar; Chhattisgarh;
Goa; Gujarat; Haryana; Himachal Pradesh; Jharkhand; Karnataka; Kerala; Madhya Pradesh; Maharashtra; Manipur;
Meghalaya; Mizoram; Nagaland; Odisha; Orissa; Punjab; Rajasthan; Sikkim; Tamil Nadu; Telangana; Tripura;
Uttar Pradesh; Uttarakhand; West Bengal; Andaman and Nicobar Islands; Andaman & Nicobar Islands; Chandigarh;
Dadra and Nagar Haveli; Daman and Diu; Delhi; New Delhi; Jammu & Kashmir; Jammu and Kashmir; Ladakh; Lakshadweep;
Puducherry; Pondicherry
"""

HARMLESS = frozenset(normalise(word) for word in _WORDS.split(";"))
"""Words of the documents and of files seen: states, statuses, kinds. Any other word is replaced."""

_WORD = re.compile(r"[^\W_]+")

_MORE_WORDS = """
opening closing stock inward outward transfer received receipt issued adjustment adjusted lost found remaining available
month year week day time count qty no nos details summary report details line row serial mrp cost balance location bin
batch expiry zone hub dispatch packed shipped sold unsold sellable unsellable stranded storage age aged days reason
code name warehouse inventory movement type category vertical brand from to in out of on for by at the and or per with
without
"""

_STATE_CODE = re.compile(r"(?:IN-)?[A-Z]{2}")


@cache
def known_wordings() -> frozenset[str]:
    """Normalised headers of all columns that are known, their parts, and titles of tables."""
    tables = [table for name in (*REPORT_TYPES, *UNIDENTIFIED) for table in tables_of(name)]
    wordings = [
        words for table in tables for column in table.columns for words in (column.header, *column.aliases, table.title)
    ]
    parts = {part for words in wordings for part in (words, *words.split(" / "))}
    return frozenset(map(normalise, parts)) - {""}


@cache
def vocabulary() -> frozenset[str]:
    """Words that headers are made of: those of all known headers, and some more of stock and dispatch."""
    tables = [table for name in (*REPORT_TYPES, *UNIDENTIFIED) for table in tables_of(name)]
    known = " ".join(
        words for table in tables for column in table.columns for words in (column.header, *column.aliases)
    )
    return frozenset(_WORD.findall(known.casefold().replace("_", " "))) | frozenset(_MORE_WORDS.split())


@dataclass(frozen=True, kw_only=True)
class SheetPlan:
    """Where a sheet's table is, and what its columns are taken for.

    Attributes:
        first_line: the line of its header, from 1; no line if the sheet has no table.
        last_line: the header's last line.
        header_kind: what the header's cells are taken for.
        strange: headers that no report is known to have.
        kinds: what each column is taken for.
        headers: what the header's rows say of each column.
        names: the columns' names.
        delimiter: of a text.
    """

    first_line: int = 0
    last_line: int = 0
    header_kind: str = HEADER
    strange: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    headers: tuple[frozenset[str], ...] = ()
    names: tuple[str, ...] = ()
    delimiter: str = ","

    def kind(self, line: int, place: int, text: str) -> str:
        """What a cell is taken for; a header in the middle of the rows is one, too."""
        if not self.first_line or line < self.first_line:
            return PROSE
        if line <= self.last_line:
            return self.header_kind
        if place >= len(self.kinds):
            return UNDECLARED
        return self.header_kind if text.strip() in self.headers[place] else self.kinds[place]

    def name(self, place: int) -> str:
        """The name of a column."""
        return self.names[place] if place < len(self.names) else ""


def plan_sheets(path: Path, *, replaces_headers: bool) -> tuple[str | None, dict[str, SheetPlan]]:
    """Look for the tables of a file.

    Args:
        path: the file.
        replaces_headers: whether words of headers are replaced that no known header has.

    Returns:
        The report type it is likeliest of, and a plan for each sheet by its title; of a bare file by an empty one.

    Raises:
        FileError: the file cannot be read at all.
    """
    with open_sheets(path) as sheets:
        report_types = likeliest(rank_reports(sheets, TABLES))
        plans: dict[str, SheetPlan] = {}
        for table, declared in _tables(sheets, report_types[0] if report_types else None):
            sheet = next(sheet for sheet in sheets if sheet.title == table.name)
            plan = _plan(sheet, table, declared, replaces_headers=replaces_headers)
            plans.setdefault(table.name or "", plan)
        return (report_types[0] if report_types else None), plans


def _tables(sheets: Sequence[Sheet], report_type: str | None) -> Iterator[tuple[Table, ReportTable]]:
    """The tables of a file: those of its report type, and of the other sheets what looks like one."""
    found: set[str | None] = set()
    if report_type is not None:
        report = Report(sheets, tables_of(report_type))
        for declared in tables_of(report_type):
            try:
                tables = report.tables_for(declared.stream)
            except (RowError, FileError):
                continue
            found.update(table.name for table in tables)
            yield from ((table, declared) for table in tables)
    for sheet in sheets:
        if sheet.title not in found and normalise(sheet.name or "") not in HELP_SHEETS:
            try:
                yield from ((table, UNKNOWN) for table in only_table(sheet) if _has_header(table))
            except (RowError, FileError):
                continue


def _has_header(table: Table) -> bool:
    """Whether the first row is a header: rows follow, and the first of them has none of its texts."""
    first = next((batch.rows[0] for batch in table.batches_again() if batch.rows), [])
    names = {text.strip() for text in table.header} - {""}
    return bool(first) and names.isdisjoint(text.strip() for text in first)


def _plan(sheet: Sheet, table: Table, declared: ReportTable, *, replaces_headers: bool) -> SheetPlan:
    columns = [replace(column, is_required=False) for column in declared.columns]
    placed = dict(match_header(table.header, columns, reserved=(), layouts=declared.layouts).placed)
    kinds, names = [], []
    for place, header in enumerate(table.header):
        column = placed.get(place)
        name = column.name if column is not None else column_name(header) or ""
        names.append(name)
        kinds.append(_kind(name, column.type if column is not None else None))
    rows = table.header_rows
    width = max(map(len, rows))
    headers = [frozenset(row[place].strip() for row in rows if place < len(row)) - {""} for place in range(width)]
    place = _header_reading(sheet, table)
    first_line, last_line = _header_lines(table, sheet.readers[place])
    return SheetPlan(
        first_line=first_line,
        last_line=last_line,
        header_kind=UNKNOWN_HEADER if replaces_headers else HEADER,
        strange=tuple(header for place, header in enumerate(table.header) if header.strip() and place not in placed),
        kinds=tuple(kinds),
        headers=tuple(headers),
        names=tuple(names),
        delimiter=DELIMITERS[place],
    )


def _header_reading(sheet: Sheet, table: Table) -> int:
    """Which of the sheet's readings has the header: of a text, that by its delimiter."""
    for place, reading in enumerate(sheet.readers):
        try:
            row = reading.head_row(table.header_line)
        except FileError:
            continue
        if row is not None and row.cells in table.header_rows:
            return place
    return 0


def _header_lines(table: Table, reading: SheetReader) -> tuple[int, int]:
    """The lines of the header's first and last row: groups may be above the line on which its names begin."""
    around = range(max(1, table.header_line - MAX_HEADER_LINES), table.header_line + MAX_HEADER_LINES)
    lines = [line for line in around if _cells_of(reading, line) in table.header_rows]
    behind = [line for line in lines if line >= table.header_line and _cells_of(reading, line) == table.header_rows[-1]]
    return min(lines, default=table.header_line), min(behind, default=table.header_line)


def _cells_of(reading: SheetReader, line: int) -> tuple[str, ...] | None:
    """The cells of the row on a line; `None` where none can be read."""
    try:
        row = reading.head_row(line)
    except FileError:
        return None
    return row.cells if row is not None else None


def _kind(name: str, type_: str | None) -> str:
    """The kind of a column; an undeclared column has the type `None`."""
    if type_ is None:
        return UNDECLARED
    if type_ in {"date", "date-time"}:
        return DATE
    if type_ in {"number", "integer"}:
        return COUNT if _COUNTED.search(name) else AMOUNT
    return PRIVATE if _PRIVATE.search(name) and name not in _ENUMERATED and not _HSN.search(name) else TEXT


def disguised(disguise: Disguise, text: str, kind: str, *, name: str = "", encoding: str = "utf-8") -> str:
    """The stand-in for the text of a cell.

    Args:
        disguise: makes the stand-in.
        text: the cell.
        kind: what it is taken for.
        name: the column's name.
        encoding: of the file.
    """
    bare = text.translate(WITHOUT_CONTROLS).strip(_WRAPPING)
    if not bare:
        return text
    if kind == HEADER:
        return disguise.telling_parts(text)
    if kind == UNKNOWN_HEADER:
        return _WORD.sub(
            lambda match: match[0] if match[0].casefold() in vocabulary() else disguise.text(match[0]), text
        )
    if _is_kept(bare, kind, name):
        return text
    if kind in {AMOUNT, COUNT, UNDECLARED, PROSE} and _is_amount(bare, kind):
        return disguise.amount(text, encoding=encoding)
    return disguise.text(text, encoding=encoding)


def _is_kept(bare: str, kind: str, name: str) -> bool:
    """Whether a value tells nothing of anybody."""
    if is_total(bare) or normalise(bare) in known_wordings():
        return True
    if kind in {DATE, UNDECLARED, PROSE, TEXT} and _is_day(bare):
        return True
    if kind == DATE:
        return _SERIAL.fullmatch(bare) is not None
    if kind == COUNT or (kind == UNDECLARED and _COUNTED.search(name)):
        digits = sum(map(str.isdigit, bare.partition(".")[0]))
        return _NUMBER.fullmatch(bare.rstrip("%").strip()) is not None and digits <= MAX_COUNT_DIGITS
    if kind == TEXT and (_HSN.search(name) or "state" in name):
        return _HSN_CODE.fullmatch(bare) is not None or _STATE_CODE.fullmatch(bare) is not None or _is_harmless(bare)
    return kind in {TEXT, AMOUNT, PROSE} and _is_harmless(bare)


def _is_harmless(bare: str) -> bool:
    return normalise(bare) in HARMLESS


def _is_amount(bare: str, kind: str) -> bool:
    """Whether a value is an amount; a long number without decimals in an undeclared column is an id."""
    if kind == AMOUNT:
        return True
    if _NUMBER.fullmatch(bare) is None:
        return False
    return "." in bare or sum(map(str.isdigit, bare)) <= MAX_AMOUNT_DIGITS


def _is_day(bare: str) -> bool:
    """Whether a text is a day, a month or a moment, and no number of another kind that looks like one."""
    if _DAY.fullmatch(bare) is None:
        return False
    numbers = [int(number) for number in re.findall(r"[0-9]+", bare)[:3]]
    years = [number for number in numbers if number > 31]  # noqa: PLR2004 - days
    return all(1980 <= year < 2100 or year < 100 for year in years)  # noqa: PLR2004 - years of two and four digits
