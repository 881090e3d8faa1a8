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
from services.desk.components.frame import head, language_link, posting
from services.desk.context import AppContext, Present
from services.desk.i18n import Translator
from services.desk.sign_in import DemoSignIn
from services.desk.staff import Person

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
    "customer_care_manager",
    "customer_care_agent",
)


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
    head(f"{t('Sign in')} · {t.of(app_context.group)}")
    with box("sign-in"):
        with box("sign-in-head"):
            with box("brand"):
                ui.icon("directions_car")
                text(t.of(app_context.group), "brand-name")
            language_link(t, "/sign-in")
        text(t("After-sales"), "page-title").props('role=heading aria-level="1"')
        if isinstance(app_context.sign_in, DemoSignIn):
            text(t("Choose who you are. This list exists in demonstrations only."), "hint")
            with _form("/sign-in/person", back):
                _people(app_context, t)
        else:
            link(t("Sign in"), f"/sign-in/issuer?next={quote(back)}", "button-main as-button")
    return None


def _form(action: str, back: str) -> ui.element:
    with posting(action) as form:
        ui.element("input").props("type=hidden name=next").props["value"] = back
    return form


def _people(app_context: AppContext, t: Translator) -> None:
    for store_id, staff in _by_store(app_context.staff).items():
        store = app_context.stores.get(store_id)
        name = (store.zh if t.language == "zh" else store.en) if store else t("Group")
        with box("panel"):
            text(name, "panel-title")
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
