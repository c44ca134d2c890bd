"""Where `flipkart-reports authorize` puts a refresh token: Meltano's .env, a file, the output, or the token store."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dotenv import dotenv_values, set_key, unset_key

from tap_flipkart_reports.adapters.private_files import OWNER_ONLY
from tap_flipkart_reports.exceptions import SettingsError, TokenStoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.adapters.token_store import TokenStore
    from tap_flipkart_reports.settings.credentials import SellerTokens

PREFIX = "TAP_FLIPKART_REPORTS_"
"""Prefix of the tap's settings in the environment."""

SELLERS = f"{PREFIX}SELLERS"
SELLER_ID = f"{PREFIX}SELLER_ID"
REFRESH_TOKEN = f"{PREFIX}REFRESH_TOKEN"

TOKEN_STORE = "token_store"  # noqa: S105 - the name of a setting


class TokenDestination(Protocol):
    """Where a refresh token can be put."""

    def prepare(self) -> None:
        """Check that the token can be stored, before the authorization code is used.

        Raises:
            SettingsError: the token could not be stored.
            TokenStoreError: the token store could not be used.
        """

    def put(self, seller_id: str, tokens: SellerTokens) -> str:
        """Store a seller's refresh token. Returns where it is."""


def destination_of(text: str, *, open_store: Callable[[], TokenStore]) -> TokenDestination:
    """The destination that `--store` names.

    Args:
        text: `env:PATH`, `file:PATH`, `stdout` or `token_store`.
        open_store: opens the store of the settings.

    Raises:
        SettingsError: it does not name a destination.
    """
    kind, _, path = text.partition(":")
    if kind == "env" and path:
        return EnvFile(path=_real(path))
    if kind == "file" and path:
        return TokenFile(path=_real(path))
    if text == "stdout":
        return Output()
    if text == TOKEN_STORE:
        return Store(open_store=open_store)
    raise SettingsError(f"--store {text} is not one of env:PATH, file:PATH, stdout, token_store")


@dataclass(frozen=True, kw_only=True)
class EnvFile:
    """Meltano's .env: the variables of one seller, or the list of several; its other lines stay."""

    path: Path

    def prepare(self) -> None:
        """Check that the file can be written and its list of sellers can be read."""
        _check_folder(self.path)
        self._sellers()

    def put(self, seller_id: str, tokens: SellerTokens) -> str:
        """Add the seller or replace its token; a second seller turns the variables into a list."""
        sellers = self._sellers()
        is_list = SELLERS in self._values()
        sellers[seller_id] = {"seller_id": seller_id, "refresh_token": tokens.refresh_token}
        self.path.touch(mode=OWNER_ONLY)
        self.path.chmod(OWNER_ONLY)
        if is_list or len(sellers) > 1:
            set_key(self.path, SELLERS, json.dumps(list(sellers.values()), ensure_ascii=False))
            for name in {SELLER_ID, REFRESH_TOKEN} & self._values().keys():
                unset_key(self.path, name)
            return f"{self.path}, in {SELLERS}"
        set_key(self.path, SELLER_ID, seller_id)
        set_key(self.path, REFRESH_TOKEN, tokens.refresh_token or "")
        return f"{self.path}, as {REFRESH_TOKEN}"

    def _values(self) -> dict[str, str | None]:
        try:
            return dotenv_values(self.path, interpolate=False) if self.path.exists() else {}
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(f"--store: {self.path} cannot be read: {reason}") from None

    def _sellers(self) -> dict[str, dict[str, Any]]:
        values = self._values()
        try:
            entries = json.loads(values.get(SELLERS) or "[]")
            sellers = {entry["seller_id"]: entry for entry in entries}
        except (ValueError, TypeError, KeyError):
            raise SettingsError(
                f"{SELLERS} in {self.path} is not a JSON list of sellers, so no seller can be added to it"
            ) from None
        if token := values.get(REFRESH_TOKEN):
            single = values.get(SELLER_ID) or "default"
            sellers.setdefault(single, {"seller_id": single, "refresh_token": token})
        return sellers


@dataclass(frozen=True, kw_only=True)
class TokenFile:
    """A file with nothing but the token, which only its owner may read."""

    path: Path

    def prepare(self) -> None:
        """Check that the file can be written."""
        _check_folder(self.path)

    def put(self, seller_id: str, tokens: SellerTokens) -> str:  # noqa: ARG002 - one file is one seller's
        """Write the file, whole or not at all."""
        with tempfile.NamedTemporaryFile("w", dir=self.path.parent, delete=False) as file:  # its mode is 0600
            file.write(f"{tokens.refresh_token}\n")
        Path(file.name).replace(self.path)
        return str(self.path)


@dataclass(frozen=True, kw_only=True)
class Output:
    """Standard output, for a program that takes the token from there."""

    def prepare(self) -> None:
        """Do nothing: standard output needs no check."""

    def put(self, seller_id: str, tokens: SellerTokens) -> str:  # noqa: ARG002 - the token is all that is printed
        """Print the token."""
        sys.stdout.write(f"{tokens.refresh_token}\n")
        return "the output"


@dataclass(frozen=True, kw_only=True)
class Store:
    """The token store of the settings; only it records when the token was issued."""

    open_store: Callable[[], TokenStore] = field(repr=False)

    def prepare(self) -> None:
        """Open it once."""
        self.open_store().close()

    def put(self, seller_id: str, tokens: SellerTokens) -> str:
        """Store all tokens that were issued."""
        store = self.open_store()
        try:
            with store.lease(seller_id) as lease:
                if not lease.write(tokens):
                    raise TokenStoreError(
                        f"the tokens of seller {seller_id} were changed at the same time: authorise it again"
                    )
        finally:
            store.close()
        return "token_store"


def _real(path: str) -> Path:
    """The path of the file, with links resolved.

    Raises:
        SettingsError: it cannot be the name of a file.
    """
    try:
        return Path(path).expanduser().resolve()
    except (RuntimeError, OSError) as error:  # an unknown home directory, a loop of links
        raise SettingsError(f"--store: {path} cannot be a file: {error}") from None


def _check_folder(path: Path) -> None:
    if path.is_dir() or not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise SettingsError(f"--store: {path} cannot be written")
