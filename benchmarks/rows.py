"""Rows to RECORD lines, beside the field: rate, CPU and memory, as ratios within one run.

    uv run benchmarks/rows.py --rows 100000 --rounds 3
    uv run benchmarks/rows.py --rows 1000000 --rounds 3 --only tap,sdk_idiomatic,sdk_switches,duckdb_copy,csv_reader
    uv run benchmarks/rows.py --rows 20000 --workbook

Each contender is a whole process, in an environment of its own, that triggers, polls and downloads a report over HTTP
and writes its records to /dev/null. Before anything is timed, the records of each are compared with the tap's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import Cost, measured, median, package_python, ratio, rounds_of, script_python, table
from report_api import ReportApi
from report_files import write_gst_returns, write_sales

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
COMPARED_ROWS = 5_000
BASE = "sdk_idiomatic"
ONLY_WORKBOOKS = "openpyxl_rows"

Record = dict[str, Any]


def exact(line: Record) -> Record | None:
    """A Singer record as it is."""
    return line["record"] if line["type"] == "RECORD" else None


def airbyte(line: Record) -> Record | None:
    """An Airbyte record; it leaves nulls out and prints amounts as floats."""
    return line["record"]["data"] if line["type"] == "RECORD" else None


def dlt(line: Record) -> Record | None:
    """A line that dlt has loaded, without dlt's own columns."""
    return {name: value for name, value in line.items() if not name.startswith("_dlt")}


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A way to the records.

    Attributes:
        words: what it is, for the table.
        record_of: takes the record out of a line it wrote; `None` for a bound that writes none.
        is_lossy: whether its amounts are floats or in quotes, which the comparison then allows. Missing columns are
            nulls in any case.
        arguments: in front of its configuration file.
    """

    words: str
    record_of: Callable[[Record], Record | None] | None = exact
    is_lossy: bool = False
    arguments: tuple[str, ...] = ()


CONTENDERS = {
    "sdk_idiomatic": Contender(words="SDK tap, idiomatic", arguments=("--config",)),
    "tap": Contender(words="**this tap**"),
    "sdk_switches": Contender(words="SDK tap, all of the SDK's own switches", arguments=("--config",)),
    "singer_python": Contender(words="singer-python"),
    "airbyte_stream": Contender(words="airbyte-cdk, Python stream", record_of=airbyte, is_lossy=True),
    "dlt_pipeline": Contender(words="dlt to JSON lines", record_of=dlt, is_lossy=True),
    "duckdb_copy": Contender(words="duckdb COPY, one thread (a bound)"),
    "openpyxl_rows": Contender(words="openpyxl, read-only"),
    "csv_reader": Contender(words="csv.reader alone (the limit)", record_of=None),
}


class Field:
    """The contenders, ready to run on one file.

    Args:
        folder: for what they need; the caller removes it.
        url: the API's.
        stream: which report type is read.
        stream_map: columns that a stream map adds, by name.
    """

    def __init__(self, folder: Path, url: str, stream: str, stream_map: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._tap = package_python(folder / "environment", f"{HERE.parent}[parquet]")
        maps = {"stream_maps": {stream: stream_map}} if stream_map else {}
        self._write("tap.json", {
            "api_url": url, "sellers": [{"seller_id": "acme", "access_token": "token"}], "client_id": "app",
            "client_secret": "not-secret", "start_date": "2026-10-01", "end_date": "2026-10-31",
            "poll_interval": 0.01, **maps,
        })  # fmt: skip
        discovered = subprocess.run(
            [self._tap, "-m", "tap_flipkart_reports", "--discover"], check=True, capture_output=True
        )
        catalog = json.loads(discovered.stdout)
        for entry in catalog["streams"]:
            for metadata in entry["metadata"]:
                if metadata["breadcrumb"] == []:
                    metadata["metadata"]["selected"] = entry["tap_stream_id"] == stream
            if entry["tap_stream_id"] == stream:
                self.schema, keys = entry["schema"], entry["key_properties"]
        self._write("catalog.json", catalog)
        contender = {
            "api_url": url, "stream": stream, "schema": self.schema, "key_properties": keys, "seller_id": "acme",
            "from_date": "2026-10-01", "to_date": "2026-10-31", **maps,
        }  # fmt: skip
        self._write("contender.json", contender)
        self._write("shown.json", {**contender, "show": True})
        self._write("airbyte.json", {
            "streams": [{
                "stream": {"name": stream, "json_schema": self.schema, "supported_sync_modes": ["full_refresh"]},
                "sync_mode": "full_refresh", "destination_sync_mode": "append",
            }],
        })  # fmt: skip

    def _write(self, name: str, document: Record) -> None:
        (self._folder / name).write_text(json.dumps(document))

    def command(self, name: str, *, shown: bool = False) -> list[str]:
        """What runs a contender.

        Args:
            name: the contender's.
            shown: whether one that writes its records elsewhere shows them on standard output.
        """
        if name == "tap":
            return [
                self._tap, "-m", "tap_flipkart_reports",
                "--config", str(self._folder / "tap.json"), "--catalog", str(self._folder / "catalog.json"),
            ]  # fmt: skip
        script = HERE / "contenders" / f"{name}.py"
        command = [script_python(script), str(script)]
        config = str(self._folder / ("shown.json" if shown else "contender.json"))
        if name == "airbyte_stream":
            return [*command, "read", "--catalog", str(self._folder / "airbyte.json"), "--config", config]
        return [*command, *CONTENDERS[name].arguments, config]

    def records(self, name: str) -> Iterator[Record]:
        """The records that a contender makes of the file."""
        record_of = CONTENDERS[name].record_of
        assert record_of is not None
        path = self._folder / f"{name}.jsonl"
        with path.open("wb") as out:
            measured(self.command(name, shown=True), stdout=out)
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("{") and (record := record_of(json.loads(line, parse_float=Decimal))) is not None:
                    yield record


def compare(field: Field, name: str) -> int:
    """How many records a contender and the tap have, all equal.

    Raises:
        AssertionError: two records differ; the message shows where.
    """
    number = 0
    for number, (own, other) in enumerate(zip_longest(field.records("tap"), field.records(name)), 1):
        assert own is not None, f"{name}: record {number} is one too many"
        assert other is not None, f"{name}: record {number} is missing"
        if "_row_ordinal" not in other:  # it is 1 where no other row has the key
            assert own.pop("_row_ordinal") == 1, f"{name}: record {number} shares its key"
        for column in own.keys() | other.keys():
            values = own.get(column), other.get(column)
            is_same = same_amount(*values) if CONTENDERS[name].is_lossy else values[0] == values[1]
            assert is_same, f"{name}: record {number}, {column}: {values}"
    return number


def same_amount(own: Any, other: Any) -> bool:  # noqa: ANN401 - a JSON value
    """Whether two values are the same where amounts may be floats, or in quotes."""
    return float(own) == float(other) if isinstance(own, Decimal) and other is not None else own == other


@contextmanager
def field_on(
    write: Callable[[Path, int], None],
    stream: str,
    rows: int,
    *,
    sheet: str | None = None,
    **options: Any,  # noqa: ANN401 - whatever `write` takes
) -> Iterator[Field]:
    """The contenders on a file that is made for it and then removed; a workbook where its sheet is named."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        report = folder / "report.csv"
        write(report, rows)
        if sheet is not None:
            writer, text = HERE / "contenders/write_workbook.py", report
            report = folder / "report.xlsx"
            measured([script_python(writer), str(writer), str(text), str(report), sheet])
        with ReportApi(report) as api:
            yield Field(folder, api.url, stream, **options)


WRITERS = {"sales_ledger": write_sales, "gst_returns_report": write_gst_returns}


def main() -> None:
    """Compare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="names of contenders, joined by commas; by default all that read such files")
    parser.add_argument("--stream", choices=WRITERS, default="sales_ledger")
    parser.add_argument("--stream-map", action="store_true", help="with a stream map that adds a column")
    parser.add_argument("--workbook", action="store_true", help="a workbook in place of CSV, for the tap and openpyxl")
    arguments = parser.parse_args()
    sheet = "Sales Report" if arguments.workbook else None
    of_workbooks = {"tap", ONLY_WORKBOOKS}
    able = of_workbooks if arguments.workbook else set(CONTENDERS) - {ONLY_WORKBOOKS}
    chosen = able if arguments.only is None else able & set(arguments.only.split(","))
    names = [name for name in CONTENDERS if name in chosen]
    added = {"source": "'flipkart'"} if arguments.stream_map else None
    write = WRITERS[arguments.stream]
    with field_on(write, arguments.stream, COMPARED_ROWS, stream_map=added, sheet=sheet) as field:
        for name in names:
            if name != "tap" and CONTENDERS[name].record_of is not None:
                print(f"{name}: {compare(field, name):,} records are the tap's", file=sys.stderr)
    with field_on(write, arguments.stream, arguments.rows, stream_map=added, sheet=sheet) as field:
        commands = {name: field.command(name) for name in names}
        costs = rounds_of(
            {name: lambda command=command: measured(command) for name, command in commands.items()}, arguments.rounds
        )
    print(f"{arguments.stream}, {arguments.rows:,} rows, {arguments.rounds} rounds\n")
    print(figures(costs, arguments.rows))


def figures(costs: dict[str, list[Cost]], rows: int) -> str:
    """The table: medians, and medians of each round's ratios to the base: the idiomatic SDK tap, or openpyxl."""
    base = BASE if BASE in costs else ONLY_WORKBOOKS
    header = ["contender", "rows/s", "CPU s", "peak MB"]
    header += ["rate x", "CPU x"] if base in costs else []
    lines = []
    for name, runs in costs.items():
        line = [
            CONTENDERS[name].words,
            f"{rows / median(runs, lambda cost: cost.wall):,.0f}",
            f"{median(runs, lambda cost: cost.cpu):.1f}",
            f"{median(runs, lambda cost: cost.peak):,.0f}",
        ]
        if base in costs:
            line.append(f"{1 / ratio(runs, costs[base], lambda cost: cost.wall):.2f}")
            line.append(f"{ratio(runs, costs[base], lambda cost: cost.cpu):.3f}")
        lines.append(line)
    return table(header, lines)


if __name__ == "__main__":
    main()
