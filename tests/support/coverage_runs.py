"""Some daily runs against the simulator that leave a bit of everything, for the coverage map; as a script its picture.

`python -m support.coverage_runs`, in `tests/`, draws docs/coverage.png anew; it needs Chromium.
"""

from __future__ import annotations

import io
import json
import tempfile
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.access import access_to
from support.clocks import VirtualClock
from tap_flipkart_reports.commands.coverage.cockpit import cockpit_of
from tap_flipkart_reports.commands.coverage.page import page
from tap_flipkart_reports.exceptions import WindowsFailedError
from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from tap_flipkart_reports.commands.coverage.cockpit import Cockpit

PICTURE = Path(__file__).parent.parent.parent / "docs" / "coverage.png"

STREAMS = ("orders_report", "returns_report", "sales_ledger", "settled_transaction_ledger", "stock_ledger")
SELLERS = ("acme", "bharat", "chirag", "divya")
MINUTE, HOUR = 60.0, 3600.0
START = datetime(2026, 11, 12, 2, 0, tzinfo=timezone.utc)
DAYS = 7
BUDGET = 40
"""Of the last day."""

FAULTS: dict[int, list[dict[str, Any]]] = {
    0: [
        {"fault": "failed", "identifier": "sales_ledger", "seller_id": "acme", "nth": 3},
        {"fault": "expired", "identifier": "orders_report", "seller_id": "bharat", "nth": 2},
    ],
    4: [{"fault": "failed", "identifier": "settled_transaction_ledger", "seller_id": "bharat", "times": 99}],
    6: [
        {"fault": "failed", "identifier": "settled_transaction_ledger", "seller_id": "bharat", "times": 99},
        {"fault": "never", "identifier": "orders_report", "seller_id": "divya", "nth": 3, "times": 2},
        {"fault": "zero_bytes", "identifier": "returns_report", "seller_id": "chirag"},
        {"fault": "extra_column", "header": "Gift wrap", "identifier": "orders_report", "seller_id": "acme"},
    ],
}
"""From which day on which calls go wrong: two reports fail once, one always, two are never ready,
one file is empty, and one has a new column."""

GENERATION = {
    "orders_report": (2 * MINUTE, 9 * MINUTE),
    "returns_report": (1 * MINUTE, 5 * MINUTE),
    "sales_ledger": (4 * MINUTE, 12 * MINUTE),
    "settled_transaction_ledger": (6 * MINUTE, 19 * MINUTE),
    "stock_ledger": (3 * MINUTE, 8 * MINUTE),
}


@dataclass(kw_only=True)
class Runs:
    """What the runs have left.

    Attributes:
        clock: their time.
        settings: their settings.
        catalog: which streams they read.
        state: of the last one.
        records: how many all of them have written.
        simulator: what they asked, stopped by now.
    """

    clock: VirtualClock
    settings: dict[str, Any]
    catalog: dict[str, Any]
    state: dict[str, Any] | None
    simulator: Simulator
    records: int = 0

    def tap(self, *, with_state: bool = True, **settings: Any) -> TapFlipkartReports:
        state = json.loads(json.dumps(self.state)) if with_state and self.state else None
        tap = TapFlipkartReports(config={**self.settings, **settings}, catalog=self.catalog, state=state)
        tap.clock = self.clock
        tap.workers = 0  # where the clock only pretends to wait, time must not pass while a call is under way
        return tap

    def cockpit(self, *, with_state: bool = True, **settings: Any) -> Cockpit:
        tap = self.tap(with_state=with_state, **settings)
        try:
            return cockpit_of(tap.current_run, has_state=with_state, clock=self.clock)
        finally:
            tap.close()


def make_runs(folder: Path) -> Runs:
    """Run once a day for some days; the last seller comes on the last of them, which has a budget."""
    clock = VirtualClock(START)
    with Simulator(now=clock.now, generation_seconds=GENERATION, orders_per_day=12) as simulator:
        settings: dict[str, Any] = {
            **access_to(simulator, *SELLERS),
            "start_date": "2026-09-01",
            "confirm_reports": 1000,
            "warehouse_ids": ["blr_wfld"],
            "report_ledger": str(folder / "ledger.db"),
            "window_days": 10,
            "lookback_days": 7,
            "max_concurrent_reports": 32,
            "max_concurrent_reports_per_seller": 16,
            "poll_interval": 30,
        }
        runs = Runs(clock=clock, settings=settings, catalog=_catalog(settings), state=None, simulator=simulator)
        for day in range(DAYS):
            clock.advance((START + timedelta(days=day) - clock.now()).total_seconds())
            if day in FAULTS:
                simulator.faults = Faults.parse(FAULTS[day])
            is_last = day == DAYS - 1
            own = {"max_reports": BUDGET, "max_wait": 3 * HOUR} if is_last else {"sellers": settings["sellers"][:-1]}
            runs.state = _run(runs, **own)
    return runs


def _catalog(settings: dict[str, Any]) -> dict[str, Any]:
    catalog: dict[str, Any] = json.loads(TapFlipkartReports(config=settings).catalog_json_text)
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if metadata["breadcrumb"] == []:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] in STREAMS
    return catalog


def _run(runs: Runs, **settings: Any) -> dict[str, Any]:
    """One run; the state its target has stored in the end."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(out), suppress(WindowsFailedError):  # one report always fails
        runs.tap(**settings).run()
    lines = out.buffer.getvalue().decode().splitlines()
    runs.records += sum('"type":"RECORD"' in line for line in lines)
    state: dict[str, Any] = json.loads([line for line in lines if '"type":"STATE"' in line][-1])["value"]
    return state


def main() -> None:
    """Draw the picture."""
    from support.chromium import browsing  # noqa: PLC0415 - who only makes the runs needs no browser

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = make_runs(folder)
        file = folder / "coverage.html"
        file.write_text(page(runs.cockpit(max_reports=BUDGET), made_at=runs.clock.now()), encoding="utf-8")
        PICTURE.parent.mkdir(exist_ok=True)
        with browsing(file, height=1560) as browser:
            worst = browser.find_element("css selector", "td.cell.is-trouble .failed-badge")
            browser.execute_script("arguments[0].closest('td').click()", worst)
            browser.save_screenshot(str(PICTURE))


if __name__ == "__main__":
    main()
