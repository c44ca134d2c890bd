"""The results of a run as JSON for programs, with the windows that the log only counts."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.adapters.private_files import make_file
from tap_flipkart_reports.exceptions import WindowsFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from tap_flipkart_reports.exceptions import WindowFailure
    from tap_flipkart_reports.purchasing.events import Deferred
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.sync.summary import Summary

VERSION = 1
"""Version of the document's format."""


def summary_document(
    summary: Summary,
    *,
    failures: Sequence[WindowFailure],
    deferred: Sequence[Deferred],
    error: Exception | None,
    period: tuple[datetime, datetime],
) -> dict[str, Any]:
    """The document that `run_summary` receives.

    Args:
        summary: the run's figures.
        failures: the windows that failed.
        deferred: the windows that are left for the next run.
        error: the error that ended the run, if any.
        period: when the run began, and when it ended.
    """
    return {
        "version": VERSION,
        "began": period[0].isoformat(),
        "ended": period[1].isoformat(),
        "is_complete": error is None and not deferred,
        "error": None if error is None or isinstance(error, WindowsFailedError) else str(error),
        "totals": asdict(summary.total()),
        "report_types": {name: asdict(tally) for name, tally in summary.by_report_type().items()},
        "sellers": {name: asdict(tally) for name, tally in summary.by_seller().items()},
        "failed": [
            {
                "stream": failure.stream,
                "seller_id": failure.seller_id,
                "warehouse_id": failure.warehouse_id,
                "from_date": failure.window.first.isoformat(),
                "to_date": failure.window.last.isoformat(),
                "report_id": failure.report_id,
                "cause": str(failure.cause),
            }
            for failure in failures
        ],
        "deferred": [
            {**_window(left.request), "report_id": left.report_id, "reason": left.reason} for left in deferred
        ],
    }


def _window(request: ReportRequest) -> dict[str, Any]:
    return {
        "report_type": request.stream,
        "seller_id": request.seller_id,
        "warehouse_id": request.warehouse_id,
        "from_date": request.window.first.isoformat(),
        "to_date": request.window.last.isoformat(),
    }


def write_summary(path: Path, document: dict[str, Any]) -> None:
    """Write the document in one step: readers see the old document or the new one.

    Args:
        path: the file; only its owner may read it, as it names sellers.
        document: the document.

    Raises:
        OSError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        make_file(draft)
        draft.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
