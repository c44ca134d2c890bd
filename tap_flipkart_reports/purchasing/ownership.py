"""Which window owns a report id, a download link or the bytes of a file with rows.

If the API, or a cache in front of it, mixed up its answers, rows would be loaded for another window or seller.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.purchasing.tracked_report import TrackedReport

MANY_ROWS = 100
"""From this many rows without ids, two sellers do not have identical files by chance."""


class Ownership:
    """Remembers which window was the first to use a report id, a link or a file in this run."""

    def __init__(self) -> None:
        self._reports: dict[str, ReportRequest] = {}
        self._links: dict[bytes, ReportRequest] = {}
        self._files: dict[str, TrackedReport] = {}

    def owner_of_report(self, report_id: str, request: ReportRequest) -> ReportRequest | None:
        """The other window that owns a report; if there is none, this window owns it from now on."""
        return _other(self._reports.setdefault(report_id, request), request)

    def owner_of_link(self, location: str, request: ReportRequest) -> ReportRequest | None:
        """The same for a download link, of which only a hash is kept."""
        return _other(self._links.setdefault(hashlib.sha256(location.encode()).digest(), request), request)

    def owner_of_file(self, sha256: str, report: TrackedReport) -> ReportRequest | None:
        """The other window whose file has the same bytes, unless that may be a coincidence.

        Files without rows are all alike. Windows that share days may have the same rows. Rows without ids may repeat:
        an unchanged stock, or a few lines of two sellers of the same goods. Many such lines do not repeat.
        """
        first = self._files.get(sha256)
        if first is None or first is report or first.reading.rows == 0:
            self._files[sha256] = report
            return None
        if first.request.identifier != report.request.identifier:
            return None
        is_same_partition = first.request.partition == report.request.partition
        if report.request.rows_have_ids:
            is_coincidence = is_same_partition and first.request.window.overlaps(report.request.window)
        else:
            is_coincidence = is_same_partition or first.reading.rows < MANY_ROWS
        return None if is_coincidence else first.request


def _other(owner: ReportRequest, request: ReportRequest) -> ReportRequest | None:
    is_same = owner.partition == request.partition and owner.window == request.window
    return None if is_same and owner.identifier == request.identifier else owner
