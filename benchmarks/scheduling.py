"""The scheduler against the bound no scheduler can beat, in virtual time: hours of hundreds of reports in seconds.

    uv run benchmarks/scheduling.py

Every figure is a ratio within one run. The bound is list scheduling: the same generation times, in the order in which
they were triggered, packed onto as many slots as the cap allows, without any delay.
"""

from __future__ import annotations

import heapq
import logging
import random
import statistics
import sys
import tempfile
import tracemalloc
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from clocks import VirtualClock
from scripted_api import ScriptedApi

from tap_flipkart_reports.reports import Delivery, ReportRequest
from tap_flipkart_reports.scheduler import Limits, Scheduler
from tap_flipkart_reports.windows import Window

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


CASES = (
    Case(
        name="24 windows of 2 to 8 s, 8 at a time, poll_interval 0.2",
        sellers=1,
        types=1,
        windows=24,
        shortest=2,
        longest=8,
        limits=Limits(max_concurrent_reports=8, max_concurrent_reports_per_seller=8, poll_interval=0.2),
    ),
    Case(
        name="20 sellers x 3 types x 4 windows of 5 to 20 min, 8 at a time",
        sellers=20,
        types=3,
        windows=4,
        shortest=300,
        longest=1200,
        limits=Limits(),
    ),
    Case(
        name="200 sellers x 3 types x 4 windows of 5 min to 3 h, 8 at a time",
        sellers=200,
        types=3,
        windows=4,
        shortest=300,
        longest=10800,
        limits=Limits(),
    ),
    Case(
        name="the same, 64 at a time",
        sellers=200,
        types=3,
        windows=4,
        shortest=300,
        longest=10800,
        limits=Limits(max_concurrent_reports=64),
    ),
)


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
    slots = [0.0] * cap
    for report in reports:
        heapq.heapreplace(slots, slots[0] + report.generation)
    makespan = max(report.downloaded_at or 0.0 for report in reports)
    total = sum(report.generation for report in reports)
    return Figures(
        makespan_over_bound=makespan / max(slots),
        share_of_cap_in_use=total / (cap * makespan),
        polls_over_fixed_polls=sum(report.polls for report in reports)
        / sum(report.generation / FIXED_POLL + 1 for report in reports),
        median_delay_share=statistics.median(
            ((report.downloaded_at or 0.0) - report.triggered_at - report.generation) / report.generation
            for report in reports
        ),
    )


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


def main() -> None:
    """Print the table."""
    logging.disable(logging.CRITICAL)
    print("| case | makespan / bound | share of the cap in use | polls / fixed 5 s polls | median delay / generation |")
    print("|---|--:|--:|--:|--:|")
    for case in CASES:
        runs = [run(case, seed) for seed in SEEDS]
        figures = [
            statistics.median(getattr(figures, name) for figures in runs)
            for name in (
                "makespan_over_bound",
                "share_of_cap_in_use",
                "polls_over_fixed_polls",
                "median_delay_share",
            )
        ]
        print(f"| {case.name} | {' | '.join(f'{figure:.3f}' for figure in figures)} |")
    print("\n| windows planned | memory, MB |\n|--:|--:|")
    for windows in (10_000, 100_000):
        print(f"| {windows:,} | {megabytes_planned(windows):.0f} |")


if __name__ == "__main__":
    main()
