"""`flipkart-reports inspect`: what a file is, which streams it feeds, and a schema for what nobody knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.report_types import TABLES

DATA = Path(__file__).parent / "data"
EXPECTED = {
    path.name.removesuffix(".expected.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in DATA.glob("*.expected.json")
}


def inspect(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """Exit code, output and errors of the command."""
    with pytest.raises(SystemExit) as ended:
        main(["inspect", *map(str, words)])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def document(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Any:
    code, out, err = inspect(capsys, *words, "--format", "json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize(
    "name", [name for name, case in EXPECTED.items() if case["report"] in TABLES and case.get("records")]
)
def test_a_file_is_known_by_its_columns(capsys: pytest.CaptureFixture[str], name: str) -> None:
    case = EXPECTED[name]
    found = document(capsys, DATA / name)
    assert case["report"] in found["report_types"]
    fed = document(capsys, DATA / name, "--report-type", case["report"])
    rows = dict.fromkeys(case["records"], 0)
    for table in fed["tables"]:
        if table["stream"] in rows:
            rows[table["stream"]] += table["counts"]["rows"]
    assert rows == {stream: len(records) for stream, records in case["records"].items()} or case.get("rejected")
    assert [table["name"] for table in fed["tables"] if table["stream"] is None] == case.get("unmatched", [])


def test_what_is_odd_about_a_file_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = inspect(
        capsys, DATA / "unparsed.csv", DATA / "ragged-skipped.csv", DATA / "new-column.csv", DATA / "dropped-key.csv"
    )
    assert code == 0
    for words in (
        "unparsed.csv: orders_report",
        "the file: text, utf-8",
        "the file, header on line 1: feeds orders_report",
        "1 cell of quantity not of its type, the first on line 2",
        "  2 rows; besides 2 that do not fit the header\n",
        "  1 row\n",
        "line 2 has 2 cells, the header 7",
        "columns the stream does not have: 'Gift Wrap?'",
        "columns it does not have: 'fulfilment_source',",
        "cannot be read: the file has no column 'order_item_id', a key",
    ):
        assert words in out


def test_every_sheet_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = inspect(capsys, DATA / "settled-sheets.xlsx")
    assert "settled_transaction_ledger or financial_year_ledger" in out
    assert "MP Fee Rebate, header on line 1: feeds settled_transaction_ledger_mp_fee_rebate" in out
    assert "Loans, header on line 1: feeds no stream" in out


def test_a_schema_is_proposed_by_what_is_in_the_cells(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "unknown.csv"
    path.write_text(
        "Claim ID,Pincode,Code,Units,Weight,Filed On,Closed At,Amount (Rs.),Remarks,Batch\n"
        "12,560001,007,3,0.5,2026-10-03,2026-10-04 10:00:00,500,NA,437000000000004100\n"
        '13,560002,010,"1,200",12,03-10-2026,-,1.50,,437000000000004200\n'
    )
    code, out, _ = inspect(capsys, path, "--schema")
    properties = json.loads(out)["properties"]
    assert code == 0
    assert {name: (schema["type"][0], schema.get("format")) for name, schema in properties.items()} == {
        "claim_id": ("string", None),
        "pincode": ("string", None),
        "code": ("string", None),
        "units": ("integer", None),
        "weight": ("number", None),
        "filed_on": ("string", "date"),
        "closed_at": ("string", "date-time"),
        "amount_rs": ("number", None),
        "remarks": ("string", None),
        "batch": ("string", None),
    }
    assert properties["filed_on"]["title"] == "Filed On"
    _, out, _ = inspect(capsys, path)
    assert "unknown.csv: not known; nearest are" in out
    assert "perhaps a key: 'Claim ID', 'Pincode'" in out


def test_of_a_known_table_only_what_its_stream_does_not_have_is_proposed(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = inspect(capsys, DATA / "new-column.csv", "--schema")
    assert list(json.loads(out)["properties"]) == ["gift_wrap"]


def test_a_file_that_is_not_a_table_is_named_and_the_others_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = inspect(capsys, DATA / "page.csv", DATA / "plain.csv")
    assert code == 1
    assert "page.csv: the file is a web page, not a table: Link expired" in err
    assert "plain.csv: orders_report" in out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["nowhere.csv"], "flipkart-reports: nowhere.csv is not a file"),
        ([DATA / "plain.csv", "--report-type", "sales"], "flipkart-reports: 'sales' is not a report type; they are "),
    ],
)
def test_a_wrong_word_is_reported_in_a_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str | Path], error: str
) -> None:
    code, out, err = inspect(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith(error)
    assert err.count("\n") == 1
