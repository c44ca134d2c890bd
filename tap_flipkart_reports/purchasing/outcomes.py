"""What an answer means for a report: report and answer in, next step out. Pure.

Reports cost money. One is abandoned and bought again only when the API itself says that it is gone: FAILED, EXPIRED,
its own 404 repeated for minutes, or links of a completed report that are refused for many minutes. A storage outage, a
gateway's error page or a report that is not known yet costs time but no money.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import (
    AnotherReportError,
    AuthenticationError,
    CallError,
    CallRefusedError,
    FlipkartReportsError,
    LinkRefusedError,
    OutageError,
    RateLimitedError,
    ReportError,
    ReportExpiredError,
    ReportFailedError,
    ReportTimeoutError,
    TokenStoreError,
)
from tap_flipkart_reports.purchasing.report_detail import ReportDetail, ReportStatus
from tap_flipkart_reports.purchasing.requests import PurchaseStatus
from tap_flipkart_reports.purchasing.tracked_report import NO_TROUBLE, TrackedReport, Trouble

if TYPE_CHECKING:
    from datetime import datetime

MAX_ATTEMPTS = 3
"""Triggers of one window in one run: each costs money, and a report that failed three times rarely succeeds later."""

MAX_LOST_ANSWERS = 2
"""How many of these may end without an answer."""

NOT_FOUND = 404

MIN_NOT_FOUND = 5
NOT_FOUND_SECONDS = 600.0
"""A report counts as gone after this many 404 answers of the API itself over this many seconds."""

MAX_MISNAMED = 5
"""Consecutive detail answers that may name another report before the window fails."""

MIN_DEAD_LINKS = 5
DEAD_LINK_SECONDS = 900.0
"""A report counts as expired after this many fresh links were refused over this many seconds."""

LONGEST_LINK_PAUSE = 120.0
"""Longest pause in seconds between two tries while a storage refuses links."""

MAX_BROKEN_DOWNLOADS = 3
"""Consecutive failed downloads, each retried several times, before the window fails."""


@dataclass(frozen=True, kw_only=True)
class PollAgain:
    """Poll the report again after some seconds; `words` are for the log."""

    after: float
    words: str = ""
    detail_trouble: Trouble = NO_TROUBLE
    link_trouble: Trouble | None = None


@dataclass(frozen=True, kw_only=True)
class FetchFile:
    """The report is ready: fetch its file."""

    location: str = field(repr=False)
    expiry: datetime | None


@dataclass(frozen=True, kw_only=True)
class BuyAgain:
    """The report is gone: buy another one.

    Attributes:
        error: why.
        status: the report's status in the ledger.
        is_last_purchase: whether no third report is bought if the same happens again.
    """

    error: ReportError
    status: PurchaseStatus
    is_last_purchase: bool = False


@dataclass(frozen=True, kw_only=True)
class Fail:
    """The window fails.

    Attributes:
        error: why.
        status: the report's new status in the ledger, if it changes.
        is_gone: whether the report is gone.
    """

    error: FlipkartReportsError
    status: PurchaseStatus | None = None
    is_gone: bool = False


@dataclass(frozen=True, kw_only=True)
class Defer:
    """The report stays bought and is deferred to the next run.

    Attributes:
        reason: why.
        outage: the outage, if that is why.
        ends_run: whether nothing else can be fetched either.
    """

    reason: str
    outage: OutageError | None = None
    ends_run: bool = False


@dataclass(frozen=True, kw_only=True)
class TriggerLater:
    """Nothing was bought: trigger again later.

    Attributes:
        is_limited: whether the API answered 429.
        retry_after: seconds that the API asked to wait.
    """

    is_limited: bool = False
    retry_after: float | None = None


CallFailure = CallError | AuthenticationError | TokenStoreError
"""Errors that end a call."""

Step = PollAgain | FetchFile | BuyAgain | Fail | Defer


# Detail
def after_detail(report: TrackedReport, detail: ReportDetail, *, now: float, pause: float) -> Step:
    """The next step after a detail answer.

    Args:
        report: the report.
        detail: the answer.
        now: seconds of the monotonic clock.
        pause: seconds to the next detail call, if another is made.
    """
    if detail.status is ReportStatus.FAILED:
        error = ReportFailedError("Flipkart reports FAILED and gives no reason")
        return _buy_again(report, error, PurchaseStatus.FAILED)
    if detail.status is ReportStatus.EXPIRED:
        return _buy_again(report, ReportExpiredError("Flipkart reports EXPIRED"), PurchaseStatus.EXPIRED)
    if detail.status is ReportStatus.COMPLETED and detail.location:
        return FetchFile(location=detail.location, expiry=detail.expiry)
    return _in_time(report, PollAgain(after=pause), now=now)


def undocumented_status(detail: ReportDetail) -> str | None:
    """The status word of an answer, if it is not documented; such a report counts as still running."""
    if detail.status is ReportStatus.UNKNOWN:
        return detail.status_word
    is_odd = detail.status is ReportStatus.COMPLETED and not detail.location
    return f"{detail.status_word} without a link" if is_odd else None


def after_refused_detail(report: TrackedReport, error: CallFailure, *, now: float, pause: float) -> Step:
    """The next step after a detail call that failed; arguments as for `after_detail`."""
    if isinstance(error, RateLimitedError):
        return _when_asked_to_wait(report, error, now=now, pause=pause)
    if isinstance(error, CallRefusedError) and error.status == NOT_FOUND:
        return _not_found(report, error, now=now, pause=pause)
    if isinstance(error, OutageError):
        return Defer(reason=str(error), outage=error, ends_run=True)
    if isinstance(error, (AuthenticationError, CallRefusedError)):
        return Fail(error=error)
    kind = "another report" if isinstance(error, AnotherReportError) else "no answer"
    trouble = report.detail_trouble.again(kind, now=now)
    if isinstance(error, AnotherReportError) and trouble.times >= MAX_MISNAMED:
        return Fail(error=error)
    return _in_time(report, PollAgain(after=pause, words=str(error), detail_trouble=trouble), now=now)


def _not_found(report: TrackedReport, error: CallRefusedError, *, now: float, pause: float) -> Step:
    """A gateway's 404 says nothing about the report, and the API may need some time to know a new report."""
    kind = "not found" if error.is_own_answer else "not found by a gateway"
    trouble = report.detail_trouble.again(kind, now=now)
    lasted = now - trouble.since
    if error.is_own_answer and trouble.times >= MIN_NOT_FOUND and lasted >= NOT_FOUND_SECONDS:
        words = f"the API has said {trouble.times} times in {lasted / 60:.0f} minutes that it does not know the report"
        return _buy_again(report, ReportExpiredError(words), PurchaseStatus.EXPIRED)
    return _in_time(report, PollAgain(after=pause, words=str(error), detail_trouble=trouble), now=now)


def _when_asked_to_wait(report: TrackedReport, error: RateLimitedError, *, now: float, pause: float) -> Step:
    wait = max(error.retry_after or 0.0, pause)
    if now + wait > report.triggered_at + report.request.report_timeout:
        return Defer(reason=f"the API asks to wait {wait:.0f} s")
    return PollAgain(after=wait, words=str(error))


def _in_time(report: TrackedReport, step: PollAgain, *, now: float) -> Step:
    timeout = report.request.report_timeout
    if now - report.triggered_at <= timeout:
        return step
    last_answer = f"; the last answer: {step.words}" if step.words else ""
    return Fail(
        error=ReportTimeoutError(
            f"not ready within {timeout:.0f} s (report_timeout); it stays bought and the next run asks for it first"
            f"{last_answer}"
        )
    )


# Download
def after_refused_download(report: TrackedReport, error: CallFailure, *, now: float, poll_interval: float) -> Step:
    """The next step after a download that failed.

    Args:
        report: the report.
        error: why it failed.
        now: seconds of the monotonic clock.
        poll_interval: the shortest pause.
    """
    if isinstance(error, OutageError):
        return Defer(reason=str(error), outage=error)
    if isinstance(error, AuthenticationError):
        return Fail(error=error)
    if isinstance(error, RateLimitedError):
        step = _download_limited(report, error, now=now, poll_interval=poll_interval)
    elif isinstance(error, LinkRefusedError):
        step = _link_refused(report, error, now=now, poll_interval=poll_interval)
    else:
        step = _download_broken(report, error, now=now, poll_interval=poll_interval)
    if not isinstance(step, PollAgain):
        return step
    # Each kind of trouble has its own pauses and its own limit, which alternating kinds would never reach.
    if now - report.undelivered_since > report.request.report_timeout:
        return Fail(error=error)
    is_first = report.link_trouble is NO_TROUBLE
    return step if is_first else replace(step, after=max(step.after, poll_interval))


def _download_broken(report: TrackedReport, error: CallFailure, *, now: float, poll_interval: float) -> Step:
    trouble = report.link_trouble.again("broken", now=now)
    if trouble.times >= MAX_BROKEN_DOWNLOADS:
        return Fail(error=error)
    return PollAgain(
        after=poll_interval * (trouble.times - 1), words=f"{error}; asking for a new link", link_trouble=trouble
    )


def _download_limited(report: TrackedReport, error: RateLimitedError, *, now: float, poll_interval: float) -> Step:
    trouble = report.link_trouble.again("limited", now=now)
    wait = max(error.retry_after or 0.0, poll_interval)
    if wait > report.request.report_timeout:
        return Defer(reason=f"the storage asks to wait {wait:.0f} s")
    return PollAgain(after=wait, words=str(error), link_trouble=trouble)


def _link_refused(report: TrackedReport, error: LinkRefusedError, *, now: float, poll_interval: float) -> Step:
    """A refusal does not mean that the report has expired: during an outage a storage refuses every link."""
    trouble = report.link_trouble.again("refused", now=now)
    lasted = now - trouble.since
    if trouble.times < MIN_DEAD_LINKS or lasted < DEAD_LINK_SECONDS:
        after = min(poll_interval * 2 ** min(trouble.times - 2, 30), LONGEST_LINK_PAUSE) if trouble.times > 1 else 0.0
        return PollAgain(after=after, words=f"{error}; asking for a new link", link_trouble=trouble)
    words = f"{trouble.times} of its links were refused in {lasted / 60:.0f} minutes"
    if not report.is_last_purchase:
        return _buy_again(report, ReportExpiredError(words), PurchaseStatus.EXPIRED, is_last_purchase=True)
    return Fail(
        error=ReportExpiredError(
            f"{words}, as were those of a report bought before it: no other one is bought; check whether the storage "
            "can be reached from here, or name the report in given_up_reports"
        ),
        status=PurchaseStatus.LINKS_REFUSED,
    )


# Trigger
def after_refused_trigger(report: TrackedReport, error: CallFailure) -> Fail | Defer | TriggerLater:
    """The next step after a trigger that bought nothing."""
    if isinstance(error, RateLimitedError):
        return TriggerLater(is_limited=True, retry_after=error.retry_after)
    if isinstance(error, OutageError):
        return Defer(reason=str(error), outage=error, ends_run=True)
    is_final = isinstance(error, (AuthenticationError, CallRefusedError)) or report.refused_calls >= MAX_ATTEMPTS
    return Fail(error=error) if is_final else TriggerLater()


def after_lost_answer(report: TrackedReport, error: ReportError | CallError) -> Fail | TriggerLater:
    """The next step after a trigger without an answer: buy the window once more, perhaps for the second time."""
    if report.lost_answers >= MAX_LOST_ANSWERS or report.attempts >= MAX_ATTEMPTS:
        return Fail(error=type(error)(f"{error}, {report.attempts} times over") if report.attempts > 1 else error)
    return TriggerLater()


def _buy_again(
    report: TrackedReport, error: ReportError, status: PurchaseStatus, *, is_last_purchase: bool = False
) -> BuyAgain | Fail:
    if report.attempts < MAX_ATTEMPTS:
        return BuyAgain(error=error, status=status, is_last_purchase=is_last_purchase)
    words = f"{error}, {report.attempts} times over; the next run buys it again: run it later, or shorten window_days"
    return Fail(error=type(error)(words), status=status, is_gone=True)
