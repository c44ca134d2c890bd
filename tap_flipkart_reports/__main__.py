"""The command `tap-flipkart-reports`."""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import version

from tap_flipkart_reports.exceptions import FlipkartReportsError, PipeClosedError, WindowsFailedError

PACKAGE = "tap-flipkart-reports"


def main() -> None:
    """Run the tap; whatever a user can cause ends in one sentence on standard error, never in a traceback."""
    if sys.argv[1:] == ["--version"]:
        print(f"{PACKAGE} v{version(PACKAGE)}, Meltano SDK v{version('singer-sdk')}")  # noqa: T201 - the answer
        return
    from tap_flipkart_reports.tap import TapFlipkartReports  # noqa: PLC0415 - `--version` is answered without the SDK

    try:
        TapFlipkartReports.cli()
    except FlipkartReportsError as error:
        tell_end(error, logging.getLogger(TapFlipkartReports.name))
        sys.exit(1)


def tell_end(error: FlipkartReportsError, logger: logging.Logger) -> None:
    """Say why a run did not end well.

    Args:
        error: what ended it.
        logger: where it is said.
    """
    if isinstance(error, PipeClosedError):
        # Python would try to flush the dead pipe once more at its end, and print a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, WindowsFailedError):
        logger.error("%s", error)
        return
    logger.error("%d windows failed and will be asked for again by the next run:", len(error.failures))
    for failure in error.failures:
        logger.error("- %s", failure)


if __name__ == "__main__":
    main()
