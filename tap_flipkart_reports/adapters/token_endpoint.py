"""The token endpoint: the call that grants or refuses a token."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tap_flipkart_reports.adapters.answers import UNAUTHORIZED, Answer, Fault, Verdict, describe, judge, retry_after
from tap_flipkart_reports.adapters.retries import Tries
from tap_flipkart_reports.adapters.transport import LOGGER, Connections, Request, short_answer
from tap_flipkart_reports.exceptions import CallError, CallRefusedError, RateLimitedError
from tap_flipkart_reports.redaction import KNOWN_SECRETS, host_of
from tap_flipkart_reports.settings.addresses import header_problem, secret_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_flipkart_reports.clock import Clock

DEFAULT_LIFE = 3600.0
"""Lifetime of a token in seconds if `expires_in` is missing: far less than the documented 60 days."""

LONGEST_LIFE = 1e9
"""Longest lifetime in seconds; a longer one does not fit a date."""

REFUSALS = frozenset({400, UNAUTHORIZED, 403})
"""Statuses for wrong credentials (RFC 6749 §5.2; Flipkart also answers 403)."""


@dataclass(frozen=True, kw_only=True)
class Granted:
    """The tokens that the endpoint has granted.

    Attributes:
        access_token: the access token.
        life: its remaining lifetime in seconds.
        refresh_token: the new refresh token, if the answer has one.
    """

    access_token: str = field(repr=False)
    life: float
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The token endpoint has refused the credentials.

    Attributes:
        words: its answer, without secrets.
    """

    words: str


class TokenEndpoint:
    """The token call of an app; may be used from any thread.

    Args:
        auth_url: its address.
        client_id: the app's id.
        client_secret: the app's secret.
        connections: what the call is made with; the caller closes them.
        clock: time.

    Attributes:
        secrets: the app's texts that must not appear in messages.
    """

    def __init__(
        self,
        *,
        auth_url: str,
        client_id: str | None,
        client_secret: str | None,
        connections: Connections,
        clock: Clock,
    ) -> None:
        self._auth_url = auth_url
        self._clock = clock
        self._connections = connections
        self._basic = base64.b64encode(f"{client_id or ''}:{client_secret or ''}".encode()).decode()
        self.secrets = frozenset(secret for secret in (client_id, client_secret, self._basic) if secret)
        KNOWN_SECRETS.add(client_secret, self._basic)

    def wait_until_back(self) -> None:
        """Wait while the endpoint is known to be away.

        Raises:
            OutageError: the endpoint is given up for this run.
        """
        self._connections.outages.wait_until_back(host_of(self._auth_url))

    def ask(
        self, grant: Mapping[str, str], *, name: str, secrets: frozenset[str], waits_for_host: bool = True
    ) -> Granted | Refusal:
        """Ask for a token.

        Args:
            grant: the query's parameters.
            name: the token's name, for messages.
            secrets: further texts that must not appear in messages, besides the app's.
            waits_for_host: whether to wait for an endpoint that is away.

        Raises:
            OutageError: the endpoint is given up for this run.
            HostAwayError: it is away, and this call does not wait.
            RateLimitedError: still limited after retries, or for longer than a call waits.
            CallRefusedError: another 4xx than one about credentials.
            CallError: no token words, retries included.
        """
        secrets = secrets | self.secrets
        tries = Tries(name=name, clock=self._clock, pause=self._connections.pause)
        while True:
            tries.made += 1
            outcome = self._send(grant, waits_for_host=waits_for_host)
            words = describe(outcome, secrets)
            LOGGER.debug("%s: %s.", name, words)
            verdict = judge(outcome)
            if isinstance(outcome, Answer) and verdict is Verdict.ACCEPTED:
                return _granted(outcome.document() or {})
            asked = retry_after(outcome, clock=self._clock) or 0.0
            is_slow = isinstance(outcome, Fault) and outcome.is_slow
            if not verdict.is_passing or not tries.wait(words, asked=asked, is_slow=is_slow):
                break
        if isinstance(outcome, Answer) and outcome.status in REFUSALS:
            return Refusal(words=describe(outcome, secrets))
        raise self._error(outcome, name=name, tries=tries, words=describe(outcome, secrets))

    def _send(self, grant: Mapping[str, str], *, waits_for_host: bool) -> Answer | Fault:
        outcome = self._connections.ask(
            Request(
                method="GET",
                url=f"{self._auth_url}?{urlencode(grant)}",
                headers={"Authorization": f"Basic {self._basic}"},
                limits=short_answer(),
                waits_for_host=waits_for_host,
            )
        )
        if not isinstance(outcome, Answer) or judge(outcome) is not Verdict.ACCEPTED:
            return outcome
        if _token_in(outcome.document() or {}, "access_token", header_problem) is None:
            return Fault(words=f"{outcome.status} without a token that can be used", was_sent=True)
        return outcome

    def _error(self, outcome: Answer | Fault, *, name: str, tries: Tries, words: str) -> CallError:
        if judge(outcome) is Verdict.LIMITED:
            return RateLimitedError(
                f"{name} was asked for {tries}, and the last answer was {words}: ask later",
                retry_after=retry_after(outcome, clock=self._clock),
            )
        if isinstance(outcome, Answer) and judge(outcome) is Verdict.REFUSED:
            return CallRefusedError(f"{name} was refused with {words}: check auth_url", status=outcome.status)
        advice = "run again later, or check auth_url and the network"
        if isinstance(outcome, Fault) and outcome.is_permanent:
            advice = outcome.advice
        return CallError(
            f"{name} was asked for {tries}, and the last try ended with {words}: {advice}",
            status=outcome.status if isinstance(outcome, Answer) else None,
        )


def _granted(answer: Mapping[str, object]) -> Granted:
    access_token = str(_token_in(answer, "access_token", header_problem))
    refresh_token = _token_in(answer, "refresh_token", secret_problem)
    KNOWN_SECRETS.add(access_token, refresh_token)
    return Granted(access_token=access_token, life=_life(answer.get("expires_in")), refresh_token=refresh_token)


def _token_in(answer: Mapping[str, object], name: str, problem: Callable[[str], str | None]) -> str | None:
    """A token of an answer, `None` where there is none, or one that no request can hold."""
    text = answer.get(name)
    token = text.strip() if isinstance(text, str) else ""
    return token if token and problem(token) is None else None


def _life(expires_in: object) -> float:
    """The remaining lifetime in seconds; the number may be a text."""
    try:
        life = float(str(expires_in))
    except ValueError:
        return DEFAULT_LIFE
    return min(life, LONGEST_LIFE) if math.isfinite(life) and life > 0 else DEFAULT_LIFE
