"""Signed-in colleagues at the desk, each in a browser of their own."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, expect
from playwright.async_api import Error as BrowserError
from playwright.async_api import TimeoutError as BrowserTimeoutError

from tests.support.polling import until

CHROMIUM = "/usr/bin/chromium-headless-shell"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-gpu-compositing",
    "--disable-software-rasterizer",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SCREENSHOTS = Path("var/screenshots")
ARE_KEPT = "PYTEST_XDIST_WORKER" not in os.environ
"""Whether screenshots are kept: to make them takes a quarter of the time."""

TIMEOUT_MS = 60_000

_STORE = re.compile(r"S\d+(?=-)")
_FIRST_STORE = "S01"
_TRIES = 4
_MENU_CLOSES_MS = 300
_REDRAWN_MS = 300
_SETTLED_MS = 3_000
_SHOWN = "field => field.innerText + (field.querySelector('input')?.value ?? '')"
_WIDEST = "document.documentElement.scrollWidth"
_DRAWN = """Promise.race([
    document.fonts.ready.then(() => new Promise(
        done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))),
    new Promise(done => setTimeout(() => done(true), 1000))])"""
_ROUNDS_CLOSED = 2
"""Rounds without a menu after which it stays closed: a redrawn choice opens it once more."""
_SIZES = {"desktop": (1440, 900), "phone": (390, 844), "screen": (1920, 1080)}


@dataclass
class Colleague:
    """Signed-in person with their page."""

    page: Page
    url: str
    faults: list[str]

    def at(self, name: str) -> Locator:
        """Return the element of that name; names that end in ``*`` mean the first that begins
        so.
        """
        if name.endswith("*"):
            return self.page.locator(f'[data-testid^="{name[:-1]}"]').first
        return self.page.locator(f'[data-testid="{name}"]')

    async def press(self, name: str) -> None:
        await self.at(name).click()

    async def send(self) -> None:
        """Press the main button of a dialog, after each menu that still covers it is closed."""
        for _ in range(_TRIES):
            with suppress(BrowserTimeoutError):
                await self.at("dialog-send").click(timeout=TIMEOUT_MS / _TRIES)
                return
            await self._close_menu()
        await self.press("dialog-send")

    async def open(self, name: str) -> None:
        """Press the element that opens a dialog; once more where it was just being redrawn."""
        shown = self.page.locator(".dialog")
        await expect(shown).to_have_count(0)
        for _ in range(_TRIES):
            with suppress(BrowserTimeoutError, AssertionError):
                await self.at(name).click(timeout=TIMEOUT_MS / _TRIES)
                await expect(shown).to_be_visible(timeout=TIMEOUT_MS / _TRIES)
                return
        await expect(shown).to_be_visible()

    async def write(self, **values: str) -> None:
        """Type into fields; once more into one that a late redraw has filled again."""
        for name, value in values.items():
            await self.at(name).fill(value)
        for name in [name for name, value in values.items() if not value]:
            await self.page.wait_for_timeout(_REDRAWN_MS)
            await self.at(name).fill("")

    async def choose(self, name: str, typed: str) -> None:
        """Choose the first offer for the text typed into a choice of several."""
        await expect(self.page.locator(".q-menu")).to_have_count(0)
        await self.at(name).click()
        await self.page.keyboard.type(typed)
        offer = self.page.locator(".q-menu .q-item").filter(has_text=typed).first
        await offer.click()
        await self._close_menu()

    async def scan(self, name: str, code: str) -> None:
        """Enter a code into a choice as a scanner does: at once, and Enter."""
        await self.at(name).click()
        await self.page.keyboard.insert_text(code)
        await self.page.keyboard.press("Enter")

    async def _close_menu(self) -> None:
        menu, rounds_closed = self.page.locator(".q-menu"), 0
        while rounds_closed < _ROUNDS_CLOSED:
            if await menu.count():
                await self.page.keyboard.press("Tab")
            await self.page.wait_for_timeout(_MENU_CLOSES_MS)
            rounds_closed = 0 if await menu.count() else rounds_closed + 1

    async def pick(self, name: str, offer: str) -> None:
        """Choose one of few; once more where the choice was just being redrawn."""
        chosen = self.page.locator("label.q-field").filter(has=self.at(name))

        async def is_chosen() -> bool:
            try:
                return not await chosen.count() or offer in await chosen.first.evaluate(_SHOWN)
            except BrowserError:
                return True  # the choice leads to another page

        for _ in range(_TRIES):
            await self.at(name).click()
            await self.page.locator(".q-menu .q-item").filter(has_text=offer).first.click()
            await self.page.wait_for_timeout(_MENU_CLOSES_MS)
            if await until(is_chosen, _SETTLED_MS / 1000):
                return

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def connected(self) -> None:
        """Wait until the page has its connection, and so all that its first form shows."""
        assert await until(lambda: self._says("window.did_handshake"), pause_s=0.02)

    async def fits(self, size: str) -> None:
        """Look at the page on a screen of that size; once its charts have followed, nothing lies
        beyond its right edge.
        """
        width, height = _SIZES[size]
        await self.page.set_viewport_size({"width": width, "height": height})
        is_within = f"{_WIDEST} <= {width}"
        assert await until(lambda: self._says(is_within)), f"the page is wider than a {size}"

    async def _says(self, condition: str) -> bool:
        """Return whether the page fulfills ``condition``; one that is being loaded does not."""
        with suppress(BrowserError):
            return bool(await self.page.evaluate(condition))
        return False

    async def see(self, path: str, name: str) -> None:
        """Open ``path`` until it shows the element of that name: what pages know of other services
        may be a moment old when they are opened.
        """

        async def is_shown() -> bool:
            await self.go(path)
            with suppress(AssertionError):
                await expect(self.at(name)).to_be_visible(timeout=_SETTLED_MS)
                return True
            return False

        assert await until(is_shown), f"{path} does not show {name}"

    async def keep(self, name: str) -> None:
        """Keep a screenshot of the whole page, unless this is one of several workers: then the
        page is only drawn.
        """
        if ARE_KEPT:
            await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        else:
            assert await until(lambda: self._says(_DRAWN))


class Desk:
    """Sign-in of colleagues; all browsers close at the end of a test."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self.url = url
        self.violations: list[str] = []

    async def sign_in(self, who: str, *, language: str = "zh", size: str = "desktop") -> Colleague:
        """Return a colleague on their first page; the form of the sign-in page is sent for them."""
        width, height = _SIZES[size]
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN"
        )
        context.set_default_timeout(TIMEOUT_MS)
        colleague = self._watched(await context.new_page())
        if language != "zh":
            await context.request.get(f"{self.url}/language/{language}", max_redirects=0)
        store = _STORE.match(who)
        form: dict[str, str | float | bool] = {
            "subject": who,
            "store": store[0] if store else _FIRST_STORE,
        }

        async def is_signed_in() -> bool:
            answer = await context.request.post(
                f"{self.url}/sign-in/person",
                form=form,
                headers={"Origin": self.url},
                max_redirects=0,
            )
            return answer.headers.get("location") == "/"

        assert await until(is_signed_in), f"the desk does not know {who}"
        await colleague.go("/")
        await expect(colleague.page.get_by_role("main")).to_be_visible()
        await colleague.connected()
        return colleague

    async def open(self, address: str) -> Colleague:
        """Open ``address`` on a phone of a person who is not signed in."""
        width, height = _SIZES["phone"]
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN"
        )
        context.set_default_timeout(TIMEOUT_MS)
        customer = self._watched(await context.new_page())
        await customer.page.goto(address)
        return customer

    def _watched(self, page: Page) -> Colleague:
        """Return a person at ``page``, whose errors are recorded."""
        colleague = Colleague(page, self.url, [])
        page.on("pageerror", lambda error: colleague.faults.append(str(error)))
        page.on("request", lambda request: _note_foreign(colleague, request.url))
        page.on("console", lambda message: self._note_violation(message.text))
        return colleague

    def _note_violation(self, text: str) -> None:
        if "Content Security Policy" in text or "Permissions-Policy" in text:
            self.violations.append(text)


def _note_foreign(colleague: Colleague, url: str) -> None:
    if not url.startswith((colleague.url, "data:", "blob:", colleague.url.replace("http", "ws"))):
        colleague.faults.append(f"request to {url}")
