"""Figures of a run by report type and seller, as numbers and in words. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import MAX_NAMED
from tap_flipkart_reports.planning.prices import Prices
from tap_flipkart_reports.purchasing.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_flipkart_reports.purchasing.events import Deferred, ReportEvent
    from tap_flipkart_reports.purchasing.requests import ReportRequest


@dataclass(kw_only=True)
class Tally:
    """Figures of one report type of one seller, or sums of them.

    Attributes:
        triggered: reports bought, including those bought again and those whose id never arrived.
        perhaps_triggered: tries whose answers broke off: each may have bought another report.
        retriggered: reports bought again for a window, because the first failed, expired or was lost.
        adopted: reports that earlier runs had bought.
        finished: windows that at least one stream has read to the end.
        rows: records.
        rejected: rows that were skipped and stored.
        bytes: size of downloaded files.
        left: windows that at least one stream left for the next run.
        failed: windows that failed for at least one stream.
    """

    triggered: int = 0
    perhaps_triggered: int = 0
    retriggered: int = 0
    adopted: int = 0
    finished: int = 0
    rows: int = 0
    rejected: int = 0
    bytes: int = 0
    left: int = 0
    failed: int = 0

    def add(self, other: Tally) -> None:
        """Add another's figures."""
        for figure in fields(self):
            setattr(self, figure.name, getattr(self, figure.name) + getattr(other, figure.name))

    def __str__(self) -> str:
        """The figures that are not zero, in words."""
        words = (
            (self.triggered, "{} bought" + (f" ({self.retriggered} of them again)" if self.retriggered else "")),
            (self.perhaps_triggered, "perhaps {} more, as answers to triggers broke off"),
            (self.adopted, "{} adopted"),
            (self.finished, f"{{}} {_windows(self.finished)} loaded with {self.rows:,} rows"),
            (self.rejected, f"{{}} {'row' if self.rejected == 1 else 'rows'} skipped"),
            (self.left, f"{{}} {_windows(self.left)} left for the next run"),
            (self.failed, f"{{}} {_windows(self.failed)} failed"),
        )
        return ", ".join(text.format(f"{number:,}") for number, text in words if number) or "nothing to do"


class Summary:
    """Counts what a run does."""

    def __init__(self, prices: Prices | None = None) -> None:
        self.prices = prices or Prices()
        self.tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
        """By report type and seller."""
        self._counted: set[tuple[str, ReportRequest]] = set()

    def tally_for(self, request: ReportRequest) -> Tally:
        """The tally that a request counts for."""
        return self.tallies[request.stream, request.seller_id]

    def count_event(self, event: ReportEvent) -> None:
        """Count a change in the life of a report."""
        tally = self.tally_for(event.request)
        if event.kind in {EventKind.TRIGGERED, EventKind.LOST, EventKind.NOT_UNDERSTOOD}:
            tally.triggered += 1
            tally.perhaps_triggered += event.unanswered
            tally.retriggered += event.attempt > 1
        elif event.kind is EventKind.ADOPTED:
            tally.adopted += 1
        elif event.kind is EventKind.DOWNLOADED:
            tally.bytes += event.size or 0

    def count_finished(self, request: ReportRequest, *, rows: int, rejected: int) -> None:
        """Count a window that a stream has read."""
        tally = self.tally_for(request)
        tally.finished += self._is_first("finished", request)
        tally.rows += rows
        tally.rejected += rejected

    def count_deferred(self, deferred: Deferred) -> None:
        """Count a window that is left for the next run."""
        self.tally_for(deferred.request).left += self._is_first("left", deferred.request)

    def count_failed(self, request: ReportRequest) -> bool:
        """Count a window that failed. Returns whether it is the first stream of the window that failed."""
        is_first = self._is_first("failed", request)
        self.tally_for(request).failed += is_first
        return is_first

    def _is_first(self, figure: str, request: ReportRequest) -> bool:
        """Whether this is the first stream of the window to count: a report is bought once for all of its streams."""
        number = len(self._counted)
        self._counted.add((figure, request))
        return len(self._counted) > number

    def by_report_type(self) -> dict[str, Tally]:
        """The sums of all sellers."""
        return self._sums((report_type, tally) for (report_type, _), tally in self.tallies.items())

    def by_seller(self) -> dict[str, Tally]:
        """The sums of all report types."""
        return self._sums((seller, tally) for (_, seller), tally in self.tallies.items())

    def lines(self) -> Iterator[str]:
        """The run's summary: by report type, then by seller where there are several, then in all.

        Of many sellers, only those with the most failed or deferred windows are named.
        """
        yield from (f"{name}: {tally}." for name, tally in self.by_report_type().items())
        by_seller = self.by_seller()
        if len(by_seller) > 1:
            ranked = list(by_seller.items())
            if len(by_seller) > MAX_NAMED:
                ranked = sorted(ranked, key=lambda pair: (-pair[1].failed, -pair[1].left))[:MAX_NAMED]
            yield from (f"seller {name}: {tally}." for name, tally in ranked)
            if (more := len(by_seller) - MAX_NAMED) > 0:
                yield f"{more:,} more sellers, which run_summary names."
        yield f"In all: {self.total()}{f', for {cost}' if (cost := self.cost_in_words()) else ''}."

    def cost_in_words(self) -> str:
        """The cost of what was bought, as far as `report_prices` is set."""
        return self.prices.in_words(self.bought_by_type())

    def bought_by_type(self) -> dict[str, int]:
        """How many reports of each type were bought."""
        return {name: tally.triggered for name, tally in self.by_report_type().items()}

    def total(self) -> Tally:
        """The sums of everything."""
        return self._sums(("", tally) for tally in self.tallies.values()).get("", Tally())

    @staticmethod
    def _sums(named: Iterable[tuple[str, Tally]]) -> dict[str, Tally]:
        sums: defaultdict[str, Tally] = defaultdict(Tally)
        for name, tally in named:
            sums[name].add(tally)
        return dict(sums)


def _windows(number: int) -> str:
    return "window" if number == 1 else "windows"
