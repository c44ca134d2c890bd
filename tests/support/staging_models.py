"""The staging models of `transform/`, made from the streams' schemas; as a script it writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from support.programs import ROOT
from tap_flipkart_reports.planning.record_schema import record_schema
from tap_flipkart_reports.report_types import REPORT_TYPES, UNIDENTIFIED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tap_flipkart_reports.planning.report_type import ReportTable, ReportType

FOLDER = ROOT / "transform" / "models" / "staging"
UNIQUE = ROOT / "transform" / "tests" / "staging_rows_are_unique.sql"
TYPES = {
    "boolean": "boolean",
    "integer": "bigint",
    "number": "numeric(18, 4)",
    "date": "date",
    "date-time": "timestamp",
}
"""Column types of the models; everything else is text. Files have amounts with three decimals and more."""

RENAMED = {"stock_ledger"}
"""Streams whose columns nobody has published and the marts read: a variable of the package names them."""


def files() -> dict[Path, str]:
    """The text of every file, by its path."""
    known = (*REPORT_TYPES.values(), *UNIDENTIFIED.values())
    tables = [(report_type, table) for report_type in known for table in report_type.tables]
    made = {FOLDER / f"{_model(table)}.sql": _sql(report_type, table) for report_type, table in tables}
    return {**made, FOLDER / "_staging.yml": _yaml(tables), UNIQUE: _unique(tables)}


def _model(table: ReportTable) -> str:
    return f"stg_{table.stream}"


def _columns(report_type: ReportType, table: ReportTable) -> dict[str, Mapping[str, Any]]:
    """The columns of a record but the objects, which pass through as each target stores them."""
    properties: dict[str, Mapping[str, Any]] = record_schema(report_type, table)["properties"]
    return {name: schema for name, schema in properties.items() if "object" not in schema["type"]}


def _type(schema: Mapping[str, Any]) -> str:
    return TYPES.get(schema.get("format") or schema["type"][0], "text")


def _sql(report_type: ReportType, table: ReportTable) -> str:
    key = report_type.key_properties(table)
    group = list(_read_as_one(key))
    columns = ",\n".join(
        f"        {name!r}: {_type(schema)!r}" for name, schema in _columns(report_type, table).items()
    )
    more = f",\n    renamed=var('{table.stream}_columns')" if table.stream in RENAMED else ""
    return (
        f"{{{{ flipkart_reports.staged(\n    {table.stream!r},\n    key={list(key)},\n    read_as_one={group},\n"
        f"    columns={{\n{columns}\n    }}{more}\n) }}}}\n"
    )


def _read_as_one(key: tuple[str, ...]) -> Iterator[str]:
    """The columns whose rows one report holds all of: what its newest version lacks is gone.

    A window that keeps its first day is read again whole, and so are the rows that share a natural key. Windows of
    other tables begin where the bookmark says.
    """
    is_cut_alike = "_row_hash" not in key or bool({"report_from_date", "snapshot_date"} & set(key))
    return (name for name in key if is_cut_alike and not name.startswith("_row_"))


def _yaml(tables: list[tuple[ReportType, ReportTable]]) -> str:
    lines = ["# Made from the streams' schemas by tests/support/staging_models.py", "version: 2"]
    lines += ["sources:", "- name: flipkart", "  description: What the tap has loaded, as the target stores it"]
    lines += ["  schema: \"{{ var('flipkart_schema') or ('main' if target.type == 'duckdb' else 'flipkart') }}\""]
    lines += ["  tables:", *(f"  - name: {table.stream}" for _, table in tables), "models:"]
    lines += [line for report_type, table in tables for line in _model_lines(report_type, table)]
    return "\n".join(lines) + "\n"


def _model_lines(report_type: ReportType, table: ReportTable) -> Iterator[str]:
    key = ", ".join(report_type.key_properties(table))
    yield f"- name: {_model(table)}"
    yield f"  description: {json.dumps(f'{table.schema.description}. Key: {key}', ensure_ascii=False)}"
    yield "  columns:"
    yield "  - name: row_key"
    yield "    description: the columns of the key, joined"
    for name, schema in _columns(report_type, table).items():
        yield f"  - name: {name}"
        if "description" in schema:
            yield f"    description: {json.dumps(schema['description'], ensure_ascii=False)}"


def _unique(tables: list[tuple[ReportType, ReportTable]]) -> str:
    """One test for all streams: one by one they would take as long as everything else."""
    parts = [
        f"select '{table.stream}' as stream, row_key from {{{{ ref('{_model(table)}') }}}}\n"  # noqa: S608 - our names
        "group by row_key having count(*) > 1\n"
        for _, table in tables
    ]
    return "-- Made from the streams' schemas by tests/support/staging_models.py\n" + "union all\n".join(parts)


def main() -> None:
    """Write the files, and remove those of streams that are gone."""
    made = files()
    for path in FOLDER.glob("stg_*.sql"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
