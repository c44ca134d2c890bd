"""A scheduler from what a run wants and talks to."""

from __future__ import annotations

import shutil
import weakref
from typing import TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.adapters.processes import new_folder
from tap_flipkart_reports.purchasing.scheduler import Scheduler
from tap_flipkart_reports.sync.archived_api import ArchivedApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.purchasing.events import ReportEvent
    from tap_flipkart_reports.purchasing.ports import ReportApi
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.sync.services import RunServices
    from tap_flipkart_reports.sync.wanted import WantedReports


def new_scheduler(  # noqa: PLR0913 - each is a seam of its own
    requests: Iterable[ReportRequest],
    *,
    wanted: WantedReports,
    services: RunServices,
    clock: Clock,
    on_events: Callable[[Sequence[ReportEvent]], None],
    workers: int,
    ahead: bool,
    api: ReportApi | None,
) -> Scheduler:
    """A scheduler that knows its reports and has made no call.

    Args:
        requests: the reports.
        wanted: what the run wants beside them: its limits, and what it has learned.
        services: what the run talks to.
        clock: time.
        on_events: called with what becomes of the reports.
        workers: threads that make calls.
        ahead: whether reports may be triggered before they are asked for.
        api: answers the calls about reports that the archive does not hold, by default the run's.
    """
    requests = list(requests)  # which finds the archived reports
    folder = new_folder(f"{PACKAGE}-")
    api = api or services.api
    if services.archive is not None and wanted.archived:
        api = ArchivedApi(services.archive, wanted.archived, otherwise=api)
    scheduler = Scheduler(
        api=api,
        clock=clock,
        limits=wanted.limits(),
        folder=folder,
        on_events=on_events,
        ledger=services.ledger,
        generation_times=wanted.generation_times(),
        workers=workers,
        ahead=ahead,
    )
    weakref.finalize(scheduler, shutil.rmtree, folder, ignore_errors=True)
    scheduler.submit(requests)
    return scheduler
