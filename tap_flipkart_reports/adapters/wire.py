"""Sockets that keep to a call's limits while its answer streams, and that ask for a link byte by byte as it was given.

A timeout of a socket ends a pause and no call: one byte a second, or `100 Continue` for ever, never pauses for long
enough. So whatever is read of an answer passes a `CallMeter` here, which knows how much and how long a call may take.
"""

from __future__ import annotations

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
"""Of all status lines and headers of one answer."""


@dataclass(frozen=True, kw_only=True)
class CallLimits:
    """What one call may take.

    Attributes:
        seconds: from its beginning to its end.
        idle_seconds: without a byte.
        body_bytes: of its body, as they come over the network.
        bytes_per_second: at which `seconds` grow while the body comes; 0 for a short answer, which has to come in time.
        longest_seconds: to which they may grow.
    """

    seconds: float
    idle_seconds: float
    body_bytes: int
    bytes_per_second: float = 0.0
    longest_seconds: float = 0.0


class CallLimitError(OSError):
    """An answer that takes more than its call may."""


class CallMeter:
    """What one call has taken so far.

    Args:
        limits: what it may take.
        clock: time.
        target: what its request line asks for.
        check_address: called with each address before a connection to it is opened; raises `OSError` to forbid it.

    Attributes:
        target: what its request line asks for.
        is_sent: whether the request may have left.
        excess: which limit was passed, in words, if one was.
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
        self.is_sent = False
        self.excess: str | None = None

    def seconds_left(self) -> float:
        """Seconds until the call has to be over.

        Raises:
            CallLimitError: there are none.
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
            CallLimitError: the call has to be over.
        """
        return min(self._limits.idle_seconds, self.seconds_left())

    def took(self, count: int) -> None:
        """So many bytes have come.

        Raises:
            CallLimitError: they are too many.
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
        """Status line and headers are read."""
        self._is_in_head = False

    def _passed(self, excess: str) -> CallLimitError:
        self.excess = excess
        return CallLimitError(excess)


CALL: ContextVar[CallMeter] = ContextVar("CALL")
"""The call that this thread makes."""


class _MeteredSocketFile(io.RawIOBase):
    """The reading end of a socket."""

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
    """Remembers the last line that was read, by which a head that breaks off is distinguished from one that ends."""

    last_line = b""

    def readline(self, size: int | None = -1, /) -> bytes:
        self.last_line = super().readline(size)
        return self.last_line


class _MeteredResponse(http.client.HTTPResponse):
    """An answer that is read within the limits of its call."""

    def __init__(self, sock: socket.socket, *args: object, **kwargs: object) -> None:
        super().__init__(sock, *args, **kwargs)  # type: ignore[arg-type]  # handed through
        self._meter = CALL.get()
        raw = cast("io.BufferedReader", self.fp).detach()
        self.fp: _LineKeeper = _LineKeeper(_MeteredSocketFile(raw, sock, self._meter))

    def begin(self) -> None:
        super().begin()
        if self.fp.last_line not in {b"\r\n", b"\n"}:
            # http.client takes the end of the connection for the end of the head.
            raise http.client.IncompleteRead(b"")
        self._meter.head_is_over()


class _ExactConnection(HTTPConnection):
    """Asks for a link as it was given, of an address that was looked at.

    urllib3 quotes some characters again (`|`, `{`, `%2f` to `%2F`), and a link may be signed over its exact bytes.
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
        """Connect to the first address that answers; what a name stands for is asked once, looked at, and used."""
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
    """Makes every connection an exact one, whether direct, tunnelled or through a plain proxy."""

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        """What the request line asks for."""
        target = super().request_url(request, proxies)
        CALL.get().target = target
        return target

    def get_connection_with_tls_context(self, *args: object, **kwargs: object) -> HTTPConnectionPool:
        """The connections to a host."""
        pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(*args, **kwargs))  # type: ignore[arg-type]  # handed through
        if not issubclass(pool.ConnectionCls, _ExactConnection):
            pool.ConnectionCls = type("_Exact", (_ExactConnection, pool.ConnectionCls), {})
        return pool

    def close(self) -> None:
        """Close all connections."""
        # urllib3 closes a pool when it is collected, and an exception that was seen may hold it for a long while.
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - iterating over the container itself is forbidden there
                if (pool := manager.pools.get(key)) is not None:
                    pool.close()
        super().close()
