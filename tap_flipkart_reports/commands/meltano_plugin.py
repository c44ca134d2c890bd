"""The tap as a plugin of a Meltano project, in YAML. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KINDS = {
    "array": "array",
    "boolean": "boolean",
    "integer": "integer",
    "number": "string",  # Meltano has no `number`, and 4.4 crashes on a `decimal` that comes from the environment
    "object": "object",
    "string": "string",
}
"""Meltano's names of JSON types."""


def setting_lines(settings: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Definitions of settings as Meltano wants them.

    Args:
        settings: JSON Schemas by name.
    """
    for name, schema in settings.items():
        choices = [choice for choice in schema.get("enum", ()) if choice is not None]
        kind = KINDS[next(word for word in schema["type"] if word != "null")]
        yield from (f"- name: {name}", f"  label: {schema['title']}", f"  kind: {'options' if choices else kind}")
        if choices:
            yield from ("  options:", *(f"  - {{label: {choice}, value: {choice}}}" for choice in choices))
        if "default" in schema:
            yield f"  value: {json.dumps(schema['default'])}"
        if schema.get("secret"):
            yield "  sensitive: true"
        yield f"  description: {json.dumps(schema['description'], ensure_ascii=False)}"


CAPABILITIES = (
    "about",
    "batch",
    "catalog",
    "discover",
    "schema-flattening",
    "state",
    "stream-maps",
    "structured-logging",
)

COMMANDS = ("doctor", "probe", "plan", "coverage", "sellers", "authorize")
"""Commands of `flipkart-reports` that run inside a project, with its settings and its `.env`."""

TARGETS: Mapping[str, tuple[str, ...]] = {
    "target-duckdb": (
        "namespace: target_duckdb",
        "# Both pins and add_metadata_columns are needed: with any newer duckdb this target silently drops rows.",
        "pip_url: target-duckdb==0.8.0 duckdb==1.1.3",
        "settings:",
        "- {name: path, value: output/warehouse.duckdb}",
        "- {name: default_target_schema, value: main}",
        "- {name: add_metadata_columns, kind: boolean, value: true}",
    ),
    "target-postgres": (
        "namespace: target_postgres",
        "pip_url: meltanolabs-target-postgres==0.8.1",
        "settings:",
        "- {name: host, value: 127.0.0.1}",
        "- {name: port, kind: integer, value: 5432}",
        "- {name: user}",
        "- {name: password, kind: string, sensitive: true}",
        "- {name: database}",
        "- {name: default_target_schema, value: flipkart}",
    ),
    "target-jsonl": (
        "namespace: target_jsonl",
        "pip_url: target-jsonl==0.1.4",
        "settings:",
        "- {name: destination_path, value: output}",
        "- {name: do_timestamp_file, kind: boolean, value: false}",
    ),
}
"""Loaders that a new project may begin with."""


def project(
    *,
    settings: Mapping[str, Mapping[str, Any]],
    config: Mapping[str, Any],
    streams: list[str],
    target: str | None,
    pip_url: str,
) -> str:
    """A `meltano.yml` with the tap, and a loader if one is chosen.

    Args:
        settings: JSON Schemas of the tap's settings by name.
        config: values of settings, none of them a secret.
        streams: those that are selected; empty for all.
        target: one of `TARGETS`.
        pip_url: what pip installs the tap from.
    """
    lines = [
        "project_id: flipkart-reports",
        "default_environment: prod",  # `meltano run` refuses a project without an environment
        "send_anonymous_usage_stats: false",
        "environments:",
        "- name: prod",
        "plugins:",
        "  extractors:",
        "  - name: tap-flipkart-reports",
        "    namespace: tap_flipkart_reports",
        "    executable: tap-flipkart-reports",
        f"    pip_url: {json.dumps(pip_url)}",
        "    capabilities:",
        *(f"    - {name}" for name in CAPABILITIES),
        "    commands:",
        *(f"      {name}: {{executable: flipkart-reports, args: {name} --config ENV}}" for name in COMMANDS),
        "      test: {args: --config ENV --test}",
        "    config:",
        *(f"      {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in config.items()),
        "    select:",
        *(f'    - "{stream}.*"' for stream in streams or ["*"]),
        "    settings:",
        *(f"    {line}" for line in setting_lines(settings)),
    ]
    if target is not None:
        lines += ["  loaders:", f"  - name: {target}", *(f"    {line}" for line in TARGETS[target])]
    return "\n".join(lines) + "\n"
