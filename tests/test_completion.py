"""`flipkart-reports completion`: what the shells themselves make of the script."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.programs import of_the_system

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration  # shells

COMMANDS = {"authorize", "completion", "coverage", "plan", "repair", "replay", "sellers", "simulate", "token-key"}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("completion")
    made = {shell: folder / f"completion.{shell}" for shell in ("bash", "zsh", "fish")}
    for shell, path in made.items():
        command = [sys.executable, "-m", "tap_flipkart_reports.commands.cli", "completion", shell]
        path.write_text(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)
    return made


def run(*command: str, cwd: Path | None = None) -> str:
    ended = subprocess.run(
        [of_the_system(command[0]), *command[1:]], check=False, capture_output=True, text=True, timeout=60, cwd=cwd
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def in_bash(script: Path, *words: str, cwd: Path | None = None) -> set[str]:
    """What bash offers for the last word."""
    told = " ".join(f"'{word}'" for word in ("flipkart-reports", *words))
    program = (
        f"source {script}; COMP_WORDS=({told}); COMP_CWORD={len(words)}; "
        '_shtab_flipkart_reports; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return set(run("bash", "--norc", "-c", program, cwd=cwd).split())


def in_fish(script: Path, line: str) -> set[str]:
    """What fish offers at the end of a line."""
    offered = run("fish", "--no-config", "-c", f"source {script}; complete -C '{line}'")
    return {line.partition("\t")[0] for line in offered.splitlines()}


def test_bash_completes_commands_options_choices_and_files(scripts: dict[str, Path], tmp_path: Path) -> None:
    script = scripts["bash"]
    assert in_bash(script, "") >= COMMANDS
    assert in_bash(script, "cov") == {"coverage"}
    assert in_bash(script, "sellers", "--w") == {"--warn-days"}
    assert in_bash(script, "coverage", "--format", "") == {"table", "json"}
    (tmp_path / "state.json").touch()
    assert in_bash(script, "plan", "--state", "sta", cwd=tmp_path) == {"state.json"}


def test_fish_completes_commands_options_and_choices(scripts: dict[str, Path]) -> None:
    script = scripts["fish"]
    assert in_fish(script, "flipkart-reports ") >= COMMANDS
    assert in_fish(script, "flipkart-reports sellers --w") == {"--warn-days"}
    assert in_fish(script, "flipkart-reports coverage --format ") >= {"table", "json"}


def test_zsh_completes_at_the_press_of_tab(scripts: dict[str, Path], tmp_path: Path) -> None:
    """In a terminal of its own, as zsh completes nowhere else."""
    shutil.copy(scripts["zsh"], tmp_path / "_flipkart-reports")
    program = f"""
        zmodload zsh/zpty
        zpty shell 'TERM=dumb zsh -f -i'
        zpty -w shell "PS1=; fpath=({tmp_path} \\$fpath); autoload -Uz compinit; compinit -D -u; echo re''ady"
        zpty -r shell text '*ready*'
        zpty -w -n shell $'flipkart-reports cov\\t'
        zpty -r shell text '*coverage *'
        zpty -w -n shell $'--fo\\t'
        zpty -r shell text '*--format *'
        zpty -w -n shell $'j\\t'
        zpty -r shell text '*json *'
    """
    run("zsh", "-f", "-c", program)  # which waits for each of these words, and fails after a while
