"""One stream per table of a report: partitions, records, bookmark. The only module that uses the SDK's inner workings.

Where it deviates from the SDK (singer-sdk 0.54), and why:

- With windows as SDK partitions the state would grow for ever, and a crash between two of them would emit no STATE. So
  a partition is a seller (and warehouse), and `get_records` loops over its windows.
- The SDK moves the bookmark by values in the rows. A report is complete or not, no matter which days its rows have, so
  `_increment_stream_state` does nothing, and finished windows move the bookmark.
- The SDK logs "An unhandled error occurred" before each sentence that ends a run; `log` leaves it out.
- With BATCH the records of a finished window may not be written yet: then STATE is held back until their file is
  complete.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import Stream
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.singerlib.catalog import Metadata
from singer_sdk.singerlib.json import serialize_json
from singer_sdk.singerlib.schema import Schema

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.bookmarks import BOOKMARK_COLUMN
from tap_flipkart_reports.planning.record_schema import new_column, record_schema
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.settings.catalog import REFRESH, differences, joined
from tap_flipkart_reports.singer_output import BatchWriter, SpacedStateWriter, write_bytes
from tap_flipkart_reports.sync.partition_state import PartitionStates
from tap_flipkart_reports.sync.ports import RecordTable
from tap_flipkart_reports.sync.stream_maps import mapped_columns, mapped_records, records_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BatchConfig, SDKBatchMessage
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib.catalog import Catalog

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.planning.record_schema import ColumnForms
    from tap_flipkart_reports.planning.report_type import ReportTable, ReportType
    from tap_flipkart_reports.planning.select_rules import SelectRules
    from tap_flipkart_reports.sync.ports import ValueForm
    from tap_flipkart_reports.sync.run import Run


class ReportStream(Stream):
    """The rows of one table of a report.

    Args:
        tap: the tap.
        report_type: the report.
        table: one of its tables.
        run: the run that the tap's streams share, built when first called.
        select_rules: whether new columns of files are selected.
        forms: how objects and amounts are written.

    Attributes:
        partition_states: the states of the stream's partitions.
    """

    replication_key = BOOKMARK_COLUMN

    def __init__(  # noqa: PLR0913 - a table, and what all streams share
        self,
        tap: Tap,
        report_type: ReportType,
        table: ReportTable,
        *,
        run: Callable[[], Run],
        select_rules: SelectRules,
        forms: ColumnForms,
    ) -> None:
        super().__init__(tap, name=table.stream, schema=record_schema(report_type, table, forms))
        self.primary_keys = report_type.key_properties(table)
        self.report_type = report_type
        self.table = table
        self.partition_states = PartitionStates(
            stream=table.stream,
            stream_state=lambda: self.stream_state,
            finalize=self._finalize_state,
        )
        self._run = run
        self._select_rules = select_rules
        self._forms = forms
        self._new_columns: tuple[Column, ...] = ()
        self._drift_logged: set[tuple[str, str]] = set()

    @property
    def partitions(self) -> list[dict[str, Any]]:
        """One per seller, and per warehouse for reports that require one."""
        return [key.context for key in self._run().wanted.partitions_of(self.report_type)]

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take only the selection from a catalog; keys, types and replication are the tap's own.

        Columns that the catalog does not have yet follow Meltano's rules, like new columns of files; a column that was
        removed only from the catalog's schema stays deselected.

        Raises:
            SettingsError: the catalog has other keys, types or replication, which would mix both in one table.
        """
        self._tap_input_catalog = catalog
        if (entry := catalog.get_stream(self.name)) is None:
            return
        found = differences(
            entry.to_dict(), schema=self.schema, key_properties=self.primary_keys, replication_key=BOOKMARK_COLUMN
        )
        if found and entry.metadata.resolve_selection()[()]:
            raise SettingsError(f"the catalog does not fit {self.name}: {joined(found)}; {REFRESH}")
        given = entry.schema.properties or {}
        entry.schema = Schema.from_dict(self.schema)
        entry.key_properties = self.primary_keys
        for name in self.schema["properties"]:
            is_new = ("properties", name) not in entry.metadata
            column = entry.metadata["properties", name]
            if is_new:
                column.selected = self._select_rules.selects(self.name, name)
            elif name not in given:
                column.selected = False
            if name in {*self.primary_keys, BOOKMARK_COLUMN}:
                column.inclusion = Metadata.InclusionType.AUTOMATIC

    @property
    def is_removed(self) -> bool:
        """Whether stream maps remove the stream."""
        return all(isinstance(stream_map, RemoveRecordTransform) for stream_map in self.stream_maps)

    @property
    def is_dry_run(self) -> bool:
        """Whether the stream ends at a record limit."""
        return self.ABORT_AT_RECORD_COUNT is not None

    def log(self, message: str, *args: object, level: int = logging.INFO, **kwargs: object) -> None:
        """Log a message, unless it announces an exception in flight: the tap's last line reports that."""
        if level < logging.ERROR or sys.exc_info()[0] is None:
            super().log(message, *args, level=level, **kwargs)

    # Records

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """The records of all windows of a partition; a failed window stops neither the others nor the run.

        Args:
            context: the partition.
        """
        key = PartitionKey.from_context(context or {})
        for columns in self._run().columns_of(self, key, form="python"):
            yield from records_of(columns)

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Write whole batches of RECORD lines.

        The SDK conforms, maps and writes records one by one, which takes ten times as long. Here only its stream maps
        are applied, if there are any; for BATCH and under a record limit its own loop runs.

        Args:
            context: the partition, or none for all.
            write_messages: false for BATCH.
        """
        if not write_messages or not self.selected or self.child_streams or self.is_dry_run:
            yield from super()._sync_records(context, write_messages=write_messages)
            return
        from tap_flipkart_reports.sync.record_lines import (  # noqa: PLC0415 - discovery writes no records
            MappedLines,
            RecordLines,
        )

        plain, mapped = RecordLines(self.name), MappedLines(serialize_json)
        is_mapped = not self._is_unmapped
        with self.get_record_counter() as counter, self.get_sync_timer() as timer:
            for partition in [context] if context is not None else self.partitions:
                counter.with_context(partition)
                timer.with_context(partition)
                key = PartitionKey.from_context(partition)
                for columns in self._run().columns_of(self, key, form="python" if is_mapped else "json"):
                    now = self._run().clock.now().isoformat()
                    if is_mapped:
                        self._write_lines(mapped.encode(self._mapped(columns), time_extracted=now))
                    else:
                        self._write_lines(plain.encode(columns, time_extracted=now))
                    counter.increment(len(columns[BOOKMARK_COLUMN]))
        self._finalize_state(self.stream_state)
        self._write_state_message()

    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Write BATCH files directly from columns.

        The SDK makes a dictionary of each record, and applies no stream maps.

        Args:
            batch_config: format and storage of the files.
            context: the partition, or none for all.
        """
        from tap_flipkart_reports.sync.batch_files import FORMATS, PARQUET  # noqa: PLC0415 - few runs write BATCH files

        if self.is_dry_run or batch_config.encoding.format not in FORMATS:
            super()._sync_batches(batch_config, context)
            return
        is_mapped = not self._is_unmapped
        batches = BatchWriter(
            self.tap_name,
            batch_config,
            schemas={each.stream_alias: each.transformed_schema for each in self.stream_maps},
            is_mapped=is_mapped,
            write=self._write_batch,
        )
        form: ValueForm = "python" if is_mapped else "text" if batch_config.encoding.format == PARQUET else "json"
        with self.get_batch_counter() as counter, self.get_record_counter() as records:
            for partition in [context] if context is not None else self.partitions:
                counter.with_context(partition)
                records.with_context(partition)
                for columns in self._run().columns_of(self, PartitionKey.from_context(partition), form=form):
                    for stream, part in mapped_columns(self._mapped(columns)) if is_mapped else [(self.name, columns)]:
                        counter.increment(batches.add(stream, part))
                    records.increment(len(columns[BOOKMARK_COLUMN]))
                    self._state_writer.is_held = batches.has_rows
                    if not batches.has_rows:
                        self.state_manager.is_flushed = False
                        self._write_state_message()
            counter.increment(batches.close())
        self._state_writer.is_held = False
        self._finalize_state(self.stream_state)
        self._write_state_message()

    def _write_batch(self, message: SDKBatchMessage, size: int) -> None:
        self._tap.write_message(message)
        self._state_writer.spacing.count_bytes(size)

    @property
    def _is_unmapped(self) -> bool:
        return (
            len(self.stream_maps) == 1
            and type(self.stream_maps[0]) is SameRecordTransform
            and not self.stream_maps[0].flattening_enabled
        )

    def _mapped(self, columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Record]]:
        return mapped_records(self.name, columns, self.stream_maps)

    def _write_lines(self, lines: bytes) -> None:
        write_bytes(lines)
        self._state_writer.spacing.count_bytes(len(lines))
        self.state_manager.is_flushed = False

    def record_table(self) -> RecordTable:
        """What a reader needs to know to read a report for this stream."""
        return RecordTable(
            stream=self.name,
            report_type=self.report_type,
            table=self.table,
            columns=(*self.table.columns, *self._new_columns),
            selected=self._selected_columns(),
            add_columns=self._add_columns,
            forms=self._forms,
            drift_logged=self._drift_logged,
        )

    def _selected_columns(self) -> list[str]:
        return [name for name in self.effective_schema["properties"] if self.mask["properties", name]]

    def _add_columns(self, new: Sequence[Column]) -> list[str]:
        """Add new columns of a file to the stream, and write a SCHEMA before the first record with them.

        Returns:
            The names of all selected columns.
        """
        self._new_columns = (*self._new_columns, *new)
        for column in new:
            for schema in (self._schema, self._input_schema):
                if schema is not None:
                    schema["properties"].setdefault(column.name, new_column(column.header))
            self.metadata.setdefault(
                ("properties", column.name),
                Metadata(
                    inclusion=Metadata.InclusionType.AVAILABLE,
                    selected=self._select_rules.selects(self.name, column.name),
                ),
            )
        self._mask = None
        self.register_schema()
        self._write_schema_message()
        return self._selected_columns()

    def register_schema(self) -> None:
        """Make the stream maps from the stream's own schema; the catalog's lacks what the SDK does not know."""
        self._tap.mapper.register_raw_stream_schema(
            self.name, get_selected_schema(self.name, self.effective_schema, self.mask), self.primary_keys
        )
        self._stream_maps = None

    # State

    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Write nothing: the value is not used here, and it would be in every STATE."""

    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        """Rows never move the bookmark: a report may have rows of days outside its window."""

    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Write a STATE message if one is due; there are no markers to look for in every partition.

        Args:
            state: not used.
        """
        del state
        self._write_state_message()

    def get_context_state(self, context: Context | None) -> dict[str, Any]:
        """The state of a partition or of the stream, looked up by key; the SDK searches all partitions.

        Args:
            context: the partition, or none for the stream.
        """
        if not context:
            return super().get_context_state(context)
        return self.partition_states[PartitionKey.from_context(context)].member

    def emit_state(self, *, at_once: bool = False) -> None:
        """Write a STATE message if one is due, but never before the BATCH files that it covers.

        Args:
            at_once: whether to write it in any case.
        """
        self.state_manager.is_flushed = False
        if at_once:
            self._state_writer.is_urgent = True
        if not self._state_writer.is_held:
            self._write_state_message()

    @property
    def _state_writer(self) -> SpacedStateWriter:
        return cast("SpacedStateWriter", self._tap.state_writer)

    def _write_state_message(self) -> None:
        if self._run().emits_state:
            super()._write_state_message()
