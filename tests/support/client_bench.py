"""A client of the three calls over real sockets, in virtual time."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from support.clocks import VirtualClock
from support.scripted_server import Reply, ScriptedServer
from tap_flipkart_reports.adapters.address_rules import AddressRules
from tap_flipkart_reports.adapters.transport import Connections
from tap_flipkart_reports.adapters.trigger_answers import REPORT_ID_PATH
from tap_flipkart_reports.auth import AccessToken
from tap_flipkart_reports.client import MAX_FILE_BYTES, ReportClient
from tap_flipkart_reports.settings.credentials import Credentials

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from tap_flipkart_reports.adapters.downloads import Download
    from tap_flipkart_reports.purchasing.report_detail import ReportDetail

CORRELATION = "6f1c2d3e-0000-4000-8000-5a5a5a5a5a5a"


class ClientBench:
    """A client with one seller, the API it talks to, and a token endpoint that hands out `token-1`, `token-2`, …"""

    def __init__(self, rules: AddressRules | None = None, *, patience: float | None = None) -> None:
        self.clock = VirtualClock()
        self.api = ScriptedServer()
        self.auth = ScriptedServer(Reply(status=401, body={"error": "no more tokens"}))
        self.auth.plays(*[Reply(body={"access_token": f"token-{number}"}) for number in (1, 2)])
        self.connections = Connections(
            user_agent="tap/1",
            clock=self.clock,
            rules=rules or AddressRules(api_url=self.api.url, plain_http_hosts=frozenset({"files.test"})),
            patience=patience,
        )
        self.tokens: list[AccessToken] = []
        self._servers = ExitStack()

    def client(
        self,
        *,
        api_url: str | None = None,
        auth_url: str | None = None,
        max_file_bytes: int = MAX_FILE_BYTES,
        sends_correlation_ids: bool = True,
        report_id_path: str = REPORT_ID_PATH,
        **credentials: Any,
    ) -> ReportClient:
        members = {"client_id": "app", "client_secret": "app-secret", "refresh_token": "refresh"}
        token = AccessToken(
            credentials=Credentials(seller_id="acme", **{**members, **credentials}),
            auth_url=auth_url or f"{self.auth.url}/token",
            connections=self.connections,
            clock=self.clock,
        )
        client = ReportClient(
            api_url=api_url or self.api.url,
            connections=self.connections,
            tokens={"acme": token},
            clock=self.clock,
            max_file_bytes=max_file_bytes,
            sends_correlation_ids=sends_correlation_ids,
            report_id_path=report_id_path,
        )
        self.tokens.append(token)
        return client

    def trigger(self, **client: Any) -> str:
        answer = self.client(**client).trigger(
            seller_id="acme", identifier="sales_ledger", parameters={"n": 1}, correlation_id=CORRELATION
        )
        return answer.report_id

    def detail(self, **client: Any) -> ReportDetail:
        return self.client(**client).detail(seller_id="acme", report_id="R-1")

    def download(self, path: Path, location: str | None = None, **client: Any) -> Download:
        return self.client(**client).download(
            seller_id="acme", report_id="R-1", location=location or f"{self.api.url}/storage/R-1?k=v", path=path
        )

    def __enter__(self) -> Self:
        self._servers.enter_context(self.api)
        self._servers.enter_context(self.auth)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._servers.close()

    def close(self) -> None:
        self.connections.close()
        for token in self.tokens:
            token.close()
