"""The README's tables, made from the code. Run as a script it writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from tap_flipkart_reports.report_types import REPORT_TYPES, ReportTable
from tap_flipkart_reports.settings import CONFIG_JSONSCHEMA

README = Path(__file__).parent.parent / "README.md"

KINDS = {
    "days": "days",
    "month": "month",
    "whole_month": "whole month",
    "financial_year": "financial year",
    "snapshot": "snapshot",
}


def streams() -> str:
    """One line per stream."""
    lines = [
        "| stream | report | table | columns | key | windows | identifier and parameters |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{table.stream}` | {report_type.title} | {table.title} | {columns(table)} "
        f"| {', '.join(report_type.key_properties(table))} "
        f"| {KINDS[report_type.rule.kind.value]} | {report_type.basis} |"
        for report_type in REPORT_TYPES.values()
        for table in report_type.tables
    ]
    return "\n".join(lines)


def columns(table: ReportTable) -> str:
    """How many columns are known, and how well."""
    names, once = set(table.schema.properties), table.schema.seen_once
    known = [(names - once, "seen by several readers"), (names & once, "seen by one")]
    return ", ".join(f"{len(some)} {words}" for some, words in known if some) or "not published"


def settings() -> str:
    """One line per setting."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, schema in CONFIG_JSONSCHEMA["properties"].items():
        default = f"`{schema['default']}`" if "default" in schema else ""
        choices = [choice for choice in schema.get("enum", ()) if choice is not None]
        words = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
        secret = " Secret." if schema.get("secret") else ""
        lines.append(f"| `{name}` | {default} | {schema['description'].rstrip('.')}.{words}{secret} |")
    return "\n".join(lines)


TABLES = {"streams": streams, "settings": settings}


def section(text: str, name: str) -> str:
    """What stands between a table's marks."""
    match = re.search(rf"<!-- {name} -->\n(.*)<!-- /{name} -->", text, re.DOTALL)
    assert match is not None, f"README.md has no marks for {name}"
    return match[1].strip()


def main() -> None:
    """Write the tables."""
    text = README.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        made = f"<!-- {name} -->\n{table()}\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->\n.*<!-- /{name} -->", lambda _match, made=made: made, text, flags=re.DOTALL)  # type: ignore[misc]  # a default argument keeps the table
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
