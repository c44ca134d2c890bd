"""How often STATE messages are written: a limit on their share of the output, and one on their rate. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SHARE = 0.1
"""The largest share of STATE messages in all bytes written. A STATE message holds every partition: one for each window
would make the output grow with the square of the number of sellers."""

MIN_SECONDS = 1.0
"""The least time between two STATE messages."""


class StateSpacing:
    """Decides when a STATE message is due.

    Args:
        monotonic: returns the time, in seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._other_bytes = 0
        self._state_bytes = 0
        self._last_size = 0
        self._last_time: float | None = None

    def count_bytes(self, size: int) -> None:
        """Count the bytes of other messages, and of files that they name."""
        self._other_bytes += size

    def count_state(self, size: int) -> None:
        """Count the bytes of a STATE message, whether it was due or not."""
        self._state_bytes += size
        self._last_size = size
        self._last_time = self._monotonic()

    @property
    def is_due(self) -> bool:
        """Whether another STATE message keeps within both limits; the first one always does."""
        if self._last_time is None:
            return True
        if self._monotonic() - self._last_time < MIN_SECONDS:
            return False
        states = self._state_bytes + 2 * self._last_size  # this one, and the last one of the run
        return states <= MAX_SHARE * (self._other_bytes + states)
