"""Time: the only module that asks the system for it or waits."""

from __future__ import annotations

import time
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from threading import Condition

_STEADY = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""The clock that nobody sets and that goes on while the machine is suspended, as far as the system has one."""

LONGEST_WAIT = 86_400.0
"""Seconds: systems refuse to wait for centuries, and whoever waits looks again after a day."""

KOLKATA = ZoneInfo("Asia/Kolkata")
"""Flipkart's zone: sellers' days, and every time stamp that carries no zone."""


class Clock(Protocol):
    """What the rest of the package knows of time."""

    def now(self) -> datetime:
        """The present moment, with a zone."""

    def monotonic(self) -> float:
        """Seconds that never run backwards and never jump, from an arbitrary start; a suspended machine counts on."""

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""

    def wait(self, condition: Condition, seconds: float | None) -> None:
        """Wait, with the condition's lock held, until it is notified or that many seconds are over."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(timezone.utc)  # noqa: TID251 - this is the place

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        if _STEADY is None:  # Windows, whose own clock goes on
            return time.monotonic()  # noqa: TID251 - this is the place
        return time.clock_gettime(_STEADY)

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        time.sleep(min(seconds, LONGEST_WAIT))  # noqa: TID251 - this is the place

    def wait(self, condition: Condition, seconds: float | None) -> None:
        """Wait until notified or until that many seconds are over."""
        condition.wait(None if seconds is None else min(seconds, LONGEST_WAIT))


def today(clock: Clock) -> date:
    """The day it is in Asia/Kolkata."""
    return clock.now().astimezone(KOLKATA).date()
