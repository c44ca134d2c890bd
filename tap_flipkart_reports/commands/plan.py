"""`flipkart-reports plan`: what a run would buy, without a call."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.commands.forecast import left_over
from tap_flipkart_reports.commands.tables import aligned, counted
from tap_flipkart_reports.planning.prices import Prices
from tap_flipkart_reports.sync.purchase_check import bought_before

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from tap_flipkart_reports.adapters.ledger import Ledger
    from tap_flipkart_reports.purchasing.polling import GenerationTimes
    from tap_flipkart_reports.purchasing.requests import ReportRequest
    from tap_flipkart_reports.sync.ports import RecordStream
    from tap_flipkart_reports.sync.wanted import WantedReports

ADOPT = "adopt"
ARCHIVE = "read from archive"
TRIGGER = "trigger"
READ_AGAIN = "read again"
SKIP = "skip"
LEAVE = "leave"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One window of a run, or one partition that needs none.

    Attributes:
        action: `adopt`, `read from archive`, `trigger`, `read again` (triggered too), `leave` (for a later run) or
            `skip`.
        stream: the stream.
        seller_id: whose report.
        warehouse_id: of which warehouse.
        from_date: first day, empty for a skipped partition.
        to_date: last day.
        report_id: the report that is adopted.
        reason: why, as half a sentence.
        expected_seconds: generation time of the type as generation_times, `None` if nothing is known.
    """

    action: str
    stream: str
    seller_id: str
    warehouse_id: str | None
    from_date: str = ""
    to_date: str = ""
    report_id: str | None = None
    reason: str
    expected_seconds: float | None = None

    @property
    def buys(self) -> bool:
        """Whether the step costs money."""
        return self.action in {TRIGGER, READ_AGAIN}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The steps of a run.

    Attributes:
        steps: in the order in which the streams read them.
        expected_seconds: of the whole run, `None` if a type's generation time is not known yet.
        bought_again: reports that are bought although the ledger knows of purchases for their days.
        prices: of the report types, as far as the settings name them.
    """

    steps: tuple[Step, ...]
    expected_seconds: float | None
    bought_again: int = 0
    prices: Prices = field(default_factory=Prices)

    @property
    def bought_by_type(self) -> Counter[str]:
        """How many reports of each type are bought."""
        return Counter(step.stream for step in self.steps if step.buys)

    @property
    def over_budget(self) -> int:
        """Windows that the budget leaves for a later run."""
        return sum(step.action == LEAVE for step in self.steps)

    def counts(self, attribute: str) -> dict[str, dict[str, int]]:
        """Steps by action for every value of an attribute: `seller_id` or `stream`."""
        result: dict[str, Counter[str]] = {}
        for step in self.steps:
            result.setdefault(getattr(step, attribute), Counter())[step.action] += 1
        return {name: dict(counter) for name, counter in result.items()}

    def document(self) -> dict[str, Any]:
        """The plan for programs."""
        return {
            "steps": [asdict(step) for step in self.steps],
            "triggers": self.bought_by_type.total(),
            "cost": str(cost) if (cost := self.prices.cost(self.bought_by_type)) is not None else None,
            "currency": self.prices.currency,
            "bought_again": self.bought_again,
            "over_budget": self.over_budget,
            "expected_seconds": self.expected_seconds,
            "by_seller": self.counts("seller_id"),
            "by_stream": self.counts("stream"),
        }


def step_of(
    request: ReportRequest, *, generation_times: GenerationTimes | None, is_left: bool = False, is_again: bool = False
) -> Step:
    """What a run does about a window."""
    if is_left:
        action, reason = LEAVE, "the budget of reports is used up; it comes first in the next run"
    elif request.is_archived:
        action, reason = ARCHIVE, "its file is in the archive"
    elif request.report_id is not None:
        action, reason = ADOPT, "it is bought and not yet read"
    elif request.is_repair:
        action, reason = READ_AGAIN, "it is to be repaired"
    elif request.is_reread:
        action, reason = READ_AGAIN, "it is within the look-back, or its period is still running"
    elif is_again:
        action, reason = TRIGGER, "it is bought again: no state knows that it is loaded, and no archive holds its file"
    else:
        action, reason = TRIGGER, "its days are after the bookmark"
    return Step(
        action=action,
        stream=request.stream,
        seller_id=request.seller_id,
        warehouse_id=request.warehouse_id,
        from_date=request.window.first.isoformat(),
        to_date=request.window.last.isoformat(),
        report_id=request.report_id,
        reason=reason,
        expected_seconds=generation_times.typical if generation_times else None,
    )


def plan_run(wanted: WantedReports, ledger: Ledger | None) -> Plan:
    """What a run would do from here; no call is made and nothing is written.

    Args:
        wanted: what the run wants.
        ledger: what was bought, if one is kept.
    """
    requests, limits, generation_times = list(wanted.all_requests()), wanted.limits(), wanted.generation_times()
    return make_plan(
        requests,
        skipped=[step for streams in wanted.streams_by_report() for step in _skipped(wanted, streams)],
        generation_times=generation_times,
        max_concurrent_reports=limits.max_concurrent_reports,
        again=bought_before(requests, ledger),
        prices=wanted.settings.report_prices,
        left=left_over(requests, limits=limits, generation_times=generation_times) if limits.has_budget else (),
    )


def _skipped(wanted: WantedReports, streams: Sequence[RecordStream]) -> Iterator[Step]:
    """Partitions of a report for which this run has nothing to get, and why."""
    name = streams[0].report_type.name
    requests = wanted.requests(streams)
    if not requests:
        reason = "it asks for a warehouse, and warehouse_ids names none"
        yield Step(action=SKIP, stream=name, seller_id="(all)", warehouse_id=None, reason=reason)
    for key, needed in requests.items():
        if not needed:
            bookmarks = [stream.partition_states[key].coverage().bookmark for stream in streams]
            complete = min((day for day in bookmarks if day is not None), default=None)
            yield Step(
                action=SKIP,
                stream=name,
                seller_id=key.seller_id,
                warehouse_id=key.warehouse_id,
                reason=_reason_to_skip(complete, is_repair=bool(wanted.settings.repair)),
            )


def _reason_to_skip(complete: date | None, *, is_repair: bool) -> str:
    if is_repair:
        return "the setting repair does not name it"
    return f"it is complete up to {complete}" if complete else "none of its days can be requested yet"


def make_plan(  # noqa: PLR0913 - what a plan shows of each window
    requests: Sequence[ReportRequest],
    *,
    skipped: Sequence[Step],
    generation_times: Mapping[str, GenerationTimes],
    max_concurrent_reports: int,
    again: Collection[ReportRequest] = (),
    left: Collection[ReportRequest] = (),
    prices: Prices | None = None,
) -> Plan:
    """The plan of a run.

    Args:
        requests: the windows, in the order in which they are read.
        skipped: partitions that need nothing.
        generation_times: generation times by identifier.
        max_concurrent_reports: for the expected time.
        again: the windows whose days were bought before.
        left: the windows that the budget leaves over.
        prices: of the report types.
    """
    steps = [
        step_of(
            request,
            generation_times=generation_times.get(request.identifier),
            is_left=request in left,
            is_again=request in again,
        )
        for request in requests
    ]
    return Plan(
        steps=(*steps, *skipped),
        expected_seconds=_makespan(steps, slots=max_concurrent_reports),
        bought_again=sum(step.buys and request in again for step, request in zip(steps, requests, strict=True)),
        prices=prices or Prices(),
    )


def _makespan(steps: Iterable[Step], *, slots: int) -> float | None:
    """Time until the last report is ready, if each takes as long as its type usually does."""
    ends = [0.0] * slots
    for step in steps:
        if not step.buys:
            continue
        if step.expected_seconds is None:
            return None
        heapq.heapreplace(ends, ends[0] + step.expected_seconds)
    return max(ends)


def table(plan: Plan) -> str:
    """The plan for people."""
    rows = [("action", "stream", "seller", "warehouse", "from", "to", "report", "why")]
    rows += [
        (
            step.action,
            step.stream,
            step.seller_id,
            step.warehouse_id or "",
            step.from_date,
            step.to_date,
            step.report_id or "",
            step.reason,
        )
        for step in plan.steps
    ]
    cost = plan.prices.in_words(plan.bought_by_type)
    triggers = counted(plan.bought_by_type.total(), "report")
    lines = [f"{triggers} would be triggered{f', for {cost}' if cost else ''}."]
    if plan.bought_again:
        lines.append(f"{plan.bought_again} of them are for days that were bought before.")
    if plan.over_budget:
        lines.append(f"The budget leaves {plan.over_budget} more for a later run.")
    if plan.expected_seconds:
        minutes = round(plan.expected_seconds / 60)
        lines.append(f"Expected time: {'about ' + counted(minutes, 'minute') if minutes else 'less than a minute'}.")
    for title, attribute in (("By seller", "seller_id"), ("By stream", "stream")):
        lines += ["", f"{title}:"]
        for name, counts in plan.counts(attribute).items():
            lines.append(f"  {name}: " + ", ".join(f"{number} {action}" for action, number in counts.items()))
    return "\n".join([*lines, "", *aligned(rows)])
