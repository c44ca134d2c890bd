"""The three calls and the token call on a loopback port; every report is there at once, and is one file."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self


class ReportApi:
    """Serves one file for whatever report is asked for; the kernel copies it, so that it costs the readers nothing.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.path = path
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        """Serve until the block's end."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._server.server_port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    path: Path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        if self.path.startswith("/storage/"):
            self._send_file()
        elif self.path.endswith("/detail"):
            location = f"http://127.0.0.1:{self.server.server_port}/storage/reports/R-1?x_secret_key=not-secret"
            self._send_json({"report_id": "R-1", "status": "COMPLETED", "location": location})
        else:
            self._send_json({"access_token": "token", "token_type": "bearer", "expires_in": 5_000_000})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._send_json({"report_id": "R-1"})

    def _send_json(self, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self._send_head(len(body), "application/json")
        self.wfile.write(body)

    def _send_file(self) -> None:
        with self.server.path.open("rb") as file:
            self._send_head(self.server.path.stat().st_size, "text/csv")
            self.wfile.flush()
            self.connection.sendfile(file)

    def _send_head(self, length: int, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own
        """Say nothing."""
