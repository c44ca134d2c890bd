"""What every contender does alike: the three calls, and cells to values by the tap's rules, one record at a time.

Written as a tap's author would, no slower than need be: the rules are those that Flipkart's files ask for, not every
spelling the tap knows.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NULLS = frozenset({"", "-", "na", "n/a", "#n/a", "not available", "not applicable", "nan"})
POLL_INTERVAL = 0.01


def read_config() -> dict[str, Any]:
    """The configuration file that the command line names last."""
    return json.loads(Path(sys.argv[-1]).read_text())


def requested_report(config: Mapping[str, Any]) -> requests.Response:
    """Trigger, poll and begin the download of a report.

    Args:
        config: `api_url`, `stream`, `from_date`, `to_date`.
    """
    session = requests.Session()
    session.headers["Authorization"] = "Bearer token"
    url = f"{config['api_url']}/reports"
    parameters = {"from_date": config["from_date"], "to_date": config["to_date"]}
    triggered = session.post(f"{url}/{config['stream']}", json={"parameters": parameters})
    triggered.raise_for_status()
    while True:
        detail = session.get(f"{url}/{triggered.json()['report_id']}/detail").json()
        if detail["status"] == "COMPLETED":
            break
        time.sleep(POLL_INTERVAL)  # noqa: TID251 - a contender has no clock of the tap's
    response = session.get(detail["location"], stream=True)
    response.raise_for_status()
    return response


# Cells


def text(cell: str) -> str | None:
    """A trimmed and unwrapped text."""
    cell = cell.strip()
    if cell.startswith('"""') and cell.endswith('"""'):
        cell = cell[3:-3]
    cell = cell.removeprefix("SKU:")
    return None if cell.lower() in NULLS else cell


def exact(cell: str) -> Decimal | None:
    """A number as it is printed."""
    value = text(cell)
    return None if value is None else Decimal(value.replace(",", ""))


def approximate(cell: str) -> float | None:
    """A number as a double."""
    value = text(cell)
    return None if value is None else float(value.replace(",", ""))


def day(cell: str) -> str | None:
    """A day; midnights are cut off, other times refused."""
    value = text(cell)
    return None if value is None else date.fromisoformat(value.removesuffix(" 00:00:00.0")).isoformat()


def converter(schema: Mapping[str, Any], number: Callable[[str], Any]) -> Callable[[str], Any]:
    """What makes values of a column's cells."""
    if "number" in schema["type"]:
        return number
    return day if schema.get("format") == "date" else text


class Typing:
    """Makes a record of a row.

    Args:
        config: `schema`, the stream's; `seller_id`, `from_date` and `to_date` for the record's own columns.
        number: what makes a number of a cell.
    """

    def __init__(self, config: Mapping[str, Any], number: Callable[[str], Any] = exact) -> None:
        properties = config["schema"]["properties"]
        self._columns = [
            (name, schema["title"], converter(schema, number))
            for name, schema in properties.items()
            if "title" in schema
        ]
        self._keys = [name for name, _, _ in self._columns if "null" not in properties[name]["type"]]
        self._hashed = "_row_hash" in properties
        self._names: list[tuple[str, str]] = []
        self._ordinals: dict[str, int] = {}
        self._origin = {
            "seller_id": config["seller_id"],
            "report_id": "R-1",
            "report_from_date": config["from_date"],
            "report_to_date": config["to_date"],
        }

    def record(self, row: Mapping[str, str], row_number: int) -> dict[str, Any]:
        """A record.

        Args:
            row: cells by header.
            row_number: from 1.
        """
        record: dict[str, Any] = {}
        unparsed: dict[str, str] = {}
        for name, header, convert in self._columns:
            try:
                record[name] = convert(row[header])
            except (ValueError, InvalidOperation):  # noqa: PERF203 - each cell is kept on its own
                record[name] = None
                unparsed[name] = row[header]
        for name in self._keys:
            record[name] = record[name] or "NA"
        record |= self._origin
        record["report_row_number"] = row_number
        record["_extra"] = None
        record["_unparsed"] = unparsed or None
        if self._hashed:
            record |= self._identity(row)
        return record

    def _identity(self, row: Mapping[str, str]) -> dict[str, Any]:
        """The hash of a row's cells, and its number among equal rows."""
        if not self._names:
            self._names = sorted((normalised(header) + "#1", header) for header in row)
        cells = ((name, text(row[header])) for name, header in self._names)
        pieces = (f"{name}={len(cell)}:{cell};" for name, cell in cells if cell is not None)
        row_hash = blake2b("".join(pieces).encode(), digest_size=16).hexdigest()
        self._ordinals[row_hash] = self._ordinals.get(row_hash, 0) + 1
        return {"_row_hash": row_hash, "_row_ordinal": self._ordinals[row_hash]}


def normalised(header: str) -> str:
    """A header's letters and digits."""
    return "".join(filter(str.isalnum, header.lower().replace("%", "percent")))
