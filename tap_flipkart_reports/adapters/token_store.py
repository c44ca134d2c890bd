"""The sellers' tokens, encrypted, kept across runs and shared between workers.

Flipkart may rotate a refresh token: it returns a new one and revokes the old. With tokens in the settings only, the
next run would then be locked out; here it finds the new token. One row is one seller. Its tokens are encrypted with the
key in the environment; the lease columns are not.

The steps of a renewal, in an order that loses as little as possible:

1. Take the seller's lease. This is a write, so a store that cannot be written is found before anything rotates. Other
   workers wait, and then find a token that is valid for weeks, so that they make no call.
2. Make the token call.
3. Write the new tokens before anybody uses them, and retry if that fails.
4. Release the lease. A lease left by a worker that no longer exists means that an answer may not have been stored.

A crash between 2 and 3 can lose a rotated token; no order can prevent that. Because access tokens are stored too, this
can happen about once in their 60 days and not in every run.
"""

from __future__ import annotations

import json
import logging
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tap_flipkart_reports.adapters.database import SECONDS_AWAY, first_line, in_transaction, open_database
from tap_flipkart_reports.adapters.leases import NOT_HELD, Leases, lease_columns, lease_unchanged
from tap_flipkart_reports.adapters.private_files import OWNER_ONLY, is_open_to_others
from tap_flipkart_reports.exceptions import AuthenticationError, TokenStoreError
from tap_flipkart_reports.redaction import KNOWN_SECRETS
from tap_flipkart_reports.settings.credentials import KEY_VARIABLE, SellerTokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography.fernet import MultiFernet

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.token-store")

SETTING = "token_store"

LEASE_SECONDS = 400.0
"""Longer than the longest token call: 300 s until its last try starts, 10 to connect, 60 without a byte."""

RETRY_SECONDS = 0.5
"""Pause between two tries for a lease that another worker holds; most token calls take less."""

_METADATA = sa.MetaData()
_TOKENS = sa.Table(
    "flipkart_reports_tokens",
    _METADATA,
    sa.Column("seller_id", sa.String(255), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sealed", sa.Text),
    *lease_columns(),
)
_COLUMNS = _TOKENS.c

_T = TypeVar("_T")


class TokenStore:
    """The tokens of all sellers in a database; every method may be called from any thread.

    Args:
        path_or_url: a file path, for an SQLite file that only its owner may read, or an SQLAlchemy URL.
        key: what `token-key` prints. To change it, give several, separated by commas: the first encrypts, all decrypt.
        clock: time; leases compare wall clocks, so workers on several machines need clocks that agree to seconds.

    Raises:
        TokenStoreError: the key is missing or malformed, the database cannot be opened, or `cryptography` is missing.
    """

    def __init__(self, path_or_url: str, *, key: str | None, clock: Clock) -> None:
        self._clock = clock
        self._seal = _seal(key)
        self._leases = Leases(clock=clock, seconds=LEASE_SECONDS)
        self._engine = open_database(
            path_or_url, setting=SETTING, error=TokenStoreError, prepare=_METADATA.create_all, clock=clock
        )
        if self._engine.url.get_backend_name() == "sqlite":
            _make_private(Path(str(self._engine.url.database)))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def sellers(self) -> list[str]:
        """The sellers with stored tokens, in alphabetical order."""
        chosen = sa.select(_COLUMNS.seller_id).where(_COLUMNS.sealed.is_not(None)).order_by(_COLUMNS.seller_id)
        return list(self._transact(lambda connection: connection.execute(chosen).scalars().all()))

    def read_all(self) -> dict[str, SellerTokens]:
        """The tokens of each seller, without taking leases.

        Raises:
            TokenStoreError: the database does not answer.
            AuthenticationError: tokens were written with another key.
        """
        chosen = sa.select(_COLUMNS.seller_id, _COLUMNS.sealed).where(_COLUMNS.sealed.is_not(None))
        rows = self._transact(lambda connection: connection.execute(chosen).all())
        return {seller_id: self.decrypt(seller_id, sealed) for seller_id, sealed in rows}

    @contextmanager
    def lease(self, seller_id: str) -> Iterator[SellerLease]:
        """Take a seller's lease, so that no other worker renews its tokens.

        Raises:
            TokenStoreError: the database does not answer, or another worker does not release its lease.
        """
        lease = self._acquire(seller_id)
        try:
            yield lease
        finally:
            lease.release()

    def _acquire(self, seller_id: str) -> SellerLease:
        deadline = self._clock.monotonic() + 2 * LEASE_SECONDS
        while self._clock.monotonic() < deadline:
            try:
                lease = self._transact(lambda connection: self._acquire_once(connection, seller_id))
            except IntegrityError:
                lease = None
            if lease is not None:
                return lease
            self._clock.sleep(RETRY_SECONDS)
        raise TokenStoreError(
            f"{SETTING}: another worker has kept the tokens of seller {seller_id} for {2 * LEASE_SECONDS:.0f} s; "
            "run again later"
        )

    def _acquire_once(self, connection: sa.Connection, seller_id: str) -> SellerLease | None:
        """Read the row and write the lease; `None` while another worker holds it or writes at the same time."""
        mine = self._leases.values()
        row = connection.execute(sa.select(_TOKENS).where(_COLUMNS.seller_id == seller_id)).one_or_none()
        if row is None:
            connection.execute(sa.insert(_TOKENS).values(seller_id=seller_id, version=0, **mine))
            return SellerLease(self, seller_id=seller_id, version=0, sealed=None, was_interrupted=False)
        if self._leases.is_alive(row):
            return None
        taken = connection.execute(
            sa.update(_TOKENS)
            .where(
                _COLUMNS.seller_id == seller_id,
                _COLUMNS.version == row.version,
                *lease_unchanged(_TOKENS, row),
            )
            .values(**mine)
        )
        if taken.rowcount != 1:
            return None
        return SellerLease(
            self,
            seller_id=seller_id,
            version=row.version,
            sealed=row.sealed,
            was_interrupted=row.holder is not None,
        )

    # For the lease

    def decrypt(self, seller_id: str, sealed: str) -> SellerTokens:
        """The tokens in a row."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - cryptography is an extra

        try:
            document = json.loads(self._seal.decrypt(sealed))
        except InvalidToken:
            raise AuthenticationError(
                f"{SETTING}: the tokens of seller {seller_id} cannot be read with this {KEY_VARIABLE}: set the key "
                "they were written with, or authorise the seller again"
            ) from None
        if document.pop("seller_id") != seller_id:
            raise AuthenticationError(f"{SETTING}: the row of seller {seller_id} holds tokens of another seller")
        moments = {name: _moment(document[name]) for name in ("refresh_issued_at", "access_ends_at")}
        tokens = SellerTokens(**(document | moments))
        KNOWN_SECRETS.add(tokens.refresh_token, tokens.access_token)
        return tokens

    def read_version(self, seller_id: str) -> tuple[int, str | None]:
        """The current version of a row, and its encrypted tokens."""
        chosen = sa.select(_COLUMNS.version, _COLUMNS.sealed).where(_COLUMNS.seller_id == seller_id)
        version, sealed = self._transact(lambda connection: connection.execute(chosen).one())
        return version, sealed

    def write_version(self, seller_id: str, tokens: SellerTokens, *, version: int) -> bool:
        """Write tokens into a row, unless another worker has written since that version."""
        document = asdict(tokens) | {"seller_id": seller_id}
        sealed = self._seal.encrypt(json.dumps(document, default=datetime.isoformat).encode()).decode()
        change = (
            sa.update(_TOKENS)
            .where(_COLUMNS.seller_id == seller_id, _COLUMNS.version == version)
            .values(sealed=sealed, version=version + 1)
        )
        return self._transact(lambda connection: connection.execute(change), patience=0).rowcount == 1

    def release(self, seller_id: str) -> None:
        """End this worker's lease."""
        change = (
            sa.update(_TOKENS)
            .where(_COLUMNS.seller_id == seller_id, self._leases.held_by_this(_TOKENS))
            .values(**NOT_HELD)
        )
        self._transact(lambda connection: connection.execute(change), patience=0)

    def _transact(self, work: Callable[[sa.Connection], _T], *, patience: float = SECONDS_AWAY) -> _T:
        try:
            return in_transaction(self._engine, work, name=SETTING, clock=self._clock, patience=patience)
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise TokenStoreError(f"{SETTING} cannot be used: {first_line(error)}") from None


class SellerLease:
    """One seller's tokens while this worker has the lease.

    Attributes:
        was_interrupted: whether the last worker ended without a release, perhaps without storing an answer.
    """

    def __init__(
        self, store: TokenStore, *, seller_id: str, version: int, sealed: str | None, was_interrupted: bool
    ) -> None:
        self._store = store
        self._seller_id = seller_id
        self._version = version
        self._sealed = sealed
        self.was_interrupted = was_interrupted

    @property
    def tokens(self) -> SellerTokens | None:
        """The stored tokens of the seller.

        Raises:
            AuthenticationError: they were written with another key.
        """
        return self._store.decrypt(self._seller_id, self._sealed) if self._sealed is not None else None

    def reload(self) -> None:
        """Read the row again: a worker whose clock is wrong may have written in the meantime.

        Raises:
            TokenStoreError: the database does not answer.
        """
        self._version, self._sealed = self._store.read_version(self._seller_id)

    def write(self, tokens: SellerTokens) -> bool:
        """Store tokens.

        Returns:
            Whether they were stored; false if another worker has stored others in the meantime.

        Raises:
            TokenStoreError: the database does not answer.
        """
        if not self._store.write_version(self._seller_id, tokens, version=self._version):
            return False
        self._version += 1
        return True

    def release(self) -> None:
        """End the lease; if the database does not answer, it ends by itself."""
        try:
            self._store.release(self._seller_id)
        except TokenStoreError as error:
            LOGGER.warning("%s; other workers wait a while for the tokens of seller %s.", error, self._seller_id)


def new_key() -> str:
    """A fresh key.

    Raises:
        TokenStoreError: `cryptography` is not installed.
    """
    key: bytes = _fernet().generate_key()
    return key.decode()


def _seal(key: str | None) -> MultiFernet:
    fernet = _fernet()
    from cryptography.fernet import MultiFernet  # noqa: PLC0415 - cryptography is an extra

    keys = [part.strip() for part in (key or "").split(",") if part.strip()]
    if not keys:
        raise TokenStoreError(
            f"token_store needs a key in the environment as {KEY_VARIABLE}: `flipkart-reports token-key` makes one"
        )
    try:
        return MultiFernet([fernet(part) for part in keys])
    except ValueError:
        raise TokenStoreError(
            f"{KEY_VARIABLE} is not a key: it has to be what `flipkart-reports token-key` prints"
        ) from None


def _fernet() -> Any:  # noqa: ANN401 - a class of a library that may be missing
    try:
        from cryptography.fernet import Fernet  # noqa: PLC0415 - cryptography is an extra
    except ImportError:
        raise TokenStoreError(
            "token_store needs the library cryptography: install the tap with the extra tokens"
        ) from None
    return Fernet


def _make_private(path: Path) -> None:
    """Restrict an SQLite file that another program created, and its journal files, to their owner."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        file = path.with_name(name)
        if is_open_to_others(file):
            try:
                file.chmod(OWNER_ONLY)
            except OSError as error:
                raise TokenStoreError(
                    f"{SETTING} {file} can be read by others, and its mode cannot be changed: {error.strerror}"
                ) from None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
