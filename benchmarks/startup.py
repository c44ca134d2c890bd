"""How long the commands take that read nothing, beside the least tap the SDK allows.

uv run benchmarks/startup.py --rounds 15
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import measured, median, package_python, ratio, rounds_of, table

if TYPE_CHECKING:
    from measuring import Cost

HERE = Path(__file__).parent
COMMANDS = ("--discover", "--about", "--version")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        # One environment for both: the same SDK from the same files.
        python = package_python(Path(folder) / "environment", str(HERE.parent))
        taps = {"tap": [python, "-m", "tap_flipkart_reports"], "bare": [python, str(HERE / "contenders/sdk_bare.py")]}
        cases = {(name, option): [*command, option] for option in COMMANDS for name, command in taps.items()}
        for command in cases.values():
            measured(command)  # Python compiles what it sees first
        costs = rounds_of({case: lambda command=command: measured(command) for case, command in cases.items()}, rounds)
    lines = []
    for option in COMMANDS:
        tap, bare = costs["tap", option], costs["bare", option]
        figures: list[tuple[str, float]] = [("wall", ratio(tap, bare, _wall)), ("cpu", ratio(tap, bare, _cpu))]
        lines.append(
            [f"`{option}`", f"{median(tap, _wall) * 1000:.0f}", f"{median(bare, _wall) * 1000:.0f}"]
            + [f"{figure:.2f}" for _, figure in figures]
        )
    print(table(["command", "this tap, ms", "a bare SDK tap, ms", "wall x", "CPU x"], lines))


def _wall(cost: Cost) -> float:
    return cost.wall


def _cpu(cost: Cost) -> float:
    return cost.cpu


if __name__ == "__main__":
    main()
