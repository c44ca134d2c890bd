"""Hostile HTTP answers, thousands of them: nothing but the tap's own errors may come of one, soon and in little memory.

`fuzz.py` starts this for every third of its batches. A server on a socket of its own answers the token call and the
three report calls with honest answers that are damaged: cut anywhere, bytes changed, headers that say what is not so,
chunks of any length, packings within each other. Beside that, each error body and each foreign text is doubled, and the
work on it may no more than double either.
"""

from __future__ import annotations

import gzip
import json
import random
import socket
import tempfile
import threading
import time
import zlib
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

from tap_flipkart_reports.adapters.address_rules import AddressRules
from tap_flipkart_reports.adapters.answers import Answer, describe
from tap_flipkart_reports.adapters.transport import Connections
from tap_flipkart_reports.auth import AccessToken
from tap_flipkart_reports.client import ReportClient
from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.exceptions import FlipkartReportsError
from tap_flipkart_reports.settings.credentials import Credentials

SECRET = "canary-refresh-token-1234567890"  # noqa: S105 - made up
TOKEN = "canary-access-token-1234567890"  # noqa: S105 - made up
APP_SECRET = "canary-client-secret-1234567890"  # noqa: S105 - made up
LINK_SECRET = "canary-link-1234567890"  # noqa: S105 - made up
MAX_FILE_BYTES = 2**20

DOCUMENTS = [
    {"access_token": TOKEN, "expires_in": 60, "refresh_token": SECRET},
    {"report_id": "R-1"},
    {"report_id": "R-1", "status": "PROCESSING"},
    {"report_id": "R-1", "status": "COMPLETED", "location": f"/storage/R-1?x_secret_key={LINK_SECRET}"},
    {"errors": [{"code": "X", "message": f"odd {TOKEN} {SECRET}"}]},
    {"error": "invalid_token", "error_description": f"Bearer {TOKEN}"},
]
STATUSES = [
    *(100, 102, 200, 200, 200, 200, 202, 204, 206, 301, 302, 304, 307),
    *(400, 401, 403, 404, 422, 429, 500, 503, 599, 999),
]
HEADERS = [
    *(b"Content-Type: text/html", b"Content-Encoding: gzip", b"Content-Encoding: deflate", b"Content-Encoding: br"),
    *(b"Content-Encoding: aws-chunked, gzip", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity"),
    *(b"Content-Length: 0", b"Content-Length: -5", b"Content-Length: 99999999999999999999", b"Content-Length: 5, 6"),
    *(
        b"Content-Length: x",
        b"Retry-After: 1e20",
        b"Retry-After: " + b"9" * 400,
        b"Location: //[",
        b"Location: ?a=b://c",
    ),
    *(b"Location: http://127.0.0.2/elsewhere", b"Location: \xff\xfe", b"X" * 3000 + b": y", b"No colon", b": no name"),
    *(
        b"Set-Cookie: a=b",
        b"Connection: close",
        b" folded",
        b"X: \x00",
        b"WWW-Authenticate: Bearer error=invalid_token",
    ),
]
SCRAPS = [
    *(b"\r\n", b"\n", b"\0", b"\xff", b"\x1b[2J", b"{", b'"'),
    *(b"HTTP/1.1 ", b"0\r\n\r\n", b"ffffffff\r\n", b": ", b"\xe2\x80\xae"),
]
TEXTS = [
    "a-",
    "token",
    "?a",
    "?a=",
    "<",
    "<title",
    "&#",
    '{"errors":[',
    '{"error":"a-',
    "key:",
    "://",
    "a://",
    "'",
    "=",
    "é",
]
SLOWEST_DOUBLING = 3.5
"""Of the work on a text that is twice as long; a square would be 4, and noise is some tenths."""


def honest(chance: random.Random) -> bytes:
    """A body that might be meant: a document, a table, a page."""
    document = json.dumps(chance.choice(DOCUMENTS)).encode()
    table = b"order_item_id,Amount\r\n" + b"OI:1,5\r\n" * chance.choice((1, 100, 20_000))
    body = chance.choice((document, document, table, b"<html><title>Error</title></html>", b"", bytes(2**21)))
    for pack in chance.choices((lambda data: data, gzip.compress, zlib.compress), k=chance.choice((0, 1, 1, 2))):
        body = pack(body)
    return body


def answer(chance: random.Random) -> bytes:
    """A whole answer, damaged or not."""
    body = honest(chance)
    head = [b"HTTP/1.1 %d Some words" % chance.choice(STATUSES)]
    head += chance.sample(HEADERS, k=chance.choice((0, 0, 1, 2, 4)))
    match chance.randrange(3):
        case 0:
            head.append(b"Content-Length: %d" % len(body))
        case 1:
            head.append(b"Transfer-Encoding: chunked")
            size = chance.choice((200, 4096, 65536)) if len(body) < 10_000 else 65536  # noqa: PLR2004 - bytes
            pieces = [body[at : at + size] for at in range(0, len(body), size)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    data = bytearray(b"\r\n".join(head) + b"\r\n\r\n" + body)
    for _ in range(chance.choice((0, 0, 1, 3))):
        at = chance.randrange(min(len(data), 400) + 1)
        data[at : at + chance.choice((0, 1, 8))] = chance.choice(SCRAPS)
    return bytes(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.2 else data)  # noqa: PLR2004 - one in five


class HostileServer:
    """Answers one request per connection with what it was told, and then hangs up."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.chance = random.Random(0)
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            connection.recv(65536)
            with self._lock:
                data = answer(self.chance)
            connection.sendall(data)

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


class HurriedClock(SystemClock):
    """The machine's time, in which waits take none."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def monotonic(self) -> float:
        """With what was not waited."""
        return super().monotonic() + self._skipped

    def sleep(self, seconds: float) -> None:
        """Wait no time."""
        self._skipped += seconds

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait no time, unless only another thread can end it."""
        if seconds is None:
            condition.wait(1)
        else:
            self._skipped += seconds


def call(client: ReportClient, chance: random.Random, path: Path) -> None:
    """One of the calls, of a client whose token call is answered in the same way."""
    match chance.randrange(3):
        case 0:
            client.trigger(seller_id="acme", identifier="sales_ledger", parameters={}, correlation_id="c")
        case 1:
            client.detail(seller_id="acme", report_id="R-1")
        case _:
            location = f"/storage/R-1?k={LINK_SECRET}"
            client.download(seller_id="acme", report_id="R-1", location=location, path=path)


def check_words(words: str, seed: int) -> None:
    """An error says nothing secret, in one line."""
    assert not any(secret in words for secret in (SECRET, TOKEN, APP_SECRET, LINK_SECRET)), f"seed {seed}: {words}"
    assert words.isprintable(), f"seed {seed}: {words!r}"


def fuzz_calls(seeds: range) -> tuple[Counter[str], float]:
    """What came of calls, and the slowest one's seconds."""
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    server = HostileServer()
    with closing(server), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        for seed in seeds:
            chance = random.Random(seed)
            server.chance = random.Random(seed + 1)
            clock = HurriedClock()
            began = time.perf_counter()
            with closing(Connections(clock=clock, rules=AddressRules(api_url=server.url))) as connections:
                credentials = Credentials(
                    seller_id="acme",
                    client_id="app",
                    client_secret=APP_SECRET,
                    refresh_token=SECRET,
                    access_token=chance.choice((None, TOKEN)),
                )
                token = AccessToken(
                    credentials=credentials, auth_url=f"{server.url}/token", connections=connections, clock=clock
                )
                client = ReportClient(
                    api_url=server.url,
                    connections=connections,
                    tokens={"acme": token},
                    clock=clock,
                    max_file_bytes=MAX_FILE_BYTES,
                )
                try:
                    call(client, chance, path)
                    outcomes["answered"] += 1
                except FlipkartReportsError as error:
                    check_words(str(error), seed)
                    outcomes[type(error).__name__] += 1
                except BaseException as error:
                    raise RuntimeError(f"seed {seed}: {error!r}") from error
            left = sorted(entry.name for entry in Path(folder).iterdir())
            assert left in ([], ["report"]), f"seed {seed}: {left}"
            assert not path.exists() or path.stat().st_size <= MAX_FILE_BYTES, f"seed {seed}"
            path.unlink(missing_ok=True)
            slowest = max(slowest, time.perf_counter() - began)
    return outcomes, slowest


def _seconds(text: str) -> float:
    """Of the processor, the best of five, so that noise counts for little."""
    document = Answer(status=422, headers={}, body=json.dumps({"message": text}).encode())
    page = Answer(status=422, headers={}, body=text.encode())
    times = []
    for _ in range(5):
        began = time.thread_time()
        describe(document, ["some-secret"])
        describe(page)
        str(FlipkartReportsError(text))
        times.append(time.thread_time() - began)
    return min(times)


def fuzz_texts(chance: random.Random, *, number: int = 20) -> float:
    """How much longer, at most, twice the text takes."""
    worst = 0.0
    for _ in range(number):
        scrap = "".join(chance.choices(TEXTS, k=chance.choice((1, 1, 2, 3))))
        text = scrap * (200_000 // len(scrap))
        worst = max(worst, _seconds(text * 2) / max(_seconds(text), 1e-3))
    return worst
