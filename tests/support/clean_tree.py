"""A plugin of pytest: the session fails when it leaves files in the working tree.

Known caches apart, whatever git did not see before the first test and sees after the last was left by a test. Where
there is no git, or no repository, nothing is compared.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

CACHES = {"__pycache__", ".hypothesis", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".import_linter_cache", ".venv"}
NEW = ("?? ", "!! ")
"""How `git status` marks files that it does not track, and those that it ignores."""

BEFORE = pytest.StashKey[set[str]]()
LEFT = pytest.StashKey[list[str]]()


def untracked(folder: Path) -> set[str]:
    """Files and folders that git does not track, ignored or not."""
    command = ["git", "-c", "core.quotePath=false", "status", "--porcelain", "--untracked-files=all"]
    try:
        ended = subprocess.run(
            [*command, "--ignored=matching"], cwd=folder, capture_output=True, text=True, check=False, timeout=60
        )
    except FileNotFoundError:
        return set()
    paths = {line[len(NEW[0]) :] for line in ended.stdout.splitlines() if line.startswith(NEW)}
    return {path for path in paths if not CACHES & set(Path(path).parts) and path != "uv.lock"}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Look at the tree; of several processes only the one that hands out the tests does so."""
    if not hasattr(session.config, "workerinput"):
        session.config.stash[BEFORE] = untracked(session.config.rootpath)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look again."""
    if BEFORE in session.config.stash:
        before: set[str] = session.config.stash[BEFORE]
        left = sorted(untracked(session.config.rootpath) - before)
        session.config.stash[LEFT] = left
        if left and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name what was left."""
    for path in config.stash.get(LEFT, []):
        terminalreporter.write_line(f"FAILED the tests have left {path} in the working tree", red=True)
