"""Reads a downloaded report for one stream: its rows as typed columns, with log lines for missing and new columns."""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import FileError, RowError
from tap_flipkart_reports.files.converters import CONVERTERS, JSON_CONVERTERS, TEXT_CONVERTERS
from tap_flipkart_reports.files.header_match import match_header, nearest_column
from tap_flipkart_reports.files.header_search import open_report
from tap_flipkart_reports.files.header_words import listed
from tap_flipkart_reports.files.report_guess import likeliest, rank_reports
from tap_flipkart_reports.files.row_filter import RowCounts
from tap_flipkart_reports.files.row_keys import row_identity
from tap_flipkart_reports.files.rows import read_rows
from tap_flipkart_reports.files.sheets import StoppedReadingError
from tap_flipkart_reports.planning.record_schema import OWN_COLUMNS
from tap_flipkart_reports.purchasing.requests import Reading
from tap_flipkart_reports.redaction import clean_line
from tap_flipkart_reports.report_types import REPORT_TYPES, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_flipkart_reports.files.columns import Column
    from tap_flipkart_reports.files.converters import Converters
    from tap_flipkart_reports.files.header_match import Layout
    from tap_flipkart_reports.files.header_search import Report
    from tap_flipkart_reports.files.row_filter import RejectedRow
    from tap_flipkart_reports.files.row_keys import RowIdentity
    from tap_flipkart_reports.files.rows import RowBatch
    from tap_flipkart_reports.files.sheets import Table
    from tap_flipkart_reports.purchasing.events import Delivery
    from tap_flipkart_reports.settings.values import Settings
    from tap_flipkart_reports.sync.ports import RecordTable, ValueForm
    from tap_flipkart_reports.sync.report_files import ReportFiles


_CONVERTERS: Mapping[ValueForm, Converters] = {
    "python": CONVERTERS,
    "json": JSON_CONVERTERS,
    "text": TEXT_CONVERTERS,
}


MAX_DRIFT_LENGTH = 500
"""Characters of a description of drift in the ledger."""


class ReportReader:
    """One report, read for one stream.

    Args:
        table: the table of the report, with the columns that the stream selects.
        delivery: the report.
        settings: of the run.
        files: stores the file, and rows that are skipped.
        is_stopping: whether the run was asked to end.

    Attributes:
        name: stream, seller, window and report, for messages.
        delivery: the report.
        counts: numbers of rows so far.
        is_cut_short: whether the run was asked to end in the middle; the next run reads the report from its first row.
    """

    def __init__(
        self,
        *,
        table: RecordTable,
        delivery: Delivery,
        settings: Settings,
        files: ReportFiles,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._table = table
        self._columns, self._selected = list(table.columns), list(table.selected)
        self.delivery = delivery
        self._settings = settings
        self._files = files
        self._is_stopping = is_stopping
        self._logger = logging.getLogger(PACKAGE).getChild(table.stream)
        self._rejected: list[RejectedRow] = []
        self.counts = RowCounts()
        self._fingerprints: set[str] = set()
        self._drift: list[str] = []
        self._tied = 0
        self.is_cut_short = False
        self.name = f"{delivery.request.named(table.stream)}, report {delivery.report_id}"

    def reading(self) -> Reading:
        """The outcome, once the whole report is read."""
        return Reading(
            rows=self.counts.rows,
            rejected=self.counts.skipped,
            fingerprints=frozenset(self._fingerprints),
            drift=tuple(clean_line(words, limit=MAX_DRIFT_LENGTH) for words in self._drift),
            tied=self._tied,
        )

    def columns(self, *, form: ValueForm) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Typed columns of the rows of the stream's tables, batch by batch.

        Args:
            form: how cells become values.

        Raises:
            FileError: the file is not a report, or it is damaged.
            RowError: it has rows that the settings do not allow.
            ArchiveError: the file cannot be put into the archive.
        """
        converters = _CONVERTERS["text" if self._table.forms.amounts_are_text else form]
        try:
            with self._opened() as report:
                self._files.archive(self.delivery, lambda: report.headers)
                tables = self._tables_of(report)
                self._log_tables(report, tables)
                identity = self._identity_of(tables)
                for table in tables:
                    yield from self._columns_of(table, converters, identity)
                    if self.is_cut_short:
                        return
                self._log_repeats(identity)
        except StoppedReadingError:
            self.is_cut_short = True
            return
        finally:
            if self._rejected:
                self._log_rejected()
        self._log_counts()

    @contextmanager
    def _opened(self) -> Iterator[Report]:
        """Open the report's file; one that cannot be read is archived, too."""
        max_file_bytes = self._settings.max_file_bytes
        tables = self._table.report_type.tables
        try:
            with open_report(
                self.delivery.path, tables, max_file_bytes=max_file_bytes, checkpoint=self._checkpoint
            ) as report:
                yield report
        except FileError:
            self._files.archive(self.delivery, dict)
            raise

    def _checkpoint(self) -> None:
        """Stop reading once the run is asked to end."""
        if self._is_stopping():
            raise StoppedReadingError

    def _tables_of(self, report: Report) -> list[Table]:
        """The stream's tables of a report. If it has none, the error names the report type that its columns fit."""
        try:
            return report.tables_for(self._table.stream)
        except RowError as error:
            raise RowError(f"{error}{self._hint_of_other_report(report)}") from error

    def _hint_of_other_report(self, report: Report) -> str:
        """A hint that the file is of another report type than declared; documented identifiers are trusted."""
        own = self._table.report_type
        documented = REPORT_TYPES.get(own.name)
        if documented is not None and documented.identifier == own.identifier:
            return ""
        names = likeliest(rank_reports(report.all_sheets, TABLES))
        if not names or own.name in names:
            return ""
        setting = json.dumps({"report_types": {names[0]: {"identifier": own.identifier}}})
        return f"; the file is of {names[0]}: declare it under that name, {setting}, in place of {own.name}"

    def _layout_of(self, table: Table) -> Layout:
        return match_header(table.header, self._columns, reserved=OWN_COLUMNS, layouts=self._table.table.layouts)

    def _identity_of(self, tables: Sequence[Table]) -> RowIdentity:
        """The identity of rows, over all tables."""
        declared = self._table.table
        parts = [(table, self._layout_of(table)) for table in tables]
        return row_identity(declared.key, parts, fallback=declared.fallback_key)

    def _columns_of(
        self, table: Table, converters: Converters, identity: RowIdentity
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        layout = self._layout_of(table)
        if table.undecodable:
            self._logger.warning(
                "%s: %d bytes fit neither UTF-8 nor cp1252 and are U+FFFD in the records.", self.name, table.undecodable
            )
        self._fingerprints.add(layout.fingerprint)
        self._log_drift(layout)
        if self._settings.schema_drift == "evolve" and layout.new:
            new = [column for _, column in layout.new]
            self._columns += new
            self._selected = list(self._table.add_columns(new))
        constants = dict.fromkeys(self._selected) | self._constant_columns()
        for batch in read_rows(
            table,
            layout,
            selected=frozenset(self._selected),
            rules=self._settings.row_rules,
            identity=identity,
            counts=self.counts,
            reject=self._rejected.append,
            converters=converters,
        ):
            columns = _all_columns(batch, objects_are_text=self._table.forms.objects_are_text)
            yield {name: columns.get(name) or [constants[name]] * batch.count for name in self._selected}
            if self._is_stopping():
                self.is_cut_short = True
                return

    def _constant_columns(self) -> dict[str, Any]:
        request, report_type = self.delivery.request, self._table.report_type
        return {
            "seller_id": request.seller_id,
            **({"warehouse_id": request.warehouse_id} if report_type.per_warehouse else {}),
            **({"snapshot_date": request.window.last.isoformat()} if report_type.is_snapshot else {}),
            "report_id": self.delivery.report_id,
            "report_from_date": request.window.first.isoformat(),
            "report_to_date": request.window.last.isoformat(),
        }

    def _log_drift(self, layout: Layout) -> None:
        """Log missing and new columns, each once."""
        self._collect_drift(layout)
        known = [column for column in self._columns if column not in {column for _, column in layout.placed}]
        for text, columns in (
            ("does not have the columns %s, which are null", layout.missing),
            ("has new columns %s", [column for _, column in layout.new]),
        ):
            logged = self._table.drift_logged
            unlogged = [
                column.header.strip() if column in layout.missing else _with_nearest(column, known)
                for column in columns
                if (text, column.name) not in logged
            ]
            logged |= {(text, column.name) for column in columns}
            if unlogged:
                # If no columns are published, all of them are new.
                level = logging.WARNING if self._table.table.columns else logging.INFO
                self._logger.log(level, "%s %s (header %s).", self.name, text % ", ".join(unlogged), layout.fingerprint)

    def _collect_drift(self, layout: Layout) -> None:
        """Collect missing and new columns for the ledger, compared with the published schema alone."""
        published = {column.name for column in self._table.table.columns}
        if not published:
            return
        has = [column for _, column in (*layout.placed, *layout.new) if column.name not in published]
        lacks = [column for column in layout.missing if column.name in published]
        for words, columns in (("does not have the columns", lacks), ("has new columns", has)):
            if columns:
                headers = ", ".join(column.header.strip() for column in columns)
                self._drift.append(f"{self._table.stream} {words} {headers}")

    def _log_tables(self, report: Report, tables: Sequence[Table]) -> None:
        """Log tables that the report does not have, and tables that no stream reads."""
        if not tables:
            self._logger.info("%s has no table %r: no rows.", self.name, self._table.table.title)
        if self._table.stream != self.delivery.request.readers[0]:
            return
        if not self._table.table.columns and (words := self._hint_of_other_report(report)):
            self._logger.warning("%s: its columns are read as text%s.", self.name, words)
        for table in report.unmatched:
            self._drift.append(f"{self._table.stream} has a table that no stream reads: {table.name or 'the file'}")
            if ("unmatched", table.name or "") not in self._table.drift_logged:
                self._table.drift_logged.add(("unmatched", table.name or ""))
                self._logger.warning(
                    "%s, report %s has a table that no stream reads, %s with the columns %s%s; `flipkart-reports "
                    "inspect` shows it, and an entry of custom_reports with `sheets` reads it.",
                    self.delivery.request,
                    self.delivery.report_id,
                    table.name or "the file",
                    listed(table.header),
                    f", which is most like {table.like}" if table.like else "",
                )

    def _log_rejected(self) -> None:
        """Store the rows that were skipped, and log where they are."""
        folder = self._files.store_rejected(self._table.stream, self.delivery, self._rejected)
        self._logger.warning(
            "%s: rows skipped: %d, the first on line %d, which %s; kept in %s.",
            self.name,
            len(self._rejected),
            self._rejected[0].line,
            self._rejected[0].cause,
            folder,
        )

    def _log_repeats(self, identity: RowIdentity) -> None:
        """Warn of rows that share a key: if one is missing from a later report, its record stays in the target."""
        repeats = identity.repeats
        self._tied = repeats.tied + repeats.incomplete
        if words := repeats.words:
            self._logger.warning(
                "%s: %s (%s), such as %s; they are told apart by _row_ordinal. When a later report has fewer of them, "
                "the record of one that is gone stays in the target: see docs/records.md.",
                self.name,
                words,
                ", ".join(self._table.table.key),
                "; ".join(repeats.examples),
            )

    def _log_counts(self) -> None:
        self._logger.info("%s: %d rows.", self.name, self.counts.rows)
        for column, bad in self.counts.bad_cells.items():
            self._logger.warning(
                "%s: %d cells of column %s do not fit its type, the first on line %d; kept in _unparsed.",
                self.name,
                bad.count,
                column,
                bad.first_line,
            )


def _with_nearest(column: Column, known: Sequence[Column]) -> str:
    """A new column's header, with the known column that its name is most like."""
    nearest = nearest_column(column.header, known)
    return column.header.strip() + (f" (most like {nearest.name})" if nearest is not None else "")


def _all_columns(batch: RowBatch, *, objects_are_text: bool) -> dict[str, Sequence[Any]]:
    """The file's columns, and the columns that the tap adds with a value per row."""
    extra, unparsed = (
        (_json_texts(batch.extra), _json_texts(batch.unparsed)) if objects_are_text else (batch.extra, batch.unparsed)
    )
    columns: dict[str, Sequence[Any]] = {
        **batch.columns,
        "report_row_number": batch.row_numbers,
        "_row_ordinal": batch.row_ordinals,
        "_extra": extra,
        "_unparsed": unparsed,
    }
    if batch.row_hashes is not None:
        columns["_row_hash"] = batch.row_hashes
    if batch.is_provisional is not None:
        columns["is_provisional"] = batch.is_provisional
    return columns


def _json_texts(objects: Sequence[dict[str, str] | None]) -> list[str | None]:
    return [None if each is None else json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in objects]
