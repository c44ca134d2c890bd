"""Rows of one natural key are told apart: by an ordinal that a re-read, other rows and the file's order leave alone."""

from __future__ import annotations

import csv
import io
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.spreadsheets import Cell, Raw, workbook

from tap_flipkart_reports.files import hash_spool
from tap_flipkart_reports.files.column_scan import UnscannableError, column_texts
from tap_flipkart_reports.files.encodings import TextEncoding
from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_search import open_report
from tap_flipkart_reports.files.row_filter import RowCounts
from tap_flipkart_reports.files.row_keys import KeyRepeats, row_identity
from tap_flipkart_reports.files.row_rules import RowRules
from tap_flipkart_reports.files.rows import read_rows
from tap_flipkart_reports.report_types import tables_of

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

    from support.postgres import Postgres

HEADER = ["return_id", "order_item_id", "return_requested_date", "return_status", "sku"]
RULES = RowRules(bad_rows="fail", max_bad_rows=0, bad_cells="fail", schema_drift="evolve")
(RETURNS,) = tables_of("returns_report")
KEY = ("return_id", "_row_ordinal")


@dataclass(frozen=True)
class Row:
    """A return; its status may change from report to report, all else does not."""

    return_id: str
    item: str = "1"
    status: str = "new"
    day: str = "2026-10-01"

    @property
    def cells(self) -> list[str]:
        return [self.return_id, self.item, self.day, self.status, "lamp"]


def text_of(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *(row.cells for row in rows)])
    return text.getvalue().encode()


def read(path: Path, *files: Sequence[Row]) -> tuple[list[dict[str, Any]], KeyRepeats]:
    """The records of a report of returns, and what was found of its keys."""
    return read_bytes(path, b"".join(text_of(rows) for rows in files))


def read_bytes(path: Path, content: bytes) -> tuple[list[dict[str, Any]], KeyRepeats]:
    path.write_bytes(content)
    with open_report(path, [RETURNS]) as report:
        parts = [
            (table, match_header(table.header, RETURNS.columns, reserved=(), layouts=RETURNS.layouts))
            for table in report.tables_for("returns_report")
        ]
        identity = row_identity(RETURNS.key, parts, fallback=RETURNS.fallback_key)
        records = [
            {**dict(zip(batch.columns, row, strict=True)), "_row_ordinal": ordinal}
            for table, layout in parts
            for batch in read_rows(table, layout, selected=None, rules=RULES, identity=identity, counts=RowCounts())
            for row, ordinal in zip(zip(*batch.columns.values(), strict=True), batch.row_ordinals, strict=True)
        ]
        return records, identity.repeats


def identities(records: Sequence[dict[str, Any]]) -> dict[tuple[Any, ...], list[int]]:
    """The ordinals by what rows say, in ascending order."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for record in records:
        said = tuple(record[name] for name in HEADER)
        found[said] = sorted([*found.get(said, []), record["_row_ordinal"]])
    return found


IDS = st.sampled_from(["A", "B", "C", "RTr:A", "", "-"])
ROWS = st.lists(
    st.builds(Row, IDS, st.sampled_from(["1", "2", ""]), st.sampled_from(["new", "done"]), st.just("2026-10-01")),
    max_size=12,
)


def test_a_key_that_no_other_row_has_has_the_ordinal_one(tmp_path: Path) -> None:
    records, repeats = read(tmp_path / "file", [Row("A"), Row("B"), Row("C")])
    assert [record["_row_ordinal"] for record in records] == [1, 1, 1]
    assert repeats == KeyRepeats()


def test_rows_that_share_a_key_are_numbered_whatever_their_order_and_come_in_the_files(tmp_path: Path) -> None:
    rows = [Row("A", status="new"), Row("B"), Row("A", status="done"), Row("A", status="new")]
    records, repeats = read(tmp_path / "file", rows)
    assert [(record["return_id"], record["return_status"]) for record in records] == [
        ("A", "new"),
        ("B", "new"),
        ("A", "done"),
        ("A", "new"),
    ]
    assert sorted(record["_row_ordinal"] for record in records if record["return_id"] == "A") == [1, 2, 3]
    assert repeats == KeyRepeats(tied=3, incomplete=0, examples=["A"])


def test_a_blank_part_of_a_key_is_made_up_for_by_columns_that_never_change(tmp_path: Path) -> None:
    first, _ = read(tmp_path / "file", [Row("", "1"), Row("-", "2"), Row("C", "3")])
    again, repeats = read(tmp_path / "file", [Row("", "2", status="done"), Row("", "9")])
    assert [record["return_id"] for record in first] == ["NA", "NA", "C"]
    ordinals = {record["order_item_id"]: record["_row_ordinal"] for record in first}
    assert ordinals["1"] != ordinals["2"] == again[0]["_row_ordinal"]
    assert ordinals["3"] == 1
    assert again[1]["_row_ordinal"] not in ordinals.values(), "rows of another window keep off"
    assert repeats == KeyRepeats(tied=0, incomplete=2, examples=["NA"])


def test_rows_without_any_key_are_distinguished_by_all_their_cells(tmp_path: Path) -> None:
    rows = [Row("", "", day="", status="x"), Row("", "", day="", status="y"), Row("", "", day="", status="x")]
    records, _ = read(tmp_path / "file", rows)
    assert len({record["_row_ordinal"] for record in records}) == 3
    other, _ = read(tmp_path / "file", rows[1:2])
    assert other[0]["_row_ordinal"] == records[1]["_row_ordinal"]


@given(rows=ROWS, chance=st.randoms(use_true_random=False), others=st.lists(st.sampled_from("XYZ"), max_size=4))
def test_neither_the_order_nor_rows_of_other_keys_change_an_ordinal(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], chance: random.Random, others: list[str]
) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    shuffled = [*rows, *(Row(other, "7") for other in others)]
    chance.shuffle(shuffled)
    before, after = read(path, rows)[0], read(path, shuffled)[0]
    keys = [(record["return_id"], record["_row_ordinal"]) for record in after]
    assert len(set(keys)) == len(keys)
    assert identities(before).items() <= identities([r for r in after if r["order_item_id"] != "7"]).items()


@pytest.mark.parametrize(
    ("tied", "incomplete", "words"),
    [
        (0, 0, ""),
        (2, 0, "2 rows share their key with another"),
        (0, 1, "1 row has a blank part in its key"),
        (1_200, 2, "1,200 rows share their key with another and 2 rows have a blank part in their key"),
    ],
)
def test_only_the_rows_that_there_are_are_counted_in_words(tied: int, incomplete: int, words: str) -> None:
    assert KeyRepeats(tied=tied, incomplete=incomplete).words == words


# Other spellings of a key

ROWS_OF_ONE_KEY = [["A", "1", "2026-10-01", "new", "lamp"], ["A", "2", "2026-10-01", "new", "lamp"]]
TEXT_OF_ONE_KEY = "\n".join(map(",".join, ROWS_OF_ONE_KEY))
NO_BREAK_SPACE, BELL = "\xa0", "_x0007_"


def workbook_of_keys(first: Cell, second: Cell, *, shared: bool) -> bytes:
    rows = [[key, *row[1:]] for key, row in zip((first, second), ROWS_OF_ONE_KEY, strict=True)]
    return workbook({"Returns": [HEADER, *rows]}, shared=shared)


@pytest.mark.parametrize(
    "content",
    [
        f'{",".join(HEADER[:4])},"sk\ru"\n{TEXT_OF_ONE_KEY}'.encode(),
        f"A sentence\rabove\n{','.join(HEADER)}\n{TEXT_OF_ONE_KEY}".encode(),
        workbook_of_keys("A", f"A{NO_BREAK_SPACE}", shared=False),
        workbook_of_keys("A", f"A{NO_BREAK_SPACE}", shared=True),
        workbook_of_keys("A", f"A{BELL}", shared=True),
        workbook_of_keys("A", f"A{BELL}", shared=False),
    ],
    ids=["CR in the header", "CR above it", "space in a cell", "space in a text", "control in a text", "in a cell"],
)
def test_keys_that_are_one_in_the_records_are_found_to_be_one(tmp_path: Path, content: bytes) -> None:
    records, repeats = read_bytes(tmp_path / "file", content)
    assert sorted((record["return_id"], record["_row_ordinal"]) for record in records) == [("A", 1), ("A", 2)]
    assert repeats.tied == 2


@pytest.mark.parametrize(
    "second", ["\u2013", Raw('t="inlineStr"', "<is><t/></is>"), Raw('t="str"'), Raw('t="s"'), Raw('s="1"')]
)
def test_a_key_that_is_blank_in_the_records_is_found_to_be_blank(tmp_path: Path, second: Cell) -> None:
    records, repeats = read_bytes(tmp_path / "file", workbook_of_keys("A", second, shared=False))
    assert [record["return_id"] for record in records] == ["A", "NA"]
    assert repeats.incomplete == 1


# Warehouses


CREATE = """
    CREATE TABLE returns (
        return_id TEXT, _row_ordinal BIGINT, order_item_id TEXT, return_status TEXT, report TEXT,
        PRIMARY KEY (return_id, _row_ordinal)
    )
"""
UPSERT = """
    INSERT INTO returns VALUES ({0}, {0}, {0}, {0}, {0}) ON CONFLICT (return_id, _row_ordinal) DO UPDATE SET
        order_item_id = excluded.order_item_id, return_status = excluded.return_status, report = excluded.report
"""
LEFT_OVER = """
    SELECT tied.return_id, tied._row_ordinal FROM returns tied
    JOIN returns newest ON newest.return_id = tied.return_id AND newest._row_ordinal = 1
    WHERE tied._row_ordinal > 1 AND tied.report <> newest.report AND tied.return_id <> 'NA'
"""
"""The query of docs/records.md, for this table."""


def upserted(cursor: Any, mark: str, path: Path, files: Sequence[Sequence[Row]]) -> None:
    cursor.execute("DROP TABLE IF EXISTS returns")
    cursor.execute(CREATE)
    for number, rows in enumerate(files):
        for record in read(path, rows)[0]:
            cursor.execute(
                UPSERT.format(mark),
                [*(record[name] for name in (*KEY, "order_item_id", "return_status")), f"report {number}"],
            )


def check_warehouse(cursor: Any, mark: str, path: Path, files: Sequence[Sequence[Row]]) -> None:
    """Each row of the newest file is there once, and nothing else of its keys but what the query finds."""
    upserted(cursor, mark, path, files)
    cursor.execute(LEFT_OVER)
    left_over = set(cursor.fetchall())
    cursor.execute("SELECT return_id, _row_ordinal, order_item_id, return_status, report FROM returns")
    held = [row for row in cursor.fetchall() if (row[0], row[1]) not in left_over]
    newest = read(path, files[-1])[0]
    whole = {record["return_id"] for record in newest} - {"NA"}
    wanted = [(r["return_id"], r["order_item_id"], r["return_status"]) for r in newest if r["return_id"] in whole]
    assert sorted(map(str, wanted)) == sorted(str((row[0], *row[2:4])) for row in held if row[0] in whole)
    blank = [r for r in newest if r["return_id"] == "NA"]
    for record in blank:
        same = [row for row in held if (row[0], row[1]) == ("NA", record["_row_ordinal"])]
        assert [row[2:] for row in same] == [
            (record["order_item_id"], record["return_status"], f"report {len(files) - 1}")
        ]
    sizes = [[sum(row.return_id == key for row in rows) for rows in files] for key in ("B", "C")]
    if all(size == sorted(size) for size in sizes):
        assert not {key for key, _ in left_over} & {"B", "C"}, "only members of a tie that are gone are left over"


FILES = st.lists(ROWS, min_size=1, max_size=4)


@pytest.mark.integration
def test_a_duckdb_that_upserts_holds_each_row_of_the_newest_file_once(tmp_path: Path) -> None:
    @given(files=FILES)
    def check(files: list[list[Row]]) -> None:
        check_warehouse(cursor, "?", tmp_path / "file", files)

    with duckdb.connect() as connection:
        cursor = connection.cursor()
        check()


def test_a_postgres_that_upserts_holds_each_row_of_the_newest_file_once(tmp_path: Path, postgres: Postgres) -> None:
    @given(files=FILES)
    def check(files: list[list[Row]]) -> None:
        check_warehouse(cursor, "%s", tmp_path / "file", files)

    with psycopg.connect(postgres.new_database().replace("postgresql+psycopg", "postgresql")) as connection:
        cursor = connection.cursor()
        check()


# Many rows


def test_many_keys_are_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_spool, "MAX_GROUPS_IN_MEMORY", 2**13)
    rows = [Row(f"{number % 39_999}") for number in range(40_000)]  # the first and the last share a key
    path = tmp_path / "file"
    path.write_bytes(text_of(rows))
    with open_report(path, [RETURNS]) as report:
        (table,) = report.tables_for("returns_report")
        layout = match_header(table.header, RETURNS.columns, reserved=(), layouts=RETURNS.layouts)
        tracemalloc.start()
        try:
            identity = row_identity(RETURNS.key, [(table, layout)])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (identity.repeats.tied, identity.repeats.examples) == (2, ["0"])
    assert peak < len(rows) * 2 * 8  # what two numbers of each row weigh


@given(
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=60),
    in_memory=st.integers(0, 20),
)
def test_a_spool_gives_back_what_it_was_given_by_hash(numbers: list[int], in_memory: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hash_spool, "MAX_GROUPS_IN_MEMORY", in_memory)
        spool = hash_spool.HashSpool(2)
        for index, number in enumerate(numbers):
            spool.add([(number, index)], 1)
        buckets = [list(zip(*columns, strict=True)) for columns in spool.columns()]
    assert sorted(pair for bucket in buckets for pair in bucket) == sorted(
        (number, index) for index, number in enumerate(numbers)
    )
    assert all(len({number % hash_spool.BUCKETS for number, _ in bucket}) <= 1 for bucket in buckets)


# One column of a text

ODD_CELLS = st.one_of(
    st.sampled_from(["", '"', '""', "a", "b\n", "\r\n", "x,y", 'pipe 12"', "é", '",', "\n,"]),
    st.text('a",\n\r', max_size=5),
)


HEADERS = ("h,h,h,h\n", '"h\rh",h,h,h\n', "a sentence\rabove\nh,h,h,h\n", '"h\r\nh",h,h,h\r\n')


@given(
    rows=st.lists(st.lists(ODD_CELLS, min_size=4, max_size=4), min_size=1, max_size=8),
    index=st.integers(0, 3),
    chunk=st.integers(1, 40),
    header_and_ending=st.tuples(st.sampled_from(HEADERS), st.sampled_from(["\n", "\r\n"])),
    is_quoted=st.booleans(),
)
@example(rows=[["k", '"a"', 'b"c', '"d\n,e,f,g"']], index=0, chunk=9, header_and_ending=("h\n", "\n"), is_quoted=False)
@example(rows=[["a", "b", "c", "\rd"]], index=0, chunk=9, header_and_ending=("h\n", "\n"), is_quoted=False)
@example(rows=[["a", "b", "c", "d"]], index=0, chunk=9, header_and_ending=('"h\rh"\n', "\n"), is_quoted=False)
def test_a_column_alone_has_the_cells_that_csv_reads_or_is_not_read_alone(
    rows: list[list[str]], index: int, chunk: int, header_and_ending: tuple[str, str], *, is_quoted: bool
) -> None:
    header, ending = header_and_ending
    text = io.StringIO(newline="")
    if is_quoted:
        csv.writer(text, lineterminator=ending).writerows(rows)
    else:
        text.write(ending.join([",".join(row) for row in rows]))
    first_line = 1 + len(list(io.StringIO(header, newline="")))
    try:
        whole = list(csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True))
    except csv.Error:
        return
    file = io.BytesIO((header + text.getvalue()).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_flipkart_reports.files.column_scan.CELLS", chunk)
        try:
            cells = [
                cell
                for cells in column_texts(
                    file, encoding=TextEncoding(name="utf-8"), delimiter=",", first_line=first_line, index=index
                )
                for cell in cells
            ]
        except UnscannableError:
            return
    assert cells == [row[index] for row in whole if row]


def test_a_plain_column_is_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(text_of([Row("A", 'pipe "12"\nlong'), Row('"B"'), Row("C", "x")]))
    with path.open("rb") as file:
        texts = list(column_texts(file, encoding=TextEncoding(name="utf-8"), delimiter=",", first_line=2, index=0))
    assert [text for cells in texts for text in cells] == ["A", '"B"', "C"]
