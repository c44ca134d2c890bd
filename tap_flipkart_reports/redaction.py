"""Foreign text at the edge: what others wrote becomes plain, short text without secrets, links and control characters.

Report ids, status words, error bodies, headers, titles and names of sellers are data. They pass `clean` (words from
outside, quoted in a sentence) or `clean_line` (a name, or a whole sentence with such in it). Every error of this
package and every line of its logs does the latter, so nothing reaches a terminal or a log by another way.

Every step takes time in proportion to the text, whatever is in it, and lengths are bounded before patterns look.
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
"""Characters of foreign words within a sentence."""

MAX_LINE = 2000
"""Characters of a sentence or a line of the log."""

MAX_LOOKED_AT = 16 * 1024
"""Characters of a foreign text that are looked at, of which `MAX_QUOTED` are shown."""

MIN_SECRET = 8
"""Characters from which a text is taken for a secret wherever it is; a shorter one is a word of some sentence."""

LONG_SECRET = 20
"""Characters from which a part of a link is taken for a secret though it has no digit among letters."""

MAX_LINKS = 2000
"""Links whose parts are remembered: those in use, and some hundred before them."""

GONE = "…"
"""Stands in the place of what is not shown."""


# Secrets of this process
class _Alike:
    """Secrets that begin alike: links of one storage do, and thousands of them are remembered."""

    def __init__(self) -> None:
        self.texts: Counter[str] = Counter()
        """How often each was added: links of one session share a token, and may hold that of a seller."""
        self.lengths: tuple[int, ...] = ()
        """The longest first, so that none shows its end. A new tuple each time: readers take no lock."""

    def add(self, secret: str) -> None:
        """Remember one."""
        self.texts[secret] += 1
        if len(secret) not in self.lengths:
            self.lengths = tuple(sorted({*self.lengths, len(secret)}, reverse=True))

    def discard(self, secret: str) -> None:
        """Forget one, unless it was added more often."""
        self.texts[secret] -= 1
        if not self.texts[secret]:
            del self.texts[secret]

    def length_at(self, text: str, at: int) -> int:
        """How long the one is that is at some place of a text; 0 if none does."""
        return next((length for length in self.lengths if text[at : at + length] in self.texts), 0)


class KnownSecrets:
    """Texts that nothing may show, found in any text in one pass, however many they are; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_beginning: dict[str, _Alike] = {}
        self._links: deque[tuple[str, ...]] = deque()

    def add(self, *secrets: str | None) -> None:
        """Remember secrets, plain and as they are in a URL."""
        with self._lock:
            for secret in _forms(secrets):
                self._by_beginning.setdefault(secret[:MIN_SECRET], _Alike()).add(secret)

    def add_link(self, parts: Iterable[str], *, name: str = "") -> None:
        """Remember a link's parts, until many others have come; words and dates among them are nothing secret.

        Args:
            parts: of the link.
            name: what may be shown although it is in the link, as the id of its report.
        """
        parts = tuple(part for part in parts if part not in name and _may_be_secret(part))
        self.add(*parts)
        with self._lock:
            self._links.append(parts)
            old = self._links.popleft() if len(self._links) > MAX_LINKS else ()
            for secret in _forms(old):
                alike = self._by_beginning[secret[:MIN_SECRET]]
                alike.discard(secret)
                if not alike.texts:
                    del self._by_beginning[secret[:MIN_SECRET]]

    def are_in(self, text: str) -> bool:
        """Whether a text holds one of them."""
        return self.removed_from(text) != text

    def removed_from(self, text: str) -> str:
        """The text without them."""
        by_beginning, parts, shown, at = self._by_beginning, [], 0, 0
        last = len(text) - MIN_SECRET
        while at <= last:
            alike = by_beginning.get(text[at : at + MIN_SECRET])
            if alike is not None and (length := alike.length_at(text, at)):
                parts += [text[shown:at], GONE]
                at = shown = at + length
            else:
                at += 1
        return "".join([*parts, text[shown:]]) if parts else text


def _may_be_secret(part: str) -> bool:
    is_mixed = any(map(str.isdigit, part)) and any(map(str.isalpha, part))
    return is_mixed or len(part) >= LONG_SECRET


def _forms(secrets: Iterable[str | None]) -> list[str]:
    plain = [secret for secret in secrets if secret and len(secret) >= MIN_SECRET]
    return list(dict.fromkeys([*plain, *(in_url(secret) for secret in plain)]))


def in_url(text: str) -> str:
    """A text as one step of a path or one value of a query, whatever is in it: half a character pair as well."""
    return quote(text.encode(errors="surrogatepass"), safe="")


KNOWN_SECRETS = KnownSecrets()
"""Tokens, secrets and links of this process, whoever they belong to."""


# What secrets look like
_LINK = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://\S+|\?[^\s?=]{1,200}=\S*", re.IGNORECASE)

_NAMED_SECRET = re.compile(
    r"""((?:token|secret|key|password|signature)\w{0,20}["']?\s{0,4}[:=]\s{0,4}["']?|\b(?:bearer|basic)\s{1,4})"""
    r"""[^\s"'&,;]{8,}""",
    re.IGNORECASE,
)

_LONG_WORD = re.compile(r"[\w.~+/%-]{16,}=*")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """A foreign text without links, known secrets, and whatever looks like a token.

    Args:
        text: foreign text.
        secrets: texts that must not appear, plain or percent-encoded, beside those of this process.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, GONE).replace(in_url(secret), GONE)
    text = KNOWN_SECRETS.removed_from(text)
    text = _LINK.sub(GONE, text)
    text = _NAMED_SECRET.sub(r"\1…", text)
    # A long word with a digit in it is a token, or an id that our own sentence names anyway.
    return _LONG_WORD.sub(lambda word: GONE if re.search(r"\d", word[0]) else word[0], text)


# Edges
def clean(text: object, secrets: Iterable[str] = (), *, limit: int = MAX_QUOTED) -> str:
    """Foreign words as they may be within a sentence: without secrets, in one line, short.

    Args:
        text: foreign text.
        secrets: texts that must not appear, beside those of this process.
        limit: characters that may be left.
    """
    return shorten(" ".join(in_one_line(scrub(_beginning(str(text), MAX_LOOKED_AT), secrets)).split()), limit)


def clean_line(text: object, *, limit: int = MAX_LINE) -> str:
    """A sentence of our own with foreign words in it, or a foreign name, as it may go out.

    Patterns are not looked for, as an id looks like a token and is none; secrets of this process are.

    Args:
        text: the sentence.
        limit: characters that may be left.
    """
    return shorten(in_one_line(KNOWN_SECRETS.removed_from(_beginning(str(text), limit + MAX_LOOKED_AT))), limit)


def in_one_line(text: str) -> str:
    """The text without control characters, line breaks, escape sequences and marks that turn its direction."""
    return text if text.isprintable() else " ".join("".join(map(_shown, text)).split())


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    return "" if unicodedata.category(char) == "Cf" else " "


def _beginning(text: str, limit: int) -> str:
    """A text's beginning without the word that the cut goes through: it may be half a secret."""
    if len(text) <= limit:
        return text
    beginning, _, _ = text[:limit].rpartition(" ")
    return beginning + GONE


def shorten(text: str, limit: int) -> str:
    """The text's beginning, with a mark where something is missing."""
    return text if len(text) <= limit else text[: limit - 1] + GONE


def host_of(url: str) -> str:
    """Host and port of a URL: the part of it that may be shown."""
    return re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]


# Logs
class _CleaningHandler(logging.Handler):
    """Writes nothing; cleans each record of this package on its way up to the handlers that write."""

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args = clean_line(record.getMessage()), ()
        for name in ("stream_name", "seller_id", "warehouse_id", "window", "report_id", "correlation_id"):
            if isinstance(value := record.__dict__.get(name), str):
                record.__dict__[name] = clean_line(value, limit=MAX_QUOTED)


# The loggers of all modules and streams are below this one, and a record passes its handlers before those of the root.
logging.getLogger(PACKAGE).addHandler(_CleaningHandler())
