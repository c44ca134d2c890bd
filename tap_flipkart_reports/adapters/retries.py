"""How often something is tried again, and how long to wait before: for calls, and for writes to a database."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.client")

MAX_TRIES = 6
"""Tries of one call: with waits that double from one second, a hiccup of half a minute is survived."""

MAX_SLOW_TRIES = 2
"""Tries that used up all the time of a call, each of them most of a minute."""

MAX_SECONDS = 300.0
"""No try begins later than this after the first; the scheduler has other calls to make."""

LONGEST_WAIT = 60.0
"""Seconds between two tries, where nobody asks for more."""

LONGEST_RETRY_AFTER = 120.0
"""Seconds of `Retry-After` that a call sits out; who asks for more is left to the caller, who has other work."""


class Tries:
    """Counts the tries of one thing and waits between them.

    The decorators of backoff sleep by `time.sleep`, which no test can hurry and which cannot look at `Retry-After`
    and a deadline at once; so only its waits are used, slept through the clock.

    Args:
        name: what is tried, for whom, with which id; for the log.
        clock: time.
        max_tries: how often it may be tried; `None` for as often as the time allows.
        max_seconds: no try begins later than this after the first.
        first_wait: seconds, doubled each time, of which any part is waited.
        longest_wait: seconds to which they are doubled.
        pause: waits so many seconds, and says whether it did; by default the clock's sleep.

    Attributes:
        made: how often it was tried so far.
    """

    def __init__(  # noqa: PLR0913 - calls and databases differ in each
        self,
        *,
        name: str,
        clock: Clock,
        max_tries: int | None = MAX_TRIES,
        max_seconds: float = MAX_SECONDS,
        first_wait: float = 1.0,
        longest_wait: float = LONGEST_WAIT,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self._name = name
        self._clock = clock
        self._max_tries = max_tries
        self._max_seconds = max_seconds
        self._pause = pause or self._sleep
        self._began = clock.monotonic()
        self._waits = backoff.expo(factor=first_wait, max_value=longest_wait)
        next(self._waits)  # backoff 2 and 3 yield once before the first wait
        self._slow = 0
        self.made = 0

    def _sleep(self, seconds: float) -> bool:
        self._clock.sleep(seconds)
        return True

    def wait(self, came: str, *, asked: float = 0.0, is_slow: bool = False) -> bool:
        """Wait for the next try.

        Args:
            came: the result of the last one, fit to be logged.
            asked: seconds the other side asks to wait.
            is_slow: whether the last one took as long as it may.

        Returns:
            Whether there is to be another.
        """
        self._slow += is_slow
        seconds = max(asked, backoff.full_jitter(next(self._waits)))
        waited = self._clock.monotonic() - self._began
        is_over = self.made >= (self._max_tries or math.inf) or self._slow >= MAX_SLOW_TRIES
        if is_over or asked > LONGEST_RETRY_AFTER or waited + seconds > self._max_seconds:
            return False
        most = f" of {self._max_tries}" if self._max_tries else ""
        LOGGER.warning("%s: %s; try %d%s in %.1f s.", self._name, came, self.made + 1, most, seconds)
        return self._pause(seconds)

    def __str__(self) -> str:
        """How often it was tried."""
        return "once" if self.made == 1 else f"{self.made} times"
