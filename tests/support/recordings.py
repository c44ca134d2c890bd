"""The tap's output of two days, recorded once and piped to many targets."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from support.programs import TAP, run
from support.truth import TABLES, Record, records
from tap_flipkart_reports.simulator import Faults, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Loss = Callable[[Any, Mapping[str, Any]], Any]
    """What a target makes of a value of a column with a schema."""

ODD = 'बहुत, "सारे"\nऔर \\ भी'
"""A cell that is hard to quote."""

WORKBOOKS = ("sales_ledger", "settled_transaction_ledger")
FAULTS = [
    {"fault": "bad_cell", "row": 1, "header": "quantity", "text": ODD, "identifier": "orders_report", "every": 1},
    {"fault": "extra_column", "header": "Carbon Footprint (kg)", "identifier": "orders_report", "nth": 2},
    {
        "fault": "bad_cell",
        "row": 1,
        "header": "return_sub_reason",
        "text": ODD,
        "identifier": "returns_report",
        "every": 1,
    },
    {"fault": "extra_column", "header": "मूल्य", "identifier": "returns_report", "every": 1},
    {"fault": "extra_column", "header": "Group", "identifier": "sales_ledger", "every": 1},
    {"fault": "extra_column", "header": " ", "identifier": "settled_transaction_ledger", "every": 1},
]
"""Columns that no schema has, one of them without a header, and cells that do not fit."""


STREAMS = tuple(
    stream
    for stream, (report_type, table) in TABLES.items()
    if table is report_type.tables[0] or report_type.name in WORKBOOKS
)
"""Streams whose tables are in the files: CSV, which the other types come as here, holds the first one only."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What the tap wrote.

    Attributes:
        files: its output on each of two days, the second with the state of the first.
        schemas: the columns of each stream, those that files have brought among them.
        keys: the key of each stream.
        rows: the records of each stream, a later one in the place of an earlier one of its key.
        truth: the same by the simulator's word, without what the faults have put there.
    """

    files: tuple[Path, ...]
    schemas: Mapping[str, Mapping[str, Any]]
    keys: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, list[Record]]
    truth: Mapping[str, list[Record]]


def record_two_days(folder: Path, **settings: Any) -> Recording:
    """Run the tap on one day and, with its state, three days later, when orders have changed.

    Args:
        folder: where to write.
        settings: of the tap, beside those that make it read the simulator.
    """
    now = datetime(2026, 11, 12, 6, 0, tzinfo=timezone.utc)
    simulator = Simulator(
        now=lambda: now,
        faults=Faults.parse(FAULTS),
        orders_per_day=4,
        file_format=dict.fromkeys(WORKBOOKS, "xlsx"),
    )
    with simulator:
        config = {
            "api_url": simulator.url,
            "client_id": simulator.client_id,
            "client_secret": simulator.client_secret,
            "refresh_token": simulator.refresh_token("acme"),
            "seller_id": "acme",
            "warehouse_ids": ["blr_wfld"],
            "start_date": "2026-10-05",
            "window_days": 20,
            "poll_interval": 0.02,
            "max_concurrent_reports": 1,  # so that windows are read in the same order in every recording
            **settings,
        }
        first = _run(folder / "1.singer", {**config, "end_date": "2026-11-10"})
        now += timedelta(days=3)
        second = _run(folder / "2.singer", {**config, "end_date": "2026-11-13"}, state=_last_state(first))
        text = "".join(path.read_text(encoding="utf-8") for path in (first, second))
        lines = [json.loads(line, parse_float=Decimal) for line in text.split("\n") if line]
        truth = {stream: records(simulator, stream) for stream in STREAMS}
    return Recording(
        files=(first, second),
        schemas=_schemas(lines),
        keys={line["stream"]: tuple(line["key_properties"]) for line in lines if line["type"] == "SCHEMA"},
        rows=_newest(lines),
        truth=truth,
    )


def _run(out: Path, config: dict[str, Any], state: dict[str, Any] | None = None) -> Path:
    options = []
    for name, document in {"config": config, "state": state}.items():
        if document is not None:
            path = out.with_suffix(f".{name}.json")
            path.write_text(json.dumps(document), encoding="utf-8")
            options += [f"--{name}", str(path)]
    with out.open("w") as file:
        ended = run([*TAP, *options], capture_output=False, stdout=file, stderr=-1)
    assert ended.returncode == 0, ended.stderr
    return out


def _last_state(out: Path) -> dict[str, Any]:
    *_, last = (line for line in out.read_text(encoding="utf-8").splitlines() if line.startswith('{"type":"STATE"'))
    state: dict[str, Any] = json.loads(last)["value"]
    return state


def _schemas(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    schemas: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for line in lines:
        if line["type"] == "SCHEMA":
            schemas[line["stream"]] |= line["schema"]["properties"]
    return schemas


def _newest(lines: list[dict[str, Any]]) -> dict[str, list[Record]]:
    keys: dict[str, tuple[str, ...]] = {}
    newest: defaultdict[str, dict[tuple[Any, ...], Record]] = defaultdict(dict)
    for line in lines:
        if line["type"] == "SCHEMA":
            keys[line["stream"]] = tuple(line["key_properties"])
        elif line["type"] == "RECORD":
            record = line["record"]
            newest[line["stream"]][tuple(record[name] for name in keys[line["stream"]])] = record
    return {stream: list(rows.values()) for stream, rows in newest.items()}


# Values


def _moment(raw: Any) -> str:
    moment = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw).replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc).isoformat()


MEANINGS: dict[str, Callable[[Any], Any]] = {
    "object": lambda raw: json.loads(raw) if isinstance(raw, str) else raw,
    "date": lambda raw: str(raw)[:10],
    "date-time": _moment,
    "number": lambda raw: Decimal(str(raw)),
    "x-singer.decimal": lambda raw: Decimal(str(raw)),
    "integer": int,
    "boolean": lambda raw: str(raw).lower() in {"true", "t", "1"},
    "string": lambda raw: raw,
}
"""What a stored value means, by the format or else the type of its column, in the same words for every target."""


def value_of(raw: Any, schema: Mapping[str, Any]) -> Any:
    """What a stored value means."""
    if raw is None or raw == "":
        return None
    kind = schema.get("format") or next(kind for kind in schema["type"] if kind != "null")
    return MEANINGS[kind](raw)


def differences(
    recording: Recording,
    stream: str,
    rows: list[Record],
    *,
    lost: Iterable[Loss] = (),
    column: Callable[[str], str] = str,
) -> list[str]:
    """Where the rows of a target are not what the tap has sent; of several rows of a key the last counts.

    Args:
        recording: what the tap has sent.
        stream: the stream.
        rows: what the target has stored of it.
        lost: what the target is known to make of values.
        column: the target's name for a column.
    """
    schemas, key = recording.schemas[stream], recording.keys[stream]
    stored = {tuple(value_of(row[column(name)], schemas[name]) for name in key): row for row in rows}
    sent = recording.rows[stream]
    told = [] if len(stored) == len(sent) else [f"{len(stored)} keys of {len(sent)}"]
    for record in sent:
        place = tuple(value_of(record[name], schemas[name]) for name in key)
        if (row := stored.get(place)) is None:
            told.append(f"no row {place}")
            continue
        for name, value in record.items():
            for lose in lost:
                value = lose(value, schemas[name])  # noqa: PLW2901 - one loss upon another
            wanted, got = value_of(value, schemas[name]), value_of(row.get(column(name)), schemas[name])
            if wanted != got:
                told.append(f"{name}: {got!r} instead of {wanted!r}")
    return told
