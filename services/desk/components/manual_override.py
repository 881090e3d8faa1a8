"""Manual overrides by a dispatcher (人工干预): dialogs with a reason, safe against concurrent
changes.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import box, dialog, facts, test_id, text
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    moment_field,
    moment_of,
)
from services.desk.context import PageContext
from services.desk.reasons import JobName, change_text
from shared.clients.workshop.models import (
    JobView,
    OverrideReason,
    OverrideRequest,
    PlannedJobView,
    PlanView,
    ReassignmentRequest,
    SwapJobsRequest,
    SwapView,
    TechnicianRequest,
)

Command = Callable[[OverrideRequest], Awaitable[object]]
"""Function that sends a change, for the reason and in the version of the request."""

Fields = Callable[[Form], Command]
"""Function that adds fields to a form and returns the command that sends them."""

REASONS = get_args(OverrideReason)
"""客户要求、技能、交接班、工作量、工位、车辆、带教、其他."""

_SOON = timedelta(minutes=5)


@dataclass(frozen=True)
class DispatchOptions:
    """Options of the dialogs: the day's plan and the names of its jobs."""

    plan: PlanView
    job_name: JobName

    def job(self, job_id: str) -> PlannedJobView:
        """Return a job of the plan."""
        return next(job for job in self.plan.jobs if job.job_id == job_id)

    def able(self, ctx: PageContext, job: PlannedJobView) -> dict[str, str]:
        """Return the technicians with skill and certificate for the job, names by id."""
        return {
            each.technician_id: ctx.colleague(each.technician_id)
            for each in self.plan.technicians
            if each.technician_id in job.qualified_technician_ids
        }

    def bays(self, ctx: PageContext, job: PlannedJobView) -> dict[str, str]:
        """Return the bays in which the job can be done, names by id."""
        return {bay_id: ctx.bay(bay_id) for bay_id in job.suitable_bay_ids}

    def exchangeable(self, job: PlannedJobView) -> dict[str, str]:
        """Return the jobs with which the job may be swapped, names by id."""
        return {
            other.job_id: self.job_name(other.job_id)
            for other in self.plan.jobs
            if other.swappable and other.skill_code == job.skill_code and other.job_id != job.job_id
        }


@dataclass(frozen=True)
class Slot:
    """Requested slot of a job: technicians, bay and start."""

    technician_ids: Sequence[str]
    bay_id: str | None
    starts_at: datetime | None

    @classmethod
    def of(cls, job: PlannedJobView) -> "Slot":
        """Return the slot in which the job is planned."""
        return cls(job.technician_ids, job.bay_id, job.planned_start_at)


def move(ctx: PageContext, options: DispatchOptions, job: PlannedJobView, slot: Slot) -> None:
    """Give a planned job to others, to another bay or another time (改派)."""
    t, able, bays, soon = ctx.t, options.able(ctx, job), options.bays(ctx, job), _soon(ctx)

    def fields(form: Form) -> Command:
        chosen = [each for each in slot.technician_ids if each in able]
        people = form.field(
            "technician_ids",
            ui.select(able, label=t("Technician"), multiple=True, value=chosen).props("use-chips"),
        )
        wanted = slot.bay_id if slot.bay_id in bays else None
        bay = form.field("bay_id", ui.select(bays, label=t("Bay"), value=wanted))
        start = moment_field(form, "starts_at", t("Start"), max(slot.starts_at or soon, soon))

        def send(asked: OverrideRequest) -> Awaitable[JobView]:
            body = ReassignmentRequest(
                version=asked.version,
                reason=asked.reason,
                note=asked.note,
                technician_ids=people.value,
                bay_id=bay.value,
                starts_at=moment_of(form, start),
            )
            return ctx.services.workshop.reassign_job(
                ctx.store.id, job.job_id, body, idempotency_key=form.attempt
            )

        return send

    needed = ("technician_ids", "bay_id", "starts_at")
    _OverrideDialog(ctx, options, job).open(t("Move"), fields, needed)


def swap(
    ctx: PageContext,
    options: DispatchOptions,
    job: PlannedJobView,
    other_job_id: str | None = None,
) -> None:
    """Let two planned jobs change technicians, bay and start (互换)."""
    others, opened = options.exchangeable(job), _OverrideDialog(ctx, options, job)

    def fields(form: Form) -> Command:
        wanted = other_job_id if other_job_id in others else None
        label = ctx.t("Swap with")
        other = form.field("other_job_id", ui.select(others, label=label, value=wanted))

        def send(asked: OverrideRequest) -> Awaitable[SwapView]:
            body = SwapJobsRequest(
                version=asked.version,
                reason=asked.reason,
                note=asked.note,
                other_job_id=other.value,
                other_version=opened.versions[other.value],
            )
            return ctx.services.workshop.swap_jobs(
                ctx.store.id, job.job_id, body, idempotency_key=form.attempt
            )

        return send

    opened.open(ctx.t("Swap"), fields, ("other_job_id",))


def pin(ctx: PageContext, options: DispatchOptions, job: PlannedJobView) -> None:
    """Keep the planner from moving a job (锁定)."""

    def fields(form: Form) -> Command:
        return lambda asked: ctx.services.workshop.pin_job(
            ctx.store.id, job.job_id, asked, idempotency_key=form.attempt
        )

    _OverrideDialog(ctx, options, job).open(ctx.t("Pin"), fields)


def unpin(ctx: PageContext, options: DispatchOptions, job: PlannedJobView) -> None:
    """Let the planner move a job again (解锁)."""

    def fields(form: Form) -> Command:
        return lambda asked: ctx.services.workshop.unpin_job(
            ctx.store.id, job.job_id, asked, idempotency_key=form.attempt
        )

    _OverrideDialog(ctx, options, job).open(ctx.t("Unpin"), fields)


def forbid(ctx: PageContext, options: DispatchOptions, job: PlannedJobView) -> None:
    """Keep a technician from a job (禁派)."""
    able = {
        technician_id: name
        for technician_id, name in options.able(ctx, job).items()
        if technician_id not in job.forbidden_technicians
    }
    opened = _OverrideDialog(ctx, options, job)
    fields = _exclusion(ctx, job, able, ctx.services.workshop.forbid_technician)
    opened.open(ctx.t("Exclude technician"), fields, ("technician_id",))


def allow(ctx: PageContext, options: DispatchOptions, job: PlannedJobView) -> None:
    """Cancel a technician's exclusion from a job (解禁)."""
    excluded = {each: ctx.colleague(each) for each in job.forbidden_technicians}
    opened = _OverrideDialog(ctx, options, job)
    fields = _exclusion(ctx, job, excluded, ctx.services.workshop.allow_technician)
    opened.open(ctx.t("Remove exclusion"), fields, ("technician_id",))


def _exclusion(
    ctx: PageContext,
    job: PlannedJobView,
    people: dict[str, str],
    operation: Callable[..., Awaitable[object]],
) -> Fields:
    """Return the fields that choose a technician for a change of the job's exclusions."""

    def fields(form: Form) -> Command:
        technician = _technician_field(ctx, form, people)
        return lambda asked: operation(
            ctx.store.id,
            job.job_id,
            _technician_request(asked, technician.value),
            idempotency_key=form.attempt,
        )

    return fields


def _technician_field(ctx: PageContext, form: Form, people: dict[str, str]) -> ui.select:
    first = next(iter(people), None) if len(people) == 1 else None
    return form.field("technician_id", ui.select(people, label=ctx.t("Technician"), value=first))


def _technician_request(asked: OverrideRequest, technician_id: str) -> TechnicianRequest:
    return TechnicianRequest(
        version=asked.version, reason=asked.reason, note=asked.note, technician_id=technician_id
    )


class _OverrideDialog:
    """Dialog that sends a change for the jobs in the ``versions`` shown.

    When another user has changed one meanwhile, it shows the present state and keeps the input;
    sending again then refers to that state.
    """

    def __init__(self, ctx: PageContext, options: DispatchOptions, job: PlannedJobView) -> None:
        self._ctx = ctx
        self._options = options
        self._job = job
        self.versions = {each.job_id: each.version for each in options.plan.jobs}

    def open(self, title: str, fields: Fields, needed: Sequence[str] = ()) -> None:
        """Ask for what ``fields`` adds, of which ``needed`` must be filled in, and a reason."""
        t = self._ctx.t
        with dialog(f"{title} · {self._options.job_name(self._job.job_id)}") as opened:
            form = Form(self._ctx)
            conflict = test_id("conflict", box("conflict"))
            command = fields(form)
            reason = form.field(
                "reason", ui.select(choices(t, "manual_override", REASONS), label=t("Reason"))
            )
            note = form.field("note", ui.textarea(t("Note")).props("autogrow rows=2"))

            def change() -> Awaitable[object]:
                version = self.versions[self._job.job_id]
                return command(
                    OverrideRequest(version=version, reason=reason.value, note=note.value or None)
                )

            async def send() -> None:
                if not form.require(*needed, "reason"):
                    return
                if await form.send(change):
                    opened.close()
                    await self._ctx.changed()
                elif form.conflict and form.error:
                    await self._show_present(conflict, form.error.values["job_id"])

            dialog_actions(form, opened, title, send)

    async def _show_present(self, place: ui.element, job_id: str) -> None:
        ctx, t = self._ctx, self._ctx.t
        job = await ctx.services.workshop.get_job(ctx.store.id, job_id)
        self.versions[job_id] = job.version
        name, zone = self._options.job_name, ctx.store.timezone
        place.clear()
        with place:
            text(t("Present state of {job}", job=name(job_id)), "section-title")
            facts(
                [
                    (t("Status"), t.code("status", job.status)),
                    (t("Technician"), t.listed(map(ctx.colleague, job.technician_ids))),
                    (t("Bay"), ctx.bay(job.bay_id)),
                    (
                        t("Planned"),
                        formats.span(job.planned_start_at, job.planned_finish_at, zone),
                    ),
                    (t("Changed because"), change_text(ctx, job.reason, name)),
                ]
            )


def _soon(ctx: PageContext) -> datetime:
    """Return the next full minutes in which planned work may begin."""
    return ctx.now().replace(second=0, microsecond=0) + _SOON
