"""Start and end of both commands: errors become a sentence on standard error and an exit code."""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import sys
from typing import TYPE_CHECKING

from tap_flipkart_reports.exceptions import (
    FlipkartReportsError,
    MachineError,
    OutputError,
    WindowsFailedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.tap import TapFlipkartReports

INTERRUPTED = 128 + signal.SIGINT

PIPE_CLOSED = 141
"""The exit code that shells report for a program ended by SIGPIPE."""

STANDARD_ERROR = 2

NO_THREAD = "can't start new thread"

_FREE_SPACE = "; free space where standard output and temporary files go"
_ALLOW_FILES = "; allow more open files, or lower max_concurrent_reports"
_ADVICE = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EMFILE: _ALLOW_FILES,
    errno.ENFILE: _ALLOW_FILES,
}
"""What to do about an error of the operating system, by `errno`."""


def load_tap() -> type[TapFlipkartReports]:
    """Import the tap's class, with the SDK.

    Garbage collection during imports takes a tenth of their time, and modules are never garbage.
    """
    gc.disable()
    from tap_flipkart_reports.tap import TapFlipkartReports  # noqa: PLC0415 - `--version` is answered without the SDK

    gc.freeze()
    gc.enable()
    return TapFlipkartReports


def run_command(command: Callable[[], int], *, print_line: Callable[[str], None]) -> int:
    """Run a command. Every error that a user, a server or the machine can cause is printed as one sentence.

    Args:
        command: the command; returns its exit code.
        print_line: prints a line for the operator.

    Returns:
        The exit code.
    """
    try:
        _check_output()
        _open_log()
        _escape_what_cannot_be_written()
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:  # in `plan | head`, for example; a run of the tap raises PipeClosedError
        _forget_output()
        return PIPE_CLOSED
    except (KeyboardInterrupt, EOFError):  # Ctrl-C, or Ctrl-D at a question
        return INTERRUPTED
    except FlipkartReportsError as error:
        return _end(error, print_line)
    except (OSError, MemoryError, RuntimeError) as error:
        if (refusal := _refusal_of(error)) is None:
            raise
        return _end(refusal, print_line)
    return code


def _check_output() -> None:
    """Refuse to run without standard output: the next file that is opened would take its place.

    Raises:
        OutputError: it is closed.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed: send it to a target, a file or /dev/null")


def _open_log() -> None:
    """If standard error is closed, send its output to the null device.

    Otherwise libraries would fail, or the next file that is opened would get that output.
    """
    if sys.stderr is None:
        os.dup2(os.open(os.devnull, os.O_RDWR), STANDARD_ERROR)
        sys.stderr = open(STANDARD_ERROR, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - open until the process ends


def _escape_what_cannot_be_written() -> None:
    """Escape characters that the terminal's encoding lacks: a seller's name may be in any script."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _refusal_of(error: OSError | MemoryError | RuntimeError) -> FlipkartReportsError | None:
    """The error for what the machine has refused; `None` if the machine is not the cause."""
    if isinstance(error, MemoryError):
        return MachineError("the machine has no memory left: give it more, or lower max_concurrent_reports")
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename is not None else ""
        advice = _ADVICE.get(error.errno or 0, "")
        return MachineError(f"the machine refuses what the run needs: {error.strerror or error}{where}{advice}")
    if NO_THREAD in str(error):
        return MachineError("the machine starts no more threads: allow more, or lower max_concurrent_reports")
    return None


def _end(error: FlipkartReportsError, print_line: Callable[[str], None]) -> int:
    if isinstance(error, (OutputError, MachineError)):
        _forget_output()
    if isinstance(error, WindowsFailedError):
        print_line(f"{error.headline}:")
        for line in error.lines:
            print_line(f"- {line}")
    else:
        print_line(str(error))
    return error.exit_code


def _forget_output() -> None:
    """Send buffered output to the null device: Python would try to write it on exit, and print a traceback."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
