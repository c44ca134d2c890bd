"""The README's tables and the settings in Meltano's definitions, made from the code; as a script it writes them."""

from __future__ import annotations

import re
from datetime import date
from textwrap import indent
from typing import TYPE_CHECKING, Any

import yaml

from support.books import Books
from support.column_tables import columns as columns_told
from support.column_tables import own_columns, relations
from support.programs import ROOT
from support.trials import trials_table, types_table
from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.commands.meltano_plugin import setting_lines
from tap_flipkart_reports.planning.assumptions import ASSUMPTIONS
from tap_flipkart_reports.report_types import REPORT_TYPES, UNIDENTIFIED
from tap_flipkart_reports.settings.values import CONFIG_JSONSCHEMA
from tap_flipkart_reports.simulator import Simulator
from tap_flipkart_reports.simulator.faults import listing
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from pathlib import Path

    from tap_flipkart_reports.planning.report_type import ReportTable

README = ROOT / "README.md"
ALL_TYPES = {**REPORT_TYPES, **UNIDENTIFIED}

KINDS = {
    "days": "days",
    "month": "month",
    "whole_month": "whole month",
    "financial_year": "financial year",
    "snapshot": "snapshot",
}


def sdk_settings() -> dict[str, dict[str, Any]]:
    """The settings that the SDK adds to every tap."""
    added: dict[str, dict[str, Any]] = {}
    TapFlipkartReports.append_builtin_config({"properties": added})
    return added


def own_settings() -> dict[str, dict[str, Any]]:
    """The tap's own settings."""
    return {name: schema for name, schema in CONFIG_JSONSCHEMA["properties"].items() if name not in sdk_settings()}


COVERED = {
    "days": "up to {days} days",
    "month": "a calendar month, the current one too",
    "whole_month": "a calendar month that is over",
    "financial_year": "a financial year, the current one too",
    "snapshot": "the stock of today",
}


def reports() -> str:
    """One line per report type: what a reader chooses by."""
    lines = ["| report | streams | one purchase covers | columns |", "|---|---|---|---|"]
    for report_type in ALL_TYPES.values():
        first, *others = report_type.tables
        more = f" and {len(others)} more" if others else ""
        covered = COVERED[report_type.rule.kind.value].format(days=report_type.rule.window_days)
        place = "one warehouse, " if report_type.per_warehouse else ""
        typed = "typed" if all(table.schema.properties for table in report_type.tables) else "as they come"
        lines.append(f"| {report_type.title} | `{first.stream}`{more} | {place}{covered} | {typed} |")
    return "\n".join(lines)


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
        for report_type in ALL_TYPES.values()
        for table in report_type.tables
    ]
    return "\n".join(lines)


def columns(table: ReportTable) -> str:
    """How many columns are known, and of which layouts."""
    if not table.schema.properties:
        return "not published"
    return f"{len(table.schema.properties)} ({', '.join(layout.name for layout in table.schema.layouts)})"


def layouts() -> str:
    """One line per layout of a table; tables of which one refers to the other's schema share lines."""
    lines = ["| stream | layout | columns | seen |", "|---|---|---|---|"]
    told: set[int] = set()
    for report_type in ALL_TYPES.values():
        for table in report_type.tables:
            if id(table.schema.properties) not in told:
                lines += [
                    f"| `{table.stream}` | {layout.name} | {len(layout.columns)} | {layout.seen} |"
                    for layout in table.schema.layouts
                ]
            told.add(id(table.schema.properties))
    return "\n".join(lines)


def settings() -> str:
    """One line per setting."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, schema in own_settings().items():
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


DEMO_ORDERS_PER_DAY = 8
"""What `api_url: simulator` gives each seller."""


def demo() -> dict[str, Any]:
    """The tap's settings in the README's first command."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (environment,) = [entry for entry in project["environments"] if entry["name"] == project["default_environment"]]
    config: dict[str, Any] = environment["config"]["plugins"]["extractors"][0]["config"]
    return config


def answer() -> str:
    """What the models print over the demo's warehouse, from the books of the simulator's sellers."""
    config = demo()
    lines = []
    with Simulator() as simulator:
        for seller in config["sellers"]:
            books = Books(
                simulator=simulator,
                seller_id=seller["seller_id"],
                first=date.fromisoformat(config["start_date"]),
                last=date.fromisoformat(config["end_date"]),
                closed=simulator.now().astimezone(KOLKATA),
                per_day=DEMO_ORDERS_PER_DAY,
            )
            settled, outstanding = sum(books.payouts().values()), sum(books.outstanding.values())
            lines.append((books.sold, books.returned, settled, outstanding, books.seller_id))
    headings = "".join(f" {name:>15}" for name in ("sold (Rs.)", "returned", "settled", "outstanding"))
    rows = [f"{'seller':<20}{headings}"]
    for *amounts, seller_id in sorted(lines, reverse=True):
        rows.append(f"{seller_id:<20}" + "".join(f" {amount:15,.2f}" for amount in amounts))
    return "\n".join(["```", *rows, "```"])


def meltano_settings() -> str:
    """The settings as Meltano wants them, the SDK's own included."""
    return "\n".join(setting_lines({**own_settings(), **sdk_settings()}))


def assumptions() -> str:
    """One line per assumption."""
    lines = ["| | assumed | source | how a probe finds out |", "|---|---|---|---|"]
    lines += [f"| {each.number} | {each.text} | {each.source} | {each.probe} |" for each in ASSUMPTIONS]
    return "\n".join(lines)


def of_file(path: Path) -> dict[str, str]:
    """The made parts of a file, by what marks them: `<!-- name -->` in Markdown, `# <name>` in YAML."""
    if path in PAGES:
        return {f"<!-- {name} -->": f"{table()}\n" for name, table in PAGES[path].items()}
    margin = "    " if path.name == "meltano.yml" else ""
    return {f"{margin}# <settings>": indent(f"{meltano_settings()}\n", margin)}


PAGES = {
    README: {"reports": reports, "answer": answer},
    ROOT / "docs" / "assumptions.md": {"assumptions": assumptions},
    ROOT / "docs" / "columns.md": {"relations": relations, "own columns": own_columns, "columns": columns_told},
    ROOT / "docs" / "models.md": {"answer": answer},
    ROOT / "docs" / "settings.md": {"settings": settings},
    ROOT / "docs" / "streams.md": {"streams": streams, "layouts": layouts},
    ROOT / "docs" / "simulator.md": {"faults": faults},
    ROOT / "docs" / "targets.md": {"targets": trials_table, "types": types_table},
}
FILES = (*PAGES, ROOT / "meltano.yml", ROOT / "plugin.yml")


def with_made_parts(path: Path) -> str:
    """The text of a file as it has to be."""
    text = path.read_text(encoding="utf-8")
    for mark, made in of_file(path).items():
        end = re.sub(r"(<!-- |# <)", r"\1/", mark)
        before, _, rest = text.partition(f"{mark}\n")
        _, found, after = rest.partition(f"{end}\n")
        assert found, f"{path.name} has no {mark} and {end}"
        text = f"{before}{mark}\n{made}{end}\n{after}"
    return text


def main() -> None:
    """Write the files."""
    for path in FILES:
        path.write_text(with_made_parts(path), encoding="utf-8")


if __name__ == "__main__":
    main()
