"""Archived reports read again: the same records as the first time, without a call and without moving a bookmark."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.parameters import filled_in
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.purchasing.requests import Priority, ReportRequest
from tap_flipkart_reports.sync.archived_api import ArchivedApi
from tap_flipkart_reports.sync.report_files import ArchivedFiles, ReportFiles
from tap_flipkart_reports.sync.services import RunServices
from tap_flipkart_reports.sync.wanted import WantedReports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_flipkart_reports.adapters.archive import Archive, ArchivedReport
    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.purchasing.ports import ReportApi
    from tap_flipkart_reports.sync.ports import RecordStream


class ReplayServices(RunServices):
    """Services of a run that reads the archive instead of calling the API; it buys nothing.

    Args:
        settings: of the run.
        clock: time.
    """

    ledger = None

    @cached_property
    def reports(self) -> list[ArchivedReport]:
        """The archived reports that are read again.

        Raises:
            SettingsError: there are none, or `report_archive` is not set.
        """
        identifiers = {report_type.identifier for report_type in self.settings.report_types.values()}
        archived = self._required_archive.reports(sorted(identifiers))
        reports = [
            report
            for report in archived
            if any(replay.holds(report.seller_id, report.window) for replay in self.settings.replay)
        ]
        if not reports:
            raise SettingsError(
                "report_archive holds no report of these days and sellers: check both, and report_archive"
            )
        return reports

    @property
    def _required_archive(self) -> Archive:
        if self.archive is None:
            raise SettingsError("report_archive is not set: there is nothing to replay")
        return self.archive

    @cached_property
    def files(self) -> ReportFiles:
        """Stores rejected rows."""
        return ArchivedFiles(archive=self.archive, clock=self._clock)

    @cached_property
    def api(self) -> ReportApi:
        """Answers calls from the archive."""
        return ArchivedApi(self._required_archive, {report.report_id: report for report in self.reports})


class ReplayedReports(WantedReports):
    """The archived reports that a run wants.

    Args:
        services: the archive.
        clock: time.
        streams: all of the tap's.
    """

    def __init__(self, *, services: ReplayServices, clock: Clock, streams: Sequence[RecordStream]) -> None:
        super().__init__(settings=services.settings, services=services, clock=clock, streams=streams)
        self._replay_services = services

    def partitions_of(self, report_type: ReportType) -> list[PartitionKey]:
        """The partitions that have reports in the archive."""
        keys = [
            PartitionKey(report.seller_id, report.warehouse_id if report_type.per_warehouse else None)
            for report in self._reports_of(report_type)
        ]
        return list(dict.fromkeys(keys))

    def _reports_of(self, report_type: ReportType) -> list[ArchivedReport]:
        """The archived reports of a type; where types share an identifier, those with the type's parameters."""
        identifiers = [other.identifier for other in self.settings.report_types.values()]
        is_shared = identifiers.count(report_type.identifier) > 1
        return [
            report
            for report in self._replay_services.reports
            if report.identifier == report_type.identifier
            and (not is_shared or _parameters_for(report, report_type) == report.parameters)
        ]

    def selected_streams(self) -> list[RecordStream]:
        """The selected streams, or those of them that `replay` names.

        Raises:
            SettingsError: `replay` names a stream that is not selected.
        """
        selected = super().selected_streams()
        wanted = {replay.stream for replay in self.settings.replay}
        if None in wanted:
            return selected
        if deselected := wanted - {stream.name for stream in selected}:
            names = ", ".join(sorted(name for name in deselected if name))
            raise SettingsError(f"replay names {names}, which the catalog does not select")
        return [stream for stream in selected if stream.name in wanted]

    def _requests_of_partition(self, streams: Sequence[RecordStream], key: PartitionKey) -> list[ReportRequest]:
        report_type = streams[0].report_type
        return [
            ReportRequest(
                stream=report_type.name,
                streams=readers,
                identifier=report.identifier,
                seller_id=report.seller_id,
                warehouse_id=report.warehouse_id if report_type.per_warehouse else None,
                window=report.window,
                parameters=report.parameters,
                priority=Priority.BOUGHT,
                report_timeout=report_type.report_timeout or 0,
                report_id=report.report_id,
                rows_have_ids=report_type.rows_have_ids,
                is_reread=True,
                is_repair=True,
            )
            for report in self._reports_of(report_type)
            if report.seller_id == key.seller_id
            and report.warehouse_id == key.warehouse_id
            and (readers := self._readers(streams, report))
        ]

    def _readers(self, streams: Sequence[RecordStream], report: ArchivedReport) -> tuple[str, ...]:
        """The streams that a report is read again for."""
        replays = [replay for replay in self.settings.replay if replay.holds(report.seller_id, report.window)]
        return tuple(
            stream.name for stream in streams if any(replay.stream in {None, stream.name} for replay in replays)
        )


def _parameters_for(report: ArchivedReport, report_type: ReportType) -> Mapping[str, object]:
    """The parameters that a report type would have sent for the days of an archived report."""
    return filled_in(
        report_type.parameters, window=report.window, seller_id=report.seller_id, warehouse_id=report.warehouse_id
    )
