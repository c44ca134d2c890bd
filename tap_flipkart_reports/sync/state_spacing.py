"""How often the whole state is written: in proportion to what a run writes, and to the time it takes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SHARE = 0.1
"""Of all bytes written, those of STATE messages. A state holds every partition: written for each window of each seller,
it grows with the square of the sellers."""

MIN_SECONDS = 1.0
"""Between two STATE messages."""


class StateSpacing:
    """Tells when a STATE message is due.

    Args:
        monotonic: tells the time, in seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._other_bytes = 0
        self._state_bytes = 0
        self._last_size = 0
        self._last_time: float | None = None

    def wrote(self, size: int) -> None:
        """Take in bytes of other messages, and of files that they name."""
        self._other_bytes += size

    def wrote_state(self, size: int) -> None:
        """Take in a STATE message of some bytes, whether it was due or not."""
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
        states = self._state_bytes + 2 * self._last_size  # one more, and the last of the run
        return states <= MAX_SHARE * (self._other_bytes + states)
