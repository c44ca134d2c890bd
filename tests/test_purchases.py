"""Real processes that are killed or work side by side: what is bought, and what arrives."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from support.short_runs import Campaign

if TYPE_CHECKING:
    from pathlib import Path


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
