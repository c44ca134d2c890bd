"""Sockets that keep a call's limits while its answer streams, and that request a link byte by byte as it was given.

A socket's timeout limits a pause and not a call: one byte per second, or endless `100 Continue`, never pauses long
enough. So everything that is read passes through a `CallMeter`, which limits the size and duration of a call.
"""

from __future__ import annotations

import http
import http.client
import io
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import LocationParseError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import requests
    from typing_extensions import Buffer
    from urllib3.connectionpool import HTTPConnectionPool

    from tap_flipkart_reports.clock import Clock

MAX_HEAD_BYTES = 64 * 1024
"""Largest size of all status lines and headers of one answer."""

SENDABLE = "".join(map(chr, range(0x21, 0x7F)))
"""Characters that are not escaped in a request line."""


@dataclass(frozen=True, kw_only=True)
class CallLimits:
    """The limits of one call.

    Attributes:
        seconds: time from start to end.
        idle_seconds: longest time without a byte.
        body_bytes: largest body, as sent over the network.
        bytes_per_second: each this many bytes of a body add one second to `seconds`; 0 for a fixed limit.
        longest_seconds: the highest value of `seconds`.
    """

    seconds: float
    idle_seconds: float
    body_bytes: int
    bytes_per_second: float = 0.0
    longest_seconds: float = 0.0


class CallLimitError(OSError):
    """An answer exceeds a limit of its call."""


class CallMeter:
    """Measures one call.

    Args:
        limits: the limits of the call.
        clock: time.
        check_address: called with each address before a connection to it is opened; raises `OSError` to forbid it.

    Attributes:
        target: the target in the request line.
        is_proxied: whether it goes through a proxy.
        is_sent: whether the request may have been sent.
        excess: which limit was exceeded, in words, if any.
    """

    def __init__(self, *, limits: CallLimits, clock: Clock, check_address: Callable[[str], None] | None = None) -> None:
        self._limits = limits
        self._clock = clock
        self._began = clock.monotonic()
        self._head_bytes = 0
        self._body_bytes = 0
        self._is_in_head = True
        self.check_address = check_address
        self.target = ""
        self.is_proxied = False
        self.is_sent = False
        self.excess: str | None = None

    def seconds_left(self) -> float:
        """Seconds that the call has left.

        Raises:
            CallLimitError: no time is left.
        """
        limits = self._limits
        seconds = limits.seconds
        if limits.bytes_per_second and not self._is_in_head:
            seconds = min(seconds + self._body_bytes / limits.bytes_per_second, limits.longest_seconds)
        left = self._began + seconds - self._clock.monotonic()
        if left <= 0:
            raise self._passed(f"no whole answer within {seconds:.0f} s")
        return left

    def socket_seconds(self) -> float:
        """Seconds that the next read may wait.

        Raises:
            CallLimitError: no time is left.
        """
        return min(self._limits.idle_seconds, self.seconds_left())

    def took(self, count: int) -> None:
        """Count received bytes.

        Raises:
            CallLimitError: they exceed a limit.
        """
        if self._is_in_head:
            self._head_bytes += count
            if self._head_bytes > MAX_HEAD_BYTES:
                raise self._passed(f"headers of more than {MAX_HEAD_BYTES // 1024} KiB")
        else:
            self._body_bytes += count
            if self._body_bytes > self._limits.body_bytes:
                raise self._passed(f"an answer of more than {self._limits.body_bytes} bytes")

    def head_is_over(self) -> None:
        """The status line and headers are read completely."""
        self._is_in_head = False

    def _passed(self, excess: str) -> CallLimitError:
        self.excess = excess
        return CallLimitError(excess)


CALL: ContextVar[CallMeter] = ContextVar("CALL")
"""The call that the current thread makes."""


class _MeteredSocketFile(io.RawIOBase):
    """A socket's reader that keeps the limits of a call."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, meter: CallMeter) -> None:
        self._raw = raw
        self._sock = sock
        self._meter = meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int | None:
        self._sock.settimeout(self._meter.socket_seconds())
        count = self._raw.readinto(buffer)
        self._meter.took(count or 0)
        return count

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._raw.close()


class _LineKeeper(io.BufferedReader):
    """Remembers the last line that was read, to distinguish a truncated head from a complete one."""

    last_line = b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many bytes; never all there are, which is what a chunk of a length below zero would ask for."""
        if size is None or size < 0:
            raise http.client.IncompleteRead(b"")
        return super().read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        self.last_line = super().readline(size)
        return self.last_line


class _MeteredResponse(http.client.HTTPResponse):
    """A response that is read within the limits of its call."""

    def __init__(self, sock: socket.socket, *args: object, **kwargs: object) -> None:
        super().__init__(sock, *args, **kwargs)  # type: ignore[arg-type]  # passed on unchanged
        self._meter = CALL.get()
        raw = cast("io.BufferedReader", self.fp).detach()
        self.fp: _LineKeeper = _LineKeeper(_MeteredSocketFile(raw, sock, self._meter))

    def begin(self) -> None:
        """Read the head of the answer, and those that may come before it (RFC 9110 §15.2)."""
        while True:
            super().begin()
            if self.fp.last_line not in {b"\r\n", b"\n"}:
                # http.client takes the end of the connection for the end of the head.
                raise http.client.IncompleteRead(b"")
            if not self._is_interim():
                break
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first head
        self._meter.head_is_over()

    def _is_interim(self) -> bool:
        """Whether the answer is still to come; http.client knows 100 alone, and takes others for the answer."""
        return self.status // 100 == 1 and self.status != http.HTTPStatus.SWITCHING_PROTOCOLS


def has_stated_length(response: requests.Response) -> bool:
    """Whether a body that is cut is known to be: a header alone does not say so, as its length may be no number."""
    is_counted = "Content-Length" in response.headers and response.raw.length_remaining is not None
    return is_counted or bool(response.raw.chunked)


class _ExactConnection(HTTPConnection):
    """Requests a link as it was given, from an address that was checked.

    urllib3 requotes some characters (`|`, `{`, `%2f` to `%2F`), and a link may be signed over its exact bytes.
    """

    response_class = _MeteredResponse

    def putrequest(
        self,
        method: str,
        url: str,  # noqa: ARG002 - the call's own is sent, unchanged
        skip_host: bool = False,  # noqa: FBT001, FBT002 - the signature of http.client
        skip_accept_encoding: bool = False,  # noqa: FBT001, FBT002 - the signature of http.client
    ) -> None:
        call = CALL.get()
        call.is_sent = True
        super().putrequest(method, call.target, skip_host, skip_accept_encoding)

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers; the name is resolved once, and the checked address is used."""
        problem = NewConnectionError(self, "no address")
        for address in self._addresses():
            outcome = self._connected(address)
            if not isinstance(outcome, NewConnectionError):
                return outcome
            problem = outcome
        raise problem

    def _connected(self, address: str) -> socket.socket | NewConnectionError:
        call, name = CALL.get(), self.host
        if call.check_address is not None and self.proxy is None:
            call.check_address(address)
        try:
            self.host = address
            return super()._new_conn()
        except NewConnectionError as error:
            return error
        finally:
            self.host = name

    def _addresses(self) -> Sequence[str]:
        try:
            found = socket.getaddrinfo(self.host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError:
            raise LocationParseError(self.host) from None
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class ExactAdapter(HTTPAdapter):
    """Uses `_ExactConnection` for every connection, whether direct, tunnelled or through a plain proxy."""

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        """The target in the request line."""
        target = super().request_url(request, proxies)
        CALL.get().target = target
        return target

    def get_connection_with_tls_context(self, *args: object, **kwargs: object) -> HTTPConnectionPool:
        """The connections to a host."""
        pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(*args, **kwargs))  # type: ignore[arg-type]  # passed on unchanged
        if not issubclass(pool.ConnectionCls, _ExactConnection):
            pool.ConnectionCls = type("_Exact", (_ExactConnection, pool.ConnectionCls), {})
        return pool

    def close(self) -> None:
        """Close all connections."""
        # urllib3 closes a pool when it is garbage collected, and an exception may keep it alive for a long time.
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - iterating over the container itself is forbidden there
                if (pool := manager.pools.get(key)) is not None:
                    pool.close()
        super().close()
