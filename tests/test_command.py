"""The commands as a user runs them: processes, signals, wrong settings, `kill -9`."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

import pytest
from support.access import access_to

from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAP = [sys.executable, "-m", "tap_flipkart_reports"]
SIDE = [sys.executable, "-m", "tap_flipkart_reports.commands.cli"]
SECONDS = 60


@contextmanager
def served(*faults: dict[str, Any], **dials: Any) -> Iterator[Simulator]:
    with Simulator(faults=Faults.parse(list(faults)), **dials) as simulator:
        yield simulator


def write_config(folder: Path, simulator: Simulator | None = None, **settings: Any) -> Path:
    config: dict[str, Any] = {"start_date": "2026-10-01", "end_date": "2026-10-12", "window_days": 3}
    if simulator is not None:
        config |= {**access_to(simulator, "acme"), "poll_interval": 0.02}
    config |= settings
    path = folder / "config.json"
    path.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))
    return path


def select(folder: Path, config: Path, *streams: str) -> Path:
    catalog = json.loads(run([*TAP, "--config", str(config), "--discover"]).stdout)
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if metadata["breadcrumb"] == []:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] in streams
    path = folder / "catalog.json"
    path.write_text(json.dumps(catalog))
    return path


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS, **options)


def last_state(text: str) -> dict[str, Any] | None:
    """The state that a target which read these lines has stored."""
    states = [line for line in text.splitlines() if line.startswith('{"type":"STATE"') and line.endswith("}")]
    return json.loads(states[-1])["value"] if states else None


def records(text: str) -> list[dict[str, Any]]:
    """The records of all whole lines: a killed process may leave half of one."""
    lines = text[: text.rfind("\n") + 1].splitlines()
    return [json.loads(line)["record"] for line in lines if line.startswith('{"type":"RECORD"')]


# What a user can get wrong


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"start_date": None}, "start_date is not set"),
        (
            {"start_date": "January"},
            "start_date is 'January', which is not a date such as 2026-01-31, yesterday or 4 days ago",
        ),
        ({"end_date": "2026-09-01"}, "end_date 2026-09-01 lies before start_date 2026-10-01"),
        ({"client_id": None}, "client_id and client_secret are needed"),
        ({"sellers": [{"seller_id": "acme"}], "client_secret": None}, "seller 'acme' has no credentials"),
        ({"sellers": [{"seller_id": "a", "access_token": "x"}] * 2}, "sellers names 'a' twice"),
        ({"sellers": [{"refresh_token": "canary-canary"}]}, "sellers[0] lacks seller_id"),
        ({"refresh_token": "canary-canary"}, "sellers and refresh_token are both set"),
        (
            {"start_date": None, "start_dat": "2026-10-01"},
            "setting start_dat is not known and has no effect; did",
        ),
        ({"client_secret": 12345678}, "client_secret must be of type string, not integer"),
        ({"window_days": "seven"}, "window_days must be of type integer, not string"),
        ({"max_concurrent_reports": 0}, "max_concurrent_reports must be at least 1"),
        ({"schema_drift": "ignore"}, "schema_drift must be one of evolve, extra, fail"),
        ({"poll_interval": 500}, "poll_max_interval is smaller than poll_interval"),
        (
            {"report_types": {"sales_legder": {}}},
            "report_types names 'sales_legder', which is not a report type; they are",
        ),
        (
            {"report_types": {"sales_ledger": {"a": 3, "b": 4}}},
            "report_types.sales_ledger has members that are not known: a, b",
        ),
        (
            {"sellers": [{"seller_id": "a", "refresh_tokn": "x"}]},
            "not known: refresh_tokn; did you mean refresh_token?",
        ),
        ({"report_types": {"sales_ledger": {"parameters": {"day": "{day}"}}}}, "the parameters of sales_ledger name"),
        ({"custom_reports": [{"name": "A b", "identifier": "x", "window": "days"}]}, "'A b' is not a stream name"),
        (
            {"repair": [{"stream": "sales_ledgr", "from_date": "2026-10-01", "to_date": "2026-10-02"}]},
            "repair[0]: 'sales_ledgr' is not a stream; did you mean sales_ledger?",
        ),
        (
            {"repair": [{"stream": "inventory_report", "from_date": "2026-10-01", "to_date": "2026-10-02"}]},
            "repair[0]: inventory_report shows the day on which it is asked for",
        ),
        (
            {"repair": [{"stream": "sales_ledger", "from_date": "2026-10-02", "to_date": "2026-10-01"}]},
            "repair[0]: to_date 2026-10-01 lies before from_date 2026-10-02",
        ),
        ({"repair": [{"stream": "sales_ledger", "to_date": "2026-10-01"}]}, "repair[0] lacks from_date"),
        ({"only_sellers": ["acmee"]}, "only_sellers names 'acmee', which is not a seller; did you mean acme?"),
        ({"only_report_types": ["sales"]}, "only_report_types names 'sales', which is not a report type; they are"),
        (
            {"only_report_types": ["profit_and_loss"]},
            "only_report_types names 'profit_and_loss', whose identifier Flipkart has not published; give it as",
        ),
        (
            {"report_types": {"profit_and_loss": {"window_days": 7}}},
            "report_types: profit_and_loss needs its `identifier`, which Flipkart has not published",
        ),
    ],
)
def test_a_wrong_setting_is_one_line_and_nothing_is_bought(
    tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    with served() as simulator:
        config = write_config(tmp_path, simulator, **settings)
        ended = run([*TAP, "--config", str(config)])
        assert ended.returncode == 2
        (line,) = [line for line in ended.stderr.splitlines() if "| ERROR" in line and words in line][:1]
        assert words in line
        assert "Traceback" not in ended.stderr
        assert simulator.triggers == []
        for canary in ("canary-canary", "12345678", simulator.client_secret, simulator.refresh_token("acme")):
            assert canary not in ended.stderr + ended.stdout


def test_a_setting_nobody_knows_is_reported_with_the_one_that_was_meant(tmp_path: Path) -> None:
    config = write_config(tmp_path, api_url="simulator", windw_days=3)
    ended = run([*TAP, "--config", str(config), "--test"])
    assert ended.returncode == 0
    assert "setting windw_days is not known and has no effect; did you mean window_days?" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config", "missing.json"], "--config missing.json cannot be read: No such file"),
        (["--config", "text.json"], "--config text.json cannot be read: it is not JSON"),
        (["--config", "config.json", "--state", "text.json"], "--state text.json cannot be read: it is not JSON"),
        (["--config", "config.json", "--catalog", "list.json"], "--catalog list.json does not hold a JSON object"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, arguments: list[str], words: str) -> None:
    write_config(tmp_path, api_url="simulator")
    (tmp_path / "text.json").write_text("secret canary")
    (tmp_path / "list.json").write_text("[]")
    ended = run([*TAP, *arguments], cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "canary" not in ended.stderr


def test_a_host_that_is_not_there_is_one_sentence_per_window(tmp_path: Path) -> None:
    config = write_config(
        tmp_path,
        api_url="http://127.0.0.1:9",
        sellers=[{"seller_id": "acme", "access_token": "canary-canary"}],
        poll_interval=0.001,
        window_days=31,
    )
    catalog = select(tmp_path, config, "sales_ledger")
    command = [*TAP, "--config", str(config), "--catalog", str(catalog)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = next(line for line in process.stderr if "no connection to 127.0.0.1:9" in line)
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=SECONDS)[1]
    assert "Traceback" not in told + rest
    assert "canary" not in told + rest


def test_the_connection_test_asks_for_tokens_and_buys_nothing(tmp_path: Path) -> None:
    with served() as simulator:
        config = write_config(tmp_path, simulator)
        ended = run([*TAP, "--config", str(config), "--test"])
        assert ended.returncode == 0, ended.stderr
        assert simulator.calls == {("token", 200): 1}
    with served({"fault": "token_dead", "seller_id": "acme"}) as simulator:
        sellers = [{"seller_id": name, "refresh_token": simulator.refresh_token(name)} for name in ("acme", "bharat")]
        config = write_config(tmp_path, simulator, sellers=sellers)
        ended = run([*TAP, "--config", str(config), "--test"])
        assert ended.returncode == 1
        assert "seller acme were refused" in ended.stderr
        assert "Seller bharat: the token is good." in ended.stderr
        assert "Traceback" not in ended.stderr


def test_discovery_and_about_need_no_settings() -> None:
    discovered = run([*TAP, "--discover"])
    streams = [table.stream for report_type in REPORT_TYPES.values() for table in report_type.tables]
    assert sorted(entry["tap_stream_id"] for entry in json.loads(discovered.stdout)["streams"]) == sorted(streams)
    about = run([*TAP, "--about", "--format=json"])
    assert "structured-logging" in json.loads(about.stdout)["capabilities"]


def test_the_version_is_printed_as_by_the_sdk_but_without_loading_it(capsys: pytest.CaptureFixture[str]) -> None:
    script = (
        "import sys; from tap_flipkart_reports.__main__ import main; main(); assert 'singer_sdk' not in sys.modules"
    )
    told = run([sys.executable, "-c", script, "--version"])
    assert told.returncode == 0, told.stderr
    TapFlipkartReports.print_version()
    assert told.stdout == capsys.readouterr().out


def test_discovery_loads_nothing_that_only_runs_need() -> None:
    own = {
        f"tap_flipkart_reports.{name}"
        for name in ("sync.run", "sync.wanted", "sync.services", "sync.report_reader", "files.rows", "client")
    }
    heavy = {"sqlalchemy", "dateutil.parser", "msgspec", *own}
    script = (
        "import sys, tap_flipkart_reports.__main__ as tap\n"
        "try: tap.main()\n"
        f"except SystemExit: print(*{heavy} & set(sys.modules), file=sys.stderr)"
    )
    told = run([sys.executable, "-c", script, "--discover"])
    assert json.loads(told.stdout)["streams"]
    assert told.stderr.splitlines()[-1] == ""


def test_settings_come_from_the_environment_too(tmp_path: Path) -> None:
    with served() as simulator:
        environment = {
            **os.environ,
            "TAP_FLIPKART_REPORTS_API_URL": simulator.url,
            "TAP_FLIPKART_REPORTS_CLIENT_ID": simulator.client_id,
            "TAP_FLIPKART_REPORTS_CLIENT_SECRET": simulator.client_secret,
            "TAP_FLIPKART_REPORTS_SELLERS": json.dumps(
                [{"seller_id": "acme", "refresh_token": simulator.refresh_token("acme")}]
            ),
            "TAP_FLIPKART_REPORTS_START_DATE": "2026-05-23T12:14:17.292494",
            "TAP_FLIPKART_REPORTS_POLL_INTERVAL": "0.5",
        }
        ended = run([*TAP, "--config=ENV", "--test"], env=environment, cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        assert "from env variable" not in ended.stderr


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("MAX_REPORTS=many", "cannot be read: it is not a whole number"),
        ("MAX_REPORTS= ", "is blank: give it a value, or unset it"),
        ("POLL_INTERVAL=", "is blank: give it a value, or unset it"),
        ('SELLERS=[{"refresh_token": "canary"', "cannot be read: it is not a JSON array"),
        ("REPORT_TYPES=canary", "cannot be read: it is not a JSON object"),
        ("USE_SINGER_DECIMAL=treu", "cannot be read: it is none of true, 1"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], assignment: str, words: str
) -> None:
    name, text = assignment.split("=")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"TAP_FLIPKART_REPORTS_{name}", text)
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--config=ENV"])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"TAP_FLIPKART_REPORTS_{name} in the environment {words}" in told
    assert "canary" not in told


def test_a_variable_that_is_not_a_setting_is_named_with_the_one_that_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    prefix = "TAP_FLIPKART_REPORTS_"
    known = ("_SELECT", "TOKEN_KEY", "BATCH_CONFIG_ENCODING_FORMAT", "REPORT_TYPES_ORDERS_REPORT_MAX_REPORTS")
    for name in (*known, "MAX_REPORT"):
        monkeypatch.setenv(f"{prefix}{name}", '["*.*"]')
    monkeypatch.setenv(f"{prefix}API_URL", "simulator")
    monkeypatch.setenv(f"{prefix}START_DATE", "2026-10-01")
    with suppress(SystemExit):
        main(["plan", "--config=ENV"])
    assert [record.getMessage() for record in caplog.records if prefix in record.getMessage()] == [
        f"{prefix}MAX_REPORT in the environment is not a setting and has no effect; did you mean {prefix}MAX_REPORTS?"
    ]


@pytest.mark.parametrize("command", ["plan", "doctor", "coverage", "sellers"])
def test_a_command_says_what_is_doubtful_in_the_settings(tmp_path: Path, command: str) -> None:
    config = write_config(tmp_path, api_url="simulator", max_report=1, only_report_types=["orders_report"])
    ended = run([*SIDE, command, "--config", str(config)], cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    ours = [line for line in ended.stderr.splitlines() if line.startswith("flipkart-reports")]
    assert ours == ["flipkart-reports: setting max_report is not known and has no effect; did you mean max_reports?"]


def test_a_target_that_dies_ends_the_tap_in_a_sentence(tmp_path: Path) -> None:
    with served(orders_per_day=400) as simulator:
        config = write_config(tmp_path, simulator)
        catalog = select(tmp_path, config, "sales_ledger")
        command = [*TAP, "--config", str(config), "--catalog", str(catalog)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            told = process.stderr.read()
            assert process.wait(SECONDS) == 3
        assert "the target closed the pipe" in told
        assert "Traceback" not in told
        assert "unhandled" not in told


# Progress


def on_a_terminal(command: list[str], out: IO[str]) -> tuple[int, str]:
    """Run with standard error on a terminal; the exit code, and what the terminal was sent."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=out, stderr=theirs, env={**os.environ, "COLUMNS": "160"}) as process:
        os.close(theirs)
        patience = threading.Timer(SECONDS, process.kill)
        patience.start()
        sent = b""
        with suppress(OSError):  # the end of a terminal
            while part := os.read(ours, 65536):
                sent += part
        patience.cancel()
        os.close(ours)
        return process.wait(SECONDS), sent.decode()


def test_a_terminal_shows_a_live_table_and_the_target_gets_the_same_messages(tmp_path: Path) -> None:
    with served(generation_seconds=(1.0, 1.0)) as simulator:
        config = write_config(tmp_path, simulator, max_concurrent_reports=2)
        command = [*TAP, "--config", str(config), "--catalog", str(select(tmp_path, config, "sales_ledger"))]
        with (tmp_path / "out.jsonl").open("w+") as out:
            code, shown = on_a_terminal(command, out)
            out.seek(0)
            text = out.read()
        assert code == 0, shown
        for words in ("next poll", "in progress", "2 windows wait for their turn", "2026-10-01 to 2026-10-03"):
            assert words in shown
        assert "In all: 4 bought" in shown
        assert all(json.loads(line)["type"] in {"SCHEMA", "RECORD", "STATE"} for line in text.splitlines())
        truth = simulator.rows("sales_ledger", "acme", {"from_date": "2026-10-01", "to_date": "2026-10-12"})
        assert len(records(text)) == len(truth)


# Signals


def reading_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"the tap never said {words!r}")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_end_does_so_in_seconds_and_the_next_reads_what_is_bought(
    tmp_path: Path, sent: signal.Signals
) -> None:
    with served(generation_seconds=(2.0, 2.0)) as simulator:
        config = write_config(tmp_path, simulator)
        catalog = select(tmp_path, config, "sales_ledger")
        command = [*TAP, "--config", str(config), "--catalog", str(catalog)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4):
            reading_until(process, ": triggered.")
        process.send_signal(sent)
        out, told = process.communicate(timeout=15)
        assert process.returncode == 0, told
        assert "Traceback" not in told
        state = last_state(out)
        assert state is not None
        assert len(state["bookmarks"]["sales_ledger"]["partitions"][0]["pending"]) == 4
        (tmp_path / "state.json").write_text(json.dumps(state))
        again = run([*command, "--state", str(tmp_path / "state.json")])
        assert again.returncode == 0, again.stderr
        assert len(simulator.triggers) == 4
        truth = simulator.rows("sales_ledger", "acme", {"from_date": "2026-10-01", "to_date": "2026-10-12"})
        assert {record["buyer_invoice_id"] for record in records(again.stdout)} == {
            row["Buyer Invoice ID"] for row in truth
        }


def fill_up(pipe: IO[str]) -> None:
    """Wait until nothing more fits into a pipe that nobody reads."""
    room = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    deadline = SystemClock().monotonic() + SECONDS
    while (held := struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]) < room - 4096:
        assert SystemClock().monotonic() < deadline, f"the pipe holds {held} bytes"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_asked_to_end_while_the_target_does_not_read_it_writes_whole_lines_and_keeps_its_state(
    tmp_path: Path, unbuffered: str
) -> None:
    with served(orders_per_day=300) as simulator:
        config = write_config(tmp_path, simulator)
        catalog = select(tmp_path, config, "sales_ledger")
        command = [*TAP, "--config", str(config), "--catalog", str(catalog)]
        environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        fill_up(process.stdout)
        process.send_signal(signal.SIGTERM)
        out, told = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, told
        lines = [json.loads(line) for line in out.splitlines()]
        (partition,) = [line for line in lines if line["type"] == "STATE"][-1]["value"]["bookmarks"]["sales_ledger"][
            "partitions"
        ]
        # The window was cut short: it is not finished, and its report is still known.
        assert "replication_key_value" not in partition
        assert len(partition["pending"]) == 4
        assert 0 < sum(line["type"] == "RECORD" for line in lines) < 1200


# flipkart-reports


def test_the_plan_is_a_table_or_json_and_makes_no_call(tmp_path: Path) -> None:
    with served() as simulator:
        config = write_config(tmp_path, simulator)
        table = run([*SIDE, "plan", "--config", str(config)])
        assert table.returncode == 0, table.stderr
        assert "trigger  sales_ledger" in table.stdout
        document = json.loads(run([*SIDE, "plan", "--config", str(config), "--format", "json"]).stdout)
        assert document["by_seller"]["acme"]["trigger"] == document["triggers"] > 0
        assert simulator.calls == {}


@pytest.mark.parametrize(
    ("rules", "planned"),
    [
        (["orders_report.*"], {"orders_report"}),
        (["orders_report.order_id", "returns_*.*"], {"orders_report", "returns_report"}),
        (["orders_report.*", "returns_report.*", "!returns_report.*", "!orders_report.sku"], {"orders_report"}),
        (["*.*", "!sales_ledger*.*"], {"orders_report", "returns_report", "settled_transaction_ledger"}),
    ],
)
def test_without_a_catalog_the_plan_is_of_the_streams_that_meltanos_rules_select(
    tmp_path: Path, rules: list[str], planned: set[str]
) -> None:
    with served() as simulator:
        config = write_config(tmp_path, simulator)
        environment = {**os.environ, "MELTANO_EXTRACT__SELECT": json.dumps(rules)}
        ended = run([*SIDE, "plan", "--config", str(config), "--format", "json"], env=environment)
        by_days = {"orders_report", "returns_report", "sales_ledger", "settled_transaction_ledger"}
        assert set(json.loads(ended.stdout)["by_stream"]) & by_days == planned


def test_simulate_serves_until_ctrl_c_and_says_what_is_wrong(tmp_path: Path) -> None:
    with subprocess.Popen([*SIDE, "simulate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "Serving on http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=SECONDS)[1] == ""
        assert process.returncode == 0
    faults = tmp_path / "faults.json"
    faults.write_text('[{"fault": "gremlins"}]')
    ended = run([*SIDE, "simulate", "--faults", str(faults)])
    assert ended.returncode == 2
    assert "which is not a fault" in ended.stderr
    assert "Traceback" not in ended.stderr
