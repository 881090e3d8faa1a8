"""Manual overrides by a dispatcher (人工派工): dialogs with a reason, safe against concurrent
changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import box, dialog, facts, test_id, text
from services.desk.components.forms import Form, choices, dialog_actions, moment_field, moment_of
from services.desk.context import PageContext
from services.desk.reasons import JobName, change_text

Job = Mapping[str, Any]
Body = Mapping[str, Any]
Fields = Callable[[Form], Callable[[], Body]]
"""Function that adds fields to a form and returns their reader."""

REASONS = (
    "customer_request",
    "skill",
    "shift_handover",
    "workload",
    "bay",
    "vehicle",
    "training",
    "other",
)
"""客户要求、技能、交接班、工作量、工位、车辆、带教、其他."""

_SOON = timedelta(minutes=5)


@dataclass(frozen=True)
class DispatchOptions:
    """Options of the dialogs: the day's plan and the names of its jobs."""

    plan: Mapping[str, Any]
    job_name: JobName

    def job(self, job_id: str) -> Job:
        """Return a job of the plan."""
        return next(job for job in self.plan["jobs"] if job["job_id"] == job_id)

    def able(self, job: Job) -> dict[str, str]:
        """Return the technicians with skill and certificate for the job, names by id."""
        return {
            each["technician_id"]: each["name"]
            for each in self.plan["technicians"]
            if each["technician_id"] in job["qualified_technician_ids"]
        }

    def bays(self, ctx: PageContext, job: Job) -> dict[str, str]:
        """Return the bays in which the job can be done, names by id."""
        return {bay_id: ctx.bay(bay_id) for bay_id in job["suitable_bay_ids"]}

    def exchangeable(self, job: Job) -> dict[str, str]:
        """Return the planned jobs of the same skill, names by id."""
        return {
            other["job_id"]: self.job_name(other["job_id"])
            for other in self.plan["jobs"]
            if other["status"] == "planned"
            and other["planned_start_at"]
            and other["skill_code"] == job["skill_code"]
            and other["job_id"] != job["job_id"]
        }


@dataclass(frozen=True)
class Slot:
    """Requested slot of a job: technicians, bay and start."""

    technician_ids: Sequence[str]
    bay_id: str
    starts_at: datetime

    @classmethod
    def of(cls, job: Job) -> "Slot":
        """Return the slot in which the job is planned."""
        starts_at = datetime.fromisoformat(job["planned_start_at"])
        return cls(job["technician_ids"], job["bay_id"], starts_at)


def move(ctx: PageContext, options: DispatchOptions, job: Job, slot: Slot) -> None:
    """Give a planned job to others, to another bay or another time (改派)."""
    t, able, bays = ctx.t, options.able(job), options.bays(ctx, job)

    def fields(form: Form) -> Callable[[], Body]:
        chosen = [each for each in slot.technician_ids if each in able]
        people = form.field(
            "technician_ids",
            ui.select(able, label=t("Technician"), multiple=True, value=chosen).props("use-chips"),
        )
        wanted = slot.bay_id if slot.bay_id in bays else None
        bay = form.field("bay_id", ui.select(bays, label=t("Bay"), value=wanted))
        start = moment_field(form, "starts_at", t("Start"), max(slot.starts_at, _soon(ctx)))
        return lambda: {
            "technician_ids": people.value,
            "bay_id": bay.value,
            "starts_at": moment_of(form, start),
        }

    needed = ("technician_ids", "bay_id", "starts_at")
    _override_dialog(ctx, options, job, ctx.t("Move"), "reassignment", fields, needed)


def swap(
    ctx: PageContext, options: DispatchOptions, job: Job, other_job_id: str | None = None
) -> None:
    """Let two planned jobs change technicians, bay and start (互换)."""
    others = options.exchangeable(job)

    def fields(form: Form) -> Callable[[], Body]:
        wanted = other_job_id if other_job_id in others else None
        label = ctx.t("Swap with")
        other = form.field("other_job_id", ui.select(others, label=label, value=wanted))
        return lambda: {"other_job_id": other.value}

    _override_dialog(ctx, options, job, ctx.t("Swap"), "swap", fields, ("other_job_id",))


def pin(ctx: PageContext, options: DispatchOptions, job: Job) -> None:
    """Keep the planner from moving a job (锁定)."""
    _override_dialog(ctx, options, job, ctx.t("Pin"), "pin")


def unpin(ctx: PageContext, options: DispatchOptions, job: Job) -> None:
    """Let the planner move a job again (解锁)."""
    _override_dialog(ctx, options, job, ctx.t("Unpin"), "unpin")


def forbid(ctx: PageContext, options: DispatchOptions, job: Job) -> None:
    """Keep a technician from a job (禁派)."""
    able = {
        technician_id: name
        for technician_id, name in options.able(job).items()
        if technician_id not in job["forbidden_technicians"]
    }
    _override_dialog(
        ctx,
        options,
        job,
        ctx.t("Exclude technician"),
        "forbid",
        _technician(ctx, able),
        ("technician_id",),
    )


def allow(ctx: PageContext, options: DispatchOptions, job: Job) -> None:
    """Cancel a technician's exclusion from a job (解禁)."""
    kept = {each: ctx.colleague(each) for each in job["forbidden_technicians"]}
    _override_dialog(
        ctx,
        options,
        job,
        ctx.t("Remove exclusion"),
        "allow",
        _technician(ctx, kept),
        ("technician_id",),
    )


def _technician(ctx: PageContext, people: dict[str, str]) -> Fields:
    def fields(form: Form) -> Callable[[], Body]:
        first = next(iter(people), None) if len(people) == 1 else None
        label = ctx.t("Technician")
        chosen = form.field("technician_id", ui.select(people, label=label, value=first))
        return lambda: {"technician_id": chosen.value}

    return fields


def _nothing(_: Form) -> Callable[[], Body]:
    return dict


def _override_dialog(
    ctx: PageContext,
    options: DispatchOptions,
    job: Job,
    title: str,
    action: str,
    fields: Fields = _nothing,
    needed: Sequence[str] = (),
) -> None:
    """Open a dialog that sends ``action`` for the jobs in the versions shown.

    When another user has changed one meanwhile, it shows the present state and keeps the input;
    sending again then refers to that state.
    """
    t, store = ctx.t, ctx.store_path
    seen = {each["job_id"]: each for each in options.plan["jobs"]}
    with dialog(f"{title} · {options.job_name(job['job_id'])}") as opened:
        form = Form(ctx)
        conflict = test_id("conflict", box("conflict"))
        read = fields(form)
        reason = form.field(
            "reason", ui.select(choices(t, "manual_override", REASONS), label=t("Reason"))
        )
        note = form.field("note", ui.textarea(t("Note")).props("autogrow rows=2"))

        def body() -> Body:
            answers = read()
            versions = {"version": seen[job["job_id"]]["version"]}
            if other := answers.get("other_job_id"):
                versions["other_version"] = seen[other]["version"]
            return {**answers, **versions, "reason": reason.value, "note": note.value or None}

        async def send() -> None:
            if not form.require(*needed, "reason"):
                return
            path = f"{store}/jobs/{job['job_id']}/{action}"
            done = await form.send(
                lambda: ctx.services.command("workshop", path, body(), attempt=form.attempt)
            )
            if done:
                opened.close()
                await ctx.changed()
            elif form.error and form.error.rule == "version_conflict":
                changed = await _present(ctx, seen[form.error.values["job_id"]])
                seen[changed["job_id"]] = changed
                _show_present(ctx, options, conflict, changed)

        dialog_actions(form, opened, title, send)


async def _present(ctx: PageContext, job: Job) -> Job:
    """Return the present state of the job."""
    path, order_id = f"{ctx.store_path}/jobs", job["order_id"]
    jobs: list[Job] = await ctx.services.get("workshop", path, order_id=order_id)
    return next(each for each in jobs if each["job_id"] == job["job_id"])


def _show_present(ctx: PageContext, options: DispatchOptions, slot: ui.element, job: Job) -> None:
    t, zone = ctx.t, ctx.store.timezone
    slot.clear()
    with slot:
        text(t("Present state of {job}", job=options.job_name(job["job_id"])), "section-title")
        facts(
            [
                (t("Status"), t.code("status", job["status"])),
                (t("Technician"), t.listed(map(ctx.colleague, job["technician_ids"]))),
                (t("Bay"), ctx.bay(job["bay_id"])),
                (
                    t("Planned"),
                    formats.span(job["planned_start_at"], job["planned_finish_at"], zone),
                ),
                (t("Changed because"), change_text(ctx, job["reason"], options.job_name)),
            ]
        )


def _soon(ctx: PageContext) -> datetime:
    """Return the next full minutes in which planned work may begin."""
    return ctx.now().replace(second=0, microsecond=0) + _SOON
