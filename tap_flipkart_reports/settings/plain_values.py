"""Normalises a configuration from files, the environment, Meltano or a program."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.settings.values import CONFIG_JSONSCHEMA, OWN_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping


def plain_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without nulls and surrounding white space, and with plain numbers.

    A null means an absent setting, at any depth that the schema describes; objects that are passed on, such as a
    trigger's parameters, keep their nulls. Numbers are texts in the environment, decimals from the SDK, and whole
    numbers may be `4.0`. A value that cannot be converted is left for the schema to reject.
    """
    return {
        name: _plain(_number_in_text(value, _schema_of(name)), _schema_of(name))
        for name, value in config.items()
        if value is not None
    }


def _schema_of(name: str) -> Mapping[str, Any]:
    """The schema of a setting; for the SDK's own only its number types, as null removes a stream in stream maps."""
    schema: Mapping[str, Any] = CONFIG_JSONSCHEMA["properties"].get(name, {})
    if name in OWN_SETTINGS:
        return schema
    return {"type": [kind for kind in schema.get("type", ()) if kind in {"integer", "number"}]}


def _plain(value: object, schema: Mapping[str, Any]) -> object:
    """A value without nulls and decimals, where the schema describes it."""
    if isinstance(value, dict):
        return {
            name: _plain(member, _schema_of_member(schema, name))
            for name, member in value.items()
            if member is not None or not _schema_of_member(schema, name)
        }
    if isinstance(value, list):
        return [_plain(item, schema.get("items", {})) for item in value]
    if isinstance(value, str):
        return value.strip() if "string" in schema.get("type", ()) else value
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and "integer" in schema.get("type", ()) and value.is_integer():
        return int(value)
    return value


def _schema_of_member(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The schema of an object's member; empty if there is none."""
    others = schema.get("additionalProperties")
    found = schema.get("properties", {}).get(name, others)
    return found if isinstance(found, dict) else {}


def _number_in_text(value: object, schema: Mapping[str, Any]) -> object:
    types = schema.get("type", ())
    if not isinstance(value, str) or not {"number", "integer"} & set(types):
        return value
    try:
        return float(value) if "number" in types else int(value)
    except ValueError:
        return value
