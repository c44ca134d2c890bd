"""What a run knows of the streams it reads for; it knows nothing of the SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.planning.record_schema import ColumnForms
    from tap_flipkart_reports.planning.report_type import ReportTable, ReportType
    from tap_flipkart_reports.sync.partition_state import PartitionStates


ValueForm = Literal["python", "json", "text"]
"""What values are made of cells: Python's own types; with numbers as their JSON; with numbers as text."""


class RecordStream(Protocol):
    """One stream: a table of a report, and what is recorded of its partitions."""

    report_type: ReportType
    partition_states: PartitionStates

    @property
    def name(self) -> str:
        """The stream's name."""

    @property
    def is_removed(self) -> bool:
        """Whether stream maps leave nothing of the stream."""

    @property
    def selected(self) -> bool:
        """Whether the catalog selects it."""

    @property
    def is_dry_run(self) -> bool:
        """Whether a record limit ends it, as in the SDK's tests: it then stands alone and triggers nothing ahead."""

    def record_table(self) -> RecordTable:
        """What reading a report for this stream needs."""

    def emit_state(self, *, at_once: bool = False) -> None:
        """Write a STATE message if one is due, or in any case."""


@dataclass(frozen=True, kw_only=True)
class RecordTable:
    """A table of a report as a stream wants it.

    Attributes:
        stream: the stream's name.
        report_type: the report.
        table: its table.
        columns: those of the schema, and those that files have brought.
        selected: names of the columns that the catalog selects.
        add_columns: takes columns that a file brings, and returns the names that are selected then.
        forms: how objects and amounts go out.
        drift_logged: what has been said of missing and new columns.
    """

    stream: str
    report_type: ReportType
    table: ReportTable
    columns: Sequence[Column]
    selected: Sequence[str]
    add_columns: Callable[[Sequence[Column]], Sequence[str]]
    forms: ColumnForms
    drift_logged: set[tuple[str, str]] = field(default_factory=set)
