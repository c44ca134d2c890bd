"""The words of the command line `flipkart-reports`: commands and options, each with a sentence and an example."""

from __future__ import annotations

import argparse
import math
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shtab

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAM = "flipkart-reports"

CONFIG = "--config config.json"

FORMATS = ("table", "json")

MAX_PORT = 65_535
MAX_DAYS = 3660
MAX_ORDERS = 1_000_000
MAX_SECONDS = 30 * 86_400


class _Parser(argparse.ArgumentParser):
    """Refuses a word that is not a choice with the nearest one."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 - argparse's own
        choices = [str(choice) for choice in action.choices or ()]
        if choices and value not in choices:
            raise argparse.ArgumentError(
                action, f"{value!r} is not one of {', '.join(choices)}{did_you_mean(str(value), choices)}"
            )


class _Version(argparse.Action):
    """Prints the version, which is looked up only when it is needed."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        print(f"{PROGRAM} v{version(PACKAGE)}")  # noqa: T201 - the answer
        parser.exit()


def build_parser(commands: Mapping[str, Callable[[argparse.Namespace], int]]) -> argparse.ArgumentParser:
    """The command line.

    Args:
        commands: what each command runs.
    """
    parser = _Parser(
        prog=PROGRAM,
        description="Set up, check, plan and watch runs of the tap, authorise sellers, and read days or files again.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version, and end")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for name, (sentence, example, add_options) in COMMANDS.items():
        command = subparsers.add_parser(
            name,
            help=sentence,
            description=f"{sentence[0].upper()}{sentence[1:]}.",
            epilog=f"example:\n  {PROGRAM} {name} {example}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        add_options(command)
        command.set_defaults(run=commands[name])
    return parser


def _add_plan_options(parser: argparse.ArgumentParser) -> None:
    _add_run_options(parser)
    _add_format_option(parser)


def _add_repair_options(parser: argparse.ArgumentParser) -> None:
    _add_run_options(parser)
    parser.add_argument("--stream", required=True, help="the stream")
    parser.add_argument("--from", dest="from_date", required=True, help="first day, for example 2026-10-01")
    parser.add_argument("--to", dest="to_date", required=True, help="last day")
    parser.add_argument("--seller", help="one of the sellers; by default all")
    parser.add_argument("--warehouse", help="one of the warehouses; by default all")


def _add_replay_options(parser: argparse.ArgumentParser) -> None:
    _add_run_options(parser)
    parser.add_argument("--stream", action="append", default=[], help="a stream; may be repeated; by default all")
    parser.add_argument("--from", dest="from_date", type=_day, default=date.min, help="first day; by default all")
    parser.add_argument("--to", dest="to_date", type=_day, default=date.max, help="last day; by default all")
    parser.add_argument("--seller", help="one of the sellers; by default all")


def _add_probe_options(parser: argparse.ArgumentParser) -> None:
    _add_run_options(parser)
    parser.add_argument(
        "--report-type", action="append", default=[], help="a report type; may be repeated; by default all selected"
    )
    parser.add_argument("--seller", help="the seller whose reports are bought; by default the first")
    parser.add_argument("--yes", action="store_true", help="ask nothing; buy the list and no more")
    parser.add_argument("--bundle", type=Path, metavar="FILE", help="write what was seen into a ZIP, without secrets")
    _add_format_option(parser)


def _add_init_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, default=Path(), help="where the project goes; by default here")
    parser.add_argument("--kind", choices=("meltano", "json"), help="meltano.yml with .env, or config.json with .env")
    parser.add_argument("--trial", action="store_true", help="use the simulator instead of an app of yours")
    parser.add_argument("--client-id", help="application id; the secret is asked for, or read from standard input")
    parser.add_argument("--seller-id", help="any name you choose for the first seller")
    parser.add_argument(
        "--redirect-uri", help="the https address registered for the app; with it the seller is authorised"
    )
    parser.add_argument("--start-date", help="first day to load, such as 2026-10-01 or 30 days ago")
    parser.add_argument("--report-type", action="append", help="a report type; may be repeated; by default all")
    parser.add_argument("--target", help="the loader of a Meltano project, or none")


def _add_inspect_options(parser: argparse.ArgumentParser) -> None:
    _completes_files(parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a report's file"))
    parser.add_argument("--report-type", help="the file's report type; by default the one whose columns it has")
    parser.add_argument("--schema", action="store_true", help="print a proposal for the schema of unknown columns")
    _add_format_option(parser)


def _add_anonymise_options(parser: argparse.ArgumentParser) -> None:
    _completes_files(parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a report's file"))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="folder for the copies")
    parser.add_argument(
        "--replace-headers", action="store_true", help="replace words of headers, too, that no known header has"
    )


def _add_coverage_options(parser: argparse.ArgumentParser) -> None:
    _add_run_options(parser)
    _add_format_option(parser)
    _completes_files(
        parser.add_argument("--html", type=Path, metavar="FILE", help="write one self-contained page instead")
    )


def _add_sellers_options(parser: argparse.ArgumentParser) -> None:
    _add_config_option(parser)
    parser.add_argument(
        "--warn-days",
        type=_whole(0, MAX_DAYS),
        default=14,
        metavar="DAYS",
        help="warn of consent that ends within so many days; default 14",
    )
    _add_format_option(parser)


def _add_authorize_options(parser: argparse.ArgumentParser) -> None:
    _add_config_option(parser)
    parser.add_argument("--seller-id", required=True, help="any name you choose for the seller")
    parser.add_argument("--redirect-uri", required=True, help="the https address registered for the app")
    parser.add_argument(
        "--store",
        default="token_store",
        help="where the refresh token goes: env:PATH (Meltano's .env), file:PATH (mode 0600), stdout, or "
        "token_store (the default)",
    )


def _add_simulate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=_whole(0, MAX_PORT), default=0, metavar="PORT", help="port on 127.0.0.1; by default a free one"
    )
    _completes_files(parser.add_argument("--faults", type=Path, help="JSON file of faults to inject"))
    _completes_files(
        parser.add_argument(
            "--profile",
            "--bundle",
            type=Path,
            help="JSON file that says how the API differs from its documents, or a bundle that probe has written",
        )
    )
    parser.add_argument("--list-faults", action="store_true", help="print the faults that a file may name, and end")
    parser.add_argument(
        "--generation-seconds",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="how long a report takes until it is complete; default 0",
    )
    parser.add_argument(
        "--file-format",
        action="append",
        default=[],
        metavar="[REPORT_TYPE=]FORMAT",
        help="csv (default), csv_with_preamble, xlsx or zip_of_workbooks, of all types or of one; may be repeated",
    )
    parser.add_argument(
        "--layout", choices=("2026", "2025"), default="2026", help="the year whose layout the files have; default 2026"
    )
    parser.add_argument(
        "--orders-per-day",
        type=_whole(0, MAX_ORDERS),
        default=8,
        metavar="ORDERS",
        help="orders of a seller on a day; default 8",
    )


def _add_completion_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh", "fish"], help="the shell")


def _add_no_options(parser: argparse.ArgumentParser) -> None:
    """The command has none."""


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    """The same options as the tap's, so that a command sees what the run would see."""
    _add_config_option(parser)
    _completes_files(parser.add_argument("--state", type=Path, help="state of an earlier run"))
    _completes_files(parser.add_argument("--catalog", type=Path, help="catalog"))


def _add_config_option(parser: argparse.ArgumentParser) -> None:
    _completes_files(
        parser.add_argument(
            "--config",
            action="append",
            default=[],
            help="configuration file, or ENV for the environment and the .env of the working folder; may be repeated",
        )
    )


def _add_format_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="table", help="for people or for programs")


def _completes_files(option: argparse.Action) -> None:
    """Let a shell complete the option's value by the names of files."""
    option.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-10-31") from None


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = minimum - 1
        if not minimum <= number <= maximum:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {minimum} to {maximum}")
        return number

    return read


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {MAX_SECONDS}")
    return number


COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "init": (
        "write a project for the first seller and say what comes next; buys nothing",
        "--kind meltano --seller-id acme",
        _add_init_options,
    ),
    "doctor": (
        "check, without buying anything, settings, tokens, clock, ledger, archive, target, next run",
        CONFIG,
        _add_plan_options,
    ),
    "plan": (
        "show what a run would adopt, trigger, read again and skip; makes no call",
        f"{CONFIG} --state state.json",
        _add_plan_options,
    ),
    "repair": (
        "read days of a stream again, as Singer messages on standard output; no bookmark moves",
        f"{CONFIG} --stream orders_report --from 2026-10-01 --to 2026-10-07 | target-jsonl",
        _add_repair_options,
    ),
    "replay": (
        "read archived files again, as Singer messages on standard output; makes no call",
        f"{CONFIG} --stream orders_report | target-jsonl",
        _add_replay_options,
    ),
    "probe": (
        "buy one report of each type and say which assumptions about the API hold; asks before it buys",
        f"{CONFIG} --report-type sales_ledger --bundle probe.zip",
        _add_probe_options,
    ),
    "inspect": (
        "show what files are, and which streams their tables would feed",
        "settlement.xlsx",
        _add_inspect_options,
    ),
    "anonymise": (
        "copy files with everything personal or commercial replaced, to show one that fails",
        "settlement.xlsx --output copies",
        _add_anonymise_options,
    ),
    "coverage": (
        "show what needs a person, which days are loaded, and what was bought; makes no call",
        f"{CONFIG} --state state.json --html coverage.html",
        _add_coverage_options,
    ),
    "sellers": (
        "check every seller's tokens, and who must authorise again; buys nothing",
        f"{CONFIG} --warn-days 30",
        _add_sellers_options,
    ),
    "authorize": (
        "let a seller allow the app, and keep the refresh token",
        f"{CONFIG} --seller-id acme --redirect-uri https://example.com/flipkart --store env:.env",
        _add_authorize_options,
    ),
    "token-key": ("print a new key for token_store", "", _add_no_options),
    "simulate": (
        "serve a simulator of Flipkart's Report Management API",
        "--port 8080 --generation-seconds 5",
        _add_simulate_options,
    ),
    "completion": (
        "print a script that completes this command in a shell",
        "bash > ~/.local/share/bash-completion/completions/flipkart-reports",
        _add_completion_options,
    ),
}
"""By name: what the command does, the rest of an example, and its options."""
