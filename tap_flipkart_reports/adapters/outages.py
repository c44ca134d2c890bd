"""Which hosts answer: an outage is found once, and not once for each seller and window.

All calls of a run ask here before they are sent. While a host does not answer, one call at a time looks for it, after
pauses that grow, and the others wait. When it is back, all go on where they were. One that has never answered, or stays
away for too long, is given up for this run: every call to it then ends at once, with the same sentence.
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
"""How long a host that has not answered at all in this run is looked for: with what a start takes, under a minute."""

PATIENCE_SECONDS = 600.0
"""How long a host that has answered before is waited for, unless `max_wait` says otherwise."""

LONGEST_PAUSE = 60.0
"""Between two looks at a host that is away."""

BROKEN_IN_A_ROW = 6
"""Connections that break without an answer, one after the other, before a host counts as away: one alone happens."""


def _pauses() -> Iterator[float]:
    waits = backoff.expo(max_value=LONGEST_PAUSE)
    next(waits)  # backoff 2 and 3 yield once before the first wait
    return waits


@dataclass(kw_only=True)
class _Host:
    """What is known of one host.

    Attributes:
        first_asked_at: when the run first asked it, in the clock's seconds.
        away_since: when it was first found away, `None` while it answers.
        looks_at: when the next call may look for it.
        is_looked_for: whether a call does so just now.
        broken: connections in a row that broke without an answer.
        given_up: the sentence for every further call.
    """

    first_asked_at: float
    has_answered: bool = False
    away_since: float | None = None
    looks_at: float = 0.0
    is_looked_for: bool = False
    broken: int = 0
    given_up: str | None = None
    pauses: Iterator[float] = field(default_factory=_pauses)


class Outages:
    """Which hosts answer; every method may be called from any thread.

    Args:
        clock: time.
        patience: seconds that a host which has answered before is waited for.
    """

    def __init__(self, *, clock: Clock, patience: float | None = None) -> None:
        self._clock = clock
        self._patience = PATIENCE_SECONDS if patience is None else patience
        self._changed = threading.Condition()
        self._hosts: dict[str, _Host] = {}
        self._is_stopped = False

    def wait_for_turn(self, host: str, *, is_patient: bool = True, is_known: bool = False) -> float:
        """Wait until a host may be asked; the result has to be reported to `saw`.

        Args:
            host: host and port.
            is_patient: whether to wait for a host that is away.
            is_known: whether a host that has answered names it: it counts then as if it had answered, too.

        Returns:
            Seconds that the call may take, where the host has not answered yet; without end otherwise.

        Raises:
            OutageError: it is given up for this run.
            HostAwayError: it is away, and this call does not wait.
        """
        with self._changed:
            now = self._clock.monotonic()
            known = self._hosts.setdefault(host, _Host(first_asked_at=now, has_answered=is_known))
            while not self._is_turn(known):
                if not is_patient:
                    raise HostAwayError(f"{host} does not answer just now")
                self._wait(known)
            if known.has_answered:
                return math.inf
            return max(1.0, known.first_asked_at + FIRST_ANSWER_SECONDS - self._clock.monotonic())

    def wait_until_back(self, host: str) -> None:
        """Wait, without asking, until a host that is away may be asked again.

        Raises:
            OutageError: it is given up for this run.
        """
        with self._changed:
            known = self._hosts.get(host)
            while known is not None and not self._may_be_asked(known):
                self._wait(known)

    def saw(self, host: str, outcome: object) -> None:
        """A call that had its turn has an outcome: a fault, or anything else for an answer."""
        with self._changed:
            known = self._hosts[host]
            known.is_looked_for = False
            if known.given_up is not None:
                pass  # a call that was under way: what was said stays said
            elif not isinstance(outcome, Fault):
                self._answered(host, known)
            elif outcome.is_permanent and not (outcome.is_away and known.has_answered):
                known.given_up = f"{outcome.words}; {outcome.advice}"
            else:
                known.broken += 1
                if outcome.is_away or known.broken >= BROKEN_IN_A_ROW:
                    self._went_away(host, known, outcome)
            self._changed.notify_all()

    def stop(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> bool:
        """Sit out a pause between two tries of a call.

        Returns:
            Whether it was sat out: not if the run is to end.
        """
        ends = self._clock.monotonic() + seconds
        with self._changed:
            while not self._is_stopped and (left := ends - self._clock.monotonic()) > 0:
                self._clock.wait(self._changed, left)
            return not self._is_stopped

    # All below with the lock held

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
        return not known.is_looked_for and self._clock.monotonic() >= known.looks_at

    def _is_turn(self, known: _Host) -> bool:
        may_ask = self._may_be_asked(known)
        known.is_looked_for = may_ask and known.away_since is not None
        return may_ask

    def _wait(self, known: _Host) -> None:
        left = None if known.is_looked_for else max(0.0, known.looks_at - self._clock.monotonic())
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
        known.looks_at = now + pause
        LOGGER.warning("%s: %s; tried again in %.1f s; all calls to it wait.", host, fault.words, pause)
