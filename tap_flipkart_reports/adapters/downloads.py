"""Downloading a report file to disk: unpacked, limited in size, and under its name only when complete."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_plus, urljoin, urlsplit

from urllib3.exceptions import HTTPError

from tap_flipkart_reports.adapters.answers import MAX_ERROR_BYTES, Answer, Fault
from tap_flipkart_reports.adapters.content import (
    BROKEN,
    CHUNK_BYTES,
    LOOKED_AT,
    ContentError,
    looks_like_text,
    unpacked,
    unpacked_text,
)
from tap_flipkart_reports.adapters.faults import fault_of
from tap_flipkart_reports.adapters.wire import CALL, SENDABLE, CallLimits, has_stated_length
from tap_flipkart_reports.exceptions import FileError
from tap_flipkart_reports.redaction import MIN_SECRET, host_of

if TYPE_CHECKING:
    import io
    from pathlib import Path

    import requests

OK = 200

SECONDS_TO_BEGIN = 60.0
"""Seconds from which a download must keep the rate below."""

BYTES_PER_SECOND = 1024.0
"""Slowest average rate of a download; a slower one is stalled on purpose, or never ends."""

LONGEST_DOWNLOAD = 6 * 3600.0
"""In seconds."""

_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
"""The beginning of a URL with a scheme (RFC 3986); a URL with `://` elsewhere is relative."""

_HOST = re.compile(r"[\w.:%-]+")


@dataclass(frozen=True, kw_only=True)
class Download:
    """A completely downloaded file.

    Attributes:
        size: bytes on disk.
        sha256: hash of these bytes, in hexadecimal.
        has_length: whether its length was stated; if not, a file cut at the end of a line looks complete.
    """

    size: int
    sha256: str
    has_length: bool = True


# Links
def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; `None` for what is not a web address, or cannot be sent as one."""
    try:
        url.encode()
        parts = urlsplit(url)
        if host_of(url) != parts.netloc.rpartition("@")[2]:
            return None  # urlsplit drops line breaks and tabs, wherever they are
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname and _HOST.fullmatch(parts.hostname) else None


def resolved(location: str, *, base: str) -> str:
    """A location as a URL: an absolute one unchanged, a relative one resolved against where it was found (RFC 9110)."""
    location = location.strip()
    try:
        return location if _ABSOLUTE.match(location) else urljoin(base, location)
    except ValueError:
        return ""


def redirect_target(response: requests.Response, *, base: str) -> str:
    """Where a redirect leads to. Python reads headers as Latin-1; bytes beyond ASCII go out as they came, quoted."""
    location = response.headers.get("Location", "").strip().encode("latin-1", errors="replace")
    return resolved(quote(location, safe=SENDABLE), base=base)


def secrets_in(location: str) -> tuple[str, ...]:
    """The link and each part of it that a message might quote."""
    path_and_query = location.partition("://")[2].partition("/")[2]
    query = location.partition("?")[2]
    values = [part.partition("=")[2] for part in query.split("&")]
    parts = (location, path_and_query, query, *values, *map(unquote, values), *map(unquote_plus, values))
    return tuple(text for text in parts if len(text) >= MIN_SECRET)


# Bodies
def download_limits(*, idle_seconds: float, max_bytes: int) -> CallLimits:
    """The limits of a download.

    Args:
        idle_seconds: longest time without a byte.
        max_bytes: largest size of the file.
    """
    return CallLimits(
        seconds=SECONDS_TO_BEGIN,
        idle_seconds=idle_seconds,
        body_bytes=2 * max_bytes + 2**20,  # chunks of a body without a length have headers
        bytes_per_second=BYTES_PER_SECOND,
        longest_seconds=LONGEST_DOWNLOAD,
    )


def read_error_body(response: requests.Response) -> Answer | Fault:
    """An answer that is not a file, with the beginning of its body for messages."""
    if response.status_code // 100 == 2:  # noqa: PLR2004 - 2xx
        return Fault(words=f"{response.status_code} instead of a file", was_sent=True)
    encoding = response.headers.get("Content-Encoding", "")
    try:
        body = unpacked_text(
            response.raw.read(MAX_ERROR_BYTES, decode_content=False) or b"", encoding, limit=MAX_ERROR_BYTES
        )
    except (HTTPError, ContentError, OSError, *BROKEN):
        body = b""
    return Answer(status=response.status_code, headers=response.headers, body=body)


def receive(response: requests.Response, path: Path, *, max_bytes: int) -> Download | Fault:
    """Stream a body to disk, under its name only when it is complete.

    Args:
        response: the response.
        path: the file.
        max_bytes: largest size of the file.

    Raises:
        FileError: the body is larger; the rest is not fetched.
        OSError: the file cannot be written.
    """
    meter, part = CALL.get(), path.with_name(f"{path.name}.part")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and announced.isascii() and int(announced[:20]) > max_bytes:
        raise _too_large(max_bytes)
    try:
        chunks = response.raw.stream(CHUNK_BYTES, decode_content=False)
        body = unpacked(chunks, response.headers.get("Content-Encoding", ""))
        download = _store(body, part, max_bytes=max_bytes, has_length=has_stated_length(response))
    except BROKEN:
        return Fault(words="a file whose compression is broken or cut", was_sent=True)
    except ContentError as error:
        return Fault(words=str(error), was_sent=False, is_permanent=True, advice="ask Flipkart for the file unpacked")
    except HTTPError as error:
        return fault_of(error, host=host_of(str(response.url)), meter=meter)
    if isinstance(download, Download):
        part.replace(path)
    return download


def _store(body: io.BufferedReader, part: Path, *, max_bytes: int, has_length: bool) -> Download | Fault:
    digest = hashlib.sha256()
    size = 0
    beginning = last = b""
    with part.open("wb") as file:
        while chunk := body.read(CHUNK_BYTES):
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes)
            file.write(chunk)
            digest.update(chunk)
            beginning, last = beginning or chunk[:LOOKED_AT], chunk[-1:]
    if not has_length and last not in b"\r\n" and _is_table_text(beginning):
        return Fault(words="a file that came without its length and ends in the middle of a line", was_sent=True)
    return Download(size=size, sha256=digest.hexdigest(), has_length=has_length)


def _is_table_text(beginning: bytes) -> bool:
    """Whether a file is text in lines, not HTML, XML or JSON."""
    return looks_like_text(beginning) and not beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"{", b"["))


def _too_large(max_bytes: int) -> FileError:
    return FileError(
        f"the file has more than the {max_bytes:,} bytes of max_file_bytes, so the rest of it is not fetched; raise "
        "max_file_bytes if it is right"
    )
