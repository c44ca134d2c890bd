"""The last lines of a run's log: what was left, and what was bought and loaded."""

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


def log_deferred(left: Iterable[Deferred]) -> None:
    """Say what is left for the next run, and why: some by name, the rest counted."""
    by_reason: defaultdict[str, list[Deferred]] = defaultdict(list)
    for each in left:
        by_reason[each.reason].append(each)
    for reason, deferred in by_reason.items():
        names = "; ".join(map(str, deferred[:MAX_NAMED]))
        more = f"; and {len(deferred) - MAX_NAMED:,} more" if len(deferred) > MAX_NAMED else ""
        LOGGER.warning("Left for the next run, because %s: %s%s.", reason, names, more)


def log_closing_summary(summary: Summary, *, is_anything_selected: bool) -> None:
    """Say what was bought and loaded; a run without a report says why it had none."""
    if summary.tallies:
        for line in summary.lines():
            LOGGER.info("%s", line)
    elif is_anything_selected:
        LOGGER.info("Nothing was requested: all days that may be requested are loaded already.")
    else:
        LOGGER.info(
            "Nothing was requested: no stream is selected; select some in the catalog, with Meltano by `select`."
        )
