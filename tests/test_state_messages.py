"""STATE messages: how many and how large they are, whatever the number of sellers, and that the last is complete."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clocks import SlowReadingClock

from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.purchasing.partition_key import PartitionKey
from tap_flipkart_reports.sync.partition_state import PartitionStates
from tap_flipkart_reports.sync.state_spacing import MAX_SHARE, MIN_SECONDS, StateSpacing

if TYPE_CHECKING:
    from pathlib import Path

    from support.bench import Bench, Output


@pytest.fixture
def sellers(bench: Bench) -> list[dict[str, str]]:
    return [bench.seller(f"seller-{number:03}") for number in range(30)]


def state_sizes(output: Output) -> list[int]:
    return [len(json.dumps(line)) for line in output.lines if line["type"] == "STATE"]


def test_with_a_ledger_states_of_many_sellers_stay_below_a_tenth_of_the_output(
    bench: Bench, tmp_path: Path, sellers: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.restart(generation_seconds=(0.0, 0.0))
    monkeypatch.setattr(bench, "clock", SystemClock())  # a ledger's lease needs a time that does not jump
    ledger = f"sqlite:///{tmp_path}/ledger.db"
    output = bench.run(
        "sales_ledger", sellers=sellers, window_days=10, report_ledger=ledger, confirm_reports=60, poll_interval=0.01
    )
    assert output.error is None
    sizes = state_sizes(output)
    everything = sum(len(json.dumps(line, default=str)) for line in output.lines)
    assert sum(sizes[:-1]) < 0.1 * everything  # the last one is written in any case
    partitions = output.state["bookmarks"]["sales_ledger"]["partitions"]
    assert len(partitions) == len(sellers)
    assert {partition["replication_key_value"] for partition in partitions} == {"2026-10-20"}


def test_without_a_ledger_a_purchase_is_in_a_state_before_anything_else_happens(bench: Bench) -> None:
    bench.restart(generation_seconds=(0.0, 0.0))
    output = bench.run("sales_ledger", window_days=5, max_concurrent_reports=1)
    known: set[str] = set()
    for line in output.lines:
        if line["type"] == "STATE":
            for partition in line["value"]["bookmarks"]["sales_ledger"].get("partitions", ()):
                known |= {report["report_id"] for report in partition.get("pending", ())}
        elif line["type"] == "RECORD":
            assert line["record"]["report_id"] in known


def test_a_state_knows_all_reports_of_a_partition_that_are_bought_and_not_yet_read(bench: Bench) -> None:
    bench.restart({"fault": "never", "every": 1})
    output = bench.run("sales_ledger", window_days=5, max_wait=60)
    known = [report["report_id"] for report in output.partition("sales_ledger")["pending"]]
    assert known == [trigger.report_id for trigger in bench.simulator.triggers]
    assert len(known) == 4


def test_a_window_is_in_a_state_before_the_rows_of_the_next_where_states_are_due(bench: Bench, tmp_path: Path) -> None:
    bench.clock = SlowReadingClock()
    bench.restart()
    output = bench.run("sales_ledger", window_days=5, report_ledger=f"sqlite:///{tmp_path}/ledger.db")
    read: list[str] = []
    known_as_read: set[str] = set()
    for line in output.lines:
        if line["type"] == "RECORD" and line["record"]["report_id"] not in read:
            assert known_as_read >= set(read)
            read.append(line["record"]["report_id"])
        elif line["type"] == "STATE":
            (partition,) = line["value"]["bookmarks"]["sales_ledger"].get("partitions") or [{}]
            known_as_read = set(read) - {report["report_id"] for report in partition.get("pending", ())}
    assert len(read) == 4


def test_a_large_state_of_sellers_that_are_gone_is_not_written_for_every_window(bench: Bench, tmp_path: Path) -> None:
    gone = [
        {
            "context": {"seller_id": f"gone-{number}"},
            "replication_key": "report_to_date",
            "replication_key_value": "2025-01-31",
        }
        for number in range(4_000)
    ]
    state = {"bookmarks": {"sales_ledger": {"partitions": gone}}}
    output = bench.run("sales_ledger", state=state, window_days=1, report_ledger=f"sqlite:///{tmp_path}/ledger.db")
    assert output.error is None
    assert len(output.states) == 2  # as it came in, and as it is at the end
    assert len(output.state["bookmarks"]["sales_ledger"]["partitions"]) == 4_001


def test_a_partition_with_nothing_to_say_is_not_in_the_state(bench: Bench, sellers: list[dict[str, str]]) -> None:
    output = bench.run("sales_ledger", sellers=sellers[:3], max_reports=1)
    assert [each["context"]["seller_id"] for each in output.state["bookmarks"]["sales_ledger"]["partitions"]] == [
        "seller-000",
        "seller-001",
        "seller-002",
    ]  # the first was read, the others are left over
    output = bench.run("sales_ledger", sellers=sellers[:3], start_date="2026-12-01", end_date="2026-12-02")
    assert output.state["bookmarks"]["sales_ledger"].get("partitions", []) == []


# One by one


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 2_000), st.floats(0, 3)), max_size=60))
def test_states_keep_to_their_share_and_their_distance(steps: list[tuple[int, int, float]]) -> None:
    now, others, states = 0.0, 0, []
    spacing = StateSpacing(lambda: now)
    for other, size, seconds in steps:
        spacing.count_bytes(other)
        others += other
        if spacing.is_due:
            spacing.count_state(size)
            states.append((now, size))
        now += seconds
    assert all(later - earlier >= MIN_SECONDS for (earlier, _), (later, _) in pairwise(states))
    known = sum(size for _, size in states[:-1])  # the size of the last is only known when it is written
    assert len(states) < 2 or known <= MAX_SHARE * (others + known) + states[0][1] or known == states[0][1]


def test_a_state_leaves_room_for_the_one_at_the_end_of_the_run() -> None:
    now = 0.0
    spacing = StateSpacing(lambda: now)
    spacing.count_state(100)
    now = MIN_SECONDS
    spacing.count_bytes(2_699)
    assert not spacing.is_due
    spacing.count_bytes(1)  # with one more and the last, 300 of 3,000 bytes
    assert spacing.is_due


def states_of(stream_state: dict[str, Any]) -> PartitionStates:
    return PartitionStates(stream="sales", stream_state=lambda: stream_state, finalize=lambda _member: None)


def test_a_partition_is_found_by_its_key_whatever_else_is_in_the_state() -> None:
    class Counted(dict[str, Any]):
        looks = 0

        def __getitem__(self, key: str) -> Any:
            Counted.looks += key == "context"
            return super().__getitem__(key)

    members = [
        Counted(context={"seller_id": f"s{number}"}, replication_key_value="2026-01-31") for number in range(1000)
    ]
    states = states_of({"partitions": members})
    for number in range(1000):
        assert states[PartitionKey(f"s{number}")].coverage().bookmark is not None
    assert Counted.looks == 1000


def test_a_member_comes_into_the_state_with_its_first_word_and_leaves_it_with_its_last() -> None:
    stream_state: dict[str, Any] = {}
    state = states_of(stream_state)[PartitionKey("acme", "del")]
    assert stream_state == {}
    state.forget("R-1")
    assert stream_state == {}
    state.member["note"] = "kept"
    state.forget("R-1")
    assert stream_state == {"partitions": [{"context": {"seller_id": "acme", "warehouse_id": "del"}, "note": "kept"}]}
    del state.member["note"]
    state.forget("R-1")
    assert stream_state == {"partitions": []}


@pytest.mark.parametrize(
    "partitions", [[{}], [None], ["acme"], 7, [{"context": None}], [{"context": {"seller_id": "acme"}}] * 2]
)
def test_a_broken_list_of_partitions_is_named_with_the_stream(partitions: object) -> None:
    with pytest.raises(SettingsError, match=r"the state of sales, .*acme"):
        _ = states_of({"partitions": partitions})[PartitionKey("acme")]
