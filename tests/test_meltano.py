"""A real Meltano: its commands into real warehouses, compared with the simulator's truth; its way with settings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.clocks import VirtualClock
from support.programs import ROOT, TARGETS_PYTHON, UV, check_out, released, run, succeed
from support.truth import Record, differences, records

from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.simulator import Simulator
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Iterator

MELTANO = (*UV, "tool", "run", "--python", TARGETS_PYTHON, released("meltano==4.4.1"))
TAP = "tap-flipkart-reports"

READ_DUCKDB = """
import duckdb, json, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for table, in connection.execute("select table_name from duckdb_tables()").fetchall():
        rows = connection.execute(f'select * from "{table}"')
        names = [column[0] for column in rows.description]
        for row in rows.fetchall():
            print(json.dumps([table, dict(zip(names, row))], default=str))
"""


@dataclass(kw_only=True)
class Project:
    """A Meltano project, and the API as it finds it.

    Attributes:
        now: what time it is for the API; Meltano and the tap live in the machine's own time.
    """

    folder: Path
    output: Path
    now: datetime
    simulator: Simulator = field(init=False)
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.simulator = Simulator(now=lambda: self.now)

    def meltano(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run(
            [*MELTANO, "--environment=prod", *arguments],
            cwd=self.folder,
            env={**self.settings, **environment},
            stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            capture_output=False,
        )

    def succeeds(self, *arguments: str, **environment: str) -> str:
        ended = self.meltano(*arguments, **environment)
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    @property
    def warehouse(self) -> Path:
        return self.output / "warehouse.duckdb"

    def in_duckdb(self) -> dict[str, list[Record]]:
        """The rows of every table."""
        python = self.folder / ".meltano" / "loaders" / "target-duckdb" / "venv" / "bin" / "python"
        tables: dict[str, list[Record]] = {}
        for line in succeed([python, "-c", READ_DUCKDB, self.warehouse]).splitlines():
            table, row = json.loads(line, parse_float=Decimal)
            tables.setdefault(table, []).append(row)
        return tables

    def in_files(self, stream: str) -> list[Record]:
        """The rows that target-jsonl has written."""
        lines = (self.output / f"{stream}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line, parse_float=Decimal) for line in lines]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, which is a Meltano project; its plugins are installed by the first run."""
    return check_out(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project(checkout: Path, tmp_path: Path) -> Iterator[Project]:
    project = Project(folder=checkout, output=tmp_path, now=SystemClock().now())
    with project.simulator as simulator:
        project.settings = {
            "TAP_FLIPKART_REPORTS_API_URL": simulator.url,
            "TAP_FLIPKART_REPORTS_CLIENT_ID": simulator.client_id,
            "TAP_FLIPKART_REPORTS_CLIENT_SECRET": simulator.client_secret,
            "TAP_FLIPKART_REPORTS_SELLERS": json.dumps(
                [{"seller_id": name, "refresh_token": simulator.refresh_token(name)} for name in ("acme", "bharat")]
            ),
            "TAP_FLIPKART_REPORTS_START_DATE": "2026-10-05",
            "TAP_FLIPKART_REPORTS_WAREHOUSE_IDS": '["blr_wfld"]',
            "TAP_FLIPKART_REPORTS_POLL_INTERVAL": "0.05",
            "TARGET_DUCKDB_PATH": str(project.warehouse),
            "TARGET_JSONL_DESTINATION_PATH": str(tmp_path),
        }
        yield project


def wrong_cells(project: Project, stream: str, rows: list[Record]) -> list[str]:
    truth = records(project.simulator, stream)
    assert truth, f"the simulator has sold no {stream}"
    return differences(stream, truth, rows)


# The three commands


ONE_OF_EACH_KIND = ("orders_report", "stock_ledger", "gst_returns_report", "current_inventory_report")
"""Days, months of a warehouse, whole months, snapshots; test_targets.py has every stream."""


def test_meltano_run_loads_every_cell_and_again_buys_nothing(project: Project) -> None:
    project.settings["TAP_FLIPKART_REPORTS__SELECT"] = json.dumps([f"{stream}.*" for stream in ONE_OF_EACH_KIND])
    project.succeeds("run", TAP, "target-duckdb", "--state-id-suffix=all")
    tables = project.in_duckdb()
    assert set(tables) == set(ONE_OF_EACH_KIND)
    for stream in ONE_OF_EACH_KIND:
        assert wrong_cells(project, stream, tables[stream]) == []
    bought = len(project.simulator.triggers)
    project.succeeds("run", TAP, "target-duckdb", "--state-id-suffix=all")
    assert len(project.simulator.triggers) == bought
    assert project.in_duckdb() == tables


def test_the_same_command_builds_the_models_and_prints_what_each_seller_has_sold(project: Project) -> None:
    project.settings["TAP_FLIPKART_REPORTS__SELECT"] = '["sales_ledger.*"]'
    project.settings["DBT_DUCKDB_PATH"] = str(project.warehouse)
    told = project.succeeds("run", TAP, "target-duckdb", "dbt-duckdb:build", "--state-id-suffix=models")
    sold = {"acme": Decimal(0), "bharat": Decimal(0)}
    for row in records(project.simulator, "sales_ledger"):
        if row["event_type"] == "Sale":
            sold[row["seller_id"]] += row["final_invoice_amount"]
    printed = dict(re.findall(r"dbt-duckdb +(\S+) +([\d,.]+) +[\d,.]+ +0\.00 +[\d,.]+$", told, re.MULTILINE))
    assert printed == {seller_id: f"{amount:,.2f}" for seller_id, amount in sold.items()}


def test_meltano_el_and_its_old_name_elt_resume_from_the_state_of_their_id_and_update_changed_orders(
    project: Project,
) -> None:
    command = (TAP, "target-duckdb", "--state-id=orders", "--select=orders_report.*")
    project.now = datetime(2026, 11, 12, 6, 0, tzinfo=timezone.utc)
    project.succeeds("el", *command, TAP_FLIPKART_REPORTS_END_DATE="2026-11-10")
    before = project.in_duckdb()["orders_report"]
    assert wrong_cells(project, "orders_report", before) == []
    project.now += timedelta(days=3)
    told = project.succeeds("elt", *command, TAP_FLIPKART_REPORTS_END_DATE="2026-11-13")
    assert "`elt` command is deprecated" in told
    after = project.in_duckdb()["orders_report"]
    assert wrong_cells(project, "orders_report", after) == []
    statuses = {row["order_item_id"]: row["order_item_status"] for row in before}
    assert len(statuses) == len(before) < len(after)
    assert any(statuses.get(row["order_item_id"], "") not in {"", row["order_item_status"]} for row in after)
    state = json.loads(project.succeeds("state", "get", "orders").splitlines()[-1])
    bookmarks = state["singer_state"]["bookmarks"]["orders_report"]["partitions"]
    assert [partition["replication_key_value"] for partition in bookmarks] == ["2026-11-13", "2026-11-13"]


def test_what_failed_fails_the_run_and_the_rest_is_loaded_and_not_bought_again(project: Project) -> None:
    sellers = json.loads(project.settings["TAP_FLIPKART_REPORTS_SELLERS"])
    broken = json.dumps([sellers[0], {**sellers[1], "refresh_token": "withdrawn"}])
    project.settings["TAP_FLIPKART_REPORTS__SELECT"] = '["sales_ledger.*", "returns_report.*"]'
    command = ("run", TAP, "target-jsonl", "--state-id-suffix=failing")
    ended = project.meltano(*command, TAP_FLIPKART_REPORTS_SELLERS=broken)
    assert ended.returncode == 1
    assert "seller bharat" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert wrong_cells(project, "sales_ledger", project.in_files("sales_ledger")) == []
    bought = {(trigger.seller_id, trigger.identifier) for trigger in project.simulator.triggers}
    assert {seller_id for seller_id, _ in bought} == {"acme"}
    again = len(project.simulator.triggers)
    project.succeeds(*command)
    assert {trigger.seller_id for trigger in project.simulator.triggers[again:]} == {"bharat"}
    for stream in ("sales_ledger", "returns_report"):
        assert wrong_cells(project, stream, project.in_files(stream)) == []


# What must not buy


def test_config_test_asks_for_tokens_and_buys_nothing(project: Project) -> None:
    told = project.succeeds("config", "test", TAP)
    assert "Plugin configuration is valid" in told
    assert project.simulator.triggers == []


def test_config_test_names_the_seller_whose_token_is_refused(project: Project) -> None:
    sellers = json.loads(project.settings["TAP_FLIPKART_REPORTS_SELLERS"])
    broken = json.dumps([sellers[0], {**sellers[1], "refresh_token": "withdrawn"}])
    ended = project.meltano("config", "test", TAP, TAP_FLIPKART_REPORTS_SELLERS=broken)
    assert ended.returncode == 1
    assert "Plugin configuration is invalid" in ended.stdout
    assert "seller bharat" in ended.stdout
    assert "Nothing was bought" in ended.stdout
    assert "withdrawn" not in ended.stdout
    assert project.simulator.triggers == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("plan", "reports would be triggered"),
        ("sellers", "bharat"),
        ("coverage", "orders_report"),
        ("test", "token is good"),
    ],
)
def test_commands_run_inside_meltano_with_its_settings_and_buy_nothing(
    project: Project, command: str, words: str
) -> None:
    assert words in project.succeeds("invoke", f"{TAP}:{command}")
    assert project.simulator.triggers == []


@pytest.mark.parametrize(
    ("rules", "delivered", "deselected"),
    [
        (["fbf_orders_report.*", "!fbf_orders_report.sku"], {"order_id", "order_date"}, {"sku"}),
        (["fbf_orders_report.order_id"], {"order_id"}, {"sku", "order_date"}),
    ],
)
def test_select_rules_hold_for_columns_that_arrive_with_a_file(
    project: Project, rules: list[str], delivered: set[str], deselected: set[str]
) -> None:
    environment = {"TAP_FLIPKART_REPORTS__SELECT": json.dumps(rules)}
    project.succeeds("run", TAP, "target-jsonl", f"--state-id-suffix={len(rules)}", **environment)
    (columns, *_) = {frozenset(row) for row in project.in_files("fbf_orders_report")}
    assert delivered <= columns
    assert not deselected & columns


def test_metrics_in_plain_logs_say_which_stream_and_seller_they_are_of_and_alerts_fire(project: Project) -> None:
    sellers = json.loads(project.settings["TAP_FLIPKART_REPORTS_SELLERS"])
    project.settings["TAP_FLIPKART_REPORTS_SELLERS"] = json.dumps(
        [sellers[0], {**sellers[1], "refresh_token": "withdrawn"}]
    )
    project.settings["TAP_FLIPKART_REPORTS__SELECT"] = '["returns_report.*"]'
    plain = project.meltano("run", TAP, "target-jsonl", "--state-id-suffix=plain").stdout
    assert "METRIC returns_report, seller bharat: flipkart_reports_failed" in plain
    assert re.search("METRIC returns_report.*: record_count [0-9]+", plain)
    lines = project.meltano(
        "--log-format=json", "run", TAP, "target-jsonl", "--state-id-suffix=json"
    ).stdout.splitlines()
    documents = [json.loads(line) for line in lines]
    fired = [each for each in documents if each.get("metric_info", {}).get("metric") == "flipkart_reports_failed"]
    assert [each["metric_info"]["tags"]["seller_id"] for each in fired] == ["bharat"]


# Settings


def config_of(project: Project, **settings: str) -> dict[str, Any]:
    """The settings that Meltano hands to the tap when these stand in the environment."""
    environment = {f"TAP_FLIPKART_REPORTS_{name.upper()}": text for name, text in settings.items()}
    dumped = project.succeeds("invoke", "--dump=config", TAP, **environment)
    config: dict[str, Any] = json.loads(dumped[dumped.index("{\n") :])
    return config


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-10-05", "2026-10-06T00:00:00", ("2026-10-05", "2026-10-06")),
        ("2026-10-05T20:00:00Z", "2026-10-07T00:00:00+05:30", ("2026-10-06", "2026-10-07")),
        # 1 November has begun in Kolkata and not yet in UTC
        ("4 days ago", "yesterday", ("2026-10-28", "2026-10-31")),
        ("2 weeks ago", "Today", ("2026-10-18", "2026-11-01")),
        ("1 month ago", "1 day ago", ("2026-10-01", "2026-10-31")),
    ],
)
def test_a_date_in_any_form_is_a_day_in_kolkata_at_any_hour(
    project: Project, monkeypatch: pytest.MonkeyPatch, start: str, end: str, days: tuple[str, str]
) -> None:
    monkeypatch.setattr(TapFlipkartReports, "clock", VirtualClock(datetime(2026, 10, 31, 20, tzinfo=timezone.utc)))
    settings = TapFlipkartReports(config=config_of(project, start_date=start, end_date=end)).settings
    assert (str(settings.start_date), str(settings.end_date)) == days


def test_an_american_date_is_refused_and_not_turned_into_january(project: Project) -> None:
    with pytest.raises(SettingsError, match="start_date is '01/10/2026', which is not a date such as 2026-01-31"):
        TapFlipkartReports(config=config_of(project, start_date="01/10/2026"))


def test_settings_of_every_kind_come_through_from_the_environment(project: Project) -> None:
    config = config_of(
        project,
        max_wait="90.5",
        max_reports="7",
        warehouse_ids='["del", "kol"]',
        report_types='{"sales_ledger": {"window_days": 5}}',
        schema_drift="extra",
    )
    settings = TapFlipkartReports(config=config).settings
    assert settings.max_wait == 90.5
    assert settings.max_reports == 7
    assert settings.warehouse_ids == ("del", "kol")
    assert settings.report_types["sales_ledger"].rule.window_days == 5
    assert settings.schema_drift == "extra"


def test_a_project_of_ones_own_adds_the_tap_from_its_definition_and_keeps_secrets_out_of_meltano_yml(
    tmp_path: Path, wheel: Path
) -> None:
    (tmp_path / "meltano.yml").write_text("project_id: own\nsend_anonymous_usage_stats: false\n", encoding="utf-8")
    (tmp_path / "plugin.yml").write_text((ROOT / "plugin.yml").read_text(encoding="utf-8"), encoding="utf-8")

    def meltano(*arguments: str) -> str:
        # Where the package would come from once it is published
        return succeed([*MELTANO, *arguments], cwd=tmp_path, env={"UV_FIND_LINKS": str(wheel.parent)})

    meltano("add", TAP, "--from-ref", "plugin.yml")
    meltano("config", "set", TAP, "client_secret", "canary-secret")
    meltano("config", "set", TAP, "sellers", '[{"seller_id": "acme", "refresh_token": "canary-token"}]')
    meltano("config", "set", TAP, "start_date", "2026-10-05")
    project = (tmp_path / "meltano.yml").read_text(encoding="utf-8")
    assert "canary" not in project
    assert "2026-10-05" in project
    assert (tmp_path / ".env").read_text(encoding="utf-8").count("canary") == 2
    assert "canary" not in meltano("config", "print", TAP)
    assert meltano("invoke", TAP, "--version").startswith("tap-flipkart-reports v")


@pytest.mark.integration
def test_a_project_that_init_has_made_installs_the_tap_that_made_it_and_runs(tmp_path: Path) -> None:
    with Simulator(now=SystemClock().now) as simulator:
        environment = {
            "TAP_FLIPKART_REPORTS_API_URL": simulator.url,
            "TAP_FLIPKART_REPORTS_REFRESH_TOKEN": simulator.refresh_token("acme"),
            "TAP_FLIPKART_REPORTS_POLL_INTERVAL": "0.05",
        }
        options = "--client-id simulator --seller-id acme --target target-jsonl --report-type sales_ledger"
        program = Path(sys.executable).with_name("flipkart-reports")
        succeed(
            [program, "init", "--kind", "meltano", *options.split()],
            cwd=tmp_path,
            input=f"{simulator.client_secret}\n",
            stdin=None,
        )
        succeed([*MELTANO, "run", TAP, "target-jsonl"], cwd=tmp_path, env=environment)
        truth = records(simulator, "sales_ledger")
        assert truth
        rows = (tmp_path / "output" / "sales_ledger.jsonl").read_text(encoding="utf-8").splitlines()
        assert differences("sales_ledger", truth, [json.loads(row, parse_float=Decimal) for row in rows]) == []
        bought = len(simulator.triggers)
        succeed([*MELTANO, "run", TAP, "target-jsonl"], cwd=tmp_path, env=environment)
        assert len(simulator.triggers) == bought
