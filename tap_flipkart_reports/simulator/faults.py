"""What goes wrong on request: a script of rules, each of which spoils some calls.

A rule names a fault, and which calls it spoils: of which call, report type and seller, from which matching call on
(`nth`), how often (`times`), or each so many (`every`). Everything else is the fault's own argument.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CALLS = ("token", "trigger", "detail", "download")

ANY_CALL: dict[str, dict[str, type | tuple[type, ...]]] = {
    "rate_limit": {"retry_after": (int, float, str)},
    "server_error": {"status": int},
    "drop_connection": {},
    "bad_json": {},
    "slow_answer": {"seconds": (int, float)},
    "token_expired": {},
}
"""Faults that a rule may put on any call, with their arguments; `retry_after` may be seconds or the word `date`."""

OF_CALL: dict[str, dict[str, dict[str, type | tuple[type, ...]]]] = {
    "token": {"token_dead": {}, "rotate_refresh_token": {}},
    "trigger": {
        "answer_lost": {},
        "failed": {},
        "expired": {},
        "never": {},
        "slow": {"seconds": (int, float)},
        "odd_status": {"word": str, "details": int},
        "header_only": {},
        "zero_bytes": {},
        "html_page": {},
        "gzip_file": {},
        "zip_file": {},
        "bom": {},
        "cp1252": {},
        "lf": {},
        "shuffled_columns": {},
        "extra_column": {"header": str},
        "missing_column": {"header": str},
        "renamed_column": {"header": str, "to": str},
        "ragged_row": {"row": int, "cells": int},
        "bad_cell": {"row": int, "header": str, "text": str},
        "blank_lines": {},
        "duplicate_rows": {},
        "unterminated_quote": {},
    },
    "detail": {"no_location": {}, "expires": {}},
    "download": {
        "dead_link": {},
        "cut_download": {"bytes": int},
        "cut_chunked": {"bytes": int},
        "gzip_encoding": {},
    },
}
"""Faults that belong to one call, with their arguments. Those of a trigger stay with the report it buys."""

_SELECTING: dict[str, type | tuple[type, ...]] = {
    "fault": str,
    "call": str,
    "identifier": str,
    "seller_id": str,
    "nth": int,
    "times": int,
    "every": int,
}


@dataclass(kw_only=True)
class Rule:
    """One rule and how often it has matched and fired."""

    fault: str
    call: str
    identifier: str | None = None
    seller_id: str | None = None
    nth: int = 1
    times: int = 1
    every: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    matched: int = 0
    fired: int = 0

    def fires(self, *, call: str, identifier: str | None, seller_id: str | None) -> bool:
        """Whether this call is to be spoiled; counts it."""
        if self.call != call or self.identifier not in {None, identifier} or self.seller_id not in {None, seller_id}:
            return False
        self.matched += 1
        is_due = self.matched % self.every == 0 if self.every else self.matched >= self.nth and self.fired < self.times
        self.fired += is_due
        return is_due


class Faults:
    """The rules of a script, and a count of what fired."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = list(rules)
        self._lock = threading.Lock()
        self.fired: Counter[str] = Counter()

    @classmethod
    def load(cls, path: Path) -> Faults:
        """Read a script from a JSON file.

        Raises:
            ValueError: it is not a list of rules; the text says which rule is wrong, and how.
            OSError: it cannot be read.
        """
        return cls.parse(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, script: object) -> Faults:
        """Read a script.

        Raises:
            ValueError: it is not a list of rules; the text says which rule is wrong, and how.
        """
        if not isinstance(script, list):
            raise ValueError("a fault script is a list of rules")  # noqa: TRY004 - one kind of error for one kind of mistake
        return cls([_rule(number, entry) for number, entry in enumerate(script, 1)])

    def firing(self, call: str, *, identifier: str | None = None, seller_id: str | None = None) -> dict[str, Any]:
        """The faults that spoil this call, each with its arguments."""
        with self._lock:
            firing = {
                rule.fault: dict(rule.arguments)
                for rule in self._rules
                if rule.fires(call=call, identifier=identifier, seller_id=seller_id)
            }
            self.fired.update(firing.keys())
        return firing


def _rule(number: int, entry: object) -> Rule:
    if not isinstance(entry, dict) or "fault" not in entry:
        raise ValueError(f"rule {number} is not an object that names a fault")
    fault = entry["fault"]
    calls = CALLS if fault in ANY_CALL else tuple(call for call, faults in OF_CALL.items() if fault in faults)
    if not calls:
        known = sorted({*ANY_CALL, *(name for faults in OF_CALL.values() for name in faults)})
        raise ValueError(f"rule {number} names {fault!r}, which is no fault; they are {', '.join(known)}")
    call = entry.get("call", "detail" if fault in ANY_CALL else calls[0])
    if call not in calls:
        raise ValueError(f"rule {number}: {fault} does not spoil the call {call!r}, only {', '.join(calls)}")
    own = ANY_CALL[fault] if fault in ANY_CALL else OF_CALL[call][fault]
    for name, value in entry.items():
        expected = {**_SELECTING, **own}.get(name)
        if expected is None:
            raise ValueError(f"rule {number}: {fault} has no argument {name!r}; it has {', '.join(own) or 'none'}")
        if isinstance(value, bool) or not isinstance(value, expected):
            raise ValueError(f"rule {number}: {name} is {value!r}, which is of the wrong type")  # noqa: TRY004 - the same
    selecting = {name: value for name, value in entry.items() if name in _SELECTING and name not in {"fault", "call"}}
    arguments = {name: value for name, value in entry.items() if name in own}
    return Rule(fault=fault, call=call, arguments=arguments, **selecting)
