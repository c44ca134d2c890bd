"""The cockpit of many sellers: how large the page is, how long it takes to write, and when a browser first shows it.

    uv run benchmarks/cockpit.py
    uv run benchmarks/cockpit.py --sellers 100,300,1000 --reports 12

Every seller has every report type and stream. A ledger in SQLite, a state and a catalog are made as runs leave them,
without runs, which would take hours; then the command is run as an operator would, and headless Chromium opens its page
from the disk. The times of its paints are those of the browser's own Performance entries, the middle of some openings.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import measured, package_python, table

from tap_flipkart_reports.adapters.ledger import Ledger
from tap_flipkart_reports.clock import SystemClock
from tap_flipkart_reports.purchasing.requests import Reading, ReportRequest
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
NEWEST = date(2026, 10, 30)
SETTINGS = {
    "client_id": "app",
    "client_secret": "secret of the app",
    "start_date": "2026-08-01",
    "end_date": "2026-10-30",
}
CAUSES = ("Flipkart reports FAILED and gives no reason, 3 times over", "the file is empty: zero bytes")
TROUBLED = 29
"""Each so many partitions one is behind, and every other of these has failed."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sellers", default="100,300,1000", help="numbers of sellers, joined by commas")
    parser.add_argument("--reports", type=int, default=6, help="reports of each type and seller in the ledger")
    parser.add_argument("--openings", type=int, default=5, help="how often the browser opens the page")
    arguments = parser.parse_args()
    streams = sum(len(kind.streams) for kind in REPORT_TYPES.values())
    lines = []
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        python = package_python(Path(name) / "environment", str(ROOT))
        for sellers in map(int, arguments.sellers.split(",")):
            folder = Path(name) / str(sellers)
            folder.mkdir()
            prepare(folder, sellers, arguments.reports)
            cost = measured([str(Path(python).parent / "flipkart-reports"), "coverage", *options(folder)])
            paints = [paint(folder / "page.html") for _ in range(arguments.openings)]
            size = (folder / "page.html").stat().st_size
            lines.append([
                f"{sellers:,}", f"{size / 1e6:.2f}", f"{size / sellers / streams:,.0f}", f"{cost.wall:.1f}",
                f"{cost.cpu:.1f}", f"{cost.peak:,.0f}", f"{statistics.median(first for first, _ in paints):,.0f}",
                f"{statistics.median(drawn for _, drawn in paints):,.0f}",
            ])  # fmt: skip
    print(
        f"{streams} streams of {len(REPORT_TYPES)} report types, {arguments.reports} reports of each type and seller\n"
    )
    print(table(HEADER, lines))


HEADER = [
    "sellers", "page, MB", "bytes per seller and stream", "written in, s", "CPU s", "peak MB", "first paint, ms",
    "script done, ms",
]  # fmt: skip


def options(folder: Path) -> list[str]:
    """What the command is given."""
    named = [f"--{name}={folder / name}.json" for name in ("config", "state", "catalog")]
    return [*named, f"--html={folder / 'page.html'}"]


def prepare(folder: Path, sellers: int, reports: int) -> None:
    """What runs leave behind."""
    names = [f"seller-{number:04}" for number in range(sellers)]
    settings: dict[str, Any] = {
        **SETTINGS,
        "warehouse_ids": ["del"],
        "report_ledger": str(folder / "ledger.db"),
        "sellers": [{"seller_id": name, "refresh_token": f"refresh token of {name}"} for name in names],
    }
    from tap_flipkart_reports.tap import TapFlipkartReports  # noqa: PLC0415 - the SDK loads slowly, and only this needs it

    catalog = json.loads(TapFlipkartReports(config=settings).catalog_json_text)
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = True
    bookmarks: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name, stream, warehouse, day in partitions(names):
        context = {"seller_id": name, **({"warehouse_id": warehouse} if warehouse else {})}
        member = {"context": context, "replication_key": "report_to_date", "replication_key_value": day.isoformat()}
        bookmarks.setdefault(stream, {"partitions": []})["partitions"].append(member)
    for file, document in (("config", settings), ("catalog", catalog), ("state", {"bookmarks": bookmarks})):
        (folder / f"{file}.json").write_text(json.dumps(document))
    fill(str(folder / "ledger.db"), names, reports)


def partitions(names: list[str]) -> Iterator[tuple[str, str, str | None, date]]:
    """Each stream of each seller, with its warehouse and its bookmark."""
    for number, (name, kind) in enumerate((name, kind) for name in names for kind in REPORT_TYPES.values()):
        behind = timedelta(days=number % 20 + 1) if number % TROUBLED == 0 else timedelta()
        for stream in kind.streams:
            yield name, stream, "del" if kind.per_warehouse else None, NEWEST - behind


def fill(place: str, names: list[str], reports: int) -> None:
    """A ledger: its rows as the ledger writes them for one seller, copied for all."""
    import sqlite3  # noqa: PLC0415 - only this needs it

    ledger = Ledger(place, clock=SystemClock())
    for kind in REPORT_TYPES.values():
        for number in range(reports):
            last = NEWEST - timedelta(days=15 * number)
            request = ReportRequest(
                stream=kind.name,
                identifier=kind.identifier,
                seller_id="SELLER",
                warehouse_id="del" if kind.per_warehouse else None,
                window=Window(last - timedelta(days=0 if kind.is_snapshot else 20), last),
                parameters={},
                report_timeout=60.0,
            )
            correlation_id = f"{kind.name}-{number}"[-30:]
            ledger.claim(request, correlation_id=correlation_id)
            report_id = f"R-{number:02}{kind.name[:14]:>14}0000"
            ledger.bought(correlation_id=correlation_id, report_id=report_id, unanswered=0)
            ledger.completed(request, expiry=SystemClock().now())
            ledger.finished(request, Reading(rows=100 * number))
    ledger.close()
    with sqlite3.connect(place) as database:
        cursor = database.execute("select * from flipkart_reports")
        columns = [column[0] for column in cursor.description]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor]
        copies = []
        for seller, name in enumerate(names):
            for row in rows:
                number = f"{seller:04}"
                own = {"seller_id": name, "correlation_id": f"{number}-{row['correlation_id']}"}
                own |= {"window_key": number + row["window_key"][4:], "report_id": row["report_id"][:-4] + number}
                copies.append(tuple((row | own).values()))
        database.execute("delete from flipkart_reports")
        marks = ", ".join("?" * len(columns))
        database.executemany(f"insert into flipkart_reports values ({marks})", copies)  # noqa: S608 - of question marks
        database.executemany("insert into flipkart_reports_failures values (?,?,?,?,?,?,?,?,?,?,?,?)", failures(names))


def failures(names: list[str]) -> Iterator[tuple[object, ...]]:
    """Windows that failed."""
    kinds = {kind.name: kind for kind in REPORT_TYPES.values()}
    places = [(name, stream, warehouse, day) for name, stream, warehouse, day in partitions(names) if stream in kinds]
    for number, (name, stream, warehouse, day) in enumerate(places):
        if number % (2 * TROUBLED) or day == NEWEST:
            continue
        is_unreadable = number % (4 * TROUBLED) == 0
        first, last = (day + timedelta(days=1)).isoformat(), NEWEST.isoformat()
        yield (
            f"{number}", stream, name, kinds[stream].identifier, warehouse, first, last, stream, f"R-{number:026}",
            is_unreadable, CAUSES[is_unreadable], SystemClock().now().isoformat(),
        )  # fmt: skip


def paint(file: Path) -> tuple[float, float]:
    """When a browser first paints the page, and when its script is done; milliseconds since it was asked for."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.chromium import browsing  # noqa: PLC0415 - of the tests, which are not a package of the path

    script = """
        const done = arguments[0];
        const [page] = performance.getEntriesByType("navigation");
        const observer = new PerformanceObserver((list) => {
            const [first] = list.getEntriesByName("first-paint");
            if (first) done([first.startTime, page.domContentLoadedEventEnd]);
        });
        observer.observe({ type: "paint", buffered: true });
    """
    with browsing(file) as browser:
        times: tuple[float, float] = browser.execute_async_script(script)
        assert browser.find_element("id", "told").text.endswith("report types")
        return times


if __name__ == "__main__":
    main()
