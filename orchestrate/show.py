"""Airflow with this project's DAG on one machine, from nothing to a table of figures, checked against the simulator.

    uv run orchestrate/show.py --sellers 40 --pool 16

Needs `redis-server` (Debian: apt install redis-server) and Linux. Everything listens on 127.0.0.1 and on free ports,
and ends with the script: PostgreSQL (from a wheel), Redis, Airflow's parts, the simulator of the API (in this process).
Airflow and Meltano get environments of their own in the work folder, which a second call uses again.

Three times the same reports are loaded into a fresh PostgreSQL: by one process, by LocalExecutor, and by two Celery
workers of which one is killed with its whole process group. Each time it is checked that no report was bought twice,
that every row of the simulator stands in PostgreSQL once, and that states and ledger say so too. Every token call
rotates its seller's refresh token.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "parts"), str(HERE.parent / "tests")]

import psycopg
from airflow_servers import REPORTS_PER_RUN, SECONDS_TO_START, Airflow
from comparison import asked, compare, is_complete, partitions, states
from load import TYPES, WINDOWS, Load, Size, fresh, tables
from processes import CLOCK, free_port, is_open, run, started, wait_for
from support.postgres import Postgres
from workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Sequence

BACKFILL = ("2026-08-01", "2026-08-31")

LOGGER = logging.getLogger("show")


@dataclass(kw_only=True)
class Figures:
    """What a load showed.

    Attributes:
        name: of the load.
        seconds: from its start to its last row.
        bound: seconds of the pool alone.
        reports: bought.
        twice: bought a second time.
        rows: in PostgreSQL.
        wrong: rows that are missing, or there and not in the simulator, or there twice.
        states: right ones.
        most: reports in progress at once.
        retried: runs of the tap that had to be started again.
        notes: what else was checked.
    """

    name: str
    seconds: float = 0.0
    bound: float
    reports: int = 0
    twice: int = 0
    rows: int = 0
    wrong: int = 0
    states: str = ""
    most: int = 0
    retried: int = 0
    notes: list[str] = field(default_factory=list)


def one_process(load: Load, figures: Figures) -> None:
    """Everything in one run of the tap."""
    env = load.env | {"TAP_FLIPKART_REPORTS_MAX_CONCURRENT_REPORTS": str(load.size.pool)}
    command = [load.workshop.program("meltano", "meltano"), "el", "tap-flipkart-reports", "target-postgres"]
    began = CLOCK.monotonic()
    run(
        [*command, "--state-id=one-process", "--no-install"],
        env=env,
        log=load.log,
        seconds=60 * load.size.minutes,
        cwd=load.workshop.project,
    )
    figures.seconds = CLOCK.monotonic() - began


# Airflow


def local_executor(load: Load, figures: Figures) -> None:
    """The DAG on LocalExecutor; then again for two sellers, and a backfill."""
    airflow = Airflow.configured(load, "LocalExecutor")
    with airflow.running():
        airflow.trigger("first")
        first_run(airflow, figures)
        check(load, figures)
        again_buys_nothing(airflow, figures)
        backfill_leaves_the_bookmark(airflow, figures)


def first_run(airflow: Airflow, figures: Figures) -> None:
    """Wait for the end of the first DAG run; what it took."""
    airflow.wait("first")
    runs = airflow.states("first").total()
    require(runs == airflow.load.size.runs, f"there were {runs} runs of the tap, not {airflow.load.size.runs}")
    figures.seconds, figures.retried = airflow.seconds("first"), airflow.retried("first")


def again_buys_nothing(airflow: Airflow, figures: Figures) -> None:
    """A second DAG run, narrowed to two sellers by its parameters."""
    bought = len(airflow.load.simulator.triggers)
    sellers = airflow.load.size.seller_ids[:2]
    airflow.trigger("again", sellers=sellers)
    airflow.wait("again")
    runs = airflow.states("again").total()
    require(runs == len(sellers) * len(TYPES), f"the DAG run of two sellers made {runs} runs of the tap")
    require(len(airflow.load.simulator.triggers) == bought, "a second DAG run bought a report again")
    figures.notes.append(f"again for {len(sellers)} sellers: {runs} runs of the tap, no report bought")


def backfill_leaves_the_bookmark(airflow: Airflow, figures: Figures) -> None:
    """One older month of one report type and seller, by the DAG's parameters."""
    load, seller_id = airflow.load, airflow.load.size.seller_ids[0]
    bought, before = len(load.simulator.triggers), states(load.meltano)
    airflow.trigger(
        "backfill", sellers=[seller_id], report_types=[TYPES[0]], from_date=BACKFILL[0], to_date=BACKFILL[1]
    )
    airflow.wait("backfill")
    after = states(load.meltano)
    backfilled = f"flipkart:{seller_id}:{TYPES[0]}:{BACKFILL[0]}..{BACKFILL[1]}"
    require(
        set(after) - set(before) == {backfilled}, f"the states of the backfill are {sorted(set(after) - set(before))}"
    )
    require(all(after[name] == before[name] for name in before), "the backfill moved a bookmark of the daily runs")
    new = [(trigger.seller_id, trigger.identifier) for trigger in load.simulator.triggers[bought:]]
    require(new == [(seller_id, TYPES[0])], f"the backfill bought {new}")
    missing, there = compare(load.simulator, load.warehouse)
    require(missing == 0, f"after the backfill {missing} rows are wrong")
    figures.notes.append(f"backfill of August for one seller and type: 1 report, {there - figures.rows} rows more")


def celery_executor(load: Load, figures: Figures) -> None:
    """The DAG on two Celery workers, one of which is killed when a third is loaded."""
    port = free_port()
    redis = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    airflow = Airflow.configured(
        load,
        "CeleryExecutor",
        AIRFLOW__CELERY__BROKER_URL=f"redis://127.0.0.1:{port}/0",
        AIRFLOW__CELERY__RESULT_BACKEND=load.airflow.replace("postgresql:", "db+postgresql+psycopg2:"),
    )
    at_once = str(load.size.pool // REPORTS_PER_RUN)
    workers = [("celery", "worker", "-c", at_once, "-H", f"{name}@%h", "--skip-serve-logs") for name in ("one", "two")]
    with started(redis, env=os.environ, log=load.folder / "redis.log"):
        wait_for("Redis", lambda: is_open(port), seconds=SECONDS_TO_START)
        with (
            airflow.running(),
            airflow.part(*workers[0], name="worker-one") as victim,
            airflow.part(*workers[1], name="worker-two"),
        ):
            airflow.trigger("first")
            wait_for(
                "a third of the runs",
                lambda: airflow.states("first")["success"] >= load.size.runs / 3,
                seconds=60 * load.size.minutes,
            )
            wait_for("a run on the first worker", lambda: airflow.running_of(victim, "first"), seconds=SECONDS_TO_START)
            hit, retried_before = airflow.running_of(victim, "first"), airflow.retried("first")
            os.killpg(victim.pid, signal.SIGKILL)
            first_run(airflow, figures)
            again = figures.retried - retried_before
            require(again >= hit, f"the kill hit {hit} runs, but only {again} were started again")
            figures.notes.append(f"the kill hit {hit} runs at work")
    check(load, figures)


# What is checked


def require(is_so: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads as an assertion
    """End with a sentence unless something is so."""
    if not is_so:
        raise SystemExit(f"show.py: {otherwise}")


def check(load: Load, figures: Figures) -> None:
    """Fill in the figures, and end unless everything is right."""
    triggers = load.simulator.triggers
    bought = Counter(asked(trigger) for trigger in triggers)
    figures.reports, figures.twice = len(triggers), bought.total() - len(bought)
    figures.most = load.simulator.most_in_progress
    figures.wrong, figures.rows = compare(load.simulator, load.warehouse)
    documents = states(load.meltano)
    right = sum(is_complete(document) for document in documents.values())
    figures.states = f"{right} of {len(documents)}"
    require(
        len(bought) == load.size.reports, f"{load.name}: {len(bought)} reports were bought, not {load.size.reports}"
    )
    require(figures.twice == 0, f"{load.name}: {figures.twice} reports were bought twice")
    require(figures.wrong == 0, f"{load.name}: {figures.wrong} rows are wrong")
    require(right == len(documents), f"{load.name}: only {figures.states} states are right")
    require(partitions(documents) == load.size.sellers * len(tables()), f"{load.name}: partitions lack in the states")
    # A run that has to be started again leaves its slot of the pool for a while, but not its report.
    most = load.size.pool + figures.retried
    require(figures.most <= most, f"{load.name}: {figures.most} reports were in progress at once")
    with psycopg.connect(load.ledger) as connection:
        booked = connection.execute(
            "select status, live, holder, count(*) from flipkart_reports group by 1, 2, 3"
        ).fetchall()
    require(booked == [("FINISHED", 1, None, load.size.reports)], f"{load.name}: the ledger says {booked}")


# All of it


LOADS = {"one process": one_process, "LocalExecutor": local_executor, "CeleryExecutor": celery_executor}


def table_of(results: Sequence[Figures], size: Size) -> str:
    """The figures for a README."""
    load = f"{size.sellers} sellers x {len(TYPES)} report types x {WINDOWS} windows, {size.generation:g} s each"
    lines = [
        f"{load}, {size.pool} reports in progress at once, {os.cpu_count()} cores.",
        f"Bound of the pool: {size.bound:.0f} s.",
        "",
        "| load | wall time, s | bounds | bought | twice | most at once | rows | wrong | states right | retried |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {each.name} | {each.seconds:.0f} | {each.seconds / each.bound:.2f} | {each.reports} | {each.twice} "
        f"| {each.most} | {each.rows} | {each.wrong} | {each.states} | {each.retried} |"
        for each in results
    ]
    lines += ["", *(f"{each.name}: {note}." for each in results for note in each.notes)]
    return "\n".join(lines)


def main() -> None:
    """Load three times, check, and print the table."""
    parser = argparse.ArgumentParser(description="Show the DAG at work on this machine.")
    parser.add_argument("--sellers", type=int, default=40)
    parser.add_argument("--pool", type=int, default=16, help="reports in progress at once")
    parser.add_argument("--generation-seconds", type=float, default=30.0, help="how long a report takes")
    parser.add_argument("--minutes", type=float, default=30.0, help="deadline of each load")
    parser.add_argument("--only", choices=list(LOADS), action="append", help="a load; may be repeated; by default all")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "flipkart-reports-show"))
    options = parser.parse_args()
    require(shutil.which("redis-server") is not None, "redis-server is not installed: apt install redis-server")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # every start of Meltano would compile all it loads
    size = Size(
        sellers=options.sellers, pool=options.pool, generation=options.generation_seconds, minutes=options.minutes
    )
    workshop = Workshop(folder=options.work.absolute())
    workshop.set_up()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("show.py: asked to end"))
    results = []
    with Postgres() as postgres:
        for name in options.only or LOADS:
            LOGGER.info("%s ...", name)
            figures = Figures(name=name, bound=size.bound)
            with fresh(name, size=size, workshop=workshop, postgres=postgres) as load:
                LOADS[name](load, figures)
                if name == "one process":
                    check(load, figures)
            LOGGER.info("%s: %.0f s", name, figures.seconds)
            results.append(figures)
    print(table_of(results, size))


if __name__ == "__main__":
    main()
