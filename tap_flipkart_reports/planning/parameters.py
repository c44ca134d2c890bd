"""The parameters of a trigger and their placeholders."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_flipkart_reports.windows import Window

DATE_RANGE = {"from_date": "{from_date}", "to_date": "{to_date}"}

WAREHOUSE = {"warehouse_id": "{warehouse_id}"}

WAREHOUSE_MONTH = {**WAREHOUSE, "month": "{month_name}", "year": "{year}"}

MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
"""English in any locale, unlike `calendar.month_name`."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

PLACEHOLDERS = ("from_date", "to_date", "month_name", "month", "year", "warehouse_id", "seller_id")
"""Placeholders in report parameters.

`month_name` (English, "May"), `month` and `year` (integers) are those of the first day.
"""

WHOLE_MONTH_PLACEHOLDERS = frozenset({"month_name", "month"})
"""Placeholders that mean a whole month: such a report is not requested before the month is over."""


def placeholders_in(parameters: Mapping[str, object]) -> set[str]:
    """The names in curly brackets in the texts of a trigger's parameters, nested ones included."""
    return set(_PLACEHOLDER.findall(json.dumps(parameters)))


def filled_in(
    parameters: Mapping[str, object], *, window: Window, seller_id: str, warehouse_id: str | None
) -> dict[str, object]:
    """The parameters of one trigger.

    A text that is only a placeholder becomes its value with the value's type (`"{year}"` → `2026`); in a longer text
    the placeholder is replaced by the value's text; anything else is unchanged. Dates are `yyyy-MM-dd`.

    Args:
        parameters: the parameters with placeholders.
        window: the days.
        seller_id: the operator's name for the seller.
        warehouse_id: the warehouse, for report types that require one.
    """
    values: dict[str, object] = {
        "from_date": window.first.isoformat(),
        "to_date": window.last.isoformat(),
        "month_name": MONTH_NAMES[window.first.month - 1],
        "month": window.first.month,
        "year": window.first.year,
        "warehouse_id": warehouse_id,
        "seller_id": seller_id,
    }
    return {name: _fill(value, values) for name, value in parameters.items()}


def _fill(value: object, values: Mapping[str, object]) -> object:
    if isinstance(value, dict):
        return {name: _fill(inner, values) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, values) for inner in value]
    if not isinstance(value, str):
        return value
    if (alone := _PLACEHOLDER.fullmatch(value)) is not None:
        return values[alone[1]]
    return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), value)
