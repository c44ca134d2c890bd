"""Tokens and authorisations: the state behind the token call and the authorize page."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tap_flipkart_reports.simulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKEN_SECONDS = 60 * 24 * 3600
REFRESH_SECONDS = 180 * 24 * 3600
CODE_SECONDS = 10 * 60
"""Not documented; RFC 6749 recommends no more."""

GRANTS = {
    "authorization_code": frozenset({"code", "redirect_uri", "state"}),
    "refresh_token": frozenset({"refresh_token"}),
    "client_credentials": frozenset({"scope"}),
}
"""The parameters of a token call besides `grant_type`, by grant."""


@dataclass(frozen=True, kw_only=True)
class _Code:
    """An authorization code: valid once, until `dies_at`, with the redirect_uri and state of its link."""

    seller_id: str
    redirect_uri: str
    state: str
    dies_at: datetime


@dataclass(kw_only=True)
class Tokens:
    """The tokens of one app.

    Attributes:
        client_id: the app's id.
        client_secret: the app's secret.
        now: the present moment.
        sellers: the sellers who have authorised the app; `None` for any.
        secrets: every secret that was issued.
    """

    client_id: str
    client_secret: str
    now: Callable[[], datetime]
    sellers: frozenset[str] | None
    secrets: set[str]
    _refresh: dict[str, int] = field(default_factory=Counter)
    _refresh_issued: dict[str, datetime] = field(default_factory=dict)
    _authorised: set[str] = field(default_factory=set)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _dead_sellers: set[str] = field(default_factory=set)
    _access: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def refresh_token(self, seller_id: str) -> str:
        """The present refresh token of a seller, with all rotations so far."""
        with self._lock:
            self._refresh_issued.setdefault(seller_id, self.now())
            token = f"refresh.{seller_id}.{self._refresh[seller_id]}.{self._signature(seller_id)}"
            self.secrets.add(token)
            return token

    def access_token(self, seller_id: str, *, scope: str = "Seller_Api") -> str:
        """An access token that works for 60 days."""
        with self._lock:
            token = f"access.{secrets.token_urlsafe(18)}"
            self._access[token] = (seller_id if scope else "", self.now() + timedelta(seconds=TOKEN_SECONDS))
            self.secrets.add(token)
            return token

    def _signature(self, seller_id: str) -> str:
        return hashlib.sha256(f"{self.client_secret} {seller_id}".encode()).hexdigest()[:24]

    @staticmethod
    def claimed_seller(query: Mapping[str, str]) -> str:
        """The seller that a token call names; not verified."""
        if query.get("grant_type") == "authorization_code":
            return query.get("code", "").rpartition(".")[0].removeprefix("code.")
        parts = query.get("refresh_token", "").split(".")
        return parts[1] if len(parts) == 4 else ""  # noqa: PLR2004 - of `refresh_token`

    def token(self, basic: str, query: Mapping[str, str], active_faults: Mapping[str, object]) -> dict[str, Any]:
        """The token call.

        Args:
            basic: the decoded `id:secret` of HTTP Basic.
            query: the query's parameters.
            active_faults: the faults of this call.
        """
        if basic != f"{self.client_id}:{self.client_secret}":
            raise Refused(401, {"error": "unauthorized", "error_description": "Bad credentials"})
        grant = query.get("grant_type")
        if grant in GRANTS and not set(query) <= GRANTS[grant] | {"grant_type"}:
            raise Refused(400, {"error": "invalid_request", "error_description": f"Unknown parameter for {grant}"})
        if grant == "client_credentials" and query.get("scope") == "Seller_Api":
            return self._token_answer(self.access_token("", scope=""), None)
        if grant not in {"refresh_token", "authorization_code"}:
            raise Refused(400, {"error": "unsupported_grant_type", "error_description": "Unknown grant_type or scope"})
        if "token_dead" in active_faults:
            self._dead_sellers.add(self.claimed_seller(query))
        with self._lock:
            seller_id = self._authorised_by(query) if grant == "authorization_code" else self._refreshed_by(query)
            if "rotate_refresh_token" in active_faults:
                self._rotate(seller_id)
            answer = self._token_answer(self.access_token(seller_id), self.refresh_token(seller_id))
            if "odd_token" in active_faults:
                answer["access_token"] += "\r\nX-Forged: yes"
            return answer

    def check_link(self, query: Mapping[str, str]) -> None:
        """Refuse a link to the authorize page that is not as documented."""
        if query.get("client_id") != self.client_id or query.get("response_type") != "code":
            raise Refused(400, {"error": "invalid_request", "error_description": "client_id, response_type"})
        is_https = query.get("redirect_uri", "").startswith("https://")
        if not is_https or not query.get("state") or query.get("scope") != "Seller_Api":
            raise Refused(400, {"error": "invalid_request", "error_description": "redirect_uri (https), scope, state"})

    def authorize(self, query: Mapping[str, str], seller_id: str) -> str:
        """A seller allows the app on the authorize page. Returns the address to which the browser is redirected."""
        self.check_link(query)
        redirect_uri, state = query["redirect_uri"], query["state"]
        code = f"code.{seller_id}.{secrets.token_urlsafe(12)}"
        self.secrets.add(code)
        with self._lock:
            self._codes[code] = _Code(
                seller_id=seller_id,
                redirect_uri=redirect_uri,
                state=state,
                dies_at=self.now() + timedelta(seconds=CODE_SECONDS),
            )
        joint = "&" if "?" in redirect_uri else "?"
        return f"{redirect_uri}{joint}{urlencode({'code': code, 'state': state})}"

    def _authorised_by(self, query: Mapping[str, str]) -> str:
        """The seller of a code, who gets a new refresh token."""
        if not all(query.get(name) for name in ("code", "redirect_uri", "state")):
            raise Refused(400, {"error": "invalid_request", "error_description": "code, redirect_uri, state"})
        code = self._codes.pop(query["code"], None)
        of_link = (query["redirect_uri"], query["state"])
        if code is None or of_link != (code.redirect_uri, code.state) or code.dies_at <= self.now():
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid authorization code"})
        self._authorised.add(code.seller_id)
        self._dead_sellers.discard(code.seller_id)
        self._rotate(code.seller_id)
        return code.seller_id

    def _refreshed_by(self, query: Mapping[str, str]) -> str:
        """The seller of a refresh token, which must be the newest one and not expired."""
        seller_id = self.claimed_seller(query)
        is_known = self.sellers is None or seller_id in self.sellers or seller_id in self._authorised
        is_right = is_known and query.get("refresh_token") == self.refresh_token(seller_id)
        dies_at = self._refresh_issued.get(seller_id, self.now()) + timedelta(seconds=REFRESH_SECONDS)
        if not is_right or seller_id in self._dead_sellers or dies_at <= self.now():
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid refresh token"})
        return seller_id

    def _rotate(self, seller_id: str) -> None:
        self._refresh[seller_id] += 1
        self._refresh_issued[seller_id] = self.now()

    @staticmethod
    def _token_answer(access_token: str, refresh_token: str | None) -> dict[str, Any]:
        answer = {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": "Seller_Api",
        }
        return answer if refresh_token is None else {**answer, "refresh_token": refresh_token}

    def seller_of_bearer(self, token: str) -> str:
        """The seller of an access token; raises for a token of the app itself."""
        seller_id, dies_at = self._access.get(token, ("", datetime.min.replace(tzinfo=timezone.utc)))
        if dies_at <= self.now():
            raise Refused(401, {"error": "invalid_token", "error_description": "Access token expired or invalid"})
        if not seller_id:
            raise Refused(403, {"error": "access_denied", "error_description": "Not a third-party token"})
        return seller_id

    def end_token(self, token: str) -> None:
        """End an access token."""
        self._access.pop(token, None)
