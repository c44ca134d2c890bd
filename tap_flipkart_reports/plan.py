"""Which reports a run wants, and what it would do about each: adopt, trigger, read again, skip, and why. Pure."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.report_types import ReportType, filled_in
from tap_flipkart_reports.reports import Priority, ReportRequest
from tap_flipkart_reports.windows import (
    Coverage,
    Window,
    WindowKind,
    cells,
    clipped,
    cut,
    due_windows,
    merged,
    owed_windows,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from tap_flipkart_reports.pacing import Learned
    from tap_flipkart_reports.state import PendingReport

ADOPT = "adopt"
TRIGGER = "trigger"
READ_AGAIN = "read again"
SKIP = "skip"
LEAVE = "leave"


# What is wanted


@dataclass(frozen=True, kw_only=True)
class Partition:
    """What a run knows of one report type of one seller (and warehouse).

    Attributes:
        report_type: what is asked for.
        seller_id: whose.
        warehouse_id: of which warehouse, where the type asks for one.
        coverages: what each stream of the report has read, by the stream's name.
        pending: reports that are bought and not yet read by all of them.
        unbought: windows that the budget of earlier runs has left over.
    """

    report_type: ReportType
    seller_id: str
    warehouse_id: str | None
    coverages: Mapping[str, Coverage]
    pending: Sequence[PendingReport] = ()
    unbought: Sequence[Window] = ()

    def request(self, window: Window, streams: Sequence[str], *, priority: Priority) -> ReportRequest:
        """The report of a window; the one that was bought for just this, if there is one."""
        report_type = self.report_type
        bookmarks = [self.coverages[stream].bookmark for stream in streams]
        request = ReportRequest(
            stream=report_type.name,
            streams=tuple(streams),
            identifier=report_type.identifier,
            seller_id=self.seller_id,
            warehouse_id=self.warehouse_id,
            window=window,
            parameters=filled_in(
                report_type.parameters, window=window, seller_id=self.seller_id, warehouse_id=self.warehouse_id
            ),
            priority=priority,
            report_timeout=report_type.report_timeout or 0,
            is_reread=all(bookmark is not None and window.first <= bookmark for bookmark in bookmarks),
        )
        for report in self.pending:
            if report.window == window and report.digest == request.digest:
                return replace(request, report_id=report.report_id, priority=Priority.BOUGHT)
        return request


def wanted_reports(partition: Partition, *, start: date, newest: date) -> list[ReportRequest]:
    """Every report a run has to get of a partition: each bought once, for all the streams that read it.

    Args:
        partition: what is known.
        start: the first day wanted.
        newest: the last day that may be asked for.
    """
    rule = partition.report_type.rule
    owed = {
        stream: owed_windows(rule, coverage, start=start, newest=newest)
        for stream, coverage in partition.coverages.items()
    }
    windows = due_windows(
        rule,
        chain.from_iterable(owed.values()),
        pending=[
            report.window
            for report in partition.pending
            if not report.is_repair and (rule.kind is WindowKind.DAYS or not report.is_finished)
        ],
    )
    requests = []
    for window in windows:
        is_snapshot = rule.kind is WindowKind.SNAPSHOT
        streams = [name for name, days in owed.items() if is_snapshot or any(map(window.overlaps, days))]
        request = partition.request(window, streams, priority=Priority.BACKFILL)
        if request.priority is not Priority.BOUGHT:
            request = replace(request, priority=_priority(request, partition, is_newest=window is windows[-1]))
        requests.append(request)
    return requests


def _priority(request: ReportRequest, partition: Partition, *, is_newest: bool) -> Priority:
    if any(map(request.window.overlaps, partition.unbought)):
        return Priority.UNBOUGHT
    if is_newest:
        return Priority.NEWEST
    return Priority.LOOKBACK if request.is_reread else Priority.BACKFILL


def repairing_reports(
    partition: Partition, days: Mapping[str, Sequence[Window]], *, newest: date
) -> list[ReportRequest]:
    """The reports that read some days of a partition again, whatever has been read of them.

    Args:
        partition: what is known.
        days: the days by stream; where days are cut by a grid, the cells that hold them are read.
        newest: the last day that may be asked for.
    """
    rule = partition.report_type.rule
    wanted = list(clipped(merged(chain.from_iterable(days.values())), last=newest))
    if rule.kind is WindowKind.DAYS:
        windows = [piece for window in wanted for piece in cut(window, rule.window_days)]
    elif wanted:
        all_cells = cells(rule, Window(wanted[0].first, newest))
        windows = [cell for cell in all_cells if any(map(cell.overlaps, wanted))]
    else:
        windows = []
    ours = replace(partition, pending=[report for report in partition.pending if report.is_repair])
    requests = []
    for window in windows:
        streams = [stream for stream, repaired in days.items() if any(map(window.overlaps, repaired))]
        request = ours.request(window, streams, priority=Priority.NEWEST)
        requests.append(replace(request, is_reread=True, is_repair=True))
    return requests


# What is shown


@dataclass(frozen=True, kw_only=True)
class Step:
    """One window of a run, or one partition that needs none.

    Attributes:
        action: `adopt`, `trigger`, `read again` (triggered too), `leave` (for a later run) or `skip`.
        stream: the stream.
        seller_id: whose report.
        warehouse_id: of which warehouse.
        from_date: first day, empty for a skipped partition.
        to_date: last day.
        report_id: the report that is adopted.
        reason: why, as half a sentence.
        expected_seconds: generation time of the type as learned, `None` if nothing is known.
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
    """

    steps: tuple[Step, ...]
    expected_seconds: float | None

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
            "triggers": sum(step.buys for step in self.steps),
            "over_budget": self.over_budget,
            "expected_seconds": self.expected_seconds,
            "by_seller": self.counts("seller_id"),
            "by_stream": self.counts("stream"),
        }


def step_of(request: ReportRequest, *, learned: Learned | None, is_left: bool = False) -> Step:
    """What a run does about a window."""
    if is_left:
        action, reason = LEAVE, "the budget of reports is used up; it is first in the next run"
    elif request.report_id is not None:
        action, reason = ADOPT, "it is bought and not yet read"
    elif request.is_repair:
        action, reason = READ_AGAIN, "it is to be repaired"
    elif request.is_reread:
        action, reason = READ_AGAIN, "it is within the look-back, or its period is still running"
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
        expected_seconds=learned.typical if learned else None,
    )


def make_plan(
    requests: Iterable[ReportRequest],
    *,
    skipped: Sequence[Step],
    learned: Mapping[str, Learned],
    max_concurrent_reports: int,
    left: Collection[ReportRequest] = (),
) -> Plan:
    """The plan of a run.

    Args:
        requests: the windows, in the order in which they are read.
        skipped: partitions that need nothing.
        learned: generation times by identifier.
        max_concurrent_reports: for the expected time.
        left: the windows that the budget leaves over.
    """
    steps = [step_of(request, learned=learned.get(request.identifier), is_left=request in left) for request in requests]
    return Plan(steps=(*steps, *skipped), expected_seconds=_makespan(steps, slots=max_concurrent_reports))


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


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines, in columns as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


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
    lines = aligned(rows)
    for title, attribute in (("By seller", "seller_id"), ("By stream", "stream")):
        lines += ["", f"{title}:"]
        for name, counts in plan.counts(attribute).items():
            lines.append(f"  {name}: " + ", ".join(f"{number} {action}" for action, number in counts.items()))
    triggers = sum(step.buys for step in plan.steps)
    lines += ["", f"{triggers} reports would be triggered."]
    if plan.over_budget:
        lines.append(f"The budget leaves {plan.over_budget} more for a later run.")
    if plan.expected_seconds is not None:
        lines.append(f"Expected time: about {plan.expected_seconds / 60:.0f} minutes.")
    return "\n".join(lines)
