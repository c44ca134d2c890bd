"""A look at a download link: calls that cost nothing."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.adapters.answers import Fault
from tap_flipkart_reports.adapters.downloads import OK, origin_of, resolved, secrets_in
from tap_flipkart_reports.adapters.transport import Request, short_answer
from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.commands.probe_findings import LinkFinding
from tap_flipkart_reports.redaction import KNOWN_SECRETS

if TYPE_CHECKING:
    from tap_flipkart_reports.purchasing.report_detail import ReportDetail
    from tap_flipkart_reports.sync.run import Run

SHORT_LIFE = 900.0
"""Seconds of a link's life that a probe waits for its end."""

AFTER_ITS_END = 5.0

LOGGER = logging.getLogger(PACKAGE)

REFUSED = frozenset({401, 403})


def look_at_link(run: Run, *, seller_id: str, report_id: str) -> LinkFinding:
    """What can be seen of the link of a complete report: its host, whether it needs the token, changes, and its expiry.

    Args:
        run: whose connections are used.
        seller_id: whose report.
        report_id: the report.

    Raises:
        FlipkartReportsError: a detail call failed.
    """
    client = run.services.client
    first = client.detail(seller_id=seller_id, report_id=report_id)
    second = client.detail(seller_id=seller_id, report_id=report_id)
    finding = LinkFinding()
    if first.location is None or second.location is None:
        return finding
    finding.changes = first.location != second.location
    api_url = run.services.api_url
    url = resolved(second.location, base=f"{api_url}/")
    KNOWN_SECRETS.add_link(secrets_in(url))
    finding.is_own_host = origin_of(url) == origin_of(api_url)
    finding.works_without_token = _opens(run, url, is_link=not finding.is_own_host)
    _note_expiry(finding, second, now=run.clock.now())
    life = min(
        (each for each in (finding.seconds_if_kolkata, finding.seconds_if_utc) if each and each > 0), default=None
    )
    if life is not None and life <= SHORT_LIFE:
        LOGGER.info("%s: waiting %d s for the end of its link, to see whether a new one comes.", report_id, life)
        run.clock.sleep(life + AFTER_ITS_END)
        third = client.detail(seller_id=seller_id, report_id=report_id)
        finding.renewed = third.location is not None and third.location != second.location
    elif finding.changes:
        finding.renewed = True
    return finding


def _opens(run: Run, url: str, *, is_link: bool) -> bool | None:
    """Whether a link can be opened without the token; its body is not read."""
    request = Request(method="GET", url=url, headers={"Accept": "*/*"}, limits=short_answer(), is_link=is_link)
    response = run.services.connections.open(request)
    if isinstance(response, Fault):
        return None
    with response:
        if response.status_code == OK:
            return True
        return False if response.status_code in REFUSED else None


def _note_expiry(finding: LinkFinding, detail: ReportDetail, *, now: datetime) -> None:
    if detail.expiry is None:
        return
    printed = detail.expiry.astimezone(KOLKATA).replace(tzinfo=None)
    finding.expiry = f"{printed:%Y-%m-%d %H:%M:%S}"
    finding.seconds_if_kolkata = round((printed.replace(tzinfo=KOLKATA) - now).total_seconds(), 1)
    finding.seconds_if_utc = round((printed.replace(tzinfo=timezone.utc) - now).total_seconds(), 1)
