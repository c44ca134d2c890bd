"""Faults of any call: answers that replace the regular one."""

from __future__ import annotations

import threading
from datetime import timezone
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.simulator.hostile_answers import ANSWERS
from tap_flipkart_reports.simulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tap_flipkart_reports.simulator.tokens import Tokens

    ActiveFaults = dict[str, dict[str, Any]]


class FaultyAnswer(Exception):  # noqa: N818 - an answer, not an error
    """An answer that replaces the regular one.

    Attributes:
        status: the HTTP status.
        headers: of the answer.
        body: of the answer.
        active_faults: the faults that apply when it is sent.
    """

    def __init__(
        self,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        active_faults: ActiveFaults | None = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.headers = dict(headers or {})
        self.body = body
        self.active_faults = active_faults or {}


def spoil_any_call(
    active_faults: Mapping[str, dict[str, Any]],
    *,
    token: str,
    tokens: Tokens,
    authorization: str,
    now: Callable[[], datetime],
) -> None:
    """Raise the faulty answer of a call, if one of its faults has one.

    Args:
        active_faults: the faults, with their arguments.
        token: the access token of the call, if it has one.
        tokens: of all sellers.
        authorization: the header of the call.
        now: the present moment.

    Raises:
        Refused: the call is refused.
        FaultyAnswer: another answer is sent.
    """
    if "slow_answer" in active_faults:
        threading.Event().wait(active_faults["slow_answer"].get("seconds", 1))
    if "token_expired" in active_faults:
        tokens.end_token(token)
        raise Refused(401, {"error": "invalid_token", "error_description": "Access token expired"})
    if "token_forbidden" in active_faults:
        tokens.end_token(token)
        raise Refused(403, {"error": "invalid_token", "error_description": "Access token expired"})
    if "echoed_token" in active_faults:
        said = f"no such thing for {authorization}\r\nforged \x1b[31mline"
        raise Refused(400, {"message": said})
    if spoilt := {name: active_faults[name] for name in ("drop_connection", *ANSWERS) if name in active_faults}:
        raise FaultyAnswer(HTTPStatus.OK, active_faults=spoilt)
    if "rate_limit" in active_faults:
        asked = active_faults["rate_limit"].get("retry_after")
        text = format_datetime(now().astimezone(timezone.utc), usegmt=True) if asked == "date" else str(asked)
        headers = {"Retry-After": text} if asked is not None else {}
        raise FaultyAnswer(HTTPStatus.TOO_MANY_REQUESTS, headers=headers, body=b'{"message": "Too many requests"}')
    if "server_error" in active_faults:
        status = active_faults["server_error"].get("status", 500)
        raise FaultyAnswer(status, body=b"<html><head><title>Server error</title></head></html>")
    if "bad_json" in active_faults:
        raise FaultyAnswer(HTTPStatus.OK, body=b'{"report_id": ')
