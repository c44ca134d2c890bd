"""Which days of a partition are complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_flipkart_reports.windows import DAY, Window, clipped, gaps, merged

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The complete days of a partition.

    Attributes:
        bookmark: the last day up to which every window is complete.
        finished: complete windows beyond the bookmark, ascending, with gaps between them.
        reread_newest: the newest day of a run that did not finish reading its look-back again.
        reread: windows up to the bookmark that this run has read again.
    """

    bookmark: date | None = None
    finished: tuple[Window, ...] = ()
    reread_newest: date | None = None
    reread: tuple[Window, ...] = ()

    def has_read(self, window: Window) -> bool:
        """Whether every day of a window has been read at some time; not meaningful for snapshots."""
        beyond = window if self.bookmark is None else next(clipped([window], first=self.bookmark + DAY), None)
        return beyond is None or not gaps(beyond, self.finished)

    def days_read_after(self, window: Window, *, newest: date) -> tuple[Window, ...]:
        """The days that this run, or another run with the same newest day, has read once a window is complete.

        Args:
            window: the window, whose last record is written.
            newest: the newest day that this run requests.
        """
        reread = self.reread if self.reread_newest == newest else ()
        return merged([*reread, *self.finished, window])

    def with_finished(self, window: Window, *, first_owed: date, newest: date) -> Coverage:
        """The coverage once a window is complete.

        The bookmark moves over finished windows without a gap, starting at the first day that this run owes. So a
        failed look-back window holds it back, and the next run owes that window again.

        Args:
            window: the window, whose last record is written.
            first_owed: the first day that this run owes the partition (see `first_owed_day`).
            newest: the newest day that this run requests.
        """
        done = self.days_read_after(window, newest=newest)
        edge = first_owed - DAY
        for interval in done:
            if interval.first - DAY <= edge:
                edge = max(edge, interval.last)
        bookmark = edge if self.bookmark is None else max(self.bookmark, edge)
        if bookmark < first_owed and self.bookmark is None:
            return Coverage(finished=done)
        reread_done = () if bookmark >= newest else tuple(clipped(done, last=bookmark))
        return Coverage(
            bookmark=bookmark,
            finished=tuple(clipped(done, first=bookmark + DAY)),
            reread_newest=newest if reread_done else None,
            reread=reread_done,
        )
