"""An HTTP server on a free loopback port that answers from a script and records what it was asked."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, cast

from support.ports import held_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from typing_extensions import Self


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer.

    Attributes:
        status: the status.
        headers: beside `Content-Length`, which is added unless one is given or the body is chunked.
        body: bytes, text, or anything else as JSON.
        drop: whether the connection is closed without an answer.
        gate: what the answer waits for.
        cut: whether the connection is closed behind the answer, which may promise more.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = b""
    drop: bool = False
    gate: threading.Event | None = None
    cut: bool = False

    @property
    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


DROP = Reply(drop=True)


@dataclass(frozen=True, kw_only=True)
class Asked:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: tuple[str, int]

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = False  # joined by server_close
    request_queue_size = 64  # a connection beyond the queue waits a second

    def __init__(self, owner: ScriptedServer, port: int) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the script."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are written apart, and the body would wait 40 ms
    timeout = 5

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        asked = Asked(
            method=self.command,
            target=self.requestline.split(" ")[1],
            headers=dict(self.headers.items()),
            body=self.rfile.read(length),
            connection=self.client_address,
        )
        reply = cast("_Server", self.server).owner.next_reply(asked)
        if reply.gate is not None:
            reply.gate.wait(5)
        if reply.drop or reply.cut:
            self.close_connection = True
        if reply.drop:
            return
        self.send_response(reply.status)
        headers = {"Content-Length": str(len(reply.payload)), **reply.headers}
        if "Transfer-Encoding" in headers:
            del headers["Content-Length"]
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.payload)

    do_GET = do_POST = _answer  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Quiet."""


class ScriptedServer:
    """Answers with `script`, first to last, and then with `default`, which may look at what is asked."""

    def __init__(self, default: Reply | None = None, *, port: int = 0) -> None:
        self.default: Reply | Callable[[Asked], Reply] = default or Reply(status=418, body="the script is over")
        self.script: deque[Reply] = deque()
        self.asked: list[Asked] = []
        self._lock = threading.Condition()
        self._server = _Server(self, port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def plays(self, *replies: Reply) -> None:
        self.script.extend(replies)

    def wait_asked(self, number: int) -> None:
        """Wait until so many requests have come."""
        with self._lock:
            assert self._lock.wait_for(lambda: len(self.asked) >= number, timeout=30)

    def next_reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            self._lock.notify_all()
            if self.script:
                return self.script.popleft()
            return self.default if isinstance(self.default, Reply) else self.default(asked)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def closed_port() -> Iterator[str]:
    """The URL of a port on which nobody listens, and which no other process gets meanwhile."""
    with held_port() as held:
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def chunked(*chunks: bytes, end: bool = True) -> bytes:
    """A body in chunked transfer encoding."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + (b"0\r\n\r\n" if end else b"")
