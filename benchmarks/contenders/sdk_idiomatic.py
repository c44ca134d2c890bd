# /// script
# requires-python = ">=3.10"
# dependencies = ["singer-sdk~=0.54.9", "requests"]
# ///
"""A singer-sdk tap as its cookiecutter and most taps have it: DictReader, and one record at a time."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from reports import Typing, requested_report
from singer_sdk import Stream, Tap
from singer_sdk import typing as th

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class ReportStream(Stream):
    """The rows of one report type."""

    def __init__(self, tap: Tap) -> None:
        super().__init__(tap, name=tap.config["stream"], schema=dict(tap.config["schema"]))
        self.primary_keys = tap.config["key_properties"]
        self._typing = Typing(tap.config)

    def get_records(self, context: Mapping[str, Any] | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002 - the SDK's signature
        """The file's rows.

        Args:
            context: the partition.
        """
        response = requested_report(self.config)
        text = io.StringIO(response.content.decode("utf-8-sig"), newline="")
        for row_number, row in enumerate(csv.DictReader(text), 1):
            yield self._typing.record(row, row_number)


class ReportTap(Tap):
    """One report."""

    name = "tap-report"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("stream", th.StringType, required=True),
        th.Property("schema", th.ObjectType(additional_properties=True), required=True),
        th.Property("key_properties", th.ArrayType(th.StringType), required=True),
        th.Property("seller_id", th.StringType, required=True),
        th.Property("from_date", th.DateType, required=True),
        th.Property("to_date", th.DateType, required=True),
    ).to_dict()
    stream_class = ReportStream

    def discover_streams(self) -> list[Stream]:
        """The one stream."""
        return [self.stream_class(self)]


if __name__ == "__main__":
    ReportTap.cli()
