"""What the budgets of a run allow: of all reports, of a type, and of a type and seller."""

from __future__ import annotations

from datetime import date

import pytest

from tap_flipkart_reports.purchasing.limits import Budget, Limits
from tap_flipkart_reports.purchasing.requests import ReportRequest
from tap_flipkart_reports.windows import Window


def request(identifier: str = "orders_report", seller: str = "acme") -> ReportRequest:
    return ReportRequest(
        stream=identifier,
        identifier=identifier,
        seller_id=seller,
        window=Window(date(2026, 1, 1), date(2026, 1, 1)),
        parameters={},
        report_timeout=3600.0,
    )


ALL = Limits(max_reports=2)
BY_TYPE = Limits(max_reports_by_type={"orders_report": 2, "sales_ledger": None})
BY_SELLER = Limits(max_reports_per_seller_by_type={"orders_report": 2, "sales_ledger": None})


@pytest.mark.parametrize(
    ("limits", "still_allowed"),
    [
        (ALL, {"orders_report acme": False, "orders_report bose": False, "sales_ledger acme": False}),
        (BY_TYPE, {"orders_report acme": False, "orders_report bose": False, "sales_ledger acme": True}),
        (BY_SELLER, {"orders_report acme": False, "orders_report bose": True, "sales_ledger acme": True}),
    ],
    ids=["of all", "of a type", "of a type and seller"],
)
def test_a_budget_that_is_used_up_ends_the_triggers_it_speaks_of_and_no_other(
    limits: Limits, still_allowed: dict[str, bool]
) -> None:
    budget = Budget(limits)
    for _ in range(2):
        assert budget.allows(request())
        budget.count(request())
    assert {name: budget.allows(request(*name.split())) for name in still_allowed} == still_allowed
    assert budget.triggers == 2


@pytest.mark.parametrize("limits", [ALL, BY_TYPE, BY_SELLER], ids=["of all", "of a type", "of a type and seller"])
def test_what_was_not_bought_is_given_back_to_each_budget_and_what_may_be_bought_besides_is_taken(
    limits: Limits,
) -> None:
    budget = Budget(limits)
    budget.count(request(), 2)
    assert not budget.allows(request())
    budget.count(request(), -1)
    assert budget.allows(request())
    budget.count(request(), 3)
    assert not budget.allows(request())
    assert budget.triggers == 4


@pytest.mark.parametrize(
    ("limits", "has_budget"),
    [
        (Limits(), False),
        (Limits(max_reports_by_type={"orders_report": None}), False),
        (Limits(max_reports=0), True),
        (BY_TYPE, True),
        (BY_SELLER, True),
    ],
)
def test_windows_may_be_deferred_if_any_budget_is_set(limits: Limits, *, has_budget: bool) -> None:
    assert limits.has_budget is has_budget
