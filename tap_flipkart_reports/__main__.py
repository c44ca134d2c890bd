"""The command `tap-flipkart-reports`."""

from __future__ import annotations

import logging
import os
import sys

from tap_flipkart_reports.exceptions import FlipkartReportsError, PipeClosedError, WindowsFailedError


def main() -> None:
    """Run the tap; whatever a user can cause ends in one sentence on standard error, never in a traceback."""
    from tap_flipkart_reports.tap import TapFlipkartReports  # noqa: PLC0415 - `--version` is answered without the SDK

    logger = logging.getLogger(TapFlipkartReports.name)
    try:
        TapFlipkartReports.cli()
    except WindowsFailedError as error:
        logger.error("%d of the windows failed and will be asked for again by the next run:", len(error.failures))  # noqa: TRY400 - the sentence is all
        for failure in error.failures:
            logger.error("- %s", failure)  # noqa: TRY400 - the same
        sys.exit(1)
    except FlipkartReportsError as error:
        if isinstance(error, PipeClosedError):
            # Python would try to flush the dead pipe once more at its end, and print a traceback.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        logger.error("%s", error)  # noqa: TRY400 - the same
        sys.exit(1)


if __name__ == "__main__":
    main()
