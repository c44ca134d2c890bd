"""Access tokens, one per seller: asked for late, renewed early, shared by threads and, with a store, by workers."""

from __future__ import annotations

import math
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from tap_flipkart_reports.adapters.retries import Tries
from tap_flipkart_reports.adapters.token_endpoint import Granted, Refusal, TokenEndpoint
from tap_flipkart_reports.adapters.transport import LOGGER
from tap_flipkart_reports.exceptions import AuthenticationError, HostAwayError, TokenStoreError
from tap_flipkart_reports.redaction import KNOWN_SECRETS
from tap_flipkart_reports.settings.credentials import Credentials, SellerTokens, digest

if TYPE_CHECKING:
    from tap_flipkart_reports.adapters.token_store import Hold, TokenStore
    from tap_flipkart_reports.adapters.transport import Connections
    from tap_flipkart_reports.clock import Clock

MARGIN_SECONDS = 300.0
"""A token is renewed when less of its life is left: longer than a call with all its retries normally takes."""

MARGIN_SHARE = 0.1
"""The same for a token with little life left, which would otherwise be renewed at every call."""

REFRESH_LIFE = timedelta(days=180)
"""Of a refresh token, from the moment it is handed out."""


@dataclass(frozen=True, kw_only=True)
class TokenLife:
    """How long a seller's tokens are good for.

    Attributes:
        access_ends_at: when the access token ends, `None` if nobody knows.
        refresh_ends_at: when the refresh token ends, `None` if nobody knows when it was handed out.
        is_renewable: whether there is a refresh token.
        is_rotated: whether the refresh token is not the configured one any more, and no store has kept it.
    """

    access_ends_at: datetime | None
    refresh_ends_at: datetime | None
    is_renewable: bool
    is_rotated: bool


class AccessToken:
    """The access token of one seller; every method may be called from any thread.

    Args:
        credentials: of the seller.
        auth_url: the token endpoint.
        connections: what calls are made with; the caller closes them.
        clock: time.
        store: where tokens are kept for other workers and the next run, if anywhere.
    """

    def __init__(
        self,
        *,
        credentials: Credentials,
        auth_url: str,
        connections: Connections,
        clock: Clock,
        store: TokenStore | None = None,
    ) -> None:
        self._credentials = credentials
        self._clock = clock
        self._store = store
        self._endpoint = TokenEndpoint(
            auth_url=auth_url,
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            connections=connections,
            clock=clock,
        )
        self._name = f"token of seller {credentials.seller_id}"
        # One lock for everything, held during the call: whoever waits for it wants just what the call brings.
        self._lock = threading.Lock()
        self._value = (credentials.access_token or "").strip() or None
        self._renew_at = math.inf
        configured = credentials.refresh_token
        self._tokens = SellerTokens(refresh_token=configured, began_with=digest(configured) if configured else None)
        self._unstored: SellerTokens | None = None
        self._failure: str | None = None
        own = (credentials.refresh_token, self._value)
        self._secrets = self._endpoint.secrets.union(secret for secret in own if secret)
        KNOWN_SECRETS.add(*own)

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

    def value(self) -> str:
        """A token that is good for a while.

        Raises:
            AuthenticationError: the credentials were refused, now or earlier.
            CallError: the token endpoint gave no token, retries included, or the store cannot be used.
        """
        with self._lock:
            if self._failure is None and self._value is not None and self._clock.monotonic() < self._renew_at:
                return self._value
            return self._ask(refused=None)

    def renew(self, refused: str) -> str:
        """Another token in place of one that was answered 401.

        Args:
            refused: the token; if it is not the present one any more, another thread has renewed it already.

        Raises:
            AuthenticationError: there is no way to get another, or the credentials were refused.
            CallError: the token endpoint gave no token, retries included, or the store cannot be used.
        """
        with self._lock:
            if self._failure is None and self._value is not None and self._value != refused:
                return self._value
            return self._ask(refused=refused)

    def check(self) -> TokenLife:
        """Ask for a token now, however good the present one is: only that shows whether the seller still agrees.

        Raises:
            AuthenticationError: the credentials were refused.
            CallError: the token endpoint gave no token, retries included, or the store cannot be used.
        """
        with self._lock:
            if self._credentials.refresh_token or not self._credentials.access_token:
                self._ask(refused=None, anew=True)
            tokens = self._tokens
            issued = tokens.refresh_issued_at
            return TokenLife(
                access_ends_at=tokens.access_ends_at,
                refresh_ends_at=issued + REFRESH_LIFE if issued is not None else None,
                is_renewable=tokens.refresh_token is not None,
                is_rotated=self.rotated and (self._store is None or self._unstored is not None),
            )

    @property
    def rotated(self) -> bool:
        """Whether the refresh token is another than the configured one, which may be dead by now."""
        return self._tokens.refresh_token != self._credentials.refresh_token

    def close(self) -> None:
        """Tokens that could not be stored are tried once more."""
        if self._unstored is None or self._store is None:
            return
        try:
            with self._store.holding(self.seller_id) as hold:
                hold.write(self._unstored)
        except TokenStoreError as error:
            LOGGER.error("%s; if the next run is refused, authorise seller %s again.", error, self.seller_id)

    # All below with the lock held

    def _ask(self, *, refused: str | None, anew: bool = False) -> str:
        """Another token: one that another worker has stored, or from the token endpoint.

        Args:
            refused: a token that will not do.
            anew: whether only a call will do.
        """
        if self._failure is None and refused and self._credentials.access_token and not self._can_renew:
            self._failure = (
                f"the access token of seller {self.seller_id} was refused: it has expired or was revoked; set a new "
                "one, or a refresh_token, which renews it"
            )
        if self._failure is not None:
            raise AuthenticationError(self._failure)
        while self._store is not None:
            # What is held must not be held through an outage: the lease would end before it.
            self._endpoint.wait_until_back()
            with suppress(HostAwayError):
                return self._ask_holding(self._store, refused=refused, anew=anew)
        granted = self._call(self._tokens)
        if isinstance(granted, Refusal):
            raise self._refused(granted)
        return self._adopt(self._next(self._tokens, granted))

    def _ask_holding(self, store: TokenStore, *, refused: str | None, anew: bool) -> str:
        with store.holding(self.seller_id) as hold:
            known = self._known(hold)
            if not anew and self._is_usable(known, refused):
                return self._adopt(known)
            granted = self._call(known)
            if isinstance(granted, Refusal):
                hold.look_again()
                stored = hold.tokens
                if stored is not None and stored.refresh_token != known.refresh_token:
                    known, granted = stored, self._call(stored)
            if isinstance(granted, Refusal):
                raise self._refused(granted, was_interrupted=hold.was_interrupted)
            tokens = self._next(known, granted)
            self._write(hold, tokens)
            return self._adopt(tokens)

    def _known(self, hold: Hold) -> SellerTokens:
        """What to begin with: what is stored, unless the settings name a token from which it does not descend."""
        stored, configured = hold.tokens, self._credentials.refresh_token
        if stored is not None and (configured is None or stored.began_with == digest(configured)):
            return stored
        if configured is None:
            raise AuthenticationError(
                f"seller {self.seller_id} has no refresh token, neither in the settings nor in token_store: run "
                f"`flipkart-reports authorize --seller-id {self.seller_id}`"
            )
        return SellerTokens(refresh_token=configured, began_with=digest(configured))

    def _is_usable(self, tokens: SellerTokens, refused: str | None) -> bool:
        if tokens.access_token is None or tokens.access_token == refused or tokens.access_ends_at is None:
            return False
        return (tokens.access_ends_at - self._clock.now()).total_seconds() > MARGIN_SECONDS

    def _call(self, tokens: SellerTokens) -> Granted | Refusal:
        if tokens.refresh_token is None:
            grant = {"grant_type": "client_credentials", "scope": "Seller_Api"}
        else:
            grant = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
            self._secrets |= {tokens.refresh_token}
        return self._endpoint.ask(grant, name=self._name, secrets=self._secrets, is_patient=self._store is None)

    def _next(self, known: SellerTokens, granted: Granted) -> SellerTokens:
        """What is known of the seller's tokens after an answer."""
        now = self._clock.now()
        tokens = replace(known, access_token=granted.access_token, access_ends_at=now + timedelta(seconds=granted.life))
        if known.refresh_token is None or granted.refresh_token in {None, known.refresh_token}:
            return tokens
        if self._store is None and not self.rotated:
            LOGGER.warning(
                "seller %s: Flipkart has handed out a new refresh token, used for the rest of this run; if the next "
                "run is refused, authorise the seller again and set the token that it gives. With token_store it "
                "would be kept.",
                self.seller_id,
            )
        return replace(tokens, refresh_token=granted.refresh_token, refresh_issued_at=now)

    def _adopt(self, tokens: SellerTokens) -> str:
        """Use tokens with an access token among them, from now on."""
        left = (cast("datetime", tokens.access_ends_at) - self._clock.now()).total_seconds()
        self._tokens = tokens
        self._value = cast("str", tokens.access_token)
        self._renew_at = self._clock.monotonic() + left - min(MARGIN_SECONDS, left * MARGIN_SHARE)
        self._secrets |= {secret for secret in (tokens.access_token, tokens.refresh_token) if secret}
        return self._value

    def _write(self, hold: Hold, tokens: SellerTokens) -> None:
        """Store tokens; where that fails for long, the run goes on, as it has what the store lacks."""
        tries = Tries(name=f"storing the {self._name}", clock=self._clock)
        while True:
            tries.made += 1
            try:
                if not hold.write(tokens):
                    LOGGER.warning(
                        "seller %s: another worker has stored other tokens meanwhile; those stay.", self.seller_id
                    )
            except TokenStoreError as error:
                if tries.wait(str(error)):
                    continue
                LOGGER.error("%s; the run goes on with the token it has, and stores it at its end.", error)
                self._unstored = tokens
            else:
                self._unstored = None
            return

    def _refused(self, refusal: Refusal, *, was_interrupted: bool = False) -> AuthenticationError:
        cure = "check client_id and client_secret"
        if self._tokens.refresh_token is not None or self._store is not None:
            cure = f"authorise the seller again for a new refresh_token, and {cure}"
        if was_interrupted:
            cure += "; a run that died in its token call may never have stored the token it was given"
        self._failure = f"the credentials of seller {self.seller_id} were refused with {refusal.came}: {cure}"
        return AuthenticationError(self._failure)

    @property
    def _can_renew(self) -> bool:
        return self._tokens.refresh_token is not None or self._store is not None
