"""Claims of windows: which worker may buy a report, or continue with a bought one."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from tap_flipkart_reports.adapters.leases import NOT_HELD, lease_unchanged, readable_holder
from tap_flipkart_reports.adapters.ledger_table import COLUMNS, REPORTS, live_row, owner_of, window_key
from tap_flipkart_reports.exceptions import ClaimLostError, LedgerError
from tap_flipkart_reports.purchasing.requests import Claim, PurchaseStatus, ReportRequest

if TYPE_CHECKING:
    from tap_flipkart_reports.adapters.ledger_database import LedgerDatabase

LOGGER = logging.getLogger("tap-flipkart-reports.ledger")

CONFIRMED_SECONDS = 10.0
"""An older claim is checked before its trigger is sent; a twelfth of the lease leaves a safe margin."""

CLAIM_TRIES = 20
"""How often a claim is tried again after it lost a race against another worker."""

REUSE_FINISHED_FOR = timedelta(days=1)
"""Within this time, a run whose state does not know a finished report reads it again instead of buying a new one."""


class Claims:
    """The claims of one worker.

    Args:
        database: the ledger's database.
    """

    def __init__(self, database: LedgerDatabase) -> None:
        self._database = database
        self._confirmed_at: dict[str, float] = {}

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
        """Announce a trigger, unless the window has a report already or another worker holds it.

        Raises:
            LedgerError: the database does not answer; nothing may be bought then.
            WorkerError: the lease could not be renewed; nothing may be bought then.
        """
        self._database.start_renewing()  # before the row exists: a row that is left behind looks like a lost answer
        began = self._database.clock.monotonic()
        for _ in range(CLAIM_TRIES):
            try:
                claim = self._database.transact(
                    lambda connection: self._claim_once(connection, request, correlation_id)
                )
            except IntegrityError:
                claim = None
            if claim is not None:
                self._confirmed_at[correlation_id] = began
                return claim
        raise LedgerError("the report ledger is so busy that the window could not be claimed; run again")

    def _claim_once(self, connection: sa.Connection, request: ReportRequest, correlation_id: str) -> Claim | None:
        """Read the row and write the claim; `None` if another worker wrote in between."""
        row = connection.execute(sa.select(REPORTS).where(*live_row(request))).one_or_none()
        if row is None:
            return self._insert(connection, request, correlation_id)
        if row.correlation_id == correlation_id:  # this claim, made before the connection broke
            return Claim()
        status = PurchaseStatus(row.status)
        if status is PurchaseStatus.FINISHED:
            if row.report_id == request.report_id or self._is_recent(row, request):
                return Claim(report_id=row.report_id)
            return self._replace(connection, request, row, correlation_id, status=PurchaseStatus.FINISHED)
        if self._is_held_by_another(row, status):
            return Claim(held_by=readable_holder(row.holder))
        return self._take_over(connection, request, row, correlation_id)

    def _is_held_by_another(self, row: sa.Row[Any], status: PurchaseStatus) -> bool:
        is_under_way = status is PurchaseStatus.INTENT
        # A row of this run in INTENT: another of its threads is making the trigger call.
        is_another = row.holder != self._database.leases.holder or is_under_way
        return (is_another and self._database.leases.is_alive(row)) or (
            is_under_way and self._database.leases.is_seen_alive(row)
        )

    def _take_over(
        self, connection: sa.Connection, request: ReportRequest, row: sa.Row[Any], correlation_id: str
    ) -> Claim | None:
        """Continue where another worker stopped or was killed."""
        status = PurchaseStatus(row.status)
        report_id = row.report_id or self._report_in_state(connection, request)
        is_unread = report_id is None and status is PurchaseStatus.NOT_UNDERSTOOD
        if report_id is None and not is_unread:
            LOGGER.warning(
                "%s: a trigger of an earlier run (correlation id %s) never got its answer; it may have been bought, "
                "and is bought now, perhaps for the second time.",
                request,
                row.correlation_id,
            )
            return self._replace(connection, request, row, correlation_id, status=PurchaseStatus.LOST)
        values: dict[str, Any] = self._database.leases.values()
        if row.report_id is None and report_id is not None:
            values |= {"report_id": report_id, "status": PurchaseStatus.TRIGGERED.value}
        taken = connection.execute(sa.update(REPORTS).where(*self._as_read(row)).values(**values))
        if taken.rowcount != 1:
            return None
        if is_unread:
            return Claim(unread_answer=row.answer or "", correlation_id=row.correlation_id)
        return Claim(report_id=report_id, is_last_purchase=status is PurchaseStatus.LINKS_REFUSED)

    @staticmethod
    def _report_in_state(connection: sa.Connection, request: ReportRequest) -> str | None:
        """The report that the state has for a window; the ledger may not have it if a write failed.

        Not if another window owns it: a killed run may not have found that out.
        """
        if request.report_id is None:
            return None
        owner = connection.execute(owner_of(request.report_id, other_than=window_key(request))).one_or_none()
        return request.report_id if owner is None else None

    def _is_recent(self, row: sa.Row[Any], request: ReportRequest) -> bool:
        """Whether a finished report is recent enough to be read instead of a new one.

        Look-back days are needed as they are today; after a lost state, the earlier rows are good enough.
        """
        if request.is_reread:
            return self._database.is_today(row.triggered_at)
        return self._database.clock.now() - datetime.fromisoformat(row.triggered_at) < REUSE_FINISHED_FOR

    def _insert(self, connection: sa.Connection, request: ReportRequest, correlation_id: str) -> Claim:
        """Insert a live row; for a report that only the state has, one that is bought already."""
        now = self._database.text_now()
        known = request.report_id is not None
        earlier = sa.select(sa.func.count()).where(COLUMNS.window_key == window_key(request))
        connection.execute(
            sa.insert(REPORTS).values(
                correlation_id=str(uuid.uuid4()) if known else correlation_id,
                window_key=window_key(request),
                live=1,
                status=(PurchaseStatus.TRIGGERED if known else PurchaseStatus.INTENT).value,
                attempts=earlier.scalar_subquery() + 1,
                report_id=request.report_id,
                seller_id=request.seller_id,
                identifier=request.identifier,
                warehouse_id=request.warehouse_id,
                from_date=request.window.first.isoformat(),
                to_date=request.window.last.isoformat(),
                digest=request.digest,
                intended_at=now,
                triggered_at=now if known else None,
                **self._database.leases.values(),
            )
        )
        return Claim(report_id=request.report_id)

    def _replace(
        self,
        connection: sa.Connection,
        request: ReportRequest,
        row: sa.Row[Any],
        correlation_id: str,
        *,
        status: PurchaseStatus,
    ) -> Claim | None:
        change = sa.update(REPORTS).where(*self._as_read(row)).values(live=None, status=status.value, **NOT_HELD)
        ended = connection.execute(change)
        return self._insert(connection, request, correlation_id) if ended.rowcount == 1 else None

    @staticmethod
    def _as_read(row: sa.Row[Any]) -> tuple[sa.ColumnElement[bool], ...]:
        """The condition that a row has not changed since it was read."""
        is_same = (COLUMNS.correlation_id == row.correlation_id, COLUMNS.live == 1, COLUMNS.status == row.status)
        return *is_same, *lease_unchanged(REPORTS, row)

    def confirm(self, *, correlation_id: str) -> None:
        """Check right before a trigger is sent that its claim is still valid.

        A worker that was suspended may have lost it to another one without noticing. A claim that was made or confirmed
        a moment ago, by a clock that runs on during suspension, is valid.

        Raises:
            ClaimLostError: it is not valid; nothing may be sent.
            LedgerError: the database does not answer; nothing may be sent.
        """
        began = self._database.clock.monotonic()
        if began - self._confirmed_at.get(correlation_id, float("-inf")) <= CONFIRMED_SECONDS:
            return
        is_ours = (
            COLUMNS.correlation_id == correlation_id,
            COLUMNS.live == 1,
            self._database.leases.held_by_this(REPORTS),
        )
        if self._database.update_rows(*is_ours, **self._database.leases.values()) != 1:
            raise ClaimLostError("another worker has taken it over while this one slept")
        self._confirmed_at[correlation_id] = began
