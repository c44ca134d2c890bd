"""The tap's settings: their JSON Schema, and their reading into one frozen object.

Every mistake is found here, before any call: `read_settings` raises one `SettingsError` that names them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from singer_sdk import typing as th
from singer_sdk.plugin_base import JSONSchemaValidator

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.report_types import (
    DATE_RANGE,
    PLACEHOLDERS,
    REPORT_TYPES,
    TABLES,
    WAREHOUSE,
    WHOLE_MONTH_PLACEHOLDERS,
    ReportType,
    placeholders_in,
    tables_of,
)
from tap_flipkart_reports.rules import MAX_FILE_BYTES, RowRules
from tap_flipkart_reports.seller_tokens import Credentials
from tap_flipkart_reports.windows import Window, WindowKind, WindowRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jsonschema import ValidationError

    from tap_flipkart_reports.report_types import ReportTable

SIMULATOR = "simulator"
"""The value of `api_url` that starts the shipped simulator inside the process."""

API_URL = "https://api.flipkart.net"
AUTH_PATH = "/oauth-service/oauth/token"

DEFAULT_SELLER = "default"
DEFAULT_HOLD_BACK_DAYS = 2

CUSTOM_WINDOWS = {
    "days": WindowKind.DAYS,
    "month": WindowKind.MONTH,
    "financial_year": WindowKind.FINANCIAL_YEAR,
    "snapshot": WindowKind.SNAPSHOT,
}

_NON_NEGATIVE = {"minimum": 0}
_POSITIVE = {"minimum": 1}
_FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")

_OVERRIDES = th.ObjectType(
    th.Property("identifier", th.StringType, description="The word in POST /reports/{identifier}"),
    th.Property("parameters", th.ObjectType(additional_properties=True), description="The trigger's parameters"),
    th.Property(
        "key_properties",
        th.ArrayType(th.StringType),
        description="Natural key of the report's first table; with none, its rows are told apart by their hash",
    ),
    th.Property("window_days", th.IntegerType(**_POSITIVE), description="Longest window, in days"),
    th.Property("lookback_days", th.IntegerType(**_NON_NEGATIVE), description="Days read again before the bookmark"),
    th.Property("hold_back_days", th.IntegerType(**_NON_NEGATIVE), description="Newest days not yet asked for"),
    th.Property("report_timeout", th.NumberType(exclusive_minimum=0), description="Seconds one report may take"),
    th.Property("max_reports", th.IntegerType(**_POSITIVE), description="Triggers of this type allowed in one run"),
    th.Property(
        "max_reports_per_seller",
        th.IntegerType(**_POSITIVE),
        description="Triggers of this type allowed in one run for each seller",
    ),
    additional_properties=False,
)

CONFIG_JSONSCHEMA: dict[str, Any] = th.PropertiesList(
    th.Property(
        "client_id",
        th.StringType,
        secret=True,
        title="Client ID",
        description="Application id of the third-party (aggregator) app in Flipkart's developer console",
    ),
    th.Property(
        "client_secret", th.StringType, secret=True, title="Client secret", description="Application secret of the app"
    ),
    th.Property(
        "sellers",
        th.ArrayType(
            th.ObjectType(
                th.Property("seller_id", th.StringType, required=True),
                th.Property("refresh_token", th.StringType, secret=True),
                th.Property("access_token", th.StringType, secret=True),
                additional_properties=False,
            )
        ),
        secret=True,
        title="Sellers",
        description=(
            "One entry per seller: `seller_id`, any name you choose, and a `refresh_token` (or an `access_token`). "
            "As an environment variable: a JSON array"
        ),
    ),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        title="Refresh token",
        description="Refresh token of the only seller, instead of `sellers`",
    ),
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        title="Access token",
        description="Access token of the only seller, used as it is, instead of `sellers`",
    ),
    th.Property(
        "seller_id",
        th.StringType,
        title="Seller ID",
        default=DEFAULT_SELLER,
        description="Name of the only seller in records and state",
    ),
    th.Property(
        "start_date",
        th.StringType,
        title="Start date",
        description="First day wanted, in Asia/Kolkata: a date, a time stamp with or without a zone, `yesterday` or "
        "`30 days ago`. Required",
    ),
    th.Property(
        "end_date",
        th.StringType,
        title="End date",
        description="Last day wanted, in Asia/Kolkata; never later than yesterday less `hold_back_days`",
    ),
    th.Property(
        "warehouse_ids",
        th.ArrayType(th.StringType),
        title="Warehouses",
        description="Warehouses for the reports that ask for one; without any, those streams are skipped",
    ),
    th.Property(
        "window_days",
        th.IntegerType(**_POSITIVE),
        title="Window days",
        description="Longest window, in days, of the reports asked for by a range of days; by default 31",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(**_NON_NEGATIVE),
        title="Look-back days",
        description="Days before the bookmark that are read again on each new day; by default 30 for orders_report "
        "and returns_report, 0 for the others",
    ),
    th.Property(
        "hold_back_days",
        th.IntegerType(**_NON_NEGATIVE),
        default=DEFAULT_HOLD_BACK_DAYS,
        title="Hold-back days",
        description="Newest days that are not asked for yet, because their numbers still change",
    ),
    th.Property(
        "report_types",
        th.ObjectType(*(th.Property(name, _OVERRIDES) for name in REPORT_TYPES), additional_properties=_OVERRIDES),
        title="Report types",
        description="Overrides per report type: `identifier`, `parameters`, `key_properties`, `window_days`, "
        "`lookback_days`, `hold_back_days`, `report_timeout`, `max_reports`, `max_reports_per_seller`",
    ),
    th.Property(
        "custom_reports",
        th.ArrayType(
            th.ObjectType(
                th.Property("name", th.StringType, required=True),
                th.Property("identifier", th.StringType, required=True),
                th.Property("window", th.StringType(allowed_values=list(CUSTOM_WINDOWS)), required=True),
                th.Property("per_warehouse", th.BooleanType, default=False),
                th.Property("parameters", th.ObjectType(additional_properties=True)),
                th.Property("key_properties", th.ArrayType(th.StringType)),
                th.Property("window_days", th.IntegerType(**_POSITIVE)),
                th.Property("lookback_days", th.IntegerType(**_NON_NEGATIVE)),
                additional_properties=False,
            )
        ),
        title="Custom reports",
        description="Report types the tap does not know: `name`, `identifier`, `window` (days, month, financial_year "
        "or snapshot), and if need be `per_warehouse`, `parameters`, `key_properties`, `window_days`, `lookback_days`",
    ),
    th.Property(
        "repair",
        th.ArrayType(
            th.ObjectType(
                th.Property("stream", th.StringType, required=True),
                th.Property("from_date", th.StringType, required=True),
                th.Property("to_date", th.StringType, required=True),
                th.Property("seller_id", th.StringType),
                th.Property("warehouse_id", th.StringType),
                additional_properties=False,
            )
        ),
        title="Repair",
        description="Days to read again, and nothing else, without moving a bookmark: entries of `stream`, "
        "`from_date`, `to_date`, and if need be `seller_id` and `warehouse_id`",
    ),
    th.Property(
        "given_up_reports",
        th.ArrayType(th.StringType),
        title="Given up reports",
        description="Ids of bought reports that are not read any more, for example because their file is broken for "
        "good: their windows are bought anew",
    ),
    th.Property(
        "only_sellers",
        th.ArrayType(th.StringType),
        title="Only sellers",
        description="Sellers of this run, by `seller_id`; by default all",
    ),
    th.Property(
        "only_report_types",
        th.ArrayType(th.StringType),
        title="Only report types",
        description="Report types of this run, of those whose streams are selected; by default all",
    ),
    th.Property(
        "max_concurrent_reports",
        th.IntegerType(**_POSITIVE),
        default=8,
        title="Concurrent reports",
        description="Reports in progress at once, of all streams and sellers together",
    ),
    th.Property(
        "max_concurrent_reports_per_seller",
        th.IntegerType(**_POSITIVE),
        default=4,
        title="Concurrent reports per seller",
        description="Reports in progress at once of one seller",
    ),
    th.Property(
        "poll_interval",
        th.NumberType(exclusive_minimum=0),
        default=5,
        title="Poll interval",
        description="Seconds between the first two detail calls of a report; the pause grows from there",
    ),
    th.Property(
        "poll_max_interval",
        th.NumberType(exclusive_minimum=0),
        default=120,
        title="Longest poll interval",
        description="Seconds the pause between two detail calls of a report never exceeds",
    ),
    th.Property(
        "report_timeout",
        th.NumberType(exclusive_minimum=0),
        default=21600,
        title="Report timeout",
        description="Seconds one report may take before its window fails",
    ),
    th.Property(
        "max_wait",
        th.NumberType(exclusive_minimum=0),
        title="Longest wait",
        description="Seconds the run waits for reports; what is not ready by then stays bought, is left for the next "
        "run, and the run ends well. By default it waits for all",
    ),
    th.Property(
        "max_reports",
        th.IntegerType(**_POSITIVE),
        title="Budget",
        description="Triggers allowed in one run; the rest is left for the next run, and the run ends well. By default "
        "there is no limit",
    ),
    th.Property(
        "report_ledger",
        th.StringType,
        secret=True,
        title="Report ledger",
        description="Where bought reports are booked: a file path (SQLite) or an SQLAlchemy URL such as "
        "postgresql://user:password@host/database, which many workers may share. By default the ids of reports in "
        "flight travel in the state alone",
    ),
    th.Property(
        "report_archive",
        th.StringType,
        title="Report archive",
        description="Folder or fsspec URL where downloaded files are kept, each with a note of which report it is, so "
        "that `flipkart-reports replay` can read them again without a call. By default none is kept",
    ),
    th.Property(
        "report_archive_days",
        th.IntegerType(**_POSITIVE),
        title="Days in the archive",
        description="Days after which a file is removed from `report_archive`; by default it stays",
    ),
    th.Property(
        "token_store",
        th.StringType,
        secret=True,
        title="Token store",
        description="Where tokens that Flipkart hands out are kept for other workers and the next run, so that a "
        "rotated refresh token locks nobody out: a file path (SQLite, mode 0600) or an SQLAlchemy URL, for example the "
        "ledger's. Encrypted with the key in the environment as `TAP_FLIPKART_REPORTS_TOKEN_KEY`; needs the extra "
        "`tokens`. By default tokens are kept nowhere",
    ),
    th.Property(
        "schema_drift",
        th.StringType(allowed_values=["evolve", "extra", "fail"]),
        default="evolve",
        title="Schema drift",
        description="Columns the schema does not have: `evolve` adds them as text columns, `extra` keeps them in "
        "`_extra`, `fail` fails the window",
    ),
    th.Property(
        "bad_cells",
        th.StringType(allowed_values=["keep", "fail"]),
        default="keep",
        title="Bad cells",
        description="Cells that do not fit their column's type: `keep` leaves the column null and the text in "
        "`_unparsed`, `fail` fails the window",
    ),
    th.Property(
        "bad_rows",
        th.StringType(allowed_values=["fail", "skip"]),
        default="fail",
        title="Bad rows",
        description="Rows with more or fewer cells than the header: `fail` fails the window, `skip` passes over them, "
        "logged and counted",
    ),
    th.Property(
        "max_bad_rows",
        th.IntegerType(**_NON_NEGATIVE),
        default=100,
        title="Most bad rows",
        description="Rows of one table of a report that `bad_rows: skip` passes over; with more, the window fails",
    ),
    th.Property(
        "max_file_bytes",
        th.IntegerType(**_POSITIVE),
        default=MAX_FILE_BYTES,
        title="Largest file",
        description="Bytes a report's file may have when it is unpacked; a larger one fails its window unread",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default=API_URL,
        title="API URL",
        description="Base address of the API; `simulator` starts the shipped simulator and needs no credentials",
    ),
    th.Property(
        "auth_url",
        th.StringType,
        title="Token URL",
        description=f"Address of the token call; by default `api_url` and `{AUTH_PATH}`",
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User agent",
        description="User-Agent header of every call; by default the tap's name and version",
    ),
).to_dict()


def describe_mismatch(error: ValidationError) -> str:
    """What a setting's value should be, in words that never show the value: it may be a secret.

    Args:
        error: a mismatch between a configuration and `CONFIG_JSONSCHEMA`.
    """
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    expected: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if error.validator == "type":
        words = [expected] if isinstance(expected, str) else expected
        return f"{where} must be of type {' or '.join(word for word in words if word != 'null')}"
    if error.validator == "enum":
        return f"{where} must be one of {', '.join(str(word) for word in expected if word is not None)}"
    if error.validator == "required":
        missing = [name for name in expected if name not in instance]
        return f"{where} lacks {', '.join(missing)}"
    if error.validator == "additionalProperties":
        unknown = sorted(set(instance) - set(schema.get("properties", {})))
        return f"{where} has members that are not known: {', '.join(unknown)}"
    if error.validator in {"minimum", "exclusiveMinimum"}:
        return f"{where} must be {'at least' if error.validator == 'minimum' else 'more than'} {expected}"
    return f"{where} does not fit: {error.validator} {expected}"


def with_numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with plain numbers: from the environment they come as text, from the SDK as decimals."""
    return {name: _number(name, _without_decimals(value)) for name, value in config.items()}


def _without_decimals(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_decimals(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_decimals(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value


def _number(name: str, value: object) -> object:
    types = CONFIG_JSONSCHEMA["properties"].get(name, {}).get("type", ())
    if isinstance(value, str) and {"number", "integer"} & set(types):
        try:
            return float(value) if "number" in types else int(value)
        except ValueError:
            return value
    return value


@dataclass(frozen=True, kw_only=True)
class Repair:
    """Days of a stream that are read again by themselves.

    Attributes:
        stream: the stream.
        days: the days.
        seller_id: whose; `None` for every seller.
        warehouse_id: of which warehouse; `None` for every warehouse.
    """

    stream: str
    days: Window
    seller_id: str | None
    warehouse_id: str | None

    def concerns(self, *, stream: str, seller_id: str, warehouse_id: str | None) -> bool:
        """Whether a stream of a partition is to be read again."""
        return (
            stream == self.stream and self.seller_id in {None, seller_id} and self.warehouse_id in {None, warehouse_id}
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that are known to be right.

    Attributes: as the settings of the same names (README), with defaults filled in and dates read as days in
    Asia/Kolkata. `sellers` are those of the run, `only_report_types` is empty for all. `report_types` are those of the
    table and the custom ones, overrides applied, by stream name. `repairs`, where there are any, are all that the run
    reads.
    """

    sellers: tuple[Credentials, ...]
    start_date: date
    end_date: date | None
    warehouse_ids: tuple[str, ...]
    report_types: Mapping[str, ReportType]
    only_report_types: frozenset[str]
    repairs: tuple[Repair, ...]
    given_up_reports: frozenset[str]
    max_concurrent_reports: int
    max_concurrent_reports_per_seller: int
    poll_interval: float
    poll_max_interval: float
    report_timeout: float
    max_wait: float | None
    max_reports: int | None
    report_ledger: str | None
    report_archive: str | None
    report_archive_days: int | None
    token_store: str | None
    schema_drift: Literal["evolve", "extra", "fail"]
    bad_cells: Literal["keep", "fail"]
    bad_rows: Literal["fail", "skip"]
    max_bad_rows: int
    max_file_bytes: int
    api_url: str
    auth_url: str
    user_agent: str | None

    @property
    def row_rules(self) -> RowRules:
        """What becomes of rows and cells that do not fit."""
        return RowRules(
            bad_rows=self.bad_rows,
            max_bad_rows=self.max_bad_rows,
            bad_cells=self.bad_cells,
            schema_drift=self.schema_drift,
        )

    @property
    def is_simulated(self) -> bool:
        """Whether the shipped simulator takes the API's place."""
        return self.api_url == SIMULATOR

    def newest_day(self, report_type: ReportType, *, today: date) -> date | None:
        """The last day that may be asked for, `None` if there is none.

        Args:
            report_type: one of `report_types`.
            today: the day it is in Asia/Kolkata.
        """
        if report_type.is_snapshot:
            return today if self.end_date is None or today <= self.end_date else None
        newest = today - timedelta(days=1 + (report_type.hold_back_days or 0))
        return newest if self.end_date is None else min(newest, self.end_date)


def read_settings(config: Mapping[str, Any], *, today: date, makes_calls: bool = True) -> Settings:
    """Read a configuration that fits `CONFIG_JSONSCHEMA`.

    Args:
        config: the configuration.
        today: the day it is in Asia/Kolkata, for dates such as "yesterday".
        makes_calls: whether credentials are needed.

    Raises:
        SettingsError: something does not fit together; the text names every such setting, never a value of a secret.
    """
    errors: list[str] = []
    start = _day(config, "start_date", errors, today=today)
    end = _day(config, "end_date", errors, today=today)
    if start is None and "start_date" not in config and makes_calls:
        errors.append("start_date is not set: name the first day wanted, for example 2026-01-01")
    if start and end and end < start:
        errors.append(f"end_date {end} lies before start_date {start}")
    if config.get("poll_max_interval", 120) < config.get("poll_interval", 5):
        errors.append("poll_max_interval is smaller than poll_interval")
    sellers = tuple(_sellers(config, errors, makes_calls=makes_calls))
    report_types = read_report_types(config, errors)
    repairs = tuple(_repairs(config, sellers, report_types, errors, today=today))
    only_sellers, only_report_types = _only(config, sellers, report_types, errors)
    if errors:
        raise SettingsError("; ".join(errors))
    api_url = str(config.get("api_url", API_URL)).rstrip("/")
    return Settings(
        sellers=tuple(seller for seller in sellers if not only_sellers or seller.seller_id in only_sellers),
        start_date=start or date.min,
        end_date=end,
        warehouse_ids=tuple(dict.fromkeys(config.get("warehouse_ids", ()))),
        report_types=report_types,
        only_report_types=only_report_types,
        repairs=repairs,
        given_up_reports=frozenset(config.get("given_up_reports") or ()),
        api_url=api_url,
        auth_url=config.get("auth_url", api_url + AUTH_PATH),
        user_agent=config.get("user_agent"),
        **{name: config.get(name, _default(name)) for name in _PLAIN},
    )


@dataclass(frozen=True, kw_only=True)
class App:
    """What is needed to authorise a seller for the app.

    Attributes: as the settings of the same names; `refresh_tokens` are those the settings hold already, by seller.
    """

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    auth_url: str
    user_agent: str | None
    token_store: str | None = field(repr=False)
    refresh_tokens: Mapping[str, str] = field(repr=False)


def read_app(config: Mapping[str, Any]) -> App:
    """Read what a configuration says of the app; it may be incomplete otherwise, as before the first seller.

    Args:
        config: the configuration.

    Raises:
        SettingsError: something that is needed is missing or wrong.
    """
    mistakes = JSONSchemaValidator(CONFIG_JSONSCHEMA).iter_errors(dict(config))
    if errors := [describe_mismatch(error) for error in mistakes]:
        raise SettingsError("; ".join(errors))
    if not config.get("client_id") or not config.get("client_secret"):
        raise SettingsError("client_id and client_secret are needed to authorise a seller: set them")
    api_url = str(config.get("api_url", API_URL)).rstrip("/")
    if api_url == SIMULATOR and "auth_url" not in config:
        raise SettingsError(
            "api_url simulator ends with the run, and tokens with it: serve one with `flipkart-reports simulate` and "
            "set api_url to its address"
        )
    return App(
        client_id=config["client_id"],
        client_secret=config["client_secret"],
        auth_url=config.get("auth_url", api_url + AUTH_PATH),
        user_agent=config.get("user_agent"),
        token_store=config.get("token_store"),
        refresh_tokens={
            credentials.seller_id: credentials.refresh_token
            for credentials in _sellers(config, [], makes_calls=False)
            if credentials.refresh_token
        },
    )


def read_report_types(config: Mapping[str, Any], errors: list[str]) -> dict[str, ReportType]:
    """The report types of the table and the custom ones, overrides applied, by stream name.

    Args:
        config: a configuration that fits `CONFIG_JSONSCHEMA`.
        errors: gets one sentence for everything that does not fit together.
    """
    return {**_overridden(config, errors), **_custom_reports(config, errors)}


_PLAIN = (
    "max_concurrent_reports",
    "max_concurrent_reports_per_seller",
    "poll_interval",
    "poll_max_interval",
    "report_timeout",
    "max_wait",
    "max_reports",
    "report_ledger",
    "report_archive",
    "report_archive_days",
    "token_store",
    "schema_drift",
    "bad_cells",
    "bad_rows",
    "max_bad_rows",
    "max_file_bytes",
)


def _default(name: str) -> Any:  # noqa: ANN401 - whatever the schema declares
    return CONFIG_JSONSCHEMA["properties"][name].get("default")


def _repairs(
    config: Mapping[str, Any],
    sellers: Sequence[Credentials],
    report_types: Mapping[str, ReportType],
    errors: list[str],
    *,
    today: date,
) -> Iterator[Repair]:
    kinds = {table: report_type for report_type in report_types.values() for table in report_type.streams}
    for number, entry in enumerate(config.get("repair") or ()):
        wrong: list[str] = []
        first, last = (_day(entry, name, wrong, today=today) for name in ("from_date", "to_date"))
        if first and last and last < first:
            wrong.append(f"to_date {last} lies before from_date {first}")
        if entry["stream"] not in kinds:
            wrong.append(f"{entry['stream']!r} is no stream")
        elif kinds[entry["stream"]].is_snapshot:
            wrong.append(f"{entry['stream']} shows the day on which it is asked for; past days cannot be had again")
        if entry.get("seller_id") not in {None, *(credentials.seller_id for credentials in sellers)}:
            wrong.append(f"{entry['seller_id']!r} is none of the sellers")
        errors.extend(f"repair[{number}]: {text}" for text in wrong)
        if first and last and not wrong:
            yield Repair(
                stream=entry["stream"],
                days=Window(first, last),
                seller_id=entry.get("seller_id"),
                warehouse_id=entry.get("warehouse_id"),
            )


def _only(
    config: Mapping[str, Any], sellers: Sequence[Credentials], report_types: Mapping[str, ReportType], errors: list[str]
) -> tuple[frozenset[str], frozenset[str]]:
    """The sellers and the report types that a run is narrowed to; empty where it is not."""
    only_sellers = frozenset(config.get("only_sellers") or ())
    only_report_types = frozenset(config.get("only_report_types") or ())
    errors.extend(
        f"only_sellers names {name!r}, which is none of the sellers"
        for name in sorted(only_sellers - {seller.seller_id for seller in sellers})
    )
    errors.extend(
        f"only_report_types names {name!r}, which is no report type; they are {', '.join(report_types)}"
        for name in sorted(only_report_types - set(report_types))
    )
    return only_sellers, only_report_types


_RELATIVE_DAY = re.compile(r"(?P<number>[0-9]{1,4}) (?P<unit>day|week|month|year)s? ago", re.IGNORECASE)
_NAMED_DAYS = {"today": 0, "yesterday": 1}


def _day(config: Mapping[str, Any], name: str, errors: list[str], *, today: date) -> date | None:
    """Meltano sends dates, naive time stamps with microseconds, `Z` and offsets; sellers think in Kolkata's days."""
    text = config.get(name)
    if not text:
        return None
    try:
        return _relative_day(text.strip(), today) or _calendar_day(text)
    except (ValueError, OverflowError):
        errors.append(f"{name} is {text!r}, which is not a date such as 2026-01-31, nor yesterday or 4 days ago")
        return None


def _relative_day(text: str, today: date) -> date | None:
    """A day counted back from today in Kolkata: Meltano would count from the machine's own day."""
    if text.lower() in _NAMED_DAYS:
        return today - timedelta(days=_NAMED_DAYS[text.lower()])
    if (match := _RELATIVE_DAY.fullmatch(text)) is None:
        return None
    from dateutil.relativedelta import relativedelta  # noqa: PLC0415 - few settings need it, and it takes long to load

    return today - relativedelta(**{f"{match['unit'].lower()}s": int(match["number"])})  # type: ignore[arg-type]  # its other parameters are no numbers


def _calendar_day(text: str) -> date:
    from dateutil.parser import isoparse  # noqa: PLC0415 - discovery does without it, and it takes long to load

    if not _FULL_DATE.match(text):
        raise ValueError(text)
    moment = isoparse(text)
    return (moment.astimezone(KOLKATA) if moment.tzinfo else moment).date()


def _sellers(config: Mapping[str, Any], errors: list[str], *, makes_calls: bool) -> Iterator[Credentials]:
    single = [name for name in ("refresh_token", "access_token") if config.get(name)]
    entries = config.get("sellers") or []
    if entries and single:
        errors.append(f"sellers and {single[0]} are both set: put the token into sellers, or remove sellers")
    if not entries:
        entries = [{"seller_id": config.get("seller_id") or DEFAULT_SELLER, **{name: config[name] for name in single}}]
    names = [entry["seller_id"] for entry in entries]
    errors.extend(f"sellers names {name!r} twice" for name in dict.fromkeys(names) if names.count(name) > 1)
    needs_none = config.get("api_url") == SIMULATOR or not makes_calls
    for entry in entries:
        credentials = Credentials(
            seller_id=entry["seller_id"],
            client_id=config.get("client_id"),
            client_secret=config.get("client_secret"),
            refresh_token=entry.get("refresh_token"),
            access_token=entry.get("access_token"),
        )
        if not needs_none and (error := _missing_credentials(credentials)):
            errors.append(error)
        yield credentials


def _missing_credentials(credentials: Credentials) -> str | None:
    if credentials.refresh_token and not (credentials.client_id and credentials.client_secret):
        return f"client_id and client_secret are needed to use the refresh_token of seller {credentials.seller_id!r}"
    if credentials.access_token or (credentials.client_id and credentials.client_secret):
        return None
    return (
        f"seller {credentials.seller_id!r} has no credentials: set client_id, client_secret and its refresh_token, "
        "or api_url to simulator to try the tap without any"
    )


def _overridden(config: Mapping[str, Any], errors: list[str]) -> dict[str, ReportType]:
    overrides: Mapping[str, Mapping[str, Any]] = config.get("report_types") or {}
    custom = {entry["name"] for entry in config.get("custom_reports") or ()}
    errors.extend(
        f"report_types names {name!r}, which is no report type; they are {', '.join(REPORT_TYPES)}"
        for name in overrides
        if name not in REPORT_TYPES and name not in custom
    )
    return {
        name: _override(report_type, overrides.get(name, {}), config, errors)
        for name, report_type in REPORT_TYPES.items()
    }


def _override(
    report_type: ReportType, override: Mapping[str, Any], config: Mapping[str, Any], errors: list[str]
) -> ReportType:
    """What is said of one report type goes before what is said of all, and that before the type's own default."""
    parameters = override.get("parameters", report_type.parameters)
    errors.extend(
        f"the parameters of {report_type.name} name {{{placeholder}}}; known are {', '.join(PLACEHOLDERS)}"
        for placeholder in sorted(placeholders_in(parameters) - set(PLACEHOLDERS))
    )
    key = override.get("key_properties")
    tables = report_type.tables if key is None else tables_of(report_type.name, key=tuple(key))
    held_back = max(config.get("hold_back_days", DEFAULT_HOLD_BACK_DAYS), report_type.hold_back_days or 0)
    rule = report_type.rule
    return replace(
        report_type,
        identifier=override.get("identifier", report_type.identifier),
        parameters=parameters,
        tables=tables,
        rule=replace(
            rule,
            kind=_kind(rule.kind, tables),
            window_days=override.get("window_days", config.get("window_days", rule.window_days)),
            lookback_days=override.get("lookback_days", config.get("lookback_days", rule.lookback_days)),
        ),
        hold_back_days=override.get("hold_back_days", held_back),
        max_reports=override.get("max_reports"),
        max_reports_per_seller=override.get("max_reports_per_seller"),
        report_timeout=override.get("report_timeout", config.get("report_timeout", _default("report_timeout"))),
    )


def _kind(kind: WindowKind, tables: Sequence[ReportTable]) -> WindowKind:
    """How windows are cut where some rows are told apart only within a window: so that it keeps its first day."""
    keeps_first_days = kind is not WindowKind.DAYS or all(table.key or table.dated_by for table in tables)
    return kind if keeps_first_days else WindowKind.DAY_GRID


def _custom_reports(config: Mapping[str, Any], errors: list[str]) -> dict[str, ReportType]:
    result: dict[str, ReportType] = {}
    for entry in config.get("custom_reports") or ():
        name = entry["name"]
        if not _NAME.fullmatch(name):
            errors.append(f"custom_reports: {name!r} is not a stream name; use small letters, digits and underscores")
        if name in REPORT_TYPES or name in result:
            errors.append(f"custom_reports: there is another report type named {name!r}")
        elif name in {table.stream for tables in TABLES.values() for table in tables[1:]}:
            errors.append(f"custom_reports: {name!r} is a table of another report type; use another name")
        own = {member: entry[member] for member in ("window_days", "lookback_days") if member in entry}
        override = (config.get("report_types") or {}).get(name, {})
        result[name] = _override(_custom_report(entry, errors), {**own, **override}, config, errors)
    return result


def _custom_report(entry: Mapping[str, Any], errors: list[str]) -> ReportType:
    per_warehouse = entry.get("per_warehouse", False)
    kind = CUSTOM_WINDOWS[entry["window"]]
    dates = {} if kind is WindowKind.SNAPSHOT else DATE_RANGE
    parameters = entry.get("parameters", {**(WAREHOUSE if per_warehouse else {}), **dates})
    tables = tables_of(entry["name"], key=tuple(entry.get("key_properties", ())))
    if kind is WindowKind.MONTH and placeholders_in(parameters) & WHOLE_MONTH_PLACEHOLDERS:
        kind = WindowKind.WHOLE_MONTH
    report_type = ReportType(
        name=entry["name"],
        title=entry["name"],
        identifier=entry["identifier"],
        rule=WindowRule(kind=kind),
        parameters=parameters,
        tables=tables,
        basis="declared in custom_reports",
    )
    if per_warehouse and not report_type.per_warehouse:
        errors.append(f"custom_reports: {entry['name']} is per_warehouse, but its parameters name no {{warehouse_id}}")
    return report_type
