"""The command `flipkart-reports`: what an operator needs beside the tap itself."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.__main__ import tell_end
from tap_flipkart_reports.exceptions import FileError, FlipkartReportsError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_flipkart_reports.tap import TapFlipkartReports


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; the exit code is the command's.

    Args:
        arguments: words of the command line, by default the process's.
    """
    options = _parser().parse_args(arguments)
    try:
        sys.exit(options.run(options))
    except FlipkartReportsError as error:
        print(f"flipkart-reports: {error}", file=sys.stderr)  # noqa: T201 - the one sentence of a failed command
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flipkart-reports", description="Beside the tap: look ahead, and try things.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    plan = commands.add_parser("plan", help="show what a run would adopt, trigger, read again and skip; makes no call")
    _add_run_options(plan)
    plan.add_argument("--format", choices=["table", "json"], default="table", help="for people or for programs")
    plan.set_defaults(run=_plan)

    repair = commands.add_parser(
        "repair", help="read days of a stream again, as Singer messages on standard output; no bookmark moves"
    )
    _add_run_options(repair)
    repair.add_argument("--stream", required=True, help="the stream")
    repair.add_argument("--from", dest="from_date", required=True, help="first day, for example 2026-10-01")
    repair.add_argument("--to", dest="to_date", required=True, help="last day")
    repair.add_argument("--seller", help="one of the sellers; by default all")
    repair.add_argument("--warehouse", help="one of the warehouses; by default all")
    repair.set_defaults(run=_repair)

    replay = commands.add_parser(
        "replay", help="read archived files again, as Singer messages on standard output; makes no call"
    )
    _add_run_options(replay)
    replay.add_argument("--stream", action="append", default=[], help="a stream; may be repeated; by default all")
    replay.add_argument("--from", dest="from_date", type=date.fromisoformat, default=date.min, help="first day")
    replay.add_argument("--to", dest="to_date", type=date.fromisoformat, default=date.max, help="last day")
    replay.add_argument("--seller", help="one of the sellers; by default all")
    replay.set_defaults(run=_replay)

    inspect = commands.add_parser("inspect", help="show what files are, and which streams their tables would feed")
    inspect.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a report's file")
    inspect.add_argument("--report-type", help="the report type it is of; by default the one whose columns it has")
    inspect.add_argument("--schema", action="store_true", help="print a proposal for the schema of unknown columns")
    inspect.add_argument("--format", choices=["table", "json"], default="table", help="for people or for programs")
    inspect.set_defaults(run=_inspect)

    simulate = commands.add_parser("simulate", help="serve a simulator of Flipkart's Report Management API")
    simulate.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; by default a free one")
    simulate.add_argument("--faults", type=Path, help="JSON file of faults to inject")
    simulate.add_argument("--list-faults", action="store_true", help="print the faults that a file may name, and end")
    simulate.add_argument(
        "--generation-seconds", type=float, default=0.0, help="how long a report takes until it is complete"
    )
    simulate.add_argument(
        "--file-format",
        action="append",
        default=[],
        metavar="[REPORT_TYPE=]FORMAT",
        help="csv (default), csv_with_preamble, xlsx or zip_of_workbooks, of all types or of one; may be repeated",
    )
    simulate.add_argument("--orders-per-day", type=int, default=8, help="orders of a seller on a day")
    simulate.set_defaults(run=_simulate)
    return parser


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    """The same options as the tap's, so that a command sees what the run would see."""
    parser.add_argument(
        "--config", action="append", default=[], help="configuration file, or ENV for the environment; may be repeated"
    )
    parser.add_argument("--state", type=Path, help="state of an earlier run")
    parser.add_argument("--catalog", type=Path, help="catalog")


def _tap(options: argparse.Namespace, **settings: object) -> TapFlipkartReports:
    """The tap as a run with these options would build it, with settings that the command itself brings."""
    from tap_flipkart_reports.tap import TapFlipkartReports  # noqa: PLC0415 - the SDK loads slowly

    return TapFlipkartReports(**_arguments(options, **settings))


def _arguments(options: argparse.Namespace, **settings: object) -> dict[str, Any]:
    """What the options give a tap."""
    from tap_flipkart_reports.tap import read_json  # noqa: PLC0415 - the SDK loads slowly

    config: dict[str, Any] = {}
    for name in options.config:
        if name != "ENV":
            config |= read_json(Path(name), "--config")
    config |= settings
    return {
        "config": config,
        "parse_env_config": "ENV" in options.config,
        "state": read_json(options.state, "--state") if options.state else None,
        "catalog": read_json(options.catalog, "--catalog") if options.catalog else None,
    }


def _plan(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.plan import table  # noqa: PLC0415 - only this command plans

    tap = _tap(options)
    logging.getLogger(tap.name).setLevel(logging.WARNING)
    try:
        plan = tap.plan()
    finally:
        tap.close()
    print(json.dumps(plan.document(), indent=2) if options.format == "json" else table(plan))  # noqa: T201 - its output
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.inspection import inspect_file  # noqa: PLC0415 - only this command inspects

    failed = False
    for path in options.files:
        try:
            inspection = inspect_file(path, options.report_type)
        except FileError as error:
            print(f"{path}: {error}", file=sys.stderr)  # noqa: T201 - what a file is that is no table
            failed = True
            continue
        if options.schema:
            print(inspection.schemas())  # noqa: T201 - its output
        elif options.format == "json":
            print(json.dumps(inspection.document(), indent=2, ensure_ascii=False))  # noqa: T201 - the same
        else:
            print(inspection.text())  # noqa: T201 - the same
    return int(failed)


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
    from tap_flipkart_reports.replay import ReplayTap, Wanted  # noqa: PLC0415 - only this command replays
    from tap_flipkart_reports.windows import Window  # noqa: PLC0415 - the same

    if options.to_date < options.from_date:
        raise SettingsError(f"--to {options.to_date} lies before --from {options.from_date}")
    days = Window(options.from_date, options.to_date)
    wanted = Wanted(streams=frozenset(options.stream), seller_id=options.seller, days=days)
    return _run(ReplayTap(wanted=wanted, **_arguments(options)))


def _run(tap: TapFlipkartReports) -> int:
    """Write Singer messages on standard output and the log on standard error, as the tap does."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s | %(levelname)-8s | %(name)-30s | %(message)s")
    try:
        tap.run()
    except FlipkartReportsError as error:
        tell_end(error, logging.getLogger(tap.name))
        return 1
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from tap_flipkart_reports.simulator.command import fault_list, serve  # noqa: PLC0415 - only this command needs a server

    if options.list_faults:
        print(fault_list())  # noqa: T201 - its output
        return 0
    return serve(
        port=options.port,
        faults_path=options.faults,
        generation_seconds=(options.generation_seconds, options.generation_seconds),
        file_formats=options.file_format,
        orders_per_day=options.orders_per_day,
        out=sys.stdout,
    )


if __name__ == "__main__":
    main()
