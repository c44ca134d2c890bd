"""Threads beside those that make calls: they show progress, and end the run on a signal."""

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

JOIN_SECONDS = 1.0
"""How long to wait for a thread to end."""


@contextmanager
def repeated(act: Callable[[], None], *, seconds: float, clock: Clock, thread_name: str) -> Iterator[None]:
    """Call a function every so many seconds, in a thread of its own, until the block ends.

    Args:
        act: the function; it must not raise.
        seconds: the time between two calls.
        clock: time.
        thread_name: name of the thread.

    Raises:
        WorkerError: the thread cannot be started.
    """
    ended, changed = threading.Event(), threading.Condition()

    def act_when_due() -> None:
        last = clock.monotonic()
        while not ended.is_set():
            with changed:
                if not ended.is_set():
                    clock.wait(changed, seconds)
            if not ended.is_set() and clock.monotonic() - last >= seconds:
                last = clock.monotonic()
                act()

    thread = _start_thread(act_when_due, name=thread_name)
    try:
        yield
    finally:
        ended.set()
        with changed:
            changed.notify_all()
        thread.join(JOIN_SECONDS)


class Termination:
    """Ends the run on a signal, from a thread of its own.

    A signal interrupts the main thread anywhere, perhaps while it writes to the log. A handler that writes to the log,
    or waits for the lock of a thread that waits for the log, could raise an error or deadlock.

    Args:
        stop: ends the run in order.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._requests: SimpleQueue[Callable[[], None] | None] = SimpleQueue()  # a signal handler may put into it
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread that waits for a request.

        Raises:
            WorkerError: the thread cannot be started.
        """
        if self._thread is None:
            self._thread = _start_thread(self._stop_on_request, name="termination")

    def request(self) -> None:
        """Ask the thread to end the run; takes no lock and writes nothing."""
        self._requests.put(self._stop)

    def end(self) -> None:
        """End the thread, once the run has ended."""
        if self._thread is not None:
            self._requests.put(None)
            self._thread.join(JOIN_SECONDS)

    def _stop_on_request(self) -> None:
        if (stop := self._requests.get()) is not None:
            stop()
            LOGGER.warning("Asked to end: finishing what is in progress; a second signal ends the run at once.")


def _start_thread(target: Callable[[], None], *, name: str) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        raise WorkerError("the machine has no room for another thread: nothing was bought; run again") from None
    return thread
