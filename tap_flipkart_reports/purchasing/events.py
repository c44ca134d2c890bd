"""Events and results of reports, as the scheduler reports them to its consumer."""

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
    """The kind of an event."""

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
        request: the window.
        report_id: the report, `None` with `LOST` and `NOT_UNDERSTOOD`.
        correlation_id: the id that was sent with the trigger, `None` for an adopted report.
        at: when, with zone.
        attempt: 1 for the first trigger of the window in this run, and so on; 0 for an adopted report.
        unanswered: with `TRIGGERED`, `LOST` and `NOT_UNDERSTOOD`, how many more reports the trigger may have bought.
        seconds: with `COMPLETED`, the time from the trigger until a detail call saw the report ready; `None` for
            adopted reports and other events.
        pause: with `COMPLETED`, seconds between the last two detail calls: the report was seen at most that late.
        size: with `DOWNLOADED`, the file's bytes.
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
    """A report whose file is on disk.

    Attributes:
        request: the request.
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
    """A report that is deferred to the next run. That is not a failure.

    Attributes:
        request: the request.
        report_id: the report, if one was bought: the next run adopts it.
        reason: why, as a clause.
        is_unbought: whether it was not bought because the budget is used up.
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
    """The progress of one report, for display.

    Attributes:
        request: the request.
        report_id: the report, if it is bought.
        status: what is happening to it, in words.
        age: seconds since its trigger, `None` before that.
        next_poll: seconds until the next detail call, `None` if none is due.
    """

    request: ReportRequest
    report_id: str | None
    status: str
    age: float | None
    next_poll: float | None


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """The progress of a run.

    Attributes:
        reports: bought reports that are not read yet, the oldest first.
        waiting: number of windows that wait for a slot.
        done: number of windows for which nothing more has to be fetched.
        total: number of all windows.
    """

    reports: Sequence[ReportProgress]
    waiting: int
    done: int
    total: int
