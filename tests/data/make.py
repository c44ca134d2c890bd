"""Writes the corpus: files as nasty as those Flipkart hands out, each with what a reader has to make of it.

Layouts: as public readers of such files describe them. Every value is made up. `python tests/data/make.py` writes all
of them anew, the same bytes each time; a file `<case>.json` says what is expected of the file beside it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))

from support.spreadsheets import Page, error, formula, workbook, zip_of  # noqa: E402 - the folder above is no package

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.spreadsheets import Cell

    Row = list[Cell]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file and what is expected of it.

    Attributes:
        name: the file's name.
        says: what is odd about it.
        report: the report type, or a custom report's name.
        content: the file's bytes.
        records: by stream the records, without nulls and without the record's own columns.
        error: words of the error that its reading has to end with, if any.
        skip: whether bad rows are passed over.
        rejected: line and words of each of those.
        unparsed: by stream and row number the texts that do not fit.
        extra: the same of cells without a column.
        dropped: rows of totals and repeated headers.
        ordinals: by stream, of rows with a natural key, where one of them is not 1.
        unmatched: names of tables that feed no stream.
    """

    name: str
    says: str
    report: str
    content: bytes
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    error: str | None = None
    skip: bool = False
    rejected: list[tuple[int, str]] = field(default_factory=list)
    unparsed: dict[str, dict[int, dict[str, str]]] = field(default_factory=dict)
    extra: dict[str, dict[int, dict[str, str]]] = field(default_factory=dict)
    dropped: int = 0
    ordinals: dict[str, list[int]] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)


def text(rows: Sequence[Sequence[str]], *, delimiter: str = ",", ending: str = "\r\n") -> str:
    """Rows as text, quoted only where that is needed."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator=ending).writerows(rows)
    return buffer.getvalue()


def packed(content: bytes) -> bytes:
    """Gzipped, without a time stamp."""
    return gzip.compress(content, mtime=0)


# Orders: a snake_case header, ids with a prefix, SKUs in quotes.

ORDERS = ["order_item_id", "order_id", "order_date", "quantity", "sku", "product_title", "delivery_sla"]
LAMP = ["OI:330000000000003100", "OD3300", "2026-10-03 18:04:11", "2", '"""SKU:LMS-25-s"""', "Lamp", "3"]
SHADE = ["OI:330000000000003200", "OD3301", "2026-10-04 00:15:00", "1", "SKU:00042", "Shade, big", "-"]
LAMP_READ = {
    "order_item_id": "330000000000003100",
    "order_id": "OD3300",
    "order_date": "2026-10-03T12:34:11+00:00",
    "quantity": 2,
    "sku": "LMS-25-s",
    "product_title": "Lamp",
    "delivery_sla": 3,
}
SHADE_READ = {
    "order_item_id": "330000000000003200",
    "order_id": "OD3301",
    "order_date": "2026-10-03T18:45:00+00:00",
    "quantity": 1,
    "sku": "00042",
    "product_title": "Shade, big",
}
BOTH = {"orders_report": [LAMP_READ, SHADE_READ]}
PLAIN = text([ORDERS, LAMP, SHADE])


def orders(name: str, says: str, content: str | bytes, **expected: Any) -> Case:
    """A case of the orders report; by default it holds just the two orders."""
    if "error" not in expected:
        expected.setdefault("records", BOTH)
    content = content.encode() if isinstance(content, str) else content
    return Case(name=name, says=says, report="orders_report", content=content, **expected)


def one_order(**cells: str) -> str:
    """A file of one order, whose other cells are the lamp's."""
    return text([ORDERS, [cells.get(name, cell) for name, cell in zip(ORDERS, LAMP, strict=True)]])


def one_read(**values: Any) -> dict[str, list[dict[str, Any]]]:
    """What has to be read of it; a value of `None` is not there."""
    return {"orders_report": [{name: value for name, value in {**LAMP_READ, **values}.items() if value is not None}]}


CONTAINERS = [
    orders("plain.csv", "nothing odd", PLAIN),
    orders("unix.csv", "lines end in a line feed", text([ORDERS, LAMP, SHADE], ending="\n")),
    orders("mac.csv", "lines end in a carriage return", text([ORDERS, LAMP, SHADE], ending="\r")),
    orders("no-last-line-end.csv", "the last line has no end", PLAIN.rstrip()),
    orders("tabs.tsv", "tabs for commas", text([ORDERS, LAMP, SHADE], delimiter="\t")),
    orders("semicolons.csv", "semicolons for commas", text([ORDERS, LAMP, SHADE], delimiter=";")),
    orders("pipes.txt", "pipes for commas", text([ORDERS, LAMP, SHADE], delimiter="|")),
    orders("bom.csv", "UTF-8 with a byte order mark", PLAIN.encode("utf-8-sig")),
    orders("utf-16-le.csv", "UTF-16, as Excel saves Unicode text", b"\xff\xfe" + PLAIN.encode("utf-16-le")),
    orders("utf-16-be.csv", "UTF-16, big end first", b"\xfe\xff" + PLAIN.encode("utf-16-be")),
    orders("utf-32.csv", "UTF-32", b"\xff\xfe\0\0" + PLAIN.encode("utf-32-le")),
    orders(
        "cp1252.csv",
        "cp1252, as Excel saves CSV",
        one_order(product_title="Café “noir” 5 €").encode("cp1252"),
        records=one_read(product_title="Café “noir” 5 €"),
    ),
    orders(
        "hindi.csv",
        "letters of any script",
        one_order(product_title="दीपक ₹"),
        records=one_read(product_title="दीपक ₹"),
    ),
    orders("nul.csv", "NUL bytes between and within cells", PLAIN.replace("Lamp", "La\0mp\0").replace("2", "\0002")),
    orders("gzip.csv.gz", "gzip", packed(PLAIN.encode())),
    orders(
        "gzip-members.csv.gz",
        "gzip of two members, cut in the middle of a row",
        packed(PLAIN[:100].encode()) + packed(PLAIN[100:].encode()),
    ),
    orders("gzip-cut.csv.gz", "gzip cut off", packed(PLAIN.encode())[:-12], error="cut off"),
    orders("gzip-tail.csv.gz", "gzip with something behind it", packed(PLAIN.encode()) + b"rubbish", error="damaged"),
    orders("gzip-twice.csv.gz", "gzip of gzip", packed(packed(PLAIN.encode())), error="packed twice"),
    orders("gzip-named-csv.csv", "gzip whose name says CSV", packed(PLAIN.encode())),
    orders("zip.zip", "ZIP of one file", zip_of({"orders.csv": PLAIN})),
    orders("zip-litter.zip", "ZIP with what macOS adds", zip_of({"orders.csv": PLAIN, "__MACOSX/._orders.csv": "x"})),
    orders(
        "zip-two.zip",
        "ZIP of two parts of one table",
        zip_of({"1.csv": text([ORDERS, LAMP]), "2.csv": text([ORDERS, SHADE])}),
    ),
    orders("zip-of-workbook.zip", "ZIP of a workbook", zip_of({"o.xlsx": workbook({"Orders": [ORDERS, LAMP, SHADE]})})),
    orders("zip-of-zip.zip", "ZIP of a ZIP", zip_of({"a.zip": zip_of({"a.csv": PLAIN})}), error="packed twice"),
    orders("zip-empty.zip", "ZIP of nothing", zip_of({}), error="without a file"),
    orders(
        "zip-rare.zip", "ZIP of a compression nobody uses", zip_of({"a.csv": PLAIN}, zipfile.ZIP_BZIP2), error="rare"
    ),
    orders("zip-cut.zip", "ZIP cut off", zip_of({"a.csv": PLAIN})[:-30], error="ZIP that cannot be read"),
    orders(
        "zip-page.zip",
        "ZIP with an error page in it",
        zip_of({"a.csv": PLAIN, "b.csv": "<html><title>Sorry</title>"}),
        error="b.csv in the ZIP: the file is a web page, not a table: Sorry",
    ),
    orders("gzip-of-workbook.gz", "gzip of a workbook", packed(workbook({"Orders": [ORDERS, LAMP, SHADE]}))),
    orders(
        "bomb.csv.gz",
        "a small file that unpacks to 80 megabytes",
        packed(b"a,b\n" + b"0" * 80_000_000),
        error="unpack to more",
    ),
    orders("empty.csv", "nothing", b"", error="zero bytes"),
    orders("blank.csv", "nothing but white space", b"\xef\xbb\xbf \r\n\t\r\n", error="nothing but white space"),
    orders("utf-16-unmarked.csv", "UTF-16 that does not say so", PLAIN.encode("utf-16-le"), error="byte order mark"),
    orders("no-text.csv", "bytes of no encoding", bytes(range(1, 256)) * 4, error="the file is not text"),
    orders(
        "odd-byte.csv",
        "a byte that fits no encoding",
        PLAIN.encode().replace(b"Lamp", b"L\x81mp"),
        records={"orders_report": [{**LAMP_READ, "product_title": "L\ufffdmp"}, SHADE_READ]},
    ),
    orders(
        "two-encodings.csv",
        "UTF-8 with a byte of cp1252",
        PLAIN.encode().replace(b"Lamp", "दीपक ".encode() + b"caf\xe9"),
        records={"orders_report": [{**LAMP_READ, "product_title": "दीपक café"}, SHADE_READ]},
    ),
    orders("control.csv", "control characters in cells", PLAIN.replace("Lamp", "La\x01m\x1b\x7fp")),
    orders(
        "page.csv",
        "a web page in place of the file",
        "<!DOCTYPE html>\n<html><head><title>Link expired</title></head><body><h1>Sorry</h1></body></html>",
        error="a web page, not a table: Link expired",
    ),
    orders(
        "error.json",
        "an error in JSON",
        '{"errors": [{"message": "No such report"}]}',
        error="JSON, not a table: No such",
    ),
    orders(
        "error.xml", "an error in XML", '<?xml version="1.0"?><Error><Message>Gone</Message></Error>', error=": Gone"
    ),
    orders("old.xls", "an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504, error="old Excel workbook"),
    orders("binary.xlsb", "a binary workbook", zip_of({"xl/workbook.bin": b"\0"}), error="binary workbook"),
    orders("no.xlsx", "a workbook without sheets", zip_of({"xl/workbook.xml": "<x/>"}), error="cannot be read"),
]

CELLS = [
    orders("header-alone.csv", "a header and no row", text([ORDERS]), records={}),
    orders(
        "quotes.csv",
        "cells with commas, quotes and line breaks",
        one_order(product_title='Pipe 12", black,\nround'),
        records=one_read(product_title='Pipe 12", black,\nround'),
    ),
    orders(
        "wrappers.csv",
        "apostrophes, Excel's formulas around ids, blanks around all",
        one_order(
            order_item_id=" '330000000000003100 ", order_id='="OD3300"', sku='"SKU:pipe 12""', quantity="\u00a02\u200b"
        ),
        records=one_read(sku='pipe 12"'),
    ),
    *(
        orders(
            f"null-{number}.csv",
            f"{marker!r} for nothing",
            one_order(product_title=marker, quantity=marker, order_date=marker),
            records=one_read(product_title=None, quantity=None, order_date=None),
        )
        for number, marker in enumerate(["", "-", "NA", "N/A", "#N/A", "Not Available", "not applicable", "nan"], 1)
    ),
    orders(
        "no-key.csv",
        "an empty key",
        one_order(order_item_id="-"),
        records=one_read(order_item_id="NA"),
        ordinals={"orders_report": [284384083514]},
    ),
    *(
        orders(
            f"moment-{number}.csv",
            f"a moment as {moment!r}",
            one_order(order_date=moment),
            records=one_read(order_date=read),
        )
        for number, (moment, read) in enumerate(
            {
                "2026-10-03 18:04:11.0": "2026-10-03T12:34:11+00:00",
                "2026-10-03T18:04:11+05:30": "2026-10-03T12:34:11+00:00",
                "03-10-2026 18:04": "2026-10-03T12:34:00+00:00",
                "03/10/2026": "2026-10-02T18:30:00+00:00",
                "03-Oct-2026": "2026-10-02T18:30:00+00:00",
                "46298.5": "2026-10-03T06:30:00+00:00",
            }.items(),
            1,
        )
    ),
    orders(
        "unparsed.csv",
        "cells that do not fit their columns",
        one_order(quantity="two", order_date="10/3/2026", delivery_sla="1.5.2"),
        records=one_read(quantity=None, order_date=None, delivery_sla=None),
        unparsed={"orders_report": {1: {"quantity": "two", "order_date": "10/3/2026", "delivery_sla": "1.5.2"}}},
    ),
    orders(
        "cut-short.csv",
        "an id that Excel has shown as a number and saved so",
        one_order(order_id="4.37E+17"),
        records=one_read(order_id=None),
        unparsed={"orders_report": {1: {"order_id": "4.37E+17"}}},
    ),
    orders(
        "cut-short-key.csv",
        "the same of a key",
        one_order(order_item_id="3.3E+17"),
        error="line 2, column 'order_item_id': '3.3E+17' is what a spreadsheet shows in place of a text",
    ),
    orders(
        "lost-quote.csv",
        "a quote that never ends",
        PLAIN + '"OI:1,x\r\n',
        error="line 4 of the file is cut off or damaged",
    ),
]

HEADERS = [
    orders(
        "spelling.csv",
        "headers in other letters, with blanks, line breaks and double blanks",
        text(
            [
                [" Order Item ID", "ORDER ID ", "Order\nDate", "Quantity", "SKU", "Product  Title", "Delivery SLA"],
                LAMP,
                SHADE,
            ]
        ),
    ),
    orders(
        "fulfillment.csv",
        "Fulfillment for Fulfilment",
        text([["order_item_id", "Fulfillment Type"], ["1", "FBF"]]),
        records={"orders_report": [{"order_item_id": "1", "fulfilment_type": "FBF"}]},
    ),
    orders("shuffled.csv", "columns in another order", text([row[::-1] for row in (ORDERS, LAMP, SHADE)])),
    orders(
        "new-column.csv",
        "a column nobody knows",
        text([[*ORDERS, "Gift Wrap?"], [*LAMP, "Yes"], [*SHADE, ""]]),
        records={"orders_report": [{**LAMP_READ, "gift_wrap": "Yes"}, SHADE_READ]},
    ),
    orders(
        "dropped-column.csv",
        "a column that is gone",
        text([row[:-1] for row in (ORDERS, LAMP, SHADE)]),
        records={"orders_report": [{k: v for k, v in LAMP_READ.items() if k != "delivery_sla"}, SHADE_READ]},
    ),
    orders(
        "dropped-key.csv",
        "the key is gone",
        text([row[1:] for row in (ORDERS, LAMP)]),
        error="no column 'order_item_id'",
    ),
    orders(
        "twice.csv",
        "a header that comes twice",
        text([[*ORDERS, "Note", "Note"], [*LAMP, "one", "two"]]),
        records=one_read(note="one", note_2="two"),
    ),
    orders(
        "separators.csv",
        "blank columns between",
        text([[cell for text_ in row for cell in (text_, "")] for row in (ORDERS, LAMP, SHADE)]),
    ),
    orders(
        "no-header.csv",
        "a column without a header that is not blank",
        text([[*ORDERS, ""], [*LAMP, "why?"]]),
        records=one_read(),
        extra={"orders_report": {1: {"column_8": "why?"}}},
    ),
    orders(
        "preamble.csv",
        "a title and a date above the header",
        text([["Orders report of ACME"], ["Generated on", "2026-11-01"], []]) + PLAIN,
    ),
    orders(
        "prose.csv",
        "prose with quotes above the header",
        'He said "so", they say.\r\n"cut\r\n\r\n' + PLAIN,
    ),
]

ROWS = [
    orders(
        "blank-rows.csv",
        "blank rows among and behind the rows",
        text([ORDERS, [], LAMP, [""] * 7, [" "], SHADE, [], []]),
    ),
    orders("total.csv", "a row of totals", text([ORDERS, LAMP, SHADE, ["Total", "", "", "3", "", "", ""]]), dropped=1),
    orders(
        "total-short.csv",
        "a short row of totals",
        text([ORDERS, LAMP, SHADE, ["", "", "Grand Total:", "3"]]),
        dropped=1,
    ),
    orders("header-again.csv", "the header again at each page", text([ORDERS, LAMP, ORDERS, SHADE, ORDERS]), dropped=2),
    orders(
        "ragged.csv",
        "a row with a cell too many",
        text([ORDERS, LAMP, [*SHADE, "x"]]),
        error="line 3 has 8 cells, the header 7",
    ),
    orders(
        "ragged-skipped.csv",
        "the same, skipped",
        text([ORDERS, ["OI:1", "an unquoted, comma"], LAMP, [*SHADE, "x"], SHADE]),
        skip=True,
        rejected=[(2, "has 2 cells, the header 7"), (4, "has 8 cells, the header 7")],
    ),
    orders(
        "note.csv",
        "a note behind the rows",
        text([ORDERS, LAMP, ["* made up", *[""] * 6]]),
        error="has a single cell ('* made up')",
    ),
    orders(
        "same-key.csv",
        "two rows of one key, equal in every cell",
        text([ORDERS, LAMP, SHADE, LAMP]),
        records={"orders_report": [LAMP_READ, SHADE_READ, LAMP_READ]},
        ordinals={"orders_report": [1, 1, 2]},
    ),
    orders(
        "same-key-parts.zip",
        "two parts of one table with a key in common",
        zip_of({"1.csv": text([ORDERS, LAMP]), "2.csv": text([ORDERS, SHADE, LAMP])}),
        records={"orders_report": [LAMP_READ, SHADE_READ, LAMP_READ]},
        ordinals={"orders_report": [1, 1, 2]},
    ),
]


# Settlement: a workbook of up to sixteen sheets, under three rows of headers.

SUMMARY: list[Row] = [["Summary of the report", None], ["Total settled (Rs.)", 100.0]]
HELP: list[Row] = [["Column", "What it means"], ["NEFT ID", "id of the payout"]]
GROUPS: Row = [
    "Payment Details",
    None,
    None,
    "Transaction Summary",
    None,
    None,
    None,
    "Buyer Invoice Details",
    None,
    None,
]
NAMES: Row = [
    "NEFT ID",
    " Payment Date",
    None,
    "Bank Settlement Value (Rs.) \n= SUM(J:R)",
    "Order item ID",
    "Fixed Fee  (Rs.)",
    None,
]
NAMES += ["Sale Amount", "My Share", None]
SUBS: Row = [
    None,
    None,
    None,
    None,
    None,
    None,
    None,
    "Total (Rs.) \n",
    "Total (Rs.) \n= SUM(BW:BX)",
    "Free Shipping Offer (Rs.)",
]
PAYOUT: Row = [
    "NFT-1 ",
    date(2026, 6, 24),
    None,
    98.606,
    "437000000000004100",
    -12,
    None,
    119.0,
    0,
    "Not Available",
]
FOLLOWING: Row = [None, None, None, -189.98, "437000000000004200", None, None, 1234.5, 1.0, None]
NEXT: Row = [
    "NFT-2",
    46198.0,
    None,
    "(1,23,456.70)",
    "437000000000004100",
    "₹ -5",
    None,
    "Rs. 1,00,000",
    "5%",
    "-",
]
PAYOUT_READ = {
    "neft_id": "NFT-1",
    "payment_date": "2026-06-24",
    "bank_settlement_value": 98.606,
    "order_item_id": "437000000000004100",
    "fixed_fee": -12,
    "buyer_sale_amount_total": 119,
    "buyer_my_share_total": 0,
}
FOLLOWING_READ = {
    "neft_id": "NFT-1",
    "payment_date": "2026-06-24",
    "bank_settlement_value": -189.98,
    "order_item_id": "437000000000004200",
    "buyer_sale_amount_total": 1234.5,
    "buyer_my_share_total": 1,
}
NEXT_READ = {
    "neft_id": "NFT-2",
    "payment_date": "2026-06-25",
    "bank_settlement_value": -123456.70,
    "order_item_id": "437000000000004100",
    "fixed_fee": -5,
    "buyer_sale_amount_total": 100000,
    "buyer_my_share_total": 5,
}
SHEET: list[Row] = [GROUPS, NAMES, SUBS, PAYOUT, FOLLOWING, NEXT]
SETTLED = {"settled_transaction_ledger": [PAYOUT_READ, FOLLOWING_READ, NEXT_READ]}
SERVICE = ["NEFT ID", "Payment Date", "Settlement Value(Rs.)", "Service Name"]
SERVICES = {
    "Value Added Services": "value_added_services",
    "Support Services Services": "support_services",
    "Review Accelerator Services": "review_accelerator_services",
    "Insight Subscription Services": "insight_subscription_services",
    "Fines": "fines",
}


def settlement(name: str, says: str, content: bytes, **expected: Any) -> Case:
    """A case of the settled transactions; by default it holds just the three rows."""
    if "error" not in expected:
        expected.setdefault("records", SETTLED)
    return Case(name=name, says=says, report="settled_transaction_ledger", content=content, **expected)


def as_text(row: Sequence[Cell]) -> list[str]:
    """A row of a workbook as the CSV of the same report has it."""
    return ["" if cell is None else str(cell) for cell in row]


def with_cell(row: Row, place: int, cell: Cell) -> Row:
    """The row with another cell."""
    return [*row[:place], cell, *row[place + 1 :]]


PREAMBLE = [
    ["Settled Transaction Report"],
    ["Seller: ACME", "Period: June 2026"],
    [],
    *(
        [f"{name}: what is in this column, and why"]
        for name in ("NEFT ID", "Order item ID", "Sale Amount")
        for _ in range(17)
    ),
    ["Column", "Meaning"],
    ["NEFT ID", "id of the payout"],
    [],
]

SETTLEMENTS = [
    settlement("settled.xlsx", "three rows of headers, groups, follow-on rows", workbook({"Orders": SHEET})),
    settlement(
        "settled-inline.xlsx",
        "the same from a writer that shares no strings and prefixes its elements",
        workbook({"Orders": SHEET}, prefix="x", shared=False),
    ),
    settlement(
        "settled-extent.xlsx", "a sheet that says it ends at A1", workbook({"Orders": Page(rows=SHEET, dimension="A1")})
    ),
    settlement(
        "settled-merged.xlsx",
        "groups as merged cells",
        workbook({"Orders": Page(rows=SHEET, merged=["A1:C1", "D1:G1", "H1:J1", "I2:J2"])}),
    ),
    settlement(
        "settled-help.xlsx",
        "help, summary, a chart and a hidden sheet around it",
        workbook(
            {"Report Help": HELP, "Summary of report": SUMMARY, "Orders": Page(rows=SHEET, state="hidden")},
            charts=["C"],
        ),
    ),
    settlement(
        "settled-far.xlsx",
        "the table begins at C4",
        workbook({"Orders": [[], [], ["", "", "June 2026"], *([None, None, *row] for row in SHEET)]}),
    ),
    settlement(
        "settled.csv",
        "a CSV with fifty lines of help above three rows of headers",
        text([*PREAMBLE, *map(as_text, SHEET)]).encode(),
    ),
    settlement(
        "settled-everything.csv.gz",
        "help, three rows of headers, tabs, UTF-16, gzip, totals and blank rows at once",
        packed(text([*PREAMBLE, *map(as_text, SHEET), [], ["Total", *[""] * 9], []], delimiter="\t").encode("utf-16")),
        dropped=1,
    ),
    settlement(
        "settled-formula-notes.xlsx",
        "formula notes whose letters have shifted",
        workbook({"Orders": [GROUPS, with_cell(NAMES, 3, "Bank Settlement Value (Rs.)= SUM (I:P)"), *SHEET[2:]]}),
    ),
    settlement(
        "settled-skipped-payout.xlsx",
        "the first row of a payout is bad: the next cannot know theirs",
        workbook({"Orders": [*SHEET[:3], PAYOUT, ["a note about NFT-9"], FOLLOWING, NEXT]}),
        skip=True,
        records={"settled_transaction_ledger": [PAYOUT_READ, NEXT_READ]},
        rejected=[(5, "a single cell"), (6, "belongs to the row above it, which cannot be read")],
    ),
    settlement(
        "settled-formula.xlsx",
        "formulas, calculated and not",
        workbook(
            {
                "Orders": [
                    *SHEET[:3],
                    with_cell(PAYOUT, 3, formula("SUM(J4:R4)", "98.606")),
                    with_cell(NEXT, 3, formula("SUM(J5:R5)")),
                ]
            }
        ),
        records={
            "settled_transaction_ledger": [
                PAYOUT_READ,
                {name: value for name, value in NEXT_READ.items() if name != "bank_settlement_value"},
            ]
        },
        unparsed={"settled_transaction_ledger": {2: {"bank_settlement_value": "=SUM(J5:R5)"}}},
    ),
    settlement(
        "settled-formula-last.xlsx",
        "a last row of formulas alone, not calculated",
        workbook(
            {
                "Orders": [
                    *SHEET[:4],
                    ["NFT-3", None, None, formula("A1"), "1", None, None, None, None, None],
                    [formula("B1")],
                ]
            }
        ),
        error="line 6 has a single cell",
    ),
    settlement(
        "settled-error-cells.xlsx",
        "errors in place of values",
        workbook({"Orders": [*SHEET[:3], with_cell(with_cell(PAYOUT, 3, error("#REF!")), 5, error("#N/A"))]}),
        records={
            "settled_transaction_ledger": [
                {
                    name: value
                    for name, value in PAYOUT_READ.items()
                    if name not in {"bank_settlement_value", "fixed_fee"}
                }
            ]
        },
        unparsed={"settled_transaction_ledger": {1: {"bank_settlement_value": "#REF!"}}},
    ),
    settlement(
        "settled-float-key.xlsx",
        "an id of 18 digits as a number, which a workbook cannot hold",
        workbook({"Orders": [*SHEET[:3], with_cell(PAYOUT, 4, 437000000000004123)]}),
        error="is what a spreadsheet shows in place of a text",
    ),
    settlement(
        "settled-float-short-key.xlsx",
        "an id of 15 digits as a number, which it can",
        workbook({"Orders": [*SHEET[:3], with_cell(PAYOUT, 4, 437000000000004.0)]}),
        records={"settled_transaction_ledger": [{**PAYOUT_READ, "order_item_id": "437000000000004"}]},
    ),
    settlement(
        "settled-services.xlsx",
        "five sheets of one layout, told apart by their names",
        workbook(
            {
                "Orders": SHEET,
                **{sheet: [SERVICE, ["NFT-1", date(2026, 6, 24), float(n), sheet]] for n, sheet in enumerate(SERVICES)},
            }
        ),
        records={
            **SETTLED,
            **{
                f"settled_transaction_ledger_{table}": [
                    {"neft_id": "NFT-1", "payment_date": "2026-06-24", "settlement_value": n, "service_name": sheet}
                ]
                for n, (sheet, table) in enumerate(SERVICES.items())
            },
        },
    ),
    settlement(
        "settled-sheets.xlsx",
        "the other sheets, one of them empty, one with a sentence, one unknown",
        workbook(
            {
                "Orders": SHEET,
                "Ads": [["No data available for the selected period"]],
                "TDS": [],
                "Google Ads Services": [SERVICE],
                "Loans": [["Loan ID", "EMI (Rs.)"], ["L1", 500.0]],
                "MP Fee Rebate": [
                    [
                        "NEFT ID",
                        "Neft Type",
                        "Payment Date",
                        "Settlement Value (Rs.)",
                        "Order ID",
                        "Order item ID",
                        "SKU",
                    ],
                    ["NFT-1", "Rebate", "2026-06-24", 12.0, "OD1", "'437000000000004100", "SKU:a"],
                    [None, None, None, 12.0, "OD1", "'437000000000004100", "SKU:a"],
                ],
                "GST_Details": [
                    [
                        "Service Type",
                        "Neft Id",
                        "Order Item ID/ Listing ID/ Campaign ID/Transaction ID",
                        "Fee Name",
                        "Fee Amount (Rs.)",
                        "CGST Rate",
                        "Total Tax Amount (Rs.)",
                    ],
                    ["Order Item", "NFT-1", "437000000000004100", "Fixed Fee", 12.0, 0.0, 2.16],
                ],
            }
        ),
        records={
            **SETTLED,
            "settled_transaction_ledger_mp_fee_rebate": [
                {
                    "neft_id": "NFT-1",
                    "neft_type": "Rebate",
                    "payment_date": "2026-06-24",
                    "settlement_value": 12,
                    "order_id": "OD1",
                    "order_item_id": "437000000000004100",
                    "sku": "a",
                },
                {
                    "neft_id": "NFT-1",
                    "payment_date": "2026-06-24",
                    "settlement_value": 12,
                    "order_id": "OD1",
                    "order_item_id": "437000000000004100",
                    "sku": "a",
                },
            ],
            "settled_transaction_ledger_gst_details": [
                {
                    "service_type": "Order Item",
                    "neft_id": "NFT-1",
                    "reference_id": "437000000000004100",
                    "fee_name": "Fixed Fee",
                    "fee_amount": 12,
                    "cgst_rate": 0,
                    "total_gst_on_fees": 2.16,
                }
            ],
        },
        unmatched=["Loans"],
    ),
    settlement(
        "settled-no-payout-column.xlsx",
        "a sheet whose rows do not say which payout they belong to",
        workbook({"Fines": [SERVICE[1:], ["2026-06-24", 1.0, "x"]]}),
        records={
            "settled_transaction_ledger_fines": [
                {"payment_date": "2026-06-24", "settlement_value": 1.0, "service_name": "x"}
            ]
        },
    ),
    settlement(
        "settled-sparse.xlsx",
        "a cell at the far end of the sheet",
        workbook({"Orders": Page(rows=SHEET, at={"XFD1048576": "x"})}),
        error="1,048,576 rows and 16,384 columns",
    ),
    settlement(
        "settled-strangers.xlsx",
        "tables of another report",
        workbook({"A": [["Colour", "Taste"], ["red", "sour"]], "B": [["x", "y"], ["1", "2"]]}),
        error="no table in the file belongs to this report: A has 'Colour', 'Taste'; B has",
    ),
]


# Sales, GST, the financial year, returns, inventory, profit and loss.

SALES = [
    "Seller GSTIN",
    "Order Item ID",
    "Event Type",
    "Event Sub Type",
    "Buyer Invoice ID",
    "Order Approval Date ",
    "Is Shopsy Order?",
]
SALES += ["Final Invoice Amount (Price after discount+Shipping Charges)", "Usual Price"]
SALE: Row = [
    "29ABCDE1234F1Z5",
    "330000000000003100",
    "Sale",
    "Sale",
    "LWAX1",
    "2026-08-19 00:00:00.0",
    True,
    399.0,
    "NA",
]
SALES_RETURN: Row = [
    "29ABCDE1234F1Z5",
    "330000000000003100",
    "Return",
    "Return",
    "LWAX2",
    date(2026, 8, 20),
    False,
    -399.0,
    None,
]
SALES_READ = [
    {
        "seller_gstin": "29ABCDE1234F1Z5",
        "order_item_id": "330000000000003100",
        "event_type": event,
        "event_sub_type": event,
        "buyer_invoice_id": invoice,
        "order_approval_date": day,
        "is_shopsy_order": shopsy,
        "final_invoice_amount": amount,
    }
    for event, invoice, day, shopsy, amount in (
        ("Sale", "LWAX1", "2026-08-19", "TRUE", 399),
        ("Return", "LWAX2", "2026-08-20", "FALSE", -399),
    )
]
CASH_BACK = [
    "Seller GSTIN",
    "Order Item ID",
    "Document Type",
    "Credit Note ID/ Debit Note ID",
    "Invoice Amount",
    "Invoice Date",
]
CASH_BACK_ROW: Row = [
    "29ABCDE1234F1Z5",
    "330000000000003100",
    "Credit Note",
    "CANX1",
    10.0,
    "2026-03-11 00:00:00.0",
]
CASH_BACK_READ = {
    "seller_gstin": "29ABCDE1234F1Z5",
    "order_item_id": "330000000000003100",
    "document_type": "Credit Note",
    "credit_note_id_debit_note_id": "CANX1",
    "invoice_amount": 10,
    "invoice_date": "2026-03-11",
}
INTRA = ["GSTIN", "Gross Taxable Value Rs.", "Taxable Sales Return Value Rs.", "Aggregate Taxable Value Rs.", "CGST %"]
INTRA += ["CGST Amount Rs.", "SGST/UT %", "SGST /UT Amount Rs.", "Cess %", "CESS Amount Rs."]
INTRA_ROW: Row = ["29ABCDE1234F1Z5", 10000.5, 500.0, 9500.5, 2.5, 237.5, 2.5, 237.5, 0, 0]
INTRA_READ = {
    "gstin": "29ABCDE1234F1Z5",
    "gross_taxable_value": 10000.5,
    "taxable_sales_return_value": 500,
    "aggregate_taxable_value": 9500.5,
    "cgst_percent": 2.5,
    "cgst_amount": 237.5,
    "sgst_ut_percent": 2.5,
    "sgst_ut_amount": 237.5,
    "cess_percent": 0,
    "cess_amount": 0,
}
INTER = [
    *INTRA[:4],
    "IGST %",
    "IGST Amount Rs.",
    "Cess %",
    "CESS Amount Rs.",
    "Delivered State (PoS)",
    "Delivered State Code",
]
INTER_ROW: Row = ["29ABCDE1234F1Z5", 10000.5, 500.0, 9500.5, 5, 475.0, 0, 0, "ODISHA", "IN-OR"]
INTER_READ = {
    **{name: INTRA_READ[name] for name in list(INTRA_READ)[:4]},
    "igst_percent": 5,
    "igst_amount": 475,
    "cess_percent": 0,
    "cess_amount": 0,
    "delivered_state_pos": "ODISHA",
    "delivered_state_code": "IN-OR",
}
HSN = ["GSTIN", "HSN Number", "Total Quantity in Nos.", "Total\n Value Rs.", "Total Taxable Value Rs."]
DOCUMENTS = [
    "GSTIN",
    "Invoice Series From",
    "Invoice Series \nTo",
    "Total Number of Invoices",
    "Cancelled if any",
    "Net invoices Issued",
]
TCS = [
    "GSTIN",
    "Seller ID issued by Flipkart.Com",
    "GSTIN of Flipkart.Com",
    "Net Taxable Value",
    "TCS %",
    "Invoice Qty\n(Net)",
]
LARGE = [
    "GSTIN",
    "Delivered State (PoS)",
    "Invoice Number",
    "Invoice Date",
    "Invoice Amount Rs.",
    "IGST %",
    "Taxable Value Rs.",
]

PROFIT: list[Row] = [
    [
        "SKU ID",
        "Gross Units (#)",
        "Returned & Cancelled Units",
        "Returned & Cancelled Units (Breakup)",
        None,
        None,
        "Total Expenses (INR)",
        "Total Expenses (Breakup)",
        None,
        "Bank Settlement [Projected] (INR)",
        "Bank Settlement [Projected] (INR)",
    ],
    [
        None,
        None,
        None,
        "RTO (Logistics Return)",
        "RVP (Customer Return)",
        "Cancellations",
        None,
        "Commission Fee",
        "Collection Fee",
        None,
        None,
    ],
    ["SKU-1", 10, 2, 1, 1, 0, -2000.0, -100.0, -50.5, 6300.0, 6301.0],
    ["Grand Total", 10, 2, 1, 1, 0, -2000.0, -100.0, -50.5, 6300.0, 6301.0],
]
PROFIT_ORDERS: list[Row] = [
    [
        "Order Date",
        "Order Item ID",
        "SKU Name",
        "Net Units ",
        "Order Item Value",
        "Accounted Net Sales (INR)",
        "Rewards & Other Benefits(Breakup)",
    ],
    [None, None, None, None, None, None, "Rewards"],
    [date(2026, 7, 4), "437000000000004100", "SKU:a", 2, "498.00", 460.0, 3.5],
]
INVENTORY = ["Warehouse Id", "SKU", "FSN", "Flipkart Selling Price", "Live on Website", "Length (in cm)"]
DASHBOARD = [
    "Location ID",
    "Order ID",
    "Order Item ID",
    "Return ID",
    "Total Price",
    "Return Requested Date",
    "Return Sub-reason",
]
DASHBOARD += ["FF Type", "Invoice Date", "OBD Eligible"]


def case(name: str, says: str, report: str, content: bytes, **expected: Any) -> Case:
    """A case of another report."""
    return Case(name=name, says=says, report=report, content=content, **expected)


OTHERS = [
    case(
        "sales.xlsx",
        "two tables and a help sheet; truth as a cell",
        "sales_ledger",
        workbook(
            {"Help": HELP, "Sales Report": [SALES, SALE, SALES_RETURN], "Cash Back Report": [CASH_BACK, CASH_BACK_ROW]}
        ),
        records={"sales_ledger": SALES_READ, "sales_ledger_cash_back": [CASH_BACK_READ]},
    ),
    case(
        "sales-other-names.xlsx",
        "the same under names that say nothing",
        "sales_ledger",
        workbook({"Sheet2": [CASH_BACK, CASH_BACK_ROW], "Sheet1": [SALES, SALE, SALES_RETURN]}),
        records={"sales_ledger": SALES_READ, "sales_ledger_cash_back": [CASH_BACK_READ]},
    ),
    case(
        "sales-cash-back.csv",
        "a CSV of the second table alone",
        "sales_ledger",
        text([CASH_BACK, as_text(CASH_BACK_ROW)]).encode(),
        records={"sales_ledger_cash_back": [CASH_BACK_READ]},
    ),
    case(
        "gst.xlsx",
        "six sections, a sheet each",
        "gst_returns_report",
        workbook(
            {
                "Section 5B in GSTR-1": [LARGE, ["29A", "KERALA", "LWA1", "2026-06-01", 260000.0, 18.0, 220338.98]],
                "Section 7(A)(2) in GSTR-1": [INTRA, INTRA_ROW],
                "Section 7(B)(2) in GSTR-1": [INTER, INTER_ROW],
                "Section 12 in GSTR-1": [HSN, ["29A", 39269099.0, 120.0, 12000.0, 10169.5]],
                "Section 13 in GSTR-1": [DOCUMENTS, ["29A", "LWA1", "LWA909", 909.0, 4.0, 905.0]],
                "Section 3 in GSTR-8": [TCS, ["29A", "ab12", "27A", 19000.0, 0.5, 310.0]],
            }
        ),
        records={
            "gst_returns_report": [INTRA_READ],
            "gst_returns_report_section_7b2": [INTER_READ],
            "gst_returns_report_section_12": [
                {
                    "gstin": "29A",
                    "hsn_number": "39269099",
                    "total_quantity": 120,
                    "total_value": 12000,
                    "total_taxable_value": 10169.5,
                }
            ],
            "gst_returns_report_section_13": [
                {
                    "gstin": "29A",
                    "invoice_series_from": "LWA1",
                    "invoice_series_to": "LWA909",
                    "total_number_of_invoices": 909,
                    "cancelled_if_any": 4,
                    "net_invoices_issued": 905,
                }
            ],
            "gst_returns_report_section_5b": [
                {
                    "gstin": "29A",
                    "delivered_state_pos": "KERALA",
                    "invoice_number": "LWA1",
                    "invoice_date": "2026-06-01",
                    "invoice_amount": 260000,
                    "igst_percent": 18,
                    "taxable_value": 220338.98,
                }
            ],
            "gst_returns_report_gstr8_section_3": [
                {
                    "gstin": "29A",
                    "flipkart_seller_id": "ab12",
                    "gstin_of_flipkart": "27A",
                    "net_taxable_value": 19000,
                    "tcs_percent": 0.5,
                    "invoice_qty_net": 310,
                }
            ],
        },
    ),
    case(
        "gst-by-header.xlsx",
        "sections told apart by their headers alone",
        "gst_returns_report",
        workbook({"1": [INTER, INTER_ROW], "2": [INTRA, INTRA_ROW]}),
        records={"gst_returns_report": [INTRA_READ], "gst_returns_report_section_7b2": [INTER_READ]},
    ),
    case(
        "gst-stacked.csv",
        "sections below each other, equally wide",
        "gst_returns_report",
        text([INTRA, as_text(INTRA_ROW), [], ["Section 7(B)(2)"], INTER, as_text(INTER_ROW)]).encode(),
        skip=True,
        error="line 5 begins another table below the first",
    ),
    case(
        "year.zip",
        "a workbook for each quarter",
        "financial_year_ledger",
        zip_of(
            {
                "ACME_Q1_FY_25_26.xlsx": workbook({"Orders": [*SHEET[:3], PAYOUT, FOLLOWING]}),
                "ACME_Q2_FY_25_26.xlsx": workbook(
                    {"Orders": [*SHEET[:3], NEXT], "Fines": [SERVICE, ["NFT-2", 46198.0, 5, "Late"]]}
                ),
            }
        ),
        records={
            "financial_year_ledger": [PAYOUT_READ, FOLLOWING_READ, NEXT_READ],
            "financial_year_ledger_fines": [
                {"neft_id": "NFT-2", "payment_date": "2026-06-25", "settlement_value": 5, "service_name": "Late"}
            ],
        },
    ),
    case(
        "returns-dashboard.xlsx",
        "the other layout of returns",
        "returns_report",
        workbook(
            {
                "Returns": [
                    DASHBOARD,
                    [
                        "LOC1",
                        "OD1",
                        "437",
                        "12000000000",
                        272.0,
                        datetime(2026, 8, 16, 13, 45, 30),  # noqa: DTZ001 - a workbook knows no zones
                        "Size",
                        "FA",
                        date(2026, 7, 2),
                        "NA",
                    ],
                ]
            }
        ),
        records={
            "returns_report": [
                {
                    "location_id": "LOC1",
                    "order_id": "OD1",
                    "order_item_id": "437",
                    "return_id": "12000000000",
                    "total_price": 272,
                    "return_requested_date": "2026-08-16T08:15:30+00:00",
                    "return_sub_reason": "Size",
                    "ff_type": "FA",
                    "invoice_date": "2026-07-02",
                }
            ]
        },
    ),
    case(
        "inventory.xlsx",
        "one sheet, whatever its name is",
        "current_inventory_report",
        workbook(
            {
                "Sheet1": [
                    INVENTORY,
                    ["blr_wfld", "SKU:a", '"FSN1"', 499.0, 12.0, 10.5],
                    ["blr_wfld", "b", "FSN2", "₹4,99.00", "-", "NA"],
                ]
            }
        ),
        records={
            "current_inventory_report": [
                {
                    "warehouse_id": "blr_wfld",
                    "sku": "a",
                    "fsn": "FSN1",
                    "flipkart_selling_price": 499,
                    "live_on_website": 12,
                    "length_in_cm": 10.5,
                },
                {"warehouse_id": "blr_wfld", "sku": "b", "fsn": "FSN2"},
            ]
        },
        unparsed={"current_inventory_report": {2: {"flipkart_selling_price": "₹4,99.00"}}},
    ),
    case(
        "profit.xlsx",
        "two rows of merged headers, a header twice, totals",
        "profit_and_loss",
        workbook({"Overall Summary": SUMMARY, "SKU-level P&L": PROFIT, "Orders P&L": PROFIT_ORDERS}),
        records={
            "profit_and_loss": [
                {
                    "sku_id": "SKU-1",
                    "gross_units": 10,
                    "returned_cancelled_units": 2,
                    "rto_units": 1,
                    "rvp_units": 1,
                    "cancelled_units": 0,
                    "total_expenses": -2000,
                    "commission_fee": -100,
                    "collection_fee": -50.5,
                    "bank_settlement_projected": 6300,
                    "bank_settlement_projected_2": 6301,
                }
            ],
            "profit_and_loss_orders": [
                {
                    "order_date": "2026-07-04",
                    "order_item_id": "437000000000004100",
                    "sku_name": "a",
                    "net_units": 2,
                    "order_item_value": 498,
                    "accounted_net_sales": 460,
                    "rewards": 3.5,
                }
            ],
        },
        dropped=1,
    ),
    case(
        "stock.csv",
        "a report whose columns nobody has published, under a title",
        "stock_ledger",
        text(
            [
                ["Warehouse Stock Ledger"],
                ["From", "2026-06-01"],
                ["FSN", "Opening Stock", "Closing Stock", "Remarks"],
                ["F1", "007", "3", "NA"],
            ]
        ).encode(),
        records={"stock_ledger": [{"fsn": "F1", "opening_stock": "007", "closing_stock": "3"}]},
    ),
    case(
        "mir.xlsx",
        "the same in a workbook with a help sheet",
        "mir_ledger",
        workbook({"Help": HELP, "MIR": [["Warehouse", "Missing Units"], ["blr_wfld", 3.0], ["blr_wfld", 3.0]]}),
        records={
            "mir_ledger": [
                {"warehouse": "blr_wfld", "missing_units": "3"},
                {"warehouse": "blr_wfld", "missing_units": "3"},
            ]
        },
    ),
    case(
        "mir-two.xlsx",
        "two tables, and nobody knows which is the report's",
        "mir_ledger",
        workbook({"A": [["Warehouse", "Missing"], ["x", 3.0]], "B": [["Colour", "Taste"], ["x", "y"]]}),
        error="no table in the file belongs to this report",
    ),
]

WRITTEN_BY_HAND = "written_down.json"

CASES = [*CONTAINERS, *CELLS, *HEADERS, *ROWS, *SETTLEMENTS, *OTHERS]


def main() -> None:
    """Write the files and what is expected of them."""
    for path in FOLDER.iterdir():
        if path.suffix != ".py" and path.name != WRITTEN_BY_HAND and path.is_file():
            path.unlink()
    for case_ in CASES:
        (FOLDER / case_.name).write_bytes(case_.content)
        expected = {name: value for name, value in vars(case_).items() if name not in {"name", "content"} and value}
        (FOLDER / f"{case_.name}.expected.json").write_text(
            json.dumps(expected, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
