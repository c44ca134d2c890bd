"""Buying a report: the claim of its window, the trigger, and what the trigger's answer means.

The claim is written to the ledger by the thread that does all such writing; only a claimed report is triggered.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from tap_flipkart_reports.exceptions import (
    AnswerLostError,
    AnswerNotUnderstoodError,
    AuthenticationError,
    CallError,
    ClaimLostError,
    MixedUpReportError,
    TokenStoreError,
)
from tap_flipkart_reports.purchasing import outcomes
from tap_flipkart_reports.purchasing.bookings import Booking, Urgency
from tap_flipkart_reports.purchasing.events import EventKind
from tap_flipkart_reports.purchasing.tracked_report import Stage, TrackedReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.purchasing.ports import ReportApi
    from tap_flipkart_reports.purchasing.records import Records
    from tap_flipkart_reports.purchasing.requests import Claim, ReportRequest, TriggerAnswer

LOGGER = logging.getLogger("tap-flipkart-reports.scheduler")


class Buyer:
    """Claims windows and triggers their reports.

    Args:
        api: the trigger call.
        records: what is kept of reports.
        first_pause: seconds from a trigger to the first detail call.
    """

    def __init__(self, *, api: ReportApi, records: Records, first_pause: Callable[[TrackedReport], float]) -> None:
        self._api = api
        self._records = records
        self._pause = first_pause

    # Claim

    def next_claim(self) -> Booking | None:
        """The next claim that may be made; with the lock held."""
        if (report := self._records.queue.next_to_adopt()) is not None:
            return self._claim(report, report.request)
        if (report := self._records.queue.next_to_buy(self._records.clock.monotonic())) is not None:
            return self._claim(report, replace(report.request, report_id=None), is_counted=True)
        return None

    def _claim(self, report: TrackedReport, request: ReportRequest, *, is_counted: bool = False) -> Booking:
        correlation_id = str(uuid.uuid4())

        def then(claim: Claim) -> None:
            is_bought = claim.report_id is not None or claim.unread_answer is not None
            if is_counted and (claim.held_by is not None or is_bought):
                self._records.queue.not_triggered(report)
            if claim.held_by is not None:
                self._records.defer(report, f"another worker ({claim.held_by}) is getting it")
            elif is_bought:
                self._adopt(report, claim)
            else:
                self._claimed(report, correlation_id)

        return Booking(
            write=lambda: self._records.ledger.claim(request, correlation_id=correlation_id),
            then=then,
            urgency=Urgency.CLAIM,
        )

    def _claimed(self, report: TrackedReport, correlation_id: str) -> None:
        if report.is_settled:  # the run was asked to end meanwhile
            self._records.queue.not_triggered(report)
            self._records.book(Urgency.ANSWER, lambda: self._records.ledger.not_bought(correlation_id=correlation_id))
            return
        report.correlation_id = correlation_id
        report.is_claimed = True
        report.attempts += 1
        if self._records.queue.is_blocked(report.request.identifier):  # meanwhile
            self._unclaim(report)
        else:
            self._records.queue.trigger_at_once(report)

    def _adopt(self, report: TrackedReport, claim: Claim) -> None:
        """The window has a report that only has to be read."""
        if report.is_settled:  # the run was asked to end meanwhile
            self._records.book(Urgency.RELEASE, lambda: self._records.ledger.released(report.request))
            return
        report.is_claimed = True
        report.is_last = claim.is_last
        report.correlation_id = None
        report_id = claim.report_id
        if claim.unread_answer is not None:
            report_id = self._read_late(report, claim.unread_answer, correlation_id=str(claim.correlation_id))
        if report_id is None:
            return
        if (owner := self._records.ownership.of_report(report_id, report.request)) is not None:
            self._records.settle(report, MixedUpReportError(f"report {report_id} belongs to {owner}: {_GIVE_UP}"))
            return
        report.began(report_id, at=self._records.clock.monotonic())
        self._records.record_event(report, EventKind.ADOPTED)
        self._records.queue.poll_at(report, report.triggered_at)

    def _read_late(self, report: TrackedReport, answer: str, *, correlation_id: str) -> str | None:
        report_id = self._api.report_id_in(answer)
        if report_id is not None:

            def then(owner: str | None) -> None:
                if owner is not None:
                    self._mixed_up(report, report_id, owner)

            self._records.book(
                Urgency.ANSWER,
                lambda: self._records.ledger.bought(correlation_id=correlation_id, report_id=report_id, unanswered=0),
                then,
            )
            return report_id
        error = AnswerNotUnderstoodError(
            f"its report was bought earlier (correlation id {correlation_id}), but the answer does not say where the "
            f"report id is: set report_id_path, or name the correlation id in given_up_reports; it was {answer}",
            answer=answer,
        )
        self._block(report.request.identifier)
        self._records.settle(report, error)
        return None

    # Trigger

    def trigger(self, report: TrackedReport) -> None:
        """Buy a report that is claimed."""
        request, correlation_id = report.request, cast("str", report.correlation_id)
        try:
            answer = self._api.trigger(
                seller_id=request.seller_id,
                identifier=request.identifier,
                parameters=request.parameters,
                correlation_id=correlation_id,
                before_send=lambda: self._records.ledger.confirm(correlation_id=correlation_id),
            )
        except AnswerLostError as error:
            with self._records.lock:
                self._lost(report, error)
        except AnswerNotUnderstoodError as error:
            with self._records.lock:
                self._not_understood(report, error)
        except ClaimLostError as error:
            with self._records.lock:
                self._records.queue.not_triggered(report)
                report.is_claimed = False
                self._records.defer(report, str(error))
        except (CallError, AuthenticationError, TokenStoreError) as error:
            with self._records.lock:
                self._not_bought(report, error)
        else:
            with self._records.lock:
                self._bought(report, answer)

    def _bought(self, report: TrackedReport, answer: TriggerAnswer) -> None:
        request, correlation_id = report.request, cast("str", report.correlation_id)
        if (owner := self._records.ownership.of_report(answer.report_id, request)) is not None:
            words = f"the trigger was answered with report {answer.report_id}, which belongs to {owner}"
            error = AnswerNotUnderstoodError(words, answer=words, unanswered=answer.unanswered)
            self._not_understood(report, error)
            return
        report.began(answer.report_id, at=self._records.clock.monotonic())
        report.stage = Stage.SETTLED if report.is_settled else Stage.BOOKING
        self._records.queue.triggered(report)
        self._records.queue.budget.count(request, answer.unanswered)
        self._records.record_event(report, EventKind.TRIGGERED, unanswered=answer.unanswered)

        def then(owner: str | None) -> None:
            if owner is None:
                self._records.queue.poll_at(report, report.triggered_at + self._pause(report))
            else:
                self._mixed_up(report, answer.report_id, owner)

        self._records.book(
            Urgency.ANSWER,
            lambda: self._records.ledger.bought(
                correlation_id=correlation_id, report_id=answer.report_id, unanswered=answer.unanswered
            ),
            then,
        )

    def _mixed_up(self, report: TrackedReport, report_id: str, owner: str) -> None:
        """The ledger knows of another window that has the report: nothing more of the type is triggered."""
        self._block(report.request.identifier)
        self._records.record_event(report, EventKind.ABANDONED)
        words = f"the trigger was answered with report {report_id}, which belongs to {owner}"
        self._records.settle(report, MixedUpReportError(words))

    def _lost(self, report: TrackedReport, error: AnswerLostError) -> None:
        request, correlation_id, besides = report.request, cast("str", report.correlation_id), error.unanswered - 1
        report.lost_answers += 1
        self._records.queue.free_slot(report)
        self._records.queue.budget.count(request, besides)
        self._records.record_event(report, EventKind.LOST, unanswered=besides)
        self._records.book(
            Urgency.ANSWER,
            lambda: self._records.ledger.lost(correlation_id=correlation_id, unanswered=error.unanswered),
        )
        report.is_claimed = False
        step = outcomes.after_lost_answer(report, error)
        if isinstance(step, outcomes.Fail):
            self._records.settle(report, step.error)
        else:
            self._records.trigger_again(report, error)

    def _not_understood(self, report: TrackedReport, error: AnswerNotUnderstoodError) -> None:
        """It is paid for: neither this window nor another of its type is triggered before a person has looked at it."""
        request, correlation_id = report.request, cast("str", report.correlation_id)
        self._records.queue.budget.count(request, error.unanswered)
        self._records.record_event(report, EventKind.NOT_UNDERSTOOD, unanswered=error.unanswered)
        self._records.book(
            Urgency.ANSWER,
            lambda: self._records.ledger.not_understood(
                correlation_id=correlation_id, answer=error.answer, unanswered=error.unanswered
            ),
        )
        self._block(request.identifier)
        self._records.settle(report, error)

    def _block(self, identifier: str) -> None:
        reason = f"the answer to a trigger of {identifier} was not understood, so this run makes no other"
        claimed = self._records.queue.take_claimed(identifier=identifier)
        self._records.queue.block(identifier, reason=reason, now=self._records.clock.monotonic())
        for other in claimed:
            self._unclaim(other)

    def _unclaim(self, report: TrackedReport) -> None:
        """A report that was about to be triggered waits for its turn again."""
        self._undo(report)
        self._records.queue.wait_for_slot(report, now=self._records.clock.monotonic())

    def _undo(self, report: TrackedReport) -> None:
        """Nothing was bought: the ledger, the budget and the slot are as if nobody had asked."""
        correlation_id = cast("str", report.correlation_id)
        self._records.book(Urgency.ANSWER, lambda: self._records.ledger.not_bought(correlation_id=correlation_id))
        self._records.queue.free_slot(report)
        self._records.queue.not_triggered(report)
        report.attempts -= 1
        report.is_claimed = False
        if not report.is_settled:
            report.stage = Stage.WAITING  # one that is still CLAIMED would be undone once more when it is left

    def _not_bought(self, report: TrackedReport, error: outcomes.CallFailure) -> None:
        self._undo(report)
        step = outcomes.after_refused_trigger(report, error)
        if isinstance(step, outcomes.Fail):
            if isinstance(error, AuthenticationError):
                # Without a token none of the seller's other reports can be had either; no call is spent on them.
                seller_id, queue = report.request.seller_id, self._records.queue
                for other in [*queue.take_claimed(seller_id=seller_id), *queue.take_waiting(seller_id)]:
                    self._records.settle(other, error)
            self._records.settle(report, step.error)
        elif isinstance(step, outcomes.Defer):
            self._records.defer_by(report, step)
        elif step.is_limited:
            claimed = self._records.queue.take_claimed(seller_id=report.request.seller_id)
            wait = self._records.queue.refused(
                report, now=self._records.clock.monotonic(), retry_after=step.retry_after
            )
            LOGGER.warning("%s: the API asks to slow down; next trigger in %.0f s.", report.request, wait)
            for other in claimed:
                self._unclaim(other)
        else:
            report.refused_calls += 1
            self._records.cool_down(report)


_GIVE_UP = "nothing of it is read; name it in given_up_reports to have the window bought again"
