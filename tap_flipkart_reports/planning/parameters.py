"""The parameters of a trigger: placeholders and what fills them."""

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
"""English whatever the machine's locale is, which `calendar.month_name` would follow."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

PLACEHOLDERS = ("from_date", "to_date", "month_name", "month", "year", "warehouse_id", "seller_id")
"""What a parameter may name. `month_name` is English ("May"), `month` and `year` are integers, of the first day."""

WHOLE_MONTH_PLACEHOLDERS = frozenset({"month_name", "month"})
"""Parameters that can only say a whole month: such a report is not asked for while the month runs."""


def placeholders_in(parameters: Mapping[str, object]) -> set[str]:
    """The names in curly brackets in the texts of a trigger's parameters, nested ones included."""
    return set(_PLACEHOLDER.findall(json.dumps(parameters)))


def filled_in(
    parameters: Mapping[str, object], *, window: Window, seller_id: str, warehouse_id: str | None
) -> dict[str, object]:
    """The parameters of one trigger.

    A text that is nothing but a placeholder becomes its value, with the value's type (`"{year}"` → `2026`); inside a
    longer text the value is printed; anything else is passed on as it is. Dates are `yyyy-MM-dd`.

    Args:
        parameters: the parameters with placeholders.
        window: the days asked for.
        seller_id: the operator's name of the seller.
        warehouse_id: the warehouse, for the reports that ask for one.
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
