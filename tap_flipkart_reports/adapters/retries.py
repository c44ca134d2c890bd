"""How often a call is tried again, and how long to wait before."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import backoff

from tap_flipkart_reports.adapters.answers import describe, retry_after

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.client")

MAX_TRIES = 6
"""Tries of one call: with waits that double from one second, a hiccup of half a minute is survived."""

MAX_SECONDS = 300.0
"""No try begins later than this after the first; the scheduler has other calls to make."""

LONGEST_WAIT = 60.0
"""Seconds between two tries, where the API does not ask for more."""

LONGEST_RETRY_AFTER = 120.0
"""Seconds of `Retry-After` that a call sits out; who asks for more is left to the caller, who has other work."""


# Tries
class Tries:
    """Counts the tries of one call and waits between them.

    The decorators of backoff sleep by `time.sleep`, which no test can hurry and which cannot look at `Retry-After`
    and a deadline at once; so only its waits are used, slept through the clock.

    Args:
        call: what is called, for whom, with which id; for the log.
        clock: time.
        max_tries: how often the call may be made.

    Attributes:
        made: how often it was made so far.
    """

    def __init__(self, *, call: str, clock: Clock, max_tries: int) -> None:
        self._call = call
        self._clock = clock
        self._max_tries = max_tries
        self._began = clock.monotonic()
        self._waits = backoff.expo(max_value=LONGEST_WAIT)
        next(self._waits)  # backoff 2 and 3 yield once before the first wait
        self.made = 0

    def wait(self, outcome: object, *, secrets: Iterable[str]) -> bool:
        """Wait for the next try.

        Args:
            outcome: what came of the last one.
            secrets: texts that must not be logged.

        Returns:
            Whether there is to be another.
        """
        asked = retry_after(outcome, clock=self._clock) or 0.0
        seconds = max(asked, backoff.full_jitter(next(self._waits)))
        waited = self._clock.monotonic() - self._began
        if self.made >= self._max_tries or asked > LONGEST_RETRY_AFTER or waited + seconds > MAX_SECONDS:
            return False
        LOGGER.warning(
            "%s: %s; try %d of %d in %.1f s.",
            self._call,
            describe(outcome, secrets),
            self.made + 1,
            self._max_tries,
            seconds,
        )
        self._clock.sleep(seconds)
        return True

    def __str__(self) -> str:
        """How often it was tried."""
        return "once" if self.made == 1 else f"{self.made} times"
