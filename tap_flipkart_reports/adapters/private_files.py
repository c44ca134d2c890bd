"""Files and folders that only their owner may read from the start: they hold orders, names and purchases."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
FOLDER_OF_OWNER = stat.S_IRWXU


def make_file(path: Path) -> None:
    """Create an empty file that only its owner may read; an existing file keeps its content and mode.

    Raises:
        OSError: it cannot be created.
    """
    # Opening a pipe without a reader would block for ever.
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | getattr(os, "O_NONBLOCK", 0), OWNER_ONLY))


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents, which only their owner may read.

    Raises:
        OSError: they cannot be created.
    """
    missing = [path, *path.parents]
    missing = missing[: next((number for number, folder in enumerate(missing) if folder.exists()), 0)]
    for folder in reversed(missing):
        folder.mkdir(mode=FOLDER_OF_OWNER, exist_ok=True)


def is_open_to_others(path: Path) -> bool:
    """Whether a file exists that others than its owner may read or write."""
    return os.name == "posix" and path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & ~OWNER_ONLY)
