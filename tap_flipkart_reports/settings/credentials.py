"""A seller's credentials, and what is known of the tokens; apart from their store and their use, which load slowly."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a seller's calls are authorised by.

    Attributes:
        seller_id: the operator's own name for the seller.
        client_id: the app's id.
        client_secret: the app's secret.
        refresh_token: of the seller, for which access tokens are handed out.
        access_token: of the seller; used as it is until the API refuses it.
    """

    seller_id: str
    client_id: str | None = field(repr=False)
    client_secret: str | None = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class SellerTokens:
    """What is known of a seller's tokens.

    Attributes:
        refresh_token: the newest one, `None` for a seller who is called with something else.
        refresh_issued_at: when it was handed out, `None` if nobody knows.
        access_token: the newest one, if it was kept.
        access_ends_at: when that one ends.
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
