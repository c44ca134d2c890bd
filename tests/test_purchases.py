"""Real processes that are killed or work side by side: what is bought, and what arrives."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import pytest
from support.short_runs import SHORT_LEASE, Campaign, Run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration  # real processes, killed and stopped in real time


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_runs_that_are_killed_again_and_again_lose_no_row_and_buy_no_window_twice(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    ledger = str(tmp_path / "ledger.db") if database == "SQLite" else request.getfixturevalue("postgres_url")
    rng = random.Random(7)  # noqa: S311 - moments to kill at
    with Campaign(folder=tmp_path, ledger=ledger) as campaign:
        stored = campaign.kill_until_done(rng, at_least=12)
        assert campaign.truth() <= stored
        bought = campaign.simulator.windows()
        assert len(bought) == campaign.windows
        # A kill between a trigger's call and its answer cannot be told from one before the call.
        assert bought.total() == campaign.windows + len(campaign.lost_answers())


def test_killed_runs_lose_no_row_without_a_ledger_either(tmp_path: Path) -> None:
    rng = random.Random(11)  # noqa: S311 - moments to kill at
    with Campaign(folder=tmp_path, ledger=None) as campaign:
        stored = campaign.kill_until_done(rng, at_least=12)
        assert campaign.truth() <= stored


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_three_workers_on_one_ledger_never_buy_a_window_twice(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    ledger = str(tmp_path / "ledger.db") if database == "SQLite" else request.getfixturevalue("postgres_url")
    with Campaign(folder=tmp_path, ledger=ledger, window_days=3) as campaign:
        campaign.work_together(3)
        bought = campaign.simulator.windows()
        assert len(bought) == bought.total() == campaign.windows
        campaign.work_together(1)
        assert campaign.simulator.windows() == bought


@pytest.mark.parametrize("machines", [("one", "two"), ("one", "one")], ids=["another machine", "the same machine"])
def test_a_worker_that_slept_past_its_lease_sends_no_trigger(tmp_path: Path, machines: tuple[str, str]) -> None:
    """It is stopped between its claim and its trigger, while it asks for a token."""
    runs: dict[str, Run] = {}
    is_stopped = threading.Event()

    def stop(name: str) -> None:
        if name == "run-1" and not is_stopped.is_set():
            is_started.wait(60)
            runs[name].stop()
            is_stopped.set()

    is_started = threading.Event()
    one_claim = {"max_concurrent_reports": 1}  # and nothing else is in the middle of a transaction then
    with Campaign(folder=tmp_path, ledger=str(tmp_path / "ledger.db"), settings=one_claim) as campaign:
        campaign.simulator.before_token = stop
        runs["run-1"] = campaign.start(lease=SHORT_LEASE, machine=machines[0], renews=False)
        is_started.set()
        assert is_stopped.wait(60)
        while campaign.has_leases():
            pass
        campaign.start(lease=SHORT_LEASE, machine=machines[1]).end()
        sold = len(campaign.simulator.triggers)
        runs["run-1"].go_on()
        runs["run-1"].end()
        assert sold == (campaign.windows if machines[0] != machines[1] else sold)
        campaign.start().end()
        bought = campaign.simulator.windows()
        assert len(bought) == bought.total() == campaign.windows


def test_clocks_that_jump_and_a_storage_that_refuses_links_cost_no_second_report(tmp_path: Path) -> None:
    faults = [{"fault": "dead_link", "every": 3}, {"fault": "not_yet_known", "every": 4, "details": 3}]
    with Campaign(
        folder=tmp_path, ledger=str(tmp_path / "ledger.db"), faults=faults, oddities={"jumps": 3}
    ) as campaign:
        campaign.kill_until_done(random.Random(5), at_least=5)  # noqa: S311 - moments to kill at
        assert campaign.simulator.windows().total() == campaign.windows + len(campaign.lost_answers())
