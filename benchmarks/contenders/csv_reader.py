# /// script
# requires-python = ">=3.10"
# dependencies = ["requests"]
# ///
"""A bound: what csv.reader alone takes for the file, streamed to disk first; nothing is typed and nothing written."""

from __future__ import annotations

import csv
import shutil
import tempfile

from reports import read_config, requested_report


def main() -> None:
    """Read the rows."""
    with tempfile.NamedTemporaryFile("w+b") as spool:
        shutil.copyfileobj(requested_report(read_config()).raw, spool, 2**20)
        spool.flush()
        with open(spool.name, encoding="utf-8-sig", newline="") as file:  # noqa: PTH123 - a spool has a name, not a path
            for _row in csv.reader(file):
                pass


if __name__ == "__main__":
    main()
