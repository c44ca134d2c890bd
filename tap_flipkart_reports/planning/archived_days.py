"""Which owed days have to be bought although the archive has files of earlier purchases. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_flipkart_reports.planning.window_rules import WindowKind, first_owed_day, owed_windows
from tap_flipkart_reports.windows import DAY, clipped, gaps, merged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tap_flipkart_reports.planning.coverage import Coverage
    from tap_flipkart_reports.planning.window_rules import WindowRule
    from tap_flipkart_reports.windows import Window


def days_to_buy(  # noqa: PLR0913 - a rule, three sets of days, and two limits
    rule: WindowRule,
    coverage: Coverage,
    *,
    owed: Sequence[Window],
    archived: Sequence[Window],
    start: date,
    newest: date,
) -> list[Window]:
    """What a stream would still owe after reading all archived reports, including look-back and the running period.

    Days up to the bookmark are owed because their rows change. They are read from the archive only if an archived
    report of them reaches beyond the bookmark, so that a later run has bought it.

    Args:
        rule: the report type's window rule.
        coverage: the days that are complete.
        owed: the days that the stream owes (see `owed_windows`).
        archived: windows of the archived reports.
        start: the first day to load.
        newest: the last day that may be requested.
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
    """The coverage after reading the archived reports."""
    bookmark = coverage.bookmark
    first = first_owed_day(rule, coverage, start=start, newest=newest) if bookmark is None else bookmark + DAY
    extended = coverage
    for window in archived:
        extended = extended.with_finished(window, first_owed=first, newest=newest)
    return replace(extended, reread=(), reread_newest=None) if extended.bookmark != bookmark else extended
