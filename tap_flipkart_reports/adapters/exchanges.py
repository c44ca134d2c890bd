"""A log of requests and answers without tokens, to find out what the API really does."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_flipkart_reports.adapters.answers import Answer, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import requests

    from tap_flipkart_reports.clock import Clock

MAX_EXCHANGES = 20_000
"""Exchanges that are kept; a probe makes a few dozen for each report type."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer.

    Attributes:
        call: `token`, `trigger`, `detail` or `download`.
        method: the request's method.
        host: the request's host and port.
        path: the request's path, without its query.
        sent: the request's JSON body.
        had_token: whether the request had a token.
        at: when the answer arrived.
        status: the answer's status, `None` without an answer.
        headers: the answer's headers.
        body: the answer's body; empty for a file.
        fault: what went wrong, in words, if there was no answer.
    """

    call: str
    method: str
    host: str
    path: str
    sent: object
    had_token: bool
    at: datetime
    status: int | None
    headers: Mapping[str, str]
    body: bytes
    fault: str | None


class ExchangeLog:
    """Keeps exchanges in their order; may be used from any thread.

    Args:
        clock: time.
        token_path: the path of the token call.
    """

    def __init__(self, *, clock: Clock, token_path: str) -> None:
        self._clock = clock
        self._token_path = token_path
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []

    def record(
        self, *, method: str, url: str, sent: object, had_token: bool, outcome: Answer | Fault | requests.Response
    ) -> None:
        """Add an exchange."""
        parts = urlsplit(url)
        exchange = Exchange(
            call=self._call(method, parts.path),
            method=method,
            host=parts.netloc.rpartition("@")[2],
            path=parts.path,
            sent=sent,
            had_token=had_token,
            at=self._clock.now(),
            status=_status_of(outcome),
            headers={} if isinstance(outcome, Fault) else dict(outcome.headers),
            body=outcome.body if isinstance(outcome, Answer) else b"",
            fault=outcome.words if isinstance(outcome, Fault) else None,
        )
        with self._lock:
            if len(self._exchanges) < MAX_EXCHANGES:
                self._exchanges.append(exchange)

    def _call(self, method: str, path: str) -> str:
        if path == self._token_path:
            return "token"
        if path.startswith("/reports/"):
            return "trigger" if method == "POST" else "detail"
        return "download"

    def exchanges(self) -> list[Exchange]:
        """All exchanges so far."""
        with self._lock:
            return list(self._exchanges)


def _status_of(outcome: Answer | Fault | requests.Response) -> int | None:
    if isinstance(outcome, Fault):
        return None
    return outcome.status if isinstance(outcome, Answer) else outcome.status_code
