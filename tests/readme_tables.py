"""The README's tables, made from the code. Run as a script it writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.settings import CONFIG_JSONSCHEMA
from tap_flipkart_reports.simulator.faults import listing

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
    lines = ["| stream | report | key | windows | identifier and parameters |", "|---|---|---|---|---|"]
    lines += [
        f"| `{report_type.name}` | {report_type.title} | {', '.join(report_type.key_properties)} "
        f"| {KINDS[report_type.rule.kind.value]} | {report_type.basis} |"
        for report_type in REPORT_TYPES.values()
    ]
    return "\n".join(lines)


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


def faults() -> str:
    """One line per fault of the simulator."""
    lines = ["| fault | spoils | members | what it does |", "|---|---|---|---|"]
    lines += [f"| `{name}` | {spoils} | {members} | {meaning} |" for name, spoils, members, meaning in listing()]
    return "\n".join(lines)


TABLES = {"streams": streams, "settings": settings, "faults": faults}


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
