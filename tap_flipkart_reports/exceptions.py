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
│   └── AnswerNotUnderstoodError        a trigger was accepted, but its answer does not say where the report id is
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
│   ├── OutputError                     standard output: it is closed
│   │   └── PipeClosedError             the target is gone
│   └── MachineError                    the machine: disk, memory, file descriptors, threads
│       └── WorkerError                 a thread of the run has ended, so the run cannot go on
└── WindowsFailedError                  the end of a run in which some windows failed
```

The command that an error ends exits with its `exit_code`: 2 for wrong settings, 3 for a broken part, 1 for the rest.

No text of an error holds a token, a secret or a download link: whoever raises one keeps them out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tap_flipkart_reports.redaction import clean_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

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
    """A window that failed for a stream; as text it is the sentence that the operator reads.

    Attributes:
        report_type: the report type, whose streams share its windows.
        stream: the stream.
        seller_id: the seller.
        warehouse_id: the warehouse, where the report type asks for one.
        window: the days.
        report_id: the report, if one was bought for the window.
        cause: what went wrong.
    """

    report_type: str
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

    @property
    def whole_window(self) -> tuple[str, str, str | None, Window]:
        """The window, whichever stream it failed for."""
        return self.report_type, self.seller_id, self.warehouse_id, self.window

    @property
    def shared_cause(self) -> tuple[str, str | None, str]:
        """What is the same where one cause fails many windows of a seller, or many tables of a report."""
        return self.seller_id, self.report_id, str(self.cause)

    def __str__(self) -> str:
        """Where it was, what went wrong, and what to do."""
        return _failure_sentence([self])


_CORRELATION_ID = re.compile(r"(?<=correlation id )[0-9a-f-]{36}")


def without_ids(cause: str, *, report_id: str | None) -> str:
    """A cause without what only one window has: the same for windows that failed alike.

    Args:
        cause: the sentence.
        report_id: the window's report, if it has one.
    """
    alike = _CORRELATION_ID.sub("…", cause)
    return re.sub(rf"(?<!\w){re.escape(report_id)}(?!\w)", "…", alike) if report_id else alike


def shared_words(causes: Iterable[tuple[str, str | None]]) -> str:
    """What failures that are alike say, of which each has a cause and perhaps a report id."""
    known = set(causes)
    (cause, report_id), *others = known
    return without_ids(cause, report_id=report_id) if others else cause


def _failure_sentence(failures: Sequence[WindowFailure]) -> str:
    """Failures that share their cause, as one sentence."""
    first = failures[0]
    cause = shared_words((str(failure.cause), failure.report_id) for failure in failures)
    warehouses = {failure.warehouse_id for failure in failures} - {None}
    place = [
        _streams(failures),
        f"seller {first.seller_id}",
        *([f"warehouse {first.warehouse_id}"] if len(warehouses) == 1 else []),
        *([f"{len(warehouses)} warehouses"] if len(warehouses) > 1 else []),
        _windows({failure.whole_window: failure.window for failure in failures}.values()),
        *([f"report {first.report_id}"] if first.report_id else []),
    ]
    # The report stays bought: the next run downloads it again at no cost, and perhaps the settings then allow for
    # what is wrong with it, or a newer tap can read it. Whether to buy it again is for a person to decide.
    advice = "; the next run reads it again at no cost, unless given_up_reports names it"
    return f"{', '.join(place)}: {cause}{advice if first.is_unreadable else ''}"


def _streams(failures: Sequence[WindowFailure]) -> str:
    names = list(dict.fromkeys(failure.stream for failure in failures))
    return " and ".join(names) if len(names) < MIN_COUNTED else f"{names[0]} and {len(names) - 1} more streams"


def _windows(windows: Collection[Window]) -> str:
    first, last = min(window.first for window in windows), max(window.last for window in windows)
    return f"{first} to {last}" if len(windows) == 1 else f"{len(windows):,} windows from {first} to {last}"


MIN_COUNTED = 3
"""Streams of one failure of which only the first is named."""

MAX_NAMED = 20
"""Failures and sellers that the last lines of a run name; all others are counted, and `run_summary` has them."""


class WindowsFailedError(FlipkartReportsError):
    """Some windows of a run failed.

    Attributes:
        failures: the failed windows, for each stream that they failed for.
    """

    def __init__(self, failures: Sequence[WindowFailure]) -> None:
        self.failures = tuple(failures)
        super().__init__(f"{self.headline}: {'; '.join(self.lines)}")

    @property
    def headline(self) -> str:
        """How many failed, and what becomes of them."""
        number = len({failure.whole_window for failure in self.failures})
        return f"{number:,} {'window' if number == 1 else 'windows'} failed and will be requested again by the next run"

    @property
    def lines(self) -> list[str]:
        """One line per cause, those of paid reports first; and how many more there are of each stream."""
        by_cause: dict[tuple[str, str | None, str], list[WindowFailure]] = {}
        for failure in sorted(self.failures, key=lambda failure: failure.report_id is None):
            seller_id, report_id, cause = failure.shared_cause
            by_cause.setdefault((seller_id, report_id, without_ids(cause, report_id=report_id)), []).append(failure)
        groups = list(by_cause.values())
        lines = [_failure_sentence(group) for group in groups[:MAX_NAMED]]
        if rest := Counter(failure.stream for group in groups[MAX_NAMED:] for failure in group):
            counts = ", ".join(f"{count:,} of {stream}" for stream, count in rest.most_common())
            lines.append(f"and {rest.total():,} more, which run_summary names: {counts}")
        return lines
