"""How many reports may be in progress after the API has answered 429."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter

LONGEST_PAUSE = 300.0
"""Seconds: the longest pause after a 429 without Retry-After."""

LONGEST_PROBATION = 4
"""How often the number of accepted triggers that precede the next increase may be doubled."""


class ConcurrencyLimit:
    """How many reports may be in progress at once, learned from the API's answers.

    A 429 lowers the cap to the number in progress and pauses triggers. After as many accepted triggers as the cap, it
    grows by one. If the API soon refuses again, twice as many must be accepted before the next increase, and so on:
    below a persistent limit few triggers are refused.
    """

    def __init__(self, *, ceiling: int) -> None:
        self._ceiling = ceiling
        self._accepted = 0
        self._strikes = 0
        self._probation = 0
        self._has_grown = False
        self.cap = ceiling
        self.not_before = 0.0
        self.refused_since: float | None = None

    def accepted(self) -> None:
        """A trigger was accepted."""
        self._strikes = 0
        self.refused_since = None
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
            in_progress: reports in progress, without the refused one.
            retry_after: seconds that the API asked to wait.
            pause: seconds to wait the first time if it did not ask; doubled each further time.

        Returns:
            Seconds until triggers are allowed again.
        """
        wait = retry_after if retry_after is not None else min(pause * 2**self._strikes, LONGEST_PAUSE)
        self._strikes += 1
        if self.refused_since is None or now - self.not_before > LONGEST_PAUSE:  # nothing was tried in between
            self.refused_since = now
        self._accepted = 0
        self._probation = min(self._probation + self._has_grown, LONGEST_PROBATION)
        self._has_grown = False
        self.cap = max(1, min(self.cap, in_progress))
        self.not_before = max(self.not_before, now + wait)
        return wait


class ConcurrencyLimits:
    """A limit for each seller, and one for all sellers together.

    A 429 counts for its seller. If another seller got one shortly before, it counts for all: then the API limits the
    app and not the seller.
    """

    def __init__(self, *, ceiling: int, ceiling_per_seller: int) -> None:
        self._ceiling_per_seller = ceiling_per_seller
        self._all = ConcurrencyLimit(ceiling=ceiling)
        self._by_seller: dict[str, ConcurrencyLimit] = {}
        self._last_refused: tuple[str, float] | None = None

    def _of(self, seller_id: str) -> ConcurrencyLimit:
        if seller_id not in self._by_seller:
            self._by_seller[seller_id] = ConcurrencyLimit(ceiling=self._ceiling_per_seller)
        return self._by_seller[seller_id]

    def accepted(self, seller_id: str) -> None:
        """A trigger of a seller was accepted."""
        self._all.accepted()
        self._of(seller_id).accepted()

    def refused(
        self, seller_id: str, *, now: float, in_progress: Counter[str], retry_after: float | None, pause: float
    ) -> float:
        """A trigger of a seller was answered 429; times as for `ConcurrencyLimit.refused`.

        Args:
            seller_id: whose trigger.
            now: seconds of the monotonic clock.
            in_progress: reports in progress by seller, without the refused one.
            retry_after: seconds that the API asked to wait.
            pause: seconds to wait the first time if it did not ask.
        """
        wait = self._of(seller_id).refused(
            now=now, in_progress=in_progress[seller_id], retry_after=retry_after, pause=pause
        )
        last, self._last_refused = self._last_refused, (seller_id, now)
        if last is not None and last[0] != seller_id and now - last[1] <= LONGEST_PAUSE:
            self._all.refused(now=now, in_progress=in_progress.total(), retry_after=wait, pause=pause)
        return wait

    def is_open(self, *, now: float, in_progress: Counter[str]) -> bool:
        """Whether any seller may have one more report in progress."""
        return in_progress.total() < self._all.cap and self._all.not_before <= now

    def is_open_for(self, seller_id: str, *, now: float, in_progress: Counter[str]) -> bool:
        """Whether a seller's own limit allows one more report in progress."""
        limit = self._of(seller_id)
        return in_progress[seller_id] < limit.cap and limit.not_before <= now

    def not_before(self, seller_id: str) -> float:
        """The time before which a seller may not trigger."""
        return max(self._all.not_before, self._of(seller_id).not_before)

    def refused_since(self, seller_id: str, *, now: float) -> float:
        """Since when all triggers of a seller, or of all sellers, have been refused; `now` if they are not."""
        limits = (self._all, self._of(seller_id))
        since = [limit.refused_since for limit in limits if limit.not_before > now and limit.refused_since is not None]
        return min(since, default=now)
