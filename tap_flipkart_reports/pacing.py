"""How fast to go: pauses between polls, learned times, and the brake that a 429 pulls. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

POLL_SHARE = 0.04
"""Pause between two polls as a share of the time waited so far: late by 2 % of the generation time on average."""

FIRST_POLL_SHARE = 0.8
"""The first poll of a report comes after this share of the shortest generation time seen of its type."""

JITTER = 0.1
"""Each pause is longer or shorter by up to this share, so that reports triggered together are not polled together."""

LONGEST_BRAKE = 300.0
"""Seconds: the longest pause after 429 where the API names none."""

WEIGHT_OF_NEWEST = 0.1
"""Of the newest generation time in the running mean: it follows a change within some twenty reports."""

FORGETTING = 0.002
"""By this share of its distance to the mean the shortest time seen grows with each report."""

LONGEST_PROBATION = 4
"""How often in a row the number of triggers may be doubled that must be accepted before one more report is tried."""

REPORTS_TO_TRUST = 10
"""Reports of a type after which the shortest time seen is believed."""


@dataclass(frozen=True, kw_only=True)
class Learned:
    """Generation times seen of one report type, in seconds.

    Attributes:
        shortest: the shortest, slowly forgotten.
        typical: a running mean.
        seen: how many.
    """

    shortest: float
    typical: float
    seen: int = 1

    @property
    def not_before(self) -> float:
        """Seconds after the trigger before which a report of this type is hardly ever ready.

        The fewer were seen, the less the shortest of them says.
        """
        return self.shortest * FIRST_POLL_SHARE * min(1.0, (self.seen - 1) / REPORTS_TO_TRUST)

    def with_seen(self, seconds: float) -> Learned:
        """What is known after one more report."""
        forgotten = (self.typical - self.shortest) * FORGETTING
        return Learned(
            shortest=min(seconds, self.shortest + forgotten),
            typical=self.typical + (seconds - self.typical) * WEIGHT_OF_NEWEST,
            seen=self.seen + 1,
        )

    @classmethod
    def first(cls, seconds: float) -> Learned:
        """What is known after the first report."""
        return cls(shortest=seconds, typical=seconds)


def poll_pause(
    *, waited: float, learned: Learned | None, poll_interval: float, poll_max_interval: float, rng: random.Random
) -> float:
    """Seconds until the next detail call.

    Args:
        waited: seconds since the trigger.
        learned: what is known of the type's generation time.
        poll_interval: shortest pause.
        poll_max_interval: longest pause, but for the first of a type known to take longer.
        rng: source of the jitter.
    """
    pause = min(max(waited * POLL_SHARE, poll_interval), poll_max_interval)
    if learned is not None:
        pause = max(pause, learned.not_before - waited)
    return pause * rng.uniform(1 - JITTER, 1 + JITTER)


class Transfers:
    """How long downloads take, by what was seen of their size and speed."""

    def __init__(self) -> None:
        self._largest: dict[str, int] = {}
        self._speeds: dict[str, float] = {}

    def saw(self, identifier: str, *, size: int, seconds: float) -> None:
        """Take note of a download.

        Args:
            identifier: the report type.
            size: bytes.
            seconds: what it took.
        """
        self._largest[identifier] = max(size, self._largest.get(identifier, 0))
        if seconds > 0:
            speed = size / seconds
            known = self._speeds.get(identifier, speed)
            self._speeds[identifier] = known + (speed - known) * WEIGHT_OF_NEWEST

    def expected(self, identifier: str) -> float:
        """Seconds that the largest file seen of a type would take; 0 as long as none was seen."""
        speed = self._speeds.get(identifier)
        return self._largest[identifier] / speed if speed else 0.0


class Brake:
    """How many reports may be in progress at once, as far as the API lets itself be known.

    A 429 lowers the number to what is in progress and forbids triggers for a while; after as many accepted triggers as
    the number allows it grows by one again. Where the API soon refuses again, twice as many must be accepted before
    the next try, and so on: at a limit that stands, few triggers are refused.
    """

    def __init__(self, *, ceiling: int) -> None:
        self._ceiling = ceiling
        self._accepted = 0
        self._strikes = 0
        self._probation = 0
        self._has_grown = False
        self.cap = ceiling
        self.not_before = 0.0

    def accepted(self) -> None:
        """A trigger was accepted."""
        self._strikes = 0
        self._accepted += 1
        if self.cap < self._ceiling and self._accepted >= self.cap * 2**self._probation:
            self._accepted = 0
            self._probation = max(0, self._probation - self._has_grown)
            self._has_grown = True
            self.cap += 1

    def refused(self, *, now: float, in_progress: int, retry_after: float | None, pause: float) -> float:
        """A trigger was answered 429.

        Args:
            now: seconds of the monotonic clock.
            in_progress: reports that are in progress without the refused one.
            retry_after: seconds the API asked to wait.
            pause: seconds to wait the first time where it did not ask; doubled each further time.

        Returns:
            Seconds until triggers are allowed again.
        """
        wait = retry_after if retry_after is not None else min(pause * 2**self._strikes, LONGEST_BRAKE)
        self._strikes += 1
        self._accepted = 0
        self._probation = min(self._probation + self._has_grown, LONGEST_PROBATION)
        self._has_grown = False
        self.cap = max(1, min(self.cap, in_progress))
        self.not_before = max(self.not_before, now + wait)
        return wait
