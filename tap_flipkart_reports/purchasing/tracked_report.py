"""A report on its way from request to file."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import TYPE_CHECKING

from tap_flipkart_reports.purchasing.events import Deferred, Delivery
from tap_flipkart_reports.purchasing.requests import Reading

if TYPE_CHECKING:
    from datetime import datetime

    from tap_flipkart_reports.purchasing.requests import ReportRequest


class Stage(Enum):
    """The stage of a report on its way."""

    WAITING = "waiting"
    DELAYED = "delayed"
    CALLING = "being asked for"
    CLAIMED = "about to be bought"
    RECORDING = "being recorded"
    RUNNING = "in progress"
    READY = "ready to download"
    DONE = "on disk"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """How often the same thing went wrong in a row, and since when.

    Attributes:
        kind: what went wrong.
        times: how often in a row.
        since: the first time, in seconds of the monotonic clock.
    """

    kind: str = ""
    times: int = 0
    since: float = 0.0

    def again(self, kind: str, *, now: float) -> Trouble:
        """The trouble after one more failure."""
        if kind != self.kind:
            return Trouble(kind=kind, times=1, since=now)
        return Trouble(kind=kind, times=self.times + 1, since=self.since)


NO_TROUBLE = Trouble()


@dataclass(kw_only=True, eq=False)
class TrackedReport:
    """One request and its progress; guarded by the scheduler's lock.

    Attributes:
        request: the request.
        order: its position among all requests of the run.
        is_claimed: whether this run holds the window in the ledger.
        is_last_purchase: whether the links of an earlier report of the window were refused for good, so that no further
            report is bought.
        has_waited_for_link: whether it has waited for a link to expire in order to get a newer one.
        attempts: number of triggers of this run for the window.
        lost_answers: how many of these were never answered.
        refused_calls: triggers that failed and may succeed later.
        detail_trouble: what last went wrong with its detail calls.
        link_trouble: what last went wrong with its downloads.
        undelivered_since: when its first download failed; infinity if none has.
        poll_at: when the next detail call is due, while it is running.
        in_progress: whether it takes a slot.
        logged_statuses: undocumented status words that were logged.
        reading: the sum of its streams' readings so far.
    """

    request: ReportRequest
    order: int
    stage: Stage = Stage.WAITING
    report_id: str | None = None
    correlation_id: str | None = None
    is_claimed: bool = False
    is_last_purchase: bool = False
    has_waited_for_link: bool = False
    attempts: int = 0
    lost_answers: int = 0
    refused_calls: int = 0
    detail_trouble: Trouble = NO_TROUBLE
    link_trouble: Trouble = NO_TROUBLE
    undelivered_since: float = inf
    triggered_at: float = 0.0
    polled_at: float = 0.0
    pause: float = 0.0
    poll_at: float = 0.0
    ready_at: float = 0.0
    in_progress: bool = False
    expiry: datetime | None = None
    location: str | None = field(default=None, repr=False)
    logged_statuses: set[str] = field(default_factory=set)
    unfinished: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    reading: Reading = field(default_factory=Reading)
    outcome: Delivery | Deferred | Exception | None = None

    @property
    def is_done(self) -> bool:
        """Whether its outcome is final."""
        return self.stage is Stage.DONE

    @property
    def is_unread(self) -> bool:
        """Whether its file is on disk and a stream still has to read it."""
        return isinstance(self.outcome, Delivery) and bool(self.unread)

    def began(self, report_id: str, *, at: float) -> None:
        """Record the report that was bought or adopted for it."""
        self.report_id = report_id
        self.triggered_at = at
        self.detail_trouble = self.link_trouble = NO_TROUBLE
        self.undelivered_since = inf

    def finished(self, stream: str, reading: Reading) -> None:
        """Record that one of its streams has written all rows."""
        self.unfinished.discard(stream)
        self.reading = self.reading.with_other(reading)

    def __str__(self) -> str:
        """Stream, seller, window, report and correlation id, as far as they are known."""
        report = f", report {self.report_id}" if self.report_id else ""
        correlation = f", correlation id {self.correlation_id}" if self.correlation_id else ""
        return f"{self.request}{report}{correlation}"
