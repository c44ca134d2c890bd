"""How days are cut into windows, and which windows are due."""

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
"""First day of the `day_grid`: fixed for ever, so that a window keeps its first day whatever `start_date` says."""

FINANCIAL_YEAR_FIRST_MONTH = 4


class WindowKind(Enum):
    """How the days of a report type are cut into windows."""

    DAYS = "days"
    """From the day after the bookmark, as long as allowed: for reports whose rows have a natural key."""
    DAY_GRID = "day_grid"
    """Cells of a fixed number of days; a running cell is read again from its first day."""
    MONTH = "month"
    """Calendar months; the running month is read again from its first day."""
    WHOLE_MONTH = "whole_month"
    """Calendar months, only once they are over: for summaries, whose rows change while the month runs."""
    FINANCIAL_YEAR = "financial_year"
    """April to March; the running year is read again from its first day."""
    SNAPSHOT = "snapshot"
    """The state of the day on which it is asked for, once a day."""


@dataclass(frozen=True, kw_only=True)
class WindowRule:
    """How to cut and what to read again.

    Attributes:
        kind: the way of cutting.
        window_days: longest window of `DAYS`, size of a cell of `DAY_GRID`; in days, at least 1.
        lookback_days: days up to the bookmark that are read again when there is a new day.
    """

    kind: WindowKind
    window_days: int = 31
    lookback_days: int = 0


def owed_from(rule: WindowRule, coverage: Coverage, *, start: date, newest: date) -> date:
    """The first day a run owes: after the bookmark, less the look-back, never before `start`, on the grid if any.

    A snapshot of a day that is over cannot be had any more: of it, only the newest day is owed.

    Args:
        rule: how the report type is cut.
        coverage: what is complete.
        start: the first day wanted.
        newest: the last day that may be asked for.
    """
    if rule.kind is WindowKind.SNAPSHOT:
        return newest
    first = start if coverage.bookmark is None else coverage.bookmark + DAY - timedelta(days=rule.lookback_days)
    return cell_of(rule, max(first, start)).first


def owed_windows(rule: WindowRule, coverage: Coverage, *, start: date, newest: date) -> list[Window]:
    """The days that one stream still owes, ascending and disjoint; where days are cut by a grid, its cells.

    Args:
        rule: how the report type is cut.
        coverage: what is complete.
        start: the first day wanted.
        newest: the last day that may be asked for; for a snapshot the day it is.
    """
    if newest < start or (coverage.bookmark is not None and newest <= coverage.bookmark):
        return []
    done = merged([*coverage.finished, *(coverage.reread if coverage.reread_newest == newest else ())])
    wanted = Window(owed_from(rule, coverage, start=start, newest=newest), newest)
    if rule.kind is WindowKind.DAYS:
        return gaps(wanted, done)
    return [cell for cell in cells(rule, wanted) if not any(window.covers(cell) for window in done)]


def due_windows(rule: WindowRule, owed: Iterable[Window], *, pending: Iterable[Window] = ()) -> list[Window]:
    """The windows a run has to get, ascending and disjoint.

    Args:
        rule: how the report type is cut.
        owed: what the streams of the report owe (see `owed_windows`), of all of them together.
        pending: windows whose reports are bought already. Where they hold a day that is owed they stay as they are, and
            the rest is cut around them; a running cell that was bought shorter is read as it was bought, and is owed
            again by the next run.
    """
    if rule.kind is WindowKind.SNAPSHOT:
        return sorted({*pending, *owed})  # the day of one that was bought may be over: it is still what it was
    if rule.kind is not WindowKind.DAYS:
        bought = sorted(pending)
        return sorted({next((window for window in bought if _is_begun(cell, window)), cell) for cell in owed})
    days = merged(owed)
    bought_days = _disjoint(window for window in pending if any(window.overlaps(owing) for owing in days))
    pieces = (piece for owing in days for gap in gaps(owing, bought_days) for piece in cut(gap, rule.window_days))
    return sorted([*bought_days, *pieces])


def is_on_grid(rule: WindowRule, window: Window) -> bool:
    """Whether a window begins a cell of the rule's grid and ends within it; without a grid any window fits."""
    return rule.kind is WindowKind.DAYS or _is_begun(cell_of(rule, window.first), window)


def _is_begun(cell: Window, window: Window) -> bool:
    return window.first == cell.first and cell.covers(window)


def _disjoint(windows: Iterable[Window]) -> list[Window]:
    """The windows, without those that share a day with an earlier one."""
    result: list[Window] = []
    for window in sorted(windows):
        if not result or result[-1].last < window.first:
            result.append(window)
    return result


def cells(rule: WindowRule, wanted: Window) -> Iterator[Window]:
    """The cells of a rule's grid that hold wanted days; the running one ends on the last of them.

    Args:
        rule: how the report type is cut.
        wanted: the days, the last of them the newest that may be asked for.
    """
    cell = cell_of(rule, wanted.first)
    while cell.first <= wanted.last:
        if cell.last <= wanted.last:
            yield cell
        elif rule.kind is not WindowKind.WHOLE_MONTH:
            yield Window(cell.first, wanted.last)
        cell = cell_of(rule, cell.last + DAY)


def cell_of(rule: WindowRule, day: date) -> Window:
    """The cell of the rule's grid that holds a day; for kinds without a grid the day itself."""
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
