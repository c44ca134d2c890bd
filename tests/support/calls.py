"""How many functions some code calls."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from cProfile import Profile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Calls:
    """What was counted.

    Attributes:
        number: calls of functions, also of those written in C; 0 until the block is left.
    """

    number = 0


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count the calls of a block in this thread.

    The garbage collector waits meanwhile: hypothesis has it call back, and those calls would be counted, too.
    """
    calls = Calls()
    profile = Profile()
    gc.disable()
    try:
        with profile:
            yield calls
    finally:
        gc.enable()
        calls.number = sum(entry.callcount for entry in profile.getstats())
