"""Names of columns that no schema has: safe in every target, and the same in every run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from singer_sdk.sql import SQLSink

from tap_flipkart_reports.files.header_match import match_header
from tap_flipkart_reports.files.header_words import column_name
from tap_flipkart_reports.files.sql_words import SQL_WORDS
from tap_flipkart_reports.planning.record_schema import OWN_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.postgres import Postgres


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Bank Settlement Value (Rs.) \n= SUM(J:R)", "bank_settlement_value_rs"),
        ("CGST %", "cgst_percent"),
        ("Customer's State", "customers_state"),
        ("7D Sales", "_7d_sales"),
        ("_extra", "extra"),
        ("की मात्रा", "की_मात्रा_1eca9a75"),
        ("मूल्य (INR)", "मूल्य_inr_d920ee80"),
        ("५", "_५_cde6d606"),
        ("मूल्य" * 9, "मूल्यमूल्यमूल्यमू_c781ecc9"),
        ("Group", "group_column"),
        ("ORDER", "order_column"),
        ("Order Date", "order_date"),
        (" - ", None),
        ("", None),
        ("x" * 100, "x" * 60),
    ],
)
def test_names_of_new_columns(header: str, name: str | None) -> None:
    assert column_name(header) == name


def names_of_new(*headers: str) -> list[str]:
    return [column.name for _, column in match_header(headers, (), reserved=OWN_COLUMNS).new]


def conformed(names: Sequence[str]) -> list[str]:
    """What targets make of the names that are built with the SDK and do not say otherwise."""
    return [SQLSink.conform_name(None, name) for name in names]  # type: ignore[arg-type]  # it reads no attribute


def test_new_columns_stay_apart_where_a_target_leaves_out_all_but_latin_letters() -> None:
    names = names_of_new("मूल्य", "कर", "मूल्य (INR)", "कर (INR)", "मूल्य extra", "Group", "group column")
    left = conformed(names)
    assert len(set(left)) == len(left)
    assert OWN_COLUMNS.isdisjoint(left)


@pytest.mark.parametrize("unit", ["", " (INR)", " 1"])
def test_the_name_of_a_header_with_other_letters_does_not_depend_on_other_headers(unit: str) -> None:
    value, tax = names_of_new(f"मूल्य{unit}", f"कर{unit}")
    assert names_of_new(f"कर{unit}", "Note", f" मूल्य{unit} ") == [tax, "note", value]
    assert names_of_new(f"कर{unit}") == [tax]
    assert names_of_new("मूल्य" * 20) != names_of_new("मूल्य" * 21)


def test_no_new_column_has_a_name_that_a_database_takes_for_sql(postgres: Postgres) -> None:
    with closing(sqlite3.connect(":memory:")) as sqlite, psycopg.connect(postgres.new_database()) as connection:
        reserved = connection.execute("select word from pg_get_keywords() where catcode in ('R', 'T')").fetchall()
        for number, word in enumerate({*SQL_WORDS, *(word for (word,) in reserved)}):
            (name,) = names_of_new(word.title())
            assert name == f"{word}_column"
            sqlite.execute(f"create table t{number} ({name} text)")
            connection.execute(f"create table t{number} ({name} text)".encode())
