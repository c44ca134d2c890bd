"""A server that does with a socket what no HTTP library would."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from typing_extensions import Self

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class RawServer:
    """Reads a request and then sends, again for each connection, what a function makes, until the client hangs up.

    Args:
        pieces: made anew for each request.
        certificate: of a server that speaks TLS, a file with its key.

    Attributes:
        requests: how many requests came.
        sent: bytes that could be sent.
    """

    def __init__(self, pieces: Callable[[], Iterable[bytes]], *, certificate: Path | None = None) -> None:
        self._pieces = pieces
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(0.02)
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.requests = 0
        self.sent = 0

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}"

    def _serve(self) -> None:
        while not self._is_over.is_set():
            with suppress(TimeoutError):
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._answer, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            sock = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            with sock:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += sock.recv(65536)
                    if not request:
                        return
                self.requests += 1
                for piece in self._pieces():
                    sock.sendall(piece)
                    self.sent += len(piece)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        for thread in self._threads:
            thread.join()
        self._listener.close()
