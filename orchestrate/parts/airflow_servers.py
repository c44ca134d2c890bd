"""Airflow on 127.0.0.1: its configuration, its parts, and what its database says."""

from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from processes import free_port, is_open, run, started, wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from load import Load

DAGS = Path(__file__).parent.parent / "dags"
DAG = "flipkart_reports"
POOL = "flipkart_reports"
REPORTS_PER_RUN = 2
SECONDS_TO_START = 180
HEARTBEAT_TIMEOUT = 30
"""Seconds without a sign of life after which Airflow retries; its own default is 300."""


@dataclass(frozen=True, kw_only=True)
class Airflow:
    """Airflow's parts and what its database says.

    Attributes:
        load: what it is to load.
        env: its configuration.
    """

    load: Load
    env: Mapping[str, str]

    @classmethod
    def configured(cls, load: Load, executor: str, **more: str) -> Airflow:
        """Airflow with an executor, everything on 127.0.0.1."""
        port = free_port()
        url = load.airflow.replace("postgresql:", "postgresql+psycopg2:")
        env = load.env | {
            "AIRFLOW_HOME": str(load.folder),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__EXECUTOR": executor,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": str(load.size.pool // REPORTS_PER_RUN + 1),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT),
            "FLIPKART_REPORTS_PER_RUN": str(REPORTS_PER_RUN),
            "FLIPKART_REPORTS_SCHEDULE": "0 3 29 2 *",  # the script starts the runs
            "FLIPKART_REPORTS_TIMEOUT": "900",
            **more,
        }
        return cls(load=load, env=env)

    def command(self, *arguments: str) -> None:
        """Run one of Airflow's commands to its end."""
        program = self.load.workshop.program("airflow", "airflow")
        run([program, *arguments], env=self.env, log=self.load.log, seconds=SECONDS_TO_START)

    def part(self, *arguments: str, name: str = "") -> AbstractContextManager[subprocess.Popen[bytes]]:
        """One of Airflow's servers, as long as the block lasts."""
        program = self.load.workshop.program("airflow", "airflow")
        log = self.load.folder / f"{name or arguments[0]}.log"
        return started([program, *arguments], env=self.env, log=log)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What its database says."""
        with psycopg.connect(self.load.airflow) as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def running(self) -> Iterator[None]:
        """The servers that every executor needs, until the block ends."""
        self.command("db", "migrate")
        self.command("pools", "set", POOL, str(self.load.size.pool), "reports in progress")
        with self.part("api-server"), self.part("scheduler", "--skip-serve-logs"), self.part("dag-processor"):
            wait_for("the API server", lambda: is_open(int(self.env["AIRFLOW__API__PORT"])), seconds=SECONDS_TO_START)
            wait_for("the DAG", lambda: self.rows("select 1 from dag where dag_id = %s", DAG), seconds=SECONDS_TO_START)
            yield

    def trigger(self, run_id: str, **params: object) -> None:
        """Start a DAG run."""
        self.command("dags", "trigger", DAG, "--run-id", run_id, "--conf", json.dumps(params))

    def state(self, run_id: str) -> str:
        """Of a DAG run."""
        return str(self.rows("select state from dag_run where run_id = %s", run_id)[0][0])

    def states(self, run_id: str) -> Counter[str]:
        """How many runs of the tap are in which state."""
        query = (
            "select state, count(*) from task_instance where run_id = %s and task_id = 'extract_and_load' group by 1"
        )
        return Counter({str(state): number for state, number in self.rows(query, run_id)})

    def running_of(self, worker: subprocess.Popen[bytes], run_id: str) -> int:
        """How many runs of the tap a worker is at work on."""
        query = "select pid from task_instance where run_id = %s and map_index >= 0 and state = 'running'"
        sessions = []
        for (pid,) in self.rows(query, run_id):
            with suppress(ProcessLookupError):
                sessions.append(os.getsid(pid))  # of its own are only the groups of Airflow's processes
        return sessions.count(worker.pid)

    def wait(self, run_id: str) -> None:
        """Wait until a DAG run has ended well."""
        wait_for(
            f"the end of {run_id}",
            lambda: self.state(run_id) in {"success", "failed"},
            seconds=60 * self.load.size.minutes,
        )
        if self.state(run_id) != "success":
            raise SystemExit(f"show.py: {run_id} failed: {dict(self.states(run_id))}; see {self.load.folder}")

    def seconds(self, run_id: str) -> float:
        """From a DAG run's start to its end."""
        query = "select extract(epoch from end_date - start_date) from dag_run where run_id = %s"
        return float(self.rows(query, run_id)[0][0])

    def retried(self, run_id: str) -> int:
        """Runs of the tap that had to be started again."""
        query = """
            select count(*) from task_instance
            where run_id = %s and map_index >= 0 and (try_number > 1 or state = 'up_for_retry')
        """
        return int(self.rows(query, run_id)[0][0])
