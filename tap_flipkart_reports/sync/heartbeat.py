"""A log line every minute while reports are awaited: without a live table, hours of silence look like a hang."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.sync.progress import duration
from tap_flipkart_reports.sync.side_threads import repeated

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.purchasing.events import RunProgress

LOGGER = logging.getLogger(PACKAGE)

INTERVAL_SECONDS = 60.0
"""Seconds between two lines."""


def heartbeat(progress: Callable[[], RunProgress | None], *, clock: Clock) -> AbstractContextManager[None]:
    """Log once a minute how far the run is, while reports are awaited.

    Args:
        progress: returns how far the run is, or `None` before the first report; called from another thread.
        clock: time.
    """
    return repeated(lambda: _log_progress(progress()), seconds=INTERVAL_SECONDS, clock=clock, thread_name="heartbeat")


def _log_progress(progress: RunProgress | None) -> None:
    if progress is None or not progress.reports:
        return
    polls = [report.next_poll for report in progress.reports if report.next_poll is not None]
    oldest = max((report.age or 0.0 for report in progress.reports), default=0.0)
    LOGGER.info(
        "%d of %d windows are done; %d reports are in progress, the oldest for %s; %s.",
        progress.done,
        progress.total,
        len(progress.reports),
        duration(oldest),
        f"next poll in {duration(min(polls))}" if polls else "no poll is due",
    )
