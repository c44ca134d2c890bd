"""The tap with a target, beside the same messages from a file: what the tap adds to a pipeline's wall time.

    uv run benchmarks/pipelines.py --rows 200000 --rounds 3

`cat messages | target` is the bound no tap can beat. PostgreSQL runs on a loopback port in a temporary folder; a run of
its own loads the same rows with BATCH.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import ENVIRONMENT, Cost, measured, median, package_python, ratio, rounds_of, table
from rows import field_on, write_sales

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM = "sales_ledger"
TARGETS = {
    "target-postgres": ("meltanolabs-target-postgres==0.8.1",),
    "target-duckdb": ("target-duckdb==0.8.0", "duckdb==1.1.3"),  # loses rows with any newer duckdb
}
SECONDS = 60.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=TARGETS, help="one target")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, _postgres(Path(name)) as database:
        pipelines = _Pipelines(Path(name), database, arguments.rows)
        for target in [arguments.only] if arguments.only else TARGETS:
            costs = pipelines.costs(target, arguments.rounds)
            print(f"\n{target}, {arguments.rows:,} rows, {arguments.rounds} rounds\n")
            lines = [
                [
                    words,
                    f"{median(runs, lambda cost: cost.wall):.1f}",
                    f"{ratio(runs, costs['cat messages'], lambda cost: cost.wall):.3f}",
                    f"{ratio(runs, costs['cat messages'], lambda cost: cost.cpu):.3f}",
                ]
                for words, runs in costs.items()
            ]
            print(table(["pipeline", "wall s", "wall x", "target's CPU x"], lines))


class _Pipelines:
    """The pipelines, ready to run.

    Args:
        folder: for what they need.
        database: settings of the server.
        rows: how many rows each run loads.
    """

    def __init__(self, folder: Path, database: dict[str, Any], rows: int) -> None:
        self._folder = folder
        self._database = database
        self._rows = rows
        self._file = folder / "warehouse.duckdb"

    def costs(self, target: str, rounds: int) -> dict[str, list[Cost]]:
        """What the pipelines into a target take; each loads all rows into an empty place, and that is checked."""
        python = package_python(self._folder / target, *TARGETS[target])
        executable = str(Path(python).parent / target)
        with field_on(write_sales, STREAM, self._rows) as field:
            tap = field.command("tap")
            messages = self._folder / "messages.jsonl"
            with messages.open("wb") as out:
                measured(tap, stdout=out)
            cases = {
                "cat messages": lambda: self._run(target, executable, ["cat", str(messages)]),
                "this tap": lambda: self._run(target, executable, tap),
            }
            if target == "target-postgres":
                batching = self._batching(tap)
                cases["this tap, BATCH"] = lambda: self._run(target, executable, batching)
            costs = rounds_of(cases, rounds)
            messages.unlink()
        return costs

    def _batching(self, tap: list[str]) -> list[str]:
        config = Path(tap[tap.index("--config") + 1])
        batches = self._folder / "batches"
        batches.mkdir()
        document = json.loads(config.read_text()) | {
            "batch_config": {
                "encoding": {"format": "jsonl", "compression": "gzip"},
                "storage": {"root": f"file://{batches}"},
            }
        }
        batching = config.with_name("batching.json")
        batching.write_text(json.dumps(document))
        return [str(batching) if argument == str(config) else argument for argument in tap]

    def _run(self, target: str, executable: str, source: list[str]) -> Cost:
        config = self._emptied(target)
        begun = time.perf_counter()
        with subprocess.Popen(source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT) as process:
            cost = measured([executable, "--config", str(config)], stdin=process.stdout)
            assert process.stdout is not None
            process.stdout.close()
        assert process.returncode == 0, f"{source[0]} ended with {process.returncode}"
        wall = time.perf_counter() - begun
        assert (rows := self._loaded(target)) == self._rows, f"{target} has {rows} rows"
        return Cost(wall=wall, cpu=cost.cpu, peak=cost.peak)

    def _emptied(self, target: str) -> Path:
        """The target's configuration for a place that is emptied here."""
        if target == "target-postgres":
            self._sql("DROP SCHEMA IF EXISTS loaded CASCADE")
            place = self._database
        else:
            self._file.unlink(missing_ok=True)
            place = {"path": str(self._file), "add_metadata_columns": True}
        config = self._folder / f"{target}.json"
        config.write_text(json.dumps({**place, "default_target_schema": "loaded"}))
        return config

    def _loaded(self, target: str) -> int:
        """How many rows have arrived."""
        query = f"SELECT count(*) FROM loaded.{STREAM}"  # noqa: S608 - its own words
        if target == "target-postgres":
            return int(self._sql(query))
        script = (
            f"import duckdb; file = duckdb.connect({str(self._file)!r}); print(file.execute({query!r}).fetchone()[0])"
        )
        python = str(self._folder / target / "bin" / "python")
        return int(subprocess.run([python, "-c", script], check=True, stdout=subprocess.PIPE).stdout)

    def _sql(self, statement: str) -> str:
        return _psql(self._database["port"], statement).stdout


@contextmanager
def _postgres(folder: Path) -> Iterator[dict[str, Any]]:
    """A server of its own, run by an unprivileged user where root starts it."""
    data = folder / "postgres"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = {"user": "nobody"} if os.getuid() == 0 else {}
    data.mkdir()
    if user:
        shutil.chown(data, "nobody")
    os.chmod(folder, 0o755)  # noqa: PTH101, S103 - the server is another user's
    subprocess.run(
        [_binary("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=data,
        **user,
    )
    command = [_binary("postgres"), "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    with subprocess.Popen(
        [*command, "-c", f"unix_socket_directories={data}"], stderr=subprocess.DEVNULL, cwd=data, **user
    ) as server:
        try:
            _wait_for(port)
            yield {"host": "127.0.0.1", "port": port, "user": "postgres", "password": "none", "database": "postgres"}
        finally:
            server.terminate()
            server.wait(SECONDS)


def _binary(name: str) -> str:
    """A program of PostgreSQL's, which Debian keeps off the path."""
    found = shutil.which(name) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None)
    assert found is not None, f"{name} of PostgreSQL is not installed"
    return found


def _wait_for(port: int) -> None:
    deadline = time.perf_counter() + SECONDS
    while (ready := _psql(port, "SELECT 1", check=False)).returncode:
        assert time.perf_counter() < deadline, f"PostgreSQL does not answer: {ready.stderr}"
        time.sleep(0.1)  # noqa: TID251 - a benchmark has no clock of the tap's


def _psql(port: int, statement: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [_binary("psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-Atc", statement]
    return subprocess.run(command, check=check, capture_output=True, text=True)


if __name__ == "__main__":
    main()
