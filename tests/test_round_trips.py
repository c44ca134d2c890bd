"""Any table, written as a file in any form, is read to the records it was made of."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import openpyxl
from hypothesis import given
from hypothesis import strategies as st
from support.spreadsheets import workbook, zip_of

from tap_flipkart_reports.files.columns import Column
from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_search import open_report
from tap_flipkart_reports.files.row_filter import RowCounts
from tap_flipkart_reports.files.row_keys import row_identity
from tap_flipkart_reports.files.row_rules import RowRules
from tap_flipkart_reports.files.rows import read_rows
from tap_flipkart_reports.report_types import REPORT_TYPES, TABLES, tables_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.planning.report_type import ReportTable

ALL_TABLES = [table for name in sorted({*REPORT_TYPES, *TABLES}) for table in tables_of(name) if table.columns]
STRICT = RowRules(bad_rows="fail", max_bad_rows=0, bad_cells="fail", schema_drift="fail")
KOLKATA = ZoneInfo("Asia/Kolkata")

# Text that is its own reading: no padding, no word for nothing, no wrapper.
TEXTS = st.text(st.sampled_from("abcxyzäßदी,;|\t\"\n '#=0189"), max_size=8).map(lambda text: f"x{text}x")
AMOUNTS = st.decimals(min_value=-10_000_000, max_value=10_000_000, places=2)
COUNTS = st.integers(min_value=-(10**9), max_value=10**9)
DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2099, 12, 31))
MOMENTS = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2099, 12, 31)).map(  # noqa: DTZ001 - Kolkata's
    lambda moment: moment.replace(microsecond=0)
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "number": AMOUNTS,
    "integer": COUNTS,
    "date": DAYS,
    "date-time": MOMENTS,
}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A table with some of its columns, in any order, and values for its rows."""

    table: ReportTable
    columns: list[Column]
    rows: list[list[Any]]

    @property
    def records(self) -> list[dict[str, Any]]:
        """What has to be read."""
        return [
            {column.name: read(value) for column, value in zip(self.columns, row, strict=True)} for row in self.rows
        ]


def read(value: Any) -> Any:
    """A value as it stands in a record."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=KOLKATA).astimezone(timezone.utc).isoformat()
    return value.isoformat() if isinstance(value, date) else value


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    table = draw(st.sampled_from(ALL_TABLES))
    known = {column.header: column for column in reversed(table.columns)}  # of two equal headers the first
    always = [column for column in known.values() if column.is_required or column.fills_down]
    others = [column for column in known.values() if column not in always]
    # So many that no other table of the report is likelier.
    count = draw(st.integers(min_value=min(len(others), 3 * len(others) // 4 + 1), max_value=len(others)))
    columns = draw(st.permutations([*always, *draw(st.permutations(others))[:count]]))
    rows = []
    for number in range(draw(st.integers(min_value=0, max_value=4))):
        # A row of one cell is a note, and a payout that is not named is the one above.
        values = [
            VALUES[column.type] if column in always or place < 2 else st.none() | VALUES[column.type]
            for place, column in enumerate(columns)
        ]
        row = [f"K{number}" if column.is_key else draw(value) for column, value in zip(columns, values, strict=True)]
        rows.append(row)
    return Sample(table=table, columns=list(columns), rows=rows)


def as_text(value: Any) -> str:
    return "" if value is None else str(value)


def csv_of(sample: Sample, **form: Any) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, **form)
    writer.writerow([column.header for column in sample.columns])
    writer.writerows([as_text(value) for value in row] for row in sample.rows)
    return text.getvalue().encode()


def cells_of(sample: Sample) -> list[list[Any]]:
    """As a workbook has them: numbers, days and moments are such."""
    native = [[float(value) if isinstance(value, (int, Decimal)) else value for value in row] for row in sample.rows]
    return [[column.header for column in sample.columns], *native]


def openpyxl_of(sample: Sample) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Sheet1"
    for row in cells_of(sample):
        sheet.append(row)
    for cells in sheet.iter_rows():
        for cell in cells:
            cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type  # openpyxl guesses formulas
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


FORMS: dict[str, Callable[[Sample], bytes]] = {
    "csv": csv_of,
    "tabs": lambda sample: csv_of(sample, delimiter="\t"),
    "quoted": lambda sample: csv_of(sample, quoting=csv.QUOTE_ALL, lineterminator="\n"),
    "utf-16": lambda sample: csv_of(sample).decode().encode("utf-16"),
    "gzip": lambda sample: gzip.compress(csv_of(sample)),
    "zip": lambda sample: zip_of({"part.csv": csv_of(sample)}),
    "workbook": lambda sample: workbook({"Sheet1": cells_of(sample)}),
    "inline": lambda sample: workbook({"Sheet1": cells_of(sample)}, shared=False, prefix="x"),
    "openpyxl": openpyxl_of,
    "zip of workbook": lambda sample: zip_of({"part.xlsx": workbook({"Sheet1": cells_of(sample)})}),
}


def records_of(path: Path, table: ReportTable) -> tuple[list[dict[str, Any]], list[tuple[str, int]]]:
    """The records of a file, of the columns it has, and what tells its rows apart where that is their hash."""
    counts = RowCounts()
    records: list[dict[str, Any]] = []
    identities: list[tuple[str, int]] = []
    with open_report(path, [table]) as report:
        (found,) = report.tables_for(table.stream)
        layout = match_header(found.header, table.columns, reserved=(), layouts=table.layouts)
        identity = row_identity(table.key, [(found, layout)])
        for batch in read_rows(found, layout, selected=None, rules=STRICT, identity=identity, counts=counts):
            records += [dict(zip(batch.columns, row, strict=True)) for row in zip(*batch.columns.values(), strict=True)]
            identities += zip(batch.row_hashes or (), batch.row_ordinals, strict=False)
    assert counts == RowCounts(rows=len(records), blank=counts.blank)
    return records, identities


@given(form=st.sampled_from(sorted(FORMS)), sample=samples())
def test_any_table_comes_back_as_the_records_it_was_made_of(
    tmp_path_factory: pytest.TempPathFactory, form: str, sample: Sample
) -> None:
    path = tmp_path_factory.mktemp("any") / "report"
    path.write_bytes(FORMS[form](sample))
    assert records_of(path, sample.table)[0] == sample.records


@given(sample=samples().filter(lambda sample: not sample.table.key), seed=st.randoms(use_true_random=False))
def test_a_reread_of_shuffled_rows_meets_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, sample: Sample, seed: random.Random
) -> None:
    """Rows without a natural key keep their identity in whatever order, form and columns' order they come again."""
    path = tmp_path_factory.mktemp("any") / "report"
    twice = [*sample.rows, *sample.rows[:2]]
    path.write_bytes(csv_of(Sample(table=sample.table, columns=sample.columns, rows=twice)))
    first = records_of(path, sample.table)[1]
    order = list(range(len(sample.columns)))
    seed.shuffle(order)
    seed.shuffle(twice)
    again = Sample(
        table=sample.table,
        columns=[sample.columns[place] for place in order],
        rows=[[row[place] for place in order] for row in twice],
    )
    path.write_bytes(csv_of(again, quoting=csv.QUOTE_ALL))
    assert sorted(records_of(path, sample.table)[1]) == sorted(first)
    assert len(set(first)) == len(first) == len(twice)
