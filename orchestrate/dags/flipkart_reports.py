"""Every seller's reports into the warehouse, on as many machines as Airflow has.

One run of the tap per seller and report type, each with a Meltano state id of its own. Nothing of the tap is imported:
the plan and the runs are commands of a Meltano project, whose settings, credentials and loader they use. README.md
beside this folder says what the project and the environment have to bring.

| environment variable | default | meaning |
|---|---|---|
| MELTANO_PROJECT_ROOT | /opt/flipkart-reports | folder of the Meltano project |
| FLIPKART_REPORTS_LOADER | target-postgres | the loader's name in that project |
| FLIPKART_REPORTS_SCHEDULE | 0 3 * * * | cron, in Asia/Kolkata |
| FLIPKART_REPORTS_PER_RUN | 1 | reports in progress at once of one run; as many slots of the pool it takes |
| FLIPKART_REPORTS_TIMEOUT | 21600 | seconds one run may take |
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import CronTriggerTimetable, Param, dag, task

POOL = "flipkart_reports"
TAP = "tap-flipkart-reports"
PROJECT = os.environ.get("MELTANO_PROJECT_ROOT", "/opt/flipkart-reports")
LOADER = os.environ.get("FLIPKART_REPORTS_LOADER", "target-postgres")
SCHEDULE = os.environ.get("FLIPKART_REPORTS_SCHEDULE", "0 3 * * *")
REPORTS_PER_RUN = int(os.environ.get("FLIPKART_REPORTS_PER_RUN", "1"))
RUN_SECONDS = int(os.environ.get("FLIPKART_REPORTS_TIMEOUT", "21600"))

PLAN_SECONDS = 600
SECONDS_TO_END = 60

RETRY_DELAY = timedelta(seconds=150)
"""Longer than the two minutes for which the ledger keeps the windows of a worker that is gone with its machine."""

# The worker that started it may be killed: then the run is asked to end, instead of going on beside its own retry. The
# state id is free to use again at once (--force): who may buy what is the ledger's business.
EXTRACT_AND_LOAD = (
    f"exec setpriv --pdeathsig TERM timeout --kill-after={SECONDS_TO_END} {RUN_SECONDS} "
    f'meltano el {TAP} {LOADER} --state-id="$STATE_ID" --force --no-install'
)

PARAMS = {
    "sellers": Param([], type="array", items={"type": "string"}, description="seller ids; none: all"),
    "report_types": Param([], type="array", items={"type": "string"}, description="report types; none: all"),
    "from_date": Param(None, type=["null", "string"], format="date", description="backfill: the first day"),
    "to_date": Param(None, type=["null", "string"], format="date", description="backfill: the last day"),
}


def narrowed(params: dict[str, Any]) -> dict[str, str]:
    """The tap's settings that the parameters of a DAG run stand for, as Meltano's environment variables."""
    settings = {
        "ONLY_SELLERS": json.dumps(params["sellers"]) if params["sellers"] else None,
        "ONLY_REPORT_TYPES": json.dumps(params["report_types"]) if params["report_types"] else None,
        "START_DATE": params["from_date"],
        "END_DATE": params["to_date"],
    }
    return {f"TAP_FLIPKART_REPORTS_{name}": value for name, value in settings.items() if value is not None}


def state_id(seller_id: str, report_type: str, params: dict[str, Any]) -> str:
    """A backfill has a state of its own, so that the bookmark of the daily runs stays where it is."""
    days = (
        f":{params['from_date'] or ''}..{params['to_date'] or ''}" if params["from_date"] or params["to_date"] else ""
    )
    return f"flipkart:{seller_id}:{report_type}{days}"


def output_of(*command: str, settings: dict[str, str]) -> bytes:
    """What a command prints; its log goes to this task's."""
    ended = subprocess.run(  # noqa: S603 - commands of this file
        command, cwd=PROJECT, env=os.environ | settings, stdout=subprocess.PIPE, timeout=PLAN_SECONDS, check=True
    )
    return ended.stdout


@task(retries=2, retry_delay=timedelta(minutes=1))
def plan_runs(params: dict[str, Any]) -> list[dict[str, str]]:
    """The environment of each run: its seller, report type and state id, and no secret."""
    settings = narrowed(params)
    with tempfile.TemporaryDirectory() as folder:
        catalog = Path(folder, "catalog.json")
        catalog.write_bytes(output_of("meltano", "invoke", "--dump=catalog", TAP, settings=settings))
        plan = output_of(
            "meltano", "invoke", "--no-install", f"{TAP}:plan", "--catalog", str(catalog), settings=settings
        )
    steps = [step for step in json.loads(plan)["steps"] if step["action"] != "skip"]
    return [
        {
            **settings,
            "TAP_FLIPKART_REPORTS_ONLY_SELLERS": json.dumps([seller_id]),
            "TAP_FLIPKART_REPORTS_ONLY_REPORT_TYPES": json.dumps([report_type]),
            "TAP_FLIPKART_REPORTS_MAX_CONCURRENT_REPORTS": str(REPORTS_PER_RUN),
            "STATE_ID": state_id(seller_id, report_type, params),
        }
        for seller_id, report_type in dict.fromkeys((step["seller_id"], step["stream"]) for step in steps)
    ]


@dag(
    schedule=CronTriggerTimetable(SCHEDULE, timezone="Asia/Kolkata"),
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,  # the tap's own bookmarks say what is due
    max_active_runs=1,
    max_active_tasks=10_000,  # the pool is the cap
    params=PARAMS,
    tags=["flipkart"],
    doc_md=__doc__,
)
def flipkart_reports() -> None:
    """Plan, then one run of the tap per seller and report type."""
    runs = plan_runs()
    BashOperator.partial(
        task_id="extract_and_load",
        bash_command=EXTRACT_AND_LOAD,
        cwd=PROJECT,
        append_env=True,
        pool=POOL,
        pool_slots=REPORTS_PER_RUN,
        retries=3,
        retry_delay=RETRY_DELAY,
        map_index_template="{{ task.env['STATE_ID'] }}",
    ).expand(env=runs)


flipkart_reports()
