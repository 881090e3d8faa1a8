"""Clock of a job (工时): the time clocked so far, and its correction (工时更正)."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import badge, box, dialog, facts, test_id, text
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    moment_field,
    moment_of,
    submit,
)
from services.desk.components.partial_renderer import EverySecond
from services.desk.context import PageContext
from shared.clients.workshop.models import (
    ClockCorrection,
    ClockingView,
    JobView,
    PlannedJobView,
    TimeCorrectionReason,
    TimeCorrectionRequest,
)

REASONS = get_args(TimeCorrectionReason)
"""忘记开工打卡、忘记完工打卡、打错任务、其他."""

Job = JobView | PlannedJobView


def clocked_s(job: Job, seen_at: datetime, now: datetime) -> float:
    """Return the seconds on a job so far. Time that runs since a resumed pause counts from
    ``seen_at``.
    """
    begun = seen_at if job.clocked_s else job.started_at
    if job.status != "in_progress" or begun is None:
        return float(job.clocked_s)
    return job.clocked_s + (now - begun).total_seconds()


def own_s(clocking: ClockingView, now: datetime) -> float:
    """Return the seconds that one technician has clocked so far."""
    running = (now - clocking.resumed_at).total_seconds() if clocking.resumed_at else 0.0
    return clocking.clocked_s + running


def running_clock(ctx: PageContext, job: Job, every_second: EverySecond, classes: str) -> None:
    """Show the time on a job, second by second."""
    seen_at = ctx.now()
    label = text("", classes)

    def tell(now: datetime) -> None:
        label.set_text(formats.stopwatch(clocked_s(job, seen_at, now)))

    tell(seen_at)
    if job.status == "in_progress":
        every_second(tell)


async def clock_dialog(ctx: PageContext, job: PlannedJobView, name: str) -> None:
    """Ask when the technicians really began and ended; a time that is not edited stays."""
    t = ctx.t
    with dialog(f"{t('Correct time')} · {name}") as opened:
        clocked = formats.stopwatch(clocked_s(job, ctx.now(), ctx.now()))
        facts([(t("Clocked"), clocked)])
        earlier = box("corrections")
        form = Form(ctx, job.version)
        moments = {"started_at": moment_field(form, "started_at", t("Started"), job.started_at)}
        if job.finished_at:
            made = moment_field(form, "finished_at", t("Finished"), job.finished_at)
            moments["finished_at"] = made
        as_it_was = {field: made.value for field, made in moments.items()}
        reason = form.field(
            "reason", ui.select(choices(t, "correction", REASONS), label=t("Reason"))
        )
        text(t("Pauses and published reports do not change."), "hint")

        def correct() -> Awaitable[JobView]:
            changed = {
                field: moment_of(form, made)
                for field, made in moments.items()
                if made.value != as_it_was[field]
            }
            return ctx.services.workshop.correct_job_clock(
                ctx.store.id,
                job.job_id,
                TimeCorrectionRequest(
                    version=form.version,
                    started_at=changed.get("started_at"),
                    finished_at=changed.get("finished_at"),
                    reason=reason.value,
                ),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require(*moments, "reason"):
                await submit(form, opened, correct)

        dialog_actions(form, opened, t("Correct"), send)
    found = await form.send(
        lambda: ctx.services.workshop.list_clock_corrections(ctx.store.id, job.job_id)
    )
    with earlier:
        _corrections(ctx, found or ())


def _corrections(ctx: PageContext, found: Sequence[ClockCorrection]) -> None:
    """Show earlier corrections of the clock: by whom, when and why."""
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    for each in found:
        with test_id("correction", box("state-line")):
            badge(t.code("correction", each.reason), "warn")
            clocked = (each.original_clocked_s, each.clocked_s)
            text(" → ".join(map(formats.stopwatch, clocked)), "number")
            at = formats.day_and_clock(each.corrected_at, zone, now)
            text(f"{ctx.colleague(each.corrected_by)} · {at}", "card-note")
