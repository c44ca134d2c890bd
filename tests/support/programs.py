"""Programs as their users install them, each in an environment of its own: the tap's wheel, targets, Meltano."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parent.parent.parent
UV: tuple[str | Path, ...] = (sys.executable, "-m", "uv")
TAP = (sys.executable, "-m", "tap_flipkart_reports")
SECONDS = 240

TARGETS_PYTHON = f"3.{min(sys.version_info.minor, 13)}"
"""DuckDB 1.1.3, the only one with which target-duckdb loses no row, has no wheel for Python 3.14."""

SOURCES = ("tap_flipkart_reports", "schemas", "tests", "benchmarks", "docs", "orchestrate", "output", "transform")
FILES = (
    *("pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"),
    *("justfile", "hatch_build.py"),
    *("meltano.yml", "plugin.yml", "mkdocs.yml", ".env.example"),
)


def run(command: Sequence[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its exit code."""
    environment = {**os.environ, "UV_NO_PROGRESS": "1", **options.pop("env", {})}
    environment.pop("VIRTUAL_ENV", None)  # the tests' own is nobody else's
    options = {"capture_output": True, "text": True, "timeout": SECONDS, **options}
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(command, check=False, env=environment, **options)


def succeed(command: Sequence[str | Path], **options: Any) -> str:
    """Run a program that has to end well; what it printed."""
    ended = run(command, **options)
    assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def of_the_system(name: str) -> str:
    """Where a program of the system is: CI has all of them, a machine with python3 and pip alone may have none."""
    path = shutil.which(name)
    if path is None and "CI" not in os.environ:
        pytest.skip(f"{name} is not installed")  # the README asks a stranger for python3 and pip alone
    assert path is not None, f"CI has to install {name}"
    return path


def released(requirement: str) -> str:
    """A target or Meltano with the version that is known to work, or, in the nightly run, in its newest release."""
    return requirement.partition("==")[0] if "NEWEST" in os.environ else requirement


def install(
    folder: Path, *requirements: str | Path, python: str = sys.executable, overrides: Sequence[str] = ()
) -> Path:
    """A new environment with these packages, overrides in place of what they ask for; the folder of its programs."""
    succeed([*UV, "venv", "--quiet", "--python", python, folder])
    (folder / "overrides.txt").write_text("\n".join(overrides), encoding="utf-8")
    options: list[str | Path] = ["--quiet", "--python", folder, "--override", folder / "overrides.txt"]
    succeed([*UV, "pip", "install", *options, *requirements])
    return folder / "bin"


def check_out(folder: Path) -> Path:
    """A copy of this checkout to write into."""
    leftovers = shutil.ignore_patterns("__pycache__", "*.duckdb*", "*.jsonl")
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / name, ignore=leftovers)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder
