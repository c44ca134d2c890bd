"""What the token call and the report calls share: one set of connections, with every limit a call has."""

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
from tap_flipkart_reports.adapters.wire import CALL, CallLimits, CallMeter, ExactAdapter
from tap_flipkart_reports.exceptions import HostAwayError
from tap_flipkart_reports.redaction import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_flipkart_reports.adapters.exchanges import ExchangeLog
    from tap_flipkart_reports.clock import Clock

_T = TypeVar("_T")

LOGGER = logging.getLogger("tap-flipkart-reports.client")

Response = requests.Response
"""An answer whose body is still to come."""

CONNECT_SECONDS = 10.0
"""A host that is up accepts within a second or two; more is left for a slow proxy."""

READ_SECONDS = 60.0
"""Seconds without a byte: gateways cut their own calls at 30 or 60, so nothing comes after that."""

CALL_SECONDS = 60.0
"""Of a call that is answered by a short text, from its beginning to its end."""

MAX_ANSWER_BYTES = 2**20
"""Of such a text, on the wire and unpacked; an answer of the API has some hundred."""

IDLE_CONNECTIONS = 34
"""Kept open to one host: one for each thread that makes calls. Those of all sellers are the same."""


# Secrets
def _drop(_record: logging.LogRecord) -> bool:
    return False


for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    # These print whole links, secret key and all, some even at WARNING, so a level is not enough. Nothing is missed:
    # every call and every failure has a line of ours.
    logging.getLogger(_name).addFilter(_drop)


# Connections
def short_answer() -> CallLimits:
    """What a call may take that is answered by a short text."""
    return CallLimits(seconds=CALL_SECONDS, idle_seconds=READ_SECONDS, body_bytes=MAX_ANSWER_BYTES)


def own_user_agent() -> str:
    """The tap's name and version; the name alone where it runs without being installed, as from a zipped file."""
    try:
        return f"{PACKAGE}/{version(PACKAGE)}"
    except PackageNotFoundError:
        return PACKAGE


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for.

    Attributes:
        method: GET or POST.
        url: sent as it is, but for characters that no request line can hold.
        headers: beside `User-Agent`.
        json_body: sent as JSON, unless it is `None`.
        limits: what the call may take.
        is_link: whether the URL is the API's and not the operator's, so that its address is looked at.
        is_fresh: whether it must begin with a new connection. A kept one may be closed by the server just as it is used
            again, and nobody then knows whether the call arrived.
        is_patient: whether to wait for a host that is away.
        before_send: called right before it is sent, after all waiting; what it raises ends the call.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    json_body: object = None
    limits: CallLimits
    is_link: bool = False
    is_fresh: bool = False
    is_patient: bool = True
    before_send: Callable[[], None] = lambda: None


class Connections:
    """The connections of a run, to any host and for all its sellers; every method may be called from any thread.

    Args:
        user_agent: how the tap names itself; `None` for its own name and version.
        clock: time.
        rules: which hosts may be asked.
        patience: seconds that a host which has answered before is waited for; `None` for the usual.
        exchanges: keeps what is asked and answered, if anybody wants to know.
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
        self._session = requests.Session()  # asked for what the environment says, and for nothing else
        self._adapter = ExactAdapter(pool_maxsize=IDLE_CONNECTIONS)
        self._exchanges = exchanges
        self.outages = Outages(clock=clock, patience=patience)

    def close(self) -> None:
        """Close what is kept open; whoever waits for a host that is away waits no longer."""
        self.outages.stop()
        self._adapter.close()
        self._session.close()

    def forget_idle(self) -> None:
        """Close what is kept open and not in use."""
        self._adapter.close()

    def pause(self, seconds: float) -> bool:
        """Sit out a pause between two tries; whether it was sat out, and not ended by `close`."""
        return self.outages.pause(seconds)

    def ask(self, request: Request) -> Answer | Fault:
        """Send a request that is answered by a short text, and read it all.

        Raises:
            OutageError: the host is given up for this run; nothing was sent.
            HostAwayError: it does not answer just now, and the request is not patient.
        """
        request = replace(request, headers={"Accept": "application/json", **request.headers})
        fresh = ExactAdapter() if request.is_fresh else None
        with closing(fresh) if fresh else nullcontext():
            response = self._opened(request, fresh or self._adapter)
            return self._noted(request, response if isinstance(response, Fault) else read(response))

    def open(self, request: Request) -> requests.Response | Fault:
        """Send a request and read the head of its answer; the caller closes it. Redirects are not followed.

        While its host does not answer at all, it waits and sends it again: nothing has arrived then.

        Raises:
            OutageError: the host is given up for this run; nothing was sent.
            HostAwayError: it does not answer just now, and the request is not patient.
        """
        return self._noted(request, self._opened(request, self._adapter))

    def _noted(self, request: Request, outcome: _T) -> _T:
        if self._exchanges is not None and isinstance(outcome, (Answer, Fault, requests.Response)):
            self._exchanges.note(
                method=request.method,
                url=request.url,
                sent=request.json_body,
                had_token="Authorization" in request.headers,
                outcome=outcome,
            )
        return outcome

    def _opened(self, request: Request, adapter: ExactAdapter) -> requests.Response | Fault:
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
            if not isinstance(outcome, Fault) or outcome.was_sent:
                return outcome
            if outcome.is_permanent if request.is_link else not (outcome.is_away or outcome.is_permanent):
                return outcome  # the link's own, or the machine's
            if not request.is_patient and not outcome.is_permanent:
                raise HostAwayError(f"{host} does not answer just now")

    def _take_turn(self, request: Request, adapter: ExactAdapter, *, host: str) -> requests.Response | Fault:
        seconds = self.outages.wait_for_turn(host, is_patient=request.is_patient, is_known=request.is_link)
        outcome: requests.Response | Fault = Fault(words="nothing", was_sent=True)
        try:
            request.before_send()
            outcome = self._send(request, adapter, seconds=min(request.limits.seconds, seconds))
        finally:
            # A permanent fault of a link is the link's, and no reason to give its host up.
            is_links = request.is_link and isinstance(outcome, Fault) and outcome.is_permanent
            self.outages.saw(host, None if is_links else outcome)
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
            prepared.url = quote(url, safe="".join(map(chr, range(0x21, 0x7F))))
            settings = self._session.merge_environment_settings(base, {}, True, None, None)  # noqa: FBT003 - stream
            if request.is_link and select_proxy(base, settings["proxies"]):
                self._rules.check_link_by_name(url)
            # The adapter and not the session: the session would add cookies, which belong to some other seller, and
            # a login of ~/.netrc in place of the token, and would look into redirects even if told not to follow.
            timeout = (min(CONNECT_SECONDS, seconds), min(request.limits.idle_seconds, seconds))
            return adapter.send(prepared, timeout=timeout, **settings)  # type: ignore[arg-type]  # the stubs know no default for verify
        except (OSError, HTTPError, ValueError) as error:  # an OSError is any error of requests, or a missing CA bundle
            return fault_of(error, host=host, meter=meter)


def read(response: requests.Response) -> Answer | Fault:
    """Read a short answer to its end and close it; an answer that breaks off is none."""
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
    """Whether a body without a stated length ends before its end."""
    if {"content-length", "transfer-encoding"} & {name.lower() for name in response.headers}:
        return False
    text = answer.body.strip()
    return not text or (text[:1] in b"{[" and answer.document() is None and not text.endswith((b"}", b"]")))
