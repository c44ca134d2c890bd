"""The authorization-code flow, by which a seller allows the app to ask for reports.

A link is opened in the seller's browser; Flipkart sends the browser to the app's redirect address, which is https and
not served by this machine; that address, with a code in it, is pasted back, and the code is exchanged for tokens.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from tap_flipkart_reports.adapters.address_rules import AddressRules
from tap_flipkart_reports.adapters.token_endpoint import Granted, TokenEndpoint
from tap_flipkart_reports.adapters.token_store import TokenStore
from tap_flipkart_reports.adapters.transport import Connections
from tap_flipkart_reports.auth import REFRESH_LIFE
from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.commands.token_destinations import destination_of
from tap_flipkart_reports.exceptions import AuthorizationError, SettingsError
from tap_flipkart_reports.redaction import clean
from tap_flipkart_reports.settings.addresses import address_problem
from tap_flipkart_reports.settings.credentials import KEY_VARIABLE, SellerTokens, digest
from tap_flipkart_reports.settings.schema import MAX_NAME_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.settings.values import App

SCOPE = "Seller_Api"


class Authorization:
    """One seller's way through the flow.

    Args:
        auth_url: the token call's address, beside which the authorize page lies.
        client_id: the app's id.
        redirect_uri: as registered for the app.

    Attributes:
        link: what the seller opens.

    Raises:
        SettingsError: the redirect address is not https, or auth_url tells no authorize page.
    """

    def __init__(self, *, auth_url: str, client_id: str, redirect_uri: str) -> None:
        if not redirect_uri.startswith("https://") or address_problem(redirect_uri.partition("?")[0]) is not None:
            raise SettingsError(
                f"--redirect-uri {redirect_uri} is not an https address: give the one registered for the app"
            )
        if not auth_url.endswith("/token"):
            raise SettingsError(
                f"auth_url {auth_url} does not end in /token, so the address of its authorize page is unknown"
            )
        self._redirect_uri = redirect_uri
        self._state = secrets.token_urlsafe(24)
        asked = {
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": SCOPE,
            "state": self._state,
        }
        self.link = f"{auth_url.removesuffix('/token')}/authorize?{urlencode(asked)}"

    def code_in(self, address: str) -> str:
        """The code in the address that the browser was sent to.

        Raises:
            AuthorizationError: it is not the address of this link, or the seller did not agree.
        """
        query = parse_qs(_query_of(address.strip()))
        said = {name: values[0] for name, values in query.items()}
        if not said:
            raise AuthorizationError(
                "that is not the address the browser was sent to: paste all of it, from https to its end"
            )
        if not hmac.compare_digest(said.get("state", "").encode(), self._state.encode()):
            raise AuthorizationError(
                "the address does not belong to this link, as its state differs: open the link just printed, and paste "
                "the address it leads to"
            )
        if "error" in said:
            words = ": ".join(said[name] for name in ("error", "error_description") if name in said)
            raise AuthorizationError(f"the seller has not allowed the app ({clean(words)})")
        if "code" not in said:
            raise AuthorizationError("the address has no code: open the link again, and sign in as the seller")
        return said["code"]

    def exchange(self, code: str, *, endpoint: TokenEndpoint, seller_id: str) -> Granted:
        """The tokens that a code is good for, once.

        Args:
            code: from `code_in`.
            endpoint: the token call.
            seller_id: for messages.

        Raises:
            AuthorizationError: the code is refused, or brings no refresh token.
            CallError: the token endpoint gave no token, retries included.
        """
        grant = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "state": self._state,
        }
        granted = endpoint.ask(grant, name=f"token of seller {seller_id}", secrets=frozenset({code, self._state}))
        if not isinstance(granted, Granted):
            raise AuthorizationError(
                f"the code of seller {seller_id} was refused with {granted.words}: a code works once and for a few "
                "minutes, so start again; check client_id, client_secret and --redirect-uri, too"
            )
        if granted.refresh_token is None:
            raise AuthorizationError(
                f"Flipkart gave seller {seller_id} no refresh token: the app has to be a third-party one"
            )
        return granted


def _query_of(address: str) -> str:
    try:
        return urlsplit(address).query
    except ValueError:
        return ""


def authorize_seller(  # noqa: PLR0913 - the options of the command, and the person who types
    app: App,
    *,
    seller_id: str,
    redirect_uri: str,
    destination: str,
    clock: Clock,
    ask: Callable[[str], str],
) -> str:
    """Take a seller through the authorization code flow, and store the refresh token.

    Args:
        app: the app.
        seller_id: the operator's name of the seller.
        redirect_uri: as registered for the app.
        destination: where the token goes, as in `--store`.
        clock: time.
        ask: shows a link, and returns the address that it led to.

    Returns:
        A sentence for the operator.

    Raises:
        SettingsError: the destination or the redirect address cannot be used.
        AuthorizationError: the seller did not agree, or the address does not belong to this link.
        CallError: the token endpoint gave no token, retries included.
        TokenStoreError: the token store cannot be used.
    """
    if not seller_id.strip() or len(seller_id) > MAX_NAME_LENGTH or not seller_id.isprintable():
        raise SettingsError(f"--seller-id has to be a name of 1 to {MAX_NAME_LENGTH} letters, digits and signs")
    chosen = destination_of(destination, open_store=lambda: _store(app, clock))
    chosen.prepare()
    authorization = Authorization(auth_url=app.auth_url, client_id=app.client_id, redirect_uri=redirect_uri)
    code = authorization.code_in(ask(authorization.link))
    granted = _exchange(authorization, code, app=app, seller_id=seller_id, clock=clock)
    now = clock.now()
    configured = app.refresh_tokens.get(seller_id)
    where = chosen.put(
        seller_id,
        SellerTokens(
            refresh_token=granted.refresh_token,
            refresh_issued_at=now,
            access_token=granted.access_token,
            access_ends_at=now + timedelta(seconds=granted.life),
            began_with=digest(configured) if configured else None,
        ),
    )
    last_day = (now + REFRESH_LIFE).astimezone(KOLKATA).date()
    return f"Seller {seller_id} has authorised the app until {last_day}; the refresh token is in {where}."


def _exchange(authorization: Authorization, code: str, *, app: App, seller_id: str, clock: Clock) -> Granted:
    rules = AddressRules(plain_http_hosts=app.plain_http_hosts)
    with closing(Connections(user_agent=app.user_agent, clock=clock, rules=rules)) as connections:
        endpoint = TokenEndpoint(
            auth_url=app.auth_url,
            client_id=app.client_id,
            client_secret=app.client_secret,
            connections=connections,
            clock=clock,
        )
        return authorization.exchange(code, endpoint=endpoint, seller_id=seller_id)


def _store(app: App, clock: Clock) -> TokenStore:
    if not app.token_store:
        raise SettingsError("--store token_store: the setting token_store is not set; set it, or choose another place")
    return TokenStore(app.token_store, key=os.environ.get(KEY_VARIABLE), clock=clock)
