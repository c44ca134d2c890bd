"""The windows of a run that failed: logged, counted, and recorded in the report ledger."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import WindowFailure

if TYPE_CHECKING:
    from tap_flipkart_reports.exceptions import FlipkartReportsError
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.sync.services import RunServices
    from tap_flipkart_reports.sync.summary import Summary

LOGGER = logging.getLogger(PACKAGE)


class Failures:
    """Records each window that fails.

    Args:
        summary: counts them.
        services: provide the ledger, which records the causes; it is opened when the first window fails.

    Attributes:
        all: the failed windows, one entry for each stream.
    """

    def __init__(self, *, summary: Summary, services: RunServices) -> None:
        self._summary = summary
        self._services = services
        self._logged: set[tuple[str, str | None, str]] = set()
        self.all: list[WindowFailure] = []

    def add(self, request: ReportRequest, error: FlipkartReportsError, *, stream: str, report_id: str | None) -> None:
        """Record that a window failed for a stream. A cause shared by many windows is logged as an error only once."""
        failure = WindowFailure(
            report_type=request.stream,
            stream=stream,
            seller_id=request.seller_id,
            warehouse_id=request.warehouse_id,
            window=request.window,
            report_id=report_id,
            cause=error,
        )
        LOGGER.log(logging.DEBUG if failure.shared_cause in self._logged else logging.ERROR, "%s", failure)
        self._logged.add(failure.shared_cause)
        self.all.append(failure)
        if self._summary.count_failed(request) and (ledger := self._services.ledger) is not None:
            ledger.failed(
                request,
                stream=stream,
                report_id=report_id,
                is_unreadable=failure.is_unreadable,
                cause=f"{error}; only the same repair asks for it again" if request.is_repair else str(error),
            )
