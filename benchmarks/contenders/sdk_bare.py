# /// script
# requires-python = ">=3.10"
# dependencies = ["singer-sdk~=0.54.9"]
# ///
"""The least an SDK tap can be: one stream of one column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk import Stream, Tap
from singer_sdk import typing as th

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class BareStream(Stream):
    """No records."""

    name = "bare"
    schema = th.PropertiesList(th.Property("id", th.StringType)).to_dict()

    def get_records(self, context: Mapping[str, Any] | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002 - the SDK's signature
        """None.

        Args:
            context: the partition.
        """
        return []


class BareTap(Tap):
    """One stream."""

    name = "tap-bare"
    config_jsonschema = th.PropertiesList(th.Property("token", th.StringType)).to_dict()

    def discover_streams(self) -> list[Stream]:
        """The one stream."""
        return [BareStream(self)]


if __name__ == "__main__":
    BareTap.cli()
