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
   └──▶ LOST                                                        the answer to the trigger never came
```

The row is written before the trigger call (INTENT) and gets its report id right after it, before the first poll. Links
and secrets never get in here, of the parameters only a hash.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import uuid
from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from tap_flipkart_reports.adapters.database import first_line, open_database
from tap_flipkart_reports.adapters.processes import is_alive, own_name
from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.exceptions import LedgerError
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.purchasing.requests import GONE, Claim, PendingReport, Purchase, ReportRequest
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.ledger")

VERSION = 3
"""Of the tables below; a ledger of a later version is refused."""

_MIGRATIONS = {
    1: (
        "ALTER TABLE flipkart_reports ADD COLUMN attempts INTEGER",
        """
        UPDATE flipkart_reports SET attempts = (
            SELECT count(*) FROM flipkart_reports AS other
            WHERE other.window_key = flipkart_reports.window_key AND other.intended_at <= flipkart_reports.intended_at
        )
        """,
    ),
    2: (
        "ALTER TABLE flipkart_reports ADD COLUMN rejected BIGINT",
        "ALTER TABLE flipkart_reports ADD COLUMN fingerprints TEXT",
    ),
}
"""What makes a ledger of a version one of the next."""

LEASE_SECONDS = 120.0
"""How long a worker that does not renew its lease still counts as alive."""

RENEWALS_PER_LEASE = 4

SECONDS_AWAY = 60.0
"""How long a database that does not answer is waited for: restarts and fail-overs take less."""

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 8.0

CLAIM_TRIES = 20
"""How often a claim that lost a race against another worker looks again."""

READ_AGAIN = timedelta(days=1)
"""A report whose rows are out is read again instead of a new one, if its window is wanted once more within this time
by somebody whose state does not know of it."""

_T = TypeVar("_T")

_METADATA = sa.MetaData()
_VERSION = sa.Table("flipkart_reports_ledger", _METADATA, sa.Column("version", sa.Integer, primary_key=True))
_REPORTS = sa.Table(
    "flipkart_reports",
    _METADATA,
    sa.Column("correlation_id", sa.String(36), primary_key=True),
    sa.Column("window_key", sa.String(32), nullable=False),
    sa.Column("live", sa.SmallInteger),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer),
    sa.Column("report_id", sa.String(255)),
    sa.Column("seller_id", sa.String(255), nullable=False),
    sa.Column("identifier", sa.String(255), nullable=False),
    sa.Column("warehouse_id", sa.String(255)),
    sa.Column("from_date", sa.String(10), nullable=False),
    sa.Column("to_date", sa.String(10), nullable=False),
    sa.Column("digest", sa.String(32), nullable=False),
    sa.Column("intended_at", sa.String(32)),
    sa.Column("triggered_at", sa.String(32)),
    sa.Column("completed_at", sa.String(32)),
    sa.Column("expiry", sa.String(32)),
    sa.Column("downloaded_at", sa.String(32)),
    sa.Column("finished_at", sa.String(32)),
    sa.Column("rows", sa.BigInteger),
    sa.Column("rejected", sa.BigInteger),
    sa.Column("fingerprints", sa.Text),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("sha256", sa.String(64)),
    sa.Column("holder", sa.String(255)),
    sa.Column("lease_until", sa.Double),
    sa.UniqueConstraint("window_key", "live", name="one_live_report_per_window"),
)
_COLUMNS = _REPORTS.c

NOT_HELD: dict[str, Any] = {"holder": None, "lease_until": None}


class Ledger:
    """The bought reports in a database.

    Args:
        place: a file path for SQLite, or an SQLAlchemy URL.
        clock: time; leases compare wall clocks, so workers on several machines need clocks that agree to seconds.

    Raises:
        LedgerError: the database cannot be opened, or a later version of the tap has written it.
    """

    def __init__(self, place: str, *, clock: Clock) -> None:
        self._clock = clock
        self._holder = f"{own_name()} {uuid.uuid4().hex[:8]}"
        # One claim of a run at a time: the answers to its triggers, which a kill would lose, wait behind no other.
        self._claiming = threading.Lock()
        self._closing = threading.Condition()
        self._closed = False
        self._renewer: threading.Thread | None = None
        self._engine = open_database(
            place, setting="report_ledger", error=LedgerError, prepare=self._prepare, clock=clock
        )

    @staticmethod
    def _prepare(connection: sa.Connection) -> None:
        """Make the tables, or bring them to this version; who comes second finds it done."""
        _METADATA.create_all(connection)
        version = connection.execute(sa.select(sa.func.max(_VERSION.c.version))).scalar()
        if version is None:
            connection.execute(sa.insert(_VERSION).values(version=VERSION))
            return
        if version > VERSION:
            raise LedgerError(
                f"the report ledger has version {version}, this tap knows {VERSION}: update the tap, "
                "or give report_ledger another place"
            )
        for known in range(version, VERSION):
            # The row is locked from here to the end: another worker that has seen the same version waits, and then
            # finds no row of it any more.
            ours = sa.update(_VERSION).where(_VERSION.c.version == known).values(version=known + 1)
            if connection.execute(ours).rowcount == 1:
                for statement in _MIGRATIONS[known]:
                    connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Give up all leases; what is unfinished may be adopted by anybody from now on."""
        with self._closing:
            self._closed = True
            self._closing.notify_all()
        if self._renewer is not None:
            self._renewer.join()
        try:
            self._write(
                lambda connection: connection.execute(
                    sa.update(_REPORTS).where(_COLUMNS.holder == self._holder).values(**NOT_HELD)
                ),
                patience=0,
            )
        except LedgerError as error:
            LOGGER.warning("%s; what this run held is free again in %.0f s.", error, LEASE_SECONDS)
        self._engine.dispose()

    # What the plan asks

    def unread_reports(self, *, seller_id: str, identifier: str, warehouse_id: str | None) -> Sequence[PendingReport]:
        """Reports that need not be bought, whoever bought them: those not yet read, and those bought and read today.

        As they were when this was first asked: whoever wants one claims it, and is told then what has become of it.
        """
        return self._unread_reports.get((seller_id, identifier, warehouse_id), ())

    @cached_property
    def _unread_reports(self) -> Mapping[tuple[str, str, str | None], Sequence[PendingReport]]:
        """By place, with one look at the table: there are hundreds of places."""
        where = sa.and_(_COLUMNS.live == 1, _COLUMNS.report_id.is_not(None))
        rows = self._write(lambda connection: connection.execute(sa.select(_REPORTS).where(where)).all())
        reports: dict[tuple[str, str, str | None], list[PendingReport]] = defaultdict(list)
        for row in rows:
            is_finished = row.status == "FINISHED"
            if not is_finished or self._is_of_today(row.triggered_at):
                report = PendingReport(
                    report_id=row.report_id,
                    window=Window(date.fromisoformat(row.from_date), date.fromisoformat(row.to_date)),
                    digest=row.digest,
                    is_finished=is_finished,
                )
                reports[row.seller_id, row.identifier, row.warehouse_id].append(report)
        return reports

    def history(self) -> list[Purchase]:
        """Every report that was bought, in the order of the triggers; those included whose answer was lost.

        Raises:
            LedgerError: the database does not answer.
        """
        bought_at = sa.func.coalesce(_COLUMNS.triggered_at, _COLUMNS.intended_at)
        rows = self._write(
            lambda connection: connection.execute(
                sa.select(_REPORTS, bought_at.label("bought_at")).where(_COLUMNS.status != "INTENT").order_by(bought_at)
            ).all()
        )
        return [
            Purchase(
                identifier=row.identifier,
                seller_id=row.seller_id,
                warehouse_id=row.warehouse_id,
                window=Window(date.fromisoformat(row.from_date), date.fromisoformat(row.to_date)),
                status=row.status,
                report_id=row.report_id,
                bought_at=datetime.fromisoformat(row.bought_at),
                completed_at=_moment(row.completed_at),
                finished_at=_moment(row.finished_at),
                rows=row.rows,
            )
            for row in rows
        ]

    def latest_days(self) -> Mapping[tuple[str, PartitionKey], date]:
        """The last day that was ever bought, by identifier and partition; failed and lost purchases left out.

        Raises:
            LedgerError: the database does not answer.
        """
        columns = (_COLUMNS.identifier, _COLUMNS.seller_id, _COLUMNS.warehouse_id)
        query = sa.select(*columns, sa.func.max(_COLUMNS.to_date)).where(_COLUMNS.status.not_in(["INTENT", *GONE]))
        rows = self._write(lambda connection: connection.execute(query.group_by(*columns)).all())
        return {(row[0], PartitionKey(row[1], row[2])): date.fromisoformat(row[3]) for row in rows}

    # What the scheduler books

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
        """Say that a trigger is about to be made, unless the window has a report already or another worker.

        Raises:
            LedgerError: the database does not answer; nothing may be bought then.
        """
        for _ in range(CLAIM_TRIES):
            try:
                with self._claiming:
                    claim: Claim | None = self._write(
                        lambda connection: self._claim_once(connection, request, correlation_id)
                    )
            except IntegrityError:
                claim = None
            if claim is not None:
                self._start_renewing()
                return claim
        raise LedgerError("the report ledger is so busy that the window could not be claimed; run again")

    def _claim_once(self, connection: sa.Connection, request: ReportRequest, correlation_id: str) -> Claim | None:
        """One look and one write; `None` when another worker wrote in between."""
        row = connection.execute(sa.select(_REPORTS).where(*_live(request))).one_or_none()
        if row is None:
            return self._insert(connection, request, correlation_id)
        if row.correlation_id == correlation_id:  # this claim, made before the connection broke
            return Claim()
        if row.status == "FINISHED":
            if row.report_id == request.report_id or self._is_recent(row, request):
                return Claim(report_id=row.report_id)
            return self._replace(connection, request, row, correlation_id, status="FINISHED")
        # A row of this run without an id: another of its threads is in the trigger call.
        is_another = row.holder != self._holder or row.report_id is None
        if is_another and is_alive(row.holder, row.lease_until, now=self._now()):
            return Claim(held_by=_shown_holder(row.holder))
        return self._inherit(connection, request, row, correlation_id)

    def _inherit(
        self, connection: sa.Connection, request: ReportRequest, row: sa.Row[Any], correlation_id: str
    ) -> Claim | None:
        """Go on where a worker stopped, or was killed."""
        report_id = row.report_id or request.report_id  # the state may know of a trigger what could not be booked
        if report_id is not None:
            status = "TRIGGERED" if row.report_id is None else row.status
            values = {"report_id": report_id, "status": status, **self._lease()}
            taken = connection.execute(sa.update(_REPORTS).where(*_unchanged(row)).values(**values))
            return Claim(report_id=report_id) if taken.rowcount == 1 else None
        LOGGER.warning(
            "%s: a trigger of an earlier run (correlation id %s) never got its answer; it may have been bought, and is "
            "bought now, perhaps for the second time.",
            request,
            row.correlation_id,
        )
        return self._replace(connection, request, row, correlation_id, status="LOST")

    def _is_recent(self, row: sa.Row[Any], request: ReportRequest) -> bool:
        """Whether a report that was read already shows the rows as they are wanted.

        Days that are read again are wanted as they are on the new day; a state that was lost wants them as they were.
        """
        if request.is_reread:
            return self._is_of_today(row.triggered_at)
        return self._clock.now() - datetime.fromisoformat(row.triggered_at) < READ_AGAIN

    def _insert(self, connection: sa.Connection, request: ReportRequest, correlation_id: str) -> Claim:
        """A new live row; for a report that only the state knew, one that is bought already."""
        now = self._text_now()
        known = request.report_id is not None
        earlier = sa.select(sa.func.count()).where(_COLUMNS.window_key == _key(request))
        connection.execute(
            sa.insert(_REPORTS).values(
                correlation_id=str(uuid.uuid4()) if known else correlation_id,
                window_key=_key(request),
                live=1,
                status="TRIGGERED" if known else "INTENT",
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
                **self._lease(),
            )
        )
        return Claim(report_id=request.report_id)

    def _replace(
        self, connection: sa.Connection, request: ReportRequest, row: sa.Row[Any], correlation_id: str, *, status: str
    ) -> Claim | None:
        ended = connection.execute(
            sa.update(_REPORTS).where(*_unchanged(row)).values(live=None, status=status, **NOT_HELD)
        )
        return self._insert(connection, request, correlation_id) if ended.rowcount == 1 else None

    def bought(self, *, correlation_id: str, report_id: str) -> None:
        """The trigger was accepted."""
        values = {"status": "TRIGGERED", "report_id": report_id, "triggered_at": self._text_now()}
        self._write(
            lambda connection: connection.execute(
                sa.update(_REPORTS).where(_COLUMNS.correlation_id == correlation_id).values(**values)
            )
        )

    def not_bought(self, *, correlation_id: str) -> None:
        """The trigger was refused: the window is as if nobody had asked."""
        self._write(
            lambda connection: connection.execute(
                sa.delete(_REPORTS).where(_COLUMNS.correlation_id == correlation_id, _COLUMNS.status == "INTENT")
            )
        )

    def lost(self, *, correlation_id: str) -> None:
        """The trigger may have been accepted, but its answer is lost."""
        self._write(
            lambda connection: connection.execute(
                sa.update(_REPORTS)
                .where(_COLUMNS.correlation_id == correlation_id)
                .values(status="LOST", live=None, **NOT_HELD)
            )
        )

    def completed(self, request: ReportRequest, *, expiry: datetime | None) -> None:
        """The report is ready."""
        self._update(
            request,
            status="COMPLETED",
            completed_at=self._text_now(),
            expiry=expiry.isoformat() if expiry is not None else None,
        )

    def downloaded(self, request: ReportRequest, *, size: int, sha256: str) -> None:
        """The report's file is on disk."""
        self._update(request, status="DOWNLOADED", downloaded_at=self._text_now(), bytes=size, sha256=sha256)

    def finished(self, request: ReportRequest, *, rows: int, rejected: int, fingerprints: Collection[str]) -> None:
        """All rows of the report are out, but for the rejected ones; the fingerprints are those of its headers."""
        self._update(
            request,
            status="FINISHED",
            finished_at=self._text_now(),
            rows=rows,
            rejected=rejected,
            fingerprints=" ".join(sorted(fingerprints)),
        )

    def abandoned(self, request: ReportRequest, *, status: str) -> None:
        """The report will never be had."""
        self._update(request, status=status, live=None, **NOT_HELD)

    def give_up(self, report_id: str) -> None:
        """Somebody has decided that a report is not read any more: its window may be bought again."""
        self._write(
            lambda connection: connection.execute(
                sa.update(_REPORTS)
                .where(_COLUMNS.report_id == report_id, _COLUMNS.live == 1)
                .values(status="GIVEN UP", live=None, **NOT_HELD)
            )
        )

    def released(self, request: ReportRequest) -> None:
        """This worker does no more about the window for now; if that cannot be said, the lease ends by itself."""
        try:
            self._update(request, patience=0, **NOT_HELD)
        except LedgerError as error:
            LOGGER.warning("%s: %s.", request, error)

    # How it is written

    def _update(self, request: ReportRequest, *, patience: float = SECONDS_AWAY, **values: object) -> None:
        """Change the window's live row, if this worker holds it."""
        ours = sa.update(_REPORTS).where(*_live(request), _COLUMNS.holder == self._holder).values(**values)
        self._write(lambda connection: connection.execute(ours), patience=patience)

    def _write(self, work: Callable[[sa.Connection], _T], *, patience: float = SECONDS_AWAY) -> _T:
        """Do something in one transaction, again if the connection broke: whatever is written bears being repeated."""
        give_up_at = self._clock.monotonic() + patience
        pause = FIRST_PAUSE
        while True:
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except IntegrityError:
                raise
            except SQLAlchemyError as error:
                is_away = isinstance(error, OperationalError) or (
                    isinstance(error, DBAPIError) and error.connection_invalidated
                )
                if not is_away or self._clock.monotonic() + pause > give_up_at:
                    raise LedgerError(
                        f"the report ledger cannot be used ({first_line(error)}): nothing is bought without it; see "
                        "to the database and run again"
                    ) from None
            self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _start_renewing(self) -> None:
        with self._closing:
            if self._renewer is None and not self._closed:
                self._renewer = threading.Thread(target=self._renew, name="ledger-lease", daemon=True)
                self._renewer.start()

    def _renew(self) -> None:
        """Hold on to what is held, until closed; a renewal that fails is tried again long before the lease ends."""
        while True:
            with self._closing:
                if not self._closed:
                    self._clock.wait(self._closing, LEASE_SECONDS / RENEWALS_PER_LEASE)
                if self._closed:
                    return
            try:
                self._write(
                    lambda connection: connection.execute(
                        sa.update(_REPORTS).where(_COLUMNS.holder == self._holder).values(**self._lease())
                    ),
                    patience=0,
                )
            except LedgerError as error:
                LOGGER.warning("%s; the lease is renewed later.", error)

    def _lease(self) -> dict[str, object]:
        return {"holder": self._holder, "lease_until": self._now() + LEASE_SECONDS}

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _text_now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")

    def _is_of_today(self, moment: str | None) -> bool:
        today = self._clock.now().astimezone(KOLKATA).date()
        return moment is not None and datetime.fromisoformat(moment).astimezone(KOLKATA).date() == today


def _key(request: ReportRequest) -> str:
    named = [request.seller_id, request.warehouse_id, str(request.window), request.digest]
    return hashlib.blake2b(json.dumps(named).encode(), digest_size=16).hexdigest()


def _live(request: ReportRequest) -> tuple[sa.ColumnElement[bool], ...]:
    return _COLUMNS.window_key == _key(request), _COLUMNS.live == 1


def _unchanged(row: sa.Row[Any]) -> tuple[sa.ColumnElement[bool], ...]:
    """The row as it was read: whoever else wrote to it meanwhile wins."""
    return (
        _COLUMNS.correlation_id == row.correlation_id,
        _COLUMNS.live == 1,
        _COLUMNS.status == row.status,
        _COLUMNS.holder.is_not_distinct_from(row.holder),
        _COLUMNS.lease_until.is_not_distinct_from(row.lease_until),
    )


def _shown_holder(holder: str) -> str:
    host, _, pid, *_ = holder.split()
    return f"process {pid} on {host}"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
