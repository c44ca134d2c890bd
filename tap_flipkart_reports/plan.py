"""What a run would do, without a call: adopt, trigger, read again, skip, and why. Pure."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_flipkart_reports.pacing import Learned
    from tap_flipkart_reports.reports import ReportRequest

ADOPT = "adopt"
TRIGGER = "trigger"
READ_AGAIN = "read again"
SKIP = "skip"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One window of a run, or one partition that needs none.

    Attributes:
        action: `adopt`, `trigger`, `read again` (triggered too) or `skip`.
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
        over_budget: triggers that `max_reports` leaves for a later run.
    """

    steps: tuple[Step, ...]
    expected_seconds: float | None
    over_budget: int = 0

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


def step_of(request: ReportRequest, *, learned: Learned | None) -> Step:
    """What a run does about a window."""
    if request.report_id is not None:
        action, reason = ADOPT, "it is bought and not yet read"
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
    max_reports: int | None,
) -> Plan:
    """The plan of a run.

    Args:
        requests: the windows, in the order in which they are read.
        skipped: partitions that need nothing.
        learned: generation times by identifier.
        max_concurrent_reports: for the expected time.
        max_reports: triggers allowed.
    """
    steps = [step_of(request, learned=learned.get(request.identifier)) for request in requests]
    triggers = sum(step.buys for step in steps)
    return Plan(
        steps=(*steps, *skipped),
        expected_seconds=_makespan(steps, slots=max_concurrent_reports),
        over_budget=max(0, triggers - max_reports) if max_reports is not None else 0,
    )


def _makespan(steps: Iterable[Step], *, slots: int) -> float | None:
    """Time until the last report is ready, if each takes as long as its type usually does."""
    ends = [0.0] * slots
    for step in steps:
        if step.action == ADOPT:
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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for title, attribute in (("By seller", "seller_id"), ("By stream", "stream")):
        lines += ["", f"{title}:"]
        for name, counts in plan.counts(attribute).items():
            lines.append(f"  {name}: " + ", ".join(f"{number} {action}" for action, number in counts.items()))
    triggers = sum(step.buys for step in plan.steps)
    lines += ["", f"{triggers} reports would be triggered."]
    if plan.over_budget:
        lines.append(f"max_reports leaves {plan.over_budget} of them for a later run.")
    if plan.expected_seconds is not None:
        lines.append(f"Expected time: about {plan.expected_seconds / 60:.0f} minutes.")
    return "\n".join(lines)
