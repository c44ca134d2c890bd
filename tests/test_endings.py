"""How the commands end: the exit code, and a sentence where a user, the target or the machine is the cause."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_command import SECONDS, SIDE, TAP, run, select, served, write_config

from tap_flipkart_reports.exceptions import (
    AnswerLostError,
    ArchiveError,
    CallError,
    FlipkartReportsError,
    LedgerError,
    MachineError,
    PipeClosedError,
    SettingsError,
    TokenStoreError,
)

WRONG_SETTINGS, FAILED, BROKEN = 2, 1, 3


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"start_date": "soon"}, WRONG_SETTINGS, "start_date is 'soon'"),
        ({"sellers": None}, FAILED, "1 window failed and will be requested again by the next run:"),
        (
            {"report_ledger": "/proc/no/ledger.db"},
            BROKEN,
            "cannot be opened: No such file or directory; check report_ledger",
        ),
        ({"max_reports": 1}, 0, "In all: 1 bought"),
    ],
    ids=["wrong settings", "failed windows", "broken ledger", "budget"],
)
def test_the_exit_code_says_whose_turn_it_is(tmp_path: Path, settings: dict[str, Any], code: int, words: str) -> None:
    with served() as simulator:
        catalog = select(tmp_path, write_config(tmp_path, simulator), "sales_ledger")
        config = write_config(tmp_path, simulator, **{"window_days": 31, **settings})
        ended = run([*TAP, "--config", str(config), "--catalog", str(catalog)])
    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["LOGLEVEL", "TAP_FLIPKART_REPORTS_LOGLEVEL"])
def test_a_log_level_that_is_none_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "verbose")
    ended = run([*TAP, "--about"])
    assert ended.returncode == WRONG_SETTINGS
    assert ended.stderr == f"the environment variable {name} is none of DEBUG, INFO, WARNING and ERROR\n"
    monkeypatch.setenv(name, "warning")
    assert run([*TAP, "--about"]).returncode == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError, WRONG_SETTINGS),
        (CallError, FAILED),
        (LedgerError, BROKEN),
        (TokenStoreError, BROKEN),
        (ArchiveError, BROKEN),
        (PipeClosedError, BROKEN),
        (MachineError, BROKEN),
    ],
)
def test_every_error_has_the_exit_code_of_its_kind(error: type[FlipkartReportsError], code: int) -> None:
    assert error("words").exit_code == code


def test_a_broken_token_store_is_not_a_call_that_failed() -> None:
    assert not issubclass(TokenStoreError, CallError)


def test_a_failed_call_carries_its_facts() -> None:
    error = AnswerLostError("trigger of x was tried twice", status=502, correlation_id="c-1")
    assert (error.status, error.correlation_id) == (502, "c-1")


@pytest.mark.parametrize("arguments", [[], ["--discover"], ["--version"]])
def test_a_tap_without_standard_output_says_so_and_buys_nothing(tmp_path: Path, arguments: list[str]) -> None:
    with served() as simulator:
        config = write_config(tmp_path, simulator)
        given = [] if arguments == ["--version"] else ["--config", str(config)]
        ended = run(["sh", "-c", 'exec "$@" >&-', "sh", *TAP, *given, *arguments])
        assert ended.returncode == BROKEN
        assert "standard output is closed" in ended.stderr
        assert "Traceback" not in ended.stderr
        assert simulator.triggers == []


@pytest.mark.parametrize("streams", ["2>&-", "<&- 2>&-"])
@pytest.mark.parametrize("command", [TAP, [*SIDE, "plan"]], ids=["tap", "plan"])
def test_without_standard_error_a_command_does_the_same(tmp_path: Path, command: list[str], streams: str) -> None:
    with served() as simulator:
        config = write_config(tmp_path, simulator)
        catalog = select(tmp_path, config, "sales_ledger")
        ended = run(
            ["sh", "-c", f'exec "$@" {streams}', "sh", *command, "--config", str(config), "--catalog", str(catalog)]
        )
        wrong = run(["sh", "-c", f'exec "$@" {streams}', "sh", *command, "--config", str(tmp_path)])
    assert ended.returncode == 0
    assert ended.stdout
    assert wrong.returncode == WRONG_SETTINGS


@pytest.mark.parametrize(
    "command",
    [[*SIDE, "plan"], [*SIDE, "coverage"], [*SIDE, "sellers"], [*TAP, "--discover"]],
    ids=lambda words: words[-1],
)
def test_names_that_the_terminal_cannot_show_are_escaped(tmp_path: Path, command: list[str]) -> None:
    config = write_config(tmp_path, api_url="simulator", sellers=[{"seller_id": "दुकान"}])
    ended = run([*command, "--config", str(config)], env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert ended.returncode == 0, ended.stderr
    assert "--discover" in command or "\\u0926" in ended.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(
    "command", [[*TAP], [*TAP, "--discover"], [*SIDE, "plan"], [*SIDE, "coverage"], [*SIDE, "--version"]]
)
def test_standard_output_on_a_full_disk_ends_in_a_sentence(tmp_path: Path, command: list[str]) -> None:
    with served() as simulator:
        config = write_config(tmp_path, simulator, max_reports=1)
        with Path("/dev/full").open("w") as full:
            ended = subprocess.run(
                [*command, "--config", str(config)],
                check=False,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=SECONDS,
            )
    assert ended.returncode == BROKEN
    assert "No space left on device; free space where standard output" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.mark.parametrize(
    "command", [[*SIDE, "plan"], [*SIDE, "plan", "--format", "json"], [*SIDE, "coverage"], [*TAP, "--discover"]]
)
def test_a_reader_that_has_seen_enough_ends_a_command_without_a_word(tmp_path: Path, command: list[str]) -> None:
    config = write_config(tmp_path, api_url="simulator", end_date=None, start_date="2024-01-01", window_days=1)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        ended = subprocess.run(
            [*command, "--config", str(config)],
            check=False,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
        )
    assert ended.returncode in {FAILED, 141}
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("ulimit -n 6", "allow more open files, or lower max_concurrent_reports"),
        ("export TMPDIR=/proc/no TEMP=/proc/no TMP=/proc/no", None),
    ],
    ids=["file descriptors", "temporary folder"],
)
def test_a_machine_that_refuses_ends_the_run_in_a_sentence(tmp_path: Path, limit: str, words: str | None) -> None:
    with served() as simulator:
        config = write_config(tmp_path, simulator, report_ledger=str(tmp_path / "ledger.db"), max_reports=8)
        ended = run(["sh", "-c", f'{limit}; exec "$@"', "sh", *TAP, "--config", str(config)])
    assert ended.returncode in ({FAILED, BROKEN} if words else {0})
    assert (words or "In all: 8 bought") in ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr
