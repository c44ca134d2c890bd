"""Archived reports read again: the same records as on the first day, without a call and without moving a bookmark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.purchasing.requests import Priority, ReportRequest
from tap_flipkart_reports.sync.archived_api import ArchivedApi
from tap_flipkart_reports.sync.report_files import ArchivedFiles, ReportFiles
from tap_flipkart_reports.sync.run import Run
from tap_flipkart_reports.sync.services import RunServices
from tap_flipkart_reports.sync.wanted import WantedReports
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_flipkart_reports.adapters.archive import Archive, ArchivedReport
    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.purchasing.ports import ReportApi
    from tap_flipkart_reports.settings.reader import Reader
    from tap_flipkart_reports.settings.values import Settings
    from tap_flipkart_reports.streams import ReportStream
    from tap_flipkart_reports.sync.ports import RecordStream
    from tap_flipkart_reports.windows import Window


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What of the archive is read again; `None` or empty for all.

    Attributes:
        streams: names of streams.
        seller_id: whose.
        days: windows that hold none of these days are left out.
    """

    streams: frozenset[str] = frozenset()
    seller_id: str | None = None
    days: Window | None = None

    def holds(self, report: ArchivedReport) -> bool:
        """Whether a report is read again."""
        return self.seller_id in {None, report.seller_id} and (self.days is None or report.window.overlaps(self.days))


class ReplayTap(TapFlipkartReports):
    """The tap over its archive.

    Args:
        wanted: what is read again.
        arguments: those of the tap.
    """

    makes_calls = False
    emits_state = False
    workers = 0

    def __init__(self, *, wanted: Wanted, **arguments: Any) -> None:  # noqa: ANN401 - the SDK's own
        self._replayed = wanted
        super().__init__(**arguments)

    def _read_settings(self, reader: Reader) -> Settings:
        """Sellers and warehouses are those of the archive, whatever the configuration names."""
        settings = super()._read_settings(reader)
        if settings.report_archive is None:
            raise SettingsError("report_archive is not set: there is nothing to replay")
        return settings

    def _build_run(self) -> Run:
        services = ReplayServices(settings=self.settings, clock=self.clock, wanted=self._replayed)
        streams = cast("list[ReportStream]", list(self.streams.values()))
        wanted = ReplayedReports(wanted=self._replayed, services=services, clock=self.clock, streams=streams)
        return Run(wanted=wanted, services=services, clock=self.clock, streams=streams, workers=self.workers)


class ReplayServices(RunServices):
    """The archive in place of the API; nothing is bought.

    Args:
        wanted: what is read again.
        settings: of the run.
        clock: where the run's time comes from.
    """

    ledger = None

    def __init__(self, *, wanted: Wanted, settings: Settings, clock: Clock) -> None:
        super().__init__(settings=settings, clock=clock)
        self._replayed = wanted

    @cached_property
    def reports(self) -> list[ArchivedReport]:
        """The archived reports that are read again.

        Raises:
            SettingsError: there are none.
        """
        identifiers = {report_type.identifier for report_type in self.settings.report_types.values()}
        archived = self._the_archive.reports(sorted(identifiers))
        reports = [report for report in archived if self._replayed.holds(report)]
        if not reports:
            raise SettingsError("report_archive holds no report that fits")
        return reports

    @property
    def _the_archive(self) -> Archive:
        if self.archive is None:
            raise SettingsError("report_archive is not set: there is nothing to replay")
        return self.archive

    @cached_property
    def files(self) -> ReportFiles:
        """What keeps rejected rows."""
        return ArchivedFiles(archive=self.archive, clock=self._clock)

    @cached_property
    def api(self) -> ReportApi:
        """What answers for the API."""
        return ArchivedApi(self._the_archive, {report.report_id: report for report in self.reports})


class ReplayedReports(WantedReports):
    """What of the archive is wanted.

    Args:
        wanted: what is read again.
        services: the archive.
        clock: where the run's time comes from.
        streams: all of the tap's.
    """

    def __init__(
        self, *, wanted: Wanted, services: ReplayServices, clock: Clock, streams: Sequence[RecordStream]
    ) -> None:
        super().__init__(settings=services.settings, services=services, clock=clock, streams=streams)
        self._replayed = wanted
        self._replay_services = services

    def partitions_of(self, report_type: ReportType) -> list[PartitionKey]:
        """The partitions of which the archive has reports."""
        keys = [
            PartitionKey(report.seller_id, report.warehouse_id if report_type.per_warehouse else None)
            for report in self._replay_services.reports
            if report.identifier == report_type.identifier
        ]
        return list(dict.fromkeys(keys))

    def selected_streams(self) -> list[RecordStream]:
        """The selected streams, or of them those that are wanted.

        Raises:
            SettingsError: one of these is not there.
        """
        selected = super().selected_streams()
        wanted = self._replayed.streams
        if unknown := wanted - {stream.name for stream in selected}:
            raise SettingsError(f"{', '.join(sorted(unknown))}: no such stream, or the catalog does not select it")
        return [stream for stream in selected if not wanted or stream.name in wanted]

    def _requests_of_partition(self, streams: Sequence[RecordStream], key: PartitionKey) -> list[ReportRequest]:
        report_type = streams[0].report_type
        return [
            ReportRequest(
                stream=report_type.name,
                streams=tuple(stream.name for stream in streams),
                identifier=report.identifier,
                seller_id=report.seller_id,
                warehouse_id=report.warehouse_id if report_type.per_warehouse else None,
                window=report.window,
                parameters=report.parameters,
                priority=Priority.BOUGHT,
                report_timeout=report_type.report_timeout or 0,
                report_id=report.report_id,
                is_reread=True,
                is_repair=True,
            )
            for report in self._replay_services.reports
            if report.identifier == report_type.identifier
            and report.seller_id == key.seller_id
            and report.warehouse_id == key.warehouse_id
        ]
