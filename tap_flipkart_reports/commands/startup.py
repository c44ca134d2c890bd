"""How both commands start and end: a sentence on standard error, and an exit code that says who has to act."""

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
"""As shells report a program that SIGPIPE has ended."""

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
"""What to do about what a machine refuses, by the error's number."""


def load_tap() -> type[TapFlipkartReports]:
    """The tap's class, with the SDK and whatever else that loads.

    Collecting garbage while modules load costs a tenth of that time, and modules are never garbage.
    """
    gc.disable()
    from tap_flipkart_reports.tap import TapFlipkartReports  # noqa: PLC0415 - `--version` is answered without the SDK

    gc.freeze()
    gc.enable()
    return TapFlipkartReports


def run_command(command: Callable[[], int], *, tell: Callable[[str], None]) -> int:
    """Run a command to its end; whatever a user, a server or the machine can cause ends in a sentence.

    Args:
        command: runs, and returns its exit code.
        tell: says one line to the operator.

    Returns:
        The exit code.
    """
    try:
        _check_output()
        _open_log()
        _escape_what_cannot_be_written()
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:  # of a command such as `plan | head`; a run of the tap raises PipeClosedError
        _forget_output()
        return PIPE_CLOSED
    except (KeyboardInterrupt, EOFError):  # Ctrl-C, or Ctrl-D at a question
        return INTERRUPTED
    except FlipkartReportsError as error:
        return _end(error, tell)
    except (OSError, MemoryError, RuntimeError) as error:
        if (refusal := _refusal_of(error)) is None:
            raise
        return _end(refusal, tell)
    return code


def _check_output() -> None:
    """Refuse to run without standard output: the next file that is opened would take its place.

    Raises:
        OutputError: it is closed.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed: send it to a target, a file or /dev/null")


def _open_log() -> None:
    """Let what is said on standard error go nowhere where it is closed: libraries would fail without it.

    Without it the next file that is opened would take its place, too, and get what is written there.
    """
    if sys.stderr is None:
        os.dup2(os.open(os.devnull, os.O_RDWR), STANDARD_ERROR)
        sys.stderr = open(STANDARD_ERROR, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115 - it is the process's own


def _escape_what_cannot_be_written() -> None:
    """Write letters that the terminal's encoding lacks as Python spells them: a seller's name may be in any script."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _refusal_of(error: OSError | MemoryError | RuntimeError) -> FlipkartReportsError | None:
    """What the machine has refused, `None` where it was not the machine."""
    if isinstance(error, MemoryError):
        return MachineError("the machine has no memory left: give it more, or lower max_concurrent_reports")
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename is not None else ""
        advice = _ADVICE.get(error.errno or 0, "")
        return MachineError(f"the machine refuses what the run needs: {error.strerror or error}{where}{advice}")
    if NO_THREAD in str(error):
        return MachineError("the machine starts no more threads: allow more, or lower max_concurrent_reports")
    return None


def _end(error: FlipkartReportsError, tell: Callable[[str], None]) -> int:
    if isinstance(error, (OutputError, MachineError)):
        _forget_output()
    if isinstance(error, WindowsFailedError):
        tell(f"{error.headline}:")
        for line in error.lines:
            tell(f"- {line}")
    else:
        tell(str(error))
    return error.exit_code


def _forget_output() -> None:
    """Send what is still buffered nowhere: Python would try to write it at its end, and print a traceback."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
