"""How many reports may be in progress after the API has refused one for its rate."""

from __future__ import annotations

LONGEST_BRAKE = 300.0
"""Seconds: the longest pause after 429 where the API names none."""

LONGEST_PROBATION = 4
"""How often in a row the number of triggers may be doubled that must be accepted before one more report is tried."""


class ConcurrencyLimit:
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
