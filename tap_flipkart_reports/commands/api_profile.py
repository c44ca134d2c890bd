"""What a probe has seen, as a profile that `flipkart-reports simulate` answers by. Pure.

It says only what differs from the documented API, in the words of `simulator/profiles/documented.json`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_flipkart_reports.commands.probe_findings import TypeFinding

MEANINGS = {"month_name": "month"}
"""What the simulator calls a placeholder, where that differs."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

_RETRY_AFTER = re.compile(r"trigger: Retry-After ([0-9]{1,6})$")


def profile_of(findings: Sequence[TypeFinding]) -> dict[str, Any]:
    """The profile of the API that was probed."""
    profile: dict[str, Any] = {}
    accepted = [finding.accepted for finding in findings if finding.accepted is not None and finding.how == "bought"]
    if accepted and not any(attempt.correlation_id for attempt in accepted):
        profile["trigger"] = {"correlation_id": "refused"}
    if waits := [int(match[1]) for each in findings for words in each.limited if (match := _RETRY_AFTER.match(words))]:
        profile.setdefault("trigger", {})["rate"] = {"per": "seller", "triggers": 1, "seconds": max(waits)}
    links = [finding.link for finding in findings]
    if any(link.renewed is False for link in links):
        profile["detail"] = {"link": "always_the_same"}
    elif any(link.changes for link in links):
        profile["detail"] = {"link": "always_new"}
    if any(link.seconds_if_kolkata is not None and link.seconds_if_kolkata < 0 for link in links):
        profile.setdefault("detail", {})["expiry_minutes_east"] = 0
    if any(link.works_without_token is False for link in links):
        profile["download"] = {"needs_token": True}
    if lives := [life for link in links if (life := _life(link.seconds_if_kolkata, link.seconds_if_utc)) is not None]:
        profile.setdefault("download", {})["link_seconds"] = max(1, round(min(lives)))
    headers = {name: value for finding in findings for name, value in finding.headers.items()}
    if headers:
        profile["headers"] = {name: value for name, value in headers.items() if name.lower() != "retry-after"}
    types = {finding.identifier: rules for finding in findings if (rules := _rules(finding))}
    return {**profile, **({"report_types": types} if types else {})}


def _life(if_kolkata: float | None, if_utc: float | None) -> float | None:
    return next((life for life in (if_kolkata, if_utc) if life is not None and life > 0), None)


def _rules(finding: TypeFinding) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    accepted = finding.accepted
    if accepted is not None and accepted.parameters != finding.attempts[0].parameters:
        rules["parameters"] = [_form(accepted.parameters)]
    complete = [seconds for word, seconds in finding.statuses if word == "COMPLETED"]
    if complete:
        rules["generation_seconds"] = [complete[0], complete[0]]
    if finding.file is not None:
        container = finding.file.container
        packing = {"format": "xlsx" if "workbook" in container else "csv", "gzip": container.startswith("gzip")}
        rules["packing"] = packing
    own = [table for table in finding.tables if table.stream == finding.name and table.new and table.header]
    if own:
        rules["tables"] = {
            "*": [{"header": header, "kind": own[0].kinds.get(header, "text")} for header in own[0].header]
        }
    return rules


def _form(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The names of parameters by what they mean."""
    form = {}
    for name, template in parameters.items():
        if (match := _PLACEHOLDER.fullmatch(str(template))) is not None:
            form[MEANINGS.get(match[1], match[1])] = name
    return form
