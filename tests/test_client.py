"""The three calls over real sockets, in virtual time."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.client_bench import CORRELATION, ClientBench
from support.clocks import START
from support.scripted_server import DROP, Reply, ScriptedServer, chunked

from tap_flipkart_reports.adapters import transport
from tap_flipkart_reports.adapters.content import CHUNK_BYTES
from tap_flipkart_reports.adapters.downloads import Download
from tap_flipkart_reports.adapters.outages import FIRST_ANSWER_SECONDS
from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.exceptions import (
    AnotherReportError,
    AnswerLostError,
    AnswerNotUnderstoodError,
    AuthenticationError,
    CallError,
    CallRefusedError,
    ClaimLostError,
    FlipkartReportsError,
    LedgerError,
    LinkRefusedError,
    OutageError,
    RateLimitedError,
)
from tap_flipkart_reports.purchasing.report_detail import ReportDetail, ReportStatus
from tap_flipkart_reports.purchasing.requests import TriggerAnswer
from tap_flipkart_reports.redaction import clean_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE = os.urandom(3 * CHUNK_BYTES + 17)
CUT = Reply(body='{"report_', headers={"Content-Length": "99"}, cut=True)


@pytest.fixture
def bench() -> Iterator[ClientBench]:
    with ClientBench() as bench:
        yield bench


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "READ_SECONDS", 0.2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


# Trigger


def test_a_trigger_is_sent_as_documented(bench: ClientBench) -> None:
    bench.api.plays(Reply(status=202, body={"report_id": "R-1"}))
    assert bench.trigger(api_url=f"{bench.api.url}/") == "R-1"
    (asked,) = bench.api.asked
    assert (asked.method, asked.target) == ("POST", "/reports/sales_ledger")
    assert asked.document == {"correlation_id": CORRELATION, "parameters": {"n": 1}}
    assert asked.headers["Authorization"] == "Bearer token-1"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["Accept"] == "application/json"
    assert asked.headers["User-Agent"] == "tap/1"


def test_a_trigger_without_a_correlation_id_is_not_repeated_when_its_answer_is_lost(bench: ClientBench) -> None:
    bench.api.plays(Reply(body={"report_id": "R-1"}), Reply(status=503))
    assert bench.trigger(sends_correlation_ids=False) == "R-1"
    assert bench.api.asked[0].document == {"parameters": {"n": 1}}
    with pytest.raises(AnswerLostError):
        bench.trigger(sends_correlation_ids=False)
    assert len(bench.api.asked) == 2


def test_a_limited_trigger_is_the_callers_to_repeat(bench: ClientBench) -> None:
    bench.api.plays(Reply(status=429, headers={"Retry-After": "7"}), Reply(status=429))
    for retry_after in (7.0, None):
        with pytest.raises(RateLimitedError, match="trigger of sales_ledger for seller acme") as caught:
            bench.trigger()
        assert caught.value.retry_after == retry_after
        bench.auth.plays(Reply(body={"access_token": "token"}))
    assert len(bench.api.asked) == 2
    assert bench.clock.waited == []


def test_a_trigger_that_never_left_was_not_bought(bench: ClientBench, closed_port_url: str) -> None:
    with pytest.raises(OutageError, match=r"has not answered at all in this run \(no connection to 127"):
        bench.trigger(api_url=closed_port_url)
    assert bench.clock.monotonic() <= FIRST_ANSWER_SECONDS


@pytest.mark.parametrize("unclear", [Reply(status=500), Reply(status=503), Reply(status=599), DROP, CUT])
def test_an_unclear_trigger_is_repeated_under_its_correlation_id(unclear: Reply, bench: ClientBench) -> None:
    bench.api.plays(unclear, Reply(body={"report_id": "R-1"}))
    assert bench.trigger() == "R-1"
    assert [asked.document["correlation_id"] for asked in bench.api.asked] == [CORRELATION] * 2
    assert len(bench.clock.waited) == 1


@pytest.mark.parametrize("unclear", [Reply(status=500), Reply(status=599), DROP, CUT])
def test_a_trigger_unclear_to_the_end_may_have_been_bought(unclear: Reply, bench: ClientBench) -> None:
    bench.api.default = unclear
    with pytest.raises(AnswerLostError, match=f"correlation id {CORRELATION} was tried 6 times.*may have been bought"):
        bench.trigger()
    assert len(bench.api.asked) == 6


@pytest.mark.usefixtures("_impatient")
def test_a_trigger_without_an_answer_in_time_is_unclear(bench: ClientBench) -> None:
    gate = threading.Event()
    bench.api.plays(Reply(gate=gate, drop=True), Reply(status=409, body="duplicate"))
    with pytest.raises(AnswerLostError, match=r"409 \(duplicate\)"):
        bench.trigger()
    gate.set()


@pytest.mark.parametrize(
    "refusal",
    [Reply(status=409), Reply(status=400, body={"errors": [{"code": "X", "description": "Correlation ID reused"}]})],
)
def test_a_refused_correlation_id_means_that_the_report_was_bought(refusal: Reply, bench: ClientBench) -> None:
    bench.api.plays(DROP, refusal)
    with pytest.raises(AnswerLostError, match=CORRELATION):
        bench.trigger()


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_a_first_refusal_proves_that_nothing_was_bought(status: int, bench: ClientBench) -> None:
    bench.api.plays(Reply(status=status, body="correlation"))
    with pytest.raises(CallRefusedError) as caught:
        bench.trigger()
    assert caught.value.status == status
    assert len(bench.api.asked) == 1


def test_a_request_refused_as_such_was_not_bought_by_the_unclear_try_either(bench: ClientBench) -> None:
    bench.api.plays(Reply(status=503), Reply(status=400, body={"message": "from_date is odd"}))
    with pytest.raises(CallRefusedError, match=r"400 \(from_date is odd\): check identifier and parameters"):
        bench.trigger()


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(status=400, body="<html><title>400 Bad Request</title></html>"),
        Reply(status=403, body={"message": "Forbidden"}),
        Reply(status=404, body={"message": "no Route matched with those values"}),
        Reply(status=413),
        Reply(status=302, headers={"Location": "/maintenance"}),
    ],
    ids=lambda refusal: str(refusal.status),
)
def test_the_refusal_of_a_gateway_says_nothing_of_the_unclear_try_before(refusal: Reply, bench: ClientBench) -> None:
    bench.api.plays(Reply(status=504), refusal)
    with pytest.raises(AnswerLostError, match=rf"{refusal.status}.*may have been bought"):
        bench.trigger()


def test_after_an_unclear_try_a_429_is_waited_out_to_keep_the_correlation_id(bench: ClientBench) -> None:
    bench.api.plays(DROP, Reply(status=429, headers={"Retry-After": "30"}), Reply(body={"report_id": "R-1"}))
    assert bench.trigger() == "R-1"
    assert bench.clock.waited[1] == 30


def test_an_unclear_try_that_ends_in_a_429_is_lost(bench: ClientBench) -> None:
    bench.api.plays(DROP, Reply(status=429, headers={"Retry-After": "9999"}))
    with pytest.raises(AnswerLostError):
        bench.trigger()


def test_an_unclear_try_outweighs_a_dead_token(bench: ClientBench) -> None:
    bench.auth.script.pop()
    bench.api.plays(DROP, Reply(status=401))
    with pytest.raises(AnswerLostError):
        bench.trigger()


@pytest.mark.parametrize(
    ("body", "report_id"),
    [
        ({"report_id": 4000001}, "4000001"),
        ({"report_id": 4000001.0}, "4000001"),
        ({"report_id": " R-1 "}, "R-1"),
        ({"report_id": 0}, "0"),
    ],
)
def test_a_whole_number_is_an_id_however_it_is_written(body: object, report_id: str, bench: ClientBench) -> None:
    bench.api.plays(Reply(body=body))
    assert bench.trigger() == report_id


ODD_IDS: list[object] = [None, "", "  ", True, 1.5, 1e300, ".", "..", "R\n1", "R" * 256, [], {}]

NO_ID: list[object] = [
    {},
    {"reportId": "R-1"},
    {"errors": [{"code": "X", "description": "no quota left"}]},
    *({"report_id": odd} for odd in ODD_IDS),
    [],
    "R-1",
    7,
    "<html><title>Welcome</title></html>",
]


@pytest.mark.parametrize("body", NO_ID, ids=lambda body: json.dumps(body)[:40])
def test_an_accepted_trigger_whose_answer_is_not_understood_is_bought_and_not_repeated(
    body: object, bench: ClientBench
) -> None:
    bench.api.plays(Reply(body=body if isinstance(body, (dict, list)) else str(body)))
    with pytest.raises(AnswerNotUnderstoodError, match=f"{CORRELATION}.*is bought.*set report_id_path"):
        bench.trigger()
    assert len(bench.api.asked) == 1


def test_the_words_of_an_answer_that_is_not_understood_are_reported(bench: ClientBench) -> None:
    bench.api.plays(Reply(body={"errors": [{"code": "QUOTA", "description": "no quota left"}]}))
    with pytest.raises(AnswerNotUnderstoodError, match="no quota left"):
        bench.trigger()


def test_what_is_kept_of_an_answer_holds_the_id_and_no_secret(bench: ClientBench) -> None:
    odd: dict[str, Any] = {
        "data": [{"reportId": "R-0000001ABCDEF0123456789"}],
        "location": "https://files.test/x?x_secret_key=abcdefgh12345678",
        "access_token": "something-of-somebody",
        "echo": "Bearer token-1",
    }
    bench.api.plays(Reply(body=odd))
    client = bench.client()
    with pytest.raises(AnswerNotUnderstoodError) as caught:
        client.trigger(seller_id="acme", identifier="sales_ledger", parameters={}, correlation_id=CORRELATION)
    kept = caught.value.answer
    for secret in ("x_secret_key", "abcdefgh", "something-of-somebody", "token-1"):
        assert secret not in kept
    assert bench.client(report_id_path="data.0.reportId").report_id_in(kept) == "R-0000001ABCDEF0123456789"
    assert client.report_id_in(kept) is None


@pytest.mark.parametrize("path", ["data.0.reportId", "id", "a.b"])
def test_a_setting_says_where_the_id_is(path: str, bench: ClientBench) -> None:
    bench.api.plays(Reply(body={"data": [{"reportId": "R-1"}], "id": "R-1", "a": {"b": "R-1"}}))
    assert bench.trigger(report_id_path=path) == "R-1"


@pytest.mark.parametrize("path", ["data.1.reportId", "data.x", "data.-1", "id.x", "a.b.c", "", "."])
def test_a_path_that_leads_nowhere_finds_no_id(path: str, bench: ClientBench) -> None:
    bench.api.plays(Reply(body={"data": [{"reportId": "R-1"}], "id": "R-1", "a": {"b": "R-1"}}))
    with pytest.raises(AnswerNotUnderstoodError):
        bench.trigger(report_id_path=path)


@pytest.mark.parametrize("cut", ["", " ", "{", '{"report_id"', '{"report_id": "R-', "[", '[{"report_id": "R-1"}'])
def test_an_acceptance_without_a_whole_body_is_a_broken_answer(
    cut: str, bench: ClientBench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.api.plays(Reply(body=cut), Reply(body={"report_id": "R-1"}))
    client = bench.client()
    answer = client.trigger(seller_id="acme", identifier="sales_ledger", parameters={}, correlation_id=CORRELATION)
    assert answer == TriggerAnswer(report_id="R-1", unanswered=1)
    assert [asked.document["correlation_id"] for asked in bench.api.asked] == [CORRELATION] * 2
    assert "up to 1 more may have been bought" in caplog.text


def test_acceptances_without_a_whole_body_are_repeated_once(bench: ClientBench) -> None:
    bench.api.default = Reply(body="")
    with pytest.raises(AnswerNotUnderstoodError, match="200 \\(nothing\\)") as caught:
        bench.trigger()
    assert len(bench.api.asked) == 2
    assert caught.value.unanswered == 1


def test_a_lost_answer_says_how_often_the_report_may_have_been_bought(bench: ClientBench) -> None:
    bench.api.default = CUT
    with pytest.raises(
        AnswerLostError, match="up to 6 times if the API does not know a correlation id again"
    ) as caught:
        bench.trigger()
    assert caught.value.unanswered == 6


def test_a_ledger_that_breaks_between_two_tries_hides_no_purchase(bench: ClientBench) -> None:
    errors = iter([None, LedgerError("the report ledger cannot be used")])

    def before_send() -> None:
        if (error := next(errors)) is not None:
            raise error

    bench.api.plays(Reply(status=503))
    with pytest.raises(AnswerLostError, match=r"503.*may have been bought"):
        bench.client().trigger(
            seller_id="acme",
            identifier="sales_ledger",
            parameters={},
            correlation_id=CORRELATION,
            before_send=before_send,
        )


def test_nothing_is_sent_once_the_claim_is_lost(bench: ClientBench) -> None:
    claims = iter([True, False])

    def before_send() -> None:
        if not next(claims):
            raise ClaimLostError("another worker has it")

    bench.api.plays(Reply(status=503))
    trigger = partial(
        bench.client().trigger,
        seller_id="acme",
        identifier="sales_ledger",
        parameters={},
        correlation_id=CORRELATION,
        before_send=before_send,
    )
    with pytest.raises(AnswerLostError):
        trigger()
    assert len(bench.api.asked) == 1
    claims = iter([False])
    with pytest.raises(ClaimLostError):
        trigger()
    assert len(bench.api.asked) == 1


def test_a_redirected_trigger_is_not_followed(bench: ClientBench) -> None:
    bench.api.plays(Reply(status=307, headers={"Location": "/elsewhere"}))
    with pytest.raises(CallRefusedError, match="check api_url"):
        bench.trigger()
    assert len(bench.api.asked) == 1


def test_a_trigger_takes_a_new_connection_and_a_detail_a_kept_one(bench: ClientBench) -> None:
    bench.api.default = Reply(body={"report_id": "R-1"})
    client = bench.client()
    for _ in range(2):
        client.detail(seller_id="acme", report_id="R-1")
    client.trigger(seller_id="acme", identifier="sales_ledger", parameters={}, correlation_id=CORRELATION)
    first, second, third = [asked.connection for asked in bench.api.asked]
    assert first == second != third


# Tokens


@pytest.mark.parametrize("call", [ClientBench.trigger, ClientBench.detail])
def test_a_401_renews_the_token_once(call: Callable[[ClientBench], object], bench: ClientBench) -> None:
    bench.api.plays(Reply(status=401), Reply(body={"report_id": "R-1"}))
    assert call(bench)
    assert [asked.headers["Authorization"] for asked in bench.api.asked] == ["Bearer token-1", "Bearer token-2"]
    assert bench.clock.waited == []


@pytest.mark.parametrize("call", [ClientBench.trigger, ClientBench.detail])
def test_a_second_401_is_final(call: Callable[[ClientBench], object], bench: ClientBench) -> None:
    bench.api.default = Reply(status=401, body={"error": "invalid_token"})
    with pytest.raises(AuthenticationError, match=r"R-1|sales_ledger.*401 \(invalid_token\), with a new token too"):
        call(bench)
    assert len(bench.api.asked) == 2


@pytest.mark.parametrize("call", [ClientBench.trigger, ClientBench.detail])
def test_a_403_speaks_of_permission(call: Callable[[ClientBench], object], bench: ClientBench) -> None:
    bench.api.plays(Reply(status=403))
    with pytest.raises(CallRefusedError, match="may lack the permission for reports, which needs a third-party app"):
        call(bench)


def test_a_401_met_by_many_threads_costs_one_token_call(bench: ClientBench) -> None:
    together = threading.Barrier(8)
    refused = Reply(status=401)
    bench.api.default = lambda asked: refused if "token-1" in asked.headers["Authorization"] else Reply(body={})
    client = bench.client()

    def ask(number: int) -> ReportDetail:
        together.wait()
        return client.detail(seller_id="acme", report_id=f"R-{number}")

    with ThreadPoolExecutor(8) as pool:
        details = list(pool.map(ask, range(8)))
    assert {detail.report_id for detail in details} == {f"R-{number}" for number in range(8)}
    assert len(bench.auth.asked) == 2


def test_an_unsendable_token_is_an_error_without_the_token(bench: ClientBench) -> None:
    with pytest.raises(CallError, match=r"header for 127.0.0.1:[0-9]+ that cannot be sent") as caught:
        bench.detail(access_token="tok\nen-canary", refresh_token=None)
    assert "canary" not in str(caught.value)
    bench.api.plays(Reply(body={"status": "PROCESSING"}))
    bench.detail()  # the host is not given up for it


# Detail


@pytest.mark.parametrize("named", ["R-2", 7, " R-2 "])
def test_a_detail_that_names_another_report_is_refused(named: object, bench: ClientBench) -> None:
    bench.api.plays(Reply(body={"report_id": named, "status": "COMPLETED", "location": "https://files.test/R-2"}))
    with pytest.raises(AnotherReportError, match="the detail of another report"):
        bench.detail()


@pytest.mark.parametrize(
    ("reply", "is_own_answer"),
    [
        (Reply(body={"errors": [{"code": "NOT_FOUND", "description": "no such report"}]}), True),
        (Reply(body={"error": "Report R-1 not found"}), True),
        (Reply(body={"error": "Not Found", "path": "/reports/R-1/detail"}), False),
        (Reply(body={"message": "no Route matched with those values"}), False),
        (Reply(body={"message": "no route for /reports/R-1/detail"}), False),
        (Reply(body="<html><title>404 report not found</title></html>"), False),
        (Reply(body="report not found"), False),
        (Reply(body=""), False),
        (Reply(body=["report not found"]), False),
    ],
)
def test_a_404_is_the_apis_own_when_it_speaks_of_a_report(
    reply: Reply, is_own_answer: object, bench: ClientBench
) -> None:
    bench.api.plays(replace(reply, status=404))
    with pytest.raises(CallRefusedError) as caught:
        bench.detail()
    assert caught.value.is_own_answer is is_own_answer


def test_a_detail_is_read(bench: ClientBench) -> None:
    bench.api.plays(
        Reply(
            body={
                "report_id": "R-1",
                "status": "COMPLETED",
                "location": "https://x/y?z",
                "metadata": {"expiry": "2023-05-05 23:59:59"},
            }
        )
    )
    assert bench.detail() == ReportDetail(
        report_id="R-1",
        status=ReportStatus.COMPLETED,
        status_word="COMPLETED",
        location="https://x/y?z",
        expiry=datetime(2023, 5, 5, 23, 59, 59, tzinfo=KOLKATA),
    )
    assert (bench.api.asked[0].method, bench.api.asked[0].target) == ("GET", "/reports/R-1/detail")


def test_an_opaque_report_id_stays_one_step_of_the_path(bench: ClientBench) -> None:
    bench.api.plays(Reply(body={}))
    bench.client().detail(seller_id="acme", report_id="a/b?c d%2F")
    assert bench.api.asked[0].target == "/reports/a%2Fb%3Fc%20d%252F/detail"


@pytest.mark.parametrize(
    "passing",
    [
        *[Reply(status=status) for status in (429, 500, 502, 503, 504, 599)],
        DROP,
        CUT,
        Reply(body="<html>"),
        Reply(body=[]),
        Reply(body="[" * 200_000),
        Reply(body=chunked(b"{", end=False), headers={"Transfer-Encoding": "chunked"}, cut=True),
        Reply(body=gzip.compress(b'{"status": "FAILED"}')[:20], headers={"Content-Encoding": "gzip"}),
    ],
)
def test_a_detail_survives_passing_trouble(
    passing: Reply, bench: ClientBench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.api.plays(passing, Reply(body={"status": "PROCESSING"}))
    assert bench.detail().status is ReportStatus.PROCESSING
    assert len(bench.clock.waited) == 1
    (record,) = [record for record in caplog.records if record.name == "tap-flipkart-reports.client"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("detail of R-1 for seller acme: ")
    assert "; try 2 of 6 in " in record.getMessage()


@pytest.mark.usefixtures("_impatient")
def test_an_answer_that_never_comes_is_requested_again(bench: ClientBench) -> None:
    gate = threading.Event()
    bench.api.plays(Reply(gate=gate, drop=True), Reply(body={"status": "FAILED"}))
    assert bench.detail().status is ReportStatus.FAILED
    gate.set()


def test_waits_grow_with_full_jitter(bench: ClientBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backoff.full_jitter", lambda ceiling: ceiling / 2)
    bench.api.default = Reply(status=503)
    with pytest.raises(CallError, match=r"detail of R-1 for seller acme was tried 6 times.* last try ended with 503"):
        bench.detail()
    assert bench.clock.waited == [0.5, 1, 2, 4, 8]


def test_retry_after_is_honoured_in_seconds_and_as_a_date(bench: ClientBench) -> None:
    date = format_datetime(START + timedelta(seconds=55), usegmt=True)
    bench.api.plays(
        Reply(status=429, headers={"Retry-After": "20"}),
        Reply(status=503, headers={"Retry-After": date}),
        Reply(status=503, headers={"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}),
        Reply(status=503, headers={"Retry-After": "soon"}),
        Reply(body={}),
    )
    bench.detail()
    assert bench.clock.waited[:2] == [20, 35]
    assert all(slept <= 8 for slept in bench.clock.waited[2:])


def test_a_retry_after_beyond_patience_is_raised(bench: ClientBench) -> None:
    bench.api.plays(
        Reply(status=429, headers={"Retry-After": "121"}), Reply(status=503, headers={"Retry-After": "9" * 400})
    )
    client = bench.client()
    with pytest.raises(RateLimitedError) as caught:
        client.detail(seller_id="acme", report_id="R-1")
    assert caught.value.retry_after == 121
    with pytest.raises(CallError, match="tried once"):
        client.detail(seller_id="acme", report_id="R-1")
    assert bench.clock.waited == []


def test_no_try_begins_after_the_deadline(bench: ClientBench) -> None:
    bench.api.default = Reply(status=503, headers={"Retry-After": "120"})
    with pytest.raises(CallError, match="tried 3 times"):
        bench.detail()
    assert bench.clock.waited == [120, 120]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"errors": [{"code": "E1", "description": "odd", "message": "date"}]}, "E1: odd: date"),
        ({"errors": [{"message": "one"}, "two"]}, "one; two"),
        ({"error": "invalid", "error_description": "odd date"}, "invalid: odd date"),
        ({"error": {"code": 7, "message": "odd date"}}, "7: odd date"),
        ({"message": "odd\n\x1b[31m date"}, "odd [31m date"),
        ("plain  text", "plain text"),
        ("<html><head><title>Bad &amp; odd</title></head><body>x</body></html>", "Bad & odd"),
        ("<Error><Code>AccessDenied</Code></Error>", "AccessDenied"),
        ("long " * 100, "long " * 39 + "long…"),
    ],
)
def test_a_refusal_quotes_the_api(body: object, said: str, bench: ClientBench) -> None:
    bench.api.plays(Reply(status=422, body=body))
    with pytest.raises(CallRefusedError) as caught:
        bench.detail()
    assert str(caught.value) == (
        f"detail of R-1 for seller acme was refused with 422 ({said}): check identifier and parameters of its report "
        "type in report_types"
    )


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"message": null}', "\xff\xfe"])
def test_a_refusal_without_words_is_its_status(body: str, bench: ClientBench) -> None:
    bench.api.plays(Reply(status=422, body=body))
    with pytest.raises(CallRefusedError, match="refused with 422"):
        bench.detail()


# Download


def test_a_download_is_stored_whole(bench: ClientBench, path: Path) -> None:
    bench.api.plays(Reply(body=FILE))
    assert bench.download(path) == Download(size=len(FILE), sha256=hashlib.sha256(FILE).hexdigest())
    assert path.read_bytes() == FILE
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "target",
    [
        "/storage/R-1/data?x_secret_key=ab%2Bc+d%2fe/f==&%7e=|{}\"<>^`\\'[]",
        "/storage/../a//b/./%7Euser;p=1?",
        "/storage/R-1?a=1?b=%zz%",
        "/R|1",
    ],
)
@pytest.mark.parametrize("proxied", [False, True])
def test_a_link_is_requested_byte_by_byte(
    target: str, *, proxied: bool, bench: ClientBench, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.api.plays(Reply(body=b"x"))
    host = bench.api.url
    if proxied:
        host = "http://files.test"
        monkeypatch.setenv("http_proxy", bench.api.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
    bench.download(path, f"{host}{target}#fragment")
    assert bench.api.asked[0].target == (f"{host}{target}" if proxied else target).removesuffix("?")


def test_what_no_request_line_can_hold_is_quoted(bench: ClientBench, path: Path) -> None:
    bench.api.plays(Reply(body=b"x"))
    bench.download(path, f"{bench.api.url}/a b?c=ü%20")
    assert bench.api.asked[0].target == "/a%20b?c=%C3%BC%20"


def test_the_token_goes_to_the_api_alone(bench: ClientBench, path: Path) -> None:
    with ScriptedServer(Reply(body=FILE)) as storage:
        client = bench.client()
        client.download(seller_id="acme", report_id="R-1", location=f"{storage.url}/file", path=path)
        assert bench.auth.asked == []
        bench.api.plays(Reply(status=302, headers={"Location": f"{storage.url}/file?a=%2f|"}))
        client.download(seller_id="acme", report_id="R-1", location=f"{bench.api.url}/r", path=path)
        bench.api.plays(Reply(status=302, headers={"Location": "/other"}), Reply(body=b"x"))
        client.download(seller_id="acme", report_id="R-1", location="/relative", path=path)
        bench.connections.close()
    assert [asked.headers.get("Authorization") for asked in storage.asked] == [None, None]
    assert storage.asked[1].target == "/file?a=%2f|"
    assert [asked.target for asked in bench.api.asked] == ["/r", "/relative", "/other"]
    assert {asked.headers["Authorization"] for asked in bench.api.asked} == {"Bearer token-1"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_dead_link_is_distinguished(status: int, bench: ClientBench, path: Path) -> None:
    bench.api.default = Reply(status=status, body="<Error><Message>Request has expired</Message></Error>")
    with pytest.raises(LinkRefusedError, match=r"download of R-1 for seller acme.*\(Request has expired\)") as caught:
        bench.download(path)
    assert caught.value.status == status
    assert len(bench.api.asked) == (2 if status == 401 else 1)
    assert not path.exists()


def test_a_401_of_a_foreign_host_renews_nothing(bench: ClientBench, path: Path) -> None:
    with ScriptedServer(Reply(status=401)) as storage:
        with pytest.raises(LinkRefusedError):
            bench.download(path, f"{storage.url}/file")
        bench.close()
    assert len(storage.asked) == 1
    assert bench.auth.asked == []


def test_a_401_of_the_api_renews_the_token_for_a_download(bench: ClientBench, path: Path) -> None:
    bench.api.plays(Reply(status=401), Reply(body=FILE))
    bench.download(path)
    assert bench.api.asked[1].headers["Authorization"] == "Bearer token-2"


def test_another_refusal_is_not_the_links_fault(bench: ClientBench, path: Path) -> None:
    bench.api.plays(Reply(status=451))
    with pytest.raises(CallRefusedError) as caught:
        bench.download(path)
    assert type(caught.value) is CallRefusedError


GZIPPED = gzip.compress(FILE)
IN_GZIP = {"Content-Encoding": "gzip"}
CHUNKED = {"Transfer-Encoding": "chunked"}
BROKEN = [
    Reply(body=FILE[:-1], headers={"Content-Length": str(len(FILE))}, cut=True),
    Reply(body=b"", headers={"Content-Length": "5"}, cut=True),
    Reply(body=chunked(FILE[:9], end=False), headers=CHUNKED, cut=True),
    Reply(body=chunked(FILE[:9], end=False) + b"zz\r\n", headers=CHUNKED, cut=True),
    Reply(body=chunked(FILE[:9])[:-9] + b"0\r\n", headers=CHUNKED, cut=True),
    Reply(body=GZIPPED[:-1], headers=IN_GZIP),
    Reply(body=GZIPPED[: len(GZIPPED) // 2], headers=IN_GZIP),
    Reply(body=GZIPPED[:-1], headers={**IN_GZIP, "Content-Length": str(len(GZIPPED))}, cut=True),
    Reply(body=GZIPPED[:-8] + bytes(8), headers=IN_GZIP),
    Reply(status=204),
    Reply(status=302, headers={"Location": "ftp://x/"}),
    DROP,
    Reply(status=503),
    Reply(status=429),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_body_is_fetched_again(broken: Reply, bench: ClientBench, path: Path) -> None:
    bench.api.plays(broken, Reply(body=FILE))
    assert bench.download(path).size == len(FILE)
    assert path.read_bytes() == FILE
    assert len(bench.clock.waited) == 1


@pytest.mark.parametrize("broken", BROKEN)
def test_a_body_broken_to_the_end_leaves_no_file(broken: Reply, bench: ClientBench, path: Path) -> None:
    bench.api.default = broken
    with pytest.raises(CallError, match="download of R-1 for seller acme was tried 6 times"):
        bench.download(path)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "body", [GZIPPED, gzip.compress(FILE[:99]) + gzip.compress(FILE[99:])], ids=["one member", "two members"]
)
@pytest.mark.parametrize("headers", [IN_GZIP, {"Content-Encoding": "X-GZIP"}, {**IN_GZIP, **CHUNKED}])
def test_gzip_on_the_wire_is_undone(body: bytes, headers: dict[str, str], bench: ClientBench, path: Path) -> None:
    sent = (
        chunked(*[body[at : at + 1000] for at in range(0, len(body), 1000)])
        if CHUNKED.items() <= headers.items()
        else body
    )
    bench.api.plays(Reply(body=sent, headers=headers))
    assert bench.download(path).sha256 == hashlib.sha256(FILE).hexdigest()
    assert path.read_bytes() == FILE


def test_a_gzipped_file_without_an_encoding_is_left_alone(bench: ClientBench, path: Path) -> None:
    bench.api.plays(Reply(body=GZIPPED, headers={"Content-Type": "application/gzip"}))
    bench.download(path)
    assert path.read_bytes() == GZIPPED


def test_an_empty_file_is_a_file(bench: ClientBench, path: Path) -> None:
    bench.api.plays(Reply(body=b""))
    assert bench.download(path).size == 0
    assert path.read_bytes() == b""


def test_memory_stays_flat_however_well_a_file_is_packed(bench: ClientBench, path: Path) -> None:
    size = 64 * 2**20
    bench.api.plays(Reply(body=gzip.compress(bytes(size)), headers=IN_GZIP))
    tracemalloc.start()
    try:
        assert bench.download(path).size == size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20


def test_redirects_come_to_an_end(bench: ClientBench, path: Path) -> None:
    bench.api.default = Reply(status=301, headers={"Location": "/again"})
    with pytest.raises(CallError, match="more than 5 redirects"):
        bench.download(path)


def test_the_secrets_of_a_redirect_are_not_shown(bench: ClientBench, path: Path) -> None:
    plain = "ab12cd34"  # too short to look like a secret
    bench.api.plays(
        Reply(status=302, headers={"Location": f"/moved?signed={plain}"}), Reply(status=403, body=f"{plain} is over")
    )
    with pytest.raises(LinkRefusedError, match="… is over") as caught:
        bench.download(path)
    assert plain not in str(caught.value)


@pytest.mark.parametrize(
    "location",
    [
        *("ftp://host/canary", "http://[canary", "http://host:canary/", "https:///canary"),
        *("http://127.0.0.1\n/canary", "http://127.0.\t0.1/canary", "/canary\ud800"),
    ],
)
def test_a_link_that_is_none_is_not_shown(location: str, bench: ClientBench, path: Path) -> None:
    with pytest.raises(CallError, match="the link cannot be followed") as caught:
        bench.download(path, location)
    assert "canary" not in str(caught.value)
    bench.api.plays(Reply(body=FILE))
    bench.download(path)


def test_a_file_that_cannot_be_written_is_not_fetched_again(bench: ClientBench, tmp_path: Path) -> None:
    bench.api.default = Reply(body=FILE)
    with pytest.raises(
        CallError, match=r"its file cannot be written to .*: No such file or directory; check the space"
    ):
        bench.download(tmp_path / "missing" / "file")
    assert len(bench.api.asked) == 1


# All calls


CANARIES = ["canary-id-1", "canary-secret-2", "canary-refresh-3", "canary-access-4", "canary%2Blink|5", "canary-link-6"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=422, body="{echo}"),
        Reply(status=403, body={"message": "{echo}"}),
        Reply(status=500, body="<title>{echo}</title>"),
        Reply(status=429, body="{echo}", headers={"Retry-After": "999"}),
        Reply(status=302, headers={"Location": "http://127.0.0.1:1/?x={echo}"}),
        Reply(body="{echo}", headers={"Content-Length": "9999"}, cut=True),
        Reply(status=500, headers={"Not a header {echo}": "x"}),
        DROP,
    ],
    ids=lambda reply: "drop" if reply.drop else str(reply.status),
)
def test_no_secret_is_ever_shown(
    reply: Reply, bench: ClientBench, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (None, "urllib3", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
        caplog.set_level(logging.DEBUG, logger=name)
    client_id, client_secret, refresh, access, quoted, link = CANARIES
    location = f"{bench.api.url}/storage/{link}?x_secret_key={quoted}&s={link}"
    bare = location.removeprefix(bench.api.url)
    echo = f"{client_id} {client_secret} {refresh} {access} {location} Bearer {access} {bare}"

    def told(echo: str) -> Reply:
        headers = {
            name.replace("{echo}", echo): value.replace("{echo}", quoted) for name, value in reply.headers.items()
        }
        return replace(reply, headers=headers, body=reply.payload.replace(b"{echo}", echo.encode()))

    client = bench.client(client_id=client_id, client_secret=client_secret, refresh_token=refresh, access_token=access)
    texts = [repr(client), repr(bench.tokens)]
    for call in (
        lambda: client.trigger(seller_id="acme", identifier="sales_ledger", parameters={}, correlation_id="c"),
        lambda: client.detail(seller_id="acme", report_id="R-1"),
        lambda: client.download(seller_id="acme", report_id="R-1", location=location, path=path),
    ):
        # Only who serves a link can quote parts of it.
        bench.api.default = told(echo if len(texts) < 6 else f"{echo} {' '.join(CANARIES)} canary+link|5")
        with pytest.raises(FlipkartReportsError) as caught:
            call()
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        texts += [str(caught.value), repr(caught.value)]
    everything = "\n".join([*texts, caplog.text])
    assert "detail of R-1" in caplog.text
    assert "canary" not in everything


def test_the_parts_of_a_link_are_secret_from_the_detail_on_and_again_with_each_download(
    bench: ClientBench, path: Path
) -> None:
    bench.api.plays(
        Reply(body={"status": "COMPLETED", "location": "/storage?signed=ab12cd35"}), Reply(body=FILE)
    )  # texts too short to look like secrets
    bench.detail()
    bench.download(path, f"{bench.api.url}/storage?signed=ab12cd36")
    assert clean_line("ab12cd35 ab12cd36 ab12cd37") == "… … ab12cd37"


def test_no_cookie_and_no_netrc_login_travels(
    bench: ClientBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    bench.api.default = Reply(body={}, headers={"Set-Cookie": "seller=other; Path=/"})
    client = bench.client()
    for _ in range(2):
        client.detail(seller_id="acme", report_id="R-1")
    assert {asked.headers["Authorization"] for asked in bench.api.asked} == {"Bearer token-1"}
    assert {asked.headers.get("Cookie") for asked in bench.api.asked} == {None}


def test_a_missing_ca_bundle_is_a_sentence(bench: ClientBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/canary.pem")
    client = bench.client(api_url="https://127.0.0.1:1", access_token="given")
    with pytest.raises(OutageError, match="this machine's certificates cannot be read; check REQUESTS_CA_BUNDLE"):
        client.trigger(seller_id="acme", identifier="sales_ledger", parameters={}, correlation_id="c")


def test_threads_share_connections_and_keep_no_more_than_they_use_at_once(bench: ClientBench) -> None:
    bench.api.default = Reply(body={})
    client = bench.client()

    def ask(_: int) -> None:
        client.detail(seller_id="acme", report_id="R-1")

    for _ in range(4):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ask, range(12)))
    assert len({asked.connection for asked in bench.api.asked}) <= 4
    bench.connections.close()
    bench.connections.close()
