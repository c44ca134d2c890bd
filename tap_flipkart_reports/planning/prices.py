"""Prices of reports, as far as they are configured. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CURRENCY = "currency"
"""The member with the currency; all others are report types."""

ANY_TYPE = "*"
"""The member with the price of all types that have no price of their own."""


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices of one report of each type.

    Attributes:
        currency: for example INR.
        by_type: prices by report type; `*` is for all others.
    """

    currency: str = ""
    by_type: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, members: Mapping[str, Any]) -> Prices:
        """The prices in the setting `report_prices`."""
        return cls(
            currency=str(members.get(CURRENCY, "")),
            by_type={name: Decimal(str(price)) for name, price in members.items() if name != CURRENCY},
        )

    def cost(self, counts: Mapping[str, int]) -> Decimal | None:
        """The cost of some reports; `None` if one of their prices is not known.

        Args:
            counts: the number of reports by type.
        """
        prices = {name: self.by_type.get(name, self.by_type.get(ANY_TYPE)) for name, count in counts.items() if count}
        if not prices or None in prices.values():
            return None
        return sum((price * counts[name] for name, price in prices.items() if price is not None), Decimal(0))

    def in_words(self, counts: Mapping[str, int]) -> str:
        """The cost of some reports as text; empty if it is not known."""
        cost = self.cost(counts)
        return "" if cost is None else f"{self.currency} {cost:,.2f}".strip()
