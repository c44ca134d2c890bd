"""Why no answer arrived: what happened, whether the server may have acted, and what to do about it."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

from tap_flipkart_reports.adapters.address_rules import ForbiddenAddressError
from tap_flipkart_reports.adapters.answers import Fault
from tap_flipkart_reports.adapters.wire import CallLimitError, CallMeter

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""A resolver's errors for a host that does not exist, as opposed to a temporary failure."""

NOTHING_LEFT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

SPEAKS_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})
"""OpenSSL's reasons when a server answers a handshake in plain text."""

REFUSED_BY_PROXY = re.compile(r"Tunnel connection failed: (4[0-9]{2})")

MAX_CAUSES = 12
"""How many nested exceptions are searched."""


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """A kind of failure; `words` and `advice` may name the `{host}`."""

    words: str
    was_sent: bool = False
    is_permanent: bool = False
    is_away: bool = False
    is_unsendable: bool = False
    is_slow: bool = False
    advice: str = "run again later, and check the network and whether {host} is up"


_CHECK_ADDRESS = "check the host's name in api_url and auth_url, and this machine's network"

_KINDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], _Kind], ...] = (
    (NameResolutionError, _Kind(words="host {host} is not known", is_away=True, advice=_CHECK_ADDRESS)),
    (NewConnectionError, _Kind(words="no connection to {host}", is_away=True)),
    (ConnectTimeoutError, _Kind(words="no connection to {host} in time", is_away=True)),
    (
        ProxyError,
        _Kind(
            words="no connection to {host} through the proxy",
            is_away=True,
            advice="check the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names",
        ),
    ),
    (
        ssl.SSLCertVerificationError,
        _Kind(
            words="a certificate of {host} that is not trusted",
            is_permanent=True,
            advice="if it is right, name the file of its authority in REQUESTS_CA_BUNDLE, and otherwise check the "
            "address and the machine's clock",
        ),
    ),
    (ReadTimeoutError, _Kind(words="no answer from {host} in time", was_sent=True, is_away=True, is_slow=True)),
    (
        requests.exceptions.InvalidProxyURL,
        _Kind(
            words="the address of the proxy cannot be read",
            is_permanent=True,
            advice="check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY",
        ),
    ),
    (
        requests.exceptions.InvalidSchema,  # the proxy's: other addresses are checked earlier
        _Kind(
            words="{host} is to be asked through a SOCKS proxy, for which a library is missing",
            is_permanent=True,
            advice="install requests[socks] beside the tap, or change HTTPS_PROXY, HTTP_PROXY and ALL_PROXY",
        ),
    ),
    (
        (ValueError, LocationValueError),
        _Kind(
            words="a URL or header for {host} that cannot be sent",
            is_permanent=True,
            is_unsendable=True,
            advice="check api_url, auth_url, user_agent and the tokens",
        ),
    ),
    ((requests.RequestException, ssl.SSLError), _Kind(words="a broken connection to {host}", was_sent=True)),
    (
        OSError,  # a plain OSError: requests cannot find the file
        _Kind(
            words="no connection to {host}, as this machine's certificates cannot be read",
            is_permanent=True,
            advice="check REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE",
        ),
    ),
    (Exception, _Kind(words="a broken connection to {host}", was_sent=True)),
)
"""By the type of the innermost exception; the first match counts."""

_FORBIDDEN = _Kind(
    words="the link leads into a private network and not to a public host ({host}), so it is not followed",
    is_permanent=True,
    advice="if reports are stored there, name the host in allowed_link_hosts",
)

_NO_SUCH_HOST = _Kind(words="host {host} does not exist", is_permanent=True, is_away=True, advice=_CHECK_ADDRESS)

_NO_TLS = _Kind(
    words="{host} does not speak https",
    is_permanent=True,
    advice="check whether the address in api_url or auth_url has to begin with http://, or has another port",
)

_NOTHING_LEFT = _Kind(
    words="no connection to {host}, as this machine has no file descriptor or memory left",
    advice="raise the limit (ulimit -n), or lower max_concurrent_reports",
)

_PROXY_REFUSES = _Kind(
    words="the proxy refuses to connect to {host}",
    is_permanent=True,
    advice="check the name and password in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, and what the proxy allows",
)


_CHECK_PROXY = "check the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names"

_ODD_PROXY = _Kind(words="the address of the proxy cannot be read", is_permanent=True, advice=_CHECK_PROXY)

_NO_SUCH_PROXY = _Kind(
    words="the proxy through which {host} is to be asked does not exist",
    is_permanent=True,
    is_away=True,
    advice=_CHECK_PROXY,
)


def fault_of(error: Exception, *, host: str, meter: CallMeter) -> Fault:
    """The fault for an exception, by its types and numbers alone: its texts may contain links.

    Args:
        error: an exception of requests, of urllib3 or of the libraries below them.
        host: the call's host and port.
        meter: the call's meter.
    """
    kind = _kind_of(error)
    if meter.is_proxied and not meter.is_sent:  # what comes before the request is about the proxy
        kind = _ODD_PROXY if kind.is_unsendable else _NO_SUCH_PROXY if kind is _NO_SUCH_HOST else kind
    words, is_slow = kind.words.format(host=host), kind.is_slow
    if meter.excess is None and kind.is_slow:
        with suppress(CallLimitError):  # which the meter remembers
            meter.seconds_left()
    if meter.excess is not None:
        words, is_slow = f"{meter.excess} from {host}", True
    return Fault(
        words=words,
        was_sent=meter.is_sent and (kind.was_sent or meter.excess is not None),
        is_permanent=kind.is_permanent,
        is_away=kind.is_away,
        is_unsendable=kind.is_unsendable,
        is_slow=is_slow,
        advice=kind.advice.format(host=host),
    )


def _kind_of(error: Exception) -> _Kind:
    innermost = _innermost(error)
    for cause in _causes(innermost):
        if isinstance(cause, ForbiddenAddressError):
            return _FORBIDDEN
        if isinstance(cause, socket.gaierror) and cause.errno in NO_SUCH_NAME:
            return _NO_SUCH_HOST
        if isinstance(cause, ssl.SSLError) and cause.reason in SPEAKS_NO_TLS:
            return _NO_TLS
        if isinstance(cause, OSError) and cause.errno in NOTHING_LEFT:
            return _NOTHING_LEFT
        if isinstance(cause, OSError) and REFUSED_BY_PROXY.match(str(cause)):
            return _PROXY_REFUSES
    return next(kind for types, kind in _KINDS if isinstance(innermost, types))


def _innermost(error: Exception) -> Exception:
    """The exception inside those of requests and urllib3, which wrap what they catch."""
    inner = error.reason if isinstance(error, MaxRetryError) else next(iter(error.args), None)
    return _innermost(inner) if isinstance(inner, Exception) else error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception, the exceptions it contains, and those it was raised from."""
    waiting, seen = [error], 0
    while waiting and seen < MAX_CAUSES:
        one = waiting.pop()
        seen += 1
        yield one
        inner = (one.__cause__, *(argument for argument in one.args if isinstance(argument, BaseException)))
        waiting += [found for found in inner if found is not None]
