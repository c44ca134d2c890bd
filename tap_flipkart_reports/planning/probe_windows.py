"""What a probe requests: for each report type the smallest window that can have rows. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tap_flipkart_reports.planning.parameters import DATE_RANGE, WAREHOUSE, WAREHOUSE_MONTH
from tap_flipkart_reports.planning.window_rules import WindowKind, cell_of
from tap_flipkart_reports.windows import DAY, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from tap_flipkart_reports.planning.report_type import ReportType

DAYS_BEFORE_NEWEST = 7
"""Recent enough for today's file layout, and old enough that late rows have arrived."""

ALTERNATIVES: tuple[Mapping[str, object], ...] = (
    DATE_RANGE,
    {**WAREHOUSE, **DATE_RANGE},
    WAREHOUSE,
    WAREHOUSE_MONTH,
    {"fromDate": "{from_date}", "toDate": "{to_date}"},
    {"start_date": "{from_date}", "end_date": "{to_date}"},
    {},
)
"""Parameters in older documents and in Flipkart's other APIs."""


def probe_window(report_type: ReportType, *, newest: date) -> Window | None:
    """The smallest window of a report type that can have rows, `None` if there is none yet.

    Args:
        report_type: the report type, with overrides.
        newest: the last day that may be requested.
    """
    rule = report_type.rule
    if rule.kind is WindowKind.SNAPSHOT:
        return Window(newest, newest)
    if rule.kind is WindowKind.DAYS:
        day = newest - timedelta(days=DAYS_BEFORE_NEWEST)
        return Window(day, day)
    cell = cell_of(rule, newest)
    if rule.kind is WindowKind.FINANCIAL_YEAR:
        return Window(cell.first, newest)
    return cell if cell.last <= newest else cell_of(rule, cell.first - DAY)


def other_parameters(report_type: ReportType, *, has_warehouse: bool) -> Iterator[ReportType]:
    """Variants of a report type with other parameters.

    Args:
        report_type: the report type whose parameters were refused.
        has_warehouse: whether a warehouse is configured.
    """
    for parameters in ALTERNATIVES:
        other = replace(report_type, parameters=parameters)
        if parameters != report_type.parameters and (has_warehouse or not other.per_warehouse):
            yield other
