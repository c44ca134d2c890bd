"""Further targets: what each needs, how to read back what it has stored, and what it loses. One entry is one row.

To add one, write an entry, run `uv run just targets -k NAME`, say in `lost` what differs, and run `uv run just made`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from support.trial_places import (
    avro_files,
    csv_files,
    database_name,
    json_files,
    json_lines,
    parquet_files,
    plinxore_settings,
    postgres_rows,
    postgres_settings,
    s3_settings,
    stitch_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.recordings import Loss
    from support.trial_places import Place, Reader

TEXTS: dict[str, Any] = {"object_columns": "json_text"}
DECIMALS: dict[str, Any] = {"use_singer_decimal": True}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One target.

    Attributes:
        package: its package and version.
        program: its command.
        settings: its settings, for a place and a day.
        read: reads back what it has stored.
        upserts: whether a row read again takes the place of the former one; otherwise it is appended.
        form: words for what of several formats it writes.
        beside: packages that have to be installed with it.
        overrides: versions in the place of those that it asks for.
        arguments: of its command, for a place and a day, beside its settings.
        tap: settings of the tap that it needs.
        otherwise: words for what happens without them.
        lost: what of a value it changes, by the words for it.
        column: its name for a column.
    """

    package: str
    program: str
    settings: Callable[[Place, int], dict[str, Any]]
    read: Reader
    upserts: bool = False
    form: str = ""
    beside: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    arguments: Callable[[Place, int], list[str]] = lambda _place, _day: []
    tap: Mapping[str, Any] = field(default_factory=dict)
    otherwise: str = ""
    lost: Mapping[str, Loss] = field(default_factory=dict)
    column: Callable[[str], str] = str

    @property
    def name(self) -> str:
        """The package, and what it writes if it can do otherwise."""
        return f"{self.package.partition('==')[0]} {self.form}".strip()


def _escaped(value: Any, _schema: Mapping[str, Any]) -> Any:
    return value.replace("\n", "\\n") if isinstance(value, str) else value


TRIALS = (
    Trial(
        package="pipelinewise-target-postgres==2.1.2",
        program="target-postgres",
        lost={"a line break in a text becomes the two characters `\\n`": _escaped},
        settings=lambda place, _day: postgres_settings(
            place, dbname=database_name(place), default_target_schema="flipkart", add_metadata_columns=False
        ),
        read=postgres_rows,
        upserts=True,
    ),
    Trial(
        package="singer-target-postgres==0.2.4",
        program="target-postgres",
        beside=("setuptools<80",),
        overrides=("psycopg2-binary>=2.9", "psycopg2; python_version < '3'"),
        settings=lambda place, _day: {
            "postgres_host": "127.0.0.1",
            "postgres_port": urlsplit(place.database_url).port,
            "postgres_username": "postgres",
            "postgres_password": "unchecked",
            "postgres_database": database_name(place),
            "postgres_schema": "flipkart",
            "disable_collection": True,
        },
        column=lambda name: re.sub(r"[^\w$]", "_", name),  # vowel signs among them
        otherwise="`_extra` and `_unparsed` get no column",
        read=postgres_rows,
        tap=TEXTS,
        upserts=True,
    ),
    Trial(
        package="target-singer-jsonl==0.1.0",
        program="target-singer-jsonl",
        settings=lambda place, day: {"destination": "local", "local": {"folder": str(place.out(day))}},
        read=json_lines("{stream}/*.singer.gz", member="record"),
    ),
    Trial(
        package="target-localjson==0.1.1",
        program="target-localjson",
        beside=("setuptools<80",),
        settings=lambda place, day: {"dest_dir": str(place.out(day)), "disable_collection": True},
        read=json_files("{stream}/*.json"),
    ),
    Trial(
        package="target-stitch==4.0.3",
        program="target-stitch",
        settings=lambda _place, _day: {},
        arguments=lambda place, day: ["--dry-run", "--output-file", str(place.out(day) / "requests")],
        read=stitch_rows,
    ),
    Trial(
        package="target-avro==0.2.0",
        program="target-avro",
        otherwise="it stops at an object with a value",
        beside=("setuptools<80",),
        settings=lambda place, day: {"prefix": str(place.out(day) / "flipkart"), "disable_collection": True},
        read=avro_files("flipkart.{stream}.avro"),
        tap=TEXTS,
    ),
    Trial(
        package="target-s3-jsonl==2.0.1",
        program="target-s3-jsonl",
        settings=lambda place, day: s3_settings(
            place, path_template=f"day-{day}/{{stream}}-{{date_time}}.json", work_dir=str(place.out(day))
        ),
        read=json_lines("{stream}-2*.json"),
    ),
    Trial(
        package="plinxore-target-s3==0.1.7",
        program="target-s3",
        form="JSONL",
        settings=lambda place, day: plinxore_settings(place, day, "jsonl"),
        read=json_lines("{stream}/**/*.jsonl*"),
    ),
    Trial(
        package="plinxore-target-s3==0.1.7",
        program="target-s3",
        form="Parquet",
        otherwise="it stops at the first record",
        settings=lambda place, day: plinxore_settings(place, day, "parquet"),
        read=parquet_files("{stream}/**/*.parquet*"),
        tap=TEXTS,
    ),
    Trial(
        package="pipelinewise-target-s3-csv==2.0.0",
        program="target-s3-csv",
        otherwise="`_extra` and `_unparsed` become columns of their members' names",
        settings=lambda place, day: s3_settings(place, s3_key_prefix=f"day-{day}/", temp_dir=str(place.out(day))),
        read=csv_files("{stream}-2*.csv"),
        tap=TEXTS,
    ),
    Trial(
        package="scalefree-target-s3-json==0.2",
        program="target-s3-json",
        otherwise="it stops at the first amount",
        beside=("setuptools<80",),
        settings=lambda place, day: s3_settings(place, s3_key_prefix=f"day-{day}/", temp_dir=str(place.out(day))),
        read=json_files("{stream}-2*.json", member="data"),
        tap=DECIMALS,
    ),
)


# Warehouses that nobody can run here: what they make of the types


@dataclass(frozen=True, kw_only=True)
class TypeTrial:
    """A target for a warehouse of which there is no stand-in.

    Attributes:
        package: its package and version.
        script: prints a column's name and its type for each of the columns on its standard input.
        types: what it makes of each of `KINDS`.
        beside: packages that have to be installed with it.
    """

    package: str
    script: str
    types: Mapping[str, str]
    beside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The package."""
        return self.package.partition("==")[0]


KINDS = {
    "text": ("orders_report", "order_id", {}),
    "amount": ("sales_ledger", "taxable_value", {}),
    "amount with `use_singer_decimal`": ("sales_ledger", "taxable_value", DECIMALS),
    "count": ("orders_report", "quantity", {}),
    "day": ("sales_ledger", "order_date", {}),
    "time": ("orders_report", "order_date", {}),
    "`_unparsed`, `_extra`": ("orders_report", "_unparsed", {}),
    "the same with `object_columns: json_text`": ("orders_report", "_unparsed", TEXTS),
}
"""Columns of each kind, by stream, name and settings of the tap."""

SNOWFLAKE = """
import json, sys
from snowflake.sqlalchemy.snowdialect import dialect
from target_snowflake.connector import SnowflakeConnector
connector = SnowflakeConnector({"account": "a", "user": "u", "password": "p", "database": "d"})
for name, schema in json.load(sys.stdin).items():
    print(name, connector.to_sql_type(schema).compile(dialect=dialect()), sep="\\t")
"""

BIGQUERY = """
import json, sys
from target_bigquery.core import SchemaTranslator
schema = {"type": "object", "properties": json.load(sys.stdin)}
for field in SchemaTranslator(schema=schema, transforms={}).translated_schema:
    print(field.name, field.field_type, sep="\\t")
"""

TYPE_TRIALS = (
    TypeTrial(
        package="meltanolabs-target-snowflake==0.20.4",
        script=SNOWFLAKE,
        types=dict(
            zip(
                KINDS,
                ("VARCHAR", "FLOAT", "DECIMAL(38, 10)", "DECIMAL", "DATE", "TIMESTAMP_NTZ", "VARIANT", "VARCHAR"),
                strict=True,
            )
        ),
    ),
    TypeTrial(
        package="z3-target-bigquery==0.7.2",
        script=BIGQUERY,
        types=dict(
            zip(KINDS, ("STRING", "FLOAT", "STRING", "INTEGER", "DATE", "TIMESTAMP", "JSON", "STRING"), strict=True)
        ),
        beside=("setuptools<80",),
    ),
)


# As the documents show them


def trials_table() -> str:
    """One line per target."""
    lines = [
        "| target | version | installed with | a row read again | set in the tap | without that | changed anyway |",
        "|---|---|---|---|---|---|---|",
    ]
    for trial in TRIALS:
        package, _, version = trial.package.partition("==")
        lines.append(
            f"| `{package}`{f', {trial.form}' if trial.form else ''} | {version} "
            f"| {', '.join(f'`{each}`' for each in (*trial.beside, *trial.overrides)) or 'none'} "
            f"| {'replaces itself' if trial.upserts else 'is appended'} "
            f"| {', '.join(f'`{name}: {value}`'.lower() for name, value in trial.tap.items()) or 'none'} "
            f"| {trial.otherwise or 'none'} | {'; '.join(trial.lost) or 'nothing'} |"
        )
    return "\n".join(lines)


def types_table() -> str:
    """One line per type of the tap's, one column per target that was asked for its types alone."""
    lines = [f"| our type | {' | '.join(f'`{trial.name}`' for trial in TYPE_TRIALS)} |"]
    lines.append("|---" * (1 + len(TYPE_TRIALS)) + "|")
    lines += [f"| {kind} | {' | '.join(trial.types[kind] for trial in TYPE_TRIALS)} |" for kind in KINDS]
    return "\n".join(lines)
