"""What a probe has seen, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

ASKED_WRONGLY = frozenset({400, 404, 422})


@dataclass(kw_only=True)
class Attempt:
    """One trigger, and its outcome.

    Attributes:
        parameters: with placeholders, as in `report_types`.
        correlation_id: whether it carried one.
        outcome: `accepted`, or what the refusal said.
        status: of the refusal.
    """

    parameters: dict[str, Any]
    correlation_id: bool
    outcome: str
    status: int | None = None

    @property
    def was_asked_wrongly(self) -> bool:
        """Whether the API refused what it was asked, and not who asked."""
        return self.status in ASKED_WRONGLY


@dataclass(kw_only=True)
class LinkFinding:
    """What was seen of a download link.

    Attributes:
        is_own_host: whether it leads to the API's own host.
        works_without_token: whether it can be opened without the token.
        changes: whether asking for the detail again at once gave another link.
        renewed: whether asking again after the link's end gave a new one.
        expiry: as the API stated it.
        seconds_if_kolkata: the link's life if the expiry is Kolkata's.
        seconds_if_utc: the same if it is in UTC.
    """

    is_own_host: bool | None = None
    works_without_token: bool | None = None
    changes: bool | None = None
    renewed: bool | None = None
    expiry: str | None = None
    seconds_if_kolkata: float | None = None
    seconds_if_utc: float | None = None


@dataclass(kw_only=True)
class FileFinding:
    """What was seen of a file.

    Attributes:
        container: such as `gzip, csv`.
        size: bytes.
        media_type: as the server stated it.
        name: as the server stated it.
        has_length: whether its length was announced.
    """

    container: str
    size: int
    media_type: str = ""
    name: str = ""
    has_length: bool = True


@dataclass(kw_only=True)
class TableFinding:
    """What was seen of a table.

    Attributes:
        stream: the stream it feeds, `None` for none.
        sheet: the sheet or archive member it is in.
        header: its headers.
        known: how many of them the schema has.
        new: headers that the schema does not have.
        missing: columns of the schema that it does not have.
        kinds: what its columns hold, by header, for the simulator.
        rows: how many.
        bad_cells: cells that do not fit, by column.
        tied: rows that share their key with another.
        incomplete: rows with a blank part in their key.
        outside: rows whose day lies outside the window.
        error: why it could not be read.
        schema: a proposal for its new columns.
    """

    stream: str | None
    sheet: str
    header: list[str]
    known: int = 0
    new: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    bad_cells: dict[str, int] = field(default_factory=dict)
    tied: int = 0
    incomplete: int = 0
    outside: int = 0
    error: str | None = None
    schema: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class TypeFinding:
    """What was seen of a report type.

    Attributes:
        name: the report type.
        identifier: in the API's words.
        window: its days.
        attempts: the triggers.
        report_id: of the report, empty if none was bought.
        how: `bought`, `adopted` or `from the archive`; empty if there is none.
        error: why there is no file.
        statuses: words of the detail calls, each with the seconds since the trigger when it was first seen.
        unknown_members: of answers, by call.
        headers: of answers that name requests or limits.
        limited: answers with 429, and their Retry-After.
        link: what was seen of it.
        file: what was seen of it.
        tables: the file's tables.
    """

    name: str
    identifier: str
    window: str
    attempts: list[Attempt] = field(default_factory=list)
    report_id: str = ""
    how: str = ""
    error: str | None = None
    statuses: list[tuple[str, float]] = field(default_factory=list)
    unknown_members: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    limited: list[str] = field(default_factory=list)
    link: LinkFinding = field(default_factory=LinkFinding)
    file: FileFinding | None = None
    tables: list[TableFinding] = field(default_factory=list)

    @property
    def accepted(self) -> Attempt | None:
        """The trigger that was accepted."""
        return next((attempt for attempt in self.attempts if attempt.outcome == "accepted"), None)

    def document(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)
