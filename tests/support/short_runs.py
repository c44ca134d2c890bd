"""Runs of the tap as real processes that are there in milliseconds, to be killed at any moment or to work side by side.

They are forked from a process that has loaded the tap once and has no threads; each is what the command would be from
there on, with its own signals, output and end.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from support.access import access_to
from tap_flipkart_reports.adapters import leases, ledger_claims, ledger_database, processes
from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.exceptions import FlipkartReportsError
from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from typing_extensions import Self

STREAMS = ("orders_report", "sales_ledger")
KEYS = {"orders_report": ("order_item_id",), "sales_ledger": ("order_item_id", "buyer_invoice_id")}
TITLES = {"orders_report": ("order_item_id",), "sales_ledger": ("Order Item ID", "Buyer Invoice ID")}
SELLERS = ("acme", "bharat")
FIRST, LAST, DAYS = "2026-10-01", "2026-10-21", 21
SECONDS = 120
MEAN_LIFE = 0.25
"""Seconds until a run is killed on average; it takes about as long to get through."""

PATIENCE = 1.1
"""By this factor lives grow from kill to kill, so that one gets through on a busy machine, too."""

STOPPED_SECONDS = 5.0

SHORT_LEASE = 0.6
"""Seconds: a worker that is stopped for longer is not the holder any more."""

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tap_flipkart_reports.tap", "sqlalchemy.dialects.sqlite", "psycopg"])


def _now() -> datetime:
    return datetime.now(timezone.utc)  # noqa: TID251 - kills are compared with what the simulator saw


class WatchedSimulator(Simulator):
    """Knows who made each trigger, and when its answer had been sent."""

    def __init__(self, **dials: Any) -> None:
        super().__init__(**dials)
        self.asked_by: dict[str, str] = {}
        self.answered: dict[str, datetime] = {}
        self.before_token: Callable[[str], None] = lambda _name: None

    def answer(self, request: Any) -> None:
        if "/oauth" in request.path:
            self.before_token(request.headers["User-Agent"])
        super().answer(request)
        if request.command == "POST":
            correlation_id = json.loads(request.body)["correlation_id"]
            self.asked_by[correlation_id] = request.headers["User-Agent"]
            self.answered[correlation_id] = _now()

    def windows(self) -> Counter[tuple[str, str, str]]:
        """How often each window was bought."""
        return Counter(
            (trigger.identifier, trigger.seller_id, trigger.parameters["from_date"]) for trigger in self.triggers
        )


class JumpingClock(SystemClock):
    """A wall clock that somebody sets an hour ahead or back at any moment."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - moments to jump at
        self._ahead = timedelta()

    def now(self) -> datetime:
        if self._chance.random() < 0.2:
            self._ahead = timedelta(hours=self._chance.choice((-1, 0, 1)))
        return super().now() + self._ahead


def _live(arguments: Mapping[str, Any], out: str, log: str, oddities: Mapping[str, Any]) -> None:
    """What a forked process does."""
    if "lease" in oddities:
        ledger_database.LEASE_SECONDS = oddities["lease"]
        ledger_claims.CONFIRMED_SECONDS = oddities["lease"] / 12
    if not oddities.get("renews", True):
        leases.RENEWALS_PER_LEASE = 0.001
    if "machine" in oddities:
        processes._machine = lambda: oddities["machine"]  # noqa: SLF001 - nobody on another machine can see it
    for path, descriptor in ((out, 1), (log, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    logging.getLogger().setLevel(logging.WARNING)
    try:
        tap = TapFlipkartReports(**arguments)
        if "jumps" in oddities:
            tap.clock = JumpingClock(oddities["jumps"])
        tap.run()
    except FlipkartReportsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the process's own error output
        sys.exit(1)


@dataclass(kw_only=True)
class Run:
    """A run under way."""

    name: str
    process: BaseProcess
    out: Path
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        """What it wrote, up to the last line that is whole."""
        *whole, _rest = self.out.read_text().split("\n")
        return [json.loads(line) for line in whole]

    def stop(self) -> None:
        """Let it stand still, as a suspended machine does."""
        os.kill(int(self.process.pid or 0), signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on as if nothing had been."""
        if self.process.is_alive():
            os.kill(int(self.process.pid or 0), signal.SIGCONT)

    def end(self) -> None:
        """Wait for its end, which has to be a good one."""
        self.process.join(SECONDS)
        assert self.process.exitcode == 0, self.log.read_text()


@dataclass(kw_only=True)
class StoppedRun:
    """When a run was stopped, and when it went on."""

    name: str
    at: datetime
    goes_on_at: datetime = field(init=False)


@dataclass(kw_only=True)
class Campaign:
    """Runs against one simulator with one ledger.

    Attributes:
        folder: for what the runs write.
        ledger: where they book, `None` for the state alone.
        window_days: length of a window.
        faults: what goes wrong at the simulator.
        oddities: of the runs' machines: `lease` (seconds), `renews` (whether it is renewed), `machine` (a name of its
            own), `jumps` (of its clock).
        settings: beside those that all runs have.
        kills: when which run was killed.
    """

    folder: Path
    ledger: str | None
    window_days: int = 7
    settings: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[Mapping[str, Any]] = ()
    oddities: Mapping[str, Any] = field(default_factory=dict)
    kills: dict[str, datetime] = field(default_factory=dict)
    simulator: WatchedSimulator = field(init=False)
    _runs: int = 0

    def __post_init__(self) -> None:
        self.simulator = WatchedSimulator(
            generation_seconds=(0.0, 0.05), orders_per_day=2, faults=Faults.parse(list(map(dict, self.faults)))
        )

    def __enter__(self) -> Self:
        self.simulator.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.simulator.stop()

    def start(self, state: Mapping[str, Any] | None = None, **oddities: Any) -> Run:
        """Start a run from a state."""
        self._runs += 1
        name = f"run-{self._runs}"
        config = {
            **access_to(self.simulator, *SELLERS),
            "start_date": FIRST,
            "end_date": LAST,
            "window_days": self.window_days,
            "lookback_days": 0,
            "poll_interval": 0.02,
            "report_ledger": self.ledger,
            "confirm_reports": 1000,
            "user_agent": name,
            **self.settings,
        }
        config = {setting: value for setting, value in config.items() if value is not None}
        out, log = self.folder / f"{name}.jsonl", self.folder / f"{name}.log"
        out.touch()  # it may be killed before it gets there
        arguments = {"config": config, "catalog": _catalog(), "state": state}
        process = _processes.Process(target=_live, args=(arguments, str(out), str(log), {**self.oddities, **oddities}))
        process.start()
        return Run(name=name, process=process, out=out, log=log)

    def kill_until_done(self, rng: random.Random, *, at_least: int = 0) -> set[tuple[str, ...]]:
        """Run and kill, again and again, until a run ends by itself; the rows a target has stored by then.

        The target has stored each time the rows before some STATE, and hands that STATE to the next run; now and then
        it is one of an earlier run.

        Args:
            rng: chance.
            at_least: kills before a run may get through.
        """
        states: list[dict[str, Any]] = [{}]
        stored: set[tuple[str, ...]] = set()
        while True:
            run = self.start(rng.choice(states[-1:] * 3 + states))
            life = MEAN_LIFE * PATIENCE ** max(0, len(self.kills) - at_least)
            run.process.join(rng.expovariate(1 / life) if len(self.kills) >= at_least else rng.uniform(0, life))
            if run.process.is_alive():
                self.kills[run.name] = _now()
                run.process.kill()
            run.process.join(SECONDS)
            lines = run.lines()
            ends = [number for number, line in enumerate(lines) if line["type"] == "STATE"]
            is_done = run.process.exitcode == 0
            assert is_done or run.process.exitcode == -9, run.log.read_text()
            upto = len(lines) if is_done else rng.choice([0, *ends, *ends[-1:] * 3])
            stored |= rows_of(lines[:upto])
            states += [lines[end]["value"] for end in ends if end <= upto]
            if is_done and len(self.kills) >= at_least:
                return stored

    def stop_until_done(self, rng: random.Random, *, jumps: bool = False) -> StoppedRun:
        """Stop a run for longer than its lease, let one on another machine get through meanwhile, and let it go on.

        Args:
            rng: chance.
            jumps: whether the wall clocks jump.
        """
        clocks: list[dict[str, Any]] = [{"jumps": rng.randrange(2**30)} if jumps else {} for _ in range(2)]
        first = self.start(lease=SHORT_LEASE, machine="one", **clocks[0])
        first.process.join(rng.uniform(0.02, 2 * MEAN_LIFE))
        stopped = StoppedRun(name=first.name, at=_now())
        if first.process.is_alive():
            first.stop()
        threading.Event().wait(1.5 * SHORT_LEASE)  # the lease of a real process ends in real time
        second = self.start(lease=SHORT_LEASE, machine="two", **clocks[1])
        second.process.join(STOPPED_SECONDS)  # a run that was stopped within a transaction holds up all others
        stopped.goes_on_at = _now()
        first.go_on()
        first.end()
        second.end()
        self.start(machine="three").end()
        return stopped

    def bought_by_a_sleeper(self, stopped: StoppedRun) -> Counter[str]:
        """Windows bought more than once, by what can be known.

        What was sent before the stop cannot be called back, and its answer waits unread: the other worker tells that
        it may have been bought. What is sent after the stop is a worker's that believes to be the holder.
        """
        figures: Counter[str] = Counter()
        windows = self.simulator.windows()
        for trigger in self.simulator.triggers:
            window = (trigger.identifier, trigger.seller_id, trigger.parameters["from_date"])
            is_sleepers = self.simulator.asked_by[str(trigger.correlation_id)] == stopped.name
            if windows[window] > 1 and is_sleepers:
                was_sent = trigger.at < stopped.goes_on_at
                figures["sent before the stop" if was_sent else "sent after it"] += 1
        figures["otherwise"] = windows.total() - len(windows) - figures.total()
        return figures

    def work_together(self, workers: int) -> None:
        """Let several runs work side by side until each has ended by itself."""
        runs = [self.start() for _ in range(workers)]
        for run in runs:
            run.process.join(SECONDS)
            assert run.process.exitcode == 0, run.log.read_text()

    @property
    def windows(self) -> int:
        """How many there are."""
        return len(STREAMS) * len(SELLERS) * -(-DAYS // self.window_days)

    def truth(self) -> set[tuple[str, ...]]:
        """The rows there are."""
        days = {"from_date": FIRST, "to_date": LAST}
        return {
            (stream, seller, *(_plain(row[title]) for title in TITLES[stream]))
            for stream in STREAMS
            for seller in SELLERS
            for row in self.simulator.rows(stream, seller, days)
        }

    def has_leases(self) -> bool:
        """Whether some worker still counts as the holder of a window."""
        rows = self._ledger_rows("select lease_until from flipkart_reports where lease_until is not null")
        return any(row.lease_until > _now().timestamp() for row in rows)

    def _ledger_rows(self, statement: str) -> Sequence[sa.Row[Any]]:
        assert self.ledger is not None
        url = self.ledger.replace("postgresql:", "postgresql+psycopg:")
        engine = sa.create_engine(url if "://" in url else f"sqlite:///{url}")
        with engine.connect() as connection:
            rows = connection.execute(sa.text(statement)).all()
        engine.dispose()
        return rows

    def lost_answers(self) -> list[bool]:
        """Of each trigger that was sold and whose id never came to the ledger: whether its answer had been sent.

        Such a kill fell between the trigger's call and its answer, or into the moment in which the answer was booked.
        """
        rows = self._ledger_rows("select correlation_id from flipkart_reports where report_id is null")
        unknown = {row.correlation_id for row in rows}
        simulator = self.simulator
        lost = [str(trigger.correlation_id) for trigger in simulator.triggers if trigger.correlation_id in unknown]
        return [simulator.answered[one] < self.kills[simulator.asked_by[one]] for one in lost]


def rows_of(lines: Iterable[Mapping[str, Any]]) -> set[tuple[str, ...]]:
    """The rows among some messages, by stream, seller and key."""
    return {
        (line["stream"], line["record"]["seller_id"], *(str(line["record"][name]) for name in KEYS[line["stream"]]))
        for line in lines
        if line["type"] == "RECORD"
    }


def _plain(cell: str) -> str:
    return cell.strip().strip('"').removeprefix("OI:").strip() or "NA"


def _catalog() -> dict[str, Any]:
    catalog = TapFlipkartReports(config={"api_url": "simulator", "start_date": FIRST}).catalog_dict
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] in STREAMS
    return catalog
