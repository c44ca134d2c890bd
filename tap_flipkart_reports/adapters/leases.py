"""Leases in a database: who works on a row, and until when nobody else may.

A lease ends when it is not renewed, or at once when its holder was a process of this machine that is gone. Until when
it lasts is a wall-clock time, which workers on several machines compare; their clocks have to agree to seconds. What a
holder knows of its own lease it measures with a clock that nobody sets and that goes on while the machine is suspended.
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tap_flipkart_reports.adapters.processes import is_gone, is_other_process, own_name
from tap_flipkart_reports.exceptions import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.clock import Clock

RENEWALS_PER_LEASE: float = 4

NOT_HELD: dict[str, Any] = {"holder": None, "lease_until": None}
"""The values of a row that nobody works on."""


def lease_columns() -> tuple[sa.Column[Any], sa.Column[Any]]:
    """The columns that a table with leases has."""
    return sa.Column("holder", sa.String(255)), sa.Column("lease_until", sa.Double)


class Leases:
    """The leases of one worker.

    Args:
        clock: time.
        seconds: how long a worker that does not renew its lease still counts as alive.

    Attributes:
        holder: the worker's name in the table.
        seconds: how long a lease lasts.
    """

    def __init__(self, *, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds
        self.holder = f"{own_name()} {uuid.uuid4().hex[:8]}"

    def values(self) -> dict[str, Any]:
        """The values of a row that this worker holds from now on."""
        return {"holder": self.holder, "lease_until": self._now() + self.seconds}

    def is_alive(self, row: sa.Row[Any]) -> bool:
        """Whether a worker holds a row and still counts as at work."""
        if row.holder is None or row.lease_until is None or row.lease_until < self._now():
            return False
        return not is_gone(_process(row.holder))

    def is_seen_alive(self, row: sa.Row[Any]) -> bool:
        """Whether the holder of a row is another process of this machine that can be seen, though its lease is over.

        It may have been stopped in the middle of a call: what it has sent cannot be called back.
        """
        return row.holder is not None and is_other_process(_process(row.holder))

    def held_by_this(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Which rows this worker holds."""
        return table.c.holder == self.holder

    def _now(self) -> float:
        return self._clock.now().timestamp()


def unchanged(table: sa.Table, row: sa.Row[Any]) -> tuple[sa.ColumnElement[bool], ...]:
    """The lease of a row as it was read: whoever else has taken or renewed it meanwhile wins."""
    return (
        table.c.holder.is_not_distinct_from(row.holder),
        table.c.lease_until.is_not_distinct_from(row.lease_until),
    )


def shown(holder: str) -> str:
    """A holder for people."""
    words = holder.split()
    return f"process {words[2]} on {words[0]}" if len(words) > 2 else f"holder {holder!r}"  # noqa: PLR2004 - of `own_name`


def _process(holder: str) -> str:
    return holder.rpartition(" ")[0]


class Renewals:
    """A thread that renews leases long before they end, until it is stopped.

    Args:
        clock: time.
        seconds: how long a lease lasts.
        renew: renews all leases of the worker; it raises nothing.
    """

    def __init__(self, *, clock: Clock, seconds: float, renew: Callable[[], None]) -> None:
        self._clock = clock
        self._pause = seconds / RENEWALS_PER_LEASE
        self._renew = renew
        self._stopping = threading.Condition()
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless that has been done.

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
        """Renew nothing any more."""
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
