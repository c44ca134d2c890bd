"""JSON documents that options name."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.exceptions import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path, option: str) -> dict[str, Any]:
    """The JSON object in a file that an option names.

    Raises:
        SettingsError: it cannot be read, in words that show nothing of what stands in it.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{option} {path} cannot be read: {without_content(error)}") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{option} {path} holds no JSON object")
    return document


def without_content(error: OSError | ValueError) -> str:
    """What is wrong with a file, without what stands in it."""
    if isinstance(error, FileNotFoundError):
        return os.strerror(errno.ENOENT)  # the SDK raises it without its number
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is not JSON"
