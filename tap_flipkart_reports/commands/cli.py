"""The command `flipkart-reports`, with what operators need besides the tap itself."""

from __future__ import annotations

import getpass
import json
import logging
import os
import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shtab

from tap_flipkart_reports.commands.log_level import logged_from
from tap_flipkart_reports.commands.options import PROGRAM, build_parser
from tap_flipkart_reports.commands.startup import load_tap, run_command
from tap_flipkart_reports.commands.tables import json_text
from tap_flipkart_reports.exceptions import BrokenPartError, FileError, SettingsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tap_flipkart_reports.tap import TapFlipkartReports


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; the exit code is the command's.

    Args:
        arguments: words of the command line, by default the process's.
    """
    sys.exit(run_command(lambda: _command(arguments), print_line=_print_to_stderr))


def _command(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as ended:  # after help, or a mistake that argparse has result
        return int(ended.code or 0)
    _set_up_log(options)
    code: int = options.run(options)
    return code


def _set_up_log(options: argparse.Namespace) -> None:
    """Log a command that buys or reads like the tap does; of other commands, log only warnings.

    Called before settings are read, because reading them may log warnings.
    """
    if options.run in {_repair, _replay, _probe}:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s | %(levelname)-8s | %(name)-30s | %(message)s")
    else:
        logging.basicConfig(level=logging.WARNING, format=f"{PROGRAM}: %(message)s")


def _print_to_stderr(line: str) -> None:
    print(f"{PROGRAM}: {line}", file=sys.stderr)  # noqa: T201 - for people; standard output is for programs


def _parser() -> argparse.ArgumentParser:
    return build_parser(
        {
            "init": _init,
            "doctor": _doctor,
            "plan": _plan,
            "repair": _repair,
            "replay": _replay,
            "probe": _probe,
            "inspect": _inspect,
            "anonymise": _anonymise,
            "coverage": _coverage,
            "sellers": _sellers,
            "authorize": _authorize,
            "token-key": _token_key,
            "simulate": _simulate,
            "completion": _completion,
        }
    )


def _tap(options: argparse.Namespace, **settings: object) -> TapFlipkartReports:
    """The tap that a run with these options would use, with additional settings of the command.

    Meltano runs commands without a catalog; its `select` rules then decide which streams a run would read.
    """
    from tap_flipkart_reports.planning.select_rules import SELECT_VARIABLE, SelectRules  # noqa: PLC0415 - the SDK loads slowly

    arguments = _arguments(options, **settings)
    tap = load_tap()(**arguments)
    if arguments["catalog"] is None and (rules := SelectRules.parse(os.environ.get(SELECT_VARIABLE))).included:
        for stream in tap.streams.values():
            stream.selected = rules.selects_stream(stream.name)
    return tap


def _arguments(options: argparse.Namespace, **settings: object) -> dict[str, Any]:
    """The tap's arguments, from the options."""
    from tap_flipkart_reports.settings.documents import read_json  # noqa: PLC0415 - the SDK loads slowly

    config: dict[str, Any] = {}
    for name in options.config:
        if name != "ENV":
            config |= read_json(Path(name), "--config")
    config |= settings
    state, catalog = getattr(options, "state", None), getattr(options, "catalog", None)
    return {
        "config": config,
        "parse_env_config": "ENV" in options.config,
        "state": read_json(state, "--state") if state else None,
        "catalog": read_json(catalog, "--catalog") if catalog else None,
    }


def _init(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.commands.init_command import run_init  # noqa: PLC0415 - only this command needs it

    return run_init(options)


def _doctor(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.commands.doctor import diagnose, exit_code, screen  # noqa: PLC0415 - only this command checks

    tap = _tap(options)
    with logged_from(logging.CRITICAL, logger=tap.name), closing(tap):  # the screen shows all problems
        checks = diagnose(tap.current_run, folder=Path())
    if options.format == "json":
        print(json.dumps([check.document() for check in checks], indent=2))  # noqa: T201 - its output
    else:
        is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        print(screen(checks, is_coloured=is_coloured))  # noqa: T201 - its output
    return exit_code(checks)


def _plan(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.commands.plan import plan_run, table  # noqa: PLC0415 - only this command plans

    tap = _tap(options)
    with logged_from(logging.WARNING, logger=tap.name), closing(tap):
        plan = plan_run(tap.current_run.wanted, tap.current_run.services.ledger)
    print(json.dumps(plan.document(), indent=2) if options.format == "json" else table(plan))  # noqa: T201 - its output
    return 0


def _probe(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.commands.probe_command import run_probe  # noqa: PLC0415 - only this command probes

    tap = _tap(options)
    return run_probe(tap, options)


def _inspect(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.commands.inspect import inspect_file  # noqa: PLC0415 - only this command inspects

    failed = False
    for path in options.files:
        try:
            inspection = inspect_file(path, options.report_type)
        except FileError as error:
            print(f"{path}: {error}", file=sys.stderr)  # noqa: T201 - about a file that is not a table
            failed = True
            continue
        if options.schema:
            print(inspection.schemas())  # noqa: T201 - its output
        elif options.format == "json":
            print(json_text(inspection.document(), indent=2))  # noqa: T201 - its output
        else:
            print(inspection.text())  # noqa: T201 - its output
    return int(failed)


def _anonymise(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.commands.anonymise import anonymise  # noqa: PLC0415 - only this command copies

    for copied in anonymise(options.files, options.output, replaces_headers=options.replace_headers):
        print(f"{copied.source} -> {copied.copy}")  # noqa: T201 - its output
        if copied.strange and not options.replace_headers:
            names = ", ".join(repr(" ".join(header.split())) for header in copied.strange)
            print(f"  headers that no report is known to have stay: {names} (--replace-headers)")  # noqa: T201 - its output
    return 0


def _repair(options: argparse.Namespace) -> int:
    names = {
        "stream": options.stream,
        "from_date": options.from_date,
        "to_date": options.to_date,
        "seller_id": options.seller,
        "warehouse_id": options.warehouse,
    }
    repair = [{name: value for name, value in names.items() if value is not None}]
    return _run(_tap(options, repair=repair))


def _replay(options: argparse.Namespace) -> int:
    if options.to_date < options.from_date:
        raise SettingsError(f"--to {options.to_date} lies before --from {options.from_date}")
    entry = {
        "from_date": options.from_date.isoformat(),
        "to_date": options.to_date.isoformat(),
        **({"seller_id": options.seller} if options.seller else {}),
    }
    streams = [{"stream": stream} for stream in options.stream] or [{}]
    return _run(_tap(options, replay=[{**entry, **stream} for stream in streams]))


def _run(tap: TapFlipkartReports) -> int:
    """Write Singer messages on standard output and the log on standard error, as the tap does."""
    tap.run()
    return 0


def _coverage(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.commands.coverage.cockpit import cockpit_of, document  # noqa: PLC0415 - only this command draws
    from tap_flipkart_reports.commands.coverage.page import page  # noqa: PLC0415 - only this command draws
    from tap_flipkart_reports.commands.coverage.terminal import Screen, terminal_text  # noqa: PLC0415 - only this command draws

    tap = _tap(options)
    with logged_from(logging.WARNING, logger=tap.name), closing(tap):
        cockpit = cockpit_of(tap.current_run, has_state=options.state is not None, clock=tap.clock)
    if options.html is not None:
        _write(options.html, page(cockpit, made_at=tap.clock.now()))
        _print_to_stderr(f"{options.html} is written: open it in a browser")
    elif options.format == "json":
        print(json.dumps(document(cockpit), indent=2))  # noqa: T201 - its output
    else:
        is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        is_plain = not (sys.stdout.encoding or "").lower().startswith("utf")
        width = shutil.get_terminal_size((120, 24)).columns
        print(terminal_text(cockpit, Screen(width=width, is_coloured=is_coloured, is_plain=is_plain)))  # noqa: T201 - its output
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--html {path} cannot be written: {error.strerror}") from None


def _sellers(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.commands.sellers import (  # noqa: PLC0415 - loads slowly
        SOME_REFUSED,
        check_sellers,
        document,
        exit_code,
        table,
    )

    tap = _tap(options)
    try:
        services = tap.current_run.services
        checks = check_sellers(services.tokens, api=services.api, clock=tap.clock, warn_days=options.warn_days)
    except BrokenPartError as error:
        _print_to_stderr(str(error))
        return SOME_REFUSED  # the error's exit code would mean that a seller is due
    finally:
        tap.close()
    print(json.dumps(document(checks), indent=2) if options.format == "json" else table(checks))  # noqa: T201 - its output
    return exit_code(checks)


def _authorize(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.commands.authorize import authorize_seller  # noqa: PLC0415 - only this command needs it

    # Before the first seller is authorised, the settings are incomplete.
    tap = load_tap()(**_arguments(options), validate_config=False)
    result = authorize_seller(
        tap.app,
        seller_id=options.seller_id,
        redirect_uri=options.redirect_uri,
        destination=options.store,
        clock=tap.clock,
        ask=_ask_address,
    )
    print(result, file=sys.stderr)  # noqa: T201 - the output may be the token
    return 0


def _ask_address(link: str) -> str:
    """Show a link, and read the address that it led to: without echo, and not as an option, which shells record."""
    print(  # noqa: T201 - the output may be the token
        f"Open this link, sign in as the seller and allow the app:\n\n  {link}\n\n"
        "Then paste the whole address the browser was sent to, whatever page is there; it is not shown.",
        file=sys.stderr,
        flush=True,
    )
    try:
        return getpass.getpass("Address: ", stream=sys.stderr) if sys.stdin.isatty() else sys.stdin.readline()
    except UnicodeDecodeError:
        return ""  # no address


def _token_key(_options: argparse.Namespace) -> int:
    from tap_flipkart_reports.adapters.token_store import new_key  # noqa: PLC0415 - only this command needs it

    print(new_key())  # noqa: T201 - its output
    return 0


def _completion(options: argparse.Namespace) -> int:
    print(shtab.complete(_parser(), options.shell))  # noqa: T201 - its output
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.simulator.command import fault_list, serve  # noqa: PLC0415 - only this command needs a server

    if options.list_faults:
        print(fault_list())  # noqa: T201 - its output
        return 0
    return serve(
        port=options.port,
        faults_path=options.faults,
        profile_path=options.profile,
        generation_seconds=(options.generation_seconds, options.generation_seconds),
        file_formats=options.file_format,
        layout=options.layout,
        orders_per_day=options.orders_per_day,
        out=sys.stdout,
    )


if __name__ == "__main__":
    main()
