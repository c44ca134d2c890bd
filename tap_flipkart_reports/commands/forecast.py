"""Which windows a budget would leave over: the run's own scheduler, in a time that passes at once, buying nothing.

Which call comes next depends on how long reports take, so the forecast holds as far as they take as long as their types
usually do.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from tap_flipkart_reports.commands.log_level import logged_from
from tap_flipkart_reports.purchasing.events import Deferred
from tap_flipkart_reports.purchasing.report_detail import ReportDetail, ReportStatus
from tap_flipkart_reports.purchasing.requests import TriggerAnswer
from tap_flipkart_reports.purchasing.scheduler import Scheduler
from tap_flipkart_reports.purchasing.scheduler_state import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import Condition

    from tap_flipkart_reports.purchasing.limits import Limits
    from tap_flipkart_reports.purchasing.polling import GenerationTimes
    from tap_flipkart_reports.purchasing.requests import ReportRequest

UNKNOWN_SECONDS = 300.0
"""Generation time of a type of which none was seen yet."""


def left_over(
    requests: Sequence[ReportRequest], *, limits: Limits, generation_times: Mapping[str, GenerationTimes]
) -> frozenset[ReportRequest]:
    """The windows that the budget would leave for a later run.

    Args:
        requests: all windows of the run, in the order in which they are read.
        limits: caps and budget.
        generation_times: generation times by identifier.
    """
    clock = _ForeseenClock()
    api = _ForeseenApi(clock=clock, generation_times=generation_times)
    scheduler = Scheduler(
        api=api, clock=clock, limits=limits, folder=Path(), generation_times=generation_times, workers=0
    )
    with logged_from(logging.CRITICAL, logger=LOGGER.name):  # what is only foreseen is not news
        scheduler.submit(requests)
        taken = [(request, scheduler.take(request)) for request in requests]
    return frozenset(request for request, outcome in taken if isinstance(outcome, Deferred) and outcome.is_unbought)


@dataclass(kw_only=True)
class _ForeseenClock:
    seconds: float = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(0, timezone.utc) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def wait(self, condition: Condition, seconds: float | None) -> None:
        raise NotImplementedError("a forecast has no threads")


@dataclass(frozen=True, kw_only=True)
class _NoFile:
    size: int = 0
    sha256: str = ""


@dataclass(kw_only=True)
class _ForeseenApi:
    clock: _ForeseenClock
    generation_times: Mapping[str, GenerationTimes]
    ready_at: dict[str, float] = field(default_factory=dict)

    def trigger(
        self,
        *,
        seller_id: str,  # noqa: ARG002 - the signature of ReportApi
        identifier: str,
        parameters: Mapping[str, object],  # noqa: ARG002 - the signature of ReportApi
        correlation_id: str,
        before_send: Callable[[], None],  # noqa: ARG002 - the signature of ReportApi
    ) -> TriggerAnswer:
        generation_times = self.generation_times.get(identifier)
        self.ready_at[correlation_id] = self.clock.seconds + (
            generation_times.typical if generation_times else UNKNOWN_SECONDS
        )
        return TriggerAnswer(report_id=correlation_id)

    def report_id_in(self, answer: str) -> str | None:
        """Every answer of this API is understood."""
        raise NotImplementedError(answer)

    def detail(self, *, seller_id: str, report_id: str) -> ReportDetail:  # noqa: ARG002 - the signature of ReportApi
        is_ready = self.clock.seconds >= self.ready_at.get(report_id, 0.0)
        status = ReportStatus.COMPLETED if is_ready else ReportStatus.PROCESSING
        return ReportDetail(report_id=report_id, status=status, status_word=status.value, location=report_id)

    def download(self, *, seller_id: str, report_id: str, location: str, path: Path) -> _NoFile:  # noqa: ARG002 - the signature of ReportApi
        return _NoFile()
