"""The key of a partition: seller and warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class PartitionKey(NamedTuple):
    """A seller, and a warehouse for reports that are requested per warehouse."""

    seller_id: str
    warehouse_id: str | None = None

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> PartitionKey:
        """The key of the SDK's partition context."""
        return cls(context["seller_id"], context.get("warehouse_id"))

    @property
    def context(self) -> dict[str, Any]:
        """The partition context, as the SDK and the state have it."""
        return {name: value for name, value in self._asdict().items() if value is not None}
