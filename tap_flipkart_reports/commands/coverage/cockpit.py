"""All of it: cells, concerns, purchases; and how they are found without a call."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.commands.coverage.authorisations import authorisations_of
from tap_flipkart_reports.commands.coverage.cells import LedgerRecords, cells_of
from tap_flipkart_reports.commands.coverage.concerns import Authorisations, NextPurchases, concerns_of
from tap_flipkart_reports.commands.coverage.days import DayStatus
from tap_flipkart_reports.commands.coverage.purchases import PurchaseFigures, purchase_figures
from tap_flipkart_reports.commands.forecast import left_over
from tap_flipkart_reports.planning.prices import Prices
from tap_flipkart_reports.purchasing.requests import Priority
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.commands.coverage.cells import Cell, Strip
    from tap_flipkart_reports.commands.coverage.concerns import Concern
    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.sync.run import Run
    from tap_flipkart_reports.sync.wanted import WantedReports


@dataclass(frozen=True, kw_only=True)
class StreamProgress:
    """How far a stream is.

    Attributes:
        stream: its name.
        complete_until: the day up to which all wanted days of every seller are loaded; `None` if a seller has none.
        slowest: the seller who is least far.
        newest: the last day that is wanted.
        behind: sellers who are not there up to the last day.
    """

    stream: str
    complete_until: date | None
    slowest: str
    newest: date
    behind: int


@dataclass(frozen=True, kw_only=True)
class Cockpit:
    """What there is, what needs a person, and what it cost.

    Attributes:
        cells: by report type and seller.
        concerns: what needs a person, the most urgent first.
        purchases: sums over what was bought, `None` without a ledger.
        prices: of the report types, as far as the settings name them.
        authorisations: of the sellers.
    """

    cells: tuple[Cell, ...]
    concerns: tuple[Concern, ...] = ()
    purchases: PurchaseFigures | None = None
    prices: Prices = field(default_factory=Prices)
    authorisations: Authorisations = field(default_factory=Authorisations)

    @property
    def range(self) -> Window | None:
        """From the first wanted day of any cell to the last; `None` if no day is wanted."""
        windows = [span.window for cell in self.cells for strip in cell.strips for span in strip.spans]
        return Window(min(windows).first, max(window.last for window in windows)) if windows else None

    @property
    def report_types(self) -> dict[str, ReportType]:
        """The report types, by name, in the catalog's order."""
        return {cell.report_type.name: cell.report_type for cell in self.cells}

    @property
    def sellers(self) -> list[str]:
        """The sellers, in the order of the settings."""
        return list(dict.fromkeys(cell.seller_id for cell in self.cells))

    def days(self) -> Counter[DayStatus]:
        """Days of reports by status: those of a report once, however many tables it has."""
        return sum((cell.days() for cell in self.cells), Counter())

    def failed_windows(self) -> Counter[bool]:
        """How many windows failed, by whether their report is there and cannot be read."""
        return Counter(failure.is_unreadable for cell in self.cells for failure in cell.failures)

    @property
    def cost(self) -> Decimal | None:
        """What all purchases cost, where `report_prices` says."""
        if self.purchases is None:
            return None
        names = {kind.identifier: name for name, kind in self.report_types.items()}
        return self.prices.cost({names.get(key, key): one.total for key, one in self.purchases.by_type.items()})

    def progress(self) -> list[StreamProgress]:
        """How far each stream is."""
        strips: dict[str, list[tuple[str, Strip]]] = {}
        for cell in self.cells:
            for strip in cell.streams:
                for stream in strip.streams if strip.spans else ():
                    strips.setdefault(stream, []).append((cell.seller_id, strip))
        return [_progress(stream, members) for stream, members in strips.items()]


def _progress(stream: str, members: Sequence[tuple[str, Strip]]) -> StreamProgress:
    slowest, strip = min(members, key=lambda member: (member[1].complete_until is not None, member[1].complete_until))
    return StreamProgress(
        stream=stream,
        complete_until=strip.complete_until,
        slowest=slowest,
        newest=max(strip.spans[-1].window.last for _, strip in members),
        behind=len({seller for seller, strip in members if strip.complete_until != strip.spans[-1].window.last}),
    )


def cockpit_of(run: Run, *, has_state: bool, clock: Clock) -> Cockpit:
    """What there is; no call is made and nothing is written.

    Args:
        run: what it wants and what it talks to.
        has_state: whether a state was given.
        clock: time.
    """
    wanted, ledger = run.wanted, run.services.ledger
    reports = wanted.streams_by_report()
    kinds = [streams[0].report_type for streams in reports]
    partitions = [
        wanted.partition(streams, key) for streams in reports for key in wanted.partitions_of(streams[0].report_type)
    ]
    purchases = ledger.history() if ledger is not None else []
    cells = tuple(
        cells_of(
            partitions,
            records=LedgerRecords(
                purchases=purchases, failures=ledger.failures() if ledger is not None else (), has_state=has_state
            ),
            start=wanted.settings.start_date,
            newest_days={report_type.name: wanted.newest_day(report_type) for report_type in kinds},
        )
    )
    authorisations = authorisations_of(run.services)
    budget = _budget(wanted, is_left_over=any(partition.unbought for partition in partitions))
    # Other taps may share the ledger, and `only_sellers` narrows this one.
    shown = {(partition.report_type.identifier, partition.seller_id) for partition in partitions}
    return Cockpit(
        cells=cells,
        concerns=tuple(concerns_of(cells, authorisations=authorisations, budget=budget, now=clock.now())),
        purchases=purchase_figures(one for one in purchases if (one.identifier, one.seller_id) in shown)
        if ledger is not None
        else None,
        prices=wanted.settings.report_prices,
        authorisations=authorisations,
    )


def _budget(wanted: WantedReports, *, is_left_over: bool) -> NextPurchases | None:
    limits = wanted.limits()
    if not (limits.has_budget or is_left_over):
        return None
    requests = list(wanted.all_requests())
    left = left_over(requests, limits=limits, generation_times=wanted.generation_times()) if limits.has_budget else ()
    buys = sum(request.report_id is None for request in requests) - len(left)
    left_before = sum(request.priority is Priority.UNBOUGHT for request in requests)
    return NextPurchases(buys=buys, left=len(left), left_before=left_before)


def document(cockpit: Cockpit) -> dict[str, Any]:
    """All of it for programs."""
    days, failed = cockpit.days(), cockpit.failed_windows()
    return {
        "days": {status.value: days[status] for status in DayStatus},
        "windows": {"failed": failed[False], "unreadable": failed[True]},
        "needs_a_person": [_concern(concern) for concern in cockpit.concerns],
        "streams": [
            {**asdict(one), "complete_until": _text(one.complete_until), "newest": _text(one.newest)}
            for one in cockpit.progress()
        ],
        "cells": [_cell(cell) for cell in cockpit.cells],
        "authorised_until": {seller: ends.isoformat() for seller, ends in cockpit.authorisations.ends.items()},
        "bought": _bought(cockpit),
    }


def _concern(concern: Concern) -> dict[str, Any]:
    return {
        "kind": concern.kind.value,
        "words": concern.words,
        "next_step": concern.next_step,
        "since": concern.since.isoformat() if concern.since else None,
        "places": [
            {
                "report_type": subject.report_type,
                "seller_id": subject.seller_id,
                "warehouse_id": subject.warehouse_id,
                "from_date": _text(subject.window.first if subject.window else None),
                "to_date": _text(subject.window.last if subject.window else None),
                "report_id": subject.report_id,
            }
            for subject in concern.subjects
        ],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "report_type": cell.report_type.name,
        "seller_id": cell.seller_id,
        "status": cell.worst.value if cell.worst else None,
        "days": {status.value: number for status, number in cell.days().items()},
        "strips": [
            {
                "warehouse_id": strip.warehouse_id,
                "streams": list(strip.streams),
                "complete_until": _text(strip.complete_until),
                "spans": [[_text(one.window.first), _text(one.window.last), one.status.value] for one in strip.spans],
            }
            for strip in cell.streams
        ],
        "failed": [
            {
                "stream": failure.stream,
                "warehouse_id": failure.warehouse_id,
                "from_date": _text(failure.window.first),
                "to_date": _text(failure.window.last),
                "report_id": failure.report_id,
                "is_unreadable": failure.is_unreadable,
                "cause": failure.cause,
                "failed_at": failure.failed_at.isoformat(),
            }
            for failure in cell.failures
        ],
    }


def _bought(cockpit: Cockpit) -> dict[str, Any] | None:
    figures, cost = cockpit.purchases, cockpit.cost
    if figures is None:
        return None
    return {
        "total": asdict(figures.total),
        **({"cost": str(cost), "currency": cockpit.prices.currency} if cost is not None else {}),
        "by_day": {day.isoformat(): asdict(bought) for day, bought in figures.by_day.items()},
        "by_type": {name: asdict(bought) for name, bought in figures.by_type.items()},
        "rows_by_day": {day.isoformat(): rows for day, rows in figures.rows_by_day.items()},
        "seconds_by_type": {name: asdict(durations) for name, durations in figures.durations.items()},
    }


def _text(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
