"""How many functions some code calls."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Calls:
    """What was counted.

    Attributes:
        number: calls of functions, also of those written in C.
    """

    number = 0


@contextmanager
def counted_calls() -> Iterator[Calls]:
    """Count the calls of a block in this thread.

    Not by cProfile, which counts other threads, too, from Python 3.12 on. The garbage collector waits meanwhile:
    hypothesis has it call back, and those calls would be counted.
    """
    calls = Calls()

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            calls.number += 1

    before = sys.getprofile()
    gc.disable()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)
        gc.enable()
