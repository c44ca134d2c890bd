"""A report on its way from request to file."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from tap_flipkart_reports.purchasing.events import Deferred, Delivery

if TYPE_CHECKING:
    from datetime import datetime

    from tap_flipkart_reports.purchasing.requests import ReportRequest


class Stage(Enum):
    """Where a report stands."""

    WAITING = "waiting"
    DELAYED = "delayed"
    CALLING = "being asked for"
    RUNNING = "in progress"
    READY = "ready to download"
    SETTLED = "on disk"


@dataclass(kw_only=True, eq=False)
class TrackedReport:
    """One request and what became of it so far; guarded by the scheduler's lock."""

    request: ReportRequest
    order: int
    stage: Stage = Stage.WAITING
    report_id: str | None = None
    correlation_id: str | None = None
    is_claimed: bool = False
    is_link_let_go: bool = False
    attempts: int = 0
    refused_calls: int = 0
    dead_links: int = 0
    not_found: int = 0
    triggered_at: float = 0.0
    polled_at: float = 0.0
    pause: float = 0.0
    ready_at: float = 0.0
    in_progress: bool = False
    expiry: datetime | None = None
    location: str | None = field(default=None, repr=False)
    odd_words: set[str] = field(default_factory=set)
    unfinished: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    rows: int = 0
    rejected: int = 0
    fingerprints: set[str] = field(default_factory=set)
    outcome: Delivery | Deferred | Exception | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.stage is Stage.SETTLED

    @property
    def is_unread(self) -> bool:
        """Whether its file lies on disk for some stream to read."""
        return isinstance(self.outcome, Delivery) and bool(self.unread)
