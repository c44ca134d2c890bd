"""A ZIP of what a probe has seen, for a bug report: exchanges, findings and a profile, without secrets and persons."""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
import zipfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.commands.anonymise import anonymise
from tap_flipkart_reports.commands.api_profile import profile_of
from tap_flipkart_reports.commands.probe import RELEVANT_HEADER, document_of
from tap_flipkart_reports.exceptions import FileError, SettingsError
from tap_flipkart_reports.redaction import REDACTED, clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_flipkart_reports.adapters.exchanges import Exchange
    from tap_flipkart_reports.commands.probe_findings import TypeFinding
    from tap_flipkart_reports.commands.verdict import AssumptionVerdict

MAX_TEXT = 2000
"""Characters of a foreign text in the bundle."""

KEPT_HEADERS = frozenset({"content-type", "content-encoding", "content-length", "content-disposition", "date"})
"""That are kept of an answer, beside those that name a request or a limit."""

PROFILE = "profile.json"

LEAF = "bundle.txt"

EXPLANATION = """What `flipkart-reports probe` saw of the Report Management API.

findings.json    what was seen of each report type
verdict.json     what that says of each assumption, and the settings that follow
exchanges.json   the calls: method, path, parameters, status, some headers, bodies
profile.json     the same for `flipkart-reports simulate --bundle`
versions.json    of the tap and what it runs on

files/           the reports' files, as `flipkart-reports anonymise` copies them

Tokens, secrets, links, report ids and names of sellers are replaced; in the files everything personal or commercial is.
"""


def bundle_entries(
    findings: Sequence[TypeFinding],
    *,
    verdicts: Sequence[AssumptionVerdict],
    settings: Mapping[str, Any],
    exchanges: Sequence[Exchange],
    sellers: Sequence[str],
) -> dict[str, bytes]:
    """The files of a bundle by name.

    Args:
        findings: what was seen.
        verdicts: what that says of each assumption.
        settings: those that follow.
        exchanges: the calls.
        sellers: names that must not appear.
    """
    hidden = _Hidden([finding.report_id for finding in findings if finding.report_id], sellers)
    documents: dict[str, Any] = {
        "findings.json": [finding.document() for finding in findings],
        "verdict.json": {"assumptions": [each.document() for each in verdicts], "settings": dict(settings)},
        "exchanges.json": [_exchange(exchange, hidden) for exchange in exchanges],
        PROFILE: profile_of(findings),
        "versions.json": {
            PACKAGE: version(PACKAGE),
            "singer-sdk": version("singer-sdk"),
            "python": platform.python_version(),
            "system": platform.system(),
        },
    }
    entries = {LEAF: EXPLANATION.encode()}
    for name, document in documents.items():
        entries[name] = json.dumps(hidden.replaced(document), indent=1, ensure_ascii=False).encode() + b"\n"
    return entries


def anonymous_files(files: Mapping[str, Path]) -> dict[str, bytes]:
    """Anonymised copies of the files of report types, by their names in a bundle; what cannot be copied is left out.

    Args:
        files: where the file of each report type is.
    """
    entries: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as work:
        for name, path in files.items():
            source, copies = Path(work) / name, Path(work) / f"copies of {name}"
            shutil.copyfile(path, source)
            with suppress(FileError, SettingsError):
                for copied in anonymise([source], copies):
                    entries[f"files/{copied.copy.name}"] = copied.copy.read_bytes()
    return entries


def write_bundle(path: Path, entries: Mapping[str, bytes]) -> None:
    """Write a bundle.

    Raises:
        OSError: it cannot be written.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


class _Hidden:
    """Names that are replaced wherever they stand: report ids and sellers."""

    def __init__(self, report_ids: Sequence[str], sellers: Sequence[str]) -> None:
        names = {text: f"REPORT-{number}" for number, text in enumerate(dict.fromkeys(report_ids), 1)}
        names |= {text: f"SELLER-{number}" for number, text in enumerate(dict.fromkeys(sellers), 1)}
        self._names = dict(sorted(names.items(), key=lambda item: -len(item[0])))

    def replaced(self, value: Any) -> Any:  # noqa: ANN401 - a JSON document
        """A JSON document without them."""
        if isinstance(value, str):
            for text, name in self._names.items():
                value = value.replace(text, name)
            return value
        if isinstance(value, dict):
            return {self.replaced(str(key)): self.replaced(member) for key, member in value.items()}
        return [self.replaced(each) for each in value] if isinstance(value, (list, tuple)) else value


def _exchange(exchange: Exchange, hidden: _Hidden) -> dict[str, Any]:
    is_link = exchange.call == "download"
    document = document_of(exchange)
    body = (
        _safe(document, hidden)
        if document is not None
        else clean(exchange.body.decode("utf-8", "replace"), limit=MAX_TEXT)
    )
    return {
        "call": exchange.call,
        "method": exchange.method,
        "path": REDACTED if is_link else exchange.path,
        "sent": _safe(exchange.sent, hidden),
        "had_token": exchange.had_token,
        "at": exchange.at.isoformat(),
        "status": exchange.status,
        "headers": {
            name: clean(value)
            for name, value in exchange.headers.items()
            if name.lower() in KEPT_HEADERS or RELEVANT_HEADER.search(name)
        },
        "body": REDACTED if exchange.call == "token" and exchange.status == 200 else body,  # noqa: PLR2004 - the status that carries a token
        "fault": exchange.fault,
    }


def _safe(value: object, hidden: _Hidden) -> object:
    """A JSON document without links and without anything that looks like a secret."""
    if isinstance(value, str):
        return _safe_text(value, hidden)
    if isinstance(value, dict):
        return {clean(name): _safe(member, hidden) for name, member in value.items()}
    return [_safe(each, hidden) for each in value] if isinstance(value, list) else value


def _safe_text(text: str, hidden: _Hidden) -> str:
    if "://" in text:
        parts = urlsplit(text)
        return f"{parts.scheme}://{parts.hostname or REDACTED}/{REDACTED}"
    named = hidden.replaced(text)
    return str(named) if named != text else clean(text, limit=MAX_TEXT)
