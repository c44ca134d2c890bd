"""The cockpit's page in headless Chromium, from real runs against the simulator."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support.chromium import browsing
from support.coverage_runs import BUDGET, make_runs
from support.many_cells import many_cells

from tap_flipkart_reports.commands.coverage.cells import Cell, Strip
from tap_flipkart_reports.commands.coverage.cockpit import Cockpit
from tap_flipkart_reports.commands.coverage.concerns import Concern, ConcernKind, ConcernSubject
from tap_flipkart_reports.commands.coverage.days import TROUBLE, DayStatus, Span
from tap_flipkart_reports.commands.coverage.page import page
from tap_flipkart_reports.commands.coverage.purchases import Bought, Durations, PurchaseFigures
from tap_flipkart_reports.commands.options import COMMANDS, build_parser
from tap_flipkart_reports.planning.prices import Prices
from tap_flipkart_reports.purchasing.requests import FailedWindow, Purchase, PurchaseStatus
from tap_flipkart_reports.report_types import REPORT_TYPES
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement
    from support.coverage_runs import Runs

READABLE = 4.5
"""Contrast of text to its ground, WCAG 2.2 level AA."""

VISIBLE = 3.0
"""Contrast of parts of a drawing, of the same."""

NOON = datetime(2026, 11, 1, 6, 30, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return make_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def cockpit(runs: Runs) -> Cockpit:
    return runs.cockpit(max_reports=BUDGET, report_prices={"*": 4.5, "currency": "INR"})


@pytest.fixture(scope="module")
def file(runs: Runs, cockpit: Cockpit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "coverage.html"
    file.write_text(page(cockpit, made_at=runs.clock.now()), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def shared_browser(file: Path) -> Iterator[Chrome]:
    with browsing(file) as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: Chrome, file: Path) -> Chrome:
    """The page as if just opened."""
    open_page(shared_browser, file)
    return shared_browser


def open_page(browser: Chrome, file: Path) -> None:
    """Open a page, and wait until it has drawn what it draws behind its first paint."""
    browser.get(file.as_uri())
    drawn = "const done = arguments[0]; requestAnimationFrame(() => setTimeout(() => setTimeout(done)))"
    browser.execute_async_script(drawn)


def attribute(element: WebElement, name: str) -> str:
    return element.get_attribute(name) or ""


def focused(browser: Chrome) -> str:
    return attribute(browser.switch_to.active_element, "aria-label")


def press(browser: Chrome, *keys: str) -> str:
    """Press keys; what is focused then."""
    for key in keys:
        browser.switch_to.active_element.send_keys(key)
    return focused(browser)


def enter_map(browser: Chrome) -> str:
    """Reach the map by Tab; what is focused then."""
    browser.find_element(By.ID, "only").send_keys(Keys.TAB)
    return focused(browser)


def log(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call]  # selenium's own
    return entries


def told(browser: Chrome) -> str:
    return browser.find_element(By.ID, "told").text


def texts(browser: Chrome, selector: str) -> list[str]:
    return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]


def sellers(browser: Chrome) -> list[str]:
    """The sellers of the rows that are drawn."""
    return [text.splitlines()[0] for text in texts(browser, ".map > tbody > tr > th")]


def panel(browser: Chrome) -> WebElement:
    (found,) = browser.find_elements(By.CLASS_NAME, "panel")
    return found


# What it shows


def test_the_cockpit_agrees_with_what_the_simulator_has_sold_and_the_tap_has_written(
    runs: Runs, cockpit: Cockpit
) -> None:
    assert cockpit.purchases is not None
    assert cockpit.purchases.total.total == len(runs.simulator.triggers)
    assert sum(bought.total for bought in cockpit.purchases.by_day.values()) == len(runs.simulator.triggers)
    assert cockpit.purchases.rows == runs.records
    assert all(cockpit.days()[status] > 0 for status in DayStatus)


def test_the_figures_of_the_page_are_those_of_the_cockpit(browser: Chrome, cockpit: Cockpit) -> None:
    tiles = {
        tile.find_element(By.TAG_NAME, "dt").text: tile.find_element(By.TAG_NAME, "dd").text
        for tile in browser.find_elements(By.CLASS_NAME, "tile")
    }
    assert cockpit.purchases is not None
    days, failed = cockpit.days(), cockpit.failed_windows()
    assert tiles["Reports bought"] == f"{cockpit.purchases.total.total:,}"
    assert tiles["Bought again"] == f"{cockpit.purchases.total.again:,}"
    assert tiles["Rows read"] == f"{cockpit.purchases.rows:,}"
    assert (tiles["Failed"], tiles["Unreadable"]) == (str(failed[False]), str(failed[True]))
    assert (tiles["Missing"], tiles["Pending"]) == (f"{days[DayStatus.MISSING]:,}", f"{days[DayStatus.PENDING]:,}")
    cells = {attribute(cell, "aria-label").split(": ")[0] for cell in browser.find_elements(By.CSS_SELECTOR, "td.cell")}
    assert cells == {f"{cell.seller_id}, {cell.report_type.name}" for cell in cockpit.cells}


def test_what_needs_a_person_comes_first_and_leads_to_its_cell(browser: Chrome, cockpit: Cockpit) -> None:
    kinds = texts(browser, ".concern .kind")
    assert kinds == [concern.kind.value for concern in cockpit.concerns]
    assert kinds[:2] == ["failed", "unreadable"]
    assert {"budget", "drift"} <= set(kinds)
    assert texts(browser, ".concern .words") == [concern.words for concern in cockpit.concerns]
    assert all(concern.next_step in browser.find_element(By.ID, "concerns").text for concern in cockpit.concerns)
    empty = next(item for item in browser.find_elements(By.CLASS_NAME, "concern") if "the file is empty" in item.text)
    empty.find_element(By.CSS_SELECTOR, "button.place").click()
    assert focused(browser).startswith("chirag, returns_report: 1 window failed, ")
    assert "the file is empty: zero bytes" in panel(browser).text


def test_the_worst_seller_is_the_first_row(browser: Chrome, cockpit: Cockpit) -> None:
    worst = {
        seller: min(
            (TROUBLE.index(cell.worst) for cell in cockpit.cells if cell.seller_id == seller and cell.worst in TROUBLE),
            default=len(TROUBLE),
        )
        for seller in cockpit.sellers
    }
    assert sellers(browser) == sorted(cockpit.sellers, key=lambda seller: worst[seller])
    browser.find_element(By.CSS_SELECTOR, "#sort option[value=name]").click()
    assert sellers(browser) == sorted(cockpit.sellers)


def test_behind_a_cell_are_its_days_its_reports_with_cost_and_error_and_the_next_command(
    browser: Chrome, cockpit: Cockpit
) -> None:
    label = "bharat, settled_transaction_ledger"
    cell = next(cell for cell in cockpit.cells if f"{cell.seller_id}, {cell.report_type.name}" == label)
    assert browser.find_elements(By.CLASS_NAME, "panel") == []
    box = browser.find_element(By.CSS_SELECTOR, f"td[aria-label^='{label}: ']")
    box.click()
    assert attribute(box, "aria-expanded") == "true"
    rows = [row.text for row in panel(browser).find_elements(By.CSS_SELECTOR, ".reports tbody tr:not(.note)")]
    assert len(rows) == len(cell.purchases)
    for row, purchase in zip(rows, cell.purchases, strict=True):
        assert f" {purchase.report_id} {purchase.status.value.lower()} " in row
        assert row.endswith("INR 4.50")
        assert purchase.rows is None or f" {purchase.rows:,} INR" in row
    (failure,) = cell.failures
    assert failure.cause in panel(browser).find_element(By.CSS_SELECTOR, ".note").text
    assert (
        f"(report {failure.report_id}): {failure.cause}" in panel(browser).find_element(By.CLASS_NAME, "failure").text
    )
    assert "flipkart-reports repair" not in panel(browser).text  # the next run asks for the window anyway
    assert "up to date as of " in panel(browser).text
    titles = [attribute(title, "textContent") for title in panel(browser).find_elements(By.CSS_SELECTOR, "rect title")]
    assert len(titles) == len(cell.strips[0].spans)
    assert any("failed (failed when it was last tried)" in title for title in titles)
    box.click()
    assert browser.find_elements(By.CLASS_NAME, "panel") == []


def test_the_map_is_as_wide_as_the_window(browser: Chrome) -> None:
    for width in (1240, 1900):
        browser.set_window_size(width, 1400)
        box = browser.find_element(By.ID, "matrix").rect
        table = browser.find_element(By.CLASS_NAME, "map").rect
        assert table["width"] == pytest.approx(box["width"], abs=1)
        assert box["width"] > width - 120
    browser.set_window_size(1240, 1400)


def test_streams_are_reported_with_the_day_up_to_which_all_sellers_are_there(browser: Chrome, cockpit: Cockpit) -> None:
    lines = {text.split()[0]: text for text in texts(browser, ".types tbody tr")}
    for one in cockpit.progress():
        assert f"{one.behind} seller" in lines[one.stream]
        assert f"{one.slowest} the most" in lines[one.stream]
        shown = f"{one.complete_until.day} {one.complete_until:%b %Y}" if one.complete_until else "none yet"
        assert shown in lines[one.stream]


def test_bars_are_as_high_as_their_figures_and_these_stand_below_as_a_table(browser: Chrome, cockpit: Cockpit) -> None:
    assert cockpit.purchases is not None
    figure = browser.find_element(By.TAG_NAME, "figure")
    bars = figure.find_elements(By.CSS_SELECTOR, "svg > g")
    heights = [sum(float(attribute(rect, "height")) for rect in bar.find_elements(By.TAG_NAME, "rect")) for bar in bars]
    totals = [bought.total for bought in cockpit.purchases.by_day.values()]
    assert len(bars) == len(totals)
    for height, total in zip(heights, totals, strict=True):
        assert height / max(heights) == pytest.approx(total / max(totals), abs=0.01)
    figure.find_element(By.TAG_NAME, "summary").click()
    cells = [row.text.split()[-3:] for row in figure.find_elements(By.CSS_SELECTOR, "tbody tr")]
    assert [sum(map(int, row)) for row in cells] == totals


def test_it_needs_no_network_and_its_own_policy_lets_it_run(browser: Chrome) -> None:
    browser.find_element(By.CSS_SELECTOR, "td.cell").click()
    messages = [json.loads(entry["message"])["message"] for entry in log(browser, "performance")]
    asked = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    ours = [request["request"]["url"] for request in asked if request["documentURL"].startswith("file:")]
    assert ours
    assert all(url.startswith(("file:", "data:")) for url in ours)
    assert log(browser, "browser") == []
    policy = attribute(browser.find_element(By.CSS_SELECTOR, "meta[http-equiv]"), "content")
    assert re.sub(r"'sha256-[\w+/=]+'", "HASH", policy) == (
        "default-src 'none'; img-src data:; style-src HASH; script-src HASH"
    )


def test_it_holds_no_secret_and_no_link(runs: Runs, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    secrets = [runs.settings["client_secret"], *(seller["refresh_token"] for seller in runs.settings["sellers"])]
    assert not [secret for secret in secrets if secret in text]
    assert runs.simulator.url not in text
    assert text.count("://") == text.count("http://www.w3.org/2000/svg")


# By keyboard


def test_the_whole_map_is_one_stop_of_tab_and_is_walked_by_arrows(browser: Chrome, cockpit: Cockpit) -> None:
    types = list(cockpit.report_types)
    first, second, *_, last = sellers(browser)
    assert enter_map(browser).startswith(f"{first}, {types[0]}: ")
    assert told(browser) == focused(browser)
    assert press(browser, Keys.ARROW_RIGHT).startswith(f"{first}, {types[1]}: ")
    assert press(browser, Keys.ARROW_LEFT, Keys.ARROW_LEFT).startswith(f"{first}, {types[0]}: ")
    assert press(browser, Keys.ARROW_DOWN).startswith(f"{second}, {types[0]}: ")
    assert press(browser, Keys.ARROW_UP, Keys.ARROW_UP, Keys.END).startswith(f"{first}, {types[-1]}: ")
    below = press(browser, *[Keys.ARROW_DOWN] * 9)
    assert below.startswith(f"{last}, {types[-1]}: ")
    assert press(browser, Keys.HOME).startswith(f"{last}, {types[0]}: ")
    assert press(browser, Keys.TAB) == ""  # the next section


def test_enter_opens_what_is_behind_and_escape_closes_it(browser: Chrome) -> None:
    cell = enter_map(browser)
    press(browser, Keys.ENTER)
    assert panel(browser).is_displayed()
    press(browser, Keys.TAB)
    assert focused(browser) == "close"
    assert press(browser, Keys.ESCAPE) == cell
    assert browser.find_elements(By.CLASS_NAME, "panel") == []
    press(browser, Keys.SPACE)
    opened = panel(browser).text
    press(browser, Keys.ARROW_RIGHT, Keys.ENTER)
    assert panel(browser).text != opened  # of the other cell alone


def test_n_and_p_jump_between_what_is_not_there(browser: Chrome, cockpit: Cockpit) -> None:
    troubled = {f"{cell.seller_id}, {cell.report_type.name}" for cell in cockpit.cells if cell.worst in TROUBLE}
    labels = [attribute(cell, "aria-label") for cell in browser.find_elements(By.CSS_SELECTOR, "td.cell")]
    first = enter_map(browser)
    in_order = [label for label in labels if label.split(": ")[0] in troubled]
    if in_order[0] == first:
        in_order = [*in_order[1:], first]
    seen = [press(browser, "n") for _ in troubled]
    assert seen == in_order
    assert press(browser, "n") == seen[0]
    assert press(browser, "p") == seen[-1]


def test_the_map_takes_its_own_keys_and_leaves_all_others_to_the_browser(browser: Chrome) -> None:
    enter_map(browser)
    taken = browser.execute_script("""
        const event = (key, more) => new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true, ...more});
        const isTaken = (...words) => !document.activeElement.dispatchEvent(event(...words));
        return [
            ["ArrowDown", "ArrowUp", "Home", " ", "n"].map((key) => isTaken(key)),
            [isTaken("x"), isTaken("Tab"), isTaken("n", {ctrlKey: true}), isTaken("ArrowLeft", {altKey: true})],
        ];
    """)
    assert taken == [[True] * 5, [False] * 4]


def test_the_focused_cell_is_marked(browser: Chrome) -> None:
    enter_map(browser)
    style = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(style) == "solid"


def test_the_mouse_shows_the_same(browser: Chrome) -> None:
    cell = browser.find_element(By.CSS_SELECTOR, "td.is-trouble")
    browser.execute_script("arguments[0].dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))", cell)
    assert told(browser) == attribute(cell, "aria-label")


# Found by typing


@pytest.mark.parametrize(
    ("typed", "rows", "columns"),
    [
        ("divya", ["divya"], 5),
        ("ledger", ["bharat", "chirag", "divya", "acme"], 3),
        ("divya stock", ["divya"], 1),
        ("unreadable", ["chirag"], 5),
        ("returns unread", ["chirag"], 1),
        ("orders unread", [], 1),
        ("nobody", [], 5),
    ],
)
def test_sellers_report_types_and_statuses_are_found_by_typing(
    browser: Chrome, typed: str, rows: list[str], columns: int
) -> None:
    browser.find_element(By.ID, "find").send_keys(typed)
    assert sellers(browser) == rows
    assert len(browser.find_elements(By.CSS_SELECTOR, ".map > thead th")) == columns
    numbers = [f"{len(rows)} seller{'' if len(rows) == 1 else 's'}", f"{columns} report type{'s'[: columns - 1]}"]
    assert told(browser) == ", ".join(numbers)


def test_only_what_is_not_all_there_can_be_shown_and_is_then_what_tab_reaches(browser: Chrome) -> None:
    before = sellers(browser)
    browser.find_element(By.ID, "only").send_keys(Keys.SPACE)
    assert sellers(browser) == [name for name in before if name != "acme"]
    assert enter_map(browser).startswith(f"{before[0]}, ")


def test_a_place_that_the_search_hides_is_shown(browser: Chrome) -> None:
    browser.find_element(By.ID, "find").send_keys("acme")
    browser.find_element(By.CSS_SELECTOR, "button.place").click()
    assert focused(browser).startswith("bharat, ")


# Many sellers


@pytest.mark.integration  # of a thousand sellers
def test_a_thousand_sellers_and_all_streams_take_less_than_three_megabytes_and_are_drawn_as_they_are_reached(
    tmp_path: Path,
) -> None:
    sizes = {}
    for number in (200, 1000):
        text = page(many_cells(number, reports=6), made_at=NOON)
        sizes[number] = len(text.encode())
    assert sizes[1000] < 3_000_000
    assert sizes[1000] / sizes[200] < 5  # each takes no more than one of few
    file = tmp_path / "coverage.html"
    file.write_text(text, encoding="utf-8")
    with browsing(file) as browser:
        drawn = len(sellers(browser))
        assert 0 < drawn <= 100
        assert told(browser) == "1,000 sellers, 13 report types"
        assert len(browser.find_elements(By.CLASS_NAME, "concern")) <= 6
        browser.find_element(By.ID, "find").send_keys("0421")
        assert sellers(browser) == ["seller-0421"]
        browser.find_element(By.CSS_SELECTOR, "td.cell").click()
        assert "and 5 earlier reports, all read, which the ledger has" in panel(browser).text
        browser.find_element(By.ID, "find").clear()
        browser.find_element(By.ID, "find").send_keys("seller", Keys.TAB)
        browser.execute_script("document.getElementById('more').click()")
        assert len(sellers(browser)) > drawn
        browser.find_element(By.CSS_SELECTOR, "#sort option[value=name]").click()
        enter_map(browser)
        assert press(browser, "n").startswith("seller-0")  # wherever the next trouble is, drawn or not
        assert attribute(browser.switch_to.active_element, "class").endswith("is-trouble")


def test_tables_of_one_report_are_one_strip_that_is_unfolded_on_demand(show: Show) -> None:
    browser = show(many_cells(3, reports=1))
    cell = next(
        cell
        for cell in browser.find_elements(By.CSS_SELECTOR, "td.cell")
        if ", settled_transaction_ledger: " in attribute(cell, "aria-label")
    )
    cell.click()
    assert len(panel(browser).find_elements(By.CLASS_NAME, "strip-line")) == 1
    panel(browser).find_element(By.TAG_NAME, "summary").click()
    assert panel(browser).find_element(By.TAG_NAME, "summary").text == "14 tables, all alike"
    lines = panel(browser).find_elements(By.CSS_SELECTOR, ".tables .strip-line")
    assert len(lines) == 14
    button = next(one for one in browser.find_elements(By.CLASS_NAME, "unfold") if one.text.startswith("settled_"))
    before = len(browser.find_elements(By.CSS_SELECTOR, ".types tr"))
    button.click()
    assert len(browser.find_elements(By.CSS_SELECTOR, ".types tr")) == before + 14


def test_of_many_warehouses_a_cell_shows_those_with_trouble_and_behind_it_are_all(show: Show) -> None:
    there = cell().strips[0]
    lacking = replace(there, spans=(replace(there.spans[0], status=DayStatus.MISSING),))
    strips = [replace(there, warehouse_id=f"w{number}") for number in range(5)]
    browser = show(Cockpit(cells=(cell(strips=(*strips, replace(lacking, warehouse_id="w5"))),)))
    box = browser.find_element(By.CSS_SELECTOR, "td.cell")
    drawn = [attribute(rect, "class") for rect in box.find_elements(By.CSS_SELECTOR, "rect")]
    assert sorted(drawn) == ["span loaded", "span loaded", "span missing"]
    box.click()
    assert texts(browser, ".panel .strip-head strong") == [f"w{number}" for number in range(6)]


def spans(*stretches: tuple[int, int, DayStatus]) -> tuple[Span, ...]:
    return tuple(
        Span(window=Window(date(2026, 10, first), date(2026, 10, last)), status=status)
        for first, last, status in stretches
    )


def failure(first: int, last: int, *, warehouse: str | None = None) -> FailedWindow:
    return FailedWindow(
        identifier="orders_report",
        stream="orders_report",
        seller_id="acme",
        warehouse_id=warehouse,
        window=Window(date(2026, 10, first), date(2026, 10, last)),
        report_id=None,
        is_unreadable=False,
        cause="the API says no",
        failed_at=NOON,
    )


def commands(browser: Chrome) -> list[argparse.Namespace]:
    """The commands behind the first cell, as a shell and the command line understand them."""
    browser.find_element(By.CSS_SELECTOR, "td.cell").click()
    lines = [shlex.split(line.removesuffix(" | TARGET")) for line in texts(browser, ".panel .next code")]
    parser = build_parser(dict.fromkeys(COMMANDS, len))
    return [parser.parse_args(words) for _program, *words in lines]


def test_a_repair_is_offered_of_days_that_are_there_alone(show: Show) -> None:
    strip = cell().strips[0]
    there = replace(
        strip, spans=spans((1, 9, DayStatus.LOADED), (10, 12, DayStatus.REREAD), (13, 14, DayStatus.MISSING))
    )
    (plan, repair) = commands(show(Cockpit(cells=(cell("-dash 'n' quote", strips=(there,)),))))
    assert plan.state is not None
    assert (repair.stream, repair.seller, repair.warehouse) == ("orders_report", "-dash 'n' quote", None)
    assert (repair.from_date, repair.to_date) == ("2026-10-06", "2026-10-12")
    assert repair.state is not None  # without it the target would be told that nothing is loaded
    lacking = replace(strip, spans=spans((1, 14, DayStatus.PENDING)))
    assert commands(show(Cockpit(cells=(cell(strips=(lacking,)),)))) == []
    failed = cell(strips=(there,), failures=(failure(12, 13),))
    assert commands(show(Cockpit(cells=(failed,)))) == []  # the next run asks for them anyway
    of_stock = replace(there, streams=("current_inventory_report",))
    snapshot = cell(strips=(of_stock,), report_type=REPORT_TYPES["current_inventory_report"])
    assert [one.run for one in commands(show(Cockpit(cells=(snapshot,))))] == [plan.run]


def test_a_repair_of_a_warehouse_is_of_that_one_alone(show: Show) -> None:
    strips = [replace(cell().strips[0], warehouse_id=name) for name in ("blr", "-del")]
    failed = cell(strips=tuple(strips), failures=(failure(3, 4, warehouse="-del"),))
    (repair,) = commands(show(Cockpit(cells=(failed,))))
    assert (repair.warehouse, repair.from_date, repair.to_date) == ("-del", "2026-10-03", "2026-10-04")


# In the light and in the dark


Colour = tuple[float, float, float]


def drawn(browser: Chrome, scheme: str, script: str) -> dict[str, tuple[Colour, Colour]]:
    """Colours and their grounds, by what has them, as a script finds them in a scheme."""
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        found: dict[str, list[str]] = browser.execute_script(script)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    return {name: (rgb(colour), rgb(ground)) for name, (colour, ground) in found.items()}


def rgb(text: str) -> Colour:
    """A colour without transparency, as a browser writes it."""
    red, green, blue = text.removeprefix("rgb(").removesuffix(")").split(",")
    return float(red), float(green), float(blue)


def contrast(one: Colour, other: Colour) -> float:
    """Of two colours, as WCAG reckons it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Colour) -> float:
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


TEXTS = """
    const isSeen = (element) => element.checkVisibility() && !element.matches("script, style, title, noscript, option");
    const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const groundOf = (element) => {
        const own = getComputedStyle(element).backgroundColor;
        return own === "rgba(0, 0, 0, 0)" && element.parentElement ? groundOf(element.parentElement) : own;
    };
    const found = {};
    for (const element of [...document.querySelectorAll("body *")].filter((one) => isSeen(one) && hasText(one))) {
        const style = getComputedStyle(element);
        const colour = element instanceof SVGElement ? style.fill : style.color;
        // A badge lies on days of any colour, which are not what it is inside of.
        const ground = element.matches(".badge") ? style.backgroundColor : groundOf(element);
        found[`${element.tagName}.${element.getAttribute("class")} ${colour} on ${ground}`] = [colour, ground];
    }
    return found;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable_on_what_it_is_drawn_on(browser: Chrome, scheme: str) -> None:
    browser.find_element(By.CSS_SELECTOR, "button.place").click()
    for details in browser.find_elements(By.CSS_SELECTOR, "summary"):
        browser.execute_script("arguments[0].click()", details)
    texts = drawn(browser, scheme, TEXTS)
    assert len(texts) > 20
    assert {name for name, (colour, ground) in texts.items() if contrast(colour, ground) < READABLE} == set()
    body = "const colour = getComputedStyle(document.body).backgroundColor; return {body: [colour, colour]}"
    assert (luminance(drawn(browser, scheme, body)["body"][0]) > 0.5) is (scheme == "light")


MARKS = """
    const found = {};
    for (const pattern of document.querySelectorAll("pattern")) {
        const mark = getComputedStyle(pattern.querySelector(`.${pattern.id}-mark`));
        const back = getComputedStyle(pattern.querySelector(`.${pattern.id}-back`)).fill;
        found[pattern.id] = [mark.stroke === "none" ? mark.fill : mark.stroke, back];
    }
    const ground = getComputedStyle(document.querySelector("section")).backgroundColor;
    for (const name of ["loaded", "re-read"])
        found[name] = [getComputedStyle(document.querySelector(`rect.${name}`)).fill, ground];
    found["re-read beside loaded"] = [found["re-read"][0], found.loaded[0]];
    for (const name of ["failed", "unreadable"]) found[`${name} on the page`] = [found[name][1], ground];
    return found;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_statuses_are_seen_and_distinguished(browser: Chrome, scheme: str) -> None:
    marks = drawn(browser, scheme, MARKS)
    assert {"pending", "failed", "unreadable", "missing"} < set(marks)
    beside = contrast(*marks.pop("re-read beside loaded"))
    assert beside >= 2
    assert {name for name, (mark, ground) in marks.items() if contrast(mark, ground) < VISIBLE} == set()


def test_no_status_is_shown_by_its_colour_alone(browser: Chrome, cockpit: Cockpit) -> None:
    signs = {DayStatus.FAILED: "✗", DayStatus.UNREADABLE: "!", DayStatus.MISSING: "·", DayStatus.PENDING: "◦"}
    shown = {text.split()[0] for text in texts(browser, ".badge")}
    assert shown == {signs[cell.worst] for cell in cockpit.cells if cell.worst in TROUBLE}


# Odd cockpits


def cell(seller: str = "acme", **members: Any) -> Cell:
    span = Span(window=Window(date(2024, 1, 1), date(2026, 10, 31)), status=DayStatus.LOADED)
    strip = Strip(warehouse_id=None, streams=("orders_report",), spans=(span,), complete_until=span.window.last)
    return Cell(**{"report_type": REPORT_TYPES["orders_report"], "seller_id": seller, "strips": (strip,), **members})


@pytest.fixture
def show(shared_browser: Chrome, tmp_path: Path) -> Show:
    def show(cockpit: Cockpit) -> Chrome:
        file = tmp_path / "odd.html"
        file.write_text(page(cockpit, made_at=NOON), encoding="utf-8")
        open_page(shared_browser, file)
        return shared_browser

    return show


if TYPE_CHECKING:
    Show = Callable[[Cockpit], Chrome]


def odd_cockpit(name: str) -> Cockpit:
    """One in which everything that others may name has the same name."""
    window = Window(date(2026, 10, 1), date(2026, 10, 4))
    odd: dict[str, Any] = {
        "identifier": name,
        "seller_id": name,
        "warehouse_id": name,
        "window": window,
        "report_id": name,
    }
    purchase = Purchase(**odd, status=PurchaseStatus.FINISHED, bought_at=NOON, drift=(name,))
    failure = FailedWindow(**odd, stream=name, is_unreadable=True, cause=name, failed_at=NOON)
    kind = replace(REPORT_TYPES["orders_report"], name=name, title=name, identifier=name)
    kind = replace(kind, tables=tuple(replace(table, stream=name) for table in kind.tables))
    strip = replace(cell().strips[0], streams=(name,), warehouse_id=name)
    place = ConcernSubject(seller_id=name, report_type=name, window=window)
    return Cockpit(
        cells=(cell(name, report_type=kind, strips=(strip,), purchases=(purchase,), failures=(failure,)),),
        concerns=(Concern(kind=ConcernKind.UNREADABLE, words=name, subjects=(place,)),),
        purchases=PurchaseFigures(
            by_day={date(2026, 10, 1): Bought(first=1)},
            by_type={name: Bought(first=1)},
            durations={name: Durations(shortest=1, typical=1, longest=1, reports=1)},
        ),
        prices=Prices(currency=name, by_type={"*": Decimal(1)}),
    )


def test_names_are_text_whatever_they_hold(show: Show) -> None:
    name = "</script><script>document.title = 'taken'</script><b>\"' & @@data@@ मुंबई"
    browser = show(odd_cockpit(name))
    browser.find_element(By.CSS_SELECTOR, "button.place").click()
    assert browser.title == "Flipkart reports"
    assert sellers(browser) == [name]
    assert texts(browser, ".words") == [name]
    assert texts(browser, ".types tbody th") == [name]
    assert browser.find_elements(By.TAG_NAME, "b") == []
    for selector in ("h3", ".failure", ".reports .note", ".reports .id", ".strip-head strong"):
        assert name in panel(browser).find_element(By.CSS_SELECTOR, selector).text, selector
    assert log(browser, "browser") == []
    command = panel(browser).find_element(By.TAG_NAME, "code").text
    quoted = "'" + name.replace("'", "'\"'\"'") + "'"
    assert f"--seller={quoted} " in command


def test_half_a_character_pair_and_marks_that_turn_text_do_no_harm(show: Show) -> None:
    browser = show(odd_cockpit("half \ud83d, \u202eturned\n\x1b[2J"))
    assert sellers(browser) == ["half , turned [2J"]


def test_without_a_ledger_or_any_day_it_says_so(show: Show) -> None:
    text = show(Cockpit(cells=())).find_element(By.TAG_NAME, "body").text
    assert "Nothing needs a person." in text
    assert "No day of any stream is wanted yet." in text
    assert "Without report_ledger there is no record of what was bought." in text
    text = show(Cockpit(cells=(cell(),), purchases=PurchaseFigures())).find_element(By.TAG_NAME, "body").text
    assert "None yet." in text


def test_a_narrow_window_does_not_scroll_sideways_and_the_map_does(show: Show) -> None:
    browser = show(many_cells(5, reports=1))
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    inner = "const box = document.getElementById('matrix'); return box.scrollWidth > box.clientWidth"
    browser.set_window_size(500, 900)
    browser.find_element(By.CSS_SELECTOR, "td.cell").click()
    assert browser.execute_script(wide) == 0
    assert browser.execute_script(inner)
    assert panel(browser).rect["width"] <= 500
    browser.set_window_size(1240, 1400)


def test_on_paper_there_are_no_controls(browser: Chrome) -> None:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not browser.find_element(By.ID, "find").is_displayed()
        assert browser.find_element(By.CLASS_NAME, "map").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_days_that_are_years_apart_are_one_strip(show: Show) -> None:
    spans = (
        Span(window=Window(date(2024, 1, 1), date(2024, 1, 1)), status=DayStatus.LOADED),
        Span(window=Window(date(2026, 10, 31), date(2026, 10, 31)), status=DayStatus.MISSING),
    )
    strip = replace(cell().strips[0], spans=spans)
    browser = show(Cockpit(cells=(cell(strips=(strip,)),)))
    browser.find_element(By.CSS_SELECTOR, "td.cell").click()
    titles = [attribute(title, "textContent") for title in panel(browser).find_elements(By.CSS_SELECTOR, "rect title")]
    assert titles == ["1 Jan 2024: 1 day loaded (rows are out)", "31 Oct 2026: 1 day missing (wanted, not bought yet)"]
    assert timedelta(days=1034) == spans[1].window.last - spans[0].window.first
