# /// script
# requires-python = ">=3.10"
# dependencies = ["singer-sdk[msgspec]~=0.54.9", "requests"]
# ///
"""The idiomatic tap with every switch the SDK has for speed."""

from __future__ import annotations

from sdk_idiomatic import ReportStream, ReportTap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers.conform import TypeConformanceLevel


class FastReportStream(ReportStream):
    """Records are in order already: nothing is conformed."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE


class FastReportTap(ReportTap):
    """Messages are written by msgspec."""

    message_writer_class = MsgSpecWriter
    stream_class = FastReportStream


if __name__ == "__main__":
    FastReportTap.cli()
