"""The inspector's list (质检): finished jobs, inspected item by item."""

from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import badge, box, button, dialog, empty, link, test_id, text
from services.desk.components.forms import Form, choices, dialog_foot, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.jobs import open_jobs
from services.desk.orders import Numbers, number_of
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.workshop.client import WorkshopApi
from shared.clients.workshop.models import ChecklistItem, InspectionItem, InspectionRequest, JobView

REQUIREMENTS = ("R14",)

PAGE = Page(
    path="/stores/{store_id}/inspection",
    title="Inspection",
    icon="fact_check",
    roles=roles_of(WorkshopApi.inspect_job),
    requirements=REQUIREMENTS,
)

_CHECKLISTS_FRESH_S = 300.0

Checklist = Sequence[ChecklistItem]
Finished = tuple[list[JobView], Numbers]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the jobs that wait for an inspector, the earliest promise first."""
    catalog = await ctx.catalog()
    checklists = await _checklists(ctx)

    async def fetch() -> Finished:
        jobs, numbers = await open_jobs(ctx)
        finished = [job for job in jobs if job.status == "finished"]
        return sorted(finished, key=lambda job: job.promised_at), numbers

    def render(finished: Finished, renderer: PartialRenderer) -> None:
        jobs, numbers = finished
        if not jobs:
            renderer.section("none", empty, ctx.t("No jobs await inspection."))
        with renderer.frame("cards", box, "job-cards"):
            for job in jobs:
                shown = partial(_card, ctx, catalog, checklists[job.skill_code])
                renderer.section(job.job_id, shown, job, number_of(numbers, job.order_id))

    await live(ctx, fetch, render)


async def _checklists(ctx: PageContext) -> Mapping[str, Checklist]:
    response = await ctx.app_context.response_cache.get(
        ("checklists", ctx.store.id),
        lambda: ctx.services.workshop.list_checklists(ctx.store.id),
        _CHECKLISTS_FRESH_S,
    )
    return response.checklists


def _card(
    ctx: PageContext, catalog: Catalog, checklist: Checklist, job: JobView, number: str
) -> None:
    t, zone = ctx.t, ctx.store.timezone
    operation = catalog.operation(job.op_code)
    with test_id(f"job-{job.op_code}", box("job-card finished")):
        with box("job-head"):
            text(number, "queue-number")
            with box("card-names"):
                text(operation, "job-name")
                people = t.listed(map(ctx.colleague, job.technician_ids))
                text(f"{people} · {ctx.bay(job.bay_id)}", "card-note")
            if job.rework_of:
                badge(t("Rework"), "warn")
            if job.comeback_of:
                badge(t("Comeback"), "warn")
        with box("checklist quiet"):
            for item in checklist:
                text(f"· {t.of(item)}", "card-note")
        finished = formats.clock(job.finished_at, zone)
        promised = formats.day_and_clock(job.promised_at, zone, ctx.now())
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
            link(t("Order"), f"{ctx.store_path}/orders/{job.order_id}", "text-link")


class _Sheet:
    """Checklist of one job (质检单); every item is answered before it can be sent."""

    def __init__(self, ctx: PageContext, job: JobView, checklist: Checklist) -> None:
        self._ctx = ctx
        self._job = job
        self._checklist = checklist
        self._rows: dict[str, ui.element] = {}
        self._results: dict[str, ui.toggle] = {}

    def open(self, name: str) -> None:
        t = self._ctx.t
        with dialog(name) as self._opened:
            self._form = Form(self._ctx, self._job.version)
            for item in self._checklist:
                self._row(item)
            with dialog_foot(self._form):
                button(t("Cancel"), self._opened.close, name="dialog-cancel")
                self._send = button(t("Accept"), self._submit, name="dialog-send", kind="main")

    def _row(self, item: ChecklistItem) -> None:
        t = self._ctx.t
        results = choices(t, "result", get_args(InspectionItem))
        if item.critical:
            del results["not_applicable"]
        with test_id(f"item-{item.item}", box("inspection-item")) as row:
            with box("item-name"):
                text(t.of(item))
                if item.critical:
                    badge(t("Critical"), "warn")
            result = ui.toggle(results).props("no-caps unelevated").classes("result-toggle")
        self._rows[item.item], self._results[item.item] = row, result
        result.on_value_change(lambda: self._answered(item.item))

    def _answered(self, item: str) -> None:
        self._rows[item].classes(remove="missing")
        failed = any(result.value == "failed" for result in self._results.values())
        self._send.set_text(self._ctx.t("Send back for rework" if failed else "Accept"))

    async def _submit(self) -> None:
        missing = [item for item, result in self._results.items() if result.value is None]
        for item in missing:
            self._rows[item].classes("missing")
        if missing:
            self._form.say(self._ctx.t("Please answer every item."))
            return
        await submit(self._form, self._opened, self._inspect)

    def _inspect(self) -> Awaitable[JobView]:
        return self._ctx.services.workshop.inspect_job(
            self._ctx.store.id,
            self._job.job_id,
            InspectionRequest(
                version=self._form.version,
                items={item: result.value for item, result in self._results.items()},
            ),
            idempotency_key=self._form.attempt,
        )
