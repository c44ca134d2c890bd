"""What buying needs from outside: the API, and a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tap_flipkart_reports.purchasing.requests import Claim, PurchaseStatus, Reading, ReportRequest, TriggerAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from tap_flipkart_reports.purchasing.report_detail import ReportDetail


class DownloadedFile(Protocol):
    """What is known of a downloaded file."""

    @property
    def size(self) -> int:
        """Bytes on disk."""

    @property
    def sha256(self) -> str:
        """Hash of the bytes, in hexadecimal."""


class ReportApi(Protocol):
    """The three calls, as `client.ReportClient` makes them."""

    def trigger(
        self,
        *,
        seller_id: str,
        identifier: str,
        parameters: Mapping[str, object],
        correlation_id: str,
        before_send: Callable[[], None],
    ) -> TriggerAnswer:
        """Buy a report. What `before_send` raises comes before anything is sent, and ends the call."""

    def report_id_in(self, answer: str) -> str | None:
        """The report id in an earlier answer to a trigger, if it is known by now where it is."""

    def detail(self, *, seller_id: str, report_id: str) -> ReportDetail:
        """Where the report stands."""

    def download(self, *, seller_id: str, report_id: str, location: str, path: Path) -> DownloadedFile:
        """Fetch the file."""


class ReportLedger(Protocol):
    """Where bought reports are booked, as `ledger.Ledger` does; called from any thread, before or after each call."""

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
        """Say that a trigger is about to be made, unless the window has a report or another worker."""

    def confirm(self, *, correlation_id: str) -> None:
        """Make sure that the claim still stands, right before the trigger is sent.

        Raises:
            ClaimLostError: it does not; nothing may be sent.
        """

    def bought(self, *, correlation_id: str, report_id: str, unanswered: int) -> str | None:
        """The trigger was accepted; the other window that has the report already, if there is one."""

    def not_bought(self, *, correlation_id: str) -> None:
        """The trigger was refused."""

    def lost(self, *, correlation_id: str, unanswered: int) -> None:
        """The trigger may have been accepted, but its answer is lost."""

    def not_understood(self, *, correlation_id: str, answer: str, unanswered: int) -> None:
        """The trigger was accepted, but nobody can tell the report id from the answer."""

    def completed(self, request: ReportRequest, *, expiry: datetime | None) -> None:
        """The report is ready."""

    def downloaded(self, request: ReportRequest, *, size: int, sha256: str) -> None:
        """The report's file is on disk."""

    def finished(self, request: ReportRequest, reading: Reading) -> None:
        """All rows of the report are out, but for the rejected ones."""

    def ended(self, request: ReportRequest, *, report_id: str, status: PurchaseStatus) -> None:
        """Nothing more is done about the report: it will never be delivered, or a person has to decide."""

    def released(self, request: ReportRequest) -> None:
        """This worker does no more about the window for now."""


class NoLedger:
    """Grants everything and remembers nothing: reports in flight then travel in the state alone."""

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:  # noqa: ARG002 - nothing is remembered
        """A report the state knows is adopted."""
        return Claim(report_id=request.report_id)

    def confirm(self, *, correlation_id: str) -> None:
        """Nobody else can have it."""

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
