"""Headless Chromium, as Debian installs it, without a word to the network."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from support.programs import of_the_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@contextmanager
def browsing(file: Path, *, width: int = 1240, height: int = 1400) -> Iterator[webdriver.Chrome]:
    """A browser that shows a file.

    Args:
        file: a page.
        width: of the window, in pixels.
        height: the same.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = of_the_system("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options=options, service=Service(executable_path=of_the_system("chromedriver")))
        try:
            browser.get(file.as_uri())
            yield browser
        finally:
            browser.quit()
