"""Whose report a file is, by its sheets' names and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_flipkart_reports.files.header_search import Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_flipkart_reports.files.header_fit import Declared
    from tap_flipkart_reports.files.sheets import Sheet

KNOWN = 0.5
"""Share of a file's columns from which it is taken for a report's."""

FEW, NEARLY_ALL = 4, 0.9
"""Of fewer columns nearly all have to be known: a warehouse, an FSN and a SKU are in many reports."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """How much a file has in common with a report.

    Attributes:
        report_type: the report's name.
        columns: how many of the file's columns are the report's.
        share: the same as a share of all it has.
    """

    report_type: str
    columns: int
    share: float


def rank_reports(sheets: Sequence[Sheet], reports: Mapping[str, Sequence[Declared]]) -> list[Guess]:
    """The reports that a file has anything in common with, the likeliest first.

    Raises:
        FileError: a sheet cannot be read.
    """
    guesses = []
    for name, tables in reports.items():
        known, columns = Report(sheets, tables).count_columns()
        if known:
            guesses.append(Guess(report_type=name, columns=known, share=known / columns))
    return sorted(guesses, key=lambda guess: -guess.columns)


def likeliest(guesses: Sequence[Guess]) -> tuple[str, ...]:
    """The reports that a file is: several where they have the same columns, none if it is nobody's."""
    return tuple(
        guess.report_type
        for guess in guesses
        if guess.columns == guesses[0].columns > 1 and guess.share >= (NEARLY_ALL if guess.columns < FEW else KNOWN)
    )
