"""Whole runs of growing size: CPU, bytes and memory per window, from 100 to 1,000 sellers.

    uv run benchmarks/sellers.py --sellers 100,300,1000
    uv run benchmarks/sellers.py --sellers 30,100,300 --streams all
    uv run benchmarks/sellers.py --sellers 100,300,1000 --postgres --token-store
    uv run benchmarks/sellers.py --sellers 100,300,1000 --no-ledger

The simulator is a process of its own, and every report is ready at once. `plan` is asked before each run and `coverage`
behind it, with the state of the run. There is a ledger in SQLite; `--postgres` takes one in PostgreSQL, and
`--no-ledger` none.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import ENVIRONMENT, Cost, measured, package_python, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.postgres import Postgres

ROOT = Path(__file__).parent.parent
SELLERS = "100,300,1000"
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
"""Of the token store; it keeps nothing that is worth a secret."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sellers", default=SELLERS, help="numbers of sellers, joined by commas")
    parser.add_argument("--streams", default="sales_ledger", help="names, joined by commas, or `all`")
    parser.add_argument("--days", type=int, default=4, help="days that are read, each a window of its own")
    parser.add_argument("--postgres", action="store_true", help="the ledger, and the token store, are in PostgreSQL")
    parser.add_argument("--no-ledger", action="store_true")
    parser.add_argument("--token-store", action="store_true")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, ExitStack() as stack:
        python = package_python(Path(name) / "environment", f"{ROOT}[postgres,tokens]")
        database = stack.enter_context(postgres()) if arguments.postgres else None
        lines = [
            Runs(python, Path(name) / str(sellers), sellers, arguments, database).line()
            for sellers in map(int, arguments.sellers.split(","))
        ]
    print(f"{arguments.streams}, {arguments.days} days, a window each\n")
    print(table(HEADER, [words for words, _ in lines]))
    first, last = lines[0][1], lines[-1][1]
    if len(lines) == 1:
        return
    for figure in ("CPU", "bytes", "plan", "coverage"):
        print(f"{figure} per window, most sellers over fewest: {last[figure] / first[figure]:.2f}")
    more = last["windows"] - first["windows"]
    print(f"memory per window beyond the fewest: {(last['peak'] - first['peak']) / more * 1000:.1f} KB")


HEADER = [
    "sellers", "windows", "CPU ms per window", "bytes per window", "of these STATE", "peak MB",
    "plan: CPU ms per window", "coverage: CPU ms per window",
]  # fmt: skip


class Runs:
    """One run over some sellers, with what is asked before and behind it.

    Args:
        python: the interpreter that has the tap.
        folder: for what it needs.
        sellers: how many.
        options: of the command line.
        database: a PostgreSQL, or none.
    """

    def __init__(
        self, python: str, folder: Path, sellers: int, options: argparse.Namespace, database: Postgres | None
    ) -> None:
        folder.mkdir()
        self._python = python
        self._folder = folder
        self._sellers = sellers
        self._options = options
        self._database = database

    def line(self) -> tuple[list[str], dict[str, float]]:
        """The table's line, and its figures."""
        with served(self._python, self._sellers) as settings:
            self._configure(settings)
            plan = self._command("flipkart-reports", "plan", "--format", "json")
            run, size, states = self._run()
            document = json.loads((self._folder / "summary.json").read_text())
            windows = document["totals"]["finished"]
            assert document["is_complete"], document["failed"][:3] or document["deferred"][:3]
            page = ["--state", str(self._folder / "state.json"), "--html", str(self._folder / "page.html")]
            coverage = self._command("flipkart-reports", "coverage", *page)
        figures = {
            "windows": windows, "CPU": 1000 * run.cpu / windows, "bytes": size / windows, "peak": run.peak,
            "plan": 1000 * plan.cpu / windows, "coverage": 1000 * coverage.cpu / windows,
        }  # fmt: skip
        return [
            f"{self._sellers:,}", f"{windows:,}", f"{figures['CPU']:.1f}", f"{figures['bytes']:,.0f}",
            f"{states / size:.1%}", f"{run.peak:,.0f}", f"{figures['plan']:.2f}", f"{figures['coverage']:.2f}",
        ], figures  # fmt: skip

    def _configure(self, settings: dict[str, Any]) -> None:
        ledger = self._database.new_database() if self._database is not None else str(self._folder / "ledger.db")
        document = {
            **settings, "start_date": "2026-10-01", "end_date": f"2026-10-{self._options.days:02}", "window_days": 1,
            "warehouse_ids": ["del"], "max_concurrent_reports": 16, "poll_interval": 0.01, "report_ledger": ledger,
            "confirm_reports": 1_000_000, "run_summary": str(self._folder / "summary.json"),
        }  # fmt: skip
        if self._options.no_ledger:
            del document["report_ledger"]
        if self._options.token_store:
            document["token_store"] = ledger if self._database is not None else str(self._folder / "tokens.db")
        self._write("config.json", document)
        command = [
            self._python,
            "-m",
            "tap_flipkart_reports",
            "--config",
            str(self._folder / "config.json"),
            "--discover",
        ]
        catalog = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        for entry in catalog["streams"]:
            for metadata in entry["metadata"]:
                if not metadata["breadcrumb"]:
                    streams = self._options.streams
                    metadata["metadata"]["selected"] = streams == "all" or entry["tap_stream_id"] in streams.split(",")
        self._write("catalog.json", catalog)

    def _write(self, name: str, document: dict[str, Any]) -> None:
        (self._folder / name).write_text(json.dumps(document))

    def _arguments(self) -> list[str]:
        return ["--config", str(self._folder / "config.json"), "--catalog", str(self._folder / "catalog.json")]

    def _command(self, program: str, command: str, *options: str) -> Cost:
        return measured([str(Path(self._python).parent / program), command, *self._arguments(), *options])

    def _run(self) -> tuple[Cost, int, int]:
        """What the run took, and how many bytes it wrote, and how many of these were STATE."""
        counter = "import json,sys\nsize=states=0\nlast=b''\nfor line in sys.stdin.buffer:\n size+=len(line)\n"
        counter += ' if line.startswith(b\'{"type": "STATE"\') or line.startswith(b\'{"type":"STATE"\'):\n'
        counter += "  states+=len(line); last=line\n"
        counter += "json.dump(json.loads(last)['value'], open(sys.argv[1],'w'))\nprint(size, states)"
        with subprocess.Popen(
            [sys.executable, "-c", counter, str(self._folder / "state.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as reader:
            cost = measured([self._python, "-m", "tap_flipkart_reports", *self._arguments()], stdout=reader.stdin)
            assert reader.stdin is not None
            assert reader.stdout is not None
            reader.stdin.close()
            size, states = map(int, reader.stdout.read().split())
        return cost, size, states


@contextmanager
def served(python: str, sellers: int) -> Iterator[dict[str, Any]]:
    """The simulator as a process of its own; its settings."""
    command = [python, __file__, "--serve", str(sellers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def serve(sellers: int) -> None:
    """Serve until standard input ends."""
    from tap_flipkart_reports.simulator import Simulator  # noqa: PLC0415 - the measuring process does not have it

    simulator = Simulator(generation_seconds=(0.0, 0.0), orders_per_day=2).start()
    names = [f"seller-{number:04}" for number in range(sellers)]
    settings = {
        "api_url": simulator.url, "client_id": simulator.client_id, "client_secret": simulator.client_secret,
        "sellers": [{"seller_id": name, "refresh_token": simulator.refresh_token(name)} for name in names],
    }  # fmt: skip
    print(json.dumps(settings), flush=True)
    sys.stdin.read()
    simulator.stop()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of its own."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.postgres import Postgres  # noqa: PLC0415 - few runs need it

    with Postgres() as server:
        yield server


os.environ.setdefault("TAP_FLIPKART_REPORTS_TOKEN_KEY", KEY)
ENVIRONMENT.setdefault("TAP_FLIPKART_REPORTS_TOKEN_KEY", KEY)

if __name__ == "__main__":
    main()
