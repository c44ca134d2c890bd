"""What is allowed of a file and of its rows; apart from their reading, which settings do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_FILE_BYTES = 4 * 2**30
"""The default of the setting `max_file_bytes`: a larger file, or one that unpacks to more, is refused."""


@dataclass(frozen=True, kw_only=True)
class RowRules:
    """What the settings of the same names say of rows and cells that do not fit.

    Attributes:
        bad_rows: whether a row that does not fit the header ends the reading or is passed over.
        max_bad_rows: rows that may be passed over; one more ends the reading.
        bad_cells: whether a cell that does not fit its column's type ends the reading, or is null with its text in
            `RowBatch.unparsed`. In a key column it always ends it: nulls would make rows one that are not.
        schema_drift: whether columns that the schema does not have become columns, go to `RowBatch.extra`, or end the
            reading.
    """

    bad_rows: Literal["fail", "skip"]
    max_bad_rows: int
    bad_cells: Literal["keep", "fail"]
    schema_drift: Literal["evolve", "extra", "fail"]
