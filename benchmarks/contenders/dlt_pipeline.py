# /// script
# requires-python = ">=3.10"
# dependencies = ["dlt[filesystem]==1.31.0", "requests"]
# ///
"""A dlt pipeline into JSON lines: it also normalises, and writes load packages to disk."""

from __future__ import annotations

import csv
import io
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
}

import dlt
from reports import Typing, read_config, requested_report

if TYPE_CHECKING:
    from collections.abc import Iterable


def records(config: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The file's rows."""
    typing = Typing(config)
    text = io.StringIO(requested_report(config).content.decode("utf-8-sig"), newline="")
    for row_number, row in enumerate(csv.DictReader(text), 1):
        yield typing.record(row, row_number)


def main() -> None:
    """Run the pipeline, and write what it loaded to standard output."""
    config = read_config()
    with tempfile.TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            "report",
            destination=dlt.destinations.filesystem(bucket_url=f"file://{folder}/out"),
            dataset_name="reports",
            pipelines_dir=f"{folder}/pipelines",
        )
        columns = {
            name: {"data_type": "decimal", "precision": 38, "scale": 10}
            for name, schema in config["schema"]["properties"].items()
            if "number" in schema["type"]
        }
        resource = dlt.resource(records(config), name=config["stream"], columns=columns, max_table_nesting=0)
        pipeline.run(resource, loader_file_format="jsonl")
        if config.get("show"):
            for path in sorted(Path(folder).glob(f"out/reports/{config['stream']}/*.jsonl")):
                sys.stdout.write(path.read_text())


if __name__ == "__main__":
    main()
