"""The coverage map in a terminal: one line per stream and seller, one sign per day, or per some days. Pure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from tap_flipkart_reports.commands.coverage_map import ATTENTION, DayStatus
from tap_flipkart_reports.redaction import MAX_QUOTED, clean_line
from tap_flipkart_reports.windows import DAY, Window, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_flipkart_reports.commands.coverage_map import CoverageMap, Strip

SIGNS = {
    DayStatus.LOADED: "█",
    DayStatus.REREAD: "▓",
    DayStatus.PENDING: "◦",
    DayStatus.FAILED: "✗",
    DayStatus.MISSING: "·",
}
PLAIN_SIGNS = {
    DayStatus.LOADED: "#",
    DayStatus.REREAD: "%",
    DayStatus.PENDING: "o",
    DayStatus.FAILED: "x",
    DayStatus.MISSING: ".",
}
COLOURS = {
    DayStatus.LOADED: "36",
    DayStatus.REREAD: "34",
    DayStatus.PENDING: "33",
    DayStatus.FAILED: "1;31",
    DayStatus.MISSING: "2",
}
"""Codes of ECMA-48, in the terminal's own palette."""

MOST_NAMED = 20
"""Spans that need attention and are named; the rest is counted."""

WORST = (*ATTENTION, DayStatus.LOADED, DayStatus.REREAD)
"""What a sign for several days shows: the first of these that one of them is."""


def table(coverage: CoverageMap, *, width: int, is_coloured: bool, is_plain: bool) -> str:
    """The map for people.

    Args:
        coverage: the map.
        width: columns of the terminal.
        is_coloured: whether it shows colours.
        is_plain: whether it shows ASCII only.
    """
    days = coverage.range
    if days is None:
        return "No day of any stream is wanted yet."
    signs = PLAIN_SIGNS if is_plain else SIGNS
    labels = [clean_line(f"{strip.stream}  {strip.place}", limit=MAX_QUOTED) for strip in coverage.strips]
    margin = max(map(len, labels)) + 2
    number = (days.last - days.first) // DAY + 1
    per_sign = -(-number // max(1, width - margin))
    cells = list(cut(days, per_sign))
    lines = [" " * margin + _months(cells)]
    for label, strip in zip(labels, coverage.strips, strict=True):
        statuses = [_worst(strip, cell) for cell in cells]
        lines.append(f"{label:{margin}}" + "".join(_sign(status, signs, is_coloured) for status in statuses).rstrip())
    note = f", one sign for {per_sign} days, the worst of them" if per_sign > 1 else ""
    totals = coverage.days()
    legend = "   ".join(
        f"{_sign(status, signs, is_coloured)} {status.value} {totals[status]:,}" for status in reversed(DayStatus)
    )
    return "\n".join([*lines, "", f"{legend}   (days{note})", *_attention(coverage), *_cost(coverage)])


def _worst(strip: Strip, cell: Window) -> DayStatus | None:
    found = {span.status for span in strip.spans if span.window.overlaps(cell)}
    return next((status for status in WORST if status in found), None)


def _sign(status: DayStatus | None, signs: dict[DayStatus, str], is_coloured: bool) -> str:  # noqa: FBT001 - handed on
    if status is None:
        return " "
    return f"\x1b[{COLOURS[status]}m{signs[status]}\x1b[0m" if is_coloured else signs[status]


def _months(cells: Sequence[Window]) -> str:
    """Each month's name above its first day, where it does not run into the one before."""
    line = ""
    for column, cell in enumerate(cells):
        begins = cell.first <= cell.last.replace(day=1)
        if (column == 0 or begins) and len(line) <= column:
            line = f"{line:{column}}{cell.last if begins else cell.first:%Y-%m} "
    return line.rstrip()


def _attention(coverage: CoverageMap) -> Iterator[str]:
    """What is not there, by name."""
    spans = [
        (status, f"{status.value}: {strip.stream}, seller {strip.place}, {_named(span.window)}")
        for status in ATTENTION
        for strip in coverage.strips
        for span in strip.spans
        if span.status is status
    ]
    if spans:
        yield ""
    yield from (clean_line(text, limit=MAX_QUOTED * 2) for _, text in islice(spans, MOST_NAMED))
    if len(spans) > MOST_NAMED:
        yield f"and {len(spans) - MOST_NAMED} more, see --format json"


def _named(window: Window) -> str:
    return str(window if window.first < window.last else window.first)


def _cost(coverage: CoverageMap) -> Iterator[str]:
    if not coverage.has_ledger:
        return
    bought = coverage.bought
    yield ""
    yield (
        f"{bought.total:,} reports bought: {bought.first:,} for new days, {bought.reread:,} to read days again, "
        f"{bought.again:,} once more because the first failed, expired or was lost."
    )
    for name, durations in coverage.durations.items():
        yield (
            f"{name}: ready after {time_in_words(durations.typical)} ({time_in_words(durations.shortest)} to "
            f"{time_in_words(durations.longest)}, {durations.reports:,} reports)."
        )


def time_in_words(seconds: float) -> str:
    """Seconds, minutes or hours, whichever is read most easily."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
