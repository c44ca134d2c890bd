"""What the token call and the report calls share: send, judge, wait, and speak without secrets."""

from __future__ import annotations

import logging
import ssl
import threading
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.adapters.answers import Answer, Fault
from tap_flipkart_reports.redaction import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3.connectionpool import HTTPConnectionPool

LOGGER = logging.getLogger("tap-flipkart-reports.client")

CONNECT_SECONDS = 10.0
"""A host that is up accepts within a second or two; more is left for a slow proxy."""

READ_SECONDS = 60.0
"""Seconds without a byte: gateways cut their own calls at 30 or 60, so nothing comes after that."""


# Secrets
def _drop(_record: logging.LogRecord) -> bool:
    return False


for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    # These print whole links, secret key and all, some even at WARNING, so a level is not enough. Nothing is missed:
    # every call and every failure has a line of ours.
    logging.getLogger(_name).addFilter(_drop)


# Connections
_TARGET: ContextVar[str] = ContextVar("_TARGET")
"""What the request line of the call under way is to say."""


class _ExactConnection(HTTPConnection):
    """Asks for a link as it was given.

    urllib3 quotes some characters anew (`|`, `{`, `%2f` to `%2F`), and a link may be signed over its exact bytes.
    """

    def putrequest(
        self,
        method: str,
        url: str,  # noqa: ARG002 - replaced
        skip_host: bool = False,  # noqa: FBT001, FBT002 - the signature of http.client
        skip_accept_encoding: bool = False,  # noqa: FBT001, FBT002 - the signature of http.client
    ) -> None:
        super().putrequest(method, _TARGET.get(), skip_host, skip_accept_encoding)


class _ExactAdapter(HTTPAdapter):
    """Makes every connection an exact one, whether direct, tunnelled or through a plain proxy."""

    def request_url(self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str:
        target = super().request_url(request, proxies)
        _TARGET.set(target)
        return target

    def get_connection_with_tls_context(self, *args: object, **kwargs: object) -> HTTPConnectionPool:
        pool = cast("HTTPConnectionPool", super().get_connection_with_tls_context(*args, **kwargs))  # type: ignore[arg-type]  # handed through
        if not issubclass(pool.ConnectionCls, _ExactConnection):
            pool.ConnectionCls = type("_Exact", (_ExactConnection, pool.ConnectionCls), {})
        return pool

    def close(self) -> None:
        # urllib3 closes a pool when it is collected, and an exception that was seen may hold it for a long while.
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - iterating over the container itself is forbidden there
                if (pool := manager.pools.get(key)) is not None:
                    pool.close()
        super().close()


def own_user_agent() -> str:
    """The tap's name and version; the name alone where it runs without being installed, as from a zipped file."""
    try:
        return f"{PACKAGE}/{version(PACKAGE)}"
    except PackageNotFoundError:
        return PACKAGE


class Connections:
    """Connections to any host, kept open per thread, because a `requests.Session` is not made to be shared.

    Args:
        user_agent: how the tap names itself; `None` for its own name and version.
    """

    def __init__(self, *, user_agent: str | None) -> None:
        self._user_agent = user_agent or own_user_agent()
        self._local = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[requests.Session] = []

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            for scheme in ("https://", "http://"):
                session.mount(scheme, _ExactAdapter())
            with self._lock:
                self._sessions.append(session)
        return session

    def renew(self) -> None:
        """Let this thread's next call begin with a new connection.

        A kept one may be closed by the server just as it is used again, and nobody then knows whether the call arrived.
        """
        self._session().close()

    def open(
        self, method: str, url: str, *, headers: Mapping[str, str], json_body: object = None
    ) -> requests.Response | Fault:
        """Send a request and read the head of its answer; the caller closes it. Redirects are not followed.

        Args:
            method: GET or POST.
            url: sent as it is, but for characters that no request line can hold.
            headers: beside `User-Agent`.
            json_body: sent as JSON, unless it is `None`.
        """
        session = self._session()
        try:
            parts = urlsplit(url)
            base = f"{parts.scheme}://{host_of(url)}/"
            request = requests.Request(method, base, json=json_body).prepare()
            request.headers.update({"User-Agent": self._user_agent, **headers})
            request.url = quote(url, safe="".join(map(chr, range(0x21, 0x7F))))
            settings = session.merge_environment_settings(base, {}, True, None, None)  # noqa: FBT003 - stream
            # The adapter and not the session: the session would add cookies, which belong to some other seller, and
            # a login of ~/.netrc in place of the token, and would look into redirects even if told not to follow.
            return session.get_adapter(base).send(request, timeout=(CONNECT_SECONDS, READ_SECONDS), **settings)  # type: ignore[arg-type]  # the stubs know no default for verify
        except (OSError, HTTPError, ValueError) as error:  # an OSError is any error of requests, or a missing CA bundle
            return fault(error, host=host_of(url))

    def ask(self, method: str, url: str, *, headers: Mapping[str, str], json_body: object = None) -> Answer | Fault:
        """Send a request that is answered by a short text, and read it all; arguments as for `open`."""
        response = self.open(method, url, headers={"Accept": "application/json", **headers}, json_body=json_body)
        return response if isinstance(response, Fault) else read(response)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()


def read(response: requests.Response) -> Answer | Fault:
    """Read an answer to its end and close it."""
    with response:
        try:
            body = response.content
        except (OSError, HTTPError) as error:
            return fault(error, host=host_of(str(response.url)))
        return Answer(status=response.status_code, headers=response.headers, body=body)


_FAULTS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, bool], ...] = (
    (NameResolutionError, "host {host} is not known", False),
    (NewConnectionError, "no connection to {host}", False),
    (ConnectTimeoutError, f"no connection to {{host}} within {CONNECT_SECONDS:.0f} s", False),
    (ProxyError, "no connection to {host} through the proxy", False),
    (ssl.SSLCertVerificationError, "a certificate of {host} that is not trusted", False),
    (ReadTimeoutError, f"nothing from {{host}} for {READ_SECONDS:.0f} s", True),
    (ValueError, "a URL or header for {host} that cannot be sent", False),
    ((requests.RequestException, ssl.SSLError), "a broken connection to {host}", True),
    (OSError, "no connection to {host}, as this machine's certificates cannot be read", False),
    (Exception, "a broken connection to {host}", True),
)
"""By what is at the bottom of an error, first match: what happened, and whether the server may have acted."""


def fault(error: Exception, *, host: str) -> Fault:
    """What a failure to get an answer means; only types are looked at, as texts hold links.

    Args:
        error: an exception of requests, of urllib3 or of the libraries below them.
        host: host and port of the call.
    """
    bottom = _bottom(error)
    words, was_sent = next((words, was_sent) for kind, words, was_sent in _FAULTS if isinstance(bottom, kind))
    return Fault(words=words.format(host=host), was_sent=was_sent)


def _bottom(error: Exception) -> Exception:
    """Requests and urllib3 put the exception they caught into their own."""
    inner = error.reason if isinstance(error, MaxRetryError) else next(iter(error.args), None)
    return _bottom(inner) if isinstance(inner, Exception) else error
