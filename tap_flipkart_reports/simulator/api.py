"""The API's state and rules, without HTTP: what it was asked, what it sold, what it answers."""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tap_flipkart_reports.simulator.business.relayout import relaid
from tap_flipkart_reports.simulator.business.reports import LAYOUTS
from tap_flipkart_reports.simulator.business.views import View
from tap_flipkart_reports.simulator.faults import FORMATS
from tap_flipkart_reports.simulator.packing.files import FileCache, file_of
from tap_flipkart_reports.simulator.parameters import expected, meanings, parameter_error
from tap_flipkart_reports.simulator.profile import ApiProfile, documented
from tap_flipkart_reports.simulator.refusals import RateLimited, Refused, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_flipkart_reports.simulator.business.layouts import Layout
    from tap_flipkart_reports.simulator.packing.files import File

KOLKATA = timezone(timedelta(hours=5, minutes=30))
"""India has had one zone and no summer time since 1945."""


def _put(document: dict[str, Any], path: Sequence[str], value: object) -> None:
    """Set the value at a path of members."""
    for name in path[:-1]:
        document = document.setdefault(name, {})
    document[path[-1]] = value


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """An accepted trigger; it is paid for."""

    report_id: str
    correlation_id: str | None
    identifier: str
    seller_id: str
    parameters: Mapping[str, Any]
    at: datetime
    meanings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parameters_by_meaning(self) -> Mapping[str, Any]:
        """The parameters by meaning."""
        return self.meanings or self.parameters


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
        now: returns the present moment.
        generation_seconds: shortest and longest time that a report takes, for all types or by identifier.
        file_format: one of `FORMATS`, for all types or by identifier.
        layout: one of `YEARS`, whose layouts files have.
        orders_per_day: approximate number of orders per seller and day.
        link_seconds: how long a link works.
        secrets: every secret that was issued; shared with the tokens.
        profile: how the API behaves.
    """

    now: Callable[[], datetime]
    secrets: set[str]
    generation_seconds: tuple[float, float] | Mapping[str, tuple[float, float]]
    file_format: str | Mapping[str, str]
    layout: str
    orders_per_day: int
    link_seconds: float
    profile: ApiProfile = field(default_factory=documented)
    triggers: list[Trigger] = field(default_factory=list)
    most_in_progress: int = 0
    most_of_a_seller: int = 0
    _reports: dict[str, _Report] = field(default_factory=dict)
    _correlations: set[str] = field(default_factory=set)
    _accepted: dict[str, list[datetime]] = field(default_factory=dict)
    _file_cache: FileCache = field(default_factory=FileCache)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def trigger(
        self, seller_id: str, identifier: str, document: object, active_faults: dict[str, dict[str, Any]]
    ) -> dict[str, Any]:
        """The trigger call."""
        rules = self.profile.trigger
        body = {rules["parameters_member"], rules["correlation_member"]}
        if identifier not in LAYOUTS:
            raise self._refused(404, "NOT_FOUND", f"no report type {identifier}")
        if not isinstance(document, dict) or not set(document) <= body:
            raise self._refused(400, "INVALID_REQUEST", f"the body takes {' and '.join(sorted(body))}")
        parameters = document.get(rules["parameters_member"])
        if not isinstance(parameters, dict):
            raise self._refused(400, "INVALID_REQUEST", f"{rules['parameters_member']} is required")
        forms = self.profile.forms(identifier)
        meant = meanings(parameters, forms)
        today = self.now().astimezone(KOLKATA).date()
        wrong = expected(identifier, forms) if meant is None else parameter_error(identifier, meant, today=today)
        if wrong is not None:
            raise self._refused(422, "INVALID_PARAMETERS", wrong)
        with self._lock:
            self._check_rate(seller_id)
            correlation_id = self._correlation(document)
            trigger = Trigger(
                report_id="",
                correlation_id=correlation_id,
                identifier=identifier,
                seller_id=seller_id,
                parameters=dict(parameters),
                at=self.now(),
                meanings=meant or {},
            )
            report = self._sell(trigger, active_faults)
        answer: dict[str, Any] = {}
        _put(answer, rules["report_id"], report.trigger.report_id)
        return answer

    def _refused(self, status: int, code: str, description: str) -> Refused:
        return refused(status, code, description, shape=self.profile.errors["shape"])

    def _check_rate(self, seller_id: str) -> None:
        """Refuse a trigger beyond the rate that the profile allows."""
        rate = self.profile.trigger["rate"]
        if rate is None:
            return
        now, key = self.now(), seller_id if rate["per"] == "seller" else ""
        since = now - timedelta(seconds=rate["seconds"])
        recent = [moment for moment in self._accepted.get(key, ()) if moment > since]
        if len(recent) >= rate["triggers"]:
            raise RateLimited(math.ceil((recent[0] - since).total_seconds()))
        self._accepted[key] = [*recent, now]

    def _correlation(self, document: Mapping[str, Any]) -> str | None:
        rules = self.profile.trigger
        member = rules["correlation_member"]
        if member not in document:
            if rules["correlation_id"] == "required":
                raise self._refused(400, "INVALID_REQUEST", f"{member} is required")
            return None
        if rules["correlation_id"] == "refused":
            raise self._refused(400, "INVALID_REQUEST", f"{member} is not a member of a trigger")
        return self._new_correlation(document[member])

    def _new_correlation(self, correlation_id: object) -> str:
        try:
            text = str(uuid.UUID(str(correlation_id)))
        except ValueError:
            text = ""
        if not isinstance(correlation_id, str) or text != correlation_id.lower():
            raise refused(400, "INVALID_REQUEST", "correlation_id must be a UUID, as text with hyphens")
        if text in self._correlations and self.profile.trigger["repeated_correlation_id"] == "refused":
            raise refused(409, "DUPLICATE_REQUEST", "correlation_id was used before")
        self._correlations.add(text)
        return text

    def _sell(self, accepted: Trigger, active_faults: dict[str, dict[str, Any]]) -> _Report:
        number, now = len(self.triggers) + 1, accepted.at
        digest = hashlib.sha256(f"{number} {accepted.seller_id} {accepted.identifier}".encode()).hexdigest().upper()
        shortest, longest = self._generation(accepted.identifier)
        share = int(digest[:8], 16) / 0xFFFFFFFF
        seconds = active_faults.get("slow", {}).get("seconds", shortest + share * (longest - shortest))
        trigger = replace(accepted, report_id=f"R-{number:06d}{digest[:20]}")
        ready_at = (
            datetime.max.replace(tzinfo=timezone.utc) if "never" in active_faults else now + timedelta(seconds=seconds)
        )
        report = _Report(trigger=trigger, ready_at=ready_at, faults=active_faults)
        self.triggers.append(trigger)
        self._reports[trigger.report_id] = report
        running = Counter(
            other.trigger.seller_id for other in self._reports.values() if other.ready_at > now and not other.key
        )
        self.most_in_progress = max(self.most_in_progress, running.total())
        self.most_of_a_seller = max(self.most_of_a_seller, *running.values(), 0)
        return report

    def _generation(self, identifier: str) -> tuple[float, float]:
        if (seconds := self.profile.generation_seconds(identifier)) is not None:
            return seconds
        if isinstance(self.generation_seconds, tuple):
            return self.generation_seconds
        return self.generation_seconds.get(identifier, (0.0, 0.0))

    def _report(self, seller_id: str, report_id: str) -> _Report:
        report = self._reports.get(report_id)
        if report is None or report.trigger.seller_id != seller_id:
            raise refused(404, "NOT_FOUND", "no such report")
        return report

    def detail(
        self, seller_id: str, report_id: str, base_url: str, active_faults: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The detail call; each of a completed report whose link is dead makes a new link."""
        with self._lock:
            report = self._report(seller_id, report_id)
            report.details += 1
            unknown = report.faults.get("not_yet_known")
            if unknown is not None and report.details <= unknown.get("details", 1):
                raise refused(404, "NOT_FOUND", "no such report")
            rules = self.profile.detail
            status = self._status(report, active_faults)
            answer: dict[str, Any] = {}
            _put(answer, rules["report_id"], report_id)
            _put(answer, rules["status"], rules["words"].get(status, status))
            if status == "COMPLETED" and "location" in active_faults.get("no_location", {}):
                _put(answer, rules["location"], active_faults["no_location"]["location"])
            elif status == "COMPLETED" and "no_location" not in active_faults:
                zone = timezone(timedelta(minutes=rules["expiry_minutes_east"]))
                expiry = self._link(report).astimezone(zone)
                _put(answer, rules["location"], f"{base_url}/storage/reports/{report_id}?x_secret_key={report.key}")
                _put(answer, rules["expiry"], f"{expiry:%Y-%m-%d %H:%M:%S}")
            return answer

    def bought_as(self, report_id: str) -> dict[str, str | None]:
        """Type and seller of a report, for the fault script."""
        report = self._reports.get(report_id)
        if report is None:
            return {"identifier": None, "seller_id": None}
        return {"identifier": report.trigger.identifier, "seller_id": report.trigger.seller_id}

    def _status(self, report: _Report, active_faults: Mapping[str, Mapping[str, Any]]) -> str:
        odd = report.faults.get("odd_status")
        if odd is not None and report.details <= odd.get("details", 1):
            return str(odd.get("word", "QUEUED"))
        report.expires_for_good |= "expires" in active_faults
        if report.expires_for_good:
            return "EXPIRED"
        now = self.now()
        if now < report.ready_at:
            return "TRIGGERED" if (now - report.trigger.at).total_seconds() < 1 else "PROCESSING"
        if "failed" in report.faults:
            return "FAILED"
        return "EXPIRED" if "expired" in report.faults else "COMPLETED"

    def _link(self, report: _Report) -> datetime:
        now, rule = self.now(), self.profile.detail["link"]
        is_dead = report.link_dies_at is None or report.link_dies_at <= now
        if (
            report.key is None
            or report.link_dies_at is None
            or rule == "always_new"
            or (is_dead and rule == "new_when_dead")
        ):
            # 25 bytes, so that every key needs URL encoding, and encoding it twice is noticed.
            report.key = quote(base64.b64encode(secrets.token_bytes(25)).decode(), safe="")
            report.link_dies_at = now + timedelta(seconds=self.profile.download["link_seconds"] or self.link_seconds)
            self.secrets.add(report.key)
        return report.link_dies_at

    def file(self, report_id: str, query: str, active_faults: Mapping[str, Mapping[str, Any]]) -> File:
        """The download.

        Args:
            report_id: from the link's path.
            query: the link's query, byte for byte.
            active_faults: the faults of this call.
        """
        with self._lock:
            report = self._reports.get(report_id)
            if report is None:
                raise refused(404, "NOT_FOUND", "no such file")
            if "dead_link" in active_faults:
                report.key = None
            is_alive = report.link_dies_at is not None and self.now() < report.link_dies_at
            if report.key is None or query != f"x_secret_key={report.key}" or not is_alive:
                raise Refused(
                    self.profile.download["dead_status"],
                    {"error": "forbidden", "error_description": "Request has expired"},
                )
        try:
            return self._file(report.trigger, report.faults)
        except LookupError as error:
            raise refused(500, "FAULT_SCRIPT", str(error)) from error

    def _file(self, trigger: Trigger, faults: Mapping[str, Mapping[str, Any]]) -> File:
        identifier, view = trigger.identifier, self.view_of(trigger)
        packing = self.profile.packing(identifier)
        file_format = packing.get("format") or (
            self.file_format if isinstance(self.file_format, str) else self.file_format.get(identifier, FORMATS[0])
        )
        packed = {**faults, "gzip_file": {}} if packing.get("gzip") else faults

        layout = self.layout_of(identifier, faults.get("layout", {}).get("year"))

        def make() -> File:
            return file_of(identifier, layout, view, file_format=file_format, faults=packed)

        if faults or not view.is_final:
            return make()
        return self._file_cache.file((identifier, view.seller_id, view.warehouse, view.first, view.last), make)

    def layout_of(self, identifier: str, year: str | None = None) -> Layout:
        """The layout of a report type's file, by default of the simulator's year."""
        layout = LAYOUTS[identifier].in_year(year or self.layout)
        return relaid(layout, self.profile.columns(identifier))

    def close(self) -> None:
        """Remove the cached files."""
        self._file_cache.clear()

    def view_of(self, trigger: Trigger) -> View:
        """The view of a report, as of its trigger."""
        as_of = trigger.at.astimezone(KOLKATA).replace(tzinfo=None)
        return View.of(trigger.seller_id, trigger.parameters_by_meaning, as_of=as_of, per_day=self.orders_per_day)
