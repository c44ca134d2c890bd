"""A seller's credentials and tokens as values, separate from the token store, which is slow to import."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


KEY_VARIABLE = "TAP_FLIPKART_REPORTS_TOKEN_KEY"
"""The environment variable with the key; a setting would be in a configuration file, next to what it protects."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A seller's credentials.

    Attributes:
        seller_id: the operator's name for the seller.
        client_id: the app's id.
        client_secret: the app's secret.
        refresh_token: the seller's refresh token.
        access_token: the seller's access token; used until the API refuses it.
    """

    seller_id: str
    client_id: str | None = field(repr=False)
    client_secret: str | None = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class SellerTokens:
    """A seller's current tokens.

    Attributes:
        refresh_token: the newest refresh token, `None` for a seller without one.
        refresh_issued_at: when it was issued, `None` if unknown.
        access_token: the newest access token, if it was kept.
        access_ends_at: when the access token expires.
        began_with: hash of the refresh token in the settings from which this one descends, `None` if there was none.
    """

    refresh_token: str | None = field(repr=False)
    refresh_issued_at: datetime | None = None
    access_token: str | None = field(default=None, repr=False)
    access_ends_at: datetime | None = None
    began_with: str | None = None


def digest(token: str) -> str:
    """Hash of a refresh token in the settings, for `began_with`."""
    return hashlib.sha256(token.encode()).hexdigest()
