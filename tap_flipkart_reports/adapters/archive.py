"""An archive of downloaded files, so that they can be read again without a call and at no cost.

```
files/ab/ab12…                                          the bytes, named by their SHA-256
reports/<identifier>/<seller>/<window>_<report id>.json    the report: window, parameters, hash, header
```

A file that two reports share is stored once. The archive holds no links and no secrets, and every name is
percent-encoded. The folder may be anything that fsspec supports: a path, `s3://…`, `gs://…`.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from tap_flipkart_reports.adapters.private_files import make_file, make_folder
from tap_flipkart_reports.exceptions import ArchiveError, FileError
from tap_flipkart_reports.redaction import clean, clean_name
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fsspec import AbstractFileSystem

    from tap_flipkart_reports.clock import Clock
    from tap_flipkart_reports.purchasing.events import Delivery

VERSION = 1
"""The format version of the sidecars."""

CHUNK = 2**20

MAX_SEGMENT = 200
"""Longest name in a path, in bytes: file systems take 255, and temporary names are 38 bytes longer."""


@dataclass(frozen=True, kw_only=True)
class ArchivedReport:
    """A report in the archive.

    Attributes:
        identifier: the report type's identifier in the API.
        seller_id: the seller.
        warehouse_id: the warehouse, for report types that require one.
        window: the days.
        parameters: the trigger's parameters.
        report_id: Flipkart's id.
        sha256: hash of the file's bytes, in hexadecimal.
        size: the file's size in bytes.
        archived_at: when it was archived, with a zone.
        headers: the headers found in the file, by table; empty where no table could be read.
    """

    identifier: str
    seller_id: str
    warehouse_id: str | None
    window: Window
    parameters: Mapping[str, object]
    report_id: str
    sha256: str
    size: int
    archived_at: datetime
    headers: Mapping[str, Sequence[str]]

    def document(self) -> dict[str, Any]:
        """The sidecar's content."""
        return {
            "version": VERSION,
            "identifier": self.identifier,
            "seller_id": self.seller_id,
            "warehouse_id": self.warehouse_id,
            "from_date": self.window.first.isoformat(),
            "to_date": self.window.last.isoformat(),
            "parameters": dict(self.parameters),
            "report_id": self.report_id,
            "sha256": self.sha256,
            "size": self.size,
            "archived_at": self.archived_at.isoformat(),
            "headers": {name: list(header) for name, header in self.headers.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ArchivedReport:
        """The report that a sidecar describes.

        Raises:
            KeyError, TypeError, ValueError: it is not a sidecar.
        """
        first, last = (datetime.fromisoformat(document[name]).date() for name in ("from_date", "to_date"))
        return cls(
            identifier=document["identifier"],
            seller_id=document["seller_id"],
            warehouse_id=document["warehouse_id"],
            window=Window(first, last),
            parameters=document["parameters"],
            report_id=document["report_id"],
            sha256=document["sha256"],
            size=document["size"],
            archived_at=datetime.fromisoformat(document["archived_at"]),
            headers=document["headers"],
        )


class Archive:
    """A folder of downloaded files.

    Args:
        path_or_url: a path or an fsspec URL.
        clock: time.

    Raises:
        ArchiveError: the folder cannot be used.
    """

    def __init__(self, path_or_url: str, *, clock: Clock) -> None:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - only runs with an archive need it

        self._clock = clock
        try:
            fs, root = url_to_fs(path_or_url)
        except ImportError as error:
            raise ArchiveError(
                f"report_archive cannot be opened: {clean(error)}; install it beside the tap, or name a folder"
            ) from None
        except (ValueError, OSError) as error:  # storage libraries put addresses and keys into theirs
            raise ArchiveError(
                f"report_archive cannot be opened ({type(error).__name__}): check its URL, or name a folder"
            ) from None
        self._fs: AbstractFileSystem = fs
        self._is_local = "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)
        self._root = str(root).rstrip("/")
        self._listings: dict[str, Mapping[str, Sequence[str]]] = {}

    def add(self, delivery: Delivery, headers: Mapping[str, Sequence[str]]) -> None:
        """Store a file, and then its sidecar.

        Args:
            delivery: the downloaded report.
            headers: the headers found in it, by table.

        Raises:
            ArchiveError: the file cannot be written, so its window must be read again.
        """
        request = delivery.request
        report = ArchivedReport(
            identifier=request.identifier,
            seller_id=request.seller_id,
            warehouse_id=request.warehouse_id,
            window=request.window,
            parameters=request.parameters,
            report_id=delivery.report_id,
            sha256=delivery.sha256,
            size=delivery.size,
            archived_at=self._clock.now(),
            headers={clean_name(table): [clean_name(name) for name in header] for table, header in headers.items()},
        )
        path = self._file_path(delivery.sha256)
        with _archive_errors("written"), _opened(delivery.path) as file:
            if not self._fs.exists(path):
                self._put(path, iter(lambda: file.read(CHUNK), b""))
            document = json.dumps(report.document(), indent=1, ensure_ascii=False)
            self._put(self._sidecar_path(report), [document.encode(errors="backslashreplace")])

    def add_rejected(self, delivery: Delivery, stream: str, lines: Iterable[bytes]) -> str:
        """Store the rows of a report that a stream skipped.

        Args:
            delivery: the downloaded report.
            stream: the stream.
            lines: one JSON object per row.

        Returns:
            The path.

        Raises:
            ArchiveError: they cannot be written.
        """
        path = self._path("rejected", stream, delivery.request.seller_id, f"{_sidecar_name(delivery)}.jsonl")
        with _archive_errors("written"):
            self._put(path, lines)
        return path

    def reports(self, identifiers: Iterable[str]) -> list[ArchivedReport]:
        """The archived reports of some types, the oldest first, so that the newest is read last.

        Args:
            identifiers: the report types' identifiers in the API.

        Raises:
            ArchiveError: the archive or a sidecar cannot be read.
        """
        found = [report for name in identifiers for report in self._sidecars(self._path("reports", name))]
        return sorted(found, key=lambda report: (report.archived_at, report.window, report.report_id))

    def reports_of(
        self, identifier: str, seller_id: str, *, is_wanted: Callable[[Window], bool]
    ) -> list[ArchivedReport]:
        """The archived reports of one type and seller, the oldest first; only the sidecars of wanted windows are read.

        Args:
            identifier: the report type's identifier in the API.
            seller_id: the seller.
            is_wanted: whether a window is wanted.

        Raises:
            ArchiveError: the archive or a sidecar cannot be read.
        """
        paths = [
            path
            for path in self._sidecars_by_seller(identifier).get(quote(seller_id, safe=""), ())
            if (window := _window_in(path)) is None or is_wanted(window)
        ]
        found = [report for report in map(self._sidecar, paths) if is_wanted(report.window)]
        return sorted(found, key=lambda report: (report.archived_at, report.window, report.report_id))

    def _sidecars_by_seller(self, identifier: str) -> Mapping[str, Sequence[str]]:
        """Paths of a report type's sidecars by seller, listed once for all sellers of a run."""
        if identifier not in self._listings:
            by_seller: defaultdict[str, list[str]] = defaultdict(list)
            for path in self._sidecar_paths(self._path("reports", identifier)):
                by_seller[path.split("/")[-2]].append(path)
            self._listings[identifier] = by_seller
        return self._listings[identifier]

    def check_writable(self) -> None:
        """Write a file, read it and remove it.

        Raises:
            ArchiveError: the archive cannot be written or read.
        """
        path = self._path(f"check-{uuid4()}")  # other workers do this too
        with _archive_errors("written"):
            self._put(path, [b"written"])
        with _archive_errors("read"), self._fs.open(path, "rb") as file:
            file.read()
        with _archive_errors("written"):
            self._fs.rm_file(path)

    def holds_file(self, report: ArchivedReport) -> bool:
        """Whether the archive has the file of a report.

        Raises:
            ArchiveError: the archive cannot be read.
        """
        with _archive_errors("read"):
            return bool(self._fs.exists(self._file_path(report.sha256)))

    def fetch(self, report: ArchivedReport, path: Path) -> None:
        """Copy an archived file.

        Args:
            report: the report.
            path: the copy.

        Raises:
            ArchiveError: the file is missing or damaged.
        """
        archived = self._file_path(report.sha256)
        if not self.holds_file(report):
            raise ArchiveError(f"the archived file of report {report.report_id} is missing: restore it")
        with _archive_errors("read"), self._fs.open(archived, "rb") as source, path.open("wb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)
        digest = sha256()
        with path.open("rb") as file:
            for chunk in iter(lambda: file.read(CHUNK), b""):
                digest.update(chunk)
        if digest.hexdigest() != report.sha256:
            raise ArchiveError(f"the archived file of report {report.report_id} is damaged: restore it")

    def remove_older_than(self, days: int) -> int:
        """Remove reports that were archived this many days ago or earlier, and files that no other report uses.

        Returns:
            The number of reports removed.

        Raises:
            ArchiveError: the archive cannot be read or written.
        """
        oldest = self._clock.now() - timedelta(days=days)
        removed, kept = [], set()
        for report in self._sidecars(self._path("reports")):
            if report.archived_at <= oldest:
                removed.append(report)
            else:
                kept.add(report.sha256)
        with _archive_errors("written"):
            for report in removed:
                self._fs.rm_file(self._sidecar_path(report))
            for digest in {report.sha256 for report in removed} - kept:
                if self._fs.exists(self._file_path(digest)):
                    self._fs.rm_file(self._file_path(digest))
        return len(removed)

    # Files and sidecars

    def _put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file under a temporary name and rename it, so that it is never incomplete under its own name.

        Several workers may write the same file at once: reports without rows are the same file for many sellers.
        """
        folder, part = path.rpartition("/")[0], f"{path}.{uuid4().hex}.part"
        if self._is_local:
            make_folder(Path(folder))
            make_file(Path(part))
        self._fs.makedirs(folder, exist_ok=True)
        try:
            with self._fs.open(part, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            self._fs.mv(part, path)
        except OSError:
            with suppress(OSError):
                self._fs.rm_file(part)
            raise

    def _sidecars(self, folder: str) -> Iterator[ArchivedReport]:
        return map(self._sidecar, self._sidecar_paths(folder))

    def _sidecar_paths(self, folder: str) -> list[str]:
        with _archive_errors("read"):
            return [path for path in self._fs.find(folder) if path.endswith(".json")]

    def _sidecar(self, path: str) -> ArchivedReport:
        try:
            with _archive_errors("read"), self._fs.open(path, "rb") as file:
                return ArchivedReport.from_document(json.load(file))
        except (KeyError, TypeError, ValueError) as error:
            raise ArchiveError(
                f"the archive's {path} does not describe a report ({type(error).__name__}); remove it, or set "
                "from_archive to never"
            ) from None

    def _file_path(self, digest: str) -> str:
        return self._path("files", digest[:2], digest)

    def _sidecar_path(self, report: ArchivedReport) -> str:
        return self._path("reports", report.identifier, report.seller_id, f"{_sidecar_name(report)}.json")

    def _path(self, *names: str) -> str:
        return "/".join([self._root, *map(_path_segment, names)])


@contextmanager
def _archive_errors(done: str) -> Iterator[None]:
    """Turn an error of the file system into one sentence; storage libraries put addresses and keys into theirs."""
    try:
        yield
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", "its storage does not offer that") or type(error).__name__
        raise ArchiveError(
            f"report_archive cannot be {done}: {reason}; check the path, its permissions and its space"
        ) from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a downloaded file; it is missing if the temporary folder was cleaned up."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileError(f"the downloaded file is not in the temporary folder any more ({error.strerror})") from None
    with file:
        yield file


def _path_segment(name: str) -> str:
    """A name as one segment of a path: percent-encoded; a long one is shortened and gets its hash."""
    encoded = name.encode(errors="surrogatepass")
    quoted = quote(encoded, safe="")
    if quoted.strip(".") == "":
        return quoted.replace(".", "%2E")
    if len(quoted) <= MAX_SEGMENT:
        return quoted
    suffix = next((ending for ending in (".json", ".jsonl") if quoted.endswith(ending)), "")
    return f"{quoted[: MAX_SEGMENT // 2]}~{sha256(encoded).hexdigest()[:32]}{suffix}"


def _sidecar_name(report: ArchivedReport | Delivery) -> str:
    window = report.window if isinstance(report, ArchivedReport) else report.request.window
    return f"{window.first}_{window.last}_{report.report_id}"


def _window_in(path: str) -> Window | None:
    """The window at the start of a sidecar's name (see `_sidecar_name`)."""
    first, _, rest = path.rpartition("/")[2].partition("_")
    try:
        return Window(date.fromisoformat(first), date.fromisoformat(rest.partition("_")[0]))
    except ValueError:
        return None
