"""A technician's own jobs (我的任务), made for a phone: one job at a time, with large buttons."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.client import new_attempt
from services.desk.components.elements import badge, box, button, dialog, empty, link, test_id, text
from services.desk.components.forms import (
    Form,
    FoundChoice,
    dialog_actions,
    send_now,
    several,
    submit,
)
from services.desk.components.job_clock import own_s, running_clock
from services.desk.components.live import live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.components.work_choice import part_choice, quantity_field
from services.desk.context import PageContext
from services.desk.jobs import JOB_TONES, OpenJobs, open_jobs
from services.desk.orders import Numbers, number_of
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.workshop.client import WorkshopApi
from shared.clients.workshop.models import (
    AdditionalWorkRequest,
    DiagnosisRequest,
    FoundView,
    JobView,
    PauseReason,
    PauseRequest,
)

REQUIREMENTS = ("R3", "R4", "R13")

PAGE = Page(
    path="/stores/{store_id}/my-jobs",
    title="My jobs",
    icon="handyman",
    roles=roles_of(WorkshopApi.start_job),
    requirements=REQUIREMENTS,
)

_PAUSES: tuple[PauseReason, ...] = get_args(PauseReason)
_ORDER = {"in_progress": 0, "paused": 1, "planned": 2, "finished": 3}
_NOT_PLANNED = datetime.min.replace(tzinfo=UTC)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the job of the address, otherwise the one in progress or the next one; below it the
    others, and at the end the finished jobs that wait for inspection.
    """
    catalog = await ctx.catalog()

    async def fetch() -> OpenJobs:
        jobs, numbers = await open_jobs(ctx)
        mine = [
            job for job in jobs if ctx.person.subject in job.technician_ids and job.status in _ORDER
        ]
        return sorted(mine, key=_job_sort_key), numbers

    def render(mine: OpenJobs, renderer: PartialRenderer) -> None:
        found, numbers = mine
        jobs = [job for job in found if job.status != "finished"]
        if jobs:
            _to_do(ctx, catalog, renderer, jobs, numbers)
        else:
            renderer.section("none", empty, ctx.t("Nothing is assigned to you at the moment."))
        if done := [job for job in found if job.status == "finished"]:
            with renderer.frame("finished", box, "own-jobs"):
                renderer.section("title", text, ctx.t("Finished by me"), "section-title")
                for job in done:
                    number = number_of(numbers, job.order_id)
                    renderer.section(job.job_id, partial(_done, ctx, catalog), job, number)

    await live(ctx, fetch, render)


def _to_do(
    ctx: PageContext,
    catalog: Catalog,
    renderer: PartialRenderer,
    jobs: Sequence[JobView],
    numbers: Numbers,
) -> None:
    wanted = ctx.query.get("job")
    shown = next((job for job in jobs if job.job_id == wanted), jobs[0])
    card = partial(_card, ctx, catalog, renderer.every_second)
    with renderer.frame("jobs", box, "own-jobs"):
        renderer.section(f"own {shown.job_id}", card, shown, number_of(numbers, shown.order_id))
        if len(jobs) > 1:
            renderer.section("others", text, ctx.t("My other jobs"), "section-title")
        for job in jobs:
            if job is not shown:
                other = partial(_other, ctx, catalog)
                renderer.section(job.job_id, other, job, number_of(numbers, job.order_id))


def _job_sort_key(job: JobView) -> tuple[int, datetime]:
    return _ORDER[job.status], job.planned_start_at or _NOT_PLANNED


def _card(
    ctx: PageContext, catalog: Catalog, every_second: EverySecond, job: JobView, number: str
) -> None:
    t, zone = ctx.t, ctx.store.timezone
    with test_id(f"job-{job.op_code}", box(f"job-card own-job {job.status}")):
        with box("job-head"):
            text(number, "queue-number")
            with box("card-names"):
                text(catalog.operation(job.op_code), "job-name")
                text(
                    f"{ctx.bay(job.bay_id)} · {t.code('skill_code', job.skill_code)}",
                    "card-note",
                )
        with box("card-tags"):
            badge(t.code("status", job.status), JOB_TONES[job.status])
            if job.rework_of:
                badge(t("Rework"), "warn")
            if job.comeback_of:
                badge(t("Comeback"), "warn")
            if job.missed_punches:
                badge(t("Auto clock-out (missed punch)"), "bad")
        running_clock(ctx, job, every_second, "own-clock number")
        if len(job.technician_ids) > 1:
            _team(ctx, job)
        with box("job-times"):
            planned = formats.span(job.planned_start_at, job.planned_finish_at, zone)
            _time(t("Planned"), planned)
            _time(t("Standard hours"), formats.hours(job.standard_hours))
            _time(t("Promised time"), formats.day_and_clock(job.promised_at, zone, ctx.now()))
        with box("own-actions"):
            _actions(ctx, catalog, job)
        link(t("Show the order"), f"{ctx.store_path}/orders/{job.order_id}", "text-link")


def _team(ctx: PageContext, job: JobView) -> None:
    """Show the clocked time of each technician of a shared job, and the hours earned once it is
    done.
    """
    t, now = ctx.t, ctx.now()
    clockings = {each.technician_id: each for each in job.clockings}
    earned = {each.technician_id: each.standard_hours for each in job.credits}
    with box("job-times"):
        for technician_id in job.technician_ids:
            clocking = clockings.get(technician_id)
            said = formats.stopwatch(own_s(clocking, now)) if clocking else t("Not clocked in")
            if technician_id in earned:
                said += f" · {formats.hours(earned[technician_id])}"
            with test_id(f"clocking-{technician_id}", box("job-time")):
                text(ctx.colleague(technician_id), "card-note")
                text(said, "number")


def _other(ctx: PageContext, catalog: Catalog, job: JobView, number: str) -> None:
    t, zone = ctx.t, ctx.store.timezone
    with test_id(f"other-{job.op_code}", link("", f"?job={job.job_id}", "other-job")):
        text(number, "number other-number")
        with box("card-names"):
            text(catalog.operation(job.op_code))
            planned = formats.span(job.planned_start_at, job.planned_finish_at, zone)
            text(f"{planned} · {ctx.bay(job.bay_id)}", "card-note")
        badge(t.code("status", job.status), JOB_TONES[job.status])


def _done(ctx: PageContext, catalog: Catalog, job: JobView, number: str) -> None:
    """Show a finished job with the standard hours that it earns each technician."""
    with test_id(f"done-{job.op_code}", box("job-card")):
        text(f"{number} · {catalog.operation(job.op_code)}", "job-name")
        _team(ctx, job)


def _time(name: str, value: str) -> None:
    with box("job-time"):
        text(name, "card-note")
        text(value, "number")


def _actions(ctx: PageContext, catalog: Catalog, job: JobView) -> None:
    t, workshop, attempt = ctx.t, ctx.services.workshop, new_attempt()

    def press(name: str, label: str, clock: Callable[..., Awaitable[JobView]]) -> None:
        command = partial(clock, ctx.store.id, job.job_id, idempotency_key=attempt)
        button(label, lambda: send_now(ctx, command), name=name, kind="main")

    own = next((each for each in job.clockings if each.technician_id == ctx.person.subject), None)
    match job.status:
        case "planned":
            press("start", t("Start"), workshop.start_job)
        case _ if own is None:
            press("resume", t("Start"), workshop.resume_job)
        case _ if own.resumed_at is None:
            press("resume", t("Resume"), workshop.resume_job)
        case _:
            press("finish", t("Finish"), workshop.finish_job)
            button(t("Pause"), lambda: _pause_dialog(ctx, job), name="pause")
    if job.status != "planned":
        button(t("Diagnosis"), lambda: _diagnosis_dialog(ctx, catalog, job), name="diagnosis")
        button(
            t("Recommend additional work"),
            lambda: _more_dialog(ctx, catalog, job),
            name="more-work",
        )


def _pause_dialog(ctx: PageContext, job: JobView) -> None:
    t, attempt = ctx.t, new_attempt()
    with dialog(t("Why do you pause?")) as opened, box("own-actions"):
        for reason in _PAUSES:

            async def pause(reason: PauseReason = reason) -> None:
                body = PauseRequest(reason=reason)
                await send_now(
                    ctx,
                    lambda: ctx.services.workshop.pause_job(
                        ctx.store.id, job.job_id, body, idempotency_key=attempt
                    ),
                )
                opened.close()

            button(t.code("pause", reason), pause, name=f"pause-{reason}")
        button(t("Cancel"), opened.close, name="dialog-cancel")


def _diagnosis_dialog(ctx: PageContext, catalog: Catalog, job: JobView) -> None:
    t = ctx.t
    with dialog(t("Diagnosis")) as opened:
        text(t("What is really wrong with the vehicle?"), "hint")
        form = Form(ctx)
        found = form.field(
            "symptoms", several(catalog.symptoms, t("Diagnosed symptoms"), job.diagnosis)
        )

        def record() -> Awaitable[JobView]:
            return ctx.services.workshop.record_diagnosis(
                ctx.store.id,
                job.job_id,
                DiagnosisRequest(symptoms=found.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("symptoms"):
                await _report(form, opened, record)

        dialog_actions(form, opened, t("Save"), send)


def _more_dialog(ctx: PageContext, catalog: Catalog, job: JobView) -> None:
    t = ctx.t
    with dialog(t("Recommend additional work")) as opened:
        text(t("The customer is asked before anything is done."), "hint")
        form = Form(ctx)
        operations = form.field(
            "op_codes",
            FoundChoice(t, t("Operations"), catalog.find_operations, catalog.operation_label),
        )
        parts = form.field("part_numbers", part_choice(t, catalog, t("Parts")))
        note = form.field("note", ui.textarea(t("Note")).props("autogrow"))

        quantities: dict[str, int] = {}
        rows = box("amounts")

        async def take_typical_parts() -> None:
            typical = catalog.typical_parts(operations.value)
            new = {no: count for no, count in typical.items() if no not in quantities}
            quantities.update(new)
            await catalog.parts.know(new)
            parts.choose(new)

        async def show_quantities() -> None:
            await catalog.parts.know(parts.value)
            rows.clear()
            with rows:
                for part_number in parts.value:
                    with box("amount"):
                        text(catalog.parts.name(part_number), "amount-name")
                        quantity_field(quantities, part_number)

        operations.on_value_change(take_typical_parts)
        parts.on_value_change(show_quantities)

        def report() -> Awaitable[FoundView]:
            body = AdditionalWorkRequest(
                op_codes=operations.value,
                part_numbers=[no for no in parts.value for _ in range(quantities[no])],
                note=note.value or None,
            )
            return ctx.services.workshop.report_additional_work(
                ctx.store.id, job.job_id, body, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("op_codes"):
                await _report(form, opened, report)

        dialog_actions(form, opened, t("Report"), send)


async def _report(
    form: Form, opened: ui.dialog, command: Callable[[], Awaitable[JobView | FoundView]]
) -> None:
    if await submit(form, opened, command):
        ui.notify(form.ctx.t("Recorded."), type="positive", position="top")
