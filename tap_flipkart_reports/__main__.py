"""The command `tap-flipkart-reports`."""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import version

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.commands.startup import load_tap, run_command
from tap_flipkart_reports.exceptions import SettingsError


def main() -> None:
    """Run the tap. Any failure that a user can cause ends in one sentence on standard error, never in a traceback."""
    if sys.argv[1:] != ["--version"]:
        sys.exit(run_command(_run_tap, print_line=_print_to_stderr))
    if code := run_command(_print_version, print_line=_print_to_stderr):
        sys.exit(code)


def _print_to_stderr(line: str) -> None:
    """Write a line to the log, or to standard error if the SDK has not set up the log yet."""
    if logging.getLogger().handlers:
        logging.getLogger(PACKAGE).error(line)
    else:
        print(line, file=sys.stderr)  # noqa: T201 - why the command failed


def _print_version() -> int:
    print(f"{PACKAGE} v{version(PACKAGE)}, Meltano SDK v{version('singer-sdk')}")  # noqa: T201 - the answer
    return 0


def _run_tap() -> int:
    _check_log_level()
    try:
        load_tap().cli()
    except SystemExit as ended:
        return _code_of(ended)
    return 0


def _check_log_level() -> None:
    """Refuse a level that the log does not know: the SDK would end in a traceback.

    Raises:
        SettingsError: there is no such level.
    """
    for name in (f"{PACKAGE.upper().replace('-', '_')}_LOGLEVEL", "LOGLEVEL"):
        level = os.environ.get(name, "")
        if level and not isinstance(logging.getLevelName(level.upper()), int):
            raise SettingsError(f"the environment variable {name} is none of DEBUG, INFO, WARNING and ERROR")


def _code_of(ended: SystemExit) -> int:
    """The exit code that click has chosen."""
    return ended.code if isinstance(ended.code, int) else int(ended.code is not None)


if __name__ == "__main__":
    main()
