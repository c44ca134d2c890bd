"""Which days of a partition are complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_flipkart_reports.windows import DAY, Window, clipped, merged

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What a partition of the state knows of days.

    Attributes:
        bookmark: the last day up to which every window is complete.
        finished: windows complete beyond the bookmark, disjoint, ascending, never touching each other.
        reread_newest: the newest day of the run that began to read the look-back again and did not get through.
        reread: windows up to the bookmark which that run has read again already.
    """

    bookmark: date | None = None
    finished: tuple[Window, ...] = ()
    reread_newest: date | None = None
    reread: tuple[Window, ...] = ()

    def read_with(self, window: Window, *, newest: date) -> tuple[Window, ...]:
        """The days that the run has read, or another run that asked for the same newest day, once a window is complete.

        Args:
            window: the window whose last record is out.
            newest: the newest day this run asks for.
        """
        reread = self.reread if self.reread_newest == newest else ()
        return merged([*reread, *self.finished, window])

    def with_finished(self, window: Window, *, owed_from: date, newest: date) -> Coverage:
        """The coverage once a window is complete.

        The bookmark moves over finished windows as long as they follow each other without a gap, from the first day
        owed by this run; a look-back that failed therefore holds it back, and is owed again by the next run.

        Args:
            window: the window whose last record is out.
            owed_from: the first day this run owed this partition (see `owed_from`).
            newest: the newest day this run asks for.
        """
        done = self.read_with(window, newest=newest)
        edge = owed_from - DAY
        for interval in done:
            if interval.first - DAY <= edge:
                edge = max(edge, interval.last)
        bookmark = edge if self.bookmark is None else max(self.bookmark, edge)
        if bookmark < owed_from and self.bookmark is None:
            return Coverage(finished=done)
        reread_done = () if bookmark >= newest else tuple(clipped(done, last=bookmark))
        return Coverage(
            bookmark=bookmark,
            finished=tuple(clipped(done, first=bookmark + DAY)),
            reread_newest=newest if reread_done else None,
            reread=reread_done,
        )
