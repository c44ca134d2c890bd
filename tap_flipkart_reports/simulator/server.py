"""The API over real HTTP on a loopback port."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import threading
from collections import Counter
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tap_flipkart_reports.simulator.api import Api, Refused, Trigger, refused
from tap_flipkart_reports.simulator.faults import Faults

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection, Mapping

    from typing_extensions import Self

TOKEN_PATH = "/oauth-service/oauth/token"  # noqa: S105 - a path
LINK_SECONDS = 24 * 3600.0
MAX_BODY = 64 * 1024


def _system_now() -> datetime:
    return datetime.now(timezone.utc)  # noqa: TID251 - the simulator imports nothing of the tap, its clock neither


class Simulator:
    """A stand-in for Flipkart's Report Management API, strict and stateful.

    Args:
        port: on 127.0.0.1; 0 for a free one.
        faults: what goes wrong.
        now: the present moment; tests put their own clock here.
        generation_seconds: shortest and longest time a report takes, of all types or by identifier.
        orders_per_day: about as many orders each seller gets.
        link_seconds: how long a download link works.
        sellers: names of the sellers who have authorised the app; by default every name is one.
        client_id: the app's id.
        client_secret: the app's secret.
    """

    def __init__(  # noqa: PLR0913 - each is a dial of its own
        self,
        *,
        port: int = 0,
        faults: Faults | None = None,
        now: Callable[[], datetime] = _system_now,
        generation_seconds: tuple[float, float] | Mapping[str, tuple[float, float]] = (0.0, 0.0),
        orders_per_day: int = 8,
        link_seconds: float = LINK_SECONDS,
        sellers: Collection[str] | None = None,
        client_id: str = "simulator",
        client_secret: str = "simulator-secret",  # noqa: S107 - it guards nothing
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.faults = faults or Faults()
        self.calls: Counter[tuple[str, int]] = Counter()
        self.now = now
        self._orders_per_day = orders_per_day
        self._api = Api(
            client_id=client_id,
            client_secret=client_secret,
            now=now,
            generation_seconds=generation_seconds,
            orders_per_day=orders_per_day,
            link_seconds=link_seconds,
            sellers=frozenset(sellers) if sellers is not None else None,
        )
        self._api.secrets.add(client_secret)
        self._server = _Server(("127.0.0.1", port), self)
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

    def __enter__(self) -> Self:
        """Serve until the block's end."""
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
        """The token call's address."""
        return self.url + TOKEN_PATH

    @property
    def triggers(self) -> list[Trigger]:
        """The triggers that were accepted, each paid for, in their order."""
        return self._api.triggers

    @property
    def secrets(self) -> set[str]:
        """Every secret it knows or has handed out."""
        return self._api.secrets

    @property
    def most_in_progress(self) -> int:
        """The most reports in progress at once."""
        return self._api.most_in_progress

    @property
    def most_of_a_seller(self) -> int:
        """The most reports in progress at once of one seller."""
        return self._api.most_of_a_seller

    def refresh_token(self, seller_id: str) -> str:
        """The refresh token of a seller."""
        return self._api.refresh_token(seller_id)

    def access_token(self, seller_id: str) -> str:
        """A fresh access token of a seller."""
        return self._api.access_token(seller_id)

    def rows(
        self, identifier: str, seller_id: str, parameters: Mapping[str, Any], *, as_of: datetime | None = None
    ) -> list[dict[str, str]]:
        """The truth: a report's cells by header, as they stand in the file.

        Args:
            identifier: the report type.
            seller_id: the seller.
            parameters: of the trigger, documented ones.
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
        return self._api.table_of(trigger)[1]

    def answer(self, request: _Handler) -> None:
        """Answer one request."""
        request.send(*_Answer(self, self._api, request).make())


class _Answer:
    """The way of one request through the rules and faults."""

    def __init__(self, simulator: Simulator, api: Api, request: _Handler) -> None:
        self._simulator = simulator
        self._api = api
        self._request = request
        self._url = urlsplit(request.path)

    def make(self) -> tuple[int, dict[str, str], bytes, Mapping[str, Mapping[str, Any]]]:
        """Status, headers, body, and the faults that spoil how they are sent."""
        call, arguments = self._route()
        status: int
        firing: dict[str, dict[str, Any]] = {}
        try:
            if call is None:
                raise refused(*arguments)
            body, firing = getattr(self, f"_{call}")(*arguments)
            status, headers = 200, {"Content-Type": "text/csv" if call == "download" else "application/json"}
        except Refused as no:
            body = json.dumps(no.document).encode()
            status, headers = no.status, {"Content-Type": "application/json"}
        except _Spoilt as spoilt:
            status, headers, body, firing = spoilt.status, spoilt.headers, spoilt.body, spoilt.firing
        self._simulator.calls[call or "unknown", status] += 1
        return status, headers, body, firing

    def _route(self) -> tuple[str | None, tuple[Any, ...]]:
        parts = self._url.path.strip("/").split("/")
        method = self._request.command
        if self._url.path == TOKEN_PATH:
            return ("token", ()) if method == "GET" else (None, (405, "METHOD_NOT_ALLOWED", "use GET"))
        if len(parts) == 2 and parts[0] == "reports":  # noqa: PLR2004 - /reports/{identifier}
            return ("trigger", (parts[1],)) if method == "POST" else (None, (405, "METHOD_NOT_ALLOWED", "use POST"))
        is_detail = len(parts) == 3 and parts[0] == "reports" and parts[2] == "detail"  # noqa: PLR2004 - /reports/{id}/detail
        is_file = len(parts) == 3 and parts[:2] == ["storage", "reports"]  # noqa: PLR2004 - /storage/reports/{id}
        if (is_detail or is_file) and method != "GET":
            return None, (405, "METHOD_NOT_ALLOWED", "use GET")
        if is_detail:
            return "detail", (parts[1],)
        return ("download", (parts[2],)) if is_file else (None, (404, "NOT_FOUND", "no such resource"))

    def _token(self) -> tuple[bytes, dict[str, dict[str, Any]]]:
        query = dict(parse_qsl(self._url.query))
        firing = self._simulator.faults.firing("token", seller_id=self._api.claimed_seller(query))
        self._spoil(firing)
        scheme, _, encoded = self._request.headers.get("Authorization", "").partition(" ")
        try:
            basic = base64.b64decode(encoded, validate=True).decode() if scheme == "Basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            basic = ""
        return _json(self._api.token(basic, query, firing)), {}

    def _trigger(self, identifier: str) -> tuple[bytes, dict[str, dict[str, Any]]]:
        seller_id, token = self._bearer()
        firing = self._simulator.faults.firing("trigger", identifier=identifier, seller_id=seller_id)
        self._spoil(firing, token)
        if self._request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise refused(400, "INVALID_REQUEST", "Content-Type must be application/json")
        try:
            document = json.loads(self._request.body)
        except ValueError:
            raise refused(400, "INVALID_REQUEST", "the body is not JSON") from None
        answer = self._api.trigger(seller_id, identifier, document, firing)
        if "answer_lost" in firing:
            raise _Spoilt(HTTPStatus.OK, firing={"drop_connection": {}})
        return _json(answer), {}

    def _detail(self, report_id: str) -> tuple[bytes, dict[str, dict[str, Any]]]:
        seller_id, token = self._bearer()
        identifier = self._api.identifier_of(report_id)
        firing = self._simulator.faults.firing("detail", identifier=identifier, seller_id=seller_id)
        self._spoil(firing, token)
        return _json(self._api.detail(seller_id, report_id, self._simulator.url, firing)), {}

    def _download(self, report_id: str) -> tuple[bytes, dict[str, dict[str, Any]]]:
        identifier = self._api.identifier_of(report_id)
        firing = self._simulator.faults.firing("download", identifier=identifier)
        self._spoil(firing)
        return self._api.file(report_id, self._url.query, firing), firing

    def _bearer(self) -> tuple[str, str]:
        scheme, _, token = self._request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            raise Refused(401, {"error": "unauthorized", "error_description": "Full authentication is required"})
        return self._api.seller_of_bearer(token), token

    def _spoil(self, firing: Mapping[str, Mapping[str, Any]], token: str = "") -> None:
        """The faults that any call can have."""
        if "slow_answer" in firing:
            threading.Event().wait(firing["slow_answer"].get("seconds", 1))
        if "token_expired" in firing:
            self._api.end_token(token)
            raise Refused(401, {"error": "invalid_token", "error_description": "Access token expired"})
        if "drop_connection" in firing:
            raise _Spoilt(HTTPStatus.OK, firing={"drop_connection": {}})
        if "rate_limit" in firing:
            asked = firing["rate_limit"].get("retry_after")
            text = (
                format_datetime(self._simulator.now().astimezone(timezone.utc), usegmt=True)
                if asked == "date"
                else str(asked)
            )
            headers = {"Retry-After": text} if asked is not None else {}
            raise _Spoilt(HTTPStatus.TOO_MANY_REQUESTS, headers=headers, body=b'{"message": "Too many requests"}')
        if "server_error" in firing:
            status = firing["server_error"].get("status", 500)
            raise _Spoilt(status, body=b"<html><head><title>Server error</title></head></html>")
        if "bad_json" in firing:
            raise _Spoilt(HTTPStatus.OK, body=b'{"report_id": ')


class _Spoilt(Exception):  # noqa: N818 - an answer, not an error
    def __init__(
        self,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        firing: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.headers = dict(headers or {})
        self.body = body
        self.firing = firing or {}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's own
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - the library's own
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Close what clients keep open, so that no thread waits for their next request."""
        for request in list(self._open):
            with suppress(OSError):
                request.shutdown(2)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's own
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    body: bytes

    def do_GET(self) -> None:
        self.body = b""
        self.server.simulator.answer(self)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(min(length, MAX_BODY))
        self.server.simulator.answer(self)

    do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the library's own names

    def send(
        self, status: int, headers: Mapping[str, str], body: bytes, firing: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Send an answer, cut short or dropped if the script says so."""
        if "drop_connection" in firing:
            self.close_connection = True
            return
        if "gzip_encoding" in firing:
            body, headers = gzip.compress(body, mtime=0), {**headers, "Content-Encoding": "gzip"}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        is_chunked = "cut_chunked" in firing
        self.send_header(*(("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", str(len(body)))))
        self.end_headers()
        cut = firing.get("cut_chunked", firing.get("cut_download"))
        if cut is None:
            self.wfile.write(body)
            return
        part = body[: cut.get("bytes", len(body) // 2)]
        self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own
        """Say nothing: the process that runs it has its own log."""
