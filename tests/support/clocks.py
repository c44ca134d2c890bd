"""A clock that only pretends to wait."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

START = datetime(2026, 11, 24, 6, 0, tzinfo=timezone.utc)


class VirtualClock:
    """Time that passes when somebody sleeps; safe to share between threads.

    Attributes:
        slept: the waits so far, in seconds.
        waited: the same of waits that another thread may end.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._elapsed += seconds

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Time passes at once; without a limit only another thread can end the wait.

        Threads that only look on (the one that renews leases, and the heartbeat) move no time: calls of other threads
        would run into their deadlines.
        """
        if seconds is None:
            condition.wait()
        elif threading.current_thread().name in {"ledger-lease", "heartbeat"}:
            condition.wait(0.001)
        else:
            condition.wait(0.001)
            self.waited.append(seconds)
            self.advance(seconds)

    def set_back(self, seconds: float) -> None:
        """Somebody sets the wall clock; negative for a jump ahead."""
        self._start -= timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._elapsed += seconds


class SlowReadingClock(VirtualClock):
    """Time that passes with each batch of rows, which asks for it: a STATE is due after each."""

    def now(self) -> datetime:
        self.advance(2)
        return super().now()


class Crash(BaseException):
    """The run is gone, whatever it was doing."""


class FusedClock:
    """Another clock, which ends the run after so many looks at it."""

    def __init__(self, clock: VirtualClock, fuse: int | None) -> None:
        self._clock = clock
        self._fuse = fuse

    def _burn(self) -> None:
        if self._fuse is not None and threading.current_thread() is threading.main_thread():
            self._fuse -= 1
            if self._fuse < 0:
                self._fuse = None
                raise Crash

    def now(self) -> datetime:
        self._burn()
        return self._clock.now()

    def monotonic(self) -> float:
        self._burn()
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._burn()
        self._clock.sleep(seconds)

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        if threading.current_thread().name == "ledger-lease":
            condition.wait()  # for the end of the ledger
            return
        self._burn()
        self._clock.wait(condition, seconds)
