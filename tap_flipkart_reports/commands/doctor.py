"""`flipkart-reports doctor`: everything that can be checked without buying anything, on one screen."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_flipkart_reports.adapters.exchanges import ExchangeLog
from tap_flipkart_reports.commands.plan import ADOPT, ARCHIVE, plan_run
from tap_flipkart_reports.commands.sellers import VALID, check_sellers
from tap_flipkart_reports.commands.tables import aligned, counted
from tap_flipkart_reports.exceptions import FlipkartReportsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from tap_flipkart_reports.sync.run import Run

WARN_DAYS = 14
"""Left of a seller's consent."""

LARGEST_OFFSET = 120.0
"""Seconds between the clocks of this machine and of the server; tokens and look-backs bear so much."""

_PIN = re.compile(r"duckdb\s*==\s*([0-9.]+)")
_LAST_GOOD_DUCKDB = (1, 1, 3)

MELTANO = "meltano.yml"


class Health(Enum):
    """How a check has ended."""

    GOOD = "ok"
    DOUBTFUL = "look"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: what.
        health: how it ended.
        words: what was found, and what to do about it.
    """

    name: str
    health: Health
    words: str

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "health": self.health.value}


def diagnose(run: Run, *, folder: Path) -> list[Check]:
    """Check everything that costs nothing.

    Args:
        run: the run that the settings make.
        folder: where the command runs; a Meltano project there is looked at.
    """
    run.services.exchanges = ExchangeLog(clock=run.clock, token_path=urlsplit(run.services.auth_url).path)
    looks: list[tuple[str, Callable[[], Iterator[Check]]]] = [
        ("settings", lambda: _settings(run)),
        ("tokens", lambda: _tokens(run)),
        ("clock", lambda: _clock(run)),
        ("ledger", lambda: _ledger(run)),
        ("archive", lambda: _archive(run)),
        ("disk", lambda: _disk(run)),
        ("target", lambda: _target(folder)),
        ("next run", lambda: _next_run(run)),
    ]
    return [check for name, look in looks for check in _looked(name, look)]


def _looked(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(look())
    except FlipkartReportsError as error:
        return [Check(name=name, health=Health.BAD, words=str(error))]


def _good(name: str, words: str) -> Check:
    return Check(name=name, health=Health.GOOD, words=words)


def _doubtful(name: str, words: str) -> Check:
    return Check(name=name, health=Health.DOUBTFUL, words=words)


def _bad(name: str, words: str) -> Check:
    return Check(name=name, health=Health.BAD, words=words)


def _settings(run: Run) -> Iterator[Check]:
    sellers, reports = len(run.settings.sellers), len(run.wanted.streams_by_report())
    if not reports:
        yield _bad("settings", "the catalog selects no report type, so a run has nothing to do: select some")
        return
    yield _good("settings", f"{counted(sellers, 'seller')}, {counted(reports, 'report type')}")


def _tokens(run: Run) -> Iterator[Check]:
    checks = check_sellers(run.services.tokens, api=run.services.api, clock=run.clock, warn_days=WARN_DAYS)
    for check in checks:
        if check.status != VALID:  # refused, or no answer: a run would fail here, too
            yield _bad("tokens", f"seller {check.seller_id}: {check.note}")
        elif check.is_due:
            yield _doubtful("tokens", f"seller {check.seller_id}: {check.note or 'consent ends soon'}")
    good = sum(check.status == VALID and not check.is_due for check in checks)
    if good:
        yield _good("tokens", f"{counted(good, 'seller')} with a good token")


def _clock(run: Run) -> Iterator[Check]:
    log = run.services.exchanges
    dates = [(each.headers.get("Date"), each.at) for each in (log.exchanges() if log is not None else [])]
    offsets = [offset for text, at in dates if (offset := _offset(text, at)) is not None]
    if not offsets:
        yield _doubtful("clock", "the server sent no time, so this machine's clock could not be compared")
    elif abs(worst := max(offsets, key=abs)) > LARGEST_OFFSET:
        way = "ahead of" if worst > 0 else "behind"
        yield _bad("clock", f"this machine is {abs(worst):.0f} s {way} the server: set its clock")
    else:
        yield _good("clock", f"within {max(1.0, abs(worst)):.0f} s of the server's")


def _offset(text: str | None, at: datetime) -> float | None:
    """Seconds by which this machine's clock is ahead of a server's `Date`."""
    try:
        server_time = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return (at - server_time).total_seconds() if server_time.tzinfo is not None else None


def _ledger(run: Run) -> Iterator[Check]:
    ledger = run.services.ledger
    if ledger is None:
        yield _doubtful("ledger", "none: a run that is killed may buy reports again, which report_ledger would prevent")
        return
    partitions = len(ledger.latest_days())
    yield _good("ledger", f"answers; it knows purchases of {counted(partitions, 'partition')}")


def _archive(run: Run) -> Iterator[Check]:
    archive = run.services.archive
    if archive is None:
        yield _doubtful("archive", "none: a lost state is bought again, which report_archive would prevent")
        return
    archive.check_writable()
    yield _good("archive", "can be written and read")


def _disk(run: Run) -> Iterator[Check]:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    needed = run.settings.max_file_bytes
    words = f"{free / 2**30:.1f} GiB free for downloads"
    if free < needed:
        yield _doubtful("disk", f"{words}, and a file may have {needed / 2**30:.1f} GiB (max_file_bytes)")
    else:
        yield _good("disk", words)


def _target(folder: Path) -> Iterator[Check]:
    """The traps of targets that a Meltano project here may have (docs/targets.md)."""
    project = folder / MELTANO
    if not project.is_file():
        return
    text = project.read_text(encoding="utf-8", errors="replace")
    if "target-duckdb" in text:
        pins = [tuple(int(part) for part in pin.split(".") if part) for pin in _PIN.findall(text)]
        if not any(pin <= _LAST_GOOD_DUCKDB for pin in pins):
            yield _bad(
                "target", "target-duckdb drops rows with any duckdb newer than 1.1.3: pin duckdb==1.1.3 in pip_url"
            )
        else:
            yield _good("target", "target-duckdb has the pin that it needs")
    if "target-csv" in text:
        yield _doubtful("target", "target-csv overwrites its files on every run: give each run a file of its own")


def _next_run(run: Run) -> Iterator[Check]:
    plan = plan_run(run.wanted, run.services.ledger)
    document = plan.document()
    bought, again = document["triggers"], document["bought_again"]
    there = sum(step.action in {ADOPT, ARCHIVE} for step in plan.steps)
    words = f"would buy {counted(bought, 'report')}, and read {there} that were bought before"
    if again:
        yield _doubtful("next run", f"{words}; {again} of them are for days that were bought before")
    else:
        yield _good("next run", words)


# What is shown

COLOURS = {Health.GOOD: "32", Health.DOUBTFUL: "33", Health.BAD: "31"}
"""Of a terminal: green, yellow, red."""


def screen(checks: Sequence[Check], *, is_coloured: bool) -> str:
    """The checks for people."""
    lines = aligned([(check.health.value, check.name, check.words) for check in checks])
    if is_coloured:
        lines = [
            line.replace(check.health.value, f"\x1b[{COLOURS[check.health]}m{check.health.value}\x1b[0m", 1)
            for line, check in zip(lines, checks, strict=True)
        ]
    bad = sum(check.health is Health.BAD for check in checks)
    return "\n".join([*lines, "", f"{counted(bad, 'thing')} to fix." if bad else "Nothing has to be fixed."])


def exit_code(checks: Sequence[Check]) -> int:
    """0 if nothing is bad, else 1."""
    return int(any(check.health is Health.BAD for check in checks))
