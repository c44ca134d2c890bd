"""Everything that can go wrong, as one tree.

```
FlipkartReportsError                    any of the below: its text is one sentence for the operator
├── SettingsError                       a setting, a state or a catalog is wrong; nothing was called, nothing bought
├── AuthenticationError                 a seller's credentials were refused, or cannot be read
├── AuthorizationError                  a seller's authorisation did not come about
├── ConnectionTestError                 a test of the connection found a token that cannot be obtained
├── CallError                           one HTTP call did not succeed, retries included
│   ├── CallRefusedError                the API said no (4xx)
│   │   ├── RateLimitedError            429: come back later
│   │   └── LinkRefusedError            a download link is dead
│   ├── OutageError                     a host does not answer, and is given up for this run: nothing was done
│   ├── HostAwayError                   a host does not answer just now, and this call does not wait
│   ├── AnotherReportError              a detail answer names another report than was asked about
│   ├── AnswerLostError                 a trigger may have been accepted, but its answer never arrived
│   └── AnswerNotUnderstoodError        a trigger was accepted, but its answer does not say where the report id stands
├── ClaimLostError                      another worker has taken the window over, so nothing is sent
├── ReportError                         the API accepted the report and did not deliver it
│   ├── ReportFailedError               status FAILED
│   ├── ReportExpiredError              status EXPIRED, or every link of it is dead
│   ├── ReportTimeoutError              not ready within `report_timeout`
│   └── MixedUpReportError              its id, its link or its file belongs to another window
├── FileError                           the downloaded bytes are not a table
├── RowError                            a table's header or a row is not what the stream can read
├── BrokenPartError                     something that the run needs beside the API does not work
│   ├── LedgerError                     the report ledger; nothing is bought without it
│   ├── TokenStoreError                 the token store; no token is asked for without it
│   ├── ArchiveError                    the archive of downloaded files
│   ├── OutputError                     standard output: it is closed, or its disk is full
│   │   └── PipeClosedError             the target is gone
│   └── MachineError                    the machine: disk, memory, file descriptors, threads
│       └── WorkerError                 a thread of the run has ended, so the run cannot go on
└── WindowsFailedError                  the end of a run in which some windows failed
```

The command that an error ends exits with its `exit_code`: 2 for wrong settings, 3 for a broken part, 1 for the rest.

No text of an error holds a token, a secret or a download link: whoever raises one keeps them out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tap_flipkart_reports.redaction import clean_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_flipkart_reports.windows import Window


class FlipkartReportsError(Exception):
    """Base of every error of this package; `str(error)` is one line without secrets of this process."""

    exit_code: ClassVar[int] = 1
    """Of a command that ends with it."""

    def __init__(self, message: str) -> None:
        super().__init__(clean_line(message))


class SettingsError(FlipkartReportsError):
    """A setting, a state or a catalog is wrong or missing."""

    exit_code = 2


class AuthenticationError(FlipkartReportsError):
    """A seller's credentials were refused, or cannot be read."""


class AuthorizationError(FlipkartReportsError):
    """A seller's authorisation did not come about."""


class ConnectionTestError(FlipkartReportsError):
    """A test of the connection found tokens that cannot be obtained."""


class CallError(FlipkartReportsError):
    """One HTTP call did not succeed, retries included.

    Attributes:
        status: the HTTP status of the last answer, `None` where none came.
        correlation_id: of a trigger, by which Flipkart's support may find it; `None` for other calls.
    """

    def __init__(self, message: str, *, status: int | None = None, correlation_id: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.correlation_id = correlation_id


class CallRefusedError(CallError):
    """The API answered 4xx.

    Attributes:
        is_own_answer: whether the answer is one of the API itself, and not the page of some gateway before it.
    """

    status: int

    def __init__(
        self, message: str, *, status: int, correlation_id: str | None = None, is_own_answer: bool = False
    ) -> None:
        super().__init__(message, status=status, correlation_id=correlation_id)
        self.is_own_answer = is_own_answer


class RateLimitedError(CallRefusedError):
    """The API answered 429.

    Attributes:
        retry_after: seconds the API asked to wait, `None` when it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None, correlation_id: str | None = None) -> None:
        super().__init__(message, status=429, correlation_id=correlation_id)
        self.retry_after = retry_after


class LinkRefusedError(CallRefusedError):
    """A download link is dead: refused, expired or gone."""


class OutageError(CallError):
    """A host does not answer, and is given up for this run; nothing was bought, and every further call ends so."""


class HostAwayError(CallError):
    """A host does not answer just now, and this call does not wait for it."""


class AnotherReportError(CallError):
    """A detail answer names another report than was asked about, so nothing in it is believed."""


class AnswerLostError(CallError):
    """A trigger may have been accepted, but its answer, and with it the report id, never arrived.

    Attributes:
        unanswered: tries of which each may have bought a report.
    """

    def __init__(
        self, message: str, *, unanswered: int = 1, status: int | None = None, correlation_id: str | None = None
    ) -> None:
        super().__init__(message, status=status, correlation_id=correlation_id)
        self.unanswered = unanswered


class AnswerNotUnderstoodError(CallError):
    """A trigger was accepted, but nobody can tell the report id from its answer.

    Attributes:
        answer: the answer without secrets; the id is in it.
        unanswered: earlier tries of which each may have bought a report too.
    """

    def __init__(
        self,
        message: str,
        *,
        answer: str,
        unanswered: int = 0,
        status: int | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, status=status, correlation_id=correlation_id)
        self.answer = answer
        self.unanswered = unanswered


class ClaimLostError(FlipkartReportsError):
    """Another worker has taken a window over while this one slept, so its trigger is not sent."""


class ReportError(FlipkartReportsError):
    """The API accepted the report and did not deliver it."""


class ReportFailedError(ReportError):
    """The report's status is FAILED; Flipkart gives no reason."""


class ReportExpiredError(ReportError):
    """The report's status is EXPIRED, or every link of it is dead."""


class ReportTimeoutError(ReportError):
    """The report was not ready within `report_timeout`."""


class MixedUpReportError(ReportError):
    """The report's id, its link or its file belongs to another window: nothing of it is believed."""


class FileError(FlipkartReportsError):
    """The downloaded bytes are not a table that can be read."""


class RowError(FlipkartReportsError):
    """A table's header or one of its rows is not what the stream can read."""


class BrokenPartError(FlipkartReportsError):
    """Something that the run needs beside the API does not work."""

    exit_code = 3


class LedgerError(BrokenPartError):
    """The report ledger cannot be used; nothing is bought without it."""


class TokenStoreError(BrokenPartError):
    """The token store cannot be used; no token is asked for without it, and no call made. Later it may be back."""


class ArchiveError(BrokenPartError):
    """The archive of downloaded files cannot be used."""


class OutputError(BrokenPartError):
    """Standard output cannot be written."""


class PipeClosedError(OutputError):
    """The target closed the pipe that the tap writes to."""


class MachineError(BrokenPartError):
    """The machine refuses what the run needs: disk, memory, file descriptors, threads."""


class WorkerError(MachineError):
    """A thread of the run has ended, or could not be started: the run cannot go on."""


@dataclass(frozen=True, kw_only=True)
class WindowFailure:
    """A window that failed; as text it is the sentence that the operator reads.

    Attributes:
        stream: the stream.
        seller_id: the seller.
        warehouse_id: the warehouse, where the report type asks for one.
        window: the days.
        report_id: the report, if one was bought for the window.
        cause: what went wrong.
    """

    stream: str
    seller_id: str
    warehouse_id: str | None
    window: Window
    report_id: str | None
    cause: FlipkartReportsError

    @property
    def is_unreadable(self) -> bool:
        """Whether the report is there and cannot be read."""
        return isinstance(self.cause, (FileError, RowError, ArchiveError))

    def __str__(self) -> str:
        """Where it was, what went wrong, and what to do."""
        warehouse = f", warehouse {self.warehouse_id}" if self.warehouse_id else ""
        report = f", report {self.report_id}" if self.report_id else ""
        # The report stays bought: the next run downloads it again at no cost, and perhaps the settings then allow for
        # what is wrong with it, or a newer tap can read it. Whether to buy it again is for a person to decide.
        advice = "; the next run reads it again at no cost, unless given_up_reports names it"
        advice = advice if self.is_unreadable else ""
        return f"{self.stream}, seller {self.seller_id}{warehouse}, {self.window}{report}: {self.cause}{advice}"


MAX_NAMED = 20
"""Windows and sellers that the last lines of a run name; all others are counted, and `run_summary` has them."""


class WindowsFailedError(FlipkartReportsError):
    """Some windows of a run failed.

    Attributes:
        failures: the failed windows.
    """

    def __init__(self, failures: Sequence[WindowFailure]) -> None:
        self.failures = tuple(failures)
        super().__init__(f"{self.headline}: {'; '.join(self.lines)}")

    @property
    def headline(self) -> str:
        """How many failed, and what becomes of them."""
        noun = "window" if len(self.failures) == 1 else "windows"
        return f"{len(self.failures):,} {noun} failed and will be requested again by the next run"

    @property
    def lines(self) -> list[str]:
        """The worst of them, those that are paid for first; and how many more there are of each stream."""
        ranked = sorted(self.failures, key=lambda failure: failure.report_id is None)
        lines = [str(failure) for failure in ranked[:MAX_NAMED]]
        if rest := Counter(failure.stream for failure in ranked[MAX_NAMED:]):
            counts = ", ".join(f"{count:,} of {stream}" for stream, count in rest.most_common())
            lines.append(f"and {rest.total():,} more, which run_summary names: {counts}")
        return lines
