"""A cockpit of many sellers and every report type, most of it there; made without runs, which would take hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from tap_flipkart_reports.commands.coverage.cells import LedgerRecords, cells_of
from tap_flipkart_reports.commands.coverage.cockpit import Cockpit
from tap_flipkart_reports.commands.coverage.concerns import Authorisations, concerns_of
from tap_flipkart_reports.commands.coverage.purchases import purchase_figures
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.planning.wanted_reports import Partition
from tap_flipkart_reports.purchasing.requests import FailedWindow, Purchase, PurchaseStatus
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.windows import Window

START, NEWEST = date(2026, 8, 1), date(2026, 10, 30)
NOON = datetime(2026, 11, 1, 6, 30, tzinfo=timezone.utc)
CAUSES = ("Flipkart reports FAILED and gives no reason, 3 times over", "the file is empty: zero bytes")
TROUBLED = 29
"""Each so many partitions one is behind, and every other of these has failed."""


def many_cells(sellers: int, *, reports: int) -> Cockpit:
    """The cockpit of so many sellers with so many reports of each type."""
    partitions, purchases, failures = [], [], []
    for number in range(sellers * len(REPORT_TYPES)):
        seller, place = divmod(number, len(REPORT_TYPES))
        kind = list(REPORT_TYPES.values())[place]
        behind = timedelta(days=number % 20 + 1) if number % TROUBLED == 0 else timedelta()
        coverage = Coverage(bookmark=NEWEST - behind)
        seller_id, warehouse_id = f"seller-{seller:04}", "del" if kind.per_warehouse else None
        partitions.append(
            Partition(
                report_type=kind,
                coverages=dict.fromkeys(kind.streams, coverage),
                seller_id=seller_id,
                warehouse_id=warehouse_id,
            )
        )
        for report in range(reports):
            last = NEWEST - timedelta(days=report * 15)
            at = NOON - timedelta(days=report, minutes=number % 1440)
            purchases.append(
                Purchase(
                    identifier=kind.identifier,
                    window=Window(last - timedelta(days=0 if kind.is_snapshot else 20), last),
                    status=PurchaseStatus.FINISHED,
                    report_id=f"R-{number * 7919 + report:026X}",
                    bought_at=at,
                    completed_at=at + timedelta(seconds=60 + number % 3000),
                    finished_at=at + timedelta(seconds=4000),
                    rows=number % 5000,
                    seller_id=seller_id,
                    warehouse_id=warehouse_id,
                )
            )
        if number % (2 * TROUBLED) == 0:
            failures.append(
                FailedWindow(
                    identifier=kind.identifier,
                    stream=kind.name,
                    window=Window(NEWEST - behind + timedelta(days=1), NEWEST),
                    report_id=f"R-{number:026X}",
                    is_unreadable=number % (4 * TROUBLED) == 0,
                    cause=CAUSES[number % (4 * TROUBLED) == 0],
                    failed_at=NOON,
                    seller_id=seller_id,
                    warehouse_id=warehouse_id,
                )
            )
    cells = tuple(
        cells_of(
            partitions,
            records=LedgerRecords(purchases=purchases, failures=failures, has_state=True),
            start=START,
            newest_days=dict.fromkeys(REPORT_TYPES, NEWEST),
        )
    )
    return Cockpit(
        cells=cells,
        concerns=tuple(concerns_of(cells, authorisations=Authorisations(), budget=None, now=NOON)),
        purchases=purchase_figures(purchases),
    )
