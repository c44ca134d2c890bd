"""Cleans foreign text: short, in one line, without secrets, links and control characters.

Report ids, status words, error bodies, headers, titles and names of sellers are data. `clean` is for foreign words that
a sentence quotes, `clean_line` for a name or a whole sentence that contains foreign words. Every error of this package
and every line of its logs passes through `clean_line`.

Every step takes time linear in the length of the text, and texts are shortened before patterns search them.
"""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from collections import Counter, deque
from typing import TYPE_CHECKING
from urllib.parse import quote

from tap_flipkart_reports import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUOTED = 200
"""Longest foreign text within a sentence, in characters."""

MAX_LINE = 2000
"""Longest sentence or log line, in characters."""

MAX_LOOKED_AT = 16 * 1024
"""Characters of a foreign text that are searched for secrets, of which `MAX_QUOTED` are shown."""

MIN_SECRET = 8
"""Shortest secret that is removed, in characters; a shorter text may be an ordinary word."""

LONG_SECRET = 20
"""A part of a link of this length is taken for a secret even if it does not mix letters and digits."""

MAX_LINKS = 2000
"""Number of links whose parts are remembered: those in use, and some hundred before them."""

REDACTED = "…"
"""Replaces what is not shown."""


# Secrets of this process
class _SecretsByBeginning:
    """Secrets with the same first characters, such as the links of one storage."""

    def __init__(self) -> None:
        self.texts: Counter[str] = Counter()
        """How often each was added: several links may share a token."""
        self.lengths: tuple[int, ...] = ()
        """Lengths of the secrets, the longest first. A new tuple each time, as readers take no lock."""

    def add(self, secret: str) -> None:
        """Add a secret."""
        self.texts[secret] += 1
        if len(secret) not in self.lengths:
            self.lengths = tuple(sorted({*self.lengths, len(secret)}, reverse=True))

    def discard(self, secret: str) -> None:
        """Remove a secret, unless it was added more than once."""
        self.texts[secret] -= 1
        if not self.texts[secret]:
            del self.texts[secret]

    def length_at(self, text: str, at: int) -> int:
        """The length of the secret at an index of a text; 0 if there is none."""
        return next((length for length in self.lengths if text[at : at + length] in self.texts), 0)


class KnownSecrets:
    """Secret texts, found in a text in one pass however many there are; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_beginning: dict[str, _SecretsByBeginning] = {}
        self._links: deque[tuple[str, ...]] = deque()

    def add(self, *secrets: str | None) -> None:
        """Add secrets, plain and percent-encoded."""
        with self._lock:
            for secret in _spellings(secrets):
                self._by_beginning.setdefault(secret[:MIN_SECRET], _SecretsByBeginning()).add(secret)

    def add_link(self, parts: Iterable[str], *, name: str = "") -> None:
        """Add the secret parts of a link; they are forgotten after many other links.

        Args:
            parts: the link's parts; words and dates among them are not secret.
            name: a text that may be shown although it is in the link, such as the report id.
        """
        parts = tuple(part for part in parts if part not in name and _may_be_secret(part))
        self.add(*parts)
        with self._lock:
            self._links.append(parts)
            old = self._links.popleft() if len(self._links) > MAX_LINKS else ()
            for secret in _spellings(old):
                candidates = self._by_beginning[secret[:MIN_SECRET]]
                candidates.discard(secret)
                if not candidates.texts:
                    del self._by_beginning[secret[:MIN_SECRET]]

    def are_in(self, text: str) -> bool:
        """Whether a text contains a secret."""
        return self.removed_from(text) != text

    def removed_from(self, text: str) -> str:
        """A text without the secrets."""
        by_beginning, parts, shown, at = self._by_beginning, [], 0, 0
        last = len(text) - MIN_SECRET
        while at <= last:
            candidates = by_beginning.get(text[at : at + MIN_SECRET])
            if candidates is not None and (length := candidates.length_at(text, at)):
                parts += [text[shown:at], REDACTED]
                at = shown = at + length
            else:
                at += 1
        return "".join([*parts, text[shown:]]) if parts else text


def _may_be_secret(part: str) -> bool:
    is_mixed = any(map(str.isdigit, part)) and any(map(str.isalpha, part))
    return is_mixed or len(part) >= LONG_SECRET


def _spellings(secrets: Iterable[str | None]) -> list[str]:
    plain = [secret for secret in secrets if secret and len(secret) >= MIN_SECRET]
    return list(dict.fromkeys([*plain, *(in_url(secret) for secret in plain)]))


def in_url(text: str) -> str:
    """A text, percent-encoded for a path or query; lone surrogates are encoded too."""
    return quote(text.encode(errors="surrogatepass"), safe="")


KNOWN_SECRETS = KnownSecrets()
"""All tokens, secrets and links of this process."""


# What secrets look like
_LINK = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://\S+|\?[^\s?=]{1,200}=\S*", re.IGNORECASE)

_NAMED_SECRET = re.compile(
    r"""((?:token|secret|key|password|signature)\w{0,20}["']?\s{0,4}[:=]\s{0,4}["']?|\b(?:bearer|basic)\s{1,4})"""
    r"""[^\s"'&,;]{8,}""",
    re.IGNORECASE,
)

_LONG_WORD = re.compile(r"[\w.~+/%-]{16,}=*")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """A foreign text without links, known secrets, and anything that looks like a token.

    Args:
        text: foreign text.
        secrets: further texts to remove, plain or percent-encoded, besides those of this process.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, REDACTED).replace(in_url(secret), REDACTED)
    text = _without_links(text)
    # A long word with a digit is a token, or an id that the sentence around it names anyway.
    return _LONG_WORD.sub(lambda word: REDACTED if re.search(r"\d", word[0]) else word[0], text)


def _without_links(text: str) -> str:
    return _NAMED_SECRET.sub(r"\1…", _LINK.sub(REDACTED, KNOWN_SECRETS.removed_from(text)))


# Cleaning
def clean(text: object, secrets: Iterable[str] = (), *, limit: int = MAX_QUOTED) -> str:
    """Foreign words for use within a sentence: short, in one line, without secrets.

    Args:
        text: foreign text.
        secrets: further texts to remove, besides those of this process.
        limit: longest result, in characters.
    """
    return shorten(" ".join(in_one_line(scrub(_beginning(str(text), MAX_LOOKED_AT), secrets)).split()), limit)


def clean_name(name: object, *, limit: int = MAX_QUOTED) -> str:
    """A foreign name for use within a sentence, such as a header or the name of a file in a ZIP.

    As `clean`, but a long word with a digit stays: names are such words.

    Args:
        name: foreign text.
        limit: longest result, in characters.
    """
    return shorten(" ".join(in_one_line(_without_links(_beginning(str(name), MAX_LOOKED_AT))).split()), limit)


def clean_line(text: object, *, limit: int = MAX_LINE) -> str:
    """A name, or a sentence that contains foreign words: in one line, without this process's secrets.

    Anything that only looks like a token stays, as ids do.

    Args:
        text: the sentence.
        limit: longest result, in characters.
    """
    return shorten(in_one_line(KNOWN_SECRETS.removed_from(_beginning(str(text), limit + MAX_LOOKED_AT))), limit)


def in_one_line(text: str) -> str:
    """A text without control characters, line breaks, escape sequences and marks of text direction."""
    return text if text.isprintable() else " ".join("".join(map(_shown, text)).split())


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    return "" if unicodedata.category(char) == "Cf" else " "


def _beginning(text: str, limit: int) -> str:
    """A text's beginning without the word at the cut, which may be half a secret."""
    if len(text) <= limit:
        return text
    beginning, _, _ = text[:limit].rpartition(" ")
    return beginning + REDACTED


def shorten(text: str, limit: int) -> str:
    """A text's beginning, with a mark at the end if it was shortened."""
    return text if len(text) <= limit else text[: limit - 1] + REDACTED


def host_of(url: str) -> str:
    """Host and port of a URL, which may be shown."""
    return re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]


# Logs
class _CleaningHandler(logging.Handler):
    """Writes nothing; cleans this package's log records before other handlers write them."""

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args = clean_line(record.getMessage()), ()
        for name in ("stream_name", "seller_id", "warehouse_id", "window", "report_id", "correlation_id"):
            if isinstance(value := record.__dict__.get(name), str):
                record.__dict__[name] = clean_line(value, limit=MAX_QUOTED)


# All loggers of modules and streams are children of this one, whose handlers get a record before those of the root.
logging.getLogger(PACKAGE).addHandler(_CleaningHandler())
