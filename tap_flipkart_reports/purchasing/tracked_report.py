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
    """Where a report stands."""

    WAITING = "waiting"
    DELAYED = "delayed"
    CALLING = "being asked for"
    CLAIMED = "about to be bought"
    BOOKING = "being recorded"
    RUNNING = "in progress"
    READY = "ready to download"
    SETTLED = "on disk"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """How often in a row the same thing went wrong, and since when.

    Attributes:
        kind: what.
        times: how often.
        since: seconds of the monotonic clock at the first time.
    """

    kind: str = ""
    times: int = 0
    since: float = 0.0

    def again(self, kind: str, *, now: float) -> Trouble:
        """What is known after one more time."""
        if kind != self.kind:
            return Trouble(kind=kind, times=1, since=now)
        return Trouble(kind=kind, times=self.times + 1, since=self.since)


NO_TROUBLE = Trouble()


@dataclass(kw_only=True, eq=False)
class TrackedReport:
    """One request and what became of it so far; guarded by the scheduler's lock.

    Attributes:
        request: what is asked for.
        order: its place among all requests of the run.
        is_claimed: whether the ledger has the window under this run's name.
        is_last: whether links of an earlier report of the window were refused for good: no other one is bought then.
        has_waited_for_link: whether it has let a link die to get one that lives longer.
        attempts: triggers of this run for the window.
        lost_answers: of them, those whose answer never came.
        refused_calls: of its triggers, those that came to nothing and may succeed later.
        detail_trouble: what last went wrong with its detail calls.
        link_trouble: what last went wrong with its downloads.
        undelivered_since: when its first download came to nothing; never if none has.
        poll_at: when it is asked about next, while it runs.
        in_progress: whether it takes a slot.
        reading: what its streams have found in it so far.
    """

    request: ReportRequest
    order: int
    stage: Stage = Stage.WAITING
    report_id: str | None = None
    correlation_id: str | None = None
    is_claimed: bool = False
    is_last: bool = False
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
    odd_words: set[str] = field(default_factory=set)
    unfinished: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    reading: Reading = field(default_factory=Reading)
    outcome: Delivery | Deferred | Exception | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.stage is Stage.SETTLED

    @property
    def is_unread(self) -> bool:
        """Whether its file lies on disk for some stream to read."""
        return isinstance(self.outcome, Delivery) and bool(self.unread)

    def began(self, report_id: str, *, at: float) -> None:
        """It has a report, bought or adopted, from now on."""
        self.report_id = report_id
        self.triggered_at = at
        self.detail_trouble = self.link_trouble = NO_TROUBLE
        self.undelivered_since = inf

    def finished(self, stream: str, reading: Reading) -> None:
        """One of its streams has sent its rows."""
        self.unfinished.discard(stream)
        self.reading = self.reading.with_other(reading)

    def __str__(self) -> str:
        """Stream, seller, window, report and correlation id, as far as they are known."""
        report = f", report {self.report_id}" if self.report_id else ""
        correlation = f", correlation id {self.correlation_id}" if self.correlation_id else ""
        return f"{self.request}{report}{correlation}"
