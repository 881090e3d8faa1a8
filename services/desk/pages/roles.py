"""Roles (岗位权限): who may do what, as the services' interfaces declare it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from nicegui import ui

from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    link,
    row,
    table,
    test_id,
    text,
)
from services.desk.context import PageContext
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.clients.access import area_of, is_command, operations_of, roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.management.client import ManagementApi
from shared.clients.platform.client import PlatformApi
from shared.clients.reception.client import ReceptionApi
from shared.clients.reporting.client import ReportingApi
from shared.clients.subscribers.client import SubscribersApi
from shared.clients.workshop.client import WorkshopApi
from shared.security import GROUP_MANAGERS, Role

REQUIREMENTS = ("R40", "R41")

PAGE = Page(
    path="/stores/{store_id}/roles",
    title="Roles",
    icon="badge",
    roles=frozenset(
        {
            "front_desk_supervisor",
            "customer_care_manager",
            "service_manager",
            "trainer",
            *GROUP_MANAGERS,
        }
    ),
    requirements=REQUIREMENTS,
)

CLIENTS: Mapping[str, type] = {
    "reception": ReceptionApi,
    "workshop": WorkshopApi,
    "crm": CrmApi,
    "reporting": ReportingApi,
    "management": ManagementApi,
    "subscribers": SubscribersApi,
    "platform": PlatformApi,
}
"""Clients of the services by the services' names."""

PERSONS: Sequence[Role] = [role for role in get_args(Role) if role != "system"]
"""Roles that persons have."""

_ALL = ""

_PRINT_ALL = """
document.querySelectorAll("details.area").forEach((area) => { area.open = true; });
window.print();
"""


@dataclass(frozen=True)
class Permission:
    """Operation of a service with the roles that may call it, in their order.

    ``acts`` when it changes something.
    """

    code: str
    area: str
    acts: bool
    roles: Sequence[Role]


def permissions() -> Iterator[Permission]:
    """Yield the operations that persons may call, in the order of the services."""
    for service, client in CLIENTS.items():
        for operation in operations_of(client):
            roles = [role for role in PERSONS if role in roles_of(operation)]
            code = f"{service}.{operation.__name__}"
            if roles:
                yield Permission(code, area_of(operation), is_command(operation), roles)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show all roles, or the one that the address names, with what it may do by area."""
    role = next((each for each in PERSONS if each == ctx.query.get("role")), None)
    found = [each for each in permissions() if role is None or role in each.roles]
    _toolbar(ctx, role)
    _summary(ctx, [role] if role else PERSONS, found)
    if role:
        _what_one_may(ctx.t, found)
        return
    with box("role-areas"):
        for area in dict.fromkeys(each.area for each in found):
            with _part(ctx.t, area):
                _who_may_what(ctx.t, [each for each in found if each.area == area])


def _part(t: Translator, area: str) -> ui.element:
    """Return the part of an area, of which its name alone is seen until it is opened."""
    part = test_id(f"area-{area}", ui.element("details").classes("area"))
    with part, ui.element("summary"):
        text(t.code("area", area))
    return part


def _toolbar(ctx: PageContext, role: Role | None) -> None:
    t = ctx.t
    with box("toolbar not-printed"):
        choices = {_ALL: t("All roles"), **{str(each): t.code("role", each) for each in PERSONS}}
        chosen = ui.select(
            choices,
            label=t("Role"),
            value=role or _ALL,
            on_change=lambda event: ui.navigate.to(_address(ctx, event.value)),
        )
        test_id("role", chosen.props("dense outlined options-dense").classes("role-choice"))
        button(t("Print"), lambda: ui.run_javascript(_PRINT_ALL), name="print")


def _address(ctx: PageContext, role: str) -> str:
    return PAGE.address(ctx.store.id) + (f"?role={role}" if role else "")


def _summary(ctx: PageContext, roles: Sequence[Role], found: Sequence[Permission]) -> None:
    """Show each role in both languages, with the areas in which it acts and those it only reads."""
    t, both = ctx.t, ctx.app_context.translators
    headings = [t("Role (Chinese)"), t("Role (English)"), t("Acts in"), t("Only reads in")]
    with table(headings):
        for role in roles:
            own = [each for each in found if role in each.roles]
            acts = dict.fromkeys(each.area for each in own if each.acts)
            reads = dict.fromkeys(each.area for each in own if each.area not in acts)
            with test_id(f"role-{role}", row()):
                with cell_box():
                    link(both["zh"].code("role", role), _address(ctx, role), "text-link")
                cell(both["en"].code("role", role))
                _areas(t, acts, "calm")
                _areas(t, reads, "quiet")


def _areas(t: Translator, areas: Collection[str], tone: str) -> None:
    with cell_box("whole-line"):
        for area in areas:
            badge(t.code("area", area), tone)


def _who_may_what(t: Translator, found: Sequence[Permission]) -> None:
    """Show who may call the operations of an area; those with the same roles share a row."""
    shared: dict[tuple[bool, tuple[Role, ...]], list[Permission]] = {}
    for each in found:
        shared.setdefault((each.acts, tuple(each.roles)), []).append(each)
    with table([t("Kind"), t("What they may do"), t("Role")]):
        for (acts, roles), same in shared.items():
            with row():
                _kind(t, acts=acts)
                _operations(t, same)
                with cell_box("whole-line"):
                    text(t.listed(t.code("role", role) for role in roles))


def _what_one_may(t: Translator, found: Sequence[Permission]) -> None:
    """Show what one role may do, an area a row."""
    with box("role-areas"), table([t("Area"), t("Acts"), t("Reads")]):
        for area in dict.fromkeys(each.area for each in found):
            own = [each for each in found if each.area == area]
            with test_id(f"area-{area}", row()):
                cell(t.code("area", area), "role-area")
                _operations(t, [each for each in own if each.acts])
                _operations(t, [each for each in own if not each.acts])


def _kind(t: Translator, *, acts: bool) -> None:
    with cell_box("kind"):
        badge(t("Acts") if acts else t("Reads"), "calm" if acts else "quiet")


def _operations(t: Translator, found: Sequence[Permission]) -> None:
    with cell_box("operations whole-line"):
        text(" · ".join(t.code("operation", each.code) for each in found))
