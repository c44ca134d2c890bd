"""When a run ends, how long calls may then finish, and which reason counts."""

from __future__ import annotations

import pytest

from tap_flipkart_reports.exceptions import LedgerError, WorkerError
from tap_flipkart_reports.purchasing.run_end import SECONDS_TO_JOIN, SECONDS_TO_LEAVE, SECONDS_TO_STOP, RunEnd


def is_ending(end: RunEnd, now: float, *, reason: str | None = None, deadline: float | None = None) -> bool:
    return end.is_ending(now=now, reason=reason, deadline=deadline)


def test_a_run_that_nobody_ends_continues() -> None:
    end = RunEnd()
    assert not is_ending(end, 1e9)
    assert end.may_still_finish(now=1e9)
    assert end.seconds_to_next(now=5.0, deadline=None) is None
    assert end.seconds_to_next(now=5.0, deadline=30.0) == 25.0
    assert (end.reason, end.error, end.give_up_at) == (None, None, None)


def test_the_first_to_ask_sets_the_reason_and_the_time_that_is_left() -> None:
    end = RunEnd()
    end.request_stop("SIGTERM", now=100.0)
    end.request_stop("the run has ended", now=103.0)
    assert is_ending(end, 104.0, reason="no host", deadline=50.0)
    assert end.reason == "SIGTERM"
    assert end.may_still_finish(now=100.0 + SECONDS_TO_STOP - 0.1)
    assert not end.may_still_finish(now=100.0 + SECONDS_TO_STOP)
    assert end.seconds_to_next(now=103.0, deadline=None) == SECONDS_TO_STOP - 3.0
    assert end.seconds_to_next(now=103.0, deadline=104.0) == 1.0
    assert end.seconds_to_next(now=200.0, deadline=None) == 0.0


def test_max_wait_ends_the_run_at_its_moment_and_leaves_more_time() -> None:
    end = RunEnd()
    assert not is_ending(end, 599.9, deadline=600.0)
    assert is_ending(end, 600.0, deadline=600.0)
    assert end.reason == "max_wait is over"
    assert end.give_up_at == 600.0 + SECONDS_TO_LEAVE
    end.request_stop("SIGTERM", now=610.0)
    assert end.reason == "max_wait is over"
    assert end.give_up_at == 610.0 + SECONDS_TO_STOP


def test_where_nothing_more_can_be_had_that_is_the_reason() -> None:
    end = RunEnd()
    assert is_ending(end, 100.0, reason="the host is away")
    assert end.reason == "the host is away"
    assert end.give_up_at == 100.0 + SECONDS_TO_STOP
    assert is_ending(end, 103.0)
    assert end.give_up_at == 100.0 + SECONDS_TO_STOP


def test_threads_are_waited_for_until_calls_are_left_and_never_less_than_a_moment() -> None:
    end = RunEnd()
    assert end.join_until(now=50.0) == 50.0 + SECONDS_TO_STOP + SECONDS_TO_JOIN
    end.request_stop("SIGTERM", now=100.0)
    assert end.join_until(now=103.0) == 100.0 + SECONDS_TO_STOP + SECONDS_TO_JOIN
    assert end.join_until(now=200.0) == 200.0 + SECONDS_TO_JOIN


@pytest.mark.parametrize("error", [LedgerError("the ledger is broken"), WorkerError("no room")])
def test_the_first_error_counts_and_is_the_reason(error: LedgerError | WorkerError) -> None:
    end = RunEnd()
    end.fail(error)
    end.fail(LedgerError("another"))
    assert end.error is error
    assert end.reason == str(error)


def test_an_error_that_nobody_expected_becomes_a_sentence_and_an_earlier_reason_stays() -> None:
    end = RunEnd()
    end.request_stop("SIGTERM", now=0.0)
    end.fail(OverflowError("too large"))
    assert isinstance(end.error, WorkerError)
    assert str(end.error) == (
        "a thread of the run has ended (OverflowError: too large): nothing more is bought; what is bought is read by "
        "the next run"
    )
    assert end.reason == "SIGTERM"
