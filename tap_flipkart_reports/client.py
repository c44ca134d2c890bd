"""The three calls of the Report Management API.

A call has three steps: sending, which never raises; judging the outcome, which is pure; and returning or raising what
it means for this call. The first two are repeated where that can help and cannot cost money.
"""

from __future__ import annotations

import itertools
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from tap_flipkart_reports.adapters.answers import (
    Answer,
    Fault,
    Verdict,
    judge,
)
from tap_flipkart_reports.adapters.call_errors import error_of
from tap_flipkart_reports.adapters.calls import Call, CallRepeater, CallResult
from tap_flipkart_reports.adapters.downloads import (
    OK,
    Download,
    download_limits,
    origin_of,
    read_error_body,
    receive,
    redirect_target,
    resolved,
    secrets_in,
)
from tap_flipkart_reports.adapters.transport import (
    LOGGER,
    READ_SECONDS,
    Connections,
    Request,
    Response,
    short_answer,
)
from tap_flipkart_reports.adapters.trigger_answers import (
    REPORT_ID_PATH,
    answer_without_secrets,
    is_broken,
    report_id_in,
)
from tap_flipkart_reports.exceptions import (
    AnotherReportError,
    AnswerLostError,
    AnswerNotUnderstoodError,
    AuthenticationError,
    CallError,
    FileError,
)
from tap_flipkart_reports.purchasing.report_detail import ReportDetail, parse_detail
from tap_flipkart_reports.purchasing.requests import TriggerAnswer
from tap_flipkart_reports.redaction import KNOWN_SECRETS, clean, clean_line, host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tap_flipkart_reports.auth import AccessToken
    from tap_flipkart_reports.clock import Clock

MAX_FILE_BYTES = 2**40
"""Default limit of a download."""

MAX_REDIRECTS = 5
"""Most redirects of a link; storage services need one or two."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})

MAX_BROKEN_ACCEPTED = 2
"""Accepted answers without a complete body after which a trigger ends and reports a possible double purchase."""

ALWAYS_REFUSED = frozenset({400, 422})
"""Statuses for requests that are always wrong; any other 4xx may come from a gateway and be temporary."""

_T = TypeVar("_T")


class ReportClient:
    """Makes the three calls, for all sellers and from any thread.

    Args:
        api_url: scheme and host of the API.
        connections: the connections; the caller closes them.
        tokens: the access tokens by seller; the caller closes them.
        clock: time.
        max_file_bytes: largest size of a downloaded file.
        sends_correlation_ids: whether triggers send a correlation id.
        report_id_path: where the report id is in the answer to a trigger.
    """

    def __init__(  # noqa: PLR0913 - tests replace each
        self,
        *,
        api_url: str,
        connections: Connections,
        tokens: Mapping[str, AccessToken],
        clock: Clock,
        max_file_bytes: int = MAX_FILE_BYTES,
        sends_correlation_ids: bool = True,
        report_id_path: str = REPORT_ID_PATH,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._tokens = tokens
        self._clock = clock
        self._max_file_bytes = max_file_bytes
        self._sends_correlation_ids = sends_correlation_ids
        self._report_id_path = report_id_path
        self._connections = connections
        self._repeater = CallRepeater(clock=clock, pause=connections.pause)
        self._has_warned_of_missing_length = False

    def without_correlation_ids(self) -> ReportClient:
        """A copy of this client that sends no correlation ids."""
        other = copy(self)
        other._sends_correlation_ids = False  # noqa: SLF001 - of the same class
        return other

    # The three calls

    def trigger(
        self,
        *,
        seller_id: str,
        identifier: str,
        parameters: Mapping[str, object],
        correlation_id: str,
        before_send: Callable[[], None] = lambda: None,
    ) -> TriggerAnswer:
        """Buy a report.

        It is repeated only if that cannot buy a second report; after an unclear answer with the same correlation id,
        which the API reference calls unique per request. The caller handles a 429.

        Args:
            seller_id: the seller.
            identifier: the report type's identifier in the API.
            parameters: the report's parameters; `{}` if its type has none.
            correlation_id: a UUID for this purchase.
            before_send: called right before each try is sent; an exception from it ends the call.

        Returns:
            The report id, and how many earlier tries may have bought a report too.

        Raises:
            AnswerLostError: the report may have been bought, but its id is lost.
            AnswerNotUnderstoodError: the report was bought, but its id cannot be found in the answer.
            RateLimitedError: the API answered 429; nothing was bought.
            CallRefusedError: the API refused the request; nothing was bought.
            CallError: all tries failed; nothing was bought.
            AuthenticationError: the seller's credentials were refused; nothing was bought.
        """
        call = Call(
            name=f"trigger of {identifier} for seller {seller_id}, correlation id {correlation_id}",
            token=self._tokens[seller_id],
            costs_money=True,
            correlation_id=correlation_id,
            is_recognised=self._sends_correlation_ids,
        )
        body: dict[str, object] = {"parameters": dict(parameters)}
        if self._sends_correlation_ids:
            body = {"correlation_id": correlation_id, **body}
        request = Request(
            method="POST",
            url=f"{self._api_url}/reports/{quote(identifier, safe='')}",
            headers={},
            json_body=body,
            limits=short_answer(),
            is_fresh=True,
            before_send=before_send,
        )
        result = self._triggered(call, request)
        if isinstance(result.outcome, Answer) and result.verdict is Verdict.ACCEPTED:
            return self._accepted(call, result, result.outcome)
        if result.is_unclear and not _proves_nothing_bought(result.outcome):
            raise _lost(call, result)
        raise self._error_of(call, result)

    def _triggered(self, call: Call, request: Request) -> CallResult[Answer]:
        """The result of a trigger; an accepted one without a complete body is sent once more."""
        broken = itertools.count(1)

        def send(bearer: str) -> Answer | Fault:
            outcome = self._connections.ask(replace(request, headers=_authorization(bearer)))
            if not isinstance(outcome, Answer) or judge(outcome) is not Verdict.ACCEPTED or not is_broken(outcome):
                return outcome
            if next(broken) >= MAX_BROKEN_ACCEPTED:
                return outcome
            return Fault(words=f"{outcome.status} without a whole body", was_sent=True)

        return self._repeater.repeat(call, send)

    def report_id_in(self, answer: str) -> str | None:
        """The report id in an earlier answer to a trigger, if the settings now say where it is."""
        found = report_id_in(answer, path=self._report_id_path)
        # An id that contains a secret of this run must not get into state and ledger.
        return found if found is not None and found == clean_line(found) else None

    def _accepted(self, call: Call, result: CallResult[Answer], answer: Answer) -> TriggerAnswer:
        report_id = self.report_id_in(answer.text())
        if report_id is not None:
            if result.is_unclear:
                LOGGER.warning(
                    "%s was tried %s; earlier answers broke off, so that up to %d more may have been bought.",
                    call.name,
                    result.tried,
                    result.unanswered,
                )
            return TriggerAnswer(report_id=report_id, unanswered=result.unanswered)
        kept = answer_without_secrets(answer, call.token.secrets)
        raise AnswerNotUnderstoodError(
            f"{call.name} was tried {result.tried} and accepted, but there is no report id at {self._report_id_path} "
            f"in the answer, {answer.status} ({clean(kept) or 'nothing'}): the report is bought, and "
            f"{_possible_purchases(result)}no other one of its type is triggered in this run; set report_id_path to "
            "where the id is",
            answer=kept,
            unanswered=result.unanswered,
            status=answer.status,
            correlation_id=call.correlation_id,
        )

    def detail(self, *, seller_id: str, report_id: str) -> ReportDetail:
        """Ask for the status of a report.

        Args:
            seller_id: the seller.
            report_id: the report.

        Raises:
            RateLimitedError: still limited after retries, or for longer than a call waits.
            CallRefusedError: the API refused the request.
            CallError: all tries failed.
            AuthenticationError: the seller's credentials were refused.
        """
        call = Call(name=f"detail of {report_id} for seller {seller_id}", token=self._tokens[seller_id])
        if report_id in {".", ".."}:
            raise CallError(f"{call.name}: such an id would lead to another address of the API, so it is not asked for")
        url = f"{self._api_url}/reports/{quote(report_id, safe='')}/detail"

        def send(bearer: str) -> Answer | Fault:
            request = Request(method="GET", url=url, headers=_authorization(bearer), limits=short_answer())
            outcome = self._connections.ask(request)
            if judge(outcome) is Verdict.ACCEPTED and isinstance(outcome, Answer) and outcome.document() is None:
                return Fault(words=f"{outcome.status} with something other than a JSON object", was_sent=True)
            return outcome

        result: CallResult[Answer] = self._repeater.repeat(call, send)
        document = result.outcome.document() if isinstance(result.outcome, Answer) else None
        if judge(result.outcome) is Verdict.ACCEPTED and document is not None:
            detail = parse_detail(document, report_id=report_id)
            if detail.report_id != report_id:
                raise AnotherReportError(
                    f"{call.name} was answered with the detail of another report, {clean(detail.report_id)}: it "
                    "is ignored"
                )
            KNOWN_SECRETS.add_link(secrets_in(detail.location or ""), name=report_id)
            return detail
        raise self._error_of(call, result)

    def download(self, *, seller_id: str, report_id: str, location: str, path: Path) -> Download:
        """Download a report's file.

        Args:
            seller_id: the seller.
            report_id: the report, for messages.
            location: the link, requested byte by byte as it is.
            path: the file, which exists only once it is complete.

        Raises:
            FileError: the file is larger than `max_file_bytes`.
            LinkRefusedError: the link is dead.
            RateLimitedError: still limited after retries, or for longer than a call waits.
            CallRefusedError: another 4xx.
            CallError: all tries failed, or the file cannot be written.
            AuthenticationError: the seller's credentials were refused.
        """
        call = Call(
            name=f"download of {report_id} for seller {seller_id}",
            token=self._tokens[seller_id],
            secrets=secrets_in(location),
        )
        KNOWN_SECRETS.add_link(call.secrets, name=report_id)
        url = resolved(location, base=f"{self._api_url}/")
        if origin_of(url) is None:
            raise CallError(f"{call.name}: the link cannot be followed; it is not shown, as it is a secret")

        part = path.with_name(f"{path.name}.part")
        try:
            result = self._repeater.repeat(
                call, partial(self._fetch, url, path), uses_token=origin_of(url) == origin_of(self._api_url)
            )
        except FileError as error:
            raise FileError(f"report {report_id}: {error}") from None
        except OSError as error:
            raise CallError(
                f"{call.name}: its file cannot be written to {path.parent}: {error.strerror or type(error).__name__}; "
                "check the space and the permissions there, or set TMPDIR to another folder"
            ) from None
        finally:
            part.unlink(missing_ok=True)
        if isinstance(result.outcome, Download):
            self._warn_of_missing_length(call, result.outcome)
            return result.outcome
        raise self._error_of(call, result, is_link=True)

    def _warn_of_missing_length(self, call: Call, download: Download) -> None:
        if download.has_length or self._has_warned_of_missing_length:
            return
        self._has_warned_of_missing_length = True
        LOGGER.warning(
            "%s: the file came without its length, so one that is cut at the end of a line looks whole; this is said "
            "once in a run.",
            call.name,
        )

    def _error_of(
        self, call: Call, result: CallResult[_T], *, is_link: bool = False
    ) -> CallError | AuthenticationError:
        return error_of(call, result, host=host_of(self._api_url), clock=self._clock, is_link=is_link)

    # Sending

    def _fetch(self, url: str, path: Path, bearer: str) -> Download | Answer | Fault:
        response = self._follow(url, bearer)
        if isinstance(response, Fault):
            return response
        with response:
            if response.status_code != OK:
                return read_error_body(response)
            return receive(response, path, max_bytes=self._max_file_bytes)

    def _follow(self, url: str, bearer: str) -> Response | Fault:
        """Open a link and follow its redirects; the token is sent only to the API's own scheme, host and port."""
        limits = download_limits(idle_seconds=READ_SECONDS, max_bytes=self._max_file_bytes)
        for _ in range(MAX_REDIRECTS + 1):
            origin = origin_of(url)
            if origin is None:
                return Fault(words="a redirect that cannot be followed", was_sent=True)
            headers = {"Accept": "*/*", "Accept-Encoding": "gzip"}
            is_own = origin == origin_of(self._api_url)
            if bearer and is_own:
                headers |= _authorization(bearer)
            request = Request(method="GET", url=url, headers=headers, limits=limits, is_link=not is_own)
            response = self._connections.open(request)
            if isinstance(response, Fault) or response.status_code not in REDIRECTS:
                return response
            with response:
                url = redirect_target(response, base=url)
            KNOWN_SECRETS.add_link(secrets_in(url))
        return Fault(words=f"more than {MAX_REDIRECTS} redirects", was_sent=True)


# What the outcome of a trigger means
def _proves_nothing_bought(outcome: object) -> bool:
    """Whether the API itself says that it never accepts such a request, so that earlier tries bought nothing either."""
    if not isinstance(outcome, Answer) or outcome.status not in ALWAYS_REFUSED or outcome.document() is None:
        return False
    return "correlation" not in outcome.text().lower()


def _lost(call: Call, result: CallResult[_T]) -> AnswerLostError:
    return AnswerLostError(
        f"{call.name} was tried {result.tried}, and the last try ended with {call.describe(result.outcome)}: the "
        f"report may have been bought, {_possible_purchases(result)}but its id never arrived; Flipkart's support may "
        "find it by the correlation id",
        unanswered=max(1, result.unanswered),
        status=result.outcome.status if isinstance(result.outcome, Answer) else None,
        correlation_id=call.correlation_id,
    )


def _possible_purchases(result: CallResult[_T]) -> str:
    """How many reports unanswered tries may have bought, as a clause."""
    if result.unanswered <= 1:
        return ""
    return f"up to {result.unanswered} times if the API does not know a correlation id again, "


def _authorization(bearer: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {bearer}"}
