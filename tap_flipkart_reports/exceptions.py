"""Everything that can go wrong, as one tree.

```
FlipkartReportsError                    any of the below: its text is one sentence for the operator
├── SettingsError                       a setting is wrong or missing; nothing was called, nothing bought
├── AuthenticationError                 a seller's credentials were refused, or cannot be read
├── AuthorizationError                  a seller's authorisation did not come about
├── ConnectionTestError                 a test of the connection found a token that is not to be had
├── CallError                           one HTTP call did not succeed, retries included
│   ├── CallRefusedError                the API said no (4xx)
│   │   ├── RateLimitedError            429: come back later
│   │   └── LinkRefusedError            a download link is dead
│   ├── OutageError                     a host does not answer, and is given up for this run: nothing was done
│   ├── HostAwayError                   a host does not answer just now, and this call does not wait
│   ├── TokenStoreError                 the token store cannot be used, so no token is asked for
│   └── AnswerLostError                 a trigger may have been accepted, but its answer never arrived
├── ReportError                         the API accepted the report and did not deliver it
│   ├── ReportFailedError               status FAILED
│   ├── ReportExpiredError              status EXPIRED, or every link of it is dead
│   └── ReportTimeoutError              not ready within `report_timeout`
├── LedgerError                         the report ledger cannot be used; nothing is bought without it
├── ArchiveError                        the archive of downloaded files cannot be used
├── FileError                           the downloaded bytes are not a table
├── RowError                            a table's header or a row is not what the stream can read
├── PipeClosedError                     the target is gone
└── WindowsFailedError                  the end of a run in which some windows failed
```

No text of an error holds a token, a secret or a download link: whoever raises one keeps them out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_flipkart_reports.redaction import clean_line

if TYPE_CHECKING:
    from collections.abc import Sequence


class FlipkartReportsError(Exception):
    """Base of every error of this package; `str(error)` is one line without secrets of this process."""

    def __init__(self, message: str) -> None:
        super().__init__(clean_line(message))


class SettingsError(FlipkartReportsError):
    """A setting is wrong or missing."""


class AuthenticationError(FlipkartReportsError):
    """A seller's credentials were refused, or cannot be read."""


class AuthorizationError(FlipkartReportsError):
    """A seller's authorisation did not come about."""


class ConnectionTestError(FlipkartReportsError):
    """A test of the connection found tokens that are not to be had."""


class CallError(FlipkartReportsError):
    """One HTTP call did not succeed, retries included."""


class CallRefusedError(CallError):
    """The API answered 4xx.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class RateLimitedError(CallRefusedError):
    """The API answered 429.

    Attributes:
        retry_after: seconds the API asked to wait, `None` when it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None) -> None:
        super().__init__(message, status=429)
        self.retry_after = retry_after


class LinkRefusedError(CallRefusedError):
    """A download link is dead: refused, expired or gone."""


class OutageError(CallError):
    """A host does not answer, and is given up for this run; nothing was bought, and every further call ends so."""


class HostAwayError(CallError):
    """A host does not answer just now, and this call does not wait for it."""


class TokenStoreError(CallError):
    """The token store cannot be used; no token is asked for without it, and no call made. Later it may be back."""


class AnswerLostError(CallError):
    """A trigger may have been accepted, but its answer, and with it the report id, never arrived."""


class ReportError(FlipkartReportsError):
    """The API accepted the report and did not deliver it."""


class ReportFailedError(ReportError):
    """The report's status is FAILED; Flipkart gives no reason."""


class ReportExpiredError(ReportError):
    """The report's status is EXPIRED, or every link of it is dead."""


class ReportTimeoutError(ReportError):
    """The report was not ready within `report_timeout`."""


class LedgerError(FlipkartReportsError):
    """The report ledger cannot be used; nothing is bought without it."""


class ArchiveError(FlipkartReportsError):
    """The archive of downloaded files cannot be used."""


class FileError(FlipkartReportsError):
    """The downloaded bytes are not a table that can be read."""


class RowError(FlipkartReportsError):
    """A table's header or one of its rows is not what the stream can read."""


class PipeClosedError(FlipkartReportsError):
    """The target closed the pipe that the tap writes to."""


class WindowsFailedError(FlipkartReportsError):
    """Some windows of a run failed.

    Attributes:
        failures: one sentence per failed window.
    """

    def __init__(self, failures: Sequence[str]) -> None:
        noun = "window" if len(failures) == 1 else "windows"
        super().__init__(
            f"{len(failures)} {noun} failed and will be asked for again by the next run: " + "; ".join(failures)
        )
        self.failures = tuple(failures)
