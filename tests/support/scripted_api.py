"""A stand-in for the three calls that lives in a virtual clock: hours of hundreds of reports in milliseconds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_flipkart_reports.purchasing.report_detail import ReportDetail, ReportStatus
from tap_flipkart_reports.purchasing.requests import TriggerAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from tap_flipkart_reports.clock import Clock


@dataclass(frozen=True, kw_only=True)
class File:
    size: int
    sha256: str


@dataclass
class Bought:
    seller_id: str
    identifier: str
    parameters: Mapping[str, object]
    triggered_at: float
    generation: float
    status: ReportStatus = ReportStatus.COMPLETED
    polls: int = 0
    downloaded_at: float | None = None


@dataclass
class ScriptedApi:
    """Answers as its hooks say; every hook may raise, as the client would.

    Attributes:
        generation: seconds a report takes, by seller and identifier.
        on_trigger: called before a trigger is accepted.
        final: the status a report ends with.
        on_download: called before a file is written.
        size: what files are said to be, in bytes; by default what they are.
        named: the id that a trigger is answered with.
        unanswered: tries that a trigger is said to have had before.
        on_answer: the report id in the answer to an earlier trigger.
        location: the link of a report.
        sha256: the hash of its file.
    """

    clock: Clock
    generation: Callable[[str, str], float] = lambda _seller, _identifier: 60.0
    on_trigger: Callable[[str, str], None] = lambda _seller, _identifier: None
    on_detail: Callable[[str, str], None] = lambda _seller, _report_id: None
    final: Callable[[str], ReportStatus] = lambda _report_id: ReportStatus.COMPLETED
    on_download: Callable[[str], None] = lambda _report_id: None
    expiry: Callable[[str], datetime | None] = lambda _report_id: None
    reports: dict[str, Bought] = field(default_factory=dict)
    download_order: list[str] = field(default_factory=list)
    size: int | None = None
    named: Callable[[str], str] = lambda report_id: report_id
    unanswered: int = 0
    on_answer: Callable[[str], str | None] = lambda _answer: None
    location: Callable[[str], str] = lambda report_id: f"https://files.test/{report_id}"
    sha256: Callable[[str], str] = lambda report_id: report_id
    most_in_progress: int = 0
    most_of_a_seller: int = 0

    def trigger(
        self,
        *,
        seller_id: str,
        identifier: str,
        parameters: Mapping[str, object],
        correlation_id: str,
        before_send: Callable[[], None] = lambda: None,
    ) -> TriggerAnswer:
        assert correlation_id
        before_send()
        self.on_trigger(seller_id, identifier)
        report_id = f"R-{len(self.reports) + 1}"
        self.reports[report_id] = Bought(
            seller_id=seller_id,
            identifier=identifier,
            parameters=parameters,
            triggered_at=self.clock.monotonic(),
            generation=self.generation(seller_id, identifier),
            status=self.final(report_id),
        )
        running = Counter(report.seller_id for report in self._running())
        self.most_in_progress = max(self.most_in_progress, running.total())
        self.most_of_a_seller = max(self.most_of_a_seller, *running.values(), 0)
        return TriggerAnswer(report_id=self.named(report_id), unanswered=self.unanswered)

    def report_id_in(self, answer: str) -> str | None:
        return self.on_answer(answer)

    def _running(self) -> Iterator[Bought]:
        now = self.clock.monotonic()
        return (report for report in self.reports.values() if now < report.triggered_at + report.generation)

    def detail(self, *, seller_id: str, report_id: str) -> ReportDetail:
        self.on_detail(seller_id, report_id)
        report = self.reports[report_id]
        assert report.seller_id == seller_id
        report.polls += 1
        done = self.clock.monotonic() >= report.triggered_at + report.generation
        status = report.status if done else ReportStatus.PROCESSING
        return ReportDetail(
            report_id=report_id,
            status=status,
            status_word=status.value,
            location=self.location(report_id) if status is ReportStatus.COMPLETED else None,
            expiry=self.expiry(report_id),
        )

    def download(self, *, seller_id: str, report_id: str, location: str, path: Path) -> File:
        assert location == self.location(report_id)
        assert self.reports[report_id].seller_id == seller_id
        self.on_download(report_id)
        self.download_order.append(report_id)
        self.reports[report_id].downloaded_at = self.clock.monotonic()
        path.write_text(report_id)
        return File(size=len(report_id) if self.size is None else self.size, sha256=self.sha256(report_id))
