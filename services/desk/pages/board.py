"""The big screen in the workshop (车间看板): bays, waiting and finished vehicles at a glance."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import box, test_id, text
from services.desk.components.live import live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from services.desk.pages.reception import t_number

REQUIREMENTS = ("R11", "R12", "R13")

PAGE = Page(
    path="/stores/{store_id}/board",
    title="Workshop board",
    roles=frozenset(
        {"dispatcher", "service_manager", "service_advisor", "quality_inspector", "technician"}
    ),
    requirements=REQUIREMENTS,
    whole_screen=True,
)

_BAYS_AT_ONCE = 15
_TURN_S = 12.0
_ALIVE_EVERY_S = 5.0
_LISTED = {"waiting": 6, "to_inspect": 3, "ready": 8}

Shown = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the response of the workshop, second by second; signal to the surrounding page that it
    runs.
    """
    catalog = await ctx.catalog()

    async def fetch() -> Shown:
        path = f"{ctx.store_path}/board"
        found: Shown = await ctx.shared("board", lambda: ctx.services.get("workshop", path))
        return {name: value for name, value in found.items() if name != "shown_at"}

    screen = _Screen(ctx, catalog)
    await live(ctx, fetch, screen.render)
    ui.timer(_ALIVE_EVERY_S, _say_alive)


def _say_alive() -> None:
    ui.run_javascript('parent.postMessage("board alive", location.origin)')


class _Screen:
    """Drawing of the board."""

    def __init__(self, ctx: PageContext, catalog: Catalog) -> None:
        self._ctx = ctx
        self._catalog = catalog

    def render(self, shown: Shown, renderer: PartialRenderer) -> None:
        every_second = renderer.every_second
        with renderer.frame("body", box, "screen-body"):
            renderer.section("head", partial(self._head, every_second), shown["counts"])
            renderer.section("bays", partial(self._bays, every_second), shown["bays"])
            with renderer.frame("side", box, "screen-side"):
                for title, name, show in (
                    ("Waiting vehicles", "waiting", self._waiting),
                    ("Waiting for inspection", "to_inspect", self._waiting),
                    ("Ready for the customer", "ready", self._ready),
                ):
                    renderer.section(name, partial(self._listed, title, name, show), shown[name])

    def _head(self, every_second: EverySecond, counts: Mapping[str, int]) -> None:
        ctx, t = self._ctx, self._ctx.t
        with box("screen-head"):
            text(ctx.store.zh if t.language == "zh" else ctx.store.en, "screen-store")
            with box("screen-counts"):
                for name, title in (
                    ("planned", t.code("status", "planned")),
                    ("wip", t("In progress")),
                    ("to_inspect", t("To inspect")),
                    ("ready_today", t("Ready today")),
                    ("late_today", t("Late today")),
                ):
                    late = " red" if name == "late_today" and counts[name] else ""
                    with test_id(f"count-{name}", box(f"screen-count{late}")):
                        text(title)
                        text(str(counts[name]), "screen-figure")
            clock = text("", "screen-clock number")

        def tell_time(now: datetime) -> None:
            clock.set_text(formats.clock(now, ctx.store.timezone))

        every_second(tell_time)

    def _bays(self, every_second: EverySecond, bays: Rows) -> None:
        """Show all bays, or in turn as many as can be read at once."""
        pages = []
        with box("screen-bays"):
            for first in range(0, len(bays), _BAYS_AT_ONCE):
                with box("bay-grid") as page:
                    for bay in bays[first : first + _BAYS_AT_ONCE]:
                        self._bay(bay)
                pages.append(page)

        def turn(_: datetime) -> None:
            current = int(time.monotonic() // _TURN_S) % len(pages)
            for place, page in enumerate(pages):
                page.set_visibility(place == current)

        every_second(turn)

    def _bay(self, bay: Mapping[str, Any]) -> None:
        t, job = self._ctx.t, bay["job"]
        light = job["light"] if job else "free"
        with test_id(f"bay-{bay['bay_id']}", box(f"bay-tile {light}")):
            with box("bay-head"):
                text(self._ctx.bay(bay["bay_id"]), "bay-name")
                if job:
                    text(self._ctx.t.listed(map(self._ctx.colleague, job["technician_ids"])))
            if job:
                self._at_work(job)
            else:
                text(t("Free"), "bay-free")
            if bay["next_job"]:
                self._next(bay["next_job"])

    def _at_work(self, job: Mapping[str, Any]) -> None:
        text(_number(job), "bay-number number")
        with box("bay-line"):
            text(self._clock(job["promised_at"]), "bay-promise number")
            if job["status"] == "paused":
                text(self._ctx.t.code("status", "paused"), "bay-paused")
        text(self._catalog.operation(job["op_code"]), "bay-text")

    def _next(self, job: Mapping[str, Any]) -> None:
        with box("bay-next"):
            text(self._ctx.t("Next"))
            text(_number(job), "number")
            text(self._clock(job["planned_start_at"]), "number")

    def _listed(self, title: str, name: str, show: Callable[[Rows], None], rows: Rows) -> None:
        with test_id(f"screen-{name}", box("screen-list")):
            with box("screen-title"):
                text(self._ctx.t(title))
                text(str(len(rows)), "screen-figure")
            show(rows[: _LISTED[name]])

    def _waiting(self, jobs: Rows) -> None:
        for job in jobs:
            with box(f"screen-row {job['light']}"):
                text(_number(job), "number row-number")
                text(self._catalog.operation(job["op_code"]), "row-text")
                text(self._clock(job["promised_at"]), "number row-promise")

    def _ready(self, vehicles: Rows) -> None:
        with box("ready-numbers"):
            for vehicle in vehicles:
                text(_number(vehicle), "ready-number number")

    def _clock(self, moment: str | None) -> str:
        ctx = self._ctx
        return formats.day_and_clock(moment, ctx.store.timezone, ctx.now())


def _number(vehicle: Mapping[str, Any]) -> str:
    number = vehicle["queue_number"]
    return t_number(number) if number else "···"
