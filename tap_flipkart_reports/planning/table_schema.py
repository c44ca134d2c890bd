"""Schema files of tables."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable


@dataclass(frozen=True, kw_only=True)
class TableLayout:
    """One of the layouts in which a table was seen.

    Attributes:
        name: the year of the files with this layout, or a word.
        seen: where and when it was seen.
        columns: its column names.
    """

    name: str
    seen: str
    columns: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """The known columns of a table.

    Attributes:
        description: what a row is.
        properties: the JSON Schema of each column; `title` is the exact header in the file, `aliases` are other
            headers.
        seen_once: columns that only one public program knows.
        layouts: the layouts in which it was seen, the newest first.
    """

    description: str = ""
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seen_once: frozenset[str] = frozenset()
    layouts: tuple[TableLayout, ...] = ()

    def basis(self, column: str) -> str:
        """Where a column was seen; empty if the schema does not say."""
        if column in self.seen_once:
            return "Seen by one program that reads such files"
        seen = dict.fromkeys(layout.seen for layout in self.layouts if column in layout.columns)
        return f"Seen {' and '.join(seen)}" if seen else ""


@cache
def table_schema(stream: str) -> TableSchema:
    """The schema of a stream, from `schemas/<stream>.json`, which may refer to another stream's.

    Without such a file it is empty: each header of the stream's tables then becomes a text column.
    """
    file = _schemas_folder() / f"{stream}.json"
    if not file.is_file():
        return TableSchema()
    document = json.loads(file.read_text(encoding="utf-8"))
    if "$ref" in document:
        return replace(table_schema(document["$ref"].removesuffix(".json")), description=document["description"])
    return TableSchema(
        description=document.get("description", ""),
        properties=document["properties"],
        seen_once=frozenset(document.get("seen_once", ())),
        layouts=tuple(
            TableLayout(
                name=name, seen=layout["seen"], columns=frozenset(document["properties"]) - {*layout.get("without", ())}
            )
            for name, layout in document.get("layouts", {}).items()
        ),
    )


def _schemas_folder() -> Traversable | Path:
    """The schemas are inside the package in a wheel, and next to it in a checkout (editable install)."""
    packaged = resources.files("tap_flipkart_reports") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent.parent / "schemas"
