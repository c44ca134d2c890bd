"""What the Singer state holds of a stream's partitions: read to plan a run, written as reports are bought and read."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.bookmarks import (
    read_coverage,
    read_pace,
    read_pending,
    read_unbought,
    write_coverage,
    write_pace,
    write_pending,
    write_unbought,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_flipkart_reports.planning.coverage import Coverage
    from tap_flipkart_reports.purchasing.partition_key import PartitionKey
    from tap_flipkart_reports.purchasing.polling import GenerationTimes
    from tap_flipkart_reports.purchasing.requests import PendingReport
    from tap_flipkart_reports.windows import Window

LOGGER = logging.getLogger(PACKAGE)


class PartitionState:
    """The state of one partition.

    Args:
        name: stream and partition, as messages name them.
        state: the partition's member of the Singer state, which is changed in place.
        finalize: what the SDK does to a member before it is written.
    """

    def __init__(self, *, name: str, state: dict[str, Any], finalize: Callable[[dict[str, Any]], object]) -> None:
        self._name = name
        self._state = state
        self._finalize = finalize

    def coverage(self) -> Coverage:
        """The days that are complete.

        Raises:
            SettingsError: the state that was handed in cannot be read.
        """
        with self._readable():
            return read_coverage(self._state)

    def pending(self) -> list[PendingReport]:
        """The reports that are bought and not yet read, as the state knows them.

        Raises:
            SettingsError: the state that was handed in cannot be read.
        """
        with self._readable():
            return read_pending(self._state)

    def unbought(self) -> tuple[Window, ...]:
        """The windows that the budget of earlier runs has left over.

        Raises:
            SettingsError: the state that was handed in cannot be read.
        """
        with self._readable():
            return read_unbought(self._state)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(
                f"the state of {self._name} cannot be read ({error}); "
                "start from a state the tap has written, or from none"
            ) from error

    def record_finished(self, window: Window, *, report_id: str, owed: Window | None) -> None:
        """Record a window whose last record is out.

        Args:
            window: its days.
            report_id: the report they were read from.
            owed: the days that the run owed the partition; `None` where no bookmark moves.
        """
        if owed is not None:
            coverage = read_coverage(self._state).with_finished(window, owed_from=owed.first, newest=owed.last)
            write_coverage(self._state, coverage)
            unbought = [left for left in read_unbought(self._state) if not window.overlaps(left)]
            write_unbought(self._state, unbought)
        self.forget(report_id)
        self._finalize(self._state)

    def record_purchase(self, report: PendingReport) -> None:
        """Record a report that is bought and not yet read."""
        write_pending(self._state, [*read_pending(self._state), report])

    def record_unbought(self, window: Window) -> None:
        """Record a window that the budget has left over: it is the first to be bought by the next run."""
        write_unbought(self._state, [*read_unbought(self._state), window])

    def forget(self, report_id: str) -> None:
        """Forget a report that was bought."""
        write_pending(self._state, [report for report in read_pending(self._state) if report.report_id != report_id])

    def give_up(self, report_id: str) -> None:
        """Forget a report that is bought and not yet read, and say so."""
        if report_id in {report.report_id for report in self.pending()}:
            LOGGER.warning("%s: report %s is given up.", self._name, report_id)
            self.forget(report_id)


class PartitionStates:
    """The states of a stream's partitions, by key.

    Args:
        stream: the stream's name.
        state_of: the SDK's look-up of a partition's member by its context, which makes one that is missing.
        stream_state: the stream's member of the Singer state.
        finalize: what the SDK does to a partition's member before it is written.
    """

    def __init__(
        self,
        *,
        stream: str,
        state_of: Callable[[dict[str, Any]], dict[str, Any]],
        stream_state: Callable[[], dict[str, Any]],
        finalize: Callable[[dict[str, Any]], object],
    ) -> None:
        self._stream = stream
        self._state_of = state_of
        self._stream_state = stream_state
        self._finalize = finalize
        self._partitions: dict[PartitionKey, PartitionState] = {}

    def __getitem__(self, key: PartitionKey) -> PartitionState:
        """The state of a partition.

        Raises:
            SettingsError: the state that was handed in cannot be read.
        """
        if key not in self._partitions:
            self._partitions[key] = PartitionState(
                name=f"{self._stream}, {key.context}", state=self._looked_up(key), finalize=self._finalize
            )
        return self._partitions[key]

    def _looked_up(self, key: PartitionKey) -> dict[str, Any]:
        try:
            return self._state_of(key.context)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(
                f"the state of {self._stream}, {key.context}, cannot be read ({error}); "
                "start from a state the tap has written, or from none"
            ) from error

    @property
    def generation_times(self) -> GenerationTimes | None:
        """Generation times seen by earlier runs."""
        return read_pace(self._stream_state())

    def record_generation_times(self, generation_times: GenerationTimes) -> None:
        """Record generation times of the report type."""
        write_pace(self._stream_state(), generation_times)
