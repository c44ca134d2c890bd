"""Whole lives: runs on some days, each of which may crash anywhere and be continued from any STATE before."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.bench import Bench
from support.clocks import Crash, FusedClock

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.exceptions import FlipkartReportsError
from tap_flipkart_reports.simulator import Faults, Simulator

if TYPE_CHECKING:
    from pathlib import Path

STREAMS = ("orders_report", "fbf_orders_report")
START = date(2026, 11, 1)
SETTINGS: dict[str, Any] = {
    "start_date": str(START),
    "end_date": "2027-12-31",
    "window_days": 4,
    "report_types": {"orders_report": {"lookback_days": 5}},
    "max_concurrent_reports": 3,
    "poll_interval": 30,
}


class Life:
    """What a target stores, run after run, and what was paid for it."""

    def __init__(self, capture: pytest.CaptureFixture[bytes], ledger: Path | None) -> None:
        self.bench = Bench(capture)
        self._capture = capture
        self._ledger: dict[str, Any] = {"report_ledger": str(ledger)} if ledger else {}
        self.states: list[dict[str, Any]] = [{}]
        self.state: dict[str, Any] = {}
        self.stored: set[str] = set()

    def run(self, *, fuse: int | None, faults: list[dict[str, Any]], stored: float, older: float | None) -> bool:
        """Run until the fuse is burnt; whether it got to its end.

        Args:
            fuse: looks at the clock.
            faults: what goes wrong.
            stored: the share of this run's STATE messages that the target has stored.
            older: the share of all STATE messages so far, if the target has lost later ones.
        """
        simulator = self.bench.simulator
        simulator.faults = Faults.parse(faults)
        tap = self.bench.tap(*STREAMS, state=self.state, **SETTINGS, **self._ledger)
        tap.clock = FusedClock(self.bench.clock, fuse)
        self._capture.readouterr()
        is_through = True
        try:
            tap.run()
        except FlipkartReportsError:
            pass
        except Crash:
            is_through = False
        lines = [json.loads(line) for line in self._capture.readouterr().out.splitlines()]
        self._bookmarks_only_rise([self.state, *(line["value"] for line in lines if line["type"] == "STATE")])
        ends = [number for number, line in enumerate(lines) if line["type"] == "STATE"]
        upto = len(lines) if is_through else 0 if not ends else ends[int(stored * len(ends))]
        self._store(list(lines[: upto + 1]))
        if older is not None:
            self.state = self.states[int(older * len(self.states))]
        return is_through

    def _store(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            if line["type"] == "STATE":
                self.states.append(line["value"])
                self.state = line["value"]
            elif line["type"] == "RECORD" and line["stream"] == "orders_report":
                self.stored.add(line["record"]["order_item_id"])

    @staticmethod
    def _bookmarks_only_rise(states: list[dict[str, Any]]) -> None:
        for stream in STREAMS:
            marks = [bookmark(state, stream) for state in states]
            assert marks == sorted(marks)

    def bought_twice(self) -> int:
        """Purchases of days that had been bought on the same day already."""
        seen: set[tuple[str, date, date]] = set()
        twice = 0
        for trigger in self.bench.simulator.triggers:
            first, last = (date.fromisoformat(trigger.parameters[name]) for name in ("from_date", "to_date"))
            on = trigger.at.astimezone(KOLKATA).date()
            days = {
                (trigger.identifier, on, first + timedelta(days=number)) for number in range((last - first).days + 1)
            }
            twice += bool(days & seen)
            seen |= days
        return twice

    def truth(self, upto: str) -> set[str]:
        """The orders there are."""
        days = {"from_date": str(START), "to_date": upto}
        return {
            row["order_item_id"].removeprefix("OI:") for row in self.bench.simulator.rows("orders_report", "acme", days)
        }


def bookmark(state: dict[str, Any], stream: str) -> str:
    partitions = state.get("bookmarks", {}).get(stream, {}).get("partitions", [{}])
    return str(partitions[0].get("replication_key_value", "")) if partitions else ""


FAULTS = st.lists(
    st.builds(
        lambda fault, nth: {"fault": fault, "nth": nth},
        st.sampled_from(["failed", "expired", "answer_lost", "dead_link"]),
        st.integers(1, 4),
    ),
    max_size=2,
    unique_by=lambda rule: str(rule["fault"]),
)
RUNS = st.lists(
    st.fixed_dictionaries(
        {
            "days": st.sampled_from([0, 0, 1, 3]),
            "fuse": st.none() | st.integers(1, 250),
            "faults": FAULTS,
            "stored": st.floats(0, 0.999),
            "older": st.none() | st.none() | st.floats(0, 0.999),
        }
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("with_ledger", [True, False], ids=["ledger", "state"])
@given(runs=RUNS)
@settings(
    max_examples=max(6, settings().max_examples // 20),
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_fails_or_crashes_each_day_is_covered_and_with_a_ledger_none_is_bought_twice(
    capsysbinary: pytest.CaptureFixture[bytes],
    tmp_path_factory: pytest.TempPathFactory,
    with_ledger: bool,  # noqa: FBT001 - the two ways of remembering
    runs: list[dict[str, Any]],
) -> None:
    ledger = tmp_path_factory.mktemp("life") / "ledger.db" if with_ledger else None
    life = Life(capsysbinary, ledger)
    life.bench.simulator.stop()
    life.bench.simulator = Simulator(
        now=life.bench.clock.now, generation_seconds=(0.0, 200.0), orders_per_day=2
    ).start()
    try:
        paid_for_nothing = 0
        for run in runs:
            life.bench.clock.advance(86_400 * run["days"])
            life.run(fuse=run["fuse"], faults=run["faults"], stored=run["stored"], older=run["older"])
            fired = life.bench.simulator.faults.fired
            paid_for_nothing += fired["failed"] + fired["expired"] + fired["answer_lost"] + fired["dead_link"]
            if with_ledger:
                # A crash between a trigger's call and its booking cannot be told from one before the call; there is
                # one thread, so one trigger at a time.
                paid_for_nothing += run["fuse"] is not None
                assert life.bought_twice() <= paid_for_nothing
        life.bench.clock.advance(86_400)
        for _ in range(2):  # a running month that was bought is read as it was bought, and by the next run to its end
            assert life.run(fuse=None, faults=[], stored=1.0, older=None)
        newest = (life.bench.clock.now().astimezone(KOLKATA).date() - timedelta(days=3)).isoformat()
        for stream in STREAMS:
            assert bookmark(life.state, stream) == newest
            (partition,) = life.state["bookmarks"][stream]["partitions"]
            assert set(partition) == {"context", "replication_key", "replication_key_value"}
        assert life.truth(newest) <= life.stored
    finally:
        life.bench.simulator.stop()
