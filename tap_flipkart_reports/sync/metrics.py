"""Figures about reports, as metrics of the Singer SDK: they appear in Meltano's log and in structured logs."""

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
    """Metrics about reports; times are in seconds."""

    GENERATION_TIME = "flipkart_report_generation_time"
    """Time from a report's trigger until a detail call said that it is complete."""
    POLL_WAIT = "flipkart_report_poll_wait"
    """The pause before that detail call: the report was ready at most that much earlier."""
    TRIGGERED = "flipkart_reports_triggered"
    PERHAPS_TRIGGERED = "flipkart_reports_perhaps_triggered"
    """Tries of triggers whose answers broke off: they may have bought reports besides."""
    RETRIGGERED = "flipkart_reports_retriggered"
    ADOPTED = "flipkart_reports_adopted"
    FINISHED = "flipkart_reports_finished"
    LEFT = "flipkart_reports_left"
    FAILED = "flipkart_reports_failed"
    ROWS = "flipkart_reports_rows"
    REJECTED = "flipkart_reports_rejected"
    BYTES = "flipkart_reports_bytes"
    COST = "flipkart_reports_cost"
    """The cost of the bought reports, where `report_prices` is set."""


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
    """Log the generation time of a report that is complete."""
    if event.kind is EventKind.COMPLETED and event.seconds is not None:
        tags = {"stream": event.request.stream, "seller_id": event.request.seller_id, "report_id": event.report_id}
        _log("timer", ReportMetric.GENERATION_TIME, round(event.seconds, 3), tags)
        _log("timer", ReportMetric.POLL_WAIT, round(event.pause or 0.0, 3), tags)


def log_totals(summary: Summary) -> None:
    """Log a run's figures by report type; what it deferred or failed also by seller, as alerts need it."""
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
    # The SDK's `Metric` is a closed enum, but only the members' values are used.
    point = metrics.Point(metric_type, cast("metrics.Metric", metric), value, tags)
    metrics.log(LOGGER, point)


class TaggedForMeltano(logging.Filter):
    """Adds stream and seller to the message of each metric.

    Meltano's plain log shows a metric's name and value without its tags (source: Meltano 4.4.1, renderers.py). The
    SDK's formatter writes the same message for all metrics, but passes a record's own message and extra on to Meltano.
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
    """Add stream and seller to the messages of all metrics of this process."""
    if not any(isinstance(each, TaggedForMeltano) for each in LOGGER.filters):
        LOGGER.addFilter(TaggedForMeltano())
