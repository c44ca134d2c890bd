"""Access tokens, one per seller: asked for late, renewed early, shared by all threads."""

from __future__ import annotations

import base64
import math
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tap_flipkart_reports.exceptions import AuthenticationError, CallError, CallRefusedError, RateLimitedError
from tap_flipkart_reports.http import (
    LOGGER,
    MAX_TRIES,
    UNAUTHORIZED,
    Answer,
    Connections,
    Fault,
    Tries,
    Verdict,
    describe,
    judge,
    retry_after,
)

if TYPE_CHECKING:
    from tap_flipkart_reports.clock import Clock

MARGIN_SECONDS = 300.0
"""A token is renewed when less of its life is left: longer than a call with all its retries normally takes."""

MARGIN_SHARE = 0.1
"""The same for a token with little life left, which would otherwise be renewed at every call."""

DEFAULT_LIFE = 3600.0
"""Seconds a token is taken to live where `expires_in` is missing: far less than the documented 60 days."""

REFUSALS = frozenset({400, UNAUTHORIZED, 403})
"""Statuses by which a token endpoint says that credentials are wrong (RFC 6749 §5.2; 403 is Flipkart's)."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a seller's calls are authorised by.

    Attributes:
        seller_id: the operator's own name for the seller.
        client_id: the app's id.
        client_secret: the app's secret.
        refresh_token: of the seller, for which access tokens are handed out.
        access_token: of the seller; used as it is until the API refuses it.
    """

    seller_id: str
    client_id: str | None = field(repr=False)
    client_secret: str | None = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)


class AccessToken:
    """The access token of one seller; every method may be called from any thread.

    Args:
        credentials: of the seller.
        auth_url: the token endpoint.
        user_agent: how the tap names itself.
        clock: time.
        max_tries: how often one token call may be made.
    """

    def __init__(
        self,
        *,
        credentials: Credentials,
        auth_url: str,
        user_agent: str,
        clock: Clock,
        max_tries: int = MAX_TRIES,
    ) -> None:
        self._credentials = credentials
        self._auth_url = auth_url
        self._clock = clock
        self._max_tries = max_tries
        self._connections = Connections(user_agent=user_agent)
        self._name = f"token of seller {credentials.seller_id}"
        # One lock for everything, held during the call: whoever waits for it wants just what the call brings.
        self._lock = threading.Lock()
        self._value = (credentials.access_token or "").strip() or None
        self._refresh_token = credentials.refresh_token
        self._renew_at = math.inf
        self._failure: str | None = None
        self._secrets = frozenset(
            secret
            for secret in (
                credentials.client_id,
                credentials.client_secret,
                self._basic(),
                self._refresh_token,
                self._value,
            )
            if secret
        )

    def __repr__(self) -> str:
        """The seller alone."""
        return f"AccessToken(seller_id={self._credentials.seller_id!r})"

    @property
    def seller_id(self) -> str:
        """Whose token it is."""
        return self._credentials.seller_id

    @property
    def secrets(self) -> frozenset[str]:
        """Every text of this seller that no message may hold."""
        return self._secrets

    @property
    def rotated(self) -> bool:
        """Whether the API handed out another refresh token than the configured one, which may be dead by now."""
        return self._refresh_token != self._credentials.refresh_token

    def value(self) -> str:
        """A token that is good for a while.

        Raises:
            AuthenticationError: the credentials were refused, now or earlier.
            CallError: the token endpoint gave no token, retries included.
        """
        with self._lock:
            if self._failure is None and self._value is not None and self._clock.monotonic() < self._renew_at:
                return self._value
            return self._ask()

    def renew(self, refused: str) -> str:
        """Another token in place of one that was answered 401.

        Args:
            refused: the token; if it is not the present one any more, another thread has renewed it already.

        Raises:
            AuthenticationError: there is no way to get another, or the credentials were refused.
            CallError: the token endpoint gave no token, retries included.
        """
        with self._lock:
            if self._failure is None and self._value is not None and self._value != refused:
                return self._value
            if self._credentials.access_token and not self._refresh_token:
                self._failure = (
                    f"the access token of seller {self._credentials.seller_id} was refused: it has expired or was "
                    "revoked; set a new one, or a refresh_token, which renews it"
                )
            return self._ask()

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    # All below with the lock held

    def _ask(self) -> str:
        """Call the token endpoint, unless it has refused these credentials before."""
        if self._failure is not None:
            raise AuthenticationError(self._failure)
        tries = Tries(call=self._name, clock=self._clock, max_tries=self._max_tries)
        while True:
            tries.made += 1
            outcome = self._send()
            LOGGER.debug("%s: %s.", self._name, describe(outcome, self._secrets))
            verdict = judge(outcome)
            if isinstance(outcome, Answer) and verdict is Verdict.ACCEPTED:
                return self._keep(outcome.document() or {})
            if not verdict.is_passing or not tries.wait(outcome, secrets=self._secrets):
                raise self._error(outcome, tries)

    def _send(self) -> Answer | Fault:
        grant = (
            {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
            if self._refresh_token
            else {"grant_type": "client_credentials", "scope": "Seller_Api"}
        )
        outcome = self._connections.ask(
            "GET", f"{self._auth_url}?{urlencode(grant)}", headers={"Authorization": f"Basic {self._basic()}"}
        )
        if isinstance(outcome, Answer) and judge(outcome) is Verdict.ACCEPTED:
            token = (outcome.document() or {}).get("access_token")
            if not isinstance(token, str) or not token:
                return Fault(words=f"{outcome.status} without a token", was_sent=True)
        return outcome

    def _basic(self) -> str:
        pair = f"{self._credentials.client_id or ''}:{self._credentials.client_secret or ''}"
        return base64.b64encode(pair.encode()).decode()

    def _keep(self, answer: dict[str, object]) -> str:
        life = _life(answer.get("expires_in"))
        self._value = str(answer["access_token"])
        self._renew_at = self._clock.monotonic() + life - min(MARGIN_SECONDS, life * MARGIN_SHARE)
        self._secrets |= {self._value}
        offered = answer.get("refresh_token")
        if self._refresh_token and isinstance(offered, str) and offered and offered != self._refresh_token:
            if not self.rotated:
                LOGGER.warning(
                    "seller %s: Flipkart has handed out a new refresh token, used for the rest of this run; if the "
                    "next run is refused, authorise the seller again and set the token that it gives.",
                    self._credentials.seller_id,
                )
            self._refresh_token = offered
            self._secrets |= {offered}
        return self._value

    def _error(self, outcome: Answer | Fault, tries: Tries) -> AuthenticationError | CallError:
        came = describe(outcome, self._secrets)
        if isinstance(outcome, Answer) and outcome.status in REFUSALS:
            cure = (
                "authorise the seller again for a new refresh_token, and check client_id and client_secret"
                if self._refresh_token
                else "check client_id and client_secret"
            )
            self._failure = f"the credentials of seller {self._credentials.seller_id} were refused with {came}: {cure}"
            return AuthenticationError(self._failure)
        if judge(outcome) is Verdict.LIMITED:
            return RateLimitedError(
                f"{self._name} was asked for {tries}, and the last answer was {came}: ask later",
                retry_after=retry_after(outcome, clock=self._clock),
            )
        if isinstance(outcome, Answer) and judge(outcome) is Verdict.REFUSED:
            return CallRefusedError(f"{self._name} was refused with {came}: check auth_url", status=outcome.status)
        return CallError(
            f"{self._name} was asked for {tries}, and what came last was {came}: run again later, or check auth_url "
            "and the network"
        )


def _life(expires_in: object) -> float:
    """The remaining life in seconds; a number may come as text."""
    try:
        life = float(str(expires_in))
    except ValueError:
        return DEFAULT_LIFE
    return life if math.isfinite(life) and life > 0 else DEFAULT_LIFE
