"""`flipkart-reports init`: a project for the first seller, made of some answers; nothing is bought."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports import PACKAGE
from tap_flipkart_reports.commands.meltano_plugin import TARGETS, project
from tap_flipkart_reports.exceptions import SettingsError
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "TAP_FLIPKART_REPORTS_"

LEDGER, ARCHIVE = "purchases.db", "reports"
"""Where the new project keeps what it bought."""

IGNORED = (".env", ".meltano/", "output/", f"{LEDGER}*", f"{ARCHIVE}/")
"""Secrets and data, which do not belong into version control."""

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
        start_date: the first day wanted.
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


def gather(given: Mapping[str, Any], ask: Ask) -> Answers:
    """The answers, from options and from questions about what these leave open.

    Args:
        given: options by name; `None` where one was not given.
        ask: asks a question.

    Raises:
        SettingsError: an answer is missing or wrong.
    """

    def answer(name: str, question: str, *, usual: str = "", is_secret: bool = False) -> str:
        value = given.get(name)
        text = value if value is not None else ask(question, usual, is_secret)
        if text is None:
            raise SettingsError(f"--{name.replace('_', '-')} is needed, as there is no terminal to ask on")
        return str(text).strip() or usual

    kind = answer("kind", "Project: meltano or json", usual=MELTANO)
    if kind not in {MELTANO, JSON}:
        raise SettingsError(f"{kind!r} is not a kind of project; choose meltano or json")
    is_trial = bool(given.get("trial")) or (
        given.get("client_id") is None and _is_yes(ask, "Try it with the simulator?")
    )
    client_id = "" if is_trial else answer("client_id", "Application id of your app")
    secret = "" if is_trial else answer("client_secret", "Application secret", is_secret=True)
    seller_id = TRIAL_SELLERS[0] if is_trial else answer("seller_id", "Name of the first seller, as you choose it")
    if not is_trial and not (client_id and secret and _SELLER.fullmatch(seller_id)):
        raise SettingsError("an application id, its secret and a plain name of the seller are needed")
    start_date = answer("start_date", "First day to load", usual=str(date(2026, 9, 1)) if is_trial else "30 days ago")
    names = _report_types(given, answer)
    target = (
        answer("target", f"Loader: {', '.join(TARGETS)} or none", usual="target-duckdb") if kind == MELTANO else "none"
    )
    if target not in {*TARGETS, "none"}:
        raise SettingsError(f"{target!r} is not a loader that init knows{did_you_mean(target, TARGETS)}")
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


def _is_yes(ask: Ask, question: str) -> bool:
    return (ask(f"{question} y or n", "n", False) or "n").lower().startswith("y")  # noqa: FBT003 - as every question says


def _report_types(given: Mapping[str, Any], answer: Callable[..., str]) -> tuple[str, ...]:
    named = given.get("report_type") or [
        word.strip()
        for word in answer("report_types", "Report types, with commas between, or all", usual="all").split(",")
    ]
    if named == ["all"]:
        return ()
    for name in named:
        if name not in REPORT_TYPES:
            raise SettingsError(f"{name!r} is not a report type{did_you_mean(name, REPORT_TYPES)}")
    return tuple(named)


def write_project(answers: Answers, folder: Path, *, settings: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Write the project; secrets go to `.env` alone, which nobody else may read.

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
    if not (folder / ".gitignore").exists():
        files[folder / ".gitignore"] = "\n".join(IGNORED) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            mode = 0o600 if path.name == ".env" else 0o644
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}") from None
    return list(files)


def installed_from(package: Distribution) -> str:
    """What pip installs a package from again: its name only if it came from an index.

    Until the tap is published, a stranger could take its name.
    """
    record = package.read_text("direct_url.json")  # PEP 610
    if record is None:
        return PACKAGE
    origin = json.loads(record)
    if (repository := origin.get("vcs_info")) is not None:
        return f"{repository['vcs']}+{origin['url']}@{repository['commit_id']}"
    return str(origin["url"])


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
