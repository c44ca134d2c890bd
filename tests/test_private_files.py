"""What the tap leaves on disk is its owner's alone from the first byte, and what others leave there does no harm."""

from __future__ import annotations

import errno
import os
import stat
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from support.clocks import VirtualClock

from tap_flipkart_reports.adapters.archive import Archive
from tap_flipkart_reports.adapters.ledger import Ledger
from tap_flipkart_reports.adapters.private_files import make_file, make_folder
from tap_flipkart_reports.adapters.processes import OWNER, new_folder
from tap_flipkart_reports.adapters.token_store import TokenStore, new_key
from tap_flipkart_reports.exceptions import ArchiveError, FileError, LedgerError, MachineError, TokenStoreError
from tap_flipkart_reports.purchasing.events import Delivery
from tap_flipkart_reports.purchasing.requests import ReportRequest
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from support.postgres import Postgres

WINDOW = Window(date(2026, 1, 1), date(2026, 1, 31))


@pytest.fixture
def _open_umask() -> Iterator[None]:
    """As of a machine on which everything that is made is for everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def _request(seller_id: str = "acme", number: int = 0) -> ReportRequest:
    return ReportRequest(
        stream="sales_ledger",
        identifier="sales_ledger",
        seller_id=seller_id,
        window=WINDOW,
        parameters={"number": number},
        report_timeout=60,
    )


def _delivery(path: Path, *, seller_id: str = "acme", report_id: str = "R-1") -> Delivery:
    path.write_bytes(report_id.encode(errors="replace"))
    return Delivery(
        request=_request(seller_id),
        report_id=report_id,
        path=path,
        size=3,
        sha256=f"{abs(hash((seller_id, report_id))):064x}",
    )


def _modes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): oct(stat.S_IMODE(path.stat().st_mode))
        for path in [folder, *folder.rglob("*")]
        if path.exists()
    }


@pytest.mark.usefixtures("_open_umask")
def test_ledger_token_store_archive_and_rejected_rows_are_their_owners_alone(tmp_path: Path) -> None:
    clock, place = VirtualClock(), tmp_path / "made" / "deep"
    ledger = Ledger(str(place / "ledger" / "reports.db"), clock=clock)
    ledger.claim(_request(), correlation_id="c")
    store = TokenStore(str(place / "tokens" / "tokens.db"), key=new_key(), clock=clock)
    archive = Archive(str(place / "archive"), clock=clock)
    archive.add(_delivery(tmp_path / "file"), {})
    archive.add_rejected(_delivery(tmp_path / "file"), "sales_ledger", [b"{}\n"])
    modes = _modes(tmp_path / "made")
    ledger.close()
    store.close()
    assert {"deep/ledger/reports.db-wal", "deep/tokens/tokens.db"} <= set(modes)
    assert sum(name.endswith((".json", ".jsonl")) for name in modes) == 2
    assert set(modes.values()) <= {"0o600", "0o700"}


@pytest.mark.usefixtures("_open_umask")
def test_a_file_is_private_before_anything_is_in_it_and_one_that_is_there_is_left(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_file(tmp_path / "a" / "b" / "file")
    assert _modes(tmp_path / "a") == {".": "0o700", "b": "0o700", "b/file": "0o600"}
    shared = tmp_path / "shared"
    shared.write_text("content")
    shared.chmod(0o660)
    make_file(shared)
    assert (shared.read_text(), oct(stat.S_IMODE(shared.stat().st_mode))) == ("content", "0o660")


ODD = [".", "..", "../../x", "a/b", "/etc", "a\0b", "a\nb", "x" * 3000, "विक्रेता" * 40, "%2e%2e", "~", "C:\\x", "\ud800"]


def test_a_pipe_as_a_database_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(LedgerError, match=r"report_ledger .* cannot be opened: No such device or address"):
        Ledger(str(pipe), clock=VirtualClock())
    with pytest.raises(TokenStoreError, match=r"token_store .* cannot be opened: No such device or address"):
        TokenStore(str(pipe), key=new_key(), clock=VirtualClock())


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_name_stays_one_step_within_the_archive(odd: str, tmp_path: Path) -> None:
    archive = Archive(str(tmp_path / "archive"), clock=VirtualClock())
    file = tmp_path / "file"
    for number, delivery in enumerate([_delivery(file, seller_id=odd), _delivery(file, report_id=odd)]):
        archive.add(delivery, {})
        archive.add_rejected(delivery, "sales_ledger", [b"{}\n"])
        assert len(archive.reports(["sales_ledger"])) == number + 1
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "file"}
    for sidecar in (tmp_path / "archive" / "reports").rglob("*.json"):
        assert len(sidecar.relative_to(tmp_path / "archive").parts) == 4


def test_two_long_names_with_one_beginning_are_two_files(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path / "archive"), clock=VirtualClock())
    for end in "ab":
        archive.add(_delivery(tmp_path / "file", report_id="R" * 1000 + end), {})
    assert len(archive.reports(["sales_ledger"])) == 2


def _kept_meanwhile(other: Archive, delivery: Delivery, lines: Sequence[bytes]) -> Iterator[bytes]:
    """Lines, of which another worker keeps the same ones after the first."""
    yield lines[0]
    other.add_rejected(delivery, "sales_ledger", lines)
    yield from lines[1:]


def test_two_workers_that_write_the_same_file_at_once_both_succeed(tmp_path: Path) -> None:
    one, other = (Archive(str(tmp_path / "archive"), clock=VirtualClock()) for _ in range(2))
    delivery, lines = _delivery(tmp_path / "file"), [b"1\n", b"2\n"]
    path = one.add_rejected(delivery, "sales_ledger", _kept_meanwhile(other, delivery, lines))
    assert Path(path).read_bytes() == b"1\n2\n"
    assert [each.name for each in Path(path).parent.iterdir()] == [Path(path).name]


def _full_disk() -> Iterator[bytes]:
    yield b"1\n"
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_that_cannot_be_written_whole_is_not_left_behind(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path / "archive"), clock=VirtualClock())
    with pytest.raises(ArchiveError, match="No space left on device"):
        archive.add_rejected(_delivery(tmp_path / "file"), "sales_ledger", _full_disk())
    assert [path for path in (tmp_path / "archive").rglob("*") if path.is_file()] == []


def test_a_downloaded_file_that_was_cleaned_up_fails_its_window_and_not_the_archive(tmp_path: Path) -> None:
    delivery = _delivery(tmp_path / "file")
    delivery.path.unlink()
    with pytest.raises(FileError, match="is not in the temporary folder any more"):
        Archive(str(tmp_path / "archive"), clock=VirtualClock()).add(delivery, {})


# The temporary folder, which everybody may write to


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def _folder(path: Path) -> None:
    path.mkdir()


def _nonsense(path: Path) -> None:
    path.write_bytes(b"\xff\0\n")


def _one_word(path: Path) -> None:
    path.write_text("word")


@pytest.mark.skipif(os.name != "posix", reason="traps that only such systems have")
@pytest.mark.parametrize("trap", [_pipe, _endless, _huge, _folder, _nonsense, _one_word])
def test_a_trap_under_our_name_neither_holds_the_run_up_nor_is_touched(
    trap: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "reports-trap").mkdir()
    trap(tmp_path / "reports-trap" / OWNER)
    assert new_folder("reports-").is_dir()
    assert os.path.lexists(tmp_path / "reports-trap" / OWNER)


def test_no_place_for_a_temporary_folder_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(MachineError, match="set TMPDIR to a folder with room"):
        new_folder("reports-")


# PostgreSQL


def test_a_database_without_an_encoding_works(postgres: Postgres) -> None:
    url = postgres.new_database("encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0")
    ledger = Ledger(url, clock=VirtualClock())
    asked = _request("विक्रेता")
    ledger.claim(asked, correlation_id="c")
    ledger.bought(correlation_id="c", report_id="R-ü", unanswered=0)
    assert ledger.claim(asked, correlation_id="d").report_id == "R-ü"
    ledger.close()


class _Freeing(VirtualClock):
    """Time in which somebody else lets a connection go."""

    def __init__(self, connection: psycopg.Connection[object] | None, *, after: float) -> None:
        super().__init__()
        self._connection = connection
        self._after = after

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self._connection is not None and self.monotonic() >= self._after:
            self._connection.close()
            self._connection = None


def _url_of_a_narrow_role(postgres: Postgres) -> str:
    """Of a role that may have one connection."""
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        name = url.rpartition("/")[2]
        connection.execute(f"create role narrow_{name} login connection limit 1".encode())
        connection.execute(f"alter database {name} owner to narrow_{name}".encode())
    return url.replace("postgres:unchecked", f"narrow_{name}")


def test_a_database_without_a_free_connection_is_waited_for(postgres: Postgres) -> None:
    url = _url_of_a_narrow_role(postgres)
    clock = _Freeing(psycopg.connect(url), after=20)
    Ledger(url, clock=clock).close()
    assert clock.monotonic() >= 20


def test_a_database_that_has_no_free_connection_for_a_minute_is_reported(postgres: Postgres) -> None:
    url = _url_of_a_narrow_role(postgres)
    clock = VirtualClock()
    with psycopg.connect(url), pytest.raises(LedgerError, match="too many connections for role"):
        Ledger(url, clock=clock)
    assert 30 < clock.monotonic() <= 60
