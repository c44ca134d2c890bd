"""What columns cost that the schema does not have: time and memory of the tap as a report grows wider.

uv run benchmarks/columns.py --rows 50000 --rounds 3
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import partial

from measuring import measured, median, rounds_of, table
from report_files import write_sales
from rows import field_on

STREAM = "sales_ledger"
EXTRA = (0, 60, 120, 180)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        commands = {
            extra: stack.enter_context(
                field_on(partial(write_sales, extra_columns=extra), STREAM, arguments.rows)
            ).command("tap")
            for extra in EXTRA
        }
        cases = {extra: lambda command=command: measured(command) for extra, command in commands.items()}
        costs = rounds_of(cases, arguments.rounds)
    print(f"{STREAM}, {arguments.rows:,} rows, {arguments.rounds} rounds\n")
    lines, before = [], None
    for extra, runs in costs.items():
        cpu, peak = median(runs, lambda cost: cost.cpu), median(runs, lambda cost: cost.peak)
        step = f"{cpu - before:+.2f}" if before is not None else ""
        lines.append([f"60 and {extra}", f"{cpu:.2f}", step, f"{peak:.0f}"])
        before = cpu
    print(table(["columns", "CPU s", "more than the line above", "peak MB"], lines))


if __name__ == "__main__":
    main()
