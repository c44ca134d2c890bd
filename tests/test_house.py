"""How large the parts of the package may be."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import tap_flipkart_reports

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(tap_flipkart_reports.__file__).parent

MAX_LINES = {"module": 400, "class": 300, "function": 60}

TABLES = {
    "settings/values.py": "the fields of Settings, each with its words",
    "settings/values.py:Settings": "its fields, each with its words",
}
"""What may be longer, because it is a table of data."""


def parts() -> Iterator[tuple[str, str, int]]:
    """Every part with its kind, its name and its lines."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name, text = path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")
        yield "module", name, len(text.splitlines())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                assert node.end_lineno is not None
                kind = "class" if isinstance(node, ast.ClassDef) else "function"
                yield kind, f"{name}:{node.name}", node.end_lineno - node.lineno + 1


def test_no_part_is_too_long_to_be_read() -> None:
    too_long = {name: lines for kind, name, lines in parts() if lines > MAX_LINES[kind]}

    assert too_long.keys() == TABLES.keys(), too_long
