"""What a run wants: which reports of which partitions, within which limits. Nothing is called and nothing written."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.clock import today
from tap_flipkart_reports.commands.plan import SKIP, Plan, Step, make_plan
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.wanted_reports import Partition, repairing_reports, wanted_reports
from tap_flipkart_reports.planning.window_rules import owed_from
from tap_flipkart_reports.purchasing.limits import Limits
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.commands.coverage_map import CoverageMap
    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.purchasing.polling import Learned
    from tap_flipkart_reports.purchasing.requests import PendingReport, ReportRequest
    from tap_flipkart_reports.settings.values import Settings
    from tap_flipkart_reports.streams import ReportStream
    from tap_flipkart_reports.sync.services import Services

_Place = tuple[str, ...]
"""A partition's seller, and warehouse if it has one."""


def _place(context: Mapping[str, Any]) -> _Place:
    return tuple(context.values())


class Demand:
    """What a run wants, by its settings, its catalog, its state and the ledger.

    Args:
        settings: of the run.
        services: the ledger is asked for what is bought.
        clock: where the run's time comes from.
        streams: all of the tap's.
    """

    def __init__(
        self, *, settings: Settings, services: Services, clock: Clock, streams: Sequence[ReportStream]
    ) -> None:
        self.settings = settings
        self._services = services
        self._clock = clock
        self._streams = streams
        self._wanted: dict[tuple[str, ...], dict[_Place, list[ReportRequest]]] = {}

    def partitions_of(self, stream: ReportStream) -> list[dict[str, Any]]:
        """The partitions of a stream: one per seller, and per warehouse where the report asks for one."""
        sellers = [{"seller_id": credentials.seller_id} for credentials in self.settings.sellers]
        if not stream.report_type.per_warehouse:
            return sellers
        return [{**seller, "warehouse_id": name} for seller in sellers for name in self.settings.warehouse_ids]

    @cached_property
    def _today(self) -> date:
        return today(self._clock)

    def newest_day(self, report_type: ReportType) -> date | None:
        """The last day this run may ask for; the same for all of the run, even past midnight."""
        return self.settings.newest_day(report_type, today=self._today)

    def selected_streams(self) -> list[ReportStream]:
        """The streams that the run reads: all that the catalog selects, or of them those that the settings name."""
        selected = [stream for stream in self._streams if stream.selected]
        only = self.settings.only_report_types
        if deselected_types := only - {stream.report_type.name for stream in selected}:
            names = ", ".join(sorted(deselected_types))
            raise SettingsError(f"only_report_types names {names}, which the catalog does not select")
        selected = [stream for stream in selected if not only or stream.report_type.name in only]
        repaired = {repair.stream for repair in self.settings.repairs}
        if deselected := repaired - {stream.name for stream in selected}:
            raise SettingsError(f"repair names {', '.join(sorted(deselected))}, which the catalog does not select")
        return [stream for stream in selected if stream.name in repaired] if repaired else selected

    def reports(self) -> list[list[ReportStream]]:
        """The selected streams, those of one report together."""
        reports: dict[str, list[ReportStream]] = {}
        for stream in self.selected_streams():
            reports.setdefault(stream.report_type.name, []).append(stream)
        return list(reports.values())

    # Which reports

    def requests_of(self, stream: ReportStream, context: Mapping[str, Any]) -> list[ReportRequest]:
        """The reports of a partition that a stream has to read, in their order.

        Args:
            stream: the stream.
            context: the partition.
        """
        requests = self.requests(self._sharing(stream))
        return [request for request in requests[_place(context)] if stream.name in request.readers]

    def _sharing(self, stream: ReportStream) -> list[ReportStream]:
        """The selected streams of a stream's report; under a record limit (the SDK's dry runs) it stands alone."""
        if stream.ABORT_AT_RECORD_COUNT is not None:
            return [stream]
        return [other for other in self.selected_streams() if other.report_type.name == stream.report_type.name]

    def requests(self, streams: Sequence[ReportStream]) -> Mapping[_Place, list[ReportRequest]]:
        """The reports that streams of one report type have to get, by partition.

        Made once, of the state the run began with: the bookmarks move while it runs.
        """
        names = tuple(stream.name for stream in streams)
        if names not in self._wanted:
            self._wanted[names] = {
                _place(context): self._requests_of_partition(streams, context) for context in streams[0].partitions
            }
        return self._wanted[names]

    def _requests_of_partition(
        self, streams: Sequence[ReportStream], context: Mapping[str, Any]
    ) -> list[ReportRequest]:
        newest = self.newest_day(streams[0].report_type)
        partition = self._partition(streams, context)
        if newest is None:
            return []
        if not self.settings.repairs:
            return wanted_reports(partition, start=self.settings.start_date, newest=newest)
        return repairing_reports(partition, self._repaired_days(partition), newest=newest)

    def _partition(self, streams: Sequence[ReportStream], context: Mapping[str, Any]) -> Partition:
        return Partition(
            report_type=streams[0].report_type,
            seller_id=context["seller_id"],
            warehouse_id=context.get("warehouse_id"),
            coverages={stream.name: stream.coverage(context) for stream in streams},
            pending=self._pending(streams, context),
            unbought=[window for stream in streams for window in stream.unbought(context)],
        )

    def _repaired_days(self, partition: Partition) -> dict[str, list[Window]]:
        days: dict[str, list[Window]] = {}
        for stream in partition.coverages:
            for repair in self.settings.repairs:
                if repair.concerns(stream=stream, seller_id=partition.seller_id, warehouse_id=partition.warehouse_id):
                    days.setdefault(stream, []).append(repair.days)
        return days

    def _pending(self, streams: Sequence[ReportStream], context: Mapping[str, Any]) -> list[PendingReport]:
        """Reports that are bought and not yet read by all, as the ledger knows them and as the state does."""
        pending: dict[str, PendingReport] = {}
        if self._services.ledger is not None:
            booked = self._services.ledger.at_hand(
                seller_id=context["seller_id"],
                identifier=streams[0].report_type.identifier,
                warehouse_id=context.get("warehouse_id"),
            )
            pending = {report.report_id: report for report in booked}
        for stream in streams:
            pending |= {report.report_id: report for report in stream.pending(context)}
        given_up = self.settings.given_up_reports
        return [report for report in pending.values() if report.report_id not in given_up]

    def all_requests(self) -> Iterator[ReportRequest]:
        """Every report of the run, in the order in which they are read."""
        for streams in self.reports():
            yield from chain.from_iterable(self.requests(streams).values())

    def owed(self, stream: ReportStream, context: Mapping[str, Any]) -> Window | None:
        """The days this run owes a partition, if any; asked before the first of its windows is finished."""
        newest = self.newest_day(stream.report_type)
        if newest is None:
            return None
        start = self.settings.start_date
        first = owed_from(stream.report_type.rule, stream.coverage(context), start=start, newest=newest)
        return Window(first, newest) if first <= newest else None

    # Within which limits

    def limits(self) -> Limits:
        """What the settings allow."""
        settings, report_types = self.settings, self.settings.report_types.values()
        return Limits(
            max_concurrent_reports=settings.max_concurrent_reports,
            max_concurrent_reports_per_seller=settings.max_concurrent_reports_per_seller,
            poll_interval=settings.poll_interval,
            poll_max_interval=settings.poll_max_interval,
            max_wait=settings.max_wait,
            max_reports=settings.max_reports,
            max_reports_by_identifier={kind.identifier: kind.max_reports for kind in report_types},
            max_reports_per_seller_by_identifier={
                kind.identifier: kind.max_reports_per_seller for kind in report_types
            },
        )

    def learned(self) -> dict[str, Learned]:
        """Generation times by identifier, from earlier runs."""
        return {stream.report_type.identifier: pace for stream in self.selected_streams() if (pace := stream.pace)}

    # What there is to see of it

    def plan(self) -> Plan:
        """What a run would do from here; no call is made and nothing is written."""
        from tap_flipkart_reports.commands.forecast import left_over  # noqa: PLC0415 - runs do without

        requests, limits, learned = list(self.all_requests()), self.limits(), self.learned()
        return make_plan(
            requests,
            skipped=[step for streams in self.reports() for step in self._skipped(streams)],
            learned=learned,
            max_concurrent_reports=limits.max_concurrent_reports,
            left=left_over(requests, limits=limits, learned=learned) if limits.has_budget else (),
        )

    def coverage(self, *, has_state: bool) -> CoverageMap:
        """Which days are there and what they cost; no call is made and nothing is written.

        Args:
            has_state: whether a state was handed in.
        """
        from tap_flipkart_reports.commands.coverage_map import coverage_map  # noqa: PLC0415 - runs do without

        reports = self.reports()
        return coverage_map(
            [self._partition(streams, context) for streams in reports for context in streams[0].partitions],
            purchases=self._services.ledger.history() if self._services.ledger is not None else None,
            has_state=has_state,
            start=self.settings.start_date,
            newest_days={streams[0].report_type.name: self.newest_day(streams[0].report_type) for streams in reports},
        )

    def _skipped(self, streams: Sequence[ReportStream]) -> Iterator[Step]:
        """Partitions of a report for which this run has nothing to get, and why."""
        name = streams[0].report_type.name
        requests = self.requests(streams)
        if not requests:
            reason = "it asks for a warehouse, and warehouse_ids names none"
            yield Step(action=SKIP, stream=name, seller_id="(all)", warehouse_id=None, reason=reason)
        for context in streams[0].partitions:
            if not requests[_place(context)]:
                bookmarks = [stream.coverage(context).bookmark for stream in streams]
                complete = min((day for day in bookmarks if day is not None), default=None)
                yield Step(
                    action=SKIP,
                    stream=name,
                    seller_id=context["seller_id"],
                    warehouse_id=context.get("warehouse_id"),
                    reason=self._reason_to_skip(complete),
                )

    def _reason_to_skip(self, complete: date | None) -> str:
        if self.settings.repairs:
            return "nothing of it is to be repaired"
        return f"it is complete up to {complete}" if complete else "none of its days may be asked for yet"
