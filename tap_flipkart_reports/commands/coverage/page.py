"""The page: one self-contained file of a template, a style sheet, a script and what they show; no network. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib import resources
from typing import TYPE_CHECKING

from tap_flipkart_reports.commands.coverage.page_data import page_data

if TYPE_CHECKING:
    from datetime import datetime

    from tap_flipkart_reports.commands.coverage.cockpit import Cockpit

SCRIPTS = ("data", "drawing", "matrix", "cell", "charts", "start")
"""Files of the script, in their order: they share one scope."""


def page(cockpit: Cockpit, *, made_at: datetime) -> str:
    """The page.

    Args:
        cockpit: what there is.
        made_at: the present moment, with a zone.
    """
    style = _asset("page.css")
    scripts = "\n".join(_asset(f"{name}.js") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{scripts}\n}})();\n'
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'"
    )
    parts = {"policy": policy, "style": style, "script": script, "data": _embedded(page_data(cockpit, made_at=made_at))}
    return re.sub(r"@@(\w+)@@", lambda name: parts[name[1]], _asset("page.html"))


def _asset(name: str) -> str:
    return (resources.files("tap_flipkart_reports.commands.coverage") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(document: object) -> str:
    """JSON that no HTML parser takes for anything but the text of its element."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
