"""Processes beside this one: each with a log, a deadline and a process group that ends with its block."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_flipkart_reports.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

SECONDS_TO_STOP = 30

CLOCK = SystemClock()


def wait_for(what: str, condition: Callable[[], object], *, seconds: float, pause: float = 1.0) -> None:
    """Wait until something is so.

    Raises:
        SystemExit: it is not so in time.
    """
    deadline = CLOCK.monotonic() + seconds
    while not condition():
        if CLOCK.monotonic() > deadline:
            raise SystemExit(f"show.py: {what} did not come about within {seconds:.0f} s")
        CLOCK.sleep(pause)


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def is_open(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str], log: Path, seconds: float, cwd: Path | None = None
) -> None:
    """Run a command to its end.

    Raises:
        SystemExit: it fails, or takes too long.
    """
    with log.open("ab") as output:
        try:
            subprocess.run(command, env=env, cwd=cwd, stdout=output, stderr=output, timeout=seconds, check=True)  # noqa: S603 - commands of this script
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise SystemExit(f"show.py: {error}; see {log}") from None


@contextmanager
def started(command: Sequence[str | Path], *, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process, with a process group of its own that ends with the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output, start_new_session=True)  # noqa: S603 - commands of this script
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, number)
                try:
                    process.wait(SECONDS_TO_STOP)
                except subprocess.TimeoutExpired:
                    continue
