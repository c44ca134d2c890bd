"""The ledger's tables: purchases, of which one row is one attempt to buy one report, and failed windows."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from tap_flipkart_reports.adapters.leases import lease_columns
from tap_flipkart_reports.exceptions import LedgerError
from tap_flipkart_reports.purchasing.requests import FailedWindow, PendingReport, Purchase, PurchaseStatus
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.purchasing.requests import ReportRequest

_T = TypeVar("_T")

VERSION = 5
"""The version of the tables below; a ledger of version 4 is upgraded, any other is refused."""

WITHOUT_FINDINGS = 4
"""The version without drift, ties and causes of failures."""

_METADATA = sa.MetaData()
_VERSION = sa.Table("flipkart_reports_ledger", _METADATA, sa.Column("version", sa.Integer, primary_key=True))
REPORTS = sa.Table(
    "flipkart_reports",
    _METADATA,
    sa.Column("correlation_id", sa.String(36), primary_key=True),
    sa.Column("window_key", sa.String(32), nullable=False),
    sa.Column("live", sa.SmallInteger),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer),
    sa.Column("unanswered", sa.Integer, nullable=False, server_default="0"),
    sa.Column("report_id", sa.String(255), index=True),
    sa.Column("answer", sa.Text),
    sa.Column("seller_id", sa.String(255), nullable=False),
    sa.Column("identifier", sa.String(255), nullable=False),
    sa.Column("warehouse_id", sa.String(255)),
    sa.Column("from_date", sa.String(10), nullable=False),
    sa.Column("to_date", sa.String(10), nullable=False),
    sa.Column("digest", sa.String(32), nullable=False),
    sa.Column("intended_at", sa.String(32)),
    sa.Column("triggered_at", sa.String(32)),
    sa.Column("completed_at", sa.String(32)),
    sa.Column("expiry", sa.String(32)),
    sa.Column("downloaded_at", sa.String(32)),
    sa.Column("finished_at", sa.String(32)),
    sa.Column("rows", sa.BigInteger),
    sa.Column("rejected", sa.BigInteger),
    sa.Column("fingerprints", sa.Text),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("sha256", sa.String(64)),
    sa.Column("drift", sa.Text),
    sa.Column("tied", sa.BigInteger),
    *lease_columns(),
    sa.UniqueConstraint("window_key", "live", name="one_live_report_per_window"),
)
COLUMNS = REPORTS.c

FAILURES = sa.Table(
    "flipkart_reports_failures",
    _METADATA,
    sa.Column("window_key", sa.String(32), primary_key=True),
    sa.Column("report_type", sa.String(255), primary_key=True),
    sa.Column("seller_id", sa.String(255), nullable=False, index=True),
    sa.Column("identifier", sa.String(255), nullable=False),
    sa.Column("warehouse_id", sa.String(255)),
    sa.Column("from_date", sa.String(10), nullable=False),
    sa.Column("to_date", sa.String(10), nullable=False),
    sa.Column("stream", sa.String(255), nullable=False),
    sa.Column("report_id", sa.String(255)),
    sa.Column("is_unreadable", sa.Boolean, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("failed_at", sa.String(32), nullable=False),
)
"""Windows that failed and have not been read since; no two of a report type and partition share a day. Most have no
report, so they cannot be rows of the table above."""


def create_tables(connection: sa.Connection) -> None:
    """Create the tables if they do not exist.

    Raises:
        LedgerError: another version of the tap has created them.
    """
    version = None
    if sa.inspect(connection).has_table(_VERSION.name):
        version = connection.execute(sa.select(sa.func.max(_VERSION.c.version))).scalar()
    if version is None:
        _METADATA.create_all(connection)
        connection.execute(sa.insert(_VERSION).values(version=VERSION))
    elif version == WITHOUT_FINDINGS:
        _upgrade_from_4(connection)
    elif version != VERSION:
        advice = "update the tap" if version > VERSION else "it was written by a version that was never released"
        raise LedgerError(
            f"the report ledger has version {version}, this tap knows {VERSION}: {advice}, or give report_ledger "
            "another place"
        )


def _upgrade_from_4(connection: sa.Connection) -> None:
    """Upgrade a ledger from version 4 to 5; workers that have it open can still write rows without the new columns."""
    for column in (COLUMNS.drift, COLUMNS.tied):
        kind = column.type.compile(connection.dialect)
        connection.execute(sa.text(f"ALTER TABLE {REPORTS.name} ADD COLUMN {column.name} {kind}"))
    _METADATA.create_all(connection)
    connection.execute(sa.update(_VERSION).values(version=VERSION))


def window_key(request: ReportRequest) -> str:
    """The key that all attempts to buy one report share."""
    parts = [request.seller_id, request.warehouse_id, str(request.window), request.digest]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def live_row(request: ReportRequest) -> tuple[sa.ColumnElement[bool], ...]:
    """The condition for the live row of a window."""
    return COLUMNS.window_key == window_key(request), COLUMNS.live == 1


def owner_of(report_id: str, *, other_than: str | sa.ScalarSelect[str]) -> sa.Select[Any]:
    """A query for another window that has a report.

    Args:
        report_id: the report.
        other_than: the key of the window to exclude.
    """
    return sa.select(REPORTS).where(COLUMNS.report_id == report_id, COLUMNS.window_key != other_than).limit(1)


def overlapping(request: ReportRequest) -> tuple[sa.ColumnElement[bool], ...]:
    """The condition for failures that share a day with a window of the same report type, seller and warehouse.

    Not of the same identifier: types that share one request different reports.
    """
    failures = FAILURES.c
    return (
        failures.seller_id == request.seller_id,
        failures.report_type == request.stream,
        failures.warehouse_id.is_not_distinct_from(request.warehouse_id),
        failures.from_date <= request.window.last.isoformat(),
        failures.to_date >= request.window.first.isoformat(),
    )


def _row_named_in_errors(read: Callable[[sa.Row[Any]], _T]) -> Callable[[sa.Row[Any]], _T]:
    """Add a row's key to the error of a function that reads it."""

    @wraps(read)
    def read_row(row: sa.Row[Any]) -> _T:
        try:
            return read(row)
        except (TypeError, ValueError, AttributeError) as error:
            key = next(name for name in ("correlation_id", "window_key") if name in row._fields)
            raise ValueError(f"{error}, {key} {getattr(row, key)}") from None

    return read_row


@_row_named_in_errors
def failed_window_of(row: sa.Row[Any]) -> FailedWindow:
    """A failed window from its row."""
    return FailedWindow(
        identifier=row.identifier,
        stream=row.stream,
        seller_id=row.seller_id,
        warehouse_id=row.warehouse_id,
        window=window_of(row),
        report_id=row.report_id,
        is_unreadable=bool(row.is_unreadable),
        cause=row.cause,
        failed_at=_moment(row.failed_at),
    )


@_row_named_in_errors
def purchase_of(row: sa.Row[Any]) -> Purchase:
    """A purchase from its row."""
    return Purchase(
        identifier=row.identifier,
        seller_id=row.seller_id,
        warehouse_id=row.warehouse_id,
        window=window_of(row),
        status=PurchaseStatus(row.status),
        report_id=row.report_id,
        bought_at=_moment(row.triggered_at or row.intended_at),
        completed_at=_moment(row.completed_at) if row.completed_at is not None else None,
        finished_at=_moment(row.finished_at) if row.finished_at is not None else None,
        rows=_number(row.rows) if row.rows is not None else None,
        unanswered=_number(row.unanswered),
        rejected=_number(row.rejected or 0),
        tied=_number(row.tied or 0),
        drift=tuple(row.drift.splitlines()) if row.drift else (),
    )


@_row_named_in_errors
def pending_report_of(row: sa.Row[Any]) -> PendingReport:
    """A pending report from its row."""
    return PendingReport(
        report_id=row.report_id,
        window=window_of(row),
        digest=row.digest,
        is_finished=row.status == PurchaseStatus.FINISHED,
    )


def window_of(row: sa.Row[Any]) -> Window:
    """The window of a row."""
    return Window(date.fromisoformat(row.from_date), date.fromisoformat(row.to_date))


def shown_window(row: sa.Row[Any]) -> str:
    """The window of a row for messages."""
    warehouse = f", warehouse {row.warehouse_id}" if row.warehouse_id else ""
    return f"{row.identifier}, seller {row.seller_id}{warehouse}, {window_of(row)}"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return moment


def _number(cell: Any) -> int:  # noqa: ANN401 - SQLite stores any type in a column of numbers
    if not isinstance(cell, int):
        raise TypeError(f"{cell!r} is not a number")
    return cell
