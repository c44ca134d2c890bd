"""The tap's settings: their JSON Schema, and their reading into one frozen object.

Every mistake is found here, before any call: `read_settings` raises one `SettingsError` that names them all.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk.plugin_base import JSONSchemaValidator

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.settings.credentials import Credentials
from tap_flipkart_reports.settings.mismatches import describe_mismatch
from tap_flipkart_reports.settings.overrides import read_report_types
from tap_flipkart_reports.settings.schema import (
    API_URL,
    AUTH_PATH,
    CONFIG_JSONSCHEMA,
    DEFAULT_SELLER,
    SIMULATOR,
    default_of,
)
from tap_flipkart_reports.settings.values import App, Repair, Settings
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_flipkart_reports.planning.report_type import ReportType

_FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


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
        **{name: config.get(name, default_of(name)) for name in _PLAIN},
    )


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
