# /// script
# requires-python = ">=3.10"
# dependencies = ["openpyxl==3.1.5", "requests", "simplejson"]
# ///
"""A workbook by openpyxl's read-only mode, with the same typing, to RECORD lines."""

from __future__ import annotations

import io
import sys

import openpyxl
import simplejson
from reports import Typing, read_config, requested_report


def main() -> None:
    """Write the records."""
    config = read_config()
    stream, typing = config["stream"], Typing(config)
    book = openpyxl.load_workbook(io.BytesIO(requested_report(config).content), read_only=True, data_only=True)
    rows = book.worksheets[0].iter_rows(values_only=True)
    header = next(rows)
    for row_number, values in enumerate(rows, 1):
        cells = ["" if value is None else str(value) for value in values]
        record = typing.record(dict(zip(header, cells, strict=True)), row_number)
        sys.stdout.write(simplejson.dumps({"type": "RECORD", "stream": stream, "record": record}) + "\n")


if __name__ == "__main__":
    main()
