"""Page definition: its address, its roles and the requirements it serves."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from copy import copy
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app, ui

from services.desk.client import Services
from services.desk.components.frame import MenuItem, add_script, frame, notice, screen
from services.desk.components.problems import error_text, unavailable_text
from services.desk.context import AppContext, PageContext, Present
from services.desk.directory import Directory
from services.desk.i18n import LOCALES
from services.desk.session import LAST_COLLEAGUE, Session, SignedOutError
from services.desk.staff import Person
from shared.calls import ApiError, ServiceUnavailableError
from shared.security import Role

Build = Callable[[PageContext], Awaitable[None]]


@dataclass(frozen=True)
class Page:
    """Page of the desk; those of the menu have an ``icon``.

    ``waiting`` counts what waits for the person there, and the menu shows it. ``script`` is a file
    of the static folder that the page needs. A page of the ``whole_screen`` has nothing around it,
    and may be framed by another one of the desk.
    """

    path: str
    title: str
    roles: frozenset[Role]
    requirements: tuple[str, ...]
    icon: str = ""
    waiting: Callable[[PageContext], Awaitable[int]] | None = None
    script: str = ""
    whole_screen: bool = False

    def shows(self, build: Build) -> Build:
        """Serve the page; ``build`` fills its frame."""

        async def view(request: Request, signed_in: Present) -> Response | None:
            app_context: AppContext = app.state.app_context
            if signed_in is None:
                return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", 303)
            ctx = await _open_context(app_context, signed_in, request)
            if ctx is None or not ctx.person.has(self.roles):
                return RedirectResponse("/", 303)
            signed_in.shown_on(ui.context.client)
            _speak(ctx)
            request.state.framed = self.whole_screen
            if self.script:
                add_script(self.script)
            waiting = {} if self.whole_screen else await _waiting(ctx)
            with self._surroundings(ctx, request.url.path, waiting):
                await _build_safely(build, ctx)
            return None

        ui.page(self.path, response_timeout=15)(view)
        return build

    def _surroundings(
        self, ctx: PageContext, here: str, waiting: Mapping[str, int]
    ) -> AbstractContextManager[None]:
        if self.whole_screen:
            return screen(ctx, self.title)
        return frame(ctx, self.title, menu(ctx, self, waiting), here)

    def address(self, store_id: str) -> str:
        """Return the address of the page for one store."""
        return self.path.replace("{store_id}", store_id)

    def is_above(self, page: "Page | None") -> bool:
        """Return whether ``page`` is this one or one that is opened from it."""
        return page is not None and f"{page.path}/".startswith(f"{self.path}/")


@dataclass(frozen=True)
class OpenPage:
    """Page without sign-in, such as the one behind a customer's link."""

    path: str
    title: str
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class MenuSection:
    """Pages of the menu that belong together, under a heading."""

    name: str
    pages: Sequence[Page]


MENU: list[MenuSection] = []
"""Sections of the menu in their order."""

HOME: dict[Role, Page] = {}
"""First page by role; the first role counts for people who have several."""


def menu(ctx: PageContext, current: Page, waiting: Mapping[str, int]) -> dict[str, list[MenuItem]]:
    """Return by section the pages that the person's roles open, with how much is waiting by their
    paths.
    """
    found = {
        section.name: [
            MenuItem(
                page.title,
                page.icon,
                page.address(ctx.store.id),
                page.is_above(current),
                waiting.get(page.path, 0),
            )
            for page in section.pages
            if ctx.person.has(page.roles)
        ]
        for section in MENU
    }
    return {name: items for name, items in found.items() if items}


async def _waiting(ctx: PageContext) -> dict[str, int]:
    """Return how much waits for the person on pages of the menu; services that are away are left
    out.
    """
    found: dict[str, int] = {}
    for page in chain.from_iterable(section.pages for section in MENU):
        if page.waiting and ctx.person.has(page.roles):
            with suppress(ServiceUnavailableError, ApiError, SignedOutError):
                found[page.path] = await page.waiting(ctx)
    return found


async def landing(app_context: AppContext, person: Person, store_id: str | None) -> str:
    """Return the page on which a person begins, in their last store."""
    directory = await _directory(app_context, person, store_id)
    if directory is None:
        return "/no-page"
    roles = directory.in_post(person).roles
    first = next((page for role, page in HOME.items() if role in roles), None)
    return first.address(directory.store.id) if first else "/no-page"


async def _directory(
    app_context: AppContext, person: Person, store_id: str | None
) -> Directory | None:
    """Return the directory of a person's last store, or of the first one that exists.

    A post there, or in the whole group, opens a store also where the token does not name it.
    """
    for each in dict.fromkeys(filter(None, (store_id, *person.stores))):
        directory = await app_context.directories.of(each)
        if directory.exists and (each in person.stores or directory.posts_of(person)):
            return directory
    return None


async def _open_context(
    app_context: AppContext, signed_in: Session, request: Request
) -> PageContext | None:
    asked = request.path_params.get("store_id")
    person, last = signed_in.person, asked or request.session.get("store")
    directory = await _directory(app_context, person, last)
    if directory is None or asked not in (None, directory.store.id):
        return None
    request.session["store"] = directory.store.id
    request.session[LAST_COLLEAGUE] = person.subject
    t = app_context.translator_for(request)
    return PageContext(
        app_context=app_context,
        signed_in=signed_in,
        person=directory.in_post(person),
        store=directory.store,
        group_name=await app_context.group_name(t),
        t=t,
        parameters=dict(request.path_params),
        query=dict(request.query_params),
        services=Services(app_context.connections, signed_in.token),
    )


def _speak(ctx: PageContext) -> None:
    """Set the language of Quasar and the document to the person's."""
    client = ui.context.client
    client.page = copy(client.page)
    client.page.language = "zh-CN" if LOCALES[ctx.t.language] == "zh_CN" else "en-US"


async def _build_safely(build: Build, ctx: PageContext) -> None:
    try:
        await build(ctx)
    except ServiceUnavailableError as unavailable:
        notice(unavailable_text(ctx.t, unavailable))
    except ApiError as error:
        notice(error_text(ctx.t, error))
    except SignedOutError:
        ui.navigate.to("/sign-in")
