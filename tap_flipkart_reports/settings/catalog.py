"""Checks a catalog before it is used, and compares it with the settings. Pure.

Keys, types and replication come from the settings. A catalog selects streams and columns; if it contradicts the
settings otherwise, it is refused.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.exceptions import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

MAX_LISTED = 3

REPLICATION_METHOD = "INCREMENTAL"

LISTS = (list, tuple)
"""Types of lists: a catalog that the SDK has made in this process has tuples."""

OWN_METHODS = (None, REPLICATION_METHOD)

REFRESH = "discover again (with Meltano: --refresh-catalog)"


def well_formed_catalog(document: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog, reduced to the members that are used, and with the selection in its metadata.

    Older tools put `selected` into the schema; it is moved to the metadata.

    Raises:
        SettingsError: the catalog is malformed or selects nothing explicitly; the text names the members.
    """
    mistakes = list(islice(_mistakes(document), MAX_LISTED + 1))
    if mistakes:
        raise SettingsError(f"the catalog cannot be used: {joined(mistakes)}; {REFRESH}")
    return {"streams": [_reduced(entry) for entry in document["streams"]]}


def refuse_foreign(catalog: Collection[str] | None, streams: Collection[str]) -> None:
    """Refuse the catalog of another tap, from which a run would load nothing and end well.

    Args:
        catalog: the streams of the catalog, `None` without one.
        streams: the tap's streams.

    Raises:
        SettingsError: it has streams, but none of this tap.
    """
    if catalog and not set(catalog) & set(streams):
        names = ", ".join(sorted(catalog)[:MAX_LISTED]) + (", and more" if len(catalog) > MAX_LISTED else "")
        raise SettingsError(f"the catalog cannot be used: it has none of this tap's streams, but {names}; {REFRESH}")


def joined(mistakes: Sequence[str]) -> str:
    """The first mistakes, joined to one sentence."""
    return "; ".join(mistakes[:MAX_LISTED]) + (", and more" if len(mistakes) > MAX_LISTED else "")


def _mistakes(document: Mapping[str, Any]) -> Iterator[str]:
    entries = document.get("streams")
    if not isinstance(entries, LISTS):
        yield "streams is not a list"
        return
    names: set[str] = set()
    for number, entry in enumerate(entries):
        path = f"streams[{number}]"
        if not isinstance(entry, dict):
            yield f"{path} is not an object"
            continue
        name = entry.get("tap_stream_id")
        if not isinstance(name, str) or not name:
            yield f"{path}.tap_stream_id is not a text"
        elif name in names:
            yield f"{path}: {name} appears twice"
        else:
            names.add(name)
        yield from _mistakes_of_entry(entry, path)


def _mistakes_of_entry(entry: Mapping[str, Any], path: str) -> Iterator[str]:
    if not _is_names(entry.get("key_properties")):
        yield f"{path}.key_properties is not a list of texts"
    for member in ("replication_key", "replication_method"):
        if not _is_text(entry.get(member)):
            yield f"{path}.{member} is not a text"
    schema, metadata = entry.get("schema", {}), entry.get("metadata")
    properties = schema.get("properties", {}) if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not all(isinstance(each, dict) for each in properties.values()):
        yield f"{path}.schema is not the schema of an object"
    elif not all(_is_kinds(each.get("type")) and _is_text(each.get("format")) for each in properties.values()):
        yield f"{path}.schema has a column with an invalid type"
    elif not metadata and "selected" not in schema:
        yield f"{path} has no metadata, so it is not said whether it is selected"
    if metadata is not None and not isinstance(metadata, LISTS):
        yield f"{path}.metadata is not a list"
        return
    for number, each in enumerate(metadata or ()):
        yield from _mistakes_of_metadata(each, f"{path}.metadata[{number}]")


def _mistakes_of_metadata(entry: object, path: str) -> Iterator[str]:
    if not isinstance(entry, dict) or not isinstance(entry.get("metadata"), dict):
        yield f"{path} is not an object of breadcrumb and metadata"
        return
    breadcrumb, metadata = entry.get("breadcrumb"), entry["metadata"]
    if not isinstance(breadcrumb, LISTS) or not _is_names(breadcrumb) or len(breadcrumb) % 2:
        yield f"{path}.breadcrumb is not a list of texts such as [] or [properties, order_id]"
    for member in ("selected", "selected-by-default"):
        if not isinstance(metadata.get(member), (bool, type(None))):
            yield f"{path}.metadata.{member} is not true or false"
    if metadata.get("inclusion") not in (None, "available", "automatic", "unsupported"):
        yield f"{path}.metadata.inclusion is not available, automatic or unsupported"
    if not _is_names(metadata.get("table-key-properties")):
        yield f"{path}.metadata.table-key-properties is not a list of texts"
    for member in ("replication-key", "replication-method", "forced-replication-method"):
        if not _is_text(metadata.get(member)):
            yield f"{path}.metadata.{member} is not a text"


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_kinds(value: object) -> bool:
    return isinstance(value, str) or _is_names(value)


def _is_names(value: object) -> bool:
    return value is None or (isinstance(value, LISTS) and all(isinstance(name, str) for name in value))


def _reduced(entry: Mapping[str, Any]) -> dict[str, Any]:
    schema = entry.get("schema", {})
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    members = ("tap_stream_id", "key_properties", "replication_key")
    metadata = _with_selection(entry.get("metadata") or [], schema, properties)
    root = _root_of(metadata)
    methods = [entry.get("replication_method"), root.get("forced-replication-method"), root.get("replication-method")]
    return {
        **{member: entry[member] for member in members if entry.get(member) is not None},
        "replication_method": next((method for method in methods if method not in OWN_METHODS), REPLICATION_METHOD),
        "stream": entry["tap_stream_id"],
        "schema": {
            "type": "object",
            "properties": {
                name: {member: each[member] for member in ("type", "format") if member in each}
                for name, each in properties.items()
            },
        },
        "metadata": metadata,
    }


def _with_selection(
    metadata: Sequence[Mapping[str, Any]], schema: Mapping[str, Any], properties: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The metadata, with the schema's selection where the metadata has none."""
    entries = {tuple(entry["breadcrumb"]): dict(entry["metadata"]) for entry in metadata}
    from_schema: dict[tuple[str, ...], Mapping[str, Any]] = {
        ("properties", name): each for name, each in properties.items()
    }
    from_schema[()] = schema
    for breadcrumb, schema_entry in from_schema.items():
        if isinstance(schema_entry.get("selected"), bool):
            entry = entries.setdefault(breadcrumb, {"inclusion": "available"})
            if entry.get("selected") is None:
                entry["selected"] = schema_entry["selected"]
    return [{"breadcrumb": list(breadcrumb), "metadata": entry} for breadcrumb, entry in entries.items()]


def _root_of(metadata: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The metadata of the stream itself."""
    return next((entry["metadata"] for entry in metadata if not entry["breadcrumb"]), {})


def differences(
    entry: Mapping[str, Any], *, schema: Mapping[str, Any], key_properties: Sequence[str], replication_key: str
) -> list[str]:
    """How an entry of a well-formed catalog differs from the stream, as clauses.

    Args:
        entry: the stream's entry.
        schema: the stream's schema.
        key_properties: the stream's key.
        replication_key: the stream's replication key.
    """
    root = _root_of(entry["metadata"])
    found = [
        f"its key is {_listed(key)} in the catalog and {_listed(key_properties)} by the settings"
        for key in (entry.get("key_properties"), root.get("table-key-properties"))
        if key is not None and set(key) != set(key_properties)
    ]
    found += [
        f"its replication key is {key} in the catalog, and the tap has only {replication_key}"
        for key in (entry.get("replication_key"), root.get("replication-key"))
        if key not in {None, replication_key}
    ]
    if entry.get("replication_method") not in OWN_METHODS:
        found.append(f"its replication method is {entry['replication_method']}, and the tap has only INCREMENTAL")
    columns = entry["schema"]["properties"]
    found += [
        f"the type of {name} is {_type(columns[name])} in the catalog and {_type(own)} by the settings"
        for name, own in schema["properties"].items()
        if name in columns and "type" in columns[name] and _type(columns[name]) != _type(own)
    ]
    return list(dict.fromkeys(found))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "empty"


def _type(schema: Mapping[str, Any]) -> str:
    """A column's type without null, with its format."""
    kinds = schema.get("type", [])
    words = sorted(kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null")
    return " or ".join([*words, *([schema["format"]] if "format" in schema else [])]) or "anything"
