"""The command `tap-flipkart-reports`."""

from __future__ import annotations

import gc
import logging
import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import FlipkartReportsError, PipeClosedError, WindowsFailedError

if TYPE_CHECKING:
    from tap_flipkart_reports.tap import TapFlipkartReports


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


def load_tap() -> type[TapFlipkartReports]:
    """The tap's class, with the SDK and whatever else that loads.

    Modules are no garbage: to look for some among them, again and again while they load, takes a tenth of that time.
    """
    gc.disable()
    from tap_flipkart_reports.tap import TapFlipkartReports  # noqa: PLC0415 - `--version` is answered without the SDK

    gc.freeze()
    gc.enable()
    return TapFlipkartReports


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
