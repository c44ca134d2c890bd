"""A database that many workers share: opening it, transactions, and messages without its password."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError

from tap_flipkart_reports.adapters.private_files import make_file, make_folder
from tap_flipkart_reports.adapters.retries import Tries
from tap_flipkart_reports.redaction import KNOWN_SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.exceptions import FlipkartReportsError

_T = TypeVar("_T")

OPENING_TRIES = 3
"""How often to look for the tables while other workers create them."""

MAX_CONNECTIONS = 4
"""Connections per worker; each write takes milliseconds, and a server has about a hundred for all."""

SQLITE_BUSY_SECONDS = 60
POOL_SECONDS = 2 * SQLITE_BUSY_SECONDS

POSTGRES_DRIVERS = frozenset({"psycopg", "psycopg2"})
POSTGRES_ARGUMENTS = {"connect_timeout": 10, "tcp_user_timeout": 20_000, "client_encoding": "utf8"}
"""In seconds and milliseconds: without these limits the driver waits minutes for a machine that is gone. The encoding
is set because a SQL_ASCII database, as `initdb` makes it under `LC_ALL=C`, has none and would return bytes."""

SECONDS_AWAY = 60.0
"""How long to wait for a database that is starting, restarting or out of connections."""

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 8.0

BUSY = (
    "too many clients",
    "too many connections",
    "connection slots are reserved",
    "is starting up",
    "is shutting down",
)
"""PostgreSQL's messages when a connection may be available soon; a refused connection has no error code."""


def open_database(
    path_or_url: str,
    *,
    setting: str,
    error: Callable[[str], FlipkartReportsError],
    prepare: Callable[[sa.Connection], None],
    clock: Clock,
) -> sa.Engine:
    """Open a database and create its tables; waits while it is busy or starting.

    Args:
        path_or_url: a file path for SQLite, or an SQLAlchemy URL.
        setting: the name of the setting, for messages.
        error: makes the exception that is raised if the database cannot be opened.
        prepare: creates the tables if they do not exist.
        clock: time.
    """
    url = _url(path_or_url, setting=setting, error=error)
    try:
        with ExitStack() as stack:
            engine = _engine(url)
            stack.callback(engine.dispose)
            _retry_while_away(
                lambda: _prepared(engine, prepare),
                is_away=_is_busy,
                name=f"{setting} {_shown(url)}",
                clock=clock,
                patience=SECONDS_AWAY,
            )
            stack.pop_all()
    except ModuleNotFoundError as missing:
        source = "the tap with the extra postgres" if url.get_backend_name() == "postgresql" else "it beside the tap"
        raise error(
            f"{setting} {_shown(url)} needs the Python package {missing.name}, which is not installed: install {source}"
        ) from None
    except (SQLAlchemyError, OSError, ImportError, ValueError) as cause:
        raise error(f"{setting} {_shown(url)} cannot be opened: {first_line(cause)}; check {setting}") from None
    return engine


def in_transaction(
    engine: sa.Engine,
    work: Callable[[sa.Connection], _T],
    *,
    name: str,
    clock: Clock,
    patience: float = SECONDS_AWAY,
) -> _T:
    """Run work in one transaction, and again while the database is away; the work must be safe to repeat.

    Args:
        engine: the database.
        work: what to do.
        name: the database's name for the log.
        clock: time.
        patience: seconds to wait for a database that is away.

    Raises:
        SQLAlchemyError: the work failed, or the database stayed away.
    """

    def once() -> _T:
        with engine.begin() as connection:
            return work(connection)

    return _retry_while_away(once, is_away=_is_away, name=name, clock=clock, patience=patience)


def _retry_while_away(
    work: Callable[[], _T], *, is_away: Callable[[DBAPIError], bool], name: str, clock: Clock, patience: float
) -> _T:
    tries = Tries(
        name=name,
        clock=clock,
        max_tries=None,
        max_seconds=patience,
        first_wait=FIRST_PAUSE,
        longest_wait=LONGEST_PAUSE,
    )
    while True:
        tries.made += 1
        try:
            return work()
        except DBAPIError as error:
            if not is_away(error) or not tries.wait(first_line(error)):
                raise


def _is_away(error: DBAPIError) -> bool:
    return isinstance(error, OperationalError) or error.connection_invalidated


def _is_busy(error: DBAPIError) -> bool:
    """Whether a connection may be available soon; a database that refuses connections may be the wrong one."""
    return isinstance(error, OperationalError) and any(words in first_line(error) for words in BUSY)


def _prepared(engine: sa.Engine, prepare: Callable[[sa.Connection], None], *, tries: int = OPENING_TRIES) -> None:
    try:
        with engine.begin() as connection:
            prepare(connection)
    except (IntegrityError, ProgrammingError):  # another worker created the tables in between
        if tries == 1:
            raise
        _prepared(engine, prepare, tries=tries - 1)


def _url(path_or_url: str, *, setting: str, error: Callable[[str], FlipkartReportsError]) -> sa.URL:
    """The URL of a database; a file path means SQLite.

    The error for a malformed URL does not quote it: a password may be in the wrong place.
    """
    try:
        is_url = "://" in path_or_url
        url = sa.make_url(path_or_url) if is_url else sa.URL.create("sqlite", database=path_or_url)
        KNOWN_SECRETS.add(url.password if isinstance(url.password, str) else None)
        backend = url.get_backend_name()
    except (SQLAlchemyError, ValueError):
        raise error(
            f"{setting} is a URL that cannot be read: write it like postgresql://user:password@host/database, with "
            "special characters of the password percent-encoded"
        ) from None
    if backend == "sqlite" and url.database in {None, "", ":memory:"}:
        raise error(f"{setting} names no file: what is in memory alone would not outlive a crash")
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgresql", "postgres"} else url


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    arguments = POSTGRES_ARGUMENTS if url.get_driver_name() in POSTGRES_DRIVERS else {}
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=MAX_CONNECTIONS,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        connect_args={name: value for name, value in arguments.items() if name not in url.query},
    )


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    path = Path(str(url.database)).expanduser().absolute()
    make_folder(path.parent)
    make_file(path)  # journals get the mode of their database file
    engine = sa.create_engine(
        url.set(database=str(path)),
        # SQLite has one writer at a time anyway. Threads that wait for the pool are woken at once, while SQLite itself
        # polls with growing pauses: so the time in which a kill loses the answer to a trigger stays short.
        pool_size=1,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        connect_args={"timeout": SQLITE_BUSY_SECONDS},
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        # SQLite does not wait here for another worker that sets the same mode; the file keeps the mode.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL").close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A transaction that reads first and then writes would fail at once if another process wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _shown(url: sa.URL) -> str:
    """The database's address without user name, password or anything else that may be secret."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.drivername}://{url.host or ''}/{url.database or ''}"


def first_line(error: BaseException) -> str:
    """The first line of a driver's error, without the query and links to help pages."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause).strip().partition("\n")[0]
