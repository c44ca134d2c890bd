"""Checks of what a run is about to buy, before its first call: days bought before, too many reports."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tap_flipkart_reports.adapters.archive import Archive
    from tap_flipkart_reports.adapters.ledger import Ledger
    from tap_flipkart_reports.purchasing.partition_key import PartitionKey
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.settings.values import Settings
    from tap_flipkart_reports.windows import Window

LOGGER = logging.getLogger(PACKAGE)


def bought_before(requests: Iterable[ReportRequest], ledger: Ledger | None) -> frozenset[ReportRequest]:
    """The reports that a run would buy although the ledger has purchases of their days.

    Days of the look-back and repairs are left out: the settings request them again on purpose.

    Args:
        requests: the reports that the run wants.
        ledger: the report ledger, if there is one.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    new = [
        request for request in requests if request.report_id is None and not request.is_reread and not request.is_repair
    ]
    if ledger is None or not new:
        return frozenset()
    latest = ledger.latest_days()
    suspicious = [
        request for request in new if (last := latest.get(_key(request))) is not None and request.window.first <= last
    ]
    if not suspicious:
        return frozenset()
    bought = _bought_windows(ledger)
    return frozenset(
        request for request in suspicious if any(map(request.window.overlaps, bought.get(_key(request), ())))
    )


def _key(request: ReportRequest) -> tuple[str, PartitionKey]:
    return request.identifier, request.partition


def _bought_windows(ledger: Ledger) -> Mapping[tuple[str, PartitionKey], Sequence[Window]]:
    windows: defaultdict[tuple[str, PartitionKey], list[Window]] = defaultdict(list)
    for purchase in ledger.history():
        if not purchase.is_gone:
            windows[purchase.identifier, purchase.partition].append(purchase.window)
    return windows


def check_archive(requests: Iterable[ReportRequest], archive: Archive | None) -> None:
    """Stop a run that would buy reports whose files cannot be archived.

    Args:
        requests: the reports that the run wants.
        archive: the archive, if there is one.

    Raises:
        ArchiveError: it cannot be written; nothing was bought.
    """
    if archive is not None and any(request.report_id is None for request in requests):
        archive.check_writable()


def check_purchases(
    requests: Collection[ReportRequest], *, again: Collection[ReportRequest], settings: Settings, has_state: bool
) -> None:
    """Log what is bought again, and stop a first run that would buy many reports without confirmation.

    Args:
        requests: the reports that the run wants.
        again: the requests whose days were bought before.
        settings: of the run.
        has_state: whether a state with bookmarks of the sellers was given.

    Raises:
        SettingsError: the run would buy more than `max_unconfirmed_reports`; nothing was bought.
    """
    to_buy = [request for request in requests if request.report_id is None]
    if again:
        LOGGER.warning(
            "%d of the %d reports to be bought are for days that were bought before (the first is %s), and no archive "
            "holds their files; a state would know that they are loaded, and report_archive would keep the files.",
            len(again),
            len(to_buy),
            next(request for request in to_buy if request in again),
        )
    is_limited = has_state or settings.max_reports is not None or settings.is_simulated
    allowed = max(settings.max_unconfirmed_reports, settings.confirm_reports or 0)
    if is_limited or len(to_buy) <= allowed:
        return
    by_type = Counter(request.stream for request in to_buy)
    types = ", ".join(f"{number} {name}" for name, number in by_type.most_common())
    raise SettingsError(
        f"this first run would buy {len(to_buy)} reports ({types}), and no state of its sellers was given; nothing was "
        f"bought. Look at flipkart-reports plan, then set confirm_reports to {len(to_buy)}, or max_reports to fewer"
    )
