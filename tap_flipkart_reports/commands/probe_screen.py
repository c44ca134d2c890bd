"""What a probe shows: what it would buy, and what it found."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.commands.tables import aligned
from tap_flipkart_reports.commands.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_flipkart_reports.commands.probe import ProbeItem
    from tap_flipkart_reports.commands.probe_findings import TypeFinding
    from tap_flipkart_reports.commands.verdict import AssumptionVerdict
    from tap_flipkart_reports.planning.prices import Prices

MAX_SEEN = 6
"""Lines of what was seen of one assumption."""


def offer(
    items: Sequence[ProbeItem], skipped: Sequence[tuple[str, str]], *, max_reports: int | None, prices: Prices
) -> str:
    """What a probe would do, and what it would cost."""
    rows = [("report type", "days", "parameters", "how")]
    rows += [
        (
            item.report_type.name,
            str(item.request.window),
            json.dumps(item.request.parameters),
            "bought" if item.buys else "there already",
        )
        for item in items
    ]
    lines = aligned(rows) if items else []
    lines += [f"{name} is left out: {reason}." for name, reason in skipped]
    bought = sum(item.buys for item in items)
    budget = "" if max_reports is None else f" The budget (max_reports) is {max_reports}."
    cost = prices.in_words(Counter(item.report_type.name for item in items if item.buys))
    price = f", for {cost}" if cost else ""
    return "\n".join([*lines, "", f"{bought} {'report' if bought == 1 else 'reports'} would be bought{price}.{budget}"])


def screen(findings: Sequence[TypeFinding], verdicts: Sequence[AssumptionVerdict], settings: Mapping[str, Any]) -> str:
    """What was found, in words."""
    lines = ["", "Reports"]
    lines += aligned([("report type", "report", "rows", "what came"), *map(_row, findings)])
    lines += ["", "Assumptions"]
    for verdict in verdicts:
        lines += _verdict_lines(verdict)
    counts = {outcome: sum(each.outcome is outcome for each in verdicts) for outcome in Outcome}
    lines += ["", ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items()) + "."]
    if settings:
        lines += ["", "Settings that follow, to be merged into your configuration:", json.dumps(settings, indent=2)]
    else:
        lines += ["", "No setting has to change."]
    return "\n".join(lines)


def _row(finding: TypeFinding) -> tuple[str, str, str, str]:
    rows = sum(table.rows for table in finding.tables)
    came = finding.error or (finding.file.container if finding.file is not None else "")
    if not came and finding.attempts:
        came = finding.attempts[-1].outcome
    return finding.name, finding.how or "none", f"{rows:,}", came


def _verdict_lines(verdict: AssumptionVerdict) -> Iterator[str]:
    assumption = verdict.assumption
    yield f"{assumption.number:>2}. {assumption.text}: {verdict.outcome.value}"
    if verdict.outcome is Outcome.CONTRADICTED:
        yield from (f"      {words}" for words in verdict.seen[:MAX_SEEN])
        if len(verdict.seen) > MAX_SEEN:
            yield f"      and {len(verdict.seen) - MAX_SEEN} more"
