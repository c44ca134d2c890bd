"""`flipkart-reports sellers`: every seller's tokens, nothing bought."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from support.access import access_to
from support.clocks import START, VirtualClock

from tap_flipkart_reports.adapters.token_store import TokenStore, new_key
from tap_flipkart_reports.auth import REFRESH_LIFE, TokenLife
from tap_flipkart_reports.commands.sellers import check_sellers, document, exit_code, judged, table
from tap_flipkart_reports.settings.credentials import KEY_VARIABLE, SellerTokens
from tap_flipkart_reports.simulator import Faults, Simulator

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from support.bench import Bench

    from tap_flipkart_reports.commands.sellers import SellerCheck

SIDE = [sys.executable, "-m", "tap_flipkart_reports.commands.cli"]


def checks(bench: Bench, *, warn_days: int = 14, **settings: Any) -> list[SellerCheck]:
    tap = bench.tap(**settings)
    try:
        services = tap.current_run.services
        return check_sellers(services.tokens, api=services.api, clock=bench.clock, warn_days=warn_days)
    finally:
        tap.close()


def test_a_good_token_and_a_dead_one_are_distinguished_and_nothing_is_bought(bench: Bench) -> None:
    bench.restart({"fault": "token_dead", "seller_id": "bharat"})
    found = checks(bench, sellers=[bench.seller("acme"), bench.seller("bharat")])
    assert [(check.seller_id, check.status, check.access_days_left) for check in found] == [
        ("acme", "valid", 60),
        ("bharat", "refused", None),
    ]
    assert "seller bharat were refused with 400" in found[1].note
    assert exit_code(found) == 1
    assert bench.bought() == []


def test_an_access_token_alone_is_checked_by_a_call_that_costs_nothing(bench: Bench) -> None:
    good = {"seller_id": "acme", "access_token": bench.simulator.access_token("acme")}
    dead = {"seller_id": "bharat", "access_token": "access.dead"}
    found = checks(bench, sellers=[good, dead])
    assert [check.status for check in found] == ["valid", "refused"]
    assert "cannot be renewed" in found[0].note
    assert bench.bought() == []


def test_an_access_token_alone_is_checked_so_beside_a_token_store_too(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, new_key())
    sellers = [{"seller_id": "acme", "access_token": bench.simulator.access_token("acme")}]
    (found,) = checks(bench, sellers=sellers, token_store=str(tmp_path / "tokens.db"))
    assert found.status == "valid"


def test_the_apps_own_token_is_reported_as_not_a_sellers(bench: Bench) -> None:
    (found,) = checks(bench, sellers=[{"seller_id": "acme"}])
    assert found.status == "refused"
    assert "has to be a third-party one" in found.note


def test_a_host_that_does_not_answer_leaves_the_token_unknown(bench: Bench) -> None:
    bench.restart({"fault": "server_error", "call": "token", "times": 100})
    (found,) = checks(bench, sellers=[bench.seller("acme")])
    assert (found.status, found.is_due) == ("unknown", False)
    assert exit_code([found]) == 1


def test_who_has_to_authorise_again_is_known_from_the_store(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key := new_key())
    place = str(tmp_path / "tokens.db")
    store = TokenStore(place, key=key, clock=bench.clock)
    with store.lease("acme") as lease:
        lease.write(SellerTokens(refresh_token=bench.simulator.refresh_token("acme"), refresh_issued_at=START))
    store.close()
    settings: dict[str, Any] = {"sellers": [{"seller_id": "acme"}], "token_store": place}
    (found,) = checks(bench, **settings)
    assert (found.refresh_days_left, found.is_due, exit_code([found])) == (180, False, 0)
    bench.clock.advance(timedelta(days=166).total_seconds())
    (found,) = checks(bench, **settings)
    assert (found.refresh_days_left, found.is_due, exit_code([found])) == (14, True, 3)
    assert found.authorise_by == (START + REFRESH_LIFE).date()
    assert exit_code(checks(bench, warn_days=13, **settings)) == 0
    bench.clock.advance(timedelta(days=15).total_seconds())
    (found,) = checks(bench, **settings)
    assert (found.status, exit_code([found])) == ("refused", 1)


def test_a_check_that_rotates_a_token_keeps_it_or_says_that_nobody_does(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, new_key())
    bench.restart({"fault": "rotate_refresh_token", "every": 1})
    kept: dict[str, Any] = {"sellers": [bench.seller("acme")], "token_store": str(tmp_path / "tokens.db")}
    for _ in range(3):
        (found,) = checks(bench, **kept)
        assert (found.status, found.refresh_days_left, exit_code([found])) == ("valid", 180, 0)
    (found,) = checks(bench, sellers=[bench.seller("bharat")])
    assert "set token_store" in found.note
    assert exit_code([found]) == 3


def test_days_left_are_whole_days_and_unknown_ones_are_none() -> None:
    life = TokenLife(
        access_ends_at=START + timedelta(days=3, hours=23), refresh_ends_at=None, is_renewable=True, is_rotated=False
    )
    found = judged("acme", life, now=START, warn_days=14)
    assert (found.access_days_left, found.refresh_days_left, found.authorise_by) == (3, None, None)
    assert not found.is_due
    assert "not known" in found.note


def test_the_table_and_the_document_say_the_same(bench: Bench) -> None:
    found = checks(bench, sellers=[bench.seller("acme")])
    assert table(found).splitlines()[1].split()[:4] == ["acme", "valid", "60", "?"]
    assert table(found).endswith("1 seller: 1 valid, 0 to authorise again soon or now.")
    assert json.loads(json.dumps(document(found)))[0]["access_days_left"] == 60


def test_the_command_answers_monitoring(tmp_path: Path) -> None:
    with Simulator(faults=Faults.parse([{"fault": "token_dead", "nth": 2}])) as simulator:
        config = tmp_path / "config.json"
        config.write_text(json.dumps({**access_to(simulator, "acme"), "start_date": "2026-10-01"}))
        command = [*SIDE, "sellers", "--config", str(config), "--format", "json"]
        for status, code in (("valid", 0), ("refused", 1)):
            ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
            assert (json.loads(ended.stdout)[0]["status"], ended.returncode) == (status, code), ended.stderr
            assert not any(secret in ended.stdout + ended.stderr for secret in simulator.secrets - {"simulator"})
        assert simulator.triggers == []


def test_token_key_prints_what_token_store_takes(tmp_path: Path) -> None:
    printed = subprocess.run([*SIDE, "token-key"], check=True, capture_output=True, text=True, timeout=60).stdout
    assert os.linesep not in printed.strip()
    TokenStore(str(tmp_path / "t.db"), key=printed, clock=VirtualClock()).close()
