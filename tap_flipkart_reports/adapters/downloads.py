"""A report file on its way to disk: checked, decompressed, counted."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus, urlsplit

from urllib3.exceptions import HTTPError

from tap_flipkart_reports.adapters.answers import MAX_ERROR_BYTES, Answer, Fault
from tap_flipkart_reports.adapters.transport import fault
from tap_flipkart_reports.redaction import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import requests

CHUNK_BYTES = 64 * 1024
"""What of a download is in memory at a time."""

OK = 200

MIN_SECRET = 8
"""Characters of a value in a link's query from which it is taken for a secret; shorter ones are words."""

GZIP = 16 + zlib.MAX_WBITS
"""What tells zlib to expect gzip's head and tail."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file that arrived whole.

    Attributes:
        size: bytes on disk.
        sha256: hash of these bytes, in hexadecimal.
    """

    size: int
    sha256: str


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; `None` for what is no web address."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


def secrets_in(location: str) -> tuple[str, ...]:
    """The link and each part of it that somebody might quote."""
    path_and_query = location.partition("://")[2].partition("/")[2]
    query = location.partition("?")[2]
    values = [part.partition("=")[2] for part in query.split("&")]
    told = (location, path_and_query, query, *values, *map(unquote, values), *map(unquote_plus, values))
    return tuple(text for text in told if len(text) >= MIN_SECRET)


# Bodies
def read_error_body(response: requests.Response) -> Answer | Fault:
    """An answer that is no file, as far as its words can be of use."""
    if response.status_code // 100 == 2:  # noqa: PLR2004 - 2xx
        return Fault(words=f"{response.status_code} instead of a file", was_sent=True)
    try:
        body = response.raw.read(MAX_ERROR_BYTES, decode_content=True)
    except HTTPError:
        body = b""
    return Answer(status=response.status_code, headers=response.headers, body=body)


def receive(response: requests.Response, path: Path) -> Download | Fault:
    """Stream a file to disk, under its name only when it is whole."""
    part = path.with_name(f"{path.name}.part")
    digest = hashlib.sha256()
    size = 0
    try:
        with part.open("wb") as file:
            for chunk in _decoded(response):
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
    except zlib.error:
        return Fault(words="a file whose compression is broken or cut", was_sent=True)
    except HTTPError as error:
        return fault(error, host=host_of(str(response.url)))
    part.replace(path)
    return Download(size=size, sha256=digest.hexdigest())


def _decoded(response: requests.Response) -> Iterator[bytes]:
    """The body without its `Content-Encoding`, in chunks.

    urllib3 checks the bytes on the wire against `Content-Length` and the end of chunking, but takes a gzip stream that
    is cut for a whole one, so that is undone here.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    chunks = response.raw.stream(CHUNK_BYTES, decode_content=False)
    if encoding in {"identity", ""}:
        yield from chunks
    elif encoding in {"gzip", "x-gzip"}:
        yield from _gunzipped(chunks)
    else:
        raise zlib.error("an encoding that was not asked for")


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """One gzip member after the other, in pieces that stay small however well they were packed.

    Raises:
        zlib.error: broken, or cut.
    """
    member = zlib.decompressobj(GZIP)
    is_begun = False
    for chunk in chunks:
        rest = chunk
        while rest:
            is_begun = True
            yield member.decompress(rest, CHUNK_BYTES)
            rest = member.unconsumed_tail
            if member.eof:
                rest, member = member.unused_data, zlib.decompressobj(GZIP)
                is_begun = False
    if is_begun:
        raise zlib.error("cut")
