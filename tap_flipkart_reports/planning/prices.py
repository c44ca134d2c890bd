"""What reports cost in money, as far as the operator has said. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CURRENCY = "currency"
"""The member that names the currency; all others are report types."""

ANY_TYPE = "*"
"""The member that prices every type which has no price of its own."""


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices of one report of each type.

    Attributes:
        currency: such as INR.
        by_type: prices by report type, `*` for all others.
    """

    currency: str = ""
    by_type: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, members: Mapping[str, Any]) -> Prices:
        """The prices that `report_prices` names."""
        return cls(
            currency=str(members.get(CURRENCY, "")),
            by_type={name: Decimal(str(price)) for name, price in members.items() if name != CURRENCY},
        )

    def cost(self, counts: Mapping[str, int]) -> Decimal | None:
        """What some reports cost; `None` if the price of one of them is not known.

        Args:
            counts: how many of each type.
        """
        prices = {name: self.by_type.get(name, self.by_type.get(ANY_TYPE)) for name, count in counts.items() if count}
        if not prices or None in prices.values():
            return None
        return sum((price * counts[name] for name, price in prices.items() if price is not None), Decimal(0))

    def in_words(self, counts: Mapping[str, int]) -> str:
        """What some reports cost, as a person reads it; empty if nobody knows."""
        cost = self.cost(counts)
        return "" if cost is None else f"{self.currency} {cost:,.2f}".strip()
