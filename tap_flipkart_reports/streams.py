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
from hashlib import blake2b
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import Stream
from singer_sdk.batch import Batcher
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.helpers._state import StateWriter
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import Metadata
from singer_sdk.singerlib.encoding.simple import StateMessage
from singer_sdk.singerlib.json import serialize_json

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.bookmarks import BOOKMARK_COLUMN
from tap_flipkart_reports.planning.record_schema import NULLABLE_TEXT, record_schema
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.sync.partition_state import PartitionStates
from tap_flipkart_reports.sync.ports import RecordTable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record, TapState
    from singer_sdk.singerlib.encoding.base import GenericSingerWriter

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.planning.report_type import ReportTable, ReportType
    from tap_flipkart_reports.planning.select_rules import SelectRules
    from tap_flipkart_reports.sync.run import Run
    from tap_flipkart_reports.sync.state_spacing import StateSpacing


class ReportStream(Stream):
    """The rows of one table of a report.

    Args:
        tap: the tap.
        report_type: the report.
        table: one of its tables.
        run: what the tap's streams share; built when it is first asked for.
        select_rules: whether columns that files bring are selected.

    Attributes:
        partition_states: what the state holds of each partition.
    """

    replication_key = BOOKMARK_COLUMN

    def __init__(
        self,
        tap: Tap,
        report_type: ReportType,
        table: ReportTable,
        *,
        run: Callable[[], Run],
        select_rules: SelectRules,
    ) -> None:
        super().__init__(tap, name=table.stream, schema=record_schema(report_type, table))
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
        self._new_columns: tuple[Column, ...] = ()
        self._drift_logged: set[tuple[str, str]] = set()

    @property
    def partitions(self) -> list[dict[str, Any]]:
        """One per seller, and per warehouse where the report asks for one."""
        return [key.context for key in self._run().wanted.partitions_of(self.report_type)]

    @property
    def is_dry_run(self) -> bool:
        """Whether a limit of records ends the stream."""
        return self.ABORT_AT_RECORD_COUNT is not None

    # Records

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """The records of every window of a partition; a window that fails stops neither the others nor the run.

        Args:
            context: the partition.
        """
        key = PartitionKey.from_context(context or {})
        for columns in self._run().columns_of(self, key, as_json=False):
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
        if not write_messages or not self.selected or self.child_streams or self.is_dry_run:
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
                key = PartitionKey.from_context(partition)
                for columns in self._run().columns_of(self, key, as_json=not is_mapped):
                    now = self._run().clock.now().isoformat()
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
        write_bytes(lines)
        self._state_writer.spacing.wrote(len(lines))
        self.state_manager.is_flushed = False

    def record_table(self) -> RecordTable:
        """What reading a report for this stream needs."""
        return RecordTable(
            stream=self.name,
            report_type=self.report_type,
            table=self.table,
            columns=(*self.table.columns, *self._new_columns),
            selected=self._selected_columns(),
            add_columns=self._add_columns,
            drift_logged=self._drift_logged,
        )

    def _selected_columns(self) -> list[str]:
        return [name for name in self.effective_schema["properties"] if self.mask["properties", name]]

    def _add_columns(self, new: Sequence[Column]) -> list[str]:
        """Add columns of a file to the stream, and tell the target before the first record that has them.

        Returns:
            The names of the columns that are selected then.
        """
        self._new_columns = (*self._new_columns, *new)
        for column in new:
            for schema in (self._schema, self._input_schema):
                if schema is not None:
                    schema["properties"].setdefault(column.name, {"title": column.header, **NULLABLE_TEXT})
            self.metadata.setdefault(
                ("properties", column.name),
                Metadata(
                    inclusion=Metadata.InclusionType.AVAILABLE,
                    selected=self._select_rules.selects(self.name, column.name),
                ),
            )
        self._mask = None
        self._tap.mapper.register_raw_stream_schema(
            self.name, get_selected_schema(self.name, self.effective_schema, self.mask), self.primary_keys
        )
        self._stream_maps = None
        self._write_schema_message()
        return self._selected_columns()

    # State

    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Nothing reads that value here, and it would stand in every STATE."""

    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        """Rows never move the bookmark: a report may hold rows of days outside its window."""

    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Write a STATE message if one is due; there are no markers, and looking for them would list every partition.

        Args:
            state: of no use here.
        """
        del state
        self._write_state_message()

    def get_context_state(self, context: Context | None) -> dict[str, Any]:
        """What the state holds of a partition, or of the stream; found by key, and not by a walk through all of them.

        Args:
            context: the partition, or none for the stream.
        """
        if not context:
            return super().get_context_state(context)
        return self.partition_states[PartitionKey.from_context(context)].member

    def emit_state(self, *, at_once: bool = False) -> None:
        """Write a STATE message if one is due, unless the SDK does so behind a BATCH manifest.

        Args:
            at_once: whether it is due in any case.
        """
        if self.get_batch_config(self.config) is None:
            self.state_manager.is_flushed = False
            if at_once:
                self._state_writer.is_urgent = True
            self._write_state_message()

    @property
    def _state_writer(self) -> SpacedStateWriter:
        return cast("SpacedStateWriter", self._tap.state_writer)

    def _write_state_message(self) -> None:
        if self._run().emits_state:
            super()._write_state_message()


class SpacedStateWriter(StateWriter):
    """Writes the state as often as `StateSpacing` allows.

    Args:
        message_writer: makes the lines.
        spacing: tells when one is due.

    Attributes:
        spacing: what was handed in.
        is_urgent: whether the next state is due in any case.
        is_behind: whether a state was not written because none was due.
    """

    def __init__(self, message_writer: GenericSingerWriter[Any, Any], spacing: StateSpacing) -> None:
        super().__init__(message_writer)
        self.spacing = spacing
        self.is_urgent = self.is_behind = False
        self._last_digest = b""

    def write_state(self, state: TapState) -> None:
        """Write a STATE message if one is due and would say something new.

        Args:
            state: the tap's state, with all its partitions: to a target, the last one is all there is.
        """
        self.is_behind = not (self.is_urgent or self.spacing.is_due)
        if self.is_behind:
            return
        self.is_urgent = False
        line = self._message_writer.format_message(StateMessage(value=state)).encode() + b"\n"
        digest = blake2b(line).digest()
        if digest != self._last_digest:
            write_bytes(line)
            self.spacing.wrote_state(len(line))
            self._last_digest = digest


def write_bytes(lines: bytes) -> None:
    """Write behind whatever the SDK's own writer has left in the text layer."""
    sys.stdout.flush()
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


def _records(columns: Mapping[str, Sequence[Any]]) -> Iterator[Record]:
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
