"""The simulator over its socket: strict, stateful, the same every time."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests
from clocks import VirtualClock

from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.simulator.faults import ANY_CALL, OF_CALL
from tap_flipkart_reports.simulator.tables import IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OCTOBER = {"from_date": "2026-10-01", "to_date": "2026-10-31"}


class Client:
    """Plain calls, as a stranger would make them."""

    def __init__(self, simulator: Simulator, seller: str = "acme") -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {simulator.access_token(seller)}"

    def token(self, query: dict[str, str], *, secret: str | None = None) -> requests.Response:
        simulator = self.simulator
        return requests.get(
            simulator.auth_url, params=query, auth=(simulator.client_id, secret or simulator.client_secret), timeout=10
        )

    def trigger(self, identifier: str = "orders_report", body: object = None) -> requests.Response:
        document = {"parameters": OCTOBER} if body is None else body
        return self.session.post(f"{self.simulator.url}/reports/{identifier}", json=document, timeout=10)

    def bought(self, identifier: str = "orders_report", **parameters: Any) -> str:
        answer = self.trigger(identifier, {"parameters": parameters or OCTOBER})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["report_id"])

    def detail(self, report_id: str) -> requests.Response:
        return self.session.get(f"{self.simulator.url}/reports/{report_id}/detail", timeout=10)

    def file(self, report_id: str) -> requests.Response:
        return requests.get(self.detail(report_id).json()["location"], timeout=10)

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 11, 24, 6, 0, tzinfo=timezone.utc))


@pytest.fixture
def serve(clock: VirtualClock) -> Iterator[Callable[..., Client]]:
    opened: list[Client] = []

    def start(*faults: dict[str, Any], **dials: Any) -> Client:
        simulator = Simulator(now=clock.now, faults=Faults.parse(list(faults)), **dials).start()
        opened.append(Client(simulator))
        return opened[-1]

    yield start
    for client in opened:
        client.close()
        client.simulator.stop()


def parameters_for(identifier: str) -> dict[str, Any]:
    special: dict[str, dict[str, Any]] = {
        "mir_ledger": {"warehouse_id": "del", "month": "September", "year": 2026},
        "stock_ledger": {"warehouse_id": "del", **OCTOBER},
        "inventory_report": {"warehouse_id": "del"},
    }
    return special.get(identifier, OCTOBER)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_every_report_type_is_sold_and_its_file_is_the_truth(serve: Callable[..., Client], identifier: str) -> None:
    client = serve()
    parameters = parameters_for(identifier)
    report_id = client.bought(identifier, **parameters)
    answer = client.file(report_id)
    assert answer.headers["Content-Type"] == "text/csv"
    truth = client.simulator.rows(identifier, "acme", parameters)
    assert truth
    assert answer.content.count(b"\r\n") >= len(truth) + 1
    assert [trigger.report_id for trigger in client.simulator.triggers] == [report_id]


@pytest.mark.parametrize(
    ("identifier", "body", "status"),
    [
        ("orders_report", {"parameters": OCTOBER, "priority": 1}, 400),
        ("orders_report", {}, 400),
        ("orders_report", [], 400),
        ("orders_report", {"parameters": {**OCTOBER, "warehouse_id": "del"}}, 422),
        ("orders_report", {"parameters": {"from_date": "2026-10-01"}}, 422),
        ("orders_report", {"parameters": {"from_date": "2026-10-02", "to_date": "2026-10-01"}}, 422),
        ("orders_report", {"parameters": {"from_date": "01-10-2026", "to_date": "2026-10-01"}}, 422),
        ("orders_report", {"parameters": {"from_date": "2026-10-01", "to_date": "2026-11-25"}}, 422),
        ("orders_report", {"parameters": OCTOBER, "correlation_id": "no uuid"}, 400),
        ("no_such_report", {"parameters": {}}, 404),
        ("inventory_report", {"parameters": {"warehouse_id": "atlantis"}}, 422),
        ("mir_ledger", {"parameters": {"warehouse_id": "del", "month": "10", "year": 2026}}, 422),
        ("mir_ledger", {"parameters": {"warehouse_id": "del", "month": "May", "year": "2026"}}, 422),
        ("mir_ledger", {"parameters": {"warehouse_id": "del", "month": "November", "year": 2026}}, 422),
        ("financial_year_ledger", {"parameters": {"from_date": "2026-03-31", "to_date": "2026-04-01"}}, 422),
    ],
)
def test_what_the_documents_do_not_allow_is_refused_and_not_sold(
    serve: Callable[..., Client], identifier: str, body: object, status: int
) -> None:
    client = serve()
    answer = client.trigger(identifier, body)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["description"]
    assert client.simulator.triggers == []


def test_the_mir_report_of_a_month_is_there_from_the_8th_of_the_next(
    serve: Callable[..., Client], clock: VirtualClock
) -> None:
    client = serve()
    body = {"parameters": {"warehouse_id": "del", "month": "November", "year": 2026}}
    clock.advance((datetime(2026, 12, 7, 18, 0, tzinfo=timezone.utc) - clock.now()).total_seconds())
    assert client.trigger("mir_ledger", body).status_code == 422
    clock.advance(3600)
    assert client.trigger("mir_ledger", body).status_code == 200


def test_a_correlation_id_is_taken_once(serve: Callable[..., Client]) -> None:
    client = serve()
    body = {"parameters": OCTOBER, "correlation_id": str(uuid.uuid4())}
    assert [client.trigger(body=body).status_code for _ in range(2)] == [200, 409]
    assert len(client.simulator.triggers) == 1


def test_tokens_are_given_for_what_they_should_be_and_nothing_else(serve: Callable[..., Client]) -> None:
    client = serve(sellers=["acme"])
    refresh = {"grant_type": "refresh_token", "refresh_token": client.simulator.refresh_token("acme")}
    answer = client.token(refresh).json()
    assert answer["refresh_token"] == refresh["refresh_token"]
    assert answer["expires_in"] == 60 * 24 * 3600
    assert client.token(refresh, secret="wrong").status_code == 401
    assert client.token({**refresh, "refresh_token": "refresh.acme.0.forged"}).status_code == 400
    other = client.simulator.refresh_token("nobody")
    assert client.token({**refresh, "refresh_token": other}).status_code == 400
    assert requests.post(client.simulator.auth_url, timeout=10).status_code == 405
    code = {"grant_type": "authorization_code", "code": "code-of-acme", "redirect_uri": "https://a.test", "state": "s"}
    assert client.token(code).json()["refresh_token"] == refresh["refresh_token"]


def test_the_apps_own_token_is_not_enough_for_reports(serve: Callable[..., Client]) -> None:
    client = serve()
    token = client.token({"grant_type": "client_credentials", "scope": "Seller_Api"}).json()["access_token"]
    client.session.headers["Authorization"] = f"Bearer {token}"
    assert client.trigger().status_code == 403


def test_a_token_dies_after_sixty_days_and_none_is_refused(serve: Callable[..., Client], clock: VirtualClock) -> None:
    client = serve()
    clock.advance(60 * 24 * 3600)
    assert client.trigger().status_code == 401
    del client.session.headers["Authorization"]
    assert client.trigger().status_code == 401


def test_a_report_goes_through_its_statuses_and_its_link_dies(
    serve: Callable[..., Client], clock: VirtualClock
) -> None:
    client = serve(generation_seconds=(100.0, 100.0), link_seconds=600.0)
    report_id = client.bought()
    assert client.detail(report_id).json() == {"report_id": report_id, "status": "TRIGGERED"}
    clock.advance(99)
    assert client.detail(report_id).json()["status"] == "PROCESSING"
    clock.advance(1)
    detail = client.detail(report_id).json()
    assert detail["status"] == "COMPLETED"
    assert detail["metadata"]["expiry"] == "2026-11-24 11:41:40"
    assert requests.get(detail["location"], timeout=10).status_code == 200
    assert requests.get(detail["location"] + "x", timeout=10).status_code == 403
    clock.advance(600)
    assert requests.get(detail["location"], timeout=10).status_code == 403
    renewed = client.detail(report_id).json()["location"]
    assert renewed != detail["location"]
    assert requests.get(renewed, timeout=10).status_code == 200


def test_a_report_of_another_seller_is_unknown(serve: Callable[..., Client]) -> None:
    client = serve()
    report_id = client.bought()
    client.session.headers["Authorization"] = f"Bearer {client.simulator.access_token('bharat')}"
    assert client.detail(report_id).status_code == 404


def test_overlapping_windows_agree_and_a_later_look_shows_changes(serve: Callable[..., Client]) -> None:
    simulator = serve().simulator

    def orders(first: str, last: str, as_of: datetime | None = None) -> dict[str, dict[str, str]]:
        rows = simulator.rows("orders_report", "acme", {"from_date": first, "to_date": last}, as_of=as_of)
        return {row["order_item_id"]: row for row in rows}

    month, days = orders("2026-10-01", "2026-10-31"), orders("2026-10-10", "2026-10-12")
    assert days
    assert {item: month[item] for item in days} == days
    early = orders("2026-10-10", "2026-10-12", datetime(2026, 10, 13, tzinfo=timezone.utc))
    assert set(early) == set(days)
    assert early != days


def test_the_reports_of_a_seller_belong_together(serve: Callable[..., Client]) -> None:
    simulator = serve().simulator
    year = {"from_date": "2026-08-01", "to_date": "2026-11-20"}
    orders = {row["order_item_id"].removeprefix("OI:") for row in simulator.rows("orders_report", "acme", year)}
    sales = simulator.rows("sales_ledger", "acme", OCTOBER)
    settled = simulator.rows("settled_transaction_ledger", "acme", OCTOBER)
    returned = simulator.rows("returns_report", "acme", OCTOBER)
    assert {row["Order Item ID"] for row in sales} <= orders
    assert {row["Order item ID"] for row in settled} <= orders
    assert {row["order_item_id"].removeprefix("OI:") for row in returned} <= orders
    for row in sales:
        taxes = sum(
            Decimal(row[name]) for name in row if name.endswith(" Amount") and name[:4] in {"IGST", "CGST"}
        ) + Decimal(row["SGST Amount (Or UTGST as applicable)"])
        taxable = Decimal(row["Taxable Value (Final Invoice Amount -Taxes)"])
        assert taxable + taxes == Decimal(row["Buyer Invoice Amount "])


@pytest.mark.parametrize(
    ("identifier", "key"),
    [
        ("sales_ledger", ("Order Item ID", "Event Type", "Event Sub Type", "Buyer Invoice ID")),
        ("settled_transaction_ledger", ("NEFT ID", "Order item ID")),
        ("orders_report", ("order_item_id",)),
        ("returns_report", ("return_id",)),
        ("current_inventory_report", ("Warehouse Id", "FSN")),
    ],
)
def test_natural_keys_are_unique(serve: Callable[..., Client], identifier: str, key: tuple[str, ...]) -> None:
    rows = serve(orders_per_day=60).simulator.rows(identifier, "acme", OCTOBER)
    assert len({tuple(row[name] for name in key) for row in rows}) == len(rows) > 0


def test_two_simulators_tell_the_same_and_two_sellers_do_not(serve: Callable[..., Client]) -> None:
    first, second = serve().simulator, serve().simulator
    assert first.rows("sales_ledger", "acme", OCTOBER) == second.rows("sales_ledger", "acme", OCTOBER)
    assert first.rows("sales_ledger", "acme", OCTOBER) != first.rows("sales_ledger", "bharat", OCTOBER)


# Faults


def test_calls_fail_as_the_script_says_and_as_often(serve: Callable[..., Client]) -> None:
    client = serve(
        {"fault": "rate_limit", "call": "trigger", "retry_after": 7},
        {"fault": "server_error", "call": "detail", "status": 503, "nth": 2, "times": 2},
        {"fault": "token_expired", "call": "detail", "nth": 5},
    )
    limited = client.trigger()
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    report_id = client.bought()
    assert [client.detail(report_id).status_code for _ in range(6)] == [200, 503, 503, 200, 401, 401]
    assert client.simulator.faults.fired == {"rate_limit": 1, "server_error": 2, "token_expired": 1}


def test_a_lost_answer_is_paid_for_all_the_same(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "answer_lost"})
    with pytest.raises(requests.ConnectionError):
        client.trigger()
    assert len(client.simulator.triggers) == 1


@pytest.mark.parametrize(("fault", "status"), [("failed", "FAILED"), ("expired", "EXPIRED"), ("never", "PROCESSING")])
def test_reports_end_as_the_script_says(
    serve: Callable[..., Client], clock: VirtualClock, fault: str, status: str
) -> None:
    client = serve({"fault": fault, "identifier": "orders_report"})
    report_id = client.bought()
    clock.advance(10)
    assert client.detail(report_id).json()["status"] == status


def test_a_dead_link_is_replaced_by_the_next_detail(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "dead_link"})
    report_id = client.bought()
    assert client.file(report_id).status_code == 403
    assert client.file(report_id).status_code == 200


def test_cut_downloads_end_before_what_was_announced(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "cut_download", "bytes": 100}, {"fault": "cut_chunked", "nth": 2})
    report_id = client.bought()
    for _ in range(2):
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            client.file(report_id)
    assert client.file(report_id).status_code == 200


FILE_FAULTS: list[dict[str, Any]] = [
    {"fault": "header_only"},
    {"fault": "zero_bytes"},
    {"fault": "html_page"},
    {"fault": "gzip_file"},
    {"fault": "zip_file"},
    {"fault": "bom"},
    {"fault": "cp1252"},
    {"fault": "lf"},
    {"fault": "shuffled_columns"},
    {"fault": "extra_column", "header": "Mood"},
    {"fault": "missing_column", "header": "sku"},
    {"fault": "renamed_column", "header": "sku", "to": "stock keeping unit"},
    {"fault": "ragged_row", "row": 3, "cells": 2},
    {"fault": "bad_cell", "row": 2, "header": "quantity", "text": "many"},
    {"fault": "blank_lines"},
    {"fault": "duplicate_rows"},
    {"fault": "unterminated_quote"},
]


@pytest.mark.parametrize("rule", FILE_FAULTS, ids=lambda rule: rule["fault"])
def test_files_are_spoilt_as_the_script_says_and_only_once(serve: Callable[..., Client], rule: dict[str, Any]) -> None:
    client = serve(rule)
    spoilt, whole = client.file(client.bought()).content, client.file(client.bought()).content
    assert spoilt != whole
    assert client.simulator.faults.fired == {rule["fault"]: 1}


def test_the_other_faults(serve: Callable[..., Client], clock: VirtualClock) -> None:
    client = serve(
        {"fault": "odd_status", "word": "QUEUED", "details": 2},
        {"fault": "slow", "seconds": 50, "nth": 2},
        {"fault": "no_location", "nth": 4},
        {"fault": "expires", "nth": 8},
        {"fault": "gzip_encoding"},
        {"fault": "bad_json", "call": "detail", "nth": 6},
        {"fault": "drop_connection", "call": "detail", "nth": 7},
        {"fault": "slow_answer", "call": "token", "seconds": 0.01},
        {"fault": "rotate_refresh_token"},
        {"fault": "token_dead", "nth": 2},
    )
    odd, slow = client.bought(), client.bought()
    assert [client.detail(odd).json()["status"] for _ in range(2)] == ["QUEUED", "QUEUED"]
    assert client.detail(slow).json()["status"] == "TRIGGERED"
    assert "location" not in client.detail(odd).json()
    assert client.file(odd).headers["Content-Encoding"] == "gzip"
    with pytest.raises(requests.exceptions.JSONDecodeError):
        client.detail(odd).json()
    with pytest.raises(requests.ConnectionError):
        client.detail(odd)
    assert client.detail(odd).json()["status"] == "EXPIRED"
    clock.advance(50)
    assert client.detail(slow).json()["status"] == "COMPLETED"
    refresh = {"grant_type": "refresh_token", "refresh_token": client.simulator.refresh_token("acme")}
    rotated = client.token(refresh).json()["refresh_token"]
    assert client.token(refresh).status_code == 400
    assert client.token({**refresh, "refresh_token": rotated}).status_code == 400
    assert set(client.simulator.faults.fired) == {
        "odd_status",
        "slow",
        "no_location",
        "expires",
        "gzip_encoding",
        "bad_json",
        "drop_connection",
        "slow_answer",
        "rotate_refresh_token",
        "token_dead",
    }


def test_every_fault_has_its_test() -> None:
    tested = {rule["fault"] for rule in FILE_FAULTS} | {
        *("odd_status", "slow", "no_location", "expires", "gzip_encoding", "bad_json", "drop_connection"),
        *("slow_answer", "rotate_refresh_token", "token_dead", "rate_limit", "server_error", "token_expired"),
        *("answer_lost", "failed", "expired", "never", "dead_link", "cut_download", "cut_chunked"),
    }
    assert tested == {*ANY_CALL, *(name for faults in OF_CALL.values() for name in faults)}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({}, "a fault script is a list"),
        ([{}], "rule 1 is not an object that names a fault"),
        ([{"fault": "gremlins"}], "rule 1 names 'gremlins', which is no fault; they are answer_lost"),
        ([{"fault": "failed"}, {"fault": "slow", "secs": 3}], "rule 2: slow has no argument 'secs'; it has seconds"),
        ([{"fault": "slow", "seconds": "3"}], "rule 1: seconds is '3', which is of the wrong type"),
        ([{"fault": "failed", "call": "download"}], "rule 1: failed does not spoil the call 'download', only trigger"),
    ],
)
def test_a_wrong_script_is_named_in_one_sentence(script: object, words: str, tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(json.dumps(script))
    with pytest.raises(ValueError, match=words):
        Faults.load(path)


def test_caps_are_seen_from_the_servers_side(serve: Callable[..., Client], clock: VirtualClock) -> None:
    client = serve(generation_seconds=(60.0, 60.0))
    for _ in range(3):
        client.bought()
    clock.advance(60)
    client.bought()
    assert (client.simulator.most_in_progress, client.simulator.most_of_a_seller) == (3, 3)
    assert timedelta(0) < timedelta(seconds=clock.monotonic())
