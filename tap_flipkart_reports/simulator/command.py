"""`flipkart-reports simulate`: the simulator as a server of its own."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from tap_flipkart_reports.simulator.faults import Faults
from tap_flipkart_reports.simulator.server import Simulator

if TYPE_CHECKING:
    from pathlib import Path

FAILED = 2


def serve(
    *,
    port: int,
    faults_path: Path | None,
    generation_seconds: tuple[float, float],
    orders_per_day: int,
    out: IO[str],
) -> int:
    """Serve until Ctrl-C.

    Args:
        port: on 127.0.0.1; 0 for a free one.
        faults_path: a fault script.
        generation_seconds: shortest and longest time a report takes.
        orders_per_day: about as many orders each seller gets.
        out: where the address is printed.

    Returns:
        The exit code: 0 after Ctrl-C, 2 when it cannot serve.
    """
    try:
        faults = Faults.load(faults_path) if faults_path is not None else Faults()
        simulator = Simulator(
            port=port, faults=faults, generation_seconds=generation_seconds, orders_per_day=orders_per_day
        )
    except ValueError as error:
        print(f"flipkart-reports: --faults {faults_path}: {error}", file=sys.stderr)  # noqa: T201 - its one sentence
        return FAILED
    except (OSError, OverflowError) as error:
        print(f"flipkart-reports: the simulator cannot be served: {error}", file=sys.stderr)  # noqa: T201 - the same
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
