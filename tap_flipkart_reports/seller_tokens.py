"""What is known of a seller's tokens; apart from their store, so that it takes no database to know it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


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
