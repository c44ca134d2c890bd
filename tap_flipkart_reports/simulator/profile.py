"""How an API behaves, as data: what each call takes and refuses, how it answers, and how its files are laid out.

`profiles/documented.json` is the API as its reference has it. Other profiles say only what differs; `probe` writes one
of what it has seen.
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
"""What a parameter means, whatever it is called."""

CHOICES: Mapping[tuple[str, str], frozenset[str]] = {
    ("trigger", "correlation_id"): frozenset({"optional", "required", "refused"}),
    ("trigger", "repeated_correlation_id"): frozenset({"refused", "allowed"}),
    ("detail", "link"): frozenset({"new_when_dead", "always_new", "always_the_same"}),
    ("errors", "shape"): frozenset({"errors", "error", "message"}),
}
"""What some members may say."""

KINDS = frozenset({"text", "id", "date", "moment", "amount", "count"})
"""What a column of a layout may hold."""


@dataclass(frozen=True, kw_only=True)
class ColumnLayout:
    """A column of a file.

    Attributes:
        header: as it is printed.
        kind: one of `KINDS`.
        source: the column of the simulator's own layout that has its values; made up by its kind without one.
    """

    header: str
    kind: str
    source: str | None


@dataclass(frozen=True, kw_only=True)
class ApiProfile:
    """How an API behaves.

    Attributes:
        document: the profile as JSON has it, whole.
    """

    document: Mapping[str, Any]

    @property
    def trigger(self) -> Mapping[str, Any]:
        """What the trigger call takes, and where its answer has the report id."""
        return self._part("trigger")

    @property
    def detail(self) -> Mapping[str, Any]:
        """Where the answer to a detail call has what, and how it makes links."""
        return self._part("detail")

    @property
    def download(self) -> Mapping[str, Any]:
        """Whether a link wants the token, how long it lives, and how a dead one is refused."""
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
        """The sets of parameters that a report type takes: names by what they mean."""
        types: Mapping[str, Any] = self.document["report_types"]
        forms: Sequence[Mapping[str, str]] = types.get(identifier, {}).get("parameters") or types["*"]["parameters"]
        return forms

    def packing(self, identifier: str) -> Mapping[str, Any]:
        """How files of a report type are packed: `format` and `gzip`; empty where the dials decide."""
        packing: Mapping[str, Any] = self._of_type(identifier).get("packing", {})
        return packing

    def columns(self, identifier: str) -> Mapping[str, Sequence[ColumnLayout]]:
        """The columns of tables that are laid out otherwise than the simulator's own, by the table's title."""
        tables: Mapping[str, Any] = self._of_type(identifier).get("tables", {})
        return {
            title: [
                ColumnLayout(header=column["header"], kind=column.get("kind", "text"), source=column.get("source"))
                for column in columns
            ]
            for title, columns in tables.items()
        }

    def generation_seconds(self, identifier: str) -> tuple[float, float] | None:
        """Shortest and longest time that a report takes, if the profile says."""
        seconds = self._of_type(identifier).get("generation_seconds")
        return (float(seconds[0]), float(seconds[1])) if seconds else None

    def _of_type(self, identifier: str) -> Mapping[str, Any]:
        types: Mapping[str, Mapping[str, Any]] = self.document["report_types"]
        return {**types.get("*", {}), **types.get(identifier, {})}


def documented() -> ApiProfile:
    """The API as its reference has it."""
    text = (resources.files("tap_flipkart_reports.simulator") / "profiles" / f"{DOCUMENTED}.json").read_text("utf-8")
    return ApiProfile(document=json.loads(text))


def profile_from(document: object) -> ApiProfile:
    """A profile that says only what differs from the documented API.

    Raises:
        ValueError: it is not one; the text says where.
    """
    if not isinstance(document, dict):
        raise ValueError("a profile is a JSON object")  # noqa: TRY004 - of the document, which came from a file
    known = dict(documented().document)
    if unknown := sorted(set(document) - set(known)):
        raise ValueError(f"a profile does not have {', '.join(unknown)}; it has {', '.join(known)}")
    merged = {name: _merged(name, known[name], document.get(name)) for name in known}
    _check(merged)
    return ApiProfile(document=merged)


def load_profile(path: Path) -> ApiProfile:
    """A profile in a file.

    Raises:
        ValueError: it is not one.
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
        raise ValueError(f"{name} must be an object")  # noqa: TRY004 - of the document, which came from a file
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
