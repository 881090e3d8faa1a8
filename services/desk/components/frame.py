"""Frame of every page: group, store, menu, language and person."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui

from services.desk.components.elements import badge, box, test_id, text
from services.desk.components.find_customers import FindCustomers
from services.desk.context import PageContext
from services.desk.directory import Store
from services.desk.formats import clock
from services.desk.i18n import Translator
from shared.clients.crm.client import CrmApi

_OFFERED_STORES = 50
_STATIC = Path(__file__).parent.parent / "static"

_SHOW_CURRENT = (
    'document.querySelector(".menu-item.current")'
    '?.scrollIntoView({inline: "center", block: "nearest"})'
)


@dataclass(frozen=True)
class MenuItem:
    """One entry of the menu, with how much waits there for the person."""

    title: str
    icon: str
    address: str
    current: bool
    waiting: int


def head(title: str) -> None:
    """Add title and style of a page."""
    ui.page_title(title)
    ui.add_head_html(str(Markup('<link rel="stylesheet" href="{}">').format(_address("desk.css"))))
    add_script("in_order.js")
    ui.colors(
        primary="#1d4e6f",
        positive="#2f7a55",
        negative="#b3362b",
        warning="#a86a12",
        info="#1f5f95",
    )


def add_script(name: str) -> None:
    """Load a script of the static folder with the page."""
    ui.add_head_html(str(Markup('<script defer src="{}"></script>').format(_address(name))))


def _address(name: str) -> str:
    """Return the address of a static file, a new one when it has changed."""
    return f"/static/{name}?{(_STATIC / name).stat().st_mtime_ns}"


@contextmanager
def frame(
    ctx: PageContext, title: str, menu: Mapping[str, Sequence[MenuItem]], here: str
) -> Iterator[None]:
    """Add the frame of a page, its menu by sections; the block fills its middle."""
    t = ctx.t
    head(f"{t(title)} · {ctx.group_name}")
    add_script("stay.js")
    with box("shell"):
        _top(ctx, here)
        with ui.element("nav").classes("menu") as entries:
            entries.props["aria-label"] = t("Menu")
            for section, items in menu.items():
                if len(menu) > 1:
                    text(t.code("menu_section", section), "menu-section")
                for item in items:
                    _menu_link(t, item)
        ui.run_javascript(_SHOW_CURRENT)
        with box("content"):
            text(t(title), "page-title").props('role=heading aria-level="1"')
            yield


@contextmanager
def screen(ctx: PageContext, title: str) -> Iterator[None]:
    """Show a page that fills a screen seen from afar, without a frame."""
    head(f"{ctx.t(title)} · {ctx.group_name}")
    with box("screen"):
        yield


def notice(message: str) -> None:
    """Show a sentence about a function that does not work at the moment."""
    with box("notice").props("role=status"):
        ui.icon("cloud_off")
        text(message)


def posting(action: str) -> ui.element:
    """Add a form that the browser sends to ``action`` of the desk.

    Its page tells only the desk where it was sent from: a form that came from no known page is
    refused.
    """
    ui.add_head_html('<meta name="referrer" content="same-origin">')
    form = ui.element("form").props("method=post")
    form.props["action"] = action
    return form


def language_link(t: Translator, here: str) -> None:
    """Add the switch to the other language."""
    other, label = ("en", "English") if t.language == "zh" else ("zh", "中文")
    made = ui.link(label, f"/language/{other}?next={quote(here)}").classes("language")
    test_id("language", made)


def _menu_link(t: Translator, item: MenuItem) -> None:
    with ui.link(target=item.address).classes(
        "menu-item current" if item.current else "menu-item"
    ) as made:
        ui.icon(item.icon)
        text(t(item.title))
        if item.waiting:
            said = t("{count} wait for your decision", count=item.waiting)
            count = test_id("waiting", badge(f"{item.waiting}", "warn"))
            count.props["title"] = count.props["aria-label"] = said
    test_id(f"menu-{item.icon}", made)


def _top(ctx: PageContext, here: str) -> None:
    t = ctx.t
    with ui.element("header").classes("top"):
        with box("brand"):
            ui.icon("directions_car")
            text(ctx.group_name, "brand-name")
        _store_choice(ctx, here)
        if ctx.may(CrmApi.search_customers):
            FindCustomers(ctx, "top-find")
            add_script("find.js")
        box("spacer")
        now = text("", "business-time")
        now.props["title"] = t("Business time")

        def tell_time() -> None:
            now.set_text(clock(ctx.now(), ctx.store.timezone))

        tell_time()
        ui.timer(1.0, tell_time)
        language_link(t, here)
        _person(ctx)


def _store_choice(ctx: PageContext, here: str) -> None:
    name = ctx.t.of(ctx.store)
    if len(ctx.person.stores) == 1 and not ctx.everywhere:
        text(name, "store")
        return
    section = here.split("/")[3] if here.startswith("/stores/") else "today"
    with (
        ui.button(name, color=None).props("flat no-caps dense icon-right=expand_more") as chosen,
        ui.menu() as menu,
    ):
        offered = box("store-offers")
    listed: list[ui.element] = []
    chosen.classes("store")

    async def offer() -> None:
        stores = list((await ctx.stores()).values())
        offered.clear()
        with offered:
            if len(stores) > _OFFERED_STORES:
                typed = ui.input(ctx.t("Code or name")).props("dense outlined autofocus")
                typed.on_value_change(lambda event: show(stores, event.value or ""))
            listed.append(box("store-list"))
        show(stores)

    def show(stores: Sequence[Store], typed: str = "") -> None:
        """Offer the first stores whose code or name contains what is typed."""
        listed[-1].clear()
        found = [each for each in stores if typed in f"{each.id} {each.zh} {each.en}"]
        with listed[-1]:
            for store in found[:_OFFERED_STORES]:
                address = f"/stores/{store.id}/{section}"
                ui.menu_item(
                    ctx.t.of(store), on_click=lambda address=address: ui.navigate.to(address)
                )

    menu.on("before-show", offer)


def _person(ctx: PageContext) -> None:
    t = ctx.t
    roles = t.listed(t.code("role", role) for role in sorted(ctx.person.roles))
    with box("person"):
        with box("person-text"):
            text(ctx.person.name(t.language), "person-name")
            text(roles, "person-role")
        with posting("/sign-out"), ui.element("button").classes("sign-out") as leave:
            leave.props["type"] = "submit"
            leave.props["title"] = t("Sign out")
            ui.icon("logout")
        test_id("sign-out", leave)
