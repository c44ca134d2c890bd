"""The words of `flipkart-reports`: help, versions, near misses, numbers, and what the commands say first and last."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.commands.options import COMMANDS, build_parser
from tap_flipkart_reports.commands.plan import Plan, table
from tap_flipkart_reports.commands.tables import counted
from tap_flipkart_reports.tap import TapFlipkartReports


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    out, err = capsys.readouterr()
    return int(exit_.value.code or 0), out, err


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"api_url": "simulator", "start_date": "2026-10-01", "end_date": "2026-10-05"}))
    return str(path)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_a_sentence_and_an_example_that_can_be_typed(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, out, _ = ended(capsys, name, "--help")
    assert code == 0
    sentence, example, _ = COMMANDS[name]
    assert " ".join(f"{sentence[0].upper()}{sentence[1:]}.".split()) in " ".join(out.split())
    assert f"flipkart-reports {name} {example}".rstrip() in out
    words = shlex.split(example.partition("|")[0].partition(">")[0])
    options = build_parser(dict.fromkeys(COMMANDS, lambda _options: 0)).parse_args([name, *words])
    assert options.run(options) == 0


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(capsys, "--version")
    assert code == 0
    assert out == f"flipkart-reports v{TapFlipkartReports.plugin_version}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plna"], "'plna' is not one of init, doctor, plan, repair"),
        (["plna"], "did you mean plan?"),
        (["plan", "--format", "jsn"], "did you mean json?"),
        (["completion", "fsh"], "did you mean fish?"),
        (["sellers", "--warn-days", "-1"], "'-1' is not a whole number from 0 to 3660"),
        (["sellers", "--warn-days", "1e9"], "'1e9' is not a whole number"),
        (["simulate", "--port", "99999"], "'99999' is not a whole number from 0 to 65535"),
        (["simulate", "--generation-seconds", "nan"], "'nan' is not a number of seconds"),
        (["simulate", "--generation-seconds", "inf"], "'inf' is not a number of seconds"),
        (["replay", "--from", "yesterday"], "'yesterday' is not a day such as 2026-10-31"),
    ],
)
def test_a_wrong_word_is_refused_with_what_would_be_right(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    code, _, err = ended(capsys, *arguments)
    assert code == 2
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stream", "sales_legder", "--from", "2026-10-01", "--to", "2026-10-02"], "did you mean sales_ledger?"),
        (
            ["--stream", "sales_ledger", "--from", "2026-10-01", "--to", "2026-10-02", "--seller", "defalt"],
            "did you mean default?",
        ),
    ],
)
def test_a_stream_or_seller_nobody_knows_is_refused_with_the_nearest(
    capsys: pytest.CaptureFixture[str], config: str, arguments: list[str], words: str
) -> None:
    code, out, err = ended(capsys, "repair", "--config", config, *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_a_plan_says_first_what_it_comes_to(capsys: pytest.CaptureFixture[str], config: str) -> None:
    _, out, _ = ended(capsys, "plan", "--config", config)
    assert out.splitlines()[0].endswith(" reports would be triggered.")
    path = Path(config)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"only_report_types": ["sales_ledger"]}))
    _, out, _ = ended(capsys, "plan", "--config", config)
    assert out.splitlines()[0] == "1 report would be triggered."


def test_a_page_that_is_written_is_said(capsys: pytest.CaptureFixture[str], config: str, tmp_path: Path) -> None:
    page = tmp_path / "coverage.html"
    code, out, err = ended(capsys, "coverage", "--config", config, "--html", str(page))
    assert (code, out) == (0, "")
    assert f"{page} is written" in err
    assert page.exists()


def test_one_is_singular() -> None:
    assert [counted(number, "report") for number in (0, 1, 2)] == ["0 reports", "1 report", "2 reports"]


def test_the_environment_has_the_variables_of_the_working_folders_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "TAP_FLIPKART_REPORTS_API_URL=simulator\nTAP_FLIPKART_REPORTS_START_DATE=2026-10-01\n"
        "TAP_FLIPKART_REPORTS_MAX_REPORTS=3\nTAP_FLIPKART_REPORTS_SELLER_ID=acme\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAP_")}
    environment["TAP_FLIPKART_REPORTS_SELLER_ID"] = "bharat"  # what is set already stays

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", *command]
        return subprocess.run(
            program, check=False, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment
        )

    plan = ("tap_flipkart_reports.commands.cli", "plan", "--config", "ENV")
    for command in (("tap_flipkart_reports", "--config=ENV", "--test"), plan):
        ended = run(*command)
        assert ended.returncode == 0, ended.stderr
        assert "bharat" in ended.stdout + ended.stderr
    (tmp_path / ".env").write_bytes(b"TAP_FLIPKART_REPORTS_API_URL=\xff\n")
    ended = run(*plan)
    assert ended.returncode == 2
    assert ".env in the working folder cannot be read: it is not UTF-8 text" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, None), (0.0, None), (5.0, "less than a minute."), (61.0, "about 1 minute."), (3600.0, "about 60 minutes.")],
)
def test_a_plan_says_how_long_it_takes_if_it_takes_any_time(seconds: float | None, words: str | None) -> None:
    told = [line for line in table(Plan(steps=(), expected_seconds=seconds)).splitlines() if "Expected time" in line]
    assert told == ([f"Expected time: {words}"] if words else [])
