"""Settings in environment variables and in the `.env` file of the working folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import load_dotenv
from singer_sdk.configuration._dict_config import parse_environment_config

from tap_flipkart_reports.exceptions import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_environment(properties: Mapping[str, Any], *, prefix: str) -> dict[str, Any]:
    """The settings in environment variables.

    Args:
        properties: the settings' JSON Schemas, by name.
        prefix: the prefix of the variables' names.

    Raises:
        SettingsError: a variable cannot be read as its setting; its value is not shown.
    """
    _load_dotenv()
    config: dict[str, Any] = {}
    for name, schema in properties.items():
        try:
            config |= parse_environment_config({"properties": {name: schema}}, prefix, os.devnull)
        except (ValueError, RecursionError):  # noqa: PERF203 - each setting is named on its own
            kinds = " or ".join(kind for kind in schema["type"] if kind != "null")
            raise SettingsError(
                f"{prefix}{name.upper()} in the environment cannot be read: {name} must be of type {kinds}, lists and "
                "objects as JSON"
            ) from None
    return config


def _load_dotenv() -> None:
    """Put the variables in the working folder's `.env` into the environment, unless they are set already.

    The SDK looks for the file next to its own code, where nobody has one.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        load_dotenv(Path.cwd() / ".env")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f".env in the working folder cannot be read: {reason}") from None
