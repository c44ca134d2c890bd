"""Downloaded files kept and read again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tap_flipkart_reports.commands.cli import main
from tap_flipkart_reports.exceptions import ArchiveError

if TYPE_CHECKING:
    from pathlib import Path

    from support.bench import Bench

SETTINGS: dict[str, Any] = {"window_days": 10, "warehouse_ids": ["del"]}
STREAMS = ("sales_ledger", "orders_report", "stock_ledger")


def lines_of(text: bytes) -> dict[str, list[str]]:
    """The records of each stream, byte for byte as they were written."""
    found: dict[str, list[str]] = {}
    for line in text.decode().splitlines():
        document = json.loads(line)
        if document["type"] == "RECORD":
            record = line[line.index('"record":') : line.rindex(',"time_extracted"')]
            found.setdefault(document["stream"], []).append(record)
    return found


@pytest.fixture
def archived(bench: Bench, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> dict[str, list[str]]:
    """What a run wrote that kept its files."""
    tap = bench.tap(*STREAMS, report_archive=str(tmp_path / "archive"), **SETTINGS)
    capsysbinary.readouterr()
    tap.run()
    return lines_of(capsysbinary.readouterr().out)


def replay(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes], *options: str, **settings: Any
) -> tuple[int, bytes]:
    config = folder / "replay.json"
    config.write_text(json.dumps({"report_archive": str(folder / "archive"), **settings}))
    capsysbinary.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["replay", "--config", str(config), *options])
    out, told = capsysbinary.readouterr()
    return int(ended.value.code or 0), out if ended.value.code == 0 else told


def test_a_replay_writes_the_same_records_byte_for_byte_and_makes_no_call(
    bench: Bench, tmp_path: Path, archived: dict[str, list[str]], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    calls = dict(bench.simulator.calls)
    code, out = replay(tmp_path, capsysbinary)
    assert code == 0
    again = lines_of(out)
    assert set(again) == set(STREAMS)
    for stream in STREAMS:
        assert sorted(again[stream]) == sorted(archived[stream])
    assert bench.simulator.calls == calls
    assert b'"STATE"' not in out


def test_of_types_that_share_an_identifier_each_replays_what_was_requested_with_its_parameters(
    tmp_path: Path, archived: dict[str, list[str]], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    same = {"name": "same", "identifier": "sales_ledger", "window": "days"}
    parameters = {"from_date": "{from_date}", "to_date": "{to_date}", "kind": "other"}
    other = {"name": "other", "identifier": "sales_ledger", "window": "days", "parameters": parameters}
    code, out = replay(tmp_path, capsysbinary, custom_reports=[same, other])
    assert code == 0
    again = lines_of(out)
    assert len(again["same"]) == len(again["sales_ledger"]) == len(archived["sales_ledger"]) > 0
    assert "other" not in again


def test_replay_is_a_setting_that_buys_nothing_and_leaves_the_state_as_it_was(
    bench: Bench, tmp_path: Path, archived: dict[str, list[str]]
) -> None:
    calls = dict(bench.simulator.calls)
    state = {"bookmarks": {"sales_ledger": {"partitions": [{"context": {"seller_id": "other"}}]}}}
    output = bench.run(*STREAMS, state=state, report_archive=str(tmp_path / "archive"), replay=[{}])
    assert output.error is None
    assert bench.simulator.calls == calls
    assert {stream: len(output.records(stream)) for stream in STREAMS} == {
        stream: len(lines) for stream, lines in archived.items()
    }
    assert output.states == [state]


def test_a_replay_can_be_of_some_streams_and_days(
    tmp_path: Path, archived: dict[str, list[str]], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    days = ("--stream", "sales_ledger", "--from", "2026-10-12", "--to", "2026-10-12")
    _, out = replay(tmp_path, capsysbinary, *days)
    second_window = [line for line in archived["sales_ledger"] if '"report_from_date":"2026-10-11"' in line]
    assert lines_of(out) == {"sales_ledger": second_window}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--seller", "nobody"), "report_archive holds no report of these days and sellers"),
        (("--stream", "sales_ledgr"), "replay[0]: 'sales_ledgr' is not a stream; did you mean sales_ledger?"),
        (("--from", "2026-10-02", "--to", "2026-10-01"), "--to 2026-10-01 lies before --from 2026-10-02"),
    ],
)
@pytest.mark.usefixtures("archived")
def test_a_replay_that_cannot_be_says_why(
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    caplog: pytest.LogCaptureFixture,
    options: tuple[str, ...],
    words: str,
) -> None:
    code, told = replay(tmp_path, capsysbinary, *options)
    text = told.decode() + caplog.text
    assert code == 2
    assert words in text
    assert "Traceback" not in text


def test_neither_link_nor_secret_is_in_the_archive(
    bench: Bench, tmp_path: Path, archived: dict[str, list[str]]
) -> None:
    assert archived
    text = "".join(path.read_text(errors="replace") for path in (tmp_path / "archive").rglob("*") if path.is_file())
    text += " ".join(map(str, (tmp_path / "archive").rglob("*")))
    assert len(bench.simulator.secrets) > 3
    assert not any(secret in text for secret in bench.simulator.secrets)
    assert "x_secret_key" not in text


def test_a_sidecar_records_request_window_hash_and_header(
    bench: Bench, tmp_path: Path, archived: dict[str, list[str]]
) -> None:
    assert archived
    path = next((tmp_path / "archive" / "reports" / "stock_ledger" / "acme").glob("2026-10-01_*.json"))
    sidecar = json.loads(path.read_text())
    assert sidecar["parameters"] == {"warehouse_id": "del", "from_date": "2026-10-01", "to_date": "2026-10-20"}
    digest = sidecar["sha256"]
    assert (tmp_path / "archive" / "files" / digest[:2] / digest).stat().st_size == sidecar["size"]
    (header,) = sidecar["headers"].values()
    assert header == list(bench.simulator.rows("stock_ledger", "acme", sidecar["parameters"])[0])


def test_a_damaged_file_fails_its_window_in_a_sentence(
    tmp_path: Path, archived: dict[str, list[str]], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert archived
    for path in (tmp_path / "archive" / "files").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1])
    code, _ = replay(tmp_path, capsysbinary, "--stream", "sales_ledger")
    assert code == 1


@pytest.mark.parametrize(("harm", "words"), [("cut", "is damaged"), ("removed", "is missing")])
def test_a_file_that_the_archive_has_lost_is_named_and_bought_again_if_it_is_given_up(
    bench: Bench, tmp_path: Path, harm: str, words: str
) -> None:
    settings: dict[str, Any] = {"report_archive": str(tmp_path / "archive")}
    first = bench.run("orders_report", **settings)
    (report_id,) = {record["report_id"] for record in first.records("orders_report")}
    for path in (tmp_path / "archive" / "files").rglob("*"):
        if path.is_file() and harm == "cut":
            path.write_bytes(path.read_bytes()[:-1])
        elif path.is_file():
            path.unlink()
    replayed = bench.run("orders_report", replay=[{}], **settings)
    assert f"the archived file of report {report_id} {words}: restore it" in str(replayed.error)
    bought = len(bench.bought())
    again = bench.run("orders_report", given_up_reports=[report_id], **settings)
    assert again.error is None
    assert len(bench.bought()) == bought + 1
    assert len(again.records("orders_report")) == len(first.records("orders_report"))


def test_what_is_older_than_the_setting_is_removed_and_shared_files_stay(bench: Bench, tmp_path: Path) -> None:
    archive = str(tmp_path / "archive")
    settings: dict[str, Any] = {"report_archive": archive, "start_date": "2026-11-10", "end_date": "2026-12-31"}
    first = bench.run("sales_ledger", **settings)
    old = {path for path in (tmp_path / "archive").rglob("*") if path.is_file()}
    bench.clock.advance(10 * 86_400)
    bench.run("sales_ledger", state=first.state, report_archive_days=5, **settings)
    new = {path for path in (tmp_path / "archive").rglob("*") if path.is_file()}
    assert len(old) == len(new) == 2
    assert not old & new


def test_a_link_that_a_file_repeats_is_neither_logged_nor_archived(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench.restart({"fault": "echoed_link"})
    output = bench.run("orders_report", report_archive=str(tmp_path / "archive"), **SETTINGS)
    noted = [path.read_text() for path in (tmp_path / "archive" / "reports").rglob("*.json")]
    told = [str(output.error), *(record.getMessage() for record in caplog.records)]
    assert any("Message" in text for text in noted)
    assert any("'Message'" in text for text in told)
    assert not any("x_secret_key=" in text for text in noted + told)


def test_a_file_that_cannot_be_read_is_kept_too(bench: Bench, tmp_path: Path) -> None:
    bench.restart({"fault": "html_page"})
    assert bench.run("sales_ledger", report_archive=str(tmp_path / "archive")).error is not None
    (path,) = (tmp_path / "archive" / "files").glob("*/*")
    assert b"<html" in path.read_bytes().lower()
    (sidecar,) = (tmp_path / "archive" / "reports").glob("*/*/*.json")
    assert json.loads(sidecar.read_text())["headers"] == {}


def test_a_file_that_a_newer_report_shares_stays(bench: Bench, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"report_archive": str(tmp_path / "archive"), "start_date": "2026-11-10"}
    bench.restart({"fault": "header_only", "every": 1})  # the files of all days are the same
    first = bench.run("sales_ledger", end_date="2026-11-15", **settings)
    bench.clock.advance(10 * 86_400)
    bench.run("sales_ledger", state=first.state, end_date="2026-11-20", report_archive_days=5, **settings)
    for folder, depth in (("reports", "*/*/*"), ("files", "*/*")):
        assert len(list((tmp_path / "archive" / folder).glob(depth))) == 1


def test_a_replay_ends_with_the_newest_report_of_each_day(
    bench: Bench, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    settings: dict[str, Any] = {"report_archive": str(tmp_path / "archive"), "lookback_days": 5}
    first = bench.run("orders_report", start_date="2026-10-18", **settings)
    bench.clock.advance(3 * 86_400)
    bench.run("orders_report", state=first.state, start_date="2026-10-01", end_date="2026-10-25", **settings)
    code, out = replay(tmp_path, capsysbinary, "--stream", "orders_report")
    assert code == 0
    reports = [json.loads(record[len('"record":') :])["report_id"] for record in lines_of(out)["orders_report"]]
    assert list(dict.fromkeys(reports)) == [trigger.report_id for trigger in bench.simulator.triggers]


def test_an_archive_that_cannot_be_written_fails_the_window_before_its_bookmark_moves(
    bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "files").write_text("a file where a folder should be")
    output = bench.run("sales_ledger", report_archive=str(tmp_path / "archive"))
    assert "report_archive cannot be written" in str(output.error)
    assert "replication_key_value" not in output.partition("sales_ledger")


def test_an_archive_that_cannot_be_written_at_all_ends_the_run_before_anything_is_bought(
    bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "archive").write_text("a file where a folder should be")
    output = bench.run("sales_ledger", report_archive=str(tmp_path / "archive"))
    assert isinstance(output.error, ArchiveError)
    assert output.error.exit_code == 3
    assert bench.bought() == []


def test_a_run_that_buys_nothing_does_not_need_an_archive_that_can_be_written(bench: Bench, tmp_path: Path) -> None:
    state = bench.run("sales_ledger").state
    (tmp_path / "archive").write_text("a file where a folder should be")
    assert bench.run("sales_ledger", state=state, report_archive=str(tmp_path / "archive")).error is None


def test_a_run_leaves_nothing_but_reports_in_its_archive(bench: Bench, tmp_path: Path) -> None:
    assert bench.run("sales_ledger", report_archive=str(tmp_path / "archive")).error is None
    assert {path.name for path in (tmp_path / "archive").iterdir()} == {"files", "reports"}


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("carrier-pigeon://canary:loft", r"report_archive cannot be opened \(ValueError\): check its URL"),
        ("webhdfs+x://", "check its URL"),
        ("dropbox://x", "report_archive cannot be opened: .*; install it beside the tap, or name a folder"),
    ],
)
def test_an_archive_of_an_unknown_kind_is_named(bench: Bench, place: str, words: str) -> None:
    with pytest.raises(ArchiveError, match=words):
        _ = bench.tap("sales_ledger", report_archive=place).current_run.services.archive


def test_an_archive_whose_storage_cannot_do_it_is_told_before_anything_is_bought(bench: Bench) -> None:
    output = bench.run("sales_ledger", report_archive="data:,x")
    assert isinstance(output.error, ArchiveError)
    assert re.search(r"report_archive cannot be \w+: its storage does not offer that", str(output.error))
    assert bench.bought() == []


@pytest.mark.parametrize("with_archive", [False, True], ids=["folder", "archive"])
def test_rows_that_are_passed_over_are_kept_with_line_cause_and_text(
    bench: Bench,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    with_archive: bool,  # noqa: FBT001 - the two places
) -> None:
    settings: dict[str, Any] = {"report_archive": str(tmp_path / "archive")} if with_archive else {}
    bench.restart({"fault": "ragged_row", "row": 2, "cells": 4})
    output = bench.run("returns_report", bad_rows="skip", **settings)
    assert output.error is None
    truth = bench.simulator.rows("returns_report", "acme", {"from_date": "2026-10-01", "to_date": "2026-10-20"})
    (path,) = tmp_path.rglob("rejected/returns_report/acme/*.jsonl")
    (row,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert (row["line"], row["cause"]) == (3, "has 4 cells, the header 30")
    assert row["text"].startswith(truth[1]["return_id"])
    assert len(output.records("returns_report")) + 1 == len(truth)
    assert any("rows skipped: 1, the first on line 3" in message for message in caplog.messages)
    assert ("archive" in path.parts) is with_archive
