"""What happens to a report, as reported to whoever listens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from tap_flipkart_reports.purchasing.requests import ReportRequest


class EventKind(Enum):
    """What happened to a report, as reported to the consumer."""

    ADOPTED = "adopted"
    TRIGGERED = "triggered"
    LOST = "perhaps bought, but its id never arrived"
    NOT_UNDERSTOOD = "bought, but its id could not be read from the answer"
    COMPLETED = "completed"
    DOWNLOADED = "downloaded"
    ABANDONED = "abandoned"


@dataclass(frozen=True, kw_only=True)
class ReportEvent:
    """Something that happened to a report.

    Attributes:
        kind: what happened.
        request: for which window.
        report_id: the report, `None` with `LOST` and `NOT_UNDERSTOOD`.
        correlation_id: the id that was sent with the trigger, `None` for an adopted report.
        at: when, with zone.
        attempt: 1 for the first trigger of this run for the window, and so on; 0 for an adopted report.
        unanswered: with `TRIGGERED`, `LOST` and `NOT_UNDERSTOOD`, what the same trigger may have bought besides.
        seconds: with `COMPLETED`, from the trigger until the report was seen to be ready; of adopted reports, and with
            other changes, `None`.
        pause: with `COMPLETED`, seconds between the last two detail calls: at most so late was it seen.
        size: bytes, with `DOWNLOADED`.
    """

    kind: EventKind
    request: ReportRequest
    report_id: str | None
    correlation_id: str | None
    at: datetime
    attempt: int = 0
    unanswered: int = 0
    seconds: float | None = None
    pause: float | None = None
    size: int | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A report whose file lies on disk.

    Attributes:
        request: what was asked for.
        report_id: the report.
        path: the file; `Scheduler.release` removes it.
        size: bytes.
        sha256: hash of the bytes.
    """

    request: ReportRequest
    report_id: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Deferred:
    """A report that is left for the next run; not a failure.

    Attributes:
        request: what was asked for.
        report_id: the report, if one was bought: the next run adopts it.
        reason: why, as half a sentence.
        is_unbought: whether the budget left it over.
    """

    request: ReportRequest
    report_id: str | None
    reason: str
    is_unbought: bool = False

    def __str__(self) -> str:
        """The window, and the report if there is one."""
        return f"{self.request}" + (f" (report {self.report_id})" if self.report_id else "")


@dataclass(frozen=True, kw_only=True)
class ReportProgress:
    """Where a report stands while the run goes on; for people who watch.

    Attributes:
        request: what was asked for.
        report_id: the report, if it is bought.
        status: a word for what is done about it.
        age: seconds since its trigger, `None` before.
        next_poll: seconds until the next detail call, `None` if none is due.
    """

    request: ReportRequest
    report_id: str | None
    status: str
    age: float | None
    next_poll: float | None


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """How far a run is.

    Attributes:
        reports: those that are bought and awaited, the oldest first.
        waiting: windows that wait for their turn.
        done: windows of which nothing more has to be got.
        total: all of them.
    """

    reports: Sequence[ReportProgress]
    waiting: int
    done: int
    total: int
