"""Guesses the report type of a file from its sheets' names and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_flipkart_reports.files.header_search import Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_flipkart_reports.files.header_fit import Declared
    from tap_flipkart_reports.files.sheets import Sheet

KNOWN = 0.5
"""The least share of a file's columns that must be a report's."""

FEW, NEARLY_ALL = 4, 0.9
"""With fewer known columns, nearly all must match: many reports have a warehouse, an FSN and a SKU."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """How much a file has in common with a report.

    Attributes:
        report_type: the report's name.
        columns: number of the file's columns that the report has.
        share: their share of all columns of the file.
    """

    report_type: str
    columns: int
    share: float


def rank_reports(sheets: Sequence[Sheet], reports: Mapping[str, Sequence[Declared]]) -> list[Guess]:
    """The reports that have a column in common with a file, the likeliest first.

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
    """The report types that a file may be: several if they match equally well, none if no report matches."""
    return tuple(
        guess.report_type
        for guess in guesses
        if guess.columns == guesses[0].columns > 1 and guess.share >= (NEARLY_ALL if guess.columns < FEW else KNOWN)
    )
