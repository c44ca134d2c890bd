"""Threads beside those that buy: they show how far a run is, and end it when its process is asked to."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.exceptions import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger(PACKAGE)

LAST_SECONDS = 1.0
"""For a thread to end once the run has."""


@contextmanager
def repeated(act: Callable[[], None], *, seconds: float, clock: Clock, thread_name: str) -> Iterator[None]:
    """Do something each time that some seconds are over, until the block ends.

    Args:
        act: what is done; it raises nothing.
        seconds: between two times.
        clock: time.
        thread_name: of the thread that does it.

    Raises:
        WorkerError: the machine has no room for the thread.
    """
    ended, changed = threading.Event(), threading.Condition()

    def act_on_time() -> None:
        last = clock.monotonic()
        while not ended.is_set():
            with changed:
                if not ended.is_set():
                    clock.wait(changed, seconds)
            if not ended.is_set() and clock.monotonic() - last >= seconds:
                last = clock.monotonic()
                act()

    thread = _started(act_on_time, name=thread_name)
    try:
        yield
    finally:
        ended.set()
        with changed:
            changed.notify_all()
        thread.join(LAST_SECONDS)


class Termination:
    """What a signal handler may do, and what a thread of its own then does.

    A signal interrupts the main thread anywhere, perhaps in the middle of a line of the log. A handler that writes to
    the log, or waits for the lock of a thread that waits for the log, would end the run with an error, or never.

    Args:
        stop: ends the run in order.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._requests: SimpleQueue[Callable[[], None] | None] = SimpleQueue()  # a signal handler may put into it
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Wait for the process to be asked, until `end`.

        Raises:
            WorkerError: the machine has no room for the thread.
        """
        if self._thread is None:
            self._thread = _started(self._obey, name="termination")

    def ask(self) -> None:
        """End the run in order, soon; takes no lock and writes nothing."""
        self._requests.put(self._stop)

    def end(self) -> None:
        """The run has ended."""
        if self._thread is not None:
            self._requests.put(None)
            self._thread.join(LAST_SECONDS)

    def _obey(self) -> None:
        if (stop := self._requests.get()) is not None:
            stop()
            LOGGER.warning("Asked to end: finishing what is in progress; a second signal ends the run at once.")


def _started(target: Callable[[], None], *, name: str) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        raise WorkerError("the machine has no room for another thread: nothing was bought; run again") from None
    return thread
