"""Which reports a run needs for a partition. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from tap_flipkart_reports.planning.archived_days import days_to_buy
from tap_flipkart_reports.planning.bought_reports import BoughtReports
from tap_flipkart_reports.planning.parameters import filled_in
from tap_flipkart_reports.planning.window_rules import WindowKind, cells, due_windows, is_on_grid, owed_windows
from tap_flipkart_reports.purchasing.requests import ArchivedWindow, PendingReport, Priority, ReportRequest, digest_of
from tap_flipkart_reports.windows import Window, clipped, cut, gaps, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from tap_flipkart_reports.planning.coverage import Coverage
    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.planning.window_rules import WindowRule


@dataclass(frozen=True, kw_only=True)
class Partition:
    """What is known about a report type of one seller (and warehouse).

    Attributes:
        report_type: the report type.
        seller_id: the seller.
        warehouse_id: the warehouse, for report types that require one.
        coverages: the complete days of each stream, by the stream's name.
        pending: reports that are bought and not yet read by all streams.
        unbought: windows that earlier runs did not buy for lack of budget.
        archived: reports whose files are in the archive, the oldest first.
    """

    report_type: ReportType
    seller_id: str
    warehouse_id: str | None
    coverages: Mapping[str, Coverage]
    pending: Sequence[PendingReport] = ()
    unbought: Sequence[Window] = ()
    archived: Sequence[ArchivedWindow] = ()

    def request(self, window: Window, streams: Sequence[str], *, priority: Priority) -> ReportRequest:
        """The request for a window; with the report id if a report was bought for it."""
        report_type = self.report_type
        bookmarks = [self.coverages[stream].bookmark for stream in streams]
        request = ReportRequest(
            stream=report_type.name,
            streams=tuple(streams),
            identifier=report_type.identifier,
            seller_id=self.seller_id,
            warehouse_id=self.warehouse_id,
            window=window,
            parameters=self._parameters(window),
            priority=priority,
            report_timeout=report_type.report_timeout or 0,
            rows_have_ids=report_type.rows_have_ids,
            is_reread=all(bookmark is not None and window.first <= bookmark for bookmark in bookmarks),
        )
        for report in self.pending:
            if report.window == window and report.digest == request.digest:
                is_archived = any(kept.report_id == report.report_id for kept in self.archived)
                return replace(request, report_id=report.report_id, priority=Priority.BOUGHT, is_archived=is_archived)
        return request

    def fits(self, report: ArchivedWindow) -> bool:
        """Whether an archived report has the identifier, parameters and window that would be requested now."""
        expected = digest_of(self.report_type.identifier, self._parameters(report.window))
        return is_on_grid(self.report_type.rule, report.window) and expected == report.digest

    def _parameters(self, window: Window) -> Mapping[str, object]:
        return filled_in(
            self.report_type.parameters, window=window, seller_id=self.seller_id, warehouse_id=self.warehouse_id
        )


def wanted_reports(partition: Partition, *, start: date, newest: date) -> list[ReportRequest]:
    """All reports that a run needs for a partition, each of them once for all streams that read it.

    Args:
        partition: the partition.
        start: the first day to load.
        newest: the last day that may be requested.
    """
    rule = partition.report_type.rule
    owed = {
        stream: owed_windows(rule, coverage, start=start, newest=newest)
        for stream, coverage in partition.coverages.items()
    }
    usable = [report for report in partition.archived if partition.fits(report)]
    to_buy = {
        stream: days_to_buy(
            rule,
            partition.coverages[stream],
            owed=days,
            archived=[report.window for report in usable],
            start=start,
            newest=newest,
        )
        for stream, days in owed.items()
    }
    bought = BoughtReports(rule, partition.pending, coverages=partition.coverages, to_buy=to_buy)
    windows = due_windows(
        rule, chain.from_iterable(to_buy.values()), pending=bought.windows(), fresh=bought.days_not_served()
    )
    requests = _archived_requests(partition, usable, owed=owed, to_buy=to_buy)
    for window in windows:
        is_snapshot = rule.kind is WindowKind.SNAPSHOT
        streams = [
            name
            for name, days in to_buy.items()
            if is_snapshot or (any(map(window.overlaps, days)) and bought.serves(window, name))
        ]
        request = partition.request(window, streams, priority=Priority.BACKFILL)
        request = replace(request, buy_until=_buy_until(rule, window, owed=to_buy.values()))
        if request.priority is not Priority.BOUGHT:
            request = replace(request, priority=_priority(request, partition, is_newest=window is windows[-1]))
        requests.append(request)
    return _each_once(requests, partition)


def _buy_until(rule: WindowRule, window: Window, *, owed: Iterable[Sequence[Window]]) -> date | None:
    """The last day on which a report may be bought for a window, if there is one: see `ReportRequest`."""
    is_as_owed = rule.kind is WindowKind.DAYS or (
        rule.kind is not WindowKind.SNAPSHOT and any(window in cells_owed for cells_owed in owed)
    )
    return None if is_as_owed else window.last


def _each_once(requests: Sequence[ReportRequest], partition: Partition) -> list[ReportRequest]:
    """The requests, those of one report as one: it may be bought and not yet read, and in the archive, too."""
    once: dict[object, ReportRequest] = {}
    for request in requests:
        report = request.report_id or request
        if (other := once.get(report)) is not None:
            readers = tuple(name for name in partition.coverages if name in {*other.streams, *request.streams})
            is_reread = request.is_reread and other.is_reread
            request = replace(request, streams=readers, is_reread=is_reread)  # noqa: PLW2901 - of both
        once[report] = request
    return list(once.values())


def _archived_requests(
    partition: Partition,
    usable: Sequence[ArchivedWindow],
    *,
    owed: Mapping[str, Sequence[Window]],
    to_buy: Mapping[str, Sequence[Window]],
) -> list[ReportRequest]:
    """The reports to read from the archive, the oldest first; for a day in several reports, the newest is needed."""
    held = {
        stream: [day for window in days for day in gaps(window, merged(to_buy[stream]))]
        for stream, days in owed.items()
    }
    missing = list(merged(chain.from_iterable(held.values())))
    requests = []
    for report in reversed(usable):
        readers = [stream for stream, days in held.items() if any(map(report.window.overlaps, days))]
        if not readers or not any(map(report.window.overlaps, missing)):
            continue
        request = partition.request(report.window, readers, priority=Priority.BOUGHT)
        requests.append(replace(request, report_id=report.report_id, is_archived=True))
        missing = [day for window in missing for day in gaps(window, [report.window])]
    return requests[::-1]


def _priority(request: ReportRequest, partition: Partition, *, is_newest: bool) -> Priority:
    if any(map(request.window.overlaps, partition.unbought)):
        return Priority.UNBOUGHT
    if is_newest:
        return Priority.NEWEST
    return Priority.LOOKBACK if request.is_reread else Priority.BACKFILL


def repair_requests(partition: Partition, days: Mapping[str, Sequence[Window]], *, newest: date) -> list[ReportRequest]:
    """The reports that a repair of some days of a partition needs.

    Args:
        partition: the partition.
        days: the days by stream; on a grid, whole cells are read.
        newest: the last day that may be requested.
    """
    rule = partition.report_type.rule
    wanted = list(clipped(merged(chain.from_iterable(days.values())), last=newest))
    if rule.kind is WindowKind.DAYS:
        windows = [piece for window in wanted for piece in cut(window, rule.window_days)]
    elif wanted:
        all_cells = cells(rule, Window(wanted[0].first, newest))
        windows = [cell for cell in all_cells if any(map(cell.overlaps, wanted))]
    else:
        windows = []
    repair_partition = replace(partition, pending=[report for report in partition.pending if report.is_repair])
    requests = []
    for window in windows:
        streams = [stream for stream, repaired in days.items() if any(map(window.overlaps, repaired))]
        request = repair_partition.request(window, streams, priority=Priority.NEWEST)
        requests.append(replace(request, is_reread=True, is_repair=True))
    return requests
