"""What `GET /reports/{id}/detail` says about a report."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from tap_flipkart_reports.clock import KOLKATA

NO_LINK = frozenset({"N/A"})
"""Words that look like a relative link and are none; others have no slash."""

_PATH_OR_QUERY = re.compile(r"[/?].*\w", re.DOTALL)


class ReportStatus(Enum):
    """The documented statuses, and one for all other words."""

    TRIGGERED = "TRIGGERED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    EXPIRED = "EXPIRED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    """An undocumented word: the report counts as still running."""

    @classmethod
    def of(cls, word: object) -> ReportStatus:
        """The status that a word means, in any case; `UNKNOWN` for an undocumented word."""
        try:
            return cls(str(word).strip().upper())
        except ValueError:
            return cls.UNKNOWN

    @property
    def is_running(self) -> bool:
        """Whether asking again later can still lead to a file."""
        return self in {ReportStatus.TRIGGERED, ReportStatus.PROCESSING, ReportStatus.UNKNOWN}


@dataclass(frozen=True, kw_only=True)
class ReportDetail:
    """One answer of the detail call.

    Attributes:
        report_id: Flipkart's id of the report.
        status: what the status word means.
        status_word: the word itself, for the log.
        location: the download link, a secret; only with COMPLETED. Kept out of `repr`.
        expiry: when the link expires, according to the API.
    """

    report_id: str
    status: ReportStatus
    status_word: str
    location: str | None = field(default=None, repr=False)
    expiry: datetime | None = None


def parse_detail(answer: dict[str, object], *, report_id: str) -> ReportDetail:
    """Read a detail answer leniently: missing or malformed members are absent and never an error.

    Args:
        answer: the decoded JSON object.
        report_id: the requested id; used if the answer does not name one.
    """
    named = answer.get("report_id")
    if isinstance(named, (str, int)) and not isinstance(named, bool) and str(named).strip():
        report_id = str(named).strip()
    word = str(answer.get("status") or "")
    metadata = answer.get("metadata")
    expiry = metadata.get("expiry") if isinstance(metadata, dict) else None
    return ReportDetail(
        report_id=report_id,
        status=ReportStatus.of(word),
        status_word=word,
        location=_link(answer.get("location")),
        expiry=_parse_expiry(expiry),
    )


def _link(value: object) -> str | None:
    """A link, absolute or relative; a word that stands for none (`null`, `N/A`, `#`) would be the API's own address."""
    is_link = isinstance(value, str) and value.strip().upper() not in NO_LINK and _PATH_OR_QUERY.search(value)
    return value if isinstance(value, str) and is_link else None


def _parse_expiry(text: object) -> datetime | None:
    """Flipkart prints `2023-05-05 23:59:59` without a zone; Asia/Kolkata is assumed, as it is not documented."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=KOLKATA)
