"""The log's level while a command shows on the screen what it has to say."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def logged_from(level: int, *, logger: str) -> Iterator[None]:
    """Let a logger drop what is below a level, and put its own level back at the end.

    Args:
        level: one of `logging`.
        logger: its name.
    """
    changed = logging.getLogger(logger)
    before = changed.level
    changed.setLevel(level)
    try:
        yield
    finally:
        changed.setLevel(before)
