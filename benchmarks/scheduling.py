"""The scheduler against the bound no scheduler can beat, in virtual time and once over real HTTP on a real clock.

    uv run benchmarks/scheduling.py

Every figure is a ratio within one run, the median of three. The bound is list scheduling: the same generation times, in
the order in which they were triggered, packed onto as many slots as the cap allows, without any delay. Ends with 1 if a
goal is missed.
"""

from __future__ import annotations

import heapq
import logging
import os
import random
import statistics
import sys
import tempfile
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from typing import TYPE_CHECKING

from support.clocks import VirtualClock
from support.scripted_api import ScriptedApi

from tap_flipkart_reports.purchasing.events import Delivery
from tap_flipkart_reports.purchasing.limits import Limits
from tap_flipkart_reports.purchasing.requests import ReportRequest
from tap_flipkart_reports.purchasing.scheduler import Scheduler
from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.tap import TapFlipkartReports
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FIXED_POLL = 5.0
SEEDS = (1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Sellers x types x windows, whose reports take between `shortest` and `longest` seconds."""

    name: str
    sellers: int
    types: int
    windows: int
    shortest: float
    longest: float
    limits: Limits


SHORT = Case(
    name="24 windows of 2 to 8 s, 8 at a time",
    sellers=1,
    types=1,
    windows=24,
    shortest=2,
    longest=8,
    limits=Limits(max_concurrent_reports=8, max_concurrent_reports_per_seller=8, poll_interval=0.2),
)
MINUTES = Case(
    name="20 sellers x 3 types x 4 windows of 5 to 20 min, 8 at a time",
    sellers=20,
    types=3,
    windows=4,
    shortest=300,
    longest=1200,
    limits=Limits(),
)
HOURS = Case(
    name="200 sellers x 3 types x 4 windows of 5 min to 3 h, 8 at a time",
    sellers=200,
    types=3,
    windows=4,
    shortest=300,
    longest=10800,
    limits=Limits(),
)
HOURS_64 = replace(HOURS, name=HOURS.name.replace("8 at", "64 at"), limits=Limits(max_concurrent_reports=64))


def requests_of(case: Case) -> list[ReportRequest]:
    """All windows of a case, in the order in which the streams read them."""
    first = date(2020, 1, 1)
    return [
        ReportRequest(
            stream=f"type_{kind}",
            identifier=f"type_{kind}",
            seller_id=f"seller_{seller}",
            window=Window(first + timedelta(days=number), first + timedelta(days=number)),
            parameters={},
            report_timeout=1e9,
        )
        for kind in range(case.types)
        for seller in range(case.sellers)
        for number in range(case.windows)
    ]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run showed; all ratios."""

    makespan_over_bound: float
    share_of_cap_in_use: float
    polls_over_fixed_polls: float
    median_delay_share: float


def run(case: Case, seed: int) -> Figures:
    """Live through a case."""
    rng = random.Random(seed)
    clock = VirtualClock()
    api = ScriptedApi(clock=clock, generation=lambda _seller, _identifier: rng.uniform(case.shortest, case.longest))
    requests = requests_of(case)
    with tempfile.TemporaryDirectory() as folder:
        scheduler = Scheduler(api=api, clock=clock, limits=case.limits, folder=Path(folder), workers=0)
        scheduler.submit(requests)
        for request in requests:
            delivery = scheduler.take(request)
            assert isinstance(delivery, Delivery)
            scheduler.release(delivery, stream=delivery.request.stream)
    reports = list(api.reports.values())
    cap = case.limits.max_concurrent_reports
    makespan = max(report.downloaded_at or 0.0 for report in reports)
    total = sum(report.generation for report in reports)
    return Figures(
        makespan_over_bound=makespan / bound([report.generation for report in reports], cap),
        share_of_cap_in_use=total / (cap * makespan),
        polls_over_fixed_polls=sum(report.polls for report in reports)
        / sum(report.generation / FIXED_POLL + 1 for report in reports),
        median_delay_share=statistics.median(
            ((report.downloaded_at or 0.0) - report.triggered_at - report.generation) / report.generation
            for report in reports
        ),
    )


def bound(generations: Sequence[float], slots: int) -> float:
    """The time in which reports can be had at best, triggered in this order."""
    ends = [0.0] * slots
    for seconds in generations:
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)


def wall_over_bound(case: Case, seed: int) -> float:
    """The whole tap against the simulator, on a real clock over real HTTP."""
    rng = random.Random(seed)
    generations = [rng.uniform(case.shortest, case.longest) for _ in range(case.windows)]
    rules = [{"fault": "slow", "nth": number, "seconds": seconds} for number, seconds in enumerate(generations, 1)]
    limits = case.limits
    with Simulator(faults=Faults.parse(rules), orders_per_day=2) as simulator:
        config = {
            "api_url": simulator.url,
            "client_id": simulator.client_id,
            "client_secret": simulator.client_secret,
            "refresh_token": simulator.refresh_token("default"),
            "start_date": "2026-01-01",
            "end_date": str(date(2026, 1, 1) + timedelta(days=case.windows - 1)),
            "window_days": 1,
            "max_concurrent_reports": limits.max_concurrent_reports,
            "max_concurrent_reports_per_seller": limits.max_concurrent_reports_per_seller,
            "poll_interval": limits.poll_interval,
        }
        catalog = TapFlipkartReports(config=config).catalog_dict
        for entry in catalog["streams"]:
            for metadata in entry["metadata"]:
                if not metadata["breadcrumb"]:
                    metadata["metadata"]["selected"] = entry["tap_stream_id"] == "sales_ledger"
        tap = TapFlipkartReports(config=config, catalog=catalog)
        with nothing_shown():
            began = time.perf_counter()
            tap.run()
            seconds = time.perf_counter() - began
        assert len(simulator.triggers) == case.windows
    return seconds / bound(generations, limits.max_concurrent_reports)


@contextmanager
def nothing_shown() -> Iterator[None]:
    """Records go nowhere."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def megabytes_planned(windows: int) -> float:
    """Memory of a scheduler that knows that many windows, in MB."""
    case = Case(
        name="memory",
        sellers=100,
        types=10,
        windows=windows // 1000,
        shortest=1,
        longest=1,
        limits=Limits(),
    )
    tracemalloc.start()
    clock = VirtualClock()
    scheduler = Scheduler(
        api=ScriptedApi(clock=clock), clock=clock, limits=case.limits, folder=Path(tempfile.gettempdir()), workers=0
    )
    scheduler.submit(requests_of(case))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def median(runs: Sequence[Figures], name: str) -> float:
    """Of one figure."""
    return statistics.median(getattr(figures, name) for figures in runs)


def main() -> None:
    """Print the tables."""
    logging.disable(logging.CRITICAL)
    runs = {case.name: [run(case, seed) for seed in SEEDS] for case in (SHORT, MINUTES, HOURS, HOURS_64)}
    print("| case | makespan / bound | share of the cap in use | polls / fixed 5 s polls | median delay / generation |")
    print("|---|--:|--:|--:|--:|")
    for name, figures in runs.items():
        cells = [
            f"{median(figures, one):.3f}"
            for one in ("makespan_over_bound", "share_of_cap_in_use", "polls_over_fixed_polls", "median_delay_share")
        ]
        print(f"| {name} | {' | '.join(cells)} |")

    few, many = megabytes_planned(10_000), megabytes_planned(100_000)
    over_http = statistics.median(wall_over_bound(SHORT, seed) for seed in SEEDS)
    goals = [
        (
            f"{SHORT.name}: makespan over the bound, virtual clock",
            median(runs[SHORT.name], "makespan_over_bound"),
            "<=",
            1.10,
        ),
        (f"{SHORT.name}: wall time of the tap over the bound, real HTTP and clock", over_http, "<=", 1.10),
        (f"{HOURS.name}: makespan over the bound", median(runs[HOURS.name], "makespan_over_bound"), "<=", 1.05),
        (f"{HOURS.name}: share of the cap in use", median(runs[HOURS.name], "share_of_cap_in_use"), ">=", 0.95),
        (f"{HOURS_64.name}: makespan over the bound", median(runs[HOURS_64.name], "makespan_over_bound"), "<=", 1.05),
        (f"{HOURS_64.name}: share of the cap in use", median(runs[HOURS_64.name], "share_of_cap_in_use"), ">=", 0.95),
        (
            f"{MINUTES.name}: detail calls over those of a fixed 5 s poll",
            median(runs[MINUTES.name], "polls_over_fixed_polls"),
            "<=",
            0.25,
        ),
        (
            f"{MINUTES.name}: median delay as a share of generation",
            median(runs[MINUTES.name], "median_delay_share"),
            "<=",
            0.05,
        ),
        ("memory of a scheduler with 100,000 windows planned, MB", many, "<=", 200),
        ("the same over ten times that of 10,000", many / (10 * few), "<=", 1.2),
    ]
    print("\n| what | goal | measured |\n|---|--:|--:|")
    missed = [what for what, figure, sign, goal in goals if (figure > goal if sign == "<=" else figure < goal)]
    for what, figure, sign, goal in goals:
        print(f"| {what} | {sign} {goal:g} | {figure:.3f}{' **missed**' if what in missed else ''} |")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
