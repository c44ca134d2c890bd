"""The sellers' tokens, encrypted, kept across runs and shared between workers.

Flipkart may answer a refresh token with another one and let the first die. Where only settings hold tokens, the next
run is then locked out; here it finds what this one was given. One row is one seller. What it holds is encrypted with
the key in the environment; who holds the seller and until when is not.

What could go wrong between a rotation and its storing, and the order that keeps it small:

1. The seller is held: a write, so a store that cannot be written is found before anything has rotated, and no other
   worker asks meanwhile. It waits, and then finds a token that is good for weeks: it makes no call at all.
2. The token call is made.
3. The new tokens are written, before anybody uses them, and tried again where that fails.
4. The seller is let go. Who finds it held by a worker that is gone knows that an answer may never have been stored.

A crash between 2 and 3 can lose a rotated token; no order can prevent that, as only Flipkart has it then. Because
access tokens are kept here as well, that moment comes about once in their 60 days and not in every run.
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
from tap_flipkart_reports.adapters.leases import NOT_HELD, Leases, lease_columns, unchanged
from tap_flipkart_reports.adapters.private_files import OWNER_ONLY, is_open_to_others
from tap_flipkart_reports.exceptions import AuthenticationError, TokenStoreError
from tap_flipkart_reports.redaction import KNOWN_SECRETS
from tap_flipkart_reports.settings.credentials import SellerTokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography.fernet import MultiFernet

    from tap_flipkart_reports.clock import Clock

LOGGER = logging.getLogger("tap-flipkart-reports.token-store")

SETTING = "token_store"

KEY_VARIABLE = "TAP_FLIPKART_REPORTS_TOKEN_KEY"
"""The environment variable with the key: a setting would be in a configuration file, beside what it protects."""

LEASE_SECONDS = 400.0
"""Longer than the longest token call: 300 s until its last try begins, 10 to connect, 60 without a byte."""

LOOK_SECONDS = 0.5
"""Between two looks at a seller whom another worker holds; most token calls take less."""

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
        place: a file path, for an SQLite file that only its owner may read, or an SQLAlchemy URL.
        key: what `token-key` prints; several, separated by commas, to change it: the first writes, all read.
        clock: time; leases compare wall clocks, so workers on several machines need clocks that agree to seconds.

    Raises:
        TokenStoreError: there is no right key, the database cannot be opened, or `cryptography` is not installed.
    """

    def __init__(self, place: str, *, key: str | None, clock: Clock) -> None:
        self._clock = clock
        self._seal = _seal(key)
        self._leases = Leases(clock=clock, seconds=LEASE_SECONDS)
        self._engine = open_database(
            place, setting=SETTING, error=TokenStoreError, prepare=_METADATA.create_all, clock=clock
        )
        if self._engine.url.get_backend_name() == "sqlite":
            _make_private(Path(str(self._engine.url.database)))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def sellers(self) -> list[str]:
        """The sellers it has tokens of, in alphabetical order."""
        chosen = sa.select(_COLUMNS.seller_id).where(_COLUMNS.sealed.is_not(None)).order_by(_COLUMNS.seller_id)
        return list(self._do(lambda connection: connection.execute(chosen).scalars().all()))

    def read_all(self) -> dict[str, SellerTokens]:
        """What it holds of each seller; nobody is kept from asking for tokens meanwhile.

        Raises:
            TokenStoreError: the database does not answer.
            AuthenticationError: tokens were written with another key.
        """
        chosen = sa.select(_COLUMNS.seller_id, _COLUMNS.sealed).where(_COLUMNS.sealed.is_not(None))
        rows = self._do(lambda connection: connection.execute(chosen).all())
        return {seller_id: self.open_sealed(seller_id, sealed) for seller_id, sealed in rows}

    @contextmanager
    def holding(self, seller_id: str) -> Iterator[Hold]:
        """Keep other workers from asking for tokens of a seller.

        Raises:
            TokenStoreError: the database does not answer, or another worker does not let go.
        """
        hold = self._hold(seller_id)
        try:
            yield hold
        finally:
            hold.let_go()

    def _hold(self, seller_id: str) -> Hold:
        deadline = self._clock.monotonic() + 2 * LEASE_SECONDS
        while self._clock.monotonic() < deadline:
            try:
                hold = self._do(lambda connection: self._hold_once(connection, seller_id))
            except IntegrityError:
                hold = None
            if hold is not None:
                return hold
            self._clock.sleep(LOOK_SECONDS)
        raise TokenStoreError(
            f"{SETTING}: another worker has kept the tokens of seller {seller_id} for {2 * LEASE_SECONDS:.0f} s; "
            "run again later"
        )

    def _hold_once(self, connection: sa.Connection, seller_id: str) -> Hold | None:
        """One look and one write; `None` while another worker holds the seller or writes at the same time."""
        mine = self._leases.values()
        row = connection.execute(sa.select(_TOKENS).where(_COLUMNS.seller_id == seller_id)).one_or_none()
        if row is None:
            connection.execute(sa.insert(_TOKENS).values(seller_id=seller_id, version=0, **mine))
            return Hold(self, seller_id=seller_id, version=0, sealed=None, was_interrupted=False)
        if self._leases.is_alive(row):
            return None
        taken = connection.execute(
            sa.update(_TOKENS)
            .where(
                _COLUMNS.seller_id == seller_id,
                _COLUMNS.version == row.version,
                *unchanged(_TOKENS, row),
            )
            .values(**mine)
        )
        if taken.rowcount != 1:
            return None
        return Hold(
            self,
            seller_id=seller_id,
            version=row.version,
            sealed=row.sealed,
            was_interrupted=row.holder is not None,
        )

    # What a hold asks of its store

    def open_sealed(self, seller_id: str, sealed: str) -> SellerTokens:
        """Decrypt what a row holds."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 - who has no store need not have cryptography

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
        """The present version of a row, and what it holds."""
        chosen = sa.select(_COLUMNS.version, _COLUMNS.sealed).where(_COLUMNS.seller_id == seller_id)
        version, sealed = self._do(lambda connection: connection.execute(chosen).one())
        return version, sealed

    def write_version(self, seller_id: str, tokens: SellerTokens, *, version: int) -> bool:
        """Put tokens into a row, unless another worker has done so since that version."""
        document = asdict(tokens) | {"seller_id": seller_id}
        sealed = self._seal.encrypt(json.dumps(document, default=datetime.isoformat).encode()).decode()
        change = (
            sa.update(_TOKENS)
            .where(_COLUMNS.seller_id == seller_id, _COLUMNS.version == version)
            .values(sealed=sealed, version=version + 1)
        )
        return self._do(lambda connection: connection.execute(change), patience=0).rowcount == 1

    def let_go(self, seller_id: str) -> None:
        """End this worker's hold."""
        change = (
            sa.update(_TOKENS)
            .where(_COLUMNS.seller_id == seller_id, self._leases.held_by_this(_TOKENS))
            .values(**NOT_HELD)
        )
        self._do(lambda connection: connection.execute(change), patience=0)

    def _do(self, work: Callable[[sa.Connection], _T], *, patience: float = SECONDS_AWAY) -> _T:
        try:
            return in_transaction(self._engine, work, name=SETTING, clock=self._clock, patience=patience)
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise TokenStoreError(f"{SETTING} cannot be used: {first_line(error)}") from None


class Hold:
    """One seller's tokens while no other worker asks for them.

    Attributes:
        was_interrupted: whether the worker that held them before is gone, perhaps with an answer it never stored.
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
        """What the store holds of the seller.

        Raises:
            AuthenticationError: it was written with another key.
        """
        return self._store.open_sealed(self._seller_id, self._sealed) if self._sealed is not None else None

    def look_again(self) -> None:
        """See what the store holds now: a worker without a clock that agrees may have written meanwhile.

        Raises:
            TokenStoreError: the database does not answer.
        """
        self._version, self._sealed = self._store.read_version(self._seller_id)

    def write(self, tokens: SellerTokens) -> bool:
        """Store tokens.

        Returns:
            Whether they are stored: not if another worker has stored others meanwhile.

        Raises:
            TokenStoreError: the database does not answer.
        """
        if not self._store.write_version(self._seller_id, tokens, version=self._version):
            return False
        self._version += 1
        return True

    def let_go(self) -> None:
        """End the hold; where the database does not answer it ends by itself."""
        try:
            self._store.let_go(self._seller_id)
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
    from cryptography.fernet import MultiFernet  # noqa: PLC0415 - who has no store need not have cryptography

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
        from cryptography.fernet import Fernet  # noqa: PLC0415 - who has no store need not have cryptography
    except ImportError:
        raise TokenStoreError(
            "token_store needs the library cryptography: install the tap with the extra tokens"
        ) from None
    return Fernet


def _make_private(path: Path) -> None:
    """Let only its owner read a file of SQLite that another program made, and the files beside it."""
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
