"""A way to a server that can be closed and opened again, while the server and what it knows stay as they are."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from support.clocks import VirtualClock
from support.ports import held_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self


class Gate:
    """Hands connections on to a server of this machine; closed, it refuses new ones and cuts those there are.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        self._target = int(url.rpartition(":")[2])
        self._held = held_port()
        self.port: int = self._held.getsockname()[1]
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._listener = listener
        self._start(lambda: self._accept(listener))

    def close(self) -> None:
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _greet(self, client: socket.socket) -> None:
        """Nothing is said before what the server says."""

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._greet(client)
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                self._start(partial(self._copy, client, server))
                self._start(partial(self._copy, server, client))

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
        for sock in (source, target):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        for thread in self._threads:
            thread.join()
        for sock in [*self._open, self._held]:
            sock.close()


class TunnelProxy(Gate):
    """A proxy for https: whatever host a client asks for, it is led to the server.

    Attributes:
        asked: the first line of each request.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[bytes] = []

    def _greet(self, client: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(1)
        self.asked.append(request.partition(b"\r\n")[0])
        client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")


class GatedClock(VirtualClock):
    """Time in which a gate closes and opens.

    Args:
        closes_at: seconds after which it closes, in this clock's time.
        opens_at: seconds after which it opens again, if it does.
    """

    def __init__(self, *, closes_at: float, opens_at: float | None) -> None:
        super().__init__()
        self.gate: Gate | None = None
        self._closes_at: float | None = closes_at
        self._opens_at = opens_at

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._look()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        super().wait(condition, seconds)
        self._look()

    def _look(self) -> None:
        if self.gate is None:
            return
        if self._closes_at is not None and self.monotonic() >= self._closes_at:
            self._closes_at = None
            self.gate.close()
        if self._closes_at is None and self._opens_at is not None and self.monotonic() >= self._opens_at:
            self._opens_at = None
            self.gate.open()
