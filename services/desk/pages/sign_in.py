"""Signing in (登录): as one of the demo people, or at the OIDC issuer."""

from collections.abc import Iterable, Mapping
from copy import copy
from itertools import groupby
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app, ui

from services.desk.addresses import inside
from services.desk.components.elements import box, link, test_id, text
from services.desk.components.frame import head, language_link, notice, posting
from services.desk.components.problems import unavailable_text
from services.desk.context import AppContext, Present
from services.desk.directory import Store
from services.desk.i18n import Translator
from services.desk.sign_in import DemoSignIn
from services.desk.staff import Person
from shared.calls import ServiceUnavailableError

_ROLE_ORDER = (
    "service_manager",
    "front_desk_supervisor",
    "service_advisor",
    "cashier",
    "claims_clerk",
    "dispatcher",
    "technician",
    "quality_inspector",
    "parts_clerk",
    "sales_manager",
    "customer_care_manager",
    "customer_care_agent",
)

_ON_ONE_PAGE = 12
"""Largest number of stores whose people are all shown at once."""


@ui.page("/sign-in")
async def show(request: Request, signed_in: Present) -> Response | None:
    """Show stores as sections, people by role; without the development issuer, one button."""
    app_context: AppContext = app.state.app_context
    if signed_in:
        return RedirectResponse("/", 303)
    t = app_context.translator_for(request)
    client = ui.context.client
    client.page = copy(client.page)
    client.page.language = "zh-CN" if t.language == "zh" else "en-US"
    back = inside(request.query_params.get("next", "/"))
    group_name = await app_context.group_name(t)
    head(f"{t('Sign in')} · {group_name}")
    with box("sign-in"):
        with box("sign-in-head"):
            with box("brand"):
                ui.icon("directions_car")
                text(group_name, "brand-name")
            language_link(t, "/sign-in")
        text(t("After-sales"), "page-title").props('role=heading aria-level="1"')
        if isinstance(app_context.sign_in, DemoSignIn):
            text(t("Choose who you are. This list exists in demonstrations only."), "hint")
            await _choice(app_context, app_context.sign_in, t, request, back)
        else:
            link(t("Sign in"), f"/sign-in/issuer?next={quote(back)}", "button-main as-button")
    return None


async def _choice(
    app_context: AppContext, sign_in: DemoSignIn, t: Translator, request: Request, back: str
) -> None:
    """Show everybody; of many stores, the people of one that is chosen first."""
    stores = await app_context.directories.all_stores()
    if stores is None:
        notice(unavailable_text(t, ServiceUnavailableError("management")))
        return
    shown = stores
    if len(stores) > _ON_ONE_PAGE:
        chosen = request.query_params.get("store", "")
        shown = {chosen: stores[chosen]} if chosen in stores else {}
        _store_links(t, stores, back)
    people = await sign_in.people(shown)
    for home, staff in _by_store(people).items():
        store = stores.get(home)
        with box("panel"):
            text(t.of(store) if store else t("Group"), "panel-title")
            if store and store.opens_on:
                text(t("Opens on {day}", day=store.opens_on), "hint")
            with _form("/sign-in/person", back, home or next(iter(shown))):
                _people(staff, t)


def _store_links(t: Translator, stores: Mapping[str, Store], back: str) -> None:
    with box("panel"), box("staff"):
        for store in stores.values():
            address = f"/sign-in?store={quote(store.id)}&next={quote(back)}"
            test_id(f"of-{store.id}", link(t.of(store), address, "person-button"))


def _form(action: str, back: str, store_id: str) -> ui.element:
    with posting(action) as form:
        for name, value in (("next", back), ("store", store_id)):
            field = ui.element("input").props("type=hidden")
            field.props["name"], field.props["value"] = name, value
    return form


def _people(staff: Iterable[Person], t: Translator) -> None:
    for role, members in groupby(sorted(staff, key=_rank), key=_role):
        with box("role-row"):
            text(t.code("role", role), "role-name")
            with box("staff"):
                for person in members:
                    _person_button(t, person)


def _person_button(t: Translator, person: Person) -> None:
    made = ui.element("button").classes("person-button").props("type=submit name=subject")
    made.props["value"] = person.subject
    with test_id(f"as-{person.subject}", made):
        text(person.name(t.language))


def _by_store(staff: Mapping[str, Person]) -> dict[str, list[Person]]:
    """Return people of one store under its id, and people of several under an empty one, which
    comes first.
    """
    grouped: dict[str, list[Person]] = {"": []}
    for person in staff.values():
        home = person.stores[0] if len(person.stores) == 1 else ""
        grouped.setdefault(home, []).append(person)
    return {store_id: members for store_id, members in grouped.items() if members}


def _role(person: Person) -> str:
    return _first(role for role in _ROLE_ORDER if role in person.roles) or min(person.roles)


def _rank(person: Person) -> tuple[int, str]:
    role = _role(person)
    return (_ROLE_ORDER.index(role) if role in _ROLE_ORDER else len(_ROLE_ORDER), role)


def _first(values: Iterable[str]) -> str | None:
    return next(iter(values), None)
