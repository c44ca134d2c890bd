"""The reports that a run wants, by partition, and its limits. Makes no call and writes nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from tap_flipkart_reports.clock import today
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.bought_reports import is_wanted_by
from tap_flipkart_reports.planning.wanted_reports import Partition, repair_requests, wanted_reports
from tap_flipkart_reports.planning.window_rules import first_owed_day
from tap_flipkart_reports.purchasing.limits import Limits
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.purchasing.requests import ArchivedWindow, digest_of
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from tap_flipkart_reports.adapters.archive import ArchivedReport
    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.planning.coverage import Coverage
    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.purchasing.polling import GenerationTimes
    from tap_flipkart_reports.purchasing.requests import PendingReport, ReportRequest
    from tap_flipkart_reports.settings.values import Settings
    from tap_flipkart_reports.sync.ports import RecordStream
    from tap_flipkart_reports.sync.services import RunServices


class WantedReports:
    """The reports that a run wants, from its settings, catalog, state and ledger.

    Args:
        settings: of the run.
        services: provide the ledger and the archive.
        clock: time.
        streams: all streams of the tap.

    Attributes:
        archived: reports that may be read from the archive, by id; filled as requests are computed.
        unread: ids of reports that are bought and not yet read; filled likewise.
    """

    def __init__(
        self, *, settings: Settings, services: RunServices, clock: Clock, streams: Sequence[RecordStream]
    ) -> None:
        self.settings = settings
        self._services = services
        self._clock = clock
        self._streams = streams
        self._requests: dict[tuple[str, ...], dict[PartitionKey, list[ReportRequest]]] = {}
        self.archived: dict[str, ArchivedReport] = {}
        self.unread: set[str] = set()

    def partitions_of(self, report_type: ReportType) -> list[PartitionKey]:
        """The partitions of a report type: one per seller, or one per seller and warehouse."""
        sellers = [credentials.seller_id for credentials in self.settings.sellers]
        if not report_type.per_warehouse:
            return [PartitionKey(seller) for seller in sellers]
        return [PartitionKey(seller, warehouse) for seller in sellers for warehouse in self.settings.warehouse_ids]

    @cached_property
    def _today(self) -> date:
        return today(self._clock)

    def newest_day(self, report_type: ReportType) -> date | None:
        """The last day that this run may request; it does not change at midnight."""
        return self.settings.newest_day(report_type, today=self._today)

    def selected_streams(self) -> list[RecordStream]:
        """The streams that the run reads: the selected ones, limited by `only_report_types` and `repair`."""
        selected = [stream for stream in self._streams if stream.selected and not stream.is_removed]
        only = self.settings.only_report_types
        if deselected_types := only - {stream.report_type.name for stream in selected}:
            names = ", ".join(sorted(deselected_types))
            raise SettingsError(f"only_report_types names {names}, which the catalog does not select")
        selected = [stream for stream in selected if not only or stream.report_type.name in only]
        repaired = {repair.stream for repair in self.settings.repair}
        if deselected := repaired - {stream.name for stream in selected}:
            raise SettingsError(f"repair names {', '.join(sorted(deselected))}, which the catalog does not select")
        return [stream for stream in selected if stream.name in repaired] if repaired else selected

    def streams_by_report(self) -> list[list[RecordStream]]:
        """The selected streams, grouped by report type."""
        reports: dict[str, list[RecordStream]] = {}
        for stream in self.selected_streams():
            reports.setdefault(stream.report_type.name, []).append(stream)
        return list(reports.values())

    # Requests

    def requests_of(self, stream: RecordStream, key: PartitionKey) -> list[ReportRequest]:
        """The reports of a partition that a stream has to read, in their order.

        Args:
            stream: the stream.
            key: the partition.
        """
        requests = self.requests(self._streams_sharing_report(stream))
        return [request for request in requests[key] if stream.name in request.readers]

    def _streams_sharing_report(self, stream: RecordStream) -> list[RecordStream]:
        """The selected streams of a stream's report; under a record limit (the SDK's dry runs), the stream alone."""
        if stream.is_dry_run:
            return [stream]
        return [other for other in self.selected_streams() if other.report_type.name == stream.report_type.name]

    def requests(self, streams: Sequence[RecordStream]) -> Mapping[PartitionKey, list[ReportRequest]]:
        """The reports that the streams of one report type want, by partition.

        Computed once, from the state at the start of the run: the bookmarks move while it runs.
        """
        names = tuple(stream.name for stream in streams)
        if names not in self._requests:
            self._requests[names] = {
                key: self._requests_of_partition(streams, key) for key in self.partitions_of(streams[0].report_type)
            }
        return self._requests[names]

    def _requests_of_partition(self, streams: Sequence[RecordStream], key: PartitionKey) -> list[ReportRequest]:
        newest = self.newest_day(streams[0].report_type)
        partition = self.partition(streams, key)
        if newest is None:
            return []
        if not self.settings.repair:
            return wanted_reports(partition, start=self.settings.start_date, newest=newest)
        return repair_requests(partition, self._repaired_days(partition), newest=newest)

    def partition(self, streams: Sequence[RecordStream], key: PartitionKey) -> Partition:
        """A partition of one report type: complete days, and reports that are bought, unbought or archived."""
        states = {stream.name: stream.partition_states[key] for stream in streams}
        coverages = {name: state.coverage() for name, state in states.items()}
        pending = self._pending(streams, key, coverages)
        self.unread |= {report.report_id for report in pending}
        return Partition(
            report_type=streams[0].report_type,
            seller_id=key.seller_id,
            warehouse_id=key.warehouse_id,
            coverages=coverages,
            pending=pending,
            unbought=[window for state in states.values() for window in state.unbought()],
            archived=self._archived(streams[0].report_type, key, coverages.values(), pending),
        )

    def _archived(
        self,
        report_type: ReportType,
        key: PartitionKey,
        coverages: Iterable[Coverage],
        pending: Sequence[PendingReport],
    ) -> list[ArchivedWindow]:
        """Archived reports that may be read: of days after a bookmark, or bought and not yet read."""
        archive = self._services.archive
        if archive is None or self.settings.from_archive == "never":
            return []
        bookmarks = [coverage.bookmark for coverage in coverages]
        complete = min((day for day in bookmarks if day is not None), default=None) if None not in bookmarks else None
        unread = {report.window for report in pending}
        reports = archive.reports_of(
            report_type.identifier,
            key.seller_id,
            is_wanted=lambda window: complete is None or window.last > complete or window in unread,
        )
        usable = [
            report
            for report in reports
            if report.warehouse_id == key.warehouse_id
            and report.report_id not in self.settings.given_up_reports
            and archive.holds_file(report)
        ]
        self.archived |= {report.report_id: report for report in usable}
        return [
            ArchivedWindow(
                report_id=report.report_id,
                window=report.window,
                digest=digest_of(report.identifier, report.parameters),
            )
            for report in usable
        ]

    def _repaired_days(self, partition: Partition) -> dict[str, list[Window]]:
        days: dict[str, list[Window]] = {}
        for stream in partition.coverages:
            for repair in self.settings.repair:
                if repair.concerns(stream=stream, seller_id=partition.seller_id, warehouse_id=partition.warehouse_id):
                    days.setdefault(stream, []).append(repair.days)
        return days

    def _pending(
        self, streams: Sequence[RecordStream], key: PartitionKey, coverages: Mapping[str, Coverage]
    ) -> list[PendingReport]:
        """Reports that are bought and that some stream needs, from the ledger and the state."""
        pending: dict[str, PendingReport] = {}
        if self._services.ledger is not None:
            unread = self._services.ledger.unread_reports(
                seller_id=key.seller_id,
                identifier=streams[0].report_type.identifier,
                warehouse_id=key.warehouse_id,
            )
            pending = {report.report_id: report for report in unread}
        unread_by: defaultdict[str, set[str]] = defaultdict(set)
        for stream in streams:
            for report in stream.partition_states[key].pending():
                unread_by[report.report_id].add(stream.name)
                pending[report.report_id] = replace(report, unread_by=frozenset(unread_by[report.report_id]))
        given_up = self.settings.given_up_reports
        is_kept = streams[0].report_type.is_snapshot  # the bookmark of snapshots says nothing of the days before it
        return [
            report
            for report in pending.values()
            if report.report_id not in given_up
            and (is_kept or report.is_repair or any(is_wanted_by(report, *stream) for stream in coverages.items()))
        ]

    def all_requests(self) -> Iterator[ReportRequest]:
        """Every report of the run, in the order in which they are read."""
        for streams in self.streams_by_report():
            yield from chain.from_iterable(self.requests(streams).values())

    def owed_window(self, stream: RecordStream, key: PartitionKey) -> Window | None:
        """The days that this run owes a partition, if any. Call it before the first window is finished."""
        newest = self.newest_day(stream.report_type)
        if newest is None:
            return None
        start = self.settings.start_date
        first = first_owed_day(
            stream.report_type.rule, stream.partition_states[key].coverage(), start=start, newest=newest
        )
        return Window(first, newest) if first <= newest else None

    # Limits

    def limits(self) -> Limits:
        """The limits in the settings."""
        settings, report_types = self.settings, self.settings.report_types.values()
        return Limits(
            max_concurrent_reports=settings.max_concurrent_reports,
            max_concurrent_reports_per_seller=settings.max_concurrent_reports_per_seller,
            poll_interval=settings.poll_interval,
            poll_max_interval=settings.poll_max_interval,
            max_wait=settings.max_wait,
            max_reports=settings.max_reports,
            max_reports_by_type={kind.name: kind.max_reports for kind in report_types},
            max_reports_per_seller_by_type={kind.name: kind.max_reports_per_seller for kind in report_types},
        )

    def generation_times(self) -> dict[str, GenerationTimes]:
        """Generation times by identifier, from earlier runs."""
        return {
            stream.report_type.identifier: generation_times
            for stream in self.selected_streams()
            if (generation_times := stream.partition_states.generation_times)
        }
