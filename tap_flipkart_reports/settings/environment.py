"""Settings in environment variables and in the `.env` file of the working folder."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import load_dotenv
from singer_sdk.configuration._dict_config import TRUTHY, parse_environment_config

from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.settings.credentials import KEY_VARIABLE
from tap_flipkart_reports.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOGGER = logging.getLogger("tap-flipkart-reports.settings")

FALSY = ("false", "0", "no", "off")

MELTANO_EXTRA = "_"
"""Begins the names of Meltano's own settings of a plugin, behind the prefix, such as `_SELECT`."""

_KINDS = {
    "array": "it is not a JSON array, such as [] or [{}]",
    "object": "it is not a JSON object, such as {}",
    "boolean": f"it is none of {', '.join((*TRUTHY, *FALSY))}",
    "integer": "it is not a whole number",
}
"""What is wrong with a variable, by what its setting should be."""


def read_environment(properties: Mapping[str, Any], *, prefix: str) -> dict[str, Any]:
    """The settings in environment variables; the log names variables that look like one and are none.

    Args:
        properties: the settings' JSON Schemas, by name.
        prefix: the prefix of the variables' names.

    Raises:
        SettingsError: a variable cannot be read as its setting; its value is not shown.
    """
    _load_dotenv()
    logging.getLogger(parse_environment_config.__module__).setLevel(logging.WARNING)  # it names each variable it reads
    config: dict[str, Any] = {}
    for name, schema in properties.items():
        variable = _variable(name, prefix=prefix)
        if (text := os.environ.get(variable)) is None:
            continue
        kinds = set(schema["type"])
        if not text.strip() and "string" not in kinds:
            raise SettingsError(f"{variable} in the environment is blank: give it a value, or unset it")
        try:
            read = parse_environment_config({"properties": {name: schema}}, prefix, os.devnull)
        except (ValueError, RecursionError):
            read = {}
        if not read or ("boolean" in kinds and text.lower() not in TRUTHY + FALSY):  # the SDK reads any word as false
            words = next(words for kind, words in _KINDS.items() if kind in kinds)
            raise SettingsError(f"{variable} in the environment cannot be read: {words}")
        config |= read
    for words in _unknown_variables(properties, prefix=prefix):
        LOGGER.warning("%s", words)
    return config


def _unknown_variables(properties: Mapping[str, Any], *, prefix: str) -> Iterator[str]:
    """A sentence for each variable that looks like a setting and is none: a misspelt budget limits nothing."""
    known = {_variable(name, prefix=prefix) for name in properties}
    # Meltano names a member of an object after the object: `…_BATCH_CONFIG_ENCODING`.
    objects = tuple(
        f"{_variable(name, prefix=prefix)}_" for name, schema in properties.items() if "object" in schema["type"]
    )
    for variable in sorted(os.environ):
        is_ours = variable.startswith(prefix) and not variable.startswith((prefix + MELTANO_EXTRA, *objects))
        if is_ours and variable not in known and variable != KEY_VARIABLE:
            yield f"{variable} in the environment is not a setting and has no effect{did_you_mean(variable, known)}"


def _variable(name: str, *, prefix: str) -> str:
    return prefix + name.upper()


def _load_dotenv() -> None:
    """Put the variables in the working folder's `.env` into the environment, unless they are set already.

    The SDK looks for the file next to its own code, where it does not exist.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        load_dotenv(Path.cwd() / ".env")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f".env in the working folder cannot be read: {reason}") from None
