"""The connections that the token call and the report calls share, with all limits of a call."""

from __future__ import annotations

import logging
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

import requests
from requests.utils import select_proxy
from urllib3.exceptions import HTTPError

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.adapters.address_rules import AddressRules
from tap_flipkart_reports.adapters.answers import Answer, Fault
from tap_flipkart_reports.adapters.content import BROKEN, ContentError, unpacked_text
from tap_flipkart_reports.adapters.faults import fault_of
from tap_flipkart_reports.adapters.outages import Outages
from tap_flipkart_reports.adapters.wire import CALL, SENDABLE, CallLimits, CallMeter, ExactAdapter, has_stated_length
from tap_flipkart_reports.exceptions import HostAwayError
from tap_flipkart_reports.redaction import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_flipkart_reports.adapters.exchanges import ExchangeLog
    from tap_flipkart_reports.clock import Clock

_T = TypeVar("_T")

LOGGER = logging.getLogger("tap-flipkart-reports.client")

Response = requests.Response
"""An answer whose body is not read yet."""

CONNECT_SECONDS = 10.0
"""Seconds to connect: a host accepts within a second or two, a slow proxy takes longer."""

READ_SECONDS = 60.0
"""Longest time without a byte: gateways time out after 30 or 60 seconds, so nothing comes after that."""

CALL_SECONDS = 60.0
"""Time limit of a call with a short answer, from start to end."""

MAX_ANSWER_BYTES = 2**20
"""Largest short answer, as sent and unpacked; the API's answers have a few hundred bytes."""

IDLE_CONNECTIONS = 34
"""Idle connections kept per host: one for each thread that makes calls. All sellers share them."""


# Secrets
def _drop(_record: logging.LogRecord) -> bool:
    return False


for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    # These log whole links with their secret keys, some even at WARNING, so a level is not enough. Nothing is lost: the
    # tap logs every call and every failure itself.
    logging.getLogger(_name).addFilter(_drop)


# Connections
def short_answer() -> CallLimits:
    """The limits of a call with a short answer."""
    return CallLimits(seconds=CALL_SECONDS, idle_seconds=READ_SECONDS, body_bytes=MAX_ANSWER_BYTES)


def own_user_agent() -> str:
    """The tap's name and version; only the name if it runs without being installed, for example from a ZIP."""
    try:
        return f"{PACKAGE}/{version(PACKAGE)}"
    except PackageNotFoundError:
        return PACKAGE


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to send.

    Attributes:
        method: GET or POST.
        url: sent unchanged, except for characters that a request line cannot hold.
        headers: headers other than `User-Agent`.
        json_body: sent as JSON, unless it is `None`.
        limits: the limits of the call.
        is_link: whether the URL comes from the API and not from the operator, so that its address is checked.
        is_fresh: whether to open a new connection. The server may close a kept one just as it is used again, and then
            nobody knows whether the call arrived.
        waits_for_host: whether to wait while the host is away.
        before_send: called right before it is sent, after all waiting; an exception from it ends the call.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    json_body: object = None
    limits: CallLimits
    is_link: bool = False
    is_fresh: bool = False
    waits_for_host: bool = True
    before_send: Callable[[], None] = lambda: None


class Connections:
    """The connections of a run, to any host and for all its sellers; every method may be called from any thread.

    Args:
        user_agent: the `User-Agent` header; `None` for the tap's name and version.
        clock: time.
        rules: which hosts may be requested.
        patience: seconds to wait for a host that has answered before; `None` for the default.
        exchanges: logs requests and answers, if given.
    """

    def __init__(
        self,
        *,
        user_agent: str | None = None,
        clock: Clock,
        rules: AddressRules | None = None,
        patience: float | None = None,
        exchanges: ExchangeLog | None = None,
    ) -> None:
        self._user_agent = user_agent or own_user_agent()
        self._clock = clock
        self._rules = rules or AddressRules()
        self._session = requests.Session()  # used to read the environment, and for nothing else
        self._adapter = ExactAdapter(pool_maxsize=IDLE_CONNECTIONS)
        self._exchanges = exchanges
        self.outages = Outages(clock=clock, patience=patience)

    def close(self) -> None:
        """Close all connections and end all waiting for hosts."""
        self.outages.stop()
        self._adapter.close()
        self._session.close()

    def forget_idle(self) -> None:
        """Close idle connections."""
        self._adapter.close()

    def pause(self, seconds: float) -> bool:
        """Wait between two tries; returns false if `close` or a stop has ended the wait."""
        return self.outages.pause(seconds)

    def ask(self, request: Request) -> Answer | Fault:
        """Send a request with a short answer, and read all of it.

        Raises:
            OutageError: the host is given up for this run; nothing was sent.
            HostAwayError: the host is away, and the request does not wait.
        """
        request = replace(request, headers={"Accept": "application/json", **request.headers})
        fresh = ExactAdapter() if request.is_fresh else None
        with closing(fresh) if fresh else nullcontext():
            response = self._open_waiting(request, fresh or self._adapter)
            return self._log_exchange(request, response if isinstance(response, Fault) else read_answer(response))

    def open(self, request: Request) -> requests.Response | Fault:
        """Send a request and read the head of its answer; the caller closes it. Redirects are not followed.

        While the host cannot be reached, it waits and sends the request again.

        Raises:
            OutageError: the host is given up for this run; nothing was sent.
            HostAwayError: the host is away, and the request does not wait.
        """
        return self._log_exchange(request, self._open_waiting(request, self._adapter))

    def _log_exchange(self, request: Request, outcome: _T) -> _T:
        if self._exchanges is not None and isinstance(outcome, (Answer, Fault, requests.Response)):
            self._exchanges.record(
                method=request.method,
                url=request.url,
                sent=request.json_body,
                had_token="Authorization" in request.headers,
                outcome=outcome,
            )
        return outcome

    def _open_waiting(self, request: Request, adapter: ExactAdapter) -> requests.Response | Fault:
        host = host_of(request.url)
        if self._rules.refuses_plain_http(request.url):
            return Fault(
                words=f"{host} would be asked over plain http, which shows secrets on the way",
                was_sent=False,
                is_permanent=True,
                advice="use https, or name the host in plain_http_hosts",
            )
        while True:
            outcome = self._take_turn(request, adapter, host=host)
            if not isinstance(outcome, Fault) or outcome.was_sent or outcome.is_unsendable:
                return outcome
            if outcome.is_permanent if request.is_link else not (outcome.is_away or outcome.is_permanent):
                return outcome  # the fault of this link or of this machine, not of the host
            if not request.waits_for_host and not outcome.is_permanent:
                raise HostAwayError(f"{host} does not answer just now")

    def _take_turn(self, request: Request, adapter: ExactAdapter, *, host: str) -> requests.Response | Fault:
        seconds = self.outages.wait_for_turn(host, waits_for_host=request.waits_for_host, is_known=request.is_link)
        outcome: requests.Response | Fault = Fault(words="nothing", was_sent=True)
        try:
            request.before_send()
            outcome = self._send(request, adapter, seconds=min(request.limits.seconds, seconds))
        finally:
            # A permanent fault of a link does not mean that its host is down.
            is_links = request.is_link and isinstance(outcome, Fault) and outcome.is_permanent
            self.outages.record_outcome(host, None if is_links else outcome)
        return outcome

    def _send(self, request: Request, adapter: ExactAdapter, *, seconds: float) -> requests.Response | Fault:
        url, host = request.url, host_of(request.url)
        check = partial(self._rules.check_link_address, url) if request.is_link else None
        meter = CallMeter(limits=replace(request.limits, seconds=seconds), clock=self._clock, check_address=check)
        CALL.set(meter)
        try:
            base = f"{urlsplit(url).scheme}://{host}/"
            prepared = requests.Request(request.method, base, json=request.json_body).prepare()
            prepared.headers.update({"User-Agent": self._user_agent, **request.headers})
            prepared.url = quote(url, safe=SENDABLE)
            settings = self._session.merge_environment_settings(base, {}, True, None, None)  # noqa: FBT003 - stream
            meter.is_proxied = bool(select_proxy(base, settings["proxies"]))
            if request.is_link and meter.is_proxied:
                self._rules.check_link_by_name(url)
            # The adapter and not the session: the session would add cookies, perhaps another seller's, and replace the
            # token by a login from ~/.netrc, and it reads redirects even if told not to follow them.
            timeout = (min(CONNECT_SECONDS, seconds), min(request.limits.idle_seconds, seconds))
            return adapter.send(prepared, timeout=timeout, **settings)  # type: ignore[arg-type]  # the stubs know no default for verify
        except (OSError, HTTPError, ValueError) as error:  # an OSError is any error of requests, or a missing CA bundle
            return fault_of(error, host=host, meter=meter)


def read_answer(response: requests.Response) -> Answer | Fault:
    """Read a short answer to its end and close it; an incomplete answer is a fault."""
    host, meter = host_of(str(response.url)), CALL.get()
    with response:
        try:
            body = b"".join(response.raw.stream(2**14, decode_content=False))
            text = unpacked_text(body, response.headers.get("Content-Encoding", ""), limit=MAX_ANSWER_BYTES + 1)
        except (ContentError, *BROKEN):
            return Fault(words=f"{response.status_code} with an answer that cannot be unpacked", was_sent=True)
        except (HTTPError, OSError) as error:
            return fault_of(error, host=host, meter=meter)
    if len(text) > MAX_ANSWER_BYTES:
        return Fault(words=f"an answer of more than {MAX_ANSWER_BYTES} bytes", was_sent=True)
    answer = Answer(status=response.status_code, headers=response.headers, body=text)
    if _breaks_off(response, answer):
        return Fault(words=f"{response.status_code} with an answer that breaks off", was_sent=True)
    return answer


def _breaks_off(response: requests.Response, answer: Answer) -> bool:
    """Whether a body without a stated length is incomplete."""
    if has_stated_length(response):
        return False
    text = answer.body.strip()
    return not text or (text[:1] in b"{[" and answer.document() is None and not text.endswith((b"}", b"]")))
