"""The settings of a run as one frozen value, each declared once.

A setting is one field of `Settings`: name, type of its value, JSON type with limits, default, description, secrecy.

    max_wait: float | None = setting(
        seconds(MONTH_SECONDS),                 # the JSON type, from schema.py
        title="Longest wait",                   # Meltano's label
        default=None,                           # may be left out
        secret=False,                           # may be left out
        description="Seconds the run waits …",  # documents, Meltano, `--about`; no full stop at the end
    )

That is all a setting needs: `CONFIG_JSONSCHEMA` is made from the fields, in their order, and `Reader` fills them in by
name, lists of texts as tuples. A setting whose value has to be converted also needs a line in `Reader._values`. Then
run `just made`, and add a line to CHANGELOG.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from singer_sdk import typing as th

from tap_flipkart_reports.files.row_rules import MAX_FILE_BYTES, RowRules
from tap_flipkart_reports.report_types import REPORT_TYPES, UNIDENTIFIED
from tap_flipkart_reports.settings.schema import (
    CUSTOM_REPORT,
    DAY_SECONDS,
    FREE_TEXT,
    MAX_NAME_LENGTH,
    MONTH_SECONDS,
    MOST_BYTES,
    MOST_REPORTS,
    MOST_ROWS,
    NAMES,
    OVERRIDES,
    REPAIR,
    REPLAY,
    REPORT_PRICES,
    SELLER,
    TEXT,
    WITHOUT_CONTROL_CHARACTERS,
    choice,
    days,
    json_schema,
    seconds,
    setting,
    whole,
    yes_or_no,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_flipkart_reports.planning.prices import Prices
    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.settings.credentials import Credentials
    from tap_flipkart_reports.windows import Window

SIMULATOR = "simulator"
"""The value of `api_url` that starts the shipped simulator inside the process."""

API_URL = "https://api.flipkart.net"

AUTH_PATH = "/oauth-service/oauth/token"

DEFAULT_SELLER = "default"

DEFAULT_HOLD_BACK_DAYS = 2

JSON_TEXT = "json_text"


@dataclass(frozen=True, kw_only=True)
class Repair:
    """Days of a stream to read again, without moving a bookmark.

    Attributes:
        stream: the stream.
        days: the days.
        seller_id: the seller; `None` for every seller.
        warehouse_id: the warehouse; `None` for every warehouse.
    """

    stream: str
    days: Window
    seller_id: str | None
    warehouse_id: str | None

    def concerns(self, *, stream: str, seller_id: str, warehouse_id: str | None) -> bool:
        """Whether a stream's partition is to be read again."""
        return (
            stream == self.stream and self.seller_id in {None, seller_id} and self.warehouse_id in {None, warehouse_id}
        )


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Archived reports to read again; `None` means all.

    Attributes:
        stream: the stream to read them for.
        days: windows without any of these days are left out.
        seller_id: the seller.
    """

    stream: str | None
    days: Window
    seller_id: str | None

    def holds(self, seller_id: str, window: Window) -> bool:
        """Whether a seller's report is to be read again."""
        return self.seller_id in {None, seller_id} and window.overlaps(self.days)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Validated settings: one field for each setting.

    Days are in Asia/Kolkata. `sellers` are those of the run. Empty `only_sellers` and `only_report_types` mean all.
    `report_types` are the built-in and the custom ones by name, with overrides applied. With `repair`, the run reads
    nothing else.

    Attributes:
        known_sellers: names of all configured sellers, including those that the run leaves out.
    """

    client_id: str | None = setting(
        FREE_TEXT,
        title="Client ID",
        secret=True,
        description="Application id of the third-party (aggregator) app in Flipkart's developer console",
    )
    client_secret: str | None = setting(
        FREE_TEXT, title="Client secret", secret=True, description="Application secret of the app"
    )
    sellers: tuple[Credentials, ...] = setting(
        th.ArrayType(SELLER),
        title="Sellers",
        secret=True,
        description="One entry per seller: `seller_id`, any name you choose, and a `refresh_token` (or an "
        "`access_token`). As an environment variable: a JSON array",
    )
    refresh_token: str | None = setting(
        FREE_TEXT,
        title="Refresh token",
        secret=True,
        description="Refresh token when only one seller is configured, instead of `sellers`",
    )
    access_token: str | None = setting(
        FREE_TEXT,
        title="Access token",
        secret=True,
        description="Access token when only one seller is configured, used as it is, instead of `sellers`",
    )
    seller_id: str = setting(
        th.StringType(max_length=MAX_NAME_LENGTH, pattern=WITHOUT_CONTROL_CHARACTERS),
        title="Seller ID",
        default=DEFAULT_SELLER,
        description="Seller name to use when only one seller is configured",
    )
    start_date: date = setting(
        TEXT,
        title="Start date",
        description="First day to load, in Asia/Kolkata: a date, a time stamp with or without a zone, `yesterday` or "
        "`30 days ago`. Required",
    )
    end_date: date | None = setting(
        TEXT,
        title="End date",
        description="Last day to load, in Asia/Kolkata; at most yesterday minus `hold_back_days`",
    )
    warehouse_ids: tuple[str, ...] = setting(
        NAMES,
        title="Warehouses",
        description="Warehouses for reports that are requested per warehouse; without any, those streams are skipped",
    )
    window_days: int | None = setting(
        days(1),
        title="Window days",
        description="Longest window, in days, of reports that are requested by a range of days; 31 by default",
    )
    lookback_days: int | None = setting(
        days(0),
        title="Look-back days",
        description="Days before the bookmark that are read again on each new day; by default 30 for orders_report "
        "and returns_report, and 0 for all others",
    )
    hold_back_days: int = setting(
        days(0),
        title="Hold-back days",
        default=DEFAULT_HOLD_BACK_DAYS,
        description="Most recent days to skip, because their figures still change",
    )
    report_types: Mapping[str, ReportType] = setting(
        th.ObjectType(
            *(th.Property(name, OVERRIDES) for name in (*REPORT_TYPES, *UNIDENTIFIED)), additional_properties=OVERRIDES
        ),
        title="Report types",
        description="Overrides per report type: `identifier`, `parameters`, `key_properties`, `window_days`, "
        "`lookback_days`, `hold_back_days`, `report_timeout`, `max_reports`, `max_reports_per_seller`",
    )
    custom_reports: tuple[Mapping[str, Any], ...] = setting(
        th.ArrayType(CUSTOM_REPORT),
        title="Custom reports",
        description="Report types the tap does not know: `name`, `identifier`, `window` (days, month, financial_year "
        "or snapshot), and optionally `per_warehouse`, `parameters`, `key_properties`, `sheets`, `window_days`, "
        "`lookback_days`; with `sheets` and the identifier of a known type, further sheets of that type's files",
    )
    repair: tuple[Repair, ...] = setting(
        th.ArrayType(REPAIR),
        title="Repair",
        description="Days to read again, and nothing else, without moving a bookmark: entries of `stream`, "
        "`from_date`, `to_date`, and optionally `seller_id` and `warehouse_id`",
    )
    replay: tuple[Replay, ...] = setting(
        th.ArrayType(REPLAY),
        title="Replay",
        description="Archived reports to read again, and nothing else, without a call and without a new state: entries "
        "of, all optional, `stream`, `from_date`, `to_date` and `seller_id`; `[{}]` reads the whole archive",
    )
    given_up_reports: tuple[str, ...] = setting(
        NAMES,
        title="Given up reports",
        description="Report ids to abandon, for example because their file is permanently unreadable; their windows "
        "are purchased again",
    )
    only_sellers: frozenset[str] = setting(
        NAMES, title="Only sellers", description="Sellers to load in this run, by `seller_id`; all by default"
    )
    only_report_types: frozenset[str] = setting(
        NAMES,
        title="Only report types",
        description="Report types to load in this run, among those whose streams are selected; all by default",
    )
    max_concurrent_reports: int = setting(
        whole(1, 1000),
        title="Concurrent reports",
        default=8,
        description="Reports in progress at once, over all streams and sellers",
    )
    max_concurrent_reports_per_seller: int = setting(
        whole(1, 1000),
        title="Concurrent reports per seller",
        default=4,
        description="Reports in progress at once for one seller",
    )
    poll_interval: float = setting(
        seconds(DAY_SECONDS),
        title="Poll interval",
        default=5,
        description="Seconds between the first two detail calls for a report; the pause grows from there",
    )
    poll_max_interval: float = setting(
        seconds(DAY_SECONDS),
        title="Longest poll interval",
        default=120,
        description="Longest pause between two detail calls for a report, in seconds",
    )
    report_timeout: float = setting(
        seconds(MONTH_SECONDS),
        title="Report timeout",
        default=21600,
        description="Seconds one report may take before its window fails",
    )
    max_wait: float | None = setting(
        seconds(MONTH_SECONDS),
        title="Longest wait",
        description="Seconds to wait for reports; reports not ready by then are picked up by the next run, and this "
        "run exits with 0. By default the run waits for all",
    )
    max_reports: int | None = setting(
        whole(1, MOST_REPORTS),
        title="Budget",
        description="Reports one run may buy; the next run buys the rest, and this run exits with 0. By default there "
        "is no limit",
    )
    report_prices: Prices = setting(
        REPORT_PRICES,
        title="Report prices",
        description="What one report costs, so that plans, probes, the run's summary, metrics and coverage show "
        "money too: a price by report type, `*` for all others, and `currency`",
    )
    confirm_reports: int | None = setting(
        whole(1, MOST_REPORTS),
        title="Confirmed reports",
        description="Reports that a first run may buy without `max_reports`; `flipkart-reports plan` shows the number",
    )
    max_unconfirmed_reports: int = setting(
        whole(0, MOST_REPORTS),
        title="Reports without confirmation",
        default=50,
        description="A run without a state and without `max_reports` that would buy more reports than this ends before "
        "the first purchase, unless `confirm_reports` allows that many",
    )
    report_ledger: str | None = setting(
        TEXT,
        title="Report ledger",
        secret=True,
        description="Where purchases are recorded: a file path (SQLite) or an SQLAlchemy URL such as "
        "postgresql://user:password@host/database, which many workers may share. By default the ids of reports in "
        "progress are in the state only",
    )
    report_archive: str | None = setting(
        TEXT,
        title="Report archive",
        description="Folder or fsspec URL where downloaded files are kept, each with a note of its report, so that "
        "`flipkart-reports replay` can read them again without a call. By default no file is kept",
    )
    from_archive: Literal["always", "never"] = setting(
        choice("always", "never"),
        title="Read from the archive",
        default="always",
        description="Whether days whose files are in `report_archive` are read from there instead of being bought "
        "again. Days within the look-back and running periods are bought as always",
    )
    report_archive_days: int | None = setting(
        days(1),
        title="Days in the archive",
        description="Days after which a file is removed from `report_archive`; by default files stay",
    )
    run_summary: str | None = setting(
        TEXT,
        title="Run summary",
        description="File to which the results of the run are written as JSON: figures by report type and seller, and "
        "every window that failed or is left. The last lines of the log name the twenty worst and count the others",
    )
    token_store: str | None = setting(
        TEXT,
        title="Token store",
        secret=True,
        description="Where new tokens are kept for other workers and the next run, so that a rotated refresh token "
        "does not lock you out: a file path (SQLite, mode 0600) or an SQLAlchemy URL, for example the ledger's. "
        "Encrypted with the key in the environment variable `TAP_FLIPKART_REPORTS_TOKEN_KEY`; needs the extra "
        "`tokens`. By default no token is kept",
    )
    schema_drift: Literal["evolve", "extra", "fail"] = setting(
        choice("evolve", "extra", "fail"),
        title="Schema drift",
        default="evolve",
        description="Columns the schema does not have: `evolve` adds them as text columns, `extra` keeps them in "
        "`_extra`, `fail` fails the window",
    )
    object_columns: Literal["object", "json_text"] = setting(
        choice("object", JSON_TEXT),
        title="Object columns",
        default="object",
        description="How `_extra` and `_unparsed` go out: as objects, or as JSON text, for targets that refuse or lose "
        "free objects; see docs/targets.md",
    )
    use_singer_decimal: bool = setting(
        yes_or_no(),
        title="Use Singer decimal",
        default=False,
        description="Whether amounts go out as text of the format `x-singer.decimal` with the digits of the file, for "
        "targets that round JSON numbers, such as Snowflake's and BigQuery's; see docs/targets.md",
    )
    bad_cells: Literal["keep", "fail"] = setting(
        choice("keep", "fail"),
        title="Bad cells",
        default="keep",
        description="Cells that do not fit their column's type: `keep` leaves the column null and the text in "
        "`_unparsed`, `fail` fails the window",
    )
    bad_rows: Literal["fail", "skip"] = setting(
        choice("fail", "skip"),
        title="Bad rows",
        default="fail",
        description="Rows with more or fewer cells than the header: `fail` fails the window, `skip` skips them, "
        "logged and counted",
    )
    max_bad_rows: int = setting(
        whole(0, MOST_ROWS),
        title="Most bad rows",
        default=100,
        description="Bad rows of one table of a report that `bad_rows: skip` tolerates; with more, the window fails",
    )
    max_file_bytes: int = setting(
        whole(1, MOST_BYTES),
        title="Largest file",
        default=MAX_FILE_BYTES,
        description="Largest size of a report's file in bytes, unpacked; a larger file fails its window unread",
    )
    report_id_path: str = setting(
        TEXT,
        title="Report id in the answer",
        default="report_id",
        description="Where the report id is in the answer to a trigger: names of members and numbers of list "
        "items, with a full stop between them, for example `data.0.reportId`",
    )
    api_url: str = setting(
        TEXT,
        title="API URL",
        default=API_URL,
        description="Base address of the API; `simulator` starts the shipped simulator and needs no credentials",
    )
    auth_url: str = setting(
        TEXT, title="Token URL", description=f"Address of the token call; by default `api_url` and `{AUTH_PATH}`"
    )
    user_agent: str | None = setting(
        TEXT, title="User agent", description="User-Agent header of every call; by default the tap's name and version"
    )
    correlation_ids: Literal["always", "never"] = setting(
        choice("always", "never"),
        title="Correlation ids",
        default="always",
        description="Whether a trigger carries a `correlation_id`, by which Flipkart may recognise it when it is "
        "repeated; `never` where the API refuses it, and a trigger whose answer is lost is then not repeated",
    )
    allowed_link_hosts: tuple[str, ...] = setting(
        NAMES,
        title="Allowed link hosts",
        description="Hosts that download links may lead to although their addresses are private, link-local or "
        "loopback, for example of a storage service within a network; links to public hosts and to the API's own need "
        "no entry",
    )
    plain_http_hosts: tuple[str, ...] = setting(
        NAMES,
        title="Plain http hosts",
        description="Hosts that may be called over plain http, which shows tokens, secrets and links to everybody on "
        "the way; by default only the machine itself",
    )

    known_sellers: frozenset[str] = frozenset()

    @property
    def row_rules(self) -> RowRules:
        """What to do with rows and cells that do not fit."""
        return RowRules(
            bad_rows=self.bad_rows,
            max_bad_rows=self.max_bad_rows,
            bad_cells=self.bad_cells,
            schema_drift=self.schema_drift,
        )

    @property
    def is_simulated(self) -> bool:
        """Whether the shipped simulator is used instead of the API."""
        return self.api_url == SIMULATOR

    def newest_day(self, report_type: ReportType, *, today: date) -> date | None:
        """The last day that may be requested, `None` if there is none.

        Args:
            report_type: one of `report_types`.
            today: today in Asia/Kolkata.
        """
        if report_type.is_snapshot:
            return today if self.end_date is None or today <= self.end_date else None
        newest = today - timedelta(days=1 + (report_type.hold_back_days or 0))
        return newest if self.end_date is None else min(newest, self.end_date)


@dataclass(frozen=True, kw_only=True)
class App:
    """The settings that are needed to authorise a seller.

    The fields are as in `Settings`; `refresh_tokens` are the configured ones, by seller.
    """

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    auth_url: str
    user_agent: str | None
    plain_http_hosts: frozenset[str]
    token_store: str | None = field(repr=False)
    refresh_tokens: Mapping[str, str] = field(repr=False)


CONFIG_JSONSCHEMA = json_schema(Settings)

OWN_SETTINGS = frozenset(CONFIG_JSONSCHEMA["properties"])
"""The tap's own settings; the SDK adds others to the schema."""


def default_of(name: str) -> Any:  # noqa: ANN401 - the setting declares its type
    """A setting's default, `None` if it has none."""
    return getattr(Settings, name)
