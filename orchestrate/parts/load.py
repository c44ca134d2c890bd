"""One load: how much, from where, to where."""

from __future__ import annotations

import base64
import json
import math
import os
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.simulator import Faults, Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from support.postgres import Postgres
    from workshop import Workshop

    from tap_flipkart_reports.planning.report_type import ReportTable

TYPES = ("orders_report", "sales_ledger", "settled_transaction_ledger")
START, END = "2026-09-01", "2026-10-31"
WINDOWS = 2
"""Of 31 and 30 days."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is loaded, and how fast it could go.

    Attributes:
        sellers: how many.
        pool: reports in progress at once.
        generation: seconds a report takes.
        minutes: deadline of each of the three loads.
    """

    sellers: int
    pool: int
    generation: float
    minutes: float

    @property
    def seller_ids(self) -> list[str]:
        """Names of the sellers."""
        return [f"seller-{number:02d}" for number in range(1, self.sellers + 1)]

    @property
    def runs(self) -> int:
        """Runs of the tap."""
        return self.sellers * len(TYPES)

    @property
    def reports(self) -> int:
        """Reports that have to be bought."""
        return self.runs * WINDOWS

    @property
    def bound(self) -> float:
        """Seconds that no orchestration can beat: all reports, as many at once as the pool allows."""
        return math.ceil(self.reports / self.pool) * self.generation


@dataclass(frozen=True, kw_only=True)
class Load:
    """Fresh databases, a fresh simulator, and the environment that leads to them.

    Attributes:
        name: what the table calls it.
        size: how much.
        workshop: what is installed.
        simulator: the API.
        sellers: with the tokens that they had at first.
        warehouse: URL of the database for the rows.
        meltano: URL of Meltano's database.
        ledger: URL of the database for the report ledger and the token store.
        token_key: of the token store.
        airflow: URL of Airflow's database.
        folder: logs.
    """

    name: str
    size: Size
    workshop: Workshop
    simulator: Simulator
    sellers: Sequence[Mapping[str, str]]
    warehouse: str
    meltano: str
    ledger: str
    token_key: str
    airflow: str
    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """What Meltano needs, as a deployment would set it."""
        simulator, warehouse = self.simulator, psycopg.conninfo.conninfo_to_dict(self.warehouse)
        return os.environ | {
            "PATH": os.pathsep.join([str(self.workshop.path), os.environ["PATH"]]),
            "MELTANO_PROJECT_ROOT": str(self.workshop.project),
            "MELTANO_DATABASE_URI": self.meltano.replace("postgresql:", "postgresql+psycopg2:"),
            "TAP_FLIPKART_REPORTS_API_URL": simulator.url,
            "TAP_FLIPKART_REPORTS_CLIENT_ID": simulator.client_id,
            "TAP_FLIPKART_REPORTS_CLIENT_SECRET": simulator.client_secret,
            "TAP_FLIPKART_REPORTS_SELLERS": json.dumps(self.sellers),
            "TAP_FLIPKART_REPORTS_START_DATE": START,
            "TAP_FLIPKART_REPORTS_END_DATE": END,
            "TAP_FLIPKART_REPORTS_POLL_INTERVAL": "1",
            "TAP_FLIPKART_REPORTS_POLL_MAX_INTERVAL": "5",
            "TAP_FLIPKART_REPORTS_REPORT_LEDGER": self.ledger,
            "TAP_FLIPKART_REPORTS_TOKEN_STORE": self.ledger,
            "TAP_FLIPKART_REPORTS_TOKEN_KEY": self.token_key,
            "TAP_FLIPKART_REPORTS__SELECT": json.dumps([f"{table.stream}.*" for table in tables()]),
            "TARGET_POSTGRES_HOST": str(warehouse["host"]),
            "TARGET_POSTGRES_PORT": str(warehouse["port"]),
            "TARGET_POSTGRES_USER": str(warehouse["user"]),
            "TARGET_POSTGRES_PASSWORD": str(warehouse["password"]),
            "TARGET_POSTGRES_DATABASE": str(warehouse["dbname"]),
        }

    @property
    def log(self) -> Path:
        """Where commands without a log of their own write to."""
        return self.folder / "show.log"


@contextmanager
def fresh(name: str, *, size: Size, workshop: Workshop, postgres: Postgres) -> Iterator[Load]:
    """Databases and a simulator for one load; every token call there rotates the refresh token."""
    folder = workshop.folder / name.replace(" ", "-").lower()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with Simulator(
        generation_seconds=dict.fromkeys(TYPES, (size.generation, size.generation)),
        file_format="xlsx",
        orders_per_day=2,
        faults=Faults.parse([{"fault": "rotate_refresh_token", "every": 1}]),
    ) as simulator:
        yield Load(
            name=name,
            size=size,
            workshop=workshop,
            simulator=simulator,
            sellers=[{"seller_id": name, "refresh_token": simulator.refresh_token(name)} for name in size.seller_ids],
            warehouse=postgres.new_database(),
            meltano=postgres.new_database(),
            ledger=postgres.new_database(),
            token_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            airflow=postgres.new_database(),
            folder=folder,
        )


def tables() -> list[ReportTable]:
    """The tables of the report types; each is a stream."""
    return [table for name in TYPES for table in REPORT_TYPES[name].tables]
