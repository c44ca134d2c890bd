"""The last lines of a run's log: the windows it deferred, and what it bought and loaded."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import MAX_NAMED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_flipkart_reports.purchasing.events import Deferred
    from tap_flipkart_reports.sync.summary import Summary

LOGGER = logging.getLogger(PACKAGE)


def log_deferred(windows: Iterable[Deferred]) -> None:
    """Log the windows left for the next run, by reason: the first few by name, the rest as a number."""
    by_reason: defaultdict[str, list[Deferred]] = defaultdict(list)
    for each in windows:
        by_reason[each.reason].append(each)
    for reason, deferred in by_reason.items():
        names = "; ".join(map(str, deferred[:MAX_NAMED]))
        more = f"; and {len(deferred) - MAX_NAMED:,} more" if len(deferred) > MAX_NAMED else ""
        LOGGER.warning("Left for the next run, because %s: %s%s.", reason, names, more)


def log_closing_summary(summary: Summary, *, is_anything_selected: bool) -> None:
    """Log what was bought and loaded, or why nothing was requested."""
    if summary.tallies:
        for line in summary.lines():
            LOGGER.info("%s", line)
    elif is_anything_selected:
        LOGGER.info("Nothing was requested: all days that may be requested are loaded already.")
    else:
        LOGGER.info(
            "Nothing was requested: no stream is selected; select some in the catalog, with Meltano by `select`."
        )
