"""A real Chromium, headless, and a page in it that must not break."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.screenshot import ARGUMENTS, CHROMIUM
from tests.console.conftest import console, publisher

__all__ = ["console", "publisher"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here, and skip it where there is no Chromium."""
    missing = pytest.mark.skip(reason=f"{CHROMIUM} is not there (apt-get install chromium)")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if not Path(CHROMIUM).exists():
                item.add_marker(missing)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """The browser."""
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """An empty tab. A script's error or a breach of the content security policy in it fails the test."""
    faults: list[str] = []
    tab = await chromium.new_page(viewport={"width": 1280, "height": 800})
    tab.set_default_timeout(15_000)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on(
        "console",
        lambda said: faults.append(said.text) if said.type == "error" and "net::ERR" not in said.text else None,
    )
    yield tab
    assert not faults
