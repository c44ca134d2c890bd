"""Figures of reports as metrics of the SDK, which Meltano and structured logs pass on."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import metrics

from tap_flipkart_reports.purchasing.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_flipkart_reports.purchasing.events import ReportEvent
    from tap_flipkart_reports.sync.summary import Summary

LOGGER = logging.getLogger(metrics.METRICS_LOGGER_NAME)


class ReportMetric(str, Enum):
    """What is measured of reports; times in seconds."""

    GENERATION_TIME = "flipkart_report_generation_time"
    """From a report's trigger until it was seen to be ready."""
    POLL_WAIT = "flipkart_report_poll_wait"
    """The pause before the detail call that saw it: it was seen at most that late."""
    TRIGGERED = "flipkart_reports_triggered"
    PERHAPS_TRIGGERED = "flipkart_reports_perhaps_triggered"
    """Besides: tries of triggers whose answers broke off."""
    RETRIGGERED = "flipkart_reports_retriggered"
    ADOPTED = "flipkart_reports_adopted"
    FINISHED = "flipkart_reports_finished"
    LEFT = "flipkart_reports_left"
    FAILED = "flipkart_reports_failed"
    ROWS = "flipkart_reports_rows"
    REJECTED = "flipkart_reports_rejected"
    BYTES = "flipkart_reports_bytes"
    COST = "flipkart_reports_cost"
    """What was bought costs, where `report_prices` says."""


_TOTALS = (
    ReportMetric.TRIGGERED,
    ReportMetric.PERHAPS_TRIGGERED,
    ReportMetric.RETRIGGERED,
    ReportMetric.ADOPTED,
    ReportMetric.FINISHED,
    ReportMetric.ROWS,
    ReportMetric.REJECTED,
    ReportMetric.BYTES,
)


def log_event(event: ReportEvent) -> None:
    """Measure what an event in the life of a report shows."""
    if event.kind is EventKind.COMPLETED and event.seconds is not None:
        tags = {"stream": event.request.stream, "seller_id": event.request.seller_id, "report_id": event.report_id}
        _log("timer", ReportMetric.GENERATION_TIME, round(event.seconds, 3), tags)
        _log("timer", ReportMetric.POLL_WAIT, round(event.pause or 0.0, 3), tags)


def log_totals(summary: Summary) -> None:
    """Measure what a run did by report type, and what it did not get by seller too: that is what an alert is for."""
    for stream, tally in summary.by_report_type().items():
        for metric in _TOTALS:
            _log("counter", metric, getattr(tally, metric.name.lower()), {"stream": stream})
    for stream, count in summary.bought_by_type().items():
        if (cost := summary.prices.cost({stream: count})) is not None:
            _log("counter", ReportMetric.COST, float(cost), {"stream": stream, "currency": summary.prices.currency})
    for (stream, seller_id), tally in summary.tallies.items():
        for metric in (ReportMetric.LEFT, ReportMetric.FAILED):
            if value := getattr(tally, metric.name.lower()):
                _log("counter", metric, value, {"stream": stream, "seller_id": seller_id})


def _log(metric_type: str, metric: ReportMetric, value: float, tags: dict[str, Any]) -> None:
    # The SDK's list of metrics is closed, but only their values are ever looked at.
    point = metrics.Point(metric_type, cast("metrics.Metric", metric), value, tags)
    metrics.log(LOGGER, point)


class TaggedForMeltano(logging.Filter):
    """Says of each metric which stream and seller it is of, in words.

    Meltano's plain log shows a metric's name and value, and drops its tags (read in Meltano 4.4.1, renderers.py). The
    SDK's formatter has one word for all metrics; what is in a record beside it reaches Meltano as it is.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the tags into the message, and the metric where Meltano looks for it."""
        point = record.args[0] if isinstance(record.args, tuple) and record.args else None
        if isinstance(point, metrics.Point):
            record.metric_info = point.to_dict()
            record.msg, record.args = f"METRIC {_in_words(point.tags)}: {point.metric.value} {point.value}", ()
        return True


def _in_words(tags: Mapping[str, Any]) -> str:
    context = tags.get("context")
    seller = tags.get("seller_id") or (context.get("seller_id") if isinstance(context, dict) else None)
    return ", ".join([str(tags.get("stream", "run")), *([f"seller {seller}"] if seller else [])])


def tag_for_meltano() -> None:
    """Have all metrics of this process say which stream they are of."""
    if not any(isinstance(each, TaggedForMeltano) for each in LOGGER.filters):
        LOGGER.addFilter(TaggedForMeltano())
