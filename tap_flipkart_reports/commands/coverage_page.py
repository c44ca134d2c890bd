"""The coverage map as one self-contained page: no network, light and dark, by keyboard and by mouse. Pure."""

from __future__ import annotations

import base64
import hashlib
import math
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from tap_flipkart_reports.clock import KOLKATA
from tap_flipkart_reports.commands.coverage_map import ATTENTION, Bought, CoverageMap, DayStatus, Durations, Span, Strip
from tap_flipkart_reports.commands.coverage_table import time_in_words
from tap_flipkart_reports.planning.window_rules import WindowKind, WindowRule, cells
from tap_flipkart_reports.windows import DAY, Window, cut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

MAP_WIDTH = 840
NARROWEST_DAY, WIDEST_DAY = 2, 18
"""Pixels of the map: as wide as it gets before it is scrolled, and bounds of a day."""

STRIP_HEIGHT = 16
SHORTEST_GRID = 5
"""Pixels of a day from which lines separate single days."""

CHART_WIDTH, CHART_HEIGHT = 520, 190
CHART_LEFT, CHART_BOTTOM = 52, 24
MOST_BARS = 90

TYPE_WIDTH = 240
"""Pixels of the bars in the table of report types."""

CLASSES = {
    DayStatus.LOADED: "loaded",
    DayStatus.REREAD: "reread",
    DayStatus.PENDING: "pending",
    DayStatus.FAILED: "failed",
    DayStatus.MISSING: "missing",
}

KINDS = (("first", "new days"), ("reread", "days read again"), ("again", "once more, as the first was not to be had"))
"""Attributes of `Bought`, which are classes of the style sheet, and what they say."""

MEANINGS = {
    DayStatus.LOADED: "rows are out",
    DayStatus.REREAD: "rows are out, more than once",
    DayStatus.PENDING: "bought, not read yet",
    DayStatus.FAILED: "its report failed, expired, was lost or given up",
    DayStatus.MISSING: "wanted, not bought yet",
}

PATTERNS = """
<svg class="patterns" width="0" height="0" aria-hidden="true"><defs>
<pattern id="pending" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect class="pending-back" width="6" height="6"/><line class="pending-mark" x1="0" y1="0" x2="0" y2="6"/></pattern>
<pattern id="failed" width="8" height="16" patternUnits="userSpaceOnUse">
<rect class="failed-back" width="8" height="16"/><path class="failed-mark" d="M2 6l4 4M6 6l-4 4"/></pattern>
<pattern id="missing" width="6" height="8" patternUnits="userSpaceOnUse">
<rect class="missing-back" width="6" height="8"/><circle class="missing-mark" cx="3" cy="4" r="1"/></pattern>
</defs></svg>"""


def page(coverage: CoverageMap, *, made_at: datetime) -> str:
    """The page.

    Args:
        coverage: the map.
        made_at: the present moment, with a zone.
    """
    style, script = _asset("css"), _asset("js")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'"
    )
    body = "\n".join([_head(coverage, made_at), "<main>", *_map(coverage), *_cost(coverage), "</main>"])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>Coverage of Flipkart reports</title>\n<style>{style}</style>\n</head>\n<body>{PATTERNS}\n{body}\n"
        f"<footer>Days are the sellers', in Asia/Kolkata.</footer>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _asset(kind: str) -> str:
    return (resources.files("tap_flipkart_reports.commands") / f"coverage_page.{kind}").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


# The head


def _head(coverage: CoverageMap, made_at: datetime) -> str:
    days = coverage.days()
    there, total = days[DayStatus.LOADED] + days[DayStatus.REREAD], days.total()
    sellers = len({strip.seller_id for strip in coverage.strips})
    streams = len({strip.stream for strip in coverage.strips})
    around = f"{_window(coverage.range)} · " if coverage.range else ""
    tiles = [
        ("Days there", _share(there, total), f"{there:,} of {total:,} days of streams and sellers", ""),
        *(
            (status.value.capitalize(), f"{days[status]:,}", MEANINGS[status], CLASSES[status] if days[status] else "")
            for status in (DayStatus.FAILED, DayStatus.MISSING, DayStatus.PENDING)
        ),
    ]
    if coverage.has_ledger:
        bought = coverage.bought
        tiles += [
            ("Reports bought", f"{bought.total:,}", f"{bought.reread:,} to read days again", ""),
            ("Bought again", f"{bought.again:,}", "as the first was not to be had", "failed" if bought.again else ""),
            ("Rows read", f"{sum(coverage.rows_by_day.values()):,}", "of all reports", ""),
        ]
    items = "".join(
        f'<dl class="tile {name}"><dt>{title}</dt><dd>{figure}</dd><dd>{words}</dd></dl>'
        for title, figure, words, name in tiles
    )
    return (
        f'<header><h1>Coverage of Flipkart reports</h1><p class="muted">{around}{_count(streams, "stream")} · '
        f"{_count(sellers, 'seller')} · as of {_moment(made_at)}</p>"
        f'<div class="tiles">{items}</div></header>'
    )


# The map


def _map(coverage: CoverageMap) -> Iterator[str]:
    yield '<section aria-labelledby="days"><h2 id="days">Days</h2>'
    days = coverage.range
    if days is None:
        yield "<p>No day of any stream is wanted yet.</p></section>"
        return
    legend = "".join(
        f'<li><svg width="26" height="12" aria-hidden="true"><rect class="{CLASSES[status]}" width="26" height="12" '
        f'rx="2"/></svg>{status.value}</li>'
        for status in reversed(DayStatus)
    )
    yield (
        f'<div class="bar"><ul class="legend">{legend}<li><input type="search" id="find" aria-label="stream or seller" '
        'placeholder="stream or seller"></li><li><label><input type="checkbox" id="only">'
        "only what is not all there</label></li></ul>"
        '<output aria-live="polite">Point at a span, or reach the map with <kbd>Tab</kbd>: <kbd>←</kbd> <kbd>→</kbd> '
        "<kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>n</kbd> and <kbd>p</kbd> jump to what is not there.</output></div>"
    )
    scale = min(WIDEST_DAY, max(NARROWEST_DAY, MAP_WIDTH // _length(days)))
    if scale >= SHORTEST_GRID:
        lines = "".join(f"M{number * scale} 0V{STRIP_HEIGHT}" for number in range(1, _length(days)))
        yield f'<svg class="patterns" width="0" height="0" aria-hidden="true"><path id="grid" d="{lines}"/></svg>'
    yield '<div class="scroll"><table class="map">'
    yield f"<thead><tr><td></td><td>{_months(days, scale)}</td><td>there</td></tr></thead>"
    reached = False
    for stream in dict.fromkeys(strip.stream for strip in coverage.strips):
        strips = [strip for strip in coverage.strips if strip.stream == stream]
        whole = " whole" if all(_is_whole(strip) for strip in strips) else ""
        yield f'<tbody class="stream{whole}"><tr><th scope="rowgroup" colspan="3">{escape(stream)}</th></tr>'
        for strip in strips:
            yield _row(strip, days, scale, is_reached=not reached)
            reached = reached or bool(strip.spans)
        yield "</tbody>"
    yield "</table></div></section>"


def _row(strip: Strip, days: Window, scale: int, *, is_reached: bool) -> str:
    width = _length(days) * scale
    name = f"{strip.stream}, {strip.place}"
    spans = "".join(
        _rect(span, name, days, scale, tabindex=0 if is_reached and number == 0 else -1)
        for number, span in enumerate(strip.spans)
    )
    grid = '<use href="#grid" class="day" pointer-events="none"/>' if scale >= SHORTEST_GRID else ""
    counts = strip.days()
    there = _share(counts[DayStatus.LOADED] + counts[DayStatus.REREAD], counts.total())
    return (
        f'<tr{" class=whole" if _is_whole(strip) else ""}><th scope="row">{escape(strip.place)}</th><td>'
        f'<svg data-strip width="{width}" height="{STRIP_HEIGHT}" role="group" aria-label="{escape(name)}">'
        f"{spans}{grid}</svg></td><td>{there}</td></tr>"
    )


def _rect(span: Span, name: str, days: Window, scale: int, *, tabindex: int) -> str:
    words = escape(
        f"{name}: {_window(span.window)}, {_count(span.days, 'day')} {span.status.value} ({MEANINGS[span.status]})"
    )
    left = (span.window.first - days.first) // DAY * scale
    return (
        f'<rect class="span {CLASSES[span.status]}" x="{left}" width="{span.days * scale}" height="{STRIP_HEIGHT}" '
        f'rx="2" tabindex="{tabindex}" role="img" aria-label="{words}"><title>{words}</title></rect>'
    )


def _months(days: Window, scale: int) -> str:
    """The months' names above their first days."""
    texts, free = "", 0
    for month in cells(WindowRule(kind=WindowKind.MONTH), days):
        left = max(0, (month.first - days.first) // DAY * scale)
        if left >= free:
            texts += f'<text class="tick" x="{left}" y="12">{month.first:%b %Y}</text>'
            free = left + 64
    return f'<svg width="{_length(days) * scale}" height="16" aria-hidden="true">{texts}</svg>'


def _is_whole(strip: Strip) -> bool:
    return not any(span.status in ATTENTION for span in strip.spans)


# What it cost


def _cost(coverage: CoverageMap) -> Iterator[str]:
    yield '<section aria-labelledby="cost"><h2 id="cost">Reports bought</h2>'
    if not coverage.has_ledger:
        yield "<p>Without report_ledger there is no record of what was bought.</p></section>"
        return
    if not coverage.bought_by_day:
        yield "<p>None yet.</p></section>"
        return
    legend = "".join(
        f'<li><svg width="12" height="12" aria-hidden="true"><rect class="{kind}" width="12" height="12" rx="2"/></svg>'
        f"{words}</li>"
        for kind, words in KINDS
    )
    yield f'<ul class="legend">{legend}</ul><div class="charts">'
    figures = {day: tuple(getattr(bought, kind) for kind, _ in KINDS) for day, bought in coverage.bought_by_day.items()}
    yield _bars(
        "Reports, by the day of the trigger", figures, [kind for kind, _ in KINDS], [words for _, words in KINDS]
    )
    rows = {day: (number,) for day, number in coverage.rows_by_day.items()}
    if rows:
        yield _bars("Rows, by the day on which they were read", rows, ["rows"], ["rows"])
    yield "</div></section>"
    yield '<section aria-labelledby="types"><h2 id="types">By report type</h2><div class="scroll" tabindex="0">'
    yield from _types(coverage)
    yield "</div></section>"


def _bars(title: str, figures: Mapping[date, tuple[int, ...]], kinds: Sequence[str], words: Sequence[str]) -> str:
    """A chart of stacked bars, one per day or per some days, and its figures as a table."""
    groups = _grouped(figures)
    top = _nice(max(sum(parts) for _, parts in groups))
    height = CHART_HEIGHT - CHART_BOTTOM - 8
    step = (CHART_WIDTH - CHART_LEFT) / len(groups)
    width = min(28.0, step * 0.8)
    bars = ""
    for number, (group, parts) in enumerate(groups):
        left, base = CHART_LEFT + step * number + (step - width) / 2, 8.0 + height
        told = f"{_window(group)}: " + ", ".join(f"{part:,} {word}" for part, word in zip(parts, words, strict=True))
        rects = ""
        for kind, part in zip(kinds, parts, strict=True):
            size = height * part / top
            base -= size
            rects += f'<rect class="{kind}" x="{left:.1f}" y="{base:.1f}" width="{width:.1f}" height="{size:.1f}"/>'
        bars += f"<g><title>{told}</title>{rects}</g>"
    return (
        f'<figure><figcaption>{title}</figcaption><svg viewBox="0 0 {CHART_WIDTH} {CHART_HEIGHT}" role="img" '
        f'aria-label="{title}; the figures stand below">{_axes(top, height)}{bars}'
        f"{_labels([group for group, _ in groups], step)}</svg>{_figures(groups, words)}</figure>"
    )


def _grouped(figures: Mapping[date, tuple[int, ...]]) -> list[tuple[Window, tuple[int, ...]]]:
    """Sums of so many days that there are not too many bars; days without figures are zero."""
    days = Window(min(figures), max(figures))
    nought = (0,) * len(next(iter(figures.values())))
    result = []
    for group in cut(days, -(-_length(days) // MOST_BARS)):
        values = [figures[day] for day in figures if group.first <= day <= group.last]
        result.append((group, tuple(map(sum, zip(*values, strict=True))) if values else nought))
    return result


def _figures(groups: Sequence[tuple[Window, tuple[int, ...]]], words: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col">{word}</th>' for word in words)
    rows = "".join(
        f'<tr><th scope="row">{_window(group)}</th>{"".join(f"<td>{part:,}</td>" for part in parts)}</tr>'
        for group, parts in groups
        if any(parts)
    )
    return (
        '<details><summary>Figures</summary><table class="figures"><thead><tr><th scope="col">days</th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _axes(top: int, height: float) -> str:
    parts = ""
    for share in (0.0, 0.5, 1.0) if top % 2 == 0 else (0.0, 1.0):
        y = 8 + height * (1 - share)
        parts += (
            f'<line class="axis" x1="{CHART_LEFT}" x2="{CHART_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{CHART_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{round(top * share):,}</text>'
        )
    return parts


def _labels(groups: Sequence[Window], step: float) -> str:
    """Days below the bars, as many as have room."""
    every = math.ceil(64 / step)
    return "".join(
        f'<text class="tick" x="{CHART_LEFT + step * (number + 0.5):.1f}" y="{CHART_HEIGHT - 6}" text-anchor="middle">'
        f"{group.first.day} {group.first:%b}</text>"
        for number, group in enumerate(groups)
        if number % every == 0 and step * (number + 0.5) < CHART_WIDTH - CHART_LEFT - 16
    )


def _types(coverage: CoverageMap) -> Iterator[str]:
    most = max(bought.total for bought in coverage.bought_by_type.values())
    taken = [durations for durations in coverage.durations.values() if durations.longest > 0]
    shortest = min((max(1.0, durations.shortest) for durations in taken), default=1.0)
    longest = max((durations.longest for durations in taken), default=1.0)
    yield (
        '<table class="figures types"><thead><tr><th scope="col">report type</th><th scope="col" class="drawn">bought'
        '</th><th scope="col">reports</th><th scope="col">again</th><th scope="col" class="drawn">ready after '
        '(log scale)</th><th scope="col">half within</th><th scope="col">all within</th>'
        "</tr></thead><tbody>"
    )
    for name, bought in coverage.bought_by_type.items():
        durations = coverage.durations.get(name)
        half, all_ = (time_in_words(durations.typical), time_in_words(durations.longest)) if durations else ("", "")
        spread = _spread(durations, shortest, max(shortest, longest))
        yield (
            f'<tr><th scope="row">{escape(name)}</th><td class="drawn">{_stack(bought, most)}</td>'
            f"<td>{bought.total:,}</td><td>{bought.again:,}</td>"
            f'<td class="drawn">{spread}</td><td>{half}</td><td>{all_}</td></tr>'
        )
    yield "</tbody></table>"


def _stack(bought: Bought, most: int) -> str:
    left, rects = 0.0, ""
    for kind, _ in KINDS:
        width = TYPE_WIDTH * getattr(bought, kind) / most
        rects += f'<rect class="{kind}" x="{left:.1f}" width="{width:.1f}" height="12"/>'
        left += width
    return f'<svg width="{TYPE_WIDTH}" height="12" aria-hidden="true">{rects}</svg>'


def _spread(durations: Durations | None, shortest: float, longest: float) -> str:
    """From the shortest to the longest time, a dot at the median; by their logarithm, as some take days."""
    if durations is None:
        return ""
    decades = math.log10(longest / shortest) or 1.0

    def at(seconds: float) -> float:
        return 6 + (TYPE_WIDTH - 12) * min(1.0, math.log10(max(seconds, shortest) / shortest) / decades)

    marks = "".join(f"M{at(shortest * 10**power):.1f} 1V11" for power in range(math.floor(decades) + 1))
    return (
        f'<svg width="{TYPE_WIDTH}" height="12" aria-hidden="true"><path class="axis" d="{marks}"/>'
        f'<line class="range" x1="{at(durations.shortest):.1f}" x2="{at(durations.longest):.1f}" y1="6" y2="6"/>'
        f'<circle class="typical" cx="{at(durations.typical):.1f}" cy="6" r="5"/></svg>'
    )


# Words and numbers


def _length(window: Window) -> int:
    return (window.last - window.first) // DAY + 1


def _nice(number: int) -> int:
    """The next number up that reads well on an axis."""
    size: int = 10 ** max(0, len(str(number)) - 1)
    return next(factor * size for factor in (1, 2, 4, 6, 8, 10) if factor * size >= number)


def _share(part: int, whole: int) -> str:
    """In per cent; never 100 while anything is lacking."""
    if whole == 0:
        return ""
    share = math.floor(1000 * part / whole) / 10
    return "100 %" if part == whole else f"{share:.1f} %"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _window(window: Window | None) -> str:
    if window is None:
        return ""
    if window.first == window.last:
        return _date(window.first)
    return f"{_date(window.first)} to {_date(window.last)}"


def _date(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _moment(moment: datetime) -> str:
    local = moment.astimezone(KOLKATA)
    return f"{_date(local.date())}, {local:%H:%M}"
