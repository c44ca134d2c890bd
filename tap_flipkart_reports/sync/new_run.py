"""Builds a run from its settings: one that uses Flipkart's API, or a replay that reads the archive alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_flipkart_reports.sync.run import Run
from tap_flipkart_reports.sync.services import RunServices
from tap_flipkart_reports.sync.wanted import WantedReports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.settings.values import Settings
    from tap_flipkart_reports.sync.ports import RecordStream


def new_run(*, settings: Settings, clock: Clock, streams: Sequence[RecordStream], workers: int | None) -> Run:
    """A run that has made no call yet.

    Args:
        settings: of the tap.
        clock: time.
        streams: all that the tap has.
        workers: threads that make calls; by default one more than reports in progress.
    """
    services: RunServices
    wanted: WantedReports
    if settings.replay:
        from tap_flipkart_reports.sync.replay import (  # noqa: PLC0415 - few runs are replays
            ReplayedReports,
            ReplayServices,
        )

        services = replayed = ReplayServices(settings=settings, clock=clock)
        wanted = ReplayedReports(services=replayed, clock=clock, streams=streams)
    else:
        services = RunServices(settings=settings, clock=clock)
        wanted = WantedReports(settings=settings, services=services, clock=clock, streams=streams)
    return Run(wanted=wanted, services=services, clock=clock, streams=streams, workers=workers)
