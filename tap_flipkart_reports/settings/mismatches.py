"""Settings that do not fit their schema, in words; numbers that come as text or as 4.0."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.settings.schema import CONFIG_JSONSCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import ValidationError


def describe_mismatch(error: ValidationError) -> str:
    """What a setting's value should be, in words that never show the value: it may be a secret.

    Args:
        error: a mismatch between a configuration and `CONFIG_JSONSCHEMA`.
    """
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    expected: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if error.validator == "type":
        words = [expected] if isinstance(expected, str) else expected
        return f"{where} must be of type {' or '.join(word for word in words if word != 'null')}"
    if error.validator == "enum":
        return f"{where} must be one of {', '.join(str(word) for word in expected if word is not None)}"
    if error.validator == "required":
        missing = [name for name in expected if name not in instance]
        return f"{where} lacks {', '.join(missing)}"
    if error.validator == "additionalProperties":
        unknown = sorted(set(instance) - set(schema.get("properties", {})))
        return f"{where} has members that are not known: {', '.join(unknown)}"
    if error.validator in {"minimum", "exclusiveMinimum"}:
        return f"{where} must be {'at least' if error.validator == 'minimum' else 'more than'} {expected}"
    return f"{where} does not fit: {error.validator} {expected}"


def with_numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with plain numbers: from the environment they come as text, from the SDK as decimals."""
    return {name: _number(name, _without_decimals(value)) for name, value in config.items()}


def _without_decimals(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_decimals(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_decimals(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value


def _number(name: str, value: object) -> object:
    types = CONFIG_JSONSCHEMA["properties"].get(name, {}).get("type", ())
    if isinstance(value, str) and {"number", "integer"} & set(types):
        try:
            return float(value) if "number" in types else int(value)
        except ValueError:
            return value
    return value
