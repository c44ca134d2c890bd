"""`flipkart-reports probe`: asks before it buys, probes the API, and prints its findings."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_flipkart_reports.adapters.exchanges import ExchangeLog
from tap_flipkart_reports.commands.bundle import anonymous_files, bundle_entries, write_bundle
from tap_flipkart_reports.commands.probe import Probe, probe_items
from tap_flipkart_reports.commands.probe_screen import offer, screen
from tap_flipkart_reports.commands.verdict import settings_from, verdicts
from tap_flipkart_reports.exceptions import SettingsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tap_flipkart_reports.commands.probe import Confirm
    from tap_flipkart_reports.tap import TapFlipkartReports


def run_probe(tap: TapFlipkartReports, options: argparse.Namespace) -> int:
    """Probe the API.

    Returns:
        The exit code: 0 if every report of the list was read; 1 if not, or if the purchase was not confirmed.

    Raises:
        SettingsError: the seller or report type is unknown, there is no ledger, or the budget is too small.
    """
    confirm: Confirm = (lambda _question: True) if options.yes else _ask
    with closing(tap):
        run = tap.current_run
        items, skipped = probe_items(run, seller_id=options.seller, names=options.report_type)
        bought = sum(item.buys for item in items)
        budget = run.settings.max_reports
        _print_to_stderr(offer(items, skipped, max_reports=budget, prices=run.settings.report_prices))
        if budget is not None and bought > budget:
            raise SettingsError(f"the probe would buy {bought} reports, and max_reports allows {budget}")
        if bought and not confirm(f"Buy {'it' if bought == 1 else 'them'}?"):
            _print_to_stderr("Nothing was bought.")
            return 1
        log = ExchangeLog(clock=run.clock, token_path=urlsplit(run.services.auth_url).path)
        run.services.exchanges = log
        probe = Probe(run=run, confirm=confirm)
        findings = probe.findings(items)
        found, settings = verdicts(findings), settings_from(findings)
        if options.format == "json":
            document = {
                "findings": [finding.document() for finding in findings],
                "assumptions": [verdict.document() for verdict in found],
                "settings": settings,
            }
            print(json.dumps(document, indent=2, ensure_ascii=False))  # noqa: T201 - its output
        else:
            print(screen(findings, found, settings))  # noqa: T201 - its output
        if options.bundle is not None:
            entries = bundle_entries(
                findings,
                verdicts=found,
                settings=settings,
                exchanges=log.exchanges(),
                sellers=[credentials.seller_id for credentials in run.settings.sellers],
            )
            _offer_bundle(options.bundle, entries | anonymous_files(probe.files), confirm)
    return int(any(finding.file is None or finding.error for finding in findings))


def _offer_bundle(path: Path, entries: Mapping[str, bytes], confirm: Callable[[str], bool]) -> None:
    """Show the contents of a bundle, and write it if that is confirmed."""
    _print_to_stderr("\n".join(f"  {name}: {len(content):,} bytes" for name, content in entries.items()))
    for name, content in entries.items():
        if not name.startswith("files/"):
            _print_to_stderr(f"--- {name}\n{content.decode()}")
    if not confirm(f"Write this to {path}?"):
        return
    try:
        write_bundle(path, entries)
    except OSError as error:
        raise SettingsError(f"--bundle {path} cannot be written: {error.strerror}") from None
    _print_to_stderr(f"Written: {path}")


def _print_to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - its dialogue


def _ask(question: str) -> bool:
    """Ask on the terminal; without one, the answer is no."""
    end = "" if sys.stderr.isatty() else "\n"  # Meltano shows only whole lines
    print(f"{question} [y/N] ", end=end, file=sys.stderr, flush=True)  # noqa: T201 - its dialogue
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
