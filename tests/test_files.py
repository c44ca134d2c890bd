"""Bytes to tables of text."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import tracemalloc
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calls import counted_calls
from support.spreadsheets import workbook

from tap_flipkart_reports.exceptions import FileError, RowError
from tap_flipkart_reports.files import containers as files
from tap_flipkart_reports.files import delimited as texts
from tap_flipkart_reports.files import encodings
from tap_flipkart_reports.files.containers import open_sheets
from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_search import open_report
from tap_flipkart_reports.files.sheets import BATCH_ROWS
from tap_flipkart_reports.planning.report_type import ReportTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_flipkart_reports.files.sheets import Table

TABLE = ReportTable(stream="any", title="Any")
CSV = b"Order ID,Amount\nOD1,10\nOD2,20\n"
ROWS = [["OD1", "10"], ["OD2", "20"]]


@contextmanager
def opened(path: Path) -> Iterator[Table]:
    """The one table of a file whose columns nobody has published."""
    with open_report(path, [ReportTable(stream="any", title="Any")]) as report:
        (table,) = report.tables_for("any")
        yield table


def read(folder: Path, content: bytes) -> tuple[tuple[str, ...], list[list[str]]]:
    """The header and the rows of a file; nothing is left behind in its folder."""
    path = folder / "report"
    path.write_bytes(content)
    with opened(path) as table:
        rows = [row for batch in table.batches for row in batch.rows]
    assert list(folder.iterdir()) == [path]
    return table.header, rows


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(FileError) as caught:
        read(folder, content)
    assert list(folder.iterdir()) == [folder / "report"]
    return str(caught.value)


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# What is read


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.rstrip(),
        CSV.replace(b"\n", b"\r\n"),
        CSV.replace(b"\n", b"\r"),
        CSV.replace(b",", b"\t"),
        CSV.replace(b",", b";"),
        CSV.replace(b",", b"|"),
        codecs.BOM_UTF8 + CSV,
        CSV.decode().encode("utf-16"),
        codecs.BOM_UTF16_BE + CSV.decode().encode("utf-16-be"),
        b"\n  \n,,\n\xc2\xa0\n" + CSV.replace(b"OD2", b"\n,\n ,\t\nOD2") + b",\n\n",
        CSV.replace(b"OD2", b"\xe2\x80\x8b,\nOD2") + ",\ufeff\n".encode(),
        CSV.replace(b"D", b"\0D\0"),
        gzip.compress(CSV),
        gzip.compress(CSV[:20]) + gzip.compress(CSV[20:]),
        zipped({"report.csv": CSV}),
        zipped({"report.csv": CSV}, zipfile.ZIP_STORED),
        zipped({"folder/": b"", "folder/report.csv": CSV, "__MACOSX/._report.csv": b"x"}),
    ],
)
def test_the_same_table_however_it_comes(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == (("Order ID", "Amount"), ROWS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_letters_come_as_they_were_written(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, "Title,Price\nCafé “noir”,€ 5\n".encode(encoding))[1] == [["Café “noir”", "€ 5"]]


def test_one_odd_byte_far_down_decides_the_encoding_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "CHUNK", 7)
    assert read(tmp_path, b"a,b\n" + b"x,y\n" * 50 + b"caf\xe9,z\n")[1][-1] == ["café", "z"]
    assert read(tmp_path, b"a,b\n" + "₹,é\n".encode() * 50)[1] == [["₹", "é"]] * 50


@given(
    letters=st.lists(st.sampled_from(["a", "é", "दी", "₹"]), min_size=1, max_size=30),
    odd=st.lists(st.tuples(st.integers(0, 30), st.sampled_from([b"\xe9", b"\x81", b"\x93"])), max_size=5),
    chunk=st.integers(1, 9),
)
def test_a_byte_that_fits_no_encoding_costs_that_character_and_is_counted(
    tmp_path_factory: pytest.TempPathFactory, letters: list[str], odd: list[tuple[int, bytes]], chunk: int
) -> None:
    pieces = [letter.encode() for letter in letters]
    for place, byte in odd:
        pieces.insert(place % (len(pieces) + 1), b"." + byte + b".")  # no letter of UTF-8 with its neighbours
    path = tmp_path_factory.mktemp("any") / "report"
    path.write_bytes(b"a,b\n" + b"".join(pieces) + b",1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encodings, "CHUNK", chunk)
        with opened(path) as table:
            ((cell, _),) = [row for batch in table.batches for row in batch.rows]
    written = {b"\xe9": "é", b"\x81": "\ufffd", b"\x93": "“"}
    assert cell == "".join(f".{written[piece[1:2]]}." if piece[:1] == b"." else piece.decode() for piece in pieces)
    assert table.undecodable == cell.count("\ufffd")


def test_control_characters_are_dropped_from_any_file(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\nx\x01\x1b\x7fy,\x0c2\0\n")[1] == [["xy", "2"]]
    assert read(tmp_path, "a,b\nx\x01y,1\n".encode("utf-16"))[1] == [["xy", "1"]]


def test_a_member_of_a_zip_gives_the_table_its_name(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(zipped({"Sales Report.csv": CSV}))
    with opened(path) as table:
        assert table.name == "Sales Report.csv"
    path.write_bytes(CSV)
    with opened(path) as table:
        assert table.name is None


def test_lines_are_those_of_the_file_and_batches_are_small(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(b'\n"a\nheader",b\n"1\r\n\n2",x\n\n3,y\r4,z\n' + b"5,z\n" * (2 * BATCH_ROWS))
    with opened(path) as table:
        batches = list(table.batches)
    assert (table.header, table.header_line) == (("a\nheader", "b"), 2)
    assert [line for batch in batches for line in batch.lines][:5] == [4, 8, 9, 10, 11]
    assert batches[0].rows[0] == ["1\r\n\n2", "x"]
    assert [len(batch.rows) for batch in batches] == [BATCH_ROWS, BATCH_ROWS, 3]


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    assert read(tmp_path, b"Order ID,Amount\n") == (("Order ID", "Amount"), [])


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("Price (a, b, c)\tTitle\n1\tx\n2\ty, z\n", ("Price (a, b, c)", "Title")),
        ("a;b,c\n1;2,3\n", ("a;b", "c")),
        ('"a,x"\t"b"\n1\t2\n', ("a,x", "b")),
        ("a,b,c\n1\n2,3\n", ("a", "b", "c")),
        ("Title\nred; green; blue\n", ("Title",)),
    ],
)
def test_the_delimiter_is_the_one_that_explains_header_and_rows(
    tmp_path: Path, text: str, header: tuple[str, ...]
) -> None:
    assert read(tmp_path, text.encode())[0] == header


def test_a_long_cell_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\n1," + b"x" * 500_000 + b"\n")[1] == [["1", "x" * 500_000]]


# Lone surrogates cannot be written, and control characters are dropped.
CONTROLS = "".join(map(chr, (*range(9), 11, 12, *range(14, 32), 127)))
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS), max_size=20)


@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from([",", "\t", ";", "|"]),
)
def test_any_table_comes_back_cell_by_cell(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], encoding: str, ending: str, delimiter: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=ending, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["first", "second", "third"], *rows])
    header, found = read(tmp_path_factory.mktemp("any"), text.getvalue().encode(encoding))
    assert header == ("first", "second", "third")
    assert found == [row for row in rows if any(map(str.strip, row))]


# What is refused


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "zero bytes"),
        (gzip.compress(b""), "zero bytes"),
        (b" \r\n\t\n", "nothing but white space"),
        (codecs.BOM_UTF8, "nothing but white space"),
        (b"\n <!DOCTYPE html><html><head><title>Access\n denied</title>", "a web page, not a table: Access denied"),
        (b"<html><body>", "a web page, not a table"),
        (b"<?xml version='1.0'?><Error><Message>Expired</Message></Error>", ": Expired"),
        (json.dumps({"errors": [{"code": 1, "message": "No such report"}]}).encode(), ": No such report"),
        (b'{"error": "unauthorized", "error_description": "Bad credentials"}', ": unauthorized"),
        (b'{"cut', "the file is JSON"),
        (b'{"a":' * 12_000, "the file is JSON"),
        (zipped({"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": b""}), "a workbook (XLSX) that cannot be read"),
        (zipped({"xl/workbook.bin": b"", "xl/worksheets/sheet1.bin": b""}), "a binary workbook (XLSB)"),
        (zipped({"mimetype": b"", "content.xml": b""}), "an OpenDocument file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "an old Excel workbook (XLS) or one with a password"),
        (zipped({"a.csv": CSV, "b.csv": b"<html><title>Sorry</title>"}), "b.csv in the ZIP: the file is a web page"),
        (zipped({"a.csv": CSV, "b.csv": b""}), "b.csv in the ZIP: the file is empty"),
        (zipped({}), "a ZIP without a file in it"),
        (zipped({"a.csv": CSV}, zipfile.ZIP_BZIP2), "rare kind of compression"),
        (zipped({"a.csv": CSV})[:-10], "a ZIP that cannot be read"),
        (zipped({"a.csv.gz": gzip.compress(CSV)}), "packed twice"),
        (gzip.compress(gzip.compress(CSV)), "packed twice"),
        (gzip.compress(CSV)[:-9], "cut off"),
        (gzip.compress(CSV) + b"rubbish", "damaged"),
        (gzip.compress(CSV)[:-8] + b"12345678", "damaged"),
        (
            zipped({"a.csv": CSV}, zipfile.ZIP_STORED).replace(b"OD1,10", b"OD1,99"),
            "a ZIP that cannot be read: Bad CRC-32",
        ),
        (CSV + b'"OD3,30\nOD4,40\n', "the row on line 4 of the file is cut off or damaged"),
        (CSV + b'"OD3"x,30\n', "the row on line 4 of the file is cut off or damaged"),
        (b"a,b\n" + bytes(range(1, 256)), "the file is not text: 34 of its 259 bytes"),
        (codecs.BOM_UTF16_LE + b"a", "the file's text is not utf-16, as its first bytes say"),
        (CSV.decode().encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"a,b\n" + b"x" * (texts.MAX_CELL + 1) + b",1\n", "the row on line 2"),
        (b"a,b\n" + b"x," * encodings.MAX_LINE, "a line of more than"),
    ],
)
def test_what_is_not_a_table_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in refusal(tmp_path, content)


def test_of_json_without_an_error_message_only_its_kind_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, b'{"status": 1}') == "the file is JSON, not a table"


@pytest.mark.parametrize(
    "content",
    [
        b"<title>see https://api.flipkart.net/storage/reports/R-1?x_secret_key=hush " + b"x" * 500 + b"</title>",
        b'{"message": "no file at reports/R-1?x_secret_key=hush"}',
        b'{"message": "no such signature: hush0123456789abcdef"}',
    ],
)
def test_a_refusal_quotes_no_link_and_is_short(tmp_path: Path, content: bytes) -> None:
    words = refusal(tmp_path, content)
    assert "…" in words
    assert "hush" not in words
    assert len(words) < 200


def test_a_bomb_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SMALL_BYTES", 2**20)
    bomb = gzip.compress(b"a,b\n" + b"1,1\n" * 2**21)
    assert "unpack to more than" in refusal(tmp_path, bomb)


def test_a_file_beyond_the_ceiling_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report"
    for content in (gzip.compress(CSV * 9), CSV * 9):
        path.write_bytes(content)
        with pytest.raises(FileError, match="more than"), open_sheets(path, max_file_bytes=len(CSV) * 9 - 1):
            pass
        with open_sheets(path, max_file_bytes=len(CSV) * 9) as (sheet,):
            assert sheet.name is None


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / "report"
        path.write_bytes(gzip.compress(b"a,b\n" + b"1234567,1234567\n" * rows, 1))
        tracemalloc.start()
        with opened(path) as table:
            assert sum(len(batch.rows) for batch in table.batches) == rows
        try:
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(160_000) < 1.2 * peak(40_000)


# Bounds


def test_a_zip_of_thousands_of_members_takes_a_few_descriptors(tmp_path: Path) -> None:
    members = {f"{number}.csv": f"a,b\n{number},x\n".encode() for number in range(3000)}
    path = tmp_path / "report"
    path.write_bytes(zipped(members))
    with descriptors() as opened_files, open_report(path, [TABLE]) as report:
        tables = report.tables_for("any")
        rows = [row for table in tables for batch in table.batches for row in batch.rows]
        assert len(opened_files()) < 10
    assert rows == [[str(number), "x"] for number in range(3000)]
    path.write_bytes(zipped({str(number): b"a,b\n1,2\n" for number in range(10_001)}))
    assert "10,001 files, more than the 10,000" in refusal_of(path)


@contextmanager
def descriptors() -> Iterator[Callable[[], set[str]]]:
    """The descriptors that are open now and were not before."""
    before = {path.name for path in Path("/dev/fd").iterdir()}
    yield lambda: {path.name for path in Path("/dev/fd").iterdir()} - before


def refusal_of(path: Path) -> str:
    with pytest.raises(FileError) as caught, open_report(path, [TABLE]) as report:
        report.tables_for("any")
    return str(caught.value)


class StoppedError(Exception):
    """What a checkpoint raises."""


@pytest.mark.parametrize("form", ["text", "gzip", "zip", "workbook", "one line", "lines of prose"])
def test_a_reading_is_ended_within_a_chunk_whatever_is_read(tmp_path: Path, form: str) -> None:
    rows = b"a,b\n" + b"1,2\n" * 150_000
    content = {
        "text": lambda: rows,
        "gzip": lambda: gzip.compress(rows, 1),
        "zip": lambda: zipped({"a.csv": rows}),
        "workbook": lambda: workbook({"Sheet1": [["a", "b"], *([str(number), "x"] for number in range(10_000))]}),
        "one line": lambda: b"a," * 1_000_000 + b"\n1\n",
        "lines of prose": lambda: b'"' + b"what it means, in words\n" * 100_000,
    }[form]()
    path = tmp_path / "report"
    path.write_bytes(content)
    checks = 0

    def count() -> None:
        nonlocal checks
        checks += 1
        if checks > stop_at:
            raise StoppedError

    def read_on() -> None:
        with suppress(FileError), open_report(path, [TABLE], checkpoint=count) as report:
            for table in report.tables_for("any"):
                list(table.batches)

    stop_at = 10**9
    read_on()
    total = checks
    assert total > 5
    for stop_at in (0, total // 2, total - 1):
        checks = 0
        with pytest.raises(StoppedError):
            read_on()
        assert checks == stop_at + 1


@pytest.mark.parametrize(
    "kind", ["columns", "one name for all columns", "a long header", "quotes", "brackets", "title"]
)
def test_a_wide_or_long_header_takes_linear_work(tmp_path: Path, kind: str) -> None:
    def content(size: int) -> bytes:
        return {
            "columns": lambda: ",".join(f"c{number}" for number in range(size)).encode() + b"\n1\n",
            "one name for all columns": lambda: b"a," * size + b"\n" + b"1," * size + b"\n",
            "a long header": lambda: b"x" * size + b",b\n1,2\n",
            "quotes": lambda: b'"' * (2 * size) + b",b\n1,2\n",
            "brackets": lambda: b"[" * size + b",b\n1,2\n",
            "title": lambda: b"<title>" * size,
        }[kind]()

    def calls(size: int) -> int:
        path = tmp_path / "report"
        path.write_bytes(content(size))
        with (
            counted_calls() as calls_made,
            suppress(FileError, RowError),
            open_report(path, [ReportTable(stream="any", title="x")]) as report,
        ):
            for table in report.tables_for("any"):
                layout = match_header(table.header, (), reserved=())
                assert len({column.name for _, column in layout.new}) == len(layout.new)
                list(table.batches)
        return calls_made.number

    small, large = calls(4_000), calls(8_000)
    assert large < 2.5 * small + 2_000
    assert "more than the 16,384 of any table" in refusal_of_wide(tmp_path)


def refusal_of_wide(folder: Path) -> str:
    path = folder / "wide"
    path.write_bytes(b"a," * 1_000_000 + b"\n1\n")
    return refusal_of(path)
