"""Why a run ends, and how long it waits for calls that are under way."""

from __future__ import annotations

import logging

from tap_flipkart_reports.exceptions import LedgerError, WorkerError

LOGGER = logging.getLogger("tap-flipkart-reports.scheduler")

SECONDS_TO_STOP = 7.0
"""How long calls that are under way may take once the run is asked to stop: the answer to a trigger is paid for.
Containers are killed after ten seconds, and remaining rows and the state must be written before that."""

SECONDS_TO_JOIN = 0.5
"""How long idle threads may take to end."""

SECONDS_TO_LEAVE = 120.0
"""How long calls in progress may take at the end of `max_wait`, when nobody waits for them."""


class RunEnd:
    """Whether and why a run ends. Callers hold the lock; times are seconds of the monotonic clock.

    Attributes:
        reason: why nothing new is started, if so; unfinished reports are deferred to the next run.
        error: why the run cannot continue, if so.
        give_up_at: when the run stops waiting for calls that are under way.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.error: LedgerError | WorkerError | None = None
        self.give_up_at: float | None = None
        self._stop_requested_at: float | None = None

    def request_stop(self, reason: str, *, now: float) -> None:
        """Start nothing new from now on; only the first request sets the time until which calls may finish."""
        self.reason = self.reason or reason
        if self._stop_requested_at is None:
            self._stop_requested_at = now
            self.give_up_at = now + SECONDS_TO_STOP

    def is_ending(self, *, now: float, reason: str | None, deadline: float | None) -> bool:
        """Whether the run is ending: it was asked to stop, nothing more can be fetched, or `max_wait` is over."""
        self.reason = self.reason or reason
        if self.reason is None and deadline is not None and now >= deadline:
            self.reason = "max_wait is over"
            self.give_up_at = now + SECONDS_TO_LEAVE
        if self.reason is None:
            return False
        if self.give_up_at is None:
            self.give_up_at = now + SECONDS_TO_STOP
        return True

    def may_still_finish(self, *, now: float) -> bool:
        """Whether calls that are under way may still finish."""
        return self.give_up_at is None or now < self.give_up_at

    def seconds_to_next(self, *, now: float, deadline: float | None) -> float | None:
        """Seconds until the next of these deadlines, `None` if there is none."""
        ends = [end - now for end in (deadline, self.give_up_at) if end is not None]
        return max(0.0, min(ends)) if ends else None

    def join_until(self, *, now: float) -> float:
        """Until when to wait for threads to end."""
        asked_at = now if self._stop_requested_at is None else self._stop_requested_at
        return max(now, asked_at + SECONDS_TO_STOP) + SECONDS_TO_JOIN

    def fail(self, error: BaseException) -> None:
        """End the run with an error; the first one counts."""
        if not isinstance(error, (LedgerError, WorkerError)):
            LOGGER.debug("A thread of the run has ended.", exc_info=error)
            error = WorkerError(
                f"a thread of the run has ended ({type(error).__name__}: {error}): nothing more is bought; what is "
                "bought is read by the next run"
            )
        self.error = self.error or error
        self.reason = self.reason or str(error)
