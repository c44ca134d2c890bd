"""Copies that can be shown: nothing of anybody is left in them, and the tap says of a copy what it says of the file."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import datetime, timezone
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from support.spreadsheets import zip_of

from tap_flipkart_reports.commands.anonymise import anonymise
from tap_flipkart_reports.commands.anonymous_values import FACTORS, Disguise
from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.commands.inspect import inspect_file
from tap_flipkart_reports.exceptions import FileError, SettingsError
from tap_flipkart_reports.files.containers import open_sheets
from tap_flipkart_reports.files.sheets import RowTally
from tap_flipkart_reports.planning.table_schema import table_schema
from tap_flipkart_reports.simulator.business.reports import LAYOUTS
from tap_flipkart_reports.simulator.business.views import View
from tap_flipkart_reports.simulator.packing.files import file_of

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parent / "data"
OCTOBER = {"from_date": "2026-10-01", "to_date": "2026-10-31"}

CANARIES = (
    "Ramesh Kanariya",
    "ramesh.kanariya@example.com",
    "9812345670",
    "29ABCDE1234F1Z5",
    "Flat 7, Kanari Street",
    "OD437000000000004177",
    "437000000000004177",
    "KANARI-SKU-1",
    "98765.43",
)


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def copy_of(path: Path, folder: Path) -> Path:
    (copied,) = anonymise([path], folder / "out")
    return copied.copy


def everything_in(path: Path) -> str:
    """All bytes of a file as text: of a ZIP those of its members, and their names."""
    content = path.read_bytes()
    if not zipfile.is_zipfile(path):
        return path.name + content.decode("utf-8", "replace")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    return path.name + "".join(name + text for name, text in parts.items())


def leaks(path: Path) -> list[str]:
    text = everything_in(path)
    return [word for canary in CANARIES for word in (canary, *canary.split()) if len(word) > 5 and word in text]


# Leaks


def test_no_cell_of_a_text_file_reveals_anything_whatever_column_it_is_in(tmp_path: Path) -> None:
    header = [*table_schema("orders_report").properties, "Buyer name", "Phone", "Notes"]
    rows = [[canary] * len(header) for canary in CANARIES]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["Report of Ramesh Kanariya", "9812345670"], [], header, *rows])
    source = written(tmp_path, "Ramesh Kanariya 9812345670.csv", buffer.getvalue().encode())
    assert leaks(source)
    assert leaks(copy_of(source, tmp_path)) == []


CUSTOM_PROPERTIES = b"""<Properties
 xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
 xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"><property
 fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="Ramesh Kanariya"><vt:lpwstr>KANARI-SKU-1</vt:lpwstr>
 </property></Properties>"""


def workbook_with_canaries() -> bytes:
    """A sales report that has something of somebody wherever a workbook can hold it."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Sales Report"
    names = [schema["title"] for schema in table_schema("sales_ledger").properties.values()]
    sheet.append([*names, "Notes"])
    for canary in CANARIES:
        sheet.append([canary] * (len(names) + 1))
    sheet.append(['=IF(A2="Ramesh Kanariya",1,0)', 9812345670, 98765.43, 437000000000004177])
    sheet["A1"].comment = Comment("asked Ramesh Kanariya", "ramesh.kanariya@example.com")
    sheet["B2"].hyperlink = "mailto:ramesh.kanariya@example.com"
    assert sheet.oddHeader is not None
    sheet.oddHeader.center.text = "Ramesh Kanariya"
    choices = DataValidation(
        type="list", formula1='"Ramesh Kanariya,Other"', prompt="KANARI-SKU-1", showInputMessage=True
    )
    sheet.add_data_validation(choices)
    choices.add("A2")
    sheet.auto_filter.ref = "A1:C4"
    sheet.auto_filter.add_filter_column(0, ["Ramesh Kanariya"])
    book.defined_names["Ramesh_Kanariya"] = DefinedName("Ramesh_Kanariya", attr_text="'Sales Report'!$A$1")
    book.create_sheet("Help").append(["For Ramesh Kanariya", "Flat 7, Kanari Street"])
    notes = book.create_sheet("Notes")
    for _ in range(3):
        notes.append(["Ramesh Kanariya", "Flat 7, Kanari Street"])
    properties = book.properties
    properties.creator = properties.lastModifiedBy = properties.title = properties.keywords = "Ramesh Kanariya"
    buffer = io.BytesIO()
    book.save(buffer)
    return with_part(buffer.getvalue(), {
        "docProps/custom.xml": CUSTOM_PROPERTIES,
        "xl/persons/person.xml": b"<personList><person displayName='Ramesh Kanariya'/></personList>",
        "xl/sharedStrings.xml": None,
    })  # fmt: skip


def with_part(content: bytes, parts: dict[str, bytes | None]) -> bytes:
    """A workbook with more parts; of `None` the shared texts, with one more that no cell shows, and with a remark."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(buffer, "w") as copy:
        for info in archive.infolist():
            text = archive.read(info)
            if info.filename in parts:
                text = text.replace(b"</sst>", b"<!--Ramesh Kanariya--><si><t>Ramesh Kanariya</t></si></sst>")
            copy.writestr(info, text)
        for name, part in parts.items():
            if part is not None:
                copy.writestr(name, part)
    return buffer.getvalue()


def test_no_part_of_a_workbook_reveals_anything(tmp_path: Path) -> None:
    source = written(tmp_path, "Ramesh Kanariya.xlsx", workbook_with_canaries())
    assert leaks(source)
    copy = copy_of(source, tmp_path)
    assert leaks(copy) == []
    book = load_workbook(copy)
    assert book.sheetnames == ["Sales Report", "Help", "Notes"]
    original = load_workbook(source)["Sales Report"]
    assert [cell.value for cell in book["Sales Report"][1]] == [cell.value for cell in original[1]]
    assert [[cell.data_type for cell in row] for row in book["Sales Report"]] == [
        [cell.data_type for cell in row] for row in original
    ]


@pytest.mark.parametrize(
    "spelt", [str.upper, lambda name: name.replace("/", "\\"), lambda name: name.replace("sheet1", "Sheet1")]
)
def test_no_part_reveals_anything_however_its_name_is_spelt(tmp_path: Path, spelt: Callable[[str], str]) -> None:
    with zipfile.ZipFile(io.BytesIO(workbook_with_canaries())) as archive:
        parts = {spelt(name): archive.read(name) for name in archive.namelist()}
    orphan = b"<worksheet><sheetData><row><c><v>Ramesh Kanariya</v></c></row></sheetData></worksheet>"
    source = written(tmp_path, "a.xlsx", zip_of({**parts, "xl/worksheets/sheet9.xml": orphan}))
    copy = copy_of(source, tmp_path)
    assert leaks(copy) == []
    for path in (source, copy):
        with open_sheets(path) as sheets:
            rows = [row for sheet in sheets for batch in sheet.readers[0].batches(1, RowTally()) for row in batch.rows]
        assert len(rows) == 1 + len(CANARIES) + 1 + 4


def test_members_of_an_archive_lose_their_names_but_for_the_quarter(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("KANARI-SKU-1_Q2_FY_25_26.xlsx", workbook_with_canaries())
        archive.writestr(
            "Ramesh Kanariya.csv",
            "order_item_id,order_date,order_approval_date,order_item_status\n437000000000004177,,,\n",
        )
    copy = copy_of(written(tmp_path, "year.zip", buffer.getvalue()), tmp_path)
    with zipfile.ZipFile(copy) as archive:
        names = archive.namelist()
        for name in names:
            assert leaks(written(tmp_path, name, archive.read(name))) == []
    assert names == ["sales_ledger-1_Q2_FY_25_26.xlsx", "orders_report-1.csv"]


def test_a_header_that_names_a_person_is_kept_without_the_name(tmp_path: Path) -> None:
    header = b"order_item_id,order_id,Gift Wrap?,For ramesh.kanariya@example.com 9812345670\n1,2,3,4\n"
    copy = copy_of(written(tmp_path, "a.csv", header), tmp_path).read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"order_item_id,order_id,Gift Wrap\?,For \w{6}\.\w{8}@\w{7}\.\w{3} \d{10}", copy[0])
    assert "kanariya" not in copy[0]


def test_headers_that_nobody_knows_are_reported_and_replaced_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path, "a.csv", b"Warehouse ID,Opening Stock,Ramesh Kanariya\nblr_wfld,10,1\nkol,11,1\n")
    with pytest.raises(SystemExit):
        main(["anonymise", str(source), "-o", str(tmp_path / "kept")])
    assert "'Opening Stock', 'Ramesh Kanariya' (--replace-headers)" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["anonymise", str(source), "-o", str(tmp_path / "replaced"), "--replace-headers"])
    (copy,) = (tmp_path / "replaced").iterdir()
    assert leaks(copy) == []
    assert re.fullmatch(r"Warehouse ID,Opening Stock,\w{6} \w{8}", copy.read_text("utf-8").splitlines()[0])


# What stays

SPOKEN_OF_VALUES = frozenset({"rejected", "error", "name"})


def told(path: Path) -> dict[str, Any]:
    """What `inspect` says of a file, but for values and names of members."""
    document = inspect_file(path).document()
    return {
        "report_types": document["report_types"],
        "forms": [sheet["form"] for sheet in document["sheets"]],
        "tables": [
            {name: value for name, value in table.items() if name not in SPOKEN_OF_VALUES}
            | {"has_error": table["error"] is not None, "rejected": [row["line"] for row in table["rejected"]]}
            for table in document["tables"]
        ],
    }


FILES = [path.with_name(path.name.removesuffix(".expected.json")) for path in sorted(DATA.glob("*.expected.json"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_said_of_a_file_is_said_of_its_copy(path: Path, tmp_path: Path) -> None:
    try:
        said = told(path)
    except FileError:
        with pytest.raises(FileError):
            copy_of(path, tmp_path)
        return
    copy = copy_of(path, tmp_path)
    assert told(copy) == said
    assert copy.suffixes == path.suffixes


def report(identifier: str, file_format: str, *, year: str = "2026") -> bytes:
    as_of = datetime(2026, 11, 24, tzinfo=timezone.utc).replace(tzinfo=None)
    view = View.of("acme", OCTOBER, as_of=as_of, per_day=8)
    layout = LAYOUTS[identifier].in_year(year)
    with file_of(identifier, layout, view, file_format=file_format, faults={}).content as content:
        return content.read()


@pytest.mark.parametrize("year", ["2026", "2025"])
@pytest.mark.parametrize(
    "identifier", ["sales_ledger", "settled_transaction_ledger", "gst_returns_report", "profit_and_loss_report"]
)
def test_workbooks_of_both_years_are_the_same_but_for_values(identifier: str, year: str, tmp_path: Path) -> None:
    source = written(tmp_path, "a.xlsx", report(identifier, "xlsx", year=year))
    copy = copy_of(source, tmp_path)
    assert told(copy) == told(source)
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(copy) as after:
        assert after.namelist() == before.namelist()
        for name in before.namelist():
            texts = re.compile(rb"<(?:v|t|f)(?: [^>]*)?>[^<]*<")
            assert texts.sub(b"", after.read(name)) == texts.sub(b"", before.read(name)), name


@cache
def records(path: Path, sheet: str, header_rows: int) -> list[list[Any]]:
    rows = load_workbook(path)[sheet].iter_rows(min_row=header_rows + 1, values_only=True)
    return [list(row) for row in rows]


@pytest.mark.integration
def test_joins_and_sums_hold_over_the_files_of_one_call(tmp_path: Path) -> None:
    sales = written(tmp_path, "sales.xlsx", report("sales_ledger", "xlsx"))
    settled = written(tmp_path, "settled.xlsx", report("settled_transaction_ledger", "xlsx"))
    orders = written(tmp_path, "orders.csv", report("orders_report", "csv"))
    copies = [copied.copy for copied in anonymise([sales, settled, orders], tmp_path / "out")]

    def joined(sales: Path, settled: Path, orders: Path) -> tuple[list[bool], int]:
        items = {row[2] for row in records(sales, "Sales Report", 1)}
        paid = [row[8] for row in records(settled, "Orders", 3)]
        ordered = {line.partition(",")[0].removeprefix("OI:") for line in orders.read_text("utf-8").splitlines()}
        return [item in items for item in paid], len(ordered & set(paid))

    assert joined(*copies) == joined(sales, settled, orders)
    assert {row[8] for row in records(settled, "Orders", 3)}.isdisjoint(
        row[8] for row in records(copies[1], "Orders", 3)
    )
    before, after = (records(path, "Orders", 3) for path in (settled, copies[1]))
    factors = {Decimal(str(new[9])) / Decimal(str(old[9])) for old, new in zip(before, after, strict=True) if old[9]}
    (factor,) = factors
    assert factor in FACTORS
    for old, new in zip(before, after, strict=True):
        value = Decimal(str(old[3]).replace(",", "")) * factor
        assert Decimal(str(new[3]).replace(",", "")) == value
        parts = sum(
            (Decimal(str(cell).replace(",", "")) for cell in (new[9], new[11], new[13], new[14], new[17])), Decimal(0)
        )
        assert parts == value


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("1,23,456.70", r"-?[\d,]+\.\d\d"),
        ("(499)", r"\(\d+\)"),
        ("Rs. 5.00", r"Rs\. \d+\.00"),
        ("-.50", r"-\d*\.\d\d"),
        ("1e3", r"\d+e3"),
    ],
)
def test_an_amount_keeps_its_spelling(text: str, shape: str) -> None:
    assert re.fullmatch(shape, Disguise(factor=7).amount(text))


@pytest.mark.parametrize("text", ["OI:330000000000003100", '"""SKU:Lamp_12"""', "'4370", "NFT-/XUTR/1 ", "मसाला चाय"])
def test_a_text_keeps_its_shape_and_what_is_around_it(text: str) -> None:
    disguise = Disguise()
    other = disguise.text(text)
    assert other != text
    assert len(other) == len(text)
    assert disguise.text(text) == other
    for before, after in zip(text, other, strict=True):
        assert before.isalnum() == after.isalnum()
        assert before.isdigit() == after.isdigit()


def test_the_same_id_gets_the_same_stand_in_under_any_prefix_and_no_two_share_one() -> None:
    disguise = Disguise()
    assert disguise.text("OI:4370").removeprefix("OI:") == disguise.text("'4370").removeprefix("'")
    numbers = [f"{number:04d}" for number in range(3000, 4000)]
    assert len({disguise.text(number) for number in numbers}) == len(numbers)


def test_bytes_beside_the_values_stay(tmp_path: Path) -> None:
    source = written(
        tmp_path,
        "a.csv",
        b'\xef\xbb\xbforder_item_id;order_id;product_title\r\n"OI:1";OD1;"a ""b"", c"\n\n\'2;OD2;caf\xc3\xa9\r',
    )
    content = copy_of(source, tmp_path).read_bytes()
    pattern = rb"\xef\xbb\xbforder_item_id;order_id;product_title\r\n\"OI:\d\";[A-Z]{2}\d;"
    pattern += (
        rb"\"[a-z] \"\"[a-z]\"\", [a-z]\"\n\n'\d;[A-Z]{2}\d;[a-z]{3}(\xc3.|\xc2\xb5)\r"  # µ is a small letter, too
    )
    assert re.fullmatch(pattern, content, re.DOTALL)


# The command


def test_the_command_says_what_it_has_copied_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["anonymise", str(DATA / "plain.csv"), "-o", str(tmp_path / "out")])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{DATA / 'plain.csv'} -> {tmp_path / 'out' / 'orders_report-1.csv'}\n"


def test_a_copy_never_takes_the_place_of_another_file(tmp_path: Path) -> None:
    copy = copy_of(DATA / "plain.csv", tmp_path)
    before = copy.read_bytes()
    with pytest.raises(SettingsError, match=r"orders_report-1\.csv is there already; name another folder"):
        copy_of(DATA / "plain.csv", tmp_path)
    assert copy.read_bytes() == before
    assert list(copy.parent.iterdir()) == [copy]


def test_a_file_that_is_not_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere is not a file"):
        anonymise([tmp_path / "nowhere"], tmp_path)


def test_of_several_files_the_one_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"random\.bin: the file is not text"):
        anonymise([DATA / "plain.csv", written(tmp_path, "random.bin", bytes(range(32)) * 99)], tmp_path / "out")
