"""A look at the file of a report: what it is packed in, its tables, and what of their rows is not as expected."""

from __future__ import annotations

import gzip
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.commands.inspect import inspect_file
from tap_flipkart_reports.commands.probe_findings import FileFinding, TableFinding
from tap_flipkart_reports.exceptions import ArchiveError, FileError, RowError, SettingsError
from tap_flipkart_reports.files.containers import is_workbook
from tap_flipkart_reports.sync.report_reader import ReportReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tap_flipkart_reports.commands.inspect import InspectedTable
    from tap_flipkart_reports.commands.probe_findings import TypeFinding
    from tap_flipkart_reports.purchasing.events import Delivery
    from tap_flipkart_reports.sync.ports import RecordStream
    from tap_flipkart_reports.sync.run import Run

DAY_COLUMNS = {
    "sales_ledger": "buyer_invoice_date",
    "settled_transaction_ledger": "payment_date",
    "orders_report": "order_date",
    "returns_report": "return_requested_date",
}
"""The column that places a row on a day of its report's window."""

KINDS = {"number": "amount", "integer": "count", "date": "date", "date-time": "moment", "string": "text"}
"""What the simulator calls the types of columns."""


def look_at_file(run: Run, finding: TypeFinding, delivery: Delivery, streams: Sequence[RecordStream]) -> None:
    """Note what a file is, and the result of reading it for each of its streams.

    The file is kept in the archive, as by any run; it is not recorded as read, so the next run reads it.

    Args:
        run: whose settings hold.
        finding: where it is noted.
        delivery: the file.
        streams: those that read it.
    """
    finding.file = FileFinding(container=container_of(delivery.path), size=delivery.size)
    outside = {stream.name: _rows_outside(run, delivery, stream) for stream in streams}
    try:
        inspection = inspect_file(delivery.path, finding.name)
    except (FileError, SettingsError) as error:
        finding.error = str(error)
        return
    types = {column.header.strip(): column.type for stream in streams for column in stream.record_table().columns}
    for table in inspection.tables:
        found = _finding_of(table, types)
        found.outside = outside.get(table.stream or "", 0)
        finding.tables.append(found)


def _finding_of(table: InspectedTable, types: Mapping[str, str]) -> TableFinding:
    header = [cell.strip() for cell in table.header]
    # A table without its key is not matched further: only its headers are compared.
    new = [cell.strip() for cell in table.new] or (
        [cell for cell in header if cell not in types] if table.error else []
    )
    proposed = {schema["title"].strip(): schema for schema in table.schema.values()}
    return TableFinding(
        stream=table.stream,
        sheet=table.name,
        header=header,
        known=len(header) - len(new),
        new=new,
        missing=[cell.strip() for cell in table.missing],
        kinds={cell: KINDS.get(types.get(cell) or _type_of(proposed.get(cell)), "text") for cell in header},
        rows=table.counts.rows,
        bad_cells={name: bad.count for name, bad in table.counts.bad_cells.items()},
        tied=table.tied,
        incomplete=table.incomplete,
        error=table.error,
        schema=dict(table.schema),
    )


def _type_of(schema: Mapping[str, Any] | None) -> str:
    return str(schema.get("format") or schema["type"][0]) if schema else "string"


def container_of(path: Path) -> str:
    """What a file is packed in, from the outside in, by its bytes."""
    with path.open("rb") as file:
        beginning = file.read(4)
    if beginning[:2] == b"\x1f\x8b":
        with gzip.open(path, "rb") as inside:
            return f"gzip, {'workbook or ZIP' if inside.read(2) == b'PK' else 'text'}"
    if beginning[:2] != b"PK":
        return "text"
    with zipfile.ZipFile(path) as archive:
        if is_workbook(archive):
            return "workbook"
        names = archive.namelist()
    return "ZIP of " + ", ".join(f"{count} {ending}" for ending, count in Counter(map(_ending, names)).items())


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else "other"


def _rows_outside(run: Run, delivery: Delivery, stream: RecordStream) -> int:
    """Rows of a stream whose day is not one of the report's, as far as they can be read."""
    table = stream.record_table()
    reader = ReportReader(
        table=replace(table, add_columns=lambda _new: table.selected),
        delivery=delivery,
        settings=run.settings,
        files=run.services.files,
        is_stopping=lambda: run.is_stopping,
    )
    outside = 0
    try:
        for columns in reader.columns(form="python"):
            outside += _outside(delivery, stream.name, columns)
    except (FileError, RowError, ArchiveError):
        return outside  # the finding of the table reports it
    return outside


def _outside(delivery: Delivery, stream: str, columns: Mapping[str, Sequence[Any]]) -> int:
    """Rows of a batch whose day is not one of the report's."""
    days = columns.get(DAY_COLUMNS.get(stream, ""), ())
    window = delivery.request.window
    return sum(not window.first <= day <= window.last for value in days if (day := _day(value)) is not None)


def _day(value: object) -> date | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return (value.astimezone(KOLKATA) if value.tzinfo else value).date()
    return value if isinstance(value, date) else None
