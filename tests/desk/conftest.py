"""Desks, and the browser in which colleagues use them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser, async_playwright, expect

from deploy.embedded.platform import Platform
from services.desk.app import create_app
from shared.settings import Settings
from tests.support.desk import CHROMIUM, FLAGS, SCREENSHOTS, TIMEOUT_MS, Desk


@pytest.fixture(scope="session")
def lonely_desk() -> FastAPI:
    """Return the only desk in the test's own process; its services are unavailable."""
    return create_app(Settings(desk_hosts="desk"))


@pytest_asyncio.fixture(scope="module")
async def visitor(lonely_desk: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Yield an HTTP client of a desk in the test's own process."""
    transport = httpx.ASGITransport(lonely_desk, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        yield client


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Return the folder of the screenshots."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Yield the system's Chromium."""
    expect.set_options(timeout=TIMEOUT_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def desk(platform: Platform, browser: Browser, screenshots: Path) -> AsyncIterator[Desk]:
    """Yield the desk of the running platform, where every page must comply with its policy."""
    desk = Desk(browser, platform.url("desk"))
    yield desk
    for context in browser.contexts:
        await context.close()
    assert desk.violations == []
