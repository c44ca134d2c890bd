"""What belongs to one window alone: a report id, a download link, the bytes of a file with rows.

An API, or a cache before it, that mixes up its answers would otherwise bring rows of one window, or of another seller,
under the name of another.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.purchasing.tracked_report import TrackedReport

MANY_ROWS = 100
"""Rows without ids that two sellers do not have in common."""


class Ownership:
    """Who was first to have a report id, a link or a file in this run."""

    def __init__(self) -> None:
        self._reports: dict[str, ReportRequest] = {}
        self._links: dict[bytes, ReportRequest] = {}
        self._files: dict[str, TrackedReport] = {}

    def of_report(self, report_id: str, request: ReportRequest) -> ReportRequest | None:
        """The other window that a report belongs to; without one it belongs to this from now on."""
        return _other(self._reports.setdefault(report_id, request), request)

    def of_link(self, location: str, request: ReportRequest) -> ReportRequest | None:
        """The same of a download link, of which only a hash is kept."""
        return _other(self._links.setdefault(hashlib.sha256(location.encode()).digest(), request), request)

    def of_file(self, sha256: str, report: TrackedReport) -> ReportRequest | None:
        """The other window whose rows were read from the same bytes, if that cannot be by chance.

        Files without rows are alike for all windows in which nothing happened. Windows that share days may show the
        same rows. Rows without ids may come again: a stock that has not moved, or a few lines of two sellers of the
        same goods; many such lines of two sellers do not.
        """
        first = self._files.get(sha256)
        if first is None or first is report or first.reading.rows == 0:
            self._files[sha256] = report
            return None
        if first.request.identifier != report.request.identifier:
            return None
        is_same_partition = first.request.partition == report.request.partition
        if report.request.rows_have_ids:
            is_chance = is_same_partition and first.request.window.overlaps(report.request.window)
        else:
            is_chance = is_same_partition or first.reading.rows < MANY_ROWS
        return None if is_chance else first.request


def _other(owner: ReportRequest, request: ReportRequest) -> ReportRequest | None:
    is_same = owner.partition == request.partition and owner.window == request.window
    return None if is_same and owner.identifier == request.identifier else owner
