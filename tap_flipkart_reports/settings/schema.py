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
    th.Property("identifier", th.StringType, description="The identifier in POST /reports/{identifier}"),
    th.Property("parameters", th.ObjectType(additional_properties=True), description="The trigger's parameters"),
    th.Property(
        "key_properties",
        th.ArrayType(th.StringType),
        description="Natural key of the report's first table; an empty list identifies rows by their hash",
    ),
    th.Property("window_days", th.IntegerType(**_POSITIVE), description="Longest window, in days"),
    th.Property("lookback_days", th.IntegerType(**_NON_NEGATIVE), description="Days read again before the bookmark"),
    th.Property("hold_back_days", th.IntegerType(**_NON_NEGATIVE), description="Most recent days to skip"),
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
        description="Refresh token when only one seller is configured, instead of `sellers`",
    ),
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        title="Access token",
        description="Access token when only one seller is configured, used as it is, instead of `sellers`",
    ),
    th.Property(
        "seller_id",
        th.StringType,
        title="Seller ID",
        default=DEFAULT_SELLER,
        description="Seller name to use when only one seller is configured",
    ),
    th.Property(
        "start_date",
        th.StringType,
        title="Start date",
        description="First day to load, in Asia/Kolkata: a date, a time stamp with or without a zone, `yesterday` or "
        "`30 days ago`. Required",
    ),
    th.Property(
        "end_date",
        th.StringType,
        title="End date",
        description="Last day to load, in Asia/Kolkata; at most yesterday minus `hold_back_days`",
    ),
    th.Property(
        "warehouse_ids",
        th.ArrayType(th.StringType),
        title="Warehouses",
        description="Warehouses for reports that are requested per warehouse; without any, those streams are skipped",
    ),
    th.Property(
        "window_days",
        th.IntegerType(**_POSITIVE),
        title="Window days",
        description="Longest window, in days, of reports that are requested by a range of days; 31 by default",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(**_NON_NEGATIVE),
        title="Look-back days",
        description="Days before the bookmark that are read again on each new day; by default 30 for orders_report "
        "and returns_report, and 0 for all others",
    ),
    th.Property(
        "hold_back_days",
        th.IntegerType(**_NON_NEGATIVE),
        default=DEFAULT_HOLD_BACK_DAYS,
        title="Hold-back days",
        description="Most recent days to skip, because their figures still change",
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
        "or snapshot), and optionally `per_warehouse`, `parameters`, `key_properties`, `window_days`, `lookback_days`",
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
        "`from_date`, `to_date`, and optionally `seller_id` and `warehouse_id`",
    ),
    th.Property(
        "given_up_reports",
        th.ArrayType(th.StringType),
        title="Given up reports",
        description="Report ids to abandon, for example because their file is permanently unreadable; their windows "
        "are purchased again",
    ),
    th.Property(
        "only_sellers",
        th.ArrayType(th.StringType),
        title="Only sellers",
        description="Sellers to load in this run, by `seller_id`; all by default",
    ),
    th.Property(
        "only_report_types",
        th.ArrayType(th.StringType),
        title="Only report types",
        description="Report types to load in this run, among those whose streams are selected; all by default",
    ),
    th.Property(
        "max_concurrent_reports",
        th.IntegerType(**_POSITIVE),
        default=8,
        title="Concurrent reports",
        description="Reports in progress at once, over all streams and sellers",
    ),
    th.Property(
        "max_concurrent_reports_per_seller",
        th.IntegerType(**_POSITIVE),
        default=4,
        title="Concurrent reports per seller",
        description="Reports in progress at once for one seller",
    ),
    th.Property(
        "poll_interval",
        th.NumberType(exclusive_minimum=0),
        default=5,
        title="Poll interval",
        description="Seconds between the first two detail calls for a report; the pause grows from there",
    ),
    th.Property(
        "poll_max_interval",
        th.NumberType(exclusive_minimum=0),
        default=120,
        title="Longest poll interval",
        description="Longest pause between two detail calls for a report, in seconds",
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
        description="Seconds to wait for reports; reports not ready by then are picked up by the next run, and this "
        "run exits with 0. By default the run waits for all",
    ),
    th.Property(
        "max_reports",
        th.IntegerType(**_POSITIVE),
        title="Budget",
        description="Reports one run may buy; the next run buys the rest, and this run exits with 0. By default there "
        "is no limit",
    ),
    th.Property(
        "report_ledger",
        th.StringType,
        secret=True,
        title="Report ledger",
        description="Where purchases are recorded: a file path (SQLite) or an SQLAlchemy URL such as "
        "postgresql://user:password@host/database, which many workers may share. By default the ids of reports in "
        "progress are in the state only",
    ),
    th.Property(
        "report_archive",
        th.StringType,
        title="Report archive",
        description="Folder or fsspec URL where downloaded files are kept, each with a note of its report, so that "
        "`flipkart-reports replay` can read them again without a call. By default no file is kept",
    ),
    th.Property(
        "report_archive_days",
        th.IntegerType(**_POSITIVE),
        title="Days in the archive",
        description="Days after which a file is removed from `report_archive`; by default files stay",
    ),
    th.Property(
        "token_store",
        th.StringType,
        secret=True,
        title="Token store",
        description="Where new tokens are kept for other workers and the next run, so that a rotated refresh token "
        "does not lock you out: a file path (SQLite, mode 0600) or an SQLAlchemy URL, for example the ledger's. "
        "Encrypted with the key in the environment variable `TAP_FLIPKART_REPORTS_TOKEN_KEY`; needs the extra "
        "`tokens`. By default no token is kept",
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
        description="Rows with more or fewer cells than the header: `fail` fails the window, `skip` skips them, "
        "logged and counted",
    ),
    th.Property(
        "max_bad_rows",
        th.IntegerType(**_NON_NEGATIVE),
        default=100,
        title="Most bad rows",
        description="Bad rows of one table of a report that `bad_rows: skip` tolerates; with more, the window fails",
    ),
    th.Property(
        "max_file_bytes",
        th.IntegerType(**_POSITIVE),
        default=MAX_FILE_BYTES,
        title="Largest file",
        description="Largest size of a report's file in bytes, unpacked; a larger file fails its window unread",
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
