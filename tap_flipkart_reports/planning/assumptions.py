"""The assumptions about the API: numbered, with sources, and with how `flipkart-reports probe` checks them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Topic(Enum):
    """The topic of an assumption."""

    PARAMETERS = "parameters"
    CORRELATION = "correlation ids"
    REPORT_ID = "report id"
    STATUSES = "statuses"
    LINK_TOKEN = "links and the token"  # noqa: S105 - a topic, not a password
    NEW_LINKS = "new links"
    EXPIRY = "expiry"
    PACKING = "packing"
    TABLES = "tables"
    COLUMNS = "columns"
    CELLS = "cells"
    KEYS = "keys"
    WINDOW = "rows and window"
    MEMBERS = "members"
    LIMITS = "limits"
    ERRORS = "error bodies"


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """An assumption that nobody outside Flipkart could check so far.

    Attributes:
        number: its number in verdicts and documents.
        topic: its topic.
        text: what the tap assumes.
        source: its source.
        probe: how a probe checks it.
    """

    number: int
    topic: Topic
    text: str
    source: str
    probe: str


ASSUMPTIONS = tuple(
    Assumption(number=number, topic=topic, text=text, source=source, probe=probe)
    for number, (topic, text, source, probe) in enumerate(
        (
            (
                Topic.PARAMETERS,
                "A report type takes the parameters that the table of streams has for it",
                "API reference; for types marked as assumed, the types beside them",
                "the answer to the trigger; after a refusal, the parameters that documents of other years name",
            ),
            (
                Topic.CORRELATION,
                "A trigger may carry a correlation_id of its own",
                "API reference",
                "the answer to the trigger; after a refusal that names it, a trigger without one",
            ),
            (
                Topic.REPORT_ID,
                "The answer to a trigger has the id as report_id",
                "API reference",
                "the answer to the trigger",
            ),
            (
                Topic.STATUSES,
                "A report is TRIGGERED, then PROCESSING, then COMPLETED; EXPIRED and FAILED are ends",
                "API reference",
                "each status that a detail call answers, with its time",
            ),
            (
                Topic.LINK_TOKEN,
                "A download link works without the token",
                "not documented; sample links carry a key of their own",
                "the link is opened once without the token, which costs nothing",
            ),
            (
                Topic.NEW_LINKS,
                "Asking for the detail again makes a new link once the old one is dead",
                "not documented",
                "the detail of a complete report is asked for twice, and the links are compared",
            ),
            (
                Topic.EXPIRY,
                "metadata.expiry has no zone and is in Asia/Kolkata",
                "assumed; all other times of Flipkart's are",
                "the expiry is compared with the clock while the link works",
            ),
            (
                Topic.PACKING,
                "A file is CSV, a workbook (XLSX), or either of them in gzip or ZIP",
                "the seller site's downloads",
                "the bytes of the file, its type and its name",
            ),
            (
                Topic.TABLES,
                "A file has the tables that the table of streams lists for it, and no others",
                "workbooks that sellers downloaded in 2025 and 2026",
                "the sheets of the file",
            ),
            (
                Topic.COLUMNS,
                "A table has the columns of one of the layouts that are known",
                "workbooks that sellers downloaded in 2025 and 2026, and public programs that read them",
                "the headers of the file",
            ),
            (
                Topic.CELLS,
                "Each cell fits its column's type",
                "the same files",
                "each cell of the file",
            ),
            (
                Topic.KEYS,
                "The natural key of a table tells its rows apart",
                "inferred from the same files",
                "rows that share a key, or have a blank part in it",
            ),
            (
                Topic.WINDOW,
                "The rows of a report lie within its days",
                "API reference",
                "the days in the rows",
            ),
            (
                Topic.MEMBERS,
                "Answers have the members that the reference shows, and no others",
                "API reference",
                "the members of each answer, and headers that name requests or limits",
            ),
            (
                Topic.LIMITS,
                "There is no limit of calls that a run of one report per type would meet",
                "not documented",
                "answers with 429 and their Retry-After",
            ),
            (
                Topic.ERRORS,
                "A refusal is JSON with errors, error or message",
                "API reference and public programs",
                "the body of each refusal",
            ),
        ),
        1,
    )
)


def assumption_on(topic: Topic) -> Assumption:
    """The assumption on a topic."""
    return next(each for each in ASSUMPTIONS if each.topic is topic)
