"""Section of a page that follows the services without a reload."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Generic, TypeVar

from nicegui import ui

from services.desk.components.elements import box
from services.desk.components.frame import notice
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.problems import error_text, unavailable_text
from services.desk.context import PageContext
from services.desk.session import SignedOutError
from shared.calls import ApiError, ServiceUnavailableError

T = TypeVar("T")

_INTERVAL_S = 1.0
AT_ONCE_S = 0.5
"""Refresh interval of a section that shows a change within a second."""


class LiveView(Generic[T]):
    """View of the response that ``fetch`` returns. ``render`` draws it section by section, once
    more when it, the day or the store's directory has changed; sections that show the same stay as
    they are.

    When a service is unavailable the last response stays, with a notice above it.
    """

    def __init__(
        self,
        ctx: PageContext,
        fetch: Callable[[], Awaitable[T]],
        render: Callable[[T, PartialRenderer], None],
    ) -> None:
        self._ctx = ctx
        self._fetch = fetch
        self._render = render
        self._shown: tuple[date, str, T] | None = None
        self._said = ""
        with box("live"):
            self._notices = box("notices")
            self._content = box("live-content")
        self._renderer = PartialRenderer(self._content)

    async def start(self, interval_s: float) -> None:
        """Show the first response and follow it from then on."""
        self._ctx.refreshers.append(self.refresh)
        await self.refresh()
        ui.timer(interval_s, self.refresh, immediate=False)

    async def refresh(self) -> None:
        """Fetch the response, and show the changes."""
        problem = ""
        try:
            response = await self._fetch()
        except ServiceUnavailableError as unavailable:
            problem = unavailable_text(self._ctx.t, unavailable)
        except ApiError as error:
            problem = error_text(self._ctx.t, error)
        except SignedOutError:
            ui.navigate.to("/sign-in")
            return
        else:
            self._show(response)
        self._say(problem)
        self._renderer.tick(self._ctx.now())

    def _show(self, response: T) -> None:
        day, directory = self._ctx.today(), self._ctx.directory.revision
        shown = (day, directory, response)
        if self._content.is_deleted or shown == self._shown:
            return
        self._shown = shown
        with self._renderer.anew(day, directory):
            self._render(response, self._renderer)

    def _say(self, problem: str) -> None:
        if self._notices.is_deleted or problem == self._said:
            return
        self._said = problem
        self._notices.clear()
        if problem:
            with self._notices:
                notice(problem)


async def live(
    ctx: PageContext,
    fetch: Callable[[], Awaitable[T]],
    render: Callable[[T, PartialRenderer], None],
    interval_s: float = _INTERVAL_S,
) -> None:
    """Add a live section here."""
    await LiveView(ctx, fetch, render).start(interval_s)
