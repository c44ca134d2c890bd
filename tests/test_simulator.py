"""The simulator over its socket: strict, stateful, the same every time."""

from __future__ import annotations

import csv
import gzip
import http.client
import io
import json
import re
import socket
import tracemalloc
import uuid
import zipfile
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import compress, groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook
from support.clocks import VirtualClock
from support.readme_tables import faults

from tap_flipkart_reports.commands.cli import main as cli
from tap_flipkart_reports.files.header_words import normalise
from tap_flipkart_reports.planning.table_schema import table_schema
from tap_flipkart_reports.report_types import REPORT_TYPES, UNIDENTIFIED
from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.simulator.business.reports import IDENTIFIERS, LAYOUTS
from tap_flipkart_reports.simulator.business.views import View
from tap_flipkart_reports.simulator.command import formats
from tap_flipkart_reports.simulator.faults import FAULTS, FORMATS, YEARS
from tap_flipkart_reports.simulator.packing.files import file_of
from tap_flipkart_reports.simulator.packing.xlsx_writer import EPOCH, letters, serial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from tap_flipkart_reports.planning.report_type import ReportTable

OCTOBER = {"from_date": "2026-10-01", "to_date": "2026-10-31"}
AUTUMN = {"from_date": "2026-08-01", "to_date": "2026-10-31"}
YEAR = {"from_date": "2026-04-01", "to_date": "2026-11-20"}
ALL_TABLES = [
    (identifier, table.title) for identifier, layout in LAYOUTS.items() for table in (*layout.tables, *layout.other)
]


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
        ("orders_report", {"parameters": {"from_date": "2026-10-1", "to_date": "2026-10-31"}}, 422),
        ("orders_report", {"parameters": {"from_date": "2026-02-30", "to_date": "2026-10-31"}}, 422),
        ("orders_report", {"parameters": {"from_date": 20261001, "to_date": 20261031}}, 422),
        ("orders_report", {"parameters": []}, 400),
        ("orders_report", {"parameters": None}, 400),
        ("orders_report", {"parameters": OCTOBER, "correlation_id": "no uuid"}, 400),
        ("orders_report", {"parameters": OCTOBER, "correlation_id": None}, 400),
        ("orders_report", {"parameters": OCTOBER, "correlation_id": 12345678901234567890123456789012}, 400),
        ("orders_report", {"parameters": OCTOBER, "correlation_id": "9f0c5a2e1f0b4c8d9e6a7b8c9d0e1f2a"}, 400),
        ("inventory_report", {"parameters": {"warehouse_id": ["del"]}}, 422),
        ("mir_ledger", {"parameters": {"warehouse_id": "del", "month": "May", "year": 0}}, 422),
        ("mir_ledger", {"parameters": {"warehouse_id": "del", "month": "May", "year": True}}, 422),
        ("mir_ledger", {"parameters": {"warehouse_id": "del", "month": "may", "year": 2026}}, 422),
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


def raw(client: Client, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    """The status of a call that no client library would make."""
    address = urlsplit(client.simulator.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    connection.putrequest(method, path)
    authorization = {"Authorization": str(client.session.headers["Authorization"])}
    for name, value in {**authorization, "Content-Length": str(len(body)), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"parameters": {}, "parameters": {"from_date": "2026-10-01", "to_date": "2026-10-31"}}',
        b'{"parameters": NaN}',
        b"[" * 30_000,
        '{"parameters": "é"}'.encode("latin-1"),
    ],
)
def test_a_body_that_is_not_plain_json_is_refused(serve: Callable[..., Client], body: bytes) -> None:
    client = serve()
    content_type = {"Content-Type": "application/json"}
    assert raw(client, "POST", "/reports/orders_report", body, **content_type) == 400
    assert client.simulator.triggers == []


def test_calls_that_the_reference_does_not_have_are_refused(serve: Callable[..., Client]) -> None:
    client = serve()
    report_id = client.bought()
    json_type = {"Content-Type": "application/json"}
    body = json.dumps({"parameters": OCTOBER}).encode()
    assert raw(client, "POST", "/reports/orders_report?priority=1", body, **json_type) == 400
    assert raw(client, "POST", "/reports/orders_report", body, **{"Content-Type": "text/plain"}) == 400
    assert raw(client, "POST", "/reports/orders_report/", body, **json_type) == 404
    assert raw(client, "PUT", "/reports/orders_report", body, **json_type) == 405
    assert raw(client, "GET", f"/reports/{report_id}/detail?verbose=1") == 400
    assert raw(client, "GET", "/reports") == 404
    assert raw(client, "POST", "/reports/orders_report", b"{}", **{"Content-Length": "99999999"}) == 413
    assert raw(client, "POST", "/reports/orders_report", b"", **{"Content-Length": "many"}) == 411
    assert len(client.simulator.triggers) == 1


def test_a_range_may_begin_before_there_was_business(serve: Callable[..., Client]) -> None:
    client = serve()
    ages = {"from_date": "0001-01-01", "to_date": "2015-01-03"}
    assert client.file(client.bought("sales_ledger", **ages)).status_code == 200
    assert client.simulator.rows("orders_report", "acme", ages)


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
    assert client.token({**refresh, "scope": "Seller_Api"}).status_code == 400
    assert client.token({**refresh, "grant_type": "password"}).status_code == 400
    assert client.token({"grant_type": "client_credentials"}).status_code == 400
    twice = (
        requests.Request("GET", client.simulator.auth_url, params=[*refresh.items(), *refresh.items()]).prepare().url
    )
    basic = (client.simulator.client_id, client.simulator.client_secret)
    assert requests.get(str(twice), auth=basic, timeout=10).status_code == 400
    other = client.simulator.refresh_token("nobody")
    assert client.token({**refresh, "refresh_token": other}).status_code == 400
    assert requests.post(client.simulator.auth_url, timeout=10).status_code == 405


AUTHORIZE = {
    "client_id": "simulator",
    "redirect_uri": "https://app.test/back?x=1",
    "response_type": "code",
    "scope": "Seller_Api",
    "state": "s",
}


def authorize(client: Client, **changes: str) -> requests.Response:
    query = {**AUTHORIZE, "seller_id": "bharat", **changes}
    return requests.get(
        client.simulator.url + "/oauth-service/oauth/authorize", params=query, allow_redirects=False, timeout=10
    )


def test_a_seller_who_allows_the_app_is_sent_back_with_a_code_that_is_good_once(
    serve: Callable[..., Client], clock: VirtualClock
) -> None:
    client = serve(sellers=["acme"])
    answer = authorize(client)
    address, _, query = answer.headers["Location"].partition("&")
    assert (answer.status_code, address) == (302, "https://app.test/back?x=1")
    given = dict(parse_qsl(query))
    assert given["state"] == "s"
    grant = {"grant_type": "authorization_code", "redirect_uri": AUTHORIZE["redirect_uri"], **given}
    assert client.token({**grant, "state": "other"}).json()["error"] == "invalid_grant"
    grant["code"] = dict(parse_qsl(urlsplit(authorize(client).headers["Location"]).query))["code"]
    token = client.token(grant).json()["refresh_token"]
    assert client.token({"grant_type": "refresh_token", "refresh_token": token}).status_code == 200
    assert client.token(grant).json()["error"] == "invalid_grant"
    grant["code"] = dict(parse_qsl(urlsplit(authorize(client).headers["Location"]).query))["code"]
    clock.advance(11 * 60)
    assert client.token(grant).json()["error"] == "invalid_grant"


def test_the_authorize_page_refuses_what_is_not_documented(serve: Callable[..., Client]) -> None:
    client = serve()
    for wrong in (
        {"client_id": "other"},
        {"response_type": "token"},
        {"redirect_uri": "http://app.test/"},
        {"scope": "all"},
        {"state": ""},
    ):
        assert authorize(client, **wrong).status_code == 400
    page = requests.get(client.simulator.url + "/oauth-service/oauth/authorize", params=AUTHORIZE, timeout=10)
    assert '<input name="seller_id" required>' in page.text


def test_a_refresh_token_dies_after_a_hundred_and_eighty_days(
    serve: Callable[..., Client], clock: VirtualClock
) -> None:
    client = serve()
    refresh = {"grant_type": "refresh_token", "refresh_token": client.simulator.refresh_token("acme")}
    clock.advance(180 * 24 * 3600 - 1)
    assert client.token(refresh).status_code == 200
    clock.advance(1)
    assert client.token(refresh).json()["error"] == "invalid_grant"


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


def test_a_links_query_is_taken_byte_for_byte(serve: Callable[..., Client]) -> None:
    client = serve()
    for _ in range(5):
        location = client.detail(client.bought()).json()["location"]
        path = location.removeprefix(client.simulator.url)
        assert "%" in path
        for changed in (unquote(path), path.replace("%3D", "%3d"), path + "&", path + "&a=b", path.replace("?", "?&")):
            assert raw(client, "GET", changed) == 403, changed
        assert raw(client, "GET", path) == 200


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
        assert taxable + taxes == Decimal(row["Buyer Invoice Amount"])


def amounts(rows: list[dict[str, str]], column: str) -> Decimal:
    return sum((Decimal(row[column].replace(",", "")) for row in rows), Decimal(0))


@pytest.mark.parametrize(("identifier", "title"), ALL_TABLES)
def test_every_table_has_rows_and_cells_of_text(serve: Callable[..., Client], identifier: str, title: str) -> None:
    simulator = serve().simulator
    parameters = {"from_date": AUTUMN["from_date"], "to_date": AUTUMN["to_date"]}
    if parameters_for(identifier) != OCTOBER:
        parameters = parameters_for(identifier)
    rows = simulator.rows(identifier, "acme", parameters, table=title)
    assert rows
    assert all(list(row) == list(rows[0]) for row in rows)
    assert {type(cell) for row in rows for cell in row.values()} == {str}


SUMMED = {"gst_returns_report", "mir_ledger", "inventory_report", "current_inventory_report"}
SUMMED |= {"stranded_inventory_report", "unsellable_inventory_report"}


@pytest.mark.parametrize(
    ("identifier", "title"), [table for table in ALL_TABLES if table[0] not in SUMMED and table[1] != "SKU-level P&L"]
)
def test_rows_are_the_same_in_whatever_window(serve: Callable[..., Client], identifier: str, title: str) -> None:
    simulator = serve().simulator
    warehouse = {"warehouse_id": "del"} if identifier == "stock_ledger" else {}

    def rows(first: str, last: str) -> list[str]:
        days = {**warehouse, "from_date": first, "to_date": last}
        return sorted(map(str, simulator.rows(identifier, "acme", days, table=title)))

    halves = [*rows("2026-08-01", "2026-09-14"), *rows("2026-09-15", "2026-10-31")]
    assert rows("2026-08-01", "2026-10-31") == sorted(halves)


def titles_of(stream: str) -> set[str]:
    return {schema["title"] for schema in table_schema(stream).properties.values()}


KNOWN_TABLES = [
    (report_type.identifier or "profit_and_loss_report", table)
    for report_type in (*REPORT_TYPES.values(), *UNIDENTIFIED.values())
    for table in report_type.tables
    if table.schema.layouts and table.stream != "returns_report"
]


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize(("identifier", "table"), KNOWN_TABLES, ids=lambda part: getattr(part, "stream", ""))
def test_the_headers_of_every_known_table_are_those_of_the_year(identifier: str, table: ReportTable, year: str) -> None:
    printed = next(
        one.header for one in LAYOUTS[identifier].in_year(year).tables if one.title.partition(" (")[0] in table.title
    )
    layouts = {layout.name: layout.columns for layout in table.schema.layouts}
    is_whole = table.stream.endswith("google_ads_services")  # in both years, as one program reads it
    expected = layouts.get("2025" if is_whole else year) or next(iter(layouts.values()))
    wordings = {
        normalise(wording): column.name for column in table.columns for wording in (column.header, *column.aliases)
    }
    wordings[normalise("Bank Settlement [Projected] (INR) (second)")] = "bank_settlement_projected_2"
    wordings[normalise("Bank Settlement [Projected] (INR)")] = "bank_settlement_projected"
    assert [name for name in printed if normalise(name) not in wordings] == []
    assert {wordings[normalise(name)] for name in printed} == expected


def test_workbooks_have_the_traits_of_real_ones(serve: Callable[..., Client]) -> None:
    client = serve(file_format="xlsx")
    settled = client.file(client.bought("settled_transaction_ledger")).content
    parts = zipfile.ZipFile(io.BytesIO(settled)).namelist()
    assert min(int(name[19:-4]) for name in parts if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)) == 13
    orders = workbook_of(settled)["Orders"]
    assert orders["A2"].comment is not None
    assert {cell.comment is None for row in orders.iter_rows(min_row=4) for cell in row} == {True}
    assert isinstance(orders["I4"].value, str)
    assert isinstance(orders["J4"].value, (int, float))
    profit = workbook_of(client.file(client.bought("profit_and_loss_report")).content)["SKU-level P&L"]
    assert profit.column_dimensions["E"].hidden
    assert not profit.column_dimensions["D"].hidden
    returns = workbook_of(client.file(client.bought("gst_returns_report")).content)
    assert {type(cell) for cell in list(returns["Section 7(B)(2) in GSTR-1"].values)[1]} == {str}
    nothing = {"from_date": "2014-10-01", "to_date": "2014-10-31"}
    empty = workbook_of(client.file(client.bought("gst_returns_report", **nothing)).content)
    assert empty.sheetnames == returns.sheetnames
    assert [sheet.max_row for sheet in empty.worksheets[1:]] == [1] * 8


def test_a_layout_that_is_not_known_is_named() -> None:
    with pytest.raises(ValueError, match="'2019' is not a layout; they are 2026, 2025"):
        Simulator(layout="2019")


def test_both_layouts_of_the_returns_have_the_published_headers() -> None:
    layout = LAYOUTS["returns_report"]
    assert set(layout.table().header) < titles_of("returns_report")
    printed = {name for table in (*layout.tables, *layout.other) for name in table.header}
    assert {one_case(name) for name in printed} == {one_case(title) for title in titles_of("returns_report")}


def one_case(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")


def test_titles_have_what_makes_csv_hard(serve: Callable[..., Client]) -> None:
    titles = {row["product_title"] for row in serve().simulator.rows("orders_report", "acme", AUTUMN)}
    text = "".join(titles)
    assert all(mark in text for mark in (",", '"', "\n", "'", "मसाला", ";"))


def test_cash_backs_belong_to_sales(serve: Callable[..., Client]) -> None:
    simulator = serve().simulator
    sales = {
        (row["Order Item ID"], row["Event Type"], row["Buyer Invoice Date"])
        for row in simulator.rows("sales_ledger", "acme", AUTUMN)
    }
    notes = simulator.rows("sales_ledger", "acme", AUTUMN, table="Cash Back Report")
    assert {(row["Order Item ID"], row["Document Sub Type"], row["Invoice Date"]) for row in notes} < sales
    assert {row["Document Type"] for row in notes} == {"Credit Note", "Debit Note"}


def test_the_sheets_of_a_settlement_belong_together(serve: Callable[..., Client]) -> None:
    simulator = serve().simulator

    def rows(title: str, days: dict[str, str] = OCTOBER) -> list[dict[str, str]]:
        return simulator.rows("settled_transaction_ledger", "acme", days, table=title)

    september = {"from_date": "2026-09-01", "to_date": "2026-09-30"}
    orders, details = rows("Orders"), rows("GST_Details")
    subject = "Order Item ID/ Listing ID/ Campaign ID/Transaction ID"
    for row in orders:
        own = [one for one in details if (one["Neft Id"], one[subject]) == (row["NEFT ID"], row["Order item ID"])]
        assert amounts(own, "Total GST on fees") == -Decimal(row["GST on MP Fees (Rs.)"])
    listings = [row for row in details if row["Service Type"] == "Listing"]
    assert amounts(listings, "Total GST on fees") == -amounts(
        rows("Storage_Recall"), "GST on Storage & Recall Fees (Rs.)"
    )
    campaigns = [row for row in details if row["Service Type"] == "Campaign"]
    assert amounts(campaigns, "Total GST on fees") == -amounts(rows("Ads"), "GST on Ads Fees (Rs.)")
    assert {row["Order item ID"] for row in rows("MP Fee Rebate")} < {row["Order item ID"] for row in orders}
    assert amounts(rows("TDS"), "Settlement Value (Rs.)") == -amounts(rows("Orders", september), "TDS (Rs.)")
    notes = simulator.rows("sales_ledger", "acme", september, table="Cash Back Report")
    recovered = rows("TCS_Recovery")
    assert amounts(recovered, "Settlement Value (Rs.)") == -amounts(notes, "Total TCS Deducted") < 0
    assert [row["Recovery Month"] for row in recovered] == ["Sep-2026"]
    assert simulator.rows("financial_year_ledger", "acme", OCTOBER, table="GST_Details") == details


def test_a_settlement_is_the_sum_of_its_columns(serve: Callable[..., Client]) -> None:
    rows = serve().simulator.rows("settled_transaction_ledger", "acme", OCTOBER)
    names = list(rows[0])
    for row in rows:
        parts = names[names.index("Sale Amount (Rs.)") : names.index("Tier")]
        assert sum((amounts([row], name) for name in parts), Decimal(0)) == amounts([row], names[3])
    assert amounts(rows, "My share (Rs.)") < 0


def test_the_tax_sections_are_the_sums_of_the_sales(serve: Callable[..., Client]) -> None:
    simulator = serve().simulator
    sales = simulator.rows("sales_ledger", "acme", OCTOBER)

    def section_of(number: str) -> list[dict[str, str]]:
        titles = [title for _, title in ALL_TABLES if title.startswith(f"Section {number} ")]
        return simulator.rows("gst_returns_report", "acme", OCTOBER, table=titles[0])

    within, other, large, hsn = section_of("7(A)(2)"), section_of("7(B)(2)"), section_of("5B"), section_of("12")
    (tcs,) = section_of("3")
    assert amounts(within, "CGST Amount Rs.") == amounts(sales, "CGST Amount") == amounts(hsn, "CGST Amount Rs.")
    igst = amounts(other, "IGST Amount Rs.") + amounts(large, "IGST Amount Rs.")
    assert igst == amounts(sales, "IGST Amount") == amounts(hsn, "IGST Amount Rs.") == amounts([tcs], "IGST Amount Rs.")
    assert all(abs(Decimal(row["Invoice Amount Rs."].replace(",", ""))) > 250_000 for row in large)
    assert amounts([tcs], "TCS CGST amount Rs.") == amounts(sales, "TCS CGST Amount")
    assert amounts([tcs], "TCS IGST amount Rs.") == amounts(sales, "TCS IGST Amount")
    taxable = amounts(sales, "Taxable Value (Final Invoice Amount -Taxes)")
    assert amounts([tcs], "Net Taxable Value") == amounts(hsn, "Total Taxable Value Rs.") == taxable
    invoices = {row["Buyer Invoice ID"] for row in sales}
    documents = section_of("13")
    assert sum(int(row["Total Number of Invoices"]) for row in documents) == len(invoices)
    assert {row["Invoice Series From"] for row in documents} < invoices


def test_profit_and_loss_agrees_with_the_payouts(serve: Callable[..., Client]) -> None:
    simulator = serve().simulator
    august = {"from_date": "2026-08-01", "to_date": "2026-08-31"}
    orders = simulator.rows("profit_and_loss_report", "acme", august)
    skus = simulator.rows("profit_and_loss_report", "acme", august, table="SKU-level P&L")
    items = {row["Order Item ID"] for row in orders}
    payouts = [
        row for row in simulator.rows("settled_transaction_ledger", "acme", AUTUMN) if row["Order item ID"] in items
    ]
    settled = amounts(payouts, "Bank Settlement Value (Rs.) \n= SUM(J:R)")
    assert amounts(orders, "Amount Settled (INR)") == amounts(skus, "Amount Settled (INR)") == settled
    assert amounts(orders, "Amount Pending (INR)") == 0
    assert sum(int(row["Gross Units (#)"]) for row in skus) == sum(int(row["Gross Units"]) for row in orders)


def test_both_layouts_of_the_returns_list_the_same_returns(serve: Callable[..., Client]) -> None:
    simulator = serve().simulator
    dashboard = simulator.rows("returns_report", "acme", OCTOBER, table="Returns dashboard export")
    returns = simulator.rows("returns_report", "acme", OCTOBER)
    assert [row["Return ID"] for row in dashboard] == [row["return_id"] for row in returns]


def test_a_table_that_there_is_not_is_named(serve: Callable[..., Client]) -> None:
    with pytest.raises(KeyError, match="there is no table 'Tips'; there are Sales Report, Cash Back Report"):
        serve().simulator.rows("sales_ledger", "acme", OCTOBER, table="Tips")


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


# Files


def workbook_of(content: bytes) -> Workbook:
    return load_workbook(io.BytesIO(content))


def agrees(cell: object, text: str) -> bool:
    """Whether a workbook's cell is what a CSV prints."""
    if cell is None:
        return not text
    return cell == text if isinstance(cell, str) else Decimal(str(cell)) == Decimal(text.replace(",", ""))


def check_sheet(cells: list[list[Any]], truth: list[dict[str, str]], *, header_rows: int) -> None:
    """Columns without a header are blank, and the others hold the truth."""
    named = [any(column) for column in zip(*cells[:header_rows], strict=True)]
    assert not any(cell for row in cells for cell, is_named in zip(row, named, strict=True) if not is_named)
    rows = [[cell for cell, is_named in zip(row, named, strict=True) if is_named] for row in cells[header_rows:]]
    assert len(rows) == len(truth)
    for row, expected in zip(rows, truth, strict=True):
        for cell, (name, text) in zip(row, expected.items(), strict=True):
            assert agrees(cell or None if cell == "" else cell, text), (name, cell, text)


def column_of(sheet: Worksheet, name: str) -> list[Any]:
    """The cells below a header cell."""
    place = next(cell for row in sheet.iter_rows(max_row=3) for cell in row if cell.value == name)
    return [row[place.column - 1].value for row in sheet.iter_rows(min_row=place.row + 1)]


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_a_workbook_holds_every_table_as_other_programs_read_it(serve: Callable[..., Client], identifier: str) -> None:
    client = serve(file_format="xlsx")
    parameters = parameters_for(identifier)
    answer = client.file(client.bought(identifier, **parameters))
    assert answer.headers["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    layout = LAYOUTS[identifier]
    workbook = workbook_of(answer.content)
    assert workbook.sheetnames == [*layout.front, *(table.sheet for table in layout.tables), *layout.back]
    fast = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    for table in layout.tables:
        truth = client.simulator.rows(identifier, "acme", parameters, table=table.title)
        slow_cells = [list(row) for row in workbook[table.sheet].iter_rows(values_only=True)]
        check_sheet(slow_cells, truth, header_rows=table.header_rows)
        fast_cells = fast.get_sheet_by_name(table.sheet).to_python(skip_empty_area=False)
        check_sheet([list(row) for row in fast_cells], truth, header_rows=table.header_rows)


def test_header_rows_name_each_group_once_and_merge_its_cells(serve: Callable[..., Client]) -> None:
    client = serve(file_format={"settled_transaction_ledger": "xlsx", "profit_and_loss_report": "xlsx"})
    orders = workbook_of(client.file(client.bought("settled_transaction_ledger")).content)["Orders"]
    rows = [list(row) for row in orders.iter_rows(max_row=3, values_only=True)]
    assert rows[0][:9] == ["Payment Details", None, None, None, None, None, None, "Transaction Summary", None]
    assert rows[1][:3] == ["NEFT ID", "Neft Type", " Payment Date"]
    assert rows[1][-7:-3] == ["Sale Amount", "Total Offer Amount", None, None]
    assert rows[2][-7:-5] == ["Total (Rs.) \n", "Total (Rs.) \n= SUM (BT:BU)"]
    merged = {str(area) for area in orders.merged_cells.ranges}
    assert {"A1:F1", "A2:A3", "BS2:BU2", "BR1:BX1"} <= merged
    profit = workbook_of(client.file(client.bought("profit_and_loss_report")).content)["SKU-level P&L"]
    first, second = ([cell.value for cell in row] for row in profit.iter_rows(max_row=2))
    assert first[:5] == [
        "SKU ID",
        None,
        "Gross Units (#)",
        "Returned & Cancelled Units",
        "Returned & Cancelled Units (Breakup)",
    ]
    assert second[:5] == [None, None, None, None, "RTO (Logistics Return)"]
    assert first.count("Bank Settlement [Projected] (INR)") == 2


def test_a_financial_year_comes_as_a_workbook_per_quarter(serve: Callable[..., Client]) -> None:
    client = serve(file_format="zip_of_workbooks", orders_per_day=2)
    answer = client.file(client.bought("financial_year_ledger", **YEAR))
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        books = [workbook_of(archive.read(name)) for name in names]
    assert names == [f"acme_Q{quarter}_FY_26_27.xlsx" for quarter in (1, 2, 3)]
    items = [item for book in books for item in column_of(book["Orders"], "Order item ID") if item is not None]
    truth = client.simulator.rows("financial_year_ledger", "acme", YEAR)
    assert sorted(items) == sorted(row["Order item ID"] for row in truth)
    details = [row for book in books for row in column_of(book["GST_Details"], "Fee Name")]
    assert len(details) == len(client.simulator.rows("financial_year_ledger", "acme", YEAR, table="GST_Details"))
    assert zipfile.is_zipfile(io.BytesIO(client.file(client.bought("orders_report")).content))


def test_january_is_in_the_last_quarter_of_the_year_before(serve: Callable[..., Client]) -> None:
    client = serve(file_format="zip_of_workbooks")
    days = {"from_date": "2026-01-15", "to_date": "2026-03-31"}
    with zipfile.ZipFile(io.BytesIO(client.file(client.bought("financial_year_ledger", **days)).content)) as archive:
        assert archive.namelist() == ["acme_Q4_FY_25_26.xlsx"]


def lines_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_a_preamble_of_fifty_lines_comes_before_the_header(serve: Callable[..., Client]) -> None:
    client = serve(file_format="csv_with_preamble")
    lines = lines_of(client.file(client.bought("settled_transaction_ledger")).content)
    start = next(number for number, line in enumerate(lines) if line[:1] == ["Payment Details"])
    assert start > 50
    assert [line[0] for line in lines[start : start + 3]] == ["Payment Details", "NEFT ID", ""]
    assert lines[start + 2][-7] == "Total (Rs.) \n"
    truth = client.simulator.rows("settled_transaction_ledger", "acme", OCTOBER)
    named = [any(column) for column in zip(*lines[start : start + 3], strict=True)]
    assert named.count(False) == 8
    assert [list(compress(line, named)) for line in lines[start + 3 :]] == [list(row.values()) for row in truth]
    orders = lines_of(client.file(client.bought("orders_report")).content)
    assert orders.index(list(client.simulator.rows("orders_report", "acme", OCTOBER)[0])) > 50


@pytest.mark.parametrize(
    ("file_format", "words"),
    [
        ("pdf", "'pdf' is not a file format; they are csv, csv_with_preamble, xlsx, zip_of_workbooks"),
        ({"orders_report": "pdf"}, "'pdf' is not a file format"),
        ({"order_report": "csv"}, "'order_report' is not a report type; they are gst_returns_report, "),
    ],
)
def test_a_wrong_file_format_is_named(file_format: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Simulator(file_format=file_format)


@pytest.mark.integration
@pytest.mark.parametrize(("file_format", "most"), [("csv", 600_000), ("xlsx", 5_000_000)])
def test_files_are_written_in_memory_that_does_not_grow_with_them(file_format: str, most: int) -> None:
    days = {"from_date": "2026-07-01", "to_date": "2026-07-02"}
    peaks = []
    for per_day in (1100, 3300):
        view = View.of("acme", days, as_of=datetime.fromisoformat("2026-11-24"), per_day=per_day)
        tracemalloc.start()
        layout = LAYOUTS["orders_report"]
        file_of("orders_report", layout, view, file_format=file_format, faults={}).content.close()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < most
    assert peaks[1] < 1.5 * peaks[0]


def test_large_files_are_made_once_and_leave_nothing_behind(
    serve: Callable[..., Client], clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = serve(orders_per_day=1500)
    days = {"from_date": "2026-07-01", "to_date": "2026-07-03"}
    first, second = (client.file(client.bought("orders_report", **days)).content for _ in range(2))
    assert first == second
    assert first.count(b"\r\n") == 4501
    assert len(list(tmp_path.rglob("*"))) == 2
    changing = {"from_date": "2026-11-20", "to_date": "2026-11-22"}
    early = client.file(client.bought("orders_report", **changing)).content
    clock.advance(3 * 24 * 3600)
    assert client.file(client.bought("orders_report", **changing)).content != early
    assert len(list(tmp_path.rglob("*"))) == 2
    client.simulator.stop()
    client.simulator = Simulator().start()
    assert list(tmp_path.iterdir()) == []


def test_columns_are_lettered_and_moments_counted_as_in_a_spreadsheet() -> None:
    assert [letters(index) for index in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]
    assert serial(EPOCH + timedelta(days=46_296)) == "46296"
    assert serial(EPOCH + timedelta(days=2, hours=6)) == "2.25"


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


HOSTILE_FAULTS = {
    *("one_byte_a_second", "endless_head", "endless_answer", "packed_bomb", "cut_head", "slow_error"),
    *("early_hints", "odd_chunk", "echoed_link", "odd_token", "odd_link"),
    *("token_forbidden", "echoed_token", "odd_encoding", "no_length", "redirected", "private_link"),
}


def _sent(client: Client, path: str, *, at_most: int) -> bytes:
    """What comes over the wire, as far as it is wanted; no HTTP library would hand it out."""
    host, port = client.simulator.url.removeprefix("http://").split(":")
    token = client.simulator.access_token("acme")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        received = b""
        while len(received) < at_most and (piece := connection.recv(65536)):
            received += piece
    return received


@pytest.mark.parametrize(
    ("fault", "beginning", "least", "most"),
    [
        ({"fault": "one_byte_a_second", "seconds": 0.0001}, b"HTTP/1.1 200 OK", 500, 500),
        ({"fault": "endless_head"}, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100", 500_000, 500_000),
        ({"fault": "endless_answer"}, b"HTTP/1.1 200 OK", 3_000_000, 3_000_000),
        ({"fault": "packed_bomb", "bytes": 2**24}, b"HTTP/1.1 200 OK", 10_000, 200_000),
        ({"fault": "cut_head"}, b"HTTP/1.1 200 OK", 30, 200),
        ({"fault": "slow_error"}, b"HTTP/1.1 422", 300_000, 400_000),
        ({"fault": "odd_chunk"}, b"HTTP/1.1 200 OK", 60_000, 70_000),
        ({"fault": "early_hints"}, b"HTTP/1.1 103 Early Hints\r\nLink: ", 200, 2000),
    ],
)
def test_a_hostile_answer_is_what_its_fault_says(
    fault: dict[str, Any], beginning: bytes, least: int, most: int, serve: Callable[..., Client]
) -> None:
    client = serve(fault)
    path = f"/reports/{client.bought()}/detail"
    sent = _sent(client, path, at_most=least)
    assert sent.startswith(beginning)
    assert least <= len(sent) <= most + 65536
    assert _sent(client, path, at_most=1).startswith(b"HTTP/1.1 200 OK")


def test_a_403_can_name_the_token_as_dead_and_an_error_repeat_it(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "echoed_token"}, {"fault": "token_forbidden", "nth": 2})
    report_id = client.bought()
    echoed = client.detail(report_id)
    assert echoed.status_code == 400
    assert "Bearer" in echoed.json()["message"]
    assert "\r\nforged \x1b" in echoed.json()["message"]
    assert client.detail(report_id).json()["error"] == "invalid_token"
    assert client.detail(report_id).status_code == 401


def test_a_link_can_lead_astray_and_a_download_say_what_is_not_so(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "private_link"}, {"fault": "odd_encoding"}, {"fault": "no_length", "bytes": 50, "nth": 2})
    report_id = client.bought()
    assert client.detail(report_id).json()["location"].startswith("https://169.254.169.254/storage/reports/")
    odd = client.file(report_id)
    assert odd.headers["Content-Encoding"] == "aws-chunked"
    cut = client.file(report_id)
    assert "Content-Length" not in cut.headers
    assert cut.content == odd.content[:50]


def test_tokens_and_links_can_be_such_that_no_request_holds_them(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "odd_token"}, {"fault": "odd_link"})
    refresh = {"grant_type": "refresh_token", "refresh_token": client.simulator.refresh_token("acme")}
    assert "\r\n" in client.token(refresh).json()["access_token"]
    assert "\r\n" not in client.token(refresh).json()["access_token"]
    report_id = client.bought()
    odd, link = (client.detail(report_id).json()["location"] for _ in range(2))
    assert odd == link.replace("/storage", "\n/storage")


def test_a_file_can_repeat_its_link(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "echoed_link"})
    report_id = client.bought()
    link = client.detail(report_id).json()["location"]
    assert link.removeprefix(client.simulator.url) in client.file(report_id).text
    assert "Error" not in client.file(report_id).text


def test_a_download_can_be_redirected(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "redirected"})
    answer = client.file(client.bought())
    assert [step.status_code for step in answer.history] == [302]
    assert answer.history[0].headers["Location"].startswith("../reports/")
    assert answer.status_code == 200


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
    {"fault": "file_format", "format": "xlsx"},
    {"fault": "blank_columns", "after": 5},
    {"fault": "total_row"},
]
SETTLEMENT_FAULTS: list[dict[str, Any]] = [
    {"fault": "layout", "year": "2025"},
    {"fault": "payout_once"},
    {"fault": "float_ids"},
    {"fault": "native_dates"},
    {"fault": "serial_dates"},
    {"fault": "formula_cells"},
    {"fault": "understated_dimension"},
    {"fault": "sheets_when_used"},
    {"fault": "missing_sheet", "table": "Ads"},
]


@pytest.mark.parametrize("rule", [*FILE_FAULTS, *SETTLEMENT_FAULTS], ids=lambda rule: rule["fault"])
def test_files_are_spoilt_as_the_script_says_and_only_once(serve: Callable[..., Client], rule: dict[str, Any]) -> None:
    identifier = "settled_transaction_ledger" if rule in SETTLEMENT_FAULTS else "orders_report"
    client = serve(rule)
    spoilt, whole = (client.file(client.bought(identifier)).content for _ in range(2))
    assert spoilt != whole
    assert client.simulator.faults.fired == {rule["fault"]: 1}


def settlement(client: Client) -> Workbook:
    return workbook_of(client.file(client.bought("settled_transaction_ledger")).content)


@pytest.mark.parametrize("fault", ["native_dates", "serial_dates"])
def test_dates_are_the_workbooks_own(serve: Callable[..., Client], fault: str) -> None:
    client = serve({"fault": fault, "times": 2})
    truth = client.simulator.rows("settled_transaction_ledger", "acme", OCTOBER)
    days = column_of(settlement(client)["Orders"], " Payment Date")[1:]
    if fault == "serial_dates":
        assert {type(day) for day in days} == {int}
        days = [EPOCH + timedelta(days=day) for day in days]
    assert [day.date().isoformat() for day in days] == [row[" Payment Date"] for row in truth]
    orders = workbook_of(client.file(client.bought("orders_report")).content)["Orders"]
    moments = column_of(orders, "order_date")
    if fault == "serial_dates":
        moments = [EPOCH + timedelta(days=moment) for moment in moments]
    expected = [
        datetime.fromisoformat(row["order_date"]) for row in client.simulator.rows("orders_report", "acme", OCTOBER)
    ]
    assert all(abs(moment - one) < timedelta(seconds=1) for moment, one in zip(moments, expected, strict=True))


def test_formulas_have_no_values(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "formula_cells"})
    content = client.file(client.bought("settled_transaction_ledger")).content
    name = "Bank Settlement Value (Rs.) \n= SUM(J:R)"
    formulas = column_of(workbook_of(content)["Orders"], name)[1:]
    assert formulas[0] == "=SUM(J4:R4)"
    assert len(formulas) == len(client.simulator.rows("settled_transaction_ledger", "acme", OCTOBER))
    valued = load_workbook(io.BytesIO(content), data_only=True)
    assert set(column_of(valued["Orders"], name)) == {None}


def test_sheets_say_that_less_is_in_use_than_is(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "understated_dimension"})
    content = client.file(client.bought("settled_transaction_ledger")).content
    hasty = load_workbook(io.BytesIO(content), read_only=True)
    assert hasty["Ads"].calculate_dimension() == "A1:B2"
    hasty.close()
    assert workbook_of(content)["Ads"].max_column == 10


def test_sheets_are_left_out(serve: Callable[..., Client]) -> None:
    client = serve(
        {"fault": "sheets_when_used"},
        {"fault": "header_only", "table": "Ads"},
        {"fault": "missing_sheet", "table": "TDS", "nth": 2},
    )
    used = settlement(client)
    assert "Ads" not in used.sheetnames
    assert {"Orders", "TDS"} <= set(used.sheetnames)
    one_less = settlement(client)
    assert "TDS" not in one_less.sheetnames
    assert "Ads" in one_less.sheetnames


def test_ids_that_went_through_a_float_keep_fifteen_digits(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "float_ids"}, {"fault": "float_ids", "nth": 2}, {"fault": "native_dates", "nth": 2})
    truth = [row["Order item ID"] for row in client.simulator.rows("settled_transaction_ledger", "acme", OCTOBER)]
    lines = lines_of(client.file(client.bought("settled_transaction_ledger")).content)
    place = lines[0].index("Order item ID")
    assert [line[place] for line in lines[1:]] == [f"{float(item):.2E}" for item in truth]
    cells = column_of(settlement(client)["Orders"], "Order item ID")[1:]
    assert [f"{int(cell):.14E}" for cell in cells] == [f"{int(item):.14E}" for item in truth]
    assert [str(int(cell)) for cell in cells] != truth


def test_a_payout_is_named_on_its_first_row_alone(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "payout_once"})
    lines = lines_of(client.file(client.bought("settled_transaction_ledger")).content)
    truth = client.simulator.rows("settled_transaction_ledger", "acme", OCTOBER)
    payouts = [(row["NEFT ID"], row[" Payment Date"]) for row in truth]
    named = [(line[0], line[2]) for line in lines[1:] if line[0] or line[2]]
    assert named == sorted(set(payouts))
    sizes = [0]
    for line in lines[1:]:
        sizes += [1] if line[0] else [sizes.pop() + 1]
    assert sizes[1:] == [len(list(members)) for _, members in groupby(sorted(payouts))]


def test_a_total_follows_the_rows(serve: Callable[..., Client]) -> None:
    client = serve(
        {"fault": "total_row"}, {"fault": "total_row", "table": "Ads", "nth": 2}, {"fault": "native_dates", "nth": 2}
    )
    truth = client.simulator.rows("settled_transaction_ledger", "acme", OCTOBER)
    lines = lines_of(client.file(client.bought("settled_transaction_ledger")).content)
    assert len(lines) == len(truth) + 2
    total = dict(zip(lines[0], lines[-1], strict=True))
    assert (total["NEFT ID"], total["Order item ID"], total["Order Date"]) == ("Total", "", "")
    assert Decimal(total["Sale Amount (Rs.)"]) == amounts(truth, "Sale Amount (Rs.)")
    sheets = settlement(client)
    assert column_of(sheets["Ads"], "NEFT ID")[-1] == "Total"
    assert column_of(sheets["Orders"], "NEFT ID")[-1] != "Total"


def test_blank_columns_stand_between_the_others(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "blank_columns", "after": 5}, {"fault": "blank_columns", "nth": 2}, file_format="csv")
    truth = client.simulator.rows("orders_report", "acme", OCTOBER)
    for after, blanks in ((5, 7), (10, 3)):
        lines = lines_of(client.file(client.bought()).content)
        places = [place for place, name in enumerate(lines[0]) if not name]
        assert len(places) == blanks
        assert places[:2] == [after, 2 * after + 1]
        assert {line[place] for line in lines for place in places} == {""}
        assert [[cell for place, cell in enumerate(line) if place not in places] for line in lines[1:]] == [
            list(row.values()) for row in truth
        ]


def test_the_second_layout_of_the_returns(serve: Callable[..., Client]) -> None:
    client = serve(
        {"fault": "second_layout", "identifier": "returns_report", "times": 2},
        {"fault": "file_format", "format": "xlsx", "nth": 2},
    )
    truth = client.simulator.rows("returns_report", "acme", OCTOBER, table="Returns dashboard export")
    lines = lines_of(client.file(client.bought("returns_report")).content)
    assert [dict(zip(lines[0], line, strict=True)) for line in lines[1:]] == truth
    book = workbook_of(client.file(client.bought("returns_report")).content)
    assert book.sheetnames == ["Returns dashboard export"]
    assert lines_of(client.file(client.bought("returns_report")).content)[0][0] == "return_id"


def test_columns_of_any_table_are_renamed_and_dropped(serve: Callable[..., Client]) -> None:
    client = serve(
        {"fault": "renamed_column", "table": "Ads", "header": "Type", "to": "Kind"},
        {"fault": "missing_column", "table": "TDS", "header": "ID"},
        {"fault": "extra_column", "header": "Mood"},
        {"fault": "ragged_row", "table": "Fines", "cells": 6},
        file_format="xlsx",
    )
    book = settlement(client)
    assert [cell.value for cell in book["Ads"][2]][:5] == [
        *("NEFT ID", "Payment Date", "Settlement Value (Rs.) = SUM(G:K)", "Kind", "Campaign / Transaction ID")
    ]
    assert [cell.value for cell in book["TDS"][2]] == [
        "NEFT ID",
        "Payment Date",
        "Settlement Value (Rs.)",
        "Claim Date",
    ]
    assert column_of(book["Orders"], "Mood")[2] == "extra 1"
    assert [cell.value for cell in book["Fines"][3]][4:] == ["surplus", "surplus"]


def test_text_faults_make_text_and_workbook_faults_workbooks(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "bom"}, {"fault": "native_dates", "nth": 2}, file_format={"orders_report": "xlsx"})
    assert client.file(client.bought()).content.startswith(b"\xef\xbb\xbforder_item_id,")
    assert client.file(client.bought("sales_ledger")).content.startswith(b"PK")
    assert client.file(client.bought("sales_ledger")).content.startswith(b"Seller GSTIN")
    assert client.file(client.bought()).content.startswith(b"PK")


def test_workbooks_are_packed_like_text(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "gzip_file"}, {"fault": "zip_file", "nth": 2}, file_format="xlsx")
    packed = client.file(client.bought()).content
    assert "Orders" in workbook_of(gzip.decompress(packed)).sheetnames
    with zipfile.ZipFile(io.BytesIO(client.file(client.bought()).content)) as archive:
        assert archive.namelist() == ["report.xlsx"]
        assert "Orders" in workbook_of(archive.read("report.xlsx")).sheetnames


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"fault": "missing_column", "header": "Mood"}, "the column 'Mood', which Orders does not have"),
        ({"fault": "header_only", "table": "Mood"}, "there is no table 'Mood'"),
    ],
)
def test_a_script_that_does_not_fit_the_report_is_named_by_the_download(
    serve: Callable[..., Client], rule: dict[str, Any], words: str
) -> None:
    client = serve(rule)
    answer = client.file(client.bought())
    assert answer.status_code == 500
    assert words in answer.json()["errors"][0]["description"]


def test_the_command_lists_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli(["simulate", "--list-faults"])
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed[1 : len(FAULTS) + 1]] == list(FAULTS)
    for name, fault in FAULTS.items():
        assert fault.meaning in faults()
        assert f"| `{name}` |" in faults()


def test_file_formats_are_words_of_the_command() -> None:
    assert set(formats([]).values()) == {"csv"}
    chosen = formats(["xlsx", "orders_report=csv_with_preamble"])
    assert chosen.pop("orders_report") == "csv_with_preamble"
    assert set(chosen.values()) == {"xlsx"}
    assert set(FORMATS) == {"csv", "csv_with_preamble", "xlsx", "zip_of_workbooks"}


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


def test_a_report_may_be_unknown_at_first(serve: Callable[..., Client]) -> None:
    client = serve({"fault": "not_yet_known", "details": 2})
    report = client.bought()
    assert [client.detail(report).status_code for _ in range(3)] == [404, 404, 200]


def test_every_fault_has_its_test() -> None:
    tested = {rule["fault"] for rule in (*FILE_FAULTS, *SETTLEMENT_FAULTS)} | {
        *("odd_status", "slow", "no_location", "expires", "gzip_encoding", "bad_json", "drop_connection"),
        *("slow_answer", "rotate_refresh_token", "token_dead", "rate_limit", "server_error", "token_expired"),
        *("answer_lost", "failed", "expired", "never", "dead_link", "cut_download", "cut_chunked", "second_layout"),
        "not_yet_known",
        *HOSTILE_FAULTS,
    }
    assert tested == set(FAULTS)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({}, "a fault script is a list"),
        ([{}], "rule 1 is not an object that names a fault"),
        ([{"fault": "gremlins"}], "rule 1 names 'gremlins', which is not a fault; they are answer_lost"),
        ([{"fault": "failed"}, {"fault": "slow", "secs": 3}], "rule 2: slow has no argument 'secs'; it has seconds"),
        ([{"fault": "slow", "seconds": "3"}], "rule 1: seconds is '3', which is of the wrong type"),
        ([{"fault": "failed", "call": "download"}], "rule 1: failed does not spoil the call 'download', only trigger"),
        ([{"fault": ["failed"]}], "which is not a fault"),
        ([{"fault": "renamed_column", "header": "sku"}], "rule 1: renamed_column needs 'to'"),
        ([{"fault": "file_format", "format": "pdf"}], "rule 1: format is 'pdf'; it is one of csv, "),
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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--faults", "."], "--faults . cannot be read: Is a directory"),
        (["--profile", "nowhere.json"], "--profile nowhere.json cannot be read: No such file or directory"),
        (["--file-format", "nope"], "--file-format: 'nope' is not a file format"),
        (["--port", "{taken}"], "port {taken} cannot be served: Address already in use"),
    ],
    ids=["faults", "profile", "format", "port"],
)
def test_a_server_that_cannot_begin_says_why(
    capsys: pytest.CaptureFixture[str], serve: Callable[..., Client], options: list[str], words: str
) -> None:
    taken = serve().simulator.url.rpartition(":")[2]
    with pytest.raises(SystemExit) as ended:
        cli(["simulate", *(option.format(taken=taken) for option in options)])
    assert ended.value.code == 2
    assert words.format(taken=taken) in capsys.readouterr().err
