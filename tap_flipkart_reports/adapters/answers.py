"""The result of an HTTP call: its kinds, what they mean, and how messages describe them."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from datetime import timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING

from tap_flipkart_reports.redaction import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_flipkart_reports.clock import Clock

MAX_ERROR_BYTES = 16 * 1024
"""How many bytes of an error page are read."""

ERROR_MEMBERS = ("errors", "code", "error", "error_description", "description", "message")
"""Members in which known APIs put error messages."""

UNAUTHORIZED = 401

FORBIDDEN = 403

TOO_MANY_REQUESTS = 429

DEAD_TOKEN = "invalid_token"  # noqa: S105 - the error's name in RFC 6750

LONGEST_ASKED_WAIT = 7 * 24 * 3600.0
"""Longest `Retry-After` in seconds: nobody means a longer wait, and some values do not fit a date."""

MAX_RETRY_AFTER = 500
"""Longest `Retry-After` header in characters."""

MAX_DEPTH = 8
"""How deep lists and objects in an error are searched."""


# Outcomes
@dataclass(frozen=True, kw_only=True)
class Answer:
    """A complete answer.

    Attributes:
        status: the HTTP status.
        headers: by name, case-insensitive.
        body: decoded bytes; for an error page perhaps only the beginning.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def text(self) -> str:
        """The body in whichever Unicode encoding it is, without a byte order mark."""
        return self.body.decode(json.detect_encoding(self.body), errors="replace")

    def document(self) -> dict[str, object] | None:
        """The body's JSON object, `None` if it is anything else."""
        try:
            document = json.loads(self.text())
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict) else None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """No complete answer arrived.

    Attributes:
        words: what happened, without links and secrets.
        was_sent: whether the server may have acted on the call.
        is_permanent: whether the same call will fail in the same way until a person changes something.
        is_away: whether the host cannot be reached.
        is_unsendable: whether this request itself cannot be sent; its host is not at fault.
        is_slow: whether the call used up its time limit.
        advice: what to do about it.
    """

    words: str
    was_sent: bool
    is_permanent: bool = False
    is_away: bool = False
    is_unsendable: bool = False
    is_slow: bool = False
    advice: str = "run again later, and check the network"


class Verdict(Enum):
    """What an outcome means, for any call."""

    ACCEPTED = "accepted"
    UNAUTHORIZED = "unauthorized"
    LIMITED = "limited"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    """The server did nothing, and the same call would fail again."""
    FAILED = "failed"
    """The server did nothing: the call may be repeated."""
    UNCLEAR = "unclear"
    """As FAILED, but the server may have acted on the call."""

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self in {Verdict.FAILED, Verdict.UNCLEAR, Verdict.LIMITED}


def judge(outcome: object) -> Verdict:
    """The verdict on an outcome; anything but an answer or a fault is a success."""
    if isinstance(outcome, Fault):
        if outcome.was_sent:
            return Verdict.UNCLEAR
        return Verdict.UNREACHABLE if outcome.is_permanent else Verdict.FAILED
    if not isinstance(outcome, Answer) or outcome.status // 100 == 2:  # noqa: PLR2004 - 2xx
        return Verdict.ACCEPTED
    if outcome.status // 100 >= 5:  # noqa: PLR2004 - 5xx
        return Verdict.UNCLEAR
    if outcome.status == FORBIDDEN and _names_dead_token(outcome):
        return Verdict.UNAUTHORIZED
    return {UNAUTHORIZED: Verdict.UNAUTHORIZED, TOO_MANY_REQUESTS: Verdict.LIMITED}.get(outcome.status, Verdict.REFUSED)


def _names_dead_token(answer: Answer) -> bool:
    """Whether a 403 is about the token and not about permission (RFC 6750 §3.1 has 401 for that, some gateways 403)."""
    said = (answer.document() or {}).get("error")
    return said == DEAD_TOKEN or DEAD_TOKEN in answer.headers.get("WWW-Authenticate", "")


def describe(outcome: object, secrets: Iterable[str] = ()) -> str:
    """An outcome as a clause: the status and the API's own words, or what went wrong.

    Args:
        outcome: an answer or a fault.
        secrets: texts that must not appear.
    """
    if isinstance(outcome, Fault):
        return outcome.words
    if not isinstance(outcome, Answer):
        return "all of it"
    said = quoted_error(outcome, secrets)
    return f"{outcome.status} ({said})" if said else str(outcome.status)


def quoted_error(answer: Answer, secrets: Iterable[str] = ()) -> str:
    """The API's own words about an error, cleaned; an answer that is not an error is not quoted.

    Args:
        answer: an answer.
        secrets: texts that must not appear.
    """
    if judge(answer) is Verdict.ACCEPTED:
        document = answer.document() or {}
        # Only error members: the rest may hold a token or a link.
        words = _words_of({name: document[name] for name in ERROR_MEMBERS if name in document})
    else:
        words = _words(answer)
    return clean(words, secrets)


def _words(answer: Answer) -> str:
    """The API's words from any known error format, or those of a gateway."""
    document = answer.document()
    if document is not None:
        return _words_of(document)
    text = answer.text()[:MAX_ERROR_BYTES].strip()
    if not text.startswith("<"):
        return text
    title = re.search(r"<title[^<>]*>([^<]*)", text, re.IGNORECASE)
    return html.unescape(title[1] if title else re.sub(r"<[^<>]*>", " ", text))


def _words_of(error: object, *, depth: int = 0) -> str:
    if depth > MAX_DEPTH:
        return ""
    if isinstance(error, list):
        return "; ".join(filter(None, (_words_of(one, depth=depth + 1) for one in error)))
    if not isinstance(error, dict):
        return "" if error is None else str(error)
    if error.get("errors"):
        return _words_of(error["errors"], depth=depth + 1)
    parts = [_words_of(error[name], depth=depth + 1) for name in ERROR_MEMBERS if error.get(name)]
    return ": ".join(dict.fromkeys(parts))


def is_about_a_report(answer: Answer) -> bool:
    """Whether a refusal is the API's own answer about a report, and not the page of a gateway without such a path."""
    document = answer.document()
    if document is None:
        return False
    words = (word for word in _words_of(document)[:MAX_ERROR_BYTES].lower().split() if "/" not in word)
    return any(word.strip(".,:;!?\"'()[]").startswith("report") for word in words)


def retry_after(outcome: object, *, clock: Clock) -> float | None:
    """Seconds that the API asks to wait, `None` if it does not ask.

    Args:
        outcome: an answer, or anything else.
        clock: time, for an HTTP date.
    """
    if not isinstance(outcome, Answer):
        return None
    text = outcome.headers.get("Retry-After", "")[:MAX_RETRY_AFTER].strip()
    if re.fullmatch(r"[0-9]+(?:\.[0-9]*)?", text):
        return min(float(text), LONGEST_ASKED_WAIT)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return min(max(0.0, (moment - clock.now()).total_seconds()), LONGEST_ASKED_WAIT)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
