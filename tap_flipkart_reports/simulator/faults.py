"""Fault scripts: a script is a list of rules, each of which spoils some calls.

A rule names a fault and selects calls: by call, report type and seller, from the `nth` matching call on, `times` calls
in all, or every `every`-th. All other members are arguments of the fault. `FAULTS` lists all faults; the help of
`flipkart-reports simulate` and the README's table are generated from it.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Kind = type | tuple[type, ...]

CALLS = ("token", "trigger", "detail", "download")

FORMATS = ("csv", "csv_with_preamble", "xlsx", "zip_of_workbooks")
"""Formats of a report's file; the first is the default."""

YEARS = ("2026", "2025")
"""Years whose layouts a report's file may have; the first is the default."""

NUMBER = (int, float)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of fault.

    Attributes:
        calls: the calls that it can spoil; the first is the default. A fault of a trigger stays with the report that
            the trigger buys.
        meaning: its effect, for people.
        members: types of its arguments, by name.
        needs: the arguments that a rule must have.
        only_in: `text` or `workbook`, if it can spoil only such files; the report's file then has that format.
    """

    calls: tuple[str, ...]
    meaning: str
    members: Mapping[str, Kind] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    only_in: str | None = None


def _fault(*calls: str, only_in: str | None = None) -> Callable[..., Fault]:
    def fault(meaning: str, *needs: str, **members: Kind) -> Fault:
        return Fault(calls=calls, meaning=meaning, members=members, needs=needs, only_in=only_in)

    return fault


_any = _fault("detail", *(call for call in CALLS if call != "detail"))
_token, _trigger, _detail, _download = (_fault(call) for call in CALLS)
_text = _fault("trigger", only_in="text")
_workbook = _fault("trigger", only_in="workbook")


def _table(meaning: str, *needs: str, **members: Kind) -> Fault:
    return _trigger(meaning, *needs, **members, table=str)


FAULTS: Mapping[str, Fault] = {
    # any call
    "rate_limit": _any("429, with `Retry-After` if given: seconds, or the word `date`", retry_after=(int, float, str)),
    "server_error": _any("a server error, by default 500, and a page of HTML", status=int),
    "drop_connection": _any("the connection ends without an answer"),
    "bad_json": _any("200, and half a document"),
    "slow_answer": _any("the answer takes a second, or as many as given", seconds=NUMBER),
    "token_expired": _any("401; the access token is dead from then on"),
    "token_forbidden": _any("403 that names the token as dead, which it is from then on"),
    "echoed_token": _any("400 that repeats the request's `Authorization`, with a line break and an escape sequence"),
    "early_hints": _any("`103 Early Hints` comes before the answer"),
    "one_byte_a_second": _any("the answer comes a byte a second, or per so many seconds", seconds=NUMBER),
    "endless_head": _any("`100 Continue` without end"),
    "endless_answer": _any("an answer without end"),
    "packed_bomb": _any("a gzipped answer of a gigabyte, or of so many bytes unpacked", bytes=int),
    "cut_head": _any("the connection ends within the headers"),
    "odd_chunk": _any("a piece of the answer says that it has -5 bytes"),
    "slow_error": _any("422 with 300 KB of `a-`, or of the scrap, on which careless patterns work for ever", scrap=str),
    # the token call
    "token_dead": _token("the seller has withdrawn the authorisation: 400 from then on"),
    "odd_token": _token("the access token has a line break in it"),
    "rotate_refresh_token": _token("the answer has a new refresh token, and the old one is dead"),
    # a report's life
    "answer_lost": _trigger("the report is sold, and the connection ends without an answer"),
    "failed": _trigger("the report ends as FAILED"),
    "expired": _trigger("the report ends as EXPIRED"),
    "never": _trigger("the report is never ready"),
    "slow": _trigger("the report takes so many seconds", seconds=NUMBER),
    "not_yet_known": _trigger("the first answers (1, or `details`) about the report are 404", details=int),
    "odd_status": _trigger("the first answers (1, or `details`) say QUEUED, or the word", word=str, details=int),
    "no_location": _detail("COMPLETED without a location, or with another text in its place", location=str),
    "expires": _detail("the report is EXPIRED from then on"),
    "dead_link": _download("403: the link is dead before its time"),
    "cut_download": _download("the connection ends half way, or after so many bytes", bytes=int),
    "cut_chunked": _download("the same for a file sent without its length", bytes=int),
    "gzip_encoding": _download("the file comes with `Content-Encoding: gzip`"),
    "odd_encoding": _download(
        "the file says `Content-Encoding: aws-chunked`, or as given, and is not packed at all", encoding=str
    ),
    "no_length": _download("the file is sent without its length; it may be cut after so many bytes", bytes=int),
    "redirected": _download("a redirect to the file, by a relative address"),
    "echoed_link": _download("the file is an error in one line, which repeats the link"),
    "odd_link": _detail("the link has a line break in its host"),
    "private_link": _detail("the link leads to 169.254.169.254, or to `host`", host=str),
    # its file
    "file_format": _trigger(f"the file is packed in another way: {', '.join(FORMATS)}", "format", format=str),
    "zero_bytes": _trigger("the file is empty"),
    "html_page": _trigger("the file is a page of HTML"),
    "gzip_file": _trigger("the file is gzipped"),
    "zip_file": _trigger("the file is in a ZIP"),
    "layout": _trigger(f"the file is laid out as in another year: {', '.join(YEARS)}", "year", year=str),
    "second_layout": _trigger("the report comes in its other layout, if it has one: returns_report does"),
    "bom": _text("the file begins with a byte order mark"),
    "cp1252": _text("the file is encoded in cp1252"),
    "lf": _text("lines end with LF alone"),
    "unterminated_quote": _text("the file ends within quotes"),
    # its tables; of the first one unless `table` names another by its title
    "header_only": _table("there are no rows"),
    "shuffled_columns": _table("the columns are in another order"),
    "extra_column": _table("there is one column more", "header", header=str),
    "missing_column": _table("there is one column less", "header", header=str),
    "renamed_column": _table("a column has another name", "header", "to", header=str, to=str),
    "blank_columns": _table("a blank column follows every tenth one, or every `after`", after=int),
    "ragged_row": _table("one row has so many cells", row=int, cells=int),
    "bad_cell": _table("one cell has another text", "header", "text", row=int, header=str, text=str),
    "blank_lines": _table("blank rows between the rows, and in text before the header"),
    "duplicate_rows": _table("every row is there twice"),
    "total_row": _table("a row of totals follows the rows"),
    "payout_once": _table("only the first row of each payout has NEFT id and payment date"),
    "float_ids": _table("ids of more than 15 digits went through a float"),
    # its workbook
    "native_dates": _workbook("dates are dates of the workbook, not text"),
    "serial_dates": _workbook("dates are numbers without a format"),
    "formula_cells": _workbook("columns with a SUM in their header are formulas without values"),
    "understated_dimension": _workbook("the sheets say that two columns of two rows are in use"),
    "sheets_when_used": _workbook("sheets without rows are not there"),
    "missing_sheet": _workbook("one sheet is not there", "table", table=str),
}

SELECTING: Mapping[str, type] = {
    "fault": str,
    "call": str,
    "identifier": str,
    "seller_id": str,
    "nth": int,
    "times": int,
    "every": int,
}
"""Members that every rule may have, with their types."""


def listing() -> list[tuple[str, str, str, str]]:
    """All faults for people: name, call or kind of file, arguments (optional ones in brackets), meaning."""
    return [
        (
            name,
            "any" if len(fault.calls) == len(CALLS) else fault.only_in or fault.calls[0],
            ", ".join([*fault.needs, *(f"[{member}]" for member in fault.members if member not in fault.needs)]),
            fault.meaning,
        )
        for name, fault in FAULTS.items()
    ]


@dataclass(kw_only=True)
class Rule:
    """A rule, and how often it has matched and spoiled a call."""

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

    def matches(self, *, call: str, identifier: str | None, seller_id: str | None) -> bool:
        """Whether this call is spoiled; counts it."""
        if self.call != call or self.identifier not in {None, identifier} or self.seller_id not in {None, seller_id}:
            return False
        self.matched += 1
        is_due = self.matched % self.every == 0 if self.every else self.matched >= self.nth and self.fired < self.times
        self.fired += is_due
        return is_due


class Faults:
    """The rules of a script, and how often each fault was used."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = list(rules)
        self._lock = threading.Lock()
        self.fired: Counter[str] = Counter()

    @classmethod
    def load(cls, path: Path) -> Faults:
        """Read a script from a JSON file.

        Raises:
            ValueError: it is not a list of rules; the message names the rule and what is wrong with it.
            OSError: it cannot be read.
        """
        return cls.parse(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, script: object) -> Faults:
        """Read a script.

        Raises:
            ValueError: it is not a list of rules; the message names the rule and what is wrong with it.
        """
        if not isinstance(script, list):
            raise ValueError("a fault script is a list of rules")  # noqa: TRY004 - one kind of error for one kind of mistake
        return cls([_rule(number, entry) for number, entry in enumerate(script, 1)])

    def active_faults(
        self, call: str, *, identifier: str | None = None, seller_id: str | None = None
    ) -> dict[str, Any]:
        """The faults that spoil this call, each with its arguments."""
        with self._lock:
            active_faults = {
                rule.fault: dict(rule.arguments)
                for rule in self._rules
                if rule.matches(call=call, identifier=identifier, seller_id=seller_id)
            }
            self.fired.update(active_faults.keys())
        return active_faults


def _rule(number: int, entry: object) -> Rule:
    if not isinstance(entry, dict) or "fault" not in entry:
        raise ValueError(f"rule {number} is not an object that names a fault")
    name = entry["fault"]
    fault = FAULTS.get(name) if isinstance(name, str) else None
    if fault is None:
        raise ValueError(f"rule {number} names {name!r}, which is not a fault; they are {', '.join(sorted(FAULTS))}")
    call = entry.get("call", fault.calls[0])
    if call not in fault.calls:
        raise ValueError(f"rule {number}: {name} does not spoil the call {call!r}, only {', '.join(fault.calls)}")
    _check_members(number, name, fault, entry)
    selecting = {member: value for member, value in entry.items() if member in SELECTING}
    arguments = {member: value for member, value in entry.items() if member in fault.members}
    return Rule(**{**selecting, "call": call}, arguments=arguments)


def _check_members(number: int, name: str, fault: Fault, entry: Mapping[str, object]) -> None:
    for member, value in entry.items():
        expected = {**SELECTING, **fault.members}.get(member)
        if expected is None:
            has = ", ".join(fault.members) or "none"
            raise ValueError(f"rule {number}: {name} has no argument {member!r}; it has {has}")
        if isinstance(value, bool) or not isinstance(value, expected):
            raise ValueError(f"rule {number}: {member} is {value!r}, which is of the wrong type")  # noqa: TRY004 - one kind of error for one kind of mistake
    for member in fault.needs:
        if member not in entry:
            raise ValueError(f"rule {number}: {name} needs {member!r}")
    if entry.get("format", FORMATS[0]) not in FORMATS:
        raise ValueError(f"rule {number}: format is {entry['format']!r}; it is one of {', '.join(FORMATS)}")
    if entry.get("year", YEARS[0]) not in YEARS:
        raise ValueError(f"rule {number}: year is {entry['year']!r}; it is one of {', '.join(YEARS)}")
