"""`flipkart-reports simulate`: runs the simulator as a server."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, TypeVar

from tap_flipkart_reports.simulator.business.reports import IDENTIFIERS
from tap_flipkart_reports.simulator.faults import FORMATS, SELECTING, Faults, listing
from tap_flipkart_reports.simulator.profile import ApiProfile, bundled_profile, load_profile
from tap_flipkart_reports.simulator.server import Simulator, check_formats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FAILED = 2

_T = TypeVar("_T")


def fault_list() -> str:
    """All faults that a script may name, and the members of a rule."""
    rows = [("FAULT", "SPOILS", "MEMBERS", "WHAT IT DOES"), *listing()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]
    return "\n".join([*lines, "", f"A script is a JSON list of rules; a rule may have: {', '.join(SELECTING)}."])


def formats(words: Sequence[str]) -> dict[str, str]:
    """The file format of each report type, from words such as `xlsx` (for all) or `orders_report=csv` (for one).

    Raises:
        ValueError: a format or report type is unknown.
    """
    chosen = dict.fromkeys(IDENTIFIERS, FORMATS[0])
    for word in words:
        identifier, _, file_format = word.rpartition("=")
        chosen.update({identifier: file_format} if identifier else dict.fromkeys(IDENTIFIERS, file_format))
    try:
        check_formats(chosen)
    except ValueError as error:
        raise ValueError(f"--file-format: {error}") from error
    return chosen


def _profile(path: Path) -> ApiProfile:
    return bundled_profile(path) if path.suffix == ".zip" else load_profile(path)


def _loaded(load: Callable[[Path], _T], path: Path | None, *, option: str) -> _T | None:
    try:
        return None if path is None else load(path)
    except OSError as error:
        raise ValueError(f"{option} {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{option} {path}: {error}") from error


def _reason(error: OSError | OverflowError) -> str:
    return str((isinstance(error, OSError) and error.strerror) or error)


def serve(  # noqa: PLR0913 - one for each option of the command
    *,
    port: int,
    faults_path: Path | None,
    profile_path: Path | None = None,
    generation_seconds: tuple[float, float],
    file_formats: Sequence[str],
    layout: str,
    orders_per_day: int,
    out: IO[str],
) -> int:
    """Serve until Ctrl-C.

    Args:
        port: on 127.0.0.1; 0 for a free one.
        faults_path: a fault script.
        profile_path: differences from the documented API: a JSON profile, or a bundle.
        generation_seconds: shortest and longest time that a report takes.
        file_formats: formats of files, see `formats`.
        layout: the year whose layout the files have.
        orders_per_day: approximate number of orders per seller and day.
        out: the stream to which the address is printed.

    Returns:
        The exit code: 0 after Ctrl-C, 2 if it cannot serve.
    """
    try:
        simulator = Simulator(
            port=port,
            faults=_loaded(Faults.load, faults_path, option="--faults"),
            profile=_loaded(_profile, profile_path, option="--profile"),
            generation_seconds=generation_seconds,
            file_format=formats(file_formats),
            layout=layout,
            orders_per_day=orders_per_day,
        )
    except (OSError, OverflowError, ValueError) as error:
        words = error if isinstance(error, ValueError) else f"port {port} cannot be served: {_reason(error)}"
        print(f"flipkart-reports: {words}", file=sys.stderr)  # noqa: T201 - its one sentence
        return FAILED
    with simulator, suppress(KeyboardInterrupt):
        print(
            f"Serving on {simulator.url} until Ctrl-C. Settings: api_url {simulator.url}, "
            f"client_id {simulator.client_id}, client_secret {simulator.client_secret}, "
            f"refresh_token {simulator.refresh_token('acme')} (seller acme)",
            file=out,
            flush=True,
        )
        threading.Event().wait()
    return 0
