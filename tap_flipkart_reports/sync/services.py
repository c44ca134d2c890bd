"""What a run uses: the API with its tokens, the ledger, the archive. Each is built when it is first used."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from tap_flipkart_reports.adapters.address_rules import AddressRules
from tap_flipkart_reports.adapters.archive import Archive
from tap_flipkart_reports.adapters.transport import Connections
from tap_flipkart_reports.auth import AccessToken
from tap_flipkart_reports.client import ReportClient
from tap_flipkart_reports.settings.credentials import KEY_VARIABLE, Credentials
from tap_flipkart_reports.sync.report_files import ReportFiles

if TYPE_CHECKING:
    from tap_flipkart_reports.adapters.exchanges import ExchangeLog
    from tap_flipkart_reports.adapters.ledger import Ledger
    from tap_flipkart_reports.adapters.token_store import TokenStore
    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.purchasing.ports import ReportApi
    from tap_flipkart_reports.settings.values import Settings
    from tap_flipkart_reports.simulator import Simulator


class RunServices:
    """Builds the API client, the ledger, the archive and what they need, and closes them.

    Args:
        settings: of the run.
        clock: time.

    Attributes:
        exchanges: records requests and answers, if it is set before the first call.
    """

    def __init__(self, *, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._built = ExitStack()
        self.exchanges: ExchangeLog | None = None

    @cached_property
    def ledger(self) -> Ledger | None:
        """The report ledger, if `report_ledger` is set.

        Raises:
            LedgerError: it cannot be opened.
        """
        if not self.settings.report_ledger:
            return None
        from tap_flipkart_reports.adapters.ledger import Ledger  # noqa: PLC0415 - SQLAlchemy takes as long as all the rest

        ledger = Ledger(self.settings.report_ledger, clock=self._clock)
        self._built.callback(ledger.close)
        return ledger

    @cached_property
    def archive(self) -> Archive | None:
        """The archive of downloaded files, if `report_archive` is set."""
        path_or_url = self.settings.report_archive
        return Archive(path_or_url, clock=self._clock) if path_or_url else None

    @cached_property
    def files(self) -> ReportFiles:
        """Stores files and rejected rows."""
        return ReportFiles(archive=self.archive, clock=self._clock)

    @cached_property
    def connections(self) -> Connections:
        """The connections that all calls of all sellers share."""
        settings = self.settings
        connections = Connections(
            user_agent=settings.user_agent,
            clock=self._clock,
            rules=AddressRules(
                api_url=self.api_url,
                allowed_link_hosts=frozenset(settings.allowed_link_hosts),
                plain_http_hosts=frozenset(settings.plain_http_hosts),
            ),
            patience=settings.max_wait,
            exchanges=self.exchanges,
        )
        self._built.callback(connections.close)
        return connections

    @property
    def api_url(self) -> str:
        """The base address of the API or of the simulator."""
        return self._simulator.url if self.settings.is_simulated else self.settings.api_url

    @property
    def auth_url(self) -> str:
        """The address of the token call."""
        return self._simulator.auth_url if self.settings.is_simulated else self.settings.auth_url

    @cached_property
    def api(self) -> ReportApi:
        """Answers trigger, detail and download calls."""
        return self.client

    @cached_property
    def client(self) -> ReportClient:
        """The client that makes trigger, detail and download calls."""
        settings = self.settings
        return ReportClient(
            api_url=self.api_url,
            connections=self.connections,
            tokens=self.tokens,
            clock=self._clock,
            max_file_bytes=settings.max_file_bytes,
            sends_correlation_ids=settings.correlation_ids == "always",
            report_id_path=settings.report_id_path,
        )

    @cached_property
    def tokens(self) -> dict[str, AccessToken]:
        """One access token per seller."""
        settings = self.settings
        tokens = {}
        for credentials in settings.sellers:
            token = AccessToken(
                credentials=self._simulated(credentials) if settings.is_simulated else credentials,
                auth_url=self.auth_url,
                connections=self.connections,
                clock=self._clock,
                store=self.token_store,
            )
            self._built.callback(token.close)
            tokens[credentials.seller_id] = token
        return tokens

    @cached_property
    def token_store(self) -> TokenStore | None:
        """The token store, if `token_store` is set; the simulator in this process needs none.

        Raises:
            TokenStoreError: it cannot be opened.
        """
        if not self.settings.token_store or self.settings.is_simulated:
            return None
        from tap_flipkart_reports.adapters.token_store import (  # noqa: PLC0415 - cryptography is an extra
            TokenStore,
        )

        store = TokenStore(self.settings.token_store, key=os.environ.get(KEY_VARIABLE), clock=self._clock)
        self._built.callback(store.close)
        return store

    @cached_property
    def _simulator(self) -> Simulator:
        from tap_flipkart_reports.simulator import IDENTIFIERS, Simulator  # noqa: PLC0415 - only who asks for it loads it

        # A CSV holds only the first table of a report.
        known = self.settings.report_types.values()
        several = {report_type.identifier for report_type in known if len(report_type.tables) > 1}.intersection(
            IDENTIFIERS
        )
        simulator = Simulator(now=self._clock.now, file_format=dict.fromkeys(several, "xlsx"))
        simulator.start()
        self._built.callback(simulator.stop)
        return simulator

    def _simulated(self, credentials: Credentials) -> Credentials:
        return Credentials(
            seller_id=credentials.seller_id,
            client_id=self._simulator.client_id,
            client_secret=self._simulator.client_secret,
            refresh_token=self._simulator.refresh_token(credentials.seller_id),
        )

    def stop_waiting(self) -> None:
        """End the waits of all calls before their next tries."""
        if "connections" in vars(self):  # if it has been built
            self.connections.outages.stop()

    def close(self) -> None:
        """Close all services in reverse order, even if one of them fails to close."""
        self._built.close()
