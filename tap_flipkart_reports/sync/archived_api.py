"""The archive as a report API: reports whose files it holds are complete, and are copied instead of downloaded."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import AuthenticationError, CallError
from tap_flipkart_reports.purchasing.report_detail import ReportDetail, ReportStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from tap_flipkart_reports.adapters.archive import Archive, ArchivedReport
    from tap_flipkart_reports.purchasing.ports import DownloadedFile, ReportApi
    from tap_flipkart_reports.purchasing.requests import TriggerAnswer


class ArchivedApi:
    """Answers calls about archived reports, and passes all others on to the API.

    Args:
        archive: where the files are.
        reports: the archived reports, by id.
        fallback: answers all other calls; `None` in a replay, which buys nothing.
        unread: ids of reports that are bought and not yet read. Their files may be damaged, or no reports at all, and
            the API may have better ones: it is asked first.
    """

    def __init__(
        self,
        archive: Archive,
        reports: Mapping[str, ArchivedReport],
        *,
        fallback: ReportApi | None = None,
        unread: Collection[str] = (),
    ) -> None:
        self._archive = archive
        self._reports = reports
        self._fallback = fallback
        self._unread = unread

    def trigger(
        self,
        *,
        seller_id: str,
        identifier: str,
        parameters: Mapping[str, object],
        correlation_id: str,
        before_send: Callable[[], None],
    ) -> TriggerAnswer:
        """Trigger a report.

        Raises:
            CallError: there is no API to buy from, or the call did not succeed.
        """
        if self._fallback is None:
            raise CallError("a replay buys no report; its archived file cannot be read")
        return self._fallback.trigger(
            seller_id=seller_id,
            identifier=identifier,
            parameters=parameters,
            correlation_id=correlation_id,
            before_send=before_send,
        )

    def report_id_in(self, answer: str) -> str | None:
        """The report id in an earlier answer to a trigger; `None` if there is none, and in a replay."""
        return None if self._fallback is None else self._fallback.report_id_in(answer)

    def detail(self, *, seller_id: str, report_id: str) -> ReportDetail:
        """Every archived report is complete; the API is asked about those that are not read yet."""
        if self._fallback is not None and report_id not in self._reports:
            return self._fallback.detail(seller_id=seller_id, report_id=report_id)
        if self._fallback is not None and report_id in self._unread:
            with suppress(CallError, AuthenticationError):
                detail = self._fallback.detail(seller_id=seller_id, report_id=report_id)
                if detail.status is ReportStatus.COMPLETED and detail.location:
                    return detail
        status = ReportStatus.COMPLETED
        return ReportDetail(report_id=report_id, status=status, status_word=status.value, location=report_id)

    def download(self, *, seller_id: str, report_id: str, location: str, path: Path) -> DownloadedFile:
        """Copy the file out of the archive, or download it."""
        if self._fallback is not None and report_id not in self._reports:
            return self._fallback.download(seller_id=seller_id, report_id=report_id, location=location, path=path)
        if self._fallback is not None and location != report_id:
            with suppress(CallError, AuthenticationError):
                return self._fallback.download(seller_id=seller_id, report_id=report_id, location=location, path=path)
        report = self._reports[report_id]
        self._archive.fetch(report, path)
        return report
