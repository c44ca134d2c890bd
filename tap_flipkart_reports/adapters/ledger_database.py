"""The ledger's database: transactions that wait for it where it is away, and the leases of this worker."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tap_flipkart_reports.adapters.database import SECONDS_AWAY, first_line, in_transaction, open_database
from tap_flipkart_reports.adapters.leases import NOT_HELD, Leases, Renewals
from tap_flipkart_reports.adapters.ledger_table import REPORTS, prepare
from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.exceptions import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.ledger")

LEASE_SECONDS = 120.0
"""How long a worker that does not renew its lease still counts as alive."""

_T = TypeVar("_T")


class LedgerDatabase:
    """The database, as one worker uses it; every method may be called from any thread.

    Args:
        place: a file path for SQLite, or an SQLAlchemy URL.
        clock: time.

    Attributes:
        clock: time.
        leases: of this worker.

    Raises:
        LedgerError: the database cannot be opened, or another version of the tap has written it.
    """

    def __init__(self, place: str, *, clock: Clock) -> None:
        self.clock = clock
        self.leases = Leases(clock=clock, seconds=LEASE_SECONDS)
        self._renewals = Renewals(clock=clock, seconds=LEASE_SECONDS, renew=self._renew)
        self._engine = open_database(place, setting="report_ledger", error=LedgerError, prepare=prepare, clock=clock)

    def close(self) -> None:
        """Give up all leases; what is unfinished may be adopted by anybody from now on."""
        self._renewals.stop()
        try:
            self.write_values(self.leases.held_by_this(REPORTS), patience=0, **NOT_HELD)
        except LedgerError as error:
            LOGGER.warning("%s; what this run held is free again in %.0f s.", error, LEASE_SECONDS)
        self._engine.dispose()

    def start_renewing(self) -> None:
        """Keep what is held until it is closed.

        Raises:
            WorkerError: the machine has no room for another thread.
        """
        self._renewals.start()

    def write_values(self, *where: sa.ColumnElement[bool], patience: float = SECONDS_AWAY, **values: object) -> int:
        """Change some rows; how many."""
        change = sa.update(REPORTS).where(*where).values(**values)
        return self.write(lambda connection: connection.execute(change).rowcount, patience=patience)

    def write(self, work: Callable[[sa.Connection], _T], *, patience: float = SECONDS_AWAY) -> _T:
        """Do something in one transaction, again if the connection broke: whatever is written bears being repeated."""
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
                "it; repair the row, or give report_ledger another place"
            ) from None

    def _renew(self) -> None:
        try:
            self.write_values(self.leases.held_by_this(REPORTS), patience=0, **self.leases.values())
        except LedgerError as error:
            LOGGER.warning("%s; the lease is renewed later.", error)

    def text_now(self) -> str:
        """The present moment, as the table holds it."""
        return self.clock.now().isoformat(timespec="seconds")

    def is_of_today(self, moment: str | None) -> bool:
        """Whether a moment of the table is of this day, in Kolkata."""
        today = self.clock.now().astimezone(KOLKATA).date()
        return moment is not None and datetime.fromisoformat(moment).astimezone(KOLKATA).date() == today
