"""The name of a partition: whose report, and of which warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class PartitionKey(NamedTuple):
    """A seller, and a warehouse where the report is asked for per warehouse."""

    seller_id: str
    warehouse_id: str | None = None

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> PartitionKey:
        """The partition that the SDK calls a context."""
        return cls(context["seller_id"], context.get("warehouse_id"))

    @property
    def context(self) -> dict[str, Any]:
        """The SDK's name of the partition, as it stands in the state."""
        return {name: value for name, value in self._asdict().items() if value is not None}
