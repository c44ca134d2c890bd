"""What was bought, of which days, and how long it took. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.purchasing.requests import PurchaseStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from tap_flipkart_reports.purchasing.requests import Purchase
    from tap_flipkart_reports.windows import Window


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

    def add(self, other: Bought) -> None:
        """Add another's figures."""
        self.first += other.first
        self.reread += other.reread
        self.again += other.again


@dataclass(frozen=True, kw_only=True)
class Durations:
    """How long reports of a type took, from the trigger until they were seen to be ready, in seconds."""

    shortest: float
    typical: float
    longest: float
    reports: int


@dataclass(frozen=True, kw_only=True)
class PurchaseFigures:
    """Sums over purchases.

    Attributes:
        by_day: reports bought, by the day of the trigger in Asia/Kolkata.
        by_type: the same by the report type's identifier.
        rows_by_day: rows read, by the day on which the last was out.
        durations: by the report type's identifier.
    """

    by_day: Mapping[date, Bought] = field(default_factory=dict)
    by_type: Mapping[str, Bought] = field(default_factory=dict)
    rows_by_day: Mapping[date, int] = field(default_factory=dict)
    durations: Mapping[str, Durations] = field(default_factory=dict)

    @property
    def total(self) -> Bought:
        """All purchases together."""
        total = Bought()
        for bought in self.by_type.values():
            total.add(bought)
        return total

    @property
    def rows(self) -> int:
        """All rows that were read."""
        return sum(self.rows_by_day.values())


def purchase_figures(purchases: Iterable[Purchase]) -> PurchaseFigures:
    """The sums over some purchases."""
    by_day: defaultdict[date, Bought] = defaultdict(Bought)
    by_type: defaultdict[str, Bought] = defaultdict(Bought)
    rows: Counter[date] = Counter()
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for purchase, one in _kinds(purchases):
        by_day[_day(purchase.bought_at)].add(one)
        by_type[purchase.identifier].add(one)
        if purchase.finished_at is not None:
            rows[_day(purchase.finished_at)] += purchase.rows or 0
        if purchase.completed_at is not None:
            seconds[purchase.identifier].append((purchase.completed_at - purchase.bought_at).total_seconds())
    return PurchaseFigures(
        by_day=dict(sorted(by_day.items())),
        by_type=dict(sorted(by_type.items())),
        rows_by_day=dict(sorted(rows.items())),
        durations={
            name: Durations(shortest=min(taken), typical=median(taken), longest=max(taken), reports=len(taken))
            for name, taken in sorted(seconds.items())
        },
    )


def _kinds(purchases: Iterable[Purchase]) -> Iterator[tuple[Purchase, Bought]]:
    """Each purchase, with what it is."""
    gone: defaultdict[tuple[str, str, str | None], set[Window]] = defaultdict(set)
    read: defaultdict[tuple[str, str, str | None], list[Window]] = defaultdict(list)
    for purchase in sorted(purchases, key=lambda purchase: purchase.bought_at):
        partition = purchase.identifier, purchase.seller_id, purchase.warehouse_id
        again = purchase.window in gone[partition]
        # What was read last is what is most likely read again.
        reread = not again and any(map(purchase.window.overlaps, reversed(read[partition])))
        yield purchase, Bought(first=not (again or reread), reread=reread, again=again + purchase.unanswered)
        if purchase.is_gone:
            gone[partition].add(purchase.window)
        elif purchase.status is PurchaseStatus.FINISHED:
            read[partition].append(purchase.window)


def _day(moment: datetime) -> date:
    return moment.astimezone(KOLKATA).date()
