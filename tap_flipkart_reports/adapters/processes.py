"""Names of processes that show whether the process still exists, and temporary folders of processes."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path

from tap_flipkart_reports.exceptions import MachineError

OWNER = "owner"
"""The file in a folder that names its process."""

WORDS_IN_NAME = 3
"""Machine, process id, start; the machine's part may have more words."""

MAX_OWNER = 1000
"""Largest size of that file in bytes."""

NOBODY = "-"
"""Stands for a part of the name that the system does not tell."""

ENDED = frozenset("ZX")
"""States of a process that has ended but is not collected yet."""


def own_process_name() -> str:
    """This process's name: machine, process id and start."""
    return f"{_machine()} {os.getpid()} {_start_of(os.getpid()) or NOBODY}"


def is_gone(name: str) -> bool:
    """Whether a process has certainly ended; for other machines this is never certain."""
    pid, start = _local_process(name)
    return pid is not None and _start_of(pid) != start


def is_other_process(name: str) -> bool:
    """Whether a process is another one of this machine and certainly exists."""
    if name == own_process_name():
        return False
    pid, start = _local_process(name)
    return pid is not None and _start_of(pid) == start


def _local_process(name: str) -> tuple[int | None, str]:
    """Id and start of a process of this machine; no id for other machines or if it is unknown."""
    machine, pid, start = [*name.rsplit(" ", 2), "", "", ""][:3]
    is_here = machine == _machine() and start != NOBODY and pid.isascii() and pid.isdecimal()
    return (int(pid) if is_here else None), start


def new_folder(prefix: str) -> Path:
    """Create a temporary folder for this process, and remove those that killed processes have left behind.

    Args:
        prefix: the prefix of all such folders.

    Raises:
        MachineError: the folder cannot be created.
    """
    try:
        for owner in Path(tempfile.gettempdir()).glob(f"{prefix}*/{OWNER}"):
            name = _read_own_file(owner)
            if name is not None and name.count(" ") >= WORDS_IN_NAME - 1 and is_gone(name):
                shutil.rmtree(owner.parent, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        (folder / OWNER).write_text(own_process_name(), encoding="utf-8")
    except OSError as error:
        raise MachineError(
            f"no temporary folder can be made ({error.strerror or error}): set TMPDIR to a folder with room that the "
            "tap may write to"
        ) from None
    return folder


def _read_own_file(path: Path) -> str | None:
    """A short text file that this user has written; `None` for anything else, such as a pipe or a huge file.

    Other users may put anything into a machine's temporary folder.
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
    """Host name, boot id and process-id namespace: hosts may share a name, and containers a host."""
    boot = _read_text(Path("/proc/sys/kernel/random/boot_id"))
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        namespace = NOBODY
    return f"{socket.gethostname()} {boot}/{namespace}"


def _start_of(pid: int) -> str | None:
    """When a process started, in the kernel's ticks; `None` if it does not exist or the start is unknown."""
    fields = _read_text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return None if len(fields) < 20 or fields[0] in ENDED else fields[19]  # noqa: PLR2004 - proc(5)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return NOBODY
