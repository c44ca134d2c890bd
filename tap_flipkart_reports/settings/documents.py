"""Reading the JSON files of the command line's options."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.exceptions import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

MAX_DEPTH = 100
"""Deepest nesting of a document: the SDK and other libraries walk through it by recursion."""


def read_json(path: Path, option: str) -> dict[str, Any]:
    """The JSON object in an option's file.

    Raises:
        SettingsError: the file cannot be read; the text quotes nothing from it.
    """
    try:
        # Some editors begin a file with a byte order mark.
        text = path.read_text(encoding="utf-8-sig")
        document = json.loads(text, object_pairs_hook=_without_repetition)
    except _RepeatedNameError as error:
        raise SettingsError(f"{option} {path} names {error} twice in one object: remove one of them") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{option} {path} cannot be read: {without_content(error)}") from None
    except RecursionError:
        raise SettingsError(f"{option} {path} cannot be read: {TOO_DEEP}") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{option} {path} does not hold a JSON object")
    if is_too_deep(document):
        raise SettingsError(f"{option} {path} cannot be read: {TOO_DEEP}")
    if HALF_A_CHARACTER in text.lower() and not is_whole_text(json.dumps(document, ensure_ascii=False)):
        raise SettingsError(f"{option} {path} cannot be read: it holds an incomplete character (a lone surrogate)")
    return document


HALF_A_CHARACTER = "\\ud"
"""The beginning of a surrogate in JSON; a lone surrogate cannot be encoded."""

TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep"


class _RepeatedNameError(Exception):
    """A name appears twice in one object, so it is unclear which one is meant."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedNameError(next(repr(name) for name in names if names.count(name) > 1))
    return members


def is_too_deep(document: object) -> bool:
    """Whether a document is nested too deeply; checked level by level, without recursion."""
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def is_whole_text(text: str) -> bool:
    """Whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def without_content(error: OSError | ValueError) -> str:
    """What is wrong with a file, without quoting it."""
    if isinstance(error, FileNotFoundError):
        return os.strerror(errno.ENOENT)  # the SDK raises it without its number
    if isinstance(error, json.JSONDecodeError):
        if not error.doc.strip():
            return "it is empty; leave the option out if there is nothing to hand in"
        if error.msg == "Extra data":
            return (
                f"it is more than one JSON document: the second begins at line {error.lineno}, column {error.colno}; "
                "keep one, of several STATE messages the last"
            )
        words = error.msg[:1].lower() + error.msg[1:]  # of the parser, never of the file
        return f"it is not JSON at line {error.lineno}, column {error.colno}: {words}"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not JSON: byte {error.start + 1} is not UTF-8; save it as UTF-8"
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not JSON"
