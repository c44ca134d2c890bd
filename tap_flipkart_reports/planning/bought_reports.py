"""Which bought reports a run reads instead of buying others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_flipkart_reports.planning.window_rules import WindowKind
from tap_flipkart_reports.windows import clipped, gaps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_flipkart_reports.planning.coverage import Coverage
    from tap_flipkart_reports.planning.window_rules import WindowRule
    from tap_flipkart_reports.purchasing.requests import PendingReport
    from tap_flipkart_reports.windows import Window


def is_wanted_by(report: PendingReport, stream: str, coverage: Coverage) -> bool:
    """Whether a stream needs a bought report.

    A stream that has read all days of a report does not read it for another stream of its file: its rows may be older
    than those that the stream has read since, and a running period would stay as it was as long as one of its tables
    cannot be read.

    Args:
        report: the report.
        stream: the stream.
        coverage: what the stream has read.
    """
    is_unread = report.is_of_today if report.unread_by is None else stream in report.unread_by
    return is_unread or not coverage.has_read(report.window)


class BoughtReports:
    """The bought reports of a partition.

    Args:
        rule: the report type's window rule.
        pending: reports that are bought and that some stream has not read.
        coverages: what each stream has read.
        to_buy: the days that each stream has to buy, unless a bought report has them.
    """

    def __init__(
        self,
        rule: WindowRule,
        pending: Iterable[PendingReport],
        *,
        coverages: Mapping[str, Coverage],
        to_buy: Mapping[str, Sequence[Window]],
    ) -> None:
        self._rule = rule
        self._coverages = coverages
        self._to_buy = to_buy
        self._reports = [
            report
            for report in pending
            if not report.is_repair and (rule.kind is WindowKind.DAYS or not report.is_finished)
        ]

    def windows(self) -> list[Window]:
        """The windows that are read as they were bought; of a grid, those that serve all streams which owe the cell."""
        is_served = any if self._rule.kind is WindowKind.DAYS else all
        return [
            report.window
            for report in self._reports
            if self._rule.kind is WindowKind.SNAPSHOT
            or is_served(
                self._serves(report, stream)
                for stream, days in self._to_buy.items()
                if any(map(report.window.overlaps, days))
            )
        ]

    def days_not_served(self) -> list[Window]:
        """The days of bought reports that a stream needs from another report; none where the rule has a grid."""
        if self._rule.kind is not WindowKind.DAYS:
            return []
        return [
            gap
            for stream, days in self._to_buy.items()
            for report in self._reports
            if not self._serves(report, stream)
            for day in clipped(days, first=report.window.first, last=report.window.last)
            for gap in gaps(day, [other.window for other in self._reports if self._serves(other, stream)])
        ]

    def serves(self, window: Window, stream: str) -> bool:
        """Whether a stream reads a window that is due; one that is not bought yet serves all streams."""
        reports = [report for report in self._reports if report.window == window]
        return not reports or any(self._serves(report, stream) for report in reports)

    def _serves(self, report: PendingReport, stream: str) -> bool:
        return is_wanted_by(report, stream, self._coverages[stream])
