"""The tap against the simulator over real HTTP, in virtual time."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from support.access import access_to
from support.clocks import VirtualClock
from tap_flipkart_reports.exceptions import FlipkartReportsError
from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    import pytest

CATALOG_SETTINGS = ("report_types", "custom_reports", "object_columns", "use_singer_decimal")
"""What shapes the catalog."""


@cache
def _discovered(settings: str) -> str:
    """The catalog by some settings."""
    config = {"api_url": "simulator", "start_date": "2026-10-01", **json.loads(settings)}
    return TapFlipkartReports(config=config).catalog_json_text


@dataclass(kw_only=True)
class Output:
    """What a run wrote, and how it ended."""

    lines: list[dict[str, Any]]
    error: FlipkartReportsError | None = None
    tap: TapFlipkartReports = field(repr=False)

    def records(self, stream: str) -> list[dict[str, Any]]:
        return [line["record"] for line in self.lines if line["type"] == "RECORD" and line["stream"] == stream]

    def schemas(self, stream: str) -> list[dict[str, Any]]:
        return [line["schema"] for line in self.lines if line["type"] == "SCHEMA" and line["stream"] == stream]

    @property
    def states(self) -> list[dict[str, Any]]:
        return [line["value"] for line in self.lines if line["type"] == "STATE"]

    @property
    def state(self) -> dict[str, Any]:
        return self.states[-1]

    def partition(self, stream: str, seller: str = "acme") -> dict[str, Any]:
        partitions: list[dict[str, Any]] = self.state["bookmarks"][stream]["partitions"]
        return next(partition for partition in partitions if partition["context"]["seller_id"] == seller)


class Bench:
    """A simulator whose time is the tap's, and runs against it."""

    def __init__(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        self._capture = capsysbinary
        self.clock = VirtualClock()
        self.simulator = Simulator(now=self.clock.now).start()

    def restart(self, *faults: dict[str, Any], **dials: Any) -> None:
        """Another simulator, with faults or other dials."""
        self.simulator.stop()
        self.simulator = Simulator(now=self.clock.now, faults=Faults.parse(list(faults)), **dials).start()

    def config(self, **settings: Any) -> dict[str, Any]:
        return {
            **access_to(self.simulator, "acme"),
            "start_date": "2026-10-01",
            "end_date": "2026-10-20",
            **settings,
        }

    def seller(self, name: str) -> dict[str, str]:
        return {"seller_id": name, "refresh_token": self.simulator.refresh_token(name)}

    def tap(
        self, *streams: str, state: dict[str, Any] | None = None, catalog: dict[str, Any] | None = None, **settings: Any
    ) -> TapFlipkartReports:
        config = self.config(**settings)
        if catalog is None and streams:
            catalog = self.catalog(*streams, **settings)
        # The SDK writes into the state that it is given; a target would have stored it as it was.
        tap = TapFlipkartReports(config=config, state=deepcopy(state), catalog=catalog)
        tap.clock = self.clock
        tap.workers = 0  # where the clock only pretends to wait, time must not pass while a call is under way
        return tap

    def catalog(self, *streams: str, **settings: Any) -> dict[str, Any]:
        """Only these streams, all of them selected; the others cost time to set up."""
        shaping = {name: settings[name] for name in CATALOG_SETTINGS if name in settings}
        entries = json.loads(_discovered(json.dumps(shaping)))["streams"]
        return {"streams": [entry for entry in entries if entry["tap_stream_id"] in streams]}

    def run(
        self, *streams: str, state: dict[str, Any] | None = None, catalog: dict[str, Any] | None = None, **settings: Any
    ) -> Output:
        """One run of the tap, which sees only the streams named."""
        tap = self.tap(*streams, state=state, catalog=catalog, **settings)
        self._capture.readouterr()
        error = None
        try:
            tap.run()
        except FlipkartReportsError as failed:
            error = failed
        text = self._capture.readouterr().out
        return Output(lines=[json.loads(line, parse_float=Decimal) for line in text.splitlines()], error=error, tap=tap)

    def bought(self) -> list[tuple[str, str, str, str]]:
        """The triggers that were paid for: type, seller, first and last day."""
        return [
            (
                trigger.identifier,
                trigger.seller_id,
                trigger.parameters.get("from_date", ""),
                trigger.parameters.get("to_date", ""),
            )
            for trigger in self.simulator.triggers
        ]
