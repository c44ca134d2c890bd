"""The simulated API as an HTTP server on a loopback port."""

from __future__ import annotations

import base64
import binascii
import html
import json
import threading
import uuid
from collections import Counter
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tap_flipkart_reports.simulator.api import Api, Trigger
from tap_flipkart_reports.simulator.business.reports import LAYOUTS
from tap_flipkart_reports.simulator.faults import FORMATS, YEARS, Faults
from tap_flipkart_reports.simulator.http_server import SimulatorRequest, SimulatorServer
from tap_flipkart_reports.simulator.packing.files import File
from tap_flipkart_reports.simulator.profile import ApiProfile, documented
from tap_flipkart_reports.simulator.refusals import RateLimited, Refused, refused
from tap_flipkart_reports.simulator.spoiling import FaultyAnswer, spoil_any_call
from tap_flipkart_reports.simulator.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from typing_extensions import Self

    from tap_flipkart_reports.simulator.http_server import ActiveFaults, Body

TOKEN_PATH = "/oauth-service/oauth/token"  # noqa: S105 - a path
AUTHORIZE_PATH = "/oauth-service/oauth/authorize"
PRIVATE_HOST = "169.254.169.254"
"""The metadata address of cloud machines, which answers with credentials."""

LINK_SECONDS = 24 * 3600.0


def _system_now() -> datetime:
    return datetime.now(timezone.utc)  # noqa: TID251 - the simulator imports nothing of the tap, not even its clock


class Simulator:
    """A stand-in for Flipkart's Report Management API, strict and stateful.

    Args:
        port: on 127.0.0.1; 0 for a free one.
        faults: the faults of a script.
        now: returns the present moment; tests pass their own clock.
        generation_seconds: shortest and longest time that a report takes, for all types or by identifier.
        file_format: the format of files, for all types or by identifier: `csv` (the first table),
            `csv_with_preamble`, `xlsx` (a workbook of all tables), `zip_of_workbooks` (one workbook for each quarter of
            the financial_year_ledger, otherwise as `xlsx`). The API's documentation does not name the format.
        layout: the year whose layout the files have, 2026 or 2025.
        orders_per_day: approximate number of orders per seller and day.
        link_seconds: how long a download link works.
        sellers: names of the sellers who have authorised the app; by default any name.
        profile: how the API behaves; by default as documented.
        client_id: the app's id.
        client_secret: the app's secret.

    Raises:
        ValueError: the file format, layout or identifier is unknown.
        OSError: the port is in use.
    """

    def __init__(  # noqa: PLR0913 - independent options
        self,
        *,
        port: int = 0,
        faults: Faults | None = None,
        now: Callable[[], datetime] = _system_now,
        generation_seconds: tuple[float, float] | Mapping[str, tuple[float, float]] = (0.0, 0.0),
        file_format: str | Mapping[str, str] = FORMATS[0],
        layout: str = YEARS[0],
        orders_per_day: int = 8,
        link_seconds: float = LINK_SECONDS,
        sellers: Collection[str] | None = None,
        profile: ApiProfile | None = None,
        client_id: str = "simulator",
        client_secret: str = "simulator-secret",  # noqa: S107 - it protects nothing
    ) -> None:
        check_formats(file_format)
        if layout not in YEARS:
            raise ValueError(f"{layout!r} is not a layout; they are {', '.join(YEARS)}")
        self.client_id = client_id
        self.profile = profile or documented()
        self.client_secret = client_secret
        self.faults = faults or Faults()
        self.calls: Counter[tuple[str, int]] = Counter()
        self.now = now
        self._tokens = Tokens(
            client_id=client_id,
            client_secret=client_secret,
            now=now,
            sellers=frozenset(sellers) if sellers is not None else None,
            secrets={client_secret},
        )
        self._api = Api(
            now=now,
            secrets=self._tokens.secrets,
            generation_seconds=generation_seconds,
            file_format=file_format,
            layout=layout,
            orders_per_day=orders_per_day,
            link_seconds=link_seconds,
            profile=self.profile,
        )
        self._server = SimulatorServer(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def start(self) -> Self:
        """Serve in a thread."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the server and close its socket."""
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server.server_close()
        self._api.close()

    def __enter__(self) -> Self:
        """Serve until the end of the block."""
        return self.start()

    def __exit__(self, *_error: object) -> None:
        """End the server."""
        self.stop()

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def auth_url(self) -> str:
        """The address of the token call."""
        return self.url + TOKEN_PATH

    @property
    def triggers(self) -> list[Trigger]:
        """The accepted triggers in order; each of them was paid for."""
        return self._api.triggers

    @property
    def secrets(self) -> set[str]:
        """Every secret that it knows or has issued."""
        return self._api.secrets

    @property
    def most_in_progress(self) -> int:
        """The largest number of reports in progress at the same time."""
        return self._api.most_in_progress

    @property
    def most_of_a_seller(self) -> int:
        """The largest number of reports of one seller in progress at the same time."""
        return self._api.most_of_a_seller

    def refresh_token(self, seller_id: str) -> str:
        """The refresh token of a seller."""
        return self._tokens.refresh_token(seller_id)

    def code_address(self, link: str, seller_id: str) -> str:
        """The address to which the browser of a seller who allows the app is redirected.

        Args:
            link: the app's link to the authorize page.
            seller_id: the seller who signs in there.
        """
        return self._tokens.authorize(dict(parse_qsl(urlsplit(link).query)), seller_id)

    def access_token(self, seller_id: str) -> str:
        """A fresh access token of a seller."""
        return self._tokens.access_token(seller_id)

    def rows(
        self,
        identifier: str,
        seller_id: str,
        parameters: Mapping[str, Any],
        *,
        table: str | None = None,
        as_of: datetime | None = None,
    ) -> list[dict[str, str]]:
        """The expected cells of a table by header, as in a CSV file.

        A workbook has numbers instead of their texts, and may have headers of several rows.

        Args:
            identifier: the report type.
            seller_id: the seller.
            parameters: the trigger's parameters, by documented names.
            table: the table's title, by default that of the first.
            as_of: the moment of the trigger, by default now.
        """
        moment = (as_of or self.now()).astimezone(timezone.utc)
        trigger = Trigger(
            report_id="",
            correlation_id=None,
            identifier=identifier,
            seller_id=seller_id,
            parameters=parameters,
            at=moment,
        )
        return list(self._api.layout_of(identifier).table(table).rows(self._api.view_of(trigger)))

    def answer(self, request: SimulatorRequest) -> None:
        """Answer one request."""
        request.send(*_Answer(self, self._api, self._tokens, request).make())


class _Answer:
    """Makes the answer to one request, with its faults."""

    def __init__(self, simulator: Simulator, api: Api, tokens: Tokens, request: SimulatorRequest) -> None:
        self._simulator = simulator
        self._api = api
        self._tokens = tokens
        self._request = request
        self._url = urlsplit(request.path)
        self._query = request.path.partition("?")[2]

    def make(self) -> tuple[int, dict[str, str], Body, ActiveFaults]:
        """Status, headers, body, and the faults that apply when they are sent."""
        call, arguments = self._route()
        status: int
        body: Body
        active_faults: ActiveFaults = {}
        try:
            if call is None:
                raise refused(*arguments)
            body, active_faults = getattr(self, f"_{call}")(*arguments)
            media_type = body.media_type if isinstance(body, File) else "application/json"
            status, headers = 200, {"Content-Type": media_type}
        except Refused as refusal:
            body = json.dumps(refusal.document).encode()
            status, headers = refusal.status, {"Content-Type": "application/json"}
        except RateLimited as limited:
            body = b'{"message": "Too many requests"}'
            status, headers = 429, {"Content-Type": "application/json", "Retry-After": str(limited.seconds)}
        except FaultyAnswer as faulty:
            status, headers, body, active_faults = faulty.status, faulty.headers, faulty.body, faulty.active_faults
        for name, value in self._simulator.profile.headers.items():
            headers[name] = value.format(uuid=uuid.uuid4())
        self._simulator.calls[call or "unknown", status] += 1
        return status, headers, body, active_faults

    def _route(self) -> tuple[str | None, tuple[Any, ...]]:
        parts = self._url.path.removeprefix("/").split("/")
        method = self._request.command
        if self._url.path == TOKEN_PATH:
            return ("token", ()) if method == "GET" else (None, (405, "METHOD_NOT_ALLOWED", "use GET"))
        if self._url.path == AUTHORIZE_PATH:
            return ("authorize", ()) if method == "GET" else (None, (405, "METHOD_NOT_ALLOWED", "use GET"))
        if len(parts) == 2 and parts[0] == "reports":  # noqa: PLR2004 - /reports/{identifier}
            return ("trigger", (parts[1],)) if method == "POST" else (None, (405, "METHOD_NOT_ALLOWED", "use POST"))
        is_detail = len(parts) == 3 and parts[0] == "reports" and parts[2] == "detail"  # noqa: PLR2004 - /reports/{id}/detail
        is_file = len(parts) == 3 and parts[:2] == ["storage", "reports"]  # noqa: PLR2004 - /storage/reports/{id}
        if (is_detail or is_file) and method != "GET":
            return None, (405, "METHOD_NOT_ALLOWED", "use GET")
        if is_detail:
            return "detail", (parts[1],)
        return ("download", (parts[2],)) if is_file else (None, (404, "NOT_FOUND", "no such resource"))

    def _token(self) -> tuple[Body, ActiveFaults]:
        pairs = parse_qsl(self._query, keep_blank_values=True)
        query = dict(pairs)
        if len(query) < len(pairs):
            raise Refused(400, {"error": "invalid_request", "error_description": "A parameter is given twice"})
        active_faults = self._simulator.faults.active_faults("token", seller_id=self._tokens.claimed_seller(query))
        self._spoil(active_faults)
        scheme, _, encoded = self._request.headers.get("Authorization", "").partition(" ")
        try:
            basic = base64.b64decode(encoded, validate=True).decode() if scheme == "Basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            basic = ""
        return _json(self._tokens.token(basic, query, active_faults)), active_faults

    def _authorize(self) -> tuple[Body, ActiveFaults]:
        """The page on which a seller signs in; the simulator asks only for a name."""
        query = dict(parse_qsl(self._url.query))
        if "seller_id" in query:
            raise FaultyAnswer(
                HTTPStatus.FOUND, headers={"Location": self._tokens.authorize(query, query["seller_id"])}
            )
        self._tokens.check_link(query)
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in query.items()
        )
        form = f'<form>{hidden}<label>Seller <input name="seller_id" required></label><button>Allow</button></form>'
        raise FaultyAnswer(
            HTTPStatus.OK,
            headers={"Content-Type": "text/html; charset=utf-8"},
            body=f"<!DOCTYPE html><title>Simulated Flipkart</title>{form}".encode(),
        )

    def _trigger(self, identifier: str) -> tuple[Body, ActiveFaults]:
        seller_id, token = self._bearer()
        active_faults = self._simulator.faults.active_faults("trigger", identifier=identifier, seller_id=seller_id)
        self._spoil(active_faults, token)
        if self._request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise refused(400, "INVALID_REQUEST", "Content-Type must be application/json")
        self._refuse_query()
        try:
            document = json.loads(self._request.body, object_pairs_hook=_object, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise refused(400, "INVALID_REQUEST", "the body is not JSON, or names a member twice") from None
        answer = self._api.trigger(seller_id, identifier, document, active_faults)
        if "answer_lost" in active_faults:
            raise FaultyAnswer(HTTPStatus.OK, active_faults={"drop_connection": {}})
        return _json(answer), active_faults

    def _detail(self, report_id: str) -> tuple[Body, ActiveFaults]:
        seller_id, token = self._bearer()
        identifier = self._api.bought_as(report_id)["identifier"]
        active_faults = self._simulator.faults.active_faults("detail", identifier=identifier, seller_id=seller_id)
        self._spoil(active_faults, token)
        self._refuse_query()
        answer = self._api.detail(seller_id, report_id, self._simulator.url, active_faults)
        if "odd_link" in active_faults and "location" in answer:
            answer = {**answer, "location": answer["location"].replace(self._simulator.url, f"{self._simulator.url}\n")}
        if "private_link" in active_faults and "location" in answer:
            host = active_faults["private_link"].get("host", PRIVATE_HOST)
            answer = {**answer, "location": urlsplit(answer["location"])._replace(scheme="https", netloc=host).geturl()}
        return _json(answer), active_faults

    def _download(self, report_id: str) -> tuple[Body, ActiveFaults]:
        active_faults = self._simulator.faults.active_faults("download", **self._api.bought_as(report_id))
        self._spoil(active_faults)
        if self._simulator.profile.download["needs_token"]:
            self._bearer()
        if "redirected" in active_faults:
            raise FaultyAnswer(HTTPStatus.FOUND, headers={"Location": f"../reports/{report_id}?{self._query}"})
        if "echoed_link" in active_faults:
            return f"Error: {self._request.path},Message\r\n".encode(), active_faults
        return self._api.file(report_id, self._query, active_faults), active_faults

    def _spoil(self, active_faults: ActiveFaults, token: str = "") -> None:
        spoil_any_call(
            active_faults,
            token=token,
            tokens=self._tokens,
            authorization=self._request.headers.get("Authorization", ""),
            now=self._simulator.now,
        )

    def _refuse_query(self) -> None:
        if self._query:
            raise refused(400, "INVALID_REQUEST", "this call has no query")

    def _bearer(self) -> tuple[str, str]:
        scheme, _, token = self._request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            raise Refused(401, {"error": "unauthorized", "error_description": "Full authentication is required"})
        return self._tokens.seller_of_bearer(token), token


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode()


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(members)
    if len(document) < len(members):
        raise ValueError("a member is named twice")
    return document


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def check_formats(file_format: str | Mapping[str, str]) -> None:
    """Check the formats of files.

    Raises:
        ValueError: a format or report type is unknown.
    """
    formats = {"": file_format} if isinstance(file_format, str) else file_format
    for identifier, one in formats.items():
        if identifier and identifier not in LAYOUTS:
            raise ValueError(f"{identifier!r} is not a report type; they are {', '.join(LAYOUTS)}")
        if one not in FORMATS:
            raise ValueError(f"{one!r} is not a file format; they are {', '.join(FORMATS)}")
