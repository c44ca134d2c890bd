"""`flipkart-reports authorize`: from the link to the place where the refresh token is kept."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import termios
from contextlib import contextmanager, suppress
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from dotenv import dotenv_values
from support.access import access_to
from support.clocks import VirtualClock

from tap_flipkart_reports.adapters.token_endpoint import TokenEndpoint
from tap_flipkart_reports.adapters.token_store import TokenStore, new_key
from tap_flipkart_reports.adapters.transport import Connections
from tap_flipkart_reports.commands.authorize import Authorization, authorize_seller
from tap_flipkart_reports.commands.token_destinations import EnvFile
from tap_flipkart_reports.exceptions import AuthorizationError, SettingsError, TokenStoreError
from tap_flipkart_reports.settings.credentials import KEY_VARIABLE, SellerTokens
from tap_flipkart_reports.settings.reader import Reader
from tap_flipkart_reports.simulator import Faults, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIDE = [sys.executable, "-m", "tap_flipkart_reports.commands.cli"]
REDIRECT = "https://app.test/back"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(sellers=["somebody-else"]) as simulator:
        yield simulator


def config(folder: Path, simulator: Simulator, **settings: Any) -> str:
    path = folder / "config.json"
    path.write_text(json.dumps({**access_to(simulator), **settings}))
    return str(path)


def sign_in(link: str, seller_id: str = "acme") -> str:
    """What the seller's browser does: the address it is sent to."""
    answer = requests.get(f"{link}&seller_id={seller_id}", allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


@contextmanager
def authorizing(*arguments: str, **options: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the link it has printed, or all it has said if it came to none."""
    command = [*SIDE, "authorize", "--redirect-uri", REDIRECT, *arguments]
    with subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    ) as process:
        assert process.stderr is not None
        told = ""
        for line in process.stderr:
            told += line
            if line.startswith("  http"):
                told = line.strip()
                break
        yield process, told


def authorize(
    simulator: Simulator, *, ask: Callable[[str], str], settings: dict[str, Any] | None = None, **arguments: Any
) -> str:
    """The flow without the command line."""
    return authorize_seller(
        Reader({**access_to(simulator), **(settings or {})}, today=date(2026, 11, 1)).app(),
        **{"seller_id": "acme", "redirect_uri": REDIRECT, "destination": "stdout", **arguments},
        clock=VirtualClock(),
        ask=ask,
    )


def finish(process: subprocess.Popen[str], address: str) -> tuple[str, str]:
    return process.communicate(address + "\n", timeout=60)


@pytest.mark.parametrize("kind", ["env", "file", "stdout", "token_store"])
def test_a_new_seller_is_authorised_and_its_token_lies_where_it_is_wanted(
    tmp_path: Path, simulator: Simulator, kind: str
) -> None:
    path, key = tmp_path / "kept", new_key()
    place = f"{kind}:{path}" if kind in {"env", "file"} else kind
    settings = config(tmp_path, simulator, token_store=str(tmp_path / "tokens.db"))
    environment = {**os.environ, KEY_VARIABLE: key}
    with authorizing("--config", settings, "--seller-id", "acme", "--store", place, env=environment) as (process, link):
        out, told = finish(process, sign_in(link))
        assert process.returncode == 0, told
    token = simulator.refresh_token("acme")
    if kind == "env":
        assert dotenv_values(path)["TAP_FLIPKART_REPORTS_REFRESH_TOKEN"] == token
    elif kind == "file":
        assert path.read_text() == f"{token}\n"
    elif kind == "stdout":
        assert out == f"{token}\n"
    else:
        assert stored(str(tmp_path / "tokens.db"), key) == token
    if kind in {"env", "file"}:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "Seller acme has authorised the app until 20" in told
    assert not any(secret in told + ("" if kind == "stdout" else out) for secret in simulator.secrets - {"simulator"})


def stored(place: str, key: str) -> str | None:
    store = TokenStore(place, key=key, clock=VirtualClock())
    try:
        with store.lease("acme") as lease:
            assert lease.tokens is not None
            assert lease.tokens.refresh_issued_at is not None
            return lease.tokens.refresh_token
    finally:
        store.close()


def test_a_run_uses_the_token_that_was_just_authorised_into_the_store(tmp_path: Path, simulator: Simulator) -> None:
    """Although the settings still name the seller's old token, which is dead."""
    environment = {**os.environ, KEY_VARIABLE: new_key()}
    seller = {"seller_id": "acme", "refresh_token": simulator.refresh_token("acme")}
    settings = config(
        tmp_path, simulator, token_store=str(tmp_path / "tokens.db"), sellers=[seller], start_date="2026-10-01"
    )
    with authorizing("--config", settings, "--seller-id", "acme", env=environment) as (process, link):
        finish(process, sign_in(link))
    command = [sys.executable, "-m", "tap_flipkart_reports", "--config", settings, "--test"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=60)
    assert ended.returncode == 0, ended.stderr


def test_in_a_terminal_the_pasted_address_is_not_shown(tmp_path: Path, simulator: Simulator) -> None:
    settings = config(tmp_path, simulator)
    command = [*SIDE, "authorize", "--redirect-uri", REDIRECT, "--seller-id", "acme", "--store", f"file:{tmp_path}/t"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*command, "--config", settings], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)  # or reading would never end
        told = b""
        while b"Address: " not in told:
            told += os.read(ours, 4096)
        link = next(line.strip() for line in told.decode().splitlines() if "http://" in line)
        assert not termios.tcgetattr(ours)[3] & termios.ECHO
        os.write(ours, sign_in(link).encode() + b"\n")
        assert process.wait(60) == 0
        with suppress(OSError):  # the other end is closed
            told += os.read(ours, 4096)
    os.close(ours)
    assert "code.acme" not in told.decode()
    assert (tmp_path / "t").read_text().strip() == simulator.refresh_token("acme")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "that is not the address the browser was sent to"),
        ("code.acme.canary-123456", "that is not the address the browser was sent to"),
        (f"{REDIRECT}?code=canary-123456&state=forged", "its state differs"),
        (f"{REDIRECT}?code=canary-123456", "its state differs"),
        (f"{REDIRECT}?error=access_denied&error_description=No+thanks&state=STATE", "access_denied: No thanks"),
        (f"{REDIRECT}?state=STATE", "the address has no code"),
        (f"{REDIRECT}?code=code.acme.canary-123456&state=STATE", "400 (invalid_grant: Invalid authorization code)"),
    ],
)
def test_an_address_that_will_not_do_is_one_sentence(simulator: Simulator, address: str, words: str) -> None:
    def ask(link: str) -> str:
        return address.replace("STATE", parse_qs(urlsplit(link).query)["state"][0])

    with pytest.raises(AuthorizationError) as caught:
        authorize(simulator, ask=ask)
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "arguments", "words"),
    [
        ({"client_id": None}, {}, "client_id and client_secret are needed"),
        ({"client_secret": 5}, {}, "client_secret must be of type string"),
        ({"api_url": "simulator"}, {}, "api_url simulator ends with the run"),
        ({"auth_url": "https://login.test/"}, {}, "auth_url https://login.test/ does not end in /token"),
        ({}, {"destination": "token_store"}, "the setting token_store is not set"),
        (
            {"token_store": "tokens.db"},
            {"destination": "token_store"},
            f"needs a key in the environment as {KEY_VARIABLE}",
        ),
        ({}, {"destination": "keyring"}, "--store keyring is not one of env:PATH, file:PATH, stdout, token_store"),
        ({}, {"destination": "file:/nowhere/at/all"}, "/nowhere/at/all cannot be written"),
        ({}, {"redirect_uri": "http://app.test/"}, "--redirect-uri http://app.test/ is not an https address"),
    ],
)
def test_what_would_stand_in_the_way_is_said_before_a_link_is_shown(
    simulator: Simulator, settings: dict[str, Any], arguments: dict[str, Any], words: str
) -> None:
    def ask(link: str) -> str:
        raise AssertionError(f"the link {link} was shown")

    with pytest.raises((SettingsError, TokenStoreError)) as caught:
        authorize(simulator, ask=ask, settings=settings, **arguments)
    assert words in str(caught.value)


def test_the_command_says_in_one_sentence_what_is_wrong(tmp_path: Path, simulator: Simulator) -> None:
    settings = config(tmp_path, simulator)
    with authorizing("--config", settings, "--seller-id", "acme", "--store", "stdout") as (process, _):
        out, told = finish(process, f"{REDIRECT}?code=canary-123456&state=forged")
    assert (process.returncode, out) == (1, "")
    assert told.splitlines()[-1].startswith("flipkart-reports: the address does not belong to this link")
    assert "Traceback" not in told
    assert "canary" not in told


def test_a_secret_of_the_app_that_is_wrong_is_reported(simulator: Simulator) -> None:
    clock = VirtualClock()
    authorization = Authorization(
        auth_url=simulator.auth_url, client_id=simulator.client_id, redirect_uri="https://app.test/"
    )
    assert parse_qs(urlsplit(authorization.link).query)["scope"] == ["Seller_Api"]
    connections = Connections(clock=clock)
    endpoint = TokenEndpoint(
        auth_url=simulator.auth_url,
        client_id=simulator.client_id,
        client_secret="wrong",
        connections=connections,
        clock=clock,
    )
    with pytest.raises(AuthorizationError, match=r"401 \(unauthorized: Bad credentials\)"):
        authorization.exchange("code", endpoint=endpoint, seller_id="acme")
    connections.close()


def test_passing_trouble_of_the_exchange_is_waited_out() -> None:
    clock = VirtualClock()
    faults = Faults.parse([{"fault": "server_error", "call": "token", "status": 503}])
    with Simulator(faults=faults, now=clock.now) as simulator:
        authorization = Authorization(auth_url=simulator.auth_url, client_id="simulator", redirect_uri=REDIRECT)
        connections = Connections(clock=clock)
        endpoint = TokenEndpoint(
            auth_url=simulator.auth_url,
            client_id=simulator.client_id,
            client_secret=simulator.client_secret,
            connections=connections,
            clock=clock,
        )
        code = authorization.code_in(simulator.code_address(authorization.link, "acme"))
        granted = authorization.exchange(code, endpoint=endpoint, seller_id="acme")
        assert granted.refresh_token == simulator.refresh_token("acme")
        connections.close()


def test_every_link_has_a_state_of_its_own() -> None:
    links = {
        Authorization(auth_url="https://a.test/token", client_id="x", redirect_uri=REDIRECT).link for _ in range(100)
    }
    assert len(links) == 100


# Meltano's .env

TOKENS = SellerTokens(refresh_token='it\'s a \\ "token" with $ and #')


def test_other_lines_of_the_env_file_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# mine\nPOSTGRES_PASSWORD='x $HOME #'\n\nexport TAP_FLIPKART_REPORTS_CLIENT_ID=app")
    place = EnvFile(path=path)
    place.prepare()
    assert place.put("acme", TOKENS) == f"{path}, as TAP_FLIPKART_REPORTS_REFRESH_TOKEN"
    text = path.read_text()
    assert text.startswith("# mine\nPOSTGRES_PASSWORD='x $HOME #'\n\nexport TAP_FLIPKART_REPORTS_CLIENT_ID=app\n")
    values = dotenv_values(path)
    assert values["TAP_FLIPKART_REPORTS_SELLER_ID"] == "acme"
    assert values["TAP_FLIPKART_REPORTS_REFRESH_TOKEN"] == TOKENS.refresh_token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_second_seller_makes_a_list_and_the_first_keeps_its_token(tmp_path: Path) -> None:
    place = EnvFile(path=tmp_path / ".env")
    place.put("acme", SellerTokens(refresh_token="one"))
    place.put("acme", SellerTokens(refresh_token="two"))
    assert "SELLERS" not in place.path.read_text()
    place.put("मुंबई", TOKENS)
    place.put("acme", SellerTokens(refresh_token="three"))
    values = dotenv_values(place.path)
    assert set(values) == {"TAP_FLIPKART_REPORTS_SELLERS"}
    assert json.loads(values["TAP_FLIPKART_REPORTS_SELLERS"] or "") == [
        {"seller_id": "acme", "refresh_token": "three"},
        {"seller_id": "मुंबई", "refresh_token": TOKENS.refresh_token},
    ]


@pytest.mark.parametrize("text", ["canary", '["canary"]', '{"a": 1}', "5"])
def test_an_env_file_whose_list_cannot_be_read_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"TAP_FLIPKART_REPORTS_SELLERS='{text}'\n")
    with pytest.raises(SettingsError, match="is not a JSON list of sellers") as caught:
        EnvFile(path=path).prepare()
    assert "canary" not in str(caught.value)
    assert path.read_text() == f"TAP_FLIPKART_REPORTS_SELLERS='{text}'\n"


def test_the_file_behind_a_link_is_written(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "real.env").write_text("A=1\n")
    (tmp_path / ".env").symlink_to(tmp_path / "real.env")
    authorize(simulator, ask=sign_in, destination=f"env:{tmp_path}/.env")
    assert (tmp_path / ".env").is_symlink()
    assert dotenv_values(tmp_path / "real.env")["TAP_FLIPKART_REPORTS_REFRESH_TOKEN"] == simulator.refresh_token("acme")
