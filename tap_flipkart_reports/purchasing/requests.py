"""What is asked for and what becomes of it: the words that scheduler, ledger and streams share. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING

from tap_flipkart_reports.purchasing.partition_key import PartitionKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_flipkart_reports.windows import Window


class Priority(IntEnum):
    """What is triggered first when not everything can be."""

    BOUGHT = 0
    UNBOUGHT = 1
    """Left over by the budget of an earlier run."""
    NEWEST = 2
    LOOKBACK = 3
    BACKFILL = 4


class PurchaseStatus(str, Enum):
    """What has become of one attempt to buy a report; the ledger keeps the words."""

    INTENT = "INTENT"
    """A trigger is about to be made, or is under way."""
    TRIGGERED = "TRIGGERED"
    COMPLETED = "COMPLETED"
    DOWNLOADED = "DOWNLOADED"
    FINISHED = "FINISHED"
    LINKS_REFUSED = "LINKS REFUSED"
    """It is ready, and its links are refused, as were those of a report bought before it."""
    NOT_UNDERSTOOD = "NOT UNDERSTOOD"
    """The trigger was accepted, and nobody knows where in the answer the report id is."""
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
    """Short hash of what a trigger asks for."""
    asked = json.dumps([identifier, parameters], sort_keys=True, default=str)
    return hashlib.blake2b(asked.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """One report that is wanted.

    Attributes:
        stream: the report type's own stream, whose name is that of the type.
        streams: the streams that read it, one per table of its file; `stream` alone if empty.
        identifier: the report type in the API's words.
        seller_id: whose report.
        warehouse_id: of which warehouse, where the type asks for one.
        window: the days.
        parameters: the trigger's `parameters`, filled in.
        priority: what goes first.
        report_timeout: seconds one report may take.
        report_id: a report bought earlier for just this; it is polled, not triggered.
        is_reread: whether some of its days have been read before.
        is_repair: whether its days are read again by themselves, without a bookmark.
        is_archived: whether its file is in the archive, and is read from there.
        rows_have_ids: whether each of its rows names an id that no other window and no other seller has.
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

    @property
    def partition(self) -> PartitionKey:
        """Whose report it is, and of which warehouse."""
        return PartitionKey(self.seller_id, self.warehouse_id)

    @property
    def readers(self) -> tuple[str, ...]:
        """The streams that read it."""
        return self.streams or (self.stream,)

    @property
    def digest(self) -> str:
        """Short hash of what is asked for: a report bought for other parameters is another report."""
        return digest_of(self.identifier, self.parameters)

    def __str__(self) -> str:
        """Stream, seller, warehouse and window, as every message names them."""
        return self.named(self.stream)

    def named(self, stream: str) -> str:
        """The same in the words of one of the streams that read it."""
        warehouse = f", warehouse {self.warehouse_id}" if self.warehouse_id else ""
        return f"{stream}, seller {self.seller_id}{warehouse}, {self.window}"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What the ledger says when a worker wants to begin with a window.

    Attributes:
        report_id: a report that was bought for just this window and is to be read instead of a new one.
        held_by: the other worker that has the window; then nothing may be done about it.
        is_last: whether links of an earlier report of the window were refused for good.
        unread_answer: an accepted trigger's answer that was not understood when it came; it may be now.
        correlation_id: of the purchase with that answer.
    """

    report_id: str | None = None
    held_by: str | None = None
    is_last: bool = False
    unread_answer: str | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class TriggerAnswer:
    """The result of an accepted trigger.

    Attributes:
        report_id: Flipkart's id.
        unanswered: tries before the one that was answered of which nobody knows whether they bought a report too.
    """

    report_id: str
    unanswered: int = 0


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """One report that was bought, as the ledger remembers it.

    Attributes:
        identifier: the report type in the API's words.
        seller_id: whose report.
        warehouse_id: of which warehouse, where the type asks for one.
        window: the days.
        status: what has become of it.
        report_id: Flipkart's id, `None` if it never arrived.
        bought_at: when it was triggered.
        completed_at: when it was seen to be ready, if it was.
        finished_at: when its last row was out, if it was.
        rows: how many they were.
        unanswered: tries of the same trigger that may have bought a report too.
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
        """Whose report it is, and of which warehouse."""
        return PartitionKey(self.seller_id, self.warehouse_id)


@dataclass(frozen=True, kw_only=True)
class FailedWindow:
    """A window that failed when it was last tried, as the ledger remembers it; it may never have had a report.

    Attributes:
        identifier: the report type in the API's words.
        stream: the first stream for which it failed.
        seller_id: whose report.
        warehouse_id: of which warehouse, where the type asks for one.
        window: the days.
        report_id: the report, if one was bought.
        is_unreadable: whether the report is there and cannot be read.
        cause: what went wrong, as a sentence without its full stop.
        failed_at: when.
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
    """What was found in a report, by one of its streams or by all of them.

    Attributes:
        rows: those that are out.
        rejected: those that were skipped.
        fingerprints: of the headers.
        drift: what the file lacked or had beyond the schemas, as sentences.
        tied: rows that their natural key does not tell apart.
    """

    rows: int = 0
    rejected: int = 0
    fingerprints: frozenset[str] = frozenset()
    drift: tuple[str, ...] = ()
    tied: int = 0

    def with_other(self, other: Reading) -> Reading:
        """This together with what another stream found."""
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
        window: the days it was asked for.
        digest: hash of what was asked for (`ReportRequest.digest`).
        is_repair: whether a repair bought it: it waits for the same repair.
        is_finished: whether it was read already; only a ledger knows such.
    """

    report_id: str
    window: Window
    digest: str
    is_repair: bool = False
    is_finished: bool = False


@dataclass(frozen=True, kw_only=True)
class ArchivedWindow:
    """A report whose file is in the archive.

    Attributes:
        report_id: Flipkart's id of the report.
        window: the days it was asked for.
        digest: hash of what was asked for (`ReportRequest.digest`).
    """

    report_id: str
    window: Window
    digest: str
