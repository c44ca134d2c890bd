"""The answer to an accepted trigger: its report id, and a copy without secrets. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.redaction import KNOWN_SECRETS, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_flipkart_reports.adapters.answers import Answer

REPORT_ID_PATH = "report_id"
"""Where the report id is according to the API reference."""

MAX_ID_LENGTH = 255
"""The length of the ledger's column."""

MAX_EXACT = 2**53
"""Beyond this, different whole numbers may be the same float."""

MAX_KEPT = 64 * 1024
"""Characters of an answer that the ledger keeps."""

_SECRET_NAME = re.compile(r"token|secret|password|signature|authorization|key", re.IGNORECASE)
_IS_LINK = re.compile(r"://|\?[^\s?=]{1,200}=")


def is_broken(answer: Answer) -> bool:
    """Whether the body of an answer is missing or truncated: empty, or the beginning of a JSON document."""
    text = answer.text().strip()
    return not text or (text.startswith(("{", "[")) and _document(text) is None)


def report_id_in(answer: str, *, path: str) -> str | None:
    """The report id in an answer, `None` if it is not where it should be.

    Args:
        answer: the body.
        path: names of members and indexes of list items, separated by full stops.
    """
    value = _document(answer)
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdecimal() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            return None
    return _id(value)


def _id(value: object) -> str | None:
    """An id from a text that can be part of a path, or from a whole number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) < MAX_EXACT else None
    if isinstance(value, int):
        return str(value) if abs(value) < 10**MAX_ID_LENGTH else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    is_usable = 0 < len(text) <= MAX_ID_LENGTH and text.isprintable() and text not in {".", ".."}
    return text if is_usable else None


def answer_without_secrets(answer: Answer, secrets: Iterable[str]) -> str:
    """An answer without secrets and links, from which the id can still be read later.

    Args:
        answer: the answer to an accepted trigger.
        secrets: further texts to remove, besides those that this process knows.
    """
    text = answer.text()
    try:
        document = _document(text)
        kept = text if document is None else json.dumps(_without_secrets(document), ensure_ascii=False)
    except RecursionError:
        document, kept = None, text
    if document is None:
        kept = scrub(kept[:MAX_KEPT], secrets)
    for secret in filter(None, secrets):
        kept = kept.replace(secret, "…")
    return "".join(char if char.isprintable() else " " for char in KNOWN_SECRETS.removed_from(kept[:MAX_KEPT]))


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: "…" if _SECRET_NAME.search(name) else _without_secrets(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return "…" if isinstance(value, str) and _IS_LINK.search(value) else value


def _document(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
