"""The interface of streams that a run uses, so that it does not depend on the SDK."""

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
"""How cells become values: as Python types; with numbers as JSON; with numbers as text."""


class RecordStream(Protocol):
    """One stream: a table of a report, with the states of its partitions."""

    report_type: ReportType
    partition_states: PartitionStates

    @property
    def name(self) -> str:
        """The stream's name."""

    @property
    def is_removed(self) -> bool:
        """Whether stream maps remove the stream."""

    @property
    def selected(self) -> bool:
        """Whether the catalog selects it."""

    @property
    def is_dry_run(self) -> bool:
        """Whether a record limit ends it, as in the SDK's tests: it then triggers nothing ahead."""

    def record_table(self) -> RecordTable:
        """The table that is read for this stream."""

    def emit_state(self, *, at_once: bool = False) -> None:
        """Write a STATE message if one is due; in any case if `at_once`."""


@dataclass(frozen=True, kw_only=True)
class RecordTable:
    """A table of a report, with the columns that a stream selects.

    Attributes:
        stream: the stream's name.
        report_type: the type of the report.
        table: the declared table.
        columns: the columns of the schema, and new ones found in files.
        selected: names of the columns that the catalog selects.
        add_columns: adds columns found in a file, and returns the names that are then selected.
        forms: how objects and amounts are written.
        drift_logged: the missing and new columns that are already logged.
    """

    stream: str
    report_type: ReportType
    table: ReportTable
    columns: Sequence[Column]
    selected: Sequence[str]
    add_columns: Callable[[Sequence[Column]], Sequence[str]]
    forms: ColumnForms
    drift_logged: set[tuple[str, str]] = field(default_factory=set)
