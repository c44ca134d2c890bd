"""Buying a report: claim its window, trigger it, and act on the answer.

One thread writes all claims to the ledger. Only a claimed report is triggered.
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
from tap_flipkart_reports.purchasing.events import EventKind
from tap_flipkart_reports.purchasing.ledger_writes import LedgerWrite, Urgency
from tap_flipkart_reports.purchasing.scheduler_state import TOO_LATE
from tap_flipkart_reports.purchasing.tracked_report import Stage, TrackedReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.purchasing.ports import ReportApi
    from tap_flipkart_reports.purchasing.requests import Claim, ReportRequest, TriggerAnswer
    from tap_flipkart_reports.purchasing.scheduler_state import SchedulerState

LOGGER = logging.getLogger("tap-flipkart-reports.scheduler")


class Buyer:
    """Claims windows and triggers their reports.

    Args:
        api: the trigger call.
        state: the state that all threads of the scheduler share.
        first_pause: seconds from a trigger to the first detail call.
    """

    def __init__(self, *, api: ReportApi, state: SchedulerState, first_pause: Callable[[TrackedReport], float]) -> None:
        self._api = api
        self._state = state
        self._first_pause = first_pause

    # Claim

    def next_claim(self) -> LedgerWrite | None:
        """The next claim that may be made. The caller holds the lock."""
        if (report := self._state.queue.next_to_adopt()) is not None:
            return self._claim(report, report.request)
        while (report := self._state.queue.next_to_buy(self._state.clock.monotonic())) is not None:
            if self._state.is_too_late(report):
                self._state.queue.not_triggered(report)
                self._state.defer(report, TOO_LATE)
                continue
            return self._claim(report, replace(report.request, report_id=None), is_counted=True)
        return None

    def _claim(self, report: TrackedReport, request: ReportRequest, *, is_counted: bool = False) -> LedgerWrite:
        correlation_id = str(uuid.uuid4())

        def then(claim: Claim) -> None:
            is_bought = claim.report_id is not None or claim.unread_answer is not None
            if is_counted and (claim.held_by is not None or is_bought):
                self._state.queue.not_triggered(report)
            if claim.held_by is not None:
                self._state.defer(report, f"another worker ({claim.held_by}) is getting it")
            elif is_bought:
                self._adopt(report, claim)
            else:
                self._claimed(report, correlation_id)

        return LedgerWrite(
            make=lambda: self._state.ledger.claim(request, correlation_id=correlation_id),
            then=then,
            urgency=Urgency.CLAIM,
        )

    def _claimed(self, report: TrackedReport, correlation_id: str) -> None:
        if report.is_done:  # the run was asked to stop in the meantime
            self._state.queue.not_triggered(report)
            self._state.write_to_ledger(
                Urgency.ANSWER, lambda: self._state.ledger.not_bought(correlation_id=correlation_id)
            )
            return
        report.correlation_id = correlation_id
        report.is_claimed = True
        report.attempts += 1
        if self._state.queue.is_blocked(report.request.identifier):  # blocked since the claim was made
            self._unclaim(report)
        else:
            self._state.queue.queue_trigger(report)

    def _adopt(self, report: TrackedReport, claim: Claim) -> None:
        """Take over a report that was bought earlier for this window."""
        if report.is_done:  # the run was asked to stop in the meantime
            self._state.write_to_ledger(Urgency.RELEASE, lambda: self._state.ledger.released(report.request))
            return
        report.is_claimed = True
        report.is_last_purchase = claim.is_last_purchase
        report.correlation_id = None
        report_id = claim.report_id
        if claim.unread_answer is not None:
            report_id = self._read_late(report, claim.unread_answer, correlation_id=str(claim.correlation_id))
        if report_id is None:
            return
        if (owner := self._state.ownership.owner_of_report(report_id, report.request)) is not None:
            self._state.set_outcome(
                report, MixedUpReportError(f"report {report_id} belongs to {owner}: {_HOW_TO_GIVE_UP}")
            )
            return
        report.began(report_id, at=self._state.clock.monotonic())
        self._state.record_event(report, EventKind.ADOPTED)
        self._state.queue.poll_at(report, report.triggered_at)

    def _read_late(self, report: TrackedReport, answer: str, *, correlation_id: str) -> str | None:
        report_id = self._api.report_id_in(answer)
        if report_id is not None:

            def then(owner: str | None) -> None:
                if owner is not None:
                    self._mixed_up(report, report_id, owner)

            self._state.write_to_ledger(
                Urgency.ANSWER,
                lambda: self._state.ledger.bought(correlation_id=correlation_id, report_id=report_id, unanswered=0),
                then,
            )
            return report_id
        error = AnswerNotUnderstoodError(
            f"its report was bought earlier (correlation id {correlation_id}), but the answer does not say where the "
            f"report id is: set report_id_path, or name the correlation id in given_up_reports; it was {answer}",
            answer=answer,
        )
        self._block(report.request.identifier)
        self._state.set_outcome(report, error)
        return None

    # Trigger

    def trigger(self, report: TrackedReport) -> None:
        """Buy a claimed report."""
        request, correlation_id = report.request, cast("str", report.correlation_id)
        try:
            answer = self._api.trigger(
                seller_id=request.seller_id,
                identifier=request.identifier,
                parameters=request.parameters,
                correlation_id=correlation_id,
                before_send=lambda: self._state.ledger.confirm(correlation_id=correlation_id),
            )
        except AnswerLostError as error:
            with self._state.lock:
                self._lost(report, error)
        except AnswerNotUnderstoodError as error:
            with self._state.lock:
                self._not_understood(report, error)
        except ClaimLostError as error:
            with self._state.lock:
                self._state.queue.not_triggered(report)
                report.is_claimed = False
                self._state.defer(report, str(error))
        except (CallError, AuthenticationError, TokenStoreError) as error:
            with self._state.lock:
                self._not_bought(report, error)
        else:
            with self._state.lock:
                self._bought(report, answer)

    def _bought(self, report: TrackedReport, answer: TriggerAnswer) -> None:
        request, correlation_id = report.request, cast("str", report.correlation_id)
        if (owner := self._state.ownership.owner_of_report(answer.report_id, request)) is not None:
            words = f"the trigger was answered with report {answer.report_id}, which belongs to {owner}"
            error = AnswerNotUnderstoodError(words, answer=words, unanswered=answer.unanswered)
            self._not_understood(report, error)
            return
        report.began(answer.report_id, at=self._state.clock.monotonic())
        report.stage = Stage.DONE if report.is_done else Stage.RECORDING
        self._state.queue.triggered(report)
        self._state.queue.budget.count(request, answer.unanswered)
        self._state.record_event(report, EventKind.TRIGGERED, unanswered=answer.unanswered)

        def then(owner: str | None) -> None:
            if owner is None:
                self._state.queue.poll_at(report, report.triggered_at + self._first_pause(report))
            else:
                self._mixed_up(report, answer.report_id, owner)

        self._state.write_to_ledger(
            Urgency.ANSWER,
            lambda: self._state.ledger.bought(
                correlation_id=correlation_id, report_id=answer.report_id, unanswered=answer.unanswered
            ),
            then,
        )

    def _mixed_up(self, report: TrackedReport, report_id: str, owner: str) -> None:
        """The ledger assigns the report to another window: trigger nothing more of its type."""
        self._block(report.request.identifier)
        self._state.record_event(report, EventKind.ABANDONED)
        words = f"the trigger was answered with report {report_id}, which belongs to {owner}"
        self._state.set_outcome(report, MixedUpReportError(words))

    def _lost(self, report: TrackedReport, error: AnswerLostError) -> None:
        request, correlation_id, besides = report.request, cast("str", report.correlation_id), error.unanswered - 1
        report.lost_answers += 1
        self._state.queue.free_slot(report)
        self._state.queue.budget.count(request, besides)
        self._state.record_event(report, EventKind.LOST, unanswered=besides)
        self._state.write_to_ledger(
            Urgency.ANSWER,
            lambda: self._state.ledger.lost(correlation_id=correlation_id, unanswered=error.unanswered),
        )
        report.is_claimed = False
        step = outcomes.after_lost_answer(report, error)
        if isinstance(step, outcomes.Fail):
            self._state.set_outcome(report, step.error)
        else:
            self._state.trigger_again(report, error)

    def _not_understood(self, report: TrackedReport, error: AnswerNotUnderstoodError) -> None:
        """The report is paid for but its id is unknown: trigger nothing more of its type until a person looks at it."""
        request, correlation_id = report.request, cast("str", report.correlation_id)
        self._state.queue.budget.count(request, error.unanswered)
        self._state.record_event(report, EventKind.NOT_UNDERSTOOD, unanswered=error.unanswered)
        self._state.write_to_ledger(
            Urgency.ANSWER,
            lambda: self._state.ledger.not_understood(
                correlation_id=correlation_id, answer=error.answer, unanswered=error.unanswered
            ),
        )
        self._block(request.identifier)
        self._state.set_outcome(report, error)

    def _block(self, identifier: str) -> None:
        reason = f"the answer to a trigger of {identifier} was not understood, so this run makes no other"
        claimed = self._state.queue.take_claimed(identifier=identifier)
        self._state.queue.block(identifier, reason=reason, now=self._state.clock.monotonic())
        for other in claimed:
            self._unclaim(other)

    def _unclaim(self, report: TrackedReport) -> None:
        """Put a claimed report back into the queue."""
        self._undo(report)
        self._state.queue.wait_for_slot(report, now=self._state.clock.monotonic())

    def _undo(self, report: TrackedReport) -> None:
        """Nothing was bought: take back the claim, its share of the budget and its slot."""
        correlation_id = cast("str", report.correlation_id)
        self._state.write_to_ledger(
            Urgency.ANSWER, lambda: self._state.ledger.not_bought(correlation_id=correlation_id)
        )
        self._state.queue.free_slot(report)
        self._state.queue.not_triggered(report)
        report.attempts -= 1
        report.is_claimed = False
        if not report.is_done:
            report.stage = Stage.WAITING  # or it would be undone a second time when it is deferred

    def _not_bought(self, report: TrackedReport, error: outcomes.CallFailure) -> None:
        self._undo(report)
        step = outcomes.after_refused_trigger(report, error)
        if isinstance(step, outcomes.Fail):
            if isinstance(error, AuthenticationError):
                # Without a token, the seller's other reports would fail too: make no call for them.
                seller_id, queue = report.request.seller_id, self._state.queue
                for other in [*queue.take_claimed(seller_id=seller_id), *queue.take_waiting(seller_id)]:
                    self._state.set_outcome(other, error)
            self._state.set_outcome(report, step.error)
        elif isinstance(step, outcomes.Defer):
            self._state.apply_deferral(report, step)
        elif step.is_limited:
            claimed = self._state.queue.take_claimed(seller_id=report.request.seller_id)
            wait = self._state.queue.refused(report, now=self._state.clock.monotonic(), retry_after=step.retry_after)
            LOGGER.warning("%s: the API asks to slow down; next trigger in %.0f s.", report.request, wait)
            for other in claimed:
                self._unclaim(other)
        else:
            report.refused_calls += 1
            self._state.cool_down(report)


_HOW_TO_GIVE_UP = "nothing of it is read; name it in given_up_reports to have the window bought again"
