"""The settings as JSON Schema: names, types, defaults, words, secrecy."""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

from tap_flipkart_reports.files.row_rules import MAX_FILE_BYTES
from tap_flipkart_reports.planning.window_rules import WindowKind
from tap_flipkart_reports.report_types import REPORT_TYPES

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


def default_of(name: str) -> Any:  # noqa: ANN401 - whatever the schema declares
    """A setting's default, `None` if it has none."""
    return CONFIG_JSONSCHEMA["properties"][name].get("default")
