"""A first contact with two invented APIs, which differ from the documents, and with the documented one."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.simulator.profile import bundled_profile, profile_from
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from pathlib import Path

    from support.bench import Bench

STRANGE: dict[str, Any] = {
    "trigger": {"correlation_id": "refused", "rate": {"per": "seller", "triggers": 1, "seconds": 30}},
    "detail": {"link": "always_the_same", "expiry_minutes_east": 0},
    "download": {"needs_token": True, "link_seconds": 300},
    "report_types": {
        "orders_report": {
            "parameters": [{"from_date": "fromDate", "to_date": "toDate"}],
            "packing": {"format": "csv", "gzip": True},
            "tables": {
                "Orders": [
                    {"header": "Item Number", "kind": "id", "source": "order_item_id"},
                    {"header": "Placed On", "kind": "date"},
                    {"header": "Money", "kind": "amount"},
                ]
            },
        },
        "stranded_inventory_report": {"parameters": [{"warehouse_id": "warehouse_id"}]},
    },
}
ANOTHER: dict[str, Any] = {
    "detail": {"link": "always_new", "words": {"PROCESSING": "IN_QUEUE"}},
    "errors": {"shape": "message"},
    "headers": {"X-Request-Id": "{uuid}", "X-RateLimit-Remaining": "41"},
    "report_types": {
        "orders_report": {
            "parameters": [{"from_date": "start_date", "to_date": "end_date"}],
            "packing": {"format": "csv", "gzip": True},
            "generation_seconds": [40, 40],
        },
        "returns_report": {"parameters": [{}]},
        "unsellable_inventory_report": {
            "parameters": [{"warehouse_id": "warehouse_id", "from_date": "from_date", "to_date": "to_date"}]
        },
    },
}


class Contact:
    """The command against an API with a profile of its own."""

    def __init__(
        self, bench: Bench, folder: Path, capsys: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.bench = bench
        self._folder = folder
        self._capture = capsys
        monkeypatch.setattr(TapFlipkartReports, "clock", bench.clock)
        monkeypatch.setattr(TapFlipkartReports, "workers", 0)

    def meets(self, profile: dict[str, Any]) -> None:
        self.bench.restart(profile=profile_from(profile))

    def settings(self, *types: str, **settings: Any) -> dict[str, Any]:
        return self.bench.config(
            only_report_types=list(types),
            warehouse_ids=["blr_wfld"],
            report_ledger=str(self._folder / "ledger.db"),
            report_archive=str(self._folder / "archive"),
            end_date="2026-11-20",
            **settings,
        )

    def probe(self, settings: dict[str, Any], *options: str) -> tuple[int, dict[str, Any], str]:
        """Exit code, what was found, and what was told."""
        config = self._folder / "config.json"
        config.write_text(json.dumps(settings))
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["probe", "--config", str(config), "--yes", "--format", "json", *options])
        out, told = self._capture.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), json.loads(out or b"{}"), told.decode()


@pytest.fixture
def contact(
    bench: Bench, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Contact:
    return Contact(bench, tmp_path, capsysbinary, monkeypatch)


def outcomes(found: dict[str, Any]) -> dict[str, str]:
    return {each["topic"]: each["outcome"] for each in found["assumptions"]}


def words(found: dict[str, Any], topic: str) -> str:
    return "; ".join(next(each["seen"] for each in found["assumptions"] if each["topic"] == topic))


def test_the_documented_api_contradicts_nothing_and_the_next_run_adopts_what_was_bought(contact: Contact) -> None:
    settings = contact.settings("orders_report", "returns_report")
    code, found, told = contact.probe(settings)
    assert code == 0
    assert "2 reports would be bought" in told
    assert "contradicted" not in outcomes(found).values()
    assert outcomes(found)["parameters"] == outcomes(found)["correlation ids"] == "confirmed"
    assert found["settings"] == {}
    bought = len(contact.bench.bought())
    assert bought == 2
    code, _, told = contact.probe(settings)
    assert (code, len(contact.bench.bought())) == (0, bought)
    assert "0 reports would be bought" in told


def test_a_first_invented_api_is_found_out_and_the_settings_load_every_row(contact: Contact) -> None:
    contact.meets(STRANGE)
    settings = contact.settings("orders_report", "stranded_inventory_report")
    _, found, told = contact.probe(settings)
    result = outcomes(found)
    for topic in ("parameters", "correlation ids", "links and the token", "new links", "expiry", "columns", "limits"):
        assert result[topic] == "contradicted", (topic, told)
    assert "fromDate, toDate" in words(found, "parameters")
    assert "warehouse_id" in words(found, "parameters")
    assert "the same link came again after its end" in words(found, "new links")
    assert "gzip, text" in words(found, "packing")
    assert "Retry-After" in words(found, "limits")
    assert "Item Number, Placed On, Money" in words(found, "columns")
    assert found["settings"]["correlation_ids"] == "never"
    assert len(contact.bench.bought()) == 2
    merged = {**settings, **found["settings"], "start_date": "2026-11-01"}
    del merged["only_report_types"]
    output = contact.bench.run("orders_report", "stranded_inventory_report", **merged)
    assert output.error is None
    simulator = contact.bench.simulator
    asked = [trigger for trigger in simulator.triggers[2:] if trigger.identifier == "orders_report"]
    truth = [row for trigger in asked for row in simulator.rows("orders_report", "acme", trigger.parameters_by_meaning)]
    loaded = output.records("orders_report")
    assert len(loaded) == len(truth)
    assert [row["item_number"] for row in loaded] == [row["Item Number"].removeprefix("OI:") for row in truth]


def test_a_second_invented_api_is_found_out(contact: Contact) -> None:
    contact.meets(ANOTHER)
    settings = contact.settings("orders_report", "returns_report", "unsellable_inventory_report")
    code, found, _ = contact.probe(settings)
    assert code == 0
    result = outcomes(found)
    assert result["parameters"] == result["statuses"] == "contradicted"
    assert "start_date, end_date" in words(found, "parameters")
    assert "takes no parameters" in words(found, "parameters")
    assert "IN_QUEUE" in words(found, "statuses")
    assert result["new links"] == "confirmed"
    assert "X-RateLimit-Remaining: 41" in words(found, "members")
    overrides = found["settings"]["report_types"]
    assert overrides["returns_report"]["parameters"] == {}
    assert set(overrides["unsellable_inventory_report"]["parameters"]) == {"warehouse_id", "from_date", "to_date"}


def test_a_token_that_may_not_ask_for_reports_says_nothing_of_parameters(contact: Contact) -> None:
    settings = contact.settings("orders_report", sellers=[{"seller_id": "acme"}])
    _, found, _ = contact.probe(settings)
    assert "refused with 403" in found["findings"][0]["attempts"][0]["outcome"]
    assert outcomes(found)["parameters"] == "not seen"
    assert contact.bench.bought() == []


def test_nothing_is_bought_without_a_yes(
    contact: Contact,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(contact.settings("orders_report")))
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    with pytest.raises(SystemExit) as ended:
        main(["probe", "--config", str(config)])
    assert ended.value.code == 1
    assert contact.bench.bought() == []
    assert b"Buy it? [y/N] \n" in capsysbinary.readouterr().err  # within Meltano a person sees whole lines only


@pytest.mark.parametrize(
    ("settings", "options", "words"),
    [
        ({"report_ledger": None, "report_archive": None}, (), "probe needs report_ledger"),
        ({}, ("--seller", "nobody"), "--seller nobody is not one of the sellers"),
        ({}, ("--report-type", "mir_ledger"), "--report-type mir_ledger is not a selected report type"),
        ({"max_reports": 1}, (), "the probe would buy 2 reports, and max_reports allows 1"),
    ],
)
def test_a_probe_that_cannot_be_says_why_and_buys_nothing(
    contact: Contact, settings: dict[str, Any], options: tuple[str, ...], words: str
) -> None:
    code, _, told = contact.probe({**contact.settings("orders_report", "returns_report"), **settings}, *options)
    assert code == 2
    assert words in told
    assert contact.bench.bought() == []


def test_a_bundle_holds_no_secret_no_link_no_seller_and_no_report_id(contact: Contact, tmp_path: Path) -> None:
    contact.meets(STRANGE)
    path = tmp_path / "contact.zip"
    contact.probe(contact.settings("orders_report"), "--bundle", str(path))
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    files = {name: contents.pop(name) for name in list(contents) if name.startswith("files/")}
    texts = {name: content.decode() for name, content in contents.items()}
    assert set(texts) == {
        "bundle.txt",
        "findings.json",
        "verdict.json",
        "exchanges.json",
        "profile.json",
        "versions.json",
    }
    whole = "".join(texts.values())
    assert len(contact.bench.simulator.secrets) > 3
    hidden = [
        *contact.bench.simulator.secrets,
        "x_secret_key",
        "acme",
        *(each.report_id for each in contact.bench.simulator.triggers),
    ]
    assert [secret for secret in hidden if secret in whole] == []
    (file,) = files.values()
    lines = gzip.decompress(file).decode().splitlines()
    truth = contact.bench.simulator.rows(
        "orders_report", "acme", contact.bench.simulator.triggers[0].parameters_by_meaning
    )
    assert len(lines) == 1 + len(truth)
    assert [row["Item Number"] for row in truth if row["Item Number"].removeprefix("OI:") in lines] == []
    assert {each["call"] for each in json.loads(texts["exchanges.json"])} == {"token", "trigger", "detail", "download"}


def test_the_simulator_answers_by_a_bundles_profile_as_the_api_did(contact: Contact, tmp_path: Path) -> None:
    contact.meets(STRANGE)
    path = tmp_path / "contact.zip"
    _, first, _ = contact.probe(contact.settings("orders_report"), "--bundle", str(path))
    contact.bench.restart(profile=bundled_profile(path))
    (tmp_path / "ledger.db").unlink()
    for file in (tmp_path / "archive").rglob("*.json"):
        file.unlink()
    _, second, _ = contact.probe(contact.settings("orders_report"))
    assert outcomes(second) == outcomes(first)
    assert second["settings"] == first["settings"]
    header = first["findings"][0]["tables"][0]["header"]
    assert second["findings"][0]["tables"][0]["header"] == header
