"""How often to ask about a report: pauses between polls, and the generation times seen so far. Pure."""

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
"""Of the newest generation time in the running mean: it follows a change within some twenty reports."""

FORGETTING = 0.002
"""By this share of its distance to the mean the shortest time seen grows with each report."""

REPORTS_TO_TRUST = 10
"""Reports of a type after which the shortest time seen is believed."""


@dataclass(frozen=True, kw_only=True)
class GenerationTimes:
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

    def with_seen(self, seconds: float) -> GenerationTimes:
        """What is known after one more report."""
        forgotten = (self.typical - self.shortest) * FORGETTING
        return GenerationTimes(
            shortest=min(seconds, self.shortest + forgotten),
            typical=self.typical + (seconds - self.typical) * WEIGHT_OF_NEWEST,
            seen=self.seen + 1,
        )

    @classmethod
    def first(cls, seconds: float) -> GenerationTimes:
        """What is known after the first report."""
        return cls(shortest=seconds, typical=seconds)


def poll_pause(
    *,
    waited: float,
    learned: GenerationTimes | None,
    poll_interval: float,
    poll_max_interval: float,
    rng: random.Random,
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
