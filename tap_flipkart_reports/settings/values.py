"""The settings of a run as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from tap_flipkart_reports.files.row_rules import RowRules
from tap_flipkart_reports.settings.schema import SIMULATOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.settings.credentials import Credentials
    from tap_flipkart_reports.windows import Window


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
