"""Many targets, each in its own environment, fed with one recording of two days: every cell is compared.

The trials are marked `targets` and run by `uv run just targets` and every night; the suite leaves them out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from support.programs import SECONDS, install, released, run, succeed
from support.recordings import ODD, Recording, differences, record_two_days
from support.storage import Storage
from support.trial_places import Place
from support.trials import KINDS, TRIALS, TYPE_TRIALS, Trial, TypeTrial
from support.truth import differences as differences_from_truth

from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from support.postgres import Postgres

PYTHON = "3.11"
"""The newest that all of the targets can be installed with."""

SPOILT = {("orders_report", "quantity"), ("returns_report", "return_sub_reason")}
"""Columns in which the faults have put other texts than the simulator's."""

trial_of_a_target = pytest.mark.targets


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, Any]], Recording]:
    """What the tap writes under some settings; recorded when it is first asked for."""
    recordings: dict[str, Recording] = {}

    def recording_of(settings: Mapping[str, Any]) -> Recording:
        key = json.dumps(settings, sort_keys=True)
        if key not in recordings:
            recordings[key] = record_two_days(tmp_path_factory.mktemp("recording"), **settings)
        return recordings[key]

    return recording_of


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Trial | TypeTrial], Path]:
    """The programs of a target; it is installed when it is first asked for."""
    programs: dict[str, Path] = {}

    def programs_of(trial: Trial | TypeTrial) -> Path:
        if trial.package not in programs:
            folder = tmp_path_factory.mktemp("target") / "environment"
            overrides = trial.overrides if isinstance(trial, Trial) else ()
            programs[trial.package] = install(
                folder, released(trial.package), *trial.beside, python=PYTHON, overrides=overrides
            )
        return programs[trial.package]

    return programs_of


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    with Storage(tmp_path_factory.mktemp("storage") / "environment", python=PYTHON) as server:
        yield server


@pytest.fixture
def place_of(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Postgres,
    storage: Storage,
    installed: Callable[[Trial | TypeTrial], Path],
) -> Callable[[Trial], Place]:
    def new_place(trial: Trial) -> Place:
        database_url = postgres.new_database()
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("create schema flipkart")
        return Place(
            programs=installed(trial),
            folder=tmp_path_factory.mktemp("place"),
            database_url=database_url,
            storage_url=storage.url,
            bucket=storage.new_bucket(),
        )

    return new_place


def load(trial: Trial, recording: Recording, place: Place) -> str:
    """Pipe both days into a target; the end of its log if it stopped."""
    config = place.folder / "target.json"
    for day, path in enumerate(recording.files, 1):
        settings = trial.settings(place, day)
        config.write_text(json.dumps(settings), encoding="utf-8")
        options = ["--config", str(config)] if settings else []
        with path.open() as messages:
            ended = run(
                [place.programs / trial.program, *options, *trial.arguments(place, day)],
                stdin=messages,
                cwd=place.folder,
                timeout=SECONDS,
            )
        if ended.returncode:
            return ended.stderr[-2000:]
    return ""


def differences_in(
    trial: Trial, recording: Recording, place: Place, storage: Storage, *, lost: bool
) -> dict[str, list[str]]:
    """Where a target differs from what the tap has sent, by stream."""
    storage.fetch(place.bucket, place.folder)
    found = {}
    for stream in recording.rows:
        rows = trial.read(place, stream)
        told = differences(recording, stream, rows, lost=trial.lost.values() if lost else (), column=trial.column)
        if trial.upserts and len(rows) != len(recording.rows[stream]):
            told.append(f"{len(rows)} rows, {len(recording.rows[stream])} expected")
        if told:
            found[stream] = told[:5]
    return found


def test_the_recording_is_the_simulators_truth_and_holds_what_is_hard(
    recorded: Callable[[Mapping[str, Any]], Recording],
) -> None:
    recording = recorded({})
    for stream, truth in recording.truth.items():
        known = [{name: value for name, value in record.items() if (stream, name) not in SPOILT} for record in truth]
        assert differences_from_truth(stream, known, recording.rows.get(stream, [])) == [], stream
    orders, returns = recording.rows["orders_report"], recording.rows["returns_report"]
    assert any(row["_unparsed"] == {"quantity": ODD} for row in orders)
    assert {"carbon_footprint_kg" in row for row in orders} == {True, False}
    assert any(row["return_sub_reason"] == ODD for row in returns)
    assert any(name.startswith("मूल्य_") for name in recording.schemas["returns_report"])
    assert "group_column" in recording.schemas["sales_ledger"]
    assert all(row["_extra"] for row in recording.rows["settled_transaction_ledger"])
    assert sum(path.read_text(encoding="utf-8").count("मसाला") for path in recording.files) > 0
    sent = sum(path.read_text(encoding="utf-8").count('{"type":"RECORD"') for path in recording.files)
    assert sent > sum(map(len, recording.rows.values()))


@trial_of_a_target
@pytest.mark.integration
@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_every_cell_arrives_but_for_what_the_table_says(
    trial: Trial,
    recorded: Callable[[Mapping[str, Any]], Recording],
    place_of: Callable[[Trial], Place],
    storage: Storage,
) -> None:
    recording, place = recorded(trial.tap), place_of(trial)
    assert load(trial, recording, place) == ""
    assert differences_in(trial, recording, place, storage, lost=True) == {}
    if trial.lost:
        assert differences_in(trial, recording, place, storage, lost=False), (
            "it loses nothing any more: amend the table"
        )


@trial_of_a_target
@pytest.mark.integration
@pytest.mark.parametrize("trial", [trial for trial in TRIALS if trial.tap], ids=lambda trial: trial.name)
def test_a_setting_that_the_table_names_is_needed(
    trial: Trial,
    recorded: Callable[[Mapping[str, Any]], Recording],
    place_of: Callable[[Trial], Place],
    storage: Storage,
) -> None:
    recording, place = recorded({}), place_of(trial)
    stopped = load(trial, recording, place)
    assert stopped or differences_in(trial, recording, place, storage, lost=True), "it is not: amend the table"


@trial_of_a_target
@pytest.mark.integration
@pytest.mark.parametrize("trial", TYPE_TRIALS, ids=lambda trial: trial.name)
def test_a_warehouse_makes_the_types_of_the_table(
    trial: TypeTrial, installed: Callable[[Trial | TypeTrial], Path]
) -> None:
    for kind, (stream, column, settings) in KINDS.items():
        tap = TapFlipkartReports(config={"api_url": "simulator", "start_date": "2026-10-01", **settings})
        (schema,) = [each.transformed_schema for each in tap.streams[stream].stream_maps]
        told = succeed(
            [installed(trial) / "python", "-c", trial.script],
            input=json.dumps({column: schema["properties"][column]}),
        )
        assert told.split("\t")[1].strip() == trial.types[kind], kind
