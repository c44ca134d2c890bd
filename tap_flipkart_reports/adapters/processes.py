"""Which process is which: names that tell whether their owner still lives, and folders that go with their owner."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path

from tap_flipkart_reports.exceptions import MachineError

OWNER = "owner"
"""The file in a folder that names the process it belongs to."""

WORDS_IN_NAME = 3
"""Machine, process id, start; a machine's name may have more."""

MAX_OWNER = 1000
"""Bytes of that file."""

NOBODY = "-"
"""Stands in a name for what the system does not tell."""

ENDED = frozenset("ZX")
"""States of a process that does nothing any more, though nobody has asked yet how it ended."""


def own_name() -> str:
    """Machine, process id and start of this process."""
    return f"{_machine()} {os.getpid()} {_start_of(os.getpid()) or NOBODY}"


def is_gone(name: str) -> bool:
    """Whether the process of that name has certainly ended; of other machines nothing is certain."""
    pid, start = _here(name)
    return pid is not None and _start_of(pid) != start


def is_other_process(name: str) -> bool:
    """Whether the process of that name is another one of this machine, and is certainly there."""
    if name == own_name():
        return False
    pid, start = _here(name)
    return pid is not None and _start_of(pid) == start


def _here(name: str) -> tuple[int | None, str]:
    """Id and start of a process of this machine; no id where it is of another, or nobody can tell."""
    machine, pid, start = [*name.rsplit(" ", 2), "", "", ""][:3]
    is_here = machine == _machine() and start != NOBODY and pid.isascii() and pid.isdecimal()
    return (int(pid) if is_here else None), start


def new_folder(prefix: str) -> Path:
    """Make a temporary folder of this process, and remove those of its kind that killed processes have left behind.

    Args:
        prefix: how the names of the kind begin.

    Raises:
        MachineError: there is no place for it.
    """
    try:
        for owner in Path(tempfile.gettempdir()).glob(f"{prefix}*/{OWNER}"):
            name = _own_text(owner)
            if name is not None and name.count(" ") >= WORDS_IN_NAME - 1 and is_gone(name):
                shutil.rmtree(owner.parent, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        (folder / OWNER).write_text(own_name(), encoding="utf-8")
    except OSError as error:
        raise MachineError(
            f"no temporary folder can be made ({error.strerror or error}): set TMPDIR to a folder with room that the "
            "tap may write to"
        ) from None
    return folder


def _own_text(path: Path) -> str | None:
    """A short text that this user has written; `None` for anything else under its name, as a pipe or a huge file.

    Others may put what they like into the temporary folder of a machine.
    """
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except (OSError, ValueError):
        return None
    try:
        state = os.fstat(number)
        is_own = not hasattr(os, "getuid") or state.st_uid == os.getuid()
        if not stat.S_ISREG(state.st_mode) or not is_own or state.st_size > MAX_OWNER:
            return None
        return os.read(number, MAX_OWNER).decode()
    except (OSError, UnicodeDecodeError):
        return None
    finally:
        os.close(number)


def _machine() -> str:
    """Host, boot and process-id namespace: hosts may have one name, containers one host."""
    boot = _text_of(Path("/proc/sys/kernel/random/boot_id"))
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        namespace = NOBODY
    return f"{socket.gethostname()} {boot}/{namespace}"


def _start_of(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; `None` if there is no such process, or no way to tell."""
    fields = _text_of(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return None if len(fields) < 20 or fields[0] in ENDED else fields[19]  # noqa: PLR2004 - proc(5)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return NOBODY
