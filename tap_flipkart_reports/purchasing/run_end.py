"""Why a run ends, and how long it waits for what is under way."""

from __future__ import annotations

import logging

from tap_flipkart_reports.exceptions import LedgerError, WorkerError

LOGGER = logging.getLogger("tap-flipkart-reports.scheduler")

SECONDS_TO_STOP = 7.0
"""How long a call that is under way may finish once the run is asked to stop: the answer to a trigger is paid for.
Containers are killed after ten seconds, and the rows and the state that are there have to be written before that."""

SECONDS_TO_JOIN = 0.5
"""For threads to end that have nothing to do any more."""

SECONDS_TO_LEAVE = 120.0
"""How long calls may finish at the end of `max_wait`, when nobody is waiting."""


class RunEnd:
    """Whether a run ends; every method is called with the lock held. Times are the clock's monotonic seconds.

    Attributes:
        reason: why nothing new is begun, if that is so; what is not finished is left for the next run.
        error: what makes it impossible to go on, if anything does.
        give_up_at: when calls that are under way are left, too.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.error: LedgerError | WorkerError | None = None
        self.give_up_at: float | None = None
        self._asked_at: float | None = None

    def ask(self, reason: str, *, now: float) -> None:
        """Begin nothing new from now on; only the first to ask sets the time until which calls may finish."""
        self.reason = self.reason or reason
        if self._asked_at is None:
            self._asked_at = now
            self.give_up_at = now + SECONDS_TO_STOP

    def has_come(self, *, now: float, reason: str | None, deadline: float | None) -> bool:
        """Whether the run ends, be it that it was asked to, that nothing more can be had or that `max_wait` is over."""
        self.reason = self.reason or reason
        if self.reason is None and deadline is not None and now >= deadline:
            self.reason = "max_wait is over"
            self.give_up_at = now + SECONDS_TO_LEAVE
        if self.reason is None:
            return False
        if self.give_up_at is None:
            self.give_up_at = now + SECONDS_TO_STOP
        return True

    def has_time(self, *, now: float) -> bool:
        """Whether calls that are under way may still finish."""
        return self.give_up_at is None or now < self.give_up_at

    def seconds_to_next(self, *, now: float, deadline: float | None) -> float | None:
        """How long until the end comes nearer by itself; nothing while no moment is set for it."""
        ends = [end - now for end in (deadline, self.give_up_at) if end is not None]
        return max(0.0, min(ends)) if ends else None

    def join_until(self, *, now: float) -> float:
        """Until when threads are waited for."""
        asked_at = now if self._asked_at is None else self._asked_at
        return max(now, asked_at + SECONDS_TO_STOP) + SECONDS_TO_JOIN

    def break_off(self, error: BaseException) -> None:
        """End the run with an error; the first one counts."""
        if not isinstance(error, (LedgerError, WorkerError)):
            LOGGER.debug("A thread of the run has ended.", exc_info=error)
            error = WorkerError(
                f"a thread of the run has ended ({type(error).__name__}: {error}): nothing more is bought; what is "
                "bought is read by the next run"
            )
        self.error = self.error or error
        self.reason = self.reason or str(error)
