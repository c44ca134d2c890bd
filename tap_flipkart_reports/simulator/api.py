"""The API's state and rules, without HTTP: what it was asked, what it sold, what it answers."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from tap_flipkart_reports.simulator.business.reports import LAYOUTS
from tap_flipkart_reports.simulator.business.views import View
from tap_flipkart_reports.simulator.faults import FORMATS
from tap_flipkart_reports.simulator.packing.files import Shelf, file_of
from tap_flipkart_reports.simulator.parameters import complaint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_flipkart_reports.simulator.business.layouts import Layout
    from tap_flipkart_reports.simulator.packing.files import File

KOLKATA = timezone(timedelta(hours=5, minutes=30))
"""India has had one zone and no summer time since 1945."""

TOKEN_SECONDS = 60 * 24 * 3600
REFRESH_SECONDS = 180 * 24 * 3600
CODE_SECONDS = 10 * 60
"""Not documented; RFC 6749 recommends no more."""

GRANTS = {
    "authorization_code": frozenset({"code", "redirect_uri", "state"}),
    "refresh_token": frozenset({"refresh_token"}),
    "client_credentials": frozenset({"scope"}),
}
"""What a token call says beside its `grant_type`."""


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """The API says no.

    Attributes:
        status: the HTTP status.
        document: the body.
    """

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.document = document


def refused(status: int, code: str, description: str) -> Refused:
    """A refusal in the shape the reference shows for the report calls."""
    return Refused(status, {"errors": [{"severity": "ERROR", "code": code, "description": description}]})


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A trigger that was accepted, and so paid for."""

    report_id: str
    correlation_id: str | None
    identifier: str
    seller_id: str
    parameters: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class _Code:
    """An authorization code: good once, for a while, with the redirect_uri and state it was asked for with."""

    seller_id: str
    redirect_uri: str
    state: str
    dies_at: datetime


@dataclass(kw_only=True)
class _Report:
    trigger: Trigger
    ready_at: datetime
    faults: dict[str, dict[str, Any]]
    details: int = 0
    key: str | None = None
    link_dies_at: datetime | None = None
    expires_for_good: bool = False


@dataclass(kw_only=True)
class Api:
    """The Report Management API of one app.

    Attributes:
        now: the present moment.
        generation_seconds: shortest and longest time a report takes, of all types or by identifier.
        file_format: one of `FORMATS`, of all types or by identifier.
        layout: one of `YEARS`: how files are laid out.
        orders_per_day: how much each seller sells.
        link_seconds: how long a link works.
        sellers: the sellers who have authorised the app, `None` for any.
    """

    client_id: str
    client_secret: str
    now: Callable[[], datetime]
    generation_seconds: tuple[float, float] | Mapping[str, tuple[float, float]]
    file_format: str | Mapping[str, str]
    layout: str
    orders_per_day: int
    link_seconds: float
    sellers: frozenset[str] | None
    triggers: list[Trigger] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    most_in_progress: int = 0
    most_of_a_seller: int = 0
    _reports: dict[str, _Report] = field(default_factory=dict)
    _correlations: set[str] = field(default_factory=set)
    _refresh: dict[str, int] = field(default_factory=Counter)
    _refresh_issued: dict[str, datetime] = field(default_factory=dict)
    _authorised: set[str] = field(default_factory=set)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _dead_sellers: set[str] = field(default_factory=set)
    _access: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _shelf: Shelf = field(default_factory=Shelf)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # Tokens

    def refresh_token(self, seller_id: str) -> str:
        """The refresh token a seller's authorisation has given, as often rotated as it was."""
        with self._lock:
            self._refresh_issued.setdefault(seller_id, self.now())
            token = f"refresh.{seller_id}.{self._refresh[seller_id]}.{self._signature(seller_id)}"
            self.secrets.add(token)
            return token

    def access_token(self, seller_id: str, *, scope: str = "Seller_Api") -> str:
        """An access token that works for 60 days."""
        with self._lock:
            token = f"access.{secrets.token_urlsafe(18)}"
            self._access[token] = (seller_id if scope else "", self.now() + timedelta(seconds=TOKEN_SECONDS))
            self.secrets.add(token)
            return token

    def _signature(self, seller_id: str) -> str:
        return hashlib.sha256(f"{self.client_secret} {seller_id}".encode()).hexdigest()[:24]

    @staticmethod
    def claimed_seller(query: Mapping[str, str]) -> str:
        """The seller a token call names, true or not."""
        if query.get("grant_type") == "authorization_code":
            return query.get("code", "").rpartition(".")[0].removeprefix("code.")
        parts = query.get("refresh_token", "").split(".")
        return parts[1] if len(parts) == 4 else ""  # noqa: PLR2004 - of `refresh_token`

    def token(self, basic: str, query: Mapping[str, str], firing: Mapping[str, object]) -> dict[str, Any]:
        """The token call.

        Args:
            basic: the decoded `id:secret` of HTTP Basic.
            query: the query's parameters.
            firing: what goes wrong.
        """
        if basic != f"{self.client_id}:{self.client_secret}":
            raise Refused(401, {"error": "unauthorized", "error_description": "Bad credentials"})
        grant = query.get("grant_type")
        if grant in GRANTS and not set(query) <= GRANTS[grant] | {"grant_type"}:
            raise Refused(400, {"error": "invalid_request", "error_description": f"Unknown parameter for {grant}"})
        if grant == "client_credentials" and query.get("scope") == "Seller_Api":
            return self._token_answer(self.access_token("", scope=""), None)
        if grant not in {"refresh_token", "authorization_code"}:
            raise Refused(400, {"error": "unsupported_grant_type", "error_description": "Unknown grant_type or scope"})
        if "token_dead" in firing:
            self._dead_sellers.add(self.claimed_seller(query))
        with self._lock:
            seller_id = self._authorised_by(query) if grant == "authorization_code" else self._refreshed_by(query)
            if "rotate_refresh_token" in firing:
                self._rotate(seller_id)
            return self._token_answer(self.access_token(seller_id), self.refresh_token(seller_id))

    def check_link(self, query: Mapping[str, str]) -> None:
        """Refuse a link to the authorize page that is not as documented."""
        if query.get("client_id") != self.client_id or query.get("response_type") != "code":
            raise Refused(400, {"error": "invalid_request", "error_description": "client_id, response_type"})
        is_https = query.get("redirect_uri", "").startswith("https://")
        if not is_https or not query.get("state") or query.get("scope") != "Seller_Api":
            raise Refused(400, {"error": "invalid_request", "error_description": "redirect_uri (https), scope, state"})

    def authorize(self, query: Mapping[str, str], seller_id: str) -> str:
        """A seller allows the app on the authorize page: where the browser is sent."""
        self.check_link(query)
        redirect_uri, state = query["redirect_uri"], query["state"]
        code = f"code.{seller_id}.{secrets.token_urlsafe(12)}"
        self.secrets.add(code)
        with self._lock:
            self._codes[code] = _Code(
                seller_id=seller_id,
                redirect_uri=redirect_uri,
                state=state,
                dies_at=self.now() + timedelta(seconds=CODE_SECONDS),
            )
        joint = "&" if "?" in redirect_uri else "?"
        return f"{redirect_uri}{joint}{urlencode({'code': code, 'state': state})}"

    def _authorised_by(self, query: Mapping[str, str]) -> str:
        """The seller of a code, who has a new refresh token from now on."""
        if not all(query.get(name) for name in ("code", "redirect_uri", "state")):
            raise Refused(400, {"error": "invalid_request", "error_description": "code, redirect_uri, state"})
        code = self._codes.pop(query["code"], None)
        asked = (query["redirect_uri"], query["state"])
        if code is None or asked != (code.redirect_uri, code.state) or code.dies_at <= self.now():
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid authorization code"})
        self._authorised.add(code.seller_id)
        self._dead_sellers.discard(code.seller_id)
        self._rotate(code.seller_id)
        return code.seller_id

    def _refreshed_by(self, query: Mapping[str, str]) -> str:
        """The seller of a refresh token that is the newest one and not too old."""
        seller_id = self.claimed_seller(query)
        is_known = self.sellers is None or seller_id in self.sellers or seller_id in self._authorised
        is_right = is_known and query.get("refresh_token") == self.refresh_token(seller_id)
        dies_at = self._refresh_issued.get(seller_id, self.now()) + timedelta(seconds=REFRESH_SECONDS)
        if not is_right or seller_id in self._dead_sellers or dies_at <= self.now():
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid refresh token"})
        return seller_id

    def _rotate(self, seller_id: str) -> None:
        self._refresh[seller_id] += 1
        self._refresh_issued[seller_id] = self.now()

    @staticmethod
    def _token_answer(access_token: str, refresh_token: str | None) -> dict[str, Any]:
        answer = {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": "Seller_Api",
        }
        return answer if refresh_token is None else {**answer, "refresh_token": refresh_token}

    def seller_of_bearer(self, token: str) -> str:
        """The seller an access token speaks for, empty for the app itself."""
        seller_id, dies_at = self._access.get(token, ("", datetime.min.replace(tzinfo=timezone.utc)))
        if dies_at <= self.now():
            raise Refused(401, {"error": "invalid_token", "error_description": "Access token expired or invalid"})
        if not seller_id:
            raise Refused(403, {"error": "access_denied", "error_description": "Not a third-party token"})
        return seller_id

    def end_token(self, token: str) -> None:
        """Let an access token be dead from now on."""
        self._access.pop(token, None)

    # Reports

    def trigger(
        self, seller_id: str, identifier: str, document: object, firing: dict[str, dict[str, Any]]
    ) -> dict[str, Any]:
        """The trigger call."""
        if identifier not in LAYOUTS:
            raise refused(404, "NOT_FOUND", f"no report type {identifier}")
        if not isinstance(document, dict) or not set(document) <= {"correlation_id", "parameters"}:
            raise refused(400, "INVALID_REQUEST", "the body takes correlation_id and parameters")
        parameters = document.get("parameters")
        if not isinstance(parameters, dict):
            raise refused(400, "INVALID_REQUEST", "parameters is required")
        today = self.now().astimezone(KOLKATA).date()
        if (wrong := complaint(identifier, parameters, today=today)) is not None:
            raise refused(422, "INVALID_PARAMETERS", wrong)
        with self._lock:
            correlation_id = self._new_correlation(document["correlation_id"]) if "correlation_id" in document else None
            report = self._sell(seller_id, identifier, parameters, correlation_id, firing)
        return {"report_id": report.trigger.report_id}

    def _new_correlation(self, correlation_id: object) -> str:
        try:
            text = str(uuid.UUID(str(correlation_id)))
        except ValueError:
            text = ""
        if not isinstance(correlation_id, str) or text != correlation_id.lower():
            raise refused(400, "INVALID_REQUEST", "correlation_id must be a UUID, as text with hyphens")
        if text in self._correlations:
            raise refused(409, "DUPLICATE_REQUEST", "correlation_id was used before")
        self._correlations.add(text)
        return text

    def _sell(
        self,
        seller_id: str,
        identifier: str,
        parameters: Mapping[str, Any],
        correlation_id: str | None,
        firing: dict[str, dict[str, Any]],
    ) -> _Report:
        number = len(self.triggers) + 1
        digest = hashlib.sha256(f"{number} {seller_id} {identifier}".encode()).hexdigest().upper()
        shortest, longest = self._generation(identifier)
        share = int(digest[:8], 16) / 0xFFFFFFFF
        seconds = firing.get("slow", {}).get("seconds", shortest + share * (longest - shortest))
        now = self.now()
        trigger = Trigger(
            report_id=f"R-{number:06d}{digest[:20]}",
            correlation_id=correlation_id,
            identifier=identifier,
            seller_id=seller_id,
            parameters=dict(parameters),
            at=now,
        )
        ready_at = datetime.max.replace(tzinfo=timezone.utc) if "never" in firing else now + timedelta(seconds=seconds)
        report = _Report(trigger=trigger, ready_at=ready_at, faults=firing)
        self.triggers.append(trigger)
        self._reports[trigger.report_id] = report
        running = Counter(
            other.trigger.seller_id for other in self._reports.values() if other.ready_at > now and not other.key
        )
        self.most_in_progress = max(self.most_in_progress, running.total())
        self.most_of_a_seller = max(self.most_of_a_seller, *running.values(), 0)
        return report

    def _generation(self, identifier: str) -> tuple[float, float]:
        if isinstance(self.generation_seconds, tuple):
            return self.generation_seconds
        return self.generation_seconds.get(identifier, (0.0, 0.0))

    def _report(self, seller_id: str, report_id: str) -> _Report:
        report = self._reports.get(report_id)
        if report is None or report.trigger.seller_id != seller_id:
            raise refused(404, "NOT_FOUND", "no such report")
        return report

    def detail(
        self, seller_id: str, report_id: str, base_url: str, firing: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The detail call; each of a completed report whose link is dead makes a new link."""
        with self._lock:
            report = self._report(seller_id, report_id)
            report.details += 1
            unknown = report.faults.get("not_yet_known")
            if unknown is not None and report.details <= unknown.get("details", 1):
                raise refused(404, "NOT_FOUND", "no such report")
            answer: dict[str, Any] = {"report_id": report_id, "status": self._status(report, firing)}
            if answer["status"] == "COMPLETED" and "no_location" not in firing:
                expiry = self._link(report)
                answer["location"] = f"{base_url}/storage/reports/{report_id}?x_secret_key={report.key}"
                answer["metadata"] = {"expiry": f"{expiry.astimezone(KOLKATA):%Y-%m-%d %H:%M:%S}"}
            return answer

    def bought_as(self, report_id: str) -> dict[str, str | None]:
        """Type and seller of a report, for the fault script."""
        report = self._reports.get(report_id)
        if report is None:
            return {"identifier": None, "seller_id": None}
        return {"identifier": report.trigger.identifier, "seller_id": report.trigger.seller_id}

    def _status(self, report: _Report, firing: Mapping[str, Mapping[str, Any]]) -> str:
        odd = report.faults.get("odd_status")
        if odd is not None and report.details <= odd.get("details", 1):
            return str(odd.get("word", "QUEUED"))
        report.expires_for_good |= "expires" in firing
        if report.expires_for_good:
            return "EXPIRED"
        now = self.now()
        if now < report.ready_at:
            return "TRIGGERED" if (now - report.trigger.at).total_seconds() < 1 else "PROCESSING"
        if "failed" in report.faults:
            return "FAILED"
        return "EXPIRED" if "expired" in report.faults else "COMPLETED"

    def _link(self, report: _Report) -> datetime:
        now = self.now()
        if report.key is None or report.link_dies_at is None or report.link_dies_at <= now:
            # Of 25 bytes, so that every key has something to encode, and whoever encodes it anew is found out.
            report.key = quote(base64.b64encode(secrets.token_bytes(25)).decode(), safe="")
            report.link_dies_at = now + timedelta(seconds=self.link_seconds)
            self.secrets.add(report.key)
        return report.link_dies_at

    def file(self, report_id: str, query: str, firing: Mapping[str, Mapping[str, Any]]) -> File:
        """The download.

        Args:
            report_id: from the link's path.
            query: the link's query, byte for byte.
            firing: what goes wrong.
        """
        with self._lock:
            report = self._reports.get(report_id)
            if report is None:
                raise refused(404, "NOT_FOUND", "no such file")
            if "dead_link" in firing:
                report.key = None
            is_alive = report.link_dies_at is not None and self.now() < report.link_dies_at
            if report.key is None or query != f"x_secret_key={report.key}" or not is_alive:
                raise Refused(403, {"error": "forbidden", "error_description": "Request has expired"})
        try:
            return self._file(report.trigger, report.faults)
        except LookupError as error:
            raise refused(500, "FAULT_SCRIPT", str(error)) from error

    def _file(self, trigger: Trigger, faults: Mapping[str, Mapping[str, Any]]) -> File:
        identifier, view = trigger.identifier, self.view_of(trigger)
        file_format = (
            self.file_format if isinstance(self.file_format, str) else self.file_format.get(identifier, FORMATS[0])
        )

        layout = self.layout_of(identifier, faults.get("layout", {}).get("year"))

        def make() -> File:
            return file_of(identifier, layout, view, file_format=file_format, faults=faults)

        if faults or not view.is_final:
            return make()
        return self._shelf.file((identifier, view.seller_id, view.warehouse, view.first, view.last), make)

    def layout_of(self, identifier: str, year: str | None = None) -> Layout:
        """How the file of a report type is laid out, unless told as in the simulator's own year."""
        return LAYOUTS[identifier].in_year(year or self.layout)

    def close(self) -> None:
        """Remove the files that are kept."""
        self._shelf.clear()

    def view_of(self, trigger: Trigger) -> View:
        """What a report sees, as of its trigger."""
        as_of = trigger.at.astimezone(KOLKATA).replace(tzinfo=None)
        return View.of(trigger.seller_id, trigger.parameters, as_of=as_of, per_day=self.orders_per_day)
