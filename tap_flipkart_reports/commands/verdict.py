"""What a probe's findings say of each assumption, and the settings that follow. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.files.row_keys import KeyRepeats
from tap_flipkart_reports.planning.assumptions import ASSUMPTIONS, Assumption, Topic
from tap_flipkart_reports.purchasing.report_detail import ReportStatus
from tap_flipkart_reports.report_types import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_flipkart_reports.commands.probe_findings import TableFinding, TypeFinding

HOUR = 3600.0
NEAR_A_WHOLE_HOUR = 300.0
"""Seconds between the making of a link and the look at it."""

KNOWN_CONTAINERS = ("text", "gzip, text", "workbook", "ZIP of")


class Outcome(Enum):
    """Whether an assumption holds."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    NOT_SEEN = "not seen"


@dataclass(frozen=True, kw_only=True)
class AssumptionVerdict:
    """An assumption, and the evidence for or against it.

    Attributes:
        assumption: the assumption.
        outcome: whether it holds.
        seen: the evidence by report type: what contradicts it, or else what confirms it.
    """

    assumption: Assumption
    outcome: Outcome
    seen: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            **asdict(self.assumption),
            "topic": self.assumption.topic.value,
            "outcome": self.outcome.value,
            "seen": list(self.seen),
        }


Seen = Iterator[tuple[bool, str]]
"""Pieces of evidence: whether each agrees with the assumption, and what was seen."""


def verdicts(findings: Sequence[TypeFinding]) -> list[AssumptionVerdict]:
    """The verdict on each assumption."""
    return [_verdict(assumption, findings) for assumption in ASSUMPTIONS]


def _verdict(assumption: Assumption, findings: Sequence[TypeFinding]) -> AssumptionVerdict:
    seen = [
        (agrees, f"{each.name}: {words}") for each in findings for agrees, words in EVIDENCE[assumption.topic](each)
    ]
    against = tuple(words for agrees, words in seen if not agrees)
    if against:
        return AssumptionVerdict(assumption=assumption, outcome=Outcome.CONTRADICTED, seen=against)
    outcome = Outcome.CONFIRMED if seen else Outcome.NOT_SEEN
    return AssumptionVerdict(assumption=assumption, outcome=outcome, seen=tuple(words for _, words in seen))


# The looks


def _parameters(finding: TypeFinding) -> Seen:
    accepted = finding.accepted
    if accepted is not None:
        is_first = accepted.parameters == finding.attempts[0].parameters
        yield is_first, f"takes {', '.join(accepted.parameters) or 'no parameters'}"
    elif finding.attempts and finding.attempts[-1].was_asked_wrongly:
        yield False, finding.attempts[-1].outcome


def _correlation(finding: TypeFinding) -> Seen:
    if finding.accepted is not None and finding.how == "bought":
        yield (
            finding.accepted.correlation_id,
            ("accepted one" if finding.accepted.correlation_id else "accepted only a trigger without one"),
        )


def _report_id(finding: TypeFinding) -> Seen:
    if finding.how == "bought":
        yield True, "has it"
    elif finding.error is not None and "report_id_path" in finding.error:
        yield False, finding.error


def _statuses(finding: TypeFinding) -> Seen:
    for word, seconds in finding.statuses:
        yield ReportStatus.of(word) is not ReportStatus.UNKNOWN, f"{word} after {seconds:g} s"


def _link_token(finding: TypeFinding) -> Seen:
    works = finding.link.works_without_token
    if works is not None:
        yield works, "works without the token" if works else "needs the token"


def _new_links(finding: TypeFinding) -> Seen:
    link = finding.link
    if link.renewed is not None:
        yield (
            link.renewed,
            "a new link came after the old one's end"
            if link.renewed
            else ("the same link came again after its end, and was dead"),
        )


def _expiry(finding: TypeFinding) -> Seen:
    link = finding.link
    if link.expiry is None or link.seconds_if_kolkata is None or link.seconds_if_utc is None:
        return
    if link.seconds_if_kolkata < 0:
        yield False, f"{link.expiry} would be over in Kolkata, and the link works: it is in UTC"
    elif _is_whole(link.seconds_if_utc) is not _is_whole(link.seconds_if_kolkata):
        is_kolkatas = _is_whole(link.seconds_if_kolkata)
        hours = (link.seconds_if_kolkata if is_kolkatas else link.seconds_if_utc) / HOUR
        yield is_kolkatas, f"{link.expiry} is {hours:.1f} hours away in {'Kolkata' if is_kolkatas else 'UTC'}"


def _is_whole(seconds: float) -> bool:
    """Whether a life is a whole number of hours."""
    return abs(seconds - round(seconds / HOUR) * HOUR) < NEAR_A_WHOLE_HOUR


def _packing(finding: TypeFinding) -> Seen:
    if finding.file is not None:
        file = finding.file
        named = ", ".join(filter(None, (file.media_type, file.name)))
        words = f"{file.container}, {file.size:,} bytes" + (f" ({named})" if named else "")
        yield file.container.startswith(KNOWN_CONTAINERS), words


def _tables(finding: TypeFinding) -> Seen:
    for table in finding.tables:
        if table.stream is None:
            yield False, f"{table.sheet or 'the file'} is not a known table"
        elif table.header:
            yield True, f"has {table.stream}"


def _is_published(table: TableFinding) -> bool:
    declared = (each for tables in TABLES.values() for each in tables)
    return any(each.stream == table.stream and each.schema.properties for each in declared)


def _columns(finding: TypeFinding) -> Seen:
    for table in filter(_is_published, finding.tables):
        if table.error and not table.header:
            yield False, f"{table.stream} cannot be read: {table.error}"
        elif table.new or table.error:
            more = f"; {table.error}" if table.error else ""
            yield False, f"{table.stream} has {len(table.new)} unknown columns: {', '.join(table.new) or 'none'}{more}"
        elif table.header:
            yield True, f"{table.stream} has {table.known} known columns"


def _cells(finding: TypeFinding) -> Seen:
    for table in finding.tables:
        for column, count in table.bad_cells.items():
            yield False, f"{table.stream}: {count} cells of {column} do not fit"
        if table.rows and not table.bad_cells:
            yield True, f"{table.stream}: all cells of {table.rows} rows fit"


def _keys(finding: TypeFinding) -> Seen:
    for table in finding.tables:
        if table.stream is None or not table.rows:
            continue
        words = KeyRepeats(tied=table.tied, incomplete=table.incomplete).words
        yield not words, f"{table.stream}: {words or 'every row has its own'}"


def _window(finding: TypeFinding) -> Seen:
    for table in finding.tables:
        if table.outside:
            yield False, f"{table.stream}: {table.outside} rows of other days"
        elif table.rows and table.stream == finding.name:
            yield True, f"{table.stream}: {table.rows} rows of {finding.window}"


def _members(finding: TypeFinding) -> Seen:
    for call, names in finding.unknown_members.items():
        yield False, f"{call} has {', '.join(names)}, too"
    for name, value in finding.headers.items():
        yield True, f"header {name}: {value}"
    if finding.statuses and not finding.unknown_members:
        yield True, "as documented"


def _limits(finding: TypeFinding) -> Seen:
    for words in finding.limited:
        yield False, words
    if finding.how == "bought" and not finding.limited:
        yield True, "no 429"


def _errors(finding: TypeFinding) -> Seen:
    for attempt in finding.attempts:
        if attempt.status is not None:
            yield "(" in attempt.outcome, attempt.outcome


EVIDENCE: Mapping[Topic, Callable[[TypeFinding], Seen]] = {
    Topic.PARAMETERS: _parameters,
    Topic.CORRELATION: _correlation,
    Topic.REPORT_ID: _report_id,
    Topic.STATUSES: _statuses,
    Topic.LINK_TOKEN: _link_token,
    Topic.NEW_LINKS: _new_links,
    Topic.EXPIRY: _expiry,
    Topic.PACKING: _packing,
    Topic.TABLES: _tables,
    Topic.COLUMNS: _columns,
    Topic.CELLS: _cells,
    Topic.KEYS: _keys,
    Topic.WINDOW: _window,
    Topic.MEMBERS: _members,
    Topic.LIMITS: _limits,
    Topic.ERRORS: _errors,
}


# What follows


def settings_from(findings: Sequence[TypeFinding]) -> dict[str, Any]:
    """Settings that follow from what was seen, to be merged into the configuration."""
    settings: dict[str, Any] = {}
    report_types: dict[str, dict[str, Any]] = {}
    for finding in findings:
        accepted = finding.accepted
        if accepted is not None and finding.how == "bought" and not accepted.correlation_id:
            settings["correlation_ids"] = "never"
        if accepted is not None and accepted.parameters != finding.attempts[0].parameters:
            report_types.setdefault(finding.name, {})["parameters"] = accepted.parameters
        if any(table.stream == finding.name and _lacks_its_key(table) for table in finding.tables):
            report_types.setdefault(finding.name, {})["key_properties"] = []
    return {**settings, **({"report_types": report_types} if report_types else {})}


def _lacks_its_key(table: TableFinding) -> bool:
    return table.error is not None and ", a key" in table.error
