"""Access tokens over real sockets, in virtual time."""

from __future__ import annotations

import base64
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from support.clocks import VirtualClock
from support.scripted_server import DROP, Reply, ScriptedServer

from tap_flipkart_reports.adapters.transport import Connections
from tap_flipkart_reports.auth import AccessToken
from tap_flipkart_reports.exceptions import (
    AuthenticationError,
    CallError,
    CallRefusedError,
    FlipkartReportsError,
    RateLimitedError,
)
from tap_flipkart_reports.settings.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENT_ID = "canary-client-id-1"
SECRETS = ["canary-client-secret-2", "canary-refresh-3", "canary-access-4", "canary-rotated-5"]
CLIENT_SECRET, REFRESH, ACCESS, ROTATED = SECRETS


def credentials(**changes: Any) -> Credentials:
    members = {"seller_id": "acme", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH}
    return Credentials(**{**members, **changes})


def token_reply(token: str = ACCESS, **members: Any) -> Reply:
    return Reply(body={"access_token": token, "token_type": "bearer", "expires_in": 3600, **members})


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def build(server: ScriptedServer, clock: VirtualClock) -> Iterator[Callable[..., AccessToken]]:
    built: list[AccessToken] = []
    connections = Connections(user_agent="tap/1", clock=clock)

    def build(*, auth_url: str = f"{server.url}/oauth/token", **changes: Any) -> AccessToken:
        built.append(
            AccessToken(credentials=credentials(**changes), auth_url=auth_url, connections=connections, clock=clock)
        )
        return built[-1]

    yield build
    for token in built:
        token.close()
    connections.close()


def test_a_refresh_token_is_exchanged_as_documented(server: ScriptedServer, build: Callable[..., AccessToken]) -> None:
    server.plays(token_reply())
    assert build().value() == ACCESS
    (asked,) = server.asked
    target = urlsplit(asked.target)
    assert (asked.method, target.path) == ("GET", "/oauth/token")
    assert dict(parse_qsl(target.query)) == {"grant_type": "refresh_token", "refresh_token": REFRESH}
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    assert asked.headers["Authorization"] == f"Basic {basic}"
    assert asked.headers["User-Agent"] == "tap/1"
    assert asked.headers["Accept"] == "application/json"


def test_odd_characters_of_a_refresh_token_survive(server: ScriptedServer, build: Callable[..., AccessToken]) -> None:
    server.plays(token_reply())
    build(refresh_token="a+b/c=&d ü|%2B").value()
    assert dict(parse_qsl(urlsplit(server.asked[0].target).query))["refresh_token"] == "a+b/c=&d ü|%2B"


def test_an_app_alone_asks_for_its_own_token(server: ScriptedServer, build: Callable[..., AccessToken]) -> None:
    server.plays(token_reply())
    assert build(refresh_token=None).value() == ACCESS
    query = dict(parse_qsl(urlsplit(server.asked[0].target).query))
    assert query == {"grant_type": "client_credentials", "scope": "Seller_Api"}


def test_a_given_token_is_used_for_ever_without_a_call(
    server: ScriptedServer, build: Callable[..., AccessToken], clock: VirtualClock
) -> None:
    token = build(refresh_token=None, client_id=None, client_secret=None, access_token=f"{ACCESS}\n")
    clock.advance(10**9)
    assert token.value() == ACCESS
    assert server.asked == []


def test_a_given_token_that_is_refused_cannot_be_renewed(
    server: ScriptedServer, build: Callable[..., AccessToken]
) -> None:
    token = build(refresh_token=None, access_token=ACCESS)
    with pytest.raises(AuthenticationError, match="access token of seller acme was refused"):
        token.renew(ACCESS)
    with pytest.raises(AuthenticationError, match="access token of seller acme was refused"):
        token.value()
    assert server.asked == []


def test_a_given_token_is_renewed_by_its_refresh_token(
    server: ScriptedServer, build: Callable[..., AccessToken]
) -> None:
    server.plays(token_reply("second-token"))
    token = build(access_token=ACCESS)
    assert token.value() == ACCESS
    assert token.renew(ACCESS) == token.value() == "second-token"


@pytest.mark.parametrize(
    ("expires_in", "good_for"),
    [
        (5_184_000, 5_184_000 - 300),
        ("1000", 900),
        (100, 90),
        (None, 3300),
        ("soon", 3300),
        (-5, 3300),
        ("nan", 3300),
        ("inf", 3300),
    ],
)
def test_a_token_is_renewed_before_it_expires(
    expires_in: object,
    good_for: float,
    server: ScriptedServer,
    build: Callable[..., AccessToken],
    clock: VirtualClock,
) -> None:
    server.plays(token_reply("first", expires_in=expires_in), token_reply("second"))
    token = build()
    assert token.value() == "first"
    clock.advance(good_for - 1)
    assert token.value() == "first"
    clock.advance(1)
    assert token.value() == "second"


def test_many_threads_make_one_call(server: ScriptedServer, build: Callable[..., AccessToken]) -> None:
    gate = threading.Event()
    server.plays(Reply(body={"access_token": ACCESS, "expires_in": 3600}, gate=gate))
    token = build()
    with ThreadPoolExecutor(16) as pool:
        values = [pool.submit(token.value) for _ in range(16)]
        gate.set()
        assert {value.result() for value in values} == {ACCESS}
    assert len(server.asked) == 1


def test_a_refused_token_is_renewed_once_for_all_threads(
    server: ScriptedServer, build: Callable[..., AccessToken]
) -> None:
    server.plays(token_reply("first"), token_reply("second"))
    token = build()
    token.value()
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(token.renew, ["first"] * 16)) == {"second"}
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials_fail_at_once_and_for_ever(
    status: int, server: ScriptedServer, build: Callable[..., AccessToken], clock: VirtualClock
) -> None:
    server.plays(Reply(status=status, body={"error": "unauthorized", "error_description": "Bad credentials"}))
    token = build()
    with pytest.raises(AuthenticationError) as caught:
        token.value()
    assert str(caught.value) == (
        f"the credentials of seller acme were refused with {status} (unauthorized: Bad credentials): authorise the "
        "seller again for a new refresh_token, and check client_id and client_secret"
    )
    for ask in (token.value, lambda: token.renew(ACCESS)):
        with pytest.raises(AuthenticationError):
            ask()
    assert len(server.asked) == 1
    assert clock.waited == []


def test_without_a_refresh_token_only_the_app_can_be_wrong(
    server: ScriptedServer, build: Callable[..., AccessToken]
) -> None:
    server.plays(Reply(status=401))
    with pytest.raises(AuthenticationError, match=r"with 401: check client_id and client_secret$"):
        build(refresh_token=None).value()


@pytest.mark.parametrize(
    "passing",
    [
        Reply(status=429),
        Reply(status=503),
        Reply(status=599),
        DROP,
        Reply(body="<html>"),
        Reply(body={"expires_in": 3}),
        Reply(body='{"access_', headers={"Content-Length": "99"}, cut=True),
    ],
)
def test_passing_trouble_is_waited_out(
    passing: Reply, server: ScriptedServer, build: Callable[..., AccessToken], clock: VirtualClock
) -> None:
    server.plays(passing, token_reply())
    assert build().value() == ACCESS
    assert len(clock.waited) == 1


def test_lasting_trouble_ends_in_a_sentence_and_is_not_remembered(
    server: ScriptedServer, build: Callable[..., AccessToken]
) -> None:
    server.plays(*[Reply(status=503, body="busy")] * 6, token_reply())
    token = build()
    with pytest.raises(CallError, match=r"token of seller acme was asked for 6 times.* 503 \(busy\): run again later"):
        token.value()
    assert token.value() == ACCESS


def test_a_limited_token_call_says_so(server: ScriptedServer, build: Callable[..., AccessToken]) -> None:
    server.plays(Reply(status=429, headers={"Retry-After": "9999"}))
    with pytest.raises(RateLimitedError) as caught:
        build().value()
    assert caught.value.retry_after == 9999


def test_a_wrong_auth_url_is_named(
    server: ScriptedServer, build: Callable[..., AccessToken], closed_port_url: str
) -> None:
    server.plays(Reply(status=404), Reply(status=302, headers={"Location": "/login"}))
    for _ in range(2):
        with pytest.raises(CallRefusedError, match="check auth_url"):
            build().value()
    with pytest.raises(CallError, match="no connection to 127"):
        build(auth_url=closed_port_url).value()


@pytest.mark.parametrize("odd", ["to\r\nken", "t\u00f6ken", "\ud800", "\u202e", " ", "", 17, ["x"], None])
def test_an_access_token_that_no_request_can_hold_is_none(
    odd: object, server: ScriptedServer, build: Callable[..., AccessToken]
) -> None:
    server.plays(Reply(body={"access_token": odd}), token_reply(f" {ACCESS}\n"))
    assert build().value() == ACCESS
    assert len(server.asked) == 2


@pytest.mark.parametrize("odd", ["to\r\nken", "\ud800", "\u202e", " ", "", 17, ["x"], None])
def test_a_refresh_token_that_cannot_be_kept_is_none(
    odd: object, server: ScriptedServer, build: Callable[..., AccessToken]
) -> None:
    server.plays(token_reply("one", refresh_token=odd), token_reply("two"))
    token = build()
    token.renew(token.value())
    sent = [dict(parse_qsl(urlsplit(asked.target).query))["refresh_token"] for asked in server.asked]
    assert sent == [REFRESH, REFRESH]


def test_a_rotated_refresh_token_is_used_and_told_once(
    server: ScriptedServer, build: Callable[..., AccessToken], caplog: pytest.LogCaptureFixture
) -> None:
    server.plays(
        token_reply("one", refresh_token=REFRESH),
        token_reply("two", refresh_token=ROTATED),
        token_reply("three", refresh_token="canary-again-6"),
        token_reply("four"),
    )
    token = build()
    token.value()
    rotated = [token.has_rotated]
    token.renew("one")
    rotated.append(token.has_rotated)
    assert rotated == [False, True]
    token.renew("two")
    token.renew("three")
    sent = [dict(parse_qsl(urlsplit(asked.target).query))["refresh_token"] for asked in server.asked]
    assert sent == [REFRESH, REFRESH, ROTATED, "canary-again-6"]
    (record,) = [record for record in caplog.records if "new refresh token" in record.getMessage()]
    assert record.levelno == logging.WARNING
    assert "seller acme" in record.getMessage()
    assert "canary" not in caplog.text


def test_no_secret_is_ever_shown(
    server: ScriptedServer, build: Callable[..., AccessToken], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"{CLIENT_ID} {' '.join(SECRETS)} http://x/?refresh_token={REFRESH} Bearer 0123456789abcdefABCDEF"
    texts: list[str] = []
    for reply in (
        Reply(status=401, body={"error_description": echo}),
        Reply(status=503, body=echo),
        Reply(status=404, body=f"<title>{echo}</title>"),
        DROP,
    ):
        server.script.clear()
        server.plays(token_reply(refresh_token=ROTATED), *[reply] * 6)
        token = build()
        token.value()
        with pytest.raises(FlipkartReportsError) as caught:
            token.renew(ACCESS)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        texts += [str(caught.value), repr(caught.value), repr(token), repr(token.__dict__["_credentials"])]
    everything = "\n".join([*texts, caplog.text])
    assert "503" in everything
    for secret in [CLIENT_ID, *SECRETS, "0123456789abcdefABCDEF", "grant_type"]:
        assert secret not in everything
