"""Rules for files and rows, in a module of their own so that settings need not import the readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_FILE_BYTES = 4 * 2**30
"""Default of the setting `max_file_bytes`: a file that is larger, packed or unpacked, is refused."""


@dataclass(frozen=True, kw_only=True)
class RowRules:
    """The settings of the same names, for rows and cells that do not fit.

    Attributes:
        bad_rows: whether a row that does not fit the header ends the reading or is skipped.
        max_bad_rows: rows that may be skipped; one more ends the reading.
        bad_cells: whether a cell that does not fit its column's type ends the reading, or is null with its text in
            `RowBatch.unparsed`. In a key column it always ends the reading: nulls would merge different rows.
        schema_drift: whether columns that the schema does not have become columns, go to `RowBatch.extra`, or end the
            reading.
    """

    bad_rows: Literal["fail", "skip"]
    max_bad_rows: int
    bad_cells: Literal["keep", "fail"]
    schema_drift: Literal["evolve", "extra", "fail"]


LENIENT_RULES = RowRules(bad_rows="skip", max_bad_rows=2**62, bad_cells="keep", schema_drift="evolve")
"""Rules with which no row and no cell ends the reading."""
