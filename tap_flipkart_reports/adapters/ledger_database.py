"""The ledger's database: transactions that wait while it is away, and this worker's leases."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tap_flipkart_reports.adapters.database import SECONDS_AWAY, first_line, in_transaction, open_database
from tap_flipkart_reports.adapters.leases import NOT_HELD, Leases, Renewals
from tap_flipkart_reports.adapters.ledger_table import REPORTS, create_tables
from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.exceptions import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.ledger")

LEASE_SECONDS = 120.0
"""How long a lease lasts without renewal."""

_T = TypeVar("_T")


class LedgerDatabase:
    """The database, as one worker uses it; every method may be called from any thread.

    Args:
        path_or_url: a file path for SQLite, or an SQLAlchemy URL.
        clock: time.

    Attributes:
        clock: time.
        leases: this worker's leases.

    Raises:
        LedgerError: the database cannot be opened, or another version of the tap has written it.
    """

    def __init__(self, path_or_url: str, *, clock: Clock) -> None:
        self.clock = clock
        self.leases = Leases(clock=clock, seconds=LEASE_SECONDS)
        self._renewals = Renewals(clock=clock, seconds=LEASE_SECONDS, renew=self._renew)
        self._engine = open_database(
            path_or_url, setting="report_ledger", error=LedgerError, prepare=create_tables, clock=clock
        )

    def close(self) -> None:
        """Release all leases; other workers may now adopt what is unfinished."""
        self._renewals.stop()
        try:
            self.update_rows(self.leases.held_by_this(REPORTS), patience=0, **NOT_HELD)
        except LedgerError as error:
            LOGGER.warning("%s; what this run held is free again in %.0f s.", error, LEASE_SECONDS)
        self._engine.dispose()

    def start_renewing(self) -> None:
        """Renew this worker's leases until the database is closed.

        Raises:
            WorkerError: the machine has no room for another thread.
        """
        self._renewals.start()

    def update_rows(self, *where: sa.ColumnElement[bool], patience: float = SECONDS_AWAY, **values: object) -> int:
        """Change some rows; returns how many."""
        change = sa.update(REPORTS).where(*where).values(**values)
        return self.transact(lambda connection: connection.execute(change).rowcount, patience=patience)

    def transact(self, work: Callable[[sa.Connection], _T], *, patience: float = SECONDS_AWAY) -> _T:
        """Run work in one transaction, and again if the connection breaks; the work must be safe to repeat."""
        try:
            return in_transaction(self._engine, work, name="report_ledger", clock=self.clock, patience=patience)
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise LedgerError(
                f"the report ledger cannot be used ({first_line(error)}): nothing is bought without it; check the "
                "database and run again"
            ) from None
        except (TypeError, ValueError, AttributeError) as error:
            raise LedgerError(
                f"the report ledger holds a row that the tap cannot have written ({error}): nothing is bought without "
                "it; repair the row, or give report_ledger another path_or_url"
            ) from None

    def _renew(self) -> None:
        try:
            self.update_rows(self.leases.held_by_this(REPORTS), patience=0, **self.leases.values())
        except LedgerError as error:
            LOGGER.warning("%s; the lease is renewed later.", error)

    def text_now(self) -> str:
        """The current time, as stored in the table."""
        return self.clock.now().isoformat(timespec="seconds")

    def is_today(self, moment: str | None) -> bool:
        """Whether a stored time is of today, in Kolkata."""
        today = self.clock.now().astimezone(KOLKATA).date()
        return moment is not None and datetime.fromisoformat(moment).astimezone(KOLKATA).date() == today
