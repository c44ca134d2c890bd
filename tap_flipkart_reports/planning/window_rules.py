"""Window rules: how days are cut into windows, and which windows are due. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from tap_flipkart_reports.windows import DAY, Window, cut, gaps, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_flipkart_reports.planning.coverage import Coverage

GRID_EPOCH = date(2000, 1, 1)
"""First day of the `day_grid`. It never changes, so that a window keeps its first day with any `start_date`."""

FINANCIAL_YEAR_FIRST_MONTH = 4


class WindowKind(Enum):
    """How the days of a report type are cut into windows."""

    DAYS = "days"
    """From the day after the bookmark, up to the longest window: for reports whose rows have a natural key."""
    DAY_GRID = "day_grid"
    """Cells of a fixed number of days; an unfinished cell is read again from its first day."""
    MONTH = "month"
    """Calendar months; the current month is read again from its first day."""
    WHOLE_MONTH = "whole_month"
    """Calendar months, only after they are over: for summaries, whose rows change until then."""
    FINANCIAL_YEAR = "financial_year"
    """April to March; the current year is read again from its first day."""
    SNAPSHOT = "snapshot"
    """The state of the day of the request, once a day."""


@dataclass(frozen=True, kw_only=True)
class WindowRule:
    """How to cut days into windows, and which days to read again.

    Attributes:
        kind: the kind of window.
        window_days: longest window of `DAYS`, size of a cell of `DAY_GRID`; in days, at least 1.
        lookback_days: days up to the bookmark that are read again on each new day.
    """

    kind: WindowKind
    window_days: int = 31
    lookback_days: int = 0


def first_owed_day(rule: WindowRule, coverage: Coverage, *, start: date, newest: date) -> date:
    """The first day that a run owes: the day after the bookmark less look-back, not before `start`, on any grid.

    Past days of a snapshot cannot be requested, so only the newest day is owed.

    Args:
        rule: the report type's window rule.
        coverage: the days that are complete.
        start: the first day to load.
        newest: the last day that may be requested.
    """
    if rule.kind is WindowKind.SNAPSHOT:
        return newest
    first = start if coverage.bookmark is None else coverage.bookmark + DAY - timedelta(days=rule.lookback_days)
    return cell_of(rule, max(first, start)).first


def owed_windows(rule: WindowRule, coverage: Coverage, *, start: date, newest: date) -> list[Window]:
    """The days that one stream still owes, ascending and disjoint; with a grid, its cells.

    Args:
        rule: the report type's window rule.
        coverage: the days that are complete.
        start: the first day to load.
        newest: the last day that may be requested; for a snapshot today.
    """
    if newest < start or (coverage.bookmark is not None and newest <= coverage.bookmark):
        return []
    done = merged([*coverage.finished, *(coverage.reread if coverage.reread_newest == newest else ())])
    wanted = Window(first_owed_day(rule, coverage, start=start, newest=newest), newest)
    if rule.kind is WindowKind.DAYS:
        return gaps(wanted, done)
    return [cell for cell in cells(rule, wanted) if not any(window.covers(cell) for window in done)]


def due_windows(
    rule: WindowRule, owed: Iterable[Window], *, pending: Iterable[Window] = (), fresh: Iterable[Window] = ()
) -> list[Window]:
    """The windows that a run needs, ascending; only of bought ones, two may share days.

    Args:
        rule: the report type's window rule.
        owed: the days that the streams of the report owe together (see `owed_windows`).
        pending: windows whose reports are bought already. Those with owed days are kept, and the other days are cut
            around them. A cell that was bought while it was shorter is read as bought, the longest of several, and the
            next run owes it again.
        fresh: owed days that a bought report cannot serve; only where the rule has no grid.
    """
    if rule.kind is WindowKind.SNAPSHOT:
        return sorted({*pending, *owed})  # a bought snapshot is read even if its day is over
    if rule.kind is not WindowKind.DAYS:
        bought = sorted(pending, reverse=True)
        return sorted({next((window for window in bought if _starts(cell, window)), cell) for cell in owed})
    days = merged(owed)
    bought_days = _needed(pending, days)
    unserved = merged([*(gap for owing in days for gap in gaps(owing, bought_days)), *fresh])
    pieces = (piece for missing in unserved for piece in cut(missing, rule.window_days))
    return sorted({*bought_days, *pieces})


def is_on_grid(rule: WindowRule, window: Window) -> bool:
    """Whether a window starts a cell of the rule's grid and ends within it; without a grid any window fits."""
    return rule.kind is WindowKind.DAYS or _starts(cell_of(rule, window.first), window)


def _starts(cell: Window, window: Window) -> bool:
    return window.first == cell.first and cell.covers(window)


def _needed(bought: Iterable[Window], days: Iterable[Window]) -> list[Window]:
    """The bought windows, the latest first, without those whose days among these are in later ones."""
    result: list[Window] = []
    missing = list(days)
    for window in sorted(bought, key=lambda window: (window.last, window.first), reverse=True):
        if any(map(window.overlaps, missing)):
            result.append(window)
            missing = [gap for owing in missing for gap in gaps(owing, [window])]
    return result


def cells(rule: WindowRule, wanted: Window) -> Iterator[Window]:
    """The cells of a rule's grid for some days; the last cell ends on the last day.

    Args:
        rule: the report type's window rule.
        wanted: the days; the last one is the newest that may be requested.
    """
    cell = cell_of(rule, wanted.first)
    while cell.first <= wanted.last:
        if cell.last <= wanted.last:
            yield cell
        elif rule.kind is not WindowKind.WHOLE_MONTH:
            yield Window(cell.first, wanted.last)
        cell = cell_of(rule, cell.last + DAY)


def cell_of(rule: WindowRule, day: date) -> Window:
    """The cell of the rule's grid with a day; for kinds without a grid the day itself."""
    if rule.kind in {WindowKind.MONTH, WindowKind.WHOLE_MONTH}:
        first = day.replace(day=1)
        return Window(first, (first + 31 * DAY).replace(day=1) - DAY)
    if rule.kind is WindowKind.FINANCIAL_YEAR:
        year = day.year if day.month >= FINANCIAL_YEAR_FIRST_MONTH else day.year - 1
        first = date(year, FINANCIAL_YEAR_FIRST_MONTH, 1)
        return Window(first, first.replace(year=year + 1) - DAY)
    if rule.kind is WindowKind.DAY_GRID:
        first = day - timedelta(days=(day - GRID_EPOCH).days % rule.window_days)
        return Window(first, first + timedelta(days=rule.window_days - 1))
    return Window(day, day)
