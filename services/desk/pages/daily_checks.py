"""Daily checks (日常检查) of hall and lanes: each area by its hour, and what is to be put right."""

from collections.abc import Mapping, Sequence
from datetime import time
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.components.drawing import Drawing
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    mark,
    panel,
    row,
    table,
    text,
)
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.photos import Photo, gallery, photo_button
from services.desk.components.rectification import close_button, rectification_state
from services.desk.page import Page
from services.desk.pages.today import chosen_day, day_choice
from services.desk.visit import Visit, together

DUTIES = ("R43", "R10")

PAGE = Page(
    path="/stores/{store_id}/daily-checks",
    title="Daily checks",
    icon="fact_check",
    roles=frozenset({"advisor", "manager"}),
    duties=DUTIES,
)

_RESULTS = ("ok", "failed")
_STATES = ("open", "overdue", "closed")

Entry = Mapping[str, Any]
Found = tuple[list[Entry], list[Entry]]


@PAGE.shows
async def show(visit: Visit) -> None:
    """Each area with its checks of the day, and the rectifications of such checks."""
    catalogue, day = await visit.catalogue(), chosen_day(visit)
    with box("toolbar"):
        day_choice(visit, day)
    today = day == visit.today()

    async def fetch() -> Found:
        checks, rectifications = await together(
            visit.shared(
                f"daily checks {day}",
                lambda: visit.services.get(
                    "reception", f"{visit.store_path}/daily-checks", day=f"{day}"
                ),
            ),
            visit.shared(
                "rectifications",
                lambda: visit.services.get(
                    "reporting", f"{visit.store_path}/rectifications", state=list(_STATES)
                ),
            ),
            forgiving=True,
        )
        if isinstance(checks, Exception):
            raise checks
        known = [] if isinstance(rectifications, Exception) else rectifications
        return checks, [each for each in known if each["source"] == "daily_check"]

    def render(found: Found, drawing: Drawing) -> None:
        checks, rectifications = found
        with drawing.frame("areas", box, "columns even"):
            for name, area in catalogue.check_areas.items():
                of_area = [each for each in checks if each["area"] == name]
                drawing.part(name, partial(_area, visit, today), area, of_area)
        with drawing.frame("rectifications", panel, visit.t("Rectifications")):
            _rectifications(visit, catalogue, rectifications, drawing)

    await live(visit, fetch, render)


def _area(visit: Visit, today: bool, area: Entry, checks: Sequence[Entry]) -> None:
    t, due = visit.t, time.fromisoformat(area["due"])
    items = {item["item"]: t.of(dict(item)) for item in area["items"]}
    with mark(f"area-{area['area']}", box("column-wide")), panel(t.of(dict(area))):
        with box("card-tags"):
            if checks:
                badge(t("Checked"), "good")
            else:
                late = not today or visit.now().astimezone(visit.store.timezone).time() > due
                badge(t("Not checked") if late else t("Due"), "bad" if late else "calm")
            text(t("due by {time}", time=f"{due:%H:%M}"), "card-note")
        for check in checks:
            with box("check-line"):
                who = visit.colleague(check["checked_by"])
                at = formats.clock(check["checked_at"], visit.store.timezone)
                text(f"{at} {who}")
                for item in check["failed"]:
                    badge(items.get(item, item), "bad")
                if not check["failed"]:
                    badge(t("All in order"), "good")
            if check["photo_id"]:
                gallery(
                    visit,
                    [{"photo_id": check["photo_id"], "position": None, "kind": "premises"}],
                )
        if today:
            with box("card-actions"):
                button(
                    t("Check"),
                    partial(_check_dialog, visit, area, items),
                    name=f"check-{area['area']}",
                    kind="plain" if checks else "main",
                )


def _check_dialog(visit: Visit, area: Entry, items: Mapping[str, str]) -> None:
    t = visit.t
    results: dict[str, ui.toggle] = {}
    photos: list[Photo] = []
    with dialog(t("Check {area}", area=t.of(dict(area)))) as opened:
        form = Form(visit)
        for item, name in items.items():
            with mark(f"item-{item}", box("inspection-item")):
                text(name, "item-name")
                toggle = ui.toggle(choices(t, "result", _RESULTS)).props("no-caps unelevated")
                results[item] = toggle.classes("result-toggle")

        async def taken(photo: Photo) -> None:
            photos[:] = [photo]
            shown.clear()
            with shown:
                gallery(visit, photos)

        with box("photo-bar"):
            photo_button(visit, t("Take photos"), lambda: "/photos", taken, name="photos")
        shown = box("shown-photos")

        async def send() -> None:
            if any(toggle.value is None for toggle in results.values()):
                form.say(t("Every item needs a result."))
                return
            body = {
                "area": area["area"],
                "results": {item: toggle.value for item, toggle in results.items()},
                "photo_id": photos[0]["photo_id"] if photos else None,
            }
            await submit(form, opened, "reception", "/daily-checks", body)

        dialog_actions(form, opened, t("Save"), send)


def _rectifications(
    visit: Visit, catalogue: Catalogue, found: Sequence[Entry], drawing: Drawing
) -> None:
    t = visit.t
    names = {
        item["item"]: t.of(dict(item))
        for area in catalogue.check_areas.values()
        for item in area["items"]
    }
    if not found:
        drawing.part("none", empty, t("Nothing is to be put right."))
        return
    headings = [t("What"), t("Owner"), t("Due"), t("Status"), t("Result"), ""]
    with drawing.frame("table", table, headings):
        for each in found:
            drawing.part(each["rectification_id"], partial(_rectification, visit, names), each)


def _rectification(visit: Visit, names: Mapping[str, str], rectification: Entry) -> None:
    t, zone, now = visit.t, visit.store.timezone, visit.now()
    with mark("rectification", row()):
        cell(t.listed(names.get(item, item) for item in rectification["subjects"]))
        cell(visit.colleague(rectification["owner_id"]))
        cell(formats.day_and_clock(rectification["due_at"], zone, now), "number")
        with cell_box():
            rectification_state(visit, rectification)
        cell(t.code("closing", rectification["result"]))
        with cell_box("cell-actions"):
            close_button(visit, rectification)
