# /// script
# requires-python = ">=3.10"
# dependencies = ["singer-python==6.8.0", "requests"]
# ///
"""A tap on singer-python, the library before the SDK."""

from __future__ import annotations

import csv
import io

import singer
from reports import Typing, read_config, requested_report


def main() -> None:
    """Write the schema, the records and the state."""
    config = read_config()
    stream, typing = config["stream"], Typing(config)
    singer.write_schema(stream, config["schema"], config["key_properties"])
    text = io.StringIO(requested_report(config).content.decode("utf-8-sig"), newline="")
    for row_number, row in enumerate(csv.DictReader(text), 1):
        singer.write_record(stream, typing.record(row, row_number), time_extracted=singer.utils.now())
    singer.write_state({"bookmarks": {stream: config["to_date"]}})


if __name__ == "__main__":
    main()
