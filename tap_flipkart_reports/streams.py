"""One stream per table of a report: partitions, records, bookmark. The only module that knows the SDK's inner workings.

What the SDK would do otherwise, and why it is done here (singer-sdk 0.54):

- Windows as SDK partitions would grow the state for ever, and a crash between two of them would emit no STATE. So a
  partition is a seller (and warehouse), and its windows are walked through inside `get_records`.
- The SDK moves the bookmark by values in the rows. A report is complete or it is not, whatever days its rows show, so
  `_increment_stream_state` does nothing and a finished window moves the bookmark.
- With BATCH the records of a finished window may still be unwritten: then STATE is left to the SDK, which writes it
  behind the manifest.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.batch import Batcher
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import Metadata

from tap_flipkart_reports.converters import CONVERTERS, JSON_CONVERTERS
from tap_flipkart_reports.exceptions import (
    ArchiveError,
    FileError,
    FlipkartReportsError,
    LedgerError,
    RowError,
    SettingsError,
)
from tap_flipkart_reports.headers import Column, Layout, listed, match_header
from tap_flipkart_reports.messages import RecordLines
from tap_flipkart_reports.pacing import Learned
from tap_flipkart_reports.reports import Change, Delivery, Left
from tap_flipkart_reports.rows import RowBatch, RowCounts, RowHashes, UniqueKeys, read_rows
from tap_flipkart_reports.state import (
    BOOKMARK_COLUMN,
    PendingReport,
    read_coverage,
    read_pending,
    read_unbought,
    write_coverage,
    write_pending,
    write_unbought,
)
from tap_flipkart_reports.tables import open_report
from tap_flipkart_reports.windows import Coverage, Window, owed_from

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record

    from tap_flipkart_reports.converters import Converters
    from tap_flipkart_reports.report_types import ReportTable, ReportType
    from tap_flipkart_reports.reports import ReportChange
    from tap_flipkart_reports.rows import RejectedRow, RowIdentity
    from tap_flipkart_reports.scheduler import Scheduler
    from tap_flipkart_reports.sheets import Table
    from tap_flipkart_reports.tables import Report
    from tap_flipkart_reports.tap import TapFlipkartReports

MILLISECONDS = 1000

NULLABLE_TEXT = {"type": ["string", "null"]}

SELLER = {"seller_id": {"type": ["string"], "description": "the seller's name in the settings"}}
WAREHOUSE = {"warehouse_id": {"type": ["string"], "description": "the warehouse the report was asked for"}}
SNAPSHOT = {"snapshot_date": {"type": ["string"], "format": "date", "description": "the day it was asked for"}}
ROW_IDENTITY = {
    "_row_hash": {"type": ["string"], "description": "hash of the row's cells"},
    "_row_ordinal": {"type": ["integer"], "description": "1 for the first of the rows of a file that are all equal"},
}
ORIGIN = {
    "report_id": {"type": ["string"], "description": "Flipkart's id of the report the row was read from"},
    "report_from_date": {"type": ["string"], "format": "date", "description": "first day of the report's window"},
    "report_to_date": {"type": ["string"], "format": "date", "description": "last day of the report's window"},
    "report_row_number": {"type": ["integer"], "description": "number of the row in the file, from 1"},
    "_extra": {
        "type": ["object", "null"],
        "additionalProperties": True,
        "description": "cells of columns that the schema does not have, where they are not columns of their own",
    },
    "_unparsed": {
        "type": ["object", "null"],
        "additionalProperties": True,
        "description": "text of cells that do not fit their column's type, which is null then",
    },
}
OWN_COLUMNS = frozenset({**SELLER, **WAREHOUSE, **SNAPSHOT, **ROW_IDENTITY, **ORIGIN})
"""Columns of every record that are not the file's; a new column of a file never takes their names."""


def record_schema(report_type: ReportType, table: ReportTable) -> dict[str, Any]:
    """The JSON Schema of a stream's records: the table's columns and the record's own."""
    properties: dict[str, Any] = {
        **SELLER,
        **(WAREHOUSE if report_type.per_warehouse else {}),
        **(SNAPSHOT if report_type.is_snapshot else {}),
        **table.properties,
        **ORIGIN,
        **({} if table.key else ROW_IDENTITY),
    }
    return {"type": "object", "properties": properties}


@dataclass(kw_only=True)
class _Reading:
    """What comes of one report's rows for one stream, as they are read.

    Attributes:
        counts: of the rows.
        rejected: rows passed over.
        fingerprints: those of the tables' headers (`Layout.fingerprint`).
    """

    counts: RowCounts = field(default_factory=RowCounts)
    rejected: list[RejectedRow] = field(default_factory=list)
    fingerprints: set[str] = field(default_factory=set)


class _Stopped(Exception):  # noqa: N818 - not an error: the run was asked to end in the middle of a file
    """The run was asked to end; the window is read again from its first row by the next."""


class ReportStream(Stream):
    """The rows of one table of a report.

    Args:
        tap: the tap.
        report_type: the report.
        table: one of its tables.
    """

    replication_key = BOOKMARK_COLUMN

    def __init__(self, tap: TapFlipkartReports, report_type: ReportType, table: ReportTable) -> None:
        super().__init__(tap, name=table.stream, schema=record_schema(report_type, table))
        self.primary_keys = report_type.key_properties(table)
        self.report_type = report_type
        self.table = table
        self._reports_tap = tap
        self._columns = table.columns
        self._drift_told: set[tuple[str, str]] = set()

    # What to ask for

    @property
    def partitions(self) -> list[dict[str, Any]]:
        """One per seller, and per warehouse where the report asks for one."""
        return self._reports_tap.partitions_of(self)

    def coverage(self, context: Mapping[str, Any]) -> Coverage:
        """The days that are complete.

        Raises:
            SettingsError: the state that was handed in cannot be read.
        """
        with self._readable_state(context) as partition:
            return read_coverage(partition)

    def pending(self, context: Mapping[str, Any]) -> list[PendingReport]:
        """The reports that are bought and not yet read, as the state knows them.

        Raises:
            SettingsError: the state that was handed in cannot be read.
        """
        with self._readable_state(context) as partition:
            return read_pending(partition)

    def unbought(self, context: Mapping[str, Any]) -> tuple[Window, ...]:
        """The windows that the budget of earlier runs has left over.

        Raises:
            SettingsError: the state that was handed in cannot be read.
        """
        with self._readable_state(context) as partition:
            return read_unbought(partition)

    @contextmanager
    def _readable_state(self, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        try:
            yield self.get_context_state(dict(context))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(
                f"the state of {self.name}, {dict(context)}, cannot be read ({error}); "
                "start from a state the tap has written, or from none"
            ) from error

    # Records

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """The records of every window of a partition; a window that fails stops neither the others nor the run.

        Args:
            context: the partition.
        """
        for columns in self._column_batches(context, CONVERTERS):
            for values in zip(*columns.values(), strict=True):
                yield dict(zip(columns, values, strict=True))

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Write whole batches of RECORD lines where every record goes out as it is.

        The SDK handles records one by one, which takes ten times as long. Where it has something to do with them
        (stream maps, flattening, BATCH, a record limit) its own loop runs.

        Args:
            context: the partition, or none for all.
            write_messages: false for BATCH.
        """
        if not (write_messages and self._goes_out_as_it_is):
            yield from super()._sync_records(context, write_messages=write_messages)
            return
        lines = RecordLines(self.name)
        with self.get_record_counter() as counter, self.get_sync_timer() as timer:
            for partition in [context] if context is not None else self.partitions:
                counter.with_context(partition)
                timer.with_context(partition)
                for columns in self._column_batches(partition, JSON_CONVERTERS):
                    text = lines.of(columns, time_extracted=self._reports_tap.clock.now().isoformat())
                    self._write_lines(text)
                    counter.increment(len(columns[BOOKMARK_COLUMN]))
        self._finalize_state(self.stream_state)
        self._write_state_message()

    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Batches whose records all have the same columns: of others a Parquet file would keep only the first one's.

        Args:
            batch_config: how the files are made.
            context: the partition, or none for all.
        """
        batcher = Batcher(tap_name=self.tap_name, stream_name=self.name, batch_config=batch_config)
        for _, alike in groupby(self._sync_records(context, write_messages=False), key=tuple):
            for manifest in batcher.get_batches(records=alike):
                yield batch_config.encoding, manifest

    @property
    def _goes_out_as_it_is(self) -> bool:
        return (
            self.selected
            and self.ABORT_AT_RECORD_COUNT is None
            and not self.child_streams
            and len(self.stream_maps) == 1
            and type(self.stream_maps[0]) is SameRecordTransform
            and not self.stream_maps[0].flattening_enabled
        )

    def _write_lines(self, lines: bytes) -> None:
        """Write behind whatever the SDK's own writer has left in the text layer."""
        sys.stdout.flush()
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
        self.state_manager.is_flushed = False

    def _column_batches(self, context: Context | None, converters: Converters) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Typed columns of some rows after some rows, of every window of a partition; windows are booked on the way."""
        place = dict(context or {})
        scheduler = self._reports_tap.scheduler_for(self)
        requests = self._reports_tap.requests_of(self, place)
        owed = None if all(request.is_repair for request in requests) else self._owed(place)
        for request in requests:
            try:
                taken = scheduler.take(request)
            except LedgerError:
                raise  # of no window: nothing more is bought
            except FlipkartReportsError as error:
                self._reports_tap.window_failed(self.name, request, error)
                continue
            if isinstance(taken, Left):
                self._leave(taken, place)
                continue
            reading = _Reading()
            try:
                for columns in self._columns_of(taken, reading, converters):
                    yield columns
                    scheduler.tell()  # what is bought meanwhile travels in the state, however long the file
            except _Stopped:
                reason = "the run was asked to end"
                self._leave(Left(request=request, report_id=taken.report_id, reason=reason), place)
            except (FileError, RowError, ArchiveError) as error:
                # The report stays bought: the next run downloads it again, for nothing, and perhaps the settings then
                # allow for what is wrong with it, or a newer tap can read it. To buy it anew is for a person to decide.
                self._reports_tap.window_failed(self.name, request, error, report_id=taken.report_id)
            else:
                self._finish(scheduler, taken, place, owed=owed, reading=reading)
            finally:
                scheduler.release(taken, stream=self.name)

    def _owed(self, context: Mapping[str, Any]) -> Window | None:
        """The days this run owes a partition, if any; asked before the first of its windows is finished."""
        newest = self._reports_tap.newest_day(self.report_type)
        if newest is None:
            return None
        start = self._reports_tap.settings.start_date
        first = owed_from(self.report_type.rule, self.coverage(context), start=start, newest=newest)
        return Window(first, newest) if first <= newest else None

    def _leave(self, left: Left, context: Mapping[str, Any]) -> None:
        """A window that the budget has left over is the first to be bought by the next run."""
        if left.is_unbought and not left.request.is_repair:
            partition = self.get_context_state(dict(context))
            write_unbought(partition, [*read_unbought(partition), left.request.window])
        self._reports_tap.window_left(left)

    def _columns_of(
        self, delivery: Delivery, reading: _Reading, converters: Converters
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Typed columns of the rows of the stream's tables in a report, batch by batch."""
        identity = UniqueKeys(self.table.key) if self.table.key else RowHashes()
        try:
            with self._opened(delivery) as report:
                self._reports_tap.keep(delivery, lambda: report.headers)
                tables = report.of(self.name)
                self._tell_tables(delivery, report, tables)
                for table in tables:
                    yield from self._columns_of_table(table, delivery, identity, reading, converters)
        finally:
            if reading.rejected:
                self._tell_rejected(delivery, reading.rejected)
        self._tell_counts(delivery, reading.counts)

    @contextmanager
    def _opened(self, delivery: Delivery) -> Iterator[Report]:
        """The report's file; one that cannot be read is kept in the archive, too."""
        max_file_bytes = self._reports_tap.settings.max_file_bytes
        try:
            with open_report(delivery.path, self.report_type.tables, max_file_bytes=max_file_bytes) as report:
                yield report
        except FileError:
            self._reports_tap.keep(delivery, dict)
            raise

    def _columns_of_table(
        self, table: Table, delivery: Delivery, identity: RowIdentity, reading: _Reading, converters: Converters
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        settings = self._reports_tap.settings
        layout = match_header(table.header, self._columns, reserved=OWN_COLUMNS, layouts=self.table.layouts)
        reading.fingerprints.add(layout.fingerprint)
        self._tell_drift(delivery, layout)
        if settings.schema_drift == "evolve" and layout.new:
            self._evolve([column for _, column in layout.new])
        wanted = [name for name in self.effective_schema["properties"] if self.mask["properties", name]]
        origin = dict.fromkeys(wanted) | self._origin(delivery)
        for batch in read_rows(
            table,
            layout,
            wanted=frozenset(wanted),
            rules=settings.row_rules,
            identity=identity,
            counts=reading.counts,
            reject=reading.rejected.append,
            converters=converters,
        ):
            columns = _all_columns(batch)
            yield {name: columns.get(name) or [origin[name]] * batch.count for name in wanted}
            if self._reports_tap.is_stopping:
                raise _Stopped

    def _origin(self, delivery: Delivery) -> dict[str, Any]:
        request = delivery.request
        return {
            "seller_id": request.seller_id,
            **({"warehouse_id": request.warehouse_id} if self.report_type.per_warehouse else {}),
            **({"snapshot_date": request.window.last.isoformat()} if self.report_type.is_snapshot else {}),
            "report_id": delivery.report_id,
            "report_from_date": request.window.first.isoformat(),
            "report_to_date": request.window.last.isoformat(),
        }

    def _evolve(self, new: Sequence[Column]) -> None:
        """Add columns of a file to the stream, and tell the target before the first record that has them."""
        self._columns = (*self._columns, *new)
        for column in new:
            for schema in (self._schema, self._input_schema):
                if schema is not None:
                    schema["properties"].setdefault(column.name, {"title": column.header, **NULLABLE_TEXT})
            self.metadata.setdefault(
                ("properties", column.name), Metadata(inclusion=Metadata.InclusionType.AVAILABLE, selected=True)
            )
        self._mask = None
        self._tap.mapper.register_raw_stream_schema(
            self.name, get_selected_schema(self.name, self.effective_schema, self.mask), self.primary_keys
        )
        self._stream_maps = None
        self._write_schema_message()

    # State

    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Nothing reads that value here, and it would stand in every STATE."""

    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        """Rows never move the bookmark: a report may hold rows of days outside its window."""

    def _finish(
        self,
        scheduler: Scheduler,
        delivery: Delivery,
        context: dict[str, Any],
        *,
        owed: Window | None,
        reading: _Reading,
    ) -> None:
        """Book a window whose last record is out."""
        window = delivery.request.window
        partition = self.get_context_state(context)
        if owed is not None and not delivery.request.is_repair:
            coverage = read_coverage(partition).with_finished(window, owed_from=owed.first, newest=owed.last)
            write_coverage(partition, coverage)
            write_unbought(partition, [left for left in read_unbought(partition) if not window.overlaps(left)])
        if (pace := scheduler.learned.get(self.report_type.identifier)) is not None:
            self.stream_state["generation_milliseconds"] = _written(pace)
        self._forget(partition, delivery.report_id)
        self._finalize_state(partition)
        rows, rejected = reading.counts.rows, reading.counts.skipped
        scheduler.finish(delivery, stream=self.name, rows=rows, rejected=rejected, fingerprints=reading.fingerprints)
        self._reports_tap.window_finished(delivery.request, rows=rows, rejected=rejected)
        self.emit_state()

    @property
    def pace(self) -> Learned | None:
        """Generation times seen by earlier runs, from the state."""
        try:
            known = self.stream_state["generation_milliseconds"]
            return Learned(
                shortest=int(known["shortest"]) / MILLISECONDS,
                typical=int(known["typical"]) / MILLISECONDS,
                seen=int(known["seen"]),
            )
        except (KeyError, TypeError, ValueError):
            return None

    def book(self, change: ReportChange) -> None:
        """Keep the partition's list of reports that are bought and not yet read."""
        request = change.request
        context = {"seller_id": request.seller_id}
        if request.warehouse_id is not None:
            context["warehouse_id"] = request.warehouse_id
        partition = self.get_context_state(context)
        if change.change is Change.TRIGGERED:
            bought = PendingReport(
                report_id=str(change.report_id),
                window=request.window,
                digest=request.digest,
                is_repair=request.is_repair,
            )
            write_pending(partition, [*read_pending(partition), bought])
        elif change.change is Change.ABANDONED:
            self._forget(partition, str(change.report_id))

    def give_up(self, report_id: str) -> None:
        """Forget a report that is bought and not yet read."""
        for context in self.partitions:
            partition = self.get_context_state(context)
            if report_id in {report.report_id for report in read_pending(partition)}:
                self.logger.warning("%s, %s: report %s is given up.", self.name, context, report_id)
                self._forget(partition, report_id)

    def emit_state(self) -> None:
        """Write a STATE message, unless the SDK does so behind a BATCH manifest."""
        if self.get_batch_config(self.config) is None:
            self.state_manager.is_flushed = False
            self._write_state_message()

    def _write_state_message(self) -> None:
        if self._reports_tap.tells_state:
            super()._write_state_message()

    @staticmethod
    def _forget(partition: dict[str, Any], report_id: str) -> None:
        write_pending(partition, [report for report in read_pending(partition) if report.report_id != report_id])

    # Words for the log

    def _tell_drift(self, delivery: Delivery, layout: Layout) -> None:
        """Say once per column what a file lacks or has beyond the schema."""
        for text, columns in (
            ("does not have the columns %s, which are null", layout.missing),
            ("has new columns %s", [column for _, column in layout.new]),
        ):
            news = [column.header.strip() for column in columns if (text, column.name) not in self._drift_told]
            self._drift_told |= {(text, column.name) for column in columns}
            if news:
                self.logger.warning(
                    "%s, report %s %s (header %s).",
                    delivery.request.named(self.name),
                    delivery.report_id,
                    text % ", ".join(news),
                    layout.fingerprint,
                )

    def _tell_tables(self, delivery: Delivery, report: Report, tables: Sequence[Table]) -> None:
        """Say which tables of a report are not there, and which are there for no stream."""
        if not tables:
            self.logger.info(
                "%s, report %s has no table %r: no rows.",
                delivery.request.named(self.name),
                delivery.report_id,
                self.table.title,
            )
        if self.name == delivery.request.readers[0]:
            for stranger in report.strangers:
                self.logger.warning(
                    "%s, report %s has a table that no stream reads, %s with the columns %s; "
                    "`flipkart-reports inspect` shows it.",
                    delivery.request,
                    delivery.report_id,
                    stranger.name or "the file",
                    listed(stranger.header),
                )

    def _tell_rejected(self, delivery: Delivery, rejected: Sequence[RejectedRow]) -> None:
        """Keep the rows that were passed over, and say where."""
        place = self._reports_tap.keep_rejected(self.name, delivery, rejected)
        self.logger.warning(
            "%s, report %s: %d rows were passed over, the first on line %d, which %s; they are kept in %s.",
            delivery.request.named(self.name),
            delivery.report_id,
            len(rejected),
            rejected[0].line,
            rejected[0].cause,
            place,
        )

    def _tell_counts(self, delivery: Delivery, counts: RowCounts) -> None:
        name = f"{delivery.request.named(self.name)}, report {delivery.report_id}"
        self.logger.info("%s: %d rows.", name, counts.rows)
        for column, bad in counts.bad_cells.items():
            self.logger.warning(
                "%s: %d cells of column %s do not fit its type, the first on line %d; kept in _unparsed.",
                name,
                bad.count,
                column,
                bad.first_line,
            )


def _all_columns(batch: RowBatch) -> dict[str, Sequence[Any]]:
    """The file's columns and those of the record's own that differ from row to row."""
    columns: dict[str, Sequence[Any]] = {
        **batch.columns,
        "report_row_number": batch.row_numbers,
        "_extra": batch.extra,
        "_unparsed": batch.unparsed,
    }
    if batch.row_hashes is not None and batch.row_ordinals is not None:
        columns |= {"_row_hash": batch.row_hashes, "_row_ordinal": batch.row_ordinals}
    return columns


def _written(pace: Learned) -> dict[str, int]:
    """Generation times for the state, in whole milliseconds: SDK targets read fractions as decimals and then fail."""
    return {
        "shortest": round(pace.shortest * MILLISECONDS),
        "typical": round(pace.typical * MILLISECONDS),
        "seen": pace.seen,
    }
