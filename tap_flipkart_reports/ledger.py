"""Which reports were bought for which window, kept across crashes and shared between workers.

One row is one attempt to buy one report. `live` is 1 for the attempt that counts for its window and null for the
others, and (window, live) is unique: two workers cannot both have a live attempt for a window. A live row is held under
a lease by the run that works on it. The lease ends when it is not renewed, or at once when its holder was a process of
this machine that is gone.

```
INTENT ──▶ TRIGGERED ──▶ COMPLETED ──▶ DOWNLOADED ──▶ FINISHED      live until the window is wanted on another day
   │           └────────────┴──────────────┴──▶ FAILED, EXPIRED, UNREADABLE    the window may be bought again
   └──▶ LOST                                                        the answer to the trigger never came
```

The row is written before the trigger call (INTENT) and gets its report id right after it, before the first poll. Links
and secrets never get in here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
import threading
import uuid
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.exceptions import LedgerError
from tap_flipkart_reports.reports import Claim, ReportRequest
from tap_flipkart_reports.state import PendingReport
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.ledger")

VERSION = 1
"""Of the tables below; a ledger of a later version is refused, one of an earlier version will be migrated."""

LEASE_SECONDS = 120.0
"""How long a worker that does not renew its lease still counts as alive."""

RENEWALS_PER_LEASE = 4

CLAIM_TRIES = 20
"""How often a claim that lost a race against another worker looks again."""

SQLITE_BUSY_SECONDS = 60

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
    sa.Column("bytes", sa.BigInteger),
    sa.Column("sha256", sa.String(64)),
    sa.Column("holder", sa.String(255)),
    sa.Column("lease_until", sa.Double),
    sa.UniqueConstraint("window_key", "live", name="one_live_report_per_window"),
)
_COLUMNS = _REPORTS.c


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
        self._holder = _own_name()
        self._closing = threading.Condition()
        self._closed = False
        self._renewer: threading.Thread | None = None
        try:
            self._engine = _engine(place)
            self._prepare()
        except (SQLAlchemyError, OSError, ImportError) as error:
            raise LedgerError(f"report_ledger {_shown(place)} cannot be opened: {_first_line(error)}") from None

    def _prepare(self) -> None:
        try:
            _METADATA.create_all(self._engine)
        except (IntegrityError, SQLAlchemyError):
            # Another worker created the tables between the look and the creation.
            _METADATA.create_all(self._engine)
        with self._engine.begin() as connection:
            version = connection.execute(sa.select(sa.func.max(_VERSION.c.version))).scalar()
            if version is None:
                connection.execute(sa.insert(_VERSION).values(version=VERSION))
            elif version > VERSION:
                raise LedgerError(
                    f"the report ledger has version {version}, this tap knows {VERSION}: update the tap, "
                    "or give report_ledger another place"
                )

    def close(self) -> None:
        """Give up all leases; what is unfinished may be adopted by anybody from now on."""
        with self._closing:
            self._closed = True
            self._closing.notify_all()
        if self._renewer is not None:
            self._renewer.join()
        self._write(
            lambda connection: connection.execute(
                sa.update(_REPORTS).where(_COLUMNS.holder == self._holder).values(holder=None, lease_until=None)
            )
        )
        self._engine.dispose()

    # What the plan asks

    def unfinished(self, *, seller_id: str, identifier: str, warehouse_id: str | None) -> list[PendingReport]:
        """Reports that were bought and not yet read, whoever bought them."""
        where = sa.and_(
            _COLUMNS.live == 1,
            _COLUMNS.report_id.is_not(None),
            _COLUMNS.status != "FINISHED",
            _COLUMNS.seller_id == seller_id,
            _COLUMNS.identifier == identifier,
            _COLUMNS.warehouse_id.is_not_distinct_from(warehouse_id),
        )
        rows = self._write(lambda connection: connection.execute(sa.select(_REPORTS).where(where)).all())
        return [
            PendingReport(
                report_id=row.report_id,
                window=Window(date.fromisoformat(row.from_date), date.fromisoformat(row.to_date)),
                digest=row.digest,
            )
            for row in rows
        ]

    # What the scheduler books

    def claim(self, request: ReportRequest, *, correlation_id: str) -> Claim:
        """Say that a trigger is about to be made, unless the window has a report already or another worker.

        Raises:
            LedgerError: the database does not answer; nothing may be bought then.
        """
        for _ in range(CLAIM_TRIES):
            try:
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
        if row.status == "FINISHED":
            if self._is_of_today(row.triggered_at):
                return Claim(report_id=row.report_id)
            # The day has changed and the window is wanted again, so its rows are wanted as they are now.
            return self._replace(connection, request, row, correlation_id, status="FINISHED")
        if row.holder != self._holder and _is_alive(row.holder, row.lease_until, now=self._now()):
            return Claim(held_by=row.holder)
        if row.report_id is None:
            LOGGER.warning(
                "%s: a trigger of an earlier run (correlation id %s) never got its answer; it may have been bought, "
                "and is bought now, perhaps for the second time.",
                request,
                row.correlation_id,
            )
            return self._replace(connection, request, row, correlation_id, status="LOST")
        taken = connection.execute(
            sa.update(_REPORTS)
            .where(*_unchanged(row))
            .values(holder=self._holder, lease_until=self._now() + LEASE_SECONDS)
        )
        return Claim(report_id=row.report_id) if taken.rowcount == 1 else None

    def _insert(self, connection: sa.Connection, request: ReportRequest, correlation_id: str) -> Claim:
        """A new live row; for a report that only the state knew, one that is bought already."""
        now = self._text_now()
        known = request.report_id is not None
        connection.execute(
            sa.insert(_REPORTS).values(
                correlation_id=str(uuid.uuid4()) if known else correlation_id,
                window_key=_key(request),
                live=1,
                status="TRIGGERED" if known else "INTENT",
                report_id=request.report_id,
                seller_id=request.seller_id,
                identifier=request.identifier,
                warehouse_id=request.warehouse_id,
                from_date=request.window.first.isoformat(),
                to_date=request.window.last.isoformat(),
                digest=request.digest,
                intended_at=now,
                triggered_at=now if known else None,
                holder=self._holder,
                lease_until=self._now() + LEASE_SECONDS,
            )
        )
        return Claim(report_id=request.report_id)

    def _replace(
        self, connection: sa.Connection, request: ReportRequest, row: sa.Row[Any], correlation_id: str, *, status: str
    ) -> Claim | None:
        ended = connection.execute(
            sa.update(_REPORTS).where(*_unchanged(row)).values(live=None, status=status, holder=None, lease_until=None)
        )
        return self._insert(connection, request, correlation_id) if ended.rowcount == 1 else None

    def bought(self, request: ReportRequest, *, report_id: str) -> None:
        """The trigger was accepted."""
        self._update(request, status="TRIGGERED", report_id=report_id, triggered_at=self._text_now())

    def not_bought(self, request: ReportRequest) -> None:
        """The trigger was refused: the window is as if nobody had asked."""
        self._write(
            lambda connection: connection.execute(
                sa.delete(_REPORTS).where(*_live(request), _COLUMNS.status == "INTENT")
            )
        )

    def lost(self, request: ReportRequest) -> None:
        """The trigger may have been accepted, but its answer is lost."""
        self._update(request, status="LOST", live=None, holder=None, lease_until=None)

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

    def finished(self, request: ReportRequest, *, rows: int) -> None:
        """All rows of the report are out."""
        self._update(request, status="FINISHED", finished_at=self._text_now(), rows=rows)

    def abandoned(self, request: ReportRequest, *, status: str) -> None:
        """The report will never be had."""
        self._update(request, status=status, live=None, holder=None, lease_until=None)

    def give_up(self, report_id: str) -> None:
        """Somebody has decided that a report is not read any more: its window may be bought again."""
        self._write(
            lambda connection: connection.execute(
                sa.update(_REPORTS)
                .where(_COLUMNS.report_id == report_id, _COLUMNS.live == 1)
                .values(status="GIVEN UP", live=None, holder=None, lease_until=None)
            )
        )

    def released(self, request: ReportRequest) -> None:
        """This worker does no more about the window for now."""
        self._update(request, holder=None, lease_until=None)

    # How it is written

    def _update(self, request: ReportRequest, **values: object) -> None:
        """Change the window's live row, if this worker holds it."""
        self._write(
            lambda connection: connection.execute(
                sa.update(_REPORTS).where(*_live(request), _COLUMNS.holder == self._holder).values(**values)
            )
        )

    def _write(self, work: Callable[[sa.Connection], _T]) -> _T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise LedgerError(f"the report ledger cannot be used: {_first_line(error)}") from None

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
                        sa.update(_REPORTS)
                        .where(_COLUMNS.holder == self._holder)
                        .values(lease_until=self._now() + LEASE_SECONDS)
                    )
                )
            except LedgerError as error:
                LOGGER.warning("%s; the lease is renewed later.", error)

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _text_now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")

    def _is_of_today(self, moment: str | None) -> bool:
        today = self._clock.now().astimezone(KOLKATA).date()
        return moment is not None and datetime.fromisoformat(moment).astimezone(KOLKATA).date() == today


def _engine(place: str) -> sa.Engine:
    if "://" in place:
        return sa.create_engine(place, pool_pre_ping=True)
    path = Path(place).expanduser().absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": SQLITE_BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL").close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A transaction that reads first and writes later would fail at once when another process wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


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


def _own_name() -> str:
    """Machine, process-id namespace, process id, its start, and a number of its own."""
    return f"{_machine()} {os.getpid()} {_process_start(os.getpid())} {uuid.uuid4().hex[:8]}"


def _machine() -> str:
    """Host and process-id namespace: containers may share the one and not the other."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        namespace = "-"
    return f"{socket.gethostname()}/{namespace}"


def _process_start(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; `None` if there is no such process, or no way to tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def _is_alive(holder: str | None, lease_until: float | None, *, now: float) -> bool:
    if holder is None or lease_until is None or lease_until < now:
        return False
    machine, pid, start, _ = holder.rsplit(" ", 3)
    if machine != _machine() or start == "None":
        return True
    return _process_start(int(pid)) == start


def _shown(place: str) -> str:
    """The place without a password."""
    try:
        return sa.make_url(place).render_as_string(hide_password=True) if "://" in place else place
    except SQLAlchemyError:
        return "(a URL that cannot be read)"


def _first_line(error: BaseException) -> str:
    """Drivers add their query and links to help pages; none of that is for the operator."""
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0]
