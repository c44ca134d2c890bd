"""The command `tap-flipkart-reports`."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.commands.startup import load_tap, tell_end
from tap_flipkart_reports.exceptions import FlipkartReportsError


def main() -> None:
    """Run the tap; whatever a user can cause ends in one sentence on standard error, never in a traceback."""
    if sys.argv[1:] == ["--version"]:
        print(f"{PACKAGE} v{version(PACKAGE)}, Meltano SDK v{version('singer-sdk')}")  # noqa: T201 - the answer
        return
    try:
        load_tap().cli()
    except FlipkartReportsError as error:
        tell_end(error, logging.getLogger(PACKAGE))
        sys.exit(1)


if __name__ == "__main__":
    main()


if __name__ == "__main__":
    main()
