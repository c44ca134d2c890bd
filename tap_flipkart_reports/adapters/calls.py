"""Calls to the API, repeated where that can help and cannot cost money."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from tap_flipkart_reports.adapters.answers import Answer, Fault, Verdict, describe, judge, retry_after
from tap_flipkart_reports.adapters.retries import Tries
from tap_flipkart_reports.adapters.transport import LOGGER
from tap_flipkart_reports.exceptions import FlipkartReportsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.clock import Clock

_T = TypeVar("_T")


class BearerToken(Protocol):
    """A seller's access token."""

    @property
    def secrets(self) -> frozenset[str]:
        """Texts that must not appear in messages."""

    def value(self) -> str:
        """The token, requested if necessary.

        Raises:
            AuthenticationError: the seller's credentials are refused.
        """

    def renew(self, refused: str) -> str:
        """A new token to replace one that was refused.

        Raises:
            AuthenticationError: the seller's credentials are refused.
        """


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call, with all its tries.

    Attributes:
        name: the call, seller and id, for messages.
        token: the seller's token.
        costs_money: whether making it twice costs twice.
        correlation_id: the correlation id of a trigger.
        is_recognised: whether the server can recognise a repeated call.
        secrets: further texts that must not appear in messages, besides the token's.
    """

    name: str
    token: BearerToken
    costs_money: bool = False
    correlation_id: str | None = None
    is_recognised: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def describe(self, outcome: object) -> str:
        """An outcome as a clause, without secrets."""
        return describe(outcome, self.token.secrets.union(self.secrets))


@dataclass(frozen=True, kw_only=True)
class CallResult(Generic[_T]):
    """The result of a call.

    Attributes:
        outcome: the outcome of the last try.
        tried: how often it was tried, in words.
        unanswered: number of tries that the server may have acted on without a complete answer.
    """

    outcome: _T | Answer | Fault
    tried: str
    unanswered: int

    @property
    def is_unclear(self) -> bool:
        """Whether the server may have acted on an unanswered try."""
        return self.unanswered > 0

    @property
    def verdict(self) -> Verdict:
        """The verdict on the outcome."""
        return judge(self.outcome)


class CallRepeater:
    """Makes calls until they succeed, are refused, or are out of tries.

    Args:
        clock: time.
        pause: waits between two tries; returns false if the run was asked to stop.
    """

    def __init__(self, *, clock: Clock, pause: Callable[[float], bool]) -> None:
        self._clock = clock
        self._pause = pause

    def repeat(
        self, call: Call, send: Callable[[str], _T | Answer | Fault], *, uses_token: bool = True
    ) -> CallResult[_T]:
        """Make a call until it succeeds, is refused, or is out of tries.

        A 401 proves that nothing was done, so the token is renewed and the call made once more.
        """
        tries = Tries(name=call.name, clock=self._clock, pause=self._pause)
        bearer = call.token.value() if uses_token else ""
        can_renew = uses_token
        result: CallResult[_T] | None = None
        while True:
            tries.made += 1
            try:
                result = self._result_of(call, send(bearer), tries=tries, before=result)
                if result.verdict is Verdict.UNAUTHORIZED and can_renew:
                    can_renew = False
                    bearer = call.token.renew(bearer)
                    continue
            except FlipkartReportsError:
                if result is not None and call.costs_money and result.is_unclear:
                    return result  # an earlier try may have bought the report: that matters more
                raise
            if not self._may_repeat(call, result) or not self._wait(call, result, tries):
                return result

    def _result_of(
        self, call: Call, outcome: _T | Answer | Fault, *, tries: Tries, before: CallResult[_T] | None
    ) -> CallResult[_T]:
        LOGGER.debug("%s: %s.", call.name, call.describe(outcome))
        unanswered = (0 if before is None else before.unanswered) + (judge(outcome) is Verdict.UNCLEAR)
        return CallResult(outcome=outcome, tried=str(tries), unanswered=unanswered)

    @staticmethod
    def _may_repeat(call: Call, result: CallResult[_T]) -> bool:
        """The scheduler handles a trigger's first 429; after an unclear try the same correlation id has to be used."""
        if call.costs_money and result.is_unclear and not call.is_recognised:
            return False  # nothing would tell the server that it is the same purchase
        is_limited = result.verdict is Verdict.LIMITED
        return result.verdict.is_passing and (not is_limited or not call.costs_money or result.is_unclear)

    def _wait(self, call: Call, result: CallResult[_T], tries: Tries) -> bool:
        outcome = result.outcome
        return tries.wait(
            call.describe(outcome),
            asked=retry_after(outcome, clock=self._clock) or 0.0,
            is_slow=isinstance(outcome, Fault) and outcome.is_slow,
        )
