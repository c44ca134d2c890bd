"""What an answer means for a report: report and answer in, next step out. It makes no call and changes nothing.

A report is paid for. It is given up, and another one bought, only when the API itself says that it is gone: FAILED,
EXPIRED, a 404 of its own that is repeated for minutes, or links of a completed report that are refused for many
minutes. A storage that is away, a gateway's error page or a report that is not known yet costs time and no money.
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
"""Triggers of one window in one run: each costs money, and what failed three times seldom works the fourth."""

MAX_LOST_ANSWERS = 2
"""Of them, those whose answer may be lost."""

NOT_FOUND = 404

MIN_NOT_FOUND = 5
NOT_FOUND_SECONDS = 600.0
"""A report counts as gone when the API itself has said so often, and for so long."""

MAX_MISNAMED = 5
"""Detail answers in a row that may be about another report."""

MIN_DEAD_LINKS = 5
DEAD_LINK_SECONDS = 900.0
"""A report counts as expired when so many fresh links of it were refused, over so long."""

LONGEST_LINK_PAUSE = 120.0
"""Seconds between two looks at a storage that refuses links."""

MAX_BROKEN_DOWNLOADS = 3
"""Downloads in a row, each tried some times, that may come to nothing before the window fails."""


@dataclass(frozen=True, kw_only=True)
class PollAgain:
    """Ask about the report again, after so many seconds; `words` are for the log."""

    after: float
    words: str = ""
    detail_trouble: Trouble = NO_TROUBLE
    link_trouble: Trouble | None = None


@dataclass(frozen=True, kw_only=True)
class Download:
    """The report is ready: fetch its file."""

    location: str = field(repr=False)
    expiry: datetime | None


@dataclass(frozen=True, kw_only=True)
class BuyAgain:
    """The report will never be had: another one is bought.

    Attributes:
        error: why.
        status: what the ledger says of the report.
        is_last: whether there is to be no third one if the same happens again.
    """

    error: ReportError
    status: PurchaseStatus
    is_last: bool = False


@dataclass(frozen=True, kw_only=True)
class Fail:
    """The window fails.

    Attributes:
        error: why.
        status: what the ledger says of the report from now on, if that changes.
        is_gone: whether the report will never be had.
    """

    error: FlipkartReportsError
    status: PurchaseStatus | None = None
    is_gone: bool = False


@dataclass(frozen=True, kw_only=True)
class Defer:
    """The report is left for the next run, and stays bought.

    Attributes:
        reason: why.
        outage: the host that is given up for this run, if that is why.
        ends_run: whether nothing else can be had either.
    """

    reason: str
    outage: OutageError | None = None
    ends_run: bool = False


@dataclass(frozen=True, kw_only=True)
class TriggerLater:
    """Nothing was bought: ask again later.

    Attributes:
        is_limited: whether the API asked for it with a 429.
        retry_after: seconds it asked to wait.
    """

    is_limited: bool = False
    retry_after: float | None = None


CallFailure = CallError | AuthenticationError | TokenStoreError
"""What a call may end in."""

Step = PollAgain | Download | BuyAgain | Fail | Defer


# Detail
def after_detail(report: TrackedReport, detail: ReportDetail, *, now: float, pause: float) -> Step:
    """What a detail answer means.

    Args:
        report: what was asked about.
        detail: the answer.
        now: seconds of the monotonic clock.
        pause: seconds until the next detail call, if there is to be one.
    """
    if detail.status is ReportStatus.FAILED:
        error = ReportFailedError("Flipkart reports FAILED and gives no reason")
        return _buy_again(report, error, PurchaseStatus.FAILED)
    if detail.status is ReportStatus.EXPIRED:
        return _buy_again(report, ReportExpiredError("Flipkart reports EXPIRED"), PurchaseStatus.EXPIRED)
    if detail.status is ReportStatus.COMPLETED and detail.location:
        return Download(location=detail.location, expiry=detail.expiry)
    return _in_time(report, PollAgain(after=pause), now=now)


def odd_word(detail: ReportDetail) -> str | None:
    """The status word of an answer that is taken for one of a running report, though no document says so."""
    if detail.status is ReportStatus.UNKNOWN:
        return detail.status_word
    is_odd = detail.status is ReportStatus.COMPLETED and not detail.location
    return f"{detail.status_word} without a link" if is_odd else None


def after_refused_detail(report: TrackedReport, error: CallFailure, *, now: float, pause: float) -> Step:
    """What a detail call means that brought no detail; arguments as for `after_detail`."""
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
    """A gateway's 404 says nothing about the report; the API may know a report only some time after it was sold."""
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
    told = f"; the last answer: {step.words}" if step.words else ""
    return Fail(
        error=ReportTimeoutError(
            f"not ready within {timeout:.0f} s (report_timeout); it stays bought and the next run asks for it first"
            f"{told}"
        )
    )


# Download
def after_refused_download(report: TrackedReport, error: CallFailure, *, now: float, poll_interval: float) -> Step:
    """What a download means that brought no file.

    Args:
        report: whose file.
        error: what came instead.
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
    # Each kind of trouble has pauses and an end of its own, which kinds that alternate never come to.
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
    """A refusal is not an expiry: a storage that is away for a while refuses every link."""
    trouble = report.link_trouble.again("refused", now=now)
    lasted = now - trouble.since
    if trouble.times < MIN_DEAD_LINKS or lasted < DEAD_LINK_SECONDS:
        after = min(poll_interval * 2 ** min(trouble.times - 2, 30), LONGEST_LINK_PAUSE) if trouble.times > 1 else 0.0
        return PollAgain(after=after, words=f"{error}; asking for a new link", link_trouble=trouble)
    words = f"{trouble.times} of its links were refused in {lasted / 60:.0f} minutes"
    if not report.is_last:
        return _buy_again(report, ReportExpiredError(words), PurchaseStatus.EXPIRED, is_last=True)
    return Fail(
        error=ReportExpiredError(
            f"{words}, as were those of a report bought before it: no other one is bought; check whether the storage "
            "can be reached from here, or name the report in given_up_reports"
        ),
        status=PurchaseStatus.LINKS_REFUSED,
    )


# Trigger
def after_refused_trigger(report: TrackedReport, error: CallFailure) -> Fail | Defer | TriggerLater:
    """What a trigger means that bought nothing."""
    if isinstance(error, RateLimitedError):
        return TriggerLater(is_limited=True, retry_after=error.retry_after)
    if isinstance(error, OutageError):
        return Defer(reason=str(error), outage=error, ends_run=True)
    is_final = isinstance(error, (AuthenticationError, CallRefusedError)) or report.refused_calls >= MAX_ATTEMPTS
    return Fail(error=error) if is_final else TriggerLater()


def after_lost_answer(report: TrackedReport, error: ReportError | CallError) -> Fail | TriggerLater:
    """What a trigger means whose answer never came: the window is bought once more, perhaps for the second time."""
    if report.lost_answers >= MAX_LOST_ANSWERS or report.attempts >= MAX_ATTEMPTS:
        return Fail(error=type(error)(f"{error}, {report.attempts} times over") if report.attempts > 1 else error)
    return TriggerLater()


def _buy_again(
    report: TrackedReport, error: ReportError, status: PurchaseStatus, *, is_last: bool = False
) -> BuyAgain | Fail:
    if report.attempts < MAX_ATTEMPTS:
        return BuyAgain(error=error, status=status, is_last=is_last)
    return Fail(error=type(error)(f"{error}, {report.attempts} times over"), status=status, is_gone=True)
