"""Protocols that this folder needs implemented elsewhere: the API and a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tap_flipkart_reports.purchasing.requests import Claim, PurchaseStatus, Reading, ReportRequest, TriggerAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from tap_flipkart_reports.purchasing.report_detail import ReportDetail


class DownloadedFile(Protocol):
    """A downloaded file."""

    @property
    def size(self) -> int:
        """Bytes on disk."""

    @property
    def sha256(self) -> str:
        """Hash of the bytes, in hexadecimal."""


class ReportApi(Protocol):
    """The three calls; `client.ReportClient` implements them."""

    def trigger(
        self,
        *,
        seller_id: str,
        identifier: str,
        parameters: Mapping[str, object],
        correlation_id: str,
        before_send: Callable[[], None],
    ) -> TriggerAnswer:
        """Buy a report. An exception from `before_send` ends the call before anything is sent."""

    def report_id_in(self, answer: str) -> str | None:
        """The report id in an earlier answer to a trigger, if the settings now say where it is."""

    def detail(self, *, seller_id: str, report_id: str) -> ReportDetail:
        """The report's status."""

    def download(self, *, seller_id: str, report_id: str, location: str, path: Path) -> DownloadedFile:
        """Fetch the file."""


class ReportLedger(Protocol):
    """Where purchases are recorded; `ledger.Ledger` implements it. Called from any thread."""

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
        """Announce a trigger, unless the window has a report already or another worker holds it."""

    def confirm(self, *, correlation_id: str) -> None:
        """Check right before the trigger is sent that the claim is still valid.

        Raises:
            ClaimLostError: it is not valid; nothing may be sent.
        """

    def bought(self, *, correlation_id: str, report_id: str, unanswered: int) -> str | None:
        """The trigger was accepted. Returns the other window that already has this report, if there is one."""

    def not_bought(self, *, correlation_id: str) -> None:
        """The trigger was refused."""

    def lost(self, *, correlation_id: str, unanswered: int) -> None:
        """The trigger may have been accepted, but its answer is lost."""

    def not_understood(self, *, correlation_id: str, answer: str, unanswered: int) -> None:
        """The trigger was accepted, but the report id cannot be found in the answer."""

    def completed(self, request: ReportRequest, *, expiry: datetime | None) -> None:
        """The report is ready."""

    def downloaded(self, request: ReportRequest, *, size: int, sha256: str) -> None:
        """The report's file is on disk."""

    def finished(self, request: ReportRequest, reading: Reading) -> None:
        """All rows of the report are written, except for the rejected ones."""

    def ended(self, request: ReportRequest, *, report_id: str, status: PurchaseStatus) -> None:
        """The report will never be delivered, or a person has to decide what to do."""

    def released(self, request: ReportRequest) -> None:
        """This worker has stopped working on the window for now."""


class NoLedger:
    """Grants every claim and remembers nothing: bought reports are then in the state only."""

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:  # noqa: ARG002 - nothing is remembered
        """Adopt the report that the state has, if any."""
        return Claim(report_id=request.report_id)

    def confirm(self, *, correlation_id: str) -> None:
        """Without a ledger there are no other workers."""

    def bought(self, *, correlation_id: str, report_id: str, unanswered: int) -> str | None:  # noqa: ARG002 - nothing is remembered
        """Nothing is remembered."""
        return None

    def not_bought(self, *, correlation_id: str) -> None:
        """Nothing is remembered."""

    def lost(self, *, correlation_id: str, unanswered: int) -> None:
        """Nothing is remembered."""

    def not_understood(self, *, correlation_id: str, answer: str, unanswered: int) -> None:
        """Nothing is remembered."""

    def completed(self, request: ReportRequest, *, expiry: datetime | None) -> None:
        """Nothing is remembered."""

    def downloaded(self, request: ReportRequest, *, size: int, sha256: str) -> None:
        """Nothing is remembered."""

    def finished(self, request: ReportRequest, reading: Reading) -> None:
        """Nothing is remembered."""

    def ended(self, request: ReportRequest, *, report_id: str, status: PurchaseStatus) -> None:
        """Nothing is remembered."""

    def released(self, request: ReportRequest) -> None:
        """Nothing is remembered."""
