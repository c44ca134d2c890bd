"""The JSON Schema of a stream's records: the report's columns and the tap's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_flipkart_reports.planning.report_type import ReportTable, ReportType

MAX_NAME_LETTERS = 255
"""Longest name of a seller or warehouse, as in the settings."""

NULLABLE_TEXT = {"type": ["string", "null"]}

SINGER_DECIMAL = {**NULLABLE_TEXT, "format": "x-singer.decimal", "precision": 38, "scale": 10}
"""The schema of amounts as text. The SDK's targets know this format; its taps write `singer.decimal`, which no target
reads (0.54.9). Without a scale targets would make a column of whole numbers; ten decimals are more than any of
Flipkart's files has, as in Parquet."""

SELLER = {
    "seller_id": {
        "type": ["string"],
        "maxLength": MAX_NAME_LETTERS,
        "description": "Name of the seller in the settings",
    }
}

WAREHOUSE = {
    "warehouse_id": {
        "type": ["string"],
        "maxLength": MAX_NAME_LETTERS,
        "description": "Flipkart warehouse that the report was asked for",
    }
}

SNAPSHOT = {
    "snapshot_date": {
        "type": ["string"],
        "format": "date",
        "description": "Day on which the report was requested, in Asia/Kolkata; the rows show the stock of that day",
    }
}

ROW_HASH = {
    "_row_hash": {
        "type": ["string"],
        "maxLength": 32,
        "description": "Hash of the row's cells, 32 hexadecimal digits: it tells rows apart that have no natural key",
    }
}

ROW_ORDINAL = {
    "_row_ordinal": {
        "type": ["integer"],
        "description": "Tells rows of a file apart that share the rest of the key; 1 for nearly all rows",
    }
}

PROVISIONAL = {
    "is_provisional": {
        "type": ["boolean", "null"],
        "description": "True where the payout is not made yet: such a row comes again under its payout's own NEFT id",
    }
}

REPORT_COLUMNS = {
    "report_id": {"type": ["string"], "description": "Flipkart's id of the report that the row was read from"},
    "report_from_date": {"type": ["string"], "format": "date", "description": "First day of the report's window"},
    "report_to_date": {"type": ["string"], "format": "date", "description": "Last day of the report's window"},
    "report_row_number": {"type": ["integer"], "description": "Number of the row in the report's file, from 1"},
    "_extra": {
        "type": ["object", "null"],
        "additionalProperties": True,
        "description": "Cells of columns that the schema does not have, where they do not become columns of their own",
    },
    "_unparsed": {
        "type": ["object", "null"],
        "additionalProperties": True,
        "description": "Texts of cells that do not fit their columns' types, which are null then",
    },
}

OWN_COLUMNS = frozenset({**SELLER, **WAREHOUSE, **SNAPSHOT, **ROW_HASH, **ROW_ORDINAL, **PROVISIONAL, **REPORT_COLUMNS})
"""Columns that the tap adds to records; a new column of a file never takes these names."""


@dataclass(frozen=True, kw_only=True)
class ColumnForms:
    """How to write columns that not every target accepts.

    Attributes:
        objects_are_text: whether objects are written as JSON text.
        amounts_are_text: whether numbers are written as text with the file's digits.
    """

    objects_are_text: bool = False
    amounts_are_text: bool = False


DEFAULT_FORMS = ColumnForms()


def record_schema(report_type: ReportType, table: ReportTable, forms: ColumnForms = DEFAULT_FORMS) -> dict[str, Any]:
    """The JSON Schema of a stream's records: the table's columns and the record's own.

    Args:
        report_type: the report type.
        table: one of its tables.
        forms: how objects and amounts are written.
    """
    properties: dict[str, Any] = {
        **SELLER,
        **(WAREHOUSE if report_type.per_warehouse else {}),
        **(SNAPSHOT if report_type.is_snapshot else {}),
        **table.properties,
        **REPORT_COLUMNS,
        **(PROVISIONAL if table.payout_column else {}),
        **({} if table.key else ROW_HASH),
        **ROW_ORDINAL,
    }
    return {
        "type": "object",
        "description": table.description,
        "properties": {name: _in_form(schema, forms) for name, schema in properties.items()},
    }


def _in_form(schema: Mapping[str, Any], forms: ColumnForms) -> Mapping[str, Any]:
    if forms.objects_are_text and "object" in schema["type"]:
        return {**NULLABLE_TEXT, "description": f"{schema['description']}; an object as JSON text"}
    if forms.amounts_are_text and "number" in schema["type"]:
        return {**schema, **SINGER_DECIMAL}
    return schema


def new_column(header: str) -> dict[str, Any]:
    """The JSON Schema of a new column of a file."""
    return {
        "title": header,
        **NULLABLE_TEXT,
        "description": "Column of the file that no schema declares; its cells as text",
    }
