"""Meltano's `select` rules, applied to new columns of files, which no catalog can have. Pure.

Meltano applies its rules to the catalog before the run, and also passes them in an environment variable, so that
columns which appear at run time can follow them (Meltano 4.4.1, core/plugin/singer/catalog.py).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

SELECT_VARIABLE = "MELTANO_EXTRACT__SELECT"

_FIRST_DOT = re.compile(r"(?<!\\)\.")


@dataclass(frozen=True, kw_only=True)
class SelectRules:
    """Patterns of streams and columns.

    Attributes:
        included: pairs of patterns; a column must match one of them, if there are any.
        excluded: pairs of patterns; a column that matches one of them is not selected.
    """

    included: tuple[tuple[str, str], ...] = ()
    excluded: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> SelectRules:
        """The rules in the variable; no rules if it is invalid."""
        try:
            patterns = json.loads(text or "[]")
        except ValueError:
            patterns = []
        rules = [pattern for pattern in patterns if isinstance(pattern, str)] if isinstance(patterns, list) else []
        return cls(
            included=tuple(_pair(rule) for rule in rules if not rule.startswith("!")),
            excluded=tuple(_pair(rule[1:]) for rule in rules if rule.startswith("!")),
        )

    def selects(self, stream: str, column: str) -> bool:
        """Whether a column of a stream is selected."""
        return (not self.included or _matches(self.included, stream, column)) and not _matches(
            self.excluded, stream, column
        )

    def selects_stream(self, stream: str) -> bool:
        """Whether a stream may have selected columns."""
        is_included = not self.included or any(fnmatchcase(stream, pattern) for pattern, _ in self.included)
        return is_included and not any(
            fnmatchcase(stream, pattern) and column == "*" for pattern, column in self.excluded
        )


def _pair(pattern: str) -> tuple[str, str]:
    stream, *column = _FIRST_DOT.split(pattern, maxsplit=1)
    return stream.replace(r"\.", "."), column[0] if column else "*"


def _matches(patterns: tuple[tuple[str, str], ...], stream: str, column: str) -> bool:
    return any(fnmatchcase(stream, one) and fnmatchcase(column, other) for one, other in patterns)
