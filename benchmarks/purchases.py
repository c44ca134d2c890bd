"""What is bought, and how often, when runs are killed or stopped, clocks jump, and workers share a ledger.

    uv run benchmarks/purchases.py [kills [stops]]

Real processes, real databases. A run is killed (SIGKILL) at a random moment of its life and continued by the next, from
a STATE that a target may have stored, often a late one, until one gets through; then another campaign begins with a new
ledger. Every second campaign has a storage that refuses links and reports that are not known at first; in two of three
the wall clock jumps by an hour now and then. A kill between a trigger's call and its answer cannot be told from one
before the call: the report is bought again. The simulator knows of them.

A run is also stopped (SIGSTOP) for longer than its lease, while one on another machine gets through, and then goes on.
What it had sent before cannot be called back; what it sends after it would be a worker's that sleeps and believes to be
the holder.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.postgres import Postgres
from support.short_runs import Campaign

KILLS = 1000
STOPS = 100

AWAY: list[dict[str, object]] = [
    {"fault": "dead_link", "every": 3},
    {"fault": "server_error", "status": 503, "call": "download", "every": 7},
    {"fault": "not_yet_known", "every": 4, "details": 3},
]
"""A storage that is away for moments, and an API that knows a report late."""

ROUNDS = 5


def killed_runs(kills: int, seed: int = 1) -> Counter[str]:
    """Campaigns until so many runs were killed."""
    rng = random.Random(seed)
    figures: Counter[str] = Counter()
    while figures["runs killed"] < kills:
        number = figures["campaigns"]
        with (
            tempfile.TemporaryDirectory() as folder,
            Campaign(
                folder=Path(folder),
                ledger=f"{folder}/ledger.db",
                faults=AWAY if number % 2 else (),
                oddities={"jumps": number} if number % 3 else {},
            ) as campaign,
        ):
            stored = campaign.kill_until_done(rng)
            lost = campaign.lost_answers()
            figures += Counter(
                {
                    "campaigns": 1,
                    "runs killed": len(campaign.kills),
                    "windows": campaign.windows,
                    "triggers": len(campaign.simulator.triggers),
                    "killed before the answer was sent": lost.count(False),
                    "killed before the answer was booked": lost.count(True),
                    "windows bought twice otherwise": campaign.simulator.windows().total()
                    - campaign.windows
                    - len(lost),
                    "rows": len(campaign.truth()),
                    "rows lost": len(campaign.truth() - stored),
                }
            )
    return figures


def stopped_runs(stops: int, seed: int = 1) -> Counter[str]:
    """Runs that are stopped for longer than their lease while another worker goes on."""
    rng = random.Random(seed)
    figures: Counter[str] = Counter()
    for number in range(stops):
        with (
            tempfile.TemporaryDirectory() as folder,
            Campaign(folder=Path(folder), ledger=f"{folder}/ledger.db") as campaign,
        ):
            stopped = campaign.stop_until_done(rng, jumps=number % 2 == 1)
            figures += campaign.bought_by_a_sleeper(stopped)
            figures += Counter(
                {
                    "runs stopped": 1,
                    "windows": campaign.windows,
                    "triggers": len(campaign.simulator.triggers),
                }
            )
    return figures


def workers_together(server: Postgres, workers: int) -> Counter[str]:
    """Workers that begin at once with the same windows, on one PostgreSQL ledger."""
    figures: Counter[str] = Counter()
    for _ in range(ROUNDS):
        ledger = server.new_database()
        with (
            tempfile.TemporaryDirectory() as folder,
            Campaign(folder=Path(folder), ledger=ledger, window_days=1) as campaign,
        ):
            campaign.work_together(workers)
            bought = campaign.simulator.windows()
            figures += Counter(
                {
                    "windows": campaign.windows,
                    "triggers": bought.total(),
                    "bought twice": sum(number > 1 for number in bought.values()),
                }
            )
    return figures


def main() -> None:
    """Print the tables."""
    kills, stops = [*map(int, sys.argv[1:]), *(KILLS, STOPS)[len(sys.argv) - 1 :]]
    figures = killed_runs(kills)
    print("| killed runs, a real ledger file | |\n|---|--:|")
    for name, number in figures.items():
        print(f"| {name} | {number:,} |")
    counted_apart = figures["killed before the answer was sent"] + figures["killed before the answer was booked"]
    ratio = (figures["triggers"] - counted_apart) / figures["windows"]
    print(f"| **triggers / windows**, those kills counted apart | {ratio:.4f} |")
    slept = stopped_runs(stops)
    print("\n| runs stopped for longer than their lease | |\n|---|--:|")
    for name in ("runs stopped", "windows", "triggers", "sent before the stop", "sent after it", "otherwise"):
        print(f"| {name} | {slept[name]:,} |")
    print("\n| workers on one PostgreSQL ledger | windows | triggers | bought twice |\n|--:|--:|--:|--:|")
    with Postgres() as server:
        for workers in (2, 8):
            figures = workers_together(server, workers)
            print(f"| {workers} | {figures['windows']} | {figures['triggers']} | {figures['bought twice']} |")


if __name__ == "__main__":
    main()
