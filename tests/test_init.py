"""A project for the first seller, made of some answers."""

from __future__ import annotations

import io
import json
import os
import pty
import stat
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import Distribution
from pathlib import Path

import pytest
import yaml
from support.programs import ROOT

from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.commands.init import installed_from
from tap_flipkart_reports.tap import TapFlipkartReports

SECRET = "canary-secret's \\ end"


def init(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str, secret: str = SECRET) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{secret}\n"))
    with pytest.raises(SystemExit) as ended:
        main(["init", "--folder", str(folder), *options])
    return int(ended.value.code or 0)


APP = ("--client-id", "my-app", "--seller-id", "acme", "--start-date", "2026-10-01")


def test_a_meltano_project_has_its_secret_in_env_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "project"
    options = ("--kind", "meltano", "--target", "target-duckdb", "--report-type", "sales_ledger")
    assert init(folder, monkeypatch, *APP, *options) == 0
    told = capsys.readouterr().err
    text = (folder / "meltano.yml").read_text()
    assert "canary" not in text + told
    assert "canary-secret" in (folder / ".env").read_text()
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    project = yaml.safe_load(text)
    (tap,) = project["plugins"]["extractors"]
    assert tap["config"]["start_date"] == "2026-10-01"
    assert tap["config"]["seller_id"] == "acme"
    assert tap["config"]["max_reports"] == 10
    assert tap["select"] == ["sales_ledger.*", "sales_ledger_cash_back.*"]
    assert {setting["name"] for setting in tap["settings"]} >= {"client_secret", "report_ledger", "batch_config"}
    plugin = yaml.safe_load((ROOT / "plugin.yml").read_text(encoding="utf-8"))
    commands = {name: (each.get("executable"), each["args"]) for name, each in plugin["commands"].items()}
    written = {name: (each.get("executable"), each["args"]) for name, each in tap["commands"].items()}
    assert written == commands
    assert project["plugins"]["loaders"][0]["pip_url"].endswith("duckdb==1.1.3")
    assert ".env" in (folder / ".gitignore").read_text().split()
    assert (folder / "output" / ".gitignore").read_text().split() == ["*", "!.gitignore"]
    assert "Nothing was bought" in told
    assert "meltano invoke tap-flipkart-reports:doctor" in told


def test_a_json_project_is_a_configuration_that_the_tap_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert init(tmp_path, monkeypatch, *APP, "--kind", "json", "--report-type", "orders_report") == 0
    monkeypatch.chdir(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["only_report_types"] == ["orders_report"]
    assert "client_secret" not in config
    assert "canary" in (tmp_path / ".env").read_text()


@pytest.mark.parametrize(
    ("record", "source"),
    [
        (None, "tap-flipkart-reports"),
        ({"url": "file:///home/asha/tap", "dir_info": {}}, "tap-flipkart-reports@file:///home/asha/tap"),
        ({"url": "file:///tmp/tap-1.whl", "archive_info": {}}, "tap-flipkart-reports@file:///tmp/tap-1.whl"),
        (
            {"url": "https://git.test/tap", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "tap-flipkart-reports@git+https://git.test/tap@abc",
        ),
    ],
    ids=["index", "folder", "wheel", "repository"],
)
def test_a_meltano_project_installs_the_tap_from_where_it_was_installed(
    tmp_path: Path, record: dict[str, object] | None, source: str
) -> None:
    """An unpublished name is anybody's: pip would install whatever a stranger puts there."""
    installed = tmp_path / "tap_flipkart_reports-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Name: tap-flipkart-reports\nVersion: 1\n")
    if record is not None:
        (installed / "direct_url.json").write_text(json.dumps(record))
    assert installed_from(Distribution.at(installed)) == source


def test_the_trial_needs_no_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert init(tmp_path, monkeypatch, "--kind", "json", "--trial") == 0
    assert not (tmp_path / ".env").exists()
    tap = TapFlipkartReports(config=json.loads((tmp_path / "config.json").read_text()))
    assert tap.settings.is_simulated


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kind", "json", *APP, "--report-type", "order_report"), "did you mean orders_report?"),
        (("--kind", "meltano", *APP, "--target", "target-duck"), "did you mean target-duckdb?"),
        (("--kind", "json", "--client-id", "my-app"), "--seller-id is needed"),
    ],
)
def test_a_wrong_answer_is_one_sentence_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    words: str,
) -> None:
    assert init(tmp_path, monkeypatch, *options) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_a_question_is_asked_again_after_a_wrong_answer(tmp_path: Path) -> None:
    app = ["n", "", "my-app", SECRET, "acme"]
    typed = ["jsonn", "json", *app, "01/10/2026", "2026-10-01", "order_report", "orders_report"]
    ours, theirs = pty.openpty()
    program = Path(sys.executable).with_name("flipkart-reports")
    with subprocess.Popen(
        [program, "init", "--folder", tmp_path], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)  # or reading would never end
        told = ""
        for answer in typed:
            while not told.endswith(": "):
                told += os.read(ours, 4096).decode()
            told += "\n"
            os.write(ours, f"{answer}\n".encode())
        with suppress(OSError):  # the other end is closed
            while True:
                told += os.read(ours, 4096).decode()
        assert process.wait(60) == 0
    os.close(ours)
    for words in (
        "'jsonn' is not one of meltano, json; did you mean json?",
        "an app has an id and a secret",
        "'01/10/2026' is not a date such as 2026-01-31",
        "'order_report' is not a report type; did you mean orders_report?",
    ):
        assert words in told
    config = json.loads((tmp_path / "config.json").read_text())
    assert (config["start_date"], config["only_report_types"]) == ("2026-10-01", ["orders_report"])


def test_a_project_that_is_there_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text("mine")
    assert init(tmp_path, monkeypatch, *APP, "--kind", "json") == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "config.json").read_text() == "mine"
    assert not (tmp_path / ".env").exists()
