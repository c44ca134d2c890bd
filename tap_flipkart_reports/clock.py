"""Time: the only module that reads the system's clock or waits."""

from __future__ import annotations

import time
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from threading import Condition

_STEADY = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""A clock that cannot be set and that runs on while the machine is suspended, if the system has one."""

LONGEST_WAIT = 86_400.0
"""Longest single wait in seconds: systems refuse very long waits, and callers check again after a day."""

KOLKATA = ZoneInfo("Asia/Kolkata")
"""The zone of sellers' days, and of all Flipkart time stamps without a zone."""


class Clock(Protocol):
    """The clock that the rest of the package uses."""

    def now(self) -> datetime:
        """The current time, with a zone."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never runs backwards or jumps, and runs on during suspension."""

    def sleep(self, seconds: float) -> None:
        """Wait some seconds."""

    def wait(self, condition: Condition, seconds: float | None) -> None:
        """Wait until the condition is notified or some seconds are over; the caller holds its lock."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(timezone.utc)  # noqa: TID251 - allowed only here

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        if _STEADY is None:  # Windows, whose monotonic clock runs on
            return time.monotonic()  # noqa: TID251 - allowed only here
        return time.clock_gettime(_STEADY)

    def sleep(self, seconds: float) -> None:
        """Wait some seconds."""
        time.sleep(min(seconds, LONGEST_WAIT))  # noqa: TID251 - allowed only here

    def wait(self, condition: Condition, seconds: float | None) -> None:
        """Wait until the condition is notified or some seconds are over."""
        condition.wait(None if seconds is None else min(seconds, LONGEST_WAIT))


def today(clock: Clock) -> date:
    """Today in Asia/Kolkata."""
    return clock.now().astimezone(KOLKATA).date()
