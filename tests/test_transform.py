"""The models of `transform/` over what the tap has loaded into DuckDB and PostgreSQL: the simulator's own books.

DuckDB holds one run, in which a payout is not a payout yet. PostgreSQL has only appended two runs, the second of which
has read the days of the first again and found the payout: so it holds older versions of rows, and the same money twice.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from psycopg.rows import dict_row
from support import staging_models
from support.access import access_to
from support.books import Books
from support.clocks import VirtualClock
from support.programs import ROOT, TARGETS_PYTHON, install, succeed
from support.targets import DuckDB, PostgreSQL, Target

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.simulator import Faults, Simulator
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from support.postgres import Postgres
    from support.truth import Record

pytestmark = pytest.mark.timeout(600)  # the first test waits for all loads and builds, beside other tests

TRANSFORM = ROOT / "transform"
SELLERS = ("acme", "bharat")
PER_DAY = 3
WAREHOUSE = "blr_wfld"
START = "2026-09-01"
FIRST_RUN_UNTIL = "2026-11-09"
OCTOBER = {"from_date": "2026-10-01", "to_date": "2026-10-31"}
NOVEMBER_12 = datetime(2026, 11, 12, 6, 0, tzinfo=timezone.utc)
STREAMS = re.compile(
    "orders_report|returns_report|sales_ledger|gst_returns_report.*|stock_ledger|current_inventory_report"
    "|(settled_transaction|financial_year)_ledger(?!_gst_details).*"
)
"""Those that marts read. The tables of the others are not there, which must not keep a model from being built."""

REPORT_TYPES: dict[str, dict[str, Any]] = {
    "settled_transaction_ledger": {"lookback_days": 40},
    "sales_ledger": {"lookback_days": 10},
}
CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Models:
    """What dbt has made of a warehouse.

    Attributes:
        tables: rows of each mart.
        statuses: how each model and test has ended.
        printed: what dbt said.
        books: what the marts have to come to, by seller.
    """

    tables: dict[str, list[Record]]
    statuses: dict[str, str]
    printed: str
    books: dict[str, Books]

    def rows(self, mart: str, seller_id: str) -> list[Record]:
        return [row for row in self.tables[mart] if row["seller_id"] == seller_id]


class Loading:
    """Runs of the tap in virtual time, whose output is kept for several targets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = VirtualClock(NOVEMBER_12)
        self.simulator = self._serve()
        self.state: dict[str, Any] = {}

    def _serve(self, *faults: dict[str, Any]) -> Simulator:
        return Simulator(
            now=self.clock.now, orders_per_day=PER_DAY, file_format="xlsx", faults=Faults.parse(list(faults))
        ).start()

    def restart(self, *faults: dict[str, Any]) -> None:
        self.simulator.stop()
        self.simulator = self._serve(*faults)

    def run(self) -> Path:
        """One run of the tap from the state of the one before; a file with what it wrote."""
        config = {
            **access_to(self.simulator, *SELLERS),
            "warehouse_ids": [WAREHOUSE],
            "start_date": START,
            "window_days": 100,
            "hold_back_days": 2,
            "report_types": REPORT_TYPES,
        }
        catalog = json.loads(TapFlipkartReports(config=config).catalog_json_text)
        for entry in catalog["streams"]:
            for metadata in entry["metadata"]:
                if not metadata["breadcrumb"]:
                    metadata["metadata"]["selected"] = STREAMS.fullmatch(entry["tap_stream_id"]) is not None
        tap = TapFlipkartReports(config=config, catalog=catalog, state=self.state)
        tap.clock = self.clock
        tap.workers = 0
        lines = self.folder / f"{len(self.simulator.triggers)}-{self.clock.now():%d}.jsonl"
        with lines.open("w", encoding="utf-8") as file, redirect_stdout(file):
            tap.run()
        states = [line for line in lines.read_text(encoding="utf-8").splitlines() if line.startswith('{"type":"STATE"')]
        self.state = json.loads(states[-1])["value"]
        return lines

    def books(self, provisional: frozenset[str] = frozenset()) -> dict[str, Books]:
        """The sellers' books over all days that have been asked for so far."""
        days = [
            date.fromisoformat(trigger.parameters["to_date"])
            for trigger in self.simulator.triggers
            if trigger.identifier == "sales_ledger"
        ]
        return {
            seller_id: Books(
                simulator=self.simulator,
                seller_id=seller_id,
                first=date.fromisoformat(START),
                last=max(days),
                closed=self.clock.now().astimezone(KOLKATA),
                per_day=PER_DAY,
                provisional=provisional,
            )
            for seller_id in SELLERS
        }


def newest_settled(simulator: Simulator) -> tuple[int, str]:
    """The row, from 1, and the item of what the first run's ledger of the first seller has paid for last."""
    days = {"from_date": START, "to_date": FIRST_RUN_UNTIL}
    rows = simulator.rows("settled_transaction_ledger", SELLERS[0], days)
    newest = max(range(len(rows)), key=lambda number: rows[number][" Payment Date"])
    return newest + 1, rows[newest]["Order item ID"]


def build(folder: Path, dbt: Path, adapter: str, **environment: str) -> tuple[str, dict[str, str]]:
    """Build and test all models; what dbt said, and how each has ended."""
    printed = succeed(
        [dbt, "build", "--project-dir", TRANSFORM, "--profiles-dir", TRANSFORM],
        env={
            "DBT_TARGET": adapter,
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            **environment,
        },
    )
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    return printed, {result["unique_id"].split(".")[2]: result["status"] for result in results}


READ_DUCKDB = """
import duckdb, json, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for mart in sys.argv[2:]:
        rows = connection.execute(f"select * from flipkart_models.{mart}")
        names = [column[0] for column in rows.description]
        print(json.dumps([mart, [dict(zip(names, row)) for row in rows.fetchall()]], default=str))
"""


def in_duckdb(python: Path, warehouse: Path) -> dict[str, list[Record]]:
    lines = succeed([python, "-c", READ_DUCKDB, warehouse, *MARTS]).splitlines()
    return dict(json.loads(line) for line in lines)


def in_postgres(url: str) -> dict[str, list[Record]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return {
            mart: connection.execute(f"select * from flipkart_models.{mart}").fetchall()  # noqa: S608 - our names
            for mart in MARTS
        }


def load(target: Target, lines: Path) -> None:
    with lines.open(encoding="utf-8") as file:
        succeed(target.command, stdin=file)


MARTS = sorted(path.stem for path in (TRANSFORM / "models" / "marts").glob("*.sql"))


def modelled_in_duckdb(folder: Path, dbt: Path, lines: Path, books: dict[str, Books]) -> Models:
    """The models over one load into DuckDB."""
    target = DuckDB(DuckDB.install(folder / "programs"), folder, no_database)
    load(target, lines)
    warehouse = folder / "warehouse.duckdb"
    printed, statuses = build(folder, dbt / "dbt", "duckdb", DBT_DUCKDB_PATH=str(warehouse))
    return Models(tables=in_duckdb(dbt / "python", warehouse), statuses=statuses, printed=printed, books=books)


def modelled_in_postgres(folder: Path, dbt: Path, runs: Iterable[Path], books: dict[str, Books], url: str) -> Models:
    """The models over loads that PostgreSQL has only appended."""
    target = PostgreSQL(PostgreSQL.install(folder / "programs"), folder, lambda: url)
    target.set(load_method="append-only")
    for lines in runs:
        load(target, lines)
    address = urlsplit(url)
    printed, statuses = build(
        folder,
        dbt / "dbt",
        "postgres",
        PGHOST=str(address.hostname),
        PGPORT=str(address.port),
        PGUSER=str(address.username),
        PGPASSWORD=str(address.password),
        PGDATABASE=address.path[1:],
    )
    return Models(tables=in_postgres(url), statuses=statuses, printed=printed, books=books)


def no_database() -> str:
    raise AssertionError("DuckDB is a file")


@pytest.fixture(scope="module")
def modelled(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[dict[str, Models]]:
    """The models in DuckDB after the first run, in PostgreSQL after both."""
    folder = tmp_path_factory.mktemp("transform")
    for warehouse in ("duckdb", "postgres"):
        (folder / warehouse).mkdir()
    utilities = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["utilities"]
    dbt = install(
        folder / "dbt",
        *{requirement for utility in utilities for requirement in utility["pip_url"].split()},
        python=TARGETS_PYTHON,
    )
    loading = Loading(folder)
    number, item = newest_settled(loading.simulator)
    loading.restart(
        {
            "fault": "bad_cell",
            "identifier": "settled_transaction_ledger",
            "seller_id": SELLERS[0],
            "header": "NEFT ID",
            "text": "DISBURSEMENT_CREATED ",
            "row": number,
        },
        {"fault": "duplicate_rows", "identifier": "orders_report", "seller_id": SELLERS[0]},
    )
    first, first_books = loading.run(), loading.books(frozenset({item}))
    loading.clock.advance(timedelta(days=3).total_seconds())
    runs, books = (first, loading.run()), loading.books()
    with ThreadPoolExecutor(2) as pool:
        in_both = {
            "duckdb": pool.submit(modelled_in_duckdb, folder / "duckdb", dbt, first, first_books),
            "postgres": pool.submit(
                modelled_in_postgres, folder / "postgres", dbt, runs, books, postgres.new_database()
            ),
        }
        models = {warehouse: future.result() for warehouse, future in in_both.items()}
    yield models
    loading.simulator.stop()


each_warehouse = pytest.mark.parametrize("warehouse", ["duckdb", "postgres"])


def money(value: Any) -> Decimal:
    """An amount of a mart, which has two decimals in every warehouse."""
    return Decimal(str(value)).quantize(Decimal("0.01"))


def cents(values: dict[Any, Decimal]) -> dict[Any, Decimal]:
    return {key: money(value) for key, value in values.items()}


@each_warehouse
def test_every_model_is_built_and_every_test_of_dbt_passes(modelled: dict[str, Models], warehouse: str) -> None:
    models = modelled[warehouse]
    odd = {name: status for name, status in models.statuses.items() if status not in {"success", "pass"}}
    # The financial year's ledger knows the payout that the other one calls a disbursement.
    assert odd == ({"payouts_are_those_of_the_financial_year": "warn"} if warehouse == "duckdb" else {})
    assert {f"stg_{stream}" for stream in ("sales_ledger", "settled_transaction_ledger_gst_details")} <= set(
        models.statuses
    )


@each_warehouse
def test_sellers_have_sold_and_been_paid_what_the_books_say_and_the_run_prints_it(
    modelled: dict[str, Models], warehouse: str
) -> None:
    models = modelled[warehouse]
    for seller_id, books in models.books.items():
        (row,) = models.rows("flipkart__sellers", seller_id)
        answer = [money(row[f"{name}_amount"]) for name in ("sold", "returned", "settled", "outstanding", "under_way")]
        expected = [
            books.sold,
            books.returned,
            sum(books.payouts().values(), Decimal(0)),
            sum(books.outstanding.values(), Decimal(0)),
            books.under_way,
        ]
        assert answer == [money(value) for value in expected]
        assert min(answer[:4]) > 0
        printed = [line.split() for line in models.printed.splitlines() if line.startswith(f"{seller_id} ")]
        assert printed == [[seller_id, *(f"{value:,}" for value in answer[:4])]]
    assert (warehouse == "duckdb") == any(books.under_way for books in models.books.values())


@each_warehouse
def test_each_payout_is_the_sum_of_all_sheets_and_the_financial_year_says_the_same(
    modelled: dict[str, Models], warehouse: str
) -> None:
    models = modelled[warehouse]
    for seller_id, books in models.books.items():
        rows = models.rows("flipkart__payouts", seller_id)
        paid = {row["neft_id"]: row for row in rows if not row["is_provisional"]}
        assert {neft_id: money(row["settlement_value"]) for neft_id, row in paid.items()} == cents(books.payouts())
        assert {money(row["unexplained_value"]) for row in rows} == {money(0)}
        differences = sum(money(row["financial_year_difference"]) for row in paid.values())
        assert differences == -books.under_way
        provisional = [money(row["settlement_value"]) for row in rows if row["is_provisional"]]
        assert provisional == [books.under_way] * len(provisional)


@each_warehouse
def test_fees_are_those_of_the_settlements_by_kind_and_month(modelled: dict[str, Models], warehouse: str) -> None:
    models = modelled[warehouse]
    for seller_id, books in models.books.items():
        expected = books.order_fees()
        kinds = {kind for _, kind in expected}
        rows = models.rows("flipkart__fees", seller_id)
        fees = {(str(row["month"]), row["fee_kind"]): money(row["amount"]) for row in rows if row["fee_kind"] in kinds}
        assert fees == cents(expected)
        others = sum(money(row["amount"]) for row in rows if row["fee_kind"] not in kinds)
        of_orders = sum((settlement.bank_value for settlement in books.settlements), Decimal(0))
        protection = sum(money(row["protection_value"]) for row in models.rows("flipkart__payouts", seller_id))
        assert others == money(sum(books.payouts().values(), Decimal(0)) - of_orders - protection)


@each_warehouse
def test_gst_by_state_and_rate_is_the_sales_and_the_returns_agree(modelled: dict[str, Models], warehouse: str) -> None:
    models = modelled[warehouse]
    for seller_id, books in models.books.items():
        rows = {
            (str(row["month"]), row["state"], row["is_intra_state"], Decimal(str(row["gst_rate"]))): row
            for row in models.rows("flipkart__gst", seller_id)
        }
        ledger = {
            key: tuple(money(row[f"ledger_{name}"]) for name in ("taxable_value", "igst", "cgst", "sgst"))
            for key, row in rows.items()
        }
        assert {key: sums for key, sums in ledger.items() if any(sums)} == books.gst()
        assert {key[0] for key, row in rows.items() if row["is_in_both"]} == {"2026-09-01", "2026-10-01"}
        differences = {
            (money(row["taxable_value_difference"]), money(row["gst_difference"]))
            for row in rows.values()
            if row["is_in_both"]
        }
        assert differences == {(money(0), money(0))}
        business = sum(money(row["business_taxable_value"]) for row in rows.values())
        assert business == sum(sign * order.taxable for order, sign in books.documents() if order.is_bulk) > 0
        amended = sum(money(row["amended_taxable_value"]) for key, row in rows.items() if key[0] == "2026-10-01")
        assert amended == sum(books.amendments(OCTOBER), Decimal(0)) > 0


@each_warehouse
def test_orders_are_where_their_life_has_brought_them(modelled: dict[str, Models], warehouse: str) -> None:
    models = modelled[warehouse]
    for seller_id, books in models.books.items():
        rows = {row["order_item_id"]: row for row in models.rows("flipkart__orders", seller_id)}
        expected = books.stages()
        stages = {item: row["stage"] for item, row in rows.items() if row["ordered_on"] is not None}
        assert stages == expected
        assert {"cancelled", "paid", "refunded", "delivered"} <= set(stages.values())
        days = {item: str(row["ordered_on"]) for item, row in rows.items() if row["ordered_on"] is not None}
        assert days == {order.item_id: str(order.placed.date()) for order in books.orders if order.item_id in expected}
        settled = {item: money(row["settled_value"]) for item, row in rows.items() if money(row["settled_value"])}
        values = dict.fromkeys(settled, Decimal(0))
        for settlement in books.settlements:
            values[settlement.order.item_id] += settlement.bank_value
        for rebate in books.sheet("MP Fee Rebate"):
            values[rebate["Order item ID"]] += Decimal(rebate["Settlement Value (Rs.)"])
        assert settled == values
        assert sum(row["is_provisional"] for row in rows.values()) == len(books.provisional & set(rows))


@each_warehouse
def test_rows_that_a_later_report_lacks_no_longer_count(modelled: dict[str, Models], warehouse: str) -> None:
    models = modelled[warehouse]
    books = models.books[SELLERS[0]]
    units = {row["order_item_id"]: int(row["ordered_units"]) for row in models.rows("flipkart__orders", SELLERS[0])}
    since = NOVEMBER_12.date() - timedelta(days=20)  # read again by the second run, without the repeated rows
    orders = [order for order in books.orders if books.is_placed(order) and order.placed.date() >= since]
    times = 2 if warehouse == "duckdb" else 1
    assert {order.item_id: units[order.item_id] for order in orders} == {
        order.item_id: order.quantity * times for order in orders
    }


@each_warehouse
def test_outstanding_is_what_no_true_payout_has_settled(modelled: dict[str, Models], warehouse: str) -> None:
    models = modelled[warehouse]
    for seller_id, books in models.books.items():
        rows = models.rows("flipkart__outstanding", seller_id)
        outstanding = {
            (row["order_item_id"], 1 if row["is_sale"] else -1): money(row["outstanding_amount"]) for row in rows
        }
        assert outstanding == books.outstanding
        provisional = {row["order_item_id"] for row in rows if row["is_provisional"]}
        assert provisional <= books.provisional


@each_warehouse
def test_stock_by_warehouse_and_day_is_what_the_reports_list(modelled: dict[str, Models], warehouse: str) -> None:
    models = modelled[warehouse]
    for seller_id, books in models.books.items():
        days = {"from_date": START, "to_date": books.last.isoformat(), "warehouse_id": WAREHOUSE}
        closing: dict[tuple[str, str], int] = {}
        for row in books.simulator.rows("stock_ledger", seller_id, days):
            day = datetime.strptime(row["Date"], "%d-%m-%Y").date().isoformat()  # noqa: DTZ007 - a day
            closing[WAREHOUSE, day] = closing.get((WAREHOUSE, day), 0) + int(row["Closing Stock"])
        rows = models.rows("flipkart__stock", seller_id)
        stock = {
            (row["warehouse_id"], str(row["day"])): row["closing_units"]
            for row in rows
            if row["closing_units"] is not None
        }
        assert stock == closing
        live: dict[str, int] = {}
        for row in books.simulator.rows("current_inventory_report", seller_id, {}, as_of=books.closed):
            live[row["Warehouse Id"]] = live.get(row["Warehouse Id"], 0) + int(row["Live on Website"])
        newest = max(str(row["day"]) for row in rows)
        assert {row["warehouse_id"]: row["live_units"] for row in rows if str(row["day"]) == newest} == live


# What the package says of itself


def test_the_staging_models_are_made_from_the_schemas() -> None:
    made = staging_models.files()
    assert {path: path.read_text(encoding="utf-8") for path in made} == made, "run: uv run just made"
    assert {path for path in made if path.suffix == ".sql"} >= set(staging_models.FOLDER.glob("*.sql"))


def models_of(folder: str) -> Iterable[dict[str, Any]]:
    (path,) = (TRANSFORM / "models" / folder).glob("*.yml")
    described = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    assert {model["name"] for model in described} == {path.stem for path in path.parent.glob("*.sql")}
    yield from described


@pytest.mark.parametrize("folder", ["intermediate", "marts"])
def test_every_model_names_its_grain_and_tests_it(folder: str) -> None:
    for model in models_of(folder):
        (grain,) = [
            test["unique_grain"]["arguments"]["columns"] for test in model["data_tests"] if "unique_grain" in test
        ]
        assert f"{', '.join(grain)}" in " ".join(model["description"].split())
