"""The ledger: which reports were bought for which window, kept across crashes and shared between workers.

One row is one attempt to buy one report. `live` is 1 for the attempt that counts for its window and null for the
others, and (window, live) is unique: two workers cannot both have a live attempt for a window. The run that works on a
live row holds it under a lease. The lease ends if it is not renewed, or at once if its holder was a process of this
machine that no longer exists.

The result of a trigger is recorded under its correlation id, whoever holds the window by then, so that no purchase is
lost. Everything else is recorded only while the lease lasts. The ledger waits for a database that is away for a moment;
without the database nothing is bought, and the run ends.

```
INTENT ──▶ TRIGGERED ──▶ COMPLETED ──▶ DOWNLOADED ──▶ FINISHED      live until the window is needed on another day
   │           └────────────┴──────────────┴──▶ FAILED, EXPIRED, GIVEN UP      the window may be bought again
   ├──▶ NOT UNDERSTOOD                  live: it is paid for, and the answer is kept until the id can be read
   └──▶ LOST                            the answer to the trigger never came
```

A worker may be stopped, or its machine suspended, for longer than its lease. So it checks right before each trigger
that it still holds the row. A process of this machine that still exists keeps its rows in INTENT even when their lease
is over: it may be in the middle of the call.

The row is written before the trigger call (INTENT) and gets its report id right after it, before the first poll. The
ledger holds no links, no secrets, and only a hash of the parameters.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from tap_flipkart_reports.adapters.database import SECONDS_AWAY, first_line
from tap_flipkart_reports.adapters.leases import NOT_HELD
from tap_flipkart_reports.adapters.ledger_claims import Claims
from tap_flipkart_reports.adapters.ledger_database import LedgerDatabase
from tap_flipkart_reports.adapters.ledger_table import (
    COLUMNS,
    FAILURES,
    REPORTS,
    failed_window_of,
    live_row,
    overlapping,
    owner_of,
    pending_report_of,
    purchase_of,
    shown_window,
    window_key,
)
from tap_flipkart_reports.exceptions import LedgerError
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.purchasing.requests import (
    Claim,
    FailedWindow,
    PendingReport,
    Purchase,
    PurchaseStatus,
    Reading,
    ReportRequest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.ledger")


class Ledger:
    """The purchases of all workers, in a database.

    Args:
        place: a file path for SQLite, or an SQLAlchemy URL.
        clock: time; leases compare wall clocks, so workers on several machines need clocks that agree to seconds.

    Raises:
        LedgerError: the database cannot be opened, or another version of the tap has written it.
    """

    def __init__(self, path_or_url: str, *, clock: Clock) -> None:
        self._database = LedgerDatabase(path_or_url, clock=clock)
        self._claims = Claims(self._database)

    def close(self) -> None:
        """Release all leases; other workers may now adopt what is unfinished."""
        self._database.close()

    # Reading

    def unread_reports(self, *, seller_id: str, identifier: str, warehouse_id: str | None) -> Sequence[PendingReport]:
        """Reports that need not be bought: those that are not read yet, and those that were bought and read today.

        This is read once per run; a claim then returns the current status.
        """
        return self._unread_reports.get((seller_id, identifier, warehouse_id), ())

    @cached_property
    def _unread_reports(self) -> Mapping[tuple[str, str, str | None], Sequence[PendingReport]]:
        """By partition and identifier, read in one query: there are hundreds of them."""

        def work(connection: sa.Connection) -> Mapping[tuple[str, str, str | None], Sequence[PendingReport]]:
            reports: dict[tuple[str, str, str | None], list[PendingReport]] = defaultdict(list)
            chosen = sa.select(REPORTS).where(COLUMNS.live == 1, COLUMNS.report_id.is_not(None))
            for row in connection.execute(chosen):
                report = replace(pending_report_of(row), is_of_today=self._database.is_today(row.triggered_at))
                if not report.is_finished or report.is_of_today:
                    reports[row.seller_id, row.identifier, row.warehouse_id].append(report)
            return reports

        return self._database.transact(work)

    def history(self) -> list[Purchase]:
        """Every purchase in the order of the triggers, including those whose answer was lost.

        Raises:
            LedgerError: the database does not answer.
        """
        bought_at = sa.func.coalesce(COLUMNS.triggered_at, COLUMNS.intended_at)
        chosen = sa.select(REPORTS).where(COLUMNS.status != PurchaseStatus.INTENT.value).order_by(bought_at)
        return self._database.transact(lambda connection: [purchase_of(row) for row in connection.execute(chosen)])

    def latest_days(self) -> Mapping[tuple[str, PartitionKey], date]:
        """The last day that was ever bought, by identifier and partition, without failed and lost purchases.

        Raises:
            LedgerError: the database does not answer.
        """
        left_out = [PurchaseStatus.INTENT.value, *(status.value for status in PurchaseStatus if status.is_gone)]
        columns = (COLUMNS.identifier, COLUMNS.seller_id, COLUMNS.warehouse_id)
        query = sa.select(*columns, sa.func.max(COLUMNS.to_date)).where(COLUMNS.status.not_in(left_out))
        return self._database.transact(
            lambda connection: {
                (row[0], PartitionKey(row[1], row[2])): date.fromisoformat(row[3])
                for row in connection.execute(query.group_by(*columns))
            }
        )

    # Claims

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
        """Announce a trigger, unless the window has a report already or another worker holds it.

        Raises:
            LedgerError: the database does not answer; nothing may be bought then.
            WorkerError: the lease could not be renewed; nothing may be bought then.
        """
        return self._claims.claim(request, correlation_id=correlation_id)

    def confirm(self, *, correlation_id: str) -> None:
        """Check right before a trigger is sent that its claim is still valid.

        Raises:
            ClaimLostError: it is not valid; nothing may be sent.
            LedgerError: the database does not answer; nothing may be sent.
        """
        self._claims.confirm(correlation_id=correlation_id)

    # Results of triggers, whoever holds the window by then

    def bought(self, *, correlation_id: str, report_id: str, unanswered: int) -> str | None:
        """The trigger was accepted.

        Args:
            correlation_id: the trigger's correlation id.
            report_id: Flipkart's id.
            unanswered: number of tries of the same trigger that may have bought a report too.

        Returns:
            The other window that already has this report, if there is one: then the answer is not trusted.
        """

        def work(connection: sa.Connection) -> str | None:
            ours = sa.select(COLUMNS.window_key).where(*_attempt(correlation_id)).scalar_subquery()
            owner = connection.execute(owner_of(report_id, other_than=ours)).one_or_none()
            values: dict[str, Any] = {"status": PurchaseStatus.TRIGGERED.value, "report_id": report_id}
            if owner is not None:
                answer = f"report {report_id}, which belongs to {shown_window(owner)}"
                values = {"status": PurchaseStatus.NOT_UNDERSTOOD.value, "answer": answer}
            values |= {"triggered_at": sa.func.coalesce(COLUMNS.triggered_at, self._database.text_now())}
            change = sa.update(REPORTS).where(*_attempt(correlation_id))
            connection.execute(change.values(unanswered=COLUMNS.unanswered + unanswered, **values))
            return None if owner is None else shown_window(owner)

        return self._database.transact(work)

    def not_bought(self, *, correlation_id: str) -> None:
        """The trigger was refused: remove the claim."""
        refused = sa.delete(REPORTS).where(*_attempt(correlation_id), COLUMNS.status == PurchaseStatus.INTENT.value)
        self._database.transact(lambda connection: connection.execute(refused))

    def lost(self, *, correlation_id: str, unanswered: int) -> None:
        """The trigger may have been accepted, once or at each try, but its answer is lost."""
        self._database.update_rows(
            *_attempt(correlation_id),
            status=PurchaseStatus.LOST.value,
            live=None,
            unanswered=unanswered - 1,
            **NOT_HELD,
        )

    def not_understood(self, *, correlation_id: str, answer: str, unanswered: int) -> None:
        """The trigger was accepted, but the report id cannot be found in the answer, which is kept without secrets."""
        self._database.update_rows(
            *_attempt(correlation_id),
            status=PurchaseStatus.NOT_UNDERSTOOD.value,
            answer=answer,
            unanswered=unanswered,
            triggered_at=self._database.text_now(),
        )

    # Progress of reports, while the lease lasts

    def completed(self, request: ReportRequest, *, expiry: datetime | None) -> None:
        """The report is ready."""
        self._update(
            request,
            status=PurchaseStatus.COMPLETED.value,
            completed_at=self._database.text_now(),
            expiry=expiry.isoformat() if expiry is not None else None,
        )

    def downloaded(self, request: ReportRequest, *, size: int, sha256: str) -> None:
        """The report's file is on disk."""
        status = PurchaseStatus.DOWNLOADED.value
        self._update(request, status=status, downloaded_at=self._database.text_now(), bytes=size, sha256=sha256)

    def finished(self, request: ReportRequest, reading: Reading) -> None:
        """All rows but the rejected ones are written; earlier failures of the report's days are removed."""
        change = sa.update(REPORTS).where(*live_row(request), self._database.leases.held_by_this(REPORTS))
        change = change.values(
            status=PurchaseStatus.FINISHED.value,
            finished_at=self._database.text_now(),
            rows=reading.rows,
            rejected=reading.rejected,
            fingerprints=" ".join(sorted(reading.fingerprints)),
            drift="\n".join(reading.drift) or None,
            tied=reading.tied,
        )

        # Not only if this worker holds it: nobody holds a report that is read a second time on its day.
        is_read = sa.exists().where(*live_row(request), COLUMNS.status == PurchaseStatus.FINISHED.value)

        def work(connection: sa.Connection) -> None:
            connection.execute(change)
            connection.execute(sa.delete(FAILURES).where(*overlapping(request), is_read))

        self._database.transact(work)

    def ended(self, request: ReportRequest, *, report_id: str, status: PurchaseStatus) -> None:
        """The report will never be delivered, or a person has to decide what to do.

        A report that was read before stays FINISHED even if it is gone now; its window may be bought again.
        """
        if not status.is_gone:
            self._update(request, status=status.value)
            return
        read = PurchaseStatus.FINISHED.value
        self._database.update_rows(
            *live_row(request),
            COLUMNS.report_id == report_id,
            # Nobody holds a finished report.
            sa.or_(self._database.leases.held_by_this(REPORTS), COLUMNS.status == read),
            status=sa.case((COLUMNS.status == read, read), else_=status.value),
            live=None,
            **NOT_HELD,
        )

    def give_up(self, report_id: str) -> None:
        """A person has decided to abandon a report: its window may be bought again.

        Args:
            report_id: Flipkart's id, or the correlation id of a report without a known id.
        """
        is_meant = sa.or_(COLUMNS.report_id == report_id, COLUMNS.correlation_id == report_id)
        status = PurchaseStatus.GIVEN_UP.value
        change = sa.update(REPORTS).where(is_meant, COLUMNS.live == 1)

        def work(connection: sa.Connection) -> None:
            connection.execute(change.values(status=status, live=None, **NOT_HELD))
            connection.execute(sa.delete(FAILURES).where(FAILURES.c.report_id == report_id))

        self._database.transact(work)

    # Windows that failed, with a report or without one

    def failed(
        self, request: ReportRequest, *, stream: str, report_id: str | None, is_unreadable: bool, cause: str
    ) -> None:
        """A window failed for a stream. If this cannot be written, the failure is only in the run's summary.

        Args:
            request: the window.
            stream: the stream.
            report_id: the report, if one was bought.
            is_unreadable: whether the report was downloaded but cannot be read.
            cause: what went wrong.
        """
        row = {
            "window_key": window_key(request),
            "report_type": request.stream,
            "seller_id": request.seller_id,
            "identifier": request.identifier,
            "warehouse_id": request.warehouse_id,
            "from_date": request.window.first.isoformat(),
            "to_date": request.window.last.isoformat(),
            "stream": stream,
            "report_id": report_id,
            "is_unreadable": is_unreadable,
            "cause": cause,
            "failed_at": self._database.text_now(),
        }

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(FAILURES).where(*overlapping(request)))
            connection.execute(sa.insert(FAILURES).values(row))

        try:
            self._database.transact(work, patience=0)
        except (LedgerError, IntegrityError) as error:
            LOGGER.warning("%s: why it failed is not in the report ledger (%s).", request, first_line(error))

    def failures(self) -> list[FailedWindow]:
        """Windows that failed and have not been read since, the oldest days first.

        Raises:
            LedgerError: the database does not answer.
        """
        chosen = sa.select(FAILURES).order_by(FAILURES.c.from_date, FAILURES.c.window_key)
        return self._database.transact(lambda connection: [failed_window_of(row) for row in connection.execute(chosen)])

    def released(self, request: ReportRequest) -> None:
        """This worker has stopped working on the window. If this cannot be written, the lease ends by itself."""
        try:
            self._update(request, patience=0, **NOT_HELD)
        except LedgerError as error:
            LOGGER.warning("%s: %s.", request, error)

    # Writing

    def _update(self, request: ReportRequest, *, patience: float = SECONDS_AWAY, **values: object) -> None:
        """Change the window's live row, if this worker holds it."""
        self._database.update_rows(
            *live_row(request), self._database.leases.held_by_this(REPORTS), patience=patience, **values
        )


def _attempt(correlation_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (COLUMNS.correlation_id == correlation_id,)
