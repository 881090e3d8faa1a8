"""Facility checks (日常检查) of customer lounge and service drive: each area by its hour, and the
resulting corrective actions.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.client import new_attempt
from services.desk.components.corrective_action import (
    action_buttons,
    corrective_action_state,
    corrective_actions,
)
from services.desk.components.day_choice import chosen_day, day_choice
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.photos import gallery, photo_button
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.management.models import CorrectiveActionView
from shared.clients.reception.models import (
    CheckView,
    PhotoView,
    RecordCheckRequest,
)
from shared.contracts.management import FacilityArea
from shared.security import ADVISORS

REQUIREMENTS = ("R43", "R10")

PAGE = Page(
    path="/stores/{store_id}/facility-checks",
    title="Facility checks",
    icon="fact_check",
    roles=frozenset(ADVISORS),
    requirements=REQUIREMENTS,
)

_RESULTS = ("ok", "failed")

Found = tuple[list[CheckView], list[CorrectiveActionView]]


@dataclass(frozen=True)
class _PremisesPhoto:
    photo_id: str
    kind: str = "premises"
    position: None = None


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show each area with its checks of the day, and the corrective actions of such checks."""
    catalog, day = await ctx.catalog(), chosen_day(ctx)
    with box("toolbar"):
        day_choice(ctx, day)
    today = day == ctx.today()

    async def fetch() -> Found:
        checks, actions = await asyncio.gather(
            ctx.shared(
                f"facility checks {day}",
                lambda: ctx.services.reception.list_checks(ctx.store.id, day=day),
            ),
            corrective_actions(ctx),
            return_exceptions=True,
        )
        if isinstance(checks, BaseException):
            raise checks
        known = [] if isinstance(actions, BaseException) else actions
        return checks, [each for each in known if each.source == "facility_check"]

    def render(found: Found, renderer: PartialRenderer) -> None:
        checks, actions = found
        with renderer.frame("areas", box, "columns even"):
            for name, area in catalog.check_areas.items():
                of_area = [each for each in checks if each.area == name]
                renderer.section(name, partial(_area, ctx, today), area, of_area)
        with renderer.frame("corrective_actions", panel, ctx.t("Corrective actions")):
            _corrective_actions(ctx, catalog, actions, renderer)

    await live(ctx, fetch, render)


def _area(ctx: PageContext, today: bool, area: FacilityArea, checks: Sequence[CheckView]) -> None:
    t, due = ctx.t, time.fromisoformat(area.due)
    items = {item.item: t.of(item) for item in area.items}
    with test_id(f"area-{area.area}", box("column-wide")), panel(t.of(area)):
        with box("card-tags"):
            if checks:
                badge(t("Checked"), "good")
            else:
                late = not today or ctx.now().astimezone(ctx.store.timezone).time() > due
                badge(t("Not checked") if late else t("Due"), "bad" if late else "calm")
            text(t("due by {time}", time=f"{due:%H:%M}"), "card-note")
        for check in checks:
            with box("check-line"):
                who = ctx.colleague(check.checked_by)
                at = formats.clock(check.checked_at, ctx.store.timezone)
                text(f"{at} {who}")
                for item in check.failed:
                    badge(items.get(item, item), "bad")
                if not check.failed:
                    badge(t("All in order"), "good")
            if check.photo_id:
                gallery(ctx, [_PremisesPhoto(check.photo_id)])
        if today:
            with box("card-actions"):
                button(
                    t("Check"),
                    partial(_check_dialog, ctx, area, items),
                    name=f"check-{area.area}",
                    kind="plain" if checks else "main",
                )


def _check_dialog(ctx: PageContext, area: FacilityArea, items: Mapping[str, str]) -> None:
    t = ctx.t
    results: dict[str, ui.toggle] = {}
    photos: list[PhotoView] = []
    with dialog(t("Check {area}", area=t.of(area))) as opened:
        form = Form(ctx)
        for item, name in items.items():
            with test_id(f"item-{item}", box("inspection-item")):
                text(name, "item-name")
                toggle = ui.toggle(choices(t, "result", _RESULTS)).props("no-caps unelevated")
                results[item] = toggle.classes("result-toggle")

        def keep(picture: bytes) -> Awaitable[PhotoView]:
            return ctx.services.reception.add_premises_photo(
                ctx.store.id, picture, idempotency_key=new_attempt()
            )

        async def taken(photo: PhotoView) -> None:
            photos[:] = [photo]
            shown.clear()
            with shown:
                gallery(ctx, photos)

        with box("photo-bar"):
            photo_button(ctx, t("Take photos"), keep, taken, name="photos")
        shown = box("shown-photos")

        def command() -> Awaitable[CheckView]:
            request = RecordCheckRequest(
                area=area.area,
                results={item: toggle.value for item, toggle in results.items()},
                photo_id=photos[0].photo_id if photos else None,
            )
            return ctx.services.reception.record_check(
                ctx.store.id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if any(toggle.value is None for toggle in results.values()):
                form.say(t("Every item needs a result."))
                return
            await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _corrective_actions(
    ctx: PageContext,
    catalog: Catalog,
    found: Sequence[CorrectiveActionView],
    renderer: PartialRenderer,
) -> None:
    t = ctx.t
    names = {item.item: t.of(item) for area in catalog.check_areas.values() for item in area.items}
    if not found:
        renderer.section("none", empty, t("No corrective action is open."))
        return
    headings = [t("Finding"), t("Owner"), t("Due"), t("Status"), t("Result"), ""]
    with renderer.frame("table", table, headings):
        for each in found:
            renderer.section(
                each.corrective_action_id, partial(_corrective_action, ctx, names), each
            )


def _corrective_action(
    ctx: PageContext, names: Mapping[str, str], corrective_action: CorrectiveActionView
) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    with test_id("corrective_action", row()):
        cell(t.listed(names.get(item, item) for item in corrective_action.findings))
        cell(ctx.colleague(corrective_action.owner_id))
        cell(formats.day_and_clock(corrective_action.due_at, zone, now), "number")
        with cell_box():
            corrective_action_state(ctx, corrective_action)
        cell(t.code("closing", corrective_action.result))
        with cell_box("cell-actions"):
            action_buttons(ctx, corrective_action)
