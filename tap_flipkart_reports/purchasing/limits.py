"""What the settings allow a run to buy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL_TRIGGERS = ""
"""Where `Scheduler.triggers` counts the triggers of all types."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the scheduler must keep to; times in seconds."""

    max_concurrent_reports: int = 8
    max_concurrent_reports_per_seller: int = 4
    poll_interval: float = 5
    poll_max_interval: float = 120
    max_wait: float | None = None
    max_reports: int | None = None
    max_reports_by_identifier: Mapping[str, int | None] = field(default_factory=dict)
    max_reports_per_seller_by_identifier: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def has_budget(self) -> bool:
        """Whether some windows may be left over."""
        budgets = (*self.max_reports_by_identifier.values(), *self.max_reports_per_seller_by_identifier.values())
        return any(budget is not None for budget in (self.max_reports, *budgets))
