"""Cells to values: each spelling of flipkart-api §4, and what is refused rather than guessed."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.files.columns import ColumnType
from tap_flipkart_reports.files.converters import (
    CONVERTERS,
    JSON_CONVERTERS,
    MAX_REMEMBERED,
    NULL_MARKERS,
    ColumnConverter,
    clean,
)


def converted(column_type: ColumnType, text: str) -> Any:
    """The value of a cell that has to fit."""
    converter = ColumnConverter(CONVERTERS[column_type])
    (value,) = converter.convert([text])
    assert converter.refused == set()
    return value


def is_refused(column_type: ColumnType, text: str) -> bool:
    converter = ColumnConverter(CONVERTERS[column_type])
    (value,) = converter.convert([text])
    return value is None and converter.refused == {text}


def test_every_type_has_a_converter() -> None:
    assert tuple(CONVERTERS) == get_args(ColumnType)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  x ", "x"),
        ("\u00a0\u200bx\ufeff\u2007", "x"),
        ('"SKU:LMS-25-s"', "LMS-25-s"),
        ('"""SKU:LMS-25-s"""', "LMS-25-s"),
        ("SKU:LMS-25-s", "LMS-25-s"),
        ('"SKU:pipe 12""', 'pipe 12"'),
        ("SKU:SKU:x", "SKU:x"),
        ("SKU:NA", "NA"),
        ("OI:330000000000003100", "330000000000003100"),
        ("'OI:330000000000003100", "330000000000003100"),
        ("'0330000000000003100", "0330000000000003100"),
        ('="0123"', "0123"),
        ('"a title"', "a title"),
        ('"""a title"""', "a title"),
    ],
)
def test_padding_and_wrappers_go(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    "title",
    [
        'Frame 8" x 10"',
        '"Best" shirt, "large"',
        '"Best" shirt',
        '"',
        "'Tis",
        "'Tis the season",
        "'90s poster",
        "SKU: how to number things",
        "OI: an opera",
        "=SUM(A1)",
        "Nana",
        "a  b",
        "ക്\u200d",
    ],
)
def test_titles_stay_as_they_are(title: str) -> None:
    assert clean(title) == title


@pytest.mark.parametrize(
    "text",
    [*sorted(NULL_MARKERS), "NA", " N/A ", '""', '"NA"', "Not Available", "SKU:", "\u200b", "NaN", "'", "'-", "'NA"],
)
@pytest.mark.parametrize("column_type", CONVERTERS)
def test_null_markers_are_null_in_every_type(column_type: ColumnType, text: str) -> None:
    assert converted(column_type, text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("4.37E+17", "4E+17", "-4.37E+17", "4.37e+17", "4,37E+17", "4.37E17", "'4.37E+17"),
        *("#REF!", "#N/A!", "#NAME?", "#SPILL!", "#CALC!", "#GETTING_DATA", "####", "=A1*2"),
    ],
)
def test_what_is_shown_in_place_of_a_text_is_refused(text: str) -> None:
    assert is_refused("string", text)


@pytest.mark.parametrize("text", ["1E5", "12E10", "4.37E+17 kg", "12.5E17", "4,37E17", "#1 lamp", "A#", "#", "#tag"])
def test_texts_that_look_alike_are_texts(text: str) -> None:
    assert converted("string", text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", "12"),
        ("12.50", "12.50"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+12", "12"),
        ("-12", "-12"),
        ("\u221212", "-12"),
        ("12-", "-12"),
        ("(12.50)", "-12.50"),
        ("1,23,456.70", "123456.70"),
        ("12,34,56,789", "123456789"),
        ("123,456.70", "123456.70"),
        ("1,234", "1234"),
        ("₹1,23,456.70", "123456.70"),
        ("₹ 12", "12"),
        ("Rs.12", "12"),
        ("Rs. 12", "12"),
        ("rs 12", "12"),
        ("INR\u00a012", "12"),
        ("-₹12", "-12"),
        ("₹-12", "-12"),
        ("(₹12)", "-12"),
        ("₹(12)", "-12"),
        ("18%", "18"),
        ("(18 %)", "-18"),
        ("1E+05", "100000"),
        ("4.2e-7", "0.00000042"),
        ("'12", "12"),
        ('="12"', "12"),
        ("0000000000000000000000000000000000012345678901234567890123.10", "12345678901234567890123.10"),
    ],
)
def test_numbers(text: str, expected: str) -> None:
    value = converted("number", text)
    assert isinstance(value, Decimal)
    assert (value, value.is_signed()) == (Decimal(expected), expected.startswith("-"))
    assert format(value, "f") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("1,2,3", "1,2,345", "12,34", "1,23", "0,123", "1,2345", "1,23,45", ",123", "1,23,456,7", "1e5,000"),
        *("Infinity", "-Infinity", "sNaN", "1_000", "1E+999", "0x10", "१२", "$12", "12/-"),
        *("-(12)", "(12", "12)", "--1", "+-1", "-12-", "1-2", "1.2.3", ".", "+"),
    ],
)
def test_what_is_not_a_number_is_refused(text: str) -> None:
    assert is_refused("number", text)
    assert is_refused("integer", text)


@pytest.mark.parametrize(
    ("text", "expected"), [("12", 12), ("12.0", 12), ("-3.000", -3), ("1,23,456", 123456), ("5.", 5)]
)
def test_integers(text: str, expected: int) -> None:
    value = converted("integer", text)
    assert (value, type(value)) == (expected, int)


@pytest.mark.parametrize("text", ["12.5", "1E+05", "1.5E+1", "1.E+1", ".0", "abc"])
def test_what_is_not_a_whole_number_is_refused(text: str) -> None:
    assert is_refused("integer", text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-08-09",
        "2026/08/09",
        "2026-08-09 00:00:00.0",
        "2026-08-09T00:00",
        "2026-08-09 00:00:00 IST",
        "2026-08-08T18:30:00Z",
        "09-08-2026",
        "09/08/2026",
        "09.08.2026",
        "09/08/2026 00:00:00",
        "9-Aug-2026",
        "09-AUG-2026",
        "09 August 2026",
        "Aug 9, 2026",
        "August 09 2026",
        "Aug-09-2026",
        "9 Aug, 2026",
        "9-Aug-26",
        "09 August 26",
        "09/08/2026 12:00 AM",
        "46243",
        "46243.0",
    ],
)
def test_days(text: str) -> None:
    assert converted("date", text) == "2026-08-09"


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "31/04/2026",
        "13-13-2026",
        "09-08-26",
        "Aug 9, 26",
        "8/9/2026",
        "2026-8-9",
        "20260809",
        "2026-W32-7",
        "2026-221",
        "2026-08/09",
        "09-Agosto-2026",
        "2026-08-09 24:00:00",
        "2026-08-09 10:60:00",
        "32873",
        "73416",
        "12",
        "2026",
        "soon",
    ],
)
def test_what_is_not_a_day_is_refused(text: str) -> None:
    assert is_refused("date", text)
    assert is_refused("date-time", text)


@pytest.mark.parametrize("text", ["2026-08-09 10:11:12", "2026-08-09 00:00:00.1", "46243.5", "2026-08-09T00:00:00Z"])
def test_a_moment_is_not_a_day(text: str) -> None:
    assert is_refused("date", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-01 10:11:12", "2026-05-01T04:41:12+00:00"),
        ("2026-05-01 10:11:12.0", "2026-05-01T04:41:12+00:00"),
        ("2026-05-01 10:11:12.120", "2026-05-01T04:41:12.120000+00:00"),
        ("2026-05-01 10:11:12.1234560", "2026-05-01T04:41:12.123456+00:00"),
        ("2026-05-01 10:11", "2026-05-01T04:41:00+00:00"),
        ("01-05-2026 10:11:12", "2026-05-01T04:41:12+00:00"),
        ("01/05/2026 10:11:12", "2026-05-01T04:41:12+00:00"),
        ("01-May-2026 10:11:12", "2026-05-01T04:41:12+00:00"),
        ("2026-05-01 10:11:12 IST", "2026-05-01T04:41:12+00:00"),
        ("2026-05-01T10:11:12Z", "2026-05-01T10:11:12+00:00"),
        ("2026-05-01T10:11:12+05:30", "2026-05-01T04:41:12+00:00"),
        ("2026-05-01T10:11:12-0700", "2026-05-01T17:11:12+00:00"),
        ("2026-05-01", "2026-04-30T18:30:00+00:00"),
        ("May 1, 2026 10:11:12", "2026-05-01T04:41:12+00:00"),
        ("01 May 2026, 10:11 am", "2026-05-01T04:41:00+00:00"),
        ("2026-05-01 9:41:00 PM", "2026-05-01T16:11:00+00:00"),
        ("46143.5", "2026-05-01T06:30:00+00:00"),
        ("46143.4244444444", "2026-05-01T04:41:12+00:00"),
        ("46143", "2026-04-30T18:30:00+00:00"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert converted("date-time", text) == expected


@pytest.mark.parametrize(
    "text",
    ["0001-01-01", "2026-05-01 10:11:12.1234567", "2026-05-01 10:11:12+05:75", "2026-05-01 10:11:12 EST"],
)
def test_what_is_not_a_moment_is_refused(text: str) -> None:
    assert is_refused("date-time", text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.sampled_from(["", "₹", "Rs. "]))
def test_every_decimal_comes_back_exactly(number: Decimal, currency: str) -> None:
    value = converted("number", currency + format(number, "f"))
    assert value.as_tuple() == number.as_tuple()


@given(st.integers(min_value=0, max_value=10**15), st.integers(min_value=0, max_value=99))
def test_indian_and_western_grouping_read_the_same(whole: int, paise: int) -> None:
    head, tail = divmod(whole, 1000)
    pairs = f"{head:,}" if head < 100 else _in_pairs(head)
    indian = f"{pairs},{tail:03}" if head else str(tail)
    assert converted("number", f"{indian}.{paise:02}") == converted("number", f"{whole:,}.{paise:02}")
    assert converted("integer", indian) == whole


def _in_pairs(number: int) -> str:
    head, pair = divmod(number, 100)
    return f"{_in_pairs(head)},{pair:02}" if head else str(number)


@given(st.dates(min_value=date(1900, 1, 1)), st.sampled_from(["%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y", "%d-%b-%Y"]))
def test_every_day_comes_back(day: date, spelling: str) -> None:
    assert converted("date", day.strftime(spelling)) == day.isoformat()


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 12, 31)))
def test_every_serial_is_its_day(day: date) -> None:
    assert converted("date", str((day - date(1899, 12, 30)).days)) == day.isoformat()


@given(st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - naive on purpose
def test_every_moment_is_kolkatas(moment: datetime) -> None:
    expected = moment.replace(tzinfo=KOLKATA).astimezone(timezone.utc)
    assert expected.utcoffset() == timedelta(0)
    assert converted("date-time", moment.isoformat(sep=" ")) == expected.isoformat()


@given(st.text())
def test_cleaning_what_is_clean_changes_nothing_but_nested_wrappers(text: str) -> None:
    cleaned = clean(text)
    assert cleaned is None or cleaned in text


ODD_CELLS = [
    "1,234",
    "NA",
    "not Available",
    "",
    "x",
    "2026-08-09",
    "1-2",
    "NaN",
    "1e5",
    ".",
    "007",
    "+5",
    " 7",
    "SKU:a",
    "OI:1",
    "=",
    "'5",
    "'",
    "4.37E+17",
    "4.37e+17",
    "4,37E+17",
    "4.37E17",
    "4.37E17 kg",
    "####",
]


@given(
    st.sampled_from(list(CONVERTERS)),
    st.one_of(
        st.lists(st.sampled_from(["1", "2.50", *ODD_CELLS])),
        # Enough different cells to be taken at once, unless one is odd.
        st.builds(
            lambda cells, odd, place: [*cells[:place], *odd, *cells[place:]],
            st.lists(st.decimals(-(10**6), 10**6, places=2).map(str), min_size=6, max_size=40, unique=True),
            st.lists(st.sampled_from(ODD_CELLS), max_size=2),
            st.integers(0, 40),
        ),
        st.lists(st.text(st.characters(codec="utf-8"), max_size=9), min_size=6, unique=True),
    ),
)
@example("number", ["1.00", "2.00", "3.00", "4.00", "5.00", "1,234"])
def test_a_batch_is_converted_as_its_cells_are(column_type: ColumnType, cells: list[str]) -> None:
    together = ColumnConverter(CONVERTERS[column_type])
    for _ in range(2):  # remembered the second time
        together.refused.clear()
        values = together.convert(cells)
        apart = [ColumnConverter(CONVERTERS[column_type]) for _ in cells]
        assert list(map(repr, values)) == [
            repr(value) for converter, cell in zip(apart, cells, strict=True) for value in converter.convert([cell])
        ]
        assert together.refused == {text for converter in apart for text in converter.refused}


@given(st.lists(st.decimals(-(10**6), 10**6, places=2).map(str) | st.sampled_from(ODD_CELLS), max_size=40))
def test_a_number_that_is_only_written_is_the_same_number(cells: list[str]) -> None:
    converter, writer = ColumnConverter(CONVERTERS["number"]), ColumnConverter(JSON_CONVERTERS["number"])
    written = [None if value is None else Decimal(bytes(value).decode()) for value in writer.convert(cells)]
    assert written == converter.convert(cells)
    assert writer.refused == converter.refused


def test_a_column_remembers_no_more_than_it_may_and_never_what_it_refused() -> None:
    converter = ColumnConverter(CONVERTERS["integer"])
    for number in range(3 * MAX_REMEMBERED):
        assert converter.convert([str(number)] * 2) == [number] * 2
        assert 0 < len(converter) <= MAX_REMEMBERED
    for _ in range(2):
        assert converter.convert(["x"] * 2) == [None] * 2
        assert converter.refused == {"x"}
        converter.refused.clear()
