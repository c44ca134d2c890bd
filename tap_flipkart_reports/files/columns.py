"""The columns that a table may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_KEY_LETTERS = 128
"""Letters of a part of a natural key: of all parts together an index of any database can be made."""

ColumnType = Literal["string", "integer", "number", "date", "date-time"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that a table may have.

    Attributes:
        name: its name in the records.
        header: its header in the file.
        type: what its cells are.
        aliases: other headers it goes by.
        is_key: whether it belongs to the natural key: no cell of it is null.
        is_required: whether the file has to have it, or another of those that are required.
        fills_down: whether its cell is blank where it would repeat the row above.
        provisional: texts that are in it for a payout that is not made yet, in upper case; such a row says what may
            be paid, and blank cells say the same.
    """

    name: str
    header: str
    type: ColumnType = "string"
    aliases: tuple[str, ...] = ()
    is_key: bool = False
    is_required: bool = False
    fills_down: bool = False
    provisional: frozenset[str] = frozenset()
