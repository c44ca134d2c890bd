"""What the Singer state holds of a stream's partitions: read to plan a run, written as reports are bought and read."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.bookmarks import (
    read_coverage,
    read_generation_times,
    read_pending,
    read_unbought,
    write_coverage,
    write_generation_times,
    write_pending,
    write_unbought,
)
from tap_flipkart_reports.planning.state_check import FRESH_STATE_ADVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
        changed: called after each change.
        finalize: the SDK's preparation of a member before it is written.

    Attributes:
        member: the partition's member of the Singer state.
    """

    def __init__(
        self,
        *,
        name: str,
        state: dict[str, Any],
        changed: Callable[[dict[str, Any]], object],
        finalize: Callable[[dict[str, Any]], object],
    ) -> None:
        self._name = name
        self.member = self._state = state
        self._changed = changed
        self._finalize = finalize

    def coverage(self) -> Coverage:
        """The days that are complete.

        Raises:
            SettingsError: the state that was given cannot be read.
        """
        with self._readable():
            return read_coverage(self._state)

    def pending(self) -> list[PendingReport]:
        """The reports that are bought and not yet read, as the state knows them.

        Raises:
            SettingsError: the state that was given cannot be read.
        """
        with self._readable():
            return read_pending(self._state)

    def unbought(self) -> tuple[Window, ...]:
        """The windows that earlier runs did not buy because of their budget.

        Raises:
            SettingsError: the state that was given cannot be read.
        """
        with self._readable():
            return read_unbought(self._state)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(f"the state of {self._name} cannot be read ({error}); {FRESH_STATE_ADVICE}") from error

    def record_finished(self, window: Window, *, report_id: str, owed: Window | None) -> None:
        """Record a window whose last record is written.

        A target that lost its last states leaves purchases in the state that an earlier run has read, while the ledger
        may know a newer report of their days. Once those days are read, such a purchase is useless and is forgotten.

        Args:
            window: the window.
            report_id: the report that its days were read from.
            owed: the days that the run owed the partition; `None` where no bookmark moves.
        """
        if owed is not None:
            coverage = read_coverage(self._state)
            read = coverage.days_read_after(window, newest=owed.last)
            write_coverage(self._state, coverage.with_finished(window, first_owed=owed.first, newest=owed.last))
            self._forget_purchases_of(read)
            self._forget_unbought(window, owed=owed)
        self.forget(report_id)
        self._finalize(self._state)

    def _forget_unbought(self, window: Window, *, owed: Window) -> None:
        """Forget unbought windows of these days, and of days that are no longer owed.

        A snapshot of a day that is over cannot be bought, and a day may have left the look-back.
        """
        unbought = [
            left for left in read_unbought(self._state) if left.last >= owed.first and not window.overlaps(left)
        ]
        write_unbought(self._state, unbought)

    def _forget_purchases_of(self, days: Sequence[Window]) -> None:
        """Forget reports of days that are read, except those of repairs."""
        kept = [
            report
            for report in read_pending(self._state)
            if report.is_repair or not any(read.covers(report.window) for read in days)
        ]
        write_pending(self._state, kept)

    def record_purchase(self, report: PendingReport) -> None:
        """Record a report that is bought and not yet read."""
        write_pending(self._state, [*read_pending(self._state), report])
        self._changed(self._state)

    def record_unbought(self, window: Window) -> None:
        """Record a window that the budget did not allow: the next run buys it first."""
        write_unbought(self._state, [*read_unbought(self._state), window])
        self._changed(self._state)

    def forget(self, report_id: str) -> None:
        """Forget a report that was bought."""
        write_pending(self._state, [report for report in read_pending(self._state) if report.report_id != report_id])
        self._changed(self._state)

    def give_up(self, report_id: str) -> None:
        """Forget a report that is bought and not yet read, and log that."""
        if report_id in {report.report_id for report in self.pending()}:
            LOGGER.warning("%s: report %s is given up.", self._name, report_id)
            self.forget(report_id)


class PartitionStates:
    """The states of a stream's partitions, by key. An empty one is left out of the Singer state.

    Args:
        stream: the stream's name.
        stream_state: the stream's member of the Singer state.
        finalize: the SDK's preparation of a partition's member before it is written.
    """

    def __init__(
        self,
        *,
        stream: str,
        stream_state: Callable[[], dict[str, Any]],
        finalize: Callable[[dict[str, Any]], object],
    ) -> None:
        self._stream = stream
        self._stream_state = stream_state
        self._finalize = finalize
        self._partitions: dict[PartitionKey, PartitionState] = {}
        self._listed: set[int] = set()
        """Identities of the members that are in the Singer state."""

    def __getitem__(self, key: PartitionKey) -> PartitionState:
        """The state of a partition.

        Raises:
            SettingsError: the state that was given cannot be read.
        """
        if key not in self._partitions:
            self._partitions[key] = PartitionState(
                name=f"{self._stream}, {key.context}",
                state=self._find_or_create(key),
                changed=self._update_listing,
                finalize=self._finalize,
            )
        return self._partitions[key]

    def _find_or_create(self, key: PartitionKey) -> dict[str, Any]:
        try:
            members = self._members.get(_sorted_items(key.context), [])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(
                f"the state of {self._stream}, {key.context}, cannot be read ({error}); {FRESH_STATE_ADVICE}"
            ) from error
        if len(members) > 1:
            raise SettingsError(
                f"the state of {self._stream}, {key.context}, cannot be read (it appears {len(members)} times); "
                f"{FRESH_STATE_ADVICE}"
            )
        if not members:
            return {"context": key.context}
        self._listed.add(id(members[0]))
        return members[0]

    @cached_property
    def _members(self) -> dict[tuple[tuple[str, Any], ...], list[dict[str, Any]]]:
        """The stream's members of the Singer state, by context; the SDK would search all of them for each."""
        members: dict[tuple[tuple[str, Any], ...], list[dict[str, Any]]] = {}
        for member in self._stream_state().get("partitions") or ():
            members.setdefault(_sorted_items(member["context"]), []).append(member)
        return members

    def _update_listing(self, member: dict[str, Any]) -> None:
        """Add a member to the Singer state, or remove it if it has nothing but its context."""
        is_listed, is_blank = id(member) in self._listed, len(member) == 1
        if is_listed == is_blank:
            partitions = self._stream_state().setdefault("partitions", [])
            if is_blank:
                partitions[:] = [other for other in partitions if other is not member]
                self._listed.discard(id(member))
            else:
                partitions.append(member)
                self._listed.add(id(member))

    @property
    def generation_times(self) -> GenerationTimes | None:
        """Generation times seen by earlier runs."""
        return read_generation_times(self._stream_state())

    def record_generation_times(self, generation_times: GenerationTimes) -> None:
        """Record generation times of the report type."""
        write_generation_times(self._stream_state(), generation_times)


def _sorted_items(context: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """A context as a key, in any order of its members. The tap writes only text: other values match no partition."""
    return tuple(sorted((name, value if isinstance(value, str) else repr(value)) for name, value in context.items()))
