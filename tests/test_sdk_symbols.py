"""The SDK's inner workings that the tap relies on are those that were read when it was written.

This module also runs on the SDK's newest release, betas included: `uv run just sdk-next`.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk import Stream, Tap
from support.programs import ROOT

from tap_flipkart_reports.streams import ReportStream
from tap_flipkart_reports.tap import TapFlipkartReports

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = ROOT / "tap_flipkart_reports"
BASES: dict[str, tuple[type, type]] = {"Stream": (Stream, ReportStream), "Tap": (Tap, TapFlipkartReports)}

READ: dict[str, set[str]] = {
    "Stream._sync_records": {"8928dc7f50e9bf57", "cb3de30fd4d76398"},
    "Stream._process_record": {"8529b9f3ce2f849d"},
    "Stream._write_record_message": {"292b7bed39883bd9"},
    "Stream._generate_record_messages": {"9b5f9fbcdedb7a1a", "32cfecc1136aa831"},
    "Stream._increment_stream_state": {"cabc0edb2fd4f000"},
    "Stream._write_starting_replication_value": {"0a24e5d05cd5353c"},
    "Stream._write_state_message": {"f82ecd8d16986823"},
    "Stream._sync_batches": {"a42df0f3a08779dc"},
    "Stream.get_batches": {"a30339d2f28a2f9b", "dd0f50acf9b8b7af"},
    "Stream.apply_catalog": {"c1809c2cdad3f115"},
    "Tap.load_state": {"038849ff1971bf3d"},
    "Tap._validate_config": {"0584b9e347e353fa", "33b44786025e35c0"},
    "Tap._env_var_config": {"4e00272a5767a9a1", "50b2066535941e31"},
    "Tap._handle_termination": {"2bb79ae47769883a", "6e03b78b7aac10d5"},
    "Tap.setup_mapper": {"29be842dc31d215b", "31293e4ec337b2d2"},
    "Tap.sync_all": {"e4412393757b4cdc"},
    "Tap.invoke": {"d84e3568823eaf23", "b5ac4102301b6542"},
    "Tap.cb_config": {"bb313c8c34f6ff33"},
    "Tap.cb_test": {"4f1ea14c3ccb8338"},
}
"""Methods that the tap overrides or does in its own way, with hashes of their source.

Read were the releases 0.54.9 and 0.55.0b7.
"""

CALLED: dict[str, str] = {
    "Stream._finalize_state": "(self, state=None)",
    "Stream._write_schema_message": "(self)",
    "Stream.get_context_state": "(self, context)",
    "Stream.get_records": "(self, context)",
    "Stream.partitions": "(self)",
    "Stream.sync": "(self, context=None)",
    "Stream.finalize_state_progress_markers": "(self, state=None)",
    "Stream.log": "(self, message, *args, level=20, **kwargs)",
    "Stream.log_sync_costs": "(self)",
    "Tap._reset_state_progress_markers": "(self)",
    "Tap._set_compatible_replication_methods": "(self)",
    "Tap._env_var_prefix": "(cls)",
    "Tap.discover_streams": "(self)",
    "Tap.append_builtin_config": "(cls, config_jsonschema)",
    "configuration._dict_config.parse_environment_config": "(config_schema, prefix, dotenv_path=None)",
    "helpers._batch.SDKBatchMessage": "(stream, encoding, manifest=<factory>, version=None)",
    "helpers._state.StateWriter": "(message_writer)",
    "helpers._catalog.get_selected_schema": "(stream_name, schema, mask)",
    "helpers._classproperty.classproperty": "(fget=None, fset=None, fdel=None, doc=None)",
    "mapper.PluginMapper.register_raw_stream_schema": "(self, stream_name, schema, key_properties)",
    "batch.Batcher.get_batches": "(self, records)",
    "metrics.Point": "(metric_type, metric, value, tags=<factory>)",
    "metrics.log": "(logger, point)",
    "singerlib.json.serialize_json": "(obj, **kwargs)",
}
"""Functions and methods that the tap calls although they are private, or hands values to, with their signatures."""

CONSTANTS: dict[str, object] = {"configuration._dict_config.TRUTHY": ("true", "1", "yes", "on")}
"""Private constants that the tap reads, with their values."""

KEPT: dict[str, tuple[str, ...]] = {
    "Stream": ("_input_schema", "_mask", "_schema", "_stream_maps", "_tap", "_tap_input_catalog"),
    "Tap": ("_config", "_state_writer"),
}
"""Private attributes of instances that the tap reads or sets."""


def sdk(name: str) -> Any:
    """A symbol of the SDK by its dotted name below `singer_sdk`, as it stands in its class or module."""
    head, _, member = name.rpartition(".")
    if head in BASES:
        return inspect.getattr_static(BASES[head][0], member)
    module, _, kind = head.rpartition(".") if head.rpartition(".")[2][0].isupper() else (head, "", "")
    place = importlib.import_module(f"singer_sdk.{module}")
    return getattr(getattr(place, kind) if kind else place, member)


def function(symbol: Any) -> Any:
    """What a class method or a property of the class wraps."""
    if inspect.isclass(symbol):
        return symbol
    return getattr(symbol, "__func__", None) or getattr(symbol, "fget", None) or getattr(symbol, "func", symbol)


def digest(symbol: Any) -> str:
    return hashlib.sha256(inspect.getsource(function(symbol)).encode()).hexdigest()[:16]


def signature(symbol: Any) -> str:
    """The parameters without their annotations, which say nothing at run time."""
    parameters = inspect.signature(function(symbol)).parameters.values()
    return str(inspect.Signature([parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]))


@pytest.mark.parametrize("name", READ)
def test_a_method_that_the_tap_does_in_its_own_way_is_one_that_was_read(name: str) -> None:
    source = inspect.getsource(function(sdk(name)))
    assert digest(sdk(name)) in READ[name], (
        f"{name} of singer-sdk {version('singer-sdk')} has changed. Read what it does now, bring the tap in line if "
        f"need be, then add {digest(sdk(name))!r} to READ.\n\n{source}"
    )


@pytest.mark.parametrize("name", CALLED)
def test_a_private_function_that_the_tap_calls_takes_what_it_is_given(name: str) -> None:
    assert signature(sdk(name)) == CALLED[name]


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_private_constant_that_the_tap_reads_has_the_value_that_was_read(name: str) -> None:
    assert sdk(name) == CONSTANTS[name]


@pytest.mark.parametrize(("base", "name"), [(base, name) for base, names in KEPT.items() for name in names])
def test_a_private_attribute_that_the_tap_uses_is_still_the_sdks(base: str, name: str) -> None:
    sources = [inspect.getsource(kind) for kind in BASES[base][0].__mro__ if kind.__module__.startswith("singer_sdk")]
    assert re.search(rf"self\.{name}\b.*=[^=]", "".join(sources))


# Nothing is missing from the lists


def imported() -> Iterator[str]:
    """What the package imports from private modules of the SDK."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            if module and re.search(r"^singer_sdk.*\._", module):
                assert isinstance(node, ast.ImportFrom)
                yield from (f"{module.removeprefix('singer_sdk.')}.{alias.name}" for alias in node.names)


def touched(path: str) -> set[str]:
    """Private names that a module defines or looks up on some object."""
    nodes = list(ast.walk(ast.parse((PACKAGE / path).read_text(encoding="utf-8"))))
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def listed() -> set[str]:
    return {*READ, *CALLED, *CONSTANTS, *(f"{base}.{name}" for base, names in KEPT.items() for name in names)}


TYPES_ALONE = {"helpers._batch.BaseBatchFileEncoding", "helpers._batch.BatchConfig"}
"""Imported for annotations, which mypy checks."""


def test_every_private_import_is_listed() -> None:
    assert set(imported()) - TYPES_ALONE <= listed()


@pytest.mark.parametrize(("base", "path"), [("Stream", "streams.py"), ("Tap", "tap.py")])
def test_every_private_name_of_the_sdk_is_listed(base: str, path: str) -> None:
    kinds = [kind for kind in BASES[base][0].__mro__ if kind.__module__.startswith("singer_sdk")]
    source = "".join(map(inspect.getsource, kinds))
    known = {name for name in touched(path) if re.search(rf"\bself\.{name}\b|\bdef {name}\b", source)}
    assert known
    assert {f"{base}.{name}" for name in known} <= listed()


@pytest.mark.parametrize("base", BASES)
def test_every_method_that_the_tap_overrides_is_listed(base: str) -> None:
    parent, own = BASES[base]
    overridden = {
        name
        for name, value in vars(own).items()
        if hasattr(parent, name) and not name.startswith("__") and inspect.isroutine(function(value))
    }
    assert {f"{base}.{name}" for name in overridden} <= listed()
