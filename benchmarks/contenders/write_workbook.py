# /// script
# requires-python = ">=3.10"
# dependencies = ["openpyxl==3.1.5"]
# ///
"""A CSV to a workbook of one sheet: `write_workbook.py CSV WORKBOOK SHEET`. Amounts are numbers, all else is text."""

from __future__ import annotations

import csv
import re
import sys

import openpyxl

AMOUNT = re.compile(r"-?[0-9]{1,7}\.[0-9]{1,2}")


def main() -> None:
    """Write the workbook."""
    source, target, name = sys.argv[1:]
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(name)
    with open(source, encoding="utf-8", newline="") as file:  # noqa: PTH123 - a name from the command line
        for row in csv.reader(file):
            sheet.append([float(cell) if AMOUNT.fullmatch(cell) else cell for cell in row])
    book.save(target)


if __name__ == "__main__":
    main()
