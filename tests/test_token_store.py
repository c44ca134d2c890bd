"""The token store: what rotates between runs locks nobody out, and workers agree on it."""

from __future__ import annotations

import json
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa
from support.access import access_to
from support.clocks import VirtualClock
from support.scripted_server import Reply, ScriptedServer

from tap_flipkart_reports.adapters.token_store import LEASE_SECONDS, TokenStore, new_key
from tap_flipkart_reports.adapters.transport import Connections
from tap_flipkart_reports.auth import AccessToken
from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.exceptions import AuthenticationError, TokenStoreError, WindowsFailedError
from tap_flipkart_reports.redaction import clean_line
from tap_flipkart_reports.settings.credentials import KEY_VARIABLE, Credentials, SellerTokens
from tap_flipkart_reports.simulator import Faults, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.bench import Bench

    from tap_flipkart_reports.clock import Clock

KEY = "sZ5l8cV1sH0c0mG0e8nT0pJ5qY2r3x4w6u7v8z9A0B0="
FIRST = "refresh-0"
TAP = [sys.executable, "-m", "tap_flipkart_reports"]
SIXTY_DAYS = 60 * 24 * 3600


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, file: Path) -> str:
    return str(file) if request.param == "SQLite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.db"


def execute(place: str, statement: str) -> None:
    """Change the table behind the store's back."""
    if "://" in place:
        engine = sa.create_engine(place.replace("postgresql://", "postgresql+psycopg://"))
    else:
        engine = sa.create_engine(f"sqlite:///{place}")
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def build(place: str, clock: VirtualClock) -> Iterator[Callable[..., TokenStore]]:
    built: list[TokenStore] = []

    def build(*, key: str | None = KEY, at: str | Path = place) -> TokenStore:
        built.append(TokenStore(str(at), key=key, clock=clock))
        return built[-1]

    yield build
    for store in built:
        store.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def worker(
    server: ScriptedServer, clock: VirtualClock, build: Callable[..., TokenStore]
) -> Iterator[Callable[..., AccessToken]]:
    """Tokens of one seller as a worker of its own has them."""
    built: list[AccessToken] = []
    connections = Connections(user_agent="tap/1", clock=clock)

    def worker(
        *, refresh_token: str | None = FIRST, store: TokenStore | None = None, clock: Clock = clock
    ) -> AccessToken:
        credentials = Credentials(
            seller_id="acme", client_id="app", client_secret="app-secret", refresh_token=refresh_token
        )
        built.append(
            AccessToken(
                credentials=credentials,
                auth_url=server.url,
                connections=connections,
                clock=clock,
                store=store or build(),
            )
        )
        return built[-1]

    yield worker
    for token in built:
        token.close()
    connections.close()


def answer(number: int, **members: Any) -> Reply:
    return Reply(
        body={"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": SIXTY_DAYS}
        | members
    )


REFUSED = Reply(status=400, body={"error": "invalid_grant"})


def sent(server: ScriptedServer) -> list[str]:
    return [dict(parse_qsl(urlsplit(asked.target).query))["refresh_token"] for asked in server.asked]


def stored(store: TokenStore) -> SellerTokens | None:
    with store.lease("acme") as lease:
        return lease.tokens


# Between runs


@pytest.mark.parametrize("with_store", [True, False], ids=["store", "none"])
def test_a_token_that_rotated_in_one_run_is_found_by_the_next(
    bench: Bench,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    with_store: bool,  # noqa: FBT001 - with and without
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    bench.restart({"fault": "rotate_refresh_token", "every": 1})
    configured = bench.seller("acme")
    settings: dict[str, Any] = {"sellers": [configured], **({"token_store": place} if with_store else {})}
    first = bench.run("sales_ledger", **settings)
    assert first.error is None
    assert bench.simulator.refresh_token("acme") != configured["refresh_token"]
    bench.clock.advance(61 * 24 * 3600)
    second = bench.run("sales_ledger", **settings)
    assert bool(second.records("sales_ledger")) is with_store
    assert (second.error is None) is with_store


def test_an_access_token_is_kept_for_the_next_run_until_just_before_it_ends(
    server: ScriptedServer, worker: Callable[..., AccessToken], clock: VirtualClock
) -> None:
    server.plays(answer(1), answer(2))
    assert worker().value() == "access-1"
    clock.advance(SIXTY_DAYS - 301)
    assert worker().value() == "access-1"
    clock.advance(1)
    assert worker().value() == "access-2"
    assert sent(server) == ["refresh-0", "refresh-1"]


def test_a_stored_token_that_the_api_refuses_is_renewed_once_for_all_workers(
    server: ScriptedServer, worker: Callable[..., AccessToken]
) -> None:
    server.plays(answer(1), answer(2))
    workers = [worker(), worker()]
    assert [token.value() for token in workers] == ["access-1"] * 2
    assert [token.renew("access-1") for token in workers] == ["access-2"] * 2
    assert len(server.asked) == 2


def test_a_seller_who_has_authorised_again_begins_with_the_new_token_of_the_settings(
    server: ScriptedServer, worker: Callable[..., AccessToken]
) -> None:
    server.plays(answer(1), answer(9))
    worker().value()
    assert worker(refresh_token="refresh-8").value() == "access-9"
    assert worker(refresh_token="refresh-8").value() == "access-9"
    assert sent(server) == ["refresh-0", "refresh-8"]


def test_a_configured_token_that_is_dead_gives_way_to_the_stored_one(
    server: ScriptedServer, worker: Callable[..., AccessToken]
) -> None:
    server.plays(answer(1), REFUSED, answer(2))
    worker().value()
    assert worker(refresh_token="refresh-of-old-settings").value() == "access-2"
    assert sent(server) == ["refresh-0", "refresh-of-old-settings", "refresh-1"]


def test_the_store_alone_will_do_and_an_empty_one_says_how_to_fill_it(
    server: ScriptedServer, worker: Callable[..., AccessToken], build: Callable[..., TokenStore]
) -> None:
    with pytest.raises(AuthenticationError, match="run `flipkart-reports authorize --seller-id acme`"):
        worker(refresh_token=None).value()
    with build().lease("acme") as lease:
        lease.write(SellerTokens(refresh_token="refresh-0"))
    server.plays(answer(1))
    assert worker(refresh_token=None).value() == "access-1"


# Workers at the same time


def test_workers_that_ask_at_once_make_one_call_and_agree(
    server: ScriptedServer, worker: Callable[..., AccessToken], place: str
) -> None:
    gate = threading.Event()
    server.plays(Reply(body=answer(1).body, gate=gate))
    clock = SystemClock()
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        stores = [stack.enter_context(closing(TokenStore(place, key=KEY, clock=clock))) for _ in range(4)]
        values = [pool.submit(worker(store=store, clock=clock).value) for store in stores]
        server.wait_asked(1)
        gate.set()
        assert {value.result() for value in values} == {"access-1"}
    assert sent(server) == ["refresh-0"]


def test_processes_that_begin_at_once_make_one_call_and_none_is_locked_out(tmp_path: Path, place: str) -> None:
    with Simulator(faults=Faults.parse([{"fault": "rotate_refresh_token", "every": 1}])) as simulator:
        config = tmp_path / "config.json"
        settings = {**access_to(simulator, "acme"), "start_date": "2026-10-01", "token_store": place}
        config.write_text(json.dumps(settings))
        command = [*TAP, "--config", str(config), "--test"]
        environment = {**os.environ, KEY_VARIABLE: KEY}
        workers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) for _ in range(4)]
        told = [worker.communicate(timeout=60)[1] for worker in workers]
        assert [worker.returncode for worker in workers] == [0] * 4, told
        assert simulator.calls == {("token", 200): 1}
        assert not any(secret in text for secret in simulator.secrets for text in told)


def test_a_worker_that_is_refused_looks_into_the_store_again(
    server: ScriptedServer, worker: Callable[..., AccessToken], build: Callable[..., TokenStore], place: str
) -> None:
    """Its lease ran out while it was asleep, and another worker has rotated the token meanwhile."""
    gate = threading.Event()
    server.plays(Reply(status=400, body={"error": "invalid_grant"}, gate=gate), answer(2))
    token, store = worker(), build()
    with ThreadPoolExecutor(1) as pool:
        value = pool.submit(token.value)
        server.wait_asked(1)
        execute(place, "update flipkart_reports_tokens set lease_until = 0")
        with store.lease("acme") as lease:
            lease.write(SellerTokens(refresh_token="refresh-1"))
        gate.set()
        assert value.result() == "access-2"
    assert sent(server) == ["refresh-0", "refresh-1"]


def test_a_worker_whose_lease_ran_out_overwrites_nothing(
    server: ScriptedServer,
    worker: Callable[..., AccessToken],
    build: Callable[..., TokenStore],
    place: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = threading.Event()
    server.plays(Reply(body=answer(1).body, gate=gate))
    token, store = worker(), build()
    with ThreadPoolExecutor(1) as pool:
        value = pool.submit(token.value)
        server.wait_asked(1)
        execute(place, "update flipkart_reports_tokens set lease_until = 0")
        with store.lease("acme") as lease:
            lease.write(SellerTokens(refresh_token="refresh-7"))
        gate.set()
        assert value.result() == "access-1"
    assert stored(store) == SellerTokens(refresh_token="refresh-7")
    assert "another worker has stored other tokens meanwhile" in caplog.text


def test_who_waits_too_long_for_another_worker_says_so(
    build: Callable[..., TokenStore], clock: VirtualClock, place: str
) -> None:
    store, other = build(), build()
    with store.lease("acme"):
        execute(place, "update flipkart_reports_tokens set lease_until = 1e12")
        with (
            pytest.raises(TokenStoreError, match="another worker has kept the tokens of seller acme"),
            other.lease("acme"),
        ):
            pass
    assert clock.monotonic() >= LEASE_SECONDS


# Crashes

CRASH = """
import os, sys
from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.adapters.token_store import TokenStore
with TokenStore(sys.argv[1], key=sys.argv[2], clock=SystemClock()).lease("acme"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_after_a_crash_in_the_token_call_the_seller_is_free_at_once_and_a_refusal_says_why(
    server: ScriptedServer, place: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CRASH, place, KEY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
    clock = SystemClock()
    began = clock.monotonic()
    store = TokenStore(place, key=KEY, clock=clock)
    credentials = Credentials(seller_id="acme", client_id="app", client_secret="s", refresh_token="refresh-0")
    connections = Connections(user_agent="tap/1", clock=clock)
    token = AccessToken(credentials=credentials, auth_url=server.url, connections=connections, clock=clock, store=store)
    server.plays(REFUSED)
    with pytest.raises(AuthenticationError, match="a run that died in its token call may never have stored the token"):
        token.value()
    assert clock.monotonic() - began < 30
    token.close()
    connections.close()
    store.close()


def test_tokens_that_cannot_be_stored_are_used_and_stored_at_the_end(
    server: ScriptedServer,
    worker: Callable[..., AccessToken],
    build: Callable[..., TokenStore],
    caplog: pytest.LogCaptureFixture,
    place: str,
) -> None:
    gate = threading.Event()
    server.plays(Reply(body=answer(1).body, gate=gate))
    store = build()
    token = worker(store=store)
    with ThreadPoolExecutor(1) as pool:
        value = pool.submit(token.value)
        server.wait_asked(1)
        execute(place, "alter table flipkart_reports_tokens rename to away")
        gate.set()
        assert value.result() == "access-1"
    assert "the run goes on with the token it has" in caplog.text
    execute(place, "alter table away rename to flipkart_reports_tokens")
    token.close()
    kept = stored(store)
    assert kept is not None
    assert kept.refresh_token == "refresh-1"


def test_a_store_that_cannot_be_written_is_found_before_any_token_rotates(
    server: ScriptedServer, worker: Callable[..., AccessToken], build: Callable[..., TokenStore], place: str
) -> None:
    store = build()
    execute(place, "drop table flipkart_reports_tokens")
    with pytest.raises(TokenStoreError, match=r"no such table|does not exist"):
        worker(store=store).value()
    assert server.asked == []


def test_a_store_that_is_gone_during_a_run_leaves_nothing_bought_and_no_trigger_in_doubt(
    bench: Bench, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    ledger = tmp_path / "ledger.db"
    tap = bench.tap("sales_ledger", token_store=place, report_ledger=str(ledger))
    assert tap.current_run.services.token_store is not None
    execute(place, "drop table flipkart_reports_tokens")
    with pytest.raises(WindowsFailedError, match="token_store cannot be used"):
        tap.run()
    assert bench.simulator.calls == {}
    engine = sa.create_engine(f"sqlite:///{ledger}")
    with engine.connect() as connection:
        assert connection.execute(sa.text("select count(*) from flipkart_reports")).scalar() == 0
    engine.dispose()


# Secrets


def test_the_file_is_its_owners_alone_and_holds_no_token(
    server: ScriptedServer, file: Path, clock: VirtualClock
) -> None:
    server.plays(answer(1))
    store = TokenStore(str(file), key=KEY, clock=clock)
    credentials = Credentials(seller_id="acme", client_id="app", client_secret="app-secret", refresh_token=FIRST)
    connections = Connections(user_agent="tap/1", clock=clock)
    token = AccessToken(credentials=credentials, auth_url=server.url, connections=connections, clock=clock, store=store)
    token.value()
    files = sorted(file.parent.iterdir())
    assert [file.name for file in files] == ["tokens.db", "tokens.db-shm", "tokens.db-wal"]
    for each in files:
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
        content = each.read_bytes()
        assert not any(secret in content for secret in (b"access-1", b"refresh-0", b"refresh-1", KEY.encode()))
    assert stored(store) is not None
    token.close()
    connections.close()
    store.close()


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_a_file_that_others_could_read_is_closed_to_them(file: Path, clock: VirtualClock, prefix: str) -> None:
    file.touch(mode=0o644)
    file.chmod(0o644)
    TokenStore(f"{prefix}{file}", key=KEY, clock=clock).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_tokens_are_read_with_the_key_they_were_written_with_and_a_key_can_be_changed(
    build: Callable[..., TokenStore],
) -> None:
    tokens = SellerTokens(refresh_token="refresh-1")
    with build().lease("acme") as lease:
        lease.write(tokens)
    other = new_key()
    with pytest.raises(AuthenticationError, match=f"cannot be read with this {KEY_VARIABLE}"):
        stored(build(key=other))
    changing = build(key=f"{other}, {KEY}")
    assert stored(changing) == tokens
    with changing.lease("acme") as lease:
        lease.write(tokens)
    assert stored(build(key=other)) == tokens


def test_a_row_cannot_be_passed_off_as_another_sellers(build: Callable[..., TokenStore], place: str) -> None:
    store = build()
    with store.lease("bharat") as lease:
        lease.write(SellerTokens(refresh_token="refresh-of-bharat"))
    execute(place, "update flipkart_reports_tokens set seller_id = 'acme'")
    with pytest.raises(AuthenticationError, match="holds tokens of another seller"):
        stored(store)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (None, f"token_store needs a key in the environment as {KEY_VARIABLE}"),
        (" , ", f"token_store needs a key in the environment as {KEY_VARIABLE}"),
        ("canary-no-key", f"{KEY_VARIABLE} is not a key"),
    ],
)
def test_a_wrong_key_is_one_sentence(file: Path, clock: VirtualClock, key: str | None, words: str) -> None:
    with pytest.raises(TokenStoreError, match=words) as caught:
        TokenStore(str(file), key=key, clock=clock)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "at", ["/proc/no/tokens.db", "nosuch://user:canary@host/x", "postgresql+nodriver://u:canary@h/x"]
)
def test_a_place_that_cannot_be_opened_is_named_without_its_password(clock: VirtualClock, at: str) -> None:
    with pytest.raises(TokenStoreError, match=r"token_store .*(cannot be opened|is not installed)") as caught:
        TokenStore(at, key=KEY, clock=clock)
    assert "canary" not in str(caught.value)


def test_nothing_is_logged_of_tokens(
    server: ScriptedServer, worker: Callable[..., AccessToken], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.plays(answer(1), Reply(status=400, body={"error_description": "refresh-1 access-1 app-secret"}))
    token = worker()
    token.value()
    with pytest.raises(AuthenticationError) as caught:
        token.renew("access-1")
    for secret in ("refresh-0", "refresh-1", "access-1", "app-secret"):
        assert secret not in caplog.text + str(caught.value) + repr(token.__dict__["_tokens"])


def test_tokens_that_another_process_has_stored_are_shown_nowhere(
    server: ScriptedServer, worker: Callable[..., AccessToken], build: Callable[..., TokenStore], clock: VirtualClock
) -> None:
    tokens = SellerTokens(
        refresh_token="canary-of-a-refresh-token",
        access_token="canary-of-an-access-token",
        access_ends_at=clock.now() + timedelta(days=60),
    )
    with build().lease("acme") as lease:
        assert lease.write(tokens)
    assert worker(refresh_token=None).value() == tokens.access_token
    assert server.asked == []
    assert clean_line(f"report {tokens.access_token}, {tokens.refresh_token}") == "report …, …"
