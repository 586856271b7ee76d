"""Pictures of the page with made-up calls: `python -m tests.browser.screenshot [--calls N] [--dark] [--width W] FILE`.

Starts its own redis-server, console and headless Chromium, and stops them again. docs/console.png is made by
`python -m tests.browser.screenshot docs/console.png`.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.conftest import PrivateRedis
from tests.console.made_up import floor
from tests.console.running import Publisher, RunningConsole

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--headless=new", "--disable-background-networking"]


async def picture(redis_url: str, file: Path, calls: int, dark: bool, width: int, height: int) -> None:
    """Serve `calls` made-up calls and write what a browser shows of them to `file`."""
    async with RunningConsole(redis_url) as console, Publisher(redis_url) as publisher, async_playwright() as play:
        await console.ready()
        await publisher.publish(*floor(calls))
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        page.on("console", lambda message: print(message.text))
        await page.goto(console.url)
        await page.wait_for_selector("body:not(.stale)")
        await page.wait_for_timeout(3_000)
        await page.screenshot(path=file)
        await browser.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--calls", type=int, default=9)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=960)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = PrivateRedis(Path(folder))
        server.start()
        try:
            asyncio.run(picture(server.url, wanted.file, wanted.calls, wanted.dark, wanted.width, wanted.height))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
