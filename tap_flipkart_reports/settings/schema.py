"""How settings are declared, and their JSON Schema.

`setting` makes a field of `Settings`; the functions below make the types that a setting may have, with limits.
"""

from __future__ import annotations

from dataclasses import field, fields
from typing import Any

from singer_sdk import typing as th

from tap_flipkart_reports.planning.window_rules import WindowKind

MAX_NAME_LENGTH = 255
"""Longest name of a seller, warehouse or identifier, as in the ledger's columns."""

WITHOUT_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f-\x9f]*$"

DAY_SECONDS = 86_400
MONTH_SECONDS = 30 * DAY_SECONDS
TEN_YEARS_OF_DAYS = 3660

MOST_REPORTS = 1_000_000
MOST_ROWS = 1_000_000_000
HIGHEST_PRICE = 1_000_000
MOST_BYTES = 2**40

FREE_TEXT = th.StringType
"""A text that may be blank, which means that it is not set."""

TEXT = th.StringType(min_length=1, pattern=WITHOUT_CONTROL_CHARACTERS)
NAME = th.StringType(min_length=1, max_length=MAX_NAME_LENGTH, pattern=WITHOUT_CONTROL_CHARACTERS)
NAMES = th.ArrayType(NAME)


def choice(*words: str) -> th.StringType:
    """One of several words."""
    return th.StringType(allowed_values=list(words))


def yes_or_no() -> th.BooleanType:
    """True or false."""
    return th.BooleanType()


def whole(minimum: int, maximum: int) -> th.IntegerType:
    """A whole number within limits."""
    return th.IntegerType(minimum=minimum, maximum=maximum)


def days(minimum: int) -> th.IntegerType:
    """A number of days."""
    return whole(minimum, TEN_YEARS_OF_DAYS)


def seconds(maximum: int) -> th.NumberType:
    """A positive time in seconds."""
    return th.NumberType(exclusive_minimum=0, maximum=maximum)


def setting(
    kind: th.JSONTypeHelper[Any] | type[th.JSONTypeHelper[Any]],
    *,
    title: str,
    description: str,
    default: Any = None,  # noqa: ANN401 - of the field's annotated type
    secret: bool = False,
) -> Any:  # noqa: ANN401 - stands for a dataclass field of any type
    """A field of `Settings`.

    Args:
        kind: the JSON type, with its limits.
        title: its name in Meltano's interface.
        description: what it means, for the documents, Meltano and `--about`; without a full stop at the end.
        default: its default value.
        secret: whether its value is secret.
    """
    declared = {"wrapped": kind, "title": title, "description": description, "default": default, "secret": secret}
    return field(default=default, repr=not secret, metadata=declared)


def json_schema(settings: type) -> dict[str, Any]:
    """The JSON Schema of a configuration: one property for each field that `setting` made."""
    declared = [each for each in fields(settings) if each.metadata]
    return th.PropertiesList(*(th.Property(each.name, **each.metadata) for each in declared)).to_dict()


SELLER = th.ObjectType(
    th.Property("seller_id", NAME, required=True),
    th.Property("refresh_token", FREE_TEXT, secret=True),
    th.Property("access_token", FREE_TEXT, secret=True),
    additional_properties=False,
)

OVERRIDES = th.ObjectType(
    th.Property("identifier", NAME, description="The identifier in POST /reports/{identifier}"),
    th.Property("parameters", th.ObjectType(additional_properties=True), description="The trigger's parameters"),
    th.Property(
        "key_properties",
        NAMES,
        description="Natural key of the report's first table; an empty list identifies rows by their hash",
    ),
    th.Property("window_days", days(1), description="Longest window, in days"),
    th.Property("lookback_days", days(0), description="Days read again before the bookmark"),
    th.Property("hold_back_days", days(0), description="Most recent days to skip"),
    th.Property("report_timeout", seconds(MONTH_SECONDS), description="Seconds one report may take"),
    th.Property("max_reports", whole(1, MOST_REPORTS), description="Triggers of this type allowed in one run"),
    th.Property(
        "max_reports_per_seller",
        whole(1, MOST_REPORTS),
        description="Triggers of this type allowed in one run for each seller",
    ),
    additional_properties=False,
)

CUSTOM_WINDOWS = {
    "days": WindowKind.DAYS,
    "month": WindowKind.MONTH,
    "financial_year": WindowKind.FINANCIAL_YEAR,
    "snapshot": WindowKind.SNAPSHOT,
}

CUSTOM_REPORT = th.ObjectType(
    th.Property("name", NAME, required=True),
    th.Property("identifier", NAME, required=True),
    th.Property("window", choice(*CUSTOM_WINDOWS)),
    th.Property("per_warehouse", th.BooleanType, default=False),
    th.Property("parameters", th.ObjectType(additional_properties=True)),
    th.Property("key_properties", NAMES),
    th.Property("sheets", NAMES),
    th.Property("window_days", days(1)),
    th.Property("lookback_days", days(0)),
    additional_properties=False,
)

REPORT_PRICES = th.ObjectType(
    th.Property("currency", NAME),
    additional_properties=th.NumberType(minimum=0, maximum=HIGHEST_PRICE),
)

REPLAY = th.ObjectType(
    th.Property("stream", TEXT),
    th.Property("from_date", TEXT),
    th.Property("to_date", TEXT),
    th.Property("seller_id", TEXT),
    additional_properties=False,
)

REPAIR = th.ObjectType(
    th.Property("stream", TEXT, required=True),
    th.Property("from_date", TEXT, required=True),
    th.Property("to_date", TEXT, required=True),
    th.Property("seller_id", TEXT),
    th.Property("warehouse_id", TEXT),
    additional_properties=False,
)
