"""Values of a configuration that do not fit its schema; messages never quote a value, which may be a secret."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from tap_flipkart_reports.settings.documents import is_whole_text
from tap_flipkart_reports.settings.suggestions import did_you_mean
from tap_flipkart_reports.settings.values import CONFIG_JSONSCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jsonschema import ValidationError


def find_mismatches(config: dict[str, Any]) -> list[str]:
    """One sentence for each value that does not fit; also fills in defaults.

    Args:
        config: the configuration, with plain values.
    """
    found = [f"{_path_text(path)} {mismatch}" for path, mismatch in _unusable(config, ())]
    found = found or [
        _sentence_for(error) for error in DEFAULT_JSONSCHEMA_VALIDATOR(CONFIG_JSONSCHEMA).iter_errors(config)
    ]
    if not found:  # filling in defaults needs valid objects
        any(JSONSchemaValidator(CONFIG_JSONSCHEMA).iter_errors(config))
    return found


def _unusable(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Values that no schema rejects: NaN passes every limit, and a lone surrogate cannot be encoded."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path, "is not a finite number"
    elif isinstance(value, str) and not is_whole_text(value):
        yield path, "holds an incomplete character (a lone surrogate)"
    elif isinstance(value, (dict, list)):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str) and not is_whole_text(name):
                yield path, "has a member whose name holds an incomplete character (a lone surrogate)"
            else:
                yield from _unusable(member, (*path, name))


def _path_text(path: Iterable[str | int]) -> str:
    """The path of a value, such as `sellers[1].refresh_token`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _sentence_for(error: ValidationError) -> str:
    expected: Any = error.validator_value
    return f"{_path_text(error.absolute_path) or 'the configuration'} {_mismatch(error, expected)}"


def _mismatch(error: ValidationError, expected: Any) -> str:  # noqa: ANN401 - its type depends on the rule of JSON Schema
    if error.validator == "type":
        words = [expected] if isinstance(expected, str) else expected
        return (
            f"must be of type {' or '.join(word for word in words if word != 'null')}, not {_kind_of(error.instance)}"
        )
    if error.validator == "enum":
        return f"must be one of {', '.join(str(word) for word in expected if word is not None)}"
    instance: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        return f"lacks {', '.join(name for name in expected if name not in instance)}"
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        first, *others = unknown = sorted(set(instance) - set(known))
        return f"has members that are not known: {', '.join(unknown)}{'' if others else did_you_mean(first, known)}"
    words_of_rule = _RULES.get(str(error.validator), "does not fit: {rule} {expected}")
    return words_of_rule.format(expected=expected, rule=error.validator)


def _kind_of(value: object) -> str:
    """The JSON type of a value; the value itself may be a misplaced secret."""
    return next((word for kind, word in _KINDS.items() if isinstance(value, kind)), "null")


_KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

_RULES = {
    "minimum": "must be at least {expected}",
    "exclusiveMinimum": "must be more than {expected}",
    "maximum": "must be at most {expected}",
    "minLength": "is blank: give it a value, or leave it out",
    "maxLength": "must have at most {expected} characters",
    "pattern": "holds a line break or another control character",
}
