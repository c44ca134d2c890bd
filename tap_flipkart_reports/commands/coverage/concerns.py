"""What needs a person, the most urgent first. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from shlex import quote
from typing import TYPE_CHECKING

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.commands.tables import counted
from tap_flipkart_reports.exceptions import shared_words, without_ids
from tap_flipkart_reports.purchasing.requests import PurchaseStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_flipkart_reports.commands.coverage.cells import Cell
    from tap_flipkart_reports.purchasing.requests import FailedWindow, Purchase
    from tap_flipkart_reports.windows import Window

WARN_DAYS = 14
"""Days before its end from which an authorisation is shown; the default of `flipkart-reports sellers` too."""


class ConcernKind(Enum):
    """What a concern is about, the most urgent first."""

    AUTHORISATION_OVER = "authorisation over"
    FAILED = "failed"
    UNREADABLE = "unreadable"
    SKIPPED = "skipped rows"
    AUTHORISATION = "authorisation ends"
    BUDGET = "budget"
    DRIFT = "drift"
    TIES = "ties"
    TOKENS = "tokens"


_AUTHORISE = "flipkart-reports authorize --config CONFIG --seller-id={seller} --redirect-uri ADDRESS"

PLAN = "flipkart-reports plan --config CONFIG --state STATE"
"""A plan without the state would be that of a first run."""

NEXT_STEPS: Mapping[ConcernKind, str] = {
    ConcernKind.AUTHORISATION_OVER: _AUTHORISE,
    ConcernKind.AUTHORISATION: _AUTHORISE,
    ConcernKind.FAILED: "mend what the cause names, if anything, and run again: what is still owed is asked for, and "
    "bought again where the report is gone",
    ConcernKind.UNREADABLE: 'run again: it is read again at no cost; given_up_reports: ["{report}"] buys it again',
    ConcernKind.SKIPPED: "see the folder `rejected` of the archive; `flipkart-reports replay` reads archived files "
    "again, `repair` buys them again; this stays until a report of the same days has no such rows",
    ConcernKind.BUDGET: f"run again, or raise max_reports; `{PLAN}` shows what a run would buy",
    ConcernKind.DRIFT: "new columns are in _extra, or columns of their own with schema_drift: evolve; "
    "`flipkart-reports inspect FILE --schema` proposes their schema",
    ConcernKind.TIES: "see docs/records.md: _row_ordinal tells them apart; a row that a later report lacks stays "
    "in the target",
    ConcernKind.TOKENS: "flipkart-reports sellers --config CONFIG",
}
"""What to do about a concern; the braces are filled from its first subject."""


@dataclass(frozen=True, kw_only=True)
class ConcernSubject:
    """What a concern is about.

    Attributes:
        seller_id: the seller.
        report_type: the report type, if it is about one.
        warehouse_id: the warehouse, if the report type has one.
        window: the days, if it is about some.
        report_id: the report, if it is about one.
    """

    seller_id: str
    report_type: str | None = None
    warehouse_id: str | None = None
    window: Window | None = None
    report_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Concern:
    """A problem that a person has to look at.

    Attributes:
        kind: the kind of problem.
        words: the problem, as a sentence without a full stop.
        subjects: what it is about, the newest first; each window once.
        since: when it was last seen.
    """

    kind: ConcernKind
    words: str
    subjects: tuple[ConcernSubject, ...] = ()
    since: datetime | None = None

    @property
    def next_step(self) -> str:
        """What to do about it."""
        first = self.subjects[0] if self.subjects else ConcernSubject(seller_id="SELLER")
        return NEXT_STEPS[self.kind].format(seller=quote(first.seller_id), report=first.report_id or "REPORT")


@dataclass(frozen=True, kw_only=True)
class NextPurchases:
    """Purchases of the next run, with its budget.

    Attributes:
        buys: reports within the budget.
        left: windows that do not fit into the budget.
        left_before: windows that did not fit into the budget of earlier runs.
    """

    buys: int
    left: int
    left_before: int


@dataclass(frozen=True, kw_only=True)
class Authorisations:
    """The ends of the sellers' authorisations.

    Attributes:
        ends: by seller, where the token store knows them.
        problem: why the token store cannot be read, if it cannot.
    """

    ends: Mapping[str, datetime] = field(default_factory=dict)
    problem: str | None = None


def concerns_of(
    cells: Sequence[Cell], *, authorisations: Authorisations, budget: NextPurchases | None, now: datetime
) -> list[Concern]:
    """The concerns, the most urgent first; within a kind, those with the most subjects first.

    Args:
        cells: all of them.
        authorisations: of the sellers.
        budget: what the next run would buy, if it has a budget.
        now: the present moment.
    """
    found = [
        *_authorisations(authorisations, now=now),
        *_failed(cells),
        *_skipped(cells),
        *_budget(budget),
        *_found_in_the_newest(cells),
    ]
    ranks = {kind: rank for rank, kind in enumerate(ConcernKind)}
    return sorted(found, key=lambda concern: (ranks[concern.kind], -len(concern.subjects)))


def _authorisations(authorisations: Authorisations, *, now: datetime) -> Iterator[Concern]:
    if authorisations.problem is not None:
        yield Concern(
            kind=ConcernKind.TOKENS, words=f"{authorisations.problem}: when authorisations end is not known here"
        )
    for seller_id, ends in sorted(authorisations.ends.items(), key=lambda item: item[1]):
        left = (ends - now) // timedelta(days=1)
        if left > WARN_DAYS:
            continue
        is_over, day = left < 0, ends.astimezone(KOLKATA).date()
        words = f"ended on {day}" if is_over else f"ends on {day}, in {counted(left, 'day')}"
        yield Concern(
            kind=ConcernKind.AUTHORISATION_OVER if is_over else ConcernKind.AUTHORISATION,
            words=f"the authorisation of seller {seller_id} {words}",
            subjects=(ConcernSubject(seller_id=seller_id),),
        )


def _failed(cells: Iterable[Cell]) -> Iterator[Concern]:
    """Windows that failed, those of one cause together; each counts once, however many days and tables it has."""
    groups: defaultdict[tuple[ConcernKind, str], list[tuple[FailedWindow, ConcernSubject]]] = defaultdict(list)
    for cell in cells:
        for failure in cell.failures:
            kind = ConcernKind.UNREADABLE if failure.is_unreadable else ConcernKind.FAILED
            subject = ConcernSubject(
                seller_id=cell.seller_id,
                report_type=cell.report_type.name,
                warehouse_id=failure.warehouse_id,
                window=failure.window,
                report_id=failure.report_id,
            )
            groups[kind, without_ids(failure.cause, report_id=failure.report_id)].append((failure, subject))
    for (kind, _), members in groups.items():
        members.sort(key=lambda member: member[0].failed_at, reverse=True)
        yield Concern(
            kind=kind,
            words=shared_words((failure.cause, failure.report_id) for failure, _ in members),
            subjects=tuple(subject for _, subject in members),
            since=members[0][0].failed_at,
        )


def _skipped(cells: Iterable[Cell]) -> Iterator[Concern]:
    """Rows that were skipped in the newest report of their window."""
    by_type: defaultdict[str, list[Purchase]] = defaultdict(list)
    for cell in cells:
        newest = {}
        for purchase in reversed(cell.purchases):
            if purchase.status is PurchaseStatus.FINISHED:
                newest[purchase.warehouse_id, purchase.window] = purchase
        by_type[cell.report_type.name] += [purchase for purchase in newest.values() if purchase.rejected]
    for name, purchases in by_type.items():
        if purchases:
            rows = counted(sum(purchase.rejected for purchase in purchases), "row")
            yield _found(ConcernKind.SKIPPED, f"{name}: {rows} skipped (bad_rows)", name, purchases)


def _budget(budget: NextPurchases | None) -> Iterator[Concern]:
    if budget is None or not (budget.left or budget.left_before):
        return
    words = [f"the next run buys {counted(budget.buys, 'report')}"]
    if budget.left:
        words.append(f"its budget leaves {counted(budget.left, 'window')} over")
    if budget.left_before:
        words.append(f"earlier runs have left {counted(budget.left_before, 'window')} over, which go first")
    yield Concern(kind=ConcernKind.BUDGET, words="; ".join(words))


def _found_in_the_newest(cells: Iterable[Cell]) -> Iterator[Concern]:
    """Drift and ties, as far as the newest report of a partition has them: what is fixed is not a concern."""
    drift: defaultdict[tuple[str, str], list[Purchase]] = defaultdict(list)
    tied: defaultdict[str, list[Purchase]] = defaultdict(list)
    for cell in cells:
        newest = {}
        for purchase in reversed(cell.purchases):
            if purchase.status is PurchaseStatus.FINISHED:
                newest[purchase.warehouse_id] = purchase
        for purchase in newest.values():
            for words in purchase.drift:
                drift[cell.report_type.name, words].append(purchase)
            if purchase.tied:
                tied[cell.report_type.name].append(purchase)
    for (name, words), purchases in drift.items():
        yield _found(ConcernKind.DRIFT, words, name, purchases)
    for name, purchases in tied.items():
        rows = sum(purchase.tied for purchase in purchases)
        words = f"{name}: {counted(rows, 'row')} of the newest reports share a key, or have a part of it blank"
        yield _found(ConcernKind.TIES, words, name, purchases)


def _found(kind: ConcernKind, words: str, report_type: str, purchases: Sequence[Purchase]) -> Concern:
    """A concern about what was found in reports."""
    ordered = sorted(purchases, key=lambda purchase: purchase.bought_at, reverse=True)
    return Concern(
        kind=kind,
        words=words,
        subjects=tuple(
            ConcernSubject(
                seller_id=purchase.seller_id,
                report_type=report_type,
                warehouse_id=purchase.warehouse_id,
                window=purchase.window,
                report_id=purchase.report_id,
            )
            for purchase in ordered
        ),
        since=ordered[0].finished_at,
    )
