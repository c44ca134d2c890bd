"""The threads that make calls and write to the ledger, each in a loop until the run ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeAlias

from tap_flipkart_reports.exceptions import WorkerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_flipkart_reports.clock import Clock

    Step: TypeAlias = Callable[[], None]
    NextStep: TypeAlias = Callable[[], Step | None]


class Threads:
    """The threads of one run.

    Args:
        clock: time.
        changed: the scheduler's lock, notified whenever a thread may have something to do.
        is_over: whether the threads have nothing left to do; called with the lock held.
        seconds_to_next: seconds until something is due; called with the lock held.
        on_end: called with an error that ended a thread.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        changed: threading.Condition,
        is_over: Callable[[], bool],
        seconds_to_next: Callable[[], float | None],
        on_end: Callable[[BaseException], None],
    ) -> None:
        self._clock = clock
        self._changed = changed
        self._is_over = is_over
        self._seconds_to_next = seconds_to_next
        self._on_end = on_end
        self._threads: list[threading.Thread] = []

    def start(self, steps: Mapping[str, NextStep]) -> None:
        """Start the threads that are not running, unless the run is over.

        Args:
            steps: by thread name, a function that reserves the thread's next step; called with the lock held.

        Raises:
            WorkerError: the machine cannot start two threads.
        """
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        with self._changed:
            if self._is_over():  # or they would be started again for each deferred window
                return
        names = {thread.name for thread in self._threads}
        for name, next_step in steps.items():
            if name in names:
                continue
            thread = threading.Thread(target=self._work, args=(next_step,), name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                if len(self._threads) > 1:  # fewer threads do the same work, more slowly
                    return
                raise WorkerError("the machine has no room for another thread: nothing was bought; run again") from None
            self._threads.append(thread)

    def join(self, *, until: float) -> None:
        """Wait for the threads to end, at most until a time of the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, until - self._clock.monotonic()))

    def _work(self, next_step: NextStep) -> None:
        try:
            while True:
                with self._changed:
                    while (step := next_step()) is None:
                        if self._is_over():
                            return
                        self._clock.wait(self._changed, self._seconds_to_next())
                step()
        except BaseException as error:  # noqa: BLE001 - raised by `take`, in the consumer's thread
            self._on_end(error)
