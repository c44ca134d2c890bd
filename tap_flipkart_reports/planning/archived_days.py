"""Which days that a stream owes have to be bought, where the archive holds files of earlier purchases. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_flipkart_reports.planning.window_rules import WindowKind, owed_from, owed_windows
from tap_flipkart_reports.windows import DAY, clipped, gaps, merged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tap_flipkart_reports.planning.coverage import Coverage
    from tap_flipkart_reports.planning.window_rules import WindowRule
    from tap_flipkart_reports.windows import Window


def days_to_buy(  # noqa: PLR0913 - a rule, what is complete, what is owed and held, and the two ends
    rule: WindowRule,
    coverage: Coverage,
    *,
    owed: Sequence[Window],
    archived: Sequence[Window],
    start: date,
    newest: date,
) -> list[Window]:
    """What a stream would owe if it had read every archived report: its look-back and its running period included.

    Days up to the bookmark are owed because their rows change. They come from the archive only where a report holds
    them that reaches beyond the bookmark: a later run has bought it.

    Args:
        rule: how the report type is cut.
        coverage: what is complete.
        owed: what the stream owes (see `owed_windows`).
        archived: windows of the archived reports.
        start: the first day wanted.
        newest: the last day that may be asked for.
    """
    bookmark = coverage.bookmark
    later = merged(window for window in archived if bookmark is None or window.last > bookmark)
    if not owed or not later:
        return list(owed)
    still_owed = owed_windows(
        rule, _extended(rule, coverage, later, start=start, newest=newest), start=start, newest=newest
    )
    if bookmark is None:
        return still_owed
    if rule.kind is WindowKind.DAYS:
        changed = [gap for window in clipped(owed, last=bookmark) for gap in gaps(window, later)]
        return list(merged([*still_owed, *changed]))
    changed = [cell for cell in owed if cell.first <= bookmark and not any(map(cell.overlaps, later))]
    return sorted({*still_owed, *changed})


def _extended(
    rule: WindowRule, coverage: Coverage, archived: Sequence[Window], *, start: date, newest: date
) -> Coverage:
    """The coverage once the archived reports are read."""
    bookmark = coverage.bookmark
    first = owed_from(rule, coverage, start=start, newest=newest) if bookmark is None else bookmark + DAY
    extended = coverage
    for window in archived:
        extended = extended.with_finished(window, owed_from=first, newest=newest)
    return replace(extended, reread=(), reread_newest=None) if extended.bookmark != bookmark else extended
