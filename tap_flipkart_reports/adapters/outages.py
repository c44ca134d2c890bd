"""Which hosts answer: an outage is detected once, and not once for each seller and window.

Each call of a run waits for its turn here before it is sent. While a host is away, one call at a time tries it, after
growing pauses, and the others wait; when it is back, all continue. A host that has never answered, or stays away for
too long, is given up for this run: every further call to it fails at once, with the same sentence.
"""

from __future__ import annotations

import logging
import math
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import backoff

from tap_flipkart_reports.adapters.answers import Fault
from tap_flipkart_reports.exceptions import HostAwayError, OutageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.client")

FIRST_ANSWER_SECONDS = 40.0
"""How long to try a host that has never answered in this run; together with the start it stays under a minute."""

PATIENCE_SECONDS = 600.0
"""How long to wait for a host that has answered before, unless `max_wait` is set."""

LONGEST_PAUSE = 60.0
"""Longest pause in seconds between two tries of a host that is away."""

MAX_BROKEN_IN_A_ROW = 6
"""A host counts as away after this many broken connections in a row: a single one may happen."""


def _pauses() -> Iterator[float]:
    waits = backoff.expo(max_value=LONGEST_PAUSE)
    next(waits)  # backoff 2 and 3 yield once before the first wait
    return waits


@dataclass(kw_only=True)
class _Host:
    """What is known about one host; times are seconds of the monotonic clock.

    Attributes:
        first_asked_at: the time of the first call.
        away_since: when it was found to be away, `None` while it answers.
        next_try_at: when the next call may try it.
        is_being_tried: whether a call is trying it now.
        broken: number of broken connections in a row.
        given_up: the error text for every further call, once it is given up.
    """

    first_asked_at: float
    has_answered: bool = False
    away_since: float | None = None
    next_try_at: float = 0.0
    is_being_tried: bool = False
    broken: int = 0
    given_up: str | None = None
    pauses: Iterator[float] = field(default_factory=_pauses)


class Outages:
    """Knows which hosts answer; every method may be called from any thread.

    Args:
        clock: time.
        patience: seconds to wait for a host that has answered before.
    """

    def __init__(self, *, clock: Clock, patience: float | None = None) -> None:
        self._clock = clock
        self._patience = PATIENCE_SECONDS if patience is None else patience
        self._changed = threading.Condition()
        self._hosts: dict[str, _Host] = {}
        self._is_stopped = False

    def wait_for_turn(self, host: str, *, waits_for_host: bool = True, is_known: bool = False) -> float:
        """Wait until a call to a host may be sent; report its outcome to `record_outcome`.

        Args:
            host: host and port.
            waits_for_host: whether to wait while the host is away.
            is_known: whether another host has named it; it then counts as if it had answered before.

        Returns:
            Seconds that the call may take if the host has not answered yet, otherwise infinity.

        Raises:
            OutageError: the host is given up for this run.
            HostAwayError: the host is away, and this call does not wait.
        """
        with self._changed:
            now = self._clock.monotonic()
            known = self._hosts.setdefault(host, _Host(first_asked_at=now, has_answered=is_known))
            while not self._is_turn(known):
                if not waits_for_host:
                    raise HostAwayError(f"{host} does not answer just now")
                self._wait(known)
            if known.has_answered:
                return math.inf
            return max(1.0, known.first_asked_at + FIRST_ANSWER_SECONDS - self._clock.monotonic())

    def wait_until_back(self, host: str) -> None:
        """Wait until a host that is away may be tried again, without a call.

        Raises:
            OutageError: the host is given up for this run.
        """
        with self._changed:
            known = self._hosts.get(host)
            while known is not None and not self._may_be_asked(known):
                self._wait(known)

    def record_outcome(self, host: str, outcome: object) -> None:
        """Record the outcome of a call that had its turn: a fault, or anything else for an answer."""
        with self._changed:
            known = self._hosts[host]
            known.is_being_tried = False
            if known.given_up is not None:
                pass  # a call that was under way: the host stays given up
            elif isinstance(outcome, Fault) and outcome.is_unsendable:
                pass  # it says nothing about the host
            elif not isinstance(outcome, Fault):
                self._answered(host, known)
            elif outcome.is_permanent and not (outcome.is_away and known.has_answered):
                known.given_up = f"{outcome.words}; {outcome.advice}"
            else:
                known.broken += 1
                if outcome.is_away or known.broken >= MAX_BROKEN_IN_A_ROW:
                    self._went_away(host, known, outcome)
            self._changed.notify_all()

    def stop(self) -> None:
        """End all waiting."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> bool:
        """Wait between two tries of a call.

        Returns:
            Whether the whole pause has passed; false if the run was asked to stop.
        """
        ends = self._clock.monotonic() + seconds
        with self._changed:
            while not self._is_stopped and (left := ends - self._clock.monotonic()) > 0:
                self._clock.wait(self._changed, left)
            return not self._is_stopped

    # The caller of these holds the lock

    @property
    def _seconds_for_first_answer(self) -> float:
        return min(FIRST_ANSWER_SECONDS, self._patience)

    def _may_be_asked(self, known: _Host) -> bool:
        if known.given_up is not None:
            raise OutageError(known.given_up)
        if known.away_since is None:
            return True
        if self._is_stopped:
            raise OutageError("the run was asked to end while the network was away")
        return not known.is_being_tried and self._clock.monotonic() >= known.next_try_at

    def _is_turn(self, known: _Host) -> bool:
        may_ask = self._may_be_asked(known)
        known.is_being_tried = may_ask and known.away_since is not None
        return may_ask

    def _wait(self, known: _Host) -> None:
        left = None if known.is_being_tried else max(0.0, known.next_try_at - self._clock.monotonic())
        self._clock.wait(self._changed, left)

    def _answered(self, host: str, known: _Host) -> None:
        if known.away_since is not None:
            away = self._clock.monotonic() - known.away_since
            LOGGER.warning("%s answers again, after %.0f s; the run goes on.", host, away)
        known.has_answered = True
        known.broken = 0
        known.away_since = None
        known.pauses = _pauses()

    def _went_away(self, host: str, known: _Host, fault: Fault) -> None:
        now = self._clock.monotonic()
        if known.away_since is None:
            known.away_since = now
        if known.has_answered:
            ends = known.away_since + self._patience
        else:
            ends = known.first_asked_at + self._seconds_for_first_answer
        if now >= ends:
            known.given_up = (
                f"{host} has not answered for {now - known.away_since:.0f} s"
                if known.has_answered
                else f"{host} has not answered at all in this run"
            ) + f" ({fault.words}): {fault.advice}"
            return
        pause = min(backoff.full_jitter(next(known.pauses)), ends - now)
        known.next_try_at = now + pause
        LOGGER.warning("%s: %s; tried again in %.1f s; all calls to it wait.", host, fault.words, pause)
