"""What the documents say is so: tables equal the code, examples are valid, commands run."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import yaml
from support.programs import ROOT, SECONDS, UV, check_out, run, succeed
from support.readme_tables import FILES, own_settings, sdk_settings, with_made_parts

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.settings.credentials import KEY_VARIABLE
from tap_flipkart_reports.simulator import Simulator
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.postgres import Postgres

DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
        *(ROOT / name / "README.md" for name in ("benchmarks", "orchestrate")),
        *sorted((ROOT / "docs").rglob("*.md")),
    )
}
README = DOCUMENTS["README.md"]
PROJECT = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
PLUGIN = yaml.safe_load((ROOT / "plugin.yml").read_text(encoding="utf-8"))
EXTRACTOR = PROJECT["plugins"]["extractors"][0]


# Tables and definitions


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_made_from_the_code_equals_it(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == with_made_parts(path), "run: uv run just made"


def test_the_readme_fits_a_readers_patience() -> None:
    assert len(README.splitlines()) <= 200


def test_the_table_of_parts_names_each_room_and_module() -> None:
    table = DOCUMENTS["docs/how-it-works.md"].partition("| part of the package | purpose |")[2].partition("\n\n")[0]
    package = ROOT / "tap_flipkart_reports"
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py", "__main__.py"}
    rooms = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()}
    assert sorted(re.findall(r"`([\w.]+(?:\.py|/))`", table)) == sorted({*modules, *rooms, "schemas/"})


def test_the_index_names_every_page() -> None:
    for folder in (ROOT / "docs", ROOT / "docs" / "decisions"):
        index = (folder / "index.md").read_text(encoding="utf-8")
        pages = {path.name for path in folder.glob("*.md")} - {"index.md"}
        assert pages <= set(re.findall(r"\]\(([\w-]+\.md)\)", index))


KINDS = {
    "array": "array",
    "boolean": "boolean",
    "integer": "integer",
    "number": "string",
    "object": "object",
    "string": "string",
}


@pytest.mark.parametrize("definition", [EXTRACTOR, PLUGIN], ids=["meltano.yml", "plugin.yml"])
def test_meltano_knows_each_setting_as_the_tap_does(definition: dict[str, Any]) -> None:
    settings = {**own_settings(), **sdk_settings()}
    assert [setting["name"] for setting in definition["settings"]] == list(settings)
    for setting in definition["settings"]:
        schema = settings[setting["name"]]
        kinds = {KINDS[kind] for kind in schema["type"] if kind != "null"}
        if "enum" in schema:
            kinds = {"options"}
            assert [option["value"] for option in setting["options"]] == [word for word in schema["enum"] if word]
        assert setting["kind"] in kinds
        assert setting["label"] == schema["title"]
        assert setting["description"] == schema["description"]
        assert setting.get("value") == schema.get("default")
        assert setting.get("sensitive", False) == bool(schema.get("secret"))


SOME_VALUES: dict[str, Any] = {
    "start_date": "2026-10-01",
    "sellers": [{"seller_id": "acme", "access_token": "x"}],
    "api_url": "simulator",
}


@pytest.mark.parametrize("definition", [EXTRACTOR, PLUGIN], ids=["meltano.yml", "plugin.yml"])
def test_meltano_knows_what_the_tap_can_do_and_what_it_needs(definition: dict[str, Any]) -> None:
    about = json.loads(succeed([sys.executable, "-m", "tap_flipkart_reports", "--about", "--format=json"]))
    assert sorted(definition["capabilities"]) == sorted(about["capabilities"])
    for group in definition["settings_group_validation"]:
        config = {name: SOME_VALUES.get(name, "x") for name in group}
        TapFlipkartReports(config=config)  # nothing is missing
        for name in group:
            with pytest.raises(SettingsError):
                TapFlipkartReports(config={other: value for other, value in config.items() if other != name})


@pytest.mark.parametrize(
    "document", [PROJECT, {"plugins": {"extractors": [PLUGIN]}}], ids=["meltano.yml", "plugin.yml"]
)
def test_meltanos_own_schema_accepts_the_definitions(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "meltano.yml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.meltano", str(path)]
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    succeed(command)
    path.write_text(yaml.safe_dump(document).replace("kind: boolean", "kind: number"), encoding="utf-8")
    assert "'number' is not one of" in run(command).stdout


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_between_the_documents_leads_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", DOCUMENTS[name])
    for path, anchor in links:
        target = (folder / path) if path else ROOT / name
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
            assert anchor in anchors


def test_the_site_is_built_strictly_and_brings_all_it_needs(tmp_path: Path) -> None:
    succeed([sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path], cwd=ROOT)
    pages = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")]
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))
    loaded = [re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*", page) for page in pages]
    assert [tags for tags in loaded if tags] == []


def test_the_changelog_has_what_is_unreleased_first_and_then_each_version_with_its_day() -> None:
    first, *versions = re.findall(r"^## (.*)$", DOCUMENTS["CHANGELOG.md"], re.MULTILINE)
    assert first == "[Unreleased]"
    found = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d\d-\d\d", version) for version in versions]
    assert None not in found
    numbers = [tuple(map(int, match.groups())) for match in found if match]
    assert numbers == sorted(set(numbers), reverse=True)


def test_every_command_of_the_justfile_that_is_mentioned_exists() -> None:
    mentioned = set(re.findall(r"`(?:uv run )?just ([a-z-]+)", "".join(DOCUMENTS.values())))
    assert len(mentioned) >= 5
    assert mentioned <= set(succeed([Path(sys.executable).with_name("just"), "--summary"], cwd=ROOT).split())


# The hosting service


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (".github/workflows/test.yml", "vendor.github-workflows"),
        (".github/workflows/release.yml", "vendor.github-workflows"),
        (".github/workflows/test.yml", "custom.github-workflows-require-timeout"),
        (".github/workflows/release.yml", "custom.github-workflows-require-timeout"),
        (".github/workflows/nightly.yml", "vendor.github-workflows"),
        (".github/workflows/nightly.yml", "custom.github-workflows-require-timeout"),
        (".github/dependabot.yml", "vendor.dependabot"),
    ],
)
def test_the_hosting_services_files_fit_their_schemas(path: str, schema: str) -> None:
    succeed([sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, ROOT / path])


def test_every_action_is_pinned_by_its_commit() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    actions = re.findall(r"uses: (.*)", text)
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action)] == []


TESTS = "python3 -m uv run pytest -n 2"
"""The README's command for the tests, which CI runs too."""


def test_every_way_of_ci_runs_the_same_checks_and_the_readmes_tests() -> None:
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    recipe = (ROOT / "justfile").read_text(encoding="utf-8").partition("\ncheck:\n")[2].partition("\n\n")[0]
    checks = [line.strip().removeprefix("uv run ") for line in recipe.splitlines()]
    assert len(checks) >= 5
    for check in (*checks, "mkdocs build --strict", TESTS.partition("uv run ")[2]):
        assert f"uv run {check}" in workflow
        assert f"uv run {check}" in script
    assert TESTS in README


def test_ci_installs_every_program_of_the_system_that_tests_ask_for() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    asked = set(re.findall(r"of_the_system\(\"([\w-]+)\"\)", tests)) | {"zsh", "fish"}
    assert {"chromium", "chromedriver"} <= asked
    packages = {"chromedriver": "chromium-driver"}
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    (installed,) = re.findall(r"apt-get install -y -qq ([\w -]+)", script)
    assert {packages.get(name, name) for name in asked} <= set(installed.split())
    for name in asked:
        assert name in workflow


# Settings in examples


def json_examples() -> list[dict[str, Any]]:
    text = "".join(DOCUMENTS.values())
    blocks = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"`(\{\"[^`]+\})`", text)
    return [json.loads(text) for text in (*blocks, *inline)]


@pytest.mark.parametrize("example", json_examples(), ids="-".join)
def test_every_example_of_settings_is_valid(example: dict[str, Any]) -> None:
    needed = {} if "start_date" in example else {"api_url": "simulator", "start_date": "2026-10-01"}
    tap = TapFlipkartReports(config={**needed, **example})
    assert set(example) <= {*own_settings(), *sdk_settings()}
    assert all(name in tap.config for name in example)


def test_every_variable_of_the_environment_is_a_setting() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    # With two underscores it is an extra of Meltano, such as `__SELECT`.
    names = re.findall(r"TAP_FLIPKART_REPORTS_((?!_)[A-Z_]+)", example + "".join(DOCUMENTS.values()))
    assert len(set(names)) >= 4
    beside = {KEY_VARIABLE.removeprefix("TAP_FLIPKART_REPORTS_")}  # a key is no setting: it would stand in files
    assert {name.lower() for name in {*names} - beside} <= {*own_settings(), *sdk_settings()}
    for name, value in re.findall(r"^#? ?TAP_FLIPKART_REPORTS_([A-Z_]+)=(.+)$", example, re.MULTILINE):
        if {"array", "object"} & set(own_settings()[name.lower()]["type"]):
            assert isinstance(json.loads(value), (list, dict))


# Commands


@dataclass(frozen=True)
class Example:
    """A fenced block of commands, and what it is said to print."""

    heading: str
    commands: str
    output: str

    def __str__(self) -> str:
        return f"{self.heading}: {self.commands.splitlines()[-1][:60]}"


STORY = ("README.md", "docs/tokens.md", "docs/increments.md")
"""The documents whose `shell` blocks are run, in the order in which a stranger comes to them."""


def examples() -> list[Example]:
    """The blocks of commands, in their order: together they are one story."""
    parts = re.split(r"^##+ (.*)$", "".join(DOCUMENTS[name] for name in STORY), flags=re.MULTILINE)
    return [
        Example(heading, match[1].strip(), match[2] or "")
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
        for match in re.finditer(r"```shell\n(.*?)```\n(?:\n(?:<!-- \w+ -->\n)?```\n(.*?)```\n)?", text, re.DOTALL)
    ]


def one_liners() -> list[str]:
    """The commands in tables."""
    return re.findall(r"^\| `((?:tap-)?flipkart-reports [^`]+)` \|", DOCUMENTS["docs/commands.md"], re.MULTILINE)


@dataclass(kw_only=True)
class Stranger:
    """Somebody with a machine that has python3 and pip, a checkout, and a project of their own.

    The simulator takes the API's place: the settings shown get its address and its credentials.
    """

    checkout: Path
    project: Path
    simulator: Simulator
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """The app's settings as variables of the environment."""
        return {
            "TAP_FLIPKART_REPORTS_API_URL": self.simulator.url,
            "TAP_FLIPKART_REPORTS_CLIENT_ID": self.simulator.client_id,
            "TAP_FLIPKART_REPORTS_CLIENT_SECRET": self.simulator.client_secret,
        }

    def place(self, heading: str, commands: str) -> Path:
        """Where a section's commands are typed; one that has no place is a command that nobody runs."""
        return {
            "Try it without an account": self.checkout,
            "Load your own reports": self.checkout,
            "With Meltano": self.project,
            "The token store": self.checkout,
            "Repair days that are wrong": self.project if "meltano" in commands else self.checkout,
            "Replay the archive": self.checkout,
        }[heading]

    def types(self, commands: str, *, place: Path) -> str:
        for name, value in (
            ("client_id", self.simulator.client_id),
            ("client_secret", self.simulator.client_secret),
            ("refresh_token", self.simulator.refresh_token("acme")),
        ):
            commands = commands.replace(f"{name} …", f"{name} {shlex.quote(value)}")
        return succeed(["bash", "-euo", "pipefail", "-c", f"exec 2>&1\n{commands}"], cwd=place, env=self.environment)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, wheel: Path) -> Iterator[Stranger]:
    folder = tmp_path_factory.mktemp("stranger")
    (project := folder / "project").mkdir()
    (folder / "checkout").mkdir()
    succeed([*UV, "venv", "--quiet", "--seed", folder / "machine"])
    database = urlsplit(postgres.new_database())
    with Simulator(orders_per_day=1) as simulator:
        stranger = Stranger(checkout=check_out(folder / "checkout"), project=project, simulator=simulator)
        stranger.environment = {
            "PATH": os.pathsep.join([str(folder / "bin"), str(folder / "machine" / "bin"), "/usr/bin", "/bin"]),
            "UV_TOOL_DIR": str(folder / "tools"),
            "UV_TOOL_BIN_DIR": str(folder / "bin"),
            # Where the package would come from once it is published
            "UV_FIND_LINKS": str(wheel.parent),
            "PIP_FIND_LINKS": f"{os.environ.get('PIP_FIND_LINKS', '')} {wheel.parent}",
            # The tests cannot run inside themselves: there they are only found
            "PYTEST_ADDOPTS": "--collect-only",
            "TARGET_POSTGRES_HOST": str(database.hostname),
            "TARGET_POSTGRES_PORT": str(database.port),
            "TARGET_POSTGRES_USER": str(database.username),
            "TARGET_POSTGRES_PASSWORD": str(database.password),
            "TARGET_POSTGRES_DATABASE": database.path[1:],
        }
        write_configuration(stranger)
        write_project(stranger)
        yield stranger


def write_configuration(stranger: Stranger) -> None:
    """The README's `config.json`, its credentials those of the simulator."""
    simulator = stranger.simulator
    config = next(example for example in json_examples() if "client_secret" in example)
    for seller in config["sellers"]:
        seller["refresh_token"] = simulator.refresh_token(seller["seller_id"])
    config |= {"client_id": simulator.client_id, "client_secret": simulator.client_secret}
    config |= {"api_url": simulator.url, "poll_interval": 0.05, "report_archive": "archive"}
    (stranger.checkout / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (stranger.checkout / "faults.json").write_text("[]", encoding="utf-8")
    (stranger.checkout / "report.xlsx").write_bytes((ROOT / "tests" / "data" / "settled.xlsx").read_bytes())


def write_project(stranger: Stranger) -> None:
    """A Meltano project that knows nothing of the tap, its API's address that of the simulator."""
    loaders = [loader for loader in PROJECT["plugins"]["loaders"] if loader["name"] == "target-postgres"]
    document = {
        "project_id": "own",
        "send_anonymous_usage_stats": False,
        "default_environment": "dev",
        "environments": [{"name": "dev"}],
        "plugins": {"loaders": loaders},
        "env": {
            "TAP_FLIPKART_REPORTS_API_URL": stranger.simulator.url,
            "TAP_FLIPKART_REPORTS_POLL_INTERVAL": "0.05",
        },
    }
    (stranger.project / "meltano.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    (stranger.project / "plugin.yml").write_text((ROOT / "plugin.yml").read_text(encoding="utf-8"), encoding="utf-8")


@pytest.mark.parametrize("example", examples(), ids=str)
def test_every_command_shown_runs_and_prints_what_is_shown(stranger: Stranger, example: Example) -> None:
    if example.heading == "With Meltano":
        succeed([*UV, "tool", "install", "--quiet", "meltano"], env=stranger.environment)
    printed = stranger.types(example.commands, place=stranger.place(example.heading, example.commands))
    if example.output:
        lines = re.findall(r"^\S+Z \[\w+ *\] dbt-\w+ {2,}(.*)$", printed, re.MULTILINE)
        shown = example.output.strip().splitlines()
        assert lines[-len(shown) :] == shown


def mentioned() -> dict[str, set[str]]:
    """The commands of `flipkart-reports` that any document names, with the options it gives them."""
    found: dict[str, set[str]] = {}
    for text in DOCUMENTS.values():
        for command, rest in re.findall(r"(?<!tap-)flipkart-reports ([a-z-]+)([^`\n|]*)", text):
            found.setdefault(command, set()).update(re.findall(r"--[a-z-]+", rest))
    return found


@pytest.mark.parametrize("command", mentioned())
def test_every_command_mentioned_exists_with_its_options(command: str) -> None:
    told = succeed([sys.executable, "-m", "tap_flipkart_reports.commands.cli", command, "--help"])
    assert mentioned()[command] <= set(re.findall(r"--[a-z-]+", told))


def test_the_page_of_commands_names_every_command() -> None:
    usage = succeed([sys.executable, "-m", "tap_flipkart_reports.commands.cli", "--help"])
    commands = re.findall(r"^ {4}([a-z-]+)(?: |$)", usage, re.MULTILINE)
    assert {"plan", "completion"} <= set(commands)
    page = DOCUMENTS["docs/commands.md"]
    assert [command for command in commands if f"`flipkart-reports {command}" not in page] == []


ASKING = {"init": "there is no terminal to ask on", "probe": "Nothing was bought."}
"""Commands that ask a person, and what they say where there is none."""


@pytest.mark.parametrize("command", one_liners())
def test_every_command_in_a_table_runs(stranger: Stranger, command: str) -> None:
    tools = stranger.environment["UV_TOOL_BIN_DIR"]
    program, *arguments = shlex.split(command.replace("https://…", "https://seller.example/back"))
    words = [f"{tools}/{program}", *arguments]
    if arguments[0] in ASKING:
        ended = run(words, cwd=stranger.checkout)
        assert ASKING[arguments[0]] in ended.stdout + ended.stderr
        return
    if arguments[0] not in {"authorize", "simulate"}:
        succeed(words, cwd=stranger.checkout)
        return
    # These wait for somebody: for a person, for calls.
    environment = {**os.environ, **stranger.settings}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(words, cwd=stranger.checkout, env=environment, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=SECONDS)
        assert "Traceback" not in told
        assert "usage:" not in told
