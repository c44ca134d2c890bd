"""What the documents say of messages, defaults, metrics and costs is so."""

from __future__ import annotations

import ast
import re
from datetime import date, timedelta
from importlib.metadata import metadata
from typing import TYPE_CHECKING

import pytest
from support.programs import ROOT
from support.readme_tables import own_settings

from tap_flipkart_reports.adapters.database import SECONDS_AWAY
from tap_flipkart_reports.adapters.ledger_claims import CONFIRMED_SECONDS
from tap_flipkart_reports.adapters.ledger_database import LEASE_SECONDS
from tap_flipkart_reports.adapters.outages import PATIENCE_SECONDS
from tap_flipkart_reports.adapters.retries import MAX_TRIES
from tap_flipkart_reports.commands.coverage.concerns import WARN_DAYS
from tap_flipkart_reports.commands.probe_links import SHORT_LIFE
from tap_flipkart_reports.exceptions import MAX_NAMED
from tap_flipkart_reports.files.header_blocks import HEADER_ROWS
from tap_flipkart_reports.files.header_fit import SURE
from tap_flipkart_reports.files.sheets import HEAD_ROWS
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.planning.window_rules import due_windows, owed_windows
from tap_flipkart_reports.purchasing.outcomes import (
    DEAD_LINK_SECONDS,
    MAX_ATTEMPTS,
    MIN_DEAD_LINKS,
    MIN_NOT_FOUND,
    NOT_FOUND_SECONDS,
)
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.sync.metrics import ReportMetric
from tap_flipkart_reports.sync.state_spacing import MAX_SHARE, MIN_SECONDS
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.bench import Bench

PAGES = {path.name: path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}

GAP = "\N{HORIZONTAL ELLIPSIS}"


# Errors


def literals(path: Path) -> Iterator[str]:
    """The texts of a module, with an ellipsis where something is filled in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def quoted_errors() -> list[str]:
    """The messages that the page of errors quotes in the first column of its tables."""
    cells = re.findall(r"^\| ([^|]*`[^|]*) \|", PAGES["errors.md"], re.MULTILINE)
    return [quote for cell in cells for quote in re.findall(r"`([^`]*)`", cell) if " " in quote]


COMPOSED = {
    "… was tried 6 times": ("was tried …", "… times"),
    "… of its links were refused in … minutes … as were those of a report bought before it": (
        "… of its links were refused in … minutes",
        "as were those of a report bought before it",
    ),
    "Flipkart reports FAILED and gives no reason … 3 times over": (
        "Flipkart reports FAILED and gives no reason",
        "… times over",
    ),
    "line … has … cells, the header …": ("line …", "has … cell", ", the header …"),
    "line … has a single cell … a note, not a row": ("line …", "has a single cell … a note, not a row"),
    "line …, column …: … is not …": ("line …, column …", "… is not …"),
    "report_ledger … cannot be opened": ("report_ledger", "… cannot be opened"),
}
"""Messages that the tap puts together of several texts."""


@pytest.fixture(scope="module")
def messages() -> list[str]:
    package = ROOT / "tap_flipkart_reports"
    return [text for path in package.rglob("*.py") for text in literals(path)]


@pytest.mark.parametrize("quote", quoted_errors())
def test_every_message_that_the_page_of_errors_quotes_is_one_of_the_tap(quote: str, messages: list[str]) -> None:
    for text in COMPOSED.get(quote, (quote,)):
        parts = [re.escape(part.strip()) for part in re.split(rf"{GAP}|\d+", text)]
        assert any(re.search(".*".join(parts), message) for message in messages), text


# Figures


def stated_defaults() -> list[tuple[str, str]]:
    """Settings with a number in parentheses behind them, which is their default."""
    return re.findall(r"`([a-z_]+)`\s\((\d+)\)", "".join(PAGES.values()))


@pytest.mark.parametrize(("setting", "number"), stated_defaults())
def test_a_number_behind_a_setting_is_its_default(setting: str, number: str) -> None:
    assert own_settings()[setting]["default"] == int(number)


def test_a_first_run_is_said_to_ask_beyond_as_many_reports_as_the_setting_says() -> None:
    stated = set(re.findall(r"more than (\d+) reports", "".join(PAGES.values())))
    assert stated == {str(own_settings()["max_unconfirmed_reports"]["default"])}


FIGURES = [
    ("cost.md", "at most three times per window and run", MAX_ATTEMPTS, 3),
    ("cost.md", "five times in ten minutes", (MIN_NOT_FOUND, NOT_FOUND_SECONDS), (5, 600)),
    ("cost.md", "five fresh download links", MIN_DEAD_LINKS, 5),
    ("cost.md", "over fifteen minutes", DEAD_LINK_SECONDS, 900),
    ("cost.md", "older than ten seconds", CONFIRMED_SECONDS, 10),
    ("state.md", "at most one STATE per second", MIN_SECONDS, 1),
    ("state.md", "below a tenth of the run's output", MAX_SHARE, 0.1),
    ("state.md", "waits up to a minute for a restarting database", SECONDS_AWAY, 60),
    ("state.md", "under a lease of two minutes", LEASE_SECONDS, 120),
    ("many-sellers.md", "within two minutes elsewhere", LEASE_SECONDS, 120),
    ("errors.md", "was tried 6 times", MAX_TRIES, 6),
    ("errors.md", "waits up to ten minutes", PATIENCE_SECONDS, 600),
    ("records.md", "In the first 300 lines, each group of one to three rows", (HEAD_ROWS, HEADER_ROWS), (300, 3)),
    ("records.md", "nine tenths of its columns", SURE, 0.9),
    ("assumptions.md", "lives for less than 15 minutes", SHORT_LIFE, 900),
    ("monitoring.md", "the twenty with most failed windows", MAX_NAMED, 20),
    ("monitoring.md", "ends within 14 days", WARN_DAYS, 14),
]
"""Where a document states a figure, the words, the figure of the code, and what the words say."""


@pytest.mark.parametrize(("page", "words", "figure", "stated"), FIGURES)
def test_a_figure_in_words_is_that_of_the_code(page: str, words: str, figure: object, stated: object) -> None:
    assert words in " ".join(PAGES[page].split())
    assert figure == stated


@pytest.mark.parametrize("name", ["orders_report", "returns_report"])
def test_a_new_day_and_its_look_back_are_one_report_by_default(name: str) -> None:
    rule = REPORT_TYPES[name].rule
    yesterday, start = date(2026, 11, 20), date(2026, 1, 1)
    owed = owed_windows(rule, Coverage(bookmark=yesterday), start=start, newest=yesterday + timedelta(days=1))
    assert due_windows(rule, owed) == [Window(date(2026, 10, 22), date(2026, 11, 21))]


def test_every_key_ends_in_the_ordinal_of_the_row(bench: Bench) -> None:
    assert {stream.primary_keys[-1] for stream in bench.tap().streams.values()} == {"_row_ordinal"}


# Metrics


def test_the_page_of_monitoring_names_every_metric_and_no_other() -> None:
    names = re.findall(r"`((?:flipkart_report)?s?_[a-z_]+)`", PAGES["monitoring.md"])
    stated = {f"flipkart_reports{name}" if name.startswith("_") else name for name in names}
    assert stated == {metric.value for metric in ReportMetric}


def test_a_trigger_that_may_have_bought_twice_is_in_the_summary_and_in_the_metrics(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench.restart({"fault": "drop_connection", "call": "trigger"})
    bench.run("sales_ledger")
    assert "perhaps 1 more" in next(message for message in caplog.messages if message.startswith("In all: "))
    (point,) = (message for message in caplog.messages if '"flipkart_reports_perhaps_triggered"' in message)
    assert '"value":1,' in point


# Extras


def test_the_page_of_settings_names_every_extra_and_no_other() -> None:
    section = PAGES["settings.md"].partition("## Extras")[2].partition("##")[0]
    extras = set(metadata("tap-flipkart-reports").get_all("Provides-Extra") or ())
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == extras
