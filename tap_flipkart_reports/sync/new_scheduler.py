"""Builds a scheduler from the reports that a run wants and the services that it uses."""

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


def new_scheduler(  # noqa: PLR0913 - tests replace each of them
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
        wanted: the run's limits, and the generation times seen by earlier runs.
        services: what the run talks to.
        clock: time.
        on_events: called with each change in the life of a report.
        workers: threads that make calls.
        ahead: whether reports may be triggered before a stream takes them.
        api: answers the calls about reports that the archive does not hold, by default the run's.
    """
    requests = list(requests)  # consumed first: it fills `wanted.archived`
    folder = new_folder(f"{PACKAGE}-")
    api = api or services.api
    if services.archive is not None and wanted.archived:
        api = ArchivedApi(services.archive, wanted.archived, fallback=api, unread=wanted.unread)
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
