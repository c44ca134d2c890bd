"""Processes measured from outside, and ratios of rounds."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

UV = ("python3", "-m", "uv")

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
"""Without what changes Python's ways: PYTHONDONTWRITEBYTECODE alone doubles the time of every start."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a process took.

    Attributes:
        wall: seconds from start to end.
        cpu: seconds of CPU, its own and the kernel's for it.
        peak: the most memory it held at once, in MB of 1,000,000 bytes. Less than the measuring process's own some
            25 MB cannot be seen.
    """

    wall: float
    cpu: float
    peak: float


def measured(command: Sequence[str], *, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None) -> Cost:
    """Run a command to its end.

    Args:
        command: what to run.
        stdin: what it reads; by default nothing.
        stdout: where its output goes; by default nowhere.

    Raises:
        RuntimeError: it failed; what it said is in the error.
    """
    begun = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=stdin or subprocess.DEVNULL,
        stdout=stdout or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()[-20000:]}")
    return Cost(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak=usage.ru_maxrss * 1024 / 1e6)


def rounds_of(cases: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Every case once a round, so that what else the machine does meets them all alike.

    Args:
        cases: what to run, by name.
        rounds: how often.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in cases}
    for number in range(rounds):
        order = list(cases) if number % 2 == 0 else list(reversed(cases))
        for name in order:
            costs[name].append(cases[name]())
    return costs


def ratio(costs: Sequence[Cost], base: Sequence[Cost], figure: Callable[[Cost], float]) -> float:
    """The median of the ratios of each round's pair."""
    return statistics.median(figure(cost) / figure(other) for cost, other in zip(costs, base, strict=True))


def median(costs: Sequence[Cost], figure: Callable[[Cost], float]) -> float:
    """The median of the rounds."""
    return statistics.median(map(figure, costs))


def script_python(script: Path) -> str:
    """The interpreter of the environment that a script's own metadata describe, made if need be."""
    subprocess.run([*UV, "sync", "--quiet", "--compile-bytecode", "--script", str(script)], check=True)
    found = subprocess.run([*UV, "python", "find", "--script", str(script)], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def package_python(folder: Path, *requirements: str) -> str:
    """The interpreter of a new environment that holds some packages.

    Args:
        folder: where the environment is made.
        requirements: as pip takes them.
    """
    python = str(folder / "bin" / "python")
    subprocess.run([*UV, "venv", "--quiet", str(folder)], check=True)
    subprocess.run(
        [*UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *requirements], check=True
    )
    return python


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first hold figures."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
