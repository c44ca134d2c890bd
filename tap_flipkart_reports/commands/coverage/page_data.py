"""What the page says, as one document that its script draws from: texts once, strips once, days as numbers. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.commands.coverage.concerns import NEXT_STEPS, PLAN, ConcernKind
from tap_flipkart_reports.commands.coverage.days import MEANINGS, WORST_FIRST, DayStatus, length
from tap_flipkart_reports.purchasing.requests import PurchaseStatus
from tap_flipkart_reports.redaction import MAX_QUOTED, clean_line
from tap_flipkart_reports.windows import DAY, Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from tap_flipkart_reports.commands.coverage.cells import Cell, Strip
    from tap_flipkart_reports.commands.coverage.cockpit import Cockpit
    from tap_flipkart_reports.commands.coverage.concerns import Concern, ConcernSubject
    from tap_flipkart_reports.commands.coverage.purchases import PurchaseFigures
    from tap_flipkart_reports.planning.report_type import ReportType
    from tap_flipkart_reports.purchasing.requests import FailedWindow, Purchase

LETTERS = {
    DayStatus.FAILED: "F",
    DayStatus.UNREADABLE: "U",
    DayStatus.MISSING: "M",
    DayStatus.PENDING: "P",
    DayStatus.LOADED: "L",
    DayStatus.REREAD: "R",
}
"""How a strip writes statuses, each with the number of its days; days that are not wanted are a dash."""

MOST_REPORTS = 24_000
"""Reports of which the page has all there is to say; of all others it has the number."""

MOST_OF_A_CELL = 40
MOST_CONCERNS = 400
MOST_PLACES = 100


class _Table:
    """Things that are written once and named by their number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def texts(self) -> list[str]:
        return list(self._numbers)


class _Writer:
    """Writes cells, reports and subjects of concerns as numbers.

    Args:
        days: of the whole page.
        sellers: their names.
        report_types: by name.
    """

    def __init__(self, days: Window, sellers: Sequence[str], report_types: Mapping[str, ReportType]) -> None:
        self._first = days.first
        self._sellers = {name: number for number, name in enumerate(sellers)}
        self._types = {name: number for number, name in enumerate(report_types)}
        self.texts = _Table()
        self.strips = _Table()
        self.faces = _Table()

    def day(self, day: date | None) -> int | None:
        """A day as its number on the page."""
        return None if day is None else (day - self._first).days

    def window(self, window: Window) -> list[int | None]:
        """The first day of a window, and how many days it has."""
        return [self.day(window.first), length(window)]

    def minute(self, moment: datetime | None) -> int | None:
        """A moment in minutes since the page's first day began in Kolkata."""
        if moment is None:
            return None
        local = moment.astimezone(KOLKATA)
        return (local.date() - self._first).days * 1440 + local.hour * 60 + local.minute

    def text(self, text: str | None) -> int:
        """The number of a text, -1 for none."""
        return -1 if text is None else self.texts.number(clean_line(text))

    def cell(self, cell: Cell, *, most: int) -> object:
        """A cell: the number of its face, and behind it its reports and failures, where there are any."""
        tables = [[*self._strip(one), [self.text(stream) for stream in one.streams]] for one in cell.tables]
        face = self.faces.number(_json([[self._strip(strip) for strip in cell.strips], tables]))
        unread = [one for one in cell.purchases if one.status is not PurchaseStatus.FINISHED][:MOST_OF_A_CELL]
        read = [one for one in cell.purchases if one.status is PurchaseStatus.FINISHED][:most]
        shown = sorted([*unread, *read], key=lambda purchase: purchase.bought_at, reverse=True)
        causes = {failure.report_id: failure.cause for failure in cell.failures if failure.report_id}
        members = [
            [self._report(purchase, causes.get(purchase.report_id or "")) for purchase in shown],
            len(cell.purchases) - len(shown),
            [self._failure(failure) for failure in cell.failures],
        ]
        return [face, *_trimmed(members)] if any(members) else face

    def _strip(self, strip: Strip) -> list[int]:
        text, day = "", self._first
        for span in strip.spans:
            gap = (span.window.first - day).days
            text += (f"-{gap}" if gap else "") + f"{LETTERS[span.status]}{span.days}"
            day = span.window.last + DAY
        return [self.text(strip.warehouse_id), self.strips.number(text)]

    def _report(self, purchase: Purchase, cause: str | None) -> list[object]:
        ready = purchase.completed_at
        return _trimmed(
            [
                None if purchase.report_id is None else _name(purchase.report_id),
                self.text(purchase.status.value.lower()),
                *self.window(purchase.window),
                self.minute(purchase.bought_at),
                None if ready is None else round((ready - purchase.bought_at).total_seconds()),
                self.minute(purchase.finished_at),
                purchase.rows,
                self.text(purchase.warehouse_id),
                self.text(cause),
                purchase.rejected,
                purchase.tied,
                [self.text(words) for words in purchase.drift],
            ]
        )

    def _failure(self, failure: FailedWindow) -> list[object]:
        return [
            *self.window(failure.window),
            self.text(failure.cause),
            int(failure.is_unreadable),
            self.minute(failure.failed_at),
            None if failure.report_id is None else _name(failure.report_id),
            self.text(failure.warehouse_id),
        ]

    def concern(self, concern: Concern) -> dict[str, object]:
        """A concern, with the first of its subjects."""
        return {
            "kind": concern.kind.value,
            "words": self.text(concern.words),
            "next": self.text(concern.next_step),
            "since": self.minute(concern.since),
            "count": len(concern.subjects),
            "sellers": len({subject.seller_id for subject in concern.subjects}),
            "places": [self._subject(subject) for subject in concern.subjects[:MOST_PLACES]],
        }

    def _subject(self, subject: ConcernSubject) -> list[object]:
        number = -1 if subject.report_type is None else self._types.get(subject.report_type, -1)
        window = [] if subject.window is None else self.window(subject.window)
        return [self._sellers.get(subject.seller_id, -1), number, *window]

    def progress(self, cockpit: Cockpit) -> list[list[object]]:
        """How far each stream is."""
        types = {stream: name for name, kind in cockpit.report_types.items() for stream in kind.streams}
        return [
            [
                self.text(one.stream),
                self._types[types[one.stream]],
                self.day(one.complete_until),
                self._sellers[one.slowest],
                self.day(one.newest),
                one.behind,
            ]
            for one in cockpit.progress()
        ]


def page_data(cockpit: Cockpit, *, made_at: datetime) -> dict[str, Any]:
    """The document.

    Args:
        cockpit: what there is.
        made_at: the present moment, with a zone.
    """
    today = made_at.astimezone(KOLKATA).date()
    days = cockpit.range or Window(today, today)
    sellers, report_types = cockpit.sellers, cockpit.report_types
    writer = _Writer(days, sellers, report_types)
    bought = sum(bool(cell.purchases) for cell in cockpit.cells)
    most = max(1, min(MOST_OF_A_CELL, MOST_REPORTS // max(1, bought)))
    cells = {(cell.seller_id, cell.report_type.name): writer.cell(cell, most=most) for cell in cockpit.cells}
    totals = cockpit.days()
    return {
        "first": days.first.isoformat(),
        "days": length(days),
        "made": writer.minute(made_at),
        "isEmpty": cockpit.range is None,
        "letters": [[LETTERS[status], status.value, MEANINGS[status]] for status in WORST_FIRST],
        "totals": {LETTERS[status]: totals[status] for status in DayStatus},
        "failed": [cockpit.failed_windows()[False], cockpit.failed_windows()[True]],
        "sellers": [_name(name) for name in sellers],
        "authorisations": [writer.day(_local_day(cockpit.authorisations.ends.get(name))) for name in sellers],
        "types": [_type(kind, cockpit) for kind in report_types.values()],
        "cells": [[cells.get((seller, name), -1) for name in report_types] for seller in sellers],
        "concerns": [writer.concern(concern) for concern in cockpit.concerns[:MOST_CONCERNS]],
        "moreConcerns": max(0, len(cockpit.concerns) - MOST_CONCERNS),
        "planCommand": PLAN,
        "kinds": {kind.value: NEXT_STEPS[kind] for kind in ConcernKind},
        "progress": writer.progress(cockpit),
        "currency": _name(cockpit.prices.currency),
        "bought": None if cockpit.purchases is None else _bought(cockpit, cockpit.purchases, writer),
        "texts": writer.texts.texts(),
        "strips": writer.strips.texts(),
        "faces": [json.loads(face) for face in writer.faces.texts()],
    }


def _type(kind: ReportType, cockpit: Cockpit) -> list[object]:
    price = cockpit.prices.cost({kind.name: 1})
    named = map(_name, (kind.name, kind.title, kind.identifier))
    return [*named, None if price is None else str(price), int(kind.is_snapshot)]


def _bought(cockpit: Cockpit, figures: PurchaseFigures, writer: _Writer) -> dict[str, object]:
    names = {kind.identifier: name for name, kind in cockpit.report_types.items()}
    return {
        "cost": None if cockpit.cost is None else str(cockpit.cost),
        "byDay": [[writer.day(day), one.first, one.reread, one.again] for day, one in figures.by_day.items()],
        "rows": [[writer.day(day), rows] for day, rows in figures.rows_by_day.items()],
        "byType": [
            [
                _name(names.get(key, key)),
                *(one.first, one.reread, one.again),
                *((taken.shortest, taken.typical, taken.longest) if (taken := figures.durations.get(key)) else ()),
            ]
            for key, one in figures.by_type.items()
        ],
    }


def _name(text: str) -> str:
    """What others have named, as it may stand on a page."""
    return clean_line(text, limit=MAX_QUOTED)


def _local_day(moment: datetime | None) -> date | None:
    return moment.astimezone(KOLKATA).date() if moment is not None else None


def _trimmed(members: Sequence[Any]) -> list[object]:
    """The members without those at the end that say nothing."""
    left = list(members)
    while left and left[-1] in (None, -1, 0, []):
        left.pop()
    return left


def _json(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))
