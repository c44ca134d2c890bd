"""The suite fails when a test leaves a file in the working tree."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from support.programs import ROOT, run, succeed

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.integration  # whole sessions of pytest

LEAVES = """
from pathlib import Path

def test_one():
    for path in {paths!r}:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text("left")

def test_two():
    pass
"""


def session(folder: Path, *paths: str, processes: str) -> subprocess.CompletedProcess[str]:
    """A session of pytest in a folder, one of whose tests leaves these files."""
    (folder / "pyproject.toml").write_text("")
    (folder / "test_leaving.py").write_text(LEAVES.format(paths=paths))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.clean_tree", "-n", processes]
    return run(command, cwd=folder, env={"PYTHONPATH": str(ROOT / "tests"), "GIT_CEILING_DIRECTORIES": "/"})


def test_files_that_are_left_fail_the_session_and_are_named(tmp_path: Path) -> None:
    succeed(["git", "init", "--quiet"], cwd=tmp_path)
    (tmp_path / ".gitignore").write_text("ignored/\n")
    ended = session(tmp_path, "left.jsonl", "ignored/left.jsonl", ".hypothesis/left", processes="2")
    assert "2 passed" in ended.stdout
    assert ended.returncode == 1
    left = [line.split()[5] for line in ended.stdout.splitlines() if "the tests have left" in line]
    assert left == ["ignored/", "left.jsonl"]


@pytest.mark.parametrize("is_a_repository", [True, False])
def test_caches_do_not_fail_it_and_neither_does_anything_outside_of_a_repository(
    tmp_path: Path,
    is_a_repository: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    if is_a_repository:
        succeed(["git", "init", "--quiet"], cwd=tmp_path)
    paths = [".hypothesis/left"] if is_a_repository else ["left.jsonl"]
    assert session(tmp_path, *paths, processes="0").returncode == 0
