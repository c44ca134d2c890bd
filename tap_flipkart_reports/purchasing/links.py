"""Whether a download link lasts long enough for its file."""

from __future__ import annotations

from tap_flipkart_reports.purchasing.polling import WEIGHT_OF_NEWEST

STALE_LINK_SECONDS = 30.0
"""A link older than this is renewed rather than used if it may expire during the download."""


class DownloadSpeeds:
    """Estimates download times from the sizes and speeds seen so far."""

    def __init__(self) -> None:
        self._largest: dict[str, int] = {}
        self._speeds: dict[str, float] = {}

    def record(self, identifier: str, *, size: int, seconds: float) -> None:
        """Record a download.

        Args:
            identifier: the report type.
            size: bytes.
            seconds: how long it took.
        """
        self._largest[identifier] = max(size, self._largest.get(identifier, 0))
        if seconds > 0:
            speed = size / seconds
            known = self._speeds.get(identifier, speed)
            self._speeds[identifier] = known + (speed - known) * WEIGHT_OF_NEWEST

    def expected(self, identifier: str) -> float:
        """Seconds that the largest file seen of a type would take; 0 if none was seen."""
        speed = self._speeds.get(identifier)
        return self._largest[identifier] / speed if speed else 0.0


def seconds_to_new_link(*, lifetime: float | None, waited: float, expected: float, has_waited: bool) -> float | None:
    """Seconds to wait before asking for another link, or `None` to use this one.

    An old link is renewed at once. A fresh one has to expire first, because until then the API may return the same
    link. A report waits for that once, and never if the stated expiry, which has no zone, has already passed.

    Args:
        lifetime: seconds until the link expires, `None` if unknown.
        waited: seconds since the link was received.
        expected: seconds that the download is expected to take.
        has_waited: whether the report has already waited for a link to expire.
    """
    if lifetime is None or lifetime >= expected:
        return None
    if waited >= STALE_LINK_SECONDS:
        return 0.0
    if lifetime <= 0 or has_waited:
        return None
    return lifetime + 1
