from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from tap_flipkart_reports.adapters.processes import NOBODY, is_gone, new_folder, own_process_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = (
    "import sys, tempfile\n"
    "sys.path[:0] = sys.argv[2:]\n"
    "tempfile.tempdir = sys.argv[1]\n"
    "from tap_flipkart_reports.adapters.processes import new_folder, own_process_name\n"
    "print(own_process_name())\n"
    "print(new_folder('reports-'), flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which has named itself and made a folder."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path), *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def said(other: subprocess.Popen[str]) -> str:
    assert other.stdout is not None
    return other.stdout.readline().strip()


def test_a_process_that_lives_is_not_gone(other: subprocess.Popen[str]) -> None:
    assert not is_gone(own_process_name())
    assert not is_gone(said(other))


def test_a_process_that_was_killed_is_gone_even_before_its_parent_has_asked(other: subprocess.Popen[str]) -> None:
    name = said(other)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(name)
    assert other.wait() == -signal.SIGKILL
    assert is_gone(name)


def test_another_process_with_the_same_number_does_not_count() -> None:
    machine, pid, start = own_process_name().rsplit(" ", 2)
    assert is_gone(f"{machine} {pid} {int(start) - 1}")


def test_of_other_machines_and_of_systems_that_do_not_tell_nothing_is_certain() -> None:
    machine, pid, start = own_process_name().rsplit(" ", 2)
    assert not is_gone(f"another-{machine} {pid} {int(start) - 1}")
    assert not is_gone(f"{machine} {pid} {NOBODY}")


def test_the_folder_of_a_process_that_was_killed_is_removed_by_the_next_and_no_other(
    other: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    said(other)
    left = tmp_path / said(other).rpartition("/")[2]
    (left / "1-1.report").write_text("half a file")
    foreign = tmp_path / "reports-of-somebody-else"
    foreign.mkdir()
    mine = new_folder("reports-")
    assert left.exists()
    other.kill()
    other.wait()
    newest = new_folder("reports-")
    assert set(tmp_path.iterdir()) == {foreign, mine, newest}
