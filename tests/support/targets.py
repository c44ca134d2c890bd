"""Four targets as their users run them, and what stands in their tables afterwards."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from support.programs import SECONDS, TAP, TARGETS_PYTHON, install, released, succeed
from tap_flipkart_reports.exceptions import PipeClosedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.truth import Record

READ_DUCKDB = """
import duckdb, json, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for table, in connection.execute("select table_name from duckdb_tables()").fetchall():
        columns = connection.execute(
            "select column_name, data_type from duckdb_columns() where table_name = ?", [table]
        ).fetchall()
        rows = connection.execute(f'select * from "{table}"')
        names = [column[0] for column in rows.description]
        print(json.dumps([table, dict(columns), [dict(zip(names, row)) for row in rows.fetchall()]], default=str))
"""


def read_duckdb(python: Path, warehouse: Path) -> dict[str, tuple[dict[str, str], list[Record]]]:
    """Types of the columns, and the rows, of every table, read with the DuckDB that wrote them."""
    lines = succeed([python, "-c", READ_DUCKDB, warehouse]).splitlines()
    return {table: (types, rows) for table, types, rows in (json.loads(line, parse_float=Decimal) for line in lines)}


class Target(ABC):
    """A target in an environment of its own.

    Args:
        programs: the folder of the environment's programs.
        folder: where it may write.
        database_url: an empty PostgreSQL database.
    """

    requirements: ClassVar[tuple[str, ...]]
    program: ClassVar[str]
    upserts: ClassVar[bool]

    def __init__(self, programs: Path, folder: Path, database_url: Callable[[], str]) -> None:
        self.programs = programs
        self.folder = folder
        self.database_url = database_url
        self.set()

    @classmethod
    def install(cls, folder: Path) -> Path:
        return install(folder, *cls.requirements, python=TARGETS_PYTHON)

    @property
    def command(self) -> list[str]:
        return [str(self.programs / self.program), "--config", str(self.folder / "target.json")]

    def set(self, **settings: Any) -> None:
        """Write the target's settings, these among them."""
        (self.folder / "target.json").write_text(json.dumps({**self.config(), **settings}), encoding="utf-8")

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The target's settings."""

    @abstractmethod
    def types(self, table: str) -> dict[str, str]:
        """The types of a table's columns, in the target's words."""

    @abstractmethod
    def rows(self, table: str) -> list[Record]:
        """What stands in a table, oldest first where the target only appends; nothing if there is no table."""

    def load_from(self, *tap_options: str | Path) -> dict[str, Any] | None:
        """Run the tap into the target through a pipe; the last state that the target has put out."""
        tap_log, target_log = self.folder / "tap.log", self.folder / "target.log"
        with (
            tap_log.open("w") as tap_errors,
            target_log.open("w") as target_errors,
            subprocess.Popen([*TAP, *tap_options], stdout=subprocess.PIPE, stderr=tap_errors) as tap,
            subprocess.Popen(
                self.command, stdin=tap.stdout, stdout=subprocess.PIPE, stderr=target_errors, text=True
            ) as target,
        ):
            assert tap.stdout is not None
            tap.stdout.close()  # so that the tap learns of a target that has died
            out, _ = target.communicate(timeout=SECONDS)
            codes = (tap.wait(SECONDS), target.returncode)
        assert codes == (0, 0), f"{tap_log.read_text()}\n{target_log.read_text()}"
        states = out.splitlines()
        return json.loads(states[-1]) if states else None

    def killed_load_from(self, *tap_options: str | Path, after_states: int) -> dict[str, Any]:
        """The same, but the target is killed as soon as it has put out so many states; the last of them."""
        with (
            subprocess.Popen([*TAP, *tap_options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tap,
            subprocess.Popen(
                self.command, stdin=tap.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as target,
        ):
            assert tap.stdout is not None
            assert target.stdout is not None
            tap.stdout.close()
            states = [state for _, state in zip(range(after_states), target.stdout, strict=False)]
            target.kill()
            states += target.stdout.readlines()
        assert target.returncode == -signal.SIGKILL
        assert tap.returncode == PipeClosedError.exit_code, "the tap has not noticed"
        last: dict[str, Any] = json.loads(next(state for state in reversed(states) if state.endswith("\n")))
        return last


class DuckDB(Target):
    requirements = (released("target-duckdb==0.8.0"), "duckdb==1.1.3")
    program = "target-duckdb"
    upserts = True

    def config(self) -> dict[str, Any]:
        return {
            "path": str(self.folder / "warehouse.duckdb"),
            "default_target_schema": "main",
            "add_metadata_columns": True,
        }

    def _tables(self) -> dict[str, tuple[dict[str, str], list[Record]]]:
        return read_duckdb(self.programs / "python", self.folder / "warehouse.duckdb")

    def rows(self, table: str) -> list[Record]:
        return self._tables().get(table, ({}, []))[1]

    def types(self, table: str) -> dict[str, str]:
        return {name: kind.lower() for name, kind in self._tables()[table][0].items()}


class PostgreSQL(Target):
    requirements = (released("meltanolabs-target-postgres==0.8.1"), "pyarrow")  # the latter for batches in Parquet
    program = "target-postgres"
    upserts = True

    def config(self) -> dict[str, Any]:
        self._url = self.database_url()
        address = urlsplit(self._url)
        return {
            "host": address.hostname,
            "port": address.port,
            "user": address.username,
            "password": address.password,
            "database": address.path[1:],
            "default_target_schema": "flipkart",
        }

    def rows(self, table: str) -> list[Record]:
        with psycopg.connect(self._url, row_factory=dict_row) as connection:
            if connection.execute("select to_regclass(%s) as there", [f"flipkart.{table}"]).fetchone() == {
                "there": None
            }:
                return []
            return connection.execute(sql.SQL("select * from flipkart.{}").format(sql.Identifier(table))).fetchall()

    def types(self, table: str) -> dict[str, str]:
        with psycopg.connect(self._url) as connection:
            return dict(
                connection.execute(
                    "select column_name, data_type from information_schema.columns where table_name = %s", [table]
                ).fetchall()
            )


WORDS = {str: "string", int: "number", Decimal: "number", dict: "object"}


class Jsonl(Target):
    requirements = (released("target-jsonl==0.1.4"),)
    program = "target-jsonl"
    upserts = False

    def config(self) -> dict[str, Any]:
        return {"destination_path": str(self.folder), "do_timestamp_file": False}

    def rows(self, table: str) -> list[Record]:
        path = self.folder / f"{table}.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line, parse_float=Decimal) for line in lines]

    def types(self, table: str) -> dict[str, str]:
        return {
            name: WORDS[type(value)] for row in self.rows(table) for name, value in row.items() if value is not None
        }


class Csv(Target):
    requirements = (released("meltanolabs-target-csv==0.5.0"),)
    program = "target-csv"
    upserts = False

    def config(self) -> dict[str, Any]:
        # It begins each file anew, in the middle of a run too when a column is added, and throws away what stood there.
        return {
            "output_path": str(self.folder),
            "file_naming_scheme": "{stream_name}-{timestamp}.csv",
            "timestamp_format": "%Y%m%dT%H%M%S.%f",
        }

    def rows(self, table: str) -> list[Record]:
        rows: list[Record] = []
        for path in sorted(self.folder.glob(f"{table}-2*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                rows += csv.DictReader(file)
        return rows

    def types(self, table: str) -> dict[str, str]:
        return {name: "text" for row in self.rows(table) for name, value in row.items() if value}


TARGETS: tuple[type[Target], ...] = (DuckDB, PostgreSQL, Jsonl, Csv)
