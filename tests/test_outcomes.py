"""What an answer means for a report, to the second and to the time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tap_flipkart_reports.exceptions import (
    AnotherReportError,
    AnswerLostError,
    AuthenticationError,
    CallError,
    CallRefusedError,
    LinkRefusedError,
    OutageError,
    RateLimitedError,
    ReportExpiredError,
    ReportFailedError,
    ReportTimeoutError,
    TokenStoreError,
)
from tap_flipkart_reports.purchasing import outcomes
from tap_flipkart_reports.purchasing.outcomes import (
    DEAD_LINK_SECONDS,
    LONGEST_LINK_PAUSE,
    MAX_ATTEMPTS,
    MIN_DEAD_LINKS,
    MIN_NOT_FOUND,
    NOT_FOUND_SECONDS,
    BuyAgain,
    Defer,
    Fail,
    FetchFile,
    PollAgain,
    TriggerLater,
)
from tap_flipkart_reports.purchasing.report_detail import ReportDetail, ReportStatus
from tap_flipkart_reports.purchasing.requests import PurchaseStatus, ReportRequest
from tap_flipkart_reports.purchasing.tracked_report import NO_TROUBLE, TrackedReport, Trouble
from tap_flipkart_reports.windows import Window

PAUSE = 7.0
TIMEOUT = 3600.0
BOUGHT_AT = 1000.0


def report(**members: Any) -> TrackedReport:
    """A report that was bought at second 1000."""
    request = ReportRequest(
        stream="orders_report",
        identifier="orders_report",
        seller_id="acme",
        window=Window(date(2026, 1, 1), date(2026, 1, 1)),
        parameters={},
        report_timeout=TIMEOUT,
    )
    own: dict[str, Any] = {"report_id": "R-1", "triggered_at": BOUGHT_AT, "attempts": 1}
    return TrackedReport(**{"request": request, "order": 0, **own, **members})


def detail(status: ReportStatus, location: str | None = None) -> ReportDetail:
    return ReportDetail(report_id="R-1", status=status, status_word=status.value, location=location)


def after_detail(answer: ReportDetail, *, now: float = BOUGHT_AT, **members: Any) -> outcomes.Step:
    return outcomes.after_detail(report(**members), answer, now=now, pause=PAUSE)


def refused(error: outcomes.CallFailure, *, now: float = BOUGHT_AT, **members: Any) -> outcomes.Step:
    return outcomes.after_refused_detail(report(**members), error, now=now, pause=PAUSE)


def undelivered(error: outcomes.CallFailure, *, now: float = BOUGHT_AT, **members: Any) -> outcomes.Step:
    return outcomes.after_refused_download(report(**members), error, now=now, poll_interval=5.0)


def test_a_running_report_is_asked_about_again_until_its_time_is_over() -> None:
    for status in (ReportStatus.TRIGGERED, ReportStatus.PROCESSING, ReportStatus.UNKNOWN, ReportStatus.COMPLETED):
        assert after_detail(detail(status), now=BOUGHT_AT + TIMEOUT) == PollAgain(after=PAUSE)
        late = after_detail(detail(status), now=BOUGHT_AT + TIMEOUT + 1)
        assert isinstance(late, Fail)
        assert isinstance(late.error, ReportTimeoutError)
        assert str(late.error) == (
            "not ready within 3600 s (report_timeout); it stays bought and the next run asks for it first"
        )
        assert (late.status, late.is_gone) == (None, False)


def test_a_completed_report_is_downloaded_however_late() -> None:
    answer = replace(detail(ReportStatus.COMPLETED, "https://files.test/1"))
    assert after_detail(answer, now=BOUGHT_AT + 10 * TIMEOUT) == FetchFile(location="https://files.test/1", expiry=None)


@pytest.mark.parametrize(
    ("status", "booked", "error", "words"),
    [
        (ReportStatus.FAILED, PurchaseStatus.FAILED, ReportFailedError, "Flipkart reports FAILED and gives no reason"),
        (ReportStatus.EXPIRED, PurchaseStatus.EXPIRED, ReportExpiredError, "Flipkart reports EXPIRED"),
    ],
)
def test_a_report_that_is_gone_is_bought_again_as_often_as_is_worth_it(
    status: ReportStatus, booked: PurchaseStatus, error: type[Exception], words: str
) -> None:
    for attempts in range(MAX_ATTEMPTS):
        step = after_detail(detail(status), attempts=attempts)
        assert isinstance(step, BuyAgain)
        assert (type(step.error), str(step.error), step.status, step.is_last_purchase) == (error, words, booked, False)
    last = after_detail(detail(status), attempts=MAX_ATTEMPTS)
    assert isinstance(last, Fail)
    assert (type(last.error), str(last.error)) == (
        error,
        f"{words}, 3 times over; the next run buys it again: run it later, or shorten window_days",
    )
    assert (last.status, last.is_gone) == (booked, True)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (ReportDetail(report_id="R-1", status=ReportStatus.UNKNOWN, status_word="QUEUED"), "QUEUED"),
        (detail(ReportStatus.COMPLETED), "COMPLETED without a link"),
        (detail(ReportStatus.COMPLETED, "https://files.test/1"), None),
        (detail(ReportStatus.PROCESSING), None),
        (detail(ReportStatus.EXPIRED), None),
    ],
)
def test_a_status_that_no_document_has_is_reported(answer: ReportDetail, word: str | None) -> None:
    assert outcomes.undocumented_status(answer) == word


# Detail calls that brought no detail


def test_a_seller_without_a_token_and_a_refusal_fail_the_window() -> None:
    for error in (
        AuthenticationError("dead"),
        CallRefusedError("no", status=403),
        CallRefusedError("gone", status=410),
    ):
        assert refused(error) == Fail(error=error)


@pytest.mark.parametrize("error", [CallError("reset"), TokenStoreError("busy")])
def test_what_may_pass_is_waited_for(error: outcomes.CallFailure) -> None:
    trouble = Trouble(kind="no answer", times=1, since=BOUGHT_AT)
    assert refused(error) == PollAgain(after=PAUSE, words=str(error), detail_trouble=trouble)
    late = refused(error, now=BOUGHT_AT + TIMEOUT + 1)
    assert isinstance(late, Fail)
    assert str(late.error).endswith(f"; the last answer: {error}")


def test_another_reports_detail_is_refused_five_times_in_a_row() -> None:
    error, trouble = AnotherReportError("R-2"), NO_TROUBLE
    for times in range(1, 5):
        step = refused(error, detail_trouble=trouble)
        assert isinstance(step, PollAgain)
        trouble = step.detail_trouble
        assert trouble == Trouble(kind="another report", times=times, since=BOUGHT_AT)
    assert refused(error, detail_trouble=trouble) == Fail(error=error)
    assert isinstance(refused(error, detail_trouble=trouble.again("no answer", now=0.0)), PollAgain)


def test_a_429_that_names_no_time_is_followed_by_the_pause_however_short() -> None:
    slow = RateLimitedError("slow", retry_after=None)
    step = outcomes.after_refused_detail(report(), slow, now=BOUGHT_AT, pause=0.5)
    assert step == PollAgain(after=0.5, words="slow")
    step = outcomes.after_refused_download(report(), slow, now=BOUGHT_AT, poll_interval=0.5)
    assert isinstance(step, PollAgain)
    assert step.after == 0.5


def test_a_429_is_waited_out_as_far_as_the_report_may_take() -> None:
    assert refused(RateLimitedError("slow", retry_after=None)) == PollAgain(after=PAUSE, words="slow")
    assert refused(RateLimitedError("slow", retry_after=3.0)) == PollAgain(after=PAUSE, words="slow")
    assert refused(RateLimitedError("slow", retry_after=TIMEOUT)) == PollAgain(after=TIMEOUT, words="slow")
    assert refused(RateLimitedError("slow", retry_after=TIMEOUT + 1)) == Defer(reason="the API asks to wait 3601 s")
    assert refused(RateLimitedError("slow", retry_after=1e30)) == Defer(reason=f"the API asks to wait {1e30:.0f} s")


NOT_KNOWN = CallRefusedError("404", status=404, is_own_answer=True)


def test_the_apis_own_404_counts_when_it_is_repeated_over_minutes() -> None:
    before = Trouble(kind="not found", times=MIN_NOT_FOUND - 1, since=BOUGHT_AT)
    step = refused(NOT_KNOWN, detail_trouble=before, now=BOUGHT_AT + NOT_FOUND_SECONDS)
    assert isinstance(step, BuyAgain)
    assert step.status is PurchaseStatus.EXPIRED
    assert isinstance(step.error, ReportExpiredError)
    assert str(step.error) == "the API has said 5 times in 10 minutes that it does not know the report"
    hours_later = refused(NOT_KNOWN, detail_trouble=before, now=BOUGHT_AT + 7200)
    assert isinstance(hours_later, BuyAgain)
    assert "5 times in 120 minutes" in str(hours_later.error)
    early = refused(NOT_KNOWN, detail_trouble=before, now=BOUGHT_AT + NOT_FOUND_SECONDS - 1)
    again = replace(before, times=MIN_NOT_FOUND)
    assert early == PollAgain(after=PAUSE, words="404", detail_trouble=again)
    few = replace(before, times=MIN_NOT_FOUND - 2)
    assert isinstance(refused(NOT_KNOWN, detail_trouble=few, now=BOUGHT_AT + NOT_FOUND_SECONDS), PollAgain)


def test_a_gateways_404_never_counts_and_resets_the_count() -> None:
    gateway = CallRefusedError("404", status=404)
    before = Trouble(kind="not found", times=99, since=0.0)
    step = refused(gateway, detail_trouble=before)
    trouble = Trouble(kind="not found by a gateway", times=1, since=BOUGHT_AT)
    assert step == PollAgain(after=PAUSE, words="404", detail_trouble=trouble)
    many = replace(trouble, times=99, since=0.0)
    assert isinstance(refused(gateway, detail_trouble=many), PollAgain)
    late = refused(gateway, detail_trouble=many, now=BOUGHT_AT + TIMEOUT + 1)
    assert isinstance(late, Fail)
    assert isinstance(late.error, ReportTimeoutError)


# Downloads that brought no file

DEAD = LinkRefusedError("403", status=403)


def test_a_refused_link_is_looked_at_again_after_growing_pauses() -> None:
    trouble, pauses = NO_TROUBLE, []
    for _ in range(9):
        step = undelivered(DEAD, link_trouble=trouble)
        assert isinstance(step, PollAgain)
        assert step.words == "403; asking for a new link"
        assert step.link_trouble is not None
        trouble = step.link_trouble
        pauses.append(step.after)
    assert trouble == Trouble(kind="refused", times=9, since=BOUGHT_AT)
    assert pauses == [0, 5, 10, 20, 40, 80, LONGEST_LINK_PAUSE, LONGEST_LINK_PAUSE, LONGEST_LINK_PAUSE]


def test_links_are_dead_when_many_were_refused_over_many_minutes() -> None:
    before = Trouble(kind="refused", times=MIN_DEAD_LINKS - 1, since=BOUGHT_AT)
    step = undelivered(DEAD, link_trouble=before, now=BOUGHT_AT + DEAD_LINK_SECONDS)
    assert isinstance(step, BuyAgain)
    assert (step.status, step.is_last_purchase) == (PurchaseStatus.EXPIRED, True)
    assert str(step.error) == "5 of its links were refused in 15 minutes"
    hours_later = undelivered(DEAD, link_trouble=before, now=BOUGHT_AT + 7200)
    assert isinstance(hours_later, BuyAgain)
    assert str(hours_later.error) == "5 of its links were refused in 120 minutes"
    assert isinstance(undelivered(DEAD, link_trouble=before, now=BOUGHT_AT + DEAD_LINK_SECONDS - 1), PollAgain)
    few = replace(before, times=MIN_DEAD_LINKS - 2)
    assert isinstance(undelivered(DEAD, link_trouble=few, now=BOUGHT_AT + DEAD_LINK_SECONDS), PollAgain)
    last = undelivered(DEAD, link_trouble=before, now=BOUGHT_AT + DEAD_LINK_SECONDS, is_last_purchase=True)
    assert isinstance(last, Fail)
    assert isinstance(last.error, ReportExpiredError)
    assert (last.status, last.is_gone) == (PurchaseStatus.LINKS_REFUSED, False)
    assert str(last.error) == (
        "5 of its links were refused in 15 minutes, as were those of a report bought before it: no other one is "
        "bought; check whether the storage can be reached from here, or name the report in given_up_reports"
    )


def test_a_download_that_breaks_fails_the_window_the_third_time_and_buys_nothing() -> None:
    broken, trouble = CallError("cut"), NO_TROUBLE
    for times, after in ((1, 0.0), (2, 5.0)):
        step = undelivered(broken, link_trouble=trouble)
        trouble = Trouble(kind="broken", times=times, since=BOUGHT_AT)
        assert step == PollAgain(after=after, words="cut; asking for a new link", link_trouble=trouble)
    assert undelivered(broken, link_trouble=trouble) == Fail(error=broken)
    dead = AuthenticationError("dead")
    assert undelivered(dead) == Fail(error=dead)


def test_a_storage_that_asks_to_slow_down_is_obeyed_for_as_long_as_a_report_may_take() -> None:
    slow = RateLimitedError("slow", retry_after=60.0)
    trouble = Trouble(kind="limited", times=1, since=BOUGHT_AT)
    assert undelivered(slow) == PollAgain(after=60.0, words="slow", link_trouble=trouble)
    soon = RateLimitedError("slow", retry_after=None)
    assert undelivered(soon) == PollAgain(after=5.0, words="slow", link_trouble=trouble)
    before: dict[str, Any] = {"link_trouble": trouble, "undelivered_since": BOUGHT_AT}
    assert isinstance(undelivered(slow, **before, now=BOUGHT_AT + TIMEOUT), PollAgain)
    assert undelivered(slow, **before, now=BOUGHT_AT + TIMEOUT + 1) == Fail(error=slow)
    long = RateLimitedError("slow", retry_after=TIMEOUT)
    assert isinstance(undelivered(long), PollAgain)
    longer = RateLimitedError("slow", retry_after=TIMEOUT + 1)
    assert undelivered(longer) == Defer(reason="the storage asks to wait 3601 s")


def test_a_host_that_is_given_up_defers_what_is_bought_and_ends_what_is_not() -> None:
    away = OutageError("away")
    for step, ends_run in ((refused(away), True), (undelivered(away), False)):
        assert isinstance(step, Defer)
        assert (step.reason, step.outage, step.ends_run) == ("away", away, ends_run)
    untouched = outcomes.after_refused_trigger(report(), away)
    assert isinstance(untouched, Defer)
    assert (untouched.reason, untouched.outage, untouched.ends_run) == ("away", away, True)


# Triggers


def test_a_trigger_that_bought_nothing_is_made_again_if_that_can_help() -> None:
    slow = RateLimitedError("slow", retry_after=9.0)
    assert outcomes.after_refused_trigger(report(), slow) == TriggerLater(is_limited=True, retry_after=9.0)
    for final in (AuthenticationError("dead"), CallRefusedError("wrong", status=400)):
        assert outcomes.after_refused_trigger(report(), final) == Fail(error=final)
    passing = CallError("no connection")
    for times in range(MAX_ATTEMPTS):
        assert outcomes.after_refused_trigger(report(refused_calls=times), passing) == TriggerLater()
    assert outcomes.after_refused_trigger(report(refused_calls=MAX_ATTEMPTS), passing) == Fail(error=passing)


def test_a_lost_answer_is_followed_by_one_more_trigger() -> None:
    lost = AnswerLostError("nobody knows the id")
    assert outcomes.after_lost_answer(report(lost_answers=1), lost) == TriggerLater()
    twice = outcomes.after_lost_answer(report(lost_answers=2, attempts=2), lost)
    assert isinstance(twice, Fail)
    assert (type(twice.error), str(twice.error)) == (AnswerLostError, "nobody knows the id, 2 times over")
    third = outcomes.after_lost_answer(report(lost_answers=1, attempts=MAX_ATTEMPTS), lost)
    assert isinstance(third, Fail)
    only = outcomes.after_lost_answer(report(lost_answers=2, attempts=1), lost)
    assert isinstance(only, Fail)
    assert only.error is lost


def test_the_same_trouble_is_counted_from_its_first_time() -> None:
    first = NO_TROUBLE.again("refused", now=3.0)
    assert first == Trouble(kind="refused", times=1, since=3.0)
    assert first.again("refused", now=9.0) == Trouble(kind="refused", times=2, since=3.0)
    assert first.again("broken", now=9.0) == Trouble(kind="broken", times=1, since=9.0)
