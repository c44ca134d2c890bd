"""What a state that was handed in may hold: each member asked directly, without a run."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.planning.select_rules import SelectRules
from tap_flipkart_reports.planning.state_check import (
    check_state,
    sellers_of,
    state_doubts,
    unknown_sellers,
    unwrapped_state,
)

ADVICE = "start from a state the tap has written, or from none"

REPORT = {"report_id": "R-1", "digest": "9c", "from_date": "2026-10-01", "to_date": "2026-10-05"}

PARTITION: dict[str, Any] = {
    "context": {"seller_id": "acme", "warehouse_id": "del"},
    "replication_key": "report_to_date",
    "replication_key_value": "2026-10-20",
    "finished": [["2026-10-22", "2026-10-22"], ["2026-10-24T00:00:00", "2026-10-25"]],
    "unbought": [["2026-10-27", "2026-10-28"]],
    "reread": {"newest": "2026-10-25", "windows": [["2026-10-11", "2026-10-15"]]},
    "pending": [REPORT],
    "progress_markers": {},
}


def state(*partitions: Any, stream: str = "orders_report") -> dict[str, Any]:
    return {"bookmarks": {stream: {"partitions": list(partitions)}}}


def mistakes(document: dict[str, Any]) -> list[str]:
    """What is wrong with a state, each without its beginning and the advice."""
    try:
        check_state(document, streams={"orders_report", "sales_ledger"})
    except SettingsError as error:
        told, _, advice = str(error).rpartition("; ")
        assert advice == ADVICE
        return told.split("; ")
    return []


def mistakes_of(**members: Any) -> list[str]:
    """What is wrong with a partition with some members set; `...` takes one out."""
    changed = {name: value for name, value in (deepcopy(PARTITION) | members).items() if value is not ...}
    beginning = "the state of orders_report cannot be read: partitions[0]"
    told = mistakes(state(changed))
    assert all(mistake.startswith(beginning) for mistake in told)
    return [mistake[len(beginning) :] for mistake in told]


# Wrappings

BARE = state(PARTITION)


@pytest.mark.parametrize(
    "document",
    [
        BARE,
        {"type": "STATE", "value": BARE},
        {"singer_state": BARE},
        {"singer_state": {"type": "STATE", "value": BARE}},
        {"type": "STATE", "value": {"singer_state": {"singer_state": BARE}}},
    ],
    ids=["bare", "a message", "meltano", "a message in meltano's", "three deep"],
)
def test_a_state_is_taken_out_of_its_wrappings(document: dict[str, Any]) -> None:
    assert unwrapped_state(document) is BARE


def test_an_empty_state_is_one() -> None:
    assert unwrapped_state({}) == unwrapped_state({"singer_state": {}}) == {}


@pytest.mark.parametrize(
    "document",
    [
        {"value": BARE},
        {"type": "RECORD", "value": BARE},
        {"type": "STATE"},
        {"type": "STATE", "value": [BARE]},
        {"singer_state": BARE, "completed": True},
        {"other": BARE},
        {"singer_state": {"singer_state": {"singer_state": {"singer_state": BARE}}}},
    ],
)
def test_what_is_wrapped_in_another_way_is_not_a_state(document: dict[str, Any]) -> None:
    with pytest.raises(
        SettingsError,
        match=r"^the state is not a Singer state: it has no bookmarks\. Give the value of the target's last STATE "
        r"message, the whole message, or what `meltano state get` prints$",
    ):
        unwrapped_state(document)


# Shape


def test_a_state_with_every_member_is_taken() -> None:
    assert mistakes(state(PARTITION)) == []
    assert mistakes({}) == mistakes({"bookmarks": {}}) == mistakes({"bookmarks": {"orders_report": {}}}) == []


@pytest.mark.parametrize("absent", [..., None, "", [], {}])
@pytest.mark.parametrize("name", ["replication_key_value", "finished", "unbought", "reread", "pending"])
def test_a_member_that_is_empty_is_absent(name: str, absent: object) -> None:
    assert mistakes_of(**{name: absent}) == []


@pytest.mark.parametrize(
    ("document", "mistake"),
    [
        ({"bookmarks": []}, "the state cannot be read: bookmarks is not an object"),
        ({"bookmarks": {"x": 1}}, "the state of x cannot be read: it is not an object"),
        ({"bookmarks": {"x": {"partitions": {}}}}, "the state of x cannot be read: partitions is not a list"),
        (state("x"), "the state of orders_report cannot be read: partitions[0] is not an object"),
        (state(PARTITION, 1), "the state of orders_report cannot be read: partitions[1] is not an object"),
        (state("x", stream="of_old"), "the state of of_old cannot be read: partitions[0] is not an object"),
    ],
)
def test_what_is_not_of_a_states_shape_is_named(document: dict[str, Any], mistake: str) -> None:
    assert mistakes(document) == [mistake]


def test_of_a_stream_that_is_not_read_only_the_shape_counts() -> None:
    assert mistakes(state({"context": 1}, {"context": 1}, stream="of_old")) == []


def test_three_mistakes_are_reported_and_that_there_are_more() -> None:
    assert len(mistakes(state(1, 2, 3))) == 3
    told = mistakes(state(1, 2, 3, 4))
    assert told[2] == "the state of orders_report cannot be read: partitions[2] is not an object, and more"


# Partitions


@pytest.mark.parametrize(
    "context",
    [
        *(..., None, [], {}, {"seller_id": ""}, {"seller_id": 7}, {"warehouse_id": "del"}),
        *({"seller_id": "a", "x": "b"}, {"seller_id": "acme", "warehouse_id": None}),
    ],
)
def test_a_context_names_a_seller_and_perhaps_a_warehouse(context: object) -> None:
    assert mistakes_of(context=context) == [
        ".context is not an object of seller_id, and of warehouse_id where the report type has one"
    ]


def test_a_context_without_a_warehouse_is_taken() -> None:
    assert mistakes_of(context={"seller_id": "acme"}) == []


def test_two_partitions_of_a_seller_are_refused_and_those_of_two_warehouses_are_not() -> None:
    other = {"context": {"seller_id": "acme", "warehouse_id": "blr"}}
    whole = {"context": {"seller_id": "acme"}}
    assert mistakes(state(PARTITION, other, whole)) == []
    swapped = {"context": {"warehouse_id": "del", "seller_id": "acme"}}
    told = (
        "the state of orders_report cannot be read: partitions[2] is of a seller that has another partition in the list"
    )
    assert mistakes(state(PARTITION, other, swapped)) == [told]
    unnamed = {"context": {"seller_id": ""}}
    assert not any("another partition" in mistake for mistake in mistakes(state(unnamed, unnamed)))


@pytest.mark.parametrize("value", ["2026-13-01", "20.10.2026", 20261020, ["2026-10-20"], "1969-12-31", "2200-01-01"])
def test_a_bookmark_is_a_day_that_sums_of_days_can_reach(value: object) -> None:
    assert mistakes_of(replication_key_value=value) == [".replication_key_value is not a day"]


@pytest.mark.parametrize("value", ["1970-01-01", "2199-12-31", "2026-10-20T00:00:00+00:00"])
def test_a_bookmark_may_be_a_time_stamp(value: str) -> None:
    assert mistakes_of(replication_key_value=value) == []


@pytest.mark.parametrize(
    ("windows", "told"),
    [
        ("x", " is not a list"),
        ({"x": 1}, " is not a list"),
        ([["2026-10-01", "2026-10-02"], "x"], "[1]"),
        ([["2026-10-01"]], "[0]"),
        ([["2026-10-01", "2026-10-02", "2026-10-03"]], "[0]"),
        ([{"2026-10-01": 1, "2026-10-02": 2}], "[0]"),
        ([["2026-10-02", "2026-10-01"]], "[0]"),
        ([["x", "2026-10-01"]], "[0]"),
        ([["2026-10-01", "x"]], "[0]"),
    ],
)
def test_windows_are_pairs_of_days_in_order(windows: object, told: str) -> None:
    told += "" if told == " is not a list" else " is not a pair of days, the first not after the last"
    assert mistakes_of(finished=windows) == [f".finished{told}"]
    assert mistakes_of(unbought=windows) == [f".unbought{told}"]
    assert mistakes_of(reread={"newest": "2026-10-25", "windows": windows}) == [f".reread.windows{told}"]


@pytest.mark.parametrize("reread", ["x", ["2026-10-25"], {"windows": []}, {"newest": "x", "windows": []}])
def test_what_is_read_again_has_the_day_of_its_run(reread: object) -> None:
    assert mistakes_of(reread=reread) == [".reread is not an object with the day `newest`"]


@pytest.mark.parametrize("markers", [None, [], "x"])
def test_markers_of_progress_are_an_object(markers: object) -> None:
    assert mistakes_of(progress_markers=...) == []
    assert mistakes_of(progress_markers=markers) == [".progress_markers is not an object"]


@pytest.mark.parametrize(
    ("pending", "told"),
    [
        ("x", " is not a list"),
        ({"x": 1}, " is not a list"),
        (["x"], "[0] is not an object"),
        ([REPORT, {**REPORT, "report_id": 7}], "[1].report_id is not a report id"),
        ([{**REPORT, "report_id": ""}], "[0].report_id is not a report id"),
        ([{**REPORT, "report_id": "R" * 256}], "[0].report_id is not a report id"),
        ([{**REPORT, "digest": None}], "[0].digest is not a text"),
        ([{**REPORT, "from_date": "2026-10-06"}], "[0] has no from_date and to_date in order"),
        ([{**REPORT, "from_date": None}], "[0] has no from_date and to_date in order"),
        ([{**REPORT, "to_date": None}], "[0] has no from_date and to_date in order"),
    ],
)
def test_a_pending_report_has_an_id_a_digest_and_days_in_order(pending: object, told: str) -> None:
    assert mistakes_of(pending=pending) == [f".pending{told}"]


def test_a_pending_report_after_one_that_cannot_be_read_is_looked_at_too() -> None:
    assert mistakes_of(pending=["x", {**REPORT, "report_id": 7}]) == [
        ".pending[0] is not an object",
        ".pending[1].report_id is not a report id",
    ]


def test_the_longest_report_id_and_a_window_of_one_day_are_taken() -> None:
    one_day = [["2026-10-01T12:00:00", "2026-10-01"], ["2026-10-02", "2026-10-02T00:00:00"]]
    assert mistakes_of(finished=[*one_day, ["2026-10-03T12:00:00", "2026-10-03T00:00:00"]]) == []
    assert mistakes_of(pending=[{**REPORT, "report_id": "R"}]) == []
    assert mistakes_of(pending=[{**REPORT, "report_id": "R" * 255, "to_date": "2026-10-01"}]) == []


# Sellers


def test_sellers_are_those_of_the_streams_that_are_read() -> None:
    document = state(PARTITION, {"context": {"seller_id": "bose"}})
    document["bookmarks"]["of_old"] = {"partitions": [{"context": {"seller_id": "cipla"}}]}
    document["bookmarks"]["sales_ledger"] = {}
    assert sellers_of(document, streams={"orders_report", "sales_ledger"}) == {"acme", "bose"}
    assert sellers_of({}, streams={"orders_report"}) == set()


def test_a_seller_that_only_the_state_knows_is_reported_with_those_that_are_new() -> None:
    assert unknown_sellers({"acme"}, {"acme", "bose"}) is None
    told = unknown_sellers({"dabur", "acme", "cipla"}, {"emami", "bose", "acme"})
    assert told == (
        "The state has bookmarks of cipla, dabur, which the settings do not name: nothing is requested there. If a "
        "seller was renamed, rename it in the state too, or all its days are bought again (new in the settings: bose, "
        "emami)."
    )
    without_new = unknown_sellers({"acme", "cipla"}, {"acme"})
    assert without_new is not None
    assert without_new.endswith("all its days are bought again.")


# Doubts


def doubts_of(document: dict[str, Any]) -> list[str]:
    streams = {"orders_report", "sales_ledger"}
    return list(state_doubts(document, streams=streams, sellers={"acme"}, today=date(2026, 10, 20)))


def test_a_state_of_the_tap_and_its_sellers_leaves_no_doubt() -> None:
    assert doubts_of({}) == doubts_of(state(PARTITION)) == doubts_of(state({"context": {"seller_id": "acme"}})) == []


def test_bookmarks_of_no_stream_are_reported() -> None:
    document = {"bookmarks": {**state(PARTITION)["bookmarks"], "orders": {}, "customers": {}}}
    (told,) = doubts_of(document)
    assert told.startswith("The state has bookmarks of customers, orders, which no stream of these settings is:")
    assert told.endswith("or all its days are bought again.")


def test_a_bookmark_in_the_future_is_reported_because_nothing_is_requested_before() -> None:
    ahead = [{**PARTITION, "replication_key_value": day} for day in ("2026-10-21", "2036-01-01T00:00:00")]
    beginning = "The state says that orders_report of seller acme is loaded up to 2026-10-21, which is in the future"
    assert doubts_of(state(ahead[0])) == [
        f"{beginning}: nothing is requested there until then; correct the day in the state."
    ]
    assert doubts_of(state(*ahead))[0].startswith(f"{beginning}, and 1 more are ahead too:")
    assert doubts_of(state(PARTITION, {"context": {"seller_id": "dabur"}}))[0].startswith(
        "The state has bookmarks of da"
    )


# Meltano's select


@pytest.mark.parametrize("text", [None, "", "[]", "no json", '{"orders.*": 1}', "[1, null]"])
def test_without_rules_everything_is_selected(text: str | None) -> None:
    rules = SelectRules.parse(text)
    assert rules == SelectRules()
    assert rules.selects("orders_report", "new_column")
    assert rules.selects_stream("orders_report")


def test_a_column_has_to_match_a_rule_and_none_that_leaves_it_out() -> None:
    rules = SelectRules.parse('["orders_*.*", "sales_ledger.order_id", "!*.secret_*", "!orders_old.*", 7]')
    assert rules.included == (("orders_*", "*"), ("sales_ledger", "order_id"))
    assert rules.excluded == (("*", "secret_*"), ("orders_old", "*"))
    assert rules.selects("orders_report", "any")
    assert not rules.selects("orders_report", "secret_note")
    assert rules.selects("sales_ledger", "order_id")
    assert not rules.selects("sales_ledger", "price")
    assert not rules.selects("returns_report", "order_id")
    assert [rules.selects_stream(name) for name in ("orders_report", "sales_ledger", "returns_report")] == [
        True,
        True,
        False,
    ]
    assert not rules.selects_stream("orders_old")


def test_a_rule_without_a_column_is_of_all_and_a_dot_in_a_name_is_escaped() -> None:
    rules = SelectRules.parse(r'["a\\.b.c.d", "orders"]')
    assert rules.included == (("a.b", "c.d"), ("orders", "*"))
    assert rules.selects("a.b", "c.d")
    assert rules.selects("orders", "any")
