"""Where a target of a trial runs, and how to read back what it has stored there."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.rows import dict_row
from pyarrow import parquet

from support.programs import succeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.truth import Record

    Reader = Callable[["Place", str], list[Record]]
    """Reads the rows of a stream, later ones of a key behind earlier ones."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a target runs.

    Attributes:
        programs: of its environment.
        folder: where it may write.
        database_url: an empty PostgreSQL database.
        storage_url: what it finds in the place of S3.
        bucket: an empty bucket there.
    """

    programs: Path
    folder: Path
    database_url: str
    storage_url: str
    bucket: str

    def out(self, day: int) -> Path:
        """The folder of a day's files."""
        path = self.folder / f"day-{day}"
        path.mkdir(exist_ok=True)
        return path

    def files(self, pattern: str) -> Iterator[Path]:
        """Files of both days by their names, those of the first before those of the second."""
        for day in (1, 2):
            yield from sorted(self.out(day).glob(pattern))


# Databases


def postgres_settings(place: Place, **others: Any) -> dict[str, Any]:
    address = urlsplit(place.database_url)
    return {
        "host": address.hostname,
        "port": address.port,
        "user": address.username,
        "password": address.password,
        **others,
    }


def database_name(place: Place) -> str:
    return urlsplit(place.database_url).path[1:]


def postgres_rows(place: Place, stream: str) -> list[Record]:
    with psycopg.connect(place.database_url, row_factory=dict_row) as connection:
        return connection.execute(sql.SQL("select * from flipkart.{}").format(sql.Identifier(stream))).fetchall()


# Files


def _opened(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8")


def json_lines(pattern: str, *, member: str | None = None) -> Reader:
    def read(place: Place, stream: str) -> list[Record]:
        lines = [
            json.loads(line, parse_float=Decimal)
            for path in place.files(pattern.format(stream=stream))
            for line in _opened(path).split("\n")
            if line
        ]
        rows = [line for line in lines if member is None or line.get("type", "RECORD") == "RECORD"]
        return rows if member is None else [row[member] for row in rows]

    return read


def json_files(pattern: str, *, member: str | None = None) -> Reader:
    """Files of one JSON each: a message, or where a member is named a list of messages in it."""

    def read(place: Place, stream: str) -> list[Record]:
        documents = (
            json.loads(_opened(path), parse_float=Decimal) for path in place.files(pattern.format(stream=stream))
        )
        return [
            message["record"]
            for document in documents
            for message in ([document] if member is None else document[member])
        ]

    return read


def csv_files(pattern: str) -> Reader:
    def read(place: Place, stream: str) -> list[Record]:
        rows: list[Record] = []
        for path in place.files(pattern.format(stream=stream)):
            rows += csv.DictReader(_opened(path).splitlines(keepends=True))
        return rows

    return read


def parquet_files(pattern: str) -> Reader:
    def read(place: Place, stream: str) -> list[Record]:
        rows: list[Record] = []
        for path in place.files(pattern.format(stream=stream)):
            table = parquet.read_table(path)
            # plinxore writes the zone as `utc`, which Python does not know.
            fields = [
                field.with_type(pa.timestamp("us", tz="UTC")) if pa.types.is_timestamp(field.type) else field
                for field in table.schema
            ]
            rows += table.cast(pa.schema(fields)).to_pylist()
        return rows

    return read


READ_AVRO = """
import fastavro, json, sys
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for row in fastavro.reader(file):
            print(json.dumps(row, default=str))
"""


def avro_files(pattern: str) -> Reader:
    def read(place: Place, stream: str) -> list[Record]:
        paths = list(place.files(pattern.format(stream=stream)))
        lines = succeed([place.programs / "python", "-c", READ_AVRO, *paths]).splitlines()
        return [json.loads(line, parse_float=Decimal) for line in lines]

    return read


def stitch_rows(place: Place, stream: str) -> list[Record]:
    bodies = [
        json.loads(line, parse_float=Decimal) for path in place.files("requests") for line in _opened(path).splitlines()
    ]
    return [message["data"] for body in bodies if body.get("table_name") == stream for message in body["messages"]]


# S3


def s3_settings(place: Place, **others: Any) -> dict[str, Any]:
    return {
        "aws_access_key_id": "canary",
        "aws_secret_access_key": "canary",
        "aws_endpoint_url": place.storage_url,
        "s3_bucket": place.bucket,
        **others,
    }


def plinxore_settings(place: Place, day: int, format_type: str) -> dict[str, Any]:
    return {
        "format": {"format_type": format_type},
        "cloud_provider": {
            "cloud_provider_type": "aws",
            "aws": {
                "aws_access_key_id": "canary",
                "aws_secret_access_key": "canary",
                "aws_region": "us-east-1",
                "aws_bucket": place.bucket,
                "aws_endpoint_override": place.storage_url,
            },
        },
        "prefix": f"day-{day}",
    }
