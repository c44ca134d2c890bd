"""What is bought, and how often, when runs are killed and when workers share a ledger. Real processes, real databases.

    uv run benchmarks/purchases.py [kills]

A run is killed (SIGKILL) at a random moment of its life and continued by the next, from a STATE that a target may have
stored, until one gets through; then another campaign begins with a new ledger. A kill between a trigger's call and its
answer cannot be told from one before the call: the report is bought again. The simulator knows of them.
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
ROUNDS = 5


def killed_runs(kills: int, seed: int = 1) -> Counter[str]:
    """Campaigns until so many runs were killed."""
    rng = random.Random(seed)
    figures: Counter[str] = Counter()
    while figures["runs killed"] < kills:
        with (
            tempfile.TemporaryDirectory() as folder,
            Campaign(folder=Path(folder), ledger=f"{folder}/ledger.db") as campaign,
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
    figures = killed_runs(int(sys.argv[1]) if len(sys.argv) > 1 else KILLS)
    print("| killed runs, a real ledger file | |\n|---|--:|")
    for name, number in figures.items():
        print(f"| {name} | {number:,} |")
    counted_apart = figures["killed before the answer was sent"] + figures["killed before the answer was booked"]
    ratio = (figures["triggers"] - counted_apart) / figures["windows"]
    print(f"| **triggers / windows**, those kills counted apart | {ratio:.4f} |")
    print("\n| workers on one PostgreSQL ledger | windows | triggers | bought twice |\n|--:|--:|--:|--:|")
    with Postgres() as server:
        for workers in (2, 8):
            figures = workers_together(server, workers)
            print(f"| {workers} | {figures['windows']} | {figures['triggers']} | {figures['bought twice']} |")


if __name__ == "__main__":
    main()
