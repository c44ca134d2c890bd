"""`flipkart-reports init`: asks questions and writes a project."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.clock import SystemClock, today
from tap_flipkart_reports.commands.init import gather, next_steps, write_project
from tap_flipkart_reports.commands.startup import load_tap

if TYPE_CHECKING:
    import argparse


def run_init(options: argparse.Namespace) -> int:
    """Ask questions, write the project, and print the next steps. Buys nothing.

    Raises:
        SettingsError: an answer is missing or wrong, or the project is there already.
    """
    given: dict[str, Any] = {
        name: getattr(options, name)
        for name in ("kind", "trial", "client_id", "seller_id", "start_date", "report_type", "target")
    }
    if options.client_id is not None and not sys.stdin.isatty():
        given["client_secret"] = sys.stdin.readline().strip()
    answers = gather(given, _ask, today=today(SystemClock()))
    tap = load_tap()
    tap.append_builtin_config(tap.config_jsonschema)
    files = write_project(answers, options.folder, settings=tap.config_jsonschema["properties"])
    for path in files:
        _print_to_stderr(f"Written: {path}")
    _print_to_stderr(next_steps(answers, options.folder))
    return 0


def _ask(question: str, usual: str, is_secret: bool) -> str | None:  # noqa: FBT001 - positional, as in `gather`
    if not sys.stdin.isatty():
        return usual or None
    words = f"{question}{f' [{usual}]' if usual else ''}: "
    if is_secret:
        return getpass.getpass(words, stream=sys.stderr)
    print(words, end="", file=sys.stderr, flush=True)  # noqa: T201 - its dialogue
    line = sys.stdin.readline()
    return (line.strip() or usual) if line else None  # end of input: there is no answer


def _print_to_stderr(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - its dialogue
