"""Foreign text at the edge."""

from __future__ import annotations

import json
import logging
import zipfile
from typing import TYPE_CHECKING

import pytest
from support.calls import counted_calls

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.commands.inspect import inspect_file
from tap_flipkart_reports.commands.tables import aligned, json_text
from tap_flipkart_reports.exceptions import CallError
from tap_flipkart_reports.redaction import (
    KNOWN_SECRETS,
    MAX_LINE,
    MAX_QUOTED,
    KnownSecrets,
    clean,
    clean_line,
    clean_name,
    host_of,
    scrub,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKEN = "canary-token-5f3c"
HOSTILE = f"QUEUED\r\n2026 INFO forged \x1b[31mred \u202ereversed\u2066 nul\0 \u2028 {TOKEN}"


@pytest.fixture(autouse=True)
def _token() -> None:
    KNOWN_SECRETS.add(TOKEN)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("client_secret=abcdefgh", "client_secret=…"),
        ("password: 'abcdefgh'", "password: '…'"),
        ('{"access_token": "abcdefgh", "kind": "x"}', '{"access_token": "…", "kind": "x"}'),
        ("X-Api-Key = abcdefgh;", "X-Api-Key = …;"),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer …"),
        ("basic abcdefgh", "basic …"),
        ("key=short", "key=short"),
    ],
)
def test_what_is_named_as_a_secret_is_one_however_plain_it_looks(text: str, shown: str) -> None:
    assert scrub(text) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("commission_2026_annexure_Q1.xlsx", "commission_2026_annexure_Q1.xlsx"),
        ("Error: https://files.test/R-1?x_secret_key=abc gone", "Error: … gone"),
        ("GET /R-1?x_secret_key=abcdefgh", "GET /R-1…"),
        ("Bank Settlement Value (Rs.)\n= SUM(J:R)", "Bank Settlement Value (Rs.) = SUM(J:R)"),
        ("signature: abcdefgh", "signature: …"),
        ("x" * 30 + TOKEN, "x" * 30 + "…"),
    ],
)
def test_a_foreign_name_is_shown_without_links(name: str, shown: str) -> None:
    assert clean_name(name, limit=40) == shown


@pytest.mark.parametrize("edge", [clean, clean_name, clean_line, lambda text: str(CallError(text))])
def test_an_edge_lets_no_control_character_line_break_or_secret_through(edge: Callable[[str], str]) -> None:
    shown = edge(HOSTILE)
    assert shown.isprintable()
    assert "canary" not in shown
    assert shown.startswith("QUEUED 2026 INFO forged [31mred reversed nul …")


@pytest.mark.parametrize(
    ("edge", "limit"), [(clean, MAX_QUOTED), (clean_line, MAX_LINE), (lambda text: str(CallError(text)), MAX_LINE)]
)
def test_an_edge_bounds_the_length(edge: Callable[[str], str], limit: int) -> None:
    assert len(edge("word " * 100_000)) <= limit
    assert len(edge("w" * 100_000)) <= limit


def test_a_line_of_the_log_is_clean_whatever_it_is_made_of(caplog: pytest.LogCaptureFixture) -> None:
    for name in (PACKAGE, f"{PACKAGE}.client", f"{PACKAGE}.sales_ledger"):
        logging.getLogger(name).warning("report %s", HOSTILE, extra={"report_id": HOSTILE})
    assert len(caplog.records) == 3
    for record in caplog.records:
        assert record.getMessage().startswith("report QUEUED 2026 INFO forged")
        assert record.getMessage().isprintable()
        assert record.__dict__["report_id"].isprintable()
        assert "canary" not in f"{record.getMessage()}{record.__dict__['report_id']}"


def test_text_in_other_scripts_stays_readable() -> None:
    assert clean("ऑर्डर रिपोर्ट ₹१२३ 報告") == "ऑर्डर रिपोर्ट ₹१२३ 報告"


def test_marks_within_a_word_leave_no_gap() -> None:
    assert clean_line("pass\u200bage") == "passage"


def test_secrets_are_found_inside_words_and_percent_encoded() -> None:
    secrets = KnownSecrets()
    secrets.add("ab/cd+ef=gh", "short", None, "")
    assert secrets.removed_from("xab/cd+ef=ghx ab%2Fcd%2Bef%3Dgh short") == "x…x … short"
    assert secrets.are_in("(ab/cd+ef=gh)")
    assert not secrets.are_in("ab/cd+ef=g")


def test_half_a_character_pair_breaks_nothing() -> None:
    KNOWN_SECRETS.add("\ud800-of-a-token")
    assert clean("status \ud800-of-a-token \ud800") == "status …"
    assert scrub("\ud800", ["\ud800\ud800"]) == "\ud800"


def test_of_two_secrets_with_one_beginning_the_longer_goes_whole() -> None:
    secrets = KnownSecrets()
    secrets.add("12345678", "12345678-and-more")
    assert secrets.removed_from("12345678-and-more 12345678-and 12345678") == "… …-and …"


def test_half_a_secret_at_the_cut_is_not_shown() -> None:
    secret = "canary" * 50
    KNOWN_SECRETS.add(secret)
    for before in range(16_200, 16_500, 7):
        assert "canary" not in clean("…" + " " * before + secret, limit=20_000)


def test_links_are_forgotten_after_many_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_flipkart_reports.redaction.MAX_LINKS", 2)
    secrets = KnownSecrets()
    for number in range(3):
        secrets.add_link([f"https://files.test/{number}", f"secret-{number}"], name="")
    assert secrets.removed_from("secret-0 secret-1 secret-2") == "secret-0 … …"


def test_what_a_forgotten_link_shares_with_a_newer_one_or_with_a_token_stays_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tap_flipkart_reports.redaction.MAX_LINKS", 2)
    secrets = KnownSecrets()
    secrets.add("token-of-seller-1")
    for number in range(5):
        session = "session-token-1" if number < 3 else "session-token-2"
        secrets.add_link([f"signature-{number}", session, "token-of-seller-1"])
    words = "signature-2 signature-3 signature-4 session-token-1 session-token-2 token-of-seller-1"
    assert secrets.removed_from(words) == "signature-2 … … session-token-1 … …"


def test_links_that_begin_alike_cost_the_same_however_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    def calls(remembered: int) -> int:
        monkeypatch.setattr("tap_flipkart_reports.redaction.MAX_LINKS", remembered)
        secrets = KnownSecrets()
        for number in range(remembered):
            secrets.add_link([f"signature-{number:06}"])
        with counted_calls() as calls_made:
            for number in range(remembered, remembered + 20):
                secrets.add_link([f"signature-{number:06}"])
            assert secrets.removed_from(f"a signature-{remembered:06} b") == "a … b"
        assert secrets.removed_from("signature-000000") == "signature-000000"
        return calls_made.number

    assert calls(1000) <= calls(20)


def test_words_dates_and_the_reports_own_id_in_a_link_are_shown() -> None:
    secrets = KnownSecrets()
    secrets.add_link(["download", "2026-10-01", "R-0123456789", "0123abcdef", "a" * 20], name="R-0123456789")
    shown = secrets.removed_from(f"download 2026-10-01 R-0123456789 0123abcdef {'a' * 20}")
    assert shown == "download 2026-10-01 R-0123456789 … …"


@pytest.mark.parametrize("scrap", ["a-", "token", "?a", "?a=", "key:", "bearer ", "a1b2", "=", "://", "a://", "'a'="])
def test_an_error_body_made_to_be_slow_is_not(scrap: str) -> None:
    # A pattern that backtracks takes minutes for this, and the suite's limit ends them.
    text = scrap * (500_000 // len(scrap))
    assert len(scrub(text)) <= len(text)


# Terminals


def test_a_table_for_the_terminal_has_one_line_per_row_whatever_its_cells_hold() -> None:
    lines = aligned([("seller", "note"), (HOSTILE, "x" * 5000)])
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    assert "canary" not in lines[1]


def test_json_for_the_terminal_says_the_same_and_holds_nothing_that_acts_on_it() -> None:
    document = {"नाम\x1b[2J": ["a\r\nb", "\u202e\x9b\x7f\u2028", "\U000e0041 ü"]}
    text = json_text(document, indent=1)
    assert json.loads(text) == document
    assert all(line.isprintable() for line in text.split("\n"))
    assert "नाम" in text


def test_a_hostile_file_is_inspected_without_an_escape_sequence(tmp_path: Path) -> None:
    names = ("a\x1b]0;title\x07.csv", "b\u202egpj.csv")
    with zipfile.ZipFile(tmp_path / "report", "w") as archive:
        for name in names:
            archive.writestr(name, "Order ID,\x1b[31mMood\u202e,Amount\r\nOD1,\x1b[2J,5\r\n")
    inspection = inspect_file(tmp_path / "report")
    for text in (inspection.text(), inspection.schemas(), json_text(inspection.document())):
        assert all(line.isprintable() for line in text.split("\n"))
    assert "title" in inspection.text()


def test_of_an_address_host_and_port_are_shown_and_no_password() -> None:
    assert host_of("https://somebody:canary@api.test:8443/reports?x=canary#canary") == "api.test:8443"
