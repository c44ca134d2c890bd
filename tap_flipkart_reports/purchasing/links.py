"""How long a download link has to live for its file."""

from __future__ import annotations

from tap_flipkart_reports.purchasing.polling import WEIGHT_OF_NEWEST


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
