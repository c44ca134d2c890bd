"""What can be checked for nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from pathlib import Path

    from support.bench import Bench


class Clinic:
    """The command over the settings of a bench."""

    def __init__(
        self, bench: Bench, folder: Path, capture: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.bench, self.folder, self._capture = bench, folder, capture
        monkeypatch.setattr(TapFlipkartReports, "clock", bench.clock)
        monkeypatch.setattr(TapFlipkartReports, "workers", 0)
        self.settings = bench.config(
            report_ledger=str(folder / "ledger.db"),
            report_archive=str(folder / "archive"),
            only_report_types=["orders_report"],
        )

    def checks(self, **settings: Any) -> tuple[int, dict[str, list[tuple[str, str]]]]:
        config = self.folder / "config.json"
        config.write_text(json.dumps({**self.settings, **settings}))
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["doctor", "--config", str(config), "--format", "json"])
        found: dict[str, list[tuple[str, str]]] = {}
        for check in json.loads(self._capture.readouterr().out):
            found.setdefault(check["name"], []).append((check["health"], check["words"]))
        return int(ended.value.code or 0), found


@pytest.fixture
def clinic(
    bench: Bench, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Clinic:
    return Clinic(bench, tmp_path, capsysbinary, monkeypatch)


def test_what_is_well_is_said_and_nothing_is_bought(clinic: Clinic) -> None:
    code, found = clinic.checks()
    assert code == 0
    assert {name: checks[0][0] for name, checks in found.items()} == dict.fromkeys(
        ("settings", "tokens", "clock", "ledger", "archive", "disk", "next run"), "ok"
    )
    assert found["next run"][0][1].startswith("would buy 1 report,")
    assert clinic.bench.bought() == []


def test_a_refused_seller_is_named(clinic: Clinic) -> None:
    sellers = [*clinic.settings["sellers"], {"seller_id": "bharat", "refresh_token": "withdrawn"}]
    code, found = clinic.checks(sellers=sellers)
    assert code == 1
    assert found["tokens"][0][0] == "bad"
    assert "seller bharat" in found["tokens"][0][1]
    assert "withdrawn" not in json.dumps(found)
    assert found["tokens"][1] == ("ok", "1 seller with a good token")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "https://host.invalid"])
def test_an_api_that_cannot_be_reached_has_to_be_fixed(clinic: Clinic, address: str) -> None:
    code, found = clinic.checks(api_url=address)
    assert code == 1
    assert [health for health, _ in found["tokens"]] == ["bad"]


@pytest.mark.parametrize(("minutes", "way"), [(10, "behind"), (-10, "ahead of")])
def test_a_clock_that_is_wrong_is_found_out(clinic: Clinic, minutes: int, way: str) -> None:
    clock = clinic.bench.clock
    clinic.bench.simulator.now = lambda: clock.now() + timedelta(minutes=minutes)
    code, found = clinic.checks()
    assert code == 1
    assert found["clock"] == [("bad", f"this machine is 600 s {way} the server: set its clock")]


def test_a_ledger_and_an_archive_that_cannot_be_written_are_named(clinic: Clinic) -> None:
    (clinic.folder / "file").write_text("not a folder")
    code, found = clinic.checks(
        report_ledger=str(clinic.folder / "file" / "ledger.db"), report_archive=str(clinic.folder / "file")
    )
    assert code == 1
    assert found["archive"][0][0] == found["ledger"][0][0] == "bad"


def test_without_ledger_and_archive_the_risk_is_reported(clinic: Clinic) -> None:
    _, found = clinic.checks(report_ledger=None, report_archive=None)
    assert [found[name][0][0] for name in ("ledger", "archive")] == ["look", "look"]


@pytest.mark.parametrize(
    ("pip_url", "health"),
    [("target-duckdb==0.8.0 duckdb==1.1.3", "ok"), ("target-duckdb", "bad"), ("target-duckdb duckdb==1.5.6", "bad")],
)
def test_the_trap_of_duckdb_is_found_in_a_project(clinic: Clinic, pip_url: str, health: str) -> None:
    (clinic.folder / "meltano.yml").write_text(f"plugins: {{loaders: [{{name: target-duckdb, pip_url: {pip_url}}}]}}")
    _, found = clinic.checks()
    assert found["target"][0][0] == health
