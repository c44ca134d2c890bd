"""The behaviour of an API as data: accepted parameters, refusals, answers, and layouts of files.

`profiles/documented.json` is the API as documented. Other profiles hold only the differences; `probe` writes one with
what it has seen.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DOCUMENTED = "documented"

ROLES = frozenset({"from_date", "to_date", "month", "year", "warehouse_id"})
"""Meanings of parameters."""

CHOICES: Mapping[tuple[str, str], frozenset[str]] = {
    ("trigger", "correlation_id"): frozenset({"optional", "required", "refused"}),
    ("trigger", "repeated_correlation_id"): frozenset({"refused", "allowed"}),
    ("detail", "link"): frozenset({"new_when_dead", "always_new", "always_the_same"}),
    ("errors", "shape"): frozenset({"errors", "error", "message"}),
}
"""Allowed values of some members."""

KINDS = frozenset({"text", "id", "date", "moment", "amount", "count"})
"""Kinds of columns."""


@dataclass(frozen=True, kw_only=True)
class ColumnLayout:
    """A column of a file.

    Attributes:
        header: as in the file.
        kind: one of `KINDS`.
        source: the column of the simulator's own layout that has its values; without one, values are invented.
    """

    header: str
    kind: str
    source: str | None


@dataclass(frozen=True, kw_only=True)
class ApiProfile:
    """How an API behaves.

    Attributes:
        document: the whole profile, as in JSON.
    """

    document: Mapping[str, Any]

    @property
    def trigger(self) -> Mapping[str, Any]:
        """The trigger call: what it accepts, and where its answer has the report id."""
        return self._part("trigger")

    @property
    def detail(self) -> Mapping[str, Any]:
        """The detail call: the structure of its answer, and the behaviour of links."""
        return self._part("detail")

    @property
    def download(self) -> Mapping[str, Any]:
        """Links: whether they need the token, how long they work, and how a dead one is refused."""
        return self._part("download")

    @property
    def errors(self) -> Mapping[str, Any]:
        """The shape of refusals."""
        return self._part("errors")

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of every answer; `{uuid}` stands for a new one each time."""
        return self._part("headers")

    def _part(self, name: str) -> Mapping[str, Any]:
        part: Mapping[str, Any] = self.document[name]
        return part

    def forms(self, identifier: str) -> Sequence[Mapping[str, str]]:
        """The sets of parameters that a report type accepts: names by meaning."""
        types: Mapping[str, Any] = self.document["report_types"]
        forms: Sequence[Mapping[str, str]] = types.get(identifier, {}).get("parameters") or types["*"]["parameters"]
        return forms

    def packing(self, identifier: str) -> Mapping[str, Any]:
        """The packing of a report type's files: `format` and `gzip`; empty where the simulator's options decide."""
        packing: Mapping[str, Any] = self._of_type(identifier).get("packing", {})
        return packing

    def columns(self, identifier: str) -> Mapping[str, Sequence[ColumnLayout]]:
        """The columns of tables with a layout of their own, by the table's title."""
        tables: Mapping[str, Any] = self._of_type(identifier).get("tables", {})
        return {
            title: [
                ColumnLayout(header=column["header"], kind=column.get("kind", "text"), source=column.get("source"))
                for column in columns
            ]
            for title, columns in tables.items()
        }

    def generation_seconds(self, identifier: str) -> tuple[float, float] | None:
        """Shortest and longest time that a report takes, if the profile has them."""
        seconds = self._of_type(identifier).get("generation_seconds")
        return (float(seconds[0]), float(seconds[1])) if seconds else None

    def _of_type(self, identifier: str) -> Mapping[str, Any]:
        types: Mapping[str, Mapping[str, Any]] = self.document["report_types"]
        return {**types.get("*", {}), **types.get(identifier, {})}


def documented() -> ApiProfile:
    """The API as documented."""
    text = (resources.files("tap_flipkart_reports.simulator") / "profiles" / f"{DOCUMENTED}.json").read_text("utf-8")
    return ApiProfile(document=json.loads(text))


def profile_from(document: object) -> ApiProfile:
    """A profile from a document with the differences from the documented API.

    Raises:
        ValueError: it is not a profile; the message says where.
    """
    if not isinstance(document, dict):
        raise ValueError("a profile is a JSON object")  # noqa: TRY004 - the document came from a file
    known = dict(documented().document)
    if unknown := sorted(set(document) - set(known)):
        raise ValueError(f"a profile does not have {', '.join(unknown)}; it has {', '.join(known)}")
    merged = {name: _merged(name, known[name], document.get(name)) for name in known}
    _check(merged)
    return ApiProfile(document=merged)


def load_profile(path: Path) -> ApiProfile:
    """A profile in a file.

    Raises:
        ValueError: it is not a profile.
        OSError: it cannot be read.
    """
    return profile_from(json.loads(path.read_text("utf-8")))


def bundled_profile(path: Path) -> ApiProfile:
    """The profile in a bundle that `probe` has written.

    Raises:
        ValueError: it is not a bundle.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read("profile.json").decode("utf-8")
    except (zipfile.BadZipFile, KeyError):
        raise ValueError("it is not a bundle of flipkart-reports probe") from None
    return profile_from(json.loads(text))


def _merged(name: str, known: object, own: object) -> object:
    if own is None:
        return known
    if not isinstance(known, dict):
        return own
    if not isinstance(own, dict):
        raise ValueError(f"{name} must be an object")  # noqa: TRY004 - the document came from a file
    if name in {"report_types", "headers", "detail.words"}:
        return {**known, **own}
    if unknown := sorted(set(own) - set(known)):
        raise ValueError(f"{name} does not have {', '.join(unknown)}; it has {', '.join(known)}")
    return {member: _merged(f"{name}.{member}", known[member], own.get(member)) for member in known}


def _check(document: Mapping[str, Any]) -> None:
    for (part, member), words in CHOICES.items():
        if document[part][member] not in words:
            raise ValueError(f"{part}.{member} is one of {', '.join(sorted(words))}")
    for identifier, rules in document["report_types"].items():
        for form in rules.get("parameters", ()):
            if unknown := sorted(set(form) - ROLES):
                raise ValueError(f"report_types.{identifier}: a parameter cannot mean {', '.join(unknown)}")
        for title, columns in rules.get("tables", {}).items():
            for column in columns:
                if column.get("kind", "text") not in KINDS:
                    raise ValueError(
                        f"report_types.{identifier}.tables.{title}: {column['header']!r} cannot hold {column['kind']!r}"
                    )
