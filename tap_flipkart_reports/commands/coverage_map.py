"""Which days of which stream and seller are there, and what they cost: from state and ledger, without a call. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.planning.prices import Prices
from tap_flipkart_reports.planning.window_rules import WindowKind, owed_windows
from tap_flipkart_reports.purchasing.requests import PurchaseStatus
from tap_flipkart_reports.windows import DAY, Window, clipped, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from tap_flipkart_reports.adapters.ledger import Ledger
    from tap_flipkart_reports.planning.wanted_reports import Partition
    from tap_flipkart_reports.purchasing.requests import Purchase
    from tap_flipkart_reports.sync.wanted import WantedReports


class DayStatus(Enum):
    """Where a day of a stream stands; a later one goes before an earlier one."""

    MISSING = "missing"
    """Wanted, and not bought."""
    FAILED = "failed"
    """Its report failed, expired, was lost or given up, and no other has been bought."""
    PENDING = "pending"
    """Bought, and not read."""
    LOADED = "loaded"
    """Its rows are out."""
    REREAD = "re-read"
    """The same, more than once, as the ledger knows; the state alone does not tell."""


ATTENTION = (DayStatus.FAILED, DayStatus.MISSING, DayStatus.PENDING)
"""What is not there yet, the worst first."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Days that follow each other and stand alike.

    Attributes:
        window: the days.
        status: where they stand.
    """

    window: Window
    status: DayStatus

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.window.last - self.window.first) // DAY + 1


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One stream of one seller (and warehouse).

    Attributes:
        stream: the stream.
        seller_id: whose.
        warehouse_id: of which warehouse, where the type asks for one.
        spans: the days that are wanted, ascending; between two of them may lie days that are not.
    """

    stream: str
    seller_id: str
    warehouse_id: str | None
    spans: tuple[Span, ...]

    @property
    def place(self) -> str:
        """Seller and warehouse."""
        return self.seller_id + (f", warehouse {self.warehouse_id}" if self.warehouse_id else "")

    def days(self) -> Counter[DayStatus]:
        """Days by status."""
        counter: Counter[DayStatus] = Counter()
        for span in self.spans:
            counter[span.status] += span.days
        return counter


@dataclass(kw_only=True)
class Bought:
    """Reports bought.

    Attributes:
        first: of days that no report had brought before.
        reread: of days that were read before, some of them at least: the look-back, and periods that were running.
        again: for a window whose earlier report failed, expired, was lost or given up; those included that may
            have been bought by tries that were not answered.
    """

    first: int = 0
    reread: int = 0
    again: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.first + self.reread + self.again


@dataclass(frozen=True, kw_only=True)
class Durations:
    """How long reports of a type took, from the trigger until they were seen to be ready, in seconds."""

    shortest: float
    typical: float
    longest: float
    reports: int


@dataclass(frozen=True, kw_only=True)
class CoverageMap:
    """What there is.

    Attributes:
        strips: by stream, seller and warehouse.
        bought_by_day: by the day of the trigger in Asia/Kolkata.
        bought_by_type: by the report type's identifier.
        rows_by_day: rows read, by the day on which the last was out.
        durations: by the report type's identifier.
        has_ledger: whether there is a ledger to know purchases from.
        prices: of the report types, as far as the settings name them.
        names: of the report types, by identifier.
    """

    strips: tuple[Strip, ...]
    bought_by_day: Mapping[date, Bought] = field(default_factory=dict)
    bought_by_type: Mapping[str, Bought] = field(default_factory=dict)
    rows_by_day: Mapping[date, int] = field(default_factory=dict)
    durations: Mapping[str, Durations] = field(default_factory=dict)
    has_ledger: bool = False
    prices: Prices = field(default_factory=Prices)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def range(self) -> Window | None:
        """From the first day that is wanted of anything to the last, `None` if no day is."""
        windows = [span.window for strip in self.strips for span in strip.spans]
        return Window(min(windows).first, max(window.last for window in windows)) if windows else None

    def days(self) -> Counter[DayStatus]:
        """Days by status, of all strips together."""
        return sum((strip.days() for strip in self.strips), Counter())

    @property
    def cost(self) -> Decimal | None:
        """What all purchases cost, where `report_prices` says."""
        counts = {self.names.get(name, name): bought.total for name, bought in self.bought_by_type.items()}
        return self.prices.cost(counts)

    @property
    def bought(self) -> Bought:
        """All purchases together."""
        total = Bought()
        for bought in self.bought_by_type.values():
            total.first += bought.first
            total.reread += bought.reread
            total.again += bought.again
        return total

    def document(self) -> dict[str, Any]:
        """The map for programs."""
        days = self.days()
        return {
            "days": {status.value: days[status] for status in DayStatus},
            "partitions": [
                {
                    "stream": strip.stream,
                    "seller_id": strip.seller_id,
                    "warehouse_id": strip.warehouse_id,
                    "days": {status.value: number for status, number in strip.days().items()},
                    "spans": [
                        [span.window.first.isoformat(), span.window.last.isoformat(), span.status.value]
                        for span in strip.spans
                    ],
                }
                for strip in self.strips
            ],
            "bought": {
                "total": asdict(self.bought),
                **({"cost": str(cost), "currency": self.prices.currency} if (cost := self.cost) is not None else {}),
                "by_day": {day.isoformat(): asdict(bought) for day, bought in self.bought_by_day.items()},
                "by_type": {name: asdict(bought) for name, bought in self.bought_by_type.items()},
            }
            if self.has_ledger
            else None,
            "rows_by_day": {day.isoformat(): rows for day, rows in self.rows_by_day.items()},
            "seconds_by_type": {name: asdict(durations) for name, durations in self.durations.items()},
        }


def coverage_of(wanted: WantedReports, ledger: Ledger | None, *, has_state: bool) -> CoverageMap:
    """Which days are there and what they cost; no call is made and nothing is written.

    Args:
        wanted: what a run would want.
        ledger: what was bought, if one is kept.
        has_state: whether a state was handed in.
    """
    reports = wanted.reports()
    kinds = [streams[0].report_type for streams in reports]
    found = coverage_map(
        [wanted.partition(streams, key) for streams in reports for key in wanted.partitions_of(streams[0].report_type)],
        purchases=ledger.history() if ledger is not None else None,
        has_state=has_state,
        start=wanted.settings.start_date,
        newest_days={report_type.name: wanted.newest_day(report_type) for report_type in kinds},
    )
    names = {report_type.identifier: report_type.name for report_type in kinds}
    return replace(found, prices=wanted.settings.report_prices, names=names)


def coverage_map(
    partitions: Iterable[Partition],
    *,
    purchases: Sequence[Purchase] | None,
    has_state: bool,
    start: date,
    newest_days: Mapping[str, date | None],
) -> CoverageMap:
    """What there is of the days that are wanted.

    Args:
        partitions: what state and ledger know, by report type, seller and warehouse.
        purchases: what the ledger knows, `None` without one.
        has_state: whether a state was given. Without one, what the ledger says was read counts as loaded; with one,
            only what the target has stored does.
        start: the first day wanted.
        newest_days: the last day that may be asked for, by report type.
    """
    by_place: defaultdict[tuple[str, str, str | None], list[Purchase]] = defaultdict(list)
    for purchase in purchases or ():
        by_place[purchase.identifier, purchase.seller_id, purchase.warehouse_id].append(purchase)
    strips: list[Strip] = []
    for partition in partitions:
        report_type = partition.report_type
        newest = newest_days[report_type.name]
        if newest is None or newest < start:
            continue
        own = by_place[report_type.identifier, partition.seller_id, partition.warehouse_id]
        strips += (
            Strip(
                stream=stream,
                seller_id=partition.seller_id,
                warehouse_id=partition.warehouse_id,
                spans=_spans(partition, coverage, own, asked=Window(start, newest), has_state=has_state),
            )
            for stream, coverage in partition.coverages.items()
        )
    return CoverageMap(strips=tuple(strips), has_ledger=purchases is not None, **_figures(purchases or ()))


def _spans(
    partition: Partition, coverage: Coverage, purchases: Sequence[Purchase], *, asked: Window, has_state: bool
) -> tuple[Span, ...]:
    """The wanted days, painted with what is known of them, from the least to the most that can be said."""
    finished = [purchase.window for purchase in purchases if purchase.status is PurchaseStatus.FINISHED]
    loaded = [*coverage.finished, *([] if has_state else finished)]
    if coverage.bookmark is not None:
        loaded.append(_until(partition, coverage.bookmark))
    seen = [*finished, *loaded, *(report.window for report in partition.pending)]
    wanted = _wanted(partition, seen, asked=asked)
    if not wanted:
        return ()
    paints = (
        (DayStatus.FAILED, [purchase.window for purchase in purchases if purchase.is_gone]),
        (DayStatus.PENDING, [report.window for report in partition.pending]),
        (DayStatus.LOADED, loaded),
    )
    days: dict[date, DayStatus] = dict.fromkeys(_days(wanted, within=wanted), DayStatus.MISSING)
    for status, windows in paints:
        days.update(dict.fromkeys((day for day in _days(merged(windows), within=wanted) if day in days), status))
    times = Counter(day for window in finished for day in _days([window], within=wanted))
    for day, number in times.items():
        if number > 1 and days.get(day) is DayStatus.LOADED:
            days[day] = DayStatus.REREAD
    return tuple(_joined(days))


def _until(partition: Partition, bookmark: date) -> Window:
    """What a bookmark says: of a snapshot only its own day, of everything else all days up to it."""
    return Window(bookmark if partition.report_type.is_snapshot else date.min, bookmark)


def _wanted(partition: Partition, seen: Iterable[Window], *, asked: Window) -> tuple[Window, ...]:
    """The days that are wanted; of snapshots, which cannot be had later, those that are there and the newest."""
    rule = partition.report_type.rule
    windows = owed_windows(rule, Coverage(), start=asked.first, newest=asked.last)
    if rule.kind is WindowKind.SNAPSHOT:
        windows += clipped(seen, first=asked.first, last=asked.last)
    return merged(windows)


def _days(windows: Iterable[Window], *, within: Sequence[Window]) -> Iterable[date]:
    """The days of the windows, none before the first and none after the last that is wanted."""
    for window in clipped(windows, first=within[0].first, last=within[-1].last):
        for number in range((window.last - window.first) // DAY + 1):
            yield window.first + timedelta(days=number)


def _joined(days: Mapping[date, DayStatus]) -> Iterable[Span]:
    """Days that follow each other and stand alike, as one span."""
    numbered = enumerate(days.items())
    for (status, _), group in groupby(numbered, key=lambda entry: (entry[1][1], entry[1][0].toordinal() - entry[0])):
        alike = [day for _, (day, _) in group]
        yield Span(window=Window(alike[0], alike[-1]), status=status)


# What it cost


def _figures(purchases: Iterable[Purchase]) -> dict[str, Any]:
    by_day: defaultdict[date, Bought] = defaultdict(Bought)
    by_type: defaultdict[str, Bought] = defaultdict(Bought)
    rows: Counter[date] = Counter()
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for purchase, kind in _kinds(purchases):
        for bought in (by_day[_day(purchase.bought_at)], by_type[purchase.identifier]):
            setattr(bought, kind, getattr(bought, kind) + 1)
            bought.again += purchase.unanswered
        if purchase.finished_at is not None:
            rows[_day(purchase.finished_at)] += purchase.rows or 0
        if purchase.completed_at is not None:
            seconds[purchase.identifier].append((purchase.completed_at - purchase.bought_at).total_seconds())
    return {
        "bought_by_day": dict(sorted(by_day.items())),
        "bought_by_type": dict(sorted(by_type.items())),
        "rows_by_day": dict(sorted(rows.items())),
        "durations": {
            name: Durations(shortest=min(taken), typical=median(taken), longest=max(taken), reports=len(taken))
            for name, taken in sorted(seconds.items())
        },
    }


def _kinds(purchases: Iterable[Purchase]) -> Iterable[tuple[Purchase, str]]:
    """Each purchase, with the name of the figure of `Bought` that it counts for."""
    earlier: defaultdict[tuple[str, str, str | None], list[Purchase]] = defaultdict(list)
    for purchase in sorted(purchases, key=lambda purchase: purchase.bought_at):
        before = earlier[purchase.identifier, purchase.seller_id, purchase.warehouse_id]
        if any(other.window == purchase.window and other.is_gone for other in before):
            yield purchase, "again"
        elif any(other.window.overlaps(purchase.window) for other in before if other.status is PurchaseStatus.FINISHED):
            yield purchase, "reread"
        else:
            yield purchase, "first"
        before.append(purchase)


def _day(moment: datetime) -> date:
    return moment.astimezone(KOLKATA).date()
