"""The simulator's HTTP server, which can send faulty answers."""

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
    ActiveFaults = dict[str, dict[str, Any]]

MAX_BODY = 64 * 1024
CHUNK = 2**18


class Answering(Protocol):
    """Answers requests."""

    now: Callable[[], datetime]

    def answer(self, request: SimulatorRequest) -> None:
        """Answer one request."""


class SimulatorServer(ThreadingHTTPServer):
    """Serves in threads, and can close the connections that clients keep open."""

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
        """Close all connections, so that no thread waits for the next request."""
        for request in list(self._open):
            with suppress(OSError):
                request.shutdown(2)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's own
        """Ignore errors: a client may hang up at any time."""


class SimulatorRequest(BaseHTTPRequestHandler):
    """Reads a request and sends its answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Head and body are sent separately; the kernel would delay the body for 40 ms, until the head is acknowledged."""
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
            # The body cannot be separated from the next request.
            self.close_connection = True
            status = 413 if length.isdecimal() else 411
            self.send(status, {}, b"", {})
            return
        self.body = self.rfile.read(int(length))
        self.server.simulator.answer(self)

    do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the library's own names

    def send(self, status: int, headers: Mapping[str, str], body: Body, active_faults: ActiveFaults) -> None:
        """Send an answer, with the faults that apply to sending."""
        if "drop_connection" in active_faults:
            self.close_connection = True
            return
        if hostile := next(iter(active_faults.keys() & hostile_answers.ANSWERS.keys()), None):
            self.close_connection = True
            hostile_answers.send(hostile, self.wfile, active_faults[hostile])
            return
        if "early_hints" in active_faults:
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        if "odd_encoding" in active_faults:
            headers = {**headers, "Content-Encoding": active_faults["odd_encoding"].get("encoding", "aws-chunked")}
        with body.content if isinstance(body, File) else io.BytesIO(body) as whole:
            if "gzip_encoding" in active_faults:
                headers = {**headers, "Content-Encoding": "gzip"}
                with gzipped(whole) as content:
                    self._send(status, headers, content, active_faults)
            else:
                self._send(status, headers, whole, active_faults)

    def _send(self, status: int, headers: Mapping[str, str], content: IO[bytes], active_faults: ActiveFaults) -> None:
        length = content.seek(0, io.SEEK_END)
        content.seek(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        is_chunked = "cut_chunked" in active_faults
        if "no_length" in active_faults:
            self.close_connection = True
            self.send_header("Connection", "close")
        else:
            self.send_header(*(("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", str(length))))
        self.end_headers()
        cut = active_faults.get("cut_chunked", active_faults.get("cut_download"))
        if cut is None and "bytes" in active_faults.get("no_length", {}):
            cut = active_faults["no_length"]
        if cut is None:
            shutil.copyfileobj(content, self.wfile, CHUNK)
            return
        part = content.read(cut.get("bytes", length // 2))
        self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own
        """Log nothing: the process that runs the simulator has its own log."""
