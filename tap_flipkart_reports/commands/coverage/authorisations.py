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
    """The end of each seller's refresh token, where the store knows when it was issued.

    A token in the settings that the stored one does not come from is another token of unknown age.
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
