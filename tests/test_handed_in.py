"""What is handed in and not understood is refused: settings, states and catalogs of any shape, through the command."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.settings.values import CONFIG_JSONSCHEMA
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.bench import Bench

CANARY = "canary-canary"

TapFlipkartReports.append_builtin_config(TapFlipkartReports.config_jsonschema)  # the SDK's settings are looked at too

WEIRD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 4.0, 4.5, -0.0, 10**30, 1e12, 1e300, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        " ",
        "x",
        "1",
        "4.0",
        "nan",
        "x\ny",
        "a\0b",
        "\x1b[31m",
        "हिन्दी",
        "\ud800",
        "x" * 5000,
        "2026-13-45",
        "{",
        "{x}",
    ),
    *([], [None], [[]], [{}], ["x"], [1], ["x", "x"], {}, {"x": None}, {"x": 1}, {"x": {"x": {}}}, {"": ""}),
)

ENTRY = {"name": "mine", "identifier": "MINE", "window": "days"}
REPAIR = {"stream": "sales_ledger", "from_date": "2026-10-01", "to_date": "2026-10-02"}

MEMBERS: dict[str, tuple[Any, list[str | int]]] = {
    **{
        f"sellers.{name}": ([{"seller_id": "acme"}], [0, name])
        for name in ("seller_id", "refresh_token", "access_token")
    },
    **{
        f"report_types.{name}": ({"sales_ledger": {}}, ["sales_ledger", name])
        for name in CONFIG_JSONSCHEMA["properties"]["report_types"]["additionalProperties"]["properties"]
    },
    **{
        f"custom_reports.{name}": ([ENTRY], [0, name])
        for name in (*ENTRY, "parameters", "key_properties", "window_days")
    },
    **{f"repair.{name}": ([REPAIR], [0, name]) for name in (*REPAIR, "seller_id", "warehouse_id")},
}
"""Members of settings that are lists or objects: the setting's value around one, and the way to it."""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TAP_FLIPKART_REPORTS_TOKEN_KEY", raising=False)


def planned(capsys: pytest.CaptureFixture[str], **documents: Any) -> tuple[int, str]:
    """What `plan` makes of some documents: its exit code, and what it says on standard error."""
    arguments = ["plan"]
    for option, document in documents.items():
        with open(f"{option}.json", "w", encoding="utf-8", errors="surrogatepass") as file:  # noqa: PTH123 - in the working folder
            json.dump(document, file)
        arguments += [f"--{option}", f"{option}.json"]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err


def config(**settings: Any) -> dict[str, Any]:
    return {"api_url": "simulator", "start_date": "2026-10-01", "client_secret": CANARY, **settings}


def put(document: Any, way: list[str | int], value: Any) -> Any:
    changed = deepcopy(document)
    place = changed
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    return changed


@pytest.fixture(scope="module")
def one_stream() -> dict[str, Any]:
    """A catalog of one stream: settings and states are read alike for all, which would take five times as long."""
    return catalog_of("sales_ledger")


def is_told(code: int, told: str) -> bool:
    """Whether a command ended well, or in sentences that begin with its name."""
    lines = told.splitlines()
    return code in {0, 2, 3} and (code == 0 or lines[-1].startswith("flipkart-reports: ")) and "Traceback" not in told


@pytest.mark.parametrize("name", CONFIG_JSONSCHEMA["properties"])
def test_a_setting_of_any_value_is_taken_or_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], one_stream: dict[str, Any], name: str
) -> None:
    for value in WEIRD:
        code, told = planned(capsys, config=config(**{name: value}), catalog=one_stream)
        assert is_told(code, told), (value, told)
        assert CANARY not in told


@pytest.mark.integration
@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_of_any_value_is_taken_or_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], one_stream: dict[str, Any], name: str
) -> None:
    document, way = MEMBERS[name]
    for value in WEIRD:
        settings = config(**{name.partition(".")[0]: put(document, way, value)})
        code, told = planned(capsys, config=settings, catalog=one_stream)
        assert is_told(code, told), (value, told)


@pytest.mark.parametrize("name", sorted({*CONFIG_JSONSCHEMA["properties"]} - {"start_date"}))
def test_an_optional_setting_that_is_null_is_absent(capsys: pytest.CaptureFixture[str], name: str) -> None:
    without = planned(
        capsys, config={member: value for member, value in config().items() if member != name or name == "api_url"}
    )
    if name != "api_url":
        assert planned(capsys, config=config(**{name: None})) == without


def test_nulls_are_absent_at_any_depth_and_whole_numbers_may_be_written_with_a_point(bench: Bench) -> None:
    settings = bench.tap(
        sellers=[{**bench.seller("acme"), "access_token": None}],
        report_types={"sales_ledger": {"window_days": 5.0, "max_reports": None, "parameters": None}},
        max_concurrent_reports=3.0,
    ).settings
    assert settings.max_concurrent_reports == 3
    assert isinstance(settings.max_concurrent_reports, int)
    assert settings.report_types["sales_ledger"].rule.window_days == 5
    assert settings.report_types["sales_ledger"].max_reports is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"poll_interval": 1e12}, "poll_interval must be at most 86400"),
        ({"max_wait": 1e300}, "max_wait must be at most 2592000"),
        ({"max_wait": float("nan")}, "max_wait is not a finite number"),
        (
            {"report_types": {"sales_ledger": {"report_timeout": float("inf")}}},
            "sales_ledger.report_timeout is not a finite",
        ),
        ({"max_reports": 10**30}, "max_reports must be at most 1000000"),
        ({"sellers": []}, "sellers is empty"),
        ({"batch_config": {"encoding": {"format": "xml"}, "storage": {"root": "x"}}}, "batch_config"),
        (
            {"batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": "no://x"}}},
            "batch_config cannot be used",
        ),
        ({"batch_config": {"x": 1}}, "batch_config cannot be used"),
        ({"flattening_enabled": True}, "flattening_enabled needs flattening_max_depth: set it to 1 or more"),
        ({"stream_maps": {"sales_ledger": {"x": "("}}}, "stream_maps cannot be used"),
        ({"api_url": "api.flipkart.net"}, "api_url does not begin with https://"),
        ({"api_url": "localhost:8080"}, "api_url does not begin with https://"),
        ({"api_url": "ftp://api.flipkart.net"}, "api_url does not begin with https://"),
        ({"api_url": "https://api.flipkart.net:99999"}, "api_url names no host, or a port that is not a number"),
        ({"api_url": "https://"}, "api_url names no host"),
        ({"api_url": "https://api flipkart.net"}, "api_url holds a space"),
        ({"api_url": " "}, "api_url is blank"),
        ({"auth_url": "file:///etc/passwd"}, "auth_url does not begin with https://"),
        ({"user_agent": "a\r\nX-Injected: 1"}, "user_agent holds a line break"),
        ({"user_agent": "हिन्दी"}, "user_agent has a character that cannot be sent in a header"),
        ({"sellers": [{"seller_id": "a\nb"}]}, "sellers[0].seller_id holds a line break"),
        ({"sellers": [{"seller_id": "a" * 300}]}, "sellers[0].seller_id must have at most 255 characters"),
        ({"start_date": ""}, "start_date is blank"),
        ({"report_ledger": " "}, "report_ledger is blank"),
        ({"only_report_types": ["sales"]}, "did you mean sales_ledger?"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    capsys: pytest.CaptureFixture[str], settings: dict[str, Any], words: str
) -> None:
    code, told = planned(capsys, config=config(**settings))
    assert code == 2
    assert words in told


def test_a_seller_without_a_token_of_its_own_beside_others_is_refused_by_name(bench: Bench) -> None:
    for entry in ({"seller_id": "bharat"}, {"seller_id": "bharat", "refresh_token": " "}):
        with pytest.raises(SettingsError, match="seller 'bharat' has no token of its own"):
            bench.tap(sellers=[bench.seller("acme"), entry])
    assert bench.simulator.calls == {}


def test_days_in_the_future_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    repair = {"stream": "sales_ledger", "from_date": "2926-11-01", "to_date": "2926-11-02"}
    with caplog.at_level("WARNING", logger=PACKAGE):
        TapFlipkartReports(config=config(start_date="2926-10-01", repair=[repair]))
    assert "repair of sales_ledger: 2926-11-01 is in the future" in caplog.text
    assert "start_date 2926-10-01 is in the future: nothing is requested before" in caplog.text


def test_white_space_around_secrets_and_addresses_is_removed(bench: Bench) -> None:
    simulator = bench.simulator
    output = bench.run(
        "sales_ledger",
        api_url=f" {simulator.url}/\n",
        client_id=f"{simulator.client_id}\n",
        client_secret=f"\t{simulator.client_secret} ",
        sellers=[{"seller_id": "acme", "refresh_token": f" {simulator.refresh_token('acme')}\r\n"}],
    )
    assert output.error is None
    assert output.records("sales_ledger")


IN_THE_ENVIRONMENT = (
    *("", " ", "x", "1", "-1", "4.0", "1e300", "nan", "[]", "[1]", "[null]", "{}", "null", "true", "a,b", '{"a":'),
    *(
        "[" * 50_000,
        "[" * 300 + "]" * 300,
        '["\\ud800"]',
        '{"sales_ledger": {"window_days": 1e400}}',
        "9" * 6000,
        "\udcff",
    ),
)


@pytest.mark.integration
@pytest.mark.parametrize("name", CONFIG_JSONSCHEMA["properties"])
def test_a_variable_of_any_text_is_taken_or_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, one_stream: dict[str, Any], name: str
) -> None:
    monkeypatch.setenv("TAP_FLIPKART_REPORTS_API_URL", "simulator")
    monkeypatch.setenv("TAP_FLIPKART_REPORTS_START_DATE", "2026-10-01")
    for text in IN_THE_ENVIRONMENT:
        monkeypatch.setenv(f"TAP_FLIPKART_REPORTS_{name.upper()}", text)
        with suppress(SettingsError):
            TapFlipkartReports(parse_env_config=True, catalog=deepcopy(one_stream))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested"),
        ('{"a": ' * 150 + "1" + "}" * 150, "nested more than 100 levels deep"),
        ('{"start_date": "2026-10-01", "start_date": "2025-10-01"}', "names 'start_date' twice"),
        ("", "it is empty; leave the option out"),
        ("\n", "it is empty; leave the option out"),
        ('{"client_secret": "x",\n "start_date" "2026-10-01"}', "at line 2, column 15: expecting ':' delimiter"),
        ('{"bookmarks": {}}\n{"bookmarks": {}}\n', "the second begins at line 2, column 1; keep one"),
        ("\ufeff[]", "does not hold a JSON object"),
        ("9" * 10_000, "it is not JSON"),
    ],
)
@pytest.mark.parametrize("option", ["config", "state", "catalog"])
def test_a_document_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, words: str, option: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config()))
    (tmp_path / f"{option}.json").write_text(text, encoding="utf-8")
    others = [] if option == "config" else [f"--{option}", f"{option}.json"]
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--config", "config.json", *others])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_a_byte_order_mark_is_passed_over(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("\ufeff" + json.dumps(config()), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--config", "config.json"])
    assert ended.value.code == 0, capsys.readouterr().err


# States

PARTITION: dict[str, Any] = {
    "context": {"seller_id": "default"},
    "replication_key": "report_to_date",
    "replication_key_value": "2026-10-10",
    "finished": [["2026-10-15", "2026-10-20"]],
    "reread": {"newest": "2026-10-20", "windows": [["2026-10-01", "2026-10-05"]]},
    "pending": [{"report_id": "R-1", "from_date": "2026-10-21", "to_date": "2026-10-22", "digest": "d"}],
    "unbought": [["2026-09-01", "2026-09-30"]],
}
STATE: dict[str, Any] = {
    "bookmarks": {
        "sales_ledger": {
            "partitions": [PARTITION],
            "generation_milliseconds": {"shortest": 1000, "typical": 2000, "seen": 3},
        }
    }
}


def ways(document: Any, way: tuple[str | int, ...] = ()) -> Iterator[list[str | int]]:
    """The way to every member of a document, its own members included."""
    for step, inner in document.items() if isinstance(document, dict) else enumerate(document):
        yield [*way, step]
        if isinstance(inner, (dict, list)):
            yield from ways(inner, (*way, step))


@pytest.mark.integration
@pytest.mark.parametrize("way", list(ways(STATE)), ids=lambda way: ".".join(map(str, way)))
def test_a_state_with_anything_anywhere_is_taken_or_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], one_stream: dict[str, Any], way: list[str | int]
) -> None:
    for value in WEIRD:
        code, told = planned(capsys, config=config(), state=put(STATE, way, value), catalog=one_stream)
        assert is_told(code, told), (value, told)
        assert code in {0, 2}
        if code == 2 and len(way) > 1 and "incomplete character" not in told:
            assert "the state of sales_ledger cannot be read: " in told


@pytest.mark.parametrize(
    "state",
    [
        {"value": STATE},
        {"type": "STATE"},
        {"type": "RECORD", "value": STATE},
        {"singer_state": None},
        {"singer_state": [STATE]},
        {"completed": STATE, "partial": {}},
        {"sales_ledger": STATE["bookmarks"]["sales_ledger"]},
        {"bookmarks": None},
        {"type": "STATE", "value": {"x": 1}},
        {"config": {}},
    ],
)
def test_a_state_that_is_not_understood_is_refused_and_never_taken_for_none(
    capsys: pytest.CaptureFixture[str], state: dict[str, Any]
) -> None:
    code, told = planned(capsys, config=config(), state=state)
    assert code == 2
    assert "Singer state" in told or "the state" in told


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"type": "STATE", "value": state},
        lambda state: {"singer_state": state},
        lambda state: {"singer_state": {"type": "STATE", "value": state}},
        lambda state: state,
    ],
    ids=["message", "meltano", "both", "bare"],
)
def test_a_state_in_a_known_wrapping_is_the_state(bench: Bench, wrap: Any) -> None:
    first = bench.run("sales_ledger")
    bought = len(bench.bought())
    second = bench.run("sales_ledger", state=wrap(first.state))
    assert second.error is None
    assert len(bench.bought()) == bought
    assert second.state == first.state


def test_a_seller_that_only_the_state_knows_is_reported_before_anything_is_bought(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    state = bench.run("sales_ledger").state
    bought = len(bench.bought())
    with caplog.at_level("WARNING", logger=PACKAGE):
        bench.tap("sales_ledger", state=state, sellers=[{**bench.seller("acme"), "seller_id": "acme_new"}])
    assert "The state has bookmarks of acme, which the settings do not name" in caplog.text
    assert "new in the settings: acme_new" in caplog.text
    assert len(bench.bought()) == bought
    caplog.clear()
    with caplog.at_level("WARNING", logger=PACKAGE):
        bench.tap(
            "sales_ledger", state=state, sellers=[bench.seller("acme"), bench.seller("bharat")], only_sellers=["bharat"]
        )
    assert "which the settings do not name" not in caplog.text


# Catalogs


def catalog_of(*streams: str) -> dict[str, Any]:
    document = json.loads(TapFlipkartReports(config=config()).catalog_json_text)
    entries = [entry for entry in document["streams"] if entry["tap_stream_id"] in streams]
    return {"streams": entries}


CATALOG_WAYS = [
    ["streams"],
    ["streams", 0],
    *(
        [
            ["streams", 0, name]
            for name in ("tap_stream_id", "stream", "schema", "metadata", "key_properties", "replication_key")
        ]
    ),
    ["streams", 0, "replication_method"],
    ["streams", 0, "schema", "properties"],
    ["streams", 0, "schema", "selected"],
    ["streams", 0, "schema", "properties", "order_id"],
    ["streams", 0, "schema", "properties", "order_id", "type"],
    ["streams", 0, "schema", "properties", "order_id", "format"],
    ["streams", 0, "schema", "properties", "order_id", "selected"],
    ["streams", 0, "metadata", 0],
    ["streams", 0, "metadata", 0, "breadcrumb"],
    ["streams", 0, "metadata", 0, "metadata"],
    *(
        ["streams", 0, "metadata", -1, "metadata", name]
        for name in ("selected", "inclusion", "table-key-properties", "replication-key", "forced-replication-method")
    ),
]


@pytest.mark.integration
@pytest.mark.parametrize("way", CATALOG_WAYS, ids=lambda way: ".".join(map(str, way)))
def test_a_catalog_with_anything_anywhere_is_taken_or_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], way: list[str | int]
) -> None:
    catalog = catalog_of("sales_ledger", "orders_report")
    for value in WEIRD:
        code, told = planned(capsys, config=config(), catalog=put(catalog, way, value))
        assert is_told(code, told), (value, told)
        assert code in {0, 2}


def test_selection_in_the_schema_is_followed_and_its_absence_is_not_selection(bench: Bench) -> None:
    catalog = catalog_of("sales_ledger", "orders_report")
    for entry in catalog["streams"]:
        del entry["metadata"]
        entry["schema"]["selected"] = entry["tap_stream_id"] == "orders_report"
        entry["schema"]["properties"]["order_id"]["selected"] = False
    output = bench.run(catalog=catalog)
    assert {identifier for identifier, *_ in bench.bought()} == {"orders_report"}
    assert all("order_id" not in record for record in output.records("orders_report"))
    bought = len(bench.bought())
    for entry in catalog["streams"]:
        del entry["schema"]["selected"]
    with pytest.raises(SettingsError, match="has no metadata, so it is not said whether it is selected"):
        bench.run(catalog=catalog)
    assert len(bench.bought()) == bought


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda entry: entry.update(key_properties=["order_id"]), "its key is order_id in the catalog"),
        (lambda entry: entry["metadata"][-1]["metadata"].update({"table-key-properties": []}), "its key is empty"),
        (lambda entry: entry.update(replication_method="FULL_TABLE"), "its replication method is FULL_TABLE"),
        (
            lambda entry: entry["metadata"][-1]["metadata"].update({"replication-method": "FULL_TABLE"}),
            "its replication method is FULL_TABLE",
        ),
        (lambda entry: entry.update(replication_key="order_date"), "its replication key is order_date"),
        (
            lambda entry: entry["schema"]["properties"]["order_id"].update(type=["integer", "null"]),
            "the type of order_id is integer in the catalog and string by the settings",
        ),
    ],
    ids=["key", "key in metadata", "method", "method in metadata", "replication key", "type"],
)
def test_a_catalog_that_says_otherwise_than_the_settings_is_refused_where_it_selects(
    bench: Bench, change: Any, words: str
) -> None:
    catalog = catalog_of("sales_ledger", "orders_report")
    entry = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == "sales_ledger")
    entry["metadata"].sort(key=lambda metadata: metadata["breadcrumb"] == [])
    change(entry)
    with pytest.raises(SettingsError, match=words):
        bench.tap(catalog=catalog)
    entry["metadata"][-1]["metadata"]["selected"] = False
    bench.tap(catalog=catalog)
    assert bench.simulator.calls == {}


def test_a_catalog_of_an_older_version_loses_no_column(bench: Bench) -> None:
    now = bench.run("sales_ledger")
    older = catalog_of("sales_ledger")
    (entry,) = older["streams"]
    for name in ("seller_id", "order_id", "report_row_number"):
        del entry["schema"]["properties"][name]
        entry["metadata"] = [each for each in entry["metadata"] if each["breadcrumb"][1:] != [name]]
    then = bench.run(catalog=older)
    assert then.error is None
    assert then.schemas("sales_ledger")[-1] == now.schemas("sales_ledger")[-1]
    assert [set(record) for record in then.records("sales_ledger")] == [set(one) for one in now.records("sales_ledger")]


@pytest.mark.parametrize(
    "stream_maps",
    [
        {"sales_ledger": None},
        {"sales_ledger": "__NULL__"},
        {"orders_report": {"seller": "seller_id"}, "__else__": None},
        {"orders_report": {}, "__else__": "__NULL__"},
    ],
    ids=["null", "__NULL__", "__else__ null", "__else__ __NULL__"],
)
def test_a_stream_that_a_stream_map_removes_is_not_bought(bench: Bench, stream_maps: dict[str, Any]) -> None:
    output = bench.run("sales_ledger", "orders_report", stream_maps=stream_maps)
    assert output.error is None
    assert {identifier for identifier, *_ in bench.bought()} == {"orders_report"}


def test_nothing_selected_and_everything_complete_are_different_sentences(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    state = bench.run("sales_ledger").state
    for streams, words in (
        (["no stream"], "Nothing was requested: no stream is selected"),
        (["sales_ledger"], "Nothing was requested: all days that may be requested are loaded already"),
    ):
        caplog.clear()
        with caplog.at_level("INFO", logger=PACKAGE):
            output = bench.run(*streams, state=state)
        assert output.error is None
        assert words in caplog.text
        assert output.state == state


def test_a_capability_that_is_not_kept_is_not_claimed() -> None:
    assert "activate-version" not in {str(capability.value) for capability in TapFlipkartReports.capabilities}


def test_a_stream_map_of_no_stream_is_reported(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, one_stream: dict[str, Any]
) -> None:
    known = {"sales_*": {"a": "1"}, "copy": {"__source__": "sales_ledger", "a": "1"}, "__else__": None}
    wrong = {"sales_legder": {"buyer": None}, "other": {"__source__": "orders"}}
    planned(capsys, config=config(stream_maps={**known, **wrong}), catalog=one_stream)
    assert [message for message in caplog.messages if "stream_maps" in message] == [
        "stream_maps names sales_legder, which is not a stream and has no effect; did you mean sales_ledger?",
        "stream_maps names orders, which is not a stream and has no effect; did you mean orders_report?",
    ]


@pytest.mark.parametrize(
    ("names", "told"), [(["customers"], "but customers; dis"), (list("dbcea"), "a, b, c, and more")]
)
def test_the_catalog_of_another_tap_is_refused(capsys: pytest.CaptureFixture[str], names: list[str], told: str) -> None:
    entries = [{"tap_stream_id": name, "schema": {"selected": True, "properties": {}}} for name in names]
    code, said = planned(capsys, config=config(), catalog={"streams": entries})
    assert code == 2
    assert "the catalog cannot be used: it has none of this tap's streams, but " in said
    assert told in said


def test_an_empty_catalog_selects_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(capsys, config=config(), catalog={"streams": []})[0] == 0
