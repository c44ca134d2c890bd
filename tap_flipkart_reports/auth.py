"""Access tokens, one per seller: requested late, renewed early, shared by threads and, with a store, by workers."""

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
    from tap_flipkart_reports.adapters.token_store import SellerLease, TokenStore
    from tap_flipkart_reports.adapters.transport import Connections
    from tap_flipkart_reports.clock import Clock

MARGIN_SECONDS = 300.0
"""A token is renewed when it has less time left than this: longer than a call with retries normally takes."""

MARGIN_SHARE = 0.1
"""The same as a share of a short lifetime, so that such a token is not renewed at every call."""

REFRESH_LIFE = timedelta(days=180)
"""Lifetime of a refresh token from its issue."""


@dataclass(frozen=True, kw_only=True)
class TokenLife:
    """How long a seller's tokens are valid.

    Attributes:
        access_ends_at: when the access token expires, `None` if unknown.
        refresh_ends_at: when the refresh token expires, `None` if its issue is unknown.
        is_renewable: whether there is a refresh token.
        is_rotated: whether the refresh token is no longer the configured one and is not stored.
    """

    access_ends_at: datetime | None
    refresh_ends_at: datetime | None
    is_renewable: bool
    is_rotated: bool


class AccessToken:
    """The access token of one seller; every method may be called from any thread.

    Args:
        credentials: the seller's credentials.
        auth_url: the token endpoint.
        connections: the connections; the caller closes them.
        clock: time.
        store: stores tokens for other workers and the next run, if given.
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
        # One lock for everything, held during the call: a thread that waits for it needs the new token.
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
        """The seller, without secrets."""
        return f"AccessToken(seller_id={self._credentials.seller_id!r})"

    @property
    def seller_id(self) -> str:
        """The seller."""
        return self._credentials.seller_id

    @property
    def secrets(self) -> frozenset[str]:
        """All texts of this seller that must not appear in messages."""
        return self._secrets

    def value(self) -> str:
        """A valid token.

        Raises:
            AuthenticationError: the credentials were refused, now or earlier.
            CallError: the token endpoint granted no token, retries included.
            TokenStoreError: the store cannot be used.
        """
        with self._lock:
            if self._failure is None and self._value is not None and self._clock.monotonic() < self._renew_at:
                return self._value
            return self._obtain(refused=None)

    def renew(self, refused: str) -> str:
        """A new token to replace one that was answered with 401.

        Args:
            refused: the refused token; if it is not the current one, another thread has renewed it already.

        Raises:
            AuthenticationError: the token cannot be renewed, or the credentials were refused.
            CallError: the token endpoint granted no token, retries included.
            TokenStoreError: the store cannot be used.
        """
        with self._lock:
            if self._failure is None and self._value is not None and self._value != refused:
                return self._value
            return self._obtain(refused=refused)

    def check(self) -> TokenLife:
        """Request a token now, even if the current one is valid: only that shows whether the authorisation still holds.

        Raises:
            AuthenticationError: the credentials were refused.
            CallError: the token endpoint granted no token, retries included.
            TokenStoreError: the store cannot be used.
        """
        with self._lock:
            if self._credentials.refresh_token or not self._credentials.access_token:
                self._obtain(refused=None, force=True)
            tokens = self._tokens
            issued = tokens.refresh_issued_at
            return TokenLife(
                access_ends_at=tokens.access_ends_at,
                refresh_ends_at=issued + REFRESH_LIFE if issued is not None else None,
                is_renewable=tokens.refresh_token is not None,
                is_rotated=self.has_rotated and (self._store is None or self._unstored is not None),
            )

    @property
    def has_rotated(self) -> bool:
        """Whether the refresh token differs from the configured one, which may be revoked by now."""
        return self._tokens.refresh_token != self._credentials.refresh_token

    def close(self) -> None:
        """Try once more to store tokens that could not be stored."""
        if self._unstored is None or self._store is None:
            return
        try:
            with self._store.lease(self.seller_id) as lease:
                lease.write(self._unstored)
        except TokenStoreError as error:
            LOGGER.error("%s; if the next run is refused, authorise seller %s again.", error, self.seller_id)

    # The caller of these holds the lock

    def _obtain(self, *, refused: str | None, force: bool = False) -> str:
        """A new token: one that another worker has stored, or one from the token endpoint.

        Args:
            refused: a token that is not accepted.
            force: whether to call the endpoint in any case.
        """
        if self._failure is None and refused and self._credentials.access_token and not self._can_renew:
            self._failure = (
                f"the access token of seller {self.seller_id} was refused: it has expired or was revoked; set a new "
                "one, or a refresh_token, which renews it"
            )
        if self._failure is not None:
            raise AuthenticationError(self._failure)
        while self._store is not None:
            # The lease must not be taken during an outage: it would end first.
            self._endpoint.wait_until_back()
            with suppress(HostAwayError):
                return self._obtain_leased(self._store, refused=refused, force=force)
        granted = self._call(self._tokens)
        if isinstance(granted, Refusal):
            raise self._refused(granted)
        return self._adopt(self._tokens_after(self._tokens, granted))

    def _obtain_leased(self, store: TokenStore, *, refused: str | None, force: bool) -> str:
        with store.lease(self.seller_id) as lease:
            known = self._starting_tokens(lease)
            if not force and self._is_usable(known, refused):
                return self._adopt(known)
            granted = self._call(known)
            if isinstance(granted, Refusal):
                lease.reload()
                stored = lease.tokens
                if stored is not None and stored.refresh_token != known.refresh_token:
                    known, granted = stored, self._call(stored)
            if isinstance(granted, Refusal):
                raise self._refused(granted, was_interrupted=lease.was_interrupted)
            tokens = self._tokens_after(known, granted)
            self._write(lease, tokens)
            return self._adopt(tokens)

    def _starting_tokens(self, lease: SellerLease) -> SellerTokens:
        """The stored tokens, unless the settings have a refresh token that they do not descend from."""
        stored, configured = lease.tokens, self._credentials.refresh_token
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
        return self._endpoint.ask(grant, name=self._name, secrets=self._secrets, waits_for_host=self._store is None)

    def _tokens_after(self, known: SellerTokens, granted: Granted) -> SellerTokens:
        """The seller's tokens after an answer of the endpoint."""
        now = self._clock.now()
        tokens = replace(known, access_token=granted.access_token, access_ends_at=now + timedelta(seconds=granted.life))
        if known.refresh_token is None or granted.refresh_token in {None, known.refresh_token}:
            return tokens
        if self._store is None and not self.has_rotated:
            LOGGER.warning(
                "seller %s: Flipkart has handed out a new refresh token, used for the rest of this run; if the next "
                "run is refused, authorise the seller again and set the token that it gives. With token_store it "
                "would be kept.",
                self.seller_id,
            )
        return replace(tokens, refresh_token=granted.refresh_token, refresh_issued_at=now)

    def _adopt(self, tokens: SellerTokens) -> str:
        """Use tokens, which include an access token, from now on."""
        left = (cast("datetime", tokens.access_ends_at) - self._clock.now()).total_seconds()
        self._tokens = tokens
        self._value = cast("str", tokens.access_token)
        self._renew_at = self._clock.monotonic() + left - min(MARGIN_SECONDS, left * MARGIN_SHARE)
        self._secrets |= {secret for secret in (tokens.access_token, tokens.refresh_token) if secret}
        return self._value

    def _write(self, lease: SellerLease, tokens: SellerTokens) -> None:
        """Store tokens; if that fails for long, the run continues with them and stores them at its end."""
        tries = Tries(name=f"storing the {self._name}", clock=self._clock)
        while True:
            tries.made += 1
            try:
                if not lease.write(tokens):
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
        advice = "check client_id and client_secret"
        if self._tokens.refresh_token is not None or self._store is not None:
            advice = f"authorise the seller again for a new refresh_token, and {advice}"
        if was_interrupted:
            advice += "; a run that died in its token call may never have stored the token it was given"
        self._failure = f"the credentials of seller {self.seller_id} were refused with {refusal.words}: {advice}"
        return AuthenticationError(self._failure)

    @property
    def _can_renew(self) -> bool:
        return self._tokens.refresh_token is not None or self._store is not None
