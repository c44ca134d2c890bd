"""The DAG without Airflow: what it imports, what it plans, and that its commands are the tap's."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.programs import ROOT, SECONDS, succeed
from support.readme_tables import own_settings

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.integration  # a process for each of the DAG's commands, and a linter of Dockerfiles

DAG = ROOT / "orchestrate" / "dags" / "flipkart_reports.py"
PROJECT = yaml.safe_load((ROOT / "orchestrate" / "meltano.yml").read_text(encoding="utf-8"))
EXTRACTOR = PROJECT["plugins"]["extractors"][0]
PLUGIN = yaml.safe_load((ROOT / "plugin.yml").read_text(encoding="utf-8"))

PARAMS: dict[str, Any] = {"sellers": [], "report_types": [], "from_date": None, "to_date": None}
SETTINGS = {
    "API_URL": "simulator",
    "SELLERS": json.dumps([{"seller_id": "acme"}, {"seller_id": "Ganesh & Söhne: #7"}]),
    "START_DATE": "2026-09-01",
    "END_DATE": "2026-09-30",
    "POLL_INTERVAL": "0.1",
}

MELTANO = f"""#!{sys.executable}
import os, pathlib, subprocess, sys
TAP = [sys.executable, "-m", "tap_flipkart_reports"]
PLAN = [sys.executable, "-m", "tap_flipkart_reports.commands.cli"]
PLAN += [*{shlex.split(EXTRACTOR["commands"]["plan"]["args"])}]
words = [word for word in sys.argv[1:] if word not in ("--no-install", "--force")]
if words == ["invoke", "--dump=catalog", "tap-flipkart-reports"]:
    sys.exit(subprocess.call(["cat", "catalog.json"]))
if words[:2] == ["invoke", "tap-flipkart-reports:plan"]:
    sys.exit(subprocess.call([*PLAN, *words[2:]]))
assert words[:3] == ["el", "tap-flipkart-reports", "target-postgres"] and len(words) == 4, words
pathlib.Path("state-id").write_text(words[3].removeprefix("--state-id="))
with open("messages", "wb") as messages:
    sys.exit(subprocess.call([*TAP, "--config", "ENV", "--catalog", "catalog.json"], stdout=messages))
"""
"""In Meltano's place: the same commands of the tap, with settings from the environment and a catalog of two types."""


class Planned:
    """In the place of a function of Airflow's own kind."""

    def __init__(self, function: Callable[[dict[str, Any]], list[dict[str, str]]]) -> None:
        self.function = function

    def __call__(self) -> Planned:
        return self


class Operator:
    """In the place of Airflow's operator: keeps what it was given."""

    given: dict[str, Any]

    @classmethod
    def partial(cls, **options: Any) -> type[Operator]:
        cls.given = options
        return cls

    @classmethod
    def expand(cls, **options: Any) -> None:
        cls.given |= options


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The DAG file and a folder that holds a Meltano project."""

    module: ModuleType
    folder: Path

    def plan(self, **params: Any) -> list[dict[str, str]]:
        return self.module.plan_runs.function({**PARAMS, **params})  # type: ignore[no-any-return]  # a DAG file has no stubs

    def run(self, environment: dict[str, str]) -> tuple[str, list[dict[str, Any]]]:
        """What the command of one run does: its state id, its messages."""
        command = Operator.given["bash_command"]
        subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=Operator.given["cwd"],
            env=os.environ | environment,
            check=True,
            timeout=SECONDS,
            capture_output=True,
        )
        lines = (self.folder / "messages").read_text(encoding="utf-8").splitlines()
        return (self.folder / "state-id").read_text(encoding="utf-8"), [json.loads(line) for line in lines]


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Deployment:
    sdk, bash = ModuleType("airflow.sdk"), ModuleType("airflow.providers.standard.operators.bash")
    vars(sdk).update(
        CronTriggerTimetable=lambda *words, **_options: words,
        Param=lambda default, **_options: default,
        dag=lambda **_options: lambda function: function,
        task=lambda **_options: Planned,
    )
    vars(bash)["BashOperator"] = Operator
    for module in (sdk, bash):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    catalog = json.loads(succeed([sys.executable, "-m", "tap_flipkart_reports", "--discover"]))
    for stream in catalog["streams"]:
        (root,) = [entry for entry in stream["metadata"] if not entry["breadcrumb"]]
        root["metadata"]["selected"] = stream["tap_stream_id"] in {"orders_report", "sales_ledger"}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    (tmp_path / "meltano").write_text(MELTANO, encoding="utf-8")
    (tmp_path / "meltano").chmod(0o755)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"TAP_FLIPKART_REPORTS_{name}", value)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    spec = importlib.util.spec_from_file_location("dag_file", DAG)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Deployment(module=module, folder=tmp_path)


def test_the_dag_imports_nothing_but_airflow_and_the_standard_library() -> None:
    imported = set()
    for node in ast.walk(ast.parse(DAG.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported - set(sys.stdlib_module_names) == {"airflow"}


def test_there_is_one_run_for_each_seller_and_selected_report_type(deployment: Deployment) -> None:
    deployment.module.flipkart_reports()
    runs = deployment.plan()
    assert [run["STATE_ID"] for run in runs] == [
        f"flipkart:{seller}:{report_type}"
        for report_type in ("orders_report", "sales_ledger")
        for seller in ("acme", "Ganesh & Söhne: #7")
    ]
    assert Operator.given["env"] is deployment.module.plan_runs
    state_id, messages = deployment.run(runs[-1])
    assert state_id == runs[-1]["STATE_ID"]
    records = [message for message in messages if message["type"] == "RECORD"]
    assert {message["stream"] for message in records} == {"sales_ledger"}
    assert {message["record"]["seller_id"] for message in records} == {"Ganesh & Söhne: #7"}


def test_a_run_of_the_dag_can_be_narrowed_and_a_backfill_has_states_of_its_own(deployment: Deployment) -> None:
    deployment.module.flipkart_reports()
    (only,) = deployment.plan(
        sellers=["acme"], report_types=["orders_report"], from_date="2026-08-01", to_date="2026-08-05"
    )
    assert only["STATE_ID"] == "flipkart:acme:orders_report:2026-08-01..2026-08-05"
    _, messages = deployment.run(only)
    days = {
        (message["record"]["report_from_date"], message["record"]["report_to_date"])
        for message in messages
        if message["type"] == "RECORD"
    }
    assert days == {("2026-08-01", "2026-08-05")}


def test_a_parameter_that_names_no_seller_fails_the_plan(deployment: Deployment) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        deployment.plan(sellers=["acmee"])


def test_what_airflow_learns_of_a_run_holds_no_secret_and_only_settings_of_the_tap(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    sellers = [{"seller_id": "acme", "refresh_token": "canary-canary"}]
    monkeypatch.setenv("TAP_FLIPKART_REPORTS_SELLERS", json.dumps(sellers))
    runs = deployment.plan(from_date="2026-09-10")
    assert "canary" not in json.dumps(runs)
    names = {name.removeprefix("TAP_FLIPKART_REPORTS_").lower() for run in runs for name in run} - {"state_id"}
    assert names == {"only_sellers", "only_report_types", "start_date", "max_concurrent_reports"}
    assert names <= {setting["name"] for setting in EXTRACTOR["settings"]}


def test_the_projects_settings_are_the_taps() -> None:
    plugin = {setting["name"]: setting for setting in PLUGIN["settings"]}
    schemas = own_settings()
    for setting in EXTRACTOR["settings"]:
        name = setting["name"]
        assert setting.get("sensitive", False) == bool(schemas[name].get("secret"))
        assert setting.get("kind", "string") == plugin[name]["kind"]


def test_the_image_takes_in_only_what_there_is() -> None:
    lines = (ROOT / "orchestrate" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    sources = [
        source
        for line in lines
        if (words := re.match(r"COPY (?:--\S+ )*(.+) \S+$", line))
        for source in words[1].split()
        if not source.startswith("$")  # the wheel, which the caller names
    ]
    assert len(sources) >= 3
    kept = (ROOT / "orchestrate" / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source.partition('/')[0]}" in kept


def test_the_image_installs_the_wheel_it_was_given_by_path_and_hash_and_not_as_root() -> None:
    text = (ROOT / "orchestrate" / "Dockerfile").read_text(encoding="utf-8")
    command = re.search(r'sed --in-place "(s\|.*\|)" meltano\.yml', text)
    assert command is not None
    script = command[1].replace("${wheel}", "/opt/wheels/a.whl").replace("${WHEEL_SHA256}", "ab12").replace("\\$", "$")
    changed = succeed(["sed", script, ROOT / "orchestrate" / "meltano.yml"])
    assert "pip_url: tap-flipkart-reports[postgres,tokens] @ file:///opt/wheels/a.whl#sha256=ab12\n" in changed
    assert "sha256sum --check --strict" in text
    assert "UV_FIND_LINKS" not in text
    assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == "50000"


def test_the_dockerfile_passes_its_linter() -> None:
    succeed([Path(sys.executable).parent / "hadolint", ROOT / "orchestrate" / "Dockerfile"])
