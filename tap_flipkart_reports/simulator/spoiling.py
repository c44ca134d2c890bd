"""The faults that any call can have: what comes in the place of its answer."""

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

    Firing = dict[str, dict[str, Any]]


class Spoilt(Exception):  # noqa: N818 - an answer, not an error
    """An answer in the place of the one that is due.

    Attributes:
        status: the HTTP status.
        headers: of the answer.
        body: of the answer.
        firing: the faults that spoil how it is sent.
    """

    def __init__(
        self,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        firing: Firing | None = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.headers = dict(headers or {})
        self.body = body
        self.firing = firing or {}


def spoil_any_call(
    firing: Mapping[str, dict[str, Any]], *, token: str, tokens: Tokens, authorization: str, now: Callable[[], datetime]
) -> None:
    """Spoil a call as the script says.

    Args:
        firing: the faults, with their arguments.
        token: the access token of the call, if it has one.
        tokens: of all sellers.
        authorization: the header of the call.
        now: the present moment.

    Raises:
        Refused: the call is refused.
        Spoilt: another answer is sent.
    """
    if "slow_answer" in firing:
        threading.Event().wait(firing["slow_answer"].get("seconds", 1))
    if "token_expired" in firing:
        tokens.end_token(token)
        raise Refused(401, {"error": "invalid_token", "error_description": "Access token expired"})
    if "token_forbidden" in firing:
        tokens.end_token(token)
        raise Refused(403, {"error": "invalid_token", "error_description": "Access token expired"})
    if "echoed_token" in firing:
        said = f"no such thing for {authorization}\r\nforged \x1b[31mline"
        raise Refused(400, {"message": said})
    if spoilt := {name: firing[name] for name in ("drop_connection", *ANSWERS) if name in firing}:
        raise Spoilt(HTTPStatus.OK, firing=spoilt)
    if "rate_limit" in firing:
        asked = firing["rate_limit"].get("retry_after")
        text = format_datetime(now().astimezone(timezone.utc), usegmt=True) if asked == "date" else str(asked)
        headers = {"Retry-After": text} if asked is not None else {}
        raise Spoilt(HTTPStatus.TOO_MANY_REQUESTS, headers=headers, body=b'{"message": "Too many requests"}')
    if "server_error" in firing:
        status = firing["server_error"].get("status", 500)
        raise Spoilt(status, body=b"<html><head><title>Server error</title></head></html>")
    if "bad_json" in firing:
        raise Spoilt(HTTPStatus.OK, body=b'{"report_id": ')
