"""BATCH files beside RECORD messages: CPU and memory of the tap, as ratios within one run.

uv run benchmarks/batches.py --rows 200000 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from measuring import measured, median, ratio, rounds_of, table
from report_files import write_sales
from rows import field_on

RECORDS = "RECORD messages"
ENCODINGS = {
    "BATCH, JSON lines with gzip": {"format": "jsonl", "compression": "gzip"},
    "BATCH, Parquet": {"format": "parquet", "compression": "none"},
}


def batching(command: list[str], folder: Path, encoding: dict[str, str]) -> list[str]:
    """The tap's command with BATCH files in a folder.

    Args:
        command: the tap's.
        folder: where the files go.
        encoding: of the files.
    """
    folder.mkdir()
    config = Path(command[command.index("--config") + 1])
    document = json.loads(config.read_text())
    document["batch_config"] = {"encoding": encoding, "storage": {"root": folder.as_uri()}}
    changed = config.with_name(f"{encoding['format']}.json")
    changed.write_text(json.dumps(document))
    return [str(changed) if argument == str(config) else argument for argument in command]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as name,
        field_on(write_sales, "sales_ledger", arguments.rows) as field,
    ):
        commands = {RECORDS: field.command("tap")}
        for words, encoding in ENCODINGS.items():
            commands[words] = batching(commands[RECORDS], Path(name) / encoding["format"], encoding)
        cases = {words: lambda command=command: measured(command) for words, command in commands.items()}
        costs = rounds_of(cases, arguments.rounds)
    print(f"sales_ledger, {arguments.rows:,} rows, {arguments.rounds} rounds\n")
    lines = [
        [
            words,
            f"{median(runs, lambda cost: cost.cpu):.1f}",
            f"{ratio(runs, costs[RECORDS], lambda cost: cost.cpu):.2f}",
            f"{median(runs, lambda cost: cost.peak):.0f}",
        ]
        for words, runs in costs.items()
    ]
    print(table(["what is written", "CPU s", "CPU x", "peak MB"], lines))


if __name__ == "__main__":
    main()
