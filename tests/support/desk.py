"""Signed-in colleagues at the desk, each in a browser of their own."""

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
TIMEOUT_MS = 60_000

_TRIES = 4
_MENU_CLOSES_MS = 300
_REDRAWN_MS = 300
_SHOWN = "field => field.innerText + (field.querySelector('input')?.value ?? '')"
_WIDEST = "document.documentElement.scrollWidth"
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
            await self.press(name)
            with suppress(AssertionError):
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
        for _ in range(_TRIES):
            await self.at(name).click()
            await self.page.locator(".q-menu .q-item").filter(has_text=offer).first.click()
            await self.page.wait_for_timeout(_MENU_CLOSES_MS)
            try:
                if not await chosen.count() or offer in await chosen.first.evaluate(_SHOWN):
                    return
            except BrowserError:
                return  # the choice leads to another page

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def fits(self, size: str) -> None:
        """Look at the page on a screen of that size; once its charts have followed, nothing lies
        beyond its right edge.
        """
        width, height = _SIZES[size]
        await self.page.set_viewport_size({"width": width, "height": height})

        async def is_within() -> bool:
            return bool(await self.page.evaluate(_WIDEST) <= width)

        assert await until(is_within, TIMEOUT_MS / 1000), f"the page is wider than a {size}"

    async def keep(self, name: str) -> None:
        """Keep a screenshot of the whole page."""
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


class Desk:
    """Sign-in of colleagues; all browsers close at the end of a test."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self.url = url
        self.violations: list[str] = []

    async def sign_in(self, who: str, *, language: str = "zh", size: str = "desktop") -> Colleague:
        width, height = _SIZES[size]
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN"
        )
        context.set_default_timeout(TIMEOUT_MS)
        colleague = self._watched(await context.new_page())
        page = colleague.page
        await page.goto(f"{self.url}/sign-in")
        if language == "en":
            await colleague.press("language")
        await colleague.press(f"as-{who}")
        await expect(page.get_by_role("main")).to_be_visible()
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
