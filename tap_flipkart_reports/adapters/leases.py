"""Leases in a database: which worker holds a row, and until when.

A lease ends if it is not renewed, or at once if its holder was a process of this machine that no longer exists. Its end
is a wall-clock time that workers on several machines compare, so their clocks must agree to within seconds. A holder
measures its own lease with a clock that cannot be set and that runs on while the machine is suspended.
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tap_flipkart_reports.adapters.processes import is_gone, is_other_process, own_process_name
from tap_flipkart_reports.exceptions import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.clock import Clock

RENEWALS_PER_LEASE: float = 4

NOT_HELD: dict[str, Any] = {"holder": None, "lease_until": None}
"""The lease columns of a row that nobody holds."""


def lease_columns() -> tuple[sa.Column[Any], sa.Column[Any]]:
    """The lease columns of a table."""
    return sa.Column("holder", sa.String(255)), sa.Column("lease_until", sa.Double)


class Leases:
    """The leases of one worker.

    Args:
        clock: time.
        seconds: how long a lease lasts without renewal.

    Attributes:
        holder: the worker's name in the table.
        seconds: how long a lease lasts without renewal.
    """

    def __init__(self, *, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds
        self.holder = f"{own_process_name()} {uuid.uuid4().hex[:8]}"

    def values(self) -> dict[str, Any]:
        """The lease columns of a row that this worker holds from now on."""
        return {"holder": self.holder, "lease_until": self._now() + self.seconds}

    def is_alive(self, row: sa.Row[Any]) -> bool:
        """Whether a row's lease is still valid."""
        if row.holder is None or row.lease_until is None or row.lease_until < self._now():
            return False
        return not is_gone(_process_name(row.holder))

    def is_seen_alive(self, row: sa.Row[Any]) -> bool:
        """Whether a row's holder is another process of this machine that still exists, even if its lease is over.

        It may have been stopped in the middle of a call: what it has sent cannot be called back.
        """
        return row.holder is not None and is_other_process(_process_name(row.holder))

    def held_by_this(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """The condition that this worker holds a row."""
        return table.c.holder == self.holder

    def _now(self) -> float:
        return self._clock.now().timestamp()


def lease_unchanged(table: sa.Table, row: sa.Row[Any]) -> tuple[sa.ColumnElement[bool], ...]:
    """The condition that a row's lease was not taken or renewed since the row was read."""
    return (
        table.c.holder.is_not_distinct_from(row.holder),
        table.c.lease_until.is_not_distinct_from(row.lease_until),
    )


def readable_holder(holder: str) -> str:
    """A holder's name for messages."""
    words = holder.split()
    return f"process {words[2]} on {words[0]}" if len(words) > 2 else f"holder {holder!r}"  # noqa: PLR2004 - of `own_process_name`


def _process_name(holder: str) -> str:
    return holder.rpartition(" ")[0]


class Renewals:
    """A thread that renews leases well before they end, until it is stopped.

    Args:
        clock: time.
        seconds: how long a lease lasts without renewal.
        renew: renews all leases of the worker; it must not raise.
    """

    def __init__(self, *, clock: Clock, seconds: float, renew: Callable[[], None]) -> None:
        self._clock = clock
        self._pause = seconds / RENEWALS_PER_LEASE
        self._renew = renew
        self._stopping = threading.Condition()
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it is started already.

        Raises:
            WorkerError: the machine has no room for another thread.
        """
        with self._stopping:
            if self._thread is None and not self._is_stopped:
                thread = threading.Thread(target=self._run, name="ledger-lease", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    raise WorkerError(
                        "the machine has no room for another thread, and without one that renews its leases the report "
                        "ledger cannot be used: nothing was bought; run again"
                    ) from None
                self._thread = thread

    def stop(self) -> None:
        """Stop the thread."""
        with self._stopping:
            self._is_stopped = True
            self._stopping.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._stopping:
                if not self._is_stopped:
                    self._clock.wait(self._stopping, self._pause)
                if self._is_stopped:
                    return
            self._renew()
