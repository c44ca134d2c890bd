"""Report types with the changes and additions of the settings."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.planning.parameters import (
    DATE_RANGE,
    PLACEHOLDERS,
    WAREHOUSE,
    WHOLE_MONTH_PLACEHOLDERS,
    placeholders_in,
)
from tap_flipkart_reports.planning.report_type import ReportTable, ReportType
from tap_flipkart_reports.planning.window_rules import WindowKind, WindowRule
from tap_flipkart_reports.report_types import REPORT_TYPES, TABLES, UNIDENTIFIED, tables_of
from tap_flipkart_reports.settings.schema import CUSTOM_WINDOWS
from tap_flipkart_reports.settings.suggestions import did_you_mean
from tap_flipkart_reports.settings.values import DEFAULT_HOLD_BACK_DAYS, default_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ReportTypeReader:
    """Reads the built-in and the custom report types, with overrides applied.

    Args:
        config: a configuration that fits `CONFIG_JSONSCHEMA`.

    Attributes:
        errors: one sentence for each mistake.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.errors: list[str] = []
        self._config = config
        self._overrides: Mapping[str, Mapping[str, Any]] = config.get("report_types", {})
        self._declared: Sequence[Mapping[str, Any]] = config.get("custom_reports", ())

    def read(self) -> dict[str, ReportType]:
        """The report types by the name of their first stream."""
        custom = [entry["name"] for entry in self._declared]
        names = [*REPORT_TYPES, *UNIDENTIFIED, *custom]
        self.errors.extend(
            f"report_types names {name!r}, which is not a report type; they are "
            f"{', '.join(names)}{did_you_mean(name, names)}"
            for name in self._overrides
            if name not in names
        )
        known = {name: self._overridden(report_type) for name, report_type in REPORT_TYPES.items()}
        named = {name: self._overridden(UNIDENTIFIED[name]) for name in UNIDENTIFIED if name in self._overrides}
        self.errors.extend(
            f"report_types: {name} needs its `identifier`, which Flipkart has not published"
            for name, report_type in named.items()
            if not report_type.identifier and name not in custom
        )
        return self._custom_reports(known | named)

    def _overridden(self, report_type: ReportType, own: Mapping[str, Any] | None = None) -> ReportType:
        """Settings for one report type override those for all types, which override the type's defaults."""
        config = self._config
        override = {**(own or {}), **self._overrides.get(report_type.name, {})}
        parameters = override.get("parameters", report_type.parameters)
        self.errors.extend(
            f"the parameters of {report_type.name} name {{{placeholder}}}; known are {', '.join(PLACEHOLDERS)}"
            for placeholder in sorted(placeholders_in(parameters) - set(PLACEHOLDERS))
        )
        key = override.get("key_properties")
        tables = report_type.tables if key is None else tables_of(report_type.name, key=tuple(key))
        held_back = max(config.get("hold_back_days", DEFAULT_HOLD_BACK_DAYS), report_type.hold_back_days or 0)
        rule = report_type.rule
        return replace(
            report_type,
            identifier=override.get("identifier", report_type.identifier),
            parameters=parameters,
            tables=tables,
            rule=replace(
                rule,
                kind=_kind(rule.kind, tables),
                window_days=override.get("window_days", config.get("window_days", rule.window_days)),
                lookback_days=override.get("lookback_days", config.get("lookback_days", rule.lookback_days)),
            ),
            hold_back_days=override.get("hold_back_days", held_back),
            max_reports=override.get("max_reports"),
            max_reports_per_seller=override.get("max_reports_per_seller"),
            report_timeout=override.get("report_timeout", config.get("report_timeout", default_of("report_timeout"))),
        )

    def _custom_reports(self, known: Mapping[str, ReportType]) -> dict[str, ReportType]:
        """The known report types with the sheets declared for them, and the custom ones."""
        result = dict(known)
        declared: set[str] = set()
        for entry in self._declared:
            name = entry["name"]
            if not _NAME.fullmatch(name):
                self.errors.append(
                    f"custom_reports: {name!r} is not a stream name; use small letters, digits and underscores"
                )
            if name in REPORT_TYPES or name in declared:
                self.errors.append(f"custom_reports: there is another report type named {name!r}")
            elif name in {table.stream for tables in TABLES.values() for table in tables[1:]}:
                self.errors.append(f"custom_reports: {name!r} is a table of another report type; use another name")
            declared.add(name)
            host = self._host_of(entry, known)
            if host is not None:
                result[host] = replace(result[host], tables=(*result[host].tables, _declared_table(entry)))
                continue
            if "window" not in entry:
                self.errors.append(f"custom_reports: {name!r} needs its `window`: {', '.join(CUSTOM_WINDOWS)}")
                continue
            own = {member: entry[member] for member in ("window_days", "lookback_days") if member in entry}
            result[name] = self._overridden(self._custom_report(entry), own)
        return result

    @staticmethod
    def _host_of(entry: Mapping[str, Any], known: Mapping[str, ReportType]) -> str | None:
        """The known report type whose files have the sheets of an entry, so that nothing more is bought for them."""
        if not entry.get("sheets"):
            return None
        return next((name for name, known_type in known.items() if known_type.identifier == entry["identifier"]), None)

    def _custom_report(self, entry: Mapping[str, Any]) -> ReportType:
        per_warehouse = entry.get("per_warehouse", False)
        kind = CUSTOM_WINDOWS[entry["window"]]
        dates = {} if kind is WindowKind.SNAPSHOT else DATE_RANGE
        parameters = entry.get("parameters", {**(WAREHOUSE if per_warehouse else {}), **dates})
        if kind is WindowKind.MONTH and placeholders_in(parameters) & WHOLE_MONTH_PLACEHOLDERS:
            kind = WindowKind.WHOLE_MONTH
        report_type = ReportType(
            name=entry["name"],
            title=entry["name"],
            identifier=entry["identifier"],
            rule=WindowRule(kind=kind),
            parameters=parameters,
            tables=(
                (_declared_table(entry),)
                if entry.get("sheets")
                else tables_of(entry["name"], key=tuple(entry.get("key_properties", ())))
            ),
            basis="declared in custom_reports",
        )
        if per_warehouse and not report_type.per_warehouse:
            self.errors.append(
                f"custom_reports: {entry['name']} is per_warehouse, but its parameters name no {{warehouse_id}}"
            )
        return report_type


def _declared_table(entry: Mapping[str, Any]) -> ReportTable:
    """A table of which only the sheets are known."""
    return ReportTable(
        stream=entry["name"],
        title=entry["name"],
        key=tuple(entry.get("key_properties", ())),
        sheets=tuple(entry["sheets"]),
    )


def _kind(kind: WindowKind, tables: Sequence[ReportTable]) -> WindowKind:
    """The window kind; if some rows have ids only within a window, windows must keep their first days."""
    keeps_first_days = kind is not WindowKind.DAYS or all(table.key or table.dated_by for table in tables)
    return kind if keeps_first_days else WindowKind.DAY_GRID
