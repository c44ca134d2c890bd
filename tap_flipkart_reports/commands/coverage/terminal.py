"""The same in a terminal: what needs a person, one sign per seller and report type, the worst day by day. Pure.

However many sellers there are, it is about two screens: the worst are shown, and the rest is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase
from typing import TYPE_CHECKING

from tap_flipkart_reports.commands.coverage.days import TROUBLE, WORST_FIRST, DayStatus
from tap_flipkart_reports.commands.tables import aligned, counted, fitted, padded, width_of
from tap_flipkart_reports.redaction import MAX_QUOTED, clean_line
from tap_flipkart_reports.windows import DAY, Window, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_flipkart_reports.commands.coverage.cells import Cell
    from tap_flipkart_reports.commands.coverage.cockpit import Cockpit
    from tap_flipkart_reports.commands.coverage.concerns import Concern, ConcernSubject

SIGNS = {
    DayStatus.LOADED: "█",
    DayStatus.REREAD: "▓",
    DayStatus.PENDING: "◦",
    DayStatus.UNREADABLE: "!",
    DayStatus.FAILED: "✗",
    DayStatus.MISSING: "·",
}
PLAIN_SIGNS = {**SIGNS, DayStatus.LOADED: "#", DayStatus.REREAD: "%", DayStatus.PENDING: "o"} | {
    DayStatus.FAILED: "x",
    DayStatus.MISSING: ".",
}
COLOURS = {
    DayStatus.LOADED: "36",
    DayStatus.REREAD: "34",
    DayStatus.PENDING: "33",
    DayStatus.UNREADABLE: "1;35",
    DayStatus.FAILED: "1;31",
    DayStatus.MISSING: "2",
}
"""Codes of ECMA-48, in the terminal's own palette."""

MOST_CONCERNS = 12
MOST_SELLERS = 20
MOST_STRIPS = 12
"""What is shown of each; the rest is counted."""

LEAST_LABEL, MOST_LABEL = 20, 60
"""Columns of a name before a row of signs, which takes half of the screen at most."""


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What a terminal can show.

    Attributes:
        width: its columns.
        is_coloured: whether it shows colours.
        is_plain: whether it shows ASCII only.
    """

    width: int
    is_coloured: bool = False
    is_plain: bool = False

    def label(self, name: str) -> str:
        """What is before a row of signs."""
        text, width = clean_line(name, limit=MAX_QUOTED), max(LEAST_LABEL, min(MOST_LABEL, self.width // 2))
        if self.is_plain:  # as standard output escapes it, but before columns are counted
            text = text.encode("ascii", "backslashreplace").decode()
            return fitted(text, width, mark="~")
        return fitted(text, width)

    def sign(self, status: DayStatus | None) -> str:
        """The sign of a status; a blank for none."""
        if status is None:
            return " "
        sign = (PLAIN_SIGNS if self.is_plain else SIGNS)[status]
        return f"\x1b[{COLOURS[status]}m{sign}\x1b[0m" if self.is_coloured else sign


def terminal_text(cockpit: Cockpit, screen: Screen) -> str:
    """All of it for people."""
    if cockpit.range is None:
        return "\n".join([*_concerns(cockpit.concerns), "No day of any stream is wanted yet."])
    ranked = _ranked(cockpit)
    parts = [
        _concerns(cockpit.concerns),
        _matrix(cockpit, ranked, screen),
        _progress(cockpit, screen),
        _strips(ranked, screen),
        _legend(cockpit, screen),
        _cost(cockpit),
    ]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part)))


def _ranked(cockpit: Cockpit) -> list[Cell]:
    """The cells with a wanted day, the worst first."""
    ranks = {status: rank for rank, status in enumerate(WORST_FIRST)}
    cells = [(ranks[cell.worst], -len(cell.failures), cell) for cell in cockpit.cells if cell.worst is not None]
    return [cell for _, _, cell in sorted(cells, key=lambda ranked: ranked[:2])]


# What needs a person


def _concerns(concerns: Sequence[Concern]) -> Iterator[str]:
    if not concerns:
        yield "Nothing needs a person."
        return
    yield "Needs a person:"
    for concern in concerns[:MOST_CONCERNS]:
        where = f" ({_where(concern.subjects)})" if concern.subjects else ""
        yield clean_line(f"  {concern.kind.value}: {concern.words}{where}")
        yield clean_line(f"    next: {concern.next_step}")
    if len(concerns) > MOST_CONCERNS:
        yield f"  and {len(concerns) - MOST_CONCERNS:,} more, see --format json"


def _where(subjects: Sequence[ConcernSubject]) -> str:
    first = subjects[0]
    warehouse = f", warehouse {first.warehouse_id}" if first.warehouse_id else ""
    stream = f"{first.report_type}, " if first.report_type else ""
    window = "" if first.window is None else f", {_days(first.window)}"
    rest = f", and {len(subjects) - 1:,} more" if len(subjects) > 1 else ""
    return f"{stream}seller {clean_line(first.seller_id, limit=MAX_QUOTED)}{warehouse}{window}{rest}"


def _days(window: Window) -> str:
    return str(window if window.first < window.last else window.first)


# Sellers and report types


def _matrix(cockpit: Cockpit, ranked: Sequence[Cell], screen: Screen) -> Iterator[str]:
    letters = _letters_of(cockpit)
    wide = max(map(len, letters.values())) + 1
    sellers = list(dict.fromkeys(cell.seller_id for cell in ranked))
    cells = {(cell.seller_id, cell.report_type.name): cell.worst for cell in ranked}
    labels = {seller: screen.label(seller) for seller in sellers[:MOST_SELLERS]}
    margin = max(map(width_of, labels.values())) + 2
    abreast = max(1, (screen.width - margin) // wide)
    for start in range(0, len(letters), abreast):
        names = list(letters)[start : start + abreast]
        yield " " * margin + "".join(f"{letters[name]:<{wide}}" for name in names).rstrip()
        for seller, label in labels.items():
            signs = (screen.sign(cells.get((seller, name))) + " " * (wide - 1) for name in names)
            yield padded(label, margin) + "".join(signs).rstrip()
    if rest := sellers[MOST_SELLERS:]:
        troubled = {cell.seller_id for cell in ranked if cell.worst in TROUBLE}.intersection(rest)
        yield f"and {counted(len(rest), 'more seller')}, {len(troubled):,} of them with days that are not there"


def _progress(cockpit: Cockpit, screen: Screen) -> Iterator[str]:
    rows = [("", "stream", "up to date as of", "sellers behind")]
    letters = _letters_of(cockpit)
    names = {stream: name for name, kind in cockpit.report_types.items() for stream in kind.streams}
    alike: dict[tuple[str, ...], list[str]] = {}  # tables of one report mostly are
    for one in cockpit.progress():
        behind = f"{one.behind:,}, {screen.label(one.slowest)} the most" if one.behind else ""
        facts = (letters[names[one.stream]], str(one.complete_until or "none yet"), behind)
        alike.setdefault(facts, []).append(one.stream)
    for (letter, until, behind), streams in alike.items():
        more = f" and {counted(len(streams) - 1, 'more table')}" if len(streams) > 1 else ""
        rows.append((letter, f"{streams[0]}{more}", until, behind))
    yield from aligned(rows)


def _letters_of(cockpit: Cockpit) -> dict[str, str]:
    """The names of the matrix's columns, by report type."""
    return {name: _letters(number) for number, name in enumerate(cockpit.report_types)}


def _letters(number: int) -> str:
    """Columns are named a to z, and then aa, ab."""
    before, own = divmod(number, len(ascii_lowercase))
    return (_letters(before - 1) if before else "") + ascii_lowercase[own]


# Day by day


def _strips(ranked: Sequence[Cell], screen: Screen) -> Iterator[str]:
    lines = [
        (screen.label(_label(cell, warehouse=strip.warehouse_id)), strip)
        for cell in ranked
        for strip in cell.strips
        if strip.spans
    ]
    shown = lines[:MOST_STRIPS]
    margin = max(width_of(label) for label, _ in shown) + 2
    days = Window(
        min(strip.spans[0].window.first for _, strip in shown), max(s.spans[-1].window.last for _, s in shown)
    )
    number = (days.last - days.first) // DAY + 1
    per_sign = -(-number // max(1, screen.width - margin))
    pieces = list(cut(days, per_sign))
    yield f"{'':{margin}}{_months(pieces)}"
    for label, strip in shown:
        found = ({span.status for span in strip.spans if span.window.overlaps(piece)} for piece in pieces)
        worst = (next((status for status in WORST_FIRST if status in statuses), None) for statuses in found)
        yield padded(label, margin) + "".join(map(screen.sign, worst)).rstrip()
    notes = [f"one sign for {per_sign} days, the worst of them"] if per_sign > 1 else []
    if len(lines) > MOST_STRIPS:
        notes.append(f"the worst {MOST_STRIPS} of {len(lines):,}, --html shows all")
    if notes:
        yield f"({'; '.join(notes)})"


def _label(cell: Cell, *, warehouse: str | None) -> str:
    return f"{cell.report_type.name}  {cell.seller_id}" + (f", warehouse {warehouse}" if warehouse else "")


def _months(pieces: Sequence[Window]) -> str:
    """Each month's name above its first day, where it does not run into the one before."""
    line = ""
    for column, piece in enumerate(pieces):
        begins = piece.first <= piece.last.replace(day=1)
        if (column == 0 or begins) and len(line) <= column:
            line = f"{line:{column}}{piece.last if begins else piece.first:%Y-%m} "
    return line.rstrip()


# Totals


def _legend(cockpit: Cockpit, screen: Screen) -> Iterator[str]:
    days, failed = cockpit.days(), cockpit.failed_windows()
    signs = [f"{screen.sign(status)} {status.value} {days[status]:,}" for status in reversed(WORST_FIRST)]
    words = "Days of reports: "
    yield words + "   ".join(signs[:3])
    yield " " * len(words) + "   ".join(signs[3:])
    if failed:
        yield f"{counted(failed[False], 'window')} failed, {counted(failed[True], 'report')} cannot be read."


def _cost(cockpit: Cockpit) -> Iterator[str]:
    if cockpit.purchases is None:
        return
    bought, cost = cockpit.purchases.total, cockpit.cost
    price = f", for {cockpit.prices.currency} {cost:,.2f}".rstrip() if cost is not None else ""
    yield (
        f"{bought.total:,} reports bought{price}: {bought.first:,} for new days, {bought.reread:,} to read days again, "
        f"{bought.again:,} once more because the first failed, expired or was lost."
    )
    for name, durations in cockpit.purchases.durations.items():
        yield (
            f"{name}: ready after {time_in_words(durations.typical)} ({time_in_words(durations.shortest)} to "
            f"{time_in_words(durations.longest)}, {durations.reports:,} reports)."
        )


def time_in_words(seconds: float) -> str:
    """Seconds, minutes or hours, whichever is read most easily."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
