"""Downloaded files and rejected rows, stored in the archive."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.adapters.archive import Archive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.files.row_filter import RejectedRow
    from tap_flipkart_reports.purchasing.events import Delivery

REJECTED_FOLDER = PACKAGE
"""The folder for rejected rows where `report_archive` is not set; relative to the working folder."""


class ReportFiles:
    """Stores files and rejected rows.

    Args:
        archive: the archive, if there is one.
        clock: time.
    """

    def __init__(self, *, archive: Archive | None, clock: Clock) -> None:
        self._archive = archive
        self._clock = clock
        self._kept: set[str] = set()

    def archive(self, delivery: Delivery, headers: Callable[[], Mapping[str, Sequence[str]]]) -> None:
        """Put a downloaded file into the archive, once for all the streams that read it.

        Args:
            delivery: the file.
            headers: returns the headers found in it, by table; it has to read all sheets.

        Raises:
            ArchiveError: it cannot be written.
        """
        if self._archive is not None and delivery.report_id not in self._kept:
            self._archive.add(delivery, headers())
            self._kept.add(delivery.report_id)

    def store_rejected(self, stream: str, delivery: Delivery, rows: Sequence[RejectedRow]) -> str:
        """Store rows that a stream has rejected: in the archive, or else in a folder below the working folder.

        Returns:
            Where they are.

        Raises:
            ArchiveError: they cannot be written; the window fails then.
        """
        archive = self._archive or Archive(REJECTED_FOLDER, clock=self._clock)
        return archive.add_rejected(
            delivery, stream, (json.dumps(asdict(row), ensure_ascii=False).encode() + b"\n" for row in rows)
        )

    def remove_older(self, days: int | None) -> None:
        """Remove files older than some days from the archive.

        Raises:
            ArchiveError: they cannot be removed.
        """
        if self._archive is not None and days is not None:
            self._archive.remove_older_than(days)


class ArchivedFiles(ReportFiles):
    """For files that come out of the archive."""

    def archive(self, delivery: Delivery, headers: Callable[[], Mapping[str, Sequence[str]]]) -> None:
        """Do nothing: the file is in the archive already."""
