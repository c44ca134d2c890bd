# /// script
# requires-python = ">=3.10"
# dependencies = ["airbyte-cdk==7.39.1", "requests"]
# ///
"""An Airbyte source with a stream written in Python."""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING, Any

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import ConnectorSpecification, SyncMode
from airbyte_cdk.sources import AbstractSource
from airbyte_cdk.sources.streams import Stream
from reports import Typing, approximate, requested_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class ReportStream(Stream):
    """The rows of one report type."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._typing = Typing(config, number=approximate)  # its messages cannot hold decimals

    @property
    def name(self) -> str:
        """The report type."""
        return str(self._config["stream"])

    @property
    def primary_key(self) -> list[str]:
        """The natural key."""
        return list(self._config["key_properties"])

    def get_json_schema(self) -> Mapping[str, Any]:
        """The schema of its records."""
        return dict(self._config["schema"])

    def read_records(
        self,
        sync_mode: SyncMode,  # noqa: ARG002 - the CDK's signature
        cursor_field: list[str] | None = None,  # noqa: ARG002 - the CDK's signature
        stream_slice: Mapping[str, Any] | None = None,  # noqa: ARG002 - the CDK's signature
        stream_state: Mapping[str, Any] | None = None,  # noqa: ARG002 - the CDK's signature
    ) -> Iterable[dict[str, Any]]:
        """The file's rows."""
        text = io.StringIO(requested_report(self._config).content.decode("utf-8-sig"), newline="")
        for row_number, row in enumerate(csv.DictReader(text), 1):
            yield self._typing.record(row, row_number)


class ReportSource(AbstractSource):
    """One report."""

    def spec(self, logger: Any) -> ConnectorSpecification:  # noqa: ANN401, ARG002 - the CDK's signature
        """Any configuration will do."""
        return ConnectorSpecification(connectionSpecification={"type": "object"})

    def check_connection(self, logger: Any, config: Mapping[str, Any]) -> tuple[bool, None]:  # noqa: ANN401, ARG002 - the CDK's signature
        """Nothing to check."""
        return True, None

    def streams(self, config: Mapping[str, Any]) -> list[Stream]:
        """The one stream."""
        return [ReportStream(config)]


if __name__ == "__main__":
    launch(ReportSource(), sys.argv[1:])
