"""All errors of this package.

```
FlipkartReportsError                    base of all; its text is one sentence for the operator
├── SettingsError                       a setting, a state or a catalog is wrong; nothing was called, nothing bought
├── AuthenticationError                 a seller's credentials were refused or cannot be read
├── AuthorizationError                  authorising a seller failed
├── ConnectionTestError                 the connection test could not get a token
├── CallError                           an HTTP call failed, retries included
│   ├── CallRefusedError                the API refused the request (4xx)
│   │   ├── RateLimitedError            429: try later
│   │   └── LinkRefusedError            a download link is dead
│   ├── OutageError                     a host does not answer and is given up for this run
│   ├── HostAwayError                   a host is away, and this call does not wait
│   ├── AnotherReportError              a detail answer is about another report
│   ├── AnswerLostError                 a trigger may have been accepted, but its answer is lost
│   └── AnswerNotUnderstoodError        a trigger was accepted, but its answer has no report id
├── ClaimLostError                      another worker has taken over the window
├── ReportError                         the API accepted the report but did not deliver it
│   ├── ReportFailedError               status FAILED
│   ├── ReportExpiredError              status EXPIRED, or every link of it is dead
│   ├── ReportTimeoutError              not ready within `report_timeout`
│   └── MixedUpReportError              its id, link or file belongs to another window
├── FileError                           the downloaded bytes are not a table
├── RowError                            a header or row does not fit the stream
├── BrokenPartError                     something other than the API does not work
│   ├── LedgerError                     the report ledger; nothing is bought without it
│   ├── TokenStoreError                 the token store; no token is requested without it
│   ├── ArchiveError                    the archive of downloaded files
│   ├── OutputError                     standard output is closed
│   │   └── PipeClosedError             the target has closed the pipe
│   └── MachineError                    the machine: disk, memory, file descriptors, threads
│       └── WorkerError                 a thread of the run has ended, so the run cannot continue
└── WindowsFailedError                  some windows of a run failed
```

A command that ends with an error exits with its `exit_code`: 2 for wrong settings, 3 for a broken part, 1 otherwise.

Texts of errors contain no tokens, secrets or download links.
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
    """Base of all errors of this package; `str(error)` is one line without this process's secrets."""

    exit_code: ClassVar[int] = 1
    """The exit code of a command that ends with this error."""

    def __init__(self, message: str) -> None:
        super().__init__(clean_line(message))


class SettingsError(FlipkartReportsError):
    """A setting, a state or a catalog is wrong or missing."""

    exit_code = 2


class AuthenticationError(FlipkartReportsError):
    """A seller's credentials were refused or cannot be read."""


class AuthorizationError(FlipkartReportsError):
    """Authorising a seller failed."""


class ConnectionTestError(FlipkartReportsError):
    """The connection test could not get all tokens."""


class CallError(FlipkartReportsError):
    """An HTTP call failed, retries included.

    Attributes:
        status: the HTTP status of the last answer, `None` without an answer.
        correlation_id: a trigger's correlation id, by which Flipkart's support may find it; `None` for other calls.
    """

    def __init__(self, message: str, *, status: int | None = None, correlation_id: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.correlation_id = correlation_id


class CallRefusedError(CallError):
    """The API answered 4xx.

    Attributes:
        is_own_answer: whether the answer is the API's own and not a gateway's page.
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
        retry_after: seconds that the API asked to wait, `None` if it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None, correlation_id: str | None = None) -> None:
        super().__init__(message, status=429, correlation_id=correlation_id)
        self.retry_after = retry_after


class LinkRefusedError(CallRefusedError):
    """A download link is dead: refused, expired or gone."""


class OutageError(CallError):
    """A host does not answer and is given up for this run; all further calls to it fail with this error."""


class HostAwayError(CallError):
    """A host is away, and this call does not wait for it."""


class AnotherReportError(CallError):
    """A detail answer is about another report, so it is not trusted."""


class AnswerLostError(CallError):
    """A trigger may have been accepted, but its answer with the report id is lost.

    Attributes:
        unanswered: number of tries, each of which may have bought a report.
    """

    def __init__(
        self, message: str, *, unanswered: int = 1, status: int | None = None, correlation_id: str | None = None
    ) -> None:
        super().__init__(message, status=status, correlation_id=correlation_id)
        self.unanswered = unanswered


class AnswerNotUnderstoodError(CallError):
    """A trigger was accepted, but the report id cannot be found in its answer.

    Attributes:
        answer: the answer without secrets.
        unanswered: number of earlier tries, each of which may have bought a report too.
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
    """Another worker has taken over a window while this one was suspended, so the trigger is not sent."""


class ReportError(FlipkartReportsError):
    """The API accepted the report but did not deliver it."""


class ReportFailedError(ReportError):
    """The report's status is FAILED; Flipkart gives no reason."""


class ReportExpiredError(ReportError):
    """The report's status is EXPIRED, or every link of it is dead."""


class ReportTimeoutError(ReportError):
    """The report was not ready within `report_timeout`."""


class MixedUpReportError(ReportError):
    """The report's id, link or file belongs to another window, so it is not trusted."""


class FileError(FlipkartReportsError):
    """The downloaded bytes are not a table that can be read."""


class RowError(FlipkartReportsError):
    """A table's header or one of its rows does not fit the stream."""


class BrokenPartError(FlipkartReportsError):
    """Something other than the API that the run needs does not work."""

    exit_code = 3


class LedgerError(BrokenPartError):
    """The report ledger cannot be used; nothing is bought without it."""


class TokenStoreError(BrokenPartError):
    """The token store cannot be used; without it no token is requested and no call is made."""


class ArchiveError(BrokenPartError):
    """The archive of downloaded files cannot be used."""


class OutputError(BrokenPartError):
    """Standard output cannot be written."""


class PipeClosedError(OutputError):
    """The target closed the pipe that the tap writes to."""


class MachineError(BrokenPartError):
    """The machine refuses what the run needs: disk, memory, file descriptors, threads."""


class WorkerError(MachineError):
    """A thread of the run has ended or could not be started, so the run cannot continue."""


@dataclass(frozen=True, kw_only=True)
class WindowFailure:
    """A window that failed for a stream; `str` gives the sentence for the operator.

    Attributes:
        report_type: the report type.
        stream: the stream.
        seller_id: the seller.
        warehouse_id: the warehouse, for report types that require one.
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
        """Whether the report was downloaded but cannot be read."""
        return isinstance(self.cause, (FileError, RowError, ArchiveError))

    @property
    def whole_window(self) -> tuple[str, str, str | None, Window]:
        """The window without the stream."""
        return self.report_type, self.seller_id, self.warehouse_id, self.window

    @property
    def shared_cause(self) -> tuple[str, str | None, str]:
        """The key that failures with the same cause share, for a seller's windows or a report's tables."""
        return self.seller_id, self.report_id, str(self.cause)

    def __str__(self) -> str:
        """Where it failed, why, and what to do."""
        return _failure_sentence([self])


_CORRELATION_ID = re.compile(r"(?<=correlation id )[0-9a-f-]{36}")


def without_ids(cause: str, *, report_id: str | None) -> str:
    """A cause without report and correlation ids, so that equal causes of different windows are equal texts.

    Args:
        cause: the sentence.
        report_id: the window's report, if any.
    """
    text = _CORRELATION_ID.sub("…", cause)
    return re.sub(rf"(?<!\w){re.escape(report_id)}(?!\w)", "…", text) if report_id else text


def shared_words(causes: Iterable[tuple[str, str | None]]) -> str:
    """The common sentence of failures with the same cause; each is a cause and its report id, if any."""
    known = set(causes)
    (cause, report_id), *others = known
    return without_ids(cause, report_id=report_id) if others else cause


def _failure_sentence(failures: Sequence[WindowFailure]) -> str:
    """One sentence for failures that share their cause."""
    first = failures[0]
    cause = shared_words((str(failure.cause), failure.report_id) for failure in failures)
    warehouses = {failure.warehouse_id for failure in failures} - {None}
    where = [
        _streams(failures),
        f"seller {first.seller_id}",
        *([f"warehouse {first.warehouse_id}"] if len(warehouses) == 1 else []),
        *([f"{len(warehouses)} warehouses"] if len(warehouses) > 1 else []),
        _windows({failure.whole_window: failure.window for failure in failures}.values()),
        *([f"report {first.report_id}"] if first.report_id else []),
    ]
    # The report stays bought: the next run downloads it again at no cost, and perhaps other settings or a newer tap can
    # read it. Buying it again is a person's decision.
    advice = "; the next run reads it again at no cost, unless given_up_reports names it"
    return f"{', '.join(where)}: {cause}{advice if first.is_unreadable else ''}"


def _streams(failures: Sequence[WindowFailure]) -> str:
    names = list(dict.fromkeys(failure.stream for failure in failures))
    return " and ".join(names) if len(names) < MIN_COUNTED else f"{names[0]} and {len(names) - 1} more streams"


def _windows(windows: Collection[Window]) -> str:
    first, last = min(window.first for window in windows), max(window.last for window in windows)
    return f"{first} to {last}" if len(windows) == 1 else f"{len(windows):,} windows from {first} to {last}"


MIN_COUNTED = 3
"""From this many streams on, a sentence names only the first and counts the others."""

MAX_NAMED = 20
"""How many failures and sellers the last lines of a run name; the others are counted, and `run_summary` has them."""


class WindowsFailedError(FlipkartReportsError):
    """Some windows of a run failed.

    Attributes:
        failures: the failed windows, one for each stream.
    """

    def __init__(self, failures: Sequence[WindowFailure]) -> None:
        self.failures = tuple(failures)
        super().__init__(f"{self.headline}: {'; '.join(self.lines)}")

    @property
    def headline(self) -> str:
        """How many windows failed, and what the next run does."""
        number = len({failure.whole_window for failure in self.failures})
        return f"{number:,} {'window' if number == 1 else 'windows'} failed and will be requested again by the next run"

    @property
    def lines(self) -> list[str]:
        """One line per cause, paid reports first; then the number of further failures of each stream."""
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
