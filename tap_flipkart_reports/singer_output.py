"""Output other than SCHEMA and RECORD lines: STATE messages when due, and BATCH messages with their files."""

from __future__ import annotations

import io
import sys
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._batch import SDKBatchMessage
from singer_sdk.helpers._state import StateWriter
from singer_sdk.singerlib.encoding.simple import StateMessage
from singer_sdk.singerlib.json import serialize_json

from tap_flipkart_reports.exceptions import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import TapState
    from singer_sdk.singerlib.encoding.base import GenericSingerWriter

    from tap_flipkart_reports.sync.batch_files import BatchFiles
    from tap_flipkart_reports.sync.state_spacing import StateSpacing

BATCH_FORMATS = ("jsonl", "parquet")


def write_whole_lines() -> None:
    """Buffer standard output if it is not buffered.

    With PYTHONUNBUFFERED, which many containers set, a signal can cut a write short, and the rest is silently lost.
    """
    if isinstance(sys.stdout.buffer, io.RawIOBase):
        sys.stdout = open(sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, closefd=False)  # noqa: SIM115 - open until the process ends


def write_bytes(lines: bytes) -> None:
    """Write lines after the SDK writer's output that is still in the text buffer."""
    sys.stdout.flush()
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


class SpacedStateWriter(StateWriter):
    """Writes the state as often as `StateSpacing` allows.

    Args:
        message_writer: formats the messages.
        spacing: decides when a message is due.

    Attributes:
        spacing: decides when a message is due.
        is_urgent: whether to write the next state in any case.
        is_behind: whether the last state was not written because none was due.
        is_held: whether rows that the state counts as read are in an incomplete BATCH file.
    """

    def __init__(self, message_writer: GenericSingerWriter[Any, Any], spacing: StateSpacing) -> None:
        super().__init__(message_writer)
        self.spacing = spacing
        self.is_urgent = self.is_behind = self.is_held = False
        self._last_digest = b""

    def write_state(self, state: TapState) -> None:
        """Write a STATE message if one is due and the state has changed.

        Args:
            state: the whole state of the tap, as targets keep only the last message.
        """
        self.is_behind = not (self.is_urgent or self.spacing.is_due)
        if self.is_behind:
            return
        self.is_urgent = False
        line = self._message_writer.format_message(StateMessage(value=state)).encode() + b"\n"
        digest = blake2b(line).digest()
        if digest != self._last_digest:
            write_bytes(line)
            self.spacing.count_state(len(line))
            self._last_digest = digest


def check_batch_config(read: Callable[[], BatchConfig | None]) -> None:
    """Check before anything is bought that BATCH files can be written.

    Args:
        read: lets the SDK read `batch_config`.

    Raises:
        SettingsError: they cannot be written.
    """
    try:
        config = read()
        if config and config.encoding.format in BATCH_FORMATS and config.batch_size > 0:
            config.storage.get_url("batch")
            return
    except (TypeError, ValueError, AttributeError, ImportError, OSError) as error:
        raise SettingsError(f"batch_config cannot be used: {error}") from None
    raise SettingsError(
        f"batch_config cannot be used: it needs a storage, an encoding of {' or '.join(BATCH_FORMATS)}, and a "
        "batch_size of 1 or more"
    )


class BatchWriter:
    """Writes rows to BATCH files, and a message for each complete file.

    Args:
        tap_name: the tap's name, for the files' names.
        config: format and storage of the files.
        schemas: the schema of each output stream.
        is_mapped: whether a stream map has made the rows, which may then have any values.
        write: writes a message; it also gets the file's size in bytes.
    """

    def __init__(
        self,
        tap_name: str,
        config: BatchConfig,
        *,
        schemas: Mapping[str, Mapping[str, Any]],
        is_mapped: bool,
        write: Callable[[SDKBatchMessage, int], None],
    ) -> None:
        self._tap_name = tap_name
        self._config = config
        self._schemas = schemas
        self._is_mapped = is_mapped
        self._write = write
        self._files: dict[str, BatchFiles] = {}

    def add(self, stream: str, columns: Mapping[str, Sequence[Any]]) -> int:
        """Add some rows.

        Args:
            stream: the output stream.
            columns: the rows, by column.

        Returns:
            The number of files that this has completed.
        """
        if stream not in self._files:
            self._files[stream] = self._new_files(stream)
        return self._write_messages(stream, self._files[stream].add(columns))

    def _new_files(self, stream: str) -> BatchFiles:
        from tap_flipkart_reports.sync.batch_files import BatchFiles, new_file  # noqa: PLC0415 - few runs write BATCH files
        from tap_flipkart_reports.sync.record_lines import MappedLines, PlainLines  # noqa: PLC0415 - few runs write BATCH files

        begin, ending = new_file(
            self._config.encoding.format,
            self._config.encoding.compression,
            lines=MappedLines(serialize_json).encode_plain if self._is_mapped else PlainLines().encode,
            properties=self._schemas.get(stream, {}).get("properties", {}),
        )
        name = f"{self._tap_name}--{stream}"
        return BatchFiles(name, self._config.storage, new_file=begin, ending=ending, size=self._config.batch_size)

    def _write_messages(self, stream: str, addresses: Iterable[str]) -> int:
        files, count = self._files[stream], 0
        for address in addresses:
            message = SDKBatchMessage(stream=stream, encoding=self._config.encoding, manifest=[address])
            self._write(message, files.last_size)
            count += 1
        return count

    def close(self) -> int:
        """Complete all files.

        Returns:
            The number of files.
        """
        return sum(self._write_messages(stream, files.close()) for stream, files in self._files.items())

    @property
    def has_rows(self) -> bool:
        """Whether there are incomplete files."""
        return any(files.rows for files in self._files.values())
