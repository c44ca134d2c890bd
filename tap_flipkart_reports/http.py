"""What the token call and the report calls share: send, judge, wait, and speak without secrets."""

from __future__ import annotations

import html
import json
import logging
import re
import ssl
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlsplit

import backoff
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from urllib3.connectionpool import HTTPConnectionPool

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.client")

CONNECT_SECONDS = 10.0
"""A host that is up accepts within a second or two; more is left for a slow proxy."""

READ_SECONDS = 60.0
"""Seconds without a byte: gateways cut their own calls at 30 or 60, so nothing comes after that."""

MAX_TRIES = 6
"""Tries of one call: with waits that double from one second, a hiccup of half a minute is survived."""

MAX_SECONDS = 300.0
"""No try begins later than this after the first; the scheduler has other calls to make."""

LONGEST_WAIT = 60.0
"""Seconds between two tries, where the API does not ask for more."""

LONGEST_RETRY_AFTER = 120.0
"""Seconds of `Retry-After` that a call sits out; who asks for more is left to the caller, who has other work."""

MAX_ERROR_BYTES = 16 * 1024
"""How much of an error page is looked at."""

MAX_QUOTED = 200
"""Characters of the API's own words in a sentence."""

UNAUTHORIZED = 401
FORBIDDEN = 403
CONFLICT = 409
TOO_MANY_REQUESTS = 429


# Secrets


def _drop(_record: logging.LogRecord) -> bool:
    return False


for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    # These print whole links, secret key and all, some even at WARNING, so a level is not enough. Nothing is missed:
    # every call and every failure has a line of ours.
    logging.getLogger(_name).addFilter(_drop)

_LINK = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\?[^\s?]+=\S*", re.IGNORECASE)
_NAMED_SECRET = re.compile(
    r"""((?:token|secret|key|password|signature)\w*["']?\s*[:=]\s*["']?|\b(?:bearer|basic)\s+)[^\s"'&,;]{8,}""",
    re.IGNORECASE,
)
_LONG_WORD = re.compile(r"[\w.~+/%-]{16,}=*")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """A foreign text without links, known secrets, and whatever looks like a token.

    Args:
        text: what somebody else wrote.
        secrets: texts that must not appear, plain or percent-encoded.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "…").replace(quote(secret, safe=""), "…")
    text = _LINK.sub("…", text)
    text = _NAMED_SECRET.sub(r"\1…", text)
    # A long word with a digit in it is a token, or an id that our own sentence names anyway.
    return _LONG_WORD.sub(lambda word: "…" if re.search(r"\d", word[0]) else word[0], text)


def host_of(url: str) -> str:
    """Host and port of a URL: the part of it that may be shown."""
    return re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]


# Outcomes


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer.

    Attributes:
        status: the HTTP status.
        headers: by name, whatever its case.
        body: decoded bytes; of an error page perhaps only the beginning.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def document(self) -> dict[str, object] | None:
        """The body's JSON object, `None` if it is anything else."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """No whole answer came.

    Attributes:
        words: what happened, without links and secrets.
        was_sent: whether the server may have acted upon the call.
    """

    words: str
    was_sent: bool


class Verdict(Enum):
    """What an outcome means, before anybody knows for which call."""

    ACCEPTED = "accepted"
    UNAUTHORIZED = "unauthorized"
    LIMITED = "limited"
    REFUSED = "refused"
    FAILED = "failed"
    """The server has done nothing: the call may be repeated."""
    UNCLEAR = "unclear"
    """As FAILED, but the server may have done what was asked."""

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self in {Verdict.FAILED, Verdict.UNCLEAR, Verdict.LIMITED}


def judge(outcome: object) -> Verdict:
    """What an outcome means; anything but an answer or a fault is a success."""
    if isinstance(outcome, Fault):
        return Verdict.UNCLEAR if outcome.was_sent else Verdict.FAILED
    if not isinstance(outcome, Answer) or outcome.status // 100 == 2:  # noqa: PLR2004 - 2xx
        return Verdict.ACCEPTED
    if outcome.status // 100 >= 5:  # noqa: PLR2004 - 5xx
        return Verdict.UNCLEAR
    return {UNAUTHORIZED: Verdict.UNAUTHORIZED, TOO_MANY_REQUESTS: Verdict.LIMITED}.get(outcome.status, Verdict.REFUSED)


def describe(outcome: object, secrets: Iterable[str] = ()) -> str:
    """Half a sentence for what came back: the status and the API's own words, or what broke.

    Args:
        outcome: an answer or a fault.
        secrets: texts that must not appear.
    """
    if isinstance(outcome, Fault):
        return outcome.words
    if not isinstance(outcome, Answer):
        return "all of it"
    if judge(outcome) is Verdict.ACCEPTED:
        return str(outcome.status)  # a token or a link is in it
    text = "".join(char if char.isprintable() else " " for char in scrub(_words(outcome), secrets))
    text = " ".join(text.split())
    short = text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1] + "…"
    return f"{outcome.status} ({short})" if short else str(outcome.status)


def _words(answer: Answer) -> str:
    """The API's words, from any of the shapes its errors are known to have, or those of a gateway."""
    document = answer.document()
    if document is not None:
        return _words_of(document)
    text = answer.body[:MAX_ERROR_BYTES].decode("utf-8", errors="replace").strip()
    if not text.startswith("<"):
        return text
    title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
    return html.unescape(title[1] if title else re.sub(r"<[^>]*>", " ", text))


def _words_of(error: object) -> str:
    if isinstance(error, list):
        return "; ".join(filter(None, map(_words_of, error)))
    if not isinstance(error, dict):
        return "" if error is None else str(error)
    if error.get("errors"):
        return _words_of(error["errors"])
    names = ("code", "error", "error_description", "description", "message")
    parts = [_words_of(error[name]) for name in names if error.get(name)]
    return ": ".join(dict.fromkeys(parts))


def retry_after(outcome: object, *, clock: Clock) -> float | None:
    """Seconds the API asks to wait, `None` if it does not ask.

    Args:
        outcome: an answer, or anything else.
        clock: for an HTTP date.
    """
    if not isinstance(outcome, Answer):
        return None
    text = outcome.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+(?:\.[0-9]*)?", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - clock.now()).total_seconds())


# Tries


class Tries:
    """Counts the tries of one call and waits between them.

    The decorators of backoff sleep by `time.sleep`, which no test can hurry and which cannot look at `Retry-After`
    and a deadline at once; so only its waits are used, slept through the clock.

    Args:
        call: what is called, for whom, with which id; for the log.
        clock: time.
        max_tries: how often the call may be made.

    Attributes:
        made: how often it was made so far.
    """

    def __init__(self, *, call: str, clock: Clock, max_tries: int) -> None:
        self._call = call
        self._clock = clock
        self._max_tries = max_tries
        self._began = clock.monotonic()
        self._waits = backoff.expo(max_value=LONGEST_WAIT)
        next(self._waits)  # backoff 2 and 3 yield once before the first wait
        self.made = 0

    def wait(self, outcome: object, *, secrets: Iterable[str]) -> bool:
        """Wait for the next try.

        Args:
            outcome: what came of the last one.
            secrets: texts that must not be logged.

        Returns:
            Whether there is to be another.
        """
        asked = retry_after(outcome, clock=self._clock) or 0.0
        seconds = max(asked, backoff.full_jitter(next(self._waits)))
        waited = self._clock.monotonic() - self._began
        if self.made >= self._max_tries or asked > LONGEST_RETRY_AFTER or waited + seconds > MAX_SECONDS:
            return False
        LOGGER.warning(
            "%s: %s; try %d of %d in %.1f s.",
            self._call,
            describe(outcome, secrets),
            self.made + 1,
            self._max_tries,
            seconds,
        )
        self._clock.sleep(seconds)
        return True

    def __str__(self) -> str:
        """How often it was tried."""
        return "once" if self.made == 1 else f"{self.made} times"


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
