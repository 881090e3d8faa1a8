"""The inspector's list (质检): finished jobs, inspected item by item."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import badge, box, button, dialog, empty, link, test_id, text
from services.desk.components.forms import Form, dialog_foot, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from services.desk.pages.my_jobs import open_jobs
from services.desk.pages.orders import Numbers, number_of

REQUIREMENTS = ("R14",)

PAGE = Page(
    path="/stores/{store_id}/inspection",
    title="Inspection",
    icon="fact_check",
    roles=frozenset({"quality_inspector"}),
    requirements=REQUIREMENTS,
)

_RESULTS = ("ok", "failed", "not_applicable")
_CHECKLISTS_FRESH_S = 300.0

Job = Mapping[str, Any]
Checklist = Sequence[Mapping[str, Any]]
Finished = tuple[list[Job], Numbers]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the jobs that wait for an inspector, the earliest promise first."""
    catalog = await ctx.catalog()
    checklists = await _checklists(ctx)

    async def fetch() -> Finished:
        jobs, numbers = await open_jobs(ctx)
        finished = [job for job in jobs if job["status"] == "finished"]
        return sorted(finished, key=lambda job: job["promised_at"]), numbers

    def render(finished: Finished, renderer: PartialRenderer) -> None:
        jobs, numbers = finished
        if not jobs:
            renderer.section("none", empty, ctx.t("Nothing waits for inspection."))
        with renderer.frame("cards", box, "job-cards"):
            for job in jobs:
                shown = partial(_card, ctx, catalog, checklists[job["skill_code"]])
                renderer.section(job["job_id"], shown, job, number_of(numbers, job))

    await live(ctx, fetch, render)


async def _checklists(ctx: PageContext) -> Mapping[str, Checklist]:
    response = await ctx.app_context.response_cache.get(
        ("checklists", ctx.store.id),
        lambda: ctx.services.get("workshop", f"{ctx.store_path}/inspection-checklists"),
        _CHECKLISTS_FRESH_S,
    )
    checklists: Mapping[str, Checklist] = response["checklists"]
    return checklists


def _card(ctx: PageContext, catalog: Catalog, checklist: Checklist, job: Job, number: str) -> None:
    t, zone = ctx.t, ctx.store.timezone
    operation = catalog.operation(job["op_code"])
    with test_id(f"job-{job['op_code']}", box("job-card finished")):
        with box("job-head"):
            text(number, "queue-number")
            with box("card-names"):
                text(operation, "job-name")
                people = t.listed(map(ctx.colleague, job["technician_ids"]))
                text(f"{people} · {ctx.bay(job['bay_id'])}", "card-note")
            if job["rework_of"]:
                badge(t("Rework"), "warn")
            if job["comeback_of"]:
                badge(t("Comeback"), "warn")
        with box("checklist quiet"):
            for item in checklist:
                text(f"· {t.of(dict(item))}", "card-note")
        finished = formats.clock(job["finished_at"], zone)
        promised = formats.day_and_clock(job["promised_at"], zone, ctx.now())
        text(
            t("Finished {finished}, promised {promised}", finished=finished, promised=promised),
            "card-note",
        )
        with box("card-actions"):
            button(
                t("Inspect"),
                lambda: _Sheet(ctx, job, checklist).open(f"{number} · {operation}"),
                name="inspect",
                kind="main",
            )
            link(t("Order"), f"{ctx.store_path}/orders/{job['order_id']}", "text-link")


class _Sheet:
    """Checklist of one job (质检单); every item is answered before it can be sent."""

    def __init__(self, ctx: PageContext, job: Job, checklist: Checklist) -> None:
        self._ctx = ctx
        self._job = job
        self._checklist = checklist
        self._rows: dict[str, ui.element] = {}
        self._answers: dict[str, str] = {}

    def open(self, name: str) -> None:
        t = self._ctx.t
        with dialog(name) as self._opened:
            self._form = Form(self._ctx, self._job["version"])
            for item in self._checklist:
                self._row(item)
            with dialog_foot(self._form):
                button(t("Cancel"), self._opened.close, name="dialog-cancel")
                self._send = button(t("Accept"), self._submit, name="dialog-send", kind="main")

    def _row(self, item: Mapping[str, Any]) -> None:
        t = self._ctx.t
        results = {
            result: t.code("result", result)
            for result in _RESULTS
            if not (item["critical"] and result == "not_applicable")
        }
        with test_id(f"item-{item['item']}", box("inspection-item")) as row:
            with box("item-name"):
                text(t.of(dict(item)))
                if item["critical"]:
                    badge(t("Critical"), "warn")
            chosen = ui.toggle(results).props("no-caps unelevated").classes("result-toggle")
        self._rows[item["item"]] = row
        chosen.on_value_change(lambda event: self._answer(item["item"], event.value))

    def _answer(self, item: str, result: str) -> None:
        self._answers[item] = result
        self._rows[item].classes(remove="missing")
        failed = "failed" in self._answers.values()
        self._send.set_text(self._ctx.t("Send back for rework" if failed else "Accept"))

    async def _submit(self) -> None:
        ctx, job, form = self._ctx, self._job, self._form
        missing = [item for item in self._rows if item not in self._answers]
        for item in missing:
            self._rows[item].classes("missing")
        if missing:
            form.say(ctx.t("Please answer every item."))
            return
        path, body = f"/jobs/{job['job_id']}/inspection", {"items": self._answers}
        await submit(form, self._opened, "workshop", path, body)
