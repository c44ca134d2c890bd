"""The JSON Schema of a stream's records: the report's columns and the tap's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tap_flipkart_reports.planning.report_type import ReportTable, ReportType

NULLABLE_TEXT = {"type": ["string", "null"]}

SELLER = {"seller_id": {"type": ["string"], "description": "the seller's name in the settings"}}

WAREHOUSE = {"warehouse_id": {"type": ["string"], "description": "the warehouse the report was asked for"}}

SNAPSHOT = {"snapshot_date": {"type": ["string"], "format": "date", "description": "the day it was asked for"}}

ROW_HASH = {"_row_hash": {"type": ["string"], "description": "hash of the row's cells"}}

ROW_ORDINAL = {
    "_row_ordinal": {
        "type": ["integer"],
        "description": "tells rows of a file apart that share the rest of the key; 1 for nearly all rows",
    }
}

PROVISIONAL = {
    "is_provisional": {
        "type": ["boolean", "null"],
        "description": "true where the payout is not made yet: such a row comes again under its payout's own NEFT id",
    }
}

ORIGIN = {
    "report_id": {"type": ["string"], "description": "Flipkart's id of the report the row was read from"},
    "report_from_date": {"type": ["string"], "format": "date", "description": "first day of the report's window"},
    "report_to_date": {"type": ["string"], "format": "date", "description": "last day of the report's window"},
    "report_row_number": {"type": ["integer"], "description": "number of the row in the file, from 1"},
    "_extra": {
        "type": ["object", "null"],
        "additionalProperties": True,
        "description": "cells of columns that the schema does not have, where they are not columns of their own",
    },
    "_unparsed": {
        "type": ["object", "null"],
        "additionalProperties": True,
        "description": "text of cells that do not fit their column's type, which is null then",
    },
}

OWN_COLUMNS = frozenset({**SELLER, **WAREHOUSE, **SNAPSHOT, **ROW_HASH, **ROW_ORDINAL, **PROVISIONAL, **ORIGIN})
"""Columns of every record that are not the file's; a new column of a file never takes their names."""


def record_schema(report_type: ReportType, table: ReportTable) -> dict[str, Any]:
    """The JSON Schema of a stream's records: the table's columns and the record's own."""
    properties: dict[str, Any] = {
        **SELLER,
        **(WAREHOUSE if report_type.per_warehouse else {}),
        **(SNAPSHOT if report_type.is_snapshot else {}),
        **table.properties,
        **ORIGIN,
        **(PROVISIONAL if table.payout_column else {}),
        **({} if table.key else ROW_HASH),
        **ROW_ORDINAL,
    }
    return {"type": "object", "properties": properties}
