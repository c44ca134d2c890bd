"""What nobody expects to be bought: days that the archive holds, days bought before, and many reports at once."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.archived_days import days_to_buy
from tap_flipkart_reports.planning.coverage import Coverage
from tap_flipkart_reports.planning.window_rules import WindowKind, WindowRule, owed_windows
from tap_flipkart_reports.purchasing.outcomes import MAX_ATTEMPTS
from tap_flipkart_reports.windows import DAY, Window, clipped, gaps, merged

if TYPE_CHECKING:
    from support.bench import Bench, Output

KEPT: dict[str, Any] = {"window_days": 10, "lookback_days": 0}


@pytest.fixture
def kept(tmp_path: Path) -> dict[str, Any]:
    return {**KEPT, "report_ledger": str(tmp_path / "ledger.db"), "report_archive": str(tmp_path / "archive")}


def calls(bench: Bench, name: str) -> int:
    return sum(number for (call, _), number in bench.simulator.calls.items() if call == name)


# The archive


@pytest.mark.parametrize("has_ledger", [True, False], ids=["with a ledger", "without"])
def test_a_lost_state_is_filled_from_the_archive(bench: Bench, kept: dict[str, Any], *, has_ledger: bool) -> None:
    settings = kept if has_ledger else {**kept, "report_ledger": None}
    settings = {name: value for name, value in settings.items() if value is not None}
    first = bench.run("orders_report", "returns_report", **settings)
    bought = len(bench.bought())
    bench.clock.advance(86400 * 3)
    again = bench.run("orders_report", "returns_report", **settings)
    assert again.error is None
    assert len(bench.bought()) == bought
    for stream in ("orders_report", "returns_report"):
        assert again.records(stream) == first.records(stream)
        assert again.partition(stream) == first.partition(stream)


def test_a_table_selected_later_is_filled_from_the_archive(bench: Bench, kept: dict[str, Any]) -> None:
    bench.restart(file_format="xlsx")
    first = bench.run("sales_ledger", **kept)
    bought = len(bench.bought())
    bench.clock.advance(86400 * 3)
    second = bench.run("sales_ledger", "sales_ledger_cash_back", state=first.state, **kept)
    assert second.error is None
    assert len(bench.bought()) == bought
    assert second.records("sales_ledger") == []
    assert second.records("sales_ledger_cash_back")


def test_days_beyond_the_archive_are_bought_and_the_look_back_follows_its_own_rule(
    bench: Bench, kept: dict[str, Any]
) -> None:
    settings = {**kept, "window_days": 31, "lookback_days": 5}
    bench.run("orders_report", **settings)
    bench.clock.advance(86400 * 3)
    bought = len(bench.bought())
    bench.run("orders_report", end_date="2026-10-25", **{name: settings[name] for name in settings})
    assert [entry[2:] for entry in bench.bought()[bought:]] == [("2026-10-16", "2026-10-25")]


def test_from_archive_never_buys_and_says_that_it_buys_again(
    bench: Bench, kept: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    bench.run("orders_report", **kept)
    bench.clock.advance(86400 * 3)
    bought = len(bench.bought())
    bench.run("orders_report", from_archive="never", **kept)
    assert len(bench.bought()) == 2 * bought
    told = [record.getMessage() for record in caplog.records if "bought before" in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith("2 of the 2 reports to be bought are for days that were bought before")


@pytest.mark.parametrize(
    "settings",
    [
        {"lookback_days": 5, "end_date": "2026-10-25"},
        {"repair": [{"stream": "orders_report", "from_date": "2026-10-03", "to_date": "2026-10-04"}]},
    ],
    ids=["look-back", "repair"],
)
def test_days_that_the_settings_ask_for_again_are_bought_without_a_warning(
    bench: Bench, kept: dict[str, Any], caplog: pytest.LogCaptureFixture, settings: dict[str, Any]
) -> None:
    del kept["report_archive"]
    state = bench.run("orders_report", **kept).state
    bench.clock.advance(86400 * 3)
    assert bench.run("orders_report", state=state, **{**kept, **settings}).error is None
    assert len(bench.bought()) > 2
    assert "bought before" not in caplog.text


def test_days_whose_report_failed_are_bought_without_a_warning(
    bench: Bench, kept: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    bench.restart({"fault": "failed", "nth": 2, "times": MAX_ATTEMPTS})
    first = bench.run("orders_report", max_concurrent_reports=1, **kept)
    assert first.error is not None
    bench.clock.advance(86400 * 3)
    assert bench.run("orders_report", state=first.state, **kept).error is None
    assert len(bench.bought()) == MAX_ATTEMPTS + 2
    assert "bought before" not in caplog.text


@pytest.mark.parametrize("has_ledger", [True, False], ids=["with a ledger", "without"])
def test_a_report_that_is_given_up_is_bought_again_and_not_read_from_the_archive(
    bench: Bench, kept: dict[str, Any], *, has_ledger: bool
) -> None:
    settings = {name: value for name, value in kept.items() if has_ledger or name != "report_ledger"}
    first = bench.run("orders_report", **settings)
    given_up, other = (trigger.report_id for trigger in bench.simulator.triggers)
    bench.clock.advance(86400 * 3)
    second = bench.run("orders_report", given_up_reports=[given_up], **settings)
    assert second.error is None
    assert [entry[2:] for entry in bench.bought()[2:]] == [bench.bought()[0][2:]]
    read = {record["report_id"] for record in second.records("orders_report")}
    assert read == {bench.simulator.triggers[-1].report_id, other}
    assert len(second.records("orders_report")) == len(first.records("orders_report"))


def test_a_report_whose_file_the_archive_has_lost_is_bought_again(bench: Bench, kept: dict[str, Any]) -> None:
    first = bench.run("orders_report", **kept)
    lost = next((Path(kept["report_archive"]) / "files").glob("*/*"))
    lost.unlink()
    bench.clock.advance(86400 * 3)
    again = bench.run("orders_report", **kept)
    assert again.error is None
    assert len(bench.bought()) == 3
    assert len(again.records("orders_report")) == len(first.records("orders_report"))


def test_a_snapshot_of_an_earlier_day_is_not_taken_for_todays(bench: Bench, kept: dict[str, Any]) -> None:
    settings = {**kept, "end_date": "2026-12-31"}
    bench.run("current_inventory_report", **settings)
    bench.clock.advance(86400)
    bench.run("current_inventory_report", **settings)
    assert len(bench.bought()) == 2


@pytest.mark.parametrize("has_ledger", [True, False], ids=["with a ledger", "without"])
def test_a_snapshot_that_is_gone_the_next_day_is_not_bought_as_one_of_its_day(
    bench: Bench, tmp_path: Path, *, has_ledger: bool
) -> None:
    bench.restart({"fault": "expires"}, generation_seconds=(600.0, 600.0))
    settings: dict[str, Any] = {"end_date": "2026-12-31", "warehouse_ids": ["del"]}
    settings |= {"report_ledger": str(tmp_path / "ledger.db")} if has_ledger else {}
    first = bench.run("inventory_report", max_wait=1, **settings)
    bench.clock.advance(86400)
    second = bench.run("inventory_report", state=first.state, **settings)
    assert "no report is bought for a day that is over" in str(second.error)
    assert {record["snapshot_date"] for record in second.records("inventory_report")} == {"2026-11-25"}
    bench.clock.advance(86400)
    third = bench.run("inventory_report", state=second.state, **settings)
    assert third.error is None
    assert set(third.partition("inventory_report")) == {"context", "replication_key", "replication_key_value"}
    assert len(bench.bought()) == 3


def test_a_snapshot_whose_turn_comes_after_midnight_is_left_to_the_next_run(bench: Bench) -> None:
    bench.restart(generation_seconds=(3600.0, 3600.0))
    settings: dict[str, Any] = {"end_date": "2026-12-31", "warehouse_ids": ["del", "bil"], "max_concurrent_reports": 1}
    bench.clock.advance(12 * 3600)  # half past eleven in the evening
    first = bench.run("inventory_report", **settings)
    assert first.error is None
    assert {record["warehouse_id"] for record in first.records("inventory_report")} == {"del"}
    second = bench.run("inventory_report", state=first.state, **settings)
    assert {record["snapshot_date"] for record in second.records("inventory_report")} == {"2026-11-25"}
    assert len(bench.bought()) == 3


@pytest.mark.parametrize("has_ledger", [True, False], ids=["with a ledger", "without"])
def test_a_running_month_whose_report_is_gone_is_bought_up_to_its_newest_day(
    bench: Bench, tmp_path: Path, *, has_ledger: bool
) -> None:
    bench.restart({"fault": "expires"}, generation_seconds=(600.0, 600.0))
    settings: dict[str, Any] = {"start_date": "2026-11-01", "end_date": "2026-12-31"}
    settings |= {"report_ledger": str(tmp_path / "ledger.db")} if has_ledger else {}
    first = bench.run("fbf_orders_report", max_wait=1, **settings)
    bench.clock.advance(86400)
    second = bench.run("fbf_orders_report", state=first.state, **settings)
    assert "no report is bought for a day that is over" in str(second.error)
    third = bench.run("fbf_orders_report", state=second.state, **settings)
    assert third.error is None
    assert [last for *_, last in bench.bought()] == ["2026-11-21", "2026-11-22"]


def test_a_report_requested_with_other_parameters_is_not_taken_from_the_archive(
    bench: Bench, kept: dict[str, Any]
) -> None:
    bench.run("orders_report", **kept)
    bench.clock.advance(86400 * 3)
    asked = calls(bench, "trigger")
    other = {"orders_report": {"parameters": {"from_date": "{from_date}", "to_date": "{to_date}", "kind": "all"}}}
    bench.run("orders_report", report_types=other, **kept)
    assert calls(bench, "trigger") == asked + 2


def test_the_plan_shows_what_is_read_from_the_archive(
    bench: Bench, kept: dict[str, Any], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    bench.run("orders_report", **kept)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(bench.config(only_report_types=["orders_report"], **kept)))
    capsysbinary.readouterr()
    with pytest.raises(SystemExit):
        main(["plan", "--config", str(config)])
    told = capsysbinary.readouterr().out.decode()
    assert told.count("read from archive  orders_report") == 2
    assert "0 reports would be triggered" in told


def test_the_plan_buys_what_is_given_up(
    bench: Bench, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    bench.restart({"fault": "zero_bytes"})
    state = tmp_path / "state.json"
    state.write_text(json.dumps(bench.run("sales_ledger").state))
    (trigger,) = bench.simulator.triggers
    for given_up, said in (([], "0 reports would be triggered"), ([trigger.report_id], "1 report would be triggered")):
        config = tmp_path / "config.json"
        config.write_text(json.dumps(bench.config(only_report_types=["sales_ledger"], given_up_reports=given_up)))
        capsysbinary.readouterr()
        with pytest.raises(SystemExit):
            main(["plan", "--config", str(config), "--state", str(state)])
        assert said in capsysbinary.readouterr().out.decode()


days = st.integers(0, 60).map(lambda number: date(2026, 1, 1) + timedelta(days=number))
windows = st.tuples(days, days).map(lambda pair: Window(min(pair), max(pair)))


@examples(max_examples=1000)  # few examples have days both beyond a bookmark and in no archived file
@given(st.sampled_from(WindowKind), st.lists(windows, max_size=6), st.one_of(st.none(), days), days, st.integers(0, 9))
def test_nothing_is_bought_that_is_not_owed_and_nothing_owed_is_missed(
    kind: WindowKind, archived: list[Window], bookmark: date | None, newest: date, lookback: int
) -> None:
    rule = WindowRule(kind=kind, window_days=7, lookback_days=lookback)
    coverage, start = Coverage(bookmark=bookmark), date(2026, 1, 1)
    owed = owed_windows(rule, coverage, start=start, newest=newest)
    bought = days_to_buy(rule, coverage, owed=owed, archived=archived, start=start, newest=newest)
    assert all(any(window.covers(piece) for window in merged(owed)) for piece in bought)
    new = [window for window in owed if bookmark is None or window.last > bookmark]
    for window in clipped(new, first=date.min if bookmark is None else bookmark + DAY):
        assert gaps(window, merged([*bought, *archived])) == []
    if not archived:
        assert bought == owed


def test_an_archive_that_reaches_the_newest_day_leaves_nothing_to_buy() -> None:
    rule = WindowRule(kind=WindowKind.DAYS, window_days=10, lookback_days=5)
    newest, start = date(2026, 1, 20), date(2026, 1, 1)
    archived = [Window(start, start + 9 * DAY), Window(start + 10 * DAY, newest)]
    owed = owed_windows(rule, Coverage(), start=start, newest=newest)
    assert days_to_buy(rule, Coverage(), owed=owed, archived=archived, start=start, newest=newest) == []


def test_a_report_that_is_pending_and_in_the_archive_is_read_once(bench: Bench, kept: dict[str, Any]) -> None:
    bench.restart({"fault": "bad_cell", "nth": 1, "row": 1, "header": "quantity", "text": "many"})
    settings: dict[str, Any] = {**kept, "window_days": 5, "bad_cells": "fail", "from_archive": "always"}
    first = bench.run("orders_report", end_date="2026-10-10", **settings)
    assert [(entry["from_date"], entry["to_date"]) for entry in first.partition("orders_report")["pending"]] == [
        ("2026-10-06", "2026-10-10")
    ]
    settings |= {"lookback_days": 3, "bad_cells": "keep", "end_date": "2026-10-15"}
    second = bench.run("orders_report", state=first.state, **settings)
    assert second.error is None
    places = [(record["report_id"], record["report_row_number"]) for record in second.records("orders_report")]
    assert len(places) == len(set(places))
    assert {report_id for report_id, _ in places} > {bench.simulator.triggers[0].report_id}
    assert second.partition("orders_report")["replication_key_value"] == "2026-10-15"


def test_two_bought_reports_that_share_days_are_read_and_nothing_of_them_is_bought(
    bench: Bench, tmp_path: Path
) -> None:
    bench.restart(generation_seconds=(600.0, 600.0))
    settings: dict[str, Any] = {"lookback_days": 0}
    first = bench.run("orders_report", end_date="2026-10-04", max_wait=1, **settings)
    settings |= {"report_ledger": str(tmp_path / "ledger.db")}  # which does not know of the first
    bench.run("orders_report", start_date="2026-10-03", end_date="2026-10-08", max_wait=1, **settings)
    third = bench.run("orders_report", state=first.state, end_date="2026-10-10", **settings)
    assert third.error is None
    assert [entry[2:] for entry in bench.bought()] == [
        ("2026-10-01", "2026-10-04"),
        ("2026-10-03", "2026-10-08"),
        ("2026-10-09", "2026-10-10"),
    ]
    assert set(third.partition("orders_report")) == {"context", "replication_key", "replication_key_value"}


def test_what_came_in_the_place_of_a_report_is_fetched_again_although_it_is_in_the_archive(
    bench: Bench, kept: dict[str, Any]
) -> None:
    settings: dict[str, Any] = {**kept, "end_date": "2026-10-10"}
    bench.restart({"fault": "echoed_link"})
    first = bench.run("orders_report", **settings)
    assert first.error is not None
    assert first.records("orders_report") == []
    second = bench.run("orders_report", state=first.state, **settings)
    assert second.error is None
    assert second.records("orders_report")
    assert len(bench.bought()) == 1


@pytest.mark.parametrize(
    "gone",
    [
        {"fault": "expires", "nth": 2},
        {"fault": "server_error", "call": "detail", "nth": 2, "times": 100},
        {"fault": "dead_link", "nth": 2, "times": 100},
        {"fault": "no_location", "nth": 2, "times": 100},
    ],
    ids=lambda fault: str(fault["fault"]),
)
def test_what_the_api_has_no_more_is_read_from_the_archive(
    gone: dict[str, Any], bench: Bench, kept: dict[str, Any]
) -> None:
    settings: dict[str, Any] = {**kept, "end_date": "2026-10-10"}
    bench.restart({"fault": "bad_cell", "row": 1, "header": "quantity", "text": "many"}, gone)
    first = bench.run("orders_report", bad_cells="fail", **settings)
    assert first.error is not None
    second = bench.run("orders_report", state=first.state, bad_cells="keep", **settings)
    assert second.error is None
    assert second.records("orders_report")
    assert len(bench.bought()) == 1


# Budgets


def test_a_snapshot_that_the_budget_deferred_is_forgotten_once_its_day_is_over(bench: Bench) -> None:
    settings: dict[str, Any] = {"end_date": "2026-12-31", "sellers": [bench.seller("acme"), bench.seller("bharat")]}
    first = bench.run("current_inventory_report", max_reports=1, **settings)
    assert first.partition("current_inventory_report", "bharat")["unbought"] == [["2026-11-24", "2026-11-24"]]
    bench.clock.advance(86400)
    second = bench.run("current_inventory_report", state=first.state, **settings)
    assert "unbought" not in second.partition("current_inventory_report", "bharat")


def test_the_budget_of_a_report_type_holds_although_another_type_has_its_identifier(bench: Bench) -> None:
    other = {"name": "orders_by_dispatch", "identifier": "orders_report", "window": "days", "parameters": {"by": "d"}}
    limited = {"orders_report": {"max_reports": 1}}
    output = bench.run("orders_report", window_days=5, report_types=limited, custom_reports=[other])
    assert output.error is None
    assert len(bench.bought()) == 1


# Refused triggers


def test_a_run_whose_every_trigger_is_refused_ends_and_leaves_its_windows_to_the_next(bench: Bench) -> None:
    bench.restart({"fault": "rate_limit", "call": "trigger", "retry_after": 60, "times": 1000})
    began = bench.clock.monotonic()
    output = bench.run("orders_report", report_timeout=7200)
    assert output.error is None
    assert bench.bought() == []
    assert 7000 < bench.clock.monotonic() - began < 7300
    assert "has refused each trigger for" in output.tap.current_run.deferred[0].reason
    bench.restart()
    assert bench.run("orders_report", state=output.state).error is None
    assert bench.bought()


# Reports that were read today


@pytest.mark.parametrize("fault", [{"fault": "expires", "times": 1}, {"fault": "dead_link", "times": 14}])
def test_a_report_that_is_gone_when_a_lost_state_wants_it_once_more_is_bought_again_once(
    bench: Bench, tmp_path: Path, fault: dict[str, Any]
) -> None:
    settings: dict[str, Any] = {"report_ledger": str(tmp_path / "ledger.db"), "end_date": "2026-10-05"}
    bench.restart({"nth": 2, **fault})
    first = bench.run("orders_report", **settings)
    again = bench.run("orders_report", max_wait=3 * 3600, **settings)
    assert again.error is None
    assert len(bench.bought()) == 2
    assert without_report_id(again) == without_report_id(first)
    assert again.partition("orders_report") == first.partition("orders_report")


def test_a_purchase_in_an_old_state_is_forgotten_once_a_newer_report_of_its_days_is_read(
    bench: Bench, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"end_date": "2026-10-05"}
    booked = {**settings, "report_ledger": str(tmp_path / "ledger.db")}
    bench.restart({"fault": "never", "nth": 1})
    old = bench.run("orders_report", max_wait=60, **settings)
    (purchase,) = old.partition("orders_report")["pending"]
    first = bench.run("orders_report", **booked)
    again = bench.run("orders_report", state=old.state, **booked)
    assert again.error is None
    assert again.records("orders_report") == first.records("orders_report")
    assert purchase["report_id"] not in {record["report_id"] for record in first.records("orders_report")}
    assert again.partition("orders_report") == first.partition("orders_report")
    assert len(bench.bought()) == 2


def test_look_back_reports_of_a_run_that_was_killed_before_any_state_are_not_bought_again_on_a_later_day(
    bench: Bench, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"report_ledger": str(tmp_path / "ledger.db"), "window_days": 4, "lookback_days": 9}
    first = bench.run("orders_report", end_date="2026-10-12", **settings)
    bench.clock.advance(86400)
    bought = len(bench.bought())
    bench.run("orders_report", state=first.state, end_date="2026-10-13", max_wait=1, **settings)
    of_the_killed_run = bench.bought()[bought:]
    assert len(of_the_killed_run) == 3
    bench.clock.advance(86400)
    again = bench.run("orders_report", state=first.state, end_date="2026-10-14", **settings)
    assert again.error is None
    assert again.partition("orders_report")["replication_key_value"] == "2026-10-14"
    of_the_next_run = bench.bought()[bought + len(of_the_killed_run) :]
    assert len(of_the_next_run) == 1


def without_report_id(output: Output) -> list[dict[str, Any]]:
    return [{**record, "report_id": None} for record in output.records("orders_report")]


# Many reports at once


def test_a_first_run_that_would_buy_many_reports_asks_first(bench: Bench) -> None:
    many: dict[str, Any] = {"start_date": "2026-06-01", "window_days": 2}
    refused = bench.run("orders_report", **many)
    assert isinstance(refused.error, SettingsError)
    assert "this first run would buy 71 reports (71 orders_report)" in str(refused.error)
    assert "set confirm_reports to 71, or max_reports" in str(refused.error)
    assert bench.bought() == []
    assert refused.records("orders_report") == []
    assert calls(bench, "token") == 0


@pytest.mark.parametrize(
    "word",
    [{"confirm_reports": 71}, {"max_reports": 5}, {"max_unconfirmed_reports": 71}],
    ids=lambda word: next(iter(word)),
)
def test_a_word_of_consent_lets_it_begin(bench: Bench, word: dict[str, Any]) -> None:
    output = bench.run("orders_report", start_date="2026-06-01", window_days=2, **word)
    assert output.error is None
    assert len(bench.bought()) == word.get("max_reports", 71)


@pytest.mark.parametrize(
    "bookmarks",
    [
        {},
        {"customers": {"replication_key": "updated_at", "replication_key_value": "2026-10-01T00:00:00Z"}},
        {"orders_report": {"partitions": [{"context": {"seller_id": "somebody"}}]}},
    ],
    ids=["empty", "of another tap", "of another seller"],
)
def test_a_state_that_knows_none_of_the_sellers_does_not_count(bench: Bench, bookmarks: dict[str, Any]) -> None:
    refused = bench.run("orders_report", state={"bookmarks": bookmarks}, start_date="2026-06-01", window_days=2)
    assert "this first run would buy 71 reports" in str(refused.error)
    assert bench.bought() == []


def test_a_run_with_a_state_needs_no_word(bench: Bench) -> None:
    state = bench.run("orders_report", start_date="2026-06-01", end_date="2026-06-02").state
    output = bench.run("orders_report", state=state, start_date="2026-06-01", window_days=2, lookback_days=0)
    assert output.error is None
    assert len(bench.bought()) == 71
