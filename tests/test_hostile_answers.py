"""Answers that do not end, are too large, break off or lie: every call has an end, in little memory."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from support.client_bench import ClientBench
from support.raw_server import HEAD, RawServer
from support.scripted_server import Reply, chunked

from tap_flipkart_reports.adapters.transport import MAX_ANSWER_BYTES
from tap_flipkart_reports.adapters.wire import MAX_HEAD_BYTES
from tap_flipkart_reports.exceptions import (
    AnswerLostError,
    AnswerNotUnderstoodError,
    AuthenticationError,
    CallError,
    FileError,
    RateLimitedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

Call = "Callable[[ClientBench, RawServer, Path], object]"

SOCKET_BUFFERS = 16 * 2**20
"""Bytes that may lie in the buffers of a machine's sockets when a client hangs up."""


@pytest.fixture
def bench() -> Iterator[ClientBench]:
    with ClientBench() as bench:
        yield bench


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def _token(bench: ClientBench, server: RawServer, _path: Path) -> object:
    return bench.detail(auth_url=server.url)


def _trigger(bench: ClientBench, server: RawServer, _path: Path) -> object:
    return bench.trigger(api_url=server.url)


def _detail(bench: ClientBench, server: RawServer, _path: Path) -> object:
    return bench.detail(api_url=server.url)


def _download(bench: ClientBench, server: RawServer, path: Path) -> object:
    return bench.download(path, f"{server.url}/file", max_file_bytes=10**7)


CALLS = [_token, _trigger, _detail, _download]

calls = pytest.mark.parametrize("call", CALLS)
short_calls = pytest.mark.parametrize("call", [_token, _trigger, _detail])


def _slowly(bench: ClientBench, answer: Iterable[bytes]) -> Iterator[bytes]:
    """A byte a second."""
    for byte in answer:
        bench.clock.advance(1)
        yield byte


def _bytes_of(text: bytes) -> Iterator[bytes]:
    return (text[at : at + 1] for at in range(len(text)))


@calls
@pytest.mark.parametrize("beginning", [b"", HEAD + b"Content-Length: 99999\r\n\r\n"], ids=["head", "body"])
def test_an_answer_of_one_byte_a_second_ends(
    beginning: bytes, call: Callable[[ClientBench, RawServer, Path], object], bench: ClientBench, path: Path
) -> None:
    def pieces() -> Iterator[bytes]:
        yield beginning
        yield from _slowly(bench, _bytes_of((b"" if beginning else HEAD + b"X: ") + b"x" * 9999))

    with RawServer(pieces) as server, pytest.raises(CallError, match=r"no whole answer within [0-9]+ s from 127"):
        call(bench, server, path)
    assert server.requests <= 2
    assert list(path.parent.iterdir()) == []


@calls
@pytest.mark.parametrize(
    "endless",
    [b"HTTP/1.1 100 Continue\r\n\r\n", b"X-Header: " + b"x" * 1000 + b"\r\n", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"],
    ids=["100 Continue", "headers", "100 Continue with headers"],
)
def test_a_head_without_end_is_cut(
    endless: bytes, call: Callable[[ClientBench, RawServer, Path], object], bench: ClientBench, path: Path
) -> None:
    beginning = b"" if endless.startswith(b"HTTP") else HEAD
    with (
        RawServer(lambda: itertools.chain([beginning], itertools.repeat(endless))) as server,
        pytest.raises(CallError, match=r"headers of more than|broken connection"),
    ):
        call(bench, server, path)
    assert server.sent < server.requests * (MAX_HEAD_BYTES + SOCKET_BUFFERS)


@short_calls
@pytest.mark.parametrize(
    "head", [HEAD + b"Content-Length: 400000000\r\n\r\n", HEAD + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"]
)
def test_a_short_answer_without_end_is_cut_and_takes_no_memory(
    head: bytes, call: Callable[[ClientBench, RawServer, Path], object], bench: ClientBench, path: Path
) -> None:
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n" if b"chunked" in head else b"x" * 65536
    tracemalloc.start()
    try:
        with (
            RawServer(lambda: itertools.chain([head], itertools.repeat(piece))) as server,
            pytest.raises(CallError, match=f"an answer of more than {MAX_ANSWER_BYTES} bytes"),
        ):
            call(bench, server, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert server.sent < server.requests * (MAX_ANSWER_BYTES + SOCKET_BUFFERS)
    assert peak < 16 * MAX_ANSWER_BYTES


def test_a_detail_that_unpacks_to_more_than_memory_is_cut(bench: ClientBench) -> None:
    bomb = gzip.compress(b'{"status": "' + b"x" * 2**28, compresslevel=9)
    assert len(bomb) < MAX_ANSWER_BYTES
    bench.api.default = Reply(body=bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        with pytest.raises(CallError, match="an answer of more than"):
            bench.detail()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MAX_ANSWER_BYTES


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"])
def test_a_download_larger_than_it_may_be_is_cut_soon(head: bytes, bench: ClientBench, path: Path) -> None:
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n" if b"chunked" in head else b"x" * 65536
    with (
        RawServer(lambda: itertools.chain([head], itertools.repeat(piece))) as server,
        pytest.raises(FileError, match=r"report R-1: the file has more than the 10,000,000 bytes of max_file_bytes"),
    ):
        _download(bench, server, path)
    assert server.requests == 1
    assert server.sent < 10**7 + SOCKET_BUFFERS
    assert list(path.parent.iterdir()) == []


def test_a_download_that_announces_too_much_is_not_begun(bench: ClientBench, path: Path) -> None:
    with (
        RawServer(lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"]) as server,
        pytest.raises(FileError),
    ):
        _download(bench, server, path)
    assert server.requests == 1


def test_a_packed_download_that_unpacks_to_too_much_is_cut(bench: ClientBench, path: Path) -> None:
    bench.api.plays(Reply(body=gzip.compress(bytes(2 * 10**7)), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(FileError):
        bench.download(path, max_file_bytes=10**7)
    assert list(path.parent.iterdir()) == []


@calls
@pytest.mark.parametrize("size", [b"-1", b"-5", b"-ffff"])
def test_a_piece_of_less_than_nothing_is_a_broken_answer(
    size: bytes, call: Callable[[ClientBench, RawServer, Path], object], bench: ClientBench, path: Path
) -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    tracemalloc.start()
    try:
        with (
            RawServer(lambda: [head, size, b"\r\n", *[b"x" * 65536] * 300]) as server,
            pytest.raises(CallError, match="broken connection"),
        ):
            call(bench, server, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MAX_ANSWER_BYTES  # -1 means all there is to Python
    assert list(path.parent.iterdir()) == []


INTERIM = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


@calls
def test_an_answer_is_what_follows_what_comes_before_it(
    call: Callable[[ClientBench, RawServer, Path], object], bench: ClientBench, path: Path
) -> None:
    body = b'{"access_token": "token", "report_id": "R-1", "status": "PROCESSING"}'
    answer = INTERIM + HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    bench.api.default = Reply(body={"status": "PROCESSING"})
    with RawServer(lambda: [answer]) as server:
        call(bench, server, path)
    assert server.requests == 1


@calls
def test_what_comes_before_an_answer_is_none(
    call: Callable[[ClientBench, RawServer, Path], object], bench: ClientBench, path: Path
) -> None:
    with RawServer(lambda: [INTERIM]) as server, pytest.raises(CallError, match="broken connection"):
        call(bench, server, path)
    assert server.requests > 1


@pytest.mark.parametrize(
    "header", [b"Content-Length: abc", b"Content-Length: -1", b"Content-Length:", b"Transfer-Encoding: identity"]
)
def test_a_length_that_is_none_does_not_make_a_cut_file_whole(header: bytes, bench: ClientBench, path: Path) -> None:
    cut = b"HTTP/1.1 200 OK\r\n" + header + b"\r\n\r\na,b\r\n1,2\r\n3"
    with RawServer(lambda: [cut]) as server, pytest.raises(CallError, match="in the middle of a line"):
        _download(bench, server, path)
    with RawServer(lambda: [cut + b",4\r\n"]) as server:
        assert not bench.download(path, f"{server.url}/file").has_length


WHOLE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"report_id": "R-1", "x": [1]}'


@pytest.mark.parametrize("end", range(0, len(WHOLE), 3))
def test_an_answer_to_a_trigger_that_is_cut_anywhere_is_a_broken_one_and_no_empty_one(
    end: int, bench: ClientBench, path: Path
) -> None:
    cut = WHOLE[:end]
    with RawServer(lambda: [cut]) as server, pytest.raises(AnswerLostError, match="may have been bought"):
        _trigger(bench, server, path)
    assert server.requests > 1  # as of any broken connection: under the same correlation id


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"])
def test_an_answer_is_read_in_any_encoding_of_unicode(encoding: str, bench: ClientBench) -> None:
    said = '{"report_id": "R-1", "access_token": "token", "status": "PROCESSING", "message": "मूल्य"}'.encode(encoding)
    bench.auth.script.clear()
    bench.auth.default = bench.api.default = Reply(body=said)
    assert bench.trigger() == "R-1"
    assert bench.detail().status_word == "PROCESSING"
    bench.api.default = Reply(status=422, body=said)
    with pytest.raises(CallError, match="मूल्य"):
        bench.detail()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_beginning_of_an_answer_is_a_broken_one_in_any_encoding(encoding: str, bench: ClientBench) -> None:
    bench.api.default = Reply(body='{"report_id": "R-'.encode(encoding))
    with pytest.raises(AnswerNotUnderstoodError, match="tried 2 times"):
        bench.trigger()


def test_an_answer_without_a_stated_length_is_accepted_when_it_is_whole(bench: ClientBench, path: Path) -> None:
    with RawServer(lambda: [WHOLE]) as server:
        assert _trigger(bench, server, path) == "R-1"


@pytest.mark.parametrize(
    ("headers", "is_renewed"),
    [
        ({}, False),
        ({"WWW-Authenticate": 'Bearer error="invalid_token"'}, True),
    ],
)
def test_an_expired_token_that_is_answered_with_403_is_renewed_once(
    headers: dict[str, str], *, is_renewed: bool, bench: ClientBench
) -> None:
    bench.api.default = Reply(status=403, body={} if headers else {"error": "forbidden"}, headers=headers)
    with pytest.raises(AuthenticationError if is_renewed else CallError):
        bench.detail()
    assert len(bench.api.asked) == 1 + is_renewed


def test_an_expired_token_named_in_the_body_of_a_403_is_renewed(bench: ClientBench) -> None:
    bench.api.plays(Reply(status=403, body={"error": "invalid_token"}), Reply(body={"status": "PROCESSING"}))
    bench.detail()
    assert [asked.headers["Authorization"] for asked in bench.api.asked] == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(
    "asked",
    ["99999999999", "1" + "0" * 20, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 400 + ".5", "9" * 100_000],
)
def test_a_wait_of_centuries_is_a_week(asked: str, bench: ClientBench) -> None:
    bench.api.default = Reply(status=429, headers={"Retry-After": asked[:60_000]})
    with pytest.raises(RateLimitedError) as caught:
        bench.detail()
    assert caught.value.retry_after is not None
    assert caught.value.retry_after <= 7 * 24 * 3600
    assert bench.clock.waited == []


@pytest.mark.parametrize("asked", ["", "-5", "1e20", "nan", "inf", "soon", "Fri, 99 Dec 2026", "٣", "1,5", "\x01"])
def test_a_wait_that_is_not_one_is_absent(asked: str, bench: ClientBench) -> None:
    bench.api.plays(Reply(status=503, headers={"Retry-After": asked.encode().decode("latin-1")}), Reply(body={}))
    bench.detail()
    assert all(waited <= 1 for waited in bench.clock.waited)


# Ids and words


@pytest.mark.parametrize("said", [4000001, "4000001"])
def test_a_whole_number_is_an_id(said: object, bench: ClientBench) -> None:
    bench.api.plays(Reply(body={"report_id": said}))
    assert bench.trigger() == "4000001"


@pytest.mark.parametrize(
    "said",
    [
        True,
        4.5,
        ["R-1"],
        {},
        "",
        " ",
        ".",
        "..",
        "R\0",
        "R\r\nforged",
        "\x1b[31mR",
        "\u202eR",
        "R" * 256,
        "R-canary-1234",
    ],
)
def test_an_id_that_cannot_be_kept_is_none_and_the_trigger_is_not_repeated(said: object, bench: ClientBench) -> None:
    bench.api.plays(Reply(body={"report_id": said, "errors": [{"message": "odd \x1b id"}]}))
    with pytest.raises(AnswerNotUnderstoodError, match="no report id at report_id in the answer, 200") as caught:
        bench.trigger(access_token="canary-1234")
    assert "canary" not in f"{caught.value}{caught.value.answer}"
    assert str(caught.value).isprintable()
    assert len(bench.api.asked) == 1


def test_an_id_that_would_change_the_path_is_not_requested(bench: ClientBench) -> None:
    for report_id in (".", ".."):
        with pytest.raises(CallError, match="would lead to another address"):
            bench.client().detail(seller_id="acme", report_id=report_id)
    assert bench.api.asked == []


@pytest.mark.parametrize(
    "scrap", ["a-", "token", "?a", "?a=", "<", "<title", "&#", '{"errors":[', "[", '{"error":"a-', "key:"]
)
def test_an_error_body_made_to_be_slow_is_reported_soon(scrap: str, bench: ClientBench) -> None:
    bench.api.plays(
        Reply(status=422, body=scrap * (300_000 // len(scrap))),
        Reply(status=422, body=json.dumps({"message": scrap * (300_000 // len(scrap))})),
    )
    for _ in range(2):
        with pytest.raises(CallError, match="422") as caught:
            bench.detail()
        assert len(str(caught.value)) < 500
        bench.auth.plays(Reply(body={"access_token": "token"}))


# Links


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/storage/R-1?next=https://elsewhere.test/x", "/storage/R-1?next=https://elsewhere.test/x"),
        ("storage/R-1?u=a://b", "/storage/R-1?u=a://b"),
        ("?u=http://x", "/?u=http://x"),
        (" /storage/R-1 ", "/storage/R-1"),
    ],
)
def test_a_relative_location_is_followed_whatever_its_query_holds(
    location: str, target: str, bench: ClientBench, path: Path
) -> None:
    bench.api.plays(Reply(body=b"x\n"))
    bench.download(path, location)
    assert bench.api.asked[0].target == target


def test_a_relative_redirect_is_followed_whatever_its_query_holds(bench: ClientBench, path: Path) -> None:
    bench.api.plays(
        Reply(status=302, headers={"Location": "../b?back=https://x.test/"}),
        Reply(status=307, headers={"Location": f"//{bench.api.url.removeprefix('http://')}/c?d=%2f"}),
        Reply(body=b"x\n"),
    )
    bench.download(path, "/a/a/a")
    assert [asked.target for asked in bench.api.asked] == ["/a/a/a", "/a/b?back=https://x.test/", "/c?d=%2f"]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("/reports/अ?k=é".encode(), "/reports/%E0%A4%85?k=%C3%A9"),
        (b"/reports/\xe9%2f|{}", "/reports/%E9%2f|{}"),
        ("http://{api}/अ b".encode(), "/%E0%A4%85%20b"),
    ],
)
def test_the_bytes_of_a_redirect_go_out_as_they_came(said: bytes, asked: str, bench: ClientBench, path: Path) -> None:
    location = said.replace(b"{api}", bench.api.url.removeprefix("http://").encode()).decode("latin-1")
    bench.api.plays(Reply(status=302, headers={"Location": location}), Reply(body=b"x\n"))
    bench.download(path)
    assert bench.api.asked[1].target == asked


# What is packed in a file, told by its bytes

CSV = b"Order ID,Amount\r\n" + b"OD1,5\r\n" * 30_000
RAW_DEFLATE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
DEFLATED = RAW_DEFLATE.compress(CSV) + RAW_DEFLATE.flush()
ZIPPED = b"PK\x03\x04" + os.urandom(5000)


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(
    ("encoding", "body", "file"),
    [
        *[
            (word, CSV, CSV)
            for word in ("aws-chunked", "UTF-8", "utf8, binary", "binary", "none", "", "identity", "8bit")
        ],
        *[(word, CSV, CSV) for word in ("gzip", "deflate", "br", "zstd", "gzip, aws-chunked")],
        *[(word, ZIPPED, ZIPPED) for word in ("gzip", "deflate", "br", "zstd", "none")],
        ("gzip", gzip.compress(CSV), CSV),
        ("aws-chunked, gzip", gzip.compress(CSV), CSV),
        ("gzip", gzip.compress(gzip.compress(CSV)), gzip.compress(CSV, mtime=0)),
        ("", gzip.compress(CSV, mtime=0), gzip.compress(CSV, mtime=0)),
        ("deflate", zlib.compress(CSV), CSV),
        ("deflate", DEFLATED, CSV),
        ("gzip, gzip", gzip.compress(gzip.compress(CSV)), CSV),
        ("gzip, deflate", zlib.compress(gzip.compress(CSV)), CSV),
    ],
)
def test_a_file_is_what_its_bytes_are_whatever_its_headers_say(  # noqa: PLR0913 - three of them are fixtures and a flag
    encoding: str, body: bytes, file: bytes, *, is_chunked: bool, bench: ClientBench, path: Path
) -> None:
    headers = {"Content-Encoding": encoding}
    if is_chunked:
        headers["Transfer-Encoding"] = "chunked"
    pieces = [body[at : at + 3000] for at in range(0, len(body), 3000)]
    bench.api.plays(Reply(body=chunked(*pieces) if is_chunked else body, headers=headers))
    bench.download(path)
    found = path.read_bytes()
    assert (gzip.decompress(found) if file.startswith(b"\x1f\x8b") else found) == (
        gzip.decompress(file) if file.startswith(b"\x1f\x8b") else file
    )
    assert len(bench.api.asked) == 1


@pytest.mark.parametrize(
    ("encoding", "body", "named"),
    [
        ("br", os.urandom(4000) + b"\0", "packed with br"),
        ("zstd", b"\x28\xb5\x2f\xfd" + os.urandom(4000) + b"\0", "packed with zstd"),
        ("aws-chunked", b"400;chunk-signature=0055\r\n" + CSV, "aws-chunked"),
        ("gzip, gzip, gzip, gzip", CSV, "packed 4 times over"),
    ],
)
def test_a_packing_that_is_not_read_is_named_at_the_first_try(
    encoding: str, body: bytes, named: str, bench: ClientBench, path: Path
) -> None:
    bench.api.default = Reply(body=body, headers={"Content-Encoding": encoding})
    with pytest.raises(CallError, match=named):
        bench.download(path)
    assert len(bench.api.asked) == 1


@pytest.mark.parametrize("body", [gzip.compress(CSV)[:-9], zlib.compress(CSV)[:-9], DEFLATED[:-9]])
def test_a_packing_that_is_cut_is_fetched_again(body: bytes, bench: ClientBench, path: Path) -> None:
    encoding = "gzip" if body.startswith(b"\x1f\x8b") else "deflate"
    bench.api.plays(Reply(body=body, headers={"Content-Encoding": encoding}), Reply(body=CSV))
    bench.download(path)
    assert path.read_bytes() == CSV


@pytest.mark.parametrize("encoding", ["gzip", "", "aws-chunked", "deflate"])
def test_a_detail_is_read_however_it_is_packed(encoding: str, bench: ClientBench) -> None:
    plain = b'{"status": "FAILED"}'
    for body in (plain, gzip.compress(plain)):
        bench.api.plays(Reply(body=body, headers={"Content-Encoding": encoding}))
        assert bench.detail().status_word == "FAILED"
        bench.auth.plays(Reply(body={"access_token": "token"}))


# A body without a length


@pytest.mark.parametrize("body", [CSV, gzip.compress(CSV), b"<html>", ZIPPED])
def test_a_file_without_a_stated_length_is_accepted_and_logged_once(
    body: bytes, bench: ClientBench, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RawServer(lambda: [b"HTTP/1.1 200 OK\r\n\r\n", body]) as server:
        client = bench.client()
        for _ in range(3):
            client.download(seller_id="acme", report_id="R-1", location=server.url, path=path)
    assert path.read_bytes() == body
    assert caplog.text.count("the file came without its length") == 1


def test_a_file_without_a_stated_length_that_ends_within_a_line_is_cut(bench: ClientBench, path: Path) -> None:
    bodies = iter([CSV[:-3], CSV])
    with RawServer(lambda: [b"HTTP/1.1 200 OK\r\n\r\n", next(bodies)]) as server:
        bench.download(path, server.url)
    assert path.read_bytes() == CSV
