"""The simulator's HTTP: requests in, answers out, whole or spoilt."""

from __future__ import annotations

import io
import shutil
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, TYPE_CHECKING, Any, Protocol

from tap_flipkart_reports.simulator import hostile_answers
from tap_flipkart_reports.simulator.packing.files import File, gzipped

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    Body = bytes | File
    Firing = dict[str, dict[str, Any]]

MAX_BODY = 64 * 1024
CHUNK = 2**18


class Answering(Protocol):
    """What answers requests."""

    now: Callable[[], datetime]

    def answer(self, request: SimulatorRequest) -> None:
        """Answer one request."""


class SimulatorServer(ThreadingHTTPServer):
    """Serves in threads, and closes at its end what clients keep open."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Answering) -> None:
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        super().__init__(address, SimulatorRequest)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's own
        """Remember the connection."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - the library's own
        """Forget the connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Close what clients keep open, so that no thread waits for their next request."""
        for request in list(self._open):
            with suppress(OSError):
                request.shutdown(2)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's own
        """A client may hang up at any time."""


class SimulatorRequest(BaseHTTPRequestHandler):
    """One request, and the sending of its answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Head and body are written apart; the kernel would hold the body back until the head is acknowledged, 40 ms."""
    server: SimulatorServer
    body: bytes

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header `Date`: the simulator's own time."""
        del timestamp
        return format_datetime(self.server.simulator.now().astimezone(timezone.utc), usegmt=True)

    def do_GET(self) -> None:
        """Answer a request without a body."""
        self.body = b""
        self.server.simulator.answer(self)

    def do_POST(self) -> None:
        """Answer a request with a body of known length."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            # What follows cannot be told from the next request.
            self.close_connection = True
            status = 413 if length.isdecimal() else 411
            self.send(status, {}, b"", {})
            return
        self.body = self.rfile.read(int(length))
        self.server.simulator.answer(self)

    do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the library's own names

    def send(self, status: int, headers: Mapping[str, str], body: Body, firing: Firing) -> None:
        """Send an answer, cut short or dropped if the script says so."""
        if "drop_connection" in firing:
            self.close_connection = True
            return
        if hostile := next(iter(firing.keys() & hostile_answers.ANSWERS.keys()), None):
            self.close_connection = True
            hostile_answers.send(hostile, self.wfile, firing[hostile])
            return
        if "early_hints" in firing:
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        if "odd_encoding" in firing:
            headers = {**headers, "Content-Encoding": firing["odd_encoding"].get("encoding", "aws-chunked")}
        with body.content if isinstance(body, File) else io.BytesIO(body) as whole:
            if "gzip_encoding" in firing:
                headers = {**headers, "Content-Encoding": "gzip"}
                with gzipped(whole) as content:
                    self._send(status, headers, content, firing)
            else:
                self._send(status, headers, whole, firing)

    def _send(self, status: int, headers: Mapping[str, str], content: IO[bytes], firing: Firing) -> None:
        length = content.seek(0, io.SEEK_END)
        content.seek(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        is_chunked = "cut_chunked" in firing
        if "no_length" in firing:
            self.close_connection = True
            self.send_header("Connection", "close")
        else:
            self.send_header(*(("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", str(length))))
        self.end_headers()
        cut = firing.get("cut_chunked", firing.get("cut_download"))
        if cut is None and "bytes" in firing.get("no_length", {}):
            cut = firing["no_length"]
        if cut is None:
            shutil.copyfileobj(content, self.wfile, CHUNK)
            return
        part = content.read(cut.get("bytes", length // 2))
        self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own
        """Say nothing: the process that runs it has its own log."""
