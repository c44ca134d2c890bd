"""How both commands start, and their last words."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import FlipkartReportsError, PipeClosedError, WindowsFailedError

if TYPE_CHECKING:
    import logging

    from tap_flipkart_reports.tap import TapFlipkartReports


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
