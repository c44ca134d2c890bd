"""The scheduler's rules over real HTTP, judged by what the server saw."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tap_flipkart_reports.exceptions import LedgerError
from tap_flipkart_reports.simulator import Faults, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.bench import Bench
    from support.postgres import Postgres


class Hooked(Faults):
    """Calls a function before each call is answered; what it returns is what goes wrong."""

    def __init__(self, hook: Callable[[str], dict[str, Any]]) -> None:
        super().__init__()
        self._hook = hook
        self._order = threading.Lock()
        self.seen: list[str] = []

    def active_faults(self, call: str, **_selection: Any) -> dict[str, Any]:
        with self._order:
            self.seen.append(call)
            active = self._hook(call)
            self.fired.update(active.keys())
            return active


def serve(bench: Bench, hook: Callable[[str], dict[str, Any]], **dials: Any) -> Hooked:
    """Another simulator, whose calls go by a hook."""
    hooked = Hooked(hook)
    bench.simulator.stop()
    bench.simulator = Simulator(now=bench.clock.now, faults=hooked, **dials).start()
    return hooked


def test_what_is_bought_is_requested_before_anything_is_triggered(bench: Bench) -> None:
    hooked = serve(bench, lambda _call: {}, generation_seconds=(3600.0, 3600.0))
    settings: dict[str, Any] = {"window_days": 5, "max_concurrent_reports": 3, "poll_interval": 60}
    first = bench.run("sales_ledger", "returns_report", max_wait=600, **settings)
    assert len(bench.bought()) == 3
    bench.clock.advance(3600)
    hooked.seen.clear()
    second = bench.run("sales_ledger", "returns_report", state=first.state, **settings)
    assert second.error is None
    assert hooked.seen[: hooked.seen.index("trigger")].count("detail") >= 3
    assert len(bench.bought()) == len(set(bench.bought())) == 8


def test_the_newest_window_is_triggered_first_then_the_lookback_then_the_backfill(bench: Bench) -> None:
    settings: dict[str, Any] = {"window_days": 5, "max_concurrent_reports": 1, "lookback_days": 5}
    first = bench.run("orders_report", end_date="2026-10-10", **settings)
    bought = len(bench.bought())
    bench.run("orders_report", end_date="2026-10-25", state=first.state, **settings)
    days = [(first_day, last_day) for _, _, first_day, last_day in bench.bought()[bought:]]
    assert days == [
        ("2026-10-21", "2026-10-25"),
        ("2026-10-06", "2026-10-10"),
        ("2026-10-11", "2026-10-15"),
        ("2026-10-16", "2026-10-20"),
    ]


def test_sellers_take_turns(bench: Bench) -> None:
    bench.restart(generation_seconds=(300.0, 300.0))
    names = ("acme", "bharat", "cipla", "dabur")
    sellers = [bench.seller(name) for name in names]
    bench.run("sales_ledger", sellers=sellers, window_days=5, max_concurrent_reports=4, poll_interval=20)
    bought = [seller for _, seller, _, _ in bench.bought()]
    assert [sorted(bought[start : start + 4]) for start in range(0, 16, 4)] == [sorted(names)] * 4


QUOTA = 3
GENERATION = 300.0


def test_an_api_that_takes_fewer_at_once_is_kept_busy_and_seldom_asked_in_vain(bench: Bench) -> None:
    def in_progress() -> int:
        since = bench.clock.now() - timedelta(seconds=GENERATION)
        return sum(trigger.at > since for trigger in bench.simulator.triggers)

    def hook(call: str) -> dict[str, Any]:
        return {"rate_limit": {}} if call == "trigger" and in_progress() >= QUOTA else {}

    hooked = serve(bench, hook, generation_seconds=(GENERATION, GENERATION))
    began = bench.clock.monotonic()
    output = bench.run("sales_ledger", window_days=1, poll_interval=20, end_date="2026-11-09")
    assert output.error is None
    windows = 40
    assert len(bench.bought()) == len(set(bench.bought())) == windows
    assert bench.simulator.most_in_progress == QUOTA
    assert hooked.fired["rate_limit"] <= 12
    assert bench.clock.monotonic() - began <= 1.25 * windows / QUOTA * GENERATION


def test_a_retry_after_longer_than_the_run_ends_it_well_with_one_call_per_seller(bench: Bench) -> None:
    refused = {"rate_limit": {"retry_after": 86_400}}
    hooked = serve(bench, lambda call: refused if call == "trigger" else {})
    began = bench.clock.monotonic()
    output = bench.run("sales_ledger", "returns_report", sellers=[bench.seller("acme"), bench.seller("bharat")])
    assert output.error is None
    assert {left.reason for left in output.tap.current_run.deferred} == {"the API asks to wait 86400 s"}
    assert len(output.tap.current_run.deferred) == 4
    assert hooked.seen.count("trigger") <= 4
    assert bench.clock.monotonic() - began < 60


def test_no_link_dies_while_it_waits(bench: Bench) -> None:
    bench.restart(generation_seconds=(60.0, 60.0), link_seconds=120.0)
    first = bench.run("sales_ledger", window_days=5, max_wait=30)
    bench.clock.advance(3600)
    second = bench.run("sales_ledger", window_days=5, state=first.state)
    assert second.error is None
    assert bench.simulator.calls["download", 403] == 0
    assert len(bench.bought()) == 4


def test_generation_times_that_were_learned_spare_calls_of_the_next_run(bench: Bench) -> None:
    bench.restart(generation_seconds=(900.0, 1000.0))
    settings: dict[str, Any] = {"window_days": 1, "poll_interval": 20}
    first = bench.run("sales_ledger", end_date="2026-10-12", **settings)
    before = bench.simulator.calls["detail", 200]
    bench.run("sales_ledger", state=first.state, end_date="2026-10-24", **settings)
    assert len(bench.bought()) == 24
    assert (bench.simulator.calls["detail", 200] - before) < 0.7 * before


def test_the_ledger_holds_no_secret_and_no_link(bench: Bench, tmp_path: Path) -> None:
    bench.restart({"fault": "dead_link", "every": 2}, {"fault": "failed", "every": 3})
    output = bench.run("sales_ledger", window_days=5, report_ledger=str(tmp_path / "ledger.db"))
    assert output.error is None
    text = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert bench.simulator.triggers[0].report_id.encode() in text
    assert len(bench.simulator.secrets) > 4
    for secret in (*bench.simulator.secrets, "x_secret_key", "http"):
        assert secret.encode() not in text


def test_without_its_database_nothing_more_is_bought_and_what_was_bought_is_in_the_state(
    bench: Bench, postgres: Postgres, postgres_url: str
) -> None:
    def hook(call: str) -> dict[str, Any]:
        if call == "trigger" and hooked.seen.count("trigger") == 2:
            postgres.stop()
        return {}

    hooked = serve(bench, hook, generation_seconds=(3600.0, 3600.0))
    settings: dict[str, Any] = {"window_days": 1, "max_concurrent_reports_per_seller": 2, "report_ledger": postgres_url}
    try:
        first = bench.run("sales_ledger", **settings)
    finally:
        postgres.start()
    assert isinstance(first.error, LedgerError)
    assert "nothing is bought without it" in str(first.error)
    assert "\n" not in str(first.error)
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        booked = {
            row.correlation_id for row in connection.execute(sa.text("select correlation_id from flipkart_reports"))
        }
    engine.dispose()
    assert {trigger.correlation_id for trigger in bench.simulator.triggers} <= booked
    pending = {report["report_id"] for report in first.partition("sales_ledger")["pending"]}
    assert pending == {trigger.report_id for trigger in bench.simulator.triggers}
    bench.clock.advance(4000)
    second = bench.run("sales_ledger", state=first.state, **settings)
    assert second.error is None
    assert len(bench.bought()) == len(set(bench.bought())) == 20


def test_a_report_whose_answer_was_lost_takes_no_slot_of_the_others(bench: Bench) -> None:
    bench.restart({"fault": "answer_lost", "nth": 3}, generation_seconds=(300.0, 300.0))
    output = bench.run("sales_ledger", window_days=5, max_concurrent_reports=2, poll_interval=20)
    assert output.error is None
    assert len(bench.bought()) == 5
    assert len(set(bench.bought())) == 4
    assert bench.simulator.most_in_progress <= 2 + 1  # the lost one, of which nobody can know when it ends
