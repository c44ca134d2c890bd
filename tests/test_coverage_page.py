"""The coverage page in headless Chromium, from real runs against the simulator."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support.chromium import browsing
from support.coverage_runs import make_runs

from tap_flipkart_reports.commands.coverage_map import ATTENTION, Bought, CoverageMap, DayStatus, Durations, Span, Strip
from tap_flipkart_reports.commands.coverage_page import page
from tap_flipkart_reports.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement
    from support.coverage_runs import Runs

READABLE = 4.5
"""Contrast of text to its ground, WCAG 2.2 level AA."""

VISIBLE = 3.0
"""Contrast of parts of a drawing, of the same."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return make_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def coverage(runs: Runs) -> CoverageMap:
    return runs.coverage()


@pytest.fixture(scope="module")
def file(runs: Runs, coverage: CoverageMap, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "coverage.html"
    file.write_text(page(coverage, made_at=runs.clock.now()), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def shared_browser(file: Path) -> Iterator[Chrome]:
    with browsing(file) as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: Chrome) -> Chrome:
    """The page as if just opened."""
    shared_browser.refresh()
    return shared_browser


def attribute(element: WebElement, name: str) -> str:
    return element.get_attribute(name) or ""


def focused(browser: Chrome) -> str:
    return attribute(browser.switch_to.active_element, "aria-label")


def press(browser: Chrome, *keys: str) -> str:
    """Press keys; what is focused then."""
    for key in keys:
        browser.switch_to.active_element.send_keys(key)
    return focused(browser)


def log(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call]  # selenium's own
    return entries


def told(browser: Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "output").text


# What it shows


def test_the_map_agrees_with_what_the_simulator_has_sold_and_the_tap_has_written(
    runs: Runs, coverage: CoverageMap
) -> None:
    assert coverage.bought.total == len(runs.simulator.triggers)
    assert sum(bought.total for bought in coverage.bought_by_day.values()) == len(runs.simulator.triggers)
    assert sum(coverage.rows_by_day.values()) == runs.records
    assert all(coverage.days()[status] > 0 for status in DayStatus)


def test_the_figures_of_the_page_are_those_of_the_map(browser: Chrome, coverage: CoverageMap) -> None:
    tiles = {
        tile.find_element(By.TAG_NAME, "dt").text: tile.find_element(By.TAG_NAME, "dd").text
        for tile in browser.find_elements(By.CLASS_NAME, "tile")
    }
    days = coverage.days()
    assert tiles["Reports bought"] == f"{coverage.bought.total:,}"
    assert tiles["Bought again"] == f"{coverage.bought.again:,}"
    assert tiles["Rows read"] == f"{sum(coverage.rows_by_day.values()):,}"
    for name, status in (("Failed", DayStatus.FAILED), ("Missing", DayStatus.MISSING), ("Pending", DayStatus.PENDING)):
        assert tiles[name] == f"{days[status]:,}"
    shown = browser.find_elements(By.CSS_SELECTOR, ".map .span")
    assert [attribute(span, "aria-label").split(": ")[0] for span in shown] == [
        f"{strip.stream}, {strip.place}" for strip in coverage.strips for _ in strip.spans
    ]
    groups = browser.find_elements(By.CSS_SELECTOR, "th[scope=rowgroup]")
    assert [group.text for group in groups] == list(dict.fromkeys(strip.stream for strip in coverage.strips))


def test_bars_are_as_high_as_their_figures_and_these_stand_below_as_a_table(
    browser: Chrome, coverage: CoverageMap
) -> None:
    figure = browser.find_element(By.TAG_NAME, "figure")
    bars = figure.find_elements(By.CSS_SELECTOR, "svg > g")
    heights = [sum(float(attribute(rect, "height")) for rect in bar.find_elements(By.TAG_NAME, "rect")) for bar in bars]
    totals = [bought.total for bought in coverage.bought_by_day.values()]
    assert len(bars) == len(totals)
    for height, total in zip(heights, totals, strict=True):
        assert height / max(heights) == pytest.approx(total / max(totals), abs=0.01)
    figure.find_element(By.TAG_NAME, "summary").click()
    cells = [row.text.split()[-3:] for row in figure.find_elements(By.CSS_SELECTOR, "tbody tr")]
    assert [sum(map(int, row)) for row in cells] == totals


def test_it_needs_no_network_and_its_own_policy_lets_it_run(browser: Chrome) -> None:
    messages = [json.loads(entry["message"])["message"] for entry in log(browser, "performance")]
    asked = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    ours = [request["request"]["url"] for request in asked if request["documentURL"].startswith("file:")]
    assert ours
    assert all(url.startswith(("file:", "data:")) for url in ours)
    assert log(browser, "browser") == []
    policy = attribute(browser.find_element(By.CSS_SELECTOR, "meta[http-equiv]"), "content")
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy


# By keyboard


def test_the_whole_map_is_one_stop_of_tab_and_is_walked_by_arrows(browser: Chrome, coverage: CoverageMap) -> None:
    browser.find_element(By.ID, "only").send_keys(Keys.TAB)
    first = focused(browser)
    assert first.startswith("orders_report, acme: ")
    assert told(browser) == first
    right = press(browser, Keys.ARROW_RIGHT)
    assert right.startswith("orders_report, acme: ")
    assert right != first
    assert press(browser, Keys.ARROW_LEFT) == first
    below = press(browser, Keys.ARROW_DOWN)
    assert below.startswith("orders_report, bharat: ")
    assert press(browser, Keys.ARROW_UP, Keys.END) != first
    last = coverage.strips[0].spans[-1]
    assert f"{last.window.last.day} Nov 2026" in focused(browser)
    assert told(browser) == focused(browser)
    assert press(browser, Keys.HOME, Keys.ARROW_LEFT) == first
    assert not press(browser, Keys.TAB).startswith("orders_report")


def test_n_and_p_jump_between_what_is_not_there(browser: Chrome, coverage: CoverageMap) -> None:
    gaps = [span.status.value for strip in coverage.strips for span in strip.spans if span.status in ATTENTION]
    browser.find_element(By.ID, "only").send_keys(Keys.TAB)
    seen = [press(browser, "n") for _ in gaps]
    assert len(set(seen)) == len(gaps)
    assert [next(word for word in ("failed (", "missing (", "pending (") if word in text)[:-2] for text in seen] == gaps
    assert press(browser, "n") == seen[0]
    assert press(browser, "p") == seen[-1]


def test_a_thousand_sellers_take_one_page_that_can_be_searched(tmp_path: Path) -> None:
    days = Window(date(2026, 10, 1), date(2026, 10, 31))
    strips = [
        Strip(
            stream=stream,
            seller_id=f"seller-{number:04}",
            warehouse_id=None,
            spans=(Span(window=days, status=DayStatus.LOADED),),
        )
        for stream in ("orders_report", "sales_ledger")
        for number in range(1000)
    ]
    sizes = []
    for some in (strips[900:1100], strips):
        text = page(CoverageMap(strips=tuple(some)), made_at=datetime(2026, 11, 1, tzinfo=timezone.utc))
        sizes.append(len(text) / len(some))
    assert sizes[1] < 900  # bytes of a line
    file = tmp_path / "coverage.html"
    file.write_text(text, encoding="utf-8")
    with browsing(file) as browser:
        box = browser.find_element(By.ID, "find")
        box.send_keys("orders 0421")
        shown = [row.text for row in browser.find_elements(By.CSS_SELECTOR, ".map tbody tr") if row.is_displayed()]
        assert [row.split()[0] for row in shown] == ["orders_report", "seller-0421"]
        assert told(browser) == "1 line"
        browser.find_element(By.ID, "only").send_keys(Keys.TAB)
        assert "seller-0421" in focused(browser)
        box.clear()
        box.send_keys("nobody")
        assert told(browser) == "0 lines"


def test_only_what_is_not_all_there_can_be_shown_and_is_then_what_tab_reaches(
    browser: Chrome, coverage: CoverageMap
) -> None:
    box = browser.find_element(By.ID, "only")
    rows = browser.find_elements(By.CSS_SELECTOR, ".map tbody tr")
    before = sum(row.is_displayed() for row in rows)
    box.send_keys(Keys.SPACE)
    after = [row for row in rows if row.is_displayed()]
    assert 0 < len(after) < before
    assert all("100 %" not in row.text for row in after)
    box.send_keys(Keys.TAB)
    lacking = [strip for strip in coverage.strips if any(span.status in ATTENTION for span in strip.spans)]
    assert focused(browser).startswith(f"{lacking[0].stream}, {lacking[0].place}: ")


def test_the_focused_span_is_marked(browser: Chrome) -> None:
    browser.find_element(By.ID, "only").send_keys(Keys.TAB)
    style = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(style) == "solid"


def test_the_mouse_is_told_the_same(browser: Chrome) -> None:
    span = browser.find_element(By.CSS_SELECTOR, ".span.missing")
    browser.execute_script("arguments[0].dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))", span)
    assert told(browser) == span.get_attribute("aria-label")


# In the light and in the dark


def colours(browser: Chrome, scheme: str) -> dict[str, tuple[float, float, float]]:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    found: dict[str, str] = browser.execute_script("""
        const probe = document.body.appendChild(document.createElement("i"));
        const names = ["page", "surface", "ink", "muted", "loaded", "reread", "pending", "pending-back", "failed",
                       "failed-mark", "missing", "missing-mark", "again"];
        const result = Object.fromEntries(names.map((name) => {
            probe.style.color = `var(--${name})`;
            return [name, getComputedStyle(probe).color];
        }));
        result.drawn = getComputedStyle(document.querySelector("section")).backgroundColor;
        probe.remove();
        return result;
    """)
    return {
        name: tuple(int(part) for part in text[4:-1].split(","))  # type: ignore[misc]  # rgb(r, g, b)
        for name, text in found.items()
    }


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Of two colours, as WCAG reckons it."""

    def luminance(colour: tuple[float, float, float]) -> float:
        linear = [
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
            for part in (value / 255 for value in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_and_marks_are_told_apart(browser: Chrome, scheme: str) -> None:
    colour = colours(browser, scheme)
    assert colour["drawn"] == colour["surface"]
    assert (sum(colour["surface"]) > 384) is (scheme == "light")
    for ground in ("page", "surface"):
        for text in ("ink", "muted"):
            assert contrast(colour[text], colour[ground]) >= READABLE, (text, ground)
    for mark in ("loaded", "reread", "failed", "again"):
        assert contrast(colour[mark], colour["surface"]) >= VISIBLE, mark
    for mark, ground in (("failed-mark", "failed"), ("missing-mark", "missing")):
        assert contrast(colour[mark], colour[ground]) >= VISIBLE, mark
    assert contrast(colour["loaded"], colour["reread"]) >= 2


# Odd maps


def strip(seller: str = "acme", stream: str = "orders_report") -> Strip:
    span = Span(window=Window(date(2024, 1, 1), date(2026, 10, 31)), status=DayStatus.LOADED)
    return Strip(stream=stream, seller_id=seller, warehouse_id=None, spans=(span,))


@pytest.fixture
def show(shared_browser: Chrome, tmp_path: Path, runs: Runs) -> Any:
    def show(coverage: CoverageMap) -> Chrome:
        file = tmp_path / "odd.html"
        file.write_text(page(coverage, made_at=runs.clock.now()), encoding="utf-8")
        shared_browser.get(file.as_uri())
        return shared_browser

    return show


def test_names_are_text_whatever_they_hold(show: Any) -> None:
    name = "<script>document.title = 'taken'</script>\"' & मुंबई"
    durations = Durations(shortest=1, typical=1, longest=1, reports=1)
    coverage = CoverageMap(
        strips=(strip(name, name),),
        bought_by_day={date(2026, 10, 1): Bought(first=1)},
        bought_by_type={name: Bought(first=1)},
        durations={name: durations},
        has_ledger=True,
    )
    browser = show(coverage)
    assert browser.title == "Coverage of Flipkart reports"
    assert browser.find_element(By.CSS_SELECTOR, "th[scope=row]").text == name
    assert browser.find_element(By.CSS_SELECTOR, ".types th[scope=row]").text == name


def test_without_a_ledger_or_any_day_it_says_so(show: Any) -> None:
    text = show(CoverageMap(strips=())).find_element(By.TAG_NAME, "body").text
    assert "No day of any stream is wanted yet." in text
    assert "Without report_ledger there is no record of what was bought." in text
    assert "None yet." in show(CoverageMap(strips=(strip(),), has_ledger=True)).find_element(By.TAG_NAME, "body").text


def test_years_of_days_scroll_inside_the_map_and_a_narrow_window_does_not_scroll_sideways(show: Any) -> None:
    browser = show(CoverageMap(strips=(strip(),)))
    browser.set_window_size(500, 900)
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(wide) == 0
    inner = "const box = document.querySelector('.scroll'); return box.scrollWidth > box.clientWidth"
    assert browser.execute_script(inner)
    browser.set_window_size(1240, 1400)
