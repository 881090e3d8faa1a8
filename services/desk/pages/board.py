"""The big screen in the workshop (车间看板): bays, waiting and finished vehicles at a glance."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import box, test_id, text
from services.desk.components.live import live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.workshop.client import WorkshopApi
from shared.clients.workshop.models import (
    BoardBay,
    BoardCounts,
    BoardJob,
    BoardView,
    ReadyVehicle,
)

REQUIREMENTS = ("R11", "R12", "R13")

PAGE = Page(
    path="/stores/{store_id}/board",
    title="Workshop board",
    roles=roles_of(WorkshopApi.get_board),
    requirements=REQUIREMENTS,
    whole_screen=True,
)

_BAYS_AT_ONCE = 15
_TURN_S = 12.0
_ALIVE_EVERY_S = 5.0
_WAITING_LISTED = 6
_TO_INSPECT_LISTED = 3
_READY_LISTED = 8


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the response of the workshop, second by second; signal to the surrounding page that it
    runs.
    """
    catalog = await ctx.catalog()

    async def fetch() -> BoardView:
        return await ctx.shared("board", lambda: ctx.services.workshop.get_board(ctx.store.id))

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

    def render(self, shown: BoardView, renderer: PartialRenderer) -> None:
        every_second = renderer.every_second
        with renderer.frame("body", box, "screen-body"):
            renderer.section("head", partial(self._head, every_second), shown.counts)
            renderer.section("bays", partial(self._bays, every_second), shown.bays)
            with renderer.frame("side", box, "screen-side"):
                renderer.section("waiting", self._waiting, shown.waiting)
                renderer.section("to_inspect", self._to_inspect, shown.to_inspect)
                renderer.section("ready", self._ready, shown.ready)

    def _head(self, every_second: EverySecond, counts: BoardCounts) -> None:
        ctx, t = self._ctx, self._ctx.t
        with box("screen-head"):
            text(ctx.store.zh if t.language == "zh" else ctx.store.en, "screen-store")
            with box("screen-counts"):
                for name, title, count in (
                    ("planned", t.code("status", "planned"), counts.planned),
                    ("wip", t("In progress"), counts.wip),
                    ("to_inspect", t("To inspect"), counts.to_inspect),
                    ("ready_today", t("Ready today"), counts.ready_today),
                    ("late_today", t("Late today"), counts.late_today),
                ):
                    late = " red" if name == "late_today" and count else ""
                    with test_id(f"count-{name}", box(f"screen-count{late}")):
                        text(title)
                        text(str(count), "screen-figure")
            clock = text("", "screen-clock number")

        def tell_time(now: datetime) -> None:
            clock.set_text(formats.clock(now, ctx.store.timezone))

        every_second(tell_time)

    def _bays(self, every_second: EverySecond, bays: Sequence[BoardBay]) -> None:
        """Show all bays, or in turn as many as can be read at once."""
        pages = []
        with box("screen-bays"):
            for first in range(0, len(bays), _BAYS_AT_ONCE):
                with box("bay-grid") as page:
                    for bay in bays[first : first + _BAYS_AT_ONCE]:
                        self._bay(bay)
                pages.append(page)

        def turn(_: datetime) -> None:
            turns = int(time.monotonic() // _TURN_S)
            for place, page in enumerate(pages):
                page.set_visibility(place == turns % len(pages))

        every_second(turn)

    def _bay(self, bay: BoardBay) -> None:
        t, job = self._ctx.t, bay.job
        light = job.light if job else "free"
        with test_id(f"bay-{bay.bay_id}", box(f"bay-tile {light}")):
            with box("bay-head"):
                text(self._ctx.bay(bay.bay_id), "bay-name")
                if job:
                    text(self._ctx.t.listed(map(self._ctx.colleague, job.technician_ids)))
            if job:
                self._at_work(job)
            else:
                text(t("Free"), "bay-free")
            if bay.next_job:
                self._next(bay.next_job)

    def _at_work(self, job: BoardJob) -> None:
        text(_number(job), "bay-number number")
        with box("bay-line"):
            text(self._clock(job.promised_at), "bay-promise number")
            if job.status == "paused":
                text(self._ctx.t.code("status", "paused"), "bay-paused")
        text(self._catalog.operation(job.op_code), "bay-text")

    def _next(self, job: BoardJob) -> None:
        with box("bay-next"):
            text(self._ctx.t("Next"))
            text(_number(job), "number")
            text(self._clock(job.planned_start_at), "number")

    def _waiting(self, jobs: Sequence[BoardJob]) -> None:
        title = self._ctx.t("Waiting vehicles")
        with _listed("waiting", title, len(jobs)):
            self._jobs(jobs[:_WAITING_LISTED])

    def _to_inspect(self, jobs: Sequence[BoardJob]) -> None:
        title = self._ctx.t("Waiting for inspection")
        with _listed("to_inspect", title, len(jobs)):
            self._jobs(jobs[:_TO_INSPECT_LISTED])

    def _jobs(self, jobs: Sequence[BoardJob]) -> None:
        for job in jobs:
            with box(f"screen-row {job.light}"):
                text(_number(job), "number row-number")
                text(self._catalog.operation(job.op_code), "row-text")
                text(self._clock(job.promised_at), "number row-promise")

    def _ready(self, vehicles: Sequence[ReadyVehicle]) -> None:
        title = self._ctx.t("Ready for the customer")
        with _listed("ready", title, len(vehicles)), box("ready-numbers"):
            for vehicle in vehicles[:_READY_LISTED]:
                text(_number(vehicle), "ready-number number")

    def _clock(self, moment: datetime | None) -> str:
        ctx = self._ctx
        return formats.day_and_clock(moment, ctx.store.timezone, ctx.now())


@contextmanager
def _listed(name: str, title: str, count: int) -> Iterator[None]:
    """Add a titled list with the count of all its entries."""
    with test_id(f"screen-{name}", box("screen-list")):
        with box("screen-title"):
            text(title)
            text(str(count), "screen-figure")
        yield


def _number(vehicle: BoardJob | ReadyVehicle) -> str:
    return formats.queue_number(vehicle.queue_number) if vehicle.queue_number else "···"
