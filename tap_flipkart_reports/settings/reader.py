"""Reads a configuration into one frozen value, before any call."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.prices import ANY_TYPE, CURRENCY, Prices
from tap_flipkart_reports.planning.record_schema import ColumnForms
from tap_flipkart_reports.report_types import UNIDENTIFIED
from tap_flipkart_reports.settings.addresses import address_problem, header_problem, secret_problem, shows_secrets
from tap_flipkart_reports.settings.credentials import Credentials
from tap_flipkart_reports.settings.dates import read_day
from tap_flipkart_reports.settings.documents import TOO_DEEP, is_too_deep
from tap_flipkart_reports.settings.mismatches import find_mismatches
from tap_flipkart_reports.settings.overrides import ReportTypeReader
from tap_flipkart_reports.settings.plain_values import plain_values
from tap_flipkart_reports.settings.suggestions import did_you_mean
from tap_flipkart_reports.settings.values import (
    API_URL,
    AUTH_PATH,
    CONFIG_JSONSCHEMA,
    DEFAULT_SELLER,
    JSON_TEXT,
    SIMULATOR,
    App,
    Repair,
    Replay,
    Settings,
)
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tap_flipkart_reports.planning.report_type import ReportType


class Reader:
    """Reads a configuration and collects its mistakes.

    Args:
        config: the configuration as given.
        today: today in Asia/Kolkata, for dates such as "yesterday".

    Attributes:
        config: the configuration with plain values and the schema's defaults.
        errors: one sentence for each mistake found so far, without values of secrets.
    """

    def __init__(self, config: Mapping[str, Any], *, today: date) -> None:
        too_deep = [name for name, value in config.items() if is_too_deep(value)]
        self.config = plain_values({name: value for name, value in config.items() if name not in too_deep})
        self.errors = [f"{name} cannot be read: {TOO_DEEP}" for name in too_deep] or find_mismatches(self.config)
        self._fits = not self.errors
        self._today = today
        self._makes_calls = not (self._fits and self.config.get("replay"))

    def settings(self) -> Settings:
        """The settings of a run.

        Raises:
            SettingsError: some settings are wrong; the text names all of them.
        """
        self._refuse_errors()
        values = self._values()
        self._check_limits()
        self._refuse_errors()
        return Settings(**values)

    def app(self) -> App:
        """The settings of the app; other settings may be incomplete, for example before the first seller.

        Raises:
            SettingsError: a setting of the app is missing or wrong.
        """
        self._refuse_errors()
        client_id, client_secret = self._app_secret("client_id"), self._app_secret("client_secret")
        if not client_id or not client_secret:
            self.errors.append("client_id and client_secret are needed to authorise a seller: set them")
        if self._is_simulated and "auth_url" not in self.config:
            self.errors.append(
                "api_url simulator ends with the run, and tokens with it: serve one with `flipkart-reports simulate` "
                "and set api_url to its address"
            )
        api_url = self._api_url()
        app = App(
            client_id=client_id or "",
            client_secret=client_secret or "",
            auth_url=self._auth_url(api_url),
            user_agent=self._user_agent(),
            plain_http_hosts=frozenset(self.config.get("plain_http_hosts", ())),
            token_store=self.config.get("token_store"),
            refresh_tokens={
                seller.seller_id: seller.refresh_token
                for seller in map(self._credentials, self._entries())
                if seller.refresh_token
            },
        )
        self._refuse_errors()
        return app

    @cached_property
    def report_types(self) -> dict[str, ReportType]:
        """The built-in and custom report types; only the built-in ones if the configuration is invalid."""
        reader = ReportTypeReader(self.config if self._fits else {})
        result = reader.read()
        self.errors += reader.errors
        return result

    @property
    def column_forms(self) -> ColumnForms:
        """How objects and amounts are written, in discovery too; the defaults if the configuration is invalid."""
        config = self.config if self._fits else {}
        return ColumnForms(
            objects_are_text=config.get("object_columns") == JSON_TEXT,
            amounts_are_text=config.get("use_singer_decimal", False),
        )

    def _refuse_errors(self) -> None:
        if self.errors:
            raise SettingsError("; ".join(dict.fromkeys(self.errors)))

    def _values(self) -> dict[str, Any]:
        """The value of every setting."""
        values: dict[str, Any] = {
            each.name: self._value(each.name, each.default) for each in fields(Settings) if each.metadata
        }
        only_sellers = frozenset(self.config.get("only_sellers", ()))
        sellers = self._sellers()
        api_url = self._api_url()
        return values | {
            "client_id": self._app_secret("client_id"),
            "client_secret": self._app_secret("client_secret"),
            "sellers": tuple(seller for seller in sellers if not only_sellers or seller.seller_id in only_sellers),
            "only_sellers": only_sellers,
            "only_report_types": frozenset(self.config.get("only_report_types", ())),
            "known_sellers": frozenset(seller.seller_id for seller in sellers),
            "start_date": self._start_date() or date.min,
            "end_date": self._day(self.config, "end_date", self.errors),
            "report_types": self.report_types,
            "repair": tuple(self._repairs(sellers)),
            "replay": tuple(self._replays()),
            "report_prices": self._prices(),
            "api_url": api_url,
            "auth_url": self._auth_url(api_url),
            "user_agent": self._user_agent(),
        }

    def _value(self, name: str, default: object) -> object:
        """The value of a setting; lists become tuples, texts without duplicates."""
        if "array" not in CONFIG_JSONSCHEMA["properties"][name]["type"]:
            return self.config.get(name, default)
        items = self.config.get(name, ())
        return tuple(dict.fromkeys(items) if all(isinstance(item, str) for item in items) else items)

    # Days

    def _day(self, entry: Mapping[str, Any], name: str, errors: list[str]) -> date | None:
        if name not in entry:
            return None
        try:
            return read_day(entry[name], today=self._today)
        except ValueError:
            errors.append(f"{name} is {entry[name]!r}, which is not a date such as 2026-01-31, yesterday or 4 days ago")
            return None

    def _start_date(self) -> date | None:
        if "start_date" not in self.config and self._makes_calls:
            self.errors.append("start_date is not set: name the first day wanted, for example 2026-01-01")
        return self._day(self.config, "start_date", self.errors)

    def _check_limits(self) -> None:
        """Check settings that limit each other."""
        start, end = (self._day(self.config, name, []) for name in ("start_date", "end_date"))
        if start and end and end < start:
            self.errors.append(f"end_date {end} lies before start_date {start}")
        if self.config["poll_max_interval"] < self.config["poll_interval"]:
            self.errors.append("poll_max_interval is smaller than poll_interval")
        self.errors += _unknown_names(
            "only_sellers", self.config, [entry["seller_id"] for entry in self._entries()], "seller"
        )
        self.errors += _unknown_names("only_report_types", self.config, list(self.report_types), "report type")

    def _repairs(self, sellers: Iterable[Credentials]) -> Iterator[Repair]:
        streams = {stream: kind for kind in self.report_types.values() for stream in kind.streams}
        seller_ids = [seller.seller_id for seller in sellers]
        for number, entry in enumerate(self.config.get("repair", ())):
            wrong: list[str] = []
            first, last = (self._day(entry, name, wrong) for name in ("from_date", "to_date"))
            if first and last and last < first:
                wrong.append(f"to_date {last} lies before from_date {first}")
            stream, seller_id = entry["stream"], entry.get("seller_id")
            if stream not in streams:
                wrong.append(f"{stream!r} is not a stream{did_you_mean(stream, streams)}")
            elif streams[stream].is_snapshot:
                wrong.append(f"{stream} shows the day on which it is asked for; past days cannot be requested again")
            if seller_id is not None and seller_id not in seller_ids:
                wrong.append(f"{seller_id!r} is not one of the sellers{did_you_mean(seller_id, seller_ids)}")
            self.errors += [f"repair[{number}]: {text}" for text in wrong]
            if first and last and not wrong:
                yield Repair(
                    stream=stream,
                    days=Window(first, last),
                    seller_id=seller_id,
                    warehouse_id=entry.get("warehouse_id"),
                )

    def _replays(self) -> Iterator[Replay]:
        """Replays use the sellers and warehouses in the archive, not those of the configuration."""
        streams = [stream for kind in self.report_types.values() for stream in kind.streams]
        entries = self.config.get("replay", ())
        if entries and "report_archive" not in self.config:
            self.errors.append("replay needs report_archive: without it there is nothing to read again")
        if entries and "repair" in self.config:
            self.errors.append("replay and repair are both set: one reads the archive, the other buys; use two runs")
        for number, entry in enumerate(entries):
            wrong: list[str] = []
            first = self._day(entry, "from_date", wrong) or date.min
            last = self._day(entry, "to_date", wrong) or date.max
            if last < first:
                wrong.append(f"to_date {last} lies before from_date {first}")
            stream = entry.get("stream")
            if stream is not None and stream not in streams:
                wrong.append(f"{stream!r} is not a stream{did_you_mean(stream, streams)}")
            self.errors += [f"replay[{number}]: {text}" for text in wrong]
            if not wrong:
                yield Replay(stream=stream, days=Window(first, last), seller_id=entry.get("seller_id"))

    def _prices(self) -> Prices:
        members = self.config.get("report_prices", {})
        known = [ANY_TYPE, CURRENCY, *self.report_types]
        self.errors += [
            f"report_prices names {name!r}, which is not a report type{did_you_mean(name, known)}"
            for name in members
            if name not in known
        ]
        return Prices.from_settings(members)

    # Sellers

    def _entries(self) -> list[dict[str, str]]:
        """The entries of `sellers`; a single seller may be configured without the list."""
        if "sellers" in self.config:
            return list(self.config["sellers"])
        single: dict[str, str] = {
            name: self.config[name] for name in ("refresh_token", "access_token") if name in self.config
        }
        return [{"seller_id": self.config.get("seller_id") or DEFAULT_SELLER, **single}]

    def _sellers(self) -> list[Credentials]:
        entries = self._entries()
        is_list = "sellers" in self.config
        if is_list and not entries:
            self.errors.append("sellers is empty: name a seller, or leave it out for a single one")
        single = [name for name in ("refresh_token", "access_token") if self.config.get(name)]
        if is_list and single:
            self.errors.append(f"sellers and {single[0]} are both set: put the token into sellers, or remove sellers")
        names = [entry["seller_id"] for entry in entries]
        self.errors += [f"sellers names {name!r} twice" for name in dict.fromkeys(names) if names.count(name) > 1]
        sellers = [self._credentials(entry) for entry in entries]
        if self._makes_calls and not self._is_simulated:
            missing = (_missing_credentials(seller, has_others=len(sellers) > 1) for seller in sellers)
            self.errors += [error for error in missing if error]
        return sellers

    def _credentials(self, entry: Mapping[str, str]) -> Credentials:
        refresh_token, access_token = entry.get("refresh_token", ""), entry.get("access_token", "")
        for name, problem in (
            ("refresh_token", secret_problem(refresh_token)),
            ("access_token", header_problem(access_token)),
        ):
            if problem:
                self.errors.append(f"the {name} of seller {entry['seller_id']!r} {problem}")
        return Credentials(
            seller_id=entry["seller_id"],
            client_id=self.config.get("client_id") or None,
            client_secret=self.config.get("client_secret") or None,
            refresh_token=refresh_token or None,
            access_token=access_token or None,
        )

    def _app_secret(self, name: str) -> str | None:
        text: str | None = self.config.get(name) or None
        if text and (problem := secret_problem(text)):
            self.errors.append(f"{name} {problem}")
        return text

    # Addresses

    @property
    def _is_simulated(self) -> bool:
        return bool(self.config["api_url"] == SIMULATOR)

    def _api_url(self) -> str:
        return SIMULATOR if self._is_simulated else self._address("api_url", API_URL).rstrip("/")

    def _auth_url(self, api_url: str) -> str:
        return self._address("auth_url", api_url + AUTH_PATH) if "auth_url" in self.config else api_url + AUTH_PATH

    def _address(self, name: str, default: str) -> str:
        address: str = self.config.get(name, default)
        if problem := address_problem(address):
            self.errors.append(f"{name} {problem}")
        elif shows_secrets(address, self.config.get("plain_http_hosts", ())):
            self.errors.append(
                f"{name} begins with http://, which shows tokens and secrets on the way: write https://, or name its "
                "host in plain_http_hosts"
            )
        return address

    def _user_agent(self) -> str | None:
        text: str | None = self.config.get("user_agent")
        if text is not None and (problem := header_problem(text)):
            self.errors.append(f"user_agent {problem}")
        return text


def _unknown_names(name: str, config: Mapping[str, Any], known: list[str], noun: str) -> list[str]:
    """A sentence for each unknown name in a setting."""
    listed = f"; they are {', '.join(known)}" if noun == "report type" else ""
    return [
        f"{name} names {entry!r}, whose identifier Flipkart has not published; give it as `identifier` of {entry} in "
        "report_types"
        if entry in UNIDENTIFIED and noun == "report type"
        else f"{name} names {entry!r}, which is not a {noun}{listed}{did_you_mean(entry, known)}"
        for entry in dict.fromkeys(config.get(name, ()))
        if entry not in known
    ]


def _missing_credentials(seller: Credentials, *, has_others: bool) -> str | None:
    name = f"seller {seller.seller_id!r}"
    has_app = bool(seller.client_id and seller.client_secret)
    if seller.refresh_token and not has_app:
        return f"client_id and client_secret are needed to use the refresh_token of {name}"
    if seller.refresh_token or seller.access_token:
        return None
    if has_others:
        # The app's own token would load another account's rows under this seller's name.
        return f"{name} has no token of its own: give it a refresh_token, or leave the seller out"
    if has_app:
        return None
    return (
        f"{name} has no credentials: set client_id, client_secret and its refresh_token, or api_url to simulator to "
        "try the tap without any"
    )
