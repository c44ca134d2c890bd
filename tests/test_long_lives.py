"""Whole lives of every kind of window, with streams that are deselected, budgets, archives and two sellers.

`test_lives.py` crashes two report types at every moment; here more happens, to all kinds of report types.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.bench import Bench
from support.clocks import Crash, FusedClock

from tap_flipkart_reports.clock import KOLKATA, today
from tap_flipkart_reports.exceptions import FlipkartReportsError
from tap_flipkart_reports.planning.window_rules import WindowKind, cell_of, cells
from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.windows import DAY, Window

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.simulator.api import Trigger
    from tap_flipkart_reports.tap import TapFlipkartReports

START = date(2026, 11, 1)
SECONDS = 86_400
TABLES: dict[str, dict[str, str | None]] = {
    "orders_report": {"orders_report": None},
    "sales_ledger": {"sales_ledger": None, "sales_ledger_cash_back": "Cash Back Report"},
    "profit_and_loss": {"profit_and_loss": "SKU-level P&L", "profit_and_loss_orders": "Orders P&L"},
    "financial_year_ledger": {"financial_year_ledger": None, "financial_year_ledger_tds": "TDS"},
    "fbf_orders_report": {"fbf_orders_report": None},
    "orders_on_a_grid": {"orders_on_a_grid": None},
    "current_inventory_report": {"current_inventory_report": None},
    "stock_ledger": {"stock_ledger": None},
    "inventory_report": {"inventory_report": None},
    "mir_ledger": {"mir_ledger": None},
}
"""Streams by report type, with their tables' titles; at least one type of each kind of window."""

WORKBOOKS = dict.fromkeys(("sales_ledger", "profit_and_loss_report", "financial_year_ledger"), "xlsx")
SETTINGS: dict[str, Any] = {
    "start_date": str(START),
    "end_date": "2027-12-31",
    "window_days": 4,
    "report_types": {
        "orders_report": {"lookback_days": 5},
        "sales_ledger": {"lookback_days": 3},
        "profit_and_loss": {"identifier": "profit_and_loss_report"},
    },
    "custom_reports": [{"name": "orders_on_a_grid", "identifier": "fbf_orders_report", "window": "days"}],
    "warehouse_ids": ["del", "bil"],
    "max_concurrent_reports": 3,
    "poll_interval": 30,
    "report_timeout": 3600,
    "confirm_reports": 100_000,
}


class Life:
    """What a target stores, run after run, and what was paid for it."""

    def __init__(self, capture: pytest.CaptureFixture[bytes], folder: Path, drawn: dict[str, Any]) -> None:
        self.bench = Bench(capture)
        self._capture = capture
        self.tables = {stream: title for name in drawn["types"] for stream, title in TABLES[name].items()}
        self.sellers = ["acme", "bharat"][: drawn["sellers"]]
        self._settings = {**SETTINGS}
        if drawn["has_ledger"]:
            self._settings["report_ledger"] = str(folder / "ledger.db")
        if drawn["from_archive"] is not None:
            self._settings |= {"report_archive": str(folder / "archive"), "from_archive": drawn["from_archive"]}
        self.states: list[dict[str, Any]] = [{}]
        self.stored: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        self.bench.simulator.stop()
        self.bench.simulator = Simulator(
            now=self.bench.clock.now, generation_seconds=(0.0, 200.0), orders_per_day=1, file_format=WORKBOOKS
        ).start()

    @property
    def state(self) -> dict[str, Any]:
        """The last one that the target has stored."""
        return self.states[-1]

    def tap(self, streams: list[str], *, state: dict[str, Any], **more: Any) -> TapFlipkartReports:
        sellers = [self.bench.seller(name) for name in self.sellers]
        return self.bench.tap(*streams, state=state, sellers=sellers, **{**self._settings, **more})

    def live(self, run: dict[str, Any]) -> None:
        """A run in which things go wrong."""
        self.bench.clock.advance(SECONDS * run["days"])
        self.bench.simulator.faults = Faults.parse(run["faults"])
        streams = [stream for stream in self.tables if stream not in run["deselected"]] or list(self.tables)
        state = self.state if run["older"] is None else self.states[int(run["older"] * len(self.states))]
        self.run(self.tap(streams, state=state, **run["settings"]), state, fuse=run["fuse"], share=run["stored"])
        self.bench.simulator.faults = Faults()

    def run(
        self, tap: TapFlipkartReports, state: dict[str, Any], *, fuse: int | None = None, share: float = 1.0
    ) -> FlipkartReportsError | None:
        """Run a tap, and store a share of its STATE messages if it crashes, with the records before them."""
        tap.clock = FusedClock(self.bench.clock, fuse)
        self._capture.readouterr()
        began, error, is_through = self.bench.clock.monotonic(), None, True
        try:
            tap.run()
        except FlipkartReportsError as failed:
            error = failed
        except Crash:
            is_through = False
        assert self.bench.clock.monotonic() - began < SECONDS
        lines = [json.loads(line) for line in self._capture.readouterr().out.splitlines()]
        ends = [number for number, line in enumerate(lines) if line["type"] == "STATE"]
        upto = len(lines) if is_through else 0 if not ends else ends[int(share * len(ends))]
        self.states.append(state)
        for line in lines[: upto + 1]:
            if line["type"] == "STATE":
                _bookmarks_only_rise(self.state, line["value"])
                self.states.append(line["value"])
            elif line["type"] == "RECORD":
                self._store(line["stream"], line["record"])
        return error

    def _store(self, stream: str, record: dict[str, Any]) -> None:
        self.stored[stream, record["report_id"]].add(record["report_row_number"])
        if "snapshot_date" in record:
            trigger = next(one for one in self.bench.simulator.triggers if one.report_id == record["report_id"])
            assert record["snapshot_date"] == str(_day_of(trigger))

    def end(self) -> None:
        """What can be read is read by two runs; then days on which nothing goes wrong."""
        given_up: set[str] = set()
        for _ in range(3):
            self.bench.clock.advance(SECONDS)
            tap = self.tap(list(self.tables), state=self.state, given_up_reports=sorted(given_up))
            self.run(tap, self.state)
            given_up |= {failure.report_id for failure in tap.current_run.failures.all if failure.report_id}
        for _ in range(2):
            self.bench.clock.advance(SECONDS)
            bought = []
            for _ in range(2):
                tap = self.tap(list(self.tables), state=self.state, given_up_reports=sorted(given_up))
                assert self.run(tap, self.state) is None
                bought.append(len(self.bench.simulator.triggers))
            assert bought[0] == bought[1]

    def bought_twice(self) -> int:
        """Purchases of what had been bought on the same day already."""
        bought = Counter(
            (trigger.identifier, trigger.seller_id, json.dumps(trigger.parameters), _day_of(trigger))
            for trigger in self.bench.simulator.triggers
        )
        return bought.total() - len(bought)

    # The truth

    def check(self) -> None:
        """Everything is read that is owed, and nothing is left."""
        tap = self.tap(list(self.tables), state={})
        for stream in tap.current_run.wanted.selected_streams():
            newest = tap.settings.newest_day(stream.report_type, today=today(self.bench.clock))
            assert newest is not None
            for key in tap.current_run.wanted.partitions_of(stream.report_type):
                self._check(stream.name, stream.report_type, key.context, newest=newest)

    def _check(self, stream: str, report_type: ReportType, context: dict[str, Any], *, newest: date) -> None:
        bookmarks = self.state["bookmarks"].get(stream, {}).get("partitions", [])
        partition: dict[str, Any] = next((one for one in bookmarks if one["context"] == context), {})
        assert not {"pending", "unbought", "finished"} & set(partition), (stream, partition)
        rule, bookmark = report_type.rule, partition.get("replication_key_value")
        read = [
            trigger
            for trigger in self.bench.simulator.triggers
            if (trigger.identifier, trigger.seller_id) == (report_type.identifier, context["seller_id"])
            and trigger.parameters.get("warehouse_id") == context.get("warehouse_id")
            and self._is_read(stream, trigger)
        ]
        if rule.kind is WindowKind.SNAPSHOT:
            assert [_day_of(trigger) for trigger in read].count(newest) == 1
            assert bookmark == str(newest)
        elif rule.kind is WindowKind.DAYS:
            assert bookmark == str(newest)
            for number in range((newest - START).days + 1):
                day = newest - number * DAY
                bought = [_day_of(trigger) for trigger in read if _days_of(trigger).covers(Window(day, day))]
                assert max(bought) >= (today(self.bench.clock) if number < rule.lookback_days else START), (stream, day)
        else:
            owed = list(cells(rule, Window(cell_of(rule, START).first, newest)))
            assert bookmark == (str(owed[-1].last) if owed else None)
            assert set(owed) <= set(map(_days_of, read)), (stream, owed)

    def _is_read(self, stream: str, trigger: Trigger) -> bool:
        """Whether all rows of a report are stored; those of one that was not read are all absent."""
        rows = self.bench.simulator.rows(
            trigger.identifier, trigger.seller_id, trigger.parameters, table=self.tables[stream], as_of=trigger.at
        )
        return self.stored[stream, trigger.report_id] == set(range(1, len(rows) + 1))


def _bookmarks_only_rise(before: dict[str, Any], after: dict[str, Any]) -> None:
    for stream, member in before.get("bookmarks", {}).items():
        marks = {
            json.dumps(partition["context"]): partition.get("replication_key_value", "")
            for partition in after["bookmarks"].get(stream, {}).get("partitions", [])
        }
        for partition in member.get("partitions", []):
            mark = partition.get("replication_key_value", "")
            assert marks.get(json.dumps(partition["context"]), "") >= mark


def _day_of(trigger: Trigger) -> date:
    return trigger.at.astimezone(KOLKATA).date()


def _days_of(trigger: Trigger) -> Window:
    asked = trigger.parameters
    if "month" in asked:
        first = datetime.strptime(f"1 {asked['month']} {asked['year']}", "%d %B %Y").replace(tzinfo=KOLKATA).date()
        return Window(first, (first + 31 * DAY).replace(day=1) - DAY)
    return Window(*(date.fromisoformat(asked[name]) for name in ("from_date", "to_date")))


RUNS = st.lists(
    st.fixed_dictionaries(
        {
            "days": st.sampled_from([0, 0, 1, 2, 12]),
            "faults": st.lists(
                st.builds(
                    lambda fault, nth, times: {"fault": fault, "nth": nth, "times": times},
                    st.sampled_from(
                        ["failed", "expired", "expires", "answer_lost", "dead_link", "html_page", "never", "rate_limit"]
                    ),
                    st.integers(1, 4),
                    st.sampled_from([1, 1, 3, 30]),
                ),
                max_size=2,
                unique_by=lambda rule: str(rule["fault"]),
            ),
            "deselected": st.sets(st.sampled_from([stream for tables in TABLES.values() for stream in tables])),
            "older": st.none() | st.none() | st.floats(0, 0.999),
            "fuse": st.none() | st.none() | st.integers(1, 250),
            "stored": st.floats(0, 0.999),
            "settings": st.fixed_dictionaries(
                {}, optional={"max_reports": st.integers(1, 4), "max_wait": st.sampled_from([1, 60, 150])}
            ),
        }
    ),
    min_size=1,
    max_size=5,
)
LIVES = st.fixed_dictionaries(
    {
        "types": st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=2, unique=True).filter(
            lambda types: not {"orders_on_a_grid", "fbf_orders_report"} <= set(types)  # they share an identifier
        ),
        "sellers": st.sampled_from([1, 1, 2]),
        "has_ledger": st.booleans(),
        "from_archive": st.sampled_from([None, None, "always", "never"]),
        "runs": RUNS,
    }
)


@given(drawn=LIVES)
@settings(
    max_examples=max(8, settings().max_examples // 50),
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_happens_all_that_is_owed_is_read_in_the_end_and_nothing_is_left(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path_factory: pytest.TempPathFactory, drawn: dict[str, Any]
) -> None:
    life = Life(capsysbinary, tmp_path_factory.mktemp("life"), drawn)
    try:
        paid_for_nothing = 0
        for run in drawn["runs"]:
            life.live(run)
            paid_for_nothing += run["fuse"] is not None  # between a trigger's call and its booking nobody can tell
        life.end()
        life.check()
        if drawn["has_ledger"] and not any(run["faults"] for run in drawn["runs"]):
            assert life.bought_twice() <= paid_for_nothing
    finally:
        life.bench.simulator.stop()
