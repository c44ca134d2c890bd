"""Until when sellers allow the app to ask for reports, as the token store knows; no call is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_flipkart_reports.auth import REFRESH_LIFE
from tap_flipkart_reports.commands.coverage.concerns import Authorisations
from tap_flipkart_reports.exceptions import AuthenticationError, TokenStoreError
from tap_flipkart_reports.settings.credentials import digest

if TYPE_CHECKING:
    from tap_flipkart_reports.sync.services import RunServices


def authorisations_of(services: RunServices) -> Authorisations:
    """Until when each seller's refresh token is good, where the store remembers when it was handed out.

    A token in the settings from which the stored one does not descend is another one, whose age nobody knows.
    """
    try:
        store = services.token_store
        known = store.read_all() if store is not None else {}
    except (TokenStoreError, AuthenticationError) as error:
        return Authorisations(problem=str(error))
    ends = {}
    for credentials in services.settings.sellers:
        tokens, configured = known.get(credentials.seller_id), credentials.refresh_token
        if tokens is None or tokens.refresh_issued_at is None:
            continue
        if configured is None or tokens.began_with == digest(configured):
            ends[credentials.seller_id] = tokens.refresh_issued_at + REFRESH_LIFE
    return Authorisations(ends=ends)
