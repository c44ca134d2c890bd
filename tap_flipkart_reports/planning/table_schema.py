"""The schema file of a table."""

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
    """One of the layouts that a table was seen in.

    Attributes:
        name: the year of the files that have it, or a word.
        seen: where and when it was seen.
        columns: names of its columns.
    """

    name: str
    seen: str
    columns: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """The columns of a report's table as they were seen.

    Attributes:
        description: what a row is.
        properties: JSON Schema of each column; `title` is the exact header in the file, `aliases` are others.
        seen_once: columns that only one public reader of the files knows.
        layouts: the layouts it was seen in, the newest first.
    """

    description: str = ""
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seen_once: frozenset[str] = frozenset()
    layouts: tuple[TableLayout, ...] = ()

    def basis(self, column: str) -> str:
        """How well a column is known: who has seen it in which files; empty where the schema does not say."""
        if column in self.seen_once:
            return "Seen by one program that reads such files"
        seen = dict.fromkeys(layout.seen for layout in self.layouts if column in layout.columns)
        return f"Seen {' and '.join(seen)}" if seen else ""


@cache
def table_schema(stream: str) -> TableSchema:
    """The columns of a stream, from `schemas/<stream>.json`, which may refer to another stream's.

    Without such a file there are none: each header of the stream's tables then becomes a column of text.
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
    """In the wheel the schemas lie in the package; in a checkout (editable install) beside it."""
    packaged = resources.files("tap_flipkart_reports") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent.parent / "schemas"
