"""A first contact with the API: one report of each type, followed to its rows, and what was seen on the way.

Everything goes through the client, scheduler, ledger and archive of a run, so the next run adopts what was bought, and
a probe that was killed continues.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from tap_flipkart_reports.adapters.answers import TOO_MANY_REQUESTS
from tap_flipkart_reports.adapters.downloads import OK
from tap_flipkart_reports.clock import today
from tap_flipkart_reports.commands.probe_findings import Attempt, TypeFinding
from tap_flipkart_reports.commands.probe_links import look_at_link
from tap_flipkart_reports.commands.probe_tables import look_at_file
from tap_flipkart_reports.exceptions import CallRefusedError, FlipkartReportsError, LedgerError, SettingsError
from tap_flipkart_reports.planning.probe_windows import other_parameters, probe_window
from tap_flipkart_reports.purchasing.events import Deferred, Delivery
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.purchasing.requests import Priority
from tap_flipkart_reports.redaction import clean

if TYPE_CHECKING:
    from pathlib import Path

    from tap_flipkart_reports.adapters.exchanges import Exchange
    from tap_flipkart_reports.client import ReportClient
    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.purchasing.scheduler import Scheduler
    from tap_flipkart_reports.sync.ports import RecordStream
    from tap_flipkart_reports.sync.run import Run

Confirm = Callable[[str], bool]
"""Asks the operator; whether to go on."""


MEMBERS = {
    "trigger": frozenset({"report_id"}),
    "detail": frozenset({"report_id", "status", "location", "metadata"}),
}
"""What the reference shows of each answer."""

RELEVANT_HEADER = re.compile(r"rate|limit|retry|quota|request-?id|correlation|trace", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ProbeItem:
    """One report that a probe asks for.

    Attributes:
        report_type: with the parameters that are tried.
        streams: those that read it.
        key: whose report.
        request: the request.
    """

    report_type: ReportType
    streams: tuple[RecordStream, ...]
    key: PartitionKey
    request: ReportRequest

    @property
    def buys(self) -> bool:
        """Whether it costs money."""
        return self.request.report_id is None


def probe_items(
    run: Run, *, seller_id: str | None, names: Sequence[str]
) -> tuple[list[ProbeItem], list[tuple[str, str]]]:
    """What a probe asks for, and which report types it has to leave out, and why.

    Args:
        run: the run whose settings hold.
        seller_id: the seller whose reports are bought; by default the first.
        names: report types; empty for all that are selected.

    Raises:
        SettingsError: the seller or report type is unknown, or there is no ledger.
    """
    if run.services.ledger is None and run.services.archive is None:
        raise SettingsError("probe needs report_ledger: without it nothing would remember what it buys")
    seller = seller_id or run.settings.sellers[0].seller_id
    if seller not in {credentials.seller_id for credentials in run.settings.sellers}:
        raise SettingsError(f"--seller {seller} is not one of the sellers")
    reports = {streams[0].report_type.name: tuple(streams) for streams in run.wanted.streams_by_report()}
    if unknown := [name for name in names if name not in reports]:
        raise SettingsError(f"--report-type {unknown[0]} is not a selected report type; selected: {', '.join(reports)}")
    items, skipped = [], []
    for name in names or reports:
        item = _item(run, reports[name], seller)
        if isinstance(item, ProbeItem):
            items.append(item)
        else:
            skipped.append((name, item))
    return items, skipped


def _item(run: Run, streams: tuple[RecordStream, ...], seller_id: str) -> ProbeItem | str:
    report_type = streams[0].report_type
    keys = [key for key in run.wanted.partitions_of(report_type) if key.seller_id == seller_id]
    if not keys:
        return "it asks for a warehouse, and warehouse_ids names none"
    newest = run.settings.newest_day(report_type, today=today(run.clock))
    window = probe_window(report_type, newest=newest) if newest is not None else None
    if window is None:
        return "none of its days can be requested yet"
    partition = run.wanted.partition(streams, keys[0])
    request = partition.request(window, [stream.name for stream in streams], priority=Priority.NEWEST)
    return ProbeItem(report_type=report_type, streams=streams, key=keys[0], request=request)


class Probe:
    """Gets reports one type at a time, and looks at each.

    Args:
        run: a run whose exchanges are noted.
        confirm: asks before a trigger with other parameters.

    Attributes:
        files: where the file of each report type is until the run is closed.
    """

    def __init__(self, *, run: Run, confirm: Confirm) -> None:
        self._run = run
        self._confirm = confirm
        self._client: ReportClient = run.services.client
        self.files: dict[str, Path] = {}
        self._with_correlation_id = run.settings.correlation_ids == "always"

    def findings(self, items: Sequence[ProbeItem]) -> list[TypeFinding]:
        """What is seen of each report type, in their order.

        Raises:
            LedgerError: purchases can no longer be recorded.
        """
        findings = {item.report_type.name: _begun(item) for item in items}
        taken = self._obtained(items, findings)
        for item in items:
            finding = findings[item.report_type.name]
            self._look(item, finding, taken[item.report_type.name] or self._with_other_parameters(item, finding))
        return list(findings.values())

    def _look(self, item: ProbeItem, finding: TypeFinding, taken: Delivery | Deferred | None) -> None:
        """Note what there is to see of a report."""
        if isinstance(taken, Delivery):
            finding.report_id = taken.report_id
            self.files[finding.name] = taken.path
            look_at_file(self._run, finding, taken, item.streams)
            with suppress(FlipkartReportsError):
                finding.link = look_at_link(self._run, seller_id=item.request.seller_id, report_id=taken.report_id)
        elif isinstance(taken, Deferred):
            finding.report_id = taken.report_id or ""
            finding.error = f"it is not ready yet ({taken.reason}); run the probe again: nothing is bought twice"
        self._note_answers(finding)

    def _exchanges(self) -> list[Exchange]:
        log = self._run.services.exchanges
        return log.exchanges() if log is not None else []

    # Getting them

    def _obtained(
        self, items: Sequence[ProbeItem], findings: Mapping[str, TypeFinding]
    ) -> dict[str, Delivery | Deferred | None]:
        """Get some reports; where the API refuses the correlation id, without one if the operator agrees."""
        taken = self._round(items, findings)
        if refused := [item for item in items if self._names_correlation(findings[item.report_type.name])]:
            names = ", ".join(item.report_type.name for item in refused)
            if self._confirm(f"The API refuses the correlation id of {names}. Try again without one?"):
                self._with_correlation_id = False
                taken |= self._round(refused, findings)
        return taken

    def _round(
        self, items: Sequence[ProbeItem], findings: Mapping[str, TypeFinding]
    ) -> dict[str, Delivery | Deferred | None]:
        """Get some reports, all at once; `None` for what was refused or failed."""
        client = self._client if self._with_correlation_id else self._client.without_correlation_ids()
        scheduler = self._run.scheduler_over([item.request for item in items], api=client)
        with closing(scheduler):  # what the ledger has still to hear is written before the next round asks it
            return {
                item.report_type.name: self._taken(scheduler, item, findings[item.report_type.name]) for item in items
            }

    def _with_other_parameters(self, item: ProbeItem, finding: TypeFinding) -> Delivery | Deferred | None:
        """The report by other parameters, as far as the operator agrees to them."""
        for other in self._others(item):
            if not self._is_refused(finding):
                return None
            name, parameters = item.report_type.name, json.dumps(other.request.parameters)
            if self._confirm(f"{name}: {finding.attempts[-1].outcome}. Try the parameters {parameters}?"):
                taken = self._obtained([other], {name: finding})[name]
                if taken is not None:
                    return taken
        return None

    def _others(self, item: ProbeItem) -> Sequence[ProbeItem]:
        warehouses = self._run.settings.warehouse_ids
        others = []
        for report_type in other_parameters(item.report_type, has_warehouse=bool(warehouses)):
            key = PartitionKey(item.key.seller_id, warehouses[0] if report_type.per_warehouse else None)
            partition = replace(
                self._run.wanted.partition(item.streams, item.key),
                report_type=report_type,
                warehouse_id=key.warehouse_id,
            )
            request = partition.request(item.request.window, item.request.readers, priority=Priority.NEWEST)
            others.append(ProbeItem(report_type=report_type, streams=item.streams, key=key, request=request))
        return others

    def _taken(self, scheduler: Scheduler, item: ProbeItem, finding: TypeFinding) -> Delivery | Deferred | None:
        attempt = Attempt(
            parameters=dict(item.report_type.parameters),
            correlation_id=self._with_correlation_id,
            outcome="accepted",
        )
        finding.attempts.append(attempt)
        try:
            taken = scheduler.take(item.request)
        except CallRefusedError as error:
            attempt.outcome, attempt.status = str(error), error.status
            return None
        except LedgerError:
            raise
        except FlipkartReportsError as error:
            finding.error = str(error)
            attempt.outcome = attempt.outcome if self._was_accepted(item) else str(error)
            return None
        finally:
            scheduler.deliver_events()
        finding.how = "bought" if item.buys else "from the archive" if item.request.is_archived else "adopted"
        return taken

    def _was_accepted(self, item: ProbeItem) -> bool:
        path = f"/reports/{item.request.identifier}"
        return any(
            exchange.call == "trigger" and exchange.path.endswith(path) and exchange.status == OK
            for exchange in self._exchanges()
        )

    @staticmethod
    def _is_refused(finding: TypeFinding) -> bool:
        return finding.error is None and finding.attempts[-1].was_asked_wrongly

    def _names_correlation(self, finding: TypeFinding) -> bool:
        return (
            self._is_refused(finding)
            and "correlation" in finding.attempts[-1].outcome.lower().split(" was refused ")[-1]
        )

    # What the answers said

    def _note_answers(self, finding: TypeFinding) -> None:
        """Note what the exchanges about a report show."""
        triggered_at = None
        for exchange in exchanges_about(self._exchanges(), finding):
            if exchange.call == "trigger" and exchange.status == OK:
                triggered_at = exchange.at
            if exchange.status == TOO_MANY_REQUESTS:
                finding.limited.append(
                    f"{exchange.call}: Retry-After {exchange.headers.get('Retry-After', 'not sent')}"
                )
            finding.headers |= _relevant_headers(exchange.headers)
            self._note_members(finding, exchange)
            self._note_file(finding, exchange)
            word = _status_in(exchange)
            if word is not None and word not in {known for known, _ in finding.statuses}:
                seconds = (exchange.at - triggered_at).total_seconds() if triggered_at is not None else 0.0
                finding.statuses.append((word, round(seconds, 1)))

    @staticmethod
    def _note_members(finding: TypeFinding, exchange: Exchange) -> None:
        document = document_of(exchange)
        if exchange.status != OK or exchange.call not in MEMBERS or document is None:
            return
        unknown = sorted(set(document) - MEMBERS[exchange.call])
        if unknown:
            known = finding.unknown_members.setdefault(exchange.call, [])
            known += [clean(name) for name in unknown if clean(name) not in known]

    @staticmethod
    def _note_file(finding: TypeFinding, exchange: Exchange) -> None:
        if exchange.call != "download" or exchange.status != OK or finding.file is None:
            return
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        finding.file.media_type = clean(headers.get("content-type", ""))
        finding.file.name = clean(headers.get("content-disposition", ""))
        finding.file.has_length = "content-length" in headers


def _begun(item: ProbeItem) -> TypeFinding:
    return TypeFinding(
        name=item.report_type.name, identifier=item.report_type.identifier, window=str(item.request.window)
    )


def exchanges_about(exchanges: Sequence[Exchange], finding: TypeFinding) -> list[Exchange]:
    """The exchanges about one report: its triggers, its details, and downloads from its links."""
    detail = f"/reports/{quote(finding.report_id, safe='')}/detail"
    details = [exchange for exchange in exchanges if finding.report_id and exchange.path.endswith(detail)]
    links = {urlsplit(str((document_of(exchange) or {}).get("location", ""))).path for exchange in details} - {""}
    return [
        exchange
        for exchange in exchanges
        if (exchange.call == "trigger" and exchange.path.endswith(f"/reports/{finding.identifier}"))
        or exchange in details
        or (exchange.call == "download" and exchange.path in links)
    ]


def document_of(exchange: Exchange) -> dict[str, object] | None:
    """The JSON object in the body of an answer, if there is one."""
    try:
        document = json.loads(exchange.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _status_in(exchange: Exchange) -> str | None:
    document = document_of(exchange) if exchange.call == "detail" and exchange.status == OK else None
    return clean(document["status"]) if document is not None and "status" in document else None


def _relevant_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that identify a request or state a limit."""
    return {name: clean(value) for name, value in headers.items() if RELEVANT_HEADER.search(name)}
