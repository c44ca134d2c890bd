"""The settings with which the tap reaches a simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tap_flipkart_reports.simulator import Simulator


def access_to(simulator: Simulator, *sellers: str) -> dict[str, Any]:
    """Its address, an app, and sellers who have allowed the app."""
    app = {"api_url": simulator.url, "client_id": simulator.client_id, "client_secret": simulator.client_secret}
    tokens = [{"seller_id": name, "refresh_token": simulator.refresh_token(name)} for name in sellers]
    return {**app, "sellers": tokens} if sellers else app
