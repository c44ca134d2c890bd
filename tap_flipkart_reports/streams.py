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
from itertools import groupby
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.batch import Batcher
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import Metadata
from singer_sdk.singerlib.json import serialize_json

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.bookmarks import (
    BOOKMARK_COLUMN,
    read_coverage,
    read_pace,
    read_pending,
    read_unbought,
    write_coverage,
    write_pace,
    write_pending,
    write_unbought,
)
from tap_flipkart_reports.planning.record_schema import NULLABLE_TEXT, record_schema

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.planning.coverage import Coverage
    from tap_flipkart_reports.planning.report_type import ReportTable, ReportType
    from tap_flipkart_reports.purchasing.polling import Learned
    from tap_flipkart_reports.purchasing.requests import PendingReport
    from tap_flipkart_reports.sync.run import Extraction
    from tap_flipkart_reports.tap import TapFlipkartReports
    from tap_flipkart_reports.windows import Window


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
        self._new_columns: tuple[Column, ...] = ()
        self.drift_told: set[tuple[str, str]] = set()

    @property
    def _extraction(self) -> Extraction:
        return self._reports_tap.extraction

    # What to ask for

    @property
    def partitions(self) -> list[dict[str, Any]]:
        """One per seller, and per warehouse where the report asks for one."""
        return self._extraction.demand.partitions_of(self)

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
        for columns in self._extraction.columns_of(self, dict(context or {}), as_json=False):
            yield from _records(columns)

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Write whole batches of RECORD lines.

        The SDK conforms, maps and writes records one by one, which takes ten times as long. Only its maps are asked
        here, where there are any; for BATCH and under a record limit its own loop runs.

        Args:
            context: the partition, or none for all.
            write_messages: false for BATCH.
        """
        if not write_messages or not self.selected or self.child_streams or self.ABORT_AT_RECORD_COUNT is not None:
            yield from super()._sync_records(context, write_messages=write_messages)
            return
        from tap_flipkart_reports.sync.record_lines import (  # noqa: PLC0415 - discovery writes none
            MappedLines,
            RecordLines,
        )

        plain, mapped = RecordLines(self.name), MappedLines(serialize_json)
        is_mapped = not self._goes_out_as_it_is
        with self.get_record_counter() as counter, self.get_sync_timer() as timer:
            for partition in [context] if context is not None else self.partitions:
                counter.with_context(partition)
                timer.with_context(partition)
                for columns in self._extraction.columns_of(self, dict(partition), as_json=not is_mapped):
                    now = self._reports_tap.clock.now().isoformat()
                    if is_mapped:
                        self._write_lines(mapped.of(self._mapped(columns), time_extracted=now))
                    else:
                        self._write_lines(plain.of(columns, time_extracted=now))
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
            len(self.stream_maps) == 1
            and type(self.stream_maps[0]) is SameRecordTransform
            and not self.stream_maps[0].flattening_enabled
        )

    def _mapped(self, columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Record]]:
        """What the stream maps make of each row, with the name of the stream they make it for.

        Raises:
            SettingsError: an expression cannot be evaluated.
        """
        stream_maps = self.stream_maps
        for record in _records(columns):
            for stream_map in stream_maps:
                try:
                    mapped = stream_map.transform(record)
                except Exception as error:  # whatever a user's expression raises
                    told = f"{error} ({error.__cause__})" if error.__cause__ else f"{type(error).__name__}: {error}"
                    raise SettingsError(
                        f"stream_maps cannot be applied to {self.name}, row {record.get('report_row_number')} of "
                        f"report {record.get('report_id')}: {told}; set them right: the next run reads the report again"
                    ) from error
                if mapped is not None:
                    yield stream_map.stream_alias, mapped

    def _write_lines(self, lines: bytes) -> None:
        """Write behind whatever the SDK's own writer has left in the text layer."""
        sys.stdout.flush()
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
        self.state_manager.is_flushed = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """The table's columns, and those that files have brought."""
        return (*self.table.columns, *self._new_columns)

    @property
    def wanted_columns(self) -> list[str]:
        """Names of the columns that the catalog selects."""
        return [name for name in self.effective_schema["properties"] if self.mask["properties", name]]

    def evolve(self, new: Sequence[Column]) -> None:
        """Add columns of a file to the stream, and tell the target before the first record that has them."""
        self._new_columns = (*self._new_columns, *new)
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

    def book_finished(
        self, context: Context, window: Window, *, report_id: str, owed: Window | None, pace: Learned | None
    ) -> None:
        """Book a window whose last record is out.

        Args:
            context: its partition.
            window: its days.
            report_id: the report they were read from.
            owed: the days that the run owed the partition; `None` where no bookmark moves.
            pace: generation times seen of the report type.
        """
        partition = self.get_context_state(context)
        if owed is not None:
            coverage = read_coverage(partition).with_finished(window, owed_from=owed.first, newest=owed.last)
            write_coverage(partition, coverage)
            write_unbought(partition, [left for left in read_unbought(partition) if not window.overlaps(left)])
        if pace is not None:
            write_pace(self.stream_state, pace)
        self.forget(context, report_id)
        self._finalize_state(partition)

    @property
    def pace(self) -> Learned | None:
        """Generation times seen by earlier runs, from the state."""
        return read_pace(self.stream_state)

    def book_bought(self, context: Context, report: PendingReport) -> None:
        """Remember a report that is bought and not yet read."""
        partition = self.get_context_state(context)
        write_pending(partition, [*read_pending(partition), report])

    def book_unbought(self, context: Context, window: Window) -> None:
        """Remember a window that the budget has left over: it is the first to be bought by the next run."""
        partition = self.get_context_state(context)
        write_unbought(partition, [*read_unbought(partition), window])

    def forget(self, context: Context, report_id: str) -> None:
        """Forget a report that was bought."""
        partition = self.get_context_state(context)
        write_pending(partition, [report for report in read_pending(partition) if report.report_id != report_id])

    def give_up(self, report_id: str) -> None:
        """Forget a report that is bought and not yet read."""
        for context in self.partitions:
            partition = self.get_context_state(context)
            if report_id in {report.report_id for report in read_pending(partition)}:
                self.logger.warning("%s, %s: report %s is given up.", self.name, context, report_id)
                self.forget(context, report_id)

    def emit_state(self) -> None:
        """Write a STATE message, unless the SDK does so behind a BATCH manifest."""
        if self.get_batch_config(self.config) is None:
            self.state_manager.is_flushed = False
            self._write_state_message()

    def _write_state_message(self) -> None:
        if self._reports_tap.tells_state:
            super()._write_state_message()


def _records(columns: Mapping[str, Sequence[Any]]) -> Iterator[Record]:
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
