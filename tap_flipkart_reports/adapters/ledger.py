"""Which reports were bought for which window, kept across crashes and shared between workers.

One row is one attempt to buy one report. `live` is 1 for the attempt that counts for its window and null for the
others, and (window, live) is unique: two workers cannot both have a live attempt for a window. A live row is held under
a lease by the run that works on it. The lease ends when it is not renewed, or at once when its holder was a process of
this machine that is gone.

What a trigger came to is booked under its correlation id, whoever holds the window by then: what was paid for is never
forgotten. Everything else is booked only as long as the lease lasts. A database that is away for a moment is waited
for; without it nothing is bought, and the run ends.

```
INTENT ──▶ TRIGGERED ──▶ COMPLETED ──▶ DOWNLOADED ──▶ FINISHED      live until the window is wanted on another day
   │           └────────────┴──────────────┴──▶ FAILED, EXPIRED, GIVEN UP      the window may be bought again
   ├──▶ NOT UNDERSTOOD                  live: it is paid for, and its answer is kept until it can be read
   └──▶ LOST                            the answer to the trigger never came
```

A worker may be stopped, and its machine suspended, for longer than its lease. Right before it sends a trigger it
therefore makes sure that the row is still its own. A process of this machine that can be seen keeps a row in INTENT
even when its lease is over: it may be in the middle of the call.

The row is written before the trigger call (INTENT) and gets its report id right after it, before the first poll. Links
and secrets never get in here, of the parameters only a hash.
"""

from __future__ import annotations

import logging
from collections import defaultdict
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
    live,
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
    """The bought reports in a database.

    Args:
        place: a file path for SQLite, or an SQLAlchemy URL.
        clock: time; leases compare wall clocks, so workers on several machines need clocks that agree to seconds.

    Raises:
        LedgerError: the database cannot be opened, or another version of the tap has written it.
    """

    def __init__(self, place: str, *, clock: Clock) -> None:
        self._database = LedgerDatabase(place, clock=clock)
        self._claims = Claims(self._database)

    def close(self) -> None:
        """Give up all leases; what is unfinished may be adopted by anybody from now on."""
        self._database.close()

    # What the plan asks

    def unread_reports(self, *, seller_id: str, identifier: str, warehouse_id: str | None) -> Sequence[PendingReport]:
        """Reports that need not be bought, whoever bought them: those not yet read, and those bought and read today.

        As they were when this was first asked: whoever wants one claims it, and is told then what has become of it.
        """
        return self._unread_reports.get((seller_id, identifier, warehouse_id), ())

    @cached_property
    def _unread_reports(self) -> Mapping[tuple[str, str, str | None], Sequence[PendingReport]]:
        """By place, with one look at the table: there are hundreds of places."""

        def work(connection: sa.Connection) -> Mapping[tuple[str, str, str | None], Sequence[PendingReport]]:
            reports: dict[tuple[str, str, str | None], list[PendingReport]] = defaultdict(list)
            chosen = sa.select(REPORTS).where(COLUMNS.live == 1, COLUMNS.report_id.is_not(None))
            for row in connection.execute(chosen):
                report = pending_report_of(row)
                if not report.is_finished or self._database.is_of_today(row.triggered_at):
                    reports[row.seller_id, row.identifier, row.warehouse_id].append(report)
            return reports

        return self._database.write(work)

    def history(self) -> list[Purchase]:
        """Every report that was bought, in the order of the triggers; those included whose answer was lost.

        Raises:
            LedgerError: the database does not answer.
        """
        bought_at = sa.func.coalesce(COLUMNS.triggered_at, COLUMNS.intended_at)
        chosen = sa.select(REPORTS).where(COLUMNS.status != PurchaseStatus.INTENT.value).order_by(bought_at)
        return self._database.write(lambda connection: [purchase_of(row) for row in connection.execute(chosen)])

    def latest_days(self) -> Mapping[tuple[str, PartitionKey], date]:
        """The last day that was ever bought, by identifier and partition; failed and lost purchases left out.

        Raises:
            LedgerError: the database does not answer.
        """
        left_out = [PurchaseStatus.INTENT.value, *(status.value for status in PurchaseStatus if status.is_gone)]
        columns = (COLUMNS.identifier, COLUMNS.seller_id, COLUMNS.warehouse_id)
        query = sa.select(*columns, sa.func.max(COLUMNS.to_date)).where(COLUMNS.status.not_in(left_out))
        return self._database.write(
            lambda connection: {
                (row[0], PartitionKey(row[1], row[2])): date.fromisoformat(row[3])
                for row in connection.execute(query.group_by(*columns))
            }
        )

    # Claims

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
        """Say that a trigger is about to be made, unless the window has a report already or another worker.

        Raises:
            LedgerError: the database does not answer; nothing may be bought then.
            WorkerError: the lease could not be renewed; nothing may be bought then.
        """
        return self._claims.claim(request, correlation_id=correlation_id)

    def confirm(self, *, correlation_id: str) -> None:
        """Make sure that a claim still stands, right before its trigger is sent.

        Raises:
            ClaimLostError: it does not stand; nothing may be sent.
            LedgerError: the database does not answer; nothing may be sent.
        """
        self._claims.confirm(correlation_id=correlation_id)

    # What triggers came to; whoever holds the window by then

    def bought(self, *, correlation_id: str, report_id: str, unanswered: int) -> str | None:
        """The trigger was accepted.

        Args:
            correlation_id: of the trigger.
            report_id: Flipkart's id.
            unanswered: tries of the same trigger that may have bought a report too.

        Returns:
            The other window that has this report already, if there is one: then the answer is not believed.
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

        return self._database.write(work)

    def not_bought(self, *, correlation_id: str) -> None:
        """The trigger was refused: the window is as if nobody had asked."""
        refused = sa.delete(REPORTS).where(*_attempt(correlation_id), COLUMNS.status == PurchaseStatus.INTENT.value)
        self._database.write(lambda connection: connection.execute(refused))

    def lost(self, *, correlation_id: str, unanswered: int) -> None:
        """The trigger may have been accepted, so many times as it was tried, but its answer is lost."""
        self._database.write_values(
            *_attempt(correlation_id),
            status=PurchaseStatus.LOST.value,
            live=None,
            unanswered=unanswered - 1,
            **NOT_HELD,
        )

    def not_understood(self, *, correlation_id: str, answer: str, unanswered: int) -> None:
        """The trigger was accepted, but nobody can tell the report id from the answer; it is kept without secrets."""
        self._database.write_values(
            *_attempt(correlation_id),
            status=PurchaseStatus.NOT_UNDERSTOOD.value,
            answer=answer,
            unanswered=unanswered,
            triggered_at=self._database.text_now(),
        )

    # What became of reports, as long as the lease lasts

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
        """All rows of the report are out, but for the rejected ones; what failed of its days before is over."""
        change = sa.update(REPORTS).where(*live(request), self._database.leases.held_by_this(REPORTS))
        change = change.values(
            status=PurchaseStatus.FINISHED.value,
            finished_at=self._database.text_now(),
            rows=reading.rows,
            rejected=reading.rejected,
            fingerprints=" ".join(sorted(reading.fingerprints)),
            drift="\n".join(reading.drift) or None,
            tied=reading.tied,
        )

        # Not whether this worker holds it: a report that is read a second time on its day is held by nobody.
        is_read = sa.exists().where(*live(request), COLUMNS.status == PurchaseStatus.FINISHED.value)

        def work(connection: sa.Connection) -> None:
            connection.execute(change)
            connection.execute(sa.delete(FAILURES).where(*overlapping(request), is_read))

        self._database.write(work)

    def ended(self, request: ReportRequest, *, report_id: str, status: PurchaseStatus) -> None:
        """Nothing more is done about the report: it will never be delivered, or a person has to decide.

        One that was read before, and is gone when it is read once more, stays read; its window may be bought again.
        """
        if not status.is_gone:
            self._update(request, status=status.value)
            return
        read = PurchaseStatus.FINISHED.value
        self._database.write_values(
            *live(request),
            COLUMNS.report_id == report_id,
            sa.or_(self._database.leases.held_by_this(REPORTS), COLUMNS.status == read),  # nobody holds what is read
            status=sa.case((COLUMNS.status == read, read), else_=status.value),
            live=None,
            **NOT_HELD,
        )

    def give_up(self, report_id: str) -> None:
        """A person has decided that a report is not read any more: its window may be bought again.

        Args:
            report_id: Flipkart's id, or the correlation id of a report whose id nobody knows.
        """
        is_meant = sa.or_(COLUMNS.report_id == report_id, COLUMNS.correlation_id == report_id)
        status = PurchaseStatus.GIVEN_UP.value
        change = sa.update(REPORTS).where(is_meant, COLUMNS.live == 1)

        def work(connection: sa.Connection) -> None:
            connection.execute(change.values(status=status, live=None, **NOT_HELD))
            connection.execute(sa.delete(FAILURES).where(FAILURES.c.report_id == report_id))

        self._database.write(work)

    # Windows that failed, with a report or without one

    def failed(
        self, request: ReportRequest, *, stream: str, report_id: str | None, is_unreadable: bool, cause: str
    ) -> None:
        """A window failed, for a stream at least; if that cannot be said, it is in the run's summary alone.

        Args:
            request: the window.
            stream: the stream.
            report_id: the report, if one was bought.
            is_unreadable: whether the report is there and cannot be read.
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
            self._database.write(work, patience=0)
        except (LedgerError, IntegrityError) as error:
            LOGGER.warning("%s: why it failed is not in the report ledger (%s).", request, first_line(error))

    def failures(self) -> list[FailedWindow]:
        """The windows that failed and have not been read since, the oldest days first.

        Raises:
            LedgerError: the database does not answer.
        """
        chosen = sa.select(FAILURES).order_by(FAILURES.c.from_date, FAILURES.c.window_key)
        return self._database.write(lambda connection: [failed_window_of(row) for row in connection.execute(chosen)])

    def released(self, request: ReportRequest) -> None:
        """This worker does no more about the window for now; if that cannot be said, the lease ends by itself."""
        try:
            self._update(request, patience=0, **NOT_HELD)
        except LedgerError as error:
            LOGGER.warning("%s: %s.", request, error)

    # How it is written

    def _update(self, request: ReportRequest, *, patience: float = SECONDS_AWAY, **values: object) -> None:
        """Change the window's live row, if this worker holds it."""
        self._database.write_values(
            *live(request), self._database.leases.held_by_this(REPORTS), patience=patience, **values
        )


def _attempt(correlation_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (COLUMNS.correlation_id == correlation_id,)
