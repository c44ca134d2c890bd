"""Pauses between polls of a report, and the generation times seen so far. Pure."""

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

WEIGHT_OF_NEWEST = 0.1
"""Weight of the newest value in a running mean, which then follows a change within about twenty reports."""

FORGETTING = 0.002
"""With each report the shortest time grows by this share of its distance to the mean, so it is slowly forgotten."""

REPORTS_TO_TRUST = 10
"""Number of reports of a type from which the shortest time is fully trusted."""


@dataclass(frozen=True, kw_only=True)
class GenerationTimes:
    """Generation times seen of one report type, in seconds.

    Attributes:
        shortest: the shortest time, slowly forgotten.
        typical: a running mean.
        seen: number of reports.
    """

    shortest: float
    typical: float
    seen: int = 1

    @property
    def not_before(self) -> float:
        """Seconds after the trigger before which a report of this type is hardly ever ready.

        The fewer reports were seen, the less the shortest time counts.
        """
        return self.shortest * FIRST_POLL_SHARE * min(1.0, (self.seen - 1) / REPORTS_TO_TRUST)

    def with_seen(self, seconds: float) -> GenerationTimes:
        """The times after one more report."""
        forgotten = (self.typical - self.shortest) * FORGETTING
        return GenerationTimes(
            shortest=min(seconds, self.shortest + forgotten),
            typical=self.typical + (seconds - self.typical) * WEIGHT_OF_NEWEST,
            seen=self.seen + 1,
        )

    @classmethod
    def first(cls, seconds: float) -> GenerationTimes:
        """The times after the first report."""
        return cls(shortest=seconds, typical=seconds)


def poll_pause(
    *,
    waited: float,
    known_times: GenerationTimes | None,
    poll_interval: float,
    poll_max_interval: float,
    rng: random.Random,
) -> float:
    """Seconds until the next detail call.

    Args:
        waited: seconds since the trigger.
        known_times: the generation times of the type, if any are known.
        poll_interval: shortest pause.
        poll_max_interval: longest pause, except for the first poll of a type that is known to take longer.
        rng: source of the jitter.
    """
    pause = min(max(waited * POLL_SHARE, poll_interval), poll_max_interval)
    if known_times is not None:
        pause = max(pause, known_times.not_before - waited)
    return pause * rng.uniform(1 - JITTER, 1 + JITTER)
