"""What is built, and what a stranger gets who installs it."""

from __future__ import annotations

import json
import re
import sys
import tarfile
import zipfile
from importlib.metadata import packages_distributions, version
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.pins import pins
from support.programs import FILES, ROOT, SOURCES, UV, check_out, install, succeed

from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.settings.values import CONFIG_JSONSCHEMA
from tap_flipkart_reports.tap import TapFlipkartReports

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


LEFTOVERS = {".pyc", ".duckdb", ".wal", ".jsonl"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel and what it requires, nothing else."""
    return install(tmp_path_factory.mktemp("installed") / "environment", wheel)


def files_of(*folders: str) -> set[str]:
    """The files of a checkout's folders, without what a run leaves in them."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in LEFTOVERS
    }


def test_the_wheel_holds_every_module_and_every_schema_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    about = {name for name in names if ".dist-info/" in name}
    schemas = {f"tap_flipkart_reports/{name}" for name in files_of("schemas")}
    assert names - about == files_of("tap_flipkart_reports") | schemas
    assert {f"tap_flipkart_reports/schemas/{name}.json" for name in REPORT_TYPES} <= schemas
    assert any(name.endswith("/licenses/LICENSE") for name in about)


def test_the_sdist_is_a_checkout(wheel: Path) -> None:
    (path,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert files_of(*SOURCES) | {*FILES, "output/.gitignore", ".ci/run", ".github/workflows/test.yml"} <= names
    assert not [name for name in names if name.startswith((".venv", ".meltano", ".git/")) or name == "uv.lock"]


@pytest.mark.integration  # builds the package
def test_on_pypi_every_link_of_the_readme_leads_into_the_repository_that_built_it(tmp_path: Path) -> None:
    place = {"GITHUB_SERVER_URL": "https://host.example", "GITHUB_REPOSITORY": "some/tap", "GITHUB_REF_NAME": "v1.2.3"}
    succeed([*UV, "build", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT], env=place)
    (path,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        text = archive.read(name).decode()
    head, _, readme = text.partition("\n\n")
    assert re.findall(r"^Project-URL: (\w+), https://host.example/some/tap", head, re.MULTILINE) == [
        *("Source", "Documentation", "Changelog", "Issues"),
    ]
    links = re.findall(r"\]\(([^)]+)\)", readme)
    assert [link for link in links if not link.startswith("https://")] == []
    assert "(https://host.example/some/tap/raw/v1.2.3/docs/coverage.png)" in readme
    assert "[![CI](https://host.example/some/tap/actions/workflows/test.yml/badge.svg)](" in readme
    assert "(https://host.example/some/tap/blob/v1.2.3/docs/cost.md#when-a-report-is-paid-for-again)" in readme


def test_the_installed_tap_describes_itself_from_anywhere(installed: Path, tmp_path: Path) -> None:
    tap = installed / "tap-flipkart-reports"
    about = json.loads(succeed([tap, "--about", "--format=json"], cwd=tmp_path))
    assert about["version"] == PYPROJECT["project"]["version"]
    assert set(about["settings"]["properties"]) >= set(CONFIG_JSONSCHEMA["properties"])
    assert "usage: flipkart-reports" in succeed([installed / "flipkart-reports", "--help"], cwd=tmp_path)


def test_the_installed_tap_knows_the_same_streams_as_the_checkout(installed: Path, tmp_path: Path) -> None:
    discovered = json.loads(succeed([installed / "tap-flipkart-reports", "--discover"], cwd=tmp_path))
    assert discovered == json.loads(TapFlipkartReports(validate_config=False).catalog_json_text)


def test_the_installed_tap_reads_reports(installed: Path, tmp_path: Path) -> None:
    config: dict[str, Any] = {"api_url": "simulator", "start_date": "2026-10-01", "end_date": "2026-10-02"}
    (tmp_path / "config.json").write_text(json.dumps({**config, "poll_interval": 0.01}))
    lines = succeed([installed / "tap-flipkart-reports", "--config", "config.json"], cwd=tmp_path).splitlines()
    assert {json.loads(line)["type"] for line in lines} == {"SCHEMA", "RECORD", "STATE"}


def test_one_distribution_alone_provides_backoff(installed: Path) -> None:
    command = "import importlib.metadata as m, json; print(json.dumps(m.packages_distributions()['backoff']))"
    assert set(json.loads(succeed([installed / "python", "-c", command]))) == {"python-backoff"}
    assert set(packages_distributions()["backoff"]) == {"python-backoff"}


def test_the_python_versions_it_names_are_those_it_supports() -> None:
    versions = [
        name.rpartition(" :: ")[2]
        for name in PYPROJECT["project"]["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: \d\.\d+", name)
    ]
    assert versions == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    assert PYPROJECT["project"]["requires-python"] == f">={versions[0]}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{versions[0].replace('.', '')}"
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python-version"] == versions


def test_the_pins_hold_every_package_of_the_groups_and_name_no_host() -> None:
    pinned = PYPROJECT["dependency-groups"]["pins"]
    assert pinned == pins((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = [Requirement(line) for line in pinned]
    assert [
        str(requirement) for requirement in requirements if requirement.url or len(requirement.specifier) != 1
    ] == []
    wanted = [*PYPROJECT["project"]["dependencies"], *chain(*PYPROJECT["project"]["optional-dependencies"].values())]
    wanted += [line for group in PYPROJECT["dependency-groups"].values() for line in group if isinstance(line, str)]
    names = {canonicalize_name(requirement.name) for requirement in requirements}
    assert {canonicalize_name(Requirement(line).name) for line in wanted} - names == set()
    for requirement in requirements:
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(version(requirement.name), prereleases=True), requirement


def test_every_dependency_has_its_reason_beside_it() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("\ndependencies = [")[2].splitlines()
    dependencies = [line for line in lines[1 : lines.index("]")] if line.strip()]
    assert len(dependencies) == len(PYPROJECT["project"]["dependencies"])
    assert [line for line in dependencies if "  # " not in line] == []


@pytest.mark.integration  # builds the package
def test_a_changed_schema_is_served_at_once_by_uv(tmp_path: Path) -> None:
    checkout = check_out(tmp_path)
    command = [*UV, "tool", "run", "--from", checkout, "tap-flipkart-reports", "--discover"]
    assert "a_new_column" not in succeed(command)
    path = checkout / "schemas" / "sales_ledger.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"]["a_new_column"] = {"title": "A New Column", "type": ["string", "null"]}
    path.write_text(json.dumps(schema), encoding="utf-8")
    assert "a_new_column" in succeed(command)
