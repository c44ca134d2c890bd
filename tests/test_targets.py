"""The tap by pipe into four targets that people use: what arrives is the simulator's truth, cell by cell."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support.programs import ROOT, TAP, succeed
from support.targets import TARGETS, DuckDB, PostgreSQL, Target
from support.truth import TABLES, Record, differences, records

from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.postgres import Postgres

NOVEMBER_12 = datetime(2026, 11, 12, 6, 0, tzinfo=timezone.utc)
EMPTY = "unsellable_inventory_report"
WORKBOOKS = ("sales_ledger", "settled_transaction_ledger")
"""Report types whose files hold all their tables here; the others are CSV, which holds the first."""


@dataclass(kw_only=True)
class Source:
    """The tap's settings, and the API as it finds it.

    Attributes:
        now: what time it is for the API; the tap lives in the machine's own time.
        faults: what goes wrong.
    """

    folder: Path
    now: datetime = NOVEMBER_12
    faults: list[dict[str, Any]] = field(default_factory=list)
    simulator: Simulator = field(init=False)

    def serve(self, *faults: dict[str, Any]) -> Simulator:
        self.simulator = Simulator(
            now=lambda: self.now,
            faults=Faults.parse(list(faults)),
            orders_per_day=4,
            file_format=dict.fromkeys(WORKBOOKS, "xlsx"),
        )
        return self.simulator

    def config(self, **settings: Any) -> dict[str, Any]:
        return {
            "api_url": self.simulator.url,
            "client_id": self.simulator.client_id,
            "client_secret": self.simulator.client_secret,
            "refresh_token": self.simulator.refresh_token("acme"),
            "seller_id": "acme",
            "warehouse_ids": ["blr_wfld"],
            "start_date": "2026-10-05",
            "end_date": "2026-11-10",
            "window_days": 20,
            "poll_interval": 0.02,
            **settings,
        }

    def options(
        self, *streams: str, state: dict[str, Any] | None = None, without: tuple[str, ...] = (), **settings: Any
    ) -> list[str]:
        """The tap's command line for these streams, by default all, `without` some of their columns."""
        config = self.config(**settings)
        documents: dict[str, Any] = {"config": config}
        if streams:
            catalog = json.loads(TapFlipkartReports(config=config).catalog_json_text)
            for entry in catalog["streams"]:
                for metadata in entry["metadata"]:
                    is_stream = metadata["breadcrumb"] == []
                    wanted = entry["tap_stream_id"] in streams
                    metadata["metadata"]["selected"] = (
                        wanted if is_stream else metadata["breadcrumb"][-1] not in without
                    )
            documents["catalog"] = catalog
        if state is not None:
            documents["state"] = state
        options = []
        for name, document in documents.items():
            path = self.folder / f"{name}.json"
            path.write_text(json.dumps(document), encoding="utf-8")
            options += [f"--{name}", str(path)]
        return options


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[type[Target]], Path]:
    """Each target is installed once, when it is first wanted."""
    folder, programs = tmp_path_factory.mktemp("targets"), dict[type[Target], "Path"]()

    def programs_of(kind: type[Target]) -> Path:
        if kind not in programs:
            programs[kind] = kind.install(folder / kind.program)
        return programs[kind]

    return programs_of


@pytest.fixture
def target(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    postgres: Postgres,
    installed: Callable[[type[Target]], Path],
) -> Target:
    kind: type[Target] = request.param
    return kind(installed(kind), tmp_path, postgres.new_database)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    source = Source(folder=tmp_path)
    yield source
    source.simulator.stop()


each_target = pytest.mark.parametrize("target", TARGETS, ids=lambda kind: kind.program, indirect=True)
postgres_only = pytest.mark.parametrize("target", [PostgreSQL], ids=["target-postgres"], indirect=True)


def newest(target: Target, stream: str) -> list[Record]:
    """The rows of a stream; of a target that only appends the last of each key, as a reader of it would take them."""
    rows = target.rows(stream)
    if target.upserts:
        return rows
    report_type, table = TABLES[stream]
    names = report_type.key_properties(table)
    return list({tuple(str(row[name]) for name in names): row for row in rows}.values())


def check(target: Target, simulator: Simulator) -> None:
    """Every cell of every stream is what the simulator says."""
    for stream, (report_type, table) in TABLES.items():
        is_in_the_file = table is report_type.tables[0] or report_type.name in WORKBOOKS
        if stream != EMPTY and is_in_the_file and (truth := records(simulator, stream)):
            assert differences(stream, truth, newest(target, stream)) == [], stream


@each_target
def test_every_cell_arrives_first_and_again_with_changed_orders_and_new_columns(target: Target, source: Source) -> None:
    # Of the two windows the newest is triggered first and delivered last.
    new_column = {"fault": "extra_column", "header": "Carbon Footprint (kg)", "identifier": "orders_report"}
    empty = {"fault": "header_only", "identifier": EMPTY, "every": 1}
    with source.serve(new_column, empty) as simulator:
        state = target.load_from(*source.options(max_concurrent_reports=1))
        check(target, simulator)
        before = {row["order_item_id"]: row for row in newest(target, "orders_report")}
        told = {(str(row["report_from_date"]), bool(row.get("carbon_footprint_kg"))) for row in before.values()}
        assert [has for _, has in sorted(told)] == [False, True]
        assert target.rows(EMPTY) == []
        assert any("मसाला" in row["product_title"] for row in before.values())
        source.now += timedelta(days=3)
        again = target.load_from(*source.options(state=state, end_date="2026-11-13"))
        check(target, simulator)
        after = {row["order_item_id"]: row for row in newest(target, "orders_report")}
        assert set(before) < set(after)
        assert any(row["order_item_status"] != after[item]["order_item_status"] for item, row in before.items())
        assert again is not None
        for stream in ("orders_report", EMPTY):
            (partition,) = again["bookmarks"][stream]["partitions"]
            assert partition["replication_key_value"] == "2026-11-13"


# What the targets make of the types


PAGE = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")
SAMPLES = {
    "text": ("orders_report", "order_id"),
    "amount": ("sales_ledger", "taxable_value"),
    "count": ("orders_report", "quantity"),
    "day": ("sales_ledger", "order_date"),
    "time": ("orders_report", "order_date"),
    "`_unparsed`, `_extra`": ("orders_report", "_unparsed"),
}


@each_target
def test_the_table_of_targets_says_what_the_target_makes_of_each_type(target: Target, source: Source) -> None:
    lines = PAGE.partition("| our type |")[2].splitlines()
    column = [cell.strip().strip("`") for cell in lines[0].split("|")].index(target.program)
    table = {
        (cells := [cell.strip() for cell in line.strip("|").split("|")])[0]: cells[column + 1] for line in lines[2:9]
    }
    bad_cell = {"fault": "bad_cell", "row": 1, "header": "quantity", "text": "many", "identifier": "orders_report"}
    with source.serve(bad_cell):
        target.load_from(*source.options("orders_report", "sales_ledger"))
        measured = {name: target.types(stream)[column] for name, (stream, column) in SAMPLES.items()}
        assert {name: table[name].partition(",")[0] for name in SAMPLES} == measured
        (odd,) = [row for row in target.rows("orders_report") if row["quantity"] in {None, ""}]
        assert "many" in str(odd["_unparsed"])


# The SDK's own ways, into PostgreSQL


@postgres_only
def test_selection_stream_maps_and_flattening_are_heeded(target: Target, source: Source) -> None:
    with source.serve() as simulator:
        target.load_from(
            *source.options(
                "orders_report",
                "sales_ledger",
                without=("product_title", "return_reason"),
                flattening_enabled=True,
                flattening_max_depth=1,
                stream_maps={
                    "sales_ledger": {
                        "__alias__": "sales",
                        "business_name": None,
                        "buyer_invoice_id": "buyer_invoice_id.lower()",
                        "twice": "float(taxable_value) * 2",
                    },
                },
                stream_map_config={},
            )
        )
        orders, sales = target.rows("orders_report"), target.rows("sales")
        assert target.rows("sales_ledger") == target.rows("returns_report") == []
        assert not {"product_title", "return_reason"} & set(orders[0])
        truth = [
            {name: value for name, value in record.items() if name not in {"product_title", "return_reason"}}
            for record in records(simulator, "orders_report")
        ]
        assert differences("orders_report", truth, orders) == []
        assert len(sales) == len(records(simulator, "sales_ledger"))
        assert all(Decimal(str(row["twice"])) == 2 * row["taxable_value"] for row in sales)
        assert all(row["buyer_invoice_id"] == row["buyer_invoice_id"].lower() for row in sales)
        assert "business_name" not in sales[0]


@postgres_only
@pytest.mark.parametrize("encoding", [("jsonl", "gzip"), ("parquet", "none")], ids=["jsonl.gz", "parquet"])
def test_batches_arrive_whole_and_a_new_column_with_them(
    target: Target, source: Source, encoding: tuple[str, str]
) -> None:
    # Of the two windows the newest is triggered first and delivered last.
    new_column = {"fault": "extra_column", "header": "Carbon Footprint (kg)", "identifier": "orders_report"}
    batches = source.folder / "batches"
    batches.mkdir()
    settings: dict[str, Any] = {
        "batch_config": {
            "encoding": {"format": encoding[0], "compression": encoding[1]},
            "storage": {"root": batches.as_uri(), "prefix": "flipkart-"},
            "batch_size": 50,
        }
    }
    streams = ("orders_report", "sales_ledger", "settled_transaction_ledger", "stock_ledger")
    with source.serve(new_column) as simulator:
        state = target.load_from(*source.options(*streams, max_concurrent_reports=1, **settings))
        for stream in streams:
            assert differences(stream, records(simulator, stream), target.rows(stream)) == []
        told = {(row["report_from_date"], bool(row["carbon_footprint_kg"])) for row in target.rows("orders_report")}
        assert [has for _, has in sorted(told)] == [False, True]
        assert any(path.name.startswith("flipkart-") for path in batches.iterdir())
        assert state is not None
        bought = len(simulator.triggers)
        target.load_from(*source.options(*streams, state=state, **settings))
        assert len(simulator.triggers) == bought


def test_no_state_goes_out_before_the_batches_it_speaks_of(source: Source) -> None:
    (source.folder / "batches").mkdir()
    config = {"storage": {"root": (source.folder / "batches").as_uri()}, "batch_size": 7}
    config["encoding"] = {"format": "jsonl", "compression": "gzip"}
    with source.serve() as simulator:
        options = source.options("orders_report", window_days=3, batch_config=config)
        seen, spoken = set[str](), set[str]()
        for line in succeed([*TAP, *options]).splitlines():
            message = json.loads(line)
            for address in message.get("manifest", ()):
                with gzip.open(address.removeprefix("file://"), "rt", encoding="utf-8") as file:
                    seen |= {json.loads(row)["order_item_id"] for row in file}
            if message["type"] == "STATE":
                (partition,) = message["value"]["bookmarks"]["orders_report"]["partitions"]
                spoken |= promised(simulator, partition)
                assert spoken <= seen
        assert spoken == seen


def promised(simulator: Simulator, partition: dict[str, Any]) -> set[str]:
    """The orders that a state says are stored."""
    covered = partition.get("replication_key_value")
    days = {"from_date": "2026-10-05", "to_date": covered}
    rows = simulator.rows("orders_report", "acme", days) if covered else []
    return {row["order_item_id"].removeprefix("OI:") for row in rows}


@pytest.mark.parametrize("target", [DuckDB], ids=["target-duckdb"], indirect=True)
def test_a_target_that_is_killed_continues_from_its_last_state_without_a_row_lost(
    target: Target, source: Source
) -> None:
    target.set(batch_size_rows=10)
    settings: dict[str, Any] = {"window_days": 2, "max_concurrent_reports": 1}
    slow = {"trigger": 0.05, "detail": 0.05, "download": 0.15}  # or all is bought before the target stores anything
    faults = [{"fault": "slow_answer", "call": call, "seconds": seconds, "every": 1} for call, seconds in slow.items()]
    with source.serve(*faults) as simulator:
        state = target.killed_load_from(*source.options("orders_report", **settings), after_states=4)
        (partition,) = state["bookmarks"]["orders_report"]["partitions"]
        assert "2026-10-05" < partition["replication_key_value"] < "2026-11-10"
        stored = {row["order_item_id"] for row in target.rows("orders_report")}
        assert promised(simulator, partition) <= stored
        bought = len(simulator.triggers)
        target.load_from(*source.options("orders_report", state=state, **settings))
        assert differences("orders_report", records(simulator, "orders_report"), target.rows("orders_report")) == []
        again = {trigger.parameters["from_date"] for trigger in simulator.triggers[bought:]}
        assert all(first_day > partition["replication_key_value"] for first_day in again)
