"""When the consumer of reports is told of what has happened: at once, and again when it has asked to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tap_flipkart_reports.purchasing.events import ReportEvent

if TYPE_CHECKING:
    from tap_flipkart_reports.clock import Clock

OnEvents = Callable[[Sequence[ReportEvent]], "float | None"]
"""Gets events; says in how many seconds it is to be called again, even if nothing has happened by then."""


class Telling:
    """Tells the consumer, in its own thread.

    Args:
        on_events: the consumer.
        clock: time.
    """

    def __init__(self, on_events: OnEvents, clock: Clock) -> None:
        self._on_events = on_events
        self._clock = clock
        self._again_at: float | None = None

    def is_due(self, events: Sequence[ReportEvent]) -> bool:
        """Whether there is something to tell, or the consumer has asked to be called by now."""
        return bool(events) or (self._again_at is not None and self._clock.monotonic() >= self._again_at)

    def tell(self, events: Sequence[ReportEvent]) -> None:
        """Call the consumer."""
        seconds = self._on_events(events)
        self._again_at = None if seconds is None else self._clock.monotonic() + seconds

    def sooner(self, seconds: float | None) -> float | None:
        """A number of seconds, or fewer if the consumer is to be called before; `None` if nothing has a time."""
        if self._again_at is None:
            return seconds
        left = max(0.0, self._again_at - self._clock.monotonic())
        return left if seconds is None else min(seconds, left)
