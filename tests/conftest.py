from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from support.bench import Bench
from support.postgres import Postgres
from support.programs import ROOT, UV, succeed
from support.scripted_server import closed_port

from tap_flipkart_reports.redaction import KNOWN_SECRETS, KnownSecrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ("support.clean_tree",)

settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)  # a stranger's run is not a search
settings.register_profile("dev", deadline=None)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


BESIDE = {"stranger", "checkout", "installed", "modelled", "shared_browser", "runs", "postgres", "wheel"}
"""Fixtures that need more than Python: packages to install, a database, a browser."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with such fixtures are integration tests."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & BESIDE or "PostgreSQL" in item.name:  # some tests ask for the database when they run
            item.add_marker(pytest.mark.integration)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes may hold the time at which they were packed, and every process has to find the same tests."""
    return argname if isinstance(val, bytes) else None


def levels_of_the_log() -> dict[str, int]:
    names = [name for name in logging.Logger.manager.loggerDict if name.startswith("tap-flipkart-reports")]
    return {name: level for name in names if (level := logging.getLogger(name).level)}


@pytest.fixture(autouse=True)
def no_test_changes_the_log_of_the_next() -> Iterator[None]:
    """A command that quiets the log would hide from later tests of the process what they look for."""
    before = levels_of_the_log()
    yield
    assert levels_of_the_log() == before


@pytest.fixture(autouse=True)
def _no_test_knows_the_secrets_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test made a secret would be kept out of the texts in which this one looks for it."""
    for name, value in vars(KnownSecrets()).items():
        monkeypatch.setattr(KNOWN_SECRETS, name, value)


@pytest.fixture
def bench(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    monkeypatch.chdir(tmp_path)
    the_bench = Bench(capsysbinary)
    yield the_bench
    the_bench.simulator.stop()


@pytest.fixture
def closed_port_url() -> Iterator[str]:
    with closed_port() as url:
        yield url


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """An empty database of its own for each test."""
    return postgres.new_database()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel; beside it the sdist that it was built from."""
    folder = tmp_path_factory.mktemp("dist")
    succeed([*UV, "build", "--quiet", "--out-dir", folder, ROOT])
    (path,) = folder.glob("*.whl")
    return path
