"""Limits on what a run may buy, and how much of them is used up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_flipkart_reports.purchasing.requests import ReportRequest


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits that the scheduler keeps; times in seconds.

    Report types are keyed by name and not by identifier: several may share an identifier with different parameters.
    """

    max_concurrent_reports: int = 8
    max_concurrent_reports_per_seller: int = 4
    poll_interval: float = 5
    poll_max_interval: float = 120
    max_wait: float | None = None
    max_reports: int | None = None
    max_reports_by_type: Mapping[str, int | None] = field(default_factory=dict)
    max_reports_per_seller_by_type: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def has_budget(self) -> bool:
        """Whether any budget is set, so that windows may be left unbought."""
        budgets = (*self.max_reports_by_type.values(), *self.max_reports_per_seller_by_type.values())
        return any(budget is not None for budget in (self.max_reports, *budgets))


class Budget:
    """Counts triggers against the limits: in total, per report type, and per report type and seller.

    Attributes:
        triggers: number of triggers that bought a report or may have done so.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_type: Counter[str] = Counter()
        self._by_seller: Counter[tuple[str, str]] = Counter()
        self.triggers = 0

    def allows(self, request: ReportRequest) -> bool:
        """Whether the budget allows one more trigger for a request."""
        report_type, limits = request.stream, self._limits
        return all(
            limit is None or used < limit
            for used, limit in (
                (self.triggers, limits.max_reports),
                (self._by_type[report_type], limits.max_reports_by_type.get(report_type)),
                (
                    self._by_seller[report_type, request.seller_id],
                    limits.max_reports_per_seller_by_type.get(report_type),
                ),
            )
        )

    def count(self, request: ReportRequest, number: int = 1) -> None:
        """Count triggers for a request; a negative number gives back what was not bought."""
        self.triggers += number
        self._by_type[request.stream] += number
        self._by_seller[request.stream, request.seller_id] += number
