"""A part of a page that follows the services without a reload."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Generic, TypeVar

from nicegui import ui

from services.desk.client import AwayError, RefusalError
from services.desk.components.drawing import Drawing
from services.desk.components.elements import box
from services.desk.components.frame import notice
from services.desk.components.problems import away_text, refusal_text
from services.desk.session import SignedOutError
from services.desk.visit import Visit

T = TypeVar("T")

_INTERVAL_S = 1.0
AT_ONCE_S = 0.5
"""The interval of a part that shows a change within a second."""


class Live(Generic[T]):
    """Shows what ``fetch`` answers. ``render`` draws it part by part, once more when it differs or
    another day has come; parts that show the same stay as they are.

    When a service is away the last answer stays, with a notice above it.
    """

    def __init__(
        self,
        visit: Visit,
        fetch: Callable[[], Awaitable[T]],
        render: Callable[[T, Drawing], None],
    ) -> None:
        self._visit = visit
        self._fetch = fetch
        self._render = render
        self._shown: tuple[date, T] | None = None
        self._said = ""
        with box("live"):
            self._notices = box("notices")
            self._content = box("live-content")
        self._drawing = Drawing(self._content)

    async def start(self, interval_s: float) -> None:
        """Show the first answer and follow it from then on."""
        self._visit.refreshers.append(self.refresh)
        await self.refresh()
        ui.timer(interval_s, self.refresh, immediate=False)

    async def refresh(self) -> None:
        """Ask, and show what has changed."""
        problem = ""
        try:
            answer = await self._fetch()
        except AwayError as away:
            problem = away_text(self._visit.t, away)
        except RefusalError as refusal:
            problem = refusal_text(self._visit.t, refusal)
        except SignedOutError:
            ui.navigate.to("/sign-in")
            return
        else:
            self._show(answer)
        self._say(problem)
        self._drawing.tick(self._visit.now())

    def _show(self, answer: T) -> None:
        shown = (self._visit.today(), answer)
        if self._content.is_deleted or shown == self._shown:
            return
        self._shown = shown
        with self._drawing.anew(shown[0]):
            self._render(answer, self._drawing)

    def _say(self, problem: str) -> None:
        if self._notices.is_deleted or problem == self._said:
            return
        self._said = problem
        self._notices.clear()
        if problem:
            with self._notices:
                notice(problem)


async def live(
    visit: Visit,
    fetch: Callable[[], Awaitable[T]],
    render: Callable[[T, Drawing], None],
    interval_s: float = _INTERVAL_S,
) -> None:
    """Put a live part here."""
    await Live(visit, fetch, render).start(interval_s)
