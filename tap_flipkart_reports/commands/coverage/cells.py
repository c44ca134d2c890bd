"""One report type of one seller: its days, its reports, and why some of them failed. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_flipkart_reports.commands.coverage.days import WORST_FIRST, DayMasks, DayStatus, Span, complete_until
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.planning.window_rules import owed_windows
from tap_flipkart_reports.purchasing.requests import FailedWindow, PurchaseStatus
from tap_flipkart_reports.windows import Window, clipped, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.planning.wanted_reports import Partition
    from tap_flipkart_reports.purchasing.requests import Purchase

CAUSES = {
    PurchaseStatus.FAILED: "Flipkart reports FAILED and gives no reason",
    PurchaseStatus.EXPIRED: "it expired before it was read",
    PurchaseStatus.GIVEN_UP: "given_up_reports names it",
    PurchaseStatus.LOST: "the answer to its trigger never came, so it may have been bought",
    PurchaseStatus.LINKS_REFUSED: "its download links are refused, as were those of a report bought before it",
    PurchaseStatus.NOT_UNDERSTOOD: "its trigger was answered, and nobody can tell the report id from the answer",
}
"""What the ledger's word says of a report about which it has no sentence."""


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The days of one report, or of tables of it that are alike.

    Attributes:
        warehouse_id: of which warehouse, where the type asks for one.
        streams: the streams that read it.
        spans: the wanted days, ascending; days between them may be unwanted.
        complete_until: the last day up to which all wanted days are loaded.
    """

    warehouse_id: str | None
    streams: tuple[str, ...]
    spans: tuple[Span, ...]
    complete_until: date | None

    def days(self) -> Counter[DayStatus]:
        """Days by status."""
        counter: Counter[DayStatus] = Counter()
        for span in self.spans:
            counter[span.status] += span.days
        return counter


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One report type of one seller.

    Attributes:
        report_type: the report type.
        seller_id: whose.
        strips: one per warehouse, each day as its worst table is.
        tables: the same table by table where they differ, those that are alike together.
        purchases: the reports that were bought, the newest first.
        failures: windows that failed and were not read since, or whose report is gone.
    """

    report_type: ReportType
    seller_id: str
    strips: tuple[Strip, ...]
    tables: tuple[Strip, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    failures: tuple[FailedWindow, ...] = ()

    @property
    def streams(self) -> tuple[Strip, ...]:
        """The strips of each stream."""
        return self.tables or self.strips

    def days(self) -> Counter[DayStatus]:
        """Days by status: those of a report once, however many tables it has."""
        return sum((strip.days() for strip in self.strips), Counter())

    @property
    def worst(self) -> DayStatus | None:
        """The worst status of its days; `None` if no day is wanted."""
        statuses = {span.status for strip in self.strips for span in strip.spans}
        if self.failures:
            is_there = all(failure.is_unreadable for failure in self.failures)
            statuses.add(DayStatus.UNREADABLE if is_there else DayStatus.FAILED)
        return next((status for status in WORST_FIRST if status in statuses), None)


@dataclass(frozen=True, kw_only=True)
class LedgerRecords:
    """The ledger's records of one partition, or of all.

    Attributes:
        purchases: reports that were bought.
        failures: windows that failed and were not read since then.
        has_state: whether a state was given. With a state, only days that the target has stored count as loaded;
            without one, all days that were read according to the ledger.
    """

    purchases: Sequence[Purchase] = ()
    failures: Sequence[FailedWindow] = ()
    has_state: bool

    def by_partition(self) -> Mapping[tuple[str, str, str | None], LedgerRecords]:
        """The records by identifier, seller and warehouse."""
        members: defaultdict[tuple[str, str, str | None], tuple[list[Purchase], list[FailedWindow]]]
        members = defaultdict(lambda: ([], []))
        for purchase in self.purchases:
            members[purchase.identifier, purchase.seller_id, purchase.warehouse_id][0].append(purchase)
        for failure in self.failures:
            members[failure.identifier, failure.seller_id, failure.warehouse_id][1].append(failure)
        return {
            partition: LedgerRecords(purchases=purchases, failures=failures, has_state=self.has_state)
            for partition, (purchases, failures) in members.items()
        }


def cells_of(
    partitions: Iterable[Partition], *, records: LedgerRecords, start: date, newest_days: Mapping[str, date | None]
) -> Iterator[Cell]:
    """The cells of all report types and sellers.

    Args:
        partitions: the partitions, with what state and ledger know of them.
        records: the ledger's records.
        start: the first day wanted.
        newest_days: the last day that may be requested, by report type.
    """
    by_partition, nothing = records.by_partition(), LedgerRecords(has_state=records.has_state)
    by_cell: dict[tuple[str, str], list[Partition]] = {}
    for partition in partitions:
        by_cell.setdefault((partition.report_type.name, partition.seller_id), []).append(partition)
    owed: dict[str, list[Window]] = {}  # the same for all sellers
    for (name, seller_id), own in by_cell.items():
        newest = newest_days[name]
        if newest is None or newest < start:
            continue
        if name not in owed:
            owed[name] = owed_windows(own[0].report_type.rule, Coverage(), start=start, newest=newest)
        keys = [(one.report_type.identifier, seller_id, one.warehouse_id) for one in own]
        parts = [
            _part(partition, by_partition.get(key, nothing), asked=Window(start, newest), owed=owed[name])
            for partition, key in zip(own, keys, strict=True)
        ]
        purchases = [one for key in keys for one in by_partition.get(key, nothing).purchases]
        yield Cell(
            report_type=own[0].report_type,
            seller_id=seller_id,
            strips=tuple(strip for strip, _, _ in parts),
            tables=tuple(table for _, tables, _ in parts for table in tables),
            purchases=tuple(sorted(purchases, key=lambda purchase: purchase.bought_at, reverse=True)),
            failures=tuple(failure for _, _, failures in parts for failure in failures),
        )


def _part(
    partition: Partition, records: LedgerRecords, *, asked: Window, owed: Sequence[Window]
) -> tuple[Strip, Sequence[Strip], Sequence[FailedWindow]]:
    """A partition's strip, the strips of its tables if they differ, and its failures."""
    purchases = records.purchases
    finished = [purchase.window for purchase in purchases if purchase.status is PurchaseStatus.FINISHED]
    kept = [report.window for report in partition.archived if partition.fits(report)]
    pending = [*(report.window for report in partition.pending), *kept]
    by_table = {
        stream: [*_stored(partition, coverage, finished), *([] if records.has_state else finished)]
        for stream, coverage in partition.coverages.items()
    }
    wanted = list(owed)
    if partition.report_type.is_snapshot:  # past days cannot be bought: those that are there, and the newest
        seen = [*finished, *pending, *(window for windows in by_table.values() for window in windows)]
        wanted += clipped(seen, first=asked.first, last=asked.last)
    wanted = list(merged(wanted))
    if not wanted:
        return _strip(partition, tuple(by_table), ()), [], []
    days = DayMasks(wanted)
    loaded = {stream: days.of(windows) for stream, windows in by_table.items()}
    failures = [failure for failure in records.failures if days.of([failure.window]) & days.wanted]
    gone = [purchase for purchase in purchases if purchase.is_gone]
    masks = {
        DayStatus.FAILED: days.of([one.window for one in failures]) | days.of([one.window for one in gone]),
        DayStatus.PENDING: days.of(pending),
        DayStatus.UNREADABLE: days.of([failure.window for failure in failures if failure.is_unreadable]),
    }
    twice = days.twice(finished)

    def strip(streams: Sequence[str], there: int) -> Strip:
        whole = {**masks, DayStatus.LOADED: there, DayStatus.REREAD: there & twice}
        return _strip(partition, streams, days.spans(whole))

    of_all = days.wanted
    for mask in loaded.values():
        of_all &= mask
    alike: dict[int, list[str]] = {}
    for stream, mask in loaded.items():
        alike.setdefault(mask & days.wanted, []).append(stream)
    together = strip(tuple(loaded), of_all)
    tables = [strip(tuple(streams), mask) for mask, streams in alike.items()] if len(alike) > 1 else []
    return together, tables, [*failures, *_failures_without_cause(partition, purchases, failures, together, days)]


def _strip(partition: Partition, streams: Sequence[str], spans: tuple[Span, ...]) -> Strip:
    return Strip(
        warehouse_id=partition.warehouse_id,
        streams=tuple(streams),
        spans=spans,
        complete_until=complete_until(spans, is_snapshot=partition.report_type.is_snapshot),
    )


def _failures_without_cause(
    partition: Partition,
    purchases: Sequence[Purchase],
    failures: Sequence[FailedWindow],
    strip: Strip,
    days: DayMasks,
) -> Iterator[FailedWindow]:
    """Failed reports without a recorded cause: the run may have ended before it recorded one."""
    explained = days.of([failure.window for failure in failures])
    waiting = days.of([span.window for span in strip.spans if span.status in _NOT_HAD])
    for purchase in reversed(purchases):
        mask = days.of([purchase.window])
        if mask & waiting and not mask & explained and purchase.status in CAUSES:
            explained |= mask
            yield FailedWindow(
                identifier=purchase.identifier,
                stream=partition.report_type.name,
                seller_id=purchase.seller_id,
                warehouse_id=purchase.warehouse_id,
                window=purchase.window,
                report_id=purchase.report_id,
                is_unreadable=False,
                cause=CAUSES[purchase.status],
                failed_at=purchase.bought_at,
            )


_NOT_HAD = frozenset({DayStatus.FAILED, DayStatus.MISSING, DayStatus.PENDING})


def _stored(partition: Partition, coverage: Coverage, finished: Sequence[Window]) -> list[Window]:
    """What a stream's state says is stored: all days up to its bookmark.

    Not every day of a snapshot was requested; up to the bookmark, the days that were read are loaded.
    """
    bookmark = coverage.bookmark
    if bookmark is None:
        return list(coverage.finished)
    if not partition.report_type.is_snapshot:
        return [Window(bookmark.min, bookmark), *coverage.finished]
    return [Window(bookmark, bookmark), *clipped(finished, last=bookmark), *coverage.finished]
