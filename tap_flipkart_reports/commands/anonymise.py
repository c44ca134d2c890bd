"""Copies of files that can be shown to others: everything personal or commercial in them is replaced.

The same value gets the same stand-in in all files of one call, so joins still hold, and amounts are all multiplied by
one number, so sums do. Headers, sheets, formats, kinds of cells and quirks stay.
"""

from __future__ import annotations

import gzip
import re
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tap_flipkart_reports.commands.anonymous_columns import SheetPlan, plan_sheets
from tap_flipkart_reports.commands.anonymous_text import copy_text
from tap_flipkart_reports.commands.anonymous_values import Disguise
from tap_flipkart_reports.commands.anonymous_xlsx import copy_workbook
from tap_flipkart_reports.exceptions import FileError, SettingsError
from tap_flipkart_reports.files.containers import is_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence

_GZIP, _ZIP = b"\x1f\x8b", b"PK"
_QUARTER = re.compile(r"_Q[1-4]_FY_[0-9]{2}_[0-9]{2}", re.IGNORECASE)
CHUNK = 2**18


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A file and its copy.

    Attributes:
        source: the file.
        copy: its copy.
        strange: headers in it that no report is known to have.
    """

    source: Path
    copy: Path
    strange: tuple[str, ...]


@dataclass(kw_only=True)
class _FileCopier:
    """Copies the files of one call, with the same stand-ins in all of them.

    Attributes:
        replaces_headers: whether words that no known header has are replaced.
        disguise: the stand-ins.
        given: number of copies so far, by the first part of their names.
        strange: headers of the files so far that no known report has.
    """

    replaces_headers: bool
    disguise: Disguise = field(default_factory=Disguise)
    given: dict[str, int] = field(default_factory=dict)
    strange: dict[str, None] = field(default_factory=dict)

    def name(self, original: str, what: str | None) -> str:
        """A name for a copy."""
        stem = what or "file"
        self.given[stem] = self.given.get(stem, 0) + 1
        quarter = _QUARTER.search(original)
        endings = re.search(r"(?:\.(?:csv|tsv|txt|xlsx|zip|gz))+\Z", original, re.IGNORECASE)
        return f"{stem}-{self.given[stem]}{quarter[0] if quarter else ''}{endings[0].lower() if endings else ''}"

    def copy(self, path: Path, work: Path) -> tuple[str | None, Path]:
        """Copy a file into a folder. Returns its report type, if known, and the copy."""
        what, plans = plan_sheets(path, replaces_headers=self.replaces_headers)
        copy = _fresh(work)
        with path.open("rb") as source, copy.open("wb") as out:
            start = source.read(2)
            source.seek(0)
            if start == _GZIP:
                unpacked = _fresh(work)
                with gzip.GzipFile(fileobj=source) as packed, unpacked.open("wb") as spool:
                    _pour(packed, spool)
                _, inner = self.copy(unpacked, work)
                with inner.open("rb") as ready, gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0) as packing:
                    _pour(ready, packing)
                return what, copy
            if start == _ZIP and not _is_workbook(source):
                self._copy_members(source, out, work)
                return what, copy
            self.strange |= dict.fromkeys(header for plan in plans.values() for header in plan.strange)
            if start == _ZIP:
                copy_workbook(source, out, plans, self.disguise)
            else:
                copy_text(source, out, plans.get("", SheetPlan()), self.disguise)
        return what, copy

    def _copy_members(self, source: IO[bytes], out: IO[bytes], work: Path) -> None:
        """An archive of files, each copied by itself."""
        with zipfile.ZipFile(source) as archive, zipfile.ZipFile(out, "w") as packing:
            for info in archive.infolist():
                if info.is_dir() or info.filename.startswith("__MACOSX/"):
                    continue
                member = _fresh(work)
                with archive.open(info) as packed, member.open("wb") as spool:
                    _pour(packed, spool)
                what, inner = self.copy(member, work)
                target = zipfile.ZipInfo(self.name(info.filename, what))
                target.compress_type = info.compress_type
                with inner.open("rb") as ready, packing.open(target, "w", force_zip64=True) as written:
                    _pour(ready, written)


def _fresh(work: Path) -> Path:
    """A new file name in a folder."""
    return work / str(len(list(work.iterdir())))


def _is_workbook(source: IO[bytes]) -> bool:
    with zipfile.ZipFile(source) as archive:
        return is_workbook(archive)


def anonymise(paths: Sequence[Path], folder: Path, *, replaces_headers: bool = False) -> list[Copied]:
    """Copy files, everything personal or commercial in them replaced.

    Args:
        paths: the files.
        folder: the folder for the copies, which get new names.
        replaces_headers: whether words of headers are replaced, too, that no known header has.

    Raises:
        SettingsError: there is no such file, or the folder cannot be written to.
        FileError: a file cannot be read; the copies made before it are there.
    """
    for path in paths:
        if not path.is_file():
            raise SettingsError(f"{path} is not a file")
    copier, copies = _FileCopier(replaces_headers=replaces_headers), []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            copier.strange.clear()
            with tempfile.TemporaryDirectory(dir=folder) as work:
                try:
                    what, copy = copier.copy(path, Path(work))
                except FileError as error:
                    raise FileError(f"{path}: {error}") from error
                target = folder / copier.name(path.name, what)
                if target.exists():
                    raise SettingsError(f"{target} is there already; name another folder")
                copy.replace(target)
            copies.append(Copied(source=path, copy=target, strange=tuple(copier.strange)))
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written to: {error.strerror}") from error
    return copies


def _pour(source: IO[bytes] | gzip.GzipFile, out: IO[bytes] | gzip.GzipFile) -> None:
    try:
        while chunk := source.read(CHUNK):
            out.write(chunk)
    except (EOFError, zipfile.BadZipFile) as error:
        raise FileError(f"the file is packed and damaged: {error}") from error
