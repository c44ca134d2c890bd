"""The life of many reports: trigger ahead, poll, download, try again, within caps, delivered in the order asked for.

Reports take minutes to hours and cost money, so the scheduler knows all windows of a run before it starts. A few
worker threads share one lock: whoever is free takes the most urgent call that is due (a poll; then a report that is
bought already; then a trigger; then the download whose link dies soonest), makes it without the lock, and books what
came of it. The consumer asks for one report after the other with `take` and is told there, in its own thread, of every
change since the last time.

Without workers (`workers=0`) the consumer's thread makes the calls itself while it waits; with a clock that only
pretends to sleep, hours of reports then pass in milliseconds, always in the same order.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import random
import threading
import uuid
from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from tap_flipkart_reports.exceptions import (
    AnswerLostError,
    AuthenticationError,
    CallError,
    CallRefusedError,
    FlipkartReportsError,
    LedgerError,
    LinkRefusedError,
    RateLimitedError,
    ReportExpiredError,
    ReportFailedError,
    ReportTimeoutError,
    TokenStoreError,
)
from tap_flipkart_reports.purchasing.events import Deferred, Delivery, EventKind, ReportEvent, ReportProgress
from tap_flipkart_reports.purchasing.limits import ALL_TRIGGERS, Limits
from tap_flipkart_reports.purchasing.links import DownloadSpeeds
from tap_flipkart_reports.purchasing.polling import GenerationTimes, poll_pause
from tap_flipkart_reports.purchasing.ports import NoLedger, ReportApi, ReportLedger
from tap_flipkart_reports.purchasing.rate_limit import ConcurrencyLimit
from tap_flipkart_reports.purchasing.report_detail import ReportDetail, ReportStatus
from tap_flipkart_reports.purchasing.report_life import Stage, TrackedReport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.purchasing.requests import Claim, ReportRequest

LOGGER = logging.getLogger("tap-flipkart-reports.scheduler")

MAX_ATTEMPTS = 3
"""Triggers of one window in one run: each costs money, and what failed three times seldom works the fourth."""

MAX_DEAD_LINKS = 3
"""Links of one report that may be refused before the report counts as expired."""

SECONDS_TO_STOP = 10.0
"""How long a call that is under way may finish once the run is asked to stop: the answer to a trigger is paid for."""

SECONDS_TO_LEAVE = 120.0
"""The same at the end of `max_wait`, when nobody stands and waits."""

STALE_LINK_SECONDS = 30.0
"""A link that waited longer than this is looked at before it is used."""

MAX_BYTES_WAITING = 4 * 2**30
"""Bytes of downloaded files that may wait on disk before nothing more is triggered or downloaded ahead."""

COOLDOWN_POLLS = 12
"""A FAILED report is triggered again after this many first pauses: asking at once fails at once elsewhere too."""

NOT_FOUND = 404

MAX_NOT_FOUND = 5
"""Times a report just triggered may be unknown to the detail call before it counts as expired."""


class Scheduler:
    """Lives many reports at once.

    Args:
        api: the three calls.
        clock: time.
        limits: caps, pauses, budget.
        folder: where files wait until they are taken; the caller owns and removes it.
        on_events: told of all changes since the last time, in the thread that calls `take`.
        ledger: where bought reports are booked.
        generation_times: generation times by identifier, from earlier runs.
        workers: threads that make calls; 0 makes them in the thread that calls `take`.
        ahead: whether reports may be triggered before they are asked for.
    """

    def __init__(  # noqa: PLR0913 - each is a seam of its own
        self,
        *,
        api: ReportApi,
        clock: Clock,
        limits: Limits,
        folder: Path,
        on_events: Callable[[Sequence[ReportEvent]], None] = lambda _changes: None,
        ledger: ReportLedger | None = None,
        generation_times: Mapping[str, GenerationTimes] | None = None,
        workers: int = 8,
        ahead: bool = True,
    ) -> None:
        self._api = api
        self._clock = clock
        self._limits = limits
        self._folder = folder
        self._on_changes = on_events
        self._ledger = ledger or NoLedger()
        self._workers = workers
        self._ahead = ahead
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self.generation_times: dict[str, GenerationTimes] = dict(generation_times or {})
        self.triggers: Counter[str | tuple[str, str]] = Counter()

        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._lives: dict[ReportRequest, TrackedReport] = {}
        self._orders = itertools.count()
        self._bought: deque[TrackedReport] = deque()
        self._waiting: dict[str, list[tuple[int, int, TrackedReport]]] = {}
        self._delayed: list[tuple[float, int, TrackedReport]] = []
        self._polls: list[tuple[float, int, TrackedReport]] = []
        self._ready: list[tuple[float, int, TrackedReport]] = []
        self._in_progress: Counter[str] = Counter()
        self._last_trigger: dict[str, int] = {}
        self._brake = ConcurrencyLimit(ceiling=limits.max_concurrent_reports)
        self._brakes: dict[str, ConcurrencyLimit] = {}
        self._last_refused_seller: str | None = None
        self._transfers = DownloadSpeeds()
        self._downloading = 0
        self._changes: deque[ReportEvent] = deque()
        self._wanted: TrackedReport | None = None
        self._unsettled = 0
        self._bytes_waiting = 0
        self._deadline: float | None = None
        self._stop_reason: str | None = None
        self._broken: LedgerError | None = None
        self._give_up_at: float | None = None

    # The consumer's side

    def submit(self, requests: Iterable[ReportRequest]) -> None:
        """Add reports that are wanted."""
        with self._changed:
            if self._deadline is None and self._limits.max_wait is not None:
                self._deadline = self._clock.monotonic() + self._limits.max_wait
            for request in requests:
                readers = request.readers
                life = TrackedReport(
                    request=request, order=next(self._orders), unfinished=set(readers), unread=set(readers)
                )
                self._lives[request] = life
                self._unsettled += 1
                if request.report_id is None:
                    self._wait_for_slot(life)
                else:
                    self._bought.append(life)
            self._changed.notify_all()

    def take(self, request: ReportRequest) -> Delivery | Deferred:
        """Wait for a report.

        Args:
            request: one that was submitted.

        Raises:
            LedgerError: purchases cannot be booked, so none is made; the run cannot go on.
            FlipkartReportsError: the report could not be had; the text does not repeat the request.
        """
        life = self._lives[request]
        self._start_workers()
        while True:
            call = None
            with self._changed:
                self._wanted = life
                changes = self._drain()
                if not changes:
                    self._obey_stop()
                    if self._broken is not None:
                        raise self._broken
                    if life.is_settled:
                        break
                    call = self._next_call() if self._workers == 0 else None
                    if call is None and not life.is_settled:
                        self._rest()
            if changes:
                self._on_changes(changes)
            if call is not None:
                self._make(*call)
        if isinstance(life.outcome, Exception):
            raise life.outcome
        return cast("Delivery | Deferred", life.outcome)

    def report_id_of(self, request: ReportRequest) -> str | None:
        """The report that was bought for a request, if there is one."""
        return self._lives[request].report_id

    def finish(
        self, delivery: Delivery, *, stream: str, rows: int, rejected: int = 0, fingerprints: Collection[str] = ()
    ) -> None:
        """Say that a stream's rows of a delivered report are out; finished is what all its streams have read."""
        with self._changed:
            life = self._lives[delivery.request]
            life.unfinished.discard(stream)
            life.rows += rows
            life.rejected += rejected
            life.fingerprints |= set(fingerprints)
        if not life.unfinished:
            self._ledger.finished(
                delivery.request, rows=life.rows, rejected=life.rejected, fingerprints=life.fingerprints
            )

    def release(self, delivery: Delivery, *, stream: str) -> None:
        """Say that a stream needs a delivered file no more; the last one's word removes it from the disk."""
        with self._changed:
            life = self._lives[delivery.request]
            life.unread.discard(stream)
            if life.unread:
                return
            self._bytes_waiting -= delivery.size
            self._changed.notify_all()
        delivery.path.unlink(missing_ok=True)
        self._ledger.released(delivery.request)

    def tell(self) -> None:
        """Tell the consumer of all changes so far."""
        with self._changed:
            changes = self._drain()
        if changes:
            self._on_changes(changes)

    def stop(self, reason: str) -> None:
        """Begin nothing new: what is not finished is left for the next run.

        Only sets a flag, so a signal handler may call it whatever the thread it interrupts is doing. Calls that are
        under way may finish for some seconds, above all a trigger, whose answer holds the report id.
        """
        with self._changed:
            self._stop_reason = self._stop_reason or reason
            self._give_up_at = None
            self._changed.notify_all()

    def close(self) -> None:
        """Stop, wait some seconds for calls that are under way, and tell of what they have brought."""
        self.stop("the run has ended")
        ends = self._clock.monotonic() + SECONDS_TO_STOP
        for thread in self._threads:
            thread.join(max(0.0, ends - self._clock.monotonic()))
        self.tell()

    def progress(self) -> tuple[list[ReportProgress], int]:
        """Where the reports that are bought stand, the oldest first, and how many windows wait for their turn."""
        with self._changed:
            now = self._clock.monotonic()
            polls = {life.order: at for at, _, life in self._polls}
            bought = [
                ReportProgress(
                    request=life.request,
                    report_id=life.report_id,
                    status=life.stage.value,
                    age=now - life.triggered_at,
                    next_poll=max(0.0, polls[life.order] - now) if life.order in polls else None,
                )
                for life in self._lives.values()
                if life.report_id is not None and (not life.is_settled or life.is_unread)
            ]
            waiting = sum(life.stage is Stage.WAITING for life in self._lives.values())
        return sorted(bought, key=lambda standing: -(standing.age or 0.0)), waiting

    # What to do next; all with the lock held

    def _next_call(self) -> tuple[Callable[[TrackedReport], None], TrackedReport] | None:
        """Reserve the most urgent call that is due.

        Polls and triggers are short and keep Flipkart busy, so they go before downloads, which may take minutes.
        """
        self._obey_stop()
        if self._stop_reason is not None:
            return None
        now = self._clock.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            self._wait_for_slot(heapq.heappop(self._delayed)[2])
        if self._polls and self._polls[0][0] <= now:
            return self._poll, self._reserved(heapq.heappop(self._polls)[2])
        if (life := self._next_to_adopt()) is not None:
            self._hold_slot(life)
            return self._adopt, self._reserved(life)
        if (life := self._next_to_trigger(now)) is not None:
            self._hold_slot(life)
            self._last_trigger[life.request.seller_id] = next(self._orders)
            self._count_trigger(life, 1)
            return self._trigger, self._reserved(life)
        if (life := self._next_to_download()) is not None:
            self._downloading += 1
            return self._download, self._reserved(life)
        return None

    def _next_to_adopt(self) -> TrackedReport | None:
        """What is bought already is in progress anyhow, so it waits for no slot: its links may be dying."""
        if self._ahead:
            return self._bought.popleft() if self._bought else None
        wanted = self._wanted
        if wanted is None or wanted not in self._bought:
            return None
        self._bought.remove(wanted)
        return wanted

    def _next_to_download(self) -> TrackedReport | None:
        """The link that dies first, as long as there is room on disk, and a worker left for short calls."""
        if self._downloading >= max(1, self._workers - 1):
            return None
        if self._bytes_waiting <= MAX_BYTES_WAITING:
            return heapq.heappop(self._ready)[2] if self._ready else None
        for number, (_, _, life) in enumerate(self._ready):
            if life is self._wanted:
                del self._ready[number]
                heapq.heapify(self._ready)
                return life
        return None

    def _next_to_trigger(self, now: float) -> TrackedReport | None:
        cap = min(self._limits.max_concurrent_reports, self._brake.cap)
        if self._in_progress.total() >= cap or self._brake.not_before > now:
            return None
        heads = [head for seller in list(self._waiting) if (head := self._head(seller, now)) is not None]
        if not self._ahead or self._bytes_waiting > MAX_BYTES_WAITING:
            heads = [head for head in heads if head is self._wanted]
        return min(heads, key=self._urgency, default=None)

    def _head(self, seller_id: str, now: float) -> TrackedReport | None:
        """The seller's first waiting life, if the seller has a free slot."""
        brake = self._brake_of(seller_id)
        if self._in_progress[seller_id] >= brake.cap or brake.not_before > now:
            return None
        heap = self._waiting[seller_id]
        while heap:
            life = heap[0][2]
            if life.stage is Stage.WAITING and not self._is_within_budget(life):
                self._leave(life, "the budget of reports is used up", is_unbought=True)
            if life.stage is Stage.WAITING:
                return self._wanted if self._wanted_instead(life) else life
            heapq.heappop(heap)
        del self._waiting[seller_id]
        return None

    def _wanted_instead(self, life: TrackedReport) -> bool:
        """Where nothing may be triggered ahead, the report that is waited for goes before its seller's others."""
        wanted = self._wanted
        return (
            (not self._ahead or self._bytes_waiting > MAX_BYTES_WAITING)
            and wanted is not None
            and wanted.stage is Stage.WAITING
            and wanted.request.seller_id == life.request.seller_id
            and self._is_within_budget(wanted)
        )

    def _urgency(self, life: TrackedReport) -> tuple[int, int, int, int]:
        """Priority first; then the seller with the fewest reports in progress, then the one not served longest."""
        seller = life.request.seller_id
        return life.request.priority, self._in_progress[seller], self._last_trigger.get(seller, -1), life.order

    def _is_within_budget(self, life: TrackedReport) -> bool:
        request, limits = life.request, self._limits
        return all(
            limit is None or self.triggers[counted] < limit
            for counted, limit in (
                (ALL_TRIGGERS, limits.max_reports),
                (request.identifier, limits.max_reports_by_identifier.get(request.identifier)),
                (
                    (request.identifier, request.seller_id),
                    limits.max_reports_per_seller_by_identifier.get(request.identifier),
                ),
            )
        )

    def _count_trigger(self, life: TrackedReport, number: int) -> None:
        self.triggers[ALL_TRIGGERS] += number
        self.triggers[life.request.identifier] += number
        self.triggers[life.request.identifier, life.request.seller_id] += number

    def _seconds_to_next(self) -> float | None:
        """Seconds until a call falls due by itself, `None` if only another call's end can bring one."""
        times = [heap[0][0] for heap in (self._polls, self._delayed) if heap]
        if self._waiting:
            times += [brake.not_before for brake in (self._brake, *self._brakes.values())]
        now = self._clock.monotonic()
        later = [time for time in times if time > now]
        if self._deadline is not None:
            later.append(self._deadline)
        return max(0.0, min(later) - now) if later else None

    def _obey_stop(self) -> None:
        now = self._clock.monotonic()
        if self._stop_reason is None and self._deadline is not None and now >= self._deadline:
            self._stop_reason = "max_wait is over"
            self._give_up_at = now + SECONDS_TO_LEAVE
        if self._stop_reason is None:
            return
        if self._give_up_at is None:
            self._give_up_at = now + SECONDS_TO_STOP
        for life in self._lives.values():
            if not life.is_settled and (life.stage is not Stage.CALLING or now >= self._give_up_at):
                self._leave(life, self._stop_reason)

    def _rest(self) -> None:
        """Wait until something changes or falls due."""
        seconds = self._seconds_to_next()
        if self._workers == 0:
            self._clock.sleep(self._limits.poll_interval if seconds is None else seconds)
            return
        ends = [end - self._clock.monotonic() for end in (self._deadline, self._give_up_at) if end is not None]
        self._clock.wait(self._changed, max(0.0, min(ends)) if ends else None)

    # The workers

    def _start_workers(self) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for _ in range(self._workers - len(self._threads)):
            thread = threading.Thread(target=self._work, name="report-worker", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                while (call := self._next_call()) is None:
                    if self._stop_reason is not None or self._unsettled == 0:
                        return
                    self._clock.wait(self._changed, self._seconds_to_next())
            self._make(*call)

    def _make(self, call: Callable[[TrackedReport], None], life: TrackedReport) -> None:
        """Make a call; an error that the call did not expect is the consumer's to see."""
        try:
            call(life)
        except Exception as error:  # noqa: BLE001 - raised again by `take`, in the consumer's thread
            with self._changed:
                if isinstance(error, LedgerError):
                    self._broken = error
                    self._stop_reason = self._stop_reason or "the report ledger cannot be used"
                self._settle(life, error)
        finally:
            with self._changed:
                self._changed.notify_all()

    # Trigger

    def _adopt(self, life: TrackedReport) -> None:
        claim = self._ledger.claim(life.request, correlation_id=str(uuid.uuid4()))
        with self._changed:
            self._not_triggered(life, claim)

    def _trigger(self, life: TrackedReport) -> None:
        request = replace(life.request, report_id=None)
        correlation_id = str(uuid.uuid4())
        claim = self._ledger.claim(request, correlation_id=correlation_id)
        if claim.held_by is not None or claim.report_id is not None:
            with self._changed:
                self._count_trigger(life, -1)
                self._not_triggered(life, claim)
            return
        life.correlation_id = correlation_id
        life.is_claimed = True
        life.attempts += 1
        try:
            report_id = self._api.trigger(
                seller_id=request.seller_id,
                identifier=request.identifier,
                parameters=request.parameters,
                correlation_id=correlation_id,
            )
        except AnswerLostError as error:
            self._ledger.lost(correlation_id=correlation_id)
            with self._changed:
                self._free_slot(life)
                self._tell(life, EventKind.LOST)
                self._try_again(life, error)
        except (CallError, AuthenticationError, TokenStoreError) as error:
            self._ledger.not_bought(correlation_id=correlation_id)
            with self._changed:
                self._trigger_refused(life, error)
        else:
            with self._changed:
                life.report_id = report_id
                life.triggered_at = self._clock.monotonic()
                life.not_found = life.dead_links = 0
                self._brake.accepted()
                self._brake_of(request.seller_id).accepted()
                self._tell(life, EventKind.TRIGGERED)  # first of all: the state has the id if the ledger fails
            self._ledger.bought(correlation_id=correlation_id, report_id=report_id)
            with self._changed:
                self._poll_at(life, life.triggered_at + self._pause(life))

    def _not_triggered(self, life: TrackedReport, claim: Claim) -> None:
        """The window has another worker, or a report that only has to be read."""
        if claim.held_by is not None:
            self._leave(life, f"another worker ({claim.held_by}) is getting it")
            return
        life.report_id = claim.report_id
        life.is_claimed = True
        life.correlation_id = None
        life.triggered_at = self._clock.monotonic()
        life.not_found = life.dead_links = 0
        self._tell(life, EventKind.ADOPTED)
        self._poll_at(life, life.triggered_at)

    def _trigger_refused(self, life: TrackedReport, error: CallError | AuthenticationError | TokenStoreError) -> None:
        self._free_slot(life)
        self._count_trigger(life, -1)
        life.attempts -= 1
        if isinstance(error, AuthenticationError):
            self._refuse_seller(life.request.seller_id, error)
            self._settle(life, error)
        elif isinstance(error, RateLimitedError):
            self._slow_down(life, error)
        elif isinstance(error, CallRefusedError) or life.refused_calls >= MAX_ATTEMPTS:
            self._settle(life, error)
        else:
            life.refused_calls += 1
            self._delay(life, self._limits.poll_interval * COOLDOWN_POLLS)

    def _slow_down(self, life: TrackedReport, error: RateLimitedError) -> None:
        """A 429 counts for its seller; once two sellers in turn get one, for all."""
        now, seller = self._clock.monotonic(), life.request.seller_id
        wait = self._brake_of(seller).refused(
            now=now,
            in_progress=self._in_progress[seller],
            retry_after=error.retry_after,
            pause=self._limits.poll_interval,
        )
        if self._last_refused_seller not in {None, seller}:
            self._brake.refused(
                now=now, in_progress=self._in_progress.total(), retry_after=wait, pause=self._limits.poll_interval
            )
        self._last_refused_seller = seller
        LOGGER.warning("%s: the API asks to slow down; next trigger in %.0f s.", life.request, wait)
        self._wait_for_slot(life)
        if life.is_settled:
            for _, _, other in self._waiting.pop(seller, []):
                self._wait_for_slot(other)

    def _refuse_seller(self, seller_id: str, error: AuthenticationError) -> None:
        """Without a token none of the seller's other reports can be had either; no call is spent on them."""
        bought = [life for life in self._bought if life.request.seller_id == seller_id]
        for life in [*bought, *(life for _, _, life in self._waiting.pop(seller_id, []))]:
            if life.stage is Stage.WAITING:
                self._settle(life, error)
        self._bought = deque(life for life in self._bought if not life.is_settled)

    # Poll

    def _poll(self, life: TrackedReport) -> None:
        request, report_id = life.request, cast("str", life.report_id)
        now = self._clock.monotonic()
        life.polled_at, life.pause = now, now - max(life.polled_at, life.triggered_at)
        try:
            detail = self._api.detail(seller_id=request.seller_id, report_id=report_id)
        except AuthenticationError as error:
            with self._changed:
                self._settle(life, error)
        except (CallError, TokenStoreError) as error:
            with self._changed:
                self._poll_refused(life, error)
        else:
            if detail.status is ReportStatus.COMPLETED and detail.location:
                self._ledger.completed(request, expiry=detail.expiry)
            with self._changed:
                self._judge(life, detail)

    def _poll_refused(self, life: TrackedReport, error: CallError | TokenStoreError) -> None:
        if isinstance(error, CallRefusedError) and error.status == NOT_FOUND:
            life.not_found += 1
            if life.correlation_id is None or life.not_found >= MAX_NOT_FOUND:
                self._give_up_report(life, ReportExpiredError("the API does not know the report any more"))
                return
        elif isinstance(error, CallRefusedError) and not isinstance(error, RateLimitedError):
            self._settle(life, error)
            return
        wait = error.retry_after if isinstance(error, RateLimitedError) else None
        LOGGER.warning("%s: %s; asking again later.", self._name(life), error)
        self._poll_later(life, at_least=wait or 0.0)

    def _judge(self, life: TrackedReport, detail: ReportDetail) -> None:
        """What a detail answer means for the report."""
        if life.is_settled:
            return
        status, word = detail.status, detail.status_word
        if status is ReportStatus.FAILED:
            self._give_up_report(life, ReportFailedError("Flipkart reports FAILED and gives no reason"))
        elif status is ReportStatus.EXPIRED:
            self._give_up_report(life, ReportExpiredError("Flipkart reports EXPIRED"))
        elif status is ReportStatus.COMPLETED and detail.location:
            self._completed(life, detail)
        else:
            if not status.is_running:
                word = f"{word} without a link"
            if (status is ReportStatus.UNKNOWN or not status.is_running) and word not in life.odd_words:
                life.odd_words.add(word)
                LOGGER.warning("%s: status %r is not documented; taken as still running.", self._name(life), word)
            self._poll_later(life)

    def _completed(self, life: TrackedReport, detail: ReportDetail) -> None:
        life.location, life.expiry = detail.location, detail.expiry
        seconds = None
        if life.in_progress:
            self._free_slot(life)
            if life.correlation_id is not None:
                seconds = self._clock.monotonic() - life.triggered_at
                known = self.generation_times.get(life.request.identifier)
                self.generation_times[life.request.identifier] = (
                    known.with_seen(seconds) if known else GenerationTimes.first(seconds)
                )
        self._tell(life, EventKind.COMPLETED, seconds=seconds, pause=life.pause)
        life.stage = Stage.READY
        life.ready_at = self._clock.monotonic()
        dies_at = life.expiry.timestamp() if life.expiry else float("inf")
        heapq.heappush(self._ready, (dies_at, life.order, life))

    def _poll_later(self, life: TrackedReport, *, at_least: float = 0.0) -> None:
        now = self._clock.monotonic()
        waited = now - life.triggered_at
        if waited > life.request.report_timeout:
            self._settle(
                life,
                ReportTimeoutError(
                    f"not ready after {waited:.0f} s (report_timeout); it stays bought and the next run asks for it "
                    "first"
                ),
            )
            return
        self._poll_at(life, now + max(at_least, self._pause(life)))

    def _poll_at(self, life: TrackedReport, at: float) -> None:
        if life.is_settled:
            return
        life.stage = Stage.RUNNING
        heapq.heappush(self._polls, (at, life.order, life))

    def _pause(self, life: TrackedReport) -> float:
        return poll_pause(
            waited=self._clock.monotonic() - life.triggered_at,
            learned=self.generation_times.get(life.request.identifier) if life.correlation_id else None,
            poll_interval=self._limits.poll_interval,
            poll_max_interval=self._limits.poll_max_interval,
            rng=self._rng,
        )

    # Download

    def _download(self, life: TrackedReport) -> None:
        try:
            pause = self._seconds_to_new_link(life)
            if pause is None:
                self._fetch(life)
                return
            with self._changed:
                LOGGER.info("%s: its link would die before the file is here; asking for a new one.", self._name(life))
                self._poll_at(life, self._clock.monotonic() + pause)
        finally:
            with self._changed:
                self._downloading -= 1

    def _fetch(self, life: TrackedReport) -> None:
        request, report_id = life.request, cast("str", life.report_id)
        path = self._folder / f"{life.order}-{life.attempts}.report"
        began = self._clock.monotonic()
        try:
            file = self._api.download(
                seller_id=request.seller_id, report_id=report_id, location=cast("str", life.location), path=path
            )
        except AuthenticationError as error:
            with self._changed:
                self._settle(life, error)
        except (CallError, TokenStoreError) as error:
            with self._changed:
                self._download_refused(life, error)
        else:
            self._ledger.downloaded(request, size=file.size, sha256=file.sha256)
            with self._changed:
                seconds = self._clock.monotonic() - began
                self._transfers.saw(request.identifier, size=file.size, seconds=seconds)
                self._bytes_waiting += file.size
                self._tell(life, EventKind.DOWNLOADED, size=file.size)
                delivery = Delivery(request=request, report_id=report_id, path=path, size=file.size, sha256=file.sha256)
                self._settle(life, delivery)

    def _seconds_to_new_link(self, life: TrackedReport) -> float | None:
        """Seconds until another link is asked for, `None` to take this one.

        One that had to wait is asked for again at once. A fresh one dies first, because until then the API may hand it
        out again; that is done once for a report, and never if the expiry, which has no zone, has passed already.
        """
        if life.expiry is None:
            return None
        left = (life.expiry - self._clock.now()).total_seconds()
        if left >= self._transfers.expected(life.request.identifier):
            return None
        if self._clock.monotonic() - life.ready_at >= STALE_LINK_SECONDS:
            return 0.0
        if left <= 0 or life.is_link_let_go:
            return None
        life.is_link_let_go = True
        return left + 1

    def _download_refused(self, life: TrackedReport, error: CallError | TokenStoreError) -> None:
        life.dead_links += 1
        if life.dead_links < MAX_DEAD_LINKS:
            LOGGER.warning("%s: %s; asking for a new link.", self._name(life), error)
            self._poll_at(life, self._clock.monotonic() + self._limits.poll_interval * (life.dead_links - 1))
        elif isinstance(error, LinkRefusedError):
            self._give_up_report(life, ReportExpiredError(f"{life.dead_links} links of it were refused"))
        else:
            self._settle(life, error)

    # Ends

    def _give_up_report(self, life: TrackedReport, error: ReportFailedError | ReportExpiredError) -> None:
        self._free_slot(life)
        self._ledger.abandoned(life.request, status="FAILED" if isinstance(error, ReportFailedError) else "EXPIRED")
        self._tell(life, EventKind.ABANDONED)
        self._try_again(life, error)

    def _try_again(self, life: TrackedReport, error: FlipkartReportsError) -> None:
        if life.attempts >= MAX_ATTEMPTS:
            self._settle(life, type(error)(f"{error}, {life.attempts} times over"))
            return
        LOGGER.warning(
            "%s: %s; triggered again, which is paid for again (attempt %d of %d).",
            self._name(life),
            error,
            life.attempts + 1,
            MAX_ATTEMPTS,
        )
        life.report_id = life.location = None
        self._delay(life, self._limits.poll_interval * COOLDOWN_POLLS)

    def _delay(self, life: TrackedReport, seconds: float) -> None:
        if life.is_settled:
            return
        life.stage = Stage.DELAYED
        heapq.heappush(self._delayed, (self._clock.monotonic() + seconds, life.order, life))

    def _wait_for_slot(self, life: TrackedReport) -> None:
        if life.is_settled:
            return
        now = self._clock.monotonic()
        allowed_at = max(self._brake.not_before, self._brake_of(life.request.seller_id).not_before)
        is_over_by_then = self._deadline is not None and now < allowed_at and allowed_at >= self._deadline
        if is_over_by_then or allowed_at - now > life.request.report_timeout:
            self._leave(life, f"the API asks to wait {allowed_at - now:.0f} s")
            return
        life.stage = Stage.WAITING
        heap = self._waiting.setdefault(life.request.seller_id, [])
        heapq.heappush(heap, (life.request.priority, life.order, life))

    def _hold_slot(self, life: TrackedReport) -> None:
        life.in_progress = True
        self._in_progress[life.request.seller_id] += 1

    def _free_slot(self, life: TrackedReport) -> None:
        if life.in_progress:
            life.in_progress = False
            self._in_progress[life.request.seller_id] -= 1

    def _leave(self, life: TrackedReport, reason: str, *, is_unbought: bool = False) -> None:
        left = Deferred(request=life.request, report_id=life.report_id, reason=reason, is_unbought=is_unbought)
        self._settle(life, left)

    def _settle(self, life: TrackedReport, outcome: Delivery | Deferred | Exception) -> None:
        if life.is_settled:
            return
        self._free_slot(life)
        life.stage = Stage.SETTLED
        life.outcome = outcome
        self._unsettled -= 1
        if life.is_claimed and not isinstance(outcome, Delivery):
            self._ledger.released(life.request)

    # Small change

    @staticmethod
    def _reserved(life: TrackedReport) -> TrackedReport:
        life.stage = Stage.CALLING
        return life

    def _brake_of(self, seller_id: str) -> ConcurrencyLimit:
        if seller_id not in self._brakes:
            self._brakes[seller_id] = ConcurrencyLimit(ceiling=self._limits.max_concurrent_reports_per_seller)
        return self._brakes[seller_id]

    def _drain(self) -> list[ReportEvent]:
        changes = list(self._changes)
        self._changes.clear()
        return changes

    def _tell(self, life: TrackedReport, change: EventKind, **figures: float | None) -> None:
        """Log a change, with its facts as fields for structured logs, and keep it for the consumer."""
        request = life.request
        news = ReportEvent(
            kind=change,
            request=request,
            report_id=life.report_id,
            correlation_id=life.correlation_id,
            at=self._clock.now(),
            attempt=life.attempts,
            **figures,  # type: ignore[arg-type]  # the names are the fields'
        )
        fields = {
            "stream_name": request.stream,
            "seller_id": request.seller_id,
            "warehouse_id": request.warehouse_id,
            "window": str(request.window),
            "report_id": news.report_id,
            "correlation_id": news.correlation_id,
            "change": change.name.lower(),
            **figures,
        }
        after = f" after {news.seconds:.0f} s" if news.seconds is not None else ""
        LOGGER.info("%s: %s%s.", self._name(life), change.value, after, extra=fields)
        self._changes.append(news)

    @staticmethod
    def _name(life: TrackedReport) -> str:
        report = f", report {life.report_id}" if life.report_id else ""
        correlation = f", correlation id {life.correlation_id}" if life.correlation_id else ""
        return f"{life.request}{report}{correlation}"
