"""Every seller's tokens, checked without buying anything: which are good, and who must authorise again soon."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.adapters.answers import FORBIDDEN
from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.commands.tables import aligned, counted
from tap_flipkart_reports.exceptions import AuthenticationError, CallRefusedError, FlipkartReportsError
from tap_flipkart_reports.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tap_flipkart_reports.auth import AccessToken, TokenLife
    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.purchasing.ports import ReportApi

VALID = "valid"
REFUSED = "refused"
UNKNOWN = "unknown"

ALL_GOOD = 0
SOME_REFUSED = 1
SOME_DUE = 3
"""Exit codes; 2 is taken by wrong settings and wrong command lines."""

NO_REPORT = "R-00000000000000000000000000"
"""A report id that does not exist: a detail call for it buys nothing, and only a bad token gets a 401."""

PARALLEL_CHECKS = 8
"""Sellers checked at the same time."""


@dataclass(frozen=True, kw_only=True)
class SellerCheck:
    """The result of a check of one seller.

    Attributes:
        seller_id: the seller.
        status: `valid`, `refused`, or `unknown` if the API could not be called.
        access_days_left: whole days until the access token expires; `None` if unknown.
        refresh_days_left: whole days until the refresh token expires; `None` if unknown.
        authorise_by: the last day on which the refresh token is valid; `None` if unknown.
        is_due: whether the seller must authorise again soon, or now.
        note: a hint for the operator without a full stop; may be empty.
    """

    seller_id: str
    status: str
    access_days_left: int | None = None
    refresh_days_left: int | None = None
    authorise_by: date | None = None
    is_due: bool
    note: str = ""


def check_sellers(
    tokens: Mapping[str, AccessToken], *, api: ReportApi, clock: Clock, warn_days: int
) -> list[SellerCheck]:
    """Check every seller; no report is triggered.

    Args:
        tokens: the access tokens by seller.
        api: for sellers without a refresh token, whose access token only a call can check.
        clock: time.
        warn_days: a seller is due if so many days or fewer are left.
    """

    def check(seller_id: str) -> SellerCheck:
        try:
            life = tokens[seller_id].check()
            if not life.is_renewable:
                _probe(api, seller_id)
        except AuthenticationError as error:
            return SellerCheck(seller_id=seller_id, status=REFUSED, is_due=True, note=str(error))
        except FlipkartReportsError as error:
            return SellerCheck(seller_id=seller_id, status=UNKNOWN, is_due=False, note=str(error))
        return judged(seller_id, life, now=clock.now(), warn_days=warn_days)

    with ThreadPoolExecutor(PARALLEL_CHECKS) as pool:
        return list(pool.map(check, tokens))


def _probe(api: ReportApi, seller_id: str) -> None:
    """Ask for what is not there, which the API says only to those it lets in."""
    try:
        api.detail(seller_id=seller_id, report_id=NO_REPORT)
    except CallRefusedError as error:
        if error.status == FORBIDDEN:
            raise AuthenticationError(
                f"the token of seller {seller_id} may not ask for reports: it has to be a third-party one, of a seller "
                "who has authorised the app"
            ) from None


def judged(seller_id: str, life: TokenLife, *, now: datetime, warn_days: int) -> SellerCheck:
    """What the time left to a seller's tokens means; pure.

    Args:
        seller_id: the seller.
        life: of tokens that are good.
        now: the present moment.
        warn_days: a seller is due if so many days or fewer are left.
    """
    ends = life.refresh_ends_at if life.is_renewable else life.access_ends_at
    days_left = _days(ends, now)
    is_due = days_left is not None and days_left <= warn_days
    note = ""
    if life.is_rotated:
        is_due = True
        note = "Flipkart has just handed out another refresh token, which is kept nowhere: set token_store"
    elif is_due:
        note = "has to authorise again soon"
    elif ends is None and life.is_renewable:
        note = "when the refresh token was handed out is not known; token_store remembers it from the next one on"
    elif ends is None:
        note = "an access token that cannot be renewed, and whose end is not known"
    return SellerCheck(
        seller_id=seller_id,
        status=VALID,
        access_days_left=_days(life.access_ends_at, now),
        refresh_days_left=_days(life.refresh_ends_at, now),
        authorise_by=ends.astimezone(KOLKATA).date() if ends is not None else None,
        is_due=is_due,
        note=note,
    )


def _days(ends: datetime | None, now: datetime) -> int | None:
    return (ends - now) // DAY if ends is not None else None


def exit_code(checks: Sequence[SellerCheck]) -> int:
    """0 when all is good, 3 when a seller has to authorise again, 1 when a token is refused or could not be checked."""
    if any(check.status != VALID for check in checks):
        return SOME_REFUSED
    return SOME_DUE if any(check.is_due for check in checks) else ALL_GOOD


def document(checks: Sequence[SellerCheck]) -> list[dict[str, Any]]:
    """The checks for programs."""
    return [
        asdict(check) | {"authorise_by": check.authorise_by.isoformat() if check.authorise_by else None}
        for check in checks
    ]


def table(checks: Sequence[SellerCheck]) -> str:
    """The checks for people."""
    rows = [("seller", "token", "access days", "refresh days", "authorise by", "note")]
    rows += [
        (
            check.seller_id,
            check.status,
            _number(check.access_days_left),
            _number(check.refresh_days_left),
            "now" if check.status == REFUSED else str(check.authorise_by or "?"),
            check.note,
        )
        for check in checks
    ]
    due = sum(check.is_due for check in checks)
    good = sum(check.status == VALID for check in checks)
    totals = f"{counted(len(checks), 'seller')}: {good} valid, {due} to authorise again soon or now."
    return "\n".join([*aligned(rows), "", totals])


def _number(days: int | None) -> str:
    return "?" if days is None else str(days)
