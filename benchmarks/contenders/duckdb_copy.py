# /// script
# requires-python = ">=3.10"
# dependencies = ["duckdb==2.0.0", "requests"]
# ///
"""A bound: duckdb's COPY from CSV to RECORD lines, with one thread.

Cells are trimmed, null markers are null, SKUs are unwrapped, days and amounts typed. It does less than the others: no
cell is ever kept in `_unparsed`, and decimals have a fixed number of digits.
"""

from __future__ import annotations

import shutil
import tempfile
from typing import Any

import duckdb
from reports import NULLS, read_config, requested_report


def quoted(text: str) -> str:
    """A literal."""
    return "'" + text.replace("'", "''") + "'"


def value(title: str, schema: dict[str, Any]) -> str:
    """The expression of a column's values."""
    column = '"' + title.strip().replace('"', '""') + '"'
    nulls = ", ".join(map(quoted, sorted(NULLS)))
    text = f"trim({column})"
    if title == "SKU":
        pattern = '^"""(SKU:)?(.*)"""$'
        text = f"regexp_replace({text}, '{pattern}', '\\2')"
    if "number" in schema["type"]:
        text = f"CAST({text} AS DECIMAL(18, 2))"
    elif schema.get("format") == "date":
        text = f"CAST(CAST({text} AS TIMESTAMP) AS DATE)"
    return f"CASE WHEN lower(trim({column})) IN ({nulls}) THEN NULL ELSE {text} END"


def main() -> None:
    """Copy the file."""
    config = read_config()
    with tempfile.NamedTemporaryFile("w+b", suffix=".csv") as spool:
        shutil.copyfileobj(requested_report(config).raw, spool, 2**20)
        spool.flush()
        properties = config["schema"]["properties"]
        own = {
            "seller_id": quoted(config["seller_id"]),
            "report_id": "'R-1'",
            "report_from_date": quoted(config["from_date"]),
            "report_to_date": quoted(config["to_date"]),
            "report_row_number": "row_number() OVER ()",
            "_row_ordinal": "1",
            "_extra": "NULL",
            "_unparsed": "NULL",
        }
        fields = ", ".join(
            f"'{name}': {own.get(name) or value(schema['title'], schema)}" for name, schema in properties.items()
        )
        connection = duckdb.connect()
        connection.execute("SET threads = 1")
        connection.execute(
            f"""COPY (
                SELECT 'RECORD' AS type, {quoted(config["stream"])} AS stream, {{{fields}}} AS record,
                       '2026-11-24T06:00:00+00:00' AS time_extracted
                FROM read_csv({quoted(spool.name)}, header = true, all_varchar = true, delim = ',', quote = '"',
                              escape = '"')
            ) TO '/dev/stdout' (FORMAT json)"""  # noqa: S608 - its own words
        )


if __name__ == "__main__":
    main()
