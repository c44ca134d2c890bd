"""Which hosts are asked, how they are connected to, and what becomes of a run whose network is away."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.client_bench import ClientBench
from support.clocks import VirtualClock
from support.gate import TunnelProxy
from support.ports import held_port
from support.raw_server import HEAD, RawServer
from support.scripted_server import Reply, ScriptedServer

from tap_flipkart_reports.adapters.address_rules import AddressRules, is_public
from tap_flipkart_reports.adapters.outages import FIRST_ANSWER_SECONDS, PATIENCE_SECONDS
from tap_flipkart_reports.adapters.transport import Connections
from tap_flipkart_reports.auth import AccessToken
from tap_flipkart_reports.client import ReportClient
from tap_flipkart_reports.clock import Clock, SystemClock
from tap_flipkart_reports.exceptions import CallError, OutageError
from tap_flipkart_reports.settings.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

DETAIL = b'{"status": "PROCESSING"}'
ANSWER = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(DETAIL), DETAIL)


@pytest.fixture
def bench() -> Iterator[ClientBench]:
    with ClientBench() as bench:
        yield bench


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.timezone.utc)  # noqa: TID251 - the time that TLS looks at
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


# Where links may lead


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *(
            ".".join("0000"),
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
        ),
        *("fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe"),
        *("2002:7f00:1::", "2001:db8::1"),
    ],
)
def test_an_address_that_no_report_lies_at_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2600::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_public_network_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.2", "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.2]", "[fe80::1]", "2130706434"),
        *("0x7f000002", "0177.0.0.2", "127.2", ".".join("0000")),
    ],
)
@pytest.mark.parametrize("is_redirect", [False, True])
def test_a_link_into_a_private_network_is_not_followed(
    host: str, *, is_redirect: bool, bench: ClientBench, tmp_path: Path
) -> None:
    link = f"https://{host}/latest/meta-data/canary"
    bench.api.default = Reply(status=302, headers={"Location": link})
    with pytest.raises(CallError, match=r"leads into a private network .* allowed_link_hosts") as caught:
        bench.download(tmp_path / "file", "/link" if is_redirect else link)
    assert "canary" not in str(caught.value)
    assert bench.clock.waited == []


def test_a_name_is_asked_once_and_the_address_that_was_looked_at_is_used(
    bench: ClientBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is looked at, and private when it is used, must not get through."""
    asked: list[object] = []
    genuine = socket.getaddrinfo
    answers = ["8.8.8.8", "127.0.0.2"]

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "files.test":
            connected.append(host)
            return genuine(host if host != "8.8.8.8" else "127.0.0.1", *arguments, **options)
        asked.append(host)
        return genuine(answers.pop(0), *arguments, **options)

    connected: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with RawServer(lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx\n"]) as storage:
        bench.download(tmp_path / "file", f"http://files.test:{storage.port}/file")
    assert asked == ["files.test"]
    assert "8.8.8.8" in connected
    with pytest.raises(CallError, match="leads into a private network"):
        bench.download(tmp_path / "file", "http://files.test:1/file")


@pytest.mark.parametrize("is_redirect", [False, True])
def test_a_link_into_a_private_network_is_not_followed_through_a_proxy_either(
    bench: ClientBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_redirect: bool
) -> None:
    link = "https://169.254.169.254/latest/meta-data"
    bench.api.default = Reply(status=302, headers={"Location": link})
    with TunnelProxy(bench.api.url) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(CallError, match="leads into a private network"):
            bench.download(tmp_path / "file", "/link" if is_redirect else link)
    assert proxy.asked == []


def test_a_host_that_the_settings_allow_is_followed_and_others_are_not(tmp_path: Path) -> None:
    for allowed, is_followed in [("127.0.0.1", True), ("127.0.0.1:{port}", True), ("127.0.0.1:1", False)]:
        with ScriptedServer(Reply(body=b"x\n")) as storage:
            port = storage.url.rpartition(":")[2]
            rules = AddressRules(
                api_url="http://127.0.0.3", allowed_link_hosts=frozenset({allowed.replace("{port}", port)})
            )
            with ClientBench(rules) as bench:
                if is_followed:
                    bench.download(tmp_path / "file", f"{storage.url}/file")
                else:
                    with pytest.raises(CallError, match="private network"):
                        bench.download(tmp_path / "file", f"{storage.url}/file")
            assert len(storage.asked) == is_followed


# Plain http


@pytest.mark.parametrize("call", ["api_url", "auth_url", "link", "redirect"])
def test_nothing_secret_goes_out_over_plain_http_through_a_network(
    call: str, bench: ClientBench, tmp_path: Path
) -> None:
    url = "http://198.51.100.7/canary"
    bench.api.default = Reply(status=302, headers={"Location": url})
    location = {"link": url, "redirect": "/link"}.get(call)
    urls = {call: url} if location is None else {}
    with pytest.raises(CallError, match=r"over plain http, which shows secrets on the way.*plain_http_hosts") as caught:
        _ = bench.download(tmp_path / "file", location) if location else bench.detail(**urls)
    assert "canary" not in str(caught.value)
    assert bench.clock.waited == []


# What is wrong for good


def test_a_certificate_that_is_not_trusted_is_reported_at_the_first_try(bench: ClientBench, certificate: Path) -> None:
    with (
        RawServer(lambda: [ANSWER], certificate=certificate) as server,
        pytest.raises(OutageError, match=r"a certificate of 127.* that is not trusted; .*REQUESTS_CA_BUNDLE"),
    ):
        bench.detail(api_url=server.url)
    assert bench.clock.waited == []


def test_a_certificate_of_an_own_authority_is_trusted(
    bench: ClientBench, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with RawServer(lambda: [ANSWER], certificate=certificate) as server:
        assert bench.detail(api_url=server.url).status_word == "PROCESSING"


def test_calls_and_downloads_go_through_a_tunnel_of_a_proxy(
    bench: ClientBench, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with (
        RawServer(lambda: [ANSWER], certificate=certificate) as server,
        TunnelProxy(server.url) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url)
        port = server.port
        address = f"https://127.0.0.1:{port}"
        assert bench.detail(api_url=address).status_word == "PROCESSING"
        bench.download(tmp_path / "file", f"{address}/file?k=v")
        bench.connections.forget_idle()
    assert (tmp_path / "file").read_bytes() == DETAIL
    assert {line.rpartition(b" ")[0] for line in proxy.asked} == {f"CONNECT 127.0.0.1:{port}".encode()}


def test_https_to_a_host_that_speaks_http_is_reported_at_the_first_try(bench: ClientBench) -> None:
    with pytest.raises(OutageError, match=r"does not speak https; check whether the address in api_url"):
        bench.detail(api_url=bench.api.url.replace("http://", "https://"))
    assert bench.clock.waited == []


def test_a_host_that_does_not_exist_is_reported_at_the_first_try(
    bench: ClientBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(*_: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(OutageError, match=r"host api.flipkart.invalid does not exist; check the host's name in"):
        bench.detail(api_url="https://api.flipkart.invalid", auth_url="https://api.flipkart.invalid/token")
    assert bench.clock.waited == []


def test_a_proxy_whose_library_is_missing_is_reported_at_the_first_try(
    bench: ClientBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> Any:
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", missing)
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(OutageError, match=r"through a SOCKS proxy, for which a library is missing; install requests"):
        bench.detail(api_url="https://api.test", access_token="given", refresh_token=None)
    assert bench.clock.waited == []


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://user:canary@[::1", "the address of the proxy cannot be read; check the proxy that HTTPS_PROXY"),
        ("ftp://user:canary@127.0.0.1", "the address of the proxy cannot be read"),
        ("http://user:canary@127.0.0.1:99999", "the address of the proxy cannot be read"),
        ("http://127.0.0.1\r\nX: canary", "the address of the proxy cannot be read"),
        ("http://user:canary@proxy.test:80", "the proxy through which api.test is to be asked does not exist"),
    ],
)
def test_a_proxy_with_a_wrong_address_is_told_once(
    proxy: str, words: str, bench: ClientBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(*_: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("https_proxy", proxy)
    for _ in range(2):
        with pytest.raises(OutageError, match=words) as caught:
            bench.detail(api_url="https://api.test", access_token="given", refresh_token=None)
        assert "canary" not in str(caught.value)
    assert bench.clock.waited == []


def test_a_proxy_that_refuses_is_reported_at_the_first_try(bench: ClientBench, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(lambda: [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"]) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(OutageError, match=r"the proxy refuses to connect to api\.test; check the name"):
            bench.detail(api_url="https://api.test", access_token="given", refresh_token=None)
    assert bench.clock.waited == []


# Outages


def _clients(number: int, *, url: str, connections: Connections, clock: Clock) -> ReportClient:
    tokens = {
        f"seller-{index}": AccessToken(
            credentials=Credentials(
                seller_id=f"seller-{index}", client_id="app", client_secret="secret", refresh_token=f"refresh-{index}"
            ),
            auth_url=f"{url}/token",
            connections=connections,
            clock=clock,
        )
        for index in range(number)
    }
    return ReportClient(api_url=url, connections=connections, tokens=tokens, clock=clock)


def test_an_api_that_never_answers_is_found_out_once_and_not_once_for_each_seller(
    caplog: pytest.LogCaptureFixture, closed_port_url: str
) -> None:
    clock = VirtualClock()
    said = set()
    with closing(Connections(clock=clock)) as connections:
        client = _clients(200, url=closed_port_url, connections=connections, clock=clock)
        for index in range(200):
            with pytest.raises(OutageError, match="has not answered at all in this run") as caught:
                client.detail(seller_id=f"seller-{index}", report_id="R-1")
            said.add(str(caught.value))
    assert clock.monotonic() <= FIRST_ANSWER_SECONDS
    assert len(said) == 1
    assert len(caplog.records) < 40


def test_a_host_that_accepts_and_says_nothing_is_given_up_in_time(
    bench: ClientBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_flipkart_reports.adapters.transport.READ_SECONDS", 0.5)
    is_over = threading.Event()

    def pieces() -> Iterator[bytes]:
        bench.clock.advance(20)
        is_over.wait()
        yield b""

    with RawServer(pieces) as server, ExitStack() as at_the_end:
        at_the_end.callback(is_over.set)
        client = bench.client(api_url=server.url, access_token="given")
        errors: list[BaseException] = []
        while not any(isinstance(error, OutageError) for error in errors):
            with pytest.raises(CallError) as caught:
                client.detail(seller_id="acme", report_id="R-1")
            errors.append(caught.value)
    assert "has not answered at all" in str(errors[-1])
    assert len(errors) <= 3


class _Reviving(VirtualClock):
    """Time in which a server comes back."""

    def __init__(self, *, after: float) -> None:
        super().__init__()
        self.after = after
        self.revive: Any = None

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        super().wait(condition, seconds)
        if self.revive is not None and self.monotonic() >= self.after:
            revive, self.revive = self.revive, None
            revive()


def test_a_run_waits_for_an_api_that_went_away_and_continues_where_it_was(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = _Reviving(after=400)
    reply = Reply(body={"access_token": "token", "status": "PROCESSING"})
    with ExitStack() as stack:
        connections = stack.enter_context(closing(Connections(clock=clock)))
        port: int = stack.enter_context(held_port()).getsockname()[1]
        with ScriptedServer(reply, port=port) as server:
            client = _clients(9, url=server.url, connections=connections, clock=clock)
            client.detail(seller_id="seller-0", report_id="R-1")
            connections.forget_idle()
        clock.revive = lambda: stack.enter_context(ScriptedServer(reply, port=port))
        for index in range(9):
            assert client.detail(seller_id=f"seller-{index}", report_id="R-1").status_word == "PROCESSING"
    assert 400 <= clock.monotonic() < PATIENCE_SECONDS
    assert "answers again, after" in caplog.text
    looks = [record for record in caplog.records if "all calls to it wait" in record.getMessage()]
    assert 3 < len(looks) < 60  # some 20, as pauses grow up to a minute, each by chance; of one second it would be 400


@pytest.mark.parametrize("patience", [None, 120.0])
def test_an_api_that_stays_away_is_given_up_with_one_sentence(patience: float | None) -> None:
    clock = VirtualClock()
    with closing(Connections(clock=clock, patience=patience)) as connections:
        with ScriptedServer(Reply(body={"access_token": "token", "status": "PROCESSING"})) as server:
            client = _clients(9, url=server.url, connections=connections, clock=clock)
            client.detail(seller_id="seller-0", report_id="R-1")
            connections.forget_idle()
        said = set()
        for index in range(9):
            with pytest.raises(OutageError) as caught:
                client.detail(seller_id=f"seller-{index}", report_id="R-1")
            said.add(str(caught.value))
    assert len(said) == 1
    assert "has not answered for" in said.pop()
    expected = patience or PATIENCE_SECONDS
    assert expected <= clock.monotonic() < expected + 1


def test_a_storage_that_is_away_is_waited_for_longer_than_an_api_that_never_answered(
    bench: ClientBench, tmp_path: Path, closed_port_url: str
) -> None:
    with pytest.raises(OutageError, match="has not answered for"):
        bench.download(tmp_path / "file", f"{closed_port_url}/file")
    assert bench.clock.monotonic() >= PATIENCE_SECONDS


def test_a_stop_ends_every_wait(bench: ClientBench, closed_port_url: str) -> None:
    """With the machine's own clock, as a virtual one waits for nothing."""
    clock = SystemClock()
    bench.api.default = Reply(status=503, headers={"Retry-After": "100"})
    connections = Connections(clock=clock)
    clients = [_clients(1, url=url, connections=connections, clock=clock) for url in (bench.api.url, closed_port_url)]
    clients[0] = ReportClient(
        api_url=bench.api.url,
        connections=connections,
        tokens={
            "seller-0": AccessToken(
                credentials=Credentials(seller_id="seller-0", client_id=None, client_secret=None, access_token="given"),
                auth_url=f"{bench.auth.url}/token",
                connections=connections,
                clock=clock,
            )
        },
        clock=clock,
    )
    began = clock.monotonic()
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(client.detail, seller_id="seller-0", report_id="R-1") for client in clients]
        bench.api.wait_asked(1)
        connections.close()
        assert all(isinstance(future.exception(), CallError) for future in asked)
    assert clock.monotonic() - began < 20


# Connections


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux shows them")
def test_the_sockets_of_all_sellers_are_the_same_few(bench: ClientBench) -> None:
    bench.auth.script.clear()
    bench.auth.default = Reply(body={"access_token": "token"})
    bench.api.default = Reply(body={"report_id": "R-1", "status": "PROCESSING"})
    with closing(Connections(clock=bench.clock)) as connections:
        client = _clients(300, url=bench.api.url, connections=connections, clock=bench.clock)
        bench.api.default = Reply(body={"access_token": "token", "status": "PROCESSING"})
        before = len(list(Path("/proc/self/fd").iterdir()))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda index: client.detail(seller_id=f"seller-{index}", report_id="R-1"), range(300)))
        # Both ends of a connection are in this process.
        assert len(list(Path("/proc/self/fd").iterdir())) - before <= 2 * 8
    assert len({asked.connection for asked in bench.api.asked}) <= 8
