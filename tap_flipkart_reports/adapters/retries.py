"""How often calls and database transactions are retried, and how long to wait between tries."""

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
"""Tries of one call; with waits that double from one second, it survives an interruption of half a minute."""

MAX_SLOW_TRIES = 2
"""Tries that may use up the whole time limit of a call, which is most of a minute each."""

MAX_SECONDS = 300.0
"""No try starts later than this after the first: the scheduler has other calls to make."""

LONGEST_WAIT = 60.0
"""Longest pause between two tries in seconds, unless the server asks for more."""

LONGEST_RETRY_AFTER = 120.0
"""Longest `Retry-After` in seconds that a call waits for; beyond that it fails, as its caller has other work."""


class Tries:
    """Counts the tries of one operation and waits between them.

    backoff's decorators call `time.sleep`, which tests cannot speed up, and cannot combine `Retry-After` with a
    deadline. So only its wait generators are used, and the clock sleeps.

    Args:
        name: the operation, seller and id, for the log.
        clock: time.
        max_tries: how often it may be tried; `None` for as often as the time allows.
        max_seconds: no try starts later than this after the first.
        first_wait: upper bound of the first wait in seconds, doubled each time; the wait is a random part of it.
        longest_wait: highest upper bound in seconds.
        pause: waits and returns whether it waited to the end; by default the clock's sleep.

    Attributes:
        made: number of tries so far.
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

    def wait(self, result: str, *, asked: float = 0.0, is_slow: bool = False) -> bool:
        """Wait for the next try.

        Args:
            result: the result of the last try, for the log.
            asked: seconds that the server asks to wait.
            is_slow: whether the last try used up its time limit.

        Returns:
            Whether to try again.
        """
        self._slow += is_slow
        seconds = max(asked, backoff.full_jitter(next(self._waits)))
        waited = self._clock.monotonic() - self._began
        is_over = self.made >= (self._max_tries or math.inf) or self._slow >= MAX_SLOW_TRIES
        if is_over or asked > LONGEST_RETRY_AFTER or waited + seconds > self._max_seconds:
            return False
        most = f" of {self._max_tries}" if self._max_tries else ""
        LOGGER.warning("%s: %s; try %d%s in %.1f s.", self._name, result, self.made + 1, most, seconds)
        return self._pause(seconds)

    def __str__(self) -> str:
        """How often it was tried."""
        return "once" if self.made == 1 else f"{self.made} times"
