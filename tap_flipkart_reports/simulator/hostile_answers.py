"""Answers that no honest server gives: they do not end, are far too large, break off, or say what is not so."""

from __future__ import annotations

import itertools
import threading
import zlib
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

PIECE = b"x" * 65536

BOMB_BYTES = 2**30
"""What the packed answer has when it is unpacked."""

SLOW_BYTES = 300_000
"""Of an error body on which patterns that go back and forth would work for minutes."""


class Wire(Protocol):
    """The writing end of a connection."""

    def write(self, piece: bytes, /) -> object:
        """Send some bytes."""


def _one_byte_a_second(arguments: Mapping[str, Any]) -> Iterator[bytes]:
    pause = threading.Event()
    text = HEAD + b"Content-Length: 99999\r\n\r\n" + b" " * 99_999
    for at in range(len(text)):
        pause.wait(arguments.get("seconds", 1))
        yield text[at : at + 1]


def _endless_head(_arguments: Mapping[str, Any]) -> Iterator[bytes]:
    return itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")


def _endless_answer(_arguments: Mapping[str, Any]) -> Iterator[bytes]:
    return itertools.chain([HEAD + b"\r\n"], itertools.repeat(PIECE))


def _packed_bomb(arguments: Mapping[str, Any]) -> Iterator[bytes]:
    yield HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    yield packer.compress(b'{"status": "')
    for _ in range(arguments.get("bytes", BOMB_BYTES) // len(PIECE)):
        yield packer.compress(PIECE)
    yield packer.compress(b'"}') + packer.flush()


def _cut_head(_arguments: Mapping[str, Any]) -> Iterator[bytes]:
    yield HEAD + b"X-Reque"


def _odd_chunk(_arguments: Mapping[str, Any]) -> Iterator[bytes]:
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n" + PIECE


def _slow_error(arguments: Mapping[str, Any]) -> Iterator[bytes]:
    scrap = str(arguments.get("scrap", "a-")).encode()
    body = scrap * (SLOW_BYTES // max(1, len(scrap)))
    yield b"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: %d\r\n\r\n" % len(body) + body


ANSWERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[bytes]]] = {
    "one_byte_a_second": _one_byte_a_second,
    "endless_head": _endless_head,
    "endless_answer": _endless_answer,
    "packed_bomb": _packed_bomb,
    "cut_head": _cut_head,
    "odd_chunk": _odd_chunk,
    "slow_error": _slow_error,
}
"""Hostile answers by fault; each replaces the whole answer, and the connection ends after it."""


def send(fault: str, wire: Wire, arguments: Mapping[str, Any]) -> None:
    """Send an answer until its end, or until the client hangs up."""
    for piece in ANSWERS[fault](arguments):
        wire.write(piece)
