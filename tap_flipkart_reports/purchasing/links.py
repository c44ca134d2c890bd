"""How long a download link has to live for its file."""

from __future__ import annotations

from tap_flipkart_reports.purchasing.polling import WEIGHT_OF_NEWEST

STALE_LINK_SECONDS = 30.0
"""A link that waited longer than this is looked at before it is used."""


class DownloadSpeeds:
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


def seconds_to_new_link(*, lifetime: float | None, waited: float, expected: float, has_waited: bool) -> float | None:
    """Seconds until another link is asked for, `None` to take this one.

    One that had to wait is asked for again at once. A fresh one dies first, because until then the API may hand it
    out again; that is done once for a report, and never if the expiry, which has no zone, has passed already.

    Args:
        lifetime: seconds until the link dies, `None` if nothing is known of that.
        waited: seconds since the link came.
        expected: seconds that the download is expected to take.
        has_waited: whether the report has waited for a link to die already.
    """
    if lifetime is None or lifetime >= expected:
        return None
    if waited >= STALE_LINK_SECONDS:
        return 0.0
    if lifetime <= 0 or has_waited:
        return None
    return lifetime + 1
