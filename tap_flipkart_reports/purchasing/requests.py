"""Requests, claims, purchases and readings: the values that scheduler, ledger and streams share. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from tap_flipkart_reports.purchasing.partition_key import PartitionKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from tap_flipkart_reports.windows import Window


class Priority(IntEnum):
    """The order in which reports are triggered."""

    BOUGHT = 0
    UNBOUGHT = 1
    """Not bought in an earlier run because its budget was used up."""
    NEWEST = 2
    LOOKBACK = 3
    BACKFILL = 4


class PurchaseStatus(str, Enum):
    """The status of one attempt to buy a report, as the ledger stores it."""

    INTENT = "INTENT"
    """The trigger is about to be sent, or is under way."""
    TRIGGERED = "TRIGGERED"
    COMPLETED = "COMPLETED"
    DOWNLOADED = "DOWNLOADED"
    FINISHED = "FINISHED"
    LINKS_REFUSED = "LINKS REFUSED"
    """The report is ready, but its links are refused, as were those of an earlier report of the window."""
    NOT_UNDERSTOOD = "NOT UNDERSTOOD"
    """The trigger was accepted, but the report id cannot be found in the answer."""
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    GIVEN_UP = "GIVEN UP"
    LOST = "LOST"
    """The answer to the trigger never came."""

    @property
    def is_gone(self) -> bool:
        """Whether the report will never be read, so that its window may be bought again."""
        return self in {PurchaseStatus.FAILED, PurchaseStatus.EXPIRED, PurchaseStatus.GIVEN_UP, PurchaseStatus.LOST}


def digest_of(identifier: str, parameters: Mapping[str, object]) -> str:
    """Short hash of a trigger's identifier and parameters."""
    asked = json.dumps([identifier, parameters], sort_keys=True, default=str)
    return hashlib.blake2b(asked.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """One report that a run needs.

    Attributes:
        stream: the report type's name, which is also the name of its first stream.
        streams: the streams that read it, one per table of its file; `stream` alone if empty.
        identifier: the report type's identifier in the API.
        seller_id: the seller.
        warehouse_id: the warehouse, for report types that require one.
        window: the days.
        parameters: the trigger's `parameters`, filled in.
        priority: which requests are triggered first.
        report_timeout: seconds one report may take.
        report_id: a report bought earlier for this request; it is polled, not triggered.
        is_reread: whether some of its days have been read before.
        is_repair: whether a repair reads its days, which moves no bookmark.
        is_archived: whether its file is in the archive and is read from there.
        rows_have_ids: whether each row has an id that no other window and no other seller has.
        buy_until: the last day on which a report may be bought for it, if there is one. A snapshot shows the day on
            which it is bought; a running period of which a shorter report was bought is requested up to a later day.
    """

    stream: str
    streams: tuple[str, ...] = ()
    identifier: str
    seller_id: str
    warehouse_id: str | None = None
    window: Window
    parameters: Mapping[str, object] = field(hash=False)
    priority: Priority = Priority.BACKFILL
    report_timeout: float
    report_id: str | None = None
    is_reread: bool = False
    is_repair: bool = False
    is_archived: bool = False
    rows_have_ids: bool = False
    buy_until: date | None = None

    @property
    def partition(self) -> PartitionKey:
        """The seller and the warehouse."""
        return PartitionKey(self.seller_id, self.warehouse_id)

    @property
    def readers(self) -> tuple[str, ...]:
        """The streams that read it."""
        return self.streams or (self.stream,)

    @property
    def digest(self) -> str:
        """Short hash of identifier and parameters: a report bought with other parameters is another report."""
        return digest_of(self.identifier, self.parameters)

    def __str__(self) -> str:
        """Stream, seller, warehouse and window, as every message names them."""
        return self.named(self.stream)

    def named(self, stream: str) -> str:
        """The same, with the name of one of the streams that read it."""
        warehouse = f", warehouse {self.warehouse_id}" if self.warehouse_id else ""
        return f"{stream}, seller {self.seller_id}{warehouse}, {self.window}"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The ledger's answer to a worker that wants a window.

    Attributes:
        report_id: a report that was bought for this window, to be read instead of buying one.
        held_by: the other worker that holds the window; then nothing may be done.
        is_last_purchase: whether the links of an earlier report of the window were refused for good, so that no further
            report is bought.
        unread_answer: the answer to an earlier trigger in which the report id was not found; it may be found now.
        correlation_id: the correlation id of that trigger.
    """

    report_id: str | None = None
    held_by: str | None = None
    is_last_purchase: bool = False
    unread_answer: str | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class TriggerAnswer:
    """The result of an accepted trigger.

    Attributes:
        report_id: Flipkart's id.
        unanswered: number of earlier, unanswered tries that may have bought a report too.
    """

    report_id: str
    unanswered: int = 0


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """One bought report, as the ledger has it.

    Attributes:
        identifier: the report type's identifier in the API.
        seller_id: the seller.
        warehouse_id: the warehouse, for report types that require one.
        window: the days.
        status: its status.
        report_id: Flipkart's id, `None` if it never arrived.
        bought_at: when it was triggered.
        completed_at: when a detail call saw it ready, if one did.
        finished_at: when its last row was written, if it was.
        rows: number of rows written.
        unanswered: number of tries of the same trigger that may have bought a report too.
        rejected: rows that were skipped.
        tied: rows that their natural key does not tell apart.
        drift: what its file lacked or had beyond the schemas, as sentences.
    """

    identifier: str
    seller_id: str
    warehouse_id: str | None
    window: Window
    status: PurchaseStatus
    report_id: str | None
    bought_at: datetime
    completed_at: datetime | None = None
    finished_at: datetime | None = None
    rows: int | None = None
    unanswered: int = 0
    rejected: int = 0
    tied: int = 0
    drift: tuple[str, ...] = ()

    @property
    def is_gone(self) -> bool:
        """Whether the report will never be read."""
        return self.status.is_gone

    @property
    def partition(self) -> PartitionKey:
        """The seller and the warehouse."""
        return PartitionKey(self.seller_id, self.warehouse_id)


@dataclass(frozen=True, kw_only=True)
class FailedWindow:
    """A window that failed when it was last tried, as the ledger has it; a report may never have been bought.

    Attributes:
        identifier: the report type's identifier in the API.
        stream: the first stream for which it failed.
        seller_id: the seller.
        warehouse_id: the warehouse, for report types that require one.
        window: the days.
        report_id: the report, if one was bought.
        is_unreadable: whether the report was downloaded but cannot be read.
        cause: what went wrong, as a sentence without its full stop.
        failed_at: when it failed.
    """

    identifier: str
    stream: str
    seller_id: str
    warehouse_id: str | None
    window: Window
    report_id: str | None
    is_unreadable: bool
    cause: str
    failed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The result of reading a report, for one of its streams or for all of them.

    Attributes:
        rows: number of rows written.
        rejected: number of rows skipped.
        fingerprints: fingerprints of the headers.
        drift: what the file lacked or had beyond the schemas, as sentences.
        tied: rows that their natural key does not tell apart.
    """

    rows: int = 0
    rejected: int = 0
    fingerprints: frozenset[str] = frozenset()
    drift: tuple[str, ...] = ()
    tied: int = 0

    def with_other(self, other: Reading) -> Reading:
        """The sum of this and another stream's reading."""
        return Reading(
            rows=self.rows + other.rows,
            rejected=self.rejected + other.rejected,
            fingerprints=self.fingerprints | other.fingerprints,
            drift=tuple(dict.fromkeys((*self.drift, *other.drift))),
            tied=self.tied + other.tied,
        )


@dataclass(frozen=True, kw_only=True)
class PendingReport:
    """A report that is bought and not yet read.

    Attributes:
        report_id: Flipkart's id.
        window: the days.
        digest: hash of identifier and parameters (`ReportRequest.digest`).
        is_repair: whether a repair bought it, and the same repair will read it.
        is_finished: whether it was read already; only a ledger has such reports.
        is_of_today: whether it was bought today; only a ledger knows.
        unread_by: the streams whose state says that they have not read it; `None` if only a ledger has it.
    """

    report_id: str
    window: Window
    digest: str
    is_repair: bool = False
    is_finished: bool = False
    is_of_today: bool = False
    unread_by: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class ArchivedWindow:
    """A report whose file is in the archive.

    Attributes:
        report_id: Flipkart's id of the report.
        window: the days.
        digest: hash of identifier and parameters (`ReportRequest.digest`).
    """

    report_id: str
    window: Window
    digest: str
