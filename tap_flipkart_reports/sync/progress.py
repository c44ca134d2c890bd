"""The reports in progress as a live table, where standard error is a terminal."""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING

from tap_flipkart_reports.redaction import MAX_QUOTED, clean_line
from tap_flipkart_reports.sync.side_threads import repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.table import Table

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.purchasing.events import RunProgress

MAX_SHOWN = 20
"""Rows of the table: no more than fit on a screen."""

REFRESH_SECONDS = 0.5


def is_watched() -> bool:
    """Whether standard error is a terminal, and `rich` (the extra `progress`) is installed."""
    return sys.stderr.isatty() and find_spec("rich") is not None


@contextmanager
def live_table(progress: Callable[[], RunProgress | None], *, clock: Clock) -> Iterator[None]:
    """Show a table that is redrawn twice a second, with the log above it.

    Args:
        progress: returns how far the run is, or `None` before the first report; called from another thread.
        clock: time.
    """
    from rich.console import Console  # noqa: PLC0415 - an extra
    from rich.live import Live  # noqa: PLC0415 - an extra

    live = Live(
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,  # the messages for the target go there
    )
    stderr = sys.stderr

    def redraw() -> None:
        # Rich's own thread would hold the lock that every log line needs while it reads the progress. That would
        # deadlock: the progress waits for the scheduler's lock, and a scheduler logs while it holds that lock.
        live.update(_table(progress()), refresh=True)

    with live, ExitStack() as stack:
        # Rich has replaced sys.stderr, but the log's handlers still write to the original stream.
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is stderr:
                handler.setStream(sys.stderr)
                stack.callback(handler.setStream, stderr)
        stack.enter_context(repeated(redraw, seconds=REFRESH_SECONDS, clock=clock, thread_name="live-table"))
        yield


def _table(progress: RunProgress | None) -> Table:
    from rich.table import Table  # noqa: PLC0415 - an extra
    from rich.text import Text  # noqa: PLC0415 - an extra

    reports, waiting = (progress.reports, progress.waiting) if progress is not None else ([], 0)
    more = len(reports) - MAX_SHOWN
    rest = [f"{waiting} windows wait for their turn"] if waiting else []
    rest += [f"{more} more reports are not shown"] if more > 0 else []
    table = Table(title="Reports", caption="; ".join(rest) or None)
    for title in ("report type", "seller", "warehouse", "window", "status", "age", "next poll"):
        table.add_column(title)
    for report in islice(reports, MAX_SHOWN):
        request = report.request
        table.add_row(
            request.stream,
            Text(clean_line(request.seller_id, limit=MAX_QUOTED)),  # as text, in which nothing is markup
            Text(clean_line(request.warehouse_id or "", limit=MAX_QUOTED)),
            str(request.window),
            report.status,
            duration(report.age),
            duration(report.next_poll),
        )
    return table


def duration(seconds: float | None) -> str:
    """Minutes and seconds, as a clock shows them."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
