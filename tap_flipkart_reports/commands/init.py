"""`flipkart-reports init`: a project for the first seller, made of some answers; nothing is bought."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.commands.meltano_plugin import TARGETS, project
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.settings.dates import read_day
from tap_flipkart_reports.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "TAP_FLIPKART_REPORTS_"

LEDGER, ARCHIVE = "purchases.db", "reports"
"""Where the new project keeps what it bought."""

IGNORED = (".env", ".meltano/", f"{LEDGER}*", f"{ARCHIVE}/")
"""Secrets and data, which do not belong into version control."""

OUTPUT_IGNORED = "*\n!.gitignore\n"
"""Keeps the folder of what loaders write in version control, without its files: DuckDB makes no folder."""

MELTANO, JSON = "meltano", "json"
"""The two kinds of project."""

TRIAL_SELLERS = ("acme", "bharat")

Ask = Callable[[str, str, bool], "str | None"]
"""Asks a question, with the usual answer and whether it is a secret; `None` without a terminal."""

_SELLER = re.compile(r"[\w .@-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a project is made of.

    Attributes:
        kind: `meltano` or `json`.
        is_trial: whether the simulator takes the API's place.
        client_id: of the app; empty for a trial.
        client_secret: of the app.
        seller_id: the first seller.
        start_date: the first day to load.
        report_types: those that are loaded; empty for all.
        target: the loader, if any.
    """

    kind: str
    is_trial: bool
    client_id: str
    client_secret: str
    seller_id: str
    start_date: str
    report_types: tuple[str, ...]
    target: str | None


Check = Callable[[str], "str | None"]
"""What is wrong with an answer, `None` if nothing is."""


class _Questions:
    """Asks for what the options leave open, again where an answer is wrong."""

    def __init__(self, given: Mapping[str, Any], ask: Ask) -> None:
        self._given = given
        self._ask = ask

    def answer(self, name: str, question: str, *, check: Check, usual: str = "", is_secret: bool = False) -> str:
        if (given := self._given.get(name)) is not None:
            if (fault := check(str(given).strip())) is not None:
                raise SettingsError(fault)
            return str(given).strip()
        words = question
        while True:
            text = self._ask(words, usual, is_secret)
            if text is None:
                raise SettingsError(f"--{name.replace('_', '-')} is needed, as there is no terminal to ask on")
            text = text.strip() or usual
            if (fault := check(text)) is None:
                return text
            words = f"{fault}\n{question}"

    def is_yes(self, question: str) -> bool:
        return (self._ask(f"{question} y or n", "n", False) or "n").lower().startswith("y")  # noqa: FBT003 - as every question says


def gather(given: Mapping[str, Any], ask: Ask, *, today: date) -> Answers:
    """The answers, from options and from questions about what these leave open.

    Args:
        given: options by name; `None` where one was not given.
        ask: asks a question.
        today: the day it is in Asia/Kolkata.

    Raises:
        SettingsError: an option is wrong, or an answer is missing and there is no terminal.
    """
    questions = _Questions(given, ask)
    kind = questions.answer("kind", "Project: meltano or json", usual=MELTANO, check=_one_of((MELTANO, JSON)))
    is_trial = bool(given.get("trial")) or (
        given.get("client_id") is None and questions.is_yes("Try it with the simulator?")
    )
    client_id, secret, seller_id = ("", "", TRIAL_SELLERS[0]) if is_trial else _app_and_seller(questions)
    start_date = questions.answer(
        "start_date",
        "First day to load",
        usual=str(date(2026, 9, 1)) if is_trial else "30 days ago",
        check=partial(_fault_of_day, today=today),
    )
    names = _report_types(given, questions)
    target = (
        questions.answer(
            "target",
            f"Loader: {', '.join(TARGETS)} or none",
            usual="target-duckdb",
            check=_one_of((*TARGETS, "none")),
        )
        if kind == MELTANO
        else "none"
    )
    return Answers(
        kind=kind,
        is_trial=is_trial,
        client_id=client_id,
        client_secret=secret,
        seller_id=seller_id,
        start_date=start_date,
        report_types=names,
        target=None if target == "none" else target,
    )


def _app_and_seller(questions: _Questions) -> tuple[str, str, str]:
    def is_there(text: str) -> str | None:
        return None if text else "an app has an id and a secret; both are needed"

    def is_name(text: str) -> str | None:
        return None if _SELLER.fullmatch(text) else "a seller's name has 1 to 64 letters, digits, spaces and . @ - _"

    return (
        questions.answer("client_id", "Application id of your app", check=is_there),
        questions.answer("client_secret", "Application secret", is_secret=True, check=is_there),
        questions.answer("seller_id", "Name of the first seller, as you choose it", check=is_name),
    )


def _one_of(choices: Iterable[str]) -> Check:
    known = tuple(choices)
    return lambda text: (
        None if text in known else f"{text!r} is not one of {', '.join(known)}{did_you_mean(text, known)}"
    )


def _fault_of_day(text: str, *, today: date) -> str | None:
    try:
        read_day(text, today=today)
    except ValueError:
        return f"{text!r} is not a date such as 2026-01-31, yesterday or 30 days ago"
    return None


def _fault_of_report_types(text: str) -> str | None:
    names = _names(text)
    unknown = next((name for name in names if name not in REPORT_TYPES), None)
    if unknown is None or names == ["all"]:
        return None
    return f"{unknown!r} is not a report type{did_you_mean(unknown, REPORT_TYPES)}"


def _names(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _report_types(given: Mapping[str, Any], questions: _Questions) -> tuple[str, ...]:
    if named := given.get("report_type"):
        if (fault := _fault_of_report_types(",".join(named))) is not None:
            raise SettingsError(fault)
        text = ",".join(named)
    else:
        text = questions.answer(
            "report_types", "Report types, with commas between, or all", usual="all", check=_fault_of_report_types
        )
    return () if _names(text) == ["all"] else tuple(_names(text))


def write_project(answers: Answers, folder: Path, *, settings: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Write the project; secrets go only to `.env`, which only its owner may read.

    Args:
        answers: what it is made of.
        folder: where it goes.
        settings: JSON Schemas of the tap's settings by name.

    Returns:
        The files.

    Raises:
        SettingsError: one of them is there already, or cannot be written.
    """
    config = _config(answers)
    if answers.kind == MELTANO:
        streams = [stream for name in answers.report_types for stream in REPORT_TYPES[name].streams]
        source = installed_from(distribution(PACKAGE))
        text = project(settings=settings, config=config, streams=streams, target=answers.target, pip_url=source)
        files = {folder / "meltano.yml": text}
    else:
        only = {"only_report_types": list(answers.report_types)} if answers.report_types else {}
        files = {folder / "config.json": json.dumps({**config, **only}, indent=2) + "\n"}
    if not answers.is_trial:
        files[folder / ".env"] = (
            f"{PREFIX}CLIENT_ID={_quoted(answers.client_id)}\n{PREFIX}CLIENT_SECRET={_quoted(answers.client_secret)}\n"
        )
    if there := [path for path in files if path.exists()]:
        raise SettingsError(f"{there[0]} is there already; init changes no file: name another folder with --folder")
    ignored = {folder / ".gitignore": "\n".join(IGNORED) + "\n"}
    if answers.target is not None:
        ignored[folder / "output" / ".gitignore"] = OUTPUT_IGNORED
    files |= {path: text for path, text in ignored.items() if not path.exists()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            mode = 0o600 if path.name == ".env" else 0o644
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}") from None
    return list(files)


def installed_from(package: Distribution) -> str:
    """What pip installs a package from again: its name only if it came from an index.

    Until the tap is published, somebody else could register its name.
    """
    record = package.read_text("direct_url.json")  # PEP 610
    if record is None:
        return PACKAGE
    origin = json.loads(record)
    if (repository := origin.get("vcs_info")) is not None:
        return f"{PACKAGE}@{repository['vcs']}+{origin['url']}@{repository['commit_id']}"
    return f"{PACKAGE}@{origin['url']}"


def _config(answers: Answers) -> dict[str, Any]:
    """Settings without a secret."""
    if answers.is_trial:
        return {
            "api_url": "simulator",
            "sellers": [{"seller_id": name} for name in TRIAL_SELLERS],
            "start_date": answers.start_date,
            "warehouse_ids": ["blr_wfld"],
            "poll_interval": 0.1,
            "poll_max_interval": 1,
        }
    return {
        "seller_id": answers.seller_id,
        "start_date": answers.start_date,
        "report_ledger": LEDGER,
        "report_archive": ARCHIVE,
        "max_reports": 10,
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def next_steps(answers: Answers, folder: Path) -> str:
    """What the operator does now, in the order of the page for the first seller."""
    authorize = f"authorize {{config}} --seller-id {answers.seller_id} --redirect-uri https://… --store env:.env"
    names = (
        ["doctor {config}", "plan {config}"] if answers.is_trial else [authorize, "doctor {config}", "plan {config}"]
    )
    if answers.kind == MELTANO:
        steps = [f"meltano invoke tap-flipkart-reports:{' '.join(name.format(config='').split())}" for name in names]
        steps.append(f"meltano run tap-flipkart-reports {answers.target or 'YOUR-TARGET'}")
    else:
        config = "--config config.json" if answers.is_trial else "--config config.json --config ENV"
        steps = [f"flipkart-reports {name.format(config=config)}" for name in names]
        steps.append(f"tap-flipkart-reports {config} | YOUR-TARGET")
    enter = [f"cd {folder}"] if folder != Path() else []
    return "Nothing was bought. Next:\n" + "\n".join(f"  {step}" for step in [*enter, *steps])
