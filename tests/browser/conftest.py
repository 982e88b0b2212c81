"""Chromium, driven by Playwright: skipped where they are not there, but for .ci/run, which names the browser to use."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page, ViewportSize

Open: TypeAlias = "Callable[..., Opened]"

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
WAIT_MS = 10_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own. `CHROMIUM` says which; then it has to be there."""
    named = os.environ.get("CHROMIUM", "")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser") or ""
    missing = []
    if importlib.util.find_spec("playwright") is None:
        missing.append("playwright, of the extra browser")
    if not found or not Path(found).exists():
        missing.append(named or "chromium")
    if missing and named:
        pytest.fail(f"not there: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not there: {', '.join(missing)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


class Opened:
    """A page that was opened, and all that it asked for and complained about.

    Attributes:
        page: the page.
        requests: what it asked for beyond itself.
        complaints: what the console said, errors, and dialogs.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._refuse)
        self.page.goto(url)
        assert self.requests[:1] == [url.partition("#")[0]]
        del self.requests[0]

    def _refuse(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def unfold(self) -> None:
        """Open whatever is folded."""
        self.page.evaluate("for (const item of document.querySelectorAll('details')) item.open = true")

    def shown(self) -> list[str]:
        """The addresses of the entries that are to be seen."""
        found: list[str] = self.page.locator(".entries > li:visible h3 > code").all_text_contents()
        return found

    def assert_found(self, told: str) -> None:
        """Wait until the filters say this about how many there are."""
        from playwright.sync_api import expect

        expect(self.page.locator("#found")).to_have_text(told, timeout=WAIT_MS)


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page from disk, as a reader would; no two share anything."""
    contexts: list[BrowserContext] = []

    def opened(html: str, *, anchor: str = "", phone: bool = False, dark: bool = False, scripts: bool = True) -> Opened:
        file = tmp_path / f"page{len(contexts)}.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        return Opened(context, file.as_uri() + anchor)

    yield opened
    for context in contexts:
        context.close()
