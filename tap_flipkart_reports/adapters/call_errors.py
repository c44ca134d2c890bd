"""The errors that calls end with, each a sentence with advice."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tap_flipkart_reports.adapters.answers import (
    FORBIDDEN,
    UNAUTHORIZED,
    Answer,
    Fault,
    Verdict,
    is_about_a_report,
    judge,
    retry_after,
)
from tap_flipkart_reports.exceptions import (
    AuthenticationError,
    CallError,
    CallRefusedError,
    LinkRefusedError,
    RateLimitedError,
)

if TYPE_CHECKING:
    from tap_flipkart_reports.adapters.calls import Call, CallResult
    from tap_flipkart_reports.clock import Clock

_T = TypeVar("_T")

DEAD_LINK = frozenset({400, UNAUTHORIZED, FORBIDDEN, 404, 410})
"""Statuses that storage services use for links that are expired, revoked or gone."""


def error_of(
    call: Call, result: CallResult[_T], *, host: str, clock: Clock, is_link: bool = False
) -> CallError | AuthenticationError:
    """The error for the result of a call that bought nothing.

    Args:
        call: the call.
        result: its result.
        host: the API's host.
        clock: time.
        is_link: whether the call followed a link.
    """
    outcome, words = result.outcome, call.describe(result.outcome)
    verdict = judge(outcome)
    if verdict is Verdict.LIMITED:
        return RateLimitedError(
            f"{call.name} was tried {result.tried}, and the last answer was {words}: ask later, or lower "
            "max_concurrent_reports",
            retry_after=retry_after(outcome, clock=clock),
            correlation_id=call.correlation_id,
        )
    if isinstance(outcome, Answer) and verdict in {Verdict.REFUSED, Verdict.UNAUTHORIZED}:
        said_no = f"{call.name} was refused with {words}"
        if is_link and outcome.status in DEAD_LINK:
            return LinkRefusedError(f"{said_no}: the link is dead, ask for a new one", status=outcome.status)
        if verdict is Verdict.UNAUTHORIZED:
            return AuthenticationError(f"{said_no}, with a new token too: authorise the seller again")
        return CallRefusedError(
            f"{said_no}: {_advice(outcome.status)}",
            status=outcome.status,
            correlation_id=call.correlation_id,
            is_own_answer=is_about_a_report(outcome),
        )
    advice = f"run again later, or check the network and whether {host} is up"
    if isinstance(outcome, Fault) and outcome.is_permanent:
        advice = outcome.advice
    return CallError(
        f"{call.name} was tried {result.tried}, and the last try ended with {words}: {advice}",
        status=outcome.status if isinstance(outcome, Answer) else None,
        correlation_id=call.correlation_id,
    )


def _advice(status: int) -> str:
    if status == FORBIDDEN:
        return (
            "the app or the seller may lack the permission for reports, which needs a third-party app and "
            "a refresh_token of the seller"
        )
    if status // 100 == 3:  # noqa: PLR2004 - 3xx
        return "check api_url, as redirects of the API are not followed"
    return "check identifier and parameters of its report type in report_types"
