"""What came back from an HTTP call, what it means, and the words for it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from datetime import timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING

from tap_flipkart_reports.redaction import scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_flipkart_reports.clock import Clock

MAX_ERROR_BYTES = 16 * 1024
"""How much of an error page is looked at."""

MAX_QUOTED = 200
"""Characters of the API's own words in a sentence."""

UNAUTHORIZED = 401

FORBIDDEN = 403

CONFLICT = 409

TOO_MANY_REQUESTS = 429


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
