"""Secrets and links out of any text: the one place that knows what either looks like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

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
